//! MySQL's and MariaDB's types: names for DDL and from the catalog, and values a column keeps as they
//! are.
//!
//! How values travel is in `values`. Names: dev.mysql.com/doc/refman/en/data-types.html. Times are
//! declared with all six digits they may have, numbers without a precision with the most there is:
//! the short forms round without a word.

use mirrorm_core::dialect::{BindUse, TypeFacts, TypeMap, check_scale, coerce, standard};
use mirrorm_core::types::{Class, EnumType, Type};
use mirrorm_core::value::{Time, ValueRef};
use mirrorm_core::{Error, Result, Value};

pub(super) struct MySqlTypes;

impl TypeMap for MySqlTypes {
    fn ddl(&self, ty: &Type) -> Result<String> {
        Ok(match ty {
            Type::Boolean => "BOOLEAN".into(),
            Type::SmallInteger => "SMALLINT".into(),
            Type::Integer => "INTEGER".into(),
            Type::BigInteger => "BIGINT".into(),
            Type::Float => "FLOAT".into(),
            Type::Double => "DOUBLE".into(),
            Type::Numeric(None, _) => "DECIMAL(65, 30)".into(),
            Type::Numeric(Some(p), None) => format!("DECIMAL({p})"),
            Type::Numeric(Some(p), Some(s)) => format!("DECIMAL({p}, {s})"),
            Type::Varchar(n) => format!("VARCHAR({n})"),
            Type::Char(n) => format!("CHAR({n})"),
            Type::Text => "LONGTEXT".into(),
            Type::Binary(None) => "LONGBLOB".into(),
            Type::Binary(Some(n)) => format!("VARBINARY({n})"),
            Type::Date => "DATE".into(),
            Type::Time => "TIME(6)".into(),
            Type::DateTime => "DATETIME(6)".into(),
            Type::Timestamp => "TIMESTAMP(6)".into(),
            Type::Interval => "VARCHAR(64)".into(),
            Type::Digits(whole, digits) => self.ddl(whole)?.replace("(6)", &format!("({digits})")),
            Type::Uuid => "CHAR(36)".into(),
            Type::Json => "JSON".into(),
            Type::Enum(labels) => format!("ENUM({})", label_list(labels.labels())),
            Type::Other(name) => name.to_string(),
            Type::Custom(custom) => return self.ddl(&custom.0.base()),
            Type::Array(_) => return Err(Error::unsupported("array columns", "mysql")),
            _ => return Err(Error::unsupported("columns without a type", "mysql")),
        })
    }

    /// What is in a key has to have a length, and a row has to fit in 65 535 bytes, four a character
    /// (dev.mysql.com/doc/refman/en/column-indexes.html, column-count-limit.html).
    fn nearest(&self, ty: &Type, in_key: bool) -> (Type, Option<&'static str>) {
        match ty {
            Type::Text | Type::Any if in_key => (Type::Varchar(191), Some("it keeps 191 characters")),
            Type::Varchar(768..) if in_key => (Type::Varchar(768), Some("it keeps 768 characters")),
            Type::Binary(None) if in_key => (Type::Binary(Some(255)), Some("it keeps 255 bytes")),
            Type::Any => (Type::Text, Some("values are kept as text")),
            Type::Varchar(1024..) | Type::Char(256..) => (Type::Text, Some("its length is not limited")),
            Type::Binary(Some(16_384..)) => (Type::Binary(None), Some("its length is not limited")),
            Type::Numeric(None, _) => {
                (ty.clone(), Some("it keeps 35 digits before the point and 30 after it"))
            }
            Type::Numeric(Some(66..), _) => (Type::Numeric(None, None), Some("it keeps 65 digits")),
            Type::Numeric(Some(digits), Some(scale @ ..=-1)) => {
                let digits = (digits + scale.unsigned_abs()).min(65);
                (Type::Numeric(Some(digits), Some(0)), Some("it keeps all digits before the point"))
            }
            Type::Numeric(Some(digits), Some(scale)) if *scale > 0 && scale.unsigned_abs() > *digits => (
                Type::Numeric(Some(scale.unsigned_abs().min(65)), Some((*scale).min(30))),
                Some("it keeps more digits"),
            ),
            Type::Numeric(Some(digits), Some(31..)) => {
                (Type::Numeric(Some(*digits), Some(30)), Some("it keeps 30 digits after the point"))
            }
            Type::Array(_) => (Type::Json, Some("arrays are kept as JSON")),
            _ => match ty.whole() {
                Type::Interval | Type::Uuid => (ty.clone(), Some("values are kept as text")),
                Type::Timestamp => (ty.clone(), Some("it keeps instants from 1970 to 2038")),
                _ => (ty.clone(), None),
            },
        }
    }

