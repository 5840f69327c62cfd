//! Configurations from maps and the environment, and which option wins.

use std::time::Duration;

use mirrorm::engine::{EngineOptions, PoolKind};
use mirrorm::prelude::*;

fn configured<const N: usize>(settings: [(&str, Value); N]) -> Result<Db> {
    let db = Db::new();
    db.init(Config::from_map(settings)).map(|()| db)
}

fn error_of<const N: usize>(settings: [(&str, Value); N]) -> String {
    let error = configured(settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    error.message().to_string()
}

fn binds(db: &Db) -> Vec<String> {
    db.binds().iter().map(|bind| bind.as_deref().unwrap_or("default").to_string()).collect()
}

#[test]
fn names_of_ours_and_of_flask_sqlalchemy() {
    let db = configured([
        ("MIRRORM_DATABASE_URL", "sqlite://".into()),
        ("MIRRORM_BINDS__LOGS", "sqlite://".into()),
        ("MIRRORM_BINDS__OLD", r#"{"url": "sqlite://", "busy_timeout": 2}"#.into()),
        ("MIRRORM_BUSY_TIMEOUT", "1.5".into()),
        ("DEBUG", true.into()),
    ])
    .unwrap();
    assert_eq!(binds(&db), ["default", "logs", "old"]);
    let timeout = |bind| db.get_engine(bind).unwrap().options().lock_timeout();
    assert_eq!(timeout(None), Duration::from_millis(1500));
    assert_eq!(timeout(Some("old")), Duration::from_secs(2));
    let db = configured([
        ("SQLALCHEMY_DATABASE_URI", "sqlite://".into()),
        ("SQLALCHEMY_BINDS", serde_json::json!({"logs": "sqlite://", "audit": {"url": "sqlite://"}}).into()),
        ("SQLALCHEMY_ENGINE_OPTIONS", r#"{"pool_timeout": 3, "busy_timeout": 4}"#.into()),
        ("SQLALCHEMY_POOL_RECYCLE", (-1).into()),
        ("SQLALCHEMY_POOL_TIMEOUT", Value::Null),
    ])
    .unwrap();
    assert_eq!(binds(&db), ["default", "audit", "logs"]);
    let timeout = |bind| db.get_engine(bind).unwrap().options().lock_timeout();
    assert_eq!(timeout(None), Duration::from_secs(4));
    assert_eq!(timeout(Some("logs")), Duration::from_secs(5), "ENGINE_OPTIONS are the default database's");
}

#[test]
fn settings_that_cannot_be() {
    let url = || ("MIRRORM_DATABASE_URL", Value::from("sqlite://"));
    let cases: [([(&str, Value); 2], &str); 12] = [
        ([("DEBUG", true.into()), ("OTHER", 1.into())], "no database"),
        ([url(), ("SQLALCHEMY_DATABASE_URI", "sqlite://".into())], "defined twice"),
        ([url(), ("MIRRORM_POOL_SISE", 5.into())], "did you mean `POOL_SIZE`?"),
        ([url(), ("MIRRORM_POOL_SIZE", "many".into())], "MIRRORM_POOL_SIZE: the value is not a number"),
        ([url(), ("MIRRORM_POOL_TIMEOUT", "-3".into())], "a number of seconds"),
        ([url(), ("MIRRORM_READ_ONLY", "perhaps".into())], "true or false"),
        ([url(), ("SQLALCHEMY_COMMIT_ON_TEARDOWN", true.into())], "db.transaction"),
        ([url(), ("SQLALCHEMY_NATIVE_UNICODE", true.into())], "leave it out"),
        ([url(), ("SQLALCHEMY_BINDS", "{not json".into())], "a JSON map"),
        ([url(), ("SQLALCHEMY_BINDS", "sqlite://".into())], "a JSON map of bind keys"),
        (
            [url(), ("SQLALCHEMY_BINDS", r#"{"a": {"pool_size": 1}}"#.into())],
            "the bind `a`: the value is not a map with a `url`",
        ),
        ([url(), ("SQLALCHEMY_BINDS", r#"{"a": {"url": "sqlite://", "pol_size": 1}}"#.into())], "pol_size"),
    ];
    for (settings, says) in cases {
        let text = format!("{settings:?}");
        let message = error_of(settings);
        assert!(message.contains(says), "{text}: {message}");
    }
    // What may hold a password is not repeated.
    let secret = [url(), ("MIRRORM_POOL_SIZE", "hunter2".into())];
    assert!(!error_of(secret).contains("hunter2"));
}

#[test]
fn which_option_wins() {
    // What the driver needs, what the Db says, what the one database says, what its URL says.
    let seconds = |n| Duration::from_secs(n);
    let all =
        |n: Option<u64>| n.map_or(EngineOptions::new(), |n| EngineOptions::new().busy_timeout(seconds(n)));
    let cases = [
        (None, None, None, 5),
        (Some(1), None, None, 1),
        (None, Some(2), None, 2),
        (None, None, Some(3), 3),
        (Some(1), Some(2), None, 2),
        (Some(1), None, Some(3), 3),
        (None, Some(2), Some(3), 3),
        (Some(1), Some(2), Some(3), 3),
    ];
    for (of_db, of_bind, of_url, wins) in cases {
        for bind in [None, Some("logs")] {
            let url = of_url
                .map_or("sqlite://".to_string(), |n: u64| format!("sqlite://?busy_timeout={}", n * 1000));
            let db = Db::new();
            let config = Config::new().options(all(of_db)).database(bind, &url, all(of_bind));
            db.init(config).unwrap();
            let engine = db.get_engine(bind).unwrap();
            assert_eq!(engine.options().lock_timeout(), seconds(wins), "{of_db:?} {of_bind:?} {of_url:?}");
            assert_eq!(engine.options().pool_kind(), PoolKind::Static, "the driver's need");
        }
    }
    // Zero counts as said, and loses the data in memory.
    let db = Db::new();
    db.init(Config::new().url("sqlite://").options(EngineOptions::new().size(0))).unwrap();
    let error = db.engine().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("lose"), "{error}");
}

/// Says which process is the one whose environment the next test sets.
const CHILD: &str = "READS_THE_ENVIRONMENT";

#[test]
fn the_environment() {
    if std::env::var_os(CHILD).is_some() {
        let db = Db::new();
        return match db.init(Config::from_env()) {
            Ok(()) => println!("binds {:?} {db}", binds(&db)),
            Err(error) => println!("error {error}"),
        };
    }
    let run = |variables: &[(&str, &std::ffi::OsStr)]| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "live::config::the_environment", "--nocapture"]).env(CHILD, "1");
        child.envs(variables.iter().copied());
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    let set = |text: &'static str| std::ffi::OsStr::new(text);
    let said = run(&[
        ("MIRRORM_DATABASE_URL", set("nosql://ann:secret@host/shop")),
        ("MIRRORM_BINDS__B", set("sqlite://")),
        ("MIRRORM_BINDS__A", set("sqlite://")),
        ("SQLALCHEMY_BINDS", set("ignored: the environment has our names only")),
    ]);
    assert!(said.contains(r#"binds ["default", "a", "b"]"#), "{said}");
    assert!(said.contains("ann:***@host") && !said.contains("secret"), "{said}");
    assert!(run(&[]).contains("no database"));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let said = run(&[("MIRRORM_DATABASE_URL", std::ffi::OsStr::from_bytes(b"sqlite:///\xff"))]);
        assert!(said.contains("MIRRORM_DATABASE_URL: the value is not text in UTF-8"), "{said}");
    }
}
