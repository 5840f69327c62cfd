//! Prepared statements of SQLite, held by the connection: the one module with `unsafe` code.
//!
//! `rusqlite` ties a statement to a borrow of its connection, so a connection could keep none
//! itself; every call would go through its cache, copy each text it binds, and look each column up
//! several times. The workloads in `benches/README.md` show what that costs. Opening, closing,
//! settings and everything else stay with `rusqlite`.
//!
//! What makes it sound, in one place:
//! - A [`Statement`] is made for one connection and lives in [`Statements`], which the driver's
//!   connection drops before the `rusqlite` connection (field order; a test looks at it).
//! - The connection is opened without SQLite's mutex and is `Send`, not `Sync`: it and its
//!   statements are used by one thread at a time, which is all that `sqlite3_column_value` needs
//!   (sqlite.org/c3ref/value.html, unprotected values).
//! - Texts and blobs are bound without a copy. [`Running`] borrows them and the statement, and
//!   resets and clears the statement when it is dropped, before the borrow ends.
//! - Texts and blobs of a row are lent for the call that reads them; nothing keeps them over a
//!   step.
#![allow(unsafe_code)]

use std::cell::{Cell as Flag, RefCell};
use std::ffi::{CStr, c_char, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use mirrorm_core::value::{OtherData, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result, Value};
use rusqlite::ffi;

use super::errors::from_code;

/// Statements kept for each connection.
const KEPT: usize = 128;

/// A prepared statement.
pub(super) struct Statement {
    raw: NonNull<ffi::sqlite3_stmt>,
    /// How many parameters it takes.
    parameters: usize,
    /// Whether a text or a blob is bound, which must be let go before it is freed.
    holds: Flag<bool>,
    /// Whether it may change the connection itself, for its next user too.
    pub(super) is_setting: bool,
}

// SAFETY: a statement may be used from any thread that uses its connection, one at a time
// (sqlite.org/threadsafe.html, multi-thread mode); `Connection: Send`, not `Sync`, sees to that.
unsafe impl Send for Statement {}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: `raw` came from prepare and is finalized once, here.
        unsafe { ffi::sqlite3_finalize(self.raw.as_ptr()) };
    }
}

/// The statements a connection keeps, by text, the one used last at the end.
#[derive(Default)]
pub(super) struct Statements(RefCell<Vec<(Box<str>, Statement)>>);

impl Statements {
    /// Takes the statement of a text out, or prepares it. It comes back by [`Statements::keep`];
    /// a second use of the text meanwhile prepares another.
    pub(super) fn take(&self, db: &rusqlite::Connection, sql: &str) -> Result<(Box<str>, Statement)> {
        let mut kept = self.0.borrow_mut();
        if let Some(at) = kept.iter().rposition(|(text, _)| **text == *sql) {
            return Ok(kept.remove(at));
        }
        drop(kept);
        Ok((sql.into(), Statement::prepare(db, sql, true)?))
    }

    /// The kept texts, each with how often SQLite prepared it again.
    pub(super) fn repreparations(&self) -> Vec<(String, i32)> {
        // SAFETY: kept statements are prepared and not running; the counter is only read.
        let times = |s: &Statement| unsafe {
            ffi::sqlite3_stmt_status(s.raw.as_ptr(), ffi::SQLITE_STMTSTATUS_REPREPARE, 0)
        };
        self.0.borrow().iter().map(|(text, statement)| (text.to_string(), times(statement))).collect()
    }

    /// Puts a statement back, and lets the one go that was not used for longest.
    pub(super) fn keep(&self, statement: (Box<str>, Statement)) {
        let mut kept = self.0.borrow_mut();
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(statement);
    }
}

thread_local! {
    /// The statement that this thread is in a step of, for as long as that takes.
    static STEPPING: Flag<*mut ffi::sqlite3_stmt> = const { Flag::new(ptr::null_mut()) };
}

/// Whether the statement that this thread is in a step of has done all it had to do.
pub(super) fn is_done() -> bool {
    let raw = STEPPING.get();
    // SAFETY: a statement is here only while `step` borrows it, on this thread.
    !raw.is_null() && unsafe { ffi::sqlite3_stmt_busy(raw) == 0 }
}

