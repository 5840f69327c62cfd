//! What was set of a record and not flushed, by column.
//!
//! The values of a new record lie packed in one piece of memory, if they are short: a list, with texts of their own, takes
//! two or three pieces each, and 100 000 records wait for those to be allocated, found again and freed. What is set later
//! makes a list of it. Not here: expressions, which lie beside the relationships (`assigned`).

use std::cell::Cell;
use std::slice;

use mirrorm_core::schema::ColumnId;
use mirrorm_core::value::{Value, ValueRef};

use crate::assigned::put;

/// Values by column, none twice.
#[derive(Default)]
pub(crate) struct Overlay(Form);

enum Form {
    List(Vec<(ColumnId, Value)>),
    /// What a [`Packing`] made.
    Packed(Box<str>),
}

impl Default for Form {
    fn default() -> Form {
        Form::List(Vec::new())
    }
}

impl From<Vec<(ColumnId, Value)>> for Overlay {
    fn from(list: Vec<(ColumnId, Value)>) -> Overlay {
        Overlay(Form::List(list))
    }
}

impl Overlay {
    pub(crate) fn is_empty(&self) -> bool {
        match &self.0 {
            Form::List(list) => list.is_empty(),
            Form::Packed(packed) => packed.is_empty(),
        }
    }

    /// The value of a column, if it was set.
    pub(crate) fn get(&self, id: ColumnId) -> Option<ValueRef<'_>> {
        let in_order = matches!(self.0, Form::Packed(_));
        let place = self.iter().find(|(own, _)| *own == id || (in_order && *own > id));
        place.filter(|(own, _)| *own == id).map(|(_, value)| value)
    }

    /// Whether a column was set.
    pub(crate) fn holds(&self, id: ColumnId) -> bool {
        self.get(id).is_some()
    }

    #[inline]
    pub(crate) fn iter(&self) -> Values<'_> {
        match &self.0 {
            Form::List(list) => Values { list: list.iter(), packed: "" },
            Form::Packed(packed) => Values { list: [].iter(), packed },
        }
    }

    /// The columns that were set.
    pub(crate) fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.iter().map(|(id, _)| id)
    }

    /// A copy of all values.
    pub(crate) fn to_list(&self) -> Vec<(ColumnId, Value)> {
        self.iter().map(|(id, value)| (id, value.to_value())).collect()
    }

    /// Sets a column.
    pub(crate) fn put(&mut self, id: ColumnId, value: Value) {
        self.edit(|list| put(list, id, value));
    }

    /// Keeps only these of the values.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(ColumnId, &Value) -> bool) {
        if !self.is_empty() {
            self.edit(|list| list.retain(|(id, value)| keeps(*id, value)));
        }
    }

    /// Puts the values in the order of their columns.
    pub(crate) fn sort(&mut self) {
        if let Form::List(list) = &mut self.0
            && !list.is_sorted_by_key(|(id, _)| *id)
        {
            list.sort_by_key(|(id, _)| *id);
        }
    }

    #[inline]
    fn edit(&mut self, edit: impl FnOnce(&mut Vec<(ColumnId, Value)>)) {
        let mut list = match std::mem::take(&mut self.0) {
            Form::List(list) => list,
            packed @ Form::Packed(_) => Overlay(packed).to_list(),
        };
        edit(&mut list);
        self.0 = Form::List(list);
    }
}

/// The values of an overlay.
pub(crate) struct Values<'o> {
    list: slice::Iter<'o, (ColumnId, Value)>,
    packed: &'o str,
}

