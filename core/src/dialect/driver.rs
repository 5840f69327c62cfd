//! The contract of a connection: sending SQL and reading rows.
//!
//! Not here: pooling and transactions (`engine`), which are the same for every driver.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::rows::{BlockBuilder, Columns, RowBuffer, Rows};
use crate::value::Value;

/// A statement to send.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The text, with the dialect's own placeholders.
    pub sql: &'a str,
    /// The parameters, already in forms the driver stores ([`super::TypeMap::bind`]).
    pub params: &'a [Value],
    /// The result's columns where they are known; otherwise the driver names them, of
    /// [`Type::Any`](crate::Type::Any).
    pub columns: Option<&'a Arc<Columns>>,
    /// Whether the text will come again, so that its prepared statement should be kept.
    pub keep: bool,
    /// Whether a key makes it sure that there is one row at most, so that nobody has to look for a
    /// second.
    pub single: bool,
    /// Whether the rows are lent as they come, to a body that may send other statements meanwhile;
    /// otherwise the body reads them and does nothing else.
    pub stream: bool,
    /// How long it may take, where that is not the connection's; drivers are told by
    /// [`Connection::set_time_limit`].
    pub limit: Option<Duration>,
    /// What the compiler warns of; drivers have nothing to do with it.
    pub warnings: &'a [String],
}

impl<'a> Request<'a> {
    /// A text that will come again, with parameters.
    pub fn new(sql: &'a str, params: &'a [Value]) -> Request<'a> {
        Request {
            sql,
            params,
            columns: None,
            keep: true,
            single: false,
            stream: false,
            limit: None,
            warnings: &[],
        }
    }
}

/// What a statement without rows did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows inserted, matched by an update, or deleted.
    pub rows: u64,
    /// The key the database made for the last inserted row, where it made one.
    pub last_id: Option<i64>,
}

/// A connection to a database, as a driver implements it.
///
/// # Obligations
/// - Methods take `&self`; a driver that needs `&mut` keeps it in a cell and holds **no borrow
///   while `body` runs**, because `body` may send other statements.
/// - Errors have the kind that says what happened ([`crate::ErrorKind`]). `Disconnected` makes the
///   pool drop the connection; every other kind leaves it usable. `Error::left` says what the
///   database did to the transaction where it did more than fail the statement.
/// - Nothing is retried and nothing is committed here.
pub trait Connection: Send {
    /// Sends a statement that returns rows and lends a cursor over them to `body`. The cursor is
    /// closed afterwards, read to its end or not.
    ///
    /// # Errors
    /// The database's, and whatever `body` returned.
    fn query(&self, request: &Request<'_>, body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>)
    -> Result<()>;

    /// Sends a statement whose rows, if any, do not matter.
    ///
    /// # Errors
    /// The database's.
    fn execute(&self, request: &Request<'_>) -> Result<Done>;

    /// Sends the same statement for each `width` of the values in a range, preparing it once. With
    /// `ids`, the key the database made for each row is added to it, in order: the first column of what
    /// the statement returns, or what the connection tells of a statement that returns nothing.
    ///
    /// # Errors
    /// The database's, for the first row that fails; rows before it were sent.
    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64>;

    /// Sends a statement whose parameters are arrays: the n-th of them is the n-th value of each `width`
    /// of the values in a range. With `ids`, the keys that it returns are added in the order of the rows.
    ///
    /// Only asked of a dialect whose [`super::Grammar::array_of`] says so.
    ///
    /// # Errors
    /// The database's; nothing of a statement that fails took effect.
    fn execute_arrays(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let _ = (sql, width, values, range, ids);
        Err(crate::Error::new(crate::ErrorKind::Invalid, "the driver has no arrays"))
    }

    /// Sends several statements separated by semicolons, without parameters.
    ///
    /// # Errors
    /// The database's, for the first that fails; those before it took effect.
    fn script(&self, sql: &str) -> Result<()>;

    /// Refuses writes until told otherwise.
    ///
    /// # Errors
    /// The database's.
    fn set_read_only(&self, read_only: bool) -> Result<()>;

    /// Stops statements that take longer from now on, with an error of the kind `Timeout`; none for as long as the
    /// session's settings and the engine's options say, zero for any time. Told before every statement while there are limits, so the same again must be cheap.
    ///
    /// # Errors
    /// The database's.
    fn set_time_limit(&self, limit: Option<Duration>) -> Result<()> {
        match limit {
            None => Ok(()),
            Some(_) => Err(crate::Error::new(crate::ErrorKind::Invalid, "the driver stops no statements")),
        }
    }

    /// Whether the database is inside a transaction on this connection.
    fn in_transaction(&self) -> bool;

    /// Makes the connection as new: no transaction, no settings left by the last user. Whether settings
    /// were taken away, also those that were its [own](Connection::adopt).
    ///
    /// # Errors
    /// Any error makes the pool drop the connection.
    fn reset(&self) -> Result<bool>;

    /// Takes what was set in the session so far as the connection's own, which is not left by a user.
    fn adopt(&self) {}

    /// Whether the server still answers.
    fn is_alive(&self) -> bool;

    /// Whether the connection still shows what is there; asked at every checkout, so it must be
    /// cheap. One that does not is replaced.
    fn is_current(&self) -> bool {
        true
    }

    /// The connection behind, where this one only tells what is sent.
    #[doc(hidden)]
    fn unwatched(&self) -> Option<&dyn Connection> {
        None
    }

    /// The driver's own connection, for the dialect's `raw` escape hatch.
    fn as_any(&self) -> &dyn Any;
}

/// Rows on their way from the driver into blocks.
pub trait Cursor {
    /// The columns, known before the first row.
    fn columns(&self) -> &Arc<Columns>;

    /// Adds rows to the block until it is full ([`BlockBuilder::end_row`] says so) or there are no
    /// more. Returns whether there may be more.
    ///
    /// # Errors
    /// The database's. Rows added before the error are dropped with the block.
    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool>;
}

/// Reads all rows of a query, for inspectors.
///
/// # Errors
/// The database's.
pub fn fetch(connection: &dyn Connection, sql: &str, params: &[Value]) -> Result<Rows> {
    read(connection, &Request { keep: false, ..Request::new(sql, params) })
}

/// As [`fetch`], of a statement that is kept: for what takes longer to prepare than to run.
///
/// # Errors
/// The database's.
pub fn fetch_kept(connection: &dyn Connection, sql: &str, params: &[Value]) -> Result<Rows> {
    read(connection, &Request::new(sql, params))
}

fn read(connection: &dyn Connection, request: &Request<'_>) -> Result<Rows> {
    let mut rows = None;
    connection.query(request, &mut |cursor| {
        rows = Some(Rows::read(cursor, usize::MAX)?);
        Ok(())
    })?;
    rows.ok_or_else(|| crate::Error::new(crate::ErrorKind::Database, "a driver lent no cursor"))
}
