//! The inspector's questions, a test for each row of the comparison with SQLAlchemy's (`r4_1_2` is its row
//! 4.1.2), on every backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::dialect::ObjectKind;
use mirrorm::prelude::*;
use mirrorm::reflect::Inspector;

use crate::support::{dialect, each_backend, quoted};

fn made(db: &Db) {
    db.execute_script(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, code VARCHAR(9) NOT NULL, CONSTRAINT codes UNIQUE (code));
         CREATE TABLE child (id INTEGER PRIMARY KEY, n INTEGER, p INTEGER, CONSTRAINT positive CHECK (n > 0),
             CONSTRAINT points FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE);
         CREATE INDEX by_n ON child (n);
         CREATE VIEW seen AS SELECT code FROM parent",
    )
    .unwrap();
}

#[test]
fn r4_1_1_to_3_schemas() {
    each_backend(|db| {
        made(db);
        let inspector = Inspector::new(db);
        let default = inspector.default_schema_name().unwrap();
        match dialect(db) {
            "postgresql" => {
                assert_eq!(default, "public");
                assert!(inspector.has_schema("public").unwrap());
                assert_eq!(inspector.schema_names().unwrap(), ["public"]);
                assert_eq!(inspector.in_schema("public").table_names().unwrap(), ["child", "parent"]);
            }
            "sqlite" => {
                assert_eq!(
                    (default.as_str(), inspector.schema_names().unwrap()),
                    ("@default", vec!["main".to_string()])
                );
                assert!(inspector.has_schema("main").unwrap());
            }
            _ => {
                assert_eq!(default, "@default");
                let own: String =
                    db.query_text("SELECT DATABASE()", ()).unwrap().one().unwrap().get(0).unwrap();
                assert!(inspector.schema_names().unwrap().contains(&own));
                assert!(inspector.has_schema(&own).unwrap());
            }
        }
        assert!(!inspector.has_schema("nowhere").unwrap());
        let error = inspector.in_schema("nowhere").table_names().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    });
}

#[test]
fn r4_1_4_to_10_names() {
    each_backend(|db| {
        made(db);
        let inspector = Inspector::new(db);
        assert_eq!(inspector.table_names().unwrap(), ["child", "parent"]);
        assert_eq!(inspector.view_names().unwrap(), ["seen"]);
        assert!(inspector.materialized_view_names().unwrap().is_empty());
        assert!(inspector.foreign_table_names().unwrap().is_empty());
        assert_eq!(inspector.names().unwrap()[2], ("seen".to_string(), ObjectKind::View));
        assert!(inspector.has_table("child").unwrap() && inspector.has_table("seen").unwrap());
        assert!(
            !inspector.has_table("x").unwrap() && !inspector.in_schema("nowhere").has_table("child").unwrap()
        );
        let text = inspector.view_definition("seen").unwrap().to_lowercase();
        assert!(text.contains("select") && text.contains("parent"), "{text}");
        for name in ["parent", "x"] {
            assert_eq!(inspector.view_definition(name).unwrap_err().kind(), ErrorKind::NoSuchTable, "{name}");
        }
        assert!(inspector.has_index("child", "by_n").unwrap());
        assert!(!inspector.has_index("child", "x").unwrap() && !inspector.has_index("x", "by_n").unwrap());
    });
}

#[test]
fn r4_1_7_temporary_objects() {
    each_backend(|db| {
        let conn = db.connect().unwrap();
        conn.execute_script("CREATE TEMPORARY TABLE short (a INTEGER)").unwrap();
        let inspector = Inspector::new(&conn);
        match dialect(db) {
            "mysql" => {
                let error = inspector.temp_table_names().unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
            }
            _ => {
                assert_eq!(inspector.temp_table_names().unwrap(), ["short"]);
                assert!(inspector.temp_view_names().unwrap().is_empty());
            }
        }
    });
}

