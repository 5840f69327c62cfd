//! Conditions on what relationships lead to, and queries for it (`any`, `has`, `contains`, `with_parent` of §5.2).

use mirrorm::prelude::*;

use crate::support::each_backend;

/// Users with posts, posts with tags, and users who have a boss.
fn filled(db: &Db) -> (Table, Table, Table) {
    let key = || column("id", Integer).primary_key();
    let users = db
        .table(
            "users",
            (key(), column("name", Varchar(20)), column("boss_id", Integer).references("users.id")),
        )
        .unwrap();
    let posts = db
        .table(
            "posts",
            (key(), column("title", Varchar(20)), column("user_id", Integer).references("users.id")),
        )
        .unwrap();
    let tags = db.table("tags", (key(), column("name", Varchar(20)))).unwrap();
    let link = (
        column("post_id", Integer).primary_key().references("posts.id"),
        column("tag_id", Integer).primary_key().references("tags.id"),
    );
    let between = db.table("post_tags", link).unwrap();
    db.create_all().unwrap();
    insert(&users)
        .rows(["name", "boss_id"], [("ann", None), ("ben", Some(1)), ("cy", Some(2))])
        .run(db)
        .unwrap();
    let all = [("a", Some(1)), ("b", Some(1)), ("c", Some(2)), ("d", None)];
    insert(&posts).rows(["title", "user_id"], all).run(db).unwrap();
    insert(&tags).rows(["name"], [["red"], ["blue"], ["none"]]).run(db).unwrap();
    insert(&between).rows(["post_id", "tag_id"], [(1, 1), (1, 2), (3, 2)]).run(db).unwrap();
    (users, posts, tags)
}

fn ids(session: &Session, table: &Table, condition: Expr) -> Vec<i64> {
    let found = session.query(table).filter(condition).order_by(table.c("id")).all().unwrap();
    found.iter().map(|record| record.get("id").unwrap()).collect()
}

#[test]
fn r5_2_sql_any_and_has() {
    each_backend(|db| {
        let (users, posts, tags) = filled(db);
        let session = db.session();
        let with = |title: &'static str| users.any("posts", move |post| post.c("title").eq(title));
        assert_eq!(ids(&session, &users, with("b")), [1]);
        assert_eq!(ids(&session, &users, with("a") & with("b")), [1], "two of the same, side by side");
        assert_eq!(ids(&session, &users, users.any("posts", |_| true)), [1, 2]);
        assert_eq!(ids(&session, &users, !users.any("posts", |_| true)), [3], "is without any");
        assert_eq!(ids(&session, &posts, posts.has("user", |user| user.c("name").eq("ann"))), [1, 2]);
        assert_eq!(ids(&session, &posts, !posts.has("user", |_| true)), [4], "== None");
        // A table that points to itself, both ways.
        assert_eq!(ids(&session, &users, users.has("boss", |boss| boss.c("name").eq("ann"))), [2]);
        let names = db.relationships(&users);
        let list = names.iter().find(|name| !["boss", "posts"].contains(&name.as_str())).unwrap().clone();
        assert_eq!(ids(&session, &users, users.any(&list, |other| other.c("name").eq("cy"))), [2]);
        // Through a table between, one inside another, and on an alias.
        assert_eq!(ids(&session, &posts, posts.any("tags", |tag| tag.c("name").eq("blue"))), [1, 3]);
        assert_eq!(ids(&session, &tags, tags.any("posts", |post| post.c("title").eq("c"))), [2]);
        let red = users.any("posts", |post| post.any("tags", |tag| tag.c("name").eq("red")));
        assert_eq!(ids(&session, &users, red), [1]);
        let deep = users.has("boss", |boss| boss.has("boss", |top| top.c("name").eq("ann")));
        assert_eq!(ids(&session, &users, deep), [3]);
        // The same relationship of the same table inside itself: each has rows of its own.
        let others = |user: &mirrorm::schema::Alias| {
            let id = user.c("id");
            users.any("posts", move |post| post.c("user_id").ne(id))
        };
        assert_eq!(ids(&session, &users, users.has("boss", others)), [2], "the user's posts, not the boss's");
        let two = users.any("posts", |one| {
            let id = one.c("id");
            users.any("posts", move |other| other.c("id").gt(id))
        });
        assert_eq!(ids(&session, &users, two), [1], "two posts");
        let own = users.alias("own");
        let found = select(own.c("id"))
            .filter(own.any("posts", |post| post.c("user_id").eq(own.c("id")) & post.c("id").gt(2)));
        assert_eq!(found.scalars::<i64>(db).unwrap(), [2], "what stands around is in sight");
        assert_eq!(
            update(&posts)
                .set(values! { "title" => "x" })
                .filter(posts.any("tags", |_| true))
                .run(db)
                .unwrap(),
            2,
            "in statements that write, too"
        );
        for wrong in [
            users.any("postz", |_| true),
            users.any("posts", |post| post.c("titel").eq("a")),
            users.any("posts", |post| post.any("nothing", |_| true)),
        ] {
            let error = session.query(&users).filter(wrong).all().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoSuchColumn, "{error}");
        }
        let error = session.query(&users).filter(users.any("postz", |_| true)).all().unwrap_err();
        assert!(error.to_string().contains("did you mean `posts`?"), "{error}");
    });
}

