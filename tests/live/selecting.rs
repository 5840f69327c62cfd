//! What a SELECT is made of, on every backend (rows 2.1): a right and a wrong input each.

use mirrorm::expr::{cube, grouping_sets, named, rollup};
use mirrorm::prelude::*;
use mirrorm::stmt::{Select, values_table};

use crate::support::{dialect, each_backend};

struct Blog {
    users: Table,
    posts: Table,
    likes: Table,
}

fn blog(db: &Db) -> Blog {
    let users =
        db.table("users", (column("id", Integer).primary_key(), column("name", Varchar(20)))).unwrap();
    let parts = (
        column("id", Integer).primary_key(),
        column("author", Integer).references("users"),
        column("part", Varchar(10)),
        column("n", Integer),
    );
    let posts = db.table("posts", parts).unwrap();
    let likes = (
        column("id", Integer).primary_key(),
        column("post", Integer).references("posts"),
        column("who", Integer).references("users"),
    );
    let likes = db.table("likes", likes).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["id", "name"], [(1, "ann"), (2, "ben"), (3, "cat")]).run(db).unwrap();
    let rows = [(1, 1, "x", 10), (2, 1, "y", 20), (3, 2, "x", 30), (4, 1, "x", 5)];
    insert(&posts).rows(["id", "author", "part", "n"], rows).run(db).unwrap();
    insert(&likes).rows(["id", "post", "who"], [(1, 1, 2), (2, 3, 3), (3, 3, 1)]).run(db).unwrap();
    Blog { users, posts, likes }
}

#[track_caller]
fn refused(db: &Db, statement: &Select, kind: ErrorKind, words: &str) {
    let error = statement.all(db).unwrap_err();
    assert!(error.kind() == kind && error.message().contains(words), "{error}");
}

#[track_caller]
fn unsupported(db: &Db, statement: &Select, words: &str) {
    let error = statement.all(db).unwrap_err();
    let kind = matches!(error.kind(), ErrorKind::Unsupported { .. });
    assert!(kind && error.message().contains(words) && error.sql().is_none(), "{error}");
}

#[test]
fn r2_1_3_joins_from_one_table_and_with_all() {
    each_backend(|db| {
        let Blog { users, posts, likes } = blog(db);
        let both = select((users.c("name"), likes.c("id"))).join(&posts);
        refused(db, &both.clone().join(&likes), ErrorKind::AmbiguousForeignKey, "likes.who and likes.post");
        let found = both
            .clone()
            .join_from(&posts, &likes)
            .order_by(likes.c("id"))
            .all_as::<(String, i64)>(db)
            .unwrap();
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ann", "ben", "ben"]);
        let found = both.clone().join_from(&users, &likes).order_by(likes.c("id")).count(db).unwrap();
        assert_eq!(found, 4, "along the other key");
        let all = select(posts.c("id")).left_join_from(&posts, &likes);
        assert_eq!(all.count(db).unwrap(), 5, "posts without likes stay");
        let first = select(func::count_all()).join_from(&users, &posts).scalar::<i64>(db).unwrap();
        assert_eq!(first, 4, "the first table of all is the left one");
        assert_eq!(select(users.c("id")).cross_join(&likes).count(db).unwrap(), 9);
        refused(
            db,
            &select(users.c("id")).join_from(&posts, &likes),
            ErrorKind::Invalid,
            "`posts` is not part",
        );
        let none = select(users.c("id")).join(&posts).join(&likes.alias("other"));
        assert!(none.all(db).is_err());
    });
}

