//! The value a cell holds, the same on every database.
//!
//! Not here: what a database's own types become (each dialect's `types.rs`), and how values lie
//! in a result (`rows`). Callers: everything.

mod array;
mod convert;
mod decimal;
mod foreign;
mod json;
mod json_out;
mod read;
mod reference;
mod serde;
mod temporal;
mod uuid;

pub use array::{Array, Other, OtherData};
pub use decimal::Decimal;
pub use json::Json;
pub use read::{FromValue, FromValueRef};
pub use reference::ValueRef;
pub use temporal::{Date, DateTime, Interval, Time, Timestamp};
pub use uuid::Uuid;

/// A value of a cell, owned.
///
/// The set of variants is the same on every database and whatever features are on. A cell becomes
/// a rich variant (a date, a decimal) only when writing that variant back gives the identical
/// cell; what fits no variant comes as [`Value::Other`] and can be written back unchanged.
///
/// `==` means *identical*: the same variant, digits and scale; NaN equals NaN, `-0.0` differs
/// from `0.0`, and the two integer variants are one number line. There is no order and no hash:
/// comparing as SQL does is the database's work.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer, used only above `i64::MAX`.
    UInt(u64),
    /// A binary floating-point number.
    Float(f64),
    /// An exact decimal number, with its scale.
    Decimal(Decimal),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A calendar date.
    Date(Date),
    /// A time of day, or a span of hours up to ±838:59:59.
    Time(Time),
    /// A date and time without an offset.
    DateTime(DateTime),
    /// An instant: a date and time with its offset from UTC.
    Timestamp(Timestamp),
    /// Months, days and nanoseconds.
    Interval(Interval),
    /// A UUID.
    Uuid(Uuid),
    /// A JSON document, as its text. JSON `null` is not SQL NULL.
    Json(Json),
    /// An array with element type, dimensions and lower bounds.
    Array(Box<Array>),
    /// A value of a type or a form that has no variant, kept verbatim.
    Other(Box<Other>),
}

const _: () = assert!(size_of::<Value>() <= 32, "a value is at most 32 bytes");

impl Value {
    /// An unsigned integer, as [`Value::Int`] where it fits one.
    pub fn unsigned(number: u64) -> Value {
        match i64::try_from(number) {
            Ok(small) => Value::Int(small),
            Err(_) => Value::UInt(number),
        }
    }

    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The name of the variant, for messages: `integer`, `text`, `NULL`.
    pub fn type_name(&self) -> &'static str {
        self.as_ref().type_name()
    }

    /// The value without its allocation, as rows lend it.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(b) => ValueRef::Bool(*b),
            Value::Int(n) => ValueRef::Int(*n),
            Value::UInt(n) => ValueRef::UInt(*n),
            Value::Float(x) => ValueRef::Float(*x),
            Value::Text(text) => ValueRef::Text(text),
            Value::Bytes(bytes) => ValueRef::Bytes(bytes),
            rich => ValueRef::Rich(rich),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::UInt(a), Value::UInt(b)) => a == b,
            (Value::Int(a), Value::UInt(b)) | (Value::UInt(b), Value::Int(a)) => u64::try_from(*a) == Ok(*b),
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::Decimal(a), Value::Decimal(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Date(a), Value::Date(b)) => a == b,
            (Value::Time(a), Value::Time(b)) => a == b,
            (Value::DateTime(a), Value::DateTime(b)) => a == b,
            (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
            (Value::Interval(a), Value::Interval(b)) => a == b,
            (Value::Uuid(a), Value::Uuid(b)) => a == b,
            (Value::Json(a), Value::Json(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (Value::Other(a), Value::Other(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl std::fmt::Display for Value {
    /// The value as people read it: text without quotes, bytes in hexadecimal, `NULL`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_identity() {
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
        assert_eq!(Value::Int(5), Value::UInt(5));
        assert_ne!(Value::Int(-1), Value::UInt(u64::MAX));
        assert_ne!(Value::Int(1), Value::Float(1.0));
        assert_ne!(Value::Int(1), Value::Bool(true));
        assert_eq!(Value::unsigned(7), Value::Int(7));
        assert_eq!(Value::unsigned(u64::MAX), Value::UInt(u64::MAX));
    }
}
