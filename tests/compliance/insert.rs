//! test_insert.py: what an INSERT does, tells and gives back.

use mirrorm::prelude::*;
use mirrorm::schema::Autoincrement;
use mirrorm::stmt::Insert;

use super::{On, lines, methods};

/// A table whose keys the database makes.
fn auto(on: &On<'_>) -> Table {
    on.table("autoinc_pk", (column("id", Integer).primary_key(), column("data", Varchar(50))))
}

/// A table whose keys are given.
fn manual(on: &On<'_>) -> Table {
    let id = column("id", Integer).primary_key().autoincrement(Autoincrement::Never);
    on.table("manual_pk", (id, column("data", Varchar(50))))
}

/// With three rows.
fn filled(on: &On<'_>, table: &Table) {
    insert(table).rows(["id", "data"], [(1, "data1"), (2, "data2"), (3, "data3")]).run(on.db).unwrap();
}

fn one(table: &Table) -> Insert {
    insert(table).values(values! { "data" => "some data" })
}

/// The only key of a table.
fn key(on: &On<'_>, table: &Table) -> i64 {
    select(table.c("id")).scalar(on.db).unwrap()
}

fn all_data(table: &Table) -> mirrorm::stmt::Select {
    select(table.c("data")).order_by(table.c("data"))
}

/// A number to five places, as many as single precision keeps of it.
fn rounded(value: &Value) -> i64 {
    match value {
        Value::Float(number) => (number * 100_000.0).round() as i64,
        other => panic!("{other:?} is no number"),
    }
}

/// A value comes back from an INSERT of one row and of ten, and is what is stored.
fn comes_back(on: &On<'_>, ty: Type, value: Value, shown: impl Fn(&Value) -> String) {
    let t = on.table("value_t", (column("id", Integer).primary_key(), column("value", ty)));
    let put = |rows: usize| {
        let rows = vec![[value.clone()]; rows];
        insert(&t).rows(["value"], rows).returning((t.c("id"), t.c("value"))).all(on.db).unwrap()
    };
    let single = insert(&t).values(values! { "value" => value.clone() }).returning((t.c("id"), t.c("value")));
    let mut came = vec![single.run(on.db).unwrap().row().unwrap().clone()];
    came.extend(put(10));
    let came: Vec<(i64, String)> =
        came.iter().map(|row| (row.get(0).unwrap(), shown(&row.values()[1]))).collect();
    let expected: Vec<(i64, String)> = (1..=11).map(|id| (id, shown(&value))).collect();
    on.is(came, expected);
    let stored: Vec<Value> = select(t.c("value")).scalars(on.db).unwrap();
    on.holds(stored.len() == 11 && stored.iter().all(|stored| shown(stored) == shown(&value)));
    on.db.drop_all().unwrap();
    on.db.metadata().remove(&t);
}

