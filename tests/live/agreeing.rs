//! Expressions made by chance: every database gives what they mean, which is worked out here without one.
//!
//! A missing parenthesis, an operator that binds otherwise, a NULL that is taken for a value: each shows as another
//! result. What databases disagree about is in `docs/differences.md` and is not made here.

use mirrorm::prelude::*;
use proptest::prelude::*;

use crate::support::backends;

/// A value of the language; NULL is none.
#[derive(Clone, Debug, PartialEq)]
enum V {
    Int(i64),
    Text(String),
    Bool(bool),
}

/// A whole number.
#[derive(Clone, Debug)]
enum Int {
    Column(bool),
    Value(Option<i64>),
    Add(Box<Int>, Box<Int>),
    Sub(Box<Int>, Box<Int>),
    Times(Box<Int>, i64),
    Over(Box<Int>, i64),
    Rest(Box<Int>, i64),
    Neg(Box<Int>),
    Length(Box<Word>),
    First(Box<Int>, Box<Int>),
    If(Box<Truth>, Box<Int>, Box<Int>),
    NullIf(Box<Int>, Box<Int>),
}

/// A text of small letters.
#[derive(Clone, Debug)]
enum Word {
    Column(bool),
    Value(String),
    Join(Box<Word>, Box<Word>),
    Upper(Box<Word>),
    If(Box<Truth>, Box<Word>, Box<Word>),
}

/// A condition.
#[derive(Clone, Debug)]
enum Truth {
    Compare(u8, Box<Int>, Box<Int>),
    Same(bool, Box<Int>, Box<Int>),
    Equal(Box<Word>, Box<Word>),
    Among(Box<Int>, Vec<i64>, bool),
    Between(Box<Int>, i64, i64),
    Null(Box<Int>),
    Has(Box<Word>, String),
    Matches(Box<Word>, char),
    And(Vec<Truth>),
    Or(Vec<Truth>),
    Not(Box<Truth>),
    Agree(Box<Truth>, Box<Truth>),
}

/// A row: two numbers and two texts.
#[derive(Clone, Debug)]
struct R(Option<i64>, Option<i64>, Option<String>, Option<String>);

impl Int {
    fn expr(&self, t: &Table) -> Expr {
        match self {
            Int::Column(first) => t.c(if *first { "a" } else { "b" }),
            Int::Value(value) => Expr::from(*value).typed(BigInteger),
            Int::Add(x, y) => x.expr(t).add(y.expr(t)),
            Int::Sub(x, y) => x.expr(t).sub(y.expr(t)),
            Int::Times(x, n) => x.expr(t).mul(*n),
            Int::Over(x, n) => x.expr(t).int_div(*n),
            Int::Rest(x, n) => x.expr(t).rem(*n),
            Int::Neg(x) => x.expr(t).neg(),
            Int::Length(word) => func::char_length(word.expr(t)),
            Int::First(x, y) => func::coalesce([x.expr(t), y.expr(t)]),
            Int::If(truth, x, y) => case().when(truth.expr(t), x.expr(t)).otherwise(y.expr(t)),
            Int::NullIf(x, y) => func::nullif(x.expr(t), y.expr(t)),
        }
    }

    fn value(&self, row: &R) -> Option<i64> {
        match self {
            Int::Column(first) => {
                if *first {
                    row.0
                } else {
                    row.1
                }
            }
            Int::Value(value) => *value,
            Int::Add(x, y) => Some(x.value(row)? + y.value(row)?),
            Int::Sub(x, y) => Some(x.value(row)? - y.value(row)?),
            Int::Times(x, n) => Some(x.value(row)? * n),
            Int::Over(x, n) => Some(x.value(row)? / n),
            Int::Rest(x, n) => Some(x.value(row)? % n),
            Int::Neg(x) => Some(-x.value(row)?),
            Int::Length(word) => word.value(row).map(|word| word.len() as i64),
            Int::First(x, y) => x.value(row).or_else(|| y.value(row)),
            Int::If(truth, x, y) => {
                if truth.value(row) == Some(true) {
                    x.value(row)
                } else {
                    y.value(row)
                }
            }
            Int::NullIf(x, y) => x.value(row).filter(|value| y.value(row) != Some(*value)),
        }
    }
}

impl Word {
    fn expr(&self, t: &Table) -> Expr {
        match self {
            Word::Column(first) => t.c(if *first { "s" } else { "w" }),
            Word::Value(text) => Expr::from(text.as_str()).typed(Text),
            Word::Join(x, y) => x.expr(t).concat(y.expr(t)),
            Word::Upper(x) => func::lower(func::upper(x.expr(t))),
            Word::If(truth, x, y) => case().when(truth.expr(t), x.expr(t)).otherwise(y.expr(t)),
        }
    }

