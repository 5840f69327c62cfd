//! INSERT, UPDATE and DELETE into SQL.

use std::sync::Arc;

use super::bulk::BulkInsert;
use super::select::check_names;
use super::{Compiled, Compiler, Known, Target, adapt};
use crate::dialect::{BindUse, MoreTables, Returning, Upserts};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{ColumnRef, Expr, Node, Op, Origin, Source, case_parts};
use crate::rows::Columns;
use crate::schema::{ClientDefault, ColumnDef, ColumnId, Table, TableDef, Version};
use crate::stmt::insert::InsertBody;
use crate::stmt::selection::Item;
use crate::stmt::{Delete, Insert, Operation, Part, Select, Tables, Update, select};
use crate::types::Type;

/// Compiles an INSERT.
pub(super) fn compile_insert(insert: &Insert, target: &Target) -> Result<Compiled> {
    match &insert.body {
        InsertBody::One(row) => one_row(insert, row, target),
        InsertBody::Many { .. } => BulkInsert::plan(insert, target)?.compile_all(insert, target),
        InsertBody::Select { columns, select } => rows_of(insert, columns, select, target),
        InsertBody::Invalid(mistake) => Err(mistake.clone()),
    }
}

fn one_row(insert: &Insert, row: &[(Arc<str>, Expr)], target: &Target) -> Result<Compiled> {
    let def = insert.table.def();
    let filled = with_defaults(&def, row, |column| Some(column.client_default()?.produce().into()))?;
    let mut c = Compiler::new(target, false);
    let known = c.known(&Source::of(&insert.table))?;
    c.within(vec![known], |c| {
        c.insert_into(&def, filled.iter().map(|(column, _)| *column))?;
        if !filled.is_empty() {
            c.parens(|c| c.list(&filled, |c, (column, value)| c.stored(&def, column, value)))?;
        }
        if let Some(conflict) = &insert.conflict {
            let written: Vec<&ColumnDef> = filled.iter().map(|(column, _)| *column).collect();
            let given = |column: &ColumnDef| row.iter().any(|(name, _)| *name == column.key);
            let rows = Written { columns: &written, given: &given, have_names: true };
            c.on_conflict((&insert.table, &def), conflict, rows)?;
            refuse_left_out(insert, target)?;
        }
        c.returning(&insert.returning, Operation::Insert)
    })
    .and_then(|columns| c.finish(columns))
}

/// An INSERT of the rows of a SELECT, defaults of the program beside them.
fn rows_of(insert: &Insert, columns: &[Arc<str>], rows: &Select, target: &Target) -> Result<Compiled> {
    let def = insert.table.def();
    let mut written = Vec::with_capacity(columns.len());
    for name in columns {
        let column = def.column(name)?;
        writable(&def, column)?;
        if written.iter().any(|other: &&ColumnDef| other.id == column.id) {
            return Err(twice(&def, column));
        }
        written.push(column);
    }
    let mut rows = with_default_columns(&def, &mut written, rows, target)?;
    let mut c = Compiler::new(target, false);
    c.insert_columns(&def, written.iter().copied())?;
    // A SELECT of the very table would make what is set ambiguous to others.
    let mut reads_itself = false;
    rows.each(&mut |table| reads_itself |= *table == insert.table);
    let called_so = |source: &Source| source.alias.as_deref() == Some(def.name.as_str());
    reads_itself |= rows.sources().any(called_so);
    let wrapped = insert.conflict.is_some() && (reads_itself || target.grammar.conflict_after_where());
    if wrapped {
        // Two columns of one name would be an error there.
        rows = rows.for_counting();
        c.push("SELECT * FROM (");
    }
    let given = c.select(&rows)?;
    c.push(if wrapped { ") AS given WHERE 1 = 1" } else { "" });
    if given.len() != written.len() {
        let own = given.len() + columns.len() - written.len();
        let message = format!("{} columns, and a SELECT of {own}", columns.len());
        return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
    }
    let known = c.known(&Source::of(&insert.table))?;
    c.within(vec![known], |c| {
        if let Some(conflict) = &insert.conflict {
            let given = |column: &ColumnDef| columns.contains(&column.key);
            let rows = Written { columns: &written, given: &given, have_names: false };
            c.on_conflict((&insert.table, &def), conflict, rows)?;
            refuse_left_out(insert, target)?;
        }
        c.returning(&insert.returning, Operation::Insert)
    })
    .and_then(|columns| c.finish(columns))
}

