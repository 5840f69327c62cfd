//! Faults that somebody found in the servers' drivers.

use mirrorm::prelude::*;

use crate::support::{dialect, each_backend, each_server, each_server_url};

fn one(url: &str) -> Db {
    Db::open(&format!("{url}?pool_size=1&max_overflow=0")).unwrap()
}

fn count(url: &str, sql: &str) -> usize {
    Db::open(url).unwrap().query_text(sql, ()).unwrap().len()
}

#[test]
fn an_end_that_fails_is_no_end() {
    each_server_url(|url| {
        let db = one(url);
        db.execute_script("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let failed: Result<()> = db.connect().unwrap().transaction(|tx| {
            tx.execute("INSERT INTO t VALUES (1)", ())?;
            tx.execute("ROLLBACK TYPO", ()).map(|_| ())
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Syntax);
        db.execute("INSERT INTO t VALUES (2)", ()).unwrap();
        assert_eq!(count(url, "SELECT * FROM t"), 1, "the next user has a connection of its own");
    });
}

#[test]
fn a_transaction_that_chains_does_not_outlive_its_user() {
    each_server_url(|url| {
        let db = one(url);
        db.execute_script("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        for text in ["COMMIT AND CHAIN", "ROLLBACK AND CHAIN"] {
            let conn = db.connect().unwrap();
            conn.execute("BEGIN", ()).unwrap();
            conn.execute(text, ()).unwrap();
        }
        db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        assert_eq!(count(url, "SELECT * FROM t"), 1);
    });
}

#[test]
fn what_fails_behind_the_first_result_fails() {
    each_server(|db| {
        db.execute_script("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let several = db.execute("INSERT INTO t VALUES (1); INSERT INTO no_such VALUES (1)", ());
        assert!(matches!(several.unwrap_err().kind(), ErrorKind::NoSuchTable | ErrorKind::Syntax));
        if db.engine().unwrap().target().unwrap().features().returning != mirrorm::dialect::Returning::None {
            let twice = db.execute("INSERT INTO t VALUES (5), (6), (5) RETURNING n", ());
            assert_eq!(twice.unwrap_err().kind(), ErrorKind::Unique);
        }
        if dialect(db) == "mysql" {
            db.execute_script("CREATE PROCEDURE p() BEGIN SELECT 1; SIGNAL SQLSTATE '45000'; END").unwrap();
            assert!(db.execute("CALL p()", ()).is_err());
            assert!(db.query_text("CALL p()", ()).is_err());
        }
    });
}

#[test]
fn names_are_not_words() {
    each_server(|db| {
        let t =
            db.table("given", (column("id", Integer).primary_key(), column("changed", Varchar(9)))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["changed"], [["a"], ["b"], ["c"]]).run(db).unwrap();
        let session = db.session();
        session.query(&t).all().unwrap().iter().for_each(|r| r.set("changed", "x").unwrap());
        session.commit().unwrap();
        assert_eq!(select(&t).filter(t.c("changed").eq("x")).count(db).unwrap(), 3);
        if dialect(db) == "mysql" {
            let undone: Result<()> = db.connect().unwrap().transaction(|tx| {
                tx.execute("DELETE FROM given", ())?;
                let refused = tx.execute("CREATE TABLE templates (a INTEGER)", ()).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::Invalid, "it would commit: {refused}");
                assert_eq!(tx.execute("BEGIN", ()).unwrap_err().kind(), ErrorKind::Invalid);
                Err(refused)
            });
            undone.unwrap_err();
            assert_eq!(select(&t).count(db).unwrap(), 3);
        }
    });
}

#[test]
fn what_a_user_leaves_goes_with_the_user() {
    each_server_url(|url| {
        let db = one(url);
        db.execute_script("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let texts: &[&str] = match dialect(&db) {
            "mysql" => {
                &["LOCK TABLES t READ", "USE information_schema", "/*!40101 SET SESSION sql_mode = '' */"]
            }
            _ => &["/* a /* b */ c */ SET search_path = pg_catalog"],
        };
        for (n, text) in texts.iter().enumerate() {
            db.connect().unwrap().execute(text, ()).unwrap();
            db.execute(&format!("INSERT INTO t VALUES ({n})"), ()).unwrap_or_else(|e| panic!("{text}: {e}"));
        }
        if dialect(&db) == "mysql" {
            let mode: String = db.query_text("SELECT @@sql_mode", ()).unwrap().one().unwrap().get(0).unwrap();
            assert!(mode.contains("STRICT_TRANS_TABLES"), "{mode}");
        }
    });
}

