//! SELECT as plain data.

use std::sync::Arc;
use std::time::Duration;

use super::selection::{Item, Selection, SelectionList};
use super::{Compound, Lock, TextRows};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{ColumnRef, Expr, Node, Op, Origin, Source};
use crate::schema::{Alias, Table};
use crate::suggest::did_you_mean;

/// A SELECT of tables, columns or expressions.
///
/// A table selects all its columns; the first table named, itself or through a column, becomes
/// the FROM. Other tables come in by [`Select::join`].
pub fn select(selection: impl Selection) -> Select {
    let mut list = SelectionList::default();
    selection.add_to(&mut list);
    Select { from: list.from, items: list.items, ..Select::default() }
}

/// A SELECT statement: a value built by chaining, run by verbs such as `all`, `one`, `stream`.
#[derive(Clone, Debug, Default)]
#[must_use = "a statement does nothing until it runs"]
pub struct Select {
    pub(crate) items: Vec<Item>,
    pub(crate) from: Option<Source>,
    pub(crate) joins: Vec<Join>,
    pub(crate) filters: Vec<Expr>,
    pub(crate) group_by: Vec<Expr>,
    pub(crate) having: Vec<Expr>,
    pub(crate) order_by: Vec<Expr>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    /// A limit and an offset that are expressions, in place of those.
    pub(crate) limit_by: Option<Expr>,
    pub(crate) offset_by: Option<Expr>,
    pub(crate) distinct: bool,
    /// Where not empty, one row for each of these.
    pub(crate) distinct_on: Vec<Expr>,
    /// Where its rows come from other SELECTs, these; then it has nothing of its own but order and limit.
    pub(crate) compound: Option<Box<Compound>>,
    /// Where it is a text, this; then it has nothing of its own.
    pub(crate) text: Option<Box<TextRows>>,
    pub(crate) lock: Option<Box<Lock>>,
    /// Whether the limit takes the rows that are equal to the last, too.
    pub(crate) ties: bool,
    /// Words of the program's own for some databases.
    pub(crate) words: Vec<OwnWords>,
    /// Whether its statement is not to be kept by the driver.
    pub(crate) once: bool,
    /// How long it may take, where that is not the connection's.
    pub(crate) timeout: Option<Duration>,
}

/// Words of the program's own in a SELECT, behind the word SELECT or at the end.
#[derive(Clone, Debug)]
pub(crate) struct OwnWords {
    pub(crate) dialect: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) first: bool,
}

/// What a SELECT is made of.
pub(crate) enum Part<'s> {
    Member(&'s Select),
    Source(&'s Source),
    Expr(&'s Expr),
}

/// A joined table: how, and on what. Without a condition the foreign keys give it.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) source: Source,
    pub(crate) on: Option<Expr>,
    /// The only table that a foreign key may lead to or come from, where that was said.
    pub(crate) beside: Option<Source>,
}

/// How a table is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Full,
    Cross,
}

/// What can be joined: a table or an alias of one.
pub trait Joinable {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn source(&self) -> Source;
}

impl Joinable for Table {
    #[allow(private_interfaces)]
    fn source(&self) -> Source {
        Source::of(self)
    }
}

impl Joinable for Alias {
    #[allow(private_interfaces)]
    fn source(&self) -> Source {
        Source { table: self.table.clone(), alias: Some(self.alias.clone()), origin: Origin::Table, depth: 0 }
    }
}

impl Select {
    fn add_join(mut self, kind: JoinKind, table: &impl Joinable, on: Option<Expr>) -> Select {
        self.joins.push(Join { kind, source: table.source(), on, beside: None });
        self
    }

    fn add_join_from(mut self, kind: JoinKind, from: &impl Joinable, table: &impl Joinable) -> Select {
        let beside = from.source();
        self.from = self.from.or_else(|| Some(beside.clone()));
        self.joins.push(Join { kind, source: table.source(), on: None, beside: Some(beside) });
        self
    }

