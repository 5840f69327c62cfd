//! Reflection of 500 tables against the bare catalog statements that it sends, sent by the raw driver in the
//! same run: `cargo bench --bench reflection -- --table`, with the servers' URLs in the environment as the tests
//! have them (`scripts/servers start FOLDER`). See `benches/README.md`.

// The raw side fails as a bench does: by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

use std::any::Any;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Instant;

use cpu_time::ProcessTime;
use mirrorm::dialect::{Connection, Cursor, Dialect, Done, Request, Scope, Url};
use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::reflect::Reflector;
use mirrorm::rows::RowBuffer;
use mirrorm::schema::Metadata;
use mysql::prelude::Queryable;
use postgres::types::ToSql;

const TABLES: usize = 500;
const ROUNDS: usize = 15;

type Sent = Vec<(String, Vec<Value>)>;

/// A connection that writes down what is asked of it.
struct Recording {
    inner: Box<dyn Connection>,
    sent: Mutex<Sent>,
}

impl Connection for Recording {
    fn query(&self, r: &Request<'_>, body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>) -> Result<()> {
        self.sent.lock().unwrap().push((r.sql.to_string(), r.params.to_vec()));
        self.inner.query(r, body)
    }
    fn execute(&self, r: &Request<'_>) -> Result<Done> {
        self.inner.execute(r)
    }
    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        self.inner.execute_many(sql, width, values, range, ids)
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

/// A parameter of the catalog statements for PostgreSQL's driver.
fn bound(value: &Value, ty: &postgres::types::Type) -> Box<dyn ToSql + Sync> {
    match value {
        Value::Null if *ty == postgres::types::Type::TEXT_ARRAY => Box::new(None::<Vec<String>>),
        Value::Null => Box::new(None::<String>),
        Value::Bool(yes) => Box::new(*yes),
        other => panic!("{other:?}"),
    }
}

/// Sends the statements and reads what comes, with the raw driver.
type Replay = Box<dyn FnMut(&Sent)>;

/// Connects with the raw driver.
type Raw = fn(&str) -> Replay;

fn sqlite(path: &str) -> Replay {
    let raw = rusqlite::Connection::open(path).unwrap();
    raw.set_prepared_statement_cache_capacity(100);
    Box::new(move |sent| {
        for (sql, params) in sent {
            let mut statement = raw.prepare_cached(sql).unwrap();
            let params = params.iter().map(|value| match value {
                Value::Text(text) => Some(text.to_string()),
                Value::Null => None,
                other => panic!("{other:?}"),
            });
            let width = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(params)).unwrap();
            while let Some(row) = rows.next().unwrap() {
                (0..width).for_each(|at| _ = std::hint::black_box(row.get_ref(at).unwrap()));
            }
        }
    })
}

fn postgres(url: &str) -> Replay {
    let client = RefCell::new(postgres::Client::connect(url, postgres::NoTls).unwrap());
    let mut known = std::collections::HashMap::new();
    Box::new(move |sent| {
        let mut client = client.borrow_mut();
        for (sql, params) in sent {
            let statement = known.entry(sql.clone()).or_insert_with(|| client.prepare(sql).unwrap());
            let bound: Vec<_> = params.iter().zip(statement.params()).map(|(v, ty)| bound(v, ty)).collect();
            let bound: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|one| &**one as _).collect();
            std::hint::black_box(client.query(&*statement, &bound).unwrap());
        }
    })
}

fn mysql(url: &str) -> Replay {
    let mut conn = mysql::Conn::new(url.replace("mariadb://", "mysql://").as_str()).unwrap();
    Box::new(move |sent| {
        for (sql, params) in sent {
            let bound: Vec<Option<String>> = params
                .iter()
                .map(|value| match value {
                    Value::Text(text) => Some(text.to_string()),
                    Value::Null => None,
                    other => panic!("{other:?}"),
                })
                .collect();
            let rows: Vec<mysql::Row> = match bound.is_empty() {
                true => conn.query(sql).unwrap(),
                false => conn.exec(sql, bound).unwrap(),
            };
            std::hint::black_box(rows);
        }
    })
}

