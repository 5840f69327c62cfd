//! The registry of tables, by schema and name, in the order they were defined.
//!
//! Not here: creating them in a database (`engine`), nor reflecting (`mirrorm-reflect`).

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use indexmap::IndexMap;
use once_cell::sync::OnceCell;
use parking_lot::RwLock;

use super::name::Name;
use super::parts::{Existing, PartList, TableParts};
use super::table::{Table, TableDef};
use crate::error::{Error, ErrorKind, Result};
use crate::suggest::did_you_mean;
use crate::topo;

type Key = (Option<Arc<str>>, Arc<str>);

impl PartialEq for Metadata {
    /// The same registry.
    fn eq(&self, other: &Metadata) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A registry of tables. Clones share the same registry.
#[derive(Clone, Default)]
pub struct Metadata(Arc<Registry>);

#[derive(Default)]
struct Registry {
    tables: RwLock<IndexMap<Key, Table>>,
    /// Grows with every change, for what is derived from all tables.
    generation: AtomicU64,
    /// What a layer above derives from the tables.
    attached: OnceCell<Arc<dyn Any + Send + Sync>>,
}

/// A registry as its tables know it, without keeping it alive.
#[derive(Clone, Default)]
pub(super) struct WeakMetadata(Weak<Registry>);

impl WeakMetadata {
    pub(super) fn upgrade(&self) -> Option<Metadata> {
        self.0.upgrade().map(Metadata)
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.tables()).finish()
    }
}

fn key_of(def: &TableDef) -> Key {
    (def.schema.as_ref().map(Name::shared), def.name.shared())
}

impl Metadata {
    /// An empty registry.
    pub fn new() -> Metadata {
        Metadata::default()
    }

    /// Defines a table, or finds the one that is defined equally.
    ///
    /// A different definition of a taken name is an error, unless the parts hold
    /// [`extend_existing`](super::extend_existing) or [`keep_existing`](super::keep_existing).
    ///
    /// # Errors
    /// `Duplicate` as above and for two columns of one name, `Invalid` for an empty name and for
    /// constraints over nothing, `NoSuchColumn` for constraints over columns that are not there.
    pub fn define(&self, name: impl Into<Name>, parts: impl TableParts) -> Result<Table> {
        let mut list = PartList::default();
        parts.add_to(&mut list);
        self.define_list(name.into(), list)
    }

    fn define_list(&self, name: Name, list: PartList) -> Result<Table> {
        let existing = list.existing;
        let key = (list.schema.as_ref().map(Name::shared), name.shared());
        // What is replaced is dropped after the lock: it holds functions and types of the program's.
        let (now, parts);
        let mut tables = self.0.tables.write();
        let Some(table) = tables.get(&key) else {
            self.0.generation.fetch_add(1, Ordering::AcqRel);
            let registry = WeakMetadata(Arc::downgrade(&self.0));
            let table = Table::from_def(TableDef::build(name, list, None)?, registry);
            tables.insert(key, table.clone());
            return Ok(table);
        };
        now = table.def();
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        match existing {
            Existing::Keep => {}
            Existing::Extend => {
                parts = now.extended(list);
                if !same_parts(&now.parts, &parts) {
                    table.replace(TableDef::build(name, parts, Some(&now))?);
                }
            }
            Existing::Replace if now.is_reflected() && list != now.parts => {
                table.replace(TableDef::build(name, list, Some(&now))?);
            }
            Existing::Replace => {}
            Existing::Refuse if same_parts(&now.parts, &list) => {}
            Existing::Refuse => return Err(defined_differently(&now, &list)),
        }
        Ok(table.clone())
    }

    /// The table of this name in the default schema.
    pub fn get(&self, name: &str) -> Option<Table> {
        self.get_in(None, name)
    }

    /// The table of this name in a schema.
    pub fn get_in(&self, schema: Option<&str>, name: &str) -> Option<Table> {
        let key: Key = (schema.map(Arc::from), Arc::from(name));
        self.0.tables.read().get(&key).cloned()
    }

