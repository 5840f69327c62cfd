//! Faults that somebody found by trying to break it, each with the way it was broken.

use std::time::Duration;

use mirrorm::dialect::Intent;
use mirrorm::dialect::sqlite::url_of_path;
use mirrorm::engine::{EngineOptions, create_tables};
use mirrorm::prelude::*;
use mirrorm::types::CustomType;
use mirrorm::value::{FromValue, Other, Timestamp as Instant};

use crate::support::memory;

/// Reflects a schema, creates it in an empty database, and gives both databases' stored facts.
#[track_caller]
fn rebuilt(sql: &str) -> Db {
    let facts = |db: &Db| {
        let mirrorm::dialect::SchemaFacts { tables, problems, .. } =
            mirrorm::reflect::Reflector::new().facts(&db.connect().unwrap()).unwrap();
        assert_eq!(problems, []);
        format!("{tables:#?}")
    };
    let (from, to) = (memory(), memory());
    from.execute_script(sql).unwrap();
    from.reflect().unwrap();
    create_tables(&to, from.tables()).unwrap();
    assert_eq!(facts(&from), facts(&to), "{sql}");
    to.reflect().unwrap();
    to
}

#[test]
fn a_file_read_without_locks_notices_writers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    {
        let made = rusqlite::Connection::open(&path).unwrap();
        made.pragma_update(None, "journal_mode", "wal").unwrap();
        made.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    }
    let db = Db::open_with(&url_of_path(&path), EngineOptions::new().read_only(true)).unwrap();
    let count =
        |db: &Db| db.query_text("SELECT count(*) FROM t", ()).unwrap().one().unwrap().get::<i64>(0).unwrap();
    assert_eq!(count(&db), 1);
    let held = db.connect().unwrap();
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(count(&db), 2, "a checkout replaces what is no longer so");
    let error = held.query_text("SELECT * FROM t", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Serialization);
    writer
        .execute_batch(
            "DROP TABLE t; CREATE TABLE t (b); INSERT INTO t VALUES ('x'); PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    drop(writer);
    assert_eq!(count(&db), 1);
}

#[test]
fn labels_name_results_and_nothing_else() {
    let db = memory();
    let t = db.table("t", column("name", Text)).unwrap();
    db.create_all().unwrap();
    insert(&t).rows(["name"], [["Ann"], ["ann"], ["BEN"]]).run(&db).unwrap();
    let name = func::lower(t.c("name")).label("name");
    let groups = select((&name, func::count_all()))
        .group_by(&name)
        .order_by(name.desc())
        .all_as::<(String, i64)>(&db)
        .unwrap();
    assert_eq!(groups, [("ben".to_string(), 1), ("ann".to_string(), 2)]);
    let other = func::char_length(t.c("name")).label("long");
    assert_eq!(select(t.c("name")).filter(other.gt(5)).order_by(&other).all(&db).unwrap().len(), 0);
    let twice = select(func::count_all().label("n")).having(func::count_all().label("n").gt(1)).from(&t);
    assert_eq!(twice.scalar::<i64>(&db).unwrap(), 3);
}

#[test]
fn casts_destroy_nothing() {
    let db = memory();
    let t = db.table("t", (column("at", Text), column("x", Text))).unwrap();
    db.create_all().unwrap();
    insert(&t).values(values! { "at" => "2024-02-29 10:00:00", "x" => "abc" }).run(&db).unwrap();
    let cast = |name: &str, ty: Type| select(t.c(name).cast(ty)).scalar::<Value>(&db).unwrap().to_string();
    assert_eq!(cast("at", DateTime), "2024-02-29 10:00:00");
    assert_eq!(cast("at", Date), "2024-02-29 10:00:00");
    assert_eq!(cast("x", Uuid), "abc");
    assert_eq!(cast("x", Type::Binary(Some(16))), "x'616263'");
    let array = select(t.c("x").cast(Type::Array(Integer.into()))).all(&db).unwrap_err();
    assert!(matches!(array.kind(), ErrorKind::Unsupported { .. }));
}

#[test]
fn settings_do_not_reach_the_next_user() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["sqlite://".to_string(), url_of_path(&folder.path().join("s.db"))] {
        let db = Db::open(&url).unwrap();
        let setting = |name: &str| {
            db.query_text(&format!("PRAGMA {name}"), ()).unwrap().one().unwrap().get::<i64>(0).unwrap()
        };
        for text in [
            "/* x */ PRAGMA foreign_keys = off",
            " ; pragma ignore_check_constraints = on",
            "-- x\nPRAGMA query_only = on",
        ] {
            db.execute(text.trim_start_matches([' ', ';']), ()).unwrap();
        }
        db.execute_script("PRAGMA recursive_triggers = on; SELECT 1").unwrap();
        let all =
            ["foreign_keys", "ignore_check_constraints", "query_only", "recursive_triggers"].map(setting);
        assert_eq!(all, [1, 0, 0, 0], "{url}");
    }
}

