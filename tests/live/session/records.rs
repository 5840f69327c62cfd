use std::sync::Arc;

use mirrorm::dialect::Intent;
use mirrorm::prelude::*;
use mirrorm::session::{RecordState, Transition};

use super::{blog, said, text};
use crate::support::each_backend;

#[test]
fn r5_5_3_a_record_from_birth_to_death() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        let ann = b.user("ann");
        assert_eq!(ann.state(), RecordState::Transient);
        session.add(ann.clone()).unwrap();
        assert_eq!((ann.state(), session.new_records()), (RecordState::Pending, vec![ann.clone()]));
        session.flush().unwrap();
        assert_eq!(ann.state(), RecordState::Persistent);
        assert_eq!(ann.get::<i64>("id").unwrap(), 1);
        assert_eq!(ann.get::<i64>("karma").unwrap(), 7, "what the server gave is there after the flush");
        let committed = session.commit().unwrap();
        assert_eq!(said(&committed.changes), ["insert users 1"]);
        session.delete(&ann).unwrap();
        assert_eq!(session.deleted(), std::slice::from_ref(&ann));
        session.flush().unwrap();
        assert_eq!(ann.state(), RecordState::Deleted);
        assert_eq!(said(&session.commit().unwrap().changes), ["delete users 1"]);
        assert_eq!(ann.state(), RecordState::Detached);
        assert_eq!(text(&ann, "name"), "ann", "a detached record still says what it was");
        assert_eq!(session.query(&b.users).count().unwrap(), 0);
    });
}

#[test]
fn r5_9_every_transition_is_told() {
    each_backend(|db| {
        let b = blog(db);
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let own = told.clone();
        let _told = db.signals().state_changed.connect(move |_, t: &Transition| {
            own.lock().unwrap().push((t.from, t.to));
        });
        let take = || std::mem::take(&mut *told.lock().unwrap());
        use RecordState::*;
        let session = db.session();
        let ann = session.add(b.user("ann")).unwrap();
        assert_eq!(take(), [(Some(Transient), Pending)]);
        session.expunge(&ann).unwrap();
        assert_eq!(take(), [(Some(Pending), Transient)]);
        session.add(ann.clone()).unwrap();
        session.flush().unwrap();
        assert_eq!(take(), [(Some(Transient), Pending), (Some(Pending), Persistent)]);
        session.rollback().unwrap();
        assert_eq!(take(), [(Some(Persistent), Transient)]);
        session.add(ann.clone()).unwrap();
        session.commit().unwrap();
        take();
        session.delete(&ann).unwrap();
        session.flush().unwrap();
        assert_eq!(take(), [(Some(Persistent), Deleted)]);
        session.rollback().unwrap();
        assert_eq!(take(), [(Some(Deleted), Persistent)]);
        session.expunge(&ann).unwrap();
        assert_eq!(take(), [(Some(Persistent), Detached)]);
        session.add(ann.clone()).unwrap();
        assert_eq!(take(), [(Some(Detached), Persistent)]);
        session.delete(&ann).unwrap();
        session.commit().unwrap();
        assert_eq!(take(), [(Some(Persistent), Deleted), (Some(Deleted), Detached)]);
        b.fill(db, &["ben"]);
        let _ben = session.query(&b.users).one().unwrap();
        assert_eq!(take(), [(None, Persistent)], "a record made of a row that was read");
    });
}

#[test]
fn r5_5_1_one_record_a_row() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        assert_eq!(session.get(&b.users, 1).unwrap().as_ref(), Some(&ann));
        assert_eq!(session.query(&b.users).order_by(b.users.c("id")).first().unwrap().as_ref(), Some(&ann));
        assert!(session.get(&b.users, 3).unwrap().is_none());
        let other = db.session();
        let same = other.get(&b.users, 1).unwrap().unwrap();
        assert_ne!(same, ann);
        assert!(same.same_row(&ann));
        assert!(session.contains(&ann) && !session.contains(&same));
        drop(other);
        drop((ann, session));
    });
}

