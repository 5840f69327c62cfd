//! What was written of a record's relationships and not flushed.
//!
//! A flush marks what it sends ([`Links::send`]); what is written while it runs, by functions that
//! supply defaults or by another thread, is noted apart and waits for the next one.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use mirrorm_core::expr::Expr;
use mirrorm_core::schema::{ColumnId, Table};
use mirrorm_core::value::Value;
use mirrorm_reflect::RelationshipKind;

use super::ordered::Ordered;
use super::{KeyLink, Relation, same_list};
use crate::assigned::put;
use crate::record::{Record, RecordInner};

/// Relationships of a record that were written and not flushed.
#[derive(Clone, Default)]
pub(crate) struct Links {
    /// Keys this record holds, and the record each is to point to.
    pub(crate) one: Vec<Pointer>,
    /// Lists of this record that changed.
    pub(crate) many: Vec<ListChange>,
    /// Attributes that the database is to work out.
    pub(crate) exprs: Vec<(ColumnId, Expr)>,
    /// What a flush copied from the records pointed to.
    pub(crate) copied: Vec<(ColumnId, Value)>,
    /// Columns of keys that are not copied for a while.
    pub(crate) held_back: Vec<ColumnId>,
    /// Whether a flush is sending this,
    sent: bool,
    /// and what was written since.
    later: Option<Box<Links>>,
}

/// Where a key is to point.
#[derive(Clone)]
pub(crate) struct Pointer {
    pub(crate) key: Arc<KeyLink>,
    pub(crate) to: Option<Hold>,
    /// The record it pointed to before: one of its lists was told.
    pub(crate) from: Option<Weak<RecordInner>>,
}

/// How a list of a record changed: records by their address, in the order they were written.
#[derive(Clone)]
pub(crate) struct ListChange {
    pub(crate) relation: Arc<Relation>,
    pub(crate) added: Ordered<Hold>,
    pub(crate) removed: Ordered<Record>,
}

/// A record at the other end. The side that was written holds it strongly, the other side weakly,
/// so that records which never reach a session do not keep each other alive.
#[derive(Clone)]
pub(crate) enum Hold {
    Strong(Record),
    Weak(Weak<RecordInner>),
}

impl Hold {
    fn downgrade(&self) -> Weak<RecordInner> {
        match self {
            Hold::Strong(record) => record.downgrade(),
            Hold::Weak(weak) => weak.clone(),
        }
    }

    /// The record, if it lives.
    pub(crate) fn record(&self) -> Option<Record> {
        match self {
            Hold::Strong(record) => Some(record.clone()),
            Hold::Weak(weak) => weak.upgrade().map(Record),
        }
    }

    /// What names the record; nobody else can have it while this is held.
    fn address(&self) -> usize {
        match self {
            Hold::Strong(record) => record.address(),
            Hold::Weak(weak) => weak.as_ptr() as usize,
        }
    }

    fn strong(&self) -> Option<&Record> {
        match self {
            Hold::Strong(record) => Some(record),
            Hold::Weak(_) => None,
        }
    }
}

impl Pointer {
    /// The record it is to point to, if there is one and it lives.
    pub(crate) fn record(&self) -> Option<Record> {
        self.to.as_ref().and_then(Hold::record)
    }

    /// The records at its ends, as far as they live.
    pub(crate) fn ends(&self) -> impl Iterator<Item = Record> {
        let before = self.from.as_ref().and_then(Weak::upgrade).map(Record);
        self.record().into_iter().chain(before)
    }
}

impl ListChange {
    fn of(relation: &Arc<Relation>) -> ListChange {
        ListChange { relation: relation.clone(), added: Ordered::default(), removed: Ordered::default() }
    }

    pub(super) fn put_in(&mut self, hold: Hold) {
        let address = hold.address();
        // Written from this side too: now it is held.
        let is_new = matches!(hold, Hold::Strong(_)) || !self.added.contains(address);
        if self.removed.remove(address).is_none() && is_new {
            self.added.insert(address, hold);
        }
    }

    /// Of rows it is not known whether they were in it before they were put in.
    pub(super) fn take_out(&mut self, record: &Record, is_row: bool) {
        if self.added.remove(record.address()).is_none() || is_row {
            self.removed.insert(record.address(), record.clone());
        }
    }

    /// Leaves a record as the database has it.
    pub(super) fn forget(&mut self, record: &Record) {
        self.added.remove(record.address());
        self.removed.remove(record.address());
    }
}

impl Links {
    /// Whether nothing is left to be flushed.
    pub(crate) fn is_empty(&self) -> bool {
        self.one.is_empty()
            && self.exprs.is_empty()
            && self.many.iter().all(|list| list.added.is_empty() && list.removed.is_empty())
            && !self.sent
    }

