//! Reflection as such: cost, faults, relationships, a dialect of one's own.

use std::any::Any;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::dialect::{Connection, Cursor, Dialect, Done, Features, Request, Scope, Url};
use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflection, Reflector, Relationship, RelationshipKind};
use mirrorm::rows::RowBuffer;
use mirrorm_core::testing::{Answer, Mock};

use crate::support::{dialect, each_backend, each_server, loaded, memory, serial};

/// A connection that counts what goes through it.
struct Counting {
    inner: Box<dyn Connection>,
    sent: AtomicUsize,
}

impl Connection for Counting {
    fn query(&self, r: &Request<'_>, body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>) -> Result<()> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.inner.query(r, body)
    }
    fn execute(&self, r: &Request<'_>) -> Result<Done> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.inner.execute(r)
    }
    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        v: &RowBuffer,
        r: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.inner.execute_many(sql, width, v, r, ids)
    }
    fn script(&self, sql: &str) -> Result<()> {
        self.inner.script(sql)
    }
    fn set_read_only(&self, on: bool) -> Result<()> {
        self.inner.set_read_only(on)
    }
    fn in_transaction(&self) -> bool {
        self.inner.in_transaction()
    }
    fn reset(&self) -> Result<bool> {
        self.inner.reset()
    }
    fn is_alive(&self) -> bool {
        self.inner.is_alive()
    }
    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }
}

/// Statements it takes to reflect so many tables, with keys, indexes and views.
fn statements(tables: usize) -> usize {
    let dialect: &'static dyn Dialect = mirrorm::dialect::built_in()[0];
    let (url, options) = (Url::parse("sqlite://").unwrap(), EngineOptions::new());
    let inner = dialect.connector(&url, &options).unwrap().connect().unwrap();
    let mut sql = String::new();
    for i in 0..tables {
        let key = if i > 0 { format!(", p INT REFERENCES t{}", i - 1) } else { String::new() };
        sql += &format!(
            "CREATE TABLE t{i} (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT CHECK (b > 0){key}); CREATE INDEX i{i} ON t{i} (lower(a)); CREATE VIEW v{i} AS SELECT a FROM t{i};"
        );
    }
    inner.script(&sql).unwrap();
    let counting = Counting { inner, sent: AtomicUsize::new(0) };
    let facts = dialect.inspector().facts(&counting, &Scope::default()).unwrap();
    assert_eq!(facts.tables.len(), 2 * tables);
    assert!(facts.problems.is_empty());
    counting.sent.load(Ordering::SeqCst)
}

#[test]
fn a_thousand_tables_cost_as_many_statements_as_ten() {
    let ten = statements(10);
    assert_eq!(statements(1000), ten);
    assert!(ten <= 8, "{ten} statements");
}

fn names(reflection: &Reflection, table: &str) -> Vec<(String, String, RelationshipKind)> {
    let own = reflection.relationships().iter().filter(|r| *r.from.name() == *table);
    own.map(|r| (r.name.clone(), r.to.name().to_string(), r.kind)).collect()
}

fn expect(list: &[(&str, &str, RelationshipKind)]) -> Vec<(String, String, RelationshipKind)> {
    list.iter().map(|(a, b, c)| (a.to_string(), b.to_string(), *c)).collect()
}

