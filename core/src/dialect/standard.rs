//! The standard's spelling of each fragment, as free functions that an override can call.

use super::FunctionForm;
use crate::error::{Error, Result};
use crate::expr::{Bits, Field, Form};
use crate::schema::IndexElement;
use crate::types::{EnumType, Type};
use crate::value::{OtherData, Value};

/// An identifier between quotes, with quotes inside doubled (SQL:2016, 5.2 delimited identifier).
pub fn quote(name: &str, mark: char, out: &mut String) {
    out.push(mark);
    for c in name.chars() {
        if c == mark {
            out.push(mark);
        }
        out.push(c);
    }
    out.push(mark);
}

/// Text between marks, with marks and backslashes inside behind backslashes.
pub fn quote_escaped(text: &str, mark: char, out: &mut String) {
    out.push(mark);
    for c in text.chars() {
        if c == mark || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(mark);
}

/// Text as a literal, with apostrophes doubled.
pub fn quote_text(text: &str, out: &mut String) {
    quote(text, '\'', out);
}

/// The type of the labels of an enum where they are text that a condition limits.
pub fn labels_as_text(labels: &EnumType) -> Type {
    Type::Varchar(u32::try_from(labels.longest().max(1)).unwrap_or(u32::MAX))
}

/// `LIMIT n OFFSET m`, each where given.
pub fn limit(limit: Option<&str>, offset: Option<&str>, out: &mut String) {
    if let Some(limit) = limit {
        out.push_str(" LIMIT ");
        out.push_str(limit);
    }
    if let Some(offset) = offset {
        out.push_str(" OFFSET ");
        out.push_str(offset);
    }
}

/// DESC and NULLS FIRST or LAST, where they are not what is usual.
pub fn index_element(element: &IndexElement, out: &mut String) {
    if element.is_descending() {
        out.push_str(" DESC");
    }
    match element.has_nulls_first() {
        Some(true) => out.push_str(" NULLS FIRST"),
        Some(false) => out.push_str(" NULLS LAST"),
        None => {}
    }
}

/// A call, but for the functions the standard writes as words.
pub fn function(name: &str) -> FunctionForm<'_> {
    match name {
        "now" | "current_timestamp" => FunctionForm::Word("CURRENT_TIMESTAMP"),
        "current_date" => FunctionForm::Word("CURRENT_DATE"),
        "current_time" => FunctionForm::Word("CURRENT_TIME"),
        other => FunctionForm::Call(other),
    }
}

/// The templates of standard SQL (SQL:2016, 6.28, 6.30, 8.6), and what most databases do with bits; none where it has no
/// words, as for chance.
pub fn form(form: &Form) -> Option<&'static str> {
    Some(match form {
        Form::Extract(field, _) => match field {
            Field::Year => "EXTRACT(YEAR FROM {0})",
            Field::Month => "EXTRACT(MONTH FROM {0})",
            Field::Day => "EXTRACT(DAY FROM {0})",
            Field::Hour => "EXTRACT(HOUR FROM {0})",
            Field::Minute => "EXTRACT(MINUTE FROM {0})",
            Field::Second => "FLOOR(EXTRACT(SECOND FROM {0}))",
            _ => return None,
        },
        Form::Div(true) => "<0> / <1>",
        Form::Div(false) => "CAST({0} AS DOUBLE PRECISION) / <1>",
        Form::IntDiv(true) => "<0> / <1>",
        Form::Bits(bits) => match bits {
            Bits::And => "<0> & <1>",
            Bits::Or => "<0> | <1>",
            Bits::Xor => "(<0> | <1>) - (<0> & <1>)",
            Bits::Not => "~<0>",
            Bits::Left => "<0> << <1>",
            Bits::Right => "<0> >> <1>",
        },
        Form::Regexp(false) => "<0> LIKE_REGEX <1>",
        Form::NextValue(_) => "NEXT VALUE FOR {name}",
        Form::JoinTexts => "LISTAGG({0}, {1}{order})",
        _ => return None,
    })
}

/// A value as a literal of standard SQL.
///
/// # Errors
/// `Conversion` for NaN, infinities, arrays, and text with a NUL.
pub fn literal(value: &Value, out: &mut String) -> Result<()> {
    let none = || Error::conversion(format!("a {} has no literal form", value.type_name()));
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Bool(true) => out.push_str("TRUE"),
        Value::Bool(false) => out.push_str("FALSE"),
        Value::Int(_) | Value::UInt(_) => out.push_str(&value.to_string()),
        Value::Float(x) if x.is_finite() => out.push_str(&format!("{x:?}")),
        Value::Decimal(d) if d.is_finite() => out.push_str(d.as_str()),
        Value::Text(text) if !text.contains('\0') => quote_text(text, out),
        Value::Bytes(_) => out.push_str(&value.to_string()),
        Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::Timestamp(_)
        | Value::Interval(_)
        | Value::Uuid(_)
        | Value::Json(_) => quote_text(&value.to_string(), out),
        Value::Other(other) => match other.data() {
            OtherData::Text(text) => quote_text(text, out),
            OtherData::Bytes(_) => return Err(none()),
        },
        _ => return Err(none()),
    }
    Ok(())
}
