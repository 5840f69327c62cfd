//! Relationships: which there are (`registry`), what a program declares (`declare`), reading them
//! (`load`) and writing them (`write`): what was written (`noted`), also between records that nobody
//! saves (`unsaved`).

mod declare;
mod load;
mod noted;
mod ordered;
mod registry;
mod unsaved;
mod write;

use std::sync::Arc;

use mirrorm_core::schema::{Action, Table};
use mirrorm_reflect::RelationshipKind;

pub use declare::{RelationshipParts, relationship};
pub(crate) use load::Related;
pub(crate) use noted::{Hold, Links, Pointer};
pub(crate) use registry::{Map as RelationMap, Relations};

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

/// Whether two relationships are the same list, under whatever name.
pub(crate) fn same_list(a: &Relation, b: &Relation) -> bool {
    a.near == b.near && a.far == b.far && a.from == b.from
}
