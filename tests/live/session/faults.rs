//! A driver that fails when it is told to: at the n-th statement, or in COMMIT.

use std::any::Any;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use mirrorm::dialect::{
    Connection, Connector, Cursor, Dialect, Done, Features, Grammar, Inspector, Request, TypeMap, Url, sqlite,
};
use mirrorm::engine::Engine;
use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::rows::RowBuffer;
use mirrorm::session::Hooks;
use mirrorm::session::RecordState;
use mirrorm::{Left, Outcome};

use super::{Blog, blog, said, text};

/// SQLite, with failures.
#[derive(Clone, Default)]
struct Faulty(Arc<Plan>);

/// When to fail.
#[derive(Default)]
struct Plan {
    /// Statements until the failure; none fails while it is negative.
    left: AtomicI64,
    /// Whether COMMIT loses the connection, and after the database did it or before.
    lost: Mutex<Option<bool>>,
    seen: Mutex<Vec<String>>,
    /// What somebody else does while the first COMMIT is on its way.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Faulty {
    fn db() -> (Db, Arc<Plan>) {
        let faulty = Faulty::default();
        faulty.0.left.store(-1, Ordering::Relaxed);
        let plan = faulty.0.clone();
        let dialect: &'static dyn Dialect = Box::leak(Box::new(faulty));
        let db = Db::with_hooks(Made(dialect));
        db.init(Config::new().url("sqlite://").bind("second", "sqlite://")).unwrap();
        (db, plan)
    }
}

/// Engines of one dialect, whatever the URL says.
struct Made(&'static dyn Dialect);

impl Hooks for Made {
    fn create_engine(&self, _: &'static dyn Dialect, url: &Url, options: EngineOptions) -> Result<Engine> {
        Engine::new(self.0, url, options)
    }
}

impl Plan {
    fn fail_in(&self, statements: i64) {
        self.seen.lock().unwrap().clear();
        self.left.store(statements, Ordering::Relaxed);
    }

    /// Whether it was time to fail since it was said when.
    fn has_failed(&self) -> bool {
        self.left.swap(-1, Ordering::Relaxed) < 0
    }

    fn step(&self, sql: &str) -> Result<()> {
        // A rollback that fails too would hide what it should restore.
        if sql.starts_with("ROLLBACK") || sql.starts_with("PRAGMA") {
            return Ok(());
        }
        self.seen.lock().unwrap().push(sql.to_string());
        let left = self.left.load(Ordering::Relaxed);
        if left < 0 {
            return Ok(());
        }
        self.left.store(left - 1, Ordering::Relaxed);
        match left {
            0 => Err(Error::new(ErrorKind::Database, "told to fail")),
            _ => Ok(()),
        }
    }
}

impl Dialect for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }
    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite"]
    }
    fn apply_driver_hacks(&self, url: &Url, options: &mut EngineOptions) -> Result<()> {
        sqlite::Sqlite.apply_driver_hacks(url, options)
    }
    fn connector(&self, url: &Url, options: &EngineOptions) -> Result<Box<dyn Connector>> {
        Ok(Box::new(Opening(sqlite::Sqlite.connector(url, options)?, self.0.clone())))
    }
    fn features(&self, connection: &dyn Connection) -> Result<Features> {
        sqlite::Sqlite.features(connection)
    }
    fn offline_features(&self) -> Features {
        sqlite::Sqlite.offline_features()
    }
    fn grammar(&self) -> &'static dyn Grammar {
        sqlite::Sqlite.grammar()
    }
    fn types(&self) -> &'static dyn TypeMap {
        sqlite::Sqlite.types()
    }
    fn inspector(&self) -> &'static dyn Inspector {
        sqlite::Sqlite.inspector()
    }
}

struct Opening(Box<dyn Connector>, Arc<Plan>);

impl Connector for Opening {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        Ok(Box::new(Open(self.0.connect()?, self.1.clone())))
    }
    fn describe(&self) -> String {
        "faulty".into()
    }
}

struct Open(Box<dyn Connection>, Arc<Plan>);

