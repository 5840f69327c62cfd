//! The error catalogue of Flask-SQLAlchemy, row by row: the kind of each error here, and what it says.

use std::time::Duration;

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;

use super::blog;
use crate::support::memory;

/// Checks the kind, and that all of the words are said.
#[track_caller]
fn says<T>(result: Result<T>, kind: ErrorKind, words: &[&str]) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    words.iter().for_each(|word| assert!(error.message().contains(word), "{word}: {error}"));
}

#[test]
fn where_there_is_no_database() {
    let db = Db::new();
    let t = db.table("t", column("id", Integer).primary_key()).unwrap();
    let advice = ["no database", "`init`", "`Db::open`"];
    says(db.engine(), ErrorKind::Config, &advice);
    says(db.create_all(), ErrorKind::Config, &advice);
    says(db.drop_all(), ErrorKind::Config, &advice);
    says(db.reflect(), ErrorKind::Config, &advice);
    says(db.session().query(&t).all(), ErrorKind::Config, &advice);
    says(db.scoped().query(&t).all(), ErrorKind::Config, &advice);
    says(db.test_transaction(), ErrorKind::Config, &advice);
    says(db.init(Config::new()), ErrorKind::Config, &["no database"]);
    db.init(Config::new().url("sqlite://")).unwrap();
    says(db.init(Config::new().url("sqlite://")), ErrorKind::Config, &["`reconfigure`", "`with_config`"]);
}

#[test]
fn binds_and_options_that_cannot_be() {
    let db = memory();
    says(db.get_engine("logs"), ErrorKind::Config, &["`logs`", ".bind(\"logs\", url)"]);
    let with = |options: EngineOptions| Db::open_with("sqlite://", options);
    says(with(EngineOptions::new().size(0)), ErrorKind::Config, &["memory"]);
    says(with(EngineOptions::new().size(3)), ErrorKind::Config, &["size", "memory"]);
    says(with(EngineOptions::new().overflow(3)), ErrorKind::Config, &["overflow"]);
    says(Db::open("no url"), ErrorKind::Config, &["scheme"]);
    says(Db::open(""), ErrorKind::Config, &["scheme"]);
    let twice = Config::new().url("sqlite://").bind("a", "sqlite://").bind("a", "sqlite://");
    says(Db::new().init(twice), ErrorKind::Config, &["`a`", "twice"]);
    let gone = [
        ("SQLALCHEMY_TRACK_MODIFICATIONS", "leave it out"),
        ("SQLALCHEMY_COMMIT_ON_TEARDOWN", "`db.transaction`"),
        ("SQLALCHEMY_NATIVE_UNICODE", "Unicode"),
        ("SQLALCHEMY_RECORD_QUERIES", "`Recorder`"),
    ];
    for (name, advice) in gone {
        let config = Config::from_map([("SQLALCHEMY_DATABASE_URI", "sqlite://"), (name, "1")]);
        says(Db::new().init(config), ErrorKind::Config, &[name, advice]);
    }
}

#[test]
fn what_is_not_found_and_pages() {
    let db = memory();
    let b = blog(&db);
    let session = db.session();
    says(session.get_or_404(&b.users, 1, "no such user"), ErrorKind::NotFound, &["no such user"]);
    says(session.query(&b.users).first_or_404(None), ErrorKind::NotFound, &["was asked for"]);
    says(session.query(&b.users).one_or_404("none"), ErrorKind::NotFound, &["none"]);
    b.fill(&db, &["ann", "ben"]);
    says(session.query(&b.users).one_or_404("two"), ErrorKind::NotFound, &["two"]);
    says(session.query(&b.users).one(), ErrorKind::MultipleFound, &[]);
    let query = session.query(&b.users);
    for page in [Page::number(0), Page::number(-1), Page::number(2), Page::number(10_i64.pow(18))] {
        says(query.paginate(page), ErrorKind::NotFound, &[]);
    }
    says(query.paginate(Page::number(1).per_page(0)), ErrorKind::NotFound, &[]);
    says(session.query(&b.users).limit(5).paginate(Page::number(1)), ErrorKind::Invalid, &["limit"]);
    // A page knows the next one; it asks nobody.
    let page = mirrorm::paging::Pagination::new(vec![1, 2], 1, 2, Some(3));
    assert_eq!(page.next_page().fetch(|rows, at| Ok(vec![(rows, at)]), || Ok(3)).unwrap().page, 2);
}

#[test]
fn definitions_and_calls_that_make_no_sense() {
    let db = memory();
    let b = blog(&db);
    says(db.table("users", column("other", Text)), ErrorKind::Duplicate, &["`users`", "extend_existing()"]);
    says(db.model("Duck", column("name", Text)), ErrorKind::Invalid, &["`Duck`", "primary key"]);
    let session = db.session();
    says(session.delete(&b.user("new")), ErrorKind::Invalid, &[]);
    says(session.get(&b.post_tags, 1), ErrorKind::Invalid, &["post_id", "tag_id"]);
    let scopes = Scopes::by(&db, || 1);
    scopes.session();
    says(scopes.session_with(SessionOptions::new()), ErrorKind::Invalid, &["already", "`remove`"]);
    says(b.users.record(values! { "nam" => "x" }), ErrorKind::NoSuchColumn, &["`nam`", "`name`"]);
    let options = EngineOptions::new().busy_timeout(Duration::from_millis(1));
    let db = Db::new();
    db.init(Config::new().database("logs", "sqlite://", options)).unwrap();
    says(db.engine(), ErrorKind::Config, &["no default database", "`.url(..)`"]);
}

#[test]
fn a_panic_inside_a_scope_returns_the_connection() {
    let db = memory();
    let b = blog(&db);
    let inside = std::panic::AssertUnwindSafe(|| {
        let _scope = db.scope();
        db.scoped().add(b.user("lost")).unwrap();
        db.scoped().flush().unwrap();
        assert_eq!(db.engine().unwrap().pool_status().in_use, 1);
        std::panic::resume_unwind(Box::new("stop"));
    });
    assert!(std::panic::catch_unwind(inside).is_err());
    assert_eq!(db.engine().unwrap().pool_status().in_use, 0);
    assert_eq!(db.session().query(&b.users).count().unwrap(), 0);
}
