//! The methods that build expressions: `eq`, `like`, `in_`, `&`, `|`, `!`.
//!
//! All are inherent, so no trait has to be imported, and all take `&self`.

use std::ops;
use std::sync::Arc;

use super::{Expr, Node, Op};
use crate::error::{Error, ErrorKind};
use crate::stmt::Select;
use crate::types::Type;
use crate::value::Value;

/// SQL text as an expression, verbatim.
///
/// The text reaches the database as it is: never put data into it, only your own words. Values
/// belong into binds.
pub fn raw(sql: impl Into<Arc<str>>) -> Expr {
    Expr(Node::Raw(sql.into()))
}

/// A parameter of a prepared plan, whose value is given by name when the plan runs.
pub fn param(name: impl Into<Arc<str>>) -> Expr {
    Expr(Node::Param(name.into()))
}

/// Whether a SELECT finds any row.
pub fn exists(select: Select) -> Expr {
    Expr::apply(Op::Exists, vec![Expr::from(select)])
}

/// Any row of a SELECT, for comparing with it: `a.gt(any_row(select))` where one is enough. `Unsupported` from the verb on
/// SQLite.
pub fn any_row(select: Select) -> Expr {
    Expr::apply(Op::Quantified { all: false }, vec![Expr::from(select)])
}

/// All rows of a SELECT, for comparing with them: `a.gt(all_rows(select))` holds where it does for each of them, and where
/// there are none. `Unsupported` from the verb on SQLite.
pub fn all_rows(select: Select) -> Expr {
    Expr::apply(Op::Quantified { all: true }, vec![Expr::from(select)])
}

/// Several values as one, for comparing and IN: `tuple((a, 5))`.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let pairs = db.table("pairs", (column("a", Integer), column("b", Text)))?;
/// db.create_all()?;
/// insert(&pairs).values(values! { "a" => 1, "b" => "x" }).run(&db)?;
/// insert(&pairs).values(values! { "a" => 1, "b" => "y" }).run(&db)?;
/// let known = [tuple((1, "x")), tuple((2, "x"))];
/// let found = select(&pairs).filter(tuple((pairs.c("a"), pairs.c("b"))).in_(known));
/// assert_eq!(found.count(&db)?, 1);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn tuple(items: impl TupleItems) -> Expr {
    Expr::apply(Op::Tuple, items.exprs())
}

/// What a [`tuple()`] is of: a tuple of Rust, or a list.
pub trait TupleItems {
    /// The items.
    #[doc(hidden)]
    fn exprs(self) -> Vec<Expr>;
}

impl<T: Into<Expr>> TupleItems for Vec<T> {
    fn exprs(self) -> Vec<Expr> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! tuple_items {
    ($first:ident $($rest:ident)+) => {
        impl<$first: Into<Expr>, $($rest: Into<Expr>),+> TupleItems for ($first, $($rest),+) {
            #[allow(non_snake_case)]
            fn exprs(self) -> Vec<Expr> {
                let ($first, $($rest),+) = self;
                vec![$first.into(), $($rest.into()),+]
            }
        }
        tuple_items!($($rest)+);
    };
    ($last:ident) => {};
}
tuple_items!(A B C D E F G H);

/// What may stand after IN: a list of values or expressions, or a SELECT of one column.
pub trait InList {
    /// The operands.
    #[doc(hidden)]
    fn operands(self) -> Vec<Expr>;
}

impl<I: IntoIterator> InList for I
where
    I::Item: Into<Expr>,
{
    fn operands(self) -> Vec<Expr> {
        self.into_iter().map(Into::into).collect()
    }
}

impl InList for Select {
    fn operands(self) -> Vec<Expr> {
        vec![Expr::from(self)]
    }
}

macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident => $op:ident;)*) => {
        impl Expr {$(
            $(#[$doc])*
            pub fn $method(&self, right: impl Into<Expr>) -> Expr {
                Expr::apply(Op::$op, vec![self.clone(), right.into()])
            }
        )*}
    };
}
binary! {
    /// Less than.
    lt => Lt;
    /// At most.
    le => Le;
    /// Greater than.
    gt => Gt;
    /// At least.
    ge => Ge;
    /// Equal, where NULL equals NULL (`IS NOT DISTINCT FROM`).
    is => Is;
    /// Different, where NULL differs from every value and equals NULL (`IS DISTINCT FROM`).
    is_not => IsNot;
    /// Matches a pattern of `%` and `_`; whether case matters is the database's rule.
    like => Like;
    /// Does not match a pattern.
    not_like => NotLike;
    /// Matches a pattern, case folded on every database.
    ilike => Ilike;
    /// Does not match a pattern, case folded.
    not_ilike => NotIlike;
    /// One text after the other.
    concat => Concat;
    /// Plus.
    add => Add;
    /// Minus.
    sub => Sub;
    /// Times.
    mul => Mul;
    /// The remainder.
    rem => Rem;
}

