//! Expressions as the values of attributes (§5.6.5): the database works them out when the record is flushed.

use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

fn posts(db: &Db) -> Table {
    let columns = (
        column("id", Integer).primary_key(),
        column("title", Varchar(40)),
        column("likes", Integer).default(0),
        column("author_id", Integer).references("authors.id"),
    );
    db.table("authors", (column("id", Integer).primary_key(), column("name", Varchar(20)))).unwrap();
    let posts = db.table("posts", columns).unwrap();
    db.create_all().unwrap();
    insert(&posts).rows(["title", "likes"], [("a", 1), ("b", 2), ("c", 3)]).run(db).unwrap();
    posts
}

fn likes(db: &Db, posts: &Table) -> Vec<i64> {
    select(posts.c("likes")).order_by(posts.c("id")).scalars(db).unwrap()
}

#[test]
fn r5_6_5_an_update_is_worked_out_by_the_database() {
    each_backend(|db| {
        let posts = posts(db);
        let (one, two) = (db.session(), db.session());
        let mine = one.query(&posts).order_by(posts.c("id")).all().unwrap();
        one.commit().unwrap();
        // Nobody's change between reading and writing is lost.
        let other = two.get_one(&posts, 1).unwrap();
        other.set("likes", posts.c("likes").add(10)).unwrap();
        two.commit().unwrap();
        mine[0].set("likes", posts.c("likes").add(1)).unwrap();
        mine[0].set("title", "both at once").unwrap();
        mine[1].set("title", "a value beside it").unwrap();
        mine[2].set_all(values! { "title" => func::upper(posts.c("title")), "likes" => 7 }).unwrap();
        assert!(mine[0].is_modified());
        let unknown = mine[0].get::<i64>("likes").unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::Unloaded);
        assert!(unknown.to_string().contains("works it out"), "{unknown}");
        assert!(mine[0].row().value("likes").is_err(), "no snapshot tells the old one for it");
        one.commit().unwrap();
        assert_eq!(likes(db, &posts), [12, 2, 7]);
        assert_eq!(mine[0].get::<i64>("likes").unwrap(), 12, "read back");
        assert_eq!(mine[0].get::<String>("title").unwrap(), "both at once");
        assert_eq!(mine[2].get::<String>("title").unwrap(), "C");
        assert!(!mine[0].is_modified());
        let _ = one.flush();
        assert_eq!(likes(db, &posts), [12, 2, 7], "once");
    });
}

#[test]
fn r5_6_5_so_is_an_insert() {
    each_backend(|db| {
        let posts = posts(db);
        let authors = db.table_named("authors").unwrap();
        let session = db.session();
        let of_all = select(func::count(posts.c("id")));
        let post = posts.record(values! { "title" => func::upper("new"), "likes" => of_all }).unwrap();
        let plain = posts.record(values! { "title" => "plain" }).unwrap();
        plain.set_related("author", &authors.record(values! { "name" => "ann" }).unwrap()).unwrap();
        let last = posts.record(values! { "id" => 40, "likes" => Expr::from(6).mul(7) }).unwrap();
        last.set_related("author", &authors.record(values! { "name" => func::lower("BEN") }).unwrap())
            .unwrap();
        if dialect(db) == "mysql" {
            // It reads no table that it writes (error 1093).
            post.set("likes", Expr::from(1).add(2)).unwrap();
        }
        session.add_all([&post, &plain, &last].map(Clone::clone)).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<String>("title").unwrap(), "NEW");
        assert_eq!((post.get::<i64>("likes").unwrap(), post.get::<i64>("id").unwrap()), (3, 4));
        assert_eq!(plain.get::<i64>("likes").unwrap(), 0, "the default of the program");
        assert_eq!((last.get::<i64>("id").unwrap(), last.get::<i64>("likes").unwrap()), (40, 42));
        let names: Vec<String> = select(authors.c("name")).order_by(authors.c("id")).scalars(db).unwrap();
        assert_eq!(names.len(), 2);
        let author = last.related_one("author").unwrap().unwrap();
        assert_eq!(author.get::<String>("name").unwrap(), "ben");
        assert_eq!(session.get_one(&posts, 40).unwrap(), last, "one record a row");
    });
}

#[test]
fn r5_6_5_the_last_word_holds_and_a_rollback_takes_it_back() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let post = session.get_one(&posts, 1).unwrap();
        post.set("likes", posts.c("likes").add(1)).unwrap();
        post.set("likes", 5).unwrap();
        assert_eq!(post.get::<i64>("likes").unwrap(), 5);
        post.set("likes", posts.c("likes").add(100)).unwrap();
        post.set("likes", posts.c("likes").add(2)).unwrap();
        session.flush().unwrap();
        assert_eq!(post.get::<i64>("likes").unwrap(), 3);
        post.set("likes", posts.c("likes").add(2)).unwrap();
        session.rollback().unwrap();
        assert_eq!(post.get::<i64>("likes").unwrap(), 1);
        session.commit().unwrap();
        assert_eq!(likes(db, &posts), [1, 2, 3]);
        // A refresh drops it; a new record has it again after a rollback.
        post.set("likes", posts.c("likes").add(2)).unwrap();
        session.refresh(&post).unwrap();
        assert_eq!((post.get::<i64>("likes").unwrap(), post.is_modified()), (1, false));
        let new = session.add(posts.record(values! { "likes" => Expr::from(6).mul(7) }).unwrap()).unwrap();
        session.flush().unwrap();
        assert_eq!(new.get::<i64>("likes").unwrap(), 42);
        session.rollback().unwrap();
        assert_eq!(new.get::<i64>("likes").unwrap(), 42, "it keeps what it held last");
        session.add(new.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(new.get::<i64>("likes").unwrap(), 42);
        // What is told of it are the values.
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = seen.clone();
        let _kept = db.signals().before_commit.connect(move |_, changes| {
            let fields = changes.iter().flat_map(|change| change.diff());
            let values =
                fields.map(|field| (field.old.map(|v| v.to_value()), field.new.map(|v| v.to_value())));
            told.lock().unwrap().extend(values);
        });
        post.set("likes", posts.c("likes").add(2)).unwrap();
        session.commit().unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen[0], (Some(1.into()), Some(3.into())));
    });
}

