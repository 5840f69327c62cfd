//! PostgreSQL's catalog into facts: one statement for each kind of thing, whatever the schema's size.
//!
//! Tables: manual, chapter 53. Names and expressions come from the server's own printing functions,
//! so that they are valid SQL wherever they are used again.

use std::collections::HashMap;

use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, Connection, ElementFacts, ForeignKeyFacts, IndexFacts, Inspector, KeyFacts,
    ObjectKind, SchemaFacts, Scope, TableFacts, TypeMap, fetch,
};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::value::{Array, FromValue};
use mirrorm_core::{Error, ErrorKind, Result, Value};

use super::types::PostgresTypes;

pub(super) struct PostgresInspector;

impl Inspector for PostgresInspector {
    fn default_schema(&self, connection: &dyn Connection) -> Result<String> {
        let row = fetch(connection, "SELECT coalesce(current_schema(), 'public')::text", &[])?.one()?;
        row.get(0)
    }

    fn schemas(&self, connection: &dyn Connection) -> Result<Vec<String>> {
        let rows = fetch(
            connection,
            "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
             ORDER BY nspname",
            &[],
        )?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn names(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Vec<(String, ObjectKind)>> {
        let catalog = Catalog { connection, schema, only: None };
        Ok(catalog.objects()?.into_iter().map(|(_, table)| (table.name, table.kind)).collect())
    }

    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts> {
        let catalog = Catalog { connection, schema: scope.schema.as_deref(), only: scope.only.as_deref() };
        let mut tables = Tables::of(catalog.objects()?, scope.without_views);
        if tables.list.is_empty() {
            return Ok(SchemaFacts::default());
        }
        catalog.each(COLUMNS, |row| tables.column(row))?;
        catalog.each(CONSTRAINTS, |row| tables.constraint(row))?;
        catalog.each(INDEXES, |row| tables.index(row))?;
        if !scope.without_views {
            catalog.each(VIEWS, |row| tables.view(row))?;
        }
        Ok(SchemaFacts { tables: tables.list, problems: Vec::new() })
    }
}

/// Tables and views of a schema, `$1` or the default one, or those named in `$2`. What an extension made
/// is its own business.
const OBJECTS: &str = "
    SELECT c.oid::bigint, c.relname::text, c.relkind::text, obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname = coalesce($1::text, current_schema())
      AND ($2::text[] IS NULL OR c.relname = ANY ($2::text[]))
    ORDER BY c.relname COLLATE \"C\"";

/// Which tables the statements below are about.
macro_rules! of_tables {
    ($select:literal, $table:literal, $rest:literal) => {
        concat!(
            $select,
            " JOIN pg_class c ON c.oid = ",
            $table,
            " JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname = coalesce($1::text, current_schema())
                AND ($2::text[] IS NULL OR c.relname = ANY ($2::text[])) ",
            $rest
        )
    };
}

const COLUMNS: &str = of_tables!(
    "SELECT a.attrelid::bigint, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
            CASE WHEN a.attcollation <> t.typcollation THEN co.collname::text END,
            col_description(a.attrelid, a.attnum)
     FROM pg_attribute a
     JOIN pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     LEFT JOIN pg_collation co ON co.oid = a.attcollation",
    "a.attrelid",
    "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"
);

const CONSTRAINTS: &str = of_tables!(
    "SELECT k.conrelid::bigint, k.conname::text, k.contype::text,
            ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(n, at)
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.at),
            pg_get_expr(k.conbin, k.conrelid),
            CASE WHEN fn.nspname <> own.nspname THEN fn.nspname::text END, f.relname::text,
            ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(n, at)
                  JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.at),
            k.confdeltype::text, k.confupdtype::text, k.confmatchtype::text, k.condeferrable, k.condeferred
     FROM pg_constraint k
     LEFT JOIN pg_class f ON f.oid = k.confrelid
     LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
     JOIN pg_namespace own ON own.oid = k.connamespace",
    "k.conrelid",
    "AND k.contype IN ('p', 'u', 'f', 'c') ORDER BY k.conrelid, k.conname COLLATE \"C\""
);