#[test]
fn r5_4_session_get_keys_of_several_columns_and_of_text() {
    each_backend(|db| {
        let seats = (
            column("line", Varchar(40)).primary_key(),
            column("number", Integer).primary_key(),
            column("name", Text),
        );
        let seats = db.table("seats", seats).unwrap();
        let codes =
            db.table("codes", (column("code", Varchar(40)).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        for number in 1..=3 {
            let values = values! { "line" => "A", "number" => number, "name" => format!("seat {number}") };
            session.add(seats.record(values).unwrap()).unwrap();
        }
        session.add(codes.record(values! { "code" => "x", "n" => 1 }).unwrap()).unwrap();
        session.commit().unwrap();
        let two = session.get(&seats, ("A", 2)).unwrap().unwrap();
        assert_eq!(text(&two, "name"), "seat 2");
        two.set("name", "mine").unwrap();
        let code = session.get(&codes, "x").unwrap().unwrap();
        code.set("n", 2).unwrap();
        session.delete(&session.get(&seats, ("A", 3)).unwrap().unwrap()).unwrap();
        assert_eq!(
            said(&session.commit().unwrap().changes),
            ["update seats A/2", "update codes x", "delete seats A/3"]
        );
        assert_eq!(text(&db.session().get(&seats, ("A", 2)).unwrap().unwrap(), "name"), "mine");
        assert_eq!(db.session().get(&codes, "x").unwrap().unwrap().get::<i64>("n").unwrap(), 2);
        assert!(session.get(&seats, ("A", 3)).unwrap().is_none());
    });
}

/// The two-session case: what one commits, the other sees after its own transaction.
#[test]
fn open_closed_open() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let (one, two) = (db.session(), db.session());
        let ann = one.query(&b.users).one().unwrap();
        one.commit().unwrap();
        let other = two.get(&b.users, 1).unwrap().unwrap();
        other.set("name", "closed").unwrap();
        two.commit().unwrap();
        assert_eq!(text(&ann, "name"), "ann", "reading an attribute asks nobody");
        let again = one.get(&b.users, 1).unwrap().unwrap();
        assert_eq!((&again, text(&ann, "name").as_str()), (&ann, "closed"));
        one.commit().unwrap();
        // To `closed` and back: against the value one read before, nothing changed; the database
        // says otherwise.
        other.set("name", "open").unwrap();
        two.commit().unwrap();
        ann.set("name", "closed").unwrap();
        let changes = one.commit().unwrap().changes;
        assert_eq!(b.names(db), ["closed"], "an equal value of an old transaction is written");
        let diff: Vec<String> =
            changes.iter().flat_map(|c| c.diff()).map(|field| field.to_string()).collect();
        assert_eq!(diff, ["name: open -> closed"], "the old side is what the database had");
        // The same again is no change: the database is asked, and says so.
        ann.set("name", "closed").unwrap();
        assert!(one.commit().unwrap().changes.is_empty());
    });
}

#[test]
fn a_query_brings_clean_columns_up_to_date_and_keeps_changes() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let ann = session.query(&b.users).one().unwrap();
        session.commit().unwrap();
        db.execute("UPDATE users SET name = 'anna', karma = 9", ()).unwrap();
        ann.set("karma", 100).unwrap();
        session.query(&b.users).one().unwrap();
        assert_eq!((text(&ann, "name").as_str(), ann.get::<i64>("karma").unwrap()), ("anna", 100));
        let history = ann.history("karma").unwrap();
        assert_eq!(history.to_string(), "karma: 9 -> 100", "the old side is what was read last");
        assert_eq!(ann.changed().len(), 1);
    });
}

