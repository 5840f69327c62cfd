//! The relationships of the tables of a `Db`: those of the foreign keys, and those declared.
//!
//! They are derived anew when a table was defined or changed since.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indexmap::IndexMap;
use mirrorm_core::internal::did_you_mean;
use mirrorm_core::schema::{Metadata, Table, TableId};
use mirrorm_core::{Error, ErrorKind, Result};

use parking_lot::RwLock;

use super::declare::Declared;

use super::{KeyLink, OnParentDelete, Relation};
use crate::relate::candidates;
use crate::{Relationship, RelationshipKind};

/// The relationships of one table by name.
type Named = IndexMap<Arc<str>, Arc<Relation>>;

/// All relationships, as of a generation of the registry of tables and a number of declarations.
#[derive(Default)]
pub struct Map {
    versions: (u64, u64),
    tables: HashMap<TableId, Named>,
}

/// A relationship of a foreign key that is about to become one of its table's.
#[derive(Debug)]
#[non_exhaustive]
pub struct RelationshipChoice<'r> {
    /// What was found, with the name it would have.
    pub found: &'r Relationship,
    /// Its name. One that a column or another relationship has already gets a number.
    pub name: String,
    /// Whether it is left out.
    pub skip: bool,
    /// Whether one through a table that has further columns than two keys is taken, which it is not unless this is
    /// made true. Rows that it adds leave those columns to the database; a deleted record's rows there are left to
    /// their foreign key, since they hold more than the link.
    pub link: bool,
}