impl Connection for Open {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.1.step(request.sql)?;
        self.0.query(request, body)
    }
    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        self.1.step(request.sql)?;
        if request.sql == "COMMIT" {
            let job = self.1.meanwhile.lock().unwrap().take();
            job.into_iter().for_each(|job| job());
        }
        let lost = *self.1.lost.lock().unwrap();
        if let (Some(done), "COMMIT") = (lost, request.sql) {
            if done {
                self.0.execute(request)?;
            }
            return Err(Error::new(ErrorKind::Disconnected, "the line went dead"));
        }
        self.0.execute(request)
    }
    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.1.step(sql)?;
        self.0.execute_many(sql, width, values, range, ids)
    }
    fn script(&self, sql: &str) -> Result<()> {
        self.0.script(sql)
    }
    fn set_read_only(&self, read_only: bool) -> Result<()> {
        self.0.set_read_only(read_only)
    }
    fn in_transaction(&self) -> bool {
        self.0.in_transaction()
    }
    fn reset(&self) -> Result<bool> {
        self.0.reset()
    }
    fn is_alive(&self) -> bool {
        self.0.is_alive()
    }
    fn as_any(&self) -> &dyn Any {
        self.0.as_any()
    }
}

/// A session with one of everything to do, and what it holds.
fn work(b: &Blog, session: &Session) -> Vec<Record> {
    let mut all = session.query(&b.users).order_by(b.users.c("id")).all().unwrap();
    all[0].set("name", "anna").unwrap();
    all[1].set("karma", 5).unwrap();
    session.delete(&all[2]).unwrap();
    let post = session.query(&b.posts).one().unwrap();
    let tag = session.query(&b.tags).one().unwrap();
    let new = b.user("new");
    post.set_related("user", &new).unwrap();
    post.remove("tags", &tag).unwrap();
    post.append("tags", &b.tag("fresh")).unwrap();
    all.extend([post, tag, new]);
    all
}

fn content(db: &Db) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["users", "posts", "tags", "post_tags"] {
        let rows = db.query_text(&format!("SELECT * FROM {table} ORDER BY 1, 2"), ()).unwrap();
        all.extend(rows.iter().map(|row| format!("{table} {row:?}")));
    }
    all
}

fn held(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| format!("{record:?}")).collect()
}

fn filled(db: &Db) -> Blog {
    let b = blog(db);
    b.fill(db, &["ann", "ben", "cid"]);
    insert(&b.posts).values(values! { "title" => "t", "user_id" => 1 }).run(db).unwrap();
    insert(&b.tags).values(values! { "name" => "x" }).run(db).unwrap();
    insert(&b.post_tags).values(values! { "post_id" => 1, "tag_id" => 1 }).run(db).unwrap();
    b
}

/// Fails at each statement of a commit in turn: the database, the records and the list of changes
/// are what they were, and the same work done again succeeds.
#[test]
fn a_failure_at_every_statement() {
    let (mut failures, mut at) = (0, 0);
    loop {
        let (db, plan) = Faulty::db();
        let b = filled(&db);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let before = content(&db);
        let records = work(&b, &session);
        let clean: Vec<String> = {
            // What the records were before they were changed.
            let other = db.session();
            let mut all = other.query(&b.users).order_by(b.users.c("id")).all().unwrap();
            all.push(other.query(&b.posts).one().unwrap());
            all.push(other.query(&b.tags).one().unwrap());
            held(&all)
        };
        plan.fail_in(at);
        let result = session.commit();
        if !plan.has_failed() {
            assert!(result.is_ok() && failures > 8, "{failures} failures, then {result:?}");
            break;
        }
        let error = result.unwrap_err();
        assert_eq!((error.message(), error.outcome()), ("told to fail", Outcome::NotDone), "statement {at}");
        assert_eq!(content(&db), before, "statement {at}");
        assert_eq!(held(&records[..5]), clean, "statement {at}: {:?}", plan.seen.lock().unwrap());
        assert_eq!(records[5].state(), RecordState::Transient);
        session.rollback().unwrap();
        assert!(!session.is_modified(), "statement {at}");
        // The work can be done again, with the record that was new.
        session.delete(&records[2]).unwrap();
        records[0].set("name", "again").unwrap();
        records[3].set_related("user", &records[5]).unwrap();
        let changes = session.commit().unwrap().changes;
        // The update lets go of a user, so users are deleted last.
        let all = ["update users 1", "insert users 4", "update posts 1", "delete users 3"];
        assert_eq!(said(&changes), all, "statement {at}");
        (failures, at) = (failures + 1, at + 1);
    }
}

/// The same in a savepoint: only its level is lost.
#[test]
fn a_failure_at_every_statement_of_a_savepoint() {
    let mut at = 0;
    loop {
        let (db, plan) = Faulty::db();
        let b = filled(&db);
        let session = db.session_with(SessionOptions::new().autoflush(false));
        let kept = session.add(b.user("kept")).unwrap();
        let savepoint = session.begin_nested().unwrap();
        let records = work(&b, &session);
        plan.fail_in(at);
        let result = session.flush();
        if !plan.has_failed() {
            result.unwrap();
            break;
        }
        let error = result.unwrap_err();
        assert_eq!(error.left(), Left::Level, "statement {at}");
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::PendingRollback);
        savepoint.rollback().unwrap();
        assert_eq!((text(&records[0], "name").as_str(), kept.state()), ("ann", RecordState::Persistent));
        assert_eq!(said(&session.commit().unwrap().changes), ["insert users 4"]);
        at += 1;
    }
    assert!(at > 6, "{at} statements");
}

