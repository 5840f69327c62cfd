//! Faults that somebody found in the SQL toolkit.

use mirrorm::expr::{Field, named};
use mirrorm::prelude::*;
use mirrorm::stmt::{conflict, values_table};

use crate::support::{dialect, each_backend};

fn goods(db: &Db) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("code", Varchar(10)).not_null(),
        column("n", Integer),
        column("state", Varchar(10)).default("new"),
        unique(["code"]),
    );
    let goods = db.table("goods", parts).unwrap();
    db.create_all().unwrap();
    insert(&goods).rows(["code", "n", "state"], [("a", 1, "done"), ("b", 2, "done")]).run(db).unwrap();
    goods
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T>, words: &str) {
    let error = result.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.message().contains(words), "{error}");
}

#[track_caller]
fn unsupported<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
}

fn state(db: &Db, goods: &Table) -> Vec<(String, Option<i64>, String)> {
    let all = select((goods.c("code"), goods.c("n"), goods.c("state"))).order_by(goods.c("code"));
    all.all_as(db).unwrap()
}

#[test]
fn a_table_of_one_name_in_another_schema_takes_no_columns() {
    each_backend(|db| {
        let goods = goods(db);
        let other =
            Table::new("goods", (in_schema("elsewhere"), column("id", Integer), column("n", Integer)))
                .unwrap();
        let same = exists(select(other.c("n")).filter(other.c("id").eq(goods.c("id"))));
        invalid(delete(&goods).filter(same.clone()).run(db), "means another table inside");
        invalid(select(&goods).filter(same).all(db), "means another table inside");
        let alias = other.alias("goods");
        invalid(
            select(goods.c("id")).join_on(&alias, alias.c("id").eq(goods.c("id"))).all(db),
            "stands twice",
        );
        assert_eq!(select(&goods).count(db).unwrap(), 2);
    });
}

#[test]
fn a_subquery_of_what_is_given_back_has_its_own_tables() {
    each_backend(|db| {
        let goods = goods(db);
        let other =
            db.table("other", (column("id", Integer).primary_key(), column("good", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&other).rows(["id", "good"], [[5, 5], [6, 50], [7, 50]]).run(db).unwrap();
        let count = select(func::count_all()).from(&other).filter(other.c("good").eq(goods.c("id")));
        let put = insert(&goods).values(values! { "id" => 50, "code" => "x" });
        match put.returning(Expr::from(count).label("count")).all(db) {
            Ok(rows) => assert_eq!(rows.scalars::<i64>().unwrap(), [2]),
            // The server sees no columns of what it inserts from inside a subquery, and says so.
            Err(error) => assert!(dialect(db) == "mysql", "{error}"),
        }
    });
}

#[test]
fn parameters_have_a_value_or_are_refused() {
    each_backend(|db| {
        let goods = goods(db);
        let set = conflict(["code"]).set(values! { "n" => param("x") });
        let rows = insert(&goods).rows(["code", "n"], [("a", 5)]).on_conflict(set);
        invalid(rows.run(db), "`x` has no value");
        invalid(rows.prepare(db), "`x` has no value");
        let either = select(&goods)
            .filter(goods.c("id").eq(param("a")) | goods.c("id").eq(param("b")))
            .prepare(db)
            .unwrap();
        invalid(either.all(db, [("a", 1), ("a", 2)]), "given twice");
        let both = select(&goods)
            .filter(goods.c("id").in_param("v") & goods.c("n").is(param("v")))
            .prepare(db)
            .unwrap();
        invalid(both.all(db, [("v", tuple(vec![1, 2]))]), "a list at one place");
        let large = select(goods.c("id")).filter(goods.c("id").in_param("ids")).prepare(db).unwrap();
        let found = large.all(db, [("ids", tuple(vec![1, 5_000_000_000i64]))]).unwrap();
        assert_eq!(found.scalars::<i64>().unwrap(), [1], "larger than the column");
        assert_eq!(state(db, &goods)[0].1, Some(1));
    });
}

#[test]
fn plans_of_many_rows_take_values_of_any_kind_and_other_tables() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("s", Varchar(40)), column("n", Integer));
        let t = db.table("t", parts).unwrap();
        let none = db.table("nothing", column("id", Integer)).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["id"], [[10], [11], [12]]).run(db).unwrap();
        if dialect(db) != "postgresql" {
            let set =
                update(&t).set(values! { "s" => text("coalesce(:v, :v)") }).filter(t.c("id").eq(param("id")));
            let rows = [(Value::from(5), 10), (Value::from("abc"), 11), (Value::from(7), 12)];
            set.prepare(db).unwrap().run_many(db, ["v", "id"], rows).unwrap();
            assert_eq!(
                select(t.c("s")).order_by(t.c("id")).scalars::<String>(db).unwrap(),
                ["5", "abc", "7"]
            );
        }
        let from =
            update(&t).set(values! { "n" => param("n") }).from(&none).filter(t.c("id").eq(param("id")));
        assert_eq!(from.prepare(db).unwrap().run_many(db, ["n", "id"], [(1, 10), (2, 11)]).unwrap(), 0);
        assert_eq!(select(&t).filter(t.c("n").is_not_null()).count(db).unwrap(), 0);
    });
}

