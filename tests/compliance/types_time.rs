//! test_types.py: dates, times, instants. (Its texts are in `types`.)

use mirrorm::compile::Compile;
use mirrorm::prelude::*;
use mirrorm::types::{Class, CustomType};
use mirrorm::value::Other;

use super::types::literals;
use super::{On, methods};

/// A type of the program's own that changes nothing.
struct Same(Type);

impl CustomType for Same {
    fn name(&self) -> &str {
        "the same"
    }

    fn base(&self) -> Type {
        self.0.clone()
    }
}

fn date(text: &str) -> Value {
    Value::Date(text.parse().unwrap())
}

fn time(text: &str) -> Value {
    Value::Time(text.parse().unwrap())
}

fn at(text: &str) -> Value {
    Value::DateTime(text.parse().unwrap())
}

fn instant(text: &str) -> Value {
    Value::Timestamp(text.parse().unwrap())
}

/// Times of day with an offset, which PostgreSQL alone has: they are kept as its words.
fn zoned_time() -> (Type, Value) {
    (Type::Other("time with time zone".into()), Value::from(Other::text("timetz", "08:30:05+00")))
}

/// What is of time, with a value of each.
fn kinds(on: &On<'_>) -> Vec<(Type, Value)> {
    let mut kinds = vec![
        (DateTime, at("2019-07-14 08:30:05")),
        (Timestamp, instant("2019-07-14 08:30:05+00:00")),
        (DateTime, at("2019-07-14 08:30:05.039642")),
        (Timestamp, instant("2019-07-14 08:30:05.000396+00:00")),
        (Time, time("08:30:05")),
        (Time, time("08:30:05.000396")),
        (Date, date("2019-07-14")),
        (DateTime, at("1848-03-18 11:52:35")),
        (Date, date("1727-04-01")),
    ];
    if on.dialect() == "postgresql" {
        kinds.push(zoned_time());
    }
    kinds
}

/// A table of a column of the type, and of one of a type of the program's own over it.
fn table_of(on: &On<'_>, ty: Type) -> Table {
    let name = format!("t{}", on.db.tables().len());
    let parts = (
        column("id", Integer).primary_key(),
        column("data", ty.clone()),
        column("own", Type::custom(Same(ty))),
    );
    on.table(&name, parts)
}

/// A value comes from the database as it was sent, without a table.
fn is_selected(on: &On<'_>, ty: Type, value: Value) {
    on.is(select(Expr::from(&value).typed(ty)).scalar::<Value>(on.db).unwrap(), value);
}

methods! {
    DateFixture {
        fn round_trip(on) {
            for (ty, value) in kinds(on) {
                let table = table_of(on, ty);
                insert(&table).values(values! { "data" => &value }).run(on.db).unwrap();
                on.is(select(table.c("data")).scalar::<Value>(on.db).unwrap(), value);
            }
        }

        fn round_trip_decorated(on) {
            for (ty, value) in kinds(on) {
                let table = table_of(on, ty);
                insert(&table).values(values! { "own" => &value }).run(on.db).unwrap();
                on.is(select(table.c("own")).scalar::<Value>(on.db).unwrap(), value);
            }
        }

        fn null(on) {
            for (ty, _) in kinds(on) {
                let table = table_of(on, ty);
                insert(&table).values(values! { "data" => Value::Null, "own" => Value::Null }).run(on.db).unwrap();
                on.is(on.rows(&select((table.c("data"), table.c("own")))), ["-,-"]);
            }
        }

        // An instant has no literal on MySQL that means the same in every session's time zone.
        fn literal(on) {
            for (ty, value) in kinds(on) {
                if on.dialect() == "mysql" && ty.class() == Class::Timestamp {
                    let one = insert(&table_of(on, ty)).values(values! { "data" => &value });
                    on.fails(one.to_sql(&on.db.engine().unwrap().target().unwrap()), ErrorKind::Conversion);
                } else {
                    on.is(literals(on, ty, std::slice::from_ref(&value), true), [value]);
                }
            }
        }

        // A NULL that is to be taken for a value of a type.
        fn null_bound_comparison(on) {
            for (ty, value) in kinds(on) {
                let table = table_of(on, ty.clone());
                insert(&table).values(values! { "data" => &value }).run(on.db).unwrap();
                let (data, given) = (table.c("data"), param("given").cast(ty));
                let chosen = case().when(given.is_not_null(), &given).otherwise(&data);
                let plan = select(table.c("id")).filter(chosen.eq(&data)).prepare(on.db).unwrap();
                on.is(plan.all(on.db, values! { "given" => Value::Null }).unwrap().scalars::<i64>().unwrap(), [1]);
                on.is(plan.all(on.db, values! { "given" => &value }).unwrap().scalars::<i64>().unwrap(), [1]);
            }
        }
    }

    DateTimeTest {
        fn select_direct(on) {
            is_selected(on, DateTime, at("2019-07-14 08:30:05"));
        }
    }

    DateTimeTZTest {
        // The moment is the same, whatever the offset it is said with.
        fn select_direct(on) needs [TimeZones] {
            let (here, there) = (instant("2019-07-14 08:30:05+00:00"), instant("2019-07-14 10:30:05+02:00"));
            is_selected(on, Timestamp, here.clone());
            on.is(select(Expr::from(&there).typed(Timestamp)).scalar::<Value>(on.db).unwrap(), here.clone());
            let same = Expr::from(there).typed(Timestamp).eq(here);
            on.holds(select(same).scalar::<bool>(on.db).unwrap());
        }
    }

    // The TIMESTAMP of SQLAlchemy has no offset.
    TimestampMicrosecondsTest {
        fn select_direct(on) {
            is_selected(on, DateTime, at("2019-07-14 08:30:05.000396"));
        }
    }

    TimeTest {
        fn select_direct(on) {
            is_selected(on, Time, time("08:30:05"));
        }
    }

    TimeTZTest {
        fn select_direct(on) needs [TimeZones] {
            let (ty, value) = zoned_time();
            on.is(select(Expr::from("08:30:05+00").cast(ty)).scalar::<Value>(on.db).unwrap(), value);
        }
    }

    TimeMicrosecondsTest {
        fn select_direct(on) {
            is_selected(on, Time, time("08:30:05.000396"));
        }
    }

    DateTest {
        fn select_direct(on) {
            is_selected(on, Date, date("2019-07-14"));
        }
    }

    // A date with its time is no date: it is refused, where SQLAlchemy leaves it to the driver to cut it.
    DateTimeCoercedToDateTimeTest {
        fn select_direct(on) {
            let value = at("2019-07-14 08:30:05");
            is_selected(on, DateTime, value.clone());
            let table = table_of(on, Date);
            on.fails(insert(&table).values(values! { "data" => &value }).run(on.db), ErrorKind::Conversion);
            on.is(select(&table).count(on.db).unwrap(), 0);
        }
    }

    DateTimeHistoricTest {
        fn select_direct(on) {
            is_selected(on, DateTime, at("1848-03-18 11:52:35"));
        }
    }

    DateHistoricTest {
        fn select_direct(on) {
            is_selected(on, Date, date("1727-04-01"));
        }
    }
}
