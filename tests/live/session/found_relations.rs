//! Faults of relationships that somebody found, each with the case that showed it.

use mirrorm::prelude::*;
use mirrorm::session::{BoxError, RecordState};

use super::{Blog, blog, said};
use crate::support::{each_backend, folding_text};

/// A user, and a post that is nobody's.
fn with_a_post(db: &Db) -> Blog {
    let b = blog(db);
    b.fill(db, &["ann"]);
    insert(&b.posts).values(values! { "title" => "t" }).run(db).unwrap();
    b
}

fn owners(db: &Db, b: &Blog) -> Vec<Option<i64>> {
    select(b.posts.c("user_id")).scalars(db).unwrap()
}

#[test]
fn relationships_written_on_a_detached_record() {
    each_backend(|db| {
        let b = with_a_post(db);
        let post = {
            let s = db.session();
            s.query(&b.posts).one().unwrap()
        };
        let ann = {
            let s = db.session();
            s.query(&b.users).one().unwrap()
        };
        post.set_related("user", &ann).unwrap();
        let session = db.session();
        session.add(ann.clone()).unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(owners(db, &b), [Some(1)]);
    });
}

#[test]
fn relationships_written_before_a_record_is_let_go() {
    each_backend(|db| {
        let b = with_a_post(db);
        let session = db.session();
        let post = session.query(&b.posts).one().unwrap();
        let ann = session.query(&b.users).one().unwrap();
        post.set_related("user", &ann).unwrap();
        session.expunge(&post).unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(owners(db, &b), [Some(1)]);
    });
}

#[test]
fn a_detached_record_in_a_list_joins_the_session() {
    each_backend(|db| {
        let b = with_a_post(db);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        let post = {
            let s = db.session();
            s.query(&b.posts).one().unwrap()
        };
        ann.append("posts", &post).unwrap();
        session.commit().unwrap();
        assert_eq!((owners(db, &b), post.state()), (vec![Some(1)], RecordState::Persistent));
    });
}

#[test]
fn links_by_text_that_folds() {
    each_backend(|db| {
        let text = folding_text(db);
        db.execute_script(&format!(
            "CREATE TABLE posts (id INTEGER PRIMARY KEY);
             CREATE TABLE tags (code {text} PRIMARY KEY);
             CREATE TABLE post_tags (post_id INTEGER NOT NULL, tag {text} NOT NULL,
                PRIMARY KEY (post_id, tag), FOREIGN KEY (post_id) REFERENCES posts (id),
                FOREIGN KEY (tag) REFERENCES tags (code));
             INSERT INTO posts VALUES (1); INSERT INTO tags VALUES ('de');
             INSERT INTO post_tags VALUES (1, 'DE');"
        ))
        .unwrap();
        db.reflect().unwrap();
        let posts = db.table_named("posts").unwrap();
        let session = db.session();
        let post = session.get(&posts, 1).unwrap().unwrap();
        let tags = post.related("tags").unwrap();
        assert_eq!(tags.len(), 1);
        post.append("tags", &tags[0]).unwrap();
        session.flush().unwrap();
        post.remove("tags", &tags[0]).unwrap();
        session.commit().unwrap();
        assert_eq!(db.query_text("SELECT * FROM post_tags", ()).unwrap().len(), 0);
    });
}

#[test]
fn links_that_are_there_twice() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE z (id INTEGER PRIMARY KEY);
             CREATE TABLE a_z (a_id INTEGER NOT NULL, z_id INTEGER NOT NULL,
                FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (z_id) REFERENCES z (id));
             INSERT INTO a VALUES (1); INSERT INTO z VALUES (1); INSERT INTO a_z VALUES (1,1),(1,1);",
        )
        .unwrap();
        db.reflect().unwrap();
        let a = db.table_named("a").unwrap();
        let session = db.session();
        let one = session.get(&a, 1).unwrap().unwrap();
        session.delete(&one).unwrap();
        let done = session.commit();
        assert!(done.is_ok(), "{}", done.unwrap_err());
    });
}

#[test]
fn links_to_null() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE z (id INTEGER PRIMARY KEY);
             CREATE TABLE a_z (a_id INTEGER, z_id INTEGER,
                FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (z_id) REFERENCES z (id));
             INSERT INTO a VALUES (1); INSERT INTO z VALUES (1); INSERT INTO a_z VALUES (1,NULL),(1,1);",
        )
        .unwrap();
        db.reflect().unwrap();
        let a = db.table_named("a").unwrap();
        let session = db.session();
        let one = session.get(&a, 1).unwrap().unwrap();
        session.delete(&one).unwrap();
        let done = session.commit();
        assert!(done.is_ok(), "{}", done.unwrap_err());
    });
}

