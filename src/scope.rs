//! The session of a scope: found wherever the code is, instead of handed on from function to function.
//!
//! A scope is a thread, what a function of the program says (`Scopes`), or a block of code
//! (`ScopeGuard`). Not here: sessions themselves. Callers: programs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use mirrorm_core::engine::Observing;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_session::{Db, Identity, Session, SessionOptions};
use parking_lot::Mutex;

use crate::recording::{Queries, RecordedQuery, Recorder};

thread_local! {
    /// The sessions of this thread's scopes, the innermost last, each with the number of its scope.
    static SCOPES: RefCell<Stack> = const { RefCell::new(Stack { next: 0, open: Vec::new() }) };
}

struct Stack {
    next: u64,
    open: Vec<Entry>,
}

impl Stack {
    /// The innermost scope of a `Db`.
    fn current(&mut self, db: Identity) -> Option<&mut Entry> {
        self.open.iter_mut().rev().find(|entry| entry.db.identity() == db)
    }
}

struct Entry {
    id: u64,
    db: Db,
    session: Option<Session>,
    /// Whether a guard ends it; else it is the thread's.
    guarded: bool,
    /// What a recorder keeps for it.
    queries: Queries,
}

/// The current scope of a [`Db`]. The prelude brings it in.
pub trait Scoped {
    /// The session of the current scope, made when it is first asked for: of the innermost
    /// [`Scoped::scope`] that is open on this thread, else of the thread.
    ///
    /// It lives until its scope ends, keeps its transaction until then or until it is committed or
    /// rolled back, and is the same at each call.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// fn rename(db: &Db, users: &Table) -> Result<()> {
    ///     let session = db.scoped(); // the same as the caller's
    ///     session.get_or_404(users, 1, None)?.set("name", "anna")
    /// }
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// db.scoped().add(users.record(values! { "name" => "ann" })?)?;
    /// rename(&db, &users)?;
    /// assert_eq!(db.scoped().commit()?.changes.len(), 1);
    /// db.remove();
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn scoped(&self) -> ScopedSession;

    /// Ends the session of the current scope, rolling back what is not committed. The next
    /// [`Scoped::scoped`] makes another; nothing happens where none was made.
    fn remove(&self);

    /// Begins a scope of its own inside the current one, until the guard goes: by its end, by `?`, or
    /// by a panic. What is not committed then is rolled back, and the connection is free.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// {
    ///     let _request = db.scope();
    ///     db.scoped().add(tags.record(values! { "name" => "lost" })?)?;
    ///     db.scoped().flush()?;
    /// }
    /// assert_eq!(db.session().query(&tags).count()?, 0);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn scope(&self) -> ScopeGuard;
}

impl Scoped for Db {
    fn scoped(&self) -> ScopedSession {
        let known = with_stack(|stack| {
            let own = stack.current(self.identity());
            own.map(|entry| (entry.id, entry.session.as_ref().map(Session::handle)))
        });
        let id = match known.flatten() {
            Some((_, Some(session))) => return ScopedSession(session),
            Some((id, None)) => id,
            None => begin(self, false),
        };
        // The program's hooks make it: nothing is borrowed meanwhile.
        let mut made = Some(self.scoped_session(None));
        let handle = with_stack(|stack| {
            let own = stack.open.iter_mut().find(|entry| entry.id == id)?;
            match &own.session {
                Some(first) => Some(first.handle()),
                None => Some(own.session.insert(made.take()?).handle()),
            }
        });
        match (handle.flatten(), made) {
            (Some(handle), _) => ScopedSession(handle),
            // The thread is going, or its scope is over already: the session is the caller's.
            (None, Some(session)) => ScopedSession(session),
            (None, None) => ScopedSession(self.scoped_session(None)),
        }
    }

    fn remove(&self) {
        let ended = with_stack(|stack| {
            let at = stack.open.iter().rposition(|entry| entry.db == *self)?;
            match stack.open.get_mut(at)? {
                entry if entry.guarded => entry.session.take(),
                _ => stack.open.remove(at).session,
            }
        });
        // Ending it may call the program's receivers.
        drop(ended);
    }

    fn scope(&self) -> ScopeGuard {
        ScopeGuard { id: begin(self, true), _of_this_thread: PhantomData }
    }
}

/// Lends the scopes of this thread; none where the thread is going and has let them go.
fn with_stack<T>(body: impl FnOnce(&mut Stack) -> T) -> Option<T> {
    SCOPES.try_with(|scopes| scopes.try_borrow_mut().ok().map(|mut stack| body(&mut stack))).ok().flatten()
}

/// The scopes of a `Db`, known without keeping it alive.
pub(crate) struct ScopesOf(Identity);

impl ScopesOf {
    pub(crate) fn new(db: &Db) -> ScopesOf {
        ScopesOf(db.identity())
    }

    /// Keeps a query in the current scope, if there is one.
    pub(crate) fn record(&self, query: RecordedQuery, limit: usize) {
        with_stack(|stack| {
            if let Some(entry) = stack.current(self.0) {
                entry.queries.push(query, limit);
            }
        });
    }
}

/// What was recorded in the current scope.
pub(crate) fn recorded_in(db: &Db) -> Vec<RecordedQuery> {
    let own = with_stack(|stack| stack.current(db.identity()).map(|entry| entry.queries.list()));
    own.flatten().unwrap_or_default()
}

