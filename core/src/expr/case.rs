//! CASE: one value or another, by conditions or by what an expression is.

use super::{Expr, Op};
use crate::error::{Error, ErrorKind};

/// A CASE of conditions: the value of the first that holds.
///
/// Without [`Case::otherwise`] it is NULL where none holds.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let people = db.table("people", (column("id", Integer).primary_key(), column("age", Integer)))?;
/// db.create_all()?;
/// insert(&people).rows(["id", "age"], [[1, 9], [2, 40]]).run(&db)?;
/// let age = people.c("age");
/// let group = case().when(age.lt(18), "young").otherwise("grown").label("group");
/// let groups: Vec<String> = select(group).order_by(people.c("id")).scalars(&db)?;
/// assert_eq!(groups, ["young", "grown"]);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn case() -> Case {
    Case { of: None, branches: Vec::new() }
}

/// A CASE of values: that of the first which the expression equals.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let word = case_of(2).when(1, "one").when(2, "two").otherwise("many");
/// assert_eq!(select(word).scalar::<String>(&db)?, "two");
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn case_of(expr: impl Into<Expr>) -> Case {
    Case { of: Some(expr.into()), branches: Vec::new() }
}

/// A CASE being built: branches, then [`Case::otherwise`], or as it is.
#[derive(Clone, Debug)]
#[must_use = "a CASE does nothing until a statement uses it"]
pub struct Case {
    of: Option<Expr>,
    branches: Vec<Expr>,
}

impl Case {
    /// A condition, or with [`case_of`] a value to equal, and the value then.
    pub fn when(mut self, condition: impl Into<Expr>, value: impl Into<Expr>) -> Case {
        self.branches.extend([condition.into(), value.into()]);
        self
    }

    /// The value where nothing before holds.
    pub fn otherwise(self, value: impl Into<Expr>) -> Expr {
        self.finish(Some(value.into()))
    }

    fn finish(self, last: Option<Expr>) -> Expr {
        if self.branches.is_empty() {
            return Expr::invalid(Error::new(ErrorKind::Invalid, "a CASE without a `when`"));
        }
        let op = Op::Case { simple: self.of.is_some(), otherwise: last.is_some() };
        Expr::apply(op, self.of.into_iter().chain(self.branches).chain(last).collect())
    }
}

/// The operands of a CASE: what is compared, conditions and values in turn, and what holds otherwise.
pub(crate) fn parts(items: &[Expr], simple: bool, otherwise: bool) -> (&[Expr], &[Expr], &[Expr]) {
    let (of, rest) = items.split_at(usize::from(simple).min(items.len()));
    let (branches, last) = rest.split_at(rest.len() - usize::from(otherwise).min(rest.len()));
    (of, branches, last)
}

impl From<Case> for Expr {
    fn from(case: Case) -> Expr {
        case.finish(None)
    }
}
