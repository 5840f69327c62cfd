//! Facts about a server that a branch of the library reads.
//!
//! A field enters together with the branch that reads it and the test that needs it; more than
//! thirty would mean that fragments are missing from [`super::Grammar`].

/// What a server can do, as data. Each field names the branch that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// The server's version, for messages and documents.
    pub version: String,
    /// Which statements give rows back (`returning`).
    pub returning: Returning,
    /// The rows of an INSERT may have a name, for what an upsert sets.
    pub insert_alias: bool,
    /// LIMIT must be a number in the text: a bound one would prepare the statement again at every
    /// execution.
    pub literal_limit: bool,
    /// One writer at a time: writes queue at the engine's gate.
    pub single_writer: bool,
    /// The most parameters a statement takes.
    pub max_params: usize,
    /// How deep an expression may nest; long ANDs and ORs are balanced below it.
    pub max_expression_depth: Option<usize>,
    /// The longest identifier, in bytes.
    pub max_identifier: usize,
    /// Foreign keys can be added and dropped later, so circles of tables can be created.
    pub alter_foreign_keys: bool,
    /// A foreign key may be declared to a table that does not exist yet.
    pub forward_foreign_keys: bool,
    /// The key of an inserted row is known from the connection, without RETURNING.
    pub last_insert_id: bool,
    /// Parameters of one multi-row INSERT that are fastest; see `benches/README.md`.
    pub batch_params: usize,
    /// An UPDATE takes rows ([`super::Grammar::rows_to_update`]): many rows are updated by one statement.
    pub update_from_rows: bool,
    /// A statement is a round trip, so what is left over of whole batches goes in smaller ones.
    pub remote: bool,
    /// INSERT .. RETURNING of many rows gives them in the order they were given.
    pub returning_in_order: bool,
    /// A statement that fails takes the work of its transaction with it, back to the innermost
    /// savepoint, and nothing else is possible before that.
    pub errors_abort: bool,
    /// A statement that changes the schema commits the transaction it is in.
    pub ddl_commits: bool,
    /// A foreign key has to say the columns it points to.
    pub explicit_references: bool,
    /// The check of a foreign key may wait for COMMIT.
    pub deferrable_keys: bool,
    /// An index may be of an expression.
    pub expression_indexes: bool,
    /// An index may hold some of the rows.
    pub partial_indexes: bool,
    /// A generated column may be computed when it is read.
    pub virtual_columns: bool,
    /// A table may have no columns.
    pub empty_tables: bool,
    /// Which rows a SELECT can lock.
    pub locks: Locks,
    /// A SELECT in the FROM may see the tables before it.
    pub lateral: bool,
    /// There is FULL JOIN.
    pub full_join: bool,
    /// The collation in which texts are equal only when they are the same, where they are not by themselves.
    pub exact_collation: Option<&'static str>,
    /// Where comments are kept.
    pub comments: Comments,
    /// A foreign key may set its columns to their defaults.
    pub set_default_keys: bool,
    /// A CHECK may be about columns whose numbers the database makes, or that a foreign key changes.
    pub checks_of_changed_columns: bool,
}

/// Which statements give back the rows they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    /// None.
    None,
    /// INSERT, and DELETE of one table.
    InsertDelete,
    /// INSERT, UPDATE and DELETE.
    All,
}

/// What a SELECT can lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Nothing; a transaction that writes has the whole database.
    None,
    /// The rows of all its tables.
    Plain,
    /// The rows of all its tables, or of some.
    Tables,
    /// Those, or their keys alone.
    Keys,
}

/// Where a database keeps comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// Nowhere.
    None,
    /// In the statement that creates the table.
    InTables,
    /// In statements of their own, `COMMENT ON`.
    Statements,
}

impl Default for Features {
    /// A server that can do what the standard says and nothing more.
    fn default() -> Features {
        Features {
            version: String::new(),
            returning: Returning::All,
            insert_alias: false,
            literal_limit: false,
            single_writer: false,
            max_params: 65_535,
            max_expression_depth: None,
            max_identifier: 63,
            alter_foreign_keys: true,
            forward_foreign_keys: false,
            last_insert_id: false,
            batch_params: 240,
            update_from_rows: false,
            remote: false,
            returning_in_order: false,
            errors_abort: false,
            ddl_commits: false,
            explicit_references: false,
            deferrable_keys: true,
            expression_indexes: true,
            partial_indexes: true,
            virtual_columns: true,
            empty_tables: false,
            locks: Locks::Keys,
            lateral: true,
            full_join: true,
            exact_collation: None,
            comments: Comments::InTables,
            set_default_keys: true,
            checks_of_changed_columns: true,
        }
    }
}