#[test]
fn values_of_an_update_are_those_before_it_in_your_own_words_too() {
    each_backend(|db| {
        let t = db
            .table("t", (column("id", Integer).primary_key(), column("a", Integer), column("b", Integer)))
            .unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "a" => 1, "b" => 0 }).run(db).unwrap();
        update(&t).set(values! { "a" => 5, "b" => text("a + 10") }).all_rows().run(db).unwrap();
        assert_eq!(select(t.c("b")).scalar::<i64>(db).unwrap(), 11);
        update(&t).set(values! { "a" => 7, "b" => raw("a + 10") }).all_rows().run(db).unwrap();
        assert_eq!(select(t.c("b")).scalar::<i64>(db).unwrap(), 15);
    });
}

#[test]
fn an_upsert_changes_what_was_given_and_tells_what_there_is() {
    each_backend(|db| {
        let goods = goods(db);
        let put = insert(&goods).values(values! { "code" => "a", "n" => 7 });
        put.on_conflict(conflict(["code"]).update_others()).run(db).unwrap();
        let rows = insert(&goods).rows(["code", "n"], [("b", 8)]);
        rows.on_conflict(conflict(["code"]).update_others()).run(db).unwrap();
        let expected = [("a", Some(7), "done"), ("b", Some(8), "done")]
            .map(|(c, n, s)| (c.to_string(), n, s.to_string()));
        assert_eq!(state(db, &goods), expected, "defaults of an INSERT are not given");
        let key = db
            .table(
                "keys",
                (
                    column("id", Varchar(9)).primary_key().default_with(|| "other".into()),
                    column("code", Varchar(9)).not_null().unique(),
                    column("n", Integer),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        insert(&key).values(values! { "id" => "first", "code" => "a" }).run(db).unwrap();
        let again = insert(&key).values(values! { "code" => "a", "n" => 1 });
        let again = again.on_conflict(conflict(["code"]).update_others()).run(db);
        match dialect(db) {
            "mysql" => unsupported(again),
            _ => {
                assert_eq!(again.unwrap().key(), [Value::from("first")], "the key of the row that there is");
                assert_eq!(select(key.c("id")).scalar::<String>(db).unwrap(), "first");
                let skipped =
                    insert(&key).values(values! { "code" => "a" }).skip_conflicts(["code"]).run(db).unwrap();
                assert!(skipped.key().is_empty() && skipped.rows() == 0);
            }
        }
        let last = conflict(["code"]).set(values! { "n" => 1 }).set(values! { "n" => 2 });
        insert(&goods).values(values! { "code" => "a" }).on_conflict(last).run(db).unwrap();
        assert_eq!(state(db, &goods)[0].1, Some(2), "the last value holds");
        let once = insert(&goods)
            .values(values! { "code" => param("c"), "n" => 5 })
            .upsert(["code"], ["n"])
            .prepare(db)
            .unwrap();
        assert_eq!((once.run(db, [("c", "a")]).unwrap(), once.run(db, [("c", "z")]).unwrap()), (1, 1));
        let plain = db.table("plain", column("id", Integer).primary_key()).unwrap();
        db.create_all().unwrap();
        invalid(insert(&plain).values(()).skip_conflicts(["id"]).run(db), "nothing but defaults");
        invalid(
            insert(&plain).rows([] as [&str; 0], [[0i64; 0]]).skip_conflicts(["id"]).run(db),
            "nothing but defaults",
        );
        let itself = select((goods.c("code"), goods.c("n").add(1)));
        insert(&goods).from_select(["code", "n"], itself).upsert(["code"], ["n"]).run(db).unwrap();
        assert_eq!(state(db, &goods)[0].1, Some(6), "rows of the table itself");
    });
}

#[test]
fn an_upsert_meets_computed_keys_too() {
    each_backend(|db| {
        let parts = (
            column("code", Varchar(9)).not_null().unique(),
            column("mail", Varchar(40)),
            column("folded", Varchar(40)).computed("lower(mail)", true).unique(),
            column("n", Integer),
        );
        let t = db.table("t", parts).unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "code" => "a", "mail" => "X@x", "n" => 1 }).run(db).unwrap();
        let other = insert(&t)
            .values(values! { "code" => "b", "mail" => "x@X", "n" => 2 })
            .upsert(["code"], ["n"])
            .run(db);
        match dialect(db) {
            "mysql" => unsupported(other),
            _ => assert_eq!(other.unwrap_err().kind(), ErrorKind::Unique),
        }
        assert_eq!(select(t.c("n")).scalar::<i64>(db).unwrap(), 1);
    });
}

