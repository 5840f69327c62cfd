//! Models: configuration over tables that are made, or found, at run time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mirrorm::prelude::*;
use mirrorm::schema::{Metadata, NamingConvention};
use mirrorm::session::{Hooks, Query};

use super::text;
use crate::support::{each_backend, memory, quoted, serial};

fn id() -> mirrorm::schema::Column {
    column("id", Integer).primary_key()
}

#[test]
fn a_model_over_a_reflected_table() {
    each_backend(|db| {
        let (serial, key) = (serial(db), quoted(db, "AuthorID"));
        let script = format!(
            "CREATE TABLE author ({key} {serial}, full_name TEXT);
            CREATE TABLE blog_post (id {serial}, writer INTEGER, title TEXT, hits INTEGER, state TEXT,
                FOREIGN KEY (writer) REFERENCES author ({key}))"
        );
        db.execute_script(&script).unwrap();
        db.reflect().unwrap();
        let before = db.table_named("blog_post").unwrap();
        let authors = Model::new("Author").parts(attribute("id").of("AuthorID")).define(db).unwrap();
        let counter = Arc::new(AtomicI64::new(10));
        let count = counter.clone();
        let model = Model::new("BlogPost")
            .parts((
                attribute("heading").of("title"),
                attribute("hits").default_with(move || count.fetch_add(1, Ordering::Relaxed).into()),
                attribute("state").default("new").on_update_value("touched"),
            ))
            .relationship(relationship("author", &authors))
            .query(|posts| posts.with("author"));
        let posts = model.clone().define(db).unwrap();
        assert_eq!(posts, before, "the table there is configured");
        assert_eq!((posts.def().model(), &*posts.name()), (Some("BlogPost"), "blog_post"));
        let session = db.session();
        let ann = session.add(authors.record(values! { "full_name" => "ann" }).unwrap()).unwrap();
        let post = session.add(posts.record(values! { "heading" => "a" }).unwrap()).unwrap();
        post.set_related("author", &ann).unwrap();
        session.commit().unwrap();
        assert_eq!((post.to_string(), ann.to_string()), ("<BlogPost 1>".into(), "<Author 1>".into()));
        assert_eq!((post.get::<i64>("hits").unwrap(), text(&post, "state")), (10, "new".into()));
        post.set("heading", "b").unwrap();
        session.commit().unwrap();
        assert_eq!(text(&post, "state"), "touched");
        let rows = db.query_text("SELECT title, hits, state FROM blog_post", ()).unwrap();
        assert_eq!(rows.one().unwrap().get::<String>("title").unwrap(), "b", "the database keeps its names");
        // What queries start from: the author is there without asking.
        let strict = db.session_with(SessionOptions::new().forbid_lazy(true));
        let found = strict.query(&posts).one().unwrap();
        assert_eq!(text(&found.related("author").unwrap()[0], "full_name"), "ann");
        // Reflecting again leaves it alone, and so does defining it again.
        let version = posts.version();
        db.reflect().unwrap();
        assert_eq!(model.define(db).unwrap(), posts);
        assert_eq!(posts.version(), version);
    });
}

