//! Values into parameters, each in the form that loses nothing on the way to the type the server
//! wants: its binary form where both agree, text otherwise, which the server reads as it reads SQL.
//!
//! Called by `driver`. Which values a column takes is decided before, in `types`.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use bytes::BytesMut;
use mirrorm_core::dialect::standard;
use mirrorm_core::rows::RowBuffer;
use mirrorm_core::value::{Array, OtherData, ValueRef};
use mirrorm_core::{Error, Result, Value};
use postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

/// A parameter.
#[derive(Clone, Copy)]
pub(super) struct Param<'p>(pub(super) ValueRef<'p>);

impl fmt::Debug for Param<'_> {
    /// Values are nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.type_name())
    }
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        if self.0.is_null() {
            return Ok(IsNull::Yes);
        }
        match binary(self.0, base(ty)) {
            Some(Binary::Bytes(bytes)) => out.extend_from_slice(bytes),
            Some(Binary::Number(bytes, length)) => out.extend_from_slice(bytes.get(..length).unwrap_or(&[])),
            None => match self.0 {
                ValueRef::Text(text) => out.extend_from_slice(text.as_bytes()),
                value => out.extend_from_slice(text_for(value, ty)?.as_bytes()),
            },
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        match binary(self.0, base(ty)) {
            Some(_) => Format::Binary,
            None => Format::Text,
        }
    }

    to_sql_checked!();
}

/// One column of many rows, as an array.
#[derive(Clone, Copy)]
pub(super) struct Items<'p> {
    pub(super) values: &'p RowBuffer,
    /// The first value, and where the rows end.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Values of a row.
    pub(super) width: usize,
}

impl Items<'_> {
    /// The array as text, for a parameter whose type is not known here.
    fn text(&self) -> Result<String> {
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Null => Ok(None),
            value => text_of(value).map(Some),
        };
        let items: Vec<Option<String>> = self.iter().map(text).collect::<Result<_>>()?;
        Ok(array_text(&[(1, items.len())], &items, ','))
    }

    fn iter(&self) -> impl Iterator<Item = ValueRef<'_>> {
        (self.start..self.end).step_by(self.width.max(1)).map(|at| self.values.get(at))
    }
}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("array")
    }
}

impl ToSql for Items<'_> {
    /// One dimension from 1, each item with its length (arrayfuncs.c, "array_recv").
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Kind::Array(item) = ty.kind() else {
            out.extend_from_slice(self.text()?.as_bytes());
            return Ok(IsNull::No);
        };
        let count = i32::try_from(self.iter().count())?;
        let has_null = i32::from(self.iter().any(ValueRef::is_null));
        for head in [1, has_null] {
            out.extend_from_slice(&i32::to_be_bytes(head));
        }
        out.extend_from_slice(&item.oid().to_be_bytes());
        for bound in [count, 1] {
            out.extend_from_slice(&i32::to_be_bytes(bound));
        }
        self.iter().try_for_each(|value| write_item(value, item, out))?;
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        match ty.kind() {
            Kind::Array(_) => Format::Binary,
            _ => Format::Text,
        }
    }

    to_sql_checked!();
}

fn write_item(
    value: ValueRef<'_>,
    item: &Type,
    out: &mut BytesMut,
) -> std::result::Result<(), Box<dyn StdError + Sync + Send>> {
    let text;
    let bytes = match (binary(value, item), value) {
        (_, ValueRef::Null) => {
            out.extend_from_slice(&(-1i32).to_be_bytes());
            return Ok(());
        }
        (Some(Binary::Bytes(bytes)), _) => bytes,
        (Some(Binary::Number(ref bytes, length)), _) => {
            out.extend_from_slice(&i32::try_from(length)?.to_be_bytes());
            out.extend_from_slice(bytes.get(..length).unwrap_or(&[]));
            return Ok(());
        }
        (None, ValueRef::Text(text)) if *item == Type::TEXT => text.as_bytes(),
        (None, value) if *item == Type::TEXT => {
            text = text_of(value)?;
            text.as_bytes()
        }
        (None, value) => {
            let message = format!("a value of type {} does not go as {}", value.type_name(), item.name());
            return Err(Error::conversion(message).into());
        }
    };
    out.extend_from_slice(&i32::try_from(bytes.len())?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// A value in the binary form of a type.
enum Binary<'p> {
    Bytes(&'p [u8]),
    Number([u8; 8], usize),
}

/// The type under domains.
fn base(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(inner) => base(inner),
        _ => ty,
    }
}

/// The binary form, where the value is of the type's own kind and in its range.
fn binary<'p>(value: ValueRef<'p>, ty: &Type) -> Option<Binary<'p>> {
    fn number<const N: usize>(bytes: [u8; N]) -> Option<Binary<'static>> {
        let mut all = [0; 8];
        all.get_mut(..N)?.copy_from_slice(&bytes);
        Some(Binary::Number(all, N))
    }
    match value {
        ValueRef::Int(n) => match *ty {
            Type::INT8 => number(n.to_be_bytes()),
            Type::INT4 => number(i32::try_from(n).ok()?.to_be_bytes()),
            Type::INT2 => number(i16::try_from(n).ok()?.to_be_bytes()),
            _ => None,
        },
        ValueRef::Float(x) if *ty == Type::FLOAT8 => number(x.to_be_bytes()),
        ValueRef::Bool(b) if *ty == Type::BOOL => number([u8::from(b)]),
        ValueRef::Bytes(bytes) => Some(Binary::Bytes(bytes)).filter(|_| *ty == Type::BYTEA),
        ValueRef::Rich(Value::Uuid(uuid)) if *ty == Type::UUID => Some(Binary::Bytes(uuid.as_bytes())),
        ValueRef::Rich(Value::Other(other)) => match other.data() {
            OtherData::Bytes(bytes) => Some(Binary::Bytes(bytes)),
            OtherData::Text(text) if *ty == Type::MONEY => number(hundredths(text)?.to_be_bytes()),
            OtherData::Text(_) => None,
        },
        _ => None,
    }
}

