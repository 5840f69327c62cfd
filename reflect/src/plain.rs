//! Facts as plain data and back: what a snapshot holds, and what differences are found in.
//!
//! What is not said is left out, so a fact that a later version adds is absent in what an earlier one wrote,
//! and means what it meant then. Called by `snapshot` and `difference`.

use std::sync::Arc;

use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, DomainFacts, ElementFacts, EnumFacts, ForeignKeyFacts, IdentityFacts,
    IndexFacts, KeyFacts, ObjectKind, OtherFacts, Problem, SchemaFacts, SequenceFacts, TableFacts, TypeFacts,
};
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::types::{EnumType, Type};
use mirrorm_core::value::Array;
use mirrorm_core::{Error, ErrorKind, Result, Value as Cell};
use serde_json::{Map, Value, json};

/// Something that can be written down, and read again.
pub(super) trait Plain: Sized {
    fn out(&self) -> Value;
    fn read(value: &Value) -> Result<Self>;
}

fn wrong(what: &str, found: &Value) -> Error {
    let mut text = found.to_string();
    if text.len() > 60 {
        text = text.chars().take(60).collect::<String>() + "…";
    }
    Error::new(ErrorKind::Invalid, format!("the snapshot has {text} where {what} belongs"))
}

/// A member of an object; one that is not there is read as null.
fn member<T: Plain>(value: &Value, name: &str) -> Result<T> {
    T::read(value.get(name).unwrap_or(&Value::Null)).map_err(|error| error.at(name))
}

/// Writes all fields of a struct; one that is forgotten here does not compile.
macro_rules! fields {
    ($($ty:ident { $($field:ident),* })*) => {$(
        impl Plain for $ty {
            fn out(&self) -> Value {
                let $ty { $($field),* } = self;
                let mut all = Map::new();
                $(
                    let value = $field.out();
                    if !is_unsaid(&value) {
                        all.insert(stringify!($field).to_string(), value);
                    }
                )*
                Value::Object(all)
            }

            fn read(value: &Value) -> Result<$ty> {
                if !value.is_object() {
                    return Err(wrong(stringify!($ty), value));
                }
                Ok($ty { $($field: member(value, stringify!($field))?),* })
            }
        }
    )*};
}

fields! {
    SchemaFacts { schema, tables, enums, domains, sequences, problems }
    TableFacts {
        schema, name, kind, temporary, columns, primary_key, uniques, checks, foreign_keys, others, indexes,
        comment, definition, options
    }
    ColumnFacts {
        name, declared, ty, type_facts, nullable, default, autoincrement, identity, computed, collation, comment,
        options
    }
    TypeFacts {
        family, length, precision, scale, unsigned, zerofill, timezone, fields, values, schema, name, base, item,
        dimensions
    }
    IdentityFacts { always, start, increment, min, max, cycle, cache }
    KeyFacts { name, columns, comment, options }
    CheckFacts { name, sql, comment, options }
    OtherFacts { name, sql, comment }
    ForeignKeyFacts {
        name, columns, referred_schema, referred_default, referred_table, referred_columns, on_delete, on_update, deferrable,
        initially_deferred, match_type, comment, options
    }
    IndexFacts { name, unique, elements, filter, constraint, comment, options }
    ElementFacts { column, expression, descending, nulls_first, length, collation, operator_class }
    EnumFacts { schema, name, labels, comment }
    DomainFacts { schema, name, declared, ty, nullable, default, collation, checks, comment }
    SequenceFacts { schema, name, declared, numbers, owner, of_identity, comment }
    Problem { object, message }
}

/// Whether a value says nothing that its absence does not say.
fn is_unsaid(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

impl Plain for String {
    fn out(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value) -> Result<String> {
        match value {
            Value::Null => Ok(String::new()),
            other => other.as_str().map(str::to_string).ok_or_else(|| wrong("a text", other)),
        }
    }
}

impl Plain for bool {
    fn out(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value) -> Result<bool> {
        match value {
            Value::Null => Ok(false),
            other => other.as_bool().ok_or_else(|| wrong("a truth value", other)),
        }
    }
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Plain for $ty {
            fn out(&self) -> Value {
                json!(self)
            }

            fn read(value: &Value) -> Result<$ty> {
                match value {
                    Value::Null => Ok(0),
                    other => other.as_i64().and_then(|n| n.try_into().ok()).ok_or_else(|| wrong("a number", other)),
                }
            }
        }
    )*};
}
numbers!(i64, u32, i32);

