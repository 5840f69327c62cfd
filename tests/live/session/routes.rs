//! A program that decides itself which database a statement goes to.

use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::Route;

/// What was asked, in words.
type Asked = Arc<Mutex<Vec<String>>>;

fn say(asked: &Asked, route: &Route<'_>) {
    let table = route.table().map_or("-".to_string(), |table| table.name().to_string());
    let how = if route.is_write() { "write" } else { "read" };
    let after = if route.has_written() { " after a write" } else { "" };
    asked.lock().unwrap().push(format!("{how} {table}{after}"));
}

fn said(asked: &Asked) -> Vec<String> {
    std::mem::take(&mut asked.lock().unwrap())
}

/// A primary and a replica, which is behind: what they hold differs, so that one sees who was read.
fn split() -> (Db, Table, Asked) {
    let asked = Asked::default();
    let own = asked.clone();
    let options = SessionOptions::new().resolve_bind(move |route| {
        say(&own, route);
        Ok(if route.is_write() || route.has_written() { route.bind() } else { Some("replica".into()) })
    });
    let db = Db::new();
    db.init(Config::new().url("sqlite://").bind("replica", "sqlite://").session(options)).unwrap();
    let id = column("id", Integer).primary_key();
    let t = db.table("t", (id, column("name", Text))).unwrap();
    for (bind, name) in [(None, "primary"), (Some("replica"), "replica")] {
        let engine = db.get_engine(bind).unwrap();
        engine
            .connect()
            .unwrap()
            .execute_script("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
            .unwrap();
        insert(&t).values(values! { "name" => name }).run(&engine).unwrap();
    }
    assert_eq!(said(&asked), [""; 0], "an engine says itself where statements go");
    (db, t, asked)
}

fn names(on: &impl mirrorm::engine::Execute, t: &Table) -> Vec<String> {
    select(t.c("name")).order_by(t.c("id")).scalars(on).unwrap()
}

#[test]
fn reads_go_to_a_replica_until_the_session_writes() {
    let (db, t, asked) = split();
    let session = db.session();
    assert_eq!(names(&session, &t), ["replica"]);
    let known = session.get(&t, 1).unwrap().unwrap();
    assert_eq!(known.get::<String>("name").unwrap(), "replica");
    assert_eq!(said(&asked), ["read t"; 2]);
    known.set("name", "changed").unwrap();
    let added = session.add(t.record(values! { "name" => "new" }).unwrap()).unwrap();
    assert_eq!(names(&session, &t), ["changed", "new"], "it sees what it wrote");
    assert_eq!(said(&asked), ["write t", "read t after a write"]);
    added.set("name", "newer").unwrap();
    session.refresh(&known).unwrap();
    update(&t).set(values! { "name" => "last" }).filter(t.c("id").eq(2)).run(&session).unwrap();
    let committed = session.commit().unwrap();
    assert!(committed.changes.iter().all(|change| change.bind().is_none()));
    let asked_for = said(&asked);
    assert!(asked_for.iter().all(|one| one == "read t after a write"), "{asked_for:?}");
    assert_eq!(names(&session, &t), ["replica"], "another transaction");
    assert_eq!(names(&db.get_engine(None).unwrap(), &t), ["changed", "last"]);
}

#[test]
fn statements_of_the_db_are_decided_too() {
    let (db, t, asked) = split();
    assert_eq!(names(&db, &t), ["replica"]);
    insert(&t).values(values! { "name" => "new" }).run(&db).unwrap();
    assert_eq!(said(&asked), ["read t", "write t"]);
    assert_eq!(db.query_text("SELECT name FROM t", ()).unwrap().len(), 2, "raw SQL goes to the default one");
    assert_eq!(names(&db.session().on("replica"), &t), ["replica"]);
    assert_eq!(said(&asked), [""; 0]);
}

#[test]
fn a_database_for_each_tenant() {
    let db = Db::new();
    db.init(Config::new().bind("acme", "sqlite://").bind("zeta", "sqlite://")).unwrap();
    let id = || column("id", Integer).primary_key();
    let users = db.table("users", (id(), column("name", Text))).unwrap();
    let posts = db.table("posts", (id(), column("user_id", Integer).references("users.id"))).unwrap();
    for tenant in ["acme", "zeta"] {
        let engine = db.get_engine(tenant).unwrap();
        engine
            .connect()
            .unwrap()
            .execute_script(
                "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id))",
            )
            .unwrap();
    }
    let of = |tenant: &'static str| {
        db.session_with(SessionOptions::new().resolve_bind(move |_| Ok(Some(tenant.into()))))
    };
    for tenant in ["acme", "zeta"] {
        let session = of(tenant);
        let user = session.add(users.record(values! { "name" => tenant }).unwrap()).unwrap();
        let post = session.add(posts.record(()).unwrap()).unwrap();
        post.set_related("user", &user).unwrap();
        session.nested(|session| session.add(users.record(values! { "name" => "both" })?).map(drop)).unwrap();
        let changes = session.commit().unwrap().changes;
        assert!(changes.iter().all(|change| change.bind() == Some(tenant)), "{changes:?}");
    }
    for tenant in ["acme", "zeta"] {
        let session = of(tenant);
        let user = session.get(&users, 1).unwrap().unwrap();
        assert_eq!(user.get::<String>("name").unwrap(), tenant);
        assert_eq!(user.related("posts").unwrap().len(), 1);
        session.delete(&user.related("posts").unwrap()[0]).unwrap();
        session.commit().unwrap();
    }
    let error = db.session().query(&users).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "no tenant, no database: {error}");
}

