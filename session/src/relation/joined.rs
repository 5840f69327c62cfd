//! Relationships that a query loads in its own statement: what its joins bring is taken apart again, into the rows of each
//! table and what they lead to.
//!
//! Called by `query`. Of rows that are found several times, as those are that lead to several, one is kept. What is
//! loaded hangs on batches as in `load`, which reads in statements of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mirrorm_core::expr::Expr;
use mirrorm_core::rows::{Block, BlockBuilder, Columns, Rows};
use mirrorm_core::schema::{Alias, Table, TableDef};
use mirrorm_core::stmt::Select;
use mirrorm_core::value::ValueRef;
use mirrorm_core::{Error, ErrorKind, Result};

use super::related::{Related, Stamp};
use super::{Relation, along, along_key};
use crate::batch::{Batch, key_of};
use crate::columns::{all_columns, loaded_columns};
use crate::inner::Verb;
use crate::key::{Key, all_equal};
use crate::load::{Met, no_key};
use crate::query::Query;
use crate::record::Record;

/// The most rows of a batch, so that what is loaded for it later is a statement of bounded size.
const BATCH: usize = 512;
/// A row that is not there.
const NONE: u32 = u32::MAX;

/// A relationship that is loaded in the statement of a query.
#[derive(Clone)]
pub(crate) struct Joining {
    path: Arc<str>,
    how: How,
}

/// How its rows come into the statement.
#[derive(Clone)]
enum How {
    /// Joined for it; rows that lead to nothing stay.
    Outer,
    /// Joined for it; rows that lead to nothing do not.
    Inner,
    /// By a join that the query has: of the table itself, or of an alias.
    Own(Option<Alias>),
}

impl Joining {
    /// The path, where its rows are joined for it.
    pub(crate) fn joined_path(&self) -> Option<&str> {
        (!matches!(self.how, How::Own(_))).then_some(&*self.path)
    }

    /// Whether a join of the query gives the rows of this path.
    pub(crate) fn finds(&self, path: &str) -> bool {
        let rest = self.path.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        matches!(self.how, How::Own(_)) && rest.is_some()
    }
}

/// Loading in the same statement.
impl<'s> Query<'s> {
    /// Loads a relationship, or several along a path of names, in the statement of the query, by LEFT JOINs of its own.
    ///
    /// For relationships that lead to one row it saves a statement. Those that lead to many repeat the row for each of
    /// them on its way from the database; the records come once all the same, and a limit counts them, not what is joined:
    /// [`Query::with`] is usually faster there. Filters and the order of the query do not see what is joined this way.
    ///
    /// A record that the session knows already keeps what is loaded for it, where that still holds.
    ///
    /// # Errors
    /// From the verb: `Invalid` for tables without a primary key, by which rows are told apart, and for a list in a query
    /// that has a limit and joins other lists by itself.
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
    ///      INSERT INTO posts VALUES (1, 'Hello', 1), (2, 'Again', 1), (3, 'Nobody', NULL);",
    /// )?;
    /// db.reflect()?;
    /// let (users, posts) = (db.table_named("users")?, db.table_named("posts")?);
    /// let found = db.session().query(&posts).with_joined("user").all()?;
    /// assert_eq!(found[1].related_one("user")?.unwrap().get::<String>("name")?, "ann");
    /// assert!(found[2].related_one("user")?.is_none());
    /// let found = db.session().query(&users).with_joined("posts").limit(2).all()?;
    /// let counts: Vec<usize> = found.iter().map(|u| Ok(u.related("posts")?.len())).collect::<Result<_>>()?;
    /// assert_eq!(counts, [2, 0]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn with_joined(self, path: impl Into<Arc<str>>) -> Query<'s> {
        self.joining(Joining { path: path.into(), how: How::Outer })
    }

    /// As [`Query::with_joined`], without records that lead to nothing: for keys that always point to a row, where
    /// databases join faster so. Each relationship of the path leads to one row. What reads no records, as
    /// [`Query::count`], does not join.
    pub fn with_inner_joined(self, path: impl Into<Arc<str>>) -> Query<'s> {
        self.joining(Joining { path: path.into(), how: How::Inner })
    }

    /// Takes a relationship from the rows that the query joins by itself, with [`Query::join`] or [`Query::join_on`] of
    /// the table it leads to. A list then has those rows that the query finds, in its order.
    ///
    /// Records that the session knows lead there too, from then on, until a table is written that it leads through, or
    /// they are read anew. What deletes and changes lists asks for all of their rows, whatever was found.
    ///
    /// # Errors
    /// From the verb: as [`Query::with_joined`]; `Invalid` for a list in a query with a limit, which would count its rows,
    /// and for a table that the query does not join, or reads for something else.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script(
    ///     "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
    ///      CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, user_id INTEGER REFERENCES users);
    ///      INSERT INTO users VALUES (1, 'ann');
    ///      INSERT INTO posts VALUES (1, 'Hello', 1), (2, 'Again', 1);",
    /// )?;
    /// db.reflect()?;
    /// let (users, posts) = (db.table_named("users")?, db.table_named("posts")?);
    /// let session = db.session();
    /// let greeting = session.query(&users).join("posts").filter(posts.c("title").eq("Hello"));
    /// let ann = greeting.contains_eager("posts").one()?;
    /// assert_eq!(ann.related("posts")?.len(), 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn contains_eager(self, path: impl Into<Arc<str>>) -> Query<'s> {
        self.joining(Joining { path: path.into(), how: How::Own(None) })
    }

    /// As [`Query::contains_eager`], where the query joins the table at the end of the path under another name.
    pub fn contains_eager_as(self, path: impl Into<Arc<str>>, alias: &Alias) -> Query<'s> {
        self.joining(Joining { path: path.into(), how: How::Own(Some(alias.clone())) })
    }
}

