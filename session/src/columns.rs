//! Loading some columns of records, and the others later.
//!
//! A record that was loaded so answers `Unloaded` for the others: reading an attribute asks nobody. It is written like
//! any other, and has all of its row after that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::engine::mark;
use mirrorm_core::internal::did_you_mean;
use mirrorm_core::schema::{ColumnDef, ColumnId, Table, TableDef};
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Batch, Place, key_of};
use crate::bulk::places;
use crate::db::relations_of;
use crate::inner::Verb;
use crate::load::vanished;
use crate::query::Query;
use crate::record::{Record, RecordState};
use crate::relation::LeadsOn;
use crate::session::Session;

impl<'s> Query<'s> {
    /// Loads these columns only, with those of the keys, which tell records and relationships, and the version.
    ///
    /// For wide rows of which a list shows little. The other attributes are `Unloaded` until [`Session::undefer`] or
    /// [`Session::refresh`] reads them, or a flush updates the record. A record that the session knows with all its
    /// columns of the running transaction keeps them.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("title", Text),
    ///     column("body", Text),
    /// ))?;
    /// db.create_all()?;
    /// insert(&posts).rows(["title", "body"], [("a", "long"), ("b", "longer")]).run(&db)?;
    /// let session = db.session();
    /// let list = session.query(&posts).load_only(["title"]).all()?;
    /// assert_eq!(list[0].get::<String>("body").unwrap_err().kind(), ErrorKind::Unloaded);
    /// session.undefer(&list[0])?; // and with it all that were loaded with it
    /// assert_eq!(list[1].get::<String>("body")?, "longer");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn load_only<N: Into<Arc<str>>>(self, columns: impl IntoIterator<Item = N>) -> Query<'s> {
        self.with_columns(columns, |named, _| named)
    }

    /// Loads all columns but these and those that the table defers; as [`Query::load_only`].
    pub fn defer<N: Into<Arc<str>>>(self, columns: impl IntoIterator<Item = N>) -> Query<'s> {
        self.with_columns(columns, |named, column| !named && column.deferred().is_none())
    }

    /// The same, with these columns loaded where not all are: what a page is found again by.
    #[doc(hidden)]
    pub fn also_loading<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Query<'s> {
        for name in names {
            self.add_column(name);
        }
        self
    }

    /// Loads these columns too, which the table [defers](mirrorm_core::schema::Column::deferred), or which were left out
    /// before.
    pub fn undefer<N: Into<Arc<str>>>(self, columns: impl IntoIterator<Item = N>) -> Query<'s> {
        let loaded = self.loaded().unwrap_or_else(|| all_columns(&self.table().def()));
        self.with_columns(columns, |named, column| named || loaded.iter().any(|own| **own == *column.key()))
    }

    /// Loads the deferred columns of a group too.
    pub fn undefer_group(self, group: &str) -> Query<'s> {
        let def = self.table().def();
        let of_group = def.columns().filter(|column| column.deferred() == Some(group));
        let names: Vec<Arc<str>> = of_group.map(|column| column.key().into()).collect();
        if names.is_empty() {
            let groups = def.columns().filter_map(ColumnDef::deferred).filter(|group| !group.is_empty());
            let (table, near) = (def.display_name(), did_you_mean(group, groups));
            let message = format!("`{table}` defers no columns in a group `{group}`{near}");
            return self.with_mistake(Error::new(ErrorKind::NoSuchColumn, message).with_table(table));
        }
        self.undefer(names)
    }

    fn with_columns<N: Into<Arc<str>>>(
        mut self,
        columns: impl IntoIterator<Item = N>,
        keep: impl Fn(bool, &ColumnDef) -> bool,
    ) -> Query<'s> {
        let def = self.table().def();
        let named: Result<Vec<ColumnId>> =
            columns.into_iter().map(|name| def.column(&name.into()).map(ColumnDef::id)).collect();
        let named = match named {
            Ok(named) => named,
            Err(error) => return self.with_mistake(error),
        };
        let needed = needed(self.table(), &def);
        let is_kept = |(at, column): &(usize, &ColumnDef)| {
            keep(named.contains(&column.id()), column) || needed.contains(at)
        };
        let kept = def.columns().enumerate().filter(is_kept).map(|(_, column)| Arc::from(column.key()));
        self.set_columns(kept.collect());
        self
    }
}

/// The columns that are loaded with others, where not all are: those that the table does not defer.
pub(crate) fn undeferred(table: &Table, def: &TableDef) -> Option<Vec<Arc<str>>> {
    if def.columns().all(|column| column.deferred().is_none()) {
        return None;
    }
    let needed = needed(table, def);
    let is_loaded = |(at, column): &(usize, &ColumnDef)| column.deferred().is_none() || needed.contains(at);
    Some(def.columns().enumerate().filter(is_loaded).map(|(_, column)| column.key().into()).collect())
}

