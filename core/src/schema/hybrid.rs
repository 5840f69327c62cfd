//! Attributes that a table has beside its columns: worked out from them, in memory and in SQL; a second name; several
//! columns as one value.
//!
//! The database learns nothing of them. `Table::c` asks for the SQL, the session's records for what is read and assigned.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::parts::{PartList, TableParts};
use super::table::TableDef;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, tuple};
use crate::stmt::IntoValues;
use crate::suggest::did_you_mean;
use crate::value::{FromValue, Value};

type SqlFn = dyn Fn(&dyn Fn(&str) -> Expr) -> Expr + Send + Sync;
type ReadFn = dyn Fn(&Attributes<'_>) -> Result<Value> + Send + Sync;
type AssignFn = dyn Fn(Value) -> Result<Vec<(Arc<str>, Expr)>> + Send + Sync;

/// An attribute that a table has beside its columns; see [`hybrid`], [`synonym`] and [`composite`].
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an attribute does nothing until it is part of a table"]
pub struct Hybrid {
    name: Arc<str>,
    kind: HybridKind,
}

/// What an attribute beside the columns is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HybridKind {
    /// What functions make of the row: in memory, in SQL, or both.
    Functions(Functions),
    /// A second name of a column.
    Synonym(Arc<str>),
    /// Several columns as one value: the name of each part of it, and its column.
    Composite(Vec<(Arc<str>, Arc<str>)>),
}

/// The functions of a [`hybrid`].
#[derive(Clone, Default)]
pub struct Functions {
    sql: Option<Arc<SqlFn>>,
    read: Option<Arc<ReadFn>>,
    assign: Option<Arc<AssignFn>>,
}

/// The attributes of a row, for a function that makes something of them.
pub struct Attributes<'r>(&'r dyn Fn(&str) -> Result<Value>);

impl Attributes<'_> {
    /// The value of an attribute.
    ///
    /// # Errors
    /// `NoSuchColumn`; `Unloaded`.
    pub fn value(&self, name: &str) -> Result<Value> {
        (self.0)(name)
    }

    /// The value of an attribute as a Rust type.
    ///
    /// # Errors
    /// As [`Attributes::value`]; `Conversion`.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T> {
        T::from_value(self.value(name)?).map_err(|error| error.at(format!("attribute `{name}`")))
    }
}

/// As a part: an attribute that is worked out from others, by a function in memory and by another one in SQL, which should
/// say the same.
///
/// `record.get(name)` asks the one, `table.c(name)` the other; without the one that is asked it is `Invalid`. With
/// [`Hybrid::assign`] it can be set, too. Two are equal if their functions are the same ones: a table that is defined
/// twice is given clones of one.
///
/// # Errors
/// `Duplicate` when the table is defined, for the name of a column.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let full_name = hybrid("full_name")
///     .sql(|c| c("first").concat(" ").concat(c("last")))
///     .read(|own| Ok(format!("{} {}", own.get::<String>("first")?, own.get::<String>("last")?)));
/// let db = Db::open("sqlite://")?;
/// let people = db.table("people", (
///     column("id", Integer).primary_key(),
///     column("first", Text),
///     column("last", Text),
///     full_name,
/// ))?;
/// db.create_all()?;
/// insert(&people).rows(["first", "last"], [("Ann", "Lee"), ("Ben", "Orr")]).run(&db)?;
/// let session = db.session();
/// let ben = session.query(&people).filter(people.c("full_name").eq("Ben Orr")).one()?;
/// ben.set("first", "Benjamin")?;
/// assert_eq!(ben.get::<String>("full_name")?, "Benjamin Orr");
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn hybrid(name: impl Into<Arc<str>>) -> Hybrid {
    Hybrid { name: name.into(), kind: HybridKind::Functions(Functions::default()) }
}

/// As a part: a second name of a column, for records and in SQL.
///
/// # Errors
/// `NoSuchColumn` when the table is defined, for a column that it does not have; `Duplicate` for a name that is a column's.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let users = db.table("users", (
///     column("id", Integer).primary_key(),
///     column("email", Text),
///     synonym("login", "email"),
/// ))?;
/// let ann = users.record(values! { "login" => "ann@example.org" })?;
/// assert_eq!(ann.get::<String>("email")?, "ann@example.org");
/// let found = select(&users).filter(users.c("login").eq("ann@example.org"));
/// # db.create_all()?;
/// assert_eq!(found.count(&db)?, 0);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn synonym(name: impl Into<Arc<str>>, column: impl Into<Arc<str>>) -> Hybrid {
    Hybrid { name: name.into(), kind: HybridKind::Synonym(column.into()) }
}