    /// The table of this name; `schema.name` finds tables of other schemas.
    ///
    /// # Errors
    /// `NoSuchTable`, with near names.
    pub fn table_named(&self, name: &str) -> Result<Table> {
        let split = || name.split_once('.').and_then(|(s, n)| self.get_in(Some(s), n));
        if let Some(table) = self.get(name).or_else(split) {
            return Ok(table);
        }
        let known: Vec<String> = self.tables().iter().map(|t| t.def().display_name()).collect();
        let near = did_you_mean(name, known.iter().map(String::as_str));
        let hint = if known.is_empty() { ": define it or reflect the database first" } else { "" };
        let message = format!("`{name}`{near}{hint}");
        Err(Error::new(ErrorKind::NoSuchTable, message).with_table(name))
    }

    /// All tables in the order they were defined.
    pub fn tables(&self) -> Vec<Table> {
        self.0.tables.read().values().cloned().collect()
    }

    /// Forgets a table. Handles of it stay usable; the name is free.
    pub fn remove(&self, table: &Table) -> bool {
        let key = key_of(&table.def());
        let mut tables = self.0.tables.write();
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        let same = tables.get(&key).is_some_and(|found| found == table);
        // The caller holds it too, so nothing of the program's goes here.
        same && tables.shift_remove(&key).is_some()
    }

    /// Forgets all tables.
    pub fn clear(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        let gone = std::mem::take(&mut *self.0.tables.write());
        drop(gone);
    }

    /// What a layer above keeps with the tables, made at first use.
    #[doc(hidden)]
    pub fn attached<T: Any + Send + Sync + Default>(&self) -> Option<Arc<T>> {
        self.0.attached.get_or_init(|| Arc::new(T::default())).clone().downcast().ok()
    }

    /// A number that grows with every change, for what is derived from all tables.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The tables, each after those its foreign keys point to.
    ///
    /// # Errors
    /// `Cycle` naming the tables that refer to each other in a circle.
    pub fn sorted_tables(&self) -> Result<Vec<Table>> {
        sort_tables(self.tables()).map_err(|circle| {
            let names: Vec<String> = circle.iter().map(|t| t.def().display_name()).collect();
            Error::new(ErrorKind::Cycle, names.join(", "))
        })
    }
}

/// Sorts tables by their foreign keys; the error holds the tables in circles.
pub(crate) fn sort_tables(tables: Vec<Table>) -> Result<Vec<Table>, Vec<Table>> {
    let defs: Vec<Arc<TableDef>> = tables.iter().map(Table::def).collect();
    let at: HashMap<Key, usize> = defs.iter().enumerate().map(|(i, def)| (key_of(def), i)).collect();
    let depends: Vec<Vec<usize>> = defs
        .iter()
        .map(|def| def.foreign_keys.iter().filter_map(|key| at.get(&target_key(def, key)).copied()).collect())
        .collect();
    let pick = |order: Vec<usize>| order.into_iter().filter_map(|i| tables.get(i).cloned()).collect();
    topo::sort(tables.len(), &depends).map(pick).map_err(pick)
}

/// Under which key of a registry a foreign key's target stands.
fn target_key(def: &TableDef, key: &super::ForeignKeyDef) -> Key {
    let schema = key.target.schema.as_ref().or(def.schema.as_ref());
    (schema.map(Name::shared), key.target.table.shared())
}

/// Whether two lists define the same table, however they came to be.
fn same_parts(a: &PartList, b: &PartList) -> bool {
    let plain = |list: &PartList| PartList { existing: Existing::Refuse, extended: false, ..list.clone() };
    a == b || plain(a) == plain(b)
}

fn defined_differently(now: &TableDef, list: &PartList) -> Error {
    let table = now.display_name();
    let differs = |c: &super::Column| !now.parts.columns.contains(c);
    let names: Vec<String> =
        list.columns.iter().filter(|c| differs(c)).map(|c| format!("`{}`", c.name)).collect();
    let what = if names.is_empty() { "other parts".to_string() } else { names.join(", ") };
    let message = format!(
        "table `{table}` exists with another definition (different: {what}); \
         say `extend_existing()` or `keep_existing()`, or look it up with `table_named`"
    );
    Error::new(ErrorKind::Duplicate, message).with_table(table)
}
