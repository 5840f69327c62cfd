//! Servers that end, start again, and have too many guests; each test has servers of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::{Outcome, dialect::Intent};

use crate::own_server::{OwnServer, each_own_server};

fn count(db: &Db, t: &Table) -> u64 {
    select(t).count(db).unwrap()
}

fn made(db: &Db) -> Table {
    let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
    db.create_all().unwrap();
    insert(&t).rows(["n"], [[1], [2]]).run(db).unwrap();
    t
}

#[test]
fn killed_and_started_again() {
    each_own_server(None, |server| {
        let db = Db::open(&server.url).unwrap();
        let t = made(&db);
        let idle = [db.connect().unwrap(), db.connect().unwrap()];
        drop(idle);
        let session = db.session();
        session.add(t.record(values! { "n" => 3 }).unwrap()).unwrap();
        session.flush().unwrap();
        server.kill();
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::Unknown), "{error}");
        drop(session);
        let error = select(&t).count(&db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Open, "nobody is there: {error}");
        server.start_again();
        assert_eq!(count(&db, &t), 2, "the next checkout works, nothing is half-written");
        db.transaction(|session| session.add(t.record(values! { "n" => 4 })?)).unwrap();
        assert_eq!(count(&db, &t), 3);
        // Down and up between two uses, unnoticed: an idle connection is asked, or fails once.
        let asked = Db::open(&server.with("pool_pre_ping=on")).unwrap();
        assert_eq!(select(&t).count(&asked).unwrap(), 3);
        server.kill();
        server.start_again();
        assert_eq!(select(&t).count(&asked).unwrap(), 3, "asked first, so nobody notices");
        let first = select(&t).count(&db).map_err(|error| error.kind());
        assert_eq!(first, Err(ErrorKind::Disconnected), "not asked, so one statement fails");
        assert_eq!(count(&db, &t), 3);
    });
}

/// What takes as long as it is let.
fn sleeping(server: &OwnServer) -> &'static str {
    if server.is_postgres() { "SELECT CAST(pg_sleep(20) AS text)" } else { "SELECT SLEEP(20)" }
}

#[test]
fn killed_during_a_statement() {
    each_own_server(None, |server| {
        let db = Db::open(&server.url).unwrap();
        let t = made(&db);
        let begun = Instant::now();
        let error = std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let conn = db.connect().unwrap();
                let tx = conn.begin(Intent::Write).unwrap();
                insert(&t).values(values! { "n" => 3 }).run(&tx).unwrap();
                let error = tx.query_text(sleeping(&server), ()).unwrap_err();
                assert!(tx.commit().is_err(), "what is gone cannot be committed");
                error
            });
            std::thread::sleep(Duration::from_millis(300));
            server.kill();
            waits.join().unwrap()
        });
        assert!(begun.elapsed() < Duration::from_secs(15));
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
        server.start_again();
        assert_eq!(count(&db, &t), 2);
    });
}

/// Makes COMMIT of an insert into `t` wait: by a trigger of the end, or by a lock that somebody holds.
fn slow_commits(server: &OwnServer, db: &Db) {
    let sql = match server.is_postgres() {
        true => {
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION slow()"
        }
        false => "FLUSH TABLES WITH READ LOCK",
    };
    db.execute_script(sql).unwrap();
}