#[test]
fn r2_1_4_several_groupings() {
    each_backend(|db| {
        let posts = blog(db).posts;
        let (author, part, n) = (posts.c("author"), posts.c("part"), posts.c("n"));
        let sums = select((&author, &part, func::sum(&n).label("sum")));
        let lines = |statement: Select| -> Vec<String> {
            let rows = statement.all(db).unwrap();
            let show = |row: mirrorm::rows::Row| {
                let (author, part): (Option<i64>, Option<String>) =
                    (row.get(0).unwrap(), row.get(1).unwrap());
                let author = author.map_or("-".to_string(), |author| author.to_string());
                format!("{author}{}{}", part.as_deref().unwrap_or("-"), row.get::<i64>(2).unwrap())
            };
            let mut lines: Vec<String> = rows.iter().map(show).collect();
            lines.sort();
            lines
        };
        let rolled = sums.clone().group_by(rollup((&author, &part)));
        let with_part = sums.clone().group_by((&part, rollup([&author])));
        let cubed = sums.clone().group_by(cube((&author, &part)));
        let sets = sums.clone().group_by(grouping_sets([vec![&author, &part], vec![&part], vec![]]));
        let steps = ["--65", "1-35", "1x15", "1y20", "2-30", "2x30"];
        match dialect(db) {
            "sqlite" => unsupported(db, &rolled, "several groupings"),
            _ => assert_eq!(lines(rolled), steps),
        }
        if dialect(db) == "postgresql" {
            assert_eq!(lines(with_part), ["-x45", "-y20", "1x15", "1y20", "2x30"]);
            assert_eq!(lines(cubed), ["--65", "-x45", "-y20", "1-35", "1x15", "1y20", "2-30", "2x30"]);
            assert_eq!(lines(sets), ["--65", "-x45", "-y20", "1x15", "1y20", "2x30"]);
        } else {
            [with_part, cubed, sets]
                .iter()
                .for_each(|statement| unsupported(db, statement, "several groupings"));
        }
        refused(db, &sums.clone().filter(rollup([&author])), ErrorKind::Invalid, "GROUP BY");
    });
}

#[test]
fn r2_1_5_sorted_and_grouped_by_names() {
    each_backend(|db| {
        let posts = blog(db).posts;
        let total = func::sum(posts.c("n")).label("total");
        let sums = select((posts.c("part"), total)).group_by("part");
        let parts = |statement: Select| -> Vec<String> { statement.scalars(db).unwrap() };
        assert_eq!(parts(sums.clone().order_by("total")), ["y", "x"]);
        assert_eq!(parts(sums.clone().order_by(named("total").desc())), ["x", "y"]);
        assert_eq!(parts(sums.clone().order_by(named("total").desc().nulls_last())), ["x", "y"]);
        let twice = select(posts.c("n").mul(2).label("twice")).group_by("twice").order_by("twice");
        assert_eq!(twice.scalars::<i64>(db).unwrap(), [10, 20, 40, 60]);
        assert_eq!(
            select(&posts).order_by(("part", named("id").desc())).scalars::<i64>(db).unwrap(),
            [4, 3, 1, 2]
        );
        refused(db, &sums.clone().order_by("totl"), ErrorKind::NoSuchColumn, "`totl`, did you mean `total`?");
        refused(db, &select("total"), ErrorKind::Invalid, "ORDER BY and GROUP BY");
        let united =
            select(posts.c("id").label("a")).union(select(posts.c("n"))).order_by(named("a").desc()).limit(1);
        assert_eq!(united.scalar::<i64>(db).unwrap(), 30);
    });
}

#[test]
fn r2_1_8_one_row_for_each() {
    each_backend(|db| {
        let posts = blog(db).posts;
        let first = select(posts.c("id")).distinct_on([posts.c("part")]);
        let first = first.order_by((posts.c("part"), posts.c("n").desc()));
        if dialect(db) == "postgresql" {
            assert_eq!(first.scalars::<i64>(db).unwrap(), [3, 2]);
            assert_eq!(first.count(db).unwrap(), 2);
            refused(
                db,
                &select(posts.c("id")).distinct_on([posts.c("nope")]),
                ErrorKind::NoSuchColumn,
                "nope",
            );
        } else {
            unsupported(db, &first, "DISTINCT ON");
        }
    });
}

