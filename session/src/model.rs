//! A model: configuration over a table that is made, or found, at run time.
//!
//! What comes of it is a [`Table`] like any other; what a table cannot hold, relationships and where
//! queries start, is kept beside the registry. The table's own parts are checked in
//! `mirrorm_core::schema`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mirrorm_core::schema::{Name, PartList, Setting, Table, TableId, TableParts, extend_existing};
use mirrorm_core::{Error, ErrorKind, Result};
use parking_lot::RwLock;

use crate::db::Db;
use crate::query::Query;
use crate::relation::RelationshipParts;

/// Configuration over a table: what its attributes are called and filled with, its relationships, its
/// bind, where its queries start. Each method returns the changed model; [`Model::define`] gives the
/// table.
///
/// The table is called after the model, `BlogPost` becomes `blog_post`, unless [`Model::table`] says
/// otherwise, or [`Hooks::table_name`](crate::Hooks::table_name). Where there is one of that name
/// already, reflected or defined, the model configures it: columns it declares take the place of
/// those of the same name, [`attribute`](mirrorm_core::schema::attribute)s rename and fill the others.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// db.execute_script("CREATE TABLE author (AuthorID INTEGER PRIMARY KEY, name TEXT)")?;
/// db.reflect()?;
/// // What several models share.
/// let counted = Model::mixin().parts(column("hits", Integer).default(0));
///
/// let authors = Model::new("Author").parts(attribute("id").of("AuthorID")).define(&db)?;
/// let posts = Model::new("BlogPost")
///     .with(&counted)
///     .parts((
///         column("id", Integer).primary_key(),
///         column("title", Text),
///         column("writer", Integer).references("author.AuthorID"),
///     ))
///     .relationship(relationship("author", &authors))
///     .query(|posts| posts.order_by(raw("id DESC")))
///     .define(&db)?;
/// db.create_all()?;
///
/// let session = db.session();
/// let ann = session.add(authors.record(values! { "name" => "ann" })?)?;
/// for title in ["first", "second"] {
///     session.add(posts.record(values! { "title" => title })?)?.set_related("author", &ann)?;
/// }
/// session.commit()?;
/// let newest = session.query(&posts).first()?.unwrap();
/// assert_eq!((newest.get::<String>("title")?, newest.get::<i64>("hits")?), ("second".into(), 0));
/// assert_eq!(newest.to_string(), "<BlogPost 2>");
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a model does nothing until it is defined"]
pub struct Model {
    name: Arc<str>,
    table: Option<Name>,
    parts: PartList,
    /// The bind, where it is said, be it that of the default database.
    bind: Option<Option<Arc<str>>>,
    relationships: Vec<Related>,
    start: Option<Start>,
}

/// Makes a relationship that starts at the model's table.
type Related = Arc<dyn Fn(&Table) -> RelationshipParts + Send + Sync>;

impl Model {
    /// A model of a name, as people write names of types.
    pub fn new(name: impl Into<Arc<str>>) -> Model {
        let name = name.into();
        let mut model = Model { name: name.clone(), ..Model::mixin() };
        Setting::Model(name).add_to(&mut model.parts);
        model
    }

    /// What models have in common, to be taken in by [`Model::with`]; no table of its own.
    pub fn mixin() -> Model {
        Model {
            name: "".into(),
            table: None,
            parts: PartList::default(),
            bind: None,
            relationships: Vec::new(),
            start: None,
        }
    }

    /// Takes in what another one says, where this one does not say it: of columns of the same name,
    /// table names, binds and queries the model's own hold, then those that were taken in first. The
    /// columns that are taken in stand before those that were.
    pub fn with(mut self, base: &Model) -> Model {
        let mut parts = base.parts.clone();
        parts.put_over(self.parts);
        self.parts = parts;
        self.table = self.table.or_else(|| base.table.clone());
        self.bind = self.bind.or_else(|| base.bind.clone());
        self.start = self.start.or_else(|| base.start.clone());
        self.relationships.splice(0..0, base.relationships.iter().cloned());
        self
    }

    /// Adds columns, attributes, constraints, indexes and settings, in any mix, as `Db::table` takes
    /// them. A column of the same name is replaced.
    pub fn parts(mut self, parts: impl TableParts) -> Model {
        let mut more = PartList::default();
        parts.add_to(&mut more);
        if let Some(bind) = more.bind_mut().take() {
            self.bind = Some(Some(bind));
        }
        self.parts.put_over(more);
        self
    }

