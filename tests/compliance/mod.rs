//! What SQLAlchemy asks of every dialect (its `testing/suite`), asked of ours: classes and methods of its names, tests of
//! our own.
//!
//! Every method runs on every backend in an empty database. What a database cannot do is a [`Needs`] that the method
//! declares; a method that is skipped names it. `docs/compliance.md` is made of the results and compared: one that fails,
//! or is skipped otherwise than is written there, fails the test. `PROVE_SKIPS=1` runs what would be skipped, and expects
//! it to fail. `COMPLIANCE=words` runs the methods that have all of the words in `file class method`.

/// CTETest.
mod cte;
/// TableDDLTest, LongNameBlowoutTest.
mod ddl;
/// PingTest, ExceptionTest, IsolationLevelTest, AutocommitIsolationTest, EscapingTest,
/// WeCanSetDefaultSchemaWEventsTest, DifficultParametersTest, ReturningGuardsTest.
mod dialect;
mod elsewhere;
/// LastrowidTest, InsertBehaviorTest, ReturningTest.
mod insert;
/// RowFetchTest, NameDenormalizeTest, PercentSchemaNamesTest, ServerSideCursorsTest.
mod results;
/// RowCountTest.
mod rowcount;
/// CollateTest, OrderByLabelTest, ValuesExpressionTest, FetchLimitOffsetTest, SameNamedSchemaTableTest, JoinTest,
/// CompoundSelectTest, ComputedColumnTest, IdentityColumnTest, IdentityAutoincrementTest, ExistsTest, DistinctOnTest,
/// IsOrIsNotDistinctFromTest, WindowFunctionTest, BitwiseTest.
mod select;
/// PostCompileParamsTest, ExpandingBoundInTest, LikeFunctionsTest.
mod select_in;
/// SequenceTest, SequenceCompilerTest, HasSequenceTest, HasSequenceTestEmpty.
mod sequence;
/// TableViaSelectTest.
mod table_via_select;
/// UnicodeVarcharTest, UnicodeTextTest, ArrayTest, BinaryTest, TextTest, StringTest, CastTypeDecoratorTest, BooleanTest,
/// EnumTest, UuidTest.
mod types;
/// JSONTest, JSONLegacyStringCastIndexTest.
mod types_json;
/// IntegerTest, TrueDivTest, NumericTest, IntervalTest.
mod types_numbers;
/// DateTest, DateTimeTest, TimeTest and their like.
mod types_time;
/// UnicodeSchemaTest.
mod unicode_ddl;
/// SimpleUpdateDeleteTest.
mod update_delete;

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use mirrorm::dialect::Returning;
use mirrorm::prelude::*;

use crate::support::{Backend, backends, dialect};

/// The files of the suite.
const FILES: &[(&str, &[Method])] = &[
    ("cte", cte::METHODS),
    ("ddl", ddl::METHODS),
    ("dialect", dialect::METHODS),
    ("insert", insert::METHODS),
    ("results", results::METHODS),
    ("rowcount", rowcount::METHODS),
    ("select", select::METHODS),
    ("select_in", select_in::METHODS),
    ("sequence", sequence::METHODS),
    ("table_via_select", table_via_select::METHODS),
    ("types", types::METHODS),
    ("types_json", types_json::METHODS),
    ("types_numbers", types_numbers::METHODS),
    ("types_time", types_time::METHODS),
    ("unicode_ddl", unicode_ddl::METHODS),
    ("update_delete", update_delete::METHODS),
];

/// How many methods the suite has that is followed.
const ALL: usize = 465;

/// One method: its class, its name, what the database has to be able to do.
pub(crate) struct Method {
    class: &'static str,
    name: &'static str,
    needs: &'static [Needs],
    run: fn(&On<'_>),
}

/// What a database may be unable to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// INSERT and DELETE .. RETURNING.
    Returning,
    /// UPDATE .. RETURNING.
    UpdateReturning,
    /// Arrays.
    Arrays,
    /// Intervals that the database reckons with.
    Intervals,
    /// Times and instants that keep their offset.
    TimeZones,
    /// Identity columns.
    Identity,
    /// Sequences.
    Sequences,
    /// Comments.
    Comments,
    /// Decimals of any length, kept exactly.
    ExactDecimals,
    /// A default schema that a connection chooses.
    DefaultSchema,
    /// CREATE INDEX IF NOT EXISTS.
    IndexIfNotExists,
    /// Views whose rows are stored.
    MaterializedViews,
}

