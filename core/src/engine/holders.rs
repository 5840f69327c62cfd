//! Who holds something that others wait for, for errors that say so.

use std::fmt;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Somebody who holds a connection or the writer's place.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) id: u64,
    thread: Thread,
    since: Instant,
}

impl Holder {
    /// The current thread, from now on.
    pub(super) fn here(id: u64) -> Holder {
        Holder { id, thread: thread::current(), since: Instant::now() }
    }

    /// Whether the current thread is the one that took it.
    pub(super) fn is_here(&self) -> bool {
        self.thread.id() == thread::current().id()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.thread.name() {
            Some(name) => write!(f, "thread `{name}`")?,
            None => write!(f, "{:?}", self.thread.id())?,
        }
        write!(f, " for {:.1} s", self.since.elapsed().as_secs_f64())
    }
}

/// When waiting for so long ends; a time beyond the clock's is a year from now.
pub(super) fn deadline(timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    Instant::now() + timeout.min(YEAR)
}
