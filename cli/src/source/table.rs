//! The parts of one table in Rust: what `mirrorm-reflect` makes of facts, written down.
//!
//! A constraint over one column that has no name stands on its column; a type is said in the database's own
//! words only where the portable one would be made otherwise.

use std::collections::BTreeSet;

use mirrorm::Type;
use mirrorm::dialect::{
    ColumnFacts, Dialect, ElementFacts, ForeignKeyFacts, IdentityFacts, IndexFacts, KeyFacts, ObjectKind,
    TableFacts,
};
use mirrorm::schema::{Action, Autoincrement, Options};

use super::words::{Chain, list, literal};

/// Writes the parts of a table; `used` takes the paths they need beside the prelude.
pub(super) fn parts(
    table: &TableFacts,
    dialect: &'static dyn Dialect,
    used: &mut BTreeSet<&'static str>,
) -> Vec<Chain> {
    let uniques = table.uniques.iter().map(|key| (is_bare(key), key.columns.as_slice()));
    let references = table.foreign_keys.iter().map(|key| (is_bare_reference(key), key.columns.as_slice()));
    let (uniques, references) = (on_columns(table, uniques), on_columns(table, references));
    let mut writer = Writer { table, dialect, used, uniques, references };
    let mut parts: Vec<Chain> = table.columns.iter().map(|column| writer.column(column)).collect();
    writer.constraints(&mut parts);
    writer.settings(&mut parts);
    parts
}

struct Writer<'w> {
    table: &'w TableFacts,
    dialect: &'static dyn Dialect,
    used: &'w mut BTreeSet<&'static str>,
    /// How many unique constraints and foreign keys, from the first, stand on their columns.
    uniques: usize,
    references: usize,
}