#[test]
fn r4_7_6_relationships_have_stable_names() {
    use RelationshipKind::*;
    let db = memory();
    db.execute_script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, boss_id INT REFERENCES users (id));
         CREATE TABLE profiles (user_id INTEGER PRIMARY KEY REFERENCES users (id), bio TEXT);
         CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INT REFERENCES users (id), editor_id INT REFERENCES users (id), editor TEXT);
         CREATE TABLE tags (id INTEGER PRIMARY KEY);
         CREATE TABLE post_tags (post_id INT REFERENCES posts (id), tag_id INT REFERENCES tags (id), PRIMARY KEY (post_id, tag_id));",
    )
    .unwrap();
    let first = db.reflect().unwrap();
    assert_eq!(
        names(&first, "users"),
        expect(&[
            ("boss", "users", ManyToOne),
            ("posts", "posts", OneToMany),
            ("posts_by_editor_id", "posts", OneToMany),
            ("profiles", "profiles", OneToOne),
            ("users", "users", OneToMany)
        ])
    );
    assert_eq!(
        names(&first, "posts"),
        expect(&[
            ("author", "users", ManyToOne),
            ("users", "users", ManyToOne),
            ("post_tags", "post_tags", OneToMany),
            ("tags", "tags", ManyToMany)
        ]),
        "`editor` is a column, so the key to it is named after its table"
    );
    assert_eq!(
        names(&first, "tags"),
        expect(&[("post_tags", "post_tags", OneToMany), ("posts", "posts", ManyToMany)])
    );
    let again = db.reflect().unwrap();
    assert_eq!(again.relationships(), first.relationships());
}

