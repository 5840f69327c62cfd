//! Records that are read anew, and those that let go of what they hold: whole, or some attributes.

use std::sync::Arc;

use mirrorm_core::engine::mark;
use mirrorm_core::internal::did_you_mean;
use mirrorm_core::schema::{ColumnDef, ColumnId, TableDef};
use mirrorm_core::stmt::Lock;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Batch, Place, key_of};
use crate::flush::is_changed;
use crate::inner::Verb;
use crate::key::row_of_key;
use crate::load::{no_key, vanished};
use crate::overlay::Overlay;
use crate::record::{Home, Record, RecordState, forget_key};
use crate::relation::{KeyLink, Relation};
use crate::session::Session;

impl Session {
    /// Lets go of the values of a record: reading them is an error until it is refreshed, or met by
    /// a query. What was set and not flushed is dropped.
    ///
    /// # Errors
    /// `Invalid` for a record that is not a row of the database, or of another session; `Detached`.
    pub fn expire(&self, record: &Record) -> Result<()> {
        let verb = self.inner().verb()?;
        verb.key_of_row(record)?;
        verb.expire(record)
    }

    /// As [`Session::expire`], for all records.
    ///
    /// # Errors
    /// As [`Session::expire`].
    pub fn expire_all(&self) -> Result<()> {
        let verb = self.inner().verb()?;
        let alive = verb.core()?.identity.alive();
        alive.iter().try_for_each(|record| verb.expire(record))
    }

    /// Reads the row of a record again. What was set and not flushed is dropped.
    ///
    /// # Errors
    /// `Stale` when the row is not there any more; otherwise as [`Session::expire`].
    #[track_caller]
    pub fn refresh(&self, record: &Record) -> Result<()> {
        let _caller = mark();
        self.inner().verb()?.refresh(record, None)
    }

    /// As [`Session::refresh`], under a lock of the row that lasts until the transaction ends: what is read now, nobody
    /// else changes before it is written. On a database without such locks it reads only; there a writing transaction
    /// locks all.
    ///
    /// # Errors
    /// As [`Session::refresh`]; `Busy` where somebody else has the row for too long, or at all with
    /// [`nowait`](Lock::nowait).
    #[track_caller]
    pub fn refresh_locked(&self, record: &Record, lock: Lock) -> Result<()> {
        let _caller = mark();
        self.inner().verb()?.refresh(record, Some(lock))
    }

    /// Reads some attributes of a record again: columns, and relationships, which are loaded when they are touched. What
    /// was set of these and not flushed is dropped; of the others it stays.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names; `Stale` when the row is not there any more, or when others were set and the row
    /// has another [version](mirrorm_core::schema::Column::version) than theirs; otherwise as [`Session::expire`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("title", Text), column("hits", Integer)))?;
    /// db.create_all()?;
    /// insert(&posts).values(values! { "title" => "a", "hits" => 1 }).run(&db)?;
    /// let session = db.session();
    /// let post = session.get_one(&posts, 1)?;
    /// post.set_all(values! { "title" => "b", "hits" => 7 })?;
    /// session.refresh_only(&post, ["hits"])?;
    /// assert_eq!((post.get::<String>("title")?, post.get::<i64>("hits")?), ("b".into(), 1));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn refresh_only<N: AsRef<str>>(
        &self,
        record: &Record,
        attributes: impl IntoIterator<Item = N>,
    ) -> Result<()> {
        let _caller = mark();
        let attributes: Vec<N> = attributes.into_iter().collect();
        let verb = self.inner().verb()?;
        let some = verb.some(record, &attributes)?;
        verb.refresh_some(record, &some)
    }

    /// Lets go of some attributes of a record: columns are `Unloaded` until the record is read anew, relationships are
    /// loaded when they are touched. What was set of these and not flushed is dropped; of the others it stays.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names; `Invalid` for columns of the key and the version of the row, which name it;
    /// otherwise as [`Session::expire`].
    pub fn expire_only<N: AsRef<str>>(
        &self,
        record: &Record,
        attributes: impl IntoIterator<Item = N>,
    ) -> Result<()> {
        let attributes: Vec<N> = attributes.into_iter().collect();
        let verb = self.inner().verb()?;
        let some = verb.some(record, &attributes)?;
        verb.expire_some(record, &some)
    }
}

/// Some attributes of a record.
#[derive(Default)]
struct Attributes {
    columns: Vec<(ColumnId, Arc<str>)>,
    relations: Vec<Arc<Relation>>,
}

