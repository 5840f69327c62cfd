//! What is reported of what was done: each row of Flask-SQLAlchemy's result matrix and of its
//! savepoint table, as a log and net.
//!
//! A line with `seed:` says what Flask-SQLAlchemy answers where we depart from it, and why.

use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::Subscription;

use super::{Blog, blog, said};
use crate::support::each_backend;

/// What the four kinds of receivers were told.
#[derive(Default, Debug, PartialEq, Clone)]
struct Told {
    before: Vec<Vec<String>>,
    before_log: Vec<Vec<String>>,
    after: Vec<Vec<String>>,
    after_log: Vec<Vec<String>>,
}

/// Listens before and after commits, net and as a log.
struct Ear {
    told: Arc<Mutex<Told>>,
    _connected: [Subscription; 4],
}

impl Ear {
    fn at(db: &Db) -> Ear {
        let told = Arc::new(Mutex::new(Told::default()));
        let (a, b, c, d) = (told.clone(), told.clone(), told.clone(), told.clone());
        let signals = db.signals();
        let _connected = [
            signals.before_models_committed().connect(move |_, c| a.lock().unwrap().before.push(said(c))),
            signals.before_commit.log().connect(move |_, c| b.lock().unwrap().before_log.push(said(c))),
            signals.models_committed.connect(move |_, changes| c.lock().unwrap().after.push(said(changes))),
            signals.models_committed.log().connect(move |_, c| d.lock().unwrap().after_log.push(said(c))),
        ];
        Ear { told, _connected }
    }

    fn take(&self) -> Told {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// The same was told before and after the commit: this log, and this net effect.
    fn heard(&self, log: &[&str], net: &[&str]) {
        let told = self.take();
        let once = |list: &[&str]| match list {
            [] => Vec::new(),
            list => vec![list.iter().map(ToString::to_string).collect::<Vec<String>>()],
        };
        let wanted =
            Told { before: once(net), before_log: once(log), after: once(net), after_log: once(log) };
        assert_eq!(told, wanted);
    }
}

/// Runs a scenario in a session over three users, and says what is to be heard.
fn scenario(run: impl Fn(&Db, &Blog, &Session), log: &[&str], net: &[&str]) {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben", "cid"]);
        let ear = Ear::at(db);
        let session = db.session();
        run(db, &b, &session);
        session.commit().unwrap();
        ear.heard(log, net);
    });
}

fn ann(b: &Blog, session: &Session) -> Record {
    session.get(&b.users, 1).unwrap().unwrap()
}

fn rename(record: &Record, name: &str) {
    record.set("name", name).unwrap();
}

#[test]
fn an_insert() {
    scenario(|_, b, s| drop(s.add(b.user("new")).unwrap()), &["insert users 4"], &["insert users 4"]);
}

#[test]
fn insert_is_told_with_its_key() {
    // seed: the before-list holds the object without its key, because it is sent before the flush.
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        db.transaction(|session| session.add(b.user("new"))).unwrap();
        ear.heard(&["insert users 1"], &["insert users 1"]);
    });
}

#[test]
fn insert_then_modify_without_a_flush_between() {
    let run = |_: &Db, b: &Blog, s: &Session| rename(&s.add(b.user("new")).unwrap(), "newer");
    scenario(run, &["insert users 4"], &["insert users 4"]);
}

#[test]
fn insert_flush_modify() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        let new = s.add(b.user("new")).unwrap();
        s.flush().unwrap();
        rename(&new, "newer");
    };
    scenario(run, &["insert users 4", "update users 4"], &["insert users 4"]);
}

#[test]
fn insert_flush_delete() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        let new = s.add(b.user("new")).unwrap();
        s.flush().unwrap();
        s.delete(&new).unwrap();
    };
    scenario(run, &["insert users 4", "delete users 4"], &[]);
}

#[test]
fn insert_flush_modify_flush_delete() {
    // seed: the update is replaced by the delete; our log holds every step.
    let run = |_: &Db, b: &Blog, s: &Session| {
        let new = s.add(b.user("new")).unwrap();
        s.flush().unwrap();
        rename(&new, "newer");
        s.flush().unwrap();
        s.delete(&new).unwrap();
    };
    scenario(run, &["insert users 4", "update users 4", "delete users 4"], &[]);
}

