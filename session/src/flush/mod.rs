//! Flushing: gather what was changed (`gather`) and what goes with it (`cascade`), put it in order
//! (`order`), send it in batches (`insert`, `update`, `delete`, `links`), and move the records onto
//! their new rows (`finish`).
//!
//! A flush that fails leaves nothing half done: the innermost level is rolled back.

mod cascade;
mod circles;
mod delete;
mod expressions;
mod finish;
mod gather;
mod insert;
mod links;
mod order;
mod update;
mod version;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::engine::Conn;
use mirrorm_core::schema::{ClientDefault, ColumnId, Table, TableDef};
use mirrorm_core::stmt::Operation;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::inner::{Phase, Verb};
use crate::log::Part;
use crate::record::Record;
use circles::HeldBack;
use gather::not_sent;
pub(crate) use version::{check_version, is_changed};

/// How often what functions write while a flush runs is flushed too.
const ROUNDS: usize = 10;

/// What a flush has to do.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) inserts: Part<Record>,
    pub(crate) updates: Part<Record>,
    pub(crate) deletes: Part<Record>,
    pub(crate) links: Vec<links::LinkRow>,
    /// Those of the records whose relationships were written.
    pub(crate) linked: Vec<Record>,
}

/// Records of one table to which the same is done, one statement after the other.
pub(crate) struct Step {
    pub(crate) table: Table,
    pub(crate) operation: Operation,
    pub(crate) records: Part<Record>,
    /// Keys that are NULL for a while, of these records and of others.
    pub(crate) held: Arc<[HeldBack]>,
}

impl Step {
    pub(crate) fn of(table: Table, operation: Operation, records: Part<Record>) -> Step {
        Step { table, operation, records, held: Arc::default() }
    }
}

