//! Expressions mean the same on every backend (rows 2.1 and 2.3): a right and a wrong input each.

use mirrorm::expr::{Bound, Exclude};
use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

/// Rows of a number, a part and a name; some names and numbers are NULL.
fn sales(db: &Db) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("part", Varchar(10)),
        column("n", Integer),
        column("name", Varchar(20)),
    );
    let sales = db.table("sales", parts).unwrap();
    db.create_all().unwrap();
    type Sale<'s> = (i64, &'s str, Option<i64>, Option<&'s str>);
    let rows: [Sale<'_>; 5] = [
        (1, "a", Some(10), Some("x")),
        (2, "a", Some(20), None),
        (3, "a", None, Some("y")),
        (4, "b", Some(5), Some("x")),
        (5, "b", Some(5), Some("z")),
    ];
    for (id, part, n, name) in rows {
        let values = values! { "id" => id, "part" => part, "n" => n, "name" => name };
        insert(&sales).values(values).run(db).unwrap();
    }
    sales
}

fn numbers(db: &Db, statement: &mirrorm::stmt::Select) -> Vec<i64> {
    statement.scalars(db).unwrap()
}

#[track_caller]
fn refused(db: &Db, statement: &mirrorm::stmt::Select, kind: ErrorKind, words: &str) {
    let error = statement.all(db).unwrap_err();
    assert!(error.kind() == kind && error.message().contains(words), "{error}");
}

#[test]
fn r2_1_5_nulls_first_and_last() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, n) = (sales.c("id"), sales.c("n"));
        let by = |term: Expr| numbers(db, &select(&id).order_by((term, id.asc())));
        assert_eq!(by(n.nulls_first()), [3, 4, 5, 1, 2]);
        assert_eq!(by(n.nulls_last()), [4, 5, 1, 2, 3]);
        assert_eq!(by(n.desc().nulls_first()), [3, 2, 1, 4, 5]);
        assert_eq!(by(n.desc().nulls_last()), [2, 1, 4, 5, 3]);
        assert_eq!(by(n.nulls_last().desc()), [2, 1, 4, 5, 3], "in any order of saying it");
        let named = select((&id, n.label("amount"))).order_by((n.label("amount").nulls_last(), id.asc()));
        let ids: Vec<i64> = named.all(db).unwrap().iter().map(|row| row.get("id").unwrap()).collect();
        assert_eq!(ids, [4, 5, 1, 2, 3]);
        refused(db, &select(&id).filter(n.nulls_first()), ErrorKind::Invalid, "ORDER BY");
        refused(db, &select(n.desc()), ErrorKind::Invalid, "ORDER BY");
    });
}

#[test]
fn r2_3_9_case() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, n, name) = (sales.c("id"), sales.c("n"), sales.c("name"));
        let words = |case: Expr| -> Vec<Option<String>> {
            select(case).from(&sales).order_by(&id).scalars(db).unwrap()
        };
        let size = case().when(n.gt(15), "big").when(n.gt(7), "middle").otherwise("small");
        assert_eq!(words(size), ["middle", "big", "small", "small", "small"].map(|s| Some(s.to_string())));
        let open: Expr = case().when(n.gt(15), "big").into();
        assert_eq!(words(open), [None, Some("big".to_string()), None, None, None], "NULL otherwise");
        let simple = case_of(&name).when("x", "one").when("y", name.concat("!")).otherwise(&name);
        let expected = [Some("one"), None, Some("y!"), Some("one"), Some("z")];
        assert_eq!(words(simple), expected.map(|s| s.map(str::to_string)));
        // As an operand, in a condition, in an aggregate, sorted by.
        let weight = case().when(sales.c("part").eq("a"), 100).otherwise(1);
        assert_eq!(numbers(db, &select(func::sum(weight.add(1)))), [307]);
        let last = case_of(&id).when(3, 0).otherwise(1);
        assert_eq!(numbers(db, &select(&id).order_by((last, id.asc())))[0], 3);
        let filtered = select(&id).filter(case().when(n.is_null(), true).otherwise(false)).order_by(&id);
        assert_eq!(numbers(db, &filtered), [3]);
        refused(db, &select(case().otherwise(1)), ErrorKind::Invalid, "without a `when`");
        refused(db, &select(case().when(sales.c("nope"), 1).otherwise(2)), ErrorKind::NoSuchColumn, "nope");
    });
}

