//! A schema of one database made on another: it can be made, and what it has otherwise is said.

use mirrorm::compile::Target;
use mirrorm::dialect::{
    CheckFacts, ColumnFacts, Dialect, ElementFacts, ForeignKeyFacts, IndexFacts, ObjectKind, SchemaFacts,
    TableFacts,
};
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, Translation, translate};
use mirrorm_dialects::mysql::MySql;
use mirrorm_dialects::postgres::Postgres;
use mirrorm_dialects::sqlite::Sqlite;

use crate::support::{dialect, each_server_url, empty, loaded, memory, schema_of};

fn facts_of(db: &Db, schema: Option<&str>) -> SchemaFacts {
    let reflector = schema.into_iter().fold(Reflector::new(), |made, schema| made.schema(schema));
    reflector.facts(&db.connect().unwrap()).unwrap()
}

/// Every schema of every server, and SQLite's.
fn each_schema(test: impl Fn(&str, &'static dyn Dialect, &SchemaFacts)) {
    for schema in ["chinook", "chinook-auto", "northwind", "sakila", "quirks"] {
        test(schema, &Sqlite, &facts_of(&loaded(schema), None));
    }
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        let server = match (dialect(&db), version.contains("MariaDB")) {
            ("postgresql", _) => "pg",
            (_, true) => "mariadb",
            _ => "mysql",
        };
        for schema in ["chinook", "chinook-auto", "northwind", "sakila", "pagila", "quirks"] {
            if schema == "pagila" && !(server == "pg" && version.starts_with("18")) {
                continue;
            }
            empty(&db);
            db.execute_script(&schema_of(schema, server)).unwrap();
            db.engine().unwrap().dispose();
            let part = (schema == "quirks" && server == "pg").then_some("p1");
            test(schema, db.engine().unwrap().dialect(), &facts_of(&db, part));
        }
        db.engine().unwrap().dispose();
    });
}

/// Makes it on a database, and looks for everything that is not there and not said.
fn make(name: &str, from: &'static dyn Dialect, before: &SchemaFacts, to: &Db) {
    let target = to.engine().unwrap().target().unwrap();
    let there = translate(before, from, &target).unwrap();
    let place = format!("{name} of {} on {target:?}", from.name());
    for statement in &there.statements {
        to.execute(statement, ()).unwrap_or_else(|e| panic!("{place}: {e}\n{statement}"));
    }
    if dialect(to) != "sqlite" {
        to.engine().unwrap().dispose();
    }
    let after = facts_of(to, None);
    for table in &before.tables {
        let said = said_of(&there, &table.name);
        match after.tables.iter().find(|other| other.name == table.name) {
            Some(other) => compare(&place, table, other, &said),
            None if table.kind == ObjectKind::Shadow => {}
            None => assert!(said.contains("is left out"), "{place}: `{}` is not there", table.name),
        }
    }
}

/// All that is said of a table.
fn said_of(there: &Translation, table: &str) -> String {
    let own = there.approximations.iter().filter(|said| said.object == table);
    own.map(|said| said.message.as_str()).collect::<Vec<&str>>().join("\n")
}

