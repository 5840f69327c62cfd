//! Bad input of the unit of work: too deep, too many, in circles, of the wrong kind, by two at a time.

use mirrorm::prelude::*;
use mirrorm::schema::Action;
use mirrorm::session::{OnParentDelete, relationship};

use super::blog;
use crate::support::each_backend;

fn tree(db: &Db, action: Action) -> Table {
    let parent = column("parent_id", Integer).references("nodes.id").on_delete(action);
    let nodes = db.table("nodes", (column("id", Integer).primary_key(), parent)).unwrap();
    db.create_all().unwrap();
    nodes
}

/// A tree whose nodes own those below them.
fn owning_tree(db: &Db) -> Table {
    let nodes = tree(db, Action::NoAction);
    let kids = relationship("kids", &nodes).kind(mirrorm::reflect::RelationshipKind::OneToMany).owns();
    db.relate(&nodes, kids).unwrap();
    nodes
}

/// Rows of a chain: each is the child of the one before.
fn chain(db: &Db, nodes: &Table, length: i64) {
    let rows = (1..=length).map(|n| (n, (n > 1).then_some(n - 1)));
    insert(nodes).rows(["id", "parent_id"], rows).run(db).unwrap();
}

#[test]
fn a_tree_that_is_ten_thousand_deep() {
    // The session alone can be asked for that: databases stop their own cascades sooner.
    let db = Db::open("sqlite://").unwrap();
    let nodes = tree(&db, Action::NoAction);
    let session = db.session();
    let all: Vec<Record> = (1..=10_000).map(|n| nodes.record(values! { "id" => n }).unwrap()).collect();
    for pair in all.windows(2) {
        pair[1].set_related("parent", &pair[0]).unwrap();
    }
    session.add(all[9_999].clone()).unwrap();
    session.commit().unwrap();
    assert_eq!(select(&nodes).filter(nodes.c("parent_id").is_not_null()).count(&db).unwrap(), 9_999);
    session.delete_all(&all).unwrap();
    session.commit().unwrap();
    assert_eq!(select(&nodes).count(&db).unwrap(), 0);
}

#[test]
fn a_cascade_down_a_deep_tree() {
    each_backend(|db| {
        let nodes = owning_tree(db);
        chain(db, &nodes, 300);
        let session = db.session();
        session.delete(&session.get_one(&nodes, 1).unwrap()).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(committed.changes.len(), 300);
        assert_eq!(select(&nodes).count(db).unwrap(), 0);
    });
}

#[test]
fn a_circle_of_cascades() {
    each_backend(|db| {
        let nodes = owning_tree(db);
        insert(&nodes).rows(["id"], [[1], [2], [3]]).run(db).unwrap();
        for (child, parent) in [(1, 3), (2, 1), (3, 2)] {
            let set = update(&nodes).set(values! { "parent_id" => parent }).filter(nodes.c("id").eq(child));
            set.run(db).unwrap();
        }
        let session = db.session();
        session.delete(&session.get_one(&nodes, 2).unwrap()).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(committed.changes.len(), 3, "each once: {:?}", committed.changes);
        assert_eq!(select(&nodes).count(db).unwrap(), 0);
    });
}

#[test]
fn a_parent_with_very_many_children() {
    each_backend(|db| {
        let parents = db.table("parents", column("id", Integer).primary_key()).unwrap();
        let key = column("parent_id", Integer).references("parents.id").on_delete(Action::Cascade).index();
        let children = db.table("children", (column("id", Integer).primary_key(), key)).unwrap();
        db.create_all().unwrap();
        insert(&parents).rows(["id"], [[1], [2]]).run(db).unwrap();
        insert(&children).rows(["parent_id"], (0..100_000).map(|_| [1])).run(db).unwrap();
        insert(&children).rows(["parent_id"], (0..5_000).map(|_| [2])).run(db).unwrap();
        // Each of them is told where that is the rule.
        let session = db.session();
        session.delete(&session.get_one(&parents, 2).unwrap()).unwrap();
        assert_eq!(session.commit().unwrap().changes.len(), 5_001);
        // Those that are too many are the database's.
        let rule = relationship("children", &children).on_delete(OnParentDelete::DeleteLoaded);
        db.relate(&parents, rule).unwrap();
        let session = db.session();
        session.delete(&session.get_one(&parents, 1).unwrap()).unwrap();
        assert_eq!(session.commit().unwrap().changes.len(), 1);
        assert_eq!(select(&children).count(db).unwrap(), 0);
    });
}

#[test]
fn records_of_the_wrong_kind_in_a_list() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let user = session.add(b.user("ann")).unwrap();
        let post = session.add(b.post("p")).unwrap();
        for error in [
            user.append("posts", &user).unwrap_err(),
            post.set_related("user", &post).unwrap_err(),
            user.replace("posts", &[b.post("q"), b.user("no post")]).unwrap_err(),
            user.set_related("posts", &post).unwrap_err(),
            post.append("user", &user).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert!(error.to_string().contains("leads to"), "{error}");
        }
        let other = db.session();
        let own = other.add(b.post("of another session")).unwrap();
        assert_eq!(user.append("posts", &own).unwrap_err().kind(), ErrorKind::Invalid);
        session.commit().unwrap();
        assert!(user.related("posts").unwrap().is_empty(), "nothing of it was written");
    });
}

#[test]
fn two_sessions_change_one_row() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let (one, two) = (db.session(), db.session());
        let first = one.query(&b.users).one().unwrap();
        one.commit().unwrap();
        let second = two.query(&b.users).one().unwrap();
        second.set("karma", 1).unwrap();
        two.commit().unwrap();
        // Without a version the last one wins, of the columns it sets: nothing else is overwritten.
        first.set("name", "anna").unwrap();
        one.commit().unwrap();
        let row = select((b.users.c("name"), b.users.c("karma"))).one(db).unwrap();
        assert_eq!((row.get::<String>(0).unwrap(), row.get::<i64>(1).unwrap()), ("anna".into(), 1));
        // One that is gone is told.
        two.refresh(&second).unwrap();
        two.delete(&second).unwrap();
        two.commit().unwrap();
        first.set("name", "late").unwrap();
        assert_eq!(one.commit().unwrap_err().kind(), ErrorKind::Stale);
    });
}
