//! Two schema documents as facts, and where they differ.
//!
//! A fact is one attribute of one object. Facts that are empty on both sides tell nothing and are
//! not counted. Catalog text is normalised on both sides, so that a tool may print it raw.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Facts that are not empty on both sides, and the differences among them.
pub(crate) struct Comparison {
    pub(crate) telling: usize,
    pub(crate) differences: Vec<String>,
}

type Facts = BTreeMap<String, Value>;

/// Compares what two documents say.
pub(crate) fn compare(oracle: &Value, ours: &Value) -> Comparison {
    let (a, b) = (facts(oracle), facts(ours));
    let mut result = Comparison { telling: 0, differences: Vec::new() };
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        let (x, y) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
        if is_empty(x) && is_empty(y) {
            continue;
        }
        result.telling += 1;
        if x != y {
            result.differences.push(format!("{name}: oracle {x}, ours {y}"));
        }
    }
    result
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => matches!(text.as_str(), "" | "NO ACTION" | "IMMEDIATE"),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn facts(document: &Value) -> Facts {
    let mut facts = Facts::new();
    for (_, schema) in members(&document["schemas"]) {
        for (name, table) in members(&schema["tables"]) {
            facts.insert(format!("table {name}"), json!(true));
            columns(&mut facts, &format!("table {name}"), &table["columns"], true);
            table_facts(&mut facts, name, table);
        }
        for (name, view) in members(&schema["views"]) {
            facts.insert(format!("view {name}"), json!(true));
            columns(&mut facts, &format!("view {name}"), &view["columns"], false);
            facts.insert(format!("view {name} definition"), view_text(&view["definition"]));
        }
    }
    facts
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn columns(facts: &mut Facts, owner: &str, list: &Value, of_table: bool) {
    for column in items(list) {
        let at = format!("{owner} column {}", text(&column["name"]));
        facts.insert(format!("{at} position"), column["position"].clone());
        let ty = &column["type"];
        facts.insert(format!("{at} family"), json!(family(&text(&ty["family"]))));
        for attribute in ["length", "precision", "scale", "collation"] {
            facts.insert(format!("{at} {attribute}"), ty[attribute].clone());
        }
        if of_table {
            facts.insert(format!("{at} nullable"), column["nullable"].clone());
            let raw =
                if column["default_raw"].is_null() { &column["default"] } else { &column["default_raw"] };
            let default = if column["computed"].is_null() { default(raw) } else { Value::Null };
            facts.insert(format!("{at} default"), default);
            facts.insert(format!("{at} computed"), expression(&column["computed"]["sqltext"]));
            facts.insert(format!("{at} persisted"), column["computed"]["persisted"].clone());
        }
    }
}

fn table_facts(facts: &mut Facts, name: &str, table: &Value) {
    let owner = format!("table {name}");
    facts.insert(format!("{owner} key"), table["primary_key"]["columns"].clone());
    facts.insert(format!("{owner} key name"), table["primary_key"]["name"].clone());
    for key in items(&table["foreign_keys"]) {
        let list = |value: &Value| items(value).map(text).collect::<Vec<_>>().join(",");
        let to = format!("{}({})", text(&key["referred_table"]), list(&key["referred_columns"]));
        let at = format!("{owner} foreign key {}->{to}", list(&key["columns"]));
        facts.insert(at.clone(), json!(true));
        for attribute in ["name", "ondelete", "onupdate", "deferrable", "initially"] {
            facts.insert(format!("{at} {attribute}"), key[attribute].clone());
        }
    }
    for key in items(&table["unique_constraints"]) {
        let at = format!("{owner} unique {}", key["columns"]);
        facts.insert(at.clone(), json!(true));
        facts.insert(format!("{at} name"), key["name"].clone());
    }
    for check in items(&table["check_constraints"]) {
        let at = match check["name"].as_str() {
            Some(name) => format!("{owner} check {name}"),
            None => format!("{owner} check {}", expression(&check["sqltext"])),
        };
        facts.insert(at, expression(&check["sqltext"]));
    }
    for index in items(&table["indexes"]) {
        let at = format!("{owner} index {}", text(&index["name"]));
        facts.insert(at.clone(), json!(true));
        facts.insert(format!("{at} unique"), index["unique"].clone());
        facts.insert(format!("{at} where"), expression(&index["where"]));
        facts.insert(format!("{at} elements"), items(&index["elements"]).map(element).collect());
    }
    for (option, value) in members(&table["options"]) {
        if *value != json!(false) && option != "with_rowid" {
            facts.insert(format!("{owner} option {option}"), value.clone());
        }
    }
}

/// The other tool does not tell the direction of expressions, so only columns' counts.
fn element(element: &Value) -> Value {
    match element["column"].as_str() {
        Some(column) => {
            let down = items(&element["sorting"]).any(|word| word == "desc");
            json!(format!("{column}{}", if down { " desc" } else { "" }))
        }
        None => expression(&element["expression"]),
    }
}

/// Families under other names, and SQLite's rule of affinity for names nobody knows
/// (sqlite.org/datatype3.html, 3.1).
fn family(name: &str) -> String {
    let name = name.to_lowercase();
    let known = match name.as_str() {
        "int" => "integer",
        "decimal" => "numeric",
        "bool" => "boolean",
        "nvarchar" | "character varying" | "string" => "varchar",
        "character" | "nchar" => "char",
        "double" | "float" | "real" | "double precision" | "double_precision" => "real",
        "" | "unknown" | "any" => "none",
        other => other,
    };
    let plain = [
        "bigint",
        "blob",
        "boolean",
        "char",
        "date",
        "datetime",
        "integer",
        "json",
        "none",
        "numeric",
        "real",
        "smallint",
        "text",
        "time",
        "timestamp",
        "varchar",
    ];
    if plain.contains(&known) {
        return known.to_string();
    }
    let holds = |words: &[&str]| words.iter().any(|word| known.contains(word));
    let by_rule = if holds(&["int"]) {
        "integer"
    } else if holds(&["char", "clob", "text"]) {
        "text"
    } else if holds(&["blob"]) {
        "none"
    } else if holds(&["real", "floa", "doub"]) {
        "real"
    } else {
        "numeric"
    };
    by_rule.to_string()
}

/// Text outside apostrophes folded to lower case, its white space squeezed or removed.
fn fold(sql: &str, spaces: bool) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for c in sql.trim().chars() {
        if c == '\'' {
            quoted = !quoted;
        }
        match c {
            c if quoted => out.push(c),
            c if c.is_whitespace() => {
                if spaces && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

fn default(value: &Value) -> Value {
    let Some(sql) = value.as_str() else {
        return Value::Null;
    };
    let mut sql = fold(sql, true);
    while let Some(inside) = sql.strip_prefix('(').and_then(|s| s.strip_suffix(')')).filter(|s| balanced(s)) {
        sql = inside.trim().to_string();
    }
    if matches!(sql.as_str(), "" | "null") { Value::Null } else { json!(sql) }
}

fn balanced(sql: &str) -> bool {
    let mut depth = 0;
    sql.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

fn expression(value: &Value) -> Value {
    let Some(sql) = value.as_str() else {
        return Value::Null;
    };
    let mut quoted = false;
    let keep = |c: &char| {
        if *c == '\'' {
            quoted = !quoted;
        }
        quoted || !matches!(c, '(' | ')' | '"' | '`' | '[' | ']')
    };
    json!(fold(sql, false).chars().filter(keep).collect::<String>())
}

/// A view's text from its SELECT on, without comments.
fn view_text(value: &Value) -> Value {
    let Some(sql) = value.as_str() else {
        return Value::Null;
    };
    let mut plain = String::new();
    for line in sql.lines() {
        plain.push_str(line.split("--").next().unwrap_or(line));
        plain.push('\n');
    }
    while let (Some(start), Some(end)) = (plain.find("/*"), plain.find("*/")) {
        if start >= end {
            break;
        }
        plain.replace_range(start..end + 2, " ");
    }
    let lower = plain.to_lowercase();
    let start =
        lower.split_once(" as").and_then(|(before, after)| Some(before.len() + 3 + after.find("select")?));
    expression(&json!(plain.get(start.unwrap_or(0)..).unwrap().trim_end().trim_end_matches(';')))
}
