//! A plan the caller holds: compiled once, run again and again with new values.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;

use super::caller::mark;
use super::conn::{Conn, Execute, Writing};
use super::lists::{values_of, with_lists};
use super::write::written;
use crate::compile::{Compile, Compiled, ParamSlot, adapt};
use crate::dialect::{BindUse, Request, Upserts, is_plain};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Op, Source};
use crate::rows::{Row, RowBuffer, Rows};
use crate::schema::Table;
use crate::stmt::insert::InsertBody;
use crate::stmt::{Delete, Insert, IntoRow, IntoValues, Operation, Select, Tables, Update};
use crate::value::{Value, ValueRef};

/// A statement that was compiled once.
///
/// It notices when a table it names has changed, or when it runs on another kind of server, and
/// compiles itself again.
#[derive(Debug)]
pub struct Plan<S = Select> {
    statement: S,
    now: RwLock<Arc<Prepared>>,
}

#[derive(Debug)]
struct Prepared {
    compiled: Compiled,
    target: u64,
    tables: Vec<(Table, u32)>,
}

/// A statement that can be prepared: one that says which tables it depends on.
pub trait Prepare: Compile + Clone + Tables {
    /// Compiles the statement once, to be run many times with different values of its
    /// [`param`](crate::expr::param)s.
    ///
    /// # Errors
    /// As [`Compile::compile`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&users).rows(["name"], [["ann"], ["ben"]]).run(&db)?;
    /// let by_id = select(&users).filter(users.c("id").eq(param("id"))).prepare(&db)?;
    /// assert_eq!(by_id.one(&db, values! { "id" => 2 })?.get::<String>("name")?, "ben");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn prepare(&self, on: &impl Execute) -> Result<Plan<Self>> {
        let conn = on.lend_for(self)?;
        let now = RwLock::new(Arc::new(Prepared::make(self, &conn)?));
        Ok(Plan { statement: self.clone(), now })
    }
}

impl Prepare for Select {}
impl Prepare for Insert {}
impl Prepare for Update {}
impl Prepare for Delete {}

impl Prepared {
    fn make(statement: &impl Prepare, conn: &Conn) -> Result<Prepared> {
        // All whose definitions it depends on; the one it writes, if any, stands first.
        let mut tables: Vec<(Table, u32)> = Vec::new();
        statement.each(&mut |table| {
            if tables.iter().all(|(known, _)| known != table) {
                tables.push((table.clone(), table.version()));
            }
        });
        let compiled = statement.compile(conn.target())?;
        Ok(Prepared { compiled, target: conn.target().id, tables })
    }

    fn holds(&self, conn: &Conn) -> bool {
        let same = |(table, version): &(Table, u32)| table.version() == *version;
        self.target == conn.target().id && self.tables.iter().all(same)
    }
}

impl<S: Prepare> Plan<S> {
    /// The text of the plan.
    pub fn sql(&self) -> String {
        self.now.read().compiled.sql.clone()
    }

    fn current(&self, conn: &Conn) -> Result<Arc<Prepared>> {
        let now = self.now.read().clone();
        if now.holds(conn) {
            return Ok(now);
        }
        let made = Arc::new(Prepared::make(&self.statement, conn)?);
        *self.now.write() = made.clone();
        Ok(made)
    }
}

impl Plan<Select> {
    /// All rows for these values.
    ///
    /// # Errors
    /// `Invalid` for a parameter without a value or a value without a parameter, `Conversion` for
    /// values that do not fit, and the database's.
    #[track_caller]
    pub fn all(&self, on: &impl Execute, values: impl IntoValues) -> Result<Rows> {
        let _caller = mark();
        let conn = on.lend_for(&self.statement)?;
        let prepared = self.current(&conn)?;
        let compiled = &prepared.compiled;
        let (sql, binds) = fill(&conn, compiled, values, BindUse::Compare)?;
        let columns = compiled.columns.as_ref();
        let warnings = compiled.warnings();
        let (single, limit) = (compiled.single, compiled.limit);
        let request = Request { columns, single, limit, warnings, ..Request::new(&sql, &binds) };
        conn.rows(&request, 1)
    }

    /// The only row for these values.
    ///
    /// # Errors
    /// As [`Plan::all`], and `NotFound`, `MultipleFound`.
    #[track_caller]
    pub fn one(&self, on: &impl Execute, values: impl IntoValues) -> Result<Row> {
        let _caller = mark();
        self.all(on, values)?.into_one()
    }

    /// The only row for these values, if there is one.
    ///
    /// # Errors
    /// As [`Plan::all`], and `MultipleFound`.
    #[track_caller]
    pub fn one_or_none(&self, on: &impl Execute, values: impl IntoValues) -> Result<Option<Row>> {
        let _caller = mark();
        self.all(on, values)?.one_or_none()
    }
}

