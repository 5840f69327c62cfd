//! SQLite's catalog: PRAGMAs joined with `sqlite_master`, a constant number of statements, and
//! the stored text for what they do not tell.
//!
//! Not here: reading stored text (`stored`), and types (`types`).

use std::collections::HashMap;

use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, Connection, ElementFacts, ForeignKeyFacts, IndexFacts, Inspector, KeyFacts,
    ObjectKind, Problem, SchemaFacts, Scope, TableFacts, TypeMap, fetch, standard,
};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::{Error, ErrorKind, Result, Value};

use super::stored::{StoredForeignKey, StoredIndex, StoredKey, StoredTable, read_index, read_table};
use super::types::SqliteTypes;

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
            for object in temporary(connection).objects()? {
                if !names.iter().any(|(name, _)| name.eq_ignore_ascii_case(&object.name)) {
                    names.push((object.name, object.kind));
                }
            }
            names.sort();
        }
        Ok(names)
    }

    /// The default schema is what a bare name can mean: `main`, then `temp`.
    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts> {
        let catalog = Catalog { connection, schema: scope.schema.as_deref(), only: scope.only.as_deref() };
        let mut facts = catalog.facts(scope.without_views)?;
        if scope.schema.is_none() {
            let temporary = Catalog { only: scope.only.as_deref(), ..temporary(connection) };
            let found = temporary.facts(scope.without_views)?;
            let hidden =
                |t: &TableFacts| facts.tables.iter().any(|own| own.name.eq_ignore_ascii_case(&t.name));
            let seen: Vec<TableFacts> = found.tables.into_iter().filter(|t| !hidden(t)).collect();
            facts.tables.extend(seen.into_iter().map(|t| TableFacts { schema: None, ..t }));
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

/// The facts gathered so far, by table.
struct Gathered<'a> {
    tables: Vec<TableFacts>,
    stored: Vec<Option<StoredTable>>,
    at: HashMap<String, usize>,
    problems: &'a mut Vec<Problem>,
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
    fn filter(&self) -> Value {
        match self.only {
            Some(names) => json_list(names).into(),
            None => Value::Null,
        }
    }

    fn fetch(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        Ok(fetch(self.connection, sql, params)?.into_iter().collect())
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
        let rows = self.fetch(&sql, &[self.schema_name().into(), self.filter()]);
        let rows = rows.map_err(|e| if e.kind() == ErrorKind::NoSuchTable { self.no_schema() } else { e })?;
        rows.iter().map(object).collect()
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
        let mut gathered = Gathered { tables, stored, at, problems: &mut problems };
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
        Ok(SchemaFacts { tables, problems })
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
            columns: Vec::new(),
            primary_key: None,
            uniques: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            comment: None,
            definition: keeps_text.then(|| object.sql.clone()).filter(|sql| !sql.is_empty()),
            options,
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
        match self.fetch(sql, &[json_list(&names).into(), schema.clone()]) {
            Ok(rows) => rows.iter().try_for_each(|row| gathered.column(row)),
            Err(_) => {
                for name in names {
                    let one = self.fetch(sql, &[json_list(&[name]).into(), schema.clone()]);
                    match one {
                        Ok(rows) => rows.iter().try_for_each(|row| gathered.column(row))?,
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
        let params = [json_list(&gathered.plain_names()).into(), self.schema_name().into()];
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
        for row in self.fetch(sql, &[json_list(&wanted).into(), self.schema_name().into()])? {
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
        let names: Value = json_list(&gathered.plain_names()).into();
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
        rows.iter().try_for_each(|row| gathered.index_element(row, &texts))
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

/// Names as a JSON list, for `json_each`.
fn json_list<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = String::from("[");
    for (i, name) in names.iter().enumerate() {
        text.push_str(if i == 0 { "\"" } else { ",\"" });
        for c in name.as_ref().chars() {
            match c {
                '"' | '\\' => {
                    text.push('\\');
                    text.push(c);
                }
                c if c < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text.push(']');
    text
}

impl Gathered<'_> {
    fn position(&self, table: &str) -> Option<usize> {
        self.at.get(table).copied()
    }

    fn problem(&mut self, object: &str, message: &str) {
        self.problems.push(Problem { object: object.to_string(), message: message.to_string() });
    }

    /// Tables that can have keys and indexes.
    fn plain_names(&self) -> Vec<String> {
        let plain = |t: &&TableFacts| matches!(t.kind, ObjectKind::Table | ObjectKind::Shadow);
        self.tables.iter().filter(plain).map(|t| t.name.clone()).collect()
    }

    fn key(&self, table: usize, key: usize) -> Option<&ForeignKeyFacts> {
        self.tables.get(table)?.foreign_keys.get(key)
    }

    fn key_mut(&mut self, table: usize, key: usize) -> Option<&mut ForeignKeyFacts> {
        self.tables.get_mut(table)?.foreign_keys.get_mut(key)
    }

    /// A row of `table_xinfo`.
    fn column(&mut self, row: &Row) -> Result<()> {
        let Some(at) = self.position(row.get(0)?) else {
            return Ok(());
        };
        let hidden: i64 = row.get(6)?;
        // 1 is a hidden column of a virtual table; 2 and 3 are generated, virtual and stored.
        if hidden == 1 {
            return Ok(());
        }
        let name: String = row.get(1)?;
        let declared = declared_type(row.get::<Option<&str>>(2)?.unwrap_or(""));
        let stored = self.stored.get(at).and_then(Option::as_ref);
        let written = stored.and_then(|t| t.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&name)));
        let mut options = Options::default();
        if let Some(action) = written.and_then(|c| c.not_null_conflict.as_deref()) {
            options.set("sqlite", "on_conflict", action);
        }
        let computed = (hidden > 1).then(|| {
            let sql = written.and_then(|c| c.computed.clone()).unwrap_or_default();
            (sql, hidden == 3)
        });
        let facts = ColumnFacts {
            ty: SqliteTypes.parse(&declared),
            declared,
            nullable: row.get::<i64>(3)? == 0,
            default: row.get::<Option<String>>(4)?.filter(|_| computed.is_none()),
            autoincrement: false,
            collation: written.and_then(|c| c.collation.clone()),
            comment: None,
            computed,
            options,
            name: name.clone(),
        };
        let position: i64 = row.get(5)?;
        if let Some(table) = self.tables.get_mut(at) {
            table.columns.push(facts);
            if position > 0 {
                let key = table.primary_key.get_or_insert_with(KeyFacts::default);
                // Rows come in the order of the columns; the key's own order is by position.
                key.columns.resize(key.columns.len().max(position as usize), String::new());
                if let Some(slot) = key.columns.get_mut(position as usize - 1) {
                    *slot = name;
                }
            }
        }
        Ok(())
    }

    /// A new foreign key from its first row; gives its position.
    fn push_key(&mut self, table: usize, row: &Row) -> Result<usize> {
        let match_type = Some(row.get::<String>(7)?).filter(|word| word != "NONE");
        let facts = ForeignKeyFacts {
            name: None,
            columns: Vec::new(),
            referred_schema: None,
            referred_table: row.get(2)?,
            referred_columns: Vec::new(),
            on_update: Action::from_sql(row.get(5)?),
            on_delete: Action::from_sql(row.get(6)?),
            deferrable: None,
            initially_deferred: false,
            match_type,
        };
        let Some(table) = self.tables.get_mut(table) else {
            return Ok(0);
        };
        table.foreign_keys.push(facts);
        Ok(table.foreign_keys.len() - 1)
    }

    fn push_key_column(&mut self, table: usize, row: &Row) -> Result<()> {
        let from: String = row.get(3)?;
        let to: Option<String> = row.get(4)?;
        let Some(table) = self.tables.get_mut(table) else {
            return Ok(());
        };
        // The text may spell a column in another case than its declaration.
        let own = table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&from)).map(|c| c.name.clone());
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.push(own.unwrap_or(from));
            key.referred_columns.extend(to);
        }
        Ok(())
    }

    /// One element of an index or of a unique constraint's index.
    fn index_element(&mut self, row: &Row, texts: &HashMap<String, StoredIndex>) -> Result<()> {
        let Some(table) = self.position(row.get(0)?).and_then(|at| self.tables.get_mut(at)) else {
            return Ok(());
        };
        let name: String = row.get(1)?;
        let column: Option<String> = row.get(6)?;
        match row.get::<&str>(3)? {
            "pk" => {
                // An index of its own means that the key is not the rowid.
                table.options.set("sqlite", "pk_index", true);
            }
            "u" => {
                let fresh = table.uniques.last().is_none_or(|key| key.name.as_deref() != Some(&name));
                if fresh {
                    table.uniques.push(KeyFacts { name: Some(name), ..KeyFacts::default() });
                }
                if let Some(key) = table.uniques.last_mut() {
                    key.columns.extend(column);
                }
            }
            _ => {
                let stored = texts.get(&name);
                if table.indexes.last().is_none_or(|index| index.name != name) {
                    table.indexes.push(IndexFacts {
                        filter: stored
                            .and_then(|s| s.filter.clone())
                            .filter(|_| row.get::<i64>(4).is_ok_and(|p| p == 1)),
                        unique: row.get::<i64>(2)? == 1,
                        elements: Vec::new(),
                        options: Options::default(),
                        name,
                    });
                }
                push_element(table, row, column, stored)?;
            }
        }
        Ok(())
    }

    /// What the stored text adds, once all PRAGMAs are read.
    fn settle(&mut self) {
        self.settle_targets();
        for (table, stored) in self.tables.iter_mut().zip(&mut self.stored) {
            settle_table(table, stored.take().unwrap_or_default());
        }
    }

    /// Foreign keys spell their targets in any case; facts use the names of the targets.
    fn settle_targets(&mut self) {
        let fold = |t: &TableFacts| {
            let columns: Vec<String> = t.columns.iter().map(|c| c.name.clone()).collect();
            (t.name.to_ascii_lowercase(), (t.name.clone(), columns))
        };
        let known: HashMap<String, (String, Vec<String>)> = self.tables.iter().map(fold).collect();
        for key in self.tables.iter_mut().flat_map(|t| &mut t.foreign_keys) {
            let Some((table, columns)) = known.get(&key.referred_table.to_ascii_lowercase()) else {
                continue;
            };
            key.referred_table.clone_from(table);
            for name in &mut key.referred_columns {
                if let Some(own) = columns.iter().find(|c| c.eq_ignore_ascii_case(name)) {
                    name.clone_from(own);
                }
            }
        }
    }
}

/// The words of a declared type; SQLite reports generated columns as `INTEGER GENERATED ALWAYS`.
fn declared_type(text: &str) -> String {
    let cut = text.len().saturating_sub("GENERATED ALWAYS".len());
    let generated = text.get(cut..).is_some_and(|end| end.eq_ignore_ascii_case("GENERATED ALWAYS"));
    text.get(..if generated { cut } else { text.len() }).unwrap_or(text).trim().to_string()
}

fn push_element(
    table: &mut TableFacts,
    row: &Row,
    column: Option<String>,
    stored: Option<&StoredIndex>,
) -> Result<()> {
    let collation: String = row.get::<Option<String>>(8)?.unwrap_or_default();
    let own = column.as_ref().and_then(|name| table.columns.iter().find(|c| c.name == *name));
    let default = own.and_then(|c| c.collation.as_deref()).unwrap_or("BINARY");
    let differs = !collation.is_empty() && !collation.eq_ignore_ascii_case(default);
    // -2 is an expression, -1 the rowid, which has no name to be indexed by.
    let is_expression = row.get::<i64>(5)? == -2;
    if let Some(index) = table.indexes.last_mut() {
        let text = stored.and_then(|s| s.elements.get(index.elements.len())).cloned();
        index.elements.push(ElementFacts {
            expression: if is_expression { Some(text.unwrap_or_default()) } else { None },
            column: if is_expression { None } else { column.or(Some("rowid".to_string())) },
            descending: row.get::<i64>(7)? == 1,
            collation: differs.then_some(collation),
        });
    }
    Ok(())
}

fn settle_table(table: &mut TableFacts, mut stored: StoredTable) {
    table.checks = stored.checks.drain(..).map(|(name, sql)| CheckFacts { name, sql }).collect();
    settle_primary_key(table, &stored);
    for key in &mut table.uniques {
        let same = |s: &StoredKey| same_names(&s.columns, &key.columns);
        let found = stored.uniques.iter().position(same).map(|at| stored.uniques.remove(at));
        key.name = None;
        if let Some(found) = found {
            key_details(key, found);
        }
    }
    // The PRAGMA and the text list the keys in the same order, unless the text was not understood.
    for key in &mut table.foreign_keys {
        let same = |s: &StoredForeignKey| {
            same_names(&s.columns, &key.columns) && s.table.eq_ignore_ascii_case(&key.referred_table)
        };
        if let Some(at) = stored.foreign_keys.iter().position(same) {
            let found = stored.foreign_keys.remove(at);
            key.name = found.name;
            key.deferrable = found.deferrable;
            key.initially_deferred = found.initially_deferred;
            key.match_type = found.match_type.or(key.match_type.take());
        }
    }
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
}

fn same_names(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn key_details(key: &mut KeyFacts, stored: StoredKey) {
    key.name = stored.name;
    if let Some(written) = stored.written {
        key.options.set("sqlite", "columns", written);
    }
    if let Some(action) = stored.on_conflict {
        key.options.set("sqlite", "on_conflict", action);
    }
}

/// The key's name and details, and whether its only column is the rowid, whose values SQLite
/// makes (sqlite.org/lang_createtable.html, 5).
fn settle_primary_key(table: &mut TableFacts, stored: &StoredTable) {
    let own_index = table.options.is_set("sqlite", "pk_index");
    table.options = without(&table.options, "pk_index");
    let has_rowid = table.kind == ObjectKind::Table && !table.options.is_set("sqlite", "without_rowid");
    let Some(key) = &mut table.primary_key else {
        return;
    };
    let written = stored.primary_key.as_ref();
    if let Some(written) = written {
        key.name = written.name.clone();
        if let Some(action) = &written.on_conflict {
            key.options.set("sqlite", "on_conflict", action.as_str());
        }
        match written.written.as_deref() {
            Some("DESC") | None => {}
            Some(list) => key.options.set("sqlite", "columns", list),
        }
    }
    let [only] = key.columns.as_slice() else {
        return;
    };
    let Some(column) = table.columns.iter_mut().find(|c| c.name == *only) else {
        return;
    };
    let is_rowid = has_rowid && !own_index && column.declared.eq_ignore_ascii_case("INTEGER");
    column.autoincrement = is_rowid;
    if stored.columns.iter().any(|c| c.autoincrement && c.name.eq_ignore_ascii_case(&column.name)) {
        column.options.set("sqlite", "autoincrement", true);
    }
}

/// Options without one that was only a note while reading.
fn without(options: &Options, name: &str) -> Options {
    let mut kept = Options::default();
    options.iter().filter(|(_, n, _)| *n != name).for_each(|(d, n, v)| kept.set(d, n, v.clone()));
    kept
}
