//! A record: a row you hold, its values, and what you changed.
//!
//! Not here: how rows become records (`load`), how changes reach the database (`flush`), and
//! relationships (`relation`). A record's lock is its own and held for a few instructions only; no
//! code of a user's runs under it.

use std::fmt;
use std::sync::{Arc, Weak};

use mirrorm_core::expr::Expr;
use mirrorm_core::rows::{BlockBuilder, ColumnInfo, Columns, Row};
use mirrorm_core::schema::{ColumnDef, ColumnId, Hybrid, HybridKind, Table, TableDef, TableId};
use mirrorm_core::stmt::IntoValues;
use mirrorm_core::value::{FromValue, Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::ser::{Error as _, Serialize, Serializer};

use crate::assigned::{Assigned, New, gather};
use crate::batch::{Batch, Place, key_of};
use crate::history::FieldChange;
use crate::inner::Inner;
use crate::key::Key;
use crate::overlay::Overlay;
use crate::relation::{Links, Pointer};

/// A row you hold: values to read and set, tracked by the session it belongs to.
///
/// A handle of one word, cheap to clone; clones are the same record. `get` and `set` never ask the
/// database. Records are `Send` and `Sync`: any thread may read and set; verbs are the session's.
#[derive(Clone)]
pub struct Record(pub(crate) Arc<RecordInner>);

pub(crate) struct RecordInner {
    /// Of its table, for comparing without the lock.
    table: TableId,
    pub(crate) state: Mutex<State>,
}

/// Where a record stands between the program and the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordState {
    /// Made by the program; no session knows it.
    Transient,
    /// Added to a session; the next flush inserts it.
    Pending,
    /// A row of the database, in a session.
    Persistent,
    /// Deleted by a flush of the running transaction.
    Deleted,
    /// Without a session, or with one that has ended.
    Detached,
}

/// What a record holds.
pub(crate) struct State {
    pub(crate) home: Home,
    pub(crate) row: u32,
    pub(crate) status: RecordState,
    /// Whether it is on its session's list of changed records.
    pub(crate) touched: bool,
    pub(crate) fate: Fate,
    /// Whether what was set is on its way, and nothing was set since.
    pub(crate) sent: bool,
    /// What was set and not flushed.
    pub(crate) overlay: Overlay,
    /// Relationships that were written and not flushed.
    pub(crate) links: Option<Box<Links>>,
}

/// What is to become of a row, or became of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    /// It is on its session's list of records to delete.
    Doomed,
    /// It was deleted for good.
    Gone,
}

/// Where a record belongs.
pub(crate) enum Home {
    /// To no session: only its table is known.
    Loose(Table),
    /// To a batch with the values of the database; for a pending record, one without its row.
    In(Arc<Batch>),
}

impl Home {
    pub(crate) fn batch(&self) -> Option<&Arc<Batch>> {
        match self {
            Home::Loose(_) => None,
            Home::In(batch) => Some(batch),
        }
    }

    pub(crate) fn table(&self) -> &Table {
        match self {
            Home::Loose(table) => table,
            Home::In(batch) => &batch.table,
        }
    }

    /// Leaves the batch.
    pub(crate) fn leave(&mut self) {
        *self = Home::Loose(self.table().clone());
    }
}

/// The row of a record whose values are all in the overlay.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// Makes records of a table. The prelude brings it in.
pub trait NewRecord {
    /// A new record with these values, which no session knows yet. What is an expression, the database works out.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names; `Invalid` for an expression of the key.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// let ann = users.record(values! { "name" => "ann" })?;
    /// assert_eq!(ann.get::<String>("name")?, "ann");
    /// assert!(users.record(values! { "nmae" => "ann" }).is_err());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn record(&self, values: impl IntoValues) -> Result<Record>;
}

