//! INSERTs that tell the keys of their rows where the database gives no rows back: one statement for each, unless it makes
//! the keys itself.
//!
//! Called by the session, which reads the rows of the keys.

use std::sync::Arc;

use super::conn::{Conn, Execute};
use super::plan::Writes;
use super::write::{bulk, written};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Expr;
use crate::rows::RowBuffer;
use crate::schema::{ColumnDef, Table, TableDef};
use crate::stmt::Insert;
use crate::stmt::insert::InsertBody;
use crate::value::Value;

impl Insert {
    /// The table it inserts into.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Whether it asks for something of its rows.
    #[doc(hidden)]
    pub fn gives_back(&self) -> bool {
        !self.returning.is_empty()
    }

    /// Inserts, and gives the primary keys of the rows, in their order.
    ///
    /// # Errors
    /// As [`Insert::run`]; `Invalid` where the database does not tell the key of a row.
    #[doc(hidden)]
    pub fn keys(&self, on: &impl Execute) -> Result<Vec<Vec<Value>>> {
        let def = self.table.def();
        self.check_keys(&def)?;
        let is_made = def.generated_key().map(|key| key.key());
        written(on, self.writing(), |conn| {
            let InsertBody::Many { columns, .. } = &self.body else { return self.keys_one_by_one(conn) };
            match is_made.is_some_and(|made| columns.iter().all(|own| **own != *made)) {
                true if self.conflict.is_none() => {
                    let done = bulk(conn, self, true)?;
                    Ok((done.rows, done.ids.into_iter().map(|id| vec![Value::from(id)]).collect()))
                }
                _ => conn.atomically(|conn| self.keys_one_by_one(conn)),
            }
        })
    }

    /// Refuses what the database would not tell the keys of, before it is sent.
    fn check_keys(&self, def: &TableDef) -> Result<()> {
        let key =
            || def.primary_key().into_iter().flat_map(|key| &key.columns).filter_map(|at| def.column_at(*at));
        let gives = |given: &[&Arc<str>]| {
            let is_given = |column: &ColumnDef| given.iter().any(|name| ***name == *column.key());
            def.generated_key().is_some() || key().all(|c| is_given(c) || c.client_default().is_some())
        };
        let is_told = match (&self.body, &self.conflict) {
            (InsertBody::Invalid(_), _) => true,
            (InsertBody::Select { .. }, _) => false,
            (_, Some(conflict)) => conflict.updates() && def.generated_key().is_some(),
            (InsertBody::One(row), None) => gives(&row.iter().map(|(name, _)| name).collect::<Vec<_>>()),
            (InsertBody::Many { columns, .. }, None) => gives(&columns.iter().collect::<Vec<_>>()),
        };
        if is_told { Ok(()) } else { Err(untold(def)) }
    }

    fn keys_one_by_one(&self, conn: &Conn) -> Result<(u64, Vec<Vec<Value>>)> {
        let (mut rows, mut keys) = (0, Vec::new());
        for one in self.one_by_one() {
            let done = one.run_on(conn)?;
            if done.key().is_empty() {
                return Err(untold(&self.table.def()));
            }
            rows += done.rows();
            keys.push(done.key().to_vec());
        }
        Ok((rows, keys))
    }

    /// The same as statements of one row each.
    fn one_by_one(&self) -> Vec<Insert> {
        let InsertBody::Many { columns, rows } = &self.body else { return vec![self.clone()] };
        let value = |values: &RowBuffer, at: usize| Expr::from(values.get(at).to_value());
        let row = |row: usize| {
            let cells = columns.iter().enumerate();
            let cells = cells.map(|(at, name)| (name.clone(), value(&rows.values, row * columns.len() + at)));
            Insert { body: InsertBody::One(cells.collect()), ..self.clone() }
        };
        match rows.wrong_width {
            None => (0..rows.count).map(row).collect(),
            Some(_) => vec![self.clone()],
        }
    }
}

fn untold(def: &TableDef) -> Error {
    let table = def.display_name();
    let message = format!("the database does not tell which rows of `{table}` are inserted");
    Error::new(ErrorKind::Invalid, message).with_table(table)
}
