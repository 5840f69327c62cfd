//! The engines of a `Db`: one for each configured database, made when it is first asked for.
//!
//! Not here: which one a statement is for (`wires`, `db`). A broken database costs those who use it,
//! nobody else.

use std::sync::Arc;
use std::time::Duration;

use mirrorm_core::dialect::{Connector, Dialect, Url, dialect_for};
use mirrorm_core::engine::{Engine, EngineOptions, Observers};
use mirrorm_core::schema::{Metadata, Table};
use mirrorm_core::stmt::Tables;
use mirrorm_core::{Error, ErrorKind, Result};
use once_cell::sync::OnceCell;

use crate::config::{Config, Source, in_place, name_of};
use crate::db::Db;
use crate::model::Model;
use crate::naming::table_name_of;
use crate::route::{Resolver, Route};
use crate::session::{Session, SessionOptions};

/// How a [`Db`] makes what it needs. Override what should be otherwise; the rest stays.
///
/// What makes an engine must not use the database that it is for: it would wait for itself.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::dialect::{Dialect, Url};
/// use mirrorm::engine::EngineOptions;
/// use mirrorm::session::Hooks;
///
/// struct Strict;
///
/// impl Hooks for Strict {
///     fn create_session(&self, db: &Db, options: SessionOptions) -> Session {
///         Session::new(db, options.forbid_lazy(true))
///     }
/// }
///
/// let db = Db::with_hooks(Strict);
/// db.init(Config::new().url("sqlite://"))?;
/// let session = db.session();
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub trait Hooks: Send + Sync + 'static {
    /// Fills in the options that a kind of database needs; the dialect does it.
    ///
    /// # Errors
    /// `Config` for a URL or an option that makes no sense.
    fn apply_driver_hacks(
        &self,
        dialect: &'static dyn Dialect,
        url: &Url,
        options: &mut EngineOptions,
    ) -> Result<()> {
        dialect.apply_driver_hacks(url, options)
    }

    /// Makes what opens connections, with the options as the driver hacks left them.
    ///
    /// # Errors
    /// `Config` as above.
    fn make_connector(
        &self,
        dialect: &'static dyn Dialect,
        url: &Url,
        options: &EngineOptions,
    ) -> Result<Box<dyn Connector>> {
        dialect.connector(url, options)
    }

    /// Makes the engine of a database: once for each, unless its configuration changes.
    ///
    /// # Errors
    /// As the two above.
    fn create_engine(
        &self,
        dialect: &'static dyn Dialect,
        url: &Url,
        mut options: EngineOptions,
    ) -> Result<Engine> {
        self.apply_driver_hacks(dialect, url, &mut options)?;
        let connector = self.make_connector(dialect, url, &options)?;
        Ok(Engine::from_connector(dialect, connector, options))
    }

    /// The registry of tables: a naming convention, a default schema. Asked once.
    fn create_metadata(&self) -> Metadata {
        Metadata::new()
    }

    /// What every model of the `Db` starts from: columns, defaults, settings that all have. Asked once;
    /// it must not define a model of the `Db` itself.
    fn make_declarative_base(&self) -> Model {
        Model::mixin()
    }

    /// The table name of a model that says none; none where each has to say it.
    fn table_name(&self, model: &str) -> Option<String> {
        Some(table_name_of(model))
    }

    /// Makes a session.
    fn create_session(&self, db: &Db, options: SessionOptions) -> Session {
        Session::new(db, options)
    }

    /// Makes the session of a scope.
    fn create_scoped_session(&self, db: &Db, options: SessionOptions) -> Session {
        self.create_session(db, options)
    }
}

/// Engines that stand in for those of a `Db`, until this is dropped.
#[doc(hidden)]
pub struct Swap {
    pub(crate) db: Db,
    pub(crate) before: Arc<Engines>,
    pub(crate) now: Arc<Engines>,
}

impl Drop for Swap {
    fn drop(&mut self) {
        self.db.use_engines(self.before.clone());
        self.now.dispose_but(&self.before);
    }
}

/// Nothing overridden.
pub(crate) struct NoHooks;

