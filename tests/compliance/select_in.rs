//! test_select.py: lists of values after IN, values in the text, and patterns; `select.rs` has the rest.

use mirrorm::compile::Compile;
use mirrorm::engine::Plan;
use mirrorm::prelude::*;
use mirrorm::stmt::Select;

use super::{On, lines, methods};

/// Four rows of numbers and a text.
fn numbers(on: &On<'_>) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("x", Integer),
        column("y", Integer),
        column("z", Varchar(50)),
    );
    let some = on.table("some_table", parts);
    let rows = [(1, 1, 2, "z1"), (2, 2, 3, "z2"), (3, 3, 4, "z3"), (4, 4, 5, "z4")];
    insert(&some).rows(["id", "x", "y", "z"], rows).run(on.db).unwrap();
    some
}

/// The keys of the rows for which a condition holds.
fn ids(on: &On<'_>, some: &Table, condition: impl Into<Expr>) -> Vec<String> {
    on.texts(&select(some.c("id")).filter(condition).order_by(some.c("id")))
}

/// The same as a plan, which takes the values of its parameters when it runs.
fn plan(on: &On<'_>, some: &Table, condition: impl Into<Expr>) -> Plan {
    select(some.c("id")).filter(condition).order_by(some.c("id")).prepare(on.db).unwrap()
}

/// The keys of the rows for which a condition holds, up to a key that the plan is given.
fn ids_up_to(on: &On<'_>, some: &Table, condition: Expr, most: i64) -> Vec<String> {
    let plan = plan(on, some, condition & some.c("id").le(param("most")));
    lines(&plan.all(on.db, values! { "most" => most }).unwrap())
}

/// A list without values, of any type.
fn nothing() -> Vec<Value> {
    Vec::new()
}