impl Writer<'_> {
    fn column(&mut self, facts: &ColumnFacts) -> Chain {
        let ty = self.ty(&facts.ty);
        let mut chain = Chain::new(format!("column({:?}, {ty})", facts.name));
        let in_key = self.table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&facts.name));
        if in_key && self.key_on_columns() {
            chain.call("primary_key()".to_string());
        }
        if !self.is_own_type(facts) {
            chain.say("declared", [self.dialect.name(), &facts.declared]);
        }
        match (facts.nullable, in_key) {
            (false, false) => chain.call("not_null()".to_string()),
            (true, true) => chain.call("nullable()".to_string()),
            _ => {}
        }
        if self.table.uniques.iter().take(self.uniques).any(|key| key.columns.contains(&facts.name)) {
            chain.call("unique()".to_string());
        }
        self.values(facts, in_key, &mut chain);
        self.reference_on(facts, &mut chain);
        facts.collation.iter().for_each(|name| chain.say("collate", [name]));
        facts.comment.iter().for_each(|text| chain.say("comment", [text]));
        self.options(&facts.options, &mut chain);
        chain
    }

    /// Where a column's values come from.
    fn values(&mut self, facts: &ColumnFacts, in_key: bool, chain: &mut Chain) {
        if in_key && let Some(word) = self.autoincrement(facts) {
            self.used.insert("mirrorm::schema::Autoincrement");
            chain.call(format!("autoincrement(Autoincrement::{word:?})"));
        }
        facts.default.iter().for_each(|sql| chain.call(format!("server_default(raw({sql:?}))")));
        if let Some((sql, stored)) = &facts.computed {
            chain.call(format!("computed(raw({sql:?}), {stored})"));
        }
        if let Some(numbers) = &facts.identity {
            self.used.insert("mirrorm::dialect::IdentityFacts");
            let IdentityFacts { always, start, increment, min, max, cycle, cache } = numbers;
            chain.call(format!(
                "identity(IdentityFacts {{ always: {always}, start: {start}, increment: {increment}, min: {min}, \
                 max: {max}, cycle: {cycle}, cache: {cache} }})"
            ));
        }
    }

    /// Whether the database makes a key's values, where a key of this shape does not say so by itself.
    fn autoincrement(&self, facts: &ColumnFacts) -> Option<Autoincrement> {
        let alone = self.table.primary_key.as_ref().is_some_and(|key| key.columns.len() == 1);
        let refers = self.table.foreign_keys.iter().any(|key| key.columns.contains(&facts.name));
        let plain = facts.default.is_none() && facts.computed.is_none() && !refers;
        let by_itself = alone && plain && facts.ty.is_integer();
        match self.table.autoincrement(facts) {
            Autoincrement::Auto => None,
            Autoincrement::Never if !by_itself => None,
            said => Some(said),
        }
    }

    /// Whether the primary key is said by its columns: it has no name, no option, and their order.
    fn key_on_columns(&self) -> bool {
        self.table.primary_key.as_ref().is_some_and(|key| {
            let in_order =
                self.table.columns.iter().map(|c| &c.name).filter(|name| key.columns.contains(name));
            is_bare(key) && in_order.eq(&key.columns)
        })
    }

    /// Whether the database declares a column so when it is told the portable type.
    fn is_own_type(&self, facts: &ColumnFacts) -> bool {
        let words = |text: &str| self.words_of_type(text);
        self.dialect.types().ddl(&facts.ty).is_ok_and(|own| words(&own) == words(&facts.declared))
    }

    /// The words of a type without spaces, small, and with one word of those that the catalog knows as one.
    fn words_of_type(&self, text: &str) -> String {
        let small = text.to_lowercase();
        let pairs: &[(&str, &str)] = match self.dialect.name() {
            // What `format_type` prints for the names of the manual's table 8.1.
            "postgresql" => {
                &[("character varying", "varchar"), ("character(", "char("), (" without time zone", "")]
            }
            // Widths that MariaDB prints where none was said.
            "mysql" => &[
                ("integer", "int"),
                ("int(11)", "int"),
                ("bigint(20)", "bigint"),
                ("smallint(6)", "smallint"),
                ("(0)", ""),
            ],
            _ => return text.to_string(),
        };
        let one = pairs.iter().fold(small, |text, (long, short)| text.replace(long, short));
        if one.contains('\'') { text.to_string() } else { one.replace(", ", ",") }
    }

    /// A foreign key, where it stands on its column.
    fn reference_on(&self, facts: &ColumnFacts, chain: &mut Chain) {
        let on_columns = self.table.foreign_keys.iter().take(self.references);
        for key in on_columns.filter(|key| key.columns.contains(&facts.name)) {
            let names = std::iter::once(&key.referred_table).chain(&key.referred_columns);
            chain.say("references", [&names.map(String::as_str).collect::<Vec<&str>>().join(".")]);
            actions(key, chain);
        }
    }

    fn constraints(&mut self, parts: &mut Vec<Chain>) {
        if let Some(key) = self.table.primary_key.as_ref().filter(|_| !self.key_on_columns()) {
            parts.push(self.key("primary_key", key));
        }
        for key in self.table.uniques.iter().skip(self.uniques) {
            parts.push(self.key("unique", key));
        }
        for check in &self.table.checks {
            let chain = Chain::new(format!("check(raw({:?}))", check.sql));
            parts.push(self.said(chain, &check.name, &check.comment, &check.options));
        }
        for other in &self.table.others {
            self.used.insert("mirrorm::schema::verbatim");
            let chain = Chain::new(format!("verbatim({:?}, {:?})", self.dialect.name(), other.sql));
            parts.push(self.said(chain, &Some(other.name.clone()), &other.comment, &Options::default()));
        }
        let known = |name: &String| self.table.columns.iter().any(|column| column.name == *name);
        let keys = self.table.foreign_keys.iter().skip(self.references);
        keys.filter(|key| key.columns.iter().all(known)).for_each(|key| parts.push(self.foreign_key(key)));
        let indexes: Vec<&IndexFacts> = self
            .table
            .indexes
            .iter()
            .filter(|index| {
                index.constraint.is_none()
                    && index.elements.iter().filter_map(|e| e.column.as_ref()).all(known)
            })
            .collect();
        indexes.into_iter().for_each(|index| parts.push(self.index(index)));
    }

    fn key(&mut self, function: &str, key: &KeyFacts) -> Chain {
        let chain = Chain::new(format!("{function}({})", list(&key.columns)));
        self.said(chain, &key.name, &key.comment, &key.options)
    }

    /// A constraint with its name, comment and options.
    fn said(
        &mut self,
        mut chain: Chain,
        name: &Option<String>,
        comment: &Option<String>,
        options: &Options,
    ) -> Chain {
        name.iter().for_each(|name| chain.say("named", [name]));
        comment.iter().for_each(|text| chain.say("option", [self.dialect.name(), "comment", text]));
        self.options(options, &mut chain);
        chain
    }

    fn options(&mut self, options: &Options, chain: &mut Chain) {
        for (dialect, name, value) in options.iter() {
            let value = self.value(value);
            chain.call(format!("option({dialect:?}, {name:?}, {value})"));
        }
    }

    fn value(&mut self, value: &mirrorm::Value) -> String {
        if matches!(value, mirrorm::Value::Array(_)) {
            self.used.insert("mirrorm::value::Array");
        }
        literal(value)
    }

    fn foreign_key(&mut self, key: &ForeignKeyFacts) -> Chain {
        self.used.insert("mirrorm::schema::Reference");
        let mut target = match key.referred_columns.as_slice() {
            [] => format!("Reference::table({:?})", key.referred_table),
            columns => format!("Reference::columns({:?}, {})", key.referred_table, list(columns)),
        };
        if let Some(schema) = &key.referred_schema {
            target.push_str(&format!(".in_schema({schema:?})"));
        }
        if key.referred_default {
            target = format!("Reference {{ in_default: true, ..{target} }}");
        }
        let mut chain = Chain::new(format!("foreign_key({}, {target})", list(&key.columns)));
        key.name.iter().for_each(|name| chain.say("named", [name]));
        actions(key, &mut chain);
        if let Some(deferrable) = key.deferrable {
            chain.call(format!("deferrable({deferrable}, {})", key.initially_deferred));
        }
        key.match_type.iter().for_each(|word| chain.say("match_type", [word]));
        self.said(chain, &None, &key.comment, &key.options)
    }

    fn index(&mut self, index: &IndexFacts) -> Chain {
        let elements: Vec<String> = index.elements.iter().map(|element| self.element(element)).collect();
        let plain = index.elements.iter().all(is_plain);
        let elements = match plain {
            true => list(index.elements.iter().filter_map(|element| element.column.as_ref())),
            false => format!("[{}]", elements.join(", ")),
        };
        let mut chain = Chain::new(format!("index({elements})"));
        chain.say("named", [&index.name]);
        if index.unique {
            chain.call("unique()".to_string());
        }
        index.filter.iter().for_each(|sql| chain.call(format!("filter(raw({sql:?}))")));
        self.said(chain, &None, &index.comment, &index.options)
    }

    fn element(&mut self, element: &ElementFacts) -> String {
        if !is_plain(element) {
            self.used.insert("mirrorm::schema::IndexElement");
        }
        let mut text = match (&element.column, &element.expression) {
            (Some(column), _) => format!("IndexElement::column({column:?})"),
            (None, expression) => {
                format!("IndexElement::expr(raw({:?}))", expression.as_deref().unwrap_or_default())
            }
        };
        element.collation.iter().for_each(|name| text.push_str(&format!(".collate({name:?})")));
        element.nulls_first.iter().for_each(|first| text.push_str(&format!(".nulls_first({first})")));
        element.length.iter().for_each(|length| text.push_str(&format!(".length({length})")));
        element.operator_class.iter().for_each(|name| text.push_str(&format!(".operator_class({name:?})")));
        if element.descending { text + ".desc()" } else { text }
    }

    fn settings(&mut self, parts: &mut Vec<Chain>) {
        let definition = match &self.table.definition {
            Some(sql) => format!("Some({sql:?}.into())"),
            None => "None".to_string(),
        };
        let kind = match self.table.kind {
            ObjectKind::View => format!("View({definition})"),
            ObjectKind::MaterializedView => format!("MaterializedView({definition})"),
            ObjectKind::Foreign => "Foreign".to_string(),
            ObjectKind::Virtual | ObjectKind::Shadow => format!("Virtual({definition})"),
            _ => String::new(),
        };
        if !kind.is_empty() {
            self.used.extend(["mirrorm::schema::Setting", "mirrorm::schema::TableKind"]);
            parts.push(Chain::new(format!("Setting::Kind(TableKind::{kind})")));
        }
        let table = self.table;
        parts.extend(table.schema.iter().map(|name| Chain::new(format!("in_schema({name:?})"))));
        parts.extend(table.comment.iter().map(|text| Chain::new(format!("comment({text:?})"))));
        for (dialect, name, value) in table.options.iter() {
            let value = self.value(value);
            parts.push(Chain::new(format!("option({dialect:?}, {name:?}, {value})")));
        }
    }

    fn ty(&mut self, ty: &Type) -> String {
        match ty {
            Type::Varchar(n) => format!("Varchar({n})"),
            Type::Char(n) => format!("Char({n})"),
            Type::Numeric(Some(digits), Some(scale)) => format!("Numeric({digits}, {scale})"),
            Type::Binary(None) => "Binary".to_string(),
            Type::Digits(whole, digits) => format!("{}.digits({digits})", self.ty(whole)),
            Type::Array(item) => {
                self.used.insert("std::sync::Arc");
                format!("Type::Array(Arc::new({}))", self.ty(item))
            }
            Type::Other(words) => format!("Type::Other({words:?}.into())"),
            Type::Enum(labels) => {
                self.used.insert("mirrorm::types::EnumType");
                let texts = list(labels.labels());
                match labels.name() {
                    None => format!("Type::from(EnumType::new({texts}))"),
                    Some(name) => {
                        format!("Type::from(EnumType::named({:?}, {name:?}, {texts}))", labels.schema())
                    }
                }
            }
            // The rest are words of Rust by their Debug form, some of them constants of the prelude.
            Type::Any | Type::Numeric(..) | Type::Binary(_) => format!("Type::{ty:?}"),
            plain => format!("{plain:?}"),
        }
    }
}

