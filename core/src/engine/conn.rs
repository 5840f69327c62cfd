//! A checked-out connection: statements, transactions, and what a statement may run on.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{ArcReentrantMutexGuard, RawMutex, RawThreadId};

use super::Engine;
use super::caller::{mark, unmarked};
use super::gate::Pass;
use super::params::IntoParams;
use super::pool::Lease;
use super::transaction::Transaction;
use crate::compile::{Compile, Compiled, Target};
use crate::dialect::{BindUse, Connection, Cursor, Done, Inspector, Intent, Isolation, Request};
use crate::error::{Error, ErrorKind, Left, Result};
use crate::expr::Expr;
use crate::rows::{Block, BlockBuilder, RowBuffer, RowStream, Rows};
use crate::schema::{Indexed, KeyDef, Name, Table, TableDef};
use crate::stmt::{Operation, Tables};
use crate::value::Value;

/// A connection from the pool, until it is dropped.
///
/// Outside a transaction every statement commits by itself. It can be sent to another thread, not
/// shared between threads.
pub struct Conn {
    engine: Engine,
    lease: Lease,
    target: Arc<Target>,
    /// Open transaction levels: the transaction and its savepoints.
    pub(super) depth: Cell<u32>,
    pub(super) intent: Cell<Intent>,
    pub(super) pass: RefCell<Option<Pass>>,
    savepoints: Cell<u64>,
    /// The isolation of its transactions, where that was said.
    pub(super) isolation: Cell<Option<Isolation>>,
    /// How long its statements may take, where that was said.
    timeout: Cell<Option<Duration>>,
    /// Whether the driver was ever told of a limit: a rollback may bring back what was set before.
    limited: Cell<bool>,
    /// Whether something was sent since the transaction began that may have written.
    pub(super) written: Cell<bool>,
}

/// Rows of one statement whose parameters are arrays: what is sent at once stays small.
const CHUNK: usize = 2_000;

/// Where a statement can run: a `Db`, a [`Conn`], a [`Transaction`].
pub trait Execute {
    /// Lends a connection for one verb.
    #[doc(hidden)]
    fn lend(&self) -> Result<Lent<'_>>;

    /// Lends a connection for a statement that names these tables. Who has several databases finds
    /// out which one it is for.
    #[doc(hidden)]
    fn lend_for(&self, statement: &dyn Tables) -> Result<Lent<'_>> {
        let _ = statement;
        self.lend()
    }

    /// Runs a statement that writes rows of a table; the body says how many. Who keeps account of
    /// changes does it here.
    #[doc(hidden)]
    fn write(&self, what: &Writing<'_>, body: &mut dyn FnMut(&Conn) -> Result<u64>) -> Result<()> {
        let _ = what;
        body(&*self.lend()?).map(|_| ())
    }
}

/// What a statement is about to write.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Writing<'s> {
    /// The statement.
    pub statement: &'s dyn Tables,
    /// The table.
    pub table: &'s Table,
    /// What is done to its rows.
    pub operation: Operation,
    /// Which rows, for an update or a delete.
    pub criteria: &'s [Expr],
}

/// A connection for one verb: one's own, or one taken from the pool for it.
#[doc(hidden)]
pub enum Lent<'a> {
    /// Taken for the verb.
    Own(Box<Conn>),
    /// The caller's.
    Borrowed(&'a Conn),
    /// A session's, for as long as it is locked.
    Held(HeldConn),
}

/// The connection of a session: locked by the thread that uses it, again and again if need be.
#[doc(hidden)]
pub type HeldConn = ArcReentrantMutexGuard<RawMutex, RawThreadId, Conn>;

impl std::ops::Deref for Lent<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        match self {
            Lent::Own(conn) => conn,
            Lent::Borrowed(conn) => conn,
            Lent::Held(conn) => conn,
        }
    }
}

impl fmt::Debug for Lent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Execute for Conn {
    fn lend(&self) -> Result<Lent<'_>> {
        Ok(Lent::Borrowed(self))
    }
}

impl Execute for Engine {
    fn lend(&self) -> Result<Lent<'_>> {
        Ok(Lent::Own(Box::new(self.connect()?)))
    }
}

