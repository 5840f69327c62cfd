//! What of a schema is wanted, and how its columns become those of the program.
//!
//! Not here: reading and registering (`reflector`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::dialect::{ColumnFacts, Connection, Inspector, Scope, TableFacts};
use mirrorm_core::types::Type;

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
    pub(super) hooks: Vec<Hook>,
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wanted, hooks) = (self.wanted.len(), self.hooks.len());
        write!(f, "{wanted} conditions, {hooks} hooks, columns of {:?}", self.columns.keys())
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
}

/// A table as it was chosen, and the program's names of columns that have others than their own.
pub(super) fn kept<'t>(
    choices: &Choices,
    original: &'t TableFacts,
) -> (Cow<'t, TableFacts>, HashMap<String, String>) {
    let mut keys = HashMap::new();
    let listed = choices.columns.get(&original.name);
    if listed.is_none() && choices.hooks.is_empty() {
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
