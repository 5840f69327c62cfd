//! The workloads of a session against raw rusqlite in the same run, by hand:
//! `cargo bench --bench session -- --table`. See `benches/README.md`.

mod common;

use std::collections::HashMap;
use std::hint::black_box;

use common::{Pair, User, compare, driver, keys, report, resident};
use mirrorm::dialect::Intent;
use mirrorm::prelude::*;
use rusqlite::Connection;

fn user(row: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    Ok(User { id: row.get(0)?, name: row.get(1)?, hair_color: row.get(2)? })
}

fn all_users(raw: &Connection) -> Result<Vec<User>> {
    let mut statement = raw.prepare_cached("SELECT id, name, hair_color FROM users").map_err(driver)?;
    let rows = statement.query_map([], user).map_err(driver)?;
    rows.collect::<rusqlite::Result<_>>().map_err(driver)
}

/// All users as tracked records, in a session of its own.
fn w1(rows: usize, goal: f64) -> Result<()> {
    let pair = Pair::new(rows)?;
    let ours = &mut || -> Result<()> {
        let session = pair.db.session();
        black_box(session.query(&pair.users).all()?);
        Ok(())
    };
    let raw = &mut || -> Result<()> {
        all_users(&pair.raw)?.iter().for_each(|u| {
            black_box((&u.id, &u.name, &u.hair_color));
        });
        Ok(())
    };
    report(&format!("W1 tracked, {rows} rows"), goal, compare(ours, raw)?);
    Ok(())
}

fn gets(session: &Session, users: &Table, keys: &[i64]) -> Result<()> {
    for key in keys {
        black_box(session.get(users, *key)?);
    }
    Ok(())
}

fn raw_gets(raw: &Connection, keys: &[i64]) -> Result<()> {
    let sql = "SELECT id, name, hair_color FROM users WHERE id = ?";
    let mut statement = raw.prepare_cached(sql).map_err(driver)?;
    for key in keys {
        black_box(statement.query_row([key], user).map_err(driver)?);
    }
    Ok(())
}

/// 1 000 gets by key, in a plain session and in one that began to read.
fn w3() -> Result<()> {
    let pair = Pair::new(10_000)?;
    let keys = keys(10_000);
    let ours = &mut || gets(&pair.db.session(), &pair.users, &keys);
    report("W3 1 000 gets, in memory", 1.4, compare(ours, &mut || raw_gets(&pair.raw, &keys))?);
    let ours = &mut || pair.db.read(|session| gets(session, &pair.users, &keys));
    report("W3 the same in `db.read`", 1.4, compare(ours, &mut || raw_gets(&pair.raw, &keys))?);
    Ok(())
}

fn w3_file() -> Result<()> {
    let folder = tempfile::tempdir().map_err(|e| Error::new(ErrorKind::Open, e.to_string()))?;
    let path = folder.path().join("w3.db");
    let db = Db::open(&mirrorm::dialect::sqlite::url_of_path(&path))?;
    db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, hair_color TEXT)", ())?;
    db.reflect()?;
    let users = db.table_named("users")?;
    insert(&users)
        .rows(["name", "hair_color"], (0..10_000).map(|n| (format!("User {n}"), "black")))
        .run(&db)?;
    let raw = Connection::open(&path).map_err(driver)?;
    let keys = keys(10_000);
    let ours = &mut || gets(&db.session(), &users, &keys);
    report("W3 1 000 gets, on a file", 0.5, compare(ours, &mut || raw_gets(&raw, &keys))?);
    Ok(())
}

