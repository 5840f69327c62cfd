//! The workloads of `benches/README.md` against raw rusqlite in the same run, by hand:
//! `cargo bench --bench workloads -- --table`.
//!
//! Every round runs one sample of ours and of raw in turns, at least two milliseconds each; a
//! ratio is the median over the rounds of ours / raw in process CPU time. Raw is what a careful
//! programmer writes: typed structs with owned text, one prepared statement a batch. Nothing here
//! is a test: no figure fails a build.

mod common;

use std::hint::black_box;

use common::{Pair, Post, ROUNDS, User, compare, driver, keys, median, report, resident, sample};
use cpu_time::ProcessTime;
use mirrorm::engine::{Conn, Plan};
use mirrorm::prelude::*;
use rusqlite::Connection;

fn w1(rows: usize, goal: f64) -> Result<()> {
    let pair = Pair::new(rows)?;
    let sql = "SELECT id, name, hair_color FROM users";
    let conn = pair.db.connect()?;
    let all = select(&pair.users);
    let ours = &mut || -> Result<()> {
        let rows: Vec<Row> = all.all(&conn)?.into_iter().collect();
        black_box(&rows);
        Ok(())
    };
    let raw = &mut || -> Result<()> {
        let mut statement = pair.raw.prepare_cached(sql).map_err(driver)?;
        let mapped =
            statement.query_map([], |r| Ok(User { id: r.get(0)?, name: r.get(1)?, hair_color: r.get(2)? }));
        let rows: Vec<User> = mapped.map_err(driver)?.collect::<rusqlite::Result<_>>().map_err(driver)?;
        rows.iter().for_each(|u| {
            black_box((&u.id, &u.name, &u.hair_color));
        });
        Ok(())
    };
    report(&format!("W1 all, {rows} rows"), goal, compare(ours, raw)?);
    Ok(())
}

fn w2(rows: usize) -> Result<()> {
    let pair = Pair::new(rows)?;
    let (users, posts) = (&pair.users, &pair.posts);
    let sql = "SELECT users.id, users.name, users.hair_color, posts.id, posts.user_id, posts.title, posts.body
        FROM users LEFT JOIN posts ON posts.user_id = users.id WHERE users.hair_color = ? ORDER BY users.name DESC";
    let conn = pair.db.connect()?;
    let query = select((users, posts))
        .left_join_on(posts, posts.c("user_id").eq(users.c("id")))
        .filter(users.c("hair_color").eq(param("color")))
        .order_by(users.c("name").desc())
        .prepare(&conn)?;
    let ours = &mut || -> Result<()> {
        let rows: Vec<Row> = query.all(&conn, [("color", "black")])?.into_iter().collect();
        black_box(&rows);
        Ok(())
    };
    let raw = &mut || -> Result<()> {
        let mut statement = pair.raw.prepare_cached(sql).map_err(driver)?;
        let mapped = statement.query_map(["black"], |r| {
            let user = User { id: r.get(0)?, name: r.get(1)?, hair_color: r.get(2)? };
            Ok((user, Post { id: r.get(3)?, user_id: r.get(4)?, title: r.get(5)?, body: r.get(6)? }))
        });
        let rows: Vec<(User, Post)> =
            mapped.map_err(driver)?.collect::<rusqlite::Result<_>>().map_err(driver)?;
        rows.iter().for_each(|(_, p)| {
            black_box((&p.id, &p.user_id, &p.title, &p.body));
        });
        Ok(())
    };
    report(&format!("W2 join, {rows} rows"), 1.0, compare(ours, raw)?);
    Ok(())
}

fn by_id(pair: &Pair, conn: &Conn) -> Result<Plan> {
    select(&pair.users).filter(pair.users.c("id").eq(param("id"))).prepare(conn)
}

