//! Wrong calls and hostile data: a typed error, nothing lost, no panic.

use std::time::Duration;

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;

use crate::support::memory;

struct Shop {
    db: Db,
    items: Table,
    orders: Table,
}

fn shop() -> Shop {
    let db = memory();
    let items = db
        .table(
            "items",
            (
                column("id", Integer).primary_key(),
                column("name", Varchar(20)).not_null().unique(),
                column("price", Numeric(10, 2)),
                column("sold", Date),
            ),
        )
        .unwrap();
    let orders = db
        .table(
            "orders",
            (
                column("id", Integer).primary_key(),
                column("item_id", Integer).not_null().references("items.id"),
                column("qty", Integer).check(raw("qty > 0")),
            ),
        )
        .unwrap();
    db.create_all().unwrap();
    insert(&items).values(values! { "name" => "pen" }).run(&db).unwrap();
    Shop { db, items, orders }
}

#[test]
fn unknown_tables_and_columns_are_suggested() {
    let Shop { db, items, .. } = shop();
    let error = db.table_named("itmes").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    assert!(error.message().contains("did you mean `items`?"), "{error}");
    let error = select(&items).order_by(items.c("pirce")).all(&db).unwrap_err();
    assert_eq!((error.kind(), error.table()), (ErrorKind::NoSuchColumn, Some("items")));
    assert!(error.message().contains("did you mean `price`?"), "{error}");
    let row = select(&items).one(&db).unwrap();
    assert!(row.get::<String>("nam").unwrap_err().message().contains("did you mean `name`?"));
    assert_eq!(row.get::<String>(17).unwrap_err().kind(), ErrorKind::NoSuchColumn);
    assert_eq!(db.query_text("SELECT * FROM nowhere", ()).unwrap_err().kind(), ErrorKind::NoSuchTable);
    assert_eq!(db.query_text("SELECT nix FROM items", ()).unwrap_err().kind(), ErrorKind::NoSuchColumn);
}

#[test]
fn values_of_a_wrong_type_are_not_sent() {
    let Shop { db, items, orders } = shop();
    let wrong = |table: &Table, name: &str, value: Value| {
        let row = [("item_id", Value::Int(1)), ("name", "x".into())];
        let own = row.into_iter().filter(|(n, _)| table.def().column(n).is_ok() && *n != name);
        let row: Vec<(String, Value)> =
            own.map(|(n, v)| (n.to_string(), v)).chain([(name.to_string(), value)]).collect();
        insert(table).values(row).run(&db).unwrap_err()
    };
    for (table, name, value) in [
        (&orders, "qty", Value::from("many")),
        (&orders, "qty", Value::from(1.5)),
        (&orders, "qty", Value::from(vec![1u8])),
        (&items, "name", Value::from(5)),
        (&items, "name", Value::from(vec![1u8])),
        (&items, "sold", Value::from("yesterday")),
        (&items, "price", Value::Decimal("12345678901234567890.12".parse().unwrap())),
        (&orders, "qty", Value::UInt(u64::MAX)),
    ] {
        let error = wrong(table, name, value.clone());
        assert_eq!(error.kind(), ErrorKind::Conversion, "{value:?}");
        assert_eq!(error.columns(), [name], "{error}");
        assert!(error.table().is_some() && error.sql().is_none(), "{error}");
    }
    let bulk =
        insert(&orders).rows(["item_id", "qty"], [(1, Value::Int(1)), (1, "x".into())]).run(&db).unwrap_err();
    assert_eq!(bulk.kind(), ErrorKind::Conversion);
    assert_eq!(select(&orders).count(&db).unwrap(), 0, "nothing of the bulk was sent");
}

#[test]
fn constraints_say_table_columns_and_name() {
    let Shop { db, items, orders } = shop();
    let error = insert(&items).values(values! { "name" => Value::Null }).run(&db).unwrap_err();
    assert_eq!((error.kind(), error.table()), (ErrorKind::NotNull, Some("items")));
    assert_eq!(error.columns(), ["name"]);
    let error = insert(&items).values(values! { "name" => "pen" }).run(&db).unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Unique, Some("uq_items_name")));
    assert_eq!((error.table(), error.columns()), (Some("items"), &["name".to_string()][..]));
    let error = insert(&items).values(values! { "id" => 1, "name" => "x" }).run(&db).unwrap_err();
    assert_eq!((error.kind(), error.columns()), (ErrorKind::Unique, &["id".to_string()][..]));
    let error = insert(&orders).values(values! { "item_id" => 99 }).run(&db).unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::ForeignKey, Some("fk_orders_item_id")));
    assert_eq!(error.columns(), ["item_id"]);
    let error = insert(&orders).values(values! { "item_id" => 1, "qty" => 0 }).run(&db).unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Check, Some("qty > 0")));
    insert(&orders).values(values! { "item_id" => 1 }).run(&db).unwrap();
    let error = delete(&items).all_rows().run(&db).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
    assert!(error.is_constraint_violation() && !error.is_retryable());
    assert!(error.sql().unwrap().starts_with("DELETE"));
}

