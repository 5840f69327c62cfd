//! `mirrorm inspect`: a schema as text for people, and in the forms that others have.

use std::io::Write;
use std::sync::Arc;

use mirrorm::compile::Target;
use mirrorm::dialect::{
    self, ColumnFacts, ElementFacts, ForeignKeyFacts, ObjectKind, Problem, SchemaFacts, TableFacts,
};
use mirrorm::engine::Conn;
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflection, Reflector, RelationshipKind, Snapshot, document, translate};
use mirrorm::schema::Action;

use super::{Failure, Shape, diagram, one_line, picture, source};

/// What to show.
pub(super) struct Request {
    pub(super) table: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) dialect: Option<String>,
    pub(super) rows: bool,
}

impl Request {
    fn reflector(&self) -> Reflector {
        let reflector = self.schema.iter().fold(Reflector::new(), |made, schema| made.schema(schema));
        self.table.iter().fold(reflector, |made, table| made.only([table]))
    }
}

/// Shows a schema.
pub(super) fn inspect(db: &Db, request: &Request, shape: Shape, out: &mut dyn Write) -> Result<(), Failure> {
    let reflector = request.reflector();
    if request.dialect.is_some() && shape != Shape::Sql {
        return Err(Error::new(ErrorKind::Config, "a dialect is for `--format sql`").into());
    }
    let conn = db.connect()?;
    match shape {
        Shape::Text => {
            drop(conn);
            return for_people(db, request, out);
        }
        Shape::Json => writeln!(out, "{:#}", document(&conn, &reflector)?)?,
        Shape::Snapshot => {
            let text = serde_json::to_string_pretty(&Snapshot::of(&conn, &reflector)?)
                .map_err(std::io::Error::from)?;
            writeln!(out, "{text}")?;
        }
        Shape::Sql => statements(&conn, request, out)?,
        Shape::Rust => {
            write!(out, "{}", source::source(&reflector.facts(&conn)?, conn.engine().dialect()))?;
        }
        Shape::Mermaid => write!(out, "{}", diagram::mermaid(&reflector.facts(&conn)?))?,
        Shape::Svg => write!(out, "{}", picture::svg(&reflector.facts(&conn)?))?,
        Shape::Dot => write!(out, "{}", diagram::dot(&reflector.facts(&conn)?))?,
    }
    Ok(())
}

/// The statements that make a schema, where it is or on another database.
fn statements(conn: &Conn, request: &Request, out: &mut dyn Write) -> Result<(), Failure> {
    let facts = request.reflector().facts(conn)?;
    let own = conn.engine().dialect();
    let there = match &request.dialect {
        Some(name) if name != own.name() => translate(&facts, own, &*offline(name)?)?,
        _ => translate(&facts, own, conn.target())?,
    };
    for Problem { object, message } in &there.approximations {
        writeln!(out, "-- {}: {}", one_line(object), one_line(message))?;
    }
    for statement in &there.statements {
        writeln!(out, "{statement};")?;
    }
    Ok(())
}

/// A server of a dialect, as far as it is known without one.
fn offline(name: &str) -> Result<Arc<Target>, Failure> {
    let known = dialect::built_in();
    let Some(found) = known.iter().find(|dialect| dialect.name() == name) else {
        let names: Vec<&str> = known.iter().map(|dialect| dialect.name()).collect();
        let message = format!("there is no dialect `{name}`; there are {}", names.join(", "));
        return Err(Error::new(ErrorKind::Config, message).into());
    };
    Ok(Target::offline(*found))
}

fn for_people(db: &Db, request: &Request, out: &mut dyn Write) -> Result<(), Failure> {
    let reflector = request.reflector();
    let SchemaFacts { tables: facts, problems, .. } = reflector.facts(&db.connect()?)?;
    // Relationships lead to tables that were not asked for, so they come from the whole schema.
    let whole = Request { table: None, schema: request.schema.clone(), dialect: None, rows: false };
    let reflection = db.reflect_with(&whole.reflector())?;
    let shown: Vec<&TableFacts> =
        facts.iter().filter(|t| t.kind != ObjectKind::Shadow || request.table.is_some()).collect();
    for (i, table) in shown.iter().enumerate() {
        if i > 0 {
            line(out, "")?;
        }
        show_table(db, table, &reflection, request.rows, out)?;
    }
    if shown.is_empty() && problems.is_empty() {
        line(out, "no tables")?;
    }
    for problem in &problems {
        line(out, &format!("problem: {}: {}", problem.object, problem.message))?;
    }
    Ok(())
}

