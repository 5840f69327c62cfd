//! test_types.py: JSON documents, and what is at a place in them. (Its texts are in `types`.)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::expr::JsonPath;
use mirrorm::prelude::*;
use mirrorm::types::CustomType;
use mirrorm::value::{Decimal, Json as Document};
use serde_json::{Value as Tree, json};

use super::types::told;
use super::{On, methods};

/// A table of documents: one that has to be there, and one that may be NULL.
fn table(on: &On<'_>) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("name", Varchar(30)).not_null(),
        column("data", Json).not_null(),
        column("maybe", Json),
    );
    on.table("documents", parts)
}

fn put(on: &On<'_>, table: &Table, data: impl Into<Value>) {
    insert(table).values(values! { "name" => "one", "data" => data.into() }).run(on.db).unwrap();
}

/// A document comes back with the same content.
fn round_trip(on: &On<'_>, tree: &Tree) {
    let table = on.db.table_named("documents").unwrap_or_else(|_| table(on));
    put(on, &table, tree.clone());
    let last = select(table.c("data")).order_by(table.c("id").desc()).limit(1);
    on.is(last.scalar::<Tree>(on.db).unwrap(), tree.clone());
}

/// What is looked for at a place.
fn elements() -> Vec<Tree> {
    vec![
        json!(true),
        json!(false),
        json!(null),
        json!("some words"),
        json!("déjà vu"),
        json!("drôle 🦀 été"),
        json!(15),
        json!(1),
        json!(0),
        json!(28.5),
        json!(1_234_567.89),
        json!(99_939.983485848),
    ]
}

/// The ways to read an element, with what each of them gives that may read it.
fn readings(doc: &Expr, path: impl JsonPath + Clone, element: &Tree) -> Vec<(Expr, Value)> {
    let texts = |value: Value| vec![(doc.json_text(path.clone()), value)];
    match element {
        Tree::Bool(truth) => vec![(doc.json_boolean(path), Value::Bool(*truth))],
        Tree::Number(number) => match number.as_i64() {
            Some(whole) => vec![(doc.json_integer(path), Value::Int(whole))],
            None => vec![(doc.json_float(path), Value::Float(number.as_f64().unwrap()))],
        },
        Tree::String(text) => texts(text.as_str().into()),
        _ => vec![
            (doc.json_boolean(path.clone()), Value::Null),
            (doc.json_integer(path.clone()), Value::Null),
            (doc.json_float(path.clone()), Value::Null),
            (doc.json_text(path), Value::Null),
        ],
    }
}

/// Each element, read at a place of a document and compared with what it is.
fn is_found(on: &On<'_>, document: impl Fn(&Tree) -> Tree, path: impl JsonPath + Clone) {
    let table = table(on);
    let doc = table.c("data");
    for (id, element) in (1..).zip(elements()) {
        put(on, &table, document(&element));
        for (reading, value) in readings(&doc, path.clone(), &element) {
            let found = select(&reading).filter(reading.eq(value.clone()) & table.c("id").eq(id));
            on.is(found.scalar::<Value>(on.db).unwrap(), value);
        }
    }
}

/// An element, and what it is as a text, a whole number, a number, a truth.
type Case = (Tree, Option<&'static str>, Option<i64>, Option<f64>, Option<bool>);

/// Documents that count how often they are written and read.
struct Counting(Arc<AtomicUsize>, Arc<AtomicUsize>);

impl CustomType for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn base(&self) -> Type {
        Json
    }

    /// `key=value` instead of a document.
    fn bind(&self, value: Value) -> Result<Value> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let Value::Text(text) = value else { return Err(Error::conversion("no text")) };
        let (key, value) = text.split_once('=').ok_or_else(|| Error::conversion("no pair"))?;
        Ok(json!({ key: value }).into())
    }

    fn result(&self, value: Value) -> Result<Value> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let Value::Json(document) = value else { return Err(Error::conversion("no document")) };
        let pairs: std::collections::BTreeMap<String, String> = document.parse()?;
        Ok(pairs
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(";")
            .into())
    }
}

