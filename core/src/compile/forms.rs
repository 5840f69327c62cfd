//! Forms of expressions with words of their own into SQL: CASE, windows, aggregates of some rows, tuples, and
//! what ORDER BY sorts by.
//!
//! Called by `expr` and `select`.

use super::{Compiler, adapt};
use crate::dialect::{BindUse, is_plain};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Bound, Exclude, Expr, Frame, Node, Op, Over, Unit, case_parts};
use crate::types::Type;
use crate::value::Value;

impl Compiler<'_> {
    /// CASE, with an expression to compare or without, and what holds otherwise last.
    pub(super) fn case(
        &mut self,
        items: &[Expr],
        simple: bool,
        otherwise: bool,
        beside: Option<&Type>,
    ) -> Result<()> {
        // What it stands beside says more than its own texts do.
        let own = self.types(|types| types.of_case(items, simple, otherwise));
        let ty = beside.cloned().or(own);
        let (of, branches, last) = case_parts(items, simple, otherwise);
        let compared = of.first().and_then(|of| self.type_of(of));
        self.push("CASE");
        for of in of {
            self.push(" ");
            self.operand(of, 5, None)?;
        }
        for branch in branches.chunks(2) {
            let [condition, value] = branch else { continue };
            self.push(" WHEN ");
            self.operand(condition, 0, compared.as_ref())?;
            self.push(" THEN ");
            self.case_value(value, ty.as_ref())?;
        }
        for last in last {
            self.push(" ELSE ");
            self.case_value(last, ty.as_ref())?;
        }
        self.push(" END");
        Ok(())
    }

    /// A whole number stands in the text: beside nothing that has a type, databases take a parameter for a
    /// number of another kind.
    fn case_value(&mut self, value: &Expr, ty: Option<&Type>) -> Result<()> {
        match &value.0 {
            Node::Bind(bound @ Value::Int(number)) if ty.is_none_or(|ty| is_plain(bound.as_ref(), ty)) => {
                self.push(&number.to_string());
                Ok(())
            }
            // The database does not guess the type of one value of a CASE from the others.
            Node::Bind(value) => {
                let value = adapt(self.target, value.clone(), ty, BindUse::Compare)?;
                self.bind(&value, None, BindUse::Compare)
            }
            _ => self.operand(value, 0, ty),
        }
    }

    /// A function over a window: the function, what divides the rows, what sorts them.
    pub(super) fn over(&mut self, over: &Over, items: &[Expr]) -> Result<()> {
        let Some((function, rest)) = items.split_first() else { return Ok(()) };
        self.operand(function, 0, None)?;
        let (partition, order) = rest.split_at(over.partition.min(rest.len()));
        self.push(" OVER (");
        let start = self.sql.len();
        if !partition.is_empty() {
            self.push("PARTITION BY ");
            self.list(partition, |c, expr| c.expr(expr))?;
        }
        if !order.is_empty() {
            self.space_after(start);
            self.push("ORDER BY ");
            self.sort_terms(order)?;
        }
        if let Some(frame) = &over.frame {
            let counted = |bound: &Bound| !matches!(bound, Bound::Unbounded | Bound::Current);
            let by_values = frame.unit == Unit::Range && (counted(&frame.from) || counted(&frame.to));
            if by_values && order.iter().any(|term| self.nulls_before(term).is_some()) {
                // The term that puts NULLs in their place would be a second one to count by.
                return Err(self.target.unsupported("NULLs first or last in a frame of values"));
            }
            self.space_after(start);
            self.frame(frame)?;
        }
        self.push(")");
        Ok(())
    }

    fn space_after(&mut self, start: usize) {
        if self.sql.len() > start {
            self.push(" ");
        }
    }

    fn frame(&mut self, frame: &Frame) -> Result<()> {
        let more = frame.unit == Unit::Groups || frame.exclude.is_some();
        if more && !self.target.grammar.frames_of_groups() {
            return Err(self.target.unsupported("frames of groups, and EXCLUDE"));
        }
        let unit = match frame.unit {
            Unit::Rows => "ROWS",
            Unit::Range => "RANGE",
            Unit::Groups => "GROUPS",
        };
        self.push(unit);
        self.push(" BETWEEN ");
        self.bound(&frame.from, "PRECEDING", frame.unit)?;
        self.push(" AND ");
        self.bound(&frame.to, "FOLLOWING", frame.unit)?;
        self.push(match frame.exclude {
            None => "",
            Some(Exclude::Current) => " EXCLUDE CURRENT ROW",
            Some(Exclude::Group) => " EXCLUDE GROUP",
            Some(Exclude::Ties) => " EXCLUDE TIES",
        });
        Ok(())
    }

    fn bound(&mut self, bound: &Bound, unbounded: &str, unit: Unit) -> Result<()> {
        let word = match bound {
            Bound::Unbounded => {
                self.push("UNBOUNDED ");
                unbounded
            }
            Bound::Current => "CURRENT ROW",
            Bound::Preceding(count) | Bound::Following(count) => {
                self.push(&format!("{count} "));
                if matches!(bound, Bound::Preceding(_)) { "PRECEDING" } else { "FOLLOWING" }
            }
            Bound::PrecedingBy(far) | Bound::FollowingBy(far) => {
                self.distance(far, unit)?;
                if matches!(bound, Bound::PrecedingBy(_)) { " PRECEDING" } else { " FOLLOWING" }
            }
        };
        self.push(word);
        Ok(())
    }

    /// How far a frame of values goes. A number stands in the text: databases want a constant.
    fn distance(&mut self, far: &Value, unit: Unit) -> Result<()> {
        match far {
            _ if unit != Unit::Range => {
                let message = "only a frame of values goes so far; rows and groups are counted";
                Err(Error::new(ErrorKind::Invalid, message))
            }
            Value::Int(_) | Value::Float(_) | Value::Decimal(_) => {
                self.target.grammar.literal(far, &mut self.sql)
            }
            Value::Interval(_) if self.target.grammar.frames_of_intervals() => {
                self.bind(far, None, BindUse::Compare)
            }
            Value::Interval(_) => Err(self.target.unsupported("frames of intervals")),
            _ => {
                let message = "a frame of values goes as far as a number or an interval says";
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// An aggregate of some rows. Where there is no FILTER, the aggregate's arguments are NULL for the others:
    /// aggregates pass over NULL.
    pub(super) fn filtered(&mut self, aggregate: &Expr, condition: &Expr) -> Result<()> {
        if self.target.grammar.aggregate_filter() {
            self.operand(aggregate, 0, None)?;
            self.push(" FILTER (WHERE ");
            self.expr(condition)?;
            self.push(")");
            return Ok(());
        }
        let (op, kids) = match &aggregate.0 {
            Node::Apply(op @ Op::Function { name, .. }, kids)
                if passes_null(name) && !kids.items.is_empty() =>
            {
                (op, kids)
            }
            _ => return Err(self.target.unsupported("FILTER of a function that counts NULL")),
        };
        let held = |argument: &Expr| {
            let value = if matches!(argument.0, Node::Star) { Expr::from(1) } else { argument.clone() };
            let op = Op::Case { simple: false, otherwise: false };
            Expr::apply(op, vec![condition.clone(), value])
        };
        let kept = Expr::apply(op.clone(), kids.items.iter().map(held).collect());
        self.operand(&kept, 0, None)
    }

    /// An aggregate of rows in an order.
    pub(super) fn ordered(&mut self, aggregate: &Expr, terms: &[Expr]) -> Result<()> {
        let grammar = self.target.grammar;
        if !(grammar.orders_any_aggregate() && grammar.ordered_aggregates(&self.target.features)) {
            return Err(self.target.unsupported("ORDER BY in an aggregate"));
        }
        match &aggregate.0 {
            Node::Apply(Op::Function { schema, name, distinct }, kids) => {
                self.function(schema.as_ref(), name, *distinct, &kids.items, terms)
            }
            _ => Err(Error::new(ErrorKind::Invalid, "rows are taken in an order by an aggregate")),
        }
    }

    /// An aggregate of sorted rows.
    pub(super) fn within_group(&mut self, aggregate: &Expr, terms: &[Expr]) -> Result<()> {
        if !self.target.grammar.within_group() {
            return Err(self.target.unsupported("aggregates of sorted rows"));
        }
        self.operand(aggregate, 0, None)?;
        self.push(" WITHIN GROUP (");
        if !terms.is_empty() {
            self.push("ORDER BY ");
            self.sort_terms(terms)?;
        }
        self.push(")");
        Ok(())
    }

    /// ORDER BY of what stands in parentheses, if there are terms.
    pub(super) fn order_inside(&mut self, terms: &[Expr]) -> Result<()> {
        if terms.is_empty() {
            return Ok(());
        }
        self.push(" ORDER BY ");
        self.sort_terms(terms)
    }

    fn sort_terms(&mut self, terms: &[Expr]) -> Result<()> {
        self.list(terms, |c, term| c.sort_term(term, |c, key, least| c.operand(key, least, None)))
    }

    /// A tuple, its values beside those of another.
    pub(super) fn tuple(&mut self, items: &[Expr], beside: Option<&[Expr]>) -> Result<()> {
        let types: Vec<Option<Type>> =
            beside.unwrap_or_default().iter().map(|other| self.type_of(other)).collect();
        self.parens(|c| {
            c.list(items.iter().enumerate(), |c, (at, item)| {
                c.operand(item, 0, types.get(at).and_then(Option::as_ref))
            })
        })
    }

    /// Whether NULLs stand first by a term before this one, which there has to be: they cannot be told to, and
    /// would not stand there anyway.
    fn nulls_before(&self, term: &Expr) -> Option<bool> {
        let descending = term.sort_key().1.unwrap_or(false);
        let said = term.nulls_stand_first().filter(|_| !self.target.grammar.nulls_order());
        said.filter(|first| *first == descending)
    }

    /// One term of ORDER BY; `key` writes what is sorted by. Where NULLs cannot be told to stand first or last,
    /// a term before it says so, unless they stand there anyway: NULL is less than everything then.
    pub(super) fn sort_term(
        &mut self,
        term: &Expr,
        key: impl Fn(&mut Self, &Expr, u8) -> Result<()>,
    ) -> Result<()> {
        let (expr, descending) = term.sort_key();
        if let Some(first) = self.nulls_before(term) {
            key(self, expr, 5)?;
            self.push(if first { " IS NULL DESC, " } else { " IS NULL, " });
        }
        key(self, expr, 0)?;
        self.push(descending.map_or("", |descending| if descending { " DESC" } else { " ASC" }));
        if let Some(first) = term.nulls_stand_first().filter(|_| self.target.grammar.nulls_order()) {
            self.push(if first { " NULLS FIRST" } else { " NULLS LAST" });
        }
        Ok(())
    }
}

/// Whether an aggregate is the same without the rows where its argument is NULL.
fn passes_null(function: &str) -> bool {
    const THOSE: [&str; 13] = [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "group_concat",
        "std",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "var_pop",
        "var_samp",
        "variance",
    ];
    THOSE.iter().any(|name| name.eq_ignore_ascii_case(function))
}
