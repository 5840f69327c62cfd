//! test_select.py: SELECTs, what they are sorted, limited, joined and put together by; `select_in.rs` has the lists.

use mirrorm::compile::Compile;
use mirrorm::dialect::IdentityFacts;
use mirrorm::expr::{Bound, Field};
use mirrorm::prelude::*;
use mirrorm::stmt::{Select, values_table};

use super::{On, lines, methods};

/// Three rows of numbers and texts.
fn labelled(on: &On<'_>) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("x", Integer),
        column("y", Integer),
        column("q", Varchar(50)),
        column("p", Varchar(50)),
    );
    let some = on.table("some_table", parts);
    let rows = [(1, 1, 2, "q1", "p3"), (2, 2, 3, "q2", "p2"), (3, 3, 4, "q3", "p1")];
    insert(&some).rows(["id", "x", "y", "q", "p"], rows).run(on.db).unwrap();
    some
}

/// Five rows of numbers; the last two have the same `x`.
fn numbers(on: &On<'_>) -> Table {
    let parts = (column("id", Integer).primary_key(), column("x", Integer), column("y", Integer));
    let some = on.table("some_table", parts);
    let rows = [(1, 1, 2), (2, 2, 3), (3, 3, 4), (4, 4, 5), (5, 4, 6)];
    insert(&some).rows(["id", "x", "y"], rows).run(on.db).unwrap();
    some
}

/// All of them by their key.
fn in_order(on: &On<'_>) -> Select {
    let some = numbers(on);
    select(&some).order_by(some.c("id"))
}

const NUMBERS: [&str; 5] = ["1,1,2", "2,2,3", "3,3,4", "4,4,5", "5,4,6"];

/// The rows of a text with these words at its end, a plan that takes numbers.
fn bound(on: &On<'_>, words: &str) -> mirrorm::engine::Plan {
    numbers(on);
    let parts = (column("id", Integer), column("x", Integer), column("y", Integer));
    let all = text(format!("SELECT id, x, y FROM some_table ORDER BY id {words}")).columns(parts);
    all.unwrap().prepare(on.db).unwrap()
}

/// A sum of two literals, reckoned by the database: a limit is a number, and this one comes from another statement.
fn reckoned(on: &On<'_>, left: &str, right: &str) -> u64 {
    let sum: i64 = select(raw(left).add(raw(right))).scalar(on.db).unwrap();
    sum.try_into().unwrap()
}

/// A second schema, gone when this is.
struct Other<'d> {
    db: &'d Db,
    name: String,
}

impl<'d> Other<'d> {
    fn new(on: &On<'d>) -> Other<'d> {
        let (words, named) = match on.dialect() {
            "sqlite" => ("ATTACH ':memory:' AS", "SELECT 'main'"),
            "postgresql" => ("CREATE SCHEMA", "SELECT current_schema()"),
            _ => ("CREATE SCHEMA", "SELECT database()"),
        };
        let own: String = on.db.query_text(named, ()).unwrap().one().unwrap().get(0).unwrap();
        let name = format!("{own}_o");
        on.db.execute_script(&format!("{words} {name}")).unwrap();
        Other { db: on.db, name }
    }
}

impl Drop for Other<'_> {
    fn drop(&mut self) {
        let name = &self.name;
        let script = match crate::support::dialect(self.db) {
            "sqlite" => format!("DETACH {name}"),
            "postgresql" => format!("DROP SCHEMA {name} CASCADE"),
            _ => format!("DROP SCHEMA {name}"),
        };
        // A test that fails has its own words to say.
        let _ = self.db.execute_script(&script);
    }
}

/// A table and one of the same name in another schema, which it points at.
fn same_named<'d>(on: &On<'d>) -> (Table, Table, Other<'d>) {
    let other = Other::new(on);
    let there = on.table("some_table", (column("id", Integer).primary_key(), in_schema(other.name.as_str())));
    let parts = (column("id", Integer).primary_key(), column("some_table_id", Integer).not_null());
    let here = on.table("some_table", parts);
    insert(&there).values(values! { "id" => 1 }).run(on.db).unwrap();
    insert(&here).values(values! { "id" => 1, "some_table_id" => 1 }).run(on.db).unwrap();
    (here, there, other)
}

