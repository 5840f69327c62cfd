//! Validators (§5.8.7): a rule that every assigned value goes through.

use mirrorm::prelude::*;

use crate::support::each_backend;

fn trimmed(value: Value) -> std::result::Result<Value, &'static str> {
    match value {
        Value::Text(text) if text.trim().is_empty() => Err("a name is not empty"),
        Value::Text(text) => Ok(Value::from(text.trim())),
        other => Ok(other),
    }
}

fn users(db: &Db) -> Table {
    let age = column("age", Integer).validate(|value| match value {
        Value::Int(n) if n < 0 => panic!("nobody is {n}"),
        value => Ok::<_, String>(value),
    });
    let columns = (column("id", Integer).primary_key(), column("name", Varchar(40)).validate(trimmed), age);
    let users = db.table("users", columns).unwrap();
    db.create_all().unwrap();
    users
}

#[test]
fn r5_8_7_validators_change_and_refuse() {
    each_backend(|db| {
        let users = users(db);
        let session = db.session();
        let ann = session.add(users.record(values! { "name" => " ann " }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(ann.get::<String>("name").unwrap(), "ann");
        for refused in [
            ann.set("name", " "),
            ann.set_all(values! { "age" => 3, "name" => "" }),
            users.record(values! { "name" => "" }).map(|_| ()),
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Vetoed);
            assert_eq!((error.table(), error.columns()), (Some("users"), &["name".to_string()][..]));
            assert!(error.to_string().contains("a name is not empty"), "{error}");
        }
        assert!(!ann.is_modified(), "all of it, or nothing");
        let panicked = ann.set("age", -1).unwrap_err();
        assert_eq!(panicked.kind(), ErrorKind::Vetoed);
        assert!(panicked.to_string().contains("panicked"), "{panicked}");
        ann.set("name", " anna").unwrap();
        ann.set("age", 30).unwrap();
        session.commit().unwrap();
        let stored = select((users.c("name"), users.c("age"))).one(db).unwrap();
        assert_eq!((stored.get::<String>(0).unwrap(), stored.get::<i64>(1).unwrap()), ("anna".into(), 30));
        // What the database has, and what statements write, nobody looks at.
        insert(&users).values(values! { "name" => " raw " }).run(db).unwrap();
        let raw = session.get_one(&users, 2).unwrap();
        assert_eq!(raw.get::<String>("name").unwrap(), " raw ");
        raw.set("age", 4).unwrap();
        session.commit().unwrap();
        assert_eq!(raw.get::<String>("name").unwrap(), " raw ");
        let merged = session.merge(&users.record(values! { "id" => 2, "name" => " b " }).unwrap()).unwrap();
        assert_eq!(merged.get::<String>("name").unwrap(), "b");
    });
}

#[test]
fn r5_8_7_validators_of_a_database_found() {
    let db = Db::open("sqlite://").unwrap();
    db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, UserName TEXT)", ()).unwrap();
    db.reflect().unwrap();
    let name = attribute("name").of("UserName").validate(trimmed);
    let users = db.table("users", (name, extend_existing())).unwrap();
    assert!(users.record(values! { "name" => "" }).is_err());
    assert_eq!(users.record(values! { "name" => " a" }).unwrap().get::<String>("name").unwrap(), "a");
}