    fn value(&self, row: &R) -> Option<String> {
        match self {
            Word::Column(first) => {
                if *first {
                    row.2.clone()
                } else {
                    row.3.clone()
                }
            }
            Word::Value(text) => Some(text.clone()),
            Word::Join(x, y) => Some(x.value(row)? + &y.value(row)?),
            Word::Upper(x) => x.value(row),
            Word::If(truth, x, y) => {
                if truth.value(row) == Some(true) {
                    x.value(row)
                } else {
                    y.value(row)
                }
            }
        }
    }
}

impl Truth {
    fn expr(&self, t: &Table) -> Expr {
        match self {
            Truth::Compare(how, x, y) => {
                let (x, y) = (x.expr(t), y.expr(t));
                match how {
                    0 => x.eq(y),
                    1 => x.ne(y),
                    2 => x.lt(y),
                    3 => x.le(y),
                    4 => x.gt(y),
                    _ => x.ge(y),
                }
            }
            Truth::Same(same, x, y) => {
                let (x, y) = (x.expr(t), y.expr(t));
                if *same { x.is(y) } else { x.is_not(y) }
            }
            Truth::Equal(x, y) => x.expr(t).eq(y.expr(t)),
            Truth::Among(x, list, inside) => {
                let (x, list) = (x.expr(t), list.clone());
                if *inside { x.in_(list) } else { x.not_in(list) }
            }
            Truth::Between(x, low, high) => x.expr(t).between(*low, *high),
            Truth::Null(x) => x.expr(t).is_null(),
            Truth::Has(x, part) => x.expr(t).icontains(part),
            Truth::Matches(x, letter) => x.expr(t).regexp(format!("^{letter}")),
            Truth::And(terms) => Expr::all(terms.iter().map(|term| term.expr(t))),
            Truth::Or(terms) => terms.iter().map(|term| term.expr(t)).reduce(|x, y| x | y).unwrap(),
            Truth::Not(x) => !x.expr(t),
            Truth::Agree(x, y) => x.expr(t).eq(y.expr(t)),
        }
    }

    fn value(&self, row: &R) -> Option<bool> {
        match self {
            Truth::Compare(how, x, y) => {
                let (x, y) = (x.value(row)?, y.value(row)?);
                Some(match how {
                    0 => x == y,
                    1 => x != y,
                    2 => x < y,
                    3 => x <= y,
                    4 => x > y,
                    _ => x >= y,
                })
            }
            Truth::Same(same, x, y) => Some((x.value(row) == y.value(row)) == *same),
            Truth::Equal(x, y) => Some(x.value(row)? == y.value(row)?),
            Truth::Among(_, list, inside) if list.is_empty() => Some(!inside),
            Truth::Among(x, list, inside) => x.value(row).map(|x| list.contains(&x) == *inside),
            Truth::Between(x, low, high) => x.value(row).map(|x| *low <= x && x <= *high),
            Truth::Null(x) => Some(x.value(row).is_none()),
            Truth::Has(x, part) => x.value(row).map(|x| x.contains(part.as_str())),
            Truth::Matches(x, letter) => x.value(row).map(|x| x.starts_with(*letter)),
            Truth::And(terms) => {
                let all: Vec<_> = terms.iter().map(|term| term.value(row)).collect();
                if all.contains(&Some(false)) {
                    Some(false)
                } else {
                    all.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
                }
            }
            Truth::Or(terms) => {
                let all: Vec<_> = terms.iter().map(|term| term.value(row)).collect();
                if all.contains(&Some(true)) {
                    Some(true)
                } else {
                    all.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
                }
            }
            Truth::Not(x) => x.value(row).map(|x| !x),
            Truth::Agree(x, y) => Some(x.value(row)? == y.value(row)?),
        }
    }
}

/// What is made of values and columns alone.
fn leaves() -> (BoxedStrategy<Int>, BoxedStrategy<Word>) {
    let int = prop_oneof![
        3 => any::<bool>().prop_map(Int::Column),
        2 => (-9i64..9).prop_map(|n| Int::Value(Some(n))),
        1 => Just(Int::Value(None)),
    ];
    let word = prop_oneof![any::<bool>().prop_map(Word::Column), "[a-c]{0,3}".prop_map(Word::Value)];
    (int.boxed(), word.boxed())
}

