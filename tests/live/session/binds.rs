//! Several databases: which statement goes where, transactions over all of them, and a `Db` that is
//! configured later, again, or twice.

use std::path::Path;
use std::time::Duration;

use mirrorm::engine::{Engine, EngineOptions};
use mirrorm::prelude::*;
use mirrorm::session::Hooks;
use mirrorm::{Left, Outcome};

use super::said;

/// A `Db` of three databases in memory.
fn three() -> Db {
    let db = Db::new();
    let config = Config::new().url("sqlite://").bind("logs", "sqlite://").bind("audit", "sqlite://");
    db.init(config).unwrap();
    db
}

fn notes(db: &Db, bind: Option<&str>) -> Table {
    let columns = (column("id", Integer).primary_key(), column("text", Text));
    db.table("notes", (columns, bind.map(in_bind))).unwrap()
}

fn texts(on: &impl mirrorm::engine::Execute, table: &Table) -> Vec<String> {
    select(table.c("text")).order_by(table.c("id")).scalars(on).unwrap()
}

#[test]
fn the_same_name_in_several_binds() {
    let db = three();
    let (main, logs) = (notes(&db, None), notes(&db, Some("logs")));
    assert_ne!(main, logs);
    assert_eq!((main.bind(), logs.bind().map(|key| &**key)), (None, Some("logs")));
    assert_eq!(db.metadata().tables(), std::slice::from_ref(&main));
    assert_eq!(db.metadata().for_bind(Some("logs")).table_named("notes").unwrap(), logs);
    db.create_all().unwrap();
    insert(&main).values(values! { "text" => "in main" }).run(&db).unwrap();
    insert(&logs).rows(["text"], [["in logs"], ["again"]]).run(&db).unwrap();
    assert_eq!(texts(&db, &main), ["in main"]);
    assert_eq!(texts(&db, &logs), ["in logs", "again"]);
    assert_eq!(update(&logs).set(values! { "text" => "x" }).all_rows().run(&db).unwrap(), 2);
    assert_eq!(delete(&logs).filter(logs.c("id").eq(2)).run(&db).unwrap(), 1);
    assert_eq!(texts(&db, &main), ["in main"]);
    // An engine says itself where statements go.
    assert_eq!(texts(&db.get_engine("logs").unwrap(), &logs), ["x"]);
    assert_eq!(texts(&db.get_engine(None).unwrap(), &logs), ["in main"]);
}

#[test]
fn lists_of_tables_and_engines() {
    let db = three();
    let (main, logs) = (notes(&db, None), notes(&db, Some("logs")));
    let nowhere = notes(&db, Some("nowhere"));
    assert_eq!(db.tables(), [main.clone(), logs.clone(), nowhere.clone()]);
    assert_eq!(db.get_tables_for_bind(None), std::slice::from_ref(&main));
    assert_eq!(db.get_tables_for_bind("logs"), std::slice::from_ref(&logs));
    assert_eq!(db.get_tables_for_bind("unknown"), []);
    let binds: Vec<Option<String>> = db.binds().iter().map(|b| b.as_ref().map(ToString::to_string)).collect();
    assert_eq!(binds, [None, Some("logs".into()), Some("audit".into())]);
    let tables: Vec<Table> = db.get_binds().unwrap().into_iter().map(|(table, _)| table).collect();
    assert_eq!(tables, [main, logs], "what is not configured is left out");
}

#[test]
fn all_one_or_some_binds_and_tables() {
    let db = three();
    for bind in [None, Some("logs"), Some("audit")] {
        notes(&db, bind);
        db.table("extra", (column("id", Integer).primary_key(), bind.map(in_bind))).unwrap();
    }
    let there = |db: &Db, bind: Option<&str>| {
        let fresh = db.get_engine(bind).unwrap();
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        fresh.connect().unwrap().query_text(sql, ()).unwrap().scalars::<String>().unwrap()
    };
    db.create_all_in("logs").unwrap();
    assert_eq!([None, Some("logs"), Some("audit")].map(|b| there(&db, b).len()), [0, 2, 0]);
    db.create_all_in([None, Some("audit")]).unwrap();
    assert_eq!([None, Some("logs"), Some("audit")].map(|b| there(&db, b).len()), [2, 2, 2]);
    db.drop_all_in(Binds::all().only(["extra"])).unwrap();
    assert_eq!(there(&db, Some("audit")), ["notes"]);
    db.drop_all_in(None).unwrap();
    db.drop_all_in(Vec::<&str>::new()).unwrap();
    assert_eq!([None, Some("logs"), Some("audit")].map(|b| there(&db, b).len()), [0, 1, 1]);
    let error = db.create_all_in("unknown").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("`unknown`") && error.message().contains("default, logs, audit"));
    let error = db.create_all_in(Binds::all().only(["typo"])).unwrap_err();
    assert_eq!((error.kind(), error.table()), (ErrorKind::NoSuchTable, Some("typo")));
}

