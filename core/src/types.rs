//! The logical column types, the same on every database.
//!
//! Not here: how a database spells or stores them (each dialect's `types.rs`).

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::value::Value;

/// The type of a column or of an expression.
///
/// The prelude has a constant or function for each (`Integer`, `Varchar(200)`); where such a name
/// clashes with one of yours, `Type::Integer` and [`Type::Varchar`] say the same.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Type {
    /// No declared type: cells come in the form they are stored in.
    #[default]
    Any,
    /// True or false.
    Boolean,
    /// A 16-bit integer.
    SmallInteger,
    /// A 32-bit integer, or the database's ordinary integer.
    Integer,
    /// A 64-bit integer.
    BigInteger,
    /// A single-precision number.
    Float,
    /// A double-precision number.
    Double,
    /// An exact decimal: digits in all, and digits after the point.
    Numeric(Option<u32>, Option<i32>),
    /// Text of at most so many characters.
    Varchar(u32),
    /// Text padded to so many characters.
    Char(u32),
    /// Text of any length.
    Text,
    /// Bytes, of at most so many where given.
    Binary(Option<u32>),
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A date and time without an offset.
    DateTime,
    /// An instant with its offset.
    Timestamp,
    /// Months, days and a time span.
    Interval,
    /// One of the four above that keeps so many digits of a second: made by [`Type::digits`].
    Digits(Arc<Type>, u8),
    /// A UUID.
    Uuid,
    /// A JSON document.
    Json,
    /// An array of a type.
    Array(Arc<Type>),
    /// One of a list of texts: made by [`EnumType`], or reflected.
    Enum(Arc<EnumType>),
    /// A type with no portable form, in the database's own words.
    Other(Arc<str>),
    /// A type of yours.
    Custom(Custom),
}

/// The labels of an enum, and its name where the database gives such a type one.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::types::EnumType;
///
/// let db = Db::open("sqlite://")?;
/// let mood = Type::from(EnumType::new(["sad", "ok"]));
/// let people = db.table("people", (column("id", Integer).primary_key(), column("mood", mood)))?;
/// db.create_all()?;
/// insert(&people).values(values! { "mood" => "ok" }).run(&db)?;
/// let error = insert(&people).values(values! { "mood" => "glad" }).run(&db).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Conversion);
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumType {
    schema: Option<Arc<str>>,
    name: Option<Arc<str>>,
    labels: Vec<String>,
}

impl EnumType {
    /// An enum of these labels, in this order, without a name.
    pub fn new<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> EnumType {
        EnumType { schema: None, name: None, labels: labels.into_iter().map(Into::into).collect() }
    }

    /// An enum that the database knows by a name, in a schema where that is not the default one.
    pub fn named<L: Into<String>>(
        schema: Option<&str>,
        name: &str,
        labels: impl IntoIterator<Item = L>,
    ) -> EnumType {
        EnumType { schema: schema.map(Arc::from), name: Some(Arc::from(name)), ..EnumType::new(labels) }
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The schema of the name, where that is not the default one.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The labels in their order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The characters of the longest label.
    pub fn longest(&self) -> usize {
        self.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0)
    }
}

impl From<EnumType> for Type {
    fn from(labels: EnumType) -> Type {
        Type::Enum(Arc::new(labels))
    }
}

/// A type of yours: how it is declared, and what happens to values on the way in and out.
///
/// The hooks run while no lock is held; they may call anything.
pub trait CustomType: Send + Sync + 'static {
    /// The name messages and documents use.
    fn name(&self) -> &str;

    /// The type it is stored as.
    fn base(&self) -> Type;

    /// What to store for a value that is written.
    ///
    /// # Errors
    /// Any error refuses the value; it reaches the caller with table and column.
    fn bind(&self, value: Value) -> Result<Value> {
        Ok(value)
    }

    /// The value of what was stored.
    ///
    /// # Errors
    /// Any error fails the query that read the cell.
    fn result(&self, value: Value) -> Result<Value> {
        Ok(value)
    }
}

/// A shared [`CustomType`]. Two are equal when they are the same object.
#[derive(Clone)]
pub struct Custom(pub Arc<dyn CustomType>);

impl PartialEq for Custom {
    fn eq(&self, other: &Custom) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({})", self.0.name())
    }
}

/// What kind of cell a type has: the question a driver asks once a column, not once a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Anything, as stored.
    Any,
    /// Booleans.
    Bool,
    /// Integers.
    Int,
    /// Binary numbers.
    Float,
    /// Exact decimals.
    Decimal,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Dates.
    Date,
    /// Times.
    Time,
    /// Dates with times.
    DateTime,
    /// Instants.
    Timestamp,
    /// Intervals.
    Interval,
    /// UUIDs.
    Uuid,
    /// JSON documents.
    Json,
    /// Arrays.
    Array,
}

impl Type {
    /// A [`Type::Custom`] of a type of yours.
    pub fn custom(custom: impl CustomType) -> Type {
        Type::Custom(Custom(Arc::new(custom)))
    }

