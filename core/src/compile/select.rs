//! SELECT into SQL: a list of clauses, walked in the order of the grammar.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::expr::{ATOM, gone};
use super::join::from;
use super::keyed;
use super::ready::Plans;
use super::{Compiled, Compiler, Known, Target, same_text, write_name, write_table};
use crate::dialect::{BindUse, Groupings, Locks};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{ColumnRef, Expr, Grouping, Node, Op, Origin, Source};
use crate::rows::{ColumnInfo, ColumnOrigin, Columns};
use crate::schema::{ColumnDef, ColumnId, Name, Table, TableDef};
use crate::stmt::selection::Item;
use crate::stmt::{Join, JoinKind, Lock, Select, Strength, TextRows, Wait};
use crate::types::Type;
use crate::value::Value;

/// The order of the clauses, which is all there is to know about the shape of a SELECT.
const CLAUSES: &[fn(&mut Compiler<'_>, &Select) -> Result<()>] =
    &[from, filter, group_by, having, order_by, limit, lock, last_words];

/// Compiles a SELECT; all columns of one table are ready after the first time.
pub(super) fn compile(select: &Select, target: &Target) -> Result<Compiled> {
    if let Some(table) = select.whole_table() {
        return Ok((*plans(&table.def(), &Source::of(table), target)?.select).clone());
    }
    let mut compiler = Compiler::new(target, false);
    let columns = compiler.select(select)?;
    let compiled = compiler.finish(Some(columns))?;
    let limit = select.timeout.or(compiled.limit);
    Ok(Compiled { single: by_key(select), once: select.once, limit, ..compiled })
}

/// The shorter of two limits; of a part, zero says nothing about the whole.
fn shortest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).filter(|limit| !limit.is_zero()).min()
}

/// Whether the filters give every column of the table's primary key one value.
fn by_key(select: &Select) -> bool {
    let (Some(source), true) = (&select.from, select.joins.is_empty()) else { return false };
    let def = source.table.def();
    let Some(key) = def.primary_key.as_ref().filter(|_| def.is_sure_of_its_key()) else { return false };
    let mut given = Vec::new();
    select.filters.iter().for_each(|filter| equalities(filter, &mut given));
    let mut columns = key.columns.iter().map(|at| def.column_at(*at).map(|c| c.id));
    columns.all(|id| id.is_some_and(|id| given.contains(&id)))
}

/// The columns that a condition compares with one value each.
fn equalities(condition: &Expr, given: &mut Vec<ColumnId>) {
    let Node::Apply(op, kids) = &condition.0 else { return };
    match (op, kids.items.as_slice()) {
        (Op::And, terms) => terms.iter().for_each(|term| equalities(term, given)),
        (Op::Eq, [Expr(Node::Column(column)), Expr(Node::Bind(_) | Node::Param(_))]) => given.push(column.id),
        _ => {}
    }
}

/// The ready plans of a table version, for callers without a statement.
pub(crate) fn ready<'d>(
    table: &Table,
    def: &'d Arc<TableDef>,
    target: &Target,
) -> Result<Cow<'d, Arc<Plans>>> {
    match def.ready.lend(target) {
        Some(plans) => Ok(Cow::Borrowed(plans)),
        None => plans(def, &Source::of(table), target).map(Cow::Owned),
    }
}

