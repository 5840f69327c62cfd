//! DELETE as plain data.

use super::{Joinable, Selection};
use crate::expr::{Expr, Source};
use crate::schema::Table;

/// A DELETE from a table.
pub fn delete(table: &Table) -> Delete {
    Delete {
        table: table.clone(),
        tables: Vec::new(),
        filters: Vec::new(),
        all: false,
        order_by: Vec::new(),
        limit: None,
        returning: Vec::new(),
    }
}

/// A DELETE statement: a value built by chaining, run by `run`.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it runs"]
pub struct Delete {
    pub(crate) table: Table,
    /// What else its conditions name.
    pub(crate) tables: Vec<Source>,
    pub(crate) filters: Vec<Expr>,
    pub(crate) all: bool,
    pub(crate) order_by: Vec<Expr>,
    pub(crate) limit: Option<u64>,
    pub(crate) returning: Vec<Expr>,
}

impl Delete {
    /// Another table that conditions may name (`DELETE .. USING`); a filter says which of its rows belong to a row.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let people = db.table("people", column("id", Integer).primary_key())?;
    /// let banned = db.table("banned", column("id", Integer).primary_key())?;
    /// db.create_all()?;
    /// insert(&people).rows(["id"], [[1], [2]]).run(&db)?;
    /// insert(&banned).rows(["id"], [[2]]).run(&db)?;
    /// let gone = delete(&people).using(&banned).filter(banned.c("id").eq(people.c("id"))).run(&db)?;
    /// assert_eq!(gone, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn using(mut self, table: &impl Joinable) -> Delete {
        self.tables.push(table.source());
        self
    }

    /// Only rows for which this holds; several filters all hold.
    pub fn filter(mut self, condition: impl Into<Expr>) -> Delete {
        self.filters.push(condition.into());
        self
    }

    /// All rows. Without this, a statement without a filter is refused.
    pub fn all_rows(mut self) -> Delete {
        self.all = true;
        self
    }

    /// Deletes as many rows at most, in the order of [`Delete::order_by`]; `Unsupported` from the verb but on MySQL and MariaDB.
    pub fn limit(mut self, rows: u64) -> Delete {
        self.limit = Some(rows);
        self
    }

    /// The order in which rows are counted for [`Delete::limit`].
    pub fn order_by(mut self, terms: impl Selection) -> Delete {
        self.order_by.extend(super::exprs(terms));
        self
    }

    /// Gives back these columns or expressions of the deleted rows, where the database can: see [`Delete::all`].
    pub fn returning(mut self, selection: impl Selection) -> Delete {
        self.returning = super::exprs(selection);
        self
    }
}