impl Verb<'_> {
    /// Sends what was changed. Inside a flush there is nothing to do: it is being done.
    pub(crate) fn flush(&self) -> Result<()> {
        if self.phase.get().sends() || !self.has_changes()? {
            return Ok(());
        }
        let _flushing = self.enter_phase(Phase::Flush);
        self.flush_once()?;
        self.tell_transitions()?;
        let signal = &self.inner.db.signals().after_flush;
        if signal.is_empty() {
            return Ok(());
        }
        signal.ask(&self.session()).map_err(|cause| self.fail(cause))
    }

    /// Flushes until nothing is left, where a level begins or ends: functions that supply values may
    /// write while a flush runs. A thread that never stops writing does not hold it up: what it writes
    /// last is the next level's.
    pub(crate) fn flush_all(&self) -> Result<()> {
        for _ in 0..ROUNDS {
            self.flush()?;
            if !self.has_changes()? {
                break;
            }
        }
        Ok(())
    }

    fn flush_once(&self) -> Result<()> {
        let signal = &self.inner.db.signals().before_flush;
        if !signal.is_empty() {
            signal.ask(&self.session())?;
        }
        let work = self.gather().map_err(|cause| self.fail(cause))?;
        // Functions that supply defaults, and hooks of custom types, run in here.
        match catch_unwind(AssertUnwindSafe(|| self.send(&work))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => {
                self.put_back(work);
                Err(self.fail(cause))
            }
            Err(panic) => {
                self.put_back(work);
                let message = "a function that supplies a value panicked in the flush";
                self.fail(Error::new(ErrorKind::Invalid, message));
                resume_unwind(panic)
            }
        }
    }

    /// Puts work back on the lists, for the rollback to restore.
    fn put_back(&self, work: Work) {
        not_sent(&work.linked);
        if let Ok(mut core) = self.core() {
            core.new.extend(work.inserts.iter().cloned());
            core.doomed.extend(work.deletes.iter().cloned());
        }
        self.inner.touched.extend(work.updates.iter().cloned());
        self.inner.linked.store(true, Ordering::Release);
    }

    pub(crate) fn has_changes(&self) -> Result<bool> {
        let core = self.core()?;
        Ok(!core.new.is_empty() || !core.doomed.is_empty() || !self.inner.touched.is_empty())
    }

    fn send(&self, work: &Work) -> Result<()> {
        let (removed, linked): (Vec<_>, Vec<_>) = work.links.iter().partition(|row| !row.linked);
        let steps = self.order(work)?;
        if !steps.is_empty() || !work.links.is_empty() {
            self.send_links(&removed, Operation::Delete)?;
            steps.iter().try_for_each(|step| self.take_step(step))?;
            self.send_links(&linked, Operation::Insert)?;
        }
        self.settle_links(&work.linked)
    }

    /// Takes a step, with keys that have to wait held back.
    fn take_step(&self, step: &Step) -> Result<()> {
        if step.held.is_empty() {
            return self.tell_step(step);
        }
        let records: HashSet<usize> = step.records.iter().map(Record::address).collect();
        let is_of_it = |(record, _): &&HeldBack| records.contains(&record.address());
        let own: Vec<HeldBack> = step.held.iter().filter(is_of_it).cloned().collect();
        let _held = self.hold_back(&own);
        self.tell_step(step)
    }

    /// Tells of a step, and sends it.
    fn tell_step(&self, step: &Step) -> Result<()> {
        let signals = self.inner.db.signals();
        let (before, after) = match step.operation {
            Operation::Insert => (&signals.before_insert, &signals.after_insert),
            Operation::Update => (&signals.before_update, &signals.after_update),
            Operation::Delete => (&signals.before_delete, &signals.after_delete),
        };
        if before.is_empty() && after.is_empty() {
            return self.send_step(&*self.writing_to(&step.table)?, step);
        }
        // What is only thought to be changed is written by nobody.
        let concerns = |record: &&Record| step.operation != Operation::Update || record.is_modified();
        let told: Vec<&Record> = step.records.iter().filter(concerns).collect();
        let session = self.session();
        told.iter().try_for_each(|record| before.ask(&session, record))?;
        self.send_step(&*self.writing_to(&step.table)?, step)?;
        told.iter().try_for_each(|record| after.ask(&session, record))
    }

    fn send_step(&self, conn: &Conn, step: &Step) -> Result<()> {
        match step.operation {
            Operation::Insert => self.insert(conn, &step.table, &step.records),
            Operation::Update => self.update(conn, &step.table, &step.records),
            Operation::Delete => self.delete(conn, &step.table, &step.records),
        }
    }
}

/// Fills in what the program supplies for columns that were not set. A function that supplies it runs with nothing
/// locked.
fn complete(record: &Record, supplied: &[(ColumnId, &ClientDefault)]) {
    for (id, default) in supplied {
        if !record.0.state.lock().overlay.holds(*id) {
            let value = default.produce();
            record.0.state.lock().overlay.put(*id, value);
        }
    }
}

/// The error of a statement that wrote another number of rows than it was given.
pub(crate) fn miscounted(table: &Table, operation: Operation, wanted: u64, found: u64) -> Error {
    let table = table.def().display_name();
    let message =
        format!("{operation} of {wanted} rows of `{table}` changed {found}: a trigger or rule of the table");
    Error::new(ErrorKind::Stale, message).with_table(table)
}

/// Where the columns that records set stand in their table.
fn positions(def: &TableDef, columns: &[ColumnId]) -> Result<Vec<usize>> {
    let place = |id: &ColumnId| def.place_of(*id).map(|(at, _)| at);
    columns.iter().map(place).collect::<Option<_>>().ok_or_else(|| {
        let message = format!("`{}` lost a column that a record sets", def.display_name());
        Error::new(ErrorKind::Stale, message)
    })
}

/// The error of a record that is pointed to and that nothing holds any more.
fn dropped(record: &Record) -> Error {
    let message = format!("a record that {} points to was dropped before it was saved", record.describe());
    Error::new(ErrorKind::Invalid, message)
}