/// The ready plans of a table version.
pub(super) fn plans(def: &Arc<TableDef>, source: &Source, target: &Target) -> Result<Arc<Plans>> {
    def.ready.get(target, || {
        let mut table = String::new();
        write_table(target, def, &mut table);
        let most = target.features.max_identifier;
        let names = def.columns().map(|column| &column.column.name).chain([&def.name]).chain(&def.schema);
        let long = |name: &&Name| target.is_too_long(name.as_str(), most);
        if let Some(name) = names.into_iter().find(long) {
            // The server would cut it, and might find another by what is left.
            let message = format!("the name `{name}` is longer than {} takes", target.name);
            return Err(Error::new(ErrorKind::TooLarge, message).with_table(def.display_name()));
        }
        let qualify = |column: &ColumnDef| {
            let mut name = format!("{table}.");
            write_name(target, &column.column.name, &mut name);
            name
        };
        let qualified: Vec<String> = def.columns().map(qualify).collect();
        let list = qualified.join(", ");
        let columns = Arc::new(Columns::new(def.columns().map(|c| info(def, source, c)).collect()));
        let select = Compiled {
            sql: format!("SELECT {list} FROM {table}"),
            binds: Vec::new(),
            params: Vec::new(),
            columns: Some(columns.clone()),
            warnings: Vec::new(),
            single: false,
            once: false,
            limit: None,
        };
        let key = def.primary_key.as_ref().map_or(&[][..], |key| &key.columns);
        let get = match key {
            [] => String::new(),
            key => format!("{}{}", select.sql, keyed::where_key(def, key, target)),
        };
        Ok(Plans { columns, table, qualified, list, select: Arc::new(select), get })
    })
}

/// A result column that is a table's column.
fn info(def: &TableDef, source: &Source, column: &ColumnDef) -> ColumnInfo {
    let origin = ColumnOrigin { table: source.table.id(), table_name: def.name.shared(), column: column.id };
    ColumnInfo { origin: Some(origin), ..ColumnInfo::new(column.key.clone(), column.column.ty.clone()) }
}

