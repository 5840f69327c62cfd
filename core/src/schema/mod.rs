//! Tables and their parts as values.
//!
//! `column`, `constraint`, `options`, `parts` are what is declared; `build` turns it into a
//! `table`; `metadata` keeps tables. Nothing here talks to a database.

mod attribute;
mod build;
mod column;
mod constraint;
mod deferred;
mod formula;
mod hybrid;
mod metadata;
mod name;
pub(crate) mod naming;
mod options;
mod parts;
mod table;
mod validator;
mod version;

pub use attribute::{Attribute, attribute};
pub use column::{Autoincrement, ClientDefault, Column, Computed, Declared, ServerDefault, column};
pub(crate) use constraint::Indexed;
pub use constraint::{
    Action, Constraint, ForeignKey, Index, IndexElement, Reference, check, foreign_key, index, primary_key,
    unique, verbatim,
};
pub use formula::Formula;
pub use hybrid::{Attributes, Functions, Hybrid, HybridKind, composite, hybrid, synonym};
pub use metadata::Metadata;
pub(crate) use metadata::sort_tables;
pub use name::{Name, Quote};
pub use naming::NamingConvention;
pub use options::{Info, Options};
pub use parts::{
    Existing, PartList, Setting, TableKind, TableParts, comment, extend_existing, in_bind, in_schema, info,
    keep_existing, option,
};
pub use table::{
    Alias, CheckDef, ColumnDef, ColumnId, ForeignKeyDef, KeyDef, OtherDef, Table, TableDef, TableId,
};
pub use validator::Validator;
pub use version::Version;
