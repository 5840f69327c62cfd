//! The contract of types and values: names for DDL, names from the catalog, values both ways.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::error::{Error, Result};
use crate::types::{Class, Type};
use crate::value::{Date, DateTime, Decimal, Interval, Json, Time, Timestamp, Uuid, Value, ValueRef};

/// What a bound value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindUse {
    /// It will be stored in a column of the type: it must fit.
    Store,
    /// It is compared with something of the type: any value may be asked for.
    Compare,
}

/// How a dialect names types and stores values.
///
/// # Obligations
/// For every type `t` that [`TypeMap::ddl`] names, [`TypeMap::parse`] of that name gives `t`
/// back. A value that [`TypeMap::bind`] accepts comes back identical from the driver, or in the
/// one canonical form of its type.
pub trait TypeMap: Send + Sync {
    /// The name of a type in DDL.
    ///
    /// # Errors
    /// `Unsupported` for a type the database has no home for.
    fn ddl(&self, ty: &Type) -> Result<String>;

    /// The nearest type there is for columns of a type of another database, and what is lost by it, in words;
    /// `in_key` says that a column is part of a key or index. The type itself, where there is one.
    fn nearest(&self, ty: &Type, in_key: bool) -> (Type, Option<&'static str>) {
        let _ = in_key;
        match ty {
            Type::Array(_) if self.ddl(ty).is_err() => (Type::Json, Some("arrays are kept as JSON")),
            _ if self.ddl(ty).is_err() => (Type::Text, Some("values are kept as text")),
            _ => (ty.clone(), None),
        }
    }

    /// The type that holds all that a column of a type holds here: where types are not kept to, a wider one.
    fn widest(&self, ty: &Type) -> Type {
        ty.clone()
    }

    /// The name of a type in CAST, where it is not the one in DDL.
    ///
    /// # Errors
    /// `Unsupported` for a type the database cannot convert to.
    fn cast_name(&self, ty: &Type) -> Result<String> {
        self.ddl(ty)
    }

    /// The type of a name from the catalog. Never fails: a name without meaning is
    /// [`Type::Other`].
    fn parse(&self, declared: &str) -> Type;

    /// A value in the form the driver sends, for a column of this type.
    ///
    /// Only called for values that are not already plain for the type, such as text for text.
    ///
    /// # Errors
    /// `Conversion` when the value does not fit or would be changed by storing it.
    fn bind(&self, value: Value, ty: &Type, to: BindUse) -> Result<Value>;

    /// Whether a value that is stored in a column of the type is read back as this very value, so that
    /// nobody has to ask.
    fn keeps(&self, value: ValueRef<'_>, ty: &Type) -> bool {
        matches!(value, ValueRef::Null | ValueRef::Int(_)) && is_plain(value, ty)
    }
}

/// Whether a value needs no look by the dialect: NULL, or a plain value of the type's own kind.
#[inline]
pub(crate) fn is_plain(value: ValueRef<'_>, ty: &Type) -> bool {
    match value {
        ValueRef::Null => !matches!(ty, Type::Custom(_)),
        ValueRef::Int(_) => matches!(ty, Type::SmallInteger | Type::Integer | Type::BigInteger),
        ValueRef::Text(_) => matches!(ty, Type::Text | Type::Varchar(_) | Type::Char(_)),
        ValueRef::Float(x) => matches!(ty, Type::Double) && !x.is_nan(),
        ValueRef::Bytes(_) => matches!(ty, Type::Binary(_)),
        _ => false,
    }
}