    /// CAST has names of its own (dev.mysql.com/doc/refman/en/cast-functions.html).
    fn cast_name(&self, ty: &Type) -> Result<String> {
        Ok(match ty.class() {
            Class::Bool | Class::Int => "SIGNED".into(),
            Class::Float => "DOUBLE".into(),
            Class::Decimal => match ty {
                Type::Numeric(Some(p), s) => format!("DECIMAL({p}, {})", s.unwrap_or(0)),
                _ => "DECIMAL(65, 30)".into(),
            },
            Class::Text => match ty {
                Type::Varchar(n) | Type::Char(n) => format!("CHAR({n})"),
                _ => "CHAR".into(),
            },
            Class::Uuid | Class::Interval => "CHAR".into(),
            Class::Bytes => "BINARY".into(),
            Class::Date => "DATE".into(),
            Class::Time => "TIME(6)".into(),
            Class::DateTime | Class::Timestamp => "DATETIME(6)".into(),
            Class::Json => "JSON".into(),
            _ => return Err(Error::unsupported("CAST to this type", "mysql")),
        })
    }

    /// A name as `column_type` of the information schema has it.
    fn parse(&self, declared: &str) -> Type {
        let lower = declared.to_ascii_lowercase();
        let (name, numbers) = split_arguments(&lower);
        let first = numbers.first().and_then(|n| u32::try_from(*n).ok());
        let unsigned = lower.contains(" unsigned");
        let digits = first.and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
        match name {
            "boolean" | "bool" => Type::Boolean,
            "tinyint" => Type::SmallInteger,
            "smallint" if !unsigned => Type::SmallInteger,
            "smallint" | "mediumint" | "year" => Type::Integer,
            "int" | "integer" if !unsigned => Type::Integer,
            "int" | "integer" | "bigint" => Type::BigInteger,
            "float" => Type::Float,
            "double" | "real" => Type::Double,
            "decimal" | "numeric" => match (first, numbers.get(1)) {
                (Some(65), Some(30)) => Type::Numeric(None, None),
                (first, second) => Type::Numeric(
                    first,
                    second.and_then(|s| i32::try_from(*s).ok()).filter(|_| first.is_some()),
                ),
            },
            "varchar" => first.map_or(Type::Text, Type::Varchar),
            "char" => Type::Char(first.unwrap_or(1)),
            "tinytext" | "text" | "mediumtext" | "longtext" => Type::Text,
            "varbinary" => Type::Binary(first),
            "binary" => Type::Binary(Some(first.unwrap_or(1))),
            "tinyblob" | "blob" | "mediumblob" | "longblob" => Type::Binary(None),
            "date" => Type::Date,
            // Without a number there is no fraction.
            "time" => Type::Time.digits(digits),
            "datetime" => Type::DateTime.digits(digits),
            "timestamp" => Type::Timestamp.digits(digits),
            "json" => Type::Json,
            "uuid" => Type::Uuid,
            "enum" => EnumType::new(labels(declared)).into(),
            _ => Type::Other(declared.into()),
        }
    }

    fn bind(&self, value: Value, ty: &Type, to: BindUse) -> Result<Value> {
        let value = match to {
            BindUse::Compare => coerce(value.clone(), ty).unwrap_or(value),
            BindUse::Store => coerce(value, ty)?,
        };
        if to == BindUse::Store {
            check(&value, ty)?;
        }
        Ok(match value {
            Value::Float(x) if !x.is_finite() => {
                return Err(Error::conversion(format!("mysql has no number {x}")));
            }
            Value::Array(_) => return Err(Error::unsupported("arrays", "mysql")),
            Value::Interval(span) => Value::Text(span.to_string()),
            Value::Uuid(uuid) => Value::Text(uuid.to_string()),
            other => other,
        })
    }

    /// CHAR loses its padding, single precision rounds, JSON is written anew, and a fraction of a second
    /// comes back in 0, 3 or 6 digits.
    fn keeps(&self, value: ValueRef<'_>, ty: &Type) -> bool {
        let plain = |time: Time| Time::from_nanos(time.nanos()).is_ok_and(|same| same == time);
        match (value, ty.whole()) {
            (ValueRef::Null, _) => true,
            (ValueRef::Int(_), Type::SmallInteger | Type::Integer | Type::BigInteger) => true,
            (ValueRef::Text(_), Type::Text | Type::Varchar(_)) => true,
            (ValueRef::Float(x), Type::Double) => x != 0.0,
            (ValueRef::Bool(_), Type::Boolean) => true,
            (ValueRef::Bytes(_), Type::Binary(None)) => true,
            (ValueRef::Rich(Value::Date(_)), Type::Date) => true,
            (ValueRef::Rich(Value::Time(time)), Type::Time) => plain(*time),
            (ValueRef::Rich(Value::DateTime(at)), Type::DateTime) => plain(at.time()),
            _ => false,
        }
    }
}

/// Labels as the list of an ENUM. One with a backslash stands in hexadecimal digits, which mean the same
/// under any sql_mode.
fn label_list(labels: &[String]) -> String {
    let mut list = String::new();
    for label in labels {
        if !list.is_empty() {
            list.push_str(", ");
        }
        if label.contains('\\') {
            list.push_str(&Value::Bytes(label.as_bytes().to_vec()).to_string());
        } else {
            standard::quote_text(label, &mut list);
        }
    }
    list
}