/// Begins a scope; gives its number, which is of none where the thread is going.
fn begin(db: &Db, guarded: bool) -> u64 {
    let begun = with_stack(|stack| {
        stack.next += 1;
        stack.open.push(Entry {
            id: stack.next,
            db: db.clone(),
            session: None,
            guarded,
            queries: Queries::default(),
        });
        stack.next
    });
    begun.unwrap_or(0)
}

/// The session of a scope: everything a [`Session`] does, but to end it, which its scope does.
pub struct ScopedSession(Session);

impl Deref for ScopedSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl fmt::Debug for ScopedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A scope that ends when this is dropped: see [`Scoped::scope`].
#[must_use = "a scope ends when its guard is dropped: `let _ =` drops it at once"]
pub struct ScopeGuard {
    id: u64,
    _of_this_thread: PhantomData<*const ()>,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        let ended = with_stack(|stack| {
            let at = stack.open.iter().position(|entry| entry.id == self.id);
            at.map(|at| stack.open.remove(at))
        });
        drop(ended);
    }
}

impl fmt::Debug for ScopeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeGuard({})", self.id)
    }
}

/// Sessions by scope, where a function of the program says what the current scope is: a request, a
/// job, a tenant. They can be used from any thread, one at a time.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let request = Arc::new(AtomicU32::new(1));
/// let current = request.clone();
/// let scopes = Scopes::by(&db, move || current.load(Ordering::Relaxed));
/// scopes.session().execute("CREATE TABLE t (a)", ())?;
/// scopes.session().commit()?;
/// scopes.remove();
/// request.store(2, Ordering::Relaxed);
/// assert!(!scopes.has_session());
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub struct Scopes<K> {
    db: Db,
    options: Option<SessionOptions>,
    current: Arc<dyn Fn() -> K + Send + Sync>,
    sessions: Arc<Mutex<HashMap<K, Own>>>,
}

/// What a scope has of its own.
struct Own {
    session: Session,
    /// What a recorder keeps for it.
    queries: Queries,
}

impl<K: Hash + Eq> Scopes<K> {
    /// Scopes that a function tells apart. One that gives another value at each call gives another
    /// session at each call.
    pub fn by(db: &Db, current: impl Fn() -> K + Send + Sync + 'static) -> Scopes<K> {
        Scopes { db: db.clone(), options: None, current: Arc::new(current), sessions: Arc::default() }
    }

    /// The same with options for their sessions, instead of those of the configuration.
    #[must_use]
    pub fn options(mut self, options: SessionOptions) -> Scopes<K> {
        self.options = Some(options);
        self
    }

    /// The session of the current scope, made when it is first asked for.
    pub fn session(&self) -> ScopedSession {
        self.find(|| self.db.scoped_session(self.options.clone()))
    }

    fn find(&self, make: impl FnOnce() -> Session) -> ScopedSession {
        let key = (self.current)();
        let known = self.sessions.lock().get(&key).map(|own| own.session.handle());
        if let Some(session) = known {
            return ScopedSession(session);
        }
        // The program's hooks make it: nothing is locked meanwhile. Who comes second uses the first
        // one's, and lets go of its own after the lock.
        let made = make();
        let mut sessions = self.sessions.lock();
        if let Some(first) = sessions.get(&key) {
            let handle = first.session.handle();
            drop(sessions);
            drop(made);
            return ScopedSession(handle);
        }
        let handle = made.handle();
        sessions.insert(key, Own { session: made, queries: Queries::default() });
        ScopedSession(handle)
    }

    /// The session of the current scope, made now with these options.
    ///
    /// # Errors
    /// `Invalid` where the scope has a session already, which has its own.
    pub fn session_with(&self, options: SessionOptions) -> Result<ScopedSession> {
        if self.has_session() {
            let message = "the scope has a session already: options are for a new one, after `remove`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(self.find(|| self.db.scoped_session(Some(options))))
    }

    /// Whether the current scope has a session.
    pub fn has_session(&self) -> bool {
        let key = (self.current)();
        self.sessions.lock().contains_key(&key)
    }

    /// What was recorded in the current scope, oldest first: see [`Scopes::record`].
    pub fn recorded_queries(&self) -> Vec<RecordedQuery> {
        let key = (self.current)();
        self.sessions.lock().get(&key).map(|own| own.queries.list()).unwrap_or_default()
    }

    /// Ends the session of the current scope, rolling back what is not committed; nothing happens
    /// where there is none.
    pub fn remove(&self) {
        let key = (self.current)();
        let ended = self.sessions.lock().remove(&key);
        // Ending it may call the program's receivers.
        drop(ended);
    }
}

impl<K: Hash + Eq + Send + 'static> Scopes<K> {
    /// Records what is sent in each of its scopes that has a session apart, for
    /// [`Scopes::recorded_queries`], until what this returns is dropped. A scope takes what it recorded
    /// with it.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::Recorder;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let scopes = Scopes::by(&db, || std::thread::current().id());
    /// let _recording = scopes.record(Recorder::new());
    /// scopes.session().query_text("SELECT 1", ())?;
    /// assert_eq!(scopes.recorded_queries().len(), 1);
    /// scopes.remove();
    /// assert!(scopes.recorded_queries().is_empty());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn record(&self, recorder: Recorder) -> Observing {
        let (current, sessions) = (self.current.clone(), self.sessions.clone());
        recorder.watch(&self.db, move |query, limit| {
            // The program's function runs before anything is locked.
            let key = current();
            if let Some(own) = sessions.lock().get_mut(&key) {
                own.queries.push(query, limit);
            }
        })
    }
}

impl<K> fmt::Debug for Scopes<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({}, {:?})", self.sessions.lock().len(), self.db)
    }
}
