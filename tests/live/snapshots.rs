//! Schemas as values: written, read, compared; a `Db` that begins with one; what has changed since.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::prelude::*;
use mirrorm::reflect::{Difference, Reflector, Snapshot};

use crate::support::{dialect, each_backend, each_server_url, is_postgres, loaded, schema_of};

fn again(snapshot: &Snapshot) -> Snapshot {
    serde_json::from_str(&serde_json::to_string(snapshot).unwrap()).unwrap()
}

fn words(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(Difference::to_string).collect()
}

#[test]
fn what_is_written_is_read() {
    for schema in ["chinook", "northwind", "sakila", "quirks"] {
        let snapshot = loaded(schema).snapshot().unwrap();
        let other = again(&snapshot);
        assert_eq!(other, snapshot, "{schema}");
        assert_eq!(other.fingerprint(), snapshot.fingerprint());
        assert!(snapshot.compare(&other).is_empty());
    }
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let mariadb = db.engine().unwrap().target().unwrap().features().version.contains("MariaDB");
        let server = if is_postgres(url) {
            "pg"
        } else if mariadb {
            "mariadb"
        } else {
            "mysql"
        };
        db.execute_script(&schema_of("quirks", server)).unwrap();
        db.engine().unwrap().dispose();
        let reflector = if server == "pg" { Reflector::new().schema("p1") } else { Reflector::new() };
        let snapshot = Snapshot::of(&db.connect().unwrap(), &reflector).unwrap();
        assert!(snapshot.facts().tables.len() > 5);
        assert_eq!(again(&snapshot), snapshot, "{server}");
        assert!(!serde_json::to_string(&snapshot).unwrap().contains("test:test"), "no secrets");
    });
}

/// What a snapshot of the awkward declarations has to be, as it was read by somebody and kept:
/// `tests/quirks/*.json`, of the servers' versions that it was reviewed on.
fn is_as_reviewed(name: &str, snapshot: &Snapshot, database: &str) {
    let path = format!("{}/tests/quirks/{name}.json", env!("CARGO_MANIFEST_DIR"));
    // Some texts hold the name of the database.
    let text = serde_json::to_string_pretty(snapshot).unwrap().replace(database, "database") + "\n";
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    if std::env::var_os("BLESS_DOCUMENTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let Ok(reviewed) = std::fs::read_to_string(&path) else {
        println!("{name} was not reviewed");
        return;
    };
    let other: Snapshot = serde_json::from_str(&reviewed).unwrap();
    assert_eq!(words(&other.compare(&snapshot)), Vec::<String>::new(), "{name}: is it meant? ./test --bless");
    assert_eq!(reviewed, text, "{name}: is it meant? ./test --bless");
}

#[test]
fn quirks_are_as_they_were_reviewed() {
    is_as_reviewed("sqlite", &loaded("quirks").snapshot().unwrap(), "no name");
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        let parts =
            |count: usize| version.split(['.', '-', ' ']).take(count).collect::<Vec<&str>>().join(".");
        let (server, name) = match (is_postgres(url), version.contains("MariaDB")) {
            (true, _) => ("pg", format!("postgresql-{}", parts(1))),
            (_, true) => ("mariadb", format!("mariadb-{}", parts(2))),
            _ => ("mysql", format!("mysql-{}", parts(1))),
        };
        db.execute_script(&schema_of("quirks", server)).unwrap();
        db.engine().unwrap().dispose();
        let schemas: &[Option<&str>] = if server == "pg" { &[Some("p1"), Some("p2")] } else { &[None] };
        for schema in schemas {
            let reflector = schema.iter().fold(Reflector::new(), |made, schema| made.schema(*schema));
            let snapshot = Snapshot::of(&db.connect().unwrap(), &reflector).unwrap();
            let part = schema.map(|schema| format!("-{schema}")).unwrap_or_default();
            is_as_reviewed(&format!("{name}{part}"), &snapshot, url.rsplit('/').next().unwrap());
        }
    });
}

