//! Signals: who is told of changes, and how they are told.
//!
//! Receivers are copied before they are called, so that they may connect and disconnect; nothing is
//! locked or borrowed while one runs; each runs under `catch_unwind`. When signals are sent is told
//! by `commit` and `flush`.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::LocalKey;

use mirrorm_core::engine::unmarked;
use mirrorm_core::schema::Table;
use mirrorm_core::{Error, ErrorKind, Result};
use parking_lot::RwLock;

use crate::changes::Changes;
use crate::history::FieldChange;
use crate::named_signal::{NamedSignal, RelatedChange};
use crate::record::{Record, RecordState};
use crate::record_signal::RecordSignal;
use crate::session::Session;
use crate::statement_signal::{Apart, BeginSignal, QuerySignal};

/// The error a receiver may return: anything that is an error, and text.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a receiver returns: nothing, or a `Result<(), BoxError>`, so that `?` works on any error and
/// `Err("a post needs a title".into())` is enough.
#[diagnostic::on_unimplemented(
    message = "a receiver returns nothing or `Result<(), BoxError>`, not `{Self}`",
    note = "end it with `Ok(())`, or with a semicolon"
)]
pub trait Verdict {
    /// The error, if it is one.
    fn into_result(self) -> Result<(), BoxError>;
}

impl Verdict for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl Verdict for Result<(), BoxError> {
    fn into_result(self) -> Result<(), BoxError> {
        self
    }
}

