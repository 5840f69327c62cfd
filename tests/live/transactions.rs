//! Connections and transactions, a test for each row of the comparison with SQLAlchemy's (`r3_3_3` is its
//! row 3.3.3). Isolation is with the servers, what a pool does with the pool.

use mirrorm::dialect::{Intent, Isolation};
use mirrorm::prelude::*;

use crate::support::{dialect, each_backend, each_server_url, each_sqlite, serial};

fn numbers(db: &Db) -> Table {
    let t = db.table("numbers", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
    db.create_all().unwrap();
    t
}

fn add(on: &impl mirrorm::engine::Execute, t: &Table, n: i64) {
    insert(t).values(values! { "n" => n }).run(on).unwrap();
}

fn all(on: &impl mirrorm::engine::Execute, t: &Table) -> Vec<i64> {
    select(t.c("n")).order_by(t.c("n")).scalars(on).unwrap()
}

#[test]
fn r3_3_1_a_session_begins_by_itself() {
    each_backend(|db| {
        let t = numbers(db);
        let session = db.session();
        add(&session, &t, 1);
        session.rollback().unwrap();
        add(&session, &t, 2);
        session.commit().unwrap();
        add(&session, &t, 3);
        drop(session);
        assert_eq!(all(db, &t), [2], "begun again after each end; what nobody committed is gone");
    });
}

#[test]
fn r3_3_2_begin_commits_or_rolls_back() {
    each_backend(|db| {
        let t = numbers(db);
        let conn = db.connect().unwrap();
        conn.transaction(|tx| {
            add(tx, &t, 1);
            Ok(())
        })
        .unwrap();
        let failed: Result<()> = conn.transaction(|tx| {
            add(tx, &t, 2);
            Err(mirrorm::Error::new(ErrorKind::Vetoed, "no"))
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Vetoed);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let tx = conn.begin(Intent::Write).unwrap();
            add(&tx, &t, 3);
            panic!("on the way");
        }));
        assert!(panicked.is_err());
        let tx = conn.begin(Intent::Write).unwrap();
        add(&tx, &t, 4);
        assert!(conn.begin(Intent::Write).is_err(), "begun already");
        tx.commit().unwrap();
        drop(conn);
        assert_eq!(all(db, &t), [1, 4]);
    });
}

#[test]
fn r3_3_3_savepoints() {
    each_backend(|db| {
        let t = numbers(db);
        let conn = db.connect().unwrap();
        let outer = conn.begin(Intent::Write).unwrap();
        add(&outer, &t, 1);
        let level = outer.savepoint().unwrap();
        add(&level, &t, 2);
        let inner = level.savepoint().unwrap();
        add(&inner, &t, 3);
        inner.rollback().unwrap();
        add(&level, &t, 4);
        let kept = level.savepoint().unwrap();
        add(&kept, &t, 5);
        kept.commit().unwrap();
        level.commit().unwrap();
        let lost = outer.savepoint().unwrap();
        add(&lost, &t, 6);
        drop(lost);
        // An error of a statement leaves the level around it usable.
        let level = outer.savepoint().unwrap();
        assert!(level.execute("INSERT INTO no_such VALUES (1)", ()).is_err());
        level.rollback().unwrap();
        add(&outer, &t, 7);
        outer.commit().unwrap();
        assert_eq!(all(&conn, &t), [1, 2, 4, 5, 7]);
        // The end of the transaction ends what is inside it.
        let outer = conn.begin(Intent::Write).unwrap();
        add(&outer, &t, 8);
        outer.rollback().unwrap();
        assert_eq!(all(&conn, &t), [1, 2, 4, 5, 7]);
    });
}

