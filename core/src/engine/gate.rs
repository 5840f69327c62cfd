//! The gate writers of one process queue at, where the database takes one writer at a time.
//!
//! Without it they would poll the database's lock and starve each other. First come, first
//! served. Other processes are waited for by the driver's own busy timeout.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::holders::{Holder, deadline};
use crate::error::{Error, ErrorKind, Result};

/// The gate of an engine.
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    timeout: Duration,
}

#[derive(Default)]
struct State {
    holder: Option<Holder>,
    waiting: VecDeque<u64>,
    next: u64,
}

/// The right to write, given back on drop.
pub(crate) struct Pass(Arc<Gate>);

impl Gate {
    pub(super) fn new(timeout: Duration) -> Gate {
        Gate { state: Mutex::default(), changed: Condvar::new(), timeout }
    }

    /// Waits for the right to write.
    ///
    /// # Errors
    /// `Busy` at once when this thread holds it on another connection, and after the busy timeout
    /// otherwise; both name the holder.
    pub(super) fn enter(self: &Arc<Gate>) -> Result<Pass> {
        let mut state = self.state.lock();
        if let Some(holder) = state.holder.as_ref().filter(|holder| holder.is_here()) {
            let message = format!(
                "this thread is writing in another transaction ({holder}); use that transaction, or end it first"
            );
            return Err(Error::new(ErrorKind::Busy, message));
        }
        let ticket = state.next;
        state.next += 1;
        state.waiting.push_back(ticket);
        let deadline = deadline(self.timeout);
        while state.holder.is_some() || state.waiting.front() != Some(&ticket) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                state.waiting.retain(|other| *other != ticket);
                let holder = state.holder.as_ref().map_or("nobody".to_string(), Holder::to_string);
                drop(state);
                self.changed.notify_all();
                let waited = self.timeout.as_secs_f64();
                let message =
                    format!("another writer of this process is at work ({holder}); waited {waited:.1} s");
                return Err(Error::new(ErrorKind::Busy, message));
            }
        }
        state.waiting.pop_front();
        state.holder = Some(Holder::here(ticket));
        Ok(Pass(self.clone()))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.state.lock().holder = None;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_served() {
        let gate = Arc::new(Gate::new(Duration::from_secs(5)));
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = gate.enter().unwrap();
        let threads: Vec<_> = (0..4)
            .map(|i| {
                let (own, order) = (gate.clone(), order.clone());
                let thread = std::thread::spawn(move || {
                    let _pass = own.enter().unwrap();
                    order.lock().push(i);
                });
                while gate.state.lock().waiting.len() <= i {
                    std::thread::yield_now();
                }
                thread
            })
            .collect();
        drop(first);
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(*order.lock(), [0, 1, 2, 3]);
    }

    #[test]
    fn busy_names_the_holder() {
        let gate = Arc::new(Gate::new(Duration::from_millis(20)));
        let _held = gate.enter().unwrap();
        let here = gate.enter().map(|_| ()).unwrap_err();
        assert_eq!(here.kind(), ErrorKind::Busy);
        let other = gate.clone();
        let error = std::thread::spawn(move || other.enter().map(|_| ()).unwrap_err()).join().unwrap();
        assert!(error.is_retryable());
        assert!(error.message().contains("busy_names_the_holder"), "{error}");
    }
}
