//! A table in the words of another database.

use std::collections::HashSet;

use mirrorm_core::compile::Target;
use mirrorm_core::dialect::{CheckFacts, ColumnFacts, Dialect, IndexFacts, KeyFacts, TableFacts, TypeFacts};
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::types::{Class, EnumType, Type};

use super::kinds::Kind;
use super::words::Words;
use super::{Keyed, Notes, comment};

/// What the table is there, without its foreign keys' last word.
pub(super) fn translated(
    table: &TableFacts,
    from: &'static dyn Dialect,
    keyed: &Keyed,
    target: &Target,
    notes: &mut Notes,
) -> TableFacts {
    let none = HashSet::new();
    let keyed = keyed.get(&table.name).unwrap_or(&none);
    let exact = from.offline_features().exact_collation.is_none();
    let words = Words::new(table, from, target);
    let mut writer = Writer { table, from, target, notes, keyed, exact, words };
    let columns: Vec<ColumnFacts> = table.columns.iter().map(|column| writer.column(column)).collect();
    let mut checks: Vec<CheckFacts> = table.checks.iter().filter_map(|check| writer.check(check)).collect();
    checks.extend(table.columns.iter().zip(&columns).filter_map(|(from, to)| writer.labels(from, to)));
    let uniques = table.uniques.iter().filter_map(|key| writer.unique(key)).collect();
    let indexes = table.indexes.iter().filter(|index| index.constraint.is_none());
    let indexes = indexes.filter_map(|index| writer.index(index, &columns)).collect();
    for other in &table.others {
        writer.left_out(&format!("the constraint `{}`", other.name));
    }
    writer.options("the table", &table.options);
    TableFacts {
        name: table.name.clone(),
        columns,
        primary_key: table.primary_key.as_ref().map(|key| writer.key("the primary key", key)),
        uniques,
        checks,
        foreign_keys: table.foreign_keys.clone(),
        indexes,
        comment: comment(&table.comment, &table.name, "the table", target, writer.notes),
        ..TableFacts::default()
    }
}

struct Writer<'w> {
    table: &'w TableFacts,
    target: &'w Target,
    notes: &'w mut Notes,
    from: &'static dyn Dialect,
    keyed: &'w HashSet<String>,
    /// Whether the texts of the source are equal only when they are the same.
    exact: bool,
    words: Words<'w>,
}

