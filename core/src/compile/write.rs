//! INSERT, UPDATE and DELETE into SQL.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Compiled, Compiler, Target, adapt, write_name};
use crate::dialect::{BindUse, is_plain};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Source};
use crate::rows::{Columns, RowBuffer};
use crate::schema::{ClientDefault, ColumnDef, TableDef};
use crate::stmt::insert::InsertBody;
use crate::stmt::{Delete, Insert, Update};

/// Compiles an INSERT of one row.
pub(super) fn compile_insert(insert: &Insert, target: &Target) -> Result<Compiled> {
    let InsertBody::One(row) = &insert.body else {
        let bulk = BulkInsert::plan(insert, target)?;
        return bulk.compile_all(target);
    };
    let def = insert.table.def();
    let filled = with_defaults(&def, row, |column| column.client_default())?;
    let mut c = Compiler::new(target, false);
    let known = c.known(&Source::of(&insert.table))?;
    c.within(vec![known], |c| {
        c.insert_into(&def, filled.iter().map(|(column, _)| *column))?;
        if !filled.is_empty() {
            c.parens(|c| c.list(&filled, |c, (column, value)| c.stored(&def, column, value)))?;
        }
        c.returning(&insert.returning)
    })
    .and_then(|columns| c.finish(columns))
}

/// Compiles an UPDATE.
pub(super) fn compile_update(update: &Update, target: &Target) -> Result<Compiled> {
    let def = update.table.def();
    if update.set.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "an UPDATE that sets nothing"));
    }
    let filled = with_defaults(&def, &update.set, |column| column.client_on_update())?;
    let mut c = Compiler::new(target, false);
    let known = c.known(&Source::of(&update.table))?;
    c.within(vec![known], |c| {
        c.push("UPDATE ");
        c.table_name(&def);
        c.push(" SET ");
        c.list(&filled, |c, (column, value)| {
            c.bare(column)?;
            c.push(" = ");
            c.stored(&def, column, value)
        })?;
        c.some_rows(&update.filters, update.all, "UPDATE", &def)
    })?;
    c.finish(None)
}

/// Compiles a DELETE.
pub(super) fn compile_delete(delete: &Delete, target: &Target) -> Result<Compiled> {
    let def = delete.table.def();
    let mut c = Compiler::new(target, false);
    let known = c.known(&Source::of(&delete.table))?;
    c.within(vec![known], |c| {
        c.push("DELETE FROM ");
        c.table_name(&def);
        c.some_rows(&delete.filters, delete.all, "DELETE", &def)
    })?;
    c.finish(None)
}

/// The columns to write, in the table's order: those given, and those whose default the program
/// supplies. Defaults that are functions run here.
fn with_defaults<'d>(
    def: &'d TableDef,
    given: &[(Arc<str>, Expr)],
    default: impl Fn(&ColumnDef) -> Option<&ClientDefault>,
) -> Result<Vec<(&'d ColumnDef, Expr)>> {
    for (name, _) in given {
        let column = def.column(name)?;
        writable(def, column)?;
    }
    let value_of = |column: &ColumnDef| {
        let given = given.iter().find(|(name, _)| **name == *column.key);
        given.map(|(_, value)| value.clone()).or_else(|| Some(Expr::from(default(column)?.produce())))
    };
    Ok(def.columns().filter_map(|column| Some((column, value_of(column)?))).collect())
}

/// Refuses to write what the database computes.
fn writable(def: &TableDef, column: &ColumnDef) -> Result<()> {
    if column.computed().is_none() {
        return Ok(());
    }
    let message = format!("{} is computed by the database", place(def, column));
    Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()).with_columns([column.key()]))
}

fn place(def: &TableDef, column: &ColumnDef) -> String {
    format!("table `{}`, column `{}`", def.display_name(), column.key())
}

/// Puts table and column into the error of a value.
fn placed(error: Error, def: &TableDef, column: &ColumnDef) -> Error {
    error.at(place(def, column)).with_table(def.display_name()).with_columns([column.key()])
}

