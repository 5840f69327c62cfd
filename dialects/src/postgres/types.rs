//! PostgreSQL's types: names for DDL and from the catalog, and values a column keeps as they are.
//!
//! How values travel is in `encode` and `decode`. Names: manual, chapter 8.

use mirrorm_core::dialect::{BindUse, TypeFacts, TypeMap, check_scale, coerce, standard};
use mirrorm_core::types::{Class, Type};
use mirrorm_core::value::{Array, Time, ValueRef};
use mirrorm_core::{Error, Result, Value};

pub(super) struct PostgresTypes;

impl TypeMap for PostgresTypes {
    fn ddl(&self, ty: &Type) -> Result<String> {
        Ok(match ty {
            Type::Boolean => "BOOLEAN".into(),
            Type::SmallInteger => "SMALLINT".into(),
            Type::Integer => "INTEGER".into(),
            Type::BigInteger => "BIGINT".into(),
            Type::Float => "REAL".into(),
            Type::Double => "DOUBLE PRECISION".into(),
            Type::Numeric(None, _) => "NUMERIC".into(),
            Type::Numeric(Some(p), None) => format!("NUMERIC({p})"),
            Type::Numeric(Some(p), Some(s)) => format!("NUMERIC({p}, {s})"),
            Type::Varchar(n) => format!("VARCHAR({n})"),
            Type::Char(n) => format!("CHAR({n})"),
            Type::Text => "TEXT".into(),
            Type::Binary(_) => "BYTEA".into(),
            Type::Date => "DATE".into(),
            Type::Time => "TIME".into(),
            Type::DateTime => "TIMESTAMP".into(),
            Type::Timestamp => "TIMESTAMP WITH TIME ZONE".into(),
            Type::Interval => "INTERVAL".into(),
            Type::Digits(whole, digits) => {
                let name = self.ddl(whole)?;
                let (first, rest) = name.split_once(' ').unwrap_or((&name, ""));
                format!("{first}({digits}) {rest}").trim_end().to_string()
            }
            Type::Uuid => "UUID".into(),
            Type::Json => "JSON".into(),
            Type::Array(item) => format!("{}[]", self.ddl(item)?),
            Type::Enum(labels) => match labels.name() {
                Some(name) => qualified(labels.schema(), name),
                None => format!("VARCHAR({})", labels.longest().max(1)),
            },
            Type::Other(name) => name.to_string(),
            Type::Custom(custom) => return self.ddl(&custom.0.base()),
            _ => return Err(Error::unsupported("columns without a type", "postgresql")),
        })
    }

    /// Labels without a name for them are a matter of a condition.
    fn nearest(&self, ty: &Type, _: bool) -> (Type, Option<&'static str>) {
        match ty {
            Type::Enum(labels) if labels.name().is_none() => (standard::labels_as_text(labels), None),
            Type::Any => (Type::Text, Some("values are kept as text")),
            Type::Varchar(0) | Type::Char(0) => (Type::Text, Some("its length is not limited")),
            _ => (ty.clone(), None),
        }
    }

    /// A name as `format_type` prints it.
    fn parse(&self, declared: &str) -> Type {
        if let Some(item) = declared.strip_suffix("[]") {
            return Type::Array(self.parse(item.trim_end_matches("[]")).into());
        }
        let (name, numbers) = split_arguments(declared);
        let first = numbers.first().and_then(|n| u32::try_from(*n).ok());
        let digits = numbers.first().and_then(|n| u8::try_from(*n).ok()).unwrap_or(6);
        let text = |make: fn(u32) -> Type| first.map_or(Type::Text, make);
        match name.as_str() {
            "boolean" | "bool" => Type::Boolean,
            "smallint" | "int2" => Type::SmallInteger,
            "integer" | "int" | "int4" => Type::Integer,
            "bigint" | "int8" => Type::BigInteger,
            "real" | "float4" => Type::Float,
            "double precision" | "float8" => Type::Double,
            "numeric" | "decimal" => {
                let scale = numbers.get(1).and_then(|n| i32::try_from(*n).ok());
                Type::Numeric(first, scale.filter(|_| first.is_some()))
            }
            "character varying" | "varchar" => text(Type::Varchar),
            "character" | "char" | "bpchar" if first.is_some() => text(Type::Char),
            "text" => Type::Text,
            "bytea" => Type::Binary(None),
            "date" => Type::Date,
            "time" | "time without time zone" => Type::Time.digits(digits),
            "timestamp" | "timestamp without time zone" => Type::DateTime.digits(digits),
            "timestamp with time zone" | "timestamptz" => Type::Timestamp.digits(digits),
            "interval" => Type::Interval.digits(digits),
            "uuid" => Type::Uuid,
            "json" | "jsonb" => Type::Json,
            _ => Type::Other(declared.into()),
        }
    }

