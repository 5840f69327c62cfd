//! What a server is told, and what happens when it, or the way to it, fails.

use std::time::Duration;

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;

use crate::support::{dialect, each_server, each_server_url, is_postgres};

fn with(url: &str, query: &str) -> String {
    format!("{url}?{query}")
}

fn asked(db: &Db, sql: &str) -> String {
    db.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
}

#[test]
fn driver_hacks_as_the_server_sees_them() {
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let options = db.engine().unwrap().options().clone();
        if is_postgres(url) {
            assert_eq!(options.pool_size(), Some(5));
            assert_eq!(asked(&db, "SHOW application_name"), "mirrorm");
            let who = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'tester'";
            let named = Db::open(&with(url, "application_name=tester")).unwrap();
            assert_eq!(asked(&named, who), "1");
            let set =
                Db::open(&with(url, "time_zone=Asia/Tokyo&statement_timeout=7s&lock_timeout=3s")).unwrap();
            assert_eq!(asked(&set, "SHOW TimeZone"), "Asia/Tokyo");
            assert_eq!(asked(&set, "SHOW statement_timeout"), "7s");
            assert_eq!(asked(&set, "SHOW lock_timeout"), "3s");
            set.execute("SET statement_timeout = '1h'", ()).unwrap();
            assert_eq!(asked(&set, "SHOW statement_timeout"), "7s", "what a user sets goes with the user");
        } else {
            assert_eq!(options.pool_size(), Some(10));
            assert_eq!(asked(&db, "SELECT @@character_set_client"), "utf8mb4");
            assert_eq!(asked(&db, "SELECT @@character_set_results"), "utf8mb4");
            let mode = asked(&db, "SELECT @@sql_mode");
            assert!(mode.contains("STRICT_TRANS_TABLES") && mode.contains("NO_AUTO_VALUE_ON_ZERO"), "{mode}");
            let set =
                Db::open(&with(url, "time_zone=%2B09:00&lock_timeout=3s&sql_mode=ANSI&charset=utf8mb3"))
                    .unwrap();
            assert_eq!(asked(&set, "SELECT @@time_zone"), "+09:00");
            assert_eq!(asked(&set, "SELECT CAST(@@innodb_lock_wait_timeout AS CHAR)"), "3");
            assert!(asked(&set, "SELECT @@sql_mode").contains("ANSI_QUOTES"));
            assert_eq!(asked(&set, "SELECT @@character_set_client"), "utf8mb3");
            set.execute("SET time_zone = '+01:00'", ()).unwrap();
            assert_eq!(asked(&set, "SELECT @@time_zone"), "+09:00", "what a user sets goes with the user");
        }
        let small = Db::open_with(url, EngineOptions::new().size(2)).unwrap();
        assert_eq!(small.engine().unwrap().options().pool_size(), Some(2), "what is given stays");
    });
}

#[test]
fn right_under_any_sql_mode() {
    each_server_url(|url| {
        if is_postgres(url) {
            return;
        }
        let modes = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,STRICT_ALL_TABLES";
        for mode in ["", modes] {
            let db = Db::open(&with(url, &format!("sql_mode={mode}"))).unwrap();
            let said = column("said", Varchar(40)).server_default("it\\'s \"so\"");
            let t = db.table("Odd \"name`", (column("id", Integer).primary_key(), said)).unwrap();
            db.create_all().unwrap();
            insert(&t).values(values! { "id" => 1 }).run(&db).unwrap();
            insert(&t).values(values! { "id" => 2, "said" => "back\\slash" }).run(&db).unwrap();
            let both = select(t.c("said").concat("|").concat(t.c("id"))).order_by(t.c("id"));
            let told: Vec<String> = both.scalars(&db).unwrap();
            assert_eq!(told, ["it\\'s \"so\"|1", "back\\slash|2"], "under `{mode}`");
            assert_eq!(select(&t).filter(!t.c("id").between(1, 1)).count(&db).unwrap(), 1);
            assert_eq!(select(&t).filter(t.c("said").is_not("back\\slash")).count(&db).unwrap(), 1);
            db.drop_all().unwrap();
        }
    });
}

