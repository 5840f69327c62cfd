//! `mirrorm diff`: what one schema has otherwise than another.

use std::io::Write;
use std::path::Path;

use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, Snapshot};

use super::{Failure, one_line, open};

/// Prints the differences, one a line; whether there are any.
pub(super) fn diff(
    before: &str,
    after: &str,
    schema: Option<&str>,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    let (before, after) = (snapshot(before, schema)?, snapshot(after, schema)?);
    if before.dialect() != after.dialect() {
        let message = format!(
            "one schema is of {}, the other of {}: types and texts of the two cannot be compared",
            before.dialect(),
            after.dialect()
        );
        return Err(Error::new(ErrorKind::Invalid, message).into());
    }
    let found = before.compare(&after);
    for difference in &found {
        writeln!(out, "{}", one_line(&difference.to_string()))?;
    }
    Ok(!found.is_empty())
}

/// A schema: of a database, or of a file that holds a snapshot.
fn snapshot(source: &str, schema: Option<&str>) -> Result<Snapshot, Failure> {
    if let Some(text) = text_of_snapshot(source) {
        return serde_json::from_str(&text)
            .map_err(|e| Error::new(ErrorKind::Invalid, format!("`{source}`: {e}")).into());
    }
    let reflector = schema.into_iter().fold(Reflector::new(), |made, schema| made.schema(schema));
    Ok(Snapshot::of(&open(source)?.connect()?, &reflector)?)
}

/// The text of a file that is one object of JSON; a database begins with other bytes.
fn text_of_snapshot(source: &str) -> Option<String> {
    let path = Path::new(source);
    let mut start = [0; 1];
    let mut file = std::fs::File::open(path).ok()?;
    std::io::Read::read_exact(&mut file, &mut start).ok()?;
    (start == *b"{").then(|| std::fs::read_to_string(path).ok()).flatten()
}
