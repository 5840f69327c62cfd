//! The `Db`: what a program opens, defines tables in, reflects, and runs statements on.
//!
//! Its tables are in `tables`. Not here: opening by URL (the facade's `Open`, which knows the dialects),
//! and everything that statements do (`mirrorm_core::engine`). Callers: programs.

mod reflecting;
mod tables;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mirrorm_core::dialect::{Dialect, Intent};
use mirrorm_core::engine::{
    Conn, Engine, Execute, IntoParams, Lent, Observers, Observing, Statement, Writing, mark, unmarked,
};
use mirrorm_core::rows::Rows;
use mirrorm_core::schema::{Metadata, Table};
use mirrorm_core::stmt::Tables;
use mirrorm_core::{Error, ErrorKind, Result};
use parking_lot::RwLock;

use crate::config::Config;
use crate::engines::{Engines, Hooks, Maker, NoHooks, Swap, table_of};
use crate::restrict::Restrictions;
use crate::route::Route;
use crate::session::{Session, SessionOptions};
use crate::signal::Signals;
pub(crate) use reflecting::Reflected;
pub(crate) use tables::{note_unsaved, relations_of};

/// Databases and their tables: mostly one, with further ones by bind key. Cheap to clone; clones are
/// the same.
///
/// It is made by `Db::open(url)`, or by `Db::new()` and [`Db::init`] later; the prelude brings both
/// in. Nothing is connected before it is needed, and a database that is down costs only those who
/// ask for it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    engines: RwLock<Option<Arc<Engines>>>,
    maker: Maker,
    metadata: Metadata,
    signals: Signals,
    /// Who wants to know what is sent.
    observers: Observers,
    restrictions: Restrictions,
}

