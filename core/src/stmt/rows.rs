//! Rows that are no table's, as tables of a SELECT: given ones, and those of a function.

use std::sync::Arc;

use super::{IntoRow, Select, Subquery, TextRows};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Op, Origin};
use crate::rows::RowBuffer;
use crate::schema::{Table, TableParts};

/// Rows of values as a table of these columns, in the FROM of a SELECT (`VALUES`).
///
/// # Errors
/// As [`Table::new`]; `Invalid` for a row that is wider or narrower than the columns.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::stmt::values_table;
///
/// let db = Db::open("sqlite://")?;
/// let parts = (column("code", Text), column("n", Integer));
/// let given = values_table("given", parts, [("a", 1), ("b", 2)])?;
/// let doubled: Vec<i64> = select(given.c("n").mul(2)).order_by(given.c("code").desc()).scalars(&db)?;
/// assert_eq!(doubled, [4, 2]);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn values_table<R: IntoRow>(
    name: impl Into<Arc<str>>,
    columns: impl TableParts,
    rows: impl IntoIterator<Item = R>,
) -> Result<Subquery> {
    let (name, table) = (name.into(), Table::new("values", columns)?);
    let def = table.def();
    let types: Vec<_> = def.columns().map(|column| column.ty().clone()).collect();
    let mut values = RowBuffer::default();
    for row in rows {
        let before = values.len();
        row.push_to(&mut values);
        if values.len() - before != types.len() {
            let message = format!("{} columns, and a row of {} values", types.len(), values.len() - before);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    }
    let cells = values.range(0..values.len()).zip(types.iter().cycle());
    let cells = cells.map(|(value, ty)| Expr::from(value.to_value()).typed(ty.clone())).collect();
    Select::of_text(TextRows { expr: Expr::apply(Op::Rows(table.clone()), cells), table }).subquery(name)
}

impl Expr {
    /// The rows that this function gives as a table of these columns, in the FROM of a SELECT. It may name columns of
    /// the tables before it.
    ///
    /// The columns are called as the database calls them; where it can, they are called as they are here.
    ///
    /// # Errors
    /// As [`Table::new`]. From the verb `Unsupported` on MySQL and MariaDB.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let numbers = func::call("json_each", ["[5, 7]"]).table("numbers", column("value", Integer))?;
    /// assert_eq!(select(numbers.c("value")).scalars::<i64>(&db)?, [5, 7]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn table(&self, name: impl Into<Arc<str>>, columns: impl TableParts) -> Result<Subquery> {
        let name = name.into();
        let table = Table::new(name.clone(), columns)?;
        Subquery::of(&table, &name, Origin::Function(Arc::new(self.clone())))
    }
}
