//! What of a schema is wanted, and how its columns become those of the program.
//!
//! Not here: reading and registering (`reflector`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use mirrorm_core::dialect::{ColumnFacts, Connection, Inspector, KeyFacts, SchemaFacts, Scope, TableFacts};
use mirrorm_core::types::Type;
use mirrorm_core::{Error, ErrorKind, Result};

/// A column that is about to become part of a table. What is not changed stays as the database says.
#[derive(Debug)]
#[non_exhaustive]
pub struct ColumnChoice<'c> {
    /// What the database says of it.
    pub facts: &'c ColumnFacts,
    /// The name that the program uses; none is the column's own.
    pub key: Option<String>,
    /// The type that the program sees.
    pub ty: Type,
    /// Whether it is left out.
    pub skip: bool,
}

type Wanted = Arc<dyn Fn(&str) -> bool + Send + Sync>;
type Hook = Arc<dyn Fn(&TableFacts, &mut ColumnChoice<'_>) + Send + Sync>;

/// What a `Reflector` was told beside its scope.
#[derive(Clone, Default)]
pub(super) struct Choices {
    pub(super) wanted: Vec<Wanted>,
    pub(super) referred: bool,
    pub(super) columns: HashMap<String, HashSet<String>>,
    pub(super) keys: HashMap<String, Vec<String>>,
    pub(super) hooks: Vec<Hook>,
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wanted, hooks) = (self.wanted.len(), self.hooks.len());
        let (columns, keys) = (self.columns.keys(), self.keys.keys());
        write!(f, "{wanted} conditions, {hooks} hooks, columns of {columns:?}, keys of {keys:?}")
    }
}

impl Choices {
    /// The scope with the names that are wanted, where that takes asking for names.
    pub(super) fn narrow(
        &self,
        scope: &Scope,
        inspector: &dyn Inspector,
        connection: &dyn Connection,
    ) -> Result<Scope> {
        if self.wanted.is_empty() {
            return Ok(scope.clone());
        }
        let names = match &scope.only {
            Some(names) => names.clone(),
            None => {
                let all = inspector.names(connection, scope.schema.as_deref())?;
                all.into_iter().map(|(name, _)| name).collect()
            }
        };
        let only = names.into_iter().filter(|name| self.wanted.iter().all(|wanted| wanted(name))).collect();
        Ok(Scope { only: Some(only), ..scope.clone() })
    }

    /// What is said of tables and columns that are not there is a mistake.
    pub(super) fn check(&self, facts: &SchemaFacts) -> Result<()> {
        let columns = self.columns.iter().map(|(table, names)| (table, names.iter().collect::<Vec<_>>()));
        let keys = self.keys.iter().map(|(table, names)| (table, names.iter().collect()));
        for (table, names) in columns.chain(keys) {
            let Some(found) = facts.tables.iter().find(|found| found.name == *table) else {
                if facts.problems.iter().any(|problem| problem.object == *table) {
                    continue;
                }
                let message = no_such(table, facts.tables.iter().map(|found| found.name.as_str()));
                return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(table.as_str()));
            };
            let known = || found.columns.iter().map(|column| column.name.as_str());
            if let Some(name) = names.into_iter().find(|name| !known().any(|column| column == *name)) {
                let message = format!("table `{table}` has no column {}", no_such(name, known()));
                let error = Error::new(ErrorKind::NoSuchColumn, message);
                return Err(error.with_table(table.as_str()).with_columns([name.as_str()]));
            }
        }
        Ok(())
    }
}

/// Names differ by case more often than not; a miss says which name there is.
pub(super) fn no_such<'a>(missing: &str, known: impl Iterator<Item = &'a str>) -> String {
    let folded = missing.to_lowercase();
    match known.into_iter().find(|name| name.to_lowercase() == folded) {
        Some(name) => format!("`{missing}`, did you mean `{name}`?"),
        None => format!("`{missing}`"),
    }
}

/// A table as it was chosen, and the program's names of columns that have others than their own.
pub(super) fn kept<'t>(
    choices: &Choices,
    original: &'t TableFacts,
) -> (Cow<'t, TableFacts>, HashMap<String, String>) {
    let mut keys = HashMap::new();
    let listed = choices.columns.get(&original.name);
    let key = choices.keys.get(&original.name);
    if listed.is_none() && key.is_none() && choices.hooks.is_empty() {
        return (Cow::Borrowed(original), keys);
    }
    let mut table = original.clone();
    let columns = std::mem::take(&mut table.columns);
    let before = columns.len();
    for mut column in columns {
        if listed.is_some_and(|listed| !listed.contains(&column.name)) {
            continue;
        }
        let (key, ty, skip) = {
            let mut choice = ColumnChoice { facts: &column, key: None, ty: column.ty.clone(), skip: false };
            choices.hooks.iter().for_each(|hook| hook(original, &mut choice));
            (choice.key, choice.ty, choice.skip)
        };
        if !skip {
            keys.extend(key.map(|key| (column.name.clone(), key)));
            column.ty = ty;
            table.columns.push(column);
        }
    }
    if let Some(columns) = key {
        let key = KeyFacts { columns: columns.clone(), ..KeyFacts::default() };
        table.primary_key = Some(key).filter(|key| !key.columns.is_empty());
    }
    if table.columns.len() < before {
        drop_without_columns(&mut table);
    }
    (Cow::Owned(table), keys)
}

/// Takes away keys and indexes of columns that are not there.
fn drop_without_columns(table: &mut TableFacts) {
    let there: HashSet<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let whole = |names: &[String]| names.iter().all(|name| there.contains(name));
    table.primary_key = table.primary_key.take().filter(|key| whole(&key.columns));
    table.uniques.retain(|key| whole(&key.columns));
    table.foreign_keys.retain(|key| whole(&key.columns));
    table
        .indexes
        .retain(|index| index.elements.iter().filter_map(|e| e.column.as_ref()).all(|c| there.contains(c)));
}
