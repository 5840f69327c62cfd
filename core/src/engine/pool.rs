//! The pool: connections kept, given out in turn, replaced when old, dropped when broken.
//!
//! Not here: what a connection does (`conn`). No lock is held while connecting, pinging, resetting
//! or closing.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::closed::Closed;
use super::holders::{Holder, deadline};
use super::pool_events::{Hooks, PoolEvent, PoolEventKind};
use crate::dialect::{Connection, Connector, EngineOptions, PoolKind};
use crate::error::{Error, ErrorKind, Result};

/// The pool of an engine.
pub(super) struct Pool {
    connector: Box<dyn Connector>,
    kind: PoolKind,
    size: usize,
    overflow: usize,
    timeout: Duration,
    recycle: Option<Duration>,
    ping_after: Option<Duration>,
    lifo: bool,
    state: Mutex<State>,
    changed: Condvar,
    hooks: Arc<Hooks>,
    /// Connections opened so far.
    opened: AtomicU64,
}

#[derive(Default)]
struct State {
    idle: VecDeque<Idle>,
    holders: Vec<Holder>,
    waiting: VecDeque<u64>,
    next: u64,
    /// Connections opened before this instant are closed when they come back.
    valid_from: Option<Instant>,
}

struct Idle {
    member: Member,
    /// Since when, where somebody wants to know.
    since: Option<Instant>,
}

/// A connection, and what the pool knows of it.
struct Member {
    connection: Box<dyn Connection>,
    opened: Instant,
    number: u64,
    /// The last hook of new connections that it has been through.
    greeted: Cell<u64>,
}

/// How a pool stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// Connections kept and not in use.
    pub idle: usize,
    /// Connections in use.
    pub in_use: usize,
    /// Threads waiting for one.
    pub waiting: usize,
}

/// A connection in use. It goes back on drop.
pub(super) struct Lease {
    pool: Arc<Pool>,
    /// There until it is dropped.
    member: Option<Member>,
    id: u64,
    broken: Cell<bool>,
}

impl Pool {
    pub(super) fn new(connector: Box<dyn Connector>, options: &EngineOptions) -> Arc<Pool> {
        let kind = options.pool_kind();
        Arc::new(Pool {
            connector,
            kind,
            size: if kind == PoolKind::Static { 1 } else { options.size.unwrap_or(5) },
            overflow: if kind == PoolKind::Static { 0 } else { options.overflow.unwrap_or(10) },
            timeout: options.timeout.unwrap_or(Duration::from_secs(30)),
            recycle: options.recycle.filter(|_| kind != PoolKind::Static),
            ping_after: options.ping_after.filter(|_| kind != PoolKind::Static),
            lifo: options.lifo.unwrap_or(true),
            state: Mutex::default(),
            changed: Condvar::new(),
            hooks: Arc::default(),
            opened: AtomicU64::new(0),
        })
    }

    pub(super) fn describe(&self) -> String {
        self.connector.describe()
    }

    pub(super) fn hooks(&self) -> &Arc<Hooks> {
        &self.hooks
    }

    /// Tells those who want to know what happened to a connection.
    fn tell(&self, kind: PoolEventKind, number: u64, opened: Instant) {
        if !self.hooks.is_empty() {
            let (status, database) = (self.status(), self.describe());
            let age = opened.elapsed();
            self.hooks.tell(&PoolEvent { kind, connection: number, age, status, database: &database });
        }
    }

    /// Closes a connection.
    fn close(&self, member: Member) {
        let Member { connection, opened, number, .. } = member;
        drop(connection);
        self.tell(PoolEventKind::Close, number, opened);
    }

    pub(super) fn status(&self) -> PoolStatus {
        let state = self.state.lock();
        PoolStatus { idle: state.idle.len(), in_use: state.holders.len(), waiting: state.waiting.len() }
    }

    /// Takes a connection, waiting for one if need be.
    pub(super) fn checkout(self: &Arc<Pool>) -> Result<Lease> {
        let (id, mut idle) = self.take_place()?;
        // From here on the place is ours: whatever fails must give it back.
        while let Some(found) = idle {
            if self.is_good(&found) {
                if self.lives(&found) {
                    return Ok(self.lease(id, found.member));
                }
                // Where one is gone the others are: the server went away and came back.
                self.tell(PoolEventKind::Invalidate, found.member.number, found.member.opened);
                self.dispose();
            }
            self.close(found.member);
            idle = self.pop_idle(&mut self.state.lock());
        }
        match self.connector.connect() {
            Ok(connection) => {
                let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
                let member = Member { connection, opened: Instant::now(), number, greeted: Cell::new(0) };
                self.tell(PoolEventKind::Connect, number, member.opened);
                Ok(self.lease(id, member))
            }
            Err(error) => {
                self.leave(id);
                Err(error)
            }
        }
    }

    fn lease(self: &Arc<Pool>, id: u64, member: Member) -> Lease {
        self.tell(PoolEventKind::Checkout, member.number, member.opened);
        Lease { pool: self.clone(), member: Some(member), id, broken: false.into() }
    }