#[test]
fn add_then_expunge() {
    let run = |_: &Db, b: &Blog, s: &Session| s.expunge(&s.add(b.user("new")).unwrap()).unwrap();
    scenario(run, &[], &[]);
}

#[test]
fn update_flush_update() {
    // seed: one update. The log holds both steps.
    let run = |_: &Db, b: &Blog, s: &Session| {
        let ann = ann(b, s);
        rename(&ann, "x");
        s.flush().unwrap();
        rename(&ann, "y");
    };
    scenario(run, &["update users 1", "update users 1"], &["update users 1"]);
}

#[test]
fn update_flush_delete() {
    // seed: one delete. The log holds both steps.
    let run = |_: &Db, b: &Blog, s: &Session| {
        let ann = ann(b, s);
        rename(&ann, "x");
        s.flush().unwrap();
        s.delete(&ann).unwrap();
    };
    scenario(run, &["update users 1", "delete users 1"], &["delete users 1"]);
}

#[test]
fn update_then_delete_without_a_flush() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        let ann = ann(b, s);
        rename(&ann, "x");
        s.delete(&ann).unwrap();
    };
    scenario(run, &["delete users 1"], &["delete users 1"]);
}

#[test]
fn set_to_the_same_value() {
    // seed: an update is reported though none is sent. Nothing changed, so nothing is reported.
    scenario(|_, b, s| rename(&ann(b, s), "ann"), &[], &[]);
}

#[test]
fn there_and_back() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        let ann = ann(b, s);
        rename(&ann, "x");
        s.flush().unwrap();
        rename(&ann, "ann");
    };
    scenario(run, &["update users 1", "update users 1"], &[]);
}

#[test]
fn only_a_collection_of_the_parent_changed() {
    // seed: the parent is reported as updated though its row is not. Rows are what is reported.
    let run = |_: &Db, b: &Blog, s: &Session| ann(b, s).append("posts", &b.post("new")).unwrap();
    scenario(run, &["insert posts 1"], &["insert posts 1"]);
}

#[test]
fn removed_from_a_collection() {
    // seed: with delete-orphan the child is deleted and reported as an update, and so is the parent.
    // Here the child's key becomes NULL, which is the update that is reported.
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t", "user_id" => 1 }).run(db).unwrap();
        let ear = Ear::at(db);
        let session = db.session();
        let ann = ann(&b, &session);
        let post = ann.related("posts").unwrap().remove(0);
        ann.remove("posts", &post).unwrap();
        session.commit().unwrap();
        ear.heard(&["update posts 1"], &["update posts 1"]);
    });
}

#[test]
fn cascade_delete() {
    // seed: parent first. Rows are deleted, and reported, in the order foreign keys ask for; also
    // those that no relationship had loaded.
    each_backend(|db| {
        let b = blog(db);
        db.relate(&b.users, relationship("posts", &b.posts).on_delete(OnParentDelete::Delete)).unwrap();
        b.fill(db, &["ann"]);
        insert(&b.posts).rows(["title", "user_id"], [("a", 1), ("b", 1)]).run(db).unwrap();
        let ear = Ear::at(db);
        let session = db.session();
        session.delete(&ann(&b, &session)).unwrap();
        session.commit().unwrap();
        let all = ["delete posts 1", "delete posts 2", "delete users 1"];
        ear.heard(&all, &all);
    });
}

#[test]
fn delete_flush_and_add_with_the_same_key() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        s.delete(&ann(b, s)).unwrap();
        s.flush().unwrap();
        s.add(b.users.record(values! { "id" => 1, "name" => "eve" }).unwrap()).unwrap();
    };
    scenario(run, &["delete users 1", "insert users 1"], &["update users 1"]);
}

