//! INSERT, UPDATE and DELETE mean the same on every backend (rows 2.5): a right and a wrong input each.

use mirrorm::dialect::Returning;
use mirrorm::prelude::*;
use mirrorm::stmt::{Insert, OnConflict, conflict};

use crate::support::{dialect, each_backend};

/// Goods by a code, which is a key beside their number, and what came in for some of them.
fn stock(db: &Db) -> (Table, Table) {
    let parts = (
        column("id", Integer).primary_key(),
        column("code", Varchar(10)).not_null(),
        column("n", Integer),
        column("name", Varchar(20)),
        unique(["code"]).named("stock_code"),
    );
    let stock = db.table("stock", parts).unwrap();
    let news = (column("id", Integer).primary_key(), column("code", Varchar(10)), column("n", Integer));
    let news = db.table("news", news).unwrap();
    db.create_all().unwrap();
    insert(&stock).rows(["code", "n", "name"], [("a", 1, "ann"), ("b", 2, "ben")]).run(db).unwrap();
    insert(&news).rows(["code", "n"], [("b", 20), ("c", 30)]).run(db).unwrap();
    (stock, news)
}

/// All goods: `code n name`, by code.
fn goods(db: &Db, stock: &Table) -> String {
    let all = select((stock.c("code"), stock.c("n"), stock.c("name"))).order_by(stock.c("code"));
    let line = |row: mirrorm::rows::Row| {
        let (n, name): (Option<i64>, Option<String>) = (row.get("n").unwrap(), row.get("name").unwrap());
        let n = n.map_or("-".to_string(), |n| n.to_string());
        format!("{} {n} {}", row.get::<&str>("code").unwrap(), name.as_deref().unwrap_or("-"))
    };
    all.all(db).unwrap().iter().map(line).collect::<Vec<_>>().join(", ")
}

fn returning(db: &Db) -> Returning {
    db.engine().unwrap().target().unwrap().features().returning
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, words: &str) {
    let error = result.unwrap_err();
    assert!(error.kind() == kind && error.message().contains(words), "{error}");
}

#[track_caller]
fn unsupported<T: std::fmt::Debug>(result: Result<T>, words: &str) {
    let error = result.unwrap_err();
    let kind = matches!(error.kind(), ErrorKind::Unsupported { .. });
    assert!(kind && error.message().contains(words) && error.server_version().is_some(), "{error}");
}

#[test]
fn r2_5_1_rows_by_name_are_of_one_kind() {
    each_backend(|db| {
        let (stock, _) = stock(db);
        let rows = [
            vec![("code", Value::from("c")), ("n", Value::from(3))],
            vec![("n", Value::Null), ("code", Value::from("d"))],
        ];
        assert_eq!(insert(&stock).named_rows(rows).run(db).unwrap().rows(), 2);
        assert_eq!(goods(db, &stock), "a 1 ann, b 2 ben, c 3 -, d - -");
        let other = [vec![("code", "e")], vec![("name", "x")]];
        refused(insert(&stock).named_rows(other).run(db), ErrorKind::Invalid, "row 2: no `code`");
        let more = [vec![("code", "e")], vec![("code", "f"), ("name", "x")]];
        refused(
            insert(&stock).named_rows(more).run(db),
            ErrorKind::Invalid,
            "row 2: 2 columns, and 1 in the first",
        );
        let unknown = [vec![("code", "e"), ("nmae", "x")]];
        refused(insert(&stock).named_rows(unknown).run(db), ErrorKind::NoSuchColumn, "`nmae`");
        let expression = [vec![("code", func::upper("x"))]];
        refused(insert(&stock).named_rows(expression).run(db), ErrorKind::Invalid, "row 1: an expression");
        let none: [Vec<(&str, i64)>; 0] = [];
        assert_eq!(insert(&stock).named_rows(none).run(db).unwrap().rows(), 0);
        assert_eq!(goods(db, &stock), "a 1 ann, b 2 ben, c 3 -, d - -", "and nothing of the wrong ones");
    });
}

