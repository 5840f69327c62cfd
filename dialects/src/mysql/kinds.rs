//! Texts that were prepared for values of other kinds.
//!
//! Where nothing beside a parameter says its type, MySQL takes that of the value it is executed with first, and turns
//! later ones into it without a word: a text that was prepared for a time makes the time 00:00:00 of `abc`
//! (dev.mysql.com/doc/refman/en/prepare.html). So a text serves values of one kind in each place; for others it is
//! prepared again, as a text with a comment behind it. MariaDB takes what is sent.

use std::borrow::Cow;
use std::cell::RefCell;
use std::mem::{Discriminant, discriminant};
use std::num::NonZeroUsize;

use lru::LruCache;
use mysql::Value;

/// The kinds of the values that texts were prepared for; none of a place that had NULL only.
pub(super) struct Kinds(RefCell<LruCache<Box<str>, Places>>);

type Places = Vec<Option<Discriminant<Value>>>;

/// So many texts are kept.
const KEPT: usize = 256;

impl Default for Kinds {
    fn default() -> Kinds {
        Kinds(RefCell::new(LruCache::new(NonZeroUsize::MIN.saturating_add(KEPT - 1))))
    }
}

impl Kinds {
    /// The text to prepare for these values.
    pub(super) fn text<'s>(&self, sql: &'s str, values: &[Value]) -> Cow<'s, str> {
        if values.is_empty() || self.take(sql, values) {
            return Cow::Borrowed(sql);
        }
        let others = (1..=KEPT).map(|n| format!("{sql} /* {n} */"));
        let fits = others.into_iter().find(|text| self.take(text, values));
        fits.map_or(Cow::Borrowed(sql), Cow::Owned)
    }

    /// Whether a text serves these values; what it did not know of its places it does then.
    fn take(&self, sql: &str, values: &[Value]) -> bool {
        let kind = |value: &Value| (*value != Value::NULL).then(|| discriminant(value));
        let mut kept = self.0.borrow_mut();
        let Some(known) = kept.get_mut(sql) else {
            kept.put(sql.into(), values.iter().map(kind).collect());
            return true;
        };
        let same = |(known, value): (&Option<_>, &Value)| {
            known.is_none() || kind(value).is_none_or(|k| Some(k) == *known)
        };
        if known.len() != values.len() || !known.iter().zip(values).all(same) {
            return false;
        }
        known.iter_mut().zip(values).for_each(|(known, value)| *known = known.or(kind(value)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_serves_one_kind_in_each_place() {
        let kinds = Kinds::default();
        let text = |values: &[Value]| kinds.text("SELECT ?, ?", values).into_owned();
        assert_eq!(text(&[Value::NULL, Value::Int(1)]), "SELECT ?, ?");
        assert_eq!(text(&[Value::Bytes(vec![]), Value::NULL]), "SELECT ?, ?", "NULL says nothing");
        assert_eq!(text(&[Value::Int(1), Value::Int(1)]), "SELECT ?, ? /* 1 */");
        assert_eq!(text(&[Value::Double(1.0), Value::Int(1)]), "SELECT ?, ? /* 2 */");
        assert_eq!(text(&[Value::Int(7), Value::NULL]), "SELECT ?, ? /* 1 */", "and is found again");
        assert_eq!(text(&[]), "SELECT ?, ?");
    }
}
