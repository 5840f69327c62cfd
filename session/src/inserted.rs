//! The rows of an INSERT as records: of one that was built, be it an upsert.

use mirrorm_core::engine::mark;
use mirrorm_core::stmt::Insert;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Place, key_of};
use crate::bulk::places;
use crate::inner::Verb;
use crate::key::Key;
use crate::load::{Met, no_key};
use crate::record::{Record, key_text};
use crate::session::Session;

/// Runs INSERTs for the records of their rows. The prelude brings it in.
pub trait InsertRecords {
    /// Inserts, and gives the rows as records of the session, in their order, as the database has them: of an upsert those
    /// that were there already, too. Records that the session knows are brought up to date; what was set on them and not
    /// flushed is flushed before.
    ///
    /// Rows that a conflict leaves out give no record. It is reported as one bulk change. Where the database gives no rows
    /// back, as MySQL, those of an upsert are sent one by one, and all are read after that.
    ///
    /// # Errors
    /// As [`Insert::run`] and [`Session::flush`]; `Invalid` for a statement that asks for something else
    /// (`returning`), for a table without a key, and where the database does not tell which row it was.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let parts = (column("id", Integer).primary_key(), column("code", Text).unique(), column("n", Integer));
    /// let stock = db.table("stock", parts)?;
    /// db.create_all()?;
    /// insert(&stock).values(values! { "code" => "a", "n" => 1 }).run(&db)?;
    /// let session = db.session();
    /// let known = session.get_one(&stock, 1)?;
    /// let rows = insert(&stock).rows(["code", "n"], [("b", 2), ("a", 3)]).upsert(["code"], ["n"]);
    /// let records = rows.records(&session)?;
    /// assert_eq!((records[0].get::<i64>("id")?, &records[1]), (2, &known));
    /// assert_eq!(known.get::<i64>("n")?, 3);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn records(&self, session: &Session) -> Result<Vec<Record>>;
}

impl InsertRecords for Insert {
    #[track_caller]
    fn records(&self, session: &Session) -> Result<Vec<Record>> {
        let _caller = mark();
        let (table, verb) = (self.table(), session.inner().verb()?);
        let def = table.def();
        if key_of(&def).is_empty() {
            return Err(no_key(&def));
        }
        if self.gives_back() {
            let message = "the records of an INSERT are its rows: leave `returning` out";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        verb.autoflush()?;
        let held = verb.held_of(table)?;
        let before = places(&held);
        let records = match self.clone().returning(table).all(session) {
            Ok(rows) => verb.load(table, &def, &rows, true),
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported { .. }) => {
                verb.records_of_keys(self, &self.keys(session)?)
            }
            Err(error) => Err(error),
        };
        verb.note_moves(&held, before)?;
        records
    }
}

impl Verb<'_> {
    /// The records of keys that an INSERT told.
    fn records_of_keys(&self, insert: &Insert, keys: &[Vec<Value>]) -> Result<Vec<Record>> {
        let table = insert.table();
        let def = table.def();
        let found = self.rows_of_keys(&*self.reading_of(table)?, (table, &def), keys, &None)?;
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            match Key::of_values(key).and_then(|key| found.get(&key)) {
                Some(Place { batch, row }) => {
                    self.records_of(batch, std::iter::once(*row), Met::Fresh, |record| records.push(record))?;
                }
                // The database has it in another form.
                None => records.push(self.get(table, key)?.ok_or_else(|| {
                    let name = def.display_name();
                    let message = format!("the row of `{name}` with the key {} is not there", key_text(key));
                    Error::new(ErrorKind::NotFound, message).with_table(name)
                })?),
            }
        }
        self.tell_transitions()?;
        Ok(records)
    }
}