/// The rows at the end of a relationship in the statement.
struct Branch {
    /// The branch it starts from; none at the table of the query.
    parent: Option<usize>,
    relation: Arc<Relation>,
    how: How,
    end: End,
    columns: Vec<Arc<str>>,
    def: Arc<TableDef>,
    stamp: Stamp,
}

/// Under which name a statement reads a table.
enum End {
    Table(Table),
    Alias(Alias),
}

impl End {
    fn c(&self, name: &str) -> Expr {
        match self {
            End::Table(table) => table.c(name),
            End::Alias(alias) => alias.c(name),
        }
    }

    fn is(&self, other: &End) -> bool {
        match (self, other) {
            (End::Table(own), End::Table(other)) => own == other,
            (End::Alias(own), End::Alias(other)) => own.name() == other.name(),
            _ => false,
        }
    }
}

impl Branch {
    fn is_contained(&self) -> bool {
        matches!(self.how, How::Own(_))
    }

    fn is_list(&self) -> bool {
        !self.relation.is_one()
    }
}

/// All that is loaded in a statement.
pub(crate) struct Tree<'v> {
    verb: &'v Verb<'v>,
    table: Table,
    def: Arc<TableDef>,
    columns: Vec<Arc<str>>,
    branches: Vec<Branch>,
    /// What the query reads.
    select: &'v Select,
    /// The tables of its own joins that are under their conditions already.
    restricted: &'v [Table],
    /// Whether its own joins may find a row several times.
    multiplies: bool,
}

/// What a query reads by itself.
pub(crate) struct Own<'v> {
    pub(crate) columns: Option<Vec<Arc<str>>>,
    pub(crate) select: &'v Select,
    pub(crate) restricted: &'v [Table],
    pub(crate) multiplies: bool,
}