/// The labels of `enum('a','b')` or `set(..)` as the catalog prints them: apostrophes doubled, backslashes
/// and control characters behind a backslash.
fn labels(declared: &str) -> Vec<String> {
    let inside = declared.split_once('(').map_or("", |(_, rest)| rest.trim_end().trim_end_matches(')'));
    let mut found: Vec<String> = Vec::new();
    let mut chars = inside.chars().peekable();
    while chars.by_ref().any(|c| c == '\'') {
        let mut label = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => label.extend(chars.next()),
                '\'' => break,
                '\\' => label.extend(chars.next().map(unescaped)),
                c => label.push(c),
            }
        }
        found.push(label);
    }
    found
}

/// What a letter behind a backslash stands for (dev.mysql.com/doc/refman/en/string-literals.html).
pub(super) fn unescaped(letter: char) -> char {
    match letter {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'Z' => '\u{1a}',
        other => other,
    }
}

/// A type as `column_type` of the information schema has it, in its parts.
pub(super) fn type_facts(declared: &str) -> TypeFacts {
    let lower = declared.to_ascii_lowercase();
    let (name, numbers) = split_arguments(&lower);
    let first = numbers.first().and_then(|n| u32::try_from(*n).ok());
    let family = match name {
        "int" => "integer",
        "decimal" => "numeric",
        other => other,
    };
    let mut facts = TypeFacts { family: family.to_string(), ..TypeFacts::default() };
    match family {
        "varchar" | "char" | "varbinary" | "binary" | "bit" => facts.length = first,
        "numeric" | "float" | "double" => {
            facts.precision = first;
            facts.scale = numbers.get(1).and_then(|n| i32::try_from(*n).ok());
        }
        "time" | "datetime" | "timestamp" => facts.precision = first,
        "enum" | "set" => facts.values = labels(declared),
        _ => {}
    }
    if facts.values.is_empty() {
        facts.unsigned = lower.contains(" unsigned");
        facts.zerofill = lower.contains(" zerofill");
    }
    facts
}

/// A type's name without its arguments, and the arguments that are numbers.
fn split_arguments(declared: &str) -> (&str, Vec<i64>) {
    let name = declared.split(['(', ' ']).next().unwrap_or_default();
    let inside =
        declared.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(list, _)| list);
    (name, inside.split(',').filter_map(|n| n.trim().parse().ok()).collect())
}

/// Refuses what the server would round, or has no place for: fractions of microseconds, years before
/// 1 and after 9999 (dev.mysql.com/doc/refman/en/date-and-time-types.html).
fn check(value: &Value, ty: &Type) -> Result<()> {
    let (nanos, date) = match value {
        Value::Time(time) => (time.nanos(), None),
        Value::DateTime(at) => (at.time().nanos(), Some(at.date())),
        Value::Timestamp(at) => (at.local().time().nanos(), Some(at.local().date())),
        Value::Date(date) => (0, Some(*date)),
        Value::Decimal(number) if !number.is_finite() => {
            return Err(Error::conversion(format!("mysql has no number {number}")));
        }
        _ => (0, None),
    };
    match ty {
        Type::Numeric(None, _) => check_scale(value, &Type::Numeric(Some(65), Some(30)))?,
        _ => check_scale(value, ty)?,
    }
    if nanos % 1000 != 0 {
        return Err(Error::conversion(format!(
            "{value} has more than the six fraction digits that mysql keeps"
        )));
    }
    if date.is_some_and(|date| !(1..=9999).contains(&date.year())) {
        return Err(Error::conversion(format!("{value} is outside the years 1 to 9999 that mysql keeps")));
    }
    if matches!(value, Value::Timestamp(_)) && ty.class() == Class::DateTime {
        return Err(Error::conversion(format!("{value} would lose its offset in a column of type {ty}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back_from_its_name() {
        let types = [
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
            Type::Json,
            Type::Other("geometry".into()),
            EnumType::new(["a,b", "it's", ""]).into(),
        ];
        for ty in types {
            assert_eq!(MySqlTypes.parse(&MySqlTypes.ddl(&ty).unwrap()), ty);
        }
        assert_eq!(MySqlTypes.parse("int(10) unsigned zerofill"), Type::BigInteger);
        assert_eq!(MySqlTypes.parse("tinyint(1)"), Type::SmallInteger);
        assert!(MySqlTypes.ddl(&Type::Any).is_err());
    }

    #[test]
    fn what_would_be_changed_is_refused() {
        let store = |value: Value, ty: Type| MySqlTypes.bind(value, &ty, BindUse::Store);
        assert!(store("12:00:00.1234567".into(), Type::Time).is_err());
        assert!(store("0044-03-15 BC".into(), Type::Date).is_err());
        assert!(store("infinity".into(), Type::DateTime).is_err());
        assert!(store("1.505".into(), Type::Numeric(Some(10), Some(2))).is_err());
        assert!(store("NaN".into(), Type::Numeric(None, None)).is_err());
        assert!(store(f64::INFINITY.into(), Type::Double).is_err());
        assert!(
            store(
                "2024-01-01 00:00:00+02:00".parse::<mirrorm_core::value::Timestamp>().unwrap().into(),
                Type::DateTime
            )
            .is_err()
        );
        assert!(store("-838:59:59".into(), Type::Time).is_ok());
    }
}