/// As a part: several columns as one value, by the names of its parts and their columns.
///
/// In SQL, and where it is assigned, it is a [`tuple()`] of them in this order; `Record::composite` reads it into a type of
/// yours.
///
/// # Errors
/// As [`synonym`].
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// #[derive(serde::Deserialize, PartialEq, Debug)]
/// struct Point {
///     x: i64,
///     y: i64,
/// }
///
/// let db = Db::open("sqlite://")?;
/// let lines = db.table("lines", (
///     column("id", Integer).primary_key(),
///     ["x1", "y1", "x2", "y2"].map(|name| column(name, Integer)),
///     composite("start", [("x", "x1"), ("y", "y1")]),
///     composite("end", [("x", "x2"), ("y", "y2")]),
/// ))?;
/// db.create_all()?;
/// let session = db.session();
/// let line = lines.record(values! { "start" => tuple((1, 2)), "end" => tuple((3, 4)) })?;
/// let line = session.add(line)?;
/// assert_eq!(line.composite::<Point>("end")?, Some(Point { x: 3, y: 4 }));
/// assert_eq!(session.query(&lines).filter(lines.c("start").eq(tuple((1, 2)))).count()?, 1);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn composite<P: Into<Arc<str>>, C: Into<Arc<str>>>(
    name: impl Into<Arc<str>>,
    parts: impl IntoIterator<Item = (P, C)>,
) -> Hybrid {
    let parts = parts.into_iter().map(|(part, column)| (part.into(), column.into())).collect();
    Hybrid { name: name.into(), kind: HybridKind::Composite(parts) }
}

impl Hybrid {
    /// What it is in SQL, over the columns of the table or of an alias, by their names.
    pub fn sql(self, make: impl Fn(&dyn Fn(&str) -> Expr) -> Expr + Send + Sync + 'static) -> Hybrid {
        self.edit(|functions| functions.sql = Some(Arc::new(make)))
    }

    /// What it is in memory, from other attributes of the record.
    pub fn read<V: Into<Value>>(
        self,
        make: impl Fn(&Attributes<'_>) -> Result<V> + Send + Sync + 'static,
    ) -> Hybrid {
        self.edit(|functions| functions.read = Some(Arc::new(move |own| make(own).map(Into::into))))
    }

    /// What is assigned to other attributes when it is assigned a value of a type; `Conversion` for values that are none.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let euros = hybrid("euros")
    ///     .read(|own| Ok(own.get::<i64>("cents")? / 100))
    ///     .assign(|euros: i64| Ok([("cents", euros * 100)]));
    /// let goods = Table::new("goods", (column("id", Integer).primary_key(), column("cents", Integer), euros))?;
    /// let tea = goods.record(values! { "euros" => 4 })?;
    /// assert_eq!(tea.get::<i64>("cents")?, 400);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn assign<T: FromValue, I: IntoValues>(
        self,
        make: impl Fn(T) -> Result<I> + Send + Sync + 'static,
    ) -> Hybrid {
        let name = self.name.clone();
        let assign = move |value| {
            let mut all = Vec::new();
            let value = T::from_value(value).map_err(|error| error.at(format!("attribute `{name}`")))?;
            make(value)?.each(&mut |name, expr| all.push((Arc::from(name), expr)));
            Ok(all)
        };
        self.edit(|functions| functions.assign = Some(Arc::new(assign)))
    }

    fn edit(mut self, change: impl FnOnce(&mut Functions)) -> Hybrid {
        if let HybridKind::Functions(functions) = &mut self.kind {
            change(functions);
        }
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    pub fn kind(&self) -> &HybridKind {
        &self.kind
    }

    /// What it is in SQL, over these columns. User code runs in here.
    pub(super) fn expr(&self, column: impl Fn(&str) -> Expr) -> Result<Expr> {
        match &self.kind {
            HybridKind::Synonym(name) => Ok(column(name)),
            HybridKind::Composite(parts) => {
                Ok(tuple(parts.iter().map(|(_, name)| column(name)).collect::<Vec<Expr>>()))
            }
            HybridKind::Functions(functions) => {
                let make = functions.sql.as_deref().ok_or_else(|| self.cannot("has no SQL: say `sql`"))?;
                self.guarded(|| Ok(make(&column)))
            }
        }
    }

    /// What it is in memory, from these attributes. User code runs in here.
    ///
    /// # Errors
    /// What the function returns; `Invalid` where there is none, for a composite, and where it panics.
    #[doc(hidden)]
    pub fn value(&self, own: &dyn Fn(&str) -> Result<Value>) -> Result<Value> {
        match &self.kind {
            HybridKind::Synonym(name) => own(name),
            HybridKind::Composite(_) => Err(self.cannot("is several values: read it with `composite`")),
            HybridKind::Functions(functions) => {
                let read = functions.read.as_deref();
                let read = read.ok_or_else(|| self.cannot("is known in SQL only: say `read`"))?;
                self.guarded(|| read(&Attributes(own)))
            }
        }
    }

    /// What is assigned to columns when this is assigned. User code runs in here.
    ///
    /// # Errors
    /// What the function returns; `Invalid` where there is none, or it wants a value and is given an expression, where a
    /// composite is given anything but a tuple of its parts, and where the function panics.
    #[doc(hidden)]
    pub fn assigned(&self, assigned: Expr) -> Result<Vec<(Arc<str>, Expr)>> {
        match &self.kind {
            HybridKind::Synonym(name) => Ok(vec![(name.clone(), assigned)]),
            HybridKind::Composite(parts) if assigned.is_null_value() => {
                Ok(parts.iter().map(|(_, name)| (name.clone(), Expr::from(Value::Null))).collect())
            }
            HybridKind::Composite(parts) => match assigned.tuple_items() {
                Some(items) if items.len() == parts.len() => {
                    Ok(parts.iter().map(|(_, name)| name.clone()).zip(items.iter().cloned()).collect())
                }
                _ => {
                    let names: Vec<&str> = parts.iter().map(|(part, _)| &**part).collect();
                    Err(self.cannot(&format!("is assigned a tuple of {}", names.join(", "))))
                }
            },
            HybridKind::Functions(functions) => {
                let assign = functions.assign.as_deref();
                let assign = assign.ok_or_else(|| self.cannot("is only read: say `assign`"))?;
                let value = assigned.try_value();
                let value = value.map_err(|_| self.cannot("is assigned a value, not an expression"))?;
                self.guarded(|| assign(value))
            }
        }
    }

    /// Runs a function of the program, and makes an error of a panic and of functions that ask for each other without end.
    fn guarded<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(_inside) = Inside::enter(&self.name) else {
            return Err(self.cannot("is made of itself"));
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(result) => result,
            Err(_) => Err(self.cannot("cannot be worked out: its function panicked")),
        }
    }