#[test]
fn a_part_of_a_schema() {
    let db = loaded("chinook");
    let some = db.reflect_with(&Reflector::new().only(["Track", "Album"])).unwrap();
    assert_eq!(some.tables().len(), 2);
    assert_eq!(db.tables().len(), 2);
    assert_eq!(names(&some, "Track"), expect(&[("Album", "Album", RelationshipKind::ManyToOne)]));
    let error = db.reflect_with(&Reflector::new().only(["track"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    assert!(error.message().contains("did you mean `Track`?"), "{error}");
    let db = loaded("quirks");
    let tables = db.reflect_with(&Reflector::new().without_views()).unwrap();
    assert!(!tables.tables().iter().any(|t| *t.name() == *"v"));
}

/// Three tables in a row, and one apart.
fn chain(db: &Db) {
    db.execute_script(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, word VARCHAR(9), CONSTRAINT words UNIQUE (word));
         CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER, CONSTRAINT to_a FOREIGN KEY (a_id) REFERENCES a (id));
         CREATE TABLE c (id INTEGER PRIMARY KEY, b_id INTEGER, n INTEGER,
             CONSTRAINT to_b FOREIGN KEY (b_id) REFERENCES b (id));
         CREATE INDEX by_n ON c (n, id);
         CREATE TABLE lone (id INTEGER PRIMARY KEY)",
    )
    .unwrap();
}

fn found(db: &Db, reflector: Reflector) -> Vec<String> {
    let reflection = db.reflect_with(&reflector).unwrap();
    reflection.tables().iter().map(|table| table.name().to_string()).collect()
}

#[test]
fn r4_6_2_and_6_some_tables_and_what_they_need() {
    each_backend(|db| {
        chain(db);
        assert_eq!(found(db, Reflector::new().only(["b"]).with_referred()), ["a", "b"]);
        assert_eq!(found(db, Reflector::new().only(["c"]).with_referred()), ["a", "b", "c"]);
        assert_eq!(found(db, Reflector::new().only(["c"])), ["c"], "the key points to what is not known yet");
        assert_eq!(found(db, Reflector::new().matching(|name| name.len() > 1)), ["lone"]);
        assert_eq!(found(db, Reflector::new().except(["a", "lone"])), ["b", "c"]);
        assert_eq!(found(db, Reflector::new().only(["a", "b"]).except(["a"])), ["b"]);
        assert!(found(db, Reflector::new().matching(|_| false)).is_empty());
        let error = db.reflect_with(&Reflector::new().only(["x", "a"])).unwrap_err();
        assert_eq!((error.kind(), error.table()), (ErrorKind::NoSuchTable, Some("x")));
    });
}

#[test]
fn r4_6_3_some_columns() {
    each_backend(|db| {
        chain(db);
        db.reflect_with(&Reflector::new().columns_of("a", ["id"]).columns_of("c", ["id", "b_id"])).unwrap();
        let (a, c) = (db.table_named("a").unwrap().def(), db.table_named("c").unwrap().def());
        assert_eq!((a.columns().len(), a.uniques().len()), (1, 0));
        assert_eq!((c.columns().len(), c.foreign_keys().len(), c.indexes().len()), (2, 1, 0));
        db.reflect_with(&Reflector::new().only(["a"]).columns_of("a", ["word"])).unwrap();
        let a = db.table_named("a").unwrap();
        assert_eq!((a.def().primary_key(), a.def().uniques().len()), (None, 1));
        insert(&a)
            .values(values! { "word" => "x" })
            .run(db)
            .map(drop)
            .or_else(|error| match error.kind() {
                ErrorKind::NotNull | ErrorKind::Database => Ok(()),
                _ => Err(error),
            })
            .unwrap();
    });
}

#[test]
fn r4_6_5_a_hook_for_each_column() {
    each_backend(|db| {
        chain(db);
        // PostgreSQL takes no truth value for a number.
        let has_truth = dialect(db) != "postgresql";
        let reflector = Reflector::new().on_column(move |table, column| {
            column.key = (column.facts.name == "b_id").then(|| "parent".to_string());
            if table.name == "c" && column.facts.name == "n" {
                column.ty = if has_truth { Boolean } else { BigInteger };
            }
            column.skip = column.facts.name == "word";
        });
        db.reflect_with(&reflector).unwrap();
        let c = db.table_named("c").unwrap();
        db.execute_script("INSERT INTO a (id) VALUES (1); INSERT INTO b VALUES (1, 1)").unwrap();
        insert(&c).values(values! { "id" => 1, "parent" => 1, "n" => 1 }).run(db).unwrap();
        let value = if has_truth { Value::Bool(true) } else { Value::Int(1) };
        assert_eq!(select(c.c("n")).scalar::<Value>(db).unwrap(), value);
        assert_eq!(c.def().foreign_keys()[0].columns, [1], "keys are of columns, whatever they are called");
        assert!(db.table_named("a").unwrap().try_c("word").is_err());
        let session = db.session();
        let row = session.get(&c, 1).unwrap().unwrap();
        assert_eq!(row.get::<i64>("parent").unwrap(), 1);
        assert_eq!(row.related_one("b").unwrap().unwrap().get::<i64>("id").unwrap(), 1);
    });
}

#[test]
fn reflecting_again_sees_what_changed() {
    let db = memory();
    db.execute("CREATE TABLE t (a INT)", ()).unwrap();
    db.reflect().unwrap();
    let t = db.table_named("t").unwrap();
    db.reflect().unwrap();
    assert_eq!(t.version(), 1, "nothing changed");
    db.execute("ALTER TABLE t ADD COLUMN b TEXT", ()).unwrap();
    db.reflect().unwrap();
    assert_eq!((t.version(), t.def().columns().len()), (2, 2), "handles see the new version");
}

#[test]
fn r4_6_4_reflecting_leaves_the_programs_own_definitions_alone() {
    let db = memory();
    let mine =
        db.table("mine", (column("id", Integer).primary_key(), column("n", Integer).default(5))).unwrap();
    db.create_all().unwrap();
    db.execute("CREATE TABLE theirs (id INTEGER PRIMARY KEY, n INT UNIQUE)", ()).unwrap();
    db.reflect().unwrap();
    assert!(mine.def().column("n").unwrap().client_default().is_some());
    let theirs = db.table("theirs", (column("n", Integer).default(7), extend_existing())).unwrap();
    assert_eq!((theirs.def().uniques().len(), theirs.def().is_reflected()), (1, false));
    db.reflect().unwrap();
    insert(&theirs).run(&db).unwrap();
    assert_eq!(select(theirs.c("n")).scalar::<i64>(&db).unwrap(), 7);
}

#[test]
fn a_table_defined_here_is_found_by_reflection_alone() {
    let folder = tempfile::tempdir().unwrap();
    let url = mirrorm::dialect::sqlite::url_of_path(&folder.path().join("a.db"));
    let db = Db::open(&url).unwrap();
    let parts = (
        column("id", Integer).primary_key(),
        column("name", Varchar(40)).not_null().unique(),
        column("price", Numeric(10, 2)).server_default(5),
        column("parent_id", Integer).references("items.id").on_delete(Action::Cascade),
        column("made", Timestamp).server_default(func::now()),
        check(raw("price > 0")).named("positive"),
        index(["name", "price"]),
    );
    let items = db.table("items", parts).unwrap();
    db.create_all().unwrap();
    insert(&items).values(values! { "name" => "x" }).run(&db).unwrap();
    let other = Db::open(&url).unwrap();
    other.reflect().unwrap();
    let found = other.table_named("items").unwrap();
    let (a, b) = (items.def(), found.def());
    let shape = |d: &mirrorm::schema::TableDef| {
        d.columns().map(|c| (c.key().to_string(), c.ty().clone(), c.is_nullable())).collect::<Vec<_>>()
    };
    assert_eq!(shape(&a), shape(&b));
    assert_eq!(a.uniques(), b.uniques());
    assert_eq!(a.primary_key(), b.primary_key());
    assert_eq!(
        (a.indexes().len(), a.checks().len(), a.foreign_keys().len()),
        (b.indexes().len(), b.checks().len(), b.foreign_keys().len())
    );
    assert_eq!(select(found.c("price")).scalar::<i64>(&other).unwrap(), 5);
}

/// A fourth database is one folder: the mock is the smallest there can be, and everything runs.
#[test]
fn a_dialect_of_ones_own() {
    let mut features = Features::default();
    features.max_params = 10;
    features.batch_params = 6;
    let (dialect, mock) = Mock::leak(features);
    mirrorm::register(dialect).unwrap();
    let db = Db::open("mock://anything").unwrap();
    mock.sqls();
    let column_to = |name: &str, target: &str| column(name, Integer).references(target);
    let x = db.table("x", (column("id", Integer).primary_key(), column_to("y_id", "y.id"))).unwrap();
    db.table("y", (column("id", Integer).primary_key(), column_to("x_id", "x.id"), index(["x_id"]))).unwrap();
    db.create_all().unwrap();
    let sql = mock.sqls().join("; ");
    assert_eq!(
        sql,
        "BEGIN; CREATE TABLE x (id integer NOT NULL GENERATED BY DEFAULT AS IDENTITY, y_id integer, PRIMARY KEY (id)); \
         CREATE TABLE y (id integer NOT NULL GENERATED BY DEFAULT AS IDENTITY, x_id integer, PRIMARY KEY (id)); \
         CREATE INDEX ix_y_x_id ON y (x_id); \
         ALTER TABLE x ADD CONSTRAINT fk_x_y_id FOREIGN KEY (y_id) REFERENCES y (id); \
         ALTER TABLE y ADD CONSTRAINT fk_y_x_id FOREIGN KEY (x_id) REFERENCES x (id); COMMIT"
    );
    insert(&x).rows(["id", "y_id"], (0..7).map(|i| (i, 1))).run(&db).unwrap();
    assert_eq!(
        mock.sqls(),
        [
            "BEGIN",
            "INSERT INTO x (id, y_id) VALUES (?, ?), (?, ?), (?, ?)",
            "INSERT INTO x (id, y_id) VALUES (?, ?), (?, ?), (?, ?)",
            "INSERT INTO x (id, y_id) VALUES (?, ?)",
            "COMMIT"
        ]
    );
    let error = select(&x).filter(x.c("id").in_(0..11)).all(&db).unwrap_err();
    assert_eq!((error.kind(), mock.sqls().len()), (ErrorKind::TooLarge, 0), "nothing was sent");
    mock.answer(Answer::Rows(vec!["id", "y_id"], vec![vec![1.into(), Value::Null]]));
    let row = select(&x).limit(1).one(&db).unwrap();
    assert_eq!(row.get::<Option<i64>>("y_id").unwrap(), None);
    assert_eq!(mock.sqls(), ["SELECT x.id, x.y_id FROM x LIMIT ?"]);
    mock.answer(Answer::Fail(ErrorKind::Unique));
    let done: Result<()> = db.transaction(|tx| insert(&x).values(values! { "id" => 1 }).run(tx).map(|_| ()));
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(mock.sqls(), ["BEGIN", "INSERT INTO x (id) VALUES (?)", "ROLLBACK"]);
    let clash = Box::leak(Box::new(Clash));
    assert_eq!(mirrorm::register(clash).unwrap_err().kind(), ErrorKind::Config);
}

/// Another dialect that answers to the mock's scheme.
struct Clash;

impl Dialect for Clash {
    fn name(&self) -> &'static str {
        "clash"
    }
    fn schemes(&self) -> &'static [&'static str] {
        &["mock"]
    }
    fn apply_driver_hacks(&self, _: &Url, _: &mut EngineOptions) -> Result<()> {
        Ok(())
    }
    fn connector(&self, _: &Url, _: &EngineOptions) -> Result<Box<dyn mirrorm::dialect::Connector>> {
        Err(Error::unsupported("connecting", "clash"))
    }
    fn features(&self, _: &dyn Connection) -> Result<Features> {
        Ok(Features::default())
    }
    fn offline_features(&self) -> Features {
        Features::default()
    }
    fn grammar(&self) -> &'static dyn mirrorm::dialect::Grammar {
        mirrorm::dialect::built_in()[0].grammar()
    }
    fn types(&self) -> &'static dyn mirrorm::dialect::TypeMap {
        mirrorm::dialect::built_in()[0].types()
    }
    fn inspector(&self) -> &'static dyn mirrorm::dialect::Inspector {
        mirrorm::dialect::built_in()[0].inspector()
    }
}

