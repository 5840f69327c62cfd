//! What a result gives (rows 2.7), plans with lists (2.6.8), keys of inserted rows (2.5.5), aggregates (2.3.18), names that
//! are too long: a right and a wrong input each.

use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

fn table(db: &Db) -> Table {
    let parts = (column("id", Integer).primary_key(), column("part", Varchar(9)), column("n", Integer));
    let table = db.table("things", parts).unwrap();
    db.create_all().unwrap();
    insert(&table)
        .rows(["part", "n"], [("a", Some(5)), ("a", Some(5)), ("b", Some(1)), ("b", None)])
        .run(db)
        .unwrap();
    table
}

#[test]
fn r2_7_1_cells_by_what_was_selected() {
    each_backend(|db| {
        let t = table(db);
        let other = t.alias("other");
        let joined =
            select((t.c("id"), other.c("id"), t.c("n").label("number"), func::count_all().over(window())));
        let row = joined.cross_join(&other).order_by((t.c("id"), other.c("id"))).first(db).unwrap().unwrap();
        assert_eq!(row.get::<i64>(&t.c("n").label("number")).unwrap(), 5);
        assert_eq!(row.get::<i64>(&func::count_all()).unwrap(), 16, "by the name of the function");
        assert_eq!(
            row.get::<i64>(&t.c("id")).unwrap_err().kind(),
            ErrorKind::AmbiguousColumn,
            "twice of one column"
        );
        let wide = db.table(
            "wide",
            (column("id", Integer).primary_key(), column("thing", Integer).references("things")),
        );
        let wide = wide.unwrap();
        db.create_all().unwrap();
        insert(&wide).values(values! { "id" => 70, "thing" => 2 }).run(db).unwrap();
        let row = select((&t, &wide)).join(&wide).one(db).unwrap();
        assert_eq!(row.get::<i64>("id").unwrap_err().kind(), ErrorKind::AmbiguousColumn);
        assert_eq!((row.get::<i64>(&t.c("id")).unwrap(), row.get::<i64>(&wide.c("id")).unwrap()), (2, 70));
        assert_eq!(row.get::<i64>(&t.c("nope")).unwrap_err().kind(), ErrorKind::NoSuchColumn);
        let (id, part): (i64, String) =
            select((t.c("id"), t.c("part"))).order_by(t.c("id")).first(db).unwrap().unwrap().to().unwrap();
        assert_eq!((id, part.as_str()), (1, "a"));
    });
}

