//! Verbs of a session that are made of others: of several records, of all of them, and without flushing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm_core::engine::mark;
use mirrorm_core::schema::Table;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::key::IntoKey;
use crate::record::{Record, RecordState};
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

    /// [`Session::merge`] of a record and of what it leads to along these paths of relationships, such as `"posts.tags"`:
    /// lists lead to exactly those then, in this session. A relationship that was never written on a new record stays as it
    /// is, and so does one whose key was set by its value.
    ///
    /// For trees of new records, as a form makes them, and for those of another session. A record that is met twice is
    /// merged once.
    ///
    /// # Errors
    /// As [`Session::merge`] and [`Record::replace`]; `Detached` for a row whose session has ended: what it led to is handed
    /// out anew each time, without what was set on it since, so such records are merged by those who hold them. What was
    /// merged before an error stays, until it is rolled back.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// let owner = column("user_id", Integer).references("users.id");
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("title", Text), owner))?;
    /// db.create_all()?;
    /// insert(&users).rows(["name"], [["ann"]]).run(&db)?;
    /// insert(&posts).rows(["title", "user_id"], [("a", 1), ("b", 1)]).run(&db)?;
    /// let given = users.record(values! { "id" => 1, "name" => "anna" })?;
    /// given.append("posts", &posts.record(values! { "id" => 2, "title" => "better" })?)?;
    /// given.append("posts", &posts.record(values! { "title" => "new" })?)?;
    /// let session = db.session();
    /// let anna = session.merge_with(&given, ["posts"])?;
    /// session.commit()?;
    /// let titles = session.query_related(&anna, "posts")?.order_by(posts.c("id")).all()?;
    /// assert_eq!(titles.len(), 2);
    /// assert_eq!(titles[0].get::<String>("title")?, "better");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn merge_with<'p>(
        &self,
        record: &Record,
        paths: impl IntoIterator<Item = &'p str>,
    ) -> Result<Record> {
        let _caller = mark();
        let paths: Vec<Vec<&str>> = paths.into_iter().map(|path| path.split('.').collect()).collect();
        self.inner().verb()?.autoflush()?;
        // What is new is not sent before it is known what it belongs to.
        let _quiet = Quiet::enter(&self.inner().quiet);
        let mut merged = HashMap::new();
        self.merge_along(record, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut merged)
    }

    fn merge_along(&self, given: &Record, paths: &[&[&str]], merged: &mut Merged) -> Result<Record> {
        let own = match merged.get(&given.address()) {
            Some((_, own)) => own.clone(),
            None => {
                let own = self.merge(given)?;
                merged.insert(given.address(), (given.clone(), own.clone()));
                own
            }
        };
        let mut names: Vec<&str> = paths.iter().filter_map(|path| path.first().copied()).collect();
        names.dedup();
        for name in names {
            let further =
                paths.iter().filter(|path| path.first() == Some(&name)).filter_map(|path| path.get(1..));
            let further: Vec<&[&str]> = further.filter(|rest| !rest.is_empty()).collect();
            let Some(ends) = given.related_to_merge(name)? else { continue };
            let ends: Vec<Record> =
                ends.iter().map(|end| self.merge_along(end, &further, merged)).collect::<Result<_>>()?;
            own.lead_to(name, &ends)?;
        }
        Ok(own)
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

/// Records that were given, by what names them, and those that they were merged onto. They are held, so that no other is
/// taken for one of them.
type Merged = HashMap<usize, (Record, Record)>;

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

impl Record {
    /// The records that a relationship leads to, where they are those that others hold, too; none where nothing was said
    /// of it.
    fn related_to_merge(&self, name: &str) -> Result<Option<Vec<Record>>> {
        if self.state() == RecordState::Detached {
            let message = format!(
                "the session of {} has ended: merge what `{name}` led to record by record, with `merge_all`",
                self.describe()
            );
            return Err(Error::new(ErrorKind::Detached, message));
        }
        if self.says_where(name)? { self.related(name).map(Some) } else { Ok(None) }
    }
}
