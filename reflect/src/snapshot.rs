//! A schema as a value: written down, read again, told from another.

use mirrorm_core::dialect::SchemaFacts;
use mirrorm_core::engine::Conn;
use mirrorm_core::schema::Metadata;
use mirrorm_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Value, json};

use super::difference::{Difference, differences};
use super::plain::Plain;
use super::{Reflection, Reflector};

/// The version of the form that is written.
const VERSION: i64 = 1;

/// A schema at a moment: its facts, and whose they are. A serde value, so that a file can hold it; a program
/// can begin with it without asking the database, and find out later what has changed.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
/// use mirrorm::reflect::Snapshot;
///
/// let db = Db::open("sqlite://")?;
/// db.execute_script("CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(10))")?;
/// let text = serde_json::to_string(&db.snapshot()?).unwrap();
///
/// let other = Db::open("sqlite://")?;
/// let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
/// other.load(&snapshot)?; // the database was not asked
/// assert_eq!(other.table_named("t")?.def().columns().len(), 2);
///
/// db.execute_script("ALTER TABLE t ADD COLUMN b INTEGER")?;
/// let changed = snapshot.compare(&db.snapshot()?);
/// assert_eq!(changed[0].to_string(), "table t: column b is new");
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    dialect: String,
    server: String,
    facts: SchemaFacts,
}

impl Snapshot {
    /// What a reflector reads.
    ///
    /// # Errors
    /// As [`Reflector::facts`].
    pub fn of(conn: &Conn, reflector: &Reflector) -> Result<Snapshot> {
        let facts = reflector.facts(conn)?;
        let (dialect, server) = (conn.engine().dialect().name(), &conn.target().features().version);
        Ok(Snapshot { dialect: dialect.to_string(), server: server.clone(), facts })
    }

    /// The name of the dialect whose facts these are.
    pub fn dialect(&self) -> &str {
        &self.dialect
    }

    /// The version of the server they are from.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The facts.
    pub fn facts(&self) -> &SchemaFacts {
        &self.facts
    }

    /// A number that is the same for equal facts on every machine, and another for others but for chance: 64
    /// bits in hexadecimal digits (FNV-1a).
    pub fn fingerprint(&self) -> String {
        let text = self.facts.out().to_string();
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        format!("{hash:016x}")
    }

    /// What a later snapshot has otherwise.
    pub fn compare(&self, later: &Snapshot) -> Vec<Difference> {
        differences(&self.facts, &later.facts)
    }

    /// Registers its tables, as reflecting does.
    ///
    /// # Errors
    /// `Config` for a snapshot of another dialect than the one that is named.
    pub fn define(&self, dialect: &'static str, metadata: &Metadata) -> Result<Reflection> {
        if self.dialect != dialect {
            let message = format!("the snapshot is of {}, the database of {dialect}", self.dialect);
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(Reflector::new().register(self.facts.clone(), dialect, metadata))
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Snapshot { dialect, server, facts } = self;
        let all = json!({ "snapshot": VERSION, "dialect": dialect, "server": server, "facts": facts.out() });
        if serializer.is_human_readable() {
            all.serialize(serializer)
        } else {
            serde_json::to_string(&all).map_err(ser::Error::custom)?.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Snapshot, D::Error> {
        let all = if deserializer.is_human_readable() {
            Value::deserialize(deserializer)?
        } else {
            serde_json::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)?
        };
        read(&all).map_err(de::Error::custom)
    }
}

fn read(all: &Value) -> Result<Snapshot> {
    match all.get("snapshot").and_then(Value::as_i64) {
        Some(VERSION) => {}
        Some(other) => {
            let message = format!("a snapshot of form {other}; this program reads {VERSION}");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        None => return Err(Error::new(ErrorKind::Invalid, "no snapshot: it has no number of its form")),
    }
    let text = |name: &str| String::read(all.get(name).unwrap_or(&Value::Null));
    let facts = SchemaFacts::read(all.get("facts").unwrap_or(&Value::Null))?;
    Ok(Snapshot { dialect: text("dialect")?, server: text("server")?, facts })
}
