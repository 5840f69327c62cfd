//! Wrong calls: each gets a clear error of its kind, and nothing is lost.

use std::sync::mpsc;
use std::time::Duration;

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::session::RecordState;

use super::{blog, text};
use crate::support::{each_backend, each_sqlite, memory};

#[test]
fn records_of_others() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let (one, two) = (db.session(), db.session());
        let ann = one.get(&b.users, 1).unwrap().unwrap();
        for error in [
            two.add(ann.clone()).map(drop).unwrap_err(),
            two.delete(&ann).unwrap_err(),
            two.refresh(&ann).unwrap_err(),
            two.expire(&ann).unwrap_err(),
            two.expunge(&ann).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains("another session"), "{error}");
        }
        let other = memory();
        let theirs = blog(&other);
        let error = one.add(theirs.user("eve")).unwrap_err();
        assert!(error.message().contains("another Db"), "{error}");
        drop(one);
        let closed = two.delete(&ann).unwrap_err();
        assert_eq!(closed.kind(), ErrorKind::Detached);
        assert_eq!(text(&ann, "name"), "ann");
        two.add(ann.clone()).unwrap();
        let twin = db.session().get(&b.users, 1).unwrap().unwrap();
        let error = two.add(twin).unwrap_err();
        assert!(error.message().contains("another record"), "{error}");
    });
}

#[test]
fn deletes_that_make_no_sense() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let new = b.user("new");
        assert_eq!(session.delete(&new).unwrap_err().kind(), ErrorKind::Invalid);
        session.add(new.clone()).unwrap();
        let error = session.delete(&new).unwrap_err();
        assert!(error.message().contains("expunge"), "{error}");
        session.expunge(&new).unwrap();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        session.delete(&ann).unwrap();
        session.delete(&ann).unwrap();
        assert_eq!(ann.set("name", "x").unwrap_err().kind(), ErrorKind::Invalid, "it is going");
        session.add(ann.clone()).unwrap();
        assert!(session.commit().unwrap().changes.is_empty(), "adding it again keeps it");
        session.delete(&ann).unwrap();
        session.flush().unwrap();
        assert_eq!(session.add(ann.clone()).unwrap_err().kind(), ErrorKind::Invalid);
        session.delete(&ann).unwrap();
        assert_eq!(session.commit().unwrap().changes.len(), 1);
        assert_eq!(session.delete(&ann).unwrap_err().kind(), ErrorKind::Detached);
    });
}

#[test]
fn two_records_of_one_key() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        for name in ["ann", "eve"] {
            session.add(b.users.record(values! { "id" => 1, "name" => name }).unwrap()).unwrap();
        }
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.table()), (ErrorKind::Unique, Some("users")));
        session.rollback().unwrap();
        insert(&b.users).values(values! { "id" => 1, "name" => "ann" }).run(db).unwrap();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        session.add(b.users.record(values! { "id" => 1, "name" => "eve" }).unwrap()).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Unique);
        session.rollback().unwrap();
        assert_eq!(session.get(&b.users, 1).unwrap(), Some(ann));
    });
}

#[test]
fn wrong_names_and_values() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let near = |error: Error| assert!(error.message().contains("did you mean `"), "{error}");
        near(ann.get::<String>("nmae").unwrap_err());
        near(ann.set("nmae", "x").unwrap_err());
        near(b.users.record(values! { "nmae" => "x" }).unwrap_err());
        near(ann.related("post").unwrap_err());
        near(session.query(&b.users).with("psots").all().unwrap_err());
        near(session.query(&b.users).filter(b.users.c("nmae").eq("x")).all().unwrap_err());
        near(session.query(&b.users).filter_by(values! { "nmae" => "x" }).all().unwrap_err());
        let error = b.users.record(values! { "id" => func::now() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let error = ann.get::<i64>("name").unwrap_err();
        assert!(error.message().contains("users 1") && error.message().contains("`name`"), "{error}");
        ann.set("karma", "many").unwrap();
        let error = session.flush().unwrap_err();
        assert_eq!((error.kind(), error.columns()), (ErrorKind::Conversion, &["karma".to_string()][..]));
        session.rollback().unwrap();
        assert_eq!(ann.get::<i64>("karma").unwrap(), 7);
        assert_eq!(session.get(&b.users, (1, 2)).unwrap_err().kind(), ErrorKind::Invalid);
        session.add(b.users.record(()).unwrap()).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.columns()), (ErrorKind::NotNull, &["name".to_string()][..]));
    });
}

#[test]
fn wrong_relationships() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let (tag, post) = (b.tag("t"), b.post("p"));
        for (error, words) in [
            (ann.append("posts", &tag).unwrap_err(), "leads to `posts`"),
            (post.set_related("user", &tag).unwrap_err(), "leads to `users`"),
            (ann.set_related("posts", &post).unwrap_err(), "use `append`"),
            (post.append("user", &ann).unwrap_err(), "use `set_related`"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(ann.append("psots", &post).unwrap_err().kind(), ErrorKind::NoSuchColumn);
        let other = db.session();
        let theirs = other.add(b.post("x")).unwrap();
        let error = ann.append("posts", &theirs).unwrap_err();
        assert!(error.message().contains("another session"), "{error}");
        session.delete(&ann).unwrap();
        assert_eq!(post.set_related("user", &ann).unwrap_err().kind(), ErrorKind::Invalid);
        // A record that was dropped before it could be saved is missed, not forgotten.
        let lost = b.post("lost");
        b.user("dropped").append("posts", &lost).unwrap();
        session.add(lost).unwrap();
        let error = session.flush().unwrap_err();
        assert!(error.message().contains("dropped before it was saved"), "{error}");
    });
}

