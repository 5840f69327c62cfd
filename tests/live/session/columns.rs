//! Loading some columns (§5.3.7), and the others later.

use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

fn posts(db: &Db) -> Table {
    let users = db.table("users", column("id", Integer).primary_key()).unwrap();
    let columns = (
        column("id", Integer).primary_key(),
        column("title", Varchar(40)),
        column("body", Text),
        column("user_id", Integer).references("users.id"),
        column("version", Integer).version(),
    );
    let posts = db.table("posts", columns).unwrap();
    db.create_all().unwrap();
    insert(&users).values(values! { "id" => 1 }).run(db).unwrap();
    let all = [("a", "body of a", 1), ("b", "body of b", 1), ("c", "body of c", 1)];
    insert(&posts).rows(["title", "body", "user_id"], all).run(db).unwrap();
    posts
}

fn unloaded(record: &Record, name: &str) -> bool {
    let error = record.value(name).err();
    error.is_some_and(|error| {
        assert!(error.to_string().contains("undefer"), "{error}");
        error.kind() == ErrorKind::Unloaded
    })
}

#[test]
fn r5_3_7_load_only_and_defer() {
    each_backend(|db| {
        let posts = posts(db);
        for deferring in [false, true] {
            let session = db.session();
            let query = session.query(&posts).order_by(posts.c("id"));
            let query = if deferring { query.defer(["body"]) } else { query.load_only(["title"]) };
            let list = query.with("user").all().unwrap();
            assert!(list.iter().all(|post| unloaded(post, "body")));
            assert_eq!(list[1].get::<String>("title").unwrap(), "b");
            assert_eq!(list[0].get::<i64>("version").unwrap(), 1, "what writing needs is there");
            assert!(list[0].related_one("user").unwrap().is_some(), "so is what relationships need");
            assert!(list[0].row().value("body").is_err());
            // All that were loaded together, at once.
            list[2].set("title", "set").unwrap();
            session.undefer(&list[0]).unwrap();
            assert_eq!(list[2].get::<String>("body").unwrap(), "body of c");
            assert_eq!(list[2].get::<String>("title").unwrap(), "set", "what was set stays");
            session.rollback().unwrap();
            assert_eq!(query_rows(&session, &posts), 4, "the rows have as many columns");
        }
    });
}

/// The columns of untracked rows.
fn query_rows(session: &Session, posts: &Table) -> usize {
    session.query(posts).defer(["body"]).rows().unwrap().first().unwrap().columns().len()
}

#[test]
fn r5_3_7_records_of_some_columns_are_written() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let list = session.query(&posts).load_only(["title"]).order_by(posts.c("id")).all().unwrap();
        list[0].set("title", "new").unwrap();
        list[1].set("body", "written without being read").unwrap();
        session.commit().unwrap();
        let row = |id: i64| {
            let row =
                select((posts.c("title"), posts.c("body"))).filter(posts.c("id").eq(id)).one(db).unwrap();
            (row.get::<String>(0).unwrap(), row.get::<String>(1).unwrap())
        };
        assert_eq!(row(1), ("new".into(), "body of a".into()));
        assert_eq!(row(2), ("b".into(), "written without being read".into()));
        assert_eq!(list[0].get::<String>("body").unwrap(), "body of a", "a flush reads all of the row");
        // Versions hold for them too: in the next transaction, and for a delete.
        let stale = session.query(&posts).load_only(["title"]).filter(posts.c("id").eq(3)).one().unwrap();
        session.commit().unwrap();
        update(&posts)
            .set(values! { "title" => "of somebody else" })
            .filter(posts.c("id").eq(3))
            .run(db)
            .unwrap();
        stale.set("body", "late").unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        session.delete(&stale).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        session.undefer(&stale).unwrap();
        assert_eq!(stale.get::<String>("title").unwrap(), "of somebody else", "who looks sees what is there");
        session.delete(&stale).unwrap();
        session.commit().unwrap();
        assert_eq!(select(&posts).count(db).unwrap(), 2);
    });
}

#[test]
fn r5_3_7_what_is_known_is_not_forgotten() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let known = session.get_one(&posts, 1).unwrap();
        let list = session.query(&posts).load_only(["title"]).order_by(posts.c("id")).all().unwrap();
        assert_eq!(list[0], known);
        assert_eq!(known.get::<String>("body").unwrap(), "body of a");
        assert!(unloaded(&list[1], "body"));
        let whole = session.query(&posts).order_by(posts.c("id")).all().unwrap();
        assert_eq!(whole[1], list[1]);
        assert_eq!(list[1].get::<String>("body").unwrap(), "body of b", "a query for all brings all");
        let streamed = session.query(&posts).load_only(["title"]).filter(posts.c("id").eq(3));
        let third = streamed.stream(|records| records.next().unwrap()).unwrap();
        assert_eq!(third.get::<String>("title").unwrap(), "c");
    });
}

