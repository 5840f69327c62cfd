//! URLs, engines and what they tell, a test for each row of the comparison with SQLAlchemy's (`r3_1_2` is
//! its row 3.1.2).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mirrorm::dialect::{Url, UrlParts};
use mirrorm::engine::{EngineOptions, PoolEventKind};
use mirrorm::prelude::*;

use crate::support::{dialect, each_backend, each_server_url, is_postgres};

#[test]
fn r3_1_1_urls() {
    // Schemes, drivers after a plus, escapes, brackets, empty passwords: of all, in `url_parts`.
    each_server_url(|url| {
        let parts = UrlParts::of(&Url::parse(url).unwrap()).unwrap();
        // Every character that has a meaning in a URL, in a name and a password.
        let odd = "a:b@c/d?e#f%g h+i";
        let admin = Db::open(url).unwrap();
        let name = format!("odd{}", parts.port.unwrap_or(0));
        let script = match is_postgres(url) {
            true => format!("CREATE ROLE \"{name}@:/\" LOGIN PASSWORD '{odd}'"),
            false => format!(
                "CREATE USER '{name}@:/'@'%' IDENTIFIED BY '{odd}'; GRANT ALL ON *.* TO '{name}@:/'@'%'"
            ),
        };
        admin.execute_script(&script).unwrap();
        let own = UrlParts { user: Some(format!("{name}@:/")), password: Some(odd.into()), ..parts };
        let db = Db::open(&own.url().unmasked());
        let drop = if is_postgres(url) { "DROP ROLE" } else { "DROP USER" };
        let quoted = if is_postgres(url) { format!("\"{name}@:/\"") } else { format!("'{name}@:/'@'%'") };
        let who =
            if is_postgres(url) { "SELECT CAST(current_user AS text)" } else { "SELECT CURRENT_USER()" };
        let seen: String = db.unwrap().query_text(who, ()).unwrap().one().unwrap().get(0).unwrap();
        admin.execute_script(&format!("{drop} {quoted}")).unwrap();
        assert!(seen.starts_with(&format!("{name}@:/")), "{seen}");
    });
    for wrong in ["postgresql://h/d?pool_size=1&pool_size=2", "mysql://h:x/d", "nosql://h", "shop.db"] {
        assert_eq!(Db::open(wrong).unwrap_err().kind(), ErrorKind::Config, "{wrong}");
    }
}

#[test]
fn r3_1_2_url_values() {
    let url = Url::parse("postgresql://ann:secret@h/d?a=1").unwrap();
    let other = UrlParts::of(&url).unwrap().with("a", "1").url();
    let set: std::collections::HashSet<Url> = [url.clone(), other].into();
    assert_eq!(set.len(), 1, "equal and hashed alike");
    let moved = UrlParts { host: Some("h2".into()), ..UrlParts::of(&url).unwrap() }.with("b", "2").url();
    assert_eq!(moved.to_string(), "postgresql://ann:***@h2/d?a=1&b=2", "shown without its password");
    assert_eq!(moved.unmasked(), "postgresql://ann:secret@h2/d?a=1&b=2");
    assert_eq!(url.to_string(), "postgresql://ann:***@h/d?a=1", "the first is what it was");
}

#[test]
fn r3_1_3_lazy_and_asked_once() {
    let nowhere = Db::new();
    nowhere.init(Config::new().url("postgresql://127.0.0.1:1/x")).unwrap();
    assert_eq!(nowhere.engine().unwrap().pool_status().idle, 0);
    assert_eq!(nowhere.execute("SELECT 1", ()).unwrap_err().kind(), ErrorKind::Open);
    each_server_url(|url| {
        let db = Db::new();
        db.init(Config::new().url(url)).unwrap();
        let status = db.engine().unwrap().pool_status();
        assert_eq!((status.idle, status.in_use), (0, 0), "making an engine does not connect");
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{version}");
    });
}

#[test]
fn r3_1_4_engine_parameters() {
    each_server_url(|url| {
        let query =
            "pool_size=3&max_overflow=2&pool_timeout=0.5&pool_recycle=60&pool_pre_ping=on&pool_use_lifo=off";
        let db = Db::open(&format!("{url}?{query}")).unwrap();
        let wanted = EngineOptions::new()
            .size(3)
            .overflow(2)
            .timeout(Duration::from_millis(500))
            .recycle(Duration::from_secs(60))
            .ping_after(Duration::ZERO)
            .lifo(false);
        assert_eq!(*db.engine().unwrap().options(), wanted);
        let unlimited = Db::open(&format!("{url}?max_overflow=-1")).unwrap();
        let held: Vec<_> = (0..25).map(|_| unlimited.connect().unwrap()).collect();
        assert_eq!(held.len(), 25);
        for wrong in ["pool_size=x", "pool_timeout=-1", "isolation_level=high", "no_such=1"] {
            assert_eq!(Db::open(&format!("{url}?{wrong}")).unwrap_err().kind(), ErrorKind::Config, "{wrong}");
        }
    });
}