    /// The name of its table.
    pub fn table(mut self, name: impl Into<Name>) -> Model {
        self.table = Some(name.into());
        self
    }

    /// The bind of its table; `None` is the default database, whatever a mixin says.
    pub fn bind<'k>(mut self, key: impl Into<Option<&'k str>>) -> Model {
        self.bind = Some(key.into().map(Arc::from));
        self
    }

    /// Declares a relationship that starts at its table, as [`Db::relate`] does.
    pub fn relationship(self, relationship: RelationshipParts) -> Model {
        self.relationship_with(move |_| relationship.clone())
    }

    /// As [`Model::relationship`], made when the table is there: for those that lead back to it, and
    /// for mixins.
    pub fn relationship_with(
        mut self,
        make: impl Fn(&Table) -> RelationshipParts + Send + Sync + 'static,
    ) -> Model {
        self.relationships.push(Arc::new(make));
        self
    }

    /// What every `session.query` of its table starts from: an order, a filter, what is loaded with it.
    /// Records that are asked for by key, and related ones, are not filtered by it. It is kept with the
    /// tables of the `Db`, which would never end if it held one.
    pub fn query(mut self, start: impl for<'s> Fn(Query<'s>) -> Query<'s> + Send + Sync + 'static) -> Model {
        self.start = Some(Start(Arc::new(start)));
        self
    }

    /// Defines it; gives its table. Doing it again gives the same table.
    ///
    /// # Errors
    /// `Invalid` for a model that has no name, no table name, or no primary key; `Duplicate` where the
    /// table is another model's; as [`Db::table`] and [`Db::relate`], and then nothing was defined.
    pub fn define(self, db: &Db) -> Result<Table> {
        if self.name.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a mixin is no model: give it a name with `Model::new`",
            ));
        }
        let (base, hooks) = db.models();
        let Model { name, table, mut parts, bind, relationships, start } = self.with(base);
        let table = match table {
            Some(table) => table,
            None => hooks.table_name(&name).map(Name::from).ok_or_else(|| no_table_name(&name))?,
        };
        *parts.bind_mut() = bind.flatten();
        let view = db.metadata().for_bind(parts.bind_mut().as_deref());
        let schema = parts.schema().or(view.schema()).map(|schema| schema.as_str().to_string());
        let before = view.get_in(schema.as_deref(), table.as_str()).map(|table| table.def());
        let declared = db.declared();
        let own = view.define(table, (parts, extend_existing()))?;
        if let Err(error) = relationships.iter().try_for_each(|make| db.relate(&own, make(&own))) {
            db.put_back(declared);
            match before {
                Some(before) => view.put_back(&own, &before)?,
                None => drop(view.remove(&own)),
            }
            return Err(error);
        }
        db.start_queries(&own, start);
        Ok(own)
    }
}

/// The error of a model whose table nobody names.
fn no_table_name(model: &str) -> Error {
    let message = format!("the model `{model}` has no table name: say `.table(..)`");
    Error::new(ErrorKind::Invalid, message)
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Model");
        text.field("name", &self.name).field("table", &self.table).field("bind", &self.bind);
        text.field("parts", &self.parts).finish_non_exhaustive()
    }
}

/// What a query of a model starts from.
#[derive(Clone)]
pub(crate) struct Start(Arc<dyn for<'s> Fn(Query<'s>) -> Query<'s> + Send + Sync>);

impl Start {
    pub(crate) fn apply<'s>(&self, query: Query<'s>) -> Query<'s> {
        (self.0)(query)
    }
}

/// Where queries of models start, by table.
#[derive(Default)]
pub(crate) struct Starts {
    any: AtomicBool,
    all: RwLock<HashMap<TableId, Start>>,
}

impl Starts {
    fn change(&self, edit: impl FnOnce(&mut HashMap<TableId, Start>) -> Option<Start>) {
        let mut all = self.all.write();
        let before = edit(&mut all);
        self.any.store(!all.is_empty(), Ordering::Release);
        // What the program's function holds goes when the lock is free again.
        drop(all);
        drop(before);
    }

    pub(crate) fn set(&self, table: TableId, start: Option<Start>) {
        self.change(|all| match start {
            Some(start) => all.insert(table, start),
            None => all.remove(&table),
        });
    }

    /// The one of a table. Programs without models pay for one flag.
    pub(crate) fn of(&self, table: TableId) -> Option<Start> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.all.read().get(&table).cloned()
    }
}
