//! What is sent, for those who want to see it: recorders, logs, `echo`, tracing.
//!
//! A [`Watched`] stands before each connection of a driver; while nobody listens, a statement pays for
//! one flag. Made by `Engine`; recorders are in the facade.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::io::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::RwLock;

use super::Engine;
use super::caller::caller;
use crate::dialect::{Connection, Connector, Cursor, Done, Request};
use crate::error::{Error, Result};
use crate::rows::{BlockBuilder, Columns, RowBuffer};
use crate::value::Value;

/// How many listen in this program.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

/// Whether anybody may want to know of a statement.
#[inline]
pub(super) fn anybody_listens() -> bool {
    cfg!(feature = "tracing") || LISTENERS.load(Ordering::Relaxed) > 0
}

/// A statement that was sent, and what came of it. Lent to those who [`observe`](Observers::observe).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Statement<'s> {
    /// Its text; of a script, all of it.
    pub sql: &'s str,
    values: Values<'s>,
    /// When it was sent.
    pub started: SystemTime,
    /// How long it took, its rows read.
    pub duration: Duration,
    /// How many rows it returned, or changed; none where nobody knows.
    pub rows: Option<u64>,
    /// Why it failed, if it did.
    pub error: Option<&'s Error>,
    /// What the compiler warns of: tables that no condition connects.
    pub warnings: &'s [String],
    /// The line of the program that called for it; none where a verb does not say, as for the end of
    /// what is dropped. What functions of columns and hooks send in a verb counts as the verb's.
    pub location: Option<&'static Location<'static>>,
    /// The database it was sent to, without its password.
    pub database: &'s str,
    /// The dialect's name.
    pub dialect: &'static str,
}

#[derive(Clone, Copy)]
enum Values<'s> {
    One(&'s [Value]),
    Many(&'s RowBuffer, usize, &'s Range<usize>),
}

impl Statement<'_> {
    /// The values it was sent with: a list for each time, so one list unless it was sent for many rows.
    /// They may be secrets.
    pub fn parameters(&self) -> Vec<Vec<Value>> {
        match self.values {
            Values::One([]) => Vec::new(),
            Values::One(values) => vec![values.to_vec()],
            Values::Many(values, width, range) => {
                let row =
                    |from: usize| values.range(from..from + width).map(|value| value.to_value()).collect();
                range.clone().step_by(width.max(1)).map(row).collect()
            }
        }
    }

    /// How many values, or rows of values, it was sent with.
    pub fn parameter_count(&self) -> usize {
        match self.values {
            Values::One(values) => values.len(),
            Values::Many(_, width, range) => range.len() / width.max(1),
        }
    }

    /// Whether it begins or ends a transaction; savepoints do not.
    pub fn is_transaction(&self) -> bool {
        let mut words = self.sql.split_ascii_whitespace().map(str::to_ascii_uppercase);
        match words.next().as_deref() {
            Some("BEGIN" | "COMMIT" | "START") => true,
            Some("ROLLBACK") => words.next().as_deref() != Some("TO"),
            _ => false,
        }
    }
}

impl fmt::Display for Statement<'_> {
    /// Without the values, and without the words of an error, which may hold some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms  {}", self.duration.as_secs_f64() * 1e3, self.sql)?;
        write_outcome(f, self.rows, self.error, self.location)?;
        self.warnings.iter().try_for_each(|warning| write!(f, "  warning: {warning}"))
    }
}

/// Writes what came of a statement, and who asked for it: `  (3 rows)  at src/main.rs:12`.
#[doc(hidden)]
pub fn write_outcome(
    f: &mut fmt::Formatter<'_>,
    rows: Option<u64>,
    error: Option<&Error>,
    location: Option<&Location<'_>>,
) -> fmt::Result {
    rows.map_or(Ok(()), |rows| write!(f, "  ({rows} rows)"))?;
    // The words of an error may hold values.
    error.map_or(Ok(()), |error| write!(f, "  failed: {:?}", error.kind()))?;
    location.map_or(Ok(()), |at| write!(f, "  at {}:{}", at.file(), at.line()))
}

impl fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