/// Money as `spell` prints it; what is printed otherwise is the server's to read.
fn hundredths(text: &str) -> Option<i64> {
    let (whole, after) = text.split_once('.')?;
    let plain = after.len() == 2 && after.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| format!("{whole}{after}").parse().ok())?
}

/// The text form of a value for a type.
fn text_for(value: ValueRef<'_>, ty: &Type) -> Result<String> {
    match value {
        // The old vectors have no braces.
        ValueRef::Rich(Value::Array(array)) if matches!(*ty, Type::OID_VECTOR | Type::INT2_VECTOR) => {
            let items: Vec<String> = array.items().iter().map(Value::to_string).collect();
            Ok(items.join(" "))
        }
        value => text_of(value),
    }
}

/// The text form of a value, as the server reads it.
pub(super) fn text_of(value: ValueRef<'_>) -> Result<String> {
    Ok(match value {
        ValueRef::Float(x) => float_text(x),
        ValueRef::Bytes(bytes) => bytes.iter().fold("\\x".to_string(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        ValueRef::Rich(Value::Array(array)) => text_of_array(array)?,
        ValueRef::Rich(Value::Other(other)) => match other.data() {
            OtherData::Text(text) => text.to_string(),
            OtherData::Bytes(_) => {
                let message = format!("a {} that is only known as bytes has no text form", other.type_name());
                return Err(Error::conversion(message));
            }
        },
        plain => plain.to_string(),
    })
}

/// A number in the fewest digits that read back as it.
pub(super) fn float_text(x: f64) -> String {
    if x.is_finite() {
        return format!("{x:?}");
    }
    let text = if x.is_nan() {
        "NaN"
    } else if x > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    text.to_string()
}

fn text_of_array(array: &Array) -> Result<String> {
    let item = |value: &Value| match value {
        Value::Null => Ok(None),
        value => text_of(value.as_ref()).map(Some),
    };
    let items: Vec<Option<String>> = array.items().iter().map(item).collect::<Result<_>>()?;
    Ok(array_text(array.dimensions(), &items, delimiter(array.element())))
}

/// What stands between the items of an array: a semicolon between boxes (manual, 8.15.6).
pub(super) fn delimiter(element: &str) -> char {
    if element == "box" { ';' } else { ',' }
}

/// An array as text: its bounds where they do not begin at 1, and items in quotes.
pub(super) fn array_text(dimensions: &[(i32, usize)], items: &[Option<String>], delimiter: char) -> String {
    let mut text = String::new();
    if dimensions.iter().any(|(low, _)| *low != 1) {
        for (low, length) in dimensions {
            let _ = write!(text, "[{low}:{}]", i64::from(*low) + *length as i64 - 1);
        }
        text.push('=');
    }
    let lengths: Vec<usize> = dimensions.iter().map(|(_, length)| *length).collect();
    write_items(&lengths, items, delimiter, &mut text);
    text
}

fn write_items(lengths: &[usize], items: &[Option<String>], delimiter: char, text: &mut String) {
    text.push('{');
    match lengths {
        [_, inner @ ..] if !inner.is_empty() => {
            let size = inner.iter().product::<usize>().max(1);
            for (at, part) in items.chunks(size).enumerate() {
                text.extend((at > 0).then_some(delimiter));
                write_items(inner, part, delimiter, text);
            }
        }
        _ => {
            for (at, item) in items.iter().enumerate() {
                text.extend((at > 0).then_some(delimiter));
                match item {
                    None => text.push_str("NULL"),
                    Some(item) => standard::quote_escaped(item, '"', text),
                }
            }
        }
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_with_bounds_and_dimensions() {
        let array = |dimensions, items: Vec<Value>| {
            let array = Array::with_dimensions("int4", dimensions, items).unwrap();
            text_of(Value::Array(Box::new(array)).as_ref()).unwrap()
        };
        assert_eq!(array(vec![], vec![]), "{}");
        assert_eq!(array(vec![(1, 2)], vec![1.into(), Value::Null]), r#"{"1",NULL}"#);
        let four = vec!["a\"b".into(), "c\\d".into(), "NULL".into(), "".into()];
        assert_eq!(array(vec![(0, 2), (1, 2)], four), r#"[0:1][1:2]={{"a\"b","c\\d"},{"NULL",""}}"#);
    }

    #[test]
    fn money_both_ways() {
        assert_eq!(hundredths("-0.05"), Some(-5));
        assert_eq!(hundredths("12.34"), Some(1234));
        assert_eq!(hundredths("$1,000.00"), None);
    }
}
