//! SQLite's catalog: PRAGMAs joined with `sqlite_master`, a constant number of statements, and
//! the stored text for what they do not tell.
//!
//! Not here: putting rows together into facts (`gather`), reading stored text (`stored`).

use std::collections::{HashMap, HashSet};

use mirrorm_core::dialect::{
    Connection, Inspector, ObjectKind, SchemaFacts, Scope, TableFacts, fetch, fetch_kept, standard,
};
use mirrorm_core::rows::{Row, Rows};
use mirrorm_core::schema::Options;
use mirrorm_core::value::Json;
use mirrorm_core::{Error, ErrorKind, Result, Value};

use super::gather::Gathered;
use super::stored::{StoredIndex, read_index, read_table};
use crate::known_types::KnownTypes;

pub(super) struct SqliteInspector;

impl Inspector for SqliteInspector {
    fn default_schema(&self, _: &dyn Connection) -> Result<String> {
        Ok("@default".to_string())
    }

    fn schemas(&self, connection: &dyn Connection) -> Result<Vec<String>> {
        let rows = fetch(
            connection,
            "SELECT name FROM pragma_database_list WHERE name <> 'temp' ORDER BY seq",
            &[],
        )?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn names(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Vec<(String, ObjectKind)>> {
        let catalog = Catalog { connection, schema, only: None };
        let mut names: Vec<(String, ObjectKind)> =
            catalog.objects()?.into_iter().map(|o| (o.name, o.kind)).collect();
        if schema.is_none() {
            let temporary = temporary(connection).objects()?;
            names.retain(|(name, _)| !temporary.iter().any(|t| t.name.eq_ignore_ascii_case(name)));
            names.extend(temporary.into_iter().map(|object| (object.name, object.kind)));
            names.sort();
        }
        Ok(names)
    }

    /// A number that every change of the schema raises (sqlite.org/pragma.html, schema_version).
    fn fingerprint(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<String> {
        let catalog = Catalog { connection, schema, only: None };
        let known = self.schemas(connection)?;
        let is_known = |name: &str| {
            name.eq_ignore_ascii_case("temp") || known.iter().any(|k| k.eq_ignore_ascii_case(name))
        };
        if !is_known(catalog.schema_name()) {
            return Err(catalog.no_schema());
        }
        let of = |name: &str| -> Result<i64> {
            let mut sql = String::from("PRAGMA ");
            standard::quote(name, '"', &mut sql);
            sql.push_str(".schema_version");
            fetch(connection, &sql, &[])?.one()?.get(0)
        };
        Ok(match schema {
            Some(name) => of(name)?.to_string(),
            None => format!("{}/{}", of("main")?, of("temp")?),
        })
    }

    /// The default schema is what a bare name means: `temp`, then `main`
    /// (sqlite.org/lang_naming.html).
    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts> {
        let only = scope.only.as_deref();
        if scope.temporary {
            let mut facts = Catalog { only, ..temporary(connection) }.facts(scope.without_views)?;
            facts.tables.iter_mut().for_each(|table| table.schema = None);
            return Ok(facts);
        }
        let catalog = Catalog { connection, schema: scope.schema.as_deref(), only };
        let mut facts = catalog.facts(scope.without_views)?;
        if scope.schema.is_none() {
            let temporary = Catalog { only, ..temporary(connection) };
            let found = temporary.facts(scope.without_views)?;
            let hidden =
                |t: &TableFacts| found.tables.iter().any(|own| own.name.eq_ignore_ascii_case(&t.name));
            facts.tables.retain(|t| !hidden(t));
            facts.tables.extend(found.tables.into_iter().map(|t| TableFacts { schema: None, ..t }));
            facts.tables.sort_by(|a, b| a.name.cmp(&b.name));
            facts.problems.extend(found.problems);
        }
        Ok(facts)
    }
}

/// The schema of the connection's temporary objects.
fn temporary(connection: &dyn Connection) -> Catalog<'_> {
    Catalog { connection, schema: Some("temp"), only: None }
}

/// One schema of a connection, or some objects of it.
struct Catalog<'a> {
    connection: &'a dyn Connection,
    schema: Option<&'a str>,
    only: Option<&'a [String]>,
}

/// A row of `sqlite_master` that can be selected from.
struct Object {
    name: String,
    kind: ObjectKind,
    sql: String,
    strict: bool,
    without_rowid: bool,
}

impl Catalog<'_> {
    fn schema_name(&self) -> &str {
        self.schema.unwrap_or("main")
    }

    /// The schema's master table, quoted.
    fn master(&self) -> String {
        let mut name = String::new();
        standard::quote(self.schema_name(), '"', &mut name);
        name + ".sqlite_master"
    }