/// Eleven columns with a foreign key, a unique constraint, an index and a check.
fn schema(db: &Db) -> Result<()> {
    for at in 0..TABLES {
        let columns: Vec<_> = (0..8).map(|n| column(format!("c{n}"), Varchar(40))).collect();
        let target = format!("t{}", at.saturating_sub(1));
        let key =
            mirrorm::schema::foreign_key(["parent"], mirrorm::schema::Reference::columns(target, ["id"]));
        db.table(
            format!("t{at}"),
            (
                column("id", Integer).primary_key(),
                columns,
                column("parent", Integer),
                column("n", Integer),
                key.named(format!("fk{at}")),
                mirrorm::schema::unique(["c0"]).named(format!("uq{at}")),
                index(["c1"]).named(format!("ix{at}")),
                check(raw("n > 0")).named(format!("ck{at}")),
            ),
        )?;
    }
    db.create_all()
}

fn sent(url: &str) -> Result<Sent> {
    let parsed = Url::parse(url)?;
    let knows = |dialect: &&&'static dyn Dialect| dialect.schemes().contains(&parsed.scheme());
    let built_in = mirrorm::dialect::built_in();
    let dialect: &'static dyn Dialect = *built_in.iter().find(knows).expect("a dialect of the URL");
    let inner = dialect.connector(&parsed, &EngineOptions::new())?.connect()?;
    let recording = Recording { inner, sent: Mutex::default() };
    let facts = dialect.inspector().facts(&recording, &Scope::default())?;
    assert!(facts.tables.len() >= TABLES && facts.problems.is_empty());
    Ok(recording.sent.into_inner().unwrap())
}

fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list[list.len() / 2]
}

fn timed(run: &mut dyn FnMut() -> Result<()>) -> Result<(f64, f64)> {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    run()?;
    Ok((wall.elapsed().as_secs_f64() * 1e3, cpu.elapsed().as_secs_f64() * 1e3))
}

fn measure(name: &str, url: &str, mut replay: Replay) -> Result<()> {
    let statements = sent(url)?;
    let db = Db::open(url)?;
    let mut raw = || {
        replay(&statements);
        Ok(())
    };
    let mut own = || {
        let conn = db.connect()?;
        let found = Reflector::new().reflect(&conn, &Metadata::new())?;
        assert_eq!(found.tables().len(), TABLES);
        Ok(())
    };
    let (mut walls, mut ratios, mut cpus, mut theirs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS + 2 {
        let (a, b) = (timed(&mut own)?, timed(&mut raw)?);
        if round >= 2 {
            walls.push(a.0);
            ratios.push(a.0 / b.0);
            cpus.push(a.1 - b.1);
            theirs.push(b.0);
        }
    }
    let cpu = median(cpus) / TABLES as f64;
    let (wall, theirs, ratio) = (median(walls), median(theirs), median(ratios));
    let count = statements.len();
    println!("| {name:<12} | {count:>10} | {wall:>7.1} | {theirs:>7.1} | {ratio:>5.2} | {cpu:>12.4} |");
    Ok(())
}

fn main() -> Result<()> {
    // Built by `cargo test --benches` too, where nothing is measured.
    if !std::env::args().any(|arg| arg == "--table") {
        println!("measure with: cargo bench --bench reflection -- --table");
        return Ok(());
    }
    println!("| {TABLES} tables   | statements | ms      | raw ms  | ratio | CPU ms/table |");
    println!("|--------------|------------|---------|---------|-------|--------------|");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.db").display().to_string();
    let url = format!("sqlite:///{path}");
    schema(&Db::open(&url)?)?;
    measure("SQLite", &url, sqlite(&path))?;
    let servers: [(&str, &str, Raw); 4] = [
        ("PostgreSQL", "POSTGRES_TEST_URL", postgres),
        ("PostgreSQL18", "POSTGRES18_TEST_URL", postgres),
        ("MariaDB", "MARIADB_TEST_URL", mysql),
        ("MySQL", "MYSQL_TEST_URL", mysql),
    ];
    for (name, variable, raw) in servers {
        let Ok(admin) = std::env::var(variable) else { continue };
        let main = Db::open(&admin)?;
        let _ = main.execute_script("DROP DATABASE IF EXISTS bench_reflection");
        main.execute_script("CREATE DATABASE bench_reflection")?;
        let url = format!("{}/bench_reflection", admin.rsplit_once('/').expect("a database").0);
        schema(&Db::open(&url)?)?;
        measure(name, &url, raw(&url))?;
        main.execute_script("DROP DATABASE bench_reflection")?;
    }
    Ok(())
}
