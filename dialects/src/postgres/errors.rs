//! SQLSTATE codes to kinds (manual, appendix A), and what the server tells about constraints.

use mirrorm_core::{Error, ErrorKind};
use postgres::error::{DbError, SqlState};

use crate::told::Told;

/// A driver's error as ours.
pub(super) fn from_driver(error: postgres::Error) -> Error {
    let Some(told) = error.as_db_error() else {
        return from_client(&error).with_source(Told(with_cause(&error)));
    };
    from_server(told)
}

fn from_server(told: &DbError) -> Error {
    // The detail holds values of the row.
    let words = format!("{} ({}): {}", told.severity(), told.code().code(), told.message());
    let words = told.hint().map_or(words.clone(), |hint| format!("{words}; {hint}"));
    let mut ours = Error::new(kind(told.code()), told.message()).with_source(Told(words));
    if let Some(table) = told.table() {
        ours = ours.with_table(table);
    }
    if let Some(name) = told.constraint() {
        ours = ours.with_constraint(name);
    }
    match (told.column(), told.detail().map(key_columns)) {
        (Some(column), _) => ours.with_columns([column]),
        (None, Some(columns)) if ours.is_constraint_violation() => ours.with_columns(columns),
        _ => ours,
    }
}

/// The columns of `Key (a, b)=(1, 2) already exists.`, whatever the language around them.
fn key_columns(detail: &str) -> Vec<String> {
    let names = detail.split_once(")=(").and_then(|(front, _)| front.split_once('('));
    let unquoted = |name: &str| match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => name.to_string(),
    };
    names.map(|(_, list)| list.split(", ").map(unquoted).collect()).unwrap_or_default()
}

/// Errors that the client makes: of a value it could not send, or of a connection that is not good for
/// anything any more.
fn from_client(error: &postgres::Error) -> Error {
    let cause = std::error::Error::source(error);
    if let Some(refused) = cause.and_then(|cause| cause.downcast_ref::<Error>()) {
        return refused.clone();
    }
    Error::new(ErrorKind::Disconnected, with_cause(error))
}

/// An error of connecting.
pub(super) fn from_connecting(error: postgres::Error) -> Error {
    match error.as_db_error() {
        Some(told) => from_server(told),
        None => {
            let cause = std::error::Error::source(&error);
            let io = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
            let late = io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut);
            let kind = if late { ErrorKind::Timeout } else { ErrorKind::Open };
            Error::new(kind, with_cause(&error)).with_source(Told(with_cause(&error)))
        }
    }
}

fn with_cause(error: &postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Whether a kept statement is of no use any more: what it gives has changed, or it is gone.
pub(super) fn is_stale_plan(error: &postgres::Error) -> bool {
    error.as_db_error().is_some_and(|told| {
        told.routine() == Some("RevalidateCachedQuery")
            || *told.code() == SqlState::INVALID_SQL_STATEMENT_NAME
    })
}

fn kind(code: &SqlState) -> ErrorKind {
    let code = code.code();
    match code {
        "23505" => ErrorKind::Unique,
        "23503" | "23001" => ErrorKind::ForeignKey,
        "23502" => ErrorKind::NotNull,
        "23514" | "44000" => ErrorKind::Check,
        "23P01" => ErrorKind::Exclusion,
        "40001" => ErrorKind::Serialization,
        "40P01" => ErrorKind::Deadlock,
        // lock_not_available: by NOWAIT or lock_timeout.
        "55P03" => ErrorKind::Busy,
        // query_canceled: by statement_timeout or somebody's request; idle sessions are closed.
        "57014" => ErrorKind::Timeout,
        "57P01" | "57P02" | "57P05" | "25P03" | "25P04" => ErrorKind::Disconnected,
        "42P01" => ErrorKind::NoSuchTable,
        "42703" => ErrorKind::NoSuchColumn,
        "42702" => ErrorKind::AmbiguousColumn,
        "42601" | "42883" | "42804" | "42P18" | "42725" => ErrorKind::Syntax,
        "25006" => ErrorKind::ReadOnly,
        "25P02" => ErrorKind::PendingRollback,
        "57P03" | "3D000" | "53300" => ErrorKind::Open,
        // The statement is not there any more.
        "26000" => ErrorKind::Stale,
        _ => by_class(code),
    }
}

fn by_class(code: &str) -> ErrorKind {
    match code.get(..2) {
        Some("08") => ErrorKind::Disconnected,
        Some("22") => ErrorKind::Conversion,
        Some("28") => ErrorKind::Open,
        Some("40") => ErrorKind::Serialization,
        Some("54") => ErrorKind::TooLarge,
        Some("XX") => ErrorKind::Corrupt,
        _ => ErrorKind::Database,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_kinds() {
        let of = |code: &str| kind(&SqlState::from_code(code));
        assert_eq!(of("23505"), ErrorKind::Unique);
        assert_eq!(of("22003"), ErrorKind::Conversion);
        assert_eq!(of("28P01"), ErrorKind::Open);
        assert_eq!(of("08006"), ErrorKind::Disconnected);
        assert_eq!(of("40002"), ErrorKind::Serialization);
        assert_eq!(of("P0001"), ErrorKind::Database);
    }

    #[test]
    fn columns_of_a_key() {
        assert_eq!(key_columns("Key (a, \"B c\")=(1, (x)) already exists."), ["a", "B c"]);
        assert_eq!(key_columns("Schlüssel »(name)=(ann)« existiert bereits."), ["name"]);
        assert!(key_columns("Failing row contains (1, null).").is_empty());
    }
}
