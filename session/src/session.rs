//! The session: what a program does with records. Every verb locks it; see `inner` for the rule.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::dialect::{Intent, Isolation};
use mirrorm_core::engine::{Conn, Execute, IntoParams, Lent, Writing, mark, unmarked};
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::Rows;
use mirrorm_core::schema::{ColumnDef, Table};
use mirrorm_core::stmt::{Insert, IntoRow, Tables, insert};
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};

use crate::changes::Change;
use crate::commit::Committed;
use crate::db::Db;
use crate::engines::Target;
use crate::flush::check_version;
use crate::inner::{Inner, Verb};
use crate::key::IntoKey;
use crate::on_bind::OnBind;
use crate::query::{Query, missing};
use crate::record::{NewRecord, Record, RecordState, can_write};
use crate::route::{Resolver, Route};
use crate::savepoint::Savepoint;

/// A unit of work: records loaded, added, changed and deleted, and one transaction to save them in.
///
/// Records of a session are one for each row. What is set on them, added and deleted is sent when
/// something is flushed: by [`Session::flush`], before a query, and by [`Session::commit`], which
/// tells receivers what changed. Nothing is sent twice, and only what differs.
///
/// A session begins its transaction at first use and ends it by commit or rollback; then it can be
/// used again. It can be sent to another thread, not shared; dropping it rolls back.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
/// db.create_all()?;
/// let session = db.session();
/// let ann = session.add(users.record(values! { "name" => "ann" })?)?;
/// session.commit()?;
/// ann.set("name", "anna")?;
/// let committed = session.commit()?;
/// assert_eq!(committed.changes.iter().next().map(|c| c.subject()), Some("users 1".to_string()));
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub struct Session {
    inner: Arc<Inner>,
    /// Whether dropping this handle ends the session: receivers are lent another one.
    owner: bool,
    _one_thread_at_a_time: PhantomData<Cell<()>>,
}

/// Options of a session.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a session is made with them"]
pub struct SessionOptions {
    pub(crate) autoflush: bool,
    pub(crate) expire_on_commit: bool,
    pub(crate) forbid_lazy: bool,
    pub(crate) resolver: Option<Resolver>,
    pub(crate) isolation: Option<Isolation>,
}

impl Default for SessionOptions {
    fn default() -> SessionOptions {
        SessionOptions {
            autoflush: true,
            expire_on_commit: false,
            forbid_lazy: false,
            resolver: None,
            isolation: None,
        }
    }
}

impl SessionOptions {
    /// Autoflush on, nothing expires, relationships load when they are touched.
    pub fn new() -> SessionOptions {
        SessionOptions::default()
    }

    /// Whether queries flush first, so that they find what was changed.
    pub fn autoflush(mut self, on: bool) -> SessionOptions {
        self.autoflush = on;
        self
    }

    /// Whether a commit lets go of the values of all records, which then must be refreshed.
    pub fn expire_on_commit(mut self, on: bool) -> SessionOptions {
        self.expire_on_commit = on;
        self
    }

    /// The isolation of the session's transactions, instead of the engine's.
    pub fn isolation(mut self, level: Isolation) -> SessionOptions {
        self.isolation = Some(level);
        self
    }

    /// Whether touching a relationship that was not loaded by `with` is an error.
    pub fn forbid_lazy(mut self, on: bool) -> SessionOptions {
        self.forbid_lazy = on;
        self
    }