#[test]
fn an_instant_after_the_time_zone_was_set() {
    each_server_url(|url| {
        if url.starts_with("postgres") {
            return;
        }
        let db = Db::open(&format!("{url}?time_zone=%2B00:00")).unwrap();
        let t = db.table("t", (column("id", Integer).primary_key(), column("at", Timestamp))).unwrap();
        db.create_all().unwrap();
        let at = || insert(&t).values(values! { "at" => "2024-01-01 12:00:00+00:00" });
        let conn = db.connect().unwrap();
        conn.execute("SET time_zone = '+05:00'", ()).unwrap();
        assert_eq!(at().run(&conn).unwrap_err().kind(), ErrorKind::Conversion, "which offset nobody knows");
        drop(conn);
        at().run(&db).unwrap();
        let read: Value = select(t.c("at")).scalar(&db).unwrap();
        assert_eq!(read.to_string(), "2024-01-01 12:00:00+00:00");
    });
}

#[test]
fn a_test_is_undone_however_it_says_commit() {
    each_server_url(|url| {
        let db = one(url);
        db.execute_script("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        {
            let _undone = db.test_transaction().unwrap();
            db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
            for text in ["COMMIT WORK", "COMMIT AND CHAIN", "ROLLBACK WORK"] {
                assert_eq!(db.execute(text, ()).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
            }
        }
        assert_eq!(count(url, "SELECT * FROM t"), 0);
    });
}

#[test]
fn a_conflict_that_ends_the_whole_transaction() {
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["id", "n"], [(1, 0)]).run(&db).unwrap();
        let conn = db.connect().unwrap();
        if conn.execute("SET SESSION innodb_snapshot_isolation = ON", ()).is_err() {
            return println!("only MariaDB has it");
        }
        let done = conn.transaction(|tx| {
            insert(&t).values(values! { "id" => 3 }).run(tx)?;
            select(&t).all(tx)?;
            update(&t).set(values! { "n" => 7 }).filter(t.c("id").eq(1)).run(&db)?;
            let eight = update(&t).set(values! { "n" => 8 }).filter(t.c("id").eq(1));
            let lost = tx.transaction(|inner| eight.run(inner));
            assert_eq!(lost.unwrap_err().kind(), ErrorKind::Serialization);
            // The database has rolled back more than the savepoint, so nothing goes on.
            let after = insert(&t).values(values! { "id" => 4 }).run(tx).unwrap_err();
            assert_eq!(after.kind(), ErrorKind::PendingRollback);
            Ok(())
        });
        assert_eq!(done.unwrap_err().kind(), ErrorKind::PendingRollback, "it is not committed, and says so");
        assert_eq!(select(t.c("id")).scalars::<i64>(&db).unwrap(), [1]);
    });
}

