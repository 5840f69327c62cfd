//! Changes to a column that is there already, by a program that did not declare it: what it is called
//! here, and what it is filled with.
//!
//! Applied by `parts` when a table is built or extended; the database learns nothing of it.

use std::sync::Arc;

use super::column::ClientDefault;
use super::name::Name;
use super::parts::PartList;
use super::validator::Validator;
use super::version::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::suggest::did_you_mean;
use crate::value::Value;

/// What a program calls a column, and what it fills it with, where it does not declare the column
/// itself; see [`attribute`]. Each method returns the changed part.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an attribute does nothing until it is part of a table"]
pub struct Attribute {
    key: Arc<str>,
    column: Option<Name>,
    pub(super) default: Option<ClientDefault>,
    pub(super) on_update: Option<ClientDefault>,
    pub(super) version: Option<Version>,
    pub(super) validator: Option<Validator>,
    pub(super) deferred: Option<Arc<str>>,
}

/// As a part: names or fills a column that is declared elsewhere, as in a reflected table. With
/// [`extend_existing`](super::extend_existing), or in a model.
///
/// # Errors
/// `NoSuchColumn` when the table is defined, for a column that it does not have.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// db.execute_script("CREATE TABLE people (PersonID INTEGER PRIMARY KEY, karma INTEGER)")?;
/// db.reflect()?;
/// let people = db.table("people", (
///     attribute("id").of("PersonID"),
///     attribute("karma").default(1),
///     extend_existing(),
/// ))?;
/// let session = db.session();
/// let ann = session.add(people.record(())?)?;
/// session.flush()?;
/// assert_eq!((ann.get::<i64>("id")?, ann.get::<i64>("karma")?), (1, 1));
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn attribute(name: impl Into<Arc<str>>) -> Attribute {
    Attribute {
        key: name.into(),
        column: None,
        default: None,
        on_update: None,
        version: None,
        validator: None,
        deferred: None,
    }
}

impl Attribute {
    /// The column's name in the database, where the attribute is called otherwise.
    pub fn of(mut self, column: impl Into<Name>) -> Attribute {
        self.column = Some(column.into());
        self
    }

    /// The value where none is given.
    pub fn default(mut self, value: impl Into<Value>) -> Attribute {
        self.default = Some(ClientDefault::Value(value.into()));
        self
    }

    /// A function that makes the value of each row where none is given.
    pub fn default_with(mut self, f: impl Fn() -> Value + Send + Sync + 'static) -> Attribute {
        self.default = Some(ClientDefault::Function(Arc::new(f)));
        self
    }

    /// The value that an update sets where it sets none.
    pub fn on_update_value(mut self, value: impl Into<Value>) -> Attribute {
        self.on_update = Some(ClientDefault::Value(value.into()));
        self
    }

    /// A function that makes the value that an update sets where it sets none.
    pub fn on_update_with(mut self, f: impl Fn() -> Value + Send + Sync + 'static) -> Attribute {
        self.on_update = Some(ClientDefault::Function(Arc::new(f)));
        self
    }
}

impl PartList {
    /// Takes its attributes into the columns they are about.
    pub(super) fn settle_attributes(&mut self, table: &Name) -> Result<()> {
        for attribute in std::mem::take(&mut self.attributes) {
            let name = attribute.column.as_ref().map_or(&*attribute.key, Name::as_str);
            let Some(column) = self.columns.iter_mut().find(|column| column.name.as_str() == name) else {
                let near = did_you_mean(name, self.columns.iter().map(|column| column.name.as_str()));
                let message = format!("table `{table}` has no column `{name}` for an attribute{near}");
                let error = Error::new(ErrorKind::NoSuchColumn, message);
                return Err(error.with_table(table.to_string()).with_columns([name]));
            };
            let column = Arc::make_mut(column);
            if attribute.column.is_some() {
                column.key = Some(attribute.key);
            }
            column.default = attribute.default.or(column.default.take());
            column.on_update = attribute.on_update.or(column.on_update.take());
            column.version = attribute.version.or(column.version);
            column.validator = attribute.validator.or(column.validator.take());
            column.deferred = attribute.deferred.or(column.deferred.take());
        }
        Ok(())
    }
}