/// Indexes that are no constraint's, a row for each of their elements.
const INDEXES: &str = of_tables!(
    "SELECT i.indrelid::bigint, x.relname::text, i.indisunique, pg_get_expr(i.indpred, i.indrelid),
            am.amname::text, i.indkey[e - 1]::bigint, pg_get_indexdef(i.indexrelid, e, false),
            e > i.indnkeyatts, coalesce((i.indoption[e - 1] & 1) = 1, false), att.attname::text,
            CASE WHEN i.indcollation[e - 1] <> coalesce(att.attcollation, i.indcollation[e - 1])
                 THEN co.collname::text END
     FROM pg_index i
     JOIN pg_class x ON x.oid = i.indexrelid
     JOIN pg_am am ON am.oid = x.relam
     CROSS JOIN LATERAL generate_series(1, i.indnatts) AS e
     LEFT JOIN pg_attribute att ON att.attrelid = i.indrelid AND att.attnum = i.indkey[e - 1]
     LEFT JOIN pg_collation co ON e <= i.indnkeyatts AND co.oid = i.indcollation[e - 1]",
    "i.indrelid",
    "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
     ORDER BY i.indrelid, x.relname COLLATE \"C\", e"
);

const VIEWS: &str = of_tables!(
    "SELECT v.oid::bigint, pg_get_viewdef(v.oid) FROM pg_class v",
    "v.oid",
    "AND v.relkind IN ('v', 'm')"
);

/// A schema of a connection, or some objects of it.
struct Catalog<'a> {
    connection: &'a dyn Connection,
    schema: Option<&'a str>,
    only: Option<&'a [String]>,
}

impl Catalog<'_> {
    fn each(&self, sql: &str, mut body: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let only = self.only.map_or(Value::Null, |names| {
            let names = names.iter().map(|name| Value::from(name.as_str())).collect();
            Value::Array(Box::new(Array::new("text", names)))
        });
        fetch(self.connection, sql, &[self.schema.into(), only])?.iter().try_for_each(|row| body(&row))
    }

    /// Tables and views without their parts, by their oid.
    fn objects(&self) -> Result<Vec<(i64, TableFacts)>> {
        let mut found = Vec::new();
        self.each(OBJECTS, |row| {
            let kind = match row.get::<String>(2)?.as_str() {
                "v" | "m" => ObjectKind::View,
                _ => ObjectKind::Table,
            };
            found.push((row.get(0)?, self.empty_table(row, kind)?));
            Ok(())
        })?;
        if found.is_empty() {
            self.exists()?;
        }
        Ok(found)
    }

    fn exists(&self) -> Result<()> {
        let Some(schema) = self.schema else { return Ok(()) };
        let found = fetch(self.connection, "SELECT FROM pg_namespace WHERE nspname = $1", &[schema.into()])?;
        if found.is_empty() {
            let message = format!("there is no schema `{schema}`");
            return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(schema));
        }
        Ok(())
    }

    fn empty_table(&self, row: &Row, kind: ObjectKind) -> Result<TableFacts> {
        let mut options = Options::default();
        match row.get::<String>(2)?.as_str() {
            "m" => options.set("postgresql", "materialized", true),
            "p" => options.set("postgresql", "partitioned", true),
            "f" => options.set("postgresql", "foreign", true),
            _ => {}
        }
        Ok(TableFacts {
            schema: self.schema.map(str::to_string),
            name: row.get(1)?,
            kind,
            columns: Vec::new(),
            primary_key: None,
            uniques: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            comment: row.get(3)?,
            definition: None,
            options,
        })
    }
}

/// The tables that are being put together.
struct Tables {
    list: Vec<TableFacts>,
    places: HashMap<i64, usize>,
}

impl Tables {
    fn of(objects: Vec<(i64, TableFacts)>, without_views: bool) -> Tables {
        let wanted = |table: &TableFacts| !(without_views && table.kind == ObjectKind::View);
        let (oids, list): (Vec<i64>, Vec<TableFacts>) =
            objects.into_iter().filter(|(_, table)| wanted(table)).unzip();
        Tables { list, places: oids.into_iter().enumerate().map(|(at, oid)| (oid, at)).collect() }
    }