#[test]
fn mixins_and_what_all_models_start_from() {
    struct House;
    impl Hooks for House {
        fn create_metadata(&self) -> Metadata {
            Metadata::new().with_naming(NamingConvention::new().foreign_key("{table}__{referred_table}"))
        }
        fn make_declarative_base(&self) -> Model {
            Model::mixin().parts((column("id", Integer).primary_key(), column("made", Integer).default(7)))
        }
        fn table_name(&self, model: &str) -> Option<String> {
            (model != "Nameless").then(|| format!("app_{}", mirrorm::table_name_of(model)))
        }
    }
    let db = Db::with_hooks(House);
    db.init(Config::new().url("sqlite://").bind("logs", "sqlite://")).unwrap();
    let users = db.model("User", column("name", Text)).unwrap();
    let logged = Model::mixin().parts((column("note", Text).default("-"), in_bind("logs"))).table("log");
    let lines = Model::new("Line").with(&logged).define(&db).unwrap();
    let home = Model::new("Home").with(&logged).bind(None).table("home").define(&db).unwrap();
    let own = Model::new("Own").parts(column("note", Integer).default(1)).with(&logged).table("own");
    let own = own.bind("logs").define(&db).unwrap();
    let posts = Model::new("BlogPost").parts(column("user_id", Integer).references("app_user.id"));
    let posts = posts.define(&db).unwrap();
    db.create_all().unwrap();
    let names = |tables: Vec<Table>| tables.iter().map(|t| t.name().to_string()).collect::<Vec<_>>();
    assert_eq!(names(db.get_tables_for_bind(None)), ["app_user", "home", "app_blog_post"]);
    assert_eq!(
        names(db.get_tables_for_bind("logs")),
        ["log", "own"],
        "a mixin's table name is taken as it is"
    );
    let key = posts.def().foreign_keys()[0].name.clone().unwrap();
    assert_eq!(key.as_str(), "app_blog_post__app_user");
    let session = db.session();
    for table in [&users, &lines, &home, &own, &posts] {
        let record = session.add(table.record(()).unwrap()).unwrap();
        session.flush().unwrap();
        assert_eq!(record.get::<i64>("made").unwrap(), 7, "{record}");
    }
    let note = |table: &Table| session.query(table).one().unwrap().value("note").unwrap();
    assert_eq!(
        (note(&lines), note(&own)),
        (Value::from("-"), Value::from(1)),
        "the model's own column holds"
    );
    let error = db.model("Nameless", ()).unwrap_err();
    assert!(error.message().contains("`Nameless`") && error.message().contains(".table("), "{error}");
}

#[test]
fn relationships_in_an_order_and_back_to_the_model() {
    let db = memory();
    let parts = (id(), column("n", Integer), column("parent", Integer).references("node.id"));
    let nodes = Model::new("Node")
        .parts(parts)
        .relationship_with(|nodes| {
            use mirrorm::reflect::RelationshipKind::OneToMany;
            relationship("children", nodes).by(["parent"]).kind(OneToMany).order_by(nodes.c("n").desc())
        })
        .define(&db)
        .unwrap();
    let tags = db.model("Tag", (id(), column("name", Text))).unwrap();
    let ends = (
        column("node_id", Integer).references("node.id").primary_key(),
        column("tag_id", Integer).references("tag.id").primary_key(),
    );
    let between = db.table("node_tag", ends).unwrap();
    let through = relationship("labels", &tags).through(&between);
    db.relate(&nodes, through.order_by((tags.c("name"), tags.c("id")))).unwrap();
    db.create_all().unwrap();
    insert(&nodes)
        .rows(["n", "parent"], [[1, 0], [5, 1], [9, 1], [7, 1]].map(|[n, p]| (n, (p > 0).then_some(p))))
        .run(&db)
        .unwrap();
    insert(&tags).rows(["name"], [["z"], ["a"], ["m"]]).run(&db).unwrap();
    insert(&between).rows(["node_id", "tag_id"], [[1, 1], [1, 2], [1, 3]]).run(&db).unwrap();
    let session = db.session();
    let top = session.get(&nodes, 1).unwrap().unwrap();
    let of = |name: &str, key: &str| -> Vec<Value> {
        top.related(name).unwrap().iter().map(|record| record.value(key).unwrap()).collect()
    };
    assert_eq!(of("children", "n"), [9, 7, 5].map(Value::from));
    assert_eq!(of("labels", "name"), ["a", "m", "z"].map(Value::from));
}

/// The Rust way of a query class: an extension trait.
trait Published {
    fn published(self) -> Self;
}

impl Published for Query<'_> {
    fn published(self) -> Self {
        let live = self.table().c("live");
        self.filter(live.eq(1))
    }
}

