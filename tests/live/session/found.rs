//! Faults that somebody found, each with the case that showed it.

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
fn what_a_function_sets_during_the_flush_stays() {
    each_backend(|db| {
        let slot: Arc<Mutex<Option<Record>>> = Arc::default();
        let own = slot.clone();
        let t = db
            .table(
                "t",
                (
                    column("id", Integer).primary_key(),
                    column("n", Integer),
                    column("v", Integer).on_update_with(move || {
                        if let Some(r) = own.lock().unwrap().take() {
                            r.set("n", 99).unwrap();
                        }
                        1.into()
                    }),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        insert(&t).rows(["n", "v"], [[1, 0], [2, 0]]).run(db).unwrap();
        let session = db.session();
        let all = session.query(&t).order_by(t.c("id")).all().unwrap();
        all[0].set("n", 10).unwrap();
        all[0].set("v", 7).unwrap(); // given: no function for this one
        all[1].set("n", 20).unwrap();
        *slot.lock().unwrap() = Some(all[0].clone());
        session.flush().unwrap();
        session.commit().unwrap();
        let n: Vec<i64> = select(t.c("n")).order_by(t.c("id")).scalars(db).unwrap();
        assert_eq!(n, [99, 20]);
    });
}

#[test]
fn what_a_thread_sets_during_the_flush_stays() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:///{}/x.db", folder.path().display())).unwrap();
    let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
    db.create_all().unwrap();
    insert(&t).rows(["n"], [[0]]).run(&db).unwrap();
    let session = db.session();
    let r = session.query(&t).one().unwrap();
    let other = r.clone();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let s2 = stop.clone();
    let lost = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let l2 = lost.clone();
    let h = std::thread::spawn(move || {
        let mut n = 0i64;
        while !s2.load(std::sync::atomic::Ordering::Relaxed) {
            n += 1;
            other.set("n", n).unwrap();
            // Nobody else sets it.
            for _ in 0..50 {
                let got: i64 = other.get("n").unwrap();
                if got != n {
                    l2.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    break;
                }
            }
        }
        n
    });
    std::thread::sleep(std::time::Duration::from_millis(50));
    for _ in 0..20000 {
        session.flush().unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let last = h.join().unwrap();
    session.commit().unwrap();
    let n: Vec<i64> = select(t.c("n")).scalars(&db).unwrap();
    assert_eq!((n, lost.load(std::sync::atomic::Ordering::Relaxed)), (vec![last], 0));
}

#[test]
fn relationships_written_on_a_detached_record() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t" }).run(db).unwrap();
        let post = {
            let s = db.session();
            s.query(&b.posts).one().unwrap()
        };
        let ann = {
            let s = db.session();
            s.query(&b.users).one().unwrap()
        };
        post.set_related("user", &ann).unwrap();
        let session = db.session();
        session.add(ann.clone()).unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        let ids: Vec<Option<i64>> = select(b.posts.c("user_id")).scalars(db).unwrap();
        assert_eq!(ids, [Some(1)]);
    });
}

#[test]
fn relationships_written_before_a_record_is_let_go() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t" }).run(db).unwrap();
        let session = db.session();
        let post = session.query(&b.posts).one().unwrap();
        let ann = session.query(&b.users).one().unwrap();
        post.set_related("user", &ann).unwrap();
        session.expunge(&post).unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        let ids: Vec<Option<i64>> = select(b.posts.c("user_id")).scalars(db).unwrap();
        assert_eq!(ids, [Some(1)]);
    });
}

#[test]
fn a_detached_record_in_a_list_joins_the_session() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t" }).run(db).unwrap();
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        let post = {
            let s = db.session();
            s.query(&b.posts).one().unwrap()
        };
        ann.append("posts", &post).unwrap();
        session.commit().unwrap();
        let ids: Vec<Option<i64>> = select(b.posts.c("user_id")).scalars(db).unwrap();
        assert_eq!((ids, post.state()), (vec![Some(1)], RecordState::Persistent));
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
        let new = session.add(b.user("new")).unwrap();
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
fn links_by_text_that_folds() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE posts (id INTEGER PRIMARY KEY);
             CREATE TABLE tags (code TEXT PRIMARY KEY COLLATE NOCASE);
             CREATE TABLE post_tags (post_id INTEGER NOT NULL REFERENCES posts, tag TEXT NOT NULL COLLATE NOCASE REFERENCES tags, PRIMARY KEY (post_id, tag));
             INSERT INTO posts VALUES (1); INSERT INTO tags VALUES ('de'); INSERT INTO post_tags VALUES (1, 'DE');").unwrap();
        db.reflect().unwrap();
        let posts = db.table_named("posts").unwrap();
        let session = db.session();
        let post = session.get(&posts, 1).unwrap().unwrap();
        let tags = post.related("tags").unwrap();
        assert_eq!(tags.len(), 1);
        post.append("tags", &tags[0]).unwrap();
        session.flush().unwrap();
        post.remove("tags", &tags[0]).unwrap();
        session.commit().unwrap();
        assert_eq!(db.query_text("SELECT * FROM post_tags", ()).unwrap().len(), 0);
    });
}