#[test]
fn r2_3_14_tuples() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, part, n) = (sales.c("id"), sales.c("part"), sales.c("n"));
        let found = |condition: Expr| numbers(db, &select(&id).filter(condition).order_by(&id));
        let pair = tuple((&part, &n));
        assert_eq!(found(pair.eq(tuple(("b", 5)))), [4, 5]);
        assert_eq!(found(pair.in_([tuple(("a", 10)), tuple(("b", 5)), tuple(("c", 1))])), [1, 4, 5]);
        assert_eq!(found(pair.not_in([tuple(("a", 10)), tuple(("b", 5))])), [2], "NULL is in neither");
        assert_eq!(found(pair.in_(Vec::<Expr>::new())), Vec::<i64>::new());
        let inner = select((&part, func::max(&n))).group_by(&part);
        assert_eq!(found(pair.in_(inner)), [2, 4, 5]);
        assert_eq!(found(tuple((&n, &id)).gt(tuple((5, 4)))), [1, 2, 5], "one value after the other");
        refused(db, &select(&id).filter(pair.in_([tuple(("a", 1, 2))])), ErrorKind::Invalid, "tuple of 2");
        refused(db, &select(&id).filter(pair.in_([Expr::from(5)])), ErrorKind::Invalid, "tuple of 2");
    });
}

#[test]
fn r2_3_15_operators_of_a_database() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, name) = (sales.c("id"), sales.c("name"));
        let word = match dialect(db) {
            "sqlite" => "GLOB",
            "mysql" => "REGEXP",
            _ => "~",
        };
        let found = |condition: Expr| numbers(db, &select(&id).filter(condition).order_by(&id));
        assert_eq!(found(name.op(word, "x")), [1, 4]);
        assert_eq!(found(!name.op(word, "x") & id.gt(1)), [3, 5]);
        assert_eq!(found(name.op(word, "x").is(true)), [1, 4], "in parentheses beside another");
        assert!(select(&id).filter(name.op("~~~~~", "x")).all(db).unwrap_err().kind() != ErrorKind::Invalid);
    });
}

#[test]
fn r2_3_10_taken_for_a_type() {
    each_backend(|db| {
        let day = select(Expr::from("2024-02-29").typed(Date).label("day"));
        let typed = raw("'2024-02-29'").typed(Date).label("day");
        let read = select(typed).one(db).unwrap();
        // What is text stays one where the database gives one; a date is read as it is.
        assert_eq!(read.value(0).unwrap().to_string(), "2024-02-29");
        assert_eq!(day.one(db).unwrap().value(0).unwrap().to_string(), "2024-02-29");
        let sales = sales(db);
        refused(db, &select(sales.c("nope").typed(Date)), ErrorKind::NoSuchColumn, "nope");
    });
}

#[test]
fn r2_3_18_aggregates_of_some_rows() {
    each_backend(|db| {
        let sales = sales(db);
        let (part, n, name) = (sales.c("part"), sales.c("n"), sales.c("name"));
        let row = select((
            func::count_all().filter(part.eq("a")).label("rows_of_a"),
            func::count(&n).filter(part.eq("a")).label("numbers_of_a"),
            func::sum(&n).filter(part.eq("b")).label("sum_of_b"),
            func::count_distinct(&name).filter(part.eq("b")).label("names_of_b"),
            func::sum(&n).filter(part.eq("c")).label("sum_of_c"),
        ));
        let row = row.one(db).unwrap();
        let of = |name: &str| row.get::<Option<i64>>(name).unwrap();
        assert_eq!(
            ["rows_of_a", "numbers_of_a", "sum_of_b", "names_of_b", "sum_of_c"].map(of),
            [Some(3), Some(2), Some(10), Some(2), None]
        );
        let wrong = select(n.filter(part.eq("a")));
        let error = wrong.all(db).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Invalid, "told by the database, or not supported: {error}");
    });
}

