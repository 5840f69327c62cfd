//! A SELECT as a table of another statement: in its FROM, or named before it (WITH).

use std::collections::HashSet;
use std::sync::Arc;

use super::selection::{Item, Selection, SelectionList};
use super::{Compound, Joinable, Select, SetOp};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::types::Types;
use crate::expr::{ColumnRef, Expr, MAX_DEPTH, Node, Op, Origin, Source};
use crate::schema::{Table, column};
use crate::types::Type;

/// A SELECT that stands as a table in other statements, under a name: made by [`Select::subquery`],
/// [`Select::cte`], [`Select::recursive`].
///
/// It can be selected from and joined like a table; its columns are those of its result, by name. Columns of one
/// name get a number.
#[derive(Clone, Debug)]
pub struct Subquery {
    source: Source,
}

impl Subquery {
    /// The column of this name, as an expression; errors travel as with [`Table::c`].
    pub fn c(&self, name: &str) -> Expr {
        self.try_c(name).unwrap_or_else(Expr::invalid)
    }

    /// The column of this name, as an expression.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names.
    pub fn try_c(&self, name: &str) -> Result<Expr> {
        let id = self.source.table.def().column(name)?.id;
        Ok(Expr::column(ColumnRef { source: self.source.clone(), id }))
    }

    pub(super) fn of(table: &Table, name: &Arc<str>, origin: Origin) -> Result<Subquery> {
        let depth = origin.depth();
        if depth > MAX_DEPTH {
            let message = format!("SELECTs nest deeper than {MAX_DEPTH} levels");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(Subquery { source: Source { table: table.clone(), alias: Some(name.clone()), origin, depth } })
    }
}

/// A SELECT that is a text, and the table that its columns make.
#[derive(Clone, Debug)]
pub(crate) struct TextRows {
    pub(crate) expr: Expr,
    pub(crate) table: Table,
}

impl Joinable for Subquery {
    #[allow(private_interfaces)]
    fn source(&self) -> Source {
        self.source.clone()
    }
}

impl Selection for &Subquery {
    fn add_to(self, list: &mut SelectionList) {
        list.table(self.source.clone());
    }
}

impl Select {
    pub(crate) fn of_text(text: TextRows) -> Select {
        Select { text: Some(Box::new(text)), ..Select::default() }
    }

    /// This SELECT as a table in the FROM of others. It sees nothing of the statement around it.
    ///
    /// # Errors
    /// `Invalid` for a name that no table can have, and for a SELECT of nothing.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let sales = db.table("sales", (column("id", Integer).primary_key(), column("part", Text), column("n", Integer)))?;
    /// db.create_all()?;
    /// insert(&sales).values(values! { "part" => "a", "n" => 3 }).run(&db)?;
    /// insert(&sales).values(values! { "part" => "a", "n" => 5 }).run(&db)?;
    /// let best = select((sales.c("part"), func::max(sales.c("n")).label("most"))).group_by(sales.c("part"));
    /// let best = best.subquery("best")?;
    /// let found = select(&sales).join_on(&best, best.c("part").eq(sales.c("part")) & best.c("most").eq(sales.c("n")));
    /// assert_eq!(found.one(&db)?.get::<i64>("n")?, 5);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn subquery(self, name: impl Into<Arc<str>>) -> Result<Subquery> {
        let (name, select) = (name.into(), self.with_names()?);
        let table = select.as_table(&name)?;
        Subquery::of(&table, &name, Origin::Subquery(Arc::new(select)))
    }

