//! A schema as one JSON document, from facts alone: format `schema-oracle/1`.
//!
//! The format is a plain one that other tools can write too; ours is compared with theirs. It
//! holds what the database says; text from the catalog stands as it is there.

use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, DomainFacts, ElementFacts, ForeignKeyFacts, IdentityFacts, IndexFacts, KeyFacts,
    ObjectKind, OtherFacts, Problem, TableFacts, TypeFacts,
};
use mirrorm_core::engine::Conn;
use mirrorm_core::schema::Options;
use mirrorm_core::{Result, Value as Cell};
use serde_json::{Map, Value, json};

use super::Reflector;

/// The document of what a [`Reflector`] reads.
///
/// # Errors
/// As [`Reflector::facts`].
pub fn document(conn: &Conn, reflector: &Reflector) -> Result<Value> {
    let facts = reflector.facts(conn)?;
    let dialect = conn.engine().dialect();
    let schema = match reflector.schema_name() {
        Some(name) => name.to_string(),
        None => conn.inspect(|inspector, connection| inspector.default_schema(connection))?,
    };
    let of_kind = |views: bool| -> Map<String, Value> {
        let keep = facts.tables.iter().filter(|t| t.kind.is_view() == views && t.kind != ObjectKind::Shadow);
        keep.map(|t| (t.name.clone(), if views { view(t) } else { table(t) })).collect()
    };
    let enums = facts.enums.iter().map(|e| (e.name.clone(), json!({ "labels": e.labels })));
    let domains = facts.domains.iter().map(|d| (d.name.clone(), domain(d)));
    let mut body = json!({
        "tables": of_kind(false),
        "views": of_kind(true),
        "enums": enums.collect::<Map<String, Value>>(),
        "sequences": facts.sequences.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
    });
    if let (Some(body), false) = (body.as_object_mut(), facts.domains.is_empty()) {
        body.insert("domains".into(), domains.collect::<Map<String, Value>>().into());
    }
    let mut out = json!({
        "format": "schema-oracle/1",
        "source": concat!("mirrorm ", env!("CARGO_PKG_VERSION")),
        "dialect": dialect.name(),
        "server_version": conn.target().features().version,
        "default_schema": schema,
        "schemas": { (schema.as_str()): body },
    });
    if let (Some(out), false) = (out.as_object_mut(), facts.problems.is_empty()) {
        let text = |p: &Problem| format!("{}: {}", p.object, p.message);
        out.insert("problems".into(), facts.problems.iter().map(text).collect());
    }
    Ok(out)
}