impl Expr {
    /// Equal. Comparing with NULL asks `IS NULL`, which is what is meant.
    pub fn eq(&self, right: impl Into<Expr>) -> Expr {
        self.equality(right.into(), Op::Eq, Op::Is)
    }

    /// Different. Comparing with NULL asks `IS NOT NULL`.
    pub fn ne(&self, right: impl Into<Expr>) -> Expr {
        self.equality(right.into(), Op::Ne, Op::IsNot)
    }

    fn equality(&self, right: Expr, plain: Op, null: Op) -> Expr {
        let op = if matches!(right.0, Node::Bind(Value::Null)) { null } else { plain };
        Expr::apply(op, vec![self.clone(), right])
    }

    /// NULL.
    pub fn is_null(&self) -> Expr {
        self.eq(Value::Null)
    }

    /// Not NULL.
    pub fn is_not_null(&self) -> Expr {
        self.ne(Value::Null)
    }

    /// One of a list, or of what a SELECT finds. Nothing is in an empty list.
    pub fn in_(&self, list: impl InList) -> Expr {
        self.membership(Op::In, list)
    }

    /// None of a list. Everything is outside an empty list.
    pub fn not_in(&self, list: impl InList) -> Expr {
        self.membership(Op::NotIn, list)
    }

    fn membership(&self, op: Op, list: impl InList) -> Expr {
        let mut items = vec![self.clone()];
        items.extend(list.operands());
        Expr::apply(op, items)
    }

