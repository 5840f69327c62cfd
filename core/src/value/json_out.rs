//! A JSON document through serde as a tree, from its text: keys in their order, numbers with all
//! their digits.
//!
//! `serde_json::Value` would sort keys and round numbers to doubles. The text was checked when the
//! document was made, so this only cuts it into pieces; nesting is bounded by that check.

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Decimal;

/// A piece of checked JSON text that is one value.
pub(super) struct Piece<'a>(pub(super) &'a str);

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.trim_matches(WHITE);
        match text.as_bytes().first() {
            Some(b'{') => object(text, serializer),
            Some(b'[') => {
                let mut list = serializer.serialize_seq(None)?;
                pieces(text).try_for_each(|item| list.serialize_element(&Piece(item)))?;
                list.end()
            }
            Some(b'"') => serializer.serialize_str(&string::<S::Error>(text)?),
            Some(b't') => serializer.serialize_bool(true),
            Some(b'f') => serializer.serialize_bool(false),
            Some(b'n') => serializer.serialize_unit(),
            _ => number(text, serializer),
        }
    }
}

const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

fn object<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for member in pieces(text) {
        let member = member.trim_matches(WHITE);
        let end = end_of_string(member);
        let (key, rest) = member.split_at_checked(end).unwrap_or((member, ""));
        let value = rest.trim_start_matches(WHITE).strip_prefix(':').unwrap_or("null");
        map.serialize_entry(&string::<S::Error>(key)?, &Piece(value))?;
    }
    map.end()
}

fn string<E: serde::ser::Error>(text: &str) -> Result<String, E> {
    serde_json::from_str(text).map_err(E::custom)
}

/// Integers as such; other numbers as doubles where a double holds them, and as text where it
/// would round them.
fn number<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(n) = text.parse::<i64>() {
        return serializer.serialize_i64(n);
    }
    if let Ok(n) = text.parse::<u64>() {
        return serializer.serialize_u64(n);
    }
    if let Ok(n) = text.parse::<i128>() {
        return serializer.serialize_i128(n);
    }
    let double: f64 = text.parse().map_err(S::Error::custom)?;
    let exact = text.parse::<Decimal>().is_ok_and(|d| Decimal::from_f64(double).compare(&d).is_eq());
    if exact { serializer.serialize_f64(double) } else { serializer.serialize_str(text) }
}

/// The members or items between the brackets of a value, cut at the commas outside others.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    let mut rest = Some(inside).filter(|inside| !inside.trim_matches(WHITE).is_empty());
    std::iter::from_fn(move || {
        let now = rest?;
        let end = end_of_piece(now);
        rest = now.get(end + 1..);
        now.get(..end)
    })
}

/// Where a piece ends: at a comma outside strings and brackets, or at the end of the text.
fn end_of_piece(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0i32, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Where the string at the start of a text ends, its closing quote included.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_digits_stay() {
        for text in [
            r#"{"z":1,"a":{"y":[],"x":{}},"q\"\\":",]}"}"#,
            "[1,-2,3.5,18446744073709551615,-12345678901234567890123,1e300,true,false,null,\"\"]",
            "[[[]],[{}]]",
            "\"é\\n\"",
            "{}",
        ] {
            let out = serde_json::to_string(&Piece(text)).unwrap();
            let same = |t: &str| serde_json::from_str::<serde_json::Value>(t).unwrap();
            assert_eq!(same(&out), same(text));
            assert_eq!(out.replace("1e+300", "1e300"), text);
        }
        let spaced = " { \"a\" : [ 1 , 2 ] , \"b\" : 0.1234567890123456789 } ";
        let out = serde_json::to_string(&Piece(spaced)).unwrap();
        assert_eq!(out, r#"{"a":[1,2],"b":"0.1234567890123456789"}"#);
    }
}