/// An object without its empty members: absent means that there is nothing to say.
fn object(members: Vec<(&str, Value)>) -> Value {
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
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

/// An object with these members whatever they are, and more where there is something to say.
fn with(members: Vec<(&str, Value)>, more: Vec<(&str, Value)>) -> Value {
    let mut out = object(more);
    if let Some(out) = out.as_object_mut() {
        out.extend(members.into_iter().map(|(name, value)| (name.to_string(), value)));
    }
    out
}

fn options(options: &Options) -> Value {
    let value = |value: &Cell| match value {
        Cell::Array(list) => list.items().iter().map(Cell::to_string).collect(),
        other => json!(other),
    };
    options.iter().map(|(_, name, v)| (name.to_string(), value(v))).collect::<Map<String, Value>>().into()
}

fn table(facts: &TableFacts) -> Value {
    with(
        vec![
            ("columns", columns(facts)),
            ("primary_key", facts.primary_key.as_ref().map(key).unwrap_or(Value::Null)),
            ("foreign_keys", facts.foreign_keys.iter().map(foreign_key).collect()),
            ("unique_constraints", facts.uniques.iter().map(key).collect()),
            ("check_constraints", facts.checks.iter().map(check).collect()),
            ("indexes", facts.indexes.iter().map(index).collect()),
        ],
        vec![
            ("comment", json!(facts.comment)),
            ("options", options(&facts.options)),
            ("other_constraints", facts.others.iter().map(other).collect()),
        ],
    )
}

fn view(facts: &TableFacts) -> Value {
    with(
        vec![
            ("definition", json!(facts.definition)),
            ("materialized", json!(facts.kind == ObjectKind::MaterializedView)),
            ("columns", columns(facts)),
        ],
        vec![
            ("comment", json!(facts.comment)),
            ("options", options(&facts.options)),
            ("indexes", facts.indexes.iter().map(index).collect()),
        ],
    )
}

fn domain(facts: &DomainFacts) -> Value {
    let checks: Vec<&str> = facts.checks.iter().map(|check| check.sql.as_str()).collect();
    with(
        vec![
            ("type", json!(facts.declared)),
            ("nullable", json!(facts.nullable)),
            ("default", json!(facts.default)),
            ("checks", json!(checks)),
        ],
        vec![("comment", json!(facts.comment)), ("collation", json!(facts.collation))],
    )
}

fn key(facts: &KeyFacts) -> Value {
    let said = |name: &str| facts.options.iter().any(|(_, known, _)| known == name);
    with(
        vec![("name", json!(facts.name)), ("columns", json!(facts.columns))],
        vec![
            ("comment", json!(facts.comment)),
            ("nulls_not_distinct", json!(said("nulls_not_distinct"))),
            ("options", options(&facts.options)),
        ],
    )
}

fn check(facts: &CheckFacts) -> Value {
    with(
        vec![("name", json!(facts.name)), ("sqltext", json!(facts.sql))],
        vec![("comment", json!(facts.comment)), ("options", options(&facts.options))],
    )
}

fn other(facts: &OtherFacts) -> Value {
    with(
        vec![("name", json!(facts.name)), ("sqltext", json!(facts.sql))],
        vec![("comment", json!(facts.comment))],
    )
}

fn columns(facts: &TableFacts) -> Value {
    facts.columns.iter().enumerate().map(|(i, c)| column(i + 1, c)).collect()
}

fn column(position: usize, facts: &ColumnFacts) -> Value {
    let computed =
        facts.computed.as_ref().map(|(sql, stored)| json!({ "sqltext": sql, "persisted": stored }));
    let on_update = facts.options.iter().find(|(_, name, _)| *name == "on_update");
    let of_type = with(
        vec![("family", json!(facts.type_facts.family)), ("raw", json!(facts.declared))],
        vec![("collation", json!(facts.collation))],
    );
    let mut ty = type_facts(&facts.type_facts);
    if let (Some(ty), Value::Object(own)) = (ty.as_object_mut(), of_type) {
        ty.extend(own);
    }
    with(
        vec![
            ("name", json!(facts.name)),
            ("position", json!(position)),
            ("nullable", json!(facts.nullable)),
            ("default", json!(facts.default)),
            ("autoincrement", json!(facts.autoincrement)),
            ("type", ty),
        ],
        vec![
            ("computed", json!(computed)),
            ("comment", json!(facts.comment)),
            ("identity", facts.identity.as_ref().map_or(Value::Null, identity)),
            ("on_update", on_update.map_or(Value::Null, |(_, _, value)| json!(value))),
            ("options", options(&facts.options)),
        ],
    )
}

fn identity(facts: &IdentityFacts) -> Value {
    json!({
        "always": facts.always,
        "start": facts.start,
        "increment": facts.increment,
        "minvalue": facts.min,
        "maxvalue": facts.max,
        "cycle": facts.cycle,
        "cache": facts.cache,
    })
}

fn type_facts(facts: &TypeFacts) -> Value {
    let name = |family: &str| json!(facts.name.as_ref().filter(|_| facts.family == family));
    object(vec![
        ("family", json!(facts.family)),
        ("length", json!(facts.length)),
        ("precision", json!(facts.precision)),
        ("scale", json!(facts.scale)),
        ("unsigned", json!(facts.unsigned)),
        ("zerofill", json!(facts.zerofill)),
        ("timezone", json!(facts.timezone)),
        ("fields", json!(facts.fields)),
        ("values", json!(facts.values)),
        ("enum", name("enum")),
        ("domain", name("domain")),
        ("base", facts.base.as_deref().map_or(Value::Null, type_facts)),
        ("item", facts.item.as_deref().map_or(Value::Null, type_facts)),
        ("dimensions", json!(Some(facts.dimensions).filter(|n| *n > 0))),
    ])
}

fn foreign_key(facts: &ForeignKeyFacts) -> Value {
    with(
        vec![
            ("name", json!(facts.name)),
            ("columns", json!(facts.columns)),
            ("referred_schema", json!(facts.referred_schema)),
            ("referred_table", json!(facts.referred_table)),
            ("referred_columns", json!(facts.referred_columns)),
            ("ondelete", json!(facts.on_delete.as_sql())),
            ("onupdate", json!(facts.on_update.as_sql())),
            ("deferrable", json!(facts.deferrable.unwrap_or(false))),
            ("initially", json!(if facts.initially_deferred { "DEFERRED" } else { "IMMEDIATE" })),
        ],
        vec![
            ("match", json!(facts.match_type)),
            ("comment", json!(facts.comment)),
            ("options", options(&facts.options)),
        ],
    )
}

fn index(facts: &IndexFacts) -> Value {
    let option = |name: &str| facts.options.iter().find(|(_, known, _)| *known == name).map(|(.., v)| v);
    let method = match option("using") {
        Some(Cell::Text(word)) => Some(word.to_ascii_lowercase()),
        _ => None,
    };
    let include: Value = match option("include") {
        Some(Cell::Array(list)) => list.items().iter().map(Cell::to_string).collect(),
        _ => Value::Null,
    };
    let unique = facts.constraint.as_ref().filter(|_| facts.unique);
    with(
        vec![
            ("name", json!(facts.name)),
            ("unique", json!(facts.unique)),
            ("elements", facts.elements.iter().map(element).collect()),
        ],
        vec![
            ("where", json!(facts.filter)),
            ("method", json!(method)),
            ("include", include),
            ("nulls_not_distinct", json!(option("nulls_not_distinct").is_some())),
            ("duplicates_constraint", json!(unique)),
            ("comment", json!(facts.comment)),
            ("options", options(&facts.options)),
        ],
    )
}

fn element(facts: &ElementFacts) -> Value {
    let mut sorting = Vec::new();
    sorting.extend(facts.descending.then_some("desc"));
    sorting.extend(facts.nulls_first.map(|first| if first { "nulls_first" } else { "nulls_last" }));
    object(vec![
        ("column", json!(facts.column)),
        ("expression", json!(facts.expression)),
        ("sorting", json!(sorting)),
        ("length", json!(facts.length)),
        ("collation", json!(facts.collation)),
        ("ops", json!(facts.operator_class)),
    ])
}
