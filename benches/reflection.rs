//! Reflection of 500 tables against the bare catalog statements that it sends, sent by the raw driver in the
//! same run: `cargo bench --bench reflection -- --table`, with the servers' URLs in the environment as the tests
//! have them (`scripts/servers start FOLDER`). See `benches/README.md`.

// The raw side fails as a bench does: by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod common;

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use common::median;
use cpu_time::ProcessTime;
use mirrorm::prelude::*;
use mirrorm::reflect::Reflector;
use mirrorm::schema::Metadata;
use mysql::prelude::Queryable;
use postgres::types::ToSql;

const TABLES: usize = 500;
const ROUNDS: usize = 15;

type Sent = Vec<(String, Vec<Value>)>;

/// A parameter of the catalog statements for PostgreSQL's driver.
fn bound(value: &Value, ty: &postgres::types::Type) -> Box<dyn ToSql + Sync> {
    match value {
        Value::Null if *ty == postgres::types::Type::TEXT_ARRAY => Box::new(None::<Vec<String>>),
        Value::Null => Box::new(None::<String>),
        Value::Bool(yes) => Box::new(*yes),
        other => panic!("{other:?}"),
    }
}

/// The same for the others, which ask for nothing but names.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Null => None,
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
            let width = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(params.iter().map(text))).unwrap();
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
            let bound: Vec<Option<String>> = params.iter().map(text).collect();
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

/// What reflection sends.
fn sent(db: &Db) -> Result<Sent> {
    let list = Arc::new(Mutex::new(Sent::new()));
    let own = list.clone();
    let _watch = db.engine()?.observe(move |statement| {
        let params = statement.parameters().into_iter().flatten().collect();
        own.lock().unwrap().push((statement.sql.to_string(), params));
    });
    let facts = Reflector::new().facts(&db.connect()?)?;
    assert!(facts.tables.len() == TABLES && facts.problems.is_empty());
    Ok(std::mem::take(&mut list.lock().unwrap()))
}

fn timed(run: &mut dyn FnMut() -> Result<()>) -> Result<(f64, f64)> {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    run()?;
    Ok((wall.elapsed().as_secs_f64() * 1e3, cpu.elapsed().as_secs_f64() * 1e3))
}

fn measure(name: &str, url: &str, mut replay: Replay) -> Result<()> {
    let statements = sent(&Db::open(url)?)?;
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

/// The tables on a server's database `bench_reflection`, made anew, or in a file of SQLite.
fn make(url: &str) -> Result<()> {
    if let Some((server, name)) = url.rsplit_once('/').filter(|_| !url.starts_with("sqlite")) {
        let main = Db::open(&format!(
            "{server}/{}",
            if url.starts_with("postgres") { "postgres" } else { "mysql" }
        ))?;
        let _ = main.execute_script(&format!("DROP DATABASE IF EXISTS {name}"));
        main.execute_script(&format!("CREATE DATABASE {name}"))?;
    }
    schema(&Db::open(url)?)
}

/// The median of a few whole reflections, in milliseconds.
fn time(url: &str) -> Result<f64> {
    let db = Db::open(url)?;
    let mut walls = Vec::new();
    for round in 0..ROUNDS {
        let conn = db.connect()?;
        let (wall, _) = timed(&mut || Reflector::new().reflect(&conn, &Metadata::new()).map(drop))?;
        if round >= 2 {
            walls.push(wall);
        }
    }
    Ok(median(walls))
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let of = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    // What `vs-sqlalchemy` asks for.
    if let Some(url) = of("--make") {
        return make(url);
    }
    if let Some(url) = of("--time") {
        println!("{:.3}", time(url)?);
        return Ok(());
    }
    // Built by `cargo test --benches` too, where nothing is measured.
    if !args.iter().any(|arg| arg == "--table") {
        println!("measure with: cargo bench --bench reflection -- --table");
        return Ok(());
    }
    println!("| {TABLES} tables   | statements | ms      | raw ms  | ratio | CPU ms/table |");
    println!("|--------------|------------|---------|---------|-------|--------------|");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.db").display().to_string();
    let url = format!("sqlite:///{path}");
    make(&url)?;
    measure("SQLite", &url, sqlite(&path))?;
    let servers: [(&str, &str, Raw); 4] = [
        ("PostgreSQL", "POSTGRES_TEST_URL", postgres),
        ("PostgreSQL18", "POSTGRES18_TEST_URL", postgres),
        ("MariaDB", "MARIADB_TEST_URL", mysql),
        ("MySQL", "MYSQL_TEST_URL", mysql),
    ];
    for (name, variable, raw) in servers {
        let Ok(admin) = std::env::var(variable) else { continue };
        let url = format!("{}/bench_reflection", admin.rsplit_once('/').expect("a database").0);
        make(&url)?;
        measure(name, &url, raw(&url))?;
        Db::open(&admin)?.execute_script("DROP DATABASE bench_reflection")?;
    }
    Ok(())
}
