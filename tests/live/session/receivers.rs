//! What receivers may do, and what happens when they do it wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::RecordState;

use super::{blog, said, text};
use crate::support::each_backend;

type Log = Arc<Mutex<Vec<String>>>;

fn log() -> Log {
    Arc::default()
}

fn lines(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

#[test]
fn what_before_commit_sees() {
    // seed: new records have no key yet, deleted ones are still there. Here everything is flushed.
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let seen = log();
        let own = seen.clone();
        let _before = db.signals().before_commit.connect(move |session, changes| {
            for change in changes {
                let record = change.record().ok_or("tracked")?;
                let diff: Vec<String> = change.diff().iter().map(|field| field.to_string()).collect();
                let line = format!("{} {:?} {}", change.subject(), record.state(), diff.join(", "));
                own.lock().unwrap().push(line);
            }
            let users = session.db().table_named("users")?;
            own.lock().unwrap().push(format!("{} users", session.query(&users).count()?));
            Ok(())
        });
        let session = db.session();
        session.delete(&session.get(&b.users, 1).unwrap().unwrap()).unwrap();
        let ben = b.users.record(values! { "id" => 2, "name" => "ben" }).unwrap();
        session.add(ben).unwrap();
        session.commit().unwrap();
        let seen = lines(&seen);
        assert_eq!(seen[0], "users 1 Deleted id: 1 -> -, name: ann -> -, karma: 7 -> -");
        assert!(
            seen[1].starts_with("users ") && seen[1].ends_with("name: - -> ben, karma: - -> 7"),
            "{seen:?}"
        );
        assert_eq!(seen[2], "1 users");
    });
}

#[test]
fn what_models_committed_sees() {
    // seed: attributes are there, and no SQL is possible: "session is in committed state".
    each_backend(|db| {
        let b = blog(db);
        let seen = log();
        let own = seen.clone();
        let _after = db.signals().models_committed.connect(move |session, changes| {
            let users = session.db().table_named("users")?;
            let count = session.query(&users).count()?;
            let name = changes.iter().next().and_then(|c| c.new_row()).ok_or("a row")?;
            own.lock().unwrap().push(format!("{count} {}", name.get::<String>("name")?));
            Ok(())
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        let committed = session.commit().unwrap();
        assert!(committed.receiver_errors.is_empty(), "{:?}", committed.receiver_errors);
        assert_eq!(lines(&seen), ["1 ann"]);
    });
}

#[test]
fn what_a_receiver_adds_is_asked_about_by_itself() {
    // seed: it is in the after-list only, and the before-receivers never hear of it.
    each_backend(|db| {
        let b = blog(db);
        let (seen, told) = (log(), log());
        let (own, users) = (seen.clone(), b.users.clone());
        let _before = db.signals().before_commit.connect(move |session, changes| {
            own.lock().unwrap().push(said(changes).join(", "));
            if changes.len() == 1 && changes.iter().any(|c| c.subject() == "users 1") {
                session.add(users.record(values! { "name" => "by the receiver" })?)?;
            }
            Ok(())
        });
        let own = told.clone();
        let _after = db
            .signals()
            .models_committed
            .connect(move |_, changes| own.lock().unwrap().extend(said(changes)));
        db.transaction(|session| session.add(b.user("ann"))).unwrap();
        assert_eq!(lines(&seen), ["insert users 1", "insert users 2"]);
        assert_eq!(lines(&told), ["insert users 1", "insert users 2"]);
    });
}

#[test]
fn what_an_after_receiver_adds_goes_with_the_next_commit() {
    each_backend(|db| {
        let b = blog(db);
        let users = b.users.clone();
        let _after = db.signals().models_committed.connect(move |session, changes| {
            if changes.len() == 1 {
                session.add(users.record(values! { "name" => "later" })?)?;
            }
            Ok(())
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann"]);
        assert_eq!(session.new_records().len(), 1);
        session.add(b.user("ben")).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann", "later", "ben"]);
    });
}

#[test]
fn a_veto_rolls_back_and_restores() {
    // seed: aborted without a rollback; pending objects and the recorded map are kept.
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let veto = db.signals().before_commit.connect(|_, _| Err("not today".into()));
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        ann.set("name", "anna").unwrap();
        let new = session.add(b.user("new")).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Vetoed, "not today"));
        assert_eq!((text(&ann, "name").as_str(), new.state()), ("ann", RecordState::Transient));
        drop(veto);
        // The session goes on at once: the commit it refused is over.
        session.add(new).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann", "new"]);
        // An error of ours comes as it is, one of others as the cause.
        let kind = |error: fn() -> mirrorm::session::BoxError| {
            let _veto = db.signals().before_commit.connect(move |_, _| Err(error()));
            session.add(b.user("x")).unwrap();
            session.commit().unwrap_err()
        };
        let own = kind(|| Box::new(Error::new(ErrorKind::Check, "ours")));
        assert_eq!(own.kind(), ErrorKind::Check);
        let foreign = kind(|| "x".parse::<i32>().unwrap_err().into());
        assert_eq!(foreign.kind(), ErrorKind::Vetoed);
        assert!(std::error::Error::source(&foreign).is_some());
    });
}