/// Stored CREATE TABLE texts, read by another parser: both see the same columns.
#[test]
fn our_tokenizer_agrees_with_a_full_parser() {
    use sqlite3_parser::ast::{Cmd, CreateTableBody, Stmt};
    use sqlite3_parser::lexer::sql::Parser;
    let worker = std::thread::Builder::new().stack_size(64 << 20).spawn(|| {
        let mut compared = 0;
        for schema in ["chinook", "chinook-auto", "northwind", "sakila", "quirks"] {
            let db = loaded(schema);
            let facts = Reflector::new().facts(&db.connect().unwrap()).unwrap().tables;
            for row in db.query_text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' AND name NOT LIKE 'sqlite%'", ()).unwrap() {
                let (name, sql) = (row.get::<&str>(0).unwrap(), row.get::<&str>(1).unwrap());
                let bump = bumpalo::Bump::new();
                let mut parser = Parser::new(&bump, sql.as_bytes());
                let parsed = fallible_iterator::FallibleIterator::next(&mut parser);
                let Ok(Some(Cmd::Stmt(Stmt::CreateTable { body, .. }))) = parsed else { panic!("{sql}") };
                let CreateTableBody::ColumnsAndConstraints { columns, .. } = body else { panic!("{sql}") };
                let theirs: Vec<String> = columns.iter().map(|c| unquoted(c.col_name.0)).collect();
                let ours = facts.iter().find(|t| t.name == name).unwrap();
                assert_eq!(ours.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>(), theirs, "{sql}");
                for column in columns.iter() {
                    use sqlite3_parser::ast::ColumnConstraint::*;
                    let checks = column.constraints.iter().filter(|c| matches!(c.constraint, Check(_))).count();
                    compared += checks;
                    let own = unquoted(column.col_name.0);
                    let fact = ours.columns.iter().find(|c| c.name == own).unwrap();
                    let collated = column.constraints.iter().any(|c| matches!(c.constraint, Collate { .. }));
                    let computed = column.constraints.iter().any(|c| matches!(c.constraint, Generated { .. }));
                    assert_eq!((fact.collation.is_some(), fact.computed.is_some()), (collated, computed), "{sql}");
                }
                compared += 1;
            }
        }
        compared
    });
    assert!(worker.unwrap().join().unwrap() > 60);
}

