//! Verbs of a session that are made of others: of several records, of all of them, and without flushing.

use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm_core::engine::mark;
use mirrorm_core::schema::Table;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::key::IntoKey;
use crate::record::Record;
use crate::session::Session;

impl Session {
    /// The record of a key, which there has to be.
    ///
    /// # Errors
    /// As [`Session::get`], and `NotFound`.
    #[track_caller]
    pub fn get_one(&self, table: &Table, key: impl IntoKey) -> Result<Record> {
        let _caller = mark();
        self.get(table, key)?.ok_or_else(|| {
            let message = format!("`{}` has no row of this key", table.def().display_name());
            Error::new(ErrorKind::NotFound, message).with_table(table.def().display_name())
        })
    }

    /// Marks records: the next flush deletes their rows. Of records that one of them forbids none is marked.
    ///
    /// # Errors
    /// As [`Session::delete`], for the first that cannot be.
    pub fn delete_all<'r>(&self, records: impl IntoIterator<Item = &'r Record>) -> Result<()> {
        let records: Vec<&Record> = records.into_iter().collect();
        let verb = self.inner().verb()?;
        records.iter().try_for_each(|record| verb.can_delete(record))?;
        records.into_iter().try_for_each(|record| verb.doom(record.clone()).map(drop))
    }

    /// Takes all records out of the session, and with them what was changed and not flushed.
    ///
    /// # Errors
    /// `Detached` after the end of the session.
    pub fn expunge_all(&self) -> Result<()> {
        let verb = self.inner().verb()?;
        let core = verb.core()?;
        let mut all: Vec<Record> = core.new.iter().chain(&core.doomed).cloned().collect();
        all.extend(core.identity.alive());
        drop(core);
        all.extend(self.inner().touched.all());
        for record in all {
            if self.contains(&record) {
                verb.expunge(&record)?;
            }
        }
        verb.tell_transitions()
    }

    /// [`Session::merge`] of each of the records, in their order.
    ///
    /// # Errors
    /// As [`Session::merge`].
    #[track_caller]
    pub fn merge_all<'r>(&self, records: impl IntoIterator<Item = &'r Record>) -> Result<Vec<Record>> {
        let _caller = mark();
        records.into_iter().map(|record| self.merge(record)).collect()
    }

    /// Runs a closure in which no query flushes first: for reading while records are half set.
    ///
    /// # Errors
    /// The closure's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text).not_null()))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let user = session.add(users.record(())?)?;
    /// let before = session.no_autoflush(|session| session.query(&users).count())?;
    /// assert_eq!(before, 0);
    /// user.set("name", format!("user {before}"))?;
    /// assert_eq!(session.query(&users).count()?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn no_autoflush<T>(&self, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let _quiet = Quiet::enter(&self.inner().quiet);
        body(self)
    }
}

/// Counts who wants no flush, also where they panic.
struct Quiet<'c>(&'c AtomicUsize);

impl Quiet<'_> {
    fn enter(count: &AtomicUsize) -> Quiet<'_> {
        count.fetch_add(1, Ordering::AcqRel);
        Quiet(count)
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
