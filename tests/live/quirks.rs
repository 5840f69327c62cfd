//! Reflection of awkward SQLite schemas: a test for each row of `tests/quirks.md`.

use mirrorm::dialect::{ColumnFacts, IndexFacts, ObjectKind, TableFacts};
use mirrorm::prelude::*;
use mirrorm::reflect::Reflector;
use mirrorm::schema::Action as FkAction;

use crate::support::{loaded, memory};

fn facts(db: &Db) -> Vec<TableFacts> {
    let mirrorm::dialect::SchemaFacts { tables, problems, .. } =
        Reflector::new().facts(&db.connect().unwrap()).unwrap();
    assert_eq!(problems, []);
    tables
}

fn quirk(name: &str) -> TableFacts {
    one(&loaded("quirks"), name)
}

fn one(db: &Db, name: &str) -> TableFacts {
    let mut found = Reflector::new().only([name]).facts(&db.connect().unwrap()).unwrap().tables;
    found.pop().unwrap_or_else(|| panic!("no {name}"))
}

fn of(sql: &str, name: &str) -> TableFacts {
    let db = memory();
    db.execute_script(sql).unwrap();
    one(&db, name)
}

fn column<'t>(table: &'t TableFacts, name: &str) -> &'t ColumnFacts {
    table.columns.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no column {name}"))
}

fn index<'t>(table: &'t TableFacts, name: &str) -> &'t IndexFacts {
    table.indexes.iter().find(|i| i.name == name).unwrap_or_else(|| panic!("no index {name}"))
}

fn default_of(table: &TableFacts, name: &str) -> String {
    column(table, name).default.clone().unwrap_or_default()
}

/// Names of a key, or none.
fn unique_named(table: &TableFacts, columns: &[&str]) -> Option<Option<String>> {
    table.uniques.iter().find(|k| k.columns == columns).map(|k| k.name.clone())
}

#[test]
fn r4_3_1_generated_columns_appear() {
    let child = quirk("child");
    assert_eq!(column(&child, "k").computed, Some(("a * 2".into(), true)));
    assert_eq!(column(&child, "l").computed, Some(("b || ',' || a".into(), false)));
    assert_eq!(column(&child, "k").default, None);
}

#[test]
fn r4_3_2_generated_always_is_no_type() {
    let t = of(
        "CREATE TABLE t (a INT, b INTEGER GENERATED ALWAYS AS (a) STORED, c GENERATED ALWAYS AS (a))",
        "t",
    );
    assert_eq!(column(&t, "b").declared, "INTEGER");
    assert_eq!(column(&t, "b").ty, Type::Integer);
    assert_eq!(column(&t, "c").declared, "");
}

#[test]
fn r4_3_3_types_by_name_then_affinity() {
    let child = quirk("child");
    let ty = |name| column(&child, name).ty.clone();
    assert_eq!(ty("c"), Type::Numeric(Some(10), Some(2)));
    assert_eq!(ty("d"), Type::Double);
    assert_eq!(ty("e"), Type::Any);
    assert_eq!(ty("f"), Type::Boolean);
    assert_eq!(ty("g"), Type::Timestamp);
    assert_eq!(ty("m"), Type::BigInteger);
    assert_eq!(ty("n"), Type::Other("weird type".into()));
    assert_eq!(ty("p"), Type::Json);
    let made = of("CREATE TABLE t AS SELECT 1 AS a, 'x' AS b, 1.5 AS c", "t");
    assert_eq!(made.columns.len(), 3, "CREATE TABLE AS has odd types and still reflects");
}

#[test]
fn r4_3_4_composite_key_order_and_nullability() {
    let child = quirk("child");
    assert_eq!(child.primary_key.as_ref().unwrap().columns, ["b", "a"]);
    assert!(column(&quirk("parent"), "id").nullable, "INTEGER PRIMARY KEY is reported as stored");
    assert!(!column(&quirk("notnullpk"), "id").nullable);
    assert!(column(&quirk("nullpk"), "id").nullable);
}

