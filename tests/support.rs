//! Databases to run on, and helpers every test uses.

use std::sync::atomic::{AtomicU32, Ordering};

use mirrorm::prelude::*;
use mirrorm_dialects::postgres::testing::Scratch;

/// The text of a schema under `tests/schemas`.
pub(crate) fn schema_sql(name: &str) -> String {
    let path = format!("{}/tests/schemas/{name}.sqlite.sql", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A database in memory that holds a schema of `tests/schemas`.
pub(crate) fn loaded(name: &str) -> Db {
    let db = Db::open("sqlite://").unwrap();
    db.execute_script(&schema_sql(name)).unwrap();
    db
}

/// A database in memory.
pub(crate) fn memory() -> Db {
    Db::open("sqlite://").unwrap()
}

/// Runs a test on an empty database of every backend: in memory and in a file for SQLite, and on the
/// servers whose URLs the environment has. `./test` starts them and fails without.
pub(crate) fn each_backend(test: impl Fn(&Db)) {
    let folder = tempfile::tempdir().unwrap();
    for url in mirrorm::dialect::sqlite::testing::scratch_urls(folder.path()) {
        println!("on {url}");
        test(&Db::open(&url).unwrap());
    }
    each_server(test);
}

/// The variables that hold servers' URLs.
const SERVERS: [&str; 2] = ["MIRRORM_TEST_POSTGRES", "MIRRORM_TEST_POSTGRES18"];

/// Runs a test on an empty database of every server.
pub(crate) fn each_server(test: impl Fn(&Db)) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    for variable in SERVERS {
        let Ok(server) = std::env::var(variable) else { continue };
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let scratch = Scratch::new(&server, &name).unwrap_or_else(|e| panic!("{variable}: {e}"));
        println!("on {}", scratch.url());
        let db = Db::open(&scratch.url()).unwrap();
        test(&db);
        db.engine().unwrap().dispose();
    }
}
