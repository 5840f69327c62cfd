//! After a statement: records move onto their new rows, and the change is written down.
//!
//! A change holds the old and the new row as they lie in their blocks; it is the entry for a
//! rollback too.

use std::collections::HashMap;
use std::sync::Arc;

use mirrorm_core::engine::Conn;
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::Block;
use mirrorm_core::schema::{ColumnId, Table, TableDef};
use mirrorm_core::stmt::select;
use mirrorm_core::types::Class;
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Batch, Place, key_of};
use crate::changes::{Change, Pair};
use crate::identity::Entries;
use crate::inner::Verb;
use crate::key::Key;
use crate::record::{Record, RecordState};
use crate::signal::Transition;

/// Keys looked up by one statement where each is a term of its own.
const CHUNK: usize = 100;

/// Whether a value that is stored comes back as it was given: of the column's own kind, and of one
/// that has one form only. Everything else is read back after it was written.
pub(super) fn reads_as_given(value: ValueRef<'_>, class: Class) -> bool {
    match (value, class) {
        (ValueRef::Null, _)
        | (ValueRef::Int(_), Class::Int)
        | (ValueRef::Text(_), Class::Text)
        | (ValueRef::Bytes(_), Class::Bytes)
        | (ValueRef::Bool(_), Class::Bool) => true,
        // A zero with a sign may lose it.
        (ValueRef::Float(x), Class::Float) => x != 0.0,
        (ValueRef::Rich(rich), class) => matches!(
            (rich, class),
            (Value::Date(_), Class::Date)
                | (Value::Time(_), Class::Time)
                | (Value::DateTime(_), Class::DateTime)
                | (Value::Uuid(_), Class::Uuid)
        ),
        _ => false,
    }
}

/// The columns that were sent, for rows that were inserted.
pub(super) type Sent = Option<Arc<[ColumnId]>>;

impl Verb<'_> {
    fn written(
        &self,
        def: &Arc<TableDef>,
        table: &Table,
        block: Arc<Block>,
        sent: &Sent,
    ) -> Result<Arc<Batch>> {
        let mut batch = Batch::new(table, def, block, self.weak(), self.core()?.epochs.current());
        batch.sent = sent.clone();
        Ok(Arc::new(batch))
    }

    /// Records whose rows were inserted as they lie in a block.
    pub(super) fn inserted(
        &self,
        records: &[Record],
        def: &Arc<TableDef>,
        block: Arc<Block>,
        sent: &Sent,
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let batch = self.written(def, table, block, sent)?;
        let places = (0..records.len() as u32).map(|row| Place { batch: batch.clone(), row });
        self.inserted_at(records, places)
    }

    /// Records whose rows were inserted.
    pub(super) fn inserted_at(
        &self,
        records: &[Record],
        places: impl IntoIterator<Item = Place>,
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let listening = !self.inner.db.signals().state_changed.is_empty();
        let mut core = self.core()?;
        core.wrote(table);
        let core = &mut *core;
        let entries = core.identity.of(table.id());
        entries.reserve(records.len());
        // The innermost level, without borrowing what lies beside it.
        let log = &mut core.nested.last_mut().unwrap_or(&mut core.base).log;
        log.reserve(records.len());
        for (record, place) in records.iter().zip(places) {
            enter(entries, record, &place)?;
            move_to(record, &place);
            if listening {
                let (from, to) = (Some(RecordState::Pending), RecordState::Persistent);
                core.transitions.push(Transition { record: record.clone(), from, to });
            }
            log.push(Change::row(Some(record.clone()), Pair::New(place)));
        }
        Ok(())
    }

    /// Records whose rows were updated, to rows as they lie in a block.
    pub(super) fn updated(
        &self,
        records: &[Record],
        old: &[Place],
        def: &Arc<TableDef>,
        block: Arc<Block>,
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let batch = self.written(def, table, block, &None)?;
        let places = (0..records.len() as u32).map(|row| Place { batch: batch.clone(), row });
        self.updated_at(records, old, places)
    }

    /// Records whose rows were updated.
    pub(super) fn updated_at(
        &self,
        records: &[Record],
        old: &[Place],
        new: impl IntoIterator<Item = Place>,
    ) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let mut core = self.core()?;
        core.wrote(table);
        let core = &mut *core;
        let entries = core.identity.of(table.id());
        let log = &mut core.nested.last_mut().unwrap_or(&mut core.base).log;
        log.reserve(records.len());
        for ((record, old), new) in records.iter().zip(old).zip(new) {
            let (before, after) = (old.key(), new.key());
            if before != after {
                before.iter().for_each(|key| entries.remove(key, record));
                enter(entries, record, &new)?;
            }
            move_to(record, &new);
            log.push(Change::row(Some(record.clone()), Pair::Both(old.clone(), new)));
        }
        Ok(())
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
    pub(super) fn rows_of_keys(
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
                let batch = self.written(def, table, block.clone(), sent)?;
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
        let rows = conn.get_row(table, def, key)?;
        match rows.blocks().next() {
            Some(block) if rows.len() == 1 => {
                Ok(Place { batch: self.written(def, table, block.clone(), sent)?, row: 0 })
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
    let one = |key: &Vec<Value>| {
        Expr::all(
            columns.iter().zip(key).map(|(column, value)| column.eq(value.clone())).collect::<Vec<Expr>>(),
        )
    };
    Expr::any(keys.iter().map(one).collect::<Vec<Expr>>())
}

fn integers(keys: &[Vec<Value>]) -> Option<Vec<i64>> {
    let one = |key: &Vec<Value>| match key.as_slice() {
        [Value::Int(n)] => Some(*n),
        _ => None,
    };
    keys.iter().map(one).collect()
}

/// Enters a record under its key.
fn enter(entries: &mut Entries, record: &Record, place: &Place) -> Result<()> {
    let Some(key) = place.key() else { return Ok(()) };
    match entries.insert(key.clone(), record) {
        Some(other) if other != *record => {
            let message = format!("{} is in the session already, as another record", other.describe());
            let _ = entries.insert(key, &other);
            Err(Error::new(ErrorKind::Invalid, message))
        }
        _ => Ok(()),
    }
}

/// Moves a record onto a row that holds everything that was set on it.
fn move_to(record: &Record, place: &Place) {
    let mut state = record.0.state.lock();
    (state.home, state.row) = (Some(place.batch.clone()), place.row);
    (state.status, state.touched, state.overlay) = (RecordState::Persistent, false, Vec::new());
}
