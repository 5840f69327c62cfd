//! A row: a handle into a block.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

use super::block::Block;
use super::columns::Columns;
use super::de;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Expr;
use crate::value::{FromValueRef, Value, ValueRef};

/// A row of a result: a handle, cheap to clone and to send, that keeps its block alive.
#[derive(Clone)]
pub struct Row {
    block: Arc<Block>,
    row: u32,
}

/// What a cell of a row is named by: a column's name, or its position from 0.
pub trait ColumnIndex {
    /// The position in these columns.
    ///
    /// # Errors
    /// `NoSuchColumn`, `AmbiguousColumn`.
    fn position(&self, columns: &Columns) -> Result<usize>;
}

impl ColumnIndex for str {
    fn position(&self, columns: &Columns) -> Result<usize> {
        columns.position(self)
    }
}

impl ColumnIndex for String {
    fn position(&self, columns: &Columns) -> Result<usize> {
        columns.position(self)
    }
}

impl ColumnIndex for usize {
    #[inline]
    fn position(&self, columns: &Columns) -> Result<usize> {
        if *self < columns.len() {
            return Ok(*self);
        }
        beyond(*self, columns)
    }
}

/// The error of a position there is no column at.
#[cold]
fn beyond(position: usize, columns: &Columns) -> Result<usize> {
    let message = format!("there is no column {position}: the result has {}", columns.len());
    Err(Error::new(ErrorKind::NoSuchColumn, message))
}

/// What was selected as this: a column of a table by where it comes from, so that it is found among others of its name;
/// anything with a label by that.
impl ColumnIndex for Expr {
    fn position(&self, columns: &Columns) -> Result<usize> {
        let Some((table, id)) = self.as_table_column() else {
            return match self.output_name() {
                Some(name) => columns.position(&name),
                None => Err(Error::new(ErrorKind::NoSuchColumn, "an expression without a label has no name")),
            };
        };
        let is_it = |info: &super::ColumnInfo| {
            info.origin().is_some_and(|origin| origin.table == table.id() && origin.column == id)
        };
        let mut found = columns.iter().enumerate().filter(|(_, info)| is_it(info)).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(at), None) => Ok(at),
            // Twice, as of two aliases, or from a subquery: its name says more, or that it does not.
            _ => columns.position(&self.output_name().unwrap_or_default()),
        }
    }
}

impl<T: ColumnIndex + ?Sized> ColumnIndex for &T {
    fn position(&self, columns: &Columns) -> Result<usize> {
        (**self).position(columns)
    }
}

impl Row {
    /// The row at a position of a block.
    #[doc(hidden)]
    #[inline]
    pub fn new(block: Arc<Block>, row: usize) -> Row {
        Row { block, row: row as u32 }
    }

    /// Its block.
    #[doc(hidden)]
    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Its position in the block.
    #[doc(hidden)]
    pub fn position(&self) -> usize {
        self.row as usize
    }

    /// The value of a column as a Rust type: owned, or `&str` and `&[u8]` lent by the row.
    ///
    /// # Errors
    /// `NoSuchColumn`, `AmbiguousColumn`, and `Conversion` naming table, column, wanted and
    /// found type.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let row = db.query_text("SELECT 7 AS id, 'ann' AS name", ())?.one()?;
    /// assert_eq!(row.get::<i64>("id")?, 7);
    /// assert_eq!(row.get::<&str>(1)?, "ann");
    /// assert!(row.get::<i64>("name").is_err());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[inline]
    pub fn get<'a, T: FromValueRef<'a>>(&'a self, column: impl ColumnIndex) -> Result<T> {
        let position = column.position(self.block.columns())?;
        match T::from_value_ref(self.at(position)) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.placed(error, position)),
        }
    }

    /// An error with the place of its column, off the path of values that fit.
    #[cold]
    fn placed(&self, error: Error, position: usize) -> Error {
        error.at(self.block.columns().place(position))
    }

    /// The value of a column, lent.
    ///
    /// # Errors
    /// `NoSuchColumn`, `AmbiguousColumn`.
    pub fn value(&self, column: impl ColumnIndex) -> Result<ValueRef<'_>> {
        Ok(self.at(column.position(self.block.columns())?))
    }

    #[inline]
    fn at(&self, position: usize) -> ValueRef<'_> {
        self.block.value(self.row as usize, position).unwrap_or(ValueRef::Null)
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        self.block.columns()
    }

    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.block.columns().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, ValueRef<'_>)> {
        let named = self.block.columns().iter().enumerate();
        named.map(|(position, column)| (column.name(), self.at(position)))
    }

    /// All values, owned.
    pub fn values(&self) -> Vec<Value> {
        (0..self.len()).map(|position| self.at(position).to_value()).collect()
    }

    /// The row read into a type of yours by column names: a struct, a map, or a tuple by position.
    ///
    /// # Errors
    /// `Conversion` naming the column.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        de::from_row(self)
    }

    /// A copy that holds this row alone and lets its block go.
    pub fn detach(&self) -> Row {
        let mut alone = super::BlockBuilder::new(self.block.columns().clone(), 1);
        (0..self.len()).for_each(|position| alone.push_ref(self.at(position)));
        alone.end_row();
        Row::new(Arc::new(alone.close_raw()), 0)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Row {
    /// The same names and identical values.
    fn eq(&self, other: &Row) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|((a, x), (b, y))| a == b && x.to_value() == y.to_value())
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.columns().distinct_names().map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}
