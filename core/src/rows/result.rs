//! A whole result, and a result as it streams.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::block::{Block, BlockBuilder};
use super::columns::Columns;
use super::row::Row;
use crate::dialect::Cursor;
use crate::error::{Error, ErrorKind, Result};
use crate::value::FromValue;

/// All rows of a result, in blocks.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The first block, which is all of most results; or the columns of an empty one.
    first: std::result::Result<Arc<Block>, Arc<Columns>>,
    more: Vec<Arc<Block>>,
    len: usize,
}

impl Rows {
    /// Reads a cursor to its end.
    pub(crate) fn read(cursor: &mut dyn Cursor, expect: usize) -> Result<Rows> {
        let mut builder = BlockBuilder::new(cursor.columns().clone(), expect);
        let mut more_rows = cursor.fill(&mut builder)?;
        if builder.is_empty() && !more_rows {
            return Ok(Rows::none(builder.columns().clone()));
        }
        let first = Arc::new(builder.finish()?);
        let (mut more, mut len): (Vec<Arc<Block>>, usize) = (Vec::new(), first.len());
        while more_rows {
            let mut builder = BlockBuilder::after(more.last().unwrap_or(&first));
            more_rows = cursor.fill(&mut builder)?;
            if !builder.is_empty() {
                len += builder.len();
                more.push(Arc::new(builder.finish()?));
            }
        }
        Ok(Rows { first: Ok(first), more, len })
    }

    /// No rows of these columns.
    pub(crate) fn none(columns: Arc<Columns>) -> Rows {
        Rows { first: Err(columns), more: Vec::new(), len: 0 }
    }

    /// Puts rows of the same columns behind these.
    pub(crate) fn append(&mut self, other: Rows) {
        self.len += other.len;
        match (&self.first, other.first) {
            (Err(_), first) => self.first = first,
            (Ok(_), Ok(block)) => self.more.push(block),
            (Ok(_), Err(_)) => {}
        }
        self.more.extend(other.more);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The columns, also of an empty result.
    pub fn columns(&self) -> &Columns {
        match &self.first {
            Ok(block) => block.columns(),
            Err(columns) => columns,
        }
    }

    /// The blocks, for code that reads many cells.
    pub fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.first.as_ref().ok().into_iter().chain(&self.more)
    }

    /// The row at a position.
    pub fn get(&self, mut position: usize) -> Option<Row> {
        for block in self.blocks() {
            if position < block.len() {
                return Some(Row::new(block.clone(), position));
            }
            position -= block.len();
        }
        None
    }

    /// The rows in order.
    pub fn iter(&self) -> RowsIter<'_> {
        RowsIter { blocks: self.more.iter(), block: self.first.as_ref().ok(), at: 0, left: self.len }
    }

    /// The only row.
    ///
    /// # Errors
    /// `NotFound` when there is none, `MultipleFound` when there are several.
    pub fn one(&self) -> Result<Row> {
        self.one_or_none()?.ok_or_else(|| Error::new(ErrorKind::NotFound, "the query found no row"))
    }

    /// The only row, if there is one.
    ///
    /// # Errors
    /// `MultipleFound` when there are several.
    pub fn one_or_none(&self) -> Result<Option<Row>> {
        if self.len > 1 {
            let message = format!("the query found {} rows", self.len);
            return Err(Error::new(ErrorKind::MultipleFound, message));
        }
        Ok(self.get(0))
    }

    /// As [`Rows::one`], without keeping the rest of the result alive.
    pub(crate) fn into_one(self) -> Result<Row> {
        match self.first {
            Ok(block) if self.len == 1 => Ok(Row::new(block, 0)),
            first => Rows { first, ..self }.one(),
        }
    }

    /// The first row, if there is one.
    pub fn first(&self) -> Option<Row> {
        self.get(0)
    }

    /// The first column of every row.
    ///
    /// # Errors
    /// `Conversion` for the first cell that does not fit.
    pub fn scalars<T: FromValue>(&self) -> Result<Vec<T>> {
        self.iter().map(|row| row.get::<T>(0)).collect()
    }

    /// The rows in parts of so many, the last of what is left; of 0 as of 1.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let rows = db.query_text("SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3", ())?;
    /// let sizes: Vec<usize> = rows.partitions(2).map(|part| part.len()).collect();
    /// assert_eq!(sizes, [2, 1]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn partitions(&self, size: usize) -> impl Iterator<Item = Vec<Row>> + '_ {
        let mut rows = self.iter();
        std::iter::from_fn(move || {
            let part: Vec<Row> = rows.by_ref().take(size.max(1)).collect();
            (!part.is_empty()).then_some(part)
        })
    }

    /// Every row read into a type of yours; see [`Row::to`].
    ///
    /// # Errors
    /// `Conversion` naming the column.
    pub fn all_as<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        self.iter().map(|row| row.to()).collect()
    }
}

/// The rows of a result in order.
#[derive(Clone, Debug)]
pub struct RowsIter<'a> {
    blocks: std::slice::Iter<'a, Arc<Block>>,
    block: Option<&'a Arc<Block>>,
    at: usize,
    left: usize,
}

impl Iterator for RowsIter<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            match self.block {
                Some(block) if self.at < block.len() => {
                    self.at += 1;
                    self.left -= 1;
                    return Some(Row::new(block.clone(), self.at - 1));
                }
                _ => {
                    self.block = Some(self.blocks.next()?);
                    self.at = 0;
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for RowsIter<'_> {}
impl std::iter::FusedIterator for RowsIter<'_> {}

impl<'a> IntoIterator for &'a Rows {
    type Item = Row;
    type IntoIter = RowsIter<'a>;

    fn into_iter(self) -> RowsIter<'a> {
        self.iter()
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().collect::<Vec<_>>().into_iter()
    }
}

impl serde::Serialize for Rows {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The rows of a running query, inside the scope of `stream`: one block in memory at a time.
///
/// An ordinary iterator. The first error ends it.
pub struct RowStream<'c> {
    cursor: &'c mut dyn Cursor,
    block: Option<Arc<Block>>,
    at: usize,
    more: bool,
}

impl<'c> RowStream<'c> {
    pub(crate) fn new(cursor: &'c mut dyn Cursor) -> RowStream<'c> {
        RowStream { cursor, block: None, at: 0, more: true }
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        self.cursor.columns()
    }

    fn next_block(&mut self) -> Result<bool> {
        let mut builder = match self.block.take() {
            Some(before) => BlockBuilder::after(&before),
            None => BlockBuilder::new(self.cursor.columns().clone(), 64),
        };
        self.more = self.cursor.fill(&mut builder)?;
        self.at = 0;
        self.block = Some(Arc::new(builder.finish()?));
        Ok(self.more)
    }
}

impl std::fmt::Debug for RowStream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}

impl Iterator for RowStream<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        loop {
            if let Some(block) = &self.block
                && self.at < block.len()
            {
                self.at += 1;
                return Some(Ok(Row::new(block.clone(), self.at - 1)));
            }
            if !self.more {
                return None;
            }
            if let Err(error) = self.next_block() {
                self.more = false;
                self.block = None;
                return Some(Err(error));
            }
        }
    }
}

impl std::iter::FusedIterator for RowStream<'_> {}