fn unquoted(name: &str) -> String {
    let inside = name.trim_matches(['"', '`', '[', ']', '\'']);
    inside.replace("\"\"", "\"")
}

/// Rows of a table without a key, told apart by what the program says.
#[test]
fn r4_6_4_a_key_that_the_program_names() {
    each_backend(|db| {
        db.execute_script(
            "CREATE TABLE rates (land VARCHAR(20), code VARCHAR(20), rate INTEGER);
             INSERT INTO rates VALUES ('at', 'EUR', 1), ('de', 'EUR', 2), ('de', 'EUR', 3), (NULL, 'X', 4)",
        )
        .unwrap();
        let reflection = db.reflect_with(&Reflector::new().key_of("rates", ["code", "land"])).unwrap();
        assert_eq!(reflection.facts()[0].tables[0].primary_key, None, "facts stay what the database says");
        let rates = db.table_named("rates").unwrap();
        let session = db.session();
        let row = session.get(&rates, ("EUR", "at")).unwrap().unwrap();
        row.set("rate", 5).unwrap();
        session.add(rates.record(values! { "land" => "ch", "code" => "CHF", "rate" => 6 }).unwrap()).unwrap();
        session.commit().unwrap();
        session.delete(&row).unwrap();
        session.commit().unwrap();
        let left = || select(rates.c("rate")).order_by(rates.c("rate")).scalars::<i64>(db).unwrap();
        assert_eq!(left(), [2, 3, 4, 6]);
        // What was said is wrong of two rows: neither is changed.
        let two = select(&rates).filter(rates.c("land").eq("de"));
        assert!(session.query(&rates).filter(rates.c("land").is_null()).all().is_ok());
        assert_eq!(two.all(db).unwrap().len(), 2);
        let row = session.query(&rates).filter(rates.c("rate").eq(2)).first().unwrap().unwrap();
        row.set("rate", 9).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
        drop(session);
        assert_eq!(left(), [2, 3, 4, 6]);
    });
}

