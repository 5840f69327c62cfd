//! The information schema: one statement for each kind of thing, whatever the schema's size.
//!
//! Tables: dev.mysql.com/doc/refman/en/information-schema.html,
//! mariadb.com/kb/en/information-schema-tables. Where the two differ, each is asked for by its own names.
//! Not here: putting rows together into facts (`gather`).

use mirrorm_core::dialect::{Connection, Inspector, ObjectKind, SchemaFacts, Scope, fetch, standard};
use mirrorm_core::rows::Row;
use mirrorm_core::{Error, ErrorKind, Result, Value};

use super::gather::{Gathered, kind_of};

pub(super) struct MySqlInspector;

impl Inspector for MySqlInspector {
    /// The connected database is the schema.
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
        let catalog = Catalog { connection, schema, only: None, is_mariadb: false };
        let mut names: Vec<(String, ObjectKind)> = Vec::new();
        catalog.each(NAMES, "table_name", "1", |row| {
            names.extend(kind_of(row.get(1)?).map(|kind| row.get(0).map(|name| (name, kind))).transpose()?);
            Ok(())
        })?;
        catalog.exists_if(names.is_empty())?;
        names.sort();
        Ok(names)
    }

    /// The sum of what the rows of the information schema say.
    fn fingerprint(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<String> {
        let catalog = Catalog { connection, schema, only: None, is_mariadb: false };
        catalog.exists_if(true)?;
        let part = |(table, owner, columns): &(&str, &str, &str)| {
            format!(
                "(SELECT CONCAT(COUNT(*), ':', COALESCE(SUM(CRC32(CONCAT_WS('|', {columns}))), 0))
                  FROM information_schema.{table} WHERE {owner} = coalesce(?, database()))"
            )
        };
        let parts: Vec<String> = FINGERPRINT.iter().map(part).collect();
        let params: Vec<Value> = FINGERPRINT.iter().map(|_| schema.into()).collect();
        fetch(connection, &format!("SELECT CONCAT_WS('/', {})", parts.join(", ")), &params)?.one()?.get(0)
    }

    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts> {
        if scope.temporary {
            return Err(Error::unsupported("lists of temporary tables", "mysql"));
        }
        let row = fetch(connection, "SELECT VERSION(), DATABASE(), @@lower_case_table_names", &[])?.one()?;
        let is_mariadb = super::is_mariadb(row.get(0)?);
        let schema = scope.schema.as_deref();
        let catalog = Catalog { connection, schema, only: scope.only.as_deref(), is_mariadb };
        let connected: Option<String> = row.get(1)?;
        let database = schema.map(str::to_string).or(connected).unwrap_or_default();
        let folds = row.get::<i64>(2)? != 0;
        let mut gathered = Gathered::new(scope, is_mariadb, folds, database);
        catalog.each(OBJECTS, "table_name", "1", |row| gathered.object(row))?;
        catalog.exists_if(gathered.is_empty())?;
        if !gathered.is_empty() {
            catalog.parts(scope, &mut gathered)?;
        }
        catalog.sequences(&mut gathered)?;
        Ok(gathered.finish())
    }
}

const NAMES: &str = "SELECT CAST(table_name AS CHAR), table_type FROM information_schema.tables
    WHERE table_schema = coalesce(?, database())";

const OBJECTS: &str = "SELECT CAST(table_name AS CHAR), table_type, table_comment, engine, table_collation,
        row_format, create_options
    FROM information_schema.tables WHERE table_schema = coalesce(?, database())";

/// Tables of the information schema, the column with the database, and those that say something.
const FINGERPRINT: &[(&str, &str, &str)] = &[
    (
        "tables",
        "table_schema",
        "table_name, table_type, engine, table_collation, create_options, table_comment",
    ),
    (
        "columns",
        "table_schema",
        "table_name, column_name, ordinal_position, column_type, is_nullable, column_default, extra,
         generation_expression, column_comment, collation_name",
    ),
    (
        "statistics",
        "table_schema",
        "table_name, index_name, seq_in_index, column_name, non_unique, sub_part, collation, index_type, index_comment",
    ),
    (
        "key_column_usage",
        "table_schema",
        "table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name,
         referenced_column_name",
    ),
    ("referential_constraints", "constraint_schema", "constraint_name, table_name, update_rule, delete_rule"),
    ("check_constraints", "constraint_schema", "constraint_name, check_clause"),
    ("views", "table_schema", "table_name, view_definition, check_option, security_type"),
    (
        "partitions",
        "table_schema",
        "table_name, partition_name, partition_method, partition_expression, partition_description",
    ),
];

