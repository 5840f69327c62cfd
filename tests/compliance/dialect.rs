//! test_dialect.py: errors, isolation, statements outside transactions, default schemas, odd names, what gives back.

use mirrorm::dialect::{Intent, Isolation, Returning};
use mirrorm::engine::{Conn, EngineOptions, Transaction};
use mirrorm::prelude::*;
use mirrorm::reflect::Inspector;
use mirrorm::schema::Autoincrement;
use mirrorm::stmt::Lock;

use super::elsewhere::{Schema, other, url_of};
use super::{On, lines, methods};

fn manual(on: &On<'_>) -> Table {
    let id = column("id", Integer).primary_key().autoincrement(Autoincrement::Never);
    on.table("manual_pk", (id, column("data", Varchar(50))))
}

fn add(on: &impl mirrorm::engine::Execute, t: &Table, id: i64) {
    insert(t).values(values! { "id" => id, "data" => "some data" }).run(on).unwrap();
}

/// The level that a database takes when nobody says one.
fn usual(on: &On<'_>) -> Isolation {
    match on.dialect() {
        "sqlite" => Isolation::Serializable,
        "mysql" => Isolation::RepeatableRead,
        _ => Isolation::ReadCommitted,
    }
}

/// The level of a transaction: what the server says where it says it of the transaction itself, and otherwise what is
/// seen of another that commits meanwhile.
fn level_of(on: &On<'_>, t: &Table, tx: &Transaction<'_>) -> Isolation {
    match on.dialect() {
        "postgresql" => {
            let row = tx.query_text("SHOW transaction_isolation", ()).unwrap().one().unwrap();
            row.get::<&str>(0).unwrap().parse().unwrap()
        }
        "sqlite" => match tx.query_text("PRAGMA read_uncommitted", ()).unwrap().scalars::<i64>().unwrap()[..]
        {
            [0] => Isolation::Serializable,
            _ => Isolation::ReadUncommitted,
        },
        _ => {
            let count = || select(t).count(tx).unwrap();
            let before = count();
            let conn = on.db.connect().unwrap();
            // Rows that a serializable transaction has read are locked.
            let locked =
                conn.transaction(|other| select(t).lock(Lock::update().nowait()).all(other).map(drop));
            if locked.is_err_and(|error| error.kind() == ErrorKind::Busy) {
                return Isolation::Serializable;
            }
            let beside = conn.begin(Intent::Write).unwrap();
            add(&beside, t, 100 + before as i64);
            let dirty = count() > before;
            beside.commit().unwrap();
            match (dirty, count() > before) {
                (true, _) => Isolation::ReadUncommitted,
                (false, true) => Isolation::ReadCommitted,
                _ => Isolation::RepeatableRead,
            }
        }
    }
}

/// The level of the next transaction of a connection.
fn next_level(on: &On<'_>, t: &Table, conn: &Conn) -> Isolation {
    let tx = conn.begin(Intent::Deferred).unwrap();
    let level = level_of(on, t, &tx);
    tx.rollback().unwrap();
    level
}

/// What a database makes of a level: SQLite has one only.
fn made_of(on: &On<'_>, level: Isolation) -> Isolation {
    if on.dialect() == "sqlite" { Isolation::Serializable } else { level }
}

/// Whether what a connection writes is there after a transaction was rolled back.
fn keeps(on: &On<'_>, t: &Table, conn: &Conn, in_transaction: bool) {
    if in_transaction {
        let tx = conn.begin(Intent::Write).unwrap();
        add(&tx, t, 1);
        tx.rollback().unwrap();
    } else {
        add(conn, t, 1);
    }
    on.is(select(t).count(conn).unwrap(), u64::from(!in_transaction));
    delete(t).all_rows().run(conn).unwrap();
}

const TOUGH: [&str; 21] = [
    "boring",
    "per cent",
    "per % cent",
    "%percent",
    "par(ens)",
    "percent%(ens)yah",
    "col:ons",
    "_starts_with_underscore",
    "dot.s",
    "more :: %colons%",
    "_name",
    "___name",
    "[BracketsAndCase]",
    "42numbers",
    "percent%signs",
    "has spaces",
    "/slashes/",
    "more/slashes",
    "q?marks",
    "1param",
    "1col:on",
];

fn lettered(on: &On<'_>) -> Table {
    let parts = (column("myid", Integer), column("name", Varchar(50)), column("desc", Varchar(50)));
    let t = on.table("mytable", parts);
    let rows = ["a", "b", "c", "d"].iter().zip(1..).map(|(name, id)| (id, *name, format!("{name}_desc")));
    insert(&t).rows(["myid", "name", "desc"], rows).run(on.db).unwrap();
    t
}

