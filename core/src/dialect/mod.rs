//! What a database has to bring: six contracts, and nothing else.
//!
//! A dialect is a [`Dialect`]: its [`Grammar`] spells fragments of SQL, its [`Features`] are facts
//! read once from a server, its [`TypeMap`] turns types and values, its [`Inspector`] reads the
//! catalog, and a [`Connector`] opens [`Connection`]s. Everything else in the library is the same
//! for all databases. All traits are object-safe. Third parties implement them against this crate
//! alone and call [`register`].

mod driver;
mod facts;
mod features;
mod grammar;
mod inspect;
mod isolation;
mod options;
mod registry;
pub mod standard;
mod typemap;
mod url;

pub use driver::{Connection, Cursor, Done, Request, fetch, fetch_kept};
pub use facts::{
    CheckFacts, ColumnFacts, DomainFacts, ElementFacts, EnumFacts, ForeignKeyFacts, IdentityFacts,
    IndexFacts, KeyFacts, ObjectKind, OtherFacts, Problem, SchemaFacts, SequenceFacts, TableFacts, TypeFacts,
};
pub use features::{Comments, Features, Locks, Returning};
pub use grammar::{
    Around, ArrayOf, FunctionForm, Grammar, Groupings, IntegerList, Intent, MoreTables, RowsToUpdate,
    TableFunctions, Upserts,
};
pub use inspect::{Inspector, Scope};
pub use isolation::Isolation;
pub use options::{EngineOptions, PoolKind, read_switch};
pub use registry::{dialect_for, register};
pub(crate) use typemap::is_plain;
pub use typemap::{BindUse, TypeMap, check_scale, coerce, rich_from_text};
pub use url::{Url, decode_percent};

use crate::error::Result;

/// A database: the bundle of its parts.
///
/// # Obligations
/// All methods are cheap but [`Connector::connect`], and none of them does I/O but it and
/// [`Dialect::features`]. The name is one lower-case word, the same in options, errors and
/// documents.
pub trait Dialect: Send + Sync + 'static {
    /// The dialect's name.
    fn name(&self) -> &'static str;

    /// The URL schemes it answers to.
    fn schemes(&self) -> &'static [&'static str];

    /// Fills in the options that this kind of database needs, from the URL's own parameters and
    /// the driver's habits: pool sizes, recycle times, character sets. What the caller set stays.
    ///
    /// # Errors
    /// `Config` for a URL or an option that makes no sense, saying what would.
    fn apply_driver_hacks(&self, url: &Url, options: &mut EngineOptions) -> Result<()>;

    /// What opens connections to the database of this URL. Does not connect.
    ///
    /// # Errors
    /// `Config` as above.
    fn connector(&self, url: &Url, options: &EngineOptions) -> Result<Box<dyn Connector>>;

    /// The facts of the server behind a connection, asked once for an engine.
    ///
    /// # Errors
    /// What the server answered.
    fn features(&self, connection: &dyn Connection) -> Result<Features>;

    /// The facts of a current version, for compiling without a connection.
    fn offline_features(&self) -> Features;

    /// How it spells SQL.
    fn grammar(&self) -> &'static dyn Grammar;

    /// Its types and how values travel.
    fn types(&self) -> &'static dyn TypeMap;

    /// How its catalog is read.
    fn inspector(&self) -> &'static dyn Inspector;
}

/// Opens connections to one database.
pub trait Connector: Send + Sync {
    /// Opens a connection, set up as the options said and ready to use.
    ///
    /// # Errors
    /// `Open`, `Corrupt`, `Busy`, `Disconnected` and the like; no secret in the message.
    fn connect(&self) -> Result<Box<dyn Connection>>;

    /// The database for people: a URL with the password masked.
    fn describe(&self) -> String;
}
