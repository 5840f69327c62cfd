//! The one integration binary. Each module says what belongs there.

/// Databases to run on, and helpers every test uses.
mod support;

/// Ours against documents another tool wrote of the same databases.
mod oracle;

/// Tests on real databases.
mod live;