    /// Waits until there is room for one more connection in use, first come, first served.
    fn take_place(&self) -> Result<(u64, Option<Idle>)> {
        let mut state = self.state.lock();
        let id = state.next;
        state.next += 1;
        let most = self.most();
        if state.holders.len() >= most && state.holders.iter().all(Holder::is_here) {
            return Err(self.held_here(&state));
        }
        if state.holders.len() >= most || !state.waiting.is_empty() {
            state.waiting.push_back(id);
            let deadline = deadline(self.timeout);
            while state.holders.len() >= most || state.waiting.front() != Some(&id) {
                if self.changed.wait_until(&mut state, deadline).timed_out() {
                    state.waiting.retain(|other| *other != id);
                    let error = self.timed_out(&state);
                    drop(state);
                    self.changed.notify_all();
                    return Err(error);
                }
            }
            state.waiting.pop_front();
        }
        state.holders.push(Holder::here(id));
        let idle = self.pop_idle(&mut state);
        drop(state);
        self.changed.notify_all();
        Ok((id, idle))
    }

    /// The most connections in use at once.
    fn most(&self) -> usize {
        match self.kind {
            PoolKind::Null => usize::MAX,
            _ => self.size.saturating_add(self.overflow),
        }
    }

    fn pop_idle(&self, state: &mut MutexGuard<'_, State>) -> Option<Idle> {
        if self.lifo { state.idle.pop_back() } else { state.idle.pop_front() }
    }

    fn is_good(&self, idle: &Idle) -> bool {
        self.recycle.is_none_or(|limit| idle.member.opened.elapsed() < limit)
            && idle.member.connection.is_current()
    }

    /// Whether the server still answers, where it is to be asked.
    fn lives(&self, idle: &Idle) -> bool {
        let rested = self.ping_after.zip(idle.since).is_some_and(|(limit, since)| since.elapsed() >= limit);
        !rested || idle.member.connection.is_alive()
    }

    fn leave(&self, id: u64) {
        self.state.lock().holders.retain(|holder| holder.id != id);
        self.changed.notify_all();
    }

    /// Takes a connection back: reset and kept, or closed.
    fn give_back(&self, member: Member, id: u64, broken: bool) {
        let reset = if broken { None } else { member.connection.reset().ok() };
        if reset == Some(true) {
            // What hooks set is gone with what users did.
            member.greeted.set(0);
        }
        let (number, opened) = (member.number, member.opened);
        let mut state = self.state.lock();
        state.holders.retain(|holder| holder.id != id);
        let valid = state.valid_from.is_none_or(|from| opened >= from);
        let room = self.kind != PoolKind::Null && state.idle.len() < self.size;
        let closed = if reset.is_some() && valid && room {
            let since = self.ping_after.map(|_| Instant::now());
            state.idle.push_back(Idle { member, since });
            None
        } else {
            Some(member)
        };
        drop(state);
        self.changed.notify_all();
        self.tell(PoolEventKind::Checkin, number, opened);
        closed.into_iter().for_each(|member| self.close(member));
    }

    /// Closes what is idle, and lets what is in use close when it comes back.
    pub(super) fn dispose(&self) {
        let mut state = self.state.lock();
        state.valid_from = Some(Instant::now());
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.into_iter().for_each(|idle| self.close(idle.member));
    }

    fn held_here(&self, state: &State) -> Error {
        let message = format!(
            "this thread holds all {} connections of {} itself ({}); use the one it has, or drop it first",
            state.holders.len(),
            self.describe(),
            list(&state.holders)
        );
        Error::new(ErrorKind::Busy, message)
    }

    fn timed_out(&self, state: &State) -> Error {
        let message = format!(
            "no connection of {} came free in {:.1} s (size {}, overflow {}); held by {}",
            self.describe(),
            self.timeout.as_secs_f64(),
            self.size,
            self.overflow,
            list(&state.holders)
        );
        Error::new(ErrorKind::Timeout, message)
    }
}

/// The first few holders.
fn list(holders: &[Holder]) -> String {
    let mut text: Vec<String> = holders.iter().take(5).map(Holder::to_string).collect();
    if holders.len() > text.len() {
        text.push(format!("{} more", holders.len() - text.len()));
    }
    text.join(", ")
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.dispose();
    }
}

impl Lease {
    /// The connection.
    pub(super) fn connection(&self) -> &dyn Connection {
        self.member.as_ref().map_or(&Closed, |member| &*member.connection)
    }

    /// The last hook of new connections that the connection has been through.
    pub(super) fn greeted(&self) -> u64 {
        self.member.as_ref().map_or(0, |member| member.greeted.get())
    }

    pub(super) fn set_greeted(&self, hook: u64) {
        self.member.iter().for_each(|member| member.greeted.set(hook));
    }

    /// Marks the connection as gone, and with it those that were opened before: they went to the same
    /// server.
    pub(super) fn mark_broken(&self) {
        if !self.broken.get() {
            self.discard();
            self.pool.dispose();
        }
    }

    /// Lets the connection close when it comes back.
    pub(super) fn discard(&self) {
        if let (false, Some(member)) = (self.broken.replace(true), &self.member) {
            self.pool.tell(PoolEventKind::Invalidate, member.number, member.opened);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(member) = self.member.take() {
            self.pool.give_back(member, self.id, self.broken.get());
        }
    }
}
