//! A value lent by a row or an owned value: plain ones inline, rich ones by reference.

use std::fmt::{self, Display};

use super::{OtherData, Value};

/// A value as a row lends it, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// SQL NULL.
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer above `i64::MAX`.
    UInt(u64),
    /// A binary floating-point number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A variant that has no inline form, such as a date or a decimal.
    Rich(&'a Value),
}

impl ValueRef<'_> {
    /// An owned copy.
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(b) => Value::Bool(b),
            ValueRef::Int(n) => Value::Int(n),
            ValueRef::UInt(n) => Value::UInt(n),
            ValueRef::Float(x) => Value::Float(x),
            ValueRef::Text(text) => Value::Text(text.to_string()),
            ValueRef::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Rich(value) => value.clone(),
        }
    }

    /// Whether two are identical, as owned values are by `==`: `-0.0` differs from `0.0`, NaN does
    /// not differ from NaN.
    #[inline]
    pub fn is_identical(self, other: ValueRef<'_>) -> bool {
        match (self, other) {
            (ValueRef::Float(a), ValueRef::Float(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (ValueRef::Int(a), ValueRef::UInt(b)) | (ValueRef::UInt(b), ValueRef::Int(a)) => {
                u64::try_from(a) == Ok(b)
            }
            (a, b) => a == b,
        }
    }

    /// Whether this is SQL NULL.
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }

    /// The name of the variant, for messages.
    pub fn type_name(self) -> &'static str {
        match self {
            ValueRef::Null => "NULL",
            ValueRef::Bool(_) => "boolean",
            ValueRef::Int(_) => "integer",
            ValueRef::UInt(_) => "unsigned integer",
            ValueRef::Float(_) => "float",
            ValueRef::Text(_) => "text",
            ValueRef::Bytes(_) => "bytes",
            ValueRef::Rich(rich) => match rich {
                Value::Decimal(_) => "decimal",
                Value::Date(_) => "date",
                Value::Time(_) => "time",
                Value::DateTime(_) => "datetime",
                Value::Timestamp(_) => "timestamp",
                Value::Interval(_) => "interval",
                Value::Uuid(_) => "uuid",
                Value::Json(_) => "json",
                Value::Array(_) => "array",
                Value::Other(_) => "other",
                plain => plain.as_ref().type_name(),
            },
        }
    }
}

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(text: &'a str) -> ValueRef<'a> {
        ValueRef::Text(text)
    }
}

impl From<i64> for ValueRef<'_> {
    fn from(number: i64) -> Self {
        ValueRef::Int(number)
    }
}

impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueRef::Null => f.pad("NULL"),
            ValueRef::Bool(b) => b.fmt(f),
            ValueRef::Int(n) => n.fmt(f),
            ValueRef::UInt(n) => n.fmt(f),
            ValueRef::Float(x) => write!(f, "{x:?}"),
            ValueRef::Text(text) => f.pad(text),
            ValueRef::Bytes(bytes) => hex(bytes, f),
            ValueRef::Rich(rich) => display_rich(rich, f),
        }
    }
}

fn display_rich(rich: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match rich {
        Value::Decimal(v) => v.fmt(f),
        Value::Date(v) => v.fmt(f),
        Value::Time(v) => v.fmt(f),
        Value::DateTime(v) => v.fmt(f),
        Value::Timestamp(v) => v.fmt(f),
        Value::Interval(v) => v.fmt(f),
        Value::Uuid(v) => v.fmt(f),
        Value::Json(v) => v.fmt(f),
        Value::Array(array) => {
            f.write_str("{")?;
            for (i, item) in array.items().iter().enumerate() {
                write!(f, "{}{item}", if i == 0 { "" } else { "," })?;
            }
            f.write_str("}")
        }
        Value::Other(other) => match other.data() {
            OtherData::Text(text) => f.write_str(text),
            OtherData::Bytes(bytes) => hex(bytes, f),
        },
        plain => plain.as_ref().fmt(f),
    }
}

/// Bytes as SQL writes them: `x'00ff'`.
fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("x'")?;
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
    f.write_str("'")
}
