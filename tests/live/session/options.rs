//! Options of relationships by name (§5.2): owned rows, rows that are left to the database, lists that are only read.

use mirrorm::prelude::*;
use mirrorm::schema::Action;
use mirrorm::session::{OnParentDelete, Query, relationship};

use crate::support::each_backend;

/// Parents, and children whose key may be NULL; the database takes children along where that is said.
fn family(db: &Db, cascades: bool) -> (Table, Table) {
    let parents = db.table("parents", column("id", Integer).primary_key()).unwrap();
    let key = column("parent_id", Integer).references("parents.id");
    let children = (
        column("id", Integer).primary_key(),
        column("name", Varchar(20)),
        if cascades { key.on_delete(Action::Cascade) } else { key },
    );
    let children = db.table("children", children).unwrap();
    db.create_all().unwrap();
    insert(&parents).rows(["id"], [[1], [2]]).run(db).unwrap();
    let all = [("a", 1), ("b", 1), ("c", 1), ("d", 2)];
    insert(&children).rows(["name", "parent_id"], all).run(db).unwrap();
    (parents, children)
}

/// The same without any.
fn empty(db: &Db) -> (Table, Table) {
    let (parents, children) = family(db, false);
    delete(&children).all_rows().run(db).unwrap();
    delete(&parents).all_rows().run(db).unwrap();
    (parents, children)
}

/// Tags of the children.
fn tags(db: &Db) -> Table {
    let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Varchar(9)))).unwrap();
    let link = (
        column("child_id", Integer).primary_key().references("children.id"),
        column("tag_id", Integer).primary_key().references("tags.id"),
    );
    db.table("child_tags", link).unwrap();
    db.create_all().unwrap();
    tags
}

fn names(db: &Db, children: &Table) -> Vec<String> {
    select(children.c("name")).order_by(children.c("name")).scalars(db).unwrap()
}

fn named(list: &[Record], name: &str) -> Record {
    list.iter().find(|record| record.get::<String>("name").unwrap() == name).unwrap().clone()
}

#[test]
fn r5_2_4_what_is_taken_out_of_what_owns_it_is_deleted() {
    each_backend(|db| {
        let (parents, children) = family(db, false);
        db.relate(&parents, relationship("children", &children).owns()).unwrap();
        let session = db.session();
        let (one, two) = (session.get_one(&parents, 1).unwrap(), session.get_one(&parents, 2).unwrap());
        let list = one.related("children").unwrap();
        one.remove("children", &named(&list, "a")).unwrap();
        // Put into another one before the flush, it stays.
        let moved = named(&list, "b");
        one.remove("children", &moved).unwrap();
        two.append("children", &moved).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(committed.changes.of(&children).len(), 2, "{:?}", committed.changes);
        assert_eq!(names(db, &children), ["b", "c", "d"]);
        assert_eq!(moved.get::<i64>("parent_id").unwrap(), 2);
        // From the other side, and by replacing the list; a new one that was never anybody's is not inserted.
        let new = children.record(values! { "name" => "new" }).unwrap();
        one.append("children", &new).unwrap();
        one.remove("children", &new).unwrap();
        two.replace("children", &[named(&two.related("children").unwrap(), "d")]).unwrap();
        named(&one.related("children").unwrap(), "c").set_related("parent", None).unwrap();
        session.commit().unwrap();
        assert_eq!(names(db, &children), ["d"]);
        // All go with the one they belong to.
        session.delete(&two).unwrap();
        session.commit().unwrap();
        assert!(names(db, &children).is_empty());
        session.rollback().unwrap();
        // Who never belonged to anybody is nobody's to be deleted.
        insert(&children).rows(["name"], [["loose"]]).run(db).unwrap();
        let loose = session.query(&children).filter(children.c("name").eq("loose")).one().unwrap();
        loose.set_related("parent", None).unwrap();
        let new = session.add(children.record(values! { "name" => "never" }).unwrap()).unwrap();
        new.set_related("parent", None).unwrap();
        session.commit().unwrap();
        assert_eq!(names(db, &children), ["loose", "never"]);
        let wrong = db.relate(&children, relationship("owner", &parents).owns()).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
        assert!(wrong.to_string().contains("owns no rows"), "{wrong}");
    });
}

