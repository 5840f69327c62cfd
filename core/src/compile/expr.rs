//! Expressions into SQL, with exactly the parentheses they need.

use std::sync::Arc;

use super::{Compiler, adapt, template};
use crate::dialect::{BindUse, FunctionForm};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::types::Types;
use crate::expr::{ColumnRef, Expr, Form, JsonAs, Node, Op, Pieces, Source};
use crate::schema::{ColumnId, Name, TableDef};
use crate::stmt::Select;
use crate::types::{Class, Type};
use crate::value::Value;

/// How tightly an operator binds. The order is common to the databases; where they differ
/// (`||`), the operands get parentheses unless they are atoms.
fn precedence(op: &Op) -> u8 {
    match op {
        Op::Asc | Op::Desc | Op::Nulls(_) => 0,
        // Databases put operators of their own in different places: beside any other they get parentheses.
        Op::Custom(_) => 0,
        Op::Text(pieces) => {
            if pieces.is_word() {
                ATOM
            } else {
                0
            }
        }
        Op::Or => 1,
        Op::And => 2,
        Op::Not => 3,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Is | Op::IsNot => 4,
        Op::Like | Op::NotLike | Op::Ilike | Op::NotIlike => 4,
        Op::In | Op::NotIn | Op::InIntegers(_) | Op::InParam { .. } | Op::Between | Op::NotBetween => 4,
        Op::Concat => 5,
        Op::Add | Op::Sub => 6,
        Op::Mul | Op::Rem => 7,
        Op::Form(form) => template::precedence(form),
        Op::Neg => 8,
        Op::Collate(_) => 9,
        Op::Grouping(_) | Op::Named(_) | Op::Rows(_) => ATOM,
        Op::Quantified { .. }
        | Op::Excluded
        | Op::Exists
        | Op::Cast(_)
        | Op::Function { .. }
        | Op::Label(_)
        | Op::Typed(_) => ATOM,
        Op::Case { .. } | Op::Over(_) | Op::Filter | Op::Tuple => ATOM,
        Op::Ordered | Op::WithinGroup => ATOM,
    }
}

pub(super) const ATOM: u8 = 10;

/// Lists of terms longer than this are balanced where the server limits the depth of expressions.
const LONG: usize = 100;