#[test]
fn r5_3_7_some_columns_tell_what_is_new_of_them() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let known = session.get_one(&posts, 1).unwrap();
        if dialect(db) != "sqlite" {
            // Somebody else's row, seen under a lock; a transaction of SQLite has the whole database.
            update(&posts).set(values! { "title" => "newer" }).filter(posts.c("id").eq(1)).run(db).unwrap();
            let only = session.query(&posts).load_only(["title"]).filter(posts.c("id").eq(1)).for_update();
            assert_eq!(only.one().unwrap(), known);
            assert_eq!(known.get::<String>("title").unwrap(), "newer");
            assert!(unloaded(&known, "body"), "the others are of another version");
            session.undefer(&known).unwrap();
            assert_eq!(known.get::<String>("body").unwrap(), "body of a");
        }
        // Columns one after the other add up; a record by its key is whole.
        let second = session.query(&posts).load_only(["title"]).filter(posts.c("id").eq(2)).one().unwrap();
        session.query(&posts).load_only(["body"]).filter(posts.c("id").eq(2)).one().unwrap();
        assert_eq!(second.get::<String>("title").unwrap(), "b");
        assert_eq!(second.get::<String>("body").unwrap(), "body of b");
        let third = session.query(&posts).load_only(["title"]).filter(posts.c("id").eq(3)).one().unwrap();
        assert!(unloaded(&third, "body"));
        assert_eq!(session.get_one(&posts, 3).unwrap(), third);
        assert_eq!(third.get::<String>("body").unwrap(), "body of c");
        // Pages are found again by what they are sorted by.
        let fresh = db.session();
        let sorted = fresh.query(&posts).load_only(["title"]).order_by(posts.c("body"));
        let first = sorted.keyset(mirrorm::paging::Keyset::first(2)).unwrap();
        let next = sorted.keyset(mirrorm::paging::Keyset::after(2, first.next.unwrap())).unwrap();
        assert_eq!((first.items.len(), next.items.len()), (2, 1));
    });
}

#[test]
fn r5_3_7_mistakes() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let wrong = session.query(&posts).load_only(["titel"]).all().unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::NoSuchColumn);
        assert!(wrong.to_string().contains("`title`"), "{wrong}");
        assert!(session.query(&posts).defer(["titel"]).count().is_err());
        let new = posts.record(()).unwrap();
        assert_eq!(session.undefer(&new).unwrap_err().kind(), ErrorKind::Invalid);
        let all = session.query(&posts).load_only(["title"]).all().unwrap();
        drop(session);
        assert_eq!(db.session().undefer(&all[0]).unwrap_err().kind(), ErrorKind::Detached);
    });
}

/// People with a picture and two texts that are not loaded with them, and their notes with a text of that kind.
fn deferring(db: &Db) -> (Table, Table) {
    let people = (
        column("id", Integer).primary_key(),
        column("name", Varchar(20)),
        column("picture", Text).deferred(),
        column("life", Text).deferred_in("texts"),
        column("works", Text).deferred_in("texts"),
    );
    let people = db.table("people", people).unwrap();
    let notes = (
        column("id", Integer).primary_key(),
        column("person_id", Integer).references("people.id").deferred(),
        column("text", Text).deferred(),
    );
    let notes = db.table("notes", notes).unwrap();
    db.create_all().unwrap();
    let all = [("ann", "p1", "l1", "w1"), ("ben", "p2", "l2", "w2")];
    insert(&people).rows(["name", "picture", "life", "works"], all).run(db).unwrap();
    insert(&notes).rows(["person_id", "text"], [(1, "a"), (1, "b"), (2, "c")]).run(db).unwrap();
    (people, notes)
}

/// Which attributes of a record are loaded.
fn loaded(record: &Record) -> Vec<String> {
    record.row().iter().map(|(name, _)| name.to_string()).collect()
}

#[test]
fn r5_3_7_a_table_defers_columns() {
    each_backend(|db| {
        let (people, notes) = deferring(db);
        let all = |edit: &dyn for<'s> Fn(mirrorm::session::Query<'s>) -> mirrorm::session::Query<'s>| {
            let session = db.session();
            let query = edit(session.query(&people).order_by(people.c("id")));
            loaded(&query.all().unwrap()[1])
        };
        assert_eq!(all(&|q| q), ["id", "name"]);
        assert_eq!(all(&|q| q.undefer(["picture"])), ["id", "name", "picture"]);
        assert_eq!(all(&|q| q.undefer_group("texts")), ["id", "name", "life", "works"]);
        assert_eq!(all(&|q| q.undefer_group("texts").undefer(["picture"])).len(), 5);
        assert_eq!(all(&|q| q.load_only(["picture"])), ["id", "picture"]);
        assert_eq!(all(&|q| q.defer(["name"])), ["id"]);
        assert_eq!(all(&|q| q.defer(["name"]).undefer(["life"])), ["id", "life"]);
        let session = db.session();
        // Along relationships of both kinds, keys always are.
        let ann = session.query(&people).with("notes").order_by(people.c("id")).first().unwrap().unwrap();
        let first = &ann.related("notes").unwrap()[0];
        assert_eq!(loaded(first), ["id", "person_id"]);
        assert_eq!(loaded(&first.related_one("person").unwrap().unwrap()), ["id", "name"]);
        session.rollback().unwrap();
        let note =
            session.query(&notes).with_joined("person").order_by(notes.c("id")).first().unwrap().unwrap();
        assert_eq!(loaded(&note.related_one("person").unwrap().unwrap()), ["id", "name"]);
        // By key, anew, and after it was written, it is all there.
        session.undefer(&note).unwrap();
        assert_eq!(note.get::<String>("text").unwrap(), "a");
        assert_eq!(loaded(&db.session().get_one(&people, 1).unwrap()).len(), 5);
        let ben = session.query(&people).filter(people.c("name").eq("ben")).one().unwrap();
        ben.set("life", "written unread").unwrap();
        session.flush().unwrap();
        assert_eq!(
            (ben.get::<String>("picture").unwrap(), ben.get::<String>("life").unwrap()),
            ("p2".into(), "written unread".into())
        );
        let rows = session
            .query(&people)
            .stream(|records| records.map(|r| Ok(loaded(&r?).len())).collect::<Result<Vec<_>>>());
        assert_eq!(rows.unwrap(), [2, 5], "a record that is known keeps what it has");
        session.commit().unwrap();
    });
}

