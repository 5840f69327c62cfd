//! Cells of PostgreSQL's binary protocol into values.
//!
//! Every type is read: what has a variant becomes it, what has none becomes text by `spell`, and
//! what nobody can spell is kept as its bytes, which the server takes back. Called by `driver`, a
//! column's [`Cell`] once a statement. The way in is `encode`.

use std::sync::Arc;

use mirrorm_core::Value;
use mirrorm_core::rows::BlockBuilder;
use mirrorm_core::types::Class;
use mirrorm_core::value::{Array, Date, DateTime, Decimal, Interval, Other, Time, Timestamp, Uuid};
use postgres::types::{Kind, Type};

use super::spell;

/// How the cells of a server's type are read.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytes,
    Date,
    Time,
    DateTime,
    Timestamp,
    Interval,
    Uuid,
    Json,
    Jsonb,
    Array(Box<Cell>, Arc<str>),
    Other(Type),
}

impl Cell {
    /// How cells of a type are read.
    pub(super) fn of(ty: &Type) -> Cell {
        match *ty {
            Type::BOOL => Cell::Bool,
            Type::INT2 => Cell::Int2,
            Type::INT4 => Cell::Int4,
            Type::INT8 => Cell::Int8,
            Type::OID => Cell::Oid,
            Type::FLOAT4 => Cell::Float4,
            Type::FLOAT8 => Cell::Float8,
            Type::NUMERIC => Cell::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => Cell::Text,
            Type::BYTEA => Cell::Bytes,
            Type::DATE => Cell::Date,
            Type::TIME => Cell::Time,
            Type::TIMESTAMP => Cell::DateTime,
            Type::TIMESTAMPTZ => Cell::Timestamp,
            Type::INTERVAL => Cell::Interval,
            Type::UUID => Cell::Uuid,
            Type::JSON => Cell::Json,
            Type::JSONB => Cell::Jsonb,
            _ => match ty.kind() {
                Kind::Enum(_) => Cell::Text,
                Kind::Domain(base) => Cell::of(base),
                Kind::Array(item) => Cell::Array(Box::new(Cell::of(item)), item.name().into()),
                _ if ty.name() == "citext" => Cell::Text,
                _ => Cell::Other(ty.clone()),
            },
        }
    }

    /// Adds a cell to a block; plain ones without a value between.
    #[inline]
    pub(super) fn push(&self, raw: &[u8], class: Class, block: &mut BlockBuilder) {
        match (self, raw) {
            (Cell::Text, text) => block.push_text(text),
            (Cell::Int4, &[a, b, c, d]) => block.push_int(i32::from_be_bytes([a, b, c, d]).into()),
            (Cell::Int8, &[a, b, c, d, e, f, g, h]) => {
                block.push_int(i64::from_be_bytes([a, b, c, d, e, f, g, h]));
            }
            (Cell::Bytes, bytes) => block.push_bytes(bytes),
            (Cell::Numeric, raw) if class == Class::Int => block.push_value(whole(self.value(raw))),
            (cell, raw) => block.push_value(cell.value(raw)),
        }
    }

    /// A cell as a value; bytes that are not what their type says are kept as they are.
    pub(super) fn value(&self, raw: &[u8]) -> Value {
        self.read(&mut Reader(raw)).unwrap_or_else(|| Other::bytes(self.name(), raw).into())
    }

    fn name(&self) -> &str {
        match self {
            Cell::Other(ty) => ty.name(),
            Cell::Array(_, element) => element,
            Cell::Json | Cell::Jsonb => "json",
            Cell::Interval => "interval",
            _ => "unknown",
        }
    }

