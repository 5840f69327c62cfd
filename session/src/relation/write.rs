//! Writing relationships: setting the record at the other end, and changing lists.
//!
//! What is written is noted on both records, so that both sides agree before anything is flushed;
//! the flush (`flush::links`) makes keys and link rows of it. Locks are taken one at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_reflect::RelationshipKind;

use super::noted::{ListChange, Pointer};
use super::told::{Pointing, tell_link};
use super::{Hold, KeyLink, Links, Relation, RelationMap};
use crate::inner::Inner;
use crate::key::Key;
use crate::record::{Fate, NO_ROW, Record, RecordState, State};

impl Record {
    /// Sets the record a relationship leads to, or none. The next flush writes the key; a new record
    /// at the other end is added to the session with it.
    ///
    /// # Errors
    /// `NoSuchColumn` for an unknown relationship, with near names; `Invalid` for one that leads to
    /// many, for a record of another table, of another session, or that was deleted; `Busy` when
    /// another thread's verb does not end in time: the record that loses this one is looked up in
    /// the session.
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
            let (holder, key, list) = (self, &*relation.near, back.as_ref());
            Pointing { holder, key, after: other, list, loser: None }.tell()?;
            other.map_or(Ok(()), |other| self.check_other(&relation, other))?;
            return point(self, &relation.near, other, back.as_ref(), Side::Holder, None);
        }
        // One-to-one from the other side: whoever pointed here does so no more.
        let mut olds = self.all_related(name)?;
        olds.retain(|old| Some(old) != other);
        self.tell_list(&relation, back.as_ref(), &olds, other.as_slice())?;
        other.map_or(Ok(()), |other| self.check_other(&relation, other))?;
        olds.iter().try_for_each(|old| self.take_out(&relation, back.as_ref(), old))?;
        other.map_or(Ok(()), |other| point_to(other, self, &relation))
    }

    /// Tells what is about to leave a list, and what is to come into it.
    fn tell_list(
        &self,
        relation: &Arc<Relation>,
        back: Option<&Arc<Relation>>,
        out: &[Record],
        new: &[impl std::borrow::Borrow<Record>],
    ) -> Result<()> {
        let tell = |other: &Record, is_new: bool| match relation.kind {
            RelationshipKind::ManyToMany => tell_link(self, relation, back, other, is_new),
            _ => {
                let (after, loser) = if is_new { (Some(self), None) } else { (None, Some(self)) };
                Pointing { holder: other, key: &relation.near, after, list: Some(relation), loser }.tell()
            }
        };
        out.iter().try_for_each(|old| tell(old, false))?;
        new.iter().try_for_each(|new| tell(new.borrow(), true))
    }

    /// Adds a record to a relationship that leads to many rows.
    ///
    /// # Errors
    /// As [`Record::set_related`].
    pub fn append(&self, name: &str, other: &Record) -> Result<()> {
        let (relation, back) = self.list(name)?;
        self.check_other(&relation, other)?;
        self.tell_list(&relation, back.as_ref(), &[], &[other])?;
        // Receivers may have deleted it.
        self.check_other(&relation, other)?;
        self.put_in(&relation, back.as_ref(), other)
    }

    /// Puts a record into a list.
    fn put_in(&self, relation: &Arc<Relation>, back: Option<&Arc<Relation>>, other: &Record) -> Result<()> {
        match relation.kind {
            RelationshipKind::ManyToMany => link(self, relation, back, other, true),
            _ => return point_to(other, self, relation),
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
        if self.all_related(name)?.contains(other) {
            self.tell_list(&relation, back.as_ref(), std::slice::from_ref(other), NONE)?;
            self.take_out(&relation, back.as_ref(), other)?;
        }
        Ok(())
    }

    /// Takes out a record that is in a list.
    fn take_out(&self, relation: &Arc<Relation>, back: Option<&Arc<Relation>>, other: &Record) -> Result<()> {
        match relation.kind {
            RelationshipKind::ManyToMany => link(self, relation, back, other, false),
            _ => return point(other, &relation.near, None, Some(relation), Side::Referred, Some(self)),
        }
        Ok(())
    }

    /// Makes a relationship lead to exactly these records, one after the other.
    ///
    /// # Errors
    /// As [`Record::set_related`]; after `Busy` those before it are in place.
    pub fn replace(&self, name: &str, others: &[Record]) -> Result<()> {
        let (relation, back) = self.list(name)?;
        others.iter().try_for_each(|other| self.check_other(&relation, other))?;
        let now = self.all_related(name)?;
        let wanted: HashSet<usize> = others.iter().map(Record::address).collect();
        let there: HashSet<usize> = now.iter().map(Record::address).collect();
        let mut out = now;
        out.retain(|old| !wanted.contains(&old.address()));
        let new: Vec<&Record> = others.iter().filter(|new| !there.contains(&new.address())).collect();
        self.tell_list(&relation, back.as_ref(), &out, &new)?;
        new.iter().try_for_each(|new| self.check_other(&relation, new))?;
        out.iter().try_for_each(|old| self.take_out(&relation, back.as_ref(), old))?;
        new.into_iter().try_for_each(|new| self.put_in(&relation, back.as_ref(), new))
    }

    /// Makes a relationship of whatever kind lead to these records.
    pub(crate) fn lead_to(&self, name: &str, others: &[Record]) -> Result<()> {
        match self.written_relation(name)?.0.is_one() {
            true => self.set_related(name, others.first()),
            false => self.replace(name, others),
        }
    }

    /// Whether a record says where a relationship leads: a row does, unless its key was set by value, and a new record does
    /// where that was written.
    pub(crate) fn says_where(&self, name: &str) -> Result<bool> {
        let relation = self.relation_map().find(&self.table(), name)?.clone();
        let state = self.0.state.lock();
        let is_row = state.row != NO_ROW;
        if relation.kind == RelationshipKind::ManyToOne {
            return Ok(is_noted(&state, &relation.near) || (is_row && !sets(&state, &relation.near)));
        }
        let is_written = state.links.as_ref().is_some_and(|links| links.writes(&relation));
        Ok(is_row || is_written)
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
        let map = self.relation_map();
        let relation = map.find(&self.table(), name)?;
        if relation.view_only {
            return Err(self.misused(relation, "is only read"));
        }
        Ok((relation.clone(), map.reverse(relation).cloned()))
    }

    pub(super) fn relation_map(&self) -> Arc<RelationMap> {
        match self.session() {
            Some(session) => session.db.relations(),
            None => crate::db::relations_of(&self.table()),
        }
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
            if record.is_going() {
                return Err(self.misused(relation, what));
            }
        }
        Ok(())
    }

    /// Changes what is noted of its relationships, and tells its session.
    pub(crate) fn edit_links(&self, edit: impl FnOnce(&mut Links)) {
        let mut state = self.0.state.lock();
        let is_first = state.links.is_none();
        let mut links = state.links.take().unwrap_or_default();
        edit(links.open());
        state.links = Some(links).filter(|links| !links.is_empty());
        let told: Option<Arc<Inner>> = self.touch(&mut state);
        let session = state.session();
        let is_loose = state.row == NO_ROW || session.is_none();
        drop(state);
        if let Some(session) = session {
            session.linked.store(true, Ordering::Release);
        }
        if let Some(session) = told {
            session.touched.push(self.clone());
        }
        if is_first && is_loose {
            crate::db::note_unsaved(self);
        }
    }

    /// What is noted of a key.
    pub(super) fn noted(&self, key: &KeyLink) -> Option<Pointer> {
        self.0.state.lock().links.as_ref()?.pointer(key).cloned()
    }

    /// The record its key points to in the database, if its session has it.
    fn known_parent(&self, key: &KeyLink) -> Result<Option<Record>> {
        let place = self.0.state.lock().place();
        let (Some(session), Some(place)) = (self.session(), place) else { return Ok(None) };
        let own = |name: &Arc<str>| {
            let at = place.batch.def.columns().position(|column| column.key() == &**name)?;
            place.value(at).map(|value| value.to_value())
        };
        match key.columns.iter().map(own).collect::<Option<Vec<Value>>>() {
            Some(values) => parent_of(&session, key, &values),
            None => Ok(None),
        }
    }

    /// A record that is added again takes those in its lists with it: a rollback let go of what was
    /// noted on them. What was said of their keys since stays.
    pub(crate) fn renew_lists(&self) -> Result<()> {
        let lists: Vec<ListChange> = match &self.0.state.lock().links {
            Some(links) => links.many.iter().filter(|list| list.relation.far.is_none()).cloned().collect(),
            None => return Ok(()),
        };
        for ListChange { relation, added, .. } in &lists {
            for child in added.values().filter_map(Hold::record) {
                if !child.is_going() && !child.says(&relation.near) {
                    point_to(&child, self, relation)?;
                }
            }
        }
        Ok(())
    }

    /// A record that is new again holds the rows it is to point to: nobody else may. Says whether it
    /// has relationships that were written.
    pub(crate) fn hold_rows(&self) -> bool {
        let is_row = |other: &Record| other.0.state.lock().row != NO_ROW;
        let ends = self.pointers().into_iter().map(|pointer| pointer.record().filter(is_row));
        let rows: Vec<Record> = ends.flatten().collect();
        let mut state = self.0.state.lock();
        for pointer in state.links.iter_mut().flat_map(|links| &mut links.one) {
            let row = rows.iter().find(|row| pointer.record().as_ref() == Some(row));
            pointer.to = row.cloned().map(Hold::Strong).or_else(|| pointer.to.take());
        }
        state.links.is_some()
    }

    /// Whether it is a row of the database.
    fn is_row(&self) -> bool {
        self.0.state.lock().row != NO_ROW
    }

    /// Whether it was deleted, or is to be.
    pub(crate) fn is_going(&self) -> bool {
        let state = self.0.state.lock();
        state.status == RecordState::Deleted || state.fate != Fate::Stays
    }

    /// Whether it was said where a key is to point, by relationship or by value.
    pub(crate) fn says(&self, key: &KeyLink) -> bool {
        let state = self.0.state.lock();
        is_noted(&state, key) || sets(&state, key)
    }

    /// The values of a key that was set by value, if none of them is NULL.
    pub(crate) fn set_key(&self, key: &KeyLink) -> Option<Key> {
        let state = self.0.state.lock();
        if is_noted(&state, key) || !sets(&state, key) {
            return None;
        }
        let def = state.home.table().def();
        let value = |name: &Arc<str>| {
            let id = def.column(name).ok()?.id();
            state.value(id, name).map(|value| value.to_value())
        };
        Key::of_values(&key.columns.iter().map(value).collect::<Option<Vec<Value>>>()?)
    }

    /// What is noted of its keys.
    pub(crate) fn pointers(&self) -> Vec<Pointer> {
        self.0.state.lock().links.as_ref().map_or(Vec::new(), |links| links.one.clone())
    }

    /// The next flush sets a key to NULL.
    pub(crate) fn nullify(&self, key: &Arc<KeyLink>) {
        self.edit_links(|links| links.point(key, None, None));
    }
}

