//! Recording queries: what was sent, how long it took, and which line of the program asked for it.
//!
//! A `Recorder` says what to keep, a `Recording` keeps it while it lives, for a whole `Db` or for each
//! scope (`scope` holds those). Not here: noticing what is sent (`mirrorm_core::engine`). Callers:
//! programs, and `assert_queries!`.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mirrorm_core::engine::{Observing, Statement, write_outcome};
use mirrorm_core::{Error, Value};
use mirrorm_session::Db;
use parking_lot::Mutex;

use crate::scope;

/// A statement as it was recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedQuery {
    /// Its text.
    pub statement: Arc<str>,
    /// The values it was sent with, a list for each time; none unless
    /// [`Recorder::with_parameters`] asked for them, as they may be secrets.
    pub parameters: Option<Vec<Vec<Value>>>,
    /// How many values, or rows of values, it was sent with.
    pub parameter_count: usize,
    /// When it was sent.
    pub started: SystemTime,
    /// How long it took, its rows read.
    pub duration: Duration,
    /// How many rows it returned, or changed; none where nobody knows.
    pub rows: Option<u64>,
    /// Why it failed, if it did. What the database says of it may hold values.
    pub error: Option<Error>,
    /// What the compiler warns of: tables that no condition connects.
    pub warnings: Vec<String>,
    /// The line of the program that called the verb; none for what no verb sends.
    pub location: Option<&'static Location<'static>>,
    /// The database, without its password.
    pub database: Arc<str>,
}

impl RecordedQuery {
    fn new(statement: &Statement<'_>, parameters: bool) -> RecordedQuery {
        RecordedQuery {
            statement: statement.sql.into(),
            parameters: parameters.then(|| statement.parameters()),
            parameter_count: statement.parameter_count(),
            started: statement.started,
            duration: statement.duration,
            rows: statement.rows,
            error: statement.error.cloned(),
            warnings: statement.warnings.to_vec(),
            location: statement.location,
            database: statement.database.into(),
        }
    }
}

impl fmt::Display for RecordedQuery {
    /// `0.412 ms  SELECT ..  (3 rows)  at src/main.rs:12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms  {}", self.duration.as_secs_f64() * 1e3, self.statement)?;
        match (&self.parameters, self.parameter_count) {
            (Some(parameters), 1..) => write!(f, "  {parameters:?}")?,
            (None, count @ 1..) => write!(f, "  [{count} parameters]")?,
            _ => {}
        }
        write_outcome(f, self.rows, self.error.as_ref(), self.location)?;
        self.warnings.iter().try_for_each(|warning| write!(f, "  warning: {warning}"))
    }
}

/// What is recorded: every statement with its values hidden, the last 1000, unless the methods say
/// otherwise. BEGIN, COMMIT and ROLLBACK are left out, savepoints are not. Each method returns the
/// changed recorder.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use mirrorm::prelude::*;
/// use mirrorm::Recorder;
///
/// let db = Db::open("sqlite://")?;
/// let slow = Recorder::new().slower_than(Duration::from_secs(60)).start(&db);
/// let all = Recorder::new().with_parameters().start(&db);
/// db.query_text("SELECT ?", (7,))?;
/// assert!(db.query_text("SELECT nonsense", ()).is_err());
/// assert!(slow.queries().is_empty());
/// let [first, second] = &all.queries()[..] else { panic!() };
/// assert_eq!((&*first.statement, first.rows), ("SELECT ?", Some(1)));
/// assert_eq!(first.parameters, Some(vec![vec![7.into()]]));
/// assert!(first.location.unwrap().line() > 0);
/// assert_eq!(second.error.as_ref().unwrap().kind(), ErrorKind::NoSuchColumn);
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a recorder records nothing until it is started"]
pub struct Recorder {
    limit: usize,
    slower_than: Duration,
    parameters: bool,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder { limit: 1000, slower_than: Duration::ZERO, parameters: false }
    }
}

impl Recorder {
    /// A recorder of everything, values hidden, that keeps the last 1000.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// How many are kept; the oldest go first.
    pub fn limit(mut self, queries: usize) -> Recorder {
        self.limit = queries;
        self
    }

    /// Keeps only those that took longer.
    pub fn slower_than(mut self, threshold: Duration) -> Recorder {
        self.slower_than = threshold;
        self
    }

    /// Keeps the values too. They may be secrets.
    pub fn with_parameters(mut self) -> Recorder {
        self.parameters = true;
        self
    }

