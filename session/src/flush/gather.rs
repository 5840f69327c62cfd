//! What a flush has to do: what was added, set and deleted, and what follows from relationships.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::Result;
use mirrorm_core::rows::BlockBuilder;
use mirrorm_core::value::ValueRef;
use mirrorm_reflect::RelationshipKind;

use super::links::LinkRow;
use super::{Work, dropped};
use crate::batch::{Batch, Place};
use crate::inner::Verb;
use crate::record::{Fate, Home, NO_ROW, Record, RecordState};
use crate::relation::{Hold, OnParentDelete, Relation};

impl Verb<'_> {
    /// Gathers the work, and adds what relationships bring along.
    pub(super) fn gather(&self) -> Result<Work> {
        let written = self.linked_records()?;
        self.save_cascade(written)?;
        let deletes = self.delete_cascade()?;
        // The mark goes before the records are looked at: what is written from now on marks again.
        let linked = match self.inner.linked.swap(false, Ordering::AcqRel) {
            true => self.records_with_links()?,
            false => Vec::new(),
        };
        let links = match linked.is_empty() && deletes.is_empty() {
            true => Vec::new(),
            false => self.link_rows(&linked, &deletes)?,
        };
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

    /// The records whose relationships were written.
    fn linked_records(&self) -> Result<Vec<Record>> {
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

    /// Adds the records without a session at the other end of relationships, and those at theirs.
    fn save_cascade(&self, mut todo: Vec<Record>) -> Result<()> {
        while let Some(record) = todo.pop() {
            for other in linked(&record)? {
                if other.session().is_none() {
                    self.add(&other)?;
                    todo.push(other);
                }
            }
        }
        Ok(())
    }

    /// Everything that is deleted: what was asked for, and the rows that go with it.
    fn delete_cascade(&self) -> Result<Vec<Record>> {
        let asked = self.core()?.doomed.clone();
        let mut all: Vec<Record> = Vec::with_capacity(asked.len());
        let mut todo = asked;
        while !todo.is_empty() {
            let mut next = Vec::new();
            for (relation, batch) in self.cascades(&todo)? {
                let rows = self.loaded(&batch, &relation, false)?;
                // A row whose key was set to something else since has other parents by now.
                for child in self.all_of(&rows)?.into_iter().filter(|child| !has_moved(child, &relation)) {
                    match relation.on_delete {
                        OnParentDelete::Delete => next.extend(self.doom(child)?),
                        _ => child.edit_links(|links| links.point(&relation.near, None)),
                    }
                }
            }
            self.part_with(&todo, &mut next)?;
            all.append(&mut todo);
            todo = next;
        }
        Ok(all)
    }

    /// Marks a row to be deleted; gives it, unless it was marked already.
    fn doom(&self, record: Record) -> Result<Option<Record>> {
        let mut core = self.core()?;
        let mut state = record.0.state.lock();
        if state.status != RecordState::Persistent || state.is_doomed() {
            return Ok(None);
        }
        state.fate = Fate::Doomed;
        core.doomed.push(record.clone());
        drop(state);
        Ok(Some(record))
    }

    /// Records that were linked to rows which are going now: they follow the relationship's rule.
    fn part_with(&self, doomed: &[Record], next: &mut Vec<Record>) -> Result<()> {
        let going: HashSet<usize> = doomed.iter().map(Record::address).collect();
        let map = self.inner.db.relations();
        for child in self.linked_records()? {
            let mut state = child.0.state.lock();
            let (mut is_going, is_row) = (false, state.row != NO_ROW);
            for (key, hold) in state.links.iter_mut().flat_map(|links| &mut links.one) {
                let parent = hold.as_ref().and_then(Hold::record);
                if !parent.is_some_and(|parent| going.contains(&parent.address())) {
                    continue;
                }
                match map.list_of(key).map(|relation| relation.on_delete) {
                    Some(OnParentDelete::Nullify) => *hold = None,
                    Some(OnParentDelete::Delete) => is_going = true,
                    // The database is asked, and answers for itself.
                    _ => {}
                }
            }
            drop(state);
            match (is_going, is_row) {
                (true, true) => next.extend(self.doom(child)?),
                (true, false) => self.expunge(&child)?,
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// The relationships to follow for rows to be deleted, each with those rows.
    fn cascades(&self, doomed: &[Record]) -> Result<Vec<(Arc<Relation>, Arc<Batch>)>> {
        let map = self.inner.db.relations();
        let mut found = Vec::new();
        for records in by_table(doomed) {
            let Some(table) = records.first().map(|record| record.table()) else { continue };
            let between: Vec<_> =
                map.of(&table).filter(|r| r.far.is_some()).map(|r| r.near.holder.clone()).collect();
            let follows = |relation: &&Arc<Relation>| {
                relation.kind != RelationshipKind::ManyToOne
                    && relation.far.is_none()
                    && relation.on_delete != OnParentDelete::Leave
                    && !between.contains(&relation.to)
            };
            let relations: Vec<&Arc<Relation>> = map.of(&table).filter(follows).collect();
            if relations.is_empty() {
                continue;
            }
            for batch in self.batches_of(&records)? {
                found.extend(relations.iter().map(|relation| ((*relation).clone(), batch.clone())));
            }
        }
        Ok(found)
    }

    /// Batches of just these rows.
    pub(super) fn batches_of(&self, records: &[&Record]) -> Result<Vec<Arc<Batch>>> {
        let mut places: Vec<Place> = Vec::with_capacity(records.len());
        for record in records {
            let place = record.0.state.lock().place();
            match place {
                Some(place) if place.batch.full => places.push(place),
                Some(_) => {
                    let batch = self.read_row(record)?;
                    let mut state = record.0.state.lock();
                    (state.home, state.row) = (Home::In(batch.clone()), 0);
                    places.push(Place { batch, row: 0 });
                }
                None => {}
            }
        }
        let mut batches = Vec::new();
        for chunk in
            places.chunk_by(|a, b| Arc::ptr_eq(&a.batch.def, &b.batch.def)).flat_map(|run| run.chunks(256))
        {
            let Some(first) = chunk.first() else { continue };
            let columns = first.batch.block.columns();
            let mut builder = BlockBuilder::new(columns.clone(), chunk.len());
            for place in chunk {
                (0..columns.len()).for_each(|at| builder.push_ref(place.value(at).unwrap_or(ValueRef::Null)));
                builder.end_row();
            }
            let block = Arc::new(builder.close_raw());
            batches.push(Arc::new(self.batch(&first.batch.table, &first.batch.def, block)?));
        }
        Ok(batches)
    }

    /// The rows to add to and take out of tables between.
    fn link_rows(&self, linked: &[Record], deletes: &[Record]) -> Result<Vec<LinkRow>> {
        let mut rows = Vec::new();
        for record in linked.iter().filter(|record| !is_doomed(record)) {
            let links = record.0.state.lock().links.clone();
            for list in links.iter().flat_map(|links| &links.many) {
                if list.relation.far.is_none() {
                    continue;
                }
                for other in list.added.values().filter_map(Hold::record).filter(|other| !is_doomed(other)) {
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

/// Whether the key of a row was set since it was read.
fn has_moved(child: &Record, relation: &Relation) -> bool {
    let def = child.table().def();
    let state = child.0.state.lock();
    let linked = state.links.iter().flat_map(|links| &links.one).any(|(key, _)| **key == *relation.near);
    let ids = relation.near.columns.iter().filter_map(|key| def.column(key).ok()).map(|column| column.id());
    linked || ids.into_iter().any(|id| state.overlay.iter().any(|(own, _)| *own == id))
}

fn is_doomed(record: &Record) -> bool {
    let state = record.0.state.lock();
    state.is_doomed() || state.status == RecordState::Deleted
}

/// The records at the other ends of what was written.
fn linked(record: &Record) -> Result<Vec<Record>> {
    let links = record.0.state.lock().links.clone();
    let Some(links) = links else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for hold in links.one.iter().filter_map(|(_, hold)| hold.as_ref()) {
        match hold.record() {
            Some(other) => found.push(other),
            None => return Err(dropped(record)),
        }
    }
    found.extend(links.many.iter().flat_map(|list| list.added.values()).filter_map(Hold::record));
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
