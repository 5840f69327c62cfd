//! What is written while a session flushes, by functions that supply values and by other threads: it
//! is the next flush's.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;

use super::{blog, said, text};
use crate::support::each_backend;

type Job = Box<dyn FnOnce() + Send>;

/// Users, posts and tags. A job put into the slot is run once by the next flush that sends a post
/// whose stamp was not set: what that flush has gathered was gathered before.
struct Stamped {
    users: Table,
    posts: Table,
    tags: Table,
    slot: Arc<Mutex<Option<Job>>>,
}

impl Stamped {
    fn new(db: &Db) -> Stamped {
        let slot: Arc<Mutex<Option<Job>>> = Arc::default();
        let run = |slot: Arc<Mutex<Option<Job>>>| {
            move || {
                let job = slot.lock().unwrap().take();
                job.into_iter().for_each(|job| job());
                Value::from(1)
            }
        };
        let id = || column("id", Integer).primary_key();
        let stamp =
            column("stamp", Integer).default_with(run(slot.clone())).on_update_with(run(slot.clone()));
        let user = column("user_id", Integer).references("users.id");
        let users = db.table("users", (id(), column("name", Text))).unwrap();
        let posts = db.table("posts", (id(), column("title", Text), user, stamp)).unwrap();
        let tags = db.table("tags", (id(), column("name", Text))).unwrap();
        let ends = ["posts", "tags"].map(|end| {
            column(format!("{}_id", end.trim_end_matches('s')), Integer).references(&format!("{end}.id"))
        });
        db.table("post_tags", ends.map(|end| end.primary_key()).to_vec()).unwrap();
        db.create_all().unwrap();
        insert(&users).rows(["name"], [["ann"], ["ben"]]).run(db).unwrap();
        insert(&tags).rows(["name"], [["a"], ["b"]]).run(db).unwrap();
        Stamped { users, posts, tags, slot }
    }

    fn posts(&self, db: &Db, count: usize) {
        insert(&self.posts)
            .rows(["title", "stamp"], (0..count).map(|n| (format!("p{n}"), 0)))
            .run(db)
            .unwrap();
    }

    fn all(&self, session: &Session, table: &Table) -> Vec<Record> {
        session.query(table).order_by(table.c("id")).all().unwrap()
    }

    /// The job of the next flush.
    fn then(&self, job: impl FnOnce() + Send + 'static) {
        *self.slot.lock().unwrap() = Some(Box::new(job));
    }

    fn authors(&self, db: &Db) -> Vec<Option<i64>> {
        assert!(self.slot.lock().unwrap().is_none(), "the job was run");
        select(self.posts.c("user_id")).order_by(self.posts.c("id")).scalars(db).unwrap()
    }
}

fn links(db: &Db) -> Vec<(i64, i64)> {
    let rows = db.query_text("SELECT post_id, tag_id FROM post_tags ORDER BY 1, 2", ()).unwrap();
    rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect()
}

#[test]
fn a_relationship_written_on_a_record_that_is_being_updated() {
    each_backend(|db| {
        let t = Stamped::new(db);
        t.posts(db, 1);
        let session = db.session();
        let ben = session.get(&t.users, 2).unwrap().unwrap();
        let post = session.get(&t.posts, 1).unwrap().unwrap();
        post.set("title", "x").unwrap();
        let (own, to) = (post.clone(), ben.clone());
        t.then(move || own.set_related("user", &to).unwrap());
        session.flush().unwrap();
        assert!(session.dirty().contains(&post));
        session.commit().unwrap();
        assert_eq!(t.authors(db), [Some(2)]);
        assert_eq!(ben.related("posts").unwrap(), [post]);
    });
}

