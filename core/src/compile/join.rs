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
                let (on, beside) = infer_on(c, select, i, join)?;
                connected.push((beside, i + 1));
                c.expr(&on)?;
            }
        }
    }
    check_connected(c, select, &connected);
    Ok(())
}

/// The condition of a join that was not given one: the only foreign key between the table and
/// those before it.
fn infer_on(c: &Compiler<'_>, select: &Select, position: usize, join: &Join) -> Result<(Expr, usize)> {
    let own = c.find(&join.source)?;
    if let Some(beside) = &join.beside {
        c.find(beside)?;
    }
    let mut found: Vec<(Expr, String)> = Vec::new();
    let mut beside = 0;
    let earlier = select.joins.iter().take(position).map(|join| &join.source);
    for (at, other) in select.from.iter().chain(earlier).enumerate() {
        if join.beside.as_ref().is_some_and(|beside| beside != other) {
            continue;
        }
        let def = c.find(other)?;
        links(&join.source, &own, other, &def, &mut found);
        links(other, &def, &join.source, &own, &mut found);
        if found.len() == 1 && beside == 0 {
            beside = at;
        }
    }
    match found.len() {
        1 => found.pop().map(|(on, _)| (on, beside)).ok_or_else(|| no_key(&own)),
        0 => Err(no_key(&own)),
        _ => {
            let (table, keys) =
                (own.display_name(), found.into_iter().map(|(_, key)| key).collect::<Vec<_>>());
            let message =
                format!("`{table}` is connected by {}: say which with `join_on`", keys.join(" and "));
            Err(Error::new(ErrorKind::AmbiguousForeignKey, message).with_table(table))
        }
    }
}

fn no_key(table: &TableDef) -> Error {
    let table = table.display_name();
    let message = format!("no foreign key connects `{table}` with the tables before it: use `join_on`");
    Error::new(ErrorKind::NoForeignKey, message).with_table(table)
}

/// The foreign keys of one table that point to another, as join conditions with their names.
fn links(
    from: &Source,
    from_def: &TableDef,
    to: &Source,
    to_def: &TableDef,
    found: &mut Vec<(Expr, String)>,
) {
    for key in &from_def.foreign_keys {
        if from_def.points_to(key, to_def)
            && let Some(on) = key_condition(from, from_def, key, to, to_def)
        {
            let mut name = String::with_capacity(64);
            name.push_str(from.alias.as_deref().unwrap_or(from_def.name.as_str()));
            from_def.names_at(&key.columns).for_each(|column| {
                name.push('.');
                name.push_str(column);
            });
            found.push((on, name));
        }
    }
}

/// Column by column, this side equals that side; none when the target's columns are unknown.
fn key_condition(
    from: &Source,
    from_def: &TableDef,
    key: &ForeignKeyDef,
    to: &Source,
    to_def: &TableDef,
) -> Option<Expr> {
    let column = |source: &Source, id| Expr::column(ColumnRef { source: source.clone(), id });
    let pairs = key.columns.iter().zip(key.target_positions(to_def)?).map(|(own, target)| {
        let (own, target) = (from_def.column_at(*own)?, to_def.column_at(target)?);
        // What is pointed to stands first: where collations differ, its own is the key's.
        Some(column(to, target.id).eq(column(from, own.id)))
    });
    Some(Expr::all(pairs.collect::<Option<Vec<Expr>>>()?))
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