#[test]
fn a_bind_that_is_not_configured_creates_nothing() {
    let db = three();
    notes(&db, None);
    notes(&db, Some("nowhere"));
    let error = db.create_all().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("`nowhere`"), "{error}");
    assert!(db.query_text("SELECT * FROM notes", ()).is_err(), "nothing was created");
}

#[test]
fn reflected_tables_keep_their_bind() {
    let db = three();
    db.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY, a)").unwrap();
    let logs = db.get_engine("logs").unwrap();
    let script = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text);
        CREATE TABLE lines (id INTEGER PRIMARY KEY, note_id INTEGER REFERENCES notes (id));";
    logs.connect().unwrap().execute_script(script).unwrap();
    assert_eq!(db.reflect().unwrap().tables().len(), 3);
    let own = |name| db.metadata().for_bind(Some("logs")).table_named(name).unwrap();
    assert!(db.table_named("notes").unwrap().try_c("a").is_ok());
    assert!(own("notes").try_c("text").is_ok());
    assert_eq!(db.relationships(&own("lines")), ["note"]);
    let session = db.session();
    let note = session.add(own("notes").record(values! { "text" => "n" }).unwrap()).unwrap();
    let line = session.add(own("lines").record(()).unwrap()).unwrap();
    line.set_related("note", &note).unwrap();
    session.commit().unwrap();
    assert_eq!(note.related("lines").unwrap(), [line]);
    // Some, by name.
    let other = three();
    assert_eq!(other.reflect_in("logs").unwrap().tables().len(), 0);
    let error = other.reflect_in(Binds::from("logs").only(["missing"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    assert!(error.message().contains("the bind `logs`"), "{error}");
}

#[test]
fn a_statement_is_for_one_database() {
    let db = three();
    let (main, logs) = (notes(&db, None), notes(&db, Some("logs")));
    db.create_all().unwrap();
    let in_logs = select(logs.c("id"));
    let mixed = [
        select(&main).join_on(&logs, main.c("id").eq(logs.c("id"))),
        select(&main).filter(main.c("id").in_(in_logs.clone())),
        select(&main).order_by(logs.c("id")),
        select((main.c("id"), Expr::from(in_logs.clone()))),
    ];
    let session = db.session();
    for statement in mixed {
        for error in [statement.all(&db).unwrap_err(), statement.all(&session).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains("the default database"), "{error}");
            assert!(error.message().contains("the bind `logs`"), "{error}");
        }
    }
    let wrong = update(&main).set(values! { "text" => "x" }).filter(main.c("id").in_(in_logs));
    assert_eq!(wrong.run(&db).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(wrong.run(&session).unwrap_err().kind(), ErrorKind::Invalid);
    let error = db.relate(&main, relationship("lines", &logs).on(["id"], ["id"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("another database"), "{error}");
    // Told where to go, a statement goes there: the table of this name is in both.
    insert(&main).values(values! { "text" => "x" }).run(&session.on("logs")).unwrap();
    assert_eq!(texts(&session, &logs), ["x"]);
    assert_eq!(session.on("nope").execute("SELECT 1", ()).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn r5_8_10_one_session_over_several_binds() {
    let db = three();
    let (main, logs) = (notes(&db, None), notes(&db, Some("logs")));
    db.create_all().unwrap();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let copy = seen.clone();
    let _guard = db.signals().models_committed.connect(move |_, changes| {
        copy.lock().unwrap().extend(changes.iter().map(|c| (c.bind().map(str::to_string), c.subject())));
    });
    let session = db.session();
    let note = |table: &Table, text: &str| table.record(values! { "id" => 1, "text" => text }).unwrap();
    let one = session.add(note(&main, "main")).unwrap();
    let two = session.add(note(&logs, "logs")).unwrap();
    session.commit().unwrap();
    let expected = [(None, "notes 1".to_string()), (Some("logs".to_string()), "notes 1".to_string())];
    assert_eq!(*seen.lock().unwrap(), expected);
    // The same key in two binds is two records.
    assert_eq!(session.get(&main, 1).unwrap().unwrap(), one);
    assert_eq!(session.get(&logs, 1).unwrap().unwrap(), two);
    assert_ne!(one, two);
    // A savepoint spans both, one that is used first inside it too.
    let fresh = db.session();
    let savepoint = fresh.begin_nested().unwrap();
    fresh.get(&main, 1).unwrap().unwrap().set("text", "lost").unwrap();
    fresh.get(&logs, 1).unwrap().unwrap().set("text", "lost").unwrap();
    fresh.flush().unwrap();
    savepoint.rollback().unwrap();
    let kept = fresh.begin_nested().unwrap();
    fresh.get(&logs, 1).unwrap().unwrap().set("text", "kept").unwrap();
    kept.release().unwrap();
    fresh.commit().unwrap();
    assert_eq!((texts(&db, &main), texts(&db, &logs)), (vec!["main".into()], vec!["kept".into()]));
    // And a rollback both.
    two.set("text", "lost").unwrap();
    one.set("text", "lost").unwrap();
    session.flush().unwrap();
    session.rollback().unwrap();
    assert_eq!((texts(&db, &main), texts(&db, &logs)), (vec!["main".into()], vec!["kept".into()]));
}

#[test]
fn a_failed_flush_rolls_back_every_bind() {
    let db = three();
    let (main, logs) = (notes(&db, None), notes(&db, Some("logs")));
    db.create_all().unwrap();
    insert(&logs).values(values! { "id" => 1 }).run(&db).unwrap();
    let session = db.session();
    let one = session.add(main.record(values! { "text" => "a" }).unwrap()).unwrap();
    session.flush().unwrap();
    session.add(logs.record(values! { "id" => 1 }).unwrap()).unwrap();
    let error = session.commit().unwrap_err();
    assert_eq!(
        (error.kind(), error.left(), error.outcome()),
        (ErrorKind::Unique, Left::Transaction, Outcome::NotDone)
    );
    assert_eq!(session.query(&main).all().unwrap_err().kind(), ErrorKind::PendingRollback);
    session.rollback().unwrap();
    assert_eq!(texts(&db, &main), Vec::<String>::new());
    assert_eq!(one.state(), mirrorm::session::RecordState::Transient);
}

/// Databases in files, the second of which refuses to commit rows without a parent.
fn deferred(folder: &Path) -> (Db, Table, Table) {
    let url = |name: &str| format!("sqlite:///{}", folder.join(name).display());
    let db = Db::new();
    db.init(Config::new().url(&url("main.db")).bind("logs", &url("logs.db"))).unwrap();
    let main = notes(&db, None);
    db.create_all().unwrap();
    let script = "CREATE TABLE parents (id INTEGER PRIMARY KEY);
        CREATE TABLE lines (id INTEGER PRIMARY KEY,
            parent_id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);";
    db.get_engine("logs").unwrap().connect().unwrap().execute_script(script).unwrap();
    db.reflect_in("logs").unwrap();
    let lines = db.metadata().for_bind(Some("logs")).table_named("lines").unwrap();
    (db, main, lines)
}

#[test]
fn a_commit_that_fails_halfway_says_what_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (db, main, lines) = deferred(folder.path());
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (a, b) = (told.clone(), told.clone());
    let _one = db.signals().models_committed.connect(move |_, c| a.lock().unwrap().push(("done", said(c))));
    let _two = db.signals().after_rollback.connect(move |_, c| b.lock().unwrap().push(("undone", said(c))));
    let session = db.session();
    let line = session.add(lines.record(values! { "parent_id" => 9 }).unwrap()).unwrap();
    let note = session.add(main.record(values! { "text" => "a" }).unwrap()).unwrap();
    let error = session.commit().unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::ForeignKey, Outcome::Partial));
    assert_eq!(error.committed(), ["default"]);
    assert!(error.message().contains("COMMIT of `logs`, after default"), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(
        *told.lock().unwrap(),
        [("undone", vec!["insert lines 1".to_string()]), ("done", vec!["insert notes 1".to_string()])]
    );
    assert_eq!(note.state(), mirrorm::session::RecordState::Persistent);
    assert_eq!(line.state(), mirrorm::session::RecordState::Transient);
    assert_eq!(texts(&db, &main), ["a"]);
    // The session goes on: what was undone can be mended and added again.
    note.set("text", "b").unwrap();
    line.set("parent_id", Value::Null).unwrap();
    session.add(line).unwrap();
    assert_eq!(said(&session.commit().unwrap().changes), ["insert lines 1", "update notes 1"]);
    // Nothing was committed where the first refuses.
    session.add(lines.record(values! { "parent_id" => 9 }).unwrap()).unwrap();
    let error = session.commit().unwrap_err();
    assert_eq!((error.outcome(), error.committed().len()), (Outcome::NotDone, 0));
}

#[test]
fn a_change_counts_for_the_database_it_was_sent_to() {
    let folder = tempfile::tempdir().unwrap();
    let (db, main, lines) = deferred(folder.path());
    // A copy of a table of the default database in the other one.
    db.get_engine("logs")
        .unwrap()
        .connect()
        .unwrap()
        .execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
        .unwrap();
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (a, b) = (told.clone(), told.clone());
    let all =
        |c: &Changes| c.iter().map(|c| (c.bind().map(String::from), format!("{c:?}"))).collect::<Vec<_>>();
    let _one = db.signals().models_committed.connect(move |_, c| a.lock().unwrap().push(("done", all(c))));
    let _two = db.signals().after_rollback.connect(move |session, c| {
        b.lock().unwrap().push(("undone", all(c)));
        // The commit is over: the session can be used.
        session.rollback().unwrap();
    });
    let session = db.session();
    insert(&main).rows(["text"], [["a"], ["b"]]).run(&session).unwrap();
    insert(&main).values(values! { "text" => "astray" }).run(&session.on("logs")).unwrap();
    session.add(lines.record(values! { "parent_id" => 9 }).unwrap()).unwrap();
    let error = session.commit().unwrap_err();
    assert_eq!((error.outcome(), error.committed()), (Outcome::Partial, &["default".to_string()][..]));
    let logs = || Some("logs".to_string());
    assert_eq!(
        *told.lock().unwrap(),
        [
            ("undone", vec![(logs(), "insert notes (1 row)".into()), (logs(), "insert lines 1".into())]),
            ("done", vec![(None, "insert notes (2 rows)".into())]),
        ]
    );
}

#[test]
fn a_database_that_is_down_costs_its_users_only() {
    let db = Db::new();
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:///{}/no/such.db", folder.path().display());
    db.init(Config::new().url("sqlite://").bind("down", &missing).bind("odd", "nosql://x")).unwrap();
    let (main, down, odd) = (notes(&db, None), notes(&db, Some("down")), notes(&db, Some("odd")));
    db.create_all_in(None).unwrap();
    let session = db.session();
    session.add(main.record(values! { "text" => "a" }).unwrap()).unwrap();
    assert_eq!(session.query(&down).all().unwrap_err().kind(), ErrorKind::Open);
    let error = session.query(&odd).all().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("the bind `odd`") && error.message().contains("nosql"), "{error}");
    session.commit().unwrap();
    assert_eq!(texts(&db, &main), ["a"]);
    // A record for it fails the flush, and takes nothing with it that was not in the transaction.
    session.add(down.record(()).unwrap()).unwrap();
    assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Open);
    session.rollback().unwrap();
    assert_eq!(session.query(&main).count().unwrap(), 1);
}

#[test]
fn a_db_is_given_its_databases_once() {
    let db = Db::new();
    let main = notes(&db, None);
    let asks: [&dyn Fn() -> Result<()>; 5] = [
        &|| db.create_all(),
        &|| db.engine().map(drop),
        &|| db.session().query(&main).all().map(drop),
        &|| select(&main).all(&db).map(drop),
        &|| db.reflect().map(drop),
    ];
    for ask in asks {
        let error = ask().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("`init`") && error.message().contains("`Db::open`"), "{error}");
    }
    assert_eq!(format!("{db}"), "Db(no database; 1 tables)");
    let early = db.session();
    db.init(Config::new().url("sqlite://")).unwrap();
    db.create_all().unwrap();
    assert_eq!(early.query(&main).count().unwrap(), 0, "a session made before finds the databases");
    let error = db.init(Config::new().url("sqlite://")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.message().contains("`reconfigure`") && error.message().contains("`with_config`"),
        "{error}"
    );
    assert_eq!(texts(&db, &main), Vec::<String>::new(), "it stays as it was");
}

#[test]
fn wrong_configurations() {
    let twice = Config::new().bind("a", "sqlite://").bind("a", "sqlite://");
    let cases = [
        (Config::new(), "no database"),
        (twice, "`a` is defined twice"),
        (Config::new().url("sqlite://").url("sqlite://"), "the default database is defined twice"),
        (Config::new().url("shop.db"), "scheme"),
        (Config::new().bind("a", ""), "the bind `a`"),
    ];
    for (config, says) in cases {
        let db = Db::new();
        let error = db.init(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(says), "{error}");
        assert!(db.engine().is_err(), "nothing was taken");
    }
    // Without a default database the others work.
    let db = Db::new();
    db.init(Config::new().bind("logs", "sqlite://")).unwrap();
    let (main, logs) = (notes(&db, None), notes(&db, Some("logs")));
    db.create_all_in("logs").unwrap();
    assert_eq!(db.session().query(&logs).count().unwrap(), 0);
    db.transaction(|session| session.add(logs.record(()).unwrap())).unwrap();
    let error = db.session().query(&main).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("no default database"), "{error}");
}

