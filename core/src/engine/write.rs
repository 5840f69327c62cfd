//! The verbs of statements that write rows: one, many in batches, those that are there already.
//!
//! `batch` sends what a unit of work has gathered by the same means.

use std::ops::Range;

use super::caller::mark;
use super::conn::{Conn, Execute, Writing};
use super::plan::Writes;
use super::run::request;
use crate::compile::{BulkInsert, Compiled, Target, returning_key, returning_the_key, returning_whole_key};
use crate::dialect::{Request, Upserts};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node};
use crate::rows::{Row, Rows};
use crate::schema::{ColumnDef, TableDef};
use crate::stmt::insert::InsertBody;
use crate::stmt::{Delete, Insert, Update};
use crate::value::Value;

/// What an INSERT of one row did.
#[derive(Clone, Debug, Default)]
pub struct Inserted {
    rows: u64,
    id: Option<i64>,
    key: Vec<Value>,
    row: Option<Row>,
}

impl Inserted {
    /// How many rows were inserted.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The key the database made, where it made one.
    pub fn id(&self) -> Option<i64> {
        self.id
    }

    /// The values of the row's primary key, in the order of its columns: given, made by the program or made by the
    /// database; of an upsert, those of the row that there is now. Empty where the database makes some of them and does not
    /// tell, for a row that was left out, and for many rows.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let parts = (column("shop", Integer), column("code", Varchar(9)).default("new"), primary_key(["shop", "code"]));
    /// let goods = db.table("goods", parts)?;
    /// db.create_all()?;
    /// let made = insert(&goods).values(values! { "shop" => 7 }).run(&db)?;
    /// assert_eq!(made.key(), [Value::from(7), "new".into()]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn key(&self) -> &[Value] {
        &self.key
    }

    /// What `returning` asked for.
    pub fn row(&self) -> Option<&Row> {
        self.row.as_ref()
    }
}

/// What a bulk INSERT did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkInserted {
    /// How many rows were inserted.
    pub rows: u64,
    /// The keys the database made, in the order of the rows; empty when they were not asked for.
    pub ids: Vec<i64>,
}

