//! Tells receivers what is about to be written of relationships, on both sides. Called by `write`, before it notes anything.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_reflect::RelationshipKind;

use super::{KeyLink, Relation};
use crate::inner::Inner;
use crate::named_signal::RelatedChange;
use crate::record::Record;

/// A key of a record that is about to point elsewhere.
pub(super) struct Pointing<'r> {
    pub(super) holder: &'r Record,
    pub(super) key: &'r KeyLink,
    pub(super) before: Option<&'r Record>,
    pub(super) after: Option<&'r Record>,
    /// The relationship that leads to the holder.
    pub(super) list: Option<&'r Arc<Relation>>,
}

impl Pointing<'_> {
    /// # Errors
    /// The first receiver's.
    pub(super) fn tell(&self) -> Result<()> {
        let (holder, before, after) = (self.holder, self.before, self.after);
        let Some(session) = listening([Some(holder), after, before]).filter(|_| before != after) else {
            return Ok(());
        };
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
    let sides = |other| if linked { (Some(other), None) } else { (None, Some(other)) };
    let (added, removed) = sides(other);
    ask(&session, one, relation, added, removed)?;
    let (added, removed) = sides(one);
    back.map_or(Ok(()), |back| ask(&session, other, back, added, removed))
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