impl Writer<'_> {
    fn note(&mut self, message: impl Into<String>) {
        self.notes.add(&self.table.name, message);
    }

    fn left_out(&mut self, what: &str) {
        self.note(format!("{what} is left out"));
    }

    fn column(&mut self, facts: &ColumnFacts) -> ColumnFacts {
        let at = format!("column `{}`", facts.name);
        let (ty, declared) = self.ty(facts, &at);
        let made = self.is_made_there(facts, &at);
        let computed = self.computed(facts, &at);
        let default = match made || facts.computed.is_some() {
            true => None,
            false => self.default(facts, &ty, &at),
        };
        if facts.collation.is_some() {
            self.left_out(&format!("{at}: its collation"));
        }
        // Texts that differ in capitals differ there too.
        let exact =
            self.target.features().exact_collation.filter(|_| self.exact && facts.collation.is_none());
        let collation = exact.filter(|_| matches!(ty.class(), Class::Text)).map(str::to_string);
        self.options(&at, &facts.options);
        ColumnFacts {
            name: facts.name.clone(),
            declared: match self.target.grammar().generated_key_type().filter(|_| made) {
                Some(only) => only.to_string(),
                None => declared,
            },
            ty,
            nullable: facts.nullable,
            default,
            autoincrement: made,
            computed,
            collation,
            comment: comment(&facts.comment, &self.table.name, &at, self.target, self.notes),
            ..ColumnFacts::default()
        }
    }

    /// The nearest type, and the words for it.
    fn ty(&mut self, facts: &ColumnFacts, at: &str) -> (Type, String) {
        let portable = self.from.types().widest(&portable(&facts.ty, &facts.type_facts));
        if is_other(&facts.ty) {
            self.note(format!("{at}: its type `{}` becomes {portable}", facts.declared));
        } else if facts.type_facts.family == "domain" {
            self.note(format!(
                "{at}: it is of what the domain `{}` is of, without its conditions",
                facts.declared
            ));
        }
        if facts.type_facts.unsigned && portable == Type::BigInteger && facts.type_facts.family == "bigint" {
            self.note(format!("{at}: numbers above {} are refused", i64::MAX));
        }
        if facts.type_facts.unsigned {
            self.note(format!("{at}: numbers below zero are taken"));
        }
        let (ty, lost) = self.target.types().nearest(&portable, self.keyed.contains(&facts.name));
        if let Some(lost) = lost {
            self.note(format!("{at}: {lost}"));
        }
        let declared = self.target.types().ddl(&ty).unwrap_or_default();
        (ty, declared)
    }

    /// Whether the database makes a column's numbers there: it does for a key of one column.
    fn is_made_there(&mut self, facts: &ColumnFacts, at: &str) -> bool {
        let makes = facts.autoincrement || facts.identity.is_some();
        let alone = self.table.primary_key.as_ref().is_some_and(|key| key.columns == [facts.name.clone()]);
        if makes && !alone {
            self.note(format!("{at}: its numbers are not made there: it is not the key"));
        }
        if let Some(numbers) =
            facts.identity.as_ref().filter(|n| n.start != 1 || n.increment != 1 || n.always)
        {
            self.note(format!("{at}: its numbers go from 1 by 1, not {}", numbers.to_sql()));
        }
        makes && alone && facts.ty.is_integer()
    }

    fn default(&mut self, facts: &ColumnFacts, ty: &Type, at: &str) -> Option<String> {
        let sql = facts.default.as_ref().filter(|_| !facts.autoincrement)?;
        let said = match facts.ty.class() {
            // Braces are an empty array there, and an empty object here.
            Class::Array => {
                (sql.starts_with("'{}'") && ty.class() == Class::Json).then(|| "'[]'".to_string())
            }
            _ => self.words.default(sql, ty),
        };
        if said.is_none() {
            self.note(format!("{at}: its default `{sql}` is left out"));
        }
        said.filter(|text| text != "NULL")
    }

    fn computed(&mut self, facts: &ColumnFacts, at: &str) -> Option<(String, bool)> {
        let (sql, stored) = facts.computed.as_ref()?;
        let Some(said) = self.words.computed(sql, &facts.ty) else {
            self.note(format!("{at}: it is an ordinary column, and not generated by `{sql}`"));
            return None;
        };
        let stored_there = *stored || !self.target.features().virtual_columns;
        if stored_there != *stored {
            self.note(format!("{at}: what is generated is stored"));
        }
        Some((said, stored_there))
    }

    fn check(&mut self, facts: &CheckFacts) -> Option<CheckFacts> {
        let at = match &facts.name {
            Some(name) => format!("the condition `{name}`"),
            None => format!("the condition `{}`", facts.sql),
        };
        let said = self.words.condition(&facts.sql).filter(|_| !self.is_of_changed_columns(&facts.sql));
        let Some(sql) = said else {
            self.left_out(&at);
            return None;
        };
        self.options(&at, &facts.options);
        Some(CheckFacts { name: facts.name.clone(), sql, ..CheckFacts::default() })
    }

    /// Whether a condition is about columns that the database itself gives values, where it may not be.
    fn is_of_changed_columns(&self, sql: &str) -> bool {
        if self.target.features().checks_of_changed_columns {
            return false;
        }
        let made = |name: &str| self.table.columns.iter().any(|c| c.name == name && c.autoincrement);
        let plain = |action: Action| matches!(action, Action::NoAction | Action::Restrict);
        let changed = |name: &str| {
            let mut keys =
                self.table.foreign_keys.iter().filter(|key| key.columns.iter().any(|own| own == name));
            keys.any(|key| !plain(key.on_update) || !plain(key.on_delete) && key.on_delete != Action::Cascade)
        };
        self.words.columns_of(sql).into_iter().any(|name| made(name) || changed(name))
    }

    /// What keeps a column to its labels, where its type does not.
    fn labels(&mut self, from: &ColumnFacts, to: &ColumnFacts) -> Option<CheckFacts> {
        let Type::Enum(labels) = &from.ty else { return None };
        if matches!(to.ty, Type::Enum(_)) {
            return None;
        }
        self.note(format!("column `{}`: a condition keeps it to the labels", from.name));
        let texts: Option<Vec<String>> = labels
            .labels()
            .iter()
            .map(|label| self.target.literal(label.as_str().into(), &Type::Text).ok())
            .collect();
        let sql = format!("{} IN ({})", self.words.name(&from.name), texts?.join(", "));
        Some(CheckFacts { sql, ..CheckFacts::default() })
    }

    fn key(&mut self, at: &str, key: &KeyFacts) -> KeyFacts {
        self.options(at, &key.options);
        if key.comment.is_some() {
            self.left_out(&format!("{at}: its comment"));
        }
        KeyFacts { name: key.name.clone(), columns: key.columns.clone(), ..KeyFacts::default() }
    }

    fn unique(&mut self, key: &KeyFacts) -> Option<KeyFacts> {
        let at = format!("the unique key over {}", key.columns.join(", "));
        let whole = key.options.iter().any(|(_, name, _)| name == "without_overlaps");
        let is_json = |name: &String| {
            let column = self.table.columns.iter().find(|column| column.name == *name);
            column.is_some_and(|column| matches!(column.ty.class(), Class::Json | Class::Array))
        };
        if whole || key.columns.iter().any(is_json) {
            self.left_out(&at);
            return None;
        }
        Some(self.key(&at, key))
    }

    fn index(&mut self, facts: &IndexFacts, columns: &[ColumnFacts]) -> Option<IndexFacts> {
        let at = format!("the index `{}`", facts.name);
        let method = facts.options.iter().find(|(_, name, _)| *name == "using");
        let is_plain = method
            .is_none_or(|(_, _, how)| ["btree", "hash"].contains(&how.to_string().to_lowercase().as_str()));
        let is_json = |name: &String| {
            columns.iter().any(|column| column.name == *name && column.ty.class() == Class::Json)
        };
        if !is_plain || facts.elements.iter().filter_map(|element| element.column.as_ref()).any(is_json) {
            self.left_out(&at);
            return None;
        }
        let mut there = IndexFacts { options: Options::default(), comment: None, ..facts.clone() };
        self.elements(&at, &mut there)?;
        self.filter(&at, &mut there)?;
        self.options(&at, &facts.options);
        if facts.comment.is_some() {
            self.left_out(&format!("{at}: its comment"));
        }
        Some(there)
    }

    fn elements(&mut self, at: &str, index: &mut IndexFacts) -> Option<()> {
        for element in &mut index.elements {
            let said = [
                element.collation.take(),
                element.operator_class.take(),
                element.nulls_first.take().map(|first| format!("nulls first: {first}")),
            ];
            said.into_iter().flatten().for_each(|words| self.left_out(&format!("{at}: `{words}`")));
            if element.length.take().is_some() {
                self.note(format!(
                    "{at}: it is over whole values{}",
                    if index.unique { ", and not unique" } else { "" }
                ));
                index.unique = false;
            }
            let Some(sql) = &element.expression else { continue };
            let said =
                self.words.expression(sql, &INDEXED).filter(|_| self.target.features().expression_indexes);
            if said.is_none() {
                self.left_out(at);
            }
            element.expression = Some(format!("({})", said?));
        }
        Some(())
    }

    fn filter(&mut self, at: &str, index: &mut IndexFacts) -> Option<()> {
        let Some(sql) = index.filter.take() else { return Some(()) };
        index.filter = self.words.condition(&sql).filter(|_| self.target.features().partial_indexes);
        match (&index.filter, index.unique) {
            (Some(_), _) => {}
            (None, true) => {
                self.left_out(at);
                return None;
            }
            (None, false) => self.note(format!("{at}: it is over all rows, not where {sql}")),
        }
        Some(())
    }

    /// Says which options are lost; some say what is said elsewhere too.
    fn options(&mut self, at: &str, options: &Options) {
        let told = ["autoincrement", "identity", "column", "comment", "desc", "inherited"];
        for (_, name, value) in options.iter().filter(|(_, name, _)| !told.contains(name)) {
            self.note(format!("{at}: `{name}` ({value}) is left out"));
        }
    }
}

