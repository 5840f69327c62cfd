//! The information schema into facts: one statement for each kind of thing, whatever the schema's size.
//!
//! Tables: dev.mysql.com/doc/refman/en/information-schema.html,
//! mariadb.com/kb/en/information-schema-tables. Where the two differ, the column is asked for by both
//! servers' own names.

use std::collections::HashMap;

use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, Connection, ElementFacts, ForeignKeyFacts, IndexFacts, Inspector, KeyFacts,
    ObjectKind, SchemaFacts, Scope, TableFacts, TypeMap, fetch,
};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::{Error, ErrorKind, Result, Value};

use super::types::MySqlTypes;

pub(super) struct MySqlInspector;

impl Inspector for MySqlInspector {
    fn default_schema(&self, _: &dyn Connection) -> Result<String> {
        Ok("@default".to_string())
    }

    fn schemas(&self, connection: &dyn Connection) -> Result<Vec<String>> {
        let rows = fetch(
            connection,
            "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata
             WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
             ORDER BY 1",
            &[],
        )?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn names(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Vec<(String, ObjectKind)>> {
        let catalog = Catalog { connection, schema, only: None };
        Ok(catalog.objects()?.into_iter().map(|table| (table.name, table.kind)).collect())
    }

    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts> {
        let catalog = Catalog { connection, schema: scope.schema.as_deref(), only: scope.only.as_deref() };
        let is_mariadb = catalog.is_mariadb()?;
        let mut tables = Tables::of(catalog.objects()?, scope.without_views);
        if tables.list.is_empty() {
            return Ok(SchemaFacts::default());
        }
        catalog.each(COLUMNS, "table_name", "ordinal_position", |row| tables.column(row, is_mariadb))?;
        catalog.each(INDEXES, "s.table_name", "s.index_name, s.seq_in_index", |row| tables.index(row))?;
        catalog.each(FOREIGN_KEYS, "k.table_name", "k.constraint_name, k.ordinal_position", |row| {
            tables.foreign_key(row)
        })?;
        let checks = if is_mariadb { MARIADB_CHECKS } else { MYSQL_CHECKS };
        catalog.each(checks, "table_name", "constraint_name", |row| tables.check(row))?;
        if !scope.without_views {
            catalog.each(VIEWS, "table_name", "1", |row| tables.view(row))?;
        }
        tables.list.iter_mut().for_each(drop_key_indexes);
        Ok(SchemaFacts { tables: tables.list, problems: Vec::new() })
    }
}

const OBJECTS: &str = "SELECT CAST(table_name AS CHAR), table_type, table_comment, engine, table_collation
    FROM information_schema.tables WHERE table_schema = coalesce(?, database())
    AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')";

const COLUMNS: &str = "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(column_type AS CHAR),
        is_nullable, CAST(column_default AS CHAR), extra, CAST(generation_expression AS CHAR), column_comment,
        CAST(collation_name AS CHAR)
    FROM information_schema.columns WHERE table_schema = coalesce(?, database())";

const INDEXES: &str = "SELECT CAST(s.table_name AS CHAR), CAST(s.index_name AS CHAR), s.non_unique,
        CAST(s.column_name AS CHAR), s.sub_part, s.collation, s.index_type, c.constraint_type, ANY_EXPRESSION
    FROM information_schema.statistics s
    LEFT JOIN information_schema.table_constraints c ON c.table_schema = s.table_schema
        AND c.table_name = s.table_name AND c.constraint_name = s.index_name
        AND c.constraint_type IN ('PRIMARY KEY', 'UNIQUE')
    WHERE s.table_schema = coalesce(?, database())";

const FOREIGN_KEYS: &str = "SELECT CAST(k.table_name AS CHAR), CAST(k.constraint_name AS CHAR),
        CAST(k.column_name AS CHAR),
        CASE WHEN k.referenced_table_schema <> k.table_schema THEN CAST(k.referenced_table_schema AS CHAR) END,
        CAST(k.referenced_table_name AS CHAR), CAST(k.referenced_column_name AS CHAR), r.delete_rule, r.update_rule
    FROM information_schema.key_column_usage k
    JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema
        AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
    WHERE k.table_schema = coalesce(?, database()) AND k.referenced_table_name IS NOT NULL";

const MYSQL_CHECKS: &str = "SELECT CAST(t.table_name AS CHAR) AS table_name,
        CAST(c.constraint_name AS CHAR) AS constraint_name, CAST(c.check_clause AS CHAR)
    FROM information_schema.check_constraints c
    JOIN information_schema.table_constraints t ON t.constraint_schema = c.constraint_schema
        AND t.constraint_name = c.constraint_name AND t.constraint_type = 'CHECK'
    WHERE t.table_schema = coalesce(?, database())";

/// A column's own check, such as that of JSON, has the column's name and is part of its type there.
const MARIADB_CHECKS: &str =
    "SELECT CAST(table_name AS CHAR), CAST(constraint_name AS CHAR), CAST(check_clause AS CHAR)
    FROM information_schema.check_constraints WHERE constraint_schema = coalesce(?, database())";

const VIEWS: &str = "SELECT CAST(table_name AS CHAR), CAST(view_definition AS CHAR)
    FROM information_schema.views WHERE table_schema = coalesce(?, database())";

/// A schema of a connection, or some objects of it.
struct Catalog<'a> {
    connection: &'a dyn Connection,
    schema: Option<&'a str>,
    only: Option<&'a [String]>,
}

impl Catalog<'_> {
    fn is_mariadb(&self) -> Result<bool> {
        let version: String = fetch(self.connection, "SELECT VERSION()", &[])?.one()?.get(0)?;
        Ok(super::is_mariadb(&version))
    }

