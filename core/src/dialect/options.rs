//! The options of an engine: of its pool, and of its driver.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use super::Isolation;
use crate::error::{Error, ErrorKind, Result};

/// How a pool keeps connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PoolKind {
    /// Up to `size` are kept, up to `overflow` more are opened when needed.
    #[default]
    Queue,
    /// One connection for everybody, never closed: what a database in memory needs.
    Static,
    /// None are kept: each is opened when asked for and closed afterwards.
    Null,
}

/// Options of an engine. What is not set, the dialect sets; what it does not, has a default.
///
/// The order is: the library's defaults, then the dialect's, then these, then the URL's own
/// parameters. Nothing that was set is replaced silently.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineOptions {
    pub(crate) kind: Option<PoolKind>,
    pub(crate) size: Option<usize>,
    pub(crate) overflow: Option<usize>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) recycle: Option<Duration>,
    pub(crate) ping_after: Option<Duration>,
    pub(crate) lifo: Option<bool>,
    pub(crate) busy_timeout: Option<Duration>,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) base: Option<PathBuf>,
    pub(crate) create: Option<bool>,
    pub(crate) read_only: Option<bool>,
    pub(crate) echo: Option<bool>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) driver: IndexMap<String, String>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        impl EngineOptions {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, value: $type) -> EngineOptions {
                self.$name = Some(value.into());
                self
            }
        )*}
    };
}

setters! {
    /// How connections are kept.
    kind: PoolKind;
    /// Connections kept open. Zero is not a size: use [`PoolKind::Null`]. Default 5.
    size: usize;
    /// Connections opened beyond `size` when needed, closed when they come back. Default 10.
    overflow: usize;
    /// How long a checkout waits for a connection. Default 30 seconds.
    timeout: Duration;
    /// Connections older than this are replaced at checkout. Default never.
    recycle: Duration;
    /// Connections idle for longer than this are asked whether they live before they are given
    /// out. Default never.
    ping_after: Duration;
    /// Give out the connection that came back last rather than first. Default true.
    lifo: bool;
    /// How long a statement waits for a lock that somebody else holds. Default 5 seconds.
    busy_timeout: Duration;
    /// How long a statement may take; then it is stopped, and an error of the kind `Timeout`. Waiting for locks is part
    /// of it but on SQLite, where that has a time of its own, [`busy_timeout`](EngineOptions::busy_timeout). A
    /// statement's or a connection's own wins. MySQL stops nothing but SELECTs. Default any time, as is zero.
    statement_timeout: Duration;
    /// The folder that relative paths of file databases begin at. Default the current one.
    base: PathBuf;
    /// Whether a database file that does not exist is created. Default true for `Db::open`.
    create: bool;
    /// Open for reading only. Default false.
    read_only: bool;
    /// Whether every statement is written to standard error, with its time and the line of the program
    /// that sent it, and without its values. Default no.
    echo: bool;
    /// The isolation of transactions that do not say their own. Default the database's. A transaction that
    /// only reads sees one state in any case.
    isolation: Isolation;
}

/// The words for yes and no in options.
pub fn read_switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

impl EngineOptions {
    /// No options set.
    pub fn new() -> EngineOptions {
        EngineOptions::default()
    }

