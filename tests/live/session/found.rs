//! Faults that somebody found, each with the case that showed it. Those of relationships are in `found_relations`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::RecordState;

use super::{blog, said, text};
use crate::support::each_backend;

#[test]
fn an_update_of_an_old_record_leaves_its_other_columns_old() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let a = db.session();
        let ann = a.get(&b.users, 1).unwrap().unwrap();
        a.commit().unwrap();
        update(&b.users).set(values! { "karma" => 9 }).filter(b.users.c("id").eq(1)).run(db).unwrap();
        ann.set("name", "anna").unwrap();
        a.flush().unwrap();
        let got = a.get(&b.users, 1).unwrap().unwrap().get::<i64>("karma").unwrap();
        ann.set("karma", 7).unwrap();
        a.commit().unwrap();
        let karma: Vec<i64> = select(b.users.c("karma")).scalars(db).unwrap();
        assert_eq!((got, karma), (9, vec![7]));
    });
}

#[test]
fn a_failure_that_a_receiver_swallows_is_the_commits() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let users = b.users.clone();
        let _s = db.signals().before_commit.connect(move |session, _| {
            session.add(users.record(values! { "name" => "ann" }).unwrap()).unwrap();
            // A duplicate.
            let _ = session.flush();
        });
        let session = db.session();
        session.add(b.user("ben")).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Unique);
        assert_eq!(b.names(db), ["ann"]);
        session.query(&b.users).one().unwrap();
    });
}

#[test]
fn a_delete_that_was_rolled_back_is_forgotten() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let x = session.add(b.user("x")).unwrap();
        session.flush().unwrap();
        session.delete(&x).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        assert_eq!(x.state(), RecordState::Transient);
        session.add(x.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["x"]);
        session.delete(&x).unwrap();
        session.commit().unwrap();
        assert!(b.names(db).is_empty(), "deleted but there: {:?}", b.names(db));
    });
}

#[test]
fn an_insert_after_a_delete_that_was_rolled_back() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["old"]);
        let session = db.session();
        let old = session.get(&b.users, 1).unwrap().unwrap();
        let x = session.add(b.user("x")).unwrap();
        session.flush().unwrap();
        session.delete(&x).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        session.add(x.clone()).unwrap();
        session.delete(&old).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["x"]);
    });
}

#[test]
fn a_default_that_panics() {
    each_backend(|db| {
        let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let t = db
            .table(
                "t",
                (
                    column("id", Integer).primary_key(),
                    column("n", Integer).default_with(move || {
                        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                            panic!("boom")
                        }
                        5.into()
                    }),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let record = session.add(t.record(()).unwrap()).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| session.flush())).is_err(), "raised again");
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::PendingRollback);
        session.rollback().unwrap();
        session.add(record).unwrap();
        session.commit().unwrap();
        assert_eq!(select(t.c("n")).scalars::<i64>(db).unwrap(), [5]);
    });
}

#[test]
fn a_record_deleted_for_good_cannot_be_added() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        session.delete(&ann).unwrap();
        session.commit().unwrap();
        let added = session.add(ann.clone());
        println!(
            "{:?} state {:?} set {:?}",
            added.as_ref().map(|_| ()),
            ann.state(),
            ann.set("name", "z").map_err(|e| e.to_string())
        );
        session.commit().unwrap();
        assert!(added.is_err() || b.names(db).len() == 1, "added, nothing there");
    });
}

#[test]
fn a_key_that_is_used_again() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        delete(&b.users).filter(b.users.c("id").eq(1)).run(&session).unwrap();
        let new = b.users.record(values! { "id" => 1, "name" => "new" }).unwrap();
        session.add(new.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(session.get(&b.users, 1).unwrap(), Some(new));
        assert_eq!((ann.state(), text(&ann, "name").as_str()), (RecordState::Detached, "ann"));
    });
}

#[test]
fn a_value_set_after_a_bulk_update() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        update(&b.users).set(values! { "name" => "x" }).all_rows().run(&session).unwrap();
        ann.set("name", "ann").unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann"]);
    });
}