    fn bind(&self, value: Value, ty: &Type, to: BindUse) -> Result<Value> {
        if to == BindUse::Compare {
            // A question about a value of another kind is a question all the same.
            return Ok(coerce(value.clone(), ty).unwrap_or(value));
        }
        let value = match (value, ty.class()) {
            // The server reads an enum, an address or a range from its text.
            (Value::Text(text), Class::Array) => Value::Text(text),
            (Value::Json(list), Class::Array) => {
                let item = item_of(ty);
                let name = PostgresTypes.ddl(&item)?.to_lowercase();
                Value::Array(Box::new(Array::of_json(name, &list, |value| coerce(value, &item))?))
            }
            (value, _) => coerce(value, ty)?,
        };
        check_microseconds(&value)?;
        check_scale(&value, ty)?;
        if matches!(value, Value::Timestamp(_)) && ty.class() == Class::DateTime {
            // The server would read it and leave the offset out (manual, 8.5.1.3).
            return Err(Error::conversion(format!("{value} would lose its offset in a column of type {ty}")));
        }
        Ok(value)
    }

    /// Text is padded or cut of its spaces by some types, single precision rounds, and a fraction of
    /// a second comes back in 0, 3 or 6 digits.
    fn keeps(&self, value: ValueRef<'_>, ty: &Type) -> bool {
        let plain = |time: Time| Time::from_nanos(time.nanos()).is_ok_and(|same| same == time);
        match (value, ty.whole()) {
            (ValueRef::Null, _) => true,
            (ValueRef::Int(_), Type::SmallInteger | Type::Integer | Type::BigInteger) => true,
            (ValueRef::Text(_), Type::Text) => true,
            (ValueRef::Text(text), Type::Varchar(n)) => text.chars().count() <= *n as usize,
            (ValueRef::Float(_), Type::Double) => true,
            (ValueRef::Bool(_), Type::Boolean) => true,
            (ValueRef::Bytes(_), Type::Binary(_)) => true,
            (ValueRef::Rich(Value::Date(_)), Type::Date) => true,
            (ValueRef::Rich(Value::Time(time)), Type::Time) => plain(*time),
            (ValueRef::Rich(Value::DateTime(at)), Type::DateTime) => plain(at.time()),
            (ValueRef::Rich(Value::Uuid(_)), Type::Uuid) => true,
            _ => false,
        }
    }
}

/// A name in quotes, behind its schema if it has one.
pub(super) fn qualified(schema: Option<&str>, name: &str) -> String {
    let mut text = String::new();
    for part in schema.into_iter().chain([name]) {
        if !text.is_empty() {
            text.push('.');
        }
        standard::quote(part, '"', &mut text);
    }
    text
}

/// The type of an array's items, however many dimensions it has.
fn item_of(ty: &Type) -> Type {
    match ty {
        Type::Array(item) => item_of(item),
        Type::Custom(custom) => item_of(&custom.0.base()),
        other => other.clone(),
    }
}

