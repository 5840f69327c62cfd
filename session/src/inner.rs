//! What a session is inside: its lock and its books. Its connections stand in `wires`.
//!
//! One rule keeps it free of panics and deadlocks: **no borrow of [`Core`] lives while anything of
//! the user's runs** (receivers, defaults, conversions, iterators, custom types). Verbs collect
//! first and borrow afterwards. The lock is reentrant, so that receivers may use the session.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use mirrorm_core::dialect::Intent;
use mirrorm_core::rows::{BlockBuilder, Columns};
use mirrorm_core::schema::{Table, TableDef, TableId};
use mirrorm_core::{Error, ErrorKind, Result};
use once_cell::sync::OnceCell;
use parking_lot::{Mutex, ReentrantMutex, ReentrantMutexGuard};

use crate::batch::{Batch, Place, Source, Stored};
use crate::changes::Changes;
use crate::db::Db;
use crate::engines::Engines;
use crate::identity::{Folded, IdentityMap};
use crate::log::Log;
use crate::record::{Record, RecordInner, RecordState};
use crate::relation::Links;
use crate::restrict::Restrictions;
use crate::session::{Session, SessionOptions};
use crate::signal::Transition;
use crate::wires::{Levels, Wires};

/// A session, shared by its handle and, weakly, by its records.
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) engines: OnceCell<Arc<Engines>>,
    pub(crate) options: SessionOptions,
    pub(crate) closed: AtomicBool,
    pub(crate) touched: Touched,
    /// How many want no flush before queries at present.
    pub(crate) quiet: AtomicUsize,
    /// Whether a relationship of one of its records was written since the last flush.
    pub(crate) linked: AtomicBool,
    pub(crate) restrictions: Restrictions,
    lock: ReentrantMutex<Shared>,
}

/// Rows of the database with changes that were not flushed. A lock of its own: setting an attribute
/// must not wait for a verb.
#[derive(Default)]
pub(crate) struct Touched {
    list: Mutex<Vec<Record>>,
    /// Whether there are any, to be asked without the lock.
    any: AtomicBool,
}

impl Touched {
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    pub(crate) fn push(&self, record: Record) {
        self.edit(|list| list.push(record));
    }

    pub(crate) fn extend(&self, records: impl IntoIterator<Item = Record>) {
        self.edit(|list| list.extend(records));
    }

    pub(crate) fn remove(&self, record: &Record) {
        self.edit(|list| list.retain(|own| own != record));
    }

    pub(crate) fn take(&self) -> Vec<Record> {
        self.edit(std::mem::take)
    }

    pub(crate) fn all(&self) -> Vec<Record> {
        self.list.lock().clone()
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut Vec<Record>) -> T) -> T {
        let mut list = self.list.lock();
        let done = edit(&mut list);
        self.any.store(!list.is_empty(), Ordering::Release);
        done
    }
}

/// What the lock protects.
pub(crate) struct Shared {
    pub(crate) core: RefCell<Core>,
    pub(crate) wires: Wires,
    /// What the transaction is going to do, where that was said before it began.
    pub(crate) declared: Cell<Option<Intent>>,
    pub(crate) phase: Cell<Phase>,
}

/// What a session is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing.
    Idle,
    /// Receivers of `before_flush` are asked, or statements are sent.
    Flush,
    /// Receivers of `before_commit` are asked.
    Commit,
    /// Receivers of `after_begin` are asked.
    Begin,
}

/// The books of a session.
#[derive(Default)]
pub(crate) struct Core {
    pub(crate) identity: IdentityMap,
    /// Records to insert, in the order they were added.
    pub(crate) new: Vec<Record>,
    /// Records to delete.
    pub(crate) doomed: Vec<Record>,
    /// What happened in the transaction outside its savepoints.
    pub(crate) base: LevelState,
    /// What happened in its savepoints, the innermost last.
    pub(crate) nested: Vec<LevelState>,
    /// What happened before that, and receivers of `before_commit` were asked about.
    pub(crate) asked: Vec<(Changes, Vec<Moved>)>,
    pub(crate) failed: Option<Failed>,
    pub(crate) epochs: Epochs,
    /// How often the session has written each table, for what was loaded before.
    pub(crate) written: HashMap<TableId, u64, Folded>,
    /// Transitions nobody was told yet.
    pub(crate) transitions: Vec<Transition>,
    /// Which database each table is written in, where the program decides it, for the transaction.
    pub(crate) routes: Routes,
    pending: HashMap<TableId, Arc<Batch>, Folded>,
    sources: HashMap<TableId, Arc<Source>, Folded>,
    next_level: u64,
}

