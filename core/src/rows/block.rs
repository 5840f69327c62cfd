//! A block: up to 512 rows as 16-byte cells over one buffer of text and bytes.
//!
//! Measured before it was designed: cells over one buffer are faster to fill than one `String` a
//! text, and a row kept by the user holds on to one block, not to the whole result. Text is
//! checked to be UTF-8 once a block. Drivers fill a [`BlockBuilder`]; rows read a [`Block`].

use std::sync::Arc;

use super::cell::{Cell, lend, range};
use super::columns::Columns;
use crate::error::Result;
use crate::types::{Class, Type};
use crate::value::{Other, Value, ValueRef};

/// A block closes at this many rows.
const MOST_ROWS: usize = 512;
/// A block closes when its buffer has this many bytes.
const MOST_BYTES: usize = 64 * 1024;
/// A value longer than this gets an allocation of its own.
const LARGE: usize = 8 * 1024;

/// Rows of a result, immutable.
#[derive(Clone, Debug)]
pub struct Block {
    columns: Arc<Columns>,
    cells: Vec<Cell>,
    text: String,
    bytes: Vec<u8>,
    rich: Vec<Value>,
    rows: usize,
    width: usize,
}

impl Block {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Its columns.
    pub fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// The value of a cell; none outside the block.
    #[inline]
    pub fn value(&self, row: usize, column: usize) -> Option<ValueRef<'_>> {
        if column >= self.width {
            return None;
        }
        self.cells.get(row * self.width + column).map(|cell| self.lend(*cell))
    }

    fn lend(&self, cell: Cell) -> ValueRef<'_> {
        lend(cell, &self.text, &self.bytes, &self.rich)
    }
}

/// A block being filled, cell by cell in the order of the columns.
///
/// Drivers call one `push_…` for each cell and [`BlockBuilder::end_row`] after each row. Text is
/// pushed as the bytes the driver has; what turns out not to be UTF-8 becomes
/// [`Value::Other`] with those bytes.
#[derive(Debug)]
pub struct BlockBuilder {
    columns: Arc<Columns>,
    cells: Vec<Cell>,
    text: Vec<u8>,
    bytes: Vec<u8>,
    rich: Vec<Value>,
    rows: usize,
}

impl BlockBuilder {
    /// An empty block for rows of these columns; `expect` rows are made room for.
    pub fn new(columns: Arc<Columns>, expect: usize) -> BlockBuilder {
        let expect = expect.min(MOST_ROWS);
        // Room for names and words; longer texts grow the buffer once or twice.
        let text = expect * columns.texts * 24;
        BlockBuilder::with_room(columns, expect, text)
    }

    /// An empty block with as much room as the one before it needed.
    pub(crate) fn after(before: &Block) -> BlockBuilder {
        BlockBuilder::with_room(before.columns.clone(), before.rows, before.text.len() + 256)
    }

    fn with_room(columns: Arc<Columns>, rows: usize, text: usize) -> BlockBuilder {
        let cells = Vec::with_capacity(rows * columns.len());
        let text = Vec::with_capacity(text.min(MOST_BYTES + LARGE));
        BlockBuilder { columns, cells, text, bytes: Vec::new(), rich: Vec::new(), rows: 0 }
    }

    /// The columns it is filled for.
    pub fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// Adds NULL.
    #[inline]
    pub fn push_null(&mut self) {
        self.cells.push(Cell::Null);
    }

    /// Adds a boolean.
    #[inline]
    pub fn push_bool(&mut self, value: bool) {
        self.cells.push(Cell::Bool(value));
    }

    /// Adds an integer.
    #[inline]
    pub fn push_int(&mut self, value: i64) {
        self.cells.push(Cell::Int(value));
    }

    /// Adds a binary number.
    #[inline]
    pub fn push_float(&mut self, value: f64) {
        self.cells.push(Cell::Float(value));
    }

    /// Adds text, as the bytes the driver has.
    #[inline]
    pub fn push_text(&mut self, text: &[u8]) {
        if text.len() > LARGE {
            return self.push_value(text_value(text));
        }
        let start = self.text.len() as u32;
        self.text.extend_from_slice(text);
        self.cells.push(Cell::Text(start, text.len() as u32));
    }