#[test]
fn links_that_are_there_twice() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE z (id INTEGER PRIMARY KEY);
             CREATE TABLE a_z (a_id INTEGER NOT NULL REFERENCES a, z_id INTEGER NOT NULL REFERENCES z);
             INSERT INTO a VALUES (1); INSERT INTO z VALUES (1); INSERT INTO a_z VALUES (1,1),(1,1);",
        )
        .unwrap();
        db.reflect().unwrap();
        let a = db.table_named("a").unwrap();
        let session = db.session();
        let one = session.get(&a, 1).unwrap().unwrap();
        session.delete(&one).unwrap();
        let done = session.commit();
        assert!(done.is_ok(), "{}", done.unwrap_err());
    });
}

#[test]
fn links_to_null() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE z (id INTEGER PRIMARY KEY);
             CREATE TABLE a_z (a_id INTEGER REFERENCES a, z_id INTEGER REFERENCES z);
             INSERT INTO a VALUES (1); INSERT INTO z VALUES (1); INSERT INTO a_z VALUES (1,NULL),(1,1);",
        )
        .unwrap();
        db.reflect().unwrap();
        let a = db.table_named("a").unwrap();
        let session = db.session();
        let one = session.get(&a, 1).unwrap().unwrap();
        session.delete(&one).unwrap();
        let done = session.commit();
        assert!(done.is_ok(), "{}", done.unwrap_err());
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
fn a_cascade_that_fails_halfway() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE p (id INTEGER PRIMARY KEY);
             CREATE TABLE a (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p ON DELETE CASCADE, n INTEGER);
             CREATE TABLE b (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p ON DELETE CASCADE);
             INSERT INTO p VALUES (1); INSERT INTO a VALUES (1,1,0);",
        )
        .unwrap();
        db.reflect().unwrap();
        let (p, a) = (db.table_named("p").unwrap(), db.table_named("a").unwrap());
        db.execute_script("DROP TABLE b").unwrap();
        let session = db.session();
        let parent = session.get(&p, 1).unwrap().unwrap();
        let child = session.get(&a, 1).unwrap().unwrap();
        session.delete(&parent).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::NoSuchTable);
        session.rollback().unwrap();
        child.set("n", 5).unwrap();
        session.commit().unwrap();
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
fn long_chains_are_dropped_one_by_one() {
    each_backend(|db| {
        let parts = (column("id", Integer).primary_key(), column("parent_id", Integer).references("t.id"));
        let t = db.table("t", parts).unwrap();
        db.create_all().unwrap();
        let mut last = t.record(()).unwrap();
        for _ in 0..20_000 {
            let next = t.record(()).unwrap();
            next.set_related("parent", &last).unwrap();
            last = next;
        }
        drop(last);
        let rows = (1..=20_000i64).map(|id| (id, (id > 1).then_some(id - 1)));
        insert(&t).rows(["id", "parent_id"], rows).run(db).unwrap();
        let session = db.session();
        let first = session.get(&t, 20_000).unwrap().unwrap();
        let mut at = first.clone();
        while let Some(parent) = at.related_one("parent").unwrap() {
            at = parent;
        }
        assert_eq!(at.get::<i64>("id").unwrap(), 1);
        drop((at, first));
    });
}

#[test]
fn a_child_that_moves_leaves_the_list_it_was_loaded_in() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        insert(&b.posts).values(values! { "title" => "t", "user_id" => 2 }).run(db).unwrap();
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let [ann, ben] = session.query(&b.users).order_by(b.users.c("id")).all().unwrap().try_into().unwrap();
        let post = ben.related("posts").unwrap().remove(0);
        ann.append("posts", &post).unwrap();
        assert!(ben.related("posts").unwrap().is_empty());
        ben.remove("posts", &post).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("user_id").unwrap(), 1);
    });
}

