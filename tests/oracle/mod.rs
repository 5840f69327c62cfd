//! Ours against documents another tool wrote of the same databases.
//!
//! The documents under `documents/` come from SQLAlchemy 2.1's inspector. A difference that is
//! the other tool's mistake stands in `exceptions.txt` with the line of DDL that shows it.

mod compare;

use crate::support::{loaded, schema_sql};
use mirrorm::reflect::{Reflector, document};

fn file(name: &str) -> String {
    let path = format!("{}/tests/oracle/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The exceptions of one document: the start of a difference each. Its DDL must stand in the schema.
fn exceptions(schema: &str) -> Vec<String> {
    let ddl = schema_sql(schema);
    let text = file("exceptions.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let own = lines.filter_map(|line| line.strip_prefix(schema)?.strip_prefix(": "));
    let checked = |line: &str| {
        let (difference, shown) = line.split_once(" -- ").expect(line);
        assert!(ddl.contains(shown), "{schema} does not hold `{shown}`");
        difference.trim().to_string()
    };
    own.map(checked).collect()
}

#[test]
fn agrees_with_the_oracle() {
    let mut report = String::new();
    for schema in ["chinook", "chinook-auto", "northwind", "sakila"] {
        let oracle: serde_json::Value =
            serde_json::from_str(&file(&format!("documents/{schema}.sqlite.json"))).unwrap();
        let db = loaded(schema);
        let ours = document(&db.connect().unwrap(), &Reflector::new()).unwrap();
        assert_eq!(ours["problems"], serde_json::Value::Null);
        let result = compare::compare(&oracle, &ours);
        let known = exceptions(schema);
        let (excused, left): (Vec<_>, Vec<_>) =
            result.differences.iter().partition(|d| known.iter().any(|k| d.starts_with(k.as_str())));
        let unused: Vec<_> =
            known.iter().filter(|k| !result.differences.iter().any(|d| d.starts_with(k.as_str()))).collect();
        assert!(unused.is_empty(), "{schema}: exceptions that excuse nothing: {unused:#?}");
        let agreeing = result.telling - left.len();
        let share = 100.0 * agreeing as f64 / result.telling as f64;
        report += &format!(
            "{schema}: {share:.2} % of {} telling facts ({} excused)\n",
            result.telling,
            excused.len()
        );
        assert!(share >= 99.5, "{report}{left:#?}");
    }
    println!("{report}");
}