impl NewRecord for Table {
    fn record(&self, values: impl IntoValues) -> Result<Record> {
        let def = self.lend();
        let mut new = New::default();
        gather(&def, values, |column, expr| new.take(&def, column, expr))?;
        let (overlay, exprs) = new.finish();
        let record = Record::transient(self, overlay);
        record.note_exprs(exprs);
        Ok(record)
    }
}

/// What is set is no longer what a relationship or an expression made of it: the last word holds.
pub(crate) fn forget_key(links: &mut Option<Box<Links>>, id: ColumnId, column: &str) -> Vec<Pointer> {
    let Some(own) = links else { return Vec::new() };
    own.forget_expr(id);
    let gone = own.forget_key(column);
    *links = links.take().filter(|links| !links.is_empty());
    gone
}

impl State {
    pub(crate) fn is_doomed(&self) -> bool {
        self.fate == Fate::Doomed
    }

    /// Whether the next flush writes its row.
    pub(crate) fn changes_row(&self) -> bool {
        !self.overlay.is_empty()
            || self.is_doomed()
            || self.links.as_ref().is_some_and(|links| links.changes_row())
    }

    /// Forgets what was to be done with it.
    pub(crate) fn spare(&mut self) {
        self.touched = false;
        if self.is_doomed() {
            self.fate = Fate::Stays;
        }
    }

    /// Whether its values are those that were read.
    fn is_as_read(&self) -> bool {
        self.overlay.is_empty() && self.links.as_ref().is_none_or(|links| !links.has_exprs())
    }

    /// The row of the database, where there is one.
    pub(crate) fn place(&self) -> Option<Place> {
        let batch = self.home.batch().filter(|_| self.row != NO_ROW)?;
        Some(Place { batch: batch.clone(), row: self.row })
    }

    /// The value of a column as it stands now; none where it is not known.
    pub(crate) fn value(&self, id: ColumnId, key: &str) -> Option<ValueRef<'_>> {
        match self.overlay.get(id) {
            Some(value) => Some(value),
            None if self.is_worked_out(id) => None,
            None => self.stored(id, key),
        }
    }

    /// The value of a column as it was read.
    pub(crate) fn stored(&self, id: ColumnId, key: &str) -> Option<ValueRef<'_>> {
        let batch = self.home.batch().filter(|_| self.row != NO_ROW)?;
        let position = match batch.full {
            true => batch.def.place_of(id)?.0,
            false => batch.block.columns().position(key).ok()?,
        };
        batch.block.value(self.row as usize, position)
    }

    /// Whether somebody may have to be told of what is set.
    fn is_watched(&self) -> bool {
        self.home.batch().is_some_and(|batch| !batch.attribute_set.is_empty())
    }

    /// The session it belongs to, if that lives.
    pub(crate) fn session(&self) -> Option<Arc<Inner>> {
        match self.status {
            RecordState::Transient | RecordState::Detached => None,
            _ => self.home.batch()?.session.upgrade().filter(|session| !session.is_closed()),
        }
    }

    /// After a flush, and for a row that joins a session: whether something waits to be flushed, so
    /// that it belongs on the session's list.
    pub(crate) fn settle(&mut self) -> bool {
        self.touched = !self.overlay.is_empty() || self.links.as_ref().is_some_and(|links| links.waits());
        self.touched
    }

    /// Whether something was set that differs from what was read.
    pub(crate) fn differs(&self, def: &TableDef) -> bool {
        self.overlay.iter().any(|set| !self.is_stored(def, set))
    }

    /// Whether a value that was set is known to be the one that was read.
    pub(crate) fn is_stored(&self, def: &TableDef, (id, value): (ColumnId, ValueRef<'_>)) -> bool {
        let stored = def.place_of(id).and_then(|(_, column)| self.stored(id, column.key()));
        stored.is_some_and(|stored| stored.is_identical(value))
    }
}

impl Record {
    pub(crate) fn transient(table: &Table, overlay: Overlay) -> Record {
        let state = State {
            home: Home::Loose(table.clone()),
            row: NO_ROW,
            status: RecordState::Transient,
            touched: false,
            fate: Fate::Stays,
            sent: false,
            overlay,
            links: None,
        };
        Record(Arc::new(RecordInner { table: table.id(), state: Mutex::new(state) }))
    }

