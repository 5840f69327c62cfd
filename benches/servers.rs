//! The workloads on real servers against their raw drivers in the same run, by the wall's clock:
//! `cargo bench --bench servers -- --table`, with the servers' URLs in the environment as the tests have
//! them (`scripts/servers start FOLDER`). See `benches/README.md`.

// The raw side fails as a bench does: by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use mirrorm::prelude::*;
use mirrorm::reflect::Reflector;
use mysql::prelude::Queryable;

/// Rounds over one pair of connections, and how many pairs: how long a round trip takes depends on which
/// processor the server's side of a connection sits on, by a factor of three. So times are those of good
/// rounds: a tenth of them were shorter.
const ROUNDS: usize = 5;
const PAIRS: usize = 11;
const TABLE: &str =
    "CREATE TABLE bench_users (id SERIAL_KEY, name VARCHAR(100) NOT NULL, hair_color VARCHAR(40))";

/// A typed row, as a programmer without us would write it.
struct User {
    id: i64,
    name: String,
    hair_color: Option<String>,
}

/// The raw driver beside us: what a careful programmer writes with it.
trait Raw {
    fn script(&mut self, sql: &str);
    fn all(&mut self) -> Vec<User>;
    fn get(&mut self, key: i64) -> User;
    /// Inserts row by row in one transaction that is rolled back; with the keys that were made.
    fn insert(&mut self, people: &[(String, Option<String>)], ids: bool) -> Vec<i64>;
    /// Updates row by row in one transaction that is rolled back.
    fn update(&mut self, names: &[(String, i64)]);
}

/// The statements are held: the driver keeps none itself.
struct Pg {
    client: postgres::Client,
    all: postgres::Statement,
    get: postgres::Statement,
}

impl Pg {
    fn new(url: &str) -> Pg {
        let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
        client.batch_execute("DROP TABLE IF EXISTS bench_users").unwrap();
        client.batch_execute(&TABLE.replace("SERIAL_KEY", "SERIAL PRIMARY KEY")).unwrap();
        let all = client.prepare("SELECT id, name, hair_color FROM bench_users").unwrap();
        let get = client.prepare("SELECT id, name, hair_color FROM bench_users WHERE id = $1").unwrap();
        Pg { client, all, get }
    }
}

impl Raw for Pg {
    fn script(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap();
    }

    fn all(&mut self) -> Vec<User> {
        // All at once: `query_raw` takes half as long again.
        let user = |row: postgres::Row| User {
            id: row.get::<_, i32>(0).into(),
            name: row.get(1),
            hair_color: row.get(2),
        };
        self.client.query(&self.all, &[]).unwrap().into_iter().map(user).collect()
    }

    fn get(&mut self, key: i64) -> User {
        let row = self.client.query_one(&self.get, &[&(key as i32)]).unwrap();
        User { id: row.get::<_, i32>(0).into(), name: row.get(1), hair_color: row.get(2) }
    }

    fn insert(&mut self, people: &[(String, Option<String>)], ids: bool) -> Vec<i64> {
        let mut tx = self.client.transaction().unwrap();
        let returning = if ids { " RETURNING id" } else { "" };
        let sql = format!("INSERT INTO bench_users (name, hair_color) VALUES ($1, $2){returning}");
        let statement = tx.prepare(&sql).unwrap();
        let mut made = Vec::new();
        for (name, hair) in people {
            if ids {
                made.push(tx.query_one(&statement, &[name, hair]).unwrap().get::<_, i32>(0).into());
            } else {
                tx.execute(&statement, &[name, hair]).unwrap();
            }
        }
        tx.rollback().unwrap();
        made
    }

    fn update(&mut self, names: &[(String, i64)]) {
        let mut tx = self.client.transaction().unwrap();
        let statement = tx.prepare("UPDATE bench_users SET name = $1 WHERE id = $2").unwrap();
        for (name, key) in names {
            tx.execute(&statement, &[name, &(*key as i32)]).unwrap();
        }
        tx.rollback().unwrap();
    }
}

struct My(mysql::Conn);

impl My {
    fn new(url: &str) -> My {
        // By itself it would leave TCP for the server's socket, where a round trip takes a third less.
        let opts = mysql::Opts::from_url(&url.replace("mariadb://", "mysql://")).unwrap();
        let mut conn = mysql::Conn::new(mysql::OptsBuilder::from_opts(opts).prefer_socket(false)).unwrap();
        conn.query_drop("DROP TABLE IF EXISTS bench_users").unwrap();
        conn.query_drop(TABLE.replace("SERIAL_KEY", "INTEGER AUTO_INCREMENT PRIMARY KEY")).unwrap();
        My(conn)
    }
}

impl Raw for My {
    fn script(&mut self, sql: &str) {
        self.0.query_drop(sql).unwrap();
    }

