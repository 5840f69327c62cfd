//! Relationships that come in the statement of a query (§5.3.2, §5.3.6).

use mirrorm::Recorder;
use mirrorm::prelude::*;
use mirrorm::reflect::RelationshipKind;
use mirrorm::schema::Action;
use mirrorm::stmt::Lock;

use crate::support::{dialect, each_backend};

struct Tables {
    countries: Table,
    users: Table,
    posts: Table,
    tags: Table,
}

/// Two countries; ann, ben and cat, who has none; posts of the first two and one of nobody; tags.
fn filled(db: &Db) -> Tables {
    let countries =
        db.table("countries", (column("id", Integer).primary_key(), column("name", Text))).unwrap();
    let users = (
        column("id", Integer).primary_key(),
        column("name", Varchar(20)),
        column("country_id", Integer).references("countries.id"),
    );
    let users = db.table("users", users).unwrap();
    let posts = (
        column("id", Integer).primary_key(),
        column("title", Varchar(20)),
        column("user_id", Integer).references("users.id").on_delete(Action::Cascade),
    );
    let posts = db.table("posts", posts).unwrap();
    let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Varchar(20)))).unwrap();
    let link = (
        column("post_id", Integer).primary_key().references("posts.id").on_delete(Action::Cascade),
        column("tag_id", Integer).primary_key().references("tags.id"),
    );
    let between = db.table("post_tags", link).unwrap();
    db.create_all().unwrap();
    insert(&countries).rows(["name"], [["A"], ["B"]]).run(db).unwrap();
    insert(&users)
        .rows(["name", "country_id"], [("ann", Some(1)), ("ben", Some(1)), ("cat", None)])
        .run(db)
        .unwrap();
    let all = [("x", Some(1)), ("y", Some(2)), ("z", Some(1)), ("nobody's", None)];
    insert(&posts).rows(["title", "user_id"], all).run(db).unwrap();
    insert(&tags).rows(["name"], [["new"], ["old"]]).run(db).unwrap();
    insert(&between).rows(["post_id", "tag_id"], [(1, 1), (1, 2), (3, 2)]).run(db).unwrap();
    Tables { countries, users, posts, tags }
}

fn names(records: &[Record], column: &str) -> Vec<String> {
    records.iter().map(|record| record.get(column).unwrap()).collect()
}

/// What a closure gives, and the SELECTs that it sent.
fn statements<T>(db: &Db, body: impl FnOnce() -> T) -> (T, Vec<String>) {
    let recording = Recorder::new().start(db);
    let value = body();
    let all = recording.queries().into_iter().map(|query| query.to_string());
    (value, all.filter(|sql| sql.contains("SELECT")).collect())
}

/// What each of the records leads to.
fn ends(records: &[Record], relationship: &str, column: &str) -> Vec<Vec<String>> {
    records.iter().map(|record| names(&record.related(relationship).unwrap(), column)).collect()
}

#[test]
fn r5_3_2_one_row_comes_with_the_query() {
    each_backend(|db| {
        let Tables { posts, .. } = filled(db);
        let session = db.session();
        let query = session.query(&posts).order_by(posts.c("id")).forbid_lazy();
        let (found, sent) = statements(db, || query.with_joined("user.country").all().unwrap());
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(ends(&found, "user", "name"), [vec!["ann"], vec!["ben"], vec!["ann"], vec![]]);
        let users: Vec<Record> = found.iter().filter_map(|post| post.related_one("user").unwrap()).collect();
        assert_eq!(users[0], users[2], "a row is one record");
        assert_eq!(ends(&users, "country", "name"), [["A"], ["A"], ["A"]]);
        session.close();
        assert_eq!(ends(&found[..1], "user", "name"), [["ann"]], "also after the session");
    });
}

