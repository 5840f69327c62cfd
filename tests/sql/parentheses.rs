//! What is printed reads back as the tree that it was, with no parenthesis too many: for expressions made by chance, read
//! by a parser of each database's SQL that is not ours.
//!
//! That nothing is missing where databases disagree is seen on the databases themselves (`live/agreeing.rs`).

use mirrorm::compile::Compile;
use mirrorm::prelude::*;
use mirrorm::schema::Metadata;
use proptest::prelude::*;
use sqlparser::ast::{
    Expr as Ast, Function, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, SelectItem, SetExpr,
    Statement, UnaryOperator,
};
use sqlparser::dialect::{Dialect as Syntax, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::constructs::databases;

/// An expression: of numbers, of texts or of truths.
#[derive(Clone, Debug)]
enum Tree {
    Column(&'static str),
    Neg(Box<Tree>),
    /// Not something that turns into its opposite.
    Not(Box<Tree>),
    Two(&'static str, Box<Tree>, Box<Tree>),
    Null(bool, Box<Tree>),
    Between(bool, Box<Tree>, Box<Tree>, Box<Tree>),
    Among(bool, Box<Tree>, Vec<Tree>),
    Like(bool, Box<Tree>, Box<Tree>),
    Case(Box<Tree>, Box<Tree>, Box<Tree>),
    Lower(Box<Tree>),
    Cast(Box<Tree>),
}

impl Tree {
    fn expr(&self, t: &Table) -> Expr {
        match self {
            Tree::Column(name) => t.c(name),
            Tree::Neg(x) => x.expr(t).neg(),
            Tree::Not(x) => !x.expr(t),
            Tree::Two(op, x, y) => {
                let (x, y) = (x.expr(t), y.expr(t));
                match *op {
                    "+" => x.add(y),
                    "-" => x.sub(y),
                    "*" => x.mul(y),
                    "%" => x.rem(y),
                    "/" => x.int_div(y),
                    "||" => x.concat(y),
                    "=" => x.eq(y),
                    "<>" => x.ne(y),
                    "<" => x.lt(y),
                    ">=" => x.ge(y),
                    "AND" => x & y,
                    _ => x | y,
                }
            }
            Tree::Null(yes, x) => {
                if *yes {
                    x.expr(t).is_null()
                } else {
                    x.expr(t).is_not_null()
                }
            }
            Tree::Between(yes, x, low, high) => {
                let between = x.expr(t).between(low.expr(t), high.expr(t));
                if *yes { between } else { !between }
            }
            Tree::Among(yes, x, list) => {
                let list: Vec<Expr> = list.iter().map(|item| item.expr(t)).collect();
                if *yes { x.expr(t).in_(list) } else { x.expr(t).not_in(list) }
            }
            Tree::Like(yes, x, pattern) => {
                let like = x.expr(t).like(pattern.expr(t));
                if *yes { like } else { !like }
            }
            Tree::Case(truth, x, y) => case().when(truth.expr(t), x.expr(t)).otherwise(y.expr(t)),
            Tree::Lower(x) => func::lower(x.expr(t)),
            Tree::Cast(x) => x.expr(t).cast(Integer),
        }
    }

    /// The tree in words: what groups its operands alike has them in one list.
    fn words(&self) -> String {
        match self {
            Tree::Column(name) => name.to_string(),
            Tree::Neg(x) => format!("(neg {})", x.words()),
            Tree::Not(x) => format!("(not {})", x.words()),
            Tree::Two(op, x, y) => two(op, x.words(), y.words()),
            Tree::Null(yes, x) => format!("(null {yes} {})", x.words()),
            Tree::Between(yes, x, low, high) => {
                format!("(between {yes} {} {} {})", x.words(), low.words(), high.words())
            }
            Tree::Among(yes, x, list) => {
                format!("(in {yes} {} {})", x.words(), all(list.iter().map(Tree::words)))
            }
            Tree::Like(yes, x, pattern) => format!("(like {yes} {} {})", x.words(), pattern.words()),
            Tree::Case(truth, x, y) => format!("(case {} {} {})", truth.words(), x.words(), y.words()),
            Tree::Lower(x) => format!("(lower {})", x.words()),
            Tree::Cast(x) => format!("(cast {})", x.words()),
        }
    }
}

fn all(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

/// AND and OR group either way.
fn two(op: &str, x: String, y: String) -> String {
    let inner = |side: String| match side.strip_prefix(&format!("({op} ")) {
        Some(rest) if ["AND", "OR"].contains(&op) => rest.strip_suffix(')').unwrap().to_string(),
        _ => side,
    };
    format!("({op} {} {})", inner(x), inner(y))
}

/// What a parser read, in the same words.
fn read(ast: &Ast) -> String {
    match ast {
        Ast::Nested(inner) => read(inner),
        Ast::CompoundIdentifier(parts) => parts.last().unwrap().value.clone(),
        Ast::UnaryOp { op: UnaryOperator::Not, expr } => format!("(not {})", read(expr)),
        Ast::UnaryOp { op: UnaryOperator::Minus, expr } => format!("(neg {})", read(expr)),
        Ast::BinaryOp { left, op, right } => {
            let op = match op.to_string().as_str() {
                "DIV" => "/".to_string(),
                op => op.to_string(),
            };
            two(&op, read(left), read(right))
        }
        Ast::IsNull(x) => format!("(null true {})", read(x)),
        Ast::IsNotNull(x) => format!("(null false {})", read(x)),
        Ast::Between { expr, negated, low, high } => {
            format!("(between {} {} {} {})", !negated, read(expr), read(low), read(high))
        }
        Ast::In { expr, target: InTarget::List(list), negated, .. } => {
            format!("(in {} {} {})", !negated, read(expr), all(list.iter().map(read)))
        }
        Ast::Like { negated, expr, pattern, .. } => {
            format!("(like {} {} {})", !negated, read(expr), read(pattern))
        }
        Ast::Case { conditions, else_result, .. } => {
            let when = &conditions[0];
            let otherwise = else_result.as_ref().unwrap();
            format!("(case {} {} {})", read(&when.condition), read(&when.result), read(otherwise))
        }
        Ast::Cast { expr, .. } => format!("(cast {})", read(expr)),
        Ast::Function(call) => {
            let inside: Vec<String> = arguments(call).into_iter().map(read).collect();
            match call.name.to_string().as_str() {
                "CONCAT" => two("||", inside[0].clone(), inside[1].clone()),
                name => format!("({name} {})", inside.join(" ")),
            }
        }
        other => panic!("{other:?}"),
    }
}

/// Reads expressions between commas.
fn parse(syntax: &dyn Syntax, list: &str) -> Vec<Ast> {
    let statements =
        Parser::parse_sql(syntax, &format!("SELECT {list}")).unwrap_or_else(|e| panic!("{list}: {e}"));
    let Statement::Query(query) = &statements[0] else { panic!("{list}") };
    let SetExpr::Select(select) = &*query.body else { panic!("{list}") };
    let expr = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => expr.clone(),
        other => panic!("{other}"),
    };
    select.projection.iter().map(expr).collect()
}

fn arguments(call: &Function) -> Vec<&Ast> {
    let FunctionArguments::List(list) = &call.args else { panic!("{call}") };
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expr,
            other => panic!("{other}"),
        })
        .collect()
}

/// Whether it compares.
fn compares(ast: &Ast) -> bool {
    match ast {
        Ast::BinaryOp { op, .. } => ["=", "<>", "<", ">="].contains(&op.to_string().as_str()),
        Ast::IsNull(_) | Ast::IsNotNull(_) | Ast::Between { .. } | Ast::In { .. } | Ast::Like { .. } => true,
        _ => false,
    }
}

/// The parentheses of an expression in the order they open, each with whether they may stand though they need not: around
/// a comparison or NOT beside a comparison, for those do not chain on every database, and around a sign behind another,
/// for two begin a comment.
fn nested(ast: &Ast, beside: bool, found: &mut Vec<bool>) {
    let inner: Vec<&Ast> = match ast {
        Ast::Nested(inner) => {
            found.push(beside && (compares(inner) || matches!(&**inner, Ast::UnaryOp { .. })));
            vec![inner]
        }
        Ast::UnaryOp { expr, .. } | Ast::IsNull(expr) | Ast::IsNotNull(expr) | Ast::Cast { expr, .. } => {
            vec![expr]
        }
        Ast::BinaryOp { left, right, .. } => vec![left, right],
        Ast::Between { expr, low, high, .. } => vec![expr, low, high],
        Ast::In { expr, target: InTarget::List(list), .. } => std::iter::once(&**expr).chain(list).collect(),
        Ast::Like { expr, pattern, .. } => vec![expr, pattern],
        Ast::Case { conditions, else_result, .. } => {
            let branches = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            branches.chain(else_result.as_deref()).collect()
        }
        Ast::Function(call) => arguments(call),
        _ => Vec::new(),
    };
    let beside = compares(ast) || matches!(ast, Ast::UnaryOp { op: UnaryOperator::Minus, .. });
    inner.into_iter().for_each(|ast| nested(ast, beside, found));
}

/// The positions of parentheses around expressions, in the order they open; not those of calls, lists and casts.
fn pairs(sql: &str) -> Vec<(usize, usize)> {
    let (mut open, mut pairs) = (Vec::new(), Vec::new());
    for (at, c) in sql.char_indices() {
        match c {
            '(' => open.push(at),
            ')' => pairs.push((open.pop().unwrap(), at)),
            _ => {}
        }
    }
    let stands_alone = |(open, _): &(usize, usize)| {
        let before = &sql[..*open];
        before.is_empty() || (before.ends_with(['(', ' ', '-']) && !before.ends_with("IN "))
    };
    pairs.retain(stands_alone);
    pairs.sort();
    pairs
}

fn trees() -> impl Strategy<Value = Tree> {
    made(4).prop_flat_map(|(n, s, b)| prop_oneof![n, s, b])
}

type Sorts = (BoxedStrategy<Tree>, BoxedStrategy<Tree>, BoxedStrategy<Tree>);

/// Numbers, texts and truths.
fn made(depth: u32) -> impl Strategy<Value = Sorts> {
    Just(sorts(depth))
}

fn sorts(depth: u32) -> Sorts {
    let n = prop_oneof![Just(Tree::Column("a")), Just(Tree::Column("b"))].boxed();
    let s = prop_oneof![Just(Tree::Column("s")), Just(Tree::Column("w"))].boxed();
    let compare = |op: &'static str, x: &BoxedStrategy<Tree>| {
        (x.clone(), x.clone()).prop_map(move |(x, y)| Tree::Two(op, x.into(), y.into())).boxed()
    };
    if depth == 0 {
        let b = compare("=", &n);
        return (n, s, b);
    }
    let (in_n, in_s, in_b) = sorts(depth - 1);
    let one = |x: &BoxedStrategy<Tree>, wrap: fn(Box<Tree>) -> Tree| {
        x.clone().prop_map(move |x| wrap(x.into())).boxed()
    };
    let choose = (in_b.clone(), in_n.clone(), in_n.clone());
    let numbers = prop_oneof![
        n,
        compare("+", &in_n),
        compare("-", &in_n),
        compare("*", &in_n),
        compare("%", &in_n),
        compare("/", &in_n),
        one(&in_n, Tree::Neg),
        one(&in_s, Tree::Cast),
        choose.prop_map(|(b, x, y)| Tree::Case(b.into(), x.into(), y.into())),
    ];
    let texts = prop_oneof![s, compare("||", &in_s), one(&in_s, Tree::Lower)];
    let yes = any::<bool>();
    let truths =
        prop_oneof![
            compare("=", &in_n),
            compare("<>", &in_s),
            compare("<", &in_n),
            compare(">=", &in_n),
            compare("=", &in_b),
            compare("AND", &in_b),
            compare("OR", &in_b),
            (compare("AND", &in_b)).prop_map(|x| Tree::Not(x.into())),
            (compare("OR", &in_b)).prop_map(|x| Tree::Not(x.into())),
            (yes, in_n.clone()).prop_map(|(yes, x)| Tree::Null(yes, x.into())),
            (yes, in_b.clone()).prop_map(|(yes, x)| Tree::Null(yes, x.into())),
            (yes, in_n.clone(), in_n.clone(), in_n.clone()).prop_map(|(yes, x, y, z)| Tree::Between(
                yes,
                x.into(),
                y.into(),
                z.into()
            )),
            (yes, in_n.clone(), proptest::collection::vec(in_n, 1..3))
                .prop_map(|(yes, x, list)| Tree::Among(yes, x.into(), list)),
            (yes, in_s.clone(), in_s).prop_map(|(yes, x, y)| Tree::Like(yes, x.into(), y.into())),
        ];
    (numbers.boxed(), texts.boxed(), truths.boxed())
}

