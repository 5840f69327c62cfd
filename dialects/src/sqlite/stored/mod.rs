//! What SQLite's catalog keeps only as text: names of constraints, checks, collations, expressions.
//!
//! `tokens` cuts a stored statement into tokens; `table` and `index` read the clauses that no
//! PRAGMA tells. Stored text is untrusted: everything here is one pass over the tokens, and what
//! is not understood is left out, so that a strange statement costs its own details and nothing
//! else. Called by `inspect`.

mod index;
mod table;
mod tokens;

pub(super) use tokens::{first_word, is_blank, is_plain_type, without_comments};

pub(super) use index::{StoredIndex, read_index};
pub(super) use table::{StoredForeignKey, StoredKey, StoredTable, read_table};