    /// Adds bytes.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if bytes.len() > LARGE {
            return self.push_value(Value::Bytes(bytes.to_vec()));
        }
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        self.cells.push(Cell::Bytes(start, bytes.len() as u32));
    }

    /// Adds any value.
    pub fn push_value(&mut self, value: Value) {
        match value {
            Value::Null => self.push_null(),
            Value::Bool(b) => self.push_bool(b),
            Value::Int(n) => self.push_int(n),
            Value::Float(x) => self.push_float(x),
            rich => {
                self.cells.push(Cell::Rich(self.rich.len() as u32));
                self.rich.push(rich);
            }
        }
    }

    /// Adds a lent value.
    #[doc(hidden)]
    pub fn push_ref(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Text(text) => self.push_text(text.as_bytes()),
            ValueRef::Bytes(bytes) => self.push_bytes(bytes),
            other => self.push_value(other.to_value()),
        }
    }

    /// Ends a row, and says whether the block is full and must be closed.
    #[inline]
    pub fn end_row(&mut self) -> bool {
        self.rows += 1;
        self.rows >= MOST_ROWS || self.text.len() + self.bytes.len() >= MOST_BYTES
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row was ended yet.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Closes the block. Text is checked, and custom types' result hooks run.
    ///
    /// # Errors
    /// What a result hook returned, with the column's place.
    pub fn finish(mut self) -> Result<Block> {
        if self.columns.has_hooks {
            self.run_hooks()?;
        }
        Ok(self.close_raw())
    }

    /// Closes the block without running result hooks: for values that passed them already.
    #[doc(hidden)]
    pub fn close_raw(mut self) -> Block {
        let text = self.take_text();
        let BlockBuilder { columns, cells, bytes, rich, rows, .. } = self;
        let width = columns.len();
        Block { columns, cells, text, bytes, rich, rows, width }
    }

    /// The text buffer as UTF-8. A valid whole may still have a cell that begins inside a
    /// character (one cell ends with half of it, the next begins with the rest), so every cell's
    /// start is checked too.
    fn take_text(&mut self) -> String {
        let bytes = std::mem::take(&mut self.text);
        match String::from_utf8(bytes) {
            Ok(text) => {
                let at_boundary = |cell: &Cell| match cell {
                    Cell::Text(start, _) => text.is_char_boundary(*start as usize),
                    _ => true,
                };
                if self.cells.iter().all(at_boundary) {
                    return text;
                }
                self.split_bad_text(text.as_bytes())
            }
            Err(error) => self.split_bad_text(error.as_bytes()),
        }
    }

    /// Moves cells that are not UTF-8 out of the buffer, and gives the buffer of the others.
    fn split_bad_text(&mut self, bytes: &[u8]) -> String {
        let mut text = String::new();
        for cell in &mut self.cells {
            let Cell::Text(start, len) = *cell else {
                continue;
            };
            let own = bytes.get(range(start, len)).unwrap_or(&[]);
            match std::str::from_utf8(own) {
                Ok(good) => {
                    *cell = Cell::Text(text.len() as u32, len);
                    text.push_str(good);
                }
                Err(_) => {
                    *cell = Cell::Rich(self.rich.len() as u32);
                    self.rich.push(text_value(own));
                }
            }
        }
        text
    }

    fn run_hooks(&mut self) -> Result<()> {
        let columns = self.columns.clone();
        let width = columns.len();
        for (position, info) in columns.iter().enumerate() {
            let Type::Custom(custom) = &info.ty else {
                continue;
            };
            for row in 0..self.rows {
                let at = row * width + position;
                let Some(cell) = self.cells.get(at).copied() else {
                    continue;
                };
                let value = self.owned(cell);
                let value = custom.0.result(value).map_err(|e| e.at(columns.place(position)))?;
                let mut made = BlockBuilder::new(Arc::new(Columns::default()), 0);
                made.push_value(value);
                let new = match (made.cells.first().copied(), made.rich.pop()) {
                    (Some(Cell::Rich(_)), Some(rich)) => {
                        self.rich.push(rich);
                        Cell::Rich(self.rich.len() as u32 - 1)
                    }
                    (Some(plain), _) => plain,
                    (None, _) => Cell::Null,
                };
                self.cells.iter_mut().skip(at).take(1).for_each(|c| *c = new);
            }
        }
        Ok(())
    }

    /// An owned copy of a cell that was just pushed.
    fn owned(&self, cell: Cell) -> Value {
        let part =
            |buffer: &[u8], start: u32, len: u32| buffer.get(range(start, len)).unwrap_or(&[]).to_vec();
        match cell {
            Cell::Null => Value::Null,
            Cell::Bool(b) => Value::Bool(b),
            Cell::Int(n) => Value::Int(n),
            Cell::Float(x) => Value::Float(x),
            Cell::Text(start, len) => text_value(&part(&self.text, start, len)),
            Cell::Bytes(start, len) => Value::Bytes(part(&self.bytes, start, len)),
            Cell::Rich(at) => self.rich.get(at as usize).cloned().unwrap_or_default(),
        }
    }

    /// The kind of cells of a column, for drivers that ask once a row.
    pub fn class(&self, column: usize) -> Class {
        self.columns.get(column).map_or(Class::Any, |c| c.class)
    }
}

