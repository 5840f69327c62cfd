//! Facts into the parts of a table.
//!
//! What a fact has no part for is a problem, never silence.

use std::collections::HashMap;

use mirrorm_core::Result;
use mirrorm_core::dialect::{
    ColumnFacts, ElementFacts, ForeignKeyFacts, IndexFacts, KeyFacts, ObjectKind, Problem, TableFacts,
};
use mirrorm_core::expr::raw;
use mirrorm_core::schema::{
    Column, Constraint, Existing, ForeignKey, Index, IndexElement, Metadata, Name, Options, PartList,
    Reference, ServerDefault, Setting, Table, TableKind, TableParts, check, column, comment, foreign_key,
    in_schema, index, option, primary_key, unique, verbatim,
};

/// Registers the table of these facts, with the program's names of columns where they are others; a table
/// known already takes the new definition.
pub(super) fn define(
    metadata: &Metadata,
    dialect: &'static str,
    facts: &TableFacts,
    keys: &HashMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Result<Table> {
    let mut list = PartList::default();
    settings(facts).add_to(&mut list);
    let keyed = |column: Column, name: &str| match keys.get(name) {
        Some(key) => column.key(key.as_str()),
        None => column,
    };
    let columns: Vec<Column> =
        facts.columns.iter().map(|c| keyed(one_column(dialect, facts, c), &c.name)).collect();
    columns.add_to(&mut list);
    facts
        .primary_key
        .as_ref()
        .map(|key| said(named(primary_key(names(key)), &key.name), dialect, &key.options, &key.comment))
        .add_to(&mut list);
    let uniques = facts
        .uniques
        .iter()
        .map(|key| said(named(unique(names(key)), &key.name), dialect, &key.options, &key.comment));
    uniques.collect::<Vec<Constraint>>().add_to(&mut list);
    let checks = facts
        .checks
        .iter()
        .map(|c| said(named(check(raw(c.sql.as_str())), &c.name), dialect, &c.options, &c.comment));
    checks.collect::<Vec<Constraint>>().add_to(&mut list);
    let others = facts.others.iter().map(|o| {
        let made = verbatim(dialect, o.sql.as_str()).named(o.name.as_str());
        said(made, dialect, &Options::default(), &o.comment)
    });
    others.collect::<Vec<Constraint>>().add_to(&mut list);
    for key in &facts.foreign_keys {
        match missing_column(facts, key.columns.iter()) {
            None => one_foreign_key(dialect, key).add_to(&mut list),
            Some(column) => problems.push(problem(
                facts,
                format!("a foreign key names the column `{column}`, which is not there"),
            )),
        }
    }
    // What the database keeps for a constraint comes and goes with it.
    for one in facts.indexes.iter().filter(|index| index.constraint.is_none()) {
        match missing_column(facts, one.elements.iter().filter_map(|e| e.column.as_ref())) {
            None => one_index(dialect, one).add_to(&mut list),
            Some(column) => problems.push(problem(
                facts,
                format!("the index `{}` names the column `{column}`, which is not there", one.name),
            )),
        }
    }
    metadata.define(facts.name.as_str(), list)
}

fn problem(facts: &TableFacts, message: String) -> Problem {
    Problem { object: facts.name.clone(), message }
}

fn missing_column<'a>(facts: &TableFacts, mut names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    names.find(|name| !facts.columns.iter().any(|c| c.name == **name))
}

fn settings(facts: &TableFacts) -> Vec<Setting> {
    let definition = facts.definition.as_deref().map(Into::into);
    let kind = match facts.kind {
        ObjectKind::View => TableKind::View(definition),
        ObjectKind::MaterializedView => TableKind::MaterializedView(definition),
        ObjectKind::Foreign => TableKind::Foreign,
        ObjectKind::Virtual | ObjectKind::Shadow => TableKind::Virtual(definition),
        _ => TableKind::Table,
    };
    let mut settings = vec![Setting::Existing(Existing::Replace), Setting::Kind(kind)];
    settings.extend(facts.schema.as_deref().map(in_schema));
    settings.extend(facts.comment.as_deref().map(comment));
    settings.extend(facts.options.iter().map(|(d, n, v)| option(d, n, v.clone())));
    settings
}