#[test]
fn r2_5_3_rows_of_a_select() {
    each_backend(|db| {
        let (stock, news) = stock(db);
        let parts = (
            column("id", Integer).primary_key(),
            column("code", Varchar(10)),
            column("twice", Integer),
            column("kind", Varchar(10)).default("copied"),
        );
        let copies = db.table("copies", parts).unwrap();
        db.create_all().unwrap();
        let rows = select((news.c("code"), news.c("n").mul(2))).filter(news.c("n").gt(10));
        assert_eq!(insert(&copies).from_select(["code", "twice"], rows.clone()).run(db).unwrap().rows(), 2);
        let all = select((copies.c("code"), copies.c("twice"), copies.c("kind"))).order_by(copies.c("code"));
        let found: Vec<(String, i64, String)> = all.all_as(db).unwrap();
        let expected =
            [("b", 40, "copied"), ("c", 60, "copied")].map(|(a, n, k)| (a.to_string(), n, k.to_string()));
        assert_eq!(found, expected, "defaults of the program beside what was selected");
        // Put together, named, sorted: whatever a SELECT can be.
        let both = select(stock.c("code")).union(select(news.c("code"))).order_by(stock.c("code")).limit(2);
        assert_eq!(insert(&copies).from_select(["code"], both).run(db).unwrap().rows(), 2);
        let named = rows.cte("incoming").unwrap();
        assert_eq!(insert(&copies).from_select(["code"], select(named.c("code"))).run(db).unwrap().rows(), 2);
        assert_eq!(select(&copies).filter(copies.c("kind").eq("copied")).count(db).unwrap(), 6);

        refused(
            insert(&copies).from_select(["code"], select(&news)).run(db),
            ErrorKind::Invalid,
            "1 columns, and a SELECT of 3",
        );
        refused(
            insert(&copies).from_select(["cod"], select(news.c("code"))).run(db),
            ErrorKind::NoSuchColumn,
            "`cod`",
        );
        let made = db.table(
            "made",
            (column("id", Integer).primary_key(), column("x", Text).default_with(|| "x".into())),
        );
        let result = insert(&made.unwrap()).from_select(["id"], select(news.c("id"))).run(db);
        refused(result, ErrorKind::Invalid, "a default for each row");
    });
}

#[test]
fn r2_5_6_writes_that_give_back() {
    each_backend(|db| {
        let (stock, news) = stock(db);
        let (code, n) = (stock.c("code"), stock.c("n"));
        let can = returning(db);
        let one = insert(&stock)
            .values(values! { "code" => "c", "n" => 3 })
            .returning((&code, n.mul(10).label("ten")));
        let many = insert(&stock).rows(["code", "n"], [("x", 7), ("e", 5), ("d", 4)]).returning(&code);
        if can == Returning::None {
            unsupported(one.all(db), "INSERT .. RETURNING");
            unsupported(many.all(db), "INSERT .. RETURNING");
        } else {
            assert_eq!(one.all(db).unwrap().one().unwrap().get::<i64>("ten").unwrap(), 30);
            assert_eq!(many.all(db).unwrap().scalars::<String>().unwrap(), ["x", "e", "d"], "in their order");
            let no_rows: [(&str, i64); 0] = [];
            let none = insert(&stock).rows(["code", "n"], no_rows).returning(&code).all(db).unwrap();
            assert!(none.is_empty() && none.columns().get(0).unwrap().name() == "code");
            delete(&stock).filter(code.gt("b")).run(db).unwrap();
        }
        let raise = update(&stock).set(values! { "n" => n.add(1) }).filter(code.eq("a")).returning(&stock);
        if can == Returning::All {
            assert_eq!(raise.all(db).unwrap().one().unwrap().get::<i64>("n").unwrap(), 2, "as it is now");
            let beside = update(&stock).set(values! { "n" => news.c("n") }).from(&news);
            let beside = beside.filter(news.c("code").eq(&code)).returning(&code);
            assert_eq!(beside.all(db).unwrap().scalars::<String>().unwrap(), ["b"]);
            let other = update(&stock).set(values! { "n" => news.c("n") }).from(&news);
            let other = other.filter(news.c("code").eq(&code)).returning(news.c("id")).all(db);
            match dialect(db) {
                "postgresql" => assert_eq!(other.unwrap().len(), 1),
                _ => refused(other, ErrorKind::Invalid, "`news` is not part of"),
            }
        } else {
            unsupported(raise.all(db), "UPDATE .. RETURNING");
        }
        let gone = delete(&stock).filter(code.eq("a")).returning((&code, &n));
        if can == Returning::None {
            unsupported(gone.all(db), "DELETE .. RETURNING");
        } else {
            assert_eq!(gone.all(db).unwrap().one().unwrap().get::<&str>("code").unwrap(), "a");
            assert_eq!(select(&stock).filter(code.eq("a")).count(db).unwrap(), 0);
        }
        refused(delete(&stock).filter(code.eq("b")).all(db), ErrorKind::Invalid, "say what");
        if can != Returning::None {
            let unknown = insert(&stock).values(values! { "code" => "q" }).returning(stock.c("nope"));
            refused(unknown.all(db), ErrorKind::NoSuchColumn, "nope");
        }
        assert_eq!(select(&stock).filter(code.eq("q")).count(db).unwrap(), 0);
    });
}

