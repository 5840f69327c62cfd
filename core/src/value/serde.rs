//! Values through serde: out as the nearest plain form, in by what the input holds.
//!
//! Out, for formats people read: integers, floats, booleans and text as themselves, decimals,
//! dates and UUIDs as text, bytes as base64 (RFC 4648), JSON documents as trees. In: a value
//! takes what it is given; a column's type decides further when the value is written.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor, value as access};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::json_out::Piece;
use super::{Json, OtherData, Value, ValueRef};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            ValueRef::Null => serializer.serialize_unit(),
            ValueRef::Bool(b) => serializer.serialize_bool(b),
            ValueRef::Int(n) => serializer.serialize_i64(n),
            ValueRef::UInt(n) => serializer.serialize_u64(n),
            // JSON has no NaN and no infinity; their names keep them apart from null.
            ValueRef::Float(x) if !x.is_finite() && serializer.is_human_readable() => {
                serializer.serialize_str(&x.to_string())
            }
            ValueRef::Float(x) => serializer.serialize_f64(x),
            ValueRef::Text(text) => serializer.serialize_str(text),
            ValueRef::Bytes(bytes) => bytes_out(bytes, serializer),
            ValueRef::Rich(rich) => rich_out(rich, serializer),
        }
    }
}

fn bytes_out<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    } else {
        serializer.serialize_bytes(bytes)
    }
}

fn rich_out<S: Serializer>(rich: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match rich {
        Value::Json(json) if serializer.is_human_readable() => Piece(json.as_str()).serialize(serializer),
        Value::Array(array) => {
            let lengths: Vec<usize> = array.dimensions().iter().map(|(_, length)| *length).collect();
            Nested { lengths: &lengths, items: array.items() }.serialize(serializer)
        }
        Value::Other(other) => match other.data() {
            OtherData::Text(text) => serializer.serialize_str(text),
            OtherData::Bytes(bytes) => bytes_out(bytes, serializer),
        },
        text => serializer.collect_str(text),
    }
}

/// The items of an array as lists of lists.
struct Nested<'a> {
    lengths: &'a [usize],
    items: &'a [Value],
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(self.lengths.first().copied())?;
        match self.lengths {
            [_, inner @ ..] if !inner.is_empty() => {
                let size = inner.iter().product::<usize>().max(1);
                let mut parts = self.items.chunks(size);
                parts.try_for_each(|items| list.serialize_element(&Nested { lengths: inner, items }))?;
            }
            _ => self.items.iter().try_for_each(|item| list.serialize_element(item))?,
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a cell")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::unsigned(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Text(v))
    }

    fn visit_bytes<E>(self, v: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(v.to_vec()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        Value::deserialize(d)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        Value::deserialize(d)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        json_of(access::SeqAccessDeserializer::new(seq))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        json_of(access::MapAccessDeserializer::new(map))
    }
}

/// Lists and maps have no scalar form: they become JSON documents.
fn json_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let tree = serde_json::Value::deserialize(deserializer)?;
    Ok(Value::Json(Json::from(&tree)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_and_in() {
        let out = |v: Value| serde_json::to_string(&v).unwrap();
        assert_eq!(out(Value::Null), "null");
        assert_eq!(out(Value::UInt(u64::MAX)), "18446744073709551615");
        assert_eq!(out(Value::Decimal("1.50".parse().unwrap())), "\"1.50\"");
        assert_eq!(out(Value::Float(f64::NAN)), "\"NaN\"");
        assert_eq!(out(Value::Json("{\"b\": 1}".parse().unwrap())), "{\"b\":1}");
        let back: Vec<Value> = serde_json::from_str("[null,true,5,1.5,\"x\",[1],{\"a\":2}]").unwrap();
        assert_eq!(back[0], Value::Null);
        assert_eq!(back[2], Value::Int(5));
        assert_eq!(back[5], Value::Json("[1]".parse().unwrap()));
    }
}