#[test]
fn r4_1_13_to_20_parts_of_a_table() {
    each_backend(|db| {
        made(db);
        let inspector = Inspector::new(db);
        let names: Vec<String> = inspector.columns("child").unwrap().into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["id", "n", "p"]);
        assert_eq!(inspector.columns("seen").unwrap()[0].name, "code");
        assert_eq!(inspector.primary_key("child").unwrap().unwrap().columns, ["id"]);
        assert_eq!(inspector.primary_key("seen").unwrap(), None);
        let key = &inspector.foreign_keys("child").unwrap()[0];
        assert_eq!((key.name.as_deref(), key.on_delete), (Some("points"), Action::Cascade));
        assert_eq!(inspector.unique_constraints("parent").unwrap()[0].name.as_deref(), Some("codes"));
        assert_eq!(inspector.check_constraints("child").unwrap()[0].name.as_deref(), Some("positive"));
        assert!(inspector.indexes("child").unwrap().iter().any(|index| index.name == "by_n"));
        assert_eq!(inspector.table_comment("child").unwrap(), None);
        let options = inspector.table_options("child").unwrap();
        assert_eq!(options.text("mysql", "engine").is_some(), dialect(db) == "mysql");
        let error = inspector.columns("Child").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchTable);
        assert!(error.message().contains("did you mean `child`?"), "{error}");
    });
}

#[test]
fn r4_1_8_and_26_sequences_and_types() {
    each_backend(|db| {
        let inspector = Inspector::new(db);
        if dialect(db) == "postgresql" {
            db.execute_script("CREATE SEQUENCE s; CREATE TYPE e AS ENUM ('a'); CREATE DOMAIN d AS integer")
                .unwrap();
            assert!(inspector.has_sequence("s").unwrap() && !inspector.has_sequence("x").unwrap());
            assert_eq!(inspector.sequences().unwrap()[0].numbers.start, 1);
            assert_eq!(inspector.enums().unwrap()[0].labels, ["a"]);
            assert_eq!(inspector.domains().unwrap()[0].declared, "integer");
            assert!(inspector.has_type("e").unwrap() && inspector.has_type("d").unwrap());
        } else {
            assert!(inspector.enums().unwrap().is_empty() && inspector.sequences().unwrap().is_empty());
        }
        assert!(!inspector.has_type("x").unwrap());
    });
}

#[test]
fn r4_1_21_and_24_all_at_once_and_kept() {
    each_backend(|db| {
        made(db);
        let count = Arc::new(AtomicUsize::new(0));
        let own = count.clone();
        let _watch = db.engine().unwrap().observe(move |_| {
            own.fetch_add(1, Ordering::Relaxed);
        });
        let inspector = Inspector::new(db);
        let all = inspector.facts().unwrap();
        assert_eq!(all.tables.len(), 3);
        let sent = count.load(Ordering::Relaxed);
        assert_eq!(inspector.columns("child").unwrap(), all.tables[0].columns, "one at a time says the same");
        assert_eq!(inspector.foreign_keys("child").unwrap(), all.tables[0].foreign_keys);
        assert_eq!(count.load(Ordering::Relaxed), sent, "nothing more was asked");
        let one = Inspector::new(db);
        assert_eq!(*one.table("child").unwrap(), all.tables[0]);
        db.execute(&format!("CREATE TABLE {} (a INTEGER)", quoted(db, "new")), ()).unwrap();
        assert!(!inspector.has_table("new").unwrap());
        assert_eq!(inspector.facts().unwrap().tables.len(), 3, "as it was");
        inspector.clear();
        assert_eq!(inspector.facts().unwrap().tables.len(), 4);
    });
}

#[test]
fn r4_1_25_what_is_uncommitted() {
    each_backend(|db| {
        if dialect(db) == "mysql" {
            return;
        }
        let conn = db.connect().unwrap();
        let tx = conn.begin(mirrorm::dialect::Intent::Write).unwrap();
        tx.execute("CREATE TABLE mine (a INTEGER)", ()).unwrap();
        assert!(Inspector::new(&tx).has_table("mine").unwrap());
        tx.rollback().unwrap();
        drop(conn);
        assert!(!Inspector::new(db).has_table("mine").unwrap());
    });
}

#[test]
fn r4_1_27_what_cannot_be_read() {
    each_backend(|db| {
        if dialect(db) == "postgresql" {
            return;
        }
        db.execute_script(
            "CREATE TABLE gone (a INTEGER); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone",
        )
        .unwrap();
        let inspector = Inspector::new(db);
        let error = inspector.columns("broken").unwrap_err();
        assert_eq!((error.kind(), error.table()), (ErrorKind::Database, Some("broken")), "{error}");
        assert!(inspector.has_table("broken").unwrap(), "it is there");
        assert_eq!(inspector.facts().unwrap().problems.len(), 1);
    });
}