#[test]
fn what_is_said_of_columns_that_are_not_there() {
    let db = loaded("chinook");
    let wrong = [
        (Reflector::new().key_of("Albun", ["x"]), ErrorKind::NoSuchTable, "`Albun`"),
        (Reflector::new().key_of("album", ["x"]), ErrorKind::NoSuchTable, "did you mean `Album`"),
        (Reflector::new().key_of("Album", ["title"]), ErrorKind::NoSuchColumn, "did you mean `Title`"),
        (Reflector::new().columns_of("Album", ["nothing"]), ErrorKind::NoSuchColumn, "`nothing`"),
    ];
    for (reflector, kind, words) in wrong {
        let error = db.reflect_with(&reflector).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let none: [&str; 0] = [];
    let reflection = db.reflect_with(&Reflector::new().key_of("Album", none)).unwrap();
    assert_eq!(reflection.problems(), [], "a table may be said to have no key");
    assert_eq!(db.table_named("Album").unwrap().def().primary_key(), None);
}

/// A hook renames and leaves out; what it renames never takes the name of something else.
#[test]
fn r4_7_5_a_hook_for_each_relationship() {
    let db = memory();
    db.execute_script(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, taken TEXT);
         CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a);
         CREATE TABLE c (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a);
         CREATE TABLE d (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a)",
    )
    .unwrap();
    db.reflect().unwrap();
    let a = db.table_named("a").unwrap();
    assert_eq!(db.relationships(&a), ["b", "c", "d"]);
    db.on_relationship(|choice| {
        if choice.found.from.name().as_ref() == "a" {
            choice.name = "taken".into();
            choice.skip = choice.found.to.name().as_ref() == "d";
        }
    });
    assert_eq!(db.relationships(&a), ["taken_2", "taken_3"]);
    assert_eq!(db.relationships(&db.table_named("d").unwrap()), ["a"], "the other direction is there");
    let session = db.session();
    let row = session.add(a.record(values! { "id" => 1, "taken" => "x" }).unwrap()).unwrap();
    let b = session.add(db.table_named("b").unwrap().record(values! { "id" => 1 }).unwrap()).unwrap();
    row.append("taken_2", &b).unwrap();
    session.commit().unwrap();
    assert_eq!((row.get::<String>("taken").unwrap(), b.get::<i64>("a_id").unwrap()), ("x".to_string(), 1));
    db.on_relationship(|_| {});
    assert_eq!(db.relationships(&a), ["b", "c", "d"]);
    assert!(row.related("taken_2").unwrap_err().message().contains("taken_2"));
}

