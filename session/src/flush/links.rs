//! Rows of tables between: what many-to-many relationships that were written make of them.
//!
//! Link rows are no records: nobody holds them, and many have no key. They are reported as changes
//! all the same, by their values.

use std::collections::HashSet;
use std::sync::Arc;

use mirrorm_core::expr::{Expr, func};
use mirrorm_core::rows::{BlockBuilder, ColumnInfo, Columns, RowBuffer};
use mirrorm_core::schema::{Table, TableDef, TableId};
use mirrorm_core::stmt::{Operation, delete, select};
use mirrorm_core::types::Class;
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};

use super::gather::by_table;
use super::order::Side;
use super::{dropped, miscounted};
use crate::assigned::put;
use crate::batch::{Place, key_of};
use crate::changes::{Change, Pair};
use crate::inner::Verb;
use crate::key::{Key, all_equal};
use crate::record::{Record, RecordState};
use crate::relation::{KeyLink, Links, OnParentDelete, Pointer, Relation};

/// A row of a table between, to be added or taken out.
#[derive(Clone)]
pub(crate) struct LinkRow {
    ends: [(Arc<KeyLink>, End); 2],
    pub(crate) linked: bool,
}

/// One end of a link: a record, or values that were read.
#[derive(Clone)]
enum End {
    Record(Record),
    Values(Vec<Value>),
}

/// Link rows asked about by one statement.
const CHUNK: usize = 100;

impl LinkRow {
    pub(super) fn new(from: &Record, relation: &Relation, to: &Record, linked: bool) -> LinkRow {
        let far = relation.far.as_ref().unwrap_or(&relation.near);
        let near = (relation.near.clone(), End::Record(from.clone()));
        LinkRow::between(near, (far.clone(), End::Record(to.clone())), linked)
    }

    /// The same from either end: the key whose columns sort first stands first.
    fn between(one: (Arc<KeyLink>, End), other: (Arc<KeyLink>, End), linked: bool) -> LinkRow {
        let ends = if one.0.columns <= other.0.columns { [one, other] } else { [other, one] };
        LinkRow { ends, linked }
    }

    fn table(&self) -> &Table {
        &self.ends[0].0.holder
    }

    /// What names the row before it has values.
    pub(super) fn address(&self) -> (TableId, Vec<Arc<str>>, [usize; 2]) {
        let end = |(_, end): &(Arc<KeyLink>, End)| match end {
            End::Record(record) => record.address(),
            End::Values(_) => 0,
        };
        let [one, two] = &self.ends;
        (self.table().id(), self.columns().cloned().collect(), [end(one), end(two)])
    }

    /// Whether both ends are rows of the database already.
    fn is_known(&self) -> bool {
        self.ends.iter().all(|(_, end)| match end {
            End::Record(record) => record.0.state.lock().status == RecordState::Persistent,
            End::Values(_) => true,
        })
    }

    fn columns(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ends.iter().flat_map(|(link, _)| &link.columns)
    }

    /// The values of the row, from the records at its ends: as the database has them now, or as they
    /// are to be where a key was set.
    fn values(&self, side: Side) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for (link, end) in &self.ends {
            match end {
                End::Values(values) => all.extend(values.iter().cloned()),
                End::Record(record) => {
                    for target in &link.targets {
                        all.push(match side {
                            Side::Stored => stored(record, target)?,
                            Side::Now => record.value(target)?,
                        });
                    }
                }
            }
        }
        Ok(all)
    }

    /// What names the row, by its values; none where one of them is NULL.
    fn name(&self, values: &[Value]) -> Option<(TableId, Key)> {
        Some((self.table().id(), Key::of_values(values)?))
    }

    fn is_same_kind(&self, other: &LinkRow) -> bool {
        self.table() == other.table() && self.columns().eq(other.columns())
    }
}

/// Rows of the same columns of a table together.
fn by_kind<'r>(rows: impl IntoIterator<Item = &'r LinkRow>) -> Vec<Vec<&'r LinkRow>> {
    let mut kinds: Vec<Vec<&LinkRow>> = Vec::new();
    for row in rows {
        let same = |kind: &&mut Vec<&LinkRow>| kind.first().is_some_and(|first| first.is_same_kind(row));
        match kinds.iter_mut().find(same) {
            Some(kind) => kind.push(row),
            None => kinds.push(vec![row]),
        }
    }
    kinds
}

