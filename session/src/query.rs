//! Queries for records: a SELECT of one table, and a session to run it in.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use mirrorm_core::engine::{mark, unmarked};
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::Rows;
use mirrorm_core::schema::{Table, TableDef};
use mirrorm_core::stmt::{IntoValues, Joinable, Lock, Select, Selection, select};
use mirrorm_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use crate::batch::Batch;
use crate::columns::undeferred;
use crate::inner::Verb;
use crate::load::Met;
use crate::record::Record;
use crate::relation::{Joining, Own, Restricts, Tree, along_key};
use crate::session::Session;

/// A query for the records of a table: a value built by chaining, run by `all`, `one`, `first` and
/// their like.
///
/// A mistake made while building, such as an unknown column, is returned by the verb that runs it.
///
/// What a program asks again and again it gives a name, by a trait of its own.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::session::Query;
///
/// trait Published {
///     fn published(self) -> Self;
/// }
///
/// impl Published for Query<'_> {
///     fn published(self) -> Self {
///         let live = self.table().c("live");
///         self.filter(live.eq(true))
///     }
/// }
///
/// let db = Db::open("sqlite://")?;
/// let posts = db.table("posts", (column("id", Integer).primary_key(), column("live", Boolean)))?;
/// db.create_all()?;
/// insert(&posts).rows(["live"], [[true], [false]]).run(&db)?;
/// assert_eq!(db.session().query(&posts).published().count()?, 1);
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a query does nothing until it runs"]
pub struct Query<'s> {
    session: &'s Session,
    table: Table,
    select: Select,
    /// What is loaded afterwards: paths, and how often the last step of each is taken.
    paths: Vec<(Arc<str>, usize)>,
    /// What is loaded in the same statement.
    joinings: Vec<Joining>,
    lazy: bool,
    /// The tables that were joined along relationships.
    joined: Vec<Table>,
    restricted: bool,
    /// Whether its joins may find a row several times.
    multiplies: bool,
    /// Whether what was set is dropped.
    populates: bool,
    /// The columns to load, where they were said.
    columns: Option<Vec<Arc<str>>>,
    mistake: Option<Error>,
}

impl<'s> Query<'s> {
    pub(crate) fn new(session: &'s Session, table: &Table) -> Query<'s> {
        Query {
            session,
            table: table.clone(),
            select: select(table),
            paths: Vec::new(),
            joinings: Vec::new(),
            lazy: true,
            joined: Vec::new(),
            restricted: true,
            multiplies: false,
            populates: false,
            columns: None,
            mistake: None,
        }
    }

    fn edit(mut self, change: impl FnOnce(Select) -> Select) -> Query<'s> {
        self.select = change(self.select);
        self
    }

