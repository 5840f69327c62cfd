//! What goes with rows that are deleted: the rows that point to them, and the records that are to,
//! by the rule of the relationship.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::rows::BlockBuilder;
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_reflect::RelationshipKind;

use super::gather::by_table;
use super::links::stored;
use super::version::is_changed;
use crate::batch::{Batch, Place};
use crate::inner::Verb;
use crate::key::Key;
use crate::record::{Fate, Home, Record, RecordState};
use crate::relation::{KeyLink, OnParentDelete, Pointer, Relation};

/// Records whose keys were written and not flushed, by where they are to point.
#[derive(Default)]
struct Written {
    /// By the address of the record,
    by_record: HashMap<usize, Followers>,
    /// and where values were set, by the relationship and those.
    by_value: HashMap<(usize, Key), Followers>,
}

/// Records that are to point to another one, and the relationship that leads to each.
type Followers = Vec<(Record, Arc<Relation>)>;

impl Verb<'_> {
    /// Everything that is deleted: what was asked for, and the rows that go with it. The new records
    /// that went with them leave the session, and come beside it.
    pub(super) fn delete_cascade(&self) -> Result<(Vec<Record>, Vec<Record>)> {
        let mut unsaved = Vec::new();
        let mut todo = self.core()?.doomed.clone();
        let mut all: Vec<Record> = Vec::with_capacity(todo.len());
        let written = if todo.is_empty() { Written::default() } else { self.written_keys()? };
        while !todo.is_empty() {
            let mut next = Vec::new();
            for (relation, batch) in self.cascades(&todo)? {
                if relation.on_delete == OnParentDelete::DeleteLoaded {
                    for child in self.held_children(&relation, &batch)? {
                        next.extend(self.doom(child)?);
                    }
                    continue;
                }
                let rows = self.all_related(&batch, &relation)?;
                // A row whose key was set to something else since has other parents by now.
                for child in self.all_of(&rows)?.into_iter().filter(|child| !child.says(&relation.near)) {
                    match relation.on_delete {
                        OnParentDelete::Delete => next.extend(self.doom(child)?),
                        _ => child.nullify(&relation.near),
                    }
                }
            }
            unsaved.append(&mut self.part_with(&todo, &written, &mut next)?);
            all.append(&mut todo);
            todo = next;
        }
        Ok((all, unsaved))
    }

    /// The records the session holds that point to rows of a batch.
    fn held_children(&self, relation: &Relation, parents: &Batch) -> Result<Vec<Record>> {
        let near = &relation.near;
        let def = near.referred.def();
        let place = |name: &Arc<str>| def.columns().position(|column| column.key() == &**name);
        let places: Vec<usize> = near.targets.iter().filter_map(place).collect();
        let key =
            |row: u32| Key::of(places.iter().map(|at| parents.value(row, *at).unwrap_or(ValueRef::Null)));
        let keys: HashSet<Key> = (0..parents.block.len() as u32).filter_map(key).collect();
        let mut core = self.core()?;
        // What the database takes along is not there any more either.
        core.wrote(relation.to.id());
        let mut held = core.identity.alive_of(relation.to.id());
        drop(core);
        let points = |child: &Record| {
            let values = near.columns.iter().map(|name| stored(child, name)).collect::<Result<Vec<Value>>>();
            values.ok().and_then(|values| Key::of_values(&values)).is_some_and(|key| keys.contains(&key))
        };
        held.retain(|child| !child.says(near) && points(child));
        Ok(held)
    }

    /// Records that were taken out of what owned them, and put into no other: they are deleted, or never inserted. Gives
    /// those, which left the session.
    pub(super) fn doom_orphans(&self) -> Result<Vec<Record>> {
        let map = self.inner.db.relations();
        let mut unsaved = Vec::new();
        for child in self.linked_records()? {
            let owned = |key: &KeyLink| map.list_of(key).is_some_and(|relation| relation.owns);
            let points = |name: &Arc<str>| stored(&child, name).is_ok_and(|value| !value.is_null());
            // Who never belonged to anybody is no orphan.
            let is_left = |pointer: &Pointer| {
                pointer.to.is_none() && (pointer.from.is_some() || pointer.key.columns.iter().all(points))
            };
            let left: Vec<Pointer> = child
                .pointers()
                .into_iter()
                .filter(|pointer| is_left(pointer) && owned(&pointer.key))
                .collect();
            let is_orphan = !left.is_empty();
            let status = child.0.state.lock().status;
            match status {
                RecordState::Persistent if is_orphan => drop(self.doom(child)?),
                RecordState::Pending if is_orphan => {
                    self.expunge(&child)?;
                    // Who adds it again wants it, whoever had it once.
                    left.iter().for_each(|pointer| child.take_back_key(&pointer.key, &map));
                    unsaved.push(child);
                }
                _ => {}
            }
        }
        Ok(unsaved)
    }

    /// Marks a row to be deleted; gives it, unless it was marked already.
    pub(crate) fn doom(&self, record: Record) -> Result<Option<Record>> {
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

    /// Records that are to point to rows which are going now: they follow the relationship's rule.
    /// Gives the new ones that left the session.
    fn part_with(&self, doomed: &[Record], written: &Written, next: &mut Vec<Record>) -> Result<Vec<Record>> {
        let (mut going, mut unsaved) = (doomed.to_vec(), Vec::new());
        while let Some(parent) = going.pop() {
            for (child, relation) in self.followers(&parent, written) {
                let status = child.0.state.lock().status;
                match (relation.on_delete, status) {
                    (OnParentDelete::Delete | OnParentDelete::DeleteLoaded, RecordState::Persistent) => {
                        next.extend(self.doom(child)?);
                    }
                    (OnParentDelete::Delete | OnParentDelete::DeleteLoaded, RecordState::Pending) => {
                        self.expunge(&child)?;
                        going.push(child.clone());
                        unsaved.push(child);
                    }
                    (OnParentDelete::Nullify, _) => child.nullify(&relation.near),
                    _ => {}
                }
            }
        }
        Ok(unsaved)
    }

    /// The records whose keys were written to point to this one.
    fn followers(&self, parent: &Record, written: &Written) -> Followers {
        let mut found = written.by_record.get(&parent.address()).cloned().unwrap_or_default();
        if written.by_value.is_empty() {
            return found;
        }
        for relation in self.inner.db.relations().of(&parent.table()).filter(|relation| has_rule(relation)) {
            let values: Result<Vec<Value>> =
                relation.near.targets.iter().map(|target| stored(parent, target)).collect();
            let key = values.ok().and_then(|values| Key::of_values(&values));
            let own = key.and_then(|key| written.by_value.get(&(address(relation), key)));
            found.extend(own.into_iter().flatten().cloned());
        }
        found
    }

    /// The keys that were written and not flushed, of relationships with a rule.
    fn written_keys(&self) -> Result<Written> {
        let map = self.inner.db.relations();
        let mut written = Written::default();
        for child in self.linked_records()? {
            for pointer in child.pointers() {
                let relation = map.list_of(&pointer.key).filter(|relation| has_rule(relation));
                if let (Some(relation), Some(parent)) = (relation, pointer.record()) {
                    let list = written.by_record.entry(parent.address()).or_default();
                    list.push((child.clone(), relation.clone()));
                }
            }
        }
        let mut set = self.core()?.new.clone();
        set.extend(self.inner.touched.all());
        for records in by_table(&set) {
            let Some(table) = records.first().map(|record| record.table()) else { continue };
            for relation in map.to(&table).filter(|relation| has_rule(relation)) {
                for child in &records {
                    if let Some(key) = child.set_key(&relation.near) {
                        let list = written.by_value.entry((address(relation), key)).or_default();
                        list.push(((*child).clone(), relation.clone()));
                    }
                }
            }
        }
        Ok(written)
    }

    /// The relationships to follow for rows to be deleted, each with those rows.
    fn cascades(&self, doomed: &[Record]) -> Result<Vec<(Arc<Relation>, Arc<Batch>)>> {
        let map = self.inner.db.relations();
        let mut found = Vec::new();
        for records in by_table(doomed) {
            let Some(table) = records.first().map(|record| record.table()) else { continue };
            let between: Vec<_> =
                map.of(&table).filter(|r| r.far.is_some()).map(|r| r.near.holder.clone()).collect();
            let follows = |relation: &&Arc<Relation>| !between.contains(&relation.to) && has_rule(relation);
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
                Some(seen) => {
                    let batch = self.read_row(record)?;
                    let found = Place { batch: batch.clone(), row: 0 };
                    if let Some(changed) = is_changed(&batch.def, &seen, &found) {
                        return Err(changed.of(record));
                    }
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
}

/// Whether a relationship leads to rows that point here, and says what becomes of them.
fn has_rule(relation: &Relation) -> bool {
    relation.kind != RelationshipKind::ManyToOne
        && relation.far.is_none()
        && relation.on_delete != OnParentDelete::Leave
}

/// What names a relationship among those of a map.
fn address(relation: &Arc<Relation>) -> usize {
    Arc::as_ptr(relation) as usize
}