fn show_table(
    db: &Db,
    table: &TableFacts,
    reflection: &Reflection,
    rows: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let options: Vec<String> = table.options.iter().map(|(_, name, _)| name.replace('_', " ")).collect();
    let mut title = format!("{} {}", table.kind.words(), table.name);
    if !options.is_empty() {
        title.push_str(&format!(" ({})", options.join(", ")));
    }
    if rows {
        let known = reflection.tables().iter().find(|t| *t.name() == *table.name);
        match known.map(|t| select(t).count(db)) {
            Some(Ok(count)) => title.push_str(&format!(", {count} rows")),
            Some(Err(error)) => title.push_str(&format!(", rows not counted: {}", error.message())),
            None => {}
        }
    }
    line(out, &title)?;
    show_columns(table, out)?;
    show_constraints(table, out)?;
    show_relationships(table, reflection, out)
}

/// Columns in three aligned parts: name, type, and what else there is to say.
fn show_columns(table: &TableFacts, out: &mut dyn Write) -> Result<(), Failure> {
    let width = |of: fn(&ColumnFacts) -> usize| table.columns.iter().map(of).max().unwrap_or(0);
    let (names, types) = (width(|c| c.name.chars().count()), width(|c| c.declared.chars().count()));
    for column in &table.columns {
        let (name, details) = (&column.name, details(table, column));
        let text = format!("  {name:<names$}  {:<types$}  {details}", column.declared);
        line(out, text.trim_end())?;
    }
    Ok(())
}

fn details(table: &TableFacts, column: &ColumnFacts) -> String {
    let mut words: Vec<String> = Vec::new();
    if table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name)) {
        words.push(if column.autoincrement { "key, generated".into() } else { "key".into() });
    }
    if !column.nullable {
        words.push("not null".into());
    }
    words.extend(column.default.as_ref().map(|sql| format!("default {sql}")));
    words.extend(
        column
            .computed
            .as_ref()
            .map(|(sql, stored)| format!("{} as {sql}", if *stored { "stored" } else { "computed" })),
    );
    words.extend(column.collation.as_ref().map(|name| format!("collate {name}")));
    words.join(", ")
}

fn show_constraints(table: &TableFacts, out: &mut dyn Write) -> Result<(), Failure> {
    let named = |name: &Option<String>| name.as_ref().map_or(String::new(), |name| format!("  [{name}]"));
    if let Some(key) = table.primary_key.as_ref().filter(|key| key.columns.len() > 1 || key.name.is_some()) {
        line(out, &format!("  primary key ({}){}", key.columns.join(", "), named(&key.name)))?;
    }
    for key in &table.uniques {
        line(out, &format!("  unique ({}){}", key.columns.join(", "), named(&key.name)))?;
    }
    for check in &table.checks {
        line(out, &format!("  check ({}){}", check.sql, named(&check.name)))?;
    }
    for key in &table.foreign_keys {
        line(out, &format!("  {}{}", foreign_key(key), named(&key.name)))?;
    }
    for other in &table.others {
        line(out, &format!("  {}  [{}]", other.sql, other.name))?;
    }
    for index in table.indexes.iter().filter(|index| index.constraint.is_none()) {
        let unique = if index.unique { "unique index" } else { "index" };
        let elements: Vec<String> = index.elements.iter().map(element).collect();
        let filter = index.filter.as_ref().map_or(String::new(), |sql| format!(" where {sql}"));
        line(out, &format!("  {unique} {} ({}){filter}", index.name, elements.join(", ")))?;
    }
    Ok(())
}

fn foreign_key(key: &ForeignKeyFacts) -> String {
    let mut text = format!("foreign key ({}) -> {}", key.columns.join(", "), key.referred_table);
    if !key.referred_columns.is_empty() {
        text.push_str(&format!(" ({})", key.referred_columns.join(", ")));
    }
    for (word, action) in [("delete", key.on_delete), ("update", key.on_update)] {
        if action != Action::NoAction {
            text.push_str(&format!(", on {word} {}", action.as_sql().to_lowercase()));
        }
    }
    text
}

fn element(element: &ElementFacts) -> String {
    let mut text = element.column.clone().or_else(|| element.expression.clone()).unwrap_or_default();
    if let Some(collation) = &element.collation {
        text.push_str(&format!(" collate {collation}"));
    }
    if let Some(length) = element.length {
        text.push_str(&format!("({length})"));
    }
    if element.descending {
        text.push_str(" desc");
    }
    if let Some(first) = element.nulls_first {
        text.push_str(if first { " nulls first" } else { " nulls last" });
    }
    text
}

fn show_relationships(
    table: &TableFacts,
    reflection: &Reflection,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let own = reflection.relationships().iter().filter(|r| *r.from.name() == *table.name);
    for way in own {
        let kind = match way.kind {
            RelationshipKind::ManyToOne => "one",
            RelationshipKind::OneToOne => "at most one",
            RelationshipKind::OneToMany | RelationshipKind::ManyToMany => "many",
        };
        let through = way
            .through
            .as_ref()
            .map_or(String::new(), |between| format!(" through {}", between.table.name()));
        line(out, &format!("  {}: {kind} {}{through}", way.name, way.to.name()))?;
    }
    Ok(())
}

/// Writes a line of text that the database had a say in.
fn line(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    Ok(writeln!(out, "{}", one_line(text))?)
}