#[test]
fn r5_3_2_lists_come_with_the_query() {
    each_backend(|db| {
        let Tables { users, posts, tags, .. } = filled(db);
        db.relate(&users, relationship("posts", &posts).order_by(posts.c("id").desc())).unwrap();
        db.relate(
            &posts,
            relationship("tags", &tags)
                .through(&db.table_named("post_tags").unwrap())
                .order_by(tags.c("name").desc()),
        )
        .unwrap();
        let session = db.session();
        let query = session.query(&users).order_by(users.c("name").desc()).forbid_lazy();
        let (found, sent) = statements(db, || query.clone().with_joined("posts.tags").all().unwrap());
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(names(&found, "name"), ["cat", "ben", "ann"], "each of them once");
        assert_eq!(ends(&found, "posts", "title"), [vec![], vec!["y"], vec!["z", "x"]], "in their order");
        let anns = found[2].related("posts").unwrap();
        assert_eq!(ends(&anns, "tags", "name"), [vec!["old"], vec!["old", "new"]]);
        // A limit counts records; offset and DISTINCT too.
        session.rollback().unwrap();
        let page = query.clone().limit(1).offset(1).with_joined("posts").all().unwrap();
        assert_eq!(
            (names(&page, "name"), ends(&page, "posts", "title")),
            (vec!["ben".to_string()], vec![vec!["y".to_string()]])
        );
        let ann = query.clone().filter(users.c("name").eq("ann")).with_joined("posts");
        assert_eq!(ann.one().unwrap().related("posts").unwrap().len(), 2);
        assert_eq!(ann.first().unwrap().unwrap().related("posts").unwrap().len(), 2);
        let writers = query.clone().join("posts").distinct().with_joined("posts").limit(5).all().unwrap();
        assert_eq!(names(&writers, "name"), ["ben", "ann"]);
        assert_eq!((ann.count().unwrap(), ann.rows().unwrap().len()), (1, 1));
    });
}

#[test]
fn r5_3_2_inner_joins_leave_out_what_leads_nowhere() {
    each_backend(|db| {
        let Tables { posts, .. } = filled(db);
        let session = db.session();
        let found = session.query(&posts).with_inner_joined("user").order_by(posts.c("id")).all().unwrap();
        assert_eq!(names(&found, "title"), ["x", "y", "z"]);
        let found =
            session.query(&posts).with_joined("user").with_inner_joined("user.country").all().unwrap();
        assert_eq!(found.len(), 4, "what begins with an outer join stays one");
    });
}

#[test]
fn r5_3_2_what_is_known_stays_and_is_loaded() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        let session = db.session();
        let before = session.query(&posts).order_by(posts.c("id")).all().unwrap();
        before[0].set("title", "set").unwrap();
        let ann = session.no_autoflush(|session| {
            session.query(&posts).order_by(posts.c("id")).with_joined("user").forbid_lazy().all()
        });
        let found = ann.unwrap();
        assert!(before.iter().eq(found.iter()), "they are the same records");
        assert_eq!(found[0].get::<String>("title").unwrap(), "set");
        let (ends_now, sent) =
            statements(db, || session.no_autoflush(|_| Ok(ends(&found, "user", "name"))).unwrap());
        assert_eq!((ends_now.len(), sent.len()), (4, 0), "{sent:?}");
        // Restrictions and conditions of relationships hold there.
        session.rollback().unwrap();
        db.restrict(&users, users.c("name").ne("ann"));
        let found = session.query(&posts).order_by(posts.c("id")).with_joined("user").all().unwrap();
        assert_eq!(ends(&found, "user", "name"), [vec![], vec!["ben"], vec![], vec![]]);
    });
}

#[test]
fn r5_3_2_locks_and_some_columns() {
    each_backend(|db| {
        let Tables { posts, .. } = filled(db);
        let session = db.session();
        let locked = session.query(&posts).order_by(posts.c("id")).with_joined("user").for_update();
        assert_eq!(locked.all().unwrap().len(), 4);
        let shared =
            session.query(&posts).order_by(posts.c("id")).with_joined("tags").lock(Lock::share()).limit(1);
        assert_eq!(shared.one().unwrap().related("tags").unwrap().len(), 2);
        session.rollback().unwrap();
        let some = session
            .query(&posts)
            .order_by(posts.c("id"))
            .load_only(["user_id"])
            .with_joined("user")
            .all()
            .unwrap();
        assert_eq!(some[0].get::<String>("title").unwrap_err().kind(), ErrorKind::Unloaded);
        assert_eq!(ends(&some, "user", "name")[..2], [["ann"], ["ben"]]);
    });
}

