//! The plain parts of the SQL toolkit, by the numbers of their rows (2.1 to 2.7): a right and a wrong input each. What has
//! more to it stands in `expressions`, `forms`, `results`, `selecting`, `texts` and `writing`.

use mirrorm::compile::Compile;
use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

fn people(db: &Db) -> (Table, Table) {
    let people =
        db.table("people", (column("id", Integer).primary_key(), column("name", Varchar(20)))).unwrap();
    let parts = (
        column("id", Integer).primary_key(),
        column("owner", Integer).references("people"),
        column("n", Integer),
    );
    let things = db.table("things", parts).unwrap();
    db.create_all().unwrap();
    insert(&people).rows(["id", "name"], [(1, Some("ann")), (2, Some("ben")), (3, None)]).run(db).unwrap();
    insert(&things).rows(["owner", "n"], [(1, Some(5)), (1, None), (2, Some(7))]).run(db).unwrap();
    (people, things)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, words: &str) {
    let error = result.unwrap_err();
    assert!(error.kind() == kind && error.message().contains(words), "{error}");
}

#[test]
fn r2_1_1_columns_tables_and_values_together() {
    each_backend(|db| {
        let (people, things) = people(db);
        let mixed = select((
            &things,
            people.c("name"),
            func::upper(people.c("name")).label("big"),
            Expr::from(7).label("seven"),
        ));
        let row = mixed.join(&people).order_by(things.c("id")).first(db).unwrap().unwrap();
        let names: Vec<&str> = row.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, ["id", "owner", "n", "name", "big", "seven"]);
        assert_eq!((row.get::<&str>("big").unwrap(), row.get::<i64>("seven").unwrap()), ("ANN", 7));
        assert_eq!(select(func::count_all()).from(&people).scalar::<i64>(db).unwrap(), 3);
        assert_eq!(select(Expr::from("x")).scalar::<String>(db).unwrap(), "x", "from nowhere");
        refused(select(Vec::<Expr>::new()).all(db), ErrorKind::Invalid, "nothing");
        refused(select((people.c("id"), things.c("id"))).all(db), ErrorKind::Invalid, "`things` is not part");
    });
}

#[test]
fn r2_1_2_filters_all_hold() {
    each_backend(|db| {
        let things = people(db).1;
        let n = things.c("n");
        let found = select(&things).filter(n.gt(1)).filter(n.lt(6)).filter_if(None::<Expr>);
        assert_eq!(found.count(db).unwrap(), 1);
        assert_eq!(found.filter_if(Some(n.eq(9))).count(db).unwrap(), 0);
        refused(select(&things).filter(things.c("m").eq(1)).all(db), ErrorKind::NoSuchColumn, "`m`");
    });
}

#[test]
fn r2_1_11_a_select_is_changed_and_looked_at() {
    each_backend(|db| {
        let (people, things) = people(db);
        let all = select(&things).join(&people).filter(things.c("n").gt(1)).order_by(things.c("id"));
        assert_eq!(all.clone().columns(people.c("name")).scalars::<String>(db).unwrap(), ["ann", "ben"]);
        let more = all.add_columns(people.c("name").label("owner_name"));
        let target = db.engine().unwrap().target().unwrap();
        let compiled = more.compile(&target).unwrap();
        let columns: Vec<(String, bool)> =
            compiled.columns().unwrap().iter().map(|c| (c.name().to_string(), c.ty().is_integer())).collect();
        let names = [("id", true), ("owner", true), ("n", true), ("owner_name", false)];
        assert_eq!(columns, names.map(|(name, integer)| (name.to_string(), integer)));
        assert!(compiled.columns().unwrap().get(0).unwrap().origin().is_some(), "whose column it is");
        refused(
            more.columns(people.c("nme")).all(db),
            ErrorKind::NoSuchColumn,
            "`nme`, did you mean `name`?",
        );
    });
}

#[test]
fn r2_1_15_a_statement_that_is_not_kept() {
    each_backend(|db| {
        let things = people(db).1;
        let conn = db.connect().unwrap();
        let prepared = || -> i64 {
            match dialect(db) {
                "postgresql" => {
                    let sql = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%things%'";
                    conn.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
                }
                _ => 0,
            }
        };
        let ids = |statement: &mirrorm::stmt::Select| statement.scalars::<i64>(&conn).unwrap();
        let kept = select(things.c("id")).filter(things.c("n").eq(5));
        let (before, first) = (prepared(), ids(&kept));
        if dialect(db) == "postgresql" {
            assert_eq!(prepared(), before + 1);
        }
        let once =
            select(things.c("id")).filter(things.c("n").in_([5, 6, 7])).order_by(things.c("id")).uncached();
        let now = prepared();
        assert_eq!((ids(&once), ids(&once), first), (vec![1, 3], vec![1, 3], vec![1]));
        assert_eq!(prepared(), now, "nothing was kept");
    });
}