#[test]
fn r2_3_19_windows() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, part, n) = (sales.c("id"), sales.c("part"), sales.c("n"));
        let over = |function: Expr, window| -> Vec<Option<i64>> {
            select(function.over(window)).from(&sales).order_by(&id).scalars(db).unwrap()
        };
        let by_id = || window().order_by(&id);
        let all = |list: &[i64]| list.iter().map(|n| Some(*n)).collect::<Vec<Option<i64>>>();
        assert_eq!(over(func::row_number(), by_id().partition_by(&part)), all(&[1, 2, 3, 1, 2]));
        assert_eq!(
            over(func::rank(), window().partition_by(&part).order_by(n.nulls_last())),
            all(&[1, 2, 3, 1, 1])
        );
        assert_eq!(over(func::dense_rank(), window().order_by(n.desc().nulls_last())), all(&[2, 1, 4, 3, 3]));
        assert_eq!(over(func::sum(&id), by_id()), all(&[1, 3, 6, 10, 15]));
        assert_eq!(over(func::count_all(), window()), all(&[5, 5, 5, 5, 5]));
        let near = by_id().rows(Bound::Preceding(1), Bound::Following(1));
        assert_eq!(over(func::sum(&id), near), all(&[3, 6, 9, 12, 9]));
        let rest = by_id().range(Bound::Current, Bound::Unbounded);
        assert_eq!(over(func::sum(&id), rest), all(&[15, 14, 12, 9, 5]));
        assert_eq!(over(func::lag(&id, 1), by_id())[..2], [None, Some(1)]);
        assert_eq!(over(func::lead(&id, 2), by_id())[2..], [Some(5), None, None]);
        assert_eq!(over(func::first_value(&id), by_id().partition_by(&part)), all(&[1, 1, 1, 4, 4]));
        assert_eq!(over(func::ntile(2), by_id()), all(&[1, 1, 1, 2, 2]));
        let running = func::sum(&n).filter(part.eq("b")).over(by_id());
        let running: Vec<Option<i64>> = select(running).order_by(&id).scalars(db).unwrap();
        assert_eq!(running, [None, None, None, Some(5), Some(10)]);
        let others = by_id().groups(Bound::Unbounded, Bound::Unbounded).exclude(Exclude::Current);
        let others = select(func::sum(&id).over(others)).order_by(&id);
        if dialect(db) == "mysql" {
            let error = others.all(db).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
        } else {
            assert_eq!(numbers(db, &others), [14, 13, 12, 11, 10]);
        }
        let by_values = window().order_by(n.nulls_last()).range(Bound::Preceding(1), Bound::Current);
        let by_values = select(func::sum(&n).over(by_values)).from(&sales).all(db);
        let refusal = by_values.map(|_| ()).map_err(|error| error.kind());
        assert_eq!(matches!(refusal, Err(ErrorKind::Unsupported { .. })), dialect(db) == "mysql");
        let nothing = func::sum(&id).over(window().exclude(Exclude::Ties));
        refused(db, &select(nothing), ErrorKind::Invalid, "frame");
    });
}