/// Whether a type has a form on its own database only.
fn is_other(ty: &Type) -> bool {
    match ty {
        Type::Array(item) => is_other(item),
        _ => matches!(ty, Type::Other(_)),
    }
}

/// What an expression in an index gives.
const INDEXED: [Kind; 4] = [Kind::Number, Kind::Text, Kind::Label, Kind::Date];

/// A type that every database has in some form, for one that only its own has.
fn portable(ty: &Type, facts: &TypeFacts) -> Type {
    match (ty, facts.family.as_str()) {
        (Type::Array(item), _) => {
            Type::Array(portable(item, facts.item.as_deref().unwrap_or(&TypeFacts::default())).into())
        }
        // A type with a name of its own is not there.
        (Type::Enum(labels), _) => EnumType::new(labels.labels().iter().cloned()).into(),
        (Type::Other(_), "bit") if facts.length.unwrap_or(1) == 1 => Type::Boolean,
        (Type::Other(_), "bit" | "bit varying" | "geometry" | "point" | "polygon" | "linestring") => {
            Type::Binary(None)
        }
        (Type::Other(_), "money") => Type::Numeric(Some(19), Some(2)),
        (Type::Other(_), "oid") => Type::BigInteger,
        (Type::Other(_), _) => Type::Text,
        _ => ty.clone(),
    }
}