#[test]
fn engines_are_kept_while_their_configuration_is() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:///{}", folder.path().join(name).display());
    let config = |timeout: u64| {
        let options = EngineOptions::new().busy_timeout(Duration::from_millis(timeout));
        Config::new().url(&url("a.db")).database("logs", &url("b.db"), options)
    };
    let db = Db::new();
    db.init(config(100)).unwrap();
    let (main, logs) = (db.engine().unwrap(), db.get_engine("logs").unwrap());
    drop((main.connect().unwrap(), logs.connect().unwrap()));
    assert_eq!((main.pool_status().idle, logs.pool_status().idle), (1, 1));
    db.reconfigure(config(100)).unwrap();
    assert_eq!(logs.pool_status().idle, 1, "the same configuration changes nothing");
    db.reconfigure(config(200)).unwrap();
    assert_eq!(
        (main.pool_status().idle, logs.pool_status().idle),
        (1, 0),
        "what was replaced is disposed of"
    );
    let now = db.get_engine("logs").unwrap();
    assert_eq!(now.options().lock_timeout(), Duration::from_millis(200));
    assert_eq!(db.engine().unwrap().pool_status().idle, 1);
    assert!(db.reconfigure(Config::new()).is_err());
    assert_eq!(db.get_engine("logs").unwrap().options().lock_timeout(), Duration::from_millis(200));
}

