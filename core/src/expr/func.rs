//! Functions of SQL: the aggregates, a few that everybody needs, and any other by name.

use std::sync::Arc;

use super::{Expr, Form, Node, Op, Sequence, raw};
use crate::stmt::{Selection, exprs};

/// Any function of the database by name.
///
/// The name is quoted like every identifier when it is not a plain word.
pub fn call<T: Into<Expr>>(name: impl Into<Arc<str>>, args: impl IntoIterator<Item = T>) -> Expr {
    let args = args.into_iter().map(Into::into).collect();
    Expr::apply(Op::Function { schema: None, name: name.into(), distinct: false }, args)
}

/// A function of a schema, such as one of your own.
pub fn call_in<T: Into<Expr>>(
    schema: impl Into<Arc<str>>,
    name: impl Into<Arc<str>>,
    args: impl IntoIterator<Item = T>,
) -> Expr {
    let args = args.into_iter().map(Into::into).collect();
    Expr::apply(Op::Function { schema: Some(schema.into()), name: name.into(), distinct: false }, args)
}

fn one(name: &str, arg: impl Into<Expr>) -> Expr {
    call(name, [arg.into()])
}

/// The number of rows: `count(*)`.
pub fn count_all() -> Expr {
    call("count", [Expr(Node::Star)])
}

/// The number of rows where the expression is not NULL.
pub fn count(expr: impl Into<Expr>) -> Expr {
    one("count", expr)
}

/// The number of different values that are not NULL.
pub fn count_distinct(expr: impl Into<Expr>) -> Expr {
    count(expr).distinct()
}

/// The sum; NULL over no rows.
pub fn sum(expr: impl Into<Expr>) -> Expr {
    one("sum", expr)
}

/// The mean; NULL over no rows.
pub fn avg(expr: impl Into<Expr>) -> Expr {
    one("avg", expr)
}

/// The smallest value.
pub fn min(expr: impl Into<Expr>) -> Expr {
    one("min", expr)
}

/// The largest value.
pub fn max(expr: impl Into<Expr>) -> Expr {
    one("max", expr)
}

/// The time of the database's clock, as the database gives it to defaults.
pub fn now() -> Expr {
    call("now", [] as [Expr; 0])
}

/// A number from 0 to 1 by chance, 1 not among them.
pub fn random() -> Expr {
    Expr::apply(Op::Form(Form::Random), Vec::new())
}

/// The next number of a sequence of the default schema; `Unsupported` where there are none (SQLite, MySQL).
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let error = select(func::next_value("numbers")).all(&db).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn next_value(sequence: impl Into<Arc<str>>) -> Expr {
    let sequence = Sequence { schema: None, name: sequence.into() };
    Expr::apply(Op::Form(Form::NextValue(sequence)), Vec::new())
}

/// The next number of a sequence of a schema.
pub fn next_value_in(schema: impl Into<Arc<str>>, sequence: impl Into<Arc<str>>) -> Expr {
    let sequence = Sequence { schema: Some(schema.into()), name: sequence.into() };
    Expr::apply(Op::Form(Form::NextValue(sequence)), Vec::new())
}

/// The date of the database's clock.
pub fn current_date() -> Expr {
    call("current_date", [] as [Expr; 0])
}

/// The texts of a group put together, NULL left out, with a text between each two; sorted by what `order` says, or in no
/// order.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let tags = db.table("tags", column("name", Text))?;
/// db.create_all()?;
/// insert(&tags).rows(["name"], [["b"], ["a"]]).run(&db)?;
/// let all: String = select(func::join_texts(tags.c("name"), ", ", [tags.c("name")])).scalar(&db)?;
/// assert_eq!(all, "a, b");
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn join_texts(text: impl Into<Expr>, between: &str, order: impl Selection) -> Expr {
    let items = [text.into(), between.into()].into_iter().chain(exprs(order)).collect();
    Expr::apply(Op::Form(Form::JoinTexts), items)
}

/// The value below which a share of the sorted rows lies, between two of them where that is so: for
/// [`Expr::within_group`].
pub fn percentile_cont(share: f64) -> Expr {
    one("percentile_cont", share)
}

/// The value of the row below which a share of the sorted rows lies: for [`Expr::within_group`].
pub fn percentile_disc(share: f64) -> Expr {
    one("percentile_disc", share)
}

/// The most frequent value: for [`Expr::within_group`].
pub fn mode() -> Expr {
    call("mode", [] as [Expr; 0])
}

/// A number to the power of another.
pub fn power(base: impl Into<Expr>, exponent: impl Into<Expr>) -> Expr {
    call("power", [base.into(), exponent.into()])
}

/// Text in lower case, as the database folds it.
pub fn lower(expr: impl Into<Expr>) -> Expr {
    one("lower", expr)
}

/// Text in upper case, as the database folds it.
pub fn upper(expr: impl Into<Expr>) -> Expr {
    one("upper", expr)
}

/// The number of characters.
pub fn char_length(expr: impl Into<Expr>) -> Expr {
    one("char_length", expr)
}

/// The first of the arguments that is not NULL.
pub fn coalesce<T: Into<Expr>>(args: impl IntoIterator<Item = T>) -> Expr {
    call("coalesce", args)
}

/// NULL where the two are equal, the first where not.
pub fn nullif(expr: impl Into<Expr>, other: impl Into<Expr>) -> Expr {
    call("nullif", [expr.into(), other.into()])
}

/// The number of the row in its window, from 1; like the next seven, for [`Expr::over`].
pub fn row_number() -> Expr {
    call("row_number", [] as [Expr; 0])
}

/// The place of the row in its window; equal rows share one, and the next is as far behind as they are many.
pub fn rank() -> Expr {
    call("rank", [] as [Expr; 0])
}

/// The place of the row in its window; equal rows share one, and the next is the next.
pub fn dense_rank() -> Expr {
    call("dense_rank", [] as [Expr; 0])
}

/// The rank from 0 to 1.
pub fn percent_rank() -> Expr {
    call("percent_rank", [] as [Expr; 0])
}

/// The share of the rows up to this one and its equals.
pub fn cume_dist() -> Expr {
    call("cume_dist", [] as [Expr; 0])
}

/// The number of the part, of so many equal ones, that the row is in.
pub fn ntile(parts: u32) -> Expr {
    call("ntile", [raw(parts.to_string())])
}

/// The value so many rows before; NULL where there is none.
pub fn lag(expr: impl Into<Expr>, rows: u32) -> Expr {
    call("lag", [expr.into(), raw(rows.to_string())])
}

/// The value so many rows after; NULL where there is none.
pub fn lead(expr: impl Into<Expr>, rows: u32) -> Expr {
    call("lead", [expr.into(), raw(rows.to_string())])
}

/// The value of the frame's first row.
pub fn first_value(expr: impl Into<Expr>) -> Expr {
    one("first_value", expr)
}

/// The value of the frame's last row.
pub fn last_value(expr: impl Into<Expr>) -> Expr {
    one("last_value", expr)
}

/// The value of the frame's n-th row, from 1; NULL where there is none.
pub fn nth_value(expr: impl Into<Expr>, n: u32) -> Expr {
    call("nth_value", [expr.into(), raw(n.to_string())])
}