#[test]
fn r2_2_1_compounds() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, part, n) = (sales.c("id"), sales.c("part"), sales.c("n"));
        let ids = |condition: Expr| select(&id).filter(condition);
        let (low, high, odd) = (ids(id.le(3)), ids(id.ge(3)), ids(id.in_([1, 3, 5])));
        let sorted = |statement: mirrorm::stmt::Select| numbers(db, &statement.order_by(&id));
        assert_eq!(sorted(low.clone().union(high.clone())), [1, 2, 3, 4, 5]);
        assert_eq!(sorted(low.clone().union_all(high.clone())), [1, 2, 3, 3, 4, 5]);
        assert_eq!(sorted(low.clone().intersect(high.clone())), [3]);
        assert_eq!(sorted(low.clone().except(high.clone())), [1, 2]);
        assert_eq!(sorted(low.clone().union(high.clone()).union(odd.clone())), [1, 2, 3, 4, 5]);
        // What stands inside is done first, whatever the server's order of operators.
        assert_eq!(sorted(low.clone().union(high.clone().intersect(odd.clone()))), [1, 2, 3, 5]);
        assert_eq!(sorted(low.clone().union(high.clone()).intersect(odd.clone())), [1, 3, 5]);
        assert_eq!(sorted(high.clone().except(low.clone().except(odd.clone()))), [3, 4, 5]);
        // Members that are sorted and limited, and the whole.
        let (first, last) = (low.clone().order_by(&id).limit(1), high.clone().order_by(id.desc()).limit(1));
        assert_eq!(sorted(first.clone().union_all(last.clone())), [1, 5]);
        let page = low.clone().union(high.clone()).order_by(id.desc()).limit(2).offset(1);
        assert_eq!(numbers(db, &page), [4, 3]);
        assert_eq!(low.clone().union(high.clone()).count(db).unwrap(), 5);
        assert_eq!(page.count(db).unwrap(), 2);
        let named = select((&part, n.label("amount"))).union(select((raw("'c'"), Expr::from(7))));
        let named = named.order_by((raw("amount").nulls_last(), part.asc()));
        let amounts: Vec<Option<i64>> =
            named.all(db).unwrap().iter().map(|row| row.get("amount").unwrap()).collect();
        assert_eq!(amounts, [Some(5), Some(7), Some(10), Some(20), None]);
        assert_eq!(numbers(db, &ids(id.in_(first.union_all(last)))).len(), 2, "in the place of a list");
        let all = low.clone().union_all(low.clone()).except_all(ids(id.eq(1)));
        if dialect(db) == "sqlite" {
            let error = all.all(db).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
        } else {
            assert_eq!(sorted(all), [1, 2, 2, 3, 3]);
            assert_eq!(sorted(low.clone().union_all(low.clone()).intersect_all(ids(id.eq(1)))), [1]);
        }
        refused(db, &low.clone().union(select((&id, &n))), ErrorKind::Invalid, "1 and of 2 columns");
        refused(db, &low.clone().union(high.clone()).filter(id.gt(1)), ErrorKind::Invalid, "members");
        refused(
            db,
            &low.clone().union(high.clone()).order_by(&n),
            ErrorKind::Invalid,
            "sorted by its columns",
        );
        refused(db, &low.union(select(sales.c("nope"))), ErrorKind::NoSuchColumn, "nope");
    });
}

