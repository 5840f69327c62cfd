//! test_update_delete.py: UPDATE and DELETE of one row, by a key.

use mirrorm::prelude::*;

use super::{On, lines, methods};

fn plain(on: &On<'_>) -> Table {
    let t = on.table("plain_pk", (column("id", Integer).primary_key(), column("data", Varchar(50))));
    insert(&t).rows(["id", "data"], [(1, "d1"), (2, "d2"), (3, "d3")]).run(on.db).unwrap();
    t
}

fn stored(on: &On<'_>, t: &Table) -> Vec<String> {
    on.rows(&select(t).order_by(t.c("id")))
}

fn names(rows: &mirrorm::rows::Rows) -> Vec<String> {
    rows.columns().iter().map(|column| column.name().to_string()).collect()
}

fn both() -> Vec<String> {
    ["id", "data"].map(str::to_string).to_vec()
}

const BEFORE: [&str; 3] = ["1,d1", "2,d2", "3,d3"];

/// What meets no row: a key that is not there, and none of no keys.
fn none(t: &Table) -> [Expr; 2] {
    [t.c("id").eq(10), t.c("id").in_([] as [i64; 0])]
}

methods! {
    SimpleUpdateDeleteTest {
        fn update(on) {
            let t = plain(on);
            let set = mirrorm::stmt::update(&t).set(values! { "data" => "d2_new" });
            on.is(set.filter(t.c("id").eq(2)).run(on.db).unwrap(), 1);
            on.is(stored(on, &t), ["1,d1", "2,d2_new", "3,d3"]);
        }

        fn delete(on) {
            let t = plain(on);
            on.is(mirrorm::stmt::delete(&t).filter(t.c("id").eq(2)).run(on.db).unwrap(), 1);
            on.is(stored(on, &t), ["1,d1", "3,d3"]);
        }

        fn update_returning(on) needs [UpdateReturning] {
            let t = plain(on);
            let set = update(&t).set(values! { "data" => "d2_new" }).returning((t.c("id"), t.c("data")));
            for condition in none(&t) {
                let given = set.clone().filter(condition).all(on.db).unwrap();
                on.is((names(&given), given.len()), (both(), 0));
                on.is(stored(on, &t), BEFORE);
            }
            let given = set.filter(t.c("id").eq(2)).all(on.db).unwrap();
            on.is((names(&given), lines(&given)), (both(), vec!["2,d2_new".to_string()]));
            on.is(stored(on, &t), ["1,d1", "2,d2_new", "3,d3"]);
        }

        fn delete_returning(on) needs [Returning] {
            let t = plain(on);
            let gone = delete(&t).returning((t.c("id"), t.c("data")));
            for condition in none(&t) {
                let given = gone.clone().filter(condition).all(on.db).unwrap();
                on.is((names(&given), given.len()), (both(), 0));
            }
            on.is(stored(on, &t), BEFORE);
            let given = gone.filter(t.c("id").eq(2)).all(on.db).unwrap();
            on.is((names(&given), lines(&given)), (both(), vec!["2,d2".to_string()]));
            on.is(stored(on, &t), ["1,d1", "3,d3"]);
        }
    }
}
