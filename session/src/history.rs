//! What was set of a record since it was read.

use std::fmt;
use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::schema::{Hybrid, HybridKind};
use mirrorm_core::value::{Value, ValueRef};

use crate::record::Record;

/// One attribute before and after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The column's key.
    pub name: Arc<str>,
    /// The value before; none where there was none or where it is not known.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_string(), Value::to_string);
        write!(f, "{}: {} -> {}", self.name, show(&self.old), show(&self.new))
    }
}

impl Record {
    /// What an attribute was when it was read, and what it is now, where it was set since.
    ///
    /// # Errors
    /// `NoSuchColumn`.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&tags).values(values! { "name" => "old" }).run(&db)?;
    /// let session = db.session();
    /// let tag = session.query(&tags).one()?;
    /// tag.set("name", "new")?;
    /// let history = tag.history("name")?;
    /// assert_eq!((history.old, history.new), (Some("old".into()), Some("new".into())));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn history(&self, name: &str) -> Result<FieldChange> {
        let def = self.def_for(name);
        if let Some(HybridKind::Synonym(column)) = def.hybrid(name).map(Hybrid::kind) {
            return Ok(FieldChange { name: name.into(), ..self.history(column)? });
        }
        let column = def.column(name)?;
        let state = self.0.state.lock();
        let old = state.stored(column.id(), name).map(ValueRef::to_value);
        let new = state.overlay.get(column.id()).map(ValueRef::to_value);
        let new = if new == old { None } else { new };
        Ok(FieldChange { name: name.into(), old, new })
    }

    /// The attributes that differ from what was read.
    pub fn changed(&self) -> Vec<FieldChange> {
        let def = self.table().def();
        let all = def.columns().filter_map(|column| self.history(column.key()).ok());
        all.filter(|change| change.new.is_some()).collect()
    }
}
