//! The connections of a session: one for each database it uses, from its first use in a transaction
//! to the end of that.
//!
//! Which database a table is in, the session's `Engines` know; here it is a number. Called by
//! everything in the session that sends a statement.

use std::cell::{Ref, RefCell, RefMut};
use std::sync::{Arc, Weak};

use mirrorm_core::dialect::Intent;
use mirrorm_core::engine::{Conn, Engine, Lent, Level};
use mirrorm_core::rows::Block;
use mirrorm_core::schema::{Table, TableDef};
use mirrorm_core::stmt::Tables;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use parking_lot::ReentrantMutex;

use crate::engines::{Engines, Target, table_of};
use crate::inner::{Inner, Phase, Verb};
use crate::record::Fate;
use crate::route::Route;

/// A connection that the session's lock protects, so that it can be shared by what nests.
pub(crate) type Held = Arc<ReentrantMutex<Conn>>;

/// The databases a session has used.
#[derive(Default)]
pub(crate) struct Wires(RefCell<Vec<Wire>>);

struct Wire {
    /// Which of the databases.
    at: usize,
    /// The connection of the open transaction.
    conn: Option<Held>,
    /// A connection lent for a statement, for what is done while its rows are read.
    lent: Weak<ReentrantMutex<Conn>>,
    /// How much had been written in this program when this session last looked, where all share one
    /// connection.
    seen_writes: u64,
}

impl Wires {
    #[inline]
    fn lend(&self) -> Result<Ref<'_, Vec<Wire>>> {
        self.0.try_borrow().map_err(|_| busy())
    }

    fn change(&self) -> Result<RefMut<'_, Vec<Wire>>> {
        self.0.try_borrow_mut().map_err(|_| busy())
    }
}

/// The error of a hook that changes the connections under a running statement.
#[cold]
fn busy() -> Error {
    let message = "a row is being read: the hook of a type cannot begin or end a transaction";
    Error::new(ErrorKind::Invalid, message)
}

/// A level of the transaction, in each database it spans.
#[derive(Default)]
pub(crate) struct Levels(Vec<(usize, Level)>);

impl Levels {
    pub(crate) fn of(&self, at: usize) -> Option<&Level> {
        self.0.iter().find(|(own, _)| *own == at).map(|(_, level)| level)
    }

    fn push(&mut self, at: usize, level: Level) {
        self.0.push((at, level));
    }

    fn take(&mut self, at: usize) -> Option<Level> {
        let place = self.0.iter().position(|(own, _)| *own == at)?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &Level)> {
        self.0.iter().map(|(at, level)| (*at, level))
    }
}

impl Inner {
    /// The engines of the session: those its `Db` had when it was first used.
    #[inline]
    pub(crate) fn engines(&self) -> Result<&Engines> {
        self.engines.get_or_try_init(|| self.db.engines()).map(|engines| &**engines)
    }
}

