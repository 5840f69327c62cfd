//! Expressions that databases spell differently give the same on every backend (rows 2.3.2, 2.3.3, 2.3.8, 2.3.17,
//! 2.3.20, 2.4.1, 2.4.6): a right and a wrong input each.

use mirrorm::expr::Field;
use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

fn table(db: &Db) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("name", Varchar(40)),
        column("n", Integer),
        column("price", Numeric(10, 2)),
        column("x", Double),
        column("day", Date),
        column("at", Type::DateTime),
        column("instant", Type::Timestamp),
        column("doc", Json),
    );
    let table = db.table("things", parts).unwrap();
    db.create_all().unwrap();
    table
}

fn put(db: &Db, table: &Table, values: impl mirrorm::stmt::IntoValues) {
    insert(table).values(values).run(db).unwrap();
}

fn ids(db: &Db, table: &Table, condition: Expr) -> Vec<i64> {
    select(table.c("id")).filter(condition).order_by(table.c("id")).scalars(db).unwrap()
}

fn one<T: mirrorm::value::FromValue>(db: &Db, table: &Table, expr: Expr) -> T {
    select(expr).from(table).scalar(db).unwrap()
}

#[test]
fn r2_3_2_letters_folded_and_regular_expressions() {
    each_backend(|db| {
        let things = table(db);
        for name in ["Hello World", "50% off", "hat", "HAT trick", "a_b"] {
            put(db, &things, values! { "name" => name });
        }
        put(db, &things, values! { "n" => 1 });
        let name = things.c("name");
        let found = |condition: Expr| ids(db, &things, condition);
        assert_eq!(found(name.icontains("hello w")), [1]);
        assert_eq!(found(name.icontains("%")), [2], "nothing in it is a pattern");
        assert_eq!(found(name.istarts_with("hAt")), [3, 4]);
        assert_eq!(found(name.iends_with("TRICK")), [4]);
        assert_eq!(found(!name.icontains("a")), [1, 2], "NULL is in neither");
        assert_eq!(found(name.like("50!% o%").escape('!')), [2]);
        assert_eq!(found(!name.ilike("A!_B").escape('!') & things.c("id").ge(4)), [4]);
        for wrong in [
            name.like("x").escape('\\'),
            name.like("x").escape('\''),
            name.like("x").escape('ü'),
            name.eq("x").escape('!'),
        ] {
            assert_eq!(select(&things).filter(wrong).all(db).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_eq!(found(name.regexp("^[hH].*o")), [1]);
        assert_eq!(found(name.regexp("^hat")), [3]);
        assert_eq!(found(name.iregexp("^hat")), [3, 4]);
        assert_eq!(found(name.regexp("[0-9]+% ")), [2]);
        assert_eq!(found(!name.iregexp("a") & things.c("id").lt(9)), [1, 2]);
        assert_eq!(found(name.regexp("^a").eq(true)), [5], "a comparison of a truth");
        let replaced: String =
            select(name.regexp_replace("[aeiou]", "-")).filter(things.c("id").eq(1)).scalar(db).unwrap();
        assert_eq!(replaced, "H-ll- W-rld", "every match");
        assert!(select(&things).filter(name.regexp("(")).all(db).is_err());
        let unknown = select(&things).filter(things.c("nam").icontains("x")).all(db).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r2_3_3_quotients() {
    each_backend(|db| {
        let things = table(db);
        put(db, &things, values! { "n" => 7, "price" => "7.00", "x" => 7.0 });
        let (n, price, x) = (things.c("n"), things.c("price"), things.c("x"));
        let number = |expr: Expr| one::<f64>(db, &things, expr);
        assert_eq!(number(n.div(2)), 3.5, "whole numbers have fractions");
        assert_eq!(number(n.div(&n)), 1.0);
        assert_eq!(number(x.div(2)), 3.5);
        assert_eq!(number(n.add(1).div(n.sub(3))), 2.0);
        assert_eq!(number(n.div(2).div(2)), 1.75);
        assert_eq!(number(n.div(3)), 7.0 / 3.0, "as many digits as a double has");
        let exact: Value = one(db, &things, price.div(2));
        assert_eq!(exact.to_string().trim_end_matches('0'), "3.5");
        let whole = |expr: Expr| one::<i64>(db, &things, expr);
        assert_eq!(whole(n.int_div(2)), 3);
        assert_eq!(whole(n.neg().int_div(2)), -3, "towards zero");
        assert_eq!(whole(price.int_div(2)), 3);
        assert_eq!(whole(x.int_div(2)), 3);
        assert_eq!(whole(n.rem(4)), 3);
        assert_eq!(whole(n.int_div(2).mul(2).add(n.rem(2))), 7);
        let unknown = select(things.c("m").div(2)).all(db).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r2_3_8_truths() {
    each_backend(|db| {
        let things = table(db);
        for n in [Some(1), Some(2), None] {
            put(db, &things, values! { "n" => n });
        }
        let n = things.c("n");
        let found = |condition: Expr| ids(db, &things, condition);
        assert_eq!(found(Expr::all([true.into(), n.gt(1)])), [2]);
        assert_eq!(found(Expr::all([false.into(), n.gt(1)])), Vec::<i64>::new());
        assert_eq!(found(Expr::any([false.into(), n.gt(1)])), [2]);
        assert_eq!(found(Expr::any([true.into(), n.gt(1)])), [1, 2, 3]);
        assert_eq!(found(Expr::from(true)), [1, 2, 3]);
        for (condition, opposite) in [
            (n.eq(1), vec![2]),
            (n.lt(2), vec![2]),
            (n.ge(2), vec![1]),
            (n.is_null(), vec![1, 2]),
            (n.is(1), vec![2, 3]),
            (n.in_([1, 5]), vec![2]),
            (n.between(2, 5), vec![1]),
            (n.eq(1) | n.eq(2), vec![]),
            (exists(select(&things)), vec![]),
        ] {
            assert_eq!(found(!&condition), opposite, "not {condition:?}");
            assert_eq!(found(!!&condition), found(condition));
        }
        let truth: Vec<Option<bool>> = select(n.gt(1)).order_by(things.c("id")).scalars(db).unwrap();
        assert_eq!(truth, [Some(false), Some(true), None], "a condition is a truth on every database");
    });
}

#[test]
fn r2_3_17_parts_of_dates() {
    each_backend(|db| {
        let things = table(db);
        let rows = [
            ("2024-02-29", "2024-02-29 23:59:58.75", "2024-02-29 23:30:00+00:00"),
            ("2021-01-03", "2021-01-03 00:00:00", "2021-01-03 01:30:00+02:00"),
            ("2018-12-31", "1969-12-31 23:59:59", "2018-12-31 12:00:00-05:00"),
        ];
        for (day, at, instant) in rows {
            let instant: mirrorm::value::Timestamp = instant.parse().unwrap();
            put(db, &things, values! { "day" => day, "at" => at, "instant" => Value::Timestamp(instant) });
        }
        let all = |expr: Expr| -> Vec<i64> { select(expr).order_by(things.c("id")).scalars(db).unwrap() };
        let (day, at, instant) = (things.c("day"), things.c("at"), things.c("instant"));
        assert_eq!(all(day.extract(Field::Year)), [2024, 2021, 2018]);
        assert_eq!(all(day.extract(Field::Quarter)), [1, 1, 4]);
        assert_eq!(all(day.extract(Field::Month)), [2, 1, 12]);
        assert_eq!(all(day.extract(Field::Week)), [9, 53, 1], "the weeks of ISO 8601");
        assert_eq!(all(day.extract(Field::Day)), [29, 3, 31]);
        assert_eq!(all(day.extract(Field::DayOfWeek)), [4, 0, 1]);
        assert_eq!(all(day.extract(Field::DayOfYear)), [60, 3, 365]);
        assert_eq!(all(at.extract(Field::Hour)), [23, 0, 23]);
        assert_eq!(all(at.extract(Field::Minute)), [59, 0, 59]);
        assert_eq!(all(at.extract(Field::Second)), [58, 0, 59], "whole seconds");
        assert_eq!(all(at.extract(Field::Epoch)), [1_709_251_198, 1_609_632_000, -1]);
        assert_eq!(all(instant.extract(Field::Hour)), [23, 23, 17], "instants in UTC");
        assert_eq!(all(instant.extract(Field::Day)), [29, 2, 31]);
        assert_eq!(all(instant.extract(Field::Epoch)), [1_709_249_400, 1_609_630_200, 1_546_275_600]);
        assert_eq!(ids(db, &things, day.extract(Field::Year).eq(2021)), [2]);
        let unknown = select(things.c("d").extract(Field::Year)).all(db).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r2_3_18_texts_of_a_group() {
    each_backend(|db| {
        let things = table(db);
        for (n, name) in [(1, "b"), (1, "a"), (2, "c"), (1, "it's")] {
            put(db, &things, values! { "n" => n, "name" => name });
        }
        put(db, &things, values! { "n" => 2 });
        let (n, name) = (things.c("n"), things.c("name"));
        let joined = |order: Vec<Expr>| -> Vec<String> {
            select(func::join_texts(&name, "; '", order)).group_by(&n).order_by(&n).scalars(db).unwrap()
        };
        assert_eq!(joined(vec![name.asc()]), ["a; 'b; 'it's", "c"]);
        assert_eq!(joined(vec![things.c("id").desc()]), ["it's; 'a; 'b", "c"]);
        assert_eq!(joined(vec![])[1], "c");
        // Long ones are whole.
        let long = "x".repeat(900);
        for _ in 0..3 {
            put(db, &things, values! { "n" => 3, "doc" => Value::Null, "name" => "y" });
        }
        let text = Expr::from(long.as_str()).typed(Text);
        let whole = select(func::join_texts(text.concat(&name), ",", [&name])).filter(n.eq(3));
        assert_eq!(whole.scalar::<String>(db).unwrap().len(), 3 * 901 + 2);
        let unknown = select(func::join_texts(things.c("nme"), ",", [&name])).all(db).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r2_3_20_chance_and_the_date() {
    each_backend(|db| {
        let things = table(db);
        for _ in 0..50 {
            put(db, &things, values! { "n" => 1 });
        }
        let numbers: Vec<f64> = select(func::random()).from(&things).scalars(db).unwrap();
        assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)), "{numbers:?}");
        assert!(numbers.iter().any(|x| *x < 0.5) && numbers.iter().any(|x| *x > 0.5));
        assert!(numbers.windows(2).any(|pair| pair[0] != pair[1]));
        let year: i64 = select(func::current_date().extract(Field::Year)).scalar(db).unwrap();
        assert!(year >= 2024);
    });
}

#[test]
fn r2_4_1_places_in_json() {
    each_backend(|db| {
        let things = table(db);
        let doc = r#"{"a": {"b c": [1, "zwei", 2.75, true, false, null, {"ü": "ö"}]}, "0": "digits", "x.y": 7,
            "quo'te": -3, "big": 9007199254740993, "text": "it's", "num": "5", "list": [[10, 11], [12]]}"#;
        put(db, &things, values! { "doc" => Value::Json(doc.parse().unwrap()) });
        put(db, &things, values! { "doc" => Value::Json("[1, {\"0\": 2}]".parse().unwrap()) });
        put(db, &things, values! { "n" => 1 });
        let doc = things.c("doc");
        let first = |expr: Expr| -> Value {
            let found: Value = select(expr).filter(things.c("id").eq(1)).scalar(db).unwrap();
            found
        };
        let texts = [
            (doc.json_text(("a", "b c", 1)), Value::from("zwei")),
            (doc.json_text(("a", "b c", 0)), "1".into()),
            (doc.json_text(("a", "b c", 2)), "2.75".into()),
            (doc.json_text(("a", "b c", 3)), "true".into()),
            (doc.json_text(("a", "b c", 5)), Value::Null),
            (doc.json_text(("a", "b c", 6, "ü")), "ö".into()),
            (doc.json_text("0"), "digits".into()),
            (doc.json_text("x.y"), "7".into()),
            (doc.json_text("quo'te"), "-3".into()),
            (doc.json_text("text"), "it's".into()),
            (doc.json_text("big"), "9007199254740993".into()),
            (doc.json_text("nothing"), Value::Null),
            (doc.json_text(("text", "deeper")), Value::Null),
            (doc.json_text(("list", 9)), Value::Null),
            (doc.json_text(0), Value::Null),
            (doc.json_integer(("list", 1, 0)), 12.into()),
            (doc.json_integer("big"), 9_007_199_254_740_993i64.into()),
            (doc.json_integer(("a", "b c", 2)), 2.into()),
            (doc.json_integer("quo'te"), (-3).into()),
            (doc.json_integer("num"), Value::Null),
            (doc.json_integer(("a", "b c", 3)), Value::Null),
            (doc.json_float(("a", "b c", 2)), 2.75.into()),
            (doc.json_float("x.y"), 7.0.into()),
            (doc.json_float("text"), Value::Null),
            (doc.json_boolean(("a", "b c", 3)), true.into()),
            (doc.json_boolean(("a", "b c", 4)), false.into()),
            (doc.json_boolean(("a", "b c", 5)), Value::Null),
            (doc.json_boolean("text"), Value::Null),
        ];
        for (expr, expected) in texts {
            assert_eq!(first(expr.clone()), expected, "{expr:?}");
        }
        let json = |expr: Expr| match first(expr) {
            Value::Json(json) => json.parse::<serde_json::Value>().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(json(doc.json_at("list")), serde_json::json!([[10, 11], [12]]));
        assert_eq!(json(doc.json_at(("text",).0)), serde_json::json!("it's"));
        assert_eq!(
            json(doc.json_at(("a", "b c", 5))),
            serde_json::Value::Null,
            "a null of JSON is a document"
        );
        assert_eq!(first(doc.json_at("nothing")), Value::Null);
        // In conditions, in an order, in groups; a document that is an array.
        assert_eq!(ids(db, &things, doc.json_integer("x.y").gt(5) & doc.json_text("text").eq("it's")), [1]);
        assert_eq!(ids(db, &things, doc.json_at("list").is_not_null()), [1]);
        assert_eq!(ids(db, &things, doc.json_integer((1, "0")).eq(2)), [2]);
        assert_eq!(ids(db, &things, doc.json_text("0").is_null()), [2, 3], "a key is no position");
        let sorted =
            select(things.c("id")).order_by((doc.json_integer(0).nulls_last(), things.c("id").asc()));
        assert_eq!(sorted.scalars::<i64>(db).unwrap(), [2, 1, 3]);
        let keys = doc.json_text(vec!["a", "b\"c\\d"]);
        put(db, &things, values! { "doc" => Value::Json(r#"{"a": {"b\"c\\d": "odd"}}"#.parse().unwrap()) });
        assert_eq!(ids(db, &things, keys.eq("odd")), [4], "keys with quotes and backslashes");
        let whole: Value =
            select(doc.json_at(Vec::<&str>::new())).filter(things.c("id").eq(2)).scalar(db).unwrap();
        assert!(matches!(whole, Value::Json(_)), "{whole:?}");
        let unknown = select(things.c("dok").json_text("a")).all(db).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r2_4_2_documents_in_documents() {
    each_backend(|db| {
        let things = table(db);
        for doc in [r#"{"a": 1, "b": [1, 2, 3]}"#, r#"{"a": 2}"#, "[1]"] {
            put(db, &things, values! { "doc" => Value::Json(doc.parse().unwrap()) });
        }
        let part = |part: &str| things.c("doc").json_contains(Value::Json(part.parse().unwrap()));
        let found = select(things.c("id")).filter(part(r#"{"b": [3, 1]}"#)).scalars::<i64>(db);
        if dialect(db) == "sqlite" {
            assert!(matches!(found.unwrap_err().kind(), ErrorKind::Unsupported { .. }));
        } else {
            assert_eq!(found.unwrap(), [1]);
            assert_eq!(ids(db, &things, part(r#"{"a": 2}"#) | part("[1]")), [2, 3]);
            assert!(ids(db, &things, part(r#"{"a": 3}"#)).is_empty());
            let within = things.c("doc").json_contained_by(json(r#"{"a": 2, "z": 0}"#));
            assert_eq!(ids(db, &things, within), [2]);
        }
    });
}

fn json(text: &str) -> Value {
    Value::Json(text.parse().unwrap())
}

/// A document without spaces, its keys in order: texts of documents differ.
fn plain(value: &Value) -> Value {
    match value {
        Value::Json(doc) => {
            json(&serde_json::from_str::<serde_json::Value>(doc.as_str()).unwrap().to_string())
        }
        other => other.clone(),
    }
}

#[test]
fn r2_4_2_what_is_there() {
    each_backend(|db| {
        let things = table(db);
        for doc in [r#"{"a": null, "b c": {"0": 1}}"#, r#"[{"a": 1}, 2]"#, "5", r#"{"a": {"b": [7]}}"#] {
            put(db, &things, values! { "doc" => json(doc) });
        }
        put(db, &things, values! { "doc" => () });
        let doc = things.c("doc");
        let found = |condition: Expr| ids(db, &things, condition);
        assert_eq!(found(doc.json_has("a")), [1, 4], "null is something");
        assert_eq!(found(!doc.json_has("a")), [2, 3, 5], "and a document that is NULL has nothing");
        assert_eq!(found(doc.json_has(("b c", "0"))), [1]);
        assert_eq!(found(doc.json_has((0, "a"))), [2]);
        assert_eq!(found(doc.json_has(0)), [2], "a position is none of what is no array");
        assert_eq!(found(!doc.json_has(0)), [1, 3, 4, 5]);
        assert_eq!(found(doc.json_has(2)), Vec::<i64>::new());
        assert_eq!(found(doc.json_has_any(["b c", "z", "a"])), [1, 4]);
        assert_eq!(found(doc.json_has_all(["b c", "a"])), [1]);
        assert_eq!(found(doc.json_has_all(Vec::<&str>::new())), [1, 2, 3, 4, 5]);
        assert_eq!(found(doc.json_has("a").eq(false)), [2, 3, 5], "it is a truth to compare");
        let wrong = select(things.c("dok").json_has("a")).all(db).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r2_4_2_documents_with_something_changed() {
    each_backend(|db| {
        let things = table(db);
        let start = [r#"{"a": 1}"#, r#"{"a": {"b": [1, 2]}}"#, "[1]", "5"];
        let doc = things.c("doc");
        let after = |change: Expr| -> Vec<Value> {
            delete(&things).all_rows().run(db).unwrap();
            for (id, doc) in start.iter().enumerate() {
                put(db, &things, values! { "id" => id as i64 + 1, "doc" => json(doc) });
            }
            put(db, &things, values! { "id" => 5, "doc" => () });
            update(&things).set([("doc", change)]).all_rows().run(db).unwrap();
            let docs: Vec<Value> = select(&doc).order_by(things.c("id")).scalars(db).unwrap();
            docs.iter().map(plain).collect()
        };
        let is = |docs: [&str; 4]| -> Vec<Value> {
            docs.map(|doc| plain(&json(doc))).into_iter().chain([Value::Null]).collect()
        };
        assert_eq!(
            after(doc.json_with("x y", json(r#"{"q": "it's"}"#))),
            is([
                r#"{"a": 1, "x y": {"q": "it's"}}"#,
                r#"{"a": {"b": [1, 2]}, "x y": {"q": "it's"}}"#,
                "[1]",
                "5"
            ])
        );
        assert_eq!(
            after(doc.json_with("a", json("null"))),
            is([r#"{"a": null}"#, r#"{"a": null}"#, "[1]", "5"])
        );
        assert_eq!(
            after(doc.json_with(("a", "c"), json("3"))),
            is([start[0], r#"{"a": {"b": [1, 2], "c": 3}}"#, "[1]", "5"]),
            "nothing is made on the way, and a number is no object"
        );
        assert_eq!(after(doc.json_with(0, json("9"))), is([start[0], start[1], "[9]", "5"]));
        assert_eq!(after(doc.json_with(1, json("9"))), is([start[0], start[1], "[1, 9]", "5"]));
        assert_eq!(after(doc.json_with(2, json("9"))), is(start), "there is no position 2 to come to");
        assert_eq!(after(doc.json_with("0", json("9")))[2], json("[1]"));
        let path: Vec<mirrorm::expr::Step> = vec!["a".into(), "b".into(), 2u32.into()];
        assert_eq!(
            after(doc.json_with(path.clone(), json(r#""z""#))),
            is([start[0], r#"{"a": {"b": [1, 2, "z"]}}"#, "[1]", "5"])
        );
        assert_eq!(after(doc.json_without("a")), is(["{}", "{}", "[1]", "5"]));
        assert_eq!(after(doc.json_without(0)), is([start[0], start[1], "[]", "5"]));
        assert_eq!(
            after(doc.json_without(vec![mirrorm::expr::Step::from("a"), "b".into(), 0u32.into()])),
            is([start[0], r#"{"a": {"b": [2]}}"#, "[1]", "5"])
        );
        assert_eq!(after(doc.json_without("nothing")), is(start));
        let twice = after(doc.json_without("a").json_with("b", json("true")));
        assert_eq!(twice[0], json(r#"{"b":true}"#));
        assert_eq!(after(doc.json_with("a", "[2]"))[0], json(r#"{"a":[2]}"#), "a text is a document's");
        assert_eq!(
            after(doc.json_with("a", doc.json_at("none"))),
            is([r#"{"a": null}"#, r#"{"a": null}"#, "[1]", "5"]),
            "NULL is the null of JSON there"
        );
        let changed =
            ["b", "c", "d", "e"].iter().fold(doc.clone(), |doc, key| doc.json_with(*key, json("1")));
        assert_eq!(after(changed.clone())[0], json(r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#));
        for endless in [changed.json_with("f", json("1")), changed.json_without("b")] {
            let error = select(endless).all(db).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            assert!(error.to_string().contains("one after the other"), "{error}");
        }
        let nowhere = select(doc.json_without(Vec::<&str>::new())).all(db).unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::Invalid);
        let wrong = update(&things).set([("doc", doc.json_with("a", "no document"))]).all_rows().run(db);
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Conversion);
    });
}

#[test]
fn r2_4_2_what_one_database_has() {
    each_backend(|db| {
        let things = table(db);
        put(db, &things, values! { "doc" => json(r#"{"a": [1, 5], "b": 2}"#) });
        let doc = things.c("doc");
        for expr in [doc.json_path_exists("$.a"), doc.json_path_match("$.b > 1"), doc.json_concat(json("{}"))]
        {
            let found = select(expr).all(db);
            match dialect(db) {
                "postgresql" => drop(found.unwrap()),
                _ => assert!(matches!(found.unwrap_err().kind(), ErrorKind::Unsupported { .. })),
            }
        }
        if dialect(db) == "postgresql" {
            assert_eq!(ids(db, &things, doc.json_path_exists("$.a[*] ? (@ > 4)")), [1]);
            assert!(ids(db, &things, doc.json_path_exists("$.a[*] ? (@ > 5)")).is_empty());
            assert!(ids(db, &things, doc.json_path_match("$.b > 2")).is_empty());
            let both: Value = one(db, &things, doc.json_concat(json(r#"{"b": 3, "c": null}"#)));
            assert_eq!(plain(&both), json(r#"{"a":[1,5],"b":3,"c":null}"#));
            let wrong = select(doc.json_path_exists("$.[")).all(db).unwrap_err();
            assert_eq!(wrong.kind(), ErrorKind::Syntax, "{wrong}");
        }
    });
}

#[test]
fn r2_4_6_texts_that_have_words() {
    each_backend(|db| {
        let (make, fill) = match dialect(db) {
            "sqlite" => {
                ("CREATE VIRTUAL TABLE notes USING fts5(body)", "INSERT INTO notes (rowid, body) VALUES")
            }
            "mysql" => (
                "CREATE TABLE notes (id INT PRIMARY KEY, body TEXT, FULLTEXT KEY (body)) ENGINE=InnoDB",
                "INSERT INTO notes (id, body) VALUES",
            ),
            _ => {
                ("CREATE TABLE notes (id INT PRIMARY KEY, body TEXT)", "INSERT INTO notes (id, body) VALUES")
            }
        };
        db.execute(make, ()).unwrap();
        db.execute(
            &format!("{fill} (1, 'Quick brown foxes'), (2, 'lazy brown dogs'), (3, 'it''s quick')"),
            (),
        )
        .unwrap();
        let notes = Table::new("notes", column("body", Text)).unwrap();
        let found = |words: &str| -> Vec<String> {
            let mut found: Vec<String> =
                select(notes.c("body")).filter(notes.c("body").has_words(words)).scalars(db).unwrap();
            found.sort();
            found
        };
        assert_eq!(found("brown"), ["Quick brown foxes", "lazy brown dogs"]);
        assert_eq!(found("brown quick"), ["Quick brown foxes"]);
        assert_eq!(found("brown +-(\"'quick*"), ["Quick brown foxes"], "signs are no words");
        assert!(found("brown purple").is_empty());
    });
}

#[test]
fn r2_3_4_bits() {
    each_backend(|db| {
        let things = table(db);
        put(db, &things, values! { "n" => 5 });
        let n = things.c("n");
        let whole = |expr: Expr| one::<i64>(db, &things, expr);
        assert_eq!(whole(n.bit_and(3)), 1);
        assert_eq!(whole(n.bit_or(3)), 7);
        assert_eq!(whole(n.bit_xor(3)), 6);
        assert_eq!(whole(n.bit_not()), -6);
        assert_eq!(whole(n.shift_left(40)), 5 << 40);
        assert_eq!(whole(n.shift_right(1)), 2);
        assert_eq!(whole(n.neg().shift_right(1)), -3, "the sign stays");
        assert_eq!(whole(n.neg().bit_and(-2)), -6);
        assert_eq!(whole(n.bit_xor(n.bit_not()).add(1)), 0);
        assert_eq!(whole(n.bit_and(n.add(1).mul(2)).bit_or(n.bit_xor(1))), 4);
        assert_eq!(ids(db, &things, n.bit_and(4).eq(4)), [1]);
        assert!(select(things.c("m").bit_not()).all(db).is_err());
    });
}

#[test]
fn r2_3_10_texts_taken_for_values() {
    each_backend(|db| {
        let things = table(db);
        let long = format!("{}7", "0".repeat(30));
        let (longer, longest) = (format!("{}7", "0".repeat(254)), format!("{}7", "0".repeat(255)));
        let texts = [
            "12",
            " -7 ",
            "+5",
            &long,
            "9223372036854775807",
            "9223372036854775808",
            "40000",
            "1.5",
            ".5",
            "1e3",
            "",
            "-",
            "12 apples",
            "n/a",
            "1.2.3",
            "--1",
            "1 2",
            "1e999",
            "2024-02-29",
            "2023-02-29",
            "2024-13-01",
            "2024-12-00",
            "0000-01-01",
            "24-01-01",
            " 2024-12-31 ",
            "2024-12-31 10:00",
            "12\n",
            "2024-02-29\n",
            "1e-310",
            "-1e-400",
            "0.0e5",
            "1.5e-307",
        ];
        for text in texts {
            put(db, &things, values! { "name" => text });
        }
        put(db, &things, values! { "name" => () });
        let name = things.c("name");
        let in_order = |expr: Expr| select(expr).from(&things).order_by(things.c("id"));
        let whole: Vec<Option<i64>> = in_order(name.try_cast(BigInteger)).scalars(db).unwrap();
        let mut expected = vec![None; texts.len() + 1];
        let known = [(0, 12), (1, -7), (2, 5), (3, 7), (4, i64::MAX), (6, 40_000)];
        known.into_iter().for_each(|(at, n)| expected[at] = Some(n));
        assert_eq!(whole, expected);
        let small: Vec<Option<i64>> = in_order(name.try_cast(SmallInteger)).scalars(db).unwrap();
        (expected[4], expected[6]) = (None, None);
        assert_eq!(small, expected, "those that the type holds");
        let doubles: Vec<Option<f64>> = in_order(name.try_cast(Double)).scalars(db).unwrap();
        let mut expected = vec![None; texts.len() + 1];
        let big = i64::MAX as f64;
        let known = [12., -7., 5., 7., big, big, 40_000., 1.5, 0.5, 1000.];
        known.into_iter().enumerate().for_each(|(at, x)| expected[at] = Some(x));
        (expected[30], expected[31]) = (Some(0.0), Some(1.5e-307));
        assert_eq!(doubles, expected);
        let days: Vec<Option<String>> = in_order(name.try_cast(Date).cast(Varchar(20))).scalars(db).unwrap();
        let mut expected = vec![None; texts.len() + 1];
        (expected[18], expected[24]) = (Some("2024-02-29".to_string()), Some("2024-12-31".to_string()));
        assert_eq!(days, expected);
        // Where rows are written too, and of values.
        let rows = update(&things).set([("n", name.try_cast(Integer))]).all_rows().run(db).unwrap();
        assert_eq!(rows, texts.len() as u64 + 1);
        assert_eq!(ids(db, &things, things.c("n").ge(6)), [1, 4, 7]);
        assert_eq!(one::<Option<i64>>(db, &things, func::max(Expr::from("x1").try_cast(Integer))), None);
        assert_eq!(one::<i64>(db, &things, func::max(Expr::from("31").try_cast(Integer))), 31);
        let of = |text: &str| Expr::from(text);
        assert_eq!(one::<Option<f64>>(db, &things, func::max(of(&longer).try_cast(Double))), Some(7.0));
        assert_eq!(
            one::<Option<f64>>(db, &things, func::max(of(&longest).try_cast(Double))),
            None,
            "256 letters"
        );
        assert_eq!(one::<Option<i64>>(db, &things, func::max(of(&longest).try_cast(Integer))), None);
        let wrong = in_order(things.c("n").try_cast(Integer)).all(db).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
        assert!(wrong.to_string().contains("texts"), "{wrong}");
        let wrong = in_order(name.try_cast(Numeric(5, 2))).all(db).unwrap_err();
        assert!(matches!(wrong.kind(), ErrorKind::Unsupported { .. }), "{wrong}");
    });
}
