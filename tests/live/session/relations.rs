use mirrorm::engine::Execute;
use mirrorm::prelude::*;
use mirrorm::session::RecordState;

use super::{Blog, blog, said, text};
use crate::support::{each_backend, folding_text, loaded, serial};

/// Three users with 2, 1 and 0 posts; the first post has two tags.
fn filled(db: &Db) -> Blog {
    let b = blog(db);
    b.fill(db, &["ann", "ben", "cid"]);
    insert(&b.posts).rows(["title", "user_id"], [("a", 1), ("b", 1), ("c", 2)]).run(db).unwrap();
    insert(&b.tags).rows(["name"], [["x"], ["y"]]).run(db).unwrap();
    insert(&b.post_tags).rows(["post_id", "tag_id"], [[1, 1], [1, 2]]).run(db).unwrap();
    b
}

fn names(records: &[Record], name: &str) -> Vec<String> {
    records.iter().map(|record| text(record, name)).collect()
}

fn links(db: &Db) -> Vec<(i64, i64)> {
    let found = db.query_text("SELECT post_id, tag_id FROM post_tags ORDER BY 1, 2", ()).unwrap();
    found.all_as().unwrap()
}

#[test]
fn r5_2_opt_direction_relationships_of_foreign_keys_have_names() {
    each_backend(|db| {
        let b = blog(db);
        assert_eq!(db.relationships(&b.users), ["posts"]);
        assert_eq!(db.relationships(&b.posts), ["user", "post_tags", "tags"]);
        assert_eq!(db.relationships(&b.post_tags), ["post", "tag"]);
        let other =
            (column("id", Integer).primary_key(), column("user_id", Integer).references("users.id").unique());
        let other = db.table("profiles", other).unwrap();
        assert_eq!(db.relationships(&other), ["user"]);
        assert_eq!(db.relationships(&b.users), ["posts", "profiles"], "a table defined later is seen");
    });
}

#[test]
fn r5_3_1_one_touch_loads_for_all_siblings() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let users = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        assert_eq!(names(&users[0].related("posts").unwrap(), "title"), ["a", "b"]);
        let post = users[0].related("posts").unwrap().remove(0);
        assert_eq!(post.related_one("user").unwrap().as_ref(), Some(&users[0]), "one record a row");
        // Without a session nothing can be asked: it is there for all of them.
        drop(session);
        assert_eq!(names(&users[1].related("posts").unwrap(), "title"), ["c"]);
        assert!(users[2].related("posts").unwrap().is_empty());
        assert_eq!(users[0].related_one("posts").unwrap_err().kind(), ErrorKind::MultipleFound);
    });
}

#[test]
fn r5_3_3_with_loads_along_paths_and_outlives_the_session() {
    each_backend(|db| {
        let b = filled(db);
        let users = {
            let session = db.session();
            let query = session.query(&b.users).order_by(b.users.c("id")).with("posts.tags").forbid_lazy();
            query.all().unwrap()
        };
        let posts = users[0].related("posts").unwrap();
        assert_eq!(names(&posts, "title"), ["a", "b"]);
        assert_eq!(names(&posts[0].related("tags").unwrap(), "name"), ["x", "y"]);
        assert!(posts[1].related("tags").unwrap().is_empty());
        let error = posts[0].related("user").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Detached);
        assert!(error.message().contains(".with(\"user\")"), "{error}");
    });
}

#[test]
fn r5_3_5_forbidden_lazy_loading_is_an_error() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let query = session.query(&b.users).order_by(b.users.c("id"));
        let users = query.clone().forbid_lazy().all().unwrap();
        let error = users[0].related("posts").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(".with(\"posts\")"), "{error}");
        let strict = db.session_with(SessionOptions::new().forbid_lazy(true));
        let ann = strict.get(&b.users, 1).unwrap().unwrap();
        assert!(ann.related("posts").is_err());
        let ann = strict.query(&b.users).with("posts").first().unwrap().unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 2);
    });
}

