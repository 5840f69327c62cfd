//! How long statements may take: a setting of the session (manual, 19.11, `statement_timeout`).
//!
//! What the setting was before stands in a setting of our own beside it, so that both go together when a transaction
//! or a savepoint is rolled back, and what a user has set is there again in the end. Called by `driver` and `cursor`.

use std::cell::Cell as Flag;
use std::time::Duration;

use mirrorm_core::{Error, ErrorKind, Result};

use super::driver::PostgresConnection;

/// How long statements may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// As long as the session's settings say.
    Usual,
    /// So long; zero for any time.
    Own(Duration),
    /// One or the other: something was set in what was rolled back.
    Unknown,
}

/// What is known of a session's limit.
#[derive(Debug)]
pub(super) struct Limits {
    now: Flag<Limit>,
    /// Whether anything was set since the session was as new.
    told: Flag<bool>,
}

/// The longest that the server takes, in milliseconds.
const MOST: u128 = i32::MAX as u128;

/// The setting's value; zero is any time.
pub(super) fn millis(limit: Duration) -> u128 {
    if limit.is_zero() { 0 } else { limit.as_millis().clamp(1, MOST) }
}

impl Limits {
    pub(super) fn new() -> Limits {
        Limits { now: Flag::new(Limit::Usual), told: Flag::new(false) }
    }

    pub(super) fn now(&self) -> Limit {
        self.now.get()
    }

    /// What was set in a transaction goes with it.
    pub(super) fn unsettle(&self) {
        if self.told.get() {
            self.now.set(Limit::Unknown);
        }
    }

    /// The session is as new.
    pub(super) fn forget(&self) {
        self.now.set(Limit::Usual);
        self.told.set(false);
    }
}

impl PostgresConnection {
    /// Sets how long the statements that follow may take. In a transaction that failed nothing can be set, and
    /// nothing runs either.
    pub(super) fn set_limit(&self, wanted: Limit) -> Result<()> {
        if self.limits.now() == wanted || self.is_failed() {
            return Ok(());
        }
        let local = self.limit_is_local()?;
        let sql = match wanted {
            Limit::Own(most) => format!(
                "SELECT set_config('mirrorm.usual', coalesce(nullif(current_setting('mirrorm.usual', true), ''), current_setting('statement_timeout')), {local}), set_config('statement_timeout', '{}', {local})",
                millis(most)
            ),
            Limit::Usual | Limit::Unknown => format!(
                "SELECT set_config('statement_timeout', coalesce(nullif(current_setting('mirrorm.usual', true), ''), current_setting('statement_timeout')), {local}), set_config('mirrorm.usual', '', {local})"
            ),
        };
        self.limits.told.set(true);
        self.send(|client| client.batch_execute(&sql))?;
        self.limits.now.set(wanted);
        Ok(())
    }

    /// Whether a limit is set for the transaction alone: behind a pooler, which gives another session to each, one of
    /// the session would be a stranger's.
    fn limit_is_local(&self) -> Result<bool> {
        if self.keeps || self.is_usable() {
            return Ok(!self.keeps);
        }
        let message = "with `statement_cache=0` there may be a pooler between: a limit is for statements in a transaction";
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_any_time_and_nothing_else_is() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_micros(1)), 1);
        assert_eq!(millis(Duration::from_secs(100 * 24 * 3600)), MOST);
    }
}