/// Where the transaction writes, where the program decides it.
#[derive(Default)]
pub(crate) struct Routes {
    written: Vec<(TableId, usize)>,
    /// Whether it wrote, be it by raw SQL.
    pub(crate) has_written: bool,
}

impl Routes {
    pub(crate) fn of(&self, table: TableId) -> Option<usize> {
        self.written.iter().find(|(own, _)| *own == table).map(|(_, at)| *at)
    }

    /// A table is written there from now on.
    pub(crate) fn settle(&mut self, table: TableId, at: usize) {
        self.written.push((table, at));
        self.has_written = true;
    }
}

/// The transaction or a savepoint: what happened in it.
#[derive(Default)]
pub(crate) struct LevelState {
    pub(crate) id: u64,
    /// The level of the database; none until it was begun, and when it is over.
    pub(crate) levels: Levels,
    pub(crate) log: Log,
    /// Relationships that were written and flushed in it, for a rollback.
    pub(crate) links: Vec<(Record, Box<Links>)>,
    /// Records whose row had gone when its key was given to another, for a rollback.
    pub(crate) evicted: Vec<Record>,
    /// Records that a statement for many rows moved.
    pub(crate) moved: Vec<Moved>,
    /// The first epoch that belongs to it.
    pub(crate) epoch: u64,
}

/// A record that a statement for many rows moved, where it stood before, and where after it.
pub(crate) struct Moved {
    pub(crate) record: Weak<RecordInner>,
    pub(crate) place: Place,
    pub(crate) to: Place,
    /// Whether that is where it stood before its level, of which the log knows no earlier step.
    pub(crate) is_first: bool,
}

impl LevelState {
    /// Notes where records stood: once for moves that follow each other.
    pub(crate) fn note_moved(&mut self, moved: impl IntoIterator<Item = Moved>) {
        let address = |moved: &Moved| moved.record.as_ptr() as usize;
        let logged = self.log.addresses();
        let mut last: HashMap<usize, usize> =
            self.moved.iter().enumerate().map(|(at, own)| (address(own), at)).collect();
        for mut one in moved {
            let before = last.get(&address(&one)).and_then(|at| self.moved.get_mut(*at));
            one.is_first &= before.is_none() && !logged.contains(&address(&one));
            match before.filter(|before| before.to.is(&one.place)) {
                Some(before) => before.to = one.to,
                None => {
                    last.insert(address(&one), self.moved.len());
                    self.moved.push(one);
                }
            }
        }
    }

    /// Takes out what happened in some databases, which tables are written in.
    pub(crate) fn take_out(
        &mut self,
        is_bind: impl Fn(Option<&str>) -> bool,
        is_table: impl Fn(&Table) -> bool,
    ) -> LevelState {
        LevelState {
            log: self.log.take_out(is_bind),
            links: self.links.extract_if(.., |(record, _)| is_table(&record.table())).collect(),
            evicted: self.evicted.extract_if(.., |record| is_table(&record.table())).collect(),
            moved: self.moved.extract_if(.., |moved| is_table(&moved.place.batch.table)).collect(),
            ..LevelState::default()
        }
    }
}

/// The first cause of a failure that waits for a rollback.
pub(crate) struct Failed {
    /// How many savepoints are around the level that has to be rolled back; that many were open.
    pub(crate) depth: usize,
    pub(crate) cause: Error,
}

/// Which values were read in the running transaction, by numbers that grow.
#[derive(Clone, Default)]
pub(crate) struct Epochs {
    current: u64,
    /// What holds runs from here to the current number,
    start: u64,
    /// and over these, which lie before a savepoint that was rolled back: apart, and in order.
    before: Vec<(u64, u64)>,
}

impl Epochs {
    /// The number for what is read now.
    pub(crate) fn current(&self) -> u64 {
        self.current
    }

    /// Whether what was read under a number was read in the running transaction.
    #[inline]
    pub(crate) fn holds(&self, epoch: u64) -> bool {
        (self.start..=self.current).contains(&epoch) || self.holds_before(epoch)
    }

    fn holds_before(&self, epoch: u64) -> bool {
        let after = self.before.partition_point(|(_, to)| *to < epoch);
        self.before.get(after).is_some_and(|(from, _)| *from <= epoch)
    }

    /// Everything read so far is of an old transaction.
    pub(crate) fn end_transaction(&mut self) {
        self.forget();
    }

    /// Everything read so far may have been changed by a statement that knows no records.
    pub(crate) fn forget(&mut self) {
        self.current += 1;
        self.start = self.current;
        self.before.clear();
    }

    /// A savepoint begins; gives its first number.
    fn begin_level(&mut self) -> u64 {
        self.current += 1;
        self.current
    }

