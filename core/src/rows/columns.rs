//! The columns of a result: names, types, and where they come from.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::schema::{ColumnId, TableId};
use crate::suggest::did_you_mean;
use crate::types::{Class, Type};

/// The columns of a result, shared by all its blocks.
#[derive(Debug, Default)]
pub struct Columns {
    list: Vec<ColumnInfo>,
    // Only for wide results: below this a scan of the names is faster than hashing one.
    by_name: ByName,
    repeated: Vec<Arc<str>>,
    /// How many hold text, and whether custom types look at what is read: asked for every block.
    pub(super) texts: usize,
    pub(super) has_hooks: bool,
}

const SCAN: usize = 16;

/// One column of a result.
#[derive(Clone, Debug)]
pub struct ColumnInfo {
    pub(crate) name: Arc<str>,
    pub(crate) ty: Type,
    pub(crate) class: Class,
    pub(crate) origin: Option<ColumnOrigin>,
}

/// The table column a result column was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// The table's stable id.
    pub table: TableId,
    /// The table's name at that time.
    pub table_name: Arc<str>,
    /// The column's stable id.
    pub column: ColumnId,
}

impl ColumnInfo {
    /// A column of a name and a type, read from nowhere in particular.
    pub fn new(name: impl Into<Arc<str>>, ty: Type) -> ColumnInfo {
        let class = ty.class();
        ColumnInfo { name: name.into(), ty, class, origin: None }
    }

    /// The name in the result.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name, shared.
    pub fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// The type the cells are read as.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// What kind of cells it has.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The table column it was read from, if it is one.
    pub fn origin(&self) -> Option<&ColumnOrigin> {
        self.origin.as_ref()
    }
}

type ByName = Option<HashMap<Arc<str>, usize>>;

/// The names that several columns have.
fn repeated(list: &[ColumnInfo]) -> Vec<Arc<str>> {
    let repeats = |(i, c): &(usize, &ColumnInfo)| list.iter().take(*i).any(|other| other.name == c.name);
    list.iter().enumerate().filter(repeats).map(|(_, c)| c.name.clone()).collect()
}

/// The columns by name, and the names that several have.
fn wide(list: &[ColumnInfo]) -> (ByName, Vec<Arc<str>>) {
    let (mut by_name, mut repeated) = (HashMap::with_capacity(list.len()), Vec::new());
    for (position, column) in list.iter().enumerate() {
        if by_name.insert(column.name.clone(), position).is_some() {
            repeated.push(column.name.clone());
        }
    }
    (Some(by_name), repeated)
}

impl Columns {
    /// Columns in order.
    pub fn new(list: Vec<ColumnInfo>) -> Columns {
        let texts = list.iter().filter(|c| c.class == Class::Text).count();
        let has_hooks = list.iter().any(|c| matches!(c.ty, Type::Custom(_)));
        let (by_name, repeated) = if list.len() > SCAN { wide(&list) } else { (None, repeated(&list)) };
        Columns { list, by_name, repeated, texts, has_hooks }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none, as after a statement that returns no rows.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The columns in order.
    pub fn iter(&self) -> std::slice::Iter<'_, ColumnInfo> {
        self.list.iter()
    }

    /// The column at a position.
    pub fn get(&self, position: usize) -> Option<&ColumnInfo> {
        self.list.get(position)
    }

    /// The position of the column of this name.
    ///
    /// # Errors
    /// `NoSuchColumn` with near names; `AmbiguousColumn` when several have the name.
    pub fn position(&self, name: &str) -> Result<usize> {
        let found = match &self.by_name {
            Some(map) => map.get(name).copied(),
            None => self.list.iter().position(|column| &*column.name == name),
        };
        if !self.repeated.is_empty() && self.repeated.iter().any(|n| &**n == name) {
            let message =
                format!("the result has several columns named `{name}`; label them, or read by position");
            return Err(Error::new(ErrorKind::AmbiguousColumn, message).with_columns([name]));
        }
        found.ok_or_else(|| self.no_such(name))
    }

    fn no_such(&self, name: &str) -> Error {
        let near = did_you_mean(name, self.list.iter().map(|c| &*c.name));
        let message = format!("the result has no column `{name}`{near}");
        Error::new(ErrorKind::NoSuchColumn, message).with_columns([name])
    }

    /// Refuses columns that share a name, for forms that would keep one of them only.
    ///
    /// # Errors
    /// `AmbiguousColumn`.
    pub fn distinct_names(&self) -> Result<()> {
        match self.repeated.first() {
            Some(name) => self.position(name).map(|_| ()),
            None => Ok(()),
        }
    }

    /// `table posts, column title`, for errors about a cell.
    pub(crate) fn place(&self, position: usize) -> String {
        match self.get(position) {
            Some(ColumnInfo { name, origin: Some(origin), .. }) => {
                format!("table `{}`, column `{name}`", origin.table_name)
            }
            Some(column) => format!("column `{}`", column.name),
            None => format!("column {position}"),
        }
    }
}
