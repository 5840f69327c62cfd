//! Values both ways: parameters, and cells of the text and the binary protocol, which say the same in
//! different forms.
//!
//! Called by `driver`. Which values a column takes is decided before, in `types`.

use std::sync::Arc;

use mirrorm_core::dialect::rich_from_text;
use mirrorm_core::rows::BlockBuilder;
use mirrorm_core::types::Class;
use mirrorm_core::value::{Date, DateTime, Decimal, Other, OtherData, Time, Timestamp, ValueRef};
use mirrorm_core::{Error, Result, Value};
use mysql::Column;
use mysql::Value as Raw;
use mysql::consts::{ColumnFlags, ColumnType};

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

/// How the cells of a result column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Int,
    Unsigned,
    Bits,
    Float,
    Double,
    Decimal,
    Text,
    Bytes,
    Date,
    Time,
    DateTime,
    /// An instant in the session's time zone.
    Timestamp,
    Json,
    Geometry,
    Vector,
}

impl Cell {
    pub(super) fn of(column: &Column) -> Cell {
        use ColumnType::*;
        let unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
        match column.column_type() {
            MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG | MYSQL_TYPE_LONGLONG
            | MYSQL_TYPE_YEAR => {
                if unsigned {
                    Cell::Unsigned
                } else {
                    Cell::Int
                }
            }
            MYSQL_TYPE_BIT => Cell::Bits,
            MYSQL_TYPE_FLOAT => Cell::Float,
            MYSQL_TYPE_DOUBLE => Cell::Double,
            MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => Cell::Decimal,
            MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => Cell::Date,
            MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => Cell::Time,
            MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => Cell::DateTime,
            MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => Cell::Timestamp,
            MYSQL_TYPE_JSON => Cell::Json,
            MYSQL_TYPE_GEOMETRY => Cell::Geometry,
            MYSQL_TYPE_VECTOR => Cell::Vector,
            _ if column.character_set() == BINARY => Cell::Bytes,
            _ => Cell::Text,
        }
    }

    /// Adds a cell to a block, in the form its column's class has if writing that gives this very cell.
    pub(super) fn push(self, raw: &Raw, class: Class, zone: Option<i32>, block: &mut BlockBuilder) {
        match (self, raw, class) {
            (_, Raw::NULL, _) => block.push_null(),
            (Cell::Int | Cell::Unsigned, Raw::Int(n @ (0 | 1)), Class::Bool) => block.push_bool(*n == 1),
            (Cell::Int | Cell::Unsigned, Raw::Int(n), _) => block.push_int(*n),
            (Cell::Text, Raw::Bytes(text), Class::Text | Class::Any) => block.push_text(text),
            (Cell::Bytes, Raw::Bytes(bytes), Class::Bytes | Class::Any) => block.push_bytes(bytes),
            (cell, raw, class) => block.push_value(cell.value(raw, class, zone)),
        }
    }

    /// A cell as a value; what is not what its type says is kept as it is.
    pub(super) fn value(self, raw: &Raw, class: Class, zone: Option<i32>) -> Value {
        let value = match raw {
            Raw::NULL => Some(Value::Null),
            Raw::Bytes(bytes) => self.in_text(bytes, class, zone),
            Raw::Int(n) => Some(Value::Int(*n)),
            Raw::UInt(n) => Some(Value::unsigned(*n)),
            // The shortest digits that make this single-precision number make it again.
            Raw::Float(x) => format!("{x:?}").parse().ok().map(Value::Float),
            Raw::Double(x) => Some(Value::Float(*x)),
            Raw::Date(year, month, day, hour, minute, second, micros) => {
                let clock = clock((*hour).into(), *minute, *second, *micros);
                self.at((*year).into(), *month, *day, clock, zone)
            }
            Raw::Time(negative, days, hours, minutes, seconds, micros) => {
                let size = clock(u64::from(*days) * 24 + u64::from(*hours), *minutes, *seconds, *micros);
                Time::from_nanos(if *negative { -size } else { size }).ok().map(Value::Time)
            }
        };
        match (value, class) {
            (Some(Value::Int(n @ (0 | 1))), Class::Bool) => Value::Bool(n == 1),
            // A sum of integers is a decimal to the server; where an integer is expected it is one.
            (Some(Value::Decimal(sum)), Class::Int) if sum.scale() == Some(0) => {
                sum.as_str().parse().map_or(Value::Decimal(sum), Value::Int)
            }
            (Some(value), _) => value,
            (None, _) => self.as_it_is(raw),
        }
    }