/// What a column would round is refused, whoever made the table.
#[test]
fn precision_of_columns_that_were_found() {
    each_server_url(|url| {
        let db = &Db::open(url).unwrap();
        let (kinds, more): (_, &[(&str, &str, &str)]) = match dialect(db) {
            "mysql" => ("whole DATETIME, three DATETIME(3), clock TIME, stamp TIMESTAMP NULL", &[]),
            _ => (
                "whole TIMESTAMP(0), three TIMESTAMP(3), clock TIME(0), stamp TIMESTAMP(0) WITH TIME ZONE,
                 span INTERVAL(0), hundreds NUMERIC(5,-2), list NUMERIC(5,2)[]",
                &[
                    ("span", "PT1.5S", "PT1S"),
                    ("hundreds", "12345", "12300"),
                    ("list", "[1.005]", "[1.00,2.50]"),
                ],
            ),
        };
        db.execute_script(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {kinds})")).unwrap();
        db.reflect().unwrap();
        let t = db.table_named("t").unwrap();
        let all = [
            ("whole", "2024-02-29 12:30:00.5", "2024-02-29 12:30:00"),
            ("three", "2024-02-29 12:30:00.0005", "2024-02-29 12:30:00.125"),
            ("clock", "12:30:00.999999", "12:30:01"),
            ("stamp", "2024-02-29T12:30:00.5+00:00", "2024-02-29T12:30:00+00:00"),
        ];
        for (at, (name, fine, kept)) in all.iter().chain(more).enumerate() {
            let id = at as i64;
            let given = |text: &str| match text.starts_with('[') {
                true => Value::Json(text.parse().unwrap()),
                false => Value::from(text),
            };
            let refused = insert(&t).values(values! { "id" => id, *name => given(fine) }).run(db);
            let error = refused.map(drop).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Conversion, "{name}: {error}");
            assert!(error.message().contains("rounded") || error.message().contains(name), "{error}");
            insert(&t).values(values! { "id" => id, *name => given(kept) }).run(db).unwrap();
            let back: Value = select(t.c(name)).filter(t.c("id").eq(id)).scalar(db).unwrap();
            let shown = back.to_string().replace(' ', "T").replace(['{', '}'], "");
            assert!(
                shown.starts_with(&kept.replace(' ', "T").replace("+00:00", "").replace(['[', ']'], "")),
                "{name}: {shown}"
            );
        }
        // Said again elsewhere, it is the same.
        let ours = db
            .table(
                "ours",
                (
                    column("id", Integer).primary_key(),
                    column("at", DateTime.digits(0)).server_default(func::now()),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        insert(&ours).values(values! { "id" => 1 }).run(db).unwrap();
        let at: Value = select(ours.c("at")).scalar(db).unwrap();
        assert!(matches!(at, Value::DateTime(at) if at.time().nanos() % 1_000_000_000 == 0), "{at:?}");
        let again = Db::open(url).unwrap();
        again.reflect().unwrap();
        let other = again.table_named("ours").unwrap();
        assert_eq!(*other.def().column("at").unwrap().ty(), DateTime.digits(0));
    });
}

/// Bytes that are no text, from a column of text: nothing is made up, and nothing is lost.
#[test]
fn text_that_is_no_utf8() {
    each_server_url(|url| {
        if dialect(&Db::open(url).unwrap()) == "mysql" {
            // A table of another character set is text as any other; a session that was told to speak
            // another one gives bytes.
            let db = Db::open(url).unwrap();
            db.execute_script("CREATE TABLE t (word VARCHAR(9) CHARACTER SET latin1)").unwrap();
            db.execute("INSERT INTO t VALUES (?)", ("é",)).unwrap();
            let conn = db.connect().unwrap();
            let word = |sql: &str| conn.query_text(sql, ()).unwrap().one().unwrap().get::<Value>(0).unwrap();
            assert_eq!(word("SELECT word FROM t"), Value::from("é"));
            assert_eq!(word("SELECT HEX(word) FROM t"), Value::from("E9"));
            conn.execute("SET character_set_results = latin1", ()).unwrap();
            let odd = word("SELECT word FROM t");
            assert!(matches!(&odd, Value::Other(other) if format!("{other:?}").contains("233")), "{odd:?}");
            return;
        }
        let name = url.rsplit_once('/').unwrap().1;
        let admin = Db::open(url).unwrap();
        let script = format!(
            "CREATE DATABASE {name}_ascii ENCODING SQL_ASCII TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        );
        admin.execute(&script, ()).unwrap();
        let db = Db::open(&format!("{url}_ascii")).unwrap();
        db.execute_script("CREATE TABLE t (word text); INSERT INTO t VALUES (convert_from('\\xe9', 'SQL_ASCII')), ('plain')").unwrap();
        // The server itself does not let such text through, and says so.
        let error = db.query_text("SELECT word FROM t", ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conversion, "{error}");
        // Unless it is told not to look.
        let conn = db.connect().unwrap();
        conn.execute("SET client_encoding = 'SQL_ASCII'", ()).unwrap();
        let all = conn.query_text("SELECT word FROM t ORDER BY word", ()).unwrap();
        let words: Vec<Value> = all.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(words[0], Value::from("plain"));
        assert!(matches!(&words[1], Value::Other(_)), "{:?}", words[1]);
        // It can be written back, and is the same byte there.
        conn.execute("INSERT INTO t VALUES ($1)", (words[1].clone(),)).unwrap();
        let same =
            conn.query_text("SELECT count(*) FROM t WHERE word = convert_from('\\xe9', 'SQL_ASCII')", ());
        assert_eq!(same.unwrap().one().unwrap().get::<i64>(0).unwrap(), 2);
        drop(conn);
        db.engine().unwrap().dispose();
        drop(db);
        admin.execute(&format!("DROP DATABASE {name}_ascii"), ()).unwrap();
    });
}

#[test]
fn keys_that_were_given_are_told() {
    each_backend(|db| {
        let t = db.table("t", (column("id", BigInteger).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        let ids = |rows: Vec<(i64, i64)>| insert(&t).rows(["id", "n"], rows).ids(db).unwrap();
        assert_eq!(ids(vec![(-5, 1), (7, 2), (3, 3)]), [-5, 7, 3]);
        assert_eq!(ids(vec![(i64::MIN, 1)]), [i64::MIN]);
        assert_eq!(ids(vec![(0, 1)]), [0]);
        assert_eq!(insert(&t).values(values! { "id" => -9, "n" => 1 }).run(db).unwrap().id(), Some(-9));
    });
}