impl Attributes {
    /// Whether it is one of their relationships.
    fn names(&self, relationship: &str) -> bool {
        self.relations.iter().any(|own| *own.name == *relationship)
    }
}

impl Verb<'_> {
    /// Reads the row of a record again; what was set and not flushed is dropped.
    fn refresh(&self, record: &Record, lock: Option<Lock>) -> Result<()> {
        let batch = match lock {
            None => self.read_row(record)?,
            Some(lock) => self.read_row_locked(record, lock)?,
        };
        // Before the values go that tell whom its keys pointed to.
        record.take_back_links(|| self.inner.db.relations());
        let mut state = record.0.state.lock();
        (state.home, state.row, state.overlay) = (Home::In(batch), 0, Overlay::default());
        drop(state);
        self.tell_refreshed(record)
    }

    fn tell_refreshed(&self, record: &Record) -> Result<()> {
        let signal = &self.inner.db.signals().refreshed;
        if signal.is_empty() { Ok(()) } else { signal.ask(&self.session(), record) }
    }

    /// Drops what was set of rows and not flushed. Says whether there was anything.
    pub(crate) fn drop_changes(&self, records: &[Record]) -> bool {
        let is_changed = |record: &&Record| {
            let state = record.0.state.lock();
            state.status == RecordState::Persistent && (!state.overlay.is_empty() || state.links.is_some())
        };
        let changed: Vec<&Record> = records.iter().filter(is_changed).collect();
        for record in &changed {
            record.take_back_links(|| self.inner.db.relations());
            record.0.state.lock().overlay = Overlay::default();
        }
        !changed.is_empty()
    }

    /// The row of a record as it is now.
    pub(crate) fn read_row(&self, record: &Record) -> Result<Arc<Batch>> {
        let key = self.key_of_row(record)?;
        let table = record.table();
        let def = table.def();
        match self.reading_of(&table)?.get_row(&table, &def, &key, |block| block)? {
            Some(block) if block.len() == 1 => self.batch(&table, &def, block).map(Arc::new),
            _ => Err(vanished(record)),
        }
    }

    fn read_row_locked(&self, record: &Record, lock: Lock) -> Result<Arc<Batch>> {
        let key = self.key_of_row(record)?;
        let table = record.table();
        let def = table.def();
        let rows = row_of_key((&table, &def), &key).lock(lock).all(&*self.reading_of(&table)?)?;
        match rows.blocks().next().filter(|block| block.len() == 1) {
            Some(block) => self.batch(&table, &def, block.clone()).map(Arc::new),
            None => Err(vanished(record)),
        }
    }

    /// Lets go of the values of a record, and of what was set and not flushed.
    pub(crate) fn expire(&self, record: &Record) -> Result<()> {
        let Some(place) = record.0.state.lock().place() else { return Ok(()) };
        let def = &place.batch.def;
        if key_of(def).is_empty() {
            return Err(no_key(def));
        }
        let mut batch = Batch::of_cells(&place, key_of(def).iter().copied());
        // No transaction has this number: what is expired is never of the running one.
        batch.epoch = 0;
        record.take_back_links(|| self.inner.db.relations());
        let mut state = record.0.state.lock();
        (state.home, state.row, state.overlay) = (Home::In(Arc::new(batch)), 0, Overlay::default());
        drop(state);
        self.tell_expired(record);
        Ok(())
    }

    fn tell_expired(&self, record: &Record) {
        let signals = self.inner.db.signals();
        if !signals.expired.is_empty()
            && let Err(error) = signals.expired.ask(&self.session(), record)
        {
            // It may be after a COMMIT, where nothing fails any more.
            signals.receiver_failed.tell(&self.session(), &[error]);
        }
    }

    /// What these names are of a record that is a row.
    fn some(&self, record: &Record, names: &[impl AsRef<str>]) -> Result<Attributes> {
        self.key_of_row(record)?;
        let (table, relations) = (record.table(), self.inner.db.relations());
        let def = table.def();
        let mut some = Attributes::default();
        for name in names.iter().map(AsRef::as_ref) {
            match (def.column(name), relations.find(&table, name)) {
                (Ok(column), _) => some.columns.push((column.id(), column.key().into())),
                (Err(_), Ok(relation)) => some.relations.push(relation.clone()),
                (Err(_), Err(_)) => {
                    return Err(no_attribute(&def, relations.of(&table).map(|own| &*own.name), name));
                }
            }
        }
        Ok(some)
    }

    fn refresh_some(&self, record: &Record, some: &Attributes) -> Result<()> {
        let batch = self.read_row(record)?;
        let after = Place { batch, row: 0 };
        let before = record.0.state.lock().place();
        if let Some(changed) = before.as_ref().and_then(|seen| is_changed(&after.batch.def, seen, &after))
            && record.sets_others(some)
        {
            return Err(changed.of(record));
        }
        record.drop_some(some);
        self.take_back_some(record, some);
        let mut state = record.0.state.lock();
        (state.home, state.row) = (Home::In(after.batch), 0);
        drop(state);
        self.keep_loaded(&record.table(), std::slice::from_ref(record), vec![before], |name| {
            !some.names(name)
        });
        self.tell_refreshed(record)
    }

    fn expire_some(&self, record: &Record, some: &Attributes) -> Result<()> {
        let Some(place) = record.0.state.lock().place() else { return Ok(()) };
        let def = &place.batch.def;
        let is_named = |column: &ColumnDef| some.columns.iter().any(|(id, _)| *id == column.id());
        let version = def.row_version().map(|(at, _)| at);
        let names_row = |at: &usize| key_of(def).contains(at) || version == Some(*at);
        if let Some((_, column)) = def.columns().enumerate().find(|(at, c)| names_row(at) && is_named(c)) {
            let message = format!("`{}` of {} names the row: it stays", column.key(), record.describe());
            return Err(Error::new(ErrorKind::Invalid, message).with_columns([column.key()]));
        }
        let rest = def.columns().enumerate().filter(|(_, column)| !is_named(column));
        let mut batch = Batch::of_cells(&place, rest.map(|(at, _)| at));
        (batch.epoch, batch.lazy) = (place.batch.epoch, place.batch.lazy_too());
        record.drop_some(some);
        self.take_back_some(record, some);
        let after = Place { batch: Arc::new(batch), row: 0 };
        after.keep_related(&place, |name| !some.names(name));
        let mut state = record.0.state.lock();
        (state.home, state.row) = (Home::In(after.batch), 0);
        drop(state);
        self.tell_expired(record);
        Ok(())
    }

    /// Takes back what was written of some relationships.
    fn take_back_some(&self, record: &Record, some: &Attributes) {
        let map = self.inner.db.relations();
        some.relations.iter().for_each(|relation| record.take_back(relation, &map));
    }
}