#[test]
fn what_the_session_writes_is_seen_in_lists() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 2);
        session.add(b.posts.record(values! { "title" => "new", "user_id" => 1 }).unwrap()).unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 3);
        session.rollback().unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 2);
        delete(&b.posts).filter(b.posts.c("title").eq("b")).run(&session).unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 1);
        session.commit().unwrap();
        insert(&b.posts).values(values! { "title" => "late", "user_id" => 1 }).run(db).unwrap();
        assert_eq!(ann.related("posts").unwrap().len(), 2, "another transaction, asked again");
    });
}

#[test]
fn joins_and_filters_along_relationships() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let found = session.query(&b.posts).join("user").filter(b.users.c("name").eq("ann"));
        assert_eq!(names(&found.order_by(b.posts.c("id")).all().unwrap(), "title"), ["a", "b"]);
        let tagged = session.query(&b.users).join("posts.tags").filter(b.tags.c("name").eq("y"));
        assert_eq!(names(&tagged.all().unwrap(), "name"), ["ann"]);
        let twice = session.query(&b.users).join("posts").filter(b.users.c("id").eq(1));
        assert_eq!(twice.count().unwrap(), 2);
        assert_eq!(twice.distinct().all().unwrap().len(), 1);
        let error = session.query(&b.users).join("psots").all().unwrap_err();
        assert!(error.message().contains("did you mean `posts`?"), "{error}");
    });
}

#[test]
fn r5_2_7_setting_the_one_side() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let post = session.query(&b.posts).filter_by(values! { "title" => "c" }).one().unwrap();
        let new = b.user("new");
        post.set_related("user", &new).unwrap();
        assert_eq!(new.related("posts").unwrap(), std::slice::from_ref(&post), "both sides agree at once");
        let committed = session.commit().unwrap();
        assert_eq!(said(&committed.changes), ["insert users 4", "update posts 3"]);
        assert_eq!(post.get::<i64>("user_id").unwrap(), 4);
        post.set_related("user", None).unwrap();
        assert!(post.related("user").unwrap().is_empty());
        session.commit().unwrap();
        assert_eq!(post.get::<Option<i64>>("user_id").unwrap(), None);
    });
}

#[test]
fn r5_2_opt_back_populates_appending_removing_replacing() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let [ann, ben, _] =
            session.query(&b.users).order_by(b.users.c("id")).all().unwrap().try_into().unwrap();
        let new = b.post("new");
        ann.append("posts", &new).unwrap();
        assert_eq!(new.related_one("user").unwrap().as_ref(), Some(&ann), "both sides agree at once");
        assert_eq!(names(&ann.related("posts").unwrap(), "title"), ["a", "b", "new"]);
        assert_eq!(new.state(), RecordState::Persistent, "reading the list flushed");
        let c = &ben.related("posts").unwrap()[0];
        ann.append("posts", c).unwrap();
        assert!(ben.related("posts").unwrap().is_empty());
        let a = &ann.related("posts").unwrap()[0];
        ann.remove("posts", a).unwrap();
        session.flush().unwrap();
        assert_eq!(a.get::<Option<i64>>("user_id").unwrap(), None);
        ben.replace("posts", &[a.clone(), new.clone()]).unwrap();
        session.commit().unwrap();
        // In which order rows come after they were changed is the database's business.
        let titles = |user: &Record| {
            let mut titles = names(&user.related("posts").unwrap(), "title");
            titles.sort();
            titles
        };
        assert_eq!(
            (titles(&ben), titles(&ann)),
            (vec!["a".into(), "new".into()], vec!["b".into(), "c".into()])
        );
    });
}

