//! Versions of rows (§5.6.10): nobody overwrites what he has not seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mirrorm::prelude::*;
use mirrorm::schema::Column;

use crate::support::{dialect, each_backend};

fn pages(db: &Db) -> Table {
    let columns = (
        column("id", Integer).primary_key(),
        column("text", Varchar(40)),
        column("version", Integer).version(),
    );
    let pages = db.table("pages", columns).unwrap();
    db.create_all().unwrap();
    pages
}

fn stored(db: &Db, table: &Table) -> Vec<(String, i64)> {
    let rows = select((table.c("text"), table.c("version"))).order_by(table.c("id")).all(db).unwrap();
    rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect()
}

fn row(text: &str, version: i64) -> (String, i64) {
    (text.to_string(), version)
}

#[test]
fn r5_6_10_versions_are_counted() {
    each_backend(|db| {
        let pages = pages(db);
        let session = db.session();
        let page = session.add(pages.record(values! { "text" => "a" }).unwrap()).unwrap();
        let given = session.add(pages.record(values! { "text" => "b", "version" => 7 }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages), [row("a", 1), row("b", 7)]);
        page.set("text", "c").unwrap();
        given.set("text", "d").unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages), [row("c", 2), row("d", 8)]);
        assert_eq!(page.get::<i64>("version").unwrap(), 2);
        // Nothing that differs counts nothing.
        page.set("text", "c").unwrap();
        assert!(session.flush().is_ok());
        page.set("text", "e").unwrap();
        session.flush().unwrap();
        page.set("text", "f").unwrap();
        session.flush().unwrap();
        assert_eq!(page.get::<i64>("version").unwrap(), 4, "each flush writes another");
        session.rollback().unwrap();
        assert_eq!(page.get::<i64>("version").unwrap(), 2, "as the row is");
        assert_eq!(stored(db, &pages), [row("c", 2), row("d", 8)]);
        // Whoever builds a statement counts, too, without being asked for one.
        let changed = update(&pages).set(values! { "text" => "g" }).filter(pages.c("id").eq(2));
        assert_eq!(changed.run(db).unwrap(), 1);
        assert_eq!(stored(db, &pages)[1], row("g", 9));
        let put = insert(&pages).values(values! { "id" => 2, "text" => "h", "version" => 1 });
        put.upsert(["id"], ["text"]).run(db).unwrap();
        assert_eq!(stored(db, &pages)[1], row("h", 10));
        session.delete(&session.get(&pages, 2).unwrap().unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages).len(), 1);
    });
}

#[test]
fn r5_6_10_who_comes_second_is_told() {
    each_backend(|db| {
        let pages = pages(db);
        insert(&pages).rows(["text"], [["a"], ["b"], ["c"]]).run(db).unwrap();
        let (one, two) = (db.session(), db.session());
        let mine = one.query(&pages).order_by(pages.c("id")).all().unwrap();
        one.commit().unwrap();
        let other = two.get(&pages, 2).unwrap().unwrap();
        other.set("text", "of the other").unwrap();
        two.commit().unwrap();
        mine.iter().for_each(|page| page.set("text", "mine").unwrap());
        let error = one.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale);
        let text = error.to_string();
        assert!(text.contains("pages 2 ") && text.contains("`version` is 2, not 1"), "{text}");
        assert_eq!(error.columns(), ["version"]);
        one.rollback().unwrap();
        assert_eq!(stored(db, &pages), [row("a", 1), row("of the other", 2), row("c", 1)], "all or nothing");
        // A value that is equal to the old one is a change by now, and refused as well.
        mine[1].set("text", "b").unwrap();
        assert_eq!(one.commit().unwrap_err().kind(), ErrorKind::Stale);
        one.rollback().unwrap();
        // Who looks again decides.
        one.refresh(&mine[1]).unwrap();
        mine[1].set("text", "both").unwrap();
        one.commit().unwrap();
        assert_eq!(stored(db, &pages)[1], row("both", 3));
        // Deleting what somebody changed is refused, too; so is changing what somebody deleted.
        assert_eq!(
            two.delete(&other).and_then(|()| two.commit().map(|_| ())).unwrap_err().kind(),
            ErrorKind::Stale
        );
        two.rollback().unwrap();
        assert_eq!(stored(db, &pages).len(), 3);
        one.delete_all(&mine).unwrap();
        one.commit().unwrap();
        other.set("text", "late").unwrap();
        assert_eq!(two.commit().unwrap_err().kind(), ErrorKind::Stale);
    });
}

