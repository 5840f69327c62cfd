//! What an INSERT does with rows that are there already.

use std::sync::Arc;

use super::insert::{plain, put};
use super::{Insert, IntoValues};
use crate::expr::{Expr, Op};

/// The key by which a row is found to be there already: its columns.
///
/// Without a column it is any key of the table; then nothing can be updated.
pub fn conflict<N: Into<Arc<str>>>(columns: impl IntoIterator<Item = N>) -> OnConflict {
    OnConflict { columns: columns.into_iter().map(Into::into).collect(), ..OnConflict::default() }
}

/// What happens to rows that are there already: nothing, or an update. Made by [`conflict`].
#[derive(Clone, Debug, Default)]
#[must_use = "it does nothing until an INSERT has it"]
pub struct OnConflict {
    pub(crate) columns: Vec<Arc<str>>,
    pub(crate) constraint: Option<Arc<str>>,
    pub(crate) index_filter: Option<Expr>,
    pub(crate) update: Vec<Arc<str>>,
    pub(crate) others: bool,
    pub(crate) set: Vec<(Arc<str>, Expr)>,
    pub(crate) filter: Option<Expr>,
}

impl OnConflict {
    /// The key of this name, whatever its columns are.
    pub fn constraint(name: impl Into<Arc<str>>) -> OnConflict {
        OnConflict { constraint: Some(name.into()), ..OnConflict::default() }
    }

    /// The key is a unique index of the rows for which this holds.
    pub fn index_filter(mut self, condition: impl Into<Expr>) -> OnConflict {
        self.index_filter = Some(condition.into());
        self
    }

    /// Sets these columns to what was to be inserted.
    pub fn update<N: Into<Arc<str>>>(mut self, columns: impl IntoIterator<Item = N>) -> OnConflict {
        self.update.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Sets every column that the INSERT gives, but for those of the key and of the primary key, to what was to be inserted.
    pub fn update_others(mut self) -> OnConflict {
        self.others = true;
        self
    }

    /// Sets columns to values or expressions; [`Expr::excluded`] is what was to be inserted.
    pub fn set(mut self, values: impl IntoValues) -> OnConflict {
        let set = &mut self.set;
        values.each(&mut |name, value| put(set, name, value));
        self
    }

    /// Updates only rows for which this holds; the others stay as they are.
    pub fn filter(mut self, condition: impl Into<Expr>) -> OnConflict {
        self.filter = Some(condition.into());
        self
    }

    pub(crate) fn updates(&self) -> bool {
        self.others || !self.update.is_empty() || !self.set.is_empty()
    }

    pub(crate) fn each_expr(&self, visit: &mut dyn FnMut(&Expr)) {
        self.set.iter().for_each(|(_, value)| visit(value));
        self.index_filter.iter().chain(&self.filter).for_each(visit);
    }
}

impl Insert {
    /// Updates rows that are there already by the key of the columns of `conflict`: the columns of `update` get what
    /// was to be inserted.
    ///
    /// It means the same on every database. MySQL and MariaDB update a row that has any key in common, so there it is
    /// `Unsupported` for a table where the row could meet another by a second key; `conflict` has to be a key that the
    /// table is known to have. Columns with an `on_update` default get it. How many rows it was is counted as the
    /// database does, on MySQL and MariaDB those given.
    ///
    /// # Errors
    /// From the verb: `NoSuchColumn`, `Invalid` for an upsert that sets nothing, `Unsupported`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let parts = (column("id", Integer).primary_key(), column("code", Text).unique(), column("n", Integer));
    /// let stock = db.table("stock", parts)?;
    /// db.create_all()?;
    /// let first = insert(&stock).values(values! { "code" => "a", "n" => 1 }).upsert(["code"], ["n"]).run(&db)?;
    /// let again = insert(&stock).values(values! { "code" => "a", "n" => 5 }).upsert(["code"], ["n"]).run(&db)?;
    /// assert_eq!(first.id(), again.id());
    /// assert_eq!(select(&stock).one(&db)?.get::<i64>("n")?, 5);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn upsert<N: Into<Arc<str>>, M: Into<Arc<str>>>(
        self,
        key: impl IntoIterator<Item = N>,
        update: impl IntoIterator<Item = M>,
    ) -> Insert {
        let conflict = conflict(key).update(update);
        // Nothing to update is a mistake here, not a wish to leave rows out.
        let nothing = || crate::Error::new(crate::ErrorKind::Invalid, "an upsert that sets nothing");
        match conflict.updates() {
            true => self.on_conflict(conflict),
            false => Insert { body: super::insert::InsertBody::Invalid(nothing()), ..self },
        }
    }

    /// Leaves out rows that are there already by the key of these columns, or without a column by any key.
    ///
    /// The keys of rows left out are not told. MySQL and MariaDB do not say how many rows were left out, so there
    /// all that were given are counted; and as with [`Insert::upsert`] a table may have no other key to meet by.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text).unique()))?;
    /// db.create_all()?;
    /// let rows = [["a"], ["b"], ["a"]];
    /// assert_eq!(insert(&tags).rows(["name"], rows).skip_conflicts(["name"]).run(&db)?.rows(), 2);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn skip_conflicts<N: Into<Arc<str>>>(self, key: impl IntoIterator<Item = N>) -> Insert {
        self.on_conflict(conflict(key))
    }

    /// What happens to rows that are there already, in detail.
    ///
    /// # Errors
    /// From the verb, as with [`Insert::upsert`]; `Unsupported` for conditions on MySQL and MariaDB.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    /// use mirrorm::stmt::conflict;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let stock = db.table("stock", (column("code", Varchar(9)).primary_key(), column("n", Integer)))?;
    /// db.create_all()?;
    /// let n = stock.c("n");
    /// let add = conflict(["code"]).set(values! { "n" => n.add(n.excluded()) });
    /// let rows = [("a", 1), ("a", 2), ("b", 5)];
    /// insert(&stock).rows(["code", "n"], rows).on_conflict(add).run(&db)?;
    /// assert_eq!(select(&n).order_by(stock.c("code")).scalars::<i64>(&db)?, [3, 5]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn on_conflict(mut self, mut conflict: OnConflict) -> Insert {
        let def = self.table.lend();
        let names = conflict.columns.iter_mut().chain(&mut conflict.update);
        names.for_each(|name| *name = plain(&def, name.clone()));
        // The last word holds, by whichever name.
        let given = std::mem::take(&mut conflict.set);
        given.into_iter().for_each(|(name, value)| put(&mut conflict.set, &plain(&def, name), value));
        drop(def);
        self.conflict = Some(Box::new(conflict));
        self
    }
}

impl Expr {
    /// What was to be inserted into this column, for [`Insert::on_conflict`].
    pub fn excluded(&self) -> Expr {
        Expr::apply(Op::Excluded, vec![self.clone()])
    }
}
