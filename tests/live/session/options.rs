//! Options of relationships by name (§5.2): owned rows, rows that are left to the database, lists that are only read.

use mirrorm::prelude::*;
use mirrorm::schema::Action;
use mirrorm::session::{OnParentDelete, relationship};

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
