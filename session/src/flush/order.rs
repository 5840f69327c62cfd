//! The order of a flush.
//!
//! Tables stand after those they point to; where tables point to each other or to themselves, rows
//! do. First go updates that let go of rows (keys set to NULL) and the deletes that nothing else in
//! the flush has to precede, so that what they held is free; then updates and inserts, those pointed
//! to first; then the other deletes, those pointed to last. Equal work has equal order.

use std::collections::HashMap;

use mirrorm_core::internal::sort;
use mirrorm_core::schema::{ForeignKeyDef, Table, TableDef, TableId};
use mirrorm_core::stmt::Operation;
use mirrorm_core::value::ValueRef;
use mirrorm_core::{Error, ErrorKind, Result};

use super::circles::{HeldBack, Need, Unravelled, records_of, unravel};
use super::gather::by_table;
use super::{Step, Work};
use crate::batch::key_of;
use crate::inner::Verb;
use crate::key::Key;
use crate::record::Record;
use crate::relation::Pointer;

/// What is done to the rows of one table, or of tables that point to each other.
struct Group {
    tables: Vec<Table>,
    /// Whether rows have to be sorted one by one.
    by_rows: bool,
}

impl Group {
    fn has(&self, record: &Record) -> bool {
        self.tables.iter().any(|table| table.id() == record.table_id())
    }
}

impl Verb<'_> {
    /// The steps of a flush in order.
    pub(super) fn order(&self, work: &Work) -> Result<Vec<Step>> {
        if let Some(only) = one_step(work, self.core()?.only_pending()) {
            return Ok(vec![only]);
        }
        let groups = groups(work);
        let (unlinking, updates) = split_unlinking(work);
        let mut order = steps(&unlinking, Operation::Update);
        let early = early_tables(work, &updates, &groups);
        order.extend(deletes(work, &groups, |table| early.contains(&table))?);
        for group in &groups {
            let own = |list: &[Record]| -> Vec<Record> {
                list.iter().filter(|record| group.has(record)).cloned().collect()
            };
            let (updates, inserts) = (own(&updates), own(&work.inserts));
            if group.by_rows && !inserts.is_empty() {
                order.extend(by_rows(&updates, &inserts)?);
            } else {
                order.extend(steps(&updates, Operation::Update));
                order.extend(steps(&inserts, Operation::Insert));
            }
        }
        order.extend(deletes(work, &groups, |table| !early.contains(&table))?);
        Ok(order)
    }
}

/// Work of one kind on one table, whose rows do not point to each other. Where new records are of one table only, they are
/// not looked at: of many, that is a pass less through all their memory.
fn one_step(work: &Work, only_new: Option<TableId>) -> Option<Step> {
    let (records, operation) = match (&*work.inserts, &*work.updates, &*work.deletes) {
        (_, [], []) => (&work.inserts, Operation::Insert),
        ([], _, []) => (&work.updates, Operation::Update),
        ([], [], _) => (&work.deletes, Operation::Delete),
        _ => return None,
    };
    let table = records.first()?.table();
    let def = table.def();
    if operation == Operation::Insert && !work.linked.is_empty() {
        // A relationship without a foreign key may lead from one to the other.
        return None;
    }
    let own = def.foreign_keys().iter().any(|key| def.points_to(key, &def));
    let is_known = operation == Operation::Insert && only_new == Some(table.id());
    let one = is_known || records.iter().all(|record| record.table_id() == table.id());
    (one && (operation == Operation::Update || !own)).then(|| Step::of(table, operation, records.clone()))
}

/// Neighbours of one table are one step.
fn steps(records: &[Record], operation: Operation) -> Vec<Step> {
    let runs = records.chunk_by(|a, b| a.table_id() == b.table_id());
    let step = |run: &[Record]| Some(Step::of(run.first()?.table(), operation, run.to_vec().into()));
    runs.filter_map(step).collect()
}