    fn cannot(&self, why: &str) -> Error {
        Error::new(ErrorKind::Invalid, format!("`{}` {why}", self.name)).with_columns([&*self.name])
    }
}

thread_local! {
    /// The attributes whose functions this thread is inside of, by where their names lie.
    static NESTED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Inside of the function of an attribute, until it goes, also by a panic.
struct Inside;

impl Inside {
    /// None where it is inside of the same one already: a function that asks for itself twice would do so without end.
    fn enter(name: &Arc<str>) -> Option<Inside> {
        let own = Arc::as_ptr(name).cast::<()>() as usize;
        NESTED.with_borrow_mut(|all| match all.contains(&own) {
            true => None,
            false => {
                all.push(own);
                Some(Inside)
            }
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        NESTED.with_borrow_mut(|all| all.truncate(all.len().saturating_sub(1)));
    }
}

impl TableParts for Hybrid {
    fn add_to(self, list: &mut PartList) {
        match list.hybrids.iter_mut().find(|own| own.name == self.name) {
            Some(own) => *own = self,
            None => list.hybrids.push(self),
        }
    }
}

impl TableDef {
    /// The attributes it has beside its columns.
    pub fn hybrids(&self) -> &[Hybrid] {
        &self.parts.hybrids
    }

    /// The attribute of this name beside the columns.
    pub fn hybrid(&self, name: &str) -> Option<&Hybrid> {
        self.hybrids().iter().find(|own| *own.name == *name)
    }

    /// The column that a second name stands for.
    pub(crate) fn synonym(&self, name: &str) -> Option<&str> {
        match self.hybrid(name)?.kind() {
            HybridKind::Synonym(column) => Some(column),
            _ => None,
        }
    }

    /// Refuses those that cannot be.
    pub(super) fn check_hybrids(&self) -> Result<()> {
        let table = self.display_name();
        for hybrid in self.hybrids() {
            if self.columns.contains_key(&hybrid.name) {
                let message = format!("`{table}` has a column `{}` already", hybrid.name);
                return Err(Error::new(ErrorKind::Duplicate, message).with_table(table));
            }
            let columns: Vec<&Arc<str>> = match &hybrid.kind {
                HybridKind::Functions(_) => Vec::new(),
                HybridKind::Synonym(column) => vec![column],
                HybridKind::Composite(parts) => parts.iter().map(|(_, column)| column).collect(),
            };
            if let HybridKind::Composite(parts) = &hybrid.kind
                && parts.is_empty()
            {
                let message = format!("`{}` of `{table}` is made of no columns", hybrid.name);
                return Err(Error::new(ErrorKind::Invalid, message).with_table(table));
            }
            if let Some(missing) = columns.into_iter().find(|name| !self.columns.contains_key(&***name)) {
                let near = did_you_mean(missing, self.columns().map(|column| column.key()));
                let message = format!("`{table}` has no column `{missing}` for `{}`{near}", hybrid.name);
                let error = Error::new(ErrorKind::NoSuchColumn, message);
                return Err(error.with_table(table).with_columns([&**missing]));
            }
        }
        Ok(())
    }
}

impl PartialEq for Functions {
    fn eq(&self, other: &Functions) -> bool {
        fn same<F: ?Sized>(a: &Option<Arc<F>>, b: &Option<Arc<F>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (a, b) => a.is_none() && b.is_none(),
            }
        }
        same(&self.sql, &other.sql) && same(&self.read, &other.read) && same(&self.assign, &other.assign)
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        let all =
            [("sql", self.sql.is_some()), ("read", self.read.is_some()), ("assign", self.assign.is_some())];
        list.entries(all.iter().filter(|(_, there)| *there).map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attributes")
    }
}