#[test]
fn rows_left_out_are_not_given_back() {
    each_backend(|db| {
        let goods = goods(db);
        let rows = insert(&goods)
            .rows(["code", "n"], [("a", 9), ("c", 9)])
            .skip_conflicts(["code"])
            .returning(goods.c("code"));
        match dialect(db) {
            "mysql" => unsupported(rows.all(db)),
            _ => assert_eq!(rows.all(db).unwrap().scalars::<String>().unwrap(), ["c"]),
        }
    });
}

#[test]
fn rows_of_a_select_fit_their_columns() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("x", Numeric(10, 2)).default("1.005"));
        let t = db.table("t", parts).unwrap();
        db.create_all().unwrap();
        let given = values_table("given", column("id", Integer), [[1]]).unwrap();
        let one = insert(&t).values(values! { "id" => 1 }).run(db).map(|done| done.rows());
        let from = insert(&t).from_select(["id"], select(&given)).run(db).map(|done| done.rows());
        assert_eq!(
            one.as_ref().map_err(|e| e.kind()),
            from.as_ref().map_err(|e| e.kind()).or(one.as_ref().map_err(|e| e.kind()))
        );
        invalid(
            insert(&t).from_select(["id", "id"], select((given.c("id"), given.c("id")))).run(db),
            "named twice",
        );
        invalid(insert(&t).rows(["id", "id"], [[1, 2]]).run(db), "named twice");
        let text = text("SELECT 7 AS id").columns(column("id", Integer)).unwrap();
        let plain = db
            .table("plain", (column("id", Integer).primary_key(), column("s", Varchar(9)).default("x")))
            .unwrap();
        db.create_all().unwrap();
        insert(&plain).from_select(["id"], text).run(db).unwrap();
        assert_eq!(select(plain.c("s")).scalar::<String>(db).unwrap(), "x");
    });
}

#[test]
fn counting_by_names_and_one_row_for_each() {
    each_backend(|db| {
        let goods = goods(db);
        let groups = select((goods.c("state"), func::count_all().label("total"))).group_by("state");
        assert_eq!(groups.order_by(named("total").desc()).count(db).unwrap(), 1);
        assert_eq!(select((goods.c("code"), goods.c("n"))).order_by("code").limit(1).count(db).unwrap(), 1);
        let both = select(goods.c("id")).union(select(goods.c("n"))).distinct_on([goods.c("id")]);
        invalid(both.all(db), "filter and join its members");
        let with = text("WITH x AS (SELECT 1 AS a) SELECT a FROM x").columns(column("a", Integer)).unwrap();
        let both = with.clone().union_all(with).union_all(select(Expr::from(5).typed(Integer).label("a")));
        assert_eq!(both.scalars::<i64>(db).unwrap().iter().sum::<i64>(), 7);
        let text = text("SELECT 1 AS a").columns(column("a", Integer)).unwrap().distinct_on(["a"]);
        invalid(text.all(db), "as a subquery");
    });
}

