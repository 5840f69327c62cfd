//! What GROUP BY takes beside expressions, and names of what is selected.

use std::sync::Arc;

use super::{Expr, Op};
use crate::stmt::{Selection, exprs};

/// Several groupings at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// By all, by all but the last, and so on to none.
    Rollup,
    /// By every choice of them.
    Cube,
    /// By so many, then by so many.
    Sets(Vec<usize>),
}

/// For `group_by`: groups by all of these, by all but the last, and so on, and all rows as one group. What a row is not
/// grouped by is NULL in it.
///
/// `Unsupported` on SQLite; on MySQL and MariaDB it stands alone, with nothing else to group by.
///
/// # Example
/// ```
/// use mirrorm::expr::rollup;
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let sales = db.table("sales", (column("year", Integer), column("n", Integer)))?;
/// let sums = select((sales.c("year"), func::sum(sales.c("n")))).group_by(rollup([sales.c("year")]));
/// assert!(matches!(sums.all(&db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn rollup(columns: impl Selection) -> Expr {
    Expr::apply(Op::Grouping(Grouping::Rollup), exprs(columns))
}

/// For `group_by`: groups by every choice of these, from all to none; of PostgreSQL.
pub fn cube(columns: impl Selection) -> Expr {
    Expr::apply(Op::Grouping(Grouping::Cube), exprs(columns))
}

/// For `group_by`: groups by each of these lists; of PostgreSQL.
pub fn grouping_sets<S: Selection>(sets: impl IntoIterator<Item = S>) -> Expr {
    let sets: Vec<Vec<Expr>> = sets.into_iter().map(exprs).collect();
    let sizes = sets.iter().map(Vec::len).collect();
    Expr::apply(Op::Grouping(Grouping::Sets(sizes)), sets.into_iter().flatten().collect())
}

/// What is selected under this name, for `order_by` and `group_by`: a label, or a column.
///
/// A name in a text does the same: `order_by("total")`. `NoSuchColumn` from the verb for a name that is not selected.
///
/// # Example
/// ```
/// use mirrorm::expr::named;
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let sales = db.table("sales", (column("part", Text), column("n", Integer)))?;
/// db.create_all()?;
/// insert(&sales).rows(["part", "n"], [("a", 1), ("b", 5), ("a", 2)]).run(&db)?;
/// let total = func::sum(sales.c("n")).label("total");
/// let best = select((sales.c("part"), total)).group_by("part").order_by(named("total").desc());
/// assert_eq!(best.first(&db)?.unwrap().get::<&str>("part")?, "b");
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn named(name: impl Into<Arc<str>>) -> Expr {
    Expr::apply(Op::Named(name.into()), Vec::new())
}
