//! The databases `mirrorm` speaks to, one folder each. **Use the crate `mirrorm`.**
//!
//! Every folder has the same seven files: `mod` (the bundle), `grammar`, `types`, `driver`,
//! `inspect`, `errors`, `testing`. Adding a database is adding a folder and its line in [`ALL`].

#![deny(unsafe_code)]

#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod known_types;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod parameters;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod scratch;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod tls;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod told;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod words;

mod url_parts;

use mirrorm_core::dialect::Dialect;

pub use url_parts::UrlParts;

/// The dialects that are compiled in: the one list.
pub const ALL: &[&dyn Dialect] = &[
    #[cfg(feature = "sqlite")]
    &sqlite::Sqlite,
    #[cfg(feature = "postgres")]
    &postgres::Postgres,
    #[cfg(feature = "mysql")]
    &mysql::MySql,
];
