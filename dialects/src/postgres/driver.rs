//! The PostgreSQL driver: statements kept by their text, transactions' state.
//!
//! The `postgres` crate runs a runtime of its own inside and panics where there is one already, also
//! when it is dropped; [`off_runtime`] takes every call elsewhere then. Not here: URLs (`location`),
//! opening (`opener`), values (`encode`, `decode`), rows on their way (`cursor`), codes (`errors`).

use std::any::Any;
use std::cell::{Cell as Flag, RefCell, RefMut};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use mirrorm_core::dialect::{Connection, Cursor, Done, Request};
use mirrorm_core::rows::{ColumnInfo, Columns, RowBuffer};
use mirrorm_core::value::ValueRef;
use mirrorm_core::{Error, ErrorKind, Left, Result};
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::cursor::{Held, Streams};
use super::decode::Cell;
use super::encode::{Items, Param};
use super::errors::{from_driver, is_stale_plan};
use super::limit::{Limit, Limits};
use crate::words::{self, Effect};

/// Runs the driver where no runtime is, for it brings its own.
pub(super) fn off_runtime<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    if tokio::runtime::Handle::try_current().is_err() {
        return work();
    }
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(Error::new(ErrorKind::Database, "the driver panicked")))
}

/// Where a session stands, as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Idle,
    InTransaction,
    /// Nothing but going back is possible (manual, 55.2.2.4, status `E`).
    Failed,
}

/// A connection to a server.
pub(super) struct PostgresConnection {
    /// None when it is being dropped.
    client: RefCell<Option<Client>>,
    statements: RefCell<LruCache<Box<str>, Arc<Prepared>>>,
    /// Whether statements are kept at all.
    pub(super) keeps: bool,
    status: Flag<Status>,
    /// Whether something was left in the session that the next user must not find.
    touched: Flag<bool>,
    /// Whether only closing the connection takes away what was left.
    spoiled: Flag<bool>,
    /// Whether the transaction was begun as one that only reads.
    reads_only: Flag<bool>,
    pub(super) limits: Limits,
    pub(super) streams: Streams,
}

/// How the cells of a statement's result are read, and the statement if it was prepared.
pub(super) struct Prepared {
    statement: Option<Statement>,
    pub(super) cells: Vec<Cell>,
    /// The columns as the server names them.
    columns: Arc<Columns>,
    effect: Effect,
}

impl Prepared {
    fn of(statement: Statement, sql: &str) -> Arc<Prepared> {
        let described = Prepared::described(statement.columns(), sql);
        Arc::new(Prepared { statement: Some(statement), ..described })
    }

    fn described(columns: &[postgres::Column], sql: &str) -> Prepared {
        let cells = columns.iter().map(|column| Cell::of(column.type_())).collect();
        let named =
            columns.iter().map(|column| ColumnInfo::new(column.name(), mirrorm_core::types::Type::Any));
        let columns = Arc::new(Columns::new(named.collect()));
        Prepared { statement: None, cells, columns, effect: words::effect(sql) }
    }

    /// The columns to give: those the caller knows, or the server's.
    pub(super) fn columns<'c>(&'c self, known: Option<&'c Arc<Columns>>) -> Result<&'c Arc<Columns>> {
        let (known, found) = (known.unwrap_or(&self.columns), self.cells.len());
        // A statement that was not prepared tells its columns with its first row.
        if known.len() == found || (self.statement.is_none() && found == 0) {
            return Ok(known);
        }
        let message = format!(
            "the statement gives {found} columns, not the {} it names: `raw` is one column each",
            known.len()
        );
        Err(Error::new(ErrorKind::Invalid, message))
    }