impl Db {
    /// A `Db` without a database, for these dialects.
    #[doc(hidden)]
    pub fn unopened(dialects: &'static [&'static dyn Dialect], hooks: Option<Arc<dyn Hooks>>) -> Db {
        let hooks = hooks.unwrap_or_else(|| Arc::new(NoHooks));
        let metadata = hooks.create_metadata();
        Db::over(metadata, Maker { dialects, hooks, base: Arc::default() })
    }

    fn over(metadata: Metadata, maker: Maker) -> Db {
        let (signals, observers) = (Signals::default(), Observers::default());
        let (engines, restrictions) = (RwLock::new(None), Restrictions::default());
        Db(Arc::new(Inner { engines, maker, metadata, signals, observers, restrictions }))
    }

    /// Gives the `Db` its databases. Nothing is connected yet.
    ///
    /// # Errors
    /// `Config` when it has some already, which [`Db::reconfigure`] changes and [`Db::with_config`]
    /// leaves alone; the mistakes of the configuration.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::new();
    /// let tags = db.table("tags", column("id", Integer).primary_key())?;
    /// assert_eq!(db.create_all().unwrap_err().kind(), ErrorKind::Config);
    /// db.init(Config::new().url("sqlite://"))?;
    /// db.create_all()?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn init(&self, config: Config) -> Result<()> {
        let made = Engines::new(&config, self.0.maker.clone(), None, self.observers())?;
        let mut engines = self.0.engines.write();
        if engines.is_some() {
            let message = "the Db has its databases already: `reconfigure` changes them, `with_config` gives \
                           another Db over the same tables";
            return Err(Error::new(ErrorKind::Config, message));
        }
        *engines = Some(Arc::new(made));
        Ok(())
    }

    /// Changes the databases. Those that are configured as before, options and all, keep their
    /// engines and connections; the others' are disposed of. Sessions that were made before go on
    /// with what they had.
    ///
    /// # Errors
    /// The mistakes of the configuration, and `Busy` while a test transaction is open; everything stays
    /// as it was then.
    pub fn reconfigure(&self, config: Config) -> Result<()> {
        let mut engines = self.0.engines.write();
        if let Some(stands_in) = engines.as_ref().filter(|engines| engines.is_stand_in()) {
            return Err(occupied(stands_in));
        }
        let made =
            Arc::new(Engines::new(&config, self.0.maker.clone(), engines.as_deref(), self.observers())?);
        let replaced = engines.replace(made.clone());
        drop(engines);
        replaced.iter().for_each(|before| before.dispose_but(&made));
        Ok(())
    }

    /// Another `Db` over the same tables and relationships, with databases and signals of its own.
    ///
    /// # Errors
    /// The mistakes of the configuration.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let live = Db::open("sqlite://")?;
    /// let tags = live.table("tags", column("id", Integer).primary_key())?;
    /// let staging = live.with_config(Config::new().url("sqlite://"))?;
    /// staging.create_all()?;
    /// insert(&tags).run(&staging)?;
    /// assert!(select(&tags).all(&live).is_err()); // not created there
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn with_config(&self, config: Config) -> Result<Db> {
        let db = Db::over(self.0.metadata.clone(), self.0.maker.clone());
        db.init(config)?;
        Ok(db)
    }

    /// The engines of the databases as they are configured now.
    pub(crate) fn engines(&self) -> Result<Arc<Engines>> {
        self.0.engines.read().clone().ok_or_else(no_database)
    }

    /// Lets other engines stand in for those of the databases, made of each when it is first used. One
    /// at a time: what stands in for what stands in could end in another order.
    #[doc(hidden)]
    pub fn swap_engines(
        &self,
        wrap: impl Fn(&Engine) -> Result<Engine> + Send + Sync + 'static,
    ) -> Result<Swap> {
        let mut engines = self.0.engines.write();
        let before = engines.clone().ok_or_else(no_database)?;
        if before.is_stand_in() {
            return Err(occupied(&before));
        }
        let now = Arc::new(Engines::wrapped(&before, Arc::new(wrap)));
        *engines = Some(now.clone());
        Ok(Swap { db: self.clone(), before, now })
    }

    pub(crate) fn use_engines(&self, engines: Arc<Engines>) {
        let replaced = self.0.engines.write().replace(engines);
        drop(replaced);
    }

    /// Calls a function after every statement that is sent to its databases, on the thread that sent it,
    /// until the guard is dropped: to log, count, or time them. What the function sends itself is not
    /// told.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let _slow = db.observe(|statement| {
    ///     if statement.duration > Duration::from_millis(200) {
    ///         eprintln!("slow: {statement}");
    ///     }
    /// });
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn observe(&self, listener: impl Fn(&Statement<'_>) + Send + Sync + 'static) -> Observing {
        self.0.observers.observe(listener)
    }

    fn observers(&self) -> Observers {
        self.0.observers.clone()
    }

    /// The engine of the default database: its pool, its options, its dialect.
    ///
    /// # Errors
    /// As [`Db::get_engine`].
    pub fn engine(&self) -> Result<Engine> {
        self.get_engine(None)
    }

    /// The engine of the default database, or of a bind. It is made now if nobody asked before, and
    /// not connected for that. Statements run on it go to that database, whatever their tables say.
    ///
    /// # Errors
    /// `Config` where there is no such database, or its URL and options make no sense.
    pub fn get_engine<'k>(&self, bind: impl Into<Option<&'k str>>) -> Result<Engine> {
        let engines = self.engines()?;
        engines.engine(engines.position(bind.into())?).cloned()
    }

    /// The bind keys that are configured, in order; the default database, which is none, stands
    /// first. None of them before [`Db::init`].
    pub fn binds(&self) -> Vec<Option<Arc<str>>> {
        self.engines().map(|engines| engines.binds().map(|bind| bind.cloned()).collect()).unwrap_or_default()
    }

    /// Every table whose database is configured, with its engine.
    ///
    /// # Errors
    /// As [`Db::get_engine`].
    pub fn get_binds(&self) -> Result<Vec<(Table, Engine)>> {
        let engines = self.engines()?;
        let mut all = Vec::new();
        for table in self.tables() {
            if let Ok(at) = engines.of_table(&table) {
                all.push((table, engines.engine(at)?.clone()));
            }
        }
        Ok(all)
    }

    /// The tables of the default database, or of a bind, in the order they were defined.
    pub fn get_tables_for_bind<'k>(&self, bind: impl Into<Option<&'k str>>) -> Vec<Table> {
        self.0.metadata.for_bind(bind.into()).tables()
    }

    /// The registry of tables: those of the default database; [`Metadata::for_bind`] has the others.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The conditions that records are loaded under.
    pub(crate) fn restrictions(&self) -> &Restrictions {
        &self.0.restrictions
    }

    /// The signals of this database: who is told of changes.
    pub fn signals(&self) -> &Signals {
        &self.0.signals
    }

    /// A new session, independent of all others, with the options of the configuration.
    pub fn session(&self) -> Session {
        self.session_with(self.session_options())
    }

    /// What the configuration says of sessions.
    fn session_options(&self) -> SessionOptions {
        self.engines().map(|engines| engines.session.clone()).unwrap_or_default()
    }

    /// A new session for a scope.
    #[doc(hidden)]
    pub fn scoped_session(&self, options: Option<SessionOptions>) -> Session {
        let options = options.unwrap_or_else(|| self.session_options());
        self.0.maker.hooks.create_scoped_session(self, options)
    }

    /// A new session with options.
    pub fn session_with(&self, options: SessionOptions) -> Session {
        self.0.maker.hooks.create_session(self, options)
    }

    /// A connection to the default database from its pool; it goes back when dropped.
    ///
    /// # Errors
    /// `Timeout` when none came free in time, `Busy` at once when this thread itself holds them
    /// all, and what the driver answered.
    pub fn connect(&self) -> Result<Conn> {
        self.engine()?.connect()
    }

    /// Runs SQL that returns no rows, with the dialect's placeholders; gives the rows changed.
    ///
    /// # Errors
    /// The database's, with the statement.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute("CREATE TABLE t (a, b)", ())?;
    /// assert_eq!(db.execute("INSERT INTO t VALUES (?, ?)", (1, "x"))?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn execute(&self, sql: &str, params: impl IntoParams) -> Result<u64> {
        let _caller = mark();
        self.connect()?.execute(sql, params)
    }

    /// Runs SQL that returns rows, with the dialect's placeholders.
    ///
    /// # Errors
    /// The database's, with the statement.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let row = db.query_text("SELECT ? + 1 AS n", (41,))?.one()?;
    /// assert_eq!(row.get::<i64>("n")?, 42);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn query_text(&self, sql: &str, params: impl IntoParams) -> Result<Rows> {
        let _caller = mark();
        self.connect()?.query_text(sql, params)
    }

    /// Runs several statements separated by semicolons, without parameters.
    ///
    /// # Errors
    /// The database's, for the first that fails; those before it took effect.
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> Result<()> {
        let _caller = mark();
        self.connect()?.execute_script(sql)
    }

    /// Runs a closure in a session of its own whose transaction is writing from the start: committed
    /// on `Ok`, rolled back on `Err` and on panic. What it did is reported as any session's work.
    ///
    /// # Errors
    /// The closure's, and those of begin and commit.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute("CREATE TABLE t (a)", ())?;
    /// let failed: Result<()> = db.transaction(|session| {
    ///     session.execute("INSERT INTO t VALUES (1)", ())?;
    ///     Err(Error::new(ErrorKind::Invalid, "changed my mind"))
    /// });
    /// assert!(failed.is_err());
    /// assert_eq!(db.query_text("SELECT * FROM t", ())?.len(), 0);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn transaction<T>(&self, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let _caller = mark();
        let session = self.session();
        session.begin(Intent::Write)?;
        let value = unmarked(|| body(&session))?;
        session.commit()?;
        Ok(value)
    }

    /// Runs a closure in a session of its own whose transaction sees one state of the database and
    /// refuses writes.
    ///
    /// # Errors
    /// The closure's; `ReadOnly` for a write.
    #[track_caller]
    pub fn read<T>(&self, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let _caller = mark();
        let session = self.session();
        session.begin(Intent::Read)?;
        let value = unmarked(|| body(&session))?;
        session.rollback()?;
        Ok(value)
    }

    /// As [`Db::transaction`], and runs the closure again, up to so many times in all, when the
    /// database could not take the transaction but may take it the next time: after a serialization
    /// failure, a deadlock, or when it was busy. It waits a little longer each time.
    ///
    /// The closure must do all its work in the session it is given. What it changes outside happens
    /// each time.
    ///
    /// # Errors
    /// The last one.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer)))?;
    /// db.create_all()?;
    /// let mut tries = 0;
    /// db.retry(3, |session| {
    ///     tries += 1;
    ///     if tries < 3 {
    ///         return Err(Error::new(ErrorKind::Serialization, "somebody was faster"));
    ///     }
    ///     session.add(t.record(values! { "n" => 1 })?)
    /// })?;
    /// assert_eq!(db.session().query(&t).count()?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn retry<T>(&self, times: u32, mut body: impl FnMut(&Session) -> Result<T>) -> Result<T> {
        let _caller = mark();
        let mut tried = 1;
        loop {
            match self.transaction(&mut body) {
                Err(error) if tried < times && may_succeed(&error) => {
                    std::thread::sleep(Duration::from_millis(1 << tried.min(6)));
                    tried += 1;
                }
                done => return done,
            }
        }
    }
}