    /// A JSON list of the names asked for, or NULL for all.
    fn filter(&self) -> Result<Value> {
        match self.only {
            Some(names) => json_list(names),
            None => Ok(Value::Null),
        }
    }

    /// Preparing what joins PRAGMAs takes longer than running it over a few tables.
    fn fetch(&self, sql: &str, params: &[Value]) -> Result<Rows> {
        fetch_kept(self.connection, sql, params)
    }

    /// Tables and views, sorted by name; SQLite's own are left out unless they are asked for.
    fn objects(&self) -> Result<Vec<Object>> {
        let sql = format!(
            "SELECT l.name, l.type, l.wr, l.strict, m.sql
             FROM pragma_table_list AS l LEFT JOIN {} AS m ON m.name = l.name AND m.type IN ('table', 'view')
             WHERE l.schema = ?1 COLLATE NOCASE
               AND CASE WHEN ?2 IS NULL THEN l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                        ELSE l.name IN (SELECT value FROM json_each(?2)) END
             ORDER BY l.name",
            self.master()
        );
        let rows = self.fetch(&sql, &[self.schema_name().into(), self.filter()?]);
        let rows = rows.map_err(|e| if e.kind() == ErrorKind::NoSuchTable { self.no_schema() } else { e })?;
        rows.iter().map(|row| object(&row)).collect()
    }

    fn no_schema(&self) -> Error {
        let message = format!("there is no schema `{}`", self.schema_name());
        Error::new(ErrorKind::NoSuchTable, message).with_table(self.schema_name())
    }

    fn facts(&self, without_views: bool) -> Result<SchemaFacts> {
        let mut problems = Vec::new();
        let mut objects = self.objects()?;
        objects.retain(|object| !(without_views && object.kind == ObjectKind::View));
        if objects.is_empty() {
            return Ok(SchemaFacts::default());
        }
        let tables = objects.iter().map(|object| self.empty_table(object)).collect();
        let stored = objects.iter().map(|object| read_table(&object.sql)).collect();
        let at = objects.iter().enumerate().map(|(i, object)| (object.name.clone(), i)).collect();
        let mut gathered = Gathered {
            tables,
            stored,
            at,
            with_key_index: HashSet::new(),
            types: KnownTypes::default(),
            problems: &mut problems,
        };
        for views in [false, true] {
            if objects.iter().any(|object| (object.kind == ObjectKind::View) == views) {
                self.columns(&objects, views, &mut gathered)?;
            }
        }
        let mut keys = self.foreign_keys(&mut gathered)?;
        self.resolve_implied_keys(&mut gathered, &mut keys)?;
        self.indexes(&mut gathered)?;
        gathered.settle();
        let Gathered { mut tables, .. } = gathered;
        // An object whose columns could not be read is a problem, not a table without columns.
        tables.retain(|table| !(table.columns.is_empty() && problems.iter().any(|p| p.object == table.name)));
        let schema = self.schema.map(str::to_string);
        Ok(SchemaFacts { schema, tables, problems, ..SchemaFacts::default() })
    }

    fn empty_table(&self, object: &Object) -> TableFacts {
        let mut options = Options::default();
        for (name, set) in [("strict", object.strict), ("without_rowid", object.without_rowid)] {
            if set {
                options.set("sqlite", name, true);
            }
        }
        let keeps_text = object.kind != ObjectKind::Table;
        TableFacts {
            schema: self.schema.filter(|name| !name.eq_ignore_ascii_case("main")).map(str::to_string),
            name: object.name.clone(),
            kind: object.kind,
            temporary: self.schema_name().eq_ignore_ascii_case("temp"),
            definition: keeps_text.then(|| object.sql.clone()).filter(|sql| !sql.is_empty()),
            options,
            ..TableFacts::default()
        }
    }

    /// The columns of all tables, or of all views: one statement. When one object fails it (a view
    /// on a function that is not there, a table of a missing module), they are read one by one.
    fn columns(&self, objects: &[Object], views: bool, gathered: &mut Gathered<'_>) -> Result<()> {
        let names: Vec<&str> = objects
            .iter()
            .filter(|o| (o.kind == ObjectKind::View) == views)
            .map(|o| o.name.as_str())
            .collect();
        let sql = "SELECT n.value, x.name, x.type, x.\"notnull\", x.dflt_value, x.pk, x.hidden
             FROM json_each(?1) AS n JOIN pragma_table_xinfo(n.value, ?2) AS x";
        let schema = Value::from(self.schema_name());
        match self.fetch(sql, &[json_list(&names)?, schema.clone()]) {
            Ok(rows) => rows.iter().try_for_each(|row| gathered.column(&row)),
            Err(_) => {
                for name in names {
                    let one = self.fetch(sql, &[json_list(&[name])?, schema.clone()]);
                    match one {
                        Ok(rows) => rows.iter().try_for_each(|row| gathered.column(&row))?,
                        Err(error) => gathered.problem(name, error.message()),
                    }
                }
                Ok(())
            }
        }
    }

