//! Expressions over a table as expressions over an alias of it: for conditions that are said of a table and hold of rows
//! that a statement reads under another name.
//!
//! Called by the session, where it joins what relationships lead to.

use std::sync::Arc;

use super::{ColumnRef, Expr, Kids, Node, Origin, Source};
use crate::schema::Alias;
use crate::stmt::{Joinable, Select};

impl Expr {
    /// The same, with the columns of the alias in the place of those of its table; also in SELECTs in it that do not read
    /// the table themselves.
    #[doc(hidden)]
    pub fn under(&self, alias: &Alias) -> Expr {
        Moved { from: Source::of(alias.table()), to: alias.source() }.expr(self)
    }
}

/// One table in the place of another.
struct Moved {
    from: Source,
    to: Source,
}

impl Moved {
    // A tree is no deeper than `MAX_DEPTH`.
    fn expr(&self, expr: &Expr) -> Expr {
        match &expr.0 {
            Node::Column(column) if column.source == self.from => {
                Expr::column(ColumnRef { source: self.to.clone(), id: column.id })
            }
            Node::Apply(op, kids) => {
                let items = kids.items.iter().map(|kid| self.expr(kid)).collect();
                Expr(Node::Apply(op.clone(), Arc::new(Kids { depth: kids.depth, items })))
            }
            Node::Subquery(select) => Expr(Node::Subquery(Arc::new(self.select(select)))),
            _ => expr.clone(),
        }
    }

    fn select(&self, select: &Select) -> Select {
        let mut select = select.clone();
        if select.sources().all(|source| *source != self.from) {
            select.each_expr_mut(&mut |expr| *expr = self.expr(expr));
            select.each_source_mut(&mut |source| match &mut source.origin {
                Origin::Lateral(inner) => *inner = Arc::new(self.select(inner)),
                Origin::Function(call) => *call = Arc::new(self.expr(call)),
                // These see nothing of the statement around them.
                Origin::Table | Origin::Subquery(_) | Origin::Cte { .. } | Origin::Itself => {}
            });
            select.members_mut().for_each(|member| *member = self.select(member));
        }
        select
    }
}
