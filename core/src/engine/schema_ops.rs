//! Creating and dropping tables in the order their foreign keys ask for.

use std::collections::HashSet;
use std::sync::Arc;

use super::caller::mark;
use super::conn::{Conn, Execute};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Table, TableDef, TableKind, sort_tables};
use crate::stmt::Ddl;
use crate::types::{EnumType, Type};

/// Creates those of the tables that do not exist, with their indexes, in one transaction where
/// the database takes DDL in transactions.
///
/// Enums that have names are created before them, where the database keeps such types by themselves.
/// Tables are created after those they point to; circles are closed by foreign keys added
/// afterwards, where the database needs that.
///
/// # Errors
/// `Unsupported` for a type the database has no home for, before anything is created; the
/// database's others.
#[track_caller]
pub fn create_tables(on: &impl Execute, tables: Vec<Table>) -> Result<()> {
    let _caller = mark();
    let conn = on.lend_for(&tables)?;
    let existing = existing_names(&conn, &tables)?;
    let is_new = |table: &Table| {
        let def = table.def();
        def.kind == TableKind::Table && !existing.contains(&key(&def))
    };
    let missing: Vec<Table> = tables.into_iter().filter(is_new).collect();
    let mut statements = creating_enums(&conn, &missing)?;
    statements.extend(creating(&conn, missing)?);
    run_all(&conn, &statements)
}

/// The types of columns that have to be there before their tables.
fn creating_enums(conn: &Conn, tables: &[Table]) -> Result<Vec<Ddl>> {
    let mut wanted: Vec<Arc<EnumType>> = Vec::new();
    for table in tables {
        let def = table.def();
        for labels in def.columns().filter_map(|column| named_enum(column.ty())) {
            match wanted
                .iter()
                .find(|other| (other.schema(), other.name()) == (labels.schema(), labels.name()))
            {
                None => wanted.push(labels.clone()),
                Some(other) if other == labels => {}
                Some(_) => {
                    let name = labels.name().unwrap_or_default();
                    let message = format!("the enum `{name}` has other labels in another column");
                    return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
                }
            }
        }
    }
    let schemas: HashSet<Option<&str>> = wanted.iter().map(|labels| labels.schema()).collect();
    let mut missing = Vec::new();
    for schema in schemas {
        if let Some(there) = conn.inspect(|inspector, driver| inspector.enums(driver, schema))? {
            let is_new = |labels: &&Arc<EnumType>| {
                labels.schema() == schema && !there.iter().any(|name| labels.name() == Some(name))
            };
            missing.extend(
                wanted.iter().filter(is_new).map(|labels| Ddl::CreateEnum { labels: labels.clone() }),
            );
        }
    }
    Ok(missing)
}

fn named_enum(ty: &Type) -> Option<&Arc<EnumType>> {
    match ty {
        Type::Enum(labels) => labels.name().map(|_| labels),
        Type::Array(item) => named_enum(item),
        _ => None,
    }
}

/// Drops those of the tables that exist, in the reverse order. Enums that have names stay: who else has columns of
/// them is not known here.
///
/// # Errors
/// `Cycle` where tables point to each other, the database wants an order and the foreign keys
/// have no name to be dropped by; the database's others.
#[track_caller]
pub fn drop_tables(on: &impl Execute, tables: Vec<Table>) -> Result<()> {
    let _caller = mark();
    let conn = on.lend_for(&tables)?;
    let existing = existing_names(&conn, &tables)?;
    let there = |table: &Table| {
        let def = table.def();
        def.kind == TableKind::Table && existing.contains(&key(&def))
    };
    let present: Vec<Table> = tables.into_iter().filter(there).collect();
    let statements = dropping(&conn, present)?;
    run_all(&conn, &statements)
}

type Key = (Option<String>, String);

fn key(def: &TableDef) -> Key {
    (def.schema().map(ToString::to_string), def.name().to_string())
}

