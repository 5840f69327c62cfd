//! The SQLite driver: opening, sending, and cells into blocks.
//!
//! Not here: what a URL means (`location`), values into storage classes (`types`), codes into
//! kinds (`errors`).

use std::any::Any;
use std::cell::Cell as Flag;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mirrorm_core::dialect::{Connection, Connector, Cursor, Done, Request, rich_from_text};
use mirrorm_core::engine::EngineOptions;
use mirrorm_core::rows::{BlockBuilder, ColumnInfo, Columns, RowBuffer};
use mirrorm_core::types::{Class, Type};
use mirrorm_core::value::{Decimal, Other};
use mirrorm_core::{Error, ErrorKind, Result, Value};
use rusqlite::OpenFlags;

use super::clock::{Clock, Timed};
use super::errors::from_driver;
use super::location::{Location, Mode, Place};
use super::statement::{Cell, Running, Statement, Statements};
use super::witness::Witness;

/// Opens connections to one location.
pub(super) struct Opener {
    location: Location,
    busy_timeout: Duration,
    statement_timeout: Option<Duration>,
}

impl Opener {
    pub(super) fn new(location: Location, options: &EngineOptions) -> Opener {
        Opener {
            location,
            busy_timeout: options.lock_timeout(),
            statement_timeout: options.given_statement_timeout(),
        }
    }

    fn open_memory(&self, name: Option<&str>) -> Result<rusqlite::Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match name {
            Some(name) => {
                let uri = format!("{}?mode=memory&cache=shared", super::url_of_path(Path::new(name)));
                rusqlite::Connection::open_with_flags(uri, flags)
            }
            None => rusqlite::Connection::open_in_memory_with_flags(flags),
        };
        opened.map_err(from_driver)
    }

    fn open_file(&self, path: &Path, uri: &[(String, String)], mode: Mode) -> Result<Opened> {
        let about = || format!("`{}`", path.display());
        if path.is_dir() {
            return Err(Error::new(ErrorKind::Open, format!("{} is a folder", about())));
        }
        let exists = path.exists();
        if !exists && mode != Mode::Create {
            return Err(Error::new(ErrorKind::Open, format!("there is no file {}", about())));
        }
        let access = match mode {
            Mode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Mode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let mut target = super::url_of_path(path);
        let mut separator = '?';
        let witness = if mode == Mode::ReadOnly { Witness::of_idle_wal(path) } else { None };
        let immutable = witness.as_ref().map(|_| ("immutable".to_string(), "1".to_string()));
        for (name, value) in uri.iter().chain(&immutable) {
            target.push_str(&format!("{separator}{}={}", escaped(name), escaped(value)));
            separator = '&';
        }
        let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(target, flags)
            .map_err(|e| explain_open(from_driver(e), path))?;
        Ok(Opened { connection, created: !exists, witness })
    }

    /// Settings of the connection; nothing here is stored in the file but a journal mode that was
    /// asked for, or WAL in a file that opening made.
    fn set_up(&self, connection: &rusqlite::Connection, created: bool) -> Result<()> {
        // SQLite counts in milliseconds of 32 bits; longer is as long as it can.
        let most = Duration::from_millis(i32::MAX as u64);
        connection.busy_timeout(self.busy_timeout.min(most)).map_err(from_driver)?;
        super::regexp::register(connection).map_err(from_driver)?;
        let asked = |name: &str| self.location.settings.iter().any(|(known, _)| *known == name);
        if created && !asked("journal_mode") {
            pragma(connection, "journal_mode", "wal")?;
        }
        for (name, value) in &self.location.settings {
            pragma(connection, name, value)?;
        }
        pragma(connection, "foreign_keys", if self.location.foreign_keys { "on" } else { "off" })
    }
}

