//! Conditions on what relationships lead to, and queries for it: EXISTS and keys, without loading anything.

use std::cell::Cell;
use std::sync::Arc;

use mirrorm_core::engine::mark;
use mirrorm_core::expr::{Expr, exists, raw};
use mirrorm_core::schema::{Alias, Table};
use mirrorm_core::stmt::select;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_reflect::RelationshipKind;

use super::{Restricts, along, along_key};
use crate::batch::key_of;
use crate::db::relations_of;
use crate::key::all_equal;
use crate::query::Query;
use crate::record::Record;
use crate::session::Session;

/// Conditions on the rows that a relationship of a table, or of an alias of one, leads to.
///
/// An unknown relationship gives an expression that carries the error: the verb that runs the statement returns it, with
/// near names.
pub trait AskRelated {
    /// Whether a relationship leads to any row for which the condition holds. The condition is told the table there, under
    /// a name of its own, so that tables that point to themselves and nested conditions are told apart.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script(
    ///     "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
    ///      CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, user_id INTEGER REFERENCES users);
    ///      INSERT INTO users VALUES (1, 'ann'), (2, 'ben');
    ///      INSERT INTO posts VALUES (1, 'Hello', 1);",
    /// )?;
    /// db.reflect()?;
    /// let (users, posts) = (db.table_named("users")?, db.table_named("posts")?);
    /// let session = db.session();
    /// let greeting = users.any("posts", |post| post.c("title").eq("Hello"));
    /// assert_eq!(session.query(&users).filter(greeting).count()?, 1);
    /// let without = !users.any("posts", |_| true);
    /// assert_eq!(session.query(&users).filter(without).one()?.get::<String>("name")?, "ben");
    /// let anns = posts.has("user", |user| user.c("name").eq("ann"));
    /// assert_eq!(session.query(&posts).filter(anns).count()?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn any<C: Into<Expr>>(&self, relationship: &str, condition: impl FnOnce(&Alias) -> C) -> Expr;

    /// As [`AskRelated::any`], for a relationship that leads to one row.
    fn has<C: Into<Expr>>(&self, relationship: &str, condition: impl FnOnce(&Alias) -> C) -> Expr {
        self.any(relationship, condition)
    }

    /// Whether a relationship leads to the row of this record. `Invalid` from the verb for a record without a key, which
    /// is no row yet, and for one of another table.
    fn leads_to(&self, relationship: &str, record: &Record) -> Expr {
        let key = key_values(record);
        self.any(relationship, |there| match key {
            Ok(key) if *there.table() == record.table() => all_equal(
                key.iter().map(|(column, _)| there.c(column)),
                key.iter().map(|(_, value)| value.clone()),
            ),
            Ok(_) => {
                let (table, wanted) = (there.table().def().display_name(), record.describe());
                let message = format!("the relationship leads to `{table}`: {wanted} is of another table");
                Expr::invalid(Error::new(ErrorKind::Invalid, message))
            }
            Err(error) => Expr::invalid(error),
        })
    }
}

impl AskRelated for Table {
    fn any<C: Into<Expr>>(&self, relationship: &str, condition: impl FnOnce(&Alias) -> C) -> Expr {
        let names = (relationship, format!("related_{relationship}"));
        any_row((self, &|name| self.c(name)), names, condition).unwrap_or_else(Expr::invalid)
    }
}

impl AskRelated for Alias {
    fn any<C: Into<Expr>>(&self, relationship: &str, condition: impl FnOnce(&Alias) -> C) -> Expr {
        let names = (relationship, format!("{}_{relationship}", self.name()));
        any_row((self.table(), &|name| self.c(name)), names, condition).unwrap_or_else(Expr::invalid)
    }
}

