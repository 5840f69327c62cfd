//! The one error of the library: a kind to match on, questions to ask, and a message for people.
//!
//! Not here: what a database's own codes mean (each dialect's `errors.rs` maps them to a kind).
//! Foreign errors enter by the named constructors below, never by `From`, so that no driver's
//! type becomes part of the public API.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::value::Value;

/// The result type of every fallible call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as one word a program can match on.
///
/// The kinds are the same on every database. New kinds may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A unique or primary key already holds the value.
    Unique,
    /// A foreign key points to nothing, or a row is still pointed at.
    ForeignKey,
    /// NULL, or nothing, for a column that must have a value.
    NotNull,
    /// A CHECK constraint said no.
    Check,
    /// An exclusion constraint said no.
    Exclusion,
    /// The transaction's snapshot is too old to write; run it again.
    Serialization,
    /// The database broke a deadlock by ending this transaction.
    Deadlock,
    /// Somebody else holds the database, the connection or the record.
    Busy,
    /// Waiting took longer than allowed.
    Timeout,
    /// The connection is gone.
    Disconnected,
    /// One row was asked for and there is none. A web layer maps this to 404.
    NotFound,
    /// One row was asked for and there are several.
    MultipleFound,
    /// No such table or view.
    NoSuchTable,
    /// No such column.
    NoSuchColumn,
    /// A name fits more than one column.
    AmbiguousColumn,
    /// Two tables are joined that no foreign key connects.
    NoForeignKey,
    /// Two tables are joined that more than one foreign key connects.
    AmbiguousForeignKey,
    /// A table is defined again, differently.
    Duplicate,
    /// Tables refer to each other in a circle where no order exists.
    Cycle,
    /// The database cannot do this, and nothing was sent.
    Unsupported {
        /// What was asked for.
        feature: &'static str,
        /// The dialect that lacks it.
        dialect: &'static str,
    },
    /// A value does not fit the type that was asked for.
    Conversion,
    /// The URL or an option is wrong.
    Config,
    /// The database could not be opened.
    Open,
    /// The file is not a database, is damaged, or is encrypted.
    Corrupt,
    /// A write to something that is read-only.
    ReadOnly,
    /// The table changed under an expression or a plan, or a row under its record.
    Stale,
    /// A record without its session.
    Detached,
    /// An attribute that holds no value here: never set, expired, or not read from the database.
    Unloaded,
    /// An earlier failure is waiting for a rollback.
    PendingRollback,
    /// A receiver of `before_commit` said no.
    Vetoed,
    /// The database did not understand the SQL.
    Syntax,
    /// Larger or deeper than the library or the database takes.
    TooLarge,
    /// A call that makes no sense here, such as joining a table that is not in the query.
    Invalid,
    /// Anything else the database reported.
    Database,
}

impl ErrorKind {
    /// The fixed phrase that opens the message of this kind.
    fn phrase(self) -> &'static str {
        match self {
            ErrorKind::Unique => "duplicate key",
            ErrorKind::ForeignKey => "foreign key violation",
            ErrorKind::NotNull => "missing value",
            ErrorKind::Check => "check constraint violation",
            ErrorKind::Exclusion => "exclusion constraint violation",
            ErrorKind::Serialization => "serialization failure",
            ErrorKind::Deadlock => "deadlock",
            ErrorKind::Busy => "busy",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Disconnected => "disconnected",
            ErrorKind::NotFound => "not found",
            ErrorKind::MultipleFound => "more than one row found",
            ErrorKind::NoSuchTable => "no such table",
            ErrorKind::NoSuchColumn => "no such column",
            ErrorKind::AmbiguousColumn => "ambiguous column",
            ErrorKind::NoForeignKey => "no foreign key",
            ErrorKind::AmbiguousForeignKey => "ambiguous foreign key",
            ErrorKind::Duplicate => "defined twice",
            ErrorKind::Cycle => "circular dependency",
            ErrorKind::Unsupported { .. } => "unsupported",
            ErrorKind::Conversion => "conversion failed",
            ErrorKind::Config => "configuration",
            ErrorKind::Open => "cannot open the database",
            ErrorKind::Corrupt => "not a usable database",
            ErrorKind::ReadOnly => "read-only",
            ErrorKind::Stale => "stale",
            ErrorKind::Detached => "detached",
            ErrorKind::Unloaded => "not loaded",
            ErrorKind::PendingRollback => "a rollback is pending",
            ErrorKind::Vetoed => "vetoed",
            ErrorKind::Syntax => "SQL not understood",
            ErrorKind::TooLarge => "too large",
            ErrorKind::Invalid => "invalid call",
            ErrorKind::Database => "database error",
        }
    }
}

