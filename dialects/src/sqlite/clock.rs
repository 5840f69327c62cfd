//! How long statements may take: SQLite asks from time to time whether to go on (sqlite.org/c3ref/progress_handler.html).
//!
//! Called by `driver`. What is stopped is `SQLITE_INTERRUPT`, of the kind `Timeout`.

use std::cell::Cell as Flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mirrorm_core::Result;

use super::errors::from_driver;
use super::statement::is_done;

/// How many steps of SQLite's machine there are between two questions: some tens of microseconds.
const STEPS: i32 = 4_000;

/// No end.
const NEVER: u64 = u64::MAX;

/// When the statement that runs has to end.
pub(super) struct Clock {
    /// The limit of the engine's options.
    usual: Option<Duration>,
    limit: Flag<Option<Duration>>,
    begun: Instant,
    /// In microseconds since `begun`.
    end: Arc<AtomicU64>,
}

/// The time of one statement's rows.
pub(super) struct Timed<'c> {
    clock: &'c Clock,
    /// How long each block may take, of a stream.
    each: Option<Duration>,
    /// When all have to be read, of what is no stream.
    end: u64,
}

/// While it lives, the clock runs: user code has all the time it needs.
#[must_use]
pub(super) struct Armed<'c>(&'c Clock);

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Clock {
    /// A clock that the connection asks. SQLite asks once more when a statement is done and kept: it is done then,
    /// however late.
    pub(super) fn of(raw: &mut rusqlite::Connection, usual: Option<Duration>) -> Result<Clock> {
        let (begun, end) = (Instant::now(), Arc::new(AtomicU64::new(NEVER)));
        let asked = end.clone();
        let is_late = move || match asked.load(Ordering::Relaxed) {
            NEVER => false,
            end => since(begun) > end && !is_done(),
        };
        raw.progress_handler(STEPS, Some(is_late)).map_err(from_driver)?;
        Ok(Clock { usual, limit: Flag::new(None), begun, end })
    }

    /// The limit of the statements that follow; none for the usual one.
    pub(super) fn limit(&self, limit: Option<Duration>) {
        self.limit.set(limit);
    }

    fn now(&self) -> Option<Duration> {
        self.limit.get().or(self.usual)
    }

    /// Begins the time of a statement.
    pub(super) fn start(&self) -> Armed<'_> {
        self.end_at(self.end_of(self.now()))
    }

    /// Stops the time: what is done from now on has all it needs.
    pub(super) fn stop(&self) {
        self.end.store(NEVER, Ordering::Relaxed);
    }

    fn end_of(&self, limit: Option<Duration>) -> u64 {
        let limit = limit.filter(|limit| !limit.is_zero());
        limit.map_or(NEVER, |limit| since(self.begun).saturating_add(micros(limit)))
    }

    fn end_at(&self, end: u64) -> Armed<'_> {
        self.end.store(end, Ordering::Relaxed);
        Armed(self)
    }

    /// The time that the statement which was begun has for its rows: what is left of it, or for each block of a
    /// stream as much again.
    pub(super) fn running(&self, stream: bool) -> Timed<'_> {
        let each = if stream { self.now() } else { None };
        Timed { clock: self, each, end: self.end.load(Ordering::Relaxed) }
    }
}

impl Timed<'_> {
    /// Goes on, whatever statements ran meanwhile.
    pub(super) fn again(&self) -> Armed<'_> {
        self.clock.end_at(self.each.map_or(self.end, |each| self.clock.end_of(Some(each))))
    }
}

fn since(begun: Instant) -> u64 {
    micros(begun.elapsed())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(NEVER)
}
