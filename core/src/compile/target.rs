//! A server to compile for: its dialect's parts and its features.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::adapt;
use crate::dialect::{BindUse, Dialect, Features, Grammar, TypeMap};
use crate::error::{Error, Result};
use crate::types::Type;
use crate::value::{Value, ValueRef};

/// A server to compile for, with or without a connection to it.
pub struct Target {
    pub(crate) name: &'static str,
    pub(crate) grammar: &'static dyn Grammar,
    pub(crate) types: &'static dyn TypeMap,
    pub(crate) features: Features,
    pub(crate) id: u64,
    /// Values stand in the text, for people to read.
    pub(crate) readable: bool,
}

/// Servers that plans were made for, so that equal ones share an id. It grows by one for each
/// dialect and server version in the process.
static KNOWN: Mutex<Vec<(&'static str, Features)>> = Mutex::new(Vec::new());

impl Target {
    /// A server of these features.
    pub fn new(dialect: &'static dyn Dialect, features: Features) -> Arc<Target> {
        let name = dialect.name();
        let mut known = KNOWN.lock();
        let same = |(n, f): &(&str, Features)| *n == name && *f == features;
        let id = known.iter().position(same).unwrap_or_else(|| {
            known.push((name, features.clone()));
            known.len() - 1
        });
        let (grammar, types) = (dialect.grammar(), dialect.types());
        Arc::new(Target { name, grammar, types, features, id: id as u64, readable: false })
    }

    /// A server as the dialect assumes it, for compiling without a connection.
    pub fn offline(dialect: &'static dyn Dialect) -> Arc<Target> {
        Target::new(dialect, dialect.offline_features())
    }

    /// The dialect's name.
    pub fn dialect(&self) -> &'static str {
        self.name
    }

    /// Whether a value that is stored in a column of the type is read back as this very value. The hooks
    /// of a custom type may make another of any.
    #[doc(hidden)]
    pub fn keeps(&self, value: ValueRef<'_>, ty: &Type) -> bool {
        !matches!(ty, Type::Custom(_)) && self.types.keeps(value, ty)
    }

    /// How the dialect spells SQL.
    pub fn grammar(&self) -> &'static dyn Grammar {
        self.grammar
    }

    /// How the dialect names types and stores values.
    pub fn types(&self) -> &'static dyn TypeMap {
        self.types
    }

    /// A value as a literal for a column of the type, for DDL.
    ///
    /// # Errors
    /// `Conversion` for a value that does not fit the type, or has no literal form.
    pub fn literal(&self, value: Value, ty: &Type) -> Result<String> {
        let fitted = adapt(self, value, Some(ty), BindUse::Store)?;
        let mut text = String::new();
        self.grammar.literal(&fitted, &mut text)?;
        Ok(text)
    }

    /// The same, with values in the text.
    pub(crate) fn for_reading(&self) -> Target {
        Target { features: self.features.clone(), readable: true, ..*self }
    }

    /// Whether the server would cut a name, or refuse it, that may be so long.
    pub(crate) fn is_too_long(&self, name: &str, most: usize) -> bool {
        // No character is longer than its bytes.
        name.len() > most && self.grammar.length_of_name(name) > most
    }

    /// The error of what the server cannot do.
    pub(crate) fn unsupported(&self, feature: &'static str) -> Error {
        Error::unsupported_by(feature, self.name, &self.features.version)
    }

    /// What the server can do.
    pub fn features(&self) -> &Features {
        &self.features
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} {})", self.name, self.features.version)
    }
}
