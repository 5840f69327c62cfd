//! test_table_via_select.py: tables and views made of a SELECT, whose SQL the library writes, and found again.

use mirrorm::compile::Compile;
use mirrorm::prelude::*;
use mirrorm::reflect::{Inspector, to_ddl};
use mirrorm::stmt::Select;
use mirrorm::types::Class;

use super::elsewhere::Schema;
use super::{On, methods};

fn source(on: &On<'_>) -> Table {
    let parts = (column("id", Integer).primary_key(), column("name", Varchar(50)), column("value", Integer));
    let t = on.table("source_table", parts);
    let rows = [(1, "alice", 100), (2, "bob", 200), (3, "charlie", 300)];
    insert(&t).rows(["id", "name", "value"], rows).run(on.db).unwrap();
    t
}

/// The rows of more than a hundred.
fn most(t: &Table) -> Select {
    select((t.c("id"), t.c("name"))).filter(t.c("value").gt(100))
}

/// Makes a `TABLE` or a `VIEW` of a SELECT, its values written as literals.
fn make(on: &On<'_>, kind: &str, name: &str, select: &Select) {
    let sql = select.to_sql(&on.db.engine().unwrap().target().unwrap()).unwrap();
    on.db.execute_script(&format!("CREATE {kind} {name} AS {sql}")).unwrap();
}

/// A table or a view as it is found.
fn found(on: &On<'_>, name: &str) -> Table {
    on.db.reflect_in(Binds::all().only([name])).unwrap();
    on.db.table_named(name).unwrap()
}

/// A table and a view of a SELECT, as they are found.
fn both(on: &On<'_>, select: &Select) -> [Table; 2] {
    [("TABLE", "dest_table"), ("VIEW", "dest_view")].map(|(kind, name)| {
        make(on, kind, name, select);
        found(on, name)
    })
}

fn by_id(t: &Table) -> Select {
    select(t).order_by(t.c("id"))
}

fn names(t: &Table) -> Vec<String> {
    t.def().columns().map(|column| column.key().to_string()).collect()
}