impl<T: Execute + ?Sized> Execute for &T {
    fn lend(&self) -> Result<Lent<'_>> {
        (**self).lend()
    }

    fn lend_for(&self, statement: &dyn Tables) -> Result<Lent<'_>> {
        (**self).lend_for(statement)
    }

    fn write(&self, what: &Writing<'_>, body: &mut dyn FnMut(&Conn) -> Result<u64>) -> Result<()> {
        (**self).write(what, body)
    }
}

impl Conn {
    pub(super) fn new(engine: Engine, lease: Lease, target: Arc<Target>) -> Conn {
        let intent = Cell::new(Intent::Deferred);
        Conn {
            engine,
            lease,
            target,
            depth: Cell::new(0),
            intent,
            pass: RefCell::default(),
            savepoints: Cell::new(0),
            isolation: Cell::new(None),
            timeout: Cell::new(None),
            limited: Cell::new(false),
            written: Cell::new(false),
        }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the server can do.
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The dialect's connection, for its `raw` escape hatch and for inspectors.
    pub fn driver(&self) -> &dyn Connection {
        self.lease.connection()
    }

    /// Whether a transaction is running on it.
    pub fn in_transaction(&self) -> bool {
        self.depth.get() > 0
    }

    /// Whether the transaction that is open may have written something.
    #[doc(hidden)]
    pub fn has_written(&self) -> bool {
        self.written.get()
    }

    pub(super) fn note_write(&self) {
        self.written.set(true);
        self.engine.note_write();
    }

    /// Runs SQL that returns no rows, with the dialect's own placeholders, and says how many rows
    /// it changed.
    ///
    /// # Errors
    /// The database's, with the statement; values that have no place in it are `Conversion`.
    #[track_caller]
    pub fn execute(&self, sql: &str, params: impl IntoParams) -> Result<u64> {
        let _caller = mark();
        let params = self.bound(params)?;
        Ok(self.run(&Request::new(sql, &params), None)?.rows)
    }

    /// Runs SQL that returns rows, with the dialect's own placeholders.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    #[track_caller]
    pub fn query_text(&self, sql: &str, params: impl IntoParams) -> Result<Rows> {
        let _caller = mark();
        let params = self.bound(params)?;
        // It may be an INSERT .. RETURNING for all we know.
        self.note_write();
        self.rows(&Request::new(sql, &params), usize::MAX)
    }

    /// Runs several statements separated by semicolons, without parameters.
    ///
    /// # Errors
    /// The database's, for the first statement that fails; those before it took effect unless a
    /// transaction is running.
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> Result<()> {
        let _caller = mark();
        self.still_open()?;
        let _turn = self.turn_to_write()?;
        self.note_write();
        self.limit(None)?;
        self.checked(self.driver().script(sql)).map_err(|e| e.with_sql(sql, &[]))
    }

    /// Values of raw SQL in the forms the driver stores.
    fn bound(&self, params: impl IntoParams) -> Result<Vec<Value>> {
        let adapt = |value| crate::compile::adapt(&self.target, value, None, BindUse::Compare);
        params.into_params().0.into_iter().map(adapt).collect()
    }

    /// Compiles a statement for this server.
    pub(super) fn compile(&self, statement: &impl Compile) -> Result<Compiled> {
        let compiled = statement.compile(&self.target)?;
        match compiled.params.first() {
            None => Ok(compiled),
            Some(param) => {
                let message = format!("the parameter `{}` has no value: prepare the statement", param.name);
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// Sends a statement that writes. The table, if it is known, completes the error.
    pub(super) fn run(&self, request: &Request<'_>, table: Option<&TableDef>) -> Result<Done> {
        self.still_open()?;
        let _turn = self.turn_to_write()?;
        self.note_write();
        self.limit(request.limit)?;
        let done = self.checked(self.driver().execute(request));
        done.map_err(|e| explain(e, table).with_sql(request.sql, request.params))
    }

    /// Sends the same statement for many rows.
    pub(super) fn run_many(
        &self,
        sql: &str,
        width: usize,
        (values, range): (&RowBuffer, Range<usize>),
        ids: Option<&mut Vec<i64>>,
        table: &TableDef,
    ) -> Result<u64> {
        self.still_open()?;
        self.note_write();
        self.limit(None)?;
        let done = self.checked(self.driver().execute_many(sql, width, values, range, ids));
        done.map_err(|e| explain(e, Some(table)).with_sql(sql, &[]))
    }

    /// Sends a statement whose parameters are the columns of many rows, a chunk of them at a time.
    pub(super) fn run_arrays(
        &self,
        sql: &str,
        width: usize,
        (values, range): (&RowBuffer, Range<usize>),
        mut ids: Option<&mut Vec<i64>>,
        table: &TableDef,
    ) -> Result<u64> {
        self.still_open()?;
        self.note_write();
        self.limit(None)?;
        let mut rows = 0;
        for start in range.clone().step_by(CHUNK * width.max(1)) {
            let end = range.end.min(start + CHUNK * width.max(1));
            let done = self.driver().execute_arrays(sql, width, values, start..end, ids.as_deref_mut());
            rows += self.checked(done).map_err(|e| explain(e, Some(table)).with_sql(sql, &[]))?;
        }
        Ok(rows)
    }

    /// Sends a statement that writes, and reads the rows it gives. The table completes the error.
    pub(super) fn rows_written(&self, request: &Request<'_>, table: &TableDef) -> Result<Rows> {
        let _turn = self.turn_to_write()?;
        self.note_write();
        self.rows(request, 1).map_err(|e| explain(e, Some(table)))
    }

    /// Sends a statement and reads all its rows.
    pub(super) fn rows(&self, request: &Request<'_>, expect: usize) -> Result<Rows> {
        let mut rows = None;
        self.cursor(request, &mut |cursor| {
            rows = Some(Rows::read(cursor, expect)?);
            Ok(())
        })?;
        rows.ok_or_else(|| Error::new(ErrorKind::Database, "the driver lent no cursor"))
    }

    /// Sends a statement, reads its first rows, mostly all, into a block, and makes something of it;
    /// none where there are none.
    pub(super) fn block<T>(&self, request: &Request<'_>, make: impl FnOnce(Block) -> T) -> Result<Option<T>> {
        let (mut made, mut make) = (None, Some(make));
        self.cursor(request, &mut |cursor| {
            let mut builder = BlockBuilder::new(cursor.columns().clone(), 1);
            cursor.fill(&mut builder)?;
            if let (false, Some(make)) = (builder.is_empty(), make.take()) {
                made = Some(make(builder.finish()?));
            }
            Ok(())
        })?;
        Ok(made)
    }

    /// Sends a statement and lends its rows as they come.
    pub(super) fn stream<T>(
        &self,
        request: &Request<'_>,
        body: impl FnOnce(&mut RowStream<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut body = Some(body);
        let mut result = None;
        self.cursor(&Request { stream: true, ..*request }, &mut |cursor| {
            if let Some(body) = body.take() {
                result = Some(unmarked(|| body(&mut RowStream::new(cursor)))?);
            }
            Ok(())
        })?;
        result.ok_or_else(|| Error::new(ErrorKind::Database, "the driver lent no cursor"))
    }

    fn cursor(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.still_open()?;
        self.limit(request.limit)?;
        self.checked(self.driver().query(request, body)).map_err(|e| {
            if e.kind() == ErrorKind::Conversion { e } else { e.with_sql(request.sql, request.params) }
        })
    }

    /// Tells the driver how long the next statement may take: its own limit, or the connection's.
    pub(super) fn limit(&self, own: Option<Duration>) -> Result<()> {
        let limit = own.or(self.timeout.get());
        if limit.is_none() && !self.limited.get() {
            return Ok(());
        }
        self.limited.set(true);
        self.checked(self.driver().set_time_limit(limit))
    }

    /// Asks the dialect's inspector, under the connection's own limit.
    #[doc(hidden)]
    pub fn inspect<T>(&self, ask: impl FnOnce(&dyn Inspector, &dyn Connection) -> Result<T>) -> Result<T> {
        self.still_open()?;
        self.limit(None)?;
        self.checked(ask(self.engine.dialect().inspector(), self.driver()))
    }

    /// A name for a savepoint, never used before on this connection.
    pub(super) fn next_savepoint(&self) -> Name {
        self.savepoints.set(self.savepoints.get() + 1);
        Name::from(format!("mirrorm_{}", self.savepoints.get()))
    }

    /// Refuses to go on where the database has ended the transaction that the caller believes to be
    /// in: the next statement would commit by itself.
    pub(super) fn still_open(&self) -> Result<()> {
        if self.was_ended() {
            let message = "the database rolled the transaction back; roll back and begin again";
            return Err(Error::new(ErrorKind::PendingRollback, message).with_left(Left::Transaction));
        }
        Ok(())
    }

    /// Whether the database has ended the transaction by itself.
    fn was_ended(&self) -> bool {
        self.in_transaction() && !self.driver().in_transaction()
    }

    /// Looks at a driver's result: a connection that is gone must not go back to the pool, and a
    /// transaction the database ended is over.
    pub(super) fn checked<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            if error.kind() == ErrorKind::Disconnected {
                self.lease.mark_broken();
            }
            let lost = self.in_transaction() && self.target.features.errors_abort;
            let left = match self.depth.get() {
                _ if error.kind() == ErrorKind::Disconnected => None,
                _ if self.was_ended() => Some(Left::Transaction),
                1 if lost => Some(Left::Transaction),
                _ if lost => Some(Left::Level),
                _ => None,
            };
            if let Some(left) = left {
                return result.map_err(|e| e.with_left(left));
            }
        }
        result
    }

    /// Waits for the right to write where the database takes one writer at a time. Inside a
    /// transaction it is kept to the end; outside, for the statement.
    pub(super) fn turn_to_write(&self) -> Result<Option<Pass>> {
        if !self.target.features.single_writer
            || self.pass.borrow().is_some()
            || self.intent.get() == Intent::Read
        {
            return Ok(None);
        }
        let pass = self.engine.gate().enter()?;
        if self.in_transaction() {
            *self.pass.borrow_mut() = Some(pass);
            return Ok(None);
        }
        Ok(Some(pass))
    }

    /// The isolation of the transactions that begin on this connection from now on, until it goes back to
    /// the pool; none for the engine's.
    ///
    /// # Errors
    /// `Invalid` while a transaction is running: it has its isolation already.
    ///
    /// # Example
    /// ```
    /// use mirrorm::engine::Isolation;
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let conn = db.connect()?;
    /// conn.set_isolation(Isolation::Serializable)?;
    /// conn.transaction(|tx| tx.execute("CREATE TABLE t (n INTEGER)", ()))?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn set_isolation(&self, level: impl Into<Option<Isolation>>) -> Result<()> {
        if self.in_transaction() {
            let message = "the transaction that is running has its isolation: end it first";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.isolation.set(level.into());
        Ok(())
    }

    /// How long each statement on this connection may take from now on, until it goes back to the pool; none for the
    /// engine's [`EngineOptions::statement_timeout`](super::EngineOptions::statement_timeout).
    ///
    /// A statement that takes longer is stopped and is an error of the kind `Timeout`; a statement's own limit
    /// ([`Select::timeout`](crate::stmt::Select::timeout)) wins, and zero is any time. Each piece of a stream has it
    /// anew, but on MySQL and MariaDB, where it is for the whole, reading included; MySQL stops nothing but SELECTs.
    ///
    /// # Errors
    /// Statements outside a transaction are `Invalid` on PostgreSQL with `statement_cache=0`: behind a pooler, the
    /// session is not theirs alone.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    ///
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let conn = db.connect()?;
    /// conn.set_timeout(Duration::from_millis(20));
    /// let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    /// assert_eq!(conn.query_text(endless, ()).unwrap_err().kind(), ErrorKind::Timeout);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn set_timeout(&self, most: impl Into<Option<Duration>>) {
        self.timeout.set(most.into());
    }

    /// Begins a transaction that is committed or rolled back through the guard, and rolled back
    /// when the guard is dropped.
    ///
    /// # Errors
    /// `Invalid` when one is running: that is what [`Transaction::savepoint`] is for. `Busy` when
    /// another writer does not end in time.
    #[track_caller]
    pub fn begin(&self, intent: Intent) -> Result<Transaction<'_>> {
        let _caller = mark();
        Transaction::begin(self, intent)
    }

    /// Runs a closure in a writing transaction: committed when it returns `Ok`, rolled back on
    /// `Err` and on panic.
    ///
    /// # Errors
    /// The closure's, and those of begin and commit.
    #[track_caller]
    pub fn transaction<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let _caller = mark();
        self.begin(Intent::Write)?.run(|tx| unmarked(|| body(tx)))
    }