/// Users through `session.add` or `add_all` and a flush, keys back.
fn w4(rows: usize, all_at_once: bool) -> Result<()> {
    let pair = Pair::new(0)?;
    let people: Vec<(String, Option<String>)> =
        (0..rows).map(|i| (format!("User number {i}"), (i % 2 == 0).then(|| "black".to_string()))).collect();
    // A table that grows from round to round would not be the same work.
    let clear = "DELETE FROM users";
    let ours = &mut || -> Result<()> {
        let session = pair.db.session();
        let record = |(name, hair): &(String, Option<String>)| {
            pair.users.record(values! { "name" => name.as_str(), "hair_color" => hair.as_deref() })
        };
        match all_at_once {
            true => drop(session.add_all(people.iter().map(record).collect::<Result<Vec<_>>>()?)?),
            false => people.iter().try_for_each(|person| session.add(record(person)?).map(drop))?,
        }
        session.commit()?;
        pair.db.execute(clear, ())?;
        Ok(())
    };
    let raw = &mut || -> Result<()> {
        pair.raw.execute_batch("BEGIN IMMEDIATE").map_err(driver)?;
        let mut made = Vec::new();
        {
            let sql = "INSERT INTO users (name, hair_color) VALUES (?, ?)";
            let mut statement = pair.raw.prepare_cached(sql).map_err(driver)?;
            for (name, hair) in &people {
                statement.execute((name, hair)).map_err(driver)?;
                made.push(User {
                    id: pair.raw.last_insert_rowid(),
                    name: name.clone(),
                    hair_color: hair.clone(),
                });
            }
        }
        made.iter().for_each(|u| {
            black_box(&u.id);
        });
        pair.raw.execute_batch("COMMIT").map_err(driver)?;
        pair.raw.execute_batch(clear).map_err(driver)
    };
    let verb = if all_at_once { "add_all" } else { "add" };
    report(&format!("W4 {rows} by `session.{verb}`"), 1.8, compare(ours, raw)?);
    Ok(())
}

struct Comment {
    id: i64,
    post_id: i64,
    body: String,
}

struct PostOf {
    id: i64,
    user_id: i64,
    title: String,
    comments: Vec<Comment>,
}

/// 100 users with 10 posts with 10 comments each, all of them touched.
fn w5() -> Result<()> {
    const SCHEMA: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, hair_color TEXT);
        CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, title TEXT NOT NULL);
        CREATE TABLE comments (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts, body TEXT NOT NULL);
        CREATE INDEX ix_posts ON posts (user_id);
        CREATE INDEX ix_comments ON comments (post_id);
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
        INSERT INTO users SELECT i + 1, 'User number ' || i, 'black' FROM n;
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
        INSERT INTO posts SELECT i + 1, i / 10 + 1, 'Title ' || i FROM n;
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
        INSERT INTO comments SELECT i + 1, i / 10 + 1, 'The comment ' || i FROM n;";
    let raw = Connection::open_in_memory().map_err(driver)?;
    raw.execute_batch(SCHEMA).map_err(driver)?;
    let db = Db::open("sqlite://")?;
    db.execute_script(SCHEMA)?;
    db.reflect()?;
    let users = db.table_named("users")?;
    let ours = &mut || -> Result<()> {
        let session = db.session();
        let mut seen = 0;
        for user in session.query(&users).with("posts.comments").all()? {
            for post in user.related("posts")? {
                seen += post.related("comments")?.len();
            }
        }
        assert_eq!(black_box(seen), 10_000);
        Ok(())
    };
    let raw = &mut || -> Result<()> {
        let users = all_users(&raw)?;
        let (posts, comments) = (raw_posts(&raw)?, raw_comments(&raw)?);
        let mut by_post: HashMap<i64, Vec<Comment>> = HashMap::with_capacity(posts.len());
        comments.into_iter().for_each(|comment| by_post.entry(comment.post_id).or_default().push(comment));
        let mut by_user: HashMap<i64, Vec<PostOf>> = HashMap::with_capacity(users.len());
        for mut post in posts {
            post.comments = by_post.remove(&post.id).unwrap_or_default();
            by_user.entry(post.user_id).or_default().push(post);
        }
        let mut seen = 0;
        for user in &users {
            for post in by_user.get(&user.id).into_iter().flatten() {
                black_box((&post.title, post.comments.first().map(|c| (c.id, &c.body))));
                seen += post.comments.len();
            }
        }
        assert_eq!(black_box(seen), 10_000);
        Ok(())
    };
    report("W5 100 users, 10 posts each", 1.0, compare(ours, raw)?);
    Ok(())
}