#[test]
fn a_link_written_from_both_sides_is_held_by_both() {
    each_backend(|db| {
        let b = blog(db);
        let tag = b.tag("t");
        {
            let post = b.post("p");
            post.append("tags", &tag).unwrap();
            tag.append("posts", &post).unwrap();
        }
        let session = db.session();
        session.add(tag).unwrap();
        assert_eq!(session.commit().unwrap().changes.len(), 3);
    });
}

#[test]
fn a_key_set_after_a_relationship_is_the_last_word() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let post = session.add(b.post("p")).unwrap();
        post.set_related("user", &ann).unwrap();
        post.set("user_id", 2).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("user_id").unwrap(), 2);
        let other = session.add(b.post("q")).unwrap();
        other.set_related("user", &ann).unwrap();
        session.flush().unwrap();
        other.set("user_id", 2).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        session.add(other.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(other.get::<i64>("user_id").unwrap(), 2);
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
fn a_link_row_deleted_as_a_record_too() {
    each_backend(|db| {
        let b = blog(db);
        let (post, tag) = (b.post("p"), b.tag("t"));
        post.append("tags", &tag).unwrap();
        let session = db.session();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        session.delete(&session.query(&b.post_tags).one().unwrap()).unwrap();
        session.delete(&post).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete post_tags 1/1", "delete posts 1"]);
    });
}

#[test]
fn paths_are_loaded_for_records_that_were_known() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t", "user_id" => 1 }).run(db).unwrap();
        let session = db.session_with(SessionOptions::new().forbid_lazy(true));
        let held = session.get(&b.posts, 1).unwrap().unwrap();
        let users = session.query(&b.users).with("posts.tags").all().unwrap();
        let posts = users[0].related("posts").unwrap();
        assert_eq!(posts, [held]);
        assert!(posts[0].related("tags").unwrap().is_empty());
    });
}

#[test]
fn a_declared_relationship_of_a_table_with_itself() {
    each_backend(|db| {
        use mirrorm::reflect::RelationshipKind;
        let t = db.table("t", (column("id", Integer).primary_key(), column("pid", Integer))).unwrap();
        db.create_all().unwrap();
        let parent = relationship("parent", &t).on(["pid"], ["id"]).kind(RelationshipKind::ManyToOne);
        db.relate(&t, parent).unwrap();
        let (child, parent) = (t.record(()).unwrap(), t.record(()).unwrap());
        child.set_related("parent", &parent).unwrap();
        let session = db.session();
        session.add(child.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(child.get::<i64>("pid").unwrap(), parent.get::<i64>("id").unwrap());
    });
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
        session.add(b.user("new")).unwrap();
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
fn refreshing_takes_a_relationship_back_on_both_sides() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let (ann, ben) =
            (session.get(&b.users, 1).unwrap().unwrap(), session.get(&b.users, 2).unwrap().unwrap());
        let (post, other) = (session.add(b.post("a")).unwrap(), session.add(b.post("b")).unwrap());
        ann.replace("posts", &[post.clone(), other.clone()]).unwrap();
        let tag = session.add(b.tag("t")).unwrap();
        session.commit().unwrap();
        // Written from either side, taken back on either.
        for forget in [Session::refresh, |s: &Session, r: &Record| s.expire(r).and_then(|()| s.refresh(r))] {
            post.append("tags", &tag).unwrap();
            forget(&session, &post).unwrap();
            assert_eq!(tag.related("posts").unwrap(), []);
            post.append("tags", &tag).unwrap();
            forget(&session, &tag).unwrap();
            assert_eq!(post.related("tags").unwrap(), []);
            post.set_related("user", &ben).unwrap();
            forget(&session, &post).unwrap();
            assert_eq!(ben.related("posts").unwrap(), []);
            assert_eq!(ann.related("posts").unwrap(), [post.clone(), other.clone()]);
            ben.append("posts", &post).unwrap();
            forget(&session, &ben).unwrap();
            assert_eq!(post.related_one("user").unwrap(), Some(ann.clone()));
            assert_eq!(ann.related("posts").unwrap(), [post.clone(), other.clone()]);
            // What was given to somebody else since stays.
            ann.remove("posts", &post).unwrap();
            ben.append("posts", &post).unwrap();
            forget(&session, &ann).unwrap();
            assert_eq!(post.related_one("user").unwrap(), Some(ben.clone()));
            forget(&session, &post).unwrap();
            assert_eq!(ann.related("posts").unwrap(), [post.clone(), other.clone()]);
        }
        assert_eq!(session.commit().unwrap().changes.len(), 0);
    });
}

