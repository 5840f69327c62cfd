//! Statements for many rows, and the records of the session (§5.7).

use mirrorm::prelude::*;
use mirrorm::session::RecordState;
use mirrorm::stmt::Operation;

use crate::support::each_backend;

fn posts(db: &Db) -> Table {
    let columns = (
        column("id", Integer).primary_key(),
        column("title", Varchar(40)).default("untitled"),
        column("likes", Integer).default(0),
    );
    let posts = db.table("posts", columns).unwrap();
    db.create_all().unwrap();
    insert(&posts).rows(["title", "likes"], [("a", 1), ("b", 5), ("c", 9)]).run(db).unwrap();
    posts
}

fn likes(db: &Db, posts: &Table) -> Vec<i64> {
    select(posts.c("likes")).order_by(posts.c("id")).scalars(db).unwrap()
}

#[test]
fn r5_7_1_many_new_records() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        // Maps of different keys; what is not given has the program's default, NULL that is given stays.
        let maps = [
            vec![("title", Value::from("x"))],
            vec![("likes", 7.into())],
            vec![("title", Value::Null), ("likes", 8.into())],
            vec![("title", "y".into())],
        ];
        let new: Vec<Record> = maps.into_iter().map(|map| posts.record(map).unwrap()).collect();
        session.add_all(new.clone()).unwrap();
        session.flush().unwrap();
        let ids: Vec<i64> = new.iter().map(|record| record.get("id").unwrap()).collect();
        assert!(ids.is_sorted(), "in the order they were added: {ids:?}");
        let of = |at: usize| {
            (new[at].get::<Option<String>>("title").unwrap(), new[at].get::<i64>("likes").unwrap())
        };
        assert_eq!(of(0), (Some("x".into()), 0));
        assert_eq!(of(1), (Some("untitled".into()), 7));
        assert_eq!(of(2), (None, 8));
        // Without tracking: keys in the order of the rows, one change.
        let keys = session.insert(&posts, ["title"], [["p"], ["q"]]).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(keys.len(), 2);
        let bulk = committed.changes.iter().find(|change| change.is_bulk()).unwrap();
        assert_eq!((bulk.operation, bulk.rows()), (Operation::Insert, 2));
        assert_eq!(session.get_one(&posts, keys[1]).unwrap().get::<String>("title").unwrap(), "q");
    });
}

#[test]
fn r5_7_3_many_updates_by_key() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let held = session.get_one(&posts, 2).unwrap();
        let by_key =
            update(&posts).set(values! { "likes" => param("likes") }).filter(posts.c("id").eq(param("id")));
        let plan = by_key.prepare(&session).unwrap();
        assert_eq!(
            plan.run_many(&session, ["likes", "id"], [(10, 1), (50, 2), (90, 3), (0, 99)]).unwrap(),
            3
        );
        assert_eq!(session.get_one(&posts, 2).unwrap().get::<i64>("likes").unwrap(), 50);
        assert_eq!(held.get::<i64>("likes").unwrap(), 50, "it is the same record");
        session.commit().unwrap();
        assert_eq!(likes(db, &posts), [10, 50, 90]);
    });
}

#[test]
fn r5_7_4_an_update_brings_records_up_to_date() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let all = session.query(&posts).order_by(posts.c("id")).all().unwrap();
        let of = |at: usize| all[at].get::<i64>("likes").unwrap();
        all[0].set("title", "flushed before").unwrap();
        let popular = session.query(&posts).filter(posts.c("likes").ge(5));
        assert_eq!(popular.update_all(values! { "likes" => posts.c("likes").mul(10) }).unwrap(), 2);
        assert_eq!((of(0), of(1), of(2)), (1, 50, 90));
        assert_eq!(all[0].get::<String>("title").unwrap(), "flushed before");
        assert!(!all[1].is_modified());
        session.rollback().unwrap();
        assert_eq!((of(0), of(1), of(2)), (1, 5, 9), "as they were");
        assert_eq!(all[0].get::<String>("title").unwrap(), "a");
        // Before and after other changes of the same records, in a savepoint too.
        all[1].set("likes", 6).unwrap();
        session.flush().unwrap();
        session.query(&posts).update_all(values! { "title" => "all" }).unwrap();
        let inner = session.begin_nested().unwrap();
        session.query(&posts).update_all(values! { "likes" => posts.c("likes").add(1) }).unwrap();
        all[2].set("likes", 1000).unwrap();
        session.flush().unwrap();
        assert_eq!((of(0), of(1), of(2)), (2, 7, 1000));
        inner.rollback().unwrap();
        assert_eq!((of(0), of(1), of(2)), (1, 6, 9));
        assert_eq!(all[2].get::<String>("title").unwrap(), "all");
        let released = session.begin_nested().unwrap();
        session.query(&posts).update_all(values! { "likes" => 0 }).unwrap();
        released.release().unwrap();
        session.rollback().unwrap();
        assert_eq!((of(0), of(1), of(2)), (1, 5, 9));
        assert_eq!(all[2].get::<String>("title").unwrap(), "c");
        let changed = session.query(&posts).filter(posts.c("id").eq(3)).update_all(values! { "likes" => 3 });
        assert_eq!(changed.unwrap(), 1);
        let told = session.commit().unwrap();
        assert_eq!((told.changes.len(), told.changes.iter().next().unwrap().rows()), (1, 1));
        assert_eq!(likes(db, &posts), [1, 5, 3]);
    });
}