/// A statement that changes rows, for plans.
pub trait Writes: Prepare {
    /// What it writes.
    #[doc(hidden)]
    fn writing(&self) -> Writing<'_>;

    /// How many rows it was, of as many as the server counts.
    #[doc(hidden)]
    fn counted(&self, conn: &Conn, rows: u64) -> u64 {
        let _ = conn;
        rows
    }

    /// How it sets columns of one row by its key, where that is all it does.
    #[doc(hidden)]
    fn by_key(&self) -> Option<ByKey> {
        None
    }
}

/// An update of one row by its key, all of it parameters: many of them are one statement.
#[doc(hidden)]
#[derive(Debug)]
pub struct ByKey {
    /// Positions of the columns that are set, and the key's.
    set: Vec<usize>,
    key: usize,
    /// The parameters' names, the key's last.
    names: Vec<Arc<str>>,
}

impl Writes for Insert {
    fn writing(&self) -> Writing<'_> {
        Writing { statement: self, table: &self.table, operation: Operation::Insert, criteria: &[] }
    }

    /// A row that was updated counts twice there.
    fn counted(&self, conn: &Conn, rows: u64) -> u64 {
        let twice = conn.target().grammar().upserts() == Upserts::OnDuplicateKey;
        let one = matches!(self.body, InsertBody::One(_)) && self.conflict.is_some();
        if twice && one { rows.min(1) } else { rows }
    }
}

impl Writes for Update {
    fn writing(&self) -> Writing<'_> {
        Writing { statement: self, table: &self.table, operation: Operation::Update, criteria: &self.filters }
    }

    fn by_key(&self) -> Option<ByKey> {
        let def = self.table.def();
        let [Expr(Node::Apply(Op::Eq, sides))] = self.filters.as_slice() else { return None };
        let [Expr(Node::Column(column)), Expr(Node::Param(name))] = sides.items.as_slice() else {
            return None;
        };
        let (key, _) = def.place_of(column.id)?;
        let is_key = def.primary_key().is_some_and(|own| own.columns == [key]);
        let fills_in =
            def.row_version().is_some() || def.columns().any(|column| column.client_on_update().is_some());
        let some = self.limit.is_some() || !self.order_by.is_empty();
        if some || !self.tables.is_empty() || !self.returning.is_empty() {
            return None;
        }
        if !is_key || fills_in || column.source != Source::of(&self.table) {
            return None;
        }
        let mut found = ByKey { set: Vec::new(), key, names: Vec::new() };
        for (column, value) in &self.set {
            let Node::Param(name) = &value.0 else { return None };
            found.set.push(def.columns.get_index_of(&**column)?);
            found.names.push(name.clone());
        }
        found.names.push(name.clone());
        Some(found)
    }
}

impl Writes for Delete {
    fn writing(&self) -> Writing<'_> {
        Writing { statement: self, table: &self.table, operation: Operation::Delete, criteria: &self.filters }
    }
}

impl<S: Writes> Plan<S> {
    /// Runs the plan for these values, and says how many rows it changed or matched.
    ///
    /// # Errors
    /// As [`Plan::all`]; constraint violations as [`Insert::run`].
    #[track_caller]
    pub fn run(&self, on: &impl Execute, values: impl IntoValues) -> Result<u64> {
        let _caller = mark();
        let mut given: Vec<(Arc<str>, Expr)> = Vec::new();
        values.each(&mut |name, value| given.push((name.into(), value)));
        written(on, self.statement.writing(), |conn| {
            let prepared = self.current(conn)?;
            let compiled = &prepared.compiled;
            let (sql, binds) = fill(conn, compiled, given.clone(), BindUse::Store)?;
            let def = prepared.tables.first().map(|(table, _)| table.def());
            let rows = conn.run(&Request::new(&sql, &binds), def.as_deref())?.rows;
            let rows = self.statement.counted(conn, rows);
            Ok((rows, rows))
        })
    }

