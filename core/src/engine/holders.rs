//! Who holds something that others wait for, for errors that say so.

use std::fmt;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Somebody who holds a connection or the writer's place.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) id: u64,
    thread: ThreadId,
    thread_name: String,
    since: Instant,
}

impl Holder {
    /// The current thread, from now on.
    pub(super) fn here(id: u64) -> Holder {
        let current = thread::current();
        let thread_name = match current.name() {
            Some(name) => format!("thread `{name}`"),
            None => format!("{:?}", current.id()),
        };
        Holder { id, thread: current.id(), thread_name, since: Instant::now() }
    }

    /// Whether the current thread is the one that took it.
    pub(super) fn is_here(&self) -> bool {
        self.thread == thread::current().id()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {:.1} s", self.thread_name, self.since.elapsed().as_secs_f64())
    }
}

/// When waiting for so long ends; a time beyond the clock's is a year from now.
pub(super) fn deadline(timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    Instant::now() + timeout.min(YEAR)
}
