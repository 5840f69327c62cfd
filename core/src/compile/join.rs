//! FROM and its joins into SQL: conditions by foreign keys, and tables that nothing connects.
//!
//! Called by `select`; `write` asks for the tables beside the one it writes.

use super::Compiler;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{ColumnRef, Expr, Node, Op, Origin, Source};
use crate::schema::{ForeignKeyDef, TableDef};
use crate::stmt::{Join, JoinKind, Part, Select};

pub(super) fn from(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    let Some(first) = &select.from else {
        return Ok(());
    };
    let mut connected: Vec<(usize, usize)> = Vec::new();
    c.push(" FROM ");
    c.source(first)?;
    for (i, join) in select.joins.iter().enumerate() {
        if join.kind == JoinKind::Full && !c.target.features.full_join {
            return Err(c.target.unsupported("FULL JOIN"));
        }
        c.push(match join.kind {
            JoinKind::Full => " FULL JOIN ",
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Cross => " CROSS JOIN ",
        });
        c.source(&join.source)?;
        if join.kind == JoinKind::Cross {
            connected.push((0, i + 1));
            continue;
        }
        c.push(" ON ");
        match &join.on {
            Some(on) => c.expr(on)?,
            None => {
                let beside = on_key(c, select, i, join)?;
                connected.push((beside, i + 1));
            }
        }
    }
    check_connected(c, select, &connected);
    Ok(())
}

/// A foreign key between two tables of the statement: whose it is, where it points to, and which of its table's it is.
struct ByKey<'s> {
    from: &'s Source,
    to: &'s Source,
    key: usize,
    /// The positions of the columns it points to.
    targets: Vec<usize>,
    /// The position of the table that was there before.
    beside: usize,
}

/// Writes the condition of a join that was not given one, by the only foreign key between the table and those before it;
/// says which of them it is.
fn on_key(c: &mut Compiler<'_>, select: &Select, position: usize, join: &Join) -> Result<usize> {
    let found = keys_beside(c, select, position, join)?;
    let [one] = found.as_slice() else {
        let own = c.find(&join.source)?;
        return Err(if found.is_empty() { no_key(&own) } else { several_keys(c, &own, &found)? });
    };
    let (from, to) = (c.find(one.from)?, c.find(one.to)?);
    let key = from.foreign_keys.get(one.key).ok_or_else(|| no_key(&from))?;
    for (at, (own, target)) in key.columns.iter().zip(&one.targets).enumerate() {
        c.push(if at > 0 { " AND " } else { "" });
        // What is pointed to stands first: where collations differ, its own is the key's.
        for (source, def, at) in [(one.to, &to, *target), (one.from, &from, *own)] {
            let column = def.column_at(at).ok_or_else(|| no_key(def))?;
            c.column_of_table(source, column.id)?;
            c.push(if std::ptr::eq(source, one.to) { " = " } else { "" });
        }
    }
    Ok(one.beside)
}

/// The foreign keys between a table and those before it.
fn keys_beside<'s>(
    c: &Compiler<'_>,
    select: &'s Select,
    position: usize,
    join: &'s Join,
) -> Result<Vec<ByKey<'s>>> {
    let own = &c.in_sight(&join.source)?.def;
    if let Some(beside) = &join.beside {
        c.in_sight(beside)?;
    }
    let mut found = Vec::with_capacity(1);
    let earlier = select.joins.iter().take(position).map(|join| &join.source);
    for (beside, other) in select.from.iter().chain(earlier).enumerate() {
        if join.beside.as_ref().is_some_and(|beside| beside != other) {
            continue;
        }
        let def = &c.in_sight(other)?.def;
        let mut add = |(from, from_def): (&'s Source, &TableDef), (to, to_def): (&'s Source, &TableDef)| {
            let leads = |(key, def): (usize, &ForeignKeyDef)| {
                let targets = from_def.points_to(def, to_def).then(|| def.target_positions(to_def))??;
                Some(ByKey { from, to, key, targets, beside })
            };
            found.extend(from_def.foreign_keys.iter().enumerate().filter_map(leads));
        };
        add((&join.source, own), (other, def));
        add((other, def), (&join.source, own));
    }
    Ok(found)
}

/// The error of several keys, by their names.
fn several_keys(c: &Compiler<'_>, own: &TableDef, found: &[ByKey<'_>]) -> Result<Error> {
    let mut names: Vec<String> = Vec::new();
    for one in found {
        let def = c.find(one.from)?;
        let table = one.from.alias.as_deref().unwrap_or(def.name.as_str());
        let columns = def.foreign_keys.get(one.key).map_or(&[][..], |key| &key.columns);
        let parts: Vec<&str> = std::iter::once(table).chain(def.names_at(columns)).collect();
        names.push(parts.join("."));
    }
    let (table, keys) = (own.display_name(), names.join(" and "));
    let message = format!("`{table}` is connected by {keys}: say which with `join_on`");
    Ok(Error::new(ErrorKind::AmbiguousForeignKey, message).with_table(table))
}

