//! From catalog facts to tables and relationships. **Use the crate `mirrorm`.**
//!
//! `reflect` says what to read and registers the result, `build` turns facts into parts of
//! tables, `relate` finds relationships, `relation` keeps them as a session needs them, with those a
//! program declares, `document` writes facts as JSON, `ddl` as statements, and `translate` for another dialect. Facts come from a dialect's `Inspector`; no
//! database is named here.

#![forbid(unsafe_code)]

mod build;
mod choice;
mod ddl;
mod difference;
mod document;
mod inspector;
mod plain;
mod reflector;
mod relate;
#[doc(hidden)]
pub mod relation;
mod snapshot;
mod translate;

pub use choice::ColumnChoice;
pub use ddl::to_ddl;
pub use difference::{Attribute, Difference, Part, differences};
pub use document::document;
pub use inspector::Inspector;
pub use reflector::{Reflection, Reflector};
pub use relate::{Between, Relationship, RelationshipKind, relationships};
pub use relation::RelationshipChoice;
pub use snapshot::Snapshot;
pub use translate::{Translation, translate};
