//! Rust types into named values by serde: a struct or a map becomes what an insert takes.

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::failure::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Expr;
use crate::value::{Decimal, Json, Value};

/// The fields of a struct, or the entries of a map, as names and values for an insert or update.
///
/// Numbers, text, booleans, bytes and `None` become plain values, exactly; an enum's unit variant
/// becomes its name; lists, maps and nested structs become JSON documents. Dates and decimals that
/// serialise as text are read by the column's type.
///
/// # Errors
/// `Conversion` when the value is neither a struct nor a map with text keys.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// #[derive(serde::Serialize)]
/// struct User { name: &'static str, age: Option<u8> }
///
/// let db = Db::open("sqlite://")?;
/// let users = db.table("users", (column("name", Text), column("age", Integer)))?;
/// db.create_all()?;
/// insert(&users).values(to_values(&User { name: "ann", age: None })?).run(&db)?;
/// assert_eq!(select(&users).all(&db)?.len(), 1);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn to_values<T: Serialize + ?Sized>(value: &T) -> Result<Vec<(String, Expr)>> {
    value.serialize(Fields).map_err(|failure| failure.0)
}

/// The parts of a `Serializer` that both of ours refuse.
macro_rules! refuse {
    ($($method:ident($($type:ty),*) -> $result:ident;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::$result, Failure> {
            Err(Self::refused())
        }
    )*};
}

/// Takes a struct or a map apart.
struct Fields;

/// The fields so far, and the key of a map entry whose value comes next.
#[derive(Default)]
struct Taken {
    fields: Vec<(String, Expr)>,
    key: Option<String>,
}

impl Serializer for Fields {
    type Ok = Vec<(String, Expr)>;
    type Error = Failure;
    type SerializeSeq = Impossible<Self::Ok, Failure>;
    type SerializeTuple = Impossible<Self::Ok, Failure>;
    type SerializeTupleStruct = Impossible<Self::Ok, Failure>;
    type SerializeTupleVariant = Impossible<Self::Ok, Failure>;
    type SerializeMap = Taken;
    type SerializeStruct = Taken;
    type SerializeStructVariant = Impossible<Self::Ok, Failure>;

    refuse! {
        serialize_bool(bool) -> Ok;
        serialize_i8(i8) -> Ok;
        serialize_i16(i16) -> Ok;
        serialize_i32(i32) -> Ok;
        serialize_i64(i64) -> Ok;
        serialize_u8(u8) -> Ok;
        serialize_u16(u16) -> Ok;
        serialize_u32(u32) -> Ok;
        serialize_u64(u64) -> Ok;
        serialize_f32(f32) -> Ok;
        serialize_f64(f64) -> Ok;
        serialize_char(char) -> Ok;
        serialize_str(&str) -> Ok;
        serialize_bytes(&[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(&'static str) -> Ok;
        serialize_unit_variant(&'static str, u32, &'static str) -> Ok;
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, Failure> {
        Err(Self::refused())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Taken, Failure> {
        Ok(Taken::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Taken, Failure> {
        Ok(Taken::default())
    }
}

impl Fields {
    fn refused() -> Failure {
        Failure(Error::conversion("only structs and maps have columns"))
    }
}

impl Taken {
    fn take<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), Failure> {
        let taken = match value.serialize(Plain) {
            // Lists, maps and structs have no plain form.
            Err(Failure(error)) if error.kind() == ErrorKind::Invalid => Json::of(value).map(Value::Json),
            other => other.map_err(|failure| failure.0),
        };
        let value = taken.map_err(|error| Failure(error.at(format!("field `{name}`"))))?;
        self.fields.push((name, Expr::from(value)));
        Ok(())
    }
}

impl SerializeStruct for Taken {
    type Ok = Vec<(String, Expr)>;
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        self.take(name.to_string(), value)
    }

    fn end(self) -> Result<Self::Ok, Failure> {
        Ok(self.fields)
    }
}

impl SerializeMap for Taken {
    type Ok = Vec<(String, Expr)>;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        match key.serialize(Plain)? {
            Value::Text(name) => {
                self.key = Some(name);
                Ok(())
            }
            other => {
                Err(Failure(Error::conversion(format!("a column's name is text, not {}", other.type_name()))))
            }
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let name = self.key.take().unwrap_or_default();
        self.take(name, value)
    }

    fn end(self) -> Result<Self::Ok, Failure> {
        Ok(self.fields)
    }
}

/// One plain value exactly as it is; anything else is refused with `Invalid`.
struct Plain;

impl Plain {
    fn refused() -> Failure {
        Failure(Error::new(ErrorKind::Invalid, "a value of several parts"))
    }
}

/// Methods that make a value of a plain type.
macro_rules! plain {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<Value, Failure> {
            Ok(Value::from(value))
        }
    )*};
}

impl Serializer for Plain {
    type Ok = Value;
    type Error = Failure;
    type SerializeSeq = Impossible<Value, Failure>;
    type SerializeTuple = Impossible<Value, Failure>;
    type SerializeTupleStruct = Impossible<Value, Failure>;
    type SerializeTupleVariant = Impossible<Value, Failure>;
    type SerializeMap = Impossible<Value, Failure>;
    type SerializeStruct = Impossible<Value, Failure>;
    type SerializeStructVariant = Impossible<Value, Failure>;

    plain! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
    }

    refuse! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    fn serialize_i128(self, value: i128) -> Result<Value, Failure> {
        value.to_string().parse::<Decimal>().map(Value::Decimal).map_err(Failure)
    }

    fn serialize_u128(self, value: u128) -> Result<Value, Failure> {
        value.to_string().parse::<Decimal>().map(Value::Decimal).map_err(Failure)
    }

    fn serialize_none(self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn serialize_unit(self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<Value, Failure> {
        Ok(Value::from(name))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, Failure> {
        Err(Self::refused())
    }
}
