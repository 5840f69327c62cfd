//! What a flush has to do: what was added, set and deleted, and what follows from relationships.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;

use mirrorm_core::Result;

use super::links::LinkRow;
use super::{Work, dropped};
use crate::inner::Verb;
use crate::record::{Record, RecordState};
use crate::relation::Hold;

impl Verb<'_> {
    /// Gathers the work, and adds what relationships bring along.
    pub(super) fn gather(&self) -> Result<Work> {
        let written = self.linked_records()?;
        self.save_cascade(written, &[])?;
        let orphans = self.doom_orphans()?;
        let (deletes, mut unsaved) = self.delete_cascade()?;
        unsaved.extend(orphans);
        let mut linked = Vec::new();
        let links = self.send_off(&mut linked, &unsaved).and_then(|()| {
            match linked.is_empty() && deletes.is_empty() {
                true => Ok(Vec::new()),
                false => self.link_rows(&linked, &deletes),
            }
        });
        let links = links.inspect_err(|_| not_sent(&linked))?;
        let is = |record: &Record, status: RecordState| {
            let state = record.0.state.lock();
            state.status == status && !state.is_doomed()
        };
        let mut core = self.core()?;
        core.doomed.clear();
        let mut inserts = std::mem::take(&mut core.new);
        drop(core);
        let mut updates = self.inner.touched.take();
        if !deletes.is_empty() {
            inserts.retain(|record| is(record, RecordState::Pending));
            updates.retain(|record| is(record, RecordState::Persistent));
        }
        Ok(Work { inserts: inserts.into(), updates: updates.into(), deletes: deletes.into(), links, linked })
    }

    /// Marks what was written of relationships as on its way: what is written from now on waits for
    /// the next flush.
    fn send_off(&self, linked: &mut Vec<Record>, unsaved: &[Record]) -> Result<()> {
        // The session's mark goes before its records are looked at: who writes meanwhile sets it again.
        while self.inner.linked.swap(false, Ordering::AcqRel) {
            let mut marked = Vec::new();
            for record in self.records_with_links()? {
                let mut state = record.0.state.lock();
                let Some(links) = state.links.as_mut().filter(|links| !links.is_sent()) else { continue };
                links.send();
                drop(state);
                marked.push(record);
            }
            linked.extend(marked.iter().cloned());
            // Those written since this was done first.
            self.save_cascade(marked, unsaved)?;
        }
        Ok(())
    }

    /// The records whose relationships were written.
    pub(super) fn linked_records(&self) -> Result<Vec<Record>> {
        if !self.inner.linked.load(Ordering::Acquire) {
            return Ok(Vec::new());
        }
        self.records_with_links()
    }

    fn records_with_links(&self) -> Result<Vec<Record>> {
        let has_links = |record: &&Record| record.0.state.lock().links.is_some();
        let mut linked: Vec<Record> = self.core()?.new.iter().filter(has_links).cloned().collect();
        linked.extend(self.inner.touched.all().into_iter().filter(|record| has_links(&record)));
        Ok(linked)
    }

    /// Adds the records without a session at the other end of relationships, and those at theirs; but
    /// not those that just left it.
    fn save_cascade(&self, todo: Vec<Record>, without: &[Record]) -> Result<()> {
        let without: HashSet<usize> = without.iter().map(Record::address).collect();
        let mut todo = VecDeque::from(todo);
        // In the order they were written, so that rows have the keys one expects.
        while let Some(record) = todo.pop_front() {
            for other in linked(&record)? {
                if other.session().is_none() && !without.contains(&other.address()) {
                    self.add(&other)?;
                    todo.push_back(other);
                }
            }
        }
        Ok(())
    }

    /// The rows to add to and take out of tables between.
    fn link_rows(&self, linked: &[Record], deletes: &[Record]) -> Result<Vec<LinkRow>> {
        let mut rows = Vec::new();
        for record in linked.iter().filter(|record| takes_part(record)) {
            let links = record.0.state.lock().links.clone();
            for list in links.iter().flat_map(|links| &links.many) {
                if list.relation.far.is_none() {
                    continue;
                }
                for other in list.added.values().filter_map(Hold::record).filter(takes_part) {
                    rows.push(LinkRow::new(record, &list.relation, &other, true));
                }
                for other in list.removed.values() {
                    rows.push(LinkRow::new(record, &list.relation, other, false));
                }
            }
        }
        let mut known = HashSet::new();
        rows.retain(|row| known.insert(row.address()));
        self.net_links(&mut rows)?;
        self.links_of_deleted(deletes, &mut rows)?;
        Ok(rows)
    }
}

/// Whether a record is, or is to be, a row that stays.
fn takes_part(record: &Record) -> bool {
    let state = record.0.state.lock();
    matches!(state.status, RecordState::Pending | RecordState::Persistent) && !state.is_doomed()
}

/// The flush failed: what was marked waits for the next one.
pub(super) fn not_sent(linked: &[Record]) {
    for record in linked {
        if let Some(links) = record.0.state.lock().links.as_mut() {
            links.take_back();
        }
    }
}

/// The records at the other ends of what was written.
fn linked(record: &Record) -> Result<Vec<Record>> {
    let state = record.0.state.lock();
    let Some(links) = &state.links else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for pointer in links.one.iter().filter(|pointer| pointer.to.is_some()) {
        match pointer.record() {
            Some(other) => found.push(other),
            None => {
                drop(state);
                return Err(dropped(record));
            }
        }
    }
    let added = links.many.iter().flat_map(|list| list.added.values()).filter_map(Hold::record);
    let added: Vec<Record> = added.collect();
    drop(state);
    // What was deleted since is in no list any more.
    found.extend(added.into_iter().filter(|other| !other.is_going()));
    Ok(found)
}

/// Records by table, in the order the tables come.
pub(super) fn by_table(records: &[Record]) -> Vec<Vec<&Record>> {
    let mut tables: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        let same = |list: &&mut Vec<&Record>| {
            list.first().is_some_and(|first| first.table_id() == record.table_id())
        };
        match tables.iter_mut().find(same) {
            Some(list) => list.push(record),
            None => tables.push(vec![record]),
        }
    }
    tables
}