methods! {
    TableViaSelectTest {
        fn without_metadata(on) {
            let t = source(on);
            for dest in both(on, &most(&t)) {
                on.is(on.rows(&by_id(&dest)), ["2,bob", "3,charlie"]);
                on.is(names(&dest), ["id", "name"]);
                let classes: Vec<Class> = dest.def().columns().map(|column| column.ty().class()).collect();
                on.is(classes, [Class::Int, Class::Text]);
            }
            let schema = Schema::new(on, "test_schema");
            make(on, "TABLE", &format!("{}.dest_table", schema.name), &most(&t));
            let columns = Inspector::new(on.db).in_schema(&*schema.name).columns("dest_table").unwrap();
            on.is(columns.into_iter().map(|column| column.name).collect::<Vec<_>>(), ["id", "name"]);
        }

        fn with_metadata(on) {
            let t = source(on);
            let [dest, view] = both(on, &most(&t));
            on.is((&*dest.name(), on.db.tables().contains(&dest)), ("dest_table", true));
            on.is(on.rows(&by_id(&dest)), ["2,bob", "3,charlie"]);
            on.is(on.rows(&by_id(&view)), ["2,bob", "3,charlie"]);
            on.db.execute_script("DROP VIEW dest_view").unwrap();
            on.db.drop_all().unwrap();
            let inspector = Inspector::new(on.db);
            on.holds(inspector.table_names().unwrap().is_empty() && inspector.view_names().unwrap().is_empty());
        }

        fn with_labels(on) {
            let t = source(on);
            let labelled = select((t.c("id").label("user_id"), t.c("name").label("user_name")));
            for dest in both(on, &labelled) {
                on.is(names(&dest), ["user_id", "user_name"]);
                on.is(on.rows(&select(&dest).filter(dest.c("user_id").eq(1))), ["1,alice"]);
            }
        }

        fn create_or_replace_view(on) {
            let t = source(on);
            make(on, "VIEW", "dest_view", &select(t.c("id")));
            let view = found(on, "dest_view");
            on.is(on.texts(&by_id(&view)), ["1", "2", "3"]);
            on.db.execute_script("DROP VIEW dest_view").unwrap();
            make(on, "VIEW", "dest_view", &most(&t));
            on.db.refresh(&view).unwrap();
            on.is(on.rows(&by_id(&view)), ["2,bob", "3,charlie"]);
        }

        fn create_drop_materialized_view(on) needs [MaterializedViews] {
            let t = source(on);
            make(on, "MATERIALIZED VIEW", "dest_mat_view", &select((t.c("id"), t.c("name"))));
            let inspector = Inspector::new(on.db);
            on.is(inspector.materialized_view_names().unwrap(), ["dest_mat_view"]);
            let view = found(on, "dest_mat_view");
            on.is(on.texts(&by_id(&view)), ["1", "2", "3"]);
            on.db.execute_script("DROP MATERIALIZED VIEW dest_mat_view").unwrap();
            inspector.clear();
            on.holds(inspector.materialized_view_names().unwrap().is_empty());
        }

        fn literal_inlining_inside_select(on) {
            let t = source(on);
            let tagged = select((t.c("id").add(1).label("id2"), Expr::from("x").label("tag"))).from(&t);
            for dest in both(on, &tagged) {
                let (id2, tag) = (dest.c("id2"), dest.c("tag"));
                let sums = (func::count_all(), func::min(&tag), func::max(&tag), func::sum(&id2));
                on.is(on.rows(&select(sums)), ["3,x,x,9"]);
            }
        }

        fn with_bind_param_executes(on) {
            let t = source(on);
            let one = select((t.c("id"), t.c("name"))).filter(t.c("name").eq("alice"));
            for dest in both(on, &one) {
                on.is(on.rows(&select(&dest)), ["1,alice"]);
            }
        }

        fn compound_select_smoke(on) {
            let [a, b] = ["a", "b"].map(|name| on.table(name, column("id", Integer)));
            insert(&a).rows(["id"], [[1], [3]]).run(on.db).unwrap();
            insert(&b).rows(["id"], [[2], [4]]).run(on.db).unwrap();
            for dest in both(on, &select(a.c("id")).union_all(select(b.c("id")))) {
                on.is(on.texts(&by_id(&dest)), ["1", "2", "3", "4"]);
            }
        }

        fn view_dependencies_with_metadata(on) {
            let three = ["base_table1", "base_table2", "base_table3"];
            let [one, two, three] = three.map(|name| {
                let t = on.table(name, (column("id", Integer).primary_key(), column("n", Integer)));
                insert(&t).rows(["id", "n"], [(1, 50), (2, 150), (3, 250)]).run(on.db).unwrap();
                t
            });
            // The names are in another order than the views need each other.
            let inner = select((one.c("id"), one.c("n"), two.c("n").label("amount")));
            let inner = inner.join_on(&two, one.c("id").eq(two.c("id"))).filter(one.c("n").gt(0));
            make(on, "VIEW", "view_z", &inner);
            let inner = found(on, "view_z");
            let outer = select((inner.c("id"), inner.c("amount"), three.c("n").label("total")));
            let outer = outer.join_on(&three, inner.c("id").eq(three.c("id"))).filter(three.c("n").gt(100));
            make(on, "VIEW", "view_a", &outer);
            let expected = ["2,150,150", "3,250,250"];
            on.is(on.rows(&by_id(&found(on, "view_a"))), expected);
            let target = on.db.engine().unwrap().target().unwrap();
            let statements = to_ddl(&Inspector::new(on.db).facts().unwrap(), &target).unwrap();
            on.db.execute_script("DROP VIEW view_a; DROP VIEW view_z").unwrap();
            on.db.metadata().clear();
            on.db.reflect().unwrap();
            on.db.drop_all().unwrap();
            for statement in &statements {
                on.db.execute_script(statement).unwrap();
            }
            let outer = found(on, "view_a");
            on.is(select(&outer).count(on.db).unwrap(), 0);
            for (name, n) in [("base_table1", 70), ("base_table2", 71), ("base_table3", 170)] {
                let t = on.db.table_named(name).unwrap();
                insert(&t).values(values! { "id" => 7, "n" => n }).run(on.db).unwrap();
            }
            on.is(on.rows(&by_id(&outer)), ["7,71,170"]);
        }
    }
}
