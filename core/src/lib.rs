//! The core of `mirrorm`: values, tables, expressions, statements, one compiler, engines, and the
//! contracts a database fulfils. **Use the crate `mirrorm`**, which brings all of it and the
//! databases.
//!
//! This crate knows no database and no driver; third-party dialects depend on it alone.
//!
//! | module | what |
//! |---|---|
//! | [`value`], [`types`] | what a cell holds, and what a column is |
//! | [`schema`] | tables, columns, constraints as values; the registry |
//! | [`expr`], [`stmt`] | expressions and statements as values |
//! | [`compile`] | statements into SQL |
//! | [`dialect`] | the contracts |
//! | [`rows`] | results |
//! | [`engine`] | doing things: pool, connections, transactions, verbs |

#![forbid(unsafe_code)]

pub mod compile;
pub mod dialect;
pub mod engine;
mod error;
pub mod expr;
pub mod rows;
pub mod schema;
pub mod stmt;
mod suggest;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod topo;
pub mod types;
pub mod value;

pub use error::{Error, ErrorKind, Left, Outcome, Result};
pub use expr::Expr;
pub use types::Type;
pub use value::Value;

/// What the crates of this workspace share and programs have no use for.
#[doc(hidden)]
pub mod internal {
    pub use crate::suggest::did_you_mean;
    pub use crate::topo::sort;
}