/// The null of JSON.
fn null() -> Value {
    Value::Json("null".parse().unwrap())
}

/// The one row has the null of JSON, which is a document.
fn has_null(on: &On<'_>, table: &Table) {
    let data = table.c("data");
    on.is(on.texts(&select(table.c("name")).filter(data.cast(Text).eq("null"))), ["r"]);
    on.is(select(&data).scalar::<Value>(on.db).unwrap(), null());
    on.is(select(table).filter(data.is_null()).count(on.db).unwrap(), 0);
}

/// The documents that are looked through by their parts as text.
fn named(on: &On<'_>) -> Table {
    let table = on.table("documents", (column("name", Varchar(30)), column("data", Json)));
    let documents = [
        ("r1", json!({ "key1": "value1", "key2": "value2" })),
        ("r2", json!({ "Key 'One'": "value1", "key two": "value2", "key three": "value ' three '" })),
        ("r3", json!({ "key1": [1, 2, 3], "key3": [{ "four": "five" }, { "six": "seven" }] })),
        ("r4", json!(["one", "two", "three"])),
        ("r5", json!({ "nested": { "elem1": [{ "a": "b" }], "elem2": { "elem3": { "elem4": "elem5" } } } })),
        ("r6", json!({ "a": 5, "b": "some value", "c": { "foo": "bar" } })),
    ];
    insert(&table)
        .rows(["name", "data"], documents.map(|(name, tree)| (name, Value::from(tree))))
        .run(on.db)
        .unwrap();
    table
}

/// The one document that has this JSON at a place, asked with parameters and with literals.
fn is_named(on: &On<'_>, path: impl JsonPath, json: &str, name: &str) {
    let table = named(on);
    let found = select(table.c("name")).filter(table.c("data").json_at(path).cast(Text).eq(json));
    on.is(on.texts(&found), [name]);
    on.is(told(on, &found).scalars::<String>().unwrap(), [name]);
}

