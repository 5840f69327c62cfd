//! Loading some columns of records, and the others later.
//!
//! A record that was loaded so answers `Unloaded` for the others: reading an attribute asks nobody. It is written like
//! any other, and has all of its row after that.

use std::sync::Arc;

use mirrorm_core::engine::mark;
use mirrorm_core::internal::did_you_mean;
use mirrorm_core::schema::{ColumnDef, TableDef};
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Batch, key_of};
use crate::inner::Verb;
use crate::load::vanished;
use crate::query::Query;
use crate::record::{Record, RecordState};
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
        let names = columns.into_iter().map(Into::into);
        self.with_columns(names, |named, column| named || loaded.iter().any(|own| **own == *column.key()))
    }

    /// Loads the deferred columns of a group too.
    pub fn undefer_group(self, group: &str) -> Query<'s> {
        let def = self.table().def();
        let of_group = def.columns().filter(|column| column.deferred() == Some(group));
        let names: Vec<Arc<str>> = of_group.map(|column| column.key().into()).collect();
        if names.is_empty() {
            let groups: Vec<&str> = def.columns().filter_map(|column| column.deferred()).collect();
            let (table, near) = (def.display_name(), did_you_mean(group, groups.into_iter()));
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
        let names: Vec<Arc<str>> = columns.into_iter().map(Into::into).collect();
        if let Some(error) = names.iter().find_map(|name| def.column(name).err()) {
            return self.with_mistake(error);
        }
        let is_kept = |(at, column): &(usize, &ColumnDef)| {
            keep(names.iter().any(|name| **name == *column.key()), column) || is_needed(&def, *at)
        };
        let kept = def.columns().enumerate().filter(is_kept).map(|(_, column)| Arc::from(column.key()));
        self.set_columns(kept.collect());
        self
    }
}

/// The columns that are loaded with others, where not all are: those that the table does not defer.
pub(crate) fn undeferred(def: &TableDef) -> Option<Vec<Arc<str>>> {
    if def.columns().all(|column| column.deferred().is_none()) {
        return None;
    }
    let is_loaded = |(at, column): &(usize, &ColumnDef)| column.deferred().is_none() || is_needed(def, *at);
    Some(def.columns().enumerate().filter(is_loaded).map(|(_, column)| column.key().into()).collect())
}

/// All columns of a table.
pub(crate) fn all_columns(def: &TableDef) -> Vec<Arc<str>> {
    def.columns().map(|column| column.key().into()).collect()
}

/// Whether a record cannot be told or written without a column.
fn is_needed(def: &TableDef, at: usize) -> bool {
    key_of(def).contains(&at)
        || def.row_version().is_some_and(|(version, _)| version == at)
        || def.foreign_keys().iter().any(|key| key.columns.contains(&at))
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
        let conn = self.reading_of(&table)?;
        match self.read_again(&conn, (&table, &def), together.iter())? {
            Some(gone) if gone == record => Err(vanished(record)),
            _ => Ok(()),
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
