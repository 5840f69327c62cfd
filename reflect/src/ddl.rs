//! A schema as the statements that make it, without a database: facts into DDL.
//!
//! Not here: the statements' SQL (`mirrorm-core`'s compiler) and running them. Foreign keys come last where
//! the database can add them to tables that are there, so that no order of tables is wrong.

use std::collections::HashMap;
use std::sync::Arc;

use mirrorm_core::compile::{Compile, Target};
use mirrorm_core::dialect::{ObjectKind, SchemaFacts, TableFacts};
use mirrorm_core::schema::{Metadata, Name, Table, TableDef};
use mirrorm_core::stmt::Ddl;
use mirrorm_core::types::EnumType;
use mirrorm_core::{Error, ErrorKind, Result};

use super::build;

/// The statements that make a schema on a server of the dialect it was reflected from, in order: types,
/// sequences, tables, their indexes, foreign keys, views, comments. A schema that has a name is created too.
/// What is in other schemas, and routines, have to be there already; temporary objects, virtual and foreign
/// tables are left out.
///
/// # Errors
/// `Invalid` for a foreign key or a check that has to be added later and has no name; what the compiler says
/// of types and names the database does not take.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::reflect::{Reflector, to_ddl};
///
/// let db = Db::open("sqlite://")?;
/// db.execute_script("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE); CREATE INDEX i ON t (a DESC)")?;
/// let facts = Reflector::new().facts(&db.connect()?)?;
/// let statements = to_ddl(&facts, &*db.engine()?.target()?)?; // or of no server: `Target::offline(dialect)`
/// assert_eq!(statements[1], "CREATE INDEX i ON t (a DESC)");
/// let other = Db::open("sqlite://")?;
/// other.execute_script(&statements.join(";"))?;
/// assert_eq!(Reflector::new().facts(&other.connect()?)?, facts);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn to_ddl(facts: &SchemaFacts, target: &Target) -> Result<Vec<String>> {
    let statements = statements(facts, target)?;
    statements.iter().map(|statement| Ok(statement.compile(target)?.sql().to_string())).collect()
}

fn statements(facts: &SchemaFacts, target: &Target) -> Result<Vec<Ddl>> {
    let metadata = Metadata::new();
    let tables = tables_of(facts, &metadata, target.dialect())?;
    let mut list = Vec::new();
    list.extend(facts.schema.as_deref().map(|name| Ddl::CreateSchema { name: Name::from(name) }));
    for found in facts.enums.iter().filter(|found| found.schema == facts.schema) {
        let labels = EnumType::named(found.schema.as_deref(), &found.name, found.labels.iter().cloned());
        list.push(Ddl::CreateEnum { labels: Arc::new(labels) });
    }
    let domains = facts.domains.iter().filter(|domain| domain.schema == facts.schema);
    list.extend(domains.map(|domain| Ddl::CreateDomain { domain: Box::new(domain.clone()) }));
    let own = facts.sequences.iter().filter(|sequence| !sequence.of_identity);
    list.extend(own.clone().map(|sequence| Ddl::CreateSequence { sequence: Box::new(sequence.clone()) }));
    let (mut last, mut comments) = (Vec::new(), Vec::new());
    for table in &tables {
        create(table, target, &mut list, &mut last)?;
        comments.extend(Ddl::comments(table, target));
    }
    let owned = own.filter(|sequence| sequence.owner.is_some());
    list.extend(owned.map(|sequence| Ddl::OwnSequence { sequence: Box::new(sequence.clone()) }));
    list.extend(last);
    for view in views_of(facts, &metadata, target.dialect())? {
        list.push(Ddl::CreateView { table: view.clone() });
        list.extend(Ddl::indexes(&view, target));
        comments.extend(Ddl::comments(&view, target));
    }
    list.extend(comments);
    Ok(list)
}

fn is_made(table: &&TableFacts) -> bool {
    table.kind == ObjectKind::Table && !table.temporary
}