#[test]
fn r4_3_5_names_of_constraints_in_every_quoting() {
    let t = of(
        "CREATE TABLE t (a INT CONSTRAINT \"n n\" CHECK (a > 0), b INT CONSTRAINT `u` UNIQUE,
           CONSTRAINT\n  [p k]\n  PRIMARY KEY (a), CONSTRAINT 'f''k' FOREIGN KEY (b) /* c */ REFERENCES t (a))",
        "t",
    );
    assert_eq!(t.checks[0].name.as_deref(), Some("n n"));
    assert_eq!(unique_named(&t, &["b"]), Some(Some("u".into())));
    assert_eq!(t.primary_key.unwrap().name.as_deref(), Some("p k"));
    assert_eq!(t.foreign_keys[0].name.as_deref(), Some("f'k"));
}

#[test]
fn r4_3_6_unique_constraint_is_no_index() {
    let child = quirk("child");
    assert_eq!(unique_named(&child, &["a", "h"]), Some(Some("uq1".into())));
    assert_eq!(unique_named(&child, &["d"]), Some(None));
    assert!(index(&child, "ux").unique);
    assert!(child.indexes.iter().all(|i| !i.name.starts_with("sqlite_autoindex")));
    assert!(unique_named(&child, &["b", "a"]).is_none(), "the key's own index is neither");
}

#[test]
fn r4_3_7_reference_without_columns() {
    let child = quirk("child");
    let implied = child.foreign_keys.iter().find(|k| k.columns == ["i"] && k.name.is_none()).unwrap();
    assert_eq!(implied.referred_columns, ["id"]);
    let bad = quirk("fkbad");
    assert_eq!(bad.foreign_keys[0].referred_table, "nosuch");
    assert!(bad.foreign_keys[0].referred_columns.is_empty());
}

#[test]
fn r4_3_8_foreign_key_options() {
    let child = quirk("child");
    let key = child.foreign_keys.iter().find(|k| k.columns == ["j"]).unwrap();
    assert_eq!((key.on_delete, key.on_update), (FkAction::Cascade, FkAction::SetNull));
    assert_eq!((key.deferrable, key.initially_deferred), (Some(true), true));
}

#[test]
fn r4_3_9_case_of_columns_in_keys() {
    let t = of(
        "CREATE TABLE p (Id INTEGER PRIMARY KEY); CREATE TABLE t (\"ParentId\" INT, FOREIGN KEY (PARENTID) REFERENCES p (ID))",
        "t",
    );
    assert_eq!(t.foreign_keys[0].columns, ["ParentId"]);
    let db = memory();
    db.execute_script("CREATE TABLE p (Id INTEGER PRIMARY KEY); CREATE TABLE t (\"ParentId\" INT, FOREIGN KEY (PARENTID) REFERENCES P (ID))").unwrap();
    let reflection = db.reflect().unwrap();
    assert_eq!(reflection.relationships().len(), 2, "{:?}", reflection.problems());
}

#[test]
fn r4_3_10_partial_index() {
    assert_eq!(index(&quirk("child"), "ix_part").filter.as_deref(), Some("a > 5"));
    assert_eq!(index(&quirk("child"), "ix_desc").filter, None);
}

#[test]
fn r4_3_11_expressions_directions_collations() {
    let child = quirk("child");
    let expression = index(&child, "ix_expr");
    assert_eq!(expression.elements[0].expression.as_deref(), Some("lower(b)"));
    assert_eq!(expression.elements[1].column.as_deref(), Some("a"));
    let sorted = index(&child, "ix_desc");
    assert!(sorted.elements[0].descending);
    assert_eq!(sorted.elements[1].collation.as_deref(), Some("NOCASE"));
}

#[test]
fn r4_3_12_checks() {
    let child = quirk("child");
    let texts: Vec<&str> = child.checks.iter().map(|c| c.sql.as_str()).collect();
    assert_eq!(texts, ["h <> ')'", "a > 0"]);
    let parent = quirk("parent");
    assert_eq!(
        (parent.checks[0].name.as_deref(), parent.checks[0].sql.as_str()),
        (Some("ck one"), "length(code) > (1)")
    );
    let odd =
        of("CREATE TABLE \"CHECK CONSTRAINT\" (a INT CHECK (\n a > 0\n OR a IS NULL))", "CHECK CONSTRAINT");
    assert_eq!(odd.checks[0].sql, "a > 0\n OR a IS NULL");
}