#[test]
fn a_cascade_that_fails_halfway() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE p (id INTEGER PRIMARY KEY);
             CREATE TABLE a (id INTEGER PRIMARY KEY, p_id INTEGER, n INTEGER,
                FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE);
             CREATE TABLE b (id INTEGER PRIMARY KEY, p_id INTEGER,
                FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE);
             INSERT INTO p VALUES (1); INSERT INTO a VALUES (1,1,0);",
        )
        .unwrap();
        db.reflect().unwrap();
        let (p, a) = (db.table_named("p").unwrap(), db.table_named("a").unwrap());
        db.execute_script("DROP TABLE b").unwrap();
        let session = db.session();
        let parent = session.get(&p, 1).unwrap().unwrap();
        let child = session.get(&a, 1).unwrap().unwrap();
        session.delete(&parent).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::NoSuchTable);
        session.rollback().unwrap();
        child.set("n", 5).unwrap();
        session.commit().unwrap();
    });
}

#[test]
fn a_child_that_moves_leaves_the_list_it_was_loaded_in() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        insert(&b.posts).values(values! { "title" => "t", "user_id" => 2 }).run(db).unwrap();
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let [ann, ben] = session.query(&b.users).order_by(b.users.c("id")).all().unwrap().try_into().unwrap();
        let post = ben.related("posts").unwrap().remove(0);
        ann.append("posts", &post).unwrap();
        assert!(ben.related("posts").unwrap().is_empty());
        ben.remove("posts", &post).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("user_id").unwrap(), 1);
    });
}

#[test]
fn a_link_written_from_both_sides_is_held_by_both() {
    each_backend(|db| {
        let b = blog(db);
        let tag = b.tag("t");
        {
            let post = b.post("p");
            post.append("tags", &tag).unwrap();
            tag.append("posts", &post).unwrap();
        }
        let session = db.session();
        session.add(tag).unwrap();
        assert_eq!(session.commit().unwrap().changes.len(), 3);
    });
}

#[test]
fn r5_2_8_a_key_set_after_a_relationship_is_the_last_word() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let post = session.add(b.post("p")).unwrap();
        post.set_related("user", &ann).unwrap();
        post.set("user_id", 2).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("user_id").unwrap(), 2);
        let other = session.add(b.post("q")).unwrap();
        other.set_related("user", &ann).unwrap();
        session.flush().unwrap();
        other.set("user_id", 2).unwrap();
        session.flush().unwrap();
        session.rollback().unwrap();
        session.add(other.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(other.get::<i64>("user_id").unwrap(), 2);
    });
}

#[test]
fn a_link_row_deleted_as_a_record_too() {
    each_backend(|db| {
        let b = blog(db);
        let (post, tag) = (b.post("p"), b.tag("t"));
        post.append("tags", &tag).unwrap();
        let session = db.session();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        session.delete(&session.query(&b.post_tags).one().unwrap()).unwrap();
        session.delete(&post).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete post_tags 1/1", "delete posts 1"]);
    });
}

#[test]
fn paths_are_loaded_for_records_that_were_known() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).values(values! { "title" => "t", "user_id" => 1 }).run(db).unwrap();
        let session = db.session_with(SessionOptions::new().forbid_lazy(true));
        let held = session.get(&b.posts, 1).unwrap().unwrap();
        let users = session.query(&b.users).with("posts.tags").all().unwrap();
        let posts = users[0].related("posts").unwrap();
        assert_eq!(posts, [held]);
        assert!(posts[0].related("tags").unwrap().is_empty());
    });
}

