//! SQLite's result codes to kinds, and what its messages tell about constraints.
//!
//! Codes: sqlite.org/rescode.html. The messages are made in `sqlite3UniqueConstraint` and its
//! neighbours and have been the same since 3.7.16; a message that reads otherwise only loses
//! table and columns, never the kind.

use mirrorm_core::{Error, ErrorKind};
use rusqlite::ffi;

/// A driver's error as ours.
pub(super) fn from_driver(error: rusqlite::Error) -> Error {
    let (code, message) = match &error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure.extended_code, message.clone().unwrap_or_else(|| failure.to_string()))
        }
        rusqlite::Error::SqlInputError { error: failure, msg, .. } => (failure.extended_code, msg.clone()),
        other => return from_wrapper(other).with_source(error),
    };
    from_code(code, message).with_source(error)
}

/// An extended result code and its message as our error.
pub(super) fn from_code(code: i32, message: String) -> Error {
    let ours = Error::new(kind(code, &message), message.clone());
    if let Some(of) = message.strip_prefix("UNIQUE constraint failed: ") {
        return match of.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
            Some(index) => ours.with_constraint(index),
            None => with_columns(ours, of),
        };
    }
    if let Some(of) = message.strip_prefix("NOT NULL constraint failed: ") {
        return with_columns(ours, of);
    }
    match message.strip_prefix("CHECK constraint failed: ") {
        Some(of) => ours.with_constraint(of),
        None => ours,
    }
}

/// `users.name, users.born`: the table once, and its columns.
fn with_columns(error: Error, of: &str) -> Error {
    let pairs: Vec<(&str, &str)> = of.split(", ").filter_map(|part| part.rsplit_once('.')).collect();
    let columns: Vec<&str> = pairs.iter().map(|(_, column)| *column).collect();
    match pairs.first() {
        Some((table, _)) => error.with_table(*table).with_columns(columns),
        None => error,
    }
}

fn kind(code: i32, message: &str) -> ErrorKind {
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            ErrorKind::Unique
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_TRIGGER => ErrorKind::Check,
        ffi::SQLITE_CONSTRAINT_DATATYPE => ErrorKind::Conversion,
        // The snapshot is older than the database: run the transaction again.
        ffi::SQLITE_BUSY_SNAPSHOT => ErrorKind::Serialization,
        _ => primary_kind(code & 0xff, message),
    }
}

fn primary_kind(code: i32, message: &str) -> ErrorKind {
    match code {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => ErrorKind::Busy,
        ffi::SQLITE_READONLY => ErrorKind::ReadOnly,
        ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => ErrorKind::Open,
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_FORMAT => ErrorKind::Corrupt,
        ffi::SQLITE_INTERRUPT => ErrorKind::Timeout,
        ffi::SQLITE_TOOBIG => ErrorKind::TooLarge,
        ffi::SQLITE_MISMATCH => ErrorKind::Conversion,
        ffi::SQLITE_ERROR => kind_of_message(message),
        _ => ErrorKind::Database,
    }
}

/// The general code tells nothing; the beginning of its message does.
fn kind_of_message(message: &str) -> ErrorKind {
    let starts = |words: &str| message.starts_with(words);
    if starts("no such table") || starts("unknown database") {
        ErrorKind::NoSuchTable
    } else if starts("no such column") || message.contains(" has no column named ") {
        ErrorKind::NoSuchColumn
    } else if starts("ambiguous column name") {
        ErrorKind::AmbiguousColumn
    } else if starts("too many ") || message.contains("too large") || starts("parser stack overflow") {
        ErrorKind::TooLarge
    } else if starts("near ") || starts("incomplete input") || starts("unrecognized token") {
        ErrorKind::Syntax
    } else if starts("cannot modify ") || starts("attempt to write a readonly") {
        ErrorKind::ReadOnly
    } else if starts("cannot store ") {
        ErrorKind::Conversion
    } else {
        ErrorKind::Database
    }
}

/// Errors that `rusqlite` itself makes.
fn from_wrapper(error: &rusqlite::Error) -> Error {
    let kind = match error {
        rusqlite::Error::NulError(_) | rusqlite::Error::InvalidParameterCount(..) => ErrorKind::Invalid,
        rusqlite::Error::MultipleStatement => ErrorKind::Invalid,
        rusqlite::Error::InvalidPath(_) => ErrorKind::Config,
        _ => ErrorKind::Database,
    };
    Error::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_tell_table_and_columns() {
        let failure = |code, message: &str| {
            from_driver(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_string())))
        };
        let unique = failure(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: a.b, a.c");
        assert_eq!((unique.kind(), unique.table()), (ErrorKind::Unique, Some("a")));
        assert_eq!(unique.columns(), ["b", "c"]);
        let index = failure(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'ix'");
        assert_eq!(index.constraint(), Some("ix"));
        let check = failure(ffi::SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: positive");
        assert_eq!((check.kind(), check.constraint()), (ErrorKind::Check, Some("positive")));
        assert_eq!(failure(ffi::SQLITE_BUSY_SNAPSHOT, "database is locked").kind(), ErrorKind::Serialization);
        assert_eq!(failure(ffi::SQLITE_ERROR, "no such table: x").kind(), ErrorKind::NoSuchTable);
    }
}
