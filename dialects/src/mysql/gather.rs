//! Rows of the information schema, put together into facts. Not here: asking for them (`inspect`).

use std::collections::HashMap;

use mirrorm_core::Result;
use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, ElementFacts, ForeignKeyFacts, IdentityFacts, IndexFacts, KeyFacts, ObjectKind,
    Problem, SchemaFacts, Scope, SequenceFacts, TableFacts, TypeMap,
};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::types::Type;

use super::types::{MySqlTypes, type_facts, unescaped};
use crate::known_types::KnownTypes;

/// The name of the dialect in options.
const OWN: &str = "mysql";

/// What a word of `table_type` stands for; none for what is no table at all.
pub(super) fn kind_of(word: &str) -> Option<ObjectKind> {
    match word {
        "VIEW" | "SYSTEM VIEW" => Some(ObjectKind::View),
        "SEQUENCE" => None,
        _ => Some(ObjectKind::Table),
    }
}

/// The tables that are being put together.
pub(super) struct Gathered {
    schema: Option<String>,
    /// The database they are in, by name.
    database: String,
    without_views: bool,
    is_mariadb: bool,
    /// Names of tables are the same in capitals and small letters.
    folds: bool,
    list: Vec<TableFacts>,
    places: HashMap<String, usize>,
    types: KnownTypes,
    sequences: Vec<SequenceFacts>,
    problems: Vec<Problem>,
}

