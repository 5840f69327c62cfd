//! Rust values into [`Value`]: `impl Into<Value>` for the types of the standard library.
//!
//! Types of other crates (uuid, chrono, bigdecimal) enter here behind one feature each.

use super::{Array, Date, DateTime, Decimal, Interval, Json, Other, Time, Timestamp, Uuid, Value};

macro_rules! small_integers {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(number: $type) -> Value {
                Value::Int(i64::from(number))
            }
        }
    )*};
}
small_integers!(i8, i16, i32, i64, u8, u16, u32);

macro_rules! variants {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(value)
            }
        }
    )*};
}
variants! {
    bool => Bool, f64 => Float, String => Text, Vec<u8> => Bytes, Decimal => Decimal,
    Date => Date, Time => Time, DateTime => DateTime, Timestamp => Timestamp,
    Interval => Interval, Uuid => Uuid, Json => Json,
}

macro_rules! from_a_reference {
    ($($type:ty),*) => {$(
        impl From<&$type> for Value {
            fn from(value: &$type) -> Value {
                Value::from(value.clone())
            }
        }
    )*};
}
from_a_reference!(
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
    String,
    Vec<u8>,
    Value,
    Decimal,
    Date,
    Time,
    DateTime,
    Timestamp,
    Interval,
    Uuid,
    Json
);

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::unsigned(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Value {
        Value::unsigned(number as u64)
    }
}

impl From<isize> for Value {
    fn from(number: isize) -> Value {
        Value::Int(number as i64)
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Value {
        Value::Float(f64::from(number))
    }
}

impl From<char> for Value {
    fn from(c: char) -> Value {
        Value::Text(c.to_string())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_string())
    }
}

impl From<std::borrow::Cow<'_, str>> for Value {
    fn from(text: std::borrow::Cow<'_, str>) -> Value {
        Value::Text(text.into_owned())
    }
}

impl From<Box<str>> for Value {
    fn from(text: Box<str>) -> Value {
        Value::Text(text.into())
    }
}

impl From<std::sync::Arc<str>> for Value {
    fn from(text: std::sync::Arc<str>) -> Value {
        Value::Text(text.to_string())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Value {
        Value::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Value {
        Value::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Value {
        Value::Bytes(bytes.to_vec())
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Value {
        Value::Array(Box::new(array))
    }
}

impl From<Other> for Value {
    fn from(other: Other) -> Value {
        Value::Other(Box::new(other))
    }
}

/// A JSON tree becomes a document, `null` included: it is JSON's null, not SQL's.
impl From<serde_json::Value> for Value {
    fn from(tree: serde_json::Value) -> Value {
        Value::Json(Json::from(&tree))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Value {
        Value::Null
    }
}