#[test]
fn unsaved_records_that_hold_each_other_are_let_go() {
    each_backend(|db| {
        let b = blog(db);
        let witness: Arc<str> = "seen".into();
        let pair = || {
            let name = mirrorm::value::Other::text(witness.clone(), "x");
            let user = b.users.record(values! { "name" => Value::from(name) }).unwrap();
            let post = b.post("both sides");
            user.append("posts", &post).unwrap();
            post.set_related("user", &user).unwrap();
            (user, post)
        };
        // Of these one handle is kept each: the other record lives by it.
        let (user, _) = pair();
        let (_, post) = pair();
        for _ in 0..5_000 {
            pair();
        }
        let alive = Arc::strong_count(&witness);
        assert!(alive < 2_000, "{alive} of 5 000 are there");
        assert_eq!(user.related("posts").unwrap().len(), 1);
        let session = db.session();
        for (record, kept) in [(&user, "ann"), (&post, "ben")] {
            let user = record.related_one("user").ok().flatten().unwrap_or(user.clone());
            user.set("name", kept).unwrap();
            session.add(record.clone()).unwrap();
        }
        session.commit().unwrap();
        assert_eq!(session.query(&b.posts).join("user").count().unwrap(), 2);
        assert_eq!(b.names(db), ["ann", "ben"]);
    });
}

#[test]
fn a_database_that_is_dropped_leaves_no_records_behind() {
    let witness: Arc<str> = "seen".into();
    {
        let db = Db::open("sqlite://").unwrap();
        let own = column("boss_id", Integer).references("people.id");
        let people =
            db.table("people", (column("id", Integer).primary_key(), column("name", Text), own)).unwrap();
        db.create_all().unwrap();
        let person = || {
            let name = mirrorm::value::Other::text(witness.clone(), "x");
            people.record(values! { "name" => Value::from(name) }).unwrap()
        };
        let (alone, one, two, three) = (person(), person(), person(), person());
        alone.set_related("boss", &alone).unwrap();
        for (own, boss) in [(&one, &two), (&two, &three), (&three, &one)] {
            own.set_related("boss", boss).unwrap();
        }
        // Some were in a session that was rolled back.
        let session = db.session();
        session.add(one.clone()).unwrap();
        session.rollback().unwrap();
        assert_eq!(Arc::strong_count(&witness), 5);
    }
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn rows_of_several_blocks_are_told_and_taken_back_one_by_one() {
    each_backend(|db| {
        let b = blog(db);
        let long =
            |at: usize, turn: &str| format!("{turn} {at} {}", "x".repeat(if at == 700 { 70_000 } else { 3 }));
        let session = db.session();
        let posts: Vec<Record> = (0..1_300).map(|at| b.post(&long(at, "first"))).collect();
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
        for (at, title) in select(b.posts.c("title")).scalars::<String>(db).unwrap().iter().enumerate() {
            assert_eq!(*title, long(at, "third"));
        }
    });
}

#[test]
fn what_is_set_while_a_flush_is_on_its_way_is_the_next_ones() {
    let db = Db::open("sqlite://").unwrap();
    let other: Arc<Mutex<Option<Record>>> = Arc::default();
    let writes = other.clone();
    let made = move || {
        // It was gathered already: what it is set to now was not sent.
        if let Some(record) = writes.lock().unwrap().take() {
            record.set("name", "later").unwrap();
        }
        Value::from(1)
    };
    let id = column("id", Integer).primary_key();
    let t = db.table("t", (id, column("name", Text), column("n", Integer).default_with(made))).unwrap();
    db.create_all().unwrap();
    let session = db.session();
    let first = session.add(t.record(values! { "name" => "sooner", "n" => 0 }).unwrap()).unwrap();
    session.add(t.record(values! { "name" => "b" }).unwrap()).unwrap();
    *other.lock().unwrap() = Some(first.clone());
    session.flush().unwrap();
    assert_eq!((text(&first, "name"), first.is_modified()), ("later".into(), true));
    let names = |db: &Db| select(t.c("name")).order_by(t.c("id")).scalars::<String>(db).unwrap();
    session.commit().unwrap();
    assert_eq!(names(&db), ["later", "b"]);
}