    /// The foreign keys of all tables, in the order they are written. Gives those that name no
    /// columns of their target: the table's position, the key's position, the target.
    fn foreign_keys(&self, gathered: &mut Gathered<'_>) -> Result<Vec<(usize, usize)>> {
        let sql = "SELECT n.value, f.id, f.\"table\", f.\"from\", f.\"to\", f.on_update, f.on_delete, f.match
             FROM json_each(?1) AS n JOIN pragma_foreign_key_list(n.value, ?2) AS f
             ORDER BY n.key, f.id DESC, f.seq";
        let params = [json_list(&gathered.plain_names())?, self.schema_name().into()];
        let mut last = None;
        let mut implied = Vec::new();
        for row in self.fetch(sql, &params)? {
            let Some(table) = gathered.position(&row.get::<String>(0)?) else {
                continue;
            };
            let id: i64 = row.get(1)?;
            if last != Some((table, id)) {
                let key = gathered.push_key(table, &row)?;
                if row.value(4)?.is_null() {
                    implied.push((table, key));
                }
                last = Some((table, id));
            }
            gathered.push_key_column(table, &row)?;
        }
        Ok(implied)
    }

    /// A key that names no columns points to the primary key of its target, which may be outside
    /// the scope; a target that is not there leaves the columns unknown.
    fn resolve_implied_keys(&self, gathered: &mut Gathered<'_>, keys: &mut [(usize, usize)]) -> Result<()> {
        let target = |gathered: &Gathered<'_>, (table, key): (usize, usize)| {
            gathered.key(table, key).map(|k| k.referred_table.clone())
        };
        let mut wanted: Vec<String> = keys.iter().filter_map(|at| target(gathered, *at)).collect();
        wanted.sort();
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "SELECT n.value, x.name FROM json_each(?1) AS n JOIN pragma_table_xinfo(n.value, ?2) AS x
             WHERE x.pk > 0 ORDER BY n.key, x.pk";
        let mut primary: HashMap<String, Vec<String>> = HashMap::new();
        for row in self.fetch(sql, &[json_list(&wanted)?, self.schema_name().into()])? {
            primary.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        for at in keys.iter().copied() {
            let columns = target(gathered, at).and_then(|name| primary.get(&name).cloned());
            if let (Some(key), Some(columns)) = (gathered.key_mut(at.0, at.1), columns) {
                key.referred_columns = columns;
            }
        }
        Ok(())
    }

    /// The indexes of all tables with their elements: one statement, and one for their text.
    fn indexes(&self, gathered: &mut Gathered<'_>) -> Result<()> {
        let names: Value = json_list(&gathered.plain_names())?;
        let sql = "SELECT n.value, l.name, l.\"unique\", l.origin, l.partial, x.cid, x.name, x.\"desc\", x.coll
             FROM json_each(?1) AS n JOIN pragma_index_list(n.value, ?2) AS l JOIN pragma_index_xinfo(l.name, ?2) AS x
             WHERE x.key = 1 ORDER BY n.key, l.seq DESC, x.seqno";
        let rows = self.fetch(sql, &[names.clone(), self.schema_name().into()])?;
        let text = format!(
            "SELECT name, sql FROM {} WHERE type = 'index' AND sql IS NOT NULL
               AND tbl_name IN (SELECT value FROM json_each(?1))",
            self.master()
        );
        let mut texts: HashMap<String, StoredIndex> = HashMap::new();
        for row in self.fetch(&text, &[names])? {
            if let Some(stored) = read_index(row.get::<&str>(1)?) {
                texts.insert(row.get(0)?, stored);
            }
        }
        rows.iter().try_for_each(|row| gathered.index_element(&row, &texts))
    }
}

fn object(row: &Row) -> Result<Object> {
    let kind = match row.get::<&str>(1)? {
        "view" => ObjectKind::View,
        "virtual" => ObjectKind::Virtual,
        "shadow" => ObjectKind::Shadow,
        _ => ObjectKind::Table,
    };
    Ok(Object {
        name: row.get(0)?,
        kind,
        without_rowid: row.get(2)?,
        strict: row.get(3)?,
        sql: row.get::<Option<String>>(4)?.unwrap_or_default(),
    })
}

/// Names as the text of a JSON list, for `json_each`.
fn json_list<S: AsRef<str>>(names: &[S]) -> Result<Value> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    Ok(Json::of(&names)?.as_str().into())
}
