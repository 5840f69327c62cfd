//! What to reflect, and doing it.

use mirrorm_core::dialect::{ObjectKind, Problem, SchemaFacts, Scope};
use mirrorm_core::engine::Conn;
use mirrorm_core::schema::{Metadata, Table};
use mirrorm_core::{Error, ErrorKind, Result};

use super::build;
use super::relate::{Relationship, relationships};

/// Says what to reflect: by default, all tables and views of the default schema.
#[derive(Clone, Debug, Default)]
#[must_use = "a reflector does nothing until `Db::reflect_with` runs it"]
pub struct Reflector {
    scope: Scope,
}

/// What reflecting gave.
#[derive(Debug, Default)]
pub struct Reflection {
    tables: Vec<Table>,
    problems: Vec<Problem>,
    relationships: Vec<Relationship>,
}

impl Reflection {
    /// Adds what was reflected of another database.
    pub fn extend(&mut self, other: Reflection) {
        self.tables.extend(other.tables);
        self.problems.extend(other.problems);
        self.relationships.extend(other.relationships);
    }

    /// The tables and views, sorted by name.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// What could not be read or represented. The rest is there.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The relationships that follow from the foreign keys.
    pub fn relationships(&self) -> &[Relationship] {
        &self.relationships
    }
}

impl Reflector {
    /// All tables and views of the default schema.
    pub fn new() -> Reflector {
        Reflector::default()
    }

    /// Those of another schema.
    pub fn schema(mut self, schema: impl Into<String>) -> Reflector {
        self.scope.schema = Some(schema.into());
        self
    }

    /// Only these tables and views.
    pub fn only<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Reflector {
        self.scope.only = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Tables only.
    pub fn without_views(mut self) -> Reflector {
        self.scope.without_views = true;
        self
    }

    pub(super) fn schema_name(&self) -> Option<&str> {
        self.scope.schema.as_deref()
    }

    /// The facts as the database tells them, without making tables.
    ///
    /// # Errors
    /// As [`Reflector::reflect`].
    pub fn facts(&self, conn: &Conn) -> Result<SchemaFacts> {
        let inspector = conn.engine().dialect().inspector();
        let facts = inspector.facts(conn.driver(), &self.scope)?;
        if let Some(names) = &self.scope.only {
            let there = |name: &&String| {
                facts.tables.iter().any(|t| t.name == **name)
                    || facts.problems.iter().any(|p| p.object == **name)
            };
            if let Some(missing) = names.iter().find(|name| !there(name)) {
                let known = inspector.names(conn.driver(), self.scope.schema.as_deref())?;
                let message = no_such(missing, known.iter().map(|(name, _)| name.as_str()));
                return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(missing.as_str()));
            }
        }
        Ok(facts)
    }

    /// Reads the facts and registers the tables: of the registry's default schema, where none was said.
    ///
    /// # Errors
    /// `NoSuchTable` for names asked for that are not there; the database's.
    pub fn reflect(&self, conn: &Conn, metadata: &Metadata) -> Result<Reflection> {
        if let (None, Some(schema)) = (&self.scope.schema, metadata.schema()) {
            return self.clone().schema(schema.as_str()).reflect(conn, metadata);
        }
        let SchemaFacts { tables: facts, mut problems, .. } = self.facts(conn)?;
        let dialect = conn.engine().dialect().name();
        let mut tables = Vec::with_capacity(facts.len());
        let asked = |name: &String| self.scope.only.as_ref().is_some_and(|names| names.contains(name));
        for table in facts.iter().filter(|t| t.kind != ObjectKind::Shadow || asked(&t.name)) {
            match build::define(metadata, dialect, table, &mut problems) {
                Ok(table) => tables.push(table),
                Err(error) => {
                    problems.push(Problem { object: table.name.clone(), message: error.to_string() })
                }
            }
        }
        let relationships = relationships(&tables);
        Ok(Reflection { tables, problems, relationships })
    }
}

/// Names differ by case more often than not; a miss says which name there is.
fn no_such<'a>(missing: &str, known: impl Iterator<Item = &'a str>) -> String {
    let folded = missing.to_lowercase();
    match known.into_iter().find(|name| name.to_lowercase() == folded) {
        Some(name) => format!("`{missing}`, did you mean `{name}`?"),
        None => format!("`{missing}`"),
    }
}
