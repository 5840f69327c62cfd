//! MySQL and MariaDB: the bundle, its URLs and its driver hacks.
//!
//! `mysql://user:password@host:3306/shop`, and `mariadb://` for the same: which of the two it is, the
//! server says. `?unix_socket=/run/mysqld/mysqld.sock` goes through a socket of this machine.
//!
//! Parameters: `charset` (utf8mb4; of the connection, which is UTF-8 whatever tables hold), `connect_timeout` (10 s), `read_timeout`, `write_timeout` (seconds),
//! `statement_timeout`, `lock_timeout` (milliseconds; all four also with `ms`, `s`, `min`), `time_zone`,
//! `sql_mode`, `zero_dates=allow`, `statement_cache`, those of TLS (`sslmode`, `sslrootcert` or `ssl_ca`,
//! `sslcert`, `sslkey`: the feature `mysql-tls`), and the pool's
//! ([`EngineOptions::read_pool_option`]).
//!
//! A session keeps the server's sql_mode and gets two words added: STRICT_TRANS_TABLES, without which
//! values are cut to fit, and NO_AUTO_VALUE_ON_ZERO, without which a key of 0 becomes another. Its time
//! zone is the server's unless it is asked for. An update counts the rows it matched.

mod driver;
mod errors;
mod gather;
mod grammar;
mod inspect;
mod kinds;
mod location;
mod stream;
pub mod testing;
mod types;
mod values;

use std::time::Duration;

use mirrorm_core::dialect::{
    Connection, Connector, Dialect, Features, Grammar, Inspector, Locks, Returning, TypeMap, Url, fetch,
};
use mirrorm_core::engine::{Conn, EngineOptions};
use mirrorm_core::{Error, ErrorKind, Result};

use location::Location;

/// The dialect of MySQL 8 and later, and of MariaDB 10.6 and later.
#[derive(Clone, Copy, Debug)]
pub struct MySql;

impl Dialect for MySql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["mysql", "mariadb"]
    }

    /// A server closes connections that are idle for eight hours (`wait_timeout`), or sooner; two is
    /// what Flask-SQLAlchemy takes.
    fn apply_driver_hacks(&self, url: &Url, options: &mut EngineOptions) -> Result<()> {
        Location::read(url, options)?;
        if options.pool_size() == Some(0) {
            let message = "pool size 0: a pool has at least one connection; use PoolKind::Null to keep none";
            return Err(Error::new(ErrorKind::Config, message));
        }
        options.fill(EngineOptions::new().size(10).overflow(10).recycle(Duration::from_secs(7200)));
        Ok(())
    }

    fn connector(&self, url: &Url, options: &EngineOptions) -> Result<Box<dyn Connector>> {
        Ok(Box::new(driver::Opener { location: Location::read(url, &mut options.clone())? }))
    }

    fn features(&self, connection: &dyn Connection) -> Result<Features> {
        let row = fetch(connection, "SELECT VERSION()", &[])?.one()?;
        Ok(features_of(row.get(0)?))
    }

    fn offline_features(&self) -> Features {
        features_of("8.4.0".to_string())
    }

    fn grammar(&self) -> &'static dyn Grammar {
        &grammar::MySqlGrammar
    }

    fn types(&self) -> &'static dyn TypeMap {
        &types::MySqlTypes
    }

    fn inspector(&self) -> &'static dyn Inspector {
        &inspect::MySqlInspector
    }
}

/// What a server of this version can do. MariaDB says its name in the answer of VERSION(), whatever it
/// says in the handshake.
fn features_of(version: String) -> Features {
    let is_mariadb = is_mariadb(&version);
    let mut features = Features::default();
    features.returning = if is_mariadb { Returning::InsertDelete } else { Returning::None };
    // dev.mysql.com/doc/refman/en/insert-on-duplicate.html, since 8.0.19
    features.insert_alias = !is_mariadb;
    features.returning_in_order = is_mariadb;
    features.remote = true;
    features.update_from_rows = true;
    features.batch_params = 2_000;
    features.last_insert_id = true;
    features.max_identifier = 64;
    features.ddl_commits = true;
    features.explicit_references = true;
    features.deferrable_keys = false;
    features.expression_indexes = !is_mariadb;
    features.partial_indexes = false;
    features.set_default_keys = false;
    features.locks = if is_mariadb { Locks::Plain } else { Locks::Tables };
    features.lateral = !is_mariadb;
    features.full_join = false;
    // `utf8mb4_bin` would take no notice of spaces at the end.
    features.exact_collation = Some(if is_mariadb { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" });
    features.checks_of_changed_columns = false;
    features.version = version;
    features
}

fn is_mariadb(version: &str) -> bool {
    version.to_ascii_lowercase().contains("mariadb")
}

/// Lends the `mysql` connection behind a checked-out connection, for what only the driver can do. None
/// for a connection of another database, and while it is in use.
///
/// Settings left in the session are forgotten when the connection goes back to the pool.
pub fn raw<T>(conn: &Conn, work: impl FnOnce(&mut mysql::Conn) -> T) -> Option<T> {
    let connection = conn.driver().as_any().downcast_ref::<driver::MySqlConnection>()?;
    connection.raw(work)
}
