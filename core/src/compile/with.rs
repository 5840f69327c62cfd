//! SELECTs as tables: in the FROM, and named before the SELECT that uses them (WITH).
//!
//! The outermost SELECT names all that stand anywhere in it, each once and after those it is made of, so that
//! parameters come in the order of the text. Called by `select`.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Compiler, adapt};
use crate::dialect::{BindUse, RowsToUpdate, TableFunctions};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Op, Origin, Source};
use crate::schema::{ColumnDef, Name, Table, TableDef};
use crate::stmt::{Part, Select};
use crate::types::Type;
use crate::value::Value;

impl Compiler<'_> {
    /// Writes WITH for what stands anywhere in the outermost SELECT, and then the SELECT.
    pub(super) fn after_names<T>(
        &mut self,
        select: &Select,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if std::mem::replace(&mut self.selecting, true) {
            return body(self);
        }
        let written = self.with_clause(select).and_then(|()| body(self));
        self.names.clear();
        self.selecting = false;
        written
    }

    fn with_clause(&mut self, select: &Select) -> Result<()> {
        let mut wanted = Wanted::default();
        wanted.select(select);
        if wanted.sources.is_empty() {
            return Ok(());
        }
        self.reserve(&wanted.sources)?;
        let again = |source: &&Source| matches!(source.origin, Origin::Cte { recursive: true, .. });
        self.push(if wanted.sources.iter().any(again) { "WITH RECURSIVE " } else { "WITH " });
        self.list(&wanted.sources, |c, source| c.named(source))?;
        self.push(" ");
        Ok(())
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

    fn named(&mut self, source: &Source) -> Result<()> {
        if let (Some(alias), Some(select)) = (&source.alias, source.origin.select()) {
            self.name(&Name::from(alias.clone()));
            self.push(" AS ");
            self.open.push(alias.clone());
            let written = self.alone(select);
            self.open.pop();
            written?;
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

    /// A SELECT in the FROM that sees the tables before it.
    pub(super) fn lateral(&mut self, select: &Select, alias: &Arc<str>) -> Result<()> {
        if !self.target.features.lateral {
            return Err(self.target.unsupported("LATERAL"));
        }
        self.push("LATERAL ");
        self.parens(|c| c.subselect(select))?;
        self.push(" AS ");
        self.name(&Name::from(alias.clone()));
        Ok(())
    }

    /// A function that gives rows, and what its columns are called where that can be said.
    pub(super) fn table_function(&mut self, call: &Expr, source: &Source, alias: &Arc<str>) -> Result<()> {
        let form = self.target.grammar.table_functions();
        if form == TableFunctions::None {
            return Err(self.target.unsupported("functions that give rows"));
        }
        self.expr(call)?;
        self.push(" AS ");
        self.name(&Name::from(alias.clone()));
        if form == TableFunctions::Renamed {
            let def = source.table.def();
            self.push(" ");
            self.parens(|c| {
                c.list(def.columns(), |c, column| {
                    c.name(column.name());
                    Ok(())
                })
            })?;
        }
        Ok(())
    }

    /// Rows of values: the first names the columns, in a SELECT.
    pub(super) fn rows(&mut self, table: &Table, cells: &[Expr]) -> Result<()> {
        let def = table.def();
        let columns: Vec<&ColumnDef> = def.columns().collect();
        let none = cells.is_empty();
        for (cell, column) in cells.iter().zip(columns.iter().cycle()) {
            self.fits(cell, column)?;
        }
        let nulls: Vec<Expr> =
            columns.iter().map(|c| Expr::from(Value::Null).typed(c.ty().clone())).collect();
        let mut rows = if none { nulls.chunks(columns.len()) } else { cells.chunks(columns.len()) };
        let first = rows.next().unwrap_or_default();
        self.push("SELECT ");
        self.list(first.iter().zip(&columns), |c, (cell, column)| {
            c.expr(cell)?;
            c.push(" AS ");
            c.name(column.name());
            Ok(())
        })?;
        if none {
            self.push(" WHERE 0 = 1");
        }
        let selects = self.target.grammar.rows_to_update() == Some(RowsToUpdate::JoinSelects);
        for (at, row) in rows.enumerate() {
            self.push(match (selects, at) {
                (true, _) => " UNION ALL SELECT ",
                (false, 0) => " UNION ALL VALUES (",
                (false, _) => ", (",
            });
            self.list(row, |c, cell| c.expr(cell))?;
            self.push(if selects { "" } else { ")" });
        }
        Ok(())
    }

    /// Refuses a value that its column would not keep, as an INSERT would.
    fn fits(&self, cell: &Expr, column: &ColumnDef) -> Result<()> {
        let Node::Apply(Op::Typed(ty), kids) = &cell.0 else { return Ok(()) };
        match kids.items.first().map(|value| &value.0) {
            Some(Node::Bind(value)) if !matches!(ty, Type::Custom(_)) => {
                let place = || format!("column `{}`", column.key());
                adapt(self.target, value.clone(), Some(ty), BindUse::Store)
                    .map(drop)
                    .map_err(|e| e.at(place()))
            }
            _ => Ok(()),
        }
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
        select.each_part(&mut |part| match part {
            Part::Member(member) => self.select(member),
            Part::Source(source) => self.source(source),
            Part::Expr(expr) => self.expr(expr),
        });
    }

    fn source(&mut self, source: &'s Source) {
        if let Origin::Function(call) = &source.origin {
            self.expr(call);
        }
        if let Some(inner) = source.origin.select().filter(|inner| self.seen.insert(Arc::as_ptr(inner))) {
            self.select(inner);
            if matches!(source.origin, Origin::Cte { .. }) {
                self.sources.push(source);
            }
        }
    }

    fn expr(&mut self, expr: &'s Expr) {
        match &expr.0 {
            Node::Apply(_, kids) => kids.items.iter().for_each(|kid| self.expr(kid)),
            Node::Subquery(select) if self.seen.insert(Arc::as_ptr(select)) => self.select(select),
            _ => {}
        }
    }
}