    /// Runs what must happen wholly or not at all: in the caller's transaction, or in one of its own.
    pub(super) fn atomically<T>(&self, body: impl FnOnce(&Conn) -> Result<T>) -> Result<T> {
        if self.in_transaction() {
            let _turn = self.turn_to_write()?;
            return body(self);
        }
        self.begin(Intent::Write)?.run(|tx| body(tx))
    }

    /// Runs a closure in a transaction that sees one state of the database and refuses writes.
    ///
    /// # Errors
    /// The closure's; `ReadOnly` for a write.
    #[track_caller]
    pub fn read<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let _caller = mark();
        self.begin(Intent::Read)?.run(|tx| unmarked(|| body(tx)))
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conn({})", self.engine.describe())
    }
}

/// Adds what the table knows to a constraint violation: the constraint's name by its columns,
/// or its columns by its name.
fn explain(error: Error, table: Option<&TableDef>) -> Error {
    let Some(table) = table.filter(|_| error.is_constraint_violation()) else {
        return error;
    };
    let named = error.table().is_none_or(|name| name == table.name().as_str());
    if !named {
        return error;
    }
    let error = if error.table().is_none() { error.with_table(table.display_name()) } else { error };
    match error.kind() {
        ErrorKind::Unique => explain_unique(error, table),
        ErrorKind::ForeignKey => explain_foreign_key(error, table),
        _ => error,
    }
}

