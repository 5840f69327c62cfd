//! UNION, INTERSECT and EXCEPT into SQL.
//!
//! Members that are sorted, limited or compounds themselves stand in parentheses, or where there are none for
//! them in a SELECT of their own. Called by `select`.

use std::sync::Arc;

use super::Compiler;
use super::select::{last_words, limit};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Op};
use crate::rows::{ColumnInfo, Columns};
use crate::schema::Name;
use crate::stmt::selection::Item;
use crate::stmt::{Compound, Select, SetOp};

impl Compiler<'_> {
    pub(super) fn compound(&mut self, select: &Select, compound: &Compound) -> Result<Arc<Columns>> {
        check(select)?;
        let all = matches!(compound.op, SetOp::IntersectAll | SetOp::ExceptAll);
        if all && !self.target.grammar.set_operators_of_all() {
            return Err(self.target.unsupported(compound.op.as_sql()));
        }
        let mut columns: Option<Arc<Columns>> = None;
        for member in &compound.members {
            if columns.is_some() {
                self.push(" ");
                self.push(compound.op.as_sql());
                self.push(" ");
            }
            let own = self.member(member)?;
            let first = columns.get_or_insert_with(|| own.clone());
            if first.len() != own.len() {
                let (op, first, own) = (compound.op.as_sql(), first.len(), own.len());
                let message = format!("{op} of SELECTs of {first} and of {own} columns");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        }
        if !select.order_by.is_empty() {
            let names = names(compound);
            self.push(" ORDER BY ");
            self.list(&select.order_by, |c, term| {
                c.sort_term(term, |c, key, least| {
                    let (place, name) = names.find(key)?;
                    // By its place, which means one column whatever its name; IS NULL takes a name only.
                    match least {
                        0 => c.push(&place.to_string()),
                        _ => c.name(&Name::from(name)),
                    }
                    Ok(())
                })
            })?;
        }
        limit(self, select)?;
        last_words(self, select)?;
        // Rows of several tables are the columns of none.
        let plain = |info: &ColumnInfo| ColumnInfo { origin: None, ..info.clone() };
        Ok(Arc::new(Columns::new(columns.iter().flat_map(|c| c.iter()).map(plain).collect())))
    }

    fn member(&mut self, member: &Select) -> Result<Arc<Columns>> {
        if member.compound.is_none()
            && member.text.is_none()
            && member.order_by.is_empty()
            && !member.is_limited()
        {
            return self.select(member);
        }
        // A text may begin with WITH, which has no place in parentheses everywhere.
        let parentheses = self.target.grammar.compounds_in_parentheses() && member.text.is_none();
        self.push(if parentheses { "(" } else { "SELECT * FROM (" });
        let columns = self.select(member)?;
        self.push(if parentheses || !self.target.grammar.compounds_in_parentheses() {
            ")"
        } else {
            ") AS given"
        });
        Ok(columns)
    }
}

/// What a compound has no place for.
fn check(select: &Select) -> Result<()> {
    let more = [&select.filters, &select.group_by, &select.having].iter().any(|list| !list.is_empty());
    if more
        || select.lock.is_some()
        || select.distinct
        || !select.distinct_on.is_empty()
        || !select.joins.is_empty()
        || !select.items.is_empty()
        || select.from.is_some()
        || select.text.is_some()
        || select.words.iter().any(|words| words.first)
    {
        let message = "a UNION, INTERSECT or EXCEPT is sorted and limited: filter and join its members";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}

/// The columns of the first member, and what they are called in the result.
struct Names(Vec<(Expr, usize, Arc<str>)>);

fn names(compound: &Compound) -> Names {
    let first = compound.members.first().map(Select::first_member);
    let exprs = first.iter().flat_map(|select| &select.items).cloned().flat_map(Item::into_exprs);
    let named = exprs.enumerate().filter_map(|(at, expr)| {
        let name = match &expr.0 {
            Node::Apply(Op::Label(label), _) => label.clone(),
            Node::Column(column) => {
                let def = column.source.table.def();
                def.by_id(column.id).map(|found| found.column.name.shared())?
            }
            _ => return None,
        };
        Some((expr, at + 1, name))
    });
    Names(named.collect())
}

impl Names {
    /// The name of what it is sorted by: a column of the first member, a label, or a name in SQL.
    fn find(&self, key: &Expr) -> Result<(usize, Arc<str>)> {
        if let Node::Invalid(error) = &key.0 {
            return Err(error.clone());
        }
        let same = |expr: &Expr| match (&expr.unlabelled().0, &key.0) {
            (Node::Column(a), Node::Column(b)) => a.source == b.source && a.id == b.id,
            _ => false,
        };
        let label = match &key.0 {
            Node::Apply(Op::Label(label) | Op::Named(label), _) => Some(label),
            Node::Raw(word) => Some(word),
            _ => None,
        };
        let found = self.0.iter().find(|(expr, _, name)| same(expr) || label == Some(name));
        found.map(|(_, place, name)| (*place, name.clone())).ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|(.., name)| &**name).collect();
            let message = format!("a compound is sorted by its columns: {}", known.join(", "));
            Error::new(ErrorKind::Invalid, message)
        })
    }
}