/// A list of pairs in a text: SQLite wants to be told that they are rows.
fn listed(on: &On<'_>) -> &'static str {
    if on.dialect() == "sqlite" { "(x, z) IN (VALUES :a, :b, :c)" } else { "(x, z) IN (:a, :b, :c)" }
}

/// The text of a statement with its values in it, and what it finds.
fn readable(on: &On<'_>, found: &Select) -> (String, Vec<String>) {
    let target = on.db.engine().unwrap().target().unwrap();
    let sql = found.to_sql(&target).unwrap();
    let rows = on.db.query_text(&sql, ()).unwrap();
    (sql, lines(&rows))
}

const NONE: [&str; 0] = [];
const ALL: [&str; 4] = ["1", "2", "3", "4"];

/// Texts with what patterns take for signs.
fn patterns(on: &On<'_>) -> Table {
    let some = on.table("some_table", (column("id", Integer).primary_key(), column("data", Varchar(50))));
    let texts = [
        Some("abcdefg"),
        Some("ab/cdefg"),
        Some("ab%cdefg"),
        Some("ab_cdefg"),
        Some("abcde/fg"),
        Some("abcde%fg"),
        Some("ab#cdefg"),
        Some("ab9cdefg"),
        Some("abcde#fg"),
        Some("abcd9fg"),
        None,
    ];
    insert(&some).rows(["id", "data"], (1..).zip(texts)).run(on.db).unwrap();
    some
}

/// The keys of the texts for which a condition holds.
fn matched(on: &On<'_>, condition: impl FnOnce(Expr) -> Expr) -> Vec<i64> {
    let some = patterns(on);
    of(on, &some, condition(some.c("data")))
}

fn of(on: &On<'_>, some: &Table, condition: Expr) -> Vec<i64> {
    select(some.c("id")).filter(condition).order_by(some.c("id")).scalars(on.db).unwrap()
}

/// A pattern whose signs stand for themselves behind a `#`.
fn like(data: Expr, pattern: &str) -> Expr {
    text("(:data LIKE :pattern ESCAPE '#')").bind("data", data).bind("pattern", pattern).expr()
}

methods! {
    PostCompileParamsTest {
        fn compile(on) {
            let some = numbers(on);
            let found = select(some.c("id")).filter(some.c("x").eq(param("q")));
            let target = on.db.engine().unwrap().target().unwrap();
            on.holds(found.to_sql(&target).unwrap().ends_with("some_table.x = :q"));
        }

        fn compile_literal_binds(on) {
            let some = numbers(on);
            let found = select(some.c("id")).filter(some.c("x").eq(10));
            let target = on.db.engine().unwrap().target().unwrap();
            on.holds(found.to_sql(&target).unwrap().ends_with("some_table.x = 10"));
            on.is(found.compile(&target).unwrap().binds(), [Value::from(10)]);
        }

        fn execute(on) {
            let some = numbers(on);
            let (sql, rows) = readable(on, &select(some.c("id")).filter(some.c("x").eq(3)));
            on.holds(sql.ends_with("= 3"));
            on.is(rows, ["3"]);
        }

        fn execute_expanding_plus_literal_execute(on) {
            let some = numbers(on);
            let found = select(some.c("id")).filter(some.c("x").in_([2, 3, 7])).order_by(some.c("id"));
            let (sql, rows) = readable(on, &found);
            on.holds(sql.contains("IN (2, 3, 7)"));
            on.is(rows, ["2", "3"]);
        }

        fn execute_tuple_expanding_plus_literal_execute(on) {
            let some = numbers(on);
            let pairs = tuple((some.c("x"), some.c("y"))).in_([tuple((2, 3)), tuple((3, 3))]);
            let (sql, rows) = readable(on, &select(some.c("id")).filter(pairs));
            on.holds(sql.contains("(2, 3), (3, 3)"));
            on.is(rows, ["2"]);
        }

        fn execute_tuple_expanding_plus_literal_heterogeneous_execute(on) {
            let some = numbers(on);
            let pairs = tuple((some.c("x"), some.c("z"))).in_([tuple((2, "z2")), tuple((3, "it's"))]);
            let (sql, rows) = readable(on, &select(some.c("id")).filter(pairs));
            on.holds(sql.contains("(2, 'z2'), (3, 'it''s')"));
            on.is(rows, ["2"]);
        }
    }

    ExpandingBoundInTest {
        fn multiple_empty_sets_bindparam(on) {
            let some = numbers(on);
            on.is(ids_up_to(on, &some, some.c("x").in_(nothing()) & some.c("y").in_(nothing()), 9), NONE);
            on.is(ids_up_to(on, &some, some.c("x").in_(nothing()) | some.c("y").not_in(nothing()), 2), ["1", "2"]);
        }

        fn multiple_empty_sets_direct(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("x").in_(nothing()) & some.c("y").in_(nothing())), NONE);
            on.is(ids(on, &some, some.c("x").not_in(nothing()) & some.c("y").not_in(nothing())), ALL);
        }

        fn empty_heterogeneous_tuples_bindparam(on) {
            let some = numbers(on);
            let pair = tuple((some.c("x"), some.c("z")));
            on.is(ids_up_to(on, &some, pair.in_(nothing()), 9), NONE);
            on.is(ids_up_to(on, &some, pair.not_in(nothing()), 3), ["1", "2", "3"]);
        }

        fn empty_heterogeneous_tuples_direct(on) {
            let some = numbers(on);
            let pair = tuple((some.c("x"), some.c("z")));
            on.is(ids(on, &some, pair.in_(nothing())), NONE);
            on.is(ids(on, &some, pair.in_([tuple((2, "z2")), tuple((3, "z3")), tuple((4, "z4"))])), &ALL[1..]);
            on.is(ids(on, &some, pair.in_(nothing())), NONE);
        }

        fn empty_homogeneous_tuples_bindparam(on) {
            let some = numbers(on);
            let pair = tuple((some.c("x"), some.c("y")));
            on.is(ids_up_to(on, &some, pair.in_(nothing()), 9), NONE);
            on.is(ids_up_to(on, &some, pair.not_in(nothing()), 3), ["1", "2", "3"]);
        }

        fn empty_homogeneous_tuples_direct(on) {
            let some = numbers(on);
            let pair = tuple((some.c("x"), some.c("y")));
            on.is(ids(on, &some, pair.in_(nothing())), NONE);
            on.is(ids(on, &some, pair.in_([tuple((1, 2)), tuple((2, 3)), tuple((3, 4))])), &ALL[..3]);
            on.is(ids(on, &some, pair.in_(nothing())), NONE);
        }

        fn bound_in_scalar_bindparam(on) {
            let some = numbers(on);
            let plan = plan(on, &some, some.c("x").in_(["a", "b", "c"].map(param)));
            let found = |a: i64, b: i64, c: i64| lines(&plan.all(on.db, values! { "a" => a, "b" => b, "c" => c }).unwrap());
            on.is(found(2, 3, 4), &ALL[1..]);
            on.is(found(1, 1, 9), &ALL[..1]);
        }

        fn bound_in_scalar_direct(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("x").in_([2, 3, 4])), &ALL[1..]);
        }

        fn nonempty_in_plus_empty_notin(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("x").in_([2, 3]) & some.c("id").not_in(nothing())), ["2", "3"]);
        }

        fn empty_in_plus_notempty_notin(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("x").in_(nothing()) & some.c("id").not_in([2, 3])), NONE);
        }

        fn typed_str_in(on) {
            let some = numbers(on);
            let typed = |value: &str| Expr::from(value).typed(Varchar(50));
            let list = tuple(["z2", "z3", "z4"].map(typed).to_vec());
            on.is(ids(on, &some, text("z IN :q").bind("q", list)), &ALL[1..]);
        }

        fn untyped_str_in(on) {
            let some = numbers(on);
            on.is(ids(on, &some, text("z IN :q").bind("q", tuple(vec!["z2", "z3", "z4"]))), &ALL[1..]);
        }

        fn bound_in_two_tuple_bindparam(on) {
            let some = numbers(on);
            let pairs = [("a", "b"), ("c", "d")].map(|(x, y)| tuple((param(x), param(y))));
            let plan = plan(on, &some, tuple((some.c("x"), some.c("y"))).in_(pairs));
            let found = |c: i64, d: i64| {
                lines(&plan.all(on.db, values! { "a" => 2, "b" => 3, "c" => c, "d" => d }).unwrap())
            };
            on.is(found(4, 5), ["2", "4"]);
            on.is(found(4, 6), ["2"]);
        }

        fn bound_in_two_tuple_direct(on) {
            let some = numbers(on);
            let pairs = [tuple((2, 3)), tuple((3, 4)), tuple((4, 5))];
            on.is(ids(on, &some, tuple((some.c("x"), some.c("y"))).in_(pairs)), &ALL[1..]);
        }

        fn bound_in_heterogeneous_two_tuple_bindparam(on) {
            let some = numbers(on);
            let pairs = [("a", "b"), ("c", "d")].map(|(x, z)| tuple((param(x), param(z))));
            let plan = plan(on, &some, tuple((some.c("x"), some.c("z"))).in_(pairs));
            let found = |c: i64, d: &str| {
                lines(&plan.all(on.db, values! { "a" => 2, "b" => "z2", "c" => c, "d" => d }).unwrap())
            };
            on.is(found(4, "z4"), ["2", "4"]);
            on.is(found(4, "z3"), ["2"]);
        }

        fn bound_in_heterogeneous_two_tuple_direct(on) {
            let some = numbers(on);
            let pairs = [tuple((2, "z2")), tuple((3, "z3")), tuple((4, "z4"))];
            on.is(ids(on, &some, tuple((some.c("x"), some.c("z"))).in_(pairs)), &ALL[1..]);
        }

        fn bound_in_heterogeneous_two_tuple_text_bindparam(on) {
            let some = numbers(on);
            let pairs = text(listed(on)).bind("a", tuple((2, "z2"))).bind("b", tuple((3, "z3"))).bind("c", tuple((4, "z4")));
            on.is(ids(on, &some, pairs), &ALL[1..]);
        }

        fn bound_in_heterogeneous_two_tuple_typed_bindparam_non_tuple(on) {
            let some = numbers(on);
            let pair = |x: i64, z: &str| tuple(vec![Expr::from(x).typed(Integer), Expr::from(z).typed(Varchar(50))]);
            let pairs = text(listed(on)).binds(values! { "a" => pair(2, "z2"), "b" => pair(3, "z3"), "c" => pair(4, "z4") });
            on.is(ids(on, &some, pairs), &ALL[1..]);
        }

        fn bound_in_heterogeneous_two_tuple_text_bindparam_non_tuple(on) {
            let some = numbers(on);
            let pair = |x: i64, z: &str| tuple(vec![Value::from(x), Value::from(z)]);
            let pairs = text(listed(on)).binds(values! { "a" => pair(2, "z2"), "b" => pair(3, "z3"), "c" => pair(4, "z4") });
            on.is(ids(on, &some, pairs), &ALL[1..]);
        }

        fn empty_set_against_integer_bindparam(on) {
            let some = numbers(on);
            on.is(ids_up_to(on, &some, some.c("x").in_(nothing()), 9), NONE);
        }

        fn empty_set_against_integer_direct(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("x").in_([0_i64; 0])), NONE);
        }

        fn empty_set_against_integer_negation_bindparam(on) {
            let some = numbers(on);
            on.is(ids_up_to(on, &some, some.c("x").not_in(nothing()), 9), ALL);
            on.is(ids_up_to(on, &some, !some.c("x").in_(nothing()), 3), &ALL[..3]);
        }

        fn empty_set_against_integer_negation_direct(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("x").not_in([0_i64; 0])), ALL);
        }

        fn empty_set_against_string_bindparam(on) {
            let some = numbers(on);
            on.is(ids_up_to(on, &some, some.c("z").in_(nothing()), 9), NONE);
        }

        fn empty_set_against_string_direct(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("z").in_([""; 0])), NONE);
        }

        fn empty_set_against_string_negation_bindparam(on) {
            let some = numbers(on);
            on.is(ids_up_to(on, &some, some.c("z").not_in(nothing()), 9), ALL);
            on.is(ids_up_to(on, &some, !some.c("z").in_(nothing()), 3), &ALL[..3]);
        }

        fn empty_set_against_string_negation_direct(on) {
            let some = numbers(on);
            on.is(ids(on, &some, some.c("z").not_in([""; 0])), ALL);
        }

        fn null_in_empty_set_is_false_bindparam(on) {
            let none = Expr::from(Value::Null).in_(nothing());
            let plan = select(case().when(none, true).otherwise(param("no"))).prepare(on.db).unwrap();
            on.is(plan.one(on.db, values! { "no" => false }).unwrap().get::<bool>(0).unwrap(), false);
        }

        fn null_in_empty_set_is_false_direct(on) {
            let of = |condition: Expr| -> bool {
                select(case().when(condition, true).otherwise(false)).scalar(on.db).unwrap()
            };
            on.holds(!of(Expr::from(Value::Null).in_(nothing())));
            on.holds(of(!Expr::from(Value::Null).in_(nothing())));
        }
    }

    LikeFunctionsTest {
        fn startswith_unescaped(on) {
            on.is(matched(on, |data| data.like("ab%c%")), (1..=10).collect::<Vec<_>>());
        }

        fn startswith_autoescape(on) {
            on.is(matched(on, |data| data.starts_with("ab%c")), [3]);
        }

        fn startswith_sqlexpr(on) {
            on.is(matched(on, |data| data.like(raw("'ab%c'").concat("%"))), (1..=10).collect::<Vec<_>>());
        }

        fn startswith_escape(on) {
            on.is(matched(on, |data| like(data, "ab##c%")), [7]);
        }

        fn startswith_autoescape_escape(on) {
            let some = patterns(on);
            let begin = |text: &str| of(on, &some, some.c("data").starts_with(text));
            on.is(begin("ab%c"), [3]);
            on.is(begin("ab#c"), [7]);
            on.is(begin("ab_c"), [4]);
            on.is(begin("ab/c"), [2]);
        }

        fn endswith_unescaped(on) {
            on.is(matched(on, |data| data.like("%e%fg")), (1..=9).collect::<Vec<_>>());
        }

        fn endswith_sqlexpr(on) {
            on.is(matched(on, |data| data.like(Expr::from("%").concat(raw("'e%fg'")))), (1..=9).collect::<Vec<_>>());
        }

        fn endswith_autoescape(on) {
            on.is(matched(on, |data| data.ends_with("e%fg")), [6]);
        }

        fn endswith_escape(on) {
            on.is(matched(on, |data| like(data, "%e##fg")), [9]);
        }

        fn endswith_autoescape_escape(on) {
            let some = patterns(on);
            let end = |text: &str| of(on, &some, some.c("data").ends_with(text));
            on.is(end("e%fg"), [6]);
            on.is(end("e#fg"), [9]);
            on.is(end("e/fg"), [5]);
        }

        fn contains_unescaped(on) {
            on.is(matched(on, |data| data.like("%b%cde%")), (1..=9).collect::<Vec<_>>());
        }

        fn contains_autoescape(on) {
            on.is(matched(on, |data| data.contains("b%cde")), [3]);
        }

        fn contains_escape(on) {
            on.is(matched(on, |data| like(data, "%b##cde%")), [7]);
        }

        fn contains_autoescape_escape(on) {
            let some = patterns(on);
            let within = |text: &str| of(on, &some, some.c("data").contains(text));
            on.is(within("b%cd"), [3]);
            on.is(within("b#cd"), [7]);
            on.is(within("b_cd"), [4]);
            on.is(within("b/cd"), [2]);
        }

        fn not_regexp_match(on) {
            on.is(matched(on, |data| !data.regexp("a.cde")), [2, 3, 4, 7, 8, 10]);
        }

        fn regexp_replace(on) {
            on.is(matched(on, |data| data.regexp_replace("a.cde", "FOO").contains("FOO")), [1, 5, 6, 9]);
        }

        fn regexp_match(on) {
            let some = patterns(on);
            let expected: [(&str, &[i64]); 7] = [
                ("a.cde", &[1, 5, 6, 9]),
                ("abc", &[1, 5, 6, 9, 10]),
                ("^abc", &[1, 5, 6, 9, 10]),
                ("9cde", &[8]),
                ("^a", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
                ("(b|c)", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
                ("^(b|c)", &[]),
            ];
            for (pattern, found) in expected {
                on.is(of(on, &some, some.c("data").regexp(pattern)), found);
            }
        }
    }
}
