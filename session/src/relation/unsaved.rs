//! Records without a session that hold each other: those that nobody else holds are found and let
//! go.
//!
//! Writing a relationship makes one record hold the other; written from both sides, or around a
//! circle, they hold each other. A flush lets the links go. Records that never reach one would live
//! for ever: new ones, and those whose session has ended or let them go. So the records that hold
//! others are listed, and looked through whenever the list has doubled: trial deletion (Bacon and
//! Rajan, Concurrent Cycle Collection, 2001, 3). Not here: what is written (`write`).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};

use super::Links;
use crate::record::{Record, RecordInner, State};

/// The records that were given links before they were saved.
#[derive(Default)]
pub(crate) struct Unsaved(Mutex<List>);

#[derive(Default)]
struct List {
    records: Vec<Weak<RecordInner>>,
    look_at: usize,
}

/// The fewest records worth looking through.
const SMALL: usize = 1024;

impl Unsaved {
    /// Notes a record, and looks through the list when that is due.
    pub(crate) fn note(&self, record: &Record) {
        let mut list = self.0.lock();
        list.records.push(record.downgrade());
        if list.records.len() < list.look_at.max(SMALL) {
            return;
        }
        let noted = std::mem::take(&mut list.records);
        drop(list);
        let left = let_go(noted);
        let mut list = self.0.lock();
        list.records.extend(left);
        list.look_at = 2 * list.records.len();
    }
}

impl Drop for Unsaved {
    fn drop(&mut self) {
        let_go(std::mem::take(&mut self.0.get_mut().records));
    }
}

/// Lets go of those that are held by each other only; gives the others that still hold anybody.
fn let_go(noted: Vec<Weak<RecordInner>>) -> Vec<Weak<RecordInner>> {
    let records = reachable(noted.iter().filter_map(Weak::upgrade).map(Record).collect());
    // While all are locked no link changes, and a count can only fall: what is told of them is true.
    let locked: Option<Vec<MutexGuard<'_, State>>> = records.iter().map(|r| r.0.state.try_lock()).collect();
    let Some(mut locked) = locked else { return noted };
    let places: HashMap<usize, usize> = records.iter().enumerate().map(|(at, r)| (r.address(), at)).collect();
    let held: Vec<Vec<usize>> = locked.iter().map(|state| held_by(state, &places)).collect();
    // Each is held here too, once.
    let mut others: Vec<usize> = records.iter().map(|record| Arc::strong_count(&record.0) - 1).collect();
    for at in held.iter().flatten() {
        others.iter_mut().skip(*at).take(1).for_each(|count| *count = count.saturating_sub(1));
    }
    let mut lives = vec![false; records.len()];
    let mut todo: Vec<usize> = (0..records.len()).filter(|at| others.get(*at) != Some(&0)).collect();
    while let Some(at) = todo.pop() {
        if lives.get_mut(at).is_some_and(|lives| !std::mem::replace(lives, true)) {
            todo.extend(held.get(at).into_iter().flatten());
        }
    }
    let dead = locked.iter_mut().zip(&lives).filter(|(_, lives)| !**lives);
    // Dropped when nothing is locked any more.
    let gone: Vec<Option<Box<Links>>> = dead.map(|(state, _)| state.links.take()).collect();
    let left = records.iter().zip(&locked).filter(|(_, state)| state.links.is_some());
    let left = left.map(|(record, _)| record.downgrade()).collect();
    drop(locked);
    drop(gone);
    left
}

/// These records, and all they hold.
fn reachable(noted: Vec<Record>) -> Vec<Record> {
    let (mut all, mut known, mut todo) = (Vec::new(), HashSet::new(), noted);
    while let Some(record) = todo.pop() {
        if known.insert(record.address()) {
            todo.extend(record.0.state.lock().links.iter().flat_map(|links| links.strong()).cloned());
            all.push(record);
        }
    }
    all
}

/// Which of the records one holds, each as often as it does.
fn held_by(state: &State, places: &HashMap<usize, usize>) -> Vec<usize> {
    let strong = state.links.iter().flat_map(|links| links.strong());
    strong.filter_map(|record| places.get(&record.address()).copied()).collect()
}
