//! Restrictions (§5.3.10): conditions that reach every load of a table's records.

use mirrorm::prelude::*;
use mirrorm::schema::Action;

use crate::support::each_backend;

/// Users of two tenants with posts, some of which were deleted softly.
fn filled(db: &Db) -> (Table, Table) {
    let users = (column("id", Integer).primary_key(), column("tenant", Integer));
    let users = db.table("users", users).unwrap();
    let posts = (
        column("id", Integer).primary_key(),
        column("user_id", Integer).references("users.id").on_delete(Action::Cascade),
        column("gone", Boolean).not_null().default(false),
    );
    let posts = db.table("posts", posts).unwrap();
    let tags =
        db.table("tags", (column("id", Integer).primary_key(), column("gone", Boolean).not_null())).unwrap();
    let link = (
        column("post_id", Integer).primary_key().references("posts.id"),
        column("tag_id", Integer).primary_key().references("tags.id"),
    );
    let between = db.table("post_tags", link).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["tenant"], [[1], [1], [2]]).run(db).unwrap();
    let all = [(1, false), (1, true), (2, true), (3, false)];
    insert(&posts).rows(["user_id", "gone"], all).run(db).unwrap();
    insert(&tags).rows(["gone"], [[false], [true]]).run(db).unwrap();
    insert(&between).rows(["post_id", "tag_id"], [(1, 1), (1, 2)]).run(db).unwrap();
    (users, posts)
}

fn ids(records: &[Record]) -> Vec<i64> {
    records.iter().map(|record| record.get("id").unwrap()).collect()
}

#[test]
fn r5_3_10_restrictions_reach_every_load() {
    each_backend(|db| {
        let (users, posts) = filled(db);
        let tags = db.table_named("tags").unwrap();
        db.restrict(&posts, posts.c("gone").eq(false));
        db.restrict(&tags, tags.c("gone").eq(false));
        let session = db.session();
        let all = session.query(&posts).order_by(posts.c("id"));
        assert_eq!(ids(&all.all().unwrap()), [1, 4]);
        assert_eq!((all.count().unwrap(), all.rows().unwrap().len()), (2, 2));
        assert_eq!(all.stream(|records| Ok(records.count())).unwrap(), 2);
        assert!(!session.query(&posts).filter(posts.c("id").eq(2)).exists().unwrap());
        assert!(session.query(&posts).filter(posts.c("id").eq(2)).first().unwrap().is_none());
        assert_eq!(ids(&all.clone().limit(1).offset(1).all().unwrap()), [4], "before the limit");
        // Keys, relationships of both kinds, paths and joins.
        assert!(session.get(&posts, 2).unwrap().is_none());
        assert!(session.get(&posts, 1).unwrap().is_some());
        let people = session.query(&users).order_by(users.c("id")).with("posts.tags").all().unwrap();
        let counts: Vec<usize> = people.iter().map(|user| user.related("posts").unwrap().len()).collect();
        assert_eq!(counts, [1, 0, 1]);
        let tagged = people[0].related("posts").unwrap();
        assert_eq!(ids(&tagged[0].related("tags").unwrap()), [1]);
        let joined = session.query(&users).join("posts").order_by(users.c("id")).all().unwrap();
        assert_eq!(ids(&joined), [1, 3]);
        assert_eq!(session.query_related(&people[0], "posts").unwrap().count().unwrap(), 1);
        // A table between that is restricted hides what it links.
        let between = db.table_named("post_tags").unwrap();
        let hidden = db.session();
        hidden.restrict(&between, between.c("tag_id").gt(100));
        let first = hidden.get_one(&posts, 1).unwrap();
        assert!(first.related("tags").unwrap().is_empty());
        assert_eq!(hidden.query_related(&first, "tags").unwrap().count().unwrap(), 0);
        assert_eq!(hidden.query(&posts).join("tags").count().unwrap(), 0);
        // Left out on request, and nothing that is built is under them.
        assert_eq!(all.clone().unrestricted().count().unwrap(), 4);
        assert_eq!(select(&posts).count(&session).unwrap(), 4);
        assert_eq!(db.session().query(&posts).count().unwrap(), 2, "in all sessions");
    });
}

#[test]
fn r5_3_10_restrictions_of_one_session() {
    each_backend(|db| {
        let (users, posts) = filled(db);
        db.restrict(&posts, posts.c("gone").eq(false));
        let (one, two) = (db.session(), db.session());
        one.restrict(&users, users.c("tenant").eq(1));
        two.restrict(&users, users.c("tenant").eq(2));
        assert_eq!((one.query(&users).count().unwrap(), two.query(&users).count().unwrap()), (2, 1));
        assert!(one.get(&users, 3).unwrap().is_none() && two.get(&users, 3).unwrap().is_some());
        let post = one.get_one(&posts, 4).unwrap();
        assert_eq!(post.related_one("user").unwrap(), None, "of another tenant");
        two.restrict(&posts, posts.c("id").gt(100));
        assert_eq!(two.query(&posts).count().unwrap(), 0, "all of them hold");
        assert_eq!(db.session().query(&users).count().unwrap(), 3);
    });
}

#[test]
fn r5_3_10_a_delete_takes_along_what_is_not_seen() {
    each_backend(|db| {
        let (users, posts) = filled(db);
        db.execute("DELETE FROM post_tags", ()).unwrap();
        db.restrict(&posts, posts.c("gone").eq(false));
        let session = db.session();
        let user = session.get_one(&users, 1).unwrap();
        assert_eq!(user.related("posts").unwrap().len(), 1);
        session.delete(&user).unwrap();
        let committed = session.commit().unwrap();
        let gone = committed.changes.of(&posts);
        assert_eq!(gone.len(), 2, "both are told: {gone:?}");
        assert_eq!(select(&posts).count(db).unwrap(), 2);
    });
}

#[test]
fn r5_3_10_a_mistake_is_told_by_what_loads() {
    let db = Db::open("sqlite://").unwrap();
    let (users, posts) = filled(&db);
    db.restrict(&posts, posts.c("gnoe").eq(false));
    let session = db.session();
    assert_eq!(session.query(&posts).all().unwrap_err().kind(), ErrorKind::NoSuchColumn);
    assert_eq!(session.get(&posts, 1).unwrap_err().kind(), ErrorKind::NoSuchColumn);
    let user = session.get_one(&users, 1).unwrap();
    assert_eq!(user.related("posts").unwrap_err().kind(), ErrorKind::NoSuchColumn);
    assert_eq!(session.query(&posts).unrestricted().count().unwrap(), 4);
}
