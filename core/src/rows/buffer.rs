//! Rows on their way in: values of a bulk insert, in one buffer, without an allocation a text.
//!
//! The way out is `block`; both keep cells the same way.

use std::ops::Range;

use super::cell::{Cell, lend};
use crate::value::{
    Date, DateTime, Decimal, Interval, Json, Other, OtherData, Time, Timestamp, Uuid, Value, ValueRef,
};

/// Rows of values for a bulk insert, one after the other.
#[derive(Clone, Debug, Default)]
pub struct RowBuffer {
    cells: Vec<Cell>,
    text: String,
    bytes: Vec<u8>,
    rich: Vec<Value>,
}

impl RowBuffer {
    /// An empty buffer with room for so many values.
    pub fn with_capacity(values: usize) -> RowBuffer {
        RowBuffer { cells: Vec::with_capacity(values), ..RowBuffer::default() }
    }

    /// Adds a value.
    pub fn push(&mut self, value: impl IntoCell) {
        value.push_to(self);
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The value at a position; NULL beyond the end.
    pub fn get(&self, at: usize) -> ValueRef<'_> {
        self.cells.get(at).map_or(ValueRef::Null, |cell| self.lend(*cell))
    }

    /// The values of a range in order.
    pub fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = ValueRef<'_>> {
        self.cells.get(range).unwrap_or(&[]).iter().map(|cell| self.lend(*cell))
    }

    fn lend(&self, cell: Cell) -> ValueRef<'_> {
        lend(cell, &self.text, &self.bytes, &self.rich)
    }

    /// Whether it holds a value that is only known as bytes of a database's own.
    pub(crate) fn holds_other_bytes(&self) -> bool {
        let is_bytes = |value: &Value| match value {
            Value::Other(other) => matches!(other.data(), OtherData::Bytes(_)),
            _ => false,
        };
        self.rich.iter().any(is_bytes)
    }

    /// Whether it holds a value that converting to its column's portable type might change.
    pub(crate) fn holds_odd_ones(&self) -> bool {
        self.rich.iter().any(|value| matches!(value, Value::Other(_) | Value::UInt(_)))
    }

    /// Puts another value in the place of one.
    pub(crate) fn set(&mut self, at: usize, value: Value) {
        self.push_value(value);
        if let Some(cell) = self.cells.pop()
            && let Some(place) = self.cells.get_mut(at)
        {
            *place = cell;
        }
    }

    /// Adds a lent value.
    pub(crate) fn push_ref(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.cells.push(Cell::Null),
            ValueRef::Bool(b) => self.cells.push(Cell::Bool(b)),
            ValueRef::Int(n) => self.cells.push(Cell::Int(n)),
            ValueRef::Float(x) => self.cells.push(Cell::Float(x)),
            ValueRef::Text(text) => self.push_text(text),
            ValueRef::Bytes(bytes) => self.push_bytes(bytes),
            rich => self.push_rich(rich.to_value()),
        }
    }

    /// Lets all values go and keeps the room.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        self.bytes.clear();
        self.rich.clear();
    }

    fn push_value(&mut self, value: Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => self.push_ref(value.as_ref()),
            rich => self.push_rich(rich),
        }
    }

    fn push_rich(&mut self, value: Value) {
        self.cells.push(Cell::Rich(self.rich.len() as u32));
        self.rich.push(value);
    }

    fn push_text(&mut self, text: &str) {
        match (u32::try_from(self.text.len()), u32::try_from(text.len())) {
            (Ok(start), Ok(len)) if start.checked_add(len).is_some() => {
                self.text.push_str(text);
                self.cells.push(Cell::Text(start, len));
            }
            // Beyond four gigabytes a text gets an allocation of its own.
            _ => self.push_rich(Value::Text(text.to_string())),
        }
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        match (u32::try_from(self.bytes.len()), u32::try_from(bytes.len())) {
            (Ok(start), Ok(len)) if start.checked_add(len).is_some() => {
                self.bytes.extend_from_slice(bytes);
                self.cells.push(Cell::Bytes(start, len));
            }
            _ => self.push_rich(Value::Bytes(bytes.to_vec())),
        }
    }
}

/// A value of a bulk insert: everything that becomes a [`Value`], and borrowed text and bytes
/// without a copy of their own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of a row",
    note = "use numbers, text, bytes, `Option`s of them, or `Value`"
)]
pub trait IntoCell {
    /// Adds itself to the row.
    fn push_to(self, buffer: &mut RowBuffer);
}

impl IntoCell for &str {
    fn push_to(self, buffer: &mut RowBuffer) {
        buffer.push_text(self);
    }
}

impl IntoCell for &&str {
    fn push_to(self, buffer: &mut RowBuffer) {
        buffer.push_text(self);
    }
}

impl IntoCell for &[u8] {
    fn push_to(self, buffer: &mut RowBuffer) {
        buffer.push_bytes(self);
    }
}

impl<T: IntoCell> IntoCell for Option<T> {
    fn push_to(self, buffer: &mut RowBuffer) {
        match self {
            Some(value) => value.push_to(buffer),
            None => buffer.cells.push(Cell::Null),
        }
    }
}

impl<'a, T> IntoCell for &'a Option<T>
where
    &'a T: IntoCell,
{
    fn push_to(self, buffer: &mut RowBuffer) {
        self.as_ref().push_to(buffer);
    }
}

impl IntoCell for ValueRef<'_> {
    fn push_to(self, buffer: &mut RowBuffer) {
        buffer.push_ref(self);
    }
}

macro_rules! lent {
    ($($type:ty => $push:ident),*) => {$(
        impl IntoCell for $type {
            fn push_to(self, buffer: &mut RowBuffer) {
                buffer.$push(&self);
            }
        }

        impl IntoCell for &$type {
            fn push_to(self, buffer: &mut RowBuffer) {
                buffer.$push(self);
            }
        }
    )*};
}
lent!(String => push_text, Box<str> => push_text, std::sync::Arc<str> => push_text, Vec<u8> => push_bytes);

macro_rules! values {
    ($($type:ty),*) => {$(
        impl IntoCell for $type {
            fn push_to(self, buffer: &mut RowBuffer) {
                buffer.push_value(Value::from(self));
            }
        }

        impl IntoCell for &$type {
            fn push_to(self, buffer: &mut RowBuffer) {
                buffer.push_value(Value::from(self.clone()));
            }
        }
    )*};
}
values!(
    bool,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    usize,
    isize,
    f32,
    f64,
    char,
    Decimal,
    Date,
    Time,
    DateTime,
    Timestamp,
    Interval,
    Uuid,
    Json,
    Other,
    serde_json::Value
);

impl IntoCell for Value {
    fn push_to(self, buffer: &mut RowBuffer) {
        buffer.push_value(self);
    }
}

impl IntoCell for &Value {
    fn push_to(self, buffer: &mut RowBuffer) {
        buffer.push_ref(self.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        let mut buffer = RowBuffer::default();
        buffer.push("text");
        buffer.push(5u8);
        buffer.push(None::<&str>);
        let lent = Some(String::from("x"));
        buffer.push(&lent);
        buffer.push(vec![1u8, 2]);
        buffer.push(Value::Decimal("1.50".parse().unwrap()));
        let all: Vec<String> = buffer.range(0..6).map(|v| v.to_string()).collect();
        assert_eq!(all, ["text", "5", "NULL", "x", "x'0102'", "1.50"]);
        buffer.set(1, Value::Text("five".into()));
        assert_eq!(buffer.get(1).to_value(), Value::Text("five".into()));
        assert_eq!(buffer.get(99), ValueRef::Null);
    }
}
