//! Rows of PostgreSQL's catalog, put together into facts. Not here: asking for them (`inspect`).

use std::collections::HashMap;

use mirrorm_core::Result;
use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, DomainFacts, ElementFacts, EnumFacts, ForeignKeyFacts, IdentityFacts,
    IndexFacts, KeyFacts, ObjectKind, OtherFacts, SchemaFacts, Scope, SequenceFacts, TableFacts, TypeFacts,
    TypeMap,
};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::types::Type;
use mirrorm_core::value::{Array, FromValue};

use super::types::{PostgresTypes, type_facts};
use crate::known_types::KnownTypes;

/// The name of the dialect in options.
const OWN: &str = "postgresql";

/// A table or a view of a row of names, without its parts.
pub(super) fn object(row: &Row, schema: Option<&str>) -> Result<(i64, TableFacts)> {
    let kind = match row.get::<String>(2)?.as_str() {
        "v" => ObjectKind::View,
        "m" => ObjectKind::MaterializedView,
        "f" => ObjectKind::Foreign,
        _ => ObjectKind::Table,
    };
    let schema = schema.map(str::to_string);
    Ok((row.get(0)?, TableFacts { schema, name: row.get(1)?, kind, ..TableFacts::default() }))
}

/// The types that have names of their own, and arrays, by oid.
#[derive(Default)]
pub(super) struct Types {
    known: HashMap<i64, Named>,
    plain: KnownTypes,
    enums: Vec<EnumFacts>,
    domains: Vec<(DomainFacts, i64)>,
}

enum Named {
    Enum(EnumFacts),
    /// What it is made of, in the server's words and by its oid, and the domain itself.
    Domain(Box<DomainFacts>, i64),
    ArrayOf(i64),
}

impl Types {
    pub(super) fn add(&mut self, row: &Row, schema: Option<&str>) -> Result<()> {
        let oid = row.get(0)?;
        let (other, name): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        let schema = other.or(schema.map(str::to_string));
        let kind: String = row.get(3)?;
        let named = match kind.as_str() {
            "e" => {
                let facts = EnumFacts { schema, name, labels: list(row, 4)?, comment: row.get(12)? };
                self.enums.push(facts.clone());
                Named::Enum(facts)
            }
            "d" => {
                let (facts, base) = (domain(row, schema, name)?, row.get(6)?);
                self.domains.push((facts.clone(), base));
                Named::Domain(Box::new(facts), base)
            }
            _ => Named::ArrayOf(row.get(13)?),
        };
        self.known.insert(oid, named);
        Ok(())
    }

    /// The type of an oid that is printed so, and its parts. Domains are what they are made of.
    fn of(&self, oid: i64, declared: &str, dimensions: u32) -> (Type, TypeFacts) {
        match self.known.get(&oid) {
            Some(Named::Enum(facts)) => (facts.to_type(), TypeFacts::of(&facts.to_type())),
            Some(Named::Domain(domain, base)) => {
                let (ty, facts) = self.of(*base, &domain.declared, 0);
                let own = TypeFacts {
                    family: "domain".to_string(),
                    schema: domain.schema.clone(),
                    name: Some(domain.name.clone()),
                    base: Some(Box::new(facts)),
                    ..TypeFacts::default()
                };
                (ty, own)
            }
            Some(Named::ArrayOf(item)) => {
                let (ty, facts) = self.of(*item, declared.trim_end_matches("[]"), 0);
                let own = TypeFacts {
                    family: "array".to_string(),
                    item: Some(Box::new(facts)),
                    dimensions: dimensions.max(1),
                    ..TypeFacts::default()
                };
                (Type::Array(ty.into()), own)
            }
            None => self.plain.of(declared, || (PostgresTypes.parse(declared), type_facts(declared))),
        }
    }

    /// Whether a domain, or one it is made of, refuses NULL, and the default it gives.
    fn of_domain(&self, oid: i64) -> (bool, Option<&str>) {
        match self.known.get(&oid) {
            Some(Named::Domain(domain, base)) => {
                let (refuses, default) = self.of_domain(*base);
                (refuses || !domain.nullable, domain.default.as_deref().or(default))
            }
            _ => (false, None),
        }
    }

    fn finish(mut self) -> (Vec<EnumFacts>, Vec<DomainFacts>) {
        let domains = std::mem::take(&mut self.domains);
        let typed = domains.into_iter().map(|(domain, base)| {
            let (ty, _) = self.of(base, &domain.declared, 0);
            DomainFacts { ty, ..domain }
        });
        let domains = typed.collect();
        (self.enums, domains)
    }
}