/// The columns that are loaded with others.
pub(crate) fn loaded_columns(table: &Table, def: &TableDef) -> Vec<Arc<str>> {
    undeferred(table, def).unwrap_or_else(|| all_columns(def))
}

/// All columns of a table.
pub(crate) fn all_columns(def: &TableDef) -> Vec<Arc<str>> {
    def.columns().map(|column| column.key().into()).collect()
}

/// The columns without which a record cannot be told, written, or connected with others.
fn needed(table: &Table, def: &TableDef) -> HashSet<usize> {
    let mut all: HashSet<usize> = key_of(def).iter().copied().collect();
    all.extend(def.row_version().map(|(version, _)| version));
    all.extend(def.foreign_keys().iter().flat_map(|key| key.columns.iter().copied()));
    let relations = relations_of(table);
    let links = relations.of(table).chain(relations.to(table));
    for link in links.flat_map(|relation| std::iter::once(&relation.near).chain(&relation.far)) {
        let holds = link.columns.iter().filter(|_| link.holder == *table);
        let names = holds.chain(link.targets.iter().filter(|_| link.referred == *table));
        all.extend(names.filter_map(|name| Some(def.place_of(def.column(name).ok()?.id())?.0)));
    }
    all
}

impl Session {
    /// Reads the columns of a record that were not loaded, and with them those of all records that were loaded together
    /// with it: one statement for many. What was set and not flushed stays.
    ///
    /// # Errors
    /// `Stale` when the row is not there any more, or has another version than the one that was read and changed; `Invalid`
    /// for a record of another session.
    #[track_caller]
    pub fn undefer(&self, record: &Record) -> Result<()> {
        let _caller = mark();
        let verb = self.inner().verb()?;
        verb.key_of_row(record)?;
        verb.undefer(record)
    }
}

impl Verb<'_> {
    fn undefer(&self, record: &Record) -> Result<()> {
        let Some(batch) = record.0.state.lock().home.batch().filter(|batch| !batch.full).cloned() else {
            return Ok(());
        };
        let table = record.table();
        let def = table.def();
        let mut together = vec![record.clone()];
        together.extend(self.others_of(&batch, record)?);
        let before = places(&together);
        let conn = self.reading_of(&table)?;
        let gone = self.read_again(&conn, (&table, &def), together.iter(), |own| own == record)?;
        let is_gone = gone == Some(record);
        self.keep_loaded(&table, &together, before, |_| true);
        if is_gone { Err(vanished(record)) } else { Ok(()) }
    }

    /// Takes over what was loaded along relationships, those that are to be kept, where records lead to the same rows as
    /// before.
    pub(crate) fn keep_loaded(
        &self,
        table: &Table,
        records: &[Record],
        before: Vec<Option<Place>>,
        keeps: impl Fn(&Arc<str>) -> bool,
    ) {
        let mut moves: HashMap<*const Batch, Vec<(Place, Place)>> = HashMap::new();
        for (record, before) in records.iter().zip(before) {
            if let (Some(before), Some(after)) = (before, record.0.state.lock().place()) {
                moves.entry(Arc::as_ptr(&after.batch)).or_default().push((before, after));
            }
        }
        let map = self.inner.db.relations();
        for rows in moves.values() {
            let Some((before, after)) = rows.first() else { continue };
            if Arc::ptr_eq(&before.batch, &after.batch) {
                continue;
            }
            after.batch.lazy.store(before.batch.lazy.load(Ordering::Relaxed), Ordering::Relaxed);
            let from_one = rows.iter().all(|(own, _)| Arc::ptr_eq(&own.batch, &before.batch));
            let all = before.batch.related.lock().clone();
            for (name, related) in all.into_iter().filter(|(name, _)| from_one && keeps(name)) {
                let leads_on = |(before, after): &(Place, Place)| {
                    map.find(table, &name).is_ok_and(|relation| relation.leads_the_same(before, after))
                };
                if rows.iter().all(leads_on) {
                    let pairs = rows.iter().map(|(before, after)| (after.row, before.row));
                    after.batch.hang(&name, Arc::new(related.of_rows(after.batch.block.len(), pairs)));
                }
            }
        }
    }

    /// The other records of a batch.
    fn others_of(&self, batch: &Arc<Batch>, record: &Record) -> Result<Vec<Record>> {
        let core = self.core()?;
        let known = |row: u32| core.identity.get(batch.table.id(), &batch.key(row, key_of(&batch.def))?);
        let is_of_it = |other: &Record| {
            let state = other.0.state.lock();
            state.status == RecordState::Persistent
                && state.home.batch().is_some_and(|home| Arc::ptr_eq(home, batch))
        };
        let all = (0..batch.block.len() as u32).filter_map(known);
        Ok(all.filter(|other| other != record && is_of_it(other)).collect())
    }
}