impl Connector for Opener {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        let in_memory = self.location.is_memory();
        let mut opened = match &self.location.place {
            Place::Memory(name) => {
                Opened { connection: self.open_memory(name.as_deref())?, created: false, witness: None }
            }
            Place::File { path, uri, mode } => {
                let opened = self.open_file(path, uri, *mode)?;
                check_readable(&opened.connection).map_err(|e| explain_open(e, path))?;
                opened
            }
        };
        self.set_up(&opened.connection, opened.created)?;
        let clock = Clock::of(&mut opened.connection, self.statement_timeout)?;
        Ok(Box::new(SqliteConnection {
            statements: Statements::default(),
            raw: opened.connection,
            foreign_keys: self.location.foreign_keys,
            in_memory,
            witness: opened.witness,
            touched: Flag::new(false),
            read_only: Flag::new(false),
            clock,
        }))
    }

    fn describe(&self) -> String {
        match &self.location.place {
            Place::Memory(None) => "sqlite in memory".to_string(),
            Place::Memory(Some(name)) => format!("sqlite in memory, shared as `{name}`"),
            Place::File { path, .. } => format!("sqlite file `{}`", path.display()),
        }
    }
}

/// What opening a file gave.
struct Opened {
    connection: rusqlite::Connection,
    created: bool,
    witness: Option<Witness>,
}

/// Reads the file's header now, so that a file that is no database is an error of opening.
fn check_readable(connection: &rusqlite::Connection) -> Result<()> {
    let version = connection.query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0));
    version.map(|_| ()).map_err(from_driver)
}

/// Puts the path and the likely cause into an error of opening.
fn explain_open(error: Error, path: &Path) -> Error {
    let hint = match error.kind() {
        ErrorKind::Corrupt => ": it is no SQLite database, is damaged, or is encrypted",
        ErrorKind::Open
            if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.exists()) =>
        {
            ": its folder does not exist"
        }
        _ => "",
    };
    error.at(format!("`{}`{hint}", path.display()))
}

/// A name or value for a URI's query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':') {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

/// Sets a PRAGMA. Names and values are words that `location` checked.
fn pragma(connection: &rusqlite::Connection, name: &str, value: &str) -> Result<()> {
    connection.pragma_update(None, name, value).map_err(from_driver)
}

/// A connection, and what has to be put right before the next user gets it.
pub(super) struct SqliteConnection {
    // Before `raw`: fields are dropped in order, and statements go before their connection.
    statements: Statements,
    raw: rusqlite::Connection,
    foreign_keys: bool,
    in_memory: bool,
    /// For a file opened as immutable: what it looked like then.
    witness: Option<Witness>,
    /// Whether a PRAGMA was sent through it.
    touched: Flag<bool>,
    read_only: Flag<bool>,
    clock: Clock,
}

impl SqliteConnection {
    pub(super) fn raw(&self) -> &rusqlite::Connection {
        self.touched.set(true);
        &self.raw
    }

    pub(super) fn repreparations(&self) -> Vec<(String, i32)> {
        self.statements.repreparations()
    }

    /// Runs `body` with the statement of a text, kept from before or for later.
    fn with<T>(&self, sql: &str, keep: bool, body: impl FnOnce(&mut Statement) -> Result<T>) -> Result<T> {
        self.undisturbed()?;
        let (text, mut statement) = match keep {
            true => self.statements.take(&self.raw, sql)?,
            false => (Box::default(), Statement::prepare(&self.raw, sql, false)?),
        };
        if statement.is_setting {
            self.touched.set(true);
        }
        let running = self.clock.start();
        let result = body(&mut statement);
        drop(running);
        if keep {
            self.statements.keep((text, statement));
        }
        result.and_then(|value| self.undisturbed().map(|()| value))
    }

    /// Undoes what PRAGMA and ATTACH did, by closing the connection: the error tells the pool to. A
    /// database in memory lives in its one connection, so there the settings that decide what is
    /// stored are put back instead.
    fn forget_settings(&self) -> Result<()> {
        if !self.in_memory {
            return Err(Error::new(ErrorKind::Stale, "the settings of the connection were changed"));
        }
        pragma(&self.raw, "foreign_keys", if self.foreign_keys { "on" } else { "off" })?;
        pragma(&self.raw, "query_only", "off")?;
        pragma(&self.raw, "ignore_check_constraints", "off")?;
        pragma(&self.raw, "recursive_triggers", "off")
    }

