//! Recording: which queries are sent, from which line, and how they end.

use std::process::Command;
use std::time::Duration;

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::{RecordedQuery, Recorder, assert_queries, recorded_queries};

use super::{blog, text};
use crate::support::{each_backend, memory};

/// The first words of each.
fn words(queries: &[RecordedQuery]) -> Vec<&str> {
    queries.iter().map(|query| query.statement.split(' ').next().unwrap_or_default()).collect()
}

/// The lines of this file they come from.
fn lines(queries: &[RecordedQuery]) -> Vec<u32> {
    let line = |query: &RecordedQuery| {
        let at = query.location.unwrap();
        assert!(at.file().ends_with("recorded.rs"), "{query}");
        at.line()
    };
    queries.iter().map(line).collect()
}

#[test]
fn every_verb_says_who_called_it() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let recording = Recorder::new().start(db);
        let session = db.session();
        let here = line!();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        let _all = session.query(&b.users).all().unwrap();
        let _posts = ann.related("posts").unwrap();
        ann.set("name", "anna").unwrap();
        session.flush().unwrap();
        session.refresh(&ann).unwrap();
        ann.set("name", "annie").unwrap();
        session.commit().unwrap();
        select(&b.users).all(&session).unwrap();
        session.query_text("SELECT 1", ()).unwrap();
        session.query(&b.users).paginate(Page::number(1).without_count()).unwrap();
        session.rollback().unwrap();
        db.query_text("SELECT 1", ()).unwrap();
        insert(&b.tags).rows(["name"], [["a"], ["b"]]).run(db).unwrap();
        delete(&b.tags).all_rows().run(db).unwrap();
        db.transaction(|session| {
            session.query(&b.users).count()?;
            session.nested(|session| session.query(&b.users).count())
        })
        .unwrap();
        db.engine().unwrap().connect().unwrap().execute("SELECT 1", ()).unwrap();
        let found: Vec<u32> = lines(&recording.queries()).iter().map(|line| line - here).collect();
        let nested = 19;
        assert_eq!(
            found,
            [1, 2, 3, 5, 6, 8, 9, 10, 11, 13, 14, 15, 17, nested - 1, nested - 1, nested - 1, 21],
            "{recording:#?}"
        );
    });
}

#[test]
fn what_a_record_holds() {
    let db = memory();
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT)", ()).unwrap();
    db.reflect().unwrap();
    let t = db.table_named("t").unwrap();
    let hidden = Recorder::new().start(&db);
    let shown = Recorder::new().with_parameters().start(&db);
    db.execute("INSERT INTO t VALUES (?, ?)", (1, "sesame")).unwrap();
    insert(&t).rows(["secret"], [["a"], ["b"]]).run(&db).unwrap();
    assert_eq!(select(&t).all(&db).unwrap().len(), 3);
    assert!(db.execute("INSERT INTO t VALUES (?, ?)", (1, "again")).is_err());
    db.execute_script("CREATE TABLE u (a); DROP TABLE u").unwrap();
    let queries = hidden.queries();
    assert_eq!(words(&queries), ["INSERT", "INSERT", "SELECT", "INSERT", "CREATE"]);
    assert_eq!(
        queries.iter().map(|query| query.rows).collect::<Vec<_>>(),
        [Some(1), Some(2), Some(3), None, None]
    );
    assert!(queries.iter().all(|query| query.parameters.is_none()));
    assert_eq!(queries.iter().map(|query| query.parameter_count).collect::<Vec<_>>(), [2, 2, 0, 2, 0]);
    let failed = queries[3].error.as_ref().unwrap();
    assert_eq!(failed.kind(), ErrorKind::Unique);
    assert!(
        queries
            .iter()
            .all(|query| query.started.elapsed().is_ok() && query.duration < Duration::from_secs(60))
    );
    let printed = format!("{hidden:?} {:?}", queries[0].to_string());
    assert!(!printed.contains("sesame"), "{printed}");
    assert!(
        queries[0].to_string().contains("[2 parameters]") && queries[0].to_string().contains("recorded.rs:")
    );
    let values: Vec<_> = shown.queries().into_iter().map(|query| query.parameters.unwrap()).collect();
    assert_eq!(values[0], [[1.into(), Value::from("sesame")]]);
    assert_eq!(
        values[1],
        [[Value::from("a")], [Value::from("b")]],
        "one record of a statement for many rows"
    );
    assert_eq!(values[2], Vec::<Vec<Value>>::new());
}

