//! What `db.table(name, parts)` takes: columns, constraints, indexes, options, in any mix.

use std::sync::Arc;

use super::attribute::Attribute;
use super::column::Column;
use super::constraint::{Constraint, ForeignKey, Index};
use super::hybrid::Hybrid;
use super::name::Name;
use super::naming::NamingConvention;
use super::options::{Info, Options};
use crate::value::Value;

/// Parts gathered in the order they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartList {
    pub(crate) columns: Vec<Arc<Column>>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) comment: Option<String>,
    pub(crate) info: Info,
    pub(crate) options: Options,
    pub(crate) schema: Option<Name>,
    pub(crate) bind: Option<Arc<str>>,
    pub(crate) kind: TableKind,
    pub(crate) existing: Existing,
    /// The program extended it, so reflecting again leaves it alone.
    pub(crate) extended: bool,
    /// What is called otherwise, or filled, of columns declared elsewhere; empty once it is built.
    pub(crate) attributes: Vec<Attribute>,
    /// What it has beside its columns.
    pub(crate) hybrids: Vec<Hybrid>,
    /// The name of the model it is configured by.
    pub(crate) model: Option<Arc<str>>,
    /// How what has no name is named: the registry's, from the moment it is defined there.
    pub(crate) naming: Option<Arc<NamingConvention>>,
}

/// What stands behind a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableKind {
    /// An ordinary table.
    #[default]
    Table,
    /// A view, with its definition where known.
    View(Option<Arc<str>>),
    /// A view whose rows are stored, with its definition.
    MaterializedView(Option<Arc<str>>),
    /// A table whose rows another database has.
    Foreign,
    /// A table that a module of the database makes up, with its declaration.
    Virtual(Option<Arc<str>>),
}

/// What defining a table does when the name is taken by a different definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// An error that says what differs; an equal definition gives the same table.
    #[default]
    Refuse,
    /// Same-named columns are replaced, new parts are added.
    Extend,
    /// The table there is stays as it is.
    Keep,
    /// What reflection says: the new definition takes the place of one that was reflected before.
    /// A table that the program defined, or extended, stays as it is.
    Replace,
}

/// A setting of the table itself, as a part: a comment, a note, an option of a dialect.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a setting does nothing until it is part of a table"]
pub enum Setting {
    /// The table's comment.
    Comment(String),
    /// A note of yours.
    Info(String, Value),
    /// An option: dialect, name, value.
    Option(String, String, Value),
    /// The schema the table is in.
    Schema(Name),
    /// Which of several databases the table is in.
    Bind(Arc<str>),
    /// What stands behind the table.
    Kind(TableKind),
    /// What to do when the name is taken.
    Existing(Existing),
    /// The name of the model it is configured by.
    #[doc(hidden)]
    Model(Arc<str>),
}

/// The schema the table is in, as a part; without it, the connection's default schema.
pub fn in_schema(name: impl Into<Name>) -> Setting {
    Setting::Schema(name.into())
}

/// The bind the table is of, as a part: which of several databases it is in. Without it, the default
/// one.
pub fn in_bind(key: impl Into<Arc<str>>) -> Setting {
    Setting::Bind(key.into())
}

/// As a part: where the table exists already, replace its same-named columns and add the rest.
pub fn extend_existing() -> Setting {
    Setting::Existing(Existing::Extend)
}

/// As a part: where the table exists already, leave it as it is.
pub fn keep_existing() -> Setting {
    Setting::Existing(Existing::Keep)
}

/// The table's comment, as a part.
pub fn comment(text: impl Into<String>) -> Setting {
    Setting::Comment(text.into())
}

/// A note of yours on the table, as a part.
pub fn info(name: impl Into<String>, value: impl Into<Value>) -> Setting {
    Setting::Info(name.into(), value.into())
}

/// An option of a dialect on the table, as a part: `option("sqlite", "strict", true)`.
pub fn option(dialect: impl Into<String>, name: impl Into<String>, value: impl Into<Value>) -> Setting {
    Setting::Option(dialect.into(), name.into(), value.into())
}

/// Anything a table is made of: a column, a constraint, an index, a setting, and tuples, arrays,
/// slices, `Vec`s and `Option`s of these, nested as you like.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a part of a table",
    note = "write `column(..)`, `unique([..])`, `index([..])`, `foreign_key([..], ..)`, or a tuple or list of such parts"
)]
pub trait TableParts {
    /// Adds itself to the list.
    fn add_to(self, list: &mut PartList);
}

