//! Rows into records: through the identity map, so that a row is one record in a session.

use std::sync::Arc;

use mirrorm_core::rows::{Block, Rows};
use mirrorm_core::schema::{Table, TableDef};
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Batch, Place, key_of};
use crate::flush::is_changed;
use crate::inner::{Core, Epochs, Verb};
use crate::key::Key;
use crate::record::{Home, NO_ROW, Record, RecordState, key_text};
use crate::signal::Transition;

impl Verb<'_> {
    /// Records of rows that were just read.
    pub(crate) fn load(
        &self,
        table: &Table,
        def: &Arc<TableDef>,
        rows: &Rows,
        lazy: bool,
    ) -> Result<Vec<Record>> {
        let mut out = Vec::with_capacity(rows.len());
        self.core()?.identity.of(table.id()).reserve(rows.len());
        for block in rows.blocks() {
            let mut batch = self.batch(table, def, block.clone())?;
            batch.lazy = lazy.into();
            let rows = 0..block.len() as u32;
            self.records_of(&Arc::new(batch), rows, Met::Fresh, |record| out.push(record))?;
        }
        self.tell_transitions()?;
        Ok(out)
    }

    /// Records of rows of a batch.
    pub(crate) fn records_of(
        &self,
        batch: &Arc<Batch>,
        rows: impl ExactSizeIterator<Item = u32>,
        met: Met,
        mut take: impl FnMut(Record),
    ) -> Result<()> {
        let listening = !self.inner.db.signals().state_changed.is_empty();
        let mut core = self.core()?;
        let Core { identity, epochs, transitions, .. } = &mut *core;
        let entries = identity.of(batch.table.id());
        let positions = key_of(&batch.def);
        entries.reserve(rows.len());
        for row in rows {
            let make = || Record::loaded(batch.clone(), row);
            let (record, known) = match batch.key(row, positions) {
                Some(key) => entries.get_or_insert(key, make),
                None => (make(), false),
            };
            if known {
                meet(&record, batch, row, epochs, met);
                take(record);
                continue;
            }
            if listening {
                transitions.push(Transition {
                    record: record.clone(),
                    from: None,
                    to: RecordState::Persistent,
                });
            }
            take(record);
        }
        Ok(())
    }

    /// The record of a key, from the identity map if its values are of the running transaction.
    pub(crate) fn get(&self, table: &Table, key: &[Value]) -> Result<Option<Record>> {
        let at = self.place_to_read(table)?;
        self.notice_others(at)?;
        if let Some(known) = Key::of_values(key).and_then(|key| self.known(table, &key)) {
            return Ok(Some(known));
        }
        self.autoflush()?;
        let def = table.lend();
        let (source, epoch) = self.source_now(table, &def)?;
        let conditions = self.restrictions(table);
        let found = if conditions.is_empty() {
            self.read_key(at, (table, &def), key, |block: Block| Arc::new(Batch::new(source, block, epoch)))?
        } else {
            let block = self.read_restricted((table, &def), key, conditions)?;
            block.map(|block| Arc::new(Batch::new(source, block, epoch)))
        };
        let Some(batch) = found else { return Ok(None) };
        if batch.block.len() > 1 {
            let name = def.display_name();
            let message = format!("several rows of `{name}` have the key {}", key_text(key));
            return Err(Error::new(ErrorKind::MultipleFound, message));
        }
        self.record_of(batch).map(Some)
    }

    /// The record of the one row of a batch that was just read: [`Verb::records_of`] of a batch that
    /// no other record shares.
    fn record_of(&self, batch: Arc<Batch>) -> Result<Record> {
        let mut core = self.core()?;
        let Core { identity, epochs, .. } = &mut *core;
        let entries = identity.of(batch.table.id());
        entries.reserve(1);
        let mut slot = batch.key(0, key_of(&batch.def)).and_then(|key| entries.slot(key));
        if let Some(known) = slot.as_ref().and_then(|slot| slot.upgrade()).map(Record) {
            meet(&known, &batch, 0, epochs, Met::Fresh);
            return Ok(known);
        }
        let record = Record::loaded(batch, 0);
        slot.iter_mut().for_each(|slot| **slot = record.downgrade());
        self.note(&mut core, &record, None, RecordState::Persistent);
        drop(core);
        self.tell_transitions()?;
        Ok(record)
    }

    /// The record of a key, if it is known and its values were read in the running transaction.
    fn known(&self, table: &Table, key: &Key) -> Option<Record> {
        let core = self.core().ok()?;
        let record = core.identity.get(table.id(), key)?;
        let state = record.0.state.lock();
        let holds = |batch: &Arc<Batch>| batch.full && core.epochs.holds(batch.epoch);
        let holds = !state.is_doomed() && state.home.batch().is_some_and(holds);
        drop(state);
        holds.then_some(record)
    }

    /// The key of a record that is a row of this session.
    pub(crate) fn key_of_row(&self, record: &Record) -> Result<Vec<Value>> {
        self.own(record)?;
        let place = record.0.state.lock().place();
        match place {
            Some(place) if key_of(&place.batch.def).is_empty() => Err(no_key(&place.batch.def)),
            Some(_) => record.key().ok_or_else(|| not_a_row(record)),
            None => Err(not_a_row(record)),
        }
    }

    /// Refuses records of other sessions.
    pub(crate) fn own(&self, record: &Record) -> Result<()> {
        let state = record.0.state.lock();
        let (status, session) = (state.status, state.session());
        drop(state);
        match session {
            Some(session) if Arc::ptr_eq(&session, self.inner) => Ok(()),
            Some(_) => {
                let message = format!("{} belongs to another session", record.describe());
                Err(Error::new(ErrorKind::Invalid, message))
            }
            None if status == RecordState::Transient => Err(not_a_row(record)),
            None => {
                Err(Error::new(ErrorKind::Detached, format!("{} belongs to no session", record.describe())))
            }
        }
    }
}

