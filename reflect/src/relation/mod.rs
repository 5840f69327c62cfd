//! The relationships a session works with: those of the foreign keys and those a program declares,
//! resolved to tables and columns.
//!
//! Here is what a relationship is; `declare` has what programs say, `registry` keeps all of a `Db`.
//! How foreign keys become relationships stands in `relate`; reading and writing them is the
//! session's work.

mod declare;
mod registry;

use std::fmt;
use std::sync::Arc;

use mirrorm_core::expr::Expr;
use mirrorm_core::schema::{Action, Table};

use crate::RelationshipKind;

pub use declare::{Declared, RelationshipParts, relationship};
pub use registry::{Map as RelationMap, Relations, RelationshipChoice, RelationshipHook};

/// What happens to the rows that point to a row when a session deletes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnParentDelete {
    /// The session leaves them to the database, which refuses, or does what its foreign key says.
    Leave,
    /// The session deletes them too, and reports it.
    Delete,
    /// The session sets their key to NULL, and reports it.
    Nullify,
    /// The session deletes those of them that it holds, and leaves the others to the database, whose foreign key has to
    /// say so: for rows that are too many to be read. Those are not reported.
    DeleteLoaded,
}

/// A condition on the rows that a relationship leads to, over their columns by name.
#[derive(Clone)]
pub struct Only(pub(super) Arc<OnlyFn>);

pub(super) type OnlyFn = dyn Fn(&dyn Fn(&str) -> Expr) -> Expr + Send + Sync;

impl Only {
    /// The condition over these columns. Code of the program runs in here.
    pub fn on(&self, column: impl Fn(&str) -> Expr) -> Expr {
        (self.0)(&column)
    }
}

impl fmt::Debug for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Only")
    }
}

impl OnParentDelete {
    /// What a foreign key says the database does.
    pub fn of(action: Action) -> OnParentDelete {
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
pub struct KeyLink {
    /// The table that holds the key,
    pub holder: Table,
    /// its columns,
    pub columns: Vec<Arc<str>>,
    /// the table they point to,
    pub referred: Table,
    /// and its columns.
    pub targets: Vec<Arc<str>>,
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
pub struct Relation {
    pub name: Arc<str>,
    pub from: Table,
    pub to: Table,
    pub kind: RelationshipKind,
    /// The key that connects the two, or the start with the table between.
    pub near: Arc<KeyLink>,
    /// For many-to-many: the key that connects the table between with the end.
    pub far: Option<Arc<KeyLink>>,
    pub on_delete: OnParentDelete,
    /// The order its rows are loaded in; empty is the database's.
    pub order: Vec<Expr>,
    /// Which of the rows it leads to are meant.
    pub only: Option<Only>,
    /// Whether it is read and not written.
    pub view_only: bool,
    /// Whether a row that is taken out of it is deleted.
    pub owns: bool,
}

impl Relation {
    /// Whether it leads to one row at most.
    pub fn is_one(&self) -> bool {
        matches!(self.kind, RelationshipKind::ManyToOne | RelationshipKind::OneToOne)
    }

    /// Whether the other leads the same way back.
    pub fn is_reverse_of(&self, other: &Relation) -> bool {
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
pub fn same_list(a: &Relation, b: &Relation) -> bool {
    a.near == b.near && a.far == b.far && a.from == b.from
}