#[test]
fn r5_6_10_what_was_changed_keeps_the_version_it_was_read_with() {
    each_backend(|db| {
        let pages = pages(db);
        let notes = (column("id", Integer).primary_key(), column("page_id", Integer).references("pages.id"));
        db.table("notes", notes).unwrap();
        db.create_all().unwrap();
        insert(&pages).rows(["text"], [["a"], ["b"]]).run(db).unwrap();
        let session = db.session();
        let page = session.get_one(&pages, 1).unwrap();
        session.commit().unwrap();
        let other = |id: i64| {
            let set = update(&pages).set(values! { "text" => "of the other" }).filter(pages.c("id").eq(id));
            set.run(db).unwrap();
        };
        other(1);
        page.set("text", "mine").unwrap();
        // Meeting the newer row does not make it the one that was seen.
        session.no_autoflush(|session| session.query(&pages).all().map(|_| ())).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        assert_eq!(stored(db, &pages)[0], row("of the other", 2));
        // Nor does a delete of a record of some columns, whatever points to its table.
        let some = session.query(&pages).load_only(["text"]).filter(pages.c("id").eq(2)).one().unwrap();
        session.commit().unwrap();
        other(2);
        session.delete(&some).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        assert_eq!(stored(db, &pages).len(), 2);
        // An expired record has none to keep, with an expression too.
        session.expire(&page).unwrap();
        page.set("text", func::upper(pages.c("text"))).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages)[0], row("OF THE OTHER", 3));
    });
}

#[test]
fn r5_6_10_versions_of_the_program() {
    each_backend(|db| {
        let next = Arc::new(AtomicI64::new(0));
        let made = move || Value::from(format!("v{}", next.fetch_add(1, Ordering::Relaxed)));
        let columns = (
            column("id", Integer).primary_key(),
            column("text", Varchar(40)),
            column("tag", Varchar(40)).version_with(made),
        );
        let pages = db.table("pages", columns).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let page = session.add(pages.record(values! { "text" => "a" }).unwrap()).unwrap();
        session.commit().unwrap();
        let first: String = page.get("tag").unwrap();
        update(&pages).set(values! { "text" => "b" }).all_rows().run(db).unwrap();
        page.set("text", "c").unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        session.refresh(&page).unwrap();
        let second: String = page.get("tag").unwrap();
        page.set("text", "d").unwrap();
        session.commit().unwrap();
        let third: String = page.get("tag").unwrap();
        assert!(first != second && second != third, "{first} {second} {third}");
        assert_eq!(select(pages.c("tag")).scalar::<String>(db).unwrap(), third);
    });
}

#[test]
fn r5_6_10_versions_of_the_server() {
    each_backend(|db| {
        let columns = (
            column("id", Integer).primary_key(),
            column("text", Varchar(40)),
            column("version", Integer).version_of_server().server_default(1),
        );
        let pages = db.table("pages", columns).unwrap();
        db.create_all().unwrap();
        let triggers: &[&str] = match dialect(db) {
            "sqlite" => &["CREATE TRIGGER counts AFTER UPDATE OF text ON pages BEGIN \
                           UPDATE pages SET version = old.version + 1 WHERE id = new.id; END"],
            "postgresql" => &[
                "CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN NEW.version := OLD.version + 1; RETURN NEW; END'",
                "CREATE TRIGGER counts BEFORE UPDATE ON pages FOR EACH ROW EXECUTE FUNCTION counts()",
            ],
            _ => &[
                "CREATE TRIGGER counts BEFORE UPDATE ON pages FOR EACH ROW SET NEW.version = OLD.version + 1",
            ],
        };
        for sql in triggers {
            db.execute(sql, ()).unwrap();
        }
        let session = db.session();
        let page = session.add(pages.record(values! { "text" => "a" }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(page.get::<i64>("version").unwrap(), 1);
        page.set("text", "b").unwrap();
        session.commit().unwrap();
        assert_eq!(page.get::<i64>("version").unwrap(), 2, "read back");
        page.set("text", "c").unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages), [row("c", 3)]);
        update(&pages).set(values! { "text" => "d" }).all_rows().run(db).unwrap();
        page.set("text", "e").unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        assert_eq!(stored(db, &pages), [row("d", 4)]);
    });
}