#[test]
fn r2_5_11_upserts_mean_the_same_everywhere() {
    each_backend(|db| {
        let (stock, news) = stock(db);
        let one = |n: i64| insert(&stock).values(values! { "code" => "b", "n" => n, "name" => "new" });
        let id: i64 = select(stock.c("id")).filter(stock.c("code").eq("b")).scalar(db).unwrap();
        let done = one(5).upsert(["code"], ["n"]).run(db).unwrap();
        assert_eq!((done.rows(), done.id()), (1, Some(id)), "the key of the row that was there");
        assert_eq!(goods(db, &stock), "a 1 ann, b 5 ben");
        let fresh = insert(&stock)
            .values(values! { "code" => "c", "n" => 3 })
            .upsert(["code"], ["n"])
            .run(db)
            .unwrap();
        let stored: i64 = select(stock.c("id")).filter(stock.c("code").eq("c")).scalar(db).unwrap();
        assert_eq!((fresh.rows(), fresh.id()), (1, Some(stored)));
        // Many, all their columns; an expression of both rows; a row of the same values.
        let many = insert(&stock).rows(["code", "n", "name"], [("a", 10, "anna"), ("d", 4, "dan")]);
        assert_eq!(many.on_conflict(conflict(["code"]).update_others()).run(db).unwrap().rows(), 2);
        assert_eq!(goods(db, &stock), "a 10 anna, b 5 ben, c 3 -, d 4 dan");
        let n = stock.c("n");
        let sum = conflict(["code"]).set(values! { "n" => n.add(n.excluded()).add(100) });
        assert_eq!(one(7).on_conflict(sum.clone()).run(db).unwrap().id(), Some(id));
        let many = insert(&stock).rows(["code", "n"], [("c", 1), ("d", 1), ("e", 1)]);
        assert_eq!(
            many.on_conflict(sum.clone()).run(db).unwrap().rows(),
            3,
            "parameters behind those of rows"
        );
        assert_eq!(goods(db, &stock), "a 10 anna, b 112 ben, c 104 -, d 105 dan, e 1 -");
        // Rows of a SELECT, the key by its name.
        let rows = select((news.c("code"), news.c("n"))).filter(news.c("code").eq("b"));
        let copied = insert(&stock).from_select(["code", "n"], rows);
        copied.on_conflict(OnConflict::constraint("stock_code").update(["n"])).run(db).unwrap();
        assert_eq!(goods(db, &stock), "a 10 anna, b 20 ben, c 104 -, d 105 dan, e 1 -");
        assert_eq!(select(&stock).count(db).unwrap(), 5);
    });
}