#[test]
fn json_of_scalars_and_large_numbers() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("doc", Json))).unwrap();
        db.create_all().unwrap();
        let doc = r#"{"a": [1, 2], "u": 18446744073709551615, "e": 1e30, "f": -2.75, "m": 9223372036854775807, "o": {"k": 1}}"#;
        insert(&t).values(values! { "doc" => Value::Json(doc.parse().unwrap()) }).run(db).unwrap();
        let doc = t.c("doc");
        let read = |expr: Expr| select(expr).scalar::<Option<i64>>(db).unwrap();
        assert_eq!(read(doc.json_integer(("a", 0))), Some(1));
        assert_eq!(read(doc.json_integer(("a", 0, 0))), None, "what is in no array");
        assert_eq!(
            (read(doc.json_integer("u")), read(doc.json_integer("e"))),
            (None, None),
            "more than 64 bits"
        );
        assert_eq!((read(doc.json_integer("f")), read(doc.json_integer("m"))), (Some(-2), Some(i64::MAX)));
        let same = select(&t).filter(doc.json_at("o").eq(Value::Json(r#"{"k":1}"#.parse().unwrap())));
        match dialect(db) {
            "postgresql" => assert_eq!(same.count(db).unwrap(), 1),
            _ => unsupported(same.count(db)),
        }
    });
}

#[test]
fn replacements_are_texts_and_a_dot_is_any_character() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("s", Varchar(20)))).unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "s" => "xay" }).run(db).unwrap();
        for text in ["$5", "$0!", "C:\\new", "\\1", "&", "a\\\\b", "${1}"] {
            let replaced: String = select(t.c("s").regexp_replace("a", text)).scalar(db).unwrap();
            assert_eq!(replaced, format!("x{text}y"));
        }
        update(&t).set(values! { "s" => "a\nb" }).all_rows().run(db).unwrap();
        assert_eq!(select(&t).filter(t.c("s").regexp("a.b")).count(db).unwrap(), 1);
        assert_eq!(select(&t).filter(t.c("s").iregexp("A.B")).count(db).unwrap(), 1);
        assert_eq!(select(&t).filter(t.c("s").has_words("!!")).count(db).unwrap(), 0);
    });
}

#[test]
fn parts_that_a_date_or_a_time_has_not() {
    each_backend(|db| {
        let t = db.table("t", (column("day", Date), column("time", Time), column("at", DateTime))).unwrap();
        db.create_all().unwrap();
        insert(&t)
            .values(values! { "day" => "2024-02-29", "time" => "12:30:00", "at" => "1969-12-31 23:59:59.5" })
            .run(db)
            .unwrap();
        invalid(select(t.c("time").extract(Field::Year)).all(db), "a time has no Year");
        invalid(select(t.c("time").extract(Field::Epoch)).all(db), "a time has no Epoch");
        invalid(select(t.c("day").extract(Field::Hour)).all(db), "a date has no Hour");
        assert_eq!(select(t.c("time").extract(Field::Minute)).scalar::<i64>(db).unwrap(), 30);
        assert_eq!(
            select(t.c("at").extract(Field::Epoch)).scalar::<i64>(db).unwrap(),
            -1,
            "the second before"
        );
    });
}

#[test]
fn decimals_stay_exact_beside_values() {
    each_backend(|db| {
        if dialect(db) == "sqlite" {
            return;
        }
        let t = db.table("t", column("m", Numeric(20, 3))).unwrap();
        db.create_all().unwrap();
        let m: mirrorm::value::Decimal = "12345678901234567.123".parse().unwrap();
        insert(&t).values(values! { "m" => Value::Decimal(m) }).run(db).unwrap();
        let m = t.c("m");
        let small = || Value::Decimal("0.001".parse().unwrap());
        for (expr, expected) in [
            (m.div(1), "12345678901234567.123"),
            (m.add(small()), "12345678901234567.124"),
            (m.mul(1), "12345678901234567.123"),
            (m.sub(small()).add(2), "12345678901234569.122"),
        ] {
            let Value::Decimal(found) = select(expr).scalar::<Value>(db).unwrap() else {
                panic!("no decimal")
            };
            assert_eq!(found.to_string().trim_end_matches('0'), expected);
        }
        assert_eq!(select(m.int_div(1000)).scalar::<i64>(db).unwrap(), 12_345_678_901_234);
    });
}

