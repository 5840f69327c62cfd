//! What looks at a value before a record takes it: a rule of the program, kept with the column.
//!
//! Run by the session when an attribute is assigned; the database learns nothing of it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::attribute::Attribute;
use super::column::Column;
use super::table::ColumnDef;
use crate::error::{Error, ErrorKind, Result};
use crate::value::Value;

type Look =
    dyn Fn(Value) -> std::result::Result<Value, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// A function that takes a value as it is, gives another for it, or refuses it.
#[derive(Clone)]
pub struct Validator(Arc<Look>);

impl Validator {
    fn new<F, E>(look: F) -> Validator
    where
        F: Fn(Value) -> std::result::Result<Value, E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Validator(Arc::new(move |value| look(value).map_err(Into::into)))
    }
}

impl PartialEq for Validator {
    fn eq(&self, other: &Validator) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validator")
    }
}

impl Column {
    /// A function that every value goes through that a program assigns to an attribute: it gives the value that is taken,
    /// or an error, which the assignment returns as [`Vetoed`](crate::ErrorKind::Vetoed), with table and column. A panic of
    /// it is one, too.
    ///
    /// Records that are made, `set`, `set_all` and `merge` ask it; what is read from the database, statements that are
    /// built, and expressions do not.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let email = column("email", Text).validate(|value| match value.to_string() {
    ///     text if text.contains('@') => Ok(Value::from(text.trim().to_lowercase())),
    ///     _ => Err("an address has an @"),
    /// });
    /// let users = Table::new("users", (column("id", Integer).primary_key(), email))?;
    /// let ann = users.record(values! { "email" => " Ann@Example.org" })?;
    /// assert_eq!(ann.get::<String>("email")?, "ann@example.org");
    /// assert_eq!(ann.set("email", "nobody").unwrap_err().kind(), ErrorKind::Vetoed);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn validate<F, E>(mut self, look: F) -> Column
    where
        F: Fn(Value) -> std::result::Result<Value, E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.validator = Some(Validator::new(look));
        self
    }
}

impl Attribute {
    /// A function that every value goes through that a program assigns; see [`Column::validate`].
    pub fn validate<F, E>(mut self, look: F) -> Attribute
    where
        F: Fn(Value) -> std::result::Result<Value, E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.validator = Some(Validator::new(look));
        self
    }
}

impl ColumnDef {
    /// Whether values are looked at before they are taken.
    pub fn is_validated(&self) -> bool {
        self.column.validator.is_some()
    }

    /// What is taken for a value. User code runs in here.
    ///
    /// # Errors
    /// `Vetoed`, with the validator's error as its source.
    pub fn validated(&self, value: Value) -> Result<Value> {
        let Some(Validator(look)) = &self.column.validator else { return Ok(value) };
        let refused = |message: String| {
            Error::new(ErrorKind::Vetoed, format!("`{}`: {message}", self.key())).with_columns([self.key()])
        };
        match catch_unwind(AssertUnwindSafe(|| look(value))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(refused(error.to_string()).with_boxed_source(error)),
            Err(_) => Err(refused("its validator panicked".to_string())),
        }
    }
}