#[test]
fn hostile_names_everywhere() {
    let names = [
        "a\"b",
        "per % cent",
        "(x)",
        "[y]",
        "o'brien",
        "select",
        "😀",
        "a b",
        "`tick`",
        "semi;colon",
        "--dash",
        "a.b",
        ":p",
        "?",
        "Ünïcode",
        "sqlite",
        "x\\y",
        "a\nb",
    ];
    let db = memory();
    for name in names {
        let columns: Vec<_> = names.iter().map(|n| column(*n, Text)).collect();
        let table = db
            .table(name, (column("id", Integer).primary_key(), columns, unique([name]), index([name])))
            .unwrap();
        db.create_all().unwrap();
        let row: Vec<(&str, &str)> = names.iter().map(|n| (*n, *n)).collect();
        insert(&table).values(row).run(&db).unwrap();
        let found = select(&table).filter(table.c(name).eq(param(name))).prepare(&db).unwrap();
        let row = found.one(&db, [(name, name)]).unwrap();
        names.iter().for_each(|n| assert_eq!(row.get::<&str>(*n).unwrap(), *n));
        let labelled = select(table.c(name).label(name)).order_by(table.c(name).desc()).one(&db).unwrap();
        assert_eq!(labelled.get::<&str>(name).unwrap(), name);
        update(&table).set([(name, "new")]).filter(table.c(name).eq(name)).run(&db).unwrap();
        let error = insert(&table).values([(name, "new")]).run(&db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unique, "{name}");
    }
    let again = crate::support::memory();
    db.reflect().unwrap();
    mirrorm::engine::create_tables(&again, db.tables()).unwrap();
    assert_eq!(again.reflect().unwrap().tables().len(), names.len());
    for wrong in ["", "nul\0"] {
        assert_eq!(db.table(wrong, column("a", Text)).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(db.table("t", column(wrong, Text)).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn definitions_that_do_not_fit_together() {
    let db = memory();
    let define = |parts: Vec<mirrorm::schema::Constraint>| {
        db.table("t", (column("a", Text), column("b", Text).primary_key(), parts)).unwrap_err()
    };
    assert_eq!(define(vec![unique(["c"])]).kind(), ErrorKind::NoSuchColumn);
    assert_eq!(define(vec![unique([] as [&str; 0])]).kind(), ErrorKind::Invalid);
    assert_eq!(define(vec![primary_key(["a"])]).kind(), ErrorKind::Invalid);
    assert_eq!(
        define(vec![foreign_key(["a"], mirrorm::schema::Reference::columns("x", ["p", "q"])).into()]).kind(),
        ErrorKind::Invalid
    );
    assert_eq!(
        db.table("t", (column("a", Text), column("a", Integer))).unwrap_err().kind(),
        ErrorKind::Duplicate
    );
    let empty = db.table("empty", ()).unwrap();
    assert_eq!(mirrorm::engine::create_tables(&db, vec![empty]).unwrap_err().kind(), ErrorKind::Invalid);
    let array = db.table("arrays", column("a", Type::Array(Integer.into()))).unwrap();
    let error = mirrorm::engine::create_tables(&db, vec![array]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { dialect: "sqlite", .. }), "{error}");
    assert_eq!(db.query_text("SELECT * FROM sqlite_master", ()).unwrap().len(), 0, "nothing was created");
}

#[test]
fn a_broken_view_costs_itself_only() {
    let db = memory();
    db.execute_script("CREATE TABLE t (a INT); CREATE VIEW good AS SELECT a FROM t; CREATE VIEW bad AS SELECT no_such_function(a) AS x FROM t; CREATE VIEW gone AS SELECT * FROM nowhere").unwrap();
    let reflection = db.reflect().unwrap();
    let names: Vec<String> = reflection.tables().iter().map(|t| t.name().to_string()).collect();
    assert_eq!(names, ["good", "t"]);
    let objects: Vec<&str> = reflection.problems().iter().map(|p| p.object.as_str()).collect();
    assert_eq!(objects, ["bad", "gone"]);
    assert!(reflection.problems()[0].message.contains("no_such_function"));
}

#[test]
fn too_many_of_everything() {
    let Shop { db, items, .. } = shop();
    let ids: Vec<i64> = (0..70_000).collect();
    let error = select(&items).filter(items.c("id").in_(ids.iter())).all(&db).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let many = vec!["?"; 70_000].join(",");
    let error = db.query_text(&format!("SELECT {many}"), ids.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    let plain = Expr::any((0..100_000).map(|i| items.c("id").eq(raw(i.to_string()))));
    assert_eq!(select(&items).filter(plain).count(&db).unwrap(), 1, "terms without parameters have no limit");
    assert_eq!(select(&items).filter(items.c("id").in_(&ids[..30_000])).count(&db).unwrap(), 1);
    let big = "x".repeat(5_000_000);
    update(&items).set(values! { "name" => big.as_str() }).all_rows().run(&db).unwrap();
    assert_eq!(select(items.c("name")).scalar::<String>(&db).unwrap(), big);
}

#[test]
fn wrong_texts_and_parameters() {
    let db = memory();
    assert_eq!(db.execute("SELEC 1", ()).unwrap_err().kind(), ErrorKind::Syntax);
    assert_eq!(db.execute("", ()).unwrap_err().kind(), ErrorKind::Syntax);
    assert_eq!(db.query_text("SELECT ?", ()).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(db.query_text("SELECT 1", (1,)).unwrap_err().kind(), ErrorKind::Invalid);
    let error = db.execute("CREATE TABLE a (x); CREATE TABLE b (x)", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("execute_script"));
    assert_eq!(db.query_text("SELECT ?", (f64::NAN,)).unwrap_err().kind(), ErrorKind::Conversion);
    let rows = db.query_text("SELECT 1 AS a, 2 AS a, 'x' AS b", ()).unwrap();
    let row = rows.one().unwrap();
    assert_eq!(row.get::<i64>("a").unwrap_err().kind(), ErrorKind::AmbiguousColumn);
    assert_eq!((row.get::<i64>(1).unwrap(), row.get::<&str>("b").unwrap()), (2, "x"));
    assert_eq!(db.query_text("SELECT 1 WHERE 0", ()).unwrap().one().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(
        db.query_text("VALUES (1), (2)", ()).unwrap().one().unwrap_err().kind(),
        ErrorKind::MultipleFound
    );
}

#[test]
fn a_pool_of_one_used_twice_on_one_thread() {
    let db = memory();
    let held = db.connect().unwrap();
    let error = db.execute("SELECT 1", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.message().contains("this thread holds"), "{error}");
    drop(held);
    db.query_text("SELECT 1", ()).unwrap();
    let options = EngineOptions::new().timeout(Duration::from_millis(30));
    let db = Db::open_with("sqlite://", options).unwrap();
    let held = db.connect().unwrap();
    let other = db.clone();
    let error = std::thread::spawn(move || other.connect().map(|_| ()).unwrap_err()).join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("held by"), "{error}");
    drop(held);
    let result: Result<()> = db.transaction(|_| db.execute("SELECT 1", ()).map(|_| ()));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(db.engine().unwrap().pool_status().in_use, 0, "nothing is held afterwards");
}

#[test]
fn a_file_that_goes_away() {
    let dir = tempfile::tempdir().unwrap();
    let url = mirrorm::dialect::sqlite::url_of_path(&dir.path().join("a.db"));
    let db = Db::open(&url).unwrap();
    db.engine().unwrap().dispose();
    std::fs::remove_file(dir.path().join("a.db")).unwrap();
    db.execute("CREATE TABLE t (a)", ()).unwrap();
    assert!(dir.path().join("a.db").exists(), "disposed engines open again");
}

#[test]
fn a_table_that_changed_under_an_expression() {
    let db = memory();
    db.execute("CREATE TABLE t (a, b)", ()).unwrap();
    db.reflect().unwrap();
    let t = db.table_named("t").unwrap();
    let old = select(t.c("b"));
    let plan = old.prepare(&db).unwrap();
    db.execute("ALTER TABLE t DROP COLUMN b", ()).unwrap();
    db.execute("ALTER TABLE t ADD COLUMN c", ()).unwrap();
    db.reflect().unwrap();
    assert_eq!(old.all(&db).unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(plan.all(&db, ()).unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(select(&t).all(&db).unwrap().columns().len(), 2);
    assert_eq!(t.try_c("b").unwrap_err().kind(), ErrorKind::NoSuchColumn);
}