#[test]
fn r2_1_10_lateral_and_correlated() {
    each_backend(|db| {
        let Blog { users, posts, likes } = blog(db);
        let own = select((posts.c("id"), posts.c("n"))).filter(posts.c("author").eq(users.c("id")));
        let best = own.clone().order_by(posts.c("n").desc()).limit(2).lateral("best").unwrap();
        let pairs =
            select((users.c("id"), best.c("id"))).cross_join(&best).order_by((users.c("id"), best.c("n")));
        let with_none = select((users.c("id"), best.c("id")))
            .left_join_on(&best, true)
            .order_by((users.c("id"), best.c("n")));
        let lateral = db.engine().unwrap().target().unwrap().features().lateral;
        if lateral {
            assert_eq!(pairs.all_as::<(i64, i64)>(db).unwrap(), [(1, 1), (1, 2), (2, 3)]);
            let found = with_none.all_as::<(i64, Option<i64>)>(db).unwrap();
            assert_eq!(found, [(1, Some(1)), (1, Some(2)), (2, Some(3)), (3, None)]);
        } else {
            unsupported(db, &pairs, "LATERAL");
        }
        // A subquery sees what stands around it without being told, however deep.
        let most = select(func::max(posts.c("n"))).filter(posts.c("author").eq(users.c("id")));
        let named = select((users.c("name"), Expr::from(most).label("most"))).order_by(users.c("id"));
        let found = named.all_as::<(String, Option<i64>)>(db).unwrap();
        assert_eq!(found.iter().map(|(_, most)| *most).collect::<Vec<_>>(), [Some(20), Some(30), None]);
        let liked = select(likes.c("id"))
            .filter(likes.c("post").eq(posts.c("id")) & likes.c("who").ne(users.c("id")));
        let deep = exists(select(posts.c("id")).filter(posts.c("author").eq(users.c("id")) & exists(liked)));
        assert_eq!(
            select(users.c("name")).filter(deep).order_by(users.c("id")).scalars::<String>(db).unwrap(),
            ["ann", "ben"]
        );
        // As a table it sees nothing of that.
        let alone = own.subquery("alone").unwrap();
        refused(db, &select(users.c("id")).cross_join(&alone), ErrorKind::Invalid, "`users` is not part");
    });
}

#[test]
fn r2_1_13_names_of_several_tables() {
    each_backend(|db| {
        let Blog { users, posts, .. } = blog(db);
        let both = select((&users, &posts)).join(&posts).filter(posts.c("id").eq(3));
        let row = both.one(db).unwrap();
        assert_eq!(row.get::<i64>("id").unwrap_err().kind(), ErrorKind::AmbiguousColumn);
        assert_eq!(
            (row.get::<i64>(0).unwrap(), row.get::<i64>(2).unwrap()),
            (2, 3),
            "by position it is clear"
        );
        let row = both.labels_with_tables().one(db).unwrap();
        assert_eq!((row.get::<i64>("users_id").unwrap(), row.get::<i64>("posts_id").unwrap()), (2, 3));
        assert!(row.get::<i64>("id").is_err());
        let other = posts.alias("other");
        let mixed = select((other.c("id"), other.c("n").label("number"), func::count_all()))
            .group_by((other.c("id"), other.c("n")));
        let names: Vec<String> = mixed
            .labels_with_tables()
            .all(db)
            .unwrap()
            .columns()
            .iter()
            .map(|c| c.name().to_string())
            .collect();
        assert_eq!(names, ["other_id", "number", "count"]);
        let here = Table::new("t", column("id", Integer)).unwrap();
        let there = Table::new("t", (in_schema("s"), column("id", Integer))).unwrap();
        let both = select((&here, &there)).cross_join(&there).labels_with_tables();
        let target = db.engine().unwrap().target().unwrap();
        let compiled = mirrorm::compile::Compile::compile(&both, &target).unwrap();
        let names: Vec<&str> = compiled.columns().unwrap().iter().map(|c| c.name()).collect();
        assert_eq!(names, ["t_id", "s_t_id"]);
    });
}

#[test]
fn r2_1_17_functions_that_give_rows() {
    each_backend(|db| {
        let users = blog(db).users;
        let call = match dialect(db) {
            "sqlite" => func::call("json_each", [func::call("json_array", [users.c("id"), Expr::from(7)])]),
            _ => func::call("generate_series", [users.c("id"), Expr::from(3)]),
        };
        let name = if dialect(db) == "sqlite" { "value" } else { "number" };
        let rows = call.table("numbers", column(name, Integer)).unwrap();
        let found =
            select((users.c("id"), rows.c(name))).cross_join(&rows).order_by((users.c("id"), rows.c(name)));
        match dialect(db) {
            "mysql" => unsupported(db, &found, "functions that give rows"),
            "sqlite" => assert_eq!(
                found.all_as::<(i64, i64)>(db).unwrap(),
                [(1, 1), (1, 7), (2, 2), (2, 7), (3, 3), (3, 7)]
            ),
            _ => {
                let pairs = found.all_as::<(i64, i64)>(db).unwrap();
                assert_eq!(pairs, [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)]);
            }
        }
        refused(db, &select(rows.c("nope")), ErrorKind::NoSuchColumn, "nope");
    });
}