#[test]
fn a_resolver_that_refuses_or_knows_no_such_bind() {
    let db = Db::open("sqlite://").unwrap();
    let t = db.table("t", (column("id", Integer).primary_key(), column("name", Text))).unwrap();
    db.create_all().unwrap();
    let odd = db.session_with(SessionOptions::new().resolve_bind(|_| Ok(Some("typo".into()))));
    let error = odd.query(&t).all().unwrap_err();
    assert_eq!((error.kind(), error.table()), (ErrorKind::Config, Some("t")));
    assert!(error.message().contains("`typo`"), "{error}");
    let refuses = |route: &Route<'_>| match route.is_write() {
        true => Err(Error::new(ErrorKind::Invalid, "this tenant is read only")),
        false => Ok(None),
    };
    let session = db.session_with(SessionOptions::new().resolve_bind(refuses));
    let record = session.add(t.record(values! { "name" => "kept" }).unwrap()).unwrap();
    let error = session.commit().unwrap_err();
    assert!(error.message().contains("read only"), "{error}");
    session.rollback().unwrap();
    assert_eq!(record.get::<String>("name").unwrap(), "kept", "nothing is lost");
    assert_eq!(session.query(&t).count().unwrap(), 0);
    let error = insert(&t).values(values! { "name" => "x" }).run(&session).unwrap_err();
    assert!(error.message().contains("read only"), "{error}");
}

#[test]
fn definitions_go_where_the_tables_are() {
    let (db, _, asked) = split();
    let id = || column("id", Integer).primary_key();
    let one = db.table("one", id()).unwrap();
    let two = db.table("two", id()).unwrap();
    mirrorm::engine::create_tables(&db, vec![one]).unwrap();
    mirrorm::engine::create_tables(&db.session(), vec![two]).unwrap();
    db.create_all().unwrap();
    assert_eq!(said(&asked), [""; 0]);
    let there =
        |bind| db.get_engine(bind).unwrap().connect().unwrap().query_text("SELECT * FROM one", ()).is_ok();
    assert_eq!((there(None), there(Some("replica"))), (true, false));
}

#[test]
fn raw_writes_count_as_writes() {
    let (db, t, asked) = split();
    for raw in [true, false] {
        let session = db.session();
        match raw {
            true => drop(session.execute("INSERT INTO t (name) VALUES ('raw')", ()).unwrap()),
            false => drop(insert(&t).values(values! { "name" => "on" }).run(&session.on(None)).unwrap()),
        }
        assert_eq!(session.query(&t).count().unwrap(), 2);
        assert_eq!(said(&asked), ["read t after a write"]);
        session.rollback().unwrap();
        assert_eq!(session.query(&t).count().unwrap(), 1);
        assert_eq!(said(&asked), ["read t"], "the next transaction has written nothing");
    }
}

#[test]
fn a_receiver_of_a_rollback_begins_anew() {
    let (db, t, asked) = split();
    let table = t.clone();
    let _listening = db.signals().after_rollback.connect(move |session, _| {
        session.query(&table).count().unwrap();
        session.add(table.record(values! { "name" => "log" }).unwrap()).unwrap();
        session.flush().unwrap();
    });
    let session = db.session();
    session.add(t.record(values! { "name" => "lost" }).unwrap()).unwrap();
    session.flush().unwrap();
    said(&asked);
    session.rollback().unwrap();
    assert_eq!(said(&asked), ["read t", "write t"]);
    session.add(t.record(values! { "name" => "next" }).unwrap()).unwrap();
    assert_eq!(session.commit().unwrap().changes.len(), 2);
    assert_eq!(said(&asked), [""; 0], "the transaction goes on where it began");
}