/// What a program has to say of each relationship.
pub type RelationshipHook = Arc<dyn Fn(&mut RelationshipChoice<'_>) + Send + Sync>;

/// The relationships of a `Db`.
#[derive(Default)]
pub struct Relations {
    declared: RwLock<Vec<Declared>>,
    hook: RwLock<Option<RelationshipHook>>,
    /// How often something was declared.
    declarations: AtomicU64,
    map: RwLock<Option<Arc<Map>>>,
}

impl Relations {
    /// Declares a relationship.
    pub fn declare(&self, metadata: &Metadata, declared: Declared) -> Result<()> {
        // Resolved once now, so that a mistake is an error here.
        declared.resolve(&metadata.all_tables())?;
        let mut list = self.declared.write();
        list.retain(|other| !(other.from == declared.from && other.name == declared.name));
        list.push(declared);
        self.declarations.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Those that were declared, to be [put back](Relations::put_back).
    pub fn declared(&self) -> Vec<Declared> {
        self.declared.read().clone()
    }

    /// Declares these and no others.
    pub fn put_back(&self, declared: Vec<Declared>) {
        let replaced = std::mem::replace(&mut *self.declared.write(), declared);
        self.declarations.fetch_add(1, Ordering::AcqRel);
        drop(replaced);
    }

    /// What to ask of each relationship of a foreign key, in the place of what was asked before.
    pub fn set_hook(&self, hook: RelationshipHook) {
        let replaced = self.hook.write().replace(hook);
        self.declarations.fetch_add(1, Ordering::AcqRel);
        drop(replaced);
    }

    /// The relationships as they are now.
    pub fn map(&self, metadata: &Metadata) -> Arc<Map> {
        // Asked before anything is read: what changes meanwhile makes the map old at once.
        let versions = (metadata.generation(), self.declarations.load(Ordering::Acquire));
        if let Some(known) = self.map.read().as_ref().filter(|known| known.versions == versions) {
            return known.clone();
        }
        let mut map = Map { versions, tables: HashMap::new() };
        // The hook is the program's: it is called while nothing is locked.
        let hook = self.hook.read().clone();
        let mut tables = Vec::new();
        for view in metadata.views() {
            // A name is of one bind.
            let own = view.tables();
            for found in candidates(&own) {
                map.add_derived(&found, hook.as_ref());
            }
            tables.extend(own);
        }
        for declared in self.declared.read().iter() {
            // A table it names may be gone since: then so is the relationship.
            if let Ok(relation) = declared.resolve(&tables) {
                map.add(relation, true);
            }
        }
        let map = Arc::new(map);
        *self.map.write() = Some(map.clone());
        map
    }
}

impl Map {
    /// Enters a relationship of a foreign key, as the hook has it.
    fn add_derived(&mut self, found: &Relationship, hook: Option<&RelationshipHook>) {
        let Some(hook) = hook else {
            if found.is_plain() {
                self.add(derived(found), false);
            }
            return;
        };
        let mut choice = RelationshipChoice { found, name: found.name.clone(), skip: false, link: false };
        hook(&mut choice);
        if choice.skip || !found.is_plain() && !choice.link {
            return;
        }
        let def = found.from.def();
        let is_free =
            |name: &String| !def.columns().any(|c| c.key() == name) && self.get(&found.from, name).is_none();
        let numbered = (2..).map(|n| format!("{}_{n}", choice.name));
        let name = std::iter::once(choice.name.clone()).chain(numbered).find(is_free).unwrap_or_default();
        self.add(Relation { name: Arc::from(name), ..derived(found) }, false);
    }

    /// Enters a relationship. One that was declared takes the place of the one that would have been
    /// derived from the same key.
    fn add(&mut self, relation: Relation, declared: bool) {
        let named = self.tables.entry(relation.from.id()).or_default();
        if declared && !relation.view_only {
            named.retain(|_, other| !(super::same_list(other, &relation) && other.kind == relation.kind));
        }
        named.insert(relation.name.clone(), Arc::new(relation));
    }

    /// The relationships of a table.
    pub fn of(&self, table: &Table) -> impl Iterator<Item = &Arc<Relation>> {
        self.tables.get(&table.id()).into_iter().flat_map(IndexMap::values)
    }

    /// The relationships that lead to a table.
    pub fn to(&self, table: &Table) -> impl Iterator<Item = &Arc<Relation>> {
        self.tables.values().flat_map(IndexMap::values).filter(move |relation| relation.to == *table)
    }

    fn get(&self, table: &Table, name: &str) -> Option<&Arc<Relation>> {
        self.tables.get(&table.id())?.get(name)
    }

    /// The relationship of a name.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names.
    pub fn find(&self, table: &Table, name: &str) -> Result<&Arc<Relation>> {
        self.get(table, name).ok_or_else(|| {
            let near = did_you_mean(name, self.of(table).map(|relation| &*relation.name));
            let table = table.def().display_name();
            let message = format!("`{table}` has no relationship `{name}`{near}");
            Error::new(ErrorKind::NoSuchColumn, message).with_table(table).with_columns([name])
        })
    }

    /// The relationship that leads to those who hold a key, from what it points to.
    pub fn list_of(&self, key: &KeyLink) -> Option<&Arc<Relation>> {
        let leads = |relation: &&Arc<Relation>| {
            relation.far.is_none()
                && !relation.view_only
                && relation.from == key.referred
                && *relation.near == *key
        };
        self.of(&key.referred).find(|r| r.kind != RelationshipKind::ManyToOne && leads(r))
    }

    /// The relationship that leads back.
    pub fn reverse(&self, relation: &Relation) -> Option<&Arc<Relation>> {
        self.of(&relation.to).find(|other| !other.view_only && other.is_reverse_of(relation))
    }
}

fn shared(names: &[String]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(name.as_str())).collect()
}

/// A relationship of a foreign key.
fn derived(found: &Relationship) -> Relation {
    let link = |holder: &Table, columns: &[String], referred: &Table, targets: &[String]| {
        Arc::new(KeyLink {
            holder: holder.clone(),
            columns: shared(columns),
            referred: referred.clone(),
            targets: shared(targets),
        })
    };
    let (near, far) = match (&found.kind, &found.through) {
        (RelationshipKind::ManyToMany, Some(between)) => (
            link(&between.table, &between.from_columns, &found.from, &found.from_columns),
            Some(link(&between.table, &between.to_columns, &found.to, &found.to_columns)),
        ),
        (RelationshipKind::ManyToOne, _) => {
            (link(&found.from, &found.from_columns, &found.to, &found.to_columns), None)
        }
        _ => (link(&found.to, &found.to_columns, &found.from, &found.from_columns), None),
    };
    Relation {
        name: Arc::from(found.name.as_str()),
        from: found.from.clone(),
        to: found.to.clone(),
        kind: found.kind,
        on_delete: if found.is_plain() {
            on_delete(&near, found.kind)
        } else {
            on_delete(&near, RelationshipKind::OneToMany)
        },
        near,
        far,
        order: Vec::new(),
        only: None,
        view_only: false,
        owns: false,
    }
}

/// What the foreign key of a relationship says happens when the row it points to is deleted.
pub(super) fn on_delete(link: &KeyLink, kind: RelationshipKind) -> OnParentDelete {
    match kind {
        RelationshipKind::ManyToOne => return OnParentDelete::Leave,
        // A row that only links two others goes with either.
        RelationshipKind::ManyToMany => return OnParentDelete::Delete,
        _ => {}
    }
    let def = link.holder.def();
    let named = |positions: &[usize]| {
        let keys = positions.iter().filter_map(|at| def.column_at(*at)).map(|column| column.key());
        keys.eq(link.columns.iter().map(|key| &**key))
    };
    let key = def.foreign_keys().iter().find(|key| named(&key.columns));
    key.map_or(OnParentDelete::Leave, |key| OnParentDelete::of(key.on_delete))
}
