//! Events of attributes, relationships, queries and transactions (§5.9).

use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::{RecordState, RelatedChange};

use crate::support::{dialect, each_backend};

type Heard = Arc<Mutex<Vec<String>>>;

fn take(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().unwrap())
}

fn blog(db: &Db) -> (Table, Table, Table) {
    let users = (column("id", Integer).primary_key(), column("name", Varchar(20)), column("karma", Integer));
    let users = db.table("users", users).unwrap();
    let posts = (
        column("id", Integer).primary_key(),
        column("title", Varchar(20)),
        column("user_id", Integer).references("users.id"),
    );
    let posts = db.table("posts", posts).unwrap();
    let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Varchar(20)))).unwrap();
    let link = (
        column("post_id", Integer).primary_key().references("posts.id"),
        column("tag_id", Integer).primary_key().references("tags.id"),
    );
    db.table("post_tags", link).unwrap();
    db.create_all().unwrap();
    insert(&users).rows(["name", "karma"], [("ann", 1), ("ben", 2)]).run(db).unwrap();
    insert(&posts).rows(["title", "user_id"], [("x", Some(1)), ("y", None)]).run(db).unwrap();
    insert(&tags).rows(["name"], [["new"]]).run(db).unwrap();
    (users, posts, tags)
}

#[test]
fn r5_9_attributes_are_told_before_they_are_set() {
    each_backend(|db| {
        let (users, posts, _) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let _all = db.signals().attribute_set.connect(move |_, record, change| {
            let now = record.value(&change.name).ok();
            assert_eq!(now, change.old, "it is not set yet");
            told.lock().unwrap().push(change.to_string());
        });
        let session = db.session();
        let ann = session.get_one(&users, 1).unwrap();
        ann.set("name", "anna").unwrap();
        ann.set_all(values! { "name" => "annie", "karma" => users.c("karma").add(1) }).unwrap();
        assert_eq!(take(&heard), ["name: ann -> anna", "name: anna -> annie", "karma: 1 -> -"]);
        session.commit().unwrap();
        assert_eq!(take(&heard).len(), 0, "what the database works out is not set by anybody");
        let new = users.record(values! { "name" => "cat" }).unwrap();
        new.set("karma", 3).unwrap();
        assert_eq!(take(&heard).len(), 0, "it belongs to no session yet");
        session.add(new.clone()).unwrap();
        new.set("karma", 4).unwrap();
        assert_eq!(take(&heard), ["karma: 3 -> 4"]);
        // Of a table, of a name, once, first; what fails and panics refuses, and nothing is set of it.
        let signal = &db.signals().attribute_set;
        let veto = signal.of(&users).on("name").connect(|_, _, change| match &change.new {
            Some(Value::Text(name)) if name.is_empty() => Err("a name".into()),
            Some(Value::Text(name)) if name == "panic" => panic!("oh"),
            _ => Ok(()),
        });
        for wrong in ["", "panic"] {
            let error = ann.set_all(values! { "karma" => 9, "name" => wrong }).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Vetoed);
        }
        assert_eq!(
            (ann.get::<i64>("karma").unwrap(), ann.get::<String>("name").unwrap()),
            (2, "annie".into())
        );
        session.get_one(&posts, 1).unwrap().set("title", "").unwrap();
        drop(veto);
        ann.set("name", "").unwrap();
        take(&heard);
        let (told, first) = (heard.clone(), heard.clone());
        let _once =
            signal.once().on("karma").connect(move |_, _, _| told.lock().unwrap().push("once".into()));
        let _first =
            signal.first().on("karma").connect(move |_, _, _| first.lock().unwrap().push("first".into()));
        ann.set("karma", 5).unwrap();
        ann.set("karma", 6).unwrap();
        assert_eq!(take(&heard), ["first", "karma: 2 -> 5", "once", "first", "karma: 5 -> 6"]);
    });
}

