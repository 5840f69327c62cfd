//! The registry of tables, by bind, schema and name, in the order they were defined.
//!
//! A [`Metadata`] sees the tables of one bind, the default one or a named one; all those of a
//! program are views of one registry, so that the same name may stand in several databases.
//!
//! Not here: creating them in a database (`engine`), nor reflecting (`mirrorm-reflect`).

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use indexmap::{IndexMap, IndexSet};
use once_cell::sync::OnceCell;
use parking_lot::RwLock;

use super::name::Name;
use super::naming::NamingConvention;
use super::parts::{Existing, PartList, TableParts};
use super::table::{Table, TableDef};
use crate::error::{Error, ErrorKind, Result};
use crate::suggest::did_you_mean;
use crate::topo;

/// Bind, schema, name.
type Key = (Option<Arc<str>>, Option<Arc<str>>, Arc<str>);

impl PartialEq for Metadata {
    /// The same registry, seen through the same bind.
    fn eq(&self, other: &Metadata) -> bool {
        self.is_of(other) && self.bind == other.bind
    }
}

/// The tables of one bind in a registry. Clones share the same registry.
#[derive(Clone, Default)]
pub struct Metadata {
    registry: Arc<Registry>,
    bind: Option<Arc<str>>,
}

#[derive(Default)]
struct Registry {
    tables: RwLock<IndexMap<Key, Table>>,
    /// Grows with every change, for what is derived from all tables.
    generation: AtomicU64,
    /// What a layer above derives from the tables.
    attached: OnceCell<Arc<dyn Any + Send + Sync>>,
    /// The schema of tables that name none.
    schema: Option<Name>,
    naming: Option<Arc<NamingConvention>>,
}

/// A registry as its tables know it, without keeping it alive.
#[derive(Clone, Default)]
pub(super) struct WeakMetadata(Weak<Registry>);

impl WeakMetadata {
    pub(super) fn upgrade(&self, bind: Option<&Arc<str>>) -> Option<Metadata> {
        self.0.upgrade().map(|registry| Metadata { registry, bind: bind.cloned() })
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.tables()).finish()
    }
}

fn key_of(def: &TableDef) -> Key {
    (def.bind.clone(), def.schema.as_ref().map(Name::shared), def.name.shared())
}

impl Metadata {
    /// An empty registry.
    pub fn new() -> Metadata {
        Metadata::default()
    }

    /// An empty registry of the same bind with a default schema: tables defined without one are in it,
    /// and so are those that are looked up by name alone and those that are reflected.
    pub fn with_schema(self, schema: impl Into<Name>) -> Metadata {
        let naming = self.registry.naming.clone();
        self.anew(Some(schema.into()), naming)
    }

    /// An empty registry of the same bind and default schema with a naming convention, which holds for
    /// every bind.
    pub fn with_naming(self, naming: NamingConvention) -> Metadata {
        let schema = self.registry.schema.clone();
        self.anew(schema, Some(Arc::new(naming)))
    }

    fn anew(self, schema: Option<Name>, naming: Option<Arc<NamingConvention>>) -> Metadata {
        let registry = Registry { schema, naming, ..Registry::default() };
        Metadata { registry: Arc::new(registry), bind: self.bind }
    }

    /// The schema of tables that name none; none is the connection's.
    pub fn schema(&self) -> Option<&Name> {
        self.registry.schema.as_ref()
    }

    /// The tables of another bind, of the same registry; none is the default one.
    pub fn for_bind(&self, bind: Option<&str>) -> Metadata {
        Metadata { registry: self.registry.clone(), bind: bind.map(Arc::from) }
    }

    /// The bind whose tables these are; none is the default one.
    pub fn bind(&self) -> Option<&Arc<str>> {
        self.bind.as_ref()
    }

    /// Whether two are views of the same registry.
    pub fn is_of(&self, other: &Metadata) -> bool {
        Arc::ptr_eq(&self.registry, &other.registry)
    }