#[test]
fn r5_5_7_an_equal_value_is_no_change() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("name", "ann").unwrap();
        assert!(!ann.is_modified() && session.dirty().is_empty());
        assert!(session.commit().unwrap().changes.is_empty());
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        ann.set("name", "x").unwrap();
        assert_eq!(session.dirty(), std::slice::from_ref(&ann));
        ann.set("name", "ann").unwrap();
        assert!(session.commit().unwrap().changes.is_empty(), "there and back is nothing");
    });
}

#[test]
fn r5_4_session_autoflush_queries_find_what_was_changed() {
    each_backend(|db| {
        let b = blog(db);
        let session = db.session();
        for name in ["ann", "ben", "cid", "dan"] {
            session.add(b.user(name)).unwrap();
        }
        let users = &b.users;
        let query = || session.query(users).order_by(users.c("name"));
        assert_eq!(query().count().unwrap(), 4, "a query flushes first");
        assert_eq!(text(&query().first().unwrap().unwrap(), "name"), "ann");
        assert_eq!(text(&query().offset(1).limit(2).all().unwrap()[1], "name"), "cid");
        assert_eq!(query().limit(3).count().unwrap(), 3);
        assert_eq!(query().filter(users.c("name").gt("b")).all().unwrap().len(), 3);
        assert_eq!(text(&query().filter_by(values! { "name" => "dan" }).one().unwrap(), "name"), "dan");
        assert!(query().filter_by(values! { "name" => "eve" }).one_or_none().unwrap().is_none());
        assert!(query().exists().unwrap());
        assert!(!query().filter_by(values! { "name" => "eve" }).exists().unwrap());
        assert_eq!(query().one().unwrap_err().kind(), ErrorKind::MultipleFound);
        let none = query().filter_by(values! { "name" => "eve" }).one();
        assert_eq!(none.unwrap_err().kind(), ErrorKind::NotFound);
        #[derive(serde::Deserialize, PartialEq, Debug)]
        struct Named {
            name: String,
        }
        assert_eq!(query().limit(1).all_as::<Named>().unwrap(), [Named { name: "ann".into() }]);
        assert_eq!(query().rows().unwrap().len(), 4);
        let streamed = query().stream(|records| {
            let mut names = Vec::new();
            for record in records {
                let record = record?;
                // Other statements run meanwhile, on the same session.
                assert_eq!(session.get(users, record.get::<i64>("id")?)?.as_ref(), Some(&record));
                names.push(record.get::<String>("name")?);
            }
            Ok(names)
        });
        assert_eq!(streamed.unwrap(), ["ann", "ben", "cid", "dan"]);
        // The session is also a place to run statements on.
        assert_eq!(select(users).count(&session).unwrap(), 4);
        session.rollback().unwrap();
        assert_eq!(query().count().unwrap(), 0);
    });
}

#[test]
fn r5_4_session_refresh_expire_and_refresh() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("karma", 5).unwrap();
        session.expire(&ann).unwrap();
        let error = ann.get::<String>("name").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unloaded);
        assert!(error.message().contains("refresh"), "{error}");
        assert_eq!(ann.get::<i64>("id").unwrap(), 1, "the key stays");
        session.refresh(&ann).unwrap();
        assert_eq!((text(&ann, "name").as_str(), ann.get::<i64>("karma").unwrap()), ("ann", 7));
        session.expire_all().unwrap();
        session.query(&b.users).one().unwrap();
        assert_eq!(text(&ann, "name"), "ann", "a query that meets it fills it again");
        // An expired record can be changed all the same.
        session.expire(&ann).unwrap();
        ann.set("name", "anna").unwrap();
        session.commit().unwrap();
        assert_eq!((b.names(db), text(&ann, "name").as_str()), (vec!["anna".to_string()], "anna"));
        let strict = db.session_with(SessionOptions::new().expire_on_commit(true));
        let ann = strict.query(&b.users).one().unwrap();
        strict.commit().unwrap();
        assert_eq!(ann.get::<String>("name").unwrap_err().kind(), ErrorKind::Unloaded);
        assert_eq!(text(&strict.get(&b.users, 1).unwrap().unwrap(), "name"), "anna");
    });
}

