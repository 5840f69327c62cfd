//! A transaction around a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::prelude::*;

use super::{Blog, blog, said};
use crate::support::each_backend;

fn names(db: &Db, users: &Table) -> Vec<String> {
    select(users.c("name")).order_by(users.c("id")).scalars(db).unwrap()
}

#[test]
fn everything_that_is_committed_inside_is_undone() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["before"]);
        let heard = Arc::new(AtomicUsize::new(0));
        let copy = heard.clone();
        let _guard = db.signals().models_committed.connect(move |_, _| {
            copy.fetch_add(1, Ordering::Relaxed);
        });
        let kept_back = db.session();
        {
            let _undone = db.test_transaction().unwrap();
            let session = db.session();
            let ann = session.add(b.user("ann")).unwrap();
            assert_eq!(said(&session.commit().unwrap().changes), ["insert users 2"]);
            ann.set("name", "anna").unwrap();
            session.commit().unwrap();
            ann.set("name", "lost").unwrap();
            session.flush().unwrap();
            session.rollback().unwrap();
            assert_eq!(ann.get::<String>("name").unwrap(), "anna");
            session.nested(|session| session.add(b.user("ben"))).unwrap();
            session.commit().unwrap();
            let copy = db.clone();
            std::thread::scope(|threads| {
                threads.spawn(|| copy.transaction(|session| session.add(b.user("carl"))).unwrap());
            });
            let failed: Result<()> = db.transaction(|session| {
                session.add(b.user("dora"))?;
                session.flush()?;
                Err(Error::new(ErrorKind::Invalid, "as told"))
            });
            assert!(failed.is_err());
            db.scoped().add(b.user("emil")).unwrap();
            db.scoped().commit().unwrap();
            db.remove();
            insert(&b.users).values(values! { "name" => "fred" }).run(db).unwrap();
            assert_eq!(names(db, &b.users), ["before", "anna", "ben", "carl", "emil", "fred"]);
            assert!(heard.load(Ordering::Relaxed) >= 5);
        }
        assert_eq!(names(db, &b.users), ["before"]);
        assert_eq!(db.engine().unwrap().pool_status().in_use, 0);
        assert_eq!(kept_back.query(&b.users).count().unwrap(), 1);
        // And the database takes commits again.
        drop(kept_back);
        b.fill(db, &["after"]);
        assert_eq!(names(db, &b.users), ["before", "after"]);
    });
}

#[test]
fn a_failure_inside_is_the_tests_own() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        {
            let _undone = db.test_transaction().unwrap();
            let session = db.session();
            session.add(b.user("ben")).unwrap();
            session.commit().unwrap();
            session.add(b.user("ann")).unwrap();
            assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Unique);
            session.rollback().unwrap();
            assert_eq!(names(db, &b.users), ["ann", "ben"], "what was committed inside before stays");
            let refused = db.read(|session| insert(&b.users).values(values! { "name" => "x" }).run(session));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
            session.add(b.user("carl")).unwrap();
            session.commit().unwrap();
        }
        assert_eq!(names(db, &b.users), ["ann"]);
    });
}

#[test]
fn a_session_that_outlives_the_transaction_keeps_nothing() {
    each_backend(|db| {
        let b = blog(db);
        let undone = db.test_transaction().unwrap();
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        session.flush().unwrap();
        drop(undone);
        session.commit().unwrap();
        drop(session);
        assert_eq!(names(db, &b.users), Vec::<String>::new());
    });
}

#[test]
fn transactions_around_tests_nest() {
    each_backend(|db| {
        let b = blog(db);
        let outer = db.test_transaction().unwrap();
        b.fill(db, &["ann"]);
        {
            let _inner = db.test_transaction().unwrap();
            b.fill(db, &["ben"]);
            assert_eq!(names(db, &b.users).len(), 2);
        }
        assert_eq!(names(db, &b.users), ["ann"]);
        drop(outer);
        assert_eq!(names(db, &b.users), Vec::<String>::new());
    });
}

#[test]
fn all_binds_are_undone() {
    let db = Db::new();
    assert_eq!(db.test_transaction().unwrap_err().kind(), ErrorKind::Config);
    db.init(Config::new().url("sqlite://").bind("logs", "sqlite://")).unwrap();
    let Blog { users, .. } = blog(&db);
    let lines = db.table("lines", (column("id", Integer).primary_key(), in_bind("logs"))).unwrap();
    db.create_all().unwrap();
    {
        let _undone = db.test_transaction().unwrap();
        db.transaction(|session| {
            session.add(users.record(values! { "name" => "ann" })?)?;
            session.add(lines.record(())?)
        })
        .unwrap();
        assert_eq!((select(&users).count(&db).unwrap(), select(&lines).count(&db).unwrap()), (1, 1));
    }
    assert_eq!((select(&users).count(&db).unwrap(), select(&lines).count(&db).unwrap()), (0, 0));
}