impl Record {
    /// Whether something else of its row was set than these, and not flushed.
    fn sets_others(&self, some: &Attributes) -> bool {
        let is_named = |id: &ColumnId| some.columns.iter().any(|(own, _)| own == id);
        let names_key = |key: &KeyLink| {
            let is_column = |column: &Arc<str>| some.columns.iter().any(|(_, name)| name == column);
            let is_relation = |relation: &Arc<Relation>| *relation.near == *key;
            key.columns.iter().any(is_column) || some.relations.iter().any(is_relation)
        };
        let pointers = self.pointers();
        let state = self.0.state.lock();
        let exprs = state.links.iter().flat_map(|links| links.all_exprs());
        state.overlay.columns().any(|id| !is_named(&id))
            || exprs.into_iter().any(|(id, _)| !is_named(&id))
            || pointers.iter().any(|pointer| !names_key(&pointer.key))
    }

    /// Drops what was set of some columns, by value or by what they point to.
    fn drop_some(&self, some: &Attributes) {
        let is_of = |id: &ColumnId| some.columns.iter().any(|(own, _)| own == id);
        let mut state = self.0.state.lock();
        state.overlay.retain(|id, _| !is_of(&id));
        let forget = |(id, name): &(ColumnId, Arc<str>)| forget_key(&mut state.links, *id, name);
        let gone: Vec<_> = some.columns.iter().flat_map(forget).collect();
        drop(state);
        self.forget_keys(&gone);
    }
}

fn no_attribute<'n>(def: &'n TableDef, relations: impl Iterator<Item = &'n str>, name: &str) -> Error {
    let all = def.columns().map(ColumnDef::key).chain(relations);
    let (table, near) = (def.display_name(), did_you_mean(name, all));
    let message = format!("`{table}` has no column and no relationship `{name}`{near}");
    Error::new(ErrorKind::NoSuchColumn, message).with_table(table).with_columns([name])
}