impl Compiler<'_> {
    fn bare(&mut self, column: &ColumnDef) -> Result<()> {
        self.name(&column.column.name);
        Ok(())
    }

    /// Writes an INSERT up to its rows; of no columns, all there is to it.
    fn insert_into<'d>(
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
    fn insert_columns<'d>(
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
    fn stored(&mut self, def: &TableDef, column: &ColumnDef, value: &Expr) -> Result<()> {
        match &value.0 {
            Node::Bind(value) => {
                self.bind(value, Some(&column.column.ty), BindUse::Store).map_err(|e| placed(e, def, column))
            }
            Node::Param(name) => self.param(name, Some(&column.column.ty), BindUse::Store),
            _ => self.operand(value, 0, Some(&column.column.ty)),
        }
    }

    fn some_rows(&mut self, filters: &[Expr], all: bool, word: &str, def: &TableDef) -> Result<()> {
        if filters.is_empty() && !all {
            let message = format!("{word} of `{}` without a filter: say `all_rows()` to mean all", def.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.conditions(" WHERE ", filters)
    }

    fn returning(&mut self, exprs: &[Expr]) -> Result<Option<Arc<Columns>>> {
        if exprs.is_empty() {
            return Ok(None);
        }
        if !self.target.features.insert_returning {
            return Err(Error::unsupported("INSERT .. RETURNING", self.target.name));
        }
        self.push(" RETURNING ");
        let mut columns = Vec::with_capacity(exprs.len());
        self.bare = true;
        exprs.iter().try_for_each(|expr| self.selected(expr, &mut columns))?;
        self.bare = false;
        Ok(Some(Arc::new(Columns::new(columns))))
    }
}

/// Adds RETURNING of the key that the database makes, where the connection does not tell it; whether
/// it did.
pub(crate) fn returning_key(def: &TableDef, target: &Target, sql: &mut String) -> bool {
    let needed = !target.features.last_insert_id && target.features.insert_returning;
    needed && returning_the_key(def, target, sql)
}

/// Adds RETURNING of the key that the database makes, if it makes one.
pub(crate) fn returning_the_key(def: &TableDef, target: &Target, sql: &mut String) -> bool {
    let Some(key) = def.generated_key() else { return false };
    sql.push_str(" RETURNING ");
    write_name(target, &key.column.name, sql);
    true
}

/// A bulk insert, ready to be sent in batches: columns, and values in the driver's forms. Values
/// that are in them already are borrowed.
pub(crate) struct BulkInsert<'i> {
    pub(crate) def: Arc<TableDef>,
    columns: Vec<usize>,
    pub(crate) values: Cow<'i, RowBuffer>,
    pub(crate) rows: usize,
}

impl<'i> BulkInsert<'i> {
    /// The keys that the rows themselves give, where all do.
    pub(crate) fn given_keys(&self) -> Option<Vec<i64>> {
        let key = self.def.generated_key()?.key();
        let at =
            self.columns.iter().position(|at| self.def.column_at(*at).is_some_and(|c| c.key() == key))?;
        let all = self.values.range(at..self.values.len()).step_by(self.width());
        all.map(|value| if let crate::value::ValueRef::Int(id) = value { Some(id) } else { None }).collect()
    }

    /// Checks columns and values, fills in defaults, and brings values to the driver's forms.
    pub(crate) fn plan(insert: &'i Insert, target: &Target) -> Result<BulkInsert<'i>> {
        let def = insert.table.def();
        let InsertBody::Many { columns, rows } = &insert.body else {
            return Err(Error::new(ErrorKind::Invalid, "an INSERT of one row is no bulk"));
        };
        let given = columns.iter().map(|name| position(&def, name)).collect::<Result<Vec<usize>>>()?;
        if let Some(width) = rows.wrong_width {
            let message = format!("{} columns, and a row of {width} values", given.len());
            return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
        }
        let (columns, values) = fill_defaults(&def, given, &rows.values, rows.count);
        let mut bulk = BulkInsert { columns, values, rows: rows.count, def: def.clone() };
        bulk.fit(&def, target)?;
        Ok(bulk)
    }

    /// Rows of columns given by position, defaults and all: what a unit of work has gathered.
    pub(crate) fn of(
        def: &Arc<TableDef>,
        columns: Vec<usize>,
        values: &'i RowBuffer,
        rows: usize,
        target: &Target,
    ) -> Result<BulkInsert<'i>> {
        let mut bulk = BulkInsert { columns, values: Cow::Borrowed(values), rows, def: def.clone() };
        bulk.fit(def, target)?;
        Ok(bulk)
    }

