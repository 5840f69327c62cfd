//! Rows of §5 that are a few lines each: loading, identity, the unit of work, by their numbers.

use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::schema::Action;
use mirrorm::session::{RecordState, SessionOptions};

use super::{blog, said};
use crate::support::{dialect, each_backend};

#[test]
fn r5_2_2_children_of_a_parent_that_goes() {
    each_backend(|db| {
        let parents = db.table("parents", column("id", Integer).primary_key()).unwrap();
        let child = |name: &str, key: mirrorm::schema::Column| {
            db.table(name, (column("id", Integer).primary_key(), key)).unwrap()
        };
        let key = || column("parent_id", Integer).references("parents.id");
        let loose = child("loose", key().on_delete(Action::SetNull));
        let bound = child("bound", key().not_null());
        db.create_all().unwrap();
        insert(&parents).rows(["id"], [[1], [2]]).run(db).unwrap();
        insert(&loose).rows(["parent_id"], [[1]]).run(db).unwrap();
        insert(&bound).rows(["parent_id"], [[2]]).run(db).unwrap();
        let session = db.session();
        session.delete(&session.get_one(&parents, 1).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(select(loose.c("parent_id")).scalar::<Option<i64>>(db).unwrap(), None);
        session.delete(&session.get_one(&parents, 2).unwrap()).unwrap();
        let refused = session.commit().unwrap_err();
        assert!(refused.is_constraint_violation(), "{refused}");
        session.rollback().unwrap();
        assert_eq!(select(&bound).count(db).unwrap(), 1);
    });
}

#[test]
fn r5_3_11_paths_that_lead_nowhere() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        for path in ["psots", "posts.tgas", "posts.tags.nothing", ""] {
            let error = session.query(&b.users).with(path).all().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoSuchColumn, "{path}: {error}");
        }
        assert_eq!(session.query(&b.users).join("psots").all().unwrap_err().kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r5_3_12_options_of_a_query() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let ann = session.query(&b.users).filter(b.users.c("name").eq("ann")).one().unwrap();
        ann.set("name", "set and not flushed").unwrap();
        let found = session.no_autoflush(|session| session.query(&b.users).populate_existing().all());
        assert_eq!(found.unwrap().len(), 2);
        assert_eq!((ann.get::<String>("name").unwrap(), ann.is_modified()), ("ann".into(), false));
        // Streams are records of the session, and bring no relationships along.
        let streamed = session.query(&b.users).stream(|records| records.collect::<mirrorm::Result<Vec<_>>>());
        assert!(streamed.unwrap().contains(&ann));
        let refused = session.query(&b.users).with("posts").stream(|_| Ok(())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        // A lock reads the row again.
        let other = db.clone();
        session.commit().unwrap();
        update(&b.users).set(values! { "karma" => 99 }).all_rows().run(&other).unwrap();
        let locked = session.query(&b.users).filter(b.users.c("name").eq("ann")).for_update().one().unwrap();
        assert_eq!((locked == ann, ann.get::<i64>("karma").unwrap()), (true, 99));
        session.rollback().unwrap();
    });
}

#[test]
fn r5_3_13_records_of_raw_sql_and_of_several_tables() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let ann = session.query(&b.users).filter(b.users.c("name").eq("ann")).one().unwrap();
        // Records of a condition in one's own words, and of a subquery's keys.
        let own = session.query(&b.users).filter(raw("users.name LIKE 'a%'")).all().unwrap();
        assert_eq!(own, std::slice::from_ref(&ann));
        let keys = select(b.users.c("id")).filter(b.users.c("name").eq("ann"));
        assert_eq!(session.query(&b.users).filter(b.users.c("id").in_(keys)).one().unwrap(), ann);
        // Columns of several tables, and of one table twice, are rows.
        let other = b.users.alias("other");
        let pairs = select((b.users.c("name"), other.c("name").label("other")))
            .join_on(&other, b.users.c("id").lt(other.c("id")));
        let pair: (String, String) = {
            let row = pairs.one(&session).unwrap();
            (row.get("name").unwrap(), row.get("other").unwrap())
        };
        assert_eq!(pair, ("ann".to_string(), "ben".to_string()));
    });
}