/// The SELECT with a column more for each default that the program supplies.
fn with_default_columns<'d>(
    def: &'d TableDef,
    written: &mut Vec<&'d ColumnDef>,
    rows: &Select,
    target: &Target,
) -> Result<Select> {
    let mut more = Vec::new();
    for column in def.columns().filter(|column| !written.iter().any(|own| own.id == column.id)) {
        match column.client_default() {
            None => continue,
            Some(ClientDefault::Value(value)) => {
                let ty = &column.column.ty;
                // It has to fit as in an INSERT of one row; the hooks of a custom type run when it is sent.
                if !matches!(ty, Type::Custom(_)) {
                    adapt(target, value.clone(), Some(ty), BindUse::Store)
                        .map_err(|e| placed(e, def, column))?;
                }
                more.push((column, Expr::from(value.clone()).typed(ty.clone())));
            }
            Some(ClientDefault::Function(_)) => {
                let message = format!("{} has a default for each row: select it", place(def, column));
                return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
            }
        }
    }
    if more.is_empty() {
        return Ok(rows.clone());
    }
    let alone = rows.compound.is_none()
        && rows.text.is_none()
        && !rows.distinct
        && rows.distinct_on.is_empty()
        && rows.group_by.is_empty();
    let rows = if alone { rows.clone() } else { select(&rows.clone().subquery("given")?) };
    let (columns, values): (Vec<_>, Vec<_>) = more.into_iter().unzip();
    written.extend(columns);
    Ok(rows.add_columns(values))
}

/// Compiles an UPDATE.
pub(super) fn compile_update(update: &Update, target: &Target) -> Result<Compiled> {
    let def = update.table.def();
    if update.set.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "an UPDATE that sets nothing"));
    }
    let filled = with_defaults(&def, &update.set, |column| on_update(&update.table, column))?;
    let listed = !update.tables.is_empty() && target.grammar.more_tables() == MoreTables::Listed;
    let filled = in_their_order(&update.table, filled, target, listed)?;
    let mut c = Compiler::new(target, false);
    let known = c.all_known(&update.table, &update.tables)?;
    c.within(known, |c| {
        c.push("UPDATE ");
        c.table_name(&def);
        if listed {
            c.more_tables(", ", &update.tables)?;
        }
        c.push(" SET ");
        c.list(&filled, |c, (column, value)| {
            if listed {
                c.table_name(&def);
                c.push(".");
            }
            c.assignment(&def, column, value)
        })?;
        if !listed {
            c.more_tables(" FROM ", &update.tables)?;
        }
        c.check_beside(&Source::of(&update.table), &update.tables, &update.filters);
        c.some_rows(&update.filters, update.all, "UPDATE", &def)?;
        c.some_of_them(&update.order_by, update.limit, !update.tables.is_empty())?;
        c.returning_beside(&update.table, &update.tables, &update.returning, Operation::Update)
    })
    .and_then(|columns| c.finish(columns))
}

/// Compiles a DELETE.
pub(super) fn compile_delete(delete: &Delete, target: &Target) -> Result<Compiled> {
    let def = delete.table.def();
    let mut c = Compiler::new(target, false);
    let known = c.all_known(&delete.table, &delete.tables)?;
    c.within(known, |c| {
        c.push("DELETE FROM ");
        c.table_name(&def);
        let form = target.grammar.more_tables();
        let looks = form == MoreTables::FromOnly && !delete.tables.is_empty();
        if looks {
            c.push(" WHERE EXISTS (SELECT 1");
            c.more_tables(" FROM ", &delete.tables)?;
        } else if form == MoreTables::Listed && !delete.tables.is_empty() {
            c.push(" USING ");
            c.table_name(&def);
            c.more_tables(", ", &delete.tables)?;
        } else {
            c.more_tables(" USING ", &delete.tables)?;
        }
        c.check_beside(&Source::of(&delete.table), &delete.tables, &delete.filters);
        c.some_rows(&delete.filters, delete.all, "DELETE", &def)?;
        c.some_of_them(&delete.order_by, delete.limit, !delete.tables.is_empty())?;
        c.push(if looks { ")" } else { "" });
        c.returning_beside(&delete.table, &delete.tables, &delete.returning, Operation::Delete)
    })
    .and_then(|columns| c.finish(columns))
}