#[test]
fn r2_5_9_rows_left_out() {
    each_backend(|db| {
        let (stock, _) = stock(db);
        let counts = dialect(db) != "mysql";
        let one = insert(&stock)
            .values(values! { "code" => "a", "n" => 9 })
            .skip_conflicts(["code"])
            .run(db)
            .unwrap();
        assert_eq!(one.id(), None, "the key of a row left out is not told");
        assert_eq!(one.rows(), if counts { 0 } else { 1 });
        let many = [("a", 9), ("c", 3), ("b", 9)];
        let done = insert(&stock).rows(["code", "n"], many).skip_conflicts([] as [&str; 0]).run(db).unwrap();
        assert_eq!(done.rows(), if counts { 1 } else { 3 });
        assert_eq!(goods(db, &stock), "a 1 ann, b 2 ben, c 3 -", "what was there is as it was");
        // Anything else that is wrong with a row is an error still.
        let wrong = insert(&stock).values(values! { "code" => Value::Null }).skip_conflicts(["code"]).run(db);
        refused(wrong, ErrorKind::NotNull, "");
        let newer = conflict(["code"]).update(["n"]).filter(stock.c("n").lt(stock.c("n").excluded()));
        let conditional = insert(&stock).rows(["code", "n"], [("a", 0), ("b", 50)]).on_conflict(newer);
        if counts {
            assert_eq!(conditional.run(db).unwrap().rows(), 1);
            assert_eq!(goods(db, &stock), "a 1 ann, b 50 ben, c 3 -");
        } else {
            unsupported(conditional.run(db), "conditions of an upsert");
        }
    });
}

#[test]
fn r2_5_10_an_upsert_by_one_of_several_keys() {
    each_backend(|db| {
        let (stock, _) = stock(db);
        let both = insert(&stock).values(values! { "id" => 2, "code" => "a", "n" => 9 });
        let result = both.clone().upsert(["code"], ["n"]).run(db);
        if dialect(db) == "mysql" {
            // It would update whichever row it meets first.
            unsupported(result, "`id` could be met too");
            refused(both.clone().upsert(["n"], ["name"]).run(db), ErrorKind::Invalid, "`n` is no key");
            assert_eq!(goods(db, &stock), "a 1 ann, b 2 ben");
        } else {
            assert_eq!(goods(db, &stock), "a 9 ann, b 2 ben");
            assert_ne!(both.clone().upsert(["n"], ["name"]).run(db).unwrap_err().kind(), ErrorKind::Unique);
        }
        let empty: [&str; 0] = [];
        refused(both.clone().upsert(["code"], empty).run(db), ErrorKind::Invalid, "sets nothing");
        refused(both.clone().upsert(empty, ["n"]).run(db), ErrorKind::Invalid, "by which key");
        refused(both.clone().upsert(["cod"], ["n"]).run(db), ErrorKind::NoSuchColumn, "`cod`");
        refused(both.clone().upsert(["code"], ["m"]).run(db), ErrorKind::NoSuchColumn, "`m`");
        let named = both.clone().on_conflict(OnConflict::constraint("nope").update(["n"]));
        refused(named.run(db), ErrorKind::Invalid, "no key called `nope`");
        let elsewhere = update(&stock).set(values! { "n" => stock.c("n").excluded() }).all_rows();
        refused(elsewhere.run(db), ErrorKind::Invalid, "what an upsert sets");
        refused(
            insert(&stock).rows(["code"], [["z"]]).upsert(["code"], ["code"]).ids(db),
            ErrorKind::Invalid,
            "not known",
        );
    });
}

#[test]
fn r2_5_18_defaults_of_an_update_in_an_upsert() {
    each_backend(|db| {
        let parts = (
            column("code", Varchar(10)).primary_key(),
            column("n", Integer),
            column("seen", Varchar(10)).default("first").on_update_value("again"),
        );
        let table = db.table("seen", parts).unwrap();
        db.create_all().unwrap();
        let put = |n: i64| -> Insert {
            insert(&table).values(values! { "code" => "a", "n" => n }).upsert(["code"], ["n"])
        };
        put(1).run(db).unwrap();
        assert_eq!(select(table.c("seen")).scalar::<String>(db).unwrap(), "first");
        put(2).run(db).unwrap();
        assert_eq!(select(table.c("seen")).scalar::<String>(db).unwrap(), "again");
        assert_eq!(select(table.c("n")).scalar::<i64>(db).unwrap(), 2);
    });
}