#[test]
fn r3_1_8_dispose() {
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let (held, idle) = (db.connect().unwrap(), db.connect().unwrap());
        drop(idle);
        db.engine().unwrap().dispose();
        assert_eq!(db.engine().unwrap().pool_status().idle, 0);
        assert_eq!(held.query_text("SELECT 1", ()).unwrap().len(), 1, "what is in use stays");
        drop(held);
        assert_eq!(db.engine().unwrap().pool_status().idle, 0, "and is closed when it comes back");
        assert_eq!(db.query_text("SELECT 1", ()).unwrap().len(), 1, "the engine goes on");
    });
}

#[test]
fn r3_1_9_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn sent<T: Send>(_: &T) {}
    each_backend(|db| {
        shared(db);
        shared(&db.engine().unwrap());
        let conn = db.connect().unwrap();
        sent(&conn);
        let rows = std::thread::scope(|scope| {
            scope.spawn(move || conn.query_text("SELECT 1", ()).unwrap().len()).join().unwrap()
        });
        assert_eq!(rows, 1);
    });
}

#[test]
fn r3_2_10_events() {
    each_server_url(|url| {
        let db = Db::open_with(url, EngineOptions::new().size(1).overflow(1)).unwrap();
        let engine = db.engine().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = seen.clone();
        let watch = engine.observe_pool(move |event| {
            assert!(!event.database.contains(":test@"), "no password");
            list.lock().unwrap().push((event.connection, event.kind));
        });
        let told = || std::mem::take(&mut *seen.lock().unwrap());
        use PoolEventKind::{Checkin, Checkout, Close, Connect, Invalidate};
        let (one, two) = (db.connect().unwrap(), db.connect().unwrap());
        drop((one, two));
        let lent = [(1, Checkout), (2, Connect), (2, Checkout), (1, Checkin), (2, Checkin), (2, Close)];
        assert_eq!(told(), lent);
        let gone = db.connect().unwrap();
        kill_it(url, &gone);
        assert_eq!(gone.query_text("SELECT 1", ()).unwrap_err().kind(), ErrorKind::Disconnected);
        drop(gone);
        assert_eq!(told(), [(1, Checkout), (1, Invalidate), (1, Checkin), (1, Close)]);
        db.query_text("SELECT 1", ()).unwrap();
        engine.dispose();
        assert_eq!(told(), [(3, Connect), (3, Checkout), (3, Checkin), (3, Close)]);
        drop(watch);
        db.query_text("SELECT 1", ()).unwrap();
        assert_eq!(told(), [], "nobody listens any more");
    });
}

#[test]
fn r3_2_12_what_is_dropped_comes_back() {
    each_backend(|db| {
        let engine = db.engine().unwrap();
        for _ in 0..40 {
            let conn = db.connect().unwrap();
            conn.query_text("SELECT 1", ()).unwrap();
            let session = (!engine.shares_connection()).then(|| db.session());
            session.iter().for_each(|session| drop(session.query_text("SELECT 1", ()).unwrap()));
        }
        assert_eq!(engine.pool_status().in_use, 0, "forty times, and none is lost");
    });
}

