//! Records read anew, whole and in part (§5.4), and the records of INSERTs (§5.7.2).

use mirrorm::prelude::*;
use mirrorm::stmt::Lock;

use crate::support::{dialect, each_backend};

/// Users, and posts with a version.
fn filled(db: &Db) -> (Table, Table) {
    let users =
        db.table("users", (column("id", Integer).primary_key(), column("name", Varchar(20)))).unwrap();
    let posts = (
        column("id", Integer).primary_key(),
        column("title", Varchar(20)),
        column("hits", Integer),
        column("user_id", Integer).references("users.id"),
        column("version", Integer).version(),
    );
    let posts = db.table("posts", posts).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["name"], [["ann"], ["ben"]]).run(db).unwrap();
    insert(&posts).rows(["title", "hits", "user_id"], [("a", 1, 1), ("b", 2, 1)]).run(db).unwrap();
    (users, posts)
}

fn name(record: Option<Record>) -> String {
    record.unwrap().get("name").unwrap()
}

#[test]
fn r5_4_session_refresh_of_some_attributes() {
    each_backend(|db| {
        let (users, posts) = filled(db);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let post = session.get_one(&posts, 1).unwrap();
        let ben = session.get_one(&users, 2).unwrap();
        assert_eq!(name(post.related_one("user").unwrap()), "ann");
        post.set_all(values! { "title" => "set", "hits" => 7 }).unwrap();
        session.refresh_only(&post, ["hits"]).unwrap();
        assert_eq!(
            (post.get::<String>("title").unwrap(), post.get::<i64>("hits").unwrap()),
            ("set".into(), 1)
        );
        post.set("hits", posts.c("hits").add(1)).unwrap();
        session.refresh_only(&post, ["hits"]).unwrap();
        assert_eq!(post.get::<i64>("hits").unwrap(), 1, "an expression too");
        // A relationship: what was written of it is dropped on both sides.
        post.set_related("user", &ben).unwrap();
        assert_eq!(ben.related("posts").unwrap().len(), 1);
        session.refresh_only(&post, ["user"]).unwrap();
        assert_eq!(
            (name(post.related_one("user").unwrap()), ben.related("posts").unwrap().len()),
            ("ann".into(), 0)
        );
        ben.append("posts", &post).unwrap();
        session.refresh_only(&ben, ["posts"]).unwrap();
        assert_eq!(
            (name(post.related_one("user").unwrap()), ben.related("posts").unwrap().len()),
            ("ann".into(), 0)
        );
        post.set_related("user", &ben).unwrap();
        session.refresh_only(&post, ["user_id"]).unwrap();
        assert_eq!(name(post.related_one("user").unwrap()), "ann", "or of its key");
        session.commit().unwrap();
        assert_eq!(
            select(posts.c("title"))
                .order_by(posts.c("id"))
                .first(db)
                .unwrap()
                .unwrap()
                .get::<String>(0)
                .unwrap(),
            "set"
        );
    });
}

