//! What to reflect, and doing it.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use mirrorm_core::dialect::{Connection, Inspector, ObjectKind, Problem, SchemaFacts, Scope, TableFacts};
use mirrorm_core::engine::Conn;
use mirrorm_core::schema::{Metadata, Table};
use mirrorm_core::{Error, ErrorKind, Result};

use super::build;
use super::choice::{Choices, ColumnChoice, kept, no_such};
use super::relate::{Relationship, relationships};

/// Says what to reflect: by default, all tables and views of the default schema.
#[derive(Clone, Debug, Default)]
#[must_use = "a reflector does nothing until `Db::reflect_with` runs it"]
pub struct Reflector {
    scope: Scope,
    choices: Choices,
}

/// What reflecting gave.
#[derive(Debug, Default)]
pub struct Reflection {
    tables: Vec<Table>,
    /// How many of the tables are of each database.
    counts: Vec<usize>,
    problems: Vec<Problem>,
    relationships: OnceLock<Vec<Relationship>>,
    facts: Vec<SchemaFacts>,
}

impl Reflection {
    /// Adds what was reflected of another database.
    pub fn extend(&mut self, other: Reflection) {
        self.tables.extend(other.tables);
        self.counts.extend(other.counts);
        self.problems.extend(other.problems);
        self.relationships = OnceLock::new();
        self.facts.extend(other.facts);
    }

    /// What the databases said, one after the other where there were several.
    pub fn facts(&self) -> &[SchemaFacts] {
        &self.facts
    }

    /// The tables and views, sorted by name.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// What could not be read or represented. The rest is there.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The relationships that follow from the foreign keys, looked for when they are asked for first.
    pub fn relationships(&self) -> &[Relationship] {
        self.relationships.get_or_init(|| {
            let mut rest = self.tables.as_slice();
            let own = self.counts.iter().filter_map(|count| {
                let (own, others) = rest.split_at_checked(*count)?;
                rest = others;
                Some(relationships(own))
            });
            own.flatten().collect()
        })
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

    /// Only tables and views whose name this is true of, beside those that were named.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::reflect::Reflector;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE wp_posts (id INTEGER PRIMARY KEY); CREATE TABLE other (a)")?;
    /// let found = db.reflect_with(&Reflector::new().matching(|name| name.starts_with("wp_")))?;
    /// assert_eq!(found.tables().len(), 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn matching(mut self, wanted: impl Fn(&str) -> bool + Send + Sync + 'static) -> Reflector {
        self.choices.wanted.push(Arc::new(wanted));
        self
    }

    /// All but these tables and views.
    pub fn except<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Reflector {
        let names: HashSet<String> = names.into_iter().map(Into::into).collect();
        self.matching(move |name| !names.contains(name))
    }

    /// Also the tables that foreign keys of those found lead to, and so on, within the schema: for one table
    /// and what it needs.
    pub fn with_referred(mut self) -> Reflector {
        self.choices.referred = true;
        self
    }

    /// Only these columns of a table. Keys and indexes of others are left out; so is a primary key that is not
    /// whole.
    pub fn columns_of<S: Into<String>>(
        mut self,
        table: impl Into<String>,
        columns: impl IntoIterator<Item = S>,
    ) -> Reflector {
        self.choices.columns.insert(table.into(), columns.into_iter().map(Into::into).collect());
        self
    }

