//! Views, comments, schemas, types and sequences into SQL: what stands beside tables.
//!
//! Not here: tables and indexes (`ddl`).

use super::Compiler;
use crate::dialect::{DomainFacts, SequenceFacts};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, raw};
use crate::schema::{Name, Table, TableKind};
use crate::stmt::{Commented, Ddl};
use crate::types::EnumType;
use crate::value::Value;

impl Compiler<'_> {
    pub(super) fn object(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::CreateView { table } => self.create_view(table),
            Ddl::Comment { table, on, text } => self.comment(table, on, text),
            Ddl::CreateSchema { name } => {
                self.push("CREATE SCHEMA IF NOT EXISTS ");
                self.name(name);
                Ok(())
            }
            Ddl::CreateEnum { labels } => self.create_enum(labels),
            Ddl::CreateDomain { domain } => self.create_domain(domain),
            Ddl::CreateSequence { sequence } => {
                self.create_sequence(sequence);
                Ok(())
            }
            Ddl::OwnSequence { sequence } => {
                self.own_sequence(sequence);
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Invalid, "the statement is about a table")),
        }
    }

    /// A view's definition is its SELECT, or the whole text that made it where that is what is stored.
    fn create_view(&mut self, table: &Table) -> Result<()> {
        let def = table.def();
        let (words, definition) = match &def.kind {
            TableKind::View(definition) => ("VIEW ", definition),
            TableKind::MaterializedView(definition) => ("MATERIALIZED VIEW ", definition),
            _ => return Err(Error::new(ErrorKind::Invalid, format!("`{}` is no view", def.display_name()))),
        };
        let Some(definition) = definition else {
            let message = format!("the definition of the view `{}` is not known", def.display_name());
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let text = definition.trim().trim_end_matches(';');
        if text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("create")) {
            self.push(text);
            return Ok(());
        }
        let (before, after) = self.target.grammar.view_words(&def);
        self.push("CREATE ");
        self.push(before);
        self.push(words);
        self.table_name(&def);
        self.push(" AS ");
        self.push(text);
        self.push(&after);
        Ok(())
    }

    fn comment(&mut self, table: &Table, on: &Commented, text: &str) -> Result<()> {
        let def = table.def();
        self.push("COMMENT ON ");
        match on {
            Commented::Table => {
                self.push(match &def.kind {
                    TableKind::View(_) => "VIEW ",
                    TableKind::MaterializedView(_) => "MATERIALIZED VIEW ",
                    TableKind::Foreign => "FOREIGN TABLE ",
                    _ => "TABLE ",
                });
                self.table_name(&def);
            }
            Commented::Column(name) => {
                self.push("COLUMN ");
                self.table_name(&def);
                self.push(".");
                self.name(name);
            }
            Commented::Constraint(name) => {
                self.push("CONSTRAINT ");
                self.name(name);
                self.push(" ON ");
                self.table_name(&def);
            }
            Commented::Index(name) => {
                self.push("INDEX ");
                self.qualified(def.schema.as_ref(), name);
            }
        }
        self.push(" IS ");
        self.literal_text(text)
    }

    fn literal_text(&mut self, text: &str) -> Result<()> {
        self.target.grammar.literal(&Value::from(text), &mut self.sql)
    }

    fn qualified(&mut self, schema: Option<&Name>, name: &Name) {
        if let Some(schema) = schema {
            self.name(schema);
            self.push(".");
        }
        self.name(name);
    }

    fn object_name(&mut self, schema: Option<&str>, name: &str) {
        self.qualified(schema.map(Name::from).as_ref(), &Name::from(name));
    }

    fn create_enum(&mut self, labels: &EnumType) -> Result<()> {
        let Some(name) = labels.name() else {
            return Err(Error::new(ErrorKind::Invalid, "an enum without a name is part of its column"));
        };
        self.push("CREATE TYPE ");
        self.object_name(labels.schema(), name);
        self.push(" AS ENUM ");
        self.parens(|c| c.list(labels.labels(), |c, label| c.literal_text(label)))
    }

    fn create_domain(&mut self, domain: &DomainFacts) -> Result<()> {
        self.push("CREATE DOMAIN ");
        self.object_name(domain.schema.as_deref(), &domain.name);
        self.push(" AS ");
        self.push(&domain.declared);
        if let Some(collation) = &domain.collation {
            self.push(" COLLATE ");
            self.name(&Name::from(collation.as_str()));
        }
        if let Some(default) = &domain.default {
            self.push(" DEFAULT ");
            self.push(default);
        }
        if !domain.nullable {
            self.push(" NOT NULL");
        }
        for check in &domain.checks {
            if let Some(name) = &check.name {
                self.push(" CONSTRAINT ");
                self.name(&Name::from(name.as_str()));
            }
            self.push(" CHECK ");
            let condition: Expr = raw(check.sql.as_str());
            self.parens(|c| c.expr(&condition))?;
        }
        Ok(())
    }

    fn create_sequence(&mut self, sequence: &SequenceFacts) {
        self.push("CREATE SEQUENCE ");
        self.object_name(sequence.schema.as_deref(), &sequence.name);
        if !sequence.declared.is_empty() {
            self.push(" AS ");
            self.push(&sequence.declared);
        }
        self.push(" ");
        self.push(&sequence.numbers.to_sql());
    }

    fn own_sequence(&mut self, sequence: &SequenceFacts) {
        self.push("ALTER SEQUENCE ");
        let schema = sequence.schema.as_deref();
        self.object_name(schema, &sequence.name);
        self.push(" OWNED BY ");
        match &sequence.owner {
            Some((table, column)) => {
                self.object_name(schema, table);
                self.push(".");
                self.name(&Name::from(column.as_str()));
            }
            None => self.push("NONE"),
        }
    }
}