    /// The tables of every bind that has any, each bind in the order of its first table; the default
    /// one stands first.
    pub fn views(&self) -> Vec<Metadata> {
        let mut binds: IndexSet<Option<Arc<str>>> = IndexSet::from([None]);
        binds.extend(self.registry.tables.read().keys().map(|key| key.0.clone()));
        let view = |bind| Metadata { registry: self.registry.clone(), bind };
        binds.into_iter().map(view).collect()
    }

    /// Defines a table, or finds the one that is defined equally. Parts that name a bind are of that
    /// one.
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

    fn define_list(&self, name: Name, mut list: PartList) -> Result<Table> {
        list.bind = list.bind.or_else(|| self.bind.clone());
        list.schema = list.schema.or_else(|| self.registry.schema.clone());
        list.naming.clone_from(&self.registry.naming);
        let key = (list.bind.clone(), list.schema.as_ref().map(Name::shared), name.shared());
        if !self.registry.tables.read().contains_key(&key) {
            // Made without the lock: a mistake in it drops functions and types of the program's.
            let def = TableDef::build(name.clone(), list, None)?;
            let mut tables = self.registry.tables.write();
            if !tables.contains_key(&key) {
                self.registry.generation.fetch_add(1, Ordering::AcqRel);
                let registry = WeakMetadata(Arc::downgrade(&self.registry));
                let table = Table::from_def(def, registry);
                tables.insert(key, table.clone());
                return Ok(table);
            }
            drop(tables);
            list = def.parts;
        }
        self.redefine(&key, name, list)
    }

