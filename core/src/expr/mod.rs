//! Expressions as values: columns, binds, operators and functions, built by methods.
//!
//! Here is the tree; `build` has the methods, `func` the functions. What an expression becomes in
//! SQL stands in `compile::expr`.

mod build;
mod case;
mod form;
pub mod func;
mod group;
mod json;
mod moved;
mod text;
pub(crate) mod types;
mod window;

use std::fmt;
use std::sync::Arc;

pub use build::{InList, TupleItems, all_rows, any_row, exists, param, raw, tuple};
pub(crate) use case::parts as case_parts;
pub use case::{Case, case, case_of};
pub use form::{Bits, Field, Form, Sequence};
pub(crate) use group::Grouping;
pub use group::{cube, grouping_sets, named, rollup};
pub use json::{Holder, JsonAs, JsonPath, Path, PathTest, Step};
pub(crate) use text::Pieces;
pub use text::{Text, text};
pub use window::{Bound, Exclude, Window, window};
pub(crate) use window::{Frame, Over, Unit};

use crate::error::{Error, ErrorKind};
use crate::schema::{ColumnId, Table};
use crate::stmt::Select;
use crate::types::Type;
use crate::value::Value;

/// How deep expressions may nest. AND and OR do not nest: they hold any number of terms.
pub const MAX_DEPTH: u16 = 500;

/// An expression: a value that is cheap to clone, and does nothing until a statement runs.
///
/// Methods take `&self`, so a column can be used twice: `age.gt(18) & age.lt(65)`. There is no
/// `==` on expressions; write `.eq(..)`. A mistake made while building (an unknown column, too
/// deep a nesting) travels in the expression and is returned by the verb that runs it.
#[derive(Clone)]
#[must_use = "an expression does nothing until a statement uses it"]
pub struct Expr(pub(crate) Node);

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A column of a table in the statement.
    Column(ColumnRef),
    /// A value, sent as a parameter.
    Bind(Value),
    /// A parameter whose value is given when a prepared plan runs.
    Param(Arc<str>),
    /// SQL text, verbatim.
    Raw(Arc<str>),
    /// `*` in `count(*)`.
    Star,
    /// An operator or function over other expressions.
    Apply(Op, Arc<Kids>),
    /// A SELECT in the place of an expression.
    Subquery(Arc<Select>),
    /// A mistake, on its way to the verb.
    Invalid(Error),
}

/// The operands of an [`Node::Apply`], and how deep the tree below is.
#[derive(Clone, Debug)]
pub(crate) struct Kids {
    pub(crate) depth: u16,
    pub(crate) items: Vec<Expr>,
}

/// A column as a statement names it: whose, and which.
#[derive(Clone, Debug)]
pub(crate) struct ColumnRef {
    pub(crate) source: Source,
    pub(crate) id: ColumnId,
}

/// A table in a statement, under its own name or an alias.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) table: Table,
    pub(crate) alias: Option<Arc<str>>,
    pub(crate) origin: Origin,
    /// How deep the SELECT nests that its rows come from.
    pub(crate) depth: u16,
}

/// Where the rows of a source come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// A table of the database.
    Table,
    /// A SELECT in the FROM.
    Subquery(Arc<Select>),
    /// A SELECT in the FROM that sees the tables before it.
    Lateral(Arc<Select>),
    /// A function that gives rows.
    Function(Arc<Expr>),
    /// A SELECT that is named before the statement.
    Cte { select: Arc<Select>, recursive: bool },
    /// The recursive one that it is part of.
    Itself,
}