impl TableParts for Column {
    fn add_to(self, list: &mut PartList) {
        list.columns.push(Arc::new(self));
    }
}

impl TableParts for Constraint {
    fn add_to(self, list: &mut PartList) {
        list.constraints.push(self);
    }
}

impl TableParts for ForeignKey {
    fn add_to(self, list: &mut PartList) {
        list.constraints.push(self.into());
    }
}

impl TableParts for Index {
    fn add_to(self, list: &mut PartList) {
        list.indexes.push(self);
    }
}

impl TableParts for Attribute {
    fn add_to(self, list: &mut PartList) {
        list.attributes.push(self);
    }
}

impl TableParts for Setting {
    fn add_to(self, list: &mut PartList) {
        match self {
            Setting::Comment(text) => list.comment = Some(text),
            Setting::Info(name, value) => {
                list.info.insert(name, value);
            }
            Setting::Option(dialect, name, value) => list.options.set(&dialect, &name, value),
            Setting::Schema(name) => list.schema = Some(name),
            Setting::Bind(key) => list.bind = Some(key),
            Setting::Kind(kind) => list.kind = kind,
            Setting::Existing(existing) => list.existing = existing,
            Setting::Model(name) => list.model = Some(name),
        }
    }
}

impl TableParts for PartList {
    fn add_to(self, list: &mut PartList) {
        list.columns.extend(self.columns);
        list.constraints.extend(self.constraints);
        list.indexes.extend(self.indexes);
        list.attributes.extend(self.attributes);
        self.hybrids.into_iter().for_each(|hybrid| hybrid.add_to(list));
        list.comment = self.comment.or(list.comment.take());
        list.info.extend(self.info);
        list.options.extend(&self.options);
        list.schema = self.schema.or(list.schema.take());
        list.bind = self.bind.or(list.bind.take());
        list.model = self.model.or(list.model.take());
        if self.kind != TableKind::Table {
            list.kind = self.kind;
        }
        if self.existing != Existing::Refuse {
            list.existing = self.existing;
        }
    }
}

impl PartList {
    /// Adds parts over these: same-named columns are replaced, other parts added once.
    #[doc(hidden)]
    pub fn put_over(&mut self, mut more: PartList) {
        for column in std::mem::take(&mut more.columns) {
            match self.columns.iter_mut().find(|own| own.name == column.name) {
                Some(place) => *place = column,
                None => self.columns.push(column),
            }
        }
        more.constraints.retain(|constraint| !self.constraints.contains(constraint));
        more.indexes.retain(|index| !self.indexes.contains(index));
        more.add_to(self);
    }

    /// The bind they name.
    #[doc(hidden)]
    pub fn bind_mut(&mut self) -> &mut Option<Arc<str>> {
        &mut self.bind
    }

    /// The schema they name.
    #[doc(hidden)]
    pub fn schema(&self) -> Option<&Name> {
        self.schema.as_ref()
    }
}

impl TableParts for () {
    fn add_to(self, _: &mut PartList) {}
}

impl<P: TableParts> TableParts for Vec<P> {
    fn add_to(self, list: &mut PartList) {
        self.into_iter().for_each(|part| part.add_to(list));
    }
}

impl<P: TableParts> TableParts for Option<P> {
    fn add_to(self, list: &mut PartList) {
        self.into_iter().for_each(|part| part.add_to(list));
    }
}

impl<P: TableParts, const N: usize> TableParts for [P; N] {
    fn add_to(self, list: &mut PartList) {
        self.into_iter().for_each(|part| part.add_to(list));
    }
}

impl<P: TableParts + Clone> TableParts for &[P] {
    fn add_to(self, list: &mut PartList) {
        self.iter().cloned().for_each(|part| part.add_to(list));
    }
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: TableParts, $($rest: TableParts),*> TableParts for ($first, $($rest,)*) {
            #[allow(non_snake_case)]
            fn add_to(self, list: &mut PartList) {
                let ($first, $($rest,)*) = self;
                $first.add_to(list);
                $($rest.add_to(list);)*
            }
        }
        tuples!($($rest)*);
    };
    () => {};
}
tuples!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z A1 B1 C1 D1 E1 F1);
