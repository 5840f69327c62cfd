//! Tells receivers what is about to be written of relationships, on both sides. Called by `write`, before it notes anything.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::value::Value;
use mirrorm_reflect::RelationshipKind;

use super::load::find;
use super::write::parent_of;
use super::{KeyLink, Relation};
use crate::inner::Inner;
use crate::named_signal::RelatedChange;
use crate::record::Record;

/// A key of a record that is about to point elsewhere.
pub(super) struct Pointing<'r> {
    pub(super) holder: &'r Record,
    pub(super) key: &'r KeyLink,
    pub(super) after: Option<&'r Record>,
    /// The relationship that leads to the holder.
    pub(super) list: Option<&'r Arc<Relation>>,
    /// Who is known to lose the holder.
    pub(super) loser: Option<&'r Record>,
}

impl Pointing<'_> {
    /// # Errors
    /// The first receiver's; `Busy` where another thread's verb does not end in time.
    pub(super) fn tell(&self) -> Result<()> {
        let (holder, after) = (self.holder, self.after);
        let Some(session) = listening([Some(holder), after, self.loser]) else { return Ok(()) };
        let (before, is_same) = self.before(&session)?;
        if is_same {
            return Ok(());
        }
        let before = before.as_ref().or(self.loser).filter(|before| Some(*before) != after);
        let map = holder.relation_map();
        let leads = |own: &&Arc<Relation>| {
            own.kind == RelationshipKind::ManyToOne && *own.near == *self.key && own.only.is_none()
        };
        for one in map.of(&holder.table()).filter(leads) {
            ask(&session, holder, one, after, before)?;
        }
        let Some(list) = self.list else { return Ok(()) };
        before.map_or(Ok(()), |before| ask(&session, before, list, None, Some(holder)))?;
        after.map_or(Ok(()), |after| ask(&session, after, list, Some(holder), None))
    }

    /// The record that the key points to by now, where it is known, and whether that is where it shall.
    fn before(&self, session: &Arc<Inner>) -> Result<(Option<Record>, bool)> {
        if let Some(pointer) = self.holder.noted(self.key) {
            let before = pointer.record();
            let is_same = before.as_ref() == self.after;
            return Ok((before, is_same));
        }
        let values = |record: &Record, names: &[Arc<str>]| {
            names.iter().map(|name| record.value(name).ok()).collect::<Option<Vec<Value>>>()
        };
        let Some(own) = values(self.holder, &self.key.columns) else { return Ok((None, false)) };
        if own.iter().any(Value::is_null) {
            return Ok((None, self.after.is_none()));
        }
        let is_same = self.after.and_then(|after| values(after, &self.key.targets)).as_ref() == Some(&own);
        Ok((parent_of(session, self.key, &own)?, is_same))
    }
}

/// Two records are about to be linked through a table between, or not to be any more.
pub(super) fn tell_link(
    one: &Record,
    relation: &Arc<Relation>,
    back: Option<&Arc<Relation>>,
    other: &Record,
    linked: bool,
) -> Result<()> {
    let Some(session) = listening([Some(one), Some(other), None]) else { return Ok(()) };
    // Who takes one out has found it in the list.
    if linked && is_linked(&session, one, relation, other)? {
        return Ok(());
    }
    let sides = |other| if linked { (Some(other), None) } else { (None, Some(other)) };
    let (added, removed) = sides(other);
    ask(&session, one, relation, added, removed)?;
    let (added, removed) = sides(one);
    back.map_or(Ok(()), |back| ask(&session, other, back, added, removed))
}

/// Whether a list is known to have a record, without asking the database.
fn is_linked(session: &Arc<Inner>, one: &Record, relation: &Relation, other: &Record) -> Result<bool> {
    let state = one.0.state.lock();
    let noted = state.links.as_ref().and_then(|links| links.has(relation, other));
    let place = state.place();
    drop(state);
    if let Some(noted) = noted {
        return Ok(noted);
    }
    let verb = session.enter()?;
    let loaded = || {
        let place = place?;
        let related = find(&place.batch, &relation.name).filter(|related| verb.is_right(related))?;
        Some(related.leads_to(place.row, &other.identity()?))
    };
    Ok(loaded().unwrap_or(false))
}

/// The session of one of these records, if somebody wants to know.
fn listening(records: [Option<&Record>; 3]) -> Option<Arc<Inner>> {
    let mut sessions = records.into_iter().flatten().filter_map(Record::session);
    sessions.next().filter(|session| !session.db.signals().related_set.is_empty())
}

fn ask(
    session: &Arc<Inner>,
    record: &Record,
    relation: &Relation,
    added: Option<&Record>,
    removed: Option<&Record>,
) -> Result<()> {
    let name = relation.name.clone();
    let change = RelatedChange { name, added: added.cloned(), removed: removed.cloned() };
    session.db.signals().related_set.ask(session, record, &change)
}
