//! Columns that are not read with the others: long texts, documents, pictures, of which a list of rows shows none.
//!
//! What reads records asks here; statements that are built read what they name.

use std::sync::Arc;

use super::attribute::Attribute;
use super::column::Column;
use super::table::ColumnDef;

impl Column {
    /// Leaves it out where several records are loaded: by queries, and along relationships. Records that are read by their
    /// key, anew, or back from the database by a flush have all columns.
    ///
    /// The attribute is `Unloaded` until it is asked for: by the query (`Query::undefer`), or for the records that were
    /// loaded together (`Session::undefer`).
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", (
    ///     column("id", Integer).primary_key(),
    ///     column("title", Text),
    ///     column("body", Text).deferred(),
    /// ))?;
    /// db.create_all()?;
    /// insert(&posts).rows(["title", "body"], [["a", "long"], ["b", "longer"]]).run(&db)?;
    /// let list = db.session().query(&posts).all()?;
    /// assert_eq!(list[0].get::<String>("body").unwrap_err().kind(), ErrorKind::Unloaded);
    /// let list = db.session().query(&posts).undefer(["body"]).all()?;
    /// assert_eq!(list[1].get::<String>("body")?, "longer");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn deferred(self) -> Column {
        self.deferred_in("")
    }

    /// As [`Column::deferred`], in a group of columns that a query asks for together (`Query::undefer_group`).
    pub fn deferred_in(mut self, group: impl Into<Arc<str>>) -> Column {
        self.deferred = Some(group.into());
        self
    }
}

impl Attribute {
    /// Leaves it out where several records are loaded; see [`Column::deferred`].
    pub fn deferred(self) -> Attribute {
        self.deferred_in("")
    }

    /// As [`Attribute::deferred`], in a group of columns; see [`Column::deferred_in`].
    pub fn deferred_in(mut self, group: impl Into<Arc<str>>) -> Attribute {
        self.deferred = Some(group.into());
        self
    }
}

impl ColumnDef {
    /// The group it is left out with where several records are loaded, which may have no name; none where it is not.
    pub fn deferred(&self) -> Option<&str> {
        self.column.deferred.as_deref()
    }
}
