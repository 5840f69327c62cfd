//! The types that a reflection has read already, by their words: a schema has few, and every column one.
//! Shared by what gathers the facts of columns.

use std::cell::RefCell;
use std::collections::HashMap;

use mirrorm_core::dialect::TypeFacts;
use mirrorm_core::types::Type;

#[derive(Default)]
pub(crate) struct KnownTypes(RefCell<HashMap<String, (Type, TypeFacts)>>);

impl KnownTypes {
    /// The type of these words and its parts; `read` reads them the first time.
    pub(crate) fn of(&self, words: &str, read: impl FnOnce() -> (Type, TypeFacts)) -> (Type, TypeFacts) {
        if let Some(known) = self.0.borrow().get(words) {
            return known.clone();
        }
        let found = read();
        self.0.borrow_mut().insert(words.to_string(), found.clone());
        found
    }
}