#[test]
fn r5_4_session_refresh_tells_who_was_faster() {
    each_backend(|db| {
        let (_, posts) = filled(db);
        let session = db.session();
        let post = session.get_one(&posts, 1).unwrap();
        session.commit().unwrap();
        update(&posts).set(values! { "hits" => 9 }).all_rows().run(db).unwrap();
        post.set_all(values! { "title" => "mine", "hits" => 3 }).unwrap();
        let error = session.refresh_only(&post, ["hits"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale, "the title is of another version");
        assert_eq!(post.get::<i64>("hits").unwrap(), 3, "nothing is lost");
        session.refresh_only(&post, ["title", "hits"]).unwrap();
        assert_eq!((post.get::<String>("title").unwrap(), post.get::<i64>("hits").unwrap()), ("a".into(), 9));
        post.set("title", "mine").unwrap();
        session.commit().unwrap();
        // Gone.
        delete(&posts).filter(posts.c("id").eq(1)).run(db).unwrap();
        post.set("title", "kept").unwrap();
        assert_eq!(session.refresh_only(&post, ["title"]).unwrap_err().kind(), ErrorKind::Stale);
        assert_eq!(post.get::<String>("title").unwrap(), "kept");
        let wrong = session.refresh_only(&post, ["titel"]).unwrap_err();
        assert!(wrong.kind() == ErrorKind::NoSuchColumn && wrong.to_string().contains("`title`"), "{wrong}");
        let new = session.add(posts.record(()).unwrap()).unwrap();
        assert_eq!(session.refresh_only(&new, ["title"]).unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn r5_4_session_refresh_under_a_lock() {
    each_backend(|db| {
        let (_, posts) = filled(db);
        let session = db.session();
        let post = session.get_one(&posts, 1).unwrap();
        session.commit().unwrap();
        update(&posts).set(values! { "hits" => 9 }).all_rows().run(db).unwrap();
        post.set("hits", 5).unwrap();
        session.refresh_locked(&post, Lock::update()).unwrap();
        assert_eq!(post.get::<i64>("hits").unwrap(), 9);
        if dialect(db) != "sqlite" {
            let other = db.session();
            let theirs = other.query(&posts).filter(posts.c("id").eq(1)).lock(Lock::update().nowait()).one();
            assert_eq!(theirs.unwrap_err().kind(), ErrorKind::Busy);
            assert!(other.rollback().is_ok());
            let theirs = other.get_one(&posts, 1).unwrap();
            assert_eq!(
                other.refresh_locked(&theirs, Lock::update().nowait()).unwrap_err().kind(),
                ErrorKind::Busy
            );
        }
        session.commit().unwrap();
    });
}

#[test]
fn r5_4_session_expire_of_some_attributes() {
    each_backend(|db| {
        let (_, posts) = filled(db);
        let session = db.session();
        let post = session.query(&posts).with("user").order_by(posts.c("id")).first().unwrap().unwrap();
        post.set_all(values! { "title" => "set", "hits" => 7 }).unwrap();
        session.expire_only(&post, ["hits"]).unwrap();
        assert_eq!(post.get::<i64>("hits").unwrap_err().kind(), ErrorKind::Unloaded);
        assert_eq!(post.get::<String>("title").unwrap(), "set");
        session.undefer(&post).unwrap();
        assert_eq!(
            (post.get::<String>("title").unwrap(), post.get::<i64>("hits").unwrap()),
            ("set".into(), 1)
        );
        let session = db.session();
        let post = session.query(&posts).with("user").order_by(posts.c("id")).first().unwrap().unwrap();
        db.transaction(|other| {
            let theirs = other.get_one(&posts, 1)?;
            theirs.set("user_id", 2)?;
            Ok(())
        })
        .unwrap();
        assert_eq!(name(post.related_one("user").unwrap()), "ann");
        session.commit().unwrap();
        session.refresh_only(&post, ["user_id", "user"]).unwrap();
        assert_eq!(name(post.related_one("user").unwrap()), "ben");
        session.expire_only(&post, ["user"]).unwrap();
        assert_eq!(
            (name(post.related_one("user").unwrap()), post.get::<String>("title").unwrap()),
            ("ben".into(), "a".into())
        );
        for fixed in ["id", "version"] {
            let error = session.expire_only(&post, [fixed]).unwrap_err();
            assert!(
                error.kind() == ErrorKind::Invalid && error.to_string().contains("names the row"),
                "{error}"
            );
        }
    });
}

fn stock(db: &Db) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("code", Varchar(9)).not_null().unique(),
        column("n", Integer).default(0),
    );
    let stock = db.table("stock", parts).unwrap();
    db.create_all().unwrap();
    insert(&stock).rows(["code", "n"], [("a", 1), ("b", 2)]).run(db).unwrap();
    stock
}

#[test]
fn r5_7_2_an_upsert_gives_records() {
    each_backend(|db| {
        let stock = stock(db);
        let session = db.session();
        let (known, other) = (session.get_one(&stock, 1).unwrap(), session.get_one(&stock, 2).unwrap());
        other.set("n", 20).unwrap();
        let rows =
            insert(&stock).rows(["code", "n"], [("c", 3), ("a", 10), ("d", 4)]).upsert(["code"], ["n"]);
        let records = rows.records(&session).unwrap();
        let seen: Vec<(String, i64)> =
            records.iter().map(|record| (record.get("code").unwrap(), record.get("n").unwrap())).collect();
        assert_eq!(seen, [("c".into(), 3), ("a".into(), 10), ("d".into(), 4)], "in the order of the rows");
        assert_eq!(
            (&records[1], known.get::<i64>("n").unwrap()),
            (&known, 10),
            "what is known is up to date"
        );
        assert_eq!(other.get::<i64>("n").unwrap(), 20);
        records[0].set("n", 30).unwrap();
        let committed = session.commit().unwrap();
        let bulk: Vec<u64> = committed.changes.iter().filter(|c| c.is_bulk()).map(|c| c.rows()).collect();
        assert_eq!(bulk, [3]);
        let all: Vec<i64> = select(stock.c("n")).order_by(stock.c("code")).scalars(db).unwrap();
        assert_eq!(all, [10, 20, 30, 4]);
        // A rollback takes it back on the records too.
        insert(&stock)
            .values(values! { "code" => "a", "n" => 99 })
            .upsert(["code"], ["n"])
            .records(&session)
            .unwrap();
        assert_eq!(known.get::<i64>("n").unwrap(), 99);
        session.rollback().unwrap();
        assert_eq!(known.get::<i64>("n").unwrap(), 10);
    });
}

#[test]
fn r5_7_2_an_insert_gives_records() {
    each_backend(|db| {
        let stock = stock(db);
        let session = db.session();
        let made =
            insert(&stock).rows(["code"], (0..1500).map(|n| [format!("x{n}")])).records(&session).unwrap();
        assert_eq!(made.len(), 1500);
        for (n, record) in made.iter().enumerate() {
            assert_eq!(
                (record.get::<String>("code").unwrap(), record.get::<i64>("n").unwrap()),
                (format!("x{n}"), 0)
            );
        }
        let one = insert(&stock).values(values! { "code" => "one" }).records(&session).unwrap();
        assert_eq!((one.len(), one[0].get::<i64>("n").unwrap()), (1, 0));
        assert!(insert(&stock).rows(["code"], Vec::<[&str; 1]>::new()).records(&session).unwrap().is_empty());
        session.rollback().unwrap();
        let taken = insert(&stock).values(values! { "code" => "a" }).records(&session).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Unique);
        session.rollback().unwrap();
        let more = insert(&stock).values(values! { "code" => "m" }).returning(stock.c("id"));
        assert_eq!(more.records(&session).unwrap_err().kind(), ErrorKind::Invalid);
        let log = db.table("log", column("n", Integer)).unwrap();
        db.create_all().unwrap();
        let keyless = insert(&log).values(values! { "n" => 1 }).records(&session).unwrap_err();
        assert!(keyless.to_string().contains("no primary key"), "{keyless}");
    });
}

#[test]
fn r5_4_session_refresh_that_fails_drops_nothing() {
    each_backend(|db| {
        let (users, posts) = filled(db);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let (post, ben) = (session.get_one(&posts, 1).unwrap(), session.get_one(&users, 2).unwrap());
        session.commit().unwrap();
        update(&posts).set(values! { "hits" => 9 }).all_rows().run(db).unwrap();
        post.set("title", "mine").unwrap();
        post.set_related("user", &ben).unwrap();
        assert_eq!(session.refresh_only(&post, ["user_id"]).unwrap_err().kind(), ErrorKind::Stale);
        assert_eq!(name(post.related_one("user").unwrap()), "ben", "what was written stays");
        assert_eq!(
            session.refresh_only(&post, ["title"]).unwrap_err().kind(),
            ErrorKind::Stale,
            "the key is set, too"
        );
        session.refresh_only(&post, ["title", "user"]).unwrap();
        assert!(!post.is_modified());
        assert_eq!(
            (name(post.related_one("user").unwrap()), post.get::<i64>("hits").unwrap()),
            ("ann".into(), 9)
        );
    });
}

#[test]
fn r5_4_session_refresh_of_a_key_moves_what_it_leads_to() {
    each_backend(|db| {
        // The others read what their transaction began with, or lock others out.
        if dialect(db) != "postgresql" {
            return;
        }
        let (_, posts) = filled(db);
        let session = db.session();
        let post = session.query(&posts).with("user").order_by(posts.c("id")).first().unwrap().unwrap();
        update(&posts).set(values! { "user_id" => 2 }).filter(posts.c("id").eq(1)).run(db).unwrap();
        session.refresh_only(&post, ["user_id"]).unwrap();
        assert_eq!(name(post.related_one("user").unwrap()), "ben");
    });
}

#[test]
fn r5_3_12_populate_existing_drops_what_is_of_another_version() {
    each_backend(|db| {
        let (_, posts) = filled(db);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let post = session.get_one(&posts, 1).unwrap();
        session.commit().unwrap();
        update(&posts).set(values! { "title" => "theirs" }).all_rows().run(db).unwrap();
        let fresh = |how: &dyn Fn() -> usize| {
            post.set("title", "mine").unwrap();
            assert_eq!(how(), 2);
            assert_eq!(post.get::<String>("title").unwrap(), "theirs");
        };
        let query = session.query(&posts).populate_existing();
        fresh(&|| query.all().unwrap().len());
        fresh(&|| query.clone().with_joined("user").all().unwrap().len());
        fresh(&|| query.stream(|records| Ok(records.count())).unwrap());
        post.set("title", "again").unwrap();
        session.commit().unwrap();
    });
}

#[test]
fn r5_7_2_what_the_database_does_not_tell_is_not_sent() {
    each_backend(|db| {
        let stock = stock(db);
        let session = db.session();
        let skipping = insert(&stock).rows(["code"], [["a"], ["z"]]).skip_conflicts(["code"]);
        match skipping.records(&session) {
            Ok(records) => {
                let codes: Vec<String> = records.iter().map(|record| record.get("code").unwrap()).collect();
                assert_eq!(codes, ["z"], "what is left out gives none");
            }
            Err(error) => {
                assert_eq!((error.kind(), dialect(db)), (ErrorKind::Invalid, "mysql"), "{error}");
                assert_eq!(session.query(&stock).count().unwrap(), 2);
            }
        }
        session.rollback().unwrap();
        let copied = select(func::upper(stock.c("code")).concat("!")).filter(stock.c("id").eq(1));
        let made = insert(&stock).from_select(["code"], copied).records(&session);
        assert!(made.is_ok_and(|made| made.len() == 1) || dialect(db) == "mysql");
        session.commit().unwrap();
    });
}