/// Taking back.
impl Record {
    /// Takes back what was written of its relationships and not flushed, on both sides.
    pub(crate) fn take_back_links(&self, map: impl FnOnce() -> Arc<RelationMap>) {
        let Some(links) = self.take_links() else { return };
        let map = map();
        self.forget_at_ends(&links.one, &map);
        links.many.iter().for_each(|list| self.take_back_list(list, &map));
    }

    /// Takes back what was written of one relationship and not flushed.
    pub(crate) fn take_back(&self, relation: &Relation, map: &RelationMap) {
        if relation.kind == RelationshipKind::ManyToOne {
            return self.take_back_key(&relation.near, map);
        }
        let mut taken = None;
        if self.0.state.lock().links.is_some() {
            self.edit_links(|links| taken = links.take_list(relation));
        }
        taken.iter().for_each(|list| self.take_back_list(list, map));
    }

    fn take_back_list(&self, ListChange { relation, added, removed }: &ListChange, map: &RelationMap) {
        if relation.far.is_some() {
            let others = || added.values().filter_map(Hold::record).chain(removed.values().cloned());
            let back = map.reverse(relation);
            back.into_iter().for_each(|back| others().for_each(|other| other.forget_in(back, self)));
            return;
        }
        let given_away = |child: &Record| {
            let noted = child.noted(&relation.near).and_then(|pointer| pointer.record());
            noted.is_some_and(|end| end != *self)
        };
        for child in added.values().filter_map(Hold::record).filter(|child| !given_away(child)) {
            child.take_back_key(&relation.near, map);
        }
        for child in removed.values() {
            // What it was given to since keeps it.
            match given_away(child) {
                true => {
                    self.edit_links(|links| links.edit(relation, |list| list.take_out(child, child.is_row())))
                }
                false => child.take_back_key(&relation.near, map),
            }
        }
    }