#[test]
fn r3_3_5_isolation_levels_are_listed() {
    // What each level means, and that it is restored: `r3_3_5_isolation_of_engine_session_connection`.
    let error = "snapshot".parse::<Isolation>().unwrap_err();
    for level in Isolation::ALL {
        assert!(error.message().contains(&level.to_string()), "{error}");
        assert_eq!(level.to_string().parse::<Isolation>().unwrap(), level);
    }
    each_server_url(|url| {
        let db = Db::open(&format!("{url}?isolation_level=SERIALIZABLE")).unwrap();
        let conn = db.connect().unwrap();
        let ask = match dialect(&db) {
            "mysql" => return,
            _ => "SHOW transaction_isolation",
        };
        let tx = conn.begin(Intent::Write).unwrap();
        assert_eq!(tx.query_text(ask, ()).unwrap().one().unwrap().get::<String>(0).unwrap(), "serializable");
    });
}

#[test]
fn r3_3_7_streams_hold_one_block() {
    each_backend(|db| {
        let t = numbers(db);
        insert(&t).rows(["n"], (0..5_000).map(|n| [n])).run(db).unwrap();
        let mut seen = 0;
        let first = select(t.c("n")).order_by(t.c("n")).stream(db, |rows| {
            for row in rows {
                seen += 1;
                if row?.get::<i64>(0)? == 10 {
                    break;
                }
            }
            Ok(seen)
        });
        assert_eq!(first.unwrap(), 11, "left early");
        assert_eq!(select(&t).count(db).unwrap(), 5_000, "and the connection is good for the next");
    });
}

#[test]
fn r3_3_8_text_for_the_driver() {
    each_backend(|db| {
        let t = numbers(db);
        let (one, two) = if dialect(db) == "postgresql" { ("$1", "$2") } else { ("?", "?") };
        let sql = format!("INSERT INTO numbers (id, n) VALUES ({one}, {two})");
        assert_eq!(db.execute(&sql, (1, 10)).unwrap(), 1);
        assert_eq!(all(db, &t), [10]);
        assert_eq!(db.execute(&sql, (1,)).unwrap_err().kind(), ErrorKind::Invalid, "one is missing");
    });
}

#[test]
fn r3_3_9_one_text_for_many() {
    each_backend(|db| {
        let t = numbers(db);
        let conn = db.connect().unwrap();
        let plan = insert(&t).rows(["n"], [[1], [2], [3]]);
        assert_eq!(plan.run(&conn).unwrap().rows(), 3);
        let bump = update(&t).set(values! { "n" => param("n") }).filter(t.c("id").eq(param("id")));
        let bump = bump.prepare(&conn).unwrap();
        let done = bump.run_many(&conn, ["id", "n"], [(1, 10), (2, 20), (9, 90)]).unwrap();
        assert_eq!(done, 2, "matched");
        assert_eq!(all(&conn, &t), [3, 10, 20]);
    });
}

#[test]
fn r3_3_10_sqlite_begins_before_everything() {
    each_sqlite(|db| {
        let conn = db.connect().unwrap();
        conn.execute_script("CREATE TABLE t (n)").unwrap();
        let tx = conn.begin(Intent::Write).unwrap();
        tx.execute("CREATE TABLE u (n)", ()).unwrap();
        tx.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        tx.rollback().unwrap();
        assert_eq!(conn.query_text("SELECT * FROM t", ()).unwrap().len(), 0);
        assert_eq!(conn.query_text("SELECT * FROM u", ()).unwrap_err().kind(), ErrorKind::NoSuchTable);
        // A transaction that reads sees one state, from its first SELECT.
        let tx = conn.begin(Intent::Deferred).unwrap();
        tx.query_text("SELECT * FROM t", ()).unwrap();
        assert!(conn.in_transaction());
    });
}

#[test]
fn r3_3_11_sqlite_pragmas() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:///{}", folder.path().join("x.db").display());
    let asked = |url: &str, sql: &str| -> String {
        let value: Value = Db::open(url).unwrap().query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap();
        value.to_string()
    };
    assert_eq!(asked(&file, "PRAGMA foreign_keys"), "1");
    assert_eq!(asked(&file, "PRAGMA journal_mode"), "wal");
    assert_eq!(asked(&file, "PRAGMA busy_timeout"), "5000");
    assert_eq!(asked(&format!("{file}?foreign_keys=off"), "PRAGMA foreign_keys"), "0");
}

