//! Rust types into named values by serde: a struct or a map becomes what an insert takes.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::value::{Json, Value};

/// The fields of a struct, or the entries of a map, as names and values for an insert or update.
///
/// Numbers, text, booleans and `None` become plain values; lists, maps and nested structs become
/// JSON documents. Dates and decimals that serialise as text are read by the column's type.
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
    let tree = serde_json::to_value(value)
        .map_err(|e| Error::conversion("this value has no columns").with_source(e))?;
    match tree {
        serde_json::Value::Object(map) => {
            Ok(map.into_iter().map(|(k, v)| (k, Expr::from(plain(v)))).collect())
        }
        _ => Err(Error::conversion("only structs and maps have columns")),
    }
}

fn plain(tree: serde_json::Value) -> Value {
    match tree {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(b),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => Value::Int(n),
            (None, Some(n)) => Value::unsigned(n),
            (None, None) => number.as_f64().map_or(Value::Null, Value::Float),
        },
        nested => Value::Json(Json::from(&nested)),
    }
}
