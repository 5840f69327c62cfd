//! Rows that a SELECT locks for its transaction: FOR UPDATE and its like.

use super::{Joinable, Select};
use crate::expr::Source;

/// How a SELECT locks the rows it finds, until its transaction ends.
///
/// On SQLite nothing is written: there a transaction that writes has the whole database.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a lock does nothing until a SELECT has it"]
pub struct Lock {
    pub(crate) strength: Strength,
    pub(crate) wait: Wait,
    pub(crate) of: Vec<Source>,
}

/// Against whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Update,
    NoKeyUpdate,
    Share,
    KeyShare,
}

/// What happens where somebody else has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Yes,
    No,
    Skip,
}

impl Lock {
    fn of_strength(strength: Strength) -> Lock {
        Lock { strength, wait: Wait::Yes, of: Vec::new() }
    }

    /// Nobody else may change or lock the rows (FOR UPDATE).
    pub fn update() -> Lock {
        Lock::of_strength(Strength::Update)
    }

    /// As [`Lock::update`], but others may make rows that point to these (FOR NO KEY UPDATE of PostgreSQL).
    pub fn no_key_update() -> Lock {
        Lock::of_strength(Strength::NoKeyUpdate)
    }

    /// Nobody else may change the rows (FOR SHARE).
    pub fn share() -> Lock {
        Lock::of_strength(Strength::Share)
    }

    /// Nobody else may change the keys of the rows (FOR KEY SHARE of PostgreSQL).
    pub fn key_share() -> Lock {
        Lock::of_strength(Strength::KeyShare)
    }

    /// An error at once (`Busy`) where somebody else has a row.
    pub fn nowait(mut self) -> Lock {
        self.wait = Wait::No;
        self
    }

    /// Rows that somebody else has are left out of the result.
    pub fn skip_locked(mut self) -> Lock {
        self.wait = Wait::Skip;
        self
    }

    /// Of this table only, where several are joined; again for each more.
    pub fn of(mut self, table: &impl Joinable) -> Lock {
        self.of.push(table.source());
        self
    }
}

impl Select {
    /// Locks the rows it finds against changes by others: `lock(Lock::update())`.
    pub fn for_update(self) -> Select {
        self.lock(Lock::update())
    }

    /// Locks the rows it finds until the transaction ends.
    ///
    /// `Unsupported` from the verb for what the server has no words for.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::stmt::Lock;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let jobs = db.table("jobs", (column("id", Integer).primary_key(), column("done", Boolean)))?;
    /// db.create_all()?;
    /// let next = select(&jobs).filter(jobs.c("done").eq(false)).limit(1).lock(Lock::update().skip_locked());
    /// assert!(next.first(&db)?.is_none());
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn lock(mut self, lock: Lock) -> Select {
        self.lock = Some(Box::new(lock));
        self
    }
}
