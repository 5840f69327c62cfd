//! Tests on real databases: each backend where the test is of the library, one where it is of a
//! dialect.

/// Reflection of awkward schemas, a test for each row of `tests/quirks.md`.
mod quirks;
