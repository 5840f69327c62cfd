//! Printed source is source: it compiles here, and what it defines is what it was printed of.
//!
//! `BLESS_DOCUMENTS=1` writes the printed modules anew; the next run compiles them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;

use mirrorm::dialect::{ObjectKind, SchemaFacts, TableFacts};
use mirrorm::dialect::{mysql, postgres, sqlite};
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, to_ddl};
use mirrorm::schema::{Metadata, NamingConvention, Options};
use mirrorm::session::Hooks;

#[rustfmt::skip]
#[allow(dead_code, unreachable_pub)]
mod printed {
    pub mod mariadb_quirks;
    pub mod mysql_quirks;
    pub mod postgresql_quirks;
    pub mod sqlite_quirks;
    pub mod sqlite_sakila;
}

/// Constraints without a name stay so.
struct Unnamed;

impl Hooks for Unnamed {
    fn create_metadata(&self) -> Metadata {
        Metadata::new().with_naming(NamingConvention::only_indexes())
    }
}

fn empty_db(url: &str) -> Db {
    let db = Db::with_hooks(Unnamed);
    db.init(Config::new().url(url)).unwrap();
    db
}

fn facts(db: &Db, schema: Option<&str>) -> SchemaFacts {
    let reflector = schema.into_iter().fold(Reflector::new(), |made, schema| made.schema(schema));
    reflector.facts(&db.connect().unwrap()).unwrap()
}

fn text_of_schema(name: &str) -> String {
    let path = format!("{}/../tests/schemas/{name}.sql", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Prints the source of a database and compares it with the module that is compiled here.
fn print(url: &str, schema: Option<&str>, module: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorm"));
    command.args(["inspect", url, "--format", "rust"]);
    if let Some(schema) = schema {
        command.args(["--schema", schema]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/printed/{module}.rs"));
    if std::env::var_os("BLESS_DOCUMENTS").is_some() {
        std::fs::write(&path, &output.stdout).unwrap();
    }
    let printed = String::from_utf8(output.stdout).unwrap();
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (at, (printed, known)) in printed.lines().zip(known.lines()).enumerate() {
        assert_eq!(printed, known, "{module}, line {}: is it meant? ./test --bless", at + 1);
    }
    assert_eq!(printed.len(), known.len(), "{module}: is it meant? ./test --bless");
}

fn valid(options: &Options) -> Options {
    let mut kept = Options::default();
    let others = options.iter().filter(|(_, name, _)| *name != "not_valid");
    others.for_each(|(dialect, name, value)| kept.set(dialect, name, value.clone()));
    kept
}

/// Creates the tables that are defined in an empty database; they are those that the facts tell of.
fn create(db: &Db, before: &SchemaFacts, schema: Option<&str>) {
    let target = db.engine().unwrap().target().unwrap();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for statement in to_ddl(before, &target).unwrap() {
        let starts = |words: &[&str]| words.iter().any(|word| statement.starts_with(word));
        if starts(&["CREATE SCHEMA", "CREATE TYPE", "CREATE DOMAIN", "CREATE SEQUENCE"]) {
            first.push(statement);
        } else if starts(&["ALTER SEQUENCE"]) {
            last.push(statement);
        }
    }
    let run = |statement: &String| db.execute_script(statement).unwrap();
    first.iter().for_each(run);
    db.create_all().unwrap();
    last.iter().for_each(run);
    let after = facts(db, schema);
    for mut table in before.tables.clone().into_iter().filter(|table| table.kind == ObjectKind::Table) {
        // What older rows need not fulfil is fulfilled where there are none.
        table.checks.iter_mut().for_each(|check| check.options = valid(&check.options));
        table.foreign_keys.iter_mut().for_each(|key| key.options = valid(&key.options));
        let again = after.tables.iter().find(|other| other.name == table.name).expect(&table.name);
        let shown = |table: &TableFacts| format!("{table:#?}");
        for (before, after) in shown(&table).lines().zip(shown(again).lines()) {
            assert_eq!(before, after, "{}", table.name);
        }
        assert_eq!(&table, again);
    }
}

#[test]
fn of_sqlite() {
    type Define = fn(&Db) -> Result<()>;
    let schemas: [(&str, Define); 2] = [
        ("quirks", |db| printed::sqlite_quirks::Tables::define(db).map(drop)),
        ("sakila", |db| printed::sqlite_sakila::Tables::define(db).map(drop)),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (schema, define) in schemas {
        let url = sqlite::url_of_path(&folder.path().join(schema));
        let db = Db::open(&url).unwrap();
        db.execute_script(&text_of_schema(&format!("{schema}.sqlite"))).unwrap();
        print(&url, None, &format!("sqlite_{schema}"));
        let other = empty_db("sqlite://");
        define(&other).unwrap();
        create(&other, &facts(&db, None), None);
    }
}

/// The URL of a server, where the environment has one.
fn server(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// What a schema needs that a source does not say.
const EXTENSIONS: &str = "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION btree_gist;
    CREATE EXTENSION pg_trgm";

#[test]
fn of_postgresql() {
    let Some(server) = server("POSTGRES_TEST_URL") else { return };
    let from = postgres::testing::Scratch::new(&server, "source_from").unwrap();
    let db = Db::open(&from.url()).unwrap();
    db.execute_script(&text_of_schema("quirks.postgres")).unwrap();
    print(&from.url(), Some("p1"), "postgresql_quirks");
    let to = postgres::testing::Scratch::new(&server, "source_to").unwrap();
    let other = empty_db(&to.url());
    other.execute_script(EXTENSIONS).unwrap();
    let target = db.engine().unwrap().target().unwrap();
    for statement in to_ddl(&facts(&db, Some("p2")), &target).unwrap() {
        other.execute(&statement, ()).unwrap();
    }
    printed::postgresql_quirks::Tables::define(&other).unwrap();
    create(&other, &facts(&db, Some("p1")), Some("p1"));
    [db, other].iter().for_each(|db| db.engine().unwrap().dispose());
}

#[test]
fn of_mysql_and_mariadb() {
    type Define = fn(&Db) -> Result<()>;
    let servers: [(&str, &str, Define); 2] = [
        ("MARIADB_TEST_URL", "mariadb", |db| printed::mariadb_quirks::Tables::define(db).map(drop)),
        ("MYSQL_TEST_URL", "mysql", |db| printed::mysql_quirks::Tables::define(db).map(drop)),
    ];
    for (variable, name, define) in servers {
        let Some(server) = server(variable) else { continue };
        let from = mysql::testing::Scratch::new(&server, "source_from").unwrap();
        let db = Db::open(&from.url()).unwrap();
        db.execute_script(&text_of_schema(&format!("quirks.{name}"))).unwrap();
        print(&from.url(), None, &format!("{name}_quirks"));
        let to = mysql::testing::Scratch::new(&server, "source_to").unwrap();
        let other = empty_db(&to.url());
        define(&other).unwrap();
        create(&other, &facts(&db, None), None);
        [db, other].iter().for_each(|db| db.engine().unwrap().dispose());
    }
}