#[test]
fn r2_1_10_subqueries() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, part, n) = (sales.c("id"), sales.c("part"), sales.c("n"));
        let best = select((&part, func::max(&n).label("most"), func::count_all())).group_by(&part);
        let best = best.subquery("best").unwrap();
        let joined = select((&id, best.c("most"), best.c("count")))
            .join_on(&best, best.c("part").eq(&part) & best.c("most").eq(&n))
            .order_by(&id);
        let rows: Vec<(i64, i64, i64)> =
            joined.all(db).unwrap().iter().map(|row| row.to().unwrap()).collect();
        assert_eq!(rows, [(2, 20, 3), (4, 5, 2), (5, 5, 2)]);
        let all = select(&best).order_by(best.c("part"));
        let parts: Vec<String> = all.all(db).unwrap().iter().map(|row| row.get("part").unwrap()).collect();
        assert_eq!(parts, ["a", "b"]);
        assert_eq!(all.count(db).unwrap(), 2);
        // Of one, in one, of a compound, limited, twice under two names; names that repeat, or are none.
        let inner = select(&id).order_by(id.desc()).limit(3).subquery("inner_one").unwrap();
        let outer = select(inner.c("id")).filter(inner.c("id").lt(5)).subquery("outer_one").unwrap();
        assert_eq!(numbers(db, &select(func::sum(outer.c("id")))), [7]);
        let both = select(&id).filter(id.eq(1)).union(select(&id).filter(id.eq(5))).subquery("both").unwrap();
        assert_eq!(numbers(db, &select(both.c("id")).order_by(both.c("id"))), [1, 5]);
        let odd = select((&id, &id, id.add(1), id.label("id"))).subquery("odd").unwrap();
        let row = select(&odd).filter(odd.c("id").eq(2)).one(db).unwrap();
        assert_eq!(row.to::<(i64, i64, i64, i64)>().unwrap(), (2, 2, 3, 2));
        assert_eq!(numbers(db, &select(odd.c("id_2")).filter(odd.c("id_3").eq(4))), [4]);
        refused(db, &select(best.c("nope")), ErrorKind::NoSuchColumn, "nope");
        let other = db.table("other", column("id", Integer).primary_key()).unwrap();
        let outside = select(&id).filter(id.eq(other.c("id"))).subquery("s").unwrap();
        let around = select(&other).join_on(&outside, outside.c("id").eq(other.c("id")));
        refused(db, &around, ErrorKind::Invalid, "not part of the statement");
        assert_eq!(select(Vec::<Expr>::new()).subquery("s").unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(select(&id).subquery("").unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn r2_2_3_named_and_recursive() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, part, n) = (sales.c("id"), sales.c("part"), sales.c("n"));
        let sums = select((&part, func::sum(&n).label("total"))).group_by(&part).cte("sums").unwrap();
        // Twice in one statement: in the FROM and below it.
        let most = select(func::max(sums.c("total"))).from(&sums);
        let top = select(sums.c("part")).filter(sums.c("total").eq(most));
        assert_eq!(top.scalars::<String>(db).unwrap(), ["a"]);
        let twice = select((&id, sums.c("total")))
            .join_on(&sums, sums.c("part").eq(&part))
            .filter(n.gt(7))
            .order_by(&id);
        let rows: Vec<(i64, i64)> = twice.all(db).unwrap().iter().map(|row| row.to().unwrap()).collect();
        assert_eq!(rows, [(1, 30), (2, 30)]);
        // Of another, in a compound, with parameters in all of them.
        let big = select(sums.c("part")).filter(sums.c("total").gt(15)).cte("big").unwrap();
        let chosen = select(big.c("part"))
            .filter(big.c("part").ne("z"))
            .union_all(select(sums.c("part")).filter(sums.c("total").lt(15)));
        assert_eq!(chosen.order_by(big.c("part")).scalars::<String>(db).unwrap(), ["a", "b"]);
        // Numbers without a table; a chain of rows; a circle that ends.
        let five = select(Expr::from(1).typed(Integer).label("k"));
        let five = five.recursive("numbers", |numbers| {
            select(numbers.c("k").add(1)).from(numbers).filter(numbers.c("k").lt(5))
        });
        let five = five.unwrap();
        assert_eq!(numbers(db, &select(five.c("k")).order_by(five.c("k"))), [1, 2, 3, 4, 5]);
        let chain = select(&id)
            .filter(id.eq(1))
            .recursive("chain", |chain| select(&id).join_on(chain, id.eq(chain.c("id").add(2))));
        let chain = chain.unwrap();
        assert_eq!(numbers(db, &select(&id).filter(id.in_(select(chain.c("id")))).order_by(&id)), [1, 3, 5]);
        let circle = select(&id).filter(id.eq(1)).recursive_distinct("circle", |circle| {
            select(&id).join_on(circle, id.eq(circle.c("id").rem(3).add(1)))
        });
        let circle = circle.unwrap();
        assert_eq!(numbers(db, &select(func::count_all()).from(&circle)), [3]);
        let error = select(Vec::<Expr>::new()).recursive("r", |r| select(r)).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Invalid && error.message().contains("nothing"),
            "no base: {error}"
        );
        let narrow = select(&id).recursive("r", |r| select((r.c("id"), r.c("id")))).unwrap();
        refused(db, &select(&narrow), ErrorKind::Invalid, "1 and of 2 columns");
    });
}