#[test]
fn r5_3_2_more_rows_than_a_batch_has() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        insert(&users).rows(["name"], (0..1200).map(|n| [format!("u{n}")])).run(db).unwrap();
        let rows = (0..2400).map(|n| (format!("p{n}"), 4 + n % 1200));
        insert(&posts).rows(["title", "user_id"], rows).run(db).unwrap();
        let session = db.session();
        // The posts of a user are far from each other: they come in the order of the posts.
        let found = session.query(&posts).filter(posts.c("id").gt(4)).order_by(posts.c("id"));
        let found = found.with_joined("user.posts").forbid_lazy().all().unwrap();
        assert_eq!(found.len(), 2400);
        for (n, post) in found.iter().enumerate() {
            let user = post.related_one("user").unwrap().unwrap();
            assert_eq!(user.get::<String>("name").unwrap(), format!("u{}", n % 1200));
            let mut both = names(&user.related("posts").unwrap(), "title");
            both.sort();
            let mut wanted = [format!("p{}", n % 1200), format!("p{}", n % 1200 + 1200)];
            wanted.sort();
            assert_eq!(both, wanted);
        }
    });
}

#[test]
fn r5_3_6_the_query_s_own_join_fills_the_relationship() {
    each_backend(|db| {
        let Tables { users, posts, countries, .. } = filled(db);
        let session = db.session();
        let (late, known) =
            (posts.c("title").gt("x"), session.query(&users).order_by(users.c("id")).all().unwrap());
        assert_eq!(ends(&known, "posts", "title").concat().len(), 3, "they were loaded before");
        let query = session.query(&users).join("posts").filter(late.clone()).order_by(posts.c("id"));
        let (found, sent) = statements(db, || query.clone().contains_eager("posts").all().unwrap());
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(names(&found, "name"), ["ben", "ann"]);
        assert_eq!(ends(&found, "posts", "title"), [["y"], ["z"]]);
        assert_eq!(known[0], found[1], "and the records that were known");
        assert_eq!(query.clone().contains_eager("posts").first().unwrap().unwrap(), known[1]);
        let error = query.clone().limit(1).contains_eager("posts").all().unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("limit"), "{error}");
        // One row, further along, and under other names.
        session.rollback().unwrap();
        let home = session.query(&posts).join("user.country").filter(countries.c("name").eq("A"));
        let found = home.contains_eager("user.country").limit(9).forbid_lazy().all().unwrap();
        assert_eq!(ends(&found, "user", "name").len(), 3);
        let writer = users.alias("writer");
        let own = session.query(&posts).join_on(&writer, writer.c("id").eq(posts.c("user_id")));
        let found = own
            .filter(writer.c("name").eq("ben"))
            .contains_eager_as("user", &writer)
            .forbid_lazy()
            .all()
            .unwrap();
        assert_eq!(ends(&found, "user", "name"), [["ben"]]);
    });
}

#[test]
fn r5_3_6_what_a_query_found_is_not_taken_for_all() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        let session = db.session();
        let some = |session: &Session| {
            let query = session.query(&users).join("posts").filter(posts.c("title").eq("x"));
            query.contains_eager("posts").one().unwrap()
        };
        // A list is changed as it is in the database,
        let ann = some(&session);
        let z = session.get_one(&posts, 3).unwrap();
        ann.remove("posts", &z).unwrap();
        session.flush().unwrap();
        assert!(z.value("user_id").unwrap().is_null());
        session.rollback().unwrap();
        let ann = some(&session);
        ann.replace("posts", &[session.get_one(&posts, 2).unwrap()]).unwrap();
        session.flush().unwrap();
        let anns =
            |session: &Session| session.query(&posts).filter(posts.c("user_id").eq(1)).count().unwrap();
        assert_eq!(anns(&session), 1);
        session.rollback().unwrap();
        // and so are the rows that a delete takes along.
        let told = std::sync::Arc::new(std::sync::Mutex::new(0));
        let count = told.clone();
        let _deleted = db.signals().after_delete.of(&posts).connect(move |_, _| *count.lock().unwrap() += 1);
        let ann = some(&session);
        assert_eq!(ends(std::slice::from_ref(&ann), "posts", "title"), [["x"]]);
        session.delete(&ann).unwrap();
        session.commit().unwrap();
        assert_eq!((anns(&session), *told.lock().unwrap()), (0, 2));
    });
}

