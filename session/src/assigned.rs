//! What is assigned to attributes: values, and expressions that the database works out when the record is flushed.
//!
//! Values lie in a record's overlay; expressions, which are few, beside its relationships, so that what is written while a
//! flush runs waits for the next. Called by `record`; `flush::expressions` sends them.

use std::sync::Arc;

use mirrorm_core::expr::Expr;
use mirrorm_core::schema::{ColumnDef, ColumnId, TableDef};
use mirrorm_core::stmt::IntoValues;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::key_of;
use crate::overlay::{Overlay, Packing};
use crate::record::{Record, State};

/// Values and expressions by column.
#[derive(Default)]
pub(crate) struct Assigned {
    pub(crate) values: Vec<(ColumnId, Value)>,
    pub(crate) exprs: Vec<(ColumnId, Expr)>,
}

/// Resolves what is assigned against a table. The values are made before any lock is taken.
pub(crate) fn gather(
    def: &TableDef,
    values: impl IntoValues,
    mut take: impl FnMut(&ColumnDef, Expr) -> Result<()>,
) -> Result<()> {
    let (mut done, is_plain) = (Ok(()), def.hybrids().is_empty());
    values.each(&mut |name, expr| {
        if done.is_ok() {
            done = match is_plain {
                true => def.column(name).and_then(|column| take(column, expr)),
                false => assign(def, (name, expr), &mut take, 0),
            };
        }
    });
    done
}

/// How deep attributes that are no columns may assign each other.
const MAX_NESTED: usize = 32;

/// Takes what is assigned to an attribute: to its column, or to those it assigns itself.
fn assign(
    def: &TableDef,
    (name, expr): (&str, Expr),
    take: &mut dyn FnMut(&ColumnDef, Expr) -> Result<()>,
    depth: usize,
) -> Result<()> {
    let Some(hybrid) = def.hybrid(name) else { return take(def.column(name)?, expr) };
    if depth == MAX_NESTED {
        let message = format!("assigning `{name}` of `{}` assigns it again", def.display_name());
        return Err(Error::new(ErrorKind::Invalid, message).with_columns([name]));
    }
    let mut all = hybrid.assigned(expr)?.into_iter();
    all.try_for_each(|(name, expr)| assign(def, (&name, expr), take, depth + 1))
}

impl Assigned {
    /// Adds what is assigned to a column; the last word holds.
    ///
    /// # Errors
    /// `Invalid` for an expression of the key, by which the row is found; the mistake that an expression carries; `Vetoed`
    /// from the column's validator.
    pub(crate) fn take(&mut self, def: &TableDef, column: &ColumnDef, assigned: Expr) -> Result<()> {
        let id = column.id();
        match assigned.try_value() {
            Ok(value) => {
                let value = column.validated(value).map_err(|e| e.with_table(def.display_name()))?;
                self.exprs.retain(|(own, _)| *own != id);
                put(&mut self.values, id, value);
            }
            Err(expr) => {
                expr.mistake().cloned().map_or(Ok(()), Err)?;
                if key_of(def).iter().any(|at| def.column_at(*at).is_some_and(|key| key.id() == id)) {
                    let message = format!(
                        "`{}` of `{}` is part of the key, which is a value: the row is found by it",
                        column.key(),
                        def.display_name()
                    );
                    return Err(Error::new(ErrorKind::Invalid, message).with_columns([column.key()]));
                }
                self.values.retain(|(own, _)| *own != id);
                put(&mut self.exprs, id, expr);
            }
        }
        Ok(())
    }
}

/// What is assigned to a new record: mostly values, in the order of their columns, which are packed as they come.
#[derive(Default)]
pub(crate) struct New {
    packing: Packing,
    /// All of it, once there is anything else.
    rest: Option<Assigned>,
}