#[test]
fn who_is_not_let_in_is_told_why() {
    each_server_url(|url| {
        let (front, rest) = url.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let nobody = format!("{front}://nobody:se%63ret@{host}");
        if let Err(error) = Db::open(&nobody) {
            assert_eq!(error.kind(), ErrorKind::Open, "{error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("secret") && !shown.contains("se%63ret"), "{shown}");
        }
        let (base, _) = url.rsplit_once('/').unwrap();
        let error = Db::open(&format!("{base}/no_such_database")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Open, "{error}");
        let nowhere = format!("{front}://user:secret@127.0.0.1:1/x");
        let error = Db::open(&nowhere).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Open, "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    });
}

/// The statement that ends the connection of a number, from another connection.
fn kill(db: &Db, id: &str) {
    let sql = match dialect(db) {
        "mysql" => format!("KILL {id}"),
        _ => format!("SELECT pg_terminate_backend({id})"),
    };
    db.execute_script(&sql).unwrap();
}

fn own_id(conn: &impl mirrorm::engine::Execute, db: &Db) -> String {
    let sql = match dialect(db) {
        "mysql" => "CAST(CONNECTION_ID() AS CHAR)",
        _ => "CAST(pg_backend_pid() AS text)",
    };
    select(raw(sql)).scalar(conn).unwrap()
}

#[test]
fn r3_3_13_and_3_5_3_a_connection_that_is_gone() {
    each_server(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        // Before a statement.
        let conn = db.connect().unwrap();
        let id = own_id(&conn, db);
        kill(db, &id);
        std::thread::sleep(Duration::from_millis(50));
        let error = select(&t).all(&conn).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
        drop(conn);
        assert_eq!(select(&t).count(db).unwrap(), 0, "the next checkout works");
        // In a transaction, before COMMIT: nothing is committed, and it is known that nobody knows.
        let session = db.session();
        session.add(t.record(values! { "n" => 1 }).unwrap()).unwrap();
        session.flush().unwrap();
        let id = own_id(&session, db);
        kill(db, &id);
        std::thread::sleep(Duration::from_millis(50));
        let unknown = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let own = unknown.clone();
        let _told = db.signals().commit_unknown.connect(move |_, changes| {
            own.fetch_add(changes.len(), std::sync::atomic::Ordering::Relaxed);
        });
        let error = session.commit().unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Disconnected, mirrorm::Outcome::Unknown),
            "{error}"
        );
        assert!(!error.is_retryable());
        assert_eq!(unknown.load(std::sync::atomic::Ordering::Relaxed), 1);
        drop(session);
        assert_eq!(select(&t).count(db).unwrap(), 0);
        db.transaction(|session| session.add(t.record(values! { "n" => 2 })?)).unwrap();
        assert_eq!(select(&t).count(db).unwrap(), 1);
    });
}

#[test]
fn statements_that_a_server_refuses() {
    each_server(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("small", SmallInteger))).unwrap();
        db.create_all().unwrap();
        let error = insert(&t).values(values! { "small" => 40_000 }).run(db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conversion, "out of range: {error}");
        let error = insert(&t).rows(["small"], [[1], [40_000], [2]]).run(db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conversion, "out of range: {error}");
        assert_eq!(select(&t).count(db).unwrap(), 0, "nothing was stored");
        let kinds = [
            ("SELEC 1", ErrorKind::Syntax),
            ("SELECT * FROM no_such", ErrorKind::NoSuchTable),
            ("SELECT no_such FROM t", ErrorKind::NoSuchColumn),
            ("SELECT id FROM t AS a, t AS b", ErrorKind::AmbiguousColumn),
            ("SELECT no_such_function(1)", ErrorKind::Syntax),
        ];
        for (sql, kind) in kinds {
            let error = db.query_text(sql, ()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.sql(), Some(sql));
        }
        assert_eq!(db.query_text("SELECT 1", (5,)).unwrap_err().kind(), ErrorKind::Invalid);
        let error = db.read(|session| insert(&t).values(values! { "small" => 1 }).run(session)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
        let wide = "x".repeat(70 << 20);
        if dialect(db) == "mysql" {
            let error = db.query_text("SELECT LENGTH(?)", (wide,)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::Disconnected), "{error}");
            assert_eq!(asked(db, "SELECT 'well'"), "well", "the next checkout works");
        }
    });
}

