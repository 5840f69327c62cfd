//! Checked, never run: mirrorm beside the oldest rusqlite of its range, as a program that has
//! rusqlite already would use it.

use mirrorm::prelude::*;

/// The driver's connection is the program's own rusqlite.
pub fn version(db: &Db) -> Result<Option<String>> {
    let conn = db.connect()?;
    let raw: Option<&rusqlite::Connection> = mirrorm::dialect::sqlite::raw(&conn);
    Ok(raw.and_then(|raw| raw.query_row("SELECT sqlite_version()", [], |row| row.get(0)).ok()))
}
