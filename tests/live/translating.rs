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
        let mut columns = key.columns.clone();
        columns.sort();
        (columns, key.referred_table.clone(), action(key.on_delete), action(key.on_update))
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

/// A table of columns `a` of integers, `t` of text, `f` of booleans, `d` of dates, `e` of labels, `m` of instants,
/// `i` of spans and `j` of JSON.
fn table() -> TableFacts {
    let column = |name: &str, ty: Type| ColumnFacts {
        name: name.into(),
        declared: ty.to_string(),
        nullable: true,
        ty,
        ..ColumnFacts::default()
    };
    let labels = mirrorm::types::EnumType::new(["x", "y"]);
    let columns = vec![
        column("a", Integer),
        column("t", Text),
        column("f", Boolean),
        column("d", Date),
        column("e", labels.into()),
        column("m", Timestamp),
        column("i", Interval),
        column("j", Json),
    ];
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
    let said = said?;
    let end = said.find("), CHECK (").or(said.find("))")).unwrap();
    Some(said[..end].to_string())
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
        ("CASE WHEN f THEN a ELSE 1 END >-1", r#"CASE WHEN "f" THEN "a" ELSE 1 END > - 1"#),
        ("e = 'x'::\"Role\"", r#""e" = 'x'"#),
        (
            "e IN ('x', 'y') AND NOT (f AND a IS NOT NULL)",
            r#""e" IN ('x', 'y') AND NOT ("f" AND "a" IS NOT NULL)"#,
        ),
    ] {
        assert_eq!(said(sql).as_deref(), Some(wanted), "{sql}");
    }
    for sql in [
        // Operators and functions that mean something else elsewhere, or nothing.
        "t ~~ 'a%'::text",
        "t LIKE 'a'",
        "t || 'x' = 'y'",
        "a / 2 > 1",
        "random() > 0",
        "a == 1",
        "a <=> 1",
        "a << 1 > 2",
        "t ->> 'x' = 'y'",
        "length(t) > 1",
        "t IS 'x'",
        "date(d) IS NOT NULL",
        "d(d) IS NOT NULL",
        "a <> ALL (ARRAY[1])",
        "a = ANY (t)",
        "a > (ARRAY[1])[1]",
        "f = ANY",
        "a = $1",
        "things.a > 0",
        "a > b",
        "\"A\" > 0",
        // Both sides of another kind.
        "t > 5",
        "f = 1",
        "a",
        "f",
        "a = TRUE",
        "a > ''",
        "d <> ''",
        "d > '2020-01-01T00:00'",
        "d > '-infinity'",
        "a::text = '5'",
        "(a IS NULL) + (f IS NULL) = 1",
        "NOT a OR a > 0",
        "COALESCE(a, '') = ''",
        "lower(a) = 'x'",
        "f IN ('Y', 'N')",
        "CASE WHEN f THEN a ELSE f END > 1",
        "CASE WHEN f THEN a > 1 ELSE f END",
        "j <> ''",
        // Sums of what is no number, spans of time, instants, an order of labels.
        "d > d + 30",
        "d - d > 1",
        "d <= d + '1 year'::interval",
        "i > '1 day'::interval",
        "m > '2020-01-01 00:00:00+00'",
        "e < 'x'",
        "e BETWEEN 'a' AND 'b'",
        "f < TRUE",
        // Comparisons that follow each other.
        "a = a < 1",
        "a > 0 = a > 1",
        "a = a = 1",
        // No expressions.
        "t = E'a'",
        r"t = 'a\b'",
        "t = 'open",
        "a > 0; DROP TABLE x",
        "a > 0 -- x",
        "a > 0 /* x */",
        "",
        "::",
        "a::",
        "(",
        ")",
        "a >",
        "a IN ()",
        "a IN (1",
        "a BETWEEN 1",
        "NOT",
        "CASE END",
        "a > 0 0",
        "lower t = 'x'",
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
        let is_said = said_of(&there, "things").contains("its default");
        assert_eq!(said.is_none(), is_said, "{sql}: {there:?}");
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
    let called = there.approximations.iter().filter(|said| said.message.contains(" is called "));
    let called: Vec<&str> = called.map(|said| said.message.split(':').next().unwrap()).collect();
    let wanted = ["`Two` is called `one_Two`", "`by_a` is called `two_by_a`", "`Two` is called `two_Two`"];
    assert_eq!(called, wanted);
}

#[test]
fn foreign_keys_that_cannot_be() {
    let from = memory();
    from.execute_script(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, other TEXT);
         CREATE TABLE c (a INT REFERENCES p ON DELETE SET DEFAULT, b TEXT REFERENCES p (other), x REFERENCES gone,
            y TEXT NOT NULL REFERENCES p (id) ON DELETE SET NULL, z REFERENCES p (code) DEFERRABLE INITIALLY DEFERRED)",
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

/// Declarations of SQLite that mean more, or something else, where they are taken word by word.
const ODD: &str = "
    CREATE TABLE one_of (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER,
        CHECK ((a IS NOT NULL) + (b IS NOT NULL) = 1), CHECK (a = 1 OR b == 1));
    CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES tree ON DELETE SET NULL,
        CHECK (parent <> id), CHECK (id > 0), CHECK (parent > 0));
    CREATE TABLE words (code TEXT UNIQUE CHECK (code = upper(code)), s TEXT CHECK (s IN ('A', 'B')),
        n INTEGER CHECK (n = n < 0), big INTEGER, f FLOAT, d DATE CHECK (d > '2000-01-01'), dd DATE CHECK (d <> ''),
        g INT GENERATED ALWAYS AS (big >= 18), h INT AS (big + 1) STORED);
    CREATE INDEX by_lower ON words (lower(code));
    CREATE TABLE dates (date TEXT, data TEXT, name VARCHAR(500), other VARCHAR(200), UNIQUE (name, other),
        CHECK (date(date) IS NOT NULL));
    CREATE INDEX by_name ON dates (data ->> 'name');
    CREATE TABLE e3 (id INT PRIMARY KEY);
    CREATE TABLE e2 (id BIGINT PRIMARY KEY REFERENCES e3);
    CREATE TABLE e4 (e2_id SMALLINT REFERENCES e2, t TEXT DEFAULT '' REFERENCES e3 (id));
    CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
    CREATE TABLE of_pairs (x INTEGER, y INTEGER, FOREIGN KEY (y, x) REFERENCES pairs (b, a));";

#[test]
fn declarations_that_mean_something_else_elsewhere() {
    each_server_url(|url| {
        let (from, db) = (memory(), Db::open(url).unwrap());
        from.execute_script(ODD).unwrap();
        make("odd", &Sqlite, &facts_of(&from, None), &db);
        db.reflect().unwrap();
        let words = db.table_named("words").unwrap();
        let row = |code: &str, s: &str, n: i64| values! { "code" => code, "s" => s, "n" => n };
        insert(&words).values(row("ABC", "A", 1)).run(&db).unwrap();
        insert(&words).values(row("ABD", "B", -1)).run(&db).unwrap();
        // Capitals are told apart, in what is equal and in what is allowed.
        for wrong in [row("abc", "A", 1), row("X", "a", 1)] {
            let error = insert(&words).values(wrong).run(&db).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Check, "{error}");
        }
        insert(&words)
            .values(values! { "big" => 1_700_000_000_000_i64, "f" => 16_777_217.0 })
            .run(&db)
            .unwrap();
        let read =
            select((words.c("f"), words.c("h"))).filter(words.c("big").is_not_null()).one(&db).unwrap();
        assert_eq!(read.get::<f64>(0).unwrap(), 16_777_217.0);
        db.engine().unwrap().dispose();
    });
}

/// What PostgreSQL says of types and what they do, which others would take for something else.
#[test]
fn what_postgresql_means_by_types() {
    each_server_url(|url| {
        if !url.starts_with("postgres") {
            return;
        }
        let (db, to) = (Db::open(url).unwrap(), memory());
        db.execute_script(
            "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN'); CREATE TYPE status AS ENUM ('open', 'shipped');
             CREATE TABLE t (id serial PRIMARY KEY, role \"Role\" NOT NULL DEFAULT 'USER', status status DEFAULT 'open',
                created date, expires timestamp GENERATED ALWAYS AS (created + interval '30 days') STORED,
                a date, b date, days int GENERATED ALWAYS AS (b - a) STORED, tags text[] DEFAULT '{}',
                date date CHECK (date > '2000-01-01'), CHECK (b <= a + interval '1 year'), CHECK (status < 'shipped'),
                CHECK (role <> 'ADMIN'))",
        )
        .unwrap();
        let there = translate(&facts_of(&db, None), &Postgres, &Target::offline(&Sqlite)).unwrap();
        let sql = &there.statements[0];
        for wanted in [
            "DEFAULT 'USER'",
            "DEFAULT 'open'",
            "DEFAULT '[]'",
            "\"date\" > '2000-01-01'",
            "\"role\" <> 'ADMIN'",
        ] {
            assert!(sql.contains(wanted), "{wanted} in {sql}");
        }
        for other in ["GENERATED", "30 days", "1 year", "shipped') AND", "< 'shipped'"] {
            assert!(!sql.contains(other), "{other} in {sql}");
        }
        to.execute(sql, ()).unwrap();
        assert_eq!(there.approximations.iter().filter(|said| said.message.contains("condition")).count(), 4);
        db.engine().unwrap().dispose();
    });
}

#[test]
fn long_lists_are_read_once() {
    let list: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let long = condition(&format!("a IN ({})", list.join(", ")), &Postgres, &Sqlite).unwrap();
    assert!(long.ends_with("19999)"));
    let deep = "(".repeat(5_000) + "a > 0" + &")".repeat(5_000);
    assert_eq!(condition(&deep, &Postgres, &Sqlite), None);
}
