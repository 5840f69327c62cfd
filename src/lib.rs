//! **Runtime tables for Rust.** Point it at a database, designed by you a moment ago or by
//! somebody else ten years ago, and read and write it through one API, with no code generation.
//!
//! ```
//! use mirrorm::prelude::*;
//!
//! let db = Db::open("sqlite://")?;
//! let users = db.table("users", (
//!     column("id", Integer).primary_key(),
//!     column("name", Varchar(80)).not_null().unique(),
//! ))?;
//! db.create_all()?;
//! insert(&users).values(values! { "name" => "ann" }).run(&db)?;
//! let ann = select(&users).filter(users.c("name").ilike("A%")).one(&db)?;
//! assert_eq!(ann.get::<i64>("id")?, 1);
//! # Ok::<(), mirrorm::Error>(())
//! ```
//!
//! # Where things are
//!
//! - [`Db`]: open, define tables, reflect, run raw SQL, transactions. [`Open`] has the ways in.
//! - [`session`]: the [`Session`] and its records, queries, changes, signals, relationships.
//! - [`schema`]: [`Table`](schema::Table), [`column`](schema::column), constraints, indexes.
//! - [`stmt`] and [`expr`]: [`select`](stmt::select), [`insert`](stmt::insert),
//!   [`update`](stmt::update), [`delete`](stmt::delete), and what they are made of.
//! - [`rows`]: results, by name or position, and through serde.
//! - [`value`] and [`types`]: what a cell holds, what a column is.
//! - [`paging`]: pages by number and by place. [`scope`]: the session of a thread, a request, a test.
//! - [`Recorder`]: which queries are sent, from which line, how slow; [`assert_queries!`] for tests.
//! - [`reflect`]: from an existing database to tables and relationships.
//! - [`engine`]: pools, connections, options. [`dialect`]: databases, and how to add one.
//!
//! # Features
//!
//! - `sqlite` (default): SQLite, compiled in. `sqlite-system`: the system's instead.
//! - `regexp`: regular expressions in SQLite, by the crate `regex`.
//! - `minijinja`: a [`Pagination`](paging::Pagination) in templates, with Jinja's page lists.
//! - `tracing`: every statement as an event, under OpenTelemetry's names.
//! - `bigdecimal`, `chrono`, `jiff`, `rust_decimal`, `time`, `uuid`: values of that crate, both ways.
//!
//! # Errors
//!
//! Every call that can fail returns [`Error`], which has a [`kind`](Error::kind), questions such
//! as [`constraint`](Error::constraint), and the statement. A mistake in an expression, such as an
//! unknown column, travels to the verb that runs it; nothing panics.

#![forbid(unsafe_code)]

mod config;
mod open;
pub mod paging;
mod recording;
pub mod scope;
mod test_transaction;

/// The example of README.md, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the page for who comes from Flask-SQLAlchemy, tested.
#[cfg(doctest)]
#[doc = include_str!("../docs/coming-from-flask-sqlalchemy.md")]
struct Coming;

/// The examples of the page about SQL, tested.
#[cfg(doctest)]
#[doc = include_str!("../docs/sql.md")]
struct Sql;

pub use config::ReadConfig;
pub use mirrorm_core::{Error, ErrorKind, Expr, Left, Outcome, Result, Type, Value, values};
pub use mirrorm_session::{Config, Db, Model, Record, Session, table_name_of};
pub use open::Open;
pub use recording::{RecordedQuery, Recorder, Recording, recorded_queries};
pub use test_transaction::{TestDb, TestTransaction};

#[doc(inline)]
pub use mirrorm_core::{compile, engine, expr, rows, schema, stmt, types, value};

#[doc(inline)]
pub use mirrorm_core::dialect::register;

pub mod dialect {
    //! The databases, and the contracts a new one fulfils.
    #[doc(inline)]
    pub use mirrorm_core::dialect::*;
    #[doc(inline)]
    pub use mirrorm_dialects::UrlParts;
    #[cfg(feature = "mysql")]
    #[doc(inline)]
    pub use mirrorm_dialects::mysql;
    #[cfg(feature = "postgres")]
    #[doc(inline)]
    pub use mirrorm_dialects::postgres;
    #[cfg(any(feature = "sqlite", feature = "sqlite-system"))]
    #[doc(inline)]
    pub use mirrorm_dialects::sqlite;

    /// The dialects that are compiled in.
    pub fn built_in() -> &'static [&'static dyn Dialect] {
        mirrorm_dialects::ALL
    }
}

pub mod reflect {
    //! From an existing database to tables and relationships.
    #[doc(inline)]
    pub use mirrorm_reflect::*;
}

pub mod session {
    //! The unit of work: sessions, records, queries, changes and signals, relationships.
    #[doc(inline)]
    pub use mirrorm_session::*;
}

pub mod prelude {
    //! What almost every program uses: `use mirrorm::prelude::*;`.
    pub use crate::config::ReadConfig as _;
    pub use crate::open::Open as _;
    pub use crate::paging::{Keyset, Page, PageQuery as _, Paginate as _};
    pub use crate::scope::{Scoped as _, Scopes};
    pub use crate::test_transaction::TestDb as _;
    pub use mirrorm_core::engine::Prepare as _;
    pub use mirrorm_core::expr::{
        all_rows, any_row, case, case_of, exists, func, param, raw, text, tuple, window,
    };
    pub use mirrorm_core::rows::{Row, Rows, to_values};
    pub use mirrorm_core::schema::{
        Action, Table, attribute, check, column, comment, composite, extend_existing, foreign_key, hybrid,
        in_bind, in_schema, index, keep_existing, option, primary_key, synonym, unique,
    };
    pub use mirrorm_core::stmt::{delete, insert, select, update};
    pub use mirrorm_core::types::names::*;
    pub use mirrorm_core::{Error, ErrorKind, Expr, Result, Type, Value, values};
    pub use mirrorm_session::{AskRelated as _, InsertRecords as _, NewRecord as _};
    pub use mirrorm_session::{
        Binds, Changes, Config, Db, Model, OnParentDelete, Record, Session, SessionOptions, relationship,
    };
}