    /// An option of the dialect by its own name, as in the URL's query.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> EngineOptions {
        self.driver.insert(name.into(), value.into());
        self
    }

    /// How connections are kept.
    pub fn pool_kind(&self) -> PoolKind {
        self.kind.unwrap_or_default()
    }

    /// Connections kept open, where that was set.
    pub fn pool_size(&self) -> Option<usize> {
        self.size
    }

    /// How many connections may be opened beyond the pool's size, where somebody said.
    pub fn pool_overflow(&self) -> Option<usize> {
        self.overflow
    }

    /// The kind of pool, where that was set.
    pub fn given_kind(&self) -> Option<PoolKind> {
        self.kind
    }

    /// How long a statement waits for a lock.
    pub fn lock_timeout(&self) -> Duration {
        self.busy_timeout.unwrap_or(Duration::from_secs(5))
    }

    /// The folder relative paths begin at, where that was set.
    pub fn base_folder(&self) -> Option<&PathBuf> {
        self.base.as_ref()
    }

    /// Whether a missing file is created, where that was set.
    pub fn creates(&self) -> Option<bool> {
        self.create
    }

    /// Whether the database is opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.read_only.unwrap_or(false)
    }

    /// Whether statements are written to standard error.
    pub fn is_echo(&self) -> bool {
        self.echo.unwrap_or(false)
    }

    /// Options of the dialect by name.
    pub fn driver(&self) -> &IndexMap<String, String> {
        &self.driver
    }

    /// How long a statement waits for a lock, where that was set.
    pub fn given_lock_timeout(&self) -> Option<Duration> {
        self.busy_timeout
    }

    /// How long a statement may take, where that was set.
    pub fn given_statement_timeout(&self) -> Option<Duration> {
        self.statement_timeout
    }

    /// Sets an option of any engine from a URL's query, by the names that Flask-SQLAlchemy and SQLAlchemy
    /// use; whether it is one: `isolation_level`, `pool_size`, `max_overflow`, `pool_timeout` and `pool_recycle` in seconds,
    /// `pool_pre_ping` (on, off, or the seconds a connection may be idle without), `pool_use_lifo`.
    ///
    /// # Errors
    /// `Config` for a value that makes no sense, saying what would.
    pub fn read_pool_option(&mut self, name: &str, value: &str) -> Result<bool> {
        let wrong =
            |takes: &str| Error::new(ErrorKind::Config, format!("`{name}={value}`: it takes {takes}"));
        let number = || value.parse::<usize>().map_err(|_| wrong("a number"));
        let seconds = || {
            let seconds = value.parse::<f64>().ok().and_then(|n| Duration::try_from_secs_f64(n).ok());
            seconds.ok_or_else(|| wrong("seconds"))
        };
        match name {
            "pool_size" => self.size = Some(number()?),
            "max_overflow" => self.overflow = Some(if value == "-1" { usize::MAX } else { number()? }),
            "pool_timeout" => self.timeout = Some(seconds()?),
            "pool_recycle" => self.recycle = (value != "-1").then(seconds).transpose()?,
            "pool_pre_ping" => {
                self.ping_after = match read_switch(value) {
                    Some(true) => Some(Duration::ZERO),
                    Some(false) => None,
                    None => Some(seconds()?),
                }
            }
            "isolation_level" => self.isolation = Some(value.parse()?),
            "pool_use_lifo" => self.lifo = Some(read_switch(value).ok_or_else(|| wrong("on, off"))?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sets what is not set yet: how a dialect gives its defaults.
    pub fn fill(&mut self, defaults: EngineOptions) {
        self.kind = self.kind.or(defaults.kind);
        self.size = self.size.or(defaults.size);
        self.overflow = self.overflow.or(defaults.overflow);
        self.timeout = self.timeout.or(defaults.timeout);
        self.recycle = self.recycle.or(defaults.recycle);
        self.ping_after = self.ping_after.or(defaults.ping_after);
        self.lifo = self.lifo.or(defaults.lifo);
        self.busy_timeout = self.busy_timeout.or(defaults.busy_timeout);
        self.statement_timeout = self.statement_timeout.or(defaults.statement_timeout);
        self.base = self.base.take().or(defaults.base);
        self.create = self.create.or(defaults.create);
        self.read_only = self.read_only.or(defaults.read_only);
        self.echo = self.echo.or(defaults.echo);
        self.isolation = self.isolation.or(defaults.isolation);
        for (name, value) in defaults.driver {
            self.driver.entry(name).or_insert(value);
        }
    }
}
