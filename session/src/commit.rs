//! Committing: flush, ask, flush again, COMMIT, tell.
//!
//! `Err` means that nothing is committed, but where it says otherwise: some of several databases, or
//! nobody knows. After COMMIT nothing can fail any more: what goes
//! wrong in receivers is told beside the result.

use std::fmt;

use mirrorm_core::{Error, ErrorKind, Outcome, Result};

use crate::changes::Changes;
use crate::delivery;
use crate::inner::{Phase, Routes, Verb};
use crate::log::Log;
use crate::partial::{Partial, Sent};
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
            match self.ask_receivers() {
                Ok(()) => self.send_commit()?,
                Err(error) => Sent::Nothing(error),
            }
        };
        let (changes, failed) = match sent {
            Sent::All => (self.settle()?, None),
            Sent::Part(part) => self.settle_part(part).map(|(changes, error)| (changes, Some(error)))?,
            Sent::Nothing(error) => {
                // The veto is what the caller needs; a failing rollback drops the connection.
                let _ = self.rollback_all();
                return Err(error);
            }
        };
        self.tell_transitions()?;
        let receiver_errors = delivery::deliver(self, &changes);
        failed.map_or(Ok(Committed { changes, receiver_errors }), Err)
    }

    /// Refuses what would pull the transaction from under a running commit or flush.
    pub(crate) fn refuse_inside(&self, verb: &str) -> Result<()> {
        let inside = match self.phase.get() {
            Phase::Idle => return Ok(()),
            Phase::Flush => "a flush",
            Phase::Commit => "a commit",
            Phase::Begin => "the beginning of a transaction",
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
            outer.note_moved(inner.moved);
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
        let moved = std::mem::take(&mut core.base.moved);
        core.asked.push((changes.clone(), moved));
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
            let (at, unknown) = (*at, error.outcome() == Outcome::Unknown);
            drop(wires);
            return Ok(match committed.is_empty() && !unknown {
                true => Sent::Nothing(error),
                false => Sent::Part(Partial { error, at, committed }),
            });
        }
        Ok(Sent::All)
    }

    /// Ends the books of the transaction; gives what happened in it.
    fn settle(&self) -> Result<Changes> {
        let mut core = self.core()?;
        // What receivers were asked about is all there is, if they changed nothing: its net effect
        // is known by now.
        let only = if core.base.log.is_empty() && core.asked.len() == 1 { core.asked.pop() } else { None };
        let only = only.map(|(changes, _)| changes);
        let mut rest = Log::default();
        core.restart().into_iter().for_each(|level| rest.append(level.log));
        let changes = only.unwrap_or_else(|| Changes::new(rest));
        drop(core);
        self.close_books(&changes)?;
        Ok(changes)
    }

    /// Lets go of what is not needed after these were committed.
    pub(crate) fn close_books(&self, changes: &Changes) -> Result<()> {
        let mut core = self.core()?;
        for record in changes.kept().deleted() {
            let mut state = record.0.state.lock();
            if state.status == RecordState::Deleted {
                (state.status, state.fate) = (RecordState::Detached, Fate::Gone);
                drop(state);
                self.note(&mut core, record, Some(RecordState::Deleted), RecordState::Detached);
            }
        }
        core.routes = Routes::default();
        core.let_tables_go();
        if self.inner.options.expire_on_commit {
            let alive = core.identity.alive();
            drop(core);
            alive.iter().try_for_each(|record| self.expire(record))?;
        }
        Ok(())
    }
}