#[test]
fn r2_1_9_locks() {
    use mirrorm::stmt::Lock;
    each_backend(|db| {
        let sales = sales(db);
        let id = sales.c("id");
        let other = db.table("other", column("id", Integer).primary_key()).unwrap();
        db.create_all().unwrap();
        let is_sqlite = dialect(db) == "sqlite";
        db.transaction(|session| {
            assert_eq!(select(&id).filter(id.eq(1)).for_update().scalars::<i64>(session)?, [1]);
            if is_sqlite {
                return Ok(());
            }
            // Somebody else is told, or passes over the rows.
            let held = select(&id).filter(id.le(3)).order_by(&id);
            let error = held.clone().lock(Lock::update().nowait()).all(db).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
            assert_eq!(held.clone().lock(Lock::update().skip_locked()).scalars::<i64>(db)?, [2, 3]);
            assert_eq!(held.lock(Lock::share().skip_locked()).all(db).map(|rows| rows.len()).unwrap_or(2), 2);
            Ok(())
        })
        .unwrap();
        let of = select(&id).join_on(&other, other.c("id").eq(&id)).lock(Lock::update().of(&sales));
        let keys = select(&id).lock(Lock::key_share());
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        let unsupported = |statement: &mirrorm::stmt::Select| {
            matches!(statement.all(db).map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::Unsupported { .. }))
        };
        assert_eq!(unsupported(&of), version.contains("MariaDB"));
        assert_eq!(unsupported(&keys), dialect(db) == "mysql");
        if !is_sqlite {
            let absent = select(&id).lock(Lock::update().of(&other));
            assert!(absent.all(db).is_err(), "a table that is not in the statement");
        }
        let whole = select(&id).union(select(&id)).for_update();
        refused(db, &whole, ErrorKind::Invalid, "members");
    });
}

#[test]
fn r2_1_3_full_join() {
    each_backend(|db| {
        let sales = sales(db);
        let other = db.table("other", (column("no", Integer).primary_key(), column("word", Text))).unwrap();
        db.create_all().unwrap();
        insert(&other).rows(["no", "word"], [(5, "five"), (6, "six")]).run(db).unwrap();
        let both = select((sales.c("id"), other.c("no")))
            .full_join_on(&other, other.c("no").eq(sales.c("id")))
            .order_by((sales.c("id").nulls_last(), other.c("no")));
        if dialect(db) == "mysql" {
            assert!(matches!(both.all(db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
            return;
        }
        let rows: Vec<(Option<i64>, Option<i64>)> =
            both.all(db).unwrap().iter().map(|row| row.to().unwrap()).collect();
        assert_eq!(rows[3..], [(Some(4), None), (Some(5), Some(5)), (None, Some(6))]);
        assert_eq!(both.count(db).unwrap(), 6);
    });
}

#[test]
fn r2_3_16_parentheses_around_operators_of_a_database() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, n) = (sales.c("id"), sales.c("n"));
        let value = |expr: Expr| -> f64 {
            let row = select(expr.cast(Double)).filter(id.eq(1)).one(db).unwrap();
            row.value(0).unwrap().to_string().parse().unwrap()
        };
        match dialect(db) {
            "mysql" => {
                assert_eq!(value(n.add(1).op("DIV", 2)), 5.0);
                let xor = n.eq(10).op("XOR", id.eq(1)) & id.eq(1);
                assert_eq!(numbers(db, &select(&id).filter(xor)), Vec::<i64>::new());
            }
            "postgresql" => assert_eq!(value(n.add(1).op("^", 2)), 121.0),
            _ => assert_eq!(value(n.add(1).op("%", 3)), 2.0),
        }
    });
}

