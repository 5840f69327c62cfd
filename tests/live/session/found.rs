//! Faults that somebody found, each with the case that showed it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::{BoxError, RecordState};

use super::{blog, said, text};
use crate::support::{each_backend, folding_text};

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
fn links_by_text_that_folds() {
    each_backend(|db| {
        let text = folding_text(db);
        db.execute_script(&format!(
            "CREATE TABLE posts (id INTEGER PRIMARY KEY);
             CREATE TABLE tags (code {text} PRIMARY KEY);
             CREATE TABLE post_tags (post_id INTEGER NOT NULL, tag {text} NOT NULL,
                PRIMARY KEY (post_id, tag), FOREIGN KEY (post_id) REFERENCES posts (id),
                FOREIGN KEY (tag) REFERENCES tags (code));
             INSERT INTO posts VALUES (1); INSERT INTO tags VALUES ('de');
             INSERT INTO post_tags VALUES (1, 'DE');"
        ))
        .unwrap();
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
             CREATE TABLE a_z (a_id INTEGER NOT NULL, z_id INTEGER NOT NULL,
                FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (z_id) REFERENCES z (id));
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
             CREATE TABLE a_z (a_id INTEGER, z_id INTEGER,
                FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (z_id) REFERENCES z (id));
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
             CREATE TABLE a (id INTEGER PRIMARY KEY, p_id INTEGER, n INTEGER,
                FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE);
             CREATE TABLE b (id INTEGER PRIMARY KEY, p_id INTEGER,
                FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE);
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
fn r5_2_8_a_key_set_after_a_relationship_is_the_last_word() {
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

/// Users whose posts go with them, posts with tags that are named by a text.
fn cascading(db: &Db) -> [Table; 3] {
    let id = || column("id", Integer).primary_key();
    let user = column("user_id", Integer).references("users.id").on_delete(Action::Cascade);
    let users = db.table("users", (id(), column("name", Text))).unwrap();
    let posts = db.table("posts", (id(), column("title", Text), user)).unwrap();
    let tags = db.table("tags", (column("code", Varchar(40)).primary_key(), column("name", Text))).unwrap();
    let ends = (
        column("post_id", Integer).references("posts.id").primary_key(),
        column("tag_code", Varchar(40)).references("tags.code").on_update(Action::Cascade).primary_key(),
    );
    db.table("post_tags", ends).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["name"], [["ann"], ["ben"]]).run(db).unwrap();
    insert(&tags).rows(["code", "name"], [["a", "A"]]).run(db).unwrap();
    [users, posts, tags]
}

#[test]
fn a_key_set_to_a_parent_that_goes_goes_with_it() {
    each_backend(|db| {
        let [users, posts, _] = cascading(db);
        let session = db.session();
        let post = |title: &str| posts.record(values! { "title" => title, "user_id" => 1 }).unwrap();
        let (moved, stays) = (post("moved"), post("stays"));
        session.add_all([moved.clone(), stays]).unwrap();
        session.commit().unwrap();
        let ben = session.get(&users, 2).unwrap().unwrap();
        moved.set("user_id", 2).unwrap();
        let new = session.add(posts.record(values! { "title" => "new", "user_id" => 2 }).unwrap()).unwrap();
        session.delete(&ben).unwrap();
        let done = session.commit().unwrap();
        assert_eq!(said(&done.changes), ["delete posts 1", "delete users 2"]);
        assert_eq!((moved.state(), new.state()), (RecordState::Detached, RecordState::Transient));
        assert_eq!(select(posts.c("title")).scalars::<String>(db).unwrap(), ["stays"]);
    });
}

#[test]
fn new_records_go_with_a_parent_whatever_they_are_linked_to() {
    each_backend(|db| {
        let [users, posts, tags] = cascading(db);
        let post_id = column("post_id", Integer).references("posts.id").on_delete(Action::Cascade);
        let comments = db.table("comments", (column("id", Integer).primary_key(), post_id)).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let user = session.get(&users, 1).unwrap().unwrap();
        let tag = session.get(&tags, "a").unwrap().unwrap();
        let post = posts.record(values! { "title" => "p" }).unwrap();
        let comment = session.add(comments.record(()).unwrap()).unwrap();
        user.append("posts", &post).unwrap();
        post.append("tags", &tag).unwrap();
        comment.set_related("post", &post).unwrap();
        session.delete(&user).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete users 1"]);
        assert_eq!([post, comment].map(|record| record.state()), [RecordState::Transient; 2]);
    });
}

#[test]
fn links_of_a_record_whose_key_changes() {
    each_backend(|db| {
        let [_, posts, tags] = cascading(db);
        let session = db.session();
        let tag = session.get(&tags, "a").unwrap().unwrap();
        let post = session.add(posts.record(values! { "title" => "p" }).unwrap()).unwrap();
        post.append("tags", &tag).unwrap();
        session.commit().unwrap();
        // It is there already, under the key the database has.
        tag.set("code", "b").unwrap();
        post.append("tags", &tag).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["update tags b"]);
        post.remove("tags", &tag).unwrap();
        tag.set("code", "c").unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete post_tags 1/b", "update tags c"]);
        assert!(db.query_text("SELECT * FROM post_tags", ()).unwrap().is_empty());
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
fn a_new_parent_added_again_takes_the_rows_of_its_list_along() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).rows(["title", "user_id"], [("a", 1), ("b", 1), ("c", 1)]).run(db).unwrap();
        let session = db.session();
        let posts = session.query(&b.posts).order_by(b.posts.c("id")).all().unwrap();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let ben = session.add(b.user("ben")).unwrap();
        posts.iter().for_each(|post| ben.append("posts", post).unwrap());
        let veto = db.signals().before_commit.connect(|_, _| Err(BoxError::from("no")));
        session.commit().unwrap_err();
        drop(veto);
        assert_eq!(posts[0].related_one("user").unwrap(), Some(ann.clone()));
        // What is said of the others since holds: they stay, one by its record and one by its value.
        posts[1].set_related("user", &ann).unwrap();
        posts[2].set("user_id", 1).unwrap();
        session.add(ben.clone()).unwrap();
        assert_eq!(posts[0].related_one("user").unwrap(), Some(ben.clone()));
        session.commit().unwrap();
        let owners: Vec<i64> = select(b.posts.c("user_id")).order_by(b.posts.c("id")).scalars(db).unwrap();
        let ben_id: i64 = ben.get("id").unwrap();
        assert_eq!(owners, [ben_id, 1, 1]);
        assert_eq!((ann.related("posts").unwrap().len(), ben.related("posts").unwrap().len()), (2, 1));
    });
}

#[test]
fn a_new_child_added_again_finds_the_row_it_pointed_to() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let post = b.posts.record(()).unwrap();
        session.get(&b.users, 1).unwrap().unwrap().append("posts", &post).unwrap();
        // It has no title.
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::NotNull);
        session.rollback().unwrap();
        post.set("title", "now").unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("user_id").unwrap(), 1);
    });
}

