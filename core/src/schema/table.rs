//! A table as a value: a stable identity, and the version of its definition that holds now.
//!
//! Not here: how parts become a definition (`build`), the registry (`metadata`), and doing
//! anything with a table (`stmt`, `engine`). Callers: everything.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use indexmap::IndexMap;
use parking_lot::RwLock;

use super::Formula;
use super::column::{Autoincrement, ClientDefault, Column, ServerDefault};
use super::constraint::{Action, Index, Reference};
use super::hybrid::Hybrid;
use super::metadata::{Metadata, WeakMetadata};
use super::name::Name;
use super::options::{Info, Options};
use super::parts::{PartList, TableKind};
use super::version::Version;
use crate::compile::Ready;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{ColumnRef, Expr, Origin, Source};
use crate::suggest::did_you_mean;
use crate::types::Type;

/// What makes a table the same table through all its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(u64);

/// What makes a column the same column through all versions of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub(crate) u32);

impl ColumnId {
    /// Its number among the columns of its table, for who keeps many.
    #[doc(hidden)]
    pub fn number(self) -> u32 {
        self.0
    }

    /// The id with a number that was given by [`number`](ColumnId::number).
    #[doc(hidden)]
    pub fn of_number(number: u32) -> ColumnId {
        ColumnId(number)
    }
}

/// A table: a value you pass around, clone, send to other threads, and put into statements.
///
/// A `Table` is a handle of one word. It has a stable identity and, at any moment, one immutable
/// [`TableDef`]; changing the table (extending it, reflecting it again) puts a new definition in
/// its place, which every handle sees. Two handles are equal when they are of the same table.
#[derive(Clone)]
pub struct Table(Arc<Shared>);

struct Shared {
    id: TableId,
    registry: WeakMetadata,
    /// The first version: the only one of most tables, and lent without a lock.
    first: Arc<TableDef>,
    /// The version that holds, if that is a later one.
    later: RwLock<Option<Arc<TableDef>>>,
    /// Its number, to be asked without a lock.
    version: AtomicU32,
}

impl Table {
    /// A table that no registry holds: for statements against tables known only by name.
    ///
    /// # Errors
    /// As [`Metadata::define`](super::Metadata::define).
    pub fn new(name: impl Into<Name>, parts: impl super::TableParts) -> Result<Table> {
        let mut list = PartList::default();
        parts.add_to(&mut list);
        Ok(Table::from_def(TableDef::build(name.into(), list, None)?, WeakMetadata::default()))
    }

    pub(super) fn from_def(def: TableDef, registry: WeakMetadata) -> Table {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = TableId(NEXT.fetch_add(1, Ordering::Relaxed));
        let version = AtomicU32::new(def.version);
        Table(Arc::new(Shared { id, registry, first: Arc::new(def), later: RwLock::default(), version }))
    }

    /// Puts a new version in place of the one that holds now.
    pub(crate) fn replace(&self, def: TableDef) {
        let mut later = self.0.later.write();
        self.0.version.store(def.version, Ordering::Release);
        let before = later.replace(Arc::new(def));
        drop(later);
        drop(before);
    }

    /// The stable identity.
    pub fn id(&self) -> TableId {
        self.0.id
    }

    /// The definition that holds now. It does not change; ask again to see a later one.
    pub fn def(&self) -> Arc<TableDef> {
        self.lend().into_owned()
    }