#[test]
fn two_transactions_that_wait_for_each_other() {
    each_server(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["id", "n"], [(1, 0), (2, 0)]).run(db).unwrap();
        let barrier = std::sync::Barrier::new(2);
        let both = |first: i64, second: i64| {
            let mut tries = 0;
            db.retry(5, |session| {
                tries += 1;
                let bump = |id: i64| {
                    update(&t).set(values! { "n" => raw("n + 1") }).filter(t.c("id").eq(id)).run(session)
                };
                bump(first)?;
                if tries == 1 {
                    barrier.wait();
                }
                bump(second)
            })
            .map(|_| tries)
        };
        let tries = std::thread::scope(|scope| {
            let one = scope.spawn(|| both(1, 2));
            let two = scope.spawn(|| both(2, 1));
            one.join().unwrap().unwrap() + two.join().unwrap().unwrap()
        });
        assert_eq!(tries, 3, "one of them was ended by the server, and done again");
        assert_eq!(select(t.c("n")).order_by(t.c("id")).scalars::<i64>(db).unwrap(), [2, 2]);
    });
}

/// Opens, uses and drops a database where a runtime is.
fn use_and_drop(url: &str) {
    let db = Db::open(url).unwrap();
    let t = db.table("t", column("n", Integer)).unwrap();
    db.create_all().unwrap();
    insert(&t).rows(["n"], [[1], [2]]).run(&db).unwrap();
    let sum = select(t.c("n")).stream(&db, |rows| rows.map(|row| row?.get::<i64>(0)).sum::<Result<i64>>());
    assert_eq!(sum.unwrap(), 3);
    let session = db.session();
    assert_eq!(session.query(&t).all().unwrap().len(), 2);
    drop(session);
    db.drop_all().unwrap();
}

#[test]
fn inside_an_async_runtime() {
    each_server_url(|url| {
        let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        current.block_on(async { use_and_drop(url) });
        let several =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        several.block_on(async { use_and_drop(url) });
        let own = url.to_string();
        several.block_on(async { tokio::task::spawn_blocking(move || use_and_drop(&own)).await.unwrap() });
        // Made outside, used and dropped inside.
        let db = Db::open(url).unwrap();
        several.block_on(async move { drop((asked(&db, "SELECT 'x'"), db)) });
    });
}

#[test]
fn r3_3_5_isolation_of_engine_session_connection() {
    use mirrorm::dialect::{Intent, Isolation};
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        let add = || insert(&t).values(values! { "n" => 1 }).run(&db).unwrap();
        // Whether a transaction sees what others committed after it looked first.
        let sees = |count: &dyn Fn() -> u64| {
            let before = count();
            add();
            count() > before
        };
        for (level, seen) in [(Isolation::ReadCommitted, true), (Isolation::RepeatableRead, false)] {
            let conn = db.connect().unwrap();
            conn.set_isolation(level).unwrap();
            let tx = conn.begin(Intent::Deferred).unwrap();
            assert_eq!(sees(&|| select(&t).count(&tx).unwrap()), seen, "a connection's, {level}");
            assert_eq!(conn.set_isolation(None).unwrap_err().kind(), ErrorKind::Invalid, "too late");
            tx.rollback().unwrap();
            let session = db.session_with(SessionOptions::new().isolation(level));
            session.begin(Intent::Write).unwrap();
            assert_eq!(sees(&|| select(&t).count(&session).unwrap()), seen, "a session's, {level}");
            session.rollback().unwrap();
            let engine = Db::open(&with(url, &format!("isolation_level={level}").replace(' ', "_"))).unwrap();
            let conn = engine.connect().unwrap();
            let tx = conn.begin(Intent::Write).unwrap();
            assert_eq!(sees(&|| select(&t).count(&tx).unwrap()), seen, "an engine's, {level}");
            tx.rollback().unwrap();
            drop(conn);
            let stands = engine.read(|session| Ok(sees(&|| select(&t).count(session).unwrap())));
            assert!(!stands.unwrap(), "what only reads sees one state");
        }
        let conn = db.connect().unwrap();
        let tx = conn.begin(Intent::Write).unwrap();
        let default = sees(&|| select(&t).count(&tx).unwrap());
        assert_eq!(default, is_postgres(url), "the server's own again");
        tx.rollback().unwrap();
        let wrong = Db::open(&with(url, "isolation_level=snapshot")).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Config);
    });
}