#[test]
fn r2_5_13_updates_from_other_tables() {
    each_backend(|db| {
        let (stock, news) = stock(db);
        let (code, n) = (stock.c("code"), stock.c("n"));
        let set =
            update(&stock).set(values! { "n" => n.add(news.c("n")), "name" => news.c("code") }).from(&news);
        assert_eq!(set.filter(news.c("code").eq(&code)).run(db).unwrap(), 1, "rows that match are counted");
        assert_eq!(goods(db, &stock), "a 1 ann, b 22 b");
        // From a SELECT, from a named one, from the table itself under another name.
        let most = select(func::max(news.c("n")).label("most")).subquery("best").unwrap();
        let all =
            update(&stock).set(values! { "n" => most.c("most") }).from(&most).all_rows().run(db).unwrap();
        assert_eq!((all, goods(db, &stock)), (2, "a 30 ann, b 30 b".to_string()));
        let named = select((news.c("code"), news.c("n"))).cte("named").unwrap();
        let from = update(&stock).set(values! { "n" => named.c("n") }).from(&named);
        assert_eq!(from.filter(named.c("code").eq(&code)).run(db).unwrap(), 1);
        let other = stock.alias("other");
        let from = update(&stock).set(values! { "name" => other.c("name") }).from(&other);
        let from = from.filter(other.c("code").eq("a") & code.eq("b"));
        assert_eq!((from.run(db).unwrap(), goods(db, &stock)), (1, "a 30 ann, b 20 ann".to_string()));
        let missing = update(&stock).set(values! { "n" => news.c("n") }).all_rows().run(db);
        refused(missing, ErrorKind::Invalid, "`news` is not part of the statement");
        let twice = update(&stock).set(values! { "n" => 1 }).from(&stock).all_rows().run(db);
        refused(twice, ErrorKind::Invalid, "stands twice");
    });
}

#[test]
fn r2_5_12_values_are_those_before_the_update() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("a", Integer), column("b", Integer));
        let pairs = db.table("pairs", parts).unwrap();
        db.create_all().unwrap();
        insert(&pairs).rows(["a", "b"], [[1, 2]]).run(db).unwrap();
        let (a, b) = (pairs.c("a"), pairs.c("b"));
        let read = || select((&a, &b)).all_as::<(i64, i64)>(db).unwrap()[0];
        update(&pairs).set(values! { "a" => 10, "b" => a.add(1) }).all_rows().run(db).unwrap();
        assert_eq!(read(), (10, 2), "MySQL sets one after the other");
        update(&pairs).set(values! { "b" => 7, "a" => &b }).all_rows().run(db).unwrap();
        assert_eq!(read(), (2, 7));
        let swapped = update(&pairs).set(values! { "a" => &b, "b" => &a }).all_rows().run(db);
        if dialect(db) == "mysql" {
            unsupported(swapped, "each other's values");
            assert_eq!(read(), (2, 7));
        } else {
            assert_eq!((swapped.unwrap(), read()), (1, (7, 2)));
        }
    });
}

#[test]
fn r2_5_14_an_update_from_what_belongs_to_the_row() {
    each_backend(|db| {
        let (stock, news) = stock(db);
        let own = select(func::sum(news.c("n"))).filter(news.c("code").eq(stock.c("code")));
        assert_eq!(update(&stock).set(values! { "n" => own }).all_rows().run(db).unwrap(), 2);
        assert_eq!(goods(db, &stock), "a - ann, b 20 ben", "NULL where nothing belongs to it");
        let wrong = select(stock.c("nope")).filter(news.c("code").eq(stock.c("code")));
        refused(
            update(&stock).set(values! { "n" => wrong }).all_rows().run(db),
            ErrorKind::NoSuchColumn,
            "nope",
        );
    });
}