    fn all(&mut self) -> Vec<User> {
        let user = |(id, name, hair_color)| User { id, name, hair_color };
        self.0.exec_map("SELECT id, name, hair_color FROM bench_users", (), user).unwrap()
    }

    fn get(&mut self, key: i64) -> User {
        let sql = "SELECT id, name, hair_color FROM bench_users WHERE id = ?";
        let (id, name, hair_color) = self.0.exec_first(sql, (key,)).unwrap().unwrap();
        User { id, name, hair_color }
    }

    fn insert(&mut self, people: &[(String, Option<String>)], ids: bool) -> Vec<i64> {
        let mut tx = self.0.start_transaction(mysql::TxOpts::default()).unwrap();
        let statement = tx.prep("INSERT INTO bench_users (name, hair_color) VALUES (?, ?)").unwrap();
        let mut made = Vec::new();
        for person in people {
            tx.exec_drop(&statement, person).unwrap();
            if ids {
                made.push(tx.last_insert_id().unwrap_or(0) as i64);
            }
        }
        tx.rollback().unwrap();
        made
    }

    fn update(&mut self, names: &[(String, i64)]) {
        let mut tx = self.0.start_transaction(mysql::TxOpts::default()).unwrap();
        let statement = tx.prep("UPDATE bench_users SET name = ? WHERE id = ?").unwrap();
        for (name, key) in names {
            tx.exec_drop(&statement, (name, key)).unwrap();
        }
        tx.rollback().unwrap();
    }
}

/// The wall's times of both sides, in microseconds.
type Times = Vec<(f64, f64)>;

fn compare(ours: &mut dyn FnMut() -> Result<()>, raw: &mut dyn FnMut()) -> Result<Times> {
    let mut times = Vec::new();
    let timed = |work: &mut dyn FnMut() -> Result<()>| {
        let start = Instant::now();
        work().map(|()| start.elapsed().as_secs_f64())
    };
    let raw = &mut || {
        raw();
        Ok(())
    };
    for round in 0..ROUNDS + 2 {
        let (own, theirs) = if round % 2 == 0 {
            let own = timed(ours)?;
            (own, timed(raw)?)
        } else {
            let theirs = timed(raw)?;
            (timed(ours)?, theirs)
        };
        if round >= 2 {
            times.push((own * 1e6, theirs * 1e6));
        }
    }
    Ok(times)
}

/// The time of a good round.
fn good(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list[list.len() / 10]
}

/// The workloads, in the order they run.
const WORKLOADS: [&str; 6] = [
    "W1 1 000 rows",
    "W3 200 gets, prepared",
    "W4 1 000 rows",
    "W4 1 000 rows, ids",
    "W6 1 000 updates",
    "W7 unit of work",
];

/// Runs all workloads over pairs of fresh connections and prints the ratios of good rounds.
fn table(name: &str, goals: [f64; 6], url: &str, connect: &dyn Fn() -> Box<dyn Raw>) -> Result<()> {
    let mut all: [Times; 6] = Default::default();
    for _ in 0..PAIRS {
        let times = run(url, &mut *connect())?;
        all.iter_mut().zip(times).for_each(|(all, times)| all.extend(times));
    }
    for ((workload, times), goal) in WORKLOADS.iter().zip(all).zip(goals) {
        let (own, raw): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
        let (own, raw) = (good(own), good(raw));
        let verdict = if own / raw <= goal { "" } else { "  missed" };
        println!("| {name:<10} | {workload:<22} | {goal:>5.2} | {:>5.2} | {raw:>9.0} |{verdict}", own / raw);
    }
    Ok(())
}