fn domain(row: &Row, schema: Option<String>, name: String) -> Result<DomainFacts> {
    let names = list(row, 10)?.into_iter();
    let check = |(name, definition): (String, String)| {
        let (sql, options) = check_body(&definition);
        CheckFacts { name: Some(name), sql, options, comment: None }
    };
    Ok(DomainFacts {
        schema,
        name,
        declared: row.get(5)?,
        ty: Type::Any,
        nullable: !row.get::<bool>(7)?,
        default: row.get(8)?,
        collation: row.get(9)?,
        checks: names.zip(list(row, 11)?).map(check).collect(),
        comment: row.get(12)?,
    })
}

/// `CHECK ((..)) NOT VALID` as the condition and what follows it.
fn check_body(definition: &str) -> (String, Options) {
    let mut options = Options::default();
    let mut body = definition.trim();
    for (words, name) in [(" NOT VALID", "not_valid"), (" NO INHERIT", "no_inherit")] {
        if let Some(rest) = body.strip_suffix(words) {
            options.set(OWN, name, true);
            body = rest;
        }
    }
    let body = body.strip_prefix("CHECK ").unwrap_or(body);
    let inside = body.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(body);
    (inside.to_string(), options)
}

/// The tables that are being put together.
pub(super) struct Gathered {
    types: Types,
    schema: Option<String>,
    without_views: bool,
    tables: Vec<TableFacts>,
    places: HashMap<i64, usize>,
    sequences: Vec<SequenceFacts>,
}

