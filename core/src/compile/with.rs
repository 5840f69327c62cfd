//! SELECTs as tables: in the FROM, and named before the SELECT that uses them (WITH).
//!
//! The outermost SELECT names all that stand anywhere in it, each once and after those it is made of, so that
//! parameters come in the order of the text. Called by `select`.

use std::collections::HashSet;
use std::sync::Arc;

use super::Compiler;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Origin, Source};
use crate::schema::{Name, TableDef};
use crate::stmt::Select;
use crate::stmt::selection::Item;

impl Compiler<'_> {
    /// Writes WITH for what stands anywhere in a SELECT and is not named around it, and then the SELECT.
    pub(super) fn after_names<T>(
        &mut self,
        select: &Select,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = (self.named.len(), self.names.len());
        let mut wanted = Wanted::default();
        wanted.select(select);
        wanted.sources.retain(|source| !self.is_named(source));
        if !wanted.sources.is_empty() {
            self.reserve(&wanted.sources)?;
            let again = |source: &&Source| matches!(source.origin, Origin::Cte { recursive: true, .. });
            self.push(if wanted.sources.iter().any(again) { "WITH RECURSIVE " } else { "WITH " });
            self.list(&wanted.sources, |c, source| c.named(source))?;
            self.push(" ");
        }
        let written = body(self);
        self.named.truncate(before.0);
        self.names.truncate(before.1);
        written
    }

    /// Takes the names; each means one thing in the whole statement.
    fn reserve(&mut self, sources: &[&Source]) -> Result<()> {
        for name in sources.iter().filter_map(|source| source.alias.as_ref()) {
            if self.is_name(name) {
                let message = format!("two SELECTs are named `{name}` in one statement");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            self.names.push(name.clone());
        }
        Ok(())
    }

    /// Whether a name stands for a SELECT, in capitals or small letters.
    fn is_name(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Refuses a table whose name means a SELECT in this statement.
    pub(super) fn check_hidden(&self, source: &Source, def: &TableDef) -> Result<()> {
        if source.origin != Origin::Table || def.schema.is_some() || !self.is_name(def.name.as_str()) {
            return Ok(());
        }
        let message =
            format!("`{}` means a SELECT that is named so in this statement: name it otherwise", def.name);
        Err(Error::new(ErrorKind::Invalid, message))
    }

    fn is_named(&self, source: &Source) -> bool {
        source.origin.select().is_some_and(|select| self.named.iter().any(|known| Arc::ptr_eq(known, select)))
    }

    fn named(&mut self, source: &Source) -> Result<()> {
        if let (Some(alias), Some(select)) = (&source.alias, source.origin.select()) {
            self.name(&Name::from(alias.clone()));
            self.push(" AS ");
            self.alone(select)?;
            self.named.push(select.clone());
        }
        Ok(())
    }

    /// A SELECT in the FROM.
    pub(super) fn derived(&mut self, select: &Select, alias: &Arc<str>) -> Result<()> {
        self.alone(select)?;
        self.push(" AS ");
        self.name(&Name::from(alias.clone()));
        Ok(())
    }

    /// A SELECT in parentheses that sees nothing of what stands around it.
    fn alone(&mut self, select: &Select) -> Result<()> {
        let around = std::mem::take(&mut self.scopes);
        let written = self.parens(|c| c.subselect(select));
        self.scopes = around;
        written
    }
}

/// The SELECTs that have names and stand anywhere in a statement, each once and after those that stand in it.
#[derive(Default)]
struct Wanted<'s> {
    sources: Vec<&'s Source>,
    seen: HashSet<*const Select>,
}

impl<'s> Wanted<'s> {
    fn select(&mut self, select: &'s Select) {
        for source in select.sources() {
            let Some(inner) = source.origin.select().filter(|inner| self.seen.insert(Arc::as_ptr(inner)))
            else {
                continue;
            };
            self.select(inner);
            if matches!(source.origin, Origin::Cte { .. }) {
                self.sources.push(source);
            }
        }
        let clauses = [&select.filters, &select.group_by, &select.having, &select.order_by];
        clauses.into_iter().flatten().for_each(|expr| self.expr(expr));
        select.joins.iter().filter_map(|join| join.on.as_ref()).for_each(|on| self.expr(on));
        select.items.iter().for_each(|item| {
            if let Item::Expr(expr) = item {
                self.expr(expr);
            }
        });
        let members = select.compound.iter().flat_map(|compound| &compound.members);
        members.for_each(|member| self.select(member));
    }

    fn expr(&mut self, expr: &'s Expr) {
        match &expr.0 {
            Node::Apply(_, kids) => kids.items.iter().for_each(|kid| self.expr(kid)),
            Node::Subquery(select) if self.seen.insert(Arc::as_ptr(select)) => self.select(select),
            _ => {}
        }
    }
}