    /// What kind of cell this type has; a custom type has its base's.
    pub fn class(&self) -> Class {
        match self {
            Type::Any | Type::Other(_) => Class::Any,
            Type::Boolean => Class::Bool,
            Type::SmallInteger | Type::Integer | Type::BigInteger => Class::Int,
            Type::Float | Type::Double => Class::Float,
            Type::Numeric(..) => Class::Decimal,
            Type::Varchar(_) | Type::Char(_) | Type::Text | Type::Enum(_) => Class::Text,
            Type::Binary(_) => Class::Bytes,
            Type::Date => Class::Date,
            Type::Time => Class::Time,
            Type::DateTime => Class::DateTime,
            Type::Timestamp => Class::Timestamp,
            Type::Interval => Class::Interval,
            Type::Digits(whole, _) => whole.class(),
            Type::Uuid => Class::Uuid,
            Type::Json => Class::Json,
            Type::Array(_) => Class::Array,
            Type::Custom(custom) => custom.0.base().class(),
        }
    }

    /// This type with so many digits of a second: `DateTime.digits(0)` keeps whole seconds. A finer value is
    /// refused on databases that would round it. Six or more are all there are, so the type stays what it
    /// is, as types without seconds do.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// assert_eq!(DateTime.digits(3).to_string(), "datetime(3)");
    /// assert_eq!(DateTime.digits(6), DateTime);
    /// ```
    #[must_use]
    pub fn digits(self, digits: u8) -> Type {
        match self {
            Type::Time | Type::DateTime | Type::Timestamp | Type::Interval if digits < 6 => {
                Type::Digits(Arc::new(self), digits)
            }
            Type::Digits(whole, _) => (*whole).clone().digits(digits),
            other => other,
        }
    }

    /// This type with all digits of a second.
    pub fn whole(&self) -> &Type {
        if let Type::Digits(whole, _) = self { whole } else { self }
    }

    /// Whether this is one of the integer types.
    pub fn is_integer(&self) -> bool {
        self.class() == Class::Int
    }

    /// The least and the greatest whole number of a type of whole numbers.
    pub(crate) fn whole_numbers(&self) -> Option<(i64, i64)> {
        match self {
            Type::SmallInteger => Some((i16::MIN.into(), i16::MAX.into())),
            Type::Integer => Some((i32::MIN.into(), i32::MAX.into())),
            Type::BigInteger => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    /// The portable name: `varchar(200)`, `numeric(10, 2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => f.write_str("any"),
            Type::Boolean => f.write_str("boolean"),
            Type::SmallInteger => f.write_str("smallint"),
            Type::Integer => f.write_str("integer"),
            Type::BigInteger => f.write_str("bigint"),
            Type::Float => f.write_str("float"),
            Type::Double => f.write_str("double"),
            Type::Numeric(None, _) => f.write_str("numeric"),
            Type::Numeric(Some(p), None) => write!(f, "numeric({p})"),
            Type::Numeric(Some(p), Some(s)) => write!(f, "numeric({p}, {s})"),
            Type::Varchar(n) => write!(f, "varchar({n})"),
            Type::Char(n) => write!(f, "char({n})"),
            Type::Text => f.write_str("text"),
            Type::Binary(None) => f.write_str("binary"),
            Type::Binary(Some(n)) => write!(f, "binary({n})"),
            Type::Date => f.write_str("date"),
            Type::Time => f.write_str("time"),
            Type::DateTime => f.write_str("datetime"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Interval => f.write_str("interval"),
            Type::Digits(whole, digits) => write!(f, "{whole}({digits})"),
            Type::Uuid => f.write_str("uuid"),
            Type::Json => f.write_str("json"),
            Type::Array(item) => write!(f, "{item}[]"),
            Type::Enum(labels) => f.write_str(labels.name().unwrap_or("enum")),
            Type::Other(name) => f.write_str(name),
            Type::Custom(custom) => f.write_str(custom.0.name()),
        }
    }
}

/// The type names of the prelude: constants and functions, so that they live beside other
/// crates' types of the same name.
pub mod names {
    #![allow(non_upper_case_globals, non_snake_case)]
    use super::Type;

    /// True or false.
    pub const Boolean: Type = Type::Boolean;
    /// A 16-bit integer.
    pub const SmallInteger: Type = Type::SmallInteger;
    /// The ordinary integer; as a single primary key, generated by the database.
    pub const Integer: Type = Type::Integer;
    /// A 64-bit integer.
    pub const BigInteger: Type = Type::BigInteger;
    /// A single-precision number.
    pub const Float: Type = Type::Float;
    /// A double-precision number.
    pub const Double: Type = Type::Double;
    /// Text of any length.
    pub const Text: Type = Type::Text;
    /// Bytes of any length.
    pub const Binary: Type = Type::Binary(None);
    /// A date.
    pub const Date: Type = Type::Date;
    /// A time of day.
    pub const Time: Type = Type::Time;
    /// A date and time without an offset.
    pub const DateTime: Type = Type::DateTime;
    /// An instant with its offset.
    pub const Timestamp: Type = Type::Timestamp;
    /// Months, days and a time span.
    pub const Interval: Type = Type::Interval;
    /// A UUID.
    pub const Uuid: Type = Type::Uuid;
    /// A JSON document.
    pub const Json: Type = Type::Json;

    /// Text of at most so many characters.
    pub const fn Varchar(characters: u32) -> Type {
        Type::Varchar(characters)
    }

    /// Text padded to so many characters.
    pub const fn Char(characters: u32) -> Type {
        Type::Char(characters)
    }

    /// An exact decimal: digits in all, and digits after the point.
    pub const fn Numeric(precision: u32, scale: i32) -> Type {
        Type::Numeric(Some(precision), Some(scale))
    }
}