/// What is set, in such an order that nothing reads what was set before it, where that would be the new value.
/// With several tables such a database keeps to no order.
pub(super) fn in_their_order<'d>(
    table: &Table,
    mut set: Vec<(&'d ColumnDef, Expr)>,
    target: &Target,
    joined: bool,
) -> Result<Vec<(&'d ColumnDef, Expr)>> {
    if set.len() < 2 || !target.grammar.sets_in_order() {
        return Ok(set);
    }
    let is_read = |set: &[(&ColumnDef, Expr)], at: usize| {
        let Some((own, _)) = set.get(at) else { return false };
        set.iter().enumerate().any(|(other, (_, value))| other != at && reads(value, table, own.id))
    };
    let each_others = || target.unsupported("UPDATE that sets columns to each other's values");
    if joined && (0..set.len()).any(|at| is_read(&set, at)) {
        return Err(each_others());
    }
    let mut ordered = Vec::with_capacity(set.len());
    while !set.is_empty() {
        // What no other reads may change at once.
        let unread = (0..set.len()).find(|at| !is_read(&set, *at)).ok_or_else(each_others)?;
        ordered.push(set.remove(unread));
    }
    Ok(ordered)
}

/// Whether an expression reads a column of the table that is written; a text of the program's own does where it has
/// the column's name in it.
fn reads(expr: &Expr, table: &Table, column: ColumnId) -> bool {
    let says = |text: &str| {
        let def = table.def();
        let name = def.by_id(column).map(|c| c.column.name.as_str().to_lowercase()).unwrap_or_default();
        text.to_lowercase().contains(&name)
    };
    match &expr.0 {
        Node::Raw(text) => says(text),
        Node::Apply(Op::Text(pieces), _) if pieces.sql.iter().any(|piece| says(piece)) => true,
        Node::Column(ColumnRef { source, id }) => *id == column && *source == Source::of(table),
        Node::Apply(Op::Excluded, _) => false,
        Node::Apply(_, kids) => kids.items.iter().any(|kid| reads(kid, table, column)),
        Node::Subquery(select) => select_reads(select, table, column),
        _ => false,
    }
}

fn select_reads(select: &Select, table: &Table, column: ColumnId) -> bool {
    let mut found = false;
    select.each_part(&mut |part| {
        found |= match part {
            Part::Member(member) => select_reads(member, table, column),
            Part::Source(source) => {
                let inside = source.origin.select().is_some_and(|inner| select_reads(inner, table, column));
                inside || source.table == *table
            }
            Part::Expr(expr) => reads(expr, table, column),
        }
    });
    found
}

/// The columns to write, in the table's order: those given, and those whose default the program
/// supplies. Defaults that are functions run here.
pub(super) fn with_defaults<'d>(
    def: &'d TableDef,
    given: &[(Arc<str>, Expr)],
    default: impl Fn(&ColumnDef) -> Option<Expr>,
) -> Result<Vec<(&'d ColumnDef, Expr)>> {
    for (name, _) in given {
        let column = def.column(name)?;
        writable(def, column)?;
    }
    let value_of = |column: &ColumnDef| {
        let given = given.iter().find(|(name, _)| **name == *column.key);
        given.map(|(_, value)| value.clone()).or_else(|| default(column))
    };
    Ok(def.columns().filter_map(|column| Some((column, value_of(column)?))).collect())
}

/// What an update sets where it sets nothing: the next version, or what the program fills in.
pub(super) fn on_update(table: &Table, column: &ColumnDef) -> Option<Expr> {
    match column.row_version() {
        Some(Version::Counted) => {
            Some(Expr::column(ColumnRef { source: Source::of(table), id: column.id() }).add(1))
        }
        _ => Some(column.client_on_update()?.produce().into()),
    }
}

/// The rows that an INSERT writes: their columns, defaults among them, and whether one was given; and whether they can
/// have a name in the text.
pub(super) struct Written<'w> {
    pub(super) columns: &'w [&'w ColumnDef],
    pub(super) given: &'w dyn Fn(&ColumnDef) -> bool,
    pub(super) have_names: bool,
}