/// Tables in an order in which those that are part of others, or inherit from them, come after them.
fn tables_of(facts: &SchemaFacts, metadata: &Metadata, dialect: &'static str) -> Result<Vec<Table>> {
    let mut problems = Vec::new();
    let made = facts.tables.iter().filter(is_made);
    let mut tables = made
        .map(|table| build::define(metadata, dialect, table, &HashMap::new(), &mut problems))
        .collect::<Result<Vec<Table>>>()?;
    if let Some(problem) = problems.first() {
        return Err(
            Error::new(ErrorKind::Invalid, problem.message.clone()).with_table(problem.object.as_str())
        );
    }
    let whole = |def: &TableDef| {
        let others = if def.has_inherited_columns() { tables.as_slice() } else { &[] };
        others.iter().find(|other| def.has_columns_from(&other.def()))
    };
    let depth = |table: &Table| {
        let (mut depth, mut def) = (0, table.def());
        while let Some(parent) = whole(&def).filter(|_| depth < 100) {
            (depth, def) = (depth + 1, parent.def());
        }
        depth
    };
    let depths: Vec<usize> = tables.iter().map(depth).collect();
    let mut order: Vec<(usize, Table)> = depths.into_iter().zip(std::mem::take(&mut tables)).collect();
    order.sort_by_key(|(depth, _)| *depth);
    Ok(order.into_iter().map(|(_, table)| table).collect())
}

/// A table with its indexes; what has to wait until all tables are there goes to the end.
fn create(table: &Table, target: &Target, list: &mut Vec<Ddl>, last: &mut Vec<Ddl>) -> Result<()> {
    let def = table.def();
    let own = |options: &mirrorm_core::schema::Options| !options.is_set(target.dialect(), "inherited");
    let mut later = Vec::new();
    if target.features().alter_foreign_keys && !target.features().forward_foreign_keys {
        for key in def.foreign_keys().iter().filter(|key| own(&key.options)) {
            let name = key.name.as_ref().ok_or_else(|| unnamed(&def))?.shared();
            last.push(Ddl::AddForeignKey { table: table.clone(), key: name.clone() });
            later.push(name);
        }
    }
    let pending = |check: &&mirrorm_core::schema::CheckDef| {
        check.options.is_set(target.dialect(), "not_valid") && own(&check.options)
    };
    for check in def.checks().iter().filter(pending) {
        let name = check.name.as_ref().ok_or_else(|| unnamed(&def))?.shared();
        last.push(Ddl::AddCheck { table: table.clone(), check: name.clone() });
        later.push(name);
    }
    list.push(Ddl::CreateTable { table: table.clone(), if_not_exists: false, without_keys: later });
    list.extend(Ddl::indexes(table, target));
    Ok(())
}

fn unnamed(def: &TableDef) -> Error {
    let message = format!("a constraint of `{}` has to be added later and has no name", def.display_name());
    Error::new(ErrorKind::Invalid, message)
}

/// Views in an order in which those that name others come after them.
fn views_of(facts: &SchemaFacts, metadata: &Metadata, dialect: &'static str) -> Result<Vec<Table>> {
    let mut problems = Vec::new();
    let mut left: Vec<&TableFacts> =
        facts.tables.iter().filter(|t| t.kind.is_view() && !t.temporary).collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |view: &TableFacts| {
            left.iter().any(|other| other.name != view.name && mentions(view, &other.name))
        };
        let (later, now): (Vec<&TableFacts>, Vec<&TableFacts>) = left.iter().partition(|view| waits(view));
        // Views cannot mention each other in a circle; words in them may.
        let (now, later) = if now.is_empty() { (later, Vec::new()) } else { (now, later) };
        for view in now {
            ordered.push(build::define(metadata, dialect, view, &HashMap::new(), &mut problems)?);
        }
        left = later;
    }
    Ok(ordered)
}

/// Whether a view's definition holds a name as a word.
fn mentions(view: &TableFacts, name: &str) -> bool {
    let text = view.definition.as_deref().unwrap_or_default();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|front| front.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|rest| rest.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