#[test]
fn r5_4_session_merge_merge_copies_onto_the_record_of_the_session() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let given = b.users.record(values! { "id" => 1, "name" => "anna" }).unwrap();
        let own = session.merge(&given).unwrap();
        assert_ne!(own, given);
        assert_eq!(given.state(), RecordState::Transient);
        let new = session.merge(&b.users.record(values! { "id" => 9, "name" => "new" }).unwrap()).unwrap();
        assert_eq!(new.state(), RecordState::Pending);
        assert_eq!(said(&session.commit().unwrap().changes), ["update users 1", "insert users 9"]);
        assert_eq!(b.names(db), ["anna", "new"]);
    });
}

#[test]
fn r5_5_10_values_outlive_the_session_and_records_can_join_another() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let ann = db.session().query(&b.users).one().unwrap();
        assert_eq!(ann.state(), RecordState::Detached);
        ann.set("name", "anna").unwrap();
        let session = db.session();
        session.add(ann.clone()).unwrap();
        assert_eq!(ann.state(), RecordState::Persistent);
        session.commit().unwrap();
        assert_eq!(b.names(db), ["anna"]);
        let closed = db.session();
        let again = closed.get(&b.users, 1).unwrap().unwrap();
        closed.close();
        assert_eq!((again.state(), text(&again, "name").as_str()), (RecordState::Detached, "anna"));
    });
}

#[test]
fn r5_5_5_rollback_gives_back_what_was() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        let [ann, ben] = session.query(&b.users).order_by(b.users.c("id")).all().unwrap().try_into().unwrap();
        let new = session.add(b.user("new")).unwrap();
        ann.set("name", "anna").unwrap();
        session.flush().unwrap();
        ann.set("name", "unsaved").unwrap();
        new.set("name", "newer").unwrap();
        session.delete(&ben).unwrap();
        session.flush().unwrap();
        new.set("karma", 1).unwrap();
        session.rollback().unwrap();
        assert_eq!(text(&ann, "name"), "ann");
        assert_eq!((new.state(), text(&new, "name").as_str()), (RecordState::Transient, "newer"));
        assert_eq!(new.get::<i64>("karma").unwrap(), 1, "its last values, flushed or not");
        assert_eq!(new.get::<i64>("id").unwrap_err().kind(), ErrorKind::Unloaded, "the key it got is gone");
        assert_eq!(ben.state(), RecordState::Persistent);
        assert!(!session.is_modified());
        session.add(new.clone()).unwrap();
        let changes = said(&session.commit().unwrap().changes);
        assert_eq!(changes, [format!("insert users {}", new.get::<i64>("id").unwrap())]);
        assert_eq!(b.names(db), ["ann", "ben", "newer"]);
    });
}

#[test]
fn a_rollback_leaves_what_was_let_go_alone() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("name", "anna").unwrap();
        session.flush().unwrap();
        session.expunge(&ann).unwrap();
        session.rollback().unwrap();
        assert_eq!((ann.state(), text(&ann, "name").as_str()), (RecordState::Detached, "ann"));
        let other = session.query(&b.users).one().unwrap();
        assert_ne!(other, ann, "a row has one record in a session, and it is not this one");
    });
}

