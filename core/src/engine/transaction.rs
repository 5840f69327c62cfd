//! Transactions and savepoints on a connection.

use std::cell::Cell;

use super::caller::{mark, unmarked};
use super::conn::{Conn, Execute, Lent};
use crate::dialect::{Intent, Isolation, Request};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::schema::Name;

/// A level of the transaction on a connection: the transaction itself, or a savepoint in it. It
/// borrows nothing, so that a session can keep it; a [`Transaction`] is the guard over one.
#[derive(Debug)]
#[doc(hidden)]
pub struct Level {
    /// How many levels are around it.
    depth: u32,
    /// The savepoint's name; none for the transaction itself.
    name: Option<Name>,
}

impl Conn {
    /// Begins a transaction.
    #[doc(hidden)]
    pub fn begin_level(&self, intent: Intent) -> Result<Level> {
        if self.in_transaction() {
            let message = "a transaction is running on this connection: use its `savepoint`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let target = self.target();
        let pass = match intent {
            Intent::Write if target.features.single_writer => Some(self.engine().gate().enter()?),
            _ => None,
        };
        match self.isolation_of(intent) {
            None => send(self, target.grammar.begin(intent))?,
            Some(level) => {
                target.grammar.begin_at(intent, level).iter().try_for_each(|sql| send(self, sql))?;
            }
        }
        *self.pass.borrow_mut() = pass;
        self.depth.set(1);
        self.written.set(false);
        self.intent.set(intent);
        let level = Level { depth: 0, name: None };
        if intent == Intent::Read
            && let Err(error) = self.driver().set_read_only(true)
        {
            let _ = self.rollback_level(&level);
            return Err(error);
        }
        Ok(level)
    }

    /// The isolation of a transaction, where somebody said: one that only reads sees one state anyway.
    fn isolation_of(&self, intent: Intent) -> Option<Isolation> {
        let said = self.isolation.get().or(self.engine().options().isolation);
        said.map(|level| if intent == Intent::Read { level.max(Isolation::RepeatableRead) } else { level })
    }

    /// Begins a savepoint inside the innermost level.
    #[doc(hidden)]
    pub fn nest_level(&self) -> Result<Level> {
        self.still_open()?;
        let depth = self.depth.get();
        let name = self.next_savepoint();
        send(self, &format!("SAVEPOINT {name}"))?;
        self.depth.set(depth + 1);
        Ok(Level { depth, name: Some(name) })
    }

    /// Commits the transaction, or releases the savepoint into the level around it. When that
    /// fails the level is rolled back, unless nobody knows what became of it.
    #[doc(hidden)]
    pub fn commit_level(&self, level: &Level) -> Result<()> {
        let sql = match &level.name {
            None => "COMMIT".to_string(),
            Some(name) => format!("RELEASE SAVEPOINT {name}"),
        };
        if let Err(error) = self.still_open().and_then(|()| send(self, &sql)) {
            if error.kind() == ErrorKind::Disconnected && level.depth == 0 {
                return Err(error.with_outcome(Outcome::Unknown));
            }
            let _ = self.rollback_level(level);
            return Err(error);
        }
        self.settle(level)
    }

    /// Rolls back the transaction, or to the savepoint. A level that is over is left alone.
    #[doc(hidden)]
    pub fn rollback_level(&self, level: &Level) -> Result<()> {
        if self.depth.get() <= level.depth {
            return Ok(());
        }
        let result = send_rollback(self, level);
        result.and(self.settle(level))
    }

    /// Settles the books when a level has ended.
    fn settle(&self, level: &Level) -> Result<()> {
        self.depth.set(level.depth);
        if level.depth > 0 {
            return Ok(());
        }
        let read = self.intent.replace(Intent::Deferred) == Intent::Read;
        let reset = if read { self.driver().set_read_only(false) } else { Ok(()) };
        self.pass.borrow_mut().take();
        reset
    }
}

/// A transaction, or a savepoint in one. Rolled back when dropped without [`Transaction::commit`].
#[derive(Debug)]
#[must_use = "a transaction is rolled back when it is dropped"]
pub struct Transaction<'c> {
    conn: &'c Conn,
    level: Level,
    open: Cell<bool>,
}

