//! What facts become: tables and relationships (rows 4.6 and 4.7), on every backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::prelude::*;
use mirrorm::reflect::{Reflection, Reflector, RelationshipKind};
use mirrorm::schema::{KeyDef, TableDef, TableKind};

use crate::support::{dialect, each_backend, serial};

fn script(db: &Db, text: &str) {
    db.execute_script(&text.replace("SERIAL", serial(db))).unwrap();
}

fn names<'d>(def: &'d TableDef, key: &'d KeyDef) -> Vec<&'d str> {
    def.names_at(&key.columns).collect()
}

#[test]
fn r4_6_1_one_call_makes_all_of_a_table() {
    each_backend(|db| {
        let (strict, comments) = match dialect(db) {
            "sqlite" => (" STRICT", ""),
            "mysql" => (" COMMENT 'about t'", ""),
            _ => ("", "COMMENT ON TABLE t IS 'about t'"),
        };
        let text = if dialect(db) == "sqlite" { "TEXT" } else { "VARCHAR(20)" };
        script(
            db,
            &format!(
                "CREATE TABLE a (x INTEGER NOT NULL, y INTEGER NOT NULL, CONSTRAINT uq_a UNIQUE (y, x));
                 CREATE TABLE t (y INTEGER NOT NULL, x INTEGER NOT NULL, n {text} DEFAULT 'it''s',
                    CONSTRAINT pk_t PRIMARY KEY (x, y), CONSTRAINT uq_n UNIQUE (n), CONSTRAINT ck_x CHECK (x > 0),
                    CONSTRAINT fk_a FOREIGN KEY (y, x) REFERENCES a (y, x) ON DELETE CASCADE){strict};
                 CREATE INDEX ix_t ON t (n, x); {comments}"
            ),
        );
        let reflection = db.reflect().unwrap();
        assert_eq!(reflection.problems(), []);
        let t = db.table_named("t").unwrap();
        let def = t.def();
        assert_eq!(def.columns().map(|c| c.key().to_string()).collect::<Vec<String>>(), ["y", "x", "n"]);
        assert_eq!(def.columns().map(|c| c.is_nullable()).collect::<Vec<bool>>(), [false, false, true]);
        let key = def.primary_key().unwrap();
        assert_eq!(names(&def, key), ["x", "y"], "in its own order");
        let name = key.name.as_ref().map(|name| name.as_str().to_string());
        assert_eq!(name.as_deref(), (dialect(db) != "mysql").then_some("pk_t"));
        assert_eq!(names(&def, &def.uniques()[0]), ["n"]);
        assert_eq!(def.uniques()[0].name.as_ref().unwrap().as_str(), "uq_n");
        assert_eq!(def.checks()[0].name.as_ref().unwrap().as_str(), "ck_x");
        let foreign = &def.foreign_keys()[0];
        assert_eq!(foreign.name.as_ref().unwrap().as_str(), "fk_a");
        assert_eq!(def.names_at(&foreign.columns).collect::<Vec<&str>>(), ["y", "x"]);
        assert_eq!(
            foreign.target.columns.iter().map(|name| name.as_str()).collect::<Vec<&str>>(),
            ["y", "x"]
        );
        assert_eq!(foreign.on_delete, Action::Cascade);
        assert!(def.indexes().iter().any(|index| index.name().is_some_and(|name| name.as_str() == "ix_t")));
        assert_eq!(def.comment(), (dialect(db) != "sqlite").then_some("about t"));
        assert_eq!(def.options().is_set("sqlite", "strict"), dialect(db) == "sqlite");
        // All of it works: the default is there, the check holds, the key finds.
        insert(&db.table_named("a").unwrap()).values(values! { "x" => 1, "y" => 2 }).run(db).unwrap();
        insert(&t).values(values! { "x" => 1, "y" => 2 }).run(db).unwrap();
        let found = db.session().get(&t, (1, 2)).unwrap().unwrap();
        assert_eq!(found.get::<String>("n").unwrap(), "it's");
        let refused = insert(&t).values(values! { "x" => 0, "y" => 2 }).run(db).unwrap_err();
        assert_eq!((refused.kind(), refused.constraint()), (ErrorKind::Check, Some("ck_x")));
    });
}

