//! The pool on real servers, a test for each row of the comparison with SQLAlchemy's (`r3_2_4` is its row
//! 3.2.4). What the pool does without a server is tested where it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mirrorm::engine::{Conn, EngineOptions, PoolKind};
use mirrorm::prelude::*;

use crate::support::{dialect, each_server_url};

fn open(url: &str, options: EngineOptions) -> Db {
    Db::open_with(url, options).unwrap()
}

/// The number that the server gives a connection.
fn id(conn: &Conn) -> String {
    let sql = match conn.engine().dialect().name() {
        "mysql" => "SELECT CAST(CONNECTION_ID() AS CHAR)",
        _ => "SELECT CAST(pg_backend_pid() AS text)",
    };
    conn.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
}

/// Ends connections from another one.
fn kill(url: &str, ids: &[String]) {
    let other = Db::open(url).unwrap();
    for id in ids {
        let sql = match dialect(&other) {
            "mysql" => format!("KILL {id}"),
            _ => format!("SELECT pg_terminate_backend({id})"),
        };
        other.execute_script(&sql).unwrap();
    }
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn r3_2_1_size_overflow_timeout() {
    each_server_url(|url| {
        let options = EngineOptions::new().size(1).overflow(1).timeout(Duration::from_millis(50));
        let db = open(url, options);
        let (one, two) = (db.connect().unwrap(), db.connect().unwrap());
        assert_ne!(id(&one), id(&two));
        let error = std::thread::scope(|scope| {
            let waits = std::thread::Builder::new().name("waits".into());
            waits.spawn_scoped(scope, || db.connect().map(drop).unwrap_err()).unwrap().join().unwrap()
        });
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(
            error.message().contains("size 1, overflow 1") && error.message().contains("held by"),
            "{error}"
        );
        drop((one, two));
        assert_eq!(db.engine().unwrap().pool_status().idle, 1, "what was over is closed");
    });
}

#[test]
fn r3_2_2_last_in_first_out_and_first_in_first_out() {
    each_server_url(|url| {
        for lifo in [true, false] {
            let db = open(url, EngineOptions::new().size(2).lifo(lifo));
            let (one, two) = (db.connect().unwrap(), db.connect().unwrap());
            let (first, second) = (id(&one), id(&two));
            drop(one);
            drop(two);
            let next = id(&db.connect().unwrap());
            assert_eq!(next, if lifo { second } else { first });
        }
    });
}

#[test]
fn r3_2_3_recycle() {
    each_server_url(|url| {
        let db = open(url, EngineOptions::new().recycle(Duration::from_millis(80)));
        let first = id(&db.connect().unwrap());
        assert_eq!(id(&db.connect().unwrap()), first, "young");
        std::thread::sleep(Duration::from_millis(100));
        assert_ne!(id(&db.connect().unwrap()), first, "old");
    });
}

#[test]
fn r3_2_4_pre_ping() {
    each_server_url(|url| {
        let db = open(url, EngineOptions::new().size(3).ping_after(Duration::ZERO));
        let held: Vec<Conn> = (0..3).map(|_| db.connect().unwrap()).collect();
        let ids: Vec<String> = held.iter().map(id).collect();
        drop(held);
        kill(url, &ids);
        let conn = db.connect().unwrap();
        assert!(!ids.contains(&id(&conn)), "replaced without anybody noticing");
        assert_eq!(db.engine().unwrap().pool_status().idle, 0, "and the others with it");
    });
}

#[test]
fn r3_2_5_reset_on_return() {
    each_server_url(|url| {
        let db = open(url, EngineOptions::new().size(1).overflow(0));
        db.execute_script("CREATE TABLE t (n INTEGER)").unwrap();
        let conn = db.connect().unwrap();
        let first = id(&conn);
        conn.execute("BEGIN", ()).unwrap();
        conn.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        let (set, ask, temporary) = match dialect(&db) {
            "mysql" => (
                "SET @@sql_safe_updates = 1",
                "SELECT CAST(@@sql_safe_updates AS CHAR)",
                "CREATE TEMPORARY TABLE left_over (n INTEGER)",
            ),
            _ => ("SET work_mem = '77MB'", "SHOW work_mem", "CREATE TEMPORARY TABLE left_over (n INTEGER)"),
        };
        let before: String = db_ask(&conn, ask);
        conn.execute("ROLLBACK", ()).unwrap();
        conn.execute(set, ()).unwrap();
        conn.execute(temporary, ()).unwrap();
        conn.execute("BEGIN", ()).unwrap();
        conn.execute("INSERT INTO t VALUES (2)", ()).unwrap();
        drop(conn);
        let conn = db.connect().unwrap();
        assert_eq!(id(&conn), first, "the same connection");
        assert_eq!(db_ask(&conn, ask), before);
        assert_eq!(conn.query_text("SELECT * FROM t", ()).unwrap().len(), 0, "rolled back");
        assert_eq!(
            conn.query_text("SELECT * FROM left_over", ()).unwrap_err().kind(),
            ErrorKind::NoSuchTable
        );
    });
}

fn db_ask(conn: &Conn, sql: &str) -> String {
    conn.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
}

#[test]
fn r3_2_6_a_disconnect_invalidates_those_before() {
    each_server_url(|url| {
        let db = open(url, EngineOptions::new().size(3));
        let held: Vec<Conn> = (0..3).map(|_| db.connect().unwrap()).collect();
        let ids: Vec<String> = held.iter().map(id).collect();
        drop(held);
        kill(url, &ids);
        let error = db.query_text("SELECT 1", ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
        for _ in 0..3 {
            assert_eq!(db.query_text("SELECT 1", ()).unwrap().len(), 1, "one failure, not three");
        }
    });
}

#[test]
fn r3_2_8_null_and_one_for_all() {
    each_server_url(|url| {
        let none = open(url, EngineOptions::new().kind(PoolKind::Null));
        let first = id(&none.connect().unwrap());
        assert_ne!(id(&none.connect().unwrap()), first);
        assert_eq!(none.engine().unwrap().pool_status().idle, 0);
        let one = open(url, EngineOptions::new().kind(PoolKind::Static));
        let first = id(&one.connect().unwrap());
        assert_eq!(id(&one.connect().unwrap()), first);
        let held = one.connect().unwrap();
        assert_eq!(one.connect().map(drop).unwrap_err().kind(), ErrorKind::Busy, "this thread holds it");
        drop(held);
        assert_eq!(Db::open_with(url, EngineOptions::new().size(0)).unwrap_err().kind(), ErrorKind::Config);
    });
}

#[test]
fn r3_2_13_no_stampede() {
    each_server_url(|url| {
        let db = open(url, EngineOptions::new().size(2).overflow(1));
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let conn = db.connect().unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        assert_eq!(conn.query_text("SELECT 1", ()).unwrap().len(), 1);
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 3);
        let status = db.engine().unwrap().pool_status();
        assert_eq!((status.in_use, status.waiting), (0, 0));
        assert!(status.idle <= 2);
    });
}
