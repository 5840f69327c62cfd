//! The types of expressions, as far as they are known without a database.

use super::{ColumnRef, Expr, Form, Node, Op, case_parts};
use crate::dialect::is_plain;
use crate::stmt::Select;
use crate::stmt::selection::Item;
use crate::types::{Class, Type};
use crate::value::Value;

/// Finds types by those of columns.
pub(crate) struct Types<'f>(pub(crate) &'f dyn Fn(&ColumnRef) -> Option<Type>);

impl Types<'_> {
    /// The type of an expression, where it is known.
    pub(crate) fn of(&self, expr: &Expr) -> Option<Type> {
        match &expr.0 {
            Node::Column(column) => (self.0)(column),
            Node::Apply(op, kids) => self.of_operator(op, &kids.items),
            Node::Subquery(select) => self.of_select(select),
            _ => None,
        }
    }

    fn of_operator(&self, op: &Op, items: &[Expr]) -> Option<Type> {
        match op {
            Op::Form(Form::Div(_)) if self.of_any(items, Class::Decimal) => None,
            Op::Form(form) => form.ty(),
            Op::Is | Op::IsNot | Op::And | Op::Or | Op::Not | Op::Exists => Some(Type::Boolean),
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => Some(Type::Boolean),
            Op::Like | Op::NotLike | Op::Ilike | Op::NotIlike => Some(Type::Boolean),
            Op::In | Op::NotIn | Op::InIntegers(_) | Op::InParam { .. } | Op::Between | Op::NotBetween => {
                Some(Type::Boolean)
            }
            Op::Cast(ty) | Op::Typed(ty) => Some(ty.clone()),
            Op::Case { simple, otherwise } => self.of_case(items, *simple, *otherwise),
            Op::Function { name, .. } => self.of_function(name, items),
            Op::Label(_)
            | Op::Quantified { .. }
            | Op::Collate(_)
            | Op::Excluded
            | Op::Asc
            | Op::Desc
            | Op::Nulls(_)
            | Op::Neg
            | Op::Over(_)
            | Op::Ordered
            | Op::Filter => items.first().and_then(|item| self.of(item)),
            Op::Add | Op::Sub | Op::Mul | Op::Rem => self.common(items),
            // The middle of what is sorted is one of it, or between two.
            Op::WithinGroup => match items {
                [Expr(Node::Apply(Op::Function { name, .. }, _)), ..] if **name == *"percentile_cont" => {
                    Some(Type::Double)
                }
                [_, term, ..] => self.of(term),
                _ => None,
            },
            Op::Concat => Some(Type::Text),
            _ => None,
        }
    }

    /// The type of the first column of a SELECT.
    fn of_select(&self, select: &Select) -> Option<Type> {
        let first = select.first_member();
        if let Some(text) = &first.text {
            return text.table.def().columns().next().map(|column| column.ty().clone());
        }
        match first.items.first()? {
            Item::Expr(expr) => self.of(expr),
            Item::Table(source) => source.table.def().columns().next().map(|column| column.ty().clone()),
        }
    }

    fn of_any(&self, items: &[Expr], class: Class) -> bool {
        items.iter().any(|item| self.of(item).is_some_and(|ty| ty.class() == class))
    }

    /// The type that all of the operands have; none when one is of another or of no known type.
    pub(crate) fn common<'e>(&self, items: impl IntoIterator<Item = &'e Expr> + Clone) -> Option<Type> {
        let ty = items.clone().into_iter().find_map(|item| self.of(item))?;
        let fits = |item: &Expr| match &item.0 {
            Node::Bind(value) => is_plain(value.as_ref(), &ty),
            _ => self.of(item).is_some_and(|other| other.class() == ty.class()),
        };
        items.into_iter().all(fits).then_some(ty)
    }

    /// The type that the values of a CASE have.
    pub(crate) fn of_case(&self, items: &[Expr], simple: bool, otherwise: bool) -> Option<Type> {
        let (_, branches, last) = case_parts(items, simple, otherwise);
        let values = branches.chunks(2).filter_map(|branch| branch.get(1)).chain(last);
        let all = |is: fn(&Value) -> bool| values.clone().all(|v| matches!(&v.0, Node::Bind(v) if is(v)));
        self.common(values.clone()).or_else(|| match () {
            () if all(|value| matches!(value, Value::Int(_))) => Some(Type::BigInteger),
            () if all(|value| matches!(value, Value::Text(_))) => Some(Type::Text),
            () => None,
        })
    }

    fn of_function(&self, name: &str, args: &[Expr]) -> Option<Type> {
        let first = || args.iter().find_map(|arg| self.of(arg));
        match name {
            "count" | "char_length" | "row_number" | "rank" | "dense_rank" | "ntile" => {
                Some(Type::BigInteger)
            }
            "percent_rank" | "cume_dist" => Some(Type::Double),
            "lag" | "lead" | "first_value" | "last_value" | "nth_value" | "nullif" => {
                args.first().and_then(|arg| self.of(arg))
            }
            "min" | "max" => first(),
            "coalesce" => self.common(args),
            "lower" | "upper" => Some(Type::Text),
            // Sums of exact decimals come as the database computes them, exact or not.
            "sum" => first()
                .filter(|ty| matches!(ty.class(), Class::Int | Class::Float))
                .map(|ty| if ty.is_integer() { Type::BigInteger } else { Type::Double }),
            "now" => Some(Type::Timestamp),
            _ => None,
        }
    }
}
