//! What a table, column or constraint carries beside its portable facts.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::value::{Array, Value};

/// Notes of yours on a table or a column, by name. The library keeps them and never reads them.
pub type Info = IndexMap<String, Value>;

/// Options of one dialect, each under (dialect, option), such as `("sqlite", "strict")`.
///
/// A dialect reads its own and ignores the others'; which it knows stands in its `grammar.rs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options(Option<Arc<Given>>);

/// Options that were given; most things have none, and then no room for them either. Facts and tables share them.
type Given = IndexMap<(String, String), Value>;

impl Options {
    /// The value of an option, if it was given.
    pub fn get(&self, dialect: &str, option: &str) -> Option<&Value> {
        self.iter().find(|(d, o, _)| *d == dialect && *o == option).map(|(.., value)| value)
    }

    /// Whether an option was given as true.
    pub fn is_set(&self, dialect: &str, option: &str) -> bool {
        matches!(self.get(dialect, option), Some(Value::Bool(true)))
    }

    /// The text of an option that was given as text.
    pub fn text(&self, dialect: &str, option: &str) -> Option<&str> {
        match self.get(dialect, option) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The texts of an option that was given as a list of texts; none of any other.
    pub fn list(&self, dialect: &str, option: &str) -> Vec<&str> {
        let Some(Value::Array(array)) = self.get(dialect, option) else { return Vec::new() };
        array
            .items()
            .iter()
            .filter_map(|item| if let Value::Text(text) = item { Some(&**text) } else { None })
            .collect()
    }

    /// Gives an option a list of texts as its value; none of no texts.
    pub fn set_list(&mut self, dialect: &str, option: &str, texts: impl IntoIterator<Item = String>) {
        let texts: Vec<Value> = texts.into_iter().map(Value::from).collect();
        if !texts.is_empty() {
            self.set(dialect, option, Value::Array(Box::new(Array::new("text", texts))));
        }
    }

    /// Gives an option a value.
    pub fn set(&mut self, dialect: &str, option: &str, value: impl Into<Value>) {
        Arc::make_mut(self.0.get_or_insert_default())
            .insert((dialect.to_string(), option.to_string()), value.into());
    }

    /// Adds all options of another.
    pub fn extend(&mut self, other: &Options) {
        if self.0.is_none() {
            self.0.clone_from(&other.0);
        } else {
            other.iter().for_each(|(dialect, option, value)| self.set(dialect, option, value.clone()));
        }
    }

    /// All options in the order given: dialect, option, value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.0
            .iter()
            .flat_map(|given| given.iter())
            .map(|((dialect, option), value)| (dialect.as_str(), option.as_str(), value))
    }

    /// Whether no option was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
