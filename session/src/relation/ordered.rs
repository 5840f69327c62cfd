//! A map in the order of insertion that loses any of its entries without moving the others.

use std::collections::btree_map::{self, BTreeMap};
use std::collections::{HashMap, hash_map};

use crate::identity::Folded;

/// Values by a number, in the order they were entered.
#[derive(Clone)]
pub(crate) struct Ordered<T> {
    places: HashMap<usize, u64, Folded>,
    values: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Default for Ordered<T> {
    fn default() -> Ordered<T> {
        Ordered { places: HashMap::default(), values: BTreeMap::new(), next: 0 }
    }
}

impl<T> Ordered<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.places.contains_key(&number)
    }

    /// Enters a value at the end, or in the place of the one that has the number.
    pub(crate) fn insert(&mut self, number: usize, value: T) {
        let place = match self.places.entry(number) {
            hash_map::Entry::Occupied(known) => *known.get(),
            hash_map::Entry::Vacant(new) => {
                self.next += 1;
                *new.insert(self.next)
            }
        };
        let _ = self.values.insert(place, value);
    }

    pub(crate) fn remove(&mut self, number: usize) -> Option<T> {
        let place = self.places.remove(&number)?;
        self.values.remove(&place)
    }

    pub(crate) fn values(&self) -> btree_map::Values<'_, u64, T> {
        self.values.values()
    }

    pub(crate) fn into_values(self) -> btree_map::IntoValues<u64, T> {
        self.values.into_values()
    }

    /// Keeps the values that pass.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let values = &mut self.values;
        self.places.retain(|_, place| {
            let stays = values.get(place).is_some_and(&mut keep);
            if !stays {
                values.remove(place);
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_again_stands_at_the_end() {
        let mut map = Ordered::default();
        ["a", "b", "c"].into_iter().enumerate().for_each(|(n, name)| map.insert(n, name));
        map.insert(1, "B");
        assert_eq!(map.remove(0), Some("a"));
        assert_eq!(map.remove(0), None);
        map.insert(0, "A");
        assert_eq!(map.values().copied().collect::<String>(), "BcA");
        map.retain(|name| *name != "c");
        assert!(!map.contains(2) && map.contains(0));
        assert_eq!(map.into_values().collect::<String>(), "BA");
    }
}