#[test]
fn where_queries_of_a_model_start() {
    let db = memory();
    let parts = (id(), column("live", Integer), column("deleted", Integer).default(0));
    let posts = Model::new("Post")
        .parts(parts)
        .query(|posts| {
            let deleted = posts.table().c("deleted");
            posts.filter(deleted.eq(0))
        })
        .define(&db)
        .unwrap();
    db.create_all().unwrap();
    insert(&posts).rows(["live", "deleted"], [[1, 0], [0, 0], [1, 1]]).run(&db).unwrap();
    let session = db.session();
    assert_eq!(session.query(&posts).count().unwrap(), 2);
    assert_eq!(session.query(&posts).published().count().unwrap(), 1);
    assert_eq!(session.query(&posts).paginate(Page::number(1)).unwrap().total, Some(2));
    assert!(session.get(&posts, 3).unwrap().is_some(), "a key finds what it names");
}

#[test]
fn models_that_are_wrong() {
    let db = memory();
    let kind = |model: Model| {
        let error = model.define(&db).unwrap_err();
        (error.kind(), error.message().to_string())
    };
    let (kind_of, says) = kind(Model::new("Duck").parts(column("name", Text)));
    assert_eq!(kind_of, ErrorKind::Invalid);
    assert!(says.contains("`duck`") && says.contains("`Duck`") && says.contains("primary key"), "{says}");
    assert!(db.metadata().get("duck").is_none(), "nothing was defined");
    let (kind_of, says) = kind(Model::mixin().parts(id()));
    assert_eq!(kind_of, ErrorKind::Invalid);
    assert!(says.contains("mixin"), "{says}");
    let (kind_of, says) = kind(Model::new("Goose").parts((id(), attribute("x").of("i"))));
    assert_eq!(kind_of, ErrorKind::NoSuchColumn);
    assert!(says.contains("`i`") && says.contains("`id`"), "{says}");
    let stranger = memory().table("stranger", id()).unwrap();
    let (kind_of, _) = kind(Model::new("Goose").parts(id()).relationship(relationship("x", &stranger)));
    assert_eq!(kind_of, ErrorKind::NoSuchTable);
    assert!(db.metadata().get("goose").is_none(), "nothing was defined");
    // Two models of one table.
    db.model("UserProfile", (id(), column("a", Text))).unwrap();
    db.model("UserProfile", (id(), column("a", Text))).unwrap();
    let (kind_of, says) = kind(Model::new("UserProfile").parts((id(), column("b", Text))));
    assert_eq!(kind_of, ErrorKind::Duplicate);
    assert!(says.contains("`user_profile`") && says.contains("`UserProfile`"), "{says}");
    let other = Model::new("Other").table("user_profile").parts((id(), column("a", Text)));
    assert_eq!(kind(other).0, ErrorKind::Duplicate);
    assert_eq!(db.table_named("user_profile").unwrap().def().columns().len(), 2);
}

#[test]
fn a_model_that_fails_leaves_a_known_table_as_it_was() {
    let db = memory();
    db.execute_script("CREATE TABLE author (AuthorID INTEGER PRIMARY KEY)").unwrap();
    db.reflect().unwrap();
    let stranger = memory().table("stranger", id()).unwrap();
    let posts = db.table("posts", (id(), column("a", Integer).references("author.AuthorID"))).unwrap();
    let model = Model::new("Author").parts(attribute("id").of("AuthorID"));
    let error = model
        .clone()
        .relationship(relationship("writings", &posts))
        .relationship(relationship("x", &stranger))
        .define(&db)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    let author = db.table_named("author").unwrap();
    assert!(author.try_c("AuthorID").is_ok() && author.def().model().is_none());
    assert_eq!(db.relationships(&author), ["posts"], "no relationship is left");
    let mended = model.parts(attribute("id").of("AuthorID").default(1)).define(&db).unwrap();
    assert_eq!(mended, author);
}

#[test]
fn a_default_schema() {
    struct Main;
    impl Hooks for Main {
        fn create_metadata(&self) -> Metadata {
            Metadata::new().with_schema("main")
        }
    }
    let db = Db::with_hooks(Main);
    db.init(Config::new().url("sqlite://")).unwrap();
    let users = db.table("users", id()).unwrap();
    let posts = db.model("Post", (id(), column("user_id", Integer).references("users.id"))).unwrap();
    db.create_all().unwrap();
    assert_eq!(posts.def().display_name(), "main.post");
    assert_eq!(db.table_named("users").unwrap(), users);
    assert_eq!(db.relationships(&posts), ["user"]);
    db.session().add(users.record(()).unwrap()).unwrap();
    db.execute_script("CREATE TABLE others (id INTEGER PRIMARY KEY)").unwrap();
    db.reflect().unwrap();
    assert_eq!(db.table_named("others").unwrap().def().display_name(), "main.others");
    db.reflect_with(&mirrorm::reflect::Reflector::new()).unwrap();
    assert_eq!(db.tables().len(), 3, "what is known is not reflected a second time");
}

