//! Plans that need no walk: each table version keeps the texts everybody asks for.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use parking_lot::RwLock;

use super::{Compiled, Target};
use crate::rows::Columns;

/// The ready plans of a table version, one set for each kind of server.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    /// Those of the server asked for first, mostly the only one: lent without a lock.
    first: OnceCell<(u64, Arc<Plans>)>,
    others: RwLock<Vec<(u64, Arc<Plans>)>>,
}

/// What is ready for one kind of server.
#[derive(Debug)]
pub(crate) struct Plans {
    /// The columns of a full select.
    pub(crate) columns: Arc<Columns>,
    /// The table's name as SQL.
    pub(crate) table: String,
    /// Each column's name as SQL, with the table's before it.
    pub(crate) qualified: Vec<String>,
    /// The select list of all columns.
    pub(crate) list: String,
    /// SELECT of all columns of all rows.
    pub(crate) select: Arc<Compiled>,
    /// The same of the row of a key, without its parameters; empty for a table without a key.
    pub(crate) get: String,
}

/// Kinds of servers kept; more than these at once are compiled each time.
const MOST: usize = 8;

impl Ready {
    /// The plans for a server, if they are at hand.
    pub(crate) fn lend(&self, target: &Target) -> Option<&Arc<Plans>> {
        self.first.get().filter(|(id, _)| *id == target.id).map(|(_, plans)| plans)
    }

    /// The plans for a server, made at first use. `make` runs without a lock held.
    pub(crate) fn get<E>(
        &self,
        target: &Target,
        make: impl FnOnce() -> Result<Plans, E>,
    ) -> Result<Arc<Plans>, E> {
        let among_others = || {
            let others = self.others.read();
            others.iter().find(|(id, _)| *id == target.id).map(|(_, plans)| plans.clone())
        };
        if let Some(plans) = self.lend(target).cloned().or_else(among_others) {
            return Ok(plans);
        }
        let plans = Arc::new(make()?);
        if self.first.set((target.id, plans.clone())).is_ok() {
            return Ok(plans);
        }
        let mut list = self.others.write();
        if list.len() < MOST && !list.iter().any(|(id, _)| *id == target.id) {
            list.push((target.id, plans.clone()));
        }
        Ok(plans)
    }
}
