//! test_cte.py: SELECTs that are named before a statement.

use mirrorm::prelude::*;

use super::{On, methods};

/// A tree of people, and a copy of its columns that is empty.
fn tables(on: &On<'_>) -> (Table, Table) {
    let parts = || {
        (
            column("id", Integer).primary_key(),
            column("data", Varchar(50)),
            column("parent_id", Integer).references("some_table"),
        )
    };
    let some = on.table("some_table", parts());
    let other = on.table(
        "some_other_table",
        (column("id", Integer).primary_key(), column("data", Varchar(50)), column("parent_id", Integer)),
    );
    let rows =
        [(1, "d1", None), (2, "d2", Some(1)), (3, "d3", Some(1)), (4, "d4", Some(3)), (5, "d5", Some(3))];
    insert(&some).rows(["id", "data", "parent_id"], rows).run(on.db).unwrap();
    (some, other)
}

methods! {
    CTETest {
        fn select_nonrecursive_round_trip(on) {
            let (some, _) = tables(on);
            let cte = select(&some).filter(some.c("data").in_(["d2", "d3", "d4"])).cte("some_cte").unwrap();
            let found = select(cte.c("data")).filter(cte.c("data").in_(["d4", "d5"]));
            on.is(on.texts(&found), ["d4"]);
        }

        fn select_recursive_round_trip(on) {
            let (some, _) = tables(on);
            let base = select(&some).filter(some.c("data").in_(["d2", "d3", "d4"]));
            let cte = base.recursive_distinct("some_cte", |cte| {
                let up = some.alias("up");
                select((up.c("id"), up.c("data"), up.c("parent_id"))).join_on(cte, cte.c("parent_id").eq(up.c("id")))
            });
            let cte = cte.unwrap();
            let found = select(cte.c("data")).filter(cte.c("data").ne("d2")).order_by(cte.c("data").desc());
            on.is(on.texts(&found), ["d4", "d3", "d1"]);
        }

        fn insert_from_select_round_trip(on) {
            let (some, other) = tables(on);
            let cte = select(&some).filter(some.c("data").in_(["d2", "d3", "d4"])).cte("some_cte").unwrap();
            insert(&other).from_select(["id", "data", "parent_id"], select(&cte)).run(on.db).unwrap();
            on.is(on.rows(&select(&other).order_by(other.c("data"))), ["2,d2,1", "3,d3,1", "4,d4,3"]);
        }

        fn update_from_round_trip(on) {
            let (some, other) = tables(on);
            insert(&other).from_select(["id", "data", "parent_id"], select(&some)).run(on.db).unwrap();
            let cte = select(&some).filter(some.c("data").in_(["d2", "d3", "d4"])).cte("some_cte").unwrap();
            let changed = update(&other).set(values! { "parent_id" => 5 }).from(&cte).filter(other.c("data").eq(cte.c("data")));
            on.is(changed.run(on.db).unwrap(), 3);
            on.is(on.rows(&select(&other).order_by(other.c("id"))), ["1,d1,-", "2,d2,5", "3,d3,5", "4,d4,5", "5,d5,3"]);
        }

        fn delete_from_round_trip(on) {
            let (some, other) = tables(on);
            insert(&other).from_select(["id", "data", "parent_id"], select(&some)).run(on.db).unwrap();
            let cte = select(&some).filter(some.c("data").in_(["d2", "d3", "d4"])).cte("some_cte").unwrap();
            on.is(delete(&other).using(&cte).filter(other.c("data").eq(cte.c("data"))).run(on.db).unwrap(), 3);
            on.is(on.rows(&select(&other).order_by(other.c("id"))), ["1,d1,-", "5,d5,3"]);
        }

        fn delete_scalar_subq_round_trip(on) {
            let (some, other) = tables(on);
            insert(&other).from_select(["id", "data", "parent_id"], select(&some)).run(on.db).unwrap();
            let cte = select(&some).filter(some.c("data").in_(["d2", "d3", "d4"])).cte("some_cte").unwrap();
            let same = select(cte.c("data")).filter(cte.c("id").eq(other.c("id")));
            on.is(delete(&other).filter(other.c("data").eq(same)).run(on.db).unwrap(), 3);
            on.is(on.rows(&select(&other).order_by(other.c("id"))), ["1,d1,-", "5,d5,3"]);
        }

        fn values_named_via_cte(on) {
            let parts = (column("col1", Integer), column("col2", Varchar(10)));
            let given = mirrorm::stmt::values_table("given", parts, [(1, "a"), (2, "b"), (3, "c")]).unwrap();
            let cte = select(&given).cte("cte1").unwrap();
            on.is(on.rows(&select(&cte).order_by(cte.c("col1"))), ["1,a", "2,b", "3,c"]);
        }
    }
}
