//! Relationships: reading them (`load`, `joined`) and writing them (`write`): what was written (`noted`), also
//! between records that nobody saves (`unsaved`). Which there are is known below, in
//! `mirrorm_reflect::relation`.

mod asked;
mod joined;
mod load;
mod noted;
mod ordered;
mod related;
mod told;
mod unsaved;
mod write;

pub use asked::AskRelated;
pub(crate) use joined::{Joining, Own, Tree};
pub(crate) use mirrorm_reflect::relation::{Declared, KeyLink, Relation, RelationMap, Relations, same_list};
pub use mirrorm_reflect::relation::{OnParentDelete, RelationshipParts, relationship};
pub(crate) use noted::{Hold, Links, Pointer};
pub(crate) use related::Related;
use unsaved::Unsaved;

use mirrorm_core::expr::Expr;
use mirrorm_core::stmt::Select;
use mirrorm_reflect::RelationshipKind;

use crate::batch::Place;
use crate::db::Reflected;
use crate::key::all_equal;
use crate::model::Starts;

/// What a session keeps with the tables.
#[derive(Default)]
pub(crate) struct Attached {
    pub(crate) relations: Relations,
    pub(crate) unsaved: Unsaved,
    /// What queries of models start from.
    pub(crate) starts: Starts,
    /// What was reflected.
    pub(crate) reflected: Reflected,
}

/// The condition that follows a key, column by column. The side that is pointed to stands first: where collations differ,
/// foreign keys are checked in its own (sqlite.org/foreignkeys.html, 3).
pub(crate) fn along_key(
    key: &KeyLink,
    referred: impl Fn(&str) -> Expr,
    holder: impl Fn(&str) -> Expr,
) -> Expr {
    all_equal(key.targets.iter().map(|name| referred(name)), key.columns.iter().map(|name| holder(name)))
}

/// Puts the rows that a relationship leads to under its own condition.
pub(crate) trait Restricts {
    fn restrict(&self, query: Select, column: impl Fn(&str) -> Expr) -> Select;
}

impl Restricts for Relation {
    fn restrict(&self, query: Select, column: impl Fn(&str) -> Expr) -> Select {
        match &self.only {
            Some(only) => query.filter(only.on(column)),
            None => query,
        }
    }
}

/// Compares what a relationship starts from.
pub(crate) trait LeadsOn {
    /// Whether two states of a row lead to the same rows: its columns of the key are the same.
    fn leads_the_same(&self, before: &Place, after: &Place) -> bool;
}

impl LeadsOn for Relation {
    fn leads_the_same(&self, before: &Place, after: &Place) -> bool {
        let own =
            if self.kind == RelationshipKind::ManyToOne { &self.near.columns } else { &self.near.targets };
        own.iter().all(|key| {
            let value = |place: &Place| {
                let at = place.batch.def.columns().position(|column| column.key() == &**key)?;
                place.value(at).map(|value| value.to_value())
            };
            value(before).is_some() && value(before) == value(after)
        })
    }
}

/// The condition that follows a relationship by its near key, whichever side holds it.
pub(crate) fn along(relation: &Relation, from: impl Fn(&str) -> Expr, to: impl Fn(&str) -> Expr) -> Expr {
    match relation.kind {
        RelationshipKind::ManyToOne => along_key(&relation.near, to, from),
        _ => along_key(&relation.near, from, to),
    }
}
