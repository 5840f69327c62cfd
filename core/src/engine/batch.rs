//! Rows written and read by their key, in batches: what a unit of work sends.
//!
//! Not here: which rows, in which order, and what becomes of them (`mirrorm-session`).

use std::sync::Arc;

use super::conn::Conn;
use super::write::{batches, send_bulk};
use crate::compile::{BulkInsert, adapt, keyed, ready_plans};
use crate::dialect::{BindUse, Request, RowsToUpdate};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{Block, Columns, RowBuffer};
use crate::schema::{Table, TableDef};
use crate::types::Class;
use crate::value::Value;

impl Conn {
    /// Inserts rows of these columns, defaults and all. With `ids`, the keys the database made are
    /// added to it in the order of the rows.
    #[doc(hidden)]
    pub fn insert_rows(
        &self,
        def: &Arc<TableDef>,
        columns: Vec<usize>,
        values: &RowBuffer,
        rows: usize,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let _turn = self.turn_to_write()?;
        let plan = BulkInsert::of(def, columns, values, rows, self.target())?;
        let done = send_bulk(self, &plan, ids.is_some())?;
        if let Some(ids) = ids {
            ids.extend(done.ids);
        }
        Ok(done.rows)
    }

    /// Updates the rows of these keys; each row of the values is what is set, then the key. Says
    /// how many rows there were.
    #[doc(hidden)]
    pub fn update_rows(
        &self,
        def: &Arc<TableDef>,
        (set, key): (&[usize], &[usize]),
        values: &RowBuffer,
        rows: usize,
    ) -> Result<u64> {
        let _turn = self.turn_to_write()?;
        let (target, columns) = (self.target(), [set, key].concat());
        let width = columns.len();
        let plan = BulkInsert::of(def, columns, values, rows, target)?;
        let (end, exact) = (rows * width, is_exact(def, key));
        if let (Some(column), true) = (exact, rows > 1 && !plan.values.holds_other_bytes())
            && let Some(sql) = keyed::update_arrays(def, set, column, target)?
        {
            return self.run_arrays(&sql, width, (&plan.values, 0..end), None, def);
        }
        let many = |size: usize| match exact.filter(|_| size > 1) {
            Some(column) => keyed::update_many(def, set, column, size, target),
            None => Ok(None),
        };
        let joins = target.grammar.rows_to_update() == Some(RowsToUpdate::JoinSelects);
        let by_rows = target.features().update_from_rows && !(joins && plan.values.holds_odd_ones());
        let batches =
            if by_rows && many(2)?.is_some() { batches(target, width, rows) } else { vec![(1, 0..end)] };
        let mut matched = 0;
        for (size, range) in batches {
            let sql = match many(size)? {
                Some(sql) => sql,
                None => keyed::update_one(def, set, key, target)?,
            };
            matched += self.run_many(&sql, width * size, (&plan.values, range), None, def)?;
        }
        Ok(matched)
    }

    /// Deletes the rows of these keys, and says how many there were.
    #[doc(hidden)]
    pub fn delete_rows(
        &self,
        def: &Arc<TableDef>,
        key: &[usize],
        values: &RowBuffer,
        rows: usize,
    ) -> Result<u64> {
        let _turn = self.turn_to_write()?;
        let target = self.target();
        let plan = BulkInsert::of(def, key.to_vec(), values, rows, target)?;
        let exact = is_exact(def, key);
        if let (Some(sql), true) = (exact.and_then(|at| keyed::delete_array(def, at, target)), rows > 1) {
            return self.run_arrays(&sql, 1, (&plan.values, 0..rows), None, def);
        }
        let all = match exact {
            Some(_) => batches(target, 1, rows),
            None => vec![(1, 0..rows * key.len())],
        };
        let mut gone = 0;
        for (size, range) in all {
            let sql = keyed::delete(def, key, size, target)?;
            gone += self.run_many(&sql, key.len() * size, (&plan.values, range), None, def)?;
        }
        Ok(gone)
    }

    /// The columns of a full row of a table, as its reads have them.
    #[doc(hidden)]
    pub fn columns_of(&self, table: &Table, def: &Arc<TableDef>) -> Result<Arc<Columns>> {
        Ok(ready_plans(table, def, self.target())?.columns.clone())
    }

    /// Reads the row of a primary key, all columns, and makes something of it: of a block of the row,
    /// or of more where the key is none.
    #[doc(hidden)]
    pub fn get_row<T>(
        &self,
        table: &Table,
        def: &Arc<TableDef>,
        key: &[Value],
        make: impl FnOnce(Block) -> T,
    ) -> Result<Option<T>> {
        let plans = ready_plans(table, def, self.target())?;
        let positions = def.primary_key().map_or(&[][..], |key| &key.columns);
        if positions.len() != key.len() || key.is_empty() {
            return Err(wrong_key(def, positions, key.len()));
        }
        let typed = positions.iter().filter_map(|at| def.column_at(*at)).zip(key);
        let plain =
            typed.clone().all(|(column, value)| crate::dialect::is_plain(value.as_ref(), column.ty()));
        let fitted: Vec<Value>;
        let params = if plain {
            key
        } else {
            let fit = |(column, value): (&crate::schema::ColumnDef, &Value)| {
                adapt(self.target(), value.clone(), Some(column.ty()), BindUse::Compare)
            };
            fitted = typed.map(fit).collect::<Result<_>>()?;
            &fitted
        };
        let (columns, single) = (Some(&plans.columns), def.is_sure_of_its_key());
        self.block(&Request { columns, single, ..Request::new(&plans.get, params) }, make)
    }
}

/// The key's column, where one integer names one row whatever the database makes of values.
fn is_exact(def: &TableDef, key: &[usize]) -> Option<usize> {
    let [only] = key else { return None };
    let column = def.column_at(*only)?;
    (column.ty().class() == Class::Int && def.kind == crate::schema::TableKind::Table).then_some(*only)
}

fn wrong_key(def: &TableDef, positions: &[usize], given: usize) -> Error {
    let table = def.display_name();
    let names: Vec<String> = def.names_at(positions).map(|name| format!("`{name}`")).collect();
    let message = match names.len() {
        0 => format!("`{table}` has no primary key to look a row up by"),
        _ => format!("the key of `{table}` is {}, {given} values were given", names.join(", ")),
    };
    Error::new(ErrorKind::Invalid, message).with_table(table)
}
