//! Values in and out: nothing lost, nothing changed.

use mirrorm::prelude::*;
use mirrorm::types::CustomType;
use mirrorm::value::{DateTime as At, Decimal, FromValue, Json as Document, OtherData, Uuid as Id};
use proptest::prelude::*;

use crate::support::memory;

/// Inserts a value into a column of a type, reads it back, writes what was read, reads again.
#[track_caller]
fn round_trip(ty: Type, value: Value) -> Value {
    let db = memory();
    let t = db.table("t", (column("id", Integer).primary_key(), column("v", ty))).unwrap();
    db.create_all().unwrap();
    insert(&t).values([("v", value)]).run(&db).unwrap();
    let first = select(t.c("v")).scalar::<Value>(&db).unwrap();
    let stored =
        |id: i64| db.query_text("SELECT v, typeof(v) FROM t WHERE id = ?", (id,)).unwrap().one().unwrap();
    insert(&t).values([("v", first.clone())]).run(&db).unwrap();
    assert_eq!(stored(1), stored(2), "writing back what was read gives the same cell");
    first
}

#[test]
fn every_type_comes_back() {
    let cases: Vec<(Type, Value)> = vec![
        (Boolean, true.into()),
        (SmallInteger, (-5).into()),
        (Integer, i64::MIN.into()),
        (BigInteger, i64::MAX.into()),
        (Float, 0.1.into()),
        (Double, f64::INFINITY.into()),
        (Double, 1e300.into()),
        (Numeric(10, 2), Value::Decimal("0.99".parse().unwrap())),
        (Numeric(10, 2), Value::Decimal("-5".parse().unwrap())),
        (Varchar(5), "grün".into()),
        (Char(3), "a  ".into()),
        (Text, "".into()),
        (Text, "nul\0inside".into()),
        (Text, "007".into()),
        (Binary, Vec::new().into()),
        (Binary, vec![0u8, 255, 0].into()),
        (Date, Value::Date("2024-02-29".parse().unwrap())),
        (Date, Value::Date("0044-03-15 BC".parse().unwrap())),
        (Time, Value::Time("23:59:59.999999".parse().unwrap())),
        (DateTime, Value::DateTime("2009-01-01 00:00:00".parse().unwrap())),
        (DateTime, Value::DateTime("2009-01-01 00:00:00.000000".parse().unwrap())),
        (Timestamp, Value::Timestamp("2024-02-29 12:30:00+05:30".parse().unwrap())),
        (Interval, Value::Interval("P1M2DT3S".parse().unwrap())),
        (Uuid, Value::Uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap())),
        (Json, Value::Json(r#"{"b": 1.0, "a": null}"#.parse().unwrap())),
        (Json, Value::Json("null".parse().unwrap())),
        (Json, Value::Json("17".parse().unwrap())),
        (Integer, Value::Null),
        (Type::Any, 5.into()),
        (Type::Any, "5".into()),
        (Type::Any, 1.5.into()),
        (Type::Any, vec![1u8].into()),
    ];
    for (ty, value) in cases {
        assert_eq!(round_trip(ty.clone(), value.clone()), value, "{ty}");
    }
}

#[test]
fn input_is_brought_to_the_type() {
    let same = |ty: Type, given: Value, read: Value| assert_eq!(round_trip(ty, given), read);
    same(Date, "2024-02-29".into(), Value::Date("2024-02-29".parse().unwrap()));
    same(DateTime, "2024-02-29T12:30:00".into(), Value::DateTime("2024-02-29 12:30:00".parse().unwrap()));
    same(Numeric(10, 2), 5.into(), Value::Decimal("5".parse().unwrap()));
    same(Double, 5.into(), 5.0.into());
    same(Boolean, 1.into(), true.into());
    same(Json, true.into(), Value::Json("true".parse().unwrap()));
    same(
        Text,
        Value::Decimal("12345678901234567890123456789.50".parse().unwrap()),
        "12345678901234567890123456789.50".into(),
    );
}

/// Cells that do not fit their column's type come as what is stored, and go back unchanged.
#[test]
fn cells_that_fit_no_variant_are_kept() {
    let cases = [
        ("INTEGER", "'abc'", "text"),
        ("INTEGER", "1.5", "real"),
        ("TEXT", "x'00ff'", "blob"),
        ("BLOB", "'text in a blob column'", "text"),
        ("BOOLEAN", "2", "integer"),
        ("DATE", "'0000-00-00'", "text"),
        ("DATE", "'2024-1-1'", "text"),
        ("DATETIME", "1700000000", "integer"),
        ("DATETIME", "'2024-01-01T00:00:00'", "text"),
        ("TIME", "12.5", "real"),
        ("UUID", "'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'", "text"),
        ("JSON", "'{broken'", "text"),
        ("NUMERIC(5,2)", "'abc'", "text"),
        ("REAL", "'abc'", "text"),
        ("TEXT", "CAST(x'61ff62' AS TEXT)", "text"),
    ];
    for (declared, literal, class) in cases {
        let db = memory();
        db.execute_script(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared}); INSERT INTO t (v) VALUES ({literal})"
        ))
        .unwrap();
        db.reflect().unwrap();
        let t = db.table_named("t").unwrap();
        let value = select(t.c("v")).scalar::<Value>(&db).unwrap();
        let Value::Other(other) = &value else { panic!("{declared} {literal}: {value:?}") };
        assert_eq!(other.type_name(), class, "{declared} {literal}");
        insert(&t).values([("v", value.clone())]).run(&db).unwrap();
        insert(&t).rows(["v"], [[value]]).run(&db).unwrap();
        let same =
            db.query_text("SELECT count(*) FROM (SELECT DISTINCT v, typeof(v), hex(v) FROM t)", ()).unwrap();
        assert_eq!(same.one().unwrap().get::<i64>(0).unwrap(), 1, "{declared} {literal}");
    }
}