    /// A record of a row that was read.
    #[inline]
    pub(crate) fn loaded(batch: Arc<Batch>, row: u32) -> Record {
        let table = batch.table.id();
        let state = State {
            home: Home::In(batch),
            row,
            status: RecordState::Persistent,
            touched: false,
            fate: Fate::Stays,
            sent: false,
            overlay: Overlay::default(),
            links: None,
        };
        Record(Arc::new(RecordInner { table, state: Mutex::new(state) }))
    }

    /// The table it is of.
    pub fn table(&self) -> Table {
        self.0.state.lock().home.table().clone()
    }

    /// What names the table it is of.
    pub(crate) fn table_id(&self) -> TableId {
        self.0.table
    }

    /// Where it stands between the program and the database.
    pub fn state(&self) -> RecordState {
        let state = self.0.state.lock();
        match (state.status, state.session()) {
            (RecordState::Transient, _) => RecordState::Transient,
            (_, None) => RecordState::Detached,
            (status, Some(_)) => status,
        }
    }

    /// The definition to resolve names by: the one the row was read with, unless the table has a
    /// newer column of that name.
    pub(crate) fn def_for(&self, name: &str) -> Arc<TableDef> {
        let home = self.0.state.lock().home.batch().map(|batch| batch.def.clone());
        match home {
            Some(def) if def.column(name).is_ok() => def,
            _ => self.table().def(),
        }
    }

