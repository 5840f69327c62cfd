//! Relationships: which there are (`registry`), reading them (`load`), writing them (`write`) before
//! the records are saved (`unsaved`), and what a program declares (`declare`).

mod declare;
mod load;
mod registry;
mod unsaved;
mod write;

use std::sync::{Arc, Weak};

use indexmap::IndexMap;
use mirrorm_core::schema::{Action, ColumnId, Table};
use mirrorm_core::value::Value;
use mirrorm_reflect::RelationshipKind;

pub use declare::{RelationshipParts, relationship};
pub(crate) use load::Related;
pub(crate) use registry::{Map as RelationMap, Relations};

use crate::record::{Record, RecordInner};

/// What happens to the rows that point to a row when a session deletes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnParentDelete {
    /// The session leaves them to the database, which refuses, or does what its foreign key says.
    Leave,
    /// The session deletes them too, and reports it.
    Delete,
    /// The session sets their key to NULL, and reports it.
    Nullify,
}

impl OnParentDelete {
    /// What a foreign key says the database does.
    pub(crate) fn of(action: Action) -> OnParentDelete {
        match action {
            Action::Cascade => OnParentDelete::Delete,
            Action::SetNull => OnParentDelete::Nullify,
            _ => OnParentDelete::Leave,
        }
    }
}

/// Columns of one table that point to columns of another: a foreign key, or what a program says is
/// one.
#[derive(Debug)]
pub(crate) struct KeyLink {
    /// The table that holds the key,
    pub(crate) holder: Table,
    /// its columns,
    pub(crate) columns: Vec<Arc<str>>,
    /// the table they point to,
    pub(crate) referred: Table,
    /// and its columns.
    pub(crate) targets: Vec<Arc<str>>,
}

impl PartialEq for KeyLink {
    fn eq(&self, other: &KeyLink) -> bool {
        self.holder == other.holder
            && self.columns == other.columns
            && self.referred == other.referred
            && self.targets == other.targets
    }
}

/// A relationship of a table, resolved.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) name: Arc<str>,
    pub(crate) from: Table,
    pub(crate) to: Table,
    pub(crate) kind: RelationshipKind,
    /// The key that connects the two, or the start with the table between.
    pub(crate) near: Arc<KeyLink>,
    /// For many-to-many: the key that connects the table between with the end.
    pub(crate) far: Option<Arc<KeyLink>>,
    pub(crate) on_delete: OnParentDelete,
}

impl Relation {
    /// Whether it leads to one row at most.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.kind, RelationshipKind::ManyToOne | RelationshipKind::OneToOne)
    }

    /// Whether the other leads the same way back.
    pub(crate) fn is_reverse_of(&self, other: &Relation) -> bool {
        let same_key = match (&self.far, &other.far) {
            (None, None) => self.near == other.near,
            (Some(far), Some(other_far)) => *far == other.near && self.near == *other_far,
            _ => false,
        };
        let holds = |relation: &Relation| relation.kind == RelationshipKind::ManyToOne;
        same_key && (self.far.is_some() || holds(self) != holds(other))
    }
}

/// Relationships of a record that were written and not flushed.
#[derive(Clone, Default)]
pub(crate) struct Links {
    /// Keys this record holds, and the record each is to point to.
    pub(crate) one: Vec<(Arc<KeyLink>, Option<Hold>)>,
    /// Lists of this record that changed.
    pub(crate) many: Vec<ListChange>,
    /// What a flush copied from the records pointed to.
    pub(crate) copied: Vec<(ColumnId, Value)>,
}

/// How a list of a record changed: records by their address, in the order they were written.
#[derive(Clone)]
pub(crate) struct ListChange {
    pub(crate) relation: Arc<Relation>,
    pub(crate) added: IndexMap<usize, Hold>,
    pub(crate) removed: IndexMap<usize, Record>,
}

/// A record at the other end. The side that was written holds it strongly, the other side weakly,
/// so that records which never reach a session do not keep each other alive.
#[derive(Clone)]
pub(crate) enum Hold {
    Strong(Record),
    Weak(Weak<RecordInner>),
}

impl Hold {
    /// The record, if it lives.
    pub(crate) fn record(&self) -> Option<Record> {
        match self {
            Hold::Strong(record) => Some(record.clone()),
            Hold::Weak(weak) => weak.upgrade().map(Record),
        }
    }

    /// What names the record; nobody else can have it while this is held.
    fn address(&self) -> usize {
        match self {
            Hold::Strong(record) => record.address(),
            Hold::Weak(weak) => weak.as_ptr() as usize,
        }
    }
}

impl Drop for Links {
    /// One record after the other: a long chain of records must not be dropped by recursion.
    fn drop(&mut self) {
        let mut todo = self.take_strong();
        while let Some(record) = todo.pop() {
            let last = Arc::into_inner(record.0);
            if let Some(mut links) = last.and_then(|inner| inner.state.into_inner().links) {
                todo.append(&mut links.take_strong());
            }
        }
    }
}

impl Links {
    /// The records it holds strongly, which it lets go.
    fn take_strong(&mut self) -> Vec<Record> {
        let one = std::mem::take(&mut self.one).into_iter().filter_map(|(_, hold)| hold);
        let many = std::mem::take(&mut self.many);
        let many = many
            .into_iter()
            .flat_map(|list| list.added.into_values().chain(list.removed.into_values().map(Hold::Strong)));
        let strong = |hold| match hold {
            Hold::Strong(record) => Some(record),
            Hold::Weak(_) => None,
        };
        one.chain(many).filter_map(strong).collect()
    }

    /// The columns that a flush fills from the records pointed to.
    pub(crate) fn copied_columns(&self, table: &Table) -> Vec<ColumnId> {
        let def = table.def();
        let keys = self.one.iter().flat_map(|(link, _)| link.columns.iter());
        keys.filter_map(|key| def.column(key).ok().map(|column| column.id())).collect()
    }

    /// Whether nothing is left to be flushed.
    fn is_empty(&self) -> bool {
        self.one.is_empty() && self.many.iter().all(|list| list.added.is_empty() && list.removed.is_empty())
    }

    /// Changes what is noted of a list.
    fn edit(&mut self, relation: &Arc<Relation>, change: impl FnOnce(&mut ListChange)) {
        match self.many.iter_mut().find(|list| same_list(&list.relation, relation)) {
            Some(list) => change(list),
            None => {
                let (added, removed) = (IndexMap::new(), IndexMap::new());
                let mut list = ListChange { relation: relation.clone(), added, removed };
                change(&mut list);
                self.many.push(list);
            }
        }
    }
}

/// Whether two relationships are the same list, under whatever name.
pub(crate) fn same_list(a: &Relation, b: &Relation) -> bool {
    a.near == b.near && a.far == b.far && a.from == b.from
}