#[test]
fn r5_3_2_mistakes_are_told() {
    each_backend(|db| {
        let Tables { users, posts, tags, .. } = filled(db);
        let session = db.session();
        let unknown = session.query(&posts).with_joined("usr").all().unwrap_err();
        assert!(
            unknown.kind() == ErrorKind::NoSuchColumn && unknown.to_string().contains("user"),
            "{unknown}"
        );
        let wrong = session.query(&posts).contains_eager_as("user", &tags.alias("t")).all().unwrap_err();
        assert!(wrong.kind() == ErrorKind::Invalid && wrong.to_string().contains("alias"), "{wrong}");
        let missing = session.query(&posts).contains_eager("user").all();
        assert!(missing.is_err(), "nothing joins it");
        session.rollback().unwrap();
        let stream = session.query(&users).with_joined("posts").stream(|records| Ok(records.count()));
        assert_eq!(stream.unwrap_err().kind(), ErrorKind::Invalid);
        let log = db
            .table("log", (column("user_id", Integer).references("users.id"), column("n", Integer)))
            .unwrap();
        db.create_all().unwrap();
        let keyless = session
            .query(&users)
            .with_joined("logs")
            .all()
            .or_else(|_| session.query(&users).with_joined("log").all());
        assert!(keyless.unwrap_err().to_string().contains("no primary key"), "{}", dialect(db));
        insert(&log).rows(["user_id", "n"], [[1, 5], [1, 5]]).run(db).unwrap();
        let lines = session.query(&log).with_joined("user").all().unwrap();
        assert_eq!(ends(&lines, "user", "name"), [["ann"], ["ann"]], "rows without a key lead to one row");
    });
}

/// A tree of so many levels with two nodes on each but the first, and the children of each node.
fn tree(db: &Db, levels: i64) -> Table {
    let parts = (column("id", Integer).primary_key(), column("parent_id", Integer).references("nodes.id"));
    let nodes = db.table("nodes", parts).unwrap();
    let children = relationship("children", &nodes).by(["parent_id"]).kind(RelationshipKind::OneToMany);
    db.relate(&nodes, children).unwrap();
    db.create_all().unwrap();
    let parent = |id: i64| if id == 1 { None } else { Some(id / 2) };
    insert(&nodes).rows(["id", "parent_id"], (1..1 << levels).map(|id| (id, parent(id)))).run(db).unwrap();
    nodes
}

#[test]
fn r5_3_3_trees_are_loaded_level_by_level() {
    each_backend(|db| {
        let nodes = tree(db, 5);
        let session = db.session();
        let root = session.query(&nodes).filter(nodes.c("parent_id").is_null()).forbid_lazy();
        let depth = |root: &Record| {
            let (mut depth, mut level) = (0, vec![root.clone()]);
            while let Ok(next) = level.iter().map(|node| node.related("children")).collect::<Result<Vec<_>>>()
            {
                (depth, level) = (depth + 1, next.concat());
                if level.is_empty() {
                    return (depth, true);
                }
            }
            (depth, false)
        };
        let (two, sent) = statements(db, || root.clone().with_depth("children", 2).one().unwrap());
        assert_eq!((depth(&two), sent.len()), ((2, false), 3), "two levels, and nothing of the third");
        session.rollback().unwrap();
        let (all, sent) = statements(db, || root.clone().with_depth("children", None).one().unwrap());
        assert_eq!((depth(&all), sent.len()), ((5, true), 6), "to the leaves");
        // Circles end.
        update(&nodes).set(values! { "parent_id" => 31 }).filter(nodes.c("id").eq(1)).run(db).unwrap();
        session.rollback().unwrap();
        let start = session.query(&nodes).filter(nodes.c("id").eq(1)).forbid_lazy();
        let start = start.with_depth("children", None).one().unwrap();
        let mut node = start.clone();
        for id in [3, 7, 15, 31, 1, 3] {
            node = node.related("children").unwrap().pop().unwrap();
            assert_eq!(node.get::<i64>("id").unwrap(), id);
        }
        assert_eq!(start.related("children").unwrap().len(), 2);
    });
}