    /// The definition that holds now, lent where that needs no lock.
    #[doc(hidden)]
    #[inline]
    pub fn lend(&self) -> Cow<'_, Arc<TableDef>> {
        let Shared { first, later, version, .. } = &*self.0;
        if version.load(Ordering::Acquire) == first.version {
            return Cow::Borrowed(first);
        }
        Cow::Owned(later.read().as_ref().unwrap_or(first).clone())
    }

    /// The registry it was defined in, while that lives.
    pub fn metadata(&self) -> Option<Metadata> {
        self.0.registry.upgrade(self.0.first.bind.as_ref())
    }

    /// The bind it is of: which of several databases it is in. None is the default one.
    pub fn bind(&self) -> Option<&Arc<str>> {
        // It is of what names a table, and so the same in all versions.
        self.0.first.bind.as_ref()
    }

    /// The number of the version that holds now.
    pub fn version(&self) -> u32 {
        self.0.version.load(Ordering::Acquire)
    }

    /// The name, without schema.
    pub fn name(&self) -> Arc<str> {
        self.lend().name.shared()
    }

    /// The column of this key, or what a [`hybrid`](super::hybrid()) of this name is in SQL, as an expression.
    ///
    /// An unknown key gives an expression that carries the error: the verb that runs the statement
    /// returns it, with near names. [`Table::try_c`] fails at once.
    pub fn c(&self, key: &str) -> Expr {
        self.try_c(key).unwrap_or_else(Expr::invalid)
    }

    /// The column of this key, as an expression.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names.
    pub fn try_c(&self, key: &str) -> Result<Expr> {
        let def = self.lend();
        if let Some(hybrid) = def.hybrid(key) {
            return hybrid.expr(|name| self.c(name));
        }
        let id = def.column(key)?.id;
        Ok(Expr::column(ColumnRef { source: Source::of(self), id }))
    }

    /// The same table under another name in a statement, for joining it with itself.
    pub fn alias(&self, alias: impl Into<Arc<str>>) -> Alias {
        Alias { table: self.clone(), alias: alias.into() }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Table) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Table {}

impl std::hash::Hash for Table {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.def().display_name())
    }
}

/// A table under another name, inside statements only.
#[derive(Clone, Debug)]
pub struct Alias {
    pub(crate) table: Table,
    pub(crate) alias: Arc<str>,
}

impl Alias {
    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The name it has.
    pub fn name(&self) -> &str {
        &self.alias
    }

    /// The column of this key, as an expression; errors travel as with [`Table::c`].
    pub fn c(&self, key: &str) -> Expr {
        self.try_c(key).unwrap_or_else(Expr::invalid)
    }

    /// The column of this key, as an expression.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names.
    pub fn try_c(&self, key: &str) -> Result<Expr> {
        let def = self.table.lend();
        if let Some(hybrid) = def.hybrid(key) {
            return hybrid.expr(|name| self.c(name));
        }
        let id = def.column(key)?.id;
        let source = Source {
            table: self.table.clone(),
            alias: Some(self.alias.clone()),
            origin: Origin::Table,
            depth: 0,
        };
        Ok(Expr::column(ColumnRef { source, id }))
    }
}

/// One immutable version of a table's definition.
#[derive(Debug)]
pub struct TableDef {
    pub(crate) bind: Option<Arc<str>>,
    pub(crate) schema: Option<Name>,
    pub(crate) name: Name,
    pub(crate) columns: IndexMap<Arc<str>, ColumnDef>,
    pub(crate) primary_key: Option<KeyDef>,
    pub(crate) uniques: Vec<KeyDef>,
    pub(crate) checks: Vec<CheckDef>,
    pub(crate) foreign_keys: Vec<ForeignKeyDef>,
    pub(crate) others: Vec<OtherDef>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) comment: Option<Arc<str>>,
    pub(crate) info: Info,
    pub(crate) options: Options,
    pub(crate) kind: TableKind,
    pub(crate) version: u32,
    pub(crate) parts: PartList,
    pub(crate) ready: Ready,
}

/// A column of a definition.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    pub(crate) id: ColumnId,
    pub(crate) key: Arc<str>,
    pub(crate) nullable: bool,
    /// As it was declared, shared with the parts.
    pub(crate) column: Arc<Column>,
}

/// A primary key or a unique constraint of a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDef {
    /// Its name, where it has one.
    pub name: Option<Name>,
    /// Positions of its columns, in the key's order.
    pub columns: Vec<usize>,
    /// Options of dialects.
    pub options: Options,
}