#[test]
fn r5_2_sql_contains_and_is_a_record() {
    each_backend(|db| {
        let (users, posts, tags) = filled(db);
        let session = db.session();
        let blue = session.get_one(&tags, 2).unwrap();
        let first = session.get_one(&posts, 1).unwrap();
        let ann = session.get_one(&users, 1).unwrap();
        assert_eq!(ids(&session, &posts, posts.leads_to("tags", &blue)), [1, 3]);
        assert_eq!(ids(&session, &posts, !posts.leads_to("tags", &blue)), [2, 4]);
        assert_eq!(ids(&session, &users, users.leads_to("posts", &first)), [1]);
        assert_eq!(ids(&session, &posts, posts.leads_to("user", &ann)), [1, 2]);
        let new = users.record(values! { "name" => "dan" }).unwrap();
        for wrong in [posts.leads_to("user", &new), posts.leads_to("user", &blue)] {
            let error = session.query(&posts).filter(wrong).all().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
    });
}

#[test]
fn r5_2_sql_with_parent() {
    each_backend(|db| {
        let (users, posts, tags) = filled(db);
        let session = db.session();
        let ann = session.get_one(&users, 1).unwrap();
        let of = |record: &Record, name: &str, table: &Table| -> Vec<i64> {
            let found = session.query_related(record, name).unwrap().order_by(table.c("id")).all().unwrap();
            found.iter().map(|record| record.get("id").unwrap()).collect()
        };
        assert_eq!(of(&ann, "posts", &posts), [1, 2]);
        assert_eq!(of(&session.get_one(&posts, 1).unwrap(), "tags", &tags), [1, 2]);
        assert_eq!(of(&session.get_one(&tags, 2).unwrap(), "posts", &posts), [1, 3]);
        assert_eq!(of(&session.get_one(&posts, 3).unwrap(), "user", &users), [2]);
        assert_eq!(
            of(&session.get_one(&posts, 4).unwrap(), "user", &users),
            Vec::<i64>::new(),
            "its key is NULL"
        );
        // Of a new record, which is flushed for it; what was appended without loading is among them.
        let dan = session.add(users.record(values! { "name" => "dan" }).unwrap()).unwrap();
        dan.append("posts", &posts.record(values! { "title" => "new" }).unwrap()).unwrap();
        dan.append("posts", &session.get_one(&posts, 4).unwrap()).unwrap();
        let titles = session.query_related(&dan, "posts").unwrap().order_by(posts.c("title"));
        let titles: Vec<String> =
            titles.all().unwrap().iter().map(|post| post.get("title").unwrap()).collect();
        assert_eq!(titles, ["d", "new"]);
        assert_eq!(
            session.query_related(&dan, "posts").unwrap().filter(posts.c("title").eq("d")).count().unwrap(),
            1
        );
        let wrong = session.query_related(&ann, "postz").unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::NoSuchColumn);
        let alone = users.record(values! { "id" => 9 }).unwrap();
        assert_eq!(session.query_related(&alone, "posts").unwrap().count().unwrap(), 0);
    });
}