/// What only one of the two servers has stands between marks.
const COLUMNS: &str = "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(column_type AS CHAR),
        is_nullable, CAST(column_default AS CHAR), extra, CAST(generation_expression AS CHAR), column_comment,
        CAST(collation_name AS CHAR), CAST(character_set_name AS CHAR), {srs_id|NULL}
    FROM information_schema.columns WHERE table_schema = coalesce(?, database())";

const INDEXES: &str = "SELECT CAST(table_name AS CHAR), CAST(index_name AS CHAR), non_unique,
        CAST(column_name AS CHAR), sub_part, collation, index_type, index_comment,
        {is_visible|CASE ignored WHEN 'YES' THEN 'NO' END}, {CAST(expression AS CHAR)|NULL}
    FROM information_schema.statistics WHERE table_schema = coalesce(?, database())";

const FOREIGN_KEYS: &str = "SELECT CAST(k.table_name AS CHAR), CAST(k.constraint_name AS CHAR),
        CAST(k.column_name AS CHAR),
        CASE WHEN k.referenced_table_schema <> k.table_schema THEN CAST(k.referenced_table_schema AS CHAR) END,
        CAST(k.referenced_table_name AS CHAR), CAST(k.referenced_column_name AS CHAR), r.delete_rule, r.update_rule,
        k.referenced_table_schema <> k.table_schema AND k.referenced_table_schema <=> database()
    FROM information_schema.key_column_usage k
    JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema
        AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
    WHERE k.table_schema = coalesce(?, database()) AND k.referenced_table_name IS NOT NULL";

/// The two views joined by the server's own plan take seconds for 500 tables: it looks through all constraints
/// for each, unless one side is kept apart (dev.mysql.com/doc/refman/8.4/en/optimizer-hints.html, `NO_MERGE`).
const MYSQL_CHECKS: &str = "SELECT /*+ NO_MERGE(c) */ CAST(t.table_name AS CHAR) AS table_name,
        CAST(c.name AS CHAR) AS constraint_name, CAST(c.clause AS CHAR), 'Table', t.enforced
    FROM (SELECT constraint_name AS name, check_clause AS clause FROM information_schema.check_constraints
          WHERE constraint_schema = coalesce(?, database())) c
    JOIN information_schema.table_constraints t ON t.constraint_name = c.name AND t.constraint_type = 'CHECK'
    WHERE t.table_schema = coalesce(?, database())";

const MARIADB_CHECKS: &str = "SELECT CAST(table_name AS CHAR), CAST(constraint_name AS CHAR),
        CAST(check_clause AS CHAR), level, 'YES'
    FROM information_schema.check_constraints WHERE constraint_schema = coalesce(?, database())";

const PARTITIONS: &str = "SELECT CAST(table_name AS CHAR), CAST(partition_name AS CHAR), partition_method,
        CAST(partition_expression AS CHAR), CAST(partition_description AS CHAR), subpartition_method,
        CAST(subpartition_expression AS CHAR), partition_comment
    FROM information_schema.partitions
    WHERE table_schema = coalesce(?, database()) AND partition_name IS NOT NULL";

const VIEWS: &str =
    "SELECT CAST(table_name AS CHAR), CAST(view_definition AS CHAR), check_option, security_type,
        definer
    FROM information_schema.views WHERE table_schema = coalesce(?, database())";

const SEQUENCE_NAMES: &str = "SELECT CAST(table_name AS CHAR), table_comment FROM information_schema.tables
    WHERE table_schema = coalesce(?, database()) AND table_type = 'SEQUENCE'";

/// A schema of a connection, or some objects of it.
struct Catalog<'a> {
    connection: &'a dyn Connection,
    schema: Option<&'a str>,
    only: Option<&'a [String]>,
    is_mariadb: bool,
}