    /// A date, with a time where the type has one; none for days that no calendar has.
    fn at(self, year: i32, month: u8, day: u8, nanos: i64, zone: Option<i32>) -> Option<Value> {
        let date = Date::new(year, month, day).ok().filter(|date| date.year() > 0)?;
        if self == Cell::Date {
            return Some(Value::Date(date));
        }
        let at = DateTime::new(date, Time::from_nanos(nanos).ok()?).ok()?;
        Some(match zone.filter(|_| self == Cell::Timestamp) {
            Some(offset) => Value::Timestamp(Timestamp::new(at, offset).ok()?),
            None => Value::DateTime(at),
        })
    }

    fn in_text(self, bytes: &[u8], class: Class, zone: Option<i32>) -> Option<Value> {
        if matches!(self, Cell::Bits) {
            let number = bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
            return Some(Value::unsigned(number)).filter(|_| bytes.len() <= 8);
        }
        if matches!(self, Cell::Bytes) {
            return Some(Value::Bytes(bytes.to_vec()));
        }
        let text = std::str::from_utf8(bytes).ok()?;
        match self {
            Cell::Int | Cell::Unsigned => {
                text.parse().map(Value::Int).ok().or_else(|| text.parse().ok().map(Value::UInt))
            }
            Cell::Float | Cell::Double => text.parse().ok().map(Value::Float),
            Cell::Decimal => text.parse::<Decimal>().ok().map(Value::Decimal),
            Cell::Date => text.parse().ok().map(Value::Date),
            Cell::Time => text
                .parse::<Time>()
                .ok()
                .and_then(|time| Time::from_nanos(time.nanos()).ok())
                .map(Value::Time),
            Cell::DateTime | Cell::Timestamp => {
                let at: DateTime = text.parse().ok()?;
                let date = at.date();
                self.at(date.year(), date.month(), date.day(), at.time().nanos(), zone)
            }
            Cell::Json => text.parse().ok().map(Value::Json),
            Cell::Text => match class {
                Class::Text | Class::Any => Some(Value::Text(text.to_string())),
                class => Some(rich_from_text(class, text).unwrap_or_else(|| Value::Text(text.to_string()))),
            },
            _ => None,
        }
    }

    /// A cell that is none of its type's values, such as the day 0000-00-00, as the server spells it.
    fn as_it_is(self, raw: &Raw) -> Value {
        let text = match raw {
            Raw::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if !matches!(self, Cell::Geometry | Cell::Vector) => text.to_string(),
                _ => return Other::bytes(self.name(), bytes.as_slice()).into(),
            },
            Raw::Date(y, m, d, ..) if self == Cell::Date => format!("{y:04}-{m:02}-{d:02}"),
            Raw::Date(y, m, d, h, i, s, u) => {
                let fraction = if *u == 0 { String::new() } else { format!(".{u:06}") };
                format!("{y:04}-{m:02}-{d:02} {h:02}:{i:02}:{s:02}{fraction}")
            }
            other => other.as_sql(true).trim_matches('\'').to_string(),
        };
        Other::text(self.name(), text).into()
    }

    fn name(self) -> &'static str {
        match self {
            Cell::Date => "date",
            Cell::Time => "time",
            Cell::DateTime => "datetime",
            Cell::Timestamp => "timestamp",
            Cell::Geometry => "geometry",
            Cell::Vector => "vector",
            Cell::Json => "json",
            Cell::Decimal => "decimal",
            Cell::Bits => "bit",
            _ => "text",
        }
    }
}

/// Nanoseconds of a clock.
fn clock(hours: u64, minutes: u8, seconds: u8, micros: u32) -> i64 {
    let seconds = hours as i64 * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
    seconds * 1_000_000_000 + i64::from(micros) * 1000
}

/// A value as a parameter. An instant needs the session's time zone, as an offset.
pub(super) fn param(value: ValueRef<'_>, zone: Option<i32>) -> Result<Raw> {
    Ok(match value {
        ValueRef::Null => Raw::NULL,
        ValueRef::Bool(b) => Raw::Int(b.into()),
        ValueRef::Int(n) => Raw::Int(n),
        ValueRef::UInt(n) => Raw::UInt(n),
        ValueRef::Float(x) => Raw::Double(x),
        ValueRef::Text(text) => Raw::Bytes(text.as_bytes().to_vec()),
        ValueRef::Bytes(bytes) => Raw::Bytes(bytes.to_vec()),
        ValueRef::Rich(Value::DateTime(at)) => date_param(*at),
        ValueRef::Rich(Value::Timestamp(at)) => date_param(local(*at, zone)?),
        ValueRef::Rich(Value::Time(time)) => time_param(*time),
        ValueRef::Rich(Value::Other(other)) => match other.data() {
            OtherData::Text(text) => Raw::Bytes(text.as_bytes().to_vec()),
            OtherData::Bytes(bytes) => Raw::Bytes(bytes.to_vec()),
        },
        ValueRef::Rich(Value::Text(text)) => Raw::Bytes(text.as_bytes().to_vec()),
        ValueRef::Rich(Value::Bytes(bytes)) => Raw::Bytes(bytes.clone()),
        ValueRef::Rich(other) => Raw::Bytes(other.to_string().into_bytes()),
    })
}

