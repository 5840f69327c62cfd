//! How much of each other transactions see.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// The isolation of a transaction (SQL:2016, 4.41.4), from weak to strong. A database that has no such
/// level takes the next stronger one; SQLite's transactions are all serializable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isolation {
    /// May see what others have not committed.
    ReadUncommitted,
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see one state.
    RepeatableRead,
    /// As if transactions ran one after the other; one that cannot is a serialization failure.
    Serializable,
}

impl Isolation {
    /// All of them, from weak to strong.
    pub const ALL: [Isolation; 4] = [
        Isolation::ReadUncommitted,
        Isolation::ReadCommitted,
        Isolation::RepeatableRead,
        Isolation::Serializable,
    ];

    /// The SQL words.
    pub fn as_sql(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "READ UNCOMMITTED",
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_sql())
    }
}

impl FromStr for Isolation {
    type Err = Error;

    /// Reads the SQL words in any case, with spaces, hyphens or underscores between.
    ///
    /// # Errors
    /// `Config` for anything else, with the levels there are.
    fn from_str(text: &str) -> Result<Isolation> {
        let words = text.trim().replace(['_', '-'], " ").to_ascii_uppercase();
        Isolation::ALL.into_iter().find(|level| level.as_sql() == words).ok_or_else(|| {
            let levels: Vec<&str> = Isolation::ALL.iter().map(|level| level.as_sql()).collect();
            let message = format!("`{text}` is no isolation level: there are {}", levels.join(", "));
            Error::new(ErrorKind::Config, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_by_name() {
        assert_eq!("read_committed".parse::<Isolation>().unwrap(), Isolation::ReadCommitted);
        assert_eq!(" Repeatable-Read".parse::<Isolation>().unwrap(), Isolation::RepeatableRead);
        let error = "snapshot".parse::<Isolation>().unwrap_err();
        assert!(error.message().contains("READ UNCOMMITTED, READ COMMITTED, REPEATABLE READ, SERIALIZABLE"));
        assert!(Isolation::ReadCommitted < Isolation::Serializable);
    }
}
