//! The verbs of a session by their names (§5.4), those that no other file is about.

use mirrorm::dialect::{Intent, Isolation};
use mirrorm::prelude::*;
use mirrorm::session::RecordState;

use crate::support::each_backend;

fn users(db: &Db) -> Table {
    let columns = (column("id", Integer).primary_key(), column("name", Varchar(20)));
    let users = db.table("users", columns).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["name"], [["ann"], ["ben"]]).run(db).unwrap();
    users
}

fn names(db: &Db, users: &Table) -> Vec<String> {
    select(users.c("name")).order_by(users.c("id")).scalars(db).unwrap()
}

#[test]
fn r5_4_session_add_and_add_all() {
    each_backend(|db| {
        let users = users(db);
        let (one, two) = (db.session(), db.session());
        let new = |name: &str| users.record(values! { "name" => name }).unwrap();
        let cat = one.add(new("cat")).unwrap();
        assert_eq!(one.add(cat.clone()).unwrap(), cat, "once more is no more");
        assert_eq!(two.add(cat.clone()).unwrap_err().kind(), ErrorKind::Invalid);
        // All or none: what was put in before the one that cannot be is taken out again.
        let (dan, eve) = (new("dan"), new("eve"));
        let error = two.add_all([dan.clone(), eve.clone(), cat.clone(), new("fay")]).unwrap_err();
        assert_eq!((error.kind(), two.new_records().len()), (ErrorKind::Invalid, 0));
        assert_eq!((dan.state(), eve.state()), (RecordState::Transient, RecordState::Transient));
        one.add_all([dan, eve]).unwrap();
        one.commit().unwrap();
        assert_eq!(names(db, &users), ["ann", "ben", "cat", "dan", "eve"]);
        // One whose session has ended joins another.
        one.close();
        assert_eq!(cat.state(), RecordState::Detached);
        two.add(cat.clone()).unwrap();
        cat.set("name", "cathy").unwrap();
        two.commit().unwrap();
        assert_eq!(names(db, &users)[2], "cathy");
    });
}

#[test]
fn r5_4_session_new_dirty_deleted_and_is_modified() {
    each_backend(|db| {
        let users = users(db);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let (ann, ben) = (session.get_one(&users, 1).unwrap(), session.get_one(&users, 2).unwrap());
        assert!(!session.is_modified());
        let cat = session.add(users.record(()).unwrap()).unwrap();
        ann.set("name", "anna").unwrap();
        session.delete(&ben).unwrap();
        assert_eq!((session.new_records(), session.dirty()), (vec![cat.clone()], vec![ann.clone()]));
        assert_eq!(session.deleted(), [ben]);
        assert!(session.is_modified() && session.contains(&cat));
        ann.set("name", "ann").unwrap();
        assert!(session.dirty().is_empty(), "back to what it was is no change");
        session.flush().unwrap();
        assert!(!session.is_modified() && session.new_records().is_empty() && session.deleted().is_empty());
    });
}

#[test]
fn r5_4_session_delete_and_what_cannot_be() {
    each_backend(|db| {
        let users = users(db);
        let session = db.session();
        let ann = session.get_one(&users, 1).unwrap();
        let new = users.record(()).unwrap();
        assert_eq!(session.delete(&new).unwrap_err().kind(), ErrorKind::Invalid, "it is no row");
        session.delete(&ann).unwrap();
        session.add(ann.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(names(db, &users).len(), 2, "added again, it stays");
        session.delete(&ann).unwrap();
        session.commit().unwrap();
        assert_eq!(names(db, &users), ["ben"]);
        assert_eq!(session.add(ann).unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn r5_4_session_begin_commit_rollback_and_close() {
    each_backend(|db| {
        let users = users(db);
        let session = db.session();
        session.begin(Intent::Write).unwrap();
        assert_eq!(session.begin(Intent::Read).unwrap_err().kind(), ErrorKind::Invalid, "it is open");
        session.add(users.record(values! { "name" => "cat" }).unwrap()).unwrap();
        session.rollback().unwrap();
        session.add(users.record(values! { "name" => "dan" }).unwrap()).unwrap();
        session.commit().unwrap();
        session.add(users.record(values! { "name" => "eve" }).unwrap()).unwrap();
        session.flush().unwrap();
        session.close();
        assert_eq!(
            names(db, &users),
            ["ann", "ben", "dan"],
            "what is not committed when it ends is not there"
        );
    });
}

#[test]
fn r5_4_session_execute_and_connection() {
    each_backend(|db| {
        let users = users(db);
        let session = db.session();
        let ann = session.get_one(&users, 1).unwrap();
        ann.set("name", "anna").unwrap();
        // Whatever runs on a session is in its transaction, after a flush.
        assert_eq!(session.execute("UPDATE users SET name = 'x' WHERE name = 'anna'", ()).unwrap(), 1);
        let built = select(users.c("name")).filter(users.c("id").eq(1)).scalar::<String>(&session).unwrap();
        assert_eq!((built.as_str(), ann.get::<String>("name").unwrap().as_str()), ("x", "anna"));
        assert_eq!(session.get_one(&users, 1).unwrap(), ann);
        assert_eq!(ann.get::<String>("name").unwrap(), "x", "raw SQL makes what is known old");
        let rows = session.on(None).query_text("SELECT name FROM users ORDER BY id", ()).unwrap();
        assert_eq!(rows.len(), 2);
        session.rollback().unwrap();
        assert_eq!(names(db, &users), ["ann", "ben"]);
    });
}

#[test]
fn r5_4_session_options_of_its_own() {
    each_backend(|db| {
        let users = users(db);
        let expiring = db.session_with(SessionOptions::new().expire_on_commit(true));
        let ann = expiring.get_one(&users, 1).unwrap();
        expiring.commit().unwrap();
        assert_eq!(ann.get::<String>("name").unwrap_err().kind(), ErrorKind::Unloaded);
        expiring.close();
        let strict = db.session_with(SessionOptions::new().isolation(Isolation::Serializable));
        strict.get_one(&users, 1).unwrap().set("name", "anna").unwrap();
        strict.commit().unwrap();
        let quiet = db.session_with(SessionOptions::new().autoflush(false));
        quiet.add(users.record(()).unwrap()).unwrap();
        assert_eq!(quiet.query(&users).count().unwrap(), 2);
    });
}