#[test]
fn r2_2_2_compounds_are_tables() {
    each_backend(|db| {
        let (people, things) = people(db);
        let both = select(people.c("id")).union(select(things.c("n")).filter(things.c("n").is_not_null()));
        let sub = both.clone().subquery("all_of_them").unwrap();
        assert_eq!(select(func::sum(sub.c("id"))).scalar::<i64>(db).unwrap(), 18);
        let cte = both.order_by(people.c("id").desc()).limit(2).cte("two").unwrap();
        let joined = select((people.c("name"), cte.c("id"))).join_on(&cte, cte.c("id").gt(people.c("id")));
        assert_eq!(joined.count(db).unwrap(), 6);
        refused(select(sub.c("nope")).all(db), ErrorKind::NoSuchColumn, "nope");
    });
}

#[test]
fn r2_3_1_comparisons_and_null() {
    each_backend(|db| {
        let things = people(db).1;
        let n = things.c("n");
        let ids = |condition: Expr| -> Vec<i64> {
            select(things.c("id")).filter(condition).order_by(things.c("id")).scalars(db).unwrap()
        };
        assert_eq!(
            (ids(n.eq(5)), ids(n.ne(5)), ids(n.ge(5)), ids(n.lt(7))),
            (vec![1], vec![3], vec![1, 3], vec![1])
        );
        assert_eq!(
            (ids(n.eq(None::<i64>)), ids(n.ne(Value::Null))),
            (vec![2], vec![1, 3]),
            "NULL is asked for as such"
        );
        assert_eq!((ids(n.is(5)), ids(n.is_not(5))), (vec![1], vec![2, 3]));
        assert_eq!((ids(n.is(&n)), ids(n.is_not(things.c("owner")))), (vec![1, 2, 3], vec![1, 2, 3]));
        refused(select(things.c("id")).filter(things.c("x").is(1)).all(db), ErrorKind::NoSuchColumn, "`x`");
    });
}

#[test]
fn r2_3_5_membership() {
    each_backend(|db| {
        let (people, things) = people(db);
        let n = things.c("n");
        let ids = |condition: Expr| -> Vec<i64> {
            select(things.c("id")).filter(condition).order_by(things.c("id")).scalars(db).unwrap()
        };
        assert_eq!((ids(n.in_([5, 9])), ids(n.not_in([5, 9]))), (vec![1], vec![3]));
        assert_eq!(
            (ids(n.in_([] as [i64; 0])), ids(n.not_in(Vec::<i64>::new()))),
            (vec![], vec![1, 2, 3]),
            "NULL too"
        );
        let owners = select(people.c("id")).filter(people.c("name").eq("ben"));
        assert_eq!(
            (ids(things.c("owner").in_(owners.clone())), ids(things.c("owner").not_in(owners))),
            (vec![3], vec![1, 2])
        );
        assert_eq!(ids(n.in_([things.c("owner").add(4), Expr::from(7)])), [1, 3]);
        let wide = select((people.c("id"), people.c("name")));
        assert!(select(things.c("id")).filter(n.in_(wide)).all(db).is_err());
    });
}

#[test]
fn r2_3_11_null_true_and_false() {
    each_backend(|db| {
        let things = people(db).1;
        let of = |expr: Expr| select(expr).from(&things).limit(1);
        assert_eq!(of(Expr::from(Value::Null)).scalar::<Option<i64>>(db).unwrap(), None);
        assert!(of(Expr::from(true).typed(Boolean)).scalar::<bool>(db).unwrap());
        assert_eq!(select(&things).filter(false).count(db).unwrap(), 0);
        assert_eq!(select(&things).filter(true).count(db).unwrap(), 3);
        assert_eq!(select(&things).filter(Expr::from(Value::Null).typed(Boolean)).count(db).unwrap(), 0);
        refused(of(Expr::from(true)).scalar::<String>(db), ErrorKind::Conversion, "wanted");
    });
}

