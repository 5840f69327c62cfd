//! A cell of 16 bytes: a plain value, or where in the buffers beside it the value lies.

use std::ops::Range;

use crate::value::{Value, ValueRef};

#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Start and length in the text.
    Text(u32, u32),
    /// Start and length in the bytes.
    Bytes(u32, u32),
    /// Position among the values that have an allocation of their own.
    Rich(u32),
}

const _: () = assert!(size_of::<Cell>() == 16, "a cell is 16 bytes");

/// The value of a cell over its buffers. Whoever fills the buffers keeps the ranges inside them
/// and at the borders of characters, so the fallbacks are never taken.
#[inline]
pub(super) fn lend<'a>(cell: Cell, text: &'a str, bytes: &'a [u8], rich: &'a [Value]) -> ValueRef<'a> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Bool(b) => ValueRef::Bool(b),
        Cell::Int(n) => ValueRef::Int(n),
        Cell::Float(x) => ValueRef::Float(x),
        Cell::Text(start, len) => ValueRef::Text(text.get(range(start, len)).unwrap_or("")),
        Cell::Bytes(start, len) => ValueRef::Bytes(bytes.get(range(start, len)).unwrap_or(&[])),
        Cell::Rich(at) => rich.get(at as usize).map_or(ValueRef::Null, Value::as_ref),
    }
}

pub(super) fn range(start: u32, len: u32) -> Range<usize> {
    start as usize..start as usize + len as usize
}