/// A type's name as `format_type` prints it, in its parts; names of users' types stay whole.
pub(super) fn type_facts(declared: &str) -> TypeFacts {
    let (name, numbers) = split_arguments(declared);
    let first = numbers.first().and_then(|n| u32::try_from(*n).ok());
    let family = match name.as_str() {
        "character varying" => "varchar",
        "character" | "bpchar" => "char",
        "bit varying" => "varbit",
        "double precision" => "double",
        "timestamp without time zone" | "timestamp with time zone" => "timestamp",
        "time without time zone" | "time with time zone" => "time",
        interval if interval.starts_with("interval") => "interval",
        other => other,
    };
    let mut facts = TypeFacts { family: family.to_string(), ..TypeFacts::default() };
    match family {
        "varchar" | "char" | "varbit" | "bit" => facts.length = first,
        "numeric" => {
            facts.precision = first;
            facts.scale = numbers.get(1).and_then(|n| i32::try_from(*n).ok());
        }
        "timestamp" | "time" | "interval" => facts.precision = first,
        _ => {}
    }
    facts.timezone = name.ends_with("with time zone");
    facts.fields = name.strip_prefix("interval ").map(str::to_string);
    facts
}

/// A type's name without its arguments, in lower case, and the arguments that are numbers.
fn split_arguments(declared: &str) -> (String, Vec<i64>) {
    let (name, rest) = declared.split_once('(').unwrap_or((declared, ""));
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let words: Vec<&str> = name.split_whitespace().chain(after.split_whitespace()).collect();
    let numbers = inside.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    (words.join(" ").to_lowercase(), numbers)
}

/// The server counts in microseconds and would round what is finer (manual, 8.5).
fn check_microseconds(value: &Value) -> Result<()> {
    let nanos = match value {
        Value::Time(time) => time.nanos(),
        Value::DateTime(at) => at.time().nanos(),
        Value::Timestamp(at) => at.local().time().nanos(),
        Value::Interval(span) => span.nanos,
        _ => 0,
    };
    if nanos % 1000 == 0 {
        return Ok(());
    }
    Err(Error::conversion(format!("{value} has more than the six fraction digits that postgresql keeps")))
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
            Type::Date,
            Type::Time,
            Type::DateTime,
            Type::Timestamp,
            Type::Interval,
            Type::Uuid,
            Type::Json,
            Type::Array(Type::Integer.into()),
            Type::Other("int4range".into()),
            Type::Other("\"Odd Type\"".into()),
            Type::Other("timestamp(3) without time zone".into()),
        ];
        for ty in types.iter().take(22) {
            assert_eq!(PostgresTypes.parse(&PostgresTypes.ddl(ty).unwrap()), *ty);
        }
        assert_eq!(PostgresTypes.parse("\"Odd Type\""), types[22]);
        assert_eq!(PostgresTypes.parse("timestamp(3) without time zone"), Type::DateTime.digits(3));
        assert_eq!(PostgresTypes.parse("character varying"), Type::Text);
        assert!(PostgresTypes.ddl(&Type::Any).is_err());
    }

    #[test]
    fn what_would_be_rounded_is_refused() {
        let cents = Type::Numeric(Some(10), Some(2));
        let number = |text: &str| PostgresTypes.bind(Value::Text(text.into()), &cents, BindUse::Store);
        assert!(number("1.50").is_ok() && number("1.500").is_ok() && number("1.505").is_err());
        let at: Value = "2024-01-01 00:00:00+02:00".parse::<mirrorm_core::value::Timestamp>().unwrap().into();
        assert!(PostgresTypes.bind(at.clone(), &Type::DateTime, BindUse::Store).is_err());
        assert!(PostgresTypes.bind(at, &Type::Timestamp, BindUse::Store).is_ok());
        let store =
            |text: &str| PostgresTypes.bind(Value::Time(text.parse().unwrap()), &Type::Time, BindUse::Store);
        assert!(store("12:00:00.123456").is_ok());
        assert!(store("12:00:00.123456000").is_ok());
        assert!(store("12:00:00.1234567").is_err());
    }
}