    /// Records what is sent to the databases of a `Db`, from whatever thread, until the recording is
    /// dropped.
    pub fn start(self, db: &Db) -> Recording {
        let kept = Arc::new(Mutex::new(Queries::default()));
        let list = kept.clone();
        let watch = self.watch(db, move |query, limit| list.lock().push(query, limit));
        Recording { kept, _watch: watch }
    }

    /// Records what is sent in each scope of a `Db` ([`db.scope()`](crate::scope::Scoped::scope), or a
    /// thread with a [`db.scoped()`](crate::scope::Scoped::scoped) session) apart, for
    /// [`recorded_queries`], until what this returns is dropped. A scope takes what it recorded with it;
    /// what is sent outside scopes is not recorded. For scopes of a function of yours there is
    /// [`Scopes::record`](crate::scope::Scopes::record).
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::{Recorder, recorded_queries};
    ///
    /// let db = Db::open("sqlite://")?;
    /// let _recording = Recorder::new().start_by_scope(&db);
    /// {
    ///     let _request = db.scope();
    ///     db.scoped().query_text("SELECT 1", ())?;
    ///     assert_eq!(recorded_queries(&db).len(), 1);
    /// }
    /// assert!(recorded_queries(&db).is_empty());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn start_by_scope(self, db: &Db) -> Observing {
        // The Db must not be kept alive by what it holds itself.
        let of = scope::ScopesOf::new(db);
        self.watch(db, move |query, limit| of.record(query, limit))
    }

    /// Gives what it wants to somebody to keep, with how many to keep.
    pub(crate) fn watch(
        self,
        db: &Db,
        keep: impl Fn(RecordedQuery, usize) + Send + Sync + 'static,
    ) -> Observing {
        db.observe(move |statement| {
            if let Some(query) = self.take(statement) {
                keep(query, self.limit);
            }
        })
    }

    fn take(&self, statement: &Statement<'_>) -> Option<RecordedQuery> {
        let wanted = !statement.is_transaction() && statement.duration >= self.slower_than;
        wanted.then(|| RecordedQuery::new(statement, self.parameters))
    }
}

/// What was recorded in the current scope of a `Db`, oldest first: see
/// [`Recorder::start_by_scope`]. Empty outside scopes.
pub fn recorded_queries(db: &Db) -> Vec<RecordedQuery> {
    scope::recorded_in(db)
}

/// Queries that are kept, as many as there may be.
#[derive(Default)]
pub(crate) struct Queries {
    all: VecDeque<RecordedQuery>,
    count: u64,
}

impl Queries {
    pub(crate) fn push(&mut self, query: RecordedQuery, limit: usize) {
        self.count += 1;
        while self.all.len() >= limit.max(1) {
            self.all.pop_front();
        }
        if limit > 0 {
            self.all.push_back(query);
        }
    }

    pub(crate) fn list(&self) -> Vec<RecordedQuery> {
        self.all.iter().cloned().collect()
    }
}

/// What a [`Recorder`] keeps; it ends when this is dropped.
#[must_use = "recording ends when this is dropped"]
pub struct Recording {
    kept: Arc<Mutex<Queries>>,
    _watch: Observing,
}

impl Recording {
    /// What was recorded and is kept, oldest first.
    pub fn queries(&self) -> Vec<RecordedQuery> {
        self.kept.lock().list()
    }

    /// How many were recorded, those that are not kept any more among them.
    pub fn count(&self) -> u64 {
        self.kept.lock().count
    }

    /// Forgets them, and begins to count anew.
    pub fn clear(&self) {
        *self.kept.lock() = Queries::default();
    }

    /// Panics, and lists them, unless so many were recorded. For `assert_queries!`.
    #[doc(hidden)]
    #[track_caller]
    pub fn assert_count(&self, wanted: u64) {
        let found = self.count();
        let list = || self.queries().iter().map(|query| format!("\n  {query}")).collect::<String>();
        assert!(found == wanted, "{found} queries instead of {wanted}:{}", list());
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.queries()).finish()
    }
}

/// Asserts how many queries an expression sends to a `Db`, from whatever thread, and gives its value.
/// Else it panics and lists them, with the lines they come from.
///
/// BEGIN, COMMIT and ROLLBACK do not count, savepoints do.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::assert_queries;
///
/// let db = Db::open("sqlite://")?;
/// let tags = db.table("tags", column("id", Integer).primary_key())?;
/// db.create_all()?;
/// let session = db.session();
/// let all = assert_queries!(1, db, session.query(&tags).all()?);
/// assert!(all.is_empty());
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[macro_export]
macro_rules! assert_queries {
    ($count:expr, $db:expr, $($body:tt)+) => {{
        let recording = $crate::Recorder::new().with_parameters().start(&$db);
        let value = { $($body)+ };
        recording.assert_count($count);
        value
    }};
}