#[test]
fn r4_6_4_what_the_program_says_of_a_reflected_table_stays() {
    each_backend(|db| {
        script(
            db,
            "CREATE TABLE owner (id SERIAL);
             CREATE TABLE pet (id SERIAL, owner_no INTEGER, name VARCHAR(20));
             CREATE VIEW names AS SELECT id, name FROM pet;",
        );
        db.reflect_with(&Reflector::new().key_of("names", ["id"])).unwrap();
        let (owner, pet) = (db.table_named("owner").unwrap(), db.table_named("pet").unwrap());
        assert!(db.relationships(&pet).is_empty(), "no key is declared");
        let hand_made = (column("owner_no", Integer).references("owner.id"), extend_existing());
        assert_eq!(db.table("pet", hand_made).unwrap(), pet);
        assert_eq!(db.relationships(&pet), ["owner"]);
        db.reflect_with(&Reflector::new().key_of("names", ["id"])).unwrap();
        assert_eq!(db.relationships(&pet), ["owner"], "reflecting again takes nothing back");
        let session = db.session();
        let ann = session.add(owner.record(values! { "id" => 7 }).unwrap()).unwrap();
        let cat = session.add(pet.record(values! { "id" => 1, "name" => "cat" }).unwrap()).unwrap();
        cat.set_related("owner", &ann).unwrap();
        session.commit().unwrap();
        assert_eq!(cat.get::<i64>("owner_no").unwrap(), 7);
        let view = db.table_named("names").unwrap();
        assert!(matches!(view.def().kind(), TableKind::View(_)));
        let seen = session.get(&view, 1).unwrap().unwrap();
        assert_eq!(seen.get::<String>("name").unwrap(), "cat", "a view has the key that was said");
    });
}

#[test]
fn r4_6_7_one_bad_object_leaves_the_rest() {
    each_backend(|db| {
        // PostgreSQL lets nothing break.
        let broken = match dialect(db) {
            "sqlite" => {
                "CREATE TABLE orphan (id INTEGER PRIMARY KEY, x INTEGER REFERENCES nowhere (id));
                 CREATE VIEW broken AS SELECT x FROM nowhere;"
            }
            "mysql" => {
                "SET foreign_key_checks = 0;
                 CREATE TABLE orphan (id INTEGER PRIMARY KEY, x INTEGER, FOREIGN KEY (x) REFERENCES nowhere (id));
                 CREATE TABLE gone (id INTEGER); CREATE VIEW broken AS SELECT id FROM gone; DROP TABLE gone;"
            }
            _ => "CREATE TABLE orphan (id INTEGER PRIMARY KEY, x INTEGER);",
        };
        script(db, &format!("CREATE TABLE good (id SERIAL); {broken}"));
        let reflection = db.reflect().unwrap();
        let found: Vec<String> = reflection.tables().iter().map(|t| t.name().to_string()).collect();
        assert_eq!(found, ["good", "orphan"]);
        let objects: Vec<&str> =
            reflection.problems().iter().map(|problem| problem.object.as_str()).collect();
        assert_eq!(objects, if dialect(db) == "postgresql" { vec![] } else { vec!["broken"] });
        assert!(reflection.relationships().is_empty());
        let orphan = db.table_named("orphan").unwrap();
        assert_eq!(select(&orphan).count(db).unwrap(), 0, "it is a table like any other");
    });
}