impl Compiler<'_> {
    /// Writes an expression that stands alone.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<()> {
        self.operand(expr, 0, None)
    }

    /// Writes an expression as an operand of something that binds at `least`; `ty` is the type of
    /// what a bare value stands beside.
    pub(super) fn operand(&mut self, expr: &Expr, least: u8, ty: Option<&Type>) -> Result<()> {
        match &expr.0 {
            Node::Invalid(error) => Err(error.clone()),
            Node::Column(column) => self.column(column),
            Node::Bind(value) => self.bind(value, ty, BindUse::Compare),
            Node::Param(name) => match ty {
                Some(ty) if ty.class() == Class::Decimal && self.target.grammar.literal_beside_decimals() => {
                    self.typed_param(name, &Type::Numeric(None, None))
                }
                _ => self.param(name, ty, BindUse::Compare),
            },
            Node::Raw(sql) => self.raw(sql, least),
            Node::Star => {
                self.push("*");
                Ok(())
            }
            Node::Subquery(select) => self.parens(|c| c.subselect(select)),
            // A label names a result column; anywhere else it is what it labels.
            Node::Apply(Op::Label(_), kids) => {
                kids.items.iter().try_for_each(|item| self.operand(item, least, ty))
            }
            Node::Apply(Op::Typed(own), kids) => {
                kids.items.iter().try_for_each(|item| match &item.0 {
                    // It stands beside nothing that tells the database its type.
                    Node::Bind(value) => self.typed_value(value, own),
                    Node::Param(name) => self.typed_param(name, own),
                    _ => self.operand(item, least, Some(own)),
                })
            }
            Node::Apply(op, kids) if precedence(op) < least => self.parens(|c| c.apply(op, &kids.items, ty)),
            Node::Apply(op, kids) => self.apply(op, &kids.items, ty),
        }
    }

    /// A value of a type, beside nothing that says so.
    fn typed_value(&mut self, value: &Value, ty: &Type) -> Result<()> {
        let grammar = self.target.grammar;
        let value = adapt(self.target, value.clone(), Some(ty), BindUse::Compare)?;
        if self.literal {
            return self.bind(&value, None, BindUse::Compare);
        }
        let name =
            || grammar.null_as(ty).map(str::to_string).or_else(|| self.target.types.cast_name(ty).ok());
        if value.is_null()
            && grammar.casts_null(ty)
            && let Some(name) = name()
        {
            self.push(&format!("CAST(NULL AS {name})"));
            return Ok(());
        }
        if matches!(value, Value::Decimal(_)) && grammar.literal_beside_decimals() {
            return grammar.literal(&value, &mut self.sql);
        }
        match grammar.typed_as(value.as_ref()) {
            Some(name) => {
                self.push("CAST(");
                self.placeholder(value)?;
                self.push(&format!(" AS {name})"));
                Ok(())
            }
            None => self.placeholder(value),
        }
    }

    /// A parameter of a type, beside nothing that says so.
    fn typed_param(&mut self, name: &Arc<str>, ty: &Type) -> Result<()> {
        let cast = self.target.grammar.casts_null(ty).then(|| self.target.types.cast_name(ty).ok()).flatten();
        self.push(if cast.is_some() { "CAST(" } else { "" });
        self.param(name, Some(ty), BindUse::Compare)?;
        if let Some(cast) = cast {
            self.push(&format!(" AS {cast})"));
        }
        Ok(())
    }

    pub(super) fn parens(&mut self, body: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.push("(");
        body(self)?;
        self.push(")");
        Ok(())
    }

    /// The user's own SQL; as an operand it gets parentheses unless it is one word.
    fn raw(&mut self, sql: &str, least: u8) -> Result<()> {
        let word = sql.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
        let quoted =
            sql.len() > 1 && sql.starts_with('\'') && sql.ends_with('\'') && sql.matches('\'').count() == 2;
        if least > 0 && !word && !quoted {
            return self.parens(|c| {
                c.push(sql);
                Ok(())
            });
        }
        self.push(sql);
        Ok(())
    }

    /// A text with its operands. The database knows best what it takes at a place, so values do not say what they are,
    /// unless they were told to.
    fn text(&mut self, pieces: &Pieces, items: &[Expr]) -> Result<()> {
        let mut items = items.iter();
        for sql in &pieces.sql {
            self.push(sql);
            match items.next() {
                Some(Expr(Node::Bind(value))) => self.bind(value, None, BindUse::Store)?,
                Some(Expr(Node::Param(name))) => self.param(name, None, BindUse::Store)?,
                Some(item) => self.operand(item, ATOM, None)?,
                None => {}
            }
        }
        Ok(())
    }

    fn column(&mut self, column: &ColumnRef) -> Result<()> {
        self.column_of_table(&column.source, column.id)
    }

    /// Writes a column of a table in sight.
    pub(super) fn column_of_table(&mut self, source: &Source, id: ColumnId) -> Result<()> {
        let known = self.in_sight(source)?;
        let (at, found) = known.def.place_of(id).ok_or_else(|| gone(source))?;
        let alias = known.alias().cloned();
        if self.bare || alias.is_some() {
            let name = found.column.name.clone();
            if let (Some(alias), false) = (alias, self.bare) {
                self.name(&Name::from(alias));
                self.push(".");
            }
            self.name(&name);
            return Ok(());
        }
        let plans = known.plans.clone();
        self.push(plans.qualified.get(at).map_or("", String::as_str));
        Ok(())
    }

    fn apply(&mut self, op: &Op, items: &[Expr], ty: Option<&Type>) -> Result<()> {
        match (op, items) {
            (Op::And, _) => self.terms(items, " AND ", 3),
            (Op::Or, _) => self.terms(items, " OR ", 2),
            (Op::Not, [item]) => {
                // In parentheses it is the same however tightly NOT binds.
                self.push("NOT ");
                self.operand(item, ATOM, None)
            }
            (Op::Neg, [item]) => {
                self.push("-");
                let start = self.sql.len();
                self.operand(item, 9, ty)?;
                // Two of them would begin a comment.
                if self.sql.get(start..).is_some_and(|text| text.starts_with('-')) {
                    self.sql.insert(start, ' ');
                    self.shift_lists(start, 1);
                }
                Ok(())
            }
            (Op::Is | Op::IsNot, [left, right]) => self.null_safe(op, left, right),
            (Op::In | Op::NotIn, [item, list @ ..]) => self.membership(op, item, list),
            (Op::InParam { name, negated }, [item]) => {
                let ty = self.type_of(item);
                self.operand(item, 5, None)?;
                self.list_param(name, *negated, ty.as_ref())
            }
            (Op::InIntegers(list), [item]) => self.in_integers(item, list),
            (Op::Between | Op::NotBetween, [item, low, high]) => self.between(op, item, low, high),
            (Op::Like | Op::NotLike | Op::Ilike | Op::NotIlike, [item, pattern, escape @ ..]) => {
                self.like(op, item, pattern, escape.first())
            }
            (Op::Exists, [select]) => {
                self.push("EXISTS ");
                self.operand(select, ATOM, None)
            }
            (Op::Cast(to), [item]) => self.cast(item, to),
            (Op::Collate(name), [item]) => {
                self.operand(item, 9, ty)?;
                self.push(" COLLATE ");
                self.name(&Name::from(name.clone()));
                Ok(())
            }
            (Op::Function { schema, name, distinct }, _) => {
                self.function(schema.as_ref(), name, *distinct, items, &[])
            }
            (Op::Ordered, [aggregate, terms @ ..]) => self.ordered(aggregate, terms),
            (Op::WithinGroup, [aggregate, terms @ ..]) => self.within_group(aggregate, terms),
            (Op::Asc | Op::Desc | Op::Nulls(_), _) => {
                let message = "asc, desc and nulls_first are for ORDER BY";
                Err(Error::new(ErrorKind::Invalid, message))
            }
            (Op::Quantified { all }, [item]) => {
                if !self.target.grammar.quantifies() {
                    return Err(self.target.unsupported("comparing with ANY and ALL rows"));
                }
                self.push(if *all { "ALL " } else { "ANY " });
                match &item.0 {
                    Node::Subquery(select) => self.parens(|c| c.list_of(select)),
                    _ => self.operand(item, ATOM, None),
                }
            }
            (Op::Case { simple, otherwise }, _) => self.case(items, *simple, *otherwise, ty),
            (Op::Over(over), _) => self.over(over, items),
            (Op::Filter, [aggregate, condition]) => self.filtered(aggregate, condition),
            (Op::Tuple, _) => self.tuple(items, None),
            (Op::Rows(table), _) => self.rows(table, items),
            (Op::Grouping(_), _) => Err(Error::new(ErrorKind::Invalid, "several groupings are for GROUP BY")),
            (Op::Named(name), _) => {
                let message =
                    format!("a name, `{name}`, stands for what is selected in ORDER BY and GROUP BY");
                Err(Error::new(ErrorKind::Invalid, message))
            }
            (Op::Form(form), _) => self.form(form, items),
            (Op::Text(pieces), _) => self.text(pieces, items),
            (Op::Excluded, [column]) => self.excluded(column),
            (Op::Custom(word), [left, right]) => self.custom(word, left, right),
            (_, [left, right]) => self.binary(op, left, right),
            _ => Err(Error::new(ErrorKind::Invalid, format!("{op:?} takes other operands"))),
        }
    }

    fn binary(&mut self, op: &Op, left: &Expr, right: &Expr) -> Result<()> {
        if let (Op::Concat, Some(name)) = (op, self.target.grammar.concat()) {
            self.push(name);
            return self.parens(|c| c.list([left, right], |c, text| c.operand(text, 0, Some(&Type::Text))));
        }
        let (word, strength) = match op {
            Op::Eq => (" = ", 4),
            Op::Ne => (" <> ", 4),
            Op::Lt => (" < ", 4),
            Op::Le => (" <= ", 4),
            Op::Gt => (" > ", 4),
            Op::Ge => (" >= ", 4),
            Op::Concat => (" || ", 8),
            Op::Add => (" + ", 6),
            Op::Sub => (" - ", 6),
            Op::Mul => (" * ", 7),
            Op::Rem => (" % ", 7),
            other => {
                return Err(Error::new(ErrorKind::Invalid, format!("{other:?} is no operator of two")));
            }
        };
        if let (Node::Apply(Op::Tuple, left), Node::Apply(Op::Tuple, right)) = (&left.0, &right.0) {
            self.tuple(&left.items, Some(&right.items))?;
            self.push(word);
            return self.tuple(&right.items, Some(&left.items));
        }
        if strength == 4 {
            self.refuse_documents(&[left, right])?;
        }
        let (left_ty, right_ty) = (self.type_of(left), self.type_of(right));
        // Comparisons do not chain; arithmetic groups from the left.
        let left_least = match (op, &left.0) {
            (Op::Concat, Node::Apply(Op::Concat, _)) => 5,
            _ if strength == 4 => 5,
            _ => strength,
        };
        let reckons = matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Rem);
        self.side(left, left_least, right_ty.as_ref(), reckons)?;
        self.push(word);
        self.side(right, strength + 1, left_ty.as_ref(), reckons)
    }

    /// Refuses to compare JSON documents where their texts would be compared.
    fn refuse_documents(&self, sides: &[&Expr]) -> Result<()> {
        let is_document = |side: &&Expr| {
            matches!(&side.unlabelled().0, Node::Apply(Op::Form(Form::Json(JsonAs::Json, _)), _))
        };
        match sides.iter().any(is_document) && !self.target.grammar.compares_json() {
            true => Err(self.target.unsupported("comparing of JSON documents")),
            false => Ok(()),
        }
    }

    /// One side of an operator. A number beside nothing of a known type says what it is, where it is reckoned with.
    fn side(&mut self, expr: &Expr, least: u8, beside: Option<&Type>, reckons: bool) -> Result<()> {
        if reckons && self.reckoned_literally(expr, beside)? {
            return Ok(());
        }
        match &expr.0 {
            Node::Bind(value @ Value::Int(_)) if reckons && beside.is_none() => {
                self.typed_value(value, &Type::BigInteger)
            }
            Node::Bind(value @ Value::Float(_)) if reckons && beside.is_none() => {
                self.typed_value(value, &Type::Double)
            }
            _ => self.operand(expr, least, beside),
        }
    }

    /// Writes a number beside a decimal into the text, where that is what keeps both exact; whether it did.
    pub(super) fn reckoned_literally(&mut self, expr: &Expr, beside: Option<&Type>) -> Result<bool> {
        let decimal = beside.is_some_and(|ty| ty.class() == Class::Decimal);
        match &expr.0 {
            Node::Bind(value @ (Value::Int(_) | Value::Decimal(_)))
                if decimal && self.target.grammar.literal_beside_decimals() =>
            {
                self.target.grammar.literal(value, &mut self.sql)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Conditions that all hold, as `Expr::all` has them: as they stand where that makes no difference.
    pub(super) fn all_of(&mut self, conditions: &[Expr]) -> Result<()> {
        let count = |one: &Expr| match &one.0 {
            // It is left out, or all that is needed.
            Node::Bind(Value::Bool(_)) => LONG + 1,
            Node::Apply(Op::And, kids) => kids.items.len(),
            _ => 1,
        };
        match conditions.iter().map(count).sum::<usize>() <= LONG {
            true => self.terms(conditions, " AND ", precedence(&Op::And)),
            false => self.expr(&Expr::all(conditions)),
        }
    }

    /// Terms of AND and OR. Long lists become a balanced tree where depth is limited.
    fn terms(&mut self, items: &[Expr], word: &str, least: u8) -> Result<()> {
        let limited = self.target.features.max_expression_depth.is_some();
        if limited && items.len() > LONG {
            let (left, right) = items.split_at(items.len() / 2);
            self.parens(|c| c.terms(left, word, least))?;
            self.push(word);
            return self.parens(|c| c.terms(right, word, least));
        }
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.push(word);
            }
            self.operand(item, least, Some(&Type::Boolean))?;
        }
        Ok(())
    }

    fn null_safe(&mut self, op: &Op, left: &Expr, right: &Expr) -> Result<()> {
        let ty = self.type_of(left);
        if matches!(&right.0, Node::Bind(value) if value.is_null()) {
            self.operand(left, 5, None)?;
            self.push(if *op == Op::Is { " IS NULL" } else { " IS NOT NULL" });
            return Ok(());
        }
        self.refuse_documents(&[left, right])?;
        let (same, different) = self.target.grammar.null_safe();
        let (word, negate) = match (op, different) {
            (Op::Is, _) => (same, false),
            (_, Some(different)) => (different, false),
            (_, None) => (same, true),
        };
        self.push(if negate { "(NOT (" } else { "" });
        self.operand(left, 5, None)?;
        self.push(" ");
        self.push(word);
        self.push(" ");
        self.operand(right, 5, ty.as_ref())?;
        self.push(if negate { "))" } else { "" });
        Ok(())
    }

    fn membership(&mut self, op: &Op, item: &Expr, list: &[Expr]) -> Result<()> {
        self.refuse_documents(&[item])?;
        if list.is_empty() {
            // Nothing is in the empty set, and NULL is not unknown to be in it.
            self.push(if *op == Op::In { "0 = 1" } else { "1 = 1" });
            return Ok(());
        }
        let ty = self.type_of(item);
        self.operand(item, 5, None)?;
        self.push(if *op == Op::In { " IN " } else { " NOT IN " });
        match (list, &item.0) {
            ([Expr(Node::Subquery(select))], _) => self.parens(|c| c.list_of(select)),
            (_, Node::Apply(Op::Tuple, kids)) => self.tuples(&kids.items, list),
            _ => self.parens(|c| c.list(list, |c, e| c.operand(e, 0, ty.as_ref()))),
        }
    }

    /// A SELECT after IN, ANY and ALL. Where that may have no limit, one around it has none.
    fn list_of(&mut self, select: &Select) -> Result<()> {
        let around = select.has_limits() && !self.target.grammar.limits_in_lists();
        if !around {
            return self.subselect(select);
        }
        self.push("SELECT * FROM (");
        // Two columns of one name would be an error there.
        self.subselect(&select.for_counting())?;
        self.push(") AS limited");
        Ok(())
    }

    /// A list of tuples, each value beside its column.
    fn tuples(&mut self, columns: &[Expr], list: &[Expr]) -> Result<()> {
        let before = self.target.grammar.tuple_list();
        self.parens(|c| {
            c.push(before);
            c.list(list, |c, one| match &one.0 {
                Node::Apply(Op::Tuple, kids) if kids.items.len() == columns.len() => {
                    c.tuple(&kids.items, Some(columns))
                }
                Node::Invalid(error) => Err(error.clone()),
                _ => {
                    let message = format!("a tuple of {} is looked for among others", columns.len());
                    Err(Error::new(ErrorKind::Invalid, message))
                }
            })
        })
    }

    fn custom(&mut self, word: &str, left: &Expr, right: &Expr) -> Result<()> {
        let (left_ty, right_ty) = (self.type_of(left), self.type_of(right));
        self.operand(left, ATOM, right_ty.as_ref())?;
        self.push(" ");
        self.push(word);
        self.push(" ");
        self.operand(right, ATOM, left_ty.as_ref())
    }

    fn in_integers(&mut self, item: &Expr, list: &[i64]) -> Result<()> {
        let Some(form) = self.target.grammar.integer_list() else {
            let list: Vec<Expr> = list.iter().map(|n| Expr::from(*n)).collect();
            return self.membership(&Op::In, item, &list);
        };
        self.operand(item, 5, None)?;
        self.push(form.before);
        let numbers: Vec<String> = list.iter().map(i64::to_string).collect();
        self.placeholder(Value::Text(format!("{}{}{}", form.open, numbers.join(","), form.close)))?;
        self.push(form.after);
        Ok(())
    }

    fn between(&mut self, op: &Op, item: &Expr, low: &Expr, high: &Expr) -> Result<()> {
        self.refuse_documents(&[item, low, high])?;
        let ty = self.type_of(item);
        self.operand(item, 5, None)?;
        self.push(if *op == Op::Between { " BETWEEN " } else { " NOT BETWEEN " });
        self.operand(low, 5, ty.as_ref())?;
        self.push(" AND ");
        self.operand(high, 5, ty.as_ref())
    }

    fn like(&mut self, op: &Op, item: &Expr, pattern: &Expr, escape: Option<&Expr>) -> Result<()> {
        let folded = matches!(op, Op::Ilike | Op::NotIlike);
        let own = if folded { self.target.grammar.ilike() } else { None };
        let fold = folded && own.is_none();
        let (yes, no) = own.unwrap_or(("LIKE", "NOT LIKE"));
        let negated = matches!(op, Op::NotLike | Op::NotIlike);
        self.folded(item, fold)?;
        self.push(" ");
        self.push(if negated { no } else { yes });
        self.push(" ");
        self.folded(pattern, fold)?;
        if let Some(escape) = escape {
            self.push(" ESCAPE ");
            self.operand(escape, 5, None)?;
        }
        Ok(())
    }

    fn folded(&mut self, expr: &Expr, fold: bool) -> Result<()> {
        if !fold {
            return self.operand(expr, 5, Some(&Type::Text));
        }
        self.push("lower");
        self.parens(|c| c.operand(expr, 0, Some(&Type::Text)))
    }

    fn cast(&mut self, item: &Expr, to: &Type) -> Result<()> {
        let name = self.target.types.cast_name(to)?;
        self.push("CAST(");
        self.operand(item, 0, None)?;
        self.push(" AS ");
        self.push(&name);
        self.push(")");
        Ok(())
    }

    /// A call; an aggregate may have an order inside.
    pub(super) fn function(
        &mut self,
        schema: Option<&Arc<str>>,
        name: &str,
        distinct: bool,
        args: &[Expr],
        order: &[Expr],
    ) -> Result<()> {
        let form = match schema {
            Some(schema) => {
                self.name(&Name::from(schema.clone()));
                self.push(".");
                FunctionForm::Call(name)
            }
            None => self.target.grammar.function(name),
        };
        match form {
            FunctionForm::Word(word) if args.is_empty() => self.push(word),
            FunctionForm::Word(_) => self.name(&Name::from(name)),
            FunctionForm::Call(name) => {
                // Function names are plain words as often as not in capitals; only odd ones are quoted.
                let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if plain {
                    self.push(name)
                } else {
                    self.name(&Name::from(name))
                }
                self.push(if distinct { "(DISTINCT " } else { "(" });
                let ty = args.iter().find_map(|arg| self.type_of(arg));
                self.list(args, |c, arg| c.operand(arg, 0, ty.as_ref()))?;
                self.order_inside(order)?;
                self.push(")");
            }
        }
        Ok(())
    }

    /// The column an expression is, if it is one, and its table's definition.
    pub(super) fn column_of<'e>(&self, expr: &'e Expr) -> Option<(&'e ColumnRef, Arc<TableDef>)> {
        match &expr.0 {
            Node::Column(column) => Some((column, self.find(&column.source).ok()?)),
            Node::Apply(Op::Label(_) | Op::Asc | Op::Desc, kids) => self.column_of(kids.items.first()?),
            _ => None,
        }
    }

    /// The type of an expression, where it is known.
    pub(super) fn type_of(&self, expr: &Expr) -> Option<Type> {
        self.types(|types| types.of(expr))
    }

    /// Asks for types of what stands in the statement.
    pub(super) fn types<T>(&self, ask: impl FnOnce(&Types<'_>) -> T) -> T {
        let find = |column: &ColumnRef| {
            // What a subquery names is not in sight around it.
            let of = |def: &TableDef| def.by_id(column.id).map(|c| c.column.ty.clone());
            match self.in_sight(&column.source) {
                Ok(known) => of(&known.def),
                Err(_) => of(&column.source.table.def()),
            }
        };
        ask(&Types(&find))
    }
}

/// The error of a column that is in no current version of its table.
pub(super) fn gone(source: &Source) -> Error {
    let table = source.table.def().display_name();
    let message = format!("a column of table `{table}` is gone since the expression was made");
    Error::new(ErrorKind::Stale, message).with_table(table)
}
