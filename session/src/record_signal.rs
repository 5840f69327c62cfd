//! Signals of single records: before and after a flush writes them, and when they are read again.
//!
//! Who is told and how stands in `signal`; a flush tells step by step, in the order it sends (`flush`).

use std::fmt;
use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::schema::Table;

use crate::record::Record;
use crate::session::Session;
use crate::signal::{BoxError, How, Receivers, Subscription, Verdict, guarded};

type OnRecord = dyn Fn(&Session, &Record) -> Result<(), BoxError> + Send + Sync;

struct RecordReceiver {
    table: Option<Table>,
    call: Box<OnRecord>,
}

/// A signal of single records: of all tables, or of one.
#[derive(Clone, Default)]
pub struct RecordSignal(Arc<Receivers<RecordReceiver>>);

/// A way to connect to a [`RecordSignal`] that narrows what a receiver is told.
#[must_use = "nothing is connected until `connect`"]
pub struct OfRecords {
    signal: RecordSignal,
    table: Option<Table>,
    how: How,
}

impl RecordSignal {
    /// Connects a receiver. An error of it stops the flush, and rolls back what the flush did.
    ///
    /// What it sets on the record before it is written goes along; relationships that it writes, and records that it adds
    /// and deletes, are for the next flush, which a commit makes.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("title", Text),
    ///     column("slug", Text),
    /// ))?;
    /// db.create_all()?;
    /// let _slugs = db.signals().before_insert.of(&posts).connect(|_, post| {
    ///     let title = post.get::<String>("title")?;
    ///     post.set("slug", title.to_lowercase().replace(' ', "-"))?;
    ///     Ok(())
    /// });
    /// let session = db.session();
    /// let post = session.add(posts.record(values! { "title" => "Hello World" })?)?;
    /// session.commit()?;
    /// assert_eq!(post.get::<String>("slug")?, "hello-world");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn connect<V: Verdict>(
        &self,
        receiver: impl Fn(&Session, &Record) -> V + Send + Sync + 'static,
    ) -> Subscription {
        self.narrowed().connect(receiver)
    }

    fn narrowed(&self) -> OfRecords {
        OfRecords { signal: self.clone(), table: None, how: How::default() }
    }

    /// Only records of this table.
    pub fn of(&self, table: &Table) -> OfRecords {
        self.narrowed().of(table)
    }

    /// The next time only.
    pub fn once(&self) -> OfRecords {
        self.narrowed().once()
    }

    /// Before the receivers that are there.
    pub fn first(&self) -> OfRecords {
        self.narrowed().first()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells one receiver after the other, to the first error.
    pub(crate) fn ask(&self, session: &Session, record: &Record) -> Result<()> {
        let concerns = |receiver: &RecordReceiver| {
            let is_of = |table: &Table| table.id() == record.table_id();
            receiver.table.as_ref().is_none_or(is_of).then_some(())
        };
        let call = |receiver: &RecordReceiver, ()| guarded(|| (receiver.call)(session, record)).err();
        self.0.call(concerns, call).map_or(Ok(()), Err)
    }
}

impl OfRecords {
    /// Only records of this table.
    pub fn of(mut self, table: &Table) -> OfRecords {
        self.table = Some(table.clone());
        self
    }

    /// The next time only: the receiver is disconnected when it is called.
    pub fn once(mut self) -> OfRecords {
        self.how.once = true;
        self
    }

    /// Before the receivers that are there.
    pub fn first(mut self) -> OfRecords {
        self.how.first = true;
        self
    }

    /// Connects a receiver, as [`RecordSignal::connect`].
    pub fn connect<V: Verdict>(
        self,
        receiver: impl Fn(&Session, &Record) -> V + Send + Sync + 'static,
    ) -> Subscription {
        let call =
            Box::new(move |session: &Session, record: &Record| receiver(session, record).into_result());
        self.signal.0.connect(Arc::new(RecordReceiver { table: self.table, call }), self.how)
    }
}

impl fmt::Debug for RecordSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSignal").finish_non_exhaustive()
    }
}

impl fmt::Debug for OfRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfRecords").finish_non_exhaustive()
    }
}