/// Numbers, texts and truths of this depth.
fn made(depth: u32) -> (BoxedStrategy<Int>, BoxedStrategy<Word>, BoxedStrategy<Truth>) {
    let (int, word) = leaves();
    let simple = (0u8..6, int.clone(), int.clone())
        .prop_map(|(how, x, y)| Truth::Compare(how, x.into(), y.into()))
        .boxed();
    if depth == 0 {
        return (int, word, simple);
    }
    let (i, w, t) = made(depth - 1);
    let pair = || (i.clone(), i.clone()).prop_map(|(x, y)| (Box::new(x), Box::new(y)));
    let words = || (w.clone(), w.clone()).prop_map(|(x, y)| (Box::new(x), Box::new(y)));
    let divisor = prop_oneof![Just(-3i64), Just(2), Just(5)];
    let ints = prop_oneof![
        2 => int,
        1 => pair().prop_map(|(x, y)| Int::Add(x, y)),
        2 => pair().prop_map(|(x, y)| Int::Sub(x, y)),
        1 => (i.clone(), -3i64..4).prop_map(|(x, n)| Int::Times(x.into(), n)),
        1 => (i.clone(), divisor.clone()).prop_map(|(x, n)| Int::Over(x.into(), n)),
        1 => (i.clone(), divisor).prop_map(|(x, n)| Int::Rest(x.into(), n)),
        1 => i.clone().prop_map(|x| Int::Neg(x.into())),
        1 => w.clone().prop_map(|word| Int::Length(word.into())),
        1 => pair().prop_map(|(x, y)| Int::First(x, y)),
        1 => (t.clone(), pair()).prop_map(|(truth, (x, y))| Int::If(truth.into(), x, y)),
        1 => pair().prop_map(|(x, y)| Int::NullIf(x, y)),
    ];
    let texts = prop_oneof![
        2 => word,
        1 => words().prop_map(|(x, y)| Word::Join(x, y)),
        1 => w.clone().prop_map(|x| Word::Upper(x.into())),
        1 => (t.clone(), words()).prop_map(|(truth, (x, y))| Word::If(truth.into(), x, y)),
    ];
    let some = || proptest::collection::vec(t.clone(), 1..4);
    let truths = prop_oneof![
        simple,
        (0u8..6, pair()).prop_map(|(how, (x, y))| Truth::Compare(how, x, y)),
        (any::<bool>(), pair()).prop_map(|(same, (x, y))| Truth::Same(same, x, y)),
        words().prop_map(|(x, y)| Truth::Equal(x, y)),
        (i.clone(), proptest::collection::vec(-5i64..6, 0..4), any::<bool>())
            .prop_map(|(x, list, inside)| Truth::Among(x.into(), list, inside)),
        (i.clone(), -5i64..3, -2i64..6).prop_map(|(x, low, high)| Truth::Between(x.into(), low, high)),
        i.clone().prop_map(|x| Truth::Null(x.into())),
        (w.clone(), "[a-c]{1,2}").prop_map(|(x, part)| Truth::Has(x.into(), part)),
        (w.clone(), proptest::char::range('a', 'c')).prop_map(|(x, letter)| Truth::Matches(x.into(), letter)),
        some().prop_map(Truth::And),
        some().prop_map(Truth::Or),
        t.clone().prop_map(|x| Truth::Not(x.into())),
        (t.clone(), t.clone()).prop_map(|(x, y)| Truth::Agree(x.into(), y.into())),
    ];
    (ints.boxed(), texts.boxed(), truths.boxed())
}

fn rows() -> Vec<R> {
    let word = |word: &str| Some(word.to_string());
    vec![
        R(Some(0), Some(3), word("a"), word("")),
        R(Some(-7), None, word("abc"), None),
        R(None, Some(5), None, word("b")),
        R(Some(2), Some(2), word("b"), word("b")),
        R(None, None, None, None),
    ]
}

/// What was asked for of a row, in the order of asking.
fn read(row: &mirrorm::rows::Row) -> Vec<Option<V>> {
    let number = row.get::<Option<i64>>(0).unwrap().map(V::Int);
    let text = row.get::<Option<String>>(1).unwrap().map(V::Text);
    let truth = row.get::<Option<bool>>(2).unwrap().map(V::Bool);
    vec![number, text, truth]
}

#[test]
fn expressions_mean_the_same_everywhere() {
    let backends = backends();
    let all: Vec<(Db, Table)> = backends
        .iter()
        .map(|backend| {
            let db = backend.open();
            let parts = (
                column("id", Integer).primary_key(),
                column("a", BigInteger),
                column("b", BigInteger),
                column("s", Varchar(20)),
                column("w", Varchar(20)),
            );
            let table = db.table("things", parts).unwrap();
            db.create_all().unwrap();
            let values = rows().into_iter().map(|R(a, b, s, w)| (a, b, s, w));
            insert(&table).rows(["a", "b", "s", "w"], values).run(&db).unwrap();
            (db, table)
        })
        .collect();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((int, word, truth) in made(3))| {
        for (db, t) in &all {
            let asked = select((int.expr(t), word.expr(t), truth.expr(t))).from(t).order_by(t.c("id"));
            let found = asked.all(db);
            prop_assert!(found.is_ok(), "{:?}", found);
            let kept: Vec<i64> = select(t.c("id")).filter(truth.expr(t)).order_by(t.c("id")).scalars(db).unwrap();
            for (at, (row, given)) in found.unwrap().iter().zip(rows()).enumerate() {
                let expected = vec![int.value(&given).map(V::Int), word.value(&given).map(V::Text), truth.value(&given).map(V::Bool)];
                prop_assert_eq!(read(&row), expected, "row {} on {:?}", at + 1, db);
                prop_assert_eq!(kept.contains(&(at as i64 + 1)), truth.value(&given) == Some(true), "filtered on {:?}", db);
            }
        }
    });
}
