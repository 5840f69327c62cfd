//! Signals of single attributes and relationships of records, which are told before something is assigned.
//!
//! Who is told and how stands in `signal`. Called by `record` and `relation::write`; of records without a session nobody is
//! told.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use mirrorm_core::schema::Table;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::history::FieldChange;
use crate::inner::Inner;
use crate::record::Record;
use crate::session::Session;
use crate::signal::{BoxError, How, Nested, Receivers, Subscription, Verdict, guarded};

/// How deep receivers may assign what they are told of.
const MAX_NESTED: u32 = 100;

/// What is about to be assigned to a relationship of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RelatedChange {
    /// The relationship.
    pub name: Arc<str>,
    /// The record that it will lead to; none where one is only taken out.
    pub added: Option<Record>,
    /// The record that it will not lead to any more, where one is known.
    pub removed: Option<Record>,
}

/// A change that has a name: of an attribute, or of a relationship.
pub trait NamedChange: Clone + 'static {
    /// Whether the names are those of columns, which may have a second one.
    #[doc(hidden)]
    const IS_COLUMN: bool = false;

    /// The name.
    fn name(&self) -> &str;
}

impl NamedChange for FieldChange {
    const IS_COLUMN: bool = true;

    fn name(&self) -> &str {
        &self.name
    }
}

impl NamedChange for RelatedChange {
    fn name(&self) -> &str {
        &self.name
    }
}

type OnChange<C> = dyn Fn(&Session, &Record, &C) -> Result<(), BoxError> + Send + Sync;

struct NamedReceiver<C> {
    table: Option<Table>,
    name: Option<Arc<str>>,
    call: Box<OnChange<C>>,
}

/// A signal of attributes or relationships of single records: of all, of a table, of a name.
pub struct NamedSignal<C: NamedChange>(Arc<Receivers<NamedReceiver<C>>>);

/// A way to connect to a [`NamedSignal`] that narrows what a receiver is told.
#[must_use = "nothing is connected until `connect`"]
pub struct OfNamed<C: NamedChange> {
    signal: NamedSignal<C>,
    table: Option<Table>,
    name: Option<Arc<str>>,
    how: How,
}

impl<C: NamedChange> NamedSignal<C> {
    /// Connects a receiver, which is told before the change is made. An error of it is what the assignment returns, and
    /// nothing of it is done.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let jobs = db.table("jobs", (column("id", Integer).primary_key(), column("state", Text)))?;
    /// db.create_all()?;
    /// let _no_way_back = db.signals().attribute_set.of(&jobs).on("state").connect(|_, _, change| {
    ///     match change.old == Some("done".into()) {
    ///         true => Err("it is done".into()),
    ///         false => Ok(()),
    ///     }
    /// });
    /// let session = db.session();
    /// let job = session.add(jobs.record(values! { "state" => "open" })?)?;
    /// job.set("state", "done")?;
    /// assert_eq!(job.set("state", "open").unwrap_err().kind(), ErrorKind::Vetoed);
    /// assert_eq!(job.get::<String>("state")?, "done");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn connect<V: Verdict>(
        &self,
        receiver: impl Fn(&Session, &Record, &C) -> V + Send + Sync + 'static,
    ) -> Subscription {
        self.narrowed().connect(receiver)
    }

    fn narrowed(&self) -> OfNamed<C> {
        OfNamed { signal: self.clone(), table: None, name: None, how: How::default() }
    }

    /// Only records of this table.
    pub fn of(&self, table: &Table) -> OfNamed<C> {
        self.narrowed().of(table)
    }

    /// Only what has this name.
    pub fn on(&self, name: impl Into<Arc<str>>) -> OfNamed<C> {
        self.narrowed().on(name)
    }

    /// The next time only.
    pub fn once(&self) -> OfNamed<C> {
        self.narrowed().once()
    }

    /// Before the receivers that are there.
    pub fn first(&self) -> OfNamed<C> {
        self.narrowed().first()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells one receiver after the other, to the first error.
    pub(crate) fn ask(&self, session: &Arc<Inner>, record: &Record, change: &C) -> Result<()> {
        let Some(_inside) = Nested::enter(&INSIDE, MAX_NESTED) else {
            let message = format!("receivers assign `{}` again and again", change.name());
            return Err(Error::new(ErrorKind::Invalid, message).with_columns([change.name()]));
        };
        let concerns = |receiver: &NamedReceiver<C>| {
            let is_of = receiver.table.as_ref().is_none_or(|table| table.id() == record.table_id());
            let is_named = receiver.name.as_ref().is_none_or(|name| {
                let stands_for = || record.table().def().column(name).is_ok_and(|c| c.key() == change.name());
                **name == *change.name() || (C::IS_COLUMN && stands_for())
            });
            (is_of && is_named).then_some(())
        };
        let session = Session::view(session);
        let call =
            |receiver: &NamedReceiver<C>, ()| guarded(|| (receiver.call)(&session, record, change)).err();
        self.0.call(concerns, call).map_or(Ok(()), Err)
    }
}

impl<C: NamedChange> OfNamed<C> {
    /// Only records of this table.
    pub fn of(mut self, table: &Table) -> OfNamed<C> {
        self.table = Some(table.clone());
        self
    }

    /// Only what has this name: a column, also by a second name of it, or a relationship.
    pub fn on(mut self, name: impl Into<Arc<str>>) -> OfNamed<C> {
        self.name = Some(name.into());
        self
    }

    /// The next time only: the receiver is disconnected when it is called.
    pub fn once(mut self) -> OfNamed<C> {
        self.how.once = true;
        self
    }

    /// Before the receivers that are there.
    pub fn first(mut self) -> OfNamed<C> {
        self.how.first = true;
        self
    }

    /// Connects a receiver, as [`NamedSignal::connect`].
    pub fn connect<V: Verdict>(
        self,
        receiver: impl Fn(&Session, &Record, &C) -> V + Send + Sync + 'static,
    ) -> Subscription {
        let call = Box::new(move |session: &Session, record: &Record, change: &C| {
            receiver(session, record, change).into_result()
        });
        let receiver = NamedReceiver { table: self.table, name: self.name, call };
        self.signal.0.connect(Arc::new(receiver), self.how)
    }
}

thread_local! {
    /// How many receivers this thread is inside of.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

// Derived, these would ask the change for them, too.
impl<C: NamedChange> Clone for NamedSignal<C> {
    fn clone(&self) -> NamedSignal<C> {
        NamedSignal(self.0.clone())
    }
}

impl<C: NamedChange> Default for NamedSignal<C> {
    fn default() -> NamedSignal<C> {
        NamedSignal(Arc::default())
    }
}

impl<C: NamedChange> fmt::Debug for NamedSignal<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedSignal").finish_non_exhaustive()
    }
}

impl<C: NamedChange> fmt::Debug for OfNamed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfNamed").finish_non_exhaustive()
    }
}