#[test]
fn r2_5_15_deletes_by_other_tables() {
    each_backend(|db| {
        let (stock, news) = stock(db);
        let code = stock.c("code");
        let gone = delete(&stock).using(&news).filter(news.c("code").eq(&code) & news.c("n").gt(5));
        assert_eq!((gone.run(db).unwrap(), goods(db, &stock)), (1, "a 1 ann".to_string()));
        let other = stock.alias("other");
        let none = delete(&stock).using(&other).filter(other.c("id").gt(stock.c("id")));
        assert_eq!(none.run(db).unwrap(), 0, "by another row of its own");
        let missing = delete(&stock).filter(news.c("code").eq(&code)).run(db);
        refused(missing, ErrorKind::Invalid, "`news` is not part of the statement");
        refused(delete(&stock).using(&news).run(db), ErrorKind::Invalid, "all_rows");
        assert_eq!(select(&stock).count(db).unwrap(), 1);
    });
}

#[test]
fn r2_5_17_rows_that_match_are_counted() {
    each_backend(|db| {
        let (stock, _) = stock(db);
        let same = update(&stock).set(values! { "n" => 1 }).filter(stock.c("code").eq("a"));
        assert_eq!(same.run(db).unwrap(), 1, "also where nothing changes");
        assert_eq!(db.transaction(|tx| same.run(tx)).unwrap(), 1);
        assert_eq!(db.execute("UPDATE stock SET n = 1 WHERE code = 'a'", ()).unwrap(), 1);
        assert_eq!(delete(&stock).filter(stock.c("code").eq("zz")).run(db).unwrap(), 0);
        assert!(update(&stock).set(values! { "n" => 1 }).run(db).is_err());
    });
}

#[test]
fn r2_5_4_rows_of_nothing_but_defaults() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("n", Integer).server_default(7));
        let empty = db.table("empties", parts).unwrap();
        db.create_all().unwrap();
        insert(&empty).values(()).run(db).unwrap();
        insert(&empty).rows([] as [&str; 0], [[0i64; 0], [0; 0]]).run(db).unwrap();
        assert_eq!(select(empty.c("n")).scalars::<i64>(db).unwrap(), [7, 7, 7]);
        refused(insert(&empty).values(values! { "m" => 1 }).run(db), ErrorKind::NoSuchColumn, "`m`");
    });
}

#[test]
fn r2_5_16_some_of_the_rows() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["id", "n"], [[1, 5], [2, 4], [3, 3], [4, 2]]).run(db).unwrap();
        let changed =
            update(&t).set(values! { "n" => 0 }).filter(t.c("id").gt(1)).order_by(t.c("n")).limit(2);
        let gone = delete(&t).all_rows().order_by(t.c("id").desc()).limit(1);
        if dialect(db) != "mysql" {
            for error in [changed.run(db).unwrap_err(), gone.run(db).unwrap_err()] {
                assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
            }
            return;
        }
        assert_eq!(changed.run(db).unwrap(), 2);
        assert_eq!(gone.run(db).unwrap(), 1);
        let left = select((t.c("id"), t.c("n"))).order_by(t.c("id")).all(db).unwrap();
        let left: Vec<(i64, i64)> =
            left.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect();
        assert_eq!(left, [(1, 5), (2, 4), (3, 0)]);
        let joined = delete(&t).using(&t.alias("o")).all_rows().limit(1).run(db).unwrap_err();
        assert!(matches!(joined.kind(), ErrorKind::Unsupported { .. }), "{joined}");
    });
}

