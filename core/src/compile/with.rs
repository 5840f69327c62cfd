//! SELECTs as tables: in the FROM, and named before the SELECT that uses them (WITH).
//!
//! Each SELECT names those that stand in its own FROM and are not named around it, so that parameters come in the
//! order of the text. Called by `select`.

use std::sync::Arc;

use super::Compiler;
use crate::error::Result;
use crate::expr::{Origin, Source};
use crate::schema::Name;
use crate::stmt::Select;

impl Compiler<'_> {
    /// Writes WITH for what a SELECT, or a member of it, has in its FROM, and then the SELECT.
    pub(super) fn after_names<T>(
        &mut self,
        select: &Select,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.named.len();
        let mut wanted = Vec::new();
        gather(select, &mut wanted);
        wanted.retain(|source| !self.is_named(source));
        if !wanted.is_empty() {
            let again = |source: &&Source| matches!(source.origin, Origin::Cte { recursive: true, .. });
            self.push(if wanted.iter().any(again) { "WITH RECURSIVE " } else { "WITH " });
            self.list(&wanted, |c, source| c.named(source))?;
            self.push(" ");
        }
        let written = body(self);
        self.named.truncate(before);
        written
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

/// The sources that have to be named, each once.
fn gather<'s>(select: &'s Select, wanted: &mut Vec<&'s Source>) {
    for source in select.sources().filter(|source| matches!(source.origin, Origin::Cte { .. })) {
        if !wanted.iter().any(|other| other.origin == source.origin) {
            wanted.push(source);
        }
    }
    for member in select.compound.iter().flat_map(|compound| &compound.members) {
        gather(member, wanted);
    }
}