/// What rows are to records of them that are there already.
#[derive(Clone, Copy)]
pub(crate) enum Met {
    /// They were kept: news for records of an older transaction only.
    Kept,
    /// They were just read: news where they differ.
    Fresh,
    /// They were just read, and something hangs on them that the records are to lead to.
    Home,
}

/// A row that was read, and the record it has already. What was set and not flushed stays; the rest
/// is what was read now.
fn meet(record: &Record, batch: &Arc<Batch>, row: u32, epochs: &Epochs, met: Met) {
    let mut state = record.0.state.lock();
    if state.status != RecordState::Persistent || state.row == NO_ROW {
        return;
    }
    let Some(home) = state.home.batch() else { return };
    let holds = epochs.holds(home.epoch);
    let newer = match met {
        Met::Home => true,
        Met::Fresh => !holds || !same_values(home, state.row, batch, row),
        Met::Kept => !holds && epochs.holds(batch.epoch),
    };
    if !newer {
        return;
    }
    let (old, new) = (Place { batch: home.clone(), row: state.row }, Place { batch: batch.clone(), row });
    let is_other = is_changed(&batch.def, &old, &new).is_some();
    if is_other && state.changes_row() {
        // What is to be written is of the version that was read: the flush tells that there is another.
        return;
    }
    // Some columns tell nothing of the others, which are of this transaction, but for another version of the row.
    let new = if holds && !batch.full && !is_other { Batch::merged(&old, &new) } else { new };
    (state.home, state.row) = (Home::In(new.batch), new.row);
}

/// Whether a row tells nothing else than another one; of some columns, than those of it.
fn same_values(old: &Arc<Batch>, old_row: u32, new: &Arc<Batch>, row: u32) -> bool {
    if Arc::ptr_eq(old, new) && old_row == row {
        return true;
    }
    if !Arc::ptr_eq(&old.def, &new.def) {
        return false;
    }
    (0..new.def.columns().len()).all(|at| match (old.value(old_row, at), new.value(row, at)) {
        (Some(x), Some(y)) => x.is_identical(y),
        (_, None) => true,
        (None, Some(_)) => false,
    })
}

fn not_a_row(record: &Record) -> Error {
    let message = format!("{} is not a row of the database: add it and flush first", record.describe());
    Error::new(ErrorKind::Invalid, message)
}

pub(crate) fn no_key(def: &TableDef) -> Error {
    let table = def.display_name();
    let message = format!(
        "`{table}` has no primary key, so its rows cannot be told apart; name one, by `primary_key` and \
         `extend_existing`, or use `update` and `delete`"
    );
    Error::new(ErrorKind::Invalid, message).with_table(table)
}

/// A cell of the key of a row, which has to name it.
///
/// # Errors
/// `Invalid` for NULL, which a database may allow in a key and never finds again.
pub(crate) fn key_cell(place: &Place, at: usize) -> Result<ValueRef<'_>> {
    match place.value(at) {
        Some(value) if !value.is_null() => Ok(value),
        _ => {
            let table = place.batch.def.display_name();
            let message = format!("a row of `{table}` has NULL in its key, which names no row");
            Err(Error::new(ErrorKind::Invalid, message).with_table(table))
        }
    }
}

/// The error of a row that is not there any more.
pub(crate) fn vanished(record: &Record) -> Error {
    let message =
        format!("{} is not there any more: somebody deleted it or changed its key", record.describe());
    Error::new(ErrorKind::Stale, message).with_table(record.table().def().display_name())
}