    /// These columns tell the rows of a table apart: for a table or view whose primary key is not declared, or in
    /// the place of the one that is; none, for no key. What they say is not checked; a write that meets several rows is an error,
    /// and undone. A primary key is part of the table here, and of what would create it.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::reflect::Reflector;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE rates (code TEXT, rate REAL); INSERT INTO rates VALUES ('EUR', 1.0)")?;
    /// db.reflect_with(&Reflector::new().key_of("rates", ["code"]))?;
    /// let session = db.session();
    /// let rates = db.table_named("rates")?;
    /// session.get_or_404(&rates, "EUR", None)?.set("rate", 1.5)?;
    /// session.commit()?;
    /// assert_eq!(select(rates.c("rate")).scalar::<f64>(&db)?, 1.5);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn key_of<S: Into<String>>(
        mut self,
        table: impl Into<String>,
        columns: impl IntoIterator<Item = S>,
    ) -> Reflector {
        self.choices.keys.insert(table.into(), columns.into_iter().map(Into::into).collect());
        self
    }

    /// Calls a function with every column that is about to become part of a table: it may give the column
    /// another name for the program, another type, or leave it out.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::reflect::Reflector;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE t (ID INTEGER PRIMARY KEY, IsOpen TINYINT, junk BLOB)")?;
    /// db.reflect_with(&Reflector::new().on_column(|_, column| {
    ///     column.key = Some(column.facts.name.to_lowercase());
    ///     if column.facts.declared == "TINYINT" {
    ///         column.ty = Boolean;
    ///     }
    ///     column.skip = column.facts.name == "junk";
    /// }))?;
    /// let t = db.table_named("t")?;
    /// insert(&t).values(values! { "isopen" => true }).run(&db)?;
    /// assert!(select(t.c("isopen")).scalar::<bool>(&db)?);
    /// assert!(t.try_c("junk").is_err());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn on_column(
        mut self,
        hook: impl Fn(&TableFacts, &mut ColumnChoice<'_>) + Send + Sync + 'static,
    ) -> Reflector {
        self.choices.hooks.push(Arc::new(hook));
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
        conn.inspect(|inspector, connection| self.facts_of(inspector, connection))
    }

    fn facts_of(&self, inspector: &dyn Inspector, connection: &dyn Connection) -> Result<SchemaFacts> {
        let scope = self.choices.narrow(&self.scope, inspector, connection)?;
        let mut facts = inspector.facts(connection, &scope)?;
        if self.choices.referred {
            follow(&scope, inspector, connection, &mut facts)?;
        }
        if let (Some(_), Some(names)) = (&self.scope.only, &scope.only) {
            let there = |name: &&String| {
                facts.tables.iter().any(|t| t.name == **name)
                    || facts.problems.iter().any(|p| p.object == **name)
            };
            if let Some(missing) = names.iter().find(|name| !there(name)) {
                let known = inspector.names(connection, self.scope.schema.as_deref())?;
                let message = no_such(missing, known.iter().map(|(name, _)| name.as_str()));
                return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(missing.as_str()));
            }
        }
        Ok(facts)
    }

    /// Reads the facts and registers the tables: of the registry's default schema, where none was said.
    ///
    /// # Errors
    /// `NoSuchTable` and `NoSuchColumn` for names asked for that are not there; the database's.
    pub fn reflect(&self, conn: &Conn, metadata: &Metadata) -> Result<Reflection> {
        if let (None, Some(schema)) = (&self.scope.schema, metadata.schema()) {
            return self.clone().schema(schema.as_str()).reflect(conn, metadata);
        }
        let facts = self.facts(conn)?;
        self.choices.check(&facts)?;
        Ok(self.register(facts, conn.engine().dialect().name(), metadata))
    }

    /// Makes tables of facts; what cannot be one is a problem.
    pub(super) fn register(
        &self,
        facts: SchemaFacts,
        dialect: &'static str,
        metadata: &Metadata,
    ) -> Reflection {
        let mut problems = facts.problems.clone();
        let mut tables = Vec::with_capacity(facts.tables.len());
        let asked = |name: &String| self.scope.only.as_ref().is_some_and(|names| names.contains(name));
        for table in facts.tables.iter().filter(|t| t.kind != ObjectKind::Shadow || asked(&t.name)) {
            let (table, keys) = kept(&self.choices, table);
            match build::define(metadata, dialect, &table, &keys, &mut problems) {
                Ok(table) => tables.push(table),
                Err(error) => {
                    problems.push(Problem { object: table.name.clone(), message: error.to_string() })
                }
            }
        }
        Reflection {
            counts: vec![tables.len()],
            tables,
            problems,
            relationships: OnceLock::new(),
            facts: vec![facts],
        }
    }
}

/// Reads what foreign keys lead to, and what theirs lead to.
fn follow(
    scope: &Scope,
    inspector: &dyn Inspector,
    connection: &dyn Connection,
    facts: &mut SchemaFacts,
) -> Result<()> {
    let mut asked: HashSet<String> = facts.tables.iter().map(|table| table.name.clone()).collect();
    loop {
        let keys = facts.tables.iter().flat_map(|table| &table.foreign_keys);
        let inside = keys.filter(|key| key.referred_schema.is_none() || key.referred_schema == scope.schema);
        let next: Vec<String> =
            inside.map(|key| key.referred_table.clone()).filter(|name| asked.insert(name.clone())).collect();
        if next.is_empty() {
            facts.tables.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(());
        }
        let more = inspector.facts(connection, &Scope { only: Some(next), ..scope.clone() })?;
        facts.tables.extend(more.tables);
        facts.problems.extend(more.problems);
    }
}