/// Where the schema stands that a connection takes names from.
fn default_schema(on: &impl mirrorm::engine::Execute, dialect: &str) -> String {
    match dialect {
        "mysql" => {
            let conn = on.lend().unwrap();
            conn.query_text("SELECT DATABASE()", ()).unwrap().one().unwrap().get(0).unwrap()
        }
        _ => {
            let conn = on.lend().unwrap();
            Inspector::new(&*conn).default_schema_name().unwrap()
        }
    }
}

/// Whether something is refused as what the database cannot do.
fn refused<T: std::fmt::Debug>(on: &On<'_>, result: Result<T>) {
    on.holds(matches!(result.unwrap_err().kind(), ErrorKind::Unsupported { .. }));
}

fn given_back(on: &On<'_>, can: bool, result: Result<mirrorm::rows::Rows>, expected: &[&str]) {
    if can {
        on.is(lines(&result.unwrap()), expected);
    } else {
        refused(on, result);
    }
}

fn returning(on: &On<'_>) -> Returning {
    on.db.engine().unwrap().target().unwrap().features().returning
}

const THREE: [(i64, &str); 3] = [(1, "d1"), (2, "d2"), (3, "d3")];

methods! {
    PingTest {
        fn do_ping(on) {
            let conn = on.db.connect().unwrap();
            on.holds(conn.driver().is_alive());
        }
    }

    ExceptionTest {
        fn integrity_error(on) {
            let t = manual(on);
            let conn = on.db.connect().unwrap();
            let tx = conn.begin(Intent::Write).unwrap();
            add(&tx, &t, 1);
            let again = insert(&t).values(values! { "id" => 1, "data" => "d1" }).run(&tx).unwrap_err();
            on.is((again.kind(), again.table()), (ErrorKind::Unique, Some("manual_pk")));
            on.is(again.columns(), ["id"]);
            tx.rollback().unwrap();
            on.is(select(&t).count(&conn).unwrap(), 0);
        }

        fn exception_with_non_ascii(on) {
            let error = select(raw("méil")).all(on.db).unwrap_err();
            on.is(error.kind(), ErrorKind::NoSuchColumn);
            on.holds(error.to_string().contains("méil"));
        }
    }

    IsolationLevelTest {
        fn default_isolation_level(on) {
            let t = manual(on);
            on.is(next_level(on, &t, &on.db.connect().unwrap()), usual(on));
        }

        fn non_default_isolation_level(on) {
            let t = manual(on);
            let conn = on.db.connect().unwrap();
            on.is(next_level(on, &t, &conn), usual(on));
            conn.set_isolation(Isolation::ReadUncommitted).unwrap();
            on.is(next_level(on, &t, &conn), made_of(on, Isolation::ReadUncommitted));
            conn.set_isolation(None).unwrap();
            on.is(next_level(on, &t, &conn), usual(on));
        }

        fn all_levels(on) {
            let t = manual(on);
            add(on.db, &t, 1);
            for level in Isolation::ALL {
                let conn = on.db.connect().unwrap();
                conn.set_isolation(level).unwrap();
                // It holds for one transaction after the other, until the connection goes back.
                on.is(next_level(on, &t, &conn), made_of(on, level));
                on.is(next_level(on, &t, &conn), made_of(on, level));
                let tx = conn.begin(Intent::Deferred).unwrap();
                on.fails(conn.set_isolation(None), ErrorKind::Invalid);
                drop(tx);
                drop(conn);
                on.is(next_level(on, &t, &on.db.connect().unwrap()), usual(on));
            }
        }

        fn invalid_level_execution_option(on) {
            let error = "FOO".parse::<Isolation>().unwrap_err();
            on.is(error.kind(), ErrorKind::Config);
            on.holds(Isolation::ALL.iter().all(|level| error.message().contains(level.as_sql())));
        }

        fn invalid_level_engine_param(on) {
            let error = Db::open(&format!("{}?isolation_level=FOO", url_of(on))).unwrap_err();
            on.is(error.kind(), ErrorKind::Config);
            match on.dialect() {
                "sqlite" => on.holds(error.message().contains("`isolation_level` is no option of sqlite")),
                _ => on.holds(error.message().contains("`FOO`") && error.message().contains("SERIALIZABLE")),
            }
        }

        fn dialect_user_setting_is_restored(on) {
            let t = manual(on);
            let db = other(on, EngineOptions::new().isolation(Isolation::Serializable));
            add(&db, &t, 1);
            let level = || next_level(on, &t, &db.connect().unwrap());
            on.is(level(), Isolation::Serializable);
            let conn = db.connect().unwrap();
            conn.set_isolation(usual(on)).unwrap();
            on.is(next_level(on, &t, &conn), usual(on));
            drop(conn);
            on.is(level(), Isolation::Serializable);
        }
    }

    AutocommitIsolationTest {
        fn autocommit_on(on) {
            let t = manual(on);
            let conn = on.db.connect().unwrap();
            keeps(on, &t, &conn, false);
            keeps(on, &t, &conn, true);
        }

        fn autocommit_off(on) {
            let t = manual(on);
            keeps(on, &t, &on.db.connect().unwrap(), true);
        }

        fn turn_autocommit_off_via_default_iso_level(on) {
            let t = manual(on);
            let conn = on.db.connect().unwrap();
            keeps(on, &t, &conn, false);
            conn.set_isolation(usual(on)).unwrap();
            keeps(on, &t, &conn, true);
            // A level is of transactions: what is outside of them is there at once still.
            keeps(on, &t, &conn, false);
        }

        fn autocommit_block(on) {
            let t = manual(on);
            let conn = on.db.connect().unwrap();
            add(&conn, &t, 1);
            conn.begin(Intent::Write).map(|tx| add(&tx, &t, 2)).unwrap();
            on.is(select(&t).count(&conn).unwrap(), 1);
            // What somebody began in words of the database goes with the connection.
            conn.execute("BEGIN", ()).unwrap();
            add(&conn, &t, 3);
            on.holds(conn.driver().in_transaction());
            drop(conn);
            on.is(on.texts(&select(t.c("id"))), ["1"]);
        }

        fn dialect_autocommit_is_restored(on) {
            let t = manual(on);
            let db = other(on, EngineOptions::new().size(1));
            keeps(on, &t, &db.connect().unwrap(), false);
            let conn = db.connect().unwrap();
            conn.execute_script(if on.dialect() == "mysql" { "SET autocommit = 0" } else { "BEGIN" }).unwrap();
            add(&conn, &t, 1);
            drop(conn);
            on.is(select(&t).count(&db).unwrap(), 0);
            keeps(on, &t, &db.connect().unwrap(), false);
        }
    }

    EscapingTest {
        fn percent_sign_round_trip(on) {
            let t = on.table("t", column("data", Varchar(50)));
            for data in ["some % value", "some %% other value"] {
                insert(&t).values(values! { "data" => data }).run(on.db).unwrap();
                let found = select(t.c("data")).filter(t.c("data").eq(raw(format!("'{data}'"))));
                on.is(on.texts(&found), [data]);
                on.is(on.texts(&select(t.c("data")).filter(t.c("data").eq(data))), [data]);
            }
        }
    }

    WeCanSetDefaultSchemaWEventsTest {
        fn control_case(on) {
            let db = Db::open(&url_of(on)).unwrap();
            on.is(default_schema(&db, on.dialect()), default_schema(on.db, on.dialect()));
        }

        fn wont_work_wo_insert(on) needs [DefaultSchema] {
            let schema = Schema::new(on, "test_schema");
            let db = Db::open(&format!("{}?pool_size=1", url_of(on))).unwrap();
            let conn = db.connect().unwrap();
            conn.execute_script(&schema.chosen()).unwrap();
            on.is(default_schema(&conn, on.dialect()), schema.name.clone());
            // Set without a hook of new connections, it is gone when the connection goes back.
            drop(conn);
            on.is(default_schema(&db, on.dialect()), default_schema(on.db, on.dialect()));
        }

        fn schema_change_on_connect(on) needs [DefaultSchema] {
            let schema = Schema::new(on, "test_schema");
            let db = Db::open(&format!("{}?pool_size=1", url_of(on))).unwrap();
            let chosen = schema.chosen();
            let _hook = db.engine().unwrap().on_connect(move |conn| conn.execute_script(&chosen));
            on.is(default_schema(&db, on.dialect()), schema.name.clone());
            db.table("there", column("id", Integer).primary_key()).unwrap();
            db.create_all().unwrap();
            on.is(Inspector::new(on.db).in_schema(&*schema.name).table_names().unwrap(), ["there"]);
            on.holds(Inspector::new(on.db).table_names().unwrap().is_empty());
            db.engine().unwrap().dispose();
        }

        fn schema_change_works_w_transactions(on) needs [DefaultSchema] {
            let schema = Schema::new(on, "test_schema");
            let db = Db::open(&url_of(on)).unwrap();
            let chosen = schema.chosen();
            let _hook = db.engine().unwrap().on_connect(move |conn| conn.execute_script(&chosen));
            let conn = db.connect().unwrap();
            let tx = conn.begin(Intent::Write).unwrap();
            on.is(default_schema(&conn, on.dialect()), schema.name.clone());
            tx.rollback().unwrap();
            on.is(default_schema(&conn, on.dialect()), schema.name.clone());
            drop(conn);
            db.engine().unwrap().dispose();
        }
    }

    DifficultParametersTest {
        fn round_trip_same_named_column(on) {
            for name in TOUGH {
                let parts = (column("id", Integer).primary_key(), column(name, Varchar(50)).not_null());
                let t = on.table("t", parts);
                insert(&t).values([("id", Expr::from(1)), (name, "some name".into())]).run(on.db).unwrap();
                on.is(on.texts(&select(t.c(name)).filter(t.c(name).eq("some name"))), ["some name"]);
                let plan = select(t.c(name)).filter(t.c(name).eq(param(name))).prepare(on.db).unwrap();
                let row = plan.one(on.db, [(name, "some name")]).unwrap();
                on.is(row.get::<&str>(name).unwrap(), "some name");
                let listed = select(t.c(name)).filter(t.c(name).in_(["some name", "some other_name"]));
                on.is(on.texts(&listed), ["some name"]);
                on.db.drop_all().unwrap();
                on.db.metadata().remove(&t);
            }
        }

        fn standalone_bindparam_escape(on) {
            let t = lettered(on);
            for name in TOUGH {
                let plan = select(t.c("myid")).filter(t.c("name").eq(param(name))).prepare(on.db).unwrap();
                on.is(plan.one(on.db, [(name, "c")]).unwrap().get::<i64>(0).unwrap(), 3);
                on.fails(plan.one(on.db, [("other", "c")]), ErrorKind::Invalid);
            }
            // In a text a place has the name of a word.
            for name in TOUGH.iter().filter(|name| name.chars().all(|c| c.is_alphabetic() || c == '_')) {
                let found = text(format!("SELECT myid FROM mytable WHERE name = :{name}")).bind(name, "c");
                on.is(found.all(on.db).unwrap().scalars::<i64>().unwrap(), [3]);
            }
        }

        fn standalone_bindparam_escape_expanding(on) {
            let t = lettered(on);
            for name in TOUGH {
                let second = format!("{name} 2");
                let list = [param(name), param(&*second)];
                let found = select(t.c("myid")).filter(t.c("name").in_(list)).order_by(t.c("myid"));
                let rows = found.prepare(on.db).unwrap().all(on.db, [(name, "d"), (&*second, "a")]).unwrap();
                on.is(rows.scalars::<i64>().unwrap(), [1, 4]);
            }
        }
    }

    ReturningGuardsTest {
        fn insert_single(on) {
            let t = manual(on);
            let one = insert(&t).values(values! { "id" => 1, "data" => "d1" }).returning(t.c("id"));
            given_back(on, returning(on) != Returning::None, one.all(on.db), &["1"]);
        }

        fn insert_many(on) {
            let t = manual(on);
            let many = insert(&t).rows(["id", "data"], THREE).returning(t.c("id"));
            given_back(on, returning(on) != Returning::None, many.all(on.db), &["1", "2", "3"]);
        }

        fn update_single(on) {
            let t = manual(on);
            insert(&t).rows(["id", "data"], THREE).run(on.db).unwrap();
            let one = update(&t).set(values! { "data" => "d" }).filter(t.c("id").eq(1)).returning(&t);
            given_back(on, returning(on) == Returning::All, one.all(on.db), &["1,d"]);
        }

        fn update_many(on) {
            let t = manual(on);
            insert(&t).rows(["id", "data"], THREE).run(on.db).unwrap();
            let set = update(&t).set(values! { "data" => "d" }).filter(t.c("id").lt(3)).returning(t.c("data"));
            given_back(on, returning(on) == Returning::All, set.all(on.db), &["d", "d"]);
        }

        fn delete_single(on) {
            let t = manual(on);
            insert(&t).rows(["id", "data"], THREE).run(on.db).unwrap();
            let one = delete(&t).filter(t.c("id").eq(1)).returning(&t);
            given_back(on, returning(on) != Returning::None, one.all(on.db), &["1,d1"]);
            on.is(select(&t).count(on.db).unwrap(), if returning(on) == Returning::None { 3 } else { 2 });
        }

        fn delete_many(on) {
            let t = manual(on);
            insert(&t).rows(["id", "data"], THREE).run(on.db).unwrap();
            let all = delete(&t).filter(t.c("id").in_([1, 2, 3])).returning(func::upper(t.c("data")));
            given_back(on, returning(on) != Returning::None, all.all(on.db), &["D1", "D2", "D3"]);
            on.is(select(&t).count(on.db).unwrap(), if returning(on) == Returning::None { 3 } else { 0 });
        }
    }
}
