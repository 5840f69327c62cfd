//! The verbs of statements that read, and of definitions: where data becomes doing.

use serde::de::DeserializeOwned;

use super::caller::mark;
use super::conn::{Conn, Execute};
use crate::compile::Compiled;
use crate::dialect::Request;
use crate::error::Result;
use crate::expr::{Text, func};
use crate::rows::{Row, RowStream, Rows};
use crate::stmt::{Ddl, Select};
use crate::value::FromValue;

pub(super) fn request(compiled: &Compiled) -> Request<'_> {
    Request {
        columns: compiled.columns(),
        single: compiled.single,
        warnings: compiled.warnings(),
        keep: !compiled.once,
        limit: compiled.limit,
        ..Request::new(compiled.sql(), compiled.binds())
    }
}

impl Select {
    /// All rows.
    ///
    /// # Errors
    /// Mistakes made while building, then the database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&tags).rows(["name"], [["a"], ["b"]]).run(&db)?;
    /// for row in select(&tags).order_by(tags.c("name").desc()).all(&db)? {
    ///     println!("{}", row.get::<&str>("name")?);
    /// }
    /// let error = select(&tags).filter(tags.c("nmae").eq("a")).all(&db).unwrap_err();
    /// assert!(error.to_string().contains("did you mean `name`?"));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn all(&self, on: &impl Execute) -> Result<Rows> {
        let _caller = mark();
        let conn = on.lend_for(self)?;
        let compiled = conn.compile(self)?;
        let expect = self.limit.map_or(64, |n| usize::try_from(n).unwrap_or(usize::MAX));
        conn.rows(&request(&compiled), expect)
    }

    /// All rows, read into a type of yours; see [`Row::to`].
    ///
    /// # Errors
    /// As [`Select::all`], and `Conversion` naming the column.
    #[track_caller]
    pub fn all_as<T: DeserializeOwned>(&self, on: &impl Execute) -> Result<Vec<T>> {
        let _caller = mark();
        self.all(on)?.all_as()
    }

    /// The only row.
    ///
    /// # Errors
    /// As [`Select::all`]; `NotFound` when there is none, `MultipleFound` when there are several.
    #[track_caller]
    pub fn one(&self, on: &impl Execute) -> Result<Row> {
        let _caller = mark();
        self.all(on)?.one()
    }

    /// The only row, if there is one.
    ///
    /// # Errors
    /// As [`Select::all`]; `MultipleFound` when there are several.
    #[track_caller]
    pub fn one_or_none(&self, on: &impl Execute) -> Result<Option<Row>> {
        let _caller = mark();
        self.all(on)?.one_or_none()
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Select::all`].
    #[track_caller]
    pub fn first(&self, on: &impl Execute) -> Result<Option<Row>> {
        let _caller = mark();
        if self.limit_by.is_some() {
            return Ok(self.all(on)?.first());
        }
        let rows = self.clone().limit(self.limit.unwrap_or(1).min(1)).all(on)?;
        Ok(rows.first())
    }

    /// The first column of the only row.
    ///
    /// # Errors
    /// As [`Select::one`], and `Conversion`.
    #[track_caller]
    pub fn scalar<T: FromValue>(&self, on: &impl Execute) -> Result<T> {
        let _caller = mark();
        self.one(on)?.get(0)
    }

    /// The first column of the only row, if there is one.
    ///
    /// # Errors
    /// As [`Select::one_or_none`], and `Conversion`.
    #[track_caller]
    pub fn scalar_or_none<T: FromValue>(&self, on: &impl Execute) -> Result<Option<T>> {
        let _caller = mark();
        self.one_or_none(on)?.map(|row| row.get(0)).transpose()
    }

    /// The first column of every row.
    ///
    /// # Errors
    /// As [`Select::all`], and `Conversion`.
    #[track_caller]
    pub fn scalars<T: FromValue>(&self, on: &impl Execute) -> Result<Vec<T>> {
        let _caller = mark();
        self.all(on)?.scalars()
    }

    /// How many rows the statement would give, limit and groups included.
    ///
    /// # Errors
    /// As [`Select::all`].
    #[track_caller]
    pub fn count(&self, on: &impl Execute) -> Result<u64> {
        let _caller = mark();
        if !self.is_row_for_row() {
            let conn = on.lend_for(self)?;
            return conn.count_of(self);
        }
        let mut counting = self.clone().columns(func::count_all());
        counting.order_by.clear();
        counting.scalar(on)
    }

    /// Lends the rows as they come, one block in memory at a time, to a closure.
    ///
    /// Inside, the rows are an ordinary iterator of results, and other statements may run on the
    /// same connection.
    ///
    /// # Errors
    /// As [`Select::all`], and the closure's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let t = db.table("t", column("n", Integer))?;
    /// db.create_all()?;
    /// insert(&t).rows(["n"], (0..1000).map(|n| [n])).run(&db)?;
    /// let sum = select(&t).stream(&db, |rows| {
    ///     rows.map(|row| row?.get::<i64>("n")).sum::<mirrorm::Result<i64>>()
    /// })?;
    /// assert_eq!(sum, 499_500);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn stream<T>(
        &self,
        on: &impl Execute,
        body: impl FnOnce(&mut RowStream<'_>) -> Result<T>,
    ) -> Result<T> {
        let _caller = mark();
        let conn = on.lend_for(self)?;
        let compiled = conn.compile(self)?;
        conn.stream(&request(&compiled), body)
    }
}

impl Text {
    /// All rows of this text, a whole statement; their columns are of no declared type.
    ///
    /// # Errors
    /// `Invalid` for places without a value, then the database's.
    #[track_caller]
    pub fn all(&self, on: &impl Execute) -> Result<Rows> {
        let _caller = mark();
        let conn = on.lend()?;
        let compiled = conn.compile(self)?;
        // It may be an INSERT .. RETURNING for all we know.
        conn.note_write();
        conn.rows(&request(&compiled), usize::MAX)
    }

    /// Runs this text, a whole statement that gives no rows, and says how many rows it changed.
    ///
    /// # Errors
    /// As [`Text::all`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute("CREATE TABLE t (n INTEGER)", ())?;
    /// let put = text("INSERT INTO t (n) VALUES (:n), (:n)");
    /// assert_eq!(put.clone().bind("n", 5).run(&db)?, 2);
    /// assert_eq!(put.run(&db).unwrap_err().kind(), ErrorKind::Invalid);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn run(&self, on: &impl Execute) -> Result<u64> {
        let _caller = mark();
        let conn = on.lend()?;
        let compiled = conn.compile(self)?;
        Ok(conn.run(&request(&compiled), None)?.rows)
    }
}

impl Conn {
    /// Counts the rows of a statement that groups, limits or is distinct, by wrapping it.
    fn count_of(&self, select: &Select) -> Result<u64> {
        let mut inner = self.compile(&select.for_counting())?;
        inner.sql = format!("SELECT count(*) FROM ({}) AS counted", inner.sql);
        inner.columns = None;
        inner.single = true;
        self.rows(&request(&inner), 1)?.one()?.get(0)
    }
}

impl Ddl {
    /// Changes the schema.
    ///
    /// # Errors
    /// `Unsupported` for what the server cannot do, and the database's.
    #[track_caller]
    pub fn run(&self, on: &impl Execute) -> Result<()> {
        let _caller = mark();
        let conn = on.lend_for(self)?;
        let compiled = conn.compile(self)?;
        conn.run(&Request { keep: false, ..request(&compiled) }, None).map(|_| ())
    }
}
