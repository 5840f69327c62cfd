//! JSON documents as values: text that was checked once.
//!
//! Not here: a tree. [`Json::parse`] makes one on demand with `serde_json`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::{Error, Result};

/// A JSON document, kept as the text it came as.
///
/// Two documents are equal when their texts are. Key order, number spelling and white space
/// survive, which a parsed tree would not keep.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// The document's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document of a value that serde can write.
    ///
    /// # Errors
    /// `Conversion` when the value has no JSON form, such as a map whose keys are not text.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Json> {
        serde_json::to_string(value)
            .map(|text| Json(text.into()))
            .map_err(|e| Error::conversion("this value has no JSON form").with_source(e))
    }

    /// The document read into a type of yours, or into `serde_json::Value`.
    ///
    /// # Errors
    /// `Conversion` when the document does not have the shape of `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|e| {
            Error::conversion(format!("this JSON is no {}", std::any::type_name::<T>())).with_source(e)
        })
    }
}

impl FromStr for Json {
    type Err = Error;

    /// Takes a text that is one JSON document (RFC 8259).
    ///
    /// # Errors
    /// `Conversion` when it is not, or is nested deeper than 127 levels.
    fn from_str(text: &str) -> Result<Json> {
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(Json(text.into())),
            Err(e) => Err(Error::conversion("this text is not JSON").with_source(e)),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({})", self.0)
    }
}

impl From<&serde_json::Value> for Json {
    fn from(tree: &serde_json::Value) -> Json {
        Json(tree.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text() {
        let text = r#"{"b": 1.0, "a": null}"#;
        let json: Json = text.parse().unwrap();
        assert_eq!(json.as_str(), text);
        let tree: serde_json::Value = json.parse().unwrap();
        assert_eq!(tree["b"], 1.0);
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "nil", "{'a':1}", &"[".repeat(10_000)] {
            assert!(text.parse::<Json>().is_err());
        }
    }
}
