//! A schema as the Rust source that defines its tables: a module to keep in a program.
//!
//! Not here: the parts of a table (`table`) and how words are written (`words`). What the source cannot say
//! stands at its head.

mod table;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use mirrorm::dialect::{Dialect, ObjectKind, SchemaFacts, TableFacts};

use super::one_line;
use words::Idents;

/// The module.
pub(super) fn source(facts: &SchemaFacts, dialect: &'static dyn Dialect) -> String {
    let tables: Vec<&TableFacts> =
        facts.tables.iter().filter(|table| table.kind != ObjectKind::Shadow).collect();
    let mut idents = Idents::with(["define"]);
    let idents: Vec<String> = tables.iter().map(|table| idents.of(&table.name)).collect();
    let mut used = BTreeSet::new();
    let mut defined = String::new();
    for (table, ident) in tables.iter().zip(&idents) {
        let _ = write!(defined, "\n    fn {ident}(db: &Db) -> Result<Table> {{\n        db.table");
        let parts = table::parts(table, dialect, &mut used);
        let _ = writeln!(defined, "({:?}, {})", table.name, words::tuple(parts, 8));
        defined.push_str("    }\n");
    }
    let mut text = head(facts, dialect.name());
    text.push_str("use mirrorm::prelude::*;\n");
    text.push_str(&imports(&used));
    text.push_str("\n/// The tables.\n#[derive(Clone, Debug)]\npub struct Tables {\n");
    for (table, ident) in tables.iter().zip(&idents) {
        let _ = writeln!(text, "    /// `{}`.\n    pub {ident}: Table,", one_line(&table.name));
    }
    text.push_str(
        "}\n\nimpl Tables {\n    /// Defines the tables in `db`, and sends nothing to the database.\n",
    );
    text.push_str("    pub fn define(db: &Db) -> Result<Tables> {\n        Ok(Tables {\n");
    idents.iter().for_each(|ident| text.push_str(&format!("            {ident}: Tables::{ident}(db)?,\n")));
    text.push_str("        })\n    }\n");
    text.push_str(&defined);
    text.push_str("}\n");
    text
}

/// The paths that are used, those of one module in one line.
fn imports(used: &BTreeSet<&'static str>) -> String {
    let split = |path: &&'static str| path.rsplit_once("::").unwrap_or_default();
    let mut modules: Vec<(&str, Vec<&str>)> = Vec::new();
    for (module, name) in used.iter().map(split) {
        match modules.last_mut().filter(|(last, _)| *last == module) {
            Some((_, names)) => names.push(name),
            None => modules.push((module, vec![name])),
        }
    }
    let line = |(module, names): &(&str, Vec<&str>)| match names.as_slice() {
        [only] => format!("use {module}::{only};\n"),
        several => format!("use {module}::{{{}}};\n", several.join(", ")),
    };
    modules.iter().map(line).collect()
}

/// What the module is, and what it needs or leaves out.
fn head(facts: &SchemaFacts, dialect: &str) -> String {
    let mut text =
        format!("//! Tables of a {dialect} database, as `mirrorm inspect --format rust` prints them.\n");
    let needed = needed(facts);
    if !needed.is_empty() {
        text.push_str("//!\n//! `create_all` makes tables only; these have to be there before:\n");
        needed.iter().for_each(|what| text.push_str(&format!("//! - {}\n", one_line(what))));
    }
    if !facts.problems.is_empty() {
        text.push_str("//!\n//! What could not be read:\n");
        for problem in &facts.problems {
            text.push_str(&format!("//! - {}: {}\n", one_line(&problem.object), one_line(&problem.message)));
        }
    }
    text.push('\n');
    text
}

fn needed(facts: &SchemaFacts) -> Vec<String> {
    let domains = facts.domains.iter().map(|domain| format!("domain {}", domain.name));
    let sequences = facts.sequences.iter().filter(|sequence| !sequence.of_identity);
    let sequences = sequences.map(|sequence| format!("sequence {}", sequence.name));
    let made = |kind| matches!(kind, ObjectKind::Table | ObjectKind::Shadow);
    let others = facts.tables.iter().filter(|table| !made(table.kind));
    let others = others.map(|table| format!("{} {}", table.kind.words(), table.name));
    domains.chain(sequences).chain(others).collect()
}
