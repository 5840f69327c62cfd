//! SQL of the program's own with places for values, and statements as people read them (rows 2.1.19, 2.3.12, 2.3.13,
//! 2.6.1, 2.6.2).

use mirrorm::compile::Compile;
use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

fn people(db: &Db) -> Table {
    let parts = (column("id", Integer).primary_key(), column("name", Varchar(40)), column("born", Date));
    let people = db.table("people", parts).unwrap();
    db.create_all().unwrap();
    let rows = [("ann", "2000-02-29"), ("ben", "1999-12-31"), (":name", "2010-01-01")];
    insert(&people).rows(["name", "born"], rows).run(db).unwrap();
    people
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, words: &str) {
    let error = result.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.message().contains(words), "{error}");
}

#[test]
fn r2_3_13_texts_with_places() {
    each_backend(|db| {
        let people = people(db);
        let name = people.c("name");
        let ids = |condition: Expr| -> Vec<i64> {
            select(people.c("id")).filter(condition).order_by(people.c("id")).scalars(db).unwrap()
        };
        assert_eq!(ids(text("name = :who OR name = :who").bind("who", "ben").into()), [2]);
        assert_eq!(ids(text("name = ':name'").into()), [3], "what is quoted is left alone");
        assert_eq!(
            ids(Expr::from(text("id > :a OR id > :b").binds(values! { "a" => 2, "b" => 5 }))
                & people.c("id").lt(9)),
            [3]
        );
        assert_eq!(
            ids(text("upper(:what)").bind("what", &name).expr().eq("ANN")),
            [1],
            "an expression at a place"
        );
        assert_eq!(ids(text("born = :day").bind("day", Value::from(chrono_day(2000, 2, 29))).into()), [1]);
        // A whole statement, reading and writing; a place without a value is a plan's parameter.
        let found = text("SELECT id, name FROM people WHERE id >= :least ORDER BY id")
            .bind("least", 2)
            .all(db)
            .unwrap();
        assert_eq!(found.scalars::<i64>().unwrap(), [2, 3]);
        let rename = text("UPDATE people SET name = :name WHERE id = :id")
            .binds(values! { "name" => "benno", "id" => 2 });
        assert_eq!(rename.run(db).unwrap(), 1);
        let plan = select(people.c("id")).filter(text("name = :name")).prepare(db).unwrap();
        assert_eq!(plan.all(db, values! { "name" => "benno" }).unwrap().scalars::<i64>().unwrap(), [2]);
        let nothing =
            text("SELECT id FROM people WHERE name = :name").bind("name", None::<String>).all(db).unwrap();
        assert!(nothing.is_empty());

        refused(text("SELECT :a").all(db), "`a` has no value");
        refused(text("SELECT :name").bind("nmae", 1).all(db), "no place `:nmae`, did you mean `name`?");
        refused(text("SELECT :a").bind("a", 1).bind("a", 2).all(db), "`:a` has a value already");
        refused(select(&people).filter(text("id = :id").bind("di", 1)).all(db), "no place `:di`");
        let evil = "x' OR '1' = '1";
        assert!(ids(text("name = :name").bind("name", evil).into()).is_empty(), "a value stays one");
    });
}

fn chrono_day(year: i32, month: u8, day: u8) -> mirrorm::value::Date {
    mirrorm::value::Date::new(year, month, day).unwrap()
}

#[test]
fn r2_1_19_rows_of_a_text_with_types() {
    each_backend(|db| {
        let people = people(db);
        let rows = || {
            let sql = "SELECT born, count(*) FROM people WHERE id < :most GROUP BY born";
            text(sql).bind("most", 3).columns((column("born", Date), column("n", Integer))).unwrap()
        };
        let first = rows().all(db).unwrap();
        assert!(
            matches!(first.get(0).unwrap().value("born").unwrap().to_value(), Value::Date(_)),
            "{first:?}"
        );
        assert_eq!(rows().count(db).unwrap(), 2);
        assert_eq!(rows().union_all(rows()).all(db).unwrap().len(), 4);
        let sql = "SELECT born, name AS who FROM people WHERE id < :most";
        let text =
            text(sql).bind("most", 3).columns((column("born", Date), column("who", Varchar(40)))).unwrap();
        let sub = text.clone().subquery("some").unwrap();
        let found = select(people.c("id")).join_on(&sub, sub.c("who").eq(people.c("name")));
        assert_eq!(found.filter(sub.c("born").lt("2000-01-01")).scalars::<i64>(db).unwrap(), [2]);
        let cte = text.clone().cte("named").unwrap();
        let day = select(cte.c("born")).order_by(cte.c("born")).limit(1).scalar::<Value>(db).unwrap();
        assert_eq!(day.to_string(), "1999-12-31");
        refused(text.clone().filter(raw("1 = 1")).all(db), "as a subquery");
        refused(text.clone().limit(1).all(db), "as a subquery");
        let fewer = mirrorm::expr::text("SELECT id FROM people")
            .columns((column("a", Integer), column("b", Integer)));
        assert!(fewer.unwrap().all(db).is_err(), "fewer columns than were said");
    });
}