#[test]
fn nulls_of_a_label_that_hides_a_column() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["n"], [[1], [2]]).run(db).unwrap();
        let label = func::nullif(t.c("n"), 1).label("n");
        let sorted = select((t.c("id"), &label)).order_by(label.nulls_last());
        assert_eq!(sorted.scalars::<i64>(db).unwrap(), [2, 1]);
    });
}

#[test]
fn a_table_called_excluded_and_a_text_that_ends_in_a_comment() {
    each_backend(|db| {
        let t = db.table("excluded", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["id", "n"], [[1, 1], [2, 1], [3, 1]]).run(db).unwrap();
        let sum = conflict(["id"]).set(values! { "n" => t.c("n").add(t.c("n").excluded()) });
        invalid(
            insert(&t).values(values! { "id" => 1, "n" => 10 }).on_conflict(sum).run(db),
            "the table of that name",
        );
        let limited = select(&t).filter(text("n > 0 -- all of them")).limit(1);
        assert_eq!(limited.all(db).unwrap().len(), 1);
    });
}

#[test]
fn warnings_know_what_later_conditions_connect() {
    each_backend(|db| {
        let table = |name: &str| {
            db.table(name, (column("id", Integer), column("a", Integer), column("b", Integer))).unwrap()
        };
        let (a, b, c) = (table("a"), table("b"), table("c"));
        db.create_all().unwrap();
        let recorder = mirrorm::Recorder::new().start(db);
        let warnings = || recorder.queries().last().unwrap().warnings.clone();
        let later = select(a.c("id")).join_on(&b, b.c("a").eq(1));
        let later = later.join_on(&c, c.c("a").eq(a.c("id")) & c.c("b").eq(b.c("id")));
        later.all(db).unwrap();
        assert_eq!(warnings(), [""; 0], "all three are connected in the end");
        update(&a)
            .set(values! { "a" => 1 })
            .from(&b)
            .from(&c)
            .filter(b.c("id").eq(c.c("b")))
            .run(db)
            .unwrap();
        assert_eq!(
            warnings(),
            ["every row of `b` and `c` meets every row of `a`: no condition connects them"]
        );
    });
}

#[test]
fn names_that_differ_in_capitals_take_no_columns() {
    each_backend(|db| {
        let goods = goods(db);
        let other = goods.alias("Goods");
        let none = delete(&goods)
            .filter(exists(select(other.c("id")).filter(other.c("id").eq(goods.c("id").add(100)))));
        match dialect(db) {
            "postgresql" => assert_eq!(none.run(db).unwrap(), 0),
            _ => invalid(none.run(db), "means another table inside"),
        }
        let inner = Table::new("things", (in_schema("app"), column("id", Integer))).unwrap().alias("others");
        let outer = Table::new("others", (in_schema("app"), column("id", Integer))).unwrap();
        let same = exists(select(inner.c("id")).filter(inner.c("id").eq(outer.c("id"))));
        invalid(select(&outer).filter(same).all(db), "means another table inside");
        assert_eq!(select(&goods).count(db).unwrap(), 2);
    });
}