#[test]
fn delete_and_add_with_the_same_key_without_a_flush() {
    // seed: insert, then delete, in the order of its three lists; what is sent is an UPDATE. Here a
    // delete and an insert are sent, in this order.
    let run = |_: &Db, b: &Blog, s: &Session| {
        s.delete(&ann(b, s)).unwrap();
        s.add(b.users.record(values! { "id" => 1, "name" => "eve" }).unwrap()).unwrap();
    };
    scenario(run, &["delete users 1", "insert users 1"], &["update users 1"]);
}

#[test]
fn merge_of_a_known_and_of_an_unknown_key() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        s.merge(&b.users.record(values! { "id" => 1, "name" => "x" }).unwrap()).unwrap();
        s.merge(&b.users.record(values! { "id" => 9, "name" => "y" }).unwrap()).unwrap();
    };
    let both = ["update users 1", "insert users 9"];
    scenario(run, &both, &both);
}

#[test]
fn modify_then_expire() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        let ann = ann(b, s);
        rename(&ann, "x");
        s.expire(&ann).unwrap();
    };
    scenario(run, &[], &[]);
}

#[test]
fn modify_flush_expunge() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        let ann = ann(b, s);
        rename(&ann, "x");
        s.flush().unwrap();
        s.expunge(&ann).unwrap();
    };
    scenario(run, &["update users 1"], &["update users 1"]);
}

#[test]
fn flush_by_autoflush() {
    let run = |_: &Db, b: &Blog, s: &Session| {
        rename(&ann(b, s), "x");
        s.query(&b.users).count().unwrap();
    };
    scenario(run, &["update users 1"], &["update users 1"]);
}

#[test]
fn built_bulk_statements() {
    // seed: never reported. Here each is one bulk change; raw text and what the database does by
    // itself are not reported.
    let run = |_: &Db, b: &Blog, s: &Session| {
        update(&b.users).set(values! { "karma" => 1 }).filter(b.users.c("id").gt(1)).run(s).unwrap();
        delete(&b.users).filter(b.users.c("id").eq(3)).run(s).unwrap();
        delete(&b.users).filter(b.users.c("id").eq(99)).run(s).unwrap();
        s.insert(&b.users, ["name"], [["x"], ["y"]]).unwrap();
        s.execute("UPDATE users SET karma = 2", ()).unwrap();
    };
    let all = ["update users (2 rows)", "delete users (1 row)", "insert users (2 rows)"];
    scenario(run, &all, &all);
}

#[test]
fn statements_on_the_db_are_reported_too() {
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        insert(&b.users).rows(["name"], [["ann"], ["ben"]]).run(db).unwrap();
        ear.heard(&["insert users (2 rows)"], &["insert users (2 rows)"]);
        update(&b.users).set(values! { "karma" => 1 }).all_rows().run(db).unwrap();
        ear.heard(&["update users (2 rows)"], &["update users (2 rows)"]);
        let failed = insert(&b.users).values(values! { "name" => "ann" }).run(db);
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unique);
        ear.heard(&[], &[]);
    });
}

#[test]
fn link_rows() {
    // seed: the link row never, its owner as an update. Rows are what is reported.
    each_backend(|db| {
        let b = blog(db);
        insert(&b.posts).values(values! { "title" => "t" }).run(db).unwrap();
        insert(&b.tags).values(values! { "name" => "x" }).run(db).unwrap();
        let ear = Ear::at(db);
        let session = db.session();
        let (post, tag) =
            (session.get(&b.posts, 1).unwrap().unwrap(), session.get(&b.tags, 1).unwrap().unwrap());
        post.append("tags", &tag).unwrap();
        session.commit().unwrap();
        ear.heard(&["insert post_tags 1/1"], &["insert post_tags 1/1"]);
        tag.remove("posts", &post).unwrap();
        session.commit().unwrap();
        ear.heard(&["delete post_tags 1/1"], &["delete post_tags 1/1"]);
    });
}

#[test]
fn an_error_in_the_flush_of_the_commit() {
    // seed: the before-list was sent already. Here receivers are asked when everything is flushed.
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let ear = Ear::at(db);
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        assert!(session.commit().is_err());
        session.rollback().unwrap();
        session.commit().unwrap();
        ear.heard(&[], &[]);
    });
}

