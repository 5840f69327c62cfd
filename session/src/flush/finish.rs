//! After a statement: records move onto their new rows, and the change is written down.
//!
//! A change holds the old and the new row as they lie in their blocks; it is the entry for a
//! rollback too.

use std::cell::RefMut;
use std::collections::HashMap;
use std::sync::Arc;

use mirrorm_core::engine::Conn;
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::{Block, RowBuffer};
use mirrorm_core::schema::{ColumnId, Table, TableDef};
use mirrorm_core::stmt::select;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Batch, Place, Stored, key_of};
use crate::changes::{Change, Pair};
use crate::inner::{Core, Verb};
use crate::key::{Key, all_equal};
use crate::log::{Part, Run};
use crate::overlay::Overlay;
use crate::record::{Fate, Home, Record, RecordState};
use crate::signal::Transition;

/// Keys looked up by one statement where each is a term of its own.
const CHUNK: usize = 100;

/// The values that a statement was given, row by row: some columns, and perhaps the key after them.
#[derive(Clone, Copy)]
pub(super) struct Given<'g> {
    pub(super) columns: &'g [ColumnId],
    pub(super) values: &'g RowBuffer,
    pub(super) width: usize,
    /// The first of the rows that are meant.
    pub(super) start: usize,
}

impl<'g> Given<'g> {
    pub(super) fn from(self, rows: usize) -> Given<'g> {
        Given { start: self.start + rows, ..self }
    }

    /// Takes what was sent of a row off its record; what was set meanwhile, by a function or by
    /// another thread, stays for the next flush.
    fn take_off(&self, row: usize, overlay: &mut Overlay) {
        let sent = |at: usize| self.values.get((self.start + row) * self.width + at);
        let is_sent = |at: usize, value: &Value| sent(at).is_identical(value.as_ref());
        overlay.retain(|id, value| match self.columns.iter().position(|column| *column == id) {
            Some(at) => !is_sent(at, value),
            None => true,
        });
    }
}

/// The columns that were sent, for rows that were inserted.
pub(super) type Sent = Option<Arc<[ColumnId]>>;

impl Verb<'_> {
    fn written(
        &self,
        def: &Arc<TableDef>,
        table: &Table,
        block: impl Into<Stored>,
        sent: &Sent,
    ) -> Result<Batch> {
        let mut batch = self.batch(table, def, block)?;
        batch.sent = sent.clone();
        Ok(batch)
    }

    /// Records whose rows were inserted as they lie in a block.
    pub(super) fn inserted(
        &self,
        records: &Part<Record>,
        def: &Arc<TableDef>,
        block: Arc<Block>,
        (sent, given): (&Sent, Given<'_>),
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let new = Arc::new(self.written(def, &table, block, sent)?);
        let mut books = self.books(&table, records.len())?;
        for (row, record) in records.iter().enumerate() {
            books.inserted(record, Place { batch: new.clone(), row: row as u32 }, row, given);
        }
        let run = Run { records: records.clone(), old: None, new, bind: books.bind.clone() };
        books.core.level().log.push_run(run);
        books.close();
        Ok(())
    }

    /// Records whose rows were inserted, and read back one by one.
    pub(super) fn inserted_at(&self, records: &[Record], places: Vec<Place>, given: Given<'_>) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let mut books = self.books(&table, records.len())?;
        for (row, (record, place)) in records.iter().zip(places).enumerate() {
            books.inserted(record, place.clone(), row, given);
            let change = Change::row(books.bind.clone(), Some(record.clone()), Pair::New(place));
            books.core.level().log.push(change);
        }
        books.close();
        Ok(())
    }

    /// Records whose rows were updated, to rows as they lie in a block. Columns that were not sent
    /// may be of an old transaction.
    pub(super) fn updated(
        &self,
        (records, old): (&Part<Record>, Part<Place>),
        (def, block): (&Arc<TableDef>, Arc<Block>),
        (given, is_current): (Given<'_>, bool),
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let mut batch = self.written(def, &table, block, &None)?;
        if !is_current {
            batch.epoch = 0;
        }
        let new = Arc::new(batch);
        let mut books = self.books(&table, records.len())?;
        for (row, (record, old)) in records.iter().zip(&*old).enumerate() {
            books.updated(record, old, Place { batch: new.clone(), row: row as u32 }, row, given);
        }
        let run = Run { records: records.clone(), old: Some(old), new, bind: books.bind.clone() };
        books.core.level().log.push_run(run);
        books.close();
        Ok(())
    }

    /// Records whose rows were updated, and read back one by one.
    pub(super) fn updated_at(
        &self,
        (records, old): (&[Record], &[Place]),
        new: Vec<Place>,
        given: Given<'_>,
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let mut books = self.books(&table, records.len())?;
        for (row, ((record, old), new)) in records.iter().zip(old).zip(new).enumerate() {
            books.updated(record, old, new.clone(), row, given);
            let change = Change::row(books.bind.clone(), Some(record.clone()), Pair::Both(old.clone(), new));
            books.core.level().log.push(change);
        }
        books.close();
        Ok(())
    }

    fn books<'b>(&'b self, table: &'b Table, records: usize) -> Result<Books<'b>> {
        let bind = self.bind_of(table)?;
        let mut core = self.core()?;
        core.wrote(table.id());
        core.identity.of(table.id()).reserve(records);
        let listening = !self.inner.db.signals().state_changed.is_empty();
        Ok(Books { verb: self, table, bind, core, listening, again: Vec::new() })
    }

    /// Reads rows that were just written, where the database knows more of them than the program.
    pub(super) fn read_back(
        &self,
        conn: &Conn,
        table: &Table,
        def: &Arc<TableDef>,
        keys: &[Vec<Value>],
        sent: &Sent,
    ) -> Result<Vec<Place>> {
        let found = self.rows_of_keys(conn, (table, def), keys, sent)?;
        let place = |key: &Vec<Value>| match Key::of_values(key).and_then(|key| found.get(&key)) {
            Some(place) => Ok(place.clone()),
            None => self.read_one_back(conn, table, def, key, sent),
        };
        keys.iter().map(place).collect()
    }

    /// The rows of these keys, as far as there are any.
    pub(crate) fn rows_of_keys(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        keys: &[Vec<Value>],
        sent: &Sent,
    ) -> Result<HashMap<Key, Place>> {
        let columns: Vec<Expr> =
            key_of(def).iter().filter_map(|at| def.column_at(*at)).map(|c| table.c(c.key())).collect();
        let mut found: HashMap<Key, Place> = HashMap::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            let rows = select(table).filter(any_of(&columns, chunk)).all(conn)?;
            for block in rows.blocks() {
                let batch = Arc::new(self.written(def, table, block.clone(), sent)?);
                for row in 0..block.len() as u32 {
                    let place = Place { batch: batch.clone(), row };
                    if let Some(key) = place.key() {
                        found.insert(key, place);
                    }
                }
            }
        }
        Ok(found)
    }

    /// A row whose key the database gives in another form than it was given.
    fn read_one_back(
        &self,
        conn: &Conn,
        table: &Table,
        def: &Arc<TableDef>,
        key: &[Value],
        sent: &Sent,
    ) -> Result<Place> {
        match conn.get_row(table, def, key, |block| block)? {
            Some(block) if block.len() == 1 => {
                Ok(Place { batch: Arc::new(self.written(def, table, block, sent)?), row: 0 })
            }
            _ => {
                let name = def.display_name();
                let key = crate::record::key_text(key);
                let message = format!(
                    "the row {key} of `{name}` is not there after it was written: a trigger changed it"
                );
                Err(Error::new(ErrorKind::Stale, message).with_table(name))
            }
        }
    }
}

