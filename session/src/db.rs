//! The `Db`: what a program opens, defines tables in, reflects, and runs statements on.
//!
//! Not here: opening by URL (the facade's `Open`, which knows the dialects), and everything that
//! statements do (`mirrorm_core::engine`). Callers: programs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mirrorm_core::dialect::{Dialect, Intent};
use mirrorm_core::engine::{Conn, Engine, Execute, IntoParams, Lent, Writing, create_tables, drop_tables};
use mirrorm_core::rows::Rows;
use mirrorm_core::schema::{Metadata, Name, Table, TableParts};
use mirrorm_core::stmt::Tables;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_reflect::{Reflection, Reflector};
use parking_lot::RwLock;

use crate::config::{Binds, Config, in_place};
use crate::engines::{Engines, Hooks, Maker, NoHooks, Swap, table_of};
use crate::record::Record;
use crate::relation::{Attached, RelationMap, RelationshipParts};
use crate::route::Route;
use crate::session::{Session, SessionOptions};
use crate::signal::Signals;

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
}

impl Db {
    /// A `Db` without a database, for these dialects.
    #[doc(hidden)]
    pub fn unopened(dialects: &'static [&'static dyn Dialect], hooks: Option<Arc<dyn Hooks>>) -> Db {
        let hooks = hooks.unwrap_or_else(|| Arc::new(NoHooks));
        Db::over(Metadata::new(), Maker { dialects, hooks })
    }

    fn over(metadata: Metadata, maker: Maker) -> Db {
        Db(Arc::new(Inner { engines: RwLock::new(None), maker, metadata, signals: Signals::default() }))
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
        let made = Engines::new(&config, self.0.maker.clone(), None)?;
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
        let made = Arc::new(Engines::new(&config, self.0.maker.clone(), engines.as_deref())?);
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

    /// Declares a relationship of a table: a name of your own for a foreign key, a connection that
    /// no foreign key makes, or another rule for deletes. It takes the place of the one that is
    /// derived from the same key. Relationships of foreign keys need not be declared.
    ///
    /// # Errors
    /// `Invalid` for the name of a column; `NoForeignKey`, `AmbiguousForeignKey`, `NoSuchColumn`,
    /// `NoSuchTable`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", column("id", Integer).primary_key())?;
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("author_id", Integer).references("users.id"),
    /// ))?;
    /// db.relate(&users, relationship("articles", &posts).on_delete(OnParentDelete::Nullify))?;
    /// assert_eq!(db.relationships(&users), ["articles"]);
    /// assert_eq!(db.relationships(&posts), ["author"]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn relate(&self, from: &Table, relationship: RelationshipParts) -> Result<()> {
        attached(&self.0.metadata).relations.declare(&self.0.metadata, relationship.from(from))
    }

    /// The names of the relationships of a table.
    pub fn relationships(&self, table: &Table) -> Vec<String> {
        self.relations().of(table).map(|relation| relation.name.to_string()).collect()
    }

    pub(crate) fn relations(&self) -> Arc<RelationMap> {
        attached(&self.0.metadata).relations.map(&self.0.metadata)
    }

    /// Defines a table of a name and parts: columns, constraints, indexes, settings, in any mix.
    ///
    /// Nothing is sent to the database; [`Db::create_all`] creates what is missing. Defining the
    /// same table again gives the same table. A different definition of a taken name is an error,
    /// unless the parts hold `extend_existing()` or `keep_existing()`.
    ///
    /// # Errors
    /// `Duplicate` as said; `Invalid` and `NoSuchColumn` for parts that do not fit together.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let stamps = vec![column("made", DateTime), column("seen", DateTime)];
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("title", Varchar(200)).not_null(),
    ///     column("author_id", Integer).references("users.id"),
    ///     stamps,
    ///     unique(["author_id", "title"]),
    ///     index(["made"]),
    /// ))?;
    /// assert_eq!(posts.def().columns().len(), 5);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn table(&self, name: impl Into<Name>, parts: impl TableParts) -> Result<Table> {
        self.0.metadata.define(name, parts)
    }

    /// The table of this name in the default database, defined or reflected before; `schema.name` for
    /// other schemas.
    ///
    /// # Errors
    /// `NoSuchTable`, with near names.
    pub fn table_named(&self, name: &str) -> Result<Table> {
        self.0.metadata.table_named(name)
    }

    /// All tables, of whatever bind, in the order they were defined.
    pub fn tables(&self) -> Vec<Table> {
        self.0.metadata.all_tables()
    }

    /// Creates the defined tables that do not exist, with their indexes: those they point to
    /// first. Tables of binds are created in their databases.
    ///
    /// # Errors
    /// `Unsupported` for a type the database has no home for, before anything is created in it;
    /// `Config` for a table of a bind that is not configured, before anything is created at all; the
    /// databases' others. What was created in other databases stays.
    pub fn create_all(&self) -> Result<()> {
        self.create_all_in(Binds::all())
    }

    /// As [`Db::create_all`], in some of the databases, or some of the tables.
    ///
    /// # Errors
    /// As [`Db::create_all`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::new();
    /// db.init(Config::new().url("sqlite://").bind("logs", "sqlite://"))?;
    /// db.table("events", (column("id", Integer).primary_key(), in_bind("logs")))?;
    /// db.table("errors", (column("id", Integer).primary_key(), in_bind("logs")))?;
    /// db.create_all_in(Binds::from("logs").only(["events"]))?;
    /// assert_eq!(db.reflect_in("logs")?.tables().len(), 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn create_all_in(&self, binds: impl Into<Binds>) -> Result<()> {
        self.in_each(&binds.into(), create_tables)
    }

    /// Drops the defined tables that exist, in the reverse order. Their definitions stay.
    ///
    /// # Errors
    /// The databases', such as `ForeignKey` for rows of a table that is not defined here; as
    /// [`Db::create_all`].
    pub fn drop_all(&self) -> Result<()> {
        self.drop_all_in(Binds::all())
    }

    /// As [`Db::drop_all`], in some of the databases, or some of the tables.
    ///
    /// # Errors
    /// As [`Db::drop_all`].
    pub fn drop_all_in(&self, binds: impl Into<Binds>) -> Result<()> {
        self.in_each(&binds.into(), drop_tables)
    }

    /// Does something with the tables of each of these binds.
    fn in_each(&self, binds: &Binds, run: fn(&Engine, Vec<Table>) -> Result<()>) -> Result<()> {
        self.chosen(binds)?.into_iter().try_for_each(|(engine, tables, bind)| {
            run(&engine, tables).map_err(|error| in_place(error, bind.as_ref()))
        })
    }

    /// The engine and the tables of each of these binds. A bind of tables that is not configured is an
    /// error; a database without tables is left out.
    fn chosen(&self, binds: &Binds) -> Result<Vec<Chosen>> {
        let engines = self.engines()?;
        let keys: Vec<Option<Arc<str>>> = match binds.keys() {
            Some(keys) => keys.to_vec(),
            None => self.0.metadata.views().iter().map(|view| view.bind().cloned()).collect(),
        };
        let mut chosen = Vec::with_capacity(keys.len());
        let mut found: Vec<Arc<str>> = Vec::new();
        for key in keys {
            let mut tables = self.get_tables_for_bind(key.as_deref());
            tables.retain(|table| binds.includes(&table.name()));
            found.extend(tables.iter().map(Table::name));
            if !tables.is_empty() || binds.keys().is_some() {
                let at = engines.position(key.as_deref())?;
                chosen.push((engines.engine(at)?.clone(), tables, key));
            }
        }
        binds.all_found(&found)?;
        Ok(chosen)
    }

    /// Reflects the whole default schema: its tables and views become tables here, with their
    /// relationships. Tables that were reflected before take the new definition, and handles of them
    /// see it; tables that the program defined or extended stay as it said. Of several databases each
    /// is reflected, into tables of its bind.
    ///
    /// One bad object costs itself only: see [`Reflection::problems`].
    ///
    /// # Errors
    /// The database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);")?;
    /// db.reflect()?;
    /// let users = db.table_named("users")?;
    /// insert(&users).values(values! { "name" => "ann" }).run(&db)?;
    /// assert_eq!(select(&users).one(&db)?.get::<i64>("id")?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn reflect(&self) -> Result<Reflection> {
        self.reflect_in(Binds::all())
    }

    /// As [`Db::reflect`], of some of the databases, or some of the tables.
    ///
    /// # Errors
    /// The databases'; `Config` for a bind that is not configured; `NoSuchTable` for tables asked for
    /// by name that are not there.
    pub fn reflect_in(&self, binds: impl Into<Binds>) -> Result<Reflection> {
        let binds = binds.into();
        let engines = self.engines()?;
        let keys = match binds.keys() {
            Some(keys) => keys.to_vec(),
            None => engines.binds().map(|bind| bind.cloned()).collect(),
        };
        let mut reflector = Reflector::new();
        if let Some(names) = binds.names() {
            reflector = reflector.only(names);
        }
        let mut all = Reflection::default();
        for key in keys {
            let engine = engines.engine(engines.position(key.as_deref())?)?;
            let view = self.0.metadata.for_bind(key.as_deref());
            let found = engine.connect().and_then(|conn| reflector.reflect(&conn, &view));
            all.extend(found.map_err(|error| in_place(error, key.as_ref()))?);
        }
        Ok(all)
    }

    /// Reflects what a [`Reflector`] says from the default database: a schema, some tables, with or
    /// without views. For another database, give [`Reflector::reflect`] its connection and
    /// [`Metadata::for_bind`].
    ///
    /// # Errors
    /// The database's; `NoSuchTable` for tables asked for by name that are not there.
    pub fn reflect_with(&self, reflector: &Reflector) -> Result<Reflection> {
        let conn = self.connect()?;
        reflector.reflect(&conn, &self.0.metadata)
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
    pub fn execute(&self, sql: &str, params: impl IntoParams) -> Result<u64> {
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
    pub fn query_text(&self, sql: &str, params: impl IntoParams) -> Result<Rows> {
        self.connect()?.query_text(sql, params)
    }

    /// Runs several statements separated by semicolons, without parameters.
    ///
    /// # Errors
    /// The database's, for the first that fails; those before it took effect.
    pub fn execute_script(&self, sql: &str) -> Result<()> {
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
    pub fn transaction<T>(&self, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let session = self.session();
        session.begin(Intent::Write)?;
        let value = body(&session)?;
        session.commit()?;
        Ok(value)
    }

    /// Runs a closure in a session of its own whose transaction sees one state of the database and
    /// refuses writes.
    ///
    /// # Errors
    /// The closure's; `ReadOnly` for a write.
    pub fn read<T>(&self, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let session = self.session();
        session.begin(Intent::Read)?;
        let value = body(&session)?;
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
    pub fn retry<T>(&self, times: u32, mut body: impl FnMut(&Session) -> Result<T>) -> Result<T> {
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

/// What is known of relationships, kept with the tables. A registry has one kind of guest: this.
fn attached(metadata: &Metadata) -> Arc<Attached> {
    metadata.attached::<Attached>().unwrap_or_default()
}

/// Notes a record that holds others before it was saved.
pub(crate) fn note_unsaved(record: &Record) {
    if let Some(metadata) = record.table().metadata() {
        attached(&metadata).unsaved.note(record);
    }
}

/// The relationships of the registry a table is in; none for a table of no registry.
pub(crate) fn relations_of(table: &Table) -> Arc<RelationMap> {
    table.metadata().map(|metadata| attached(&metadata).relations.map(&metadata)).unwrap_or_default()
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

/// The engine of a bind, its tables, and its key.
type Chosen = (Engine, Vec<Table>, Option<Arc<str>>);

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
        let at = engines.place(engines.session.resolver.as_ref(), &route)?;
        Ok(Lent::Own(Box::new(engines.engine(at)?.connect()?)))
    }
}

impl PartialEq for Db {
    /// The same `Db`: one is a clone of the other.
    fn eq(&self, other: &Db) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