    /// As [`Select::subquery`], seeing the tables that stand before it in the FROM: joined for each row of theirs
    /// (`LATERAL`). `Unsupported` from the verb on SQLite and MariaDB.
    ///
    /// # Errors
    /// As [`Select::subquery`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", column("id", Integer).primary_key())?;
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), column("author", Integer)))?;
    /// let own = select(posts.c("id")).filter(posts.c("author").eq(users.c("id")));
    /// let last = own.order_by(posts.c("id").desc()).limit(3).lateral("last")?;
    /// let lasts = select((users.c("id"), last.c("id"))).cross_join(&last);
    /// assert!(matches!(lasts.all(&db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn lateral(self, name: impl Into<Arc<str>>) -> Result<Subquery> {
        let (name, select) = (name.into(), self.with_names()?);
        let table = select.as_table(&name)?;
        Subquery::of(&table, &name, Origin::Lateral(Arc::new(select)))
    }

    /// This SELECT under a name before the statement that uses it (`WITH name AS (..)`), however often that does.
    ///
    /// # Errors
    /// As [`Select::subquery`].
    pub fn cte(self, name: impl Into<Arc<str>>) -> Result<Subquery> {
        let (name, select) = (name.into(), self.with_names()?);
        let table = select.as_table(&name)?;
        Subquery::of(&table, &name, Origin::Cte { select: Arc::new(select), recursive: false })
    }

    /// The rows of this SELECT, and those that another finds from them, again and again until it finds none
    /// (`WITH RECURSIVE`, UNION ALL). The types of the columns are this one's.
    ///
    /// # Errors
    /// As [`Select::subquery`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let parts = (column("id", Integer).primary_key(), column("boss", Integer).references("people"));
    /// let people = db.table("people", parts)?;
    /// db.create_all()?;
    /// insert(&people).rows(["id", "boss"], [(1, None), (2, Some(1)), (3, Some(2)), (4, None)]).run(&db)?;
    /// let tree = select(people.c("id")).filter(people.c("id").eq(1)).recursive("tree", |tree| {
    ///     select(people.c("id")).join_on(tree, tree.c("id").eq(people.c("boss")))
    /// })?;
    /// assert_eq!(select(tree.c("id")).order_by(tree.c("id")).scalars::<i64>(&db)?, [1, 2, 3]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn recursive(
        self,
        name: impl Into<Arc<str>>,
        step: impl FnOnce(&Subquery) -> Select,
    ) -> Result<Subquery> {
        self.again(name.into(), SetOp::UnionAll, step)
    }

    /// As [`Select::recursive`], without rows that were found before (UNION): it ends where there are circles.
    ///
    /// # Errors
    /// As [`Select::subquery`].
    pub fn recursive_distinct(
        self,
        name: impl Into<Arc<str>>,
        step: impl FnOnce(&Subquery) -> Select,
    ) -> Result<Subquery> {
        self.again(name.into(), SetOp::Union, step)
    }

    fn again(self, name: Arc<str>, op: SetOp, step: impl FnOnce(&Subquery) -> Select) -> Result<Subquery> {
        let base = self.with_names()?;
        let table = base.as_table(&name)?;
        let next = step(&Subquery::of(&table, &name, Origin::Itself)?);
        let depth = base.depth().max(next.depth()) + 1;
        let compound = Some(Box::new(Compound { op, members: vec![base, next], depth }));
        let select = Arc::new(Select { compound, ..Select::default() });
        Subquery::of(&table, &name, Origin::Cte { select, recursive: true })
    }

    /// The same rows with a name for each column that no other has.
    fn with_names(mut self) -> Result<Select> {
        if self.text.is_some() {
            return Ok(self);
        }
        if let Some(compound) = &mut self.compound {
            if let Some(first) = compound.members.first_mut() {
                *first = std::mem::take(first).with_names()?;
            }
            return Ok(self);
        }
        if self.items.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a SELECT of nothing"));
        }
        let mut taken: HashSet<Arc<str>> = HashSet::new();
        let exprs: Vec<Expr> =
            std::mem::take(&mut self.items).into_iter().flat_map(Item::into_exprs).collect();
        // No number makes the name of another.
        let said: HashSet<Arc<str>> = exprs.iter().filter_map(Expr::output_name).collect();
        let named = exprs.into_iter().enumerate().map(|(at, expr)| {
            let wish = expr.output_name().unwrap_or_else(|| format!("column{}", at + 1).into());
            let numbered =
                (2..).map(|n| Arc::from(format!("{wish}_{n}"))).filter(|name| !said.contains(name));
            let mut wishes = std::iter::once(wish.clone()).chain(numbered);
            let name = wishes.find(|name| taken.insert(name.clone())).unwrap_or(wish);
            Item::Expr(if is_called(&expr, &name) { expr } else { expr.unlabelled().label(name) })
        });
        self.items = named.collect();
        Ok(self)
    }

    /// A table of its result columns.
    fn as_table(&self, name: &Arc<str>) -> Result<Table> {
        let find = |column: &ColumnRef| column.source.table.def().by_id(column.id).map(|c| c.ty().clone());
        let types = Types(&find);
        if let Some(text) = &self.first_member().text {
            let columns: Vec<_> =
                text.table.def().columns().map(|c| column(c.name().clone(), c.ty().clone())).collect();
            return Table::new(name.clone(), columns);
        }
        let columns = self.first_member().items.iter().filter_map(|item| match item {
            Item::Expr(expr) => {
                let ty = types.of(expr).unwrap_or(Type::Any);
                expr.output_name().map(|name| column(name, ty))
            }
            Item::Table(_) => None,
        });
        Table::new(name.clone(), columns.collect::<Vec<_>>())
    }
}

/// Whether the database calls a result column so by itself.
fn is_called(expr: &Expr, name: &Arc<str>) -> bool {
    match &expr.0 {
        Node::Apply(Op::Label(label), _) => label == name,
        Node::Column(column) => {
            let def = column.source.table.def();
            def.by_id(column.id).is_some_and(|found| *found.name().as_str() == **name)
        }
        _ => false,
    }
}
