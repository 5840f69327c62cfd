//! Columns that tell the versions of a row apart, so that nobody overwrites what he has not seen.
//!
//! A session names the version it read in the WHERE of each UPDATE and DELETE and sets the next; statements that are
//! built set the next, too. Called by `build`; what a session does with it stands in its `flush`.

use std::sync::Arc;

use super::attribute::Attribute;
use super::column::{ClientDefault, Column};
use super::table::{ColumnDef, TableDef};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Type;
use crate::value::Value;

/// How a row gets its next version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One more than before.
    Counted,
    /// What a function of the program makes, as it does on insert.
    Made,
    /// What the database makes: a trigger, or a type such as `rowversion`.
    OfServer,
}

impl Column {
    /// Tells the versions of a row apart by counting from 1; NOT NULL where nothing else was said.
    ///
    /// A record is updated and deleted only if its row has the version that was read: whoever comes second gets
    /// [`Stale`](crate::ErrorKind::Stale), and nothing is lost. Built UPDATEs and upserts count, too, without asking. The
    /// column of a record that is a row cannot be set.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let pages = db.table("pages", (
    ///     column("id", Integer).primary_key(),
    ///     column("text", Text),
    ///     column("version", Integer).version(),
    /// ))?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let page = session.add(pages.record(values! { "text" => "a" })?)?;
    /// session.commit()?;
    /// page.set("text", "b")?;
    /// session.commit()?;
    /// assert_eq!(page.get::<i64>("version")?, 2);
    /// update(&pages).set(values! { "text" => "of somebody else" }).all_rows().run(&db)?;
    /// page.set("text", "c")?;
    /// assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Stale);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn version(mut self) -> Column {
        self.default.get_or_insert(ClientDefault::Value(1.into()));
        self.versioned(Version::Counted)
    }

    /// As [`Column::version`], with values that a function makes for each new version, such as UUIDs.
    pub fn version_with(mut self, f: impl Fn() -> Value + Send + Sync + 'static) -> Column {
        let made = ClientDefault::Function(Arc::new(f));
        (self.default, self.on_update) = (Some(made.clone()), Some(made));
        self.versioned(Version::Made)
    }

    /// As [`Column::version`], with values that the database makes, by a trigger or by the type: they are read back.
    ///
    /// PostgreSQL has a version of every row without a column for it: `column("xmin", Type::Other("xid".into()))`, which is
    /// a [system column](Column::system).
    pub fn version_of_server(self) -> Column {
        self.versioned(Version::OfServer)
    }

    fn versioned(mut self, version: Version) -> Column {
        self.version = Some(version);
        self.nullable = self.nullable.or(Some(false));
        self
    }
}

impl Attribute {
    /// Makes it the version of the row, counted; see [`Column::version`].
    pub fn version(mut self) -> Attribute {
        self.default.get_or_insert(ClientDefault::Value(1.into()));
        self.version = Some(Version::Counted);
        self
    }

    /// Makes it the version of the row, as a function makes it; see [`Column::version_with`].
    pub fn version_with(mut self, f: impl Fn() -> Value + Send + Sync + 'static) -> Attribute {
        let made = ClientDefault::Function(Arc::new(f));
        (self.default, self.on_update) = (Some(made.clone()), Some(made));
        self.version = Some(Version::Made);
        self
    }

    /// Makes it the version of the row, as the database makes it; see [`Column::version_of_server`].
    pub fn version_of_server(mut self) -> Attribute {
        self.version = Some(Version::OfServer);
        self
    }
}

impl ColumnDef {
    /// Whether the database makes its values: it computes them, has them for every row, or makes versions of them.
    pub fn is_made_by_server(&self) -> bool {
        self.read_only().is_some() || self.row_version() == Some(Version::OfServer)
    }
}

impl TableDef {
    /// The position of the column that tells versions of a row apart, and how it gets the next.
    pub fn row_version(&self) -> Option<(usize, Version)> {
        self.columns().enumerate().find_map(|(at, column)| Some((at, column.column.version?)))
    }

    /// Refuses versions that cannot be.
    pub(super) fn check_version(&self) -> Result<()> {
        let Some((at, version)) = self.row_version() else { return Ok(()) };
        let versions = self.columns().filter(|column| column.column.version.is_some());
        let column = self.column_at(at);
        let is_integer =
            column.is_some_and(|c| matches!(c.ty(), Type::SmallInteger | Type::Integer | Type::BigInteger));
        let in_key = self.primary_key().is_some_and(|key| key.columns.contains(&at));
        let is_made = column.is_some_and(|column| column.read_only().is_some());
        let wrong = match version {
            _ if versions.count() > 1 => "has two columns for its version",
            _ if in_key => "has its version in the primary key, which names the row",
            Version::Counted if !is_integer => "counts its version in a column that is no integer",
            Version::Counted | Version::Made if is_made => "has a version that the database makes",
            _ => return Ok(()),
        };
        let table = self.display_name();
        Err(Error::new(ErrorKind::Invalid, format!("`{table}` {wrong}")).with_table(table))
    }
}