#[test]
fn a_declared_relationship_of_a_table_with_itself() {
    each_backend(|db| {
        use mirrorm::reflect::RelationshipKind;
        let t = db.table("t", (column("id", Integer).primary_key(), column("pid", Integer))).unwrap();
        db.create_all().unwrap();
        let parent = relationship("parent", &t).on(["pid"], ["id"]).kind(RelationshipKind::ManyToOne);
        db.relate(&t, parent).unwrap();
        let (child, parent) = (t.record(()).unwrap(), t.record(()).unwrap());
        child.set_related("parent", &parent).unwrap();
        let session = db.session();
        session.add(child.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(child.get::<i64>("pid").unwrap(), parent.get::<i64>("id").unwrap());
    });
}

#[test]
fn refreshing_takes_a_relationship_back_on_both_sides() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let (ann, ben) =
            (session.get(&b.users, 1).unwrap().unwrap(), session.get(&b.users, 2).unwrap().unwrap());
        let (post, other) = (session.add(b.post("a")).unwrap(), session.add(b.post("b")).unwrap());
        ann.replace("posts", &[post.clone(), other.clone()]).unwrap();
        let tag = session.add(b.tag("t")).unwrap();
        session.commit().unwrap();
        // Written from either side, taken back on either.
        for forget in [Session::refresh, |s: &Session, r: &Record| s.expire(r).and_then(|()| s.refresh(r))] {
            post.append("tags", &tag).unwrap();
            forget(&session, &post).unwrap();
            assert_eq!(tag.related("posts").unwrap(), []);
            post.append("tags", &tag).unwrap();
            forget(&session, &tag).unwrap();
            assert_eq!(post.related("tags").unwrap(), []);
            post.set_related("user", &ben).unwrap();
            forget(&session, &post).unwrap();
            assert_eq!(ben.related("posts").unwrap(), []);
            assert_eq!(ann.related("posts").unwrap(), [post.clone(), other.clone()]);
            ben.append("posts", &post).unwrap();
            forget(&session, &ben).unwrap();
            assert_eq!(post.related_one("user").unwrap(), Some(ann.clone()));
            assert_eq!(ann.related("posts").unwrap(), [post.clone(), other.clone()]);
            // What was given to somebody else since stays.
            ann.remove("posts", &post).unwrap();
            ben.append("posts", &post).unwrap();
            forget(&session, &ann).unwrap();
            assert_eq!(post.related_one("user").unwrap(), Some(ben.clone()));
            forget(&session, &post).unwrap();
            assert_eq!(ann.related("posts").unwrap(), [post.clone(), other.clone()]);
        }
        assert_eq!(session.commit().unwrap().changes.len(), 0);
    });
}

/// Users whose posts go with them, posts with tags that are named by a text.
fn cascading(db: &Db) -> [Table; 3] {
    let id = || column("id", Integer).primary_key();
    let user = column("user_id", Integer).references("users.id").on_delete(Action::Cascade);
    let users = db.table("users", (id(), column("name", Text))).unwrap();
    let posts = db.table("posts", (id(), column("title", Text), user)).unwrap();
    let tags = db.table("tags", (column("code", Varchar(40)).primary_key(), column("name", Text))).unwrap();
    let ends = (
        column("post_id", Integer).references("posts.id").primary_key(),
        column("tag_code", Varchar(40)).references("tags.code").on_update(Action::Cascade).primary_key(),
    );
    db.table("post_tags", ends).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["name"], [["ann"], ["ben"]]).run(db).unwrap();
    insert(&tags).rows(["code", "name"], [["a", "A"]]).run(db).unwrap();
    [users, posts, tags]
}

#[test]
fn a_key_set_to_a_parent_that_goes_goes_with_it() {
    each_backend(|db| {
        let [users, posts, _] = cascading(db);
        let session = db.session();
        let post = |title: &str| posts.record(values! { "title" => title, "user_id" => 1 }).unwrap();
        let (moved, stays) = (post("moved"), post("stays"));
        session.add_all([moved.clone(), stays]).unwrap();
        session.commit().unwrap();
        let ben = session.get(&users, 2).unwrap().unwrap();
        moved.set("user_id", 2).unwrap();
        let new = session.add(posts.record(values! { "title" => "new", "user_id" => 2 }).unwrap()).unwrap();
        session.delete(&ben).unwrap();
        let done = session.commit().unwrap();
        assert_eq!(said(&done.changes), ["delete posts 1", "delete users 2"]);
        assert_eq!((moved.state(), new.state()), (RecordState::Detached, RecordState::Transient));
        assert_eq!(select(posts.c("title")).scalars::<String>(db).unwrap(), ["stays"]);
    });
}

#[test]
fn new_records_go_with_a_parent_whatever_they_are_linked_to() {
    each_backend(|db| {
        let [users, posts, tags] = cascading(db);
        let post_id = column("post_id", Integer).references("posts.id").on_delete(Action::Cascade);
        let comments = db.table("comments", (column("id", Integer).primary_key(), post_id)).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let user = session.get(&users, 1).unwrap().unwrap();
        let tag = session.get(&tags, "a").unwrap().unwrap();
        let post = posts.record(values! { "title" => "p" }).unwrap();
        let comment = session.add(comments.record(()).unwrap()).unwrap();
        user.append("posts", &post).unwrap();
        post.append("tags", &tag).unwrap();
        comment.set_related("post", &post).unwrap();
        session.delete(&user).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete users 1"]);
        assert_eq!([post, comment].map(|record| record.state()), [RecordState::Transient; 2]);
    });
}