#[test]
fn r2_5_2_many_rows_of_the_same_columns() {
    each_backend(|db| {
        let parts = (
            column("id", Integer).primary_key(),
            column("n", Integer),
            column("made", Varchar(9)).default_with(|| "now".into()),
        );
        let t = db.table("t", parts).unwrap();
        db.create_all().unwrap();
        let rows = (0..1500).map(|n| [Some(n).filter(|n| n % 7 != 0)]);
        assert_eq!(insert(&t).rows(["n"], rows).run(db).unwrap().rows(), 1500);
        assert_eq!(select(&t).filter(t.c("n").is_null() & t.c("made").eq("now")).count(db).unwrap(), 215);
        refused(
            insert(&t).rows(["n"], [vec![1], vec![1, 2]]).run(db),
            ErrorKind::Invalid,
            "1 columns, and a row of 2",
        );
        let too_long = insert(&t).rows(["id", "n"], [(9001, 1), (9002, 2), (1, 3)]).run(db);
        assert_eq!(too_long.unwrap_err().kind(), ErrorKind::Unique);
        assert_eq!(select(&t).filter(t.c("id").gt(9000)).count(db).unwrap(), 0, "all or none");
    });
}

#[test]
fn r2_5_8_keys_of_many_rows_in_their_order() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        let numbers: Vec<i64> = (0..700).map(|n| (n * 37) % 701).collect();
        let keys = insert(&t).rows(["n"], numbers.iter().map(|n| [*n])).ids(db).unwrap();
        let stored: Vec<(i64, i64)> = select((t.c("id"), t.c("n"))).order_by(t.c("id")).all_as(db).unwrap();
        let given: std::collections::BTreeMap<i64, i64> = keys.iter().copied().zip(numbers).collect();
        assert_eq!(given.into_iter().collect::<Vec<_>>(), stored);
        let keyless = db.table("keyless", column("n", Integer)).unwrap();
        db.create_all().unwrap();
        refused(insert(&keyless).rows(["n"], [[1]]).ids(db), ErrorKind::Invalid, "no keys");
    });
}

#[test]
fn r2_5_7_what_is_given_back_is_in_the_order_of_the_rows() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer).unique())).unwrap();
        db.create_all().unwrap();
        let numbers: Vec<i64> = (0..120).map(|n| (n * 37) % 121).collect();
        let many = insert(&t).rows(["n"], numbers.iter().map(|n| [*n])).returning((t.c("n"), t.c("id")));
        match many.all(db) {
            Ok(rows) => {
                assert_eq!(rows.scalars::<i64>().unwrap(), numbers);
                refused(many.all(db), ErrorKind::Unique, "");
                assert_eq!(select(&t).count(db).unwrap(), 120);
            }
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}"),
        }
    });
}

/// Words that mean something to one of the databases, or to all.
const WORDS: &str = "add all alter analyze and as asc between bigint binary blob both by call cascade case change char \
    character check collate column condition constraint continue convert create cross cube current_date current_time \
    current_timestamp current_user cursor database databases day_hour dec decimal declare default deferrable delayed delete \
    desc describe deterministic distinct distinctrow div do double drop dual each else elseif end enclosed escaped except \
    exists exit explain false fetch float for force foreign from fulltext function generated get grant group grouping groups \
    having high_priority if ignore in index infile inner inout insert int integer intersect interval into is isnull join key \
    keys kill lag lateral lead leading leave left like limit linear lines load localtime lock long loop match maxvalue mod \
    natural not notnull nth_value null numeric of offset on only optimize option or order out outer over partition percent_rank \
    placing precision primary procedure purge range rank read real recursive references regexp release rename repeat replace \
    require restrict return returning revoke right rlike row row_number rows schema select separator set show similar smallint \
    some spatial sql stored straight_join symmetric system table terminated then to trailing trigger true undo union unique \
    unlock unsigned update usage use user using values varchar varying virtual when where while window with write xor zerofill";

#[test]
fn r2_6_4_reserved_words_are_names() {
    each_backend(|db| {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let columns: Vec<_> = words.iter().map(|word| column(*word, Integer)).collect();
        let t = db.table("select", columns).unwrap();
        let order = db.table("order", column("group", Integer)).unwrap();
        db.create_all().unwrap();
        let values = words.iter().enumerate().map(|(n, word)| (*word, n as i64));
        insert(&t).values(values.collect::<Vec<_>>()).run(db).unwrap();
        insert(&order).values(values! { "group" => 5 }).run(db).unwrap();
        let row = select(&t).one(db).unwrap();
        for (n, word) in words.iter().enumerate() {
            assert_eq!(row.get::<i64>(*word).unwrap(), n as i64, "{word}");
        }
        update(&t)
            .set(words.iter().map(|word| (*word, 7)).collect::<Vec<_>>())
            .filter(t.c("where").gt(0))
            .run(db)
            .unwrap();
        let alias = t.alias("from");
        let joined = select((alias.c("union"), order.c("group").label("desc")))
            .join_on(&order, alias.c("order").gt(order.c("group")));
        assert_eq!(joined.one(db).unwrap().get::<i64>("desc").unwrap(), 5);
        refused(select(t.c("selct")).all(db), ErrorKind::NoSuchColumn, "`selct`, did you mean `select`?");
    });
}