/// Brings a value to the kind its column has, where that loses nothing: text that spells a date
/// becomes the date, an integer becomes a decimal. What dialects' `bind` share.
///
/// # Errors
/// `Conversion` when the value is of another kind.
pub fn coerce(value: Value, ty: &Type) -> Result<Value> {
    let class = ty.class();
    let found = value.type_name();
    let fitted = match (class, value) {
        (Class::Any, value) | (_, value @ (Value::Null | Value::Other(_))) => Some(value),
        (Class::Bool, Value::Bool(b)) => Some(Value::Bool(b)),
        (Class::Bool, Value::Int(n @ (0 | 1))) => Some(Value::Bool(n == 1)),
        (Class::Int, value @ (Value::Int(_) | Value::UInt(_))) => Some(value),
        (Class::Int, Value::Bool(b)) => Some(Value::Int(i64::from(b))),
        (Class::Int, Value::Decimal(d)) if d.scale() == Some(0) => d.as_str().parse().ok().map(Value::Int),
        (Class::Float, value @ Value::Float(_)) => Some(value),
        (Class::Float, Value::Int(n)) if n.unsigned_abs() <= 1 << 53 => Some(Value::Float(n as f64)),
        (Class::Float, Value::Decimal(d)) if Decimal::from_f64(d.to_f64()).compare(&d).is_eq() => {
            Some(Value::Float(d.to_f64()))
        }
        (Class::Decimal, value @ Value::Decimal(_)) => Some(value),
        (Class::Decimal, Value::Int(n)) => Some(Value::Decimal(Decimal::from(n))),
        (Class::Decimal, Value::UInt(n)) => Some(Value::Decimal(Decimal::from(n))),
        (Class::Decimal, Value::Float(x)) => Some(Value::Decimal(Decimal::from_f64(x))),
        (
            Class::Text,
            rich @ (Value::Decimal(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::DateTime(_)
            | Value::Timestamp(_)
            | Value::Interval(_)
            | Value::Uuid(_)
            | Value::Json(_)),
        ) => Some(Value::Text(rich.to_string())),
        (Class::Bytes, value @ Value::Bytes(_)) => Some(value),
        (Class::Date, value @ Value::Date(_)) => Some(value),
        (Class::Time, value @ Value::Time(_)) => Some(value),
        (Class::DateTime | Class::Timestamp, value @ (Value::DateTime(_) | Value::Timestamp(_))) => {
            Some(value)
        }
        (Class::Interval, value @ Value::Interval(_)) => Some(value),
        (Class::Uuid, value @ Value::Uuid(_)) => Some(value),
        (Class::Json, value @ Value::Json(_)) => Some(value),
        (Class::Array, value @ Value::Array(_)) => Some(value),
        (Class::Json, plain @ (Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_))) => {
            Some(Value::Json(Json::of(&plain)?))
        }
        (_, Value::Text(text)) => from_text(class, text)?,
        _ => None,
    };
    fitted.ok_or_else(|| Error::conversion(format!("the column is {ty}, the value is {found}")))
}