/// What an error left behind in the transaction it happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Left {
    /// Only the statement had no effect; the transaction goes on.
    #[default]
    Statement,
    /// The innermost savepoint level was rolled back.
    Level,
    /// The whole transaction was rolled back by the database.
    Transaction,
}

/// Whether the work of a failed call took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Outcome {
    /// It did not.
    #[default]
    NotDone,
    /// Nobody can tell: the connection went away while COMMIT was on its way.
    Unknown,
    /// Some databases committed it, others did not: [`Error::committed`] says which.
    Partial,
}

/// The one error type: a kind, questions, and a message for people.
///
/// It is one word wide and cheap to clone. `Display` never shows parameters or passwords;
/// [`Error::params`] gives the parameters to those who ask.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    sql: Option<String>,
    params: Vec<Value>,
    constraint: Option<String>,
    table: Option<String>,
    columns: Vec<String>,
    left: Left,
    outcome: Outcome,
    committed: Vec<String>,
    version: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with the particulars of the case.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner {
            kind,
            message: message.into(),
            sql: None,
            params: Vec::new(),
            constraint: None,
            table: None,
            columns: Vec::new(),
            left: Left::Statement,
            outcome: Outcome::NotDone,
            committed: Vec::new(),
            version: None,
            source: None,
        }))
    }

    /// The error of something a dialect cannot do.
    pub fn unsupported(feature: &'static str, dialect: &'static str) -> Error {
        let message = format!("{dialect} has no {feature}");
        Error::new(ErrorKind::Unsupported { feature, dialect }, message)
    }

    /// The same of a server of this version.
    pub(crate) fn unsupported_by(feature: &'static str, dialect: &'static str, version: &str) -> Error {
        let version = version.trim();
        let message =
            format!("{dialect}{}{version} has no {feature}", if version.is_empty() { "" } else { " " });
        let error = Error::new(ErrorKind::Unsupported { feature, dialect }, message);
        error.edit(|inner| inner.version = Some(version.to_string()))
    }

    /// The error of a value that does not fit.
    pub fn conversion(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Conversion, message)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Error {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The same error with the error that caused it.
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.edit(|inner| inner.source = Some(Arc::new(source)))
    }

    /// The same error with a cause that is in a box already.
    pub fn with_boxed_source(self, source: Box<dyn StdError + Send + Sync>) -> Error {
        self.edit(|inner| inner.source = Some(Arc::from(source)))
    }

    /// The same error with the statement it happened in; a statement already known is kept.
    pub fn with_sql(self, sql: &str, params: &[Value]) -> Error {
        if self.0.sql.is_some() {
            return self;
        }
        self.edit(|inner| {
            inner.sql = Some(sql.to_string());
            inner.params = params.to_vec();
        })
    }

    /// The same error with the constraint that was violated.
    pub fn with_constraint(self, name: impl Into<String>) -> Error {
        self.edit(|inner| inner.constraint = Some(name.into()))
    }

    /// The same error with the table it is about.
    pub fn with_table(self, name: impl Into<String>) -> Error {
        self.edit(|inner| inner.table = Some(name.into()))
    }

    /// The same error with the columns it is about.
    pub fn with_columns<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Error {
        let names = names.into_iter().map(Into::into).collect();
        self.edit(|inner| inner.columns = names)
    }

    /// The same error, saying what is left of the transaction.
    pub fn with_left(self, left: Left) -> Error {
        self.edit(|inner| inner.left = left)
    }

    /// The same error, saying whether the work took effect.
    pub fn with_outcome(self, outcome: Outcome) -> Error {
        self.edit(|inner| inner.outcome = outcome)
    }

    /// The same error, saying which databases had committed before it happened.
    pub fn with_committed(self, databases: Vec<String>) -> Error {
        self.edit(|inner| inner.committed = databases)
    }

    /// The same error with a place in front of its message, such as `table posts, column title`.
    pub fn at(self, place: impl fmt::Display) -> Error {
        self.edit(|inner| inner.message = format!("{place}: {}", inner.message))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The version of the server that cannot do what was asked for, where one was asked.
    pub fn server_version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// The particulars, without the kind's phrase and without SQL.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The constraint that was violated, where the database tells or the table knows.
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// The table the error is about, where known.
    pub fn table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }

    /// The columns the error is about; empty where unknown.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// The statement that failed, where one was sent.
    pub fn sql(&self) -> Option<&str> {
        self.0.sql.as_deref()
    }

    /// The parameters of the statement that failed. They may hold private data, so no message
    /// shows them.
    pub fn params(&self) -> &[Value] {
        &self.0.params
    }

    /// What is left of the transaction the error happened in.
    pub fn left(&self) -> Left {
        self.0.left
    }

    /// Whether the work took effect.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The databases that had committed before this happened, where a transaction spans several: the
    /// names of their binds, `default` for the one without.
    pub fn committed(&self) -> &[String] {
        &self.0.committed
    }

    /// Whether doing the whole transaction again may succeed.
    ///
    /// True for serialization failures, deadlocks and busy databases, unless the outcome of a
    /// COMMIT is unknown.
    pub fn is_retryable(&self) -> bool {
        let kind = matches!(self.0.kind, ErrorKind::Serialization | ErrorKind::Deadlock | ErrorKind::Busy);
        kind && self.0.outcome == Outcome::NotDone
    }

    /// Whether a constraint of the database was violated.
    pub fn is_constraint_violation(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Unique
                | ErrorKind::ForeignKey
                | ErrorKind::NotNull
                | ErrorKind::Check
                | ErrorKind::Exclusion
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind.phrase())?;
        if !self.0.message.is_empty() {
            write!(f, ": {}", self.0.message)?;
        }
        match &self.0.sql {
            Some(sql) => write!(f, " [in: {}]", shorten(sql)),
            None => Ok(()),
        }
    }
}

/// A statement cut to a length that can be read in a log line.
fn shorten(sql: &str) -> String {
    const MOST: usize = 300;
    match sql.char_indices().nth(MOST) {
        Some((at, _)) => format!("{} ...", sql.get(..at).unwrap_or(sql)),
        None => sql.to_string(),
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("sql", &self.0.sql)
            .field("constraint", &self.0.constraint)
            .field("table", &self.0.table)
            .field("columns", &self.0.columns)
            .field("left", &self.0.left)
            .field("outcome", &self.0.outcome)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn display_has_no_parameters() {
        let error = Error::new(ErrorKind::Unique, "users.name")
            .with_sql("INSERT INTO users VALUES (?)", &[Value::from("secret")]);
        assert_eq!(error.to_string(), "duplicate key: users.name [in: INSERT INTO users VALUES (?)]");
        assert!(!format!("{error:?}").contains("secret"));
        assert_eq!(error.params(), &[Value::from("secret")]);
    }

    #[test]
    fn unknown_outcome_is_not_retryable() {
        let busy = Error::new(ErrorKind::Busy, "locked");
        assert!(busy.is_retryable());
        assert!(!busy.with_outcome(Outcome::Unknown).is_retryable());
    }
}
