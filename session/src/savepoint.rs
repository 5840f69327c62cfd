//! Savepoints of a session.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use mirrorm_core::engine::mark;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::inner::{Inner, Verb};

/// A savepoint of a session. Dropped without [`Savepoint::release`] it is rolled back.
#[must_use = "a savepoint is rolled back when it is dropped"]
pub struct Savepoint {
    session: Arc<Inner>,
    id: u64,
    open: Cell<bool>,
    // It is used where the session is.
    _not_send: PhantomData<*const ()>,
}

impl Savepoint {
    pub(crate) fn new(session: &Arc<Inner>, id: u64) -> Savepoint {
        Savepoint { session: session.clone(), id, open: Cell::new(true), _not_send: PhantomData }
    }

    /// Keeps what was done: it becomes part of the level around.
    ///
    /// # Errors
    /// `Invalid` when it is over, because a level around it ended. Otherwise it is rolled back: as
    /// [`Session::flush`](crate::Session::flush); the database's.
    #[track_caller]
    pub fn release(self) -> Result<()> {
        let _caller = mark();
        let verb = self.session.verb()?;
        let depth = self.depth(&verb)?;
        verb.flush_all()?;
        verb.merge_levels(depth + 1)?;
        let levels = std::mem::take(&mut verb.core()?.level().levels);
        if let Err(error) = verb.release(&levels) {
            self.open.set(false);
            return Err(verb.not_released(depth, &levels, error));
        }
        self.open.set(false);
        verb.merge_levels(depth)
    }

    /// Rolls back what was done since: records have the values they had then, and those that were
    /// added since are transient again. Savepoints inside it end too.
    ///
    /// # Errors
    /// `Invalid` when it is over; the database's.
    #[track_caller]
    pub fn rollback(self) -> Result<()> {
        let _caller = mark();
        self.open.set(false);
        let verb = self.session.enter()?;
        verb.refuse_inside_flush()?;
        verb.rollback_to(self.depth(&verb)?)
    }

    /// How many savepoints are around it.
    fn depth(&self, verb: &Verb<'_>) -> Result<usize> {
        let depth = verb.core()?.nested.iter().position(|level| level.id == self.id);
        depth.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the savepoint is over: a level around it has ended")
        })
    }
}

impl Verb<'_> {
    fn refuse_inside_flush(&self) -> Result<()> {
        if self.phase.get().sends() { self.refuse_inside("rollback") } else { Ok(()) }
    }
}

impl Drop for Savepoint {
    fn drop(&mut self) {
        if self.open.replace(false)
            && let Ok(verb) = self.session.enter()
            && let Ok(depth) = self.depth(&verb)
        {
            // Nobody is left to hear of an error; the pool resets or drops the connection.
            let _ = verb.rollback_to(depth);
        }
    }
}

impl fmt::Debug for Savepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Savepoint({})", self.id)
    }
}
