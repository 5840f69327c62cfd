//! UPDATE as plain data.

use std::sync::Arc;

use super::values::IntoValues;
use crate::expr::Expr;
use crate::schema::Table;

/// An UPDATE of a table.
pub fn update(table: &Table) -> Update {
    Update { table: table.clone(), set: Vec::new(), filters: Vec::new(), all: false }
}

/// An UPDATE statement: a value built by chaining, run by `run`.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it runs"]
pub struct Update {
    pub(crate) table: Table,
    pub(crate) set: Vec<(Arc<str>, Expr)>,
    pub(crate) filters: Vec<Expr>,
    pub(crate) all: bool,
}

impl Update {
    /// What to set, by column key; the last value of a column holds.
    pub fn set(mut self, values: impl IntoValues) -> Update {
        let set = &mut self.set;
        values.each(&mut |name, value| match set.iter_mut().find(|(n, _)| &**n == name) {
            Some(place) => place.1 = value,
            None => set.push((name.into(), value)),
        });
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
}