impl Gathered {
    pub(super) fn new(scope: &Scope, is_mariadb: bool, folds: bool, database: String) -> Gathered {
        Gathered {
            schema: scope.schema.clone(),
            database,
            without_views: scope.without_views,
            is_mariadb,
            folds,
            list: Vec::new(),
            places: HashMap::new(),
            types: KnownTypes::default(),
            sequences: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn finish(mut self) -> SchemaFacts {
        if self.folds {
            settle_targets(&mut self.list);
        }
        for table in &mut self.list {
            settle_keys(table);
            settle_json(table);
        }
        // A view over what is gone has no columns, and its comment says so.
        let (views, mut tables): (Vec<TableFacts>, Vec<TableFacts>) =
            self.list.into_iter().partition(|table| table.kind.is_view() && table.columns.is_empty());
        self.problems.extend(views.into_iter().map(|view| Problem {
            object: view.name,
            message: view.comment.unwrap_or_else(|| "the view has no columns".to_string()),
        }));
        for view in tables.iter_mut().filter(|table| table.kind.is_view()) {
            view.comment = None;
        }
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        SchemaFacts {
            schema: self.schema,
            tables,
            sequences: self.sequences,
            problems: self.problems,
            ..SchemaFacts::default()
        }
    }

    pub(super) fn object(&mut self, row: &Row) -> Result<()> {
        let word: String = row.get(1)?;
        let Some(kind) = kind_of(&word).filter(|kind| !(self.without_views && kind.is_view())) else {
            return Ok(());
        };
        let mut options = Options::default();
        for (at, name) in [(3, "engine"), (4, "collation")] {
            if let Some(value) = row.get::<Option<String>>(at)? {
                options.set(OWN, name, value);
            }
        }
        if word == "SYSTEM VERSIONED" {
            options.set(OWN, "system_versioned", true);
        }
        let created: String = row.get::<Option<String>>(6)?.unwrap_or_default();
        // `partitioned` is told by the partitions themselves.
        let written = created.split_whitespace().filter(|word| *word != "partitioned");
        let written: Vec<&str> = written.collect();
        if !written.is_empty() {
            options.set(OWN, "create_options", written.join(" "));
        }
        let comment: Option<String> = row.get(2)?;
        let name: String = row.get(0)?;
        self.places.insert(name.clone(), self.list.len());
        self.list.push(TableFacts {
            schema: self.schema.clone(),
            name,
            kind,
            comment: comment.filter(|text| !text.is_empty()),
            options,
            ..TableFacts::default()
        });
        Ok(())
    }

    /// The table a row is of, if it is wanted.
    fn table(&mut self, row: &Row) -> Result<Option<&mut TableFacts>> {
        let place = self.places.get(row.get::<&str>(0)?);
        Ok(place.and_then(|at| self.list.get_mut(*at)))
    }

    pub(super) fn column(&mut self, row: &Row) -> Result<()> {
        let is_mariadb = self.is_mariadb;
        let declared: String = row.get(2)?;
        let extra = row.get::<Option<String>>(5)?.unwrap_or_default().to_ascii_lowercase();
        let default: Option<String> = row.get(4)?;
        let generated = row.get::<Option<String>>(6)?.filter(|sql| !sql.is_empty());
        let comment: Option<String> = row.get(7)?;
        let default = match is_mariadb {
            true => default.filter(|sql| sql != "NULL"),
            false => default.map(|text| default_sql(&text, &extra, &declared)),
        };
        let name: String = row.get(1)?;
        let lost = default.as_deref() == Some("0x");
        let (ty, type_facts) =
            self.types.of(&declared, || (MySqlTypes.parse(&declared), type_facts(&declared)));
        let Some(table) = self.table(row)? else { return Ok(()) };
        let object = table.name.clone();
        table.columns.push(ColumnFacts {
            ty,
            type_facts,
            declared,
            nullable: row.get::<String>(3)? == "YES",
            default: if generated.is_some() || lost { None } else { default },
            autoincrement: extra.contains("auto_increment"),
            computed: generated.map(|sql| (expression(sql, is_mariadb), !extra.contains("virtual"))),
            collation: row.get(8)?,
            comment: comment.filter(|text| !text.is_empty()),
            options: column_options(row, &extra)?,
            name: name.clone(),
            identity: None,
        });
        if lost {
            let message = format!("the server does not tell the default of the column `{name}`");
            self.problems.push(Problem { object, message });
        }
        Ok(())
    }

    pub(super) fn index(&mut self, row: &Row) -> Result<()> {
        let is_mariadb = self.is_mariadb;
        let Some(table) = self.table(row)? else { return Ok(()) };
        let (name, column): (String, Option<String>) = (row.get(1)?, row.get(3)?);
        if let ("PRIMARY", Some(column)) = (name.as_str(), &column) {
            let key = table.primary_key.get_or_insert_with(KeyFacts::default);
            key.columns.push(column.clone());
            if let Some(length) = row.get::<Option<u32>>(4)? {
                key.options.set(OWN, &format!("length_{column}"), i64::from(length));
            }
            return Ok(());
        }
        let method: String = row.get(6)?;
        if table.indexes.last().is_none_or(|last| last.name != name) {
            let mut options = Options::default();
            if method != "BTREE" {
                options.set(OWN, "using", method.as_str());
            }
            if row.get::<Option<String>>(8)?.as_deref() == Some("NO") {
                options.set(OWN, "invisible", true);
            }
            table.indexes.push(IndexFacts {
                name,
                unique: row.get::<i64>(2)? == 0,
                comment: row.get::<Option<String>>(7)?.filter(|text| !text.is_empty()),
                options,
                ..IndexFacts::default()
            });
        }
        let Some(index) = table.indexes.last_mut() else { return Ok(()) };
        // The size of a rectangle is nobody's choice.
        let length = row.get::<Option<u32>>(4)?.filter(|_| method != "SPATIAL");
        index.elements.push(ElementFacts {
            expression: row.get::<Option<String>>(9)?.map(|sql| expression(sql, is_mariadb)),
            column,
            descending: row.get::<Option<String>>(5)?.as_deref() == Some("D"),
            length,
            ..ElementFacts::default()
        });
        Ok(())
    }

    pub(super) fn foreign_key(&mut self, row: &Row) -> Result<()> {
        // On MariaDB RESTRICT is what holds when nothing is said, as its own SHOW CREATE TABLE has it; the
        // engine makes no difference between the two.
        let unsaid = if self.is_mariadb { "RESTRICT" } else { "NO ACTION" };
        let action = |word: &str| if word == unsaid { Action::NoAction } else { Action::from_sql(word) };
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: Option<String> = row.get(1)?;
        if table.foreign_keys.last().is_none_or(|last| last.name != name) {
            table.foreign_keys.push(ForeignKeyFacts {
                name,
                referred_schema: row.get(3)?,
                referred_default: row.get(8)?,
                referred_table: row.get(4)?,
                on_delete: action(row.get(6)?),
                on_update: action(row.get(7)?),
                ..ForeignKeyFacts::default()
            });
        }
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.push(row.get(2)?);
            key.referred_columns.push(row.get(5)?);
        }
        Ok(())
    }

    pub(super) fn check(&mut self, row: &Row) -> Result<()> {
        let is_mariadb = self.is_mariadb;
        let Some(table) = self.table(row)? else { return Ok(()) };
        let mut options = Options::default();
        let (mut name, sql): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        if row.get::<String>(3)? == "Column" {
            // It stands on the column, and has no name but the column's.
            options.set(OWN, "column", name.take().unwrap_or_default());
        }
        if row.get::<String>(4)? == "NO" {
            options.set(OWN, "not_enforced", true);
        }
        table.checks.push(CheckFacts { name, sql: expression(sql, is_mariadb), options, comment: None });
        Ok(())
    }

    pub(super) fn partition(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let text = |at: usize| row.get::<Option<String>>(at).map(Option::unwrap_or_default);
        let (name, method) = (text(1)?, text(2)?);
        if table.options.get(OWN, "partition_by").is_none() {
            let mut by = format!("{method} ({})", text(3)?);
            if !text(5)?.is_empty() {
                by.push_str(&format!(" SUBPARTITION BY {} ({})", text(5)?, text(6)?));
            }
            table.options.set(OWN, "partition_by", by);
        }
        let mut quoted = String::new();
        mirrorm_core::dialect::standard::quote(&name, '`', &mut quoted);
        let values = match (method.split(' ').next(), text(4)?.as_str()) {
            (Some("RANGE"), "MAXVALUE") => " VALUES LESS THAN MAXVALUE".to_string(),
            (Some("RANGE"), bound) => format!(" VALUES LESS THAN ({bound})"),
            (Some("LIST"), list) => format!(" VALUES IN ({list})"),
            _ => String::new(),
        };
        // The rows of subpartitions name the partition again and again.
        add_once(&mut table.options, "partitions", format!("PARTITION {quoted}{values}"));
        Ok(())
    }

    pub(super) fn view(&mut self, row: &Row) -> Result<()> {
        let mut own = String::new();
        mirrorm_core::dialect::standard::quote(&self.database, '`', &mut own);
        own.push('.');
        let Some(table) = self.table(row)? else { return Ok(()) };
        table.definition = row.get::<Option<String>>(1)?.map(|sql| without_prefix(&sql, &own));
        for (at, name, usual) in [(2, "check_option", "NONE"), (3, "security", "DEFINER")] {
            if let Some(word) = row.get::<Option<String>>(at)?.filter(|word| word != usual) {
                table.options.set(OWN, name, word);
            }
        }
        Ok(())
    }

    pub(super) fn sequence(&mut self, row: &Row) -> Result<()> {
        let numbers = IdentityFacts {
            always: false,
            start: row.get(1)?,
            increment: row.get(2)?,
            min: row.get(3)?,
            max: row.get(4)?,
            cycle: row.get::<i64>(5)? != 0,
            cache: row.get(6)?,
        };
        self.sequences.push(SequenceFacts {
            schema: None,
            name: row.get(0)?,
            declared: String::new(),
            numbers,
            owner: None,
            of_identity: false,
            comment: row.get::<Option<String>>(7)?.filter(|text| !text.is_empty()),
        });
        Ok(())
    }
}

fn column_options(row: &Row, extra: &str) -> Result<Options> {
    let mut options = Options::default();
    if let Some((_, after)) = extra.split_once("on update ") {
        options.set(OWN, "on_update", after);
    }
    for (words, name) in [("invisible", "invisible"), ("without system versioning", "without_versioning")] {
        if extra.contains(words) {
            options.set(OWN, name, true);
        }
    }
    if let Some(charset) = row.get::<Option<String>>(9)? {
        options.set(OWN, "charset", charset);
    }
    if let Some(srid) = row.get::<Option<i64>>(10)? {
        options.set(OWN, "srid", srid);
    }
    Ok(options)
}

/// Plain unique indexes over whole columns are constraints, and those of a foreign key's name over its columns
/// are what the key brings along.
fn settle_keys(table: &mut TableFacts) {
    for index in &mut table.indexes {
        let columns: Option<Vec<String>> =
            index.elements.iter().map(|e| e.column.clone().filter(|_| e.length.is_none())).collect();
        let Some(columns) = columns else { continue };
        let serves = |key: &ForeignKeyFacts| {
            key.name.as_deref() == Some(index.name.as_str()) && key.columns == columns
        };
        if index.unique {
            // What is more than a constraint can say is the index that it is.
            let directed = index.elements.iter().any(|element| element.descending);
            if !directed && index.comment.is_none() && index.options.is_empty() {
                let name = Some(index.name.clone());
                table.uniques.push(KeyFacts { name: name.clone(), columns, ..KeyFacts::default() });
                index.constraint = name;
            }
        } else if table.foreign_keys.iter().any(serves) {
            index.constraint = Some(index.name.clone());
        }
    }
}

/// Where names of tables are the same in capitals and small letters, a foreign key may say its target in others
/// than the table has (dev.mysql.com/doc/refman/en/identifier-case-sensitivity.html).
fn settle_targets(tables: &mut [TableFacts]) {
    let names: HashMap<String, String> =
        tables.iter().map(|table| (table.name.to_lowercase(), table.name.clone())).collect();
    let keys = tables.iter_mut().flat_map(|table| &mut table.foreign_keys);
    for key in keys.filter(|key| key.referred_schema.is_none()) {
        if let Some(own) = names.get(&key.referred_table.to_lowercase()) {
            key.referred_table.clone_from(own);
        }
    }
}

/// MariaDB's JSON is a text with a condition (mariadb.com/kb/en/json).
fn settle_json(table: &mut TableFacts) {
    let checks = std::mem::take(&mut table.checks);
    for check in checks {
        let column = check.options.text(OWN, "column").and_then(|name| {
            let place = table.columns.iter_mut().find(|column| column.name == name)?;
            let is_json = place.declared == "longtext"
                && place.collation.as_deref() == Some("utf8mb4_bin")
                && check.sql.to_ascii_lowercase().starts_with("json_valid(");
            is_json.then_some(place)
        });
        match column {
            Some(column) => {
                column.ty = Type::Json;
                column.type_facts = type_facts("json");
                column.declared = "json".to_string();
                column.collation = None;
                column.options = Options::default();
            }
            None => table.checks.push(check),
        }
    }
}

/// MySQL prints a default's value without quotes, and says of an expression that it is one.
fn default_sql(text: &str, extra: &str, declared: &str) -> String {
    if extra.contains("default_generated") {
        return expression(text.to_string(), false);
    }
    let upper = text.to_ascii_uppercase();
    let of_text = ["char", "text", "enum", "set"].iter().any(|word| declared.starts_with(word))
        || declared.starts_with("varchar");
    let is_number = text.parse::<f64>().is_ok() && !of_text;
    let bits = (text.starts_with("b'") || text.starts_with("0x")) && !of_text;
    if (upper.starts_with("CURRENT_TIMESTAMP") && !of_text) || is_number || bits {
        return text.to_string();
    }
    let mut quoted = String::new();
    mirrorm_core::dialect::standard::quote_text(text, &mut quoted);
    quoted
}

/// An expression as it was written: MySQL prints its own behind backslashes once more.
fn expression(sql: String, is_mariadb: bool) -> String {
    if is_mariadb || !sql.contains('\\') {
        return sql;
    }
    let mut text = String::new();
    let mut chars = sql.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(unescaped)),
            c => text.push(c),
        }
    }
    text
}