#[test]
fn r5_9_receivers_may_set_other_attributes_and_not_without_end() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        let _counts = db.signals().attribute_set.on("name").connect(|_, record, _| {
            record.set("karma", record.get::<i64>("karma")? + 1)?;
            Ok(())
        });
        let session = db.session();
        let ann = session.get_one(&users, 1).unwrap();
        ann.set("name", "anna").unwrap();
        assert_eq!(ann.get::<i64>("karma").unwrap(), 2);
        let _endless = db.signals().attribute_set.on("karma").connect(|_, record, _| {
            record.set("karma", 0)?;
            Ok(())
        });
        assert_eq!(ann.set("karma", 7).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(ann.get::<i64>("karma").unwrap(), 2);
    });
}

/// `post 1 user: +user 2 -user 1`.
fn line(record: &Record, change: &RelatedChange) -> String {
    let name = |record: &Record| {
        let key = record.key().map_or("-".to_string(), |key| key[0].to_string());
        format!("{}{key}", record.table().def().display_name().chars().next().unwrap())
    };
    let added = change.added.iter().map(|added| format!(" +{}", name(added)));
    let removed = change.removed.iter().map(|removed| format!(" -{}", name(removed)));
    format!("{} {}:{}", name(record), change.name, added.chain(removed).collect::<String>())
}

#[test]
fn r5_9_relationships_are_told_on_both_sides() {
    each_backend(|db| {
        let (users, posts, tags) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let _all = db.signals().related_set.connect(move |_, record, change| {
            told.lock().unwrap().push(line(record, change));
        });
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let (ann, ben) = (session.get_one(&users, 1).unwrap(), session.get_one(&users, 2).unwrap());
        let (x, y) = (session.get_one(&posts, 1).unwrap(), session.get_one(&posts, 2).unwrap());
        x.set_related("user", &ben).unwrap();
        assert_eq!(take(&heard), ["p1 user: +u2 -u1", "u1 posts: -p1", "u2 posts: +p1"]);
        x.set_related("user", &ben).unwrap();
        assert_eq!(take(&heard).len(), 0, "nothing changes");
        ann.append("posts", &y).unwrap();
        assert_eq!(take(&heard), ["p2 user: +u1", "u1 posts: +p2"]);
        ann.remove("posts", &y).unwrap();
        assert_eq!(take(&heard), ["p2 user: -u1", "u1 posts: -p2"]);
        ann.replace("posts", std::slice::from_ref(&x)).unwrap();
        assert_eq!(take(&heard), ["p1 user: +u1 -u2", "u2 posts: -p1", "u1 posts: +p1"]);
        let tag = session.get_one(&tags, 1).unwrap();
        x.append("tags", &tag).unwrap();
        tag.remove("posts", &x).unwrap();
        assert_eq!(take(&heard), ["p1 tags: +t1", "t1 posts: +p1", "t1 posts: -p1", "p1 tags: -t1"]);
        // A new record with one of the session.
        let new = posts.record(values! { "title" => "z" }).unwrap();
        ann.append("posts", &new).unwrap();
        assert_eq!(take(&heard), ["p- user: +u1", "u1 posts: +p-"]);
    });
}