    fn takes(&self, given: usize) -> Result<()> {
        let wanted = self.statement.as_ref().map_or(given, |statement| statement.params().len());
        if wanted == given {
            return Ok(());
        }
        let message = format!("the statement takes {wanted} parameters, {given} were given");
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

/// What came of a statement.
pub(super) struct Fetched {
    pub(super) rows: Vec<Row>,
    /// Rows inserted, matched, deleted or returned.
    count: u64,
    pub(super) prepared: Arc<Prepared>,
}

impl PostgresConnection {
    /// A connection that keeps so many statements.
    pub(super) fn new(client: Client, statements: usize) -> PostgresConnection {
        let most = NonZeroUsize::new(statements).unwrap_or(NonZeroUsize::MIN);
        PostgresConnection {
            client: RefCell::new(Some(client)),
            statements: RefCell::new(LruCache::new(most)),
            keeps: statements > 0,
            status: Flag::new(Status::Idle),
            touched: Flag::new(false),
            spoiled: Flag::new(false),
            reads_only: Flag::new(false),
            limits: Limits::new(),
            streams: Streams::default(),
        }
    }

    /// The driver's client, for the way out.
    pub(super) fn raw<T>(&self, work: impl FnOnce(&mut Client) -> T) -> Option<T> {
        self.touched.set(true);
        self.statements.borrow_mut().clear();
        self.client().ok().and_then(|mut client| client.as_mut().map(work))
    }

    fn client(&self) -> Result<RefMut<'_, Option<Client>>> {
        self.client.try_borrow_mut().map_err(|_| Error::new(ErrorKind::Busy, "the connection is in use"))
    }

    /// Sends something; a failure inside a transaction fails the transaction.
    pub(super) fn send<T: Send>(
        &self,
        work: impl FnOnce(&mut Client) -> std::result::Result<T, postgres::Error> + Send,
    ) -> std::result::Result<T, Failed> {
        let mut client = self.client()?;
        let client = client.as_mut().ok_or_else(|| Error::new(ErrorKind::Disconnected, "closed"))?;
        let mut stale = false;
        let result = off_runtime(|| {
            work(client).map_err(|e| {
                stale = is_stale_plan(&e);
                from_driver(e)
            })
        });
        result.map_err(|error| Failed { error: self.failed(error), stale })
    }

    /// The statement of a text, kept from before or for later. A text that will not come again goes without
    /// a name, in one round trip, and so do all where nothing is kept.
    fn prepared(&self, sql: &str, keep: bool) -> Result<Arc<Prepared>> {
        if let Some(known) = self.statements.borrow_mut().get(sql) {
            return Ok(known.clone());
        }
        if !keep || !self.keeps {
            return Ok(Arc::new(Prepared::described(&[], sql)));
        }
        let prepared = Prepared::of(self.send(|client| client.prepare(sql))?, sql);
        self.statements.borrow_mut().put(sql.into(), prepared.clone());
        Ok(prepared)
    }

    /// Whether statements can be sent: not in a transaction that failed.
    pub(super) fn is_usable(&self) -> bool {
        self.status.get() == Status::InTransaction
    }

    /// Whether nothing but going back is possible.
    pub(super) fn is_failed(&self) -> bool {
        self.status.get() == Status::Failed
    }

    /// Sends a statement and reads what it gives.
    pub(super) fn fetch<P: ToSql + Sync + Send + Copy>(
        &self,
        text: (&str, bool),
        params: &[P],
    ) -> Result<Fetched> {
        self.streams.settle(self)?;
        self.fetch_now(text, params)
    }

    /// As [`PostgresConnection::fetch`], for a stream itself. A statement whose plan went stale is prepared
    /// again and sent once more, if no transaction was lost by it: nothing of it was done.
    pub(super) fn fetch_now<P: ToSql + Sync + Send + Copy>(
        &self,
        (sql, keep): (&str, bool),
        params: &[P],
    ) -> Result<Fetched> {
        let mut again = self.status.get() == Status::Idle;
        loop {
            let prepared = self.prepared(sql, keep)?;
            prepared.takes(params.len())?;
            match self.send(|client| read_all(client, &prepared, sql, params)) {
                Ok((rows, count)) => {
                    self.note(prepared.effect);
                    let first = rows.first().filter(|_| prepared.statement.is_none());
                    let told = first.map(|row| Prepared::described(row.columns(), sql));
                    return Ok(Fetched { count, prepared: told.map_or(prepared, Arc::new), rows });
                }
                Err(failed) if failed.stale => {
                    self.statements.borrow_mut().pop(sql);
                    if !std::mem::take(&mut again) {
                        return Err(went_stale(failed.error));
                    }
                }
                Err(failed) => {
                    self.note_failure(prepared.effect);
                    return Err(failed.error);
                }
            }
        }
    }

    /// Sends text without parameters and without preparing it; says how many rows it changed.
    pub(super) fn simple(&self, sql: &str) -> Result<u64> {
        let effect = words::effect(sql);
        if effect == Effect::Commit && self.status.get() == Status::Failed {
            // The server would answer COMMIT with ROLLBACK and call it done.
            self.simple("ROLLBACK")?;
            let message = "a statement of the transaction failed, so it was rolled back instead";
            return Err(Error::new(ErrorKind::PendingRollback, message).with_left(Left::Transaction));
        }
        let messages = self.send(|client| client.simple_query(sql)).inspect_err(|failed| {
            if failed.error.kind() != ErrorKind::Disconnected {
                self.note_failure(effect);
            }
        })?;
        self.note(effect);
        if effect == Effect::Begin {
            self.reads_only.set(sql.contains("READ ONLY"));
        }
        let counts = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        });
        Ok(counts.last().unwrap_or(0))
    }

    /// What a statement did to the session.
    fn note(&self, effect: Effect) {
        if matches!(effect, Effect::Restore | Effect::Rollback) {
            self.limits.unsettle();
        }
        if matches!(effect, Effect::Commit | Effect::Rollback) && !self.keeps {
            self.limits.forget();
        }
        match effect {
            Effect::Begin | Effect::Restore => self.status.set(Status::InTransaction),
            Effect::Commit | Effect::Rollback => self.status.set(Status::Idle),
            Effect::Schema => self.statements.borrow_mut().clear(),
            Effect::Session => {
                self.touched.set(true);
                self.statements.borrow_mut().clear();
            }
            Effect::Names => self.spoiled.set(true),
            Effect::None | Effect::Savepoint | Effect::Locks => {}
        }
    }

    /// A COMMIT that fails has rolled back.
    fn note_failure(&self, effect: Effect) {
        if matches!(effect, Effect::Commit | Effect::Rollback) {
            // It may not have been one at all, as a word too many makes of it.
            self.limits.unsettle();
            let _ = self.ask_status();
            if !self.keeps && self.status.get() == Status::Idle {
                // What was set was of the transaction that is over.
                self.limits.forget();
            }
        }
    }

    /// Asks the server where the session stands, after text that nobody here understands.
    fn ask_status(&self) -> Result<()> {
        self.status.set(Status::Idle);
        match self
            .send(|client| client.batch_execute("SAVEPOINT mirrorm_asks; RELEASE SAVEPOINT mirrorm_asks"))
        {
            Ok(()) => self.status.set(Status::InTransaction),
            Err(failed) => match failed.error.kind() {
                ErrorKind::Disconnected => return Err(failed.error),
                ErrorKind::PendingRollback => self.status.set(Status::Failed),
                _ => self.status.set(Status::Idle),
            },
        }
        Ok(())
    }

    /// Keeps account of an error of the server.
    fn failed(&self, error: Error) -> Error {
        if self.status.get() == Status::InTransaction && error.kind() != ErrorKind::Disconnected {
            self.status.set(Status::Failed);
        }
        error
    }
}