#[test]
fn r2_1_18_given_rows() {
    each_backend(|db| {
        let Blog { users, .. } = blog(db);
        let day: mirrorm::value::Date = "2024-02-29".parse().unwrap();
        let parts =
            || (column("id", Integer), column("word", Varchar(10)), column("x", Double), column("day", Date));
        let rows = vec![
            vec![Value::from(2), "two".into(), 0.5.into(), day.into()],
            vec![Value::Null, Value::Null, Value::Null, Value::Null],
            vec![3.into(), "it's".into(), 2.0.into(), day.into()],
        ];
        let given = values_table("given", parts(), rows).unwrap();
        let found = select((users.c("name"), given.c("word"), given.c("day")))
            .join_on(&given, given.c("id").eq(users.c("id")));
        let found = found.order_by(given.c("id")).all(db).unwrap();
        assert_eq!(found.len(), 2);
        assert!(
            matches!(found.get(0).unwrap().value("day").unwrap().to_value(), Value::Date(_)),
            "{found:?}"
        );
        assert_eq!(found.get(1).unwrap().get::<&str>("word").unwrap(), "it's");
        assert_eq!(select(&given).filter(given.c("x").gt(1.0)).scalars::<i64>(db).unwrap(), [3]);
        assert_eq!(select(&given).filter(given.c("word").is_null()).count(db).unwrap(), 1);
        let no_rows: [(i64, &str, f64, &str); 0] = [];
        let none = values_table("given", parts(), no_rows).unwrap();
        assert!(select(&none).all(db).unwrap().is_empty(), "no rows are rows too");
        let many = values_table("many", column("n", Integer), (0..2000).map(|n| [n])).unwrap();
        assert_eq!(select(func::sum(many.c("n"))).scalar::<i64>(db).unwrap(), 1_999_000);
        let wrong = values_table("given", parts(), [(1, "x")]).unwrap_err();
        assert!(
            wrong.kind() == ErrorKind::Invalid && wrong.message().contains("4 columns, and a row of 2"),
            "{wrong}"
        );
    });
}

#[test]
fn r2_1_14_tables_that_nothing_connects() {
    each_backend(|db| {
        let Blog { users, posts, likes } = blog(db);
        let recorder = mirrorm::Recorder::new().start(db);
        let warned = |statement: &Select| -> Vec<String> {
            statement.all(db).unwrap();
            recorder.queries().last().unwrap().warnings.clone()
        };
        let apart = select(users.c("id")).join_on(&posts, posts.c("n").gt(5));
        assert_eq!(
            warned(&apart),
            ["every row of `posts` meets every row of `users`: no condition connects them"]
        );
        assert!(recorder.queries().last().unwrap().to_string().contains("warning: every row of `posts`"));
        let other = users.alias("other");
        let three = select(users.c("id")).join(&posts).join_on(&other, other.c("id").eq(1)).limit(1);
        assert_eq!(
            warned(&three),
            ["every row of `other` meets every row of `users` and `posts`: no condition connects them"]
        );
        for connected in [
            select(users.c("id")).join(&posts),
            select(users.c("id")).join_on(&posts, posts.c("author").eq(users.c("id"))),
            apart.clone().filter(posts.c("author").eq(users.c("id"))),
            select(users.c("id")).join_on(&posts, raw("posts.author = users.id")),
            select(users.c("id")).cross_join(&posts),
            select(users.c("id")).join_on(
                &posts,
                users.c("id").in_(select(likes.c("who")).filter(likes.c("post").eq(posts.c("id")))),
            ),
        ] {
            assert_eq!(warned(&connected), [""; 0], "{connected:?}");
        }
        update(&users)
            .set(values! { "name" => "x" })
            .from(&posts)
            .filter(posts.c("n").eq(5))
            .run(db)
            .unwrap();
        assert_eq!(recorder.queries().last().unwrap().warnings.len(), 1);
        delete(&likes).using(&posts).filter(posts.c("id").eq(likes.c("post"))).run(db).unwrap();
        assert!(recorder.queries().last().unwrap().warnings.is_empty());
    });
}

