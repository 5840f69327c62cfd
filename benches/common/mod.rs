//! What both tables of workloads share: the data, the raw driver beside us, and how time is compared.

// Each bench uses its part.
#![allow(dead_code)]

use std::time::Duration;

use cpu_time::ProcessTime;
use mirrorm::prelude::*;
use rusqlite::Connection;

pub(crate) const ROUNDS: usize = 41;
const SAMPLE: Duration = Duration::from_millis(2);

const SCHEMA: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, hair_color TEXT);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, title TEXT NOT NULL, body TEXT);";

/// A typed row, as a programmer without us would write it.
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) hair_color: Option<String>,
}

pub(crate) struct Post {
    pub(crate) id: Option<i64>,
    pub(crate) user_id: Option<i64>,
    pub(crate) title: Option<String>,
    pub(crate) body: Option<String>,
}

/// Both sides of a comparison, with the same data.
pub(crate) struct Pair {
    pub(crate) raw: Connection,
    pub(crate) db: Db,
    pub(crate) users: Table,
    pub(crate) posts: Table,
}

impl Pair {
    pub(crate) fn new(rows: usize) -> Result<Pair> {
        let raw = Connection::open_in_memory().map_err(driver)?;
        raw.execute_batch(SCHEMA).map_err(driver)?;
        let db = Db::open("sqlite://")?;
        db.execute_script(SCHEMA)?;
        let fill = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO users SELECT i, 'User number ' || i, CASE i % 2 WHEN 0 THEN 'black' ELSE 'brown' END FROM n WHERE {rows} > 0;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO posts SELECT i, i, 'Title ' || i, 'The body of post ' || i FROM n WHERE {rows} > 0;"
        );
        raw.execute_batch(&fill).map_err(driver)?;
        db.execute_script(&fill)?;
        db.reflect()?;
        let (users, posts) = (db.table_named("users")?, db.table_named("posts")?);
        Ok(Pair { raw, db, users, posts })
    }
}

pub(crate) fn driver(error: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Database, error.to_string())
}

/// One side's mean time of a run, over a sample.
pub(crate) fn sample(run: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let start = ProcessTime::now();
    let mut runs = 0u32;
    loop {
        run()?;
        runs += 1;
        let spent = start.elapsed();
        if spent >= SAMPLE {
            return Ok(spent.as_secs_f64() / f64::from(runs));
        }
    }
}

/// The median ratio, and raw's median time in microseconds.
pub(crate) fn compare(
    ours: &mut dyn FnMut() -> Result<()>,
    raw: &mut dyn FnMut() -> Result<()>,
) -> Result<(f64, f64)> {
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    sample(ours)?;
    sample(raw)?;
    for round in 0..ROUNDS {
        let (a, b) = if round % 2 == 0 {
            let a = sample(ours)?;
            (a, sample(raw)?)
        } else {
            let b = sample(raw)?;
            (sample(ours)?, b)
        };
        ratios.push(a / b);
        times.push(b * 1e6);
    }
    Ok((median(ratios), median(times)))
}

pub(crate) fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list.get(list.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn report(name: &str, goal: f64, (ratio, raw): (f64, f64)) {
    let verdict = if ratio <= goal { "" } else { "  missed" };
    println!("| {name:<28} | {goal:>5.2} | {ratio:>5.2} | {raw:>10.2} |{verdict}");
}

/// Resident memory of the process in KiB, where the system tells.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Keys in an order that is not the table's.
pub(crate) fn keys(rows: i64) -> Vec<i64> {
    (0..1000).map(|i| (i * 7919) % rows + 1).collect()
}

/// A workload and its name.
pub(crate) type Workload = (&'static str, fn() -> Result<()>);

/// Runs the workloads that were asked for: those whose name begins with what follows `--only`.
pub(crate) fn run(workloads: &[Workload]) -> Result<()> {
    // Built by `cargo test --benches` too, where nothing is measured.
    if !std::env::args().any(|arg| arg == "--table") {
        println!("measure with: cargo bench -- --table");
        return Ok(());
    }
    println!("| workload                     |  goal | ratio |     raw µs |");
    println!("|------------------------------|-------|-------|------------|");
    let only = std::env::args().skip_while(|arg| arg != "--only").nth(1).unwrap_or_default();
    workloads.iter().filter(|(name, _)| name.starts_with(only.as_str())).try_for_each(|(_, run)| run())
}