    /// Defines a table of a name that is taken.
    fn redefine(&self, key: &Key, name: Name, mut list: PartList) -> Result<Table> {
        let existing = list.existing;
        // What is replaced or refused is dropped after the lock, as above.
        let _held = list.clone();
        let (now, parts);
        if existing == Existing::Refuse {
            list.settle_attributes(&name)?;
        }
        let tables = self.registry.tables.write();
        let Some(table) = tables.get(key) else {
            // It went meanwhile.
            drop(tables);
            return self.define_list(name, list);
        };
        now = table.def();
        self.registry.generation.fetch_add(1, Ordering::AcqRel);
        match existing {
            Existing::Keep => {}
            Existing::Extend => {
                let is_model = now.parts.model.is_some() && list.model.is_some();
                let mut extended = now.extended(list);
                let settled = extended.settle_attributes(&name);
                parts = extended;
                settled?;
                let same = same_parts(&now.parts, &parts);
                if is_model && !same {
                    return Err(another_model(&now, &parts));
                }
                if !same {
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

    /// Gives a table the definition it had before.
    ///
    /// # Errors
    /// None that the definition had not when it was made.
    #[doc(hidden)]
    pub fn put_back(&self, table: &Table, before: &TableDef) -> Result<()> {
        let now = table.def();
        let def = TableDef::build(before.name.clone(), before.parts.clone(), Some(&now))?;
        table.replace(def);
        self.registry.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// The table of this name in the default schema.
    pub fn get(&self, name: &str) -> Option<Table> {
        self.get_in(self.registry.schema.as_ref().map(Name::as_str), name)
    }

    /// The table of this name in a schema; none is the connection's.
    pub fn get_in(&self, schema: Option<&str>, name: &str) -> Option<Table> {
        let key: Key = (self.bind.clone(), schema.map(Arc::from), Arc::from(name));
        self.registry.tables.read().get(&key).cloned()
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

    /// The tables of this bind in the order they were defined.
    pub fn tables(&self) -> Vec<Table> {
        let tables = self.registry.tables.read();
        tables.iter().filter(|(key, _)| key.0 == self.bind).map(|(_, table)| table.clone()).collect()
    }

    /// The tables of all binds in the order they were defined.
    pub fn all_tables(&self) -> Vec<Table> {
        self.registry.tables.read().values().cloned().collect()
    }

    /// Forgets a table. Handles of it stay usable; the name is free.
    pub fn remove(&self, table: &Table) -> bool {
        let key = key_of(&table.def());
        let mut tables = self.registry.tables.write();
        self.registry.generation.fetch_add(1, Ordering::AcqRel);
        let same = tables.get(&key).is_some_and(|found| found == table);
        // The caller holds it too, so nothing of the program's goes here.
        same && tables.shift_remove(&key).is_some()
    }

    /// Forgets all tables of this bind.
    pub fn clear(&self) {
        let mut tables = self.registry.tables.write();
        self.registry.generation.fetch_add(1, Ordering::AcqRel);
        let (gone, kept) = std::mem::take(&mut *tables).into_iter().partition(|(key, _)| key.0 == self.bind);
        *tables = kept;
        drop(tables);
        drop::<IndexMap<Key, Table>>(gone);
    }

    /// What a layer above keeps with the tables, made at first use.
    #[doc(hidden)]
    pub fn attached<T: Any + Send + Sync + Default>(&self) -> Option<Arc<T>> {
        self.registry.attached.get_or_init(|| Arc::new(T::default())).clone().downcast().ok()
    }

    /// A number that grows with every change, for what is derived from all tables.
    pub fn generation(&self) -> u64 {
        self.registry.generation.load(Ordering::Acquire)
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

/// Sorts tables by their foreign keys, and what they have their columns from; the error holds the tables in circles.
pub(crate) fn sort_tables(tables: Vec<Table>) -> Result<Vec<Table>, Vec<Table>> {
    let defs: Vec<Arc<TableDef>> = tables.iter().map(Table::def).collect();
    let at: HashMap<Key, usize> = defs.iter().enumerate().map(|(i, def)| (key_of(def), i)).collect();
    let depends: Vec<Vec<usize>> = defs
        .iter()
        .map(|def| {
            let keys = def.foreign_keys.iter().flat_map(|key| target_keys(def, key));
            let others = if def.has_inherited_columns() { &defs[..] } else { &[] };
            let wholes =
                others.iter().enumerate().filter(|(_, other)| def.has_columns_from(other)).map(|(i, _)| i);
            keys.filter_map(|key| at.get(&key).copied()).chain(wholes).collect()
        })
        .collect();
    let pick = |order: Vec<usize>| order.into_iter().filter_map(|i| tables.get(i).cloned()).collect();
    topo::sort(tables.len(), &depends).map(pick).map_err(pick)
}

/// Under which keys of a registry a foreign key's target may stand.
fn target_keys(def: &TableDef, key: &super::ForeignKeyDef) -> impl Iterator<Item = Key> {
    let schema = key.target.schema.as_ref().or(def.schema.as_ref());
    let of = |schema: Option<&Name>| (def.bind.clone(), schema.map(Name::shared), key.target.table.shared());
    let others = key.target.in_default.then(|| of(None));
    std::iter::once(of(schema)).chain(others)
}

/// Whether two lists define the same table, however they came to be.
fn same_parts(a: &PartList, b: &PartList) -> bool {
    let plain = |list: &PartList| PartList { existing: Existing::Refuse, extended: false, ..list.clone() };
    a == b || plain(a) == plain(b)
}

/// Two models of one table have to be the same.
fn another_model(now: &TableDef, parts: &PartList) -> Error {
    let table = now.display_name();
    let name = |parts: &PartList| parts.model.as_deref().unwrap_or_default().to_string();
    let message = format!(
        "table `{table}` is the model `{}` already, and `{}` says otherwise; give one of them a table name of its own",
        name(&now.parts),
        name(parts)
    );
    Error::new(ErrorKind::Duplicate, message).with_table(table)
}

fn defined_differently(now: &TableDef, list: &PartList) -> Error {
    let table = now.display_name();
    let differs = |c: &Arc<super::Column>| !now.parts.columns.contains(c);
    let names: Vec<String> =
        list.columns.iter().filter(|c| differs(c)).map(|c| format!("`{}`", c.name)).collect();
    let what = if names.is_empty() { "other parts".to_string() } else { names.join(", ") };
    let message = format!(
        "table `{table}` exists with another definition (different: {what}); \
         say `extend_existing()` or `keep_existing()`, or look it up with `table_named`"
    );
    Error::new(ErrorKind::Duplicate, message).with_table(table)
}
