//! The contract of catalog reading. What it gives is in `facts`.

use super::{Connection, ObjectKind, SchemaFacts};
use crate::error::Result;

/// Reads a database's catalog.
///
/// # Obligations
/// - The tables of a schema cost a constant number of statements, however many there are. Views
///   are read by a statement of their own, because one broken view fails it; only then are they
///   read one by one.
/// - Nothing fails because of one object: what cannot be read is a [`Problem`](super::Problem), and the rest is
///   there.
/// - Text from the catalog is untrusted: it is tokenised with bounds, never matched by patterns.
pub trait Inspector: Send + Sync {
    /// The name of the connection's default schema, for documents; `@default` where the
    /// connected database itself is the schema.
    ///
    /// # Errors
    /// The database's.
    fn default_schema(&self, connection: &dyn Connection) -> Result<String>;

    /// The schemas a connection sees, without the database's own.
    ///
    /// # Errors
    /// The database's.
    fn schemas(&self, connection: &dyn Connection) -> Result<Vec<String>>;

    /// Names and kinds of the tables and views of a schema, sorted by name.
    ///
    /// # Errors
    /// `NoSuchTable` with the schema's name when there is no such schema.
    fn names(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Vec<(String, ObjectKind)>>;

    /// The names of the enums of a schema; none where an enum is part of its column.
    ///
    /// # Errors
    /// The database's.
    fn enums(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Option<Vec<String>>> {
        let _ = (connection, schema);
        Ok(None)
    }

    /// A text that changes whenever something is declared otherwise in a schema, and stays while nothing is, in
    /// one statement that costs far less than the facts. It may change for nothing.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    fn fingerprint(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<String>;

    /// All facts of a schema's tables and views, or of those the scope names.
    ///
    /// # Errors
    /// As [`Inspector::names`]; a name in the scope that does not exist is no error here.
    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts>;
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// Only these tables and views; none for all.
    pub only: Option<Vec<String>>,
    /// Leave views out.
    pub without_views: bool,
    /// The connection's temporary objects instead, where they are apart from the others.
    pub temporary: bool,
}
