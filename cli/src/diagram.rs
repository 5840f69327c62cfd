//! A schema as the source of a diagram: Mermaid's entity-relationship form, and Graphviz' dot.
//!
//! Not here: drawing. Names are shown as they are; what the two languages would take for their own is
//! replaced or escaped.

use std::collections::HashMap;
use std::fmt::Write as _;

use mirrorm::dialect::{ColumnFacts, ForeignKeyFacts, ObjectKind, SchemaFacts, TableFacts};

/// The tables that are drawn: those of users, without views.
pub(super) fn tables(facts: &SchemaFacts) -> impl Iterator<Item = &TableFacts> {
    let drawn = |kind| matches!(kind, ObjectKind::Table | ObjectKind::Foreign | ObjectKind::Virtual);
    facts.tables.iter().filter(move |table| drawn(table.kind))
}

/// The keys between tables that are drawn.
pub(super) fn keys(
    facts: &SchemaFacts,
) -> impl Iterator<Item = (&TableFacts, &ForeignKeyFacts, &TableFacts)> {
    tables(facts).flat_map(move |table| {
        table.foreign_keys.iter().filter_map(move |key| {
            let other = tables(facts).find(|other| other.name == key.referred_table);
            other.filter(|_| key.referred_schema.is_none()).map(|other| (table, key, other))
        })
    })
}

pub(super) fn is_in_key(table: &TableFacts, column: &ColumnFacts) -> bool {
    table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name))
}

pub(super) fn is_foreign(table: &TableFacts, column: &ColumnFacts) -> bool {
    table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
}

/// Whether a table has at most one row for each that a key points to.
fn is_one(table: &TableFacts, key: &ForeignKeyFacts) -> bool {
    let same = |columns: &[String]| {
        columns.len() == key.columns.len() && columns.iter().all(|c| key.columns.contains(c))
    };
    table.primary_key.iter().chain(&table.uniques).any(|unique| same(&unique.columns))
}

pub(super) fn is_optional(table: &TableFacts, key: &ForeignKeyFacts) -> bool {
    table.columns.iter().any(|column| column.nullable && key.columns.contains(&column.name))
}

/// An `erDiagram` (mermaid.js.org/syntax/entityRelationshipDiagram.html).
pub(super) fn mermaid(facts: &SchemaFacts) -> String {
    let mut text = String::from("erDiagram\n");
    for table in tables(facts) {
        let _ = writeln!(text, "    {} {{", mermaid_name(&table.name));
        for column in &table.columns {
            let marks: Vec<&str> = [(is_in_key(table, column), "PK"), (is_foreign(table, column), "FK")]
                .into_iter()
                .filter_map(|(yes, mark)| yes.then_some(mark))
                .collect();
            let ty = if column.declared.is_empty() { "any" } else { &column.declared };
            let line = format!("        {} {} {}", word(ty), word(&column.name), marks.join(", "));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push_str("    }\n");
    }
    for (table, key, other) in keys(facts) {
        let parent = if is_optional(table, key) { "|o" } else { "||" };
        let child = if is_one(table, key) { "o|" } else { "o{" };
        let (parent_name, child_name) = (mermaid_name(&other.name), mermaid_name(&table.name));
        let label = key.columns.join(", ").replace('"', "'");
        let _ = writeln!(text, "    {parent_name} {parent}--{child} {child_name} : \"{label}\"");
    }
    text
}

/// A name of an entity: in quotes where it is more than a word. Quotes cannot be escaped there.
fn mermaid_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.chars().all(plain) {
        return name.to_string();
    }
    let shown: String = name.chars().map(|c| if "\"%\\\n\r".contains(c) { '_' } else { c }).collect();
    format!("\"{shown}\"")
}

/// A type or a column, which are one word there.
fn word(text: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "_-()[]".contains(c);
    let word: String = text.chars().map(|c| if kept(c) { c } else { '_' }).collect();
    match word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        true => word,
        false => format!("_{word}"),
    }
}

/// A directed graph (graphviz.org/doc/info/lang.html): tables as tables, keys as arrows from column to column.
pub(super) fn dot(facts: &SchemaFacts) -> String {
    let numbers: HashMap<&str, usize> =
        tables(facts).enumerate().map(|(at, t)| (t.name.as_str(), at)).collect();
    let number = |table: &TableFacts| numbers.get(table.name.as_str()).copied().unwrap_or_default();
    let place = |table: &TableFacts, name: &str| table.columns.iter().position(|column| column.name == name);
    let mut text =
        String::from("digraph schema {\n  rankdir=LR;\n  node [shape=plain, fontname=\"sans-serif\"];\n");
    for table in tables(facts) {
        let _ = write!(
            text,
            "  t{} [label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\">",
            number(table)
        );
        let _ = write!(text, "<tr><td bgcolor=\"lightgrey\"><b>{}</b></td></tr>", html(&table.name));
        for (at, column) in table.columns.iter().enumerate() {
            let name = html(&column.name);
            let name = if is_in_key(table, column) { format!("<u>{name}</u>") } else { name };
            let _ = write!(
                text,
                "<tr><td align=\"left\" port=\"c{at}\">{name} {}</td></tr>",
                html(&column.declared)
            );
        }
        text.push_str("</table>>];\n");
    }
    for (table, key, other) in keys(facts) {
        let port = |table: &TableFacts, columns: &[String]| {
            columns.first().and_then(|name| place(table, name)).map_or(String::new(), |at| format!(":c{at}"))
        };
        let from = format!("t{}{}", number(table), port(table, &key.columns));
        let to = format!("t{}{}", number(other), port(other, &key.referred_columns));
        let style = if is_optional(table, key) { " [style=dashed]" } else { "" };
        let _ = writeln!(text, "  {from} -> {to}{style};");
    }
    text.push_str("}\n");
    text
}

/// Text inside a label of Graphviz' HTML.
pub(super) fn html(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        out
    })
}