    /// The rows of a statement about the schema, by table and then in an order.
    fn each(
        &self,
        sql: &str,
        table: &str,
        order: &str,
        mut body: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        // Only MySQL indexes expressions, and has the column that says which.
        let expression = if self.is_mariadb_text(sql)? { "NULL" } else { "CAST(s.expression AS CHAR)" };
        let mut sql = sql.replace("ANY_EXPRESSION", expression);
        let mut params: Vec<Value> = vec![self.schema.into()];
        if let Some(names) = self.only {
            let marks = vec!["?"; names.len().max(1)].join(", ");
            sql.push_str(&format!(" AND {table} IN ({marks})"));
            params.extend(names.iter().map(|name| Value::from(name.as_str())));
            params.resize(names.len().max(1) + 1, Value::Null);
        }
        sql.push_str(&format!(" ORDER BY {table}, {order}"));
        fetch(self.connection, &sql, &params)?.iter().try_for_each(|row| body(&row))
    }

    fn is_mariadb_text(&self, sql: &str) -> Result<bool> {
        if sql.contains("ANY_EXPRESSION") { self.is_mariadb() } else { Ok(false) }
    }

    /// Tables and views without their parts.
    fn objects(&self) -> Result<Vec<TableFacts>> {
        let mut found = Vec::new();
        self.each(OBJECTS, "table_name", "1", |row| {
            found.push(self.empty_table(row)?);
            Ok(())
        })?;
        if found.is_empty() {
            self.exists()?;
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn exists(&self) -> Result<()> {
        let Some(schema) = self.schema else { return Ok(()) };
        let sql = "SELECT 1 FROM information_schema.schemata WHERE schema_name = ?";
        if fetch(self.connection, sql, &[schema.into()])?.is_empty() {
            let message = format!("there is no schema `{schema}`");
            return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(schema));
        }
        Ok(())
    }

    fn empty_table(&self, row: &Row) -> Result<TableFacts> {
        let is_view = row.get::<String>(1)? == "VIEW";
        let comment: Option<String> = row.get(2)?;
        let mut options = Options::default();
        for (at, name) in [(3, "engine"), (4, "collation")] {
            if let Some(value) = row.get::<Option<String>>(at)? {
                options.set("mysql", name, value);
            }
        }
        Ok(TableFacts {
            schema: self.schema.map(str::to_string),
            name: row.get(0)?,
            kind: if is_view { ObjectKind::View } else { ObjectKind::Table },
            columns: Vec::new(),
            primary_key: None,
            uniques: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            comment: comment.filter(|text| !text.is_empty() && !is_view),
            definition: None,
            options,
        })
    }
}

/// The tables that are being put together.
struct Tables {
    list: Vec<TableFacts>,
    places: HashMap<String, usize>,
}

impl Tables {
    fn of(objects: Vec<TableFacts>, without_views: bool) -> Tables {
        let wanted = |table: &TableFacts| !(without_views && table.kind == ObjectKind::View);
        let list: Vec<TableFacts> = objects.into_iter().filter(wanted).collect();
        let places = list.iter().enumerate().map(|(at, table)| (table.name.clone(), at)).collect();
        Tables { list, places }
    }

    /// The table a row is of, if it is wanted.
    fn table(&mut self, row: &Row) -> Result<Option<&mut TableFacts>> {
        let place = self.places.get(row.get::<&str>(0)?);
        Ok(place.and_then(|at| self.list.get_mut(*at)))
    }