impl Verb<'_> {
    /// Which database a table is read in: while a flush runs, the one it is written in.
    #[inline]
    pub(crate) fn place_to_read(&self, table: &Table) -> Result<usize> {
        match self.inner.options.resolver {
            None => self.inner.engines()?.of_table(table),
            Some(_) if self.phase.get() == Phase::Flush => self.place_to_write(table),
            Some(_) => self.resolve(Some(table), false),
        }
    }

    /// Which database a table is written in: the same one until the transaction ends.
    pub(crate) fn place_to_write(&self, table: &Table) -> Result<usize> {
        if self.inner.options.resolver.is_none() {
            return self.inner.engines()?.of_table(table);
        }
        let known = self.core()?.routes.of(table.id());
        if let Some(at) = known {
            return Ok(at);
        }
        let at = self.resolve(Some(table), true)?;
        self.core()?.routes.settle(table.id(), at);
        Ok(at)
    }

    /// Which database a statement goes to.
    pub(crate) fn place_for(&self, target: Target<'_>, is_write: bool) -> Result<usize> {
        let statement = match target {
            Target::Bind(bind) => return self.inner.engines()?.position(bind),
            Target::Statement(statement) => statement,
        };
        match table_of(statement)? {
            Some(table) if statement.is_definition() => self.inner.engines()?.of_table(&table),
            Some(table) if is_write => self.place_to_write(&table),
            Some(table) => self.place_to_read(&table),
            None => self.resolve(None, is_write),
        }
    }

    fn resolve(&self, table: Option<&Table>, is_write: bool) -> Result<usize> {
        let has_written = self.core()?.routes.has_written;
        let route = Route { table, is_write, has_written };
        self.inner.engines()?.place(self.inner.options.resolver.as_ref(), &route)
    }

    /// The bind key of the database that a table is written in.
    pub(crate) fn bind_of(&self, table: &Table) -> Result<Option<Arc<str>>> {
        let at = self.place_to_write(table)?;
        Ok(self.inner.engines()?.bind(at))
    }

    #[inline]
    fn engine(&self, at: usize) -> Result<&Engine> {
        self.inner.engines()?.engine(at)
    }

    /// Whether a transaction is open, or was declared.
    pub(crate) fn is_open(&self) -> bool {
        self.declared.get().is_some()
            || self.wires.lend().is_ok_and(|wires| wires.iter().any(|wire| wire.conn.is_some()))
    }

    /// A connection to read with. Where all share one, it is lent for the statement, as long as
    /// nothing is uncommitted.
    pub(crate) fn reading(&self, at: usize) -> Result<Lent<'static>> {
        if let Some(held) = self.held(at)? {
            return Ok(held);
        }
        if let Some(intent) = self.declared.get() {
            return self.open(at, intent);
        }
        if !self.engine(at)?.shares_connection() {
            return self.open(at, Intent::Deferred);
        }
        let held = self.take(at)?;
        self.wire(at, |wire| wire.lent = Arc::downgrade(&held))?;
        self.notice_writes(at)?;
        Ok(Lent::Held(held.lock_arc()))
    }

    /// A connection to read a table with.
    pub(crate) fn reading_of(&self, table: &Table) -> Result<Lent<'static>> {
        self.reading(self.place_to_read(table)?)
    }

    /// A connection to read with, for a statement that names these tables.
    pub(crate) fn reading_for(&self, statement: &dyn Tables) -> Result<Lent<'static>> {
        self.reading(self.place_for(Target::Statement(statement), false)?)
    }

    /// A connection to write with, in the session's transaction.
    pub(crate) fn writing(&self, at: usize) -> Result<Lent<'static>> {
        match self.held(at)? {
            Some(held) => Ok(held),
            None => self.open(at, self.declared.get().unwrap_or(Intent::Write)),
        }
    }

    /// A connection to write a table with.
    pub(crate) fn writing_to(&self, table: &Table) -> Result<Lent<'static>> {
        self.writing(self.place_to_write(table)?)
    }

    /// Reads the row of a key. The transaction's connection is borrowed for it, not counted: nothing
    /// is asked for as often.
    #[inline]
    pub(crate) fn read_key<T>(
        &self,
        at: usize,
        (table, def): (&Table, &Arc<TableDef>),
        key: &[Value],
        make: impl FnOnce(Block) -> T,
    ) -> Result<Option<T>> {
        let wires = self.wires.lend()?;
        if let Some(held) = wires.iter().find(|wire| wire.at == at).and_then(|wire| wire.conn.as_ref()) {
            return held.lock().get_row(table, def, key, make);
        }
        drop(wires);
        self.reading(at)?.get_row(table, def, key, make)
    }

    fn held(&self, at: usize) -> Result<Option<Lent<'static>>> {
        let wires = self.wires.lend()?;
        let wire = wires.iter().find(|wire| wire.at == at);
        Ok(wire.and_then(|wire| wire.conn.as_ref()).map(|held| Lent::Held(held.lock_arc())))
    }

    /// What is known of a database, from its first use on.
    fn wire<T>(&self, at: usize, edit: impl FnOnce(&mut Wire) -> T) -> Result<T> {
        if !self.wires.lend()?.iter().any(|wire| wire.at == at) {
            // The program's hooks may make the engine: nothing is borrowed meanwhile. Nothing of it was
            // read yet, so nothing can be old.
            let seen_writes = self.engine(at)?.writes();
            self.wires.change()?.push(Wire { at, conn: None, lent: Weak::new(), seen_writes });
        }
        let mut wires = self.wires.change()?;
        wires.iter_mut().find(|wire| wire.at == at).map(edit).ok_or_else(busy)
    }

    /// The connection that is lent already, or one from the pool.
    fn take(&self, at: usize) -> Result<Held> {
        if let Some(lent) = self.wire(at, |wire| wire.lent.upgrade())? {
            return Ok(lent);
        }
        Ok(Arc::new(ReentrantMutex::new(self.engine(at)?.connect()?)))
    }

    /// Says what the transaction is going to do, in whatever database. Of several, each begins it when
    /// it is first used; the only one begins it now.
    pub(crate) fn declare(&self, intent: Intent) -> Result<()> {
        if self.inner.engines()?.is_one() {
            self.open(0, intent)?;
        }
        self.declared.set(Some(intent));
        Ok(())
    }

    /// Begins the transaction in a database, with the savepoints that are open.
    fn open(&self, at: usize, intent: Intent) -> Result<Lent<'static>> {
        let held = self.take(at)?;
        let lent = held.lock_arc();
        if let Some(level) = self.inner.options.isolation {
            lent.set_isolation(level)?;
        }
        let base = lent.begin_level(intent)?;
        self.notice_writes(at)?;
        self.wire(at, |wire| wire.conn = Some(held))?;
        self.core()?.base.levels.push(at, base);
        match self.begin_inside(at, &lent) {
            Ok(()) => Ok(Lent::Held(lent)),
            Err(error) => {
                self.forsake(at, &lent)?;
                drop(lent);
                if self.phase.get() == Phase::Idle {
                    self.tell_transitions()?;
                }
                Err(error)
            }
        }
    }

    /// Tells receivers that a transaction has begun, and begins the savepoints that are open in it.
    fn begin_inside(&self, at: usize, conn: &Conn) -> Result<()> {
        let signal = &self.inner.db.signals().after_begin;
        if !signal.is_empty() {
            let _beginning = self.enter_phase(Phase::Begin);
            signal.ask(&self.session(), conn)?;
        }
        let depth = self.core()?.nested.len();
        let nested = (0..depth).map(|_| conn.nest_level()).collect::<Result<Vec<Level>>>()?;
        let mut core = self.core()?;
        core.nested.iter_mut().zip(nested).for_each(|(state, level)| state.levels.push(at, level));
        Ok(())
    }

    /// Ends a transaction with a database in which no more than receivers did anything yet.
    fn forsake(&self, at: usize, conn: &Conn) -> Result<()> {
        let mut core = self.core()?;
        let (mut base, mut nested) = (std::mem::take(&mut core.base), std::mem::take(&mut core.nested));
        drop(core);
        let level = base.levels.take(at);
        // Asks the books where tables are written.
        let undone = self.take_out(std::iter::once(&mut base).chain(&mut nested), &[at]);
        let mut core = self.core()?;
        (core.base, core.nested) = (base, nested);
        core.epochs.end_transaction();
        drop(core);
        self.restore(undone?, |_| true)?;
        for record in &self.core()?.doomed {
            // Its row had gone meanwhile.
            record.0.state.lock().fate = Fate::Doomed;
        }
        self.wire(at, |wire| wire.conn = None)?;
        // The first cause is what the caller needs; the pool resets the connection.
        level.map_or(Ok(()), |level| conn.rollback_level(&level).or(Ok(())))
    }

    /// Where all share one connection and this session does not hold it: what others wrote since
    /// makes what was read before old.
    fn notice_writes(&self, at: usize) -> Result<()> {
        let writes = self.engine(at)?.writes();
        let seen = self.wire(at, |wire| std::mem::replace(&mut wire.seen_writes, writes))?;
        if seen != writes {
            self.core()?.epochs.end_transaction();
        }
        Ok(())
    }

    /// As for reading, before it is decided whether to read at all.
    #[inline]
    pub(crate) fn notice_others(&self, at: usize) -> Result<()> {
        let in_use = self.wires.lend()?.iter().any(|wire| wire.at == at && wire.conn.is_some());
        match !in_use && self.engine(at)?.shares_connection() {
            true => self.notice_writes(at),
            false => Ok(()),
        }
    }

    /// Gives the connections back, in the order of the configuration, and takes account of the
    /// session's own writes.
    ///
    /// # Errors
    /// `Invalid` for a type's hook that ends the transaction while a row is read by its key.
    pub(crate) fn give_back(&self) -> Result<Vec<(usize, Held)>> {
        let mut wires = self.wires.change()?;
        let mut all = Vec::new();
        for wire in wires.iter_mut() {
            if let Some(conn) = wire.conn.take() {
                wire.seen_writes = self.engine(wire.at)?.writes();
                all.push((wire.at, conn));
            }
        }
        self.declared.set(None);
        all.sort_by_key(|(at, _)| *at);
        Ok(all)
    }

    /// Begins a savepoint in every database that is in use; gives its number.
    pub(crate) fn nest(&self) -> Result<u64> {
        let used = self.used()?;
        if used.is_empty() {
            // The first that will be used begins it, with its transaction, which is going to write.
            self.declared.set(self.declared.get().or(Some(Intent::Write)));
            return Ok(self.core()?.push_level(Levels::default()));
        }
        let mut levels = Levels::default();
        for at in used {
            match self.writing(at)?.nest_level() {
                Ok(level) => levels.push(at, level),
                Err(error) => {
                    let _ = self.roll_back(&levels);
                    return Err(error);
                }
            }
        }
        Ok(self.core()?.push_level(levels))
    }

    fn used(&self) -> Result<Vec<usize>> {
        let wires = self.wires.lend()?;
        Ok(wires.iter().filter(|wire| wire.conn.is_some()).map(|wire| wire.at).collect())
    }

    /// Rolls back a level in every database it spans; the first error is given when all is done.
    pub(crate) fn roll_back(&self, levels: &Levels) -> Result<()> {
        let mut done = Ok(());
        for (at, level) in levels.iter() {
            if let Some(conn) = self.held(at)? {
                done = done.and(conn.rollback_level(level));
            }
        }
        done
    }

    /// Releases a savepoint in every database it spans.
    pub(crate) fn release(&self, levels: &Levels) -> Result<()> {
        levels.iter().try_for_each(|(at, level)| self.writing(at)?.commit_level(level))
    }
}