#[test]
fn decimals_and_bytes_without_a_column() {
    each_backend(|db| {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        let rows = [[decimal("9.5")], [decimal("10.25")], [decimal("9.50")]];
        let q = values_table("q", column("m", Numeric(10, 3)), rows).unwrap();
        let sorted: Vec<f64> = select(q.c("m")).order_by(q.c("m")).scalars(db).unwrap();
        assert_eq!(sorted, [9.5, 9.5, 10.25]);
        assert_eq!(select(q.c("m")).distinct().count(db).unwrap(), 2);
        assert_eq!(select(&q).filter(q.c("m").gt(decimal("10"))).count(db).unwrap(), 1);
        let bytes = |bytes: &[u8]| [Value::Bytes(bytes.to_vec())];
        let b = values_table("b", column("x", Binary), [bytes(b"A"), bytes(b"a"), bytes(&[0, 200])]).unwrap();
        assert_eq!(select(b.c("x")).distinct().count(db).unwrap(), 3);
        assert_eq!(select(&b).filter(b.c("x").eq(Value::Bytes(b"a".to_vec()))).count(db).unwrap(), 1);
        let read: Vec<Vec<u8>> = select(b.c("x")).scalars(db).unwrap();
        assert!(read.contains(&vec![0, 200]));
        let json = Value::Json("{}".parse().unwrap());
        let j = values_table("j", column("v", Json), [[Value::Null], [json]]).unwrap();
        assert_eq!(select(&j).filter(j.c("v").is_null()).count(db).unwrap(), 1);
        if dialect(db) == "sqlite" {
            return;
        }
        let fine = values_table("s", column("n", Numeric(10, 2)), [[decimal("1.005")]]).unwrap();
        assert_eq!(
            select(&fine).all(db).unwrap_err().kind(),
            ErrorKind::Conversion,
            "it would be rounded in a column"
        );
        let t = db.table("t", (column("id", Integer).primary_key(), column("m", Numeric(20, 3)))).unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "id" => 1, "m" => decimal("12345678901234567.123") }).run(db).unwrap();
        let add = update(&t).set(values! { "m" => t.c("m").add(param("v")) }).all_rows().prepare(db).unwrap();
        add.run(db, [("v", decimal("0.001"))]).unwrap();
        update(&t)
            .set(values! { "m" => func::coalesce([t.c("m"), 0.into()]).add(decimal("0.001")) })
            .all_rows()
            .run(db)
            .unwrap();
        let Value::Decimal(m) = select(t.c("m")).scalar::<Value>(db).unwrap() else { panic!() };
        assert_eq!(m.to_string(), "12345678901234567.125");
        let list = [decimal("12345678901234567.124"), decimal("1")];
        assert_eq!(select(&t).filter(t.c("m").in_(list)).count(db).unwrap(), 0);
    });
}

#[test]
fn a_recursive_name_stands_for_itself_inside_alone() {
    each_backend(|db| {
        let goods = goods(db);
        let mut kept = None;
        select(goods.c("id"))
            .recursive("tree", |tree| {
                kept = Some(tree.clone());
                select(goods.c("id")).join_on(tree, tree.c("id").eq(goods.c("id").add(1)))
            })
            .unwrap();
        let kept = kept.unwrap();
        invalid(select(&kept).all(db), "inside the recursive SELECT alone");
        invalid(delete(&goods).using(&kept).all_rows().run(db), "inside the recursive SELECT alone");
        assert_eq!(select(&goods).count(db).unwrap(), 2);
    });
}

#[test]
fn numbers_of_rows_and_lists_in_them() {
    each_backend(|db| {
        let goods = goods(db);
        let ids = select(goods.c("id")).order_by(goods.c("id"));
        invalid(ids.clone().limit_by(-1).all(db), "from 0");
        invalid(ids.clone().limit_by(Value::Null).all(db), "from 0");
        let plan = ids.clone().limit_by(param("n")).prepare(db).unwrap();
        invalid(plan.all(db, [("n", -1)]), "from 0");
        invalid(plan.all(db, [("n", None::<i64>)]), "from 0");
        let count = select(func::count_all()).from(&goods).filter(goods.c("id").in_param("ids"));
        let listed = ids.limit_by(Expr::from(count)).prepare(db);
        assert!(matches!(listed.unwrap_err().kind(), ErrorKind::Invalid | ErrorKind::Unsupported { .. }));
        let nothing =
            insert(&goods).values(values! { "code" => "a" }).on_conflict(conflict(["code"]).update_others());
        invalid(nothing.run(db), "sets nothing");
        let doubled = select((goods.c("code"), goods.c("id"), goods.c("id"))).filter(goods.c("id").eq(1));
        insert(&goods)
            .from_select(["code", "n", "state"], doubled)
            .upsert(["code"], ["n"])
            .run(db)
            .map(drop)
            .unwrap_or_else(|error| {
                // A number is no text to PostgreSQL.
                assert!(dialect(db) == "postgresql", "{error}");
            });
    });
}

#[test]
fn documents_are_not_compared_as_texts() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("doc", Json))).unwrap();
        db.create_all().unwrap();
        let json = || Value::Json(r#"{"k":1}"#.parse().unwrap());
        let at = t.c("doc").json_at("o");
        for condition in
            [at.is(json()), at.in_([json()]), at.label("l").eq(json()), at.between(json(), json())]
        {
            let found = select(&t).filter(condition).all(db);
            match dialect(db) {
                "postgresql" => assert!(found.is_ok(), "{found:?}"),
                _ => unsupported(found),
            }
        }
        assert!(select(&t).filter(at.is_null()).all(db).is_ok());
    });
}