fn w3() -> Result<()> {
    let pair = Pair::new(10_000)?;
    let keys = keys(10_000);
    let conn = pair.db.connect()?;
    let plan = by_id(&pair, &conn)?;
    let ours = &mut || -> Result<()> {
        for key in &keys {
            black_box(plan.one(&conn, [("id", *key)])?);
        }
        Ok(())
    };
    let raw = &mut || -> Result<()> {
        let sql = "SELECT id, name, hair_color FROM users WHERE id = ?";
        let mut statement = pair.raw.prepare_cached(sql).map_err(driver)?;
        for key in &keys {
            let user = statement
                .query_row([key], |r| Ok(User { id: r.get(0)?, name: r.get(1)?, hair_color: r.get(2)? }));
            black_box(user.map_err(driver)?);
        }
        Ok(())
    };
    report("W3 1 000 gets by key", 1.5, compare(ours, raw)?);
    Ok(())
}

fn w4(ids: bool) -> Result<()> {
    let pair = Pair::new(0)?;
    let people: Vec<(String, Option<String>)> =
        (0..1000).map(|i| (format!("User number {i}"), (i % 2 == 0).then(|| "black".to_string()))).collect();
    let conn = pair.db.connect()?;
    let users = &pair.users;
    let ours = &mut || -> Result<()> {
        let tx = conn.begin(mirrorm::dialect::Intent::Write)?;
        let rows = people.iter().map(|(name, hair)| (name, hair.as_deref()));
        let insert = insert(users).rows(["name", "hair_color"], rows);
        if ids {
            black_box(insert.ids(&tx)?);
        } else {
            insert.run(&tx)?;
        }
        tx.rollback()
    };
    let raw = &mut || -> Result<()> {
        pair.raw.execute_batch("BEGIN IMMEDIATE").map_err(driver)?;
        let mut made = Vec::new();
        {
            let sql = "INSERT INTO users (name, hair_color) VALUES (?, ?)";
            let mut statement = pair.raw.prepare_cached(sql).map_err(driver)?;
            for (name, hair) in &people {
                statement.execute((name, hair)).map_err(driver)?;
                if ids {
                    made.push(pair.raw.last_insert_rowid());
                }
            }
        }
        black_box(made);
        pair.raw.execute_batch("ROLLBACK").map_err(driver)
    };
    let (name, goal) = if ids { ("W4 insert 1 000, ids", 1.2) } else { ("W4 insert 1 000", 1.0) };
    report(name, goal, compare(ours, raw)?);
    Ok(())
}

fn w6() -> Result<()> {
    let pair = Pair::new(10_000)?;
    let keys = keys(10_000);
    let conn = pair.db.connect()?;
    let users = &pair.users;
    let plan = update(users)
        .set(values! { "name" => param("name") })
        .filter(users.c("id").eq(param("id")))
        .prepare(&conn)?;
    let names: Vec<String> = keys.iter().map(|key| format!("Renamed {key}")).collect();
    let ours = &mut || -> Result<()> {
        let tx = conn.begin(mirrorm::dialect::Intent::Write)?;
        plan.run_many(&tx, ["name", "id"], names.iter().zip(&keys))?;
        tx.rollback()
    };
    let raw = &mut || -> Result<()> {
        pair.raw.execute_batch("BEGIN IMMEDIATE").map_err(driver)?;
        {
            let mut statement =
                pair.raw.prepare_cached("UPDATE users SET name = ? WHERE id = ?").map_err(driver)?;
            for (name, key) in names.iter().zip(&keys) {
                statement.execute((name, key)).map_err(driver)?;
            }
        }
        pair.raw.execute_batch("ROLLBACK").map_err(driver)
    };
    report("W6 update 1 000 by key", 1.2, compare(ours, raw)?);
    Ok(())
}

