//! The `Db`: what a program opens, defines tables in, reflects, and runs statements on.
//!
//! Not here: opening by URL (the facade's `Open`, which knows the dialects), and everything that
//! statements do (`mirrorm_core::engine`). Callers: programs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mirrorm_core::dialect::{Dialect, Intent, Url};
use mirrorm_core::engine::{
    Conn, Engine, EngineOptions, Execute, IntoParams, Lent, Writing, create_tables, drop_tables,
};
use mirrorm_core::rows::Rows;
use mirrorm_core::schema::{Metadata, Name, Table, TableParts};
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_reflect::{Reflection, Reflector};

use crate::record::Record;
use crate::relation::{RelationMap, Relations, RelationshipParts};
use crate::session::{Session, SessionOptions};
use crate::signal::Signals;

/// A database: its engine and its tables. Cheap to clone; clones are the same database.
///
/// It is made by `Db::open(url)`, which the prelude brings in.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    engine: Engine,
    metadata: Metadata,
    signals: Signals,
}

impl Db {
    /// A database of a dialect, connected once to see that it is there.
    ///
    /// # Errors
    /// `Config` for a URL or options that make no sense; what the driver answered to connecting.
    pub fn with_dialect(dialect: &'static dyn Dialect, url: &Url, options: EngineOptions) -> Result<Db> {
        let engine = Engine::new(dialect, url, options)?;
        engine.target()?;
        Ok(Db(Arc::new(Inner { engine, metadata: Metadata::new(), signals: Signals::default() })))
    }

    /// The engine: its pool, its options, its dialect.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The registry of tables.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The signals of this database: who is told of changes.
    pub fn signals(&self) -> &Signals {
        &self.0.signals
    }

    /// A new session, independent of all others.
    pub fn session(&self) -> Session {
        Session::new(self, SessionOptions::default())
    }

    /// A new session with options.
    pub fn session_with(&self, options: SessionOptions) -> Session {
        Session::new(self, options)
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
        attached(&self.0.metadata).declare(&self.0.metadata, relationship.from(from))
    }

    /// The names of the relationships of a table.
    pub fn relationships(&self, table: &Table) -> Vec<String> {
        self.relations().of(table).map(|relation| relation.name.to_string()).collect()
    }

    pub(crate) fn relations(&self) -> Arc<RelationMap> {
        attached(&self.0.metadata).map(&self.0.metadata)
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

    /// The table of this name, defined or reflected before; `schema.name` for other schemas.
    ///
    /// # Errors
    /// `NoSuchTable`, with near names.
    pub fn table_named(&self, name: &str) -> Result<Table> {
        self.0.metadata.table_named(name)
    }

    /// All tables in the order they were defined.
    pub fn tables(&self) -> Vec<Table> {
        self.0.metadata.tables()
    }

    /// Creates the defined tables that do not exist, with their indexes: those they point to
    /// first.
    ///
    /// # Errors
    /// `Unsupported` for a type the database has no home for, before anything is created; the
    /// database's others.
    pub fn create_all(&self) -> Result<()> {
        create_tables(self, self.tables())
    }

    /// Drops the defined tables that exist, in the reverse order. Their definitions stay.
    ///
    /// # Errors
    /// The database's, such as `ForeignKey` for rows of a table that is not defined here.
    pub fn drop_all(&self) -> Result<()> {
        drop_tables(self, self.tables())
    }

    /// Reflects the whole default schema: its tables and views become tables here, with their
    /// relationships. Tables that were reflected before take the new definition, and handles of them
    /// see it; tables that the program defined or extended stay as it said.
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
        self.reflect_with(&Reflector::new())
    }

    /// Reflects what a [`Reflector`] says: a schema, some tables, with or without views.
    ///
    /// # Errors
    /// The database's; `NoSuchTable` for tables asked for by name that are not there.
    pub fn reflect_with(&self, reflector: &Reflector) -> Result<Reflection> {
        let conn = self.connect()?;
        reflector.reflect(&conn, &self.0.metadata)
    }

    /// A connection from the pool; it goes back when dropped.
    ///
    /// # Errors
    /// `Timeout` when none came free in time, `Busy` at once when this thread itself holds them
    /// all, and what the driver answered.
    pub fn connect(&self) -> Result<Conn> {
        self.0.engine.connect()
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
fn attached(metadata: &Metadata) -> Arc<Relations> {
    metadata.attached::<Relations>().unwrap_or_default()
}

/// Notes a record that holds others before it was saved.
pub(crate) fn note_unsaved(record: &Record) {
    if let Some(metadata) = record.table().metadata() {
        attached(&metadata).unsaved.note(record);
    }
}

/// The relationships of the registry a table is in; none for a table of no registry.
pub(crate) fn relations_of(table: &Table) -> Arc<RelationMap> {
    table.metadata().map(|metadata| attached(&metadata).map(&metadata)).unwrap_or_default()
}

impl Execute for Db {
    fn lend(&self) -> Result<Lent<'_>> {
        self.0.engine.lend()
    }

    /// Where somebody listens, a statement is a session's work.
    fn write(&self, what: &Writing<'_>, body: &mut dyn FnMut(&Conn) -> Result<u64>) -> Result<()> {
        if self.0.signals.nobody_listens() {
            return body(&*self.lend()?).map(|_| ());
        }
        self.transaction(|session| session.write(what, body))
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({}, {} tables)", self.0.engine.describe(), self.tables().len())
    }
}
