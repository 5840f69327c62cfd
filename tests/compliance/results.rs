//! test_results.py: cells of a row by every kind of name, names with percent signs, rows that come as they are
//! read.

use mirrorm::prelude::*;
use mirrorm::rows::{ColumnInfo, Row, RowStream};
use mirrorm::stmt::Select;

use super::{On, lines, methods};

fn plain(on: &On<'_>) -> Table {
    let t = on.table("plain_pk", (column("id", Integer).primary_key(), column("data", Varchar(50))));
    insert(&t).rows(["id", "data"], [(1, "d1"), (2, "d2"), (3, "d3")]).run(on.db).unwrap();
    t
}

fn first(on: &On<'_>, t: &Table) -> Row {
    select(t).order_by(t.c("id")).first(on.db).unwrap().unwrap()
}

const CASES: [&str; 6] =
    ["id", "all_lowercase", "ALL_UPPERCASE", "MixedCase", "all_lowercase_quoted", "ALL_UPPERCASE_QUOTED"];

const PERCENT: [&str; 2] = ["percent%", "spaces % more spaces"];

fn percent(on: &On<'_>) -> Table {
    on.table("percent%table", PERCENT.map(|name| column(name, Integer)))
}

/// The rows of the table with percent signs, by itself and under another name.
fn percent_rows(on: &On<'_>, t: &Table) {
    let (alias, [key, other]) = (t.alias("a%b"), PERCENT);
    for (all, key_of, other_of) in
        [(select(t), t.c(key), t.c(other)), (select(&alias), alias.c(key), alias.c(other))]
    {
        let all = all.order_by(&key_of);
        on.is(on.rows(&all), ["5,12", "7,11", "9,10", "11,9"]);
        on.is(on.rows(&all.clone().filter(other_of.in_([9, 10]))), ["9,10", "11,9"]);
        let row = all.first(on.db).unwrap().unwrap();
        on.is((row.get::<i64>(key).unwrap(), row.get::<i64>(other).unwrap()), (5, 12));
    }
    on.is(update(t).set([(other, 15)]).all_rows().run(on.db).unwrap(), 4);
    on.is(on.rows(&select(t).order_by(t.c(key))), ["5,15", "7,15", "9,15", "11,15"]);
}

/// A table of so many rows, `n` from 1.
fn many(on: &On<'_>, rows: i64) -> Table {
    let t = on.table("test_table", (column("n", Integer), column("data", Varchar(50))));
    insert(&t).rows(["n", "data"], (1..=rows).map(|n| (n, format!("data{n}")))).run(on.db).unwrap();
    t
}

/// How many rows a stream gives until one is wanted no more.
fn until(on: &On<'_>, select: &Select, last: i64) -> i64 {
    let seen = select.stream(on.db, |rows| {
        let mut seen = 0;
        for row in rows {
            seen += 1;
            if row?.get::<i64>(0)? == last {
                break;
            }
        }
        Ok(seen)
    });
    seen.unwrap()
}

fn data_of(rows: &mut RowStream<'_>) -> Result<Vec<String>> {
    rows.map(|row| row?.get("data")).collect()
}

