//! Reading relationships: what is touched for one record is loaded for all that were read with it.
//!
//! One bounded statement for each batch of up to 512 rows. Integer keys go as one list; all others
//! join the table they point to, so that collations and conversions are the database's own, and are
//! grouped by the key of the row they belong to. What was loaded hangs on the batch, as positions
//! in other batches: it holds no record, so nothing keeps itself alive.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::engine::mark;
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::{Block, BlockBuilder, Columns, Rows};
use mirrorm_core::schema::{Alias, Table, TableDef, TableId};
use mirrorm_core::stmt::{Select, select};
use mirrorm_core::types::Class;
use mirrorm_core::value::ValueRef;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_reflect::RelationshipKind;

use super::related::{Related, Stamp};
use super::{Relation, Restricts, along, along_key};
use crate::batch::{Batch, key_of};
use crate::columns::loaded_columns;
use crate::inner::Verb;
use crate::key::{Key, all_equal};
use crate::load::{Met, no_key};
use crate::record::Record;

/// Parents of one statement where each is named by its key.
const CHUNK: usize = 100;

impl Record {
    /// The records a relationship leads to: for one that leads to one row, none or one.
    ///
    /// What was not loaded yet is loaded now, for all records that were read together with this one,
    /// in the session's transaction and after a flush. After the session has ended, what was loaded
    /// still answers.
    ///
    /// # Errors
    /// `NoSuchColumn` for an unknown relationship, with near names; `Detached` for one that was not
    /// loaded before the session ended; `Busy` while the session is at work in another thread;
    /// `Invalid` where lazy loading is forbidden; the database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script(
    ///     "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
    ///      CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, user_id INTEGER REFERENCES users);
    ///      INSERT INTO users VALUES (1, 'ann'), (2, 'ben');
    ///      INSERT INTO posts VALUES (1, 'Hello', 1), (2, 'Again', 1);",
    /// )?;
    /// db.reflect()?;
    /// let session = db.session();
    /// let users = session.query(&db.table_named("users")?).all()?;
    /// let counts: Vec<usize> = users.iter().map(|u| Ok(u.related("posts")?.len())).collect::<Result<_>>()?;
    /// assert_eq!(counts, [2, 0]);
    /// let post = &users[0].related("posts")?[0];
    /// assert_eq!(post.related_one("user")?.as_ref(), Some(&users[0]));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn related(&self, name: &str) -> Result<Vec<Record>> {
        let _caller = mark();
        match self.session() {
            Some(session) => session.verb()?.related(self, name, false),
            None => self.related_detached(name),
        }
    }

    /// All records that a relationship leads to, also where a query found some of them.
    pub(super) fn all_related(&self, name: &str) -> Result<Vec<Record>> {
        match self.session() {
            Some(session) => session.verb()?.related(self, name, true),
            None => self.related_detached(name),
        }
    }

    /// The record a relationship leads to.
    ///
    /// # Errors
    /// As [`Record::related`]; `MultipleFound` where it leads to several.
    #[track_caller]
    pub fn related_one(&self, name: &str) -> Result<Option<Record>> {
        let _caller = mark();
        let mut all = self.related(name)?;
        if all.len() > 1 {
            let message = format!("`{name}` of {} leads to {} rows", self.describe(), all.len());
            return Err(Error::new(ErrorKind::MultipleFound, message));
        }
        Ok(all.pop())
    }

    /// What was loaded, or linked and never saved.
    fn related_detached(&self, name: &str) -> Result<Vec<Record>> {
        let place = self.0.state.lock().place();
        let loaded = place.as_ref().and_then(|place| {
            let related = find(&place.batch, name)?;
            let record =
                |(b, row): &(u32, u32)| Some(Record::loaded(related.batches.get(*b as usize)?.clone(), *row));
            Some(related.of(place.row).iter().filter_map(record).collect::<Vec<Record>>())
        });
        if loaded.is_none() && place.is_some() {
            let message = format!(
                "`{name}` of {} was not loaded before its session ended: ask for it with `.with(\"{name}\")`",
                self.describe()
            );
            return Err(Error::new(ErrorKind::Detached, message));
        }
        let relations = crate::db::relations_of(&self.table());
        let relation = match (relations.find(&self.table(), name), loaded.is_some()) {
            (Ok(relation), _) => relation,
            (Err(_), true) => return Ok(loaded.unwrap_or_default()),
            (Err(error), false) => return Err(error),
        };
        let found = loaded.unwrap_or_default();
        let state = self.0.state.lock();
        Ok(match &state.links {
            Some(links) => links.over(relation, found),
            None => found,
        })
    }
}