/// The tables of the work, those pointed to first.
fn groups(work: &Work) -> Vec<Group> {
    let mut tables: Vec<Table> = Vec::new();
    for record in work.inserts.iter().chain(&*work.updates).chain(&*work.deletes) {
        if !tables.iter().rev().any(|table| table.id() == record.table_id()) {
            tables.push(record.table());
        }
    }
    let defs: Vec<_> = tables.iter().map(Table::def).collect();
    let mut depends: Vec<Vec<usize>> = defs
        .iter()
        .map(|def| {
            let points = |key: &ForeignKeyDef| defs.iter().position(|other| def.points_to(key, other));
            def.foreign_keys().iter().filter_map(points).collect()
        })
        .collect();
    // What a program declared to point, and no foreign key does.
    for record in work.inserts.iter().chain(&*work.updates) {
        let state = record.0.state.lock();
        let Some(links) = &state.links else { continue };
        for link in links.one.iter().map(|pointer| &pointer.key) {
            let place = |table: &Table| tables.iter().position(|own| own == table);
            if let (Some(holder), Some(referred)) = (place(&link.holder), place(&link.referred))
                && let Some(list) = depends.get_mut(holder)
                && !list.contains(&referred)
            {
                list.push(referred);
            }
        }
    }
    let alone = |at: &usize| {
        let own = depends.get(*at).is_some_and(|list| list.contains(at));
        let tables = tables.get(*at).cloned().into_iter().collect();
        Group { tables, by_rows: own }
    };
    match sort(tables.len(), &depends) {
        Ok(order) => order.iter().map(alone).collect(),
        Err(circle) => {
            let rest: Vec<usize> = (0..tables.len()).filter(|at| !circle.contains(at)).collect();
            let place = |at: &usize| rest.iter().position(|own| own == at);
            let among: Vec<Vec<usize>> = rest
                .iter()
                .map(|at| depends.get(*at).into_iter().flatten().filter_map(place).collect())
                .collect();
            let order = sort(rest.len(), &among).unwrap_or_default();
            let mut groups: Vec<Group> = order.iter().filter_map(|at| rest.get(*at)).map(alone).collect();
            let tables = circle.iter().filter_map(|at| tables.get(*at).cloned()).collect();
            groups.push(Group { tables, by_rows: true });
            groups
        }
    }
}

/// Updates that set keys to NULL and no key to anything else, if something is deleted, and the rest.
fn split_unlinking(work: &Work) -> (Vec<Record>, Vec<Record>) {
    if work.deletes.is_empty() {
        return (Vec::new(), work.updates.to_vec());
    }
    work.updates.iter().cloned().partition(|record| {
        let changes = key_changes(record);
        !changes.is_empty() && changes.iter().all(|(_, null)| *null)
    })
}

/// The columns of foreign keys that a record is about to change, and whether to NULL.
fn key_changes(record: &Record) -> Vec<(usize, bool)> {
    let def = record.table().def();
    let state = record.0.state.lock();
    let linked = state.links.iter().flat_map(|links| &links.one);
    let mut changes: Vec<(usize, bool)> = Vec::new();
    for Pointer { key, to, .. } in linked {
        let places = key.columns.iter().filter_map(|key| def.columns().position(|c| c.key() == &**key));
        changes.extend(places.map(|at| (at, to.is_none())));
    }
    for key in def.foreign_keys() {
        for at in &key.columns {
            let id = def.column_at(*at).map(|column| column.id());
            if let Some(value) = id.and_then(|id| state.overlay.get(id))
                && !changes.iter().any(|(own, _)| own == at)
            {
                changes.push((*at, value.is_null()));
            }
        }
    }
    changes
}

/// Tables whose deletes may go first: no update of this flush moves a key away from their rows, and
/// the same is true of the tables whose rows are deleted and point to them.
fn early_tables(work: &Work, updates: &[Record], groups: &[Group]) -> Vec<TableId> {
    let moved: Vec<(Table, Vec<usize>)> =
        updates.iter().map(|r| (r.table(), key_changes(r).into_iter().map(|(at, _)| at).collect())).collect();
    let deleted: Vec<Table> =
        by_table(&work.deletes).iter().filter_map(|list| Some(list.first()?.table())).collect();
    let mut early: Vec<TableId> = Vec::new();
    // From those that point to those pointed to.
    for table in groups.iter().rev().flat_map(|group| group.tables.iter().rev()) {
        let def = table.def();
        let held = moved.iter().any(|(holder, columns)| {
            let own = holder.def();
            let mut keys = own.foreign_keys().iter().filter(|key| own.points_to(key, &def));
            keys.any(|key| key.columns.iter().any(|at| columns.contains(at)))
        });
        let behind = deleted.iter().filter(|other| *other != table).any(|other| {
            let own = other.def();
            own.foreign_keys().iter().any(|key| own.points_to(key, &def)) && !early.contains(&other.id())
        });
        if deleted.contains(table) && !held && !behind {
            early.push(table.id());
        }
    }
    early
}

