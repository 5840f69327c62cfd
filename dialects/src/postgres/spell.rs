//! Values that have no variant, in the text form that the server prints and reads.
//!
//! Formats: the `*_send` functions of src/backend/utils/adt. Called by `decode` for types it has no
//! variant for, and for what such values are made of.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use postgres::types::{Field, Kind, Type};

use super::decode::{Cell, Reader, elements};
use super::encode;

/// The text of a value; none for types and bytes that nobody here knows.
pub(super) fn text(ty: &Type, raw: &[u8]) -> Option<String> {
    let r = &mut Reader(raw);
    Some(match *ty {
        Type::BIT | Type::VARBIT => bits(r)?,
        Type::INET | Type::CIDR => address(r)?,
        Type::MACADDR | Type::MACADDR8 => {
            raw.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
        }
        Type::MONEY => money(r.i64()?),
        Type::TIMETZ => time_with_zone(r)?,
        Type::POINT => point(r)?,
        Type::LSEG => format!("[{},{}]", point(r)?, point(r)?),
        Type::BOX => format!("{},{}", point(r)?, point(r)?),
        Type::LINE => format!("{{{},{},{}}}", number(r)?, number(r)?, number(r)?),
        Type::CIRCLE => format!("<{},{}>", point(r)?, number(r)?),
        Type::PATH => match r.u8()? {
            0 => format!("[{}]", points(r)?),
            _ => format!("({})", points(r)?),
        },
        Type::POLYGON => format!("({})", points(r)?),
        Type::TS_VECTOR => lexemes(r)?,
        Type::TSQUERY => {
            r.i32()?;
            operand(r, 0)?
        }
        Type::XID | Type::CID => r.u32()?.to_string(),
        Type::XID8 => (r.i64()? as u64).to_string(),
        Type::TID => format!("({},{})", r.u32()?, r.i16()? as u16),
        Type::PG_LSN => format!("{:X}/{:X}", r.u32()?, r.u32()?),
        Type::JSONPATH => versioned(r)?,
        Type::REFCURSOR | Type::VOID | Type::CSTRING => std::str::from_utf8(raw).ok()?.to_string(),
        Type::CHAR => match r.u8()? {
            0 => String::new(),
            byte if byte.is_ascii() => char::from(byte).to_string(),
            _ => return None,
        },
        _ => return by_kind(ty, raw),
    })
}

fn by_kind(ty: &Type, raw: &[u8]) -> Option<String> {
    let r = &mut Reader(raw);
    match ty.kind() {
        Kind::Range(item) => range(r, item),
        Kind::Multirange(item) => {
            let count = r.i32()?;
            let all = (0..count).map(|_| range(&mut Reader(r.field()??), item));
            Some(format!("{{{}}}", all.collect::<Option<Vec<_>>>()?.join(",")))
        }
        Kind::Composite(fields) => composite(r, fields),
        _ => match ty.name() {
            "hstore" => pairs(r),
            "ltree" | "lquery" | "ltxtquery" => versioned(r),
            name if name.starts_with("reg") && raw.len() == 4 => Some(r.u32()?.to_string()),
            _ => None,
        },
    }
}

/// Any value as text: of a variant, or spelled here.
fn any(ty: &Type, raw: &[u8]) -> Option<String> {
    match Cell::of(ty) {
        Cell::Other(ty) => text(&ty, raw),
        Cell::Array(_, _) => nested(ty, raw),
        cell => encode::text_of(cell.value(raw).as_ref()).ok(),
    }
}

fn nested(ty: &Type, raw: &[u8]) -> Option<String> {
    let Kind::Array(item) = ty.kind() else { return None };
    let (dimensions, items) = elements(&mut Reader(raw), |raw| any(item, raw))?;
    let items: Vec<Option<String>> = items
        .into_iter()
        .map(|item| item.map_or(Some(None), |text| text.map(Some)))
        .collect::<Option<_>>()?;
    Some(encode::array_text(&dimensions, &items, encode::delimiter(item.name())))
}

/// Text that follows the one version of its form.
fn versioned(r: &mut Reader<'_>) -> Option<String> {
    (r.u8()? == 1).then_some(())?;
    String::from_utf8(r.rest().to_vec()).ok()
}

fn bits(r: &mut Reader<'_>) -> Option<String> {
    let length = usize::try_from(r.i32()?).ok()?;
    let all: String = r.rest().iter().map(|b| format!("{b:08b}")).collect();
    all.get(..length).map(str::to_string)
}

/// Family, bits of the network, whether it is one, and the address (network.c, "network_send").
fn address(r: &mut Reader<'_>) -> Option<String> {
    let (_family, bits, is_network, length) = (r.u8()?, r.u8()?, r.u8()? != 0, r.u8()?);
    let address = r.take(length.into())?;
    let (text, all) = match address.len() {
        4 => (Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).to_string(), 32),
        _ => (Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).to_string(), 128),
    };
    Some(if bits == all && !is_network { text } else { format!("{text}/{bits}") })
}

/// Money as hundredths; what the smallest unit is called, only the server's locale knows.
fn money(hundredths: i64) -> String {
    let size = hundredths.unsigned_abs();
    format!("{}{}.{:02}", if hundredths < 0 { "-" } else { "" }, size / 100, size % 100)
}