impl PartialEq for Origin {
    fn eq(&self, other: &Origin) -> bool {
        match (self, other) {
            (Origin::Table, Origin::Table) | (Origin::Itself, Origin::Itself) => true,
            (Origin::Subquery(a), Origin::Subquery(b)) => Arc::ptr_eq(a, b),
            (Origin::Lateral(a), Origin::Lateral(b)) => Arc::ptr_eq(a, b),
            (Origin::Function(a), Origin::Function(b)) => Arc::ptr_eq(a, b),
            (Origin::Cte { select: a, .. }, Origin::Cte { select: b, .. }) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Origin {
    /// How deep what its rows come from nests.
    pub(crate) fn depth(&self) -> u16 {
        match self {
            Origin::Function(call) => call.depth(),
            other => other.select().map_or(0, |select| select.depth()),
        }
    }

    /// The SELECT that its rows come from.
    pub(crate) fn select(&self) -> Option<&Arc<Select>> {
        match self {
            Origin::Subquery(select) | Origin::Lateral(select) | Origin::Cte { select, .. } => Some(select),
            Origin::Table | Origin::Function(_) | Origin::Itself => None,
        }
    }
}

impl Source {
    pub(crate) fn of(table: &Table) -> Source {
        Source { table: table.clone(), alias: None, origin: Origin::Table, depth: 0 }
    }
}

/// Operators and functions. Their order of precedence stands in `compile::expr`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Or,
    And,
    Not,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Is,
    IsNot,
    Like,
    NotLike,
    Ilike,
    NotIlike,
    In,
    NotIn,
    /// In a list, or not in it, that a prepared plan is given by name.
    InParam {
        name: Arc<str>,
        negated: bool,
    },
    /// In a list of integers, sent as one parameter where the dialect can.
    InIntegers(Arc<[i64]>),
    Between,
    NotBetween,
    Concat,
    Add,
    Sub,
    Mul,
    Rem,
    Neg,
    Exists,
    /// All rows of a SELECT, or any of them, to compare with.
    Quantified {
        all: bool,
    },
    Cast(Type),
    Collate(Arc<str>),
    Function {
        schema: Option<Arc<str>>,
        name: Arc<str>,
        distinct: bool,
    },
    /// An aggregate, and the order in which it takes its rows.
    Ordered,
    /// An aggregate of sorted rows, and their order (WITHIN GROUP).
    WithinGroup,
    Label(Arc<str>),
    Asc,
    Desc,
    /// In ORDER BY: NULLs first, or last.
    Nulls(bool),
    /// What it is compared with first where `simple`, then conditions and values, then what holds `otherwise`.
    Case {
        simple: bool,
        otherwise: bool,
    },
    Over(Arc<Over>),
    /// An aggregate, and the condition of its rows.
    Filter,
    Tuple,
    /// What was to be inserted into a column, in an upsert.
    Excluded,
    /// An operator of two in the program's own words.
    Custom(Arc<str>),
    /// In GROUP BY: several groupings.
    Grouping(Grouping),
    /// What is selected under a name.
    Named(Arc<str>),
    /// Rows of values, one after the other, of these columns.
    Rows(Table),
    /// What each dialect has a template for.
    Form(Form),
    /// SQL text of the program's own, with its operands at their places.
    Text(Arc<Pieces>),
    /// As it is, taken for a value of a type.
    Typed(Type),
}

impl Expr {
    pub(crate) fn column(column: ColumnRef) -> Expr {
        Expr(Node::Column(column))
    }

    /// An expression that carries a mistake to the verb that runs it.
    #[doc(hidden)]
    pub fn invalid(error: Error) -> Expr {
        Expr(Node::Invalid(error))
    }

    /// The first mistake that it carries, outside of SELECTs in it.
    #[doc(hidden)]
    pub fn mistake(&self) -> Option<&Error> {
        match &self.0 {
            Node::Invalid(error) => Some(error),
            Node::Apply(_, kids) => kids.items.iter().find_map(Expr::mistake),
            _ => None,
        }
    }

    /// An operator over operands; too deep a tree becomes a mistake.
    pub(crate) fn apply(op: Op, items: Vec<Expr>) -> Expr {
        let depth = items.iter().map(Expr::depth).max().unwrap_or(0) + 1;
        if depth > MAX_DEPTH {
            let message = format!("an expression nests deeper than {MAX_DEPTH} levels");
            return Expr::invalid(Error::new(ErrorKind::TooLarge, message));
        }
        Expr(Node::Apply(op, Arc::new(Kids { depth, items })))
    }

    /// Adds a term to an AND or OR, or starts one. The list grows in place while nobody shares it.
    pub(crate) fn chain(op: Op, mut left: Expr, right: Expr) -> Expr {
        let Node::Apply(own, kids) = &mut left.0 else { return Expr::flat(op, [left, right]) };
        if *own != op || matches!(&right.0, Node::Apply(other, _) if *other == op) {
            return Expr::flat(op, [left, right]);
        }
        let kids = Arc::make_mut(kids);
        kids.depth = kids.depth.max(right.depth() + 1);
        kids.items.push(right);
        if kids.depth > MAX_DEPTH {
            return Expr::apply(op, std::mem::take(&mut kids.items));
        }
        left
    }

    /// Terms of AND or OR, with those that are terms of the same put among them: they group either way.
    pub(crate) fn flat(op: Op, terms: impl IntoIterator<Item = Expr>) -> Expr {
        let mut items = Vec::new();
        for term in terms {
            match term.0 {
                Node::Apply(own, kids) if own == op => {
                    items.extend(
                        Arc::try_unwrap(kids).map_or_else(|kids| kids.items.clone(), |kids| kids.items),
                    );
                }
                node => items.push(Expr(node)),
            }
        }
        Expr::apply(op, items)
    }

    pub(crate) fn depth(&self) -> u16 {
        match &self.0 {
            Node::Apply(_, kids) => kids.depth,
            Node::Subquery(select) => select.depth(),
            _ => 0,
        }
    }

    /// What it is called in the result, where that was said.
    pub(crate) fn label_of(&self) -> Option<&Arc<str>> {
        if let Node::Apply(Op::Label(label), _) = &self.0 { Some(label) } else { None }
    }

    /// The expression without its label.
    pub(crate) fn unlabelled(&self) -> &Expr {
        match &self.0 {
            Node::Apply(Op::Label(_), kids) => kids.items.first().unwrap_or(self),
            _ => self,
        }
    }

    /// Whether this is a column, under its own name or a label.
    pub(crate) fn is_column(&self) -> bool {
        match &self.0 {
            Node::Column(_) => true,
            Node::Apply(Op::Label(_), kids) => kids.items.iter().all(Expr::is_column),
            _ => false,
        }
    }

    /// The table and column that this is, under its own name.
    pub(crate) fn as_table_column(&self) -> Option<(&Table, ColumnId)> {
        match &self.0 {
            Node::Column(ColumnRef { source, id }) => Some((&source.table, *id)),
            _ => None,
        }
    }

    /// The name a result column of this expression gets: its label, its column, its function.
    pub(crate) fn output_name(&self) -> Option<Arc<str>> {
        match &self.0 {
            Node::Column(column) => {
                let def = column.source.table.def();
                def.by_id(column.id).map(|c| c.key.clone())
            }
            Node::Apply(Op::Label(label), _) => Some(label.clone()),
            Node::Apply(Op::Function { name, .. }, _) => Some(name.clone()),
            Node::Apply(
                Op::Cast(_)
                | Op::Collate(_)
                | Op::Typed(_)
                | Op::Over(_)
                | Op::Filter
                | Op::Ordered
                | Op::WithinGroup,
                kids,
            ) => kids.items.first().and_then(Expr::output_name),
            _ => None,
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Into<Value>> From<T> for Expr {
    fn from(value: T) -> Expr {
        Expr(Node::Bind(value.into()))
    }
}

impl From<&Expr> for Expr {
    fn from(expr: &Expr) -> Expr {
        expr.clone()
    }
}

impl From<Select> for Expr {
    /// A SELECT of one column and one row, in the place of a value.
    fn from(select: Select) -> Expr {
        Expr(Node::Subquery(Arc::new(select)))
    }
}
