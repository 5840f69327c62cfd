//! Which tables a statement names, everywhere in it: how a `Db` of several databases knows where to
//! send it.

use std::collections::HashSet;
use std::sync::Arc;

use super::insert::InsertBody;
use super::{Ddl, Delete, Insert, Part, Select, Update};
use crate::expr::{Expr, Node, Origin, Source};
use crate::schema::Table;

/// What names tables.
#[doc(hidden)]
pub trait Tables {
    /// Lends every table it names, in no order, some perhaps several times.
    fn each(&self, visit: &mut dyn FnMut(&Table));

    /// Whether it defines tables: then it goes where they are, whoever decides otherwise.
    fn is_definition(&self) -> bool {
        false
    }
}

impl std::fmt::Debug for dyn Tables + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut list = f.debug_list();
        self.each(&mut |table| {
            list.entry(table);
        });
        list.finish()
    }
}

impl Tables for Vec<Table> {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        self.iter().for_each(visit);
    }

    fn is_definition(&self) -> bool {
        true
    }
}

/// Walks through what a statement is made of; what stands in several places of it is walked once.
struct Walk<'v> {
    seen: HashSet<*const Select>,
    visit: &'v mut dyn FnMut(&Table),
}

impl Walk<'_> {
    // A tree is no deeper than `MAX_DEPTH`.
    fn expr(&mut self, expr: &Expr) {
        match &expr.0 {
            Node::Column(column) if column.source.origin == Origin::Table => {
                (self.visit)(&column.source.table)
            }
            Node::Apply(_, kids) => kids.items.iter().for_each(|kid| self.expr(kid)),
            Node::Subquery(select) if self.seen.insert(Arc::as_ptr(select)) => self.select(select),
            _ => {}
        }
    }

    fn source(&mut self, source: &Source) {
        if let Origin::Function(call) = &source.origin {
            self.expr(call);
        }
        match source.origin.select() {
            Some(select) if self.seen.insert(Arc::as_ptr(select)) => self.select(select),
            None if source.origin == Origin::Table => (self.visit)(&source.table),
            _ => {}
        }
    }

    fn select(&mut self, select: &Select) {
        select.each_part(&mut |part| match part {
            Part::Member(member) => self.select(member),
            Part::Source(source) => self.source(source),
            Part::Expr(expr) => self.expr(expr),
        });
    }
}

impl Tables for Expr {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        Walk { seen: HashSet::new(), visit }.expr(self);
    }
}

impl Tables for Select {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        Walk { seen: HashSet::new(), visit }.select(self);
    }
}

impl Tables for Insert {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        visit(&self.table);
        match &self.body {
            InsertBody::One(values) => values.iter().for_each(|(_, value)| value.each(visit)),
            InsertBody::Select { select, .. } => select.each(visit),
            InsertBody::Many { .. } | InsertBody::Invalid(_) => {}
        }
        self.conflict.iter().for_each(|conflict| conflict.each_expr(&mut |expr| expr.each(visit)));
        self.returning.iter().for_each(|expr| expr.each(visit));
    }
}

impl Tables for Update {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        visit(&self.table);
        self.tables.iter().for_each(|source| Walk { seen: HashSet::new(), visit }.source(source));
        let values = self.set.iter().map(|(_, value)| value);
        values
            .chain(&self.filters)
            .chain(&self.order_by)
            .chain(&self.returning)
            .for_each(|expr| expr.each(visit));
    }
}

impl Tables for Delete {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        visit(&self.table);
        self.tables.iter().for_each(|source| Walk { seen: HashSet::new(), visit }.source(source));
        self.filters.iter().chain(&self.order_by).chain(&self.returning).for_each(|expr| expr.each(visit));
    }
}

impl Tables for Ddl {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        match self {
            Ddl::CreateTable { table, .. }
            | Ddl::DropTable { table, .. }
            | Ddl::CreateIndex { table, .. }
            | Ddl::AddForeignKey { table, .. }
            | Ddl::AddCheck { table, .. }
            | Ddl::CreateView { table }
            | Ddl::Comment { table, .. }
            | Ddl::DropForeignKey { table, .. } => visit(table),
            Ddl::CreateSchema { .. }
            | Ddl::CreateEnum { .. }
            | Ddl::CreateDomain { .. }
            | Ddl::CreateSequence { .. }
            | Ddl::OwnSequence { .. } => {}
        }
    }

    fn is_definition(&self) -> bool {
        true
    }
}