#[test]
fn r5_2_1_a_graph_of_new_records_is_saved_from_any_of_its_ends() {
    each_backend(|db| {
        let b = blog(db);
        let (ann, post, tag) = (b.user("ann"), b.post("p"), b.tag("t"));
        ann.append("posts", &post).unwrap();
        post.append("tags", &tag).unwrap();
        assert_eq!(tag.related("posts").unwrap(), std::slice::from_ref(&post));
        assert_eq!(post.related("user").unwrap(), std::slice::from_ref(&ann));
        let session = db.session();
        session.add(tag.clone()).unwrap();
        // The tag knows its post weakly, the post its user too: whoever was written to leads on.
        session.add(ann.clone()).unwrap();
        assert_eq!(
            said(&session.commit().unwrap().changes),
            ["insert tags 1", "insert users 1", "insert posts 1", "insert post_tags 1/1"]
        );
        assert_eq!(links(db), [(1, 1)]);
        session.rollback().unwrap();
        // Rolled back, the graph can be saved again, keys and all.
        let (eve, late) = (b.user("eve"), b.post("late"));
        late.set_related("user", &eve).unwrap();
        session.add(late.clone()).unwrap();
        session.flush().unwrap();
        let lost = eve.get::<i64>("id").unwrap();
        session.rollback().unwrap();
        b.fill(db, &["first"]);
        session.add(late.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(late.get::<i64>("user_id").unwrap(), eve.get::<i64>("id").unwrap());
        assert_ne!(eve.get::<i64>("id").unwrap(), lost, "another took the key meanwhile");
    });
}

#[test]
fn r5_2_9_many_to_many_writes_the_difference() {
    each_backend(|db| {
        let b = filled(db);
        let session = db.session();
        let posts = session.query(&b.posts).order_by(b.posts.c("id")).all().unwrap();
        let tags = session.query(&b.tags).order_by(b.tags.c("id")).all().unwrap();
        posts[0].append("tags", &tags[0]).unwrap();
        assert!(session.commit().unwrap().changes.is_empty(), "it was there already");
        posts[0].remove("tags", &tags[0]).unwrap();
        posts[1].append("tags", &tags[1]).unwrap();
        tags[1].append("posts", &posts[1]).unwrap();
        let new = b.tag("z");
        posts[1].append("tags", &new).unwrap();
        let changes = session.commit().unwrap().changes;
        assert_eq!(
            said(&changes),
            ["delete post_tags 1/1", "insert tags 3", "insert post_tags 2/3", "insert post_tags 2/2"]
        );
        assert_eq!(links(db), [(1, 2), (2, 2), (2, 3)]);
        assert_eq!(names(&posts[1].related("tags").unwrap(), "name"), ["y", "z"]);
        assert_eq!(tags[1].related("posts").unwrap().len(), 2);
        posts[1].replace("tags", &[tags[0].clone(), new.clone()]).unwrap();
        session.commit().unwrap();
        assert_eq!(links(db), [(1, 2), (2, 1), (2, 3)]);
        posts[1].append("tags", &tags[1]).unwrap();
        posts[1].remove("tags", &tags[1]).unwrap();
        assert!(session.commit().unwrap().changes.is_empty(), "in and out is nothing");
        // Link rows go with the row they link.
        session.delete(&posts[1]).unwrap();
        let mut gone = said(&session.commit().unwrap().changes);
        gone[..2].sort();
        assert_eq!(gone, ["delete post_tags 2/1", "delete post_tags 2/3", "delete posts 2"]);
        session.delete(&new).unwrap();
        session.commit().unwrap();
        posts[0].append("tags", &tags[0]).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        assert_eq!(names(&posts[0].related("tags").unwrap(), "name"), ["y"]);
    });
}

#[test]
fn link_rows_are_named_by_their_key_in_its_order() {
    each_backend(|db| {
        let key = |name: &str, to: &str| column(name, Integer).references(to).primary_key();
        let a = db.table("a", column("id", Integer).primary_key()).unwrap();
        let z = db.table("z", column("id", Integer).primary_key()).unwrap();
        db.table("between", (key("z_id", "z.id"), key("a_id", "a.id"))).unwrap();
        db.create_all().unwrap();
        let one = a.record(values! { "id" => 1 }).unwrap();
        one.append("z", &z.record(values! { "id" => 9 }).unwrap()).unwrap();
        let session = db.session();
        session.add(one).unwrap();
        let changes = session.commit().unwrap().changes;
        let link = changes.iter().last().unwrap();
        assert_eq!((link.subject().as_str(), link.key()), ("between 9/1", vec![9.into(), 1.into()]));
        assert_eq!(link.new_row().unwrap().get::<i64>("z_id").unwrap(), 9);
    });
}

#[test]
fn link_tables_without_a_key() {
    each_backend(|db| {
        let serial = serial(db);
        db.execute_script(&format!(
            "CREATE TABLE a (id {serial}); CREATE TABLE z (id {serial});
             CREATE TABLE a_z (a_id INTEGER NOT NULL, z_id INTEGER NOT NULL,
                FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (z_id) REFERENCES z (id));"
        ))
        .unwrap();
        db.reflect().unwrap();
        let (a, z) = (db.table_named("a").unwrap(), db.table_named("z").unwrap());
        let session = db.session();
        let one = session.add(a.record(()).unwrap()).unwrap();
        one.append("z", &z.record(()).unwrap()).unwrap();
        session.commit().unwrap();
        let other = one.related("z").unwrap().remove(0);
        one.remove("z", &other).unwrap();
        session.flush().unwrap();
        one.append("z", &other).unwrap();
        assert!(session.commit().unwrap().changes.is_empty(), "out and in again is nothing in the end");
        assert_eq!(one.related("z").unwrap(), [other]);
    });
}

#[test]
fn r5_2_3_deleting_a_parent_follows_the_rule() {
    each_backend(|db| {
        let parent = db.table("parents", column("id", Integer).primary_key()).unwrap();
        let child = |name: &str, action: Option<Action>| {
            let key = column("parent_id", Integer).references("parents.id");
            let key = match action {
                Some(action) => key.on_delete(action),
                None => key,
            };
            db.table(name, (column("id", Integer).primary_key(), key)).unwrap()
        };
        let cascading = child("cascading", Some(Action::Cascade));
        let nulled = child("nulled", Some(Action::SetNull));
        let declared = child("declared", None);
        let left = child("left", None);
        let parts = (
            column("id", Integer).primary_key(),
            column("cascading_id", Integer).references("cascading.id").on_delete(Action::Cascade),
        );
        let deep = db.table("deep", parts).unwrap();
        db.create_all().unwrap();
        db.relate(&parent, relationship("declared", &declared).on_delete(OnParentDelete::Delete)).unwrap();
        for id in 1..=2 {
            insert(&parent).values(values! { "id" => id }).run(db).unwrap();
            for table in [&cascading, &nulled, &declared] {
                insert(table).values(values! { "id" => id, "parent_id" => id }).run(db).unwrap();
            }
            insert(&deep).values(values! { "id" => id, "cascading_id" => id }).run(db).unwrap();
        }
        let session = db.session();
        let kept = session.get(&nulled, 1).unwrap().unwrap();
        let gone = session.get(&deep, 1).unwrap().unwrap();
        session.delete(&session.get(&parent, 1).unwrap().unwrap()).unwrap();
        let mut found = said(&session.commit().unwrap().changes);
        found.sort();
        assert_eq!(
            found,
            [
                "delete cascading 1",
                "delete declared 1",
                "delete deep 1",
                "delete parents 1",
                "update nulled 1"
            ]
        );
        assert_eq!(kept.get::<Option<i64>>("parent_id").unwrap(), None);
        assert_eq!(gone.state(), RecordState::Detached);
        insert(&left).values(values! { "id" => 1, "parent_id" => 2 }).run(db).unwrap();
        session.delete(&session.get(&parent, 2).unwrap().unwrap()).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForeignKey, "without a rule it is the database's to say");
        session.rollback().unwrap();
        assert_eq!(session.query(&cascading).count().unwrap(), 1, "nothing of it was done");
    });
}

