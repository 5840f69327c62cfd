//! SQLite's types: names for DDL and from the catalog, and values into storage classes.
//!
//! A column's declared type gives it an affinity, which may change what is stored
//! (sqlite.org/datatype3.html, 3). A value that would come back different is refused before it is
//! sent. `driver` does the way back, cell by cell.

use mirrorm_core::dialect::{BindUse, TypeMap, coerce, standard};
use mirrorm_core::types::{Class, Type};
use mirrorm_core::value::{Decimal, OtherData, ValueRef};
use mirrorm_core::{Error, Result, Value};

pub(super) struct SqliteTypes;

/// What a column's declared type does to values stored in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// The five rules of sqlite.org/datatype3.html, 3.1, in their order.
fn affinity(declared: &str) -> Affinity {
    let upper = declared.to_ascii_uppercase();
    let holds = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if holds(&["INT"]) {
        Affinity::Integer
    } else if holds(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if upper.is_empty() || holds(&["BLOB"]) {
        Affinity::Blob
    } else if holds(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// A declared type's name without its arguments, and the arguments that are numbers.
fn split_arguments(declared: &str) -> (String, Vec<i64>) {
    let (name, rest) = declared.split_once('(').unwrap_or((declared, ""));
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let words: Vec<&str> = name.split_whitespace().chain(after.split_whitespace()).collect();
    let numbers = inside.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    (words.join(" ").to_ascii_uppercase(), numbers)
}

/// A declared type as it can stand in DDL: words and numbers as they are; anything else, which
/// must have been quoted when it was declared, quoted again as one word.
fn declared_in_ddl(declared: &str) -> String {
    if super::stored::is_plain_type(declared) {
        return declared.to_string();
    }
    let mut quoted = String::new();
    standard::quote(declared, '"', &mut quoted);
    quoted
}

impl TypeMap for SqliteTypes {
    fn ddl(&self, ty: &Type) -> Result<String> {
        Ok(match ty {
            Type::Any => String::new(),
            Type::Boolean => "BOOLEAN".into(),
            Type::SmallInteger => "SMALLINT".into(),
            Type::Integer => "INTEGER".into(),
            Type::BigInteger => "BIGINT".into(),
            Type::Float => "FLOAT".into(),
            Type::Double => "DOUBLE".into(),
            Type::Numeric(None, _) => "NUMERIC".into(),
            Type::Numeric(Some(p), None) => format!("NUMERIC({p})"),
            Type::Numeric(Some(p), Some(s)) => format!("NUMERIC({p}, {s})"),
            Type::Varchar(n) => format!("VARCHAR({n})"),
            Type::Char(n) => format!("CHAR({n})"),
            Type::Text => "TEXT".into(),
            Type::Binary(None) => "BLOB".into(),
            Type::Binary(Some(n)) => format!("BINARY({n})"),
            Type::Date => "DATE".into(),
            Type::Time => "TIME".into(),
            Type::DateTime => "DATETIME".into(),
            Type::Timestamp => "TIMESTAMP".into(),
            Type::Interval => "INTERVAL".into(),
            // It keeps what it is given.
            Type::Digits(whole, _) => return self.ddl(whole),
            Type::Uuid => "UUID".into(),
            Type::Json => "JSON".into(),
            Type::Enum(labels) => format!("VARCHAR({})", labels.longest().max(1)),
            Type::Other(name) => declared_in_ddl(name),
            Type::Custom(custom) => return self.ddl(&custom.0.base()),
            _ => return Err(Error::unsupported("array columns", "sqlite")),
        })
    }

    /// Integers have 64 bits and numbers double precision, whatever was declared (sqlite.org/datatype3.html, 2).
    fn widest(&self, ty: &Type) -> Type {
        match ty {
            Type::SmallInteger | Type::Integer => Type::BigInteger,
            Type::Float => Type::Double,
            _ => ty.clone(),
        }
    }

    fn nearest(&self, ty: &Type, _: bool) -> (Type, Option<&'static str>) {
        match ty {
            Type::Enum(labels) => (standard::labels_as_text(labels), None),
            Type::Array(_) => (Type::Json, Some("arrays are kept as JSON")),
            Type::Numeric(Some(16..), _) => (ty.clone(), Some("numbers of more than 15 digits are refused")),
            _ => (ty.clone(), None),
        }
    }

    /// CAST converts by the affinity of the name (sqlite.org/lang_expr.html, 13), so a name in DDL
    /// such as DATE would make a number of a date.
    fn cast_name(&self, ty: &Type) -> Result<String> {
        let name = match ty.class() {
            Class::Bool | Class::Int => "INTEGER",
            Class::Float => "REAL",
            Class::Decimal => "NUMERIC",
            Class::Text => return self.ddl(ty),
            Class::Bytes => "BLOB",
            Class::Any | Class::Array => return Err(Error::unsupported("CAST to this type", "sqlite")),
            _ => "TEXT",
        };
        Ok(name.to_string())
    }

    fn parse(&self, declared: &str) -> Type {
        let (name, numbers) = split_arguments(declared);
        let size = numbers.first().and_then(|n| u32::try_from(*n).ok());
        let text = |make: fn(u32) -> Type| size.map_or(Type::Text, make);
        match name.as_str() {
            "" | "ANY" => Type::Any,
            "BOOLEAN" | "BOOL" => Type::Boolean,
            "TINYINT" | "SMALLINT" | "INT2" => Type::SmallInteger,
            "INTEGER" | "INT" | "MEDIUMINT" => Type::Integer,
            "BIGINT" | "INT8" | "UNSIGNED BIG INT" => Type::BigInteger,
            "FLOAT" => Type::Float,
            "REAL" | "DOUBLE" | "DOUBLE PRECISION" => Type::Double,
            "NUMERIC" | "DECIMAL" => {
                let scale = numbers.get(1).and_then(|n| i32::try_from(*n).ok());
                Type::Numeric(size, scale.filter(|_| size.is_some()))
            }
            "VARCHAR" | "NVARCHAR" | "CHARACTER VARYING" | "VARYING CHARACTER" => text(Type::Varchar),
            "CHAR" | "NCHAR" | "CHARACTER" | "NATIVE CHARACTER" => text(Type::Char),
            "TEXT" | "CLOB" => Type::Text,
            "BLOB" => Type::Binary(None),
            "BINARY" | "VARBINARY" => Type::Binary(size),
            "DATE" => Type::Date,
            "TIME" => Type::Time,
            "DATETIME" => Type::DateTime,
            "TIMESTAMP" => Type::Timestamp,
            "INTERVAL" => Type::Interval,
            "UUID" => Type::Uuid,
            "JSON" => Type::Json,
            other => match affinity(other) {
                Affinity::Integer => Type::BigInteger,
                Affinity::Text => Type::Text,
                Affinity::Real => Type::Double,
                Affinity::Blob => Type::Binary(None),
                Affinity::Numeric => Type::Other(declared.into()),
            },
        }
    }

    fn bind(&self, value: Value, ty: &Type, to: BindUse) -> Result<Value> {
        let value = match to {
            BindUse::Store => coerce(value, ty)?,
            // A question about a value of another kind is a question all the same.
            BindUse::Compare => coerce(value.clone(), ty).unwrap_or(value),
        };
        let stored = storage(value, ty, to)?;
        if to == BindUse::Store {
            check_affinity(&stored, ty)?;
            check_label(&stored, ty)?;
        }
        Ok(stored)
    }

    /// Values of the column's own kind that have one form only.
    fn keeps(&self, value: ValueRef<'_>, ty: &Type) -> bool {
        match (value, ty.class()) {
            (ValueRef::Null, _)
            | (ValueRef::Int(_), Class::Int)
            | (ValueRef::Text(_), Class::Text)
            | (ValueRef::Bytes(_), Class::Bytes)
            | (ValueRef::Bool(_), Class::Bool) => true,
            // A zero with a sign may lose it.
            (ValueRef::Float(x), Class::Float) => x != 0.0,
            (ValueRef::Rich(rich), class) => matches!(
                (rich, class),
                (Value::Date(_), Class::Date)
                    | (Value::Time(_), Class::Time)
                    | (Value::DateTime(_), Class::DateTime)
                    | (Value::Uuid(_), Class::Uuid)
            ),
            _ => false,
        }
    }
}

/// SQLite has no enums, so nobody else looks.
fn check_label(value: &Value, ty: &Type) -> Result<()> {
    match (value, ty) {
        (Value::Text(text), Type::Enum(labels)) if !labels.labels().contains(text) => {
            let known = labels.labels().join("`, `");
            Err(Error::conversion(format!("`{text}` is none of the labels `{known}`")))
        }
        _ => Ok(()),
    }
}

/// A value in the storage class it is kept in.
fn storage(value: Value, ty: &Type, to: BindUse) -> Result<Value> {
    Ok(match value {
        Value::Bool(b) => Value::Int(i64::from(b)),
        Value::UInt(n) => {
            return Err(Error::conversion(format!("{n} is more than an integer of sqlite holds")));
        }
        Value::Float(x) if x.is_nan() => {
            return Err(Error::conversion("sqlite stores NaN as NULL"));
        }
        Value::Decimal(decimal) => number(decimal, ty, to)?,
        Value::Other(other) => match (other.type_name(), other.data()) {
            ("integer", OtherData::Text(text)) => Value::Int(text.parse().map_err(|_| no_number(text))?),
            ("real", OtherData::Text(text)) => Value::Float(text.parse().map_err(|_| no_number(text))?),
            ("text", OtherData::Bytes(_)) => Value::Other(other),
            (_, OtherData::Text(text)) => Value::Text(text.to_string()),
            (_, OtherData::Bytes(bytes)) => Value::Bytes(bytes.to_vec()),
        },
        Value::Array(_) => return Err(Error::unsupported("arrays", "sqlite")),
        plain @ (Value::Null | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Bytes(_)) => plain,
        rich => Value::Text(rich.to_string()),
    })
}

fn no_number(text: &str) -> Error {
    Error::conversion(format!("`{text}` is not the number its type says"))
}

/// A decimal as the number SQLite can hold exactly; where text is kept as text, as its digits.
fn number(decimal: Decimal, ty: &Type, to: BindUse) -> Result<Value> {
    let keeps_text = matches!(ty.class(), Class::Text | Class::Bytes);
    if keeps_text {
        return Ok(Value::Text(decimal.as_str().to_string()));
    }
    if let Ok(whole) = decimal.as_str().parse::<i64>() {
        return Ok(Value::Int(whole));
    }
    let float = decimal.to_f64();
    let exact = !float.is_nan() && Decimal::from_f64(float).compare(&decimal).is_eq();
    match (exact, to) {
        (true, _) => Ok(Value::Float(float)),
        (false, BindUse::Compare) => Ok(Value::Text(decimal.as_str().to_string())),
        (false, BindUse::Store) => {
            let message = format!(
                "{decimal} has more digits than a {ty} column of sqlite keeps; declare the column as text to keep them all"
            );
            Err(Error::conversion(message))
        }
    }
}

/// Refuses a value that the column's affinity would turn into one of another kind: text that reads
/// as a number where numbers are kept, and a number where text is kept.
fn check_affinity(stored: &Value, ty: &Type) -> Result<()> {
    let affinity = affinity(&SqliteTypes.ddl(ty)?);
    match (stored, affinity) {
        (Value::Text(text), Affinity::Integer | Affinity::Real | Affinity::Numeric) => {
            let Some(number) = as_number(text) else { return Ok(()) };
            if *ty == Type::Json && number == *text {
                return Ok(());
            }
            let message =
                format!("the text `{text}` would be stored as the number {number} in a column of type {ty}");
            Err(Error::conversion(message))
        }
        (Value::Int(_) | Value::Float(_), Affinity::Text) => {
            Err(Error::conversion(format!("a number would be stored as text in a column of type {ty}")))
        }
        _ => Ok(()),
    }
}

/// The number a text becomes under numeric affinity, as it would print; none for other text.
fn as_number(text: &str) -> Option<String> {
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let numeric =
        trimmed.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !numeric || trimmed.is_empty() {
        return None;
    }
    let number: f64 = trimmed.parse().ok()?;
    match trimmed.parse::<i64>() {
        Ok(whole) => Some(whole.to_string()),
        Err(_) if number.fract() == 0.0 && number.abs() < 9e18 => Some(format!("{}", number as i64)),
        Err(_) => Some(format!("{number:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirrorm_core::value::Other;

    #[test]
    fn every_type_comes_back_from_its_name() {
        let types = [
            Type::Any,
            Type::Boolean,
            Type::SmallInteger,
            Type::Integer,
            Type::BigInteger,
            Type::Float,
            Type::Double,
            Type::Numeric(None, None),
            Type::Numeric(Some(10), None),
            Type::Numeric(Some(10), Some(2)),
            Type::Varchar(80),
            Type::Char(3),
            Type::Text,
            Type::Binary(None),
            Type::Binary(Some(16)),
            Type::Date,
            Type::Time,
            Type::DateTime,
            Type::Timestamp,
            Type::Interval,
            Type::Uuid,
            Type::Json,
            Type::Other("weird type".into()),
            Type::Other("DECIMALISH(3, 4)".into()),
        ];
        for ty in types {
            assert_eq!(SqliteTypes.parse(&SqliteTypes.ddl(&ty).unwrap()), ty);
        }
        assert_eq!(SqliteTypes.ddl(&Type::Other("x, b INT".into())).unwrap(), "\"x, b INT\"");
        assert_eq!(SqliteTypes.ddl(&Type::Other("CHECK".into())).unwrap(), "\"CHECK\"");
        assert!(SqliteTypes.ddl(&Type::Array(Type::Integer.into())).is_err());
    }

    #[test]
    fn declared_names_by_table_then_affinity() {
        let parse = |name| SqliteTypes.parse(name);
        assert_eq!(parse("varchar ( 20 )"), Type::Varchar(20));
        assert_eq!(parse("NVARCHAR(160)"), Type::Varchar(160));
        assert_eq!(parse("decimal(10,2)"), Type::Numeric(Some(10), Some(2)));
        assert_eq!(parse("LONG LONG INT UNSIGNED (10)"), Type::BigInteger);
        assert_eq!(parse("FLOATING POINT"), Type::BigInteger, "POINT holds INT: rule 1 comes first");
        assert_eq!(parse("STRING"), Type::Other("STRING".into()));
        assert_eq!(parse("VARCHAR(x)"), Type::Text);
        assert_eq!(parse("NUMERIC(99999999999999999999)"), Type::Numeric(None, None));
    }

    #[test]
    fn values_that_would_change_are_refused() {
        let store = |value: Value, ty: Type| SqliteTypes.bind(value, &ty, BindUse::Store);
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        let numeric = Type::Numeric(Some(30), Some(10));
        assert_eq!(store(decimal("0.99"), numeric.clone()).unwrap(), Value::Float(0.99));
        assert_eq!(store(decimal("5"), numeric.clone()).unwrap(), Value::Int(5));
        assert!(store(decimal("12345678901234567890123456789.5"), numeric.clone()).is_err());
        assert!(store(Value::Float(f64::NAN), Type::Double).is_err());
        assert!(store(Value::UInt(u64::MAX), Type::BigInteger).is_err());
        assert!(store("abc".into(), Type::Integer).is_err());
        assert!(store("007".into(), Type::Other("STRING".into())).is_err());
        assert!(store("x7".into(), Type::Other("STRING".into())).is_ok());
        assert!(store(Value::Json("1.0".parse().unwrap()), Type::Json).is_err());
        assert_eq!(store(Value::Json("1.5".parse().unwrap()), Type::Json).unwrap(), "1.5".into());
        assert_eq!(store(Other::text("text", "abc").into(), Type::Integer).unwrap(), "abc".into());
        assert_eq!(store(Other::text("real", "1.5").into(), Type::Integer).unwrap(), Value::Float(1.5));
        assert!(store(Other::text("text", "007").into(), Type::Integer).is_err());
        assert!(store(Other::text("text", "0123").into(), Type::Date).is_err());
        assert!(store(Other::text("integer", "7").into(), Type::Text).is_err());
        assert_eq!(store("2024-02-29".into(), Type::Date).unwrap(), "2024-02-29".into());
        assert!(store("2024-02-30".into(), Type::Date).is_err());
        assert_eq!(store(true.into(), Type::Boolean).unwrap(), Value::Int(1));
        assert!(store(Value::Int(2), Type::Boolean).is_err());
    }

    #[test]
    fn comparing_asks_about_anything() {
        let compare = |value: Value, ty: Type| SqliteTypes.bind(value, &ty, BindUse::Compare);
        assert_eq!(compare("abc".into(), Type::Integer).unwrap(), "abc".into());
        assert_eq!(compare(Value::Bool(true), Type::Any).unwrap(), Value::Int(1));
    }
}
