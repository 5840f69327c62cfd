//! An outbox: what was changed, written into a table by the transaction that changed it, until somebody was told.
//!
//! `models_committed` is told after COMMIT, and a process that ends between the two tells nobody. Rows of an outbox are
//! committed with the changes or not at all, so nothing that is committed is ever unannounced; a reader removes them when
//! it has told, so what it was about to tell when it ended is told again. Callers: programs; here stands no thread and no
//! clock.

use mirrorm_core::engine::{Execute, mark, unmarked};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Autoincrement, Name, Table, TableParts, column, keep_existing};
use mirrorm_core::stmt::{Operation, delete, insert, select};
use mirrorm_core::types::Type;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::changes::{Change, Changes};
use crate::db::Db;
use crate::session::Session;
use crate::signal::{BoxError, Subscription, Verdict, ours};

/// A table that holds what was changed until somebody was told.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::session::Outbox;
///
/// let db = Db::open("sqlite://")?;
/// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
/// let outbox = Outbox::new(&db, "outbox")?;
/// db.create_all()?;
/// let _written = outbox.connect(&db);
/// db.transaction(|session| session.add(tags.record(values! { "name" => "new" })?))?;
///
/// // Later, in this process or in another one.
/// let told = outbox.deliver(&db, 100, |entry| {
///     println!("{} {}: {:?}", entry.operation, entry.table, entry.new_row());
/// })?;
/// assert_eq!(told, 1);
/// assert_eq!(outbox.deliver(&db, 100, |_| ())?, 0);
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    table: Table,
    only: Option<Vec<Table>>,
}

/// One change as it lies in an outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    /// Its number: larger than those of changes before it in the same transaction, and never given twice. Who is told the
    /// same number again knows the change.
    pub id: i64,
    /// The table that was changed, with its schema where it has one.
    pub table: String,
    /// What was done.
    pub operation: Operation,
    /// How many rows: one, but where a built statement changed rows that nobody tracked.
    pub rows: u64,
    key: Option<String>,
    old: Option<String>,
    new: Option<String>,
}

/// The columns, in the order they are written.
const COLUMNS: [&str; 6] = ["table_name", "operation", "row_count", "row_key", "old_row", "new_row"];

impl Outbox {
    /// An outbox in the table of a name, which is defined in the registry of the `Db` unless it is there; `create_all`
    /// makes it.
    ///
    /// # Errors
    /// `Invalid` for a table that is no outbox.
    pub fn new(db: &Db, name: impl Into<Name>) -> Result<Outbox> {
        Outbox::with(db, name, ())
    }

    /// As [`Outbox::new`], with further parts: its schema, or the bind key of the database whose changes it holds.
    ///
    /// # Errors
    /// As [`Outbox::new`], and those of [`Db::table`].
    pub fn with(db: &Db, name: impl Into<Name>, parts: impl TableParts) -> Result<Outbox> {
        let text = |name: &str| column(name, Type::Text);
        let columns = (
            column("id", Type::BigInteger).primary_key().autoincrement(Autoincrement::Always),
            column("table_name", Type::Varchar(255)).not_null(),
            column("operation", Type::Varchar(10)).not_null(),
            column("row_count", Type::BigInteger).not_null(),
            text("row_key"),
            text("old_row"),
            text("new_row"),
        );
        let table = db.table(name, (columns, parts, keep_existing()))?;
        let def = table.def();
        if let Some(missing) = COLUMNS.iter().find(|name| def.column(name).is_err()) {
            let table = def.display_name();
            let message = format!("`{table}` is no outbox: it has no column `{missing}`");
            return Err(Error::new(ErrorKind::Invalid, message).with_table(table));
        }
        Ok(Outbox { table, only: None })
    }

    /// Holds changes of these tables only.
    pub fn only(mut self, tables: impl IntoIterator<Item = Table>) -> Outbox {
        self.only = Some(tables.into_iter().collect());
        self
    }

    /// The table it is.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Writes what every session of the `Db` commits in the database of the outbox, from now on and as long as the
    /// subscription lives. The rows are not reported as changes themselves. When they cannot be written, nothing is
    /// committed.
    pub fn connect(&self, db: &Db) -> Subscription {
        let outbox = self.clone();
        db.signals().before_commit.connect(move |session, changes| {
            outbox.write(session, changes).map_err(|error| Box::new(error) as BoxError)
        })
    }