#[test]
fn r2_7_2_parts_and_single_values() {
    each_backend(|db| {
        let t = table(db);
        let rows = select(&t).order_by(t.c("id")).all(db).unwrap();
        let parts: Vec<Vec<i64>> =
            rows.partitions(3).map(|part| part.iter().map(|row| row.get("id").unwrap()).collect()).collect();
        assert_eq!(parts, [vec![1, 2, 3], vec![4]]);
        assert_eq!(rows.partitions(0).count(), 4);
        let by = |id: i64| select(t.c("n")).filter(t.c("id").eq(id));
        assert_eq!(by(1).scalar_or_none::<i64>(db).unwrap(), Some(5));
        assert_eq!(by(9).scalar_or_none::<i64>(db).unwrap(), None);
        assert_eq!(by(4).scalar_or_none::<Option<i64>>(db).unwrap(), Some(None));
        assert_eq!(by(9).scalar::<i64>(db).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(select(t.c("n")).scalar_or_none::<i64>(db).unwrap_err().kind(), ErrorKind::MultipleFound);
        #[derive(serde::Deserialize, Debug, PartialEq)]
        struct Thing {
            part: String,
            n: Option<i64>,
        }
        let things: Vec<Thing> = select((t.c("part"), t.c("n"))).order_by(t.c("id")).all_as(db).unwrap();
        assert_eq!(things[3], Thing { part: "b".into(), n: None });
        assert!(select(t.c("n")).all_as::<Thing>(db).is_err());
        let maps: Vec<std::collections::BTreeMap<String, Value>> =
            select((t.c("id"), t.c("part"))).all_as(db).unwrap();
        assert_eq!(maps[0]["part"], Value::from("a"));
    });
}

#[test]
fn r2_7_4_columns_of_no_rows() {
    each_backend(|db| {
        let t = table(db);
        let none = select((t.c("part"), t.c("n").label("number"))).filter(t.c("id").lt(0)).all(db).unwrap();
        let names: Vec<&str> = none.columns().iter().map(|column| column.name()).collect();
        assert!(none.is_empty() && names == ["part", "number"]);
        let none = db.query_text("UPDATE things SET n = 1 WHERE id < 0", ()).unwrap();
        assert!(none.columns().is_empty() && none.is_empty(), "what gives no rows has no columns");
    });
}

#[test]
fn r2_6_8_lists_of_a_plan() {
    each_backend(|db| {
        let t = table(db);
        let ids = |rows: Rows| -> Vec<i64> { rows.scalars().unwrap() };
        let among = select(t.c("id"))
            .filter(t.c("n").gt(param("least")) & t.c("id").in_param("ids"))
            .order_by(t.c("id"));
        let plan = among.prepare(db).unwrap();
        let text = plan.sql();
        let run = |list: Vec<i64>| {
            plan.all(db, values! { "ids" => tuple(list), "least" => 2 }.map(|(n, v)| (n, v)))
        };
        assert_eq!(ids(run(vec![2, 3, 7]).unwrap()), [2]);
        assert_eq!(ids(run((0..1000).collect()).unwrap()), [1, 2]);
        assert_eq!(ids(run(vec![]).unwrap()), [0i64; 0]);
        assert_eq!(plan.sql(), text, "the plan is what it was");
        let outside = select(t.c("id"))
            .filter(t.c("part").not_in_param("parts"))
            .order_by(t.c("id"))
            .prepare(db)
            .unwrap();
        let parts = |list: Vec<&str>| ids(outside.all(db, [("parts", tuple(list))]).unwrap());
        assert_eq!(parts(vec!["a", "it's"]), [3, 4]);
        assert_eq!(parts(vec![]), [1, 2, 3, 4], "everything is outside an empty list");
        let both =
            select(t.c("id")).filter(t.c("id").in_param("a") | t.c("id").in_param("b")).order_by(t.c("id"));
        let both = both.prepare(db).unwrap();
        let found = both.all(db, [("a", tuple(vec![1])), ("b", tuple(vec![3, 4]))]).unwrap();
        assert_eq!(ids(found), [1, 3, 4]);
        let gone = delete(&t).filter(!t.c("id").not_in_param("ids")).prepare(db).unwrap();
        assert_eq!(gone.run(db, [("ids", tuple(vec![1, 2, 9]))]).unwrap(), 2);

        let wrong = both.all(db, values! { "a" => 1, "b" => 2 }).unwrap_err();
        assert!(wrong.kind() == ErrorKind::Invalid && wrong.message().contains("takes a list"), "{wrong}");
        let wrong = both.all(db, [("a", tuple(vec![1]))]).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
        let wrong = among.all(db).unwrap_err();
        assert!(wrong.message().contains("has no value: prepare"), "{wrong}");
    });
}

#[test]
fn r2_5_5_keys_of_inserted_rows() {
    each_backend(|db| {
        let t = table(db);
        let made = insert(&t).values(values! { "part" => "c" }).run(db).unwrap();
        assert_eq!((made.id(), made.key()), (Some(5), &[Value::from(5)][..]));
        let given = insert(&t).values(values! { "id" => 70 }).run(db).unwrap();
        assert_eq!((given.id(), given.key()), (Some(70), &[Value::from(70)][..]));
        let parts = (
            column("shop", Integer),
            column("code", Varchar(9)).default_with(|| "made".into()),
            column("n", Integer),
            primary_key(["shop", "code"]),
        );
        let goods = db.table("goods", parts).unwrap();
        db.create_all().unwrap();
        let made = insert(&goods).values(values! { "shop" => 7, "n" => 1 }).run(db).unwrap();
        assert_eq!(
            made.key(),
            [Value::from(7), "made".into()],
            "a key of several, one of them made by the program"
        );
        assert_eq!(select(goods.c("code")).scalar::<String>(db).unwrap(), "made", "once");
        if dialect(db) == "postgresql" {
            db.execute("CREATE TABLE odd (id text PRIMARY KEY DEFAULT 'x' || 1, n integer)", ()).unwrap();
            db.reflect().unwrap();
            let odd = db.table_named("odd").unwrap();
            let made = insert(&odd).values(values! { "n" => 1 }).run(db).unwrap();
            assert_eq!(made.key(), [Value::from("x1")], "made by a function of the database");
        }
        let many = insert(&t).rows(["part"], [["x"], ["y"]]).run(db).unwrap();
        assert!(many.key().is_empty() && many.id().is_none());
    });
}

#[test]
fn r2_3_18_aggregates_of_different_values_and_in_an_order() {
    each_backend(|db| {
        let t = table(db);
        let n = t.c("n");
        assert_eq!(select(func::sum(&n).distinct()).scalar::<i64>(db).unwrap(), 6);
        assert_eq!(select(func::count(t.c("part")).distinct()).scalar::<i64>(db).unwrap(), 2);
        let wrong = select(n.distinct()).all(db).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
        let ordered = select(func::max(t.c("part")).ordered_by(n.desc()));
        let sorted = select(func::percentile_cont(0.5).within_group(&n));
        match dialect(db) {
            "mysql" => {
                assert!(matches!(ordered.all(db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
                assert!(matches!(sorted.all(db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
            }
            "sqlite" => {
                assert_eq!(ordered.scalar::<String>(db).unwrap(), "b");
                assert!(matches!(sorted.all(db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
            }
            _ => {
                assert_eq!(ordered.scalar::<String>(db).unwrap(), "b");
                assert_eq!(sorted.scalar::<f64>(db).unwrap(), 5.0);
                let often = select(func::mode().within_group(t.c("part").desc()));
                assert_eq!(often.scalar::<String>(db).unwrap(), "b");
                let all = select(func::call("array_agg", [&n]).ordered_by((n.nulls_last(), t.c("id"))));
                let Value::Array(all) = all.scalar::<Value>(db).unwrap() else { panic!() };
                assert_eq!(all.items()[0], Value::from(1));
            }
        }
    });
}

#[test]
fn r2_3_20_functions_of_a_schema() {
    each_backend(|db| {
        let t = table(db);
        if dialect(db) == "postgresql" {
            let upper = func::call_in("pg_catalog", "upper", [t.c("part")]);
            assert_eq!(select(upper).order_by(t.c("id")).limit(1).scalar::<String>(db).unwrap(), "A");
        }
        let unknown = select(func::call_in("no such", "func", [t.c("part")])).all(db).unwrap_err();
        assert!(
            unknown.sql().unwrap().contains("no such") && unknown.kind() != ErrorKind::Invalid,
            "{unknown}"
        );
    });
}

#[test]
fn names_that_a_server_would_cut() {
    each_backend(|db| {
        let t = table(db);
        let (long, longer) = ("x".repeat(64), "ü".repeat(300));
        let limited = dialect(db) != "sqlite";
        for (label, fits) in [(&long, dialect(db) != "postgresql"), (&longer, !limited)] {
            let result = select(t.c("n").label(label.as_str())).order_by(label.as_str()).all(db);
            assert_eq!(result.is_ok(), fits, "{result:?}");
            if let Err(error) = result {
                assert!(error.kind() == ErrorKind::TooLarge && error.sql().is_none(), "{error}");
            }
        }
        let name = "t".repeat(65);
        let table = Table::new(name.as_str(), column("n", Integer)).unwrap();
        let error = select(&table).all(db).unwrap_err();
        assert_eq!(error.kind() == ErrorKind::TooLarge, limited, "{error}");
        let made = db.table(&*name, column("n", Integer)).and_then(|_| db.create_all());
        assert_eq!(made.is_err(), limited, "{made:?}");
    });
}