impl<'c> Transaction<'c> {
    pub(super) fn begin(conn: &'c Conn, intent: Intent) -> Result<Transaction<'c>> {
        let level = conn.begin_level(intent)?;
        Ok(Transaction { conn, level, open: Cell::new(true) })
    }

    /// A savepoint: a level whose work can be rolled back alone.
    ///
    /// Savepoints nest: while one is open, another begins inside it and not beside it.
    ///
    /// # Errors
    /// `Invalid` while a savepoint inside this level is open; the database's.
    #[track_caller]
    pub fn savepoint(&self) -> Result<Transaction<'_>> {
        let _caller = mark();
        self.conn.still_open()?;
        if self.conn.depth.get() != self.level.depth + 1 {
            let message = "a savepoint of this level is open: begin the next one inside it, or end it first";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let level = self.conn.nest_level()?;
        Ok(Transaction { conn: self.conn, level, open: Cell::new(true) })
    }

    /// Runs a closure in a savepoint: kept when it returns `Ok`, rolled back on `Err` and on panic.
    ///
    /// # Errors
    /// The closure's, and the database's.
    #[track_caller]
    pub fn transaction<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let _caller = mark();
        self.savepoint()?.run(|tx| unmarked(|| body(tx)))
    }

    pub(super) fn run<T>(self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        match body(&self) {
            Ok(value) => {
                self.commit()?;
                Ok(value)
            }
            Err(error) => {
                // The first cause is what the caller needs; a failing rollback drops the connection.
                let _ = self.rollback();
                Err(error)
            }
        }
    }

    /// Commits the transaction, or releases the savepoint into the level around it.
    ///
    /// # Errors
    /// The database's; the transaction is rolled back then. A connection lost while COMMIT was on
    /// its way is `Disconnected` with an outcome nobody knows.
    #[track_caller]
    pub fn commit(self) -> Result<()> {
        let _caller = mark();
        let result = self.conn.commit_level(&self.level);
        self.open.set(result.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown));
        result
    }

    /// Rolls back the transaction, or to the savepoint.
    ///
    /// # Errors
    /// The database's; the connection is not used again then.
    #[track_caller]
    pub fn rollback(self) -> Result<()> {
        let _caller = mark();
        self.end()
    }

    /// The connection it runs on.
    pub fn conn(&self) -> &Conn {
        self.conn
    }

    /// Rolls back, once.
    fn end(&self) -> Result<()> {
        if !self.open.replace(false) {
            return Ok(());
        }
        self.conn.rollback_level(&self.level)
    }
}

fn send_rollback(conn: &Conn, level: &Level) -> Result<()> {
    if !conn.driver().in_transaction() {
        // The database ended the transaction itself.
        return Ok(());
    }
    match &level.name {
        None => send_now(conn, "ROLLBACK"),
        Some(name) => {
            send_now(conn, &format!("ROLLBACK TO SAVEPOINT {name}"))?;
            send_now(conn, &format!("RELEASE SAVEPOINT {name}"))
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; the pool resets or drops the connection.
        let _ = self.end();
    }
}

impl Execute for Transaction<'_> {
    fn lend(&self) -> Result<Lent<'_>> {
        Ok(Lent::Borrowed(self.conn))
    }
}

impl std::ops::Deref for Transaction<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn
    }
}

/// Begins or keeps something, under the connection's own limit.
fn send(conn: &Conn, sql: &str) -> Result<()> {
    conn.limit(None)?;
    send_now(conn, sql)
}

/// Sends it as it is: what goes back must not be stopped by a question before it.
fn send_now(conn: &Conn, sql: &str) -> Result<()> {
    let done = conn.driver().execute(&Request::new(sql, &[]));
    conn.checked(done).map(|_| ()).map_err(|e| e.with_sql(sql, &[]))
}