#[test]
fn r2_6_3_and_r2_6_5_awkward_names() {
    each_backend(|db| {
        let mut names = vec![
            "UPPER",
            "Mixed",
            "1digit",
            "per%cent",
            "col:on",
            "(parens)",
            "[brackets]",
            "a space",
            "dot.ted",
            "it's",
            "dou\"ble",
            "back`tick",
            "dollar$",
            "sla/sh",
            "d-ash",
            "q?mark",
            "$1",
            ":name",
            "äöü",
            "😀",
            "back\\slash",
            "a,b",
            "semi;colon",
        ];
        if dialect(db) == "mysql" {
            // No name there has characters beyond the first 65 536.
            names.retain(|name| *name != "😀");
        }
        let columns: Vec<_> = names.iter().map(|name| column(*name, Integer)).collect();
        let t = db.table("a \"table\" `of` 100% [x]", columns).unwrap();
        db.create_all().unwrap();
        let values = names.iter().enumerate().map(|(n, name)| (*name, n as i64));
        insert(&t).values(values.clone().collect::<Vec<_>>()).run(db).unwrap();
        insert(&t).rows(names.clone(), [vec![9; names.len()]]).run(db).unwrap();
        for (name, n) in values {
            let by_name = select(t.c(name))
                .filter(t.c(name).eq(param(name)) & t.c(names[0]).ne(9))
                .prepare(db)
                .unwrap();
            assert_eq!(by_name.one(db, [(name, n)]).unwrap().get::<i64>(name).unwrap(), n, "{name}");
            let labelled = select(func::max(t.c(name)).label(name)).group_by(t.c(name)).order_by(name);
            assert!(labelled.all(db).unwrap().columns().position(name).is_ok());
        }
        refused(select(t.c("upper")).all(db), ErrorKind::NoSuchColumn, "`upper`");
    });
}

#[test]
fn r2_6_6_and_r2_6_9_a_text_is_prepared_once() {
    each_backend(|db| {
        let things = people(db).1;
        let conn = db.connect().unwrap();
        let prepared = || -> i64 {
            let status = "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'";
            match dialect(db) {
                "postgresql" => {
                    let all = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%things%'";
                    conn.query_text(all, ()).unwrap().one().unwrap().get(0).unwrap()
                }
                "mysql" => conn
                    .query_text(status, ())
                    .unwrap()
                    .one()
                    .unwrap()
                    .get::<String>(1)
                    .unwrap()
                    .parse()
                    .unwrap(),
                _ => 0,
            }
        };
        prepared();
        let before = prepared();
        for n in 0..20 {
            select(&things).filter(things.c("n").eq(n)).all(&conn).unwrap();
            select(&things)
                .filter(things.c("id").in_integers((0..n).collect::<Vec<i64>>()))
                .all(&conn)
                .unwrap();
        }
        let expected = match dialect(db) {
            "postgresql" => 2,
            "mysql" => 21,
            _ => 0,
        };
        assert_eq!(prepared() - before, expected, "values are no part of a text");
    });
}

#[test]
fn r2_7_3_and_r2_7_5_rows_that_come_as_they_are_read() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["n"], (0..3000).map(|n| [n])).run(db).unwrap();
        let ordered = select(t.c("n")).order_by(t.c("id"));
        let conn = db.connect().unwrap();
        let (some, rest) = ordered
            .stream(&conn, |rows| {
                let some: Vec<i64> = rows.by_ref().take(10).map(|row| row?.get(0)).collect::<Result<_>>()?;
                let count = select(&t).count(&conn)?;
                assert_eq!(count, 3000, "others run meanwhile");
                let rest = rows.by_ref().count();
                assert!(rows.next().is_none() && rows.next().is_none(), "an end is an end");
                Ok((some, rest))
            })
            .unwrap();
        assert_eq!((some, rest), ((0..10).collect(), 2990));
        let left = ordered.stream(&conn, |rows| rows.next().transpose()).unwrap().unwrap();
        assert_eq!(left.get::<i64>(0).unwrap(), 0, "a row outlives the result that was left");
        assert_eq!(ordered.count(&conn).unwrap(), 3000, "and the connection goes on");
        let failed = ordered.stream(&conn, |rows| rows.next().transpose()?.unwrap().get::<String>(0));
        refused(failed, ErrorKind::Conversion, "wanted");
    });
}