impl Needs {
    fn are_met_by(self, db: &Db) -> bool {
        let target = db.engine().unwrap().target().unwrap();
        let features = target.features();
        let (name, maria) = (dialect(db), features.version.contains("MariaDB"));
        let postgres = name == "postgresql";
        match self {
            Needs::Returning => features.returning != Returning::None,
            Needs::UpdateReturning => features.returning == Returning::All,
            Needs::Sequences => postgres || maria,
            Needs::Comments | Needs::ExactDecimals | Needs::DefaultSchema => name != "sqlite",
            Needs::IndexIfNotExists => name != "mysql" || maria,
            Needs::Arrays
            | Needs::Intervals
            | Needs::TimeZones
            | Needs::Identity
            | Needs::MaterializedViews => postgres,
        }
    }
}

/// Where a method runs.
pub(crate) struct On<'d> {
    pub(crate) db: &'d Db,
    cases: AtomicUsize,
}

#[allow(dead_code)]
impl On<'_> {
    /// A case: what came has to be what was expected.
    #[track_caller]
    pub(crate) fn is<A: PartialEq<B> + Debug, B: Debug>(&self, came: A, expected: B) {
        assert_eq!(came, expected);
        self.cases.fetch_add(1, Ordering::Relaxed);
    }

    /// A case: this has to hold.
    #[track_caller]
    pub(crate) fn holds(&self, holds: bool) {
        assert!(holds);
        self.cases.fetch_add(1, Ordering::Relaxed);
    }

    /// A case: this has to fail so.
    #[track_caller]
    pub(crate) fn fails<T: Debug>(&self, result: Result<T>, kind: ErrorKind) {
        assert_eq!(result.unwrap_err().kind(), kind);
        self.cases.fetch_add(1, Ordering::Relaxed);
    }

    /// A table that is made.
    #[track_caller]
    pub(crate) fn table(&self, name: &str, parts: impl mirrorm::schema::TableParts) -> Table {
        let table = self.db.table(name, parts).unwrap();
        self.db.create_all().unwrap();
        table
    }

    /// The first column of every row, as text; NULL is `-`.
    #[track_caller]
    pub(crate) fn texts(&self, select: &mirrorm::stmt::Select) -> Vec<String> {
        let rows = select.all(self.db).unwrap();
        rows.iter().map(|row| shown(&row.value(0).unwrap().to_value())).collect()
    }

    /// Every row as text, its values with commas between; NULL is `-`.
    #[track_caller]
    pub(crate) fn rows(&self, select: &mirrorm::stmt::Select) -> Vec<String> {
        lines(&select.all(self.db).unwrap())
    }

    /// The dialect's name.
    pub(crate) fn dialect(&self) -> &'static str {
        dialect(self.db)
    }
}

/// Every row as text, its values with commas between; NULL is `-`.
pub(crate) fn lines(rows: &Rows) -> Vec<String> {
    let line = |row: Row| row.values().iter().map(shown).collect::<Vec<_>>().join(",");
    rows.iter().map(line).collect()
}

fn shown(value: &Value) -> String {
    if value.is_null() { "-".to_string() } else { value.to_string() }
}

