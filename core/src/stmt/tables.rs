//! Which tables a statement names, everywhere in it: how a `Db` of several databases knows where to
//! send it.

use super::insert::InsertBody;
use super::selection::Item;
use super::{Ddl, Delete, Insert, Select, Update};
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

impl Tables for Expr {
    // A tree is no deeper than `MAX_DEPTH`.
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        match &self.0 {
            Node::Column(column) if column.source.origin == Origin::Table => visit(&column.source.table),
            Node::Apply(_, kids) => kids.items.iter().for_each(|kid| kid.each(visit)),
            Node::Subquery(select) => select.each(visit),
            _ => {}
        }
    }
}

/// The tables behind what stands in a FROM.
fn each_of(source: &Source, visit: &mut dyn FnMut(&Table)) {
    match &source.origin {
        Origin::Table => visit(&source.table),
        Origin::Subquery(select) | Origin::Cte { select, .. } => select.each(visit),
        Origin::Itself => {}
    }
}

impl Tables for Select {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        self.compound.iter().flat_map(|compound| &compound.members).for_each(|member| member.each(visit));
        self.sources().for_each(|source| each_of(source, visit));
        for join in &self.joins {
            join.on.iter().for_each(|on| on.each(visit));
        }
        for item in &self.items {
            match item {
                Item::Table(source) => each_of(source, visit),
                Item::Expr(expr) => expr.each(visit),
            }
        }
        let clauses = [&self.filters, &self.group_by, &self.having, &self.order_by];
        clauses.into_iter().flatten().for_each(|expr| expr.each(visit));
    }
}

impl Tables for Insert {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        visit(&self.table);
        if let InsertBody::One(values) = &self.body {
            values.iter().for_each(|(_, value)| value.each(visit));
        }
        self.returning.iter().for_each(|expr| expr.each(visit));
    }
}

impl Tables for Update {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        visit(&self.table);
        self.set.iter().for_each(|(_, value)| value.each(visit));
        self.filters.iter().for_each(|expr| expr.each(visit));
    }
}

impl Tables for Delete {
    fn each(&self, visit: &mut dyn FnMut(&Table)) {
        visit(&self.table);
        self.filters.iter().for_each(|expr| expr.each(visit));
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
