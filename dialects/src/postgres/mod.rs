//! PostgreSQL: the bundle, its URLs and its driver hacks.
//!
//! | URL | database |
//! |---|---|
//! | `postgresql://user:password@host:5432/shop` | over TCP |
//! | `postgres://host1,host2:5433/shop?target_session_attrs=read-write` | the first host that fits |
//! | `postgresql:///shop?host=/run/postgresql` | through a socket of this machine |
//!
//! Parameters: those of libpq that the driver knows (manual, 34.1.2), `statement_timeout`,
//! `lock_timeout` (milliseconds, or with `ms`, `s`, `min`), `time_zone`, `statement_cache` (statements a
//! connection keeps; 0 behind a pooler that shares connections by transaction), those of TLS (`sslmode`,
//! `sslrootcert`, `sslcert`, `sslkey`: the feature `postgres-tls`), and the pool's
//! ([`EngineOptions::read_pool_option`]). The session's time zone is the server's unless it is asked for.

mod cursor;
mod decode;
mod driver;
mod encode;
mod errors;
mod gather;
mod grammar;
mod inspect;
mod limit;
mod location;
mod opener;
mod spell;
pub mod testing;
mod types;

use mirrorm_core::dialect::{
    Comments, Connection, Connector, Dialect, Features, Grammar, Inspector, TypeMap, Url, fetch,
};
use mirrorm_core::engine::{Conn, EngineOptions};
use mirrorm_core::{Error, ErrorKind, Result};

use location::Location;

/// The dialect of PostgreSQL, 13 and later.
#[derive(Clone, Copy, Debug)]
pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["postgresql", "postgres"]
    }

    fn apply_driver_hacks(&self, url: &Url, options: &mut EngineOptions) -> Result<()> {
        Location::read(url, options)?;
        if options.pool_size() == Some(0) {
            let message = "pool size 0: a pool has at least one connection; use PoolKind::Null to keep none";
            return Err(Error::new(ErrorKind::Config, message));
        }
        options.fill(EngineOptions::new().size(5).overflow(10));
        Ok(())
    }

    fn connector(&self, url: &Url, options: &EngineOptions) -> Result<Box<dyn Connector>> {
        Ok(Box::new(opener::Opener::new(Location::read(url, &mut options.clone())?)?))
    }

    fn features(&self, connection: &dyn Connection) -> Result<Features> {
        let row = fetch(connection, "SHOW server_version", &[])?.one()?;
        Ok(features_of(row.get(0)?))
    }

    fn offline_features(&self) -> Features {
        features_of("15.0".to_string())
    }

    fn grammar(&self) -> &'static dyn Grammar {
        &grammar::PostgresGrammar
    }

    fn types(&self) -> &'static dyn TypeMap {
        &types::PostgresTypes
    }

    fn inspector(&self) -> &'static dyn Inspector {
        &inspect::PostgresInspector
    }
}

fn features_of(version: String) -> Features {
    let mut features = Features::default();
    let major = version.split(['.', ' ']).next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    features.remote = true;
    features.errors_abort = true;
    features.empty_tables = true;
    features.comments = Comments::Statements;
    features.virtual_columns = major >= 18;
    features.version = version;
    features
}

/// Lends the `postgres` client behind a checked-out connection, for what only the driver can do: COPY,
/// notifications, cancelling. None for a connection of another database, and while it is in use.
///
/// Settings left in the session are forgotten when the connection goes back to the pool.
pub fn raw<T>(conn: &Conn, work: impl FnOnce(&mut postgres::Client) -> T) -> Option<T> {
    let connection = conn.driver().as_any().downcast_ref::<driver::PostgresConnection>()?;
    connection.raw(work)
}