    /// Takes out what is noted and not on its way already.
    fn take_links(&self) -> Option<Box<Links>> {
        let mut state = self.0.state.lock();
        match &mut state.links {
            Some(links) if links.is_sent() => links.take_later(),
            links => links.take(),
        }
    }

    /// Leaves a key as the database has it, here and at its ends.
    pub(crate) fn take_back_key(&self, key: &KeyLink, map: &RelationMap) {
        let mut gone = None;
        if self.0.state.lock().links.is_some() {
            self.edit_links(|links| gone = links.unpoint(key));
        }
        self.forget_at_ends(gone.as_slice(), map);
    }

    /// What was noted of keys holds no more, because their values were set: the lists at their ends
    /// forget it too.
    pub(crate) fn forget_keys(&self, pointers: &[Pointer]) {
        if !pointers.is_empty() {
            self.forget_at_ends(pointers, &self.relation_map());
        }
    }

    /// The records at the ends of keys forget what they were told of this one.
    fn forget_at_ends(&self, pointers: &[Pointer], map: &RelationMap) {
        for pointer in pointers {
            let list = map.list_of(&pointer.key);
            list.into_iter().for_each(|list| pointer.ends().for_each(|end| end.forget_in(list, self)));
        }
    }

    /// Forgets what was written about a record in one of its lists.
    fn forget_in(&self, list: &Arc<Relation>, record: &Record) {
        if self.0.state.lock().links.is_some() {
            self.edit_links(|links| links.edit(list, |change| change.forget(record)));
        }
    }
}