impl Catalog<'_> {
    /// The rows of a statement about the schema, by table and then in an order.
    fn each(
        &self,
        sql: &str,
        table: &str,
        order: &str,
        mut body: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        let mut sql = of_server(sql, self.is_mariadb);
        let mut params: Vec<Value> = vec![self.schema.into(); sql.matches('?').count()];
        if let Some(names) = self.only {
            let marks = vec!["?"; names.len().max(1)].join(", ");
            sql.push_str(&format!(" AND {table} IN ({marks})"));
            params.extend(names.iter().map(|name| Value::from(name.as_str())));
            params.resize(params.len() + usize::from(names.is_empty()), Value::Null);
        }
        sql.push_str(&format!(" ORDER BY {table}, {order}"));
        fetch(self.connection, &sql, &params)?.iter().try_for_each(|row| body(&row))
    }

    fn parts(&self, scope: &Scope, gathered: &mut Gathered) -> Result<()> {
        self.each(COLUMNS, "table_name", "ordinal_position", |row| gathered.column(row))?;
        self.each(INDEXES, "table_name", "index_name, seq_in_index", |row| gathered.index(row))?;
        self.each(FOREIGN_KEYS, "k.table_name", "k.constraint_name, k.ordinal_position", |row| {
            gathered.foreign_key(row)
        })?;
        let (checks, table, name) = match self.is_mariadb {
            true => (MARIADB_CHECKS, "table_name", "constraint_name"),
            false => (MYSQL_CHECKS, "t.table_name", "c.name"),
        };
        self.each(checks, table, name, |row| gathered.check(row))?;
        let order = "partition_ordinal_position, subpartition_ordinal_position";
        self.each(PARTITIONS, "table_name", order, |row| gathered.partition(row))?;
        if !scope.without_views {
            self.each(VIEWS, "table_name", "1", |row| gathered.view(row))?;
        }
        Ok(())
    }

    /// The sequences of a schema are tables of one row, which one statement reads
    /// (mariadb.com/kb/en/create-sequence).
    fn sequences(&self, gathered: &mut Gathered) -> Result<()> {
        if !self.is_mariadb {
            return Ok(());
        }
        let (mut sql, mut params) = (String::new(), Vec::new());
        self.each(SEQUENCE_NAMES, "table_name", "1", |row| {
            let name: String = row.get(0)?;
            let head = if sql.is_empty() { "SELECT" } else { " UNION ALL SELECT" };
            sql.push_str(head);
            sql.push_str(
                " ?, start_value, increment, minimum_value, maximum_value, cycle_option, cache_size, ? FROM ",
            );
            self.schema.iter().for_each(|schema| {
                standard::quote(schema, '`', &mut sql);
                sql.push('.');
            });
            standard::quote(&name, '`', &mut sql);
            params.extend([name.into(), row.value(1)?.to_value()]);
            Ok(())
        })?;
        if sql.is_empty() {
            return Ok(());
        }
        fetch(self.connection, &sql, &params)?.iter().try_for_each(|row| gathered.sequence(&row))
    }

    /// Where nothing was found: whether there is such a schema at all.
    fn exists_if(&self, nothing: bool) -> Result<()> {
        let Some(schema) = self.schema.filter(|_| nothing) else { return Ok(()) };
        let sql = "SELECT 1 FROM information_schema.schemata WHERE schema_name = ?";
        if fetch(self.connection, sql, &[schema.into()])?.is_empty() {
            let message = format!("there is no schema `{schema}`");
            return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(schema));
        }
        Ok(())
    }
}

/// A statement as one of the servers takes it: of each `{of MySQL|of MariaDB}` its own.
fn of_server(sql: &str, is_mariadb: bool) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((front, (marked, behind))) =
        rest.split_once('{').and_then(|(front, after)| Some((front, after.split_once('}')?)))
    {
        let (mysql, mariadb) = marked.split_once('|').unwrap_or((marked, marked));
        text.push_str(front);
        text.push_str(if is_mariadb { mariadb } else { mysql });
        rest = behind;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_is_asked_in_its_own_words() {
        assert_eq!(of_server("a, {b|NULL} {c|d} e", false), "a, b c e");
        assert_eq!(of_server("a, {b|NULL} {c|d} e", true), "a, NULL d e");
        assert_eq!(of_server("a", true), "a");
    }
}
