//! Writing relationships: setting the record at the other end, and changing lists.
//!
//! What is written is noted on both records, so that both sides agree before anything is flushed;
//! the flush (`flush::links`) makes keys and link rows of it. Locks are taken one at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use indexmap::map::Entry;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_reflect::RelationshipKind;

use super::{Hold, KeyLink, Links, ListChange, Relation, RelationMap};
use crate::inner::Inner;
use crate::key::Key;
use crate::record::{NO_ROW, Record, RecordState, put};

impl Record {
    /// Sets the record a relationship leads to, or none. The next flush writes the key; a new record
    /// at the other end is added to the session with it.
    ///
    /// # Errors
    /// `NoSuchColumn` for an unknown relationship, with near names; `Invalid` for one that leads to
    /// many, for a record of another table, of another session, or that was deleted.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("user_id", Integer).references("users.id"),
    /// ))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let post = session.add(posts.record(())?)?;
    /// post.set_related("user", &users.record(values! { "name" => "ann" })?)?;
    /// session.commit()?;
    /// assert_eq!(post.get::<i64>("user_id")?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn set_related<'r>(&self, name: &str, other: impl Into<Option<&'r Record>>) -> Result<()> {
        let other = other.into();
        let (relation, back) = self.written_relation(name)?;
        if !relation.is_one() {
            return Err(self.misused(&relation, "leads to many rows: use `append`, `remove` or `replace`"));
        }
        if let Some(other) = other {
            self.check_other(&relation, other)?;
        }
        if relation.kind == RelationshipKind::ManyToOne {
            point(self, &relation.near, other, back.as_ref(), Side::Holder);
            return Ok(());
        }
        // One-to-one from the other side: whoever pointed here does so no more.
        for old in self.related(name)? {
            if Some(&old) != other {
                point(&old, &relation.near, None, Some(&relation), Side::Referred);
            }
        }
        if let Some(other) = other {
            point_to(other, self, &relation);
        }
        Ok(())
    }

    /// Adds a record to a relationship that leads to many rows.
    ///
    /// # Errors
    /// As [`Record::set_related`].
    pub fn append(&self, name: &str, other: &Record) -> Result<()> {
        let (relation, back) = self.list(name)?;
        self.check_other(&relation, other)?;
        match relation.kind {
            RelationshipKind::ManyToMany => link(self, &relation, back.as_ref(), other, true),
            _ => point_to(other, self, &relation),
        }
        Ok(())
    }

    /// Takes a record out of a relationship that leads to many rows: its key becomes NULL, or the
    /// link row goes. A record that is not in it is left alone.
    ///
    /// # Errors
    /// As [`Record::set_related`].
    pub fn remove(&self, name: &str, other: &Record) -> Result<()> {
        let (relation, back) = self.list(name)?;
        self.check_other(&relation, other)?;
        if self.related(name)?.contains(other) {
            self.take_out(&relation, back.as_ref(), other);
        }
        Ok(())
    }

    /// Takes out a record that is in a list.
    fn take_out(&self, relation: &Arc<Relation>, back: Option<&Arc<Relation>>, other: &Record) {
        match relation.kind {
            RelationshipKind::ManyToMany => link(self, relation, back, other, false),
            _ => point(other, &relation.near, None, Some(relation), Side::Referred),
        }
    }

    /// Makes a relationship lead to exactly these records.
    ///
    /// # Errors
    /// As [`Record::set_related`].
    pub fn replace(&self, name: &str, others: &[Record]) -> Result<()> {
        let (relation, back) = self.list(name)?;
        others.iter().try_for_each(|other| self.check_other(&relation, other))?;
        let now = self.related(name)?;
        let wanted: HashSet<usize> = others.iter().map(Record::address).collect();
        let there: HashSet<usize> = now.iter().map(Record::address).collect();
        let out = now.iter().filter(|old| !wanted.contains(&old.address()));
        out.for_each(|old| self.take_out(&relation, back.as_ref(), old));
        others.iter().filter(|new| !there.contains(&new.address())).try_for_each(|new| self.append(name, new))
    }

    fn list(&self, name: &str) -> Result<(Arc<Relation>, Option<Arc<Relation>>)> {
        let (relation, back) = self.written_relation(name)?;
        match relation.is_one() {
            false => Ok((relation, back)),
            true => Err(self.misused(&relation, "leads to one row: use `set_related`")),
        }
    }

    /// The relationship of a name and the one that leads back. A record that no session knows finds
    /// them by its table.
    fn written_relation(&self, name: &str) -> Result<(Arc<Relation>, Option<Arc<Relation>>)> {
        let map = match self.session() {
            Some(session) => session.db.relations(),
            None => crate::db::relations_of(&self.table()),
        };
        let relation = map.find(&self.table(), name)?;
        Ok((relation.clone(), map.reverse(relation).cloned()))
    }

    fn misused(&self, relation: &Relation, why: &str) -> Error {
        Error::new(ErrorKind::Invalid, format!("`{}` of {} {why}", relation.name, self.describe()))
    }

    fn check_other(&self, relation: &Relation, other: &Record) -> Result<()> {
        if other.table_id() != relation.to.id() {
            let why = format!("leads to `{}`, not to {}", relation.to.def().display_name(), other.describe());
            return Err(self.misused(relation, &why));
        }
        if let (Some(a), Some(b)) = (self.session(), other.session())
            && !Arc::ptr_eq(&a, &b)
        {
            let why = format!("cannot lead to {}, which belongs to another session", other.describe());
            return Err(self.misused(relation, &why));
        }
        for (record, what) in [(self, "was deleted"), (other, "leads to a record that was deleted")] {
            let state = record.0.state.lock();
            let deleted = state.is_doomed() || state.status == RecordState::Deleted;
            drop(state);
            if deleted {
                return Err(self.misused(relation, what));
            }
        }
        Ok(())
    }

    /// Changes what is noted of its relationships, and tells its session.
    pub(crate) fn edit_links(&self, edit: impl FnOnce(&mut Links)) {
        let mut state = self.0.state.lock();
        let is_first = state.links.is_none() && state.row == NO_ROW;
        let mut links = state.links.take().unwrap_or_default();
        edit(&mut links);
        state.links = Some(links).filter(|links| !links.is_empty());
        let told: Option<Arc<Inner>> = self.touch(&mut state);
        let session = state.session();
        drop(state);
        if let Some(session) = session {
            session.linked.store(true, Ordering::Release);
        }
        if let Some(session) = told {
            session.touched.push(self.clone());
        }
        if is_first {
            crate::db::note_unsaved(self);
        }
    }

    /// The record its key is noted to point to; the outer option says whether that was written.
    fn noted(&self, key: &KeyLink) -> Option<Option<Record>> {
        let state = self.0.state.lock();
        let links = state.links.as_ref()?;
        let (_, hold) = links.one.iter().find(|(own, _)| **own == *key)?;
        Some(hold.as_ref().and_then(Hold::record))
    }
}

