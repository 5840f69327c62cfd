//! MySQL's and MariaDB's error numbers to kinds, and what their messages tell about constraints.
//!
//! Numbers: dev.mysql.com/doc/mysql-errors, mariadb.com/kb/en/mariadb-error-codes. Messages are the
//! same in all versions that matter; one that reads otherwise only loses table and columns, never the
//! kind.

use mirrorm_core::{Error, ErrorKind};
use mysql::{DriverError, MySqlError};

use crate::told::Told;

/// A driver's error as ours.
pub(super) fn from_driver(error: mysql::Error) -> Error {
    let ours = match &error {
        mysql::Error::MySqlError(told) => from_server(told),
        mysql::Error::DriverError(DriverError::MismatchedStmtParams(wanted, given)) => {
            let message = format!("the statement takes {wanted} parameters, {given} were given");
            Error::new(ErrorKind::Invalid, message)
        }
        mysql::Error::DriverError(DriverError::PacketTooLarge) => too_large(),
        mysql::Error::IoError(io) if is_late(io) => {
            Error::new(ErrorKind::Disconnected, format!("no answer in time: {io}"))
        }
        mysql::Error::IoError(_) | mysql::Error::DriverError(_) | mysql::Error::CodecError(_) => {
            let text = error.to_string();
            if text.contains("Packet too large") || text.contains("PacketTooLarge") {
                too_large()
            } else {
                Error::new(ErrorKind::Disconnected, text)
            }
        }
        other => Error::new(ErrorKind::Database, other.to_string()),
    };
    told(ours, &error)
}

/// With the server's code and our words for it, which leave values out, or the driver's.
fn told(ours: Error, error: &mysql::Error) -> Error {
    let words = match error {
        mysql::Error::MySqlError(told) => format!("{} ({}): {}", told.code, told.state, ours.message()),
        other => other.to_string(),
    };
    ours.with_source(Told(words))
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "a statement larger than the server's max_allowed_packet")
}

fn is_late(io: &std::io::Error) -> bool {
    matches!(io.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock)
}

/// An error of connecting.
pub(super) fn from_connecting(error: mysql::Error) -> Error {
    let late = match &error {
        mysql::Error::DriverError(DriverError::ConnectTimeout | DriverError::Timeout) => true,
        mysql::Error::IoError(io) => is_late(io),
        _ => false,
    };
    let ours = match &error {
        mysql::Error::MySqlError(told) => from_server(told),
        _ if late => Error::new(ErrorKind::Timeout, error.to_string()),
        _ => Error::new(ErrorKind::Open, error.to_string()),
    };
    told(ours, &error)
}

fn from_server(told: &MySqlError) -> Error {
    // ER_UNKNOWN_ERROR, of a parameter that alone is longer than a packet.
    let kind = match told.code {
        1105 if told.message.contains("max_allowed_packet") => ErrorKind::TooLarge,
        code => kind(code),
    };
    let ours = Error::new(kind, told.message.clone());
    match told.code {
        1062 | 1586 | 1761 | 1762 => unique(&told.message).unwrap_or(ours),
        1048 | 1364 => match quoted(&told.message, '\'').next() {
            Some(column) => ours.with_columns([column]),
            None => ours,
        },
        1216 | 1217 | 1451 | 1452 => foreign_key(ours, &told.message),
        3819 => match quoted(&told.message, '\'').next() {
            Some(name) => ours.with_constraint(name),
            None => ours,
        },
        4025 => match quoted(&told.message, '`').collect::<Vec<_>>().as_slice() {
            [name, _, table, ..] => ours.with_constraint(*name).with_table(*table),
            _ => ours,
        },
        _ => ours,
    }
}

/// `Duplicate entry 'x' for key 'users.name'`: the value stays out of the message. The key is the name
/// of the index, after the table's in MySQL 8.
fn unique(message: &str) -> Option<Error> {
    let (_, key) = message.rsplit_once(" for key '")?;
    let key = key.strip_suffix('\'')?;
    let ours = Error::new(ErrorKind::Unique, format!("duplicate entry for key `{key}`"));
    Some(match key.split_once('.') {
        Some((table, index)) => ours.with_table(table).with_constraint(index),
        None => ours.with_constraint(key),
    })
}

