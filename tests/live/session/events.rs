//! Events of records and flushes (§5.9): in their order, once, first, and gone with their subscription.

use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::{RecordSignal, Signals, Subscription};

use crate::support::each_backend;

type Heard = Arc<Mutex<Vec<String>>>;

fn blog(db: &Db) -> (Table, Table) {
    let users =
        db.table("users", (column("id", Integer).primary_key(), column("name", Varchar(40)))).unwrap();
    let posts = (
        column("id", Integer).primary_key(),
        column("title", Varchar(40)),
        column("slug", Varchar(40)),
        column("user_id", Integer).references("users.id").on_delete(mirrorm::schema::Action::Cascade),
    );
    let posts = db.table("posts", posts).unwrap();
    db.create_all().unwrap();
    (users, posts)
}

/// Hears all signals of records.
fn hear_all(signals: &Signals, heard: &Heard) -> Vec<Subscription> {
    let all: [(&str, &RecordSignal); 8] = [
        ("before_insert", &signals.before_insert),
        ("before_update", &signals.before_update),
        ("before_delete", &signals.before_delete),
        ("after_insert", &signals.after_insert),
        ("after_update", &signals.after_update),
        ("after_delete", &signals.after_delete),
        ("refreshed", &signals.refreshed),
        ("expired", &signals.expired),
    ];
    let connect = |(name, signal): &(&'static str, &RecordSignal)| {
        let (name, heard) = (*name, heard.clone());
        signal.connect(move |_, record| {
            let key = record.key().map_or("-".to_string(), |key| key[0].to_string());
            heard.lock().unwrap().push(format!("{name} {} {key}", record.table().def().display_name()));
        })
    };
    all.iter().map(connect).collect()
}

fn take(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().unwrap())
}

#[test]
fn r5_9_record_events_in_their_order() {
    each_backend(|db| {
        let (users, posts) = blog(db);
        let heard = Heard::default();
        let subscriptions = hear_all(db.signals(), &heard);
        let session = db.session();
        let ann = users.record(values! { "name" => "ann" }).unwrap();
        let post = session.add(posts.record(values! { "title" => "a" }).unwrap()).unwrap();
        post.set_related("user", &ann).unwrap();
        session.commit().unwrap();
        assert_eq!(
            take(&heard),
            [
                "before_insert users -",
                "after_insert users 1",
                "before_insert posts -",
                "after_insert posts 1"
            ]
        );
        post.set("title", "b").unwrap();
        ann.set("name", "ann").unwrap();
        session.commit().unwrap();
        let both = take(&heard);
        assert!(both.contains(&"before_update posts 1".to_string()), "{both:?}");
        session.refresh(&post).unwrap();
        session.expire(&post).unwrap();
        assert_eq!(take(&heard), ["refreshed posts 1", "expired posts 1"]);
        session.delete(&ann).unwrap();
        session.commit().unwrap();
        assert_eq!(
            take(&heard),
            [
                "before_delete posts 1",
                "after_delete posts 1",
                "before_delete users 1",
                "after_delete users 1"
            ],
            "what goes along is told too"
        );
        drop(subscriptions);
        session.add(users.record(()).unwrap()).unwrap();
        session.commit().unwrap();
        assert!(take(&heard).is_empty(), "nobody hears any more");
    });
}