#[test]
fn r5_4_session_begin_nested_savepoints_restore_their_level_only() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("name", "outer").unwrap();
        let savepoint = session.begin_nested().unwrap();
        ann.set("name", "inner").unwrap();
        let lost = session.add(b.user("lost")).unwrap();
        let deeper = session.begin_nested().unwrap();
        ann.set("name", "deeper").unwrap();
        session.flush().unwrap();
        deeper.release().unwrap();
        assert_eq!(text(&ann, "name"), "deeper");
        savepoint.rollback().unwrap();
        assert_eq!((text(&ann, "name").as_str(), lost.state()), ("outer", RecordState::Transient));
        let kept = session.nested(|session| session.add(b.user("kept"))).unwrap();
        let failed: Result<()> = session.nested(|session| {
            session.add(b.user("lost too"))?;
            Err(Error::new(ErrorKind::Invalid, "no"))
        });
        assert!(failed.is_err());
        let insert = format!("insert users {}", kept.get::<i64>("id").unwrap());
        assert_eq!(said(&session.commit().unwrap().changes), ["update users 1", &insert]);
        assert_eq!(b.names(db), ["outer", "kept"]);
    });
}

#[test]
fn transactions_by_closure() {
    each_backend(|db| {
        let b = blog(db);
        db.transaction(|session| session.add(b.user("ann"))).unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _: Result<()> = db.transaction(|session| {
                session.add(b.user("lost")).unwrap();
                session.flush().unwrap();
                panic!("a closure that panics")
            });
        }));
        assert!(panicked.is_err());
        let read = db.read(|session| {
            let ann = session.query(&b.users).one()?;
            ann.set("name", "changed")?;
            session.flush()
        });
        assert_eq!(read.unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(b.names(db), ["ann"]);
        let session = db.session();
        session.begin(Intent::Write).unwrap();
        assert_eq!(session.begin(Intent::Read).unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn a_table_that_changes_under_its_records() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        session.commit().unwrap();
        db.execute("ALTER TABLE users ADD COLUMN mail TEXT", ()).unwrap();
        db.table("users", (extend_existing(), column("mail", Text))).unwrap();
        assert_eq!(ann.get::<String>("mail").unwrap_err().kind(), ErrorKind::Unloaded);
        ann.set("mail", "a@b").unwrap();
        ann.set("name", "anna").unwrap();
        session.commit().unwrap();
        assert_eq!(text(&ann, "mail"), "a@b");
        let again = db.session().get(&b.users, 1).unwrap().unwrap();
        assert_eq!((text(&again, "mail"), text(&again, "name")), ("a@b".into(), "anna".into()));
    });
}

#[test]
fn records_are_values_for_serde_and_threads() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann"]);
        let session = db.session();
        let ann = session.query(&b.users).one().unwrap();
        ann.set("karma", 3).unwrap();
        let json = serde_json::to_value(&ann).unwrap();
        assert_eq!(json, serde_json::json!({ "id": 1, "name": "ann", "karma": 3 }));
        let row = ann.row();
        assert_eq!(row.get::<&str>("name").unwrap(), "ann");
        let own = ann.clone();
        std::thread::spawn(move || own.set("karma", 4)).join().unwrap().unwrap();
        session.commit().unwrap();
        assert_eq!(select(b.users.c("karma")).scalar::<i64>(db).unwrap(), 4);
        ann.set_all(values! { "karma" => 5, "name" => "anna" }).unwrap();
        assert!(ann.set_all(values! { "karma" => 6, "nmae" => "x" }).is_err());
        assert_eq!(ann.get::<i64>("karma").unwrap(), 5, "all of them or none");
    });
}

#[test]
fn r5_5_2_the_identity_map_holds_clean_records_weakly() {
    each_backend(|db| {
        let b = blog(db);
        insert(&b.users).rows(["name"], (0..3000).map(|n| [format!("u{n}")])).run(db).unwrap();
        let session = db.session();
        let first = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        let again = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        assert_eq!(first, again);
        first[10].set("name", "changed").unwrap();
        drop((first, again));
        assert_eq!(session.dirty().len(), 1, "a changed record lives until it is flushed");
        session.commit().unwrap();
        let changed = session.query(&b.users).filter_by(values! { "name" => "changed" }).one().unwrap();
        assert_eq!(changed.get::<i64>("id").unwrap(), 11);
    });
}

