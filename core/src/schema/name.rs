//! Identifiers and how they are quoted.

use std::fmt;
use std::sync::Arc;

/// When an identifier is quoted in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Quote {
    /// When the dialect needs it: a reserved word, a capital letter, an odd character.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never; the text goes out as it is, so it must not come from a user.
    Never,
}

/// An identifier: the exact text and when to quote it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    text: Arc<str>,
    quote: Quote,
}

impl Name {
    /// An identifier with this way of quoting.
    pub fn quoted(text: impl Into<Arc<str>>, quote: Quote) -> Name {
        Name { text: text.into(), quote }
    }

    /// The text, unquoted.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.text.clone()
    }

    /// When it is quoted.
    pub fn quote(&self) -> Quote {
        self.quote
    }
}

impl<T: Into<Arc<str>>> From<T> for Name {
    fn from(text: T) -> Name {
        Name { text: text.into(), quote: Quote::Auto }
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Name {
        name.clone()
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.text == other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}
