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
            continue;
        }
        c.push(" ON ");
        match &join.on {
            Some(on) => c.expr(on)?,
            None => {
                let on = infer_on(c, select, i, join)?;
                c.expr(&on)?;
            }
        }
    }
    check_connected(c, select);
    Ok(())
}

/// The condition of a join that was not given one: the only foreign key between the table and
/// those before it.
fn infer_on(c: &Compiler<'_>, select: &Select, position: usize, join: &Join) -> Result<Expr> {
    let own = c.find(&join.source)?;
    if let Some(beside) = &join.beside {
        c.find(beside)?;
    }
    let mut found: Vec<(Expr, String)> = Vec::new();
    let earlier = select.joins.iter().take(position).map(|join| &join.source);
    for other in select.from.iter().chain(earlier) {
        if join.beside.as_ref().is_some_and(|beside| beside != other) {
            continue;
        }
        let def = c.find(other)?;
        links(&join.source, &own, other, &def, &mut found);
        links(other, &def, &join.source, &own, &mut found);
    }
    match found.len() {
        1 => found.pop().map(|(on, _)| on).ok_or_else(|| no_key(&own)),
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

/// Warns of a joined table that no condition connects with the others: every row meets every row, which `cross_join`
/// would say.
fn check_connected(c: &mut Compiler<'_>, select: &Select) {
    let connects = |join: &Join| match (&join.on, join.kind, &join.source.origin) {
        (None, ..) | (_, JoinKind::Cross, _) | (_, _, Origin::Lateral(_) | Origin::Function(_)) => true,
        (Some(on), ..) => is_connected(&join.source, select.sources(), std::iter::once(on)),
    };
    for join in &select.joins {
        let by_filters = || is_connected(&join.source, select.sources(), select.filters.iter());
        if !connects(join) && !by_filters() {
            let others = select.sources().filter(|source| **source != join.source);
            c.warn_of_product(&join.source, others);
        }
    }
}

impl Compiler<'_> {
    /// Warns of tables beside one that is written which no condition connects with it or each other.
    pub(super) fn check_beside(&mut self, written: &Source, tables: &[Source], filters: &[Expr]) {
        for table in tables {
            let others = || std::iter::once(written).chain(tables.iter().filter(|other| *other != table));
            if !is_connected(table, others(), filters.iter()) {
                self.warn_of_product(table, others());
            }
        }
    }

    fn warn_of_product<'s>(&mut self, one: &Source, others: impl Iterator<Item = &'s Source>) {
        let name = |source: &Source| {
            let table = source.table.def().display_name();
            format!("`{}`", source.alias.as_deref().unwrap_or(&table))
        };
        let others: Vec<String> = others.map(name).collect();
        let product = format!("every row of {} meets every row of {}", name(one), others.join(" and "));
        self.warnings.push(format!("{product}: no condition connects them"));
    }
}

/// Whether a condition is about a table and another of these.
fn is_connected<'e, 's>(
    table: &Source,
    others: impl Iterator<Item = &'s Source>,
    conditions: impl Iterator<Item = &'e Expr> + Clone,
) -> bool {
    let others: Vec<&Source> = others.filter(|other| *other != table).collect();
    // Each term of an AND is a condition of its own; OR and others connect all that they name.
    conditions.clone().any(|condition| connects(condition, table, &others))
}

fn connects(condition: &Expr, table: &Source, others: &[&Source]) -> bool {
    if let Node::Apply(Op::And, terms) = &condition.0 {
        return terms.items.iter().any(|term| connects(term, table, others));
    }
    names(condition, table) && others.iter().any(|other| names(condition, other))
}

/// Whether an expression names a table, in a subquery too. Text may name any.
fn names(expr: &Expr, table: &Source) -> bool {
    match &expr.0 {
        Node::Column(ColumnRef { source, .. }) => source == table,
        Node::Raw(_) => true,
        Node::Apply(Op::Text(_), _) => true,
        Node::Apply(_, kids) => kids.items.iter().any(|kid| names(kid, table)),
        Node::Subquery(select) => {
            let mut found = false;
            select.each_part(&mut |part| {
                found |= match part {
                    Part::Member(member) => names(&Expr::from(member.clone()), table),
                    Part::Source(_) => false,
                    Part::Expr(expr) => names(expr, table),
                }
            });
            found
        }
        _ => false,
    }
}
