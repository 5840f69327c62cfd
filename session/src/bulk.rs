//! One statement for all rows that a query finds, and the session's records brought up to date with it.
//!
//! Built statements that run in a session make its records old, so that the next query reads them again; these here read
//! those that the session holds at once. What one statement does is reported as one change (`changes`).

use mirrorm_core::engine::mark;
use mirrorm_core::expr::Expr;
use mirrorm_core::schema::Table;
use mirrorm_core::stmt::{IntoValues, delete, update};
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::Place;
use crate::inner::{Moved, Verb};
use crate::key::Key;
use crate::query::Query;
use crate::record::{Fate, Record, RecordState};

impl Query<'_> {
    /// Sets columns of all rows it finds, by one statement, and says how many there were. Values may be expressions.
    ///
    /// The records of the table that the session holds have their new values after it, and their old ones again after a
    /// rollback. What is changed is flushed before; it is reported as one bulk change, without the rows.
    ///
    /// # Errors
    /// `Invalid` for a query that joins, groups or limits: filter by keys then; as [`Query::all`], and those of
    /// [`Update::run`](mirrorm_core::stmt::Update::run).
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("likes", Integer)))?;
    /// db.create_all()?;
    /// insert(&posts).rows(["likes"], [[1], [5]]).run(&db)?;
    /// let session = db.session();
    /// let post = session.get_one(&posts, 2)?;
    /// let more = values! { "likes" => posts.c("likes").add(1) };
    /// assert_eq!(session.query(&posts).filter(posts.c("likes").gt(2)).update_all(more)?, 1);
    /// assert_eq!(post.get::<i64>("likes")?, 6);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn update_all(&self, values: impl IntoValues) -> Result<u64> {
        let _caller = mark();
        self.run(|query, verb| {
            let (table, conditions) = (query.table(), query.conditions(verb)?);
            let mut statement = update(table).set(values);
            if conditions.is_empty() {
                statement = statement.all_rows();
            }
            let statement = conditions.into_iter().fold(statement, |statement, one| statement.filter(one));
            let rows = statement.run(query.session())?;
            verb.bring_up_to_date(table)?;
            Ok(rows)
        })
    }

    /// Deletes all rows it finds, by one statement, and says how many there were; as [`Query::update_all`].
    ///
    /// The records that the session holds of them leave it, and are there again after a rollback. What points to the rows
    /// is the database's to take along or to refuse: no relationship is followed.
    ///
    /// # Errors
    /// As [`Query::update_all`].
    #[track_caller]
    pub fn delete_all(&self) -> Result<u64> {
        let _caller = mark();
        self.run(|query, verb| {
            let (table, conditions) = (query.table(), query.conditions(verb)?);
            let mut statement = delete(table);
            if conditions.is_empty() {
                statement = statement.all_rows();
            }
            let statement = conditions.into_iter().fold(statement, |statement, one| statement.filter(one));
            let rows = statement.run(query.session())?;
            verb.let_go_of_gone(table)?;
            Ok(rows)
        })
    }

    /// What the rows it finds have to fulfil, if that is all that it says.
    fn conditions(&self, verb: &Verb<'_>) -> Result<Vec<Expr>> {
        let select = self.to_run(verb, self.select());
        let Some(conditions) = select.only_filters() else {
            let message =
                "a statement for all rows of a query has its filters alone: it does not join, group or limit";
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        Ok(conditions.to_vec())
    }
}

impl Verb<'_> {
    /// The records of a table that somebody holds.
    pub(crate) fn held_of(&self, table: &Table) -> Result<Vec<Record>> {
        let mut held = self.core()?.identity.alive_of(table.id());
        held.retain(|record| record.0.state.lock().status == RecordState::Persistent);
        Ok(held)
    }

    /// Reads the records of a table again that the session holds.
    fn bring_up_to_date(&self, table: &Table) -> Result<()> {
        let def = table.def();
        // What is to be written of a version that was read stays with it: the flush tells that there is another.
        let is_left = |record: &Record| def.row_version().is_none() || !record.0.state.lock().changes_row();
        let held: Vec<Record> = self.held_of(table)?.into_iter().filter(is_left).collect();
        if held.is_empty() {
            return Ok(());
        }
        let before = places(&held);
        let read = self.read_again(&*self.reading_of(table)?, (table, &def), held.iter(), |_| true);
        self.note_moves(&held, before)?;
        read?;
        Ok(())
    }

    /// Notes which of these records a statement moved from where they stood, for a rollback.
    pub(crate) fn note_moves(&self, held: &[Record], before: Vec<Option<Place>>) -> Result<()> {
        let moved = held.iter().zip(before).filter_map(|(record, before)| {
            let (place, to) = (before?, record.0.state.lock().place()?);
            let is_moved = !to.is(&place);
            is_moved.then(|| Moved { record: record.downgrade(), place, to, is_first: true })
        });
        self.core()?.level().note_moved(moved);
        Ok(())
    }

    /// Lets go of the records of a table that are not there any more.
    fn let_go_of_gone(&self, table: &Table) -> Result<()> {
        let held = self.held_of(table)?;
        let (held, keys): (Vec<Record>, Vec<Vec<Value>>) =
            held.into_iter().filter_map(|record| record.key().map(|key| (record, key))).unzip();
        if held.is_empty() {
            return Ok(());
        }
        let def = table.def();
        let found = self.rows_of_keys(&*self.reading_of(table)?, (table, &def), &keys, &None)?;
        let mut core = self.core()?;
        for (record, key) in held.iter().zip(&keys) {
            let Some(key) = Key::of_values(key).filter(|key| !found.contains_key(key)) else { continue };
            core.identity.of(table.id()).remove(&key, record);
            let mut state = record.0.state.lock();
            (state.status, state.fate) = (RecordState::Detached, Fate::Gone);
            drop(state);
            core.level().evicted.push(record.clone());
            self.note(&mut core, record, Some(RecordState::Persistent), RecordState::Detached);
        }
        drop(core);
        self.tell_transitions()
    }
}

/// Where records stand.
pub(crate) fn places(records: &[Record]) -> Vec<Option<Place>> {
    records.iter().map(|record| record.0.state.lock().place()).collect()
}