impl Gathered {
    pub(super) fn new(types: Types, scope: &Scope) -> Gathered {
        Gathered {
            types,
            schema: scope.schema.clone(),
            without_views: scope.without_views,
            tables: Vec::new(),
            places: HashMap::new(),
            sequences: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(super) fn finish(self) -> SchemaFacts {
        let (enums, domains) = self.types.finish();
        SchemaFacts {
            schema: self.schema,
            tables: self.tables,
            enums,
            domains,
            sequences: self.sequences,
            problems: Vec::new(),
        }
    }

    pub(super) fn object(&mut self, row: &Row) -> Result<()> {
        let (oid, mut table) = object(row, self.schema.as_deref())?;
        if self.without_views && table.kind.is_view() {
            return Ok(());
        }
        table.comment = row.get(3)?;
        table.temporary = row.get::<String>(4)? == "t";
        table.options = table_options(row)?;
        self.places.insert(oid, self.tables.len());
        self.tables.push(table);
        Ok(())
    }

    /// The table a row is of, if it is wanted.
    fn table(&mut self, row: &Row) -> Result<Option<&mut TableFacts>> {
        let place = self.places.get(&row.get::<i64>(0)?);
        Ok(place.and_then(|at| self.tables.get_mut(*at)))
    }

    pub(super) fn column(&mut self, row: &Row) -> Result<()> {
        let mut declared: String = row.get(2)?;
        let (oid, dimensions): (i64, u32) = (row.get(9)?, row.get(10)?);
        // The server keeps the number of dimensions and prints one.
        (1..dimensions).for_each(|_| declared.push_str("[]"));
        let (ty, type_facts) = self.types.of(oid, &declared, dimensions);
        let (refuses_null, default) = self.types.of_domain(oid);
        let of_type = default.map(str::to_string);
        let Some(table) = self.table(row)? else { return Ok(()) };
        let (expression, identity): (Option<String>, String) = (row.get(4)?, row.get(5)?);
        let generated: String = row.get(6)?;
        let serial = expression.as_deref().is_some_and(|sql| sql.starts_with("nextval("));
        let (default, computed) = match generated.as_str() {
            "" => (expression.or(of_type), None),
            kind => (None, expression.map(|sql| (sql, kind == "s"))),
        };
        table.columns.push(ColumnFacts {
            name: row.get(1)?,
            ty,
            type_facts,
            declared,
            nullable: !row.get::<bool>(3)? && !refuses_null,
            default,
            autoincrement: serial || !identity.is_empty(),
            identity: None,
            computed,
            collation: row.get(7)?,
            comment: row.get(8)?,
            options: column_options(row, &identity)?,
        });
        Ok(())
    }

    pub(super) fn constraint(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: String = row.get(1)?;
        let columns: Vec<String> = list(row, 3)?;
        let (comment, options) = (row.get(16)?, constraint_options(row)?);
        let named = Some(name.clone());
        match row.get::<String>(2)?.as_str() {
            "p" => table.primary_key = Some(KeyFacts { name: named, columns, comment, options }),
            "u" => table.uniques.push(KeyFacts { name: named, columns, comment, options }),
            "c" => {
                let sql = row.get::<Option<String>>(4)?.unwrap_or_default();
                table.checks.push(CheckFacts {
                    name: named,
                    sql: without_parentheses(sql),
                    comment,
                    options,
                });
            }
            "x" => {
                let sql = row.get::<Option<String>>(18)?.unwrap_or_default();
                table.others.push(OtherFacts { name, sql, comment });
            }
            _ => table.foreign_keys.push(ForeignKeyFacts {
                comment,
                options,
                ..foreign_key(row, named, columns)?
            }),
        }
        Ok(())
    }

    pub(super) fn index(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: String = row.get(1)?;
        if table.indexes.last().is_none_or(|last| last.name != name) {
            table.indexes.push(IndexFacts {
                name,
                unique: row.get(2)?,
                elements: Vec::new(),
                filter: row.get::<Option<String>>(3)?.map(without_parentheses),
                constraint: row.get(11)?,
                comment: row.get(14)?,
                options: index_options(row)?,
            });
        }
        let Some(index) = table.indexes.last_mut() else { return Ok(()) };
        let column: Option<String> = row.get(5)?;
        if row.get::<bool>(7)? {
            let before: Vec<String> =
                index.options.list(OWN, "include").into_iter().map(str::to_string).collect();
            index.options.set_list(OWN, "include", before.into_iter().chain(column));
            return Ok(());
        }
        // Bit 1 is descending, bit 2 is NULLs first, which is what descending says by itself.
        let bits: i64 = row.get(8)?;
        let (descending, nulls_first) = (bits & 1 != 0, bits & 2 != 0);
        index.elements.push(ElementFacts {
            expression: row.get(6)?,
            column,
            descending,
            nulls_first: (nulls_first != descending).then_some(nulls_first),
            length: None,
            collation: row.get(9)?,
            operator_class: row.get(10)?,
        });
        Ok(())
    }

    pub(super) fn view(&mut self, row: &Row) -> Result<()> {
        if let Some(table) = self.table(row)? {
            table.definition = row.get(1)?;
        }
        Ok(())
    }

    pub(super) fn sequence(&mut self, row: &Row) -> Result<()> {
        let owner: Option<(String, String)> = row.get::<Option<String>>(9)?.zip(row.get(10)?);
        let of_identity = row.get::<Option<String>>(11)?.as_deref() == Some("i");
        let mut numbers = IdentityFacts {
            always: false,
            start: row.get(2)?,
            increment: row.get(3)?,
            min: row.get(4)?,
            max: row.get(5)?,
            cycle: row.get(6)?,
            cache: row.get(7)?,
        };
        let place = row.get::<Option<i64>>(8)?.and_then(|oid| self.places.get(&oid));
        let table = place.and_then(|at| self.tables.get_mut(*at));
        if let (true, Some(table), Some((_, name))) = (of_identity, table, &owner)
            && let Some(column) = table.columns.iter_mut().find(|column| column.name == *name)
        {
            numbers.always = column.options.text(OWN, "identity") == Some("ALWAYS");
            column.identity = Some(numbers.clone());
        }
        let schema = self.schema.clone();
        let (name, declared, comment) = (row.get(0)?, row.get(1)?, row.get(12)?);
        self.sequences.push(SequenceFacts { schema, name, declared, numbers, owner, of_identity, comment });
        Ok(())
    }
}

fn table_options(row: &Row) -> Result<Options> {
    let mut options = Options::default();
    let mut set = |name: &str, value: Option<String>| {
        value.into_iter().for_each(|value| options.set(OWN, name, value));
    };
    set("partition_by", row.get(5)?);
    set("partition_of", row.get::<Option<String>>(6)?.as_ref().and(list(row, 7)?.first().cloned()));
    set("bound", row.get(6)?);
    set("using", row.get(9)?);
    set("tablespace", row.get(10)?);
    set("server", row.get(11)?);
    if row.get::<Option<String>>(6)?.is_none() {
        options.set_list(OWN, "inherits", list(row, 7)?);
    }
    options.set_list(OWN, "with", list(row, 8)?);
    options.set_list(OWN, "foreign_options", list(row, 12)?);
    if row.get::<String>(4)? == "u" {
        options.set(OWN, "unlogged", true);
    }
    Ok(options)
}

fn column_options(row: &Row, identity: &str) -> Result<Options> {
    let mut options = Options::default();
    match identity {
        "a" => options.set(OWN, "identity", "ALWAYS"),
        "d" => options.set(OWN, "identity", "BY DEFAULT"),
        _ => {}
    }
    match row.get::<Option<String>>(11)?.as_deref() {
        Some("p") => options.set(OWN, "storage", "PLAIN"),
        Some("e") => options.set(OWN, "storage", "EXTERNAL"),
        Some("m") => options.set(OWN, "storage", "MAIN"),
        Some("x") => options.set(OWN, "storage", "EXTENDED"),
        _ => {}
    }
    match row.get::<Option<String>>(12)?.as_deref() {
        Some("p") => options.set(OWN, "compression", "pglz"),
        Some("l") => options.set(OWN, "compression", "lz4"),
        _ => {}
    }
    if !row.get::<bool>(13)? {
        options.set(OWN, "inherited", true);
    }
    Ok(options)
}

fn constraint_options(row: &Row) -> Result<Options> {
    let mut options = Options::default();
    let kind: String = row.get(2)?;
    if kind != "f" && row.get::<bool>(11)? {
        let words = if row.get::<bool>(12)? { "DEFERRABLE INITIALLY DEFERRED" } else { "DEFERRABLE" };
        options.set(OWN, "deferrable", words);
    }
    let is = |at: usize| row.get::<bool>(at);
    let kept = kind == "c" || kind == "f";
    // Keys never are, and the server says so of all of them.
    for (name, yes) in [
        ("not_valid", !is(13)? && not_enforced(row) != Some(true)),
        ("no_inherit", kind == "c" && is(14)?),
        ("inherited", !is(15)?),
        ("not_enforced", kept && not_enforced(row) == Some(true)),
        ("without_overlaps", kind != "f" && maybe(row, 22)),
        ("period", kind == "f" && maybe(row, 22)),
        ("nulls_not_distinct", maybe(row, 21)),
    ] {
        if yes {
            options.set(OWN, name, true);
        }
    }
    options.set_list(OWN, "include", list(row, 17)?);
    if row.columns().len() > 20 {
        options.set_list(OWN, "on_delete_columns", list(row, 20)?);
    }
    Ok(options)
}

/// Whether a constraint is there and not looked at, where the server knows such a thing.
fn not_enforced(row: &Row) -> Option<bool> {
    row.value(23).ok().map(|value| value == mirrorm_core::value::ValueRef::Bool(false))
}

/// A truth value of a column that older servers do not have.
fn maybe(row: &Row, at: usize) -> bool {
    row.value(at).is_ok_and(|value| value == mirrorm_core::value::ValueRef::Bool(true))
}

fn index_options(row: &Row) -> Result<Options> {
    let mut options = Options::default();
    match row.get::<String>(4)?.as_str() {
        "btree" => {}
        method => options.set(OWN, "using", method),
    }
    options.set_list(OWN, "with", list(row, 12)?);
    if let Some(space) = row.get::<Option<String>>(13)? {
        options.set(OWN, "tablespace", space);
    }
    for (name, yes) in [
        ("inherited", row.get(15)?),
        ("invalid", !row.get::<bool>(16)?),
        ("nulls_not_distinct", maybe(row, 17)),
    ] {
        if yes {
            options.set(OWN, name, true);
        }
    }
    Ok(options)
}

fn foreign_key(row: &Row, name: Option<String>, columns: Vec<String>) -> Result<ForeignKeyFacts> {
    let deferrable: bool = row.get(11)?;
    let match_type = match row.get::<String>(10)?.as_str() {
        "f" => Some("FULL".to_string()),
        "p" => Some("PARTIAL".to_string()),
        _ => None,
    };
    Ok(ForeignKeyFacts {
        name,
        columns,
        referred_schema: row.get(5)?,
        referred_default: row.get(19)?,
        referred_table: row.get(6)?,
        referred_columns: list(row, 7)?,
        on_delete: action(&row.get::<String>(8)?),
        on_update: action(&row.get::<String>(9)?),
        deferrable: deferrable.then_some(true),
        initially_deferred: row.get(12)?,
        match_type,
        ..ForeignKeyFacts::default()
    })
}

/// An expression without the one pair of parentheses that the server prints around it.
fn without_parentheses(sql: String) -> String {
    match sql.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) if is_whole(inside) => inside.to_string(),
        _ => sql,
    }
}

/// Whether no parenthesis of a text closes one that is not in it.
fn is_whole(sql: &str) -> bool {
    let (mut depth, mut quote) = (0_i32, None);
    for c in sql.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// The letters of pg_constraint's actions.
fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// The texts of an array; none of NULL.
fn list(row: &Row, at: usize) -> Result<Vec<String>> {
    let array: Option<Array> = row.get(at)?;
    let items = array.iter().flat_map(|array| array.items());
    items.map(|item| String::from_value(item.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_without_their_parentheses() {
        let bare = |sql: &str| without_parentheses(sql.to_string());
        assert_eq!(bare("(a > 0)"), "a > 0");
        assert_eq!(bare("(a) OR (b)"), "(a) OR (b)");
        assert_eq!(bare("((a) OR (b))"), "(a) OR (b)");
        assert_eq!(bare("(a = ')' AND b)"), "a = ')' AND b");
        assert_eq!(bare("f(a)"), "f(a)");
        let (sql, options) = check_body("CHECK ((VALUE > 0)) NOT VALID");
        assert_eq!((sql.as_str(), options.is_set(OWN, "not_valid")), ("(VALUE > 0)", true));
    }
}