    /// Runs the plan for each row of values of these parameters, preparing it once, in one
    /// transaction: the caller's, or one of its own. Says how many rows it changed or matched.
    ///
    /// # Errors
    /// As [`Plan::run`]; outside a transaction of the caller's nothing is changed then.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&users).rows(["name"], [["ann"], ["ben"]]).run(&db)?;
    /// let rename = update(&users)
    ///     .set(values! { "name" => param("name") })
    ///     .filter(users.c("id").eq(param("id")))
    ///     .prepare(&db)?;
    /// assert_eq!(rename.run_many(&db, ["name", "id"], [("anna", 1), ("benno", 2)])?, 2);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn run_many<R: IntoRow, const N: usize>(
        &self,
        on: &impl Execute,
        names: [&str; N],
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64> {
        let _caller = mark();
        let mut flat = RowBuffer::default();
        let mut count = 0;
        for row in rows {
            let before = flat.len();
            row.push_to(&mut flat);
            if flat.len() - before != N {
                let message = format!("{N} names, and a row of {} values", flat.len() - before);
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            count += 1;
        }
        written(on, self.statement.writing(), |conn| {
            // Where a statement is no round trip, the plan is faster than what gathers rows.
            if conn.target().features().remote
                && let Some((keyed, values)) = keyed_rows(&self.statement, &names, &flat, count)
            {
                let def = self.statement.writing().table.def();
                let columns = (&*keyed.set, &[keyed.key][..]);
                let rows = conn.atomically(|conn| conn.update_rows(&def, columns, &values, count))?;
                return Ok((rows, rows));
            }
            let prepared = self.current(conn)?;
            let values = many(conn, &prepared.compiled, &names, &flat, count)?;
            let Some((table, _)) = prepared.tables.first() else { return Ok((0, 0)) };
            let (sql, width, def) = (&prepared.compiled.sql, prepared.compiled.binds.len(), table.def());
            if values.is_empty() {
                return Ok((0, 0));
            }
            let whole = (&values, 0..values.len());
            let rows = conn.atomically(|conn| conn.run_many(sql, width, whole, None, &def))?;
            Ok((rows, rows))
        })
    }
}

/// The rows of an update by key in the order of its columns, the key last; none for another statement,
/// and where a key stands twice, for then the order of the rows matters.
fn keyed_rows(
    statement: &impl Writes,
    names: &[&str],
    flat: &RowBuffer,
    count: usize,
) -> Option<(ByKey, RowBuffer)> {
    let keyed = statement.by_key().filter(|keyed| count > 1 && keyed.names.len() == names.len())?;
    let place = |name: &Arc<str>| names.iter().position(|given| **given == **name);
    let places: Vec<usize> = keyed.names.iter().map(place).collect::<Option<_>>()?;
    let mut values = RowBuffer::with_capacity(count * names.len());
    let mut keys = HashSet::with_capacity(count);
    for row in 0..count {
        places.iter().for_each(|at| values.push_ref(flat.get(row * names.len() + at)));
        match values.get(values.len() - 1) {
            ValueRef::Int(key) if keys.insert(key) => {}
            _ => return None,
        }
    }
    Some((keyed, values))
}

/// The parameters of all rows, one row after the other.
fn many(
    conn: &Conn,
    compiled: &Compiled,
    names: &[&str],
    rows: &RowBuffer,
    count: usize,
) -> Result<RowBuffer> {
    let places: Vec<usize> =
        compiled.params.iter().map(|slot| place_of(names, slot)).collect::<Result<_>>()?;
    names.iter().try_for_each(|name| known(compiled, name))?;
    if compiled.params.iter().any(|slot| slot.list.is_some()) {
        let message = "a plan that takes lists runs once for each of them: use `run`";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let mut flat = RowBuffer::with_capacity(count * compiled.binds.len());
    for row in 0..count {
        let mut slots = compiled.params.iter().zip(&places).peekable();
        for (at, fixed) in compiled.binds.iter().enumerate() {
            match slots.next_if(|(slot, _)| slot.at == at) {
                Some((slot, place)) => {
                    push_fitted(conn, slot, rows.get(row * names.len() + place), &mut flat)?;
                }
                None => flat.push_ref(fixed.as_ref()),
            }
        }
    }
    Ok(flat)
}

/// Adds a parameter's value; plain ones go from buffer to buffer.
fn push_fitted(conn: &Conn, slot: &ParamSlot, value: ValueRef<'_>, flat: &mut RowBuffer) -> Result<()> {
    if slot.ty.as_ref().is_some_and(|ty| is_plain(value, ty)) {
        flat.push_ref(value);
    } else {
        flat.push(fitted(conn, slot, value.to_value(), BindUse::Store)?);
    }
    Ok(())
}

fn place_of(names: &[&str], slot: &ParamSlot) -> Result<usize> {
    names.iter().position(|name| **name == *slot.name).ok_or_else(|| no_value(slot))
}

fn no_value(slot: &ParamSlot) -> Error {
    Error::new(ErrorKind::Invalid, format!("the parameter `{}` has no value", slot.name))
}

fn known(compiled: &Compiled, name: &str) -> Result<()> {
    if compiled.params.iter().any(|slot| *slot.name == *name) {
        return Ok(());
    }
    let near = crate::suggest::did_you_mean(name, compiled.params.iter().map(|slot| &*slot.name));
    Err(Error::new(ErrorKind::Invalid, format!("the plan has no parameter `{name}`{near}")))
}

/// A parameter's value in the form the driver stores. What is stored must fit; what is compared
/// with is known by its use in the plan.
fn fitted(conn: &Conn, slot: &ParamSlot, value: Value, to: BindUse) -> Result<Value> {
    let to = if slot.stored { to } else { BindUse::Compare };
    adapt(conn.target(), value, slot.ty.as_ref(), to).map_err(|e| e.at(format!("parameter `{}`", slot.name)))
}

/// The parameters of one run: the plan's own, and the given values in their places.
fn fill<'c>(
    conn: &Conn,
    compiled: &'c Compiled,
    values: impl IntoValues,
    to: BindUse,
) -> Result<(Cow<'c, str>, Vec<Value>)> {
    let mut binds = compiled.binds.clone();
    let (mut filled, mut lists) = (Filled::of(compiled.params.len()), Vec::new());
    let mut failed = None;
    values.each(&mut |name, expr| {
        let is_list = compiled.params.iter().any(|slot| *slot.name == *name && slot.list.is_some());
        let placed = match expr.0 {
            _ if is_list => place_list(conn, compiled, &mut lists, name, expr),
            Node::Bind(value) => place(conn, compiled, &mut binds, name, value, to),
            _ => Err(Error::new(ErrorKind::Invalid, format!("the parameter `{name}` takes a value"))),
        };
        match placed {
            Ok(()) if !filled.take(compiled, name) => drop(failed.get_or_insert_with(|| given_twice(name))),
            Ok(()) => {}
            Err(error) => drop(failed.get_or_insert(error)),
        }
    });
    match failed {
        Some(error) => Err(error),
        None if !filled.all() => Err(missing(compiled)),
        None => {
            let (sql, binds) = with_lists(compiled, binds, lists);
            let most = conn.target().features().max_params;
            if binds.len() > most {
                let message = format!("{} parameters; {} takes {most}", binds.len(), conn.target().dialect());
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            Ok((sql, binds))
        }
    }
}

/// Keeps a list for every slot of its name.
fn place_list(
    conn: &Conn,
    compiled: &Compiled,
    lists: &mut Vec<(usize, Vec<Value>)>,
    name: &str,
    expr: Expr,
) -> Result<()> {
    let values = values_of(expr, name)?;
    for slot in compiled.params.iter().filter(|slot| *slot.name == *name) {
        if slot.list.is_none() {
            let message = format!("the parameter `{name}` is a list at one place and a value at another");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let fit = |value: &Value| fitted(conn, slot, value.clone(), BindUse::Compare);
        lists.push((slot.at, values.iter().map(fit).collect::<Result<_>>()?));
    }
    Ok(())
}

fn given_twice(name: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("the parameter `{name}` is given twice"))
}

/// Which parameters of a plan have a value.
struct Filled {
    few: [bool; 16],
    many: Vec<bool>,
    count: usize,
}

impl Filled {
    fn of(count: usize) -> Filled {
        let many = if count > 16 { vec![false; count] } else { Vec::new() };
        Filled { few: [false; 16], many, count }
    }

    fn slots(&mut self) -> &mut [bool] {
        if self.count > 16 { &mut self.many } else { &mut self.few }
    }

    /// Notes a value for every slot of a name; whether they had none before.
    fn take(&mut self, compiled: &Compiled, name: &str) -> bool {
        let own = compiled.params.iter().zip(self.slots()).filter(|(slot, _)| *slot.name == *name);
        own.fold(true, |fresh, (_, filled)| !std::mem::replace(filled, true) && fresh)
    }

    fn all(&mut self) -> bool {
        let count = self.count;
        self.slots().iter().take(count).all(|filled| *filled)
    }
}

fn missing(compiled: &Compiled) -> Error {
    let names: Vec<String> = compiled.params.iter().map(|slot| format!("`{}`", slot.name)).collect();
    let message = format!("the plan takes {}, not all of them have a value", names.join(", "));
    Error::new(ErrorKind::Invalid, message)
}

/// Puts a value into every slot of its name.
fn place(
    conn: &Conn,
    compiled: &Compiled,
    binds: &mut [Value],
    name: &str,
    value: Value,
    to: BindUse,
) -> Result<()> {
    let mut slots = compiled.params.iter().filter(|slot| *slot.name == *name).peekable();
    let (mut filled, mut value) = (0, Some(value));
    while let Some(slot) = slots.next() {
        let own = if slots.peek().is_some() { value.clone() } else { value.take() };
        let own = fitted(conn, slot, own.unwrap_or_default(), to)?;
        if slot.counts && !matches!(own, Value::Int(0..)) {
            let message = format!("the parameter `{name}` is a number of rows, from 0");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        if let Some(bind) = binds.get_mut(slot.at) {
            *bind = own;
        }
        filled += 1;
    }
    if filled == 0 {
        known(compiled, name)?;
    }
    Ok(())
}
