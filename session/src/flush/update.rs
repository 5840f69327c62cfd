//! Updating records: only what differs, runs of equal columns together, each row counted.

use std::sync::Arc;

use mirrorm_core::engine::Conn;
use mirrorm_core::rows::{BlockBuilder, RowBuffer};
use mirrorm_core::schema::{ColumnId, Table, TableDef};
use mirrorm_core::stmt::Operation;
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};

use super::finish::{NOTHING, reads_as_given};
use super::miscounted;
use crate::batch::{Place, key_of};
use crate::inner::Verb;
use crate::load::{no_key, vanished};
use crate::record::{Record, put};

impl Verb<'_> {
    pub(super) fn update(&self, conn: &Conn, table: &Table, records: &[Record]) -> Result<()> {
        let def = table.def();
        let mut changed: Vec<Record> = Vec::with_capacity(records.len());
        for record in records {
            self.copy_keys(record)?;
            if self.keep_changes(record)? {
                complete(record, &def);
                changed.push(record.clone());
            }
        }
        let shape = |record: &Record| {
            let state = record.0.state.lock();
            let full = state.home.as_ref().is_some_and(|home| home.full);
            (state.overlay.iter().map(|(id, _)| *id).collect::<Vec<ColumnId>>(), full)
        };
        let mut left = changed.as_slice();
        while let Some(first) = left.first() {
            let (columns, full) = shape(first);
            let same = |record: &&Record| {
                let state = record.0.state.lock();
                state.overlay.iter().map(|(id, _)| id).eq(&columns)
                    && state.home.as_ref().is_some_and(|home| home.full) == full
            };
            let count = left.iter().take_while(same).count();
            let (own, rest) = left.split_at(count.max(1));
            self.update_run(conn, (table, &def), own, &columns)?;
            left = rest;
        }
        Ok(())
    }

    /// Drops what was set to the value the row has, if that was read in this transaction; says
    /// whether anything is left.
    fn keep_changes(&self, record: &Record) -> Result<bool> {
        let core = self.core()?;
        let mut guard = record.0.state.lock();
        let state = &mut *guard;
        let holds = state.home.as_ref().is_some_and(|home| core.epochs.holds(home.epoch));
        if holds {
            let overlay = std::mem::take(&mut state.overlay);
            let differs = |(id, value): &(ColumnId, Value)| {
                let home = state.home.as_ref()?;
                let column = home.def.columns().find(|column| column.id() == *id)?;
                let stored = state.stored(*id, column.key())?;
                Some(stored != value.as_ref() && stored.to_value() != *value)
            };
            let kept: Vec<(ColumnId, Value)> =
                overlay.iter().filter(|entry| differs(entry).unwrap_or(true)).cloned().collect();
            state.overlay = if kept.len() == overlay.len() { overlay } else { kept };
        }
        if state.overlay.is_empty() {
            state.touched = false;
        }
        Ok(!state.overlay.is_empty())
    }

    fn update_run(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        records: &[Record],
        columns: &[ColumnId],
    ) -> Result<()> {
        let key = key_of(def);
        if key.is_empty() {
            return Err(no_key(def));
        }
        let set = columns.iter().map(|id| position(def, *id)).collect::<Result<Vec<usize>>>()?;
        let mut places: Vec<Place> = Vec::with_capacity(records.len());
        let mut values = RowBuffer::with_capacity(records.len() * (set.len() + key.len()));
        for record in records {
            let state = record.0.state.lock();
            let Some(place) = state.place() else { continue };
            state.overlay.iter().for_each(|(_, value)| values.push(value));
            for at in key {
                // The key as the database has it: it may be among what is set.
                values.push(place.value(*at).unwrap_or(ValueRef::Null));
            }
            drop(state);
            places.push(place);
        }
        let matched = conn.update_rows(def, (&set, key), &values, records.len())?;
        if matched != records.len() as u64 {
            return Err(self.find_vanished(conn, table, records, matched));
        }
        match is_known(def, &set, &places, &values) {
            true => self.updated_known(conn, (table, def), records, (&set, &places, &values)),
            false => {
                let keys =
                    places.iter().enumerate().map(|(row, place)| new_key(place, key, &set, &values, row));
                let new = self.read_back(conn, table, def, &keys.collect::<Vec<_>>(), &NOTHING.into())?;
                self.updated_at(records, places, new)
            }
        }
    }

    /// The new rows are the old ones with what was set.
    fn updated_known(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        records: &[Record],
        (set, places, values): (&[usize], &[Place], &RowBuffer),
    ) -> Result<()> {
        let columns = conn.columns_of(table, def)?;
        let offsets: Vec<Option<usize>> =
            (0..columns.len()).map(|at| set.iter().position(|p| *p == at)).collect();
        let width = set.len() + key_of(def).len();
        let mut builder = BlockBuilder::new(columns.clone(), records.len());
        let (mut left, mut old) = (records, places);
        for (row, place) in places.iter().enumerate() {
            for (at, offset) in offsets.iter().enumerate() {
                match offset {
                    Some(offset) => builder.push_ref(values.get(row * width + offset)),
                    None => builder.push_ref(place.value(at).unwrap_or(ValueRef::Null)),
                }
            }
            if builder.end_row() || row + 1 == places.len() {
                let next = BlockBuilder::new(columns.clone(), records.len() - row);
                let block = Arc::new(std::mem::replace(&mut builder, next).close_raw());
                let (own, rest) = left.split_at(block.len().min(left.len()));
                let (own_old, rest_old) = old.split_at(block.len().min(old.len()));
                self.updated(own, own_old, def, block)?;
                (left, old) = (rest, rest_old);
            }
        }
        Ok(())
    }

    /// Fewer rows matched than there are records: names the one that is not there.
    pub(super) fn find_vanished(
        &self,
        conn: &Conn,
        table: &Table,
        records: &[Record],
        matched: u64,
    ) -> Error {
        for record in records {
            let Some(key) = record.key() else { continue };
            match conn.get_row(table, &table.def(), &key) {
                Ok(rows) if rows.is_empty() => return vanished(record),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
        miscounted(table, Operation::Update, records.len() as u64, matched)
    }
}

/// Fills in what the program supplies on update, and sorts the values by column.
fn complete(record: &Record, def: &TableDef) {
    for column in def.columns() {
        let Some(on_update) = column.client_on_update() else { continue };
        let given = record.0.state.lock().overlay.iter().any(|(id, _)| *id == column.id());
        if !given {
            let value = on_update.produce();
            put(&mut record.0.state.lock().overlay, column.id(), value);
        }
    }
    record.0.state.lock().overlay.sort_by_key(|(id, _)| *id);
}

fn position(def: &TableDef, id: ColumnId) -> Result<usize> {
    def.columns().position(|column| column.id() == id).ok_or_else(|| {
        let message = format!("`{}` lost a column that a record sets", def.display_name());
        Error::new(ErrorKind::Stale, message)
    })
}

/// Whether every cell of the new rows is known without asking.
fn is_known(def: &Arc<TableDef>, set: &[usize], places: &[Place], values: &RowBuffer) -> bool {
    let width = set.len() + key_of(def).len();
    let same = |place: &Place| place.batch.full && Arc::ptr_eq(&place.batch.def, def);
    let as_given = |(offset, at): (usize, &usize)| {
        let class = def.column_at(*at).map(|column| column.ty().class());
        let mut rows = 0..places.len();
        class.is_some_and(|class| rows.all(|row| reads_as_given(values.get(row * width + offset), class)))
    };
    def.columns().all(|column| column.computed().is_none())
        && places.iter().all(same)
        && set.iter().enumerate().all(as_given)
}

/// The key of a row after the update.
fn new_key(place: &Place, key: &[usize], set: &[usize], values: &RowBuffer, row: usize) -> Vec<Value> {
    let width = set.len() + key.len();
    let value = |at: &usize| match set.iter().position(|p| p == at) {
        Some(offset) => values.get(row * width + offset).to_value(),
        None => place.value(*at).unwrap_or(ValueRef::Null).to_value(),
    };
    key.iter().map(value).collect()
}