/// The methods of a file: `methods! { Class { fn name(on) { .. } fn other(on) needs [Arrays] { .. } } }`.
macro_rules! methods {
    ($($class:ident { $(fn $name:ident($on:ident) $(needs [$($need:ident),+])? $body:block)* })*) => {
        pub(super) const METHODS: &[super::Method] = &[$($(
            super::Method {
                class: stringify!($class),
                name: stringify!($name),
                needs: &[$($(super::Needs::$need),+)?],
                run: {
                    fn $name($on: &super::On<'_>) $body
                    $name
                },
            },
        )*)*];
    };
}
use methods;

/// What came of a method on a database.
enum Outcome {
    Passed(usize),
    Skipped(Needs),
    Failed(String),
}

/// Runs a method in an empty database.
fn run(method: &Method, backend: &Backend, prove: bool) -> Outcome {
    let db = backend.open();
    let lacks = method.needs.iter().find(|need| !need.are_met_by(&db)).copied();
    if let (Some(need), false) = (lacks, prove) {
        return Outcome::Skipped(need);
    }
    let on = On { db: &db, cases: AtomicUsize::new(0) };
    let done = catch_unwind(AssertUnwindSafe(|| (method.run)(&on)));
    db.engine().unwrap().dispose();
    let cases = on.cases.load(Ordering::Relaxed);
    match (done, lacks) {
        (Ok(()), Some(need)) => {
            Outcome::Failed(format!("it passes without {need:?}: nothing is to be skipped"))
        }
        (Err(_), Some(need)) => Outcome::Skipped(need),
        (Ok(()), None) if cases == 0 => Outcome::Failed("it has no case".to_string()),
        (Ok(()), None) => Outcome::Passed(cases),
        (Err(why), None) => Outcome::Failed(words_of(&*why)),
    }
}

fn words_of(why: &(dyn std::any::Any + Send)) -> String {
    let text = why.downcast_ref::<String>().cloned();
    text.or_else(|| why.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default()
}

type Results = BTreeMap<(usize, usize), Vec<String>>;

/// The document of what came of each method on each backend.
fn document(names: &[String], results: &Results) -> String {
    let passed =
        results.values().filter(|cells| cells.iter().any(|cell| cell.parse::<usize>().is_ok())).count();
    let mut text = format!("{passed} of {ALL} methods pass on at least one server\n");
    text.push_str(HEAD);
    for (at, (file, methods)) in FILES.iter().enumerate() {
        let _ = write!(text, "\n## {file}\n\n| class | method | {} |\n", names.join(" | "));
        let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
        for (place, method) in methods.iter().enumerate() {
            let cells = results.get(&(at, place)).map(|cells| cells.join(" | ")).unwrap_or_default();
            let _ = writeln!(text, "| {} | {} | {cells} |", method.class, method.name);
        }
    }
    text
}

const HEAD: &str = "
Written by the test suite (`tests/compliance`). The methods are named after those of SQLAlchemy's suite for dialects, 465 in all;
the tests are our own. A number says how many cases of a method passed; a word, which ability the database lacks that the method
needs. `PROVE_SKIPS=1` runs what is skipped, and expects it to fail.
";

#[test]
fn the_suite() {
    let (prove, only) =
        (std::env::var_os("PROVE_SKIPS").is_some(), std::env::var("COMPLIANCE").unwrap_or_default());
    let wanted = |file: &str, method: &Method| {
        let name = format!("{file} {} {}", method.class, method.name);
        only.split_whitespace().all(|word| name.contains(word))
    };
    let all = backends();
    let mut names: Vec<String> = Vec::new();
    let (mut results, mut failed) = (Results::new(), Vec::new());
    let columns: Vec<Vec<((usize, usize), Outcome)>> = std::thread::scope(|scope| {
        let started: Vec<_> = all
            .iter()
            .map(|backend| {
                scope.spawn(|| {
                    let mut column = Vec::new();
                    for (at, (file, methods)) in FILES.iter().enumerate() {
                        let chosen = methods.iter().enumerate().filter(|(_, method)| wanted(file, method));
                        column
                            .extend(chosen.map(|(place, method)| ((at, place), run(method, backend, prove))));
                    }
                    column
                })
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (backend, column) in all.iter().zip(columns) {
        names.push(backend.name().to_string());
        for ((at, place), outcome) in column {
            let cell = match outcome {
                Outcome::Passed(cases) => cases.to_string(),
                Outcome::Skipped(need) => format!("{need:?}"),
                Outcome::Failed(why) => {
                    let method = &FILES[at].1[place];
                    failed.push(format!("{} {} on {}: {why}", method.class, method.name, backend.name()));
                    "FAILED".to_string()
                }
            };
            results.entry((at, place)).or_default().push(cell);
        }
    }
    assert!(failed.is_empty(), "{} methods failed:\n{}", failed.len(), failed.join("\n"));
    if only.is_empty() && !prove && all.len() == 5 {
        compare(&document(&names, &results));
    }
}

fn compare(document: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compliance.md");
    if std::env::var_os("BLESS_DOCUMENTS").is_some() {
        std::fs::write(path, document).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let first = written.lines().zip(document.lines()).find(|(before, now)| before != now);
    assert!(written == document, "docs/compliance.md is not what came (./test --bless): {first:?}");
}