#[test]
fn r5_2_opt_passive_deletes() {
    each_backend(|db| {
        let (parents, children) = family(db, true);
        let rule = relationship("children", &children).on_delete(OnParentDelete::DeleteLoaded);
        db.relate(&parents, rule).unwrap();
        let session = db.session();
        let held = session.query(&children).filter(children.c("name").eq("a")).one().unwrap();
        let moved = session.query(&children).filter(children.c("name").eq("b")).one().unwrap();
        let (one, two) = (session.get_one(&parents, 1).unwrap(), session.get_one(&parents, 2).unwrap());
        two.append("children", &moved).unwrap();
        session.delete(&one).unwrap();
        let committed = session.commit().unwrap();
        let gone = committed.changes.of(&children);
        let deleted: Vec<_> =
            gone.iter().filter(|c| c.operation == mirrorm::stmt::Operation::Delete).collect();
        assert_eq!(
            deleted.len(),
            1,
            "what the session holds is told, what it does not is not read: {gone:?}"
        );
        assert_eq!(held.state(), mirrorm::session::RecordState::Detached);
        assert_eq!(names(db, &children), ["b", "d"], "the database took the others along");
        assert_eq!(moved.get::<i64>("parent_id").unwrap(), 2);
    });
}

#[test]
fn r5_2_opt_passive_deletes_all() {
    each_backend(|db| {
        let (parents, children) = family(db, true);
        db.relate(&parents, relationship("children", &children).on_delete(OnParentDelete::Leave)).unwrap();
        let session = db.session();
        let held = session.query(&children).filter(children.c("name").eq("a")).one().unwrap();
        session.delete(&session.get_one(&parents, 1).unwrap()).unwrap();
        let committed = session.commit().unwrap();
        assert!(committed.changes.of(&children).is_empty());
        assert_eq!(names(db, &children), ["d"]);
        assert_eq!(session.refresh(&held).unwrap_err().kind(), ErrorKind::Stale, "who asks is told");
    });
}

#[test]
fn r5_2_opt_viewonly_and_primaryjoin() {
    each_backend(|db| {
        let (parents, children) = family(db, false);
        let early = relationship("early", &children).only(|column| column("name").lt("c"));
        db.relate(&parents, early.order_by(children.c("name").desc())).unwrap();
        // Columns that are equal and no key.
        db.relate(&children, relationship("twins", &parents).on(["id"], ["id"]).view_only()).unwrap();
        let session = db.session();
        let one = session.get_one(&parents, 1).unwrap();
        let found: Vec<String> =
            one.related("early").unwrap().iter().map(|r| r.get("name").unwrap()).collect();
        assert_eq!(found, ["b", "a"]);
        assert_eq!(one.related("children").unwrap().len(), 3, "the whole list is there beside it");
        for error in [
            one.append("early", &children.record(()).unwrap()).unwrap_err(),
            one.remove("early", &one.related("early").unwrap()[0]).unwrap_err(),
            one.replace("early", &[]).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("only read"), "{error}");
        }
        // Every way that leads along it is under the condition.
        let ids = |condition: Expr| -> Vec<i64> {
            select(parents.c("id")).filter(condition).order_by(parents.c("id")).scalars(db).unwrap()
        };
        assert_eq!(ids(parents.any("early", |_| true)), [1]);
        assert_eq!(ids(parents.any("children", |_| true)), [1, 2]);
        assert_eq!(session.query_related(&one, "early").unwrap().count().unwrap(), 2);
        assert_eq!(session.query(&parents).join("early").count().unwrap(), 2);
        let with = session.query(&parents).with("early").order_by(parents.c("id")).all().unwrap();
        assert_eq!(with[1].related("early").unwrap().len(), 0);
        let twin = session.get_one(&children, 2).unwrap();
        assert_eq!(twin.related("twins").unwrap().len(), 1);
        // Writing the other list shows when it was written; a delete takes nothing along by it.
        one.append("children", &children.record(values! { "name" => "aa" }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(one.related("early").unwrap().len(), 3);
        session.delete(&one).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::ForeignKey);
    });
}

#[test]
fn r5_2_5_what_nobody_owns_yet_is_saved() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        db.relate(&parents, relationship("children", &children).owns()).unwrap();
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let lone = session.add(children.record(values! { "name" => "lone" }).unwrap()).unwrap();
        session.flush().unwrap();
        assert!(lone.key().is_some(), "an orphan is who was taken from somebody");
        // Given and taken before it was saved: nobody wants it.
        let parent = session.add(parents.record(()).unwrap()).unwrap();
        let short = session.add(children.record(values! { "name" => "short" }).unwrap()).unwrap();
        parent.append("children", &short).unwrap();
        parent.remove("children", &short).unwrap();
        session.commit().unwrap();
        assert_eq!((session.query(&children).count().unwrap(), short.key()), (1, None));
        assert_eq!(short.state(), mirrorm::session::RecordState::Transient);
        session.add(short.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(session.query(&children).count().unwrap(), 2, "unless it is added again");
    });
}