    /// What was read since a savepoint is of an old transaction.
    fn rollback_level(&mut self, first: u64) {
        if self.start < first {
            self.before.push((self.start, self.current));
        }
        while self.before.pop_if(|(from, _)| *from >= first).is_some() {}
        self.before.last_mut().into_iter().for_each(|(_, to)| *to = (*to).min(first - 1));
        self.current += 1;
        self.start = self.current;
    }
}

impl Phase {
    /// Whether statements are sent that no other verb may come between.
    pub(crate) fn sends(self) -> bool {
        matches!(self, Phase::Flush | Phase::Begin)
    }
}

impl Core {
    fn new() -> Core {
        let mut core = Core::default();
        core.epochs.end_transaction();
        core
    }

    /// The innermost level.
    pub(crate) fn level(&mut self) -> &mut LevelState {
        self.nested.last_mut().unwrap_or(&mut self.base)
    }

    /// Begins the books of a savepoint; gives its number.
    pub(crate) fn push_level(&mut self, levels: Levels) -> u64 {
        self.next_level += 1;
        let epoch = self.epochs.begin_level();
        self.nested.push(LevelState { id: self.next_level, levels, epoch, ..LevelState::default() });
        self.next_level
    }

    /// Ends the books of the savepoints inside so many; gives what happened in them, in order.
    pub(crate) fn cut(&mut self, depth: usize) -> Vec<LevelState> {
        let levels = self.nested.split_off(depth.min(self.nested.len()));
        if let Some(first) = levels.first() {
            self.epochs.rollback_level(first.epoch);
        }
        levels
    }

    /// Ends the books of the transaction; gives what happened in it, in order.
    pub(crate) fn restart(&mut self) -> Vec<LevelState> {
        let mut all: Vec<LevelState> = Vec::with_capacity(1);
        for (asked, moved) in std::mem::take(&mut self.asked) {
            all.push(LevelState { log: asked.kept().clone(), moved, ..LevelState::default() });
        }
        all.push(std::mem::take(&mut self.base));
        all.append(&mut self.nested);
        self.epochs.end_transaction();
        all
    }

    /// The batch of a table's pending records, once a first was taken in: it has their session, and
    /// no rows.
    pub(crate) fn pending_batch(&self, table: TableId) -> Option<&Arc<Batch>> {
        self.pending.get(&table)
    }

    /// The table of all records that were added, if it is only one.
    pub(crate) fn only_pending(&self) -> Option<TableId> {
        self.pending.keys().next().filter(|_| self.pending.len() == 1).copied()
    }

    /// Makes the batch of a table's pending records.
    pub(crate) fn know_pending(&mut self, table: &Table, session: &Arc<Inner>) {
        let block = Arc::new(BlockBuilder::new(Arc::new(Columns::default()), 0).close_raw());
        let source = Source::new(table, table.def(), session);
        self.pending.insert(table.id(), Arc::new(Batch::new(Arc::new(source), block, 0)));
    }

    /// Lets go of what no record uses: a table that was removed must not live as long as the session.
    pub(crate) fn let_tables_go(&mut self) {
        self.sources.retain(|_, source| Arc::strong_count(source) > 1);
        self.pending.retain(|_, batch| Arc::strong_count(batch) > 1);
    }

    /// Notes that a table was written.
    pub(crate) fn wrote(&mut self, table: TableId) {
        *self.written.entry(table).or_default() += 1;
    }
}

/// What the session was in the middle of before, restored when this goes.
pub(crate) struct InPhase<'v> {
    verb: &'v Shared,
    before: Phase,
}

impl Drop for InPhase<'_> {
    fn drop(&mut self) {
        self.verb.phase.set(self.before);
    }
}

/// A verb at work: the session, locked.
pub(crate) struct Verb<'i> {
    pub(crate) inner: &'i Arc<Inner>,
    shared: ReentrantMutexGuard<'i, Shared>,
}

