//! Rows that point to each other in a circle: a key that may be NULL is NULL for a while.
//!
//! Of rows that are inserted, one goes without such a key and is updated when the others are there; of rows that are
//! deleted, one lets go first. Called by `order`, which finds the circles; `send` asks [`Verb::hold_back`] around the
//! step.

use std::collections::HashSet;
use std::sync::Arc;

use mirrorm_core::internal::sort;
use mirrorm_core::schema::ColumnId;
use mirrorm_core::value::Value;

use crate::inner::Verb;
use crate::record::Record;

/// That a row points to another one, by which columns.
pub(super) struct Need {
    pub(super) child: usize,
    pub(super) parent: usize,
    pub(super) columns: Vec<ColumnId>,
    /// Whether the child can be without: its columns may be NULL and name no row.
    pub(super) spares: bool,
}

/// Keys that are NULL for a while: a record and its columns.
pub(crate) type HeldBack = (Record, Vec<ColumnId>);

/// What was held back of a record, to be set again.
struct Held {
    record: Record,
    values: Vec<(ColumnId, Value)>,
}

/// Keys that are held back as long as this lives; they are set again also where something panics.
#[must_use]
pub(super) struct HoldingBack(Vec<Held>);

impl Drop for HoldingBack {
    fn drop(&mut self) {
        for Held { record, values } in std::mem::take(&mut self.0) {
            let mut state = record.0.state.lock();
            values.into_iter().for_each(|(id, value)| state.overlay.put(id, value));
            state.links.iter_mut().for_each(|links| links.held_back.clear());
        }
    }
}

/// What each row needs first, and the keys that were taken out for there to be an order.
pub(super) struct Unravelled {
    pub(super) depends: Vec<Vec<usize>>,
    pub(super) held: Vec<Need>,
}

/// What each row needs first, after keys that can be spared were taken out until there is no circle; and those keys.
///
/// # Errors
/// The rows of a circle that cannot do without any.
pub(super) fn unravel(
    count: usize,
    mut needs: Vec<Need>,
    points: impl Fn(&Need) -> (usize, usize),
) -> Result<Unravelled, Vec<usize>> {
    let mut held = Vec::new();
    loop {
        let mut depends = vec![Vec::new(); count];
        for need in &needs {
            let (before, after) = points(need);
            depends.get_mut(after).into_iter().for_each(|list| list.push(before));
        }
        let Err(circle) = sort(count, &depends) else { return Ok(Unravelled { depends, held }) };
        let inside: HashSet<usize> = circle.iter().copied().collect();
        let is_round = |need: &Need| {
            let (before, after) = points(need);
            before != after && inside.contains(&before) && leads(&depends, before, after)
        };
        let Some(at) = needs.iter().position(|need| need.spares && is_round(need)) else {
            return Err(circle);
        };
        let spared = needs.remove(at);
        // The same columns may be said twice, by a relationship and by a value.
        let same = |need: &Need| {
            need.child == spared.child && need.columns.iter().any(|column| spared.columns.contains(column))
        };
        needs.retain(|need| !same(need));
        held.push(spared);
    }
}

/// Whether one row needs another one, however far.
fn leads(depends: &[Vec<usize>], from: usize, to: usize) -> bool {
    let (mut seen, mut todo) = (HashSet::new(), vec![from]);
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            todo.extend(depends.get(at).into_iter().flatten());
        }
    }
    false
}

impl Verb<'_> {
    /// Makes keys NULL for the step that is about to be sent, and gives what they are to be.
    pub(super) fn hold_back(&self, held: &[HeldBack]) -> HoldingBack {
        let hold = |(record, columns): &HeldBack| {
            let mut state = record.0.state.lock();
            let mut values = Vec::new();
            state.overlay.retain(|id, value| {
                let is_held = columns.contains(&id);
                if is_held {
                    values.push((id, value.clone()));
                }
                !is_held
            });
            columns.iter().for_each(|id| state.overlay.put(*id, Value::Null));
            state.links.iter_mut().for_each(|links| links.held_back.clone_from(columns));
            Held { record: record.clone(), values }
        };
        HoldingBack(held.iter().map(hold).collect())
    }
}

/// The steps of keys that were held back, as records.
pub(super) fn records_of(held: &[Need], records: &[Record]) -> Arc<[HeldBack]> {
    let one = |need: &Need| Some((records.get(need.child)?.clone(), need.columns.clone()));
    held.iter().filter_map(one).collect()
}