#[test]
fn r5_6_10_nobody_sets_a_version_by_hand() {
    each_backend(|db| {
        let pages = pages(db);
        insert(&pages).rows(["text"], [["a"]]).run(db).unwrap();
        let session = db.session();
        let page = session.get(&pages, 1).unwrap().unwrap();
        for refused in [page.set("version", 9), page.set_all(values! { "text" => "b", "version" => 9 })] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("the version of the row"), "{error}");
        }
        assert!(!page.is_modified());
        // What a form brings back names the version that was seen.
        let form = |version: i64| {
            pages.record(values! { "id" => 1, "text" => format!("{version}"), "version" => version }).unwrap()
        };
        session.merge(&form(1)).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages), [row("1", 2)]);
        let late = session.merge(&form(1)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Stale);
        session.merge(&pages.record(values! { "id" => 1, "text" => "without" }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &pages), [row("without", 3)]);
        // One that cannot go on is told before anything is sent.
        update(&pages).set(values! { "version" => i64::from(i32::MAX) }).all_rows().run(db).unwrap();
        session.refresh(&page).unwrap();
        page.set("text", "too late").unwrap();
        assert_eq!(session.commit().is_ok(), dialect(db) == "sqlite", "others have 32 bits");
    });
}

#[test]
fn r5_6_10_versions_of_a_database_found() {
    each_backend(|db| {
        db.execute("CREATE TABLE pages (id integer PRIMARY KEY, text varchar(40), lock_version integer)", ())
            .unwrap();
        db.execute("INSERT INTO pages VALUES (1, 'a', 5), (2, 'b', NULL)", ()).unwrap();
        db.reflect().unwrap();
        let parts = (attribute("version").of("lock_version").version(), extend_existing());
        let pages = db.table("pages", parts).unwrap();
        let session = db.session();
        let all = session.query(&pages).order_by(pages.c("id")).all().unwrap();
        all[0].set("text", "c").unwrap();
        session.commit().unwrap();
        assert_eq!(all[0].get::<i64>("version").unwrap(), 6);
        all[1].set("text", "d").unwrap();
        let none = session.commit().unwrap_err();
        assert_eq!(none.kind(), ErrorKind::Invalid);
        assert!(none.to_string().contains("no next version"), "{none}");
        session.rollback().unwrap();
        let new = session.add(pages.record(values! { "id" => 3, "text" => "new" }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(new.get::<i64>("version").unwrap(), 1);
    });
}

#[test]
fn r5_6_10_versions_that_cannot_be() {
    let wrong = |columns: (Column, Column)| Table::new("t", columns).map(|_| ()).unwrap_err();
    let id = || column("id", Integer).primary_key();
    let texts = wrong((id(), column("version", Text).version()));
    assert!(texts.to_string().contains("no integer"), "{texts}");
    let two = wrong((column("a", Integer).version(), column("b", Integer).version()));
    assert!(two.to_string().contains("two columns"), "{two}");
    let key = wrong((column("id", Integer).primary_key().version(), column("a", Text)));
    assert!(key.to_string().contains("primary key"), "{key}");
    assert_eq!(key.kind(), ErrorKind::Invalid);
}

/// PostgreSQL has a version of every row itself: the transaction that wrote it.
#[test]
fn r5_6_10_versions_that_every_row_has() {
    each_backend(|db| {
        if dialect(db) != "postgresql" {
            return;
        }
        let xmin = || column("xmin", Type::Other("xid".into())).system().version_of_server();
        let columns = (column("id", Integer).primary_key(), column("text", Varchar(40)), xmin());
        let made = db.table("made", columns).unwrap();
        db.create_all().unwrap();
        db.execute("CREATE TABLE found (id serial PRIMARY KEY, text varchar(40))", ()).unwrap();
        db.reflect().unwrap();
        let found = db.table("found", (xmin(), extend_existing())).unwrap();
        db.reflect().unwrap();
        assert!(found.def().column("xmin").is_ok(), "what was added stays when the table is read again");
        for pages in [made, found] {
            let (session, other) = (db.session(), db.session());
            let texts =
                |texts: [&str; 3]| texts.map(|text| pages.record(values! { "text" => text }).unwrap());
            let all = session.add_all(texts(["a", "b", "c"])).unwrap();
            session.flush().unwrap();
            let first = all[0].value("xmin").unwrap();
            all.iter().for_each(|page| page.set("text", "d").unwrap());
            session.flush().unwrap();
            assert_eq!(all[2].value("xmin").unwrap(), first, "of the same transaction");
            session
                .nested(|session| {
                    all[1].set("text", "in a savepoint")?;
                    session.flush()
                })
                .unwrap();
            all[1].set("text", "behind it").unwrap();
            session.rollback().unwrap();
            // What was undone is added again, without what every row has.
            session.add_all(all.clone()).unwrap();
            session.commit().unwrap();
            all.iter().for_each(|page| page.set("text", "e").unwrap());
            session.commit().unwrap();
            assert!(all[0].value("xmin").unwrap() != first && !all[0].value("xmin").unwrap().is_null());
            // Somebody else changes one of them.
            let its = other.get(&pages, all[1].key().unwrap()).unwrap().unwrap();
            its.set("text", "of somebody else").unwrap();
            other.commit().unwrap();
            all.iter().for_each(|page| page.set("text", "too late").unwrap());
            let late = session.commit().unwrap_err();
            assert_eq!(late.kind(), ErrorKind::Stale);
            session.rollback().unwrap();
            session.delete(&all[1]).unwrap();
            assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale, "nor is it deleted");
            session.rollback().unwrap();
            all.iter().for_each(|page| session.refresh(page).unwrap());
            all.iter().for_each(|page| session.delete(page).unwrap());
            session.commit().unwrap();
            assert_eq!(select(&pages).all(db).unwrap().len(), 0);
            let refused = pages.record(values! { "text" => "a", "xmin" => 5 }).and_then(|page| {
                session.add(page)?;
                session.commit()
            });
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
            assert!(refused.to_string().contains("the database's own"), "{refused}");
        }
    });
}

/// Rows of tables without a key have a number on SQLite.
#[test]
fn the_number_of_a_row_is_a_key() {
    let db = Db::open("sqlite://").unwrap();
    db.execute("CREATE TABLE log (line TEXT)", ()).unwrap();
    db.reflect().unwrap();
    let log = db.table("log", (column("rowid", Integer).system().primary_key(), extend_existing())).unwrap();
    insert(&log).rows(["line"], [["a"], ["b"]]).run(&db).unwrap();
    let session = db.session();
    let all = session.query(&log).order_by(log.c("rowid")).all().unwrap();
    all[0].set("line", "c").unwrap();
    session.delete(&all[1]).unwrap();
    let new = session.add(log.record(values! { "line" => "new" }).unwrap()).unwrap();
    session.commit().unwrap();
    assert_eq!(new.get::<i64>("rowid").unwrap(), 2);
    let rows = select(&log).order_by(log.c("rowid")).all(&db).unwrap();
    let rows: Vec<(i64, String)> =
        rows.iter().map(|r| (r.get("rowid").unwrap(), r.get("line").unwrap())).collect();
    assert_eq!(rows, [(1, "c".to_string()), (2, "new".to_string())]);
    let refused = new.set("rowid", 9).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("the database's own"), "{refused}");
    // What names no row is not saved as another one.
    let nobody = session.merge(&log.record(values! { "rowid" => 99, "line" => "x" }).unwrap()).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Invalid, "{nobody}");
    let own = session.merge(&log.record(values! { "rowid" => 2, "line" => "merged" }).unwrap()).unwrap();
    assert_eq!(own, new);
    session.commit().unwrap();
    let other = Db::open("sqlite://").unwrap();
    other.table("only", column("rowid", Integer).system().primary_key()).unwrap();
    assert!(other.create_all().unwrap_err().to_string().contains("has no columns"));
    // A table that links two others does so still.
    db.execute_script(
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);
         CREATE TABLE a_b (a_id INTEGER REFERENCES a, b_id INTEGER REFERENCES b);
         INSERT INTO a VALUES (1); INSERT INTO b VALUES (5); INSERT INTO a_b VALUES (1, 5);",
    )
    .unwrap();
    db.reflect().unwrap();
    db.table("a_b", (column("rowid", Integer).system().primary_key(), extend_existing())).unwrap();
    let a = session.get_one(&db.table_named("a").unwrap(), 1).unwrap();
    assert_eq!(a.related("b").unwrap().len(), 1);
    session.commit().unwrap();
    // Made here, it is a table without a key.
    let columns = (column("rowid", Integer).system().primary_key(), column("line", Text));
    let made = db.table("made", columns).unwrap();
    db.create_all().unwrap();
    let sql: String = db
        .query_text("SELECT sql FROM sqlite_schema WHERE name = 'made'", ())
        .unwrap()
        .scalars()
        .unwrap()
        .remove(0);
    assert!(!sql.contains("rowid") && !sql.contains("KEY"), "{sql}");
    session.add(made.record(values! { "line" => "a" }).unwrap()).unwrap();
    session.commit().unwrap();
}