/// The error of the last call on a connection.
fn failure(db: *mut ffi::sqlite3) -> Error {
    // SAFETY: `db` is an open connection; the message is copied before anything else is called.
    let (code, message) = unsafe {
        let message = CStr::from_ptr(ffi::sqlite3_errmsg(db)).to_string_lossy().into_owned();
        (ffi::sqlite3_extended_errcode(db), message)
    };
    from_code(code, message)
}

impl Statement {
    /// Prepares one statement; `keep` tells SQLite that it will live long.
    pub(super) fn prepare(db: &rusqlite::Connection, sql: &str, keep: bool) -> Result<Statement> {
        let length = c_int::try_from(sql.len())
            .map_err(|_| Error::new(ErrorKind::TooLarge, "a statement of more than 2 GiB"))?;
        let flags = if keep { ffi::SQLITE_PREPARE_PERSISTENT } else { 0 };
        let (mut raw, mut tail) = (ptr::null_mut(), ptr::null());
        // SAFETY: the handle is open as long as `db` is borrowed; text and length belong together;
        // both out pointers are ours.
        let (handle, code) = unsafe {
            let handle = db.handle();
            let start: *const c_char = sql.as_ptr().cast();
            (handle, ffi::sqlite3_prepare_v3(handle, start, length, flags, &mut raw, &mut tail))
        };
        if code != ffi::SQLITE_OK {
            return Err(failure(handle));
        }
        let Some(raw) = NonNull::new(raw) else {
            return Err(Error::new(ErrorKind::Syntax, "a statement without words"));
        };
        let word = super::stored::first_word(sql);
        let is_setting = matches!(word.as_str(), "PRAGMA" | "ATTACH" | "DETACH");
        // SAFETY: `raw` is a prepared statement.
        let parameters = unsafe { ffi::sqlite3_bind_parameter_count(raw.as_ptr()) as usize };
        let statement = Statement { raw, parameters, holds: Flag::new(false), is_setting };
        // SAFETY: on success the tail points into the text, or to its end.
        let used = unsafe { tail.offset_from(sql.as_ptr().cast()) };
        let rest = usize::try_from(used).ok().and_then(|used| sql.get(used..)).unwrap_or("");
        if !super::stored::is_blank(rest) {
            let message = "several statements in one text: use `execute_script`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(statement)
    }

    fn db(&self) -> *mut ffi::sqlite3 {
        // SAFETY: a prepared statement knows its connection.
        unsafe { ffi::sqlite3_db_handle(self.raw.as_ptr()) }
    }

    /// Binds parameters and makes the statement ready to step.
    pub(super) fn start<'v, I>(&'v mut self, params: I) -> Result<Running<'v>>
    where
        I: ExactSizeIterator<Item = ValueRef<'v>>,
    {
        let (wanted, given) = (self.parameters, params.len());
        if wanted != given {
            let message = format!("the statement takes {wanted} parameters, {given} were given");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let running = Running { statement: self, params: PhantomData };
        running.bind_all(params)?;
        Ok(running)
    }
}

/// A statement with its parameters bound. Dropping it resets the statement and lets the
/// parameters go.
pub(super) struct Running<'v> {
    statement: &'v mut Statement,
    params: PhantomData<ValueRef<'v>>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // SAFETY: `raw` is a prepared statement. The result of a reset repeats the error of the
        // last step, which was reported then.
        unsafe {
            ffi::sqlite3_reset(self.raw());
            if self.statement.holds.replace(false) {
                ffi::sqlite3_clear_bindings(self.raw());
            }
        }
    }
}

impl<'v> Running<'v> {
    fn raw(&self) -> *mut ffi::sqlite3_stmt {
        self.statement.raw.as_ptr()
    }

    /// Makes the statement ready to step once more, with as many other parameters.
    pub(super) fn again(&mut self, params: impl ExactSizeIterator<Item = ValueRef<'v>>) -> Result<()> {
        // SAFETY: `raw` is a prepared statement. Every parameter is bound anew, so none of the
        // earlier ones is left; all live for `'v`.
        unsafe { ffi::sqlite3_reset(self.raw()) };
        self.bind_all(params)
    }

    fn bind_all(&self, params: impl ExactSizeIterator<Item = ValueRef<'v>>) -> Result<()> {
        params.enumerate().try_for_each(|(i, value)| self.bind(i as c_int + 1, value))
    }

