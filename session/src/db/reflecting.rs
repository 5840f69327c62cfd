//! A `Db` and the schemas of its databases: reflecting them, keeping them as values, noticing that they
//! changed.
//!
//! What reflection reads and makes is `mirrorm_reflect`'s work. Callers: programs.

use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::dialect::SchemaFacts;
use mirrorm_core::engine::{Conn, mark};
use mirrorm_core::schema::Table;
use mirrorm_reflect::{Difference, Reflection, Reflector, Snapshot, differences};
use parking_lot::Mutex;

use super::Db;
use crate::config::{Binds, in_place};
use crate::relation::Attached;

impl Db {
    /// Reflects the whole default schema: its tables and views become tables here, with their
    /// relationships. Tables that were reflected before take the new definition, and handles of them
    /// see it; tables that the program defined or extended stay as it said. Of several databases each
    /// is reflected, into tables of its bind.
    ///
    /// One bad object costs itself only: see [`Reflection::problems`].
    ///
    /// # Errors
    /// The database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);")?;
    /// db.reflect()?;
    /// let users = db.table_named("users")?;
    /// insert(&users).values(values! { "name" => "ann" }).run(&db)?;
    /// assert_eq!(select(&users).one(&db)?.get::<i64>("id")?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn reflect(&self) -> Result<Reflection> {
        let _caller = mark();
        self.reflect_in(Binds::all())
    }

    /// As [`Db::reflect`], of some of the databases, or some of the tables.
    ///
    /// # Errors
    /// The databases'; `Config` for a bind that is not configured; `NoSuchTable` for tables asked for
    /// by name that are not there.
    #[track_caller]
    pub fn reflect_in(&self, binds: impl Into<Binds>) -> Result<Reflection> {
        let _caller = mark();
        let binds = binds.into();
        let engines = self.engines()?;
        let keys = match binds.keys() {
            Some(keys) => keys.to_vec(),
            None => engines.binds().map(|bind| bind.cloned()).collect(),
        };
        let mut reflector = Reflector::new();
        if let Some(names) = binds.names() {
            reflector = reflector.only(names);
        }
        let mut all = Reflection::default();
        for key in keys {
            let engine = engines.engine(engines.position(key.as_deref())?)?;
            let view = self.0.metadata.for_bind(key.as_deref());
            let found = engine.connect().and_then(|conn| reflector.reflect(&conn, &view));
            let found = found.map_err(|error| in_place(error, key.as_ref()))?;
            self.attached().reflected.note(key.as_ref(), &found, binds.names().is_none());
            all.extend(found);
        }
        Ok(all)
    }

    /// The default schema of the default database as a value, to be kept and compared. No table is made.
    ///
    /// # Errors
    /// The database's.
    #[track_caller]
    pub fn snapshot(&self) -> Result<Snapshot> {
        let _caller = mark();
        Snapshot::of(&self.connect()?, &Reflector::new())
    }

    /// Makes tables of a snapshot, as [`Db::reflect`] does of the database, which is not asked.
    ///
    /// # Errors
    /// `Config` for a snapshot of another kind of database, and without a database.
    #[track_caller]
    pub fn load(&self, snapshot: &Snapshot) -> Result<Reflection> {
        let _caller = mark();
        let found = snapshot.define(self.engine()?.dialect().name(), &self.0.metadata)?;
        self.attached().reflected.note(None, &found, true);
        Ok(found)
    }

    /// Reads the definition of a table again: its handles see what it is now.
    ///
    /// # Errors
    /// `NoSuchTable` when it is gone; the database's.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE t (id INTEGER PRIMARY KEY)")?;
    /// db.reflect()?;
    /// let t = db.table_named("t")?;
    /// db.execute_script("ALTER TABLE t ADD COLUMN a TEXT")?;
    /// db.refresh(&t)?;
    /// assert!(t.try_c("a").is_ok());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn refresh(&self, table: &Table) -> Result<()> {
        let _caller = mark();
        let def = table.def();
        let reflector = Reflector::new().only([def.name().to_string()]);
        let reflector = def.schema().iter().fold(reflector, |made, schema| made.schema(schema.to_string()));
        let bind = table.bind().map(|bind| &**bind);
        let engines = self.engines()?;
        let conn = engines.engine(engines.position(bind)?)?.connect()?;
        let found = reflector.reflect(&conn, &self.0.metadata.for_bind(bind))?;
        self.attached().reflected.note(table.bind(), &found, false);
        Ok(())
    }

    /// Reflects what a [`Reflector`] says from the default database: a schema, some tables, with or
    /// without views. For another database, give [`Reflector::reflect`] its connection and
    /// [`Metadata::for_bind`](mirrorm_core::schema::Metadata::for_bind).
    ///
    /// # Errors
    /// The database's; `NoSuchTable` for tables asked for by name that are not there.
    #[track_caller]
    pub fn reflect_with(&self, reflector: &Reflector) -> Result<Reflection> {
        let _caller = mark();
        let found = reflector.reflect(&self.connect()?, &self.0.metadata)?;
        self.attached().reflected.note(None, &found, false);
        Ok(found)
    }

    /// What the database has otherwise than it was when it was reflected: of what was reflected whole, also
    /// what is new. Nothing is changed here; [`Db::reflect`] or [`Db::refresh`] do that.
    ///
    /// # Errors
    /// The databases'.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute_script("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")?;
    /// db.reflect()?;
    /// assert!(db.drift()?.is_empty());
    /// db.execute_script("DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL)")?;
    /// assert_eq!(db.drift()?[0].to_string(), "table t: column a: nullable true -> false");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    #[track_caller]
    pub fn drift(&self) -> Result<Vec<Difference>> {
        let _caller = mark();
        let engines = self.engines()?;
        let mut all = Vec::new();
        for Known { bind, facts, whole } in self.attached().reflected.all() {
            let engine = engines.engine(engines.position(bind.as_deref())?)?;
            let now = facts_now(&engine.connect()?, &facts, whole)?;
            all.extend(differences(&facts, &now));
        }
        Ok(all)
    }

    fn attached(&self) -> Arc<Attached> {
        super::tables::attached(&self.0.metadata)
    }
}

