//! SQLite's driver hacks: what opening does, and what it leaves alone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mirrorm::dialect::sqlite::{raw as rusqlite_of, url_of_path};
use mirrorm::engine::{EngineOptions, PoolKind};
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, document};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A file in SQLite's default journal mode, made by the driver alone.
fn plain_file(folder: &Path, journal: &str) -> PathBuf {
    let path = folder.join("shop.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "journal_mode", journal).unwrap();
    db.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'x')")
        .unwrap();
    path
}

fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn pragma(db: &Db, name: &str) -> String {
    db.query_text(&format!("PRAGMA {name}"), ()).unwrap().one().unwrap().value(0).unwrap().to_string()
}

#[test]
fn every_spelling_of_memory_is_one_shared_database() {
    for url in [
        "sqlite://",
        "sqlite::memory:",
        "sqlite:///:memory:",
        "file::memory:",
        "sqlite:///x?mode=memory",
        "file:y?mode=memory",
    ] {
        let db = Db::open(url).unwrap();
        db.execute("CREATE TABLE t (a)", ()).unwrap();
        let other = db.clone();
        std::thread::spawn(move || other.execute("INSERT INTO t VALUES (1)", ()).unwrap()).join().unwrap();
        assert_eq!(db.query_text("SELECT * FROM t", ()).unwrap().len(), 1, "{url}");
        assert_eq!(db.engine().unwrap().options().pool_kind(), PoolKind::Static, "{url}");
    }
    assert!(!Path::new("x").exists() && !Path::new("y").exists());
}