#[test]
fn r5_3_3_only_trees_have_depth() {
    each_backend(|db| {
        let Tables { users, .. } = filled(db);
        let error = db.session().query(&users).with_depth("posts", 2).all().unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("own table"), "{error}");
    });
}

#[test]
fn r5_3_6_restrictions_hold_for_the_query_s_own_joins() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        db.restrict(&posts, posts.c("title").ne("x"));
        let session = db.session();
        let own = posts.alias("own");
        let query = session.query(&users).join_on(&own, own.c("user_id").eq(users.c("id")));
        let found = query.contains_eager_as("posts", &own).order_by(users.c("id")).all().unwrap();
        assert_eq!(ends(&found, "posts", "title"), [["z"], ["y"]]);
        session.rollback().unwrap();
        let query = session.query(&users).join_on(&posts, posts.c("user_id").eq(users.c("id")));
        assert_eq!(
            ends(&query.contains_eager("posts").order_by(users.c("id")).all().unwrap(), "posts", "title"),
            [["z"], ["y"]]
        );
        session.rollback().unwrap();
        let all = session.query(&users).unrestricted().join("posts").order_by(users.c("id"));
        assert_eq!(ends(&all.contains_eager("posts").all().unwrap(), "posts", "title"), [["z"], ["y"]]);
    });
}

#[test]
fn r5_3_2_limits_count_records() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        let session = db.session();
        // What leaves records out does so before they are counted.
        let query = session.query(&posts).order_by(posts.c("id").desc()).with_inner_joined("user");
        assert_eq!(names(&query.clone().with_joined("tags").limit(2).all().unwrap(), "title"), ["z", "y"]);
        assert_eq!(query.with_joined("tags").first().unwrap().unwrap().get::<String>("title").unwrap(), "z");
        let lists = session.query(&users).with_inner_joined("posts").all().unwrap_err();
        assert!(lists.kind() == ErrorKind::Invalid && lists.to_string().contains("many rows"), "{lists}");
        // Records that the query itself finds several times.
        let several = session.query(&users).join("posts").order_by(users.c("id"));
        assert_eq!(
            names(&several.clone().with_joined("country").all().unwrap(), "name"),
            ["ann", "ann", "ben"]
        );
        assert_eq!(
            several.clone().with_joined("country").one().unwrap_err().kind(),
            ErrorKind::MultipleFound
        );
        assert_eq!(several.clone().with_joined("posts").one().unwrap_err().kind(), ErrorKind::MultipleFound);
        let limited = several.clone().with_joined("posts").limit(2).all().unwrap_err();
        assert!(
            limited.kind() == ErrorKind::Invalid && limited.to_string().contains("distinct"),
            "{limited}"
        );
        let apart = several.distinct().with_joined("posts").limit(2).all().unwrap();
        assert_eq!(names(&apart, "name"), ["ann", "ben"]);
        let by_one =
            session.query(&posts).join("user").filter(users.c("name").eq("ann")).order_by(posts.c("id"));
        assert_eq!(names(&by_one.with_joined("tags").limit(1).all().unwrap(), "title"), ["x"]);
    });
}