impl Hooks for NoHooks {}

/// Where a statement is to go.
#[derive(Clone, Copy)]
pub(crate) enum Target<'t> {
    /// The database of a bind.
    Bind(Option<&'t str>),
    /// That of the statement's tables, or what the resolver says.
    Statement(&'t dyn Tables),
}

/// What makes engines: the dialects that are compiled in, and what the program overrides.
#[derive(Clone)]
pub(crate) struct Maker {
    pub(crate) dialects: &'static [&'static dyn Dialect],
    pub(crate) hooks: Arc<dyn Hooks>,
    /// What every model starts from, once it was asked for.
    pub(crate) base: Arc<OnceCell<Model>>,
}

/// The databases of a configuration, the default one first.
pub(crate) struct Engines {
    slots: Vec<Arc<Slot>>,
    maker: Maker,
    /// Where they stand in for others: those, and how one is made of each.
    inner: Option<(Arc<Engines>, Wrap)>,
    pub(crate) session: SessionOptions,
    /// Who wants to know what is sent.
    observers: Observers,
}

/// Makes an engine that stands in for another.
pub(crate) type Wrap = Arc<dyn Fn(&Engine) -> Result<Engine> + Send + Sync>;

struct Slot {
    bind: Option<Arc<str>>,
    source: Source,
    engine: OnceCell<Engine>,
}

impl Engines {
    /// Those of a configuration. What is configured as it was before keeps its engine.
    pub(crate) fn new(
        config: &Config,
        maker: Maker,
        before: Option<&Engines>,
        observers: Observers,
    ) -> Result<Engines> {
        let sources = config.sources()?;
        let old = before.map_or(&[][..], |engines| &engines.slots);
        let mut slots = Vec::with_capacity(sources.len());
        for (bind, source) in sources {
            let same = old.iter().find(|slot| slot.bind == bind && slot.source == source);
            let make = || Arc::new(Slot { bind, source, engine: OnceCell::new() });
            slots.push(same.cloned().unwrap_or_else(make));
        }
        let session = config.session_options().clone();
        Ok(Engines { slots, maker, inner: None, session, observers })
    }

    /// Engines that stand in for these.
    pub(crate) fn wrapped(inner: &Arc<Engines>, wrap: Wrap) -> Engines {
        let slot = |slot: &Arc<Slot>| Slot {
            engine: OnceCell::new(),
            bind: slot.bind.clone(),
            source: slot.source.clone(),
        };
        Engines {
            slots: inner.slots.iter().map(slot).map(Arc::new).collect(),
            maker: inner.maker.clone(),
            inner: Some((inner.clone(), wrap)),
            session: inner.session.clone(),
            observers: inner.observers.clone(),
        }
    }

    /// Closes the connections of those that were made and are not among others.
    pub(crate) fn dispose_but(&self, others: &Engines) {
        let gone = self.slots.iter().filter(|slot| !others.slots.iter().any(|kept| Arc::ptr_eq(kept, slot)));
        gone.filter_map(|slot| slot.engine.get()).for_each(Engine::dispose);
    }

    /// The bind keys, the default database's first.
    pub(crate) fn binds(&self) -> impl Iterator<Item = Option<&Arc<str>>> {
        self.slots.iter().map(|slot| slot.bind.as_ref())
    }

    /// The name of a database for people and errors.
    pub(crate) fn label(&self, at: usize) -> String {
        let bind = self.slots.get(at).and_then(|slot| slot.bind.as_deref());
        bind.unwrap_or("default").to_string()
    }

    /// Where the database of a bind stands.
    ///
    /// # Errors
    /// `Config` when it is not configured.
    pub(crate) fn position(&self, bind: Option<&str>) -> Result<usize> {
        let found = self.slots.iter().position(|slot| slot.bind.as_deref() == bind);
        found.ok_or_else(|| {
            let known: Vec<String> = (0..self.slots.len()).map(|at| self.label(at)).collect();
            let known = known.join(", ");
            let message = match bind {
                Some(key) => format!(
                    "no database is configured for the bind `{key}` (there are: {known}); add `.bind(\"{key}\", url)`"
                ),
                None => format!(
                    "no default database is configured (there are: {known}); add `.url(..)`, or say which bind"
                ),
            };
            Error::new(ErrorKind::Config, message)
        })
    }