#[test]
fn r5_7_4_a_delete_lets_records_go() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let all = session.query(&posts).order_by(posts.c("id")).all().unwrap();
        assert_eq!(session.query(&posts).filter(posts.c("likes").lt(6)).delete_all().unwrap(), 2);
        assert_eq!(all[0].state(), RecordState::Detached);
        assert!(all[0].set("likes", 1).is_err() && all[2].set("likes", 10).is_ok());
        assert!(session.get(&posts, 1).unwrap().is_none());
        session.rollback().unwrap();
        assert_eq!(all[0].state(), RecordState::Persistent);
        assert_eq!(session.get_one(&posts, 1).unwrap(), all[0], "the same record again");
        all[0].set("likes", 2).unwrap();
        session.commit().unwrap();
        assert_eq!(likes(db, &posts), [2, 5, 9]);
        // Restrictions hold for it as for what it finds.
        session.restrict(&posts, posts.c("id").gt(1));
        assert_eq!(session.query(&posts).delete_all().unwrap(), 2);
        session.commit().unwrap();
        assert_eq!(likes(db, &posts), [2]);
    });
}

#[test]
fn r5_7_4_a_veto_takes_it_back_and_new_records_keep_their_own() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let post = session.get_one(&posts, 1).unwrap();
        let veto = db.signals().before_commit.connect(|_, _| Err("no".into()));
        session.query(&posts).update_all(values! { "likes" => 77 }).unwrap();
        post.set("title", "set after it").unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Vetoed);
        drop(veto);
        assert_eq!(
            (post.get::<i64>("likes").unwrap(), post.get::<String>("title").unwrap()),
            (1, "a".into())
        );
        // A new record that goes again has the values it was given.
        let new = session.add(posts.record(values! { "title" => "new", "likes" => 2 }).unwrap()).unwrap();
        session.flush().unwrap();
        session.query(&posts).update_all(values! { "likes" => 50 }).unwrap();
        assert_eq!(new.get::<i64>("likes").unwrap(), 50);
        session.rollback().unwrap();
        assert_eq!((new.state(), new.get::<i64>("likes").unwrap()), (RecordState::Transient, 2));
        // What was set on it after the statement is its own again.
        session.add(new.clone()).unwrap();
        session.flush().unwrap();
        session.query(&posts).update_all(values! { "title" => "all" }).unwrap();
        session.query(&posts).update_all(values! { "likes" => 60 }).unwrap();
        new.set("likes", posts.c("likes").add(1)).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        assert_eq!(new.get::<i64>("likes").unwrap(), 61);
        session.add(new).unwrap();
        session.commit().unwrap();
        assert_eq!(likes(db, &posts), [1, 5, 9, 61]);
    });
}

#[test]
fn r5_7_4_what_cannot_be_said_of_many() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let few = session.query(&posts).limit(1);
        assert_eq!(few.update_all(values! { "likes" => 0 }).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(few.delete_all().unwrap_err().kind(), ErrorKind::Invalid);
        let typo = session.query(&posts).update_all(values! { "lieks" => 0 }).unwrap_err();
        assert_eq!(typo.kind(), ErrorKind::NoSuchColumn);
        let wrong = session.query(&posts).filter(posts.c("lieks").eq(0)).delete_all().unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::NoSuchColumn);
        session.rollback().unwrap();
        assert_eq!(likes(db, &posts), [1, 5, 9]);
    });
}
