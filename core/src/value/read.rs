//! Values into Rust types: what `get::<T>()` can give.
//!
//! Two traits keep the compiler's messages good: [`FromValue`] gives owned values, from records
//! and rows alike; [`FromValueRef`] also lends text and bytes, from rows only.

use super::{
    Array, Date, DateTime, Decimal, Interval, Json, Other, OtherData, Time, Timestamp, Uuid, Value, ValueRef,
};
use crate::error::{Error, Result};

/// A type that can be read out of a [`Value`], owned.
///
/// No conversion loses anything: a number that does not fit, a fraction for an integer and text
/// for a number are errors. `bool` reads booleans and the integers 0 and 1.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a value",
    note = "use an owned type such as `i64`, `String`, `Option<String>`, or `Value` for anything"
)]
pub trait FromValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// `Conversion` when it does not fit; NULL fits only `Option` and `Value`.
    fn from_value(value: Value) -> Result<Self>;

    /// Reads a lent value; the same as reading its copy, for types that need none.
    ///
    /// # Errors
    /// As [`FromValue::from_value`].
    fn from_lent(value: ValueRef<'_>) -> Result<Self> {
        Self::from_value(value.to_value())
    }
}

/// A type that can be read out of a row, owned or lent.
///
/// Every [`FromValue`] type can; so can `&str`, `&[u8]` and `Option`s of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row",
    note = "use `&str`, `&[u8]`, or an owned type such as `i64`, `String`, `Value`"
)]
pub trait FromValueRef<'a>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// `Conversion` when it does not fit.
    fn from_value_ref(value: ValueRef<'a>) -> Result<Self>;
}

impl<'a, T: FromValue> FromValueRef<'a> for T {
    #[inline]
    fn from_value_ref(value: ValueRef<'a>) -> Result<T> {
        T::from_lent(value)
    }
}

impl<'a> FromValueRef<'a> for &'a str {
    fn from_value_ref(value: ValueRef<'a>) -> Result<&'a str> {
        match value {
            ValueRef::Text(text) => Ok(text),
            ValueRef::Rich(Value::Decimal(decimal)) => Ok(decimal.as_str()),
            ValueRef::Rich(Value::Json(json)) => Ok(json.as_str()),
            ValueRef::Rich(Value::Other(other)) => match other.data() {
                OtherData::Text(text) => Ok(text),
                OtherData::Bytes(_) => Err(mismatch("&str", value)),
            },
            other => Err(mismatch("&str", other)),
        }
    }
}

impl<'a> FromValueRef<'a> for &'a [u8] {
    fn from_value_ref(value: ValueRef<'a>) -> Result<&'a [u8]> {
        match value {
            ValueRef::Bytes(bytes) => Ok(bytes),
            other => Err(mismatch("&[u8]", other)),
        }
    }
}

impl<'a> FromValueRef<'a> for Option<&'a str> {
    fn from_value_ref(value: ValueRef<'a>) -> Result<Self> {
        if value.is_null() { Ok(None) } else { <&str>::from_value_ref(value).map(Some) }
    }
}

impl<'a> FromValueRef<'a> for Option<&'a [u8]> {
    fn from_value_ref(value: ValueRef<'a>) -> Result<Self> {
        if value.is_null() { Ok(None) } else { <&[u8]>::from_value_ref(value).map(Some) }
    }
}

