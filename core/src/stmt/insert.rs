//! INSERT as plain data: one row of named values, many rows of the same columns, or the rows of a SELECT.

use std::sync::Arc;

use super::values::IntoValues;
use super::{OnConflict, Select};
use crate::error::{Error, ErrorKind};
use crate::expr::{Expr, Node};
use crate::rows::{IntoCell, Row, RowBuffer};
use crate::schema::{Table, TableDef};

/// An INSERT into a table.
pub fn insert(table: &Table) -> Insert {
    Insert { table: table.clone(), body: InsertBody::One(Vec::new()), conflict: None, returning: Vec::new() }
}

/// An INSERT statement: a value built by chaining, run by `run`, `id` or `ids`.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it runs"]
pub struct Insert {
    pub(crate) table: Table,
    pub(crate) body: InsertBody,
    pub(crate) conflict: Option<Box<OnConflict>>,
    pub(crate) returning: Vec<Expr>,
}

/// What is inserted.
#[derive(Clone, Debug)]
pub(crate) enum InsertBody {
    /// One row: names and expressions.
    One(Vec<(Arc<str>, Expr)>),
    /// Many rows of the same columns, their values one after the other.
    Many { columns: Vec<Arc<str>>, rows: ManyRows },
    /// The rows of a SELECT, its columns in the order of these.
    Select { columns: Vec<Arc<str>>, select: Box<Select> },
    /// A mistake, on its way to the verb.
    Invalid(Error),
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
            let def = self.table.lend();
            values.each(&mut |name, value| put(row, def.synonym(name).unwrap_or(name), value));
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
        let columns = self.keys_of(columns);
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

    /// Many rows, each with names of its own, which have to be those of the first row in any order.
    ///
    /// Columns left out get their defaults, client defaults once for each row. `Invalid` from the verb for a row that
    /// names other columns than the first, and for an expression instead of a value.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let rows = [values! { "id" => 1, "name" => "a" }, values! { "name" => "b", "id" => 2 }];
    /// assert_eq!(insert(&tags).named_rows(rows).run(&db)?.rows(), 2);
    /// let mixed = insert(&tags).named_rows([values! { "id" => 3, "name" => "c" }, values! { "id" => 4, "nmae" => "d" }]);
    /// assert_eq!(mixed.run(&db).unwrap_err().kind(), ErrorKind::Invalid);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn named_rows<V: IntoValues>(mut self, rows: impl IntoIterator<Item = V>) -> Insert {
        let mut columns: Vec<Arc<str>> = Vec::new();
        let mut many = ManyRows::default();
        for row in rows {
            let mut given: Vec<(Arc<str>, Expr)> = Vec::with_capacity(row.expected());
            let def = self.table.lend();
            row.each(&mut |name, value| given.push((def.synonym(name).unwrap_or(name).into(), value)));
            if many.count == 0 {
                columns = given.iter().map(|(name, _)| name.clone()).collect();
            }
            if let Err(mistake) = push_named(&mut many.values, &columns, given, many.count) {
                self.body = InsertBody::Invalid(mistake);
                return self;
            }
            many.count += 1;
        }
        self.body = InsertBody::Many { columns, rows: many };
        self
    }

    /// The rows of a SELECT, whose columns go into these in their order. Columns left out get their defaults, but for
    /// those that a function of the program makes: they would be the same for all rows, so they are `Invalid` from the
    /// verb.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// let old = db.table("old", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&old).rows(["name"], [["a"], ["b"]]).run(&db)?;
    /// let copied = insert(&tags).from_select(["name"], select(func::upper(old.c("name")))).run(&db)?;
    /// assert_eq!(copied.rows(), 2);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn from_select<N: Into<Arc<str>>>(
        mut self,
        columns: impl IntoIterator<Item = N>,
        select: Select,
    ) -> Insert {
        let columns = self.keys_of(columns);
        self.body = InsertBody::Select { columns, select: Box::new(select) };
        self
    }

    /// The keys of columns by their names.
    fn keys_of<N: Into<Arc<str>>>(&self, names: impl IntoIterator<Item = N>) -> Vec<Arc<str>> {
        let def = self.table.lend();
        names.into_iter().map(|name| plain(&def, name.into())).collect()
    }

    /// Gives back these columns or expressions of the inserted rows, where the database can: see [`Insert::all`].
    pub fn returning(mut self, selection: impl super::Selection) -> Insert {
        self.returning = super::exprs(selection);
        self
    }
}

/// The key of the column that a name stands for.
pub(super) fn plain(def: &TableDef, name: Arc<str>) -> Arc<str> {
    def.synonym(&name).map_or_else(|| name.clone(), Arc::from)
}

/// Puts a value over whatever the column held.
pub(super) fn put(row: &mut Vec<(Arc<str>, Expr)>, name: &str, value: Expr) {
    match row.iter_mut().find(|(own, _)| **own == *name) {
        Some(place) => place.1 = value,
        None => row.push((name.into(), value)),
    }
}

/// Adds the values of a row in the order of the columns.
fn push_named(
    values: &mut RowBuffer,
    columns: &[Arc<str>],
    mut given: Vec<(Arc<str>, Expr)>,
    row: usize,
) -> Result<(), Error> {
    let wrong = |words: String| Error::new(ErrorKind::Invalid, format!("row {}: {words}", row + 1));
    if given.len() != columns.len() {
        let words = format!("{} columns, and {} in the first row", given.len(), columns.len());
        return Err(wrong(words));
    }
    for column in columns {
        let at = given.iter().position(|(name, _)| name == column);
        let at = at.ok_or_else(|| wrong(format!("no `{column}`, which the first row has")))?;
        match given.swap_remove(at).1.0 {
            Node::Bind(value) => values.push(value),
            Node::Invalid(mistake) => return Err(mistake),
            _ => return Err(wrong(format!("an expression for `{column}`: insert such rows one by one"))),
        }
    }
    Ok(())
}
