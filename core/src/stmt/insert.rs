//! INSERT as plain data: one row of named values, or many rows of the same columns.

use std::sync::Arc;

use super::values::IntoValues;
use crate::expr::Expr;
use crate::rows::{IntoCell, Row, RowBuffer};
use crate::schema::Table;

/// An INSERT into a table.
pub fn insert(table: &Table) -> Insert {
    Insert { table: table.clone(), body: InsertBody::One(Vec::new()), returning: Vec::new() }
}

/// An INSERT statement: a value built by chaining, run by `run`, `id` or `ids`.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it runs"]
pub struct Insert {
    pub(crate) table: Table,
    pub(crate) body: InsertBody,
    pub(crate) returning: Vec<Expr>,
}

/// What is inserted.
#[derive(Clone, Debug)]
pub(crate) enum InsertBody {
    /// One row: names and expressions.
    One(Vec<(Arc<str>, Expr)>),
    /// Many rows of the same columns, their values one after the other.
    Many { columns: Vec<Arc<str>>, rows: ManyRows },
}

/// Many rows of the same columns, their values one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManyRows {
    pub(crate) values: RowBuffer,
    pub(crate) count: usize,
    /// The width of the first row that had another width than the columns.
    pub(crate) wrong_width: Option<usize>,
}

/// A row of a bulk insert: a tuple, an array or a `Vec` of values in the order of the columns.
pub trait IntoRow {
    /// Adds the values of the row.
    fn push_to(self, buffer: &mut RowBuffer);
}

impl<T: IntoCell> IntoRow for Vec<T> {
    fn push_to(self, buffer: &mut RowBuffer) {
        self.into_iter().for_each(|value| buffer.push(value));
    }
}

impl<T: IntoCell, const N: usize> IntoRow for [T; N] {
    fn push_to(self, buffer: &mut RowBuffer) {
        self.into_iter().for_each(|value| buffer.push(value));
    }
}

/// A row of a result goes in as it came out, its values in their order.
impl IntoRow for &Row {
    fn push_to(self, buffer: &mut RowBuffer) {
        self.iter().for_each(|(_, value)| buffer.push(value));
    }
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: IntoCell, $($rest: IntoCell),*> IntoRow for ($first, $($rest,)*) {
            #[allow(non_snake_case)]
            fn push_to(self, buffer: &mut RowBuffer) {
                let ($first, $($rest,)*) = self;
                buffer.push($first);
                $(buffer.push($rest);)*
            }
        }
        tuples!($($rest)*);
    };
    () => {};
}
tuples!(A B C D E F G H I J K L M N O P);

impl Insert {
    /// The values of one row, by column key. Columns left out get their defaults.
    ///
    /// Several calls add to the same row; the last value of a column holds.
    pub fn values(mut self, values: impl IntoValues) -> Insert {
        if let InsertBody::One(row) = &mut self.body {
            values.each(&mut |name, value| match row.iter_mut().find(|(n, _)| &**n == name) {
                Some(place) => place.1 = value,
                None => row.push((name.into(), value)),
            });
        }
        self
    }

    /// Many rows of these columns. Columns left out get their defaults, client defaults once for
    /// each row.
    pub fn rows<N: Into<Arc<str>>, R: IntoRow>(
        mut self,
        columns: impl IntoIterator<Item = N>,
        rows: impl IntoIterator<Item = R>,
    ) -> Insert {
        let columns: Vec<Arc<str>> = columns.into_iter().map(Into::into).collect();
        let rows = rows.into_iter();
        let expect = rows.size_hint().0.saturating_mul(columns.len()).min(1 << 20);
        let mut many = ManyRows { values: RowBuffer::with_capacity(expect), ..ManyRows::default() };
        for row in rows {
            let before = many.values.len();
            row.push_to(&mut many.values);
            let width = many.values.len() - before;
            if width != columns.len() {
                many.wrong_width.get_or_insert(width);
            }
            many.count += 1;
        }
        self.body = InsertBody::Many { columns, rows: many };
        self
    }

    /// Gives back these columns or expressions of the inserted row, where the database can.
    pub fn returning(mut self, selection: impl super::Selection) -> Insert {
        let mut list = super::selection::SelectionList::default();
        selection.add_to(&mut list);
        self.returning = list.items.into_iter().flat_map(super::selection::Item::into_exprs).collect();
        self
    }
}
