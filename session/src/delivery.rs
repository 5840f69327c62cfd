//! Telling receivers what was committed: one delivery after the other, however they nest.
//!
//! A receiver may use its session and others, and commit in them. What it commits is told after the
//! running delivery, on the same thread, at most sixteen deep: a receiver that answers every commit
//! with another one ends there, and `receiver_failed` hears of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use mirrorm_core::{Error, ErrorKind};

use crate::changes::Changes;
use crate::inner::{Inner, Verb};
use crate::session::Session;

/// The most deliveries that lead one to the next.
const DEEPEST: usize = 16;

/// What waits for the running delivery to end.
struct Waiting {
    session: Arc<Inner>,
    changes: Changes,
    depth: usize,
}

/// The delivery that runs on a thread.
struct Running {
    depth: usize,
    queue: VecDeque<Waiting>,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// Tells the receivers, now or after the delivery that runs; gives the errors of those told now.
pub(crate) fn deliver(verb: &Verb<'_>, changes: &Changes) -> Vec<Error> {
    if verb.inner.db.signals().models_committed.is_empty() || changes.log().is_empty() {
        return Vec::new();
    }
    let queued = RUNNING.with_borrow_mut(|running| match running {
        Some(running) => {
            let depth = running.depth + 1;
            running.queue.push_back(Waiting { session: verb.inner.clone(), changes: changes.clone(), depth });
            true
        }
        None => {
            *running = Some(Running { depth: 0, queue: VecDeque::new() });
            false
        }
    });
    if queued {
        return Vec::new();
    }
    // Receivers do not unwind out of `tell`; should anything else, the thread may deliver again.
    let _ended = Ended;
    let errors = tell(verb.inner, changes);
    while let Some(next) = next() {
        if next.depth > DEEPEST {
            let message =
                format!("receivers answered {DEEPEST} commits with another one; this one is not told");
            let error = Error::new(ErrorKind::Invalid, message);
            next.session.db.signals().receiver_failed.tell(&Session::view(&next.session), &[error]);
            continue;
        }
        tell(&next.session, &next.changes);
    }
    errors
}

fn next() -> Option<Waiting> {
    RUNNING.with_borrow_mut(|running| {
        let running = running.as_mut()?;
        let next = running.queue.pop_front()?;
        running.depth = next.depth;
        Some(next)
    })
}

fn tell(inner: &Arc<Inner>, changes: &Changes) -> Vec<Error> {
    // A session that has ended since its commit is replaced by a new one: receivers may use it.
    let session = if inner.is_closed() { inner.db.session() } else { Session::view(inner) };
    let signals = inner.db.signals();
    let errors = signals.models_committed.tell(&session, changes);
    signals.receiver_failed.tell(&session, &errors);
    errors
}

struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| *running = None);
    }
}
