//! UNION, INTERSECT and EXCEPT of SELECTs: a SELECT whose rows come from others.

use super::Select;
use crate::error::{Error, ErrorKind};
use crate::expr::{Expr, MAX_DEPTH};

/// How the rows of SELECTs are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetOp {
    Union,
    UnionAll,
    Intersect,
    IntersectAll,
    Except,
    ExceptAll,
}

/// SELECTs put together in one way, from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Compound {
    pub(crate) op: SetOp,
    pub(crate) members: Vec<Select>,
    /// How deep its members nest.
    pub(crate) depth: u16,
}

impl SetOp {
    pub(crate) fn as_sql(self) -> &'static str {
        match self {
            SetOp::Union => "UNION",
            SetOp::UnionAll => "UNION ALL",
            SetOp::Intersect => "INTERSECT",
            SetOp::IntersectAll => "INTERSECT ALL",
            SetOp::Except => "EXCEPT",
            SetOp::ExceptAll => "EXCEPT ALL",
        }
    }
}

impl Select {
    /// The rows of either, equal ones once.
    ///
    /// The columns are those of the first, by name and type. What is said after it (`order_by`, `limit`, `offset`)
    /// is of the whole; members keep their own. It is sorted by its columns: those of the first SELECT, or their
    /// labels. Its rows cannot be filtered or joined any more.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let n = |n: i64| select(Expr::from(n).label("n"));
    /// let all = n(1).union(n(2)).union(n(1)).order_by(raw("n").desc());
    /// assert_eq!(all.scalars::<i64>(&db)?, [2, 1]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn union(self, other: Select) -> Select {
        self.put_together(SetOp::Union, other)
    }

    /// The rows of either, all of them; as [`Select::union`].
    pub fn union_all(self, other: Select) -> Select {
        self.put_together(SetOp::UnionAll, other)
    }

    /// The rows of both, equal ones once; as [`Select::union`].
    pub fn intersect(self, other: Select) -> Select {
        self.put_together(SetOp::Intersect, other)
    }

    /// The rows of both, as often as both have them; as [`Select::union`].
    pub fn intersect_all(self, other: Select) -> Select {
        self.put_together(SetOp::IntersectAll, other)
    }

    /// The rows of this one that the other has not, equal ones once; as [`Select::union`].
    pub fn except(self, other: Select) -> Select {
        self.put_together(SetOp::Except, other)
    }

    /// The rows of this one without as many as the other has; as [`Select::union`].
    pub fn except_all(self, other: Select) -> Select {
        self.put_together(SetOp::ExceptAll, other)
    }

    /// Whether it, or a SELECT it is put together of, has a limit or an offset.
    pub(crate) fn has_limits(&self) -> bool {
        let members = self.compound.iter().flat_map(|compound| &compound.members);
        self.is_limited() || members.into_iter().any(Select::has_limits)
    }

    fn put_together(mut self, op: SetOp, other: Select) -> Select {
        let goes_on = self.order_by.is_empty() && !self.is_limited() && self.words.is_empty();
        let depth = self.depth().max(other.depth()) + 1;
        if depth > MAX_DEPTH {
            let message = format!("SELECTs nest deeper than {MAX_DEPTH} levels");
            return self.order_by(Expr::invalid(Error::new(ErrorKind::TooLarge, message)));
        }
        match &mut self.compound {
            Some(compound) if compound.op == op && goes_on => {
                compound.depth = compound.depth.max(other.depth() + 1);
                compound.members.push(other);
                self
            }
            _ => Select {
                compound: Some(Box::new(Compound { op, members: vec![self, other], depth })),
                ..Select::default()
            },
        }
    }
}