methods! {
    JSONTest {
        fn round_trip_data1(on) {
            round_trip(on, &json!({ "key1": "value1", "key2": "value2" }));
        }

        fn round_trip_pretty_large_data(on) {
            for length in [100, 1999, 3000, 4000, 5000, 9000] {
                for letters in ["abcdefg", "été 🦀"] {
                    let text: String = letters.chars().cycle().take(length).collect();
                    round_trip(on, &json!({ "key1": text, "key2": text }));
                }
            }
        }

        fn index_typed_access(on) {
            let table = table(on);
            let doc = table.c("data");
            let lists = [json!({ "foo": "bar" }), json!(["one", "two", "three"])];
            for (id, element) in (1..).zip(elements()) {
                put(on, &table, json!({ "key1": element }));
                for (reading, value) in readings(&doc, "key1", &element) {
                    on.is(select(reading).filter(table.c("id").eq(id)).scalar::<Value>(on.db).unwrap(), value);
                }
            }
            for (id, element) in (100..).zip(lists) {
                let values = values! { "id" => id, "name" => "list", "data" => json!({ "key1": element }) };
                insert(&table).values(values).run(on.db).unwrap();
                let found = select(doc.json_at("key1")).filter(table.c("id").eq(id));
                on.is(found.scalar::<Tree>(on.db).unwrap(), element);
            }
            // A decimal is read as its digits, as many as the database has kept.
            let version = on.db.engine().unwrap().target().unwrap().features().version.clone();
            let exact = on.dialect() == "postgresql" || version.contains("MariaDB");
            for (id, digits) in (200..).zip(["1234567.89", "99939.983485848", "99998969694839.983485848"]) {
                let document: Document = format!(r#"{{"key1": {digits}}}"#).parse().unwrap();
                insert(&table).values(values! { "id" => id, "name" => "decimal", "data" => document }).run(on.db).unwrap();
                let found = select(doc.json_text("key1").cast(Numeric(23, 9))).filter(table.c("id").eq(id));
                let came: Decimal = found.scalar(on.db).unwrap();
                let expected: Decimal = digits.parse().unwrap();
                on.holds(came.compare(&expected).is_eq() || !exact && came.to_f64() == expected.to_f64());
            }
        }

        fn index_typed_comparison(on) {
            is_found(on, |element| json!({ "key1": element }), "key1");
        }

        fn path_typed_comparison(on) {
            is_found(on, |element| json!({ "key1": { "subkey1": element } }), ("key1", "subkey1"));
        }

        fn single_element_round_trip(on) {
            let table = table(on);
            let more = [json!(-1), json!(15.052)];
            for (id, element) in (1..).zip(elements().into_iter().chain(more)) {
                let both = values! { "name" => "one", "data" => element.clone(), "maybe" => element.clone() };
                insert(&table).values(both).run(on.db).unwrap();
                let row = select(&table).filter(table.c("id").eq(id)).one(on.db).unwrap();
                on.is(row.get::<Tree>("data").unwrap(), element.clone());
                on.is(row.get::<Tree>("maybe").unwrap(), element);
            }
            // SQLite would store the number -1, so it is refused there.
            let whole = insert(&table).values(values! { "name" => "whole", "data" => json!(-1.0) }).run(on.db);
            if on.dialect() == "sqlite" {
                on.fails(whole, ErrorKind::Conversion);
            } else {
                whole.unwrap();
                let found = select(table.c("data")).filter(table.c("name").eq("whole"));
                on.is(found.scalar::<Tree>(on.db).unwrap().as_f64(), Some(-1.0));
            }
        }

        fn round_trip_custom_json(on) {
            let (written, read) = (Arc::default(), Arc::default());
            let own = Type::custom(Counting(Arc::clone(&written), Arc::clone(&read)));
            let table = on.table("pairs", column("data", own));
            insert(&table).values(values! { "data" => "key1=data1" }).run(on.db).unwrap();
            on.is(select(table.c("data")).scalar::<String>(on.db).unwrap(), "key1=data1");
            on.is((written.load(Ordering::Relaxed), read.load(Ordering::Relaxed)), (1, 1));
            let plain = Table::new("pairs", column("data", Json)).unwrap();
            on.is(select(plain.c("data")).scalar::<Tree>(on.db).unwrap(), json!({ "key1": "data1" }));
        }

        fn round_trip_none_as_sql_null(on) {
            let table = table(on);
            let one = || values! { "name" => "one", "data" => json!(1), "maybe" => Value::Null };
            insert(&table).values(one()).run(on.db).unwrap();
            let option = values! { "name" => "option", "data" => json!(1), "maybe" => None::<Document> };
            insert(&table).values(option).run(on.db).unwrap();
            insert(&table).named_rows([one()]).run(on.db).unwrap();
            let row = ("row", Value::from(json!(1)), None::<Document>);
            insert(&table).rows(["name", "data", "maybe"], [row]).run(on.db).unwrap();
            // Left out.
            put(on, &table, json!(1));
            on.is(select(&table).filter(table.c("maybe").is_null()).count(on.db).unwrap(), 5);
            on.is(select(table.c("maybe")).scalars::<Value>(on.db).unwrap(), [const { Value::Null }; 5]);
        }

        fn round_trip_json_null_as_json_null(on) {
            let table = table(on);
            insert(&table).values(values! { "name" => "r", "data" => null() }).run(on.db).unwrap();
            has_null(on, &table);
        }

        // What is null in a tree is the null of JSON, by each way that a row goes in.
        fn round_trip_none_as_json_null(on) {
            let table = table(on);
            insert(&table).values(values! { "name" => "r", "data" => Tree::Null }).run(on.db).unwrap();
            has_null(on, &table);
            delete(&table).all_rows().run(on.db).unwrap();
            insert(&table).rows(["name", "data"], [("r", Value::from(Tree::Null))]).run(on.db).unwrap();
            has_null(on, &table);
            delete(&table).all_rows().run(on.db).unwrap();
            insert(&table).named_rows([values! { "name" => "r", "data" => Tree::Null }]).run(on.db).unwrap();
            has_null(on, &table);
        }

        fn unicode_round_trip(on) {
            round_trip(on, &json!({ "drôle 🦀 été": "drôle 🦀 été", "data": { "k1": "déj🦀à" } }));
        }

        fn eval_none_flag_orm(on) {
            let table = table(on);
            let session = on.db.session();
            let one = table.record(values! { "name" => "d1", "data" => Tree::Null, "maybe" => Value::Null }).unwrap();
            let one = session.add(one).unwrap();
            session.commit().unwrap();
            let row = ("d2", Value::from(Tree::Null), Value::Null);
            insert(&table).rows(["name", "data", "maybe"], [row]).run(&session).unwrap();
            session.commit().unwrap();
            let texts = select((table.c("data").cast(Text), table.c("maybe").cast(Text)));
            on.is(on.rows(&texts), ["null,-", "null,-"]);
            on.is((one.get::<Value>("data").unwrap(), one.get::<Value>("maybe").unwrap()), (null(), Value::Null));
        }

        // What is of another kind than asked for is NULL, where SQLAlchemy leaves it to each database's CAST.
        fn index_cross_casts(on) {
            let table = table(on);
            let cases: [Case; 14] = [
                (json!(true), Some("true"), None, None, Some(true)),
                (json!(false), Some("false"), None, None, Some(false)),
                (json!(null), None, None, None, None),
                (json!("45"), Some("45"), None, None, None),
                (json!("45.684"), Some("45.684"), None, None, None),
                (json!("some words"), Some("some words"), None, None, None),
                (json!("déjà vu"), Some("déjà vu"), None, None, None),
                (json!("true"), Some("true"), None, None, None),
                (json!("false"), Some("false"), None, None, None),
                (json!(15), Some("15"), Some(15), Some(15.0), None),
                (json!(1), Some("1"), Some(1), Some(1.0), None),
                (json!(0), Some("0"), Some(0), Some(0.0), None),
                (json!(1_234_567.89), Some("1234567.89"), Some(1_234_567), Some(1_234_567.89), None),
                (json!(-2.75), Some("-2.75"), Some(-2), Some(-2.75), None),
            ];
            let doc = table.c("data");
            for (id, (element, text, integer, float, boolean)) in (1..).zip(cases) {
                put(on, &table, json!({ "key1": element, "attr1": { "key1": element } }));
                let expected: [Value; 4] = [text.into(), integer.into(), float.into(), boolean.into()];
                let at = |path: Vec<&str>| {
                    let places = (
                        doc.json_text(path.clone()), doc.json_integer(path.clone()), doc.json_float(path.clone()),
                        doc.json_boolean(path),
                    );
                    select(places).filter(table.c("id").eq(id)).one(on.db).unwrap().values()
                };
                on.is(at(vec!["key1"]), &expected[..]);
                on.is(at(vec!["attr1", "key1"]), &expected[..]);
            }
        }
    }

    JSONLegacyStringCastIndexTest {
        fn string_cast_crit_spaces_in_key(on) {
            is_named(on, "key two", "\"value2\"", "r2");
        }

        fn string_cast_crit_simple_int(on) {
            is_named(on, 1, "\"two\"", "r4");
        }

        fn string_cast_crit_mixed_path(on) {
            is_named(on, ("key3", 1, "six"), "\"seven\"", "r3");
        }

        fn string_cast_crit_string_path(on) {
            is_named(on, ("nested", "elem2", "elem3", "elem4"), "\"elem5\"", "r5");
        }

        fn string_cast_crit_against_string_basic(on) {
            is_named(on, "b", "\"some value\"", "r6");
        }
    }
}