#[test]
fn names_of_selects_mean_one_thing() {
    each_backend(|db| {
        let sales = sales(db);
        let id = sales.c("id");
        let other = db.table("o", column("id", Integer).primary_key()).unwrap();
        db.create_all().unwrap();
        insert(&other).rows(["id"], [[4], [5]]).run(db).unwrap();
        let named = select(&id).filter(id.eq(1)).cte("o").unwrap();
        let hides = select(&id).join_on(&named, named.c("id").eq(&id)).filter(id.in_(select(other.c("id"))));
        refused(db, &hides, ErrorKind::Invalid, "means a SELECT");
        refused(db, &select(&select(&id).cte("sales").unwrap()), ErrorKind::Invalid, "means a SELECT");
        let (one, two) = (select(&id).cte("x").unwrap(), select(&id).cte("x").unwrap());
        let both = select(&one).filter(exists(select(&two).filter(two.c("id").eq(one.c("id")))));
        refused(db, &both, ErrorKind::Invalid, "two SELECTs are named `x`");
        // One that stands in several places is written once.
        let first = select(&id).filter(id.le(2)).cte("c0").unwrap();
        let chain = (1..7).fold(vec![first], |mut chain, at| {
            let last = chain.last().unwrap();
            let before = chain.get(chain.len().saturating_sub(2)).unwrap_or(last);
            let within = last.c("id").in_(select(before.c("id")));
            chain.push(select(last.c("id")).filter(within).cte(format!("c{at}")).unwrap());
            chain
        });
        let last = chain.last().unwrap();
        assert_eq!(numbers(db, &select(last.c("id")).order_by(last.c("id"))), [1, 2]);
        // Names of columns that were said stay; a number goes to those that were not.
        let said =
            select((&id, sales.c("n").label("id"), sales.c("part").label("id_2"))).subquery("said").unwrap();
        let part: String = select(said.c("id_2")).filter(said.c("id").eq(1)).scalar(db).unwrap();
        assert_eq!(part, "a");
    });
}

#[test]
fn compounds_are_wholes() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, n) = (sales.c("id"), sales.c("n"));
        let ids = |at_least: i64| select(&id).filter(id.ge(at_least));
        refused(db, &ids(4).union(ids(5)).columns(&sales), ErrorKind::Invalid, "members");
        assert!(ids(4).union(ids(5)).add_columns(&sales).count(db).is_err());
        let other = db.table("o", (column("id", Integer).primary_key(), column("v", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&other).rows(["id", "v"], [[1, 9], [2, 8]]).run(db).unwrap();
        let joined = |order: &Expr| {
            let rows = select((&id, other.c("id"))).join_on(&other, other.c("id").eq(&id));
            numbers(db, &rows.clone().union(rows).order_by(order.desc()))
        };
        assert_eq!(joined(&id), [2, 1], "two columns of one name");
        let limited = select(n.label("k")).filter(n.is_not_null()).union(select(Expr::from(7)));
        assert_eq!(limited.order_by(raw("k")).limit(2).count(db).unwrap(), 2);
        let pairs = select((&id, &id)).filter(id.le(2)).order_by(&id).limit(1);
        assert_eq!(numbers(db, &select(&id).filter(tuple((&id, &id)).in_(pairs))), [1]);
        let deep = (0..3000).fold(ids(1), |all, _| all.union(ids(2)).except(ids(3)));
        refused(db, &deep, ErrorKind::TooLarge, "levels");
        let nested = (0..3000).try_fold(ids(1), |inner, _| inner.subquery("x").map(|inner| select(&inner)));
        assert_eq!(nested.unwrap_err().kind(), ErrorKind::TooLarge);
    });
}