    /// Decides which database each statement goes to, instead of the bind of its tables: read
    /// replicas, a database for each tenant, shards by table. It returns a bind, or none for the
    /// default database.
    ///
    /// It is asked for every read, and in a transaction once for each table that is written: where
    /// that is in the first place, it stays until the transaction ends. It is not asked for raw SQL and
    /// what is run on [`Session::on`], an [`Engine`](mirrorm_core::engine::Engine) or a connection,
    /// and not by `create_all` and `reflect`, which go by the binds of tables. Records are one for
    /// each row of a table, whatever database it came from: a session is for one tenant.
    ///
    /// As [`Config::session`](crate::Config::session) it decides for statements run on the `Db` too.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::new();
    /// // Reads go to the replica, until the session has written.
    /// let options = SessionOptions::new().resolve_bind(|route| {
    ///     let primary = route.is_write() || route.has_written();
    ///     Ok(if primary { route.bind() } else { Some("replica".into()) })
    /// });
    /// db.init(Config::new().url("sqlite://").bind("replica", "sqlite://").session(options))?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// # db.get_engine("replica")?.connect()?.execute_script("CREATE TABLE tags (id, name)")?;
    /// let session = db.session();
    /// assert_eq!(session.query(&tags).count()?, 0);
    /// session.rollback()?;
    /// session.add(tags.record(values! { "name" => "rust" })?)?;
    /// session.commit()?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn resolve_bind(
        mut self,
        decide: impl Fn(&Route<'_>) -> Result<Option<Arc<str>>> + Send + Sync + 'static,
    ) -> SessionOptions {
        self.resolver = Some(Resolver::new(decide));
        self
    }
}

impl Session {
    /// A session of its own: what [`Db::session_with`] gives, unless [`Hooks`](crate::Hooks) make
    /// another.
    pub fn new(db: &Db, options: SessionOptions) -> Session {
        Session { inner: Inner::new(db, options), owner: true, _one_thread_at_a_time: PhantomData }
    }

    /// The same session, for a receiver.
    pub(crate) fn view(inner: &Arc<Inner>) -> Session {
        Session { inner: inner.clone(), owner: false, _one_thread_at_a_time: PhantomData }
    }

    /// Another handle of the same session, which does not end it.
    #[doc(hidden)]
    pub fn handle(&self) -> Session {
        Session::view(&self.inner)
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The database it is of.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Adds a record: the next flush inserts it. A record that is in the session already stays as
    /// it is, and is not deleted if it was to be; one whose session has ended joins this one.
    ///
    /// # Errors
    /// `Invalid` for a record of another session or of a table of another `Db`, for one that was
    /// deleted, and where the session has another record of the same row.
    pub fn add(&self, record: Record) -> Result<Record> {
        let verb = self.inner.verb()?;
        verb.add(&record)?;
        verb.tell_transitions()?;
        Ok(record)
    }

    /// Adds records. None is added if one of them cannot be.
    ///
    /// # Errors
    /// As [`Session::add`].
    pub fn add_all(&self, records: impl IntoIterator<Item = Record>) -> Result<Vec<Record>> {
        // The iterator is the user's: it runs before anything is locked.
        let records: Vec<Record> = records.into_iter().collect();
        let verb = self.inner.verb()?;
        verb.add_all(&records)?;
        verb.tell_transitions()?;
        Ok(records)
    }

    /// Marks a record: the next flush deletes its row.
    ///
    /// # Errors
    /// `Invalid` for a record that is not a row of the database, or of another session; `Detached`.
    pub fn delete(&self, record: &Record) -> Result<()> {
        let verb = self.inner.verb()?;
        verb.can_delete(record)?;
        verb.doom(record.clone()).map(drop)
    }

    /// The record of a key, if there is such a row.
    ///
    /// A record that the session has is given without asking the database, if its values were read
    /// in the running transaction; otherwise they are read again.
    ///
    /// # Errors
    /// `Invalid` for a table without a key and for the wrong number of values; the database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let seats = db.table("seats", (
    ///     column("line", Text).primary_key(),
    ///     column("number", Integer).primary_key(),
    ///     column("name", Text),
    /// ))?;
    /// db.create_all()?;
    /// insert(&seats).values(values! { "line" => "A", "number" => 7, "name" => "ann" }).run(&db)?;
    /// let session = db.session();
    /// let seat = session.get(&seats, ("A", 7))?.ok_or(Error::new(ErrorKind::NotFound, "seat"))?;
    /// assert_eq!(seat.get::<String>("name")?, "ann");
    /// assert!(session.get(&seats, ("A", 8))?.is_none());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn get(&self, table: &Table, key: impl IntoKey) -> Result<Option<Record>> {
        let _caller = mark();
        key.with(|key| self.inner.verb()?.get(table, key))
    }