/// Refuses to give back rows that are left out, which only looks like an update there.
pub(super) fn refuse_left_out(insert: &Insert, target: &Target) -> Result<()> {
    let skips = insert.conflict.as_ref().is_some_and(|conflict| !conflict.updates());
    if skips && !insert.returning.is_empty() && target.grammar.upserts() == Upserts::OnDuplicateKey {
        return Err(target.unsupported("RETURNING of an INSERT that leaves rows out"));
    }
    Ok(())
}

/// The error of a column that is named twice.
pub(super) fn twice(def: &TableDef, column: &ColumnDef) -> Error {
    let message = format!("{} is named twice", place(def, column));
    Error::new(ErrorKind::Invalid, message).with_table(def.display_name()).with_columns([column.key()])
}

/// Refuses to write what the database makes.
pub(super) fn writable(def: &TableDef, column: &ColumnDef) -> Result<()> {
    let Some(why) = column.read_only() else { return Ok(()) };
    let message = format!("{} {why}", place(def, column));
    Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()).with_columns([column.key()]))
}

fn place(def: &TableDef, column: &ColumnDef) -> String {
    format!("table `{}`, column `{}`", def.display_name(), column.key())
}

/// Puts table and column into the error of a value.
pub(super) fn placed(error: Error, def: &TableDef, column: &ColumnDef) -> Error {
    error.at(place(def, column)).with_table(def.display_name()).with_columns([column.key()])
}