    fn column(&mut self, row: &Row, is_mariadb: bool) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let declared: String = row.get(2)?;
        let extra = row.get::<Option<String>>(5)?.unwrap_or_default().to_ascii_lowercase();
        let default: Option<String> = row.get(4)?;
        let generated = row.get::<Option<String>>(6)?.filter(|sql| !sql.is_empty());
        let comment: Option<String> = row.get(7)?;
        let default = match is_mariadb {
            true => default.filter(|sql| sql != "NULL"),
            false => default.map(|text| default_sql(&text, &extra, &declared)),
        };
        let mut options = Options::default();
        if let Some((_, after)) = extra.split_once("on update ") {
            options.set("mysql", "on_update", after);
        }
        if extra.contains("invisible") {
            options.set("mysql", "invisible", true);
        }
        table.columns.push(ColumnFacts {
            name: row.get(1)?,
            ty: MySqlTypes.parse(&declared),
            declared,
            nullable: row.get::<String>(3)? == "YES",
            default: if generated.is_some() { None } else { default },
            autoincrement: extra.contains("auto_increment"),
            computed: generated.map(|sql| (sql, !extra.contains("virtual"))),
            collation: row.get(8)?,
            comment: comment.filter(|text| !text.is_empty()),
            options,
        });
        Ok(())
    }

    fn index(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: String = row.get(1)?;
        let column: Option<String> = row.get(3)?;
        match (row.get::<Option<String>>(7)?.as_deref(), &column) {
            (Some("PRIMARY KEY"), Some(column)) => {
                table.primary_key.get_or_insert_with(KeyFacts::default).columns.push(column.clone());
                return Ok(());
            }
            (Some("UNIQUE"), Some(column)) if is_plain_key(table, &name) => {
                push_unique(table, name, column.clone());
                return Ok(());
            }
            _ => {}
        }
        if table.indexes.last().is_none_or(|last| last.name != name) {
            let mut options = Options::default();
            match row.get::<String>(6)?.as_str() {
                "BTREE" => {}
                method => options.set("mysql", "using", method),
            }
            let unique = row.get::<i64>(2)? == 0;
            table.indexes.push(IndexFacts { name, unique, elements: Vec::new(), filter: None, options });
        }
        let Some(index) = table.indexes.last_mut() else { return Ok(()) };
        if let (Some(length), Some(column)) = (row.get::<Option<i64>>(4)?, &column) {
            index.options.set("mysql", &format!("length_{column}"), length);
        }
        index.elements.push(ElementFacts {
            expression: if column.is_none() { row.get(8)? } else { None },
            column,
            descending: row.get::<Option<String>>(5)?.as_deref() == Some("D"),
            collation: None,
        });
        Ok(())
    }

    fn foreign_key(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: Option<String> = row.get(1)?;
        if table.foreign_keys.last().is_none_or(|last| last.name != name) {
            table.foreign_keys.push(ForeignKeyFacts {
                name,
                columns: Vec::new(),
                referred_schema: row.get(3)?,
                referred_table: row.get(4)?,
                referred_columns: Vec::new(),
                on_delete: action(&row.get::<String>(6)?),
                on_update: action(&row.get::<String>(7)?),
                deferrable: None,
                initially_deferred: false,
                match_type: None,
            });
        }
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.push(row.get(2)?);
            key.referred_columns.push(row.get(5)?);
        }
        Ok(())
    }

    fn check(&mut self, row: &Row) -> Result<()> {
        if let Some(table) = self.table(row)? {
            table.checks.push(CheckFacts { name: row.get(1)?, sql: row.get(2)? });
        }
        Ok(())
    }

    fn view(&mut self, row: &Row) -> Result<()> {
        if let Some(table) = self.table(row)? {
            table.definition = row.get(1)?;
        }
        Ok(())
    }
}

/// MySQL prints a default's value without quotes, and says of an expression that it is one.
fn default_sql(text: &str, extra: &str, declared: &str) -> String {
    let upper = text.to_ascii_uppercase();
    let is_number = text.parse::<f64>().is_ok() && !declared.contains("char") && !declared.contains("text");
    let bits = (text.starts_with("b'") || text.starts_with("0x")) && !declared.contains("char");
    if extra.contains("default_generated") || upper.starts_with("CURRENT_TIMESTAMP") || is_number || bits {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a unique index is over columns alone, so far as it was read.
fn is_plain_key(table: &TableFacts, name: &str) -> bool {
    !table.indexes.iter().any(|index| index.name == name)
}

fn push_unique(table: &mut TableFacts, name: String, column: String) {
    match table.uniques.last_mut().filter(|last| last.name.as_deref() == Some(&name)) {
        Some(key) => key.columns.push(column),
        None => table.uniques.push(KeyFacts {
            name: Some(name),
            columns: vec![column],
            options: Options::default(),
        }),
    }
}

/// The server makes an index of its own for a foreign key that has none, under the key's name.
fn drop_key_indexes(table: &mut TableFacts) {
    let keys: Vec<String> = table.foreign_keys.iter().filter_map(|key| key.name.clone()).collect();
    table.indexes.retain(|index| index.unique || !keys.contains(&index.name));
}

fn action(words: &str) -> Action {
    match words {
        "RESTRICT" => Action::Restrict,
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}
