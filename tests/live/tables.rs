//! Tables as values: defining, creating, reading, writing, on the databases of every backend.

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::schema::{Autoincrement, Existing, IndexElement, Metadata, Setting};

use crate::support::{dialect, each_backend, memory};

fn tags(db: &Db) -> Table {
    let tags = db
        .table("tags", (column("id", Integer).primary_key(), column("name", Varchar(40)).not_null().unique()))
        .unwrap();
    db.create_all().unwrap();
    tags
}

#[test]
fn parts_in_any_mix() {
    let db = memory();
    let stamps = vec![column("made", DateTime), column("seen", DateTime)];
    let soft = true.then(|| column("deleted", DateTime));
    let more = [column("a", Text), column("b", Text)];
    let nested = (index(["seen"]), [unique(["made"])], (option("sqlite", "strict", false), comment("mixed")));
    let t = db
        .table(
            "mix",
            (
                column("id", Integer).primary_key(),
                stamps,
                soft,
                &more[..],
                nested,
                None::<mirrorm::schema::Column>,
            ),
        )
        .unwrap();
    let def = t.def();
    let names: Vec<&str> = def.columns().map(|c| c.key()).collect();
    assert_eq!(names, ["id", "made", "seen", "deleted", "a", "b"]);
    assert_eq!((def.indexes().len(), def.uniques().len(), def.comment()), (1, 1, Some("mixed")));
}

