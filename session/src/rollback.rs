//! Rolling back: the database, and the records that were changed in what is rolled back.

use std::collections::HashSet;
use std::sync::Arc;

use mirrorm_core::schema::{ColumnId, Table, TableId};
use mirrorm_core::stmt::Operation;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, Left, Result};

use crate::batch::Place;
use crate::changes::{Body, Change, Changes, Pair};
use crate::inner::{Core, Failed, LevelState, Moved, Routes, Verb};
use crate::log::Log;
use crate::overlay::Overlay;
use crate::record::{Fate, Home, NO_ROW, Record, RecordState};
use crate::relation::Links;
use crate::wires::Levels;

impl Verb<'_> {
    /// Rolls back the transaction and gives its connection back. Tells receivers what is no more.
    pub(crate) fn rollback_all(&self) -> Result<()> {
        let (levels, done) = self.end_transaction()?;
        let log = self.restore(levels, |_| false)?;
        self.core()?.routes = Routes::default();
        self.tell_transitions()?;
        self.tell_rolled_back(log);
        self.core()?.let_tables_go();
        done
    }

    /// Rolls back the transaction of the database and ends its books. The database's error is given
    /// beside them: it cannot keep the records from being restored.
    fn end_transaction(&self) -> Result<(Vec<LevelState>, Result<()>)> {
        let conns = self.give_back()?;
        let mut core = self.core()?;
        core.failed = None;
        let levels = core.restart();
        drop(core);
        let mut done = Ok(());
        for (at, conn) in conns {
            // The first level that the database knows is its transaction.
            if let Some(base) = levels.iter().find_map(|level| level.levels.of(at)) {
                done = done.and(conn.lock().rollback_level(base));
            }
        }
        Ok((levels, done))
    }

    pub(crate) fn tell_rolled_back(&self, log: Log) {
        let signals = self.inner.db.signals();
        if !log.is_empty() && !signals.after_rollback.is_empty() {
            let session = self.session();
            let errors = signals.after_rollback.tell(&session, &Changes::new(log));
            signals.receiver_failed.tell(&session, &errors);
        }
    }

    /// Rolls back the savepoints inside so many.
    pub(crate) fn rollback_to(&self, depth: usize) -> Result<()> {
        let mut core = self.core()?;
        if core.failed.as_ref().is_some_and(|failed| failed.depth >= depth) {
            core.failed = None;
        }
        let levels = core.cut(depth);
        drop(core);
        let done = levels.first().map_or(Ok(()), |outermost| self.roll_back(&outermost.levels));
        self.restore(levels, |_| false)?;
        self.tell_transitions()?;
        done
    }

    /// A savepoint was not released. Where it spans several databases some may have released it, and
    /// only the whole can be rolled back.
    pub(crate) fn not_released(&self, depth: usize, levels: &Levels, error: Error) -> Error {
        if levels.iter().len() > 1 {
            return self.fail(error.with_left(Left::Transaction));
        }
        let _ = self.rollback_to(depth);
        error
    }

    /// A flush failed: rolls back the innermost level, or as much as the database did, and lets
    /// nothing more be done until the user rolls back too.
    pub(crate) fn fail(&self, cause: Error) -> Error {
        let nested = self.core().map_or(0, |core| core.nested.len());
        let whole = nested == 0 || cause.left() == Left::Transaction;
        let cause = if cause.left() == Left::Transaction || nested == 0 {
            cause.with_left(Left::Transaction)
        } else {
            cause.with_left(Left::Level)
        };
        let depth = if whole { 0 } else { nested };
        // The first cause is what the caller needs; a failing rollback drops the connection.
        let _ = if whole { self.rollback_all() } else { self.rollback_innermost(nested) };
        if let Ok(mut core) = self.core() {
            core.failed = Some(Failed { depth, cause: cause.clone() });
        }
        cause
    }

    /// Rolls back the innermost savepoint and keeps its books open, for the user to roll back.
    fn rollback_innermost(&self, nested: usize) -> Result<()> {
        let (id, levels) = {
            let mut core = self.core()?;
            let levels = core.cut(nested - 1);
            (levels.first().map_or(0, |level| level.id), levels)
        };
        let _ = levels.first().map(|level| self.roll_back(&level.levels));
        self.restore(levels, |_| false)?;
        let mut core = self.core()?;
        let epoch = core.epochs.current();
        core.nested.push(LevelState { id, epoch, ..LevelState::default() });
        drop(core);
        self.tell_transitions()
    }

    /// Gives every record that was changed in these levels its values of the moment before them, and
    /// lets go of what was not flushed, but for tables that stay. Gives the log of what is no more.
    pub(crate) fn restore(&self, levels: Vec<LevelState>, stays: impl Fn(&Table) -> bool) -> Result<Log> {
        let split = |all: Vec<Record>| -> (Vec<Record>, Vec<Record>) {
            all.into_iter().partition(|record| stays(&record.table()))
        };
        let (later, touched) = split(self.inner.touched.take());
        self.inner.touched.extend(later);
        let (new, doomed) = {
            let mut core = self.core()?;
            (std::mem::take(&mut core.new), std::mem::take(&mut core.doomed))
        };
        let ((later_new, new), (later_doomed, doomed)) = (split(new), split(doomed));
        let mut core = self.core()?;
        (core.new, core.doomed) = (later_new, later_doomed);
        let is_pending = |record: &&Record| record.0.state.lock().status == RecordState::Pending;
        new.iter().filter(is_pending).for_each(|record| self.to_transient(&mut core, record));
        let mut log = Log::default();
        let (mut links, mut evicted) = (Vec::new(), Vec::new());
        let mut moved = LevelState::default();
        let were_moved = levels.iter().any(|level| !level.moved.is_empty());
        for level in levels {
            if were_moved {
                moved.note_moved(level.moved);
                moved.log.append(level.log.clone());
            }
            log.append(level.log);
            links.extend(level.links);
            evicted.extend(level.evicted);
        }
        let steps = log.steps();
        let made = inserted(&steps);
        // Those that were moved after the last step of the log go back to it first, the others when it is undone.
        let later = moved.moved.iter().rev().filter(|moved| !moved.is_first);
        later.filter(|moved| moved.is_last()).for_each(|moved| self.move_back(moved));
        steps.iter().rev().for_each(|change| self.undo(&mut core, change, &made));
        evicted.iter().for_each(|record| self.bring_back(&mut core, record));
        moved.moved.iter().filter(|moved| moved.is_first).for_each(|moved| self.move_back(moved));
        touched.iter().chain(&doomed).for_each(forget_changes);
        // Whom the new records point to lives while their links are restored.
        let written: Vec<Record> = links.iter().map(|(record, _)| record.clone()).collect();
        restore_links(links, &log.deleted().chain(&doomed).map(Record::address).collect());
        let inserted = steps.iter().filter(|step| step.operation == Operation::Insert);
        let gone: Vec<Record> = inserted.filter_map(|step| step.record().cloned()).chain(new).collect();
        let discarded = |record: &&Record| record.state() == RecordState::Transient;
        let discarded: HashSet<usize> =
            log.deleted().chain(&doomed).filter(discarded).map(Record::address).collect();
        let_go_of(&gone, &discarded);
        let gone: Vec<Record> = gone.into_iter().filter(Record::hold_rows).collect();
        drop(written);
        // What was loaded for records that stay may have been of what is no more.
        let tables: HashSet<TableId> = steps.iter().map(|change| change.table().id()).collect();
        tables.into_iter().for_each(|table| core.wrote(table));
        drop(core);
        gone.iter().for_each(crate::db::note_unsaved);
        Ok(log)
    }

    /// A record that was read again after a statement for many rows is as it was before that.
    fn move_back(&self, Moved { record, place, .. }: &Moved) {
        let Some(record) = record.upgrade().map(Record) else { return };
        let own = record.session().is_some_and(|session| Arc::ptr_eq(&session, self.inner));
        let mut state = record.0.state.lock();
        if own && state.status == RecordState::Persistent {
            (state.home, state.row) = (Home::In(place.batch.clone()), place.row);
        }
    }

    /// A record whose key another one was given, in what is no more.
    fn bring_back(&self, core: &mut Core, record: &Record) {
        let Some(key) = record.identity() else { return };
        let mut state = record.0.state.lock();
        if state.status != RecordState::Detached || state.fate != Fate::Gone {
            return;
        }
        (state.status, state.fate) = (RecordState::Persistent, Fate::Stays);
        drop(state);
        let _ = core.identity.of(record.table_id()).insert(key, record);
        self.note(core, record, Some(RecordState::Detached), RecordState::Persistent);
    }

    fn to_transient(&self, core: &mut Core, record: &Record) {
        let mut state = record.0.state.lock();
        let from = state.status;
        state.home.leave();
        (state.row, state.status) = (NO_ROW, RecordState::Transient);
        state.spare();
        drop(state);
        self.note(core, record, Some(from), RecordState::Transient);
    }

    fn undo(&self, core: &mut Core, change: &Change, made: &HashSet<usize>) {
        let Body::Row { record: Some(record), rows } = &change.body else { return };
        if record.session().is_some_and(|session| !Arc::ptr_eq(&session, self.inner)) {
            // It joined another session since.
            return;
        }
        let entries = core.identity.of(change.table().id());
        if let Some(key) = rows.after().and_then(Place::key) {
            entries.remove(&key, record);
        }
        match (rows.before(), rows) {
            (None, Pair::New(new)) => {
                remember(record, new);
                keep_sent(record, new);
                self.to_transient(core, record);
            }
            // Its insert is undone too, and wants to see its last values.
            _ if made.contains(&record.address()) => {
                rows.after().into_iter().for_each(|place| remember(record, place));
            }
            // It was let go since: its values are what they were, and nobody's.
            (Some(old), _) if record.state() == RecordState::Detached => {
                let mut state = record.0.state.lock();
                (state.home, state.row) = (Home::In(old.batch.clone()), old.row);
            }
            (Some(old), _) => {
                if let Some(key) = old.key() {
                    let _ = entries.insert(key, record);
                }
                let mut state = record.0.state.lock();
                (state.home, state.row) = (Home::In(old.batch.clone()), old.row);
                (state.status, state.fate, state.overlay) =
                    (RecordState::Persistent, Fate::Stays, Overlay::default());
                drop(state);
                if change.operation == Operation::Delete {
                    self.note(core, record, Some(RecordState::Deleted), RecordState::Persistent);
                }
            }
            _ => {}
        }
    }
}

