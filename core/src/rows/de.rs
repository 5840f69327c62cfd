//! Rows into Rust types by serde: structs and maps by column name, tuples by position.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::failure::Failure;
use super::row::Row;
use crate::error::{Error, Result};
use crate::value::{FromValue, OtherData, Value, ValueRef};

/// Reads a row into a type.
pub(super) fn from_row<T: DeserializeOwned>(row: &Row) -> Result<T> {
    T::deserialize(RowReader { row }).map_err(|failure| failure.0)
}

struct RowReader<'a> {
    row: &'a Row,
}

impl<'a> RowReader<'a> {
    fn cells(&self) -> Cells<'a> {
        Cells { row: self.row, next: 0 }
    }

    /// The only cell, for a type that is one value.
    fn only(&self) -> Result<CellReader<'a>, Failure> {
        if self.row.len() == 1 {
            return Ok(CellReader { value: self.row.value(0).map_err(Failure)?, row: self.row, column: 0 });
        }
        let message = format!("a row of {} columns is no single value", self.row.len());
        Err(Failure(Error::conversion(message)))
    }
}

impl<'de, 'a> Deserializer<'de> for RowReader<'a> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.row.columns().distinct_names().map_err(Failure)?;
        visitor.visit_map(self.cells())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(self.cells())
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, width: usize, visitor: V) -> Result<V::Value, Failure> {
        if width != self.row.len() {
            let message = format!("a row of {} columns is no tuple of {width}", self.row.len());
            return Err(Failure(Error::conversion(message)));
        }
        visitor.visit_seq(self.cells())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_seq(self.cells())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.only()?.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.only()?.deserialize_option(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.only()?.deserialize_string(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.only()?.deserialize_i64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.only()?.deserialize_f64(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.only()?.deserialize_bool(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char str bytes byte_buf unit unit_struct map
        struct enum identifier ignored_any
    }
}

/// The cells of a row as a map or a list.
struct Cells<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Cells<'a> {
    fn reader(&self, column: usize) -> Result<CellReader<'a>, Failure> {
        Ok(CellReader { value: self.row.value(column).map_err(Failure)?, row: self.row, column })
    }
}

impl<'de> MapAccess<'de> for Cells<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        match self.row.columns().get(self.next) {
            Some(column) => {
                let name: StrDeserializer<'_, Failure> = column.name().into_deserializer();
                seed.deserialize(name).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        self.next += 1;
        let reader = self.reader(self.next - 1)?;
        reader.located(|reader| seed.deserialize(reader))
    }
}

impl<'de> SeqAccess<'de> for Cells<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        if self.next == self.row.len() {
            return Ok(None);
        }
        self.next_value_seed(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.len() - self.next)
    }
}

/// One cell for serde.
struct CellReader<'a> {
    value: ValueRef<'a>,
    row: &'a Row,
    column: usize,
}

impl<'a> CellReader<'a> {
    /// Runs a reading and puts the column's place in front of its error.
    fn located<T>(self, read: impl FnOnce(CellReader<'a>) -> Result<T, Failure>) -> Result<T, Failure> {
        let (row, column) = (self.row, self.column);
        read(self).map_err(|failure| Failure(failure.0.at(row.columns().place(column))))
    }

    fn take<T: FromValue>(&self) -> Result<T, Failure> {
        T::from_value(self.value.to_value()).map_err(Failure)
    }

    fn json<'de, V: Visitor<'de>>(&self, text: &str, visitor: V) -> Result<V::Value, Failure> {
        let tree: serde_json::Value = serde_json::from_str(text).map_err(de::Error::custom)?;
        tree.deserialize_any(visitor).map_err(de::Error::custom)
    }
}

impl<'de> Deserializer<'de> for CellReader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Null => visitor.visit_unit(),
            ValueRef::Bool(b) => visitor.visit_bool(b),
            ValueRef::Int(n) => visitor.visit_i64(n),
            ValueRef::UInt(n) => visitor.visit_u64(n),
            ValueRef::Float(x) => visitor.visit_f64(x),
            ValueRef::Text(text) => visitor.visit_str(text),
            ValueRef::Bytes(bytes) => visitor.visit_bytes(bytes),
            ValueRef::Rich(Value::Json(json)) => self.json(json.as_str(), visitor),
            ValueRef::Rich(Value::Other(other)) => match other.data() {
                OtherData::Text(text) => visitor.visit_str(text),
                OtherData::Bytes(bytes) => visitor.visit_bytes(bytes),
            },
            ValueRef::Rich(rich) => visitor.visit_string(rich.to_string()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bool(self.take()?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_i64(self.take()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_f64(self.take()?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_f32(self.take()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_string(self.take()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self.take::<String>()?.into_deserializer())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_byte_buf(self.take()?)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 char str bytes unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