/// ``(`db`.`posts`, CONSTRAINT `name` FOREIGN KEY (`a`, `b`) REFERENCES `users` (`id`, `x`))``.
fn foreign_key(error: Error, message: &str) -> Error {
    let Some((before, after)) = message.split_once("CONSTRAINT `") else { return error };
    let table = quoted(before, '`').last();
    let Some((name, rest)) = after.split_once("` FOREIGN KEY (") else { return error };
    let columns: Vec<&str> = rest.split_once(')').map_or(Vec::new(), |(list, _)| quoted(list, '`').collect());
    let error = error.with_constraint(name).with_columns(columns);
    match table {
        Some(table) => error.with_table(table),
        None => error,
    }
}

/// What stands between marks.
fn quoted(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

fn kind(code: u16) -> ErrorKind {
    match code {
        1062 | 1586 | 1022 | 1761 | 1762 => ErrorKind::Unique,
        1216 | 1217 | 1451 | 1452 | 1834 => ErrorKind::ForeignKey,
        1048 | 1364 | 1121 => ErrorKind::NotNull,
        3819 | 4025 | 1644 => ErrorKind::Check,
        1213 | 1206 => ErrorKind::Deadlock,
        1020 | 3101 => ErrorKind::Serialization,
        3572 | 1205 | 1099 | 1100 | 1223 => ErrorKind::Busy,
        1969 | 3024 | 1317 => ErrorKind::Timeout,
        1053
        | 1077
        | 1079
        | 1152
        | 1158..=1161
        | 1184
        | 1927
        | 2006
        | 2013
        | 2014
        | 2045
        | 2055
        | 3169
        | 4031 => ErrorKind::Disconnected,
        1044 | 1045 | 1049 | 1129 | 1130 | 1040 | 1041 | 1203 | 1226 | 1698 | 1862 | 1047 => ErrorKind::Open,
        1051 | 1109 | 1146 => ErrorKind::NoSuchTable,
        1054 | 1072 => ErrorKind::NoSuchColumn,
        1052 => ErrorKind::AmbiguousColumn,
        1064 | 1065 | 1149 | 1305 | 1327 | 1128 | 1582 => ErrorKind::Syntax,
        1036 | 1290 | 1792 | 1836 => ErrorKind::ReadOnly,
        1264 | 1265 | 1292 | 1366 | 1406 | 1411 | 1416 | 1525 | 1690 | 1300 | 3140 | 3141 | 3854 | 1365 => {
            ErrorKind::Conversion
        }
        1118 | 1074 | 1117 | 1153 | 1390 | 1436 => ErrorKind::TooLarge,
        1243 | 1615 | 1412 => ErrorKind::Stale,
        1033..=1035 | 1194 | 1195 => ErrorKind::Corrupt,
        _ => ErrorKind::Database,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: u16, message: &str) -> Error {
        from_server(&MySqlError { state: "HY000".into(), message: message.into(), code })
    }

    #[test]
    fn messages_tell_table_and_columns() {
        let unique = told(1062, "Duplicate entry 'secret for key' for key 'users.name'");
        assert_eq!(
            (unique.kind(), unique.table(), unique.constraint()),
            (ErrorKind::Unique, Some("users"), Some("name"))
        );
        assert!(!unique.message().contains("secret"));
        assert_eq!(told(1062, "Duplicate entry 'x' for key 'PRIMARY'").constraint(), Some("PRIMARY"));
        let key = told(
            1452,
            "Cannot add or update a child row: a foreign key constraint fails (`db`.`posts`, CONSTRAINT `posts_ibfk_1` FOREIGN KEY (`a`, `b`) REFERENCES `users` (`x`, `y`))",
        );
        assert_eq!((key.table(), key.constraint()), (Some("posts"), Some("posts_ibfk_1")));
        assert_eq!(key.columns(), ["a", "b"]);
        assert_eq!(told(1048, "Column 'name' cannot be null").columns(), ["name"]);
        assert_eq!(told(3819, "Check constraint 'positive' is violated.").constraint(), Some("positive"));
        assert_eq!(told(4025, "CONSTRAINT `positive` failed for `db`.`t`").table(), Some("t"));
    }

    #[test]
    fn codes_become_kinds() {
        assert_eq!(kind(1213), ErrorKind::Deadlock);
        assert_eq!(kind(2013), ErrorKind::Disconnected);
        assert_eq!(kind(1406), ErrorKind::Conversion);
        assert_eq!(kind(9999), ErrorKind::Database);
    }
}