#[test]
fn killed_during_commit() {
    each_own_server(None, |server| {
        let db = Db::open(&server.url).unwrap();
        let t = made(&db);
        let told = Arc::new(AtomicUsize::new(0));
        let own = told.clone();
        let _watch = db.signals().commit_unknown.connect(move |_, changes| {
            own.fetch_add(changes.len(), Ordering::Relaxed);
        });
        let session = db.session();
        if server.is_postgres() {
            slow_commits(&server, &db);
        }
        session.add(t.record(values! { "n" => 3 }).unwrap()).unwrap();
        session.flush().unwrap();
        // Held until the server is gone.
        let other = Db::open(&server.url).unwrap();
        let holds = other.connect().unwrap();
        if !server.is_postgres() {
            holds.execute("FLUSH TABLES WITH READ LOCK", ()).unwrap();
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(400));
                server.kill();
            });
            let error = session.commit().unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Disconnected, Outcome::Unknown),
                "{error}"
            );
            assert!(!error.is_retryable(), "nobody knows what was done");
        });
        assert_eq!(told.load(Ordering::Relaxed), 1);
        drop((session, holds));
        server.start_again();
        assert_eq!(count(&db, &t), 2);
    });
}

#[test]
fn more_guests_than_a_server_takes() {
    each_own_server(None, |server| {
        let db = Db::open_with(&server.url, EngineOptions::new().size(5).overflow(40)).unwrap();
        let t = made(&db);
        let mut held = Vec::new();
        let error = loop {
            assert!(held.len() < 30, "it takes a dozen");
            match db.connect() {
                Ok(conn) => held.push(conn),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Open, "{error}");
        assert!(error.message().contains("too many") || error.message().contains("Too many"), "{error}");
        assert_eq!(db.engine().unwrap().pool_status().in_use, held.len(), "no place is lost");
        let last = held.pop();
        drop(last);
        assert_eq!(count(&db, &t), 2, "with room again it goes on");
    });
}

#[test]
fn through_a_socket_of_this_machine() {
    each_own_server(None, |server| {
        let socket = server.socket().display().to_string();
        // Whatever is asked for: nobody can listen.
        let url = match server.is_postgres() {
            true => {
                let port = server.url.rsplit([':', '/']).nth(1).unwrap();
                format!("postgresql:///postgres?host={socket}&port={port}&user=postgres&sslmode=require")
            }
            false => format!("mysql://root@localhost/mysql?unix_socket={socket}&sslmode=require"),
        };
        let db = Db::open(&url).unwrap();
        let sql = match server.is_postgres() {
            true => "SELECT coalesce(CAST(inet_client_addr() AS text), 'socket')",
            false => "SELECT IF(LOCATE('localhost', USER()), 'socket', USER())",
        };
        let way: String = db.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap();
        assert_eq!(way, "socket");
        let nowhere = url.replace(&socket, "/nowhere/at/all");
        assert_eq!(Db::open(&nowhere).unwrap_err().kind(), ErrorKind::Open);
    });
}

/// A pooler by transaction: what one statement leaves in a connection, the next does not find.
#[test]
fn behind_a_pooler() {
    each_own_server(None, |server| {
        if !server.is_postgres() {
            return;
        }
        let Some(url) = server.pooler() else { return println!("pgbouncer is not installed") };
        let db = Db::open(&format!("{url}?statement_cache=0")).unwrap();
        let t = made(&db);
        let work = |thread: i64| -> Result<()> {
            for round in 0..20 {
                let n = thread * 100 + round;
                db.transaction(|session| {
                    session.add(t.record(values! { "n" => n })?)?;
                    session.flush()?;
                    assert_eq!(session.query(&t).filter(t.c("n").eq(n)).all()?.len(), 1);
                    Ok(())
                })?;
                insert(&t).rows(["n"], [[-n], [-n]]).run(&db)?;
                let seen = select(&t).filter(t.c("n").eq(-n)).stream(&db, |rows| Ok(rows.count()))?;
                assert_eq!(seen, 2);
                update(&t).set(values! { "n" => 0 }).filter(t.c("n").eq(-n)).run(&db)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let work = &work;
            let all: Vec<_> = (1..5).map(|thread| scope.spawn(move || work(thread))).collect();
            all.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        });
        assert_eq!(count(&db, &t), 2 + 4 * 20 * 3);
        assert_eq!(select(&t).filter(t.c("n").eq(0)).count(&db).unwrap(), 4 * 20 * 2);
    });
}
