//! A transaction around a whole test: what the test commits is undone when it ends.
//!
//! While it is open, the engines of the `Db` are others, over the same databases: each has one
//! connection, in a transaction that is never committed, and the transactions of sessions are
//! savepoints in it. Callers: tests of programs.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mirrorm_core::dialect::{Connection, Connector, Cursor, Done, Intent, Isolation, Request};
use mirrorm_core::engine::{Conn, Engine, Level, PoolKind};
use mirrorm_core::rows::RowBuffer;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_session::{Db, Swap};

/// A `Db` whose work is undone in the end. The prelude brings it in.
pub trait TestDb {
    /// Begins a transaction around everything that this `Db`, its clones and the sessions made from
    /// now on do, on all threads and in all its databases, until the guard goes: then it is rolled
    /// back, whatever was committed inside.
    ///
    /// A commit inside is the release of a savepoint: signals are sent as ever, but constraints that
    /// are checked at COMMIT are not. When the guard is gone, or the database itself has ended the
    /// transaction, sessions that were made inside fail instead of writing.
    ///
    /// # Errors
    /// `Config` for a `Db` without databases; `Busy` while another test transaction is open on it, or
    /// on a clone. A database is asked for its connection when it is first
    /// used, and answers then.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// {
    ///     let _undone = db.test_transaction()?;
    ///     db.transaction(|session| session.add(tags.record(values! { "name" => "a" })?))?;
    ///     assert_eq!(select(&tags).count(&db)?, 1);
    /// }
    /// assert_eq!(select(&tags).count(&db)?, 0);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn test_transaction(&self) -> Result<TestTransaction>;
}

impl TestDb for Db {
    fn test_transaction(&self) -> Result<TestTransaction> {
        let over = Arc::new(AtomicBool::new(false));
        let own = over.clone();
        let swapped = self.swap_engines(move |outer| joined(outer, &own))?;
        Ok(TestTransaction { over, _swapped: swapped })
    }
}

/// The transaction around a test: see [`TestDb::test_transaction`].
#[must_use = "everything is undone when the guard is dropped: `let _ =` drops it at once"]
pub struct TestTransaction {
    over: Arc<AtomicBool>,
    _swapped: Swap,
}

impl Drop for TestTransaction {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

impl fmt::Debug for TestTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestTransaction")
    }
}

/// An engine whose one connection is inside a transaction of another engine's.
fn joined(outer: &Engine, over: &Arc<AtomicBool>) -> Result<Engine> {
    let options = outer.options().clone().kind(PoolKind::Static);
    let connector = Join { outer: outer.clone(), over: over.clone() };
    Ok(Engine::from_connector(outer.dialect(), Box::new(connector), options))
}

struct Join {
    outer: Engine,
    over: Arc<AtomicBool>,
}

impl Connector for Join {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        if self.over.load(Ordering::Acquire) {
            return Err(ended());
        }
        let conn = self.outer.connect()?;
        let level = conn.begin_level(Intent::Write)?;
        Ok(Box::new(Joined {
            conn,
            level,
            inside: Cell::new(false),
            reads_only: Cell::new(false),
            over: self.over.clone(),
        }))
    }

    fn describe(&self) -> String {
        self.outer.describe()
    }
}

/// A connection that is in a transaction already: beginning one begins a savepoint.
struct Joined {
    conn: Conn,
    level: Level,
    /// Whether its user is in a transaction.
    inside: Cell<bool>,
    /// Whether that transaction only reads.
    reads_only: Cell<bool>,
    over: Arc<AtomicBool>,
}

/// The error of whoever goes on when the transaction around the test has ended.
fn ended() -> Error {
    let message = "the test transaction is over: nothing would be undone any more; make a new session";
    Error::new(ErrorKind::Invalid, message)
}

const SAVEPOINT: &str = "SAVEPOINT mirrorm_test";
const RELEASE: &str = "RELEASE SAVEPOINT mirrorm_test";
const BACK: &str = "ROLLBACK TO SAVEPOINT mirrorm_test";

impl Joined {
    /// The connection, as long as the transaction around the test is open on it: what is sent after
    /// that would stay.
    fn open(&self) -> Result<&dyn Connection> {
        let driver = self.conn.driver();
        let is_over = self.over.load(Ordering::Acquire) || !driver.in_transaction();
        // Who watches is told of what the test sends, not of what stands for it here.
        if is_over { Err(ended()) } else { Ok(driver.unwatched().unwrap_or(driver)) }
    }

