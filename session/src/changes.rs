//! What a transaction did to rows, in order, and what comes of it in the end.
//!
//! A change is the pair of old and new row, handles into blocks that are there anyway, so that
//! keeping account costs little and a rollback finds here what to restore. Not here: who is told
//! (`signal`), and when (`session::commit`).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::iter::Enumerate;
use std::sync::{Arc, OnceLock};

use mirrorm_core::engine::Writing;
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::{ColumnInfo, Row};
use mirrorm_core::schema::{Table, TableId};
use mirrorm_core::stmt::Operation;
use mirrorm_core::value::{Value, ValueRef};

use crate::batch::{Place, key_of};
use crate::identity::Folded;
use crate::key::Key;
use crate::log::Log;
use crate::record::{Record, key_text};

/// A change of one row, or of many rows by one statement.
#[derive(Clone)]
pub struct Change {
    /// What happened.
    pub operation: Operation,
    bind: Option<Arc<str>>,
    pub(crate) body: Body,
}

#[derive(Clone)]
pub(crate) enum Body {
    Row { record: Option<Record>, rows: Pair },
    Bulk { table: Table, rows: u64, criteria: Arc<[Expr]> },
}

/// The old row, the new row, or both.
#[derive(Clone)]
pub(crate) enum Pair {
    New(Place),
    Old(Place),
    Both(Place, Place),
}

impl Pair {
    pub(crate) fn before(&self) -> Option<&Place> {
        match self {
            Pair::New(_) => None,
            Pair::Old(old) | Pair::Both(old, _) => Some(old),
        }
    }

    pub(crate) fn after(&self) -> Option<&Place> {
        match self {
            Pair::Old(_) => None,
            Pair::New(new) | Pair::Both(_, new) => Some(new),
        }
    }

    /// The row after, or the one before where there is none after.
    fn any(&self) -> &Place {
        match self {
            Pair::New(place) | Pair::Old(place) | Pair::Both(_, place) => place,
        }
    }
}

impl Change {
    /// A change of one row; which one, the rows tell.
    pub(crate) fn row(bind: Option<Arc<str>>, record: Option<Record>, rows: Pair) -> Change {
        let operation = match &rows {
            Pair::New(_) => Operation::Insert,
            Pair::Old(_) => Operation::Delete,
            Pair::Both(..) => Operation::Update,
        };
        Change { operation, bind, body: Body::Row { record, rows } }
    }

    pub(crate) fn bulk(bind: Option<Arc<str>>, what: &Writing<'_>, rows: u64) -> Change {
        let body = Body::Bulk { table: what.table.clone(), rows, criteria: what.criteria.into() };
        Change { operation: what.operation, bind, body }
    }

    /// The bind of the database it happened in; none is the default one.
    pub fn bind(&self) -> Option<&str> {
        self.bind.as_deref()
    }

    /// The table.
    pub fn table(&self) -> &Table {
        match &self.body {
            Body::Row { rows, .. } => &rows.any().batch.table,
            Body::Bulk { table, .. } => table,
        }
    }

    /// The record, where one was tracked: not for link rows and bulk changes.
    pub fn record(&self) -> Option<&Record> {
        match &self.body {
            Body::Row { record, .. } => record.as_ref(),
            Body::Bulk { .. } => None,
        }
    }

    fn places(&self) -> (Option<&Place>, Option<&Place>) {
        match &self.body {
            Body::Row { rows, .. } => (rows.before(), rows.after()),
            Body::Bulk { .. } => (None, None),
        }
    }

    /// The row before; none for an insert and for bulk changes.
    pub fn old_row(&self) -> Option<Row> {
        self.places().0.map(Place::to_row)
    }

    /// The row after; none for a delete and for bulk changes.
    pub fn new_row(&self) -> Option<Row> {
        self.places().1.map(Place::to_row)
    }

    /// The values of the primary key: the new ones, or for a delete the old ones. Empty for bulk
    /// changes.
    pub fn key(&self) -> Vec<Value> {
        let (old, new) = self.places();
        new.or(old).map(key_values).unwrap_or_default()
    }

    /// The values of the primary key before; empty for an insert and for bulk changes.
    pub fn old_key(&self) -> Vec<Value> {
        self.places().0.map(key_values).unwrap_or_default()
    }

    /// How many rows changed.
    pub fn rows(&self) -> u64 {
        match &self.body {
            Body::Row { .. } => 1,
            Body::Bulk { rows, .. } => *rows,
        }
    }

    /// Whether it is the work of one statement over any number of rows, which were not tracked.
    pub fn is_bulk(&self) -> bool {
        matches!(self.body, Body::Bulk { .. })
    }

    /// The filters of a bulk update or delete.
    pub fn criteria(&self) -> &[Expr] {
        match &self.body {
            Body::Row { .. } => &[],
            Body::Bulk { criteria, .. } => criteria,
        }
    }

