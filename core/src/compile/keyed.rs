//! Statements about rows named by their key, in batches: what a unit of work sends.
//!
//! The parameters are told apart by position alone, so the texts depend on the table, the columns
//! and the number of rows only.

use super::{Compiler, Target};
use crate::dialect::RowsToUpdate;
use crate::error::Result;
use crate::schema::{ColumnDef, TableDef};

/// `UPDATE table SET columns WHERE key` for one row: the parameters are the values, then the key.
pub(crate) fn update_one(def: &TableDef, set: &[usize], key: &[usize], target: &Target) -> Result<String> {
    let mut c = Compiler::new(target, false);
    c.push("UPDATE ");
    c.table_name(def);
    c.push(" SET ");
    let mut n = 0;
    c.list(columns(def, set), |c, column| {
        c.name(&column.column.name);
        c.push(" = ");
        n += 1;
        target.grammar.placeholder(n, &mut c.sql);
        Ok(())
    })?;
    c.by_key(def, key, n);
    Ok(c.sql)
}

/// An UPDATE of many rows of a key of one column, from rows in its text: the parameters of each row are
/// its values, then its key. None where the values of a column do not travel so.
pub(crate) fn update_many(
    def: &TableDef,
    set: &[usize],
    key: usize,
    rows: usize,
    target: &Target,
) -> Result<Option<String>> {
    let mut c = Compiler::new(target, false);
    let joins = target.grammar.rows_to_update() == Some(RowsToUpdate::JoinSelects);
    c.push("UPDATE ");
    c.table_name(def);
    if joins {
        c.push(" JOIN (");
        let all = [set, &[key]].concat();
        let types: Option<Vec<_>> =
            columns(def, &all).map(|column| target.grammar.row_item(column)).collect();
        let Some(types) = types else { return Ok(None) };
        c.selects(&types, rows)?;
        c.push(") AS changed ON ");
        c.key_is_changed(def, key, set.len());
    }
    c.push(" SET ");
    c.list(columns(def, set).enumerate(), |c, (at, column)| {
        if joins {
            c.table_name(def);
            c.push(".");
        }
        c.name(&column.column.name);
        c.push(&format!(" = changed.column{}", at + 1));
        Ok(())
    })?;
    if !joins {
        c.push(" FROM (VALUES ");
        let mut n = 0;
        c.list(0..rows, |c, _| c.placeholders(set.len() + 1, &mut n))?;
        c.push(") AS changed WHERE ");
        c.key_is_changed(def, key, set.len());
    }
    Ok(Some(c.sql))
}

/// The same with the columns of the rows as arrays, for any number of rows; none where the values of a
/// column do not travel so.
pub(crate) fn update_arrays(
    def: &TableDef,
    set: &[usize],
    key: usize,
    target: &Target,
) -> Result<Option<String>> {
    let mut c = Compiler::new(target, false);
    let all: Vec<&ColumnDef> = columns(def, &[set, &[key]].concat()).collect();
    let Some(arrays) = c.arrays(&all)? else { return Ok(None) };
    c.push("UPDATE ");
    c.table_name(def);
    c.push(" SET ");
    c.list(columns(def, set).zip(&arrays.items), |c, (column, item)| {
        c.name(&column.column.name);
        c.push(" = ");
        c.push(item);
        Ok(())
    })?;
    c.push(" FROM ");
    c.push(&arrays.source);
    c.push(" AS mirrorm_rows (");
    c.push(&arrays.names);
    c.push(") WHERE ");
    c.table_name(def);
    c.push(".");
    columns(def, &[key]).for_each(|column| c.name(&column.column.name));
    c.push(&format!(" = mirrorm_rows.c{}", all.len()));
    Ok(Some(c.sql))
}

/// A DELETE of the rows of a key of one integer, the keys as an array; none where there are none.
pub(crate) fn delete_array(def: &TableDef, key: usize, target: &Target) -> Option<String> {
    let column = def.column_at(key)?;
    target.grammar.array_of(column)?;
    let form = target.grammar.integer_list()?;
    let mut c = Compiler::new(target, false);
    c.push("DELETE FROM ");
    c.table_name(def);
    c.push(" WHERE ");
    c.name(&column.column.name);
    c.push(form.before);
    target.grammar.placeholder(1, &mut c.sql);
    c.push(form.after);
    Some(c.sql)
}