#[test]
fn links_of_a_record_whose_key_changes() {
    each_backend(|db| {
        let [_, posts, tags] = cascading(db);
        let session = db.session();
        let tag = session.get(&tags, "a").unwrap().unwrap();
        let post = session.add(posts.record(values! { "title" => "p" }).unwrap()).unwrap();
        post.append("tags", &tag).unwrap();
        session.commit().unwrap();
        // It is there already, under the key the database has.
        tag.set("code", "b").unwrap();
        post.append("tags", &tag).unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["update tags b"]);
        post.remove("tags", &tag).unwrap();
        tag.set("code", "c").unwrap();
        assert_eq!(said(&session.commit().unwrap().changes), ["delete post_tags 1/b", "update tags c"]);
        assert!(db.query_text("SELECT * FROM post_tags", ()).unwrap().is_empty());
    });
}

#[test]
fn a_new_parent_added_again_takes_the_rows_of_its_list_along() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        insert(&b.posts).rows(["title", "user_id"], [("a", 1), ("b", 1), ("c", 1)]).run(db).unwrap();
        let session = db.session();
        let posts = session.query(&b.posts).order_by(b.posts.c("id")).all().unwrap();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let ben = session.add(b.user("ben")).unwrap();
        posts.iter().for_each(|post| ben.append("posts", post).unwrap());
        let veto = db.signals().before_commit.connect(|_, _| Err(BoxError::from("no")));
        session.commit().unwrap_err();
        drop(veto);
        assert_eq!(posts[0].related_one("user").unwrap(), Some(ann.clone()));
        // What is said of the others since holds: they stay, one by its record and one by its value.
        posts[1].set_related("user", &ann).unwrap();
        posts[2].set("user_id", 1).unwrap();
        session.add(ben.clone()).unwrap();
        assert_eq!(posts[0].related_one("user").unwrap(), Some(ben.clone()));
        session.commit().unwrap();
        let owners: Vec<i64> = select(b.posts.c("user_id")).order_by(b.posts.c("id")).scalars(db).unwrap();
        let ben_id: i64 = ben.get("id").unwrap();
        assert_eq!(owners, [ben_id, 1, 1]);
        assert_eq!((ann.related("posts").unwrap().len(), ben.related("posts").unwrap().len()), (2, 1));
    });
}

#[test]
fn a_new_child_added_again_finds_the_row_it_pointed_to() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let post = b.posts.record(()).unwrap();
        session.get(&b.users, 1).unwrap().unwrap().append("posts", &post).unwrap();
        // It has no title.
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::NotNull);
        session.rollback().unwrap();
        post.set("title", "now").unwrap();
        session.add(post.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("user_id").unwrap(), 1);
    });
}

#[test]
fn a_key_set_by_value_takes_the_relationship_back_on_both_sides() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        insert(&b.posts).rows(["title", "user_id"], [("p", 1)]).run(db).unwrap();
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let post = session.get(&b.posts, 1).unwrap().unwrap();
        let users = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        post.set_related("user", &users[1]).unwrap();
        post.set("user_id", 1).unwrap();
        let lists = || users.iter().map(|user| user.related("posts").unwrap().len()).collect::<Vec<_>>();
        assert_eq!(lists(), [1, 0]);
        // Given away and looked at again: it stays where it was given to.
        post.set_related("user", &users[1]).unwrap();
        session.refresh(&users[0]).unwrap();
        assert_eq!(lists(), [0, 1]);
    });
}

#[test]
fn a_new_record_lets_go_of_one_that_was_deleted_before_the_rollback() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let post = session.add(b.post("p")).unwrap();
        let ann = session.add(b.user("ann")).unwrap();
        session.flush().unwrap();
        ann.append("posts", &post).unwrap();
        session.delete(&post).unwrap();
        session.rollback().unwrap();
        session.add(ann).unwrap();
        session.commit().unwrap();
        assert_eq!(session.query(&b.users).count().unwrap(), 1);
        assert_eq!(session.query(&b.posts).count().unwrap(), 0, "nobody added the post again");
    });
}