impl Insert {
    /// Inserts.
    ///
    /// Many rows go in batches, all in one transaction: the caller's, or one of their own.
    ///
    /// # Errors
    /// Mistakes made while building; `Unique`, `NotNull`, `ForeignKey` and `Check` with table,
    /// columns and constraint where they are known; and the database's others.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", (
    ///     column("id", Integer).primary_key(),
    ///     column("name", Varchar(80)).not_null().unique(),
    /// ))?;
    /// db.create_all()?;
    /// let ann = insert(&users).values(values! { "name" => "ann" }).run(&db)?;
    /// assert_eq!(ann.id(), Some(1));
    /// let error = insert(&users).values(values! { "name" => "ann" }).run(&db).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unique);
    /// assert_eq!((error.table(), error.columns()), (Some("users"), &["name".to_string()][..]));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn run(&self, on: &impl Execute) -> Result<Inserted> {
        let _caller = mark();
        written(on, self.writing(), |conn| self.run_on(conn).map(|done| (done.rows, done)))
    }

    pub(super) fn run_on(&self, conn: &Conn) -> Result<Inserted> {
        if let InsertBody::Many { .. } = &self.body {
            if !self.returning.is_empty() {
                return Err(Error::new(ErrorKind::Invalid, "use `all` for what many rows give back"));
            }
            let done = bulk(conn, self, false)?;
            return Ok(Inserted { rows: done.rows, ..Inserted::default() });
        }
        let def = self.table.def();
        if let Some(whole) = self.with_defaults_of_key(&def) {
            return whole.run_one(conn, &def);
        }
        self.run_one(conn, &def)
    }

    /// The same with the values that the program makes for its key; none where it makes none.
    fn with_defaults_of_key(&self, def: &TableDef) -> Option<Insert> {
        let InsertBody::One(row) = &self.body else { return None };
        let key = def.primary_key()?.columns.iter().filter_map(|at| def.column_at(*at));
        let missing = key.filter(|column| !row.iter().any(|(name, _)| **name == *column.key()));
        let made: Vec<_> =
            missing.filter_map(|column| Some((column.key(), column.client_default()?.produce()))).collect();
        (!made.is_empty()).then(|| self.clone().values(made))
    }

    /// The values of the primary key, as far as the row gives them or the database has told one; empty where one is
    /// missing.
    fn key(&self, def: &TableDef, id: Option<i64>) -> Vec<Value> {
        let InsertBody::One(row) = &self.body else { return Vec::new() };
        let Some(key) = def.primary_key() else { return Vec::new() };
        let generated = def.generated_key().map(ColumnDef::key);
        let value = |at: &usize| {
            let name = def.column_at(*at)?.key();
            match row.iter().find(|(given, _)| **given == *name).map(|(_, expr)| &expr.0) {
                Some(Node::Bind(value)) if !value.is_null() => Some(value.clone()),
                _ => id.filter(|_| generated == Some(name)).map(Value::from),
            }
        };
        key.columns.iter().map(value).collect::<Option<_>>().unwrap_or_default()
    }

    fn run_one(&self, conn: &Conn, def: &TableDef) -> Result<Inserted> {
        let mut compiled = conn.compile(self)?;
        if compiled.columns().is_some() {
            let rows = conn.rows_written(&request(&compiled), def)?;
            let key = if self.conflict.is_some() { Vec::new() } else { self.key(def, None) };
            return Ok(Inserted { rows: rows.len() as u64, id: None, key, row: rows.first() });
        }
        if let InsertBody::Select { .. } = &self.body {
            let done = conn.run(&request(&compiled), Some(def))?;
            return Ok(Inserted { rows: done.rows, ..Inserted::default() });
        }
        if self.conflict.is_some() {
            return self.upsert_on(conn, compiled, def);
        }
        let given = def.generated_key().and_then(|key| self.given_key(key));
        if given.is_none() && returning_key(def, conn.target(), &mut compiled.sql) {
            return self.insert_for_id(conn, &compiled, def);
        }
        if def.generated_key().is_none() && self.key(def, None).is_empty() {
            return self.insert_for_key(conn, compiled, def);
        }
        let done = conn.run(&request(&compiled), Some(def))?;
        let id = def.generated_key().and_then(|_| given.or(done.last_id));
        Ok(Inserted { rows: done.rows, id, key: self.key(def, id), row: None })
    }

    /// A row whose key the database makes otherwise than by counting, as by a function: it is asked for, where it can
    /// be.
    fn insert_for_key(&self, conn: &Conn, mut compiled: Compiled, def: &TableDef) -> Result<Inserted> {
        let Some(columns) = returning_whole_key(def, conn.target(), &mut compiled.sql) else {
            let done = conn.run(&request(&compiled), Some(def))?;
            return Ok(Inserted { rows: done.rows, ..Inserted::default() });
        };
        compiled.columns = Some(columns);
        let rows = conn.rows_written(&request(&compiled), def)?;
        let key = rows.first().map(|row| row.values()).unwrap_or_default();
        Ok(Inserted { rows: rows.len() as u64, key, ..Inserted::default() })
    }

    /// A row whose key the statement returns.
    fn insert_for_id(&self, conn: &Conn, compiled: &Compiled, def: &TableDef) -> Result<Inserted> {
        let (rows, id) = inserted(&conn.rows_written(&request(compiled), def)?);
        Ok(Inserted { rows, id, key: self.key(def, id), row: None })
    }

    /// One row that may be there already. A connection that remembers the last key made does not know of a row
    /// that was updated, unless the statement tells it.
    fn upsert_on(&self, conn: &Conn, mut compiled: Compiled, def: &TableDef) -> Result<Inserted> {
        let target = conn.target();
        let counts = target.grammar().upserts() == Upserts::OnConflict;
        let updates = self.conflict.as_ref().is_some_and(|conflict| conflict.updates());
        let tells = counts || updates;
        if tells && let Some(columns) = returning_whole_key(def, target, &mut compiled.sql) {
            // Not what the row was given: it may have been another that was met.
            compiled.columns = Some(columns);
            let rows = conn.rows_written(&request(&compiled), def)?;
            let key = rows.first().map(|row| row.values()).unwrap_or_default();
            let id = match key.as_slice() {
                [Value::Int(id)] if def.generated_key().is_some() => Some(*id),
                _ => None,
            };
            return Ok(Inserted { rows: rows.len() as u64, id, key, row: None });
        }
        let done = conn.run(&request(&compiled), Some(def))?;
        let id = done.last_id.filter(|_| tells && def.generated_key().is_some());
        let key = id.map(Value::from).into_iter().collect();
        Ok(Inserted { rows: if counts { done.rows } else { 1 }, id, key, row: None })
    }

    /// Inserts, and gives what `returning` asks for of every row, in the order of the rows.
    ///
    /// Rows that are left out give nothing. Where the database gives many rows in no order, they are sent one by one.
    ///
    /// # Errors
    /// As [`Insert::run`]; `Invalid` without `returning`, `Unsupported` where the database gives nothing back.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// let made = insert(&tags).rows(["name"], [["a"], ["b"]]).returning(func::upper(tags.c("name"))).all(&db)?;
    /// assert_eq!(made.scalars::<String>()?, ["A", "B"]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn all(&self, on: &impl Execute) -> Result<Rows> {
        let _caller = mark();
        if let InsertBody::Many { .. } = &self.body {
            asks(&self.returning)?;
            return written(on, self.writing(), |conn| {
                let rows = bulk_rows(conn, self)?;
                Ok((rows.len() as u64, rows))
            });
        }
        given_back(on, self, &self.returning)
    }

    /// The key the row was given, for which nobody has to be asked.
    fn given_key(&self, key: &ColumnDef) -> Option<i64> {
        let InsertBody::One(row) = &self.body else { return None };
        match row.iter().find(|(name, _)| **name == *key.key()).map(|(_, expr)| &expr.0) {
            Some(Node::Bind(Value::Int(given))) => Some(*given),
            _ => None,
        }
    }

    /// Inserts many rows and gives the keys the database made, in the order of the rows.
    ///
    /// # Errors
    /// As [`Insert::run`]; `Invalid` for a table whose keys the database does not make.
    #[track_caller]
    pub fn ids(&self, on: &impl Execute) -> Result<Vec<i64>> {
        let _caller = mark();
        if self.table.def().generated_key().is_none() {
            let message = format!("the database makes no keys for `{}`", self.table.name());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        match &self.body {
            InsertBody::Invalid(mistake) => Err(mistake.clone()),
            InsertBody::One(_) => Ok(self.run(on)?.id.into_iter().collect()),
            InsertBody::Many { .. } if self.conflict.is_none() => {
                written(on, self.writing(), |conn| bulk(conn, self, true).map(|done| (done.rows, done.ids)))
            }
            InsertBody::Many { .. } | InsertBody::Select { .. } => {
                let message = "which rows are made is not known: use `returning` and `all`";
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }
}

/// How many rows an INSERT that returns keys inserted, and the key of the first.
fn inserted(rows: &Rows) -> (u64, Option<i64>) {
    let id = rows.first().and_then(|row| row.get::<Option<i64>>(0).ok().flatten());
    (rows.len() as u64, id)
}

/// Inserts many rows in one transaction.
pub(super) fn bulk(conn: &Conn, insert: &Insert, want_ids: bool) -> Result<BulkInserted> {
    let plan = BulkInsert::plan(insert, conn.target())?;
    if plan.rows == 0 {
        return Ok(BulkInserted::default());
    }
    conn.atomically(|conn| send_bulk(conn, &plan, want_ids))
}

/// Rows whose columns are arrays, of one statement that gives rows back.
const ARRAY_ROWS: usize = 1000;

/// Inserts many rows in one transaction, and gives what they give back.
fn bulk_rows(conn: &Conn, insert: &Insert) -> Result<Rows> {
    let (plan, target) = (BulkInsert::plan(insert, conn.target())?, conn.target());
    let arrays = if plan.rows > 1 { plan.compile_arrays(1, insert, target)? } else { None };
    let (by_arrays, one) = match (&arrays, target.features().returning_in_order) {
        (Some(_), _) => (true, ARRAY_ROWS),
        (None, true) => (false, batch_rows(target, plan.width())),
        (None, false) => (false, 1),
    };
    conn.atomically(|conn| {
        let (mut all, mut start) = (None::<Rows>, 0);
        let (mut compiled, mut size) = (arrays, usize::MAX);
        while start < plan.rows {
            let count = one.min(plan.rows - start);
            // One text serves all batches of a size, and arrays of any.
            let mut statement = match compiled.take() {
                Some(same) if by_arrays || size == count => same,
                _ => plan.compile_some(count, insert, target)?,
            };
            plan.fill(&mut statement, (start, count), by_arrays);
            let rows = conn.rows_written(&request(&statement), &plan.def)?;
            match &mut all {
                Some(all) => all.append(rows),
                None => all = Some(rows),
            }
            (compiled, size, start) = (Some(statement), count, start + count);
        }
        // Of no rows it says what the columns are.
        all.map_or_else(|| plan.no_rows(insert, target), Ok)
    })
}

/// Sends rows that may be there already, where what becomes of them has parameters of its own.
fn send_upserts(conn: &Conn, insert: &BulkInsert<'_>, extra: &[Value]) -> Result<BulkInserted> {
    let (width, target) = (insert.width(), conn.target());
    let mut rows = 0;
    for (size, range) in batches(target, width, insert.rows) {
        let sql = insert.sql(target, size)?;
        for start in range.clone().step_by(width * size) {
            let own = insert.values.range(start..start + width * size);
            let binds: Vec<Value> = own.map(|v| v.to_value()).chain(extra.iter().cloned()).collect();
            rows += conn.run(&Request::new(&sql, &binds), Some(&insert.def))?.rows;
        }
    }
    Ok(BulkInserted { rows, ids: Vec::new() })
}

pub(super) fn send_bulk(conn: &Conn, plan: &BulkInsert<'_>, want_ids: bool) -> Result<BulkInserted> {
    if plan.is_upsert() {
        let extra = plan.extra(conn.target())?;
        let sent = if extra.is_empty() || plan.width() == 0 {
            send_plain(conn, plan, false)?
        } else {
            send_upserts(conn, plan, &extra)?
        };
        let counts = conn.target().grammar().upserts() == Upserts::OnConflict;
        return Ok(BulkInserted { rows: if counts { sent.rows } else { plan.rows as u64 }, ..sent });
    }
    send_plain(conn, plan, want_ids)
}

fn send_plain(conn: &Conn, plan: &BulkInsert<'_>, want_ids: bool) -> Result<BulkInserted> {
    if let Some(ids) = want_ids.then(|| known_keys(plan, conn.target())).flatten() {
        let rows = send_plain(conn, plan, false)?.rows;
        let message = "a row was left out by a rule or a trigger, so it has no key to give";
        let all = rows == plan.rows as u64;
        return all
            .then_some(BulkInserted { rows, ids })
            .ok_or_else(|| Error::new(ErrorKind::Unique, message));
    }
    if plan.width() == 0 {
        return send_empty_rows(conn, plan, want_ids);
    }
    let (width, target, end) = (plan.width(), conn.target(), plan.values.len());
    if plan.rows > 1
        && let Some(sql) = plan.sql_of_arrays(target, want_ids)?
    {
        let mut ids = Vec::new();
        let wanted = want_ids.then_some(&mut ids);
        let rows = conn.run_arrays(&sql, width, (&plan.values, 0..end), wanted, &plan.def)?;
        return Ok(BulkInserted { rows, ids });
    }
    if want_ids && target.features().returning_in_order && plan.rows > 1 {
        let mut ids = Vec::with_capacity(plan.rows);
        let mut rows = 0;
        for (size, range) in batches(target, width, plan.rows) {
            let mut sql = plan.sql(target, size)?;
            returning_the_key(&plan.def, target, &mut sql);
            let values = (&*plan.values, range);
            rows += conn.run_many(&sql, width * size, values, Some(&mut ids), &plan.def)?;
        }
        return Ok(BulkInserted { rows, ids });
    }
    if want_ids {
        let mut ids = Vec::with_capacity(plan.rows);
        let all = (&*plan.values, 0..end);
        let sql = plan.sql_with_id(target)?;
        let rows = conn.run_many(&sql, width, all, Some(&mut ids), &plan.def)?;
        return Ok(BulkInserted { rows, ids });
    }
    let mut rows = 0;
    for (size, range) in batches(target, width, plan.rows) {
        let sql = plan.sql(target, size)?;
        rows += conn.run_many(&sql, width * size, (&plan.values, range), None, &plan.def)?;
    }
    Ok(BulkInserted { rows, ids: Vec::new() })
}

/// The keys that the rows give themselves, where the database would not tell those it stored for as many
/// rows at once.
fn known_keys(plan: &BulkInsert<'_>, target: &Target) -> Option<Vec<i64>> {
    let given = plan.given_keys()?;
    let features = target.features();
    let one = plan.rows == 1 && features.last_insert_id;
    let told = features.returning_in_order && given.is_sorted() && !one;
    (!told).then_some(given)
}

/// Rows of nothing but defaults have no parameters to go by, so they are sent one by one.
fn send_empty_rows(conn: &Conn, plan: &BulkInsert<'_>, want_ids: bool) -> Result<BulkInserted> {
    let mut sql = plan.sql(conn.target(), 1)?;
    let returning = want_ids && returning_key(&plan.def, conn.target(), &mut sql);
    let mut done = BulkInserted::default();
    for _ in 0..plan.rows {
        let request = Request::new(&sql, &[]);
        let (rows, id) = if returning {
            inserted(&conn.rows_written(&request, &plan.def)?)
        } else {
            let one = conn.run(&request, Some(&plan.def))?;
            (one.rows, one.last_id)
        };
        done.rows += rows;
        done.ids.extend(id.filter(|_| want_ids));
    }
    Ok(done)
}

/// The rows in batches of equal size, what is left over in smaller ones: rows a statement, and the range
/// of values.
pub(super) fn batches(target: &Target, width: usize, rows: usize) -> Vec<(usize, Range<usize>)> {
    let (mut list, mut start, mut size) = (Vec::new(), 0, batch_rows(target, width));
    while start < rows {
        let whole = (rows - start) / size * size;
        if whole > 0 {
            list.push((size, start * width..(start + whole) * width));
            start += whole;
        }
        size = if target.features().remote { (size / 8).max(1) } else { 1 };
    }
    list
}

/// Rows of one multi-row INSERT: as many as make the number of parameters that is fastest.
pub(super) fn batch_rows(target: &Target, width: usize) -> usize {
    let most = target.features().batch_params.min(target.features().max_params);
    (most / width.max(1)).clamp(1, 500)
}

impl Update {
    /// Updates, and says how many rows matched.
    ///
    /// # Errors
    /// As [`Insert::run`]; `Invalid` without a filter and without `all_rows`.
    #[track_caller]
    pub fn run(&self, on: &impl Execute) -> Result<u64> {
        let _caller = mark();
        changed(on, self)
    }

    /// Updates, and gives what `returning` asks for of every row, in no order.
    ///
    /// # Errors
    /// As [`Update::run`]; `Invalid` without `returning`, `Unsupported` where the database gives nothing back.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let stock = db.table("stock", (column("id", Integer).primary_key(), column("n", Integer)))?;
    /// db.create_all()?;
    /// insert(&stock).rows(["n"], [[5], [7]]).run(&db)?;
    /// let n = stock.c("n");
    /// let taken = update(&stock).set(values! { "n" => n.sub(1) }).filter(n.gt(5)).returning(&stock).all(&db)?;
    /// assert_eq!(taken.one()?.get::<i64>("n")?, 6);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn all(&self, on: &impl Execute) -> Result<Rows> {
        let _caller = mark();
        given_back(on, self, &self.returning)
    }
}

impl Delete {
    /// Deletes, and says how many rows went.
    ///
    /// # Errors
    /// As [`Update::run`].
    #[track_caller]
    pub fn run(&self, on: &impl Execute) -> Result<u64> {
        let _caller = mark();
        changed(on, self)
    }

    /// Deletes, and gives what `returning` asks for of every row that went, in no order.
    ///
    /// # Errors
    /// As [`Update::all`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&tags).rows(["name"], [["a"], ["b"]]).run(&db)?;
    /// let gone = delete(&tags).filter(tags.c("name").eq("a")).returning(tags.c("id")).all(&db)?;
    /// assert_eq!(gone.scalars::<i64>()?, [1]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn all(&self, on: &impl Execute) -> Result<Rows> {
        let _caller = mark();
        given_back(on, self, &self.returning)
    }
}

