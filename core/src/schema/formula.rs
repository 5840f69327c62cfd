//! An expression kept in a definition, comparable.

use std::fmt;

use crate::expr::Expr;

/// An expression that is part of a table's definition: a check, a default, an index element.
///
/// [`Expr`] itself has no `==`, so that `t.c("x") == 5` cannot be mistaken for a condition. Here
/// two are equal when they have the same structure.
#[derive(Clone)]
pub struct Formula(Expr);

impl Formula {
    /// The expression.
    pub fn expr(&self) -> &Expr {
        &self.0
    }
}

impl<T: Into<Expr>> From<T> for Formula {
    fn from(expr: T) -> Formula {
        Formula(expr.into())
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Formula) -> bool {
        format!("{:?}", self.0) == format!("{:?}", other.0)
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