fn statements(db: &Db, reflector: &Reflector) -> usize {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let _watch = db.engine().unwrap().observe(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    db.reflect_with(reflector).unwrap();
    sent.load(Ordering::Relaxed)
}

#[test]
fn r4_6_9_many_names_cost_as_many_statements_as_two() {
    each_backend(|db| {
        let tables: Vec<String> =
            (0..130).map(|n| format!("CREATE TABLE t{n} (id INTEGER PRIMARY KEY)")).collect();
        script(db, &tables.join(";"));
        script(
            db,
            "CREATE TABLE far (id INTEGER PRIMARY KEY, a INTEGER, FOREIGN KEY (a) REFERENCES t1 (id))",
        );
        let some = |count: usize| Reflector::new().only((0..count).map(|n| format!("t{n}")));
        statements(db, &some(1));
        let two = statements(db, &some(2));
        assert_eq!(statements(db, &some(120)), two);
        let followed = statements(db, &Reflector::new().only(["far"]).with_referred());
        assert!(followed <= 2 * two, "what keys lead to is read at once: {followed}, {two}");
    });
}

fn found(reflection: &Reflection, table: &str) -> Vec<(String, RelationshipKind)> {
    let own = reflection.relationships().iter().filter(|one| one.from.name().as_ref() == table);
    own.map(|one| (one.name.clone(), one.kind)).collect()
}

#[test]
fn r4_7_1_tables_without_a_key_are_read() {
    each_backend(|db| {
        script(db, "CREATE TABLE bare (a INTEGER, b VARCHAR(9)); INSERT INTO bare VALUES (1, 'x'), (1, 'x')");
        db.reflect().unwrap();
        let bare = db.table_named("bare").unwrap();
        assert_eq!(select(&bare).all(db).unwrap().len(), 2);
        let session = db.session();
        let row = session.add(bare.record(values! { "a" => 2 }).unwrap()).unwrap();
        session.commit().unwrap();
        let error = row.set("b", "y").and_then(|_| session.flush()).unwrap_err();
        assert_eq!((error.kind(), error.table()), (ErrorKind::Invalid, Some("bare")));
        session.rollback().unwrap();
        insert(&bare).values(values! { "a" => 2 }).run(db).unwrap();
        assert_eq!(update(&bare).set(values! { "b" => "z" }).filter(bare.c("a").eq(2)).run(db).unwrap(), 2);
        assert_eq!(select(&bare).count(db).unwrap(), 4, "it is read, added to, and written by statements");
    });
}

#[test]
fn r4_7_2_relationships_follow_from_keys() {
    each_backend(|db| {
        script(
            db,
            "CREATE TABLE users (id SERIAL);
             CREATE TABLE posts (id SERIAL, user_id INTEGER NOT NULL,
                FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
             CREATE TABLE notes (id SERIAL, user_id INTEGER,
                FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL);
             CREATE TABLE profiles (user_id INTEGER PRIMARY KEY, FOREIGN KEY (user_id) REFERENCES users (id))",
        );
        let reflection = db.reflect().unwrap();
        use RelationshipKind::{ManyToOne, OneToMany, OneToOne};
        let mut of_users = found(&reflection, "users");
        of_users.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [("notes", OneToMany), ("posts", OneToMany), ("profiles", OneToOne)];
        assert_eq!(of_users, expected.map(|(name, kind)| (name.to_string(), kind)));
        assert_eq!(found(&reflection, "posts"), [("user".to_string(), ManyToOne)]);
        // What the keys say of deletes is what a session does, and reports.
        let [users, posts, notes] = ["users", "posts", "notes"].map(|name| db.table_named(name).unwrap());
        let session = db.session();
        let ann = session.add(users.record(values! { "id" => 1 }).unwrap()).unwrap();
        let post = session.add(posts.record(values! { "id" => 1 }).unwrap()).unwrap();
        let note = session.add(notes.record(values! { "id" => 1 }).unwrap()).unwrap();
        ann.append("posts", &post).unwrap();
        ann.append("notes", &note).unwrap();
        session.commit().unwrap();
        session.delete(&ann).unwrap();
        session.commit().unwrap();
        assert_eq!(select(&posts).count(db).unwrap(), 0);
        assert!(select(notes.c("user_id")).one(db).unwrap().value(0).unwrap().is_null());
    });
}

#[test]
fn r4_7_3_a_table_of_two_keys_is_a_link() {
    each_backend(|db| {
        script(
            db,
            "CREATE TABLE posts (id SERIAL);
             CREATE TABLE tags (id SERIAL);
             CREATE TABLE post_tags (post_id INTEGER NOT NULL, tag_id INTEGER NOT NULL, PRIMARY KEY (post_id, tag_id),
                FOREIGN KEY (post_id) REFERENCES posts (id), FOREIGN KEY (tag_id) REFERENCES tags (id))",
        );
        let reflection = db.reflect().unwrap();
        let many = |name: &str| (name.to_string(), RelationshipKind::ManyToMany);
        assert!(found(&reflection, "posts").contains(&many("tags")));
        assert!(found(&reflection, "tags").contains(&many("posts")));
        let session = db.session();
        let [posts, tags] = ["posts", "tags"].map(|name| db.table_named(name).unwrap());
        let post = session.add(posts.record(values! { "id" => 1 }).unwrap()).unwrap();
        for id in 1..4 {
            let tag = session.add(tags.record(values! { "id" => id }).unwrap()).unwrap();
            post.append("tags", &tag).unwrap();
        }
        session.commit().unwrap();
        assert_eq!(select(&db.table_named("post_tags").unwrap()).count(db).unwrap(), 3);
    });
}

#[test]
fn r4_7_6_names_never_meet() {
    each_backend(|db| {
        script(
            db,
            "CREATE TABLE users (id SERIAL, posts INTEGER, boss_id INTEGER, FOREIGN KEY (boss_id) REFERENCES users (id));
             CREATE TABLE posts (id SERIAL, author_id INTEGER, editor_id INTEGER, author VARCHAR(9),
                FOREIGN KEY (author_id) REFERENCES users (id), FOREIGN KEY (editor_id) REFERENCES users (id))",
        );
        let reflection = db.reflect().unwrap();
        let of = |table: &str| {
            let mut names: Vec<String> =
                found(&reflection, table).into_iter().map(|(name, _)| name).collect();
            names.sort();
            names
        };
        assert_eq!(of("posts"), ["editor", "users"], "`author` is a column");
        assert_eq!(
            of("users"),
            ["boss", "posts_by_author_id", "posts_by_editor_id", "users"],
            "`posts` is one"
        );
        let again = db.reflect().unwrap();
        assert_eq!(again.relationships(), reflection.relationships(), "and they are the same every time");
    });
}