thread_local! {
    /// How many conditions this thread is inside of.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// A name for the rows at the other end, no longer than any server takes and unlike those of the conditions around it.
fn name_of(wish: String) -> String {
    let wish = if wish.len() > 50 { "related".to_string() } else { wish };
    match INSIDE.get() {
        0 => wish,
        around => format!("{wish}_{around}"),
    }
}

/// Asks for a condition inside of which others have other names.
fn inside<C>(condition: impl FnOnce() -> C) -> C {
    struct Out;
    impl Drop for Out {
        fn drop(&mut self) {
            INSIDE.set(INSIDE.get().saturating_sub(1));
        }
    }
    INSIDE.set(INSIDE.get() + 1);
    let _out = Out;
    condition()
}

/// EXISTS of the rows at the other end, under a name of their own.
fn any_row<C: Into<Expr>>(
    (table, own): (&Table, &dyn Fn(&str) -> Expr),
    (name, wish): (&str, String),
    condition: impl FnOnce(&Alias) -> C,
) -> Result<Expr> {
    let relations = relations_of(table);
    let relation = relations.find(table, name)?;
    let alias = name_of(wish);
    let there = relation.to.alias(alias.clone());
    let at = |name: &str| there.c(name);
    let rows = match &relation.far {
        None => select(raw("1")).from(&there).filter(along(relation, own, at)),
        Some(far) => {
            let between = relation.near.holder.alias(format!("{alias}_between"));
            let linked = |name: &str| between.c(name);
            let far = along_key(far, at, linked);
            let near = along_key(&relation.near, own, linked);
            select(raw("1")).from(&there).join_on(&between, far).filter(near)
        }
    };
    let rows = relation.restrict(rows, at);
    Ok(exists(rows.filter(inside(|| condition(&there)))))
}

/// The key of a record's row, by column.
fn key_values(record: &Record) -> Result<Vec<(Arc<str>, Value)>> {
    let def = record.table().def();
    let columns = key_of(&def).iter().filter_map(|at| def.column_at(*at)).map(|column| column.key().into());
    match record.key() {
        Some(key) if !key.is_empty() => Ok(columns.zip(key).collect()),
        _ => {
            let message = format!("{} is no row with a key: flush it first", record.describe());
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}

impl Session {
    /// A query for the records that a relationship of a record leads to, to be filtered, sorted, limited and counted by
    /// the database: for lists that are too long to load with [`Record::related`]. [`Record::append`] and
    /// [`Record::remove`] write them without loading either.
    ///
    /// The record is flushed first, where it has to be.
    ///
    /// # Errors
    /// `NoSuchColumn` for an unknown relationship, with near names; `Invalid` for a record that is no row; as
    /// [`Session::flush`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", column("id", Integer).primary_key())?;
    /// let owner = column("user_id", Integer).references("users.id");
    /// let posts = db.table("posts", (column("id", Integer).primary_key(), owner))?;
    /// db.create_all()?;
    /// insert(&users).rows(["id"], [[1]]).run(&db)?;
    /// insert(&posts).rows(["user_id"], (0..1000).map(|_| [1])).run(&db)?;
    /// let session = db.session();
    /// let user = session.query(&users).one()?;
    /// let last = session.query_related(&user, "posts")?.order_by(posts.c("id").desc()).limit(2).all()?;
    /// assert_eq!(last[0].get::<i64>("id")?, 1000);
    /// assert_eq!(session.query_related(&user, "posts")?.count()?, 1000);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn query_related(&self, record: &Record, relationship: &str) -> Result<Query<'_>> {
        let _caller = mark();
        self.inner().verb()?.autoflush()?;
        let relations = relations_of(&record.table());
        let relation = relations.find(&record.table(), relationship)?;
        let columns = match relation.kind {
            RelationshipKind::ManyToOne => &relation.near.columns,
            _ => &relation.near.targets,
        };
        let values: Vec<Value> = columns.iter().map(|name| record.value(name)).collect::<Result<_>>()?;
        let known = columns.iter().cloned().zip(values).collect::<Vec<(Arc<str>, Value)>>();
        let own = |name: &str| {
            let value = known.iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone());
            Expr::from(value.unwrap_or_default())
        };
        let there = |name: &str| relation.to.c(name);
        let query = self.query(&relation.to);
        if known.iter().any(|(_, value)| value.is_null()) {
            // Nothing is equal to NULL.
            return Ok(query.filter(false));
        }
        let query = match &relation.far {
            None => query.filter(along(relation, own, there)),
            Some(far) => {
                let between = &relation.near.holder;
                let linked = |name: &str| between.c(name);
                let rows = select(raw("1")).from(between);
                let rows = self.inner().verb()?.restricted(&rows, [between]).into_owned();
                let rows =
                    rows.filter(along_key(&relation.near, own, linked)).filter(along_key(far, there, linked));
                query.filter(exists(rows))
            }
        };
        let query = match &relation.only {
            Some(only) => query.filter(only.on(there)),
            None => query,
        };
        Ok(query.order_by(relation.order.clone()))
    }
}