fn w8() -> Result<()> {
    const FILL: &str = "CREATE TABLE wide (n INTEGER, x REAL, t TEXT);
        WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000)
        INSERT INTO wide SELECT i, i * 0.5, substr('abcdefghijklmnopqrstuvwxyz', 1, 20) FROM c;";
    let raw = Connection::open_in_memory().map_err(driver)?;
    raw.execute_batch(FILL).map_err(driver)?;
    let db = Db::open("sqlite://")?;
    db.execute_script(FILL)?;
    db.reflect()?;
    let wide = db.table_named("wide")?;
    let before = resident();
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        let start = ProcessTime::now();
        let sum = select(&wide).stream(&db, |rows| {
            rows.try_fold((0i64, 0f64, 0usize), |(n, x, len), row| {
                let row = row?;
                Ok((n + row.get::<i64>(0)?, x + row.get::<f64>(1)?, len + row.get::<&str>(2)?.len()))
            })
        })?;
        let ours = start.elapsed().as_secs_f64();
        let start = ProcessTime::now();
        let mut statement = raw.prepare_cached("SELECT n, x, t FROM wide").map_err(driver)?;
        let mut rows = statement.query([]).map_err(driver)?;
        let mut own = (0i64, 0f64, 0usize);
        while let Some(row) = rows.next().map_err(driver)? {
            let text: String = row.get(2).map_err(driver)?;
            own = (
                own.0 + row.get::<_, i64>(0).map_err(driver)?,
                own.1 + row.get::<_, f64>(1).map_err(driver)?,
                own.2 + text.len(),
            );
        }
        assert_eq!(sum, own);
        let raw = start.elapsed().as_secs_f64();
        ratios.push(ours / raw);
        times.push(raw);
    }
    report("W8 stream 1 000 000", 1.1, (median(ratios), median(times) * 1e6));
    println!(
        "| W8 memory over base, KiB      | 2048  | {:>5} |            |",
        resident().saturating_sub(before)
    );
    Ok(())
}

/// Building and compiling a select of 10 columns, 3 joins, 5 conditions; and what a held plan
/// costs over a hand-written text.
fn compile() -> Result<()> {
    use mirrorm::compile::{Compile, Target};
    let db = Db::open("sqlite://")?;
    let names = ["a", "b", "c", "d"];
    let mut tables = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        let own = (column("id", Integer).primary_key(), column("x", Text), column("y", Integer));
        let before = i.checked_sub(1).and_then(|i| names.get(i));
        let key = before.map(|before| column("parent", Integer).references(before));
        tables.push(db.table(name, (own, key))?);
    }
    let target = Target::offline(db.engine()?.dialect());
    let [a, b, c, d] = tables.as_slice() else { return Ok(()) };
    let mut build = || -> Result<()> {
        let columns = [
            a.c("id"),
            a.c("x"),
            a.c("y"),
            b.c("id"),
            b.c("x"),
            b.c("y"),
            c.c("id"),
            c.c("x"),
            d.c("id"),
            d.c("x"),
        ];
        let query = select(columns).join(b).join(c).join(d).filter(
            a.c("x").eq("v")
                & b.c("y").gt(5)
                & c.c("x").like("w%")
                & d.c("y").between(1, 9)
                & a.c("y").is_not_null(),
        );
        black_box(query.compile(&target)?);
        Ok(())
    };
    let times: Result<Vec<f64>> = (0..ROUNDS).map(|_| sample(&mut build)).collect();
    println!("| build and compile, µs         |  5.00 | {:>5.2} |            |", median(times?) * 1e6);

    let pair = Pair::new(10)?;
    let conn = pair.db.connect()?;
    let plan = by_id(&pair, &conn)?;
    let held = &mut || -> Result<()> { plan.all(&conn, [("id", 5)]).map(|rows| drop(black_box(rows))) };
    let text = &mut || -> Result<()> {
        let sql = "SELECT users.id, users.name, users.hair_color FROM users WHERE users.id = ?";
        conn.query_text(sql, (5,)).map(|rows| drop(black_box(rows)))
    };
    let (ratio, time) = compare(held, text)?;
    println!("| held plan over a text, µs     |  0.20 | {:>5.2} |            |", (ratio - 1.0) * time);
    Ok(())
}

fn main() -> Result<()> {
    common::run(&[
        ("w1", || w1(1, 1.3)),
        ("w1", || w1(10, 1.3)),
        ("w1", || w1(100, 0.85)),
        ("w1", || w1(1000, 0.85)),
        ("w1", || w1(10_000, 0.85)),
        ("w2", || [1, 10, 100, 1000].into_iter().try_for_each(w2)),
        ("w3", w3),
        ("w4", || w4(false)),
        ("w4", || w4(true)),
        ("w6", w6),
        ("w8", w8),
        ("compile", compile),
    ])
}
