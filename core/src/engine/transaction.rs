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
    /// The savepoint's name; none for the transaction itself.
    name: Option<Name>,
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
        let transaction = Transaction { conn, level: 0, name: None, open: Cell::new(true) };
        if intent == Intent::Read {
            conn.driver().set_read_only(true)?;
        }
        Ok(transaction)
    }

    /// A savepoint: a level whose work can be rolled back alone.
    ///
    /// Savepoints nest: while one is open, another begins inside it and not beside it.
    ///
    /// # Errors
    /// `Invalid` while a savepoint inside this level is open; the database's.
    pub fn savepoint(&self) -> Result<Transaction<'_>> {
        self.conn.still_open()?;
        if self.conn.depth.get() != self.level + 1 {
            let message = "a savepoint of this level is open: begin the next one inside it, or end it first";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let level = self.conn.depth.get();
        let name = self.conn.next_savepoint();
        send(self.conn, &format!("SAVEPOINT {name}"))?;
        self.conn.depth.set(level + 1);
        Ok(Transaction { conn: self.conn, level, name: Some(name), open: Cell::new(true) })
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
        let sql = match &self.name {
            None => "COMMIT".to_string(),
            Some(name) => format!("RELEASE SAVEPOINT {name}"),
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
        if !self.open.replace(false) || self.conn.depth.get() <= self.level {
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
        match &self.name {
            None => send(self.conn, "ROLLBACK"),
            Some(name) => {
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

fn send(conn: &Conn, sql: &str) -> Result<()> {
    let done = conn.driver().execute(&Request::new(sql, &[]));
    conn.checked(done).map(|_| ()).map_err(|e| e.with_sql(sql, &[]))
}