    /// The record of a key; `NotFound` with this description, or a standard text, when there is none.
    ///
    /// # Errors
    /// As [`Session::get`], and `NotFound`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let error = db.session().get_or_404(&users, 5, "no such user").unwrap_err();
    /// assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "no such user"));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn get_or_404<'d>(
        &self,
        table: &Table,
        key: impl IntoKey,
        description: impl Into<Option<&'d str>>,
    ) -> Result<Record> {
        let _caller = mark();
        self.get(table, key)?.ok_or_else(|| missing(description.into()))
    }

    /// A query for records of a table; of a model, as [`Model::query`](crate::Model::query) says.
    pub fn query(&self, table: &Table) -> Query<'_> {
        self.inner.db.started(Query::new(self, table), table)
    }

    /// Inserts many rows without tracking them, in one go, and gives the keys the database made,
    /// in the order of the rows; none where it makes none. Reported as one bulk change.
    ///
    /// # Errors
    /// As [`Insert::run`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// assert_eq!(session.insert(&tags, ["name"], [["a"], ["b"]])?, [1, 2]);
    /// session.commit()?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn insert<N: Into<Arc<str>>, R: IntoRow>(
        &self,
        table: &Table,
        columns: impl IntoIterator<Item = N>,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Vec<i64>> {
        let _caller = mark();
        let insert: Insert = insert(table).rows(columns, rows);
        match table.def().generated_key() {
            Some(_) => insert.ids(self),
            None => insert.run(self).map(|_| Vec::new()),
        }
    }

    /// The records to insert, in the order they were added.
    pub fn new_records(&self) -> Vec<Record> {
        let Ok(verb) = self.inner.enter() else { return Vec::new() };
        let Ok(core) = verb.core() else { return Vec::new() };
        core.new
            .iter()
            .filter(|record| record.0.state.lock().status == RecordState::Pending)
            .cloned()
            .collect()
    }

    /// The records of rows that were changed since they were read or flushed.
    pub fn dirty(&self) -> Vec<Record> {
        let touched = self.inner.touched.all();
        touched
            .into_iter()
            .filter(|record| record.state() == RecordState::Persistent && record.is_modified())
            .collect()
    }

    /// The records whose rows the next flush deletes.
    pub fn deleted(&self) -> Vec<Record> {
        let Ok(verb) = self.inner.enter() else { return Vec::new() };
        verb.core().map(|core| core.doomed.clone()).unwrap_or_default()
    }

    /// Whether a flush would have anything to do.
    pub fn is_modified(&self) -> bool {
        !self.new_records().is_empty() || !self.deleted().is_empty() || !self.dirty().is_empty()
    }

    /// Whether a record is in this session.
    pub fn contains(&self, record: &Record) -> bool {
        record.session().is_some_and(|session| Arc::ptr_eq(&session, &self.inner))
    }

    /// Sends what was added, changed and deleted, inside the transaction.
    ///
    /// # Errors
    /// `Vetoed` by a receiver of `before_flush`, before anything is sent. Otherwise the innermost
    /// level is rolled back, and everything but `rollback` and `close` is `PendingRollback` until
    /// that level is rolled back: `Cycle` for rows that need each other first; `Stale` for rows that
    /// are not there any more; the database's.
    #[track_caller]
    pub fn flush(&self) -> Result<()> {
        let _caller = mark();
        self.inner.verb()?.flush()
    }

    /// Flushes, asks receivers of `before_commit`, commits, and tells those of `models_committed`.
    /// Savepoints that are open are kept.
    ///
    /// # Errors
    /// An error means that nothing is committed, unless its [`outcome`](Error::outcome) says otherwise,
    /// which takes several databases or a lost connection: as [`Session::flush`]; `Vetoed`, or the
    /// receiver's own error, and what the database answered to COMMIT, after which everything is
    /// rolled back. `Disconnected` with an unknown [`outcome`](Error::outcome) where the connection
    /// was lost while COMMIT was on its way; a `Partial` one where some databases had committed before
    /// another refused: [`Error::committed`] names them.
    #[track_caller]
    pub fn commit(&self) -> Result<Committed> {
        let _caller = mark();
        self.inner.verb()?.commit()
    }

    /// Rolls everything back: records have the values they had before the transaction, and those
    /// that were added in it are transient again.
    ///
    /// # Errors
    /// `Invalid` inside a flush or a commit; the database's, after which the connection is not used
    /// again.
    #[track_caller]
    pub fn rollback(&self) -> Result<()> {
        let _caller = mark();
        let verb = self.inner.enter()?;
        verb.refuse_inside("rollback")?;
        verb.rollback_all()
    }

    /// Begins the transaction now, and says what it is going to do. Of several databases, each begins
    /// it when it is first used.
    ///
    /// # Errors
    /// `Invalid` when it is open; `Busy` when another writer does not end in time.
    #[track_caller]
    pub fn begin(&self, intent: Intent) -> Result<()> {
        let _caller = mark();
        let verb = self.inner.verb()?;
        if verb.is_open() {
            return Err(Error::new(ErrorKind::Invalid, "the session's transaction is open"));
        }
        verb.declare(intent)
    }

    /// Begins a savepoint: a level whose work can be rolled back alone. What was changed before is
    /// flushed first, outside it.
    ///
    /// # Errors
    /// As [`Session::flush`]; the database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let tag = session.add(tags.record(values! { "name" => "kept" })?)?;
    /// let savepoint = session.begin_nested()?;
    /// tag.set("name", "lost")?;
    /// session.flush()?;
    /// savepoint.rollback()?;
    /// assert_eq!(tag.get::<String>("name")?, "kept");
    /// assert_eq!(session.commit()?.changes.len(), 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn begin_nested(&self) -> Result<Savepoint> {
        let _caller = mark();
        let verb = self.inner.verb()?;
        if verb.phase.get().sends() {
            verb.refuse_inside("begin_nested")?;
        }
        verb.flush_all()?;
        let id = verb.nest()?;
        Ok(Savepoint::new(&self.inner, id))
    }

    /// Runs a closure in a savepoint: kept when it returns `Ok`, rolled back on `Err` and on panic.
    ///
    /// # Errors
    /// The closure's, and as [`Session::begin_nested`].
    #[track_caller]
    pub fn nested<T>(&self, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let _caller = mark();
        let savepoint = self.begin_nested()?;
        let value = unmarked(|| body(self))?;
        savepoint.release()?;
        Ok(value)
    }

    /// Takes a record out of the session: one to be inserted is transient again, a row is detached.
    ///
    /// # Errors
    /// `Invalid` for a record of another session; `Detached`.
    pub fn expunge(&self, record: &Record) -> Result<()> {
        let verb = self.inner.verb()?;
        verb.own(record)?;
        verb.expunge(record)?;
        verb.tell_transitions()
    }

    /// Copies the values of a record onto the session's record of the same key, which is read if
    /// need be, or added if there is no such row. The given record stays as it is.
    ///
    /// Where the table has a [version](mirrorm_core::schema::Column::version) and the given record has one, it is the one
    /// that was seen: what a form brings back is refused if somebody was faster.
    ///
    /// # Errors
    /// As [`Session::get`] and [`Session::add`]; `Stale` for another version of the row.
    #[track_caller]
    pub fn merge(&self, record: &Record) -> Result<Record> {
        let _caller = mark();
        let values = record.row();
        let def = record.table().def();
        let key = || crate::batch::key_of(&def).iter().filter_map(|at| def.column_at(*at));
        let values_of_key: Option<Vec<Value>> = key().map(|column| record.value(column.key()).ok()).collect();
        let found = match values_of_key.filter(|values| !values.is_empty()) {
            Some(key) => self.get(&record.table(), key)?,
            None => None,
        };
        if let Some(own) = &found {
            check_version(own, record, &def)?;
        }
        let is_row = found.is_some();
        let writable = |(name, _): &(&str, _)| {
            def.column(name).is_ok_and(|c| c.read_only().is_none() && !(is_row && c.row_version().is_some()))
        };
        let named = |(name, value): (&str, ValueRef<'_>)| (Arc::from(name), Expr::from(value.to_value()));
        let mut pairs: Vec<(Arc<str>, Expr)> = values.iter().filter(writable).map(named).collect();
        // What the given record has for the database to work out.
        pairs.extend(record.exprs());
        match found {
            Some(own) => own.set_all(pairs).map(|()| own),
            None => {
                // Without its key it would be another row each time.
                let is_said = |c: &&ColumnDef| record.value(c.key()).is_ok_and(|value| !value.is_null());
                key().filter(is_said).try_for_each(|column| can_write(&def, column))?;
                self.add(record.table().record(pairs)?)
            }
        }
    }

    /// Rolls back and ends the session. Its records keep what they hold and are detached.
    pub fn close(self) {
        drop(self);
    }

    /// Runs SQL that returns no rows in the session's transaction with the default database, after a
    /// flush. What it writes is not reported. [`Session::on`] is for other databases.
    ///
    /// # Errors
    /// As [`Session::flush`]; the database's.
    #[track_caller]
    pub fn execute(&self, sql: &str, params: impl IntoParams) -> Result<u64> {
        let _caller = mark();
        self.on(None).execute(sql, params)
    }

    /// Runs SQL that returns rows, as [`Session::execute`].
    ///
    /// # Errors
    /// As [`Session::flush`]; the database's.
    #[track_caller]
    pub fn query_text(&self, sql: &str, params: impl IntoParams) -> Result<Rows> {
        let _caller = mark();
        self.on(None).query_text(sql, params)
    }

    /// Runs several statements separated by semicolons, as [`Session::execute`].
    ///
    /// # Errors
    /// As [`Session::execute`].
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> Result<()> {
        let _caller = mark();
        self.on(None).execute_script(sql)
    }

    /// The session's transaction with one database, the default one or that of a bind, for what names
    /// no table, such as raw SQL, and for statements that shall go there whatever their tables say.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::new();
    /// db.init(Config::new().url("sqlite://").bind("logs", "sqlite://"))?;
    /// let session = db.session();
    /// session.on("logs").execute("CREATE TABLE lines (n INTEGER)", ())?;
    /// assert!(session.query_text("SELECT n FROM lines", ()).is_err());
    /// assert_eq!(session.on("logs").query_text("SELECT n FROM lines", ())?.len(), 0);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn on<'s>(&'s self, bind: impl Into<Option<&'s str>>) -> OnBind<'s> {
        OnBind::new(self, bind.into())
    }

    pub(crate) fn lend_at(&self, target: Target<'_>) -> Result<Lent<'_>> {
        let verb = self.inner.verb()?;
        verb.autoflush()?;
        verb.reading(verb.place_for(target, false)?)
    }

    pub(crate) fn write_at(
        &self,
        target: Target<'_>,
        what: &Writing<'_>,
        body: &mut dyn FnMut(&Conn) -> Result<u64>,
    ) -> Result<()> {
        let verb = self.inner.verb()?;
        verb.autoflush()?;
        let at = verb.place_for(target, true)?;
        let rows = body(&*verb.writing(at)?)?;
        let bind = verb.inner.engines()?.bind(at);
        let mut core = verb.core()?;
        core.epochs.forget();
        core.routes.has_written = true;
        core.wrote(what.table.id());
        if rows > 0 {
            core.level().log.push(Change::bulk(bind, what, rows));
        }
        Ok(())
    }
}

impl Execute for Session {
    fn lend(&self) -> Result<Lent<'_>> {
        self.lend_at(Target::Bind(None))
    }

    fn lend_for(&self, statement: &dyn Tables) -> Result<Lent<'_>> {
        self.lend_at(Target::Statement(statement))
    }

    fn write(&self, what: &Writing<'_>, body: &mut dyn FnMut(&Conn) -> Result<u64>) -> Result<()> {
        self.write_at(Target::Statement(what.statement), what, body)
    }
}

impl Verb<'_> {
    /// Flushes before a query, where that is wanted.
    pub(crate) fn autoflush(&self) -> Result<()> {
        let wanted = self.inner.options.autoflush && self.inner.quiet.load(Ordering::Acquire) == 0;
        if wanted && !self.phase.get().sends() {
            return self.flush();
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.owner || self.inner.is_closed() {
            return;
        }
        // Nobody is left to hear of an error; the pool resets or drops the connection. A thread
        // that loads a relationship right now is waited for.
        if let Ok(verb) = self.inner.enter() {
            let _ = verb.rollback_all();
            if let Ok(mut core) = verb.core() {
                core.identity.clear();
            }
        }
        self.inner.closed.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.inner.db)
    }
}