/// Text as a value; bytes that are no UTF-8 are kept as what they are.
fn text_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_string()),
        Err(_) => Other::bytes("text", bytes).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::ColumnInfo;
    use crate::value::OtherData;

    fn builder(types: &[Type]) -> BlockBuilder {
        let list = types.iter().enumerate().map(|(i, t)| ColumnInfo::new(format!("c{i}"), t.clone()));
        BlockBuilder::new(Arc::new(Columns::new(list.collect())), 4)
    }

    #[test]
    fn cells_come_back() {
        let mut b = builder(&[Type::Any, Type::Any]);
        b.push_int(1);
        b.push_text("grün".as_bytes());
        b.end_row();
        b.push_null();
        b.push_bytes(&[0, 255]);
        b.end_row();
        b.push_text("x".repeat(LARGE + 1).as_bytes());
        b.push_value(Value::Decimal("1.50".parse().unwrap()));
        b.end_row();
        let block = b.finish().unwrap();
        assert_eq!(block.value(0, 0), Some(ValueRef::Int(1)));
        assert_eq!(block.value(0, 1), Some(ValueRef::Text("grün")));
        assert_eq!(block.value(1, 0), Some(ValueRef::Null));
        assert_eq!(block.value(1, 1), Some(ValueRef::Bytes(&[0, 255])));
        assert!(matches!(block.value(2, 0), Some(ValueRef::Text(t)) if t.len() == LARGE + 1));
        assert_eq!(block.value(2, 1).unwrap().to_string(), "1.50");
        assert_eq!(block.value(0, 2), None);
        assert_eq!(block.value(3, 0), None);
    }

    #[test]
    fn text_that_is_not_utf8_is_kept() {
        // "ä" is c3 a4: cut between two cells the whole is valid and neither part is.
        let mut b = builder(&[Type::Any, Type::Any, Type::Any]);
        b.push_text(b"ok");
        b.push_text(b"a\xc3");
        b.push_text(b"\xa4b");
        b.end_row();
        let block = b.finish().unwrap();
        assert_eq!(block.value(0, 0), Some(ValueRef::Text("ok")));
        for (column, bytes) in [(1, b"a\xc3".as_slice()), (2, b"\xa4b")] {
            match block.value(0, column).unwrap() {
                ValueRef::Rich(Value::Other(other)) => {
                    assert_eq!(other.data(), &OtherData::Bytes(bytes.into()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn closes_at_its_limits() {
        let mut b = builder(&[Type::Any]);
        for row in 1..=MOST_ROWS {
            b.push_int(0);
            assert_eq!(b.end_row(), row == MOST_ROWS);
        }
        let mut b = builder(&[Type::Any]);
        b.push_text("x".repeat(LARGE).as_bytes());
        assert!(!b.end_row());
        (0..7).for_each(|_| b.push_text("x".repeat(LARGE).as_bytes()));
        assert!(b.end_row());
    }
}
