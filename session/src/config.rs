//! What a `Db` connects to: the default database, further ones by bind key, and their options.
//!
//! Data only: engines are made of it in `engines`, and the facade reads it from maps and the
//! environment.

use std::sync::Arc;

use indexmap::IndexMap;
use mirrorm_core::dialect::Url;
use mirrorm_core::engine::EngineOptions;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::session::SessionOptions;

/// The configuration of a [`Db`](crate::Db): its databases and options.
///
/// The default database is the one of tables without a bind; each further one has a bind key. What
/// options hold is decided in this order, later ones win: what the driver needs, the defaults of the
/// `Db` ([`Config::options`]), those of the one database, its URL's own parameters.
///
/// A mistake, such as a URL without a scheme, is returned by what takes the configuration.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::new();
/// let notes = db.table("notes", (column("id", Integer).primary_key(), in_bind("archive")))?;
/// db.init(Config::new().url("sqlite://").bind("archive", "sqlite://"))?;
/// db.create_all()?;
/// insert(&notes).run(&db)?;
/// assert_eq!(select(&notes).count(&db)?, 1);
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a configuration does nothing until a Db takes it"]
pub struct Config {
    databases: IndexMap<Option<Arc<str>>, Source>,
    defaults: EngineOptions,
    session: SessionOptions,
    mistake: Option<Error>,
}

/// A database to connect to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) url: Url,
    pub(crate) options: EngineOptions,
}

impl Config {
    /// No databases.
    pub fn new() -> Config {
        Config::default()
    }

    /// The URL of the default database.
    pub fn url(self, url: &str) -> Config {
        self.database(None, url, EngineOptions::new())
    }

    /// The URL of the database of a bind.
    pub fn bind(self, key: &str, url: &str) -> Config {
        self.database(Some(key), url, EngineOptions::new())
    }

    /// A database with options of its own: the default one, or that of a bind. Defining one twice is
    /// a mistake.
    pub fn database<'k>(
        mut self,
        bind: impl Into<Option<&'k str>>,
        url: &str,
        options: EngineOptions,
    ) -> Config {
        let bind: Option<Arc<str>> = bind.into().map(Arc::from);
        let name = name_of(bind.as_ref());
        match Url::parse(url) {
            Err(error) => self.wrong(error.at(name)),
            Ok(url) => {
                if self.databases.insert(bind, Source { url, options }).is_some() {
                    self.wrong(Error::new(ErrorKind::Config, format!("{name} is defined twice")));
                }
            }
        }
        self
    }

    /// Options of all databases, where they have none of their own.
    pub fn options(mut self, defaults: EngineOptions) -> Config {
        self.defaults = defaults;
        self
    }

    /// Options of the sessions that `Db::session` makes.
    pub fn session(mut self, options: SessionOptions) -> Config {
        self.session = options;
        self
    }

    /// A configuration that cannot be: what takes it returns the error.
    pub fn mistaken(mut self, error: Error) -> Config {
        self.wrong(error);
        self
    }

    /// The bind keys, in the order they were given; the default database is none.
    pub fn keys(&self) -> impl Iterator<Item = Option<&str>> {
        self.databases.keys().map(Option::as_deref)
    }

    fn wrong(&mut self, error: Error) {
        self.mistake.get_or_insert(error);
    }

    pub(crate) fn session_options(&self) -> &SessionOptions {
        &self.session
    }

    /// The databases, the default one first, with the options they inherit.
    ///
    /// # Errors
    /// The first mistake; `Config` when there is none.
    pub(crate) fn sources(&self) -> Result<Vec<(Option<Arc<str>>, Source)>> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone());
        }
        if self.databases.is_empty() {
            let message = "the configuration names no database: give it a `url(..)` or a `bind(.., ..)`";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut all: Vec<_> =
            self.databases.iter().map(|(key, source)| (key.clone(), source.clone())).collect();
        all.iter_mut().for_each(|(_, source)| source.options.fill(self.defaults.clone()));
        all.sort_by_key(|(key, _)| key.is_some());
        Ok(all)
    }
}

/// A bind for people.
pub(crate) fn name_of(bind: Option<&Arc<str>>) -> String {
    match bind {
        Some(key) => format!("the bind `{key}`"),
        None => "the default database".to_string(),
    }
}

/// An error, with the bind it happened in, if that is not the default one.
pub(crate) fn in_place(error: Error, bind: Option<&Arc<str>>) -> Error {
    if bind.is_some() { error.at(name_of(bind)) } else { error }
}

/// Which databases, and which of their tables: all, or those of some bind keys, where none is the
/// default database.
///
/// A key, a list of keys and `None` are this by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binds {
    keys: Option<Vec<Option<Arc<str>>>>,
    names: Option<Vec<String>>,
}

impl Binds {
    /// All that are configured.
    pub fn all() -> Binds {
        Binds::default()
    }

    /// Those of these keys.
    pub fn these<'k, K: Into<Option<&'k str>>>(keys: impl IntoIterator<Item = K>) -> Binds {
        let keys = keys.into_iter().map(|key| key.into().map(Arc::from)).collect();
        Binds { keys: Some(keys), names: None }
    }

    /// Of their tables, only those of these names.
    #[must_use]
    pub fn only<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Binds {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    pub(crate) fn keys(&self) -> Option<&[Option<Arc<str>>]> {
        self.keys.as_deref()
    }

    pub(crate) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    pub(crate) fn includes(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|own| own == name))
    }

    /// Refuses names that no table has.
    pub(crate) fn all_found(&self, found: &[Arc<str>]) -> Result<()> {
        let missing = |name: &&String| !found.iter().any(|own| **own == ***name);
        match self.names.iter().flatten().find(missing) {
            None => Ok(()),
            Some(name) => {
                let message = format!("`{name}` is not a table of these binds");
                Err(Error::new(ErrorKind::NoSuchTable, message).with_table(name.as_str()))
            }
        }
    }
}

impl From<&str> for Binds {
    fn from(key: &str) -> Binds {
        Binds::these([key])
    }
}

impl From<Option<&str>> for Binds {
    fn from(key: Option<&str>) -> Binds {
        Binds::these([key])
    }
}

impl<'k, K: Into<Option<&'k str>>, const N: usize> From<[K; N]> for Binds {
    fn from(keys: [K; N]) -> Binds {
        Binds::these(keys)
    }
}

impl<'k, K: Into<Option<&'k str>>> From<Vec<K>> for Binds {
    fn from(keys: Vec<K>) -> Binds {
        Binds::these(keys)
    }
}
