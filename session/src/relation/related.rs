//! What a relationship leads to: positions in batches, kept with the rows at its start.
//!
//! Made by `load` and `joined`. It holds no record, so that nothing keeps itself alive.

use std::collections::HashMap;
use std::sync::Arc;

use mirrorm_core::schema::TableId;

use crate::batch::{Batch, key_of};
use crate::key::Key;

/// What a relationship leads to, for each row of a batch.
pub(crate) struct Related {
    pub(super) batches: Vec<Arc<Batch>>,
    /// Rows at the end: a batch and a position in it, in groups.
    pub(super) items: Vec<(u32, u32)>,
    /// Where each group begins, and the end of the last.
    pub(super) starts: Vec<u32>,
    /// The group of each row at the start; beyond the last for a row without a key.
    pub(super) groups: Vec<u32>,
    pub(super) stamp: Stamp,
    /// Whether these are all rows that it leads to, or those that a query found.
    pub(super) whole: bool,
}

/// When something was read.
#[derive(Clone)]
pub(crate) struct Stamp {
    pub(super) epoch: u64,
    /// How often each table was written then.
    pub(super) written: Vec<(TableId, u64)>,
}

impl Drop for Related {
    /// One batch after the other: a long chain of what was loaded must not be dropped by recursion.
    fn drop(&mut self) {
        let mut todo = std::mem::take(&mut self.batches);
        while let Some(batch) = todo.pop() {
            let loaded = Arc::into_inner(batch).map(|batch| batch.related.into_inner());
            for (_, related) in loaded.into_iter().flatten() {
                if let Some(mut last) = Arc::into_inner(related) {
                    todo.append(&mut last.batches);
                }
            }
        }
    }
}

impl Related {
    pub(super) fn new(stamp: Stamp) -> Related {
        let (batches, items, groups) = (Vec::new(), Vec::new(), Vec::new());
        Related { batches, items, starts: vec![0], groups, stamp, whole: true }
    }

    /// What rows lead to: for so many at the start, the batch and the row of each at the end, in order.
    pub(super) fn of_pairs(
        rows: usize,
        ends: &[Arc<Batch>],
        pairs: impl Iterator<Item = (u32, (usize, u32))>,
        stamp: &Stamp,
    ) -> Related {
        let mut related = Related::new(stamp.clone());
        related.groups = (0..rows as u32).collect();
        let mut own: HashMap<usize, u32> = HashMap::new();
        let mut found = Vec::new();
        for (start, (batch, row)) in pairs {
            let Some(end) = ends.get(batch) else { continue };
            let at = *own.entry(batch).or_insert_with(|| {
                related.batches.push(end.clone());
                related.batches.len() as u32 - 1
            });
            found.push((start, (at, row)));
        }
        related.put(found, rows);
        related
    }

    /// Whether it is all that there is.
    pub(super) fn whole(mut self, whole: bool) -> Related {
        self.whole = whole;
        self
    }

    /// What one row leads to, for a batch of that row.
    pub(crate) fn of_row(&self, row: u32) -> Related {
        self.of_rows(1, std::iter::once((0, row)))
    }

    /// What rows lead to, for a batch of so many that has them elsewhere: where they are there, and where they are here.
    pub(crate) fn of_rows(&self, rows: usize, moved: impl Iterator<Item = (u32, u32)>) -> Related {
        let ends = |(there, here): (u32, u32)| {
            self.of(here).iter().map(move |(batch, row)| (there, (*batch as usize, *row)))
        };
        Related::of_pairs(rows, &self.batches, moved.flat_map(ends), &self.stamp).whole(self.whole)
    }

    /// Sorts rows at the end into the groups they belong to.
    pub(super) fn put(&mut self, mut found: Vec<(u32, (u32, u32))>, groups: usize) {
        let mut counts = vec![0u32; groups + 1];
        for (group, _) in &found {
            counts.iter_mut().skip(*group as usize + 1).take(1).for_each(|count| *count += 1);
        }
        let mut sum = 0;
        counts.iter_mut().for_each(|count| {
            sum += *count;
            *count = sum;
        });
        self.starts = counts;
        // Stable: rows of a group stay in the order the database gave them.
        found.sort_by_key(|(group, _)| *group);
        self.items = found.into_iter().map(|(_, item)| item).collect();
    }

    /// Whether a row leads to the row of a key.
    pub(super) fn leads_to(&self, row: u32, key: &Key) -> bool {
        self.of(row).iter().any(|(at, row)| {
            let batch = self.batches.get(*at as usize);
            batch.and_then(|batch| batch.key(*row, key_of(&batch.def))).as_ref() == Some(key)
        })
    }

    pub(super) fn of(&self, row: u32) -> &[(u32, u32)] {
        let group = self.groups.get(row as usize).map_or(usize::MAX, |group| *group as usize);
        match (self.starts.get(group), self.starts.get(group.saturating_add(1))) {
            (Some(start), Some(end)) => self.items.get(*start as usize..*end as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}
