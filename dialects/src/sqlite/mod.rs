//! SQLite: the bundle, its URLs and its driver hacks.
//!
//! | URL | database |
//! |---|---|
//! | `sqlite://`, `sqlite::memory:`, `sqlite:///:memory:`, `?mode=memory`, `file::memory:` | in memory, one shared connection |
//! | `sqlite:///shop.db` | a file relative to the base folder |
//! | `sqlite:////srv/shop.db` | a file by its absolute path |
//! | `file:shop.db?mode=ro`, `sqlite:file:…` | SQLite's own URI (sqlite.org/uri.html) |
//!
//! Parameters: `mode=ro|rw|rwc|memory`, `busy_timeout` and `statement_timeout` (milliseconds), `foreign_keys=on|off`,
//! `journal_mode`, `synchronous`, `cache_size`, `pool_size`; others go to SQLite in a `file:` URI
//! and are refused elsewhere. Nothing that is stored in the file is changed by opening it:
//! `journal_mode` is set when it is asked for, and to WAL for a file that opening creates.

mod clock;
mod driver;
mod errors;
mod gather;
mod grammar;
mod inspect;
mod location;
mod regexp;
mod statement;
mod stored;
pub mod testing;
mod types;
mod witness;

use mirrorm_core::dialect::{
    Comments, Connection, Connector, Dialect, Features, Grammar, Inspector, Locks, Returning, TypeMap, Url,
    fetch,
};
use mirrorm_core::engine::{Conn, EngineOptions, PoolKind};
use mirrorm_core::{Error, ErrorKind, Result};

use location::Location;

/// The dialect of SQLite 3.
#[derive(Clone, Copy, Debug)]
pub struct Sqlite;

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite", "sqlite3", "file"]
    }

    fn apply_driver_hacks(&self, url: &Url, options: &mut EngineOptions) -> Result<()> {
        let location = Location::read(url, options)?;
        if options.pool_size() == Some(0) {
            let why = if location.is_memory() {
                "a pool of no connections would lose a database in memory"
            } else {
                "a pool has at least one connection; use PoolKind::Null to keep none"
            };
            return Err(Error::new(ErrorKind::Config, format!("pool size 0: {why}")));
        }
        if location.is_memory() {
            if let Some(kind @ (PoolKind::Queue | PoolKind::Null)) = options.given_kind() {
                let message = format!(
                    "a database in memory has one connection, not {kind:?}: the others would be empty"
                );
                return Err(Error::new(ErrorKind::Config, message));
            }
            let more = [("size", options.pool_size(), 1), ("overflow", options.pool_overflow(), 0)];
            if let Some((name, ..)) = more.iter().find(|(_, given, most)| given.is_some_and(|n| n > *most)) {
                let message = format!(
                    "a database in memory has one connection, which all share: leave out the pool's `{name}`"
                );
                return Err(Error::new(ErrorKind::Config, message));
            }
            options.fill(EngineOptions::new().kind(PoolKind::Static).size(1).overflow(0));
        }
        options.fill(EngineOptions::new().size(5).overflow(10));
        Ok(())
    }

    fn connector(&self, url: &Url, options: &EngineOptions) -> Result<Box<dyn Connector>> {
        let location = Location::read(url, &mut options.clone())?;
        Ok(Box::new(driver::Opener::new(location, options)))
    }

    fn features(&self, connection: &dyn Connection) -> Result<Features> {
        let row = fetch(connection, "SELECT sqlite_version()", &[])?.one()?;
        Ok(features_of(row.get(0)?))
    }

    fn offline_features(&self) -> Features {
        features_of("3.45.0".to_string())
    }

    fn grammar(&self) -> &'static dyn Grammar {
        &grammar::SqliteGrammar
    }

    fn types(&self) -> &'static dyn TypeMap {
        &types::SqliteTypes
    }

    fn inspector(&self) -> &'static dyn Inspector {
        &inspect::SqliteInspector
    }
}

fn version_number(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').filter_map(|part| part.parse::<u32>().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn features_of(version: String) -> Features {
    let number = version_number(&version);
    let mut features = Features::default();
    features.returning = if number >= (3, 35) { Returning::All } else { Returning::None };
    features.literal_limit = true;
    features.single_writer = true;
    // The default limits of sqlite.org/limits.html, 9 and 5.
    features.max_params = if number >= (3, 32) { 32_766 } else { 999 };
    features.max_expression_depth = Some(1000);
    features.max_identifier = usize::MAX;
    features.alter_foreign_keys = false;
    features.forward_foreign_keys = true;
    features.last_insert_id = true;
    features.update_from_rows = number >= (3, 33);
    features.comments = Comments::None;
    features.locks = Locks::None;
    features.lateral = false;
    features.full_join = number >= (3, 39);
    features.version = version;
    features
}

/// The `rusqlite` connection behind a checked-out connection, for what only the driver can do:
/// functions of your own, hooks, backups.
///
/// The version of `rusqlite` is the one this crate was built with (0.38 to 0.42).
pub fn raw(conn: &Conn) -> Option<&rusqlite::Connection> {
    conn.driver().as_any().downcast_ref::<driver::SqliteConnection>().map(|c| c.raw())
}

/// The statements a connection keeps, each with how often SQLite prepared it again since: a guard
/// for plans that should never be (sqlite.org/c3ref/c_stmtstatus_counter.html).
pub fn repreparations(conn: &Conn) -> Vec<(String, i32)> {
    let connection = conn.driver().as_any().downcast_ref::<driver::SqliteConnection>();
    connection.map(|c| c.repreparations()).unwrap_or_default()
}

/// A `file:` URI for a path, with the characters that mean something in a URI escaped.
pub fn url_of_path(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let mut url = String::from("file:");
    for c in text.chars() {
        match c {
            '%' | '?' | '#' => url.push_str(&format!("%{:02X}", u32::from(c))),
            other => url.push(other),
        }
    }
    url
}
