//! Statements as plain data, built by chaining. Running them is `engine::run`'s work.

mod compound;
mod ddl;
mod delete;
mod derived;
pub(crate) mod insert;
mod lock;
mod operation;
mod rows;
mod select;
pub(crate) mod selection;
mod tables;
mod update;
mod upsert;
mod values;

pub(crate) use compound::{Compound, SetOp};
pub use ddl::{Commented, Ddl};
pub use delete::{Delete, delete};
pub use derived::Subquery;
pub(crate) use derived::TextRows;
pub use insert::{Insert, IntoRow, insert};
pub use lock::Lock;
pub(crate) use lock::{Strength, Wait};
pub use operation::Operation;
pub use rows::values_table;
pub(crate) use select::{Join, JoinKind, Part};
pub use select::{Joinable, Select, exprs, select};
pub use selection::Selection;
pub use tables::Tables;
pub use update::{Update, update};
pub use upsert::{OnConflict, conflict};
pub use values::IntoValues;