#[test]
fn what_is_no_snapshot() {
    let read = |text: &str| serde_json::from_str::<Snapshot>(text).unwrap_err().to_string();
    assert!(read("{}").contains("no snapshot"));
    assert!(read(r#"{"snapshot": 2}"#).contains("form 2"));
    assert!(read(r#"{"snapshot": 1, "facts": {"tables": [{"columns": 5}]}}"#).contains("columns"));
    assert!(read(r#"{"snapshot": 1, "facts": 5}"#).contains("SchemaFacts"));
    let db = Db::open("sqlite://").unwrap();
    let foreign = r#"{"snapshot": 1, "dialect": "mysql", "facts": {}}"#;
    let error = db.load(&serde_json::from_str(foreign).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

#[test]
fn a_program_that_begins_with_a_snapshot() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, word VARCHAR(9));
             CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER, CONSTRAINT k FOREIGN KEY (a_id) REFERENCES a (id))",
        )
        .unwrap();
        let text = serde_json::to_string(&db.snapshot().unwrap()).unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let own = count.clone();
        let _watch = db.engine().unwrap().observe(move |_| {
            own.fetch_add(1, Ordering::Relaxed);
        });
        let found = db.load(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!((found.tables().len(), count.load(Ordering::Relaxed)), (2, 0), "nobody was asked");
        assert_eq!(found.relationships().len(), 2);
        let (a, b) = (db.table_named("a").unwrap(), db.table_named("b").unwrap());
        let session = db.session();
        session.add(a.record(values! { "id" => 1, "word" => "x" }).unwrap()).unwrap();
        session.add(b.record(values! { "id" => 1, "a_id" => 1 }).unwrap()).unwrap();
        session.commit().unwrap();
        let row = session.get(&b, 1).unwrap().unwrap();
        assert_eq!(row.related_one("a").unwrap().unwrap().get::<String>("word").unwrap(), "x");
        assert!(db.drift().unwrap().is_empty());
    });
}

#[test]
fn r4_6_12_drift_and_refresh() {
    each_backend(|db| {
        let integer = if dialect(db) == "mysql" { "INT" } else { "INTEGER" };
        db.execute_script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, word VARCHAR(9), CONSTRAINT words UNIQUE (word));
             CREATE TABLE b (id INTEGER PRIMARY KEY); CREATE INDEX by_word ON a (word, id)",
        )
        .unwrap();
        assert!(db.drift().unwrap().is_empty(), "nothing was reflected");
        db.reflect().unwrap();
        assert!(db.drift().unwrap().is_empty());
        let drop_index =
            if dialect(db) == "mysql" { "DROP INDEX by_word ON a" } else { "DROP INDEX by_word" };
        db.execute_script(&format!(
            "ALTER TABLE a ADD COLUMN n {integer} DEFAULT 5; DROP TABLE b; CREATE TABLE c (id INTEGER PRIMARY KEY); {drop_index}"
        ))
        .unwrap();
        let found = db.drift().unwrap();
        assert_eq!(
            words(&found),
            [
                "table b is gone",
                "table c is new",
                "table a: index by_word is gone",
                "table a: column n is new"
            ]
        );
        assert_eq!(found[3].part().of, Some(("column", "n".to_string())));
        let a = db.table_named("a").unwrap();
        assert!(a.try_c("n").is_err(), "nothing was changed by asking");
        db.refresh(&a).unwrap();
        assert!(a.try_c("n").is_ok());
        assert_eq!(words(&db.drift().unwrap()), ["table b is gone", "table c is new"]);
        let b = db.table_named("b").unwrap();
        assert_eq!(db.refresh(&b).unwrap_err().kind(), ErrorKind::NoSuchTable);
        db.reflect().unwrap();
        assert!(db.drift().unwrap().is_empty());
    });
}

#[test]
fn drift_of_a_part() {
    each_backend(|db| {
        db.execute_script("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY)")
            .unwrap();
        db.reflect_with(&Reflector::new().only(["a"])).unwrap();
        db.execute_script("CREATE TABLE c (id INTEGER PRIMARY KEY); ALTER TABLE b ADD COLUMN n INTEGER")
            .unwrap();
        assert!(db.drift().unwrap().is_empty(), "of what was not asked for nothing is said");
        db.execute_script("ALTER TABLE a ADD COLUMN n INTEGER").unwrap();
        assert_eq!(words(&db.drift().unwrap()), ["table a: column n is new"]);
        db.execute("DROP TABLE a", ()).unwrap();
        assert_eq!(words(&db.drift().unwrap()), ["table a is gone"]);
    });
}

#[test]
fn differences_in_words() {
    let facts = |sql: &str| {
        let db = Db::open("sqlite://").unwrap();
        db.execute_script(sql).unwrap();
        db.snapshot().unwrap()
    };
    let before = facts(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(10) DEFAULT 'x', b INT CHECK (b > 0), CONSTRAINT u UNIQUE (a))",
    );
    let after = facts(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INT CHECK (b > 1), CONSTRAINT u UNIQUE (a, b))",
    );
    assert_eq!(
        words(&before.compare(&after)),
        [
            "table t: column a: declared VARCHAR(10) -> TEXT, default 'x' -> nothing, nullable true -> false",
            "table t: unique u: columns (a) -> (a, b)",
            "table t: check (b > 0) is gone",
            "table t: check (b > 1) is new",
        ]
    );
    assert_ne!(before.fingerprint(), after.fingerprint());
    assert_eq!((before.dialect(), before.server().is_empty()), ("sqlite", false));
}

