//! The one integration binary. Each module says what belongs there.

// Helpers of tests fail like tests do: by panicking, at the line that shows why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

/// Databases to run on, and helpers every test uses.
mod support;

/// Servers that belong to one test.
mod own_server;

/// Ours against documents another tool wrote of the same databases.
mod oracle;

/// Tests on real databases.
mod live;

/// What statements become on every dialect, without a database.
mod sql;

/// What another library asks of every dialect.
mod compliance;

/// The rules of the house, kept by machine.
mod house;