#[test]
fn rollback_close_and_drop() {
    // seed: what was flushed before `close` is sent with the next commit of that session.
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        let rolled_back = Arc::new(Mutex::new(Vec::new()));
        let own = rolled_back.clone();
        let _after = db.signals().after_rollback.connect(move |_, c| own.lock().unwrap().push(said(c)));
        let session = db.session();
        session.add(b.user("lost")).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        session.commit().unwrap();
        session.add(b.user("lost too")).unwrap();
        session.flush().unwrap();
        session.close();
        ear.heard(&[], &[]);
        let told = rolled_back.lock().unwrap();
        assert_eq!(told.len(), 2);
        // A key that was made once is made again or not, as the database likes.
        assert!(told.iter().all(|list| list.len() == 1 && list[0].starts_with("insert users ")), "{told:?}");
    });
}

#[test]
fn an_empty_commit() {
    scenario(|_, b, s| drop(ann(b, s)), &[], &[]);
}

#[test]
fn order_is_that_of_the_work() {
    // seed: new, then dirty in no order, then deleted.
    let run = |_: &Db, b: &Blog, s: &Session| {
        let [ann, ben, cid] = s.query(&b.users).order_by(b.users.c("id")).all().unwrap().try_into().unwrap();
        s.delete(&cid).unwrap();
        s.flush().unwrap();
        rename(&ben, "x");
        rename(&ann, "y");
        s.add(b.users.record(values! { "id" => 3, "name" => "new" }).unwrap()).unwrap();
        s.flush().unwrap();
        rename(&ben, "z");
    };
    let log = ["delete users 3", "update users 2", "update users 1", "insert users 3", "update users 2"];
    // The key of the deleted row was given to the new one: one row, changed.
    scenario(run, &log, &["update users 3", "update users 2", "update users 1"]);
}

// Savepoints.

#[test]
fn release_of_a_savepoint_tells_nobody() {
    // seed: both signals are sent at once, for everything so far.
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        let session = db.session();
        session.add(b.user("outer")).unwrap();
        let savepoint = session.begin_nested().unwrap();
        session.add(b.user("inner")).unwrap();
        savepoint.release().unwrap();
        ear.heard(&[], &[]);
        session.commit().unwrap();
        let both = ["insert users 1", "insert users 2"];
        ear.heard(&both, &both);
    });
}

#[test]
fn release_then_outer_rollback() {
    // seed: the signals were sent, although no row is left.
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        let session = db.session();
        session.nested(|session| session.add(b.user("inner"))).unwrap();
        session.rollback().unwrap();
        session.commit().unwrap();
        ear.heard(&[], &[]);
        assert!(b.names(db).is_empty());
    });
}

#[test]
fn rollback_to_a_savepoint_then_commit() {
    // seed: everything is forgotten, the outer changes too.
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        let session = db.session();
        session.add(b.user("outer")).unwrap();
        let savepoint = session.begin_nested().unwrap();
        session.add(b.user("inner")).unwrap();
        session.flush().unwrap();
        savepoint.rollback().unwrap();
        session.commit().unwrap();
        ear.heard(&["insert users 1"], &["insert users 1"]);
        assert_eq!(b.names(db), ["outer"]);
    });
}

#[test]
fn levels_drop_and_merge_each_for_itself() {
    each_backend(|db| {
        let b = blog(db);
        let ear = Ear::at(db);
        let session = db.session();
        let add = |name: &str| session.add(b.user(name)).map(drop).unwrap();
        add("a");
        let one = session.begin_nested().unwrap();
        add("b");
        let two = session.begin_nested().unwrap();
        add("c");
        two.rollback().unwrap();
        add("d");
        let three = session.begin_nested().unwrap();
        add("e");
        three.release().unwrap();
        one.release().unwrap();
        let open = session.begin_nested().unwrap();
        add("f");
        session.commit().unwrap();
        assert_eq!(b.names(db), ["a", "b", "d", "e", "f"], "a savepoint that is open is kept");
        assert_eq!(ear.take().after[0].len(), 5);
        assert_eq!(open.release().unwrap_err().kind(), ErrorKind::Invalid, "it is over");
    });
}