#[test]
fn r5_2_opt_uselist_one_to_one_from_both_sides() {
    each_backend(|db| {
        let users = db.table("users", column("id", Integer).primary_key()).unwrap();
        let parts =
            (column("id", Integer).primary_key(), column("user_id", Integer).references("users.id").unique());
        let profiles = db.table("profile", parts).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let user = session.add(users.record(()).unwrap()).unwrap();
        let first = profiles.record(()).unwrap();
        user.set_related("profile", &first).unwrap();
        session.commit().unwrap();
        assert_eq!(user.related_one("profile").unwrap().as_ref(), Some(&first));
        let second = profiles.record(()).unwrap();
        user.set_related("profile", &second).unwrap();
        session.commit().unwrap();
        assert_eq!(user.related_one("profile").unwrap().as_ref(), Some(&second));
        assert_eq!(first.get::<Option<i64>>("user_id").unwrap(), None);
        user.set_related("profile", None).unwrap();
        session.commit().unwrap();
        assert!(user.related_one("profile").unwrap().is_none());
    });
}

#[test]
fn r5_2_opt_foreign_keys_declared_relationships() {
    each_backend(|db| {
        let b = filled(db);
        db.relate(&b.users, relationship("articles", &b.posts)).unwrap();
        db.relate(&b.posts, relationship("author", &b.users).by(["user_id"])).unwrap();
        db.relate(&b.users, relationship("namesakes", &b.tags).on(["name"], ["name"])).unwrap();
        db.relate(&b.tags, relationship("on", &b.posts).through(&b.post_tags)).unwrap();
        insert(&b.tags).values(values! { "name" => "ann" }).run(db).unwrap();
        assert_eq!(db.relationships(&b.users), ["articles", "namesakes"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        assert_eq!(ann.related("articles").unwrap().len(), 2);
        assert_eq!(
            ann.related("articles").unwrap()[0].related("author").unwrap(),
            std::slice::from_ref(&ann)
        );
        assert_eq!(
            names(&ann.related("namesakes").unwrap(), "name"),
            ["ann"],
            "by text, without a foreign key"
        );
        let x = session.get(&b.tags, 1).unwrap().unwrap();
        assert_eq!(names(&x.related("on").unwrap(), "title"), ["a"]);
        for (from, wrong, kind) in [
            (&b.users, relationship("name", &b.posts), ErrorKind::Invalid),
            (&b.users, relationship("x", &b.tags), ErrorKind::NoForeignKey),
            (&b.users, relationship("x", &b.posts).by(["nope"]), ErrorKind::NoForeignKey),
            (&b.users, relationship("x", &b.posts).on(["nope"], ["id"]), ErrorKind::NoSuchColumn),
            (&b.users, relationship("x", &b.posts).on(["id", "name"], ["id"]), ErrorKind::Invalid),
        ] {
            assert_eq!(db.relate(from, wrong).unwrap_err().kind(), kind);
        }
    });
}

/// A foreign key whose target lacks one of the columns connects nothing, rather than by the others.
#[test]
fn a_foreign_key_to_a_missing_column_is_no_relationship() {
    let db = Db::open("sqlite://").unwrap();
    let lands = db.table("lands", [column("code", Text).primary_key()]).unwrap();
    let target = mirrorm::schema::Reference::columns("lands", ["code", "nope"]);
    let parts = (
        [column("id", Integer).primary_key(), column("land", Text), column("nr", Integer)],
        foreign_key(["land", "nr"], target),
    );
    let towns = db.table("towns", parts).unwrap();
    assert!(db.relationships(&towns).is_empty());
    let error = db.relate(&towns, relationship("in", &lands)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoForeignKey, "{error}");
}

/// Keys that a list of integers cannot carry: two columns, text that the database folds.
#[test]
fn keys_that_are_joined() {
    each_backend(|db| {
        let folds = folding_text(db);
        db.execute_script(&format!(
            "CREATE TABLE lands (code {folds} PRIMARY KEY, name TEXT);
             CREATE TABLE towns (land {folds}, nr INTEGER, name TEXT, PRIMARY KEY (land, nr),
                FOREIGN KEY (land) REFERENCES lands (code));
             CREATE TABLE streets (id INTEGER PRIMARY KEY, land {folds}, nr INTEGER, name TEXT,
                FOREIGN KEY (land, nr) REFERENCES towns (land, nr));
             INSERT INTO lands VALUES ('de', 'Germany'), ('fr', 'France');
             INSERT INTO towns VALUES ('DE', 1, 'Berlin'), ('de', 2, 'Bonn'), ('fr', 1, 'Paris');
             INSERT INTO streets VALUES (1, 'DE', 1, 'Allee'), (2, 'DE', 1, 'Gasse'), (3, 'fr', 1, 'Rue');"
        ))
        .unwrap();
        db.reflect().unwrap();
        let (lands, streets) = (db.table_named("lands").unwrap(), db.table_named("streets").unwrap());
        let session = db.session();
        let all = session.query(&lands).order_by(lands.c("code")).with("towns.streets").all().unwrap();
        let towns = all[0].related("towns").unwrap();
        assert_eq!(names(&towns, "name"), ["Berlin", "Bonn"], "the database folds, so does the relationship");
        assert_eq!(names(&towns[0].related("streets").unwrap(), "name"), ["Allee", "Gasse"]);
        let street = session.get(&streets, 3).unwrap().unwrap();
        let town_name = db.relationships(&streets).remove(0);
        let town = street.related_one(&town_name).unwrap().unwrap();
        assert_eq!(text(&town, "name"), "Paris");
    });
}

#[test]
fn r5_2_opt_remote_side_trees_and_friends_of_one_table() {
    each_backend(|db| {
        let parts =
            (column("id", Integer).primary_key(), column("parent_id", Integer).references("nodes.id"));
        let nodes = db.table("nodes", parts).unwrap();
        let friend = |name: &str| column(name, Integer).references("nodes.id").primary_key();
        db.table("friends", (friend("a_id"), friend("z_id"))).unwrap();
        db.create_all().unwrap();
        assert_eq!(
            db.relationships(&nodes),
            [
                "parent",
                "nodes",
                "friends",
                "friends_by_z_id",
                "nodes_through_friends",
                "nodes_through_friends_by_a_id"
            ]
        );
        let session = db.session();
        let root = session.add(nodes.record(()).unwrap()).unwrap();
        let child = nodes.record(()).unwrap();
        let leaf = nodes.record(()).unwrap();
        child.append("nodes", &leaf).unwrap();
        root.append("nodes", &child).unwrap();
        root.append("nodes_through_friends", &leaf).unwrap();
        session.commit().unwrap();
        assert_eq!(leaf.related_one("parent").unwrap().as_ref(), Some(&child));
        assert_eq!(root.related("nodes_through_friends").unwrap(), std::slice::from_ref(&leaf));
        assert_eq!(leaf.related("nodes_through_friends_by_a_id").unwrap(), [root]);
    });
}

/// Statements of loading are counted by the pool's only witness: the driver.
#[test]
fn r5_3_3_one_statement_for_each_512_parents() {
    let db = loaded("chinook");
    db.reflect().unwrap();
    let (track, album) = (db.table_named("Track").unwrap(), db.table_named("Album").unwrap());
    let session = db.session();
    let tracks = session.query(&track).with("Album.Artist").all().unwrap();
    assert_eq!(tracks.len(), 3503);
    let album_of = &tracks[3000].related("Album").unwrap()[0];
    assert_eq!(album_of.table(), album);
    assert_eq!(album_of.related("Artist").unwrap().len(), 1);
    drop(session.lend());
    let playlist = db.table_named("Playlist").unwrap();
    let lists = session.query(&playlist).with("Track").all().unwrap();
    let sum: usize = lists.iter().map(|list| list.related("Track").unwrap().len()).sum();
    assert_eq!(sum, 8715);
}

#[test]
fn r5_2_9_what_is_put_in_again_and_taken_out_is_out() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let ann = session.get_one(&b.users, 1).unwrap();
        let post = session.add(b.posts.record(values! { "title" => "x" }).unwrap()).unwrap();
        let tag = session.add(b.tags.record(values! { "name" => "t" }).unwrap()).unwrap();
        post.set_related("user", &ann).unwrap();
        post.append("tags", &tag).unwrap();
        session.commit().unwrap();
        // It is in the lists already; what is put in once more is no reason for it to stay.
        post.append("tags", &tag).unwrap();
        post.remove("tags", &tag).unwrap();
        ann.append("posts", &post).unwrap();
        ann.remove("posts", &post).unwrap();
        assert!(post.related("tags").unwrap().is_empty() && !ann.related("posts").unwrap().contains(&post));
        session.commit().unwrap();
        assert!(post.related("tags").unwrap().is_empty() && !ann.related("posts").unwrap().contains(&post));
        assert!(tag.related("posts").unwrap().is_empty() && post.value("user_id").unwrap().is_null());
    });
}