/// A table between two others that has a key, a unique pair and further columns, as Django makes them.
#[test]
fn r4_7_3_link_tables_with_further_columns() {
    each_backend(|db| {
        let key = serial(db);
        db.execute_script(&format!(
            "CREATE TABLE posts (id {key});
             CREATE TABLE tags (id {key});
             CREATE TABLE post_tags (id {key}, post_id INTEGER NOT NULL, tag_id INTEGER NOT NULL,
                weight INTEGER DEFAULT 7, UNIQUE (post_id, tag_id),
                FOREIGN KEY (post_id) REFERENCES posts (id), FOREIGN KEY (tag_id) REFERENCES tags (id))"
        ))
        .unwrap();
        let reflection = db.reflect().unwrap();
        let many = |found: &Relationship| found.kind == RelationshipKind::ManyToMany;
        assert!(!reflection.relationships().iter().any(many), "it is a table of its own");
        let [posts, tags, between] = ["posts", "tags", "post_tags"].map(|name| db.table_named(name).unwrap());
        assert_eq!(db.relationships(&posts), ["post_tags"]);
        db.on_relationship(|choice| choice.skip = false);
        assert_eq!(db.relationships(&posts), ["post_tags"], "what is not left out is not yet a link");
        db.on_relationship(|choice| {
            if let Some(between) = &choice.found.through {
                assert_eq!(between.others, ["id", "weight"]);
                choice.link = true;
            }
        });
        assert_eq!(db.relationships(&posts), ["post_tags", "tags"]);
        assert_eq!(db.relationships(&tags), ["post_tags", "posts"]);
        let session = db.session();
        let post = session.add(posts.record(values! { "id" => 1 }).unwrap()).unwrap();
        let tag = session.add(tags.record(values! { "id" => 2 }).unwrap()).unwrap();
        post.append("tags", &tag).unwrap();
        session.commit().unwrap();
        let row = select((between.c("post_id"), between.c("tag_id"), between.c("weight"))).one(db).unwrap();
        assert_eq!(row.to::<(i64, i64, i64)>().unwrap(), (1, 2, 7));
        // Its rows hold more than the link: they do not go with a record, unless their key says so.
        session.delete(&post).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::ForeignKey);
        session.rollback().unwrap();
        assert_eq!(select(&between).count(db).unwrap(), 1);
        post.remove("tags", &tag).unwrap();
        session.commit().unwrap();
        assert_eq!(select(&between).count(db).unwrap(), 0);
    });
}

/// Keys from one schema to another make relationships in both directions.
#[test]
fn r4_7_keys_to_other_schemas() {
    each_server(|db| {
        let own = database(db);
        let other = format!("{own}_o");
        db.execute_script(&format!(
            "CREATE SCHEMA {other};
             CREATE TABLE a (id INTEGER PRIMARY KEY);
             CREATE TABLE {other}.b (id INTEGER PRIMARY KEY, a_id INTEGER, FOREIGN KEY (a_id) REFERENCES {own}.a (id));
             CREATE TABLE c (id INTEGER PRIMARY KEY, b_id INTEGER, FOREIGN KEY (b_id) REFERENCES {other}.b (id))"
        ))
        .unwrap();
        db.reflect().unwrap();
        db.reflect_with(&Reflector::new().schema(other.as_str())).unwrap();
        let b = db.tables().into_iter().find(|table| table.name().as_ref() == "b").unwrap();
        let found = db.relationships(&b);
        db.execute_script(&format!("DROP TABLE c; DROP TABLE {other}.b; DROP SCHEMA {other}")).unwrap();
        assert_eq!(found, ["a", "c"]);
    });
}

fn database(db: &Db) -> String {
    let rows =
        db.query_text("SELECT current_schema()", ()).or_else(|_| db.query_text("SELECT database()", ()));
    rows.unwrap().iter().next().unwrap().get::<String>(0).unwrap()
}