/// Why a relationship is wanted.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// It was touched.
    Touched,
    /// It is asked for, be it what a query found of it.
    Found,
    /// It is asked for, and is all that there is from now on.
    Anew,
    /// All that there is, by who changes it.
    Whole,
}

/// Batches without those that came before.
fn each_once(batches: impl IntoIterator<Item = Arc<Batch>>) -> Vec<Arc<Batch>> {
    let mut seen = HashSet::new();
    batches.into_iter().filter(|batch| seen.insert(Arc::as_ptr(batch))).collect()
}

pub(super) fn find(batch: &Batch, name: &str) -> Option<Arc<Related>> {
    let list = batch.related.lock();
    list.iter().find(|(own, _)| **own == *name).map(|(_, related)| related.clone())
}

impl Verb<'_> {
    fn related(&self, record: &Record, name: &str, whole: bool) -> Result<Vec<Record>> {
        self.autoflush()?;
        let state = record.0.state.lock();
        let (place, is_linked) = (state.place(), state.links.is_some());
        drop(state);
        let mut found = Vec::new();
        // What is loaded already needs no looking up.
        if let Some(place) = place.as_ref().filter(|_| !is_linked)
            && let Some(related) = find(&place.batch, name)
            && self.is_right(&related)
            && (related.whole || !whole)
        {
            self.make(&related, place.row, &mut found)?;
            self.tell_transitions()?;
            return Ok(found);
        }
        let relation = self.relation_of(&record.table(), name)?;
        if let Some(place) = place {
            let wanted = if whole { Wanted::Whole } else { Wanted::Touched };
            let related = self.loaded(&place.batch, &relation, wanted)?;
            self.make(&related, place.row, &mut found)?;
            self.tell_transitions()?;
        }
        // What is linked and could not be flushed, inside a flush or because that is off.
        let state = record.0.state.lock();
        Ok(match &state.links {
            Some(links) => links.over(&relation, found),
            None => found,
        })
    }

    /// The records of all rows that a relationship leads to.
    pub(crate) fn all_of(&self, related: &Related) -> Result<Vec<Record>> {
        let mut found = Vec::with_capacity(related.items.len());
        for row in 0..related.groups.len() as u32 {
            self.make(related, row, &mut found)?;
        }
        Ok(found)
    }

    fn make(&self, related: &Related, row: u32, out: &mut Vec<Record>) -> Result<()> {
        let items = related.of(row);
        out.reserve(items.len());
        for run in items.chunk_by(|a, b| a.0 == b.0) {
            let Some(batch) = run.first().and_then(|(b, _)| related.batches.get(*b as usize)) else {
                continue;
            };
            self.records_of(batch, run.iter().map(|(_, row)| *row), Met::Kept, |record| out.push(record))?;
        }
        Ok(())
    }

    pub(super) fn relation_of(&self, table: &Table, name: &str) -> Result<Arc<Relation>> {
        self.inner.db.relations().find(table, name).cloned()
    }

    /// What a relationship leads to for the rows of a batch: loaded before, and still right, or
    /// loaded now.
    pub(crate) fn loaded(
        &self,
        batch: &Arc<Batch>,
        relation: &Arc<Relation>,
        wanted: Wanted,
    ) -> Result<Arc<Related>> {
        let known = find(batch, &relation.name).filter(|related| self.is_right(related));
        let is_part = known.as_ref().is_some_and(|related| !related.whole);
        let any_will_do = matches!(wanted, Wanted::Touched | Wanted::Found);
        if let Some(related) = known.filter(|related| related.whole || any_will_do) {
            return Ok(related);
        }
        let is_forbidden = matches!(wanted, Wanted::Touched) || (matches!(wanted, Wanted::Whole) && !is_part);
        if is_forbidden && (self.inner.options.forbid_lazy || !batch.lazy.load(Ordering::Relaxed)) {
            let message = format!(
                "`{}` of `{}` is not loaded, and lazy loading is forbidden: ask for it with `.with(\"{}\")`",
                relation.name,
                relation.from.def().display_name(),
                relation.name
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let related = Arc::new(self.load_related(batch, relation, true)?);
        // Who changes a list does not change which of its rows a query found.
        if !(is_part && matches!(wanted, Wanted::Whole)) {
            batch.hang(&relation.name, related.clone());
        }
        Ok(related)
    }

    pub(super) fn is_right(&self, related: &Related) -> bool {
        let Ok(core) = self.core() else { return false };
        let same = |(table, count): &(TableId, u64)| core.written.get(table).copied().unwrap_or(0) == *count;
        core.epochs.holds(related.stamp.epoch) && related.stamp.written.iter().all(same)
    }

    /// Loads relationships along a path of names for records that were read, and the last of them again for what it leads
    /// to, so many times in all. What the query itself found of a relationship, by its path, is taken for it.
    pub(crate) fn load_path(
        &self,
        table: &Table,
        records: &[Record],
        (path, levels): (&str, usize),
        is_found: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let homes =
            records.iter().filter_map(|record| record.0.state.lock().place()).map(|place| place.batch);
        let mut batches = each_once(homes);
        let (mut table, mut last, mut end) = (table.clone(), None, 0);
        for name in path.split('.') {
            end += name.len();
            let wanted = if path.get(..end).is_some_and(&is_found) { Wanted::Found } else { Wanted::Anew };
            end += 1;
            let relation = self.relation_of(&table, name)?;
            batches = self.next_batches(&batches, &relation, wanted)?;
            table = relation.to.clone();
            last = Some(relation);
        }
        match last {
            Some(relation) if levels > 1 => self.load_levels(batches, &relation, levels),
            _ => Ok(()),
        }
    }

    /// Follows a relationship of a table to itself on, until it leads to no rows that are new.
    fn load_levels(
        &self,
        mut batches: Vec<Arc<Batch>>,
        relation: &Arc<Relation>,
        levels: usize,
    ) -> Result<()> {
        if relation.from != relation.to {
            let (from, to) = (relation.from.def().display_name(), relation.to.def().display_name());
            let message = format!(
                "`{}` leads from `{from}` to `{to}`: only what leads to its own table is followed on",
                relation.name
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let (mut followed, mut levels_met) = (HashSet::new(), HashSet::new());
        for _ in 1..levels {
            batches.retain(|batch| followed.insert(Arc::as_ptr(batch)));
            let keys = |batch: &Arc<Batch>| {
                let rows = 0..batch.block.len() as u32;
                rows.filter_map(|row| batch.key(row, key_of(&batch.def))).collect::<Vec<Key>>()
            };
            let mut level: Vec<Key> = batches.iter().flat_map(keys).collect();
            level.sort_unstable();
            level.dedup();
            // In a circle the same rows come again.
            if level.is_empty() || !levels_met.insert(level) {
                break;
            }
            batches = self.next_batches(&batches, relation, Wanted::Anew)?;
        }
        Ok(())
    }

    /// The batches of what a relationship leads to, with those of records that are known.
    fn next_batches(
        &self,
        batches: &[Arc<Batch>],
        relation: &Arc<Relation>,
        wanted: Wanted,
    ) -> Result<Vec<Arc<Batch>>> {
        let mut next: Vec<Arc<Batch>> = Vec::new();
        for batch in batches {
            next.extend(self.loaded(batch, relation, wanted)?.batches.iter().cloned());
        }
        let mut next = each_once(next);
        for at in 0..next.len() {
            if let Some(found) = next.get(at).cloned() {
                self.other_homes(&found, &mut next)?;
            }
        }
        Ok(next)
    }

    /// The batches of records that are known already and lie elsewhere than in this one.
    fn other_homes(&self, batch: &Arc<Batch>, homes: &mut Vec<Arc<Batch>>) -> Result<()> {
        let core = self.core()?;
        if core.identity.is_empty_of(batch.table.id()) {
            return Ok(());
        }
        for row in 0..batch.block.len() as u32 {
            let known =
                batch.key(row, key_of(&batch.def)).and_then(|key| core.identity.get(batch.table.id(), &key));
            let home = known.and_then(|record| record.0.state.lock().place()).map(|place| place.batch);
            if let Some(home) = home.filter(|home| !homes.iter().any(|own| Arc::ptr_eq(own, home))) {
                homes.push(home);
            }
        }
        Ok(())
    }

    /// What a relationship leads to for the rows of a batch, whatever records are loaded under.
    pub(crate) fn all_related(&self, batch: &Arc<Batch>, relation: &Arc<Relation>) -> Result<Arc<Related>> {
        let between = relation.far.as_ref().map(|_| &relation.near.holder);
        let mut tables = std::iter::once(&relation.to).chain(between);
        let is_shared = tables.all(|table| self.restrictions(table).is_empty());
        match find(batch, &relation.name).is_none_or(|known| known.whole) && is_shared {
            true => self.loaded(batch, relation, Wanted::Found),
            false => self.load_related(batch, relation, false).map(Arc::new),
        }
    }

    /// The stamp of what a relationship is found to lead to now.
    pub(super) fn stamp(&self, relation: &Relation) -> Result<Stamp> {
        let tables = [Some(&relation.to), relation.far.as_ref().map(|far| &far.holder)];
        let core = self.core()?;
        let count = |table: &Table| (table.id(), core.written.get(&table.id()).copied().unwrap_or(0));
        let written = tables.into_iter().flatten().map(count).collect();
        Ok(Stamp { epoch: core.epochs.current(), written })
    }

    fn load_related(
        &self,
        batch: &Arc<Batch>,
        relation: &Arc<Relation>,
        restricted: bool,
    ) -> Result<Related> {
        let empty = Related::new(self.stamp(relation)?);
        let def = relation.to.def();
        let columns = loaded_columns(&relation.to, &def);
        let loader = Loader { verb: self, batch, relation, def, columns, restricted };
        match loader.integer_column()? {
            Some(column) => loader.by_integers(column, empty),
            None => loader.by_join(empty),
        }
    }
}

/// One loading of a relationship.
struct Loader<'l> {
    verb: &'l Verb<'l>,
    batch: &'l Arc<Batch>,
    relation: &'l Arc<Relation>,
    /// The definition of the end.
    def: Arc<TableDef>,
    /// What is loaded of it.
    columns: Vec<Arc<str>>,
    restricted: bool,
}

impl Loader<'_> {
    /// Where the key lies in the rows at the start, if it is one integer at both ends.
    fn integer_column(&self) -> Result<Option<usize>> {
        let near = &self.relation.near;
        let ([column], [target]) = (near.columns.as_slice(), near.targets.as_slice()) else {
            return Ok(None);
        };
        let is_int = |table: &Table, key: &str| Ok(table.def().column(key)?.ty().class() == Class::Int);
        if !is_int(&near.holder, column)? || !is_int(&near.referred, target)? {
            return Ok(None);
        }
        let own = if self.relation.kind == RelationshipKind::ManyToOne { column } else { target };
        self.position(own).map(Some)
    }

    /// Where a column of the start lies in the block.
    fn position(&self, key: &str) -> Result<usize> {
        let found = self.batch.block.columns().position(key);
        found.map_err(|_| {
            let table = self.batch.def.display_name();
            let message = format!("`{key}` of `{table}` is not loaded: `refresh` the record");
            Error::new(ErrorKind::Unloaded, message).with_columns([key])
        })
    }

    /// Finds the rows by one list of integers: in the column at the end, or of the table between.
    fn by_integers(&self, column: usize, mut related: Related) -> Result<Related> {
        let block = &self.batch.block;
        let mut group_of: HashMap<i64, u32> = HashMap::with_capacity(block.len());
        for row in 0..block.len() {
            let group = match block.value(row, column) {
                Some(ValueRef::Int(n)) => {
                    let next = group_of.len() as u32;
                    *group_of.entry(n).or_insert(next)
                }
                _ => u32::MAX,
            };
            related.groups.push(group);
        }
        if group_of.is_empty() {
            return Ok(related);
        }
        let mut keys: Vec<i64> = group_of.keys().copied().collect();
        keys.sort_unstable();
        let (near, to) = (&self.relation.near, &self.relation.to);
        let (rows, at) = match &self.relation.far {
            None => {
                let own = if self.relation.kind == RelationshipKind::ManyToOne {
                    &near.targets
                } else {
                    &near.columns
                };
                let key = own.first().map_or("", |key| &**key);
                let rows = self.run(self.select().filter(to.c(key).in_integers(keys)))?;
                (rows, self.columns.iter().position(|own| **own == *key).unwrap_or(usize::MAX))
            }
            Some(far) => {
                let key = near.columns.first().map_or("", |key| &**key);
                let between = &near.holder;
                let query = self
                    .select()
                    .add_columns(between.c(key))
                    .join_on(between, along_key(far, |name| to.c(name), |name| between.c(name)))
                    .filter(between.c(key).in_integers(keys));
                (self.run(query)?, self.columns.len())
            }
        };
        let group = |block: &Block, row: usize| match block.value(row, at) {
            Some(ValueRef::Int(n)) => group_of.get(&n).copied(),
            _ => None,
        };
        self.gather(&[rows], group_of.len(), group, &mut related)?;
        Ok(related)
    }

    /// Joins the start under another name, and finds the rows by the key of the start.
    fn by_join(&self, mut related: Related) -> Result<Related> {
        let positions = key_of(&self.batch.def);
        if positions.is_empty() {
            return Err(no_key(&self.batch.def));
        }
        let keys: Vec<Arc<str>> =
            positions.iter().filter_map(|at| self.batch.def.column_at(*at)).map(|c| c.key().into()).collect();
        let start = self.relation.from.alias("start_of_it");
        let (mut group_of, mut results) = (HashMap::new(), Vec::new());
        let rows: Vec<u32> = (0..self.batch.block.len() as u32).collect();
        for row in &rows {
            let next = group_of.len() as u32;
            let key = self.batch.key(*row, positions);
            related.groups.push(key.map_or(u32::MAX, |key| *group_of.entry(key).or_insert(next)));
        }
        for chunk in rows.chunks(CHUNK) {
            let named = chunk.iter().map(|row| {
                let value = |at: &usize| self.batch.value(*row, *at).unwrap_or(ValueRef::Null).to_value();
                all_equal(keys.iter().map(|key| start.c(key)), positions.iter().map(value))
            });
            let query = self.joined(&start).filter(Expr::any(named.collect::<Vec<Expr>>()));
            let columns: Vec<Expr> = keys.iter().map(|key| start.c(key)).collect();
            results.push(self.run(query.add_columns(columns))?);
        }
        let width = self.columns.len();
        let group = |block: &Block, row: usize| {
            let value = |at: usize| block.value(row, width + at).unwrap_or(ValueRef::Null);
            group_of.get(&Key::of((0..keys.len()).map(value))?).copied()
        };
        self.gather(&results, group_of.len(), group, &mut related)?;
        Ok(related)
    }

    fn joined(&self, start: &Alias) -> Select {
        let (near, to) = (&self.relation.near, &self.relation.to);
        let at_start = |key: &str| start.c(key);
        let at_end = |key: &str| to.c(key);
        let between = |key: &str| near.holder.c(key);
        match &self.relation.far {
            Some(far) => self
                .select()
                .join_on(&near.holder, along_key(far, at_end, between))
                .join_on(start, along_key(near, at_start, between)),
            None => self.select().join_on(start, along(self.relation, at_start, at_end)),
        }
    }

    fn select(&self) -> Select {
        let to = &self.relation.to;
        match self.columns.len() == self.def.columns().len() {
            true => select(to),
            false => select(to).columns(self.columns.iter().map(|name| to.c(name)).collect::<Vec<Expr>>()),
        }
    }

    fn run(&self, query: Select) -> Result<Rows> {
        let to = &self.relation.to;
        let between = self.relation.far.as_ref().map(|_| &self.relation.near.holder);
        let tables = std::iter::once(to).chain(between).filter(|_| self.restricted);
        let query = self.verb.restricted(&query, tables).into_owned();
        let query = self.relation.restrict(query, |name| to.c(name));
        query.order_by(self.relation.order.clone()).all(&*self.verb.reading_of(to)?)
    }

    /// Sorts the rows that were found into their groups.
    fn gather(
        &self,
        results: &[Rows],
        groups: usize,
        group: impl Fn(&Block, usize) -> Option<u32>,
        related: &mut Related,
    ) -> Result<()> {
        let mut found: Vec<(u32, (u32, u32))> = Vec::new();
        for block in results.iter().flat_map(Rows::blocks) {
            let at = related.batches.len() as u32;
            let rows = (0..block.len()).filter_map(|row| Some((group(block, row)?, (at, row as u32))));
            found.extend(rows);
            related.batches.push(self.batch_of(block)?);
        }
        related.put(found, groups);
        Ok(())
    }

    /// A batch of the rows of the end, without what was read beside them.
    fn batch_of(&self, block: &Arc<Block>) -> Result<Arc<Batch>> {
        let width = self.columns.len();
        let own = if block.columns().len() == width { block.clone() } else { Arc::new(narrow(block, width)) };
        let mut batch = self.verb.batch(&self.relation.to, &self.def, own)?;
        batch.lazy = self.batch.lazy_too();
        Ok(Arc::new(batch))
    }
}

/// A copy of the first columns of a block.
fn narrow(block: &Block, width: usize) -> Block {
    let columns = Columns::new(block.columns().iter().take(width).cloned().collect());
    let mut builder = BlockBuilder::new(Arc::new(columns), block.len());
    for row in 0..block.len() {
        (0..width).for_each(|at| builder.push_ref(block.value(row, at).unwrap_or(ValueRef::Null)));
        builder.end_row();
    }
    builder.close_raw()
}