#[test]
fn a_record_got_after_a_bulk_update() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let _ann = session.query(&b.users).one().unwrap();
        update(&b.users).set(values! { "name" => "x" }).all_rows().run(&session).unwrap();
        let got = session.get(&b.users, 1).unwrap().unwrap();
        assert_eq!(text(&got, "name"), "x");
    });
}

#[test]
fn equal_rows_without_a_key() {
    each_backend(|db| {
        let t = db.table("log", column("msg", Text)).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        session.add(t.record(values! { "msg" => "a" }).unwrap()).unwrap();
        session.add(t.record(values! { "msg" => "a" }).unwrap()).unwrap();
        let changes = session.commit().unwrap().changes;
        assert_eq!(changes.len(), 2, "{:?}", said(&changes));
    });
}

#[test]
fn a_transition_cannot_roll_a_commit_back() {
    each_backend(|db| {
        let b = blog(db);
        let _rolls_back = db.signals().state_changed.connect(move |session, t| {
            assert!(t.to != RecordState::Persistent || session.rollback().is_err());
        });
        let session = db.session();
        session.add(b.user("x")).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["x"]);
    });
}

#[test]
fn a_transition_cannot_commit_inside_a_commit() {
    each_backend(|db| {
        let b = blog(db);
        let refused = Arc::new(Mutex::new(0));
        let own = refused.clone();
        let _commits = db.signals().state_changed.connect(move |session, t| {
            if t.to == RecordState::Persistent && session.commit().is_err() {
                *own.lock().unwrap() += 1;
            }
        });
        let session = db.session();
        session.add(b.user("x")).unwrap();
        let done = session.commit().unwrap();
        assert_eq!((done.changes.len(), *refused.lock().unwrap()), (1, 1));
    });
}

/// Text in lower case.
struct Lower;

impl mirrorm::types::CustomType for Lower {
    fn name(&self) -> &str {
        "lower"
    }
    fn base(&self) -> Type {
        Type::Text
    }
    fn bind(&self, v: Value) -> Result<Value> {
        Ok(match v {
            Value::Text(t) => t.to_lowercase().into(),
            v => v,
        })
    }
    fn result(&self, v: Value) -> Result<Value> {
        Ok(v)
    }
}

#[test]
fn custom_types_write_what_their_hook_says() {
    each_backend(|db| {
        let t =
            db.table("t", (column("id", Integer).primary_key(), column("x", Type::custom(Lower)))).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let r = session.add(t.record(values! { "x" => "ABC" }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(text(&r, "x"), "abc");
    });
}

#[test]
fn a_record_that_joined_another_session_stays_there() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&mirrorm::dialect::sqlite::url_of_path(&folder.path().join("x.db"))).unwrap();
    let b = blog(&db);
    b.fill(&db, &["ann"]);
    let (one, two) = (db.session(), db.session());
    let ann = one.get(&b.users, 1).unwrap().unwrap();
    ann.set("karma", 1).unwrap();
    one.flush().unwrap();
    one.expunge(&ann).unwrap();
    two.add(ann.clone()).unwrap();
    one.rollback().unwrap();
    assert!(two.contains(&ann) && !one.contains(&ann));
}

#[test]
fn a_record_whose_key_was_lent_is_back_after_the_rollback() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let savepoint = session.begin_nested().unwrap();
        delete(&b.users).filter(b.users.c("id").eq(1)).run(&session).unwrap();
        session.add(b.users.record(values! { "id" => 1, "name" => "new" }).unwrap()).unwrap();
        session.flush().unwrap();
        assert_eq!(ann.state(), RecordState::Detached);
        savepoint.rollback().unwrap();
        ann.set("name", "anna").unwrap();
        session.commit().unwrap();
        assert_eq!(session.get(&b.users, 1).unwrap(), Some(ann));
        assert_eq!(b.names(db), ["anna"]);
    });
}