    /// A file that is read as immutable must not have been written, or what was read may be
    /// anything. Asked before and after each statement.
    fn undisturbed(&self) -> Result<()> {
        if self.is_current() {
            return Ok(());
        }
        let message = "somebody wrote the file while it was read without locks; do it again";
        Err(Error::new(ErrorKind::Serialization, message))
    }
}

impl Connection for SqliteConnection {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.with(request.sql, request.keep, |statement| {
            let mut rows = statement.start(request.params.iter().map(Value::as_ref))?;
            // The first step may prepare the statement again, with other columns.
            let at_row = rows.step()?;
            let described;
            let columns = match request.columns {
                Some(columns) if columns.len() == rows.columns() => columns,
                Some(columns) => return Err(other_width(columns.len(), rows.columns())),
                None => {
                    described = Arc::new(describe(&rows));
                    &described
                }
            };
            let clock = self.clock.running(request.stream);
            self.clock.stop();
            body(&mut SqliteCursor { rows, columns, at_row, single: request.single, clock })
        })
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        self.with(request.sql, request.keep, |statement| {
            let before = self.raw.total_changes();
            let mut running = statement.start(request.params.iter().map(Value::as_ref))?;
            // A PRAGMA, or a RETURNING nobody reads, has rows: run it to its end.
            while running.step()? {}
            // `changes` keeps the count of the last statement that had one; DDL has none.
            let changed = self.raw.total_changes() != before;
            let rows = if changed { self.raw.changes() } else { 0 };
            Ok(Done { rows, last_id: (rows > 0).then(|| self.raw.last_insert_rowid()) })
        })
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.with(sql, true, |statement| {
            let (mut rows, mut ids) = (0, ids);
            let mut starts = range.step_by(width.max(1));
            let Some(first) = starts.next() else { return Ok(0) };
            let mut running = statement.start(values.range(first..first + width))?;
            loop {
                while running.step()? {}
                let changed = self.raw.changes();
                rows += changed;
                if let Some(ids) = ids.as_deref_mut() {
                    if changed == 0 {
                        return Err(left_out());
                    }
                    ids.push(self.raw.last_insert_rowid());
                }
                match starts.next() {
                    Some(start) => running.again(values.range(start..start + width))?,
                    None => return Ok(rows),
                }
            }
        })
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.undisturbed()?;
        let lower = sql.to_ascii_lowercase();
        if ["pragma", "attach", "detach"].iter().any(|word| lower.contains(word)) {
            self.touched.set(true);
        }
        let running = self.clock.start();
        let done = self.raw.execute_batch(sql);
        drop(running);
        done.map_err(from_driver)?;
        self.undisturbed()
    }

    fn set_read_only(&self, read_only: bool) -> Result<()> {
        pragma(&self.raw, "query_only", if read_only { "on" } else { "off" })?;
        self.read_only.set(read_only);
        Ok(())
    }

    fn set_time_limit(&self, limit: Option<Duration>) -> Result<()> {
        self.clock.limit(limit);
        Ok(())
    }

    fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    fn reset(&self) -> Result<bool> {
        if self.in_transaction() {
            self.raw.execute_batch("ROLLBACK").map_err(from_driver)?;
        }
        if self.read_only.get() {
            self.set_read_only(false)?;
        }
        self.clock.limit(None);
        let touched = self.touched.replace(false);
        if touched {
            self.forget_settings()?;
        }
        Ok(touched)
    }

    fn adopt(&self) {
        self.touched.set(false);
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn is_current(&self) -> bool {
        self.witness.as_ref().is_none_or(Witness::holds)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The error of a statement with more or fewer columns than it was compiled for.
fn other_width(wanted: usize, found: usize) -> Error {
    let message =
        format!("the statement gives {found} columns, not the {wanted} it names: `raw` is one column each");
    Error::new(ErrorKind::Invalid, message)
}

/// The error of a row that has no key, because the table's own rule left it out.
fn left_out() -> Error {
    let message = "a row was left out by ON CONFLICT IGNORE or a trigger, so it has no key to give";
    Error::new(ErrorKind::Unique, message)
}

/// The columns of a statement nobody described: names as SQLite gives them, cells as stored.
fn describe(rows: &Running<'_>) -> Columns {
    Columns::new((0..rows.columns()).map(|i| ColumnInfo::new(rows.name(i), Type::Any)).collect())
}

struct SqliteCursor<'s> {
    rows: Running<'s>,
    columns: &'s Arc<Columns>,
    /// Whether the statement stands at a row that was not read.
    at_row: bool,
    /// There is no second row to step to.
    single: bool,
    /// What is done between blocks of rows is the reader's.
    clock: Timed<'s>,
}

impl Cursor for SqliteCursor<'_> {
    fn columns(&self) -> &Arc<Columns> {
        self.columns
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        let _running = self.clock.again();
        while self.at_row {
            for (i, column) in self.columns.iter().enumerate() {
                self.rows.cell(i, |cell| push(block, cell, column.class()));
            }
            self.at_row = false;
            if !self.single {
                self.at_row = self.rows.step()?;
            }
            if block.end_row() {
                return Ok(self.at_row);
            }
        }
        Ok(false)
    }
}