#[test]
fn r5_9_who_refuses_a_relationship_leaves_it_as_it_was() {
    each_backend(|db| {
        let (users, posts, tags) = blog(db);
        let few = db.signals().related_set.of(&users).on("posts").connect(|_, user, change| {
            match change.added.is_some() && !user.related("posts")?.is_empty() {
                true => Err("one post is enough".into()),
                false => Ok(()),
            }
        });
        let session = db.session();
        let (ann, ben) = (session.get_one(&users, 1).unwrap(), session.get_one(&users, 2).unwrap());
        let (x, y) = (session.get_one(&posts, 1).unwrap(), session.get_one(&posts, 2).unwrap());
        assert_eq!(ann.append("posts", &y).unwrap_err().kind(), ErrorKind::Vetoed);
        assert_eq!(y.set_related("user", &ann).unwrap_err().kind(), ErrorKind::Vetoed);
        assert!(y.related_one("user").unwrap().is_none());
        assert_eq!(ann.related("posts").unwrap(), std::slice::from_ref(&x));
        assert!(!session.is_modified());
        ben.append("posts", &y).unwrap();
        drop(few);
        let _no_tags = db.signals().related_set.on("tags").connect(|_, _, _| Err("none".into()));
        let tag = session.get_one(&tags, 1).unwrap();
        assert!(x.append("tags", &tag).is_err() && tag.append("posts", &x).is_err());
        assert!(x.related("tags").unwrap().is_empty() && tag.related("posts").unwrap().is_empty());
        session.commit().unwrap();
        assert_eq!(select(posts.c("user_id")).order_by(posts.c("id")).scalars::<i64>(db).unwrap(), [1, 2]);
    });
}

#[test]
fn r5_9_queries_are_given_before_they_run() {
    each_backend(|db| {
        let (users, posts, _) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let _hears = db.signals().before_query.connect(move |query| {
            // What it asks itself is not given to it again.
            let rows = query.session().query(query.table()).count()?;
            told.lock().unwrap().push(format!("{} {rows}", query.table().def().display_name()));
            Ok(query)
        });
        let own = users.clone();
        let filters = db.signals().before_query.connect(move |query| {
            let is_of = *query.table() == own;
            let name = own.c("name");
            Ok(if is_of { query.filter(name.eq("ben")) } else { query })
        });
        let session = db.session();
        let query = session.query(&users).order_by(users.c("id"));
        assert_eq!(query.all().unwrap().len(), 1);
        assert_eq!(query.one().unwrap().get::<String>("name").unwrap(), "ben");
        assert_eq!((query.count().unwrap(), query.rows().unwrap().len()), (1, 1));
        assert!(query.exists().unwrap() && query.first().unwrap().is_some());
        assert_eq!(query.stream(|records| Ok(records.count())).unwrap(), 1);
        assert_eq!(session.query(&users).update_all(values! { "karma" => 0 }).unwrap(), 1);
        assert_eq!(take(&heard), vec!["users 2"; 8]);
        assert!(session.get(&users, 1).unwrap().is_some(), "a key is no query");
        session.get_one(&posts, 1).unwrap().related("user").unwrap();
        assert_eq!(take(&heard).len(), 0);
        drop(filters);
        let _veto = db.signals().before_query.connect(|_| Err("not now".into()));
        assert_eq!(query.all().unwrap_err().kind(), ErrorKind::Vetoed);
        assert_eq!(session.query(&users).delete_all().unwrap_err().kind(), ErrorKind::Vetoed);
        session.commit().unwrap();
        assert_eq!(select(users.c("karma")).order_by(users.c("id")).scalars::<i64>(db).unwrap(), [1, 0]);
    });
}

#[test]
fn r5_9_a_receiver_that_panics_in_a_query_is_an_error() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        let panics = db.signals().before_query.connect(|_| panic!("oh"));
        let session = db.session();
        assert_eq!(session.query(&users).all().unwrap_err().kind(), ErrorKind::Vetoed);
        drop(panics);
        let heard = Heard::default();
        let told = heard.clone();
        let _hears = db.signals().before_query.connect(move |query| {
            told.lock().unwrap().push("asked".into());
            Ok(query)
        });
        assert_eq!(session.query(&users).count().unwrap(), 2);
        assert_eq!(take(&heard), ["asked"], "receivers are asked again");
    });
}