/// Keeps a receiver connected. **It disconnects when it is dropped**: `let _ = …` drops at once, so
/// bind it to a name, or let it live as long as the program by [`Subscription::forever`].
#[must_use = "a receiver is disconnected when its subscription is dropped; bind it, or say `.forever()`"]
pub struct Subscription {
    disconnect: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Subscription {
    /// Keeps the receiver for as long as the `Db` lives.
    pub fn forever(mut self) {
        self.disconnect = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(disconnect) = self.disconnect.take() {
            disconnect();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

/// Receivers of one kind, in the order they are called.
pub(crate) struct Receivers<F: ?Sized> {
    list: RwLock<Vec<Connected<F>>>,
    /// How many there are, to be asked without a lock.
    count: AtomicUsize,
    next: AtomicU64,
}

/// One receiver.
struct Connected<F: ?Sized> {
    id: u64,
    once: bool,
    receiver: Arc<F>,
}

impl<F: ?Sized> Clone for Connected<F> {
    fn clone(&self) -> Self {
        Connected { id: self.id, once: self.once, receiver: self.receiver.clone() }
    }
}

/// How a receiver is connected.
#[derive(Clone, Copy, Default)]
pub(crate) struct How {
    /// Before those that are there.
    pub(crate) first: bool,
    /// For one call.
    pub(crate) once: bool,
}

impl<F: ?Sized> Default for Receivers<F> {
    fn default() -> Self {
        Receivers { list: RwLock::default(), count: AtomicUsize::new(0), next: AtomicU64::new(0) }
    }
}

impl<F: ?Sized + Send + Sync + 'static> Receivers<F> {
    pub(crate) fn connect(self: &Arc<Self>, receiver: Arc<F>, how: How) -> Subscription {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut list = self.list.write();
        let at = if how.first { 0 } else { list.len() };
        list.insert(at, Connected { id, once: how.once, receiver });
        self.count.store(list.len(), Ordering::Release);
        drop(list);
        let registry: Weak<Self> = Arc::downgrade(self);
        let disconnect = move || {
            if let Some(registry) = registry.upgrade() {
                let _ = registry.disconnect(id);
            }
        };
        Subscription { disconnect: Some(Box::new(disconnect)) }
    }

    /// Whether it was connected.
    fn disconnect(&self, id: u64) -> bool {
        let mut list = self.list.write();
        let at = list.iter().position(|own| own.id == id);
        let gone = at.map(|at| list.remove(at));
        self.count.store(list.len(), Ordering::Release);
        drop(list);
        // What the receiver held may run code of its own when it goes.
        gone.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Calls one receiver after the other, those that have something to be told, as long as they return nothing.
    pub(crate) fn call<S, R>(
        &self,
        share: impl Fn(&F) -> Option<S>,
        mut call: impl FnMut(&F, S) -> Option<R>,
    ) -> Option<R> {
        let all = self.list.read().clone();
        for own in all {
            let Some(share) = share(&own.receiver) else { continue };
            // Of several threads one calls it.
            if own.once && !self.disconnect(own.id) {
                continue;
            }
            if let Some(result) = call(&own.receiver, share) {
                return Some(result);
            }
        }
        None
    }

    /// Calls one after the other, to the first error.
    fn ask(&self, call: impl Fn(&F) -> Result<()>) -> Result<()> {
        self.call(|_| Some(()), |receiver, ()| call(receiver).err()).map_or(Ok(()), Err)
    }
}

/// Inside of something that may nest only so deep, until it goes, also by a panic.
pub(crate) struct Nested(&'static LocalKey<Cell<u32>>);

impl Nested {
    /// None where this thread is inside so many times already.
    pub(crate) fn enter(inside: &'static LocalKey<Cell<u32>>, most: u32) -> Option<Nested> {
        let now = inside.get();
        (now < most).then(|| {
            inside.set(now + 1);
            Nested(inside)
        })
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Runs a receiver, and makes an error of a panic.
pub(crate) fn guarded<V: Verdict>(run: impl FnOnce() -> V) -> Result<(), Error> {
    let _apart = Apart::enter();
    match catch_unwind(AssertUnwindSafe(|| unmarked(run).into_result())) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(ours(error)),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|s| (*s).to_string());
            let text = text.or(payload.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(Error::new(ErrorKind::Vetoed, format!("a receiver panicked: {text}")))
        }
    }
}

/// A receiver's error: one of ours as it is, any other as a veto with its cause.
pub(crate) fn ours(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(other) => Error::new(ErrorKind::Vetoed, other.to_string()).with_boxed_source(other),
    }
}

type OnChanges = dyn Fn(&Session, &Changes) -> Result<(), BoxError> + Send + Sync;

struct ChangesReceiver {
    table: Option<Table>,
    as_log: bool,
    call: Box<OnChanges>,
}

impl ChangesReceiver {
    /// What it is to be told of these changes; nothing when they do not concern it.
    fn share(&self, changes: &Changes) -> Option<Changes> {
        let changes = if self.as_log { changes.log() } else { changes.net() };
        let own = match &self.table {
            Some(table) => changes.of(table),
            None => changes,
        };
        (!own.is_empty()).then_some(own)
    }
}

/// A signal that brings changes: to all its receivers, or only those of a table, net or as a log.
#[derive(Clone, Default)]
pub struct ChangesSignal(Arc<Receivers<ChangesReceiver>>);

/// A way to connect that narrows what a receiver is told.
#[must_use = "nothing is connected until `connect`"]
pub struct Narrowed {
    signal: ChangesSignal,
    table: Option<Table>,
    as_log: bool,
    how: How,
}

impl ChangesSignal {
    /// Connects a receiver. It is told the session, which it must not capture, and the changes.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let _veto = db.signals().before_commit.connect(|_, changes| {
    ///     match changes.iter().any(|c| c.diff().iter().any(|f| f.new == Some("bad".into()))) {
    ///         true => Err("no bad names".into()),
    ///         false => Ok(()),
    ///     }
    /// });
    /// let session = db.session();
    /// session.add(tags.record(values! { "name" => "bad" })?)?;
    /// assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Vetoed);
    /// assert_eq!(session.query(&tags).count()?, 0);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn connect<V: Verdict>(
        &self,
        receiver: impl Fn(&Session, &Changes) -> V + Send + Sync + 'static,
    ) -> Subscription {
        self.narrowed().connect(receiver)
    }

    fn narrowed(&self) -> Narrowed {
        Narrowed { signal: self.clone(), table: None, as_log: false, how: How::default() }
    }

    /// Only changes of this table.
    pub fn of(&self, table: &Table) -> Narrowed {
        self.narrowed().of(table)
    }

    /// The whole log instead of the net effect.
    pub fn log(&self) -> Narrowed {
        self.narrowed().log()
    }

    /// The next time only.
    pub fn once(&self) -> Narrowed {
        self.narrowed().once()
    }

    /// Before the receivers that are there.
    pub fn first(&self) -> Narrowed {
        self.narrowed().first()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells one receiver after the other, to the first error.
    pub(crate) fn ask(&self, session: &Session, changes: &Changes) -> Result<()> {
        let share = |receiver: &ChangesReceiver| receiver.share(changes);
        let call =
            |receiver: &ChangesReceiver, share: Changes| guarded(|| (receiver.call)(session, &share)).err();
        self.0.call(share, call).map_or(Ok(()), Err)
    }

    /// Tells all receivers, and gives their errors.
    pub(crate) fn tell(&self, session: &Session, changes: &Changes) -> Vec<Error> {
        let mut errors = Vec::new();
        let share = |receiver: &ChangesReceiver| receiver.share(changes);
        self.0.call(share, |receiver, share| {
            errors.extend(guarded(|| (receiver.call)(session, &share)).err());
            None::<()>
        });
        errors
    }
}

impl Narrowed {
    /// Only changes of this table.
    pub fn of(mut self, table: &Table) -> Narrowed {
        self.table = Some(table.clone());
        self
    }

    /// The whole log instead of the net effect.
    pub fn log(mut self) -> Narrowed {
        self.as_log = true;
        self
    }

    /// The next time only: the receiver is disconnected when it is called.
    pub fn once(mut self) -> Narrowed {
        self.how.once = true;
        self
    }

    /// Before the receivers that are there.
    pub fn first(mut self) -> Narrowed {
        self.how.first = true;
        self
    }

    /// Connects a receiver, as [`ChangesSignal::connect`].
    pub fn connect<V: Verdict>(
        self,
        receiver: impl Fn(&Session, &Changes) -> V + Send + Sync + 'static,
    ) -> Subscription {
        let call =
            Box::new(move |session: &Session, changes: &Changes| receiver(session, changes).into_result());
        let receiver = ChangesReceiver { table: self.table, as_log: self.as_log, call };
        self.signal.0.connect(Arc::new(receiver), self.how)
    }
}

type OnFlush = dyn Fn(&Session) -> Result<(), BoxError> + Send + Sync;

/// The signal before a flush: where values are filled in before they are sent.
#[derive(Clone, Default)]
pub struct FlushSignal(Arc<Receivers<OnFlush>>);

impl FlushSignal {
    /// Connects a receiver. What it sets, adds and deletes is part of the flush; an error stops the
    /// flush before anything is sent.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let _trim = db.signals().before_flush.connect(|session| {
    ///     for record in session.new_records() {
    ///         let name = record.get::<String>("name")?;
    ///         record.set("name", name.trim())?;
    ///     }
    ///     Ok(())
    /// });
    /// let session = db.session();
    /// let tag = session.add(tags.record(values! { "name" => " new " })?)?;
    /// session.flush()?;
    /// assert_eq!(tag.get::<String>("name")?, "new");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn connect<V: Verdict>(
        &self,
        receiver: impl Fn(&Session) -> V + Send + Sync + 'static,
    ) -> Subscription {
        self.0.connect(Arc::new(move |session: &Session| receiver(session).into_result()), How::default())
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn ask(&self, session: &Session) -> Result<()> {
        self.0.ask(|receiver| guarded(|| receiver(session)))
    }
}

/// A record that went from one state to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The record.
    pub record: Record,
    /// Where it stood; none for a record that was made of a row that was read.
    pub from: Option<RecordState>,
    /// Where it stands.
    pub to: RecordState,
}

type OnTransition = dyn Fn(&Session, &Transition) + Send + Sync;

/// The signal of records that go from one state to another.
#[derive(Clone, Default)]
pub struct TransitionSignal(Arc<Receivers<OnTransition>>);

impl TransitionSignal {
    /// Connects a receiver. It is told after the step that made the transition.
    pub fn connect(&self, receiver: impl Fn(&Session, &Transition) + Send + Sync + 'static) -> Subscription {
        self.0.connect(Arc::new(receiver), How::default())
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn tell(&self, session: &Session, transitions: &[Transition]) -> Vec<Error> {
        let mut errors = Vec::new();
        for transition in transitions {
            self.0.call(
                |_| Some(()),
                |receiver, ()| {
                    errors.extend(guarded(|| receiver(session, transition)).err());
                    None::<()>
                },
            );
        }
        errors
    }
}

type OnFailure = dyn Fn(&Session, &Error) + Send + Sync;

/// The signal of receivers that failed where nobody could be told: after a commit.
#[derive(Clone, Default)]
pub struct FailureSignal(Arc<Receivers<OnFailure>>);

impl FailureSignal {
    /// Connects a receiver.
    pub fn connect(&self, receiver: impl Fn(&Session, &Error) + Send + Sync + 'static) -> Subscription {
        self.0.connect(Arc::new(receiver), How::default())
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What fails here fails silently: there is nobody left to be told.
    pub(crate) fn tell(&self, session: &Session, errors: &[Error]) {
        for error in errors {
            let call = |receiver: &OnFailure, ()| guarded(|| receiver(session, error)).err().and(None::<()>);
            self.0.call(|_| Some(()), call);
        }
    }
}

/// The signals of a [`Db`](crate::Db).
///
/// A receiver is told the session it concerns and must not capture one, nor the `Db`, which would
/// keep itself alive that way: [`Session::db`] is there. Receivers are called in the order they were
/// connected, or first where that was said, on the thread that does the work.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Signals {
    /// Before a flush sends anything: where values are filled in.
    pub before_flush: FlushSignal,
    /// A flush has sent everything.
    pub after_flush: FlushSignal,
    /// A record is about to be inserted by a flush: what is set on it goes along.
    pub before_insert: RecordSignal,
    /// A record that was changed is about to be updated by a flush: what is set on it goes along.
    pub before_update: RecordSignal,
    /// A record is about to be deleted by a flush.
    pub before_delete: RecordSignal,
    /// A record was inserted, and has what the database made of it.
    pub after_insert: RecordSignal,
    /// A record was updated.
    pub after_update: RecordSignal,
    /// A record was deleted.
    pub after_delete: RecordSignal,
    /// An attribute of a record in a session is about to be set, to a value or, where `new` is none, to an expression.
    /// What a flush sets, as the keys of relationships, is not told here.
    pub attribute_set: NamedSignal<FieldChange>,
    /// A relationship of a record in a session is about to be written, on either side. A key that is set by its value is
    /// an attribute, not a relationship, and what a delete takes along is told by `before_update` and `before_delete`.
    pub related_set: NamedSignal<RelatedChange>,
    /// A query for records is about to run.
    pub before_query: QuerySignal,
    /// A session has begun its transaction with a database.
    pub after_begin: BeginSignal,
    /// A record was read again by [`Session::refresh`].
    pub refreshed: RecordSignal,
    /// The values of a record were let go by [`Session::expire`], or by a commit where the options say so. An error of a
    /// receiver goes to `receiver_failed`.
    pub expired: RecordSignal,
    /// Everything is flushed, nothing is committed: an error aborts and rolls back. What receivers
    /// change is flushed and sent again, by itself, at most ten times.
    pub before_commit: ChangesSignal,
    /// Everything is committed. Errors cannot change that: they are in `Committed`, and go to
    /// `receiver_failed`.
    pub models_committed: ChangesSignal,
    /// The outermost transaction was rolled back; these changes are no more.
    pub after_rollback: ChangesSignal,
    /// The connection was lost while COMMIT was on its way: nobody knows whether these changes are
    /// there.
    pub commit_unknown: ChangesSignal,
    /// A receiver failed where its error could change nothing any more.
    pub receiver_failed: FailureSignal,
    /// Records went from one state to another.
    pub state_changed: TransitionSignal,
}

impl Signals {
    /// The name `before_commit` has in Flask-SQLAlchemy.
    pub fn before_models_committed(&self) -> &ChangesSignal {
        &self.before_commit
    }

    /// Whether nobody is told of changes.
    pub(crate) fn nobody_listens(&self) -> bool {
        self.before_commit.is_empty() && self.models_committed.is_empty() && self.commit_unknown.is_empty()
    }
}

macro_rules! debugs {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}
debugs!(ChangesSignal, Narrowed, FlushSignal, TransitionSignal, FailureSignal, Signals);