#[test]
fn what_is_printed_reads_back() {
    let parts = (column("a", BigInteger), column("b", BigInteger), column("s", Text), column("w", Text));
    let table = Metadata::new().define("t", parts).unwrap();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(tree in trees())| {
        for (database, target) in databases() {
            let syntax: &dyn Syntax = match database {
                "sqlite" => &SQLiteDialect {},
                "postgresql" => &PostgreSqlDialect {},
                _ => &MySqlDialect {},
            };
            let compiled = select(tree.expr(&table)).from(&table).compile(&target).unwrap();
            let sql = compiled.sql().strip_prefix("SELECT ").unwrap().strip_suffix(" FROM t").unwrap();
            let ast = &parse(syntax, sql)[0];
            prop_assert_eq!(read(ast), tree.words(), "{} {}", database, sql);
            let mut allowed = Vec::new();
            nested(ast, false, &mut allowed);
            let pairs = pairs(sql);
            prop_assert_eq!(pairs.len(), allowed.len(), "{}", sql);
            for ((open, close), _) in pairs.into_iter().zip(allowed).filter(|(_, allowed)| !allowed) {
                let mut without = sql.to_string();
                without.replace_range(close..=close, "");
                without.replace_range(open..=open, "");
                let same = Parser::parse_sql(syntax, &format!("SELECT {without}")).is_ok()
                    && parse(syntax, &without).first().is_some_and(|other| read(other) == read(ast));
                prop_assert!(!same, "{}: {} does without the parentheses at {}", database, sql, open);
            }
        }
    });
}