/// A CHECK constraint of a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckDef {
    /// Its name, where it has one.
    pub name: Option<Name>,
    /// What must hold.
    pub condition: Formula,
    /// Options of dialects.
    pub options: Options,
}

/// A constraint in one dialect's own words.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherDef {
    /// The name, where it has one.
    pub name: Option<Name>,
    /// Whose words they are.
    pub dialect: Arc<str>,
    /// All that follows the name.
    pub sql: Arc<str>,
    /// Options of dialects.
    pub options: Options,
}

/// A foreign key of a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKeyDef {
    /// Its name.
    pub name: Option<Name>,
    /// Positions of its columns here.
    pub columns: Vec<usize>,
    /// Where it points, not looked up.
    pub target: Reference,
    /// What happens when the referenced row is deleted.
    pub on_delete: Action,
    /// What happens when the referenced key changes.
    pub on_update: Action,
    /// Whether the check may wait for the commit, where that was said.
    pub deferrable: Option<bool>,
    /// Whether it waits from the start.
    pub initially_deferred: bool,
    /// The word of MATCH, where one was given.
    pub match_type: Option<Arc<str>>,
    /// Options of dialects.
    pub options: Options,
}

impl ForeignKeyDef {
    /// Positions, in the table it points to, of the columns it points to: those it names, or the
    /// primary key. None where that table lacks one, or has another number of them.
    pub fn target_positions(&self, target: &TableDef) -> Option<Vec<usize>> {
        let named = |name: &Name| target.columns().position(|c| c.column.name.as_str() == name.as_str());
        let positions = match self.target.columns.as_slice() {
            [] => target.primary_key.as_ref()?.columns.clone(),
            names => names.iter().map(named).collect::<Option<_>>()?,
        };
        (positions.len() == self.columns.len()).then_some(positions)
    }
}