fn one_column(dialect: &'static str, table: &TableFacts, facts: &ColumnFacts) -> Column {
    let mut made = column(facts.name.as_str(), facts.ty.clone()).declared(dialect, facts.declared.as_str());
    made = if facts.nullable { made.nullable() } else { made.not_null() };
    if let Some(sql) = &facts.default {
        made = made.server_default(ServerDefault::Sql(sql.as_str().into()));
    }
    if let Some((sql, stored)) = &facts.computed {
        made = made.computed(raw(sql.as_str()), *stored);
    }
    if let Some(numbers) = &facts.identity {
        made = made.identity(numbers.clone());
    }
    if let Some(collation) = &facts.collation {
        made = made.collate(collation.as_str());
    }
    if let Some(text) = &facts.comment {
        made = made.comment(text.as_str());
    }
    let in_key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&facts.name));
    if in_key {
        made = made.autoincrement(table.autoincrement(facts));
    }
    made.options_of(&facts.options)
}

fn names(key: &KeyFacts) -> Vec<Name> {
    key.columns.iter().map(|name| Name::from(name.as_str())).collect()
}

fn named(constraint: Constraint, name: &Option<String>) -> Constraint {
    match name {
        Some(name) => constraint.named(name.as_str()),
        None => constraint,
    }
}

/// A constraint with its options, its comment among them.
fn said(constraint: Constraint, dialect: &str, options: &Options, comment: &Option<String>) -> Constraint {
    comment
        .iter()
        .fold(constraint.options_of(options), |made, text| made.option(dialect, "comment", text.as_str()))
}

fn one_foreign_key(dialect: &str, facts: &ForeignKeyFacts) -> ForeignKey {
    let names = |list: &[String]| list.iter().map(|name| Name::from(name.as_str())).collect::<Vec<Name>>();
    let mut target = Reference::columns(facts.referred_table.as_str(), names(&facts.referred_columns));
    target.schema = facts.referred_schema.as_deref().map(Name::from);
    target.in_default = facts.referred_default;
    let mut key =
        foreign_key(names(&facts.columns), target).on_delete(facts.on_delete).on_update(facts.on_update);
    if let Some(name) = &facts.name {
        key = key.named(name.as_str());
    }
    if let Some(deferrable) = facts.deferrable {
        key = key.deferrable(deferrable, facts.initially_deferred);
    }
    if let Some(word) = &facts.match_type {
        key = key.match_type(word.as_str());
    }
    key = facts.comment.iter().fold(key, |made, text| made.option(dialect, "comment", text.as_str()));
    key.options_of(&facts.options)
}

fn one_index(dialect: &str, facts: &IndexFacts) -> Index {
    let mut made = index(facts.elements.iter().map(element)).named(facts.name.as_str());
    if facts.unique {
        made = made.unique();
    }
    if let Some(filter) = &facts.filter {
        made = made.filter(raw(filter.as_str()));
    }
    made = facts.comment.iter().fold(made, |made, text| made.option(dialect, "comment", text.as_str()));
    made.options_of(&facts.options)
}

fn element(facts: &ElementFacts) -> IndexElement {
    let mut made = match (&facts.column, &facts.expression) {
        (Some(column), _) => IndexElement::column(column.as_str()),
        (None, expression) => IndexElement::expr(raw(expression.as_deref().unwrap_or_default())),
    };
    if let Some(collation) = &facts.collation {
        made = made.collate(collation.as_str());
    }
    if let Some(first) = facts.nulls_first {
        made = made.nulls_first(first);
    }
    if let Some(length) = facts.length {
        made = made.length(length);
    }
    if let Some(name) = &facts.operator_class {
        made = made.operator_class(name.as_str());
    }
    if facts.descending { made.desc() } else { made }
}