    /// The value of an attribute as a Rust type. Never asks the database.
    ///
    /// # Errors
    /// `NoSuchColumn`; `Unloaded` for an attribute that was never set, or expired; `Conversion`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let tag = session.add(tags.record(values! { "name" => "new" })?)?;
    /// assert_eq!(tag.get::<i64>("id").unwrap_err().kind(), ErrorKind::Unloaded);
    /// session.commit()?;
    /// assert_eq!(tag.get::<i64>("id")?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T> {
        let value = self.value(name)?;
        T::from_value(value).map_err(|e| e.at(format!("{}, attribute `{name}`", self.describe())))
    }

    /// The value of an attribute.
    ///
    /// # Errors
    /// As [`Record::get`].
    pub fn value(&self, name: &str) -> Result<Value> {
        {
            let state = self.0.state.lock();
            if let Some(batch) =
                state.home.batch().filter(|b| b.full && state.is_as_read() && state.row != NO_ROW)
                && let Ok(position) = batch.block.columns().position(name)
                && let Some(value) = batch.block.value(state.row as usize, position)
            {
                return Ok(value.to_value());
            }
        }
        let def = self.def_for(name);
        if let Some(hybrid) = def.hybrid(name) {
            return hybrid.value(&|name| self.value(name));
        }
        let id = def.column(name)?.id();
        let found = self.0.state.lock().value(id, name).map(ValueRef::to_value);
        found.ok_or_else(|| self.unloaded(name, id))
    }

    fn unloaded(&self, name: &str, id: ColumnId) -> Error {
        let state = self.0.state.lock();
        let (known, worked_out) = (state.row != NO_ROW, state.is_worked_out(id));
        drop(state);
        let what = match known {
            _ if worked_out => "is an expression: the database works it out when the record is flushed",
            true => "is not loaded: `refresh` or `undefer` the record",
            false => "was never set: the database gives it a value when the record is flushed",
        };
        Error::new(ErrorKind::Unloaded, format!("`{name}` of {} {what}", self.describe()))
            .with_columns([name])
    }

    /// Sets an attribute. The next flush sends it, if it differs from what the database has.
    ///
    /// An expression is worked out by the database then, so that nobody's change between reading and writing is lost; the
    /// attribute is `Unloaded` until the flush, which reads it back.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names; `Invalid` for a column that the database computes, for the version of a row, for
    /// an expression of the key, and for a record that was deleted; `Vetoed` from the column's
    /// [validator](mirrorm_core::schema::Column::validate).
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("likes", Integer)))?;
    /// db.create_all()?;
    /// insert(&posts).values(values! { "likes" => 41 }).run(&db)?;
    /// let session = db.session();
    /// let post = session.get_one(&posts, 1)?;
    /// post.set("likes", posts.c("likes").add(1))?;
    /// session.commit()?;
    /// assert_eq!(post.get::<i64>("likes")?, 42);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn set(&self, name: &str, value: impl Into<Expr>) -> Result<()> {
        let value = match value.into().try_value() {
            Ok(value) => value,
            Err(expr) => return self.set_all([(name, expr)]),
        };
        let mut guard = self.0.state.lock();
        let state = &mut *guard;
        let column = state.home.batch().and_then(|home| home.def.column(name).ok());
        let is_plain = |c: &&ColumnDef| {
            c.read_only().is_none() && c.row_version().is_none() && !c.is_validated() && c.key() == name
        };
        if let Some(column) = column.filter(is_plain)
            && !state.is_watched()
            && matches!(state.status, RecordState::Persistent | RecordState::Detached)
            && state.fate == Fate::Stays
        {
            let id = column.id();
            state.sent = false;
            let gone = forget_key(&mut state.links, id, name);
            state.overlay.put(id, value);
            let told = self.touch(state);
            drop(guard);
            self.forget_keys(&gone);
            if let Some(session) = told {
                session.touched.push(self.clone());
            }
            return Ok(());
        }
        drop(guard);
        let def = self.def_for(name);
        let mut assigned = Assigned::default();
        gather(&def, [(name, value)], |column, expr| assigned.take(&def, column, expr))?;
        self.put(&def, assigned)
    }

    /// Sets several attributes: all of them, or none if a name is wrong.
    ///
    /// # Errors
    /// As [`Record::set`].
    pub fn set_all(&self, values: impl IntoValues) -> Result<()> {
        let def = self.table().def();
        let mut assigned = Assigned::default();
        gather(&def, values, |column, expr| assigned.take(&def, column, expr))?;
        self.put(&def, assigned)
    }

    fn put(&self, def: &TableDef, assigned: Assigned) -> Result<()> {
        self.can_take(def, &assigned)?;
        if self.tell_assigned(def, &assigned)? {
            // Receivers may have deleted it.
            self.can_take(def, &assigned)?;
        }
        let Assigned { values, exprs } = assigned;
        let ids = || values.iter().map(|(id, _)| *id).chain(exprs.iter().map(|(id, _)| *id));
        let columns = || ids().filter_map(|id| Some(def.place_of(id)?.1));
        let mut state = self.0.state.lock();
        state.sent = false;
        let mut gone = Vec::new();
        for column in columns() {
            gone.append(&mut forget_key(&mut state.links, column.id(), column.key()));
        }
        state.overlay.retain(|id, _| exprs.iter().all(|(own, _)| *own != id));
        values.into_iter().for_each(|(id, value)| state.overlay.put(id, value));
        let touched = self.touch(&mut state);
        drop(state);
        self.forget_keys(&gone);
        if let Some(session) = touched {
            session.touched.push(self.clone());
        }
        self.note_exprs(exprs);
        Ok(())
    }

    /// Refuses what cannot be set.
    fn can_take(&self, def: &TableDef, Assigned { values, exprs }: &Assigned) -> Result<()> {
        let ids = || values.iter().map(|(id, _)| *id).chain(exprs.iter().map(|(id, _)| *id));
        let columns = || ids().filter_map(|id| Some(def.place_of(id)?.1));
        columns().try_for_each(|column| can_write(def, column))?;
        let state = self.0.state.lock();
        let version = columns().find(|column| column.row_version().is_some());
        if let (Some(column), true) = (version, state.row != NO_ROW) {
            drop(state);
            let message = format!(
                "`{}` of {} is the version of the row, which a flush sets",
                column.key(),
                self.describe()
            );
            return Err(Error::new(ErrorKind::Invalid, message).with_columns([column.key()]));
        }
        if state.status == RecordState::Deleted || state.fate != Fate::Stays {
            drop(state);
            return Err(Error::new(ErrorKind::Invalid, format!("{} was deleted", self.describe())));
        }
        Ok(())
    }

    /// Tells receivers what is about to be set. Says whether there may be any.
    fn tell_assigned(&self, def: &TableDef, assigned: &Assigned) -> Result<bool> {
        let state = self.0.state.lock();
        let Some(session) = Some(state.is_watched()).filter(|watched| *watched).and(state.session()) else {
            return Ok(false);
        };
        drop(state);
        let values = assigned.values.iter().map(|(id, value)| (*id, Some(value.clone())));
        for (id, new) in values.chain(assigned.exprs.iter().map(|(id, _)| (*id, None))) {
            let Some((_, column)) = def.place_of(id) else { continue };
            let old = self.0.state.lock().value(id, column.key()).map(ValueRef::to_value);
            let change = FieldChange { name: column.key().into(), old, new };
            session.db.signals().attribute_set.ask(&session, self, &change)?;
        }
        Ok(true)
    }

    /// Marks a row of the database as changed; gives the session that has to hear of it.
    pub(crate) fn touch(&self, state: &mut State) -> Option<Arc<Inner>> {
        if state.touched || state.status != RecordState::Persistent {
            return None;
        }
        let session = state.session()?;
        state.touched = true;
        Some(session)
    }

    /// Whether it has changes that were not flushed: set values that differ from what was read, and
    /// relationships written.
    pub fn is_modified(&self) -> bool {
        let def = self.table().def();
        let state = self.0.state.lock();
        match state.status {
            RecordState::Transient | RecordState::Pending => true,
            _ => state.links.is_some() || state.differs(&def),
        }
    }

    /// A snapshot of its values, as a row that also lends text and bytes. Attributes that hold no
    /// value are not in it.
    pub fn row(&self) -> Row {
        let def = self.table().def();
        let state = self.0.state.lock();
        if let (true, Some(place)) = (state.is_as_read(), state.place()) {
            return place.to_row();
        }
        let known: Vec<(&ColumnDef, ValueRef<'_>)> =
            def.columns().filter_map(|c| Some((c, state.value(c.id(), c.key())?))).collect();
        let infos = known.iter().map(|(column, _)| ColumnInfo::new(column.key(), column.ty().clone()));
        let mut builder = BlockBuilder::new(Arc::new(Columns::new(infos.collect())), 1);
        known.iter().for_each(|(_, value)| builder.push_ref(*value));
        builder.end_row();
        Row::new(Arc::new(builder.close_raw()), 0)
    }

    /// A [composite](mirrorm_core::schema::composite) read into a type of yours, by the names of its parts; none where all
    /// of its columns are NULL.
    ///
    /// # Errors
    /// `NoSuchColumn` for what is no composite; as [`Record::get`].
    pub fn composite<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let def = self.table().def();
        let Some(HybridKind::Composite(parts)) = def.hybrid(name).map(Hybrid::kind) else {
            let message = format!("`{}` has no composite `{name}`", def.display_name());
            return Err(Error::new(ErrorKind::NoSuchColumn, message).with_columns([name]));
        };
        let values: Vec<Value> = parts.iter().map(|(_, column)| self.value(column)).collect::<Result<_>>()?;
        if values.iter().all(Value::is_null) {
            return Ok(None);
        }
        let ty = |column: &str| def.column(column).map(|column| column.ty().clone());
        let info = |(part, column): &(Arc<str>, Arc<str>)| Ok(ColumnInfo::new(part.clone(), ty(column)?));
        let infos = parts.iter().map(info).collect::<Result<_>>()?;
        let mut builder = BlockBuilder::new(Arc::new(Columns::new(infos)), 1);
        values.iter().for_each(|value| builder.push_ref(value.as_ref()));
        builder.end_row();
        let row = Row::new(Arc::new(builder.close_raw()), 0);
        row.to().map(Some).map_err(|e: Error| e.at(format!("{}, composite `{name}`", self.describe())))
    }

    /// The values of its primary key as the database has them; none before it was flushed.
    pub fn key(&self) -> Option<Vec<Value>> {
        let place = self.0.state.lock().place()?;
        let key = key_of(&place.batch.def);
        let values = key.iter().map(|at| place.value(*at).map(ValueRef::to_value));
        values.collect::<Option<Vec<Value>>>().filter(|values| !values.is_empty())
    }

    /// Whether two records are of the same row, though perhaps of different sessions.
    pub fn same_row(&self, other: &Record) -> bool {
        self == other || (self.0.table == other.0.table && self.key().is_some() && self.key() == other.key())
    }

    /// `users 1`, or `new users`.
    pub(crate) fn describe(&self) -> String {
        let table = self.table().def().display_name();
        match self.key() {
            Some(key) => format!("{table} {}", key_text(&key)),
            None => format!("new {table}"),
        }
    }

    /// The canonical key of its row.
    pub(crate) fn identity(&self) -> Option<Key> {
        self.0.state.lock().place()?.key()
    }

    /// What names the record among those that live.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The session it belongs to, if that lives.
    pub(crate) fn session(&self) -> Option<Arc<Inner>> {
        self.0.state.lock().session()
    }

    pub(crate) fn downgrade(&self) -> Weak<RecordInner> {
        Arc::downgrade(&self.0)
    }
}