    fn read(&self, r: &mut Reader<'_>) -> Option<Value> {
        Some(match self {
            Cell::Bool => Value::Bool(r.u8()? != 0),
            Cell::Int2 => Value::Int(r.i16()?.into()),
            Cell::Int4 => Value::Int(r.i32()?.into()),
            Cell::Int8 => Value::Int(r.i64()?),
            Cell::Oid => Value::Int(r.u32()?.into()),
            // The shortest digits that make this single-precision number make it again.
            Cell::Float4 => Value::Float(format!("{:?}", f32::from_bits(r.u32()?)).parse().ok()?),
            Cell::Float8 => Value::Float(f64::from_bits(r.i64()? as u64)),
            Cell::Numeric => Value::Decimal(numeric(r)?),
            Cell::Text => Value::Text(String::from_utf8(r.rest().to_vec()).ok()?),
            Cell::Bytes => Value::Bytes(r.rest().to_vec()),
            Cell::Date => Value::Date(date(r.i32()?)?),
            Cell::Time => Value::Time(micros(r.i64()?)?),
            Cell::DateTime => Value::DateTime(date_time(r.i64()?)?),
            Cell::Timestamp => Value::Timestamp(Timestamp::new(date_time(r.i64()?)?, 0).ok()?),
            Cell::Interval => return interval(r),
            Cell::Uuid => Value::Uuid(Uuid::from_bytes(r.rest().try_into().ok()?)),
            Cell::Json => json(r.rest())?,
            Cell::Jsonb => {
                // The one version there is.
                (r.u8()? == 1).then_some(())?;
                json(r.rest())?
            }
            Cell::Array(item, element) => array(r, item, element)?,
            Cell::Other(ty) => Other::text(ty.name(), spell::text(ty, r.rest())?).into(),
        })
    }
}

/// A sum of integers is numeric to the server; where an integer is expected it is one if it fits.
fn whole(value: Value) -> Value {
    match &value {
        Value::Decimal(decimal) if decimal.scale() == Some(0) => {
            decimal.as_str().parse().map_or(value, Value::Int)
        }
        _ => value,
    }
}

fn json(raw: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(raw).ok()?;
    Some(text.parse().map_or_else(|_| Other::text("json", text).into(), Value::Json))
}

/// Groups of four digits, the first of a weight in ten thousands (src/backend/utils/adt/numeric.c,
/// "numeric_send").
fn numeric(r: &mut Reader<'_>) -> Option<Decimal> {
    let (groups, weight) = (r.i16()?, i64::from(r.i16()?));
    let (sign, scale) = (r.i16()? as u16, i64::from(r.i16()?));
    match sign {
        0xC000 => return "NaN".parse().ok(),
        0xD000 => return "Infinity".parse().ok(),
        0xF000 => return "-Infinity".parse().ok(),
        _ => {}
    }
    let digits: Vec<i16> = (0..groups).map(|_| r.i16()).collect::<Option<_>>()?;
    let group = |at: i64| usize::try_from(at).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let mut text = String::with_capacity(4 * digits.len() + 8);
    text.push_str(if sign == 0x4000 { "-" } else { "" });
    text.push_str(&group(if weight < 0 { -1 } else { 0 }).to_string());
    (1..=weight).for_each(|at| text.push_str(&format!("{:04}", group(at))));
    if scale > 0 {
        text.push('.');
        let after = text.len();
        let groups = weight + 1..=weight + (scale + 3) / 4;
        groups.for_each(|at| text.push_str(&format!("{:04}", group(at))));
        text.truncate(after + scale as usize);
    }
    text.parse().ok()
}

/// Days from 1970-01-01 to 2000-01-01, where the server's count begins.
const EPOCH: i64 = 10_957;
const DAY: i64 = 86_400_000_000;

fn date(days: i32) -> Option<Date> {
    match days {
        i32::MAX => Some(Date::INFINITY),
        i32::MIN => Some(Date::NEGATIVE_INFINITY),
        days => Date::from_unix_days(i64::from(days) + EPOCH).ok(),
    }
}

/// A time of day, 24:00:00 among them.
fn micros(micros: i64) -> Option<Time> {
    Time::from_nanos(micros.checked_mul(1000)?).ok()
}

fn date_time(count: i64) -> Option<DateTime> {
    let midnight = Time::from_nanos(0).ok()?;
    match count {
        i64::MAX => DateTime::new(Date::INFINITY, midnight).ok(),
        i64::MIN => DateTime::new(Date::NEGATIVE_INFINITY, midnight).ok(),
        count => {
            let date = Date::from_unix_days(count.div_euclid(DAY) + EPOCH).ok()?;
            DateTime::new(date, micros(count.rem_euclid(DAY))?).ok()
        }
    }
}

/// An interval; one of more than 292 years of time, or without end, is kept as text.
fn interval(r: &mut Reader<'_>) -> Option<Value> {
    let (time, days, months) = (r.i64()?, r.i32()?, r.i32()?);
    let spelled = |text: String| Other::text("interval", text).into();
    Some(match (time, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) => spelled("infinity".into()),
        (i64::MIN, i32::MIN, i32::MIN) => spelled("-infinity".into()),
        _ => match time.checked_mul(1000) {
            Some(nanos) => Value::Interval(Interval { months, days, nanos }),
            None => spelled(format!("{months} mons {days} days {time} microseconds")),
        },
    })
}