impl<'o> Iterator for Values<'o> {
    type Item = (ColumnId, ValueRef<'o>);

    #[inline]
    fn next(&mut self) -> Option<(ColumnId, ValueRef<'o>)> {
        match self.list.next() {
            Some((id, value)) => Some((*id, value.as_ref())),
            None => unpack(&mut self.packed),
        }
    }
}

/// Texts with which all would be longer than this are left where they are, instead of copied.
const SHORT: usize = 1000;

thread_local! {
    /// Where the next record of the thread is packed.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// Values being packed, in the order of their columns: the number of the column, the kind of the value, and the value. All
/// of it is text, so that texts are lent as they lie: numbers are characters of seven bits.
pub(crate) struct Packing {
    packed: String,
    last: Option<ColumnId>,
}

impl Default for Packing {
    fn default() -> Packing {
        // There is none while the thread ends.
        Packing { packed: SCRATCH.try_with(Cell::take).unwrap_or_default(), last: None }
    }
}

impl Packing {
    /// Packs a value; says whether it could be.
    #[inline]
    pub(crate) fn push(&mut self, id: ColumnId, value: &Value) -> bool {
        if id.number() >= 1 << BITS || self.last.is_some_and(|last| last >= id) {
            return false;
        }
        let (kind, bits, length, text) = match value {
            Value::Null => (NULL, 0, 0, ""),
            Value::Bool(b) => (if *b { TRUE } else { FALSE }, 0, 0, ""),
            Value::Int(n) => (INT, n.cast_unsigned(), LONG, ""),
            Value::Float(x) => (FLOAT, x.to_bits(), LONG, ""),
            Value::Text(text) if self.packed.len() + text.len() <= SHORT => {
                (TEXT, text.len() as u64, 2, text.as_str())
            }
            _ => return false,
        };
        self.packed.push(seven(u64::from(id.number())));
        self.packed.push(seven(u64::from(kind)));
        (0..length).for_each(|at| self.packed.push(seven(bits >> (at * BITS))));
        self.packed.push_str(text);
        self.last = Some(id);
        true
    }

    /// What was packed.
    pub(crate) fn finish(mut self) -> Overlay {
        let overlay = match self.last {
            None => Overlay::default(),
            Some(_) => Overlay(Form::Packed(self.packed.as_str().into())),
        };
        self.packed.clear();
        let _ = SCRATCH.try_with(|scratch| scratch.set(self.packed));
        overlay
    }
}

/// Bits in a character.
const BITS: u32 = 7;

/// Characters of a number.
const LONG: u32 = u64::BITS.div_ceil(BITS);

/// The lowest bits as a character.
#[inline]
fn seven(bits: u64) -> char {
    char::from(bits as u8 & 127)
}

// The kinds of values.
const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;

/// Takes the next value off packed ones.
#[inline]
fn unpack<'o>(packed: &mut &'o str) -> Option<(ColumnId, ValueRef<'o>)> {
    let (head, _) = packed.as_bytes().split_first_chunk::<2>()?;
    let ([column, kind], mut rest) = (*head, packed.get(2..)?);
    let value = match kind {
        FALSE => ValueRef::Bool(false),
        TRUE => ValueRef::Bool(true),
        INT => ValueRef::Int(number(&mut rest, LONG)?.cast_signed()),
        FLOAT => ValueRef::Float(f64::from_bits(number(&mut rest, LONG)?)),
        TEXT => {
            let length = number(&mut rest, 2)? as usize;
            let (text, behind) = rest.split_at_checked(length)?;
            rest = behind;
            ValueRef::Text(text)
        }
        _ => ValueRef::Null,
    };
    *packed = rest;
    Some((ColumnId::of_number(column.into()), value))
}

/// Takes a number of so many characters off packed values.
#[inline]
fn number(packed: &mut &str, length: u32) -> Option<u64> {
    let (own, rest) = packed.split_at_checked(length as usize)?;
    *packed = rest;
    Some(own.bytes().rev().fold(0, |number, seven| number << BITS | u64::from(seven)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[Value]) -> Overlay {
        let mut packing = Packing::default();
        for (at, value) in values.iter().enumerate() {
            assert!(packing.push(ColumnId::of_number(at as u32 * 5), value), "{value:?}");
        }
        packing.finish()
    }

    #[test]
    fn what_is_packed_comes_back() {
        let ints = [0, 1, -1, 127, 128, i64::MAX, i64::MIN].map(Value::Int);
        let floats = [0.0, -0.0, 1.5, f64::MIN, f64::INFINITY, f64::MIN_POSITIVE].map(Value::Float);
        let texts = ["", "grün", "\0\u{7f}", "日本", &"x".repeat(700)].map(Value::from);
        let mut values = vec![Value::Null, Value::Bool(true), Value::Bool(false)];
        values.extend(ints.into_iter().chain(floats).chain(texts));
        let overlay = packed(&values);
        assert_eq!(overlay.iter().count(), values.len());
        for (at, value) in values.iter().enumerate() {
            let id = ColumnId::of_number(at as u32 * 5);
            assert!(overlay.get(id).is_some_and(|own| own.is_identical(value.as_ref())), "{value:?}");
        }
        assert!(!overlay.holds(ColumnId::of_number(1)));
        let nan = packed(&[Value::Float(f64::NAN)]);
        assert!(matches!(nan.iter().next(), Some((_, ValueRef::Float(x))) if x.is_nan()));
    }

    #[test]
    fn what_is_long_or_rich_or_out_of_order_is_not_packed() {
        let id = ColumnId::of_number;
        let mut packing = Packing::default();
        assert!(!packing.push(id(2), &Value::from("x".repeat(SHORT + 1))));
        assert!(!packing.push(id(2), &Value::Bytes(vec![1])));
        assert!(!packing.push(id(2), &Value::UInt(u64::MAX)));
        assert!(!packing.push(id(128), &Value::Null), "more columns than have a character");
        assert!(packing.push(id(2), &Value::from("x".repeat(SHORT))));
        assert!(!packing.push(id(2), &Value::Int(1)), "a column twice");
        assert!(!packing.push(id(1), &Value::Int(1)));
        assert!(!packing.push(id(3), &Value::from("x")), "longer than short together");
        assert!(Packing::default().finish().is_empty(), "a new one has nothing of an old one");
    }

    #[test]
    fn what_was_packed_can_be_changed() {
        let id = |at: u32| ColumnId::of_number(at * 5);
        let mut overlay = packed(&[Value::Int(1), Value::from("a"), Value::Null]);
        overlay.put(id(1), Value::from("b"));
        overlay.retain(|own, value| own != id(0) && !value.is_null());
        assert_eq!(overlay.to_list(), [(id(1), Value::from("b"))]);
        overlay.put(id(0), Value::Int(2));
        overlay.sort();
        assert!(overlay.columns().eq([id(0), id(1)]));
    }
}