impl Compiler<'_> {
    /// Writes a SELECT and says what its columns are.
    pub(super) fn select(&mut self, select: &Select) -> Result<Arc<Columns>> {
        self.limit = shortest(self.limit, select.timeout);
        self.after_names(select, |c| match (&select.compound, &select.text) {
            (Some(compound), _) => c.compound(select, compound),
            (None, Some(text)) => c.text_select(select, text),
            (None, None) => c.plain_select(select),
        })
    }

    /// A SELECT that is a text has nothing of its own.
    fn text_select(&mut self, select: &Select, text: &TextRows) -> Result<Arc<Columns>> {
        let plain = select.items.is_empty() && select.from.is_none() && select.joins.is_empty();
        let clauses = [&select.filters, &select.group_by, &select.having, &select.order_by];
        let none = clauses.iter().all(|clause| clause.is_empty())
            && select.distinct_on.is_empty()
            && select.words.is_empty()
            && !select.is_limited();
        if !(plain && none && !select.distinct && select.lock.is_none()) {
            let message = "the rows of a text are filtered, joined, sorted and limited as a subquery";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.expr(&text.expr)?;
        let def = text.table.def();
        let info = |column: &ColumnDef| ColumnInfo::new(column.key.clone(), column.column.ty.clone());
        Ok(Arc::new(Columns::new(def.columns().map(info).collect())))
    }

    fn plain_select(&mut self, select: &Select) -> Result<Arc<Columns>> {
        let mut known = select.sources().map(|source| self.known(source)).collect::<Result<Vec<Known>>>()?;
        check_names(&mut known, self.target.grammar.folds_names())?;
        // In RETURNING names stand alone, but not in a SELECT of its own tables there.
        let bare = std::mem::replace(&mut self.bare, self.literal);
        let written = self.within(known, |c| {
            c.push("SELECT ");
            own_words(c, select, true);
            c.push(if select.distinct { "DISTINCT " } else { "" });
            c.distinct_on(&select.distinct_on)?;
            let columns = c.select_list(select)?;
            CLAUSES.iter().try_for_each(|clause| clause(c, select))?;
            Ok(columns)
        });
        self.bare = bare;
        written
    }

    fn distinct_on(&mut self, columns: &[Expr]) -> Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        if !self.target.grammar.distinct_on() {
            return Err(self.target.unsupported("DISTINCT ON"));
        }
        self.push("DISTINCT ON ");
        self.parens(|c| c.list(columns, |c, column| c.expr(column)))?;
        self.push(" ");
        Ok(())
    }

    /// Writes a SELECT in the place of an expression.
    pub(super) fn subselect(&mut self, select: &Select) -> Result<()> {
        self.select(select).map(|_| ())
    }

    fn select_list(&mut self, select: &Select) -> Result<Arc<Columns>> {
        if select.items.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a SELECT of nothing"));
        }
        if let [Item::Table(source)] = select.items.as_slice()
            && self.in_sight(source)?.alias().is_none()
        {
            let plans = self.plans_of(source)?;
            self.push(&plans.list);
            return Ok(plans.columns.clone());
        }
        let mut columns = Vec::with_capacity(select.items.len());
        for item in &select.items {
            match item {
                Item::Expr(expr) => self.selected(expr, &mut columns)?,
                Item::Table(_) => {
                    item.clone()
                        .into_exprs()
                        .iter()
                        .try_for_each(|expr| self.selected(expr, &mut columns))?;
                }
            }
        }
        Ok(Arc::new(Columns::new(columns)))
    }

    /// Writes one selected expression.
    pub(super) fn selected(&mut self, expr: &Expr, columns: &mut Vec<ColumnInfo>) -> Result<()> {
        if !columns.is_empty() {
            self.push(", ");
        }
        if let Node::Column(column) = &expr.0
            && let Some(found) = self.plain_column(column)?
        {
            columns.push(found);
            return Ok(());
        }
        self.expr(expr)?;
        if let Node::Apply(Op::Label(label), _) = &expr.0 {
            self.push(" AS ");
            self.label(label);
        }
        columns.push(self.output(expr));
        Ok(())
    }

    /// Writes a column of a table under its own name, as it is ready, and says what it is in the result; nothing for others.
    fn plain_column(&mut self, column: &ColumnRef) -> Result<Option<ColumnInfo>> {
        let known = self.in_sight(&column.source)?;
        if self.bare || known.alias().is_some() || column.source.origin != Origin::Table {
            return Ok(None);
        }
        let (at, _) = known.def.place_of(column.id).ok_or_else(|| gone(&column.source))?;
        let plans = known.plans.clone();
        let Some((text, info)) = plans.qualified.get(at).zip(plans.columns.get(at)) else { return Ok(None) };
        self.push(text);
        Ok(Some(info.clone()))
    }

    /// What a selected expression is in the result.
    pub(super) fn output(&self, expr: &Expr) -> ColumnInfo {
        if let Some((reference, def)) = self.column_of(expr)
            && let Some(column) = def.by_id(reference.id)
        {
            let mut found = info(&def, &reference.source, column);
            if reference.source.origin != Origin::Table {
                found.origin = None;
            }
            let label = if matches!(expr.0, Node::Column(_)) { None } else { expr.output_name() };
            return ColumnInfo { name: label.unwrap_or_else(|| column.key.clone()), ..found };
        }
        let name = expr.output_name();
        ColumnInfo::new(name.unwrap_or_else(|| "?column?".into()), self.type_of(expr).unwrap_or(Type::Any))
    }

    /// Writes a table in FROM.
    pub(super) fn source(&mut self, source: &Source) -> Result<()> {
        match (&source.origin, &source.alias) {
            (Origin::Subquery(select), Some(alias)) => return self.derived(select, alias),
            (Origin::Lateral(select), Some(alias)) => return self.lateral(select, alias),
            (Origin::Function(call), Some(alias)) => return self.table_function(call, source, alias),
            (Origin::Itself, Some(alias)) if !self.open.contains(alias) => {
                let message = format!("`{alias}` stands for its own rows, inside the recursive SELECT alone");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            (Origin::Cte { .. } | Origin::Itself, Some(alias)) => {
                self.name(&Name::from(alias.clone()));
                return Ok(());
            }
            _ => {}
        }
        let def = self.find(source)?;
        self.check_hidden(source, &def)?;
        let known = self.in_sight(source)?;
        let (plans, alias) = (known.plans.clone(), known.alias().cloned());
        self.push(&plans.table);
        if let Some(alias) = alias {
            self.push(" AS ");
            self.name(&Name::from(alias));
        }
        Ok(())
    }

    /// Writes conditions that all hold after a word.
    pub(super) fn conditions(&mut self, word: &str, conditions: &[Expr]) -> Result<()> {
        match conditions {
            [] => Ok(()),
            [one] => {
                self.push(word);
                self.expr(one)
            }
            many => {
                self.push(word);
                self.all_of(many)
            }
        }
    }
}