/// Columns that travel as arrays.
pub(super) struct Arrays {
    /// The arrays as a table.
    pub(super) source: String,
    /// The names of its columns.
    pub(super) names: String,
    /// Each column as what is stored.
    pub(super) items: Vec<String>,
}

/// `DELETE FROM table WHERE key` for so many rows; more than one needs a key of one column.
pub(crate) fn delete(def: &TableDef, key: &[usize], rows: usize, target: &Target) -> Result<String> {
    let mut c = Compiler::new(target, false);
    c.push("DELETE FROM ");
    c.table_name(def);
    match key {
        [only] if rows > 1 => {
            c.push(" WHERE ");
            columns(def, &[*only]).for_each(|column| c.name(&column.column.name));
            c.push(" IN ");
            c.placeholders(rows, &mut 0)?;
        }
        _ => c.by_key(def, key, 0),
    }
    Ok(c.sql)
}

/// What follows a full SELECT to find one row by its key.
pub(super) fn where_key(def: &TableDef, key: &[usize], target: &Target) -> String {
    let mut c = Compiler::new(target, false);
    c.by_key(def, key, 0);
    c.sql
}

fn columns<'d>(def: &'d TableDef, positions: &[usize]) -> impl Iterator<Item = &'d ColumnDef> {
    positions.iter().filter_map(|at| def.column_at(*at))
}

impl Compiler<'_> {
    /// Writes `WHERE a = ? AND b = ?`, after so many parameters.
    fn by_key(&mut self, def: &TableDef, key: &[usize], mut n: usize) {
        for (i, column) in columns(def, key).enumerate() {
            self.push(if i == 0 { " WHERE " } else { " AND " });
            self.table_name(def);
            self.push(".");
            self.name(&column.column.name);
            self.push(" = ");
            n += 1;
            self.target.grammar.placeholder(n, &mut self.sql);
        }
    }

    /// The parts of a statement whose parameters are arrays of these columns' values.
    pub(super) fn arrays(&self, columns: &[&ColumnDef]) -> Result<Option<Arrays>> {
        let mut arrays = Arrays { source: "unnest(".to_string(), names: String::new(), items: Vec::new() };
        for (at, column) in columns.iter().enumerate() {
            let Some(form) = self.target.grammar.array_of(column) else { return Ok(None) };
            let comma = if at > 0 { ", " } else { "" };
            arrays.source.push_str(comma);
            arrays.source.push_str("CAST(");
            self.target.grammar.placeholder(at + 1, &mut arrays.source);
            arrays.source.push_str(&format!(" AS {}[])", form.item));
            arrays.names.push_str(&format!("{comma}c{}", at + 1));
            arrays.items.push(match form.cast {
                Some(cast) => format!("CAST(mirrorm_rows.c{} AS {cast})", at + 1),
                None => format!("mirrorm_rows.c{}", at + 1),
            });
        }
        arrays.source.push(')');
        Ok(Some(arrays))
    }

    /// Writes the rows of an UPDATE as SELECTs of parameters, each converted to its column's type.
    fn selects(&mut self, types: &[&str], rows: usize) -> Result<()> {
        let mut n = 0;
        for row in 0..rows {
            self.push(if row > 0 { " UNION ALL SELECT " } else { "SELECT " });
            self.list(types.iter().enumerate(), |c, (at, ty)| {
                n += 1;
                c.push("CAST(");
                c.target.grammar.placeholder(n, &mut c.sql);
                c.push(&format!(" AS {ty})"));
                if row == 0 {
                    c.push(&format!(" AS column{}", at + 1));
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes `table.key = changed.columnN`.
    fn key_is_changed(&mut self, def: &TableDef, key: usize, before: usize) {
        self.table_name(def);
        self.push(".");
        columns(def, &[key]).for_each(|column| self.name(&column.column.name));
        self.push(&format!(" = changed.column{}", before + 1));
    }

    /// Writes `(?, ?)`; `n` counts the placeholders of the statement.
    pub(super) fn placeholders(&mut self, count: usize, n: &mut usize) -> Result<()> {
        self.parens(|c| {
            c.list(0..count, |c, _| {
                *n += 1;
                c.target.grammar.placeholder(*n, &mut c.sql);
                Ok(())
            })
        })
    }
}