#[test]
fn transactions_savepoints_and_reflection() {
    let db = memory();
    let t = db.table("t", column("id", Integer).primary_key()).unwrap();
    let recording = Recorder::new().start(&db);
    db.create_all().unwrap();
    let session = db.session();
    session.add(t.record(()).unwrap()).unwrap();
    session.nested(|session| session.add(t.record(()).unwrap()).map(drop)).unwrap();
    session.commit().unwrap();
    let created = words(&recording.queries()).iter().position(|word| *word == "CREATE").unwrap();
    assert_eq!(
        words(&recording.queries())[created..],
        ["CREATE", "INSERT", "SAVEPOINT", "INSERT", "RELEASE"]
    );
    recording.clear();
    db.reflect().unwrap();
    assert!(recording.count() > 1, "what is asked of the catalog is seen too");
    assert!(lines(&recording.queries()).len() > 1);
    // Every statement, for who wants them all.
    let all = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let list = all.clone();
    let watch = db.observe(move |statement| list.lock().unwrap().push(statement.sql.to_string()));
    db.transaction(|session| session.query(&t).count()).unwrap();
    assert_eq!(all.lock().unwrap().len(), 3, "{all:?}");
    drop(watch);
    db.query_text("SELECT 1", ()).unwrap();
    assert_eq!(all.lock().unwrap().len(), 3, "it ends with its guard");
}

#[test]
fn what_listens_does_no_harm() {
    let db = memory();
    let t = db.table("t", column("id", Integer).primary_key()).unwrap();
    db.create_all().unwrap();
    let told = std::sync::Arc::new(std::sync::Mutex::new(0));
    let count = told.clone();
    let _told =
        db.signals().models_committed.connect(move |_, changes| *count.lock().unwrap() += changes.len());
    let panics = db.observe(|statement| assert!(statement.sql != "COMMIT", "a listener panics"));
    let own = db.clone();
    let _asks = db.observe(move |_| drop(own.execute("SELECT 1", ())));
    let session = db.session();
    session.add(t.record(()).unwrap()).unwrap();
    assert_eq!(session.commit().unwrap().changes.len(), 1);
    drop(panics);
    assert_eq!(*told.lock().unwrap(), 1, "the commit is told whoever panicked on the way");
}

#[test]
fn errors_are_recorded_without_their_words() {
    let db = memory();
    let recording = Recorder::new().start(&db);
    let failed = db.query_text("SELECT json_extract('{}', ?)", ("hunter2",)).unwrap_err();
    assert!(failed.message().contains("hunter2"), "the database repeats values");
    let shown = recording.queries()[0].to_string();
    assert!(shown.contains("failed: ") && !shown.contains("hunter2"), "{shown}");
    recording.clear();
    // What a reader of rows says is not the statement's failure.
    let t = db.table("t", column("id", Integer).primary_key()).unwrap();
    db.create_all().unwrap();
    recording.clear();
    let refuse = |_: &mut mirrorm::rows::RowStream<'_>| -> Result<()> {
        Err(Error::new(ErrorKind::Invalid, "enough"))
    };
    assert_eq!(select(&t).stream(&db, refuse).unwrap_err().message(), "enough");
    assert!(recording.queries()[0].error.is_none());
    recording.clear();
    let here = line!();
    db.retry(2, |session| session.add(t.record(()).unwrap())).unwrap();
    assert_eq!(lines(&recording.queries()), [here + 1]);
}

#[test]
fn bounded_slow_and_of_one_db() {
    let (db, other) = (memory(), memory());
    let few = Recorder::new().limit(2).start(&db);
    let none = Recorder::new().limit(0).start(&db);
    let slow = Recorder::new().slower_than(Duration::from_secs(3600)).start(&db);
    for n in 0..5 {
        db.query_text(&format!("SELECT {n}"), ()).unwrap();
    }
    other.query_text("SELECT 'other'", ()).unwrap();
    let kept: Vec<String> = few.queries().iter().map(|query| query.statement.to_string()).collect();
    assert_eq!(kept, ["SELECT 3", "SELECT 4"]);
    assert_eq!((few.count(), none.count(), none.queries().len(), slow.count()), (5, 5, 0, 0));
    std::thread::scope(|threads| {
        threads.spawn(|| db.query_text("SELECT 9", ()).unwrap());
    });
    assert_eq!(few.count(), 6, "whatever thread sends it");
}