#[test]
fn r5_4_session_make_transient_as_a_duplicate() {
    each_backend(|db| {
        let columns = (
            column("id", Integer).primary_key(),
            column("name", Varchar(20)),
            column("twice", Integer).computed(raw("n * 2"), true),
            column("n", Integer),
            column("version", Integer).version(),
        );
        let t = db.table("t", columns).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let first = session.add(t.record(values! { "name" => "a", "n" => 4 }).unwrap()).unwrap();
        session.commit().unwrap();
        first.set("name", "b").unwrap();
        session.commit().unwrap();
        let copy = first.duplicate().unwrap();
        assert_eq!(copy.state(), RecordState::Transient);
        session.add(copy.clone()).unwrap();
        session.commit().unwrap();
        let of = |name: &str| copy.get::<i64>(name).unwrap();
        assert_eq!((of("id"), of("n"), of("twice"), of("version")), (2, 4, 8, 1));
        assert_eq!(copy.get::<String>("name").unwrap(), "b");
        assert_eq!(first.get::<i64>("version").unwrap(), 2, "the other stays as it is");
        let some = db.session().query(&t).load_only(["n"]).filter(t.c("id").eq(1)).one().unwrap();
        assert_eq!(some.duplicate().unwrap_err().kind(), ErrorKind::Unloaded, "nothing is lost by it");
    });
}

#[test]
fn r5_5_4_expired_by_a_commit() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let strict = db.session_with(SessionOptions::new().expire_on_commit(true));
        let ann = strict.query(&b.users).one().unwrap();
        ann.set("karma", 8).unwrap();
        strict.commit().unwrap();
        assert_eq!(ann.get::<i64>("karma").unwrap_err().kind(), ErrorKind::Unloaded);
        strict.refresh(&ann).unwrap();
        assert_eq!(ann.get::<i64>("karma").unwrap(), 8);
        strict.commit().unwrap();
        delete(&b.users).all_rows().run(db).unwrap();
        assert_eq!(strict.refresh(&ann).unwrap_err().kind(), ErrorKind::Stale, "a row that is gone is told");
    });
}

#[test]
fn r5_5_8_only_changed_columns_are_sent() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        session.commit().unwrap();
        update(&b.users).set(values! { "karma" => 100 }).all_rows().run(db).unwrap();
        ann.set("name", "anna").unwrap();
        session.commit().unwrap();
        let row = select((b.users.c("name"), b.users.c("karma"))).one(db).unwrap();
        assert_eq!((row.get::<String>(0).unwrap(), row.get::<i64>(1).unwrap()), ("anna".into(), 100));
    });
}

#[test]
fn r5_5_11_a_session_is_one_threads_at_a_time() {
    fn is_send<T: Send>(_: &T) {}
    let db = Db::open("sqlite://").unwrap();
    let b = blog(&db);
    let session = db.session();
    is_send(&session);
    // It moves to another thread, and its records are read from any.
    let ann = session.add(b.user("ann")).unwrap();
    let own = ann.clone();
    std::thread::spawn(move || {
        session.commit().unwrap();
        assert_eq!(own.get::<i64>("id").unwrap(), 1);
    })
    .join()
    .unwrap();
    assert_eq!(ann.get::<i64>("id").unwrap(), 1);
}

#[test]
fn r5_6_2_keys_follow_the_records_they_point_to() {
    each_backend(|db| {
        let orders = (column("shop", Integer), column("no", Integer), primary_key(["shop", "no"]));
        let orders = db.table("orders", orders).unwrap();
        let items = (
            column("id", Integer).primary_key(),
            column("shop", Integer),
            column("no", Integer),
            foreign_key(["shop", "no"], "orders"),
        );
        let items = db.table("items", items).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let order = orders.record(values! { "shop" => 3, "no" => 14 }).unwrap();
        let item = session.add(items.record(()).unwrap()).unwrap();
        let name = db.relationships(&items).into_iter().next().unwrap();
        item.set_related(&name, &order).unwrap();
        session.commit().unwrap();
        assert_eq!((item.get::<i64>("shop").unwrap(), item.get::<i64>("no").unwrap()), (3, 14));
        item.set_related(&name, None).unwrap();
        session.commit().unwrap();
        assert_eq!(item.get::<Option<i64>>("no").unwrap(), None);
    });
}

#[test]
fn r5_6_6_link_rows_that_somebody_took_away() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let (post, tag) = (b.post("p"), b.tags.record(values! { "name" => "t" }).unwrap());
        post.append("tags", &tag).unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(select(&b.post_tags).count(db).unwrap(), 1);
        post.related("tags").unwrap();
        session.commit().unwrap();
        delete(&b.post_tags).all_rows().run(db).unwrap();
        // It is as it was wanted: nothing is lost by it, and nothing is told twice.
        let taken = post.remove("tags", &tag).and_then(|()| session.commit());
        assert!(taken.is_ok() || taken.is_err_and(|e| e.kind() == ErrorKind::Stale));
        let _ = session.rollback();
        assert_eq!(select(&b.post_tags).count(db).unwrap(), 0);
    });
}