impl Moved {
    /// Whether its record still stands where it was moved to.
    fn is_last(&self) -> bool {
        let record = self.record.upgrade().map(Record);
        record.and_then(|record| record.0.state.lock().place()).is_some_and(|place| place.is(&self.to))
    }
}

/// Gives records that are transient again the relationships that were written on them: those that
/// were flushed, in order, and over them those that were not.
fn restore_links(flushed: Vec<(Record, Box<Links>)>, deleted: &HashSet<usize>) {
    let mut latest: Vec<(Record, Box<Links>)> = Vec::new();
    for (record, _) in &flushed {
        let mut state = record.0.state.lock();
        let links = state.links.take().filter(|_| state.status == RecordState::Transient);
        drop(state);
        latest.extend(links.map(|links| (record.clone(), links)));
    }
    let mut records: Vec<Record> = Vec::new();
    for (record, mut own) in flushed {
        // Who was deleted meanwhile had been let go.
        own.let_go(deleted);
        let mut state = record.0.state.lock();
        if state.status != RecordState::Transient {
            continue;
        }
        match &mut state.links {
            Some(links) => links.merge(*own),
            None => state.links = Some(own),
        }
        drop(state);
        records.push(record);
    }
    records.iter().for_each(prefer_later_values);
    for (record, mut own) in latest {
        own.let_go(deleted);
        let copied = own.copied_columns(&record.table());
        let mut state = record.0.state.lock();
        state.overlay.retain(|id, _| !copied.contains(&id));
        match &mut state.links {
            Some(links) => links.merge(*own),
            None => state.links = Some(own),
        }
    }
}

