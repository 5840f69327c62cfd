//! Ours against documents another tool wrote of the same databases.
//!
//! The documents under `documents/` come from SQLAlchemy 2.1's inspector, one for each schema and server. A
//! difference that is the other tool's mistake stands in `exceptions.txt` with the line of DDL that shows it.

mod compare;
mod text;

use crate::support::{each_server_url, loaded, schema_of};
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, document};

fn file(name: &str) -> String {
    let path = format!("{}/tests/oracle/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The exceptions of one document: the start of a difference each. Its DDL must stand in the schema.
fn exceptions(name: &str, ddl: &str) -> Vec<String> {
    let text = file("exceptions.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let own = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let checked = |line: &str| {
        let (difference, shown) = line.split_once(" -- ").expect(line);
        assert!(ddl.contains(shown), "{name} does not hold `{shown}`");
        difference.trim().to_string()
    };
    own.map(checked).collect()
}

/// Compares what we say of a database with a document; the line of the report.
fn agrees(name: &str, ddl: &str, db: &Db, reflector: &Reflector) -> String {
    let oracle: serde_json::Value = serde_json::from_str(&file(&format!("documents/{name}.json"))).unwrap();
    let ours = document(&db.connect().unwrap(), reflector).unwrap();
    assert_eq!(ours["problems"], serde_json::Value::Null);
    let result = compare::compare(&oracle, &ours);
    let known = exceptions(name, ddl);
    let (excused, left): (Vec<_>, Vec<_>) =
        result.differences.iter().partition(|d| known.iter().any(|k| d.starts_with(k.as_str())));
    let unused: Vec<_> =
        known.iter().filter(|k| !result.differences.iter().any(|d| d.starts_with(k.as_str()))).collect();
    assert!(unused.is_empty(), "{name}: exceptions that excuse nothing: {unused:#?}");
    let agreeing = result.telling - left.len();
    let share = 100.0 * agreeing as f64 / result.telling as f64;
    let report =
        format!("{name}: {share:.2} % of {} telling facts ({} excused)", result.telling, excused.len());
    let differences: Vec<String> = left.iter().map(|difference| format!("\n    {difference}")).collect();
    assert!(share >= 99.5, "{report}{}", differences.concat());
    report + &differences.concat()
}

#[test]
fn agrees_with_the_oracle_on_sqlite() {
    for schema in ["chinook", "chinook-auto", "northwind", "sakila"] {
        println!(
            "{}",
            agrees(
                &format!("{schema}.sqlite"),
                &schema_of(schema, "sqlite"),
                &loaded(schema),
                &Reflector::new()
            )
        );
    }
}

/// The server of a document, by its version.
fn server(db: &Db) -> &'static str {
    let version = db.engine().unwrap().target().unwrap().features().version.clone();
    match version.split(['.', ' ']).next().unwrap() {
        "15" => "pg15",
        "18" => "pg18",
        "9" => "mysql97",
        _ if version.contains("MariaDB") => "mariadb1011",
        other => panic!("no documents of {other}"),
    }
}

#[test]
fn agrees_with_the_oracle_on_servers() {
    each_server_url(|url| {
        for schema in ["chinook", "chinook-auto", "northwind", "sakila", "pagila"] {
            let db = Db::open(url).unwrap();
            let server = server(&db);
            if schema == "pagila" && server != "pg18" {
                continue;
            }
            let ddl = schema_of(schema, server);
            // With the server's own character set.
            crate::support::empty(&db);
            db.execute_script(&ddl).unwrap();
            println!("{}", agrees(&format!("{schema}.{server}"), &ddl, &db, &Reflector::new()));
        }
    });
}
