//! Statements that take too long are stopped, by their own limit, the connection's or the engine's (row 2.1.15).

use std::time::{Duration, Instant};

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;
use mirrorm::stmt::Select;

use crate::support::{dialect, each_backend, each_server_url};

const SHORT: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(60);

/// A table of numbers, and a SELECT that would take hours.
fn slow(db: &Db) -> (Table, Select) {
    let numbers = db.table("numbers", column("n", Integer).not_null()).unwrap();
    db.create_all().unwrap();
    insert(&numbers).rows(["n"], (0..1_500).map(|n| [n])).run(db).unwrap();
    let (a, b) = (numbers.alias("a"), numbers.alias("b"));
    let sum = func::sum(numbers.c("n").mul(a.c("n")).mul(b.c("n")).rem(7));
    let endless = select(sum).cross_join(&a).cross_join(&b);
    (numbers, endless)
}

fn a_times_b(numbers: &Table) -> Expr {
    numbers.alias("a").c("n").mul(numbers.alias("b").c("n")).rem(1_000)
}

/// Runs what has to be stopped.
fn stopped<T>(run: impl FnOnce() -> mirrorm::Result<T>) -> mirrorm::Error {
    let begun = Instant::now();
    let error = run().err().expect("it was stopped");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    error
}

#[test]
fn r2_1_15_a_statement_has_its_own_limit() {
    each_backend(|db| {
        let (numbers, endless) = slow(db);
        let error = stopped(|| endless.clone().timeout(SHORT).all(db));
        assert!(error.to_string().contains("numbers"), "it tells the statement: {error}");
        stopped(|| endless.clone().timeout(SHORT).count(db));
        stopped(|| endless.clone().timeout(SHORT).stream(db, |rows| rows.next().transpose()));
        let plan = endless.clone().timeout(SHORT).filter(numbers.c("n").ge(param("least")));
        let plan = plan.prepare(db).unwrap();
        stopped(|| plan.all(db, values! { "least" => 0 }));
        // The connection is as it was, and so is the next statement.
        assert_eq!(select(&numbers).count(db).unwrap(), 1_500);
        assert_eq!(select(&numbers).timeout(LONG).all(db).unwrap().len(), 1_500);
        assert_eq!(
            select(&numbers)
                .timeout(Duration::ZERO)
                .order_by(numbers.c("n"))
                .limit(1)
                .all(db)
                .map_or(1, |r| r.len()),
            1
        );
        let conn = db.connect().unwrap();
        stopped(|| endless.clone().timeout(SHORT).all(&conn));
        if dialect(db) == "sqlite" {
            let long = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT max(i) FROM n";
            assert_eq!(conn.query_text(long, ()).unwrap().len(), 1, "it had none");
        }
    });
}

#[test]
fn r2_1_15_in_a_transaction_and_after_it() {
    each_backend(|db| {
        let (numbers, endless) = slow(db);
        let conn = db.connect().unwrap();
        let done = conn.transaction(|tx| {
            delete(&numbers).filter(numbers.c("n").lt(10)).run(tx)?;
            endless.clone().timeout(SHORT).all(tx).map(|_| ())
        });
        stopped(|| done);
        assert_eq!(select(&numbers).count(&conn).unwrap(), 1_500, "rolled back");
        // What was set in a transaction goes with it: the next limit is told again.
        conn.transaction(|tx| {
            let inner = tx.savepoint()?;
            stopped(|| endless.clone().timeout(SHORT).all(&inner));
            inner.rollback()?;
            delete(&numbers).filter(numbers.c("n").lt(10)).run(tx)?;
            let inner = tx.savepoint()?;
            stopped(|| endless.clone().timeout(SHORT).all(&inner));
            inner.rollback()?;
            Ok(())
        })
        .unwrap();
        assert_eq!(select(&numbers).count(&conn).unwrap(), 1_490);
        assert_eq!(select(&numbers).timeout(LONG).all(&conn).unwrap().len(), 1_490);
    });
}

#[test]
fn r2_1_15_a_connection_has_one_and_a_statement_wins() {
    each_backend(|db| {
        let (numbers, endless) = slow(db);
        {
            let conn = db.connect().unwrap();
            conn.set_timeout(SHORT);
            stopped(|| endless.all(&conn));
            let writes = insert(&numbers).from_select(["n"], endless.clone().columns(a_times_b(&numbers)));
            let version = db.engine().unwrap().target().unwrap().features().version.clone();
            if dialect(db) != "mysql" || version.contains("MariaDB") {
                stopped(|| writes.run(&conn));
                assert_eq!(
                    select(&numbers).timeout(LONG).count(&conn).unwrap(),
                    1_500,
                    "nothing of it was done"
                );
            }
            assert_eq!(select(&numbers).timeout(LONG).all(&conn).unwrap().len(), 1_500);
            conn.set_timeout(LONG);
            stopped(|| endless.clone().timeout(SHORT).all(&conn));
            conn.set_timeout(SHORT);
            stopped(|| endless.all(&conn));
            conn.set_timeout(None);
            assert_eq!(select(&numbers).all(&conn).unwrap().len(), 1_500);
            conn.set_timeout(SHORT);
            assert_eq!(select(&numbers).limit(1).all(&conn).unwrap().len(), 1);
        }
        // The next user of the connection has the engine's.
        let conn = db.connect().unwrap();
        let slower = select(func::sum(numbers.c("n").rem(7))).cross_join(&numbers.alias("a"));
        assert_eq!(slower.all(&conn).unwrap().len(), 1);
    });
}

#[test]
fn r2_1_15_an_engine_has_one_and_the_others_win() {
    let folder = tempfile::tempdir().unwrap();
    let with_limit = |url: &str| {
        let options = EngineOptions::new().statement_timeout(SHORT);
        let db = Db::open_with(url, options).unwrap();
        let conn = db.connect().unwrap();
        conn.set_timeout(LONG);
        let numbers = db.table("numbers", column("n", Integer).not_null()).unwrap();
        let ddl = db.create_all();
        ddl.unwrap();
        insert(&numbers).rows(["n"], (0..1_500).map(|n| [n])).run(&conn).unwrap();
        let (a, b) = (numbers.alias("a"), numbers.alias("b"));
        let endless = select(func::sum(numbers.c("n").mul(a.c("n")).mul(b.c("n")).rem(7)))
            .cross_join(&a)
            .cross_join(&b);
        conn.set_timeout(None);
        stopped(|| endless.all(&conn));
        let slower = select(func::sum(numbers.c("n").rem(7))).cross_join(&numbers.alias("a"));
        assert_eq!(slower.clone().timeout(LONG).all(&conn).unwrap().len(), 1);
        stopped(|| endless.all(&conn));
        drop(conn);
        stopped(|| endless.all(&db));
        db.engine().unwrap().dispose();
    };
    with_limit(&format!("sqlite:///{}", folder.path().join("limits.db").display()));
    each_server_url(with_limit);
}

#[test]
fn r2_1_15_by_the_url() {
    let db = Db::open("sqlite://?statement_timeout=40ms").unwrap();
    let (_, endless) = slow(&db);
    stopped(|| endless.all(&db));
    let wrong = Db::open("sqlite://?statement_timeout=soon").err().unwrap();
    assert_eq!(wrong.kind(), ErrorKind::Config);
    assert!(wrong.to_string().contains("ms, s, min"), "{wrong}");
}
