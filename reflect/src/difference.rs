//! What is otherwise in one schema than in another, part by part, in words.

use std::fmt;

use mirrorm_core::dialect::{SchemaFacts, TableFacts};
use serde_json::Value;

use super::plain::Plain;

/// How a part differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It is there in the later schema only.
    Added(Part),
    /// It is there in the earlier schema only.
    Removed(Part),
    /// It is there in both, and says something else.
    Changed(Part, Vec<Attribute>),
}

/// A part of a schema: a table, a type, a sequence, or a part of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// `table`, `view`, `enum`, `domain`, `sequence`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// For a part of it: `column`, `index` and so on, and its name or what it says.
    pub of: Option<(&'static str, String)>,
}

/// An attribute that differs: its name, and what it was and is, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, as of the field of the facts.
    pub name: String,
    /// What it was; empty where nothing was said.
    pub before: String,
    /// What it is; empty where nothing is said.
    pub after: String,
}

impl Difference {
    /// The part it is about.
    pub fn part(&self) -> &Part {
        match self {
            Difference::Added(part) | Difference::Removed(part) | Difference::Changed(part, _) => part,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        match &self.of {
            Some((kind, name)) if name.is_empty() => write!(f, ": {kind}"),
            Some((kind, name)) => write!(f, ": {kind} {name}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Added(part) => write!(f, "{part} is new"),
            Difference::Removed(part) => write!(f, "{part} is gone"),
            Difference::Changed(part, attributes) => {
                write!(f, "{part}: ")?;
                for (at, Attribute { name, before, after }) in attributes.iter().enumerate() {
                    let none =
                        |text: &str| if text.is_empty() { "nothing".to_string() } else { text.to_string() };
                    write!(
                        f,
                        "{}{name} {} -> {}",
                        if at > 0 { ", " } else { "" },
                        none(before),
                        none(after)
                    )?;
                }
                Ok(())
            }
        }
    }
}

/// The differences of two schemas, in the order of their parts, each part found by its name; constraints
/// without names are told apart by what they say.
pub fn differences(before: &SchemaFacts, after: &SchemaFacts) -> Vec<Difference> {
    let mut found = Vec::new();
    let tables = |facts: &SchemaFacts| -> Vec<Named> {
        facts.tables.iter().map(|table| (kind_of(table), table.name.clone(), attributes_of(table))).collect()
    };
    compare(&tables(before), &tables(after), None, &mut found);
    for table in &before.tables {
        let same = |other: &&TableFacts| other.name == table.name && kind_of(other) == kind_of(table);
        if let Some(later) = after.tables.iter().find(same) {
            let owner = Some((kind_of(table), table.name.as_str()));
            compare(&parts_of(table), &parts_of(later), owner, &mut found);
        }
    }
    let others = |facts: &SchemaFacts| -> Vec<Named> {
        let enums = facts.enums.iter().map(|e| ("enum", e.name.clone(), e.out()));
        let domains = facts.domains.iter().map(|d| ("domain", d.name.clone(), d.out()));
        let sequences = facts.sequences.iter().map(|s| ("sequence", s.name.clone(), s.out()));
        enums.chain(domains).chain(sequences).collect()
    };
    compare(&others(before), &others(after), None, &mut found);
    found
}

/// Kind, name, and all it says.
type Named = (&'static str, String, Value);

fn kind_of(table: &TableFacts) -> &'static str {
    if table.kind.is_view() { "view" } else { "table" }
}

/// What a table says beside its parts.
fn attributes_of(table: &TableFacts) -> Value {
    let TableFacts { kind, temporary, comment, definition, options, .. } = table.clone();
    TableFacts { kind, temporary, comment, definition, options, ..TableFacts::default() }.out()
}

fn parts_of(table: &TableFacts) -> Vec<Named> {
    let mut parts: Vec<Named> = Vec::new();
    let list = |names: &[String]| format!("({})", names.join(", "));
    parts.extend(table.columns.iter().map(|c| ("column", c.name.clone(), c.out())));
    parts.extend(table.primary_key.iter().map(|key| ("primary key", String::new(), key.out())));
    let named = |name: &Option<String>, says: String| name.clone().unwrap_or(says);
    parts.extend(table.uniques.iter().map(|key| ("unique", named(&key.name, list(&key.columns)), key.out())));
    parts.extend(table.checks.iter().map(|c| ("check", named(&c.name, format!("({})", c.sql)), c.out())));
    parts.extend(table.foreign_keys.iter().map(|key| {
        let says = format!("{} -> {}", list(&key.columns), key.referred_table);
        ("foreign key", named(&key.name, says), key.out())
    }));
    parts.extend(table.others.iter().map(|other| ("constraint", other.name.clone(), other.out())));
    let own = table.indexes.iter().filter(|index| index.constraint.is_none());
    parts.extend(own.map(|index| ("index", index.name.clone(), index.out())));
    parts
}

fn compare(
    before: &[Named],
    after: &[Named],
    owner: Option<(&'static str, &str)>,
    found: &mut Vec<Difference>,
) {
    let part = |(kind, name, _): &Named| match owner {
        Some((owner, table)) => {
            Part { kind: owner, name: table.to_string(), of: Some((*kind, name.clone())) }
        }
        None => Part { kind, name: name.clone(), of: None },
    };
    let same = |a: &Named, b: &Named| a.0 == b.0 && a.1 == b.1;
    for one in before {
        match after.iter().find(|other| same(one, other)) {
            None => found.push(Difference::Removed(part(one))),
            Some(other) if one.2 != other.2 => {
                found.push(Difference::Changed(part(one), attributes(&one.2, &other.2)));
            }
            Some(_) => {}
        }
    }
    let new = after.iter().filter(|other| !before.iter().any(|one| same(one, other)));
    found.extend(new.map(|one| Difference::Added(part(one))));
}

/// The attributes of two parts that differ. A type in the database's words says what its parts say again.
fn attributes(before: &Value, after: &Value) -> Vec<Attribute> {
    let empty = serde_json::Map::new();
    let (a, b) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let mut names: Vec<&String> = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))).collect();
    names.retain(|name| a.get(*name) != b.get(*name));
    if names.iter().any(|name| *name == "declared") {
        names.retain(|name| *name != "ty" && *name != "type_facts");
    }
    let attribute = |name: &String| Attribute {
        name: name.replace('_', " "),
        before: in_words(a.get(name), b.get(name)),
        after: in_words(b.get(name), a.get(name)),
    };
    names.into_iter().map(attribute).collect()
}

/// A value for people. What is not said of a truth value is that it is false.
fn in_words(value: Option<&Value>, other: Option<&Value>) -> String {
    match (value, other) {
        (None, Some(Value::Bool(_))) => "false".to_string(),
        (None, _) => String::new(),
        (Some(Value::String(text)), _) => text.clone(),
        (Some(Value::Array(list)), _) if list.iter().all(Value::is_string) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            format!("({})", words.join(", "))
        }
        (Some(other), _) => other.to_string(),
    }
}