#[test]
fn a_cheap_fingerprint() {
    each_backend(|db| {
        let changes = match dialect(db) {
            "mysql" => vec![
                "CREATE TABLE t (id INT PRIMARY KEY)",
                "ALTER TABLE t ADD COLUMN a VARCHAR(9)",
                "ALTER TABLE t ALTER a SET DEFAULT 'x'",
                "CREATE INDEX i ON t (a)",
                "ALTER TABLE t COMMENT = 'y'",
                "CREATE VIEW v AS SELECT a FROM t",
                "ALTER VIEW v AS SELECT id AS a FROM t",
                "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
            ],
            "postgresql" => vec![
                "CREATE TABLE t (id int PRIMARY KEY)",
                "ALTER TABLE t ADD COLUMN a text",
                "ALTER TABLE t ALTER a SET DEFAULT 'x'",
                "CREATE INDEX i ON t (a)",
                "COMMENT ON COLUMN t.a IS 'y'",
                "CREATE VIEW v AS SELECT a FROM t",
                "CREATE OR REPLACE VIEW v AS SELECT upper(a) AS a FROM t",
                "CREATE TYPE e AS ENUM ('a')",
                "ALTER TYPE e ADD VALUE 'b'",
                "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
                "ALTER TABLE t ALTER a SET NOT NULL",
            ],
            _ => vec![
                "CREATE TABLE t (id INTEGER PRIMARY KEY)",
                "ALTER TABLE t ADD COLUMN a TEXT",
                "CREATE VIEW v AS SELECT a FROM t",
            ],
        };
        let inspector = mirrorm::reflect::Inspector::new(db);
        let mut before = inspector.fingerprint().unwrap();
        for change in changes {
            db.execute_script(change).unwrap();
            let now = inspector.fingerprint().unwrap();
            assert_ne!(now, before, "{change}");
            assert_eq!(inspector.fingerprint().unwrap(), now, "and stays so");
            before = now;
        }
        let t = db.table("t", (column("id", Integer).primary_key(), column("a", Varchar(9)))).unwrap();
        insert(&t).values(values! { "id" => 1, "a" => "x" }).run(db).unwrap();
        assert_eq!(inspector.fingerprint().unwrap(), before, "rows are no schema");
        assert_eq!(inspector.in_schema("nowhere").fingerprint().unwrap_err().kind(), ErrorKind::NoSuchTable);
    });
}