#[test]
fn rows_of_several_blocks_are_told_and_taken_back_one_by_one() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("title", Text));
        let table = db.table("posts", parts).unwrap();
        db.create_all().unwrap();
        let long =
            |at: usize, turn: &str| format!("{turn} {at} {}", "x".repeat(if at == 700 { 60_000 } else { 3 }));
        let session = db.session();
        let posts: Vec<Record> =
            (0..1_300).map(|at| table.record(values! { "title" => long(at, "first") }).unwrap()).collect();
        session.add_all(posts.clone()).unwrap();
        session.flush().unwrap();
        let savepoint = session.begin_nested().unwrap();
        let rest: Vec<&Record> =
            posts.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, p)| p).collect();
        for (at, post) in rest.iter().enumerate() {
            post.set("title", long(at, "second")).unwrap();
        }
        session.flush().unwrap();
        savepoint.rollback().unwrap();
        for (at, post) in posts.iter().enumerate() {
            assert_eq!(text(post, "title"), long(at, "first"));
        }
        for (at, post) in posts.iter().enumerate() {
            post.set("title", long(at, "third")).unwrap();
        }
        let done = session.commit().unwrap();
        assert_eq!((done.changes.len(), done.changes.log().len()), (1_300, 2_600));
        for ((at, post), change) in posts.iter().enumerate().zip(&done.changes) {
            assert_eq!((change.record(), change.key()), (Some(post), post.key().unwrap()));
            assert_eq!(change.new_row().unwrap().get::<String>("title").unwrap(), long(at, "third"));
        }
        for (at, change) in done.changes.log().iter().skip(1_300).enumerate() {
            assert_eq!(change.old_row().unwrap().get::<String>("title").unwrap(), long(at, "first"));
            assert_eq!(change.record(), posts.get(at));
        }
        for (at, title) in
            select(table.c("title")).order_by(table.c("id")).scalars::<String>(db).unwrap().iter().enumerate()
        {
            assert_eq!(*title, long(at, "third"));
        }
    });
}

#[test]
fn changes_of_expired_records_are_told_with_their_old_values() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session_with(SessionOptions::new().expire_on_commit(true));
        let (ann, ben) =
            (session.get(&b.users, 1).unwrap().unwrap(), session.get(&b.users, 2).unwrap().unwrap());
        session.commit().unwrap();
        ann.set("name", "anna").unwrap();
        // What it is already is no change.
        ben.set("name", "ben").unwrap();
        let told = |session: &Session| -> Vec<Vec<String>> {
            let done = session.commit().unwrap();
            done.changes.iter().map(|change| change.diff().iter().map(|d| d.to_string()).collect()).collect()
        };
        assert_eq!(told(&session), [["name: ann -> anna"]]);
        session.delete(&ann).unwrap();
        assert_eq!(told(&session), [["id: 1 -> -", "name: anna -> -", "karma: 7 -> -"]]);
    });
}

#[test]
fn an_expired_record_keeps_its_last_values_when_its_insert_is_rolled_back() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let (once, twice) = (b.user("once"), b.user("twice"));
        session.add_all([once.clone(), twice.clone()]).unwrap();
        session.flush().unwrap();
        twice.set("name", "later").unwrap();
        session.flush().unwrap();
        session.expire(&once).unwrap();
        session.expire(&twice).unwrap();
        session.rollback().unwrap();
        assert_eq!([&once, &twice].map(|user| text(user, "name")), ["once", "later"]);
        session.add_all([once.clone(), twice.clone()]).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["once", "later"]);
    });
}

#[test]
fn values_of_the_program_are_dropped_when_nothing_is_locked() {
    struct Looks(Db);
    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = self.0.tables();
        }
    }
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let db = Db::open("sqlite://").unwrap();
        let looks = Looks(db.clone());
        let made = move || {
            let _ = &looks;
            1.into()
        };
        let id = column("id", Integer).primary_key();
        db.table("t", (id, column("n", Integer).default_with(made))).unwrap();
        db.table("t", (column("n", Integer).default_with(|| 2.into()), extend_existing())).unwrap();
        let looks = Looks(db.clone());
        let made = move || {
            let _ = &looks;
            1.into()
        };
        db.table("u", column("n", Integer).default_with(made)).unwrap();
        db.metadata().clear();
        told.send(()).unwrap();
    });
    hears.recv_timeout(std::time::Duration::from_secs(20)).expect("it waits for itself");
}
