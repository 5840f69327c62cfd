//! DELETE as plain data.

use crate::expr::Expr;
use crate::schema::Table;

/// A DELETE from a table.
pub fn delete(table: &Table) -> Delete {
    Delete { table: table.clone(), filters: Vec::new(), all: false }
}

/// A DELETE statement: a value built by chaining, run by `run`.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it runs"]
pub struct Delete {
    pub(crate) table: Table,
    pub(crate) filters: Vec<Expr>,
    pub(crate) all: bool,
}

impl Delete {
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
}