fn time_with_zone(r: &mut Reader<'_>) -> Option<String> {
    let time = Cell::Time.value(r.take(8)?);
    let west = r.i32()?;
    let size = west.unsigned_abs();
    let sign = if west > 0 { '-' } else { '+' };
    let mut text = format!("{time}{sign}{:02}", size / 3600);
    for part in [size / 60 % 60, size % 60].iter().take(if size % 60 != 0 { 2 } else { 1 }) {
        if size % 3600 != 0 {
            let _ = write!(text, ":{part:02}");
        }
    }
    Some(text)
}

fn number(r: &mut Reader<'_>) -> Option<String> {
    r.f64().map(encode::float_text)
}

fn point(r: &mut Reader<'_>) -> Option<String> {
    Some(format!("({},{})", number(r)?, number(r)?))
}

fn points(r: &mut Reader<'_>) -> Option<String> {
    let count = r.i32()?;
    Some((0..count).map(|_| point(r)).collect::<Option<Vec<_>>>()?.join(","))
}

/// A word in apostrophes, as full-text types have them.
fn lexeme(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

/// Words with their positions and weights (tsvector.c, "tsvectorsend").
fn lexemes(r: &mut Reader<'_>) -> Option<String> {
    let count = r.i32()?;
    let mut words = Vec::new();
    for _ in 0..count {
        let mut text = lexeme(r.c_str()?);
        for n in 0..r.i16()? {
            let place = r.i16()? as u16;
            let weight = ["", "C", "B", "A"].get(usize::from(place >> 14)).copied().unwrap_or("");
            let _ = write!(text, "{}{}{weight}", if n == 0 { ":" } else { "," }, place & 0x3fff);
        }
        words.push(text);
    }
    Some(words.join(" "))
}

/// Queries nest no deeper than this when they are spelled; deeper ones are kept as bytes.
const DEEPEST: usize = 200;

/// A query, operators first and their right sides before their left ones (tsquery.c,
/// "tsquerysend").
fn operand(r: &mut Reader<'_>, depth: usize) -> Option<String> {
    if r.rest().is_empty() || depth > DEEPEST {
        return r.rest().is_empty().then(String::new);
    }
    if r.u8()? == 1 {
        let (weights, prefix) = (r.u8()?, r.u8()? != 0);
        let word = lexeme(r.c_str()?);
        let marks: String = if prefix { "*".to_string() } else { String::new() };
        let letters = [(8, 'A'), (4, 'B'), (2, 'C'), (1, 'D')];
        let marks = letters
            .iter()
            .filter(|(bit, _)| weights & bit != 0)
            .fold(marks, |marks, (_, c)| marks + &c.to_string());
        return Some(if marks.is_empty() { word } else { format!("{word}:{marks}") });
    }
    let operator = match r.u8()? {
        1 => return Some(format!("!( {} )", operand(r, depth + 1)?)),
        2 => "&".to_string(),
        3 => "|".to_string(),
        4 => match r.i16()? {
            1 => "<->".to_string(),
            distance => format!("<{distance}>"),
        },
        _ => return None,
    };
    let (right, left) = (operand(r, depth + 1)?, operand(r, depth + 1)?);
    Some(format!("( {left} {operator} {right} )"))
}

/// Keys with their values (contrib/hstore, "hstore_send").
fn pairs(r: &mut Reader<'_>) -> Option<String> {
    let quoted = |raw: &[u8]| {
        let text = std::str::from_utf8(raw).ok()?;
        Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
    };
    let count = r.i32()?;
    let mut all = Vec::new();
    for _ in 0..count {
        let key = quoted(r.field()??)?;
        let value = r.field()?.map_or(Some("NULL".to_string()), quoted)?;
        all.push(format!("{key}=>{value}"));
    }
    Some(all.join(", "))
}

/// Bounds and whether they belong to it (rangetypes.c, "range_send").
fn range(r: &mut Reader<'_>, item: &Type) -> Option<String> {
    let flags = r.u8()?;
    let has = |bit: u8| flags & bit != 0;
    if has(1) {
        return Some("empty".to_string());
    }
    let mut bound = |endless: bool| match endless {
        true => Some(String::new()),
        false => Some(quote_part(&any(item, r.field()??)?, "\"", |c| matches!(c, '(' | ')' | '[' | ']'))),
    };
    let (low, high) = (bound(has(8))?, bound(has(16))?);
    Some(format!("{}{low},{high}{}", if has(2) { '[' } else { '(' }, if has(4) { ']' } else { ')' }))
}

/// Columns of a row: how many, then type and value of each (rowtypes.c, "record_send").
fn composite(r: &mut Reader<'_>, fields: &[Field]) -> Option<String> {
    let count = r.i32()?;
    let mut parts = Vec::new();
    for at in 0..usize::try_from(count).ok()? {
        let _oid = r.u32()?;
        parts.push(match r.field()? {
            None => String::new(),
            Some(raw) => quote_part(&any(fields.get(at)?.type_(), raw)?, "\"", |c| matches!(c, '(' | ')')),
        });
    }
    Some(format!("({})", parts.join(",")))
}

/// A part of a range or a row, in quotes where it needs them.
fn quote_part(text: &str, quote: &str, special: impl Fn(char) -> bool) -> String {
    let needs = |c: char| special(c) || c.is_whitespace() || matches!(c, ',' | '"' | '\\');
    if !text.is_empty() && !text.chars().any(needs) {
        return text.to_string();
    }
    let doubled = text.replace('\\', "\\\\").replace('"', "\"\"");
    format!("{quote}{doubled}{quote}")
}