#[test]
fn affinity_changes_nothing_in_silence() {
    let db = memory();
    db.execute_script(
        "CREATE TABLE t (loose ANY, n INTEGER, d DATE, r REAL, s TEXT); CREATE TABLE u (a ANY) STRICT",
    )
    .unwrap();
    db.reflect().unwrap();
    let t = db.table_named("t").unwrap();
    let refused = |name: &str, value: Value| insert(&t).values([(name, value)]).run(&db).unwrap_err().kind();
    assert_eq!(refused("loose", "007".into()), ErrorKind::Conversion);
    assert_eq!(refused("n", Other::text("text", "007").into()), ErrorKind::Conversion);
    assert_eq!(refused("d", Other::text("text", "0123").into()), ErrorKind::Conversion);
    assert_eq!(refused("r", Other::text("text", "1.50").into()), ErrorKind::Conversion);
    assert_eq!(refused("s", Other::text("integer", "7").into()), ErrorKind::Conversion);
    let u = db.table_named("u").unwrap();
    insert(&u).values(values! { "a" => "007" }).run(&db).unwrap();
    assert_eq!(select(u.c("a")).scalar::<String>(&db).unwrap(), "007", "a STRICT table keeps ANY as it is");
    let wrong = db.table("w", column("n", BigInteger).server_default(u64::MAX)).unwrap();
    assert_eq!(create_tables(&db, vec![wrong]).unwrap_err().kind(), ErrorKind::Conversion);
}

#[test]
fn savepoints_nest_and_do_not_stand_beside_each_other() {
    let db = memory();
    db.execute("CREATE TABLE t (a)", ()).unwrap();
    let conn = db.connect().unwrap();
    let tx = conn.begin(Intent::Write).unwrap();
    let first = tx.savepoint().unwrap();
    assert_eq!(tx.savepoint().map(|_| ()).unwrap_err().kind(), ErrorKind::Invalid);
    let inner = first.savepoint().unwrap();
    inner.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    inner.rollback().unwrap();
    first.execute("INSERT INTO t VALUES (2)", ()).unwrap();
    first.commit().unwrap();
    tx.savepoint().unwrap().commit().unwrap();
    tx.commit().unwrap();
    assert_eq!(conn.query_text("SELECT a FROM t", ()).unwrap().scalars::<i64>().unwrap(), [2]);
}

#[test]
fn numbers_at_the_edge_do_not_panic() {
    for options in
        [EngineOptions::new().busy_timeout(Duration::MAX), EngineOptions::new().timeout(Duration::MAX)]
    {
        let db = Db::open_with("sqlite://", options).unwrap();
        db.transaction(|tx| tx.execute("CREATE TABLE t (a)", ()).map(|_| ())).unwrap();
    }
    Db::open("sqlite://?busy_timeout=99999999999").unwrap();
    assert!(f64::from_value(Value::Int(i64::MIN)).is_err());
    let db = memory();
    let t = db.table("t", column("x", Double)).unwrap();
    db.create_all().unwrap();
    assert_eq!(
        insert(&t).values(values! { "x" => i64::MIN }).run(&db).unwrap_err().kind(),
        ErrorKind::Conversion
    );
    assert!(mirrorm::value::Time::from_nanos(i64::MIN).is_err());
    assert!("PT1.12345678999S".parse::<mirrorm::value::Interval>().is_err());
    let negative = db.table("n", column("x", Integer).server_default(Expr::from(-5).neg())).unwrap();
    create_tables(&db, vec![negative]).unwrap();
}

#[test]
fn odd_declarations_are_built_again() {
    rebuilt(
        "CREATE TABLE t (a INT CHECK (a > 0 -- positive\n), b INT AS (a + 1 /* one */), c INT DEFAULT (1 + 2 -- three\n), UNIQUE (a DESC -- down\n))",
    );
    rebuilt("CREATE TABLE t (a \"x, b INT\", b \"CHECK\", c `n;`(3), d \"\"\"\", e DECIMAL(10, 2))");
    rebuilt("CREATE TABLE t (id INTEGER PRIMARY KEY DESC, x)");
    rebuilt("CREATE TABLE t (id INTEGER CONSTRAINT pkk PRIMARY KEY ON CONFLICT REPLACE AUTOINCREMENT, x)");
    rebuilt("CREATE TABLE t (id INTEGER, PRIMARY KEY (id AUTOINCREMENT))");
    rebuilt(
        "CREATE TABLE t (a, b); CREATE INDEX i ON t (a || b COLLATE NOCASE); CREATE INDEX j ON t (lower(a) COLLATE NOCASE DESC)",
    );
    rebuilt("CREATE TABLE t (a DEFAULT \"abc\", b DEFAULT `x`, c DEFAULT [y], d DEFAULT -5)");
    let deferred = rebuilt(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (x INT REFERENCES p NOT NULL DEFERRABLE INITIALLY DEFERRED)",
    );
    let c = deferred.table_named("c").unwrap().def();
    assert!(c.foreign_keys()[0].initially_deferred && !c.column("x").unwrap().is_nullable());
    rebuilt("CREATE TABLE t (\u{a0}x INT, y AS (\u{a0}x + 1))");
}