fn kill_it(url: &str, conn: &mirrorm::engine::Conn) {
    let own = if is_postgres(url) { "pg_backend_pid()" } else { "CONNECTION_ID()" };
    let id: i64 = conn.query_text(&format!("SELECT {own}"), ()).unwrap().one().unwrap().get(0).unwrap();
    let other = Db::open(url).unwrap();
    let end =
        if is_postgres(url) { format!("SELECT pg_terminate_backend({id})") } else { format!("KILL {id}") };
    other.execute_script(&end).unwrap();
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn r3_2_10_hooks_of_new_connections() {
    each_backend(|db| {
        let (set, ask, user_sets) = match dialect(db) {
            "sqlite" => ("PRAGMA cache_size = 77", "PRAGMA cache_size", "PRAGMA cache_size = 5"),
            "mysql" => (
                "SET @@sort_buffer_size = 77000",
                "SELECT @@sort_buffer_size",
                "SET @@sort_buffer_size = 99000",
            ),
            _ => (
                "SET work_mem = '77kB'",
                "SELECT setting FROM pg_settings WHERE name = 'work_mem'",
                "SET work_mem = '99kB'",
            ),
        };
        let asked = || {
            let value: Value = db.query_text(ask, ()).unwrap().one().unwrap().get(0).unwrap();
            format!("{value:?}").contains("77")
        };
        assert!(!asked());
        let t = db.table("t", column("at", Timestamp)).unwrap();
        db.create_all().unwrap();
        let add = || insert(&t).values(values! { "at" => "2024-02-29 12:00:00+00:00" }).run(db).is_ok();
        let before = add();
        let hook = db.engine().unwrap().on_connect(move |conn| conn.execute(set, ()).map(drop));
        assert!(asked(), "also on what was open already");
        assert!(asked(), "and still there");
        assert_eq!(add(), before, "the zone of instants is known as before");
        if dialect(db) != "sqlite" {
            db.execute(user_sets, ()).unwrap();
            assert!(asked(), "what a user set is gone, what the hook set is there");
        }
        drop(hook);
        let _refuses = db.engine().unwrap().on_connect(|_| Err(Error::new(ErrorKind::Vetoed, "not today")));
        assert_eq!(db.query_text("SELECT 1", ()).unwrap_err().kind(), ErrorKind::Vetoed);
        assert_eq!(db.engine().unwrap().pool_status().in_use, 0);
    });
}

#[test]
fn r3_2_10_hooks_that_go_wrong() {
    // The last handle of a database goes with a hook of its own.
    let db = Db::open("sqlite://").unwrap();
    let own = db.clone();
    let hook = db.engine().unwrap().observe_pool(move |_| drop(own.clone()));
    drop(db);
    drop(hook);
    each_backend(|db| {
        let engine = db.engine().unwrap();
        let t = db.table("kept", column("n", Integer)).unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "n" => 1 }).run(db).unwrap();
        let refuses = engine.on_checkout(|_| Err(Error::new(ErrorKind::Vetoed, "not now")));
        assert_eq!(select(&t).count(db).unwrap_err().kind(), ErrorKind::Vetoed);
        drop(refuses);
        assert_eq!(select(&t).count(db).unwrap(), 1, "what a hook refuses is still there");
        let leaves = engine.on_checkout(|conn| conn.execute("BEGIN", ()).map(drop));
        assert_eq!(select(&t).count(db).unwrap_err().kind(), ErrorKind::Invalid);
        drop(leaves);
        assert_eq!(select(&t).count(db).unwrap(), 1);
        // A listener that uses the pool is not told of itself.
        let (own, calls) = (db.clone(), Arc::new(AtomicUsize::new(0)));
        let count = calls.clone();
        let told = engine.observe_pool(move |event| {
            if event.kind == PoolEventKind::Checkin && !own.engine().unwrap().shares_connection() {
                drop(own.connect());
            }
            count.fetch_add(1, Ordering::Relaxed);
        });
        drop(db.connect().unwrap());
        assert_eq!(calls.load(Ordering::Relaxed), 2, "a checkout and a checkin");
        drop(told);
    });
}

#[test]
fn r3_2_10_hooks_of_checkouts() {
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let engine = db.engine().unwrap();
        let dead = Arc::new(Mutex::new(1));
        let left = dead.clone();
        let _hook = engine.on_checkout(move |conn| {
            conn.query_text("SELECT 1", ())?;
            let mut left = left.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(mirrorm::Error::new(ErrorKind::Disconnected, "looks dead"));
            }
            Ok(())
        });
        db.query_text("SELECT 1", ()).unwrap();
        assert_eq!(*dead.lock().unwrap(), 0, "replaced, and asked again");
        *dead.lock().unwrap() = 9;
        assert_eq!(db.query_text("SELECT 1", ()).unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(*dead.lock().unwrap(), 6, "two more attempts");
        assert_eq!(engine.pool_status().in_use, 0, "no place is lost");
    });
}

#[test]
fn r3_4_1_and_2_what_is_sent_is_seen_and_values_are_not() {
    each_backend(|db| {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let list = lines.clone();
        let _watch =
            db.engine().unwrap().observe(move |statement| list.lock().unwrap().push(statement.to_string()));
        let t = db
            .table("t", (column("id", Integer).primary_key(), column("word", Varchar(40)).unique()))
            .unwrap();
        db.create_all().unwrap();
        db.transaction(|session| session.add(t.record(values! { "word" => "sesame" })?)).unwrap();
        let error = insert(&t).values(values! { "word" => "sesame" }).run(db).unwrap_err();
        let lines = lines.lock().unwrap().join("\n");
        for part in [
            "CREATE TABLE",
            "BEGIN",
            "INSERT INTO t",
            "COMMIT",
            "failed: Unique",
            " ms",
            "tests/live/engine.rs",
        ] {
            let part = if part == "BEGIN" && dialect(db) == "mysql" { "START TRANSACTION" } else { part };
            assert!(lines.contains(part), "{part} in\n{lines}");
        }
        assert!(!lines.contains("sesame"), "{lines}");
        assert!(!format!("{error}").contains("sesame"), "{error}");
    });
}