#[test]
fn tables_without_a_key() {
    each_backend(|db| {
        let t = db.table("notes", (column("a", Integer), column("b", Text))).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        session.add(t.record(values! { "a" => 1, "b" => "x" }).unwrap()).unwrap();
        session.commit().unwrap();
        let note = session.query(&t).one().unwrap();
        assert_eq!(text(&note, "b"), "x", "they can be read and added to");
        note.set("b", "y").unwrap();
        let error = session.flush().unwrap_err();
        assert!(error.message().contains("no primary key"), "{error}");
        session.rollback().unwrap();
        let note = session.query(&t).one().unwrap();
        session.delete(&note).unwrap();
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::Invalid);
        session.rollback().unwrap();
        assert_eq!(session.get(&t, 1).unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn a_key_with_null_in_it() {
    each_sqlite(|db| {
        db.execute_script(
            "CREATE TABLE t (a TEXT, b INTEGER, n, PRIMARY KEY (a, b)); INSERT INTO t VALUES ('x', NULL, 1);",
        )
        .unwrap();
        db.reflect().unwrap();
        let t = db.table_named("t").unwrap();
        let session = db.session();
        let row = session.query(&t).one().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 1, "it can be read");
        row.set("n", 2).unwrap();
        let error = session.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("NULL in its key"), "{error}");
        session.rollback().unwrap();
        session.delete(&session.query(&t).one().unwrap()).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn a_record_used_from_another_thread_during_a_verb() {
    let options = EngineOptions::new().busy_timeout(Duration::from_millis(200));
    let db = mirrorm::Open::open_with("sqlite://", options).unwrap();
    let db: Db = db;
    let b = blog(&db);
    b.fill(&db, &["ann"]);
    let (asked, answers) = mpsc::channel::<Result<usize>>();
    let (start, started) = mpsc::channel::<Record>();
    let other = std::thread::spawn(move || {
        let ann = started.recv().unwrap();
        // Attributes answer at once; a relationship waits for the verb.
        assert_eq!(ann.get::<i64>("id").unwrap(), 1);
        ann.set("karma", 3).unwrap();
        asked.send(ann.related("posts").map(|posts| posts.len())).unwrap();
    });
    let session = db.session();
    let ann = session.get(&b.users, 1).unwrap().unwrap();
    let own = ann.clone();
    let other = std::sync::Mutex::new(Some(other));
    let _joins = db.signals().before_commit.connect(move |_, _| {
        // The second round, for what the thread has set, finds it gone.
        let _ = start.send(own.clone());
        let other = other.lock().unwrap().take();
        other.into_iter().for_each(|thread| thread.join().unwrap());
    });
    ann.set("name", "anna").unwrap();
    session.commit().unwrap();
    let error = answers.recv().unwrap().unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Busy,
        "a receiver that joins a thread which waits for it: no deadlock"
    );
    assert!(error.message().contains("another thread"), "{error}");
}

#[test]
fn a_relationship_from_another_thread_waits_for_the_verb() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t", "user_id" => 1 }).run(db).unwrap();
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let (ready, go) = mpsc::channel();
        let own = ann.clone();
        let other = std::thread::spawn(move || {
            go.recv().unwrap();
            own.related("posts").map(|posts| posts.len())
        });
        session
            .query(&b.users)
            .stream(|records| {
                ready.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(50));
                Ok(records.count())
            })
            .unwrap();
        assert_eq!(other.join().unwrap().unwrap(), 1);
        let session = std::thread::spawn(move || {
            session.commit().unwrap();
            session
        });
        assert!(session.join().unwrap().contains(&ann), "a session may move");
    });
}

#[test]
fn uncommitted_work_in_memory_is_protected() {
    let db = memory();
    let b = blog(&db);
    let session = db.session();
    session.add(b.user("ann")).unwrap();
    session.flush().unwrap();
    let error = db.query_text("SELECT * FROM users", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "the one connection is in use, and by this thread");
    session.commit().unwrap();
    let reader = db.session();
    reader.query(&b.users).all().unwrap();
    // Nothing is uncommitted: others may write while the reader lives.
    insert(&b.users).values(values! { "name" => "ben" }).run(&db).unwrap();
    assert_eq!(reader.query(&b.users).count().unwrap(), 2);
}

#[test]
fn after_a_rollback_everything_goes_on() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let savepoint = session.begin_nested().unwrap();
        let new = session.add(b.user("ann")).unwrap();
        session.rollback().unwrap();
        assert_eq!(new.state(), RecordState::Transient);
        assert_eq!(savepoint.rollback().unwrap_err().kind(), ErrorKind::Invalid);
        session.add(new).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann"]);
    });
}