    /// Keeps rows for which this holds; several filters all hold.
    pub fn filter(self, condition: impl Into<Expr>) -> Query<'s> {
        self.edit(|select| select.filter(condition))
    }

    /// Keeps rows whose columns have these values.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&users).rows(["name"], [["ann"], ["ben"]]).run(&db)?;
    /// let session = db.session();
    /// let ben = session.query(&users).filter_by(values! { "name" => "ben" }).one()?;
    /// assert_eq!(ben.get::<i64>("id")?, 2);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn filter_by(mut self, values: impl IntoValues) -> Query<'s> {
        let mut terms = Vec::new();
        values.each(&mut |name, value| terms.push(self.table.c(name).eq(value)));
        for term in terms {
            self.select = self.select.filter(term);
        }
        self
    }

    /// Joins the table a relationship leads to, or several along a path such as `"author.country"`,
    /// so that filters and the order can name its columns. A row that leads to several is found
    /// several times; say [`Query::distinct`] where that matters.
    pub fn join(mut self, path: &str) -> Query<'s> {
        if let Err(error) = self.join_path(path) {
            self.mistake.get_or_insert(error);
        }
        self
    }

    fn join_path(&mut self, path: &str) -> Result<()> {
        let map = self.session.db().relations();
        let mut table = self.table.clone();
        for name in path.split('.') {
            let relation = map.find(&table, name)?;
            self.multiplies |= !relation.is_one();
            let near = &relation.near;
            let select = std::mem::take(&mut self.select);
            let (between, end) = (|name: &str| near.holder.c(name), |name: &str| relation.to.c(name));
            self.select = match &relation.far {
                None => select.join_on(&relation.to, along_key(near, |name| near.referred.c(name), between)),
                Some(far) => select
                    .join_on(&near.holder, along_key(near, |name| table.c(name), between))
                    .join_on(&relation.to, along_key(far, end, between)),
            };
            self.select = relation.restrict(std::mem::take(&mut self.select), end);
            table = relation.to.clone();
            self.joined.extend(relation.far.iter().map(|_| near.holder.clone()));
            self.joined.push(table.clone());
        }
        Ok(())
    }

    /// Joins a table or an alias on a condition.
    pub fn join_on(mut self, table: &impl Joinable, on: impl Into<Expr>) -> Query<'s> {
        self.multiplies = true;
        self.edit(|select| select.join_on(table, on))
    }

    /// Sorts; `.desc()` on an expression turns it around.
    pub fn order_by(self, columns: impl Selection) -> Query<'s> {
        self.edit(|select| select.order_by(columns))
    }

    /// At most so many rows.
    pub fn limit(self, rows: u64) -> Query<'s> {
        self.edit(|select| select.limit(rows))
    }

    /// Skips so many rows.
    pub fn offset(self, rows: u64) -> Query<'s> {
        self.edit(|select| select.offset(rows))
    }

    /// Leaves out rows that are equal to another.
    pub fn distinct(self) -> Query<'s> {
        self.edit(Select::distinct)
    }

    /// Locks the rows it finds until the transaction ends, so that nobody changes what is read before it is written. On a
    /// database without such locks it says nothing: there a writing transaction locks all.
    ///
    /// Rows that the session knows are read again under the lock: it is how to refresh a record with one.
    pub fn for_update(self) -> Query<'s> {
        self.edit(Select::for_update)
    }

    /// Locks the rows it finds in another way: shared, without waiting, or leaving out what others have locked.
    pub fn lock(self, lock: Lock) -> Query<'s> {
        self.edit(|select| select.lock(lock))
    }

    /// Gives the records it finds the values of the database, also where something was set that was not flushed: that is
    /// dropped, relationships too. Queries flush first, so this is for [`Session::no_autoflush`] and sessions without.
    pub fn populate_existing(mut self) -> Query<'s> {
        self.populates = true;
        self
    }

    /// Loads a relationship together with the records, or several along a path of names such as
    /// `"posts.comments"`: one statement each for up to 512 rows.
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
    /// insert(&users).rows(["name"], [["ann"]]).run(&db)?;
    /// insert(&posts).rows(["user_id"], [[1], [1]]).run(&db)?;
    /// let found = db.session().query(&users).with("posts").all()?;
    /// assert_eq!(found[0].related("posts")?.len(), 2); // the session is gone, the posts are here
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn with(mut self, path: impl Into<Arc<str>>) -> Query<'s> {
        self.paths.push((path.into(), 1));
        self
    }

    /// As [`Query::with`], for trees: the relationship at the end of the path, which leads to its own table, is followed
    /// on, so many levels in all, or as far as it leads to rows that were not met: one statement for each level.
    ///
    /// # Errors
    /// From the verb: `Invalid` for a relationship that leads to another table.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::reflect::RelationshipKind;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let parent = column("parent_id", Integer).references("nodes.id");
    /// let nodes = db.table("nodes", (column("id", Integer).primary_key(), parent))?;
    /// let children = relationship("children", &nodes).by(["parent_id"]).kind(RelationshipKind::OneToMany);
    /// db.relate(&nodes, children)?;
    /// db.create_all()?;
    /// insert(&nodes).rows(["parent_id"], [[None], [Some(1)], [Some(2)], [Some(3)]]).run(&db)?;
    /// let root = nodes.c("parent_id").is_null();
    /// let root = db.session().query(&nodes).filter(root).with_depth("children", None).one()?;
    /// let (mut depth, mut level) = (0, root.related("children")?);
    /// while let Some(node) = level.pop() {
    ///     (depth, level) = (depth + 1, node.related("children")?); // the session is gone
    /// }
    /// assert_eq!(depth, 3);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn with_depth(mut self, path: impl Into<Arc<str>>, levels: impl Into<Option<usize>>) -> Query<'s> {
        self.paths.push((path.into(), levels.into().unwrap_or(usize::MAX)));
        self
    }

    /// Makes touching a relationship that was not loaded by [`Query::with`] an error.
    pub fn forbid_lazy(mut self) -> Query<'s> {
        self.lazy = false;
        self
    }

    /// Leaves out what [`Db::restrict`](crate::Db::restrict) and [`Session::restrict`] say, for these records. What their
    /// relationships lead to is restricted all the same.
    pub fn unrestricted(mut self) -> Query<'s> {
        self.restricted = false;
        self
    }

    /// The statement to run.
    pub(crate) fn to_run<'q>(&self, verb: &Verb<'_>, select: &'q Select) -> Cow<'q, Select> {
        let own = std::iter::once(&self.table).filter(|_| self.restricted);
        let select = verb.restricted(select, own.chain(&self.joined));
        let Some(columns) = self.loaded() else { return select };
        let columns: Vec<Expr> = columns.iter().map(|name| self.table.c(name)).collect();
        Cow::Owned(select.into_owned().columns(columns))
    }

    /// The columns to load, where not all.
    pub(crate) fn loaded(&self) -> Option<Vec<Arc<str>>> {
        self.columns.clone().or_else(|| undeferred(&self.table, self.table.lend().as_ref()))
    }

    pub(crate) fn with_mistake(mut self, error: Error) -> Query<'s> {
        self.mistake.get_or_insert(error);
        self
    }

    /// The session it runs in.
    pub fn session(&self) -> &'s Session {
        self.session
    }

    pub(crate) fn add_column(&mut self, name: &str) {
        self.columns = self.loaded();
        if let Some(columns) = self.columns.as_mut().filter(|all| all.iter().all(|own| **own != *name)) {
            columns.push(name.into());
        }
    }

    pub(crate) fn set_columns(&mut self, columns: Vec<Arc<str>>) {
        self.columns = Some(columns);
    }

    /// The table whose records it finds.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The same in another order.
    #[doc(hidden)]
    pub fn sorted_anew(self, order: Vec<Expr>) -> Query<'s> {
        self.edit(|select| select.sorted_anew(order))
    }

    /// The statement it is, for running it without a session or without records. What [`Session::restrict`] and
    /// [`Db::restrict`](crate::Db::restrict) say is not in it.
    pub fn select(&self) -> &Select {
        &self.select
    }

    /// Runs it, or what receivers make of it.
    pub(crate) fn run<T>(&self, body: impl FnOnce(&Query<'s>, &Verb<'s>) -> Result<T>) -> Result<T> {
        self.mistake.clone().map_or(Ok(()), Err)?;
        let verb = self.session.inner().verb()?;
        let signal = &self.session.db().signals().before_query;
        let query = match signal.is_empty() {
            true => Cow::Borrowed(self),
            false => Cow::Owned(signal.ask(self.clone())?),
        };
        if let Cow::Owned(query) = &query {
            query.mistake.clone().map_or(Ok(()), Err)?;
            // A receiver may have made something fail.
            drop(self.session.inner().verb()?);
        }
        verb.autoflush()?;
        body(&query, &verb)
    }

    /// The rows, untracked: the fastest way to read without changing.
    ///
    /// # Errors
    /// As [`Query::all`].
    #[track_caller]
    pub fn rows(&self) -> Result<Rows> {
        let _caller = mark();
        self.run(|query, verb| {
            let select = query.to_run(verb, &query.select);
            select.all(&*verb.reading_for(&*select)?)
        })
    }

    /// The rows read into a type of yours, untracked.
    ///
    /// # Errors
    /// As [`Query::all`], and `Conversion` naming the column.
    #[track_caller]
    pub fn all_as<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let _caller = mark();
        self.rows()?.all_as()
    }

    pub(crate) fn joining(mut self, joining: Joining) -> Query<'s> {
        self.joinings.push(joining);
        self
    }

    fn tree<'v>(&'v self, verb: &'v Verb<'v>, def: &Arc<TableDef>) -> Result<Option<Tree<'v>>> {
        match self.joinings.is_empty() {
            true => Ok(None),
            false => {
                let (columns, select) = (self.loaded(), &self.select);
                let own = Own { columns, select, restricted: &self.joined, multiplies: self.multiplies };
                Tree::new(verb, (&self.table, def), own, &self.joinings).map(Some)
            }
        }
    }

    /// The records, or the first so many of them where the program set no limit.
    fn records(&self, most: Option<u64>) -> Result<Vec<Record>> {
        self.run(|query, verb| {
            let def: Arc<TableDef> = query.table.def();
            let tree = query.tree(verb, &def)?;
            // A limit would count the rows of a list that the query joins.
            let counts = !query.select.is_limited() && !tree.as_ref().is_some_and(Tree::counts_rows);
            let select = match most.filter(|_| counts) {
                Some(most) => Cow::Owned(query.select.clone().limit(most)),
                None => Cow::Borrowed(&query.select),
            };
            let select = query.to_run(verb, &select);
            let records = match tree {
                Some(tree) => query.joined_records(verb, &tree, select.into_owned())?,
                None => {
                    let rows = select.all(&*verb.reading_for(&*select)?)?;
                    let records = verb.load(&query.table, &def, &rows, query.lazy)?;
                    // What was set stood in the way of what was read.
                    match query.populates && verb.drop_changes(&records) {
                        true => verb.load(&query.table, &def, &rows, query.lazy)?,
                        false => records,
                    }
                }
            };
            for (path, levels) in &query.paths {
                verb.load_path(&query.table, &records, (path, *levels), |path| query.finds(path))?;
            }
            Ok(records)
        })
    }

    fn joined_records(&self, verb: &Verb<'_>, tree: &Tree<'_>, select: Select) -> Result<Vec<Record>> {
        let select = tree.statement(select)?;
        let rows = select.all(&*verb.reading_for(&select)?)?;
        let mut records = tree.records(&rows, self.lazy)?;
        if self.populates && verb.drop_changes(&records) {
            records = tree.records(&rows, self.lazy)?;
        }
        // Those that were known have what was loaded where they stood.
        let mut paths = self.joinings.iter().filter_map(Joining::joined_path);
        paths
            .try_for_each(|path| verb.load_path(&self.table, &records, (path, 1), |path| self.finds(path)))?;
        Ok(records)
    }

    /// Whether it takes a relationship from its own rows.
    fn finds(&self, path: &str) -> bool {
        self.joinings.iter().any(|joining| joining.finds(path))
    }

    /// All records.
    ///
    /// # Errors
    /// As [`Session::flush`], for what is flushed before; mistakes made while building; the
    /// database's.
    #[track_caller]
    pub fn all(&self) -> Result<Vec<Record>> {
        let _caller = mark();
        self.records(None)
    }

    /// The only record.
    ///
    /// # Errors
    /// As [`Query::all`]; `NotFound` when there is none, `MultipleFound` when there are several.
    #[track_caller]
    pub fn one(&self) -> Result<Record> {
        let _caller = mark();
        let name = || self.table.def().display_name();
        self.one_or_none()?.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no row of `{}`", name())))
    }

    /// The only record, if there is one.
    ///
    /// # Errors
    /// As [`Query::all`]; `MultipleFound` when there are several.
    #[track_caller]
    pub fn one_or_none(&self) -> Result<Option<Record>> {
        let _caller = mark();
        // Two rows are enough to know that there are several.
        let mut records = self.records(Some(2))?;
        if records.len() > 1 {
            let message = format!("several rows of `{}`", self.table.def().display_name());
            return Err(Error::new(ErrorKind::MultipleFound, message));
        }
        Ok(records.pop())
    }

    /// The first record, if there is one.
    ///
    /// # Errors
    /// As [`Query::all`].
    #[track_caller]
    pub fn first(&self) -> Result<Option<Record>> {
        let _caller = mark();
        Ok(self.records(Some(1))?.into_iter().next())
    }

    /// The first record; `NotFound` with this description, or a standard text, when there is none.
    ///
    /// # Errors
    /// As [`Query::all`], and `NotFound`.
    #[track_caller]
    pub fn first_or_404<'d>(&self, description: impl Into<Option<&'d str>>) -> Result<Record> {
        let _caller = mark();
        self.first()?.ok_or_else(|| missing(description.into()))
    }

    /// The only record; `NotFound` with this description, or a standard text, when there is none, and
    /// when there are several: its source says which.
    ///
    /// # Errors
    /// As [`Query::all`], and `NotFound`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let ann = session.query(&users).filter_by(values! { "name" => "ann" }).one_or_404("who is ann?");
    /// assert_eq!(ann.unwrap_err().message(), "who is ann?");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn one_or_404<'d>(&self, description: impl Into<Option<&'d str>>) -> Result<Record> {
        let _caller = mark();
        self.one().map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::MultipleFound => missing(description.into()).with_source(error),
            _ => error,
        })
    }

    /// How many rows there are, limit included.
    ///
    /// # Errors
    /// As [`Query::all`].
    #[track_caller]
    pub fn count(&self) -> Result<u64> {
        let _caller = mark();
        self.run(|query, verb| {
            let select = query.to_run(verb, &query.select);
            select.count(&*verb.reading_for(&*select)?)
        })
    }

    /// Whether there is any row.
    ///
    /// # Errors
    /// As [`Query::all`].
    #[track_caller]
    pub fn exists(&self) -> Result<bool> {
        let _caller = mark();
        self.run(|query, verb| {
            let select = query.select.clone();
            let one = if select.is_limited() { select } else { select.limit(1) };
            let one = query.to_run(verb, &one);
            Ok(!one.all(&*verb.reading_for(&*one)?)?.is_empty())
        })
    }

    /// Lends the records as they come to a closure, one block of rows in memory at a time.
    ///
    /// # Errors
    /// As [`Query::all`], and the closure's; `Invalid` together with what loads relationships.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer)))?;
    /// db.create_all()?;
    /// insert(&t).rows(["n"], (0..2000).map(|n| [n])).run(&db)?;
    /// let session = db.session();
    /// let sum = session.query(&t).stream(|records| {
    ///     records.map(|record| record?.get::<i64>("n")).sum::<mirrorm::Result<i64>>()
    /// })?;
    /// assert_eq!(sum, 1_999_000);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn stream<T>(
        &self,
        body: impl FnOnce(&mut dyn Iterator<Item = Result<Record>>) -> Result<T>,
    ) -> Result<T> {
        let _caller = mark();
        self.run(|query, verb| query.stream_records(verb, body))
    }

    fn stream_records<T>(
        &self,
        verb: &Verb<'_>,
        body: impl FnOnce(&mut dyn Iterator<Item = Result<Record>>) -> Result<T>,
    ) -> Result<T> {
        if !self.paths.is_empty() || !self.joinings.is_empty() {
            let message = "a stream loads no relationships beforehand: leave `with` and its like out";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let def: Arc<TableDef> = self.table.def();
        let mut batch: Option<Arc<Batch>> = None;
        let select = self.to_run(verb, &self.select);
        let done = select.stream(&*verb.reading_for(&*select)?, |rows| {
            let mut records = rows.map(|row| {
                let row = row?;
                let own = match &batch {
                    Some(known) if std::ptr::eq(&*known.block, &**row.block()) => known.clone(),
                    _ => {
                        verb.tell_transitions()?;
                        let mut made = verb.batch(&self.table, &def, row.block().clone())?;
                        made.lazy = self.lazy.into();
                        batch.insert(Arc::new(made)).clone()
                    }
                };
                let mut one = None;
                let at = || std::iter::once(row.position() as u32);
                verb.records_of(&own, at(), Met::Fresh, |record| one = Some(record))?;
                if self.populates && verb.drop_changes(one.as_slice()) {
                    verb.records_of(&own, at(), Met::Fresh, |record| one = Some(record))?;
                }
                one.ok_or_else(|| Error::new(ErrorKind::Invalid, "a row gave no record"))
            });
            unmarked(|| body(&mut records))
        });
        verb.tell_transitions()?;
        done
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({:?})", self.table)
    }
}

/// The error of a record that is not there, in the words of the program.
pub(crate) fn missing(description: Option<&str>) -> Error {
    Error::new(ErrorKind::NotFound, description.unwrap_or("what was asked for is not there"))
}