/// Behind a pooler that gives every transaction another connection no statement has a name.
#[test]
fn without_named_statements() {
    each_server_url(|url| {
        let db = Db::open(&with(url, "statement_cache=0")).unwrap();
        let t = db
            .table(
                "t",
                (column("id", Integer).primary_key(), column("a", Varchar(9)), column("at", DateTime)),
            )
            .unwrap();
        db.create_all().unwrap();
        let at = Value::DateTime("2024-02-29 12:30:00".parse().unwrap());
        let rows = (1..=50).map(|n| (format!("a{n}"), at.clone()));
        assert_eq!(insert(&t).rows(["a", "at"], rows).ids(&db).unwrap().len(), 50);
        let session = db.session();
        let all = session.query(&t).order_by(t.c("id")).all().unwrap();
        all.iter().for_each(|record| record.set("a", "b").unwrap());
        session.commit().unwrap();
        assert_eq!(select(&t).filter(t.c("a").eq("b")).count(&db).unwrap(), 50);
        assert!(select(&t).filter(t.c("id").eq(-1)).all(&db).unwrap().is_empty(), "no row tells no columns");
        let streamed = select(&t).stream(&db, |rows| Ok(rows.count())).unwrap();
        assert_eq!(streamed, 50);
        let conn = db.connect().unwrap();
        if is_postgres(url) {
            let named = conn.query_text("SELECT name FROM pg_prepared_statements", ()).unwrap();
            assert!(named.is_empty(), "{named:?}");
        }
    });
}

/// A table that another connection changes between two runs of one text.
#[test]
fn a_plan_that_went_stale() {
    each_server_url(|url| {
        let (db, other) = (Db::open(url).unwrap(), Db::open(url).unwrap());
        other.execute_script("CREATE TABLE t (a INTEGER)").unwrap();
        let conn = db.connect().unwrap();
        let width = || conn.query_text("SELECT * FROM t", ()).map(|rows| rows.columns().len());
        assert_eq!(width().unwrap(), 1);
        other.execute_script("ALTER TABLE t ADD COLUMN b INTEGER").unwrap();
        assert_eq!(width().unwrap(), 2, "prepared again without a word");
        let tx = conn.begin(mirrorm::dialect::Intent::Write).unwrap();
        drop(tx);
        let text = || conn.query_text("SELECT * FROM t WHERE 1 = 1", ()).map(|rows| rows.columns().len());
        assert_eq!(text().unwrap(), 2);
        other.execute_script("ALTER TABLE t ADD COLUMN c INTEGER").unwrap();
        let tx = conn.begin(mirrorm::dialect::Intent::Write).unwrap();
        let inside = text();
        assert!(
            inside.as_ref().map_or_else(|e| e.kind() == ErrorKind::Stale, |width| *width == 3),
            "{inside:?}"
        );
        drop(tx);
        assert_eq!(text().unwrap(), 3);
    });
}
