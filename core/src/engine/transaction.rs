//! Transactions and savepoints on a connection.

use std::cell::Cell;

use super::conn::{Conn, Execute, Lent};
use crate::dialect::{Intent, Request};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::schema::Name;

/// A transaction, or a savepoint in one. Rolled back when dropped without [`Transaction::commit`].
#[derive(Debug)]
#[must_use = "a transaction is rolled back when it is dropped"]
pub struct Transaction<'c> {
    conn: &'c Conn,
    level: u32,
    open: Cell<bool>,
}

impl<'c> Transaction<'c> {
    pub(super) fn begin(conn: &'c Conn, intent: Intent) -> Result<Transaction<'c>> {
        if conn.in_transaction() {
            let message = "a transaction is running on this connection: use its `savepoint`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let target = conn.target();
        let pass = match intent {
            Intent::Write if target.features.single_writer => Some(conn.engine().gate().enter()?),
            _ => None,
        };
        send(conn, target.grammar.begin(intent))?;
        // From here on the guard's drop rolls back whatever fails.
        *conn.pass.borrow_mut() = pass;
        conn.depth.set(1);
        conn.intent.set(intent);
        let transaction = Transaction { conn, level: 0, open: Cell::new(true) };
        if intent == Intent::Read {
            conn.driver().set_read_only(true)?;
        }
        Ok(transaction)
    }

    /// A savepoint: a level whose work can be rolled back alone.
    ///
    /// # Errors
    /// The database's.
    pub fn savepoint(&self) -> Result<Transaction<'_>> {
        self.conn.still_open()?;
        let level = self.conn.depth.get();
        send(self.conn, &format!("SAVEPOINT {}", savepoint_name(level)))?;
        self.conn.depth.set(level + 1);
        Ok(Transaction { conn: self.conn, level, open: Cell::new(true) })
    }

    /// Runs a closure in a savepoint: kept when it returns `Ok`, rolled back on `Err` and on panic.
    ///
    /// # Errors
    /// The closure's, and the database's.
    pub fn transaction<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.savepoint()?.run(body)
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
    pub fn commit(self) -> Result<()> {
        let sql = match self.level {
            0 => "COMMIT".to_string(),
            level => format!("RELEASE SAVEPOINT {}", savepoint_name(level)),
        };
        if let Err(error) = self.conn.still_open().and_then(|()| send(self.conn, &sql)) {
            if error.kind() == ErrorKind::Disconnected && self.level == 0 {
                return Err(error.with_outcome(Outcome::Unknown));
            }
            let _ = self.end(false);
            return Err(error);
        }
        self.end(true)
    }

    /// Rolls back the transaction, or to the savepoint.
    ///
    /// # Errors
    /// The database's; the connection is not used again then.
    pub fn rollback(self) -> Result<()> {
        self.end(false)
    }

    /// The connection it runs on.
    pub fn conn(&self) -> &Conn {
        self.conn
    }

    /// Ends the level once: sends the rollback if it was not committed, and settles the books.
    fn end(&self, committed: bool) -> Result<()> {
        if !self.open.replace(false) {
            return Ok(());
        }
        let result = if committed { Ok(()) } else { self.send_rollback() };
        self.conn.depth.set(self.level);
        if self.level == 0 {
            let read = self.conn.intent.replace(Intent::Deferred) == Intent::Read;
            let reset = if read { self.conn.driver().set_read_only(false) } else { Ok(()) };
            self.conn.pass.borrow_mut().take();
            return result.and(reset);
        }
        result
    }

    fn send_rollback(&self) -> Result<()> {
        if !self.conn.driver().in_transaction() {
            // The database ended the transaction itself.
            return Ok(());
        }
        match self.level {
            0 => send(self.conn, "ROLLBACK"),
            level => {
                let name = savepoint_name(level);
                send(self.conn, &format!("ROLLBACK TO SAVEPOINT {name}"))?;
                send(self.conn, &format!("RELEASE SAVEPOINT {name}"))
            }
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; the pool resets or drops the connection.
        let _ = self.end(false);
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

fn savepoint_name(level: u32) -> Name {
    Name::from(format!("mirrorm_{level}"))
}

fn send(conn: &Conn, sql: &str) -> Result<()> {
    let done = conn.driver().execute(&Request::new(sql, &[]));
    conn.checked(done).map(|_| ()).map_err(|e| e.with_sql(sql, &[]))
}
