//! What happens to the connections of a pool, for those who prepare them, judge them or count them.
//!
//! Not here: what is sent over them (`observe`). Hooks run with the connection in the caller's hands and
//! nothing locked; made by `Engine`, told by `pool`.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::conn::Conn;
use super::{Engine, PoolStatus};
use crate::error::{Error, ErrorKind, Result};

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PoolEventKind {
    /// It was opened.
    Connect,
    /// It was given out.
    Checkout,
    /// It came back.
    Checkin,
    /// It was found to be gone, or a checkout hook said so.
    Invalidate,
    /// It was closed: gone, too old, one too many, or the pool was disposed of.
    Close,
}

/// Something that happened to a connection of a pool. Lent to those who
/// [`observe_pool`](Engine::observe_pool).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PoolEvent<'e> {
    /// What happened.
    pub kind: PoolEventKind,
    /// Which connection: they are counted from 1 in each pool.
    pub connection: u64,
    /// How long ago it was opened.
    pub age: Duration,
    /// How the pool stands now.
    pub status: PoolStatus,
    /// The database, without its password.
    pub database: &'e str,
}

impl fmt::Display for PoolEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolStatus { idle, in_use, waiting } = self.status;
        write!(f, "connection {} {:?} after {:.1} s ", self.connection, self.kind, self.age.as_secs_f64())?;
        write!(f, "({idle} idle, {in_use} in use, {waiting} waiting)  {}", self.database)
    }
}

type Check = Arc<dyn Fn(&Conn) -> Result<()> + Send + Sync>;

#[derive(Clone)]
enum Hook {
    Connect(Check),
    Checkout(Check),
    Event(Arc<dyn Fn(&PoolEvent<'_>) + Send + Sync>),
}

/// Who wants to know of a pool's connections.
#[derive(Default)]
pub(super) struct Hooks {
    all: RwLock<Vec<(u64, Hook)>>,
    /// How many there are, for those who need not lock to know that there are none.
    count: AtomicUsize,
}

impl Hooks {
    fn add(self: &Arc<Hooks>, hook: Hook) -> PoolHook {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut all = self.all.write();
        // Under the lock, so that the list is in the order of the numbers.
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        all.push((id, hook));
        self.count.fetch_add(1, Ordering::Release);
        PoolHook { hooks: self.clone(), id }
    }

    /// Whether nobody wants to know.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Those that are there now: nothing is locked while they run.
    fn now(&self) -> Vec<(u64, Hook)> {
        self.all.read().clone()
    }

    /// Tells of an event. A panic is caught: the connection is on its way, whoever heard of it.
    pub(super) fn tell(&self, event: &PoolEvent<'_>) {
        let Some(_busy) = Busy::enter() else { return };
        for (_, hook) in self.now() {
            if let Hook::Event(listener) = hook {
                drop(catch_unwind(AssertUnwindSafe(|| listener(event))));
            }
        }
    }

    /// Runs what a connection goes through before somebody gets it: hooks of new connections, those that
    /// it has not been through yet, then those of every checkout. What a hook opens itself goes through none.
    pub(super) fn greet(&self, conn: &Conn) -> Result<()> {
        let Some(_busy) = Busy::enter() else { return Ok(()) };
        let hooks = self.now();
        for (id, hook) in &hooks {
            if let Hook::Connect(prepare) = hook
                && conn.lease().greeted() < *id
            {
                prepare(conn)?;
                left_no_transaction(conn)?;
                conn.driver().adopt();
                conn.lease().set_greeted(*id);
            }
        }
        hooks.iter().try_for_each(|(_, hook)| match hook {
            Hook::Checkout(check) => check(conn).and_then(|()| left_no_transaction(conn)),
            _ => Ok(()),
        })
    }
}

/// Whoever gets the connection believes that what is sent commits by itself.
fn left_no_transaction(conn: &Conn) -> Result<()> {
    match conn.driver().in_transaction() {
        true => Err(Error::new(ErrorKind::Invalid, "a hook of the pool left a transaction open")),
        false => Ok(()),
    }
}

thread_local! {
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// A hook at work on this thread: what it does with the pool itself is nobody's news, or it would never end.
struct Busy;

impl Busy {
    /// None where one is at work already.
    fn enter() -> Option<Busy> {
        let before = IN_HOOK.try_with(|flag| flag.replace(true));
        before.is_ok_and(|before| !before).then(|| Busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = IN_HOOK.try_with(|flag| flag.set(false));
    }
}

/// A hook of a pool, there until this is dropped.
#[must_use = "the hook is gone when this is dropped"]
pub struct PoolHook {
    hooks: Arc<Hooks>,
    id: u64,
}

impl Drop for PoolHook {
    fn drop(&mut self) {
        let mut all = self.hooks.all.write();
        let hook = all.iter().position(|(id, _)| *id == self.id).map(|at| all.remove(at));
        drop(all);
        self.hooks.count.fetch_sub(1, Ordering::Release);
        // What it holds may be the last of a database, whose end asks for hooks.
        drop(hook);
    }
}

impl fmt::Debug for PoolHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolHook({})", self.id)
    }
}

impl Engine {
    /// Calls a function with every connection before it is first given out, until the guard is dropped;
    /// connections that are open already go through it when they are next given out.
    ///
    /// What it sets in the session is the connection's own: it stays when a user's settings are taken away,
    /// or is set again. An error of it closes the connection and goes to who asked for one; the one
    /// connection of a database in memory stays, for the database would go with it. Connections that it opens
    /// itself go through no hooks.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let _hook = db.engine()?.on_connect(|conn| conn.execute("PRAGMA recursive_triggers = on", ()).map(drop));
    /// let row = db.query_text("PRAGMA recursive_triggers", ())?.one()?;
    /// assert_eq!(row.get::<i64>(0)?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn on_connect(&self, prepare: impl Fn(&Conn) -> Result<()> + Send + Sync + 'static) -> PoolHook {
        self.hooks().add(Hook::Connect(Arc::new(prepare)))
    }

    /// Calls a function with every connection that is given out, until the guard is dropped. When it fails
    /// with `Disconnected` the connection is replaced, twice at most; any other error closes the
    /// connection and goes to who asked for one.
    pub fn on_checkout(&self, check: impl Fn(&Conn) -> Result<()> + Send + Sync + 'static) -> PoolHook {
        self.hooks().add(Hook::Checkout(Arc::new(check)))
    }

    /// Calls a function after everything that happens to a connection of the pool, on the thread it
    /// happens on, until the guard is dropped. A panic of it is caught; what it does with the pool itself is
    /// not told.
    ///
    /// # Example
    /// ```
    /// use mirrorm::engine::PoolEventKind;
    /// use mirrorm::prelude::*;
    /// use std::sync::{Arc, Mutex};
    ///
    /// let db = Db::open("sqlite://")?;
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let list = seen.clone();
    /// let _watch = db.engine()?.observe_pool(move |event| list.lock().unwrap().push(event.kind));
    /// db.execute("CREATE TABLE t (a)", ())?;
    /// assert_eq!(*seen.lock().unwrap(), [PoolEventKind::Checkout, PoolEventKind::Checkin]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn observe_pool(&self, listener: impl Fn(&PoolEvent<'_>) + Send + Sync + 'static) -> PoolHook {
        self.hooks().add(Hook::Event(Arc::new(listener)))
    }
}