/// Two tables, the second with a key to the first.
fn joined(on: &On<'_>) -> (Table, Table) {
    let a = on.table("a", column("id", Integer).primary_key());
    let key = column("a_id", Integer).references("a").not_null();
    let b = on.table("b", (column("id", Integer).primary_key(), key));
    insert(&a).rows(["id"], (1..=5).map(|id| [id])).run(on.db).unwrap();
    insert(&b).rows(["id", "a_id"], [(1, 1), (2, 1), (4, 2), (5, 3)]).run(on.db).unwrap();
    (a, b)
}

/// A table, and what selects its second row and its third.
fn two_of(on: &On<'_>) -> (Table, Select, Select) {
    let some = numbers(on);
    let of = |id: i64| select(&some).filter(some.c("id").eq(id));
    (some.clone(), of(2), of(3))
}

const TWO: [&str; 2] = ["2,2,3", "3,3,4"];

/// Squares, whose area and perimeter the database computes.
fn squares(on: &On<'_>) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("side", Integer),
        column("area", Integer).computed(raw("side * side"), true),
        column("perimeter", Integer).computed(raw("4 * side"), true),
    );
    let square = on.table("square", parts);
    insert(&square).rows(["id", "side"], [(1, 10), (10, 42)]).run(on.db).unwrap();
    square
}

/// How a key's numbers go.
fn key_of(always: bool, start: i64, increment: i64, min: i64, max: i64) -> mirrorm::schema::Column {
    let numbers = IdentityFacts { always, start, increment, min, max, cycle: false, cache: 1 };
    column("id", Integer).primary_key().identity(numbers)
}

/// Two tables of keys: upwards from 42 by the database only, downwards from 0 by anybody.
fn identities(on: &On<'_>) -> (Table, Table) {
    let a = on.table("tbl_a", (key_of(true, 42, 1, 1, i64::from(i32::MAX)), column("desc", Varchar(100))));
    let b = on.table("tbl_b", (key_of(false, 0, -5, -1000, 0), column("desc", Varchar(100))));
    insert(&a).rows(["desc"], [["a"], ["b"]]).run(on.db).unwrap();
    insert(&b).rows(["desc"], [["a"], ["b"]]).run(on.db).unwrap();
    insert(&b).values(values! { "id" => 42, "desc" => "c" }).run(on.db).unwrap();
    (a, b)
}

/// Whether there is a row of this text, said by a SELECT without a table.
fn one_if_exists(on: &On<'_>, data: &str) -> Select {
    let stuff = on.table("stuff", (column("id", Integer).primary_key(), column("data", Varchar(50))));
    let rows = [(1, "some data"), (2, "some data"), (3, "some data"), (4, "some other data")];
    insert(&stuff).rows(["id", "data"], rows).run(on.db).unwrap();
    select(Expr::from(1)).filter(exists(select(stuff.c("id")).filter(stuff.c("data").eq(data))))
}

/// Rows from 1 to 49: the number, its fivefold, and a half more than it.
fn windowed(on: &On<'_>) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("col1", Integer),
        column("col2", Integer),
        column("col3", Double),
    );
    let some = on.table("some_table", parts);
    let rows = (1..50).map(|n| (n, n, n * 5, f64::from(n) + 0.5));
    insert(&some).rows(["id", "col1", "col2", "col3"], rows).run(on.db).unwrap();
    some
}