fn no_key(table: &TableDef) -> Error {
    let table = table.display_name();
    let message = format!("no foreign key connects `{table}` with the tables before it: use `join_on`");
    Error::new(ErrorKind::NoForeignKey, message).with_table(table)
}

/// Warns of joined tables that no condition connects with the others: every row meets every row, which `cross_join`
/// would say.
fn check_connected(c: &mut Compiler<'_>, select: &Select, connected: &[(usize, usize)]) {
    // A key connects by itself, and so does what says that it does not.
    let explicit = |join: &&Join| join.on.is_some();
    if !select.joins.iter().any(|join| explicit(&join)) {
        return;
    }
    let mut parts = Parts::of(select.sources().collect());
    for (at, join) in select.joins.iter().enumerate() {
        if matches!(join.source.origin, Origin::Lateral(_) | Origin::Function(_)) {
            parts.connect(0, at + 1);
        }
    }
    connected.iter().for_each(|(one, other)| parts.connect(*one, *other));
    let conditions = select.joins.iter().filter_map(|join| join.on.as_ref()).chain(&select.filters);
    conditions.for_each(|condition| parts.connect_by(condition));
    parts.warn(c);
}

impl Compiler<'_> {
    /// Warns of tables beside one that is written which no condition connects with it.
    pub(super) fn check_beside(&mut self, written: &Source, tables: &[Source], filters: &[Expr]) {
        let mut parts = Parts::of(std::iter::once(written).chain(tables).collect());
        filters.iter().for_each(|condition| parts.connect_by(condition));
        parts.warn(self);
    }
}

/// The tables of a statement, and which of them conditions connect.
struct Parts<'s> {
    sources: Vec<&'s Source>,
    /// The part that each belongs to.
    part: Vec<usize>,
}

impl<'s> Parts<'s> {
    fn of(sources: Vec<&'s Source>) -> Parts<'s> {
        Parts { part: (0..sources.len()).collect(), sources }
    }

    fn connect(&mut self, one: usize, other: usize) {
        if let (Some(one), Some(other)) = (self.part.get(one).copied(), self.part.get(other).copied()) {
            self.part.iter_mut().filter(|part| **part == other).for_each(|part| *part = one);
        }
    }

    /// Connects all tables that a condition names; each term of an AND is one of its own.
    fn connect_by(&mut self, condition: &Expr) {
        if let Node::Apply(Op::And, terms) = &condition.0 {
            terms.items.iter().for_each(|term| self.connect_by(term));
            return;
        }
        let named: Vec<usize> = (0..self.sources.len())
            .filter(|at| self.sources.get(*at).is_some_and(|s| names(condition, s)))
            .collect();
        if let Some((first, others)) = named.split_first() {
            others.iter().for_each(|other| self.connect(*first, *other));
        }
    }

    fn warn(&self, c: &mut Compiler<'_>) {
        let name = |at: usize| {
            let source = self.sources.get(at)?;
            let table = source.table.def().display_name();
            Some(format!("`{}`", source.alias.as_deref().unwrap_or(&table)))
        };
        let list = |inside: &dyn Fn(usize) -> bool| -> String {
            let all = (0..self.part.len()).filter(|at| self.part.get(*at).is_some_and(|part| inside(*part)));
            all.filter_map(name).collect::<Vec<_>>().join(" and ")
        };
        let mut parts: Vec<usize> = self.part.clone();
        parts.sort_unstable();
        parts.dedup();
        let first = self.part.first().copied();
        for part in parts.into_iter().filter(|part| Some(*part) != first) {
            let (these, others) = (list(&|other| other == part), list(&|other| other != part));
            let product = format!("every row of {these} meets every row of {others}");
            c.warnings.push(format!("{product}: no condition connects them"));
        }
    }
}

/// Whether an expression names a table, in a subquery too. Text may name any.
fn names(expr: &Expr, table: &Source) -> bool {
    match &expr.0 {
        Node::Column(ColumnRef { source, .. }) => source == table,
        Node::Raw(_) => true,
        Node::Apply(Op::Text(_), _) => true,
        Node::Apply(_, kids) => kids.items.iter().any(|kid| names(kid, table)),
        Node::Subquery(select) => select_names(select, table),
        _ => false,
    }
}

fn select_names(select: &Select, table: &Source) -> bool {
    let mut found = false;
    select.each_part(&mut |part| {
        found |= match part {
            Part::Member(member) => select_names(member, table),
            Part::Source(_) => false,
            Part::Expr(expr) => names(expr, table),
        }
    });
    found
}