    /// What it is about, for people: `posts 1`, or `posts (20 rows)`.
    pub fn subject(&self) -> String {
        let table = self.table().def().display_name();
        match (&self.body, self.key()) {
            (Body::Bulk { rows: 1, .. }, _) => format!("{table} (1 row)"),
            (Body::Bulk { rows, .. }, _) => format!("{table} ({rows} rows)"),
            (_, key) => format!("{table} {}", key_text(&key)),
        }
    }

    /// The attributes that differ between the old and the new row: for an insert and a delete, all
    /// of them. Empty for bulk changes. The values are lent.
    pub fn diff(&self) -> Diff<'_> {
        Diff { change: self }
    }

    /// Whether the old and the new row are identical.
    fn is_void(&self) -> bool {
        matches!(&self.body, Body::Row { rows: Pair::Both(..), .. }) && self.diff().is_empty()
    }
}

/// The attributes that a change made different.
#[derive(Clone, Copy)]
pub struct Diff<'c> {
    change: &'c Change,
}

/// One attribute before and after a change, lent by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldDiff<'c> {
    /// The column's key.
    pub name: &'c str,
    /// The value before; none for an insert.
    pub old: Option<ValueRef<'c>>,
    /// The value after; none for a delete.
    pub new: Option<ValueRef<'c>>,
}

impl fmt::Display for FieldDiff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: Option<ValueRef<'_>>| value.map_or("-".to_string(), |value| value.to_string());
        write!(f, "{}: {} -> {}", self.name, show(self.old), show(self.new))
    }
}

impl<'c> Diff<'c> {
    /// The attributes in the order of the columns.
    pub fn iter(&self) -> DiffIter<'c> {
        let (old, new) = self.change.places();
        let columns = |place: &'c Place| place.batch.block.columns();
        let same = match (old, new) {
            (Some(old), Some(new)) => Arc::ptr_eq(columns(old), columns(new)),
            _ => true,
        };
        let columns = new.or(old).map(|place| columns(place).iter());
        DiffIter { old, new, same, columns: columns.unwrap_or_default().enumerate() }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl fmt::Debug for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|field| field.to_string())).finish()
    }
}

impl<'c> IntoIterator for Diff<'c> {
    type Item = FieldDiff<'c>;
    type IntoIter = DiffIter<'c>;

    fn into_iter(self) -> DiffIter<'c> {
        self.iter()
    }
}

/// The attributes that a change made different, in the order of the columns.
pub struct DiffIter<'c> {
    old: Option<&'c Place>,
    new: Option<&'c Place>,
    /// Whether both rows have the same columns at the same positions.
    same: bool,
    columns: Enumerate<std::slice::Iter<'c, ColumnInfo>>,
}

impl<'c> DiffIter<'c> {
    fn cell(&self, place: Option<&'c Place>, at: usize, name: &str) -> Option<ValueRef<'c>> {
        let place = place?;
        let block = &place.batch.block;
        let at = if self.same { at } else { block.columns().position(name).ok()? };
        block.value(place.row as usize, at)
    }
}

impl<'c> Iterator for DiffIter<'c> {
    type Item = FieldDiff<'c>;

    fn next(&mut self) -> Option<FieldDiff<'c>> {
        loop {
            let (at, column) = self.columns.next()?;
            let old = self.cell(self.old, at, column.name());
            let new = self.cell(self.new, at, column.name());
            let same = match (old, new) {
                (Some(old), Some(new)) => old.is_identical(new),
                (old, new) => old.is_none() && new.is_none(),
            };
            if !same {
                return Some(FieldDiff { name: column.name(), old, new });
            }
        }
    }
}

impl fmt::Debug for DiffIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiffIter").finish_non_exhaustive()
    }
}

fn key_values(place: &Place) -> Vec<Value> {
    let key = key_of(&place.batch.def);
    let values = key.iter().filter_map(|at| place.value(*at).map(ValueRef::to_value));
    values.collect()
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.subject())
    }
}

/// What a transaction changed: by default the net effect, on request the whole log.
///
/// Net means: what was inserted and updated is an insert, inserted and deleted is nothing, updated
/// and deleted is a delete, deleted and inserted again under the same key is an update, a changed
/// key is an update that knows the old key, and a value that went from A to B to A is nothing. Each
/// row stands where it was first changed. Bulk changes stand as they were.
#[derive(Clone)]
pub struct Changes {
    inner: Arc<Inner>,
    as_log: bool,
}

struct Inner {
    log: Log,
    steps: OnceLock<Vec<Change>>,
    /// The net effect; none where it is the log itself.
    net: OnceLock<Option<Vec<Change>>>,
}

impl Changes {
    pub(crate) fn new(log: Log) -> Changes {
        Changes {
            inner: Arc::new(Inner { log, steps: OnceLock::new(), net: OnceLock::new() }),
            as_log: false,
        }
    }