/// Takes records that were deleted, and whose insert is undone too, off new ones that hold them: who is
/// added again does not bring them back.
fn let_go_of(holders: &[Record], discarded: &HashSet<usize>) {
    if discarded.is_empty() {
        return;
    }
    for record in holders {
        if let Some(links) = &mut record.0.state.lock().links {
            links.let_go(discarded);
        }
    }
}

/// What a flush copied from a record pointed to is copied again by the next one; but a key that was
/// set to something else since keeps that.
fn prefer_later_values(record: &Record) {
    let def = record.table().def();
    let mut guard = record.0.state.lock();
    let state = &mut *guard;
    let Some(links) = &mut state.links else { return };
    for (id, value) in std::mem::take(&mut links.copied) {
        if state.overlay.get(id).is_some_and(|own| own.to_value() != value) {
            // Its lists were restored without it: it was given away.
            let column = def.place_of(id).map(|(_, column)| column.key());
            column.into_iter().for_each(|key| drop(links.forget_key(key)));
        } else {
            state.overlay.retain(|own, _| own != id);
        }
    }
}

/// The records that were inserted in these steps.
fn inserted(steps: &[Change]) -> HashSet<usize> {
    let inserts = steps.iter().filter(|change| change.operation == Operation::Insert);
    inserts.filter_map(Change::record).map(Record::address).collect()
}

/// Drops what was set on a row of the database and not flushed.
fn forget_changes(record: &Record) {
    let mut state = record.0.state.lock();
    state.spare();
    if state.status == RecordState::Persistent {
        (state.overlay, state.links) = (Overlay::default(), None);
    }
}

/// A record that was expired gets the values it held last.
fn remember(record: &Record, last: &Place) {
    let mut state = record.0.state.lock();
    if state.home.batch().is_some_and(|home| !home.full) {
        (state.home, state.row) = (Home::In(last.batch.clone()), last.row);
    }
}

/// A record whose insert is undone keeps what it held last, without what the database made: the
/// columns that were sent, and those that were changed since.
fn keep_sent(record: &Record, inserted: &Place) {
    let mut guard = record.0.state.lock();
    let state = &mut *guard;
    let mut kept: Vec<(ColumnId, Value)> = Vec::new();
    for (position, column) in inserted.batch.def.columns().enumerate() {
        let Some(value) = state.value(column.id(), column.key()) else { continue };
        let same = inserted.value(position).is_some_and(|before| before.is_identical(value));
        let sent = inserted.batch.sent.as_ref().is_some_and(|sent| sent.contains(&column.id()));
        if sent || !(same || column.is_made_by_server()) {
            kept.push((column.id(), value.to_value()));
        }
    }
    state.overlay = kept.into();
}