#[test]
fn r4_3_13_temporary_objects() {
    let db = memory();
    db.execute_script("CREATE TABLE both (a); CREATE TEMP TABLE both (b); CREATE TEMP TABLE only_temp (c INTEGER PRIMARY KEY, d)").unwrap();
    let names: Vec<String> = facts(&db).into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["both", "only_temp"], "both, each once");
    assert_eq!(one(&db, "both").columns[0].name, "b", "a bare name means the temporary one");
    assert!(one(&db, "only_temp").columns[0].autoincrement);
    let temp = Reflector::new().schema("temp").facts(&db.connect().unwrap()).unwrap().tables;
    assert_eq!(temp.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["both", "only_temp"]);
}

#[test]
fn r4_3_14_attached_schemas() {
    let db = memory();
    db.execute_script("ATTACH ':memory:' AS \"select\"; CREATE TABLE \"select\".p (id INTEGER PRIMARY KEY); CREATE TABLE \"select\".c (x INT REFERENCES p)").unwrap();
    let reflection = db.reflect_with(&Reflector::new().schema("select")).unwrap();
    assert_eq!(reflection.tables().len(), 2);
    let c = db.table_named("select.c").unwrap();
    insert(&db.table_named("select.p").unwrap()).values(values! { "id" => 1 }).run(&db).unwrap();
    insert(&c).values(values! { "x" => 1 }).run(&db).unwrap();
    assert_eq!(select(&c).join(&db.table_named("select.p").unwrap()).count(&db).unwrap(), 1);
    assert!(facts(&db).is_empty(), "attached tables do not leak into main");
    let error = Reflector::new().schema("nowhere").facts(&db.connect().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchTable);
}

#[test]
fn r4_3_15_internal_tables() {
    let db = memory();
    db.execute_script(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t DEFAULT VALUES; ANALYZE",
    )
    .unwrap();
    assert_eq!(facts(&db).into_iter().map(|t| t.name).collect::<Vec<_>>(), ["t"]);
    assert_eq!(one(&db, "sqlite_sequence").columns.len(), 2);
    assert!(one(&db, "sqlite_schema").columns.iter().any(|c| c.name == "sql"));
}

#[test]
fn r4_3_16_views() {
    let v = quirk("v");
    assert_eq!(v.kind, ObjectKind::View);
    let names: Vec<&str> = v.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a", "lb", "cnt"]);
    assert_eq!(v.columns[2].declared, "");
    assert!(v.definition.unwrap().starts_with("CREATE VIEW v AS SELECT"));
}

#[test]
fn r4_3_17_autoincrement_without_rowid_strict() {
    let parent = quirk("parent");
    assert!(column(&parent, "id").options.is_set("sqlite", "autoincrement"));
    let wr = quirk("wr");
    assert!(wr.options.is_set("sqlite", "without_rowid") && wr.options.is_set("sqlite", "strict"));
    assert!(!column(&quirk("nullpk"), "id").autoincrement);
    assert!(column(&quirk("notnullpk"), "id").autoincrement, "PRIMARY KEY(id DESC) is still the rowid");
    let desc = of("CREATE TABLE t (id INTEGER PRIMARY KEY DESC)", "t");
    assert!(!column(&desc, "id").autoincrement, "written on the column, DESC makes it no rowid");
}

#[test]
fn r4_3_18_stored_text_cannot_hang_the_reader() {
    let deep = format!("CREATE TABLE t (a INT CHECK ({}a > 0{}))", "(".repeat(500), ")".repeat(500));
    let spaces = format!(
        "CREATE TABLE u (a INT {} CONSTRAINT {} c CHECK (a > 0))",
        " ".repeat(200_000),
        " \n".repeat(100_000)
    );
    let db = memory();
    db.execute_script(&deep).unwrap();
    db.execute_script(&spaces).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(one(&db, "t").checks.len(), 1);
    assert_eq!(one(&db, "u").checks[0].name.as_deref(), Some("c"));
    assert!(start.elapsed().as_secs() < 20, "linear, not cubic");
}

