use mirrorm::prelude::*;
use mirrorm::session::RecordState;

use super::{blog, said, text};
use crate::support::{dialect, each_backend};

#[test]
fn r5_6_1_those_pointed_to_come_first() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let post = session.add(b.posts.record(values! { "title" => "t", "user_id" => 5 }).unwrap()).unwrap();
        session.add(b.users.record(values! { "id" => 5, "name" => "ann" }).unwrap()).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["insert users 5", "insert posts 1"]);
        let ann = session.get(&b.users, 5).unwrap().unwrap();
        session.delete(&ann).unwrap();
        session.delete(&post).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete posts 1", "delete users 5"]);
    });
}

#[test]
fn r5_2_11_rows_that_point_to_their_own_table() {
    each_backend(|db| {
        let parts =
            (column("id", Integer).primary_key(), column("parent_id", Integer).references("nodes.id"));
        let nodes = db.table("nodes", parts).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        // Given backwards, by keys.
        for (id, parent) in [(3, Some(2)), (2, Some(1)), (1, None)] {
            session.add(nodes.record(values! { "id" => id, "parent_id" => parent }).unwrap()).unwrap();
        }
        let committed = session.commit().unwrap();
        assert_eq!(said(&committed.changes), ["insert nodes 1", "insert nodes 2", "insert nodes 3"]);
        let all = session.query(&nodes).order_by(nodes.c("id")).all().unwrap();
        all.iter().for_each(|node| session.delete(node).unwrap());
        let committed = session.commit().unwrap();
        assert_eq!(said(&committed.changes), ["delete nodes 3", "delete nodes 2", "delete nodes 1"]);
    });
}

#[test]
fn r5_6_8_a_circle_of_required_keys_is_named() {
    each_backend(|db| {
        let parts = |other: &str| {
            (column("id", Integer).primary_key(), column("other_id", Integer).not_null().references(other))
        };
        let (a, z) = (db.table("a", parts("z.id")).unwrap(), db.table("z", parts("a.id")).unwrap());
        db.create_all().unwrap();
        let session = db.session();
        let one = session.add(a.record(values! { "id" => 1, "other_id" => 2 }).unwrap()).unwrap();
        session.add(z.record(values! { "id" => 2, "other_id" => 1 }).unwrap()).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cycle);
        assert!(error.message().contains("new a") && error.message().contains("new z"), "{error}");
        session.rollback().unwrap();
        assert_eq!(one.state(), RecordState::Transient);
    });
}

#[test]
fn what_a_delete_frees_can_be_taken_in_the_same_flush() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        session.delete(&ann).unwrap();
        session.add(b.users.record(values! { "id" => 1, "name" => "ann" }).unwrap()).unwrap();
        let ben = session.get(&b.users, 2).unwrap().unwrap();
        session.delete(&ben).unwrap();
        let new = session.add(b.user("ben")).unwrap();
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann", "ben"]);
        assert_eq!(new.state(), RecordState::Persistent);
    });
}

#[test]
fn r5_6_3_only_what_differs_is_sent_in_batches() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let users: Vec<Record> = (0..1000).map(|n| b.user(&format!("user {n}"))).collect();
        session.add_all(users.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(users[999].get::<i64>("id").unwrap(), 1000);
        assert_eq!(users[999].get::<i64>("karma").unwrap(), 7);
        for (n, user) in users.iter().enumerate() {
            user.set("karma", n as i64).unwrap();
        }
        users[3].set("name", "other").unwrap();
        let changes = session.commit().unwrap().changes;
        assert_eq!(changes.len(), 999 + usize::from(users[7].get::<i64>("karma").unwrap() != 7));
        let diff = changes.iter().find(|c| c.subject() == "users 1").unwrap().diff();
        assert_eq!(diff.iter().map(|field| field.to_string()).collect::<Vec<_>>(), ["karma: 7 -> 0"]);
        let sum: i64 = select(func::sum(b.users.c("karma"))).scalar(db).unwrap();
        assert_eq!(sum, 499_500);
        assert_eq!(
            select(b.users.c("name")).filter(b.users.c("id").eq(4)).scalar::<String>(db).unwrap(),
            "other"
        );
        users.iter().for_each(|user| session.delete(user).unwrap());
        assert_eq!(session.commit().unwrap().changes.len(), 1000);
        assert!(b.names(db).is_empty());
    });
}

#[test]
fn r5_6_11_a_changed_key() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("id", 50).unwrap();
        let changes = session.commit().unwrap().changes;
        let change = changes.iter().next().unwrap();
        assert_eq!((change.old_key(), change.key()), (vec![1.into()], vec![50.into()]));
        assert_eq!(session.get(&b.users, 50).unwrap().as_ref(), Some(&ann));
        assert!(session.get(&b.users, 1).unwrap().is_none());
        ann.set("id", 1).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        assert_eq!(session.get(&b.users, 50).unwrap().as_ref(), Some(&ann));
        assert_eq!(ann.get::<i64>("id").unwrap(), 50);
    });
}