methods! {
    RowFetchTest {
        fn row_w_scalar_select(on) {
            let t = on.table("has_dates", (column("id", Integer).primary_key(), column("today", DateTime)));
            let today = Value::DateTime("2006-05-12T12:00:00".parse().unwrap());
            insert(&t).values(values! { "id" => 1, "today" => today.clone() }).run(on.db).unwrap();
            let x = t.alias("x");
            let labelled = Expr::from(select(x.c("today"))).label("somelabel");
            let row = select((t.c("id"), labelled)).one(on.db).unwrap();
            on.is(row.value("somelabel").unwrap().to_value(), today);
        }

        fn via_attr(on) {
            let t = plain(on);
            let (id, data): (i64, String) = first(on, &t).to().unwrap();
            on.is((id, data.as_str()), (1, "d1"));
            let by_name: std::collections::BTreeMap<String, serde_json::Value> = first(on, &t).to().unwrap();
            on.is((&by_name["id"], &by_name["data"]), (&serde_json::json!(1), &serde_json::json!("d1")));
        }

        fn via_string(on) {
            let t = plain(on);
            let row = first(on, &t);
            on.is((row.get::<i64>("id").unwrap(), row.get::<&str>("data").unwrap()), (1, "d1"));
            on.fails(row.value("dat").map(|value| value.to_value()), ErrorKind::NoSuchColumn);
        }

        fn via_int(on) {
            let t = plain(on);
            let row = first(on, &t);
            on.is((row.get::<i64>(0).unwrap(), row.get::<&str>(1).unwrap()), (1, "d1"));
            on.fails(row.value(2).map(|value| value.to_value()), ErrorKind::NoSuchColumn);
        }

        fn via_col_object(on) {
            let t = plain(on);
            let labelled = select((t.c("data").label("d"), t.c("id").label("i"))).order_by(t.c("id"));
            let row = labelled.first(on.db).unwrap().unwrap();
            // A label does not hide which column a cell was read from.
            let of = |key: &str| {
                let wanted = t.def().column(key).unwrap().id();
                let is_it = |c: &ColumnInfo| c.origin().is_some_and(|from| from.column == wanted);
                row.values()[row.columns().iter().position(is_it).unwrap()].clone()
            };
            on.is((of("id"), of("data")), (Value::Int(1), Value::from("d1")));
        }

        fn row_with_dupe_names(on) {
            let t = plain(on);
            let twice = select((t.c("data"), t.c("data").label("data"))).order_by(t.c("id"));
            let row = twice.first(on.db).unwrap().unwrap();
            on.is(row.columns().iter().map(|column| column.name()).collect::<Vec<_>>(), ["data", "data"]);
            on.is((row.get::<&str>(0).unwrap(), row.get::<&str>(1).unwrap()), ("d1", "d1"));
            on.fails(row.get::<&str>("data").map(str::to_string), ErrorKind::AmbiguousColumn);
        }
    }

    NameDenormalizeTest {
        fn cols_driver_cols(on) {
            let t = on.table("denormalize_table", CASES.map(|name| column(name, Integer)));
            insert(&t).rows(CASES, [[1, 5, 6, 7, 8, 9]]).run(on.db).unwrap();
            let sql = "SELECT * FROM denormalize_table";
            let rows = [
                on.db.query_text(sql, ()).unwrap(),
                text(sql).all(on.db).unwrap(),
                select(&t).all(on.db).unwrap(),
                text(sql).columns(CASES.map(|name| column(name, Integer))).unwrap().all(on.db).unwrap(),
            ];
            for rows in rows {
                let row = rows.one().unwrap();
                on.is(row.columns().iter().map(|column| column.name()).collect::<Vec<_>>(), CASES);
                on.is(CASES.map(|name| row.get::<i64>(name).unwrap()), [1, 5, 6, 7, 8, 9]);
                on.fails(row.get::<i64>("mixedcase"), ErrorKind::NoSuchColumn);
            }
        }
    }

    PercentSchemaNamesTest {
        fn single_roundtrip(on) {
            let t = percent(on);
            for (key, other) in [(5, 12), (7, 11), (9, 10), (11, 9)] {
                insert(&t).values([(PERCENT[0], key), (PERCENT[1], other)]).run(on.db).unwrap();
            }
            percent_rows(on, &t);
        }

        fn executemany_roundtrip(on) {
            let t = percent(on);
            insert(&t).values([(PERCENT[0], 5), (PERCENT[1], 12)]).run(on.db).unwrap();
            on.is(insert(&t).rows(PERCENT, [(7, 11), (9, 10), (11, 9)]).run(on.db).unwrap().rows(), 3);
            percent_rows(on, &t);
        }

        fn executemany_returning_roundtrip(on) needs [Returning] {
            let t = percent(on);
            insert(&t).values([(PERCENT[0], 5), (PERCENT[1], 12)]).run(on.db).unwrap();
            let rows = insert(&t).rows(PERCENT, [(7, 11), (9, 10), (11, 9)]);
            on.is(lines(&rows.returning(&t).all(on.db).unwrap()), ["7,11", "9,10", "11,9"]);
            percent_rows(on, &t);
        }
    }

    ServerSideCursorsTest {
        fn ss_cursor_status(on) {
            use ErrorKind::{Conversion, Database};
            let t = many(on, 3000);
            let all = select(t.c("n")).order_by(t.c("n"));
            on.is(until(on, &all, 10), 10);
            on.is(until(on, &all, 3000), 3000);
            on.is(until(on, &select(Expr::from(1)), 1), 1);
            // The database fails at a row in the middle: those before it are there already.
            let (fails, kind) = match on.dialect() {
                "sqlite" => ("abs(CASE WHEN n = 2000 THEN -9223372036854775807 - 1 ELSE n END)", Database),
                _ => ("n * CASE WHEN n = 2000 THEN 9223372036854775807 ELSE 1 END", Conversion),
            };
            let mut seen = 0;
            let failed = select(raw(fails)).from(&t).stream(on.db, |rows| {
                for row in rows {
                    row?;
                    seen += 1;
                }
                Ok(())
            });
            on.fails(failed, kind);
            on.holds(seen > 0 && seen < 2000);
            on.is(select(&t).count(on.db).unwrap(), 3000);
        }

        fn conn_option(on) {
            let t = many(on, 2000);
            let conn = on.db.connect().unwrap();
            let all = select(t.c("n")).order_by(t.c("n"));
            // Other statements of the connection run while its rows are read.
            let ends = all.stream(&conn, |rows| {
                let first: i64 = rows.next().unwrap()?.get(0)?;
                let count = select(&t).count(&conn)?;
                Ok((first, count, rows.count()))
            });
            on.is(ends.unwrap(), (1, 2000, 1999));
        }

        fn stmt_enabled_conn_option_disabled(on) {
            let t = many(on, 2000);
            let conn = on.db.connect().unwrap();
            let rows = select(t.c("n")).order_by(t.c("n")).all(&conn).unwrap();
            delete(&t).all_rows().run(&conn).unwrap();
            drop(conn);
            on.is((rows.len(), rows.get(1999).unwrap().get::<i64>(0).unwrap()), (2000, 2000));
        }

        fn aliases_and_ss(on) {
            let t = many(on, 1500);
            let sub = select((t.c("n").label("x"), t.c("data"))).subquery("sub").unwrap();
            on.is(until(on, &select(sub.c("x")).order_by(sub.c("x")), 7), 7);
            on.is(select(sub.c("x")).all(on.db).unwrap().len(), 1500);
            on.is(select(Expr::from(1)).from(&sub).stream(on.db, |rows| Ok(rows.count())).unwrap(), 1500);
        }

        fn roundtrip_fetchall(on) {
            let t = many(on, 2);
            let all = select(&t).order_by(t.c("n"));
            let streamed = || all.stream(on.db, data_of).unwrap();
            on.is(streamed(), ["data1", "data2"]);
            let raised = update(&t).set(values! { "data" => func::upper(t.c("data")) }).filter(t.c("n").eq(2));
            raised.run(on.db).unwrap();
            on.is(streamed(), ["data1", "DATA2"]);
            delete(&t).all_rows().run(on.db).unwrap();
            on.is(streamed(), [] as [&str; 0]);
        }

        fn roundtrip_fetchmany(on) {
            let t = many(on, 1999);
            let sizes = select(t.c("n")).order_by(t.c("n")).stream(on.db, |rows| {
                let mut take = |size| rows.by_ref().take(size).map(|row| row?.get(0)).collect::<Result<Vec<i64>>>();
                Ok([take(5)?, take(1000)?, take(usize::MAX)?])
            });
            let [first, second, rest] = sizes.unwrap();
            on.is(first, (1..=5).collect::<Vec<i64>>());
            on.is(second, (6..=1005).collect::<Vec<i64>>());
            on.is(rest, (1006..=1999).collect::<Vec<i64>>());
        }
    }
}
