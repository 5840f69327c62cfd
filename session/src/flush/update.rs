//! Updating records: only what differs, runs of equal columns together, each row counted.

use std::sync::Arc;

use mirrorm_core::compile::Target;
use mirrorm_core::engine::Conn;
use mirrorm_core::rows::{BlockBuilder, RowBuffer};
use mirrorm_core::schema::{ClientDefault, ColumnDef, ColumnId, Table, TableDef};
use mirrorm_core::stmt::Operation;
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, Result};

use super::finish::Given;
use super::version::{count_version, forget_version, is_changed, named};
use super::{complete, miscounted, positions};
use crate::batch::{Place, key_of};
use crate::inner::{Epochs, Verb};
use crate::key::Key;
use crate::load::{key_cell, no_key, vanished};
use crate::log::Part;
use crate::record::{Home, Record, RecordState, State};

impl Verb<'_> {
    pub(super) fn update(&self, conn: &Conn, table: &Table, records: &[Record]) -> Result<()> {
        let def = table.def();
        let on_update: Vec<(ColumnId, &ClientDefault)> =
            def.columns().filter_map(|column| Some((column.id(), column.client_on_update()?))).collect();
        let epochs = self.core()?.epochs.clone();
        let is_versioned = def.row_version().is_some();
        let mut run = Run::new(table, &def);
        for (at, record) in records.iter().enumerate() {
            let mut state = record.0.state.lock();
            if state.status != RecordState::Persistent {
                // Another thread let it go.
                continue;
            }
            if state.links.is_some() {
                drop(state);
                self.copy_keys(record)?;
                state = record.0.state.lock();
            }
            if is_in_doubt(&state, &epochs) {
                drop(state);
                let rest = records.get(at..).unwrap_or(&[]).iter();
                let in_doubt = rest.filter(|record| is_in_doubt(&record.0.state.lock(), &epochs));
                if let Some(gone) = self.read_again(conn, (table, &def), in_doubt, |_| true)? {
                    return Err(vanished(gone));
                }
                state = record.0.state.lock();
            }
            if is_versioned {
                forget_version(&mut state, &def);
            }
            keep_changes(&mut state, &epochs);
            if state.has_exprs() {
                drop(state);
                self.update_run(conn, std::mem::replace(&mut run, Run::new(table, &def)))?;
                self.update_by_expressions(conn, (table, &def), record)?;
                continue;
            }
            if state.overlay.is_empty() {
                let again = state.settle();
                drop(state);
                if again {
                    self.inner.touched.push(record.clone());
                }
                continue;
            }
            if is_versioned {
                count_version(&mut state, &def)?;
            }
            if !on_update.is_empty() {
                drop(state);
                complete(record, &on_update);
                state = record.0.state.lock();
            }
            state.overlay.sort();
            if !run.takes(&state, &epochs) {
                drop(state);
                self.update_run(conn, std::mem::replace(&mut run, Run::new(table, &def)))?;
                state = record.0.state.lock();
            }
            run.push(record, &state, &epochs)?;
            state.sent = true;
        }
        self.update_run(conn, run)
    }

    /// Reads the rows of records again; what was set stays. Gives the first that has no row. One that was changed, and
    /// whose row has another version, is an error where it matters, and left as it is otherwise.
    pub(crate) fn read_again<'r>(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        records: impl Iterator<Item = &'r Record>,
        matters: impl Fn(&Record) -> bool,
    ) -> Result<Option<&'r Record>> {
        let (records, keys): (Vec<&Record>, Vec<Vec<Value>>) =
            records.filter_map(|record| Some((record, record.key()?))).unzip();
        let found = self.rows_of_keys(conn, (table, def), &keys, &None)?;
        let mut gone = None;
        for (record, key) in records.into_iter().zip(keys) {
            let Some(place) = Key::of_values(&key).and_then(|key| found.get(&key)) else {
                gone = gone.or(Some(record));
                continue;
            };
            let mut state = record.0.state.lock();
            // Who only looks is given what is there now.
            let seen = state.place().filter(|_| state.changes_row());
            if let Some(changed) = seen.and_then(|seen| is_changed(def, &seen, place)) {
                drop(state);
                if !matters(record) {
                    continue;
                }
                return Err(changed.of(record));
            }
            (state.home, state.row) = (Home::In(place.batch.clone()), place.row);
        }
        Ok(gone)
    }

    fn update_run(&self, conn: &Conn, run: Run<'_>) -> Result<()> {
        let (table, def, records) = (run.table, run.def, &run.records);
        if records.is_empty() {
            return Ok(());
        }
        let set = positions(def, &run.columns)?;
        let matched = conn.update_rows(def, (&set, &run.named), &run.values, records.len())?;
        if matched != records.len() as u64 {
            return Err(self.find_stale(conn, &run, &set, matched));
        }
        match run.is_known(&set, conn.target()) {
            true => self.updated_known(conn, run, &set),
            false => {
                let new_key = |(row, place)| run.new_key(place, &set, row);
                let keys: Vec<Vec<Value>> = run.places.iter().enumerate().map(new_key).collect();
                let new = self.read_back(conn, table, def, &keys, &None)?;
                self.updated_at((records, &run.places), new, run.given())
            }
        }
    }

    /// The new rows are the old ones with what was set.
    fn updated_known(&self, conn: &Conn, mut run: Run<'_>, set: &[usize]) -> Result<()> {
        let def = run.def;
        let places: Part<Place> = std::mem::take(&mut run.places).into();
        let records: Part<Record> = std::mem::take(&mut run.records).into();
        let columns = conn.columns_of(run.table, def)?;
        let offsets: Vec<Option<usize>> =
            (0..columns.len()).map(|at| set.iter().position(|p| *p == at)).collect();
        let width = run.given().width;
        let mut builder = BlockBuilder::new(columns.clone(), places.len());
        let mut start = 0;
        for (row, place) in places.iter().enumerate() {
            for (at, offset) in offsets.iter().enumerate() {
                match offset {
                    Some(offset) => builder.push_ref(run.values.get(row * width + offset)),
                    None => builder.push_ref(place.value(at).unwrap_or(ValueRef::Null)),
                }
            }
            if builder.end_row() || row + 1 == places.len() {
                let next = BlockBuilder::new(columns.clone(), places.len() - row);
                let block = Arc::new(std::mem::replace(&mut builder, next).close_raw());
                let rows = (&records.part(start..row + 1), places.part(start..row + 1));
                self.updated(rows, (def, block), (run.given().from(start), run.is_current))?;
                start = row + 1;
            }
        }
        Ok(())
    }

    /// Fewer rows matched than there are records: names the one that is not there, or was changed.
    fn find_stale(&self, conn: &Conn, run: &Run<'_>, set: &[usize], matched: u64) -> Error {
        // Those that were updated are what was set; one that was not may be so by chance, and looks it.
        let as_sent = |row: usize, found: &Place| {
            let sent = |(offset, at): (usize, &usize)| {
                let sent = run.values.get(row * run.given().width + offset);
                found.value(*at).is_some_and(|value| value.is_identical(sent))
            };
            set.iter().enumerate().all(sent)
        };
        let others = |row: usize, found: &Place| !as_sent(row, found);
        match self.find_changed_where(conn, (run.table, run.def), run.records.iter(), &run.places, others) {
            Ok(Some(error)) | Err(error) => error,
            Ok(None) => self.find_vanished(conn, run.table, &run.records, matched),
        }
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
            match conn.get_row(table, &table.def(), &key, drop) {
                Ok(None) => return vanished(record),
                Ok(Some(_)) => {}
                Err(error) => return error,
            }
        }
        miscounted(table, Operation::Update, records.len() as u64, matched)
    }
}

