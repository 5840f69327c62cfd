//! Asking a database what there is, one question at a time or all at once.
//!
//! Answers are facts, kept until [`Inspector::clear`]; nothing is defined. Not here: reading catalogs (each
//! dialect's `inspect.rs`), and facts as tables (`reflector`).

use std::collections::HashMap;
use std::sync::Arc;

use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, DomainFacts, EnumFacts, ForeignKeyFacts, IndexFacts, KeyFacts, ObjectKind,
    SchemaFacts, Scope, SequenceFacts, TableFacts,
};
use mirrorm_core::engine::Execute;
use mirrorm_core::schema::Options;
use mirrorm_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;

/// What a database says of itself: names, tables and their parts, views, types, sequences.
///
/// Over a `Db` or an engine it takes a connection for each question; over a connection, a transaction or a
/// session it also sees what is uncommitted there, and temporary objects. A question about one object asks
/// for that object; [`Inspector::facts`] asks for all of a schema, and answers the others afterwards. What was
/// answered stays so until [`Inspector::clear`], whatever happens to the database.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::reflect::Inspector;
///
/// let db = Db::open("sqlite://")?;
/// db.execute_script("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE); CREATE VIEW v AS SELECT a FROM t")?;
/// let inspector = Inspector::new(&db);
/// assert_eq!(inspector.table_names()?, ["t"]);
/// assert_eq!(inspector.view_names()?, ["v"]);
/// assert_eq!(inspector.columns("t")?[1].name, "a");
/// assert_eq!(inspector.unique_constraints("t")?[0].columns, ["a"]);
/// assert_eq!(inspector.columns("x").unwrap_err().kind(), ErrorKind::NoSuchTable);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub struct Inspector<'a> {
    on: &'a dyn Execute,
    schema: Option<String>,
    known: Mutex<Known>,
}

/// What was answered.
#[derive(Default)]
struct Known {
    names: Option<Arc<Vec<(String, ObjectKind)>>>,
    all: Option<Arc<SchemaFacts>>,
    temporary: Option<Arc<SchemaFacts>>,
    one: HashMap<String, Arc<TableFacts>>,
}

impl<'a> Inspector<'a> {
    /// An inspector of the default schema.
    pub fn new(on: &'a dyn Execute) -> Inspector<'a> {
        Inspector { on, schema: None, known: Mutex::default() }
    }

    /// An inspector of another schema, which knows nothing yet.
    pub fn in_schema(&self, schema: impl Into<String>) -> Inspector<'a> {
        Inspector { schema: Some(schema.into()), ..Inspector::new(self.on) }
    }

    /// Forgets what was answered.
    pub fn clear(&self) {
        *self.known.lock() = Known::default();
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(
            &dyn mirrorm_core::dialect::Inspector,
            &dyn mirrorm_core::dialect::Connection,
        ) -> Result<T>,
    ) -> Result<T> {
        self.on.lend()?.inspect(question)
    }

    /// The name of the connection's default schema; `@default` where the database itself is the schema.
    ///
    /// # Errors
    /// The database's.
    pub fn default_schema_name(&self) -> Result<String> {
        self.ask(|inspector, connection| inspector.default_schema(connection))
    }

    /// The schemas that a connection sees, without the database's own.
    ///
    /// # Errors
    /// The database's.
    pub fn schema_names(&self) -> Result<Vec<String>> {
        self.ask(|inspector, connection| inspector.schemas(connection))
    }

    /// Whether there is a schema of this name.
    ///
    /// # Errors
    /// The database's.
    pub fn has_schema(&self, name: &str) -> Result<bool> {
        match self.in_schema(name).names() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NoSuchTable => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Names and kinds of tables and views, sorted by name.
    ///
    /// # Errors
    /// `NoSuchTable` where there is no such schema; the database's.
    pub fn names(&self) -> Result<Arc<Vec<(String, ObjectKind)>>> {
        if let Some(known) = &self.known.lock().names {
            return Ok(known.clone());
        }
        let schema = self.schema.as_deref();
        let names = Arc::new(self.ask(|inspector, connection| inspector.names(connection, schema))?);
        self.known.lock().names = Some(names.clone());
        Ok(names)
    }

    fn names_of(&self, wanted: impl Fn(ObjectKind) -> bool) -> Result<Vec<String>> {
        let names = self.names()?;
        Ok(names.iter().filter(|(_, kind)| wanted(*kind)).map(|(name, _)| name.clone()).collect())
    }

    /// The tables, sorted: no views, no tables of other databases, none that serve others.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn table_names(&self) -> Result<Vec<String>> {
        self.names_of(|kind| matches!(kind, ObjectKind::Table | ObjectKind::Virtual))
    }