#[test]
fn r5_9_transactions_are_told_when_they_begin() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let hears = db.signals().after_begin.connect(move |_, conn| {
            told.lock().unwrap().push(conn.target().dialect().to_string());
            if conn.target().dialect() == "postgresql" {
                conn.execute("SET LOCAL mirrorm.tenant = '7'", ())?;
            }
            Ok(())
        });
        let session = db.session();
        session.begin(mirrorm::dialect::Intent::Write).unwrap();
        session.query(&users).all().unwrap();
        session.get_one(&users, 1).unwrap().set("karma", 5).unwrap();
        let savepoint = session.begin_nested().unwrap();
        savepoint.release().unwrap();
        if dialect(db) == "postgresql" {
            let tenant = session.query_text("SELECT current_setting('mirrorm.tenant')", ()).unwrap();
            assert_eq!(tenant.one().unwrap().get::<String>(0).unwrap(), "7");
        }
        session.commit().unwrap();
        assert_eq!(take(&heard).len(), 1);
        session.add(users.record(()).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(take(&heard).len(), 1, "the next one, too");
        drop(hears);
        // Who refuses: nothing is left of it.
        let veto = db.signals().after_begin.connect(|_, _| Err("not today".into()));
        let new = session.add(users.record(values! { "name" => "late" }).unwrap()).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Vetoed, "{error}");
        drop(veto);
        session.rollback().unwrap();
        session.add(new).unwrap();
        session.commit().unwrap();
        assert_eq!(session.query(&users).filter(users.c("name").eq("late")).count().unwrap(), 1);
    });
}

#[test]
fn r5_9_settings_of_a_transaction_outlive_its_savepoints() {
    each_backend(|db| {
        if dialect(db) != "postgresql" {
            return;
        }
        let (users, _, _) = blog(db);
        let _hears = db.signals().after_begin.connect(|_, conn| {
            conn.execute("SET LOCAL mirrorm.tenant = '7'", ())?;
            Ok(())
        });
        let session = db.session();
        let savepoint = session.begin_nested().unwrap();
        session.query(&users).all().unwrap();
        savepoint.rollback().unwrap();
        let tenant = session.query_text("SELECT current_setting('mirrorm.tenant')", ()).unwrap();
        assert_eq!(tenant.one().unwrap().get::<String>(0).unwrap(), "7");
    });
}

#[test]
fn r5_9_who_is_told_of_a_beginning_cannot_end_it() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let ends = db.signals().after_begin.connect(move |session, _| {
            let all = [session.rollback(), session.commit().map(drop), session.begin_nested().map(drop)];
            for one in all {
                told.lock().unwrap().push(format!("{:?}", one.unwrap_err().kind()));
            }
        });
        let session = db.session();
        insert(&users).values(values! { "name" => "new" }).run(&session).unwrap();
        session.rollback().unwrap();
        assert_eq!(take(&heard), ["Invalid", "Invalid", "Invalid"]);
        assert_eq!(session.query(&users).count().unwrap(), 2, "it was in the transaction");
        session.rollback().unwrap();
        drop(ends);
        // What a receiver wrote goes with the transaction that another one refuses.
        let own = users.clone();
        let writes = db.signals().after_begin.connect(move |session, _| {
            insert(&own).values(values! { "name" => "written" }).run(session)?;
            Ok(())
        });
        let veto = db.signals().after_begin.connect(|_, _| Err("no".into()));
        assert_eq!(
            insert(&users).values(values! { "name" => "x" }).run(&session).unwrap_err().kind(),
            ErrorKind::Vetoed
        );
        let savepoint = session.begin_nested().unwrap();
        assert!(insert(&users).values(values! { "name" => "x" }).run(&session).is_err());
        savepoint.release().unwrap();
        drop((writes, veto));
        let committed = session.commit().unwrap();
        assert!(committed.changes.is_empty(), "{:?}", committed.changes);
        assert_eq!(select(&users).count(db).unwrap(), 2);
    });
}

