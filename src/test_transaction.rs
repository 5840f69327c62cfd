//! A transaction around a whole test: what the test commits is undone when it ends.
//!
//! While it is open, the engines of the `Db` are others, over the same databases: each has one
//! connection, in a transaction that is never committed, and the transactions of sessions are
//! savepoints in it. Callers: tests of programs.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use mirrorm_core::Result;
use mirrorm_core::dialect::{Connection, Connector, Cursor, Done, Intent, Request};
use mirrorm_core::engine::{Conn, Engine, Level, PoolKind};
use mirrorm_core::rows::RowBuffer;
use mirrorm_session::{Db, Swap};

/// A `Db` whose work is undone in the end. The prelude brings it in.
pub trait TestDb {
    /// Begins a transaction around everything that this `Db`, its clones and the sessions made from
    /// now on do, on all threads and in all its databases, until the guard goes: then it is rolled
    /// back, whatever was committed inside.
    ///
    /// A commit inside is the release of a savepoint: signals are sent as ever, but constraints that
    /// are checked at COMMIT are not.
    ///
    /// # Errors
    /// `Config` for a `Db` without databases. A database is asked for its connection when it is first
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
        Ok(TestTransaction { _swapped: self.swap_engines(joined)? })
    }
}

/// The transaction around a test: see [`TestDb::test_transaction`].
#[must_use = "everything is undone when the guard is dropped: `let _ =` drops it at once"]
pub struct TestTransaction {
    _swapped: Swap,
}

impl fmt::Debug for TestTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestTransaction")
    }
}

/// An engine whose one connection is inside a transaction of another engine's.
fn joined(outer: &Engine) -> Result<Engine> {
    let options = outer.options().clone().kind(PoolKind::Static);
    let connector = Join { outer: outer.clone() };
    Ok(Engine::from_connector(outer.dialect(), Box::new(connector), options))
}

struct Join {
    outer: Engine,
}

impl Connector for Join {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        let conn = self.outer.connect()?;
        let level = conn.begin_level(Intent::Write)?;
        Ok(Box::new(Joined { conn, level, inside: Cell::new(false) }))
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
}

const SAVEPOINT: &str = "SAVEPOINT mirrorm_test";
const RELEASE: &str = "RELEASE SAVEPOINT mirrorm_test";
const BACK: &str = "ROLLBACK TO SAVEPOINT mirrorm_test";

impl Joined {
    fn send(&self, sql: &str) -> Result<Done> {
        self.conn.driver().execute(&Request::new(sql, &[]))
    }

    fn begins(&self, sql: &str) -> bool {
        let grammar = self.conn.engine().dialect().grammar();
        [Intent::Deferred, Intent::Read, Intent::Write].into_iter().any(|intent| grammar.begin(intent) == sql)
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
        self.conn.driver().query(request, body)
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        match request.sql.trim().trim_end_matches(';').to_ascii_uppercase().as_str() {
            "COMMIT" if self.inside.get() => {
                let done = self.send(RELEASE)?;
                self.inside.set(false);
                Ok(done)
            }
            "ROLLBACK" if self.inside.get() => self.roll_back(),
            _ if self.begins(request.sql) => {
                let done = self.send(SAVEPOINT)?;
                self.inside.set(true);
                Ok(done)
            }
            _ => self.conn.driver().execute(request),
        }
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.conn.driver().execute_many(sql, width, values, range, ids)
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.conn.driver().script(sql)
    }

    fn set_read_only(&self, read_only: bool) -> Result<()> {
        self.conn.driver().set_read_only(read_only)
    }

    fn in_transaction(&self) -> bool {
        self.inside.get() && self.conn.driver().in_transaction()
    }

    /// The transaction of its user goes, the one around it stays.
    fn reset(&self) -> Result<()> {
        if self.in_transaction() { self.roll_back().map(|_| ()) } else { Ok(()) }
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