/// Refuses a decimal and a time with more digits than their column has, also in arrays: databases that
/// keep scales round them without a word.
///
/// # Errors
/// `Conversion`, naming the type.
pub fn check_scale(value: &Value, ty: &Type) -> Result<()> {
    let fits = match (value, ty) {
        (Value::Decimal(number), Type::Numeric(Some(_), scale)) => {
            fits_scale(number.as_str(), scale.unwrap_or(0))
        }
        (Value::Int(number), Type::Numeric(Some(_), Some(scale))) if *scale < 0 => {
            fits_scale(&number.to_string(), *scale)
        }
        (_, Type::Digits(_, digits)) => nanos(value) % 10_i64.pow(9 - u32::from(*digits).min(9)) == 0,
        (Value::Array(list), Type::Array(item)) => {
            return list.items().iter().try_for_each(|value| check_scale(value, item_type(item)));
        }
        (_, Type::Custom(custom)) => return check_scale(value, &custom.0.base()),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    Err(Error::conversion(format!("{value} would be rounded in a column of type {ty}")))
}

/// Whether a number has no digit beyond a scale; beyond a negative one stand tens and hundreds.
fn fits_scale(number: &str, scale: i32) -> bool {
    let (before, after) = number.split_once('.').unwrap_or((number, ""));
    let after = after.trim_end_matches('0');
    if let Ok(most) = usize::try_from(scale) {
        return after.len() <= most;
    }
    let whole = before.trim_start_matches(['-', '+', '0']);
    let zeros = whole.len() - whole.trim_end_matches('0').len();
    after.is_empty() && (whole.is_empty() || zeros >= scale.unsigned_abs() as usize)
}

/// The nanoseconds in the time of a value; none where it has none.
fn nanos(value: &Value) -> i64 {
    match value {
        Value::Time(time) => time.nanos(),
        Value::DateTime(at) => at.time().nanos(),
        Value::Timestamp(at) => at.local().time().nanos(),
        Value::Interval(span) => span.nanos,
        _ => 0,
    }
}

/// The type of an array's items, however many dimensions it has.
fn item_type(ty: &Type) -> &Type {
    if let Type::Array(item) = ty { item_type(item) } else { ty }
}

/// Text for a column that is not text: read as the type spells it.
fn from_text(class: Class, text: String) -> Result<Option<Value>> {
    Ok(Some(match class {
        Class::Text => Value::Text(text),
        // The forms that serde gives to what JSON has no word for.
        Class::Float => match text.parse() {
            Ok(number) => Value::Float(number),
            Err(_) => return Ok(None),
        },
        Class::Bytes => match BASE64_STANDARD.decode(&text) {
            Ok(bytes) => Value::Bytes(bytes),
            Err(_) => return Ok(None),
        },
        Class::Decimal => Value::Decimal(text.parse()?),
        Class::Date => Value::Date(text.parse::<Date>()?),
        Class::Time => Value::Time(text.parse::<Time>()?),
        Class::DateTime => Value::DateTime(text.parse::<DateTime>()?),
        Class::Timestamp => match text.parse::<Timestamp>() {
            Ok(instant) => Value::Timestamp(instant),
            Err(_) => Value::DateTime(text.parse()?),
        },
        Class::Interval => Value::Interval(text.parse::<Interval>()?),
        Class::Uuid => Value::Uuid(text.parse::<Uuid>()?),
        Class::Json => Value::Json(text.parse::<Json>()?),
        _ => return Ok(None),
    }))
}

/// Reads a text cell as the kind its column has, if writing the result back gives the same text.
pub fn rich_from_text(class: Class, text: &str) -> Option<Value> {
    fn same<T: std::str::FromStr + ToString>(text: &str, wrap: fn(T) -> Value) -> Option<Value> {
        let value: T = text.parse().ok()?;
        (value.to_string() == text).then(|| wrap(value))
    }
    match class {
        Class::Decimal => same(text, Value::Decimal),
        Class::Date => same(text, Value::Date),
        Class::Time => same(text, Value::Time),
        Class::DateTime => same(text, Value::DateTime).or_else(|| same(text, Value::Timestamp)),
        Class::Timestamp => same(text, Value::Timestamp).or_else(|| same(text, Value::DateTime)),
        Class::Interval => same(text, Value::Interval),
        Class::Uuid => same(text, Value::Uuid),
        Class::Json => text.parse().ok().map(Value::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_from_their_text() {
        let bytes = |text: &str| coerce(text.into(), &Type::Binary(None));
        for (text, wanted) in [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("AP8=", &[0, 255])] {
            assert_eq!(bytes(text).unwrap(), Value::Bytes(wanted.to_vec()));
        }
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "????", "=Zg=", "Zm9v\n"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn digits_that_a_column_has_not() {
        let fits = |text: &str, ty: Type| {
            let value = coerce(text.into(), &ty).unwrap();
            check_scale(&value, &ty).is_ok()
        };
        let numeric = |scale| Type::Numeric(Some(9), Some(scale));
        for (text, ty, wanted) in [
            ("1.50", numeric(1), true),
            ("1.05", numeric(1), false),
            ("-12300", numeric(-2), true),
            ("0", numeric(-2), true),
            ("12350", numeric(-2), false),
            ("50", numeric(-2), false),
            ("100.5", numeric(-2), false),
            ("12:30:00.5", Type::Time, true),
            ("12:30:00.5", Type::Time.digits(1), true),
            ("12:30:00.55", Type::Time.digits(1), false),
            ("PT0.001S", Type::Interval.digits(3), true),
            ("PT0.0001S", Type::Interval.digits(3), false),
        ] {
            assert_eq!(fits(text, ty.clone()), wanted, "{text} in {ty}");
        }
    }
}