#[test]
fn r5_6_5_expressions_of_receivers_merges_and_circles() {
    each_backend(|db| {
        let posts = posts(db);
        // What a receiver sets goes along, and is a value for the next one.
        let table = posts.clone();
        let _before = db.signals().before_insert.of(&posts).connect(|_, post| {
            post.set("title", func::upper(Expr::from("of a receiver")))?;
            Ok(())
        });
        let _after = db.signals().after_insert.of(&posts).connect(|_, post| {
            assert_eq!(post.get::<String>("title")?, "OF A RECEIVER");
            Ok(())
        });
        let session = db.session();
        let new = session
            .add(table.record(values! { "id" => None::<i64>, "likes" => Expr::from(2).mul(3) }).unwrap());
        let new = new.unwrap();
        session.flush().unwrap();
        assert_eq!(new.get::<String>("title").unwrap(), "OF A RECEIVER");
        assert_eq!(new.get::<i64>("likes").unwrap(), 6);
        session.commit().unwrap();
        // A merge brings expressions along.
        let given = posts.record(values! { "id" => 1, "likes" => posts.c("likes").add(10) }).unwrap();
        let own = session.merge(&given).unwrap();
        session.commit().unwrap();
        assert_eq!(own.get::<i64>("likes").unwrap(), 11);
        // A row of some columns, and one whose key has to wait, send theirs once; what is told is the whole row.
        let some = session.query(&posts).load_only(["likes"]).filter(posts.c("id").eq(2)).one().unwrap();
        some.set("likes", posts.c("likes").add(1)).unwrap();
        let committed = session.commit().unwrap();
        let fields: Vec<String> =
            committed.changes.iter().flat_map(|c| c.diff()).map(|f| f.name.to_string()).collect();
        assert_eq!(fields, ["likes"]);
        let nodes = (
            column("id", Integer).primary_key(),
            column("n", Integer),
            column("next_id", Integer).references("nodes.id"),
        );
        let nodes = db.table("nodes", nodes).unwrap();
        db.create_all().unwrap();
        let node = |n: i64| nodes.record(values! { "n" => Expr::from(n).add(1) }).unwrap();
        let (a, b) = (node(1), node(2));
        let to_next = db.relationships(&nodes).into_iter().find(|name| name.starts_with("next")).unwrap();
        a.set_related(&to_next, &b).unwrap();
        b.set_related(&to_next, &a).unwrap();
        session.add_all([a.clone(), b.clone()]).unwrap();
        session.commit().unwrap();
        assert_eq!((a.get::<i64>("n").unwrap(), b.get::<i64>("n").unwrap()), (2, 3));
        assert_eq!(a.get::<i64>("next_id").unwrap(), b.get::<i64>("id").unwrap());
    });
}

#[test]
fn r5_6_5_mistakes() {
    each_backend(|db| {
        let posts = posts(db);
        let session = db.session();
        let post = session.get_one(&posts, 1).unwrap();
        let typo = post.set("likes", posts.c("lieks").add(1)).unwrap_err();
        assert_eq!(typo.kind(), ErrorKind::NoSuchColumn);
        let key = post.set("id", posts.c("id").add(1)).unwrap_err();
        assert_eq!(key.kind(), ErrorKind::Invalid);
        assert!(key.to_string().contains("part of the key"), "{key}");
        assert_eq!(post.set("lieks", posts.c("likes")).unwrap_err().kind(), ErrorKind::NoSuchColumn);
        assert!(posts.record(values! { "likes" => posts.c("lieks") }).is_err());
        assert!(!post.is_modified());
        // What the database refuses takes nothing along.
        post.set("author_id", Expr::from(70).add(7)).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::ForeignKey);
        session.rollback().unwrap();
        assert_eq!(post.get::<Option<i64>>("author_id").unwrap(), None);
        db.execute("DELETE FROM posts WHERE id = 1", ()).unwrap();
        post.set("likes", posts.c("likes").add(1)).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
    });
}

#[test]
fn r5_6_5_beside_a_version() {
    each_backend(|db| {
        let columns =
            (column("id", Integer).primary_key(), column("n", Integer), column("version", Integer).version());
        let t = db.table("t", columns).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let record = session.add(t.record(values! { "n" => Expr::from(1).add(1) }).unwrap()).unwrap();
        session.commit().unwrap();
        record.set("n", t.c("n").mul(10)).unwrap();
        session.commit().unwrap();
        assert_eq!((record.get::<i64>("n").unwrap(), record.get::<i64>("version").unwrap()), (20, 2));
        update(&t).set(values! { "n" => 0 }).all_rows().run(db).unwrap();
        record.set("n", t.c("n").add(1)).unwrap();
        let late = session.commit().unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Stale);
        assert!(late.to_string().contains("`version` is 3, not 2"), "{late}");
    });
}
