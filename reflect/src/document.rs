//! A schema as one JSON document, from facts alone: format `schema-oracle/1`.
//!
//! The format is a plain one that other tools can write too; ours is compared with theirs. It
//! holds what the database says; text from the catalog stands as it is there.

use mirrorm_core::Result;
use mirrorm_core::dialect::{
    ColumnFacts, ElementFacts, ForeignKeyFacts, IndexFacts, ObjectKind, Problem, TableFacts,
};
use mirrorm_core::engine::Conn;
use mirrorm_core::types::Type;
use serde_json::{Map, Value, json};

use super::Reflector;

/// The document of what a [`Reflector`] reads.
///
/// # Errors
/// As [`Reflector::facts`].
pub fn document(conn: &Conn, reflector: &Reflector) -> Result<Value> {
    let (facts, problems) = reflector.facts(conn)?;
    let dialect = conn.engine().dialect();
    let schema = match reflector.schema_name() {
        Some(name) => name.to_string(),
        None => dialect.inspector().default_schema(conn.driver())?,
    };
    let of_kind = |views: bool| -> Map<String, Value> {
        let keep =
            facts.iter().filter(|t| (t.kind == ObjectKind::View) == views && t.kind != ObjectKind::Shadow);
        keep.map(|t| (t.name.clone(), if views { view(t) } else { table(t) })).collect()
    };
    let mut out = json!({
        "format": "schema-oracle/1",
        "source": concat!("mirrorm ", env!("CARGO_PKG_VERSION")),
        "dialect": dialect.name(),
        "server_version": conn.target().features().version,
        "default_schema": schema,
        "schemas": { (schema.as_str()): { "tables": of_kind(false), "views": of_kind(true), "enums": {}, "sequences": [] } },
    });
    if !problems.is_empty()
        && let Some(out) = out.as_object_mut()
    {
        let text = |p: &Problem| format!("{}: {}", p.object, p.message);
        out.insert("problems".into(), problems.iter().map(text).collect());
    }
    Ok(out)
}

/// An object without its empty members: absent means that there is nothing to say.
fn object(members: Vec<(&str, Value)>) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    members
        .into_iter()
        .filter(|(_, value)| !empty(value))
        .map(|(name, value)| (name.to_string(), value))
        .collect()
}

fn table(facts: &TableFacts) -> Value {
    let options: Map<String, Value> =
        facts.options.iter().map(|(_, name, value)| (name.to_string(), json!(value))).collect();
    let keys = |k: &mirrorm_core::dialect::KeyFacts| json!({ "name": k.name, "columns": k.columns });
    let mut out = object(vec![("comment", json!(facts.comment)), ("options", Value::Object(options))]);
    if let Some(out) = out.as_object_mut() {
        out.insert("columns".into(), columns(facts));
        out.insert("primary_key".into(), facts.primary_key.as_ref().map(keys).unwrap_or(Value::Null));
        out.insert("foreign_keys".into(), facts.foreign_keys.iter().map(foreign_key).collect());
        out.insert("unique_constraints".into(), facts.uniques.iter().map(keys).collect());
        let checks = facts.checks.iter().map(|c| json!({ "name": c.name, "sqltext": c.sql }));
        out.insert("check_constraints".into(), checks.collect());
        out.insert("indexes".into(), facts.indexes.iter().map(index).collect());
    }
    out
}

fn view(facts: &TableFacts) -> Value {
    json!({ "definition": facts.definition, "materialized": false, "columns": columns(facts) })
}

fn columns(facts: &TableFacts) -> Value {
    facts.columns.iter().enumerate().map(|(i, c)| column(i + 1, c)).collect()
}

fn column(position: usize, facts: &ColumnFacts) -> Value {
    let computed =
        facts.computed.as_ref().map(|(sql, stored)| json!({ "sqltext": sql, "persisted": stored }));
    let mut out = object(vec![("computed", json!(computed)), ("comment", json!(facts.comment))]);
    if let Some(out) = out.as_object_mut() {
        out.insert("name".into(), json!(facts.name));
        out.insert("position".into(), json!(position));
        out.insert("nullable".into(), json!(facts.nullable));
        out.insert("default".into(), json!(facts.default));
        out.insert("autoincrement".into(), json!(facts.autoincrement));
        out.insert("type".into(), column_type(facts));
    }
    out
}

fn column_type(facts: &ColumnFacts) -> Value {
    let (length, precision, scale) = match facts.ty {
        Type::Varchar(n) | Type::Char(n) | Type::Binary(Some(n)) => (Some(n), None, None),
        Type::Numeric(precision, scale) => (None, precision, scale),
        _ => (None, None, None),
    };
    let name = facts.ty.to_string();
    let family = match &facts.ty {
        Type::Any => "none",
        Type::Binary(None) => "blob",
        _ => name.split('(').next().unwrap_or(&name),
    };
    object(vec![
        ("family", json!(family)),
        ("raw", json!(facts.declared)),
        ("length", json!(length)),
        ("precision", json!(precision)),
        ("scale", json!(scale)),
        ("collation", json!(facts.collation)),
    ])
}

fn foreign_key(facts: &ForeignKeyFacts) -> Value {
    json!({
        "name": facts.name,
        "columns": facts.columns,
        "referred_schema": facts.referred_schema,
        "referred_table": facts.referred_table,
        "referred_columns": facts.referred_columns,
        "ondelete": facts.on_delete.as_sql(),
        "onupdate": facts.on_update.as_sql(),
        "deferrable": facts.deferrable.unwrap_or(false),
        "initially": if facts.initially_deferred { "DEFERRED" } else { "IMMEDIATE" },
    })
}

fn index(facts: &IndexFacts) -> Value {
    let elements: Value = facts.elements.iter().map(element).collect();
    let mut out = object(vec![("where", json!(facts.filter))]);
    if let Some(out) = out.as_object_mut() {
        out.insert("name".into(), json!(facts.name));
        out.insert("unique".into(), json!(facts.unique));
        out.insert("elements".into(), elements);
    }
    out
}

fn element(facts: &ElementFacts) -> Value {
    let sorting = if facts.descending { json!(["desc"]) } else { Value::Null };
    object(vec![
        ("column", json!(facts.column)),
        ("expression", json!(facts.expression)),
        ("sorting", sorting),
        ("collation", json!(facts.collation)),
    ])
}