#[test]
fn get_or_create_is_safe() {
    let db = memory();
    let parts =
        || (column("id", Integer).primary_key(), column("name", Text).server_default(func::lower("X")));
    let first = db.table("t", parts()).unwrap();
    assert_eq!(db.table("t", parts()).unwrap(), first);
    let error = db.table("t", (column("id", Integer).primary_key(), column("name", Integer))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.message().contains("`name`") && error.message().contains("extend_existing"), "{error}");
    let kept = db.table("t", (column("other", Integer), keep_existing())).unwrap();
    assert_eq!((kept == first, first.def().columns().len(), first.version()), (true, 2, 1));
    let extended =
        db.table("t", (column("name", Varchar(9)), column("age", Integer), extend_existing())).unwrap();
    assert_eq!(extended, first);
    let def = first.def();
    assert_eq!((def.columns().len(), def.version()), (3, 2));
    assert_eq!(def.column("name").unwrap().ty(), &Varchar(9));
    assert_eq!(
        def.column("name").unwrap().id(),
        extended.def().column_at(1).unwrap().id(),
        "a column keeps its id"
    );
    db.table("t", (column("age", Integer), extend_existing())).unwrap();
    assert_eq!(first.version(), 2, "nothing new is no new version");
    let handles: Vec<Table> = (0..8)
        .map(|_| {
            let db = db.clone();
            std::thread::spawn(move || db.table("race", column("a", Text)).unwrap())
        })
        .map(|t| t.join().unwrap())
        .collect();
    assert!(handles.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_registry() {
    let m = Metadata::new();
    let a = m.define("a", column("x", Integer)).unwrap();
    let other = m.define("a", (column("y", Integer), in_schema("aux"))).unwrap();
    assert_ne!(a, other);
    assert_eq!(m.table_named("aux.a").unwrap(), other);
    assert_eq!(m.tables(), [a.clone(), other]);
    assert!(m.remove(&a) && !m.remove(&a));
    assert_eq!(a.def().columns().len(), 1, "a handle stays usable");
    let again = m.define("a", (column("z", Integer), Setting::Existing(Existing::Refuse))).unwrap();
    assert_ne!(again, a);
    m.clear();
    assert!(m.tables().is_empty());
    let weak = {
        let table = Table::new("free", column("x", Integer)).unwrap();
        std::sync::Arc::downgrade(&table.def())
    };
    assert!(weak.upgrade().is_none(), "dropping the last handle frees everything");
}

#[test]
fn order_of_creation() {
    each_backend(|db| {
        let column_to = |name: &str, target: &str| column(name, Integer).references(target);
        db.table(
            "c",
            (column("id", Integer).primary_key(), column_to("b_id", "b"), column_to("self_id", "c.id")),
        )
        .unwrap();
        db.table("b", (column("id", Integer).primary_key(), column_to("a_id", "a.id"), index(["a_id"])))
            .unwrap();
        db.table("a", column("id", Integer).primary_key()).unwrap();
        let names: Vec<String> =
            db.metadata().sorted_tables().unwrap().iter().map(|t| t.name().to_string()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        db.create_all().unwrap();
        db.create_all().unwrap();
        let mut found: Vec<String> =
            db.reflect().unwrap().tables().iter().map(|t| t.name().to_string()).collect();
        found.sort();
        assert_eq!(found, ["a", "b", "c"]);
        db.drop_all().unwrap();
        db.drop_all().unwrap();
        assert!(db.reflect().unwrap().tables().is_empty());
        let m = db.metadata();
        m.clear();
        db.table("x", (column("id", Integer).primary_key(), column_to("y_id", "y.id"))).unwrap();
        db.table("y", (column("id", Integer).primary_key(), column_to("x_id", "x.id"))).unwrap();
        assert_eq!(m.sorted_tables().unwrap_err().kind(), ErrorKind::Cycle);
        db.create_all().unwrap();
        db.drop_all().unwrap();
    });
}

#[test]
fn rows_in_and_out() {
    each_backend(|db| {
        let t = tags(db);
        assert_eq!(insert(&t).values(values! { "name" => "a" }).run(db).unwrap().id(), Some(1));
        assert_eq!(insert(&t).values(values! { "id" => 7, "name" => "b" }).run(db).unwrap().id(), Some(7));
        let ids = insert(&t).rows(["name"], [["c"], ["d"]]).ids(db).unwrap();
        let named: Vec<String> =
            select(t.c("name")).filter(t.c("id").in_(ids)).order_by(t.c("id")).scalars(db).unwrap();
        assert_eq!(named, ["c", "d"]);
        assert_eq!(insert(&t).rows(["name"], Vec::<[&str; 1]>::new()).run(db).unwrap().rows(), 0);
        let e = insert(&t).values(values! { "name" => "e" });
        if db.engine().unwrap().target().unwrap().features().returning != mirrorm::dialect::Returning::None {
            let returned = e.returning((t.c("id"), t.c("name"))).run(db).unwrap();
            assert_eq!(returned.row().unwrap().get::<&str>("name").unwrap(), "e");
        } else {
            let refused = e.clone().returning(t.c("id")).run(db).unwrap_err();
            assert!(matches!(refused.kind(), ErrorKind::Unsupported { .. }), "{refused}");
            e.run(db).unwrap();
        }
        assert_eq!(
            update(&t)
                .set(values! { "name" => t.c("name").concat("!") })
                .filter(t.c("name").in_(["a", "b"]))
                .run(db)
                .unwrap(),
            2
        );
        assert_eq!(delete(&t).filter(t.c("name").like("%!")).run(db).unwrap(), 2);
        assert_eq!(select(t.c("name")).order_by(t.c("id")).scalars::<String>(db).unwrap(), ["c", "d", "e"]);
        assert_eq!(select(&t).count(db).unwrap(), 3);
        assert_eq!(select(&t).limit(2).count(db).unwrap(), 2);
        assert_eq!(
            select(&t).order_by(t.c("id").desc()).first(db).unwrap().unwrap().get::<&str>("name").unwrap(),
            "e"
        );
        assert!(select(&t).filter(t.c("id").eq(99)).one_or_none(db).unwrap().is_none());
        assert_eq!(select(&t).one(db).unwrap_err().kind(), ErrorKind::MultipleFound);
        assert_eq!(delete(&t).all_rows().run(db).unwrap(), 3);
    });
}

#[test]
fn bulk_in_batches_and_row_by_row() {
    each_backend(|db| {
        let t = db
            .table(
                "bulk",
                (
                    column("id", Integer).primary_key(),
                    column("n", Integer),
                    column("text", Text),
                    column("made", Integer).default(5),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        let rows = |n: i64| (0..n).map(|i| (i, format!("row {i}")));
        for n in [1, 59, 60, 61, 1003] {
            assert_eq!(insert(&t).rows(["n", "text"], rows(n)).run(db).unwrap().rows(), n as u64);
            assert_eq!(
                select((func::count_all(), func::sum(t.c("n")), func::min(t.c("made"))))
                    .all_as::<(i64, i64, i64)>(db)
                    .unwrap(),
                [(n, n * (n - 1) / 2, 5)]
            );
            delete(&t).all_rows().run(db).unwrap();
        }
        let ids = insert(&t).rows(["n", "text"], rows(100)).ids(db).unwrap();
        let back: Vec<(i64, i64)> = select((t.c("id"), t.c("n"))).order_by(t.c("n")).all_as(db).unwrap();
        assert_eq!(back.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
        assert_eq!(insert(&t).rows([] as [&str; 0], vec![Vec::<i64>::new(); 3]).run(db).unwrap().rows(), 3);
        let copied = select((t.c("n"), t.c("text"))).all(db).unwrap();
        assert_eq!(
            insert(&t).rows(["n", "text"], copied.iter().collect::<Vec<_>>().iter()).run(db).unwrap().rows(),
            103
        );
    });
}

#[test]
fn a_bulk_that_fails_leaves_nothing() {
    each_backend(|db| {
        let t = tags(db);
        let names: Vec<String> = (0..500).map(|i| format!("tag {}", i % 499)).collect();
        let error = insert(&t).rows(["name"], names.iter().map(|n| [n])).run(db).unwrap_err();
        assert_eq!((error.kind(), error.columns()), (ErrorKind::Unique, &["name".to_string()][..]));
        assert_eq!(select(&t).count(db).unwrap(), 0);
        assert!(!db.connect().unwrap().in_transaction());
    });
}

#[test]
fn defaults_of_the_program_and_of_the_database() {
    use std::sync::atomic::{AtomicI64, Ordering};
    each_backend(|db| {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let t = db
            .table(
                "t",
                (
                    column("id", Integer).primary_key(),
                    column("n", Integer).default_with(|| NEXT.fetch_add(1, Ordering::SeqCst).into()),
                    column("touched", Integer).default(0).on_update_value(1),
                    column("made", DateTime).server_default(func::now()),
                    column("twice", Integer).computed(raw("n * 2"), true),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        NEXT.store(0, Ordering::SeqCst);
        insert(&t).run(db).unwrap();
        insert(&t).rows(["id"], [[10], [11]]).run(db).unwrap();
        let n: Vec<(i64, i64, i64)> =
            select((t.c("n"), t.c("touched"), t.c("twice"))).order_by(t.c("id")).all_as(db).unwrap();
        assert_eq!(n, [(0, 0, 0), (1, 0, 2), (2, 0, 4)]);
        update(&t).set(values! { "n" => 50 }).filter(t.c("id").eq(10)).run(db).unwrap();
        assert_eq!(select(t.c("touched")).filter(t.c("id").eq(10)).scalar::<i64>(db).unwrap(), 1);
        assert!(select(t.c("made")).filter(t.c("made").is_null()).all(db).unwrap().is_empty());
        let error = insert(&t).values(values! { "twice" => 5 }).run(db).unwrap_err();
        assert_eq!((error.kind(), error.columns()), (ErrorKind::Invalid, &["twice".to_string()][..]));
        let def = t.def();
        let kinds = |name: &str| {
            let column = def.column(name).unwrap();
            (
                column.client_default().is_some(),
                column.client_on_update().is_some(),
                column.server_default().is_some(),
            )
        };
        assert_eq!((kinds("touched"), kinds("made")), ((true, true, false), (false, false, true)));
    });
}

#[test]
fn keys_the_database_makes() {
    each_backend(|db| {
        let strict = db
            .table(
                "strict",
                (
                    column("id", BigInteger).primary_key().autoincrement(Autoincrement::Always),
                    column("x", Text),
                ),
            )
            .unwrap();
        let big = db.table("big", (column("id", BigInteger).primary_key(), column("x", Text))).unwrap();
        let text = db.table("textual", (column("id", Varchar(9)).primary_key(), column("x", Text))).unwrap();
        db.create_all().unwrap();
        for t in [&strict, &big] {
            assert_eq!(insert(t).rows(["x"], [["a"], ["b"]]).ids(db).unwrap(), [1, 2]);
            delete(t).filter(t.c("id").eq(2)).run(db).unwrap();
        }
        assert_eq!(
            insert(&strict).values(values! { "x" => "c" }).run(db).unwrap().id(),
            Some(3),
            "never used twice"
        );
        let done = insert(&text).values(values! { "id" => "k", "x" => "c" }).run(db).unwrap();
        assert_eq!(done.id(), None);
        assert_eq!(insert(&text).rows(["id"], [["z"]]).ids(db).unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn columns_with_another_key() {
    each_backend(|db| {
        let t = db
            .table("t", (column("id", Integer).primary_key(), column("Odd Name", Text).key("odd")))
            .unwrap();
        db.create_all().unwrap();
        insert(&t).values(values! { "odd" => "x" }).run(db).unwrap();
        let row = select(&t).filter(t.c("odd").eq("x")).one(db).unwrap();
        assert_eq!(row.get::<&str>("odd").unwrap(), "x");
        assert_eq!(row.get::<&str>("Odd Name").unwrap_err().kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn streams() {
    each_backend(|db| {
        let t = tags(db);
        insert(&t).rows(["name"], (0..2000).map(|i| [format!("tag {i}")])).run(db).unwrap();
        let conn = db.connect().unwrap();
        let query = select(&t).order_by(t.c("id"));
        let seen = query
            .stream(&conn, |rows| {
                assert_eq!(rows.columns().len(), 2);
                let mut seen = 0;
                for row in rows.by_ref().take(1500) {
                    seen += 1;
                    if seen % 500 == 0 {
                        let id = row?.get::<i64>("id")?;
                        assert_eq!(
                            select(&t).filter(t.c("id").le(id)).count(&conn)?,
                            seen,
                            "another statement meanwhile"
                        );
                    }
                }
                Ok(seen)
            })
            .unwrap();
        assert_eq!(seen, 1500);
        let error =
            query.stream(&conn, |_| Err::<(), _>(Error::new(ErrorKind::Invalid, "enough"))).unwrap_err();
        assert_eq!(error.message(), "enough");
        let error = select(raw("abs(-9223372036854775808)"))
            .from(&t)
            .stream(&conn, |rows| rows.collect::<Result<Vec<Row>>>())
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Database | ErrorKind::Conversion), "{error}");
        assert_eq!(select(&t).count(&conn).unwrap(), 2000);
    });
}

#[test]
fn rows_are_owned() {
    let row = {
        let db = memory();
        let t = tags(&db);
        insert(&t).rows(["name"], (0..600).map(|i| [format!("tag {i}")])).run(&db).unwrap();
        let rows = select(&t).all(&db).unwrap();
        assert_eq!((rows.len(), rows.iter().len(), rows.blocks().count()), (600, 600, 2));
        assert!(rows.get(600).is_none());
        rows.get(599).unwrap()
    };
    let alone = row.detach();
    let sent = std::thread::spawn(move || row.get::<String>("name").unwrap()).join().unwrap();
    assert_eq!((sent.as_str(), alone.get::<&str>("name").unwrap()), ("tag 599", "tag 599"));
}

#[test]
fn transactions_and_savepoints() {
    each_backend(|db| {
        let t = tags(db);
        let add = |on: &mirrorm::engine::Transaction<'_>, name: &str| {
            insert(&t).values(values! { "name" => name }).run(on).map(|_| ())
        };
        let failed: Result<()> = db.connect().unwrap().transaction(|tx| {
            add(tx, "kept")?;
            let inner: Result<()> = tx.transaction(|sp| {
                add(sp, "lost")?;
                sp.transaction(|deep| add(deep, "lost too"))?;
                add(sp, "kept")
            });
            assert_eq!(inner.unwrap_err().kind(), ErrorKind::Unique);
            tx.transaction(|sp| add(sp, "released"))
        });
        failed.unwrap();
        assert_eq!(
            select(t.c("name")).order_by(t.c("id")).scalars::<String>(db).unwrap(),
            ["kept", "released"]
        );
        let conn = db.connect().unwrap();
        let tx = conn.begin(mirrorm::dialect::Intent::Write).unwrap();
        add(&tx, "dropped").unwrap();
        assert_eq!(conn.begin(mirrorm::dialect::Intent::Write).unwrap_err().kind(), ErrorKind::Invalid);
        drop(tx);
        assert!(!conn.in_transaction());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _: Result<()> = conn.transaction(|tx| {
                add(tx, "panicked").unwrap();
                panic!("a closure that panics")
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(select(&t).count(&conn).unwrap(), 2);
        add(&conn.begin(mirrorm::dialect::Intent::Deferred).unwrap(), "gone").unwrap();
        assert_eq!(select(&t).count(&conn).unwrap(), 2);
    });
}

#[test]
fn a_transaction_that_the_database_ended() {
    let db = memory();
    let t = db
        .table(
            "t",
            (column("id", Integer).primary_key(), unique(["id"]).option("sqlite", "on_conflict", "rollback")),
        )
        .unwrap();
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)", ()).unwrap();
    let mut after = None;
    let done = db.transaction(|tx| {
        insert(&t).values(values! { "id" => 1 }).run(tx)?;
        let first = insert(&t).values(values! { "id" => 1 }).run(tx).unwrap_err();
        assert_eq!((first.kind(), first.left()), (ErrorKind::Unique, mirrorm::Left::Transaction));
        after = Some(insert(&t).values(values! { "id" => 2 }).run(tx).unwrap_err().kind());
        Ok(())
    });
    assert_eq!(after, Some(ErrorKind::PendingRollback), "not committed by itself, behind the caller's back");
    assert_eq!(done.unwrap_err().kind(), ErrorKind::PendingRollback);
    assert_eq!(select(&t).count(&db).unwrap(), 0);
}

#[test]
fn keys_that_were_given_and_rows_that_were_left_out() {
    let db = memory();
    db.execute_script("CREATE TABLE other (id INTEGER PRIMARY KEY); INSERT INTO other VALUES (77); CREATE TABLE w (id INTEGER PRIMARY KEY, x) WITHOUT ROWID; CREATE TABLE i (id INTEGER PRIMARY KEY, x UNIQUE ON CONFLICT IGNORE)").unwrap();
    let w = db.table("w", (column("id", Integer).primary_key(), column("x", Type::Any))).unwrap();
    assert_eq!(
        insert(&w).values(values! { "id" => 5 }).run(&db).unwrap().id(),
        Some(5),
        "not the last rowid of another table"
    );
    db.reflect().unwrap();
    let i = db.table_named("i").unwrap();
    let one = |x: i64| insert(&i).values(values! { "x" => x }).run(&db).unwrap();
    assert_eq!((one(1).id(), one(1).rows(), one(1).id()), (Some(1), 0, None));
    assert_eq!(insert(&i).rows(["x"], [[2], [2]]).ids(&db).unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(select(&i).count(&db).unwrap(), 1);
}

#[test]
fn counts() {
    each_backend(|db| {
        let t = tags(db);
        insert(&t).rows(["name"], [["a"], ["b"], ["c"]]).run(db).unwrap();
        assert_eq!(select(func::max(t.c("id"))).count(db).unwrap(), 1, "an aggregate is one row");
        assert_eq!(select(t.c("name").label("n")).filter(t.c("id").gt(1)).count(db).unwrap(), 2);
        assert_eq!(select(func::char_length(t.c("name"))).distinct().count(db).unwrap(), 1);
        assert_eq!(select((t.c("id"), t.c("id"))).offset(1).count(db).unwrap(), 2);
        assert_eq!(select((t.c("name"), func::count_all())).group_by(t.c("name")).count(db).unwrap(), 3);
    });
}

#[test]
fn a_foreign_key_checked_at_commit() {
    let db = memory();
    db.execute_script("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p_id INT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)").unwrap();
    db.reflect().unwrap();
    let c = db.table_named("c").unwrap();
    let done = db.transaction(|tx| insert(&c).values(values! { "p_id" => 9 }).run(tx).map(|_| ()));
    assert_eq!(done.unwrap_err().kind(), ErrorKind::ForeignKey);
    assert_eq!(select(&c).count(&db).unwrap(), 0);
    assert!(!db.connect().unwrap().in_transaction(), "a failed COMMIT leaves no transaction behind");
}

#[test]
fn a_pool_hands_connections_around() {
    let dir = tempfile::tempdir().unwrap();
    let url = mirrorm::dialect::sqlite::url_of_path(&dir.path().join("p.db"));
    let db = Db::open_with(&url, EngineOptions::new().size(2).overflow(1)).unwrap();
    let held: Vec<_> = (0..3).map(|_| db.connect().unwrap()).collect();
    assert_eq!(db.engine().unwrap().pool_status().in_use, 3);
    let other = db.clone();
    let waiting = std::thread::spawn(move || other.connect().map(|_| ()));
    while db.engine().unwrap().pool_status().waiting == 0 {
        std::thread::yield_now();
    }
    drop(held);
    waiting.join().unwrap().unwrap();
    let status = db.engine().unwrap().pool_status();
    assert_eq!((status.idle, status.in_use, status.waiting), (2, 0, 0), "the overflow is closed");
    db.engine().unwrap().dispose();
    assert_eq!(db.engine().unwrap().pool_status().idle, 0);
    db.query_text("SELECT 1", ()).unwrap();
    let recycled = Db::open_with(&url, EngineOptions::new().recycle(std::time::Duration::ZERO)).unwrap();
    recycled.execute("CREATE TEMP TABLE mine (a)", ()).unwrap();
    assert!(recycled.query_text("SELECT * FROM mine", ()).is_err(), "too old, so replaced");
}

#[test]
fn plans_of_every_statement() {
    each_backend(|db| {
        let t = tags(db);
        let add =
            insert(&t).values(values! { "id" => param("id"), "name" => param("name") }).prepare(db).unwrap();
        assert_eq!(add.run(db, values! { "name" => "a", "id" => 1 }).unwrap(), 1);
        assert_eq!(add.run_many(db, ["id", "name"], [(2, "b"), (3, "c")]).unwrap(), 2);
        let get = select(&t)
            .filter(t.c("id").between(param("low"), param("high")) | t.c("name").eq(param("low")))
            .prepare(db)
            .unwrap();
        assert_eq!(get.all(db, values! { "low" => 2, "high" => 3 }).unwrap().len(), 2);
        let gone = delete(&t).filter(t.c("id").eq(param("id"))).prepare(db).unwrap();
        assert_eq!(gone.run_many(db, ["id"], [[1], [2], [99]]).unwrap(), 2);
        for wrong in [
            get.all(db, ()),
            get.all(db, values! { "low" => 1 }),
            get.all(db, values! { "low" => 1, "hihg" => 2, "high" => 3 }),
        ] {
            assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert!(
            add.run(db, values! { "id" => "x", "name" => "n" })
                .unwrap_err()
                .message()
                .contains("parameter `id`")
        );
        assert_eq!(add.run_many(db, ["id"], [[1]]).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(
            select(&t).filter(t.c("id").eq(param("id"))).all(db).unwrap_err().kind(),
            ErrorKind::Invalid
        );
        let other = memory();
        tags(&other);
        assert_eq!(
            get.all(&other, values! { "low" => 0, "high" => 9 }).unwrap().len(),
            0,
            "a plan runs elsewhere too"
        );
    });
}

#[test]
fn what_looks_like_a_key_and_is_none() {
    each_backend(|db| {
        let pairs = db
            .table(
                "pairs",
                (
                    column("a", Integer).primary_key(),
                    column("b", Integer).primary_key(),
                    column("c", Integer),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        insert(&pairs).rows(["a", "b", "c"], [[1, 1, 5], [1, 2, 5], [2, 1, 5]]).run(db).unwrap();
        db.metadata().clear();
        db.reflect().unwrap();
        let pairs = db.table_named("pairs").unwrap();
        let (a, b, c) = (pairs.c("a"), pairs.c("b"), pairs.c("c"));
        let count = |condition: Expr| select(&pairs).filter(condition).all(db).unwrap().len();
        assert_eq!(count(a.eq(1)), 2);
        assert_eq!(count(a.eq(1) & b.eq(2)), 1);
        assert_eq!(count(c.eq(5)), 3);
        assert_eq!(count((a.eq(1) & b.eq(1)) | c.eq(5)), 3);
        assert_eq!(count(a.eq(1) & b.in_([1, 2])), 2);
        assert_eq!(count(a.eq(&a) & b.eq(&b)), 3);
        let other = pairs.alias("other");
        let joined = select(&pairs).join_on(&other, c.eq(other.c("c"))).filter(a.eq(1) & b.eq(1));
        assert_eq!(joined.all(db).unwrap().len(), 3);
        let mine = Table::new("pairs", (column("a", Integer).primary_key(), column("c", Integer))).unwrap();
        let said = select(&mine).filter(mine.c("a").eq(1)).all(db).unwrap();
        assert_eq!(said.len(), 2, "a key that the program names need not be one");
    });
}

#[test]
fn indexes_are_made() {
    each_backend(|db| {
        let features = db.engine().unwrap().target().unwrap().features().clone();
        let low = match features.expression_indexes {
            true => index([IndexElement::expr(func::lower(raw("a")))]),
            false => index(["a", "b"]),
        };
        let low = low.named("ix_low");
        let low = if features.partial_indexes { low.filter(raw("a IS NOT NULL")) } else { low };
        let (a, b) = (column("a", Varchar(40)).index(), column("b", Varchar(40)).unique().index());
        db.table("t", (a, b, low)).unwrap();
        db.create_all().unwrap();
        db.metadata().clear();
        db.reflect().unwrap();
        let def = db.table_named("t").unwrap().def();
        // A unique index is a unique constraint where the two are one.
        assert_eq!(def.indexes().len() + def.uniques().len(), 3, "{:?}", def.indexes());
    });
}

/// PostgreSQL alone has tables without columns, and makes them.
#[test]
fn tables_without_columns() {
    each_backend(|db| {
        db.table("bare", ()).unwrap();
        let made = db.create_all();
        if dialect(db) == "postgresql" {
            made.unwrap();
            assert!(db.reflect().unwrap().tables()[0].def().columns().len() == 0);
        } else {
            let error = made.unwrap_err();
            assert_eq!((error.kind(), error.table()), (ErrorKind::Invalid, Some("bare")));
        }
    });
}

#[test]
fn handles_go_where_they_should() {
    fn everywhere<T: Send + Sync + Clone>() {}
    fn to_threads<T: Send>() {}
    everywhere::<Db>();
    everywhere::<Table>();
    everywhere::<Row>();
    everywhere::<Rows>();
    everywhere::<Error>();
    everywhere::<Expr>();
    to_threads::<mirrorm::engine::Conn>();
}
