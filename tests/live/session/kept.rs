//! What a session and its records keep alive, and what they let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::prelude::*;

use super::blog;
use crate::support::each_backend;

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
fn rows_that_hold_each_other_without_a_session_are_let_go() {
    // Written in a session that is rolled back, after it has ended, and before they are let go by it.
    let witness: Arc<str> = "seen".into();
    let seen = || Value::from(mirrorm::value::Other::text(witness.clone(), "x"));
    {
        let db = Db::open("sqlite://").unwrap();
        let b = blog(&db);
        let both = |user: &Record, post: &Record| {
            user.set("karma", seen()).unwrap();
            user.append("posts", post).unwrap();
            post.set_related("user", user).unwrap();
        };
        for n in 0..3_000 {
            let session = db.session_with(SessionOptions::new().autoflush(false));
            let (user, post) = (b.user(&format!("{n}")), b.post("p"));
            session.add_all([user.clone(), post.clone()]).unwrap();
            session.flush().unwrap();
            match n % 3 {
                0 => {
                    both(&user, &post);
                    session.rollback().unwrap();
                }
                1 => {
                    session.commit().unwrap();
                    drop(session);
                    both(&user, &post);
                }
                _ => {
                    both(&user, &post);
                    session.expunge(&user).unwrap();
                    session.expunge(&post).unwrap();
                    session.rollback().unwrap();
                }
            }
        }
        let alive = Arc::strong_count(&witness);
        assert!(alive < 2_000, "{alive} of 3 000 are there");
    }
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn a_session_does_not_keep_tables_that_were_removed() {
    let witness = Arc::new(());
    let db = Db::open("sqlite://").unwrap();
    let session = db.session();
    for n in 0..20 {
        let own = witness.clone();
        let made = move || {
            let _ = &own;
            1.into()
        };
        let parts = (column("id", Integer).primary_key(), column("n", Integer).default_with(made));
        let table = db.table(format!("t{n}"), parts).unwrap();
        db.create_all().unwrap();
        session.add(table.record(()).unwrap()).unwrap();
        session.flush().unwrap();
        assert!(session.get(&table, 1).unwrap().is_some());
        session.rollback().unwrap();
        assert!(db.metadata().remove(&table));
    }
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn a_stream_tells_of_its_records_as_it_goes() {
    each_backend(|db| {
        let b = blog(db);
        insert(&b.tags).rows(["name"], (0..2_000).map(|_| ["x"])).run(db).unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let own = told.clone();
        let _s = db.signals().state_changed.connect(move |_, _| {
            own.fetch_add(1, Ordering::Relaxed);
        });
        let session = db.session();
        let before_the_end = session.query(&b.tags).stream(|records| {
            for record in records {
                record?;
            }
            Ok(told.load(Ordering::Relaxed))
        });
        // Nobody holds more than a block of them, not for the receiver either.
        assert!(before_the_end.unwrap() > 1_000);
        assert_eq!(told.load(Ordering::Relaxed), 2_000);
    });
}
