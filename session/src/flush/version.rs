//! Versions of rows: a row is written only if it is the one that was read.
//!
//! The version stands beside the key in the WHERE of `update` and `delete`. Here is what a flush sets, and who was faster
//! when a row did not match; how a table declares it stands in `mirrorm_core::schema::version`.

use std::sync::Arc;

use mirrorm_core::engine::Conn;
use mirrorm_core::schema::{Table, TableDef, Version};
use mirrorm_core::value::{Value, ValueRef};
use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::{Place, key_of};
use crate::inner::Verb;
use crate::record::{NO_ROW, Record, State};

/// The columns that name a row that is to be written: its key, and its version.
pub(super) fn named(def: &TableDef) -> Vec<usize> {
    key_of(def).iter().copied().chain(def.row_version().map(|(at, _)| at)).collect()
}

/// Forgets what a flush that failed has set.
pub(super) fn forget_version(state: &mut State, def: &TableDef) {
    let column = def.row_version().and_then(|(at, _)| def.column_at(at));
    if let Some(column) = column {
        state.overlay.retain(|id, _| id != column.id());
    }
}

/// Sets the next version, where it is counted.
///
/// # Errors
/// `Invalid` for a row whose version is no number, or has come to an end.
pub(super) fn count_version(state: &mut State, def: &TableDef) -> Result<()> {
    let Some((at, Version::Counted)) = def.row_version() else { return Ok(()) };
    let Some((place, column)) = state.place().zip(def.column_at(at)) else { return Ok(()) };
    let next = match place.value(at) {
        Some(ValueRef::Int(n)) => n.checked_add(1),
        _ => None,
    };
    let Some(next) = next else {
        let (key, table) = (column.key(), def.display_name());
        let shown = place.value(at).map(|value| value.to_value().to_string()).unwrap_or_default();
        let message = format!("`{key}` of a row of `{table}` is {shown}: there is no next version");
        return Err(Error::new(ErrorKind::Invalid, message).with_table(table).with_columns([key]));
    };
    state.overlay.put(column.id(), Value::Int(next));
    Ok(())
}

/// That a row has another version than the one that was read.
pub(crate) struct Changed {
    column: String,
    seen: Value,
    found: Value,
}

impl Changed {
    /// The error of its record.
    pub(crate) fn of(&self, record: &Record) -> Error {
        let Changed { column, seen, found } = self;
        let message = format!(
            "{} was changed since it was read: its `{column}` is {found}, not {seen}; `refresh` it and decide",
            record.describe()
        );
        let error = Error::new(ErrorKind::Stale, message).with_columns([column.as_str()]);
        error.with_table(record.table().def().display_name())
    }
}

/// Whether a row has another version than the one that was read.
pub(crate) fn is_changed(def: &TableDef, seen: &Place, found: &Place) -> Option<Changed> {
    let (at, _) = def.row_version()?;
    let (seen, found) = (seen.value(at)?, found.value(at)?);
    let column = def.column_at(at)?.key().to_string();
    let changed = || Changed { column, seen: seen.to_value(), found: found.to_value() };
    (!seen.is_identical(found)).then(changed)
}

/// Refuses a record that was made of another version of the row.
pub(crate) fn check_version(own: &Record, given: &Record, def: &TableDef) -> Result<()> {
    let Some(column) = def.row_version().and_then(|(at, _)| def.column_at(at)) else { return Ok(()) };
    let (Ok(found), Ok(seen)) = (own.value(column.key()), given.value(column.key())) else { return Ok(()) };
    match seen == found || seen.is_null() {
        true => Ok(()),
        false => Err(Changed { column: column.key().to_string(), seen, found }.of(own)),
    }
}

impl Verb<'_> {
    /// The error of the first row that has another version than the one that was read.
    pub(super) fn find_changed<'r>(
        &self,
        conn: &Conn,
        of: (&Table, &Arc<TableDef>),
        records: impl Iterator<Item = &'r Record>,
        seen: &[Place],
    ) -> Result<Option<Error>> {
        self.find_changed_where(conn, of, records, seen, |_, _| true)
    }

    /// As [`Verb::find_changed`], among the rows for which this holds.
    pub(super) fn find_changed_where<'r>(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        records: impl Iterator<Item = &'r Record>,
        seen: &[Place],
        holds: impl Fn(usize, &Place) -> bool,
    ) -> Result<Option<Error>> {
        if def.row_version().is_none() {
            return Ok(None);
        }
        for (row, (record, seen)) in records.zip(seen).enumerate().filter(|(_, (_, seen))| seen.row != NO_ROW)
        {
            let cell = |at: &usize| seen.value(*at).unwrap_or(ValueRef::Null).to_value();
            let keys = [key_of(def).iter().map(cell).collect()];
            let found = self.rows_of_keys(conn, (table, def), &keys, &None)?.into_values().next();
            let changed =
                found.filter(|found| holds(row, found)).and_then(|found| is_changed(def, seen, &found));
            if let Some(changed) = changed {
                return Ok(Some(changed.of(record)));
            }
        }
        Ok(None)
    }
}