/// Adds a cell in the form its column has, if writing that form back gives this very cell;
/// otherwise as what is stored.
#[inline]
fn push(block: &mut BlockBuilder, cell: Cell<'_>, class: Class) {
    match (cell, class) {
        (Cell::Null, _) => block.push_null(),
        (Cell::Int(n), Class::Int | Class::Any | Class::Float) => block.push_int(n),
        (Cell::Text(text), Class::Text | Class::Any) => block.push_text(text),
        (Cell::Real(x), Class::Float | Class::Any) => block.push_float(x),
        (Cell::Blob(bytes), Class::Bytes | Class::Any) => block.push_bytes(bytes),
        (cell, class) => push_rich(block, cell, class),
    }
}

fn push_rich(block: &mut BlockBuilder, cell: Cell<'_>, class: Class) {
    match (cell, class) {
        (Cell::Null, _) => block.push_null(),
        (Cell::Int(n @ (0 | 1)), Class::Bool) => block.push_bool(n == 1),
        (Cell::Int(n), Class::Decimal) => block.push_value(Value::Decimal(Decimal::from(n))),
        (Cell::Real(x), Class::Decimal) => block.push_value(Value::Decimal(Decimal::from_f64(x))),
        (Cell::Int(n), Class::Json) => push_json(block, &n.to_string()),
        (Cell::Real(x), Class::Json) => push_json(block, &format!("{x:?}")),
        (Cell::Int(n), _) => block.push_value(Other::text("integer", n.to_string()).into()),
        (Cell::Real(x), _) => block.push_value(Other::text("real", format!("{x:?}")).into()),
        (Cell::Blob(bytes), _) => block.push_value(Other::bytes("blob", bytes).into()),
        (Cell::Text(text), _) => block.push_value(rich_text(text, class)),
    }
}

/// A number that stands in a JSON column, because the column's affinity made one of its text.
fn push_json(block: &mut BlockBuilder, text: &str) {
    match text.parse() {
        Ok(json) => block.push_value(Value::Json(json)),
        Err(_) => block.push_value(Other::text("real", text).into()),
    }
}

fn rich_text(bytes: &[u8], class: Class) -> Value {
    let Ok(text) = std::str::from_utf8(bytes) else { return Other::bytes("text", bytes).into() };
    // A number in text where numbers go as numbers would not be written back as text.
    let rich = if class == Class::Decimal { None } else { rich_from_text(class, text) };
    rich.unwrap_or_else(|| Other::text("text", text).into())
}