methods! {
    CollateTest {
        fn collate_order_by(on) {
            let some = on.table("some_table", (column("id", Integer).primary_key(), column("data", Varchar(100))));
            insert(&some).rows(["id", "data"], [(1, "a"), (2, "B"), (3, "b")]).run(on.db).unwrap();
            let by_bytes = match on.dialect() {
                "sqlite" => "BINARY",
                "postgresql" => "C",
                _ => "utf8mb4_bin",
            };
            let sorted = |term: Expr| on.texts(&select(some.c("data")).order_by(term));
            on.is(sorted(some.c("data").collate(by_bytes).asc()), ["B", "a", "b"]);
            on.is(sorted(some.c("data").collate(by_bytes).desc()), ["b", "a", "B"]);
            on.holds(select(&some).order_by(some.c("data").collate("no_such_one")).all(on.db).is_err());
        }
    }

    OrderByLabelTest {
        fn plain(on) {
            let lx = labelled(on).c("x").label("lx");
            on.is(on.texts(&select(&lx).order_by(&lx)), ["1", "2", "3"]);
        }

        fn composed_int(on) {
            let some = labelled(on);
            let lx = some.c("x").add(some.c("y")).label("lx");
            on.is(on.texts(&select(&lx).order_by(&lx)), ["3", "5", "7"]);
        }

        fn composed_multiple(on) {
            let some = labelled(on);
            let lx = some.c("x").add(some.c("y")).label("lx");
            let ly = func::lower(some.c("q")).concat(some.c("p")).label("ly");
            on.is(on.rows(&select((&lx, &ly)).order_by((&lx, ly.desc()))), ["3,q1p3", "5,q2p2", "7,q3p1"]);
            on.is(on.texts(&select((&ly, &lx)).order_by((ly.desc(), &lx))), ["q3p1", "q2p2", "q1p3"]);
        }

        fn plain_desc(on) {
            let lx = labelled(on).c("x").label("lx");
            on.is(on.texts(&select(&lx).order_by(lx.desc())), ["3", "2", "1"]);
        }

        fn composed_int_desc(on) {
            let some = labelled(on);
            let lx = some.c("x").add(some.c("y")).label("lx");
            on.is(on.texts(&select(&lx).order_by(lx.desc())), ["7", "5", "3"]);
        }

        fn group_by_composed(on) {
            let some = labelled(on);
            let sum = some.c("x").add(some.c("y")).label("lx");
            let counted = select((func::count(some.c("id")), &sum)).group_by(&sum).order_by(&sum);
            on.is(on.rows(&counted), ["1,3", "1,5", "1,7"]);
        }
    }

    ValuesExpressionTest {
        fn tuples(on) {
            let parts = (column("id", Integer), column("name", Varchar(20)));
            let given = values_table("my_values", parts, [(1, "name1"), (2, "name2"), (3, "name3")]).unwrap();
            on.is(on.rows(&select(&given).order_by(given.c("id"))), ["1,name1", "2,name2", "3,name3"]);
            on.is(on.texts(&select(given.c("name")).filter(given.c("id").eq(2))), ["name2"]);
        }
    }

    FetchLimitOffsetTest {
        fn simple_limit(on) {
            let all = in_order(on);
            on.is(on.rows(&all.clone().limit(2)), &NUMBERS[..2]);
            on.is(on.rows(&all.limit(3)), &NUMBERS[..3]);
        }

        fn limit_render_multiple_times(on) {
            let some = numbers(on);
            let first = select(some.c("id")).order_by(some.c("id")).limit(1);
            let one = || select(Expr::from(first.clone()).label("id"));
            let both = one().union(one()).subquery("u").unwrap();
            on.is(on.texts(&select(&both)), ["1"]);
        }

        fn simple_offset(on) {
            let all = in_order(on);
            on.is(on.rows(&all.clone().offset(2)), &NUMBERS[2..]);
            on.is(on.rows(&all.offset(3)), &NUMBERS[3..]);
        }

        fn simple_limit_offset(on) {
            let all = in_order(on);
            for (limit, offset) in [(2, 0), (2, 1), (3, 2), (2, 1), (2, 0), (3, 1), (2, 1), (3, 1), (0, 1), (9, 4)] {
                let expected: Vec<&str> = NUMBERS.into_iter().skip(offset).take(limit).collect();
                on.is(on.rows(&all.clone().limit(limit as u64).offset(offset as u64)), expected);
            }
        }

        fn simple_offset_zero(on) {
            let all = in_order(on);
            on.is(on.rows(&all.clone().offset(0)), NUMBERS);
            on.is(on.rows(&all.offset(1)), &NUMBERS[1..]);
        }

        fn limit_offset_nobinds(on) {
            let target = on.db.engine().unwrap().target().unwrap();
            let sql = in_order(on).limit(2).offset(1).to_sql(&target).unwrap();
            on.holds(!sql.contains(['?', '$', ':']));
            on.is(lines(&on.db.query_text(&sql, ()).unwrap()), &NUMBERS[1..3]);
        }

        fn bound_limit(on) {
            let plan = bound(on, "LIMIT :l");
            on.is(lines(&plan.all(on.db, values! { "l" => 2 }).unwrap()), &NUMBERS[..2]);
            on.is(lines(&plan.all(on.db, values! { "l" => 3 }).unwrap()), &NUMBERS[..3]);
        }

        fn bound_offset(on) {
            // There is no OFFSET alone but on PostgreSQL.
            let plan = bound(on, if on.dialect() == "postgresql" { "OFFSET :o" } else { "LIMIT 1000 OFFSET :o" });
            on.is(lines(&plan.all(on.db, values! { "o" => 2 }).unwrap()), &NUMBERS[2..]);
            on.is(lines(&plan.all(on.db, values! { "o" => 1 }).unwrap()), &NUMBERS[1..]);
        }

        fn bound_limit_offset(on) {
            let plan = bound(on, "LIMIT :l OFFSET :o");
            on.is(lines(&plan.all(on.db, values! { "l" => 2, "o" => 1 }).unwrap()), &NUMBERS[1..3]);
            on.is(lines(&plan.all(on.db, values! { "l" => 3, "o" => 2 }).unwrap()), &NUMBERS[2..]);
            on.fails(plan.all(on.db, values! { "l" => 3 }), ErrorKind::Invalid);
        }

        fn expr_offset(on) {
            on.is(on.rows(&in_order(on).offset(reckoned(on, "1", "2"))), &NUMBERS[3..]);
        }

        fn expr_limit(on) {
            on.is(on.rows(&in_order(on).limit(reckoned(on, "1", "2"))), &NUMBERS[..3]);
        }

        fn expr_limit_offset(on) {
            let two = reckoned(on, "1", "1");
            on.is(on.rows(&in_order(on).limit(two).offset(two)), &NUMBERS[2..4]);
        }

        fn simple_limit_expr_offset(on) {
            let (all, two) = (in_order(on), reckoned(on, "1", "1"));
            on.is(on.rows(&all.clone().limit(2).offset(two)), &NUMBERS[2..4]);
            on.is(on.rows(&all.limit(3).offset(two)), &NUMBERS[2..]);
        }

        fn expr_limit_simple_offset(on) {
            let (all, two) = (in_order(on), reckoned(on, "1", "1"));
            on.is(on.rows(&all.clone().limit(two).offset(2)), &NUMBERS[2..4]);
            on.is(on.rows(&all.limit(two).offset(1)), &NUMBERS[1..3]);
        }
    }

    SameNamedSchemaTableTest {
        fn simple_join_both_tables(on) {
            let (here, there, _schema) = same_named(on);
            let both = select((&here, &there)).join_on(&there, here.c("some_table_id").eq(there.c("id")));
            on.is(on.rows(&both), ["1,1,1"]);
        }

        fn simple_join_whereclause_only(on) {
            let (here, there, _schema) = same_named(on);
            let one = select(&here).join_on(&there, here.c("some_table_id").eq(there.c("id")));
            on.is(on.rows(&one.clone().filter(here.c("id").eq(1))), ["1,1"]);
            on.is(on.rows(&one.filter(here.c("id").eq(2))), [""; 0]);
        }

        fn subquery(on) {
            let (here, there, _schema) = same_named(on);
            let one = select(&here).join_on(&there, here.c("some_table_id").eq(there.c("id")));
            let one = one.filter(here.c("id").eq(1)).subquery("one").unwrap();
            let found = select((&here, one.c("id"))).join_on(&one, here.c("some_table_id").eq(one.c("id")));
            on.is(on.rows(&found.filter(here.c("id").eq(1))), ["1,1,1"]);
        }
    }

    JoinTest {
        fn inner_join_fk(on) {
            let (a, b) = joined(on);
            let found = select((&a, &b)).join(&b).order_by((a.c("id"), b.c("id")));
            on.is(on.rows(&found), ["1,1,1", "1,2,1", "2,4,2", "3,5,3"]);
        }

        fn inner_join_true(on) {
            let (a, b) = joined(on);
            let found = select((&a, &b)).join_on(&b, true).order_by((a.c("id"), b.c("id")));
            let pairs = (1..=5).flat_map(|id| ["1,1", "2,1", "4,2", "5,3"].map(|b| format!("{id},{b}")));
            on.is(on.rows(&found), pairs.collect::<Vec<_>>());
        }

        fn inner_join_false(on) {
            let (a, b) = joined(on);
            on.is(on.rows(&select((&a, &b)).join_on(&b, false)), [""; 0]);
        }

        fn outer_join_false(on) {
            let (a, b) = joined(on);
            let found = select((&a, &b)).left_join_on(&b, false).order_by((a.c("id"), b.c("id")));
            on.is(on.rows(&found), ["1,-,-", "2,-,-", "3,-,-", "4,-,-", "5,-,-"]);
        }

        fn outer_join_fk(on) {
            let (a, b) = joined(on);
            let found = select((&a, &b)).left_join(&b).order_by((a.c("id"), b.c("id")));
            on.is(on.rows(&found), ["1,1,1", "1,2,1", "2,4,2", "3,5,3", "4,-,-", "5,-,-"]);
        }
    }

    CompoundSelectTest {
        fn plain_union(on) {
            let (some, second, third) = two_of(on);
            on.is(on.rows(&second.union(third).order_by(some.c("id"))), TWO);
        }

        fn select_from_plain_union(on) {
            let (_, second, third) = two_of(on);
            let both = second.union(third).subquery("u").unwrap();
            on.is(on.rows(&select(&both).order_by(both.c("id"))), TWO);
        }

        fn limit_offset_selectable_in_unions(on) {
            let (some, second, third) = two_of(on);
            let first_of = |found: Select| found.limit(1).order_by(some.c("id"));
            on.is(on.rows(&first_of(second).union(first_of(third)).limit(2).order_by(some.c("id"))), TWO);
            // The limit is the member's, not the whole's.
            let all = || select(&some).order_by(some.c("id").desc());
            let both = all().limit(1).union_all(all().limit(1).offset(1)).order_by(some.c("id").desc());
            on.is(on.rows(&both), ["5,4,6", "4,4,5"]);
        }

        fn order_by_selectable_in_unions(on) {
            let (some, second, third) = two_of(on);
            let both = second.order_by(some.c("id")).union(third.order_by(some.c("id"))).limit(2);
            on.is(on.rows(&both.order_by(some.c("id"))), TWO);
        }

        fn distinct_selectable_in_unions(on) {
            let (some, second, third) = two_of(on);
            on.is(on.rows(&second.distinct().union(third.distinct()).limit(2).order_by(some.c("id"))), TWO);
            let xs = || select(some.c("x")).filter(some.c("x").eq(4));
            on.is(on.texts(&xs().distinct().union_all(xs().distinct())), ["4", "4"]);
        }

        fn limit_offset_in_unions_from_alias(on) {
            let (some, second, third) = two_of(on);
            let first_of = |found: Select| found.limit(1).order_by(some.c("id"));
            let both = first_of(second).union(first_of(third)).subquery("u").unwrap();
            on.is(on.rows(&select(&both).limit(2).order_by(both.c("id"))), TWO);
            on.is(on.rows(&select(&both).limit(1).offset(1).order_by(both.c("id"))), &TWO[1..]);
        }

        fn limit_offset_aliased_selectable_in_unions(on) {
            let (some, second, third) = two_of(on);
            let first_of = |found: Select, name: &str| {
                let first = found.limit(1).order_by(some.c("id")).subquery(name).unwrap();
                select(&first)
            };
            let both = first_of(second, "s").union(first_of(third, "t")).limit(2);
            on.is(on.rows(&both.order_by("id")), TWO);
        }
    }

    ComputedColumnTest {
        fn select_all(on) {
            let square = squares(on);
            let all = select(&square).order_by(square.c("id"));
            on.is(on.rows(&all), ["1,10,100,40", "10,42,1764,168"]);
        }

        fn select_columns(on) {
            let square = squares(on);
            let two = select((square.c("area"), square.c("perimeter"))).order_by(square.c("id"));
            on.is(on.rows(&two), ["100,40", "1764,168"]);
            update(&square).set(values! { "side" => 2 }).filter(square.c("id").eq(1)).run(on.db).unwrap();
            on.is(on.rows(&two), ["4,8", "1764,168"]);
        }
    }

    IdentityColumnTest {
        fn select_all(on) needs [Identity] {
            let (a, b) = identities(on);
            on.is(on.rows(&select(&a).order_by(a.c("id"))), ["42,a", "43,b"]);
            on.is(on.rows(&select(&b).order_by(b.c("id"))), ["-5,b", "0,a", "42,c"]);
        }

        fn select_columns(on) needs [Identity] {
            let (a, _) = identities(on);
            on.is(on.texts(&select(a.c("id")).order_by(a.c("id"))), ["42", "43"]);
        }

        fn insert_always_error(on) needs [Identity] {
            let (a, _) = identities(on);
            on.fails(insert(&a).values(values! { "id" => 200, "desc" => "a" }).run(on.db), ErrorKind::Database);
        }
    }

    IdentityAutoincrementTest {
        fn autoincrement_with_identity(on) {
            let key = key_of(false, 1, 1, 1, i64::from(i32::MAX));
            let always = key.autoincrement(mirrorm::schema::Autoincrement::Always);
            let tbl = on.table("tbl", (always, column("desc", Varchar(100))));
            let made = insert(&tbl).values(values! { "desc" => "row" }).run(on.db).unwrap();
            on.is(made.id(), Some(1));
            on.is(on.rows(&select(&tbl)), ["1,row"]);
        }
    }

    ExistsTest {
        fn select_exists(on) {
            on.is(on.texts(&one_if_exists(on, "some data")), ["1"]);
        }

        fn select_exists_false(on) {
            on.is(on.texts(&one_if_exists(on, "no data")), [""; 0]);
        }
    }

    DistinctOnTest {
        fn distinct_on(on) {
            let some = numbers(on);
            let first = select(&some).distinct_on([some.c("x")]).order_by((some.c("x"), some.c("id").desc()));
            match on.dialect() {
                "postgresql" => on.is(on.rows(&first), ["1,1,2", "2,2,3", "3,3,4", "5,4,6"]),
                dialect => {
                    on.fails(first.all(on.db), ErrorKind::Unsupported { feature: "DISTINCT ON", dialect });
                }
            }
        }
    }

    IsOrIsNotDistinctFromTest {
        fn is_or_is_not_distinct_from(on) {
            let parts = (column("id", Integer).primary_key(), column("a", Integer), column("b", Integer));
            let table = on.table("is_distinct_test", parts);
            let pairs = [(Some(0), Some(1), 1), (Some(1), Some(1), 0), (None, Some(1), 1), (Some(0), None, 1), (None, None, 0)];
            for (a, b, differ) in pairs {
                delete(&table).all_rows().run(on.db).unwrap();
                insert(&table).values(values! { "id" => 1, "a" => a, "b" => b }).run(on.db).unwrap();
                let count = |condition: Expr| select(&table).filter(condition).count(on.db).unwrap();
                on.is(count(table.c("a").is_not(table.c("b"))), differ);
                on.is(count(table.c("a").is(table.c("b"))), 1 - differ);
            }
        }
    }

    WindowFunctionTest {
        fn window(on) {
            let some = windowed(on);
            let most = func::max(some.c("col2")).over(mirrorm::expr::window().order_by(some.c("col1").desc()));
            let most: Vec<i64> = select(most).filter(some.c("col1").lt(20)).scalars(on.db).unwrap();
            on.is(most, [95; 19]);
        }

        fn window_range(on) {
            let some = windowed(on);
            let found = |frame: mirrorm::expr::Window| -> Vec<i64> {
                let most = func::max(some.c("col1")).over(frame.range(Bound::Current, Bound::Following(5)));
                select(most).filter(some.c("col1").lt(20)).order_by(some.c("col1")).scalars(on.db).unwrap()
            };
            let by_value = window().order_by(some.c("col2").asc());
            on.is(found(by_value.clone()), (2..20).chain([19]).collect::<Vec<_>>());
            on.is(found(by_value.partition_by(some.c("col2"))), (1..20).collect::<Vec<_>>());
        }

        fn window_range_numeric(on) {
            let some = windowed(on);
            let value = some.c("col3");
            let found = |most: Expr| -> Vec<f64> {
                select(most).filter(some.c("col1").lt(20)).order_by(some.c("col1")).scalars(on.db).unwrap()
            };
            let next: Vec<f64> = (2..20).chain([19]).map(|n| f64::from(n) + 0.5).collect();
            let whole = window().order_by(&value).range(Bound::Preceding(1), Bound::Following(1));
            on.is(found(func::max(&value).over(whole)), &next[..]);
            // Bounds with a fraction have to be said in a text.
            let words = "max(:v) OVER (ORDER BY :v RANGE BETWEEN 1.25 PRECEDING AND 1.25 FOLLOWING)";
            on.is(found(text(words).bind("v", &value).expr()), &next[..]);
        }

        fn window_range_dates(on) {
            let days = on.table("range_string", (column("value", Integer), column("day", Date)));
            let rows = [(1, "2025-10-01"), (2, "2025-10-02"), (3, "2025-10-10"), (4, "2025-10-13"), (5, "2025-10-16")];
            insert(&days).rows(["value", "day"], rows).run(on.db).unwrap();
            // A frame counts numbers; a day is one of seconds.
            let week = window().order_by(days.c("day").extract(Field::Epoch));
            let week = week.range(Bound::Preceding(7 * 24 * 60 * 60), Bound::Current);
            let sums = select(func::sum(days.c("value")).over(week)).order_by(days.c("day"));
            on.is(sums.scalars::<i64>(on.db).unwrap(), [1, 3, 3, 7, 12]);
        }

        fn window_rows_between_w_caching(on) {
            let some = windowed(on);
            for (from, to) in [(5, 20), (20, 30), (5, 20), (20, 30)] {
                let frame = window().order_by(some.c("col1")).rows(Bound::Following(from), Bound::Following(to));
                let most = select(func::max(some.c("col2")).over(frame)).order_by(some.c("col1"));
                let last = |n: u32| (n + from <= 49).then(|| i64::from((n + to).min(49) * 5));
                on.is(most.scalars::<Option<i64>>(on.db).unwrap(), (1..50).map(last).collect::<Vec<_>>());
            }
        }
    }

    BitwiseTest {
        fn bitwise(on) {
            let bits = on.table("bitwise", (column("a", Integer), column("b", Integer)));
            insert(&bits).rows(["a", "b"], (0..10).map(|n| [n, n + 1])).run(on.db).unwrap();
            let a = bits.c("a");
            let found = |bits_of: Expr| select(&a).filter(bits_of.gt(0)).order_by(&a).scalars::<i64>(on.db);
            on.is(found(a.op("|", 1)).unwrap(), (0..10).collect::<Vec<_>>());
            on.is(found(a.op("&", 4)).unwrap(), (4..8).collect::<Vec<_>>());
            on.is(found(a.op("<<", 1)).unwrap(), (1..10).collect::<Vec<_>>());
            on.is(found(a.op(">>", 2)).unwrap(), (4..10).collect::<Vec<_>>());
            // MySQL's is without a sign.
            let not = if on.dialect() == "mysql" { "CAST(~(:n) AS SIGNED)" } else { "(~(:n))" };
            on.is(found(text(not).bind("n", a.sub(2)).expr()).unwrap(), [0]);
            let different = found(a.op(if on.dialect() == "postgresql" { "#" } else { "^" }, 5));
            match on.dialect() {
                // It has no such operator.
                "sqlite" => on.fails(different, ErrorKind::Syntax),
                _ => on.is(different.unwrap(), [0, 1, 2, 3, 4, 6, 7, 8, 9]),
            }
        }
    }
}