methods! {
    LastrowidTest {
        fn autoincrement_on_insert(on) {
            let t = auto(on);
            one(&t).run(on.db).unwrap();
            on.is(on.rows(&select(&t)), ["1,some data"]);
        }

        fn last_inserted_id(on) {
            let t = auto(on);
            let done = one(&t).run(on.db).unwrap();
            on.is(done.id(), Some(key(on, &t)));
        }

        fn native_lastrowid_autoinc(on) {
            let t = auto(on);
            let conn = on.db.connect().unwrap();
            one(&t).run(&conn).unwrap();
            let last = match on.dialect() {
                "sqlite" => "SELECT last_insert_rowid()",
                "mysql" => "SELECT LAST_INSERT_ID()",
                _ => "SELECT lastval()",
            };
            let last: i64 = conn.query_text(last, ()).unwrap().one().unwrap().get(0).unwrap();
            on.is(last, select(t.c("id")).scalar::<i64>(&conn).unwrap());
        }
    }

    InsertBehaviorTest {
        fn no_results_for_non_returning_insert(on) {
            let t = auto(on);
            let done = one(&t).run(on.db).unwrap();
            on.is((done.rows(), done.row().is_none()), (1, true));
            let many = insert(&t).rows(["data"], [["d1"], ["d2"], ["d3"], ["d4"], ["d5"]]);
            let done = many.run(on.db).unwrap();
            on.is((done.rows(), done.row().is_none(), done.id()), (5, true, None));
            on.fails(many.all(on.db), ErrorKind::Invalid);
            on.is(select(&t).count(on.db).unwrap(), 6);
        }

        fn autoclose_on_insert(on) {
            let t = auto(on);
            let conn = on.db.connect().unwrap();
            let done = one(&t).run(&conn).unwrap();
            on.is(select(&t).count(&conn).unwrap(), 1);
            drop(conn);
            on.is((done.rows(), on.db.engine().unwrap().pool_status().in_use), (1, 0));
        }

        fn autoclose_on_insert_implicit_returning(on) needs [Returning] {
            let t = auto(on);
            let conn = on.db.connect().unwrap();
            let done = one(&t).returning(t.c("id")).run(&conn).unwrap();
            let row = done.row().unwrap().clone();
            on.is(row.columns().iter().map(|column| column.name()).collect::<Vec<_>>(), ["id"]);
            on.is(select(&t).count(&conn).unwrap(), 1);
            drop((conn, done));
            on.is(row.get::<i64>("id").unwrap(), 1);
        }

        fn empty_insert(on) {
            let t = auto(on);
            insert(&t).values(()).run(on.db).unwrap();
            on.is(select(&t).filter(t.c("id").is_not_null()).count(on.db).unwrap(), 1);
        }

        fn empty_insert_multiple(on) {
            let t = auto(on);
            let done = insert(&t).rows([] as [&str; 0], [[0; 0], [0; 0], [0; 0]]).run(on.db).unwrap();
            on.is(done.rows(), 3);
            on.is(select(&t).filter(t.c("id").is_not_null()).count(on.db).unwrap(), 3);
        }

        fn insert_from_select_autoinc(on) {
            let (from, to) = (manual(on), auto(on));
            filled(on, &from);
            let rows = select(from.c("data")).filter(from.c("data").in_(["data2", "data3"]));
            let done = insert(&to).from_select(["data"], rows).run(on.db).unwrap();
            on.is((done.rows(), done.id()), (2, None));
            on.is(on.texts(&all_data(&to)), ["data2", "data3"]);
        }

        fn insert_from_select_autoinc_no_rows(on) {
            let (from, to) = (manual(on), auto(on));
            let rows = select(from.c("data")).filter(from.c("data").in_(["data2", "data3"]));
            let done = insert(&to).from_select(["data"], rows).run(on.db).unwrap();
            on.is((done.rows(), done.id()), (0, None));
            on.holds(on.texts(&all_data(&to)).is_empty());
        }

        fn insert_from_select(on) {
            let t = manual(on);
            filled(on, &t);
            let rows = select((t.c("id").add(5), t.c("data"))).filter(t.c("data").in_(["data2", "data3"]));
            insert(&t).from_select(["id", "data"], rows).run(on.db).unwrap();
            on.is(on.texts(&all_data(&t)), ["data1", "data2", "data2", "data3", "data3"]);
        }

        fn insert_from_select_with_defaults(on) {
            let parts = (
                column("id", Integer).primary_key(),
                column("data", Varchar(50)),
                column("x", Integer).default(5),
                column("y", Integer).server_default(raw("2 + 2")),
            );
            let t = on.table("includes_defaults", parts);
            filled(on, &t);
            let rows = select((t.c("id").add(5), t.c("data"))).filter(t.c("data").in_(["data2", "data3"]));
            insert(&t).from_select(["id", "data"], rows).run(on.db).unwrap();
            let found = select(&t).order_by((t.c("data"), t.c("id")));
            on.is(on.rows(&found), ["1,data1,5,4", "2,data2,5,4", "7,data2,5,4", "3,data3,5,4", "8,data3,5,4"]);
        }
    }

    ReturningTest {
        fn explicit_returning_pk_autocommit(on) needs [Returning] {
            let t = auto(on);
            let given = one(&t).returning(t.c("id")).all(on.db).unwrap();
            on.is(given.one().unwrap().get::<i64>(0).unwrap(), key(on, &t));
        }

        fn explicit_returning_pk_no_autocommit(on) needs [Returning] {
            let t = auto(on);
            let conn = on.db.connect().unwrap();
            let kept = conn.transaction(|tx| {
                let given: i64 = one(&t).returning(t.c("id")).all(tx)?.one()?.get(0)?;
                Ok(given == select(t.c("id")).scalar::<i64>(tx)?)
            });
            on.holds(kept.unwrap());
        }

        fn autoincrement_on_insert_implicit_returning(on) {
            let t = auto(on);
            let sent = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let list = sent.clone();
            let watch = on.db.observe(move |statement| list.lock().unwrap().push(statement.sql.to_string()));
            on.is(one(&t).run(on.db).unwrap().id(), Some(1));
            drop(watch);
            // The key comes with the one statement, whether the database gives rows back or tells its last key.
            on.is(sent.lock().unwrap().len(), 1);
            on.is(on.rows(&select(&t)), ["1,some data"]);
        }

        fn last_inserted_id_implicit_returning(on) {
            let t = auto(on);
            let ids = insert(&t).rows(["data"], [["a"], ["b"]]).ids(on.db).unwrap();
            on.is(ids, select(t.c("id")).order_by(t.c("data")).scalars::<i64>(on.db).unwrap());
        }

        fn insertmanyvalues_returning(on) needs [Returning] {
            let t = auto(on);
            let rows = [["d1"], ["d2"], ["d3"], ["d4"], ["d5"]];
            let given = insert(&t).rows(["data"], rows).returning((t.c("id"), t.c("data"))).all(on.db).unwrap();
            on.is(lines(&given), ["1,d1", "2,d2", "3,d3", "4,d4", "5,d5"]);
            on.is(lines(&given), on.rows(&select(&t).order_by(t.c("id"))));
        }

        fn insert_w_floats(on) needs [Returning] {
            comes_back(on, Double, 8.5514716.into(), |value| rounded(value).to_string());
            comes_back(on, Float, 8.5514.into(), |value| rounded(value).to_string());
            let exact = Value::Decimal("8.551471600000".parse().unwrap());
            comes_back(on, Numeric(15, 12), exact, |value| value.to_string().trim_end_matches('0').to_string());
        }

        fn imv_returning_datatypes(on) needs [Returning] {
            let uuid = Value::Uuid("0f9d7c52-8a0e-4f0a-9d6a-0123456789ab".parse().unwrap());
            comes_back(on, Uuid, uuid.clone(), |value| format!("{value:?}"));
            comes_back(on, Char(36), uuid.to_string().into(), |value| format!("{value:?}"));
            for bytes in [&b"this is binary"[..], b"7\xe7\x9f"] {
                comes_back(on, Binary, Value::Bytes(bytes.to_vec()), |value| format!("{value:?}"));
            }
        }
    }
}