fn array(r: &mut Reader<'_>, item: &Cell, element: &Arc<str>) -> Option<Value> {
    let (dimensions, items) = elements(r, |raw| item.value(raw))?;
    let items = items.into_iter().map(Option::unwrap_or_default).collect();
    Array::with_dimensions(element.clone(), dimensions, items).ok().map(|array| Value::Array(Box::new(array)))
}

/// Lower bounds and lengths of an array, and its items, none for NULL
/// (src/backend/utils/adt/arrayfuncs.c, "array_send").
pub(super) type Elements<T> = (Vec<(i32, usize)>, Vec<Option<T>>);

/// Reads an array, each item by a function.
pub(super) fn elements<T>(r: &mut Reader<'_>, mut each: impl FnMut(&[u8]) -> T) -> Option<Elements<T>> {
    let (count, _has_nulls, _oid) = (r.i32()?, r.i32()?, r.u32()?);
    let mut dimensions = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(r.i32()?).ok()?;
        dimensions.push((r.i32()?, length));
    }
    let mut items = Vec::new();
    while !r.rest().is_empty() {
        items.push(r.field()?.map(&mut each));
    }
    Some((dimensions, items))
}

/// Numbers and fields off the front of a cell.
pub(super) struct Reader<'r>(pub(super) &'r [u8]);

impl<'r> Reader<'r> {
    pub(super) fn rest(&self) -> &'r [u8] {
        self.0
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'r [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_be_bytes)
    }

    /// Text that ends with a NUL.
    pub(super) fn c_str(&mut self) -> Option<&'r str> {
        let end = self.0.iter().position(|b| *b == 0)?;
        let text = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(text).ok()
    }

    /// A field with its length before it; -1 is NULL.
    pub(super) fn field(&mut self) -> Option<Option<&'r [u8]>> {
        match self.i32()? {
            -1 => Some(None),
            length => Some(Some(self.take(usize::try_from(length).ok()?)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size() {
        let read = |groups: &[i16], weight: i16, sign: u16, scale: i16| {
            let head = [groups.len() as i16, weight, sign as i16, scale];
            let raw: Vec<u8> = head.iter().chain(groups).flat_map(|n| n.to_be_bytes()).collect();
            Cell::Numeric.value(&raw).to_string()
        };
        assert_eq!(read(&[], 0, 0, 0), "0");
        assert_eq!(read(&[], 0, 0, 3), "0.000");
        assert_eq!(read(&[1, 5000], 0, 0x4000, 2), "-1.50");
        assert_eq!(read(&[12], 1, 0, 0), "120000");
        assert_eq!(read(&[1], -2, 0, 8), "0.00000001");
        assert_eq!(read(&[9999, 1, 2300], 1, 0, 3), "99990001.230");
        assert_eq!(read(&[], 0, 0xC000, 0), "NaN");
        assert_eq!(read(&[], 0, 0xF000, 0), "-Infinity");
    }

    #[test]
    fn cut_cells_are_kept_as_bytes() {
        let value = Cell::of(&Type::TIMESTAMPTZ).value(&[1, 2, 3]);
        assert!(
            matches!(value, Value::Other(other) if *other.data() == mirrorm_core::value::OtherData::Bytes([1, 2, 3].into()))
        );
        let huge = [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 23], [127, 255, 255, 255], [0, 0, 0, 1]].concat();
        assert!(matches!(Cell::of(&Type::INT4_ARRAY).value(&huge), Value::Other(_)));
    }

    #[test]
    fn the_ends_of_time() {
        let at = |count: i64| Cell::Timestamp.value(&count.to_be_bytes()).to_string();
        assert_eq!(at(i64::MAX), "infinity");
        assert_eq!(at(0), "2000-01-01 00:00:00+00:00");
        assert_eq!(at(-1), "1999-12-31 23:59:59.999999+00:00");
        assert_eq!(Cell::Date.value(&i32::MIN.to_be_bytes()).to_string(), "-infinity");
        assert_eq!(Cell::Date.value(&(-2_451_545i32).to_be_bytes()).to_string(), "4714-11-24 BC");
    }
}