    /// Binds one parameter without copying it; `'v` outlives this value.
    fn bind(&self, at: c_int, value: ValueRef<'v>) -> Result<()> {
        let raw = self.raw();
        // SAFETY (all calls): `raw` is a prepared statement that was reset; bytes and length belong
        // together and live for `'v`, and `Drop` unbinds them before `'v` ends.
        let code = match value {
            ValueRef::Null => unsafe { ffi::sqlite3_bind_null(raw, at) },
            ValueRef::Int(n) => unsafe { ffi::sqlite3_bind_int64(raw, at, n) },
            ValueRef::Bool(b) => unsafe { ffi::sqlite3_bind_int64(raw, at, i64::from(b)) },
            ValueRef::Float(x) => unsafe { ffi::sqlite3_bind_double(raw, at, x) },
            ValueRef::Text(text) => self.bind_text(at, text.as_bytes()),
            ValueRef::Bytes(bytes) => self.bind_bytes(at, bytes),
            ValueRef::Rich(Value::Other(other)) => match other.data() {
                OtherData::Bytes(bytes) => self.bind_text(at, bytes),
                OtherData::Text(text) => self.bind_text(at, text.as_bytes()),
            },
            other => {
                let message = format!("a {} reached the driver", other.type_name());
                return Err(Error::conversion(message));
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(failure(self.statement.db())) }
    }

    fn bind_text(&self, at: c_int, text: &'v [u8]) -> c_int {
        self.statement.holds.set(true);
        let (start, length): (*const c_char, _) = (text.as_ptr().cast(), text.len() as u64);
        // SAFETY: as in `bind`. A slice's pointer is never null, so empty text is not NULL.
        unsafe {
            let encoding = ffi::SQLITE_UTF8 as u8;
            ffi::sqlite3_bind_text64(self.raw(), at, start, length, ffi::SQLITE_STATIC(), encoding)
        }
    }

    fn bind_bytes(&self, at: c_int, bytes: &'v [u8]) -> c_int {
        self.statement.holds.set(true);
        // SAFETY: as in `bind`. An empty blob is bound by its length alone.
        unsafe {
            match bytes.len() {
                0 => ffi::sqlite3_bind_zeroblob(self.raw(), at, 0),
                len => {
                    let start = bytes.as_ptr().cast();
                    ffi::sqlite3_bind_blob64(self.raw(), at, start, len as u64, ffi::SQLITE_STATIC())
                }
            }
        }
    }

    /// Goes to the next row; false when there is none.
    pub(super) fn step(&mut self) -> Result<bool> {
        let outer = STEPPING.replace(self.raw());
        // SAFETY: `raw` is a prepared statement.
        let code = unsafe { ffi::sqlite3_step(self.raw()) };
        STEPPING.set(outer);
        match code {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            _ => Err(failure(self.statement.db())),
        }
    }

    /// How many columns a row has; 0 for a statement without rows.
    pub(super) fn columns(&self) -> usize {
        // SAFETY: `raw` is a prepared statement.
        unsafe { ffi::sqlite3_column_count(self.raw()) as usize }
    }

    /// The name of a column.
    pub(super) fn name(&self, column: usize) -> String {
        // SAFETY: the name is copied at once; a null (out of memory, or no such column) is no name.
        unsafe {
            let name = ffi::sqlite3_column_name(self.raw(), column as c_int);
            if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        }
    }

    /// Lends a cell of the current row to a closure.
    #[inline]
    pub(super) fn cell<T>(&self, column: usize, read: impl FnOnce(Cell<'_>) -> T) -> T {
        // SAFETY: after a step that gave a row, each column below the count has a value, valid
        // until the next step; `&self` is borrowed for the call, so none can happen meanwhile.
        // A column beyond the count gives a NULL value by SQLite's own rule.
        unsafe {
            let value = ffi::sqlite3_column_value(self.raw(), column as c_int);
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => read(Cell::Int(ffi::sqlite3_value_int64(value))),
                ffi::SQLITE_FLOAT => read(Cell::Real(ffi::sqlite3_value_double(value))),
                ffi::SQLITE_TEXT => {
                    let start = ffi::sqlite3_value_text(value);
                    read(Cell::Text(slice(start, ffi::sqlite3_value_bytes(value))))
                }
                ffi::SQLITE_BLOB => {
                    let start: *const u8 = ffi::sqlite3_value_blob(value).cast();
                    read(Cell::Blob(slice(start, ffi::sqlite3_value_bytes(value))))
                }
                _ => read(Cell::Null),
            }
        }
    }
}

/// A cell as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'r> {
    Null,
    Int(i64),
    Real(f64),
    Text(&'r [u8]),
    Blob(&'r [u8]),
}

/// SAFETY: the caller gives the pointer and length of one value, valid for `'r`, or a null.
unsafe fn slice<'r>(start: *const u8, length: c_int) -> &'r [u8] {
    match (start.is_null(), usize::try_from(length)) {
        (false, Ok(length)) => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> rusqlite::Connection {
        rusqlite::Connection::open_in_memory().unwrap()
    }

    fn one(db: &rusqlite::Connection, sql: &str, params: &[Value]) -> Vec<String> {
        let mut statement = Statement::prepare(db, sql, false).unwrap();
        let mut running = statement.start(params.iter().map(Value::as_ref)).unwrap();
        assert!(running.step().unwrap());
        (0..running.columns()).map(|i| running.cell(i, |cell| format!("{cell:?}"))).collect()
    }

    #[test]
    fn every_storage_class_both_ways() {
        let db = memory();
        let long = "x".repeat(100_000);
        let params: Vec<Value> = vec![
            Value::Null,
            i64::MIN.into(),
            (-0.0f64).into(),
            "".into(),
            "grün".into(),
            Vec::new().into(),
            vec![0u8, 255].into(),
            long.as_str().into(),
        ];
        let cells = one(&db, "SELECT ?, ?, ?, ?, ?, ?, ?, length(?)", &params);
        assert_eq!(cells[..4], ["Null", "Int(-9223372036854775808)", "Real(-0.0)", "Text([])"]);
        assert_eq!(cells[4], format!("Text({:?})", "grün".as_bytes()));
        assert_eq!(cells[5..], ["Blob([])", "Blob([0, 255])", "Int(100000)"]);
    }

    #[test]
    fn parameters_are_let_go() {
        let db = memory();
        let mut statement = Statement::prepare(&db, "SELECT ?", true).unwrap();
        {
            let text = String::from("short-lived");
            let params = [Value::Text(text)];
            let mut running = statement.start(params.iter().map(Value::as_ref)).unwrap();
            assert!(running.step().unwrap());
        }
        let mut again = statement.start([ValueRef::Int(1)].into_iter()).unwrap();
        assert!(again.step().unwrap());
        assert!(again.cell(0, |cell| cell == Cell::Int(1)));
        assert!(!again.step().unwrap());
    }

    #[test]
    fn wrong_texts_are_errors() {
        let db = memory();
        let kind = |sql| Statement::prepare(&db, sql, false).map(|_| ()).unwrap_err().kind();
        assert_eq!(kind("SELEC 1"), ErrorKind::Syntax);
        assert_eq!(kind(""), ErrorKind::Syntax);
        assert_eq!(kind("-- nothing"), ErrorKind::Syntax);
        assert_eq!(kind("SELECT 1; SELECT 2"), ErrorKind::Invalid);
        assert!(Statement::prepare(&db, "SELECT 1; -- the end\n ; ", false).is_ok());
        let mut statement = Statement::prepare(&db, "SELECT ?", false).unwrap();
        assert!(statement.start([].into_iter()).is_err());
        assert!(statement.start([ValueRef::Rich(&Value::UInt(1))].into_iter()).is_err());
    }

    #[test]
    fn kept_statements_are_bounded_and_reused() {
        let db = memory();
        let statements = Statements::default();
        for i in 0..KEPT + 5 {
            let taken = statements.take(&db, &format!("SELECT {i}")).unwrap();
            statements.keep(taken);
        }
        assert_eq!(statements.0.borrow().len(), KEPT);
        let first = statements.take(&db, "SELECT 100").unwrap();
        let second = statements.take(&db, "SELECT 100").unwrap();
        assert_ne!(first.1.raw, second.1.raw, "in use twice at once");
    }

    #[test]
    fn a_changed_schema_prepares_again() {
        let db = memory();
        db.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
        let mut statement = Statement::prepare(&db, "SELECT * FROM t", true).unwrap();
        db.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 2").unwrap();
        let mut running = statement.start([].into_iter()).unwrap();
        assert!(running.step().unwrap());
        assert_eq!(running.columns(), 2);
    }
}