impl Verb<'_> {
    /// Leaves out links that are there already, and those to be taken out that are not.
    pub(super) fn net_links(&self, rows: &mut Vec<LinkRow>) -> Result<()> {
        let mut void = HashSet::new();
        for kind in by_kind(rows.iter().filter(|row| row.is_known())) {
            for chunk in kind.chunks(CHUNK) {
                let there = self.existing_links(chunk)?;
                let same = chunk.iter().zip(there).filter(|(row, there)| row.linked == *there);
                void.extend(same.map(|(row, _)| row.address()));
            }
        }
        rows.retain(|row| !void.contains(&row.address()));
        Ok(())
    }

    /// Which of these links, of one kind, are there.
    fn existing_links(&self, rows: &[&LinkRow]) -> Result<Vec<bool>> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let table = first.table();
        let columns: Vec<Expr> = first.columns().map(|key| table.c(key)).collect();
        let mut terms = Vec::with_capacity(rows.len());
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let values = row.values(Side::Stored)?;
            terms.push(all_equal(columns.iter().cloned(), values.iter().cloned()));
            keys.push(Key::of_values(&values));
        }
        let conn = self.reading_of(table)?;
        let def = table.def();
        if !first.columns().all(|key| def.column(key).is_ok_and(|c| c.ty().class() == Class::Int)) {
            // What is equal the database decides: collations fold, types convert.
            let is_there = |term: Expr| {
                Ok(select(func::count_all()).from(table).filter(term).scalar::<i64>(&*conn)? > 0)
            };
            return terms.into_iter().map(is_there).collect();
        }
        let found = select(columns).filter(Expr::any(terms)).all(&*conn)?;
        let found: HashSet<Option<Key>> = found.iter().map(|row| Key::of_values(&row.values())).collect();
        Ok(keys.iter().map(|key| found.contains(key)).collect())
    }

    /// The links of rows to be deleted go with them.
    pub(super) fn links_of_deleted(&self, deletes: &[Record], rows: &mut Vec<LinkRow>) -> Result<()> {
        let map = self.inner.db.relations();
        // Those that are deleted as records, or taken out already.
        let mut known: HashSet<(TableId, Key)> = HashSet::new();
        for row in rows.iter().filter(|row| !row.linked) {
            known.extend(row.values(Side::Stored).ok().and_then(|values| row.name(&values)));
        }
        for records in by_table(deletes) {
            let Some(table) = records.first().map(|record| record.table()) else { continue };
            for relation in map.of(&table).filter(|relation| relation.on_delete != OnParentDelete::Leave) {
                let Some(far) = &relation.far else { continue };
                known.extend(names_of(deletes, &relation.near, far));
                for chunk in records.chunks(CHUNK) {
                    for row in self.links_of_chunk(chunk, relation, far)? {
                        let values = row.values(Side::Stored)?;
                        let has_key = !key_of(&row.table().def()).is_empty();
                        let is_new = row.name(&values).is_none_or(|name| known.insert(name));
                        rows.extend((is_new || !has_key).then_some(row));
                    }
                }
            }
        }
        Ok(())
    }

    fn links_of_chunk(
        &self,
        records: &[&Record],
        relation: &Relation,
        far: &Arc<KeyLink>,
    ) -> Result<Vec<LinkRow>> {
        let (near, table) = (&relation.near, &relation.near.holder);
        let mut terms = Vec::new();
        for record in records {
            let values: Vec<Value> =
                near.targets.iter().map(|target| stored(record, target)).collect::<Result<_>>()?;
            terms.push(all_equal(near.columns.iter().map(|own| table.c(own)), values));
        }
        let columns: Vec<Expr> = near.columns.iter().chain(&far.columns).map(|key| table.c(key)).collect();
        let found = select(columns).filter(Expr::any(terms)).all(&*self.reading_of(table)?)?;
        let mut rows = Vec::with_capacity(found.len());
        for row in &found {
            let values = row.values();
            let (one, two) = values.split_at(near.columns.len().min(values.len()));
            let near = (near.clone(), End::Values(one.to_vec()));
            rows.push(LinkRow::between(near, (far.clone(), End::Values(two.to_vec())), false));
        }
        Ok(rows)
    }

    /// Sends link rows, those of one kind together.
    pub(super) fn send_links(&self, rows: &[&LinkRow], operation: Operation) -> Result<()> {
        by_kind(rows.iter().copied()).iter().try_for_each(|kind| self.send_kind(kind, operation))
    }

    fn send_kind(&self, rows: &[&LinkRow], operation: Operation) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        let conn = self.writing_to(first.table())?;
        let (table, def) = (first.table(), first.table().def());
        let positions: Vec<usize> = first.columns().map(|key| position(&def, key)).collect::<Result<_>>()?;
        let mut buffer = RowBuffer::with_capacity(rows.len() * positions.len());
        let (mut count, mut nulls) = (0, Vec::new());
        let side = if operation == Operation::Delete { Side::Stored } else { Side::Now };
        for row in rows {
            let values = row.values(side)?;
            if operation == Operation::Delete && values.iter().any(Value::is_null) {
                nulls.push(values);
                continue;
            }
            values.into_iter().for_each(|value| buffer.push(value));
            count += 1;
        }
        let done = match operation {
            _ if count == 0 => 0,
            Operation::Insert => conn.insert_rows(&def, positions.clone(), &buffer, count, None)?,
            _ => conn.delete_rows(&def, &positions, &buffer, count)?,
        };
        // Rows without a key may be there twice.
        let counts = operation == Operation::Insert || !key_of(&def).is_empty();
        if counts && done != count as u64 {
            return Err(miscounted(table, operation, count as u64, done));
        }
        // No list of values finds NULL.
        for values in nulls {
            let columns = first.columns().map(|key| table.c(key));
            delete(table).filter(all_equal(columns, values.iter().cloned())).run(&*conn)?;
            values.into_iter().for_each(|value| buffer.push(value));
        }
        self.log_links(table, &def, &positions, &buffer, operation)
    }

    fn log_links(
        &self,
        table: &Table,
        def: &Arc<TableDef>,
        positions: &[usize],
        values: &RowBuffer,
        operation: Operation,
    ) -> Result<()> {
        let infos = positions.iter().filter_map(|at| def.column_at(*at));
        let infos = infos.map(|column| ColumnInfo::new(column.key(), column.ty().clone())).collect();
        let mut builder = BlockBuilder::new(Arc::new(Columns::new(infos)), values.len());
        for (at, value) in values.range(0..values.len()).enumerate() {
            builder.push_ref(value);
            if (at + 1) % positions.len() == 0 {
                builder.end_row();
            }
        }
        let batch = Arc::new(self.batch(table, def, Arc::new(builder.close_raw()))?);
        let bind = self.bind_of(table)?;
        let mut core = self.core()?;
        for row in 0..batch.block.len() as u32 {
            let place = Place { batch: batch.clone(), row };
            let rows = if operation == Operation::Insert { Pair::New(place) } else { Pair::Old(place) };
            core.level().log.push(Change::row(bind.clone(), None, rows));
        }
        core.wrote(table.id());
        Ok(())
    }

    /// What was written of relationships is flushed now; a rollback finds it in the level. What was
    /// written meanwhile waits for the next flush.
    pub(super) fn settle_links(&self, linked: &[Record]) -> Result<()> {
        let mut core = self.core()?;
        for record in linked {
            let mut state = record.0.state.lock();
            let Some(mut links) = state.links.take_if(|links| links.is_sent()) else { continue };
            state.links = links.settle();
            let was_listed = state.touched;
            let again = state.settle() && !was_listed && state.status == RecordState::Persistent;
            drop(state);
            if again {
                self.inner.touched.push(record.clone());
            }
            if !links.is_empty() {
                core.level().links.push((record.clone(), links));
            }
        }
        Ok(())
    }

    /// Copies the keys of the records that a record points to into its own columns.
    pub(super) fn copy_keys(&self, record: &Record) -> Result<()> {
        let sent = |links: &&Links| links.is_sent();
        let links = record.0.state.lock().links.as_deref().filter(sent).map(|links| links.one.clone());
        for Pointer { key, to, .. } in links.into_iter().flatten() {
            let other = to.as_ref().map(|to| to.record().ok_or_else(|| dropped(record))).transpose()?;
            let def = record.table().def();
            for (own, target) in key.columns.iter().zip(&key.targets) {
                let id = def.column(own)?.id();
                if record.0.state.lock().links.as_ref().is_some_and(|links| links.held_back.contains(&id)) {
                    continue;
                }
                let value = other.as_ref().map_or(Ok(Value::Null), |other| other.value(target))?;
                let mut state = record.0.state.lock();
                state.overlay.put(id, value.clone());
                if let Some(links) = &mut state.links {
                    put(&mut links.copied, id, value);
                }
            }
        }
        Ok(())
    }
}

/// What names the rows of a table between that are deleted as records.
fn names_of(deletes: &[Record], one: &KeyLink, other: &KeyLink) -> Vec<(TableId, Key)> {
    let (first, second) = if one.columns <= other.columns { (one, other) } else { (other, one) };
    let columns = || first.columns.iter().chain(&second.columns);
    let own = deletes.iter().filter(|record| record.table_id() == one.holder.id());
    let name = |record: &Record| {
        let values = columns().map(|key| stored(record, key)).collect::<Result<Vec<Value>>>();
        Some((one.holder.id(), Key::of_values(&values.ok()?)?))
    };
    own.filter_map(name).collect()
}

/// The value of a column as the database has it.
pub(super) fn stored(record: &Record, key: &str) -> Result<Value> {
    let def = record.def_for(key);
    let id = def.column(key)?.id();
    let found = record.0.state.lock().stored(id, key).map(ValueRef::to_value);
    found.ok_or_else(|| {
        Error::new(ErrorKind::Unloaded, format!("`{key}` of {}: refresh it", record.describe()))
    })
}

fn position(def: &TableDef, key: &str) -> Result<usize> {
    let id = def.column(key)?.id();
    Ok(def.place_of(id).map_or(usize::MAX, |(at, _)| at))
}