#[test]
fn r5_9_what_is_set_before_a_row_is_written_goes_along() {
    each_backend(|db| {
        let (users, posts) = blog(db);
        let slugs = |_: &Session, post: &Record| {
            let title: String = post.get("title")?;
            post.set("slug", title.to_lowercase().replace(' ', "-"))?;
            Ok(())
        };
        let _inserts = db.signals().before_insert.of(&posts).connect(slugs);
        let _updates = db.signals().before_update.of(&posts).connect(slugs);
        // What a receiver adds is written by the same commit.
        let (also, count) = (users.clone(), Arc::new(Mutex::new(0)));
        let counted = count.clone();
        let _adds = db.signals().after_insert.of(&posts).connect(move |session, post| {
            *counted.lock().unwrap() += 1;
            assert!(post.get::<i64>("id").is_ok(), "it has what the database made");
            session.add(also.record(values! { "name" => "of a receiver" })?)?;
            Ok(())
        });
        let session = db.session();
        let new = session.add(posts.record(values! { "title" => "Hello World" }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(new.get::<String>("slug").unwrap(), "hello-world");
        new.set("title", "Good Bye").unwrap();
        session.commit().unwrap();
        assert_eq!(select(posts.c("slug")).scalar::<String>(db).unwrap(), "good-bye");
        assert_eq!((*count.lock().unwrap(), select(&users).count(db).unwrap()), (1, 1));
    });
}

#[test]
fn r5_9_who_refuses_stops_the_flush() {
    each_backend(|db| {
        let (users, posts) = blog(db);
        let insert_both = |name: &str| {
            db.transaction(|session| {
                let post = session.add(posts.record(values! { "title" => name })?)?;
                post.set_related("user", &users.record(values! { "name" => name })?)
            })
        };
        for at in 0..3 {
            let signals = db.signals();
            let signal = [&signals.before_insert, &signals.after_insert, &signals.before_insert][at];
            let panics = at == 2;
            let _refuses = signal.of(&posts).connect(move |_, _| {
                assert!(!panics, "a receiver that panics");
                Err("not this one".into())
            });
            let error = insert_both("a").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Vetoed, "{error}");
            assert_eq!(select(&users).count(db).unwrap(), 0, "what was sent before is rolled back");
        }
        let late = db.signals().after_flush.connect(|_| Err("not at all".into()));
        assert_eq!(insert_both("a").unwrap_err().kind(), ErrorKind::Vetoed);
        drop(late);
        insert_both("a").unwrap();
        assert_eq!((select(&users).count(db).unwrap(), select(&posts).count(db).unwrap()), (1, 1));
    });
}

#[test]
fn r5_9_listeners_once_first_and_removed() {
    let db = Db::open("sqlite://").unwrap();
    let (users, posts) = blog(&db);
    let heard = Heard::default();
    let hear = |name: &'static str| {
        let heard = heard.clone();
        move |_: &Session, _: &Record| heard.lock().unwrap().push(name.to_string())
    };
    let signal = &db.signals().before_insert;
    let second = signal.connect(hear("second"));
    let _third = signal.connect(hear("third"));
    let _first = signal.first().connect(hear("first"));
    let _once = signal.once().of(&posts).connect(hear("once"));
    let add = |table: &Table| db.transaction(|session| session.add(table.record(())?)).map(|_| ()).unwrap();
    add(&users);
    assert_eq!(
        take(&heard),
        ["first", "second", "third"],
        "a table that does not concern it is not its once"
    );
    add(&posts);
    assert_eq!(take(&heard), ["first", "second", "third", "once"]);
    drop(second);
    add(&posts);
    assert_eq!(take(&heard), ["first", "third"]);
    // Of changes, too.
    let told = Heard::default();
    let tell = |name: &'static str| {
        let told = told.clone();
        move |_: &Session, _: &mirrorm::session::Changes| told.lock().unwrap().push(name.to_string())
    };
    let committed = &db.signals().models_committed;
    let _last = committed.connect(tell("last"));
    let _early = committed.first().once().connect(tell("early"));
    add(&users);
    add(&users);
    assert_eq!(take(&told), ["early", "last", "last"]);
    assert!(!committed.is_empty() && db.signals().after_flush.is_empty());
}

#[test]
fn r5_9_flushes_are_told_before_and_after() {
    each_backend(|db| {
        let (users, _) = blog(db);
        let heard = Heard::default();
        let hear = |name: &'static str| {
            let heard = heard.clone();
            move |session: &Session| {
                let open = session.new_records().len();
                heard.lock().unwrap().push(format!("{name} {open}"));
            }
        };
        let _before = db.signals().before_flush.connect(hear("before"));
        let _after = db.signals().after_flush.connect(hear("after"));
        let session = db.session();
        session.flush().unwrap();
        assert!(take(&heard).is_empty(), "there is nothing to flush");
        session.add(users.record(()).unwrap()).unwrap();
        session.flush().unwrap();
        assert_eq!(take(&heard), ["before 1", "after 0"]);
        session.commit().unwrap();
        assert!(take(&heard).is_empty());
    });
}
