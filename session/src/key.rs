//! What makes a row the same row: the values of its key in one canonical form, the condition that
//! finds it; and what programs may give as a key.
//!
//! Nothing here is compared as SQL compares. A canonical key is always made of what the database
//! returned, so that collations and conversions have had their say.

use std::fmt::Write;

use mirrorm_core::expr::Expr;
use mirrorm_core::schema::{Table, TableDef};
use mirrorm_core::stmt::{Select, select};
use mirrorm_core::value::{Value, ValueRef};

use crate::batch::key_of;

/// The key of a row: equal for identical values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// One integer, which most keys are.
    Int(i64),
    /// Anything else, written down.
    Other(Box<str>),
}

impl Key {
    /// The key of these values; none of no values, and none when one is NULL: that names no row.
    pub(crate) fn of<'v>(values: impl ExactSizeIterator<Item = ValueRef<'v>>) -> Option<Key> {
        if values.len() == 0 {
            return None;
        }
        let single = values.len() == 1;
        let mut text = String::new();
        for value in values {
            match value {
                ValueRef::Null => return None,
                ValueRef::Int(n) if single => return Some(Key::Int(n)),
                value => write_part(value, &mut text),
            }
        }
        Some(Key::Other(text.into()))
    }

    /// The key of owned values.
    pub(crate) fn of_values(values: &[Value]) -> Option<Key> {
        Key::of(values.iter().map(Value::as_ref))
    }
}

/// Kind, length and text of a part, so that no two lists of parts are written alike.
fn write_part(value: ValueRef<'_>, out: &mut String) {
    let text = value.to_string();
    // Writing into a `String` cannot fail. The two kinds of integers are one number line.
    let kind = if let ValueRef::UInt(_) = value { "integer" } else { value.type_name() };
    let _ = write!(out, "{kind} {} {text},", text.len());
}

/// Column by column, one side equals the other.
pub(crate) fn all_equal<E: Into<Expr>>(
    left: impl IntoIterator<Item = Expr>,
    right: impl IntoIterator<Item = E>,
) -> Expr {
    let equal = left.into_iter().zip(right).map(|(left, right)| left.eq(right));
    Expr::all(equal.collect::<Vec<Expr>>())
}

/// The SELECT of the row of a key.
pub(crate) fn row_of_key((table, def): (&Table, &TableDef), key: &[Value]) -> Select {
    let columns = key_of(def).iter().filter_map(|at| def.column_at(*at)).map(|column| table.c(column.key()));
    select(table).filter(all_equal(columns, key.iter().cloned()))
}

/// The key of a row: a value, or a tuple or list of the values of a key of several columns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key",
    note = "use a value such as `5` or `\"code\"`, or a tuple of values in the key's order"
)]
pub trait IntoKey {
    /// Gives the values to the function, in the order of the key.
    fn with<T>(self, take: impl FnOnce(&[Value]) -> T) -> T;
}

macro_rules! single_keys {
    ($($type:ty),*) => {$(
        impl IntoKey for $type {
            fn with<T>(self, take: impl FnOnce(&[Value]) -> T) -> T {
                take(&[Value::from(self)])
            }
        }
    )*};
}
single_keys!(
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
    bool,
    &str,
    String,
    Vec<u8>,
    Value,
    mirrorm_core::value::Uuid,
    mirrorm_core::value::Decimal,
    mirrorm_core::value::Date,
    mirrorm_core::value::DateTime,
    mirrorm_core::value::Timestamp
);

impl IntoKey for &[Value] {
    fn with<T>(self, take: impl FnOnce(&[Value]) -> T) -> T {
        take(self)
    }
}

impl IntoKey for Vec<Value> {
    fn with<T>(self, take: impl FnOnce(&[Value]) -> T) -> T {
        take(&self)
    }
}

impl<V: Into<Value>, const N: usize> IntoKey for [V; N] {
    fn with<T>(self, take: impl FnOnce(&[Value]) -> T) -> T {
        take(&self.map(Into::into))
    }
}

macro_rules! tuple_keys {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Into<Value>, $($rest: Into<Value>),*> IntoKey for ($first, $($rest,)*) {
            #[allow(non_snake_case)]
            fn with<T>(self, take: impl FnOnce(&[Value]) -> T) -> T {
                let ($first, $($rest,)*) = self;
                take(&[$first.into(), $($rest.into()),*])
            }
        }
        tuple_keys!($($rest)*);
    };
    () => {};
}
tuple_keys!(A B C D E F G H);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_are_written_alike() {
        let key = |values: &[Value]| Key::of_values(values);
        assert_eq!(key(&[5.into()]), Some(Key::Int(5)));
        assert_eq!(key(&[Value::Null]), None);
        assert_eq!(key(&[1.into(), Value::Null]), None);
        assert_ne!(key(&["a".into(), "b".into()]), key(&["a,text 1 b".into()]));
        assert_ne!(key(&[1.into(), 2.into()]), key(&["1".into(), 2.into()]));
        assert_eq!(key(&[1.into(), 2.into()]), key(&[1.into(), 2.into()]));
        assert_ne!(key(&["A".into()]), key(&["a".into()]));
    }
}
