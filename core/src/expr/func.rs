//! Functions of SQL: the aggregates, a few that everybody needs, and any other by name.

use std::sync::Arc;

use super::{Expr, Node, Op};

/// Any function of the database by name.
///
/// The name is quoted like every identifier when it is not a plain word.
pub fn call<T: Into<Expr>>(name: impl Into<Arc<str>>, args: impl IntoIterator<Item = T>) -> Expr {
    let args = args.into_iter().map(Into::into).collect();
    Expr::apply(Op::Function { name: name.into(), distinct: false }, args)
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
    Expr::apply(Op::Function { name: "count".into(), distinct: true }, vec![expr.into()])
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