/// The deletes of some tables, those that point first.
fn deletes(work: &Work, groups: &[Group], of: impl Fn(TableId) -> bool) -> Result<Vec<Step>> {
    let mut order = Vec::new();
    for group in groups.iter().rev() {
        let own = |record: &&Record| group.has(record) && of(record.table_id());
        let records: Vec<Record> = work.deletes.iter().filter(own).cloned().collect();
        if !group.by_rows || records.len() < 2 {
            order.extend(steps(&records, Operation::Delete));
            continue;
        }
        let needs = pointing(&records, &records, Side::Stored);
        let Unravelled { depends, held } = unravel(records.len(), needs, |need| (need.child, need.parent))
            .map_err(|circle| in_circle(&records, &circle))?;
        let held = records_of(&held, &records);
        let letting_go: Vec<Record> = once_each(&held);
        let lets_go = steps(&letting_go, Operation::Update);
        order.extend(lets_go.into_iter().map(|step| Step { held: held.clone(), ..step }));
        order.extend(layers(&records, &depends, |_| Operation::Delete)?);
    }
    Ok(order)
}

/// The records whose keys are held back, each once.
fn once_each(held: &[HeldBack]) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for (record, _) in held {
        if !records.contains(record) {
            records.push(record.clone());
        }
    }
    records
}

/// Rows in layers: each needs those before only, so that a layer is one step.
fn layers(
    records: &[Record],
    depends: &[Vec<usize>],
    operation: impl Fn(usize) -> Operation,
) -> Result<Vec<Step>> {
    let order = sort(records.len(), depends).map_err(|circle| in_circle(records, &circle))?;
    let mut layer = vec![0usize; records.len()];
    for at in order {
        let needs = depends.get(at).into_iter().flatten().filter(|need| **need != at);
        let deepest = needs.filter_map(|need| layer.get(*need)).max().map_or(0, |deepest| deepest + 1);
        layer.iter_mut().skip(at).take(1).for_each(|own| *own = deepest);
    }
    let mut sorted: Vec<(usize, Operation, &Record)> = records
        .iter()
        .enumerate()
        .zip(layer)
        .map(|((at, record), layer)| (layer, operation(at), record))
        .collect();
    sorted.sort_by_key(|(layer, ..)| *layer);
    let same = |a: &(usize, Operation, &Record), b: &(usize, Operation, &Record)| {
        a.0 == b.0 && a.1 == b.1 && a.2.table_id() == b.2.table_id()
    };
    let step = |run: &[(usize, Operation, &Record)]| {
        let (_, operation, first) = run.first()?;
        let records: Vec<Record> = run.iter().map(|(.., record)| (*record).clone()).collect();
        let records = records.into();
        Some(Step::of(first.table(), *operation, records))
    };
    Ok(sorted.chunk_by(same).filter_map(step).collect())
}

/// Updates and inserts of rows that point to each other: an insert before what points to it.
fn by_rows(updates: &[Record], inserts: &[Record]) -> Result<Vec<Step>> {
    let records: Vec<Record> = updates.iter().chain(inserts).cloned().collect();
    let mut needs = pointing(&records, inserts, Side::Now);
    needs.iter_mut().for_each(|need| need.parent += updates.len());
    let Unravelled { depends, held } = unravel(records.len(), needs, |need| (need.parent, need.child))
        .map_err(|circle| in_circle(&records, &circle))?;
    let held = records_of(&held, &records);
    let operation = |at: usize| if at < updates.len() { Operation::Update } else { Operation::Insert };
    let mut order = layers(&records, &depends, operation)?;
    order.iter_mut().for_each(|step| step.held = held.clone());
    order.extend(steps(&once_each(&held), Operation::Update));
    Ok(order)
}