    /// Brings every value to the form the driver stores in its column.
    fn fit(&mut self, def: &TableDef, target: &Target) -> Result<()> {
        let width = self.columns.len();
        for (offset, position) in self.columns.iter().enumerate() {
            let Some(column) = def.column_at(*position) else { continue };
            let ty = &column.column.ty;
            for at in (offset..self.values.len()).step_by(width) {
                let value = self.values.get(at);
                if !is_plain(value, ty) {
                    let fitted = adapt(target, value.to_value(), Some(ty), BindUse::Store);
                    let fitted = fitted.map_err(|e| placed(e, def, column))?;
                    self.values.to_mut().set(at, fitted);
                }
            }
        }
        Ok(())
    }

    /// Values of one row.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The text that inserts one row and gives its key, by RETURNING where nothing else tells it.
    pub(crate) fn sql_with_id(&self, target: &Target) -> Result<String> {
        let mut sql = self.sql(target, 1)?;
        returning_key(&self.def, target, &mut sql);
        Ok(sql)
    }

    /// The text that inserts any number of rows whose columns are arrays, in their order; none where the
    /// values of a column do not travel so.
    pub(crate) fn sql_of_arrays(&self, target: &Target, with_ids: bool) -> Result<Option<String>> {
        if self.columns.is_empty() || self.values.holds_other_bytes() {
            return Ok(None);
        }
        let columns: Vec<&ColumnDef> = self.columns.iter().filter_map(|p| self.def.column_at(*p)).collect();
        let mut c = Compiler::new(target, false);
        c.insert_columns(&self.def, columns.iter().copied())?;
        c.push("SELECT ");
        let Some(arrays) = c.arrays(&columns)? else { return Ok(None) };
        c.list(&arrays.items, |c, item| {
            c.push(item);
            Ok(())
        })?;
        c.push(" FROM ");
        c.push(&arrays.source);
        c.push(" WITH ORDINALITY AS mirrorm_rows (");
        c.push(&arrays.names);
        c.push(", place) ORDER BY mirrorm_rows.place");
        if with_ids {
            returning_key(&self.def, target, &mut c.sql);
        }
        Ok(Some(c.sql))
    }

    /// The text that inserts so many rows at once.
    pub(crate) fn sql(&self, target: &Target, rows: usize) -> Result<String> {
        let mut c = Compiler::new(target, false);
        c.insert_into(&self.def, self.columns.iter().filter_map(|p| self.def.column_at(*p)))?;
        if self.columns.is_empty() {
            return Ok(c.sql);
        }
        let mut n = 0;
        c.list(0..rows, |c, _| c.placeholders(self.columns.len(), &mut n))?;
        Ok(c.sql)
    }

    /// All rows as one statement.
    fn compile_all(self, target: &Target) -> Result<Compiled> {
        let mut c = Compiler::new(target, false);
        c.sql = self.sql(target, self.rows)?;
        c.binds = self.values.range(0..self.values.len()).map(|value| value.to_value()).collect();
        c.finish(None)
    }
}

fn position(def: &TableDef, name: &str) -> Result<usize> {
    let column = def.column(name)?;
    writable(def, column)?;
    def.columns.get_index_of(name).ok_or_else(|| def.no_such_column(name))
}

/// Adds the columns whose default the program supplies, producing one value for each row.
fn fill_defaults<'v>(
    def: &TableDef,
    given: Vec<usize>,
    values: &'v RowBuffer,
    rows: usize,
) -> (Vec<usize>, Cow<'v, RowBuffer>) {
    let missing: Vec<(usize, &ClientDefault)> = def
        .columns()
        .enumerate()
        .filter(|(position, _)| !given.contains(position))
        .filter_map(|(position, column)| Some((position, column.client_default()?)))
        .collect();
    if missing.is_empty() {
        return (given, Cow::Borrowed(values));
    }
    let width = given.len();
    let mut filled = RowBuffer::with_capacity(rows * (width + missing.len()));
    for row in 0..rows {
        values.range(row * width..(row + 1) * width).for_each(|value| filled.push_ref(value));
        missing.iter().for_each(|(_, default)| filled.push(default.produce()));
    }
    let columns = given.into_iter().chain(missing.iter().map(|(position, _)| *position)).collect();
    (columns, Cow::Owned(filled))
}
