//! INSERT of many rows: columns, values in the driver's forms, and the texts that send them in batches.
//!
//! Called by `engine::write` and, for a unit of work, `engine::batch`.

use std::borrow::Cow;
use std::sync::Arc;

use super::write::{Written, placed, refuse_left_out, twice, writable};
use super::{Compiled, Compiler, Target, adapt, write_name};
use crate::dialect::{BindUse, Returning, is_plain};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Source;
use crate::rows::{ColumnInfo, Columns, RowBuffer, Rows};
use crate::schema::{ClientDefault, ColumnDef, Table, TableDef};
use crate::stmt::insert::InsertBody;
use crate::stmt::{Insert, OnConflict, Operation};
use crate::value::{Array, Value};

/// Adds RETURNING of the key that the database makes, where the connection does not tell it; whether
/// it did.
pub(crate) fn returning_key(def: &TableDef, target: &Target, sql: &mut String) -> bool {
    let needed = !target.features.last_insert_id && target.features.returning != Returning::None;
    needed && returning_the_key(def, target, sql)
}

/// Adds RETURNING of the key that the database makes, if it makes one.
pub(crate) fn returning_the_key(def: &TableDef, target: &Target, sql: &mut String) -> bool {
    let Some(key) = def.generated_key() else { return false };
    sql.push_str(" RETURNING ");
    write_name(target, &key.column.name, sql);
    true
}

/// Adds RETURNING of all columns of the primary key, if there is one and the database can; what they are.
pub(crate) fn returning_whole_key(def: &TableDef, target: &Target, sql: &mut String) -> Option<Arc<Columns>> {
    let key = def.primary_key().filter(|_| target.features.returning != Returning::None)?;
    let columns: Vec<&ColumnDef> = key.columns.iter().filter_map(|at| def.column_at(*at)).collect();
    sql.push_str(" RETURNING ");
    for (at, column) in columns.iter().enumerate() {
        sql.push_str(if at == 0 { "" } else { ", " });
        write_name(target, &column.column.name, sql);
    }
    let info = |column: &&ColumnDef| ColumnInfo::new(column.key.clone(), column.column.ty.clone());
    Some(Arc::new(Columns::new(columns.iter().map(info).collect())))
}