#[test]
fn a_connection_lost_in_commit() {
    for done in [false, true] {
        let (db, plan) = Faulty::db();
        let b = filled(&db);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (one, two, three) = (heard.clone(), heard.clone(), heard.clone());
        let signals = db.signals();
        let _unknown = signals.commit_unknown.connect(move |_, c| one.lock().unwrap().extend(said(c)));
        let _committed =
            signals.models_committed.connect(move |_, _| two.lock().unwrap().push("committed".into()));
        let _back =
            signals.after_rollback.connect(move |_, _| three.lock().unwrap().push("rolled back".into()));
        let session = db.session();
        let ann = session.get(&b.users, 1).unwrap().unwrap();
        ann.set("name", "anna").unwrap();
        *plan.lost.lock().unwrap() = Some(done);
        let error = session.commit().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::Unknown));
        assert!(!error.is_retryable());
        assert_eq!(*heard.lock().unwrap(), ["update users 1"], "nobody knows, and nobody is told otherwise");
        assert!(!session.is_modified());
    }
}

#[test]
fn retry_looks_at_the_commit_alone() {
    let (db, plan) = Faulty::db();
    let b = filled(&db);
    let mut runs = 0;
    let result = db.retry(5, |session| {
        runs += 1;
        session.add(b.user(&format!("try {runs}")))?;
        if runs < 3 {
            return Err(Error::new(ErrorKind::Busy, "locked"));
        }
        Ok(runs)
    });
    assert_eq!(result.unwrap(), 3);
    assert_eq!(b.names(&db), ["ann", "ben", "cid", "try 3"]);
    let mut runs = 0;
    let hidden: Result<()> = db.retry(2, |session| {
        runs += 1;
        session.add(b.user("ann"))?;
        // A failure that is swallowed is found by the commit.
        let _ = session.flush();
        Ok(())
    });
    assert_eq!((hidden.unwrap_err().kind(), runs), (ErrorKind::PendingRollback, 1), "a duplicate stays one");
    *plan.lost.lock().unwrap() = Some(true);
    let mut runs = 0;
    let lost: Result<()> = db.retry(5, |session| {
        runs += 1;
        session.add(b.user("once")).map(drop)
    });
    assert_eq!((lost.unwrap_err().outcome(), runs), (Outcome::Unknown, 1), "never twice what may be there");
}

#[test]
fn what_is_set_while_a_commit_fails_halfway_is_kept() {
    for unknown in [false, true] {
        let (db, plan) = Faulty::db();
        let id = || column("id", Integer).primary_key();
        let first = db.table("first", (id(), column("n", Integer))).unwrap();
        let second = db.table("second", (id(), column("n", Integer), in_bind("second"))).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let one = session.add(first.record(values! { "n" => 1 }).unwrap()).unwrap();
        let two = session.add(second.record(values! { "n" => 1 }).unwrap()).unwrap();
        let (a, b, then) = (one.clone(), two.clone(), plan.clone());
        *plan.meanwhile.lock().unwrap() = Some(Box::new(move || {
            a.set("n", 2).unwrap();
            b.set("n", 2).unwrap();
            match unknown {
                true => {
                    *then.meanwhile.lock().unwrap() = Some({
                        let then = then.clone();
                        Box::new(move || *then.lost.lock().unwrap() = Some(true))
                    })
                }
                false => then.fail_in(0),
            }
        }));
        let error = session.commit().unwrap_err();
        assert!(plan.has_failed());
        assert_eq!(error.committed(), ["default"]);
        assert_eq!(error.outcome(), if unknown { Outcome::Unknown } else { Outcome::Partial });
        assert!(one.is_modified(), "what is committed goes on");
        let state = if unknown { RecordState::Persistent } else { RecordState::Transient };
        assert_eq!((two.state(), two.get::<i64>("n").unwrap()), (state, 2));
        if unknown {
            assert!(two.is_modified(), "what may be committed does too");
        } else {
            session.commit().unwrap();
            assert_eq!(select(first.c("n")).scalars::<i64>(&db).unwrap(), [2]);
            assert_eq!(select(second.c("n")).scalars::<i64>(&db).unwrap(), [0; 0]);
        }
    }
}