type Listener = Arc<dyn Fn(&Statement<'_>) + Send + Sync>;

/// Those who want to know what is sent. Clones are the same list.
#[derive(Clone, Default)]
pub struct Observers(Arc<RwLock<Vec<(u64, Listener)>>>);

impl Observers {
    /// Calls a function after every statement, on the thread that sent it, until the guard is dropped.
    /// What it sends itself is not told, and a panic of it is caught.
    pub fn observe(&self, listener: impl Fn(&Statement<'_>) + Send + Sync + 'static) -> Observing {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.0.write().push((id, Arc::new(listener)));
        LISTENERS.fetch_add(1, Ordering::Relaxed);
        Observing { list: self.clone(), id }
    }

    fn is_same(&self, other: &Observers) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    fn tell(&self, statement: &Statement<'_>) {
        // Nothing is locked while they run.
        let all: Vec<Listener> = self.0.read().iter().map(|(_, listener)| listener.clone()).collect();
        // The statement took effect: a panic must not pass through who keeps account of it.
        all.iter().for_each(|listener| drop(catch_unwind(AssertUnwindSafe(|| listener(statement)))));
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observers({})", self.0.read().len())
    }
}

/// Somebody who observes, until this is dropped.
#[must_use = "observing ends when this is dropped"]
pub struct Observing {
    list: Observers,
    id: u64,
}

impl Drop for Observing {
    fn drop(&mut self) {
        let mut all = self.list.0.write();
        let gone = all.iter().position(|(id, _)| *id == self.id).map(|at| all.remove(at));
        drop(all);
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
        drop(gone);
    }
}

impl fmt::Debug for Observing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observing({})", self.id)
    }
}

/// What opens connections that can be watched.
pub(super) struct Watching {
    pub(super) connector: Box<dyn Connector>,
    pub(super) told: Arc<Told>,
}

impl Connector for Watching {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        Ok(Box::new(Watched { told: self.told.clone(), driver: self.connector.connect()? }))
    }

    fn describe(&self) -> String {
        self.connector.describe()
    }
}

/// A driver's connection, and who wants to know what it sends.
struct Watched {
    told: Arc<Told>,
    driver: Box<dyn Connection>,
}

impl Watched {
    fn sent<T>(
        &self,
        (sql, values, warnings): (&str, Values<'_>, &[String]),
        run: impl FnOnce() -> Result<T>,
        rows: impl FnOnce(&T) -> Option<u64>,
    ) -> Result<T> {
        if !self.told.is_watched() {
            return run();
        }
        let (started, clock) = (SystemTime::now(), Instant::now());
        let done = run();
        let statement = Statement {
            sql,
            values,
            started,
            duration: clock.elapsed(),
            rows: done.as_ref().ok().and_then(rows),
            error: done.as_ref().err(),
            warnings,
            location: caller(),
            database: &self.told.database,
            dialect: self.told.dialect,
        };
        self.told.tell(&statement);
        done
    }
}

/// Who wants to know what an engine sends.
pub(super) struct Told {
    own: Observers,
    others: RwLock<Vec<Observers>>,
    is_echo: bool,
    database: String,
    dialect: &'static str,
}

impl Told {
    pub(super) fn new(is_echo: bool, database: String, dialect: &'static str) -> Told {
        if is_echo {
            LISTENERS.fetch_add(1, Ordering::Relaxed);
        }
        Told { own: Observers::default(), others: RwLock::default(), is_echo, database, dialect }
    }

    #[inline]
    fn is_watched(&self) -> bool {
        anybody_listens() && self.has_listeners()
    }

    fn has_listeners(&self) -> bool {
        if SILENT.try_with(Cell::get).unwrap_or(true) {
            return false;
        }
        #[cfg(feature = "tracing")]
        if super::trace::is_enabled() {
            return true;
        }
        self.is_echo || !self.own.is_empty() || self.others.read().iter().any(|list| !list.is_empty())
    }