#[test]
fn each_scope_has_its_own() {
    let db = memory();
    let recording = Recorder::new().start_by_scope(&db);
    let texts = || recorded_queries(&db).iter().map(|query| query.statement.to_string()).collect::<Vec<_>>();
    db.query_text("SELECT 0", ()).unwrap();
    assert_eq!(texts(), [""; 0], "outside scopes nothing is recorded");
    {
        let _outer = db.scope();
        db.query_text("SELECT 1", ()).unwrap();
        {
            let _inner = db.scope();
            assert_eq!(texts(), [""; 0]);
            db.query_text("SELECT 2", ()).unwrap();
            assert_eq!(texts(), ["SELECT 2"]);
        }
        assert_eq!(texts(), ["SELECT 1"]);
        std::thread::scope(|threads| {
            threads.spawn(|| db.query_text("SELECT 3", ()).unwrap());
        });
        assert_eq!(texts(), ["SELECT 1"]);
        drop(recording);
        db.query_text("SELECT 4", ()).unwrap();
        assert_eq!(texts(), ["SELECT 1"]);
    }
    assert_eq!(texts(), [""; 0]);
}

#[test]
fn scopes_of_a_function_have_their_own_too() {
    let db = memory();
    let current = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(1));
    let asked = current.clone();
    let scopes = Scopes::by(&db, move || asked.load(std::sync::atomic::Ordering::Relaxed));
    let go = |n| current.store(n, std::sync::atomic::Ordering::Relaxed);
    let recording = scopes.record(Recorder::new());
    db.query_text("SELECT 'before'", ()).unwrap();
    assert!(scopes.recorded_queries().is_empty(), "the scope was not used yet");
    scopes.session().query_text("SELECT 1", ()).unwrap();
    scopes.session().commit().unwrap();
    go(2);
    assert!(scopes.recorded_queries().is_empty());
    scopes.session().query_text("SELECT 2", ()).unwrap();
    scopes.session().commit().unwrap();
    assert_eq!(scopes.recorded_queries()[0].statement.as_ref(), "SELECT 2");
    scopes.remove();
    assert!(scopes.recorded_queries().is_empty());
    go(1);
    assert_eq!(scopes.recorded_queries().len(), 1);
    drop(recording);
    scopes.session().query_text("SELECT 3", ()).unwrap();
    assert_eq!(scopes.recorded_queries().len(), 1);
}

#[test]
fn a_test_says_how_many_it_wants() {
    let db = memory();
    let b = blog(&db);
    b.fill(&db, &["ann", "ben", "cid"]);
    insert(&b.posts).rows(["title", "user_id"], [("a", 1), ("b", 2), ("c", 3)]).run(&db).unwrap();
    let session = db.session();
    let names = assert_queries!(2, db, {
        let users = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
        users
            .iter()
            .flat_map(|user| user.related("posts").unwrap())
            .map(|post| text(&post, "title"))
            .collect::<Vec<_>>()
    });
    assert_eq!(names, ["a", "b", "c"]);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        assert_queries!(1, db, db.query_text("SELECT 1; ", ()).and(db.query_text("SELECT ?", ("shown",))))
    }));
    let says = failed.unwrap_err().downcast::<String>().unwrap();
    assert!(
        says.starts_with("2 queries instead of 1:")
            && says.contains("shown")
            && says.contains("recorded.rs:"),
        "{says}"
    );
    // In a transaction around the test it is the same.
    let _test = db.test_transaction().unwrap();
    assert_queries!(1, db, db.transaction(|session| session.query(&b.users).count()).unwrap());
}

/// Runs by itself in a process of its own: what it writes to standard error is looked at.
#[test]
fn echo_writes_to_standard_error() {
    let run = "MIRRORM_TEST_ECHO";
    if std::env::var_os(run).is_some() {
        let db = Db::open_with("sqlite://", EngineOptions::new().echo(true)).unwrap();
        db.query_text("SELECT ?, 'marked'", ("sesame",)).unwrap();
        let quiet = memory();
        quiet.query_text("SELECT 'quiet'", ()).unwrap();
        return;
    }
    let name = "live::session::recorded::echo_writes_to_standard_error";
    let done = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(run, "1")
        .output()
        .unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("[mirrorm] ") && said.contains("ms  SELECT ?, 'marked'  (1 rows)  at "), "{said}");
    assert!(!said.contains("sesame") && !said.contains("quiet"), "{said}");
    let config = Config::from_map([("SQLALCHEMY_DATABASE_URI", "sqlite://"), ("SQLALCHEMY_ECHO", "1")]);
    let db = Db::new();
    db.init(config).unwrap();
    assert!(db.engine().unwrap().options().is_echo());
}