/// Which values of a record are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Those of the database.
    Stored,
    /// Those it has now.
    Now,
}

/// Which of the records point to which of the others, by their positions.
fn pointing(records: &[Record], others: &[Record], side: Side) -> Vec<Need> {
    let mut pairs = Vec::new();
    let addresses: HashMap<usize, usize> =
        others.iter().enumerate().map(|(at, r)| (r.address(), at)).collect();
    for (at, record) in records.iter().enumerate() {
        let state = record.0.state.lock();
        let links = state.links.iter().filter(|_| side == Side::Now).flat_map(|links| &links.one);
        let held: Vec<_> =
            links.filter_map(|pointer| Some((pointer.key.clone(), pointer.record()?))).collect();
        drop(state);
        let def = record.table().def();
        for (key, other) in held {
            let Some(parent) = addresses.get(&other.address()) else { continue };
            let places: Option<Vec<usize>> =
                key.columns.iter().map(|key| def.columns().position(|c| c.key() == &**key)).collect();
            pairs.extend(places.map(|places| need(&def, (at, *parent), &places)));
        }
    }
    for holders in positions_by_table(records) {
        let Some(def) = holders.first().and_then(|at| records.get(*at)).map(|r| r.table().def()) else {
            continue;
        };
        for key in def.foreign_keys() {
            for referred in positions_by_table(others) {
                let Some(other) = referred.first().and_then(|at| others.get(*at)).map(|r| r.table().def())
                else {
                    continue;
                };
                if def.points_to(key, &other)
                    && let Some(targets) = key.target_positions(&other)
                {
                    let known: HashMap<Key, usize> = referred
                        .iter()
                        .filter_map(|at| Some((values(others.get(*at)?, &other, &targets, side)?, *at)))
                        .collect();
                    let found = holders.iter().filter_map(|at| {
                        let own = values(records.get(*at)?, &def, &key.columns, side)?;
                        Some(need(&def, (*at, *known.get(&own)?), &key.columns))
                    });
                    pairs.extend(found);
                }
            }
        }
    }
    pairs
}

fn need(def: &TableDef, (child, parent): (usize, usize), places: &[usize]) -> Need {
    let columns = || places.iter().filter_map(|at| def.column_at(*at));
    let in_key = places.iter().any(|at| key_of(def).contains(at));
    let spares = !in_key && columns().all(|column| column.is_nullable());
    Need { child, parent, columns: columns().map(|column| column.id()).collect(), spares }
}

fn positions_by_table(records: &[Record]) -> Vec<Vec<usize>> {
    let mut tables: Vec<(TableId, Vec<usize>)> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        match tables.iter_mut().find(|(id, _)| *id == record.table_id()) {
            Some((_, list)) => list.push(at),
            None => tables.push((record.table_id(), vec![at])),
        }
    }
    tables.into_iter().map(|(_, list)| list).collect()
}

/// The values of some columns as a key; none when one of them is NULL or not known.
fn values(record: &Record, def: &TableDef, positions: &[usize], side: Side) -> Option<Key> {
    let state = record.0.state.lock();
    let value = |at: &usize| {
        let column = def.column_at(*at)?;
        match side {
            Side::Stored => state.stored(column.id(), column.key()),
            Side::Now => state.value(column.id(), column.key()),
        }
    };
    let all: Option<Vec<ValueRef<'_>>> = positions.iter().map(value).collect();
    Key::of(all?.into_iter())
}

fn in_circle(records: &[Record], circle: &[usize]) -> Error {
    let mut names: Vec<String> =
        circle.iter().filter_map(|at| records.get(*at)).map(Record::describe).collect();
    let count = names.len();
    names.truncate(5);
    let more = if count > 5 { format!(" and {} more", count - 5) } else { String::new() };
    let message = format!(
        "rows that need each other first: {}{more}; flush one of them before its key is set",
        names.join(", ")
    );
    Error::new(ErrorKind::Cycle, message)
}
