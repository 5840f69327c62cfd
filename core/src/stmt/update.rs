//! UPDATE as plain data.

use std::sync::Arc;

use super::insert::put;
use super::values::IntoValues;
use super::{Joinable, Selection};
use crate::expr::{Expr, Source};
use crate::schema::Table;

/// An UPDATE of a table.
pub fn update(table: &Table) -> Update {
    Update {
        table: table.clone(),
        set: Vec::new(),
        tables: Vec::new(),
        filters: Vec::new(),
        all: false,
        order_by: Vec::new(),
        limit: None,
        returning: Vec::new(),
    }
}

/// An UPDATE statement: a value built by chaining, run by `run`.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it runs"]
pub struct Update {
    pub(crate) table: Table,
    pub(crate) set: Vec<(Arc<str>, Expr)>,
    /// What else its values and conditions name.
    pub(crate) tables: Vec<Source>,
    pub(crate) filters: Vec<Expr>,
    pub(crate) all: bool,
    pub(crate) order_by: Vec<Expr>,
    pub(crate) limit: Option<u64>,
    pub(crate) returning: Vec<Expr>,
}

impl Update {
    /// What to set, by column key; the last value of a column holds.
    pub fn set(mut self, values: impl IntoValues) -> Update {
        let (set, def) = (&mut self.set, self.table.lend());
        values.each(&mut |name, value| put(set, def.synonym(name).unwrap_or(name), value));
        drop(def);
        self
    }

    /// Another table that values and conditions may name (`UPDATE .. FROM`); a filter says which of its rows belong to
    /// a row. A row that several belong to is updated once, from any of them.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let stock = db.table("stock", (column("id", Integer).primary_key(), column("price", Integer)))?;
    /// let news = db.table("news", (column("id", Integer).primary_key(), column("price", Integer)))?;
    /// db.create_all()?;
    /// insert(&stock).rows(["id", "price"], [[1, 10], [2, 20]]).run(&db)?;
    /// insert(&news).rows(["id", "price"], [[2, 25]]).run(&db)?;
    /// let changed = update(&stock)
    ///     .set(values! { "price" => news.c("price") })
    ///     .from(&news)
    ///     .filter(news.c("id").eq(stock.c("id")))
    ///     .run(&db)?;
    /// assert_eq!(changed, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn from(mut self, table: &impl Joinable) -> Update {
        self.tables.push(table.source());
        self
    }

    /// Only rows for which this holds; several filters all hold.
    pub fn filter(mut self, condition: impl Into<Expr>) -> Update {
        self.filters.push(condition.into());
        self
    }

    /// All rows. Without this, a statement without a filter is refused.
    pub fn all_rows(mut self) -> Update {
        self.all = true;
        self
    }

    /// Updates as many rows at most, in the order of [`Update::order_by`]; `Unsupported` from the verb but on MySQL and MariaDB.
    pub fn limit(mut self, rows: u64) -> Update {
        self.limit = Some(rows);
        self
    }

    /// The order in which rows are counted for [`Update::limit`].
    pub fn order_by(mut self, terms: impl Selection) -> Update {
        self.order_by.extend(super::exprs(terms));
        self
    }

    /// Gives back these columns or expressions of the updated rows, where the database can: see [`Update::all`].
    pub fn returning(mut self, selection: impl Selection) -> Update {
        self.returning = super::exprs(selection);
        self
    }
}