    fn send(&self, sql: &str) -> Result<Done> {
        self.open()?.execute(&Request::new(sql, &[]))
    }

    /// Whether a text begins a transaction, and whether it is only said before one.
    fn begins(&self, sql: &str) -> (bool, bool) {
        let grammar = self.conn.engine().dialect().grammar();
        let intents = [Intent::Deferred, Intent::Read, Intent::Write];
        if intents.iter().any(|intent| grammar.begin(*intent) == sql) {
            return (true, false);
        }
        let all =
            intents.iter().flat_map(|intent| Isolation::ALL.map(|level| grammar.begin_at(*intent, level)));
        let mut found = (false, false);
        all.for_each(|texts| {
            let place = texts.iter().position(|text| text == sql);
            found.0 |= place.is_some_and(|at| at + 1 == texts.len());
            found.1 |= place.is_some_and(|at| at + 1 < texts.len());
        });
        found
    }

    /// Does something that may fail. Where a failure would take the whole transaction with it, it
    /// happens in a savepoint, unless it is in one of its user's.
    fn guarded<T>(&self, work: impl FnOnce(&dyn Connection) -> Result<T>) -> Result<T> {
        let driver = self.open()?;
        if self.inside.get() || !self.conn.target().features().errors_abort {
            return work(driver);
        }
        self.send(SAVEPOINT)?;
        let result = work(driver);
        if result.is_err() {
            self.send(BACK)?;
        }
        self.send(RELEASE)?;
        result
    }

    fn roll_back(&self) -> Result<Done> {
        self.inside.set(false);
        self.send(BACK)?;
        self.send(RELEASE)
    }
}

impl Connection for Joined {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.guarded(|driver| driver.query(request, body))
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        let text = request.sql.trim().trim_end_matches(';').to_ascii_uppercase();
        let commits = ["COMMIT", "COMMIT TRANSACTION", "END", "END TRANSACTION"].contains(&text.as_str());
        let rolls_back = ["ROLLBACK", "ROLLBACK TRANSACTION"].contains(&text.as_str());
        if (commits || rolls_back) && !self.inside.get() {
            return Err(Error::new(ErrorKind::Invalid, "no transaction is open but the one around the test"));
        }
        let first = text.split_whitespace().next().unwrap_or_default();
        let ends = ["COMMIT", "END", "ROLLBACK", "ABORT"].contains(&first) && !text.contains(" TO ");
        if ends && !commits && !rolls_back {
            return Err(Error::new(
                ErrorKind::Invalid,
                "inside a test a transaction ends by COMMIT or ROLLBACK alone",
            ));
        }
        // What only read has nothing to keep, and its setting must not outlive it.
        if rolls_back || (commits && self.reads_only.get()) {
            return self.roll_back();
        }
        let (begins, before) = self.begins(request.sql);
        if before {
            // A savepoint has the isolation of the transaction around it.
            return Ok(Done::default());
        }
        if commits || begins {
            let done = self.send(if commits { RELEASE } else { SAVEPOINT })?;
            self.inside.set(!commits);
            return Ok(done);
        }
        self.guarded(|driver| driver.execute(request))
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.guarded(|driver| driver.execute_many(sql, width, values, range, ids))
    }

    fn execute_arrays(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.guarded(|driver| driver.execute_arrays(sql, width, values, range, ids))
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.guarded(|driver| driver.script(sql))?;
        // A COMMIT among its statements would have ended it.
        self.open().map(|_| ())
    }

    fn set_read_only(&self, read_only: bool) -> Result<()> {
        self.reads_only.set(read_only);
        self.conn.driver().set_read_only(read_only)
    }

    fn set_time_limit(&self, limit: Option<Duration>) -> Result<()> {
        self.guarded(|driver| driver.set_time_limit(limit))
    }

    fn in_transaction(&self) -> bool {
        self.inside.get() && self.conn.driver().in_transaction()
    }

    /// The transaction of its user goes, the one around it stays.
    fn reset(&self) -> Result<bool> {
        if self.in_transaction() {
            self.roll_back()?;
        }
        if self.open().is_ok() {
            self.set_time_limit(None)?;
        }
        Ok(false)
    }

    fn is_alive(&self) -> bool {
        self.conn.driver().is_alive()
    }

    fn as_any(&self) -> &dyn Any {
        self.conn.driver().as_any()
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; the pool resets or drops the connection.
        let _ = self.conn.rollback_level(&self.level);
    }
}
