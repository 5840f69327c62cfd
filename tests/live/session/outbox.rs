//! The outbox: what is committed is announced, whoever dies in between.

use std::process::Command;
use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::{Outbox, OutboxEntry};

use crate::support::{each_backend, each_server_url};

fn shop(db: &Db) -> (Table, Outbox) {
    let goods =
        (column("id", Integer).primary_key(), column("name", Varchar(40)), column("price", Numeric(8, 2)));
    let goods = db.table("goods", goods).unwrap();
    let outbox = Outbox::new(db, "outbox").unwrap();
    db.create_all().unwrap();
    (goods, outbox)
}

/// What is told, as `insert goods [1] 'a'`.
fn told(outbox: &Outbox, db: &Db, most: u64) -> Vec<String> {
    let mut all = Vec::new();
    let count = outbox.deliver(db, most, |entry: &OutboxEntry| {
        let key = entry.key().unwrap_or("-").to_string();
        all.push(format!("{} {} {key} {}", entry.operation, entry.table, entry.rows));
    });
    assert_eq!(count.unwrap(), all.len() as u64);
    all
}

#[test]
fn r5_9_outbox_what_is_committed_waits_to_be_told() {
    each_backend(|db| {
        let (goods, outbox) = shop(db);
        let written = outbox.connect(db);
        let session = db.session();
        let tea = session.add(goods.record(values! { "name" => "tea", "price" => "2.25" }).unwrap()).unwrap();
        session.commit().unwrap();
        tea.set("name", "grün \"tea\"").unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(committed.changes.len(), 1, "its rows are no changes of their own");
        session.add(goods.record(values! { "name" => "gone" }).unwrap()).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        update(&goods).set(values! { "price" => "3.00" }).all_rows().run(db).unwrap();
        session.refresh(&tea).unwrap();
        session.delete(&tea).unwrap();
        session.commit().unwrap();
        let mut entries: Vec<OutboxEntry> = Vec::new();
        let failed = outbox.deliver(db, 100, |entry| {
            entries.push(entry.clone());
            if entry.operation == mirrorm::stmt::Operation::Delete { Err("not now".into()) } else { Ok(()) }
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Vetoed);
        let said = |e: &OutboxEntry| format!("{} {} {:?} {}", e.operation, e.table, e.key(), e.rows);
        assert_eq!(
            entries.iter().map(said).collect::<Vec<_>>(),
            [
                "insert goods Some(\"[1]\") 1",
                "update goods Some(\"[1]\") 1",
                "update goods None 1",
                "delete goods Some(\"[1]\") 1"
            ]
        );
        assert!(entries.is_sorted_by_key(|entry| entry.id));
        #[derive(serde::Deserialize, PartialEq, Debug)]
        struct Good {
            id: i64,
            name: String,
            price: String,
        }
        let good = |name: &str, price: &str| Good { id: 1, name: name.into(), price: price.into() };
        assert_eq!(entries[1].row_as::<Good>().unwrap(), good("grün \"tea\"", "2.25"));
        assert!(entries[1].old_row().unwrap().contains("\"tea\""));
        assert_eq!(
            entries[3].row_as::<Good>().unwrap().name,
            "grün \"tea\"",
            "a row that went is the one before"
        );
        assert_eq!(entries[2].row_as::<Good>().unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(entries[0].row_as::<Vec<i64>>().unwrap_err().kind(), ErrorKind::Conversion);
        // What was not told is told again, under its number; numbers are not used again.
        let mut again = Vec::new();
        assert_eq!(outbox.deliver(db, 100, |entry| again.push(entry.id)).unwrap(), 1);
        assert_eq!(again, [entries[3].id]);
        session.add(goods.record(values! { "name" => "new" }).unwrap()).unwrap();
        session.commit().unwrap();
        let mut ids = Vec::new();
        outbox.deliver(db, 100, |entry| ids.push(entry.id)).unwrap();
        assert!(ids[0] > again[0]);
        // Nobody writes when nobody is connected.
        drop(written);
        session.add(goods.record(()).unwrap()).unwrap();
        session.commit().unwrap();
        assert!(told(&outbox, db, 9).is_empty());
    });
}

#[test]
fn r5_9_outbox_takes_a_few_at_a_time_and_some_tables() {
    each_backend(|db| {
        let (goods, outbox) = shop(db);
        let other = db.table("others", column("id", Integer).primary_key()).unwrap();
        db.create_all().unwrap();
        let outbox = outbox.only([goods.clone()]);
        let _written = outbox.connect(db);
        // What a receiver changes is written, too.
        let also = goods.clone();
        let _adds = db.signals().before_commit.of(&other).connect(move |session, _| {
            session.add(also.record(values! { "name" => "of a receiver" })?)?;
            Ok(())
        });
        db.transaction(|session| {
            (0..5).try_for_each(|n| session.add(goods.record(values! { "id" => 10 + n })?).map(|_| ()))?;
            session.add(other.record(())?)
        })
        .unwrap();
        assert_eq!(told(&outbox, db, 2), ["insert goods [10] 1", "insert goods [11] 1"]);
        assert_eq!(told(&outbox, db, 100).len(), 4);
        assert_eq!(select(outbox.table()).count(db).unwrap(), 0);
    });
}

#[test]
fn r5_9_outbox_goes_where_the_rows_go() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:///{}", folder.path().join(name).display());
    let config = mirrorm::session::Config::new().url(&url("main.db")).bind("other", &url("other.db"));
    let db = Db::new();
    db.init(config).unwrap();
    let goods = db.table("goods", (column("id", Integer).primary_key(), in_bind("other"))).unwrap();
    let here = Outbox::new(&db, "outbox").unwrap();
    let there = Outbox::with(&db, "outbox_there", in_bind("other")).unwrap();
    db.create_all().unwrap();
    let _written = (here.connect(&db), there.connect(&db));
    db.transaction(|session| session.add(goods.record(())?)).unwrap();
    assert!(told(&here, &db, 9).is_empty(), "another database's transaction");
    assert_eq!(told(&there, &db, 9), ["insert goods [1] 1"]);
}

#[test]
fn r5_9_outbox_that_cannot_be_written_commits_nothing() {
    each_backend(|db| {
        let (goods, outbox) = shop(db);
        let _written = outbox.connect(db);
        db.execute("DROP TABLE outbox", ()).unwrap();
        let done = db.transaction(|session| session.add(goods.record(()).unwrap()));
        assert_eq!(done.unwrap_err().kind(), ErrorKind::NoSuchTable);
        assert_eq!(select(&goods).count(db).unwrap(), 0);
        assert_eq!(outbox.deliver(db, 9, |_| ()).unwrap_err().kind(), ErrorKind::NoSuchTable);
        let wrong = Outbox::new(db, "goods").unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
    });
}

/// Where the child is to die.
const DIES: &str = "MIRRORM_TEST_DIES";
/// Its database.
const AT: &str = "MIRRORM_TEST_AT";

fn die() {
    std::process::abort();
}

/// Dies between COMMIT and telling, between the outbox and COMMIT, or between telling and removing.
#[test]
#[ignore = "a child of the test below"]
fn child() {
    let db = Db::open(&std::env::var(AT).unwrap()).unwrap();
    let (goods, outbox) = shop(&db);
    let _written = outbox.connect(&db);
    let dies = std::env::var(DIES).unwrap();
    if dies == "telling" {
        outbox.deliver(&db, 9, |_| die()).unwrap();
    }
    let before = dies == "before";
    let _before = db.signals().before_commit.connect(move |_, _| {
        if before {
            die();
        }
    });
    let _after = db.signals().models_committed.connect(|_, _| die());
    let _ = db.transaction(|session| session.add(goods.record(values! { "name" => "of the child" })?));
    panic!("nobody died");
}

#[test]
fn r5_9_outbox_survives_a_process_that_dies_before_it_tells() {
    let dies_at = |url: &str| {
        let db = Db::open(url).unwrap();
        let (goods, outbox) = shop(&db);
        let child = |dies: &str| {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "live::session::outbox::child", "--ignored"]).env(AT, url).env(DIES, dies);
            let done = child.output().unwrap();
            assert!(
                !done.status.success() && !String::from_utf8_lossy(&done.stdout).contains("nobody died"),
                "{done:?}"
            );
        };
        child("before");
        assert_eq!(select(&goods).count(&db).unwrap(), 0, "nothing is committed, nothing is announced");
        assert_eq!(select(outbox.table()).count(&db).unwrap(), 0);
        child("after");
        assert_eq!(select(&goods).count(&db).unwrap(), 1);
        child("telling");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let own = seen.clone();
        outbox
            .deliver(&db, 9, move |entry| own.lock().unwrap().push(entry.new_row().unwrap().to_string()))
            .unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "what is committed is announced");
        assert!(seen[0].contains("of the child"), "{seen:?}");
        db.engine().unwrap().dispose();
    };
    let folder = tempfile::tempdir().unwrap();
    dies_at(&format!("sqlite:///{}", folder.path().join("outbox.db").display()));
    each_server_url(dies_at);
}