    /// The views whose rows are not stored, sorted.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn view_names(&self) -> Result<Vec<String>> {
        self.names_of(|kind| kind == ObjectKind::View)
    }

    /// The views whose rows are stored, sorted.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn materialized_view_names(&self) -> Result<Vec<String>> {
        self.names_of(|kind| kind == ObjectKind::MaterializedView)
    }

    /// The tables whose rows another database has, sorted.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn foreign_table_names(&self) -> Result<Vec<String>> {
        self.names_of(|kind| kind == ObjectKind::Foreign)
    }

    /// The temporary tables of the connection, sorted.
    ///
    /// # Errors
    /// `Unsupported` where the catalog does not list them; the database's.
    pub fn temp_table_names(&self) -> Result<Vec<String>> {
        self.temporary(false)
    }

    /// The temporary views of the connection, sorted.
    ///
    /// # Errors
    /// As [`Inspector::temp_table_names`].
    pub fn temp_view_names(&self) -> Result<Vec<String>> {
        self.temporary(true)
    }

    fn temporary(&self, views: bool) -> Result<Vec<String>> {
        let known = self.known.lock().temporary.clone();
        let facts = match known {
            Some(facts) => facts,
            None => {
                let scope = Scope { temporary: true, ..Scope::default() };
                let facts = Arc::new(self.ask(|inspector, connection| inspector.facts(connection, &scope))?);
                self.known.lock().temporary = Some(facts.clone());
                facts
            }
        };
        let own = facts.tables.iter().filter(|table| table.kind.is_view() == views);
        Ok(own.map(|table| table.name.clone()).collect())
    }

    /// Everything of the schema, in a constant number of statements.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn facts(&self) -> Result<Arc<SchemaFacts>> {
        if let Some(known) = &self.known.lock().all {
            return Ok(known.clone());
        }
        let scope = Scope { schema: self.schema.clone(), ..Scope::default() };
        let facts = Arc::new(self.ask(|inspector, connection| inspector.facts(connection, &scope))?);
        self.known.lock().all = Some(facts.clone());
        Ok(facts)
    }

    /// A text that changes whenever something is declared otherwise in the schema, and costs little to ask
    /// for: whoever keeps facts knows by it that they are old. Asked anew each time. On PostgreSQL, MySQL and
    /// SQLite it may change for nothing, as when a table is written anew.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn fingerprint(&self) -> Result<String> {
        let schema = self.schema.as_deref();
        self.ask(|inspector, connection| inspector.fingerprint(connection, schema))
    }

    /// Everything of one table or view.
    ///
    /// # Errors
    /// `NoSuchTable` where there is none, with a near name if there is one; `Database` for one that could not
    /// be read, with what is wrong.
    pub fn table(&self, name: &str) -> Result<Arc<TableFacts>> {
        if let Some(known) = self.known.lock().one.get(name) {
            return Ok(known.clone());
        }
        let all = self.known.lock().all.clone();
        let facts = match all {
            Some(all) => all,
            None => {
                let only = Some(vec![name.to_string()]);
                let scope = Scope { schema: self.schema.clone(), only, ..Scope::default() };
                Arc::new(self.ask(|inspector, connection| inspector.facts(connection, &scope))?)
            }
        };
        let Some(found) = facts.tables.iter().find(|table| table.name == name) else {
            return Err(self.missing(&facts, name)?);
        };
        let found = Arc::new(found.clone());
        self.known.lock().one.insert(name.to_string(), found.clone());
        Ok(found)
    }

    /// Why there is nothing of a name.
    fn missing(&self, facts: &SchemaFacts, name: &str) -> Result<Error> {
        if let Some(problem) = facts.problems.iter().find(|problem| problem.object == name) {
            return Ok(Error::new(ErrorKind::Database, problem.message.clone()).with_table(name));
        }
        let names = self.names()?;
        let message = super::choice::no_such(name, names.iter().map(|(name, _)| name.as_str()));
        Ok(Error::new(ErrorKind::NoSuchTable, message).with_table(name))
    }

    /// Whether there is a table or view of this name; none in a schema that is not there.
    ///
    /// # Errors
    /// The database's.
    pub fn has_table(&self, name: &str) -> Result<bool> {
        match self.table(name) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NoSuchTable => Ok(false),
            // It is there, and cannot be read.
            Err(error) if error.kind() == ErrorKind::Database && error.table() == Some(name) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether a table has an index of this name; none of a table that is not there.
    ///
    /// # Errors
    /// The database's.
    pub fn has_index(&self, table: &str, index: &str) -> Result<bool> {
        Ok(self.has_table(table)? && self.indexes(table)?.iter().any(|found| found.name == index))
    }

    /// The columns of a table or view, in order.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn columns(&self, table: &str) -> Result<Vec<ColumnFacts>> {
        Ok(self.table(table)?.columns.clone())
    }

    /// The primary key of a table, if it has one.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn primary_key(&self, table: &str) -> Result<Option<KeyFacts>> {
        Ok(self.table(table)?.primary_key.clone())
    }

    /// The foreign keys of a table.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn foreign_keys(&self, table: &str) -> Result<Vec<ForeignKeyFacts>> {
        Ok(self.table(table)?.foreign_keys.clone())
    }

    /// The indexes of a table, those that serve constraints among them.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn indexes(&self, table: &str) -> Result<Vec<IndexFacts>> {
        Ok(self.table(table)?.indexes.clone())
    }

    /// The unique constraints of a table.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn unique_constraints(&self, table: &str) -> Result<Vec<KeyFacts>> {
        Ok(self.table(table)?.uniques.clone())
    }

    /// The CHECK constraints of a table.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn check_constraints(&self, table: &str) -> Result<Vec<CheckFacts>> {
        Ok(self.table(table)?.checks.clone())
    }

    /// The comment of a table, if it has one.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn table_comment(&self, table: &str) -> Result<Option<String>> {
        Ok(self.table(table)?.comment.clone())
    }

    /// What a table has that has no portable form.
    ///
    /// # Errors
    /// As [`Inspector::table`].
    pub fn table_options(&self, table: &str) -> Result<Options> {
        Ok(self.table(table)?.options.clone())
    }

    /// The text of a view.
    ///
    /// # Errors
    /// As [`Inspector::table`]; `NoSuchTable` for what is no view.
    pub fn view_definition(&self, view: &str) -> Result<String> {
        let found = self.table(view)?;
        let text = found.definition.clone().filter(|_| found.kind.is_view());
        text.ok_or_else(|| {
            Error::new(ErrorKind::NoSuchTable, format!("`{view}` is no view")).with_table(view)
        })
    }

    /// The sequences, those of columns among them, sorted by name.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn sequences(&self) -> Result<Vec<SequenceFacts>> {
        Ok(self.facts()?.sequences.clone())
    }

    /// Whether there is a sequence of this name.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn has_sequence(&self, name: &str) -> Result<bool> {
        Ok(self.facts()?.sequences.iter().any(|sequence| sequence.name == name))
    }

    /// The enum types of the schema, sorted by name.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn enums(&self) -> Result<Vec<EnumFacts>> {
        Ok(self.facts()?.enums.iter().filter(|found| found.schema == self.schema).cloned().collect())
    }

    /// The domains of the schema, sorted by name.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn domains(&self) -> Result<Vec<DomainFacts>> {
        Ok(self.facts()?.domains.iter().filter(|found| found.schema == self.schema).cloned().collect())
    }

    /// Whether there is a type with a name of its own: an enum or a domain.
    ///
    /// # Errors
    /// As [`Inspector::names`].
    pub fn has_type(&self, name: &str) -> Result<bool> {
        Ok(self.enums()?.iter().any(|found| found.name == name)
            || self.domains()?.iter().any(|found| found.name == name))
    }
}