/// Any of these keys.
fn any_of(columns: &[Expr], keys: &[Vec<Value>]) -> Expr {
    if let ([column], Some(ints)) = (columns, integers(keys)) {
        return column.in_integers(ints);
    }
    let one = |key: &Vec<Value>| all_equal(columns.iter().cloned(), key.iter().cloned());
    Expr::any(keys.iter().map(one).collect::<Vec<Expr>>())
}

fn integers(keys: &[Vec<Value>]) -> Option<Vec<i64>> {
    let one = |key: &Vec<Value>| match key.as_slice() {
        [Value::Int(n)] => Some(*n),
        _ => None,
    };
    keys.iter().map(one).collect()
}

/// The books of a session while records of one table move onto new rows.
struct Books<'b> {
    verb: &'b Verb<'b>,
    table: &'b Table,
    bind: Option<Arc<str>>,
    core: RefMut<'b, Core>,
    listening: bool,
    /// Records that were set meanwhile.
    again: Vec<Record>,
}

impl Books<'_> {
    /// Enters a record under its key. Whoever stood there held a row that is not there any more, or
    /// the database would not have taken the key.
    fn enter(&mut self, record: &Record, place: &Place) {
        let Some(key) = place.key() else { return };
        if let Some(other) =
            self.core.identity.of(self.table.id()).insert(key, record).filter(|o| o != record)
        {
            let mut state = other.0.state.lock();
            (state.status, state.fate) = (RecordState::Detached, Fate::Gone);
            drop(state);
            self.core.level().evicted.push(other.clone());
            self.note(&other, RecordState::Persistent, RecordState::Detached);
        }
    }

    /// Enters a record under its new key, if that is another.
    fn re_enter(&mut self, record: &Record, old: &Place, new: &Place) {
        let (before, after) = (old.key(), new.key());
        if before != after {
            before.iter().for_each(|key| self.core.identity.of(self.table.id()).remove(key, record));
            self.enter(record, new);
        }
    }

    fn note(&mut self, record: &Record, from: RecordState, to: RecordState) {
        if self.listening {
            self.core.transitions.push(Transition { record: record.clone(), from: Some(from), to });
        }
    }

    fn inserted(&mut self, record: &Record, place: Place, row: usize, given: Given<'_>) {
        self.enter(record, &place);
        self.note(record, RecordState::Pending, RecordState::Persistent);
        self.move_to(record, place, row, given);
    }

    fn updated(&mut self, record: &Record, old: &Place, new: Place, row: usize, given: Given<'_>) {
        self.re_enter(record, old, &new);
        self.move_to(record, new, row, given);
    }

    /// Moves a record onto its new row.
    fn move_to(&mut self, record: &Record, place: Place, row: usize, given: Given<'_>) {
        let mut state = record.0.state.lock();
        (state.home, state.row) = (Home::In(place.batch), place.row);
        state.status = RecordState::Persistent;
        if state.fate == Fate::Gone {
            state.fate = Fate::Stays;
        }
        match state.sent {
            true => state.overlay = Overlay::default(),
            false => given.take_off(row, &mut state.overlay),
        }
        if state.settle() {
            drop(state);
            self.again.push(record.clone());
        }
    }

    fn close(self) {
        if !self.again.is_empty() {
            self.verb.inner.touched.extend(self.again);
        }
    }
}