#[test]
fn r2_6_2_values_as_literals_are_the_values() {
    each_backend(|db| {
        let target = db.engine().unwrap().target().unwrap();
        let values: Vec<(Value, Type)> = vec![
            (Value::Null, Integer),
            (true.into(), Boolean),
            ((-7).into(), Integer),
            (i64::MIN.into(), BigInteger),
            (0.1.into(), Double),
            ("it's a \\ and \"q\" 100%: :x ? $1 -- /* ü😀".into(), Text),
            ("".into(), Text),
            ("\\".into(), Text),
            (Value::Bytes(vec![0, 39, 92, 255]), Binary),
            (chrono_day(2024, 2, 29).into(), Date),
            (Value::Decimal("12345678.12".parse().unwrap()), Numeric(12, 2)),
            (Value::Uuid("0f9d7c52-8a0e-4f0a-9d6a-0123456789ab".parse().unwrap()), Type::Uuid),
            (Value::Time("12:34:56.5".parse().unwrap()), Type::Time),
            (Value::DateTime("2024-02-29T12:34:56.5".parse().unwrap()), Type::DateTime),
            (Value::Json("{\"a\": \"it's \\\\ \"}".parse().unwrap()), Type::Json),
        ];
        for (value, ty) in values {
            let table = db.table("one", column("v", ty.clone())).unwrap();
            db.create_all().unwrap();
            let by_values = insert(&table).values(values! { "v" => value.clone() });
            by_values.run(db).unwrap();
            // What is written for people is right too.
            let sql = by_values.to_sql(&target).unwrap();
            db.execute_script(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            let rows = select(&table).all(db).unwrap();
            let read: Vec<Value> = rows.iter().map(|row| row.value(0).unwrap().to_value()).collect();
            assert!(read.len() == 2 && read[0] == read[1], "{sql}: {read:?}");
            let found = select(func::count_all()).from(&table).filter(table.c("v").is(value.clone()));
            let sql = found.to_sql(&target).unwrap();
            if !matches!(value, Value::Json(_) | Value::Float(_)) {
                assert_eq!(
                    db.query_text(&sql, ()).unwrap().one().unwrap().get::<i64>(0).unwrap(),
                    2,
                    "{sql}"
                );
            }
            db.execute_script("DROP TABLE one").unwrap();
            db.metadata().remove(&table);
        }
        let odd = select(Expr::from(f64::NAN)).to_sql(&target);
        let refused = odd.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conversion);
        assert!(refused || dialect(db) == "postgresql", "{odd:?}");
    });
}

#[test]
fn r2_6_1_statements_are_read_without_a_database() {
    for dialect in mirrorm::dialect::built_in() {
        let target = mirrorm::compile::Target::offline(*dialect);
        let t = Table::new("t", (column("id", Integer).primary_key(), column("name", Text))).unwrap();
        let rows = insert(&t).rows(["id", "name"], [(1, "it's"), (2, "x")]).to_sql(&target).unwrap();
        assert_eq!(rows, "INSERT INTO t (id, name) VALUES (1, 'it''s'), (2, 'x')");
        let set = update(&t).set(values! { "name" => param("name") }).filter(t.c("id").in_([1, 2]));
        assert_eq!(set.to_sql(&target).unwrap(), "UPDATE t SET name = :name WHERE t.id IN (1, 2)");
        let kept = set.compile(&target).unwrap();
        assert!(!kept.sql().contains(":name") && kept.binds().len() == 3, "what is executed has parameters");
        assert!(update(&t).set(values! { "nmae" => 1 }).all_rows().to_sql(&target).is_err());
    }
}

#[test]
fn r2_3_12_values_and_parameters_of_a_type() {
    each_backend(|db| {
        let instant: mirrorm::value::Timestamp = "2019-07-14 08:30:05+00:00".parse().unwrap();
        let time: mirrorm::value::Time = "08:30:05".parse().unwrap();
        // A text that is sent again with values of other kinds gives what was sent.
        let values = [
            Value::Time(time),
            Value::Date(chrono_day(2019, 7, 14)),
            5.into(),
            5.5.into(),
            "abc".into(),
            i64::MAX.into(),
            Value::Null,
            Value::Time(time),
        ];
        for value in values {
            let read = text("SELECT :value AS a").bind("value", value.clone()).all(db);
            // PostgreSQL does not guess the type of what stands alone.
            if let (Ok(rows), true) = (read, dialect(db) != "postgresql") {
                let read = rows.one().unwrap().value(0).unwrap().to_value();
                assert_eq!(read.to_string(), value.to_string());
            }
        }
        for (value, ty) in [
            (Value::from(7), Integer),
            (Value::from(i64::MIN), BigInteger),
            (Value::from("x"), Text),
            (Value::Date(chrono_day(2019, 7, 14)), Date),
            (Value::from(true), Boolean),
            (Value::Null, Integer),
            (Value::Null, Type::Timestamp),
        ] {
            let typed = Expr::from(value.clone()).typed(ty.clone());
            assert_eq!(select(typed.clone()).scalar::<Value>(db).unwrap(), value);
            assert_eq!(select(typed.is_null()).scalar::<bool>(db).unwrap(), value.is_null());
            let plan = select(param("it").typed(ty)).prepare(db).unwrap();
            let read = plan.one(db, [("it", value.clone())]).unwrap().value(0).unwrap().to_value();
            assert_eq!(read, value, "by a plan");
        }
        let none = select(param("it").typed(Type::Timestamp).is_null()).prepare(db).unwrap();
        assert!(!none.one(db, [("it", Value::Timestamp(instant))]).unwrap().get::<bool>(0).unwrap());
        assert_eq!(select(Expr::from(1).add(2).mul(3)).scalar::<i64>(db).unwrap(), 9, "values alone");
        assert_eq!(select(Expr::from(1.5).add(2)).scalar::<f64>(db).unwrap(), 3.5);
        let wrong = select(Expr::from("no day").typed(Date)).scalar::<mirrorm::value::Date>(db);
        assert!(wrong.is_err());
    });
}
