//! Statements that take too long are stopped, by their own limit, the connection's or the engine's (row 2.1.15).

use std::time::{Duration, Instant};

use mirrorm::dialect::Intent;
use mirrorm::engine::{Conn, EngineOptions};
use mirrorm::prelude::*;
use mirrorm::reflect::Inspector;
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
        // One of a part is one of the whole, where that has none.
        let short = endless.clone().timeout(SHORT);
        stopped(|| short.clone().union(short.clone()).all(db));
        stopped(|| select(&short.clone().subquery("s").unwrap()).all(db));
        assert_eq!(
            select(&numbers).timeout(SHORT).union(select(&numbers)).timeout(LONG).count(db).unwrap(),
            1_500
        );
        stopped(|| short.clone().timeout(LONG).union(short.clone()).all(db));
        // The connection is as it was, and so is the next statement.
        assert_eq!(select(&numbers).count(db).unwrap(), 1_500);
        assert_eq!(select(&numbers).timeout(LONG).all(db).unwrap().len(), 1_500);
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

/// A statement that takes longer than [`SHORT`] and has an end.
fn slower(numbers: &Table) -> Select {
    select(func::sum(numbers.c("n").rem(7))).cross_join(&numbers.alias("a"))
}

/// Numbers, each of which takes some milliseconds from the n-th on.
fn slow_from(numbers: &Table, n: i32, last: i32) -> Select {
    let (a, b) = (numbers.alias("a"), numbers.alias("b"));
    let sum = select(func::sum(a.c("n").mul(b.c("n")).add(numbers.c("n")).rem(7)))
        .cross_join(&b)
        .filter(b.c("n").lt(30));
    let slow = case().when(numbers.c("n").ge(n), sum).otherwise(0);
    select((numbers.c("n"), slow.label("slow"))).filter(numbers.c("n").lt(last)).order_by(numbers.c("n"))
}

#[test]
fn r2_1_15_zero_is_any_time() {
    each_backend(|db| {
        let (numbers, _) = slow(db);
        let conn = db.connect().unwrap();
        conn.set_timeout(Duration::from_millis(1));
        assert_eq!(slower(&numbers).timeout(Duration::ZERO).all(&conn).unwrap().len(), 1);
        stopped(|| slower(&numbers).all(&conn));
    });
    let folder = tempfile::tempdir().unwrap();
    let with_zero = |url: &str| {
        let by_url = Db::open(&format!("{url}?statement_timeout=0")).unwrap();
        let numbers = by_url.table("numbers", column("n", Integer).not_null()).unwrap();
        by_url.create_all().unwrap();
        insert(&numbers).rows(["n"], (0..1_500).map(|n| [n])).run(&by_url).unwrap();
        assert_eq!(slower(&numbers).all(&by_url).unwrap().len(), 1, "{url}");
        let by_option = Db::open_with(url, EngineOptions::new().statement_timeout(Duration::ZERO)).unwrap();
        assert_eq!(slower(&numbers).all(&by_option).unwrap().len(), 1, "{url}");
        by_option.engine().unwrap().dispose();
        by_url.drop_all().unwrap();
        by_url.engine().unwrap().dispose();
    };
    with_zero(&format!("sqlite:///{}", folder.path().join("limits.db").display()));
    each_server_url(with_zero);
}

#[test]
fn r2_1_15_no_limit_comes_back_with_a_rollback() {
    each_backend(|db| {
        let (numbers, _) = slow(db);
        {
            let conn = db.connect().unwrap();
            conn.set_timeout(SHORT);
            let tx = conn.begin(Intent::Write).unwrap();
            conn.set_timeout(None);
            assert_eq!(slower(&numbers).all(&tx).unwrap().len(), 1);
            tx.rollback().unwrap();
            assert_eq!(slower(&numbers).all(&conn).unwrap().len(), 1, "the connection has none");
        }
        let conn = db.connect().unwrap();
        assert_eq!(slower(&numbers).all(&conn).unwrap().len(), 1, "nor has the next user");
        drop(conn);
        let undone = db.test_transaction().unwrap();
        let short = |db: &Db| select(&numbers).limit(1).timeout(SHORT).all(db).map(|rows| rows.len());
        assert_eq!(short(db).unwrap(), 1);
        assert_eq!(slower(&numbers).all(db).unwrap().len(), 1, "nor has what a test does next");
        drop(undone);
    });
}

#[test]
fn r2_1_15_what_a_user_has_set_is_there_again() {
    each_backend(|db| {
        let (numbers, _) = slow(db);
        let conn = db.connect().unwrap();
        let version = conn.target().features().version.clone();
        let (set, ask) = match dialect(db) {
            "sqlite" => return,
            "postgresql" => ("SET statement_timeout = 12345", "SELECT current_setting('statement_timeout')"),
            _ if version.contains("MariaDB") => {
                ("SET SESSION max_statement_time = 12.345", "SELECT CAST(@@max_statement_time AS CHAR)")
            }
            _ => ("SET SESSION max_execution_time = 12345", "SELECT CAST(@@max_execution_time AS CHAR)"),
        };
        let asked = || -> String { conn.query_text(ask, ()).unwrap().one().unwrap().get(0).unwrap() };
        conn.execute(set, ()).unwrap();
        let before = asked();
        assert!(before.contains("12") && before.contains("345"), "{before}");
        for most in [LONG, 2 * LONG] {
            assert_eq!(select(&numbers).limit(1).timeout(most).all(&conn).unwrap().len(), 1);
        }
        assert_eq!(asked(), before);
        let failed = conn.transaction(|tx| {
            select(&numbers).limit(1).timeout(LONG).all(tx)?;
            tx.execute("SELECT nothing", ())
        });
        assert!(failed.is_err());
        assert_eq!(asked(), before);
    });
}

