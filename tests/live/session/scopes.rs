//! The session of a scope: by thread, by guard, by a function of the program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::prelude::*;
use mirrorm::session::Hooks;

use super::{Blog, blog};
use crate::support::each_backend;
fn in_use(db: &Db) -> usize {
    db.engine().unwrap().pool_status().in_use
}

#[test]
fn r5_4_session_scoped_a_thread_has_one_until_it_removes_it() {
    each_backend(|db| {
        let Blog { users, .. } = blog(db);
        let ann = users.record(values! { "name" => "ann" }).unwrap();
        db.scoped().add(ann.clone()).unwrap();
        assert!(db.scoped().contains(&ann), "the same session at each call");
        db.scoped().commit().unwrap();
        ann.set("name", "lost").unwrap();
        db.scoped().flush().unwrap();
        assert_eq!(in_use(db), 1);
        db.remove();
        assert_eq!(in_use(db), 0, "the connection is back");
        assert!(!db.scoped().contains(&ann), "another one");
        assert_eq!(db.scoped().get(&users, 1).unwrap().unwrap().get::<String>("name").unwrap(), "ann");
        db.remove();
        db.remove();
        assert_eq!(in_use(db), 0);
    });
}

#[test]
fn threads_have_their_own_and_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:///{}/t.db", folder.path().display())).unwrap();
    let Blog { users, .. } = blog(&db);
    let ann = db.scoped().add(users.record(values! { "name" => "ann" }).unwrap()).unwrap();
    std::thread::scope(|threads| {
        let other = threads.spawn(|| {
            assert!(!db.scoped().contains(&ann));
            db.scoped().add(users.record(values! { "name" => "ben" }).unwrap()).unwrap();
            db.scoped().flush().unwrap();
            assert_eq!(in_use(&db), 1);
        });
        // Joined, it has let go of what is its own; the end of the block does not wait for that.
        other.join().unwrap();
    });
    assert_eq!(in_use(&db), 0, "a thread that ends gives its connection back");
    db.remove();
    assert_eq!(db.session().query(&users).count().unwrap(), 0, "and nothing was committed");
}

#[test]
fn scopes_nest_and_are_independent() {
    each_backend(|db| {
        let Blog { users, .. } = blog(db);
        let user = |name: &str| users.record(values! { "name" => name }).unwrap();
        let outer = db.scope();
        let ann = db.scoped().add(user("ann")).unwrap();
        {
            let _inner = db.scope();
            assert!(!db.scoped().contains(&ann));
            db.scoped().add(user("ben")).unwrap();
        }
        assert!(db.scoped().contains(&ann), "the inner scope's end left it alone");
        db.scoped().commit().unwrap();
        // Ended out of order, each ends its own.
        let first = db.scope();
        db.scoped().add(user("carl")).unwrap();
        let second = db.scope();
        let dora = db.scoped().add(user("dora")).unwrap();
        drop(first);
        assert!(db.scoped().contains(&dora));
        drop(second);
        assert!(db.scoped().contains(&ann));
        drop(outer);
        assert_eq!(in_use(db), 0);
        let names: Vec<String> = select(users.c("name")).scalars(db).unwrap();
        assert_eq!(names, ["ann"]);
    });
}

#[test]
fn a_scope_that_ends_in_mid_transaction_rolls_back() {
    each_backend(|db| {
        let Blog { users, .. } = blog(db);
        let add = |name: &str| -> Result<()> {
            let _scope = db.scope();
            let session = db.scoped();
            session.add(users.record(values! { "name" => name })?)?;
            session.flush()?;
            assert!(name != "panic", "as told");
            Err(Error::new(ErrorKind::Invalid, "as told"))
        };
        assert_eq!(add("ann").unwrap_err().message(), "as told");
        assert_eq!(in_use(db), 0);
        assert!(catch_unwind(AssertUnwindSafe(|| add("panic"))).is_err());
        assert_eq!(in_use(db), 0, "after a panic too");
        assert_eq!(db.session().query(&users).count().unwrap(), 0);
        // What was handed out of a scope says so.
        let guard = db.scope();
        let handle = db.scoped();
        drop(guard);
        assert_eq!(handle.query(&users).count().unwrap_err().kind(), ErrorKind::Detached);
    });
}