#[test]
fn an_after_receiver_that_fails_or_panics_changes_nothing() {
    // seed: the session is stuck until it is closed, and the same entries are sent again.
    each_backend(|db| {
        let b = blog(db);
        let (failures, told) = (log(), log());
        let own = failures.clone();
        let _failed =
            db.signals().receiver_failed.connect(move |_, error| own.lock().unwrap().push(error.to_string()));
        let _fails = db.signals().models_committed.connect(|_, _| Err("too late".into()));
        let _panics =
            db.signals().models_committed.connect(|_, changes| assert!(changes.is_empty(), "far too late"));
        let own = told.clone();
        let _hears = db.signals().models_committed.connect(move |_, c| own.lock().unwrap().extend(said(c)));
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(committed.receiver_errors.len(), 2);
        assert!(committed.clone().and_receivers().is_err());
        let failures = lines(&failures);
        assert!(failures[0].contains("too late") && failures[1].contains("far too late"), "{failures:?}");
        assert_eq!(lines(&told), ["insert users 1"], "the others are told all the same");
        session.add(b.user("ben")).unwrap();
        session.commit().unwrap();
        assert_eq!(lines(&told), ["insert users 2"], "once each");
        assert_eq!(b.names(db), ["ann", "ben"]);
    });
}

#[test]
fn a_before_receiver_that_panics_is_a_veto() {
    each_backend(|db| {
        let b = blog(db);
        let panics = db.signals().before_commit.connect(|_, _| {
            if true {
                panic!("no");
            }
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Vetoed);
        assert!(error.message().contains("panicked: no"), "{error}");
        drop(panics);
        session.commit().unwrap();
        assert!(b.names(db).is_empty());
    });
}

#[test]
fn a_receiver_that_never_stops_writing() {
    each_backend(|db| {
        let b = blog(db);
        let (users, count) = (b.users.clone(), AtomicUsize::new(0));
        let _before = db.signals().before_commit.connect(move |session, _| {
            let n = count.fetch_add(1, Ordering::Relaxed);
            session.add(users.record(values! { "name" => format!("again {n}") })?)?;
            Ok(())
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("10 rounds"), "{error}");
        assert!(b.names(db).is_empty());
        assert!(!session.is_modified());
    });
}

#[test]
fn before_flush_fills_in_and_vetoes() {
    each_backend(|db| {
        let b = blog(db);
        let users = b.users.clone();
        let fills = db.signals().before_flush.connect(move |session| {
            for record in session.new_records() {
                let name = record.get::<String>("name")?;
                record.set("name", name.to_uppercase())?;
            }
            if session.new_records().len() == 1 {
                session.add(users.record(values! { "name" => "companion" })?)?;
            }
            // Queries and flushes inside do not flush again.
            assert_eq!(session.query(&users).count()?, 0);
            session.flush()?;
            Ok(())
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        session.flush().unwrap();
        assert_eq!(
            select(b.users.c("name")).order_by(b.users.c("id")).scalars::<String>(&session).unwrap(),
            ["ANN", "companion"]
        );
        drop(fills);
        session.rollback().unwrap();
        let _vetoes = db.signals().before_flush.connect(|_| Err("nothing is sent".into()));
        let ann = session.add(b.user("ann")).unwrap();
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::Vetoed);
        assert_eq!(ann.state(), RecordState::Pending, "nothing was sent, nothing is lost");
    });
}

#[test]
fn commit_flush_and_rollback_inside_receivers() {
    each_backend(|db| {
        let b = blog(db);
        let kinds = log();
        let own = kinds.clone();
        let before = db.signals().before_commit.connect(move |session, _| {
            let mut own = own.lock().unwrap();
            own.push(format!("{:?}", session.commit().unwrap_err().kind()));
            own.push(format!("{:?}", session.rollback().unwrap_err().kind()));
            own.push(format!("{:?}", session.flush()));
            own.push(format!("{:?}", session.nested(|_| Ok(1)).unwrap()));
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        session.commit().unwrap();
        assert_eq!(lines(&kinds), ["Invalid", "Invalid", "Ok(())", "1"]);
        drop(before);
        let own = kinds.clone();
        let _flush = db.signals().before_flush.connect(move |session| {
            let mut own = own.lock().unwrap();
            own.push(format!("{:?}", session.commit().unwrap_err().kind()));
            own.push(format!("{:?}", session.rollback().unwrap_err().kind()));
            own.push(format!("{:?}", session.begin_nested().map(drop).unwrap_err().kind()));
        });
        session.add(b.user("ben")).unwrap();
        session.commit().unwrap();
        assert_eq!(lines(&kinds), ["Invalid", "Invalid", "Invalid"]);
        assert_eq!(b.names(db), ["ann", "ben"]);
    });
}

#[test]
fn commits_inside_are_told_after_the_running_delivery() {
    each_backend(|db| {
        let b = blog(db);
        let (order, failures) = (log(), log());
        let (own, users) = (order.clone(), b.users.clone());
        let _first = db.signals().models_committed.connect(move |session, changes| {
            let name: String = changes.iter().next().and_then(|c| c.new_row()).ok_or("row")?.get("name")?;
            own.lock().unwrap().push(format!("first: {name}"));
            if name == "ann" {
                // By the same session, and by another one that is gone when it is told.
                session.add(users.record(values! { "name" => "inner" })?)?;
                session.commit()?;
                session.db().transaction(|other| other.add(users.record(values! { "name" => "other" })?))?;
            }
            Ok(())
        });
        let own = order.clone();
        let _second = db.signals().models_committed.connect(move |session, changes| {
            let name: String = changes.iter().next().and_then(|c| c.new_row()).ok_or("row")?.get("name")?;
            let users = session.db().table_named("users")?;
            own.lock().unwrap().push(format!("second: {name} of {}", session.query(&users).count()?));
            Ok(())
        });
        let own = failures.clone();
        let _failed =
            db.signals().receiver_failed.connect(move |_, error| own.lock().unwrap().push(error.to_string()));
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        session.commit().unwrap();
        assert_eq!(lines(&failures), [""; 0]);
        assert_eq!(
            lines(&order),
            [
                "first: ann",
                "second: ann of 3",
                "first: inner",
                "second: inner of 3",
                "first: other",
                "second: other of 3"
            ]
        );
    });
}

#[test]
fn a_receiver_that_answers_every_commit_with_another_ends() {
    each_backend(|db| {
        let b = blog(db);
        let (users, count, failures) = (b.users.clone(), Arc::new(AtomicUsize::new(0)), log());
        let own = count.clone();
        let _after = db.signals().models_committed.connect(move |session, _| {
            let n = own.fetch_add(1, Ordering::Relaxed);
            session.add(users.record(values! { "name" => format!("answer {n}") })?)?;
            session.commit()?;
            Ok(())
        });
        let own = failures.clone();
        let _failed =
            db.signals().receiver_failed.connect(move |_, error| own.lock().unwrap().push(error.to_string()));
        db.transaction(|session| session.add(b.user("ann"))).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 17);
        assert_eq!(b.names(db).len(), 18, "all of them are committed");
        let failures = lines(&failures);
        assert!(failures.len() == 1 && failures[0].contains("16 commits"), "{failures:?}");
    });
}

#[test]
fn narrowed_receivers_and_subscriptions() {
    each_backend(|db| {
        let b = blog(db);
        let told = log();
        let connect = |what: &'static str, table: &Table| {
            let own = told.clone();
            db.signals().models_committed.of(table).connect(move |_, changes| {
                own.lock().unwrap().push(format!("{what}: {}", said(changes).join(", ")));
            })
        };
        let posts = connect("posts", &b.posts);
        let users = connect("users", &b.users);
        drop(connect("gone", &b.users));
        connect("forever", &b.tags).forever();
        let post = b.post("p");
        post.set_related("user", &b.user("ann")).unwrap();
        db.transaction(|session| session.add(post.clone())).unwrap();
        assert_eq!(lines(&told), ["posts: insert posts 1", "users: insert users 1"]);
        drop(posts);
        db.transaction(|session| {
            session.add(b.post("q"))?;
            session.add(b.tag("t"))
        })
        .unwrap();
        assert_eq!(lines(&told), ["forever: insert tags 1"]);
        drop(users);
        assert!(!db.signals().models_committed.is_empty());
    });
}

#[test]
fn receivers_connect_and_disconnect_inside_receivers() {
    each_backend(|db| {
        let b = blog(db);
        let told = log();
        let slot: Arc<Mutex<Option<mirrorm::session::Subscription>>> = Arc::default();
        let (own, kept) = (told.clone(), slot.clone());
        let _connects = db.signals().models_committed.connect(move |session, _| {
            let own = own.clone();
            let new = session
                .db()
                .signals()
                .models_committed
                .connect(move |_, _| own.lock().unwrap().push("new".into()));
            let old = kept.lock().unwrap().replace(new);
            drop(old);
        });
        db.transaction(|session| session.add(b.user("ann"))).unwrap();
        assert_eq!(lines(&told), [""; 0], "receivers are those of the moment of sending");
        db.transaction(|session| session.add(b.user("ben"))).unwrap();
        assert_eq!(lines(&told), ["new"]);
    });
}

#[test]
fn another_session_inside_a_receiver() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let kinds = log();
        let own = kinds.clone();
        let _before = db.signals().before_commit.connect(move |session, _| {
            let users = session.db().table_named("users")?;
            // The transaction is not over: where there is one writer at a time, another one cannot
            // write now, and says so at once.
            let other = session.db().session();
            let wrote = other.add(users.record(values! { "name" => "x" })?).and_then(|_| other.flush());
            own.lock().unwrap().push(format!("{:?}", wrote.map_err(|e| e.kind())));
            Ok(())
        });
        let session = db.session();
        session.get(&b.users, 1).unwrap().unwrap().set("karma", 1).unwrap();
        session.commit().unwrap();
        let one_writer = db.engine().unwrap().target().unwrap().features().single_writer;
        assert_eq!(lines(&kinds), [if one_writer { "Err(Busy)" } else { "Ok(())" }]);
    });
}
