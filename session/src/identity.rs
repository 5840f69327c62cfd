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
    ints: HashMap<i64, Page, Folded>,
    others: HashMap<Box<str>, Weak<RecordInner>>,
    /// How many records were entered since it was swept last, and lived then.
    filled: usize,
    /// Records that died are swept when there are this many.
    sweep_at: usize,
}

/// The records of neighbouring integer keys, which are mostly met together: a line of the processor's cache. With one
/// entry for each key, 500 000 rows took half as long again, most of it waiting for memory.
type Page = [Weak<RecordInner>; 8];

/// The page of a key, and its place there.
#[inline]
fn page_of(key: i64) -> (i64, usize) {
    (key >> 3, (key & 7) as usize)
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
            let none = Weak::<RecordInner>::new();
            let ints = entries.ints.into_values().flatten().filter(|weak| !weak.ptr_eq(&none));
            let mut all: Vec<Weak<RecordInner>> = ints.chain(entries.others.into_values()).collect();
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
        self.ints.values().flatten().chain(self.others.values()).filter_map(Weak::upgrade).map(Record)
    }

    /// The record of a row, if somebody holds it.
    #[inline]
    pub(crate) fn get(&self, key: &Key) -> Option<Record> {
        let found = match key {
            Key::Int(n) => {
                let (page, at) = page_of(*n);
                self.ints.get(&page)?.get(at)
            }
            Key::Other(text) => self.others.get(text),
        };
        found?.upgrade().map(Record)
    }

    /// Makes room for so many more records, which are likely neighbours.
    pub(crate) fn reserve(&mut self, more: usize) {
        if self.filled + more > self.sweep_at.max(SMALL) {
            self.sweep();
            self.sweep_at = 2 * (self.filled + more);
        }
        self.filled += more;
        self.ints.reserve(more / 8 + 1);
    }

    /// The place of the record of a row.
    #[inline]
    pub(crate) fn slot(&mut self, key: Key) -> Option<&mut Weak<RecordInner>> {
        match key {
            Key::Int(n) => {
                let (page, at) = page_of(n);
                self.ints.entry(page).or_default().get_mut(at)
            }
            Key::Other(text) => Some(self.others.entry(text).or_default()),
        }
    }

    /// The record of a row, or the one that is made for it now.
    #[inline]
    pub(crate) fn get_or_insert(&mut self, key: Key, make: impl FnOnce() -> Record) -> (Record, bool) {
        let Some(slot) = self.slot(key) else { return (make(), false) };
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
        let before = std::mem::replace(self.slot(key)?, Arc::downgrade(&record.0));
        before.upgrade().map(Record)
    }

    /// Forgets the record of a row, if it is this one.
    pub(crate) fn remove(&mut self, key: &Key, record: &Record) {
        let same = |weak: &Weak<RecordInner>| std::ptr::eq(weak.as_ptr(), Arc::as_ptr(&record.0));
        match key {
            Key::Int(n) => {
                let (page, at) = page_of(*n);
                let slot = self.ints.get_mut(&page).and_then(|page| page.get_mut(at));
                slot.filter(|weak| same(weak)).into_iter().for_each(|weak| *weak = Weak::new());
            }
            Key::Other(text) if self.others.get(text).is_some_and(same) => drop(self.others.remove(text)),
            Key::Other(_) => {}
        }
    }

    fn sweep(&mut self) {
        let mut filled = 0;
        self.ints.retain(|_, page| {
            let before = filled;
            for weak in page {
                match weak.strong_count() {
                    0 => *weak = Weak::new(),
                    _ => filled += 1,
                }
            }
            filled > before
        });
        self.others.retain(|_, weak| weak.strong_count() > 0);
        self.filled = filled + self.others.len();
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
    use mirrorm_core::schema::{Table, column};
    use mirrorm_core::types::Type;

    use super::*;
    use crate::overlay::Overlay;

    #[test]
    fn dead_records_are_swept() {
        let mut entries = Entries::default();
        let table = Table::new("t", column("id", Type::Integer).primary_key()).unwrap();
        let kept = Record::transient(&table, Overlay::default());
        entries.insert(Key::Int(-3), &kept);
        for n in 0..1000 {
            entries.reserve(1);
            entries.insert(Key::Int(n * 8), &Record::transient(&table, Overlay::default()));
            entries.insert(Key::Other(n.to_string().into()), &Record::transient(&table, Overlay::default()));
            assert!(entries.ints.len() <= SMALL + 1 && entries.others.len() <= SMALL);
        }
        assert_eq!(entries.get(&Key::Int(-3)), Some(kept.clone()));
        assert_eq!(entries.alive().count(), 1);
        entries.remove(&Key::Int(-3), &kept);
        assert_eq!(entries.get(&Key::Int(-3)), None);
    }

    #[test]
    fn neighbours_are_told_apart() {
        let mut entries = Entries::default();
        let table = Table::new("t", column("id", Type::Integer).primary_key()).unwrap();
        let keys = [i64::MIN, -9, -8, -1, 0, 1, 7, 8, 9, i64::MAX];
        let records = keys.map(|_| Record::transient(&table, Overlay::default()));
        keys.iter().zip(&records).for_each(|(key, record)| drop(entries.insert(Key::Int(*key), record)));
        for (key, record) in keys.iter().zip(&records) {
            assert_eq!(entries.get(&Key::Int(*key)).as_ref(), Some(record));
        }
        assert_eq!(entries.get(&Key::Int(2)), None);
    }
}