#[test]
fn a_key_set_by_value_takes_the_relationship_back_on_both_sides() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        insert(&b.posts).rows(["title", "user_id"], [("p", 1)]).run(db).unwrap();
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let post = session.get(&b.posts, 1).unwrap().unwrap();
        let users = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        post.set_related("user", &users[1]).unwrap();
        post.set("user_id", 1).unwrap();
        let lists = || users.iter().map(|user| user.related("posts").unwrap().len()).collect::<Vec<_>>();
        assert_eq!(lists(), [1, 0]);
        // Given away and looked at again: it stays where it was given to.
        post.set_related("user", &users[1]).unwrap();
        session.refresh(&users[0]).unwrap();
        assert_eq!(lists(), [0, 1]);
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

#[test]
fn a_new_record_lets_go_of_one_that_was_deleted_before_the_rollback() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let post = session.add(b.post("p")).unwrap();
        let ann = session.add(b.user("ann")).unwrap();
        session.flush().unwrap();
        ann.append("posts", &post).unwrap();
        session.delete(&post).unwrap();
        session.rollback().unwrap();
        session.add(ann).unwrap();
        session.commit().unwrap();
        assert_eq!(session.query(&b.users).count().unwrap(), 1);
        assert_eq!(session.query(&b.posts).count().unwrap(), 0, "nobody added the post again");
    });
}
