//! Signals around what a session sends: before a query, and when it begins a transaction.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use mirrorm_core::engine::Conn;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::query::Query;
use crate::session::Session;
use crate::signal::{BoxError, How, Nested, Receivers, Subscription, Verdict, guarded};

type OnQuery = dyn for<'s> Fn(Query<'s>) -> Result<Query<'s>, BoxError> + Send + Sync;

/// The signal before a query for records runs.
#[derive(Clone, Default)]
pub struct QuerySignal(Arc<Receivers<OnQuery>>);

impl QuerySignal {
    /// Connects a receiver, which is given each query before it runs, those for many rows
    /// ([`Query::update_all`]) too, and gives the one that runs instead. An error of it is what the verb returns.
    ///
    /// Keys and relationships are no queries here; [`Db::restrict`](crate::Db::restrict) reaches them. Queries of a
    /// receiver itself are not given to receivers.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("live", Boolean)))?;
    /// db.create_all()?;
    /// insert(&posts).rows(["live"], [[true], [false]]).run(&db)?;
    /// // Drafts are left out, unless a query has filters of its own.
    /// let own = posts.clone();
    /// let _drafts = db.signals().before_query.connect(move |query| {
    ///     let asks = *query.table() == own && query.select().only_filters().is_some_and(|all| all.is_empty());
    ///     Ok(if asks { query.filter(own.c("live")) } else { query })
    /// });
    /// assert_eq!(db.session().query(&posts).count()?, 1);
    /// assert_eq!(db.session().query(&posts).filter(posts.c("id").gt(0)).count()?, 2);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn connect(
        &self,
        receiver: impl for<'s> Fn(Query<'s>) -> Result<Query<'s>, BoxError> + Send + Sync + 'static,
    ) -> Subscription {
        self.0.connect(Arc::new(receiver), How::default())
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The query that runs instead.
    pub(crate) fn ask<'s>(&self, query: Query<'s>) -> Result<Query<'s>> {
        let own = Arc::as_ptr(&self.0) as usize;
        if ASKING.with_borrow(|all| all.contains(&own)) {
            return Ok(query);
        }
        let Some(_inside) = Nested::enter(&INSIDE, MAX_NESTED) else {
            return Err(Error::new(ErrorKind::Invalid, "receivers of queries ask again and again"));
        };
        let mut current = query;
        let error = self.0.call(
            |_| Some(()),
            |receiver, ()| {
                let query = current.clone();
                let ask = || {
                    ASKING.with_borrow_mut(|all| all.push(own));
                    receiver(query).map(|query| current = query)
                };
                guarded(ask).err()
            },
        );
        error.map_or(Ok(current), Err)
    }
}

/// How deep receivers of queries may ask each other, by way of receivers of other signals.
const MAX_NESTED: u32 = 32;

thread_local! {
    /// The signals whose receivers this thread runs right now: what these ask is not given to them.
    static ASKING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// How many signals of queries it is inside of.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Inside of a receiver of whatever signal, until it goes: what others were asking does not count in it.
pub(crate) struct Apart(Vec<usize>);

impl Apart {
    pub(crate) fn enter() -> Apart {
        Apart(ASKING.with_borrow_mut(std::mem::take))
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        ASKING.with_borrow_mut(|all| *all = std::mem::take(&mut self.0));
    }
}

type OnBegin = dyn Fn(&Session, &Conn) -> Result<(), BoxError> + Send + Sync;

/// The signal of a session that begins its transaction with a database.
#[derive(Clone, Default)]
pub struct BeginSignal(Arc<Receivers<OnBegin>>);

impl BeginSignal {
    /// Connects a receiver, which is given the connection before anything else is sent on it: for settings that last as
    /// long as the transaction. An error of it is what the verb returns that needed the transaction, which is rolled back.
    ///
    /// It is told once for each database that a transaction spans. Reads outside a transaction, as those of SQLite in
    /// memory before anything is written, begin none.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let notes = db.table("notes", (column("id", Integer).primary_key(), column("text", Text)))?;
    /// db.create_all()?;
    /// // On PostgreSQL, with policies for rows: SET LOCAL app.tenant = '7'.
    /// let _late_keys = db.signals().after_begin.connect(|_, conn| {
    ///     conn.execute("PRAGMA defer_foreign_keys = ON", ())?;
    ///     Ok(())
    /// });
    /// let session = db.session();
    /// session.add(notes.record(values! { "text" => "a" })?)?;
    /// session.commit()?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn connect<V: Verdict>(
        &self,
        receiver: impl Fn(&Session, &Conn) -> V + Send + Sync + 'static,
    ) -> Subscription {
        let call = move |session: &Session, conn: &Conn| receiver(session, conn).into_result();
        self.0.connect(Arc::new(call), How::default())
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn ask(&self, session: &Session, conn: &Conn) -> Result<()> {
        let call = |receiver: &OnBegin, ()| guarded(|| receiver(session, conn)).err();
        self.0.call(|_| Some(()), call).map_or(Ok(()), Err)
    }
}

impl fmt::Debug for QuerySignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuerySignal").finish_non_exhaustive()
    }
}

impl fmt::Debug for BeginSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeginSignal").finish_non_exhaustive()
    }
}