/// The error of a value that is not what was wanted.
pub(crate) fn mismatch(wanted: &str, actual: ValueRef<'_>) -> Error {
    let message = match actual {
        ValueRef::Null => format!("wanted {wanted}, found NULL: ask for Option<{wanted}>"),
        other => format!("wanted {wanted}, found {}", other.type_name()),
    };
    Error::conversion(message)
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Value> {
        Ok(value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Option<T>> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }

    #[inline]
    fn from_lent(value: ValueRef<'_>) -> Result<Option<T>> {
        if value.is_null() { Ok(None) } else { T::from_lent(value).map(Some) }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<bool> {
        match value {
            Value::Bool(b) => Ok(b),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            Value::Int(n) => Err(Error::conversion(format!("{n} is no bool: only 0 and 1 are"))),
            other => Err(mismatch("bool", other.as_ref())),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<$type> {
                let number = match &value {
                    Value::Int(n) => <$type>::try_from(*n).ok(),
                    Value::UInt(n) => <$type>::try_from(*n).ok(),
                    Value::Decimal(d) if d.scale() == Some(0) => d.as_str().parse().ok(),
                    other => return Err(mismatch(stringify!($type), other.as_ref())),
                };
                number.ok_or_else(|| {
                    Error::conversion(format!("{value} does not fit {}", stringify!($type)))
                })
            }

            #[inline]
            fn from_lent(value: ValueRef<'_>) -> Result<$type> {
                match value {
                    ValueRef::Int(n) => match <$type>::try_from(n) {
                        Ok(n) => Ok(n),
                        Err(_) => Self::from_value(Value::Int(n)),
                    },
                    other => Self::from_value(other.to_value()),
                }
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

/// The integers a double holds exactly.
const EXACT: u64 = 1 << 53;

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<f64> {
        match value {
            Value::Float(x) => Ok(x),
            Value::Int(n) if n.unsigned_abs() <= EXACT => Ok(n as f64),
            Value::Int(n) => Err(Error::conversion(format!("{n} does not fit f64 exactly"))),
            Value::Decimal(d) => {
                let x = d.to_f64();
                let exact = !d.is_finite() || Decimal::from_f64(x).compare(&d).is_eq();
                if exact { Ok(x) } else { Err(Error::conversion(format!("{d} does not fit f64 exactly"))) }
            }
            other => Err(mismatch("f64", other.as_ref())),
        }
    }

    #[inline]
    fn from_lent(value: ValueRef<'_>) -> Result<f64> {
        match value {
            ValueRef::Float(x) => Ok(x),
            other => f64::from_value(other.to_value()),
        }
    }
}

impl FromValue for f32 {
    fn from_value(value: Value) -> Result<f32> {
        let wide = f64::from_value(value)?;
        let narrow = wide as f32;
        if f64::from(narrow) == wide || wide.is_nan() {
            return Ok(narrow);
        }
        Err(Error::conversion(format!("{wide} does not fit f32 exactly")))
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<String> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Decimal(decimal) => Ok(decimal.as_str().to_string()),
            Value::Json(json) => Ok(json.as_str().to_string()),
            Value::Date(v) => Ok(v.to_string()),
            Value::Time(v) => Ok(v.to_string()),
            Value::DateTime(v) => Ok(v.to_string()),
            Value::Timestamp(v) => Ok(v.to_string()),
            Value::Interval(v) => Ok(v.to_string()),
            Value::Uuid(v) => Ok(v.to_string()),
            Value::Other(other) => match other.data() {
                OtherData::Text(text) => Ok(text.to_string()),
                OtherData::Bytes(_) => Err(Error::conversion("wanted String, found bytes that are no text")),
            },
            other => Err(mismatch("String", other.as_ref())),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Vec<u8>> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(mismatch("Vec<u8>", other.as_ref())),
        }
    }
}

impl FromValue for Decimal {
    fn from_value(value: Value) -> Result<Decimal> {
        match value {
            Value::Decimal(decimal) => Ok(decimal),
            Value::Int(n) => Ok(Decimal::from(n)),
            Value::UInt(n) => Ok(Decimal::from(n)),
            other => Err(mismatch("Decimal", other.as_ref())),
        }
    }
}

impl FromValue for serde_json::Value {
    fn from_value(value: Value) -> Result<serde_json::Value> {
        match value {
            Value::Json(json) => json.parse(),
            other => Err(mismatch("serde_json::Value", other.as_ref())),
        }
    }
}

macro_rules! variants {
    ($($type:ident),*) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<$type> {
                match value {
                    Value::$type(inner) => Ok(inner),
                    other => Err(mismatch(stringify!($type), other.as_ref())),
                }
            }
        }
    )*};
}
variants!(Date, Time, DateTime, Timestamp, Interval, Uuid, Json);

impl FromValue for Array {
    fn from_value(value: Value) -> Result<Array> {
        match value {
            Value::Array(array) => Ok(*array),
            other => Err(mismatch("Array", other.as_ref())),
        }
    }
}

impl FromValue for Other {
    fn from_value(value: Value) -> Result<Other> {
        match value {
            Value::Other(other) => Ok(*other),
            other => Err(mismatch("Other", other.as_ref())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way_out() {
        assert_eq!(i64::from_value(Value::Int(5)).unwrap(), 5);
        assert!(u8::from_value(Value::Int(300)).is_err());
        assert!(i64::from_value(Value::UInt(u64::MAX)).is_err());
        assert!(i64::from_value(Value::Float(1.0)).is_err());
        assert!(i64::from_value("5".into()).is_err());
        assert!(f64::from_value(Value::Int((1 << 53) + 1)).is_err());
        assert!(f32::from_value(Value::Float(0.1)).is_err());
        assert_eq!(f64::from_value(Value::Decimal("0.5".parse().unwrap())).unwrap(), 0.5);
        assert!(f64::from_value(Value::Decimal("0.12345678901234567890".parse().unwrap())).is_err());
        assert!(bool::from_value(Value::Int(1)).unwrap());
        assert!(bool::from_value(Value::Int(2)).is_err());
        assert_eq!(Option::<i64>::from_value(Value::Null).unwrap(), None);
    }

    #[test]
    fn messages_say_wanted_and_found() {
        let error = i64::from_value(Value::Null).unwrap_err();
        assert_eq!(error.message(), "wanted i64, found NULL: ask for Option<i64>");
        let error = <&str>::from_value_ref(ValueRef::Int(1)).unwrap_err();
        assert_eq!(error.message(), "wanted &str, found integer");
    }
}