fn id_list(rows: i64) -> String {
    (1..=rows).map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

fn raw_posts(raw: &Connection) -> Result<Vec<PostOf>> {
    let sql = "SELECT id, user_id, title FROM posts WHERE user_id IN (SELECT value FROM json_each(?))";
    let mut statement = raw.prepare_cached(sql).map_err(driver)?;
    let of = |row: &rusqlite::Row<'_>| {
        Ok(PostOf { id: row.get(0)?, user_id: row.get(1)?, title: row.get(2)?, comments: Vec::new() })
    };
    let rows = statement.query_map([format!("[{}]", id_list(100))], of).map_err(driver)?;
    rows.collect::<rusqlite::Result<_>>().map_err(driver)
}

fn raw_comments(raw: &Connection) -> Result<Vec<Comment>> {
    let sql = "SELECT id, post_id, body FROM comments WHERE post_id IN (SELECT value FROM json_each(?))";
    let mut statement = raw.prepare_cached(sql).map_err(driver)?;
    let of =
        |row: &rusqlite::Row<'_>| Ok(Comment { id: row.get(0)?, post_id: row.get(1)?, body: row.get(2)? });
    let rows = statement.query_map([format!("[{}]", id_list(1000))], of).map_err(driver)?;
    rows.collect::<rusqlite::Result<_>>().map_err(driver)
}

/// A unit of work: 1 000 rows loaded, each changed, all saved.
fn w7(listening: bool) -> Result<()> {
    let pair = Pair::new(1000)?;
    let signals = pair.db.signals();
    let reads = |_: &Session, changes: &Changes| {
        changes.iter().flat_map(|change| change.diff()).for_each(|field| {
            black_box(field);
        });
    };
    let _both =
        listening.then(|| (signals.before_commit.connect(reads), signals.models_committed.connect(reads)));
    let mut turn = 0;
    let ours = &mut || -> Result<()> {
        turn += 1;
        let session = pair.db.session();
        for (at, user) in session.query(&pair.users).all()?.iter().enumerate() {
            user.set("name", format!("Renamed {at} {turn}"))?;
        }
        session.commit()?;
        Ok(())
    };
    let mut turn = 0;
    let raw = &mut || -> Result<()> {
        turn += 1;
        pair.raw.execute_batch("BEGIN IMMEDIATE").map_err(driver)?;
        let mut users = all_users(&pair.raw)?;
        users.iter_mut().enumerate().for_each(|(at, user)| user.name = format!("Renamed {at} {turn}"));
        {
            let sql = "UPDATE users SET name = ? WHERE id = ?";
            let mut statement = pair.raw.prepare_cached(sql).map_err(driver)?;
            for user in &users {
                statement.execute((&user.name, user.id)).map_err(driver)?;
            }
        }
        pair.raw.execute_batch("COMMIT").map_err(driver)
    };
    let (name, goal) =
        if listening { ("W7 both signals, every diff", 1.9) } else { ("W7 unit of work", 1.3) };
    report(name, goal, compare(ours, raw)?);
    Ok(())
}

/// Bytes of a tracked record beside its data's own.
fn memory() -> Result<()> {
    const ROWS: u64 = 500_000;
    let pair = Pair::new(ROWS as usize)?;
    let session = pair.db.session();
    session.begin(Intent::Read)?;
    let rows = session.query(&pair.users).rows()?;
    drop(rows);
    let before = resident();
    let records = session.query(&pair.users).all()?;
    let all = (resident() - before) * 1024 / ROWS;
    let cells = 3 * 16;
    let text: usize =
        records.iter().take(1000).map(|r| r.get::<String>("name").map_or(0, |t| t.len()) + 5).sum();
    let own = cells + text as u64 / 1000;
    println!(
        "| bytes of a tracked record     |   220 | {:>5} | (and {own} of data)",
        all.saturating_sub(own)
    );
    drop(records);
    Ok(())
}

fn main() -> Result<()> {
    common::run(&[
        ("w1", || w1(1, f64::INFINITY)),
        ("w1", || w1(1000, 1.0)),
        ("w1", || w1(10_000, 1.0)),
        ("half", || w1(500_000, 1.1)),
        ("w3", w3),
        ("w3", w3_file),
        ("w1", || w1(500_000, 1.1)),
        ("w4", || w4(1000, false)),
        ("w4", || w4(1000, true)),
        ("big", || w4(100_000, true)),
        ("w5", w5),
        ("w7", || w7(false)),
        ("signals", || w7(true)),
        ("memory", memory),
    ])
}