#[test]
fn r4_3_19_virtual_tables_and_their_shadows() {
    let db = loaded("quirks");
    let tables = facts(&db);
    let kind = |name: &str| tables.iter().find(|t| t.name == name).map(|t| t.kind);
    assert_eq!(kind("ft"), Some(ObjectKind::Virtual));
    assert_eq!(kind("ft_data"), Some(ObjectKind::Shadow));
    db.reflect().unwrap();
    let names: Vec<String> = db.tables().iter().map(|t| t.name().to_string()).collect();
    assert!(names.contains(&"ft".to_string()));
    assert!(!names.iter().any(|n| n.starts_with("ft_")), "shadow tables are nobody's: {names:?}");
    let ft = db.table_named("ft").unwrap();
    insert(&ft).values(values! { "title" => "hello", "body" => "world" }).run(&db).unwrap();
    assert_eq!(select(&ft).one(&db).unwrap().get::<String>("title").unwrap(), "hello");
}

#[test]
fn r4_3_20_columns_added_later() {
    let db = memory();
    db.execute_script("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INT, UNIQUE (a)); ALTER TABLE t ADD COLUMN b INT CONSTRAINT fkb REFERENCES p (id)").unwrap();
    let t = one(&db, "t");
    assert_eq!(t.columns.len(), 2);
    assert_eq!(t.foreign_keys[0].name.as_deref(), Some("fkb"));
}

#[test]
fn r4_8_inline_unique_after_parenthesised_type() {
    assert_eq!(unique_named(&quirk("inline_names"), &["a"]), Some(None));
}

#[test]
fn r4_8_inline_unique_with_a_name() {
    assert_eq!(unique_named(&quirk("inline_names"), &["b"]), Some(Some("cu".into())));
}

#[test]
fn r4_8_bracket_name() {
    assert_eq!(unique_named(&quirk("inline_names"), &["a", "b"]), Some(Some("brk name".into())));
}

#[test]
fn r4_8_unique_on_a_bracketed_column() {
    assert_eq!(unique_named(&quirk("inline_names"), &["Camel Case"]), Some(None));
}

#[test]
fn r4_8_inline_references_with_everything() {
    let child = quirk("child");
    let key = child.foreign_keys.iter().find(|k| k.columns == ["j"]).unwrap();
    assert_eq!(key.name.as_deref(), Some("fkj"));
    assert_eq!(key.on_delete, FkAction::Cascade);
}

#[test]
fn r4_8_two_generated_columns_on_a_line() {
    let t = quirk("two_generated");
    assert_eq!(column(&t, "b").computed, Some(("a + 1".into(), true)));
    assert_eq!(column(&t, "c").computed, Some(("a * 2".into(), false)));
}

#[test]
fn r4_8_short_form_of_generated() {
    assert_eq!(column(&quirk("child"), "l").computed.as_ref().unwrap().0, "b || ',' || a");
}

#[test]
fn r4_8_check_in_text_and_comment() {
    let t = quirk("phantom");
    assert_eq!(t.checks.len(), 1);
    assert_eq!(t.checks[0].sql, "w > 0");
}

#[test]
fn r4_8_indexes_collations_and_options() {
    let child = quirk("child");
    assert_eq!(index(&child, "ix_expr").elements.len(), 2);
    assert_eq!(column(&quirk("parent"), "code").collation.as_deref(), Some("NOCASE"));
}

#[test]
fn r4_8_any_is_not_numeric() {
    assert_eq!(column(&quirk("wr"), "v").ty, Type::Any);
}

#[test]
fn r4_8_reference_to_a_missing_table() {
    let db = loaded("quirks");
    let reflection = db.reflect().unwrap();
    assert!(reflection.tables().len() > 10);
    assert!(db.table_named("fkbad").is_ok());
}