#[test]
fn r5_3_6_joins_that_are_not_there_are_told() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        let editors = (
            column("id", Integer).primary_key(),
            column("user_id", Integer).references("users.id"),
            column("boss_id", Integer).references("users.id"),
        );
        let editors = db.table("editors", editors).unwrap();
        let nodes = tree(db, 3);
        db.create_all().unwrap();
        let session = db.session();
        let told = |query: mirrorm::session::Query<'_>, part: &str| {
            let error = query.all().unwrap_err();
            assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains(part), "{error}");
        };
        told(session.query(&posts).contains_eager("user"), "does not join `users`");
        told(session.query(&posts).contains_eager_as("user", &users.alias("u")), "does not join `u`");
        let parent = nodes.alias("parent");
        let joined = session.query(&nodes).join_on(&parent, parent.c("id").eq(nodes.c("parent_id")));
        told(joined.clone().contains_eager("parent"), "contains_eager_as");
        let found = joined.contains_eager_as("parent", &parent).order_by(nodes.c("id")).all().unwrap();
        let parents: Vec<i64> = found
            .iter()
            .map(|node| node.related_one("parent").unwrap().unwrap().get("id").unwrap())
            .collect();
        assert_eq!(parents, [1, 1, 2, 2, 3, 3]);
        let both = session.query(&editors).join_on(&users, users.c("id").eq(editors.c("user_id")));
        told(both.contains_eager("user").contains_eager("boss"), "something else");
        let twice = session.query(&posts).join("user").contains_eager("user").with_joined("user");
        told(twice, "by another");
    });
}

#[test]
fn r5_3_6_who_asks_for_all_gets_all() {
    each_backend(|db| {
        let Tables { users, posts, .. } = filled(db);
        let session = db.session();
        let some = session.query(&users).join("posts").filter(posts.c("title").eq("x"));
        let ann = some.clone().contains_eager("posts").with("posts.tags").one().unwrap();
        assert_eq!(
            ends(std::slice::from_ref(&ann), "posts", "title"),
            [["x"]],
            "what is loaded beyond keeps it"
        );
        assert_eq!(ann.related("posts").unwrap()[0].related("tags").unwrap().len(), 2);
        let again = session.query(&users).filter(users.c("name").eq("ann")).with("posts").one().unwrap();
        assert_eq!(again, ann);
        assert_eq!(ann.related("posts").unwrap().len(), 2);
        some.contains_eager("posts").one().unwrap();
        session.query(&users).with_joined("posts").all().unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 2);
    });
}

#[test]
fn r5_3_3_trees_from_several_starts_are_whole_without_the_session() {
    each_backend(|db| {
        let nodes = tree(db, 4);
        let depth = |node: &Record| {
            let (mut depth, mut level) = (0, vec![node.clone()]);
            while !level.is_empty() {
                level = level
                    .iter()
                    .map(|node| node.related("children"))
                    .collect::<Result<Vec<_>>>()
                    .unwrap()
                    .concat();
                depth += 1;
            }
            depth
        };
        for is_known in [false, true] {
            let session = db.session();
            let before = if is_known { session.query(&nodes).all().unwrap() } else { Vec::new() };
            let all =
                session.query(&nodes).order_by(nodes.c("id")).with_depth("children", None).all().unwrap();
            session.close();
            drop(before);
            let depths: Vec<usize> = all.iter().map(depth).collect();
            assert_eq!(depths, [4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
        }
    });
}

#[test]
fn r5_3_2_rows_that_no_key_tells_apart_are_all_there() {
    let db = Db::open("sqlite://").unwrap();
    db.execute_script(
        "CREATE TABLE kinds (code TEXT PRIMARY KEY, name TEXT);
         CREATE TABLE things (code TEXT PRIMARY KEY, kind TEXT REFERENCES kinds);
         INSERT INTO kinds VALUES ('k', 'kind');
         INSERT INTO things VALUES (NULL, 'k'), (NULL, NULL), ('t', 'k');",
    )
    .unwrap();
    db.reflect().unwrap();
    let things = db.table_named("things").unwrap();
    let session = db.session();
    let relation = db.relationships(&things)[0].clone();
    let found = session.query(&things).with_joined(relation.as_str()).all().unwrap();
    let mut ends: Vec<usize> = found.iter().map(|thing| thing.related(&relation).unwrap().len()).collect();
    ends.sort();
    assert_eq!(ends, [0, 1, 1]);
}