#[test]
fn r5_2_12_expunge_merge_and_refresh_are_of_one_record() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        let session = db.session();
        let parent = session.add(parents.record(()).unwrap()).unwrap();
        let child = children.record(values! { "name" => "a" }).unwrap();
        parent.append("children", &child).unwrap();
        session.commit().unwrap();
        child.set("name", "set").unwrap();
        session.refresh(&parent).unwrap();
        assert_eq!(child.get::<String>("name").unwrap(), "set", "what it leads to keeps what was set");
        session.expire(&parent).unwrap();
        assert_eq!(child.get::<String>("name").unwrap(), "set");
        session.refresh(&parent).unwrap();
        session.expunge(&parent).unwrap();
        assert!(session.contains(&child));
        session.rollback().unwrap();
        let other = db.session();
        let merged = other.merge(&parent).unwrap();
        assert!(!merged.is_modified() && other.new_records().is_empty());
    });
}

#[test]
fn r5_4_session_merge_of_what_a_record_leads_to() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        let tags = tags(db);
        let session = db.session();
        let parent = session.add(parents.record(()).unwrap()).unwrap();
        let tag = tags.record(values! { "name" => "t" }).unwrap();
        for name in ["a", "b", "c"] {
            let child = children.record(values! { "name" => name }).unwrap();
            parent.append("children", &child).unwrap();
            child.append("tags", &tag).unwrap();
        }
        session.commit().unwrap();
        // A tree of another session, which does not save it.
        let other = db.session_with(SessionOptions::new().autoflush(false));
        let given = other.query(&parents).with("children.tags").one().unwrap();
        let list = given.related("children").unwrap();
        list[0].set("name", "new a").unwrap();
        list[1].related("tags").unwrap()[0].set("name", "new t").unwrap();
        let merged = session.merge_with(&given, ["children.tags"]).unwrap();
        assert_eq!(merged, parent);
        session.commit().unwrap();
        let names: Vec<String> = select(children.c("name")).order_by(children.c("id")).scalars(db).unwrap();
        assert_eq!(names, ["new a", "b", "c"]);
        assert_eq!(select(tags.c("name")).scalars::<String>(db).unwrap(), ["new t"]);
        other.close();
        assert_eq!(session.merge_with(&given, ["children"]).unwrap_err().kind(), ErrorKind::Detached);
        // A list leads to those that are given, and no others.
        let form = parents.record(values! { "id" => parent.get::<i64>("id").unwrap() }).unwrap();
        let of = |name: &str, id: Option<i64>| {
            let child = children.record(values! { "name" => name }).unwrap();
            id.into_iter().for_each(|id| child.set("id", id).unwrap());
            form.append("children", &child).unwrap();
        };
        let first: i64 = parent.related("children").unwrap()[0].get("id").unwrap();
        of("kept", Some(first));
        of("added", None);
        session.merge_with(&form, ["children"]).unwrap();
        session.commit().unwrap();
        let mut names: Vec<String> = session
            .query_related(&parent, "children")
            .unwrap()
            .all()
            .unwrap()
            .iter()
            .map(|c| c.get("name").unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["added", "kept"]);
        // A relationship that nobody wrote stays as it is, and so does a key that was set.
        let bare = parents.record(values! { "id" => parent.get::<i64>("id").unwrap() }).unwrap();
        session.merge_with(&bare, ["children"]).unwrap();
        let moved = session.query_related(&parent, "children").unwrap().first().unwrap().unwrap();
        let second = session.add(parents.record(()).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(session.query_related(&parent, "children").unwrap().count().unwrap(), 2);
        let to: i64 = second.get("id").unwrap();
        let by_key = values! { "id" => moved.get::<i64>("id").unwrap(), "parent_id" => to };
        session.merge_with(&children.record(by_key).unwrap(), ["parent"]).unwrap();
        session.commit().unwrap();
        assert_eq!(moved.get::<i64>("parent_id").unwrap(), to);
        let wrong = session.merge_with(&form, ["childen"]).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn r5_2_opt_order_by() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        let order = (children.c("name").desc(), children.c("id"));
        db.relate(&parents, relationship("children", &children).order_by(order)).unwrap();
        let session = db.session();
        let parent = session.add(parents.record(()).unwrap()).unwrap();
        for name in ["b", "c", "a", "c"] {
            parent.append("children", &children.record(values! { "name" => name }).unwrap()).unwrap();
        }
        session.commit().unwrap();
        for query in [
            session.query(&parents),
            session.query(&parents).with("children"),
            session.query(&parents).with_joined("children"),
        ] {
            let found = query.populate_existing().one().unwrap();
            let names: Vec<String> =
                found.related("children").unwrap().iter().map(|child| child.get("name").unwrap()).collect();
            assert_eq!(names, ["c", "c", "b", "a"]);
            session.rollback().unwrap();
        }
        let listed = session.query_related(&parent, "children").unwrap().limit(2).all().unwrap();
        assert!(listed.iter().all(|child| child.get::<String>("name").unwrap() == "c"));
    });
}