    /// The bind key of a database.
    pub(crate) fn bind(&self, at: usize) -> Option<Arc<str>> {
        self.slots.get(at).and_then(|slot| slot.bind.clone())
    }

    /// Whether there is one database only.
    pub(crate) fn is_one(&self) -> bool {
        self.slots.len() == 1
    }

    /// Whether they stand in for others.
    pub(crate) fn is_stand_in(&self) -> bool {
        self.inner.is_some()
    }

    /// The database of a table.
    #[inline]
    pub(crate) fn of_table(&self, table: &Table) -> Result<usize> {
        match (table.bind(), self.slots.first()) {
            (None, Some(first)) if first.bind.is_none() => Ok(0),
            _ => self.place(None, &Route { table: Some(table), is_write: false, has_written: false }),
        }
    }

    /// The database of a statement.
    ///
    /// # Errors
    /// `Config` for a bind that is not configured; the resolver's.
    pub(crate) fn place(&self, resolver: Option<&Resolver>, route: &Route<'_>) -> Result<usize> {
        let bind = resolver.map_or_else(|| Ok(route.bind()), |resolver| resolver.bind_for(route));
        bind.and_then(|bind| self.position(bind.as_deref())).map_err(|error| match route.table {
            Some(table) => error.with_table(table.def().display_name()),
            None => error,
        })
    }

    /// The engine of a database.
    ///
    /// # Errors
    /// `Config` for a URL or options that make no sense.
    pub(crate) fn engine(&self, at: usize) -> Result<&Engine> {
        let missing = || Error::new(ErrorKind::Config, "no such database");
        let slot = self.slots.get(at).ok_or_else(missing)?;
        let make = || {
            if let Some((inner, wrap)) = &self.inner {
                return wrap(inner.engine(at)?);
            }
            let (url, options) = (&slot.source.url, slot.source.options.clone());
            let dialect = dialect_for(url, self.maker.dialects)?;
            self.maker.hooks.create_engine(dialect, url, options)
        };
        let make = || make().inspect(|engine| engine.tell_to(&self.observers));
        slot.engine.get_or_try_init(make).map_err(|error| in_place(error, slot.bind.as_ref()))
    }

    /// How long the users of a session wait for each other.
    pub(crate) fn lock_timeout(&self) -> Duration {
        let options = |slot: &Arc<Slot>| match slot.engine.get() {
            Some(engine) => engine.options().lock_timeout(),
            None => slot.source.options.lock_timeout(),
        };
        self.slots.first().map_or(EngineOptions::new().lock_timeout(), options)
    }

    /// The databases for people; nothing is made or connected for it.
    pub(crate) fn describe(&self) -> String {
        let all: Vec<String> = self
            .slots
            .iter()
            .map(|slot| match &slot.bind {
                None => slot.source.url.to_string(),
                Some(key) => format!("{key}: {}", slot.source.url),
            })
            .collect();
        all.join(", ")
    }
}

/// The table that says where a statement goes; none where it names none.
///
/// # Errors
/// `Invalid` for tables of several databases, naming two.
pub(crate) fn table_of(statement: &dyn Tables) -> Result<Option<Table>> {
    let mut first: Option<Table> = None;
    let mut other: Option<Table> = None;
    statement.each(&mut |table| match &first {
        None => first = Some(table.clone()),
        Some(known) if known.bind() != table.bind() => other = Some(table.clone()),
        Some(_) => {}
    });
    match (first, other) {
        (Some(one), Some(two)) => {
            let of = |table: &Table| format!("`{}` of {}", table.def().display_name(), name_of(table.bind()));
            let message =
                format!("a statement is for one database, and this names {} and {}", of(&one), of(&two));
            Err(Error::new(ErrorKind::Invalid, message))
        }
        (first, _) => Ok(first),
    }
}