/// DISCARD ALL without its DEALLOCATE ALL, which would take the driver's own statements away
/// (manual, DISCARD).
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *;
    SELECT pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES";

/// The error of a plan that went stale inside a transaction, which is lost by it.
fn went_stale(error: Error) -> Error {
    let message = "a table was changed since the statement was prepared; do it again";
    Error::new(ErrorKind::Stale, message).with_source(error)
}

/// All rows of a statement, and how many it was about. They are read at once: asking the driver for one
/// after the other costs as much again as the rows themselves.
fn read_all<P: ToSql + Sync + Copy>(
    client: &mut Client,
    prepared: &Prepared,
    sql: &str,
    params: &[P],
) -> std::result::Result<(Vec<Row>, u64), postgres::Error> {
    let lent = params.iter().map(|param| param as &(dyn ToSql + Sync));
    let rows = match &prepared.statement {
        Some(statement) if statement.columns().is_empty() => {
            return client.execute(statement, &lent.collect::<Vec<_>>()).map(|count| (Vec::new(), count));
        }
        Some(statement) => client.query(statement, &lent.collect::<Vec<_>>())?,
        None if words::only_gives_rows(sql) => {
            client.query_typed(sql, &lent.map(|param| (param, Type::UNKNOWN)).collect::<Vec<_>>())?
        }
        None => return read_unknown(client, sql, params),
    };
    let count = rows.len() as u64;
    Ok((rows, count))
}

/// As [`read_all`], of a text that nobody knows: it may give rows, or say how many it changed.
fn read_unknown<P: ToSql + Sync + Copy>(
    client: &mut Client,
    sql: &str,
    params: &[P],
) -> std::result::Result<(Vec<Row>, u64), postgres::Error> {
    let mut rows = client.query_typed_raw(sql, params.iter().map(|param| (*param, Type::UNKNOWN)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row);
    }
    Ok((found, rows.rows_affected().unwrap_or(0)))
}

/// A failure, and whether it was the kept plan's.
pub(super) struct Failed {
    error: Error,
    stale: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed { error, stale: false }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        failed.error
    }
}

