//! CREATE and DROP as plain data.

use std::sync::Arc;

use crate::schema::{Index, Table};

/// A statement that changes the schema.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a statement does nothing until it runs"]
pub enum Ddl {
    /// CREATE TABLE, without its indexes.
    CreateTable {
        /// The table.
        table: Table,
        /// Do nothing when it exists.
        if_not_exists: bool,
        /// Names of foreign keys left out, to be added later because of a circle.
        without_keys: Vec<Arc<str>>,
    },
    /// DROP TABLE.
    DropTable {
        /// The table.
        table: Table,
        /// Do nothing when it does not exist.
        if_exists: bool,
    },
    /// CREATE INDEX.
    CreateIndex {
        /// The table it is on.
        table: Table,
        /// The index.
        index: Index,
        /// Do nothing when it exists.
        if_not_exists: bool,
    },
    /// ALTER TABLE .. ADD CONSTRAINT, for a foreign key of a circle.
    AddForeignKey {
        /// The table.
        table: Table,
        /// The name of the foreign key.
        key: Arc<str>,
    },
    /// ALTER TABLE .. DROP CONSTRAINT.
    DropForeignKey {
        /// The table.
        table: Table,
        /// The name of the foreign key.
        key: Arc<str>,
    },
}