#[test]
fn records_as_text() {
    each_backend(|db| {
        let seats = (
            column("line", Varchar(20)).primary_key(),
            column("number", Integer).primary_key(),
            column("name", Text),
        );
        let seats = db.table("seats", seats).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let seat = seats.record(values! { "line" => "Ä", "number" => 7 }).unwrap();
        let other = seats.record(values! { "line" => "Ä", "number" => 7 }).unwrap();
        assert!(seat.to_string().starts_with("<seats (transient "), "{seat}");
        assert_ne!(seat.to_string(), other.to_string());
        session.add(seat.clone()).unwrap();
        assert!(seat.to_string().starts_with("<seats (pending "), "{seat}");
        session.flush().unwrap();
        assert_eq!(seat.to_string(), "<seats Ä, 7>");
        session.rollback().unwrap();
        assert!(seat.to_string().starts_with("<seats (transient "), "{seat}");
        session.add(seat.clone()).unwrap();
        session.commit().unwrap();
        session.delete(&seat).unwrap();
        session.flush().unwrap();
        assert_eq!(seat.to_string(), "<seats Ä, 7>", "deleted");
        session.commit().unwrap();
        assert_eq!(seat.to_string(), "<seats Ä, 7>", "and gone");
    });
}

/// New records keep what they are given however it comes: in the order of the columns or not, short or long, of few kinds
/// or of all, of the hundredth column.
#[test]
fn a_new_record_keeps_whatever_it_is_given() {
    each_backend(|db| {
        let mut columns: Vec<mirrorm::schema::Column> = vec![
            column("id", Integer).primary_key(),
            column("name", Text),
            column("bytes", Binary),
            column("flag", Boolean),
            column("half", Double),
            column("day", Date),
        ];
        columns.extend((6..140).map(|n| column(format!("c{n}"), Integer)));
        let wide = db.table("wide", columns).unwrap();
        db.create_all().unwrap();
        let day: Value = "2026-01-31".parse::<mirrorm::value::Date>().unwrap().into();
        let long = "ß".repeat(3000);
        let session = db.session();
        let given: [Vec<(&str, Value)>; 4] = [
            vec![("name", "a".into()), ("flag", true.into()), ("half", 0.5.into()), ("c127", Value::Int(-1))],
            vec![("c139", Value::Int(i32::MIN.into())), ("c6", Value::Int(6)), ("name", "b".into())],
            vec![
                ("id", Value::Int(70)),
                ("name", long.as_str().into()),
                ("bytes", Value::Bytes(vec![0, 255])),
                ("c127", Value::Null),
            ],
            vec![
                ("name", "".into()),
                ("name", "last".into()),
                ("day", day.clone()),
                ("c128", Value::Int(128)),
            ],
        ];
        let known = |record: &Record, list: &[(&str, Value)]| {
            for (at, (name, value)) in list.iter().enumerate() {
                if list[at + 1..].iter().all(|(later, _)| later != name) {
                    assert_eq!(record.value(name).unwrap(), *value, "{name}");
                }
            }
        };
        let records: Vec<Record> = given.iter().map(|list| wide.record(list.clone()).unwrap()).collect();
        given.iter().zip(&records).for_each(|(list, record)| known(record, list));
        records[0].set("c127", 5).unwrap();
        records[0].set("day", day.clone()).unwrap();
        session.add_all(records.clone()).unwrap();
        session.commit().unwrap();
        for (list, record) in given.iter().zip(&records) {
            session.refresh(record).unwrap();
            let unset = list.iter().filter(|(name, _)| *name != "c127" || list[0].0 == "id");
            known(record, &unset.cloned().collect::<Vec<_>>());
        }
        assert_eq!(records[0].get::<i64>("c127").unwrap(), 5, "what was set later");
        assert_eq!(records[0].value("day").unwrap(), day);
        assert!(records[1].value("c127").unwrap().is_null(), "what was not given");
    });
}
