//! A plan the caller holds: compiled once, run again and again with new values.

use std::sync::Arc;

use parking_lot::RwLock;

use super::conn::{Conn, Execute};
use crate::compile::{Compile, Compiled, adapt};
use crate::dialect::{BindUse, Request};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Node;
use crate::rows::{Row, Rows};
use crate::schema::Table;
use crate::stmt::{IntoValues, Select};
use crate::value::Value;

/// A SELECT that was compiled once.
///
/// It notices when a table it reads has changed, or when it runs on another kind of server, and
/// compiles itself again.
#[derive(Debug)]
pub struct Plan {
    select: Select,
    now: RwLock<Arc<Prepared>>,
}

#[derive(Debug)]
struct Prepared {
    compiled: Compiled,
    target: u64,
    tables: Vec<(Table, u32)>,
}

impl Prepared {
    fn make(select: &Select, conn: &Conn) -> Result<Prepared> {
        let sources = select.from.iter().chain(select.joins.iter().map(|join| &join.source));
        let tables = sources.map(|source| (source.table.clone(), source.table.def().version())).collect();
        let compiled = select.compile(conn.target())?;
        Ok(Prepared { compiled, target: conn.target().id, tables })
    }

    fn holds(&self, conn: &Conn) -> bool {
        self.target == conn.target().id
            && self.tables.iter().all(|(table, version)| table.def().version() == *version)
    }
}

impl Select {
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
    pub fn prepare(&self, on: &impl Execute) -> Result<Plan> {
        let conn = on.lend()?;
        let prepared = Prepared::make(self, &conn)?;
        Ok(Plan { select: self.clone(), now: RwLock::new(Arc::new(prepared)) })
    }
}

impl Plan {
    /// All rows for these values.
    ///
    /// # Errors
    /// `Invalid` for a parameter without a value or a value without a parameter, `Conversion` for
    /// values that do not fit, and the database's.
    pub fn all(&self, on: &impl Execute, values: impl IntoValues) -> Result<Rows> {
        self.rows(&*on.lend()?, values)
    }

    /// The only row for these values.
    ///
    /// # Errors
    /// As [`Plan::all`], and `NotFound`, `MultipleFound`.
    pub fn one(&self, on: &impl Execute, values: impl IntoValues) -> Result<Row> {
        self.all(on, values)?.one()
    }

    /// The only row for these values, if there is one.
    ///
    /// # Errors
    /// As [`Plan::all`], and `MultipleFound`.
    pub fn one_or_none(&self, on: &impl Execute, values: impl IntoValues) -> Result<Option<Row>> {
        self.all(on, values)?.one_or_none()
    }

    /// The text of the plan.
    pub fn sql(&self) -> String {
        self.now.read().compiled.sql.clone()
    }

    fn rows(&self, conn: &Conn, values: impl IntoValues) -> Result<Rows> {
        let prepared = self.current(conn)?;
        let compiled = &prepared.compiled;
        let mut binds = compiled.binds.clone();
        fill(conn, compiled, &mut binds, values)?;
        let request = Request { columns: compiled.columns.as_ref(), ..Request::new(&compiled.sql, &binds) };
        conn.rows(&request, 1)
    }

    fn current(&self, conn: &Conn) -> Result<Arc<Prepared>> {
        let now = self.now.read().clone();
        if now.holds(conn) {
            return Ok(now);
        }
        let made = Arc::new(Prepared::make(&self.select, conn)?);
        *self.now.write() = made.clone();
        Ok(made)
    }
}

/// Puts values in the places of their parameters.
fn fill(conn: &Conn, compiled: &Compiled, binds: &mut [Value], values: impl IntoValues) -> Result<()> {
    let mut given = 0usize;
    let mut failed = None;
    values.each(&mut |name, expr| {
        given += 1;
        if let Err(error) = place(conn, compiled, binds, name, &expr.0) {
            failed.get_or_insert(error);
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let wanted = distinct_names(compiled);
    if given < wanted {
        let names: Vec<String> = compiled.params.iter().map(|p| format!("`{}`", p.name)).collect();
        let message = format!("{given} values for the parameters {}", names.join(", "));
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}

fn distinct_names(compiled: &Compiled) -> usize {
    let first = |(i, p): &(usize, &crate::compile::ParamSlot)| {
        !compiled.params.iter().take(*i).any(|other| other.name == p.name)
    };
    compiled.params.iter().enumerate().filter(first).count()
}

fn place(conn: &Conn, compiled: &Compiled, binds: &mut [Value], name: &str, node: &Node) -> Result<()> {
    let Node::Bind(value) = node else {
        let message = format!("the parameter `{name}` takes a value, not an expression");
        return Err(Error::new(ErrorKind::Invalid, message));
    };
    let mut found = false;
    for slot in compiled.params.iter().filter(|slot| *slot.name == *name) {
        found = true;
        let value = adapt(conn.target(), value.clone(), slot.ty.as_ref(), BindUse::Compare)
            .map_err(|e| e.at(format!("parameter `{name}`")))?;
        binds.iter_mut().skip(slot.at).take(1).for_each(|bind| *bind = value.clone());
    }
    if found {
        return Ok(());
    }
    let known = compiled.params.iter().map(|slot| &*slot.name);
    let near = crate::suggest::did_you_mean(name, known);
    Err(Error::new(ErrorKind::Invalid, format!("the plan has no parameter `{name}`{near}")))
}