    fn tell(&self, statement: &Statement<'_>) {
        if self.is_echo {
            // Nobody is left to hear that nobody hears.
            let _ = writeln!(std::io::stderr(), "[mirrorm] {statement}");
        }
        let others = self.others.read().clone();
        // What they send themselves is not told: it would not end.
        silently(|| {
            #[cfg(feature = "tracing")]
            super::trace::event(statement);
            others.iter().chain([&self.own]).for_each(|list| list.tell(statement));
        });
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if self.is_echo {
            LISTENERS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs something whose statements nobody is told of.
fn silently<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = SILENT.try_with(|silent| silent.set(self.0));
        }
    }
    let _restore = Restore(SILENT.try_with(|silent| silent.replace(true)).unwrap_or(true));
    body()
}

impl Engine {
    /// Calls a function after every statement of this engine, on the thread that sent it, until the
    /// guard is dropped. What the function sends itself is not told.
    ///
    /// # Example
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let list = seen.clone();
    /// let _watch = db.engine()?.observe(move |statement| list.lock().unwrap().push(statement.sql.to_string()));
    /// db.execute("CREATE TABLE t (a)", ())?;
    /// assert_eq!(*seen.lock().unwrap(), ["CREATE TABLE t (a)"]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn observe(&self, listener: impl Fn(&Statement<'_>) + Send + Sync + 'static) -> Observing {
        self.told().own.observe(listener)
    }

    /// Tells others too.
    #[doc(hidden)]
    pub fn tell_to(&self, observers: &Observers) {
        let mut others = self.told().others.write();
        if !others.iter().any(|known| known.is_same(observers)) {
            others.push(observers.clone());
        }
    }
}

/// Counts the rows that a cursor gives.
struct Counting<'c> {
    cursor: &'c mut dyn Cursor,
    rows: u64,
    failed: bool,
}

impl Cursor for Counting<'_> {
    fn columns(&self) -> &Arc<Columns> {
        self.cursor.columns()
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        let before = block.len();
        let more = self.cursor.fill(block);
        self.rows += (block.len() - before) as u64;
        self.failed = more.is_err();
        more
    }
}

impl Connection for Watched {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        if !self.told.is_watched() {
            return self.driver.query(request, body);
        }
        let (mut rows, mut refused) = (0, None);
        let run = || {
            self.driver.query(request, &mut |cursor| {
                let mut counting = Counting { cursor, rows: 0, failed: false };
                let done = body(&mut counting);
                rows += counting.rows;
                match done {
                    // What the reader of the rows did not like is no failure of the statement.
                    Err(error) if !counting.failed => refused = Some(error),
                    done => return done,
                }
                Ok(())
            })?;
            Ok(rows)
        };
        self.sent((request.sql, Values::One(request.params), request.warnings), run, |rows| Some(*rows))?;
        refused.map_or(Ok(()), Err)
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        let statement = (request.sql, Values::One(request.params), request.warnings);
        self.sent(statement, || self.driver.execute(request), |done| Some(done.rows))
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let run = || self.driver.execute_many(sql, width, values, range.clone(), ids);
        self.sent((sql, Values::Many(values, width, &range), &[]), run, |rows| Some(*rows))
    }

    fn execute_arrays(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let run = || self.driver.execute_arrays(sql, width, values, range.clone(), ids);
        self.sent((sql, Values::Many(values, width, &range), &[]), run, |rows| Some(*rows))
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.sent((sql, Values::One(&[]), &[]), || self.driver.script(sql), |()| None)
    }

    fn set_read_only(&self, read_only: bool) -> Result<()> {
        self.driver.set_read_only(read_only)
    }

    fn set_time_limit(&self, limit: Option<Duration>) -> Result<()> {
        self.driver.set_time_limit(limit)
    }

    fn in_transaction(&self) -> bool {
        self.driver.in_transaction()
    }

    fn reset(&self) -> Result<bool> {
        self.driver.reset()
    }

    fn adopt(&self) {
        self.driver.adopt();
    }

    fn is_alive(&self) -> bool {
        self.driver.is_alive()
    }

    fn is_current(&self) -> bool {
        self.driver.is_current()
    }

    fn unwatched(&self) -> Option<&dyn Connection> {
        Some(&*self.driver)
    }

    fn as_any(&self) -> &dyn Any {
        self.driver.as_any()
    }
}