#[test]
fn r5_2_opt_lazy() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        let fill = db.session();
        let parent = fill.add(parents.record(()).unwrap()).unwrap();
        parent.append("children", &children.record(values! { "name" => "a" }).unwrap()).unwrap();
        fill.commit().unwrap();
        type Edit = fn(Query<'_>) -> Query<'_>;
        let ways: [(&str, Edit, usize, bool); 4] = [
            ("select", |query| query, 2, true),
            ("selectin", |query| query.with("children").forbid_lazy(), 2, true),
            ("joined", |query| query.with_joined("children").forbid_lazy(), 1, true),
            ("raise", |query| query.forbid_lazy(), 1, false),
        ];
        for (way, edit, statements, loads) in ways {
            let session = db.session();
            let recording = mirrorm::Recorder::new().start(db);
            let found = edit(session.query(&parents)).one().unwrap();
            let related = found.related("children");
            assert_eq!((related.is_ok(), recording.queries().len()), (loads, statements), "{way}");
            if let Err(error) = related {
                assert!(
                    error.kind() == ErrorKind::Invalid && error.to_string().contains("with(\"children\")"),
                    "{error}"
                );
            }
        }
    });
}

#[test]
fn r5_4_session_merge_sends_nothing_before_it_is_known_whose_it_is() {
    each_backend(|db| {
        let users = db.table("users", column("id", Integer).primary_key()).unwrap();
        let owner = column("user_id", Integer).not_null().references("users.id");
        let posts = (column("id", Integer).primary_key(), column("title", Varchar(9)), owner);
        let posts = db.table("posts", posts).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let given = users.record(()).unwrap();
        given.append("posts", &posts.record(values! { "title" => "a" }).unwrap()).unwrap();
        let user = session.merge_with(&given, ["posts"]).unwrap();
        session.commit().unwrap();
        assert_eq!(session.query_related(&user, "posts").unwrap().count().unwrap(), 1);
        let post = posts.record(values! { "title" => "b" }).unwrap();
        post.set_related("user", &users.record(()).unwrap()).unwrap();
        session.merge_with(&post, ["user"]).unwrap();
        session.commit().unwrap();
        assert_eq!((session.query(&users).count().unwrap(), session.query(&posts).count().unwrap()), (2, 2));
    });
}

#[test]
fn r5_4_session_merge_tells_records_apart_that_nobody_holds() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        let tags = tags(db);
        let fill = db.session();
        let parent = fill.add(parents.record(()).unwrap()).unwrap();
        for n in 0..20 {
            let child = children.record(values! { "name" => format!("c{n}") }).unwrap();
            parent.append("children", &child).unwrap();
            for of in 0..9 {
                let name = format!("{n}-{of}");
                child.append("tags", &tags.record(values! { "name" => name }).unwrap()).unwrap();
            }
        }
        fill.commit().unwrap();
        let other = db.session();
        let given = other.query(&parents).with("children.tags").one().unwrap();
        let session = db.session();
        session.merge_with(&given, ["children.tags"]).unwrap();
        assert!(!session.is_modified(), "nothing was changed");
        for child in session.query(&children).with("tags").all().unwrap() {
            let own = child.get::<String>("name").unwrap().replace('c', "");
            let all = child.related("tags").unwrap();
            assert_eq!(all.len(), 9);
            assert!(all.iter().all(|tag| tag.get::<String>("name").unwrap().starts_with(&format!("{own}-"))));
        }
    });
}

#[test]
fn r5_2_4_an_orphan_does_not_come_back_through_another_list() {
    each_backend(|db| {
        let (parents, children) = empty(db);
        let tags = tags(db);
        db.relate(&parents, relationship("children", &children).owns()).unwrap();
        db.create_all().unwrap();
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let parent = session.add(parents.record(()).unwrap()).unwrap();
        let tag = session.add(tags.record(()).unwrap()).unwrap();
        let child = children.record(values! { "name" => "orphan" }).unwrap();
        parent.append("children", &child).unwrap();
        child.append("tags", &tag).unwrap();
        parent.remove("children", &child).unwrap();
        session.commit().unwrap();
        assert_eq!(
            (session.query(&children).count().unwrap(), tag.related("children").unwrap().len()),
            (0, 0)
        );
    });
}
