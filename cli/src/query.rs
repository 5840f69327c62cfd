//! `mirrorm query`: rows as a table, as CSV or as JSON.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use mirrorm::prelude::*;
use mirrorm::value::ValueRef;

use super::{Failure, RowsShape, one_line};

/// Runs a statement on a connection that refuses writes, and shows its rows.
pub(super) fn query(db: &Db, sql: &str, shape: RowsShape, out: &mut dyn Write) -> Result<(), Failure> {
    let rows = db.read(|tx| tx.query_text(sql, ()))?;
    match shape {
        RowsShape::Table => table(&rows, out),
        RowsShape::Csv => csv(&rows, out),
        RowsShape::Json => {
            rows.columns().distinct_names()?;
            serde_json::to_writer_pretty(&mut *out, &rows).map_err(std::io::Error::from)?;
            Ok(writeln!(out)?)
        }
    }
}

fn table(rows: &Rows, out: &mut dyn Write) -> Result<(), Failure> {
    if rows.columns().is_empty() {
        return Ok(writeln!(out, "the statement returns no rows")?);
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(rows.columns().iter().map(|column| one_line(column.name())));
    for row in rows {
        table.add_row(row.iter().map(|(_, value)| cell(value)));
    }
    let numbers =
        |value: ValueRef<'_>| matches!(value, ValueRef::Int(_) | ValueRef::Float(_) | ValueRef::Null);
    for (i, column) in table.column_iter_mut().enumerate() {
        if !rows.is_empty() && rows.iter().all(|row| row.value(i).is_ok_and(numbers)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "{table}")?;
    Ok(writeln!(out, "{} row{}", rows.len(), if rows.len() == 1 { "" } else { "s" })?)
}

fn cell(value: ValueRef<'_>) -> String {
    one_line(&value.to_string())
}

/// Comma-separated values (RFC 4180). NULL is an empty field, an empty text a quoted one.
fn csv(rows: &Rows, out: &mut dyn Write) -> Result<(), Failure> {
    let header: Vec<String> = rows.columns().iter().map(|column| field(column.name())).collect();
    writeln!(out, "{}", header.join(","))?;
    for row in rows {
        let fields: Vec<String> = row
            .iter()
            .map(|(_, value)| if value.is_null() { String::new() } else { field(&value.to_string()) })
            .collect();
        writeln!(out, "{}", fields.join(","))?;
    }
    Ok(())
}

fn field(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_string()
}
