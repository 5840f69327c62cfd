//! Two schema documents as facts, and where they differ.
//!
//! A fact is one attribute of one object. Facts that are empty on both sides tell nothing and are
//! not counted. Catalog text is normalised on both sides (`text`), so that a tool may print it raw.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::text;

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

/// What a document's database is: its texts and names are looked at accordingly.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Sqlite,
    Postgres,
    MySql,
}

fn facts(document: &Value) -> Facts {
    let of = match document["dialect"].as_str() {
        Some("sqlite") => Of::Sqlite,
        Some("postgresql") => Of::Postgres,
        _ => Of::MySql,
    };
    let mut facts = Facts::new();
    for (_, schema) in members(&document["schemas"]) {
        for (name, table) in members(&schema["tables"]) {
            facts.insert(format!("table {name}"), json!(true));
            columns(&mut facts, &format!("table {name}"), &table["columns"], true, of);
            table_facts(&mut facts, name, table, of);
        }
        for (name, view) in members(&schema["views"]) {
            let owner = format!("view {name}");
            facts.insert(owner.clone(), json!(true));
            columns(&mut facts, &owner, &view["columns"], false, of);
            let definition = view["definition"].as_str().map(text::view);
            facts.insert(format!("{owner} definition"), json!(definition));
            facts.insert(format!("{owner} materialized"), view["materialized"].clone());
            facts.insert(format!("{owner} comment"), view["comment"].clone());
            indexes(&mut facts, &owner, &view["indexes"], of);
        }
        for (name, ty) in members(&schema["enums"]) {
            facts.insert(format!("enum {name}"), ty["labels"].clone());
        }
        for (name, domain) in members(&schema["domains"]) {
            facts.insert(format!("domain {name} type"), domain["type"].clone());
            facts.insert(format!("domain {name} nullable"), domain["nullable"].clone());
            facts.insert(format!("domain {name} default"), default(&domain["default"], of));
        }
        for name in items(&schema["sequences"]) {
            facts.insert(format!("sequence {}", string(name)), json!(true));
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

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn default(value: &Value, of: Of) -> Value {
    json!(value.as_str().and_then(|sql| text::default(sql, of == Of::MySql)))
}

fn expression(value: &Value) -> Value {
    json!(value.as_str().map(text::expression))
}

fn columns(facts: &mut Facts, owner: &str, list: &Value, of_table: bool, of: Of) {
    for column in items(list) {
        let at = format!("{owner} column {}", string(&column["name"]));
        facts.insert(format!("{at} position"), column["position"].clone());
        for (name, value) in type_facts(&column["type"], of) {
            // The other tool reads views on MySQL by DESCRIBE, which tells no collation.
            let untold = !of_table && of == Of::MySql && name == "collation";
            let value = if untold { Value::Null } else { value };
            facts.insert(format!("{at} {name}"), value);
        }
        if !of_table {
            continue;
        }
        facts.insert(format!("{at} nullable"), column["nullable"].clone());
        let raw = if column["default_raw"].is_null() { &column["default"] } else { &column["default_raw"] };
        let computed = &column["computed"];
        let own = if computed.is_null() { default(raw, of) } else { Value::Null };
        // SQLite's keys that make themselves are nobody's word but ours.
        let makes =
            own.as_str().is_some_and(|sql| sql.starts_with("nextval")) || !column["identity"].is_null();
        let increments = match of {
            Of::Sqlite => Value::Null,
            Of::Postgres => json!(makes),
            Of::MySql => column["autoincrement"].clone(),
        };
        facts.insert(format!("{at} default"), own);
        facts.insert(format!("{at} on update"), default(&column["on_update"], of));
        facts.insert(format!("{at} autoincrement"), increments);
        facts.insert(format!("{at} computed"), expression(&computed["sqltext"]));
        facts.insert(format!("{at} persisted"), computed["persisted"].clone());
        for part in ["always", "start", "increment", "minvalue", "maxvalue", "cycle", "cache"] {
            facts.insert(format!("{at} identity {part}"), column["identity"][part].clone());
        }
        facts.insert(format!("{at} comment"), column["comment"].clone());
    }
}

/// The facts of a type: those of its items and of what it is made of among them.
fn type_facts(ty: &Value, of: Of) -> Vec<(String, Value)> {
    let family = family(&string(&ty["family"]), of);
    let mut list = vec![("family".to_string(), json!(family))];
    for name in [
        "length",
        "scale",
        "unsigned",
        "zerofill",
        "timezone",
        "collation",
        "values",
        "enum",
        "domain",
        "fields",
    ] {
        list.push((name.to_string(), ty[name].clone()));
    }
    // The other tool says 53 of PostgreSQL's double precision, and nothing of times without digits.
    let precision = match family.as_str() {
        "double" | "real" => Value::Null,
        _ => ty["precision"].clone(),
    };
    list.push(("precision".to_string(), if precision == json!(0) { Value::Null } else { precision }));
    for part in ["item", "base"] {
        let inner = type_facts_of_part(&ty[part], of);
        list.extend(inner.into_iter().map(|(name, value)| (format!("{part} {name}"), value)));
    }
    list
}

fn type_facts_of_part(ty: &Value, of: Of) -> Vec<(String, Value)> {
    if ty.is_null() { Vec::new() } else { type_facts(ty, of) }
}

fn table_facts(facts: &mut Facts, name: &str, table: &Value, of: Of) {
    let owner = format!("table {name}");
    facts.insert(format!("{owner} comment"), table["comment"].clone());
    facts.insert(format!("{owner} key"), table["primary_key"]["columns"].clone());
    facts.insert(format!("{owner} key name"), table["primary_key"]["name"].clone());
    for key in items(&table["foreign_keys"]) {
        let list = |value: &Value| items(value).map(string).collect::<Vec<_>>().join(",");
        let to = format!("{}({})", string(&key["referred_table"]), list(&key["referred_columns"]));
        let at = format!("{owner} foreign key {}->{to}", list(&key["columns"]));
        facts.insert(at.clone(), json!(true));
        for attribute in ["name", "referred_schema", "deferrable", "initially"] {
            facts.insert(format!("{at} {attribute}"), key[attribute].clone());
        }
        for attribute in ["ondelete", "onupdate"] {
            // InnoDB treats both alike, and the two servers print them differently.
            let action = key[attribute].as_str().filter(|word| of != Of::MySql || *word != "RESTRICT");
            facts.insert(format!("{at} {attribute}"), json!(action));
        }
    }
    for key in items(&table["unique_constraints"]) {
        let at = format!("{owner} unique {}", key["columns"]);
        facts.insert(at.clone(), json!(true));
        facts.insert(format!("{at} name"), key["name"].clone());
        facts.insert(format!("{at} nulls not distinct"), key["nulls_not_distinct"].clone());
    }
    for check in items(&table["check_constraints"]) {
        let at = match check["name"].as_str() {
            Some(name) => format!("{owner} check {name}"),
            None => format!("{owner} check {}", expression(&check["sqltext"])),
        };
        facts.insert(at, expression(&check["sqltext"]));
    }
    indexes(facts, &owner, &table["indexes"], of);
    for (option, value) in members(&table["options"]) {
        if let Some((name, value)) = table_option(option, value, of) {
            facts.insert(format!("{owner} option {name}"), value);
        }
    }
}

/// An option of a table that both sides tell. The other tool calls a partition's table its parent, and
/// prints lists as Python does.
fn table_option(option: &str, value: &Value, of: Of) -> Option<(&'static str, Value)> {
    Some(match (of, option) {
        (Of::Sqlite, "strict") => ("strict", value.clone()),
        (Of::Sqlite, "without_rowid") => ("without_rowid", value.clone()),
        (Of::Postgres, "inherits" | "partition_of") => {
            let text = value.to_string();
            let names = text.split(|c: char| "()[]',\" ".contains(c)).filter(|name| !name.is_empty());
            ("inherits", json!(names.collect::<Vec<_>>()))
        }
        (Of::MySql, "collation" | "collate") => ("collate", value.clone()),
        (Of::MySql, "engine") => ("engine", value.clone()),
        (Of::MySql, "partition_by" | "partitioned") => ("partitioned", json!(true)),
        _ => return None,
    })
}

fn indexes(facts: &mut Facts, owner: &str, list: &Value, of: Of) {
    for index in items(list) {
        let at = format!("{owner} index {}", string(&index["name"]));
        facts.insert(at.clone(), json!(true));
        for attribute in ["unique", "include", "nulls_not_distinct"] {
            facts.insert(format!("{at} {attribute}"), index[attribute].clone());
        }
        facts.insert(format!("{at} method"), json!(index["method"].as_str().filter(|word| *word != "btree")));
        facts.insert(format!("{at} where"), expression(&index["where"]));
        let elements = items(&index["elements"]).map(|e| element(e, of)).collect();
        facts.insert(format!("{at} elements"), elements);
    }
}

/// The other tool does not tell the direction of expressions, so only columns' counts.
fn element(element: &Value, of: Of) -> Value {
    let Some(column) = element["column"].as_str() else { return expression(&element["expression"]) };
    let has = |sort: &str| items(&element["sorting"]).any(|word| word == sort);
    let mut text = column.to_string();
    if of == Of::MySql
        && let Some(length) = element["length"].as_u64()
    {
        text.push_str(&format!("({length})"));
    }
    if has("desc") {
        text.push_str(" desc");
    }
    if has("nulls_last") && has("desc") {
        text.push_str(" nulls last");
    }
    json!(text)
}

/// Families under other names, and SQLite's rule of affinity for names nobody knows
/// (sqlite.org/datatype3.html, 3.1).
fn family(name: &str, of: Of) -> String {
    let name = name.to_lowercase();
    let known = match name.as_str() {
        "int" => "integer",
        "decimal" => "numeric",
        "bool" => "boolean",
        "nvarchar" | "character varying" | "string" => "varchar",
        "character" | "nchar" => "char",
        "double precision" | "double_precision" => "double",
        "" | "unknown" | "any" => "none",
        other => other,
    };
    if of != Of::Sqlite {
        return known.to_string();
    }
    let known = if matches!(known, "double" | "float" | "real") { "real" } else { known };
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
