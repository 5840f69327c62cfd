//! The contract of catalog reading, and the facts it gives: one model for all databases.
//!
//! Facts are what the database says, nothing else: no names are made up, nothing is dropped. What
//! has no portable form is kept in `options` under the dialect's name, or as text.
//! `mirrorm-reflect` turns facts into tables.

use super::Connection;
use crate::error::Result;
use crate::schema::{Action, Options};
use crate::types::Type;

/// Reads a database's catalog.
///
/// # Obligations
/// - The tables of a schema cost a constant number of statements, however many there are. Views
///   are read by a statement of their own, because one broken view fails it; only then are they
///   read one by one.
/// - Nothing fails because of one object: what cannot be read is a [`Problem`], and the rest is
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
}

/// What a name in the catalog stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ObjectKind {
    /// An ordinary table.
    Table,
    /// A view.
    View,
    /// A table that a module of the database makes up.
    Virtual,
    /// A table that belongs to a virtual table and is not for users.
    Shadow,
}

/// The facts of a schema.
#[derive(Clone, Debug, Default)]
pub struct SchemaFacts {
    /// Tables and views, sorted by name.
    pub tables: Vec<TableFacts>,
    /// What could not be read, and why.
    pub problems: Vec<Problem>,
}

/// An object, or a part of one, that could not be read or represented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The table or view.
    pub object: String,
    /// What is wrong.
    pub message: String,
}

/// The facts of a table or a view.
#[derive(Clone, Debug)]
pub struct TableFacts {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: ObjectKind,
    /// The columns in order.
    pub columns: Vec<ColumnFacts>,
    /// The primary key.
    pub primary_key: Option<KeyFacts>,
    /// The unique constraints.
    pub uniques: Vec<KeyFacts>,
    /// The CHECK constraints.
    pub checks: Vec<CheckFacts>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKeyFacts>,
    /// The indexes that are not constraints.
    pub indexes: Vec<IndexFacts>,
    /// The comment.
    pub comment: Option<String>,
    /// The text it was made by, where the database keeps one: of a view, its definition.
    pub definition: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// The facts of a column.
#[derive(Clone, Debug)]
pub struct ColumnFacts {
    /// The name.
    pub name: String,
    /// The type in the database's words; empty when none is declared.
    pub declared: String,
    /// The type.
    pub ty: Type,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// The default, as SQL text.
    pub default: Option<String>,
    /// Whether the database makes the values.
    pub autoincrement: bool,
    /// For a generated column, its expression and whether it is stored.
    pub computed: Option<(String, bool)>,
    /// The collation, where it is not the default one.
    pub collation: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// The facts of a primary key or a unique constraint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyFacts {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The columns in the key's order.
    pub columns: Vec<String>,
    /// What has no portable form.
    pub options: Options,
}

/// The facts of a CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The condition, without the word CHECK and its parentheses.
    pub sql: String,
}

/// The facts of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeyFacts {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The columns here.
    pub columns: Vec<String>,
    /// The schema it points to; none for the table's own.
    pub referred_schema: Option<String>,
    /// The table it points to, which may not exist.
    pub referred_table: String,
    /// The columns there; empty when the table does not exist and none were named.
    pub referred_columns: Vec<String>,
    /// What happens on delete.
    pub on_delete: Action,
    /// What happens on update.
    pub on_update: Action,
    /// Whether the check may wait, where that was said.
    pub deferrable: Option<bool>,
    /// Whether it waits from the start.
    pub initially_deferred: bool,
    /// The word of MATCH, where there is one.
    pub match_type: Option<String>,
}

/// The facts of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexFacts {
    /// The name.
    pub name: String,
    /// Whether no two rows may agree.
    pub unique: bool,
    /// What is indexed.
    pub elements: Vec<ElementFacts>,
    /// The condition of a partial index.
    pub filter: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// One element of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementFacts {
    /// The column, or none for an expression.
    pub column: Option<String>,
    /// The expression, or none for a column.
    pub expression: Option<String>,
    /// Descending.
    pub descending: bool,
    /// The collation, where it is not the column's.
    pub collation: Option<String>,
}
