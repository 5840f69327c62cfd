//! Loading some columns of records, and the others later.
//!
//! A record that was loaded so answers `Unloaded` for the others: reading an attribute asks nobody. It is written like
//! any other, and has all of its row after that.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::engine::mark;
use mirrorm_core::schema::{ColumnDef, TableDef};

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
        self.with_columns(columns, |named| named)
    }

    /// Loads all columns but these; as [`Query::load_only`].
    pub fn defer<N: Into<Arc<str>>>(self, columns: impl IntoIterator<Item = N>) -> Query<'s> {
        self.with_columns(columns, |named| !named)
    }

    /// The same, with these columns loaded where not all are: what a page is found again by.
    #[doc(hidden)]
    pub fn also_loading<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Query<'s> {
        for name in names {
            self.add_column(name);
        }
        self
    }

    fn with_columns<N: Into<Arc<str>>>(
        mut self,
        columns: impl IntoIterator<Item = N>,
        keep: impl Fn(bool) -> bool,
    ) -> Query<'s> {
        let def = self.table().def();
        let names: Vec<Arc<str>> = columns.into_iter().map(Into::into).collect();
        if let Some(error) = names.iter().find_map(|name| def.column(name).err()) {
            return self.with_mistake(error);
        }
        let is_kept = |(at, column): &(usize, &ColumnDef)| {
            keep(names.iter().any(|name| **name == *column.key())) || is_needed(&def, *at)
        };
        let kept = def.columns().enumerate().filter(is_kept).map(|(_, column)| Arc::from(column.key()));
        self.set_columns(kept.collect());
        self
    }
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