#[test]
fn r2_1_15_streams_keep_their_own() {
    each_backend(|db| {
        let (numbers, _) = slow(db);
        let conn = db.connect().unwrap();
        // Long enough for a statement that waits for a processor, and too short for the slow rows together.
        let most = Duration::from_millis(250);
        let inner = |tx: &Conn| select(&numbers).limit(1).timeout(most).all(tx).map(|rows| rows.len());
        let outer = slow_from(&numbers, 1_420, 1_500);
        // In a transaction the outer goes on after each inner one.
        let seen = conn.transaction(|tx| {
            outer.clone().timeout(LONG).stream(tx, |rows| {
                let mut seen = 0;
                for row in rows.by_ref() {
                    row?;
                    seen += 1;
                    // Before the blocks that are slow, and between them.
                    if seen % 100 == 0 {
                        assert_eq!(inner(tx)?, 1);
                    }
                }
                Ok(seen)
            })
        });
        assert_eq!(seen.unwrap(), 1_500);
        // Outside one, the rest of the outer is read when something else is sent: that is not under any limit.
        let _ = outer.timeout(SHORT).stream(&conn, |rows| {
            rows.next().transpose()?;
            assert_eq!(select(&numbers).limit(1).all(&conn).map(|rows| rows.len()).unwrap(), 1);
            Ok(())
        });
        assert_eq!(slower(&numbers).all(&conn).unwrap().len(), 1);
    });
}

#[test]
fn r2_1_15_many_rows_have_one_limit_together() {
    each_backend(|db| {
        let (numbers, _) = slow(db);
        let all = select((numbers.c("n"), numbers.alias("a").c("n").label("other")))
            .cross_join(&numbers.alias("a"))
            .timeout(SHORT);
        stopped(|| all.all(db));
    });
}

#[test]
fn r2_1_15_questions_about_the_schema_have_the_connections() {
    each_backend(|db| {
        let (numbers, _) = slow(db);
        let conn = db.connect().unwrap();
        let _ = select(func::sum(numbers.c("n"))).timeout(Duration::from_micros(1)).all(&conn);
        assert_eq!(Inspector::new(&conn).table_names().unwrap().len(), 1);
        conn.transaction(|tx| {
            let _ = tx.savepoint()?;
            Ok(())
        })
        .unwrap();
    });
}

/// SQLite asks whether to go on when a statement is done, too: what was done is no error.
#[test]
fn r2_1_15_what_is_done_is_done() {
    let db = Db::open("sqlite://").unwrap();
    let t = db.table("t", column("n", Integer)).unwrap();
    db.create_all().unwrap();
    let conn = db.connect().unwrap();
    let insert_all = |on: &Conn| {
        on.set_timeout(Duration::from_micros(1));
        let done = (0..4_000).filter(|_| on.execute("INSERT INTO t VALUES (1)", ()).is_ok()).count();
        on.set_timeout(None);
        done as u64
    };
    let done = insert_all(&conn);
    assert_eq!(select(&t).count(&conn).unwrap(), done);
    let more = match conn.transaction(|tx| Ok(insert_all(tx))) {
        Ok(more) => more,
        // One that was stopped while it wrote takes the transaction along (`sqlite3_interrupt`).
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PendingRollback, "{error}");
            0
        }
    };
    assert_eq!(select(&t).count(&conn).unwrap(), done + more);
}

/// Behind a pooler of transactions a session is not one's own for longer than a transaction.
#[test]
fn r2_1_15_behind_a_pooler_in_transactions_only() {
    each_server_url(|url| {
        if !url.starts_with("postgres") {
            return;
        }
        let db = Db::open(&format!("{url}?statement_cache=0")).unwrap();
        let numbers = db.table("numbers", column("n", Integer).not_null()).unwrap();
        db.create_all().unwrap();
        let conn = db.connect().unwrap();
        let short = select(&numbers).timeout(SHORT);
        let error = short.all(&conn).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("transaction"), "{error}");
        let shown = |on: &Conn| -> String {
            let sql = "SELECT current_setting('statement_timeout')";
            on.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
        };
        let before = shown(&conn);
        conn.transaction(|tx| {
            tx.set_timeout(LONG);
            assert_eq!(shown(tx), "1min");
            tx.set_timeout(None);
            Ok(())
        })
        .unwrap();
        assert_eq!(shown(&conn), before);
        conn.transaction(|tx| short.all(tx).map(|_| ())).unwrap();
        assert_eq!(shown(&conn), before);
        // A COMMIT that fails ends it, too.
        db.execute("CREATE TABLE p (id int PRIMARY KEY)", ()).unwrap();
        db.execute("CREATE TABLE c (p_id int REFERENCES p DEFERRABLE INITIALLY DEFERRED)", ()).unwrap();
        let failed = conn.transaction(|tx| {
            tx.set_timeout(LONG);
            tx.execute("INSERT INTO c VALUES (9)", ())
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::ForeignKey);
        conn.set_timeout(None);
        assert_eq!(shown(&conn), before);
    });
}