/// Gives a table a name where one before it has its own in another schema, or in other letters where these are the same:
/// a column says the name alone to databases.
fn tell_apart(known: &mut [Known], folds: bool) {
    for at in 1..known.len() {
        let (before, rest) = known.split_at_mut(at);
        let Some((one, after)) = rest.split_first_mut() else { continue };
        if one.source.alias.is_some() {
            continue;
        }
        let name = one.def.name.as_str();
        let taken = |name: &str| {
            before.iter().chain(after.iter()).any(|other| same_text(other.exposed(), name, folds))
        };
        let other_schema = before.iter().any(|other| {
            let same = same_text(other.def.name.as_str(), name, folds);
            let itself = other.def.name.as_str() == name && other.def.schema == one.def.schema;
            other.alias().is_none() && same && !itself
        });
        if other_schema {
            let wishes = (1..).map(|n| format!("{name}_{n}"));
            one.given = wishes.into_iter().find(|wish| !taken(wish)).map(Arc::from);
        }
    }
}

/// Refuses two tables under one name, before the database does.
pub(super) fn check_names(known: &mut [Known], folds: bool) -> Result<()> {
    tell_apart(known, folds);
    for (i, one) in known.iter().enumerate() {
        if known.iter().take(i).any(|other| other.same_name(one, folds)) {
            let name = one.alias().map_or(one.def.name.as_str(), |alias| alias);
            let message = format!("`{name}` stands twice in the statement: give one an alias");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    }
    Ok(())
}

fn filter(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    c.conditions(" WHERE ", &select.filters)
}

fn group_by(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    if select.group_by.is_empty() {
        return Ok(());
    }
    c.push(" GROUP BY ");
    let groupings = c.target.grammar.groupings();
    match select.group_by.as_slice() {
        [Expr(Node::Apply(Op::Grouping(Grouping::Rollup), kids))] if groupings == Groupings::WithRollup => {
            c.list(&kids.items, |c, expr| grouped(c, select, expr))?;
            c.push(" WITH ROLLUP");
            Ok(())
        }
        all => c.list(all, |c, expr| match &expr.0 {
            Node::Apply(Op::Grouping(_), _) if groupings != Groupings::All => {
                Err(c.target.unsupported("several groupings in one GROUP BY"))
            }
            Node::Apply(Op::Grouping(kind), kids) => several(c, select, kind, &kids.items),
            _ => grouped(c, select, expr),
        }),
    }
}

/// One expression of GROUP BY.
fn grouped(c: &mut Compiler<'_>, select: &Select, expr: &Expr) -> Result<()> {
    let named = select.named(expr)?;
    let expr = named.as_ref().unwrap_or(expr);
    match place_of(select, expr) {
        Some(place) => {
            c.push(&place.to_string());
            Ok(())
        }
        None => c.expr(expr),
    }
}

/// ROLLUP, CUBE, GROUPING SETS.
fn several(c: &mut Compiler<'_>, select: &Select, kind: &Grouping, items: &[Expr]) -> Result<()> {
    let sets = match kind {
        Grouping::Rollup | Grouping::Cube => {
            c.push(if *kind == Grouping::Rollup { "ROLLUP " } else { "CUBE " });
            return c.parens(|c| c.list(items, |c, expr| grouped(c, select, expr)));
        }
        Grouping::Sets(sizes) => sizes,
    };
    let mut rest = items;
    c.push("GROUPING SETS ");
    c.parens(|c| {
        c.list(sets, |c, size| {
            let (set, after) = rest.split_at(rest.len().min(*size));
            rest = after;
            c.parens(|c| c.list(set, |c, expr| grouped(c, select, expr)))
        })
    })
}

/// The place of a selected expression that holds values, or is named by its label: written twice it would have
/// other parameters, and be another expression to some databases.
fn place_of(select: &Select, key: &Expr) -> Option<usize> {
    let same = |item: &Item| match (item, &key.0) {
        (Item::Expr(Expr(Node::Apply(Op::Label(a), _))), Node::Apply(Op::Label(b), _)) => a == b,
        (Item::Expr(selected), Node::Apply(_, kids)) => {
            matches!(&selected.unlabelled().0, Node::Apply(_, own) if Arc::ptr_eq(own, kids))
                && holds_values(key)
        }
        _ => false,
    };
    let counted = select.items.iter().all(|item| matches!(item, Item::Expr(_)));
    select.items.iter().position(same).filter(|_| counted).map(|at| at + 1)
}

fn holds_values(expr: &Expr) -> bool {
    match &expr.0 {
        Node::Bind(_) | Node::Param(_) => true,
        Node::Apply(_, kids) => kids.items.iter().any(holds_values),
        _ => false,
    }
}

fn having(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    c.conditions(" HAVING ", &select.having)
}

fn order_by(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    if select.order_by.is_empty() {
        return Ok(());
    }
    c.push(" ORDER BY ");
    c.list(&select.order_by, |c, expr| sort_term(c, select, expr))
}

/// What ORDER BY sorts by: a selected column that has a label stands as its label.
fn sort_term(c: &mut Compiler<'_>, select: &Select, term: &Expr) -> Result<()> {
    let selected = |label: &Arc<str>| {
        select.items.iter().any(|item| matches!(item, Item::Expr(e) if e.label_of() == Some(label)))
    };
    c.sort_term(term, |c, key, least| {
        let named = select.named(key)?;
        let key = named.as_ref().unwrap_or(key);
        match key.label_of().filter(|label| selected(label)) {
            // Inside an expression a name is a table's column first.
            Some(label) if least == 0 => {
                c.label(label);
                Ok(())
            }
            _ => c.operand(key, least, None),
        }
    })
}

pub(super) fn limit(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    let literal = c.target.features.literal_limit;
    let least = if select.ties { ATOM } else { 0 };
    let limit = match &select.limit_by {
        Some(expr) => Some(counted(c, expr, least)?),
        None => select.limit.map(|n| number(c, n, literal)).transpose()?,
    };
    let offset = match &select.offset_by {
        Some(expr) => Some(counted(c, expr, least)?),
        None => select.offset.map(|n| number(c, n, false)).transpose()?,
    };
    if select.ties {
        return with_ties(c, select, limit, offset);
    }
    c.target.grammar.limit(limit.as_deref(), offset.as_deref(), &mut c.sql);
    Ok(())
}

/// A limit of the standard, which takes what is equal to the last row (SQL:2016, 7.17).
fn with_ties(
    c: &mut Compiler<'_>,
    select: &Select,
    limit: Option<String>,
    offset: Option<String>,
) -> Result<()> {
    if !c.target.grammar.limits_with_ties(&c.target.features, offset.is_some()) {
        return Err(c.target.unsupported("WITH TIES"));
    }
    let (Some(limit), false) = (limit, select.order_by.is_empty()) else {
        return Err(Error::new(ErrorKind::Invalid, "rows equal to the last need a limit and an order"));
    };
    if let Some(offset) = offset {
        c.push(&format!(" OFFSET {offset} ROWS"));
    }
    c.push(&format!(" FETCH FIRST {limit} ROWS WITH TIES"));
    Ok(())
}

/// The program's own words for this database.
fn own_words(c: &mut Compiler<'_>, select: &Select, first: bool) {
    let own = select.words.iter().filter(|words| words.first == first && *words.dialect == *c.target.name);
    for words in own {
        c.push(if first { "" } else { " " });
        c.push(&words.text);
        // What stands behind them is not to become part of a comment.
        let comments = words.text.contains("--") || words.text.contains('#');
        c.push(match (first, comments) {
            (_, true) => "\n",
            (true, false) => " ",
            (false, false) => "",
        });
    }
}

/// The words at the end.
pub(super) fn last_words(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    own_words(c, select, false);
    Ok(())
}

/// FOR UPDATE and its like, in the server's words.
fn lock(c: &mut Compiler<'_>, select: &Select) -> Result<()> {
    let Some(lock) = select.lock.as_deref() else { return Ok(()) };
    let locks = c.target.features.locks;
    if locks == Locks::None {
        return Ok(());
    }
    let words = match (lock.strength, locks) {
        (Strength::Update, _) => " FOR UPDATE",
        (Strength::Share, Locks::Plain) => " LOCK IN SHARE MODE",
        (Strength::Share, _) => " FOR SHARE",
        (Strength::NoKeyUpdate, Locks::Keys) => " FOR NO KEY UPDATE",
        (Strength::KeyShare, Locks::Keys) => " FOR KEY SHARE",
        _ => return Err(c.target.unsupported("locks of keys")),
    };
    c.push(words);
    let of = locked_tables(select, lock, locks);
    if !of.is_empty() {
        if locks == Locks::Plain {
            return Err(c.target.unsupported("locks of some of the tables"));
        }
        c.push(" OF ");
        c.list(&of, |c, source| {
            // A lock names a table as the statement does, without its schema.
            let known = c.in_sight(source)?;
            let name = known.alias().cloned().map_or(known.def.name.clone(), Name::from);
            c.name(&name);
            Ok(())
        })?;
    }
    c.push(match lock.wait {
        Wait::Yes => "",
        Wait::No => " NOWAIT",
        Wait::Skip => " SKIP LOCKED",
    });
    Ok(())
}

/// The tables whose rows are locked, where not all are. PostgreSQL locks no rows that may be missing (LEFT JOIN; SELECT, The
/// Locking Clause): where nobody said which, the others.
fn locked_tables(select: &Select, lock: &Lock, locks: Locks) -> Vec<Source> {
    let is_outer = |join: &&Join| join.kind == JoinKind::Left;
    if !lock.of.is_empty() || locks != Locks::Keys || !select.joins.iter().any(|join| is_outer(&join)) {
        return lock.of.clone();
    }
    let inner = select.joins.iter().filter(|join| !is_outer(join)).map(|join| &join.source);
    let all = select.from.iter().chain(inner).filter(|source| source.origin == Origin::Table);
    all.cloned().collect()
}

/// A number of rows that is an expression.
fn counted(c: &mut Compiler<'_>, expr: &Expr, least: u8) -> Result<String> {
    if matches!(expr.0, Node::Bind(Value::Null)) || matches!(expr.0, Node::Bind(Value::Int(n)) if n < 0) {
        return Err(Error::new(ErrorKind::Invalid, "a number of rows is a whole number from 0"));
    }
    if !matches!(expr.0, Node::Bind(Value::Int(_)) | Node::Param(_) | Node::Invalid(_))
        && !c.target.grammar.limits_by_expressions()
    {
        return Err(c.target.unsupported("LIMIT that is reckoned"));
    }
    let (before, params) = (std::mem::take(&mut c.sql), c.params.len());
    let written = c.operand(expr, least, Some(&Type::BigInteger));
    let text = std::mem::replace(&mut c.sql, before);
    written?;
    let own = c.params.iter_mut().skip(params);
    for slot in own {
        if slot.list.is_some() {
            return Err(Error::new(ErrorKind::Invalid, "a list has no place in a LIMIT"));
        }
        slot.counts = matches!(expr.0, Node::Param(_));
    }
    Ok(text)
}

/// A number of rows: in the text, or as a placeholder.
fn number(c: &mut Compiler<'_>, rows: u64, literal: bool) -> Result<String> {
    // Databases count rows in 64 bits with a sign; more than they can count is all of them.
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    if literal || c.literal {
        return Ok(rows.to_string());
    }
    let before = std::mem::take(&mut c.sql);
    c.bind(&Value::Int(rows), None, BindUse::Compare)?;
    Ok(std::mem::replace(&mut c.sql, before))
}
