//! A transaction around a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::prelude::*;

use super::{Blog, blog, said};
use crate::support::{dialect, each_backend, each_sqlite};

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
        let error = session.commit().unwrap_err();
        assert!(error.message().contains("the test transaction is over"), "{error}");
        session.add(b.user("ben")).unwrap();
        assert!(session.commit().is_err());
        drop(session);
        assert_eq!(names(db, &b.users), Vec::<String>::new());
        b.fill(db, &["after"]);
        assert_eq!(names(db, &b.users), ["after"]);
    });
}

#[test]
fn one_at_a_time() {
    each_backend(|db| {
        let b = blog(db);
        let open = db.test_transaction().unwrap();
        let error = db.clone().test_transaction().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("`with_config`"), "{error}");
        assert_eq!(db.reconfigure(Config::new().url("sqlite://")).unwrap_err().kind(), ErrorKind::Busy);
        b.fill(db, &["ann"]);
        drop(open);
        assert_eq!(names(db, &b.users), Vec::<String>::new());
        drop(db.test_transaction().unwrap());
    });
}

#[test]
fn who_ends_the_transaction_around_it_writes_nothing_after() {
    each_backend(|db| {
        let b = blog(db);
        {
            let _undone = db.test_transaction().unwrap();
            for sql in ["COMMIT", "end;", "ROLLBACK"] {
                assert_eq!(db.execute(sql, ()).unwrap_err().kind(), ErrorKind::Invalid, "{sql}");
            }
            b.fill(db, &["ann"]);
            assert_eq!(db.execute_script("COMMIT").unwrap_err().kind(), ErrorKind::Invalid);
            // What refused it goes on; what did it cannot.
            let refused = dialect(db) == "mysql";
            assert_eq!(db.transaction(|session| session.add(b.user("ben"))).is_ok(), refused);
        }
    });
}

#[test]
fn a_database_that_ends_the_transaction_around_it() {
    each_sqlite(|db| {
        let b = blog(db);
        db.execute("CREATE TABLE once (a UNIQUE ON CONFLICT ROLLBACK)", ()).unwrap();
        {
            let _undone = db.test_transaction().unwrap();
            b.fill(db, &["ann"]);
            db.execute("INSERT INTO once VALUES (1)", ()).unwrap();
            assert_eq!(db.execute("INSERT INTO once VALUES (1)", ()).unwrap_err().kind(), ErrorKind::Unique);
            // The database has rolled back the transaction of the test.
            let error = db.execute("INSERT INTO once VALUES (2)", ()).unwrap_err();
            assert!(error.message().contains("the test transaction is over"), "{error}");
            assert!(db.transaction(|session| session.add(b.user("ben"))).is_err());
        }
        assert_eq!(names(db, &b.users), Vec::<String>::new());
        assert_eq!(db.query_text("SELECT * FROM once", ()).unwrap().len(), 0);
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