#[test]
fn r5_2_sql_names_that_are_too_long_for_a_nested_alias() {
    each_backend(|db| {
        let key = || column("id", Integer).primary_key();
        let long = "a".repeat(45);
        let parents = db.table(long.clone(), key()).unwrap();
        let children = db
            .table(
                "children",
                (key(), column(format!("{long}_id"), Integer).references(&format!("{long}.id"))),
            )
            .unwrap();
        db.create_all().unwrap();
        insert(&parents).rows(["id"], [[1], [2]]).run(db).unwrap();
        insert(&children).rows(["id", &format!("{long}_id")], [[1, 1]]).run(db).unwrap();
        let nested = parents.any("children", |child| {
            child.has(&long, |parent| {
                parent.any("children", |child| child.has(&long, |parent| parent.c("id").eq(1)))
            })
        });
        assert_eq!(ids(&db.session(), &parents, nested), [1]);
    });
}

#[test]
fn r5_4_session_get_one_and_delete_all() {
    each_backend(|db| {
        let (users, posts, _) = filled(db);
        let session = db.session();
        assert_eq!(session.get_one(&users, 2).unwrap().get::<String>("name").unwrap(), "ben");
        let missing = session.get_one(&users, 99).unwrap_err();
        assert_eq!((missing.kind(), missing.table()), (ErrorKind::NotFound, Some("users")));
        let lonely = session.query(&posts).filter(!posts.any("tags", |_| true)).all().unwrap();
        assert_eq!(lonely.len(), 2);
        let new = session.add(posts.record(values! { "title" => "new" }).unwrap()).unwrap();
        let refused = session.delete_all(lonely.iter().chain([&new])).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(session.deleted().is_empty(), "none of them, if one cannot be");
        session.expunge(&new).unwrap();
        session.delete_all(&lonely).unwrap();
        session.commit().unwrap();
        assert_eq!(ids(&session, &posts, true.into()), [1, 3]);
    });
}

#[test]
fn r5_4_session_expunge_all_and_merge_all() {
    each_backend(|db| {
        let (users, _, _) = filled(db);
        let session = db.session();
        let all = session.query(&users).order_by(users.c("id")).all().unwrap();
        all[0].set("name", "changed").unwrap();
        session.delete(&all[1]).unwrap();
        let new = session.add(users.record(values! { "name" => "new" }).unwrap()).unwrap();
        session.expunge_all().unwrap();
        assert!(all.iter().all(|record| !session.contains(record)) && !session.contains(&new));
        assert_eq!(all[0].get::<String>("name").unwrap(), "changed", "they keep what they hold");
        session.commit().unwrap();
        assert_eq!(
            select(users.c("name")).order_by(users.c("id")).scalars::<String>(db).unwrap(),
            ["ann", "ben", "cy"]
        );
        let merged = session.merge_all([&all[0], &new]).unwrap();
        assert_eq!(merged[0].get::<i64>("id").unwrap(), 1);
        session.commit().unwrap();
        let names: Vec<String> = select(users.c("name")).order_by(users.c("id")).scalars(db).unwrap();
        assert_eq!(names, ["changed", "ben", "cy", "new"]);
    });
}

#[test]
fn r5_4_session_no_autoflush() {
    each_backend(|db| {
        let (users, _, _) = filled(db);
        let session = db.session();
        let _new = session.add(users.record(values! { "name" => "new" }).unwrap()).unwrap();
        let count = |session: &Session| session.query(&users).count();
        let inner = session.no_autoflush(|session| {
            let first = count(session)?;
            let nested = session.no_autoflush(count)?;
            Ok((first, nested, count(session)?))
        });
        assert_eq!(inner.unwrap(), (3, 3, 3));
        let failed = session.no_autoflush(|_| Err::<(), _>(mirrorm::Error::new(ErrorKind::Invalid, "own")));
        assert_eq!(failed.unwrap_err().message(), "own");
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            session.no_autoflush(|_| -> mirrorm::Result<()> { panic!("on purpose") })
        }));
        assert!(caught.is_err());
        assert_eq!(count(&session).unwrap(), 4, "it flushes again, whatever happened inside");
    });
}