/// Whether trying again may help: for the error itself, or for the failure it says is waiting for a
/// rollback.
fn may_succeed(error: &Error) -> bool {
    let cause = || std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Error>());
    error.is_retryable()
        || (error.kind() == ErrorKind::PendingRollback && cause().is_some_and(Error::is_retryable))
}

/// The error of a `Db` that was not given a database.
fn no_database() -> Error {
    let message = "the Db has no database yet: call `init` with a configuration, or use `Db::open`";
    Error::new(ErrorKind::Config, message)
}

/// The error of engines that others stand in for.
fn occupied(stands_in: &Engines) -> Error {
    let message = format!(
        "a test transaction is open on {}: one at a time; `with_config` gives each test a Db of its own",
        stands_in.describe()
    );
    Error::new(ErrorKind::Busy, message)
}

impl Execute for Db {
    fn lend(&self) -> Result<Lent<'_>> {
        Ok(Lent::Own(Box::new(self.connect()?)))
    }

    fn lend_for(&self, statement: &dyn Tables) -> Result<Lent<'_>> {
        self.lend_to(statement, false)
    }

    /// Where somebody listens, a statement is a session's work.
    fn write(&self, what: &Writing<'_>, body: &mut dyn FnMut(&Conn) -> Result<u64>) -> Result<()> {
        if self.0.signals.nobody_listens() {
            return body(&*self.lend_to(what.statement, true)?).map(|_| ());
        }
        let session = self.session();
        session.begin(Intent::Write)?;
        session.write(what, body)?;
        session.commit().map(|_| ())
    }
}

impl Db {
    /// A connection for one statement.
    fn lend_to(&self, statement: &dyn Tables, is_write: bool) -> Result<Lent<'_>> {
        let (engines, table) = (self.engines()?, table_of(statement)?);
        let route = Route { table: table.as_ref(), is_write, has_written: false };
        let resolver = engines.session.resolver.as_ref().filter(|_| !statement.is_definition());
        let at = engines.place(resolver, &route)?;
        Ok(Lent::Own(Box::new(engines.engine(at)?.connect()?)))
    }
}

/// Which `Db` it is, without keeping it alive.
#[doc(hidden)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity(usize);

impl Db {
    /// Which one it is. Two never have the same while both live.
    #[doc(hidden)]
    pub fn identity(&self) -> Identity {
        Identity(Arc::as_ptr(&self.0) as usize)
    }
}

impl PartialEq for Db {
    /// The same `Db`: one is a clone of the other.
    fn eq(&self, other: &Db) -> bool {
        self.identity() == other.identity()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let databases = self.engines().map(|engines| engines.describe());
        let databases = databases.unwrap_or_else(|_| "no database".to_string());
        write!(f, "Db({databases}; {} tables)", self.tables().len())
    }
}

impl fmt::Display for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