/// The record that these values of a key point to, if its session has it and they are a whole primary key.
pub(super) fn parent_of(session: &Arc<Inner>, key: &KeyLink, values: &[Value]) -> Result<Option<Record>> {
    let def = key.referred.def();
    let targets = crate::batch::key_of(&def).iter().filter_map(|at| def.column_at(*at)).map(|c| c.key());
    if !targets.eq(key.targets.iter().map(|target| &**target)) {
        return Ok(None);
    }
    let Some(key_of_parent) = Key::of_values(values) else { return Ok(None) };
    match session.enter() {
        Ok(verb) => Ok(verb.core()?.identity.get(key.referred.id(), &key_of_parent)),
        // It was closed just now.
        Err(error) if error.kind() == ErrorKind::Detached => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a relationship of a key was written and not flushed.
fn is_noted(state: &State, key: &KeyLink) -> bool {
    state.links.as_ref().is_some_and(|links| links.pointer(key).is_some())
}

/// Whether values of a key were set and not flushed.
fn sets(state: &State, key: &KeyLink) -> bool {
    if state.overlay.is_empty() {
        return false;
    }
    let def = state.home.table().def();
    let mut ids = key.columns.iter().filter_map(|name| Some(def.column(name).ok()?.id()));
    ids.any(|id| state.overlay.holds(id))
}

/// Which side of a key was written, and so holds the other strongly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Holder,
    Referred,
}

/// Notes that a record belongs into a list of another, written from the list's side.
fn point_to(holder: &Record, referred: &Record, list: &Arc<Relation>) -> Result<()> {
    point(holder, &list.near, Some(referred), Some(list), Side::Referred, None)
}

/// No records.
const NONE: &[Record] = &[];

/// Notes that the key of a record points to another, on both of them. `list` is the relationship
/// that leads from the referred record to the holder, `loser` who is known to have led to it.
fn point(
    holder: &Record,
    key: &Arc<KeyLink>,
    referred: Option<&Record>,
    list: Option<&Arc<Relation>>,
    side: Side,
    loser: Option<&Record>,
) -> Result<()> {
    // Whoever it was noted or known to point to loses it.
    let before = match holder.noted(key) {
        Some(pointer) => pointer.record(),
        None => holder.known_parent(key)?.or_else(|| loser.cloned()),
    };
    let lost = before.as_ref().filter(|before| Some(*before) != referred);
    if let (Some(before), Some(list)) = (lost, list) {
        let are_rows = holder.is_row() && before.is_row();
        before.edit_links(|links| links.edit(list, |change| change.take_out(holder, are_rows)));
    }
    let to = referred.map(|referred| match side {
        Side::Holder => Hold::Strong(referred.clone()),
        Side::Referred => Hold::Weak(referred.downgrade()),
    });
    holder.edit_links(|links| links.point(key, to, before.as_ref().map(Record::downgrade)));
    if let (Some(referred), Some(list)) = (referred, list) {
        let hold = match side {
            Side::Holder => Hold::Weak(holder.downgrade()),
            Side::Referred => Hold::Strong(holder.clone()),
        };
        referred.edit_links(|links| links.edit(list, |change| change.put_in(hold)));
    }
    Ok(())
}

/// Notes that two records are linked through a table between, or are not any more.
fn link(one: &Record, relation: &Arc<Relation>, back: Option<&Arc<Relation>>, other: &Record, linked: bool) {
    let are_rows = one.is_row() && other.is_row();
    let note = |links: &mut Links, relation: &Arc<Relation>, hold: Hold, record: &Record| {
        links.edit(relation, |change| match linked {
            true => change.put_in(hold),
            false => change.take_out(record, are_rows),
        });
    };
    one.edit_links(|links| note(links, relation, Hold::Strong(other.clone()), other));
    if let Some(back) = back {
        other.edit_links(|links| note(links, back, Hold::Weak(one.downgrade()), one));
    }
}