#[test]
fn a_relationship_written_while_another_one_is_sent() {
    each_backend(|db| {
        let t = Stamped::new(db);
        t.posts(db, 2);
        let session = db.session();
        let (users, posts) = (t.all(&session, &t.users), t.all(&session, &t.posts));
        posts[0].set_related("user", &users[0]).unwrap();
        posts[0].set("stamp", 5).unwrap();
        posts[1].set("title", "x").unwrap();
        let (own, ben) = (posts[0].clone(), users[1].clone());
        t.then(move || own.set_related("user", &ben).unwrap());
        session.flush().unwrap();
        assert_eq!(posts[0].related_one("user").unwrap(), Some(users[1].clone()));
        session.commit().unwrap();
        assert_eq!(t.authors(db), [Some(2), None]);
        assert_eq!(users.iter().map(|u| u.related("posts").unwrap().len()).collect::<Vec<_>>(), [0, 1]);
    });
}

#[test]
fn a_relationship_written_by_a_thread_on_a_record_that_is_being_inserted() {
    each_backend(|db| {
        let t = Stamped::new(db);
        let session = db.session();
        let ben = session.get(&t.users, 2).unwrap().unwrap();
        let tag = session.get(&t.tags, 1).unwrap().unwrap();
        let post = session.add(t.posts.record(values! { "title" => "a" }).unwrap()).unwrap();
        let (own, to, with) = (post.clone(), ben.clone(), tag.clone());
        t.then(move || {
            let write = move || {
                own.set_related("user", &to).unwrap();
                own.append("tags", &with).unwrap();
            };
            std::thread::spawn(write).join().unwrap();
        });
        // A commit flushes until nothing is left.
        session.commit().unwrap();
        assert_eq!((t.authors(db), links(db)), (vec![Some(2)], vec![(1, 1)]));
        assert_eq!(
            (ben.related("posts").unwrap(), tag.related("posts").unwrap()),
            (vec![post.clone()], vec![post])
        );
    });
}

#[test]
fn a_link_written_while_another_one_is_sent() {
    // Many enough for statements of many rows: a record that stood twice on the list would be missed.
    each_backend(|db| {
        let t = Stamped::new(db);
        t.posts(db, 400);
        let session = db.session();
        let (tags, posts) = (t.all(&session, &t.tags), t.all(&session, &t.posts));
        posts[0].append("tags", &tags[0]).unwrap();
        posts[1].set("title", "x").unwrap();
        let (own, tag) = (posts[0].clone(), tags[1].clone());
        t.then(move || own.append("tags", &tag).unwrap());
        session.flush().unwrap();
        posts.iter().for_each(|post| post.set("title", "z").unwrap());
        let done = session.commit().unwrap();
        assert_eq!(said(&done.changes).iter().filter(|line| *line == "update posts 1").count(), 1);
        assert_eq!((links(db), done.changes.len()), (vec![(1, 1), (1, 2)], 402));
    });
}

#[test]
fn what_was_written_meanwhile_is_there_after_a_failure() {
    each_backend(|db| {
        let t = Stamped::new(db);
        t.posts(db, 1);
        let session = db.session();
        let users = t.all(&session, &t.users);
        let post = session.add(t.posts.record(values! { "title" => "a" }).unwrap()).unwrap();
        post.set_related("user", &users[0]).unwrap();
        // It was sent when the other one fails, whose key is taken.
        let twice = t.posts.record(values! { "id" => 1, "title" => "b" }).unwrap();
        session.add(twice).unwrap();
        let (own, ben) = (post.clone(), users[1].clone());
        t.then(move || own.set_related("user", &ben).unwrap());
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::Unique);
        session.rollback().unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(t.authors(db), [None, Some(2)]);
    });
}