impl Record {
    /// The record its key points to in the database, if its session has it.
    fn known_parent(&self, key: &KeyLink) -> Option<Record> {
        let session = self.session()?;
        let place = self.0.state.lock().place()?;
        let def = key.referred.def();
        let targets = crate::batch::key_of(&def).iter().filter_map(|at| def.column_at(*at)).map(|c| c.key());
        if !targets.eq(key.targets.iter().map(|target| &**target)) {
            return None;
        }
        let own = |name: &Arc<str>| {
            let at = place.batch.def.columns().position(|column| column.key() == &**name)?;
            place.value(at).map(|value| value.to_value())
        };
        let values: Vec<Value> = key.columns.iter().map(own).collect::<Option<_>>()?;
        let verb = session.enter().ok()?;
        let core = verb.core().ok()?;
        core.identity.get(key.referred.id(), &Key::of_values(&values)?)
    }
}

impl Record {
    /// Takes back what was written of its relationships and not flushed, on both sides.
    pub(crate) fn take_back_links(&self, map: &RelationMap) {
        let Some(links) = self.0.state.lock().links.take() else { return };
        for (key, hold) in &links.one {
            let Some(list) = map.list_of(key) else { continue };
            let ends = [hold.as_ref().and_then(Hold::record), self.known_parent(key)];
            ends.iter().flatten().for_each(|end| end.forget_in(list, self));
        }
        for ListChange { relation, added, removed } in &links.many {
            let others = || added.values().filter_map(Hold::record).chain(removed.values().cloned());
            if relation.far.is_some() {
                let back = map.reverse(relation);
                back.into_iter().for_each(|back| others().for_each(|other| other.forget_in(back, self)));
                continue;
            }
            for child in others() {
                // It may have been given to somebody else since, which stays.
                if child.noted(&relation.near).is_some_and(|noted| noted.is_none_or(|end| end == *self)) {
                    child.edit_links(|links| links.unpoint(&relation.near));
                    let before = child.known_parent(&relation.near).filter(|before| before != self);
                    before.iter().for_each(|before| before.forget_in(relation, &child));
                }
            }
        }
    }

    /// Forgets what was written about a record in one of its lists.
    fn forget_in(&self, list: &Arc<Relation>, record: &Record) {
        if self.0.state.lock().links.is_some() {
            self.edit_links(|links| links.edit(list, |change| change.forget(record)));
        }
    }
}

/// Which side of a key was written, and so holds the other strongly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Holder,
    Referred,
}

/// Notes that a record belongs into a list of another, written from the list's side.
fn point_to(holder: &Record, referred: &Record, list: &Arc<Relation>) {
    point(holder, &list.near, Some(referred), Some(list), Side::Referred);
}