#[test]
fn text_that_is_not_utf8_is_bytes() {
    let db = memory();
    let value: Value =
        db.query_text("SELECT CAST(x'61ff62' AS TEXT)", ()).unwrap().one().unwrap().get(0).unwrap();
    let Value::Other(other) = value else { panic!("{value:?}") };
    assert_eq!(other.data(), &OtherData::Bytes((*b"a\xffb").into()));
    assert!(String::from_value(Value::Other(other)).is_err());
}

#[test]
fn serde_both_ways() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Film {
        id: i64,
        title: String,
        rating: Option<f64>,
        seen: bool,
        released: String,
        tags: Vec<String>,
    }
    let db = memory();
    let films = db
        .table(
            "films",
            (
                column("id", Integer).primary_key(),
                column("title", Text),
                column("rating", Double),
                column("seen", Boolean),
                column("released", Date),
                column("tags", Json),
            ),
        )
        .unwrap();
    db.create_all().unwrap();
    let film = Film {
        id: 1,
        title: "Alien".into(),
        rating: Some(8.5),
        seen: true,
        released: "1979-05-25".into(),
        tags: vec!["space".into()],
    };
    insert(&films).values(to_values(&film).unwrap()).run(&db).unwrap();
    assert_eq!(select(&films).all_as::<Film>(&db).unwrap(), [film]);
    let row = select(&films).one(&db).unwrap();
    assert_eq!(row.get::<At>("title").unwrap_err().kind(), ErrorKind::Conversion);
    let json = serde_json::to_value(&row).unwrap();
    assert_eq!(json["tags"][0], "space");
    assert_eq!(json["released"], "1979-05-25");
    let error = select((films.c("id"), films.c("title"))).all_as::<Film>(&db).unwrap_err();
    assert!(error.message().contains("rating") || error.message().contains("missing field"), "{error}");
    let error = select(films.c("title")).all_as::<(i64,)>(&db).unwrap_err();
    assert!(error.message().contains("table `films`, column `title`"), "{error}");
    let pairs: Vec<(i64, String)> = select((films.c("id"), films.c("title"))).all_as(&db).unwrap();
    assert_eq!(pairs, [(1, "Alien".to_string())]);
    let ids: Vec<i64> = select(films.c("id")).all_as(&db).unwrap();
    assert_eq!(ids, [1]);
}

#[test]
fn names_that_repeat_are_no_map() {
    let row = memory().query_text("SELECT 1 AS a, 2 AS a", ()).unwrap().one().unwrap();
    assert!(serde_json::to_string(&row).is_err(), "one of the two would be lost");
    let map = row.to::<std::collections::BTreeMap<String, i64>>();
    assert_eq!(map.unwrap_err().kind(), ErrorKind::AmbiguousColumn);
    assert_eq!(row.to::<(i64, i64)>().unwrap(), (1, 2));
}

#[test]
fn floats_that_json_has_no_word_for_are_not_lost() {
    #[derive(serde::Serialize)]
    struct Reading {
        n: u64,
        x: f64,
    }
    let db = memory();
    let t = db.table("t", (column("n", Type::Any), column("x", Double))).unwrap();
    db.create_all().unwrap();
    insert(&t).values(to_values(&Reading { n: 7, x: f64::INFINITY }).unwrap()).run(&db).unwrap();
    assert_eq!(select(t.c("x")).scalar::<f64>(&db).unwrap(), f64::INFINITY);
    let nan = to_values(&Reading { n: u64::MAX, x: f64::NAN }).unwrap();
    assert_eq!(
        insert(&t).values(nan).run(&db).unwrap_err().kind(),
        ErrorKind::Conversion,
        "never NULL in silence"
    );
}