impl TableDef {
    /// The schema; none for the connection's default schema.
    pub fn schema(&self) -> Option<&Name> {
        self.schema.as_ref()
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// `schema.name`, or the name alone in the default schema.
    pub fn display_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.to_string(),
        }
    }

    /// The columns in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &ColumnDef> {
        self.columns.values()
    }

    /// The column of this key, or of a second name.
    ///
    /// # Errors
    /// `NoSuchColumn`, with near names.
    pub fn column(&self, key: &str) -> Result<&ColumnDef> {
        // Comparing a few short names is faster than hashing one.
        let found = match self.columns.len() {
            0..=16 => self.columns.values().find(|column| *column.key == *key),
            _ => self.columns.get(key),
        };
        found.map_or_else(|| self.column_of_synonym(key), Ok)
    }

    /// The column that a second name stands for.
    #[cold]
    fn column_of_synonym(&self, name: &str) -> Result<&ColumnDef> {
        let column = self.synonym(name).and_then(|column| self.columns.get(column));
        column.ok_or_else(|| self.no_such_column(name))
    }

    /// The column at a position.
    pub fn column_at(&self, position: usize) -> Option<&ColumnDef> {
        self.columns.get_index(position).map(|(_, column)| column)
    }

    /// Position and definition of a column by its stable id; none if it is gone.
    pub fn place_of(&self, id: ColumnId) -> Option<(usize, &ColumnDef)> {
        // Ids are given in order, so the position is usually the id itself.
        match self.column_at(id.0 as usize) {
            Some(column) if column.id == id => Some((id.0 as usize, column)),
            _ => self.columns.values().enumerate().find(|(_, column)| column.id == id),
        }
    }

    /// The definition of a column by its stable id; none if it is gone.
    pub(crate) fn by_id(&self, id: ColumnId) -> Option<&ColumnDef> {
        self.place_of(id).map(|(_, column)| column)
    }

    /// The error of a key that is not a column here.
    pub(crate) fn no_such_column(&self, key: &str) -> Error {
        let table = self.display_name();
        let message = match self.hybrid(key) {
            Some(_) => format!("`{key}` of table `{table}` is no column: it is made of others"),
            None => {
                let hybrids = self.hybrids().iter().map(Hybrid::name);
                let near = did_you_mean(key, self.columns.keys().map(|k| &**k).chain(hybrids));
                format!("table `{table}` has no column `{key}`{near}")
            }
        };
        Error::new(ErrorKind::NoSuchColumn, message).with_table(table).with_columns([key])
    }

    /// Whether a foreign key of this table points to that one.
    pub fn points_to(&self, key: &ForeignKeyDef, other: &TableDef) -> bool {
        let schema = key.target.schema.as_ref().or(self.schema.as_ref());
        let there = schema == other.schema.as_ref() || key.target.in_default && other.schema.is_none();
        there && key.target.table.as_str() == other.name.as_str()
    }

    /// Whether it has its columns from some other table.
    pub fn has_inherited_columns(&self) -> bool {
        self.options.iter().any(|(_, option, _)| matches!(option, "partition_of" | "inherits"))
    }

    /// Whether it has its columns from another table, whose part or child it is, so that it comes after it.
    pub fn has_columns_from(&self, other: &TableDef) -> bool {
        let bare = |text: &str| text.replace('"', "");
        let is_other = |printed: &str| {
            let (printed, name) = (bare(printed), other.name.as_str());
            let schema = printed.strip_suffix(name).and_then(|before| match before {
                "" => Some(None),
                _ => before.strip_suffix('.').map(Some),
            });
            match (schema, &other.schema) {
                (None, _) => false,
                (Some(Some(printed)), Some(own)) => printed == own.as_str(),
                _ => true,
            }
        };
        self.options.iter().any(|(dialect, option, value)| match option {
            "partition_of" => is_other(&value.to_string()),
            "inherits" => self.options.list(dialect, option).into_iter().any(is_other),
            _ => false,
        })
    }

    /// Whether at most one row can hold the values of these columns: they are the primary key or a
    /// unique constraint, in any order.
    pub fn is_unique(&self, columns: &[usize]) -> bool {
        let same = |key: &KeyDef| {
            key.columns.len() == columns.len() && key.columns.iter().all(|at| columns.contains(at))
        };
        self.primary_key.iter().chain(&self.uniques).any(same)
    }

    /// The name of the model that configures it.
    pub fn model(&self) -> Option<&str> {
        self.parts.model.as_deref()
    }

    /// The primary key.
    pub fn primary_key(&self) -> Option<&KeyDef> {
        self.primary_key.as_ref()
    }

    /// The unique constraints.
    pub fn uniques(&self) -> &[KeyDef] {
        &self.uniques
    }

    /// The CHECK constraints.
    pub fn checks(&self) -> &[CheckDef] {
        &self.checks
    }

    /// The foreign keys.
    pub fn foreign_keys(&self) -> &[ForeignKeyDef] {
        &self.foreign_keys
    }

    /// The constraints that are in one dialect's own words.
    pub fn others(&self) -> &[OtherDef] {
        &self.others
    }

    /// The indexes that are not constraints.
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Your notes.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Options of dialects.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What stands behind it.
    pub fn kind(&self) -> &TableKind {
        &self.kind
    }

    /// Whether the definition came from a database and the program added nothing to it.
    pub fn is_reflected(&self) -> bool {
        self.parts.existing == super::Existing::Replace && !self.parts.extended
    }

    /// Whether its primary key names one row at most: the database told of it. A program may name
    /// any columns its key.
    pub(crate) fn is_sure_of_its_key(&self) -> bool {
        self.kind == TableKind::Table && self.is_reflected()
    }

    /// The number of this version, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The names of columns given by position.
    pub fn names_at<'a>(&'a self, positions: &'a [usize]) -> impl Iterator<Item = &'a str> {
        positions.iter().filter_map(|p| self.column_at(*p)).map(|c| c.column.name.as_str())
    }

    /// The column whose values the database makes: a single integer key without a default, or
    /// the key column that says so.
    pub fn generated_key(&self) -> Option<&ColumnDef> {
        let key = self.primary_key.as_ref()?;
        let columns: Vec<&ColumnDef> = key.columns.iter().filter_map(|p| self.column_at(*p)).collect();
        let said = columns.iter().find(|c| c.column.autoincrement == Autoincrement::Always);
        if let Some(column) = said {
            return Some(column);
        }
        match columns.as_slice() {
            [only] if only.is_auto_key(self) => Some(only),
            _ => None,
        }
    }
}

