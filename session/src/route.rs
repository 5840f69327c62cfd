//! Which database a statement of a session or a `Db` goes to, where the program decides it: read
//! replicas, tenants, shards.
//!
//! Without a resolver the bind of the tables decides (`engines`). Asked by `wires` and `db`.

use std::fmt;
use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::schema::Table;

/// A statement that is on its way, for who decides where it goes; see
/// [`SessionOptions::resolve_bind`](crate::SessionOptions::resolve_bind).
#[derive(Clone, Copy, Debug)]
pub struct Route<'r> {
    pub(crate) table: Option<&'r Table>,
    pub(crate) is_write: bool,
    pub(crate) has_written: bool,
}

impl<'r> Route<'r> {
    /// The bind of its tables: where it goes if nobody decides otherwise. None is the default
    /// database.
    pub fn bind(&self) -> Option<Arc<str>> {
        self.table.and_then(Table::bind).cloned()
    }

    /// The table it writes, or one of those it reads; none where it names none, as `SELECT 1`.
    pub fn table(&self) -> Option<&'r Table> {
        self.table
    }

    /// Whether it writes: an insert, update or delete, and whatever a flush reads for those.
    pub fn is_write(&self) -> bool {
        self.is_write
    }

    /// Whether the transaction of the session has written something already: what it reads from now
    /// on wants to see that.
    pub fn has_written(&self) -> bool {
        self.has_written
    }
}

type Decide = dyn Fn(&Route<'_>) -> Result<Option<Arc<str>>> + Send + Sync;

/// What decides.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<Decide>);

impl Resolver {
    pub(crate) fn new(
        decide: impl Fn(&Route<'_>) -> Result<Option<Arc<str>>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver(Arc::new(decide))
    }

    pub(crate) fn bind_for(&self, route: &Route<'_>) -> Result<Option<Arc<str>>> {
        (self.0)(route)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
