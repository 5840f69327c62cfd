//! Windows: what a function sees beside its own row.

use std::sync::Arc;

use super::{Expr, Node, Op};
use crate::error::{Error, ErrorKind};
use crate::stmt::{Selection, exprs};
use crate::value::Value;

/// All rows of the result, to be divided, sorted and framed.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let sales = db.table("sales", (column("id", Integer).primary_key(), column("amount", Integer)))?;
/// db.create_all()?;
/// insert(&sales).rows(["id", "amount"], [[1, 10], [2, 20], [3, 30]]).run(&db)?;
/// let so_far = func::sum(sales.c("amount")).over(window().order_by(sales.c("id"))).label("so_far");
/// let sums: Vec<i64> = select(so_far).order_by(sales.c("id")).scalars(&db)?;
/// assert_eq!(sums, [10, 30, 60]);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn window() -> Window {
    Window::default()
}

/// A window, built by chaining. Each method returns the changed window.
#[derive(Clone, Debug, Default)]
#[must_use = "a window does nothing until a function stands over it"]
pub struct Window {
    partition: Vec<Expr>,
    order: Vec<Expr>,
    frame: Option<Frame>,
    exclude: Option<Exclude>,
}

/// The rows of a window that a function counts, from one bound to another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) unit: Unit,
    pub(crate) from: Bound,
    pub(crate) to: Bound,
    pub(crate) exclude: Option<Exclude>,
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Rows,
    Range,
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// The first row of the window, or the last.
    Unbounded,
    /// So many before the row.
    Preceding(u32),
    /// The row itself.
    Current,
    /// So many after the row.
    Following(u32),
    /// So far before the value of the row, in a frame of values: a number, or where the database reckons with them an
    /// interval.
    PrecedingBy(Value),
    /// So far after the value of the row.
    FollowingBy(Value),
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclude {
    /// The row itself.
    Current,
    /// The row and its equals.
    Group,
    /// Its equals.
    Ties,
}

/// What an OVER holds beside its function: how many expressions it is divided by and sorted by, and its frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Over {
    pub(crate) partition: usize,
    pub(crate) frame: Option<Frame>,
}

impl Window {
    /// Divides the rows: each part is a window of its own.
    pub fn partition_by(mut self, columns: impl Selection) -> Window {
        self.partition.extend(exprs(columns));
        self
    }

    /// Sorts the rows of each part; `.desc()` on an expression turns it around.
    pub fn order_by(mut self, columns: impl Selection) -> Window {
        self.order.extend(exprs(columns));
        self
    }

    /// A frame of rows.
    pub fn rows(self, from: Bound, to: Bound) -> Window {
        self.framed(Unit::Rows, from, to)
    }

    /// A frame of values: as far from the row's own as the bounds say.
    pub fn range(self, from: Bound, to: Bound) -> Window {
        self.framed(Unit::Range, from, to)
    }

    /// A frame of groups of rows that are equal in their order.
    pub fn groups(self, from: Bound, to: Bound) -> Window {
        self.framed(Unit::Groups, from, to)
    }

    fn framed(mut self, unit: Unit, from: Bound, to: Bound) -> Window {
        self.frame = Some(Frame { unit, from, to, exclude: None });
        self
    }

    /// Leaves rows out of the frame.
    pub fn exclude(mut self, rows: Exclude) -> Window {
        self.exclude = Some(rows);
        self
    }
}

impl Expr {
    /// This function over a window: one value for each row.
    pub fn over(&self, window: Window) -> Expr {
        if window.exclude.is_some() && window.frame.is_none() {
            let message = "a window leaves rows out of a frame, and this one has none";
            return Expr::invalid(Error::new(ErrorKind::Invalid, message));
        }
        let frame = window.frame.map(|frame| Frame { exclude: window.exclude, ..frame });
        let over = Over { partition: window.partition.len(), frame };
        let items = std::iter::once(self.clone()).chain(window.partition).chain(window.order);
        Expr::apply(Op::Over(Arc::new(over)), items.collect())
    }

    /// This aggregate of different values only: `func::sum(n).distinct()`.
    pub fn distinct(&self) -> Expr {
        match &self.0 {
            Node::Apply(Op::Function { schema, name, .. }, kids) => {
                let op = Op::Function { schema: schema.clone(), name: name.clone(), distinct: true };
                Expr(Node::Apply(op, kids.clone()))
            }
            Node::Invalid(_) => self.clone(),
            _ => Expr::invalid(Error::new(ErrorKind::Invalid, "different values are of an aggregate")),
        }
    }

    /// This aggregate of rows in an order, where that matters: `array_agg(x ORDER BY y)`.
    ///
    /// `Unsupported` from the verb on MySQL and MariaDB; for texts see [`func::join_texts`](super::func::join_texts).
    pub fn ordered_by(&self, columns: impl Selection) -> Expr {
        Expr::apply(Op::Ordered, std::iter::once(self.clone()).chain(exprs(columns)).collect())
    }

    /// This aggregate of sorted rows, such as [`func::percentile_cont`](super::func::percentile_cont); of PostgreSQL.
    ///
    /// `Unsupported` from the verb elsewhere.
    pub fn within_group(&self, order: impl Selection) -> Expr {
        Expr::apply(Op::WithinGroup, std::iter::once(self.clone()).chain(exprs(order)).collect())
    }

    /// This aggregate of the rows for which a condition holds.
    pub fn filter(&self, condition: impl Into<Expr>) -> Expr {
        Expr::apply(Op::Filter, vec![self.clone(), condition.into()])
    }
}
