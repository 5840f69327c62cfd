//! A COMMIT that came to an end in some of several databases, or nobody knows where: what is kept,
//! what is undone, and what is in doubt.
//!
//! Called by `commit`, when it is over and the program may be told.

use mirrorm_core::schema::Table;
use mirrorm_core::{Error, Outcome, Result};

use crate::changes::Changes;
use crate::inner::{LevelState, Verb};
use crate::log::Log;

/// How far a COMMIT came.
pub(crate) enum Sent {
    /// Every database took it.
    All,
    /// Some did, and one refused; or the connection was lost on the way.
    Part(Partial),
    /// None did, or it was not sent.
    Nothing(Error),
}

/// A COMMIT that failed in one database.
pub(crate) struct Partial {
    pub(crate) error: Error,
    /// The database that failed.
    pub(crate) at: usize,
    /// Those that had committed before.
    pub(crate) committed: Vec<usize>,
}

impl Verb<'_> {
    /// Takes stock: what is not committed anywhere is rolled back on the records too, what is, stays.
    /// Tells of what is lost and what is in doubt; gives what is committed, and the error.
    pub(crate) fn settle_part(&self, part: Partial) -> Result<(Changes, Error)> {
        let Partial { error, at, committed } = part;
        let unknown = error.outcome() == Outcome::Unknown;
        let mut lost = self.core()?.restart();
        let kept = self.log_of(&mut lost, &committed)?;
        let doubtful = if unknown { self.log_of(&mut lost, &[at])? } else { Log::default() };
        let stays = |table: &Table| {
            self.place_to_write(table).is_ok_and(|own| committed.contains(&own) || (unknown && own == at))
        };
        let log = self.restore(lost, stays)?;
        let (kept, doubtful) = (Changes::new(kept), Changes::new(doubtful));
        self.close_books(&kept)?;
        self.close_books(&doubtful)?;
        self.tell_rolled_back(log);
        if unknown {
            let (session, signals) = (self.session(), self.inner.db.signals());
            let errors = signals.commit_unknown.tell(&session, &doubtful);
            signals.receiver_failed.tell(&session, &errors);
        }
        let error = self.say_committed(error, at, &committed)?;
        Ok((kept, error))
    }

    /// Takes what was done in some databases out of the books; gives the log of it.
    fn log_of(&self, levels: &mut [LevelState], own: &[usize]) -> Result<Log> {
        let mut log = Log::default();
        self.take_out(levels, own)?.into_iter().for_each(|level| log.append(level.log));
        Ok(log)
    }

    /// Takes what was done in some databases out of the books.
    pub(crate) fn take_out<'l>(
        &self,
        levels: impl IntoIterator<Item = &'l mut LevelState>,
        own: &[usize],
    ) -> Result<Vec<LevelState>> {
        let engines = self.inner.engines()?;
        let is_bind = |bind: Option<&str>| engines.position(bind).is_ok_and(|at| own.contains(&at));
        let is_table = |table: &Table| self.place_to_write(table).is_ok_and(|at| own.contains(&at));
        Ok(levels.into_iter().map(|level| level.take_out(is_bind, is_table)).collect())
    }

    fn say_committed(&self, error: Error, at: usize, committed: &[usize]) -> Result<Error> {
        if committed.is_empty() {
            return Ok(error);
        }
        let engines = self.inner.engines()?;
        let names: Vec<String> = committed.iter().map(|at| engines.label(*at)).collect();
        let place = format!("COMMIT of `{}`, after {}", engines.label(at), names.join(", "));
        let outcome = match error.outcome() {
            Outcome::Unknown => Outcome::Unknown,
            _ => Outcome::Partial,
        };
        Ok(error.at(place).with_outcome(outcome).with_committed(names))
    }
}