    /// Whether something waits for the next flush.
    pub(crate) fn waits(&self) -> bool {
        !self.sent || self.later.is_some()
    }

    /// Whether the row of the record itself is written for it: lists are written elsewhere.
    pub(crate) fn changes_row(&self) -> bool {
        !self.one.is_empty()
            || !self.exprs.is_empty()
            || self.later.as_ref().is_some_and(|later| later.changes_row())
    }

    /// Whether a flush is sending it.
    pub(crate) fn is_sent(&self) -> bool {
        self.sent
    }

    /// A flush begins to send it.
    pub(crate) fn send(&mut self) {
        self.sent = true;
    }

    /// It was sent: what was written since.
    pub(crate) fn settle(&mut self) -> Option<Box<Links>> {
        self.sent = false;
        self.take_later()
    }

    /// What was written since it is on its way.
    pub(super) fn take_later(&mut self) -> Option<Box<Links>> {
        self.later.take().filter(|later| !later.is_empty())
    }

    /// It was not sent after all.
    pub(crate) fn take_back(&mut self) {
        if let Some(later) = self.settle() {
            self.merge(*later);
        }
    }

    /// Where to note what is written now.
    pub(super) fn open(&mut self) -> &mut Links {
        match self.sent {
            true => self.later.get_or_insert_default(),
            false => self,
        }
    }

    /// Adds what was written later.
    pub(crate) fn merge(&mut self, mut later: Links) {
        for Pointer { key, to, from } in std::mem::take(&mut later.one) {
            self.point(&key, to, from);
        }
        for (id, expr) in std::mem::take(&mut later.exprs) {
            put(&mut self.exprs, id, expr);
        }
        for (id, value) in std::mem::take(&mut later.copied) {
            put(&mut self.copied, id, value);
        }
        for list in std::mem::take(&mut later.many) {
            self.edit(&list.relation, |own| {
                list.added.into_values().for_each(|hold| own.put_in(hold));
                list.removed.values().for_each(|record| own.take_out(record, false));
            });
        }
    }

    /// Forgets these records.
    pub(crate) fn let_go(&mut self, records: &HashSet<usize>) {
        let is_gone = |hold: &Hold| records.contains(&hold.address());
        for pointer in &mut self.one {
            if pointer.to.as_ref().is_some_and(is_gone) {
                pointer.to = None;
            }
        }
        self.many.iter_mut().for_each(|list| list.added.retain(|hold| !is_gone(hold)));
    }

    /// Forgets what keys of this column were to point to, and says what it was.
    pub(crate) fn forget_key(&mut self, column: &str) -> Vec<Pointer> {
        let is_of = |pointer: &mut Pointer| pointer.key.columns.iter().any(|own| **own == *column);
        let mut gone: Vec<Pointer> = self.one.extract_if(.., is_of).collect();
        gone.extend(self.later.iter_mut().flat_map(|later| later.forget_key(column)));
        gone
    }

    /// Whether the database is to work a column out.
    pub(crate) fn expr(&self, id: ColumnId) -> bool {
        self.exprs.iter().any(|(own, _)| *own == id)
            || self.later.as_ref().is_some_and(|later| later.expr(id))
    }

    /// Whether the database is to work anything out.
    pub(crate) fn has_exprs(&self) -> bool {
        !self.exprs.is_empty() || self.later.as_ref().is_some_and(|later| later.has_exprs())
    }

    /// What the database is to work out.
    pub(crate) fn all_exprs(&self) -> Vec<(ColumnId, Expr)> {
        let mut all = self.exprs.clone();
        for (id, expr) in self.later.iter().flat_map(|later| later.all_exprs()) {
            put(&mut all, id, expr);
        }
        all
    }

    /// Takes what the database is to work out: it is about to be sent.
    pub(crate) fn take_exprs(&mut self) -> Vec<(ColumnId, Expr)> {
        let all = self.all_exprs();
        all.iter().for_each(|(id, _)| self.forget_expr(*id));
        all
    }

    /// Forgets what the database was to work out for a column.
    pub(crate) fn forget_expr(&mut self, id: ColumnId) {
        self.exprs.retain(|(own, _)| *own != id);
        self.later.iter_mut().for_each(|later| later.forget_expr(id));
    }

    /// Notes what a key is to point to, and who loses it, unless that was noted before.
    pub(super) fn point(&mut self, key: &Arc<KeyLink>, to: Option<Hold>, from: Option<Weak<RecordInner>>) {
        let from =
            self.unpoint(key).map_or(from, |before| before.from.or(before.to.map(|to| to.downgrade())));
        self.one.push(Pointer { key: key.clone(), to, from });
    }