/// Refuses to give what nobody asked for.
fn asks(returning: &[Expr]) -> Result<()> {
    if returning.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "`all` gives what `returning` asks for: say what"));
    }
    Ok(())
}

/// The rows that a statement writes and gives back.
fn given_back(on: &impl Execute, statement: &impl Writes, returning: &[Expr]) -> Result<Rows> {
    asks(returning)?;
    let what = statement.writing();
    let def = what.table.def();
    written(on, what, |conn| {
        let compiled = conn.compile(statement)?;
        let rows = conn.rows_written(&request(&compiled), &def)?;
        Ok((rows.len() as u64, rows))
    })
}

fn changed(on: &impl Execute, statement: &impl Writes) -> Result<u64> {
    let what = statement.writing();
    let def = what.table.def();
    written(on, what, |conn| {
        let compiled = conn.compile(statement)?;
        let rows = conn.run(&request(&compiled), Some(&def))?.rows;
        Ok((rows, rows))
    })
}

/// Runs what writes where it is accounted for; the body says how many rows it wrote, and gives the
/// verb's result.
pub(super) fn written<T>(
    on: &impl Execute,
    what: Writing<'_>,
    body: impl Fn(&Conn) -> Result<(u64, T)>,
) -> Result<T> {
    let mut result = None;
    on.write(&what, &mut |conn| {
        let (rows, value) = body(conn)?;
        result = Some(value);
        Ok(rows)
    })?;
    result.ok_or_else(|| Error::new(ErrorKind::Database, "the statement was not run"))
}