#[test]
fn r5_6_7_a_row_deleted_and_added_again() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        let key: i64 = ann.get("id").unwrap();
        session.delete(&ann).unwrap();
        let again = b.users.record(values! { "id" => key, "name" => "ann", "karma" => 1 }).unwrap();
        session.add(again.clone()).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(said(&committed.changes), [format!("update users {key}")], "in the end");
        assert_eq!((ann.state(), again.state()), (RecordState::Detached, RecordState::Persistent));
        assert_eq!(select(&b.users).count(db).unwrap(), 1);
    });
}

#[test]
fn r5_6_12_before_flush_may_change_the_plan() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let users = b.users.clone();
        let _changes = db.signals().before_flush.connect(move |session| {
            if session.new_records().iter().any(|record| record.table() == users) {
                return Ok(());
            }
            let extra = users.record(values! { "name" => "of the receiver" })?;
            session.add(extra)?;
            session.dirty().iter().try_for_each(|record| session.delete(record))?;
            Ok(())
        });
        let session = db.session();
        let ann = session.query(&b.users).filter(b.users.c("name").eq("ann")).one().unwrap();
        ann.set("karma", 1).unwrap();
        session.flush().unwrap();
        let names: Vec<String> =
            select(b.users.c("name")).order_by(b.users.c("name")).scalars(&session).unwrap();
        assert_eq!(names, ["ben", "of the receiver"]);
        session.commit().unwrap();
    });
}

#[test]
fn r5_6_13_a_flush_of_nothing_sends_nothing() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("name", "x").unwrap();
        ann.set("name", "ann").unwrap();
        session.flush().unwrap();
        assert!(session.commit().unwrap().changes.is_empty());
    });
}

#[test]
fn r5_6_14_a_flush_inside_a_flush() {
    each_backend(|db| {
        let b = blog(db);
        let seen = Arc::new(Mutex::new(0));
        let count = seen.clone();
        let _inside = db.signals().before_insert.connect(move |session, _| {
            *count.lock().unwrap() += 1;
            session.flush()?;
            let ended = session.commit().map(|_| ()).unwrap_err();
            assert_eq!(ended.kind(), ErrorKind::Invalid, "{ended}");
            Ok(())
        });
        let session = db.session();
        session.add(b.user("ann")).unwrap();
        session.commit().unwrap();
        assert_eq!((*seen.lock().unwrap(), b.names(db)), (1, vec!["ann".to_string()]));
    });
}

#[test]
fn r5_6_15_a_flush_is_all_or_nothing() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("karma", 1).unwrap();
        let (fine, twice) = (b.user("ben"), b.user("ben"));
        session.add_all([fine.clone(), twice]).unwrap();
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::Unique);
        session.rollback().unwrap();
        assert_eq!(b.names(db), ["ann"]);
        assert_eq!((fine.state(), ann.get::<i64>("karma").unwrap()), (RecordState::Transient, 7));
    });
}

#[test]
fn r5_6_16_equal_work_is_equal_statements() {
    each_backend(|db| {
        let b = blog(db);
        let mut all: Vec<Vec<String>> = Vec::new();
        for _ in 0..3 {
            let session = db.session();
            let records: Vec<Record> = ["c", "a", "b"].iter().map(|name| b.user(name)).collect();
            for (at, user) in records.iter().enumerate() {
                let post = b.post(&format!("p{at}"));
                post.set_related("user", user).unwrap();
                session.add(post).unwrap();
            }
            let committed = session.commit().unwrap();
            let told = said(&committed.changes.log());
            all.push(told.iter().map(|text| text.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect());
            let users: Vec<String> = select(b.users.c("name")).order_by(b.users.c("id")).scalars(db).unwrap();
            assert_eq!(users, ["c", "a", "b"], "in the order they were added");
            delete(&b.posts).all_rows().run(db).unwrap();
            delete(&b.users).all_rows().run(db).unwrap();
        }
        assert_eq!(all[0], all[1]);
        assert_eq!((all[1].clone(), dialect(db).is_empty()), (all[2].clone(), false));
    });
}