#[test]
fn a_key_of_several_columns_and_one_from_a_constraint() {
    let db = memory();
    let seats =
        db.model("Seat", (column("row", Text), column("n", Integer), primary_key(["row", "n"]))).unwrap();
    let links = db
        .model("UserGroup", ["user_id", "group_id"].map(|name| column(name, Integer).primary_key()))
        .unwrap();
    db.create_all().unwrap();
    let session = db.session();
    let seat = session.add(seats.record(values! { "row" => "A", "n" => 7 }).unwrap()).unwrap();
    session.add(links.record(values! { "user_id" => 1, "group_id" => 2 }).unwrap()).unwrap();
    session.commit().unwrap();
    assert_eq!(seat.to_string(), "<Seat A, 7>");
    assert!(session.get(&links, (1, 2)).unwrap().is_some());
}

#[test]
fn a_bind_said_twice() {
    let db = Db::new();
    db.init(Config::new().url("sqlite://").bind("a", "sqlite://").bind("b", "sqlite://")).unwrap();
    let bind = |model: Model| model.parts(id()).define(&db).unwrap().bind().map(ToString::to_string);
    let mixin = Model::mixin().parts(in_bind("a"));
    assert_eq!(bind(Model::new("One").with(&mixin)), Some("a".into()));
    assert_eq!(bind(Model::new("Two").with(&mixin).bind("b")), Some("b".into()), "the model's own");
    assert_eq!(bind(Model::new("Three").parts(in_bind("b")).with(&mixin)), Some("b".into()));
    assert_eq!(bind(Model::new("Four").parts(in_bind("a")).bind("b")), Some("b".into()), "the last word");
    assert_eq!(bind(Model::new("Five").with(&mixin).bind(None)), None);
    // A view of the registry gives its bind to what says none.
    let view = db.metadata().for_bind(Some("b"));
    assert_eq!(view.define("six", id()).unwrap().bind().map(|key| &**key), Some("b"));
    assert_eq!(view.define("seven", (id(), in_bind("a"))).unwrap().bind().map(|key| &**key), Some("a"));
    // Two models of one name in two databases are two tables.
    let mine = Model::new("User").parts(id()).define(&db).unwrap();
    let theirs = Model::new("User").parts((id(), column("x", Text), in_bind("a"))).define(&db).unwrap();
    assert_ne!(mine, theirs);
}

/// Asks for the tables when it goes.
struct Nosy(Db);

impl Drop for Nosy {
    fn drop(&mut self) {
        self.0.tables();
    }
}

#[test]
fn what_is_refused_is_dropped_without_a_lock() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let db = memory();
        let nosy = |db: &Db| {
            let nosy = Nosy(db.clone());
            move || nosy.0.tables().len().to_string().into()
        };
        let filled = |db: &Db| (id(), column("x", Text).default_with(nosy(db)));
        db.table("t", filled(&db)).unwrap();
        let wrong = (filled(&db), attribute("nope"), mirrorm::schema::extend_existing());
        let one = db.table("t", wrong).unwrap_err();
        let two = db.table("new", (filled(&db), attribute("nope"))).unwrap_err();
        let three = db.table("", filled(&db)).unwrap_err();
        db.table("t", (filled(&db), attribute("x").default("y"), mirrorm::schema::extend_existing()))
            .unwrap();
        done.send([one.kind(), two.kind(), three.kind()]).unwrap();
    });
    let kinds = ended.recv_timeout(std::time::Duration::from_secs(20)).expect("no deadlock");
    assert_eq!(kinds, [ErrorKind::NoSuchColumn, ErrorKind::NoSuchColumn, ErrorKind::Invalid]);
}