#[test]
fn json_documents_keep_their_digits_and_order() {
    let text = r#"{"z":1,"a":12345678901234567890123,"m":[1.5,null]}"#;
    let document: Document = text.parse().unwrap();
    let out = serde_json::to_string(&Value::Json(document)).unwrap();
    assert_eq!(out, text);
}

/// Amounts in cents, stored as what they are: a type of the user's.
struct Cents;

impl CustomType for Cents {
    fn name(&self) -> &str {
        "cents"
    }

    fn base(&self) -> Type {
        Type::BigInteger
    }

    fn bind(&self, value: Value) -> Result<Value> {
        let amount = Decimal::from_value(value)?;
        let digits = amount.as_str().replace('.', "");
        match amount.scale() {
            Some(2) => digits.parse().map(Value::Int).map_err(|_| Error::conversion("too much")),
            _ => Err(Error::conversion("not in cents")),
        }
    }

    fn result(&self, value: Value) -> Result<Value> {
        match Option::<i64>::from_value(value)? {
            Some(cents) => format!("{}.{:02}", cents / 100, cents % 100).parse().map(Value::Decimal),
            None => Ok(Value::Null),
        }
    }
}

#[test]
fn custom_types_run_their_hooks() {
    let db = memory();
    let t = db.table("t", column("price", Type::custom(Cents))).unwrap();
    db.create_all().unwrap();
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    insert(&t).values(values! { "price" => decimal("19.99") }).run(&db).unwrap();
    insert(&t).rows(["price"], [[decimal("0.05")]]).run(&db).unwrap();
    assert_eq!(db.query_text("SELECT price FROM t", ()).unwrap().scalars::<i64>().unwrap(), [1999, 5]);
    assert_eq!(select(t.c("price")).scalars::<Decimal>(&db).unwrap(), [decimal("19.99"), decimal("0.05")]);
    let error = insert(&t).values(values! { "price" => decimal("0.001") }).run(&db).unwrap_err();
    assert!(error.message().contains("not in cents") && error.columns() == ["price"], "{error}");
}

proptest! {
    #[test]
    fn any_text_and_bytes_round_trip(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        prop_assert_eq!(round_trip(Text, text.as_str().into()), Value::Text(text));
        prop_assert_eq!(round_trip(Binary, bytes.clone().into()), Value::Bytes(bytes));
    }

    #[test]
    fn any_number_round_trips(n in any::<i64>(), x in any::<f64>()) {
        prop_assert_eq!(round_trip(BigInteger, n.into()), Value::Int(n));
        // SQLite keeps whole numbers of a REAL column as integers, which have no negative zero.
        let kept = if x == 0.0 { 0.0 } else { x };
        if !x.is_nan() {
            prop_assert_eq!(round_trip(Double, x.into()), Value::Float(kept));
        }
    }

    /// Whatever is stored in a column of any declared type comes back and can be written back.
    #[test]
    fn any_cell_of_any_type_is_kept(declared in prop::sample::select(vec!["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC(10,2)", "DATE", "TIME", "DATETIME", "TIMESTAMP", "BOOLEAN", "JSON", "UUID", "INTERVAL", "weird", ""]), text in "[-+0-9eE.: ]{0,12}|[a-zé\\PC]{0,6}", n in any::<i64>(), x in any::<f64>(), bytes in any::<Vec<u8>>()) {
        let db = memory();
        db.execute(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})"), ()).unwrap();
        for value in [Value::Text(text), Value::Int(n), Value::Float(if x.is_nan() { 0.0 } else { x }), Value::Bytes(bytes)] {
            db.execute("INSERT INTO t (v) VALUES (?)", [value]).unwrap();
        }
        db.reflect().unwrap();
        let t = db.table_named("t").unwrap();
        let read: Vec<Value> = select(t.c("v")).order_by(t.c("id")).scalars(&db).unwrap();
        insert(&t).rows(["v"], read.iter().map(|v| [v])).run(&db).unwrap();
        let cells = |low: i64| db.query_text("SELECT v, typeof(v) FROM t WHERE id > ? AND id <= ? ORDER BY id", (low, low + 4)).unwrap();
        for (a, b) in cells(0).iter().zip(cells(4).iter()) {
            prop_assert_eq!(a, b);
        }
    }
}

#[test]
fn uuids_and_json_from_rust() {
    let id = Id::from_bytes([7; 16]);
    assert_eq!(Id::from_value(round_trip(Uuid, id.into())).unwrap(), id);
    let tree = serde_json::json!({ "a": [1, 2, { "b": null }] });
    let back: serde_json::Value =
        serde_json::Value::from_value(round_trip(Json, tree.clone().into())).unwrap();
    assert_eq!(back, tree);
}