impl Inner {
    pub(crate) fn new(db: &Db, options: SessionOptions) -> Arc<Inner> {
        let shared = Shared {
            core: RefCell::new(Core::new()),
            wires: Wires::default(),
            declared: Cell::new(None),
            phase: Cell::new(Phase::Idle),
        };
        Arc::new(Inner {
            db: db.clone(),
            engines: db.engines().map_or_else(|_| OnceCell::new(), OnceCell::with_value),
            options,
            closed: AtomicBool::new(false),
            touched: Touched::default(),
            quiet: AtomicUsize::new(0),
            restrictions: Restrictions::default(),
            linked: AtomicBool::new(false),
            lock: ReentrantMutex::new(shared),
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Locks the session, waiting for the verb of another thread.
    ///
    /// # Errors
    /// `Busy` when that takes longer than a statement waits for a lock; `Detached` for a session
    /// that was closed.
    pub(crate) fn enter(self: &Arc<Inner>) -> Result<Verb<'_>> {
        let shared = match self.lock.try_lock() {
            Some(shared) => shared,
            None => {
                let timeout = self.engines()?.lock_timeout();
                self.lock.try_lock_for(timeout).ok_or_else(|| busy(timeout))?
            }
        };
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Detached, "the session was closed"));
        }
        Ok(Verb { inner: self, shared })
    }

    /// As [`Inner::enter`], for verbs that are refused while a failure waits for a rollback.
    pub(crate) fn verb(self: &Arc<Inner>) -> Result<Verb<'_>> {
        let verb = self.enter()?;
        let failed = verb.core()?.failed.as_ref().map(|failed| failed.cause.clone());
        match failed {
            None => Ok(verb),
            Some(cause) => {
                let message = format!("roll back first; what failed was: {cause}");
                Err(Error::new(ErrorKind::PendingRollback, message).with_source(cause))
            }
        }
    }
}

fn busy(timeout: std::time::Duration) -> Error {
    let waited = timeout.as_secs_f64();
    let message = format!("the session is at work in another thread; waited {waited:.1} s");
    Error::new(ErrorKind::Busy, message)
}

impl std::ops::Deref for Verb<'_> {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Verb<'_> {
    /// Borrows the books.
    ///
    /// # Errors
    /// `Invalid` where the rule of this file was broken: never, as far as tests can tell.
    pub(crate) fn core(&self) -> Result<RefMut<'_, Core>> {
        let used = |_| Error::new(ErrorKind::Invalid, "the session is used while it changes its books");
        self.core.try_borrow_mut().map_err(used)
    }

    /// The session, for a receiver.
    pub(crate) fn session(&self) -> Session {
        Session::view(self.inner)
    }

    /// What batches of a version of a table share, and the number for what is read now.
    pub(crate) fn source_now(&self, table: &Table, def: &Arc<TableDef>) -> Result<(Arc<Source>, u64)> {
        let mut core = self.core()?;
        let epoch = core.epochs.current();
        if let Some(known) = core.sources.get(&table.id()).filter(|known| Arc::ptr_eq(&known.def, def)) {
            return Ok((known.clone(), epoch));
        }
        let source = Arc::new(Source::new(table, def.clone(), self.inner));
        core.sources.insert(table.id(), source.clone());
        Ok((source, epoch))
    }

    /// A batch of rows that were just read or written.
    pub(crate) fn batch(
        &self,
        table: &Table,
        def: &Arc<TableDef>,
        block: impl Into<Stored>,
    ) -> Result<Batch> {
        let (source, epoch) = self.source_now(table, def)?;
        Ok(Batch::new(source, block, epoch))
    }

    /// Says what the session is in the middle of, until the guard goes, by whatever way.
    pub(crate) fn enter_phase(&self, phase: Phase) -> InPhase<'_> {
        InPhase { verb: self, before: self.phase.replace(phase) }
    }

    /// Notes a transition, if somebody wants to know.
    pub(crate) fn note(&self, core: &mut Core, record: &Record, from: Option<RecordState>, to: RecordState) {
        if !self.inner.db.signals().state_changed.is_empty() {
            core.transitions.push(Transition { record: record.clone(), from, to });
        }
    }

    /// Tells of the transitions so far.
    pub(crate) fn tell_transitions(&self) -> Result<()> {
        if self.inner.db.signals().state_changed.is_empty() {
            return Ok(());
        }
        loop {
            let transitions = std::mem::take(&mut self.core()?.transitions);
            if transitions.is_empty() {
                return Ok(());
            }
            let (session, signals) = (self.session(), self.inner.db.signals());
            let errors = signals.state_changed.tell(&session, &transitions);
            signals.receiver_failed.tell(&session, &errors);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_know_what_holds() {
        let mut epochs = Epochs::default();
        epochs.end_transaction();
        let a = epochs.current();
        let b = epochs.begin_level();
        let c = epochs.begin_level();
        assert!([a, b, c].into_iter().all(|e| epochs.holds(e)));
        epochs.rollback_level(c);
        let d = epochs.current();
        assert_eq!([a, b, c, d].map(|e| epochs.holds(e)), [true, true, false, true]);
        epochs.rollback_level(b);
        assert_eq!([a, b, c, d].map(|e| epochs.holds(e)), [true, false, false, false]);
        epochs.end_transaction();
        assert!(!epochs.holds(a) && epochs.holds(epochs.current()));
    }
}