fn run(url: &str, raw: &mut dyn Raw) -> Result<[Times; 6]> {
    let db = Db::open(url)?;
    db.reflect_with(&Reflector::new().only(["bench_users"]))?;
    let users = db.table_named("bench_users")?;
    let person = |i: i64| (format!("User number {i}"), (i % 2 == 0).then(|| "black".to_string()));
    insert(&users).rows(["name", "hair_color"], (0..1000).map(person)).run(&db)?;
    let people: Vec<(String, Option<String>)> = (0..1000).map(person).collect();
    let renamed: Vec<(String, i64)> = (1..=1000).map(|key| (format!("Renamed {key}"), key)).collect();
    let conn = db.connect()?;
    let raw = RefCell::new(raw);
    let all = compare(
        &mut || select(&users).all(&conn).map(|rows| drop(black_box(rows.iter().collect::<Vec<Row>>()))),
        &mut || {
            raw.borrow_mut().all().iter().for_each(|u| {
                black_box((&u.id, &u.name, &u.hair_color));
            })
        },
    )?;
    let by_key = select(&users).filter(users.c("id").eq(param("id"))).prepare(&conn)?;
    let gets = compare(
        &mut || {
            (1..=200i64).try_for_each(|key| {
                by_key.one(&conn, values! { "id" => key }).map(|row| drop(black_box(row)))
            })
        },
        &mut || (1..=200).for_each(|key| drop(black_box(raw.borrow_mut().get(key)))),
    )?;
    let inserts = |ids: bool| {
        let ours = &mut || -> Result<()> {
            let tx = conn.begin(mirrorm::dialect::Intent::Write)?;
            let rows = people.iter().map(|(name, hair)| (name, hair.as_deref()));
            let insert = insert(&users).rows(["name", "hair_color"], rows);
            if ids {
                black_box(insert.ids(&tx)?);
            } else {
                insert.run(&tx)?;
            }
            tx.rollback()
        };
        compare(ours, &mut || drop(black_box(raw.borrow_mut().insert(&people, ids))))
    };
    let (plain, keyed) = (inserts(false)?, inserts(true)?);
    let plan = update(&users)
        .set(values! { "name" => param("name") })
        .filter(users.c("id").eq(param("id")))
        .prepare(&conn)?;
    let updates = compare(
        &mut || {
            let tx = conn.begin(mirrorm::dialect::Intent::Write)?;
            plan.run_many(&tx, ["name", "id"], renamed.iter().map(|(name, key)| (name, *key)))?;
            tx.rollback()
        },
        &mut || raw.borrow_mut().update(&renamed),
    )?;
    let unit = compare(
        &mut || {
            let session = db.session();
            for (at, user) in session.query(&users).all()?.iter().enumerate() {
                user.set("name", format!("Renamed {at}"))?;
            }
            session.flush()?;
            session.rollback()
        },
        &mut || {
            drop(black_box(raw.borrow_mut().all()));
            raw.borrow_mut().update(&renamed);
        },
    )?;
    raw.borrow_mut().script("DROP TABLE bench_users");
    Ok([all, gets, plain, keyed, updates, unit])
}

/// 100 000 records through `add_all` and a flush, keys known, against the driver's own batch: a prepared statement for each
/// row, in one transaction that is rolled back.
fn big(name: &str, url: &str, raw: &mut dyn Raw) -> Result<()> {
    const ROWS: i64 = 100_000;
    let db = Db::open(url)?;
    db.reflect_with(&Reflector::new().only(["bench_users"]))?;
    let users = db.table_named("bench_users")?;
    let people: Vec<(String, Option<String>)> =
        (0..ROWS).map(|i| (format!("User number {i}"), (i % 2 == 0).then(|| "black".to_string()))).collect();
    let mut ratios = Vec::new();
    let mut raw_time = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let session = db.session();
        let record = |(name, hair): &(String, Option<String>)| {
            users.record(values! { "name" => name.as_str(), "hair_color" => hair.as_deref() })
        };
        let records = session.add_all(people.iter().map(record).collect::<Result<Vec<_>>>()?)?;
        session.flush()?;
        black_box(records.last().map(|record| record.get::<i64>("id")));
        session.rollback()?;
        let own = start.elapsed().as_secs_f64();
        let start = Instant::now();
        black_box(raw.insert(&people, true));
        let theirs = start.elapsed().as_secs_f64();
        ratios.push(own / theirs);
        raw_time = raw_time.min(theirs);
    }
    ratios.sort_by(f64::total_cmp);
    let verdict = if ratios[1] <= 1.3 { "" } else { "  missed" };
    let (ratio, micros) = (ratios[1], raw_time * 1e6);
    println!("| {name:<10} | 100 000 by `add_all`   |  1.30 | {ratio:>5.2} | {micros:>9.0} |{verdict}");
    raw.script("DROP TABLE bench_users");
    Ok(())
}

fn main() -> Result<()> {
    // Built by `cargo test --benches` too, where nothing is measured.
    if !std::env::args().any(|arg| arg == "--table") {
        println!("measure with: cargo bench --bench servers -- --table");
        return Ok(());
    }
    println!("| server     | workload               |  goal | ratio |    raw µs |");
    println!("|------------|------------------------|-------|-------|-----------|");
    let url = |variable: &str| std::env::var(variable).ok();
    let postgres = [0.85, 1.1, 1.0, 0.12, 0.25, 0.4];
    for (name, variable) in [("postgres15", "POSTGRES_TEST_URL"), ("postgres18", "POSTGRES18_TEST_URL")] {
        let Some(url) = url(variable) else { continue };
        big(name, &url, &mut Pg::new(&url))?;
        table(name, postgres, &url, &|| Box::new(Pg::new(&url)))?;
    }
    let ids = [("mariadb", "MARIADB_TEST_URL", 0.2), ("mysql", "MYSQL_TEST_URL", f64::INFINITY)];
    for (name, variable, ids) in ids {
        let Some(url) = url(variable) else { continue };
        big(name, &url, &mut My::new(&url))?;
        let goals = [1.0, f64::INFINITY, 0.15, ids, f64::INFINITY, 0.5];
        table(name, goals, &url, &|| Box::new(My::new(&url)))?;
    }
    Ok(())
}