    /// As [`Select::join`], along the one foreign key between the table and this one before it, whatever others there
    /// are.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// let author = column("author", Integer).references("users");
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), author))?;
    /// let likes = (column("post", Integer).references("posts"), column("who", Integer).references("users"));
    /// let likes = db.table("likes", likes)?;
    /// db.create_all()?;
    /// let of_posts = select(users.c("name")).join(&posts).join_from(&posts, &likes);
    /// assert_eq!(of_posts.count(&db)?, 0);
    /// assert_eq!(select(users.c("name")).join(&posts).join(&likes).count(&db).unwrap_err().kind(), ErrorKind::AmbiguousForeignKey);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn join_from(self, from: &impl Joinable, table: &impl Joinable) -> Select {
        self.add_join_from(JoinKind::Inner, from, table)
    }

    /// As [`Select::join_from`], keeping rows without a match.
    pub fn left_join_from(self, from: &impl Joinable, table: &impl Joinable) -> Select {
        self.add_join_from(JoinKind::Left, from, table)
    }

    /// Every row with every row of a table.
    pub fn cross_join(self, table: &impl Joinable) -> Select {
        self.add_join(JoinKind::Cross, table, None)
    }

    /// Joins a table along the one foreign key between it and the tables before it.
    ///
    /// No foreign key, and more than one, are two errors of the verb that runs the statement.
    pub fn join(self, table: &impl Joinable) -> Select {
        self.add_join(JoinKind::Inner, table, None)
    }

    /// Joins a table on a condition.
    pub fn join_on(self, table: &impl Joinable, on: impl Into<Expr>) -> Select {
        self.add_join(JoinKind::Inner, table, Some(on.into()))
    }

    /// As [`Select::join`], keeping rows without a match (LEFT OUTER JOIN).
    pub fn left_join(self, table: &impl Joinable) -> Select {
        self.add_join(JoinKind::Left, table, None)
    }

    /// As [`Select::join_on`], keeping rows without a match.
    pub fn left_join_on(self, table: &impl Joinable, on: impl Into<Expr>) -> Select {
        self.add_join(JoinKind::Left, table, Some(on.into()))
    }

    /// As [`Select::join_on`], keeping rows of both sides without a match (FULL OUTER JOIN); `Unsupported` on MySQL.
    pub fn full_join_on(self, table: &impl Joinable, on: impl Into<Expr>) -> Select {
        self.add_join(JoinKind::Full, table, Some(on.into()))
    }

    /// Takes the FROM from a table, where the selection does not say it.
    pub fn from(mut self, table: &impl Joinable) -> Select {
        self.from = Some(table.source());
        self
    }

    /// Keeps rows for which this holds; several filters all hold.
    pub fn filter(mut self, condition: impl Into<Expr>) -> Select {
        self.filters.push(condition.into());
        self
    }

    /// As [`Select::filter`], if there is a condition.
    pub fn filter_if(self, condition: Option<impl Into<Expr>>) -> Select {
        match condition {
            Some(condition) => self.filter(condition),
            None => self,
        }
    }

    /// Groups rows; the columns are anything a selection takes.
    pub fn group_by(mut self, columns: impl Selection) -> Select {
        self.group_by.extend(exprs(columns));
        self
    }

    /// Keeps groups for which this holds.
    pub fn having(mut self, condition: impl Into<Expr>) -> Select {
        self.having.push(condition.into());
        self
    }

    /// Sorts; `.desc()` on an expression turns it around.
    pub fn order_by(mut self, columns: impl Selection) -> Select {
        self.order_by.extend(exprs(columns));
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, rows: u64) -> Select {
        (self.limit, self.limit_by) = (Some(rows), None);
        self
    }

    /// At most as many rows as an expression says, such as a [`param`](crate::expr::param) of a plan.
    ///
    /// `Unsupported` from the verb on MySQL and MariaDB for anything but a value or a parameter.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let t = db.table("t", column("n", Integer))?;
    /// db.create_all()?;
    /// insert(&t).rows(["n"], [[1], [2], [3]]).run(&db)?;
    /// let page = select(&t).order_by(t.c("n")).limit_by(param("size")).offset_by(param("from")).prepare(&db)?;
    /// assert_eq!(page.all(&db, values! { "size" => 1, "from" => 2 })?.scalars::<i64>()?, [3]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn limit_by(mut self, rows: impl Into<Expr>) -> Select {
        (self.limit, self.limit_by) = (None, Some(rows.into()));
        self
    }

    /// Skips so many rows.
    pub fn offset(mut self, rows: u64) -> Select {
        (self.offset, self.offset_by) = (Some(rows), None);
        self
    }

    /// Skips as many rows as an expression says; as [`Select::limit_by`].
    pub fn offset_by(mut self, rows: impl Into<Expr>) -> Select {
        (self.offset, self.offset_by) = (None, Some(rows.into()));
        self
    }

    /// Leaves out rows that are equal to another.
    pub fn distinct(mut self) -> Select {
        self.distinct = true;
        self
    }

    /// One row for each of these values, the first in its order, which begins with them; of PostgreSQL.
    pub fn distinct_on(mut self, columns: impl Selection) -> Select {
        self.distinct_on.extend(exprs(columns));
        self
    }

    /// Names each column by its table and itself, `users_id`, so that no two of several tables have one name; what has
    /// a label keeps it.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let a = db.table("a", column("id", Integer).primary_key())?;
    /// let b = db.table("b", (column("id", Integer).primary_key(), column("a", Integer).references("a")))?;
    /// db.create_all()?;
    /// insert(&a).values(values! { "id" => 1 }).run(&db)?;
    /// insert(&b).values(values! { "id" => 2, "a" => 1 }).run(&db)?;
    /// let row = select((&a, &b)).join(&b).labels_with_tables().one(&db)?;
    /// assert_eq!((row.get::<i64>("a_id")?, row.get::<i64>("b_id")?), (1, 2));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn labels_with_tables(mut self) -> Select {
        let exprs: Vec<Expr> =
            std::mem::take(&mut self.items).into_iter().flat_map(Item::into_exprs).collect();
        let label = |expr: &Expr| match &expr.0 {
            Node::Column(column) => Some(format!("{}_{}", self.called(&column.source), expr.output_name()?)),
            _ => None,
        };
        let labels: Vec<Option<String>> = exprs.iter().map(label).collect();
        let labelled = exprs.into_iter().zip(labels).map(|(expr, label)| match label {
            Some(label) => Item::Expr(expr.label(label)),
            None => Item::Expr(expr),
        });
        self.items = labelled.collect();
        self
    }

    /// What a table is called in labels: its alias, or its name, with its schema where that tells it from another.
    fn called(&self, source: &Source) -> String {
        if let Some(alias) = &source.alias {
            return alias.to_string();
        }
        let def = source.table.def();
        let same = |other: &&Source| other.alias.is_none() && other.table.name() == source.table.name();
        match &def.schema {
            Some(schema) if self.sources().filter(same).count() > 1 => format!("{schema}_{}", def.name),
            _ => def.name.to_string(),
        }
    }

    /// Takes the rows that are equal to the last of the limit by the order, too. `Unsupported` from the verb but on
    /// PostgreSQL and MariaDB, there without an offset; `Invalid` without a limit or an order.
    pub fn with_ties(mut self) -> Select {
        self.ties = true;
        self
    }

    /// Puts SQL of your own behind the word SELECT on the databases of a dialect, by its name: hints for the optimizer. The
    /// text is never made of data. Of SELECTs put together, each member has its own.
    ///
    /// # Example
    /// ```
    /// use mirrorm::compile::{Compile, Target};
    /// use mirrorm::prelude::*;
    ///
    /// let t = Table::new("t", column("n", Integer))?;
    /// let all = select(t.c("n")).prefix_for("mysql", "/*+ MAX_EXECUTION_TIME(1000) */").prefix_for("sqlite", "ALL");
    /// let sqlite = Target::offline(mirrorm::dialect::built_in()[0]);
    /// assert_eq!(all.compile(&sqlite)?.sql(), "SELECT ALL t.n FROM t");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn prefix_for(self, dialect: &str, text: &str) -> Select {
        self.words(dialect, text, true)
    }

    /// Puts SQL of your own at the end on the databases of a dialect, by its name; see [`Select::prefix_for`].
    pub fn suffix_for(self, dialect: &str, text: &str) -> Select {
        self.words(dialect, text, false)
    }

    fn words(mut self, dialect: &str, text: &str, first: bool) -> Select {
        self.words.push(OwnWords { dialect: dialect.into(), text: text.into(), first });
        self
    }

    /// Tells the driver that the text will not come again, so that its prepared statement is not kept: for texts made of
    /// data, such as those with a list of another length each time.
    pub fn uncached(mut self) -> Select {
        self.once = true;
        self
    }

    /// How long it may take; then the database stops it, and it is an error of the kind `Timeout`. Wins over
    /// [`Conn::set_timeout`](crate::engine::Conn::set_timeout) and the engine's option, and over those of the SELECTs
    /// that it is made of; without one of its own, the shortest of these. Zero is any time. Of a stream, how long each
    /// block of rows may take, but on MySQL and MariaDB, where it is for all of it.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    ///
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let t = db.table("t", column("n", Integer))?;
    /// db.create_all()?;
    /// insert(&t).rows(["n"], (0..2_000).map(|n| [n])).run(&db)?;
    /// let (a, b) = (t.alias("a"), t.alias("b"));
    /// let all = select((t.c("n"), a.c("n"), b.c("n"))).cross_join(&a).cross_join(&b);
    /// let slow = all.timeout(Duration::from_millis(20)).count(&db).unwrap_err();
    /// assert_eq!(slow.kind(), ErrorKind::Timeout);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn timeout(mut self, most: Duration) -> Select {
        self.timeout = Some(most);
        self
    }

    /// Selects something else from the same rows.
    pub fn columns(mut self, selection: impl Selection) -> Select {
        let mut list = SelectionList::default();
        selection.add_to(&mut list);
        self.from = self.from.or(list.from);
        self.items = list.items;
        self
    }

    /// Selects something more from the same rows.
    pub fn add_columns(mut self, selection: impl Selection) -> Select {
        let mut list = SelectionList::default();
        selection.add_to(&mut list);
        self.from = self.from.or(list.from);
        self.items.extend(list.items);
        self
    }

    /// The columns of a table it is sorted by, each with whether it descends.
    ///
    /// # Errors
    /// `Invalid` where it is sorted by anything else; mistakes in what it is sorted by.
    #[doc(hidden)]
    pub fn sorted_by(&self, table: &Table) -> Result<Vec<(Arc<str>, bool)>> {
        let def = table.def();
        let column = |term: &Expr| {
            let (key, descending) = term.sort_key();
            if term.nulls_stand_first().is_some() {
                return Err(other_order());
            }
            match &key.0 {
                Node::Invalid(mistake) => Err(mistake.clone()),
                Node::Column(ColumnRef { source, id }) if *source == Source::of(table) => {
                    let column = def.by_id(*id).ok_or_else(other_order)?;
                    Ok((column.key.clone(), descending.unwrap_or(false)))
                }
                _ => Err(other_order()),
            }
        };
        self.order_by.iter().map(column).collect()
    }

    /// The same in another order.
    #[doc(hidden)]
    pub fn sorted_anew(mut self, order: Vec<Expr>) -> Select {
        self.order_by = order;
        self
    }

    /// Whether it has a limit or an offset.
    #[doc(hidden)]
    pub fn is_limited(&self) -> bool {
        self.limit.is_some() || self.offset.is_some() || self.limit_by.is_some() || self.offset_by.is_some()
    }

    /// Whether a table, or an alias of one, stands in its FROM.
    #[doc(hidden)]
    pub fn reads(&self, table: &impl Joinable) -> bool {
        let wanted = table.source();
        self.sources().any(|source| *source == wanted)
    }

    /// Whether equal rows come once.
    #[doc(hidden)]
    pub fn is_distinct(&self) -> bool {
        self.distinct || !self.distinct_on.is_empty()
    }

    /// The same with all of its rows.
    #[doc(hidden)]
    pub fn unlimited(self) -> Select {
        let (limit, offset, limit_by, offset_by) = (None, None, None, None);
        let (distinct, distinct_on, ties) = (false, Vec::new(), false);
        Select { limit, offset, limit_by, offset_by, distinct, distinct_on, ties, ..self }
    }

    /// What stands in its FROM.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.from.iter().chain(self.joins.iter().map(|join| &join.source))
    }

    /// Lends all that it is made of, one level deep: what stands in its FROM, its expressions, and where its rows come
    /// from other SELECTs, these.
    pub(crate) fn each_part<'s>(&'s self, visit: &mut dyn FnMut(Part<'s>)) {
        self.compound.iter().flat_map(|compound| &compound.members).for_each(|m| visit(Part::Member(m)));
        self.text.iter().for_each(|text| visit(Part::Expr(&text.expr)));
        self.sources().for_each(|source| visit(Part::Source(source)));
        self.joins.iter().filter_map(|join| join.on.as_ref()).for_each(|on| visit(Part::Expr(on)));
        for item in &self.items {
            visit(match item {
                Item::Table(source) => Part::Source(source),
                Item::Expr(expr) => Part::Expr(expr),
            });
        }
        let clauses = [&self.distinct_on, &self.filters, &self.group_by, &self.having, &self.order_by];
        let limits = self.limit_by.iter().chain(&self.offset_by);
        clauses.into_iter().flatten().chain(limits).for_each(|expr| visit(Part::Expr(expr)));
    }

    /// Lends its own expressions to be changed.
    pub(crate) fn each_expr_mut(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        self.text.iter_mut().for_each(|text| change(&mut text.expr));
        self.joins.iter_mut().filter_map(|join| join.on.as_mut()).for_each(&mut *change);
        for item in &mut self.items {
            if let Item::Expr(expr) = item {
                change(expr);
            }
        }
        let clauses = [
            &mut self.distinct_on,
            &mut self.filters,
            &mut self.group_by,
            &mut self.having,
            &mut self.order_by,
        ];
        let limits = self.limit_by.iter_mut().chain(&mut self.offset_by);
        clauses.into_iter().flatten().chain(limits).for_each(change);
    }

    /// Lends what stands in its FROM to be changed.
    pub(crate) fn each_source_mut(&mut self, change: &mut dyn FnMut(&mut Source)) {
        self.from.iter_mut().chain(self.joins.iter_mut().map(|join| &mut join.source)).for_each(change);
    }

    /// The SELECTs that its rows come from, to be changed.
    pub(crate) fn members_mut(&mut self) -> impl Iterator<Item = &mut Select> {
        self.compound.iter_mut().flat_map(|compound| &mut compound.members)
    }

    /// The first SELECT that its rows come from; itself, where they come from no others.
    pub(crate) fn first_member(&self) -> &Select {
        let mut first = self;
        while let Some(inner) = first.compound.as_ref().and_then(|compound| compound.members.first()) {
            first = inner;
        }
        first
    }

    /// How deep the statement nests, for the limit on expressions.
    pub(crate) fn depth(&self) -> u16 {
        let all = [&self.distinct_on, &self.filters, &self.group_by, &self.having, &self.order_by];
        let selected = self.items.iter().map(|item| match item {
            Item::Expr(expr) => expr.depth(),
            Item::Table(_) => 0,
        });
        let joined = self.joins.iter().filter_map(|join| join.on.as_ref()).map(Expr::depth);
        let sources = self.sources().map(|source| source.depth);
        let members = self.compound.iter().map(|compound| compound.depth);
        let text = self.text.iter().map(|text| text.expr.depth());
        let own = all.into_iter().flatten().map(Expr::depth);
        let deepest = own.chain(selected).chain(joined).chain(members).chain(text).chain(sources).max();
        deepest.unwrap_or(0) + 1
    }

    /// Whether each row of the FROM that passes the filters is one row of the result, so that they
    /// can be counted without making the result.
    pub(crate) fn is_row_for_row(&self) -> bool {
        let plain = |item: &Item| match item {
            Item::Table(_) => true,
            Item::Expr(expr) => expr.is_column(),
        };
        let whole = !self.is_limited() && !self.distinct && self.distinct_on.is_empty();
        whole
            && self.compound.is_none()
            && self.text.is_none()
            && self.group_by.is_empty()
            && self.having.is_empty()
            && self.items.iter().all(plain)
    }

    /// What is selected, where this is a name for it.
    pub(crate) fn named(&self, term: &Expr) -> Result<Option<Expr>> {
        match &term.0 {
            Node::Apply(Op::Named(name), _) => self.selected_as(name).map(Some),
            _ => Ok(None),
        }
    }

    fn selected_as(&self, name: &Arc<str>) -> Result<Expr> {
        let all = || self.items.iter().cloned().flat_map(Item::into_exprs);
        all().find(|expr| expr.output_name().as_ref() == Some(name)).ok_or_else(|| {
            let names: Vec<Arc<str>> = all().filter_map(|expr| expr.output_name()).collect();
            let near = did_you_mean(name, names.iter().map(|name| &**name));
            let message = format!("nothing is selected as `{name}`{near}");
            Error::new(ErrorKind::NoSuchColumn, message).with_columns([&**name])
        })
    }

    /// A term of GROUP BY or ORDER BY with what is selected in place of its name.
    fn without_name(&self, term: &Expr) -> Expr {
        match &term.0 {
            Node::Apply(Op::Named(name), _) => self.selected_as(name).unwrap_or_else(Expr::invalid),
            Node::Apply(op @ (Op::Asc | Op::Desc | Op::Nulls(_) | Op::Grouping(_)), kids) => {
                let items = kids.items.iter().map(|item| self.without_name(item)).collect();
                Expr::apply(op.clone(), items)
            }
            _ => term.clone(),
        }
    }

    /// The same rows with a name for each column, so that they can be a table in another statement:
    /// there two columns of one name are an error to some databases.
    pub(crate) fn for_counting(&self) -> Select {
        if self.text.is_some() {
            return self.clone();
        }
        if let Some(compound) = &self.compound {
            if self.is_limited() {
                // It is sorted by its columns' names.
                return self.clone();
            }
            let members = compound.members.iter().map(Select::for_counting).collect();
            let compound = Some(Box::new(Compound { op: compound.op, members, depth: compound.depth }));
            return Select { compound, order_by: Vec::new(), ..self.clone() };
        }
        let exprs = self.items.iter().cloned().flat_map(Item::into_exprs).enumerate();
        let named = exprs.map(|(at, expr)| match &expr.0 {
            Node::Raw(_) | Node::Star | Node::Apply(Op::Label(_), _) => Item::Expr(expr),
            _ => Item::Expr(expr.label(format!("c{}", at + 1))),
        });
        let terms = |terms: &[Expr]| terms.iter().map(|term| self.without_name(term)).collect();
        let (group_by, order_by) = (terms(&self.group_by), terms(&self.order_by));
        Select { items: named.collect(), group_by, order_by, ..self.clone() }
    }

    /// The conditions of a SELECT of one table that says nothing else which rows are meant.
    #[doc(hidden)]
    pub fn only_filters(&self) -> Option<&[Expr]> {
        let plain = self.joins.is_empty()
            && self.group_by.is_empty()
            && self.having.is_empty()
            && !self.is_limited()
            && self.compound.is_none()
            && self.text.is_none()
            && self.distinct_on.is_empty()
            && !self.distinct;
        plain.then_some(&self.filters)
    }

    /// The table of a SELECT that is all columns of one table, for its ready plan.
    pub(crate) fn whole_table(&self) -> Option<&Table> {
        let plain = self.joins.is_empty()
            && self.filters.is_empty()
            && self.group_by.is_empty()
            && self.having.is_empty()
            && self.order_by.is_empty()
            && !self.is_limited()
            && !self.ties
            && !self.once
            && self.words.is_empty()
            && self.timeout.is_none()
            && self.lock.is_none()
            && self.compound.is_none()
            && self.distinct_on.is_empty()
            && !self.distinct;
        match self.items.as_slice() {
            [Item::Table(source)] if plain && source.alias.is_none() => {
                (self.from.as_ref() == Some(source)).then_some(&source.table)
            }
            _ => None,
        }
    }
}

/// The expressions of a selection; a table stands for all its columns.
#[doc(hidden)]
pub fn exprs(selection: impl Selection) -> Vec<Expr> {
    let mut list = SelectionList::default();
    selection.add_to(&mut list);
    list.items.into_iter().flat_map(Item::into_exprs).collect()
}

impl Item {
    pub(crate) fn into_exprs(self) -> Vec<Expr> {
        match self {
            Item::Expr(expr) => vec![expr],
            Item::Table(source) => {
                let def: Arc<_> = source.table.def();
                let column = |id| Expr::column(crate::expr::ColumnRef { source: source.clone(), id });
                def.columns().map(|c| column(c.id)).collect()
            }
        }
    }
}

/// The error of an order that is not by plain columns.
fn other_order() -> Error {
    let message = "pages by place are ordered by columns of the query's table";
    Error::new(ErrorKind::Invalid, message)
}