#[test]
fn r5_6_4_defaults_of_the_program_and_of_the_server() {
    each_backend(|db| {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
        let own = count.clone();
        let next = move || Value::from(own.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let parts = (
            column("id", Integer).primary_key(),
            column("n", Integer).default_with(next),
            column("seen", Integer).on_update_value(99),
            column("made", DateTime).server_default(func::now()),
            column("twice", Integer).computed(raw("n * 2"), dialect(db) != "sqlite"),
            column("price", Numeric(10, 2)),
        );
        let t = db.table("t", parts).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let a = session.add(t.record(values! { "price" => 5 }).unwrap()).unwrap();
        let z = session.add(t.record(values! { "n" => 50 }).unwrap()).unwrap();
        session.flush().unwrap();
        let price = if dialect(db) == "sqlite" { "5" } else { "5.00" };
        assert_eq!((a.get::<i64>("n").unwrap(), a.get::<i64>("twice").unwrap()), (0, 0));
        assert_eq!((z.get::<i64>("n").unwrap(), z.get::<i64>("twice").unwrap()), (50, 100));
        assert_eq!(a.value("price").unwrap(), Value::Decimal(price.parse().unwrap()), "as it is read back");
        assert!(a.get::<Option<mirrorm::value::DateTime>>("made").unwrap().is_some());
        z.set("n", 7).unwrap();
        session.commit().unwrap();
        assert_eq!((z.get::<i64>("twice").unwrap(), z.get::<i64>("seen").unwrap()), (14, 99));
        assert_eq!(z.set("twice", 1).unwrap_err().kind(), ErrorKind::Invalid);
        session.add(t.record(values! { "twice" => 1 }).unwrap()).unwrap();
        let refused = session.commit().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "before the database is asked: {refused}");
        assert!(refused.to_string().contains("`twice` of `t` is computed by the database"), "{refused}");
        session.rollback().unwrap();
        // What the database made of a row that is undone is not kept, so that it can be added again.
        let again = session.add(t.record(values! { "n" => 1 }).unwrap()).unwrap();
        session.flush().unwrap();
        again.set("n", 2).unwrap();
        session.flush().unwrap();
        assert_eq!(again.get::<i64>("twice").unwrap(), 4);
        session.rollback().unwrap();
        assert_eq!((again.get::<i64>("n").unwrap(), again.value("twice").is_err()), (2, true));
        session.add(again.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(again.get::<i64>("twice").unwrap(), 4);
    });
}

#[test]
fn a_key_the_server_makes() {
    each_backend(|db| {
        if db.engine().unwrap().target().unwrap().features().returning == mirrorm::dialect::Returning::None {
            return println!("without INSERT .. RETURNING nobody tells such a key");
        }
        let random = match dialect(db) {
            "sqlite" => "lower(hex(randomblob(8)))",
            "mysql" => "substr(md5(rand()), 1, 16)",
            _ => "substr(md5(random()::text), 1, 16)",
        };
        let script =
            format!("CREATE TABLE notes (code CHAR(16) PRIMARY KEY NOT NULL DEFAULT ({random}), body TEXT);");
        db.execute_script(&script).unwrap();
        db.reflect().unwrap();
        let notes = db.table_named("notes").unwrap();
        let session = db.session();
        let note = session.add(notes.record(values! { "body" => "b" }).unwrap()).unwrap();
        session.commit().unwrap();
        let code: String = note.get("code").unwrap();
        assert_eq!(code.len(), 16);
        assert_eq!(session.get(&notes, code.as_str()).unwrap(), Some(note));
    });
}

#[test]
fn r5_6_9_a_row_that_is_not_there_any_more() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben", "cid"]);
        let session = db.session();
        let users = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        session.commit().unwrap();
        db.execute("DELETE FROM users WHERE id = 2", ()).unwrap();
        users.iter().for_each(|user| user.set("karma", 1).unwrap());
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.table()), (ErrorKind::Stale, Some("users")));
        assert!(error.message().contains("users 2"), "{error}");
        session.rollback().unwrap();
        assert_eq!(select(func::sum(b.users.c("karma"))).scalar::<i64>(db).unwrap(), 14, "none was written");
        session.delete(&users[1]).unwrap();
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        assert_eq!(session.refresh(&users[1]).unwrap_err().kind(), ErrorKind::Stale);
        assert!(session.get(&b.users, 2).unwrap().is_none());
    });
}

#[test]
fn r5_5_6_after_a_failed_flush_nothing_goes_on_until_the_rollback() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        session.add(b.user("ben")).unwrap();
        let savepoint = session.begin_nested().unwrap();
        let twin = session.add(b.user("ann")).unwrap();
        let error = session.flush().unwrap_err();
        assert_eq!((error.kind(), error.left()), (ErrorKind::Unique, mirrorm::Left::Level));
        let pending = session.query(&b.users).count().unwrap_err();
        assert_eq!(pending.kind(), ErrorKind::PendingRollback);
        assert!(pending.message().contains("name"), "{pending}");
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::PendingRollback);
        assert_eq!(session.add(b.user("x")).unwrap_err().kind(), ErrorKind::PendingRollback);
        assert_eq!((text(&twin, "name").as_str(), twin.state()), ("ann", RecordState::Transient));
        savepoint.rollback().unwrap();
        session.add(b.users.record(values! { "id" => 30, "name" => "cid" }).unwrap()).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["insert users 2", "insert users 30"]);
        session.add(twin).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.left()), (ErrorKind::Unique, mirrorm::Left::Transaction));
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::PendingRollback);
        session.rollback().unwrap();
        assert_eq!(b.names(db), ["ann", "ben", "cid"]);
    });
}

#[test]
fn a_released_savepoint_that_cannot_be_flushed_is_rolled_back() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        session.add(b.user("kept")).unwrap();
        let savepoint = session.begin_nested().unwrap();
        session.add(b.user("ann")).unwrap();
        assert_eq!(savepoint.release().unwrap_err().kind(), ErrorKind::Unique);
        session.commit().unwrap();
        assert_eq!(b.names(db), ["ann", "kept"]);
    });
}