#[test]
fn several_configurations_over_the_same_tables() {
    let one = Db::open("sqlite://").unwrap();
    let main = notes(&one, None);
    let two = one.with_config(Config::new().url("sqlite://")).unwrap();
    one.create_all().unwrap();
    two.create_all().unwrap();
    let heard = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let copy = heard.clone();
    let _guard = one.signals().models_committed.connect(move |_, _| {
        copy.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let session = two.session();
    let record = session.add(main.record(values! { "text" => "two" }).unwrap()).unwrap();
    session.commit().unwrap();
    assert_eq!((texts(&one, &main).len(), texts(&two, &main).len()), (0, 1));
    assert_eq!(heard.load(std::sync::atomic::Ordering::Relaxed), 0, "signals are of one Db");
    // A record moves over as a value: the session it is in keeps it.
    assert_eq!(one.session().add(record).unwrap_err().kind(), ErrorKind::Invalid);
    // Tables defined in one are there in the other.
    one.table("later", column("id", Integer).primary_key()).unwrap();
    assert!(two.table_named("later").is_ok());
}

/// What is overridden, and how often each was asked.
#[derive(Default)]
struct Counting {
    calls: std::sync::Arc<std::sync::Mutex<Vec<&'static str>>>,
}

impl Hooks for Counting {
    fn apply_driver_hacks(
        &self,
        dialect: &'static dyn mirrorm::dialect::Dialect,
        url: &mirrorm::dialect::Url,
        options: &mut EngineOptions,
    ) -> Result<()> {
        self.calls.lock().unwrap().push("hacks");
        *options = std::mem::take(options).timeout(Duration::from_secs(3));
        dialect.apply_driver_hacks(url, options)
    }

    fn make_connector(
        &self,
        dialect: &'static dyn mirrorm::dialect::Dialect,
        url: &mirrorm::dialect::Url,
        options: &EngineOptions,
    ) -> Result<Box<dyn mirrorm::dialect::Connector>> {
        self.calls.lock().unwrap().push("connector");
        dialect.connector(url, options)
    }

    fn create_engine(
        &self,
        dialect: &'static dyn mirrorm::dialect::Dialect,
        url: &mirrorm::dialect::Url,
        mut options: EngineOptions,
    ) -> Result<Engine> {
        self.calls.lock().unwrap().push("engine");
        self.apply_driver_hacks(dialect, url, &mut options)?;
        Ok(Engine::from_connector(dialect, self.make_connector(dialect, url, &options)?, options))
    }

    fn create_session(&self, db: &Db, options: SessionOptions) -> Session {
        self.calls.lock().unwrap().push("session");
        Session::new(db, options.autoflush(false))
    }
}

#[test]
fn what_a_program_overrides() {
    let counting = Counting::default();
    let calls = counting.calls.clone();
    let db = Db::with_hooks(counting);
    db.init(Config::new().url("sqlite://").bind("logs", "sqlite://")).unwrap();
    assert!(calls.lock().unwrap().is_empty(), "nothing is made before it is needed");
    let main = notes(&db, None);
    db.create_all().unwrap();
    db.engine().unwrap();
    assert_eq!(*calls.lock().unwrap(), ["engine", "hacks", "connector"], "once, and not for the other");
    let session = db.session();
    session.add(main.record(()).unwrap()).unwrap();
    assert_eq!(session.query(&main).count().unwrap(), 0, "the session's options were overridden");
    assert_eq!(calls.lock().unwrap().last(), Some(&"session"));
}

#[test]
fn who_prints_a_db_makes_nothing() {
    let counting = Counting::default();
    let calls = counting.calls.clone();
    let db = Db::with_hooks(counting);
    db.init(Config::new().url("nosql://ann:secret@host/shop").bind("logs", "sqlite://")).unwrap();
    let text = format!("{db} {db:?} {:?}", db.session());
    assert!(text.contains("nosql://ann:***@host/shop, logs: sqlite://"), "{text}");
    assert!(!text.contains("secret"));
    assert_eq!(*calls.lock().unwrap(), ["session"]);
}

#[test]
fn a_transaction_of_one_bind_is_of_that_one_only() {
    let folder = tempfile::tempdir().unwrap();
    let (db, main, lines) = deferred(folder.path());
    for reads_main in [false, true] {
        let failed = db.transaction(|session| {
            if reads_main {
                session.query(&main).count()?;
            }
            session.add(lines.record(values! { "parent_id" => 9 })?)
        });
        let error = failed.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::ForeignKey, Outcome::NotDone));
        assert_eq!(error.committed().len(), 0, "the other database had nothing to commit");
    }
}

#[test]
fn a_savepoint_says_that_the_transaction_will_write() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:///{}/t.db", folder.path().display())).unwrap();
    let main = notes(&db, None);
    db.create_all().unwrap();
    let session = db.session();
    let savepoint = session.begin_nested().unwrap();
    assert_eq!(session.begin(mirrorm::dialect::Intent::Read).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(session.query(&main).count().unwrap(), 0);
    // Nobody writes between the reading and the writing.
    let options = EngineOptions::new().busy_timeout(Duration::from_millis(20));
    let url = format!("sqlite:///{}/t.db", folder.path().display());
    let other = db.with_config(Config::new().url(&url).options(options)).unwrap();
    assert_eq!(insert(&main).run(&other).unwrap_err().kind(), ErrorKind::Busy);
    session.add(main.record(()).unwrap()).unwrap();
    savepoint.release().unwrap();
    session.commit().unwrap();
}