    /// One of a list that a prepared plan is given by name, as a [`tuple()`] of any length: the plan is compiled once.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let t = db.table("t", column("n", Integer))?;
    /// db.create_all()?;
    /// insert(&t).rows(["n"], [[1], [2], [3]]).run(&db)?;
    /// let among = select(&t).filter(t.c("n").in_param("list")).prepare(&db)?;
    /// assert_eq!(among.all(&db, values! { "list" => tuple(vec![1, 3, 5]) })?.len(), 2);
    /// assert_eq!(among.all(&db, values! { "list" => tuple(Vec::<i64>::new()) })?.len(), 0);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn in_param(&self, name: impl Into<Arc<str>>) -> Expr {
        Expr::apply(Op::InParam { name: name.into(), negated: false }, vec![self.clone()])
    }

    /// None of a list that a prepared plan is given by name; as [`Expr::in_param`].
    pub fn not_in_param(&self, name: impl Into<Arc<str>>) -> Expr {
        Expr::apply(Op::InParam { name: name.into(), negated: true }, vec![self.clone()])
    }

    /// One of these integers, sent as one parameter where the dialect can.
    #[doc(hidden)]
    pub fn in_integers(&self, list: impl Into<Arc<[i64]>>) -> Expr {
        Expr::apply(Op::InIntegers(list.into()), vec![self.clone()])
    }

    /// The value, if it is nothing more than that; itself otherwise.
    #[doc(hidden)]
    pub fn try_value(self) -> std::result::Result<Value, Expr> {
        match self.0 {
            Node::Bind(value) => Ok(value),
            _ => Err(self),
        }
    }

    /// Whether it is the value NULL.
    pub(crate) fn is_null_value(&self) -> bool {
        matches!(self.0, Node::Bind(Value::Null))
    }

    /// What a tuple is made of; none of anything else.
    pub(crate) fn tuple_items(&self) -> Option<&[Expr]> {
        match &self.0 {
            Node::Apply(Op::Tuple, kids) => Some(&kids.items),
            _ => None,
        }
    }

    /// From one bound to the other, both included.
    pub fn between(&self, low: impl Into<Expr>, high: impl Into<Expr>) -> Expr {
        Expr::apply(Op::Between, vec![self.clone(), low.into(), high.into()])
    }

    /// Between the bounds, whichever of them is the greater.
    pub fn between_symmetric(&self, one: impl Into<Expr>, other: impl Into<Expr>) -> Expr {
        let (one, other) = (one.into(), other.into());
        self.between(one.clone(), other.clone()) | self.between(other, one)
    }

    /// Outside the bounds.
    pub fn not_between(&self, low: impl Into<Expr>, high: impl Into<Expr>) -> Expr {
        Expr::apply(Op::NotBetween, vec![self.clone(), low.into(), high.into()])
    }

    /// Holds this text anywhere; `%` and `_` in it are plain characters.
    pub fn contains(&self, text: &str) -> Expr {
        self.like_escaped("%", text, "%")
    }

    /// Begins with this text.
    pub fn starts_with(&self, text: &str) -> Expr {
        self.like_escaped("", text, "%")
    }

    /// Ends with this text.
    pub fn ends_with(&self, text: &str) -> Expr {
        self.like_escaped("%", text, "")
    }

    /// As [`Expr::contains`], large and small letters alike.
    pub fn icontains(&self, text: &str) -> Expr {
        self.escaped(Op::Ilike, "%", text, "%")
    }

    /// As [`Expr::starts_with`], large and small letters alike.
    pub fn istarts_with(&self, text: &str) -> Expr {
        self.escaped(Op::Ilike, "", text, "%")
    }

    /// As [`Expr::ends_with`], large and small letters alike.
    pub fn iends_with(&self, text: &str) -> Expr {
        self.escaped(Op::Ilike, "%", text, "")
    }

    /// The character that takes `%`, `_` and itself for what they are in the pattern of this LIKE or ILIKE:
    /// `name.like("50!%").escape('!')`.
    ///
    /// `Invalid` from the verb for anything else, for an apostrophe and for a backslash, which some databases take for an
    /// escape themselves.
    pub fn escape(&self, character: char) -> Expr {
        let wrong = |words: &str| Expr::invalid(Error::new(ErrorKind::Invalid, words));
        let Node::Apply(op @ (Op::Like | Op::NotLike | Op::Ilike | Op::NotIlike), kids) = &self.0 else {
            return if matches!(self.0, Node::Invalid(_)) {
                self.clone()
            } else {
                wrong("only a LIKE has an escape")
            };
        };
        if !character.is_ascii_graphic() || matches!(character, '\'' | '\\') {
            return wrong(
                "the escape of a LIKE is a visible character of ASCII, no apostrophe and no backslash",
            );
        }
        let items = kids.items.iter().take(2).cloned().chain([raw(format!("'{character}'"))]);
        Expr::apply(op.clone(), items.collect())
    }

    fn like_escaped(&self, before: &str, text: &str, after: &str) -> Expr {
        self.escaped(Op::Like, before, text, after)
    }

    /// A third operand of LIKE is its escape character.
    fn escaped(&self, op: Op, before: &str, text: &str, after: &str) -> Expr {
        let mut pattern = String::from(before);
        for c in text.chars() {
            if matches!(c, '%' | '_' | '/') {
                pattern.push('/');
            }
            pattern.push(c);
        }
        pattern.push_str(after);
        Expr::apply(op, vec![self.clone(), pattern.into(), raw("'/'")])
    }

    /// Both hold.
    pub fn and(&self, right: impl Into<Expr>) -> Expr {
        Expr::chain(Op::And, self.clone(), right.into())
    }

    /// One holds, or both.
    pub fn or(&self, right: impl Into<Expr>) -> Expr {
        Expr::chain(Op::Or, self.clone(), right.into())
    }

    /// All of the terms hold; no terms at all hold too. Terms that are plainly true are left out, and one that is
    /// plainly false is all there is.
    pub fn all<T: Into<Expr>>(terms: impl IntoIterator<Item = T>) -> Expr {
        Expr::many(Op::And, true, terms.into_iter().map(Into::into).collect())
    }

    /// Any of the terms holds; of no terms, none does. Terms that are plainly false are left out, and one that is
    /// plainly true is all there is.
    pub fn any<T: Into<Expr>>(terms: impl IntoIterator<Item = T>) -> Expr {
        Expr::many(Op::Or, false, terms.into_iter().map(Into::into).collect())
    }

    fn many(op: Op, empty: bool, mut terms: Vec<Expr>) -> Expr {
        let plainly = |term: &Expr, what: bool| matches!(term.0, Node::Bind(Value::Bool(is)) if is == what);
        if terms.iter().any(|term| plainly(term, !empty)) {
            return raw(if empty { "0 = 1" } else { "1 = 1" });
        }
        terms.retain(|term| !plainly(term, empty));
        match terms.len() {
            0 => raw(if empty { "1 = 1" } else { "0 = 1" }),
            1 => terms.remove(0),
            _ => Expr::flat(op, terms),
        }
    }

    /// The opposite; of a comparison, the comparison that is the opposite. What is neither true nor false stays so.
    pub fn not(&self) -> Expr {
        let Node::Apply(op, kids) = &self.0 else { return Expr::apply(Op::Not, vec![self.clone()]) };
        match (op, opposite(op)) {
            (Op::Not, _) => kids.items.first().cloned().unwrap_or_else(|| self.clone()),
            // What does not hold for any row has its opposite for all of them.
            (_, Some(opposite)) if !kids.items.iter().any(Expr::is_quantified) => {
                Expr(Node::Apply(opposite, kids.clone()))
            }
            _ => Expr::apply(Op::Not, vec![self.clone()]),
        }
    }

    fn is_quantified(&self) -> bool {
        matches!(self.0, Node::Apply(Op::Quantified { .. }, _))
    }

    /// With the opposite sign.
    pub fn neg(&self) -> Expr {
        Expr::apply(Op::Neg, vec![self.clone()])
    }

    /// Converted to a type by the database.
    pub fn cast(&self, ty: Type) -> Expr {
        Expr::apply(Op::Cast(ty), vec![self.clone()])
    }

    /// Compared and sorted in a collation, by the database's name.
    pub fn collate(&self, collation: impl Into<Arc<str>>) -> Expr {
        Expr::apply(Op::Collate(collation.into()), vec![self.clone()])
    }

    /// Under another name in the result.
    pub fn label(&self, label: impl Into<Arc<str>>) -> Expr {
        Expr::apply(Op::Label(label.into()), vec![self.clone()])
    }

    /// An operator of the database in your own words, such as `@>` of PostgreSQL: never put data into it.
    pub fn op(&self, operator: impl Into<Arc<str>>, right: impl Into<Expr>) -> Expr {
        Expr::apply(Op::Custom(operator.into()), vec![self.clone(), right.into()])
    }

    /// Taken for a value of this type, without a conversion by the database: what it is compared with is sent, and
    /// what it gives is read, as one.
    pub fn typed(&self, ty: Type) -> Expr {
        Expr::apply(Op::Typed(ty), vec![self.clone()])
    }

    /// What it sorts by in ORDER BY, and whether it descends, where that was said.
    pub(crate) fn sort_key(&self) -> (&Expr, Option<bool>) {
        match &self.0 {
            Node::Apply(op @ (Op::Asc | Op::Desc), kids) => {
                (kids.items.first().map_or(self, |item| item.sort_key().0), Some(*op == Op::Desc))
            }
            Node::Apply(Op::Nulls(_), kids) => kids.items.first().map_or((self, None), Expr::sort_key),
            _ => (self, None),
        }
    }

    /// Whether NULLs stand first in ORDER BY, where that was said.
    pub(crate) fn nulls_stand_first(&self) -> Option<bool> {
        match &self.0 {
            Node::Apply(Op::Nulls(first), _) => Some(*first),
            Node::Apply(Op::Asc | Op::Desc, kids) => kids.items.first().and_then(Expr::nulls_stand_first),
            _ => None,
        }
    }

    /// Ascending, in ORDER BY.
    pub fn asc(&self) -> Expr {
        Expr::apply(Op::Asc, vec![self.clone()])
    }

    /// Descending, in ORDER BY.
    pub fn desc(&self) -> Expr {
        Expr::apply(Op::Desc, vec![self.clone()])
    }

    /// NULLs before everything else in ORDER BY, on every database.
    pub fn nulls_first(&self) -> Expr {
        Expr::apply(Op::Nulls(true), vec![self.clone()])
    }

    /// NULLs behind everything else in ORDER BY, on every database.
    pub fn nulls_last(&self) -> Expr {
        Expr::apply(Op::Nulls(false), vec![self.clone()])
    }
}