#[test]
fn r3_3_12_a_transaction_says_where_it_stands() {
    each_backend(|db| {
        let t = numbers(db);
        let conn = db.connect().unwrap();
        assert!(!conn.in_transaction());
        let tx = conn.begin(Intent::Write).unwrap();
        assert!(conn.in_transaction());
        add(&tx, &t, 1);
        if dialect(db) == "postgresql" {
            assert!(tx.execute("INSERT INTO no_such VALUES (1)", ()).is_err());
            assert_eq!(tx.execute("SELECT 1", ()).unwrap_err().kind(), ErrorKind::PendingRollback);
            let error = tx.commit().unwrap_err();
            assert_eq!(
                (error.kind(), error.left()),
                (ErrorKind::PendingRollback, mirrorm::Left::Transaction)
            );
        } else {
            tx.rollback().unwrap();
        }
        assert!(!conn.in_transaction());
        assert!(all(&conn, &t).is_empty());
    });
}

#[test]
fn r3_3_16_the_driver_itself() {
    use mirrorm::dialect::sqlite;
    use mirrorm_dialects::{mysql, postgres};
    each_backend(|db| {
        db.execute_script(&format!("CREATE TABLE own (id {})", serial(db))).unwrap();
        let conn = db.connect().unwrap();
        let through = [
            sqlite::raw(&conn).map(|raw| raw.query_row("SELECT 42", [], |row| row.get::<_, i64>(0)).unwrap()),
            postgres::raw(&conn, |raw| raw.query_one("SELECT 42::int8", &[]).unwrap().get::<_, i64>(0)),
            mysql::raw(&conn, |raw| {
                ::mysql::prelude::Queryable::query_first(raw, "SELECT 42").unwrap().unwrap()
            }),
        ];
        assert_eq!(through.iter().flatten().collect::<Vec<_>>(), [&42], "one of them, and only one");
        assert_eq!(conn.query_text("SELECT * FROM own", ()).unwrap().len(), 0, "the connection goes on");
    });
}

#[test]
fn r3_3_14_everything_that_is_sent_is_told() {
    each_backend(|db| {
        let t = numbers(db);
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let list = seen.clone();
        let watch = db.engine().unwrap().observe(move |statement| {
            let failed = statement.error.map(mirrorm::Error::kind);
            let word = statement.sql.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            list.lock().unwrap().push((word, statement.rows, failed, statement.is_transaction()));
        });
        let conn = db.connect().unwrap();
        let tx = conn.begin(Intent::Write).unwrap();
        add(&tx, &t, 1);
        let level = tx.savepoint().unwrap();
        assert!(level.execute("INSERT INTO no_such VALUES (1)", ()).is_err());
        level.rollback().unwrap();
        tx.commit().unwrap();
        conn.begin(Intent::Write).unwrap().rollback().unwrap();
        drop(watch);
        add(&conn, &t, 2);
        let told = std::mem::take(&mut *seen.lock().unwrap());
        let words: Vec<&str> = told.iter().map(|(word, ..)| word.as_str()).collect();
        let begin = if dialect(db) == "mysql" { "START" } else { "BEGIN" };
        let inside = ["INSERT", "SAVEPOINT", "INSERT", "ROLLBACK"];
        assert_eq!(words[..5], [&[begin][..], &inside].concat());
        assert_eq!(words[words.len() - 3..], ["COMMIT", begin, "ROLLBACK"], "and nothing after");
        let kinds: Vec<bool> = told.iter().map(|(.., ends)| *ends).collect();
        assert_eq!((kinds[0], kinds[1], kinds[4]), (true, false, false), "a savepoint is no transaction");
        assert_eq!(told[1].1, Some(1), "rows");
        assert_eq!(told[3].2, Some(ErrorKind::NoSuchTable));
    });
}
