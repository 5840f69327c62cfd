//! Statements about rows named by their key, in batches: what a unit of work sends.
//!
//! The parameters are told apart by position alone, so the texts depend on the table, the columns
//! and the number of rows only.

use super::{Compiler, Target};
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

/// `UPDATE table SET columns FROM rows WHERE key` for many rows of a key of one column: the
/// parameters of each row are its values, then its key.
pub(crate) fn update_many(
    def: &TableDef,
    set: &[usize],
    key: usize,
    rows: usize,
    target: &Target,
) -> Result<String> {
    let mut c = Compiler::new(target, false);
    c.push("UPDATE ");
    c.table_name(def);
    c.push(" SET ");
    c.list(columns(def, set).enumerate(), |c, (at, column)| {
        c.name(&column.column.name);
        c.push(&format!(" = changed.column{}", at + 1));
        Ok(())
    })?;
    c.push(" FROM (VALUES ");
    let mut n = 0;
    c.list(0..rows, |c, _| c.placeholders(set.len() + 1, &mut n))?;
    c.push(") AS changed WHERE ");
    c.table_name(def);
    c.push(".");
    columns(def, &[key]).for_each(|column| c.name(&column.column.name));
    c.push(&format!(" = changed.column{}", set.len() + 1));
    Ok(c.sql)
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
