//! Doing things: connections from a pool, transactions, and the verbs of statements.
//!
//! Everything here goes through the contracts in `dialect`. `pool` and `gate` share nothing with
//! statements; `conn` joins both; `run` and `write` have the verbs. `observe` tells what is sent, `caller` by whom.

mod batch;
mod caller;
mod closed;
mod conn;
mod gate;
mod holders;
mod keys;
mod lists;
mod observe;
mod params;
mod plan;
mod pool;
mod pool_events;
mod run;
mod schema_ops;
#[cfg(feature = "tracing")]
mod trace;
mod transaction;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::sync::OnceCell;

pub use crate::dialect::{EngineOptions, Isolation, PoolKind};
pub use caller::{Marked, mark, unmarked};
pub use conn::{Conn, Execute, HeldConn, Lent, Writing};
pub use observe::{Observers, Observing, Statement, write_outcome};
pub use params::{IntoParams, Params};
pub use plan::{Plan, Prepare, Writes};
pub use pool::PoolStatus;
pub use pool_events::{PoolEvent, PoolEventKind, PoolHook};
pub use schema_ops::{create_tables, drop_tables, existing_names};
pub use transaction::{Level, Transaction};
pub use write::{BulkInserted, Inserted};

use crate::compile::Target;
use crate::dialect::{Connector, Dialect, Url};
use crate::error::{ErrorKind, Result};
use gate::Gate;
use observe::{Told, Watching};
use pool::Pool;
use pool_events::Hooks;

/// A database behind a URL: its dialect, its pool, and what its server can do.
///
/// Cheap to clone; clones share the pool. Making one does not connect.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    dialect: &'static dyn Dialect,
    pool: Arc<Pool>,
    gate: Arc<Gate>,
    target: OnceCell<Arc<Target>>,
    options: EngineOptions,
    /// Statements that may have written, so that who shares the one connection notices.
    writes: AtomicU64,
    told: Arc<Told>,
}

impl Engine {
    /// An engine for a URL, with options. The dialect fills in what its driver needs.
    ///
    /// # Errors
    /// `Config` for a URL or options that make no sense.
    pub fn new(dialect: &'static dyn Dialect, url: &Url, mut options: EngineOptions) -> Result<Engine> {
        dialect.apply_driver_hacks(url, &mut options)?;
        let connector = dialect.connector(url, &options)?;
        Ok(Engine::from_connector(dialect, connector, options))
    }

    /// An engine over a connector of the caller's, with options in which nothing is filled in.
    pub fn from_connector(
        dialect: &'static dyn Dialect,
        connector: Box<dyn Connector>,
        options: EngineOptions,
    ) -> Engine {
        let told = Told::new(options.is_echo(), connector.describe(), dialect.name());
        let told = Arc::new(told);
        let watching = Watching { connector, told: told.clone() };
        let pool = Pool::new(Box::new(watching), &options);
        let gate = Arc::new(Gate::new(options.lock_timeout()));
        Engine(Arc::new(Inner {
            dialect,
            pool,
            gate,
            target: OnceCell::new(),
            options,
            writes: AtomicU64::new(0),
            told,
        }))
    }

    /// The dialect.
    pub fn dialect(&self) -> &'static dyn Dialect {
        self.0.dialect
    }

    /// The options in force, the dialect's among them.
    pub fn options(&self) -> &EngineOptions {
        &self.0.options
    }

    /// A connection from the pool. It goes back when it is dropped.
    ///
    /// # Errors
    /// `Timeout` when none came free in time, saying who holds them; `Busy` at once when this
    /// thread itself holds them all; what the driver answered to connecting.
    pub fn connect(&self) -> Result<Conn> {
        let conn = self.checkout()?;
        if self.hooks().is_empty() { Ok(conn) } else { self.greeted(conn) }
    }

    /// A connection that its hooks agree to; one that they say is gone is replaced.
    fn greeted(&self, mut conn: Conn) -> Result<Conn> {
        let mut tries = 3;
        loop {
            let Err(error) = self.hooks().greet(&conn) else { return Ok(conn) };
            if self.shares_connection() {
                return Err(error);
            }
            conn.lease().discard();
            drop(conn);
            tries -= 1;
            if tries == 0 || error.kind() != ErrorKind::Disconnected {
                return Err(error);
            }
            conn = self.checkout()?;
        }
    }

    fn checkout(&self) -> Result<Conn> {
        let lease = self.0.pool.checkout()?;
        let target = self.0.target.get_or_try_init(|| -> Result<Arc<Target>> {
            // Nobody asked for this: it is not told.
            let driver = lease.connection();
            let features = self.0.dialect.features(driver.unwatched().unwrap_or(driver))?;
            Ok(Target::new(self.0.dialect, features))
        })?;
        Ok(Conn::new(self.clone(), lease, target.clone()))
    }

    /// What the server can do; connects when it is not known yet.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub fn target(&self) -> Result<Arc<Target>> {
        match self.0.target.get() {
            Some(target) => Ok(target.clone()),
            None => Ok(self.connect()?.target().clone()),
        }
    }

    /// How many connections are open, idle, and waited for.
    pub fn pool_status(&self) -> PoolStatus {
        self.0.pool.status()
    }

    /// Closes idle connections now, and those in use when they come back. The engine stays usable
    /// and connects again when asked.
    pub fn dispose(&self) {
        self.0.pool.dispose();
    }

    /// The database for people, without its password.
    pub fn describe(&self) -> String {
        self.0.pool.describe()
    }

    /// Whether all users share one connection, so that nobody may keep it while nothing is
    /// uncommitted.
    pub fn shares_connection(&self) -> bool {
        self.0.options.pool_kind() == PoolKind::Static
    }

    /// A number that grows with every statement of this program that may have written.
    #[doc(hidden)]
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::Acquire)
    }

    pub(crate) fn note_write(&self) {
        self.0.writes.fetch_add(1, Ordering::AcqRel);
    }

    fn hooks(&self) -> &Arc<Hooks> {
        self.0.pool.hooks()
    }

    fn told(&self) -> &Told {
        &self.0.told
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.describe())
    }
}