/// The facts of what is known, or of the whole schema.
fn facts_now(conn: &Conn, known: &SchemaFacts, whole: bool) -> Result<SchemaFacts> {
    let names: Vec<String> = known.tables.iter().map(|table| table.name.clone()).collect();
    let reflector = known.schema.iter().fold(Reflector::new(), |made, schema| made.schema(schema.as_str()));
    if whole {
        return reflector.facts(conn);
    }
    // By a condition: what is gone is no error here.
    let mut now = reflector.matching(move |name| names.iter().any(|known| known == name)).facts(conn)?;
    now.enums.retain(|found| known.enums.iter().any(|e| e.name == found.name));
    now.domains.retain(|found| known.domains.iter().any(|d| d.name == found.name));
    now.sequences.retain(|found| known.sequences.iter().any(|s| s.name == found.name));
    Ok(now)
}

/// The schemas that were reflected.
#[derive(Default)]
pub(crate) struct Reflected(Mutex<Vec<Known>>);

/// What is known of a schema of a bind.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) bind: Option<Arc<str>>,
    pub(crate) facts: SchemaFacts,
    /// Whether it is all of it.
    pub(crate) whole: bool,
}

impl Reflected {
    /// Keeps what was reflected; of a part, beside what is known of the rest.
    pub(crate) fn note(&self, bind: Option<&Arc<str>>, found: &Reflection, whole: bool) {
        let mut all = self.0.lock();
        for facts in found.facts() {
            let same = |known: &&mut Known| known.bind.as_ref() == bind && known.facts.schema == facts.schema;
            match all.iter_mut().find(same) {
                Some(known) if whole => (known.facts, known.whole) = (facts.clone(), true),
                Some(known) => add(&mut known.facts, facts),
                None => all.push(Known { bind: bind.cloned(), facts: facts.clone(), whole }),
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<Known> {
        self.0.lock().clone()
    }
}

fn add(known: &mut SchemaFacts, more: &SchemaFacts) {
    known.tables.retain(|table| !more.tables.iter().any(|other| other.name == table.name));
    known.tables.extend(more.tables.iter().cloned());
    known.tables.sort_by(|a, b| a.name.cmp(&b.name));
    known.enums.retain(|found| !more.enums.iter().any(|other| other.name == found.name));
    known.enums.extend(more.enums.iter().cloned());
    known.domains.retain(|found| !more.domains.iter().any(|other| other.name == found.name));
    known.domains.extend(more.domains.iter().cloned());
    known.sequences.retain(|found| !more.sequences.iter().any(|other| other.name == found.name));
    known.sequences.extend(more.sequences.iter().cloned());
}
