//! The tables of a `Db`: defining them, what leads from one to another, creating, dropping, reflecting.
//!
//! Not here: what a definition is (`mirrorm_core::schema`), and how a database is read
//! (`mirrorm_reflect`). Callers: programs; `model`.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::engine::{Engine, create_tables, drop_tables, mark};
use mirrorm_core::schema::{Metadata, Name, Table, TableParts};
use mirrorm_reflect::RelationshipChoice;

use super::Db;
use crate::config::{Binds, in_place};
use crate::engines::{Hooks, Maker};
use crate::model::{Model, Start};
use crate::query::Query;
use crate::record::Record;
use crate::relation::{Attached, Declared, RelationMap, RelationshipParts};

/// The engine of a bind, its tables, and its key.
type Chosen = (Engine, Vec<Table>, Option<Arc<str>>);

impl Db {
    /// Declares a relationship of a table: a name of your own for a foreign key, a connection that
    /// no foreign key makes, or another rule for deletes. It takes the place of the one that is
    /// derived from the same key. Relationships of foreign keys need not be declared.
    ///
    /// # Errors
    /// `Invalid` for the name of a column; `NoForeignKey`, `AmbiguousForeignKey`, `NoSuchColumn`,
    /// `NoSuchTable`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let users = db.table("users", column("id", Integer).primary_key())?;
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("author_id", Integer).references("users.id"),
    /// ))?;
    /// db.relate(&users, relationship("articles", &posts).on_delete(OnParentDelete::Nullify))?;
    /// assert_eq!(db.relationships(&users), ["articles"]);
    /// assert_eq!(db.relationships(&posts), ["author"]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn relate(&self, from: &Table, relationship: RelationshipParts) -> Result<()> {
        attached(&self.0.metadata).relations.declare(&self.0.metadata, relationship.from(from))
    }

    /// Calls a function with every relationship that a foreign key makes, of tables defined and reflected: it may
    /// give it another name, or leave it out, or take one through a table that has more than two keys
    /// (`choice.link = true`), whose further columns new rows then leave to the database. It takes the place of a function given before, and must not ask
    /// this database for relationships itself. Those that are declared are the program's already.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::reflect::RelationshipKind;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE person (id INTEGER PRIMARY KEY);
    ///     CREATE TABLE pet (id INTEGER PRIMARY KEY, owner_id INTEGER REFERENCES person);
    ///     CREATE TABLE log (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person);")?;
    /// db.reflect()?;
    /// db.on_relationship(|choice| {
    ///     choice.skip = choice.found.to.name().as_ref() == "log";
    ///     if choice.found.kind == RelationshipKind::OneToMany {
    ///         choice.name.push('s');
    ///     }
    /// });
    /// assert_eq!(db.relationships(&db.table_named("person")?), ["pets"]);
    /// assert_eq!(db.relationships(&db.table_named("pet")?), ["owner"]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn on_relationship(&self, hook: impl Fn(&mut RelationshipChoice<'_>) + Send + Sync + 'static) {
        attached(&self.0.metadata).relations.set_hook(Arc::new(hook));
    }

    /// The names of the relationships of a table.
    pub fn relationships(&self, table: &Table) -> Vec<String> {
        self.relations().of(table).map(|relation| relation.name.to_string()).collect()
    }

    pub(crate) fn relations(&self) -> Arc<RelationMap> {
        attached(&self.0.metadata).relations.map(&self.0.metadata)
    }

    /// Defines a table of a name and parts: columns, constraints, indexes, settings, in any mix.
    ///
    /// Nothing is sent to the database; [`Db::create_all`] creates what is missing. Defining the
    /// same table again gives the same table. A different definition of a taken name is an error,
    /// unless the parts hold `extend_existing()` or `keep_existing()`.
    ///
    /// # Errors
    /// `Duplicate` as said; `Invalid` and `NoSuchColumn` for parts that do not fit together.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let stamps = vec![column("made", DateTime), column("seen", DateTime)];
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("title", Varchar(200)).not_null(),
    ///     column("author_id", Integer).references("users.id"),
    ///     stamps,
    ///     unique(["author_id", "title"]),
    ///     index(["made"]),
    /// ))?;
    /// assert_eq!(posts.def().columns().len(), 5);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn table(&self, name: impl Into<Name>, parts: impl TableParts) -> Result<Table> {
        self.0.metadata.define(name, parts)
    }

    /// Defines a model of a name and parts: a [`Model`] that says no more than these.
    ///
    /// # Errors
    /// As [`Model::define`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.model("BlogPost", (column("id", Integer).primary_key(), column("title", Text)))?;
    /// assert_eq!(&*posts.name(), "blog_post");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn model(&self, name: impl Into<Arc<str>>, parts: impl TableParts) -> Result<Table> {
        Model::new(name).parts(parts).define(self)
    }

    /// What every model starts from, and what names its table.
    pub(crate) fn models(&self) -> (&Model, &dyn Hooks) {
        let Maker { hooks, base, .. } = &self.0.maker;
        (base.get_or_init(|| hooks.make_declarative_base()), &**hooks)
    }

    /// The relationships that were declared, and putting them back.
    pub(crate) fn declared(&self) -> Vec<Declared> {
        attached(&self.0.metadata).relations.declared()
    }

    pub(crate) fn put_back(&self, declared: Vec<Declared>) {
        attached(&self.0.metadata).relations.put_back(declared);
    }

    /// Keeps what queries of a table start from.
    pub(crate) fn start_queries(&self, table: &Table, start: Option<Start>) {
        attached(&self.0.metadata).starts.set(table.id(), start);
    }

    /// A query of a table, as its model says.
    pub(crate) fn started<'s>(&self, query: Query<'s>, table: &Table) -> Query<'s> {
        match attached(&self.0.metadata).starts.of(table.id()) {
            Some(start) => start.apply(query),
            None => query,
        }
    }

    /// The table of this name in the default database, defined or reflected before; `schema.name` for
    /// other schemas.
    ///
    /// # Errors
    /// `NoSuchTable`, with near names.
    pub fn table_named(&self, name: &str) -> Result<Table> {
        self.0.metadata.table_named(name)
    }

    /// All tables, of whatever bind, in the order they were defined.
    pub fn tables(&self) -> Vec<Table> {
        self.0.metadata.all_tables()
    }

    /// Creates the defined tables that do not exist, with their indexes: those they point to
    /// first. Tables of binds are created in their databases.
    ///
    /// # Errors
    /// `Unsupported` for a type the database has no home for, before anything is created in it;
    /// `Config` for a table of a bind that is not configured, before anything is created at all; the
    /// databases' others. What was created in other databases stays.
    #[track_caller]
    pub fn create_all(&self) -> Result<()> {
        let _caller = mark();
        self.create_all_in(Binds::all())
    }

    /// As [`Db::create_all`], in some of the databases, or some of the tables.
    ///
    /// # Errors
    /// As [`Db::create_all`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::new();
    /// db.init(Config::new().url("sqlite://").bind("logs", "sqlite://"))?;
    /// db.table("events", (column("id", Integer).primary_key(), in_bind("logs")))?;
    /// db.table("errors", (column("id", Integer).primary_key(), in_bind("logs")))?;
    /// db.create_all_in(Binds::from("logs").only(["events"]))?;
    /// assert_eq!(db.reflect_in("logs")?.tables().len(), 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn create_all_in(&self, binds: impl Into<Binds>) -> Result<()> {
        let _caller = mark();
        self.in_each(&binds.into(), create_tables)
    }

    /// Drops the defined tables that exist, in the reverse order. Their definitions stay.
    ///
    /// # Errors
    /// The databases', such as `ForeignKey` for rows of a table that is not defined here; as
    /// [`Db::create_all`].
    #[track_caller]
    pub fn drop_all(&self) -> Result<()> {
        let _caller = mark();
        self.drop_all_in(Binds::all())
    }

    /// As [`Db::drop_all`], in some of the databases, or some of the tables.
    ///
    /// # Errors
    /// As [`Db::drop_all`].
    #[track_caller]
    pub fn drop_all_in(&self, binds: impl Into<Binds>) -> Result<()> {
        let _caller = mark();
        self.in_each(&binds.into(), drop_tables)
    }

    /// Does something with the tables of each of these binds.
    fn in_each(&self, binds: &Binds, run: fn(&Engine, Vec<Table>) -> Result<()>) -> Result<()> {
        self.chosen(binds)?.into_iter().try_for_each(|(engine, tables, bind)| {
            run(&engine, tables).map_err(|error| in_place(error, bind.as_ref()))
        })
    }

    /// The engine and the tables of each of these binds. A bind of tables that is not configured is an
    /// error; a database without tables is left out.
    fn chosen(&self, binds: &Binds) -> Result<Vec<Chosen>> {
        let engines = self.engines()?;
        let keys: Vec<Option<Arc<str>>> = match binds.keys() {
            Some(keys) => keys.to_vec(),
            None => self.0.metadata.views().iter().map(|view| view.bind().cloned()).collect(),
        };
        let mut chosen = Vec::with_capacity(keys.len());
        let mut found: Vec<Arc<str>> = Vec::new();
        for key in keys {
            let mut tables = self.get_tables_for_bind(key.as_deref());
            tables.retain(|table| binds.includes(&table.name()));
            found.extend(tables.iter().map(Table::name));
            if !tables.is_empty() || binds.keys().is_some() {
                let at = engines.position(key.as_deref())?;
                chosen.push((engines.engine(at)?.clone(), tables, key));
            }
        }
        binds.all_found(&found)?;
        Ok(chosen)
    }
}

/// What is known of relationships, kept with the tables. A registry has one kind of guest: this.
pub(super) fn attached(metadata: &Metadata) -> Arc<Attached> {
    metadata.attached::<Attached>().unwrap_or_default()
}

/// Notes a record that holds others before it was saved.
pub(crate) fn note_unsaved(record: &Record) {
    if let Some(metadata) = record.table().metadata() {
        attached(&metadata).unsaved.note(record);
    }
}

/// The relationships of the registry a table is in; none for a table of no registry.
pub(crate) fn relations_of(table: &Table) -> Arc<RelationMap> {
    table.metadata().map(|metadata| attached(&metadata).relations.map(&metadata)).unwrap_or_default()
}