#[test]
fn r4_8_shadow_tables_are_not_listed() {
    let db = loaded("quirks");
    let names: Vec<String> = db.reflect().unwrap().tables().iter().map(|t| t.name().to_string()).collect();
    assert!(!names.iter().any(|n| n.starts_with("ft_")), "{names:?}");
}

#[test]
fn g_01_default_with_an_apostrophe() {
    assert_eq!(default_of(&quirk("defaults"), "a"), "'O''Brien'");
}

#[test]
fn g_02_default_of_digits_in_text() {
    assert_eq!(default_of(&quirk("defaults"), "b"), "'007'");
}

#[test]
fn g_03_default_that_is_an_expression() {
    assert_eq!(default_of(&quirk("defaults"), "c"), "lower('X')");
    let db = rebuilt("quirks", "defaults");
    db.execute("INSERT INTO defaults (h) VALUES (1)", ()).unwrap();
    let row = db.query_text("SELECT * FROM defaults", ()).unwrap().one().unwrap();
    assert_eq!(row.get::<&str>("c").unwrap(), "x");
    assert_eq!(row.get::<&str>("b").unwrap(), "007");
    assert_eq!(row.get::<Vec<u8>>("e").unwrap(), [0, 255]);
}

#[test]
fn g_04_default_with_many_digits() {
    assert_eq!(default_of(&quirk("defaults"), "d"), "0.1234567890123");
}

#[test]
fn g_05_check_collate_generated() {
    let t = of(
        "CREATE TABLE t (d INT CHECK (d > 0), b TEXT COLLATE NOCASE, g INT GENERATED ALWAYS AS (d + 1) STORED)",
        "t",
    );
    assert_eq!(t.checks[0].sql, "d > 0");
    assert_eq!(column(&t, "b").collation.as_deref(), Some("NOCASE"));
    assert_eq!(column(&t, "g").computed, Some(("d + 1".into(), true)));
}

#[test]
fn g_06_table_named_with_an_apostrophe() {
    let t = quirk("o'brien");
    assert_eq!(t.columns.len(), 7);
    let db = loaded("quirks");
    db.reflect().unwrap();
    let table = db.table_named("o'brien").unwrap();
    insert(&table).values(values! { "d\"e" => "x", "replace" => "r", "key" => "k" }).run(&db).unwrap();
    let found = select(&table).filter(table.c("d\"e").eq("x")).one(&db).unwrap();
    assert_eq!(found.get::<&str>("key").unwrap(), "k");
}

#[test]
fn g_07_key_order_without_rowid() {
    let t = quirk("pk2");
    assert_eq!(t.primary_key.unwrap().columns, ["a", "b"]);
    assert!(t.options.is_set("sqlite", "without_rowid"));
}

#[test]
fn g_08_unique_expression_index_with_a_condition() {
    let t = quirk("inline_names");
    let ix = index(&t, "ix_lower");
    assert!(ix.unique);
    assert_eq!(ix.elements[0].expression.as_deref(), Some("lower(c)"));
    assert_eq!(ix.filter.as_deref(), Some("b > 5"));
}

#[test]
fn g_09_references_without_a_column_list() {
    let t = of("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (x INTEGER REFERENCES p)", "t");
    assert_eq!(t.foreign_keys[0].referred_columns, ["id"]);
}

#[test]
fn g_10_named_deferrable_key() {
    let t = of(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (x INT, CONSTRAINT fk_x FOREIGN KEY (x) REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)",
        "t",
    );
    let key = &t.foreign_keys[0];
    assert_eq!(
        (key.name.as_deref(), key.deferrable, key.initially_deferred),
        (Some("fk_x"), Some(true), true)
    );
}

#[test]
fn g_11_descending_partial_index() {
    let t = quirk("inline_names");
    let ix = index(&t, "ix_desc_partial");
    assert!(ix.elements[0].descending);
    assert_eq!(ix.filter.as_deref(), Some("c IS NOT NULL"));
}

#[test]
fn g_12_views_and_full_text_tables() {
    let db = loaded("quirks");
    db.reflect().unwrap();
    assert!(db.table_named("v").is_ok());
    assert!(db.table_named("ft").is_ok());
    assert!(db.table_named("ft_data").is_err());
}