/// A view's text without its database's name before every table, which moves with the view.
fn without_prefix(sql: &str, prefix: &str) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find(['\'', '`']) {
        let (front, quoted) = rest.split_at(at);
        text.push_str(front);
        if let Some(behind) = quoted.strip_prefix(prefix) {
            rest = behind;
            continue;
        }
        let end = end_of_quoted(quoted);
        let (inside, behind) = quoted.split_at(end);
        text.push_str(inside);
        rest = behind;
    }
    text + rest
}

/// Where a quoted text at the beginning ends.
fn end_of_quoted(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let Some((_, mark)) = chars.next() else { return 0 };
    while let Some((at, c)) = chars.next() {
        if c == '\\' && mark == '\'' {
            chars.next();
        } else if c == mark && chars.next_if(|(_, next)| *next == mark).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Adds a text to a list that is an option, if it is not the last one already.
fn add_once(options: &mut Options, name: &str, text: String) {
    let mut all: Vec<String> = options.list(OWN, name).into_iter().map(str::to_string).collect();
    if all.last() != Some(&text) {
        all.push(text);
        options.set_list(OWN, name, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_catalog() {
        assert_eq!(
            expression("(`s` <> _utf8mb4\\'it\\\\\\'s\\')".to_string(), false),
            "(`s` <> _utf8mb4'it\\'s')"
        );
        assert_eq!(expression("`a` <> 'x\\\\'".to_string(), true), "`a` <> 'x\\\\'");
        assert_eq!(default_sql("it's", "", "varchar(20)"), "'it''s'");
        assert_eq!(default_sql("5", "", "varchar(20)"), "'5'");
        assert_eq!(default_sql("5", "", "int"), "5");
        assert_eq!(default_sql("uuid()", "default_generated", "char(36)"), "uuid()");
    }

    /// A server on a file system that folds (mode 2) keeps names as they were written, and the targets of
    /// foreign keys as these were.
    #[test]
    fn targets_have_the_names_of_their_tables() {
        let key =
            |target: &str| ForeignKeyFacts { referred_table: target.into(), ..ForeignKeyFacts::default() };
        let table = |name: &str, keys: Vec<ForeignKeyFacts>| TableFacts {
            name: name.into(),
            foreign_keys: keys,
            ..TableFacts::default()
        };
        let elsewhere = ForeignKeyFacts { referred_schema: Some("o".into()), ..key("users") };
        let mut tables = [table("Users", Vec::new()), table("t", vec![key("users"), key("gone"), elsewhere])];
        settle_targets(&mut tables);
        let targets: Vec<&str> =
            tables[1].foreign_keys.iter().map(|key| key.referred_table.as_str()).collect();
        assert_eq!(targets, ["Users", "gone", "users"]);
    }

    #[test]
    fn views_without_their_database() {
        let sql = "select `q2`.`t`.`id` AS `id` from `q2`.`t` where `q2`.`t`.`s` <> '`q2`.`t`'";
        let bare = "select `t`.`id` AS `id` from `t` where `t`.`s` <> '`q2`.`t`'";
        assert_eq!(without_prefix(sql, "`q2`."), bare);
        assert_eq!(without_prefix("select 'it\\'s', `a``b`.`c`", "`q2`."), "select 'it\\'s', `a``b`.`c`");
    }
}