impl New {
    /// Adds what is assigned to a column, as [`Assigned::take`] does.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn take(&mut self, def: &TableDef, column: &ColumnDef, mut assigned: Expr) -> Result<()> {
        if self.rest.is_none() && !column.is_validated() {
            match assigned.try_value() {
                Ok(value) if self.packing.push(column.id(), &value) => return Ok(()),
                Ok(value) => assigned = value.into(),
                Err(expr) => assigned = expr,
            }
        }
        let packing = &mut self.packing;
        let all = || Assigned { values: std::mem::take(packing).finish().to_list(), exprs: Vec::new() };
        self.rest.get_or_insert_with(all).take(def, column, assigned)
    }

    /// The values and the expressions.
    pub(crate) fn finish(self) -> (Overlay, Vec<(ColumnId, Expr)>) {
        match self.rest {
            None => (self.packing.finish(), Vec::new()),
            Some(Assigned { values, exprs }) => (values.into(), exprs),
        }
    }
}

/// Puts something over whatever the column held.
pub(crate) fn put<T>(list: &mut Vec<(ColumnId, T)>, id: ColumnId, value: T) {
    match list.iter_mut().find(|(own, _)| *own == id) {
        Some(place) => place.1 = value,
        None => {
            if list.capacity() == 0 {
                list.reserve_exact(1);
            }
            list.push((id, value));
        }
    }
}

impl State {
    /// Whether the database is to work anything out.
    pub(crate) fn has_exprs(&self) -> bool {
        self.links.as_ref().is_some_and(|links| links.has_exprs())
    }

    /// Takes the expressions, which are about to be sent: what comes of them is a value.
    pub(crate) fn take_exprs(&mut self) -> Vec<(ColumnId, Expr)> {
        let taken = self.links.as_mut().map_or(Vec::new(), |links| links.take_exprs());
        self.links = self.links.take().filter(|links| !links.is_empty());
        taken
    }

    /// Whether the value of a column is worked out by the next flush.
    pub(crate) fn is_worked_out(&self, id: ColumnId) -> bool {
        self.links.as_ref().is_some_and(|links| links.expr(id))
    }
}

impl Record {
    /// What the database is to work out, by the columns' keys.
    pub(crate) fn exprs(&self) -> Vec<(Arc<str>, Expr)> {
        let exprs = self.0.state.lock().links.as_ref().map_or(Vec::new(), |links| links.all_exprs());
        named(&self.table().def(), exprs)
    }

    /// A new record with the values of this one, for another row: without the key that the database makes, the version and
    /// what is computed. Its relationships are those its keys make.
    ///
    /// # Errors
    /// `Unloaded` for an attribute that is not known, which the copy would lose.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let pages = db.table("pages", (column("id", Integer).primary_key(), column("text", Text)))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let page = session.add(pages.record(values! { "text" => "a" })?)?;
    /// session.commit()?;
    /// let copy = session.add(page.duplicate()?)?;
    /// session.commit()?;
    /// assert_eq!((copy.get::<i64>("id")?, copy.get::<String>("text")?), (2, "a".to_string()));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn duplicate(&self) -> Result<Record> {
        let table = self.table();
        let def = table.def();
        let generated = def.generated_key().map(ColumnDef::id);
        let is_own = |column: &&ColumnDef| {
            column.read_only().is_none() && column.row_version().is_none() && Some(column.id()) != generated
        };
        // Of a row that is not there yet, what was not given is left to whoever gives it.
        let is_row = self.key().is_some();
        let mut values = Vec::new();
        for column in def.columns().filter(is_own) {
            match self.value(column.key()) {
                Ok(value) => values.push((column.id(), value)),
                Err(error) if is_row => return Err(error),
                Err(_) => {}
            }
        }
        Ok(Record::transient(&table, values.into()))
    }

    /// Notes expressions for the next flush.
    pub(crate) fn note_exprs(&self, exprs: Vec<(ColumnId, Expr)>) {
        if !exprs.is_empty() {
            self.edit_links(|links| exprs.into_iter().for_each(|(id, expr)| put(&mut links.exprs, id, expr)));
        }
    }
}

/// Columns by their keys, as a statement takes them.
pub(crate) fn named<T: Into<Expr>>(
    def: &TableDef,
    list: impl IntoIterator<Item = (ColumnId, T)>,
) -> Vec<(Arc<str>, Expr)> {
    let key = |id: ColumnId| def.place_of(id).map(|(_, column)| Arc::from(column.key()));
    list.into_iter().filter_map(|(id, value)| Some((key(id)?, value.into()))).collect()
}
