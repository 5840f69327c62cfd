//! CREATE and DROP as plain data.

use std::sync::Arc;

use crate::compile::Target;
use crate::dialect::{Comments, DomainFacts, SequenceFacts};
use crate::schema::{Index, Name, Options, Table};
use crate::types::EnumType;

/// A statement that changes the schema.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a statement does nothing until it runs"]
pub enum Ddl {
    /// CREATE TABLE, without its indexes.
    CreateTable {
        /// The table.
        table: Table,
        /// Do nothing when it exists.
        if_not_exists: bool,
        /// Names of foreign keys left out, to be added later because of a circle.
        without_keys: Vec<Arc<str>>,
    },
    /// DROP TABLE.
    DropTable {
        /// The table.
        table: Table,
        /// Do nothing when it does not exist.
        if_exists: bool,
    },
    /// CREATE INDEX.
    CreateIndex {
        /// The table it is on.
        table: Table,
        /// The index.
        index: Index,
        /// Do nothing when it exists.
        if_not_exists: bool,
    },
    /// ALTER TABLE .. ADD CONSTRAINT, for a foreign key of a circle.
    AddForeignKey {
        /// The table.
        table: Table,
        /// The name of the foreign key.
        key: Arc<str>,
    },
    /// ALTER TABLE .. ADD CONSTRAINT, for a CHECK that older rows need not fulfil.
    AddCheck {
        /// The table.
        table: Table,
        /// The name of the check.
        check: Arc<str>,
    },
    /// CREATE VIEW, by the definition that the table was reflected with.
    CreateView {
        /// The view.
        table: Table,
    },
    /// COMMENT ON, where comments are statements of their own.
    Comment {
        /// The table it is about, or that has what it is about.
        table: Table,
        /// What it is about.
        on: Commented,
        /// The comment.
        text: Arc<str>,
    },
    /// CREATE SCHEMA, if there is none.
    CreateSchema {
        /// Its name.
        name: Name,
    },
    /// CREATE TYPE of an enum with a name.
    CreateEnum {
        /// The enum.
        labels: Arc<EnumType>,
    },
    /// CREATE DOMAIN.
    CreateDomain {
        /// The domain.
        domain: Box<DomainFacts>,
    },
    /// CREATE SEQUENCE.
    CreateSequence {
        /// The sequence.
        sequence: Box<SequenceFacts>,
    },
    /// ALTER SEQUENCE .. OWNED BY: it goes with its column.
    OwnSequence {
        /// The sequence, with its owner.
        sequence: Box<SequenceFacts>,
    },
    /// ALTER TABLE .. DROP CONSTRAINT.
    DropForeignKey {
        /// The table.
        table: Table,
        /// The name of the foreign key.
        key: Arc<str>,
    },
}

/// What a comment is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Commented {
    /// The table or view.
    Table,
    /// A column, by its name.
    Column(Name),
    /// A constraint, by its name.
    Constraint(Name),
    /// An index, by its name.
    Index(Name),
}

impl Ddl {
    /// The statements that create the indexes of a table, but those that a whole gives to its parts.
    pub fn indexes(table: &Table, target: &Target) -> Vec<Ddl> {
        let create = |index: &Index| Ddl::CreateIndex {
            table: table.clone(),
            index: index.clone(),
            if_not_exists: false,
        };
        let own = |index: &&Index| !index.options().is_set(target.dialect(), "inherited");
        table.def().indexes().iter().filter(own).map(create).collect()
    }

    /// The comments of a table, its columns, constraints and indexes, where comments are statements of their
    /// own; elsewhere none, as they stand in the statement that creates the table.
    pub fn comments(table: &Table, target: &Target) -> Vec<Ddl> {
        if target.features().comments != Comments::Statements {
            return Vec::new();
        }
        let def = table.def();
        let of = |options: &Options| options.text(target.dialect(), "comment").map(Arc::from);
        let mut found: Vec<(Commented, Arc<str>)> = Vec::new();
        found.extend(def.comment().map(|text| (Commented::Table, Arc::from(text))));
        for column in def.columns() {
            let text = column.comment().map(Arc::from);
            found.extend(text.map(|text| (Commented::Column(column.name().clone()), text)));
        }
        let keys = def.primary_key().into_iter().chain(def.uniques()).map(|key| (&key.name, &key.options));
        let checks = def.checks().iter().map(|check| (&check.name, &check.options));
        let foreign = def.foreign_keys().iter().map(|key| (&key.name, &key.options));
        let others = def.others().iter().map(|other| (&other.name, &other.options));
        for (name, options) in keys.chain(checks).chain(foreign).chain(others) {
            let named = name.clone().zip(of(options));
            found.extend(named.map(|(name, text)| (Commented::Constraint(name), text)));
        }
        for index in def.indexes() {
            let named = index.name().cloned().zip(of(index.options()));
            found.extend(named.map(|(name, text)| (Commented::Index(name), text)));
        }
        found.into_iter().map(|(on, text)| Ddl::Comment { table: table.clone(), on, text }).collect()
    }
}
