//! test_types.py: numbers of all sorts, quotients, intervals. (Its texts are in `types`.)

use mirrorm::prelude::*;
use mirrorm::types::{Class, CustomType};
use mirrorm::value::{DateTime as At, Decimal, FromValue, Interval as Span};

use super::types::literals;
use super::{On, methods};

/// Binary numbers that come as decimals of so many digits.
struct Rounded(Type, usize);

impl CustomType for Rounded {
    fn name(&self) -> &str {
        "rounded"
    }

    fn base(&self) -> Type {
        self.0.clone()
    }

    fn result(&self, value: Value) -> Result<Value> {
        let number = Option::<f64>::from_value(value)?;
        number.map(|number| format!("{number:.0$}", self.1).parse::<Decimal>()).transpose().map(Value::from)
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

/// A number, whatever variant it came in.
fn number(value: &Value) -> f64 {
    match value {
        Value::Decimal(number) => number.to_f64(),
        other => f64::from_value(other.clone()).unwrap(),
    }
}

/// A number to so many digits behind the point.
fn rounded(value: &Value, digits: usize) -> String {
    format!("{:.digits$}", number(value))
}

/// Writes numbers into a column of the type, and reads what came of them; and reckons with the column.
fn kept(on: &On<'_>, ty: Type, given: &[Value]) -> Vec<Value> {
    let name = format!("t{}", on.db.tables().len());
    let table = on.table(&name, (column("id", Integer).primary_key(), column("x", ty.clone())));
    insert(&table).rows(["x"], given.iter().map(|value| [value])).run(on.db).unwrap();
    let x = table.c("x");
    let read = select(&x).order_by(table.c("id")).scalars(on.db).unwrap();
    delete(&table).all_rows().run(on.db).unwrap();
    let (first, second) = match ty.class() {
        Class::Decimal => (decimal("2.9"), decimal("37.12")),
        _ => (Value::Float(2.9), Value::Float(37.12)),
    };
    insert(&table).values(values! { "x" => first }).run(on.db).unwrap();
    let sum: Value = select(x.add(second).typed(ty)).scalar(on.db).unwrap();
    on.is(rounded(&sum, 3), "40.020");
    read
}

/// Every number that came is a decimal, and the one that was expected, to whatever scale.
fn are_decimals(on: &On<'_>, came: &[Value], expected: &[&str]) {
    on.is(came.len(), expected.len());
    for (came, expected) in came.iter().zip(expected) {
        let came = Decimal::from_value(came.clone()).unwrap();
        on.holds(came.compare(&expected.parse().unwrap()).is_eq());
    }
}

/// Decimals come back from a column as they were, to whatever scale.
fn decimals_are_kept(on: &On<'_>, ty: Type, numbers: &[&str]) {
    let given: Vec<Value> = numbers.iter().map(|text| decimal(text)).collect();
    are_decimals(on, &kept(on, ty, &given), numbers);
}

/// A number as a binary one and as a decimal.
fn both(text: &str) -> [Value; 2] {
    [Value::Float(text.parse().unwrap()), decimal(text)]
}

/// A number that stands in the text of a statement.
fn literal(text: &str, ty: Type) -> Expr {
    raw(text).typed(ty)
}

fn value_of(on: &On<'_>, expr: Expr) -> Value {
    select(expr).scalar(on.db).unwrap()
}

/// Around the borders of 32 bits, and beyond what a double holds.
const INTEGERS: [i64; 13] = [
    (1 << 31) + 1,
    1 << 31,
    (1 << 31) - 1,
    (1 << 31) - 2,
    -(1 << 31) - 1,
    -(1 << 31),
    -(1 << 31) + 1,
    0,
    1_376_537_018_368_127,
    -1_376_537_018_368_127,
    9_007_199_254_740_993,
    i64::MAX,
    i64::MIN,
];

/// Spans of a day and of many.
const SPANS: [&str; 2] = ["P1DT4S", "P103DT4S"];

fn span(text: &str) -> Span {
    text.parse().unwrap()
}

fn at(text: &str) -> At {
    text.parse().unwrap()
}

const MOMENT: &str = "2024-03-05 10:20:30";

/// What is a span before the moment and after it, for each span.
const AROUND: [[&str; 2]; 2] =
    [["2024-03-04 10:20:26", "2024-03-06 10:20:34"], ["2023-11-23 10:20:26", "2024-06-16 10:20:34"]];

fn spans(on: &On<'_>) -> Table {
    on.table("spans", (column("id", Integer).primary_key(), column("span", Interval), column("at", DateTime)))
}

methods! {
    IntegerTest {
        fn literal(on) {
            on.is(literals(on, Integer, &[5.into(), (-5).into()], true), [Value::Int(5), Value::Int(-5)]);
        }

        fn huge_int_auto_accommodation(on) {
            for number in INTEGERS {
                let found = select(Expr::from(number)).filter(Expr::from(number).eq(number));
                on.is(found.scalar::<i64>(on.db).unwrap(), number);
            }
        }

        fn huge_int(on) {
            let table = on.table("integers", (column("id", Integer).primary_key(), column("n", BigInteger)));
            insert(&table).rows(["n"], INTEGERS.map(|number| [number])).run(on.db).unwrap();
            let found = select(table.c("n")).order_by(table.c("id"));
            on.is(found.scalars::<i64>(on.db).unwrap(), INTEGERS);
            insert(&table).values(values! { "n" => i64::MIN }).run(on.db).unwrap();
            on.is(select(&table).filter(table.c("n").eq(i64::MIN)).count(on.db).unwrap(), 2);
        }
    }

    TrueDivTest {
        fn truediv_integer(on) {
            on.is(value_of(on, literal("15", Integer).div(literal("10", Integer))), Value::Float(1.5));
            on.is(value_of(on, literal("-15", Integer).div(literal("10", Integer))), Value::Float(-1.5));
        }

        fn floordiv_integer(on) {
            on.is(value_of(on, literal("15", Integer).int_div(literal("10", Integer))), Value::Int(1));
            on.is(value_of(on, literal("-15", Integer).int_div(literal("5", Integer))), Value::Int(-3));
            on.is(value_of(on, literal("-15", Integer).int_div(literal("10", Integer))), Value::Int(-1));
        }

        fn truediv_numeric(on) {
            let quotient = literal("5.52", Numeric(10, 2)).div(literal("2.4", Numeric(10, 2)));
            on.is(number(&value_of(on, quotient)), 2.3);
        }

        fn truediv_float(on) {
            on.is(value_of(on, literal("5.52", Double).div(literal("2.4", Double))), Value::Float(2.3));
        }

        fn floordiv_numeric(on) {
            let whole = literal("5.52", Numeric(10, 2)).int_div(literal("2.4", Numeric(10, 2)));
            on.is(value_of(on, whole), Value::Int(2));
        }

        fn truediv_integer_bound(on) {
            on.is(value_of(on, Expr::from(15).div(10)), Value::Float(1.5));
            on.is(value_of(on, Expr::from(-15).div(10)), Value::Float(-1.5));
        }

        fn floordiv_integer_bound(on) {
            on.is(value_of(on, Expr::from(15).int_div(10)), Value::Int(1));
            on.is(value_of(on, Expr::from(-15).int_div(10)), Value::Int(-1));
        }
    }

    NumericTest {
        fn render_literal_numeric(on) {
            are_decimals(on, &literals(on, Numeric(8, 4), &both("15.7563"), true), &["15.7563"; 2]);
        }

        fn render_literal_numeric_asfloat(on) {
            let came = literals(on, Numeric(8, 4), &both("15.7563"), true);
            on.is(came.into_iter().map(|x| f64::from_value(x).unwrap()).collect::<Vec<_>>(), [15.7563; 2]);
        }

        fn render_literal_float(on) {
            let came = literals(on, Float, &both("15.7563"), false);
            on.is(came.iter().map(|x| rounded(x, 4)).collect::<Vec<_>>(), ["15.7563"; 2]);
            on.is(literals(on, Double, &both("15.7563"), true), [Value::Float(15.7563), Value::Float(15.7563)]);
        }

        fn float_custom_scale(on) {
            let came = kept(on, Type::custom(Rounded(Double, 7)), &both("15.7563827"));
            on.is(came, [decimal("15.7563827"), decimal("15.7563827")]);
        }

        fn numeric_as_decimal(on) {
            are_decimals(on, &kept(on, Numeric(8, 4), &both("15.7563")), &["15.7563"; 2]);
        }

        fn numeric_as_float(on) {
            let came = kept(on, Numeric(8, 4), &both("15.7563"));
            on.is(came.into_iter().map(|x| f64::from_value(x).unwrap()).collect::<Vec<_>>(), [15.7563; 2]);
        }

        // MySQL has none: they are refused, rather than stored as something else.
        fn infinity_floats(on) {
            let both = [Value::Float(f64::INFINITY), Value::Float(f64::NEG_INFINITY)];
            if on.dialect() == "mysql" {
                let table = on.table("t", column("x", Double));
                for infinite in both {
                    on.fails(insert(&table).values(values! { "x" => infinite }).run(on.db), ErrorKind::Conversion);
                }
            } else {
                on.is(kept(on, Float, &both), both.clone());
                on.is(kept(on, Double, &both), both);
            }
        }

        fn numeric_null_as_decimal(on) {
            let came = kept(on, Numeric(8, 4), &[Value::Null]);
            on.is(Option::<Decimal>::from_value(came[0].clone()).unwrap(), None);
        }

        fn numeric_null_as_float(on) {
            let came = kept(on, Numeric(8, 4), &[Value::Null]);
            on.is(Option::<f64>::from_value(came[0].clone()).unwrap(), None);
        }

        fn float_as_decimal(on) {
            let given = [Value::Float(15.756), decimal("15.756"), Value::Null];
            let came = kept(on, Type::custom(Rounded(Float, 3)), &given);
            on.is(came, [decimal("15.756"), decimal("15.756"), Value::Null]);
        }

        fn float_as_float(on) {
            let came = kept(on, Float, &both("15.756"));
            on.holds(came.iter().all(|x| matches!(x, Value::Float(_))));
            on.is(came.iter().map(|x| rounded(x, 5)).collect::<Vec<_>>(), ["15.75600"; 2]);
        }

        fn float_coerce_round_trip(on) {
            on.is(value_of(on, 15.7563.into()), Value::Float(15.7563));
        }

        fn decimal_coerce_round_trip(on) {
            let came = value_of(on, Expr::from(decimal("15.7563")).typed(Numeric(10, 4)));
            are_decimals(on, &[came], &["15.7563"]);
        }

        fn decimal_coerce_round_trip_w_cast(on) {
            let came = value_of(on, Expr::from(decimal("15.7563")).cast(Numeric(10, 4)));
            are_decimals(on, &[came], &["15.7563"]);
        }

        fn precision_decimal(on) {
            decimals_are_kept(on, Numeric(18, 12), &["54.234246451650", "0.004354", "900.0"]);
        }

        fn enotation_decimal(on) {
            let numbers = [
                "1E-2", "1E-3", "1E-4", "1E-5", "1E-6", "1E-7", "1E-8", "0.01000005940696", "0.00000005940696",
                "0.00000000000696", "0.70000000000696", "696E-12",
            ];
            decimals_are_kept(on, Numeric(18, 14), &numbers);
        }

        fn enotation_decimal_large(on) {
            decimals_are_kept(on, Numeric(25, 2), &["4E+8", "5748E+15", "1.521E+15", "000000.1E+12"]);
        }

        fn many_significant_digits(on) needs [ExactDecimals] {
            let numbers = ["31943874831932418390.01", "319438950232418390.273596", "87673.594069654243"];
            decimals_are_kept(on, Numeric(38, 12), &numbers);
        }

        // The zeros behind the point are part of a decimal.
        fn numeric_no_decimal(on) needs [ExactDecimals] {
            on.is(kept(on, Numeric(5, 3), &[decimal("1.000")]), [decimal("1.000")]);
        }

        fn float_is_not_numeric(on) {
            let target = on.db.engine().unwrap().target().unwrap();
            let name = |ty: &Type| target.types().ddl(ty).unwrap();
            for ty in [Float, Double] {
                on.is(ty.class(), Class::Float);
                on.holds(name(&ty) != name(&Type::Numeric(None, None)));
                on.holds(matches!(kept(on, ty, &[1.5.into()])[0], Value::Float(1.5)));
            }
            on.is(kept(on, Numeric(4, 1), &[1.5.into()]), [decimal("1.5")]);
        }
    }

    IntervalTest {
        fn literal(on) {
            let both = SPANS.map(|text| Value::Interval(span(text)));
            on.is(literals(on, Interval, &both, true), both);
        }

        fn select_direct_literal_interval(on) {
            for text in SPANS {
                on.is(value_of(on, Expr::from(span(text)).typed(Interval)), Value::Interval(span(text)));
            }
        }

        fn arithmetic_operation_literal_interval(on) needs [Intervals] {
            let moment = Expr::from(at(MOMENT));
            for (text, [before, after]) in SPANS.into_iter().zip(AROUND) {
                on.is(value_of(on, moment.sub(span(text))), Value::DateTime(at(before)));
                on.is(value_of(on, moment.add(span(text))), Value::DateTime(at(after)));
            }
        }

        fn arithmetic_operation_table_interval_and_literal_interval(on) needs [Intervals] {
            let table = spans(on);
            insert(&table).values(values! { "span" => span("P2DT5S") }).run(on.db).unwrap();
            let column = table.c("span");
            for (text, difference, sum) in [(SPANS[0], "P1DT1S", "P3DT9S"), (SPANS[1], "P-101DT1S", "P105DT9S")] {
                on.is(value_of(on, column.sub(span(text))), Value::Interval(span(difference)));
                on.is(value_of(on, column.add(span(text))), Value::Interval(span(sum)));
            }
        }

        fn arithmetic_operation_table_date_and_literal_interval(on) needs [Intervals] {
            let table = spans(on);
            insert(&table).values(values! { "at" => at(MOMENT) }).run(on.db).unwrap();
            let column = table.c("at");
            for (text, [before, after]) in SPANS.into_iter().zip(AROUND) {
                on.is(value_of(on, column.sub(span(text))), Value::DateTime(at(before)));
                on.is(value_of(on, column.add(span(text))), Value::DateTime(at(after)));
            }
        }
    }
}