fn compare(place: &str, before: &TableFacts, after: &TableFacts, said: &str) {
    let place = format!("{place}: `{}`", before.name);
    let is_said = |what: &str| said.contains(what);
    for column in &before.columns {
        let other = after.columns.iter().find(|other| other.name == column.name);
        let other = other.unwrap_or_else(|| panic!("{place}: no column `{}`", column.name));
        let at = format!("column `{}`", column.name);
        let key = before.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name));
        assert!(column.nullable == other.nullable || key, "{place}: {at}: NULL");
        assert!(
            column.ty.class() == other.ty.class() || is_said(&at) || is_close(column, other),
            "{place}: {at}: {} became {}",
            column.ty,
            other.ty
        );
        let lost = column.default.as_ref().is_some_and(|sql| sql != "NULL") && other.default.is_none();
        assert!(!lost || column.autoincrement || is_said(&at), "{place}: {at}: its default is lost");
        assert!(
            column.computed.is_none() || other.computed.is_some() || is_said(&at),
            "{place}: {at}: generated"
        );
        assert!(column.comment == other.comment || is_said(&at), "{place}: {at}: its comment is lost");
    }
    let columns = |table: &TableFacts| table.primary_key.as_ref().map(|key| key.columns.clone());
    assert_eq!(columns(before), columns(after), "{place}: its key");
    assert!(
        before.checks.len() <= after.checks.len() || is_said("the condition"),
        "{place}: a condition is lost"
    );
    for key in &before.uniques {
        // A key beside an equal primary key is one with it on some servers.
        let there = after.primary_key.iter().chain(&after.uniques).any(|other| other.columns == key.columns);
        assert!(there || is_said("the unique key"), "{place}: the unique key {:?} is lost", key.columns);
    }
    let what = |key: &ForeignKeyFacts| {
        let action = |action| if action == Action::Restrict { Action::NoAction } else { action };
        (key.columns.clone(), key.referred_table.clone(), action(key.on_delete), action(key.on_update))
    };
    for key in &before.foreign_keys {
        let at = format!("the foreign key over {}", key.columns.join(", "));
        let there = after.foreign_keys.iter().any(|other| what(other) == what(key));
        assert!(there || is_said(&at), "{place}: {at} is lost: {:?}", after.foreign_keys);
    }
    for index in before.indexes.iter().filter(|index| index.constraint.is_none()) {
        let names = |index: &IndexFacts| {
            index
                .elements
                .iter()
                .map(|element| (element.column.clone(), element.descending))
                .collect::<Vec<_>>()
        };
        let there =
            after.indexes.iter().any(|other| names(other) == names(index) && other.unique == index.unique);
        assert!(
            there || is_said(&format!("the index `{}`", index.name)),
            "{place}: the index {index:?} is lost"
        );
    }
}

/// Types of two databases that are one where there is no other.
fn is_close(a: &ColumnFacts, b: &ColumnFacts) -> bool {
    let small = |ty: &Type| matches!(ty, Type::SmallInteger | Type::Boolean);
    small(&a.ty) && small(&b.ty)
}

#[test]
fn every_schema_on_sqlite() {
    each_schema(|name, from, facts| {
        if from.name() != "sqlite" {
            make(name, from, facts, &memory());
        }
    });
}

#[test]
fn every_schema_on_other_servers() {
    let schemas = std::cell::RefCell::new(Vec::new());
    each_schema(|name, from, facts| schemas.borrow_mut().push((name.to_string(), from, facts.clone())));
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        for (name, from, facts) in schemas.borrow().iter().filter(|(_, from, _)| from.name() != dialect(&db))
        {
            empty(&db);
            make(name, *from, facts, &db);
        }
        db.engine().unwrap().dispose();
    });
}

/// A table of columns `a` of integers, `t` of text, `f` of booleans and `d` of dates.
fn table() -> TableFacts {
    let column = |name: &str, ty: Type| ColumnFacts {
        name: name.into(),
        declared: ty.to_string(),
        nullable: true,
        ty,
        ..ColumnFacts::default()
    };
    let columns = vec![column("a", Integer), column("t", Text), column("f", Boolean), column("d", Date)];
    TableFacts { name: "things".into(), columns, ..TableFacts::default() }
}

fn translated(table: TableFacts, from: &'static dyn Dialect, to: &'static dyn Dialect) -> Translation {
    let facts = SchemaFacts { tables: vec![table], ..SchemaFacts::default() };
    translate(&facts, from, &Target::offline(to)).unwrap()
}