#[test]
fn a_function_says_which_scope_it_is() {
    each_backend(|db| {
        let Blog { users, .. } = blog(db);
        let request = Arc::new(AtomicUsize::new(1));
        let current = request.clone();
        let scopes = Scopes::by(db, move || current.load(Ordering::Relaxed));
        assert!(!scopes.has_session());
        let ann = scopes.session().add(users.record(values! { "name" => "ann" }).unwrap()).unwrap();
        assert!(scopes.has_session());
        let error = scopes.session_with(SessionOptions::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        request.store(2, Ordering::Relaxed);
        assert!(!scopes.session().contains(&ann));
        scopes.remove();
        assert!(!scopes.has_session());
        let strict = scopes.session_with(SessionOptions::new().autoflush(false)).unwrap();
        strict.add(users.record(values! { "name" => "ben" }).unwrap()).unwrap();
        assert_eq!(strict.query(&users).count().unwrap(), 0, "not flushed: the options hold");
        scopes.remove();
        // Another thread in the same scope has the same session.
        request.store(1, Ordering::Relaxed);
        std::thread::scope(|threads| {
            threads.spawn(|| assert!(scopes.session().contains(&ann)));
        });
        scopes.session().commit().unwrap();
        drop(scopes);
        assert_eq!(in_use(db), 0);
        assert_eq!(select(users.c("name")).scalars::<String>(db).unwrap(), ["ann"]);
    });
}

#[test]
fn a_function_that_never_says_the_same_gives_a_session_each_time() {
    let db = Db::open("sqlite://").unwrap();
    let Blog { users, .. } = blog(&db);
    let calls = AtomicUsize::new(0);
    let scopes = Scopes::by(&db, move || calls.fetch_add(1, Ordering::Relaxed));
    let ann = users.record(values! { "name" => "ann" }).unwrap();
    scopes.session().add(ann.clone()).unwrap();
    assert!(!scopes.session().contains(&ann));
}

/// Sessions of scopes that do not flush.
struct Careful;

impl Hooks for Careful {
    fn create_scoped_session(&self, db: &Db, options: SessionOptions) -> Session {
        self.create_session(db, options.autoflush(false))
    }
}

#[test]
fn a_program_makes_its_own_scoped_sessions() {
    let db = Db::with_hooks(Careful);
    db.init(Config::new().url("sqlite://")).unwrap();
    let Blog { users, .. } = blog(&db);
    db.scoped().add(users.record(values! { "name" => "ann" }).unwrap()).unwrap();
    assert_eq!(db.scoped().query(&users).count().unwrap(), 0);
    db.remove();
    let session = db.session();
    session.add(users.record(values! { "name" => "ann" }).unwrap()).unwrap();
    assert_eq!(session.query(&users).count().unwrap(), 1);
}

#[test]
fn two_databases_have_a_scope_each() {
    let (one, two) = (Db::open("sqlite://").unwrap(), Db::open("sqlite://").unwrap());
    let (in_one, in_two) = (blog(&one), blog(&two));
    let ann = one.scoped().add(in_one.user("ann")).unwrap();
    let _scope = two.scope();
    two.scoped().add(in_two.user("ben")).unwrap();
    assert!(one.scoped().contains(&ann), "another Db's scope is another's");
    two.remove();
    assert!(one.scoped().contains(&ann));
    one.remove();
}

#[test]
fn a_receiver_may_ask_for_the_scope_of_a_thread_that_ends() {
    let db = Db::open("sqlite://").unwrap();
    let b = blog(&db);
    let counted = Arc::new(AtomicUsize::new(0));
    let (copy, users) = (counted.clone(), b.users.clone());
    let _guard = db.signals().after_rollback.connect(move |session, _| {
        let rows = session.db().scoped().query(&users).count().unwrap();
        session.db().remove();
        copy.fetch_add(1 + rows as usize, Ordering::Relaxed);
    });
    std::thread::scope(|threads| {
        let thread = threads.spawn(|| {
            db.scoped().add(b.user("ann")).unwrap();
            db.scoped().flush().unwrap();
        });
        thread.join().unwrap();
    });
    assert_eq!(counted.load(Ordering::Relaxed), 1);
}
