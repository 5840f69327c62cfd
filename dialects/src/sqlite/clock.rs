//! How long statements may take: SQLite asks from time to time whether to go on (sqlite.org/c3ref/progress_handler.html).
//!
//! Called by `driver`. What is stopped is `SQLITE_INTERRUPT`, of the kind `Timeout`.

use std::cell::Cell as Flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mirrorm_core::Result;

use super::errors::from_driver;

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

/// The time of one statement.
pub(super) struct Timed<'c> {
    clock: &'c Clock,
    limit: Option<Duration>,
}

impl Clock {
    /// A clock that the connection asks.
    pub(super) fn of(raw: &mut rusqlite::Connection, usual: Option<Duration>) -> Result<Clock> {
        let (begun, end) = (Instant::now(), Arc::new(AtomicU64::new(NEVER)));
        let asked = end.clone();
        let is_late = move || match asked.load(Ordering::Relaxed) {
            NEVER => false,
            end => since(begun) > end,
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
    pub(super) fn start(&self) {
        self.end_in(self.now());
    }

    /// Ends it: what is done between statements has all the time it needs.
    pub(super) fn stop(&self) {
        self.end.store(NEVER, Ordering::Relaxed);
    }

    fn end_in(&self, limit: Option<Duration>) {
        let end = limit.map_or(NEVER, |limit| since(self.begun).saturating_add(micros(limit)));
        self.end.store(end, Ordering::Relaxed);
    }

    /// The time of the statement that was begun, for its rows.
    pub(super) fn running(&self) -> Timed<'_> {
        Timed { clock: self, limit: self.now() }
    }
}

impl Timed<'_> {
    /// Begins it once more, whatever statements ran meanwhile.
    pub(super) fn again(&self) {
        self.clock.end_in(self.limit);
    }
}

fn since(begun: Instant) -> u64 {
    micros(begun.elapsed())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(NEVER)
}
