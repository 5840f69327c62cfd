//! Opening a database by URL: the only place that knows both `Db` and the dialects.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::engine::EngineOptions;
use mirrorm_session::{Config, Db, Hooks};

/// The ways to open a [`Db`]. The prelude brings it in; `use mirrorm::Open` does too.
pub trait Open: Sized {
    /// A `Db` without a database: tables can be defined, and [`Db::init`] says later where they are.
    fn new() -> Self;

    /// As [`Open::new`], with other ways to make engines and sessions.
    fn with_hooks(hooks: impl Hooks) -> Self;

    /// Opens the database of a URL: the scheme says which dialect reads the rest.
    ///
    /// It connects once, so that a database that is not there is an error now. A file that does
    /// not exist is created, unless the URL says `mode=rw` or `mode=ro`.
    ///
    /// # Errors
    /// `Config` for a URL that makes no sense or a scheme nobody answers to, with advice; `Open`,
    /// `Corrupt` and the driver's others.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?; // in memory
    /// assert_eq!(db.query_text("SELECT 1 AS one", ())?.one()?.get::<i64>("one")?, 1);
    /// let error = Db::open("nosql://x").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Config);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn open(url: &str) -> Result<Self>;

    /// Opens the database of a URL with options.
    ///
    /// # Errors
    /// As [`Open::open`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::engine::EngineOptions;
    ///
    /// let options = EngineOptions::new().busy_timeout(std::time::Duration::from_secs(1));
    /// let db = Db::open_with("sqlite://", options)?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn open_with(url: &str, options: EngineOptions) -> Result<Self>;
}

impl Open for Db {
    fn new() -> Db {
        Db::unopened(mirrorm_dialects::ALL, None)
    }

    fn with_hooks(hooks: impl Hooks) -> Db {
        Db::unopened(mirrorm_dialects::ALL, Some(Arc::new(hooks)))
    }

    fn open(url: &str) -> Result<Db> {
        Db::open_with(url, EngineOptions::new())
    }

    fn open_with(url: &str, options: EngineOptions) -> Result<Db> {
        let db = <Db as Open>::new();
        db.init(Config::new().url(url).options(options))?;
        db.engine()?.target()?;
        Ok(db)
    }
}