    /// The table a row is of, if it is wanted.
    fn table(&mut self, row: &Row) -> Result<Option<&mut TableFacts>> {
        let place = self.places.get(&row.get::<i64>(0)?);
        Ok(place.and_then(|at| self.list.get_mut(*at)))
    }

    fn column(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let declared: String = row.get(2)?;
        let (expression, identity): (Option<String>, String) = (row.get(4)?, row.get(5)?);
        let generated: String = row.get(6)?;
        let mut options = Options::default();
        match identity.as_str() {
            "a" => options.set("postgresql", "identity", "ALWAYS"),
            "d" => options.set("postgresql", "identity", "BY DEFAULT"),
            _ => {}
        }
        let serial = expression.as_deref().is_some_and(|sql| sql.starts_with("nextval("));
        let (default, computed) = match generated.as_str() {
            "" => (expression, None),
            kind => (None, expression.map(|sql| (sql, kind == "s"))),
        };
        table.columns.push(ColumnFacts {
            name: row.get(1)?,
            ty: PostgresTypes.parse(&declared),
            declared,
            nullable: !row.get::<bool>(3)?,
            default,
            autoincrement: serial || !identity.is_empty(),
            computed,
            collation: row.get(7)?,
            comment: row.get(8)?,
            options,
        });
        Ok(())
    }

    fn constraint(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: Option<String> = row.get(1)?;
        let columns: Vec<String> = list(row, 3)?;
        match row.get::<String>(2)?.as_str() {
            "p" => table.primary_key = Some(KeyFacts { name, columns, options: key_options(row)? }),
            "u" => table.uniques.push(KeyFacts { name, columns, options: key_options(row)? }),
            "c" => {
                table.checks.push(CheckFacts { name, sql: row.get::<Option<String>>(4)?.unwrap_or_default() })
            }
            _ => table.foreign_keys.push(foreign_key(row, name, columns)?),
        }
        Ok(())
    }

    fn index(&mut self, row: &Row) -> Result<()> {
        let Some(table) = self.table(row)? else { return Ok(()) };
        let name: String = row.get(1)?;
        if table.indexes.last().is_none_or(|last| last.name != name) {
            let mut options = Options::default();
            match row.get::<String>(4)?.as_str() {
                "btree" => {}
                method => options.set("postgresql", "using", method),
            }
            let filter = row.get(3)?;
            table.indexes.push(IndexFacts {
                name,
                unique: row.get(2)?,
                elements: Vec::new(),
                filter,
                options,
            });
        }
        let Some(index) = table.indexes.last_mut() else { return Ok(()) };
        let column: Option<String> = row.get(9)?;
        if row.get::<bool>(7)? {
            let before = index.options.text("postgresql", "include").map(|text| format!("{text}, "));
            let all = before.unwrap_or_default() + &row.get::<String>(6)?;
            index.options.set("postgresql", "include", all);
            return Ok(());
        }
        index.elements.push(ElementFacts {
            expression: if column.is_none() { row.get(6)? } else { None },
            column,
            descending: row.get(8)?,
            collation: row.get(10)?,
        });
        Ok(())
    }

    fn view(&mut self, row: &Row) -> Result<()> {
        if let Some(table) = self.table(row)? {
            table.definition = row.get(1)?;
        }
        Ok(())
    }
}

fn key_options(row: &Row) -> Result<Options> {
    let mut options = Options::default();
    if row.get::<bool>(11)? {
        let words = if row.get::<bool>(12)? { "DEFERRABLE INITIALLY DEFERRED" } else { "DEFERRABLE" };
        options.set("postgresql", "deferrable", words);
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
        referred_table: row.get(6)?,
        referred_columns: list(row, 7)?,
        on_delete: action(&row.get::<String>(8)?),
        on_update: action(&row.get::<String>(9)?),
        deferrable: deferrable.then_some(true),
        initially_deferred: row.get(12)?,
        match_type,
    })
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

/// The texts of an array.
fn list(row: &Row, at: usize) -> Result<Vec<String>> {
    let array: Array = row.get(at)?;
    array.items().iter().map(|item| String::from_value(item.clone())).collect()
}