#[test]
fn g_13_autoincrement_in_a_default() {
    let t = quirk("defaults");
    assert_eq!(default_of(&t, "g"), "'AUTOINCREMENT'");
    assert!(!column(&t, "h").options.is_set("sqlite", "autoincrement"));
}

#[test]
fn g_14_the_parser_list() {
    let t = of(
        "CREATE TABLE t (a LONG LONG INT UNSIGNED (10), [a b] TEXT, `c` TEXT, \"d\"\"e\" TEXT, 'q' INT,
           r TEXT NOT NULL ON CONFLICT REPLACE, f INT REFERENCES t MATCH FULL, n INT DEFAULT +5, x BLOB DEFAULT x'00ff',
           w TEXT DEFAULT foo, key INT, action INT, \"replace\" INT, match INT, -- a comment, with (parens
           UNIQUE (a COLLATE NOCASE DESC)) /* at the end */",
        "t",
    );
    let names: Vec<&str> = t.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        ["a", "a b", "c", "d\"e", "q", "r", "f", "n", "x", "w", "key", "action", "replace", "match"]
    );
    assert_eq!(column(&t, "a").ty, Type::BigInteger);
    assert_eq!(default_of(&t, "n"), "+5");
    assert_eq!(default_of(&t, "x"), "x'00ff'");
    assert_eq!(default_of(&t, "w"), "foo");
    assert_eq!(column(&t, "r").options.text("sqlite", "on_conflict"), Some("REPLACE"));
    assert_eq!(t.foreign_keys[0].match_type.as_deref(), Some("FULL"));
    assert_eq!(t.uniques[0].options.text("sqlite", "columns"), Some("(a COLLATE NOCASE DESC)"));
    let strict = of("CREATE TABLE s (k TEXT PRIMARY KEY) WITHOUT ROWID, STRICT", "s");
    assert!(strict.options.is_set("sqlite", "strict") && strict.options.is_set("sqlite", "without_rowid"));
}

/// A table of a schema, created again in an empty database from what was reflected.
fn rebuilt(schema: &str, table: &str) -> Db {
    let from = loaded(schema);
    from.reflect_with(&Reflector::new().only([table])).unwrap();
    let to = memory();
    mirrorm::engine::create_tables(&to, from.tables()).unwrap();
    to
}

/// Reflect, create in an empty database, reflect: the facts are equal.
#[test]
fn round_trip_of_every_schema() {
    for schema in ["chinook", "chinook-auto", "northwind", "sakila", "quirks"] {
        let from = loaded(schema);
        from.reflect().unwrap();
        let to = memory();
        mirrorm::engine::create_tables(&to, from.tables()).unwrap();
        let plain = |db: &Db| -> Vec<TableFacts> {
            facts(db).into_iter().filter(|t| t.kind == ObjectKind::Table).collect()
        };
        for (a, b) in plain(&from).iter().zip(plain(&to).iter()) {
            assert_eq!(format!("{a:#?}"), format!("{b:#?}"), "{schema}");
        }
        assert_eq!(plain(&from).len(), plain(&to).len());
    }
}

#[test]
fn quirks_md_maps_every_row_to_a_test() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/quirks.md")).unwrap();
    let source = include_str!("quirks.rs");
    let mut rows = std::collections::BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [row, _, test] = cells.as_slice()
            && row.chars().any(|c| c.is_ascii_digit())
        {
            let name = test.trim_matches('`');
            assert!(source.contains(&format!("fn {name}()")), "{row}: there is no test {name}");
            rows.insert(row.to_string());
        }
    }
    for n in 1..=20 {
        assert!(rows.contains(&format!("4.3.{n}")), "4.3.{n} has no row");
    }
    for n in 1..=12 {
        assert!(rows.contains(&format!("4.8 SQLite {n}")), "4.8 row {n} is missing");
    }
    for n in 1..=14 {
        assert!(rows.contains(&format!("G {n}")), "G {n} is missing");
    }
}