    /// The log as it was kept.
    pub(crate) fn kept(&self) -> &Log {
        &self.inner.log
    }

    fn list(&self) -> &[Change] {
        let Inner { log, steps, net } = &*self.inner;
        let steps = steps.get_or_init(|| log.steps());
        match self.as_log {
            true => steps,
            false => net.get_or_init(|| net_of(steps)).as_deref().unwrap_or(steps),
        }
    }

    /// The changes in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Change> {
        self.list().iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Everything that happened, step by step.
    pub fn log(&self) -> Changes {
        Changes { as_log: true, ..self.clone() }
    }

    /// What came of it.
    pub fn net(&self) -> Changes {
        Changes { as_log: false, ..self.clone() }
    }

    /// Those of one table.
    pub fn of(&self, table: &Table) -> Changes {
        let mut own = Log::default();
        self.iter().filter(|change| change.table() == table).for_each(|change| own.push(change.clone()));
        // They are net already where this list is.
        Changes { as_log: true, ..Changes::new(own) }
    }
}

impl<'c> IntoIterator for &'c Changes {
    type Item = &'c Change;
    type IntoIter = std::slice::Iter<'c, Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Where a row stands while the net effect is made: by its table and its current key.
type Rows = HashMap<(TableId, Key), usize, Folded>;

/// The net effect of a log; none where each row was touched once, so that the log is it.
fn net_of(log: &[Change]) -> Option<Vec<Change>> {
    if touches_once(log) {
        return None;
    }
    let mut rows: Rows = HashMap::with_capacity_and_hasher(log.len(), Folded::default());
    let mut out: Vec<Option<Change>> = Vec::with_capacity(log.len());
    log.iter().for_each(|change| take(change, &mut rows, &mut out));
    Some(out.into_iter().flatten().collect())
}

fn touches_once(log: &[Change]) -> bool {
    let mut seen: HashSet<(TableId, Key), Folded> =
        HashSet::with_capacity_and_hasher(log.len(), Folded::default());
    let mut is_new = |place: Option<(TableId, Key)>| place.is_none_or(|place| seen.insert(place));
    log.iter().all(|change| match &change.body {
        Body::Bulk { .. } => true,
        Body::Row { rows: Pair::New(place) | Pair::Old(place), record } => {
            is_new(key_in(place, record.is_none()))
        }
        Body::Row { rows: Pair::Both(old, new), record } => {
            let (old, new) = (key_in(old, record.is_none()), key_in(new, record.is_none()));
            let moved = old != new;
            is_new(old) && (!moved || is_new(new))
        }
    })
}

/// What names a row in its table. A link row, of which there is no record, may have no key: all of
/// it names it.
fn key_in(place: &Place, is_link: bool) -> Option<(TableId, Key)> {
    let whole = || is_link.then(|| Key::of_values(&place.to_row().values())).flatten();
    Some((place.batch.table.id(), place.key().or_else(whole)?))
}

/// Takes one step of the log into the net effect.
fn take(change: &Change, rows: &mut Rows, out: &mut Vec<Option<Change>>) {
    let Body::Row { rows: pair, record } = &change.body else {
        return out.push(Some(change.clone()));
    };
    let key = |place| key_in(place, record.is_none());
    let (from, to) = (pair.before().and_then(key), pair.after().and_then(key));
    let slot = from.as_ref().or(to.as_ref()).and_then(|key| rows.remove(key));
    let (slot, merged) = match slot {
        Some(slot) => {
            // A step of old values may look like none; two that lead back are none.
            let merged = merge(out.get_mut(slot).and_then(Option::take), change);
            (slot, merged.filter(|merged| !merged.is_void()))
        }
        None => {
            out.push(None);
            (out.len() - 1, Some(change.clone()))
        }
    };
    // Where nothing is left, the next step of the row starts anew.
    if let (Some(key), true) = (to.or(from), merged.is_some()) {
        rows.insert(key, slot);
    }
    if let Some(place) = out.get_mut(slot) {
        *place = merged;
    }
}

/// Two changes of one row as one; none when nothing is left of them.
fn merge(before: Option<Change>, after: &Change) -> Option<Change> {
    let Some(before) = before else { return Some(after.clone()) };
    let (Body::Row { rows: first, .. }, Body::Row { record, rows: last }) = (&before.body, &after.body)
    else {
        return Some(after.clone());
    };
    let rows = match (first.before(), last.after()) {
        (None, None) => return None,
        (None, Some(new)) => Pair::New(new.clone()),
        (Some(old), Some(new)) => Pair::Both(old.clone(), new.clone()),
        (Some(old), None) => Pair::Old(old.clone()),
    };
    Some(Change::row(after.bind.clone(), record.clone(), rows))
}