/// Notes that the key of a record points to another, on both of them. `list` is the relationship
/// that leads from the referred record to the holder.
fn point(
    holder: &Record,
    key: &Arc<KeyLink>,
    referred: Option<&Record>,
    list: Option<&Arc<Relation>>,
    side: Side,
) {
    // Whoever it was noted or known to point to loses it.
    let before = holder.noted(key).unwrap_or_else(|| holder.known_parent(key));
    if let (Some(before), Some(list)) = (before.filter(|before| Some(before) != referred), list) {
        before.edit_links(|links| links.edit(list, |change| change.take_out(holder)));
    }
    let hold = referred.map(|referred| match side {
        Side::Holder => Hold::Strong(referred.clone()),
        Side::Referred => Hold::Weak(referred.downgrade()),
    });
    holder.edit_links(|links| links.point(key, hold));
    if let (Some(referred), Some(list)) = (referred, list) {
        let hold = match side {
            Side::Holder => Hold::Weak(holder.downgrade()),
            Side::Referred => Hold::Strong(holder.clone()),
        };
        referred.edit_links(|links| links.edit(list, |change| change.put_in(hold)));
    }
}

/// Notes that two records are linked through a table between, or are not any more.
fn link(one: &Record, relation: &Arc<Relation>, back: Option<&Arc<Relation>>, other: &Record, linked: bool) {
    let note = |links: &mut Links, relation: &Arc<Relation>, hold: Hold, record: &Record| {
        links.edit(relation, |change| if linked { change.put_in(hold) } else { change.take_out(record) });
    };
    one.edit_links(|links| note(links, relation, Hold::Strong(other.clone()), other));
    if let Some(back) = back {
        other.edit_links(|links| note(links, back, Hold::Weak(one.downgrade()), one));
    }
}

impl ListChange {
    fn put_in(&mut self, hold: Hold) {
        if self.removed.shift_remove(&hold.address()).is_some() {
            return;
        }
        match self.added.entry(hold.address()) {
            // Written from this side too: now it is held.
            Entry::Occupied(mut own) if matches!(hold, Hold::Strong(_)) => drop(own.insert(hold)),
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => drop(place.insert(hold)),
        }
    }

    fn take_out(&mut self, record: &Record) {
        if self.added.shift_remove(&record.address()).is_none() {
            self.removed.insert(record.address(), record.clone());
        }
    }

    /// Leaves a record as the database has it.
    fn forget(&mut self, record: &Record) {
        self.added.shift_remove(&record.address());
        self.removed.shift_remove(&record.address());
    }
}

impl Links {
    /// Adds what was written later.
    pub(crate) fn merge(&mut self, mut later: Links) {
        for (key, hold) in std::mem::take(&mut later.one) {
            self.point(&key, hold);
        }
        for (id, value) in std::mem::take(&mut later.copied) {
            put(&mut self.copied, id, value);
        }
        for list in std::mem::take(&mut later.many) {
            self.edit(&list.relation, |own| {
                list.added.into_values().for_each(|hold| own.put_in(hold));
                list.removed.values().for_each(|record| own.take_out(record));
            });
        }
    }

    /// Forgets these records.
    pub(crate) fn let_go(&mut self, records: &HashSet<usize>) {
        let is_gone = |hold: &Hold| hold.record().is_some_and(|record| records.contains(&record.address()));
        for (_, hold) in &mut self.one {
            if hold.as_ref().is_some_and(is_gone) {
                *hold = None;
            }
        }
        self.many.iter_mut().for_each(|list| list.added.retain(|_, hold| !is_gone(hold)));
    }

    /// Forgets what keys of this column were to point to.
    pub(crate) fn forget_key(&mut self, column: &str) {
        self.one.retain(|(key, _)| !key.columns.iter().any(|own| **own == *column));
    }

    /// Notes what a key is to point to.
    pub(crate) fn point(&mut self, key: &Arc<KeyLink>, hold: Option<Hold>) {
        self.unpoint(key);
        self.one.push((key.clone(), hold));
    }

    /// Leaves a key as the database has it.
    fn unpoint(&mut self, key: &KeyLink) {
        self.one.retain(|(own, _)| **own != *key);
    }

    /// What a relationship leads to: what the database says, and what was noted since.
    pub(super) fn over(&self, relation: &Relation, mut found: Vec<Record>) -> Vec<Record> {
        if relation.kind == RelationshipKind::ManyToOne {
            return match self.one.iter().find(|(key, _)| **key == *relation.near) {
                Some((_, hold)) => hold.as_ref().and_then(Hold::record).into_iter().collect(),
                None => found,
            };
        }
        if let Some(list) = self.many.iter().find(|list| super::same_list(&list.relation, relation)) {
            found.retain(|record| !list.removed.contains_key(&record.address()));
            let there: HashSet<usize> = found.iter().map(Record::address).collect();
            let added = list.added.iter().filter(|(address, _)| !there.contains(*address));
            found.extend(added.filter_map(|(_, hold)| hold.record()));
        }
        found
    }
}
