//! Databases to run on, and helpers every test uses.

use mirrorm::prelude::*;

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

/// Runs a test on an empty database of every backend: in memory and in a file for SQLite.
pub(crate) fn each_backend(test: impl Fn(&Db)) {
    let folder = tempfile::tempdir().unwrap();
    for url in mirrorm::dialect::sqlite::testing::scratch_urls(folder.path()) {
        println!("on {url}");
        test(&Db::open(&url).unwrap());
    }
}