/// The records are what they were, too; what waits to be saved waits on.
#[test]
fn r5_9_what_a_receiver_did_to_records_goes_with_a_veto() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        // Where tables are written may be for the program to say.
        let session = db.session_with(SessionOptions::new().resolve_bind(|route| Ok(route.bind())));
        let all = session.query(&users).order_by(users.c("id")).all().unwrap();
        let name: String = all[0].get("name").unwrap();
        session.commit().unwrap();
        let own = users.clone();
        let _writes = db.signals().after_begin.connect(move |session, _| {
            session.query(&own).filter(own.c("id").eq(1)).update_all(values! { "name" => "changed" })?;
            session.query(&own).filter(own.c("id").eq(2)).delete_all()?;
            insert(&own).values(values! { "id" => 70, "name" => "made" }).records(session)?;
            Ok(())
        });
        let veto = db.signals().after_begin.connect(|_, _| Err("no".into()));
        let new = session.add(users.record(values! { "name" => "new" }).unwrap()).unwrap();
        all[0].set("name", "mine").unwrap();
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::Vetoed);
        session.rollback().unwrap();
        assert_eq!(new.state(), RecordState::Transient);
        assert_eq!(all[0].get::<String>("name").unwrap(), name);
        assert_eq!(all[1].state(), RecordState::Persistent);
        // A statement does not fail the session: what was added still waits.
        let new = session.add(users.record(values! { "name" => "new" }).unwrap()).unwrap();
        let heard = Heard::default();
        let told = heard.clone();
        let hears = db.signals().state_changed.connect(move |_, one| {
            let text = one.from.map(|from| format!("{from:?} to {:?}", one.to));
            told.lock().unwrap().extend(text);
        });
        let refused = session.no_autoflush(|session| delete(&users).all_rows().run(session));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Vetoed);
        assert_eq!(take(&heard), ["Persistent to Detached", "Detached to Persistent"]);
        assert_eq!(new.state(), RecordState::Pending);
        assert_eq!(all[0].get::<String>("name").unwrap(), name);
        assert_eq!(all[1].state(), RecordState::Persistent);
        // What was to be deleted still is, and can be kept.
        session.delete(&all[1]).unwrap();
        assert!(session.no_autoflush(|session| delete(&users).all_rows().run(session)).is_err());
        assert_eq!(session.deleted(), [all[1].clone()]);
        session.add(all[1].clone()).unwrap();
        assert!(session.deleted().is_empty());
        drop((veto, hears));
        session.commit().unwrap();
        assert_eq!(new.state(), RecordState::Persistent);
        let names: Vec<String> = select(users.c("name")).order_by(users.c("name")).scalars(db).unwrap();
        assert_eq!(names, ["changed", "made", "new"]);
    });
}

#[test]
fn r5_9_queries_of_other_sessions_in_a_receiver_end() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        let own = users.clone();
        let _asks = db.signals().before_query.connect(move |query| {
            assert_eq!(query.session().db().session().query(&own).count()?, 2);
            Ok(query)
        });
        assert_eq!(db.session().query(&users).all().unwrap().len(), 2);
        // What a flush asks meanwhile is another matter.
        let heard = Heard::default();
        let told = heard.clone();
        let _counts = db.signals().before_query.connect(move |query| {
            told.lock().unwrap().push("asked".into());
            Ok(query)
        });
        let own = users.clone();
        let _flushes = db.signals().before_flush.connect(move |session| {
            session.query(&own).count()?;
            Ok(())
        });
        let session = db.session();
        session.add(users.record(()).unwrap()).unwrap();
        assert_eq!(session.query(&users).filter(users.c("id").gt(0)).count().unwrap(), 3);
        assert_eq!(take(&heard).len(), 2);
    });
}

