//! Records with attributes that the database works out: one statement each, and the row read back.
//!
//! Called by `insert` and `update` for the few records that have such; what is assigned is told by `assigned`.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::engine::Conn;
use mirrorm_core::expr::Expr;
use mirrorm_core::rows::RowBuffer;
use mirrorm_core::schema::{ColumnDef, ColumnId, Table, TableDef};
use mirrorm_core::stmt::{insert, update};
use mirrorm_core::value::{Value, ValueRef};

use super::finish::{Given, Sent};
use super::insert::tidy;
use super::version::named as columns_that_name;
use crate::assigned::named;
use crate::batch::{Place, key_of};
use crate::inner::Verb;
use crate::key::all_equal;
use crate::load::{key_cell, no_key, vanished};
use crate::record::Record;

/// What a record sends, by column.
struct Sending {
    values: Vec<(ColumnId, Value)>,
    exprs: Vec<(ColumnId, Expr)>,
    place: Option<Place>,
}

impl Sending {
    /// Marks what is set as on its way.
    fn of(record: &Record) -> Sending {
        let mut state = record.0.state.lock();
        state.sent = true;
        let exprs = state.take_exprs();
        Sending { values: state.overlay.to_list(), exprs, place: state.place() }
    }

    /// It was not done: what was to be worked out still is, but where something was set since.
    fn take_back(record: &Record, exprs: Vec<(ColumnId, Expr)>) {
        let is_left = |id: &ColumnId| {
            let state = record.0.state.lock();
            !state.is_worked_out(*id) && !state.overlay.holds(*id)
        };
        record.note_exprs(exprs.into_iter().filter(|(id, _)| is_left(id)).collect());
    }

    fn columns(&self) -> Vec<ColumnId> {
        self.values.iter().map(|(id, _)| *id).collect()
    }

    fn buffer(&self) -> RowBuffer {
        let mut values = RowBuffer::default();
        self.values.iter().for_each(|(_, value)| values.push(value));
        values
    }

    /// All of it, as a statement takes it.
    fn into_set(self, def: &TableDef) -> Vec<(Arc<str>, Expr)> {
        named(def, self.values).into_iter().chain(named(def, self.exprs)).collect()
    }
}

impl Verb<'_> {
    /// Updates the row of a record to what the database makes of it.
    pub(super) fn update_by_expressions(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        record: &Record,
    ) -> Result<()> {
        let sending = Sending::of(record);
        let Some(old) = sending.place.clone() else { return Ok(()) };
        if key_of(def).is_empty() {
            return Err(no_key(def));
        }
        let (columns, values) = (sending.columns(), sending.buffer());
        let key = new_key(def, &old, &sending.values);
        let named = columns_that_name(def);
        let own = named.iter().filter_map(|at| def.column_at(*at)).map(|column| table.c(column.key()));
        let cells = named.iter().map(|at| key_cell(&old, *at).map(ValueRef::to_value));
        let row = all_equal(own, cells.collect::<Result<Vec<_>>>()?);
        let exprs = sending.exprs.clone();
        let done = update(table).set(sending.into_set(def)).filter(row).run(conn);
        if done.inspect_err(|_| Sending::take_back(record, exprs))? != 1 {
            let places = [old];
            let changed = self.find_changed(conn, (table, def), std::iter::once(record), &places)?;
            return Err(changed.unwrap_or_else(|| vanished(record)));
        }
        let new = self.read_back(conn, table, def, &[key], &None)?;
        let given = Given { columns: &columns, values: &values, width: columns.len(), start: 0 };
        self.updated_at((std::slice::from_ref(record), &[old]), new, given)
    }

    /// Inserts the row of a record with what the database makes of it.
    pub(super) fn insert_by_expressions(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        record: &Record,
    ) -> Result<()> {
        self.copy_keys(record)?;
        tidy(&mut record.0.state.lock().overlay, def.generated_key().map(ColumnDef::id));
        let sending = Sending::of(record);
        let (columns, values) = (sending.columns(), sending.buffer());
        let worked_out: Vec<ColumnId> = sending.exprs.iter().map(|(id, _)| *id).collect();
        let exprs = sending.exprs.clone();
        let done = insert(table).values(sending.into_set(def)).run(conn);
        let done = done.inspect_err(|_| Sending::take_back(record, exprs))?;
        if done.key().is_empty() {
            return Err(no_key(def));
        }
        let sent: Sent = Some([columns.clone(), worked_out].concat().into());
        let places = self.read_back(conn, table, def, &[done.key().to_vec()], &sent)?;
        let given = Given { columns: &columns, values: &values, width: columns.len(), start: 0 };
        self.inserted_at(std::slice::from_ref(record), places, given)
    }
}

/// The key of a row after the update.
fn new_key(def: &TableDef, old: &Place, set: &[(ColumnId, Value)]) -> Vec<Value> {
    let value = |at: &usize| {
        let id = def.column_at(*at).map(|column| column.id());
        let new = set.iter().find(|(own, _)| Some(*own) == id).map(|(_, value)| value.clone());
        new.unwrap_or_else(|| old.value(*at).unwrap_or(ValueRef::Null).to_value())
    };
    key_of(def).iter().map(value).collect()
}
