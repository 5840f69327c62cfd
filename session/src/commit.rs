//! Committing: flush, ask, flush again, COMMIT, tell.
//!
//! `Err` means that nothing is committed, but where it says otherwise: some of several databases, or
//! nobody knows. After COMMIT nothing can fail any more: what goes
//! wrong in receivers is told beside the result.

use std::fmt;

use mirrorm_core::schema::Table;
use mirrorm_core::{Error, ErrorKind, Outcome, Result};

use crate::changes::Changes;
use crate::delivery;
use crate::inner::{Phase, Verb};
use crate::log::Log;
use crate::record::{Fate, RecordState};

/// How often receivers of `before_commit` are asked about what they did themselves.
const ROUNDS: usize = 10;

/// What was committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Committed {
    /// What changed.
    pub changes: Changes,
    /// What receivers of `models_committed` returned. The data is committed all the same.
    pub receiver_errors: Vec<Error>,
}

impl Committed {
    /// The first error of a receiver as an error, for those who want it so. The data is committed.
    ///
    /// # Errors
    /// The first of [`Committed::receiver_errors`].
    pub fn and_receivers(self) -> Result<Changes> {
        match self.receiver_errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.changes),
        }
    }
}

/// How far a COMMIT came.
enum Sent {
    /// Every database took it.
    All,
    /// Some did, if any: what they committed, and why the rest did not.
    Part(Changes, Error),
}

impl fmt::Display for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changes committed", self.changes.len())
    }
}