#[test]
fn returning_in_another_schema() {
    let db = memory();
    let conn = db.connect().unwrap();
    conn.execute_script("ATTACH ':memory:' AS s; CREATE TABLE s.t (id INTEGER PRIMARY KEY)").unwrap();
    let t = db.table("t", (column("id", Integer).primary_key(), in_schema("s"))).unwrap();
    let done =
        insert(&t).values(values! { "id" => 4 }).returning(t.c("id").label("made")).run(&conn).unwrap();
    assert_eq!(done.row().unwrap().get::<i64>("made").unwrap(), 4);
}

#[test]
fn results_of_arithmetic_are_numbers() {
    let db = memory();
    let t = db.table("t", (column("n", Integer), column("x", Double))).unwrap();
    db.create_all().unwrap();
    insert(&t).values(values! { "n" => 3, "x" => 0.5 }).run(&db).unwrap();
    let number = |expr: Expr| select(expr).from(&t).scalar::<f64>(&db).unwrap();
    assert_eq!(number(t.c("n").mul(1.5)), 4.5);
    assert_eq!(number(t.c("n").mul(t.c("x"))), 1.5);
    assert_eq!(number(func::coalesce([t.c("n").mul(0.5), 0.25.into()])), 1.5);
    assert_eq!(select(t.c("n").add(1)).scalar::<i64>(&db).unwrap(), 4);
}

#[test]
fn reading_loses_nothing() {
    let row = memory().query_text("SELECT 0.5 AS a, 16777217 AS b", ()).unwrap().one().unwrap();
    assert!(row.to::<(f32, f32)>().is_err());
    assert!(row.to::<(f64,)>().is_err(), "a column would be left out");
    assert_eq!(row.to::<(f32, i64)>().unwrap(), (0.5, 16_777_217));
}

#[test]
fn raw_text_is_one_column() {
    let db = memory();
    let t = db.table("t", (column("a", Integer), column("b", Integer))).unwrap();
    db.create_all().unwrap();
    insert(&t).values(values! { "a" => 1, "b" => 2 }).run(&db).unwrap();
    for wrong in [select(raw("*")).from(&t), select((raw("a, b"), t.c("a")))] {
        assert_eq!(wrong.all(&db).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn a_name_that_means_another_table_inside() {
    let db = memory();
    let one = db.table("one", column("x", Integer)).unwrap();
    let two = db.table("two", column("x", Integer)).unwrap();
    db.create_all().unwrap();
    let (outer, inner) = (one.alias("a"), two.alias("a"));
    let captured = select(inner.c("x")).filter(inner.c("x").eq(outer.c("x")));
    let error = select(outer.c("x")).filter(exists(captured)).all(&db).unwrap_err();
    assert!(error.message().contains("means another table"), "{error}");
}

/// Text between angle brackets in the database.
struct Tagged;

impl CustomType for Tagged {
    fn name(&self) -> &str {
        "tagged"
    }

    fn base(&self) -> Type {
        Type::Text
    }

    fn bind(&self, value: Value) -> Result<Value> {
        Ok(format!("<{}>", String::from_value(value)?).into())
    }
}

#[test]
fn custom_types_are_compared_as_they_are_stored() {
    let db = memory();
    let t = db.table("t", column("tag", Type::custom(Tagged))).unwrap();
    db.create_all().unwrap();
    insert(&t).values(values! { "tag" => "a" }).run(&db).unwrap();
    assert_eq!(select(&t).filter(t.c("tag").eq("a")).count(&db).unwrap(), 1);
}

#[test]
fn an_instant_in_a_datetime_column() {
    let db = memory();
    let t = db.table("t", column("at", DateTime)).unwrap();
    db.create_all().unwrap();
    let at: Instant = "2024-02-29 12:30:00+05:30".parse().unwrap();
    insert(&t).values(values! { "at" => at }).run(&db).unwrap();
    assert_eq!(select(t.c("at")).scalar::<Instant>(&db).unwrap(), at);
}