/// How many constraints can stand on their columns without changing places with others: from the first those
/// that say nothing else, each over one column behind the column of the one before.
fn on_columns<'k>(table: &TableFacts, keys: impl Iterator<Item = (bool, &'k [String])>) -> usize {
    let place = |name: &String| table.columns.iter().position(|column| column.name == *name);
    let mut last = None;
    keys.take_while(|(bare, columns)| match columns {
        [only] if *bare && place(only) > last => {
            last = place(only);
            true
        }
        _ => false,
    })
    .count()
}

/// Whether a foreign key says nothing but where it points, within its schema, and what happens there.
fn is_bare_reference(key: &ForeignKeyFacts) -> bool {
    let dotted = key.referred_columns.iter().chain([&key.referred_table]).any(|name| name.contains('.'));
    let said = key.name.is_some() || key.comment.is_some() || !key.options.is_empty();
    let checked = key.deferrable.is_some() || key.match_type.is_some();
    !dotted && !said && !checked && key.referred_columns.len() < 2 && key.referred_schema.is_none()
}

/// Whether a key says nothing but its columns.
fn is_bare(key: &KeyFacts) -> bool {
    key.name.is_none() && key.comment.is_none() && key.options.is_empty()
}

/// Whether an element is a column and nothing else.
fn is_plain(element: &ElementFacts) -> bool {
    *element == ElementFacts { column: element.column.clone(), ..ElementFacts::default() }
        && element.column.is_some()
}

fn actions(key: &ForeignKeyFacts, chain: &mut Chain) {
    for (method, action) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
        if action != Action::NoAction {
            chain.call(format!("{method}(Action::{action:?})"));
        }
    }
}