/// The operator that holds where this one does not, and is NULL where this one is.
fn opposite(op: &Op) -> Option<Op> {
    Some(match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Lt => Op::Ge,
        Op::Ge => Op::Lt,
        Op::Gt => Op::Le,
        Op::Le => Op::Gt,
        Op::Is => Op::IsNot,
        Op::IsNot => Op::Is,
        Op::Like => Op::NotLike,
        Op::NotLike => Op::Like,
        Op::Ilike => Op::NotIlike,
        Op::NotIlike => Op::Ilike,
        Op::In => Op::NotIn,
        Op::InParam { name, negated } => Op::InParam { name: name.clone(), negated: !negated },
        Op::NotIn => Op::In,
        Op::Between => Op::NotBetween,
        Op::NotBetween => Op::Between,
        _ => return None,
    })
}

macro_rules! logic {
    ($trait:ident, $method:ident, $op:ident) => {
        impl ops::$trait<Expr> for Expr {
            type Output = Expr;
            fn $method(self, right: Expr) -> Expr {
                Expr::chain(Op::$op, self, right)
            }
        }
        impl ops::$trait<&Expr> for Expr {
            type Output = Expr;
            fn $method(self, right: &Expr) -> Expr {
                Expr::chain(Op::$op, self, right.clone())
            }
        }
        impl ops::$trait<Expr> for &Expr {
            type Output = Expr;
            fn $method(self, right: Expr) -> Expr {
                Expr::chain(Op::$op, self.clone(), right)
            }
        }
        impl ops::$trait<&Expr> for &Expr {
            type Output = Expr;
            fn $method(self, right: &Expr) -> Expr {
                Expr::chain(Op::$op, self.clone(), right.clone())
            }
        }
    };
}
logic!(BitAnd, bitand, And);
logic!(BitOr, bitor, Or);

impl ops::Not for Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        Expr::not(&self)
    }
}

impl ops::Not for &Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        Expr::not(self)
    }
}