#[test]
fn a_relationship_written_while_the_session_works_waits_or_says_so() {
    let db =
        Db::open_with("sqlite://", EngineOptions::new().busy_timeout(std::time::Duration::from_millis(50)))
            .unwrap();
    let b = blog(&db);
    b.fill(&db, &["ann", "ben"]);
    insert(&b.posts).rows(["title", "user_id"], [("p", 1)]).run(&db).unwrap();
    let session = db.session_with(SessionOptions::new().autoflush(false));
    let post = session.get(&b.posts, 1).unwrap().unwrap();
    let (ann, ben) = (session.get(&b.users, 1).unwrap().unwrap(), session.get(&b.users, 2).unwrap().unwrap());
    let write = || {
        let (own, to) = (post.clone(), ben.clone());
        std::thread::spawn(move || own.set_related("user", &to)).join().unwrap()
    };
    let done = session.query(&b.tags).stream(|_| Ok(write())).unwrap();
    // Whoever loses the post is found by the session; nothing was written.
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!((ann.related("posts").unwrap().len(), ben.related("posts").unwrap().len()), (1, 0));
    write().unwrap();
    assert_eq!((ann.related("posts").unwrap().len(), ben.related("posts").unwrap().len()), (0, 1));
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

#[test]
fn a_level_begins_and_ends_with_nothing_left_to_flush() {
    each_backend(|db| {
        let t = Stamped::new(db);
        t.posts(db, 2);
        let session = db.session();
        let posts = t.all(&session, &t.posts);
        let retitle = |later: &'static str| {
            posts[0].set("title", format!("sent {later}")).unwrap();
            let own = posts[1].clone();
            t.then(move || own.set("title", later).unwrap());
        };
        // Written before the savepoint: it is not the savepoint's to roll back.
        retitle("before");
        let savepoint = session.begin_nested().unwrap();
        assert_eq!(session.dirty(), []);
        savepoint.rollback().unwrap();
        assert_eq!(text(&posts[1], "title"), "before");
        // Written inside: it is rolled back with the level around.
        let outer = session.begin_nested().unwrap();
        let inner = session.begin_nested().unwrap();
        retitle("inside");
        inner.release().unwrap();
        assert_eq!(session.dirty(), []);
        outer.rollback().unwrap();
        assert_eq!(text(&posts[1], "title"), "before");
        session.commit().unwrap();
        assert_eq!(t.authors(db), [None, None]);
        let titles: Vec<String> = select(t.posts.c("title")).order_by(t.posts.c("id")).scalars(db).unwrap();
        assert_eq!(titles, ["sent before", "before"]);
    });
}

/// A text whose reading runs a job once.
struct Watched(Arc<Mutex<Option<Job>>>);

impl mirrorm::types::CustomType for Watched {
    fn name(&self) -> &str {
        "watched"
    }
    fn base(&self) -> Type {
        Type::Text
    }
    fn bind(&self, value: Value) -> Result<Value> {
        Ok(value)
    }
    fn result(&self, value: Value) -> Result<Value> {
        let job = self.0.lock().unwrap().take();
        job.into_iter().for_each(|job| job());
        Ok(value)
    }
}

thread_local! {
    /// The session that a hook can reach.
    static OWN: RefCell<Option<Rc<Session>>> = const { RefCell::new(None) };
}

#[test]
fn a_types_hook_cannot_end_the_transaction_it_reads_in() {
    each_backend(|db| {
        let slot: Arc<Mutex<Option<Job>>> = Arc::default();
        let watched = Type::custom(Watched(slot.clone()));
        let t = db.table("t", (column("id", Integer).primary_key(), column("x", watched))).unwrap();
        db.create_all().unwrap();
        let session = Rc::new(db.session());
        session.add(t.record(values! { "x" => "new" }).unwrap()).unwrap();
        session.flush().unwrap();
        session.expire_all().unwrap();
        OWN.set(Some(session.clone()));
        let said: Arc<Mutex<Vec<ErrorKind>>> = Arc::default();
        let heard = said.clone();
        *slot.lock().unwrap() = Some(Box::new(move || {
            let own = OWN.take().unwrap();
            let ends = [own.commit().map(drop), own.rollback()];
            heard.lock().unwrap().extend(ends.into_iter().filter_map(|end| Some(end.err()?.kind())));
        }));
        let record = session.get(&t, 1).unwrap().unwrap();
        assert_eq!(*said.lock().unwrap(), [ErrorKind::Invalid; 2]);
        assert_eq!(text(&record, "x"), "new");
        session.commit().unwrap();
        assert_eq!(select(&t).all(db).unwrap().len(), 1);
    });
}
