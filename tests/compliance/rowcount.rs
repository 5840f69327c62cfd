//! test_rowcount.py: how many rows a statement was about.

use mirrorm::dialect::Returning;
use mirrorm::prelude::*;
use mirrorm::schema::Autoincrement;

use super::{On, methods};

const PEOPLE: [(i64, &str, &str); 9] = [
    (0, "Angela", "A"),
    (1, "Andrew", "A"),
    (2, "Anand", "A"),
    (3, "Bob", "B"),
    (4, "Bobette", "B"),
    (5, "Buffy", "B"),
    (6, "Charlie", "C"),
    (7, "Cynthia", "C"),
    (8, "Chris", "C"),
];

fn employees(on: &On<'_>) -> Table {
    let id = column("employee_id", Integer).primary_key().autoincrement(Autoincrement::Never);
    let t = on.table("employees", (id, column("name", Varchar(50)), column("department", Varchar(1))));
    insert(&t).rows(["employee_id", "name", "department"], PEOPLE).run(on.db).unwrap();
    t
}

methods! {
    RowCountTest {
        fn basic(on) {
            let t = employees(on);
            let found = select((t.c("name"), t.c("department"))).order_by(t.c("employee_id")).all(on.db).unwrap();
            let expected = PEOPLE.map(|(_, name, department)| (name.to_string(), department.to_string()));
            on.is(found.all_as::<(String, String)>().unwrap(), expected);
            on.is(found.len(), 9);
        }

        fn non_rowcount_scenarios_no_raise(on) {
            let t = employees(on);
            let c = t.c("department").eq("C");
            on.is(select(&t).filter(&c).all(on.db).unwrap().len(), 3);
            on.is(update(&t).set(values! { "department" => "Z" }).filter(&c).run(on.db).unwrap(), 3);
            on.is(delete(&t).filter(&c).run(on.db).unwrap(), 0);
            on.is(delete(&t).filter(t.c("department").eq("Z")).run(on.db).unwrap(), 3);
            let rows = [(25, "none 1", "X"), (26, "none 2", "Z"), (27, "none 3", "Z")];
            on.is(insert(&t).rows(["employee_id", "name", "department"], rows).run(on.db).unwrap().rows(), 3);
        }

        fn update_rowcount1(on) {
            let t = employees(on);
            let moved = update(&t).set(values! { "department" => "Z" }).filter(t.c("department").eq("C"));
            on.is(moved.run(on.db).unwrap(), 3);
        }

        fn update_rowcount2(on) {
            let t = employees(on);
            let same = update(&t).set(values! { "department" => "C" }).filter(t.c("department").eq("C"));
            on.is(same.run(on.db).unwrap(), 3);
        }

        fn update_delete_rowcount_return_defaults(on) {
            let t = employees(on);
            let can = on.db.engine().unwrap().target().unwrap().features().returning;
            let c = t.c("department").eq("C");
            let renamed = update(&t).set(values! { "name" => "Z" }).filter(&c).returning(t.c("employee_id"));
            match can {
                Returning::All => {
                    on.is(renamed.all(on.db).unwrap().len(), 3);
                    on.is(renamed.run(on.db).unwrap(), 3);
                }
                _ => on.holds(matches!(renamed.all(on.db).unwrap_err().kind(), ErrorKind::Unsupported { .. })),
            }
            let gone = delete(&t).filter(&c).returning(t.c("employee_id"));
            match can {
                Returning::None => {
                    on.holds(matches!(gone.all(on.db).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
                }
                _ => on.is(gone.all(on.db).unwrap().len(), 3),
            }
        }

        fn raw_sql_rowcount(on) {
            employees(on);
            on.is(on.db.execute("UPDATE employees SET department = 'Z' WHERE department = 'C'", ()).unwrap(), 3);
        }

        fn text_rowcount(on) {
            employees(on);
            let moved = text("UPDATE employees SET department = 'Z' WHERE department = :old");
            on.is(moved.clone().bind("old", "C").run(on.db).unwrap(), 3);
            on.is(moved.bind("old", "C").run(on.db).unwrap(), 0);
        }

        fn delete_rowcount(on) {
            let t = employees(on);
            on.is(delete(&t).filter(t.c("department").eq("C")).run(on.db).unwrap(), 3);
            on.is(select(&t).count(on.db).unwrap(), 6);
        }

        fn multi_update_rowcount(on) {
            let t = employees(on);
            let moved = update(&t).set(values! { "department" => "C" }).filter(t.c("name").eq(param("name")));
            let plan = moved.prepare(on.db).unwrap();
            on.is(plan.run_many(on.db, ["name"], [["Bob"], ["Cynthia"], ["nonexistent"]]).unwrap(), 2);
        }

        fn multi_delete_rowcount(on) {
            let t = employees(on);
            let plan = delete(&t).filter(t.c("name").eq(param("name"))).prepare(on.db).unwrap();
            on.is(plan.run_many(on.db, ["name"], [["Bob"], ["Cynthia"], ["nonexistent"]]).unwrap(), 2);
            on.is(select(&t).count(on.db).unwrap(), 7);
        }
    }
}