#[test]
fn a_pool_that_would_lose_memory_is_refused() {
    let open = |options| Db::open_with("sqlite://", options).map(|_| ()).unwrap_err();
    assert_eq!(open(EngineOptions::new().size(0)).kind(), ErrorKind::Config);
    assert_eq!(open(EngineOptions::new().kind(PoolKind::Null)).kind(), ErrorKind::Config);
    assert_eq!(Db::open("sqlite://?pool_size=0").map(|_| ()).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_new_file_is_in_wal_mode_and_an_old_one_is_left_alone() {
    let dir = folder();
    let db = Db::open(&url_of_path(&dir.path().join("new.db"))).unwrap();
    assert_eq!((pragma(&db, "journal_mode"), pragma(&db, "synchronous")), ("wal".into(), "2".into()));
    let old = plain_file(dir.path(), "delete");
    let before = std::fs::read(&old).unwrap();
    {
        let db = Db::open(&url_of_path(&old)).unwrap();
        assert_eq!(pragma(&db, "journal_mode"), "delete");
        db.reflect().unwrap();
    }
    assert_eq!(std::fs::read(&old).unwrap(), before);
    let asked = Db::open(&format!("{}?journal_mode=wal&synchronous=normal", url_of_path(&old))).unwrap();
    assert_eq!((pragma(&asked, "journal_mode"), pragma(&asked, "synchronous")), ("wal".into(), "1".into()));
}

#[test]
fn each_connection_is_set_up() {
    let db = Db::open("sqlite://").unwrap();
    assert_eq!((pragma(&db, "foreign_keys"), pragma(&db, "busy_timeout")), ("1".into(), "5000".into()));
    let db = Db::open("sqlite://?foreign_keys=off&busy_timeout=70").unwrap();
    assert_eq!((pragma(&db, "foreign_keys"), pragma(&db, "busy_timeout")), ("0".into(), "70".into()));
    let db = Db::open("sqlite://").unwrap();
    db.execute("PRAGMA foreign_keys = off", ()).unwrap();
    assert_eq!(pragma(&db, "foreign_keys"), "1", "a setting does not outlive its connection's use");
}

#[test]
fn inspecting_leaves_no_trace() {
    for journal in ["delete", "wal"] {
        let dir = folder();
        let path = plain_file(dir.path(), journal);
        let before = contents(dir.path());
        {
            let options = EngineOptions::new().read_only(true).create(false);
            let db = Db::open_with(&url_of_path(&path), options).unwrap();
            document(&db.connect().unwrap(), &Reflector::new()).unwrap();
            db.reflect().unwrap();
            assert_eq!(select(&db.table_named("t").unwrap()).count(&db).unwrap(), 1);
            assert_eq!(contents(dir.path()).len(), before.len(), "{journal}: while open");
        }
        assert_eq!(contents(dir.path()), before, "{journal}");
    }
}

#[test]
fn read_only_files_and_folders() {
    use std::os::unix::fs::PermissionsExt;
    for journal in ["delete", "wal"] {
        let dir = folder();
        let path = plain_file(dir.path(), journal);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
        let db = Db::open(&format!("{}?mode=ro", url_of_path(&path))).unwrap();
        assert_eq!(db.query_text("SELECT name FROM t", ()).unwrap().len(), 1, "{journal}");
        let error = db.execute("INSERT INTO t VALUES (2, 'y')", ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn relative_paths_begin_at_the_base() {
    let dir = folder();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let options = EngineOptions::new().base(dir.path().to_path_buf());
    Db::open_with("sqlite:///sub/shop.db", options.clone()).unwrap();
    assert!(dir.path().join("sub/shop.db").exists());
    Db::open_with("file:other.db", options).unwrap();
    assert!(dir.path().join("other.db").exists());
}

#[test]
fn uris_with_odd_names() {
    let dir = folder();
    let path = dir.path().join("per % cent ?#.db");
    Db::open(&url_of_path(&path)).unwrap().execute("CREATE TABLE t (a)", ()).unwrap();
    assert!(path.exists());
    let db = Db::open(&format!("{}?mode=ro&cache=private", url_of_path(&path))).unwrap();
    assert_eq!(db.reflect().unwrap().tables().len(), 1);
}

#[test]
fn a_missing_file_is_created_by_open_only() {
    let dir = folder();
    let url = url_of_path(&dir.path().join("none.db"));
    for query in ["?mode=rw", "?mode=ro"] {
        let error = Db::open(&format!("{url}{query}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Open);
    }
    assert_eq!(Db::open_with(&url, EngineOptions::new().create(false)).unwrap_err().kind(), ErrorKind::Open);
    assert!(contents(dir.path()).is_empty());
    Db::open(&url).unwrap();
    assert!(dir.path().join("none.db").exists());
}

#[test]
fn what_is_no_database_is_explained() {
    let dir = folder();
    let error = Db::open(&url_of_path(dir.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Open);
    assert!(error.message().contains("is a folder"), "{error}");
    let text = dir.path().join("letter.txt");
    std::fs::write(&text, "Dear database, ".repeat(100)).unwrap();
    let error = Db::open(&url_of_path(&text)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("encrypted"), "{error}");
    assert_eq!(std::fs::read(&text).unwrap().len(), 1500);
    let error = Db::open(&url_of_path(&dir.path().join("no/such/folder.db"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Open);
    assert!(error.message().contains("folder does not exist"), "{error}");
    let path = plain_file(dir.path(), "delete");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.iter_mut().skip(100).for_each(|b| *b = 0xff);
    std::fs::write(&path, bytes).unwrap();
    let damaged = Db::open(&url_of_path(&path)).and_then(|db| db.query_text("SELECT * FROM t", ()));
    assert_eq!(damaged.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn writers_take_the_lock_at_once() {
    let dir = folder();
    let db = Db::open(&url_of_path(&dir.path().join("w.db"))).unwrap();
    db.execute("CREATE TABLE t (n)", ()).unwrap();
    let outside = rusqlite::Connection::open(dir.path().join("w.db")).unwrap();
    db.transaction(|_| {
        let busy = outside.execute("INSERT INTO t VALUES (1)", []);
        assert!(busy.is_err(), "BEGIN IMMEDIATE holds the lock before the first write");
        Ok(())
    })
    .unwrap();
    db.read(|tx| {
        tx.query_text("SELECT * FROM t", ())?;
        outside.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert_eq!(tx.query_text("SELECT * FROM t", ())?.len(), 0, "a read sees one state");
        assert_eq!(tx.execute("INSERT INTO t VALUES (2)", ()).unwrap_err().kind(), ErrorKind::ReadOnly);
        Ok(())
    })
    .unwrap();
    db.execute("INSERT INTO t VALUES (3)", ()).unwrap();
}

#[test]
fn writers_of_one_process_queue() {
    let dir = folder();
    let db = Db::open(&url_of_path(&dir.path().join("q.db"))).unwrap();
    db.execute("CREATE TABLE t (n INTEGER)", ()).unwrap();
    db.execute("INSERT INTO t VALUES (0)", ()).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            std::thread::spawn(move || {
                for _ in 0..25 {
                    db.transaction(|tx| {
                        let n: i64 = tx.query_text("SELECT n FROM t", ())?.one()?.get(0)?;
                        tx.execute("UPDATE t SET n = ?", (n + 1,)).map(|_| ())
                    })
                    .unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(db.query_text("SELECT n FROM t", ()).unwrap().one().unwrap().get::<i64>(0).unwrap(), 200);
}

#[test]
fn a_lock_of_another_process_ends_in_busy() {
    let dir = folder();
    let path = dir.path().join("b.db");
    let options = EngineOptions::new().busy_timeout(Duration::from_millis(50));
    let db = Db::open_with(&url_of_path(&path), options).unwrap();
    db.execute("CREATE TABLE t (n)", ()).unwrap();
    let outside = rusqlite::Connection::open(&path).unwrap();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = db.execute("INSERT INTO t VALUES (1)", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.is_retryable());
    assert!(start.elapsed() >= Duration::from_millis(50));
    outside.execute_batch("COMMIT").unwrap();
    db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
}

#[test]
fn an_old_snapshot_that_writes_is_a_serialization_failure() {
    let dir = folder();
    let db = Db::open(&url_of_path(&dir.path().join("s.db"))).unwrap();
    db.execute("CREATE TABLE t (n)", ()).unwrap();
    let outside = rusqlite::Connection::open(dir.path().join("s.db")).unwrap();
    let conn = db.connect().unwrap();
    let tx = conn.begin(mirrorm::dialect::Intent::Deferred).unwrap();
    tx.query_text("SELECT * FROM t", ()).unwrap();
    outside.execute("INSERT INTO t VALUES (1)", []).unwrap();
    let error = tx.execute("INSERT INTO t VALUES (2)", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Serialization);
    assert!(error.is_retryable());
}

#[test]
fn generated_statements_are_not_prepared_again() {
    let db = super::super::support::loaded("chinook");
    db.reflect().unwrap();
    let (track, album) = (db.table_named("Track").unwrap(), db.table_named("Album").unwrap());
    let conn = db.connect().unwrap();
    let by_id = select(&track).filter(track.c("TrackId").eq(param("id"))).prepare(&conn).unwrap();
    for id in 1..20 {
        by_id.one(&conn, values! { "id" => id }).unwrap();
        let page = select(&track).join(&album).order_by(track.c("Name")).limit(5).offset(id as u64);
        assert_eq!(page.all(&conn).unwrap().len(), 5);
    }
    let kept = mirrorm::dialect::sqlite::repreparations(&conn);
    assert!(kept.len() >= 2, "{kept:?}");
    assert!(kept.iter().all(|(_, times)| *times == 0), "{kept:?}");
}

#[test]
fn statements_of_a_session_are_not_prepared_again() {
    let db = super::super::support::loaded("chinook");
    db.reflect().unwrap();
    let (track, genre) = (db.table_named("Track").unwrap(), db.table_named("Genre").unwrap());
    let session = db.session();
    for round in 1..5i64 {
        let tracks = session.query(&track).limit(50).with("Album.Artist").all().unwrap();
        tracks.iter().for_each(|track| track.set("Composer", format!("round {round}")).unwrap());
        let new = session.add(genre.record(values! { "Name" => format!("genre {round}") }).unwrap()).unwrap();
        session.get(&track, round * 100).unwrap().unwrap().set_related("Genre", &new).unwrap();
        session.commit().unwrap();
        session.get(&track, round * 100).unwrap().unwrap().set_related("Genre", None).unwrap();
        session.delete(&new).unwrap();
        session.commit().unwrap();
    }
    let kept = mirrorm::dialect::sqlite::repreparations(&db.connect().unwrap());
    assert!(kept.len() >= 8, "{kept:?}");
    assert!(kept.iter().all(|(_, times)| *times == 0), "{kept:?}");
}

#[test]
fn the_driver_is_within_reach() {
    let db = Db::open("sqlite://").unwrap();
    let conn = db.connect().unwrap();
    let driver = rusqlite_of(&conn).unwrap();
    assert_eq!(driver.query_row("SELECT 41 + 1", [], |row| row.get::<_, i64>(0)).unwrap(), 42);
}