/// A bulk insert, ready to be sent in batches: columns, and values in the driver's forms. Values
/// that are in them already are borrowed.
pub(crate) struct BulkInsert<'i> {
    pub(crate) def: Arc<TableDef>,
    columns: Vec<usize>,
    pub(crate) values: Cow<'i, RowBuffer>,
    pub(crate) rows: usize,
    conflict: Option<(&'i Table, &'i OnConflict)>,
    /// How many of the columns were given; the others are defaults.
    given: usize,
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
        for (at, column) in given.iter().enumerate() {
            if given.iter().take(at).any(|other| other == column)
                && let Some(column) = def.column_at(*column)
            {
                return Err(twice(&def, column));
            }
        }
        let count = given.len();
        let (columns, values) = fill_defaults(&def, given, &rows.values, rows.count);
        let conflict = insert.conflict.as_deref().map(|conflict| (&insert.table, conflict));
        refuse_left_out(insert, target)?;
        let mut bulk =
            BulkInsert { columns, values, rows: rows.count, def: def.clone(), conflict, given: count };
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
        let values = Cow::Borrowed(values);
        let given = columns.len();
        let mut bulk = BulkInsert { columns, values, rows, def: def.clone(), conflict: None, given };
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

    /// The columns that the rows give, in the order of their values.
    fn written(&self) -> impl Iterator<Item = &ColumnDef> {
        self.columns.iter().filter_map(|at| self.def.column_at(*at))
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
        if self.columns.is_empty() || self.values.holds_other_bytes() || !self.extra(target)?.is_empty() {
            return Ok(None);
        }
        let columns: Vec<&ColumnDef> = self.written().collect();
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
        self.upsert(&mut c)?;
        if with_ids {
            returning_key(&self.def, target, &mut c.sql);
        }
        Ok(Some(c.sql))
    }

    /// The text that inserts so many rows at once.
    pub(crate) fn sql(&self, target: &Target, rows: usize) -> Result<String> {
        let mut c = Compiler::new(target, false);
        c.insert_into(&self.def, self.written())?;
        if self.columns.is_empty() {
            self.upsert(&mut c)?;
            return Ok(c.sql);
        }
        let mut n = 0;
        c.list(0..rows, |c, _| c.placeholders(self.columns.len(), &mut n))?;
        if self.conflict.is_some() {
            // Further parameters come after these.
            c.binds.resize(n, Value::Null);
            self.upsert(&mut c)?;
        }
        Ok(c.sql)
    }

    /// What becomes of rows that are there already.
    fn upsert(&self, c: &mut Compiler<'_>) -> Result<()> {
        let Some((table, conflict)) = self.conflict else { return Ok(()) };
        let written: Vec<&ColumnDef> = self.written().collect();
        let given = |column: &ColumnDef| written.iter().take(self.given).any(|own| own.id == column.id);
        let rows = Written { columns: &written, given: &given, have_names: true };
        let known = c.known(&Source::of(table))?;
        c.within(vec![known], |c| c.on_conflict((table, &self.def), conflict, rows))?;
        without_params(c)
    }

    /// The parameters that follow those of the rows.
    pub(crate) fn extra(&self, target: &Target) -> Result<Vec<Value>> {
        if self.conflict.is_none() {
            return Ok(Vec::new());
        }
        let mut c = Compiler::new(target, false);
        self.upsert(&mut c)?;
        Ok(c.binds)
    }

    /// Whether rows that are there already are updated or left out.
    pub(crate) fn is_upsert(&self) -> bool {
        self.conflict.is_some()
    }

    /// The first so many rows as one statement; [`BulkInsert::fill`] makes one of others of it.
    pub(crate) fn compile_some(&self, rows: usize, insert: &Insert, target: &Target) -> Result<Compiled> {
        let mut c = Compiler::new(target, false);
        if target.readable {
            self.readable(self.some((0, rows)), &mut c)?;
        } else {
            c.sql = self.sql(target, rows)?;
            c.binds = self.some((0, rows)).collect();
            c.binds.extend(self.extra(target)?);
        }
        self.giving_back(c, insert)
    }

    /// The first so many rows as one statement whose parameters are their columns, which serves any number of rows; none
    /// where the values of a column do not travel so.
    pub(crate) fn compile_arrays(
        &self,
        rows: usize,
        insert: &Insert,
        target: &Target,
    ) -> Result<Option<Compiled>> {
        let Some(sql) = self.sql_of_arrays(target, false)? else { return Ok(None) };
        let mut c = Compiler::new(target, false);
        c.sql = sql;
        c.binds = self.arrays((0, rows)).collect();
        self.giving_back(c, insert).map(Some)
    }

    /// Puts other rows, as many unless they are arrays, in the place of those that a statement was compiled for.
    pub(crate) fn fill(&self, compiled: &mut Compiled, at: (usize, usize), arrays: bool) {
        match arrays {
            true => drop(compiled.binds.splice(..self.width(), self.arrays(at))),
            false => drop(compiled.binds.splice(..at.1 * self.width(), self.some(at))),
        }
    }

    /// The values of so many rows from the one at a position.
    fn some(&self, (start, rows): (usize, usize)) -> impl Iterator<Item = Value> {
        let range = start * self.width()..(start + rows) * self.width();
        self.values.range(range).map(|value| value.to_value())
    }

    /// The same, each column of them as an array.
    fn arrays(&self, (start, rows): (usize, usize)) -> impl Iterator<Item = Value> {
        let (from, to) = (start * self.width(), (start + rows) * self.width());
        (0..self.width()).map(move |column| {
            let values = self.values.range(from + column..to).step_by(self.width());
            Value::Array(Box::new(Array::new("", values.map(|value| value.to_value()).collect())))
        })
    }

    /// A statement with what it gives back behind it.
    fn giving_back(&self, mut c: Compiler<'_>, insert: &Insert) -> Result<Compiled> {
        let known = c.known(&Source::of(&insert.table))?;
        let columns = c.within(vec![known], |c| c.returning(&insert.returning, Operation::Insert))?;
        without_params(&c)?;
        c.finish(columns)
    }

    /// The rows with their values in the text.
    fn readable(&self, mut values: impl Iterator<Item = Value>, c: &mut Compiler<'_>) -> Result<()> {
        c.insert_into(&self.def, self.written())?;
        if !self.columns.is_empty() {
            c.list(0..self.rows, |c, _| {
                let row: Vec<Value> = values.by_ref().take(self.columns.len()).collect();
                c.parens(|c| c.list(row, |c, value| c.placeholder(value)))
            })?;
        }
        self.upsert(c)
    }

    /// What no rows give back.
    pub(crate) fn no_rows(&self, insert: &Insert, target: &Target) -> Result<Rows> {
        let compiled = self.giving_back(Compiler::new(target, false), insert)?;
        Ok(Rows::none(compiled.columns.unwrap_or_default()))
    }

    /// All rows as one statement.
    pub(super) fn compile_all(self, insert: &Insert, target: &Target) -> Result<Compiled> {
        self.compile_some(self.rows, insert, target)
    }
}

/// Refuses parameters beside many rows, which have nobody who would give them a value.
fn without_params(c: &Compiler<'_>) -> Result<()> {
    match c.params.first() {
        None => Ok(()),
        Some(param) => {
            let message = format!("the parameter `{}` has no value in an INSERT of many rows", param.name);
            Err(Error::new(ErrorKind::Invalid, message))
        }
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