#[test]
fn r2_1_6_limits_that_are_expressions() {
    each_backend(|db| {
        let posts = blog(db).posts;
        let ids = select(posts.c("id")).order_by(posts.c("id"));
        assert_eq!(ids.clone().limit_by(2).offset_by(1).scalars::<i64>(db).unwrap(), [2, 3]);
        assert_eq!(ids.clone().offset_by(3).scalars::<i64>(db).unwrap(), [4]);
        assert_eq!(ids.clone().limit_by(2).count(db).unwrap(), 2);
        assert_eq!(ids.clone().limit_by(2).first(db).unwrap().unwrap().get::<i64>(0).unwrap(), 1);
        assert_eq!(ids.clone().limit(0).first(db).unwrap(), None);
        let page = ids.clone().limit_by(param("size")).offset_by(param("from")).prepare(db).unwrap();
        let read = |size: i64, from: i64| -> Vec<i64> {
            page.all(db, values! { "size" => size, "from" => from }).unwrap().scalars().unwrap()
        };
        assert_eq!((read(1, 2), read(9, 3), read(0, 0)), (vec![3], vec![4], vec![]));
        let reckoned = ids.clone().limit_by(Expr::from(select(func::count_all()).from(&posts)).int_div(2));
        match dialect(db) {
            "mysql" => unsupported(db, &reckoned, "LIMIT that is reckoned"),
            _ => assert_eq!(reckoned.scalars::<i64>(db).unwrap(), [1, 2]),
        }
        refused(db, &ids.limit_by(posts.c("nope")), ErrorKind::NoSuchColumn, "nope");
    });
}

#[test]
fn r2_1_7_rows_equal_to_the_last() {
    each_backend(|db| {
        let scores = db.table("scores", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&scores).rows(["n"], [[3], [2], [2], [1], [2]]).run(db).unwrap();
        let best = select(scores.c("n")).order_by(scores.c("n").desc()).limit(2).with_ties();
        let has = db.engine().unwrap().target().unwrap().features().version.contains("MariaDB")
            || dialect(db) == "postgresql";
        match best.scalars::<i64>(db) {
            Ok(found) => {
                assert!(has);
                assert_eq!(found, [3, 2, 2, 2]);
                match best.clone().offset(1).scalars::<i64>(db) {
                    Ok(found) => assert_eq!(found, [2, 2, 2]),
                    Err(error) => {
                        assert!(
                            dialect(db) == "mysql" && matches!(error.kind(), ErrorKind::Unsupported { .. })
                        );
                    }
                }
                let unsorted = select(&scores).limit(2).with_ties().all(db).unwrap_err();
                assert_eq!(unsorted.kind(), ErrorKind::Invalid);
                let neither = select(&scores).with_ties().all(db).unwrap_err();
                assert_eq!(neither.kind(), ErrorKind::Invalid, "a whole table has no last row");
                if dialect(db) == "postgresql" {
                    let reckoned = best.clone().limit_by(Expr::from(1).add(param("more")));
                    let plan = reckoned.offset_by(Expr::from(1).sub(1)).prepare(db).unwrap();
                    assert_eq!(plan.all(db, values! { "more" => 1 }).unwrap().len(), 4);
                }
            }
            Err(error) => {
                assert!(!has && matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
            }
        }
    });
}

#[test]
fn r2_1_12_words_of_ones_own() {
    each_backend(|db| {
        let t = db.table("t", column("n", Integer)).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["n"], [[1], [2]]).run(db).unwrap();
        let own = select(t.c("n"))
            .distinct()
            .prefix_for("mysql", "/*+ NO_ICP(t) */ SQL_SMALL_RESULT")
            .prefix_for("nobody", "NONSENSE")
            .suffix_for("postgresql", "/* the end */")
            .suffix_for("sqlite", "-- the end")
            .order_by(t.c("n"));
        assert_eq!(own.scalars::<i64>(db).unwrap(), [1, 2]);
        let target = db.engine().unwrap().target().unwrap();
        let sql = mirrorm::compile::Compile::to_sql(&own, &target).unwrap();
        let expected = match dialect(db) {
            "mysql" => "SELECT /*+ NO_ICP(t) */ SQL_SMALL_RESULT DISTINCT t.n FROM t ORDER BY t.n",
            "postgresql" => "SELECT DISTINCT t.n FROM t ORDER BY t.n /* the end */",
            _ => "SELECT DISTINCT t.n FROM t ORDER BY t.n -- the end\n",
        };
        assert_eq!(sql, expected);
        assert_eq!(own.count(db).unwrap(), 2, "what stands around it is no comment");
        let both = own.clone().union(select(t.c("n"))).suffix_for("sqlite", "-- of both");
        assert_eq!(both.count(db).unwrap(), 2);
        assert_eq!(
            mirrorm::compile::Compile::to_sql(&both, &target).unwrap().contains("of both"),
            dialect(db) == "sqlite"
        );
        for refused in [
            both.prefix_for("nobody", "ALL"),
            text("SELECT n FROM t").columns(column("n", Integer)).unwrap().suffix_for("nobody", "ALL"),
        ] {
            assert_eq!(refused.all(db).unwrap_err().kind(), ErrorKind::Invalid, "nothing is left out");
        }
        let wrong = select(&t).suffix_for(dialect(db), "NONSENSE NONSENSE").all(db).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Syntax);
    });
}