/// Refuses to write a column that is the database's to write.
pub(crate) fn can_write(def: &TableDef, column: &ColumnDef) -> Result<()> {
    let Some(why) = column.read_only() else { return Ok(()) };
    let message = format!("`{}` of `{}` {why}", column.key(), def.display_name());
    Err(Error::new(ErrorKind::Invalid, message).with_columns([column.key()]))
}

/// `1`, or `1/2` for a key of several columns.
pub(crate) fn key_text(key: &[Value]) -> String {
    key.iter().map(Value::to_string).collect::<Vec<_>>().join("/")
}

impl PartialEq for Record {
    /// The same record; [`Record::same_row`] compares rows.
    fn eq(&self, other: &Record) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Record {}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.describe(), self.state(), self.row())
    }
}

impl fmt::Display for Record {
    /// `<users 5>`, with the parts of a key in its order: `<seats A, 7>`; before there is a row,
    /// `<users (transient 7f30)>` and `<users (pending 7f30)>`, with a number that tells records apart.
    /// Where a model configures the table, its name stands for the table's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let def = self.table().def();
        let name = def.model().map_or_else(|| def.display_name(), str::to_string);
        let state = match self.state() {
            RecordState::Transient => "transient",
            RecordState::Pending => "pending",
            _ => {
                let key = self.key().unwrap_or_default();
                let key: Vec<String> = key.iter().map(Value::to_string).collect();
                return write!(f, "<{name} {}>", key.join(", "));
            }
        };
        write!(f, "<{name} ({state} {:x})>", self.address())
    }
}

impl Serialize for Record {
    /// A map of its loaded attributes.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.row().columns().distinct_names().map_err(S::Error::custom)?;
        self.row().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a tracked record costs beside its data: this, its share of an entry in the identity map (a
    /// weak handle, and the key of a page) and a handle. Eight bytes more are the next size of
    /// many allocators.
    #[test]
    fn a_record_is_small() {
        let counts = 2 * size_of::<usize>();
        assert!(size_of::<RecordInner>() + counts <= 88, "{}", size_of::<RecordInner>());
        assert_eq!(size_of::<Record>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Record>>(), size_of::<usize>());
    }
}