#[test]
fn r2_5_12_values_that_would_be_changed_inside_expressions() {
    each_backend(|db| {
        let t = db.table(
            "t",
            (column("id", Integer).primary_key(), column("n", Integer), column("d", Numeric(6, 2))),
        );
        let t = t.unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["id", "n", "d"], [(1, 5, 1)]).run(db).unwrap();
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        let set = |name: &'static str, value: Expr| update(&t).set([(name, value)]).all_rows().run(db);
        let one = t.c("id").eq(1);
        for (name, value) in [
            ("n", case().when(&one, 1.5).otherwise(t.c("n"))),
            ("n", case().when(!&one, 1).otherwise(case().when(&one, 2.5).otherwise(3))),
            ("n", func::coalesce([t.c("n"), Expr::from(1.5)])),
            ("d", case().when(&one, "many").otherwise(t.c("d"))),
        ] {
            let shown = format!("{value:?}");
            let error = set(name, value).err().unwrap_or_else(|| panic!("{shown}"));
            assert_eq!(error.kind(), ErrorKind::Conversion, "{error}");
            assert_eq!(error.columns(), [name], "{error}");
        }
        // Those of a plan, too, when they have values.
        let given = case().when(&one, param("given")).otherwise(func::coalesce([t.c("n"), param("given")]));
        let plan = update(&t).set([("n", given)]).all_rows().prepare(db).unwrap();
        let refused = plan.run(db, values! { "given" => 1.5 }).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conversion, "{refused}");
        assert_eq!(plan.run(db, values! { "given" => 6 }).unwrap(), 1);
        // SQLite rounds nothing.
        let rounded = set("d", case().when(&one, decimal("1.005")).otherwise(t.c("d")));
        assert_eq!(rounded.is_err(), dialect(db) != "sqlite", "{rounded:?}");
        assert_eq!(set("n", case().when(&one, 7).otherwise(t.c("n"))).unwrap(), 1);
        assert_eq!(set("d", case().when(&one, decimal("2.25")).otherwise(t.c("d"))).unwrap(), 1);
        let row = select(&t).one(db).unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 7);
        assert_eq!(row.get::<Value>("d").unwrap(), decimal("2.25"));
    });
}

#[test]
fn r2_4_3_arrays_ranges_addresses() {
    each_backend(|db| {
        if dialect(db) != "postgresql" {
            return;
        }
        db.execute("CREATE TABLE t (id int PRIMARY KEY, tags text[], span int4range, host inet)", ())
            .unwrap();
        db.execute(
            "INSERT INTO t VALUES (1, '{a,b}', '[1,5)', '10.0.0.7'), (2, '{c}', '[5,9)', '192.168.1.1')",
            (),
        )
        .unwrap();
        let t = db.reflect().map(|_| db.table_named("t").unwrap()).unwrap();
        let found = |condition: Expr| -> Vec<i64> {
            select(t.c("id")).filter(condition).order_by(t.c("id")).scalars(db).unwrap()
        };
        let tags = |tags: &[&str]| {
            let items: Vec<Value> = tags.iter().map(|tag| Value::from(*tag)).collect();
            Expr::from(Value::Array(Box::new(mirrorm::value::Array::new("text", items))))
        };
        assert_eq!(found(t.c("tags").op("@>", tags(&["a"]))), [1]);
        assert_eq!(found(t.c("tags").op("&&", tags(&["b", "c"]))), [1, 2]);
        assert_eq!(found(t.c("tags").op("<@", tags(&["a", "b", "z"]))), [1]);
        let joined = select(func::call("array_length", [t.c("tags").op("||", tags(&["x"])), 1.into()]))
            .filter(t.c("id").eq(1));
        assert_eq!(joined.scalar::<i64>(db).unwrap(), 3);
        let span = |text: &str| Expr::from(text).cast(t.def().column("span").unwrap().ty().clone());
        assert_eq!(found(t.c("span").op("@>", 4)), [1]);
        assert_eq!(found(t.c("span").op("&&", span("[4,6)"))), [1, 2]);
        assert_eq!(found(t.c("span").op("-|-", span("[9,12)"))), [2]);
        let net = |text: &str| Expr::from(text).cast(t.def().column("host").unwrap().ty().clone());
        assert_eq!(found(t.c("host").op("<<", net("10.0.0.0/8"))), [1]);
        let wrong = select(&t).filter(t.c("host").op("<<", net("nowhere"))).all(db).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Conversion);
    });
}