/// Adds the constraint's name to its columns, or its columns to its name.
fn explain_unique(error: Error, table: &TableDef) -> Error {
    let keys = || table.uniques().iter().chain(table.primary_key());
    if let (Some(name), []) = (error.constraint(), error.columns()) {
        let columns = columns_of_key(table, name);
        return if columns.is_empty() { error } else { error.with_columns(columns) };
    }
    if error.constraint().is_some() || error.columns().is_empty() {
        return error;
    }
    let same = |key: &&KeyDef| table.names_at(&key.columns).eq(error.columns().iter().map(String::as_str));
    match keys().find(same).and_then(|key| key.name.as_ref()) {
        Some(name) => {
            let name = name.to_string();
            error.with_constraint(name)
        }
        None => error,
    }
}

/// The columns of a unique key or index by its name. A key without one has its first column's where
/// the database has to call it something, and the primary key is called just that.
fn columns_of_key(table: &TableDef, name: &str) -> Vec<String> {
    let names = |key: &KeyDef| table.names_at(&key.columns).map(str::to_string).collect::<Vec<String>>();
    let is_called = |key: &&KeyDef| match &key.name {
        Some(own) => own.as_str() == name,
        None => table.names_at(&key.columns).next() == Some(name),
    };
    if let Some(key) = table.uniques().iter().find(is_called) {
        return names(key);
    }
    if let Some(key) = table.primary_key().filter(|key| is_called(key) || name == "PRIMARY") {
        return names(key);
    }
    let index =
        table.indexes().iter().find(|i| i.unique && i.name.as_ref().is_some_and(|own| own.as_str() == name));
    let columns = index.map(|index| {
        index.elements.iter().filter_map(|element| match &element.what {
            Indexed::Column(column) => Some(column.to_string()),
            Indexed::Expr(_) => None,
        })
    });
    columns.map(Iterator::collect).unwrap_or_default()
}

/// A database that does not say which foreign key failed leaves no doubt where there is only one.
fn explain_foreign_key(error: Error, table: &TableDef) -> Error {
    match (error.constraint(), table.foreign_keys()) {
        (None, [only]) => {
            let columns: Vec<String> = table.names_at(&only.columns).map(str::to_string).collect();
            let error = error.with_columns(columns);
            match &only.name {
                Some(name) => error.with_constraint(name.to_string()),
                None => error,
            }
        }
        _ => error,
    }
}