#[test]
fn r5_9_relationships_are_told_whoever_is_known() {
    each_backend(|db| {
        let (users, posts, tags) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let _all = db.signals().related_set.connect(move |_, record, change| {
            told.lock().unwrap().push(line(record, change));
        });
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let x = session.get_one(&posts, 1).unwrap();
        x.set_related("user", None).unwrap();
        assert_eq!(take(&heard), ["p1 user:"], "nobody holds who loses it");
        session.rollback().unwrap();
        let (ann, ben) = (session.get_one(&users, 1).unwrap(), session.get_one(&users, 2).unwrap());
        x.set("user_id", 2).unwrap();
        x.set_related("user", &ann).unwrap();
        assert_eq!(
            take(&heard),
            ["p1 user: +u1 -u2", "u2 posts: -p1", "u1 posts: +p1"],
            "a key that was set"
        );
        session.rollback().unwrap();
        x.set_related("user", &ann).unwrap();
        assert_eq!(take(&heard).len(), 0, "it leads there already");
        let tag = session.get_one(&tags, 1).unwrap();
        x.append("tags", &tag).unwrap();
        x.append("tags", &tag).unwrap();
        session.flush().unwrap();
        assert_eq!(x.related("tags").unwrap().len(), 1);
        x.append("tags", &tag).unwrap();
        assert_eq!(take(&heard), ["p1 tags: +t1", "t1 posts: +p1"], "once");
        x.remove("tags", &tag).unwrap();
        session.flush().unwrap();
        x.append("tags", &tag).unwrap();
        session.flush().unwrap();
        let there_and_back = ["p1 tags: -t1", "t1 posts: -p1", "p1 tags: +t1", "t1 posts: +p1"];
        assert_eq!(take(&heard), there_and_back, "what was loaded before says nothing");
        // A receiver that writes the same relationship: the last word holds, on all sides.
        let own = users.clone();
        let _turns = db.signals().related_set.of(&posts).on("user").connect(move |session, post, change| {
            if change.added.as_ref().is_some_and(|user| user.get::<i64>("id").is_ok_and(|id| id == 2)) {
                post.set_related("user", &session.get_one(&own, 1)?)?;
            }
            Ok(())
        });
        let y = session.get_one(&posts, 2).unwrap();
        y.set_related("user", &ben).unwrap();
        let of = |user: &Record| user.related("posts").unwrap().contains(&y);
        assert_eq!((of(&ann), of(&ben)), (false, true));
    });
}

#[test]
fn r5_9_who_refuses_some_of_a_list_leaves_all_of_it() {
    each_backend(|db| {
        let (users, posts, _) = blog(db);
        let session = db.session();
        let (ann, x, y) = (
            session.get_one(&users, 1).unwrap(),
            session.get_one(&posts, 1).unwrap(),
            session.get_one(&posts, 2).unwrap(),
        );
        let _veto = db.signals().related_set.of(&users).connect(|_, _, change| match change.added {
            Some(_) => Err("no more".into()),
            None => Ok(()),
        });
        assert!(ann.replace("posts", std::slice::from_ref(&y)).is_err());
        assert_eq!(ann.related("posts").unwrap(), std::slice::from_ref(&x));
        assert!(!x.is_modified() && !y.is_modified() && !ann.is_modified());
    });
}

#[test]
fn r5_9_what_cannot_be_set_is_not_told() {
    each_backend(|db| {
        let (users, _, _) = blog(db);
        let heard = Heard::default();
        let told = heard.clone();
        let _all = db.signals().attribute_set.connect(move |session, record, change| {
            told.lock().unwrap().push(change.to_string());
            if change.new == Some("last".into()) {
                session.delete(record)?;
            }
            Ok(())
        });
        let session = db.session();
        let (ann, ben) = (session.get_one(&users, 1).unwrap(), session.get_one(&users, 2).unwrap());
        session.delete(&ann).unwrap();
        assert_eq!(ann.set("name", "x").unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(take(&heard).len(), 0);
        assert_eq!(ben.set("name", "last").unwrap_err().kind(), ErrorKind::Invalid, "a receiver deleted it");
        assert_eq!(ben.get::<String>("name").unwrap(), "ben");
    });
}