    /// Leaves a key as the database has it, and says what was noted.
    pub(super) fn unpoint(&mut self, key: &KeyLink) -> Option<Pointer> {
        let at = self.one.iter().position(|pointer| *pointer.key == *key)?;
        Some(self.one.remove(at))
    }

    /// What is noted of a key.
    pub(super) fn pointer(&self, key: &KeyLink) -> Option<&Pointer> {
        let later = self.later.as_ref().and_then(|later| later.pointer(key));
        later.or_else(|| self.one.iter().find(|pointer| *pointer.key == *key))
    }

    /// Changes what is noted of a list.
    pub(super) fn edit(&mut self, relation: &Arc<Relation>, change: impl FnOnce(&mut ListChange)) {
        match self.many.iter_mut().find(|list| same_list(&list.relation, relation)) {
            Some(list) => change(list),
            None => {
                let mut list = ListChange::of(relation);
                change(&mut list);
                self.many.push(list);
            }
        }
    }

    /// Whether a list will have a record, where that was written.
    pub(super) fn has(&self, relation: &Relation, record: &Record) -> Option<bool> {
        let later = self.later.as_ref().and_then(|later| later.has(relation, record));
        let list = || self.many.iter().find(|list| same_list(&list.relation, relation));
        later.or_else(|| {
            let (list, address) = (list()?, record.address());
            let is_in = list.added.contains(address);
            (is_in || list.removed.contains(address)).then_some(is_in)
        })
    }

    /// Whether a list was written.
    pub(super) fn writes(&self, relation: &Relation) -> bool {
        self.many.iter().any(|list| same_list(&list.relation, relation))
            || self.later.as_ref().is_some_and(|later| later.writes(relation))
    }

    /// Takes out what is noted of a list.
    pub(super) fn take_list(&mut self, relation: &Relation) -> Option<ListChange> {
        let at = self.many.iter().position(|list| same_list(&list.relation, relation))?;
        Some(self.many.remove(at))
    }

    /// What a relationship leads to: what the database says, and what was noted since.
    pub(super) fn over(&self, relation: &Relation, mut found: Vec<Record>) -> Vec<Record> {
        if relation.only.is_some() {
            // Only the database knows who fits.
            return found;
        }
        if relation.kind == RelationshipKind::ManyToOne {
            return match self.pointer(&relation.near) {
                Some(pointer) => pointer.record().into_iter().collect(),
                None => found,
            };
        }
        if let Some(list) = self.many.iter().find(|list| same_list(&list.relation, relation)) {
            found.retain(|record| !list.removed.contains(record.address()));
            let there: HashSet<usize> = found.iter().map(Record::address).collect();
            let added = list.added.values().filter(|hold| !there.contains(&hold.address()));
            found.extend(added.filter_map(Hold::record));
        }
        match &self.later {
            Some(later) => later.over(relation, found),
            None => found,
        }
    }

    /// The columns that a flush fills from the records pointed to.
    pub(crate) fn copied_columns(&self, table: &Table) -> Vec<ColumnId> {
        let def = table.def();
        let keys = self.one.iter().flat_map(|pointer| pointer.key.columns.iter());
        keys.filter_map(|key| def.column(key).ok().map(|column| column.id())).collect()
    }

    /// The records it holds strongly.
    pub(super) fn strong(&self) -> Vec<&Record> {
        let one = self.one.iter().filter_map(|pointer| pointer.to.as_ref());
        let added = self.many.iter().flat_map(|list| list.added.values());
        let mut held: Vec<&Record> = one.chain(added).filter_map(Hold::strong).collect();
        held.extend(self.many.iter().flat_map(|list| list.removed.values()));
        held.extend(self.later.iter().flat_map(|later| later.strong()));
        held
    }

    /// The records it holds strongly, which it lets go.
    fn take_strong(&mut self) -> Vec<Record> {
        let mut held = Vec::new();
        let mut keep = |hold| match hold {
            Hold::Strong(record) => held.push(record),
            Hold::Weak(_) => {}
        };
        std::mem::take(&mut self.one).into_iter().filter_map(|pointer| pointer.to).for_each(&mut keep);
        for list in std::mem::take(&mut self.many) {
            list.added.into_values().for_each(&mut keep);
            list.removed.into_values().map(Hold::Strong).for_each(&mut keep);
        }
        held.extend(self.later.take().into_iter().flat_map(|mut later| later.take_strong()));
        held
    }
}

impl Drop for Links {
    /// One record after the other: a long chain of records must not be dropped by recursion.
    fn drop(&mut self) {
        let mut todo = self.take_strong();
        while let Some(record) = todo.pop() {
            let last = Arc::into_inner(record.0);
            if let Some(mut links) = last.and_then(|inner| inner.state.into_inner().links) {
                todo.append(&mut links.take_strong());
            }
        }
    }
}