/// Records of one table that set the same columns: their values, each followed by its key.
struct Run<'r> {
    table: &'r Table,
    def: &'r Arc<TableDef>,
    records: Vec<Record>,
    columns: Vec<ColumnId>,
    /// The columns that name a row: its key, and its version.
    named: Vec<usize>,
    /// Whether the old rows were read in the running transaction.
    is_current: bool,
    places: Vec<Place>,
    values: RowBuffer,
}

impl<'r> Run<'r> {
    fn new(table: &'r Table, def: &'r Arc<TableDef>) -> Run<'r> {
        let (records, columns, places) = (Vec::new(), Vec::new(), Vec::new());
        let (is_current, values) = (true, RowBuffer::default());
        Run { table, def, records, columns, named: named(def), is_current, places, values }
    }

    fn given(&self) -> Given<'_> {
        let width = self.columns.len() + self.named.len();
        Given { columns: &self.columns, values: &self.values, width, start: 0 }
    }

    fn takes(&self, state: &State, epochs: &Epochs) -> bool {
        let Some(home) = state.home.batch() else { return false };
        self.records.is_empty()
            || (state.overlay.columns().eq(self.columns.iter().copied())
                && epochs.holds(home.epoch) == self.is_current)
    }

    fn push(&mut self, record: &Record, state: &State, epochs: &Epochs) -> Result<()> {
        if key_of(self.def).is_empty() {
            return Err(no_key(self.def));
        }
        let Some(place) = state.place() else { return Ok(()) };
        if self.records.is_empty() {
            self.columns = state.overlay.columns().collect();
            self.is_current = epochs.holds(place.batch.epoch);
        }
        state.overlay.iter().for_each(|(_, value)| self.values.push(value));
        for at in &self.named {
            // The key as the database has it: it may be among what is set.
            self.values.push(key_cell(&place, *at)?);
        }
        self.records.push(record.clone());
        self.places.push(place);
        Ok(())
    }

    /// Whether every cell of the new rows is known without asking.
    fn is_known(&self, set: &[usize], target: &Target) -> bool {
        let width = set.len() + self.named.len();
        let same = |place: &Place| place.batch.full && Arc::ptr_eq(&place.batch.def, self.def);
        let as_given = |(offset, at): (usize, &usize)| {
            let known = |row: usize, column: &ColumnDef| {
                target.keeps(self.values.get(row * width + offset), column.ty())
            };
            self.def.column_at(*at).is_some_and(|column| (0..self.places.len()).all(|row| known(row, column)))
        };
        !self.def.columns().any(ColumnDef::is_made_by_server)
            && self.places.iter().all(same)
            && set.iter().enumerate().all(as_given)
    }

    /// The key of a row after the update.
    fn new_key(&self, place: &Place, set: &[usize], row: usize) -> Vec<Value> {
        let width = set.len() + self.named.len();
        let value = |at: &usize| match set.iter().position(|p| p == at) {
            Some(offset) => self.values.get(row * width + offset).to_value(),
            None => place.value(*at).unwrap_or(ValueRef::Null).to_value(),
        };
        key_of(self.def).iter().map(value).collect()
    }
}

/// Whether only the database knows what the changes are: a value was set that is equal to one of an
/// old transaction, or the old values were let go.
fn is_in_doubt(state: &State, epochs: &Epochs) -> bool {
    let Some(home) = state.home.batch() else { return false };
    if !home.full
        && state.status == RecordState::Persistent
        && (!state.overlay.is_empty() || state.has_exprs())
    {
        // A change is told with the whole row that was there before.
        return true;
    }
    if epochs.holds(home.epoch) {
        return false;
    }
    state.overlay.iter().any(|set| state.is_stored(&home.def, set))
}

/// Drops what was set to the value the row has, if that was read in this transaction.
fn keep_changes(state: &mut State, epochs: &Epochs) {
    let row = state.row;
    let Some(home) = state.home.batch().filter(|home| epochs.holds(home.epoch)) else { return };
    state.overlay.retain(|id, value| {
        let place = home.def.place_of(id);
        let stored = place.and_then(|(position, _)| home.value(row, position));
        stored.is_none_or(|stored| !stored.is_identical(value.as_ref()))
    });
}