#[test]
fn r5_3_7_attributes_of_found_columns_are_deferred() {
    each_backend(|db| {
        let (people, _) = deferring(db);
        let found = Db::clone(db);
        let own = found.table("people", (attribute("name").deferred(), extend_existing())).unwrap();
        assert_eq!(own, people);
        assert_eq!(loaded(&db.session().query(&people).first().unwrap().unwrap()), ["id"]);
        let error = db.session().query(&people).undefer_group("text").all().unwrap_err();
        assert!(error.kind() == ErrorKind::NoSuchColumn && error.to_string().contains("`texts`"), "{error}");
        let error = db.session().query(&people).undefer(["lif"]).all().unwrap_err();
        assert!(error.kind() == ErrorKind::NoSuchColumn && error.to_string().contains("`life`"), "{error}");
    });
}

#[test]
fn r5_3_7_loading_the_others_tells_who_was_faster() {
    each_backend(|db| {
        let posts = posts(db);
        let users = db.table_named("users").unwrap();
        insert(&users).values(values! { "id" => 2 }).run(db).unwrap();
        let newer = || {
            update(&posts).set(values! { "title" => "newer" }).filter(posts.c("id").eq(2)).run(db).unwrap()
        };
        for by_expression in [false, true] {
            let session = db.session_with(SessionOptions::new().autoflush(false));
            let list = session.query(&posts).load_only(["title"]).order_by(posts.c("id")).all().unwrap();
            let other = session.get_one(&users, 2).unwrap();
            session.commit().unwrap();
            newer();
            match by_expression {
                true => list[1].set("title", posts.c("title").concat("!")).unwrap(),
                false => list[1].set_related("user", &other).unwrap(),
            }
            let told = session.undefer(&list[0]).and_then(|_| session.flush()).unwrap_err();
            assert_eq!(told.kind(), ErrorKind::Stale, "what was set is of another version");
            session.rollback().unwrap();
        }
    });
}

#[test]
fn r5_3_7_loading_the_others_keeps_what_is_loaded_along_relationships() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let query = session.query(&posts).load_only(["title"]).order_by(posts.c("id"));
        let list = query.with("user").forbid_lazy().all().unwrap();
        session.undefer(&list[2]).unwrap();
        assert_eq!(list[0].get::<String>("body").unwrap(), "body of a");
        session.close();
        for post in &list {
            assert_eq!(post.related_one("user").unwrap().unwrap().get::<i64>("id").unwrap(), 1);
        }
    });
}

#[test]
fn r5_3_7_what_others_point_to_is_not_deferred() {
    each_backend(|db| {
        let shops = (
            column("id", Integer).primary_key(),
            column("code", Integer).not_null().unique().deferred(),
            column("name", Varchar(9)).deferred(),
        );
        let shops = db.table("shops", shops).unwrap();
        let goods = (column("id", Integer).primary_key(), column("shop", Integer).references("shops.code"));
        let goods = db.table("goods", goods).unwrap();
        db.create_all().unwrap();
        insert(&shops).rows(["code", "name"], [(7, "a"), (8, "b")]).run(db).unwrap();
        insert(&goods).rows(["shop"], [[7], [7]]).run(db).unwrap();
        let session = db.session();
        let all = session.query(&shops).order_by(shops.c("id")).all().unwrap();
        assert_eq!(loaded(&all[0]), ["id", "code"]);
        let lists = db.relationships(&shops);
        assert_eq!(all[0].related(&lists[0]).unwrap().len(), 2);
        let only = session.query(&shops).load_only(["name"]).order_by(shops.c("id")).all().unwrap();
        let first = session.get_one(&goods, 1).unwrap();
        let ones = db.relationships(&goods);
        first.set_related(&ones[0], &only[1]).unwrap();
        session.commit().unwrap();
        assert_eq!(first.get::<i64>("shop").unwrap(), 8);
    });
}