impl Verb<'_> {
    /// Commits the transaction, whatever savepoints are open in it.
    pub(crate) fn commit(&self) -> Result<Committed> {
        self.refuse_inside("commit")?;
        let sent = {
            let _committing = self.enter_phase(Phase::Commit);
            self.flush_all()?;
            self.merge_levels(0)?;
            if let Err(error) = self.ask_receivers() {
                // The veto is what the caller needs; a failing rollback drops the connection.
                let _ = self.rollback_all();
                return Err(error);
            }
            self.send_commit()?
        };
        let changes = match &sent {
            Sent::All => self.settle()?,
            Sent::Part(changes, _) => changes.clone(),
        };
        self.tell_transitions()?;
        let receiver_errors = delivery::deliver(self, &changes);
        match sent {
            Sent::All => Ok(Committed { changes, receiver_errors }),
            Sent::Part(_, error) => Err(error),
        }
    }

    /// Refuses what would pull the transaction from under a running commit or flush.
    pub(crate) fn refuse_inside(&self, verb: &str) -> Result<()> {
        let inside = match self.phase.get() {
            Phase::Idle => return Ok(()),
            Phase::Flush => "a flush",
            Phase::Commit => "a commit",
        };
        let message = format!("`{verb}` inside {inside}: return an error to stop it");
        Err(Error::new(ErrorKind::Invalid, message))
    }

    /// Takes what happened in the savepoints inside so many into the level around them.
    pub(crate) fn merge_levels(&self, depth: usize) -> Result<()> {
        let mut core = self.core()?;
        while core.nested.len() > depth {
            let Some(inner) = core.nested.pop() else { break };
            let outer = core.level();
            outer.log.append(inner.log);
            outer.links.extend(inner.links);
            outer.evicted.extend(inner.evicted);
        }
        Ok(())
    }

    /// Asks the receivers of `before_commit` about everything, then about what they did themselves.
    fn ask_receivers(&self) -> Result<()> {
        let signal = &self.inner.db.signals().before_commit;
        if signal.is_empty() {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            let Some(changes) = self.next_to_ask()? else { return Ok(()) };
            signal.ask(&self.session(), &changes)?;
            // A flush that failed in a receiver is the commit's failure, whatever the receiver said.
            if let Some(failed) = &self.core()?.failed {
                return Err(failed.cause.clone());
            }
            self.flush_all()?;
            self.merge_levels(0)?;
        }
        match self.core()?.base.log.is_empty() {
            true => Ok(()),
            false => {
                let message = format!("receivers of before_commit still change rows after {ROUNDS} rounds");
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// What happened since the last round, which is asked about now.
    fn next_to_ask(&self) -> Result<Option<Changes>> {
        let mut core = self.core()?;
        if core.base.log.is_empty() {
            return Ok(None);
        }
        let changes = Changes::new(std::mem::take(&mut core.base.log));
        core.asked.push(changes.clone());
        Ok(Some(changes))
    }

    /// Sends COMMIT to one database after the other, in the order of the configuration, and gives the
    /// connections back.
    fn send_commit(&self) -> Result<Sent> {
        let wires = self.give_back()?;
        let levels = std::mem::take(&mut self.core()?.base.levels);
        let mut committed = Vec::new();
        let mut rest = wires.iter();
        while let Some((at, conn)) = rest.next() {
            let Some(level) = levels.of(*at) else { continue };
            let (sent, wrote) = {
                let conn = conn.lock();
                (conn.commit_level(level), conn.has_written())
            };
            let Err(error) = sent else {
                // One that was only read has nothing to be committed.
                committed.extend(wrote.then_some(*at));
                continue;
            };
            for (at, conn) in rest {
                // The first cause is what the caller needs; a failing rollback drops the connection.
                let _ = levels.of(*at).map(|level| conn.lock().rollback_level(level));
            }
            let at = *at;
            drop(wires);
            return self.not_committed(error, at, &committed);
        }
        Ok(Sent::All)
    }

    /// COMMIT failed in one database, after others had committed. What is not committed anywhere is
    /// rolled back on the records too; what is, stays, and is told.
    fn not_committed(&self, error: Error, at: usize, committed: &[usize]) -> Result<Sent> {
        let unknown = error.outcome() == Outcome::Unknown;
        if !unknown && committed.is_empty() {
            let _ = self.rollback_all();
            return Err(error);
        }
        let engines = self.inner.engines()?;
        let is_of = |table: &Table, own: &[usize]| engines.of_table(table).is_ok_and(|at| own.contains(&at));
        let mut lost = self.core()?.restart();
        let mut kept = Log::default();
        lost.iter_mut().for_each(|level| kept.append(level.take_out(|table| is_of(table, committed))));
        let mut doubtful = Log::default();
        if unknown {
            lost.iter_mut().for_each(|level| doubtful.append(level.take_out(|table| is_of(table, &[at]))));
        }
        let log = self.restore(lost)?;
        let error = match committed {
            [] => error,
            _ => {
                let names: Vec<String> = committed.iter().map(|at| engines.label(*at)).collect();
                let place = format!("COMMIT of `{}`, after {}", engines.label(at), names.join(", "));
                let outcome = if unknown { Outcome::Unknown } else { Outcome::Partial };
                error.at(place).with_outcome(outcome).with_committed(names)
            }
        };
        let (kept, doubtful) = (Changes::new(kept), Changes::new(doubtful));
        self.close_books(&kept)?;
        self.close_books(&doubtful)?;
        self.tell_rolled_back(log);
        if unknown {
            let (session, signals) = (self.session(), self.inner.db.signals());
            let errors = signals.commit_unknown.tell(&session, &doubtful);
            signals.receiver_failed.tell(&session, &errors);
        }
        Ok(Sent::Part(kept, error))
    }

    /// Ends the books of the transaction; gives what happened in it.
    fn settle(&self) -> Result<Changes> {
        let mut core = self.core()?;
        // What receivers were asked about is all there is, if they changed nothing: its net effect
        // is known by now.
        let only = if core.base.log.is_empty() && core.asked.len() == 1 { core.asked.pop() } else { None };
        let mut rest = Log::default();
        core.restart().into_iter().for_each(|level| rest.append(level.log));
        let changes = only.unwrap_or_else(|| Changes::new(rest));
        drop(core);
        self.close_books(&changes)?;
        Ok(changes)
    }

    /// Lets go of what is not needed after these were committed.
    fn close_books(&self, changes: &Changes) -> Result<()> {
        let mut core = self.core()?;
        for record in changes.kept().deleted() {
            let mut state = record.0.state.lock();
            if state.status == RecordState::Deleted {
                (state.status, state.fate) = (RecordState::Detached, Fate::Gone);
                drop(state);
                self.note(&mut core, record, Some(RecordState::Deleted), RecordState::Detached);
            }
        }
        core.let_tables_go();
        if self.inner.options.expire_on_commit {
            let alive = core.identity.alive();
            drop(core);
            alive.iter().try_for_each(|record| self.expire(record))?;
        }
        Ok(())
    }
}
