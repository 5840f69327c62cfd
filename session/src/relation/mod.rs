//! Relationships: reading them (`load`) and writing them (`write`): what was written (`noted`), also
//! between records that nobody saves (`unsaved`). Which there are is known below, in
//! `mirrorm_reflect::relation`.

mod asked;
mod load;
mod noted;
mod ordered;
mod unsaved;
mod write;

pub use asked::AskRelated;
pub(crate) use load::Related;
pub(crate) use mirrorm_reflect::relation::{Declared, KeyLink, Relation, RelationMap, Relations, same_list};
pub use mirrorm_reflect::relation::{OnParentDelete, RelationshipParts, relationship};
pub(crate) use noted::{Hold, Links, Pointer};
use unsaved::Unsaved;

use crate::db::Reflected;
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