impl<'v> Tree<'v> {
    /// What a query of a table loads with it.
    pub(crate) fn new(
        verb: &'v Verb<'v>,
        (table, def): (&Table, &Arc<TableDef>),
        own: Own<'v>,
        joinings: &[Joining],
    ) -> Result<Tree<'v>> {
        let Own { columns, select, restricted, multiplies } = own;
        let columns = columns.unwrap_or_else(|| all_columns(def));
        let (table, def, branches) = (table.clone(), def.clone(), Vec::new());
        let mut tree = Tree { verb, table, def, columns, branches, select, restricted, multiplies };
        joinings.iter().try_for_each(|joining| tree.grow(joining))?;
        let def = &tree.def;
        if tree.has_lists() && key_of(def).is_empty() {
            return Err(no_key(def));
        }
        Ok(tree)
    }

    /// Whether a limit would count rows that are not records.
    pub(crate) fn counts_rows(&self) -> bool {
        self.contains_list() || (self.has_lists() && self.multiplies)
    }

    /// Whether it takes a list from the rows of the query.
    fn contains_list(&self) -> bool {
        self.branches.iter().any(|branch| branch.is_contained() && branch.is_list())
    }

    fn grow(&mut self, joining: &Joining) -> Result<()> {
        let (mut parent, mut table) = (None, self.table.clone());
        let mut names = joining.path.split('.').peekable();
        while let Some(name) = names.next() {
            let relation = self.verb.relation_of(&table, name)?;
            table = relation.to.clone();
            let is_known = |branch: &Branch| branch.parent == parent && branch.relation.name == relation.name;
            if let Some(known) = self.branches.iter().position(is_known) {
                self.check_same(known, &joining.how, names.peek().is_none())?;
                parent = Some(known);
                continue;
            }
            if matches!(joining.how, How::Inner) && !relation.is_one() {
                let message = format!("`{name}` leads to many rows: load it with `with_joined` or `with`");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            let how = match &joining.how {
                How::Own(Some(_)) if names.peek().is_some() => How::Own(None),
                How::Inner if parent.is_some_and(|at| self.is_outer(at)) => How::Outer,
                how => how.clone(),
            };
            let branch = self.branch(parent, relation, how)?;
            parent = Some(self.branches.len());
            self.branches.push(branch);
        }
        Ok(())
    }

    /// Refuses a relationship that is to be loaded in two ways.
    fn check_same(&self, at: usize, how: &How, is_last: bool) -> Result<()> {
        let Some(known) = self.branches.get(at) else { return Ok(()) };
        if is_last && matches!(how, How::Own(_)) != known.is_contained() {
            let message =
                format!("`{}` is loaded by a join of the query, and by another", known.relation.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(())
    }

    /// Refuses a join of its own that the query does not have, or that is another relationship's.
    fn check_own(&self, relation: &Relation, end: &End) -> Result<()> {
        let (name, to) = (&relation.name, relation.to.def().display_name());
        let is_same = |branch: &Branch| branch.is_contained() && branch.end.is(end);
        let is_start = matches!(end, End::Table(table) if *table == self.table);
        let message = match end {
            _ if is_start || self.branches.iter().any(is_same) => {
                format!(
                    "`{to}` is read for something else: join an alias for `{name}`, and say `contains_eager_as`"
                )
            }
            End::Table(table) if !self.select.reads(table) => {
                format!("the query does not join `{to}`, from which it is to take `{name}`")
            }
            End::Alias(alias) if !self.select.reads(alias) => {
                format!("the query does not join `{}`, from which it is to take `{name}`", alias.name())
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Invalid, message))
    }

    fn is_outer(&self, at: usize) -> bool {
        self.branches.get(at).is_some_and(|branch| matches!(branch.how, How::Outer))
    }

    fn branch(&self, parent: Option<usize>, relation: Arc<Relation>, how: How) -> Result<Branch> {
        let def = relation.to.def();
        if key_of(&def).is_empty() {
            return Err(no_key(&def));
        }
        let end = match &how {
            How::Own(None) => End::Table(relation.to.clone()),
            How::Own(Some(alias)) if *alias.table() == relation.to => End::Alias(alias.clone()),
            How::Own(Some(alias)) => {
                let (name, to) = (alias.name(), relation.to.def().display_name());
                let message = format!("`{name}` is no alias of `{to}`, which `{}` leads to", relation.name);
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            How::Outer | How::Inner => {
                End::Alias(relation.to.alias(format!("joined_{}", self.branches.len() + 1)))
            }
        };
        if matches!(how, How::Own(_)) {
            self.check_own(&relation, &end)?;
        }
        let columns = loaded_columns(&relation.to, &def);
        let stamp = self.verb.stamp(&relation)?;
        Ok(Branch { parent, relation, how, end, columns, def, stamp })
    }

    fn at_start(&self, branch: &Branch, name: &str) -> Expr {
        match branch.parent.and_then(|at| self.branches.get(at)) {
            Some(parent) => parent.end.c(name),
            None => self.table.c(name),
        }
    }

    /// The statement that reads all of it.
    ///
    /// # Errors
    /// `Invalid` for a limit that would count the rows of a list.
    pub(crate) fn statement(&self, query: Select) -> Result<Select> {
        if query.is_limited() && self.contains_list() {
            let message = "a limit counts the rows of the join, not the records: leave it out, or load the \
                           list with `with` or `with_joined`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let own = self.columns.iter().map(|name| self.table.c(name));
        let ends = self.branches.iter().flat_map(|b| b.columns.iter().map(|name| b.end.c(name)));
        let columns: Vec<Expr> = own.chain(ends).collect();
        // What leaves rows out does so before they are counted.
        let (inner, outer): (Vec<&Branch>, Vec<&Branch>) =
            self.branches.iter().partition(|branch| matches!(branch.how, How::Inner));
        let query = inner.into_iter().fold(query, |query, branch| self.join(query, branch));
        let query = self.limited(query)?.columns(columns);
        Ok(outer.into_iter().fold(query, |query, branch| self.join(query, branch)))
    }

    /// Where lists repeat rows, the rows to be found are chosen before.
    fn limited(&self, query: Select) -> Result<Select> {
        if !self.has_lists() || !(query.is_limited() || query.is_distinct()) {
            return Ok(query);
        }
        if self.multiplies && query.is_limited() && !query.is_distinct() {
            let message = "a limit counts the rows of the query's own joins, which may find a record several times: \
                           say `distinct`, or load the list with `with`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let keys: Vec<&str> =
            key_of(&self.def).iter().filter_map(|at| Some(self.def.column_at(*at)?.key())).collect();
        // What DISTINCT sorts by has to be selected.
        let chosen: Vec<Expr> = match query.is_distinct() {
            true => self.columns.iter().map(|name| self.table.c(name)).collect(),
            false => keys.iter().map(|key| self.table.c(key)).collect(),
        };
        let page = query.clone().columns(chosen).subquery("joined_page")?;
        let on = all_equal(keys.iter().map(|key| page.c(key)), keys.iter().map(|key| self.table.c(key)));
        Ok(query.unlimited().join_on(&page, on))
    }

    fn join(&self, query: Select, branch: &Branch) -> Select {
        let end = match &branch.end {
            End::Alias(alias) if branch.is_contained() => return filtered(query, self.restrictions(alias)),
            End::Alias(alias) => alias,
            End::Table(table) if self.restricted.contains(table) => return query,
            End::Table(table) => return filtered(query, self.verb.restrictions(table)),
        };
        let (relation, from) = (&branch.relation, |name: &str| self.at_start(branch, name));
        let join = |query: Select, alias: &Alias, on: Expr| match branch.how {
            How::Inner => query.join_on(alias, on),
            _ => query.left_join_on(alias, on),
        };
        let (query, on) = match &relation.far {
            None => (query, along(relation, from, |name| end.c(name))),
            Some(far) => {
                let between = relation.near.holder.alias(format!("{}_between", end.name()));
                let on = along_key(&relation.near, from, |name| between.c(name));
                let on = on & Expr::all(self.restrictions(&between));
                let far = along_key(far, |name| end.c(name), |name| between.c(name));
                (join(query, &between, on), far)
            }
        };
        let only = relation.only.iter().map(|only| only.on(|name| end.c(name)));
        let on = Expr::all(std::iter::once(on).chain(only).chain(self.restrictions(end)).collect::<Vec<_>>());
        let order: Vec<Expr> = relation.order.iter().map(|term| term.under(end)).collect();
        join(query, end, on).order_by(order)
    }

    fn restrictions(&self, alias: &Alias) -> Vec<Expr> {
        self.verb.restrictions(alias.table()).iter().map(|condition| condition.under(alias)).collect()
    }

    /// The records of what was read, in its order; what they lead to hangs on their batches.
    pub(crate) fn records(&self, rows: &Rows, lazy: bool) -> Result<Vec<Record>> {
        let own = self.take(rows, (&self.table, &self.def), 0, &self.columns, lazy)?;
        let (mut at, mut taken) = (self.columns.len(), Vec::with_capacity(self.branches.len()));
        for branch in &self.branches {
            taken.push(self.take(rows, (&branch.relation.to, &branch.def), at, &branch.columns, lazy)?);
            at += branch.columns.len();
        }
        for (branch, ends) in self.branches.iter().zip(&taken) {
            let starts = branch.parent.and_then(|at| taken.get(at)).unwrap_or(&own);
            relate(branch, starts, ends);
        }
        // Records that are known and lead elsewhere have to lead there.
        let mut inner = Vec::new();
        for (at, level) in taken.iter().enumerate().filter(|(at, _)| self.leads_on(Some(*at))) {
            self.known(&level.batches, self.leads_on(Some(at)), &mut inner)?;
        }
        let mut records = Vec::with_capacity(own.count);
        self.known(&own.batches, self.leads_on(None), &mut records)?;
        self.verb.tell_transitions()?;
        if self.has_lists() {
            return Ok(records);
        }
        // Rows that the query finds several times, it finds several times.
        Ok(own.of_row.iter().filter_map(|at| records.get(*at as usize)).cloned().collect())
    }

    /// Whether lists repeat the rows they start from.
    fn has_lists(&self) -> bool {
        self.branches.iter().any(Branch::is_list)
    }

    /// Whether something starts there that the query joined by itself.
    fn leads_on(&self, at: Option<usize>) -> bool {
        self.branches.iter().any(|branch| branch.parent == at && branch.is_contained())
    }

    fn known(&self, batches: &[Arc<Batch>], takes_over: bool, out: &mut Vec<Record>) -> Result<()> {
        let met = if takes_over { Met::Home } else { Met::Fresh };
        for batch in batches {
            let rows = 0..batch.block.len() as u32;
            self.verb.records_of(batch, rows, met, |record| out.push(record))?;
        }
        Ok(())
    }

    /// The rows of one table, each once.
    fn take(
        &self,
        rows: &Rows,
        (table, def): (&Table, &Arc<TableDef>),
        first: usize,
        columns: &[Arc<str>],
        lazy: bool,
    ) -> Result<Taken> {
        let place = |key: &str| columns.iter().position(|name| **name == *key).map(|at| first + at);
        let keys: Vec<usize> = key_of(def).iter().filter_map(|at| place(def.column_at(*at)?.key())).collect();
        let (mut known, mut of_row): (HashMap<Key, u32>, _) =
            (HashMap::new(), Vec::with_capacity(rows.len()));
        let mut builder = Builder::new(first..first + columns.len());
        for block in rows.blocks() {
            for row in 0..block.len() {
                let key = Key::of(keys.iter().map(|at| block.value(row, *at).unwrap_or(ValueRef::Null)));
                let next = builder.count as u32;
                let is_there = || (first..first + columns.len()).any(|at| !is_null(block, row, at));
                let at = match key {
                    Some(key) => *known.entry(key).or_insert(next),
                    // A row that no key tells apart from others.
                    None if first == 0 || is_there() => next,
                    None => NONE,
                };
                if at == next {
                    builder.push(block, row);
                }
                of_row.push(at);
            }
        }
        let count = builder.count;
        let batch = |block| {
            let mut batch = self.verb.batch(table, def, Arc::new(block))?;
            batch.lazy = lazy.into();
            Ok(Arc::new(batch))
        };
        let batches = builder.close().into_iter().map(batch).collect::<Result<_>>()?;
        Ok(Taken { of_row, batches, count })
    }
}

fn is_null(block: &Block, row: usize, at: usize) -> bool {
    block.value(row, at).is_none_or(|value| value.is_null())
}

/// The rows of one table in a result, each once.
struct Taken {
    /// Which of them each row of the result has: those of a batch after those of the one before it.
    of_row: Vec<u32>,
    batches: Vec<Arc<Batch>>,
    count: usize,
}

/// Copies some cells of rows into blocks of no more than [`BATCH`] rows.
struct Builder {
    cells: std::ops::Range<usize>,
    done: Vec<Block>,
    open: Option<BlockBuilder>,
    count: usize,
}

impl Builder {
    fn new(cells: std::ops::Range<usize>) -> Builder {
        Builder { cells, done: Vec::new(), open: None, count: 0 }
    }

    fn push(&mut self, block: &Block, row: usize) {
        if self.count.is_multiple_of(BATCH) {
            self.done.extend(self.open.take().map(BlockBuilder::close_raw));
        }
        let cells = self.cells.clone();
        let builder = self.open.get_or_insert_with(|| {
            let infos = block.columns().iter().skip(cells.start).take(cells.len()).cloned();
            BlockBuilder::new(Arc::new(Columns::new(infos.collect())), BATCH.min(block.len()))
        });
        cells.for_each(|at| builder.push_ref(block.value(row, at).unwrap_or(ValueRef::Null)));
        builder.end_row();
        self.count += 1;
    }

    fn close(mut self) -> Vec<Block> {
        self.done.extend(self.open.map(BlockBuilder::close_raw));
        self.done
    }
}

fn filtered(query: Select, conditions: Vec<Expr>) -> Select {
    conditions.into_iter().fold(query, Select::filter)
}

/// Hangs what a branch leads to on the rows it starts from.
fn relate(branch: &Branch, starts: &Taken, ends: &Taken) {
    let pairs = starts.of_row.iter().copied().zip(ends.of_row.iter().copied());
    let mut seen = HashSet::new();
    let mut pairs: Vec<(u32, u32)> =
        pairs.filter(|pair| pair.0 != NONE && pair.1 != NONE && seen.insert(*pair)).collect();
    // Stable: the rows of a list stay in the order the database gave them.
    pairs.sort_by_key(|(start, _)| *start);
    let mut rest = pairs.as_slice();
    for (at, batch) in starts.batches.iter().enumerate() {
        let first = (at * BATCH) as u32;
        let end = first + batch.block.len() as u32;
        let (own, later) = rest.split_at(rest.partition_point(|(start, _)| *start < end));
        rest = later;
        let own = own.iter().map(|(start, end)| (start - first, *end as usize));
        let items = own.map(|(start, end)| (start, (end / BATCH, (end % BATCH) as u32)));
        let related = Related::of_pairs(batch.block.len(), &ends.batches, items, &branch.stamp);
        batch.hang(&branch.relation.name, Arc::new(related.whole(!branch.is_contained())));
    }
}