/// An empty text that is there is not one that is not there, so what may be none is a list of one.
impl<T: Plain> Plain for Option<T> {
    fn out(&self) -> Value {
        match self {
            None => Value::Null,
            Some(value) => match value.out() {
                plain if is_unsaid(&plain) => json!([plain]),
                plain => plain,
            },
        }
    }

    fn read(value: &Value) -> Result<Option<T>> {
        match value {
            Value::Null => Ok(None),
            Value::Array(list) if list.len() == 1 => list.iter().map(T::read).next().transpose(),
            other => T::read(other).map(Some),
        }
    }
}

impl<T: Plain> Plain for Box<T> {
    fn out(&self) -> Value {
        (**self).out()
    }

    fn read(value: &Value) -> Result<Box<T>> {
        T::read(value).map(Box::new)
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn out(&self) -> Value {
        self.iter().map(Plain::out).collect()
    }

    fn read(value: &Value) -> Result<Vec<T>> {
        match value {
            Value::Null => Ok(Vec::new()),
            Value::Array(list) => list.iter().map(T::read).collect(),
            other => Err(wrong("a list", other)),
        }
    }
}

impl<A: Plain, B: Plain> Plain for (A, B) {
    fn out(&self) -> Value {
        json!({ "first": self.0.out(), "second": self.1.out() })
    }

    fn read(value: &Value) -> Result<(A, B)> {
        Ok((member(value, "first")?, member(value, "second")?))
    }
}

impl Plain for Action {
    fn out(&self) -> Value {
        match self {
            Action::NoAction => Value::Null,
            action => json!(action.as_sql()),
        }
    }

    fn read(value: &Value) -> Result<Action> {
        Ok(value.as_str().map_or(Action::NoAction, Action::from_sql))
    }
}

const KINDS: &[(ObjectKind, &str)] = &[
    (ObjectKind::View, "view"),
    (ObjectKind::MaterializedView, "materialized view"),
    (ObjectKind::Foreign, "foreign table"),
    (ObjectKind::Virtual, "virtual table"),
    (ObjectKind::Shadow, "shadow table"),
];

impl Plain for ObjectKind {
    fn out(&self) -> Value {
        let found = KINDS.iter().find(|(kind, _)| kind == self);
        found.map_or(Value::Null, |(_, word)| json!(word))
    }

    fn read(value: &Value) -> Result<ObjectKind> {
        match value.as_str() {
            None => Ok(ObjectKind::Table),
            Some(word) => {
                let found = KINDS.iter().find(|(_, known)| *known == word);
                found.map(|(kind, _)| *kind).ok_or_else(|| wrong("a kind of table", value))
            }
        }
    }
}

/// Options hold truth values, numbers, texts and lists of texts.
impl Plain for Options {
    fn out(&self) -> Value {
        let value = |value: &Cell| match value {
            Cell::Array(list) => list.items().iter().map(Cell::to_string).collect(),
            other => json!(other),
        };
        self.iter().map(|(dialect, name, v)| json!([dialect, name, value(v)])).collect()
    }

