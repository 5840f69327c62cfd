//! Restrictions: conditions that every load of a table's records is under, said once for a `Db` or a session.
//!
//! For rows that were deleted softly, and for the rows of one tenant. Queries, keys and relationships ask
//! [`Verb::restrictions`]; what a flush has to find, such as the rows that a delete takes along, is under none.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mirrorm_core::Result;
use mirrorm_core::engine::Execute;
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::Block;
use mirrorm_core::schema::{Table, TableDef, TableId};
use mirrorm_core::stmt::Select;
use mirrorm_core::value::Value;
use parking_lot::RwLock;

use crate::db::Db;
use crate::inner::Verb;
use crate::key::row_of_key;
use crate::session::Session;

/// Conditions by table.
#[derive(Default)]
pub(crate) struct Restrictions {
    list: RwLock<Vec<(TableId, Expr)>>,
    /// Whether there are any, to be asked without the lock.
    any: AtomicBool,
}

impl Restrictions {
    fn add(&self, table: &Table, condition: Expr) {
        self.list.write().push((table.id(), condition));
        self.any.store(true, Ordering::Release);
    }

    fn of(&self, table: TableId) -> Vec<Expr> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.list
            .read()
            .iter()
            .filter(|(own, _)| *own == table)
            .map(|(_, condition)| condition.clone())
            .collect()
    }
}

impl Db {
    /// Puts every load of a table's records under a condition, in all sessions from now on: queries, their counts and
    /// joins along relationships, keys, and what relationships lead to, also through a table between that is restricted.
    /// Several conditions all hold.
    ///
    /// Built statements are under none, nor are `refresh`, [`AskRelated::any`](crate::AskRelated::any), and the rows that
    /// a delete takes along. [`Query::unrestricted`](crate::Query::unrestricted) leaves the conditions out. What a session
    /// has loaded or added stays known to it for the running transaction. A mistake in the condition is returned by what
    /// loads.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("deleted_at", DateTime)))?;
    /// db.create_all()?;
    /// db.restrict(&posts, posts.c("deleted_at").is_null());
    /// insert(&posts).rows(["deleted_at"], [[None], [Some("2024-02-29 12:00:00")]]).run(&db)?;
    /// let session = db.session();
    /// assert_eq!(session.query(&posts).count()?, 1);
    /// assert!(session.get(&posts, 2)?.is_none());
    /// assert_eq!(session.query(&posts).unrestricted().count()?, 2);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn restrict(&self, table: &Table, condition: impl Into<Expr>) {
        self.restrictions().add(table, condition.into());
    }
}

impl Session {
    /// Puts every load of a table's records in this session under a condition, beside those of
    /// [`Db::restrict`]: the rows of one tenant.
    pub fn restrict(&self, table: &Table, condition: impl Into<Expr>) {
        self.inner().restrictions.add(table, condition.into());
        // What relationships were found to lead to is asked again.
        if let Ok(verb) = self.inner().verb()
            && let Ok(mut core) = verb.core()
        {
            core.wrote(table.id());
        }
    }
}

impl Verb<'_> {
    /// The conditions that records of a table are loaded under.
    pub(crate) fn restrictions(&self, table: &Table) -> Vec<Expr> {
        let mut all = self.inner.db.restrictions().of(table.id());
        all.extend(self.inner.restrictions.of(table.id()));
        all
    }

    /// A SELECT of records under the conditions of these tables.
    pub(crate) fn restricted<'q, 't>(
        &self,
        query: &'q Select,
        tables: impl IntoIterator<Item = &'t Table>,
    ) -> Cow<'q, Select> {
        let conditions = tables.into_iter().flat_map(|table| self.restrictions(table));
        conditions
            .fold(Cow::Borrowed(query), |query, condition| Cow::Owned(query.into_owned().filter(condition)))
    }

    /// The rows of a key under conditions, as one block; none where there are none.
    pub(crate) fn read_restricted(
        &self,
        (table, def): (&Table, &TableDef),
        key: &[Value],
        conditions: Vec<Expr>,
    ) -> Result<Option<Arc<Block>>> {
        let row = row_of_key((table, def), key);
        let query = conditions.into_iter().fold(row, |query, condition| query.filter(condition));
        let rows = query.all(&*self.reading_of(table)?.lend()?)?;
        Ok(rows.blocks().next().cloned())
    }
}