#[test]
fn r2_3_6_between_whichever_is_greater() {
    each_backend(|db| {
        let t = db.table("t", column("n", Integer)).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["n"], [[Some(1)], [Some(2)], [Some(3)], [None]]).run(db).unwrap();
        let found = |condition: Expr| -> Vec<i64> {
            select(t.c("n")).filter(condition).order_by(t.c("n")).scalars(db).unwrap()
        };
        assert_eq!(found(t.c("n").between_symmetric(3, 2)), [2, 3]);
        assert_eq!(found(t.c("n").between_symmetric(2, 3)), [2, 3]);
        assert_eq!(found(!t.c("n").between_symmetric(3, 2)), [1]);
        assert_eq!(
            select(&t).filter(t.c("m").between_symmetric(3, 2)).all(db).unwrap_err().kind(),
            ErrorKind::NoSuchColumn
        );
    });
}

#[test]
fn r2_3_7_any_row_and_all_rows() {
    each_backend(|db| {
        let t = db.table("t", (column("n", Integer), column("m", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["n", "m"], [[1, 2], [2, 3], [5, 3]]).run(db).unwrap();
        let of = select(t.alias("o").c("m"));
        let none = of.clone().filter(false);
        let found =
            |condition: Expr| select(t.c("n")).filter(condition).order_by(t.c("n")).scalars::<i64>(db);
        if dialect(db) == "sqlite" {
            let refused = found(t.c("n").gt(any_row(of))).unwrap_err();
            assert!(matches!(refused.kind(), ErrorKind::Unsupported { .. }), "{refused}");
            return;
        }
        assert_eq!(found(t.c("n").ge(any_row(of.clone()))).unwrap(), [2, 5]);
        assert_eq!(found(t.c("n").gt(all_rows(of.clone()))).unwrap(), [5]);
        assert_eq!(found(t.c("n").eq(any_row(of.clone()))).unwrap(), [2]);
        assert_eq!(found(t.c("n").gt(all_rows(none.clone()))).unwrap(), [1, 2, 5]);
        assert_eq!(found(t.c("n").gt(any_row(none.clone()))).unwrap(), Vec::<i64>::new());
        // What does not hold for any has its opposite for all.
        assert_eq!(found(!t.c("n").gt(any_row(of.clone()))).unwrap(), [1, 2]);
        assert_eq!(found(!t.c("n").gt(all_rows(of.clone()))).unwrap(), [1, 2]);
        assert_eq!(found(!t.c("n").eq(any_row(of.clone()))).unwrap(), [1, 5]);
        assert_eq!(found(!t.c("n").gt(any_row(none))).unwrap(), [1, 2, 5]);
        let least = of.clone().order_by(t.alias("o").c("m")).limit(1);
        assert_eq!(found(t.c("n").gt(any_row(least.clone()))).unwrap(), [5]);
        assert_eq!(found(t.c("n").ge(all_rows(least))).unwrap(), [2, 5]);
        let wrong =
            found(t.c("n").gt(any_row(select((t.alias("o").c("n"), t.alias("o").c("m")))))).unwrap_err();
        assert!(!matches!(wrong.kind(), ErrorKind::Unsupported { .. }), "{wrong}");
    });
}