    fn read(value: &Value) -> Result<Options> {
        let mut options = Options::default();
        for option in value.as_array().into_iter().flatten() {
            let (Some(dialect), Some(name)) =
                (option.get(0).and_then(Value::as_str), option.get(1).and_then(Value::as_str))
            else {
                return Err(wrong("an option", option));
            };
            match option.get(2) {
                Some(Value::Bool(b)) => options.set(dialect, name, *b),
                Some(Value::String(text)) => options.set(dialect, name, text.as_str()),
                Some(Value::Number(n)) => options.set(dialect, name, n.as_i64().unwrap_or_default()),
                Some(Value::Array(list)) => {
                    let texts = list.iter().map(String::read).collect::<Result<Vec<_>>>()?;
                    let items = texts.into_iter().map(Cell::from).collect();
                    options.set(dialect, name, Cell::Array(Box::new(Array::new("text", items))));
                }
                _ => return Err(wrong("an option's value", option)),
            }
        }
        Ok(options)
    }
}

/// The types that a word says all of.
const WORDS: &[Type] = &[
    Type::Any,
    Type::Boolean,
    Type::SmallInteger,
    Type::Integer,
    Type::BigInteger,
    Type::Float,
    Type::Double,
    Type::Text,
    Type::Date,
    Type::Time,
    Type::DateTime,
    Type::Timestamp,
    Type::Interval,
    Type::Uuid,
    Type::Json,
];

impl Plain for Type {
    fn out(&self) -> Value {
        match self {
            Type::Varchar(n) => json!({ "varchar": n }),
            Type::Char(n) => json!({ "char": n }),
            Type::Binary(n) => json!({ "binary": n }),
            Type::Numeric(precision, scale) => json!({ "numeric": [precision, scale] }),
            Type::Digits(whole, digits) => json!({ "digits": [whole.out(), digits] }),
            Type::Array(item) => json!({ "array": item.out() }),
            Type::Enum(labels) => {
                json!({ "enum": { "schema": labels.schema(), "name": labels.name(), "labels": labels.labels() } })
            }
            Type::Other(words) => json!({ "other": &**words }),
            Type::Custom(custom) => custom.0.base().out(),
            word => json!(word.to_string()),
        }
    }

    fn read(value: &Value) -> Result<Type> {
        if let Some(word) = value.as_str() {
            let found = WORDS.iter().find(|known| known.to_string() == word);
            return found.cloned().ok_or_else(|| wrong("a type", value));
        }
        let Some((name, inside)) = value.as_object().and_then(|object| object.iter().next()) else {
            return Err(wrong("a type", value));
        };
        let at = |n: usize| inside.get(n).unwrap_or(&Value::Null);
        Ok(match name.as_str() {
            "varchar" => Type::Varchar(u32::read(inside)?),
            "char" => Type::Char(u32::read(inside)?),
            "binary" => Type::Binary(Option::read(inside)?),
            "numeric" => Type::Numeric(Option::read(at(0))?, Option::read(at(1))?),
            "digits" => Type::read(at(0))?.digits(u8::try_from(u32::read(at(1))?).unwrap_or(6)),
            "array" => Type::Array(Arc::new(Type::read(inside)?)),
            "enum" => {
                let (schema, labels): (Option<String>, Vec<String>) =
                    (member(inside, "schema")?, member(inside, "labels")?);
                match member::<Option<String>>(inside, "name")? {
                    Some(name) => EnumType::named(schema.as_deref(), &name, labels).into(),
                    None => EnumType::new(labels).into(),
                }
            }
            "other" => Type::Other(String::read(inside)?.into()),
            _ => return Err(wrong("a type", value)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_back() {
        let types = [
            Type::Varchar(80),
            Type::Binary(None),
            Type::Binary(Some(16)),
            Type::Numeric(None, None),
            Type::Numeric(Some(10), None),
            Type::Numeric(Some(10), Some(-2)),
            Type::DateTime.digits(3),
            Type::Array(Type::Array(Type::Integer.into()).into()),
            EnumType::new(["a", ""]).into(),
            EnumType::named(Some("s"), "mood", ["ok"]).into(),
            Type::Other("weird \"type\"".into()),
        ];
        for ty in types.iter().chain(WORDS) {
            assert_eq!(Type::read(&ty.out()).unwrap(), *ty);
        }
        assert!(Type::read(&json!("what")).is_err() && Type::read(&json!({ "what": 1 })).is_err());
    }

    #[test]
    fn nothing_is_not_empty() {
        for value in [None, Some(String::new()), Some("x".to_string())] {
            assert_eq!(Option::<String>::read(&value.out()).unwrap(), value);
        }
        for value in [None, Some(false), Some(true)] {
            assert_eq!(Option::<bool>::read(&value.out()).unwrap(), value);
        }
        let pair = Some(("sql".to_string(), false));
        assert_eq!(Option::<(String, bool)>::read(&pair.out()).unwrap(), pair);
    }

    #[test]
    fn what_is_wrong_says_where() {
        let error = TableFacts::read(&json!({ "name": "t", "columns": [{ "name": 5 }] })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("columns") && error.to_string().contains('5'), "{error}");
        assert!(SchemaFacts::read(&json!([])).is_err());
    }
}