impl Compiler<'_> {
    /// The table that is written and those beside it, to bring in sight.
    fn all_known(&self, table: &Table, more: &[Source]) -> Result<Vec<Known>> {
        let own = Source::of(table);
        let mut known: Vec<Known> =
            std::iter::once(&own).chain(more).map(|source| self.known(source)).collect::<Result<_>>()?;
        check_names(&mut known, self.target.grammar.folds_names())?;
        Ok(known)
    }

    /// Writes tables beside the one that is written, if there are any. A SELECT with a name stands where it is used:
    /// not every database has WITH before these statements.
    fn more_tables(&mut self, before: &str, tables: &[Source]) -> Result<()> {
        for (at, source) in tables.iter().enumerate() {
            self.push(if at == 0 { before } else { ", " });
            match (&source.origin, &source.alias) {
                (Origin::Cte { .. }, Some(alias)) => {
                    let items = vec![Item::Table(source.clone())];
                    let whole = Select { from: Some(source.clone()), items, ..Select::default() };
                    self.derived(&whole, alias)?;
                }
                _ => self.source(source)?,
            }
        }
        Ok(())
    }

    pub(super) fn bare(&mut self, column: &ColumnDef) -> Result<()> {
        self.name(&column.column.name);
        Ok(())
    }

    /// Writes an INSERT up to its rows; of no columns, all there is to it.
    pub(super) fn insert_into<'d>(
        &mut self,
        def: &TableDef,
        columns: impl IntoIterator<Item = &'d ColumnDef>,
    ) -> Result<()> {
        self.push("INSERT INTO ");
        self.table_name(def);
        self.push(" ");
        let mut columns = columns.into_iter().peekable();
        if columns.peek().is_none() {
            self.push(self.target.grammar.empty_insert());
            return Ok(());
        }
        self.parens(|c| c.list(columns, |c, column| c.bare(column)))?;
        self.push(" VALUES ");
        Ok(())
    }

    /// Writes `INSERT INTO table (columns) ` for rows that come from elsewhere.
    pub(super) fn insert_columns<'d>(
        &mut self,
        def: &TableDef,
        columns: impl IntoIterator<Item = &'d ColumnDef>,
    ) -> Result<()> {
        self.push("INSERT INTO ");
        self.table_name(def);
        self.push(" ");
        self.parens(|c| c.list(columns, |c, column| c.bare(column)))?;
        self.push(" ");
        Ok(())
    }

    /// Writes what is stored in a column.
    pub(super) fn stored(&mut self, def: &TableDef, column: &ColumnDef, value: &Expr) -> Result<()> {
        match &value.0 {
            Node::Bind(value) => {
                self.bind(value, Some(&column.column.ty), BindUse::Store).map_err(|e| placed(e, def, column))
            }
            Node::Param(name) => self.param(name, Some(&column.column.ty), BindUse::Store),
            _ => {
                let (ty, before, mut named) = (&column.column.ty, self.params.len(), Vec::new());
                self.check_results(value, ty, &mut named).map_err(|e| placed(e, def, column))?;
                self.operand(value, 0, Some(ty))?;
                let slots = self.params.iter_mut().skip(before).filter(|slot| named.contains(&slot.name));
                slots.for_each(|slot| (slot.stored, slot.ty) = (true, Some(ty.clone())));
                Ok(())
            }
        }
    }

    /// Refuses values that a column would change, where an expression gives them as they are, and names the parameters
    /// that are to be looked at when they have values.
    fn check_results(&self, expr: &Expr, ty: &Type, named: &mut Vec<Arc<str>>) -> Result<()> {
        let mut results: Vec<&Expr> = Vec::new();
        match &expr.0 {
            Node::Bind(value) => {
                adapt(self.target, value.clone(), Some(ty), BindUse::Store)?;
            }
            Node::Param(name) => named.push(name.clone()),
            Node::Apply(Op::Case { simple, otherwise }, kids) => {
                let (_, branches, last) = case_parts(&kids.items, *simple, *otherwise);
                results.extend(branches.chunks(2).filter_map(|branch| branch.get(1)).chain(last));
            }
            Node::Apply(Op::Function { name, .. }, kids) if **name == *"coalesce" => {
                results.extend(&kids.items)
            }
            _ => {}
        }
        results.into_iter().try_for_each(|result| self.check_results(result, ty, named))
    }

    /// ORDER BY and LIMIT of an UPDATE or a DELETE, where the database has them.
    fn some_of_them(&mut self, order_by: &[Expr], limit: Option<u64>, joined: bool) -> Result<()> {
        if order_by.is_empty() && limit.is_none() {
            return Ok(());
        }
        if joined || !self.target.grammar.limits_writes() {
            return Err(self.target.unsupported("LIMIT of an UPDATE or a DELETE"));
        }
        self.order_inside(order_by)?;
        if let Some(limit) = limit {
            self.push(&format!(" LIMIT {limit}"));
        }
        Ok(())
    }

    fn some_rows(&mut self, filters: &[Expr], all: bool, word: &str, def: &TableDef) -> Result<()> {
        if filters.is_empty() && !all {
            let message = format!("{word} of `{}` without a filter: say `all_rows()` to mean all", def.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.conditions(" WHERE ", filters)
    }

    /// Writes RETURNING, its columns by their names alone.
    pub(super) fn returning(&mut self, exprs: &[Expr], of: Operation) -> Result<Option<Arc<Columns>>> {
        self.bare = true;
        let columns = self.given_back(exprs, of);
        self.bare = false;
        columns
    }

    /// Writes RETURNING of a statement that may name tables beside the one it writes.
    fn returning_beside(
        &mut self,
        table: &Table,
        more: &[Source],
        exprs: &[Expr],
        of: Operation,
    ) -> Result<Option<Arc<Columns>>> {
        match self.target.grammar.more_tables() {
            _ if more.is_empty() => self.returning(exprs, of),
            MoreTables::Using => self.given_back(exprs, of),
            MoreTables::Listed if !exprs.is_empty() => {
                Err(self.target.unsupported("RETURNING of several tables"))
            }
            _ => {
                // Names alone would mean the table's own columns, whatever table they are of.
                let own = self.known(&Source::of(table))?;
                let around = std::mem::replace(&mut self.scopes, vec![vec![own]]);
                let columns = self.returning(exprs, of);
                self.scopes = around;
                columns
            }
        }
    }

    fn given_back(&mut self, exprs: &[Expr], of: Operation) -> Result<Option<Arc<Columns>>> {
        if exprs.is_empty() {
            return Ok(None);
        }
        let can = self.target.features.returning;
        match of {
            Operation::Update if can != Returning::All => {
                return Err(self.target.unsupported("UPDATE .. RETURNING"));
            }
            Operation::Insert if can == Returning::None => {
                return Err(self.target.unsupported("INSERT .. RETURNING"));
            }
            Operation::Delete if can == Returning::None => {
                return Err(self.target.unsupported("DELETE .. RETURNING"));
            }
            _ => {}
        }
        self.push(" RETURNING ");
        let mut columns = Vec::with_capacity(exprs.len());
        exprs.iter().try_for_each(|expr| self.selected(expr, &mut columns))?;
        Ok(Some(Arc::new(Columns::new(columns))))
    }
}