#[test]
fn case_beside_what_has_a_type() {
    each_backend(|db| {
        let sales = sales(db);
        let (id, n) = (sales.c("id"), sales.c("n"));
        let bucket = case().when(n.ge(10), "high").when(n.lt(10), "low").otherwise("none");
        for key in [bucket.clone(), bucket.label("b")] {
            let counts = select((bucket.label("b"), func::count_all())).group_by(key).order_by(raw("2, 1"));
            let rows: Vec<(String, i64)> =
                counts.all(db).unwrap().iter().map(|row| row.to().unwrap()).collect();
            assert_eq!(rows, [("none".to_string(), 1), ("high".to_string(), 2), ("low".to_string(), 2)]);
        }
        let days = db.table("days", (column("id", Integer).primary_key(), column("at", Date))).unwrap();
        db.create_all().unwrap();
        insert(&days).rows(["id"], [[1], [2]]).run(db).unwrap();
        let day = case().when(days.c("id").eq(1), "2025-01-01").otherwise("2020-01-01");
        update(&days).set(values! { "at" => day }).all_rows().run(db).unwrap();
        let at: Vec<String> = select(days.c("at"))
            .order_by(days.c("id"))
            .all(db)
            .unwrap()
            .iter()
            .map(|row| row.value(0).unwrap().to_string())
            .collect();
        assert_eq!(at, ["2025-01-01", "2020-01-01"]);
        let whole = func::row_number().filter(id.gt(2)).over(window());
        let error = select(whole).from(&sales).all(db).unwrap_err();
        assert!(dialect(db) != "mysql" || matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
    });
}

#[test]
fn r2_3_19_frames_as_far_as_a_number_or_an_interval() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("x", Double), column("day", Date));
        let t = db.table("t", parts).unwrap();
        db.create_all().unwrap();
        let rows = [(1, 1.0, "2024-01-01"), (2, 2.25, "2024-01-03"), (3, 4.0, "2024-01-20")];
        insert(&t).rows(["id", "x", "day"], rows).run(db).unwrap();
        let of = |window: mirrorm::expr::Window| {
            select(func::count_all().over(window)).from(&t).order_by(t.c("id"))
        };
        let near = window()
            .order_by(t.c("x"))
            .range(Bound::PrecedingBy(1.25.into()), Bound::FollowingBy(1.5.into()));
        assert_eq!(numbers(db, &of(near)), [2, 2, 1]);
        let far: mirrorm::value::Interval = "P3D".parse().unwrap();
        let days =
            window().order_by(t.c("day")).range(Bound::PrecedingBy(Value::Interval(far)), Bound::Current);
        match dialect(db) {
            "postgresql" => assert_eq!(numbers(db, &of(days)), [1, 2, 1]),
            _ => assert!(matches!(of(days).all(db).unwrap_err().kind(), ErrorKind::Unsupported { .. })),
        }
        let rows = window().order_by(t.c("x")).rows(Bound::PrecedingBy(1.into()), Bound::Current);
        refused(db, &of(rows), ErrorKind::Invalid, "rows and groups are counted");
        let text = window().order_by(t.c("x")).range(Bound::PrecedingBy("1".into()), Bound::Current);
        refused(db, &of(text), ErrorKind::Invalid, "a number or an interval");
    });
}

#[test]
fn r2_3_20_numbers_of_a_sequence() {
    each_backend(|db| {
        let name = crate::support::quoted(db, "My numbers");
        let made = db.execute(&format!("CREATE SEQUENCE {name} START WITH 7"), ());
        let next = select(func::next_value("My numbers"));
        if made.is_err() {
            assert!(matches!(next.all(db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
            return;
        }
        assert_eq!((numbers(db, &next), numbers(db, &next)), (vec![7], vec![8]));
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "id" => 1, "n" => func::next_value("My numbers") }).run(db).unwrap();
        assert_eq!(numbers(db, &select(t.c("n"))), [9]);
        assert!(select(func::next_value("none's")).all(db).is_err());
    });
}