/// The tables and views that exist in the schemas of these tables: one question a schema.
///
/// # Errors
/// The database's.
pub fn existing_names(conn: &Conn, tables: &[Table]) -> Result<HashSet<Key>> {
    let schemas: HashSet<Option<String>> = tables.iter().map(|t| key(&t.def()).0).collect();
    let mut found = HashSet::new();
    for schema in schemas {
        let names = conn.inspect(|inspector, driver| inspector.names(driver, schema.as_deref()))?;
        found.extend(names.into_iter().map(|(name, _)| (schema.clone(), name)));
    }
    Ok(found)
}

/// Runs statements in one transaction: the caller's, or one of their own.
fn run_all(conn: &Conn, statements: &[Ddl]) -> Result<()> {
    // Compiled before anything is sent, so that a mistake in the last table creates none.
    statements.iter().try_for_each(|statement| conn.compile(statement).map(|_| ()))?;
    if statements.is_empty() {
        return Ok(());
    }
    if conn.target().features().ddl_commits {
        if conn.in_transaction() {
            let message = "changing the schema would commit the transaction that is open: end it first";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        return statements.iter().try_for_each(|statement| statement.run(conn));
    }
    conn.atomically(|conn| statements.iter().try_for_each(|statement| statement.run(conn)))
}

fn creating(conn: &Conn, tables: Vec<Table>) -> Result<Vec<Ddl>> {
    let features = conn.target().features();
    let (ordered, circle) = order(tables);
    let delay = !features.forward_foreign_keys && !circle.is_empty();
    if delay && !features.alter_foreign_keys {
        return Err(in_circle(&circle));
    }
    let mut statements = Vec::new();
    let mut later = Vec::new();
    for table in ordered.into_iter().chain(circle.iter().cloned()) {
        let def = table.def();
        let mut without_keys = Vec::new();
        if delay && circle.contains(&table) {
            for name in circular_keys(&def, &circle)? {
                later.push(Ddl::AddForeignKey { table: table.clone(), key: name.clone() });
                without_keys.push(name);
            }
        }
        statements.push(Ddl::CreateTable { table: table.clone(), if_not_exists: false, without_keys });
        statements.extend(Ddl::indexes(&table, conn.target()));
        statements.extend(Ddl::comments(&table, conn.target()));
    }
    statements.extend(later);
    Ok(statements)
}

fn dropping(conn: &Conn, tables: Vec<Table>) -> Result<Vec<Ddl>> {
    let (ordered, circle) = order(tables);
    let mut statements = Vec::new();
    if conn.target().features().alter_foreign_keys {
        for table in &circle {
            let keys = circular_keys(&table.def(), &circle)?;
            statements.extend(keys.into_iter().map(|key| Ddl::DropForeignKey { table: table.clone(), key }));
        }
    }
    let all = ordered.into_iter().chain(circle);
    let drops: Vec<Ddl> = all.map(|table| Ddl::DropTable { table, if_exists: false }).collect();
    statements.extend(drops.into_iter().rev());
    Ok(statements)
}

/// Tables in order, and those that are in circles or behind them.
fn order(tables: Vec<Table>) -> (Vec<Table>, Vec<Table>) {
    match sort_tables(tables.clone()) {
        Ok(ordered) => (ordered, Vec::new()),
        Err(circle) => {
            let rest = tables.into_iter().filter(|table| !circle.contains(table)).collect();
            (sort_tables(rest).unwrap_or_else(|left| left), circle)
        }
    }
}

/// The names of the foreign keys of a table that point into a circle.
fn circular_keys(def: &TableDef, circle: &[Table]) -> Result<Vec<Arc<str>>> {
    let inside = |key: &&crate::schema::ForeignKeyDef| {
        circle.iter().any(|t| t.name() == key.target.table.shared())
            && key.target.table.as_str() != def.name.as_str()
    };
    let keys = def.foreign_keys().iter().filter(inside);
    keys.map(|key| key.name.as_ref().map(|n| n.shared()).ok_or_else(|| in_circle(circle))).collect()
}

fn in_circle(circle: &[Table]) -> Error {
    let names: Vec<String> = circle.iter().map(|t| t.def().display_name()).collect();
    let message = format!("{} point to each other; name their foreign keys", names.join(", "));
    Error::new(ErrorKind::Cycle, message)
}