fn date_param(at: DateTime) -> Raw {
    let (date, nanos) = (at.date(), at.time().nanos());
    let (seconds, micros) = (nanos / 1_000_000_000, nanos / 1000 % 1_000_000);
    match u16::try_from(date.year()) {
        Ok(year) => Raw::Date(
            year,
            date.month(),
            date.day(),
            (seconds / 3600) as u8,
            (seconds / 60 % 60) as u8,
            (seconds % 60) as u8,
            micros as u32,
        ),
        // What is compared with may be any day.
        Err(_) => Raw::Bytes(at.to_string().into_bytes()),
    }
}

fn time_param(time: Time) -> Raw {
    let size = time.nanos().unsigned_abs();
    let (seconds, micros) = (size / 1_000_000_000, size / 1000 % 1_000_000);
    Raw::Time(
        time.nanos() < 0,
        (seconds / 86_400) as u32,
        (seconds / 3600 % 24) as u8,
        (seconds / 60 % 60) as u8,
        (seconds % 60) as u8,
        micros as u32,
    )
}

/// An instant in the session's time zone.
fn local(at: Timestamp, zone: Option<i32>) -> Result<DateTime> {
    let offset = zone.ok_or_else(|| {
        Error::conversion(
            "an instant needs a session whose time zone is an offset: set `time_zone`, such as +00:00",
        )
    })?;
    let wrong = || Error::conversion(format!("{at} is outside the years that mysql keeps"));
    let nanos = at.unix_nanos().ok_or_else(wrong)? + i128::from(offset) * 1_000_000_000;
    const DAY: i128 = 86_400_000_000_000;
    let date = i64::try_from(nanos.div_euclid(DAY)).ok().and_then(|days| Date::from_unix_days(days).ok());
    let time = Time::from_nanos(nanos.rem_euclid(DAY) as i64)?;
    DateTime::new(date.ok_or_else(wrong)?, time)
}

/// The offset of a session's time zone in seconds, where it is one: `+02:00`, or UTC by one of its
/// names.
pub(super) fn offset_of(zone: &str, system: &str) -> Option<i32> {
    let zone = if zone.eq_ignore_ascii_case("SYSTEM") { system } else { zone };
    if ["UTC", "GMT", "Etc/UTC", "Z"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    Some(sign * (hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60))
}

/// The names of a result's columns.
pub(super) fn name_of(column: &Column) -> Arc<str> {
    column.name_str().as_ref().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_protocols_say_the_same() {
        let pairs = [
            (Cell::Date, Raw::Date(2024, 2, 29, 0, 0, 0, 0), "2024-02-29"),
            (Cell::DateTime, Raw::Date(2024, 2, 29, 1, 2, 3, 500_000), "2024-02-29 01:02:03.500000"),
            (Cell::Time, Raw::Time(true, 34, 22, 59, 59, 0), "-838:59:59"),
            (Cell::Date, Raw::Date(0, 0, 0, 0, 0, 0, 0), "0000-00-00"),
            (Cell::Date, Raw::Date(2024, 2, 0, 0, 0, 0, 0), "2024-02-00"),
            (Cell::DateTime, Raw::Date(0, 0, 0, 0, 0, 0, 0), "0000-00-00 00:00:00"),
            (Cell::Int, Raw::Int(-5), "-5"),
            (Cell::Unsigned, Raw::UInt(u64::MAX), "18446744073709551615"),
            (Cell::Double, Raw::Double(0.1), "0.1"),
        ];
        for (cell, binary, text) in pairs {
            let from_text = cell.value(&Raw::Bytes(text.into()), Class::Any, None);
            assert_eq!(cell.value(&binary, Class::Any, None), from_text, "{text}");
            assert_eq!(from_text, cell.value(&param(from_text.as_ref(), None).unwrap(), Class::Any, None));
        }
        assert_eq!(Cell::Bits.value(&Raw::Bytes(vec![1, 0]), Class::Any, None), Value::Int(256));
    }

    #[test]
    fn instants_in_the_sessions_zone() {
        assert_eq!(offset_of("SYSTEM", "UTC"), Some(0));
        assert_eq!(offset_of("-05:30", "UTC"), Some(-19_800));
        assert_eq!(offset_of("Europe/Berlin", "UTC"), None);
        let at: Timestamp = "2024-01-01 00:30:00+02:00".parse().unwrap();
        assert_eq!(local(at, Some(0)).unwrap().to_string(), "2023-12-31 22:30:00");
        assert!(local(at, None).is_err());
    }
}
