//! Pages by the place of a row in the order, instead of by a number: as fast on the last page as on
//! the first, and right while rows come and go.
//!
//! What follows a row is a condition on the columns of the order, with the primary key last, so
//! that no two rows stand at one place. Rows without a value stand after all others, on every
//! database.

use std::sync::Arc;

use mirrorm_core::expr::Expr;
use mirrorm_core::schema::{Table, TableDef};
use mirrorm_core::stmt::Select;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_session::{Query, Record};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::cursor::Seal;

/// Which rows of an order are wanted: the first, those after a row, or those before one.
#[derive(Clone, Debug)]
#[must_use = "it is what `keyset` takes"]
pub struct Keyset {
    rows: u64,
    at: At,
    secret: Option<Arc<[u8]>>,
}

#[derive(Clone, Debug)]
enum At {
    Start,
    After(String),
    Before(String),
}

/// Rows at a place of an order, and the cursors of what lies around them.
///
/// A cursor is a text for an address or a form. It holds the place, can be read by those who decode
/// it, and is signed: one that was changed, or made for another table or order, is refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Slice {
    /// The records, in the query's order.
    pub items: Vec<Record>,
    /// For [`Keyset::after`]; none at the end.
    pub next: Option<String>,
    /// For [`Keyset::before`]; none at the start.
    pub prev: Option<String>,
}

impl Serialize for Slice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Slice", 3)?;
        map.serialize_field("items", &self.items)?;
        map.serialize_field("next", &self.next)?;
        map.serialize_field("prev", &self.prev)?;
        map.end()
    }
}

impl Keyset {
    /// The first rows, at most so many.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&tags).rows(["name"], [["c"], ["a"], ["b"]]).run(&db)?;
    /// let session = db.session();
    /// let query = session.query(&tags).order_by(tags.c("name"));
    /// let first = query.keyset(Keyset::first(2))?;
    /// assert_eq!(first.items[1].get::<String>("name")?, "b");
    /// let next = query.keyset(Keyset::after(2, first.next.unwrap()))?;
    /// assert_eq!(next.items[0].get::<String>("name")?, "c");
    /// assert_eq!((next.next, next.prev.is_some()), (None, true));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn first(rows: u64) -> Keyset {
        Keyset { rows, at: At::Start, secret: None }
    }

    /// At most so many rows after the place of a cursor.
    pub fn after(rows: u64, cursor: impl Into<String>) -> Keyset {
        Keyset { at: At::After(cursor.into()), ..Keyset::first(rows) }
    }

    /// At most so many rows before the place of a cursor, the nearest.
    pub fn before(rows: u64, cursor: impl Into<String>) -> Keyset {
        Keyset { at: At::Before(cursor.into()), ..Keyset::first(rows) }
    }

    /// Signs and checks cursors with this secret, so that they hold in other processes and after a
    /// restart. Without one they hold as long as the program runs.
    pub fn signed_by(mut self, secret: &[u8]) -> Keyset {
        self.secret = Some(secret.into());
        self
    }

    /// Reads the records at the place.
    pub(super) fn read(&self, query: &Query<'_>) -> Result<Slice> {
        if self.rows == 0 {
            return Err(Error::new(ErrorKind::Invalid, "a page of no rows leads nowhere"));
        }
        let table = query.table();
        let order = Order::of(query.select(), table, &table.def())?;
        let seal = Seal::new(self.secret.as_deref(), &order.describe(table));
        let (back, place) = match &self.at {
            At::Start => (false, None),
            At::After(cursor) => (false, Some(seal.open(cursor)?)),
            At::Before(cursor) => (true, Some(seal.open(cursor)?)),
        };
        let mut sorted = query.clone().sorted_anew(order.by(table, back));
        sorted = sorted.also_loading(order.0.iter().map(|term| &*term.key));
        if let Some(place) = &place {
            sorted = sorted.filter(order.beyond(table, place, back));
        }
        let mut items = sorted.limit(self.rows.saturating_add(1)).all()?;
        let has_more = items.len() as u64 > self.rows;
        items.truncate(self.rows as usize);
        if back {
            items.reverse();
        }
        let cursor = |record: Option<&Record>| {
            record.map(|record| order.place_of(record).and_then(|place| seal.close(&place))).transpose()
        };
        let (is_after, is_before) = if back { (has_more, true) } else { (place.is_some(), has_more) };
        let prev = cursor(items.first().filter(|_| is_after))?;
        let next = cursor(items.last().filter(|_| is_before))?;
        Ok(Slice { items, next, prev })
    }
}

/// The columns a query is ordered by, those of the primary key last.
struct Order(Vec<Term>);

struct Term {
    key: Arc<str>,
    descending: bool,
    nullable: bool,
}

impl Order {
    /// # Errors
    /// `Invalid` for a table without a primary key, and for an order by anything but the table's
    /// columns.
    fn of(select: &Select, table: &Table, def: &TableDef) -> Result<Order> {
        let mut terms = Vec::new();
        let mut add = |key: &str, descending| -> Result<()> {
            if !terms.iter().any(|term: &Term| *term.key == *key) {
                let nullable = def.column(key)?.is_nullable();
                terms.push(Term { key: key.into(), descending, nullable });
            }
            Ok(())
        };
        for (key, descending) in select.sorted_by(table)? {
            add(&key, descending)?;
        }
        let key = def.primary_key().map_or(&[][..], |key| &key.columns);
        if key.is_empty() {
            let name = def.display_name();
            let message = format!("`{name}` has no primary key to tell its rows apart by");
            return Err(Error::new(ErrorKind::Invalid, message).with_table(name));
        }
        def.names_at(key).try_for_each(|key| add(key, false))?;
        Ok(Order(terms))
    }

    /// What ORDER BY says.
    fn by(&self, table: &Table, back: bool) -> Vec<Expr> {
        let turned = |expr: Expr, descending| if descending != back { expr.desc() } else { expr.asc() };
        let mut all = Vec::new();
        for term in &self.0 {
            let column = table.c(&term.key);
            if term.nullable {
                all.push(turned(column.is_null(), false));
            }
            all.push(turned(column, term.descending));
        }
        all
    }

    /// The condition of the rows beyond a place.
    fn beyond(&self, table: &Table, place: &[Value], back: bool) -> Expr {
        let (mut any, mut equal): (Vec<Expr>, Vec<Expr>) = (Vec::new(), Vec::new());
        for (term, value) in self.0.iter().zip(place) {
            let column = table.c(&term.key);
            if let Some(further) = term.further(&column, value, back) {
                any.push(Expr::all(equal.iter().cloned().chain([further])));
            }
            equal.push(column.eq(value.clone()));
        }
        Expr::any(any)
    }

    /// The place of a record, as the database has it.
    fn place_of(&self, record: &Record) -> Result<Vec<Value>> {
        let value = |term: &Term| Ok(record.history(&term.key)?.old.unwrap_or_default());
        self.0.iter().map(value).collect()
    }

    fn describe(&self, table: &Table) -> String {
        let terms = self.0.iter().map(|term| format!("{:?} {}", term.key, term.descending));
        format!("{:?}: {}", table.def().display_name(), terms.collect::<Vec<_>>().join(", "))
    }
}

impl Term {
    /// What stands further than a value in this column; nothing stands further than no value.
    fn further(&self, column: &Expr, value: &Value, back: bool) -> Option<Expr> {
        if value.is_null() {
            return back.then(|| column.is_not_null());
        }
        let further = match self.descending != back {
            true => column.lt(value.clone()),
            false => column.gt(value.clone()),
        };
        Some(if self.nullable && !back { further | column.is_null() } else { further })
    }
}