/// What a condition is on another database; none where it is left out, which is said.
fn condition(sql: &str, from: &'static dyn Dialect, to: &'static dyn Dialect) -> Option<String> {
    let check = CheckFacts { name: Some("c".into()), sql: sql.into(), ..CheckFacts::default() };
    let there = translated(TableFacts { checks: vec![check], ..table() }, from, to);
    let said = there.statements[0].split_once("CONSTRAINT c CHECK (").map(|(_, rest)| rest.to_string());
    let is_left_out = there.approximations.iter().any(|said| said.message == "the condition `c` is left out");
    assert_eq!(said.is_none(), is_left_out, "{sql}: {there:?}");
    Some(said?.trim_end_matches(" CHARACTER SET=utf8mb4").strip_suffix("))").unwrap().to_string())
}

#[test]
fn conditions_that_mean_the_same() {
    let said = |sql: &str| condition(sql, &Postgres, &Sqlite);
    for (sql, wanted) in [
        ("(a > 0) AND (a < 10)", r#"("a" > 0) AND ("a" < 10)"#),
        ("((a > '-5'::integer) OR (t IS NULL))", r#"(("a" > -5) OR ("t" IS NULL))"#),
        (
            "(t)::text = ANY ((ARRAY['x'::character varying, 'it''s'::character varying])::text[])",
            r#"("t") IN ('x', 'it''s')"#,
        ),
        ("a = ANY (ARRAY[1, 2])", r#""a" IN (1, 2)"#),
        ("d > '2020-01-01'::date", r#""d" > '2020-01-01'"#),
        ("(lower(t) <> 'b'::p1.mood)", r#"(lower("t") <> 'b')"#),
        ("char_length((t)::text) >= 3", r#"length(("t")) >= 3"#),
        ("NOT f", r#"NOT "f""#),
        ("a != COALESCE(a, 1 + 2)", r#""a" <> coalesce("a", 1 + 2)"#),
        ("CASE WHEN f THEN a > 1 ELSE a < 1 END", r#"CASE WHEN "f" THEN "a" > 1 ELSE "a" < 1 END"#),
    ] {
        assert_eq!(said(sql).as_deref(), Some(wanted), "{sql}");
    }
    for sql in [
        "t ~~ 'a%'::text",
        "t LIKE 'a'",
        "t || 'x' = 'y'",
        "a / 2 > 1",
        "random() > 0",
        "a > b",
        "a::text = '5'",
        "t > 5",
        "f = 1",
        "a",
        "a = ANY (t)",
        "a <> ALL (ARRAY[1])",
        "t = E'a'",
        r"t = 'a\b'",
        "t = 'open",
        "\"A\" > 0",
        "things.a > 0",
        "a > 0; DROP TABLE x",
        "a > 0 -- x",
        "a > 0 /* x */",
        "a = $1",
        "length(t) > 1",
        "f = ANY",
        "a > (ARRAY[1])[1]",
        "",
        "::",
        "a::",
        "(",
    ] {
        assert_eq!(said(sql), None, "{sql}");
    }
    assert_eq!(condition("length(t) > 1", &Sqlite, &Postgres).as_deref(), Some(r#"char_length("t") > 1"#));
    assert_eq!(condition("length(t) > 1", &MySql, &Sqlite), None, "bytes there");
    assert_eq!(condition("`t` <> _utf8mb4'x'", &MySql, &Postgres).as_deref(), Some(r#""t" <> 'x'"#));
    assert_eq!(condition("[a] > 0", &Sqlite, &Postgres), None);
}

#[test]
fn defaults_that_mean_the_same() {
    let default = |column: &str, sql: &str, from: &'static dyn Dialect, to: &'static dyn Dialect| {
        let mut table = table();
        let at = table.columns.iter().position(|c| c.name == column).unwrap();
        table.columns[at].default = Some(sql.to_string());
        let there = translated(table, from, to);
        let clause = there.statements[0].split(", ").nth(at).unwrap().to_string();
        let clause = clause.trim_end_matches(" CHARACTER SET=utf8mb4").trim_end_matches(')');
        let said = clause.split_once(" DEFAULT ").map(|(_, rest)| rest.to_string());
        assert_eq!(said.is_none(), !there.approximations.is_empty(), "{sql}: {there:?}");
        said
    };
    for (column, sql, wanted) in [
        ("a", "5", Some("5")),
        ("a", "((-5))", Some("-5")),
        ("a", "'7'::bigint", Some("7")),
        ("t", "'it''s'::character varying", Some("'it''s'")),
        ("f", "true", Some("1")),
        ("d", "CURRENT_DATE", Some("CURRENT_DATE")),
        ("d", "now(", None),
        ("a", "nextval('s'::regclass)", None),
        ("a", "'five'", None),
        ("t", "lower('X'::text)", Some("(lower('X'")),
        ("f", "5", None),
    ] {
        assert_eq!(default(column, sql, &Postgres, &Sqlite).as_deref(), wanted, "{sql}");
    }
    assert_eq!(default("f", "b'1'", &MySql, &Postgres).as_deref(), Some("TRUE"));
    assert_eq!(default("t", "CURRENT_TIMESTAMP", &Sqlite, &MySql), None, "no time is a text there");
    assert_eq!(default("d", "CURRENT_TIMESTAMP", &Sqlite, &MySql).as_deref(), Some("(CURRENT_DATE"));
}

#[test]
fn names_that_would_meet() {
    let index = |name: &str| IndexFacts {
        name: name.into(),
        elements: vec![ElementFacts { column: Some("a".into()), ..ElementFacts::default() }],
        ..IndexFacts::default()
    };
    let named =
        |name: &str| TableFacts { name: name.into(), indexes: vec![index("by_a"), index("Two")], ..table() };
    let facts = SchemaFacts { tables: vec![named("one"), named("two")], ..SchemaFacts::default() };
    let there = translate(&facts, &MySql, &Target::offline(&Postgres)).unwrap();
    let indexes: Vec<&String> =
        there.statements.iter().filter(|text| text.starts_with("CREATE INDEX")).collect();
    assert_eq!(
        indexes,
        [
            "CREATE INDEX by_a ON one (a)",
            "CREATE INDEX \"one_Two\" ON one (a)",
            "CREATE INDEX two_by_a ON two (a)",
            "CREATE INDEX \"two_Two\" ON two (a)"
        ]
    );
    assert_eq!(there.approximations.len(), 3);
    assert!(there.approximations[1].message.starts_with("`by_a` is called `two_by_a`"), "{there:?}");
}

#[test]
fn foreign_keys_that_cannot_be() {
    let from = memory();
    from.execute_script(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, other TEXT);
         CREATE TABLE c (a INT REFERENCES p ON DELETE SET DEFAULT, b TEXT REFERENCES p (other), x REFERENCES gone,
            y BIGINT NOT NULL REFERENCES p (id) ON DELETE SET NULL, z REFERENCES p (code) DEFERRABLE INITIALLY DEFERRED)",
    )
    .unwrap();
    let there = translate(&facts_of(&from, None), &Sqlite, &Target::offline(&MySql)).unwrap();
    let said = said_of(&there, "c");
    for wanted in [
        "the foreign key over a: SET DEFAULT is left out",
        "the foreign key over b is left out: it points to no key of `p`",
        "the foreign key over x is left out: `gone` is not there",
        "column `y`: it has the type that the foreign key over y points to",
        "the foreign key over y: SET NULL is left out",
        "the foreign key over z: it is checked at once",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
    assert_eq!(there.statements.iter().filter(|text| text.contains("FOREIGN KEY")).count(), 3);
}

#[test]
fn at_home_nothing_is_approximated() {
    let db = loaded("quirks");
    let facts = facts_of(&db, None);
    let target = db.engine().unwrap().target().unwrap();
    let there = translate(&facts, &Sqlite, &target).unwrap();
    assert!(there.approximations.is_empty());
    assert_eq!(there.statements, mirrorm::reflect::to_ddl(&facts, &target).unwrap());
}