impl Connection for PostgresConnection {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        if request.stream && words::is_query(request.sql) {
            return self.streams.query(self, request, body);
        }
        let params: Vec<Param<'_>> = request.params.iter().map(|value| Param(value.as_ref())).collect();
        self.streams.settle(self)?;
        if request.keep && self.keeps {
            // What is wrong is wrong before anything is done.
            self.prepared(request.sql, true)?.columns(request.columns)?;
        }
        let Fetched { rows, prepared, .. } = self.fetch_now((request.sql, request.keep), &params)?;
        let columns = prepared.columns(request.columns)?;
        body(&mut Held { rows: rows.into_iter(), cells: &prepared.cells, columns })
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        let is_plain = request.params.is_empty()
            && (!request.keep || !matches!(words::effect(request.sql), Effect::None));
        let rows = if is_plain {
            self.streams.settle(self)?;
            let rows = self.simple(request.sql)?;
            if words::is_several(request.sql) {
                self.touched.set(true);
                self.ask_status()?;
            }
            rows
        } else {
            let params: Vec<Param<'_>> = request.params.iter().map(|value| Param(value.as_ref())).collect();
            self.fetch((request.sql, request.keep), &params)?.count
        };
        Ok(Done { rows, last_id: None })
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        mut ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let mut count = 0;
        for start in range.step_by(width.max(1)) {
            let params: Vec<Param<'_>> = values.range(start..start + width).map(Param).collect();
            let done = self.fetch((sql, true), &params)?;
            count += done.count;
            if let Some(ids) = ids.as_deref_mut() {
                ids.push(id_of(&done.prepared, done.rows.first())?);
            }
        }
        Ok(count)
    }

    fn execute_arrays(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let arrays: Vec<Items<'_>> =
            (0..width).map(|at| Items { values, start: range.start + at, end: range.end, width }).collect();
        let done = self.fetch((sql, true), &arrays)?;
        if let Some(ids) = ids {
            let before = ids.len();
            done.rows.iter().try_for_each(|row| id_of(&done.prepared, Some(row)).map(|id| ids.push(id)))?;
            let made = ids.get(before..).unwrap_or(&[]);
            let sent = range.len() / width.max(1);
            if made.len() != sent || !(made.is_sorted() || made.iter().rev().is_sorted()) {
                if self.status.get() == Status::InTransaction {
                    self.status.set(Status::Failed);
                }
                let message = "the keys that were made do not tell which row is whose";
                return Err(Error::new(ErrorKind::Database, message));
            }
        }
        Ok(done.count)
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.streams.settle(self)?;
        self.touched.set(true);
        self.statements.borrow_mut().clear();
        let done = self.send(|client| client.batch_execute(sql));
        if words::has_transactions(sql) {
            self.ask_status()?;
        }
        done.map_err(Error::from)
    }

    /// A transaction that only reads mostly says so when it begins. The setting goes with the
    /// transaction, or with the savepoint that it was made in when that is rolled back.
    fn set_read_only(&self, read_only: bool) -> Result<()> {
        let says_so = self.reads_only.replace(read_only);
        if read_only && !says_so && self.status.get() == Status::InTransaction {
            self.simple("SET TRANSACTION READ ONLY")?;
        }
        Ok(())
    }

    fn set_time_limit(&self, limit: Option<Duration>) -> Result<()> {
        let wanted = limit.map_or(Limit::Usual, Limit::Own);
        if self.limits.now() == wanted {
            return Ok(());
        }
        self.streams.settle(self)?;
        self.set_limit(wanted)
    }

    fn in_transaction(&self) -> bool {
        self.status.get() != Status::Idle && !self.streams.is_own_transaction()
    }

    fn reset(&self) -> Result<bool> {
        self.streams.forget();
        if self.spoiled.get() {
            return Err(Error::new(ErrorKind::Stale, "a prepared statement was left under a name"));
        }
        if self.status.get() != Status::Idle {
            self.simple("ROLLBACK")?;
        }
        let touched = self.touched.replace(false);
        if touched {
            self.limits.forget();
            self.statements.borrow_mut().clear();
            self.send(|client| client.batch_execute(CLEAN))?;
        } else {
            self.set_limit(Limit::Usual)?;
        }
        Ok(touched)
    }

    fn adopt(&self) {
        self.touched.set(false);
    }

    fn is_alive(&self) -> bool {
        self.send(|client| client.is_valid(Duration::from_secs(5))).is_ok()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The key that a row inserted by RETURNING gives.
fn id_of(prepared: &Prepared, row: Option<&Row>) -> Result<i64> {
    let value = row.zip(prepared.cells.first()).and_then(|(row, cell)| {
        let raw: Option<super::cursor::Raw<'_>> = row.try_get(0).ok()?;
        Some(cell.value(raw?.0))
    });
    match value.as_ref().map(mirrorm_core::Value::as_ref) {
        Some(ValueRef::Int(id)) => Ok(id),
        _ => Err(Error::new(
            ErrorKind::Unique,
            "a row was left out by a rule or a trigger, so it has no key to give",
        )),
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        // Statements say good-bye to a client that is there; they go with it instead.
        let client = self.client.borrow_mut().take();
        let _ = off_runtime(|| {
            drop(client);
            Ok(())
        });
    }
}