impl ColumnDef {
    /// The stable id.
    pub fn id(&self) -> ColumnId {
        self.id
    }

    /// The type it is stored as: of a type of yours, its base.
    pub fn base_type(&self) -> Type {
        match &self.column.ty {
            Type::Custom(custom) => custom.0.base(),
            other => other.clone(),
        }
    }

    /// The words of a dialect that its type was declared in, where it was reflected there.
    pub fn declared_as(&self, dialect: &str) -> Option<&str> {
        self.column.declared.as_ref().filter(|declared| declared.dialect == dialect).map(|d| &*d.text)
    }

    /// The name programs use.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name in the database.
    pub fn name(&self) -> &Name {
        &self.column.name
    }

    /// The type.
    pub fn ty(&self) -> &Type {
        &self.column.ty
    }

    /// Whether NULL is allowed; said, or else true outside the primary key.
    pub fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// The default the program supplies on insert.
    pub fn client_default(&self) -> Option<&ClientDefault> {
        self.column.default.as_ref()
    }

    /// The value the program supplies on update.
    pub fn client_on_update(&self) -> Option<&ClientDefault> {
        self.column.on_update.as_ref()
    }

    /// How it tells versions of the row apart, if it does.
    pub fn row_version(&self) -> Option<Version> {
        self.column.version
    }

    /// The default the database supplies.
    pub fn server_default(&self) -> Option<&ServerDefault> {
        self.column.server_default.as_ref()
    }

    /// What it is computed from, for a generated column.
    pub fn computed(&self) -> Option<&super::column::Computed> {
        self.column.computed.as_deref()
    }

    /// Whether the database gives every table this column.
    pub fn is_system(&self) -> bool {
        self.column.system
    }

    /// Why nobody may write it, as the end of a sentence; none if one may.
    pub fn read_only(&self) -> Option<&'static str> {
        match (&self.column.computed, self.column.system) {
            (Some(_), _) => Some("is computed by the database"),
            (None, true) => Some("is the database's own"),
            (None, false) => None,
        }
    }

    /// How the numbers of an identity column go.
    pub fn identity(&self) -> Option<&crate::dialect::IdentityFacts> {
        self.column.identity.as_deref()
    }

    /// The collation.
    pub fn collation(&self) -> Option<&str> {
        self.column.collation.as_deref()
    }

    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.column.comment.as_deref()
    }

    /// Your notes.
    pub fn info(&self) -> &Info {
        &self.column.info
    }

    /// Options of dialects.
    pub fn options(&self) -> &Options {
        &self.column.options
    }

    /// Whether the database makes the values of this key.
    pub fn autoincrement(&self) -> Autoincrement {
        self.column.autoincrement
    }

    /// The type in the words of the database it was reflected from.
    pub fn declared(&self) -> Option<&super::column::Declared> {
        self.column.declared.as_ref()
    }

    fn is_auto_key(&self, table: &TableDef) -> bool {
        let position = table.columns.get_index_of(&self.key);
        let referring = table.foreign_keys.iter().any(|key| key.columns.iter().any(|p| Some(*p) == position));
        self.column.ty.is_integer()
            && self.column.autoincrement == Autoincrement::Auto
            && self.column.default.is_none()
            && self.column.server_default.is_none()
            && self.column.computed.is_none()
            && !referring
    }
}