    fn write(&self, session: &Session, changes: &Changes) -> Result<()> {
        if changes.iter().all(|change| *change.table() == self.table) {
            return Ok(());
        }
        let verb = session.inner().verb()?;
        // Where its own rows go now, whoever decides that.
        let bind = verb.bind_of(&self.table)?;
        let held = changes.iter().filter(|change| change.bind() == bind.as_deref() && self.holds(change));
        let rows: Vec<Vec<Value>> = held.map(row_of).collect::<Result<_>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        insert(&self.table).rows(COLUMNS, rows).run(&*verb.writing_to(&self.table)?).map(|_| ())
    }

    fn holds(&self, change: &Change) -> bool {
        let table = change.table();
        *table != self.table && self.only.as_ref().is_none_or(|only| only.contains(table))
    }

    /// Tells up to so many changes and removes each when it was told; says how many. Those of a transaction come in their
    /// order; of two that ran at a time, as they were written.
    ///
    /// A change is told at least once: again, if the process ends before it is removed, or if two readers run at a time.
    /// Nothing is locked and no transaction is open while the closure runs. What is removed is reported as any delete is.
    ///
    /// # Errors
    /// The closure's, after which the change and those behind it stay; the database's.
    #[track_caller]
    pub fn deliver<V: Verdict>(
        &self,
        on: &impl Execute,
        most: u64,
        mut tell: impl FnMut(&OutboxEntry) -> V,
    ) -> Result<u64> {
        let _caller = mark();
        let id = self.table.c("id");
        let rows = select(&self.table).order_by(&id).limit(most).all(on)?;
        let mut told = 0;
        for row in rows.iter() {
            let entry = OutboxEntry::of(&row)?;
            unmarked(|| tell(&entry).into_result()).map_err(ours)?;
            delete(&self.table).filter(id.eq(entry.id)).run(on)?;
            told += 1;
        }
        Ok(told)
    }
}

/// The row of a change.
fn row_of(change: &Change) -> Result<Vec<Value>> {
    let key = (!change.is_bulk()).then(|| json(&change.key())).transpose()?;
    let row = |row: Option<Row>| row.map(|row| json(&row)).transpose();
    let (old, new) = (row(change.old_row())?, row(change.new_row())?);
    let rows = i64::try_from(change.rows()).unwrap_or(i64::MAX);
    let name = change.table().def().display_name();
    Ok(vec![name.into(), change.operation.as_str().into(), rows.into(), key.into(), old.into(), new.into()])
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::conversion(format!("a change as JSON: {e}")))
}

impl OutboxEntry {
    fn of(row: &Row) -> Result<OutboxEntry> {
        let operation: String = row.get("operation")?;
        let all = [Operation::Insert, Operation::Update, Operation::Delete];
        let operation = all.into_iter().find(|known| known.as_str() == operation).ok_or_else(|| {
            Error::new(ErrorKind::Conversion, format!("`{operation}` in an outbox is no operation"))
        })?;
        Ok(OutboxEntry {
            id: row.get("id")?,
            table: row.get("table_name")?,
            operation,
            rows: row.get("row_count")?,
            key: row.get("row_key")?,
            old: row.get("old_row")?,
            new: row.get("new_row")?,
        })
    }

    /// The values of the primary key, as an array in JSON: the new ones, or of a row that was deleted the old ones. None
    /// where rows were not tracked.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The row before, as an object in JSON; none of one that was inserted, and where rows were not tracked.
    pub fn old_row(&self) -> Option<&str> {
        self.old.as_deref()
    }

    /// The row after, as an object in JSON; none of one that was deleted, and where rows were not tracked.
    pub fn new_row(&self) -> Option<&str> {
        self.new.as_deref()
    }

    /// The row after, or of one that was deleted the row before, read into a type of yours.
    ///
    /// # Errors
    /// `Conversion` where it does not fit; `NotFound` where rows were not tracked.
    pub fn row_as<T: DeserializeOwned>(&self) -> Result<T> {
        let Some(text) = self.new_row().or(self.old_row()) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("the rows of `{}` were not tracked", self.table),
            ));
        };
        let about = || format!("change {} of `{}`", self.id, self.table);
        serde_json::from_str(text).map_err(|e| Error::conversion(format!("{}: {e}", about())))
    }
}
