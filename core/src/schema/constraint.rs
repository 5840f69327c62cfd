//! Keys, checks and indexes as they are declared, and the part they become in a table.

use std::sync::Arc;

use super::Formula;
use super::name::Name;
use super::options::Options;
use crate::expr::Expr;
use crate::value::Value;

/// What a foreign key does when the row it points to goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Action {
    /// Nothing until the constraint is checked: the standard's default.
    #[default]
    NoAction,
    /// Refuse at once.
    Restrict,
    /// Do the same here.
    Cascade,
    /// Set the columns to NULL.
    SetNull,
    /// Set the columns to their defaults.
    SetDefault,
}

impl Action {
    /// The SQL words.
    pub fn as_sql(self) -> &'static str {
        match self {
            Action::NoAction => "NO ACTION",
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
        }
    }

    /// The action of SQL words, in any case; unknown words are no action.
    pub fn from_sql(words: &str) -> Action {
        match words.to_ascii_uppercase().as_str() {
            "RESTRICT" => Action::Restrict,
            "CASCADE" => Action::Cascade,
            "SET NULL" => Action::SetNull,
            "SET DEFAULT" => Action::SetDefault,
            _ => Action::NoAction,
        }
    }
}

/// Where a foreign key points: a table and its columns, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The table's schema; none means the schema of the table that refers.
    pub schema: Option<Name>,
    /// Whether that schema is the default one too, so that a table without a schema is in it.
    pub in_default: bool,
    /// The table.
    pub table: Name,
    /// The columns; empty means the table's primary key.
    pub columns: Vec<Name>,
}

impl Reference {
    /// A table's primary key.
    pub fn table(table: impl Into<Name>) -> Reference {
        Reference::columns::<Name>(table, [])
    }

    /// Columns of a table.
    pub fn columns<N: Into<Name>>(table: impl Into<Name>, columns: impl IntoIterator<Item = N>) -> Reference {
        let columns = columns.into_iter().map(Into::into).collect();
        Reference { schema: None, in_default: false, table: table.into(), columns }
    }

    /// The same in another schema.
    pub fn in_schema(mut self, schema: impl Into<Name>) -> Reference {
        self.schema = Some(schema.into());
        self
    }

    /// Reads `table`, `table.column` or `schema.table.column`.
    pub fn parse(text: &str) -> Reference {
        let mut parts = text.splitn(3, '.').map(str::to_string);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(schema), Some(table), Some(column)) => {
                Reference::columns(table, [column]).in_schema(schema)
            }
            (Some(table), Some(column), None) => Reference::columns(table, [column]),
            _ => Reference::table(text.to_string()),
        }
    }
}

/// A foreign key: columns here, and where they point.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a constraint does nothing until it is part of a table"]
pub struct ForeignKey {
    pub(crate) name: Option<Name>,
    pub(crate) columns: Vec<Name>,
    pub(crate) target: Reference,
    pub(crate) on_delete: Action,
    pub(crate) on_update: Action,
    pub(crate) deferrable: Option<bool>,
    pub(crate) initially_deferred: bool,
    pub(crate) match_type: Option<Arc<str>>,
    pub(crate) options: Options,
}

impl ForeignKey {
    /// A foreign key from columns of this table to a target.
    pub fn to<N: Into<Name>>(columns: impl IntoIterator<Item = N>, target: Reference) -> ForeignKey {
        ForeignKey {
            name: None,
            columns: columns.into_iter().map(Into::into).collect(),
            target,
            on_delete: Action::NoAction,
            on_update: Action::NoAction,
            deferrable: None,
            initially_deferred: false,
            match_type: None,
            options: Options::default(),
        }
    }

    /// The constraint's name.
    pub fn named(mut self, name: impl Into<Name>) -> ForeignKey {
        self.name = Some(name.into());
        self
    }

    /// What happens here when the referenced row is deleted.
    pub fn on_delete(mut self, action: Action) -> ForeignKey {
        self.on_delete = action;
        self
    }

    /// What happens here when the referenced key changes.
    pub fn on_update(mut self, action: Action) -> ForeignKey {
        self.on_update = action;
        self
    }

    /// Whether the check may wait for the commit, and whether it does from the start.
    pub fn deferrable(mut self, deferrable: bool, initially_deferred: bool) -> ForeignKey {
        self.deferrable = Some(deferrable);
        self.initially_deferred = initially_deferred;
        self
    }

    /// MATCH with this word, where the database has it.
    pub fn match_type(mut self, word: impl Into<Arc<str>>) -> ForeignKey {
        self.match_type = Some(word.into());
        self
    }

    /// Options of dialects, as facts and definitions have them.
    pub fn options_of(mut self, options: &Options) -> ForeignKey {
        self.options.extend(options);
        self
    }

    /// An option of one dialect, such as `("postgresql", "not_valid")`.
    pub fn option(mut self, dialect: &str, option: &str, value: impl Into<Value>) -> ForeignKey {
        self.options.set(dialect, option, value);
        self
    }
}

/// A key, a check or a foreign key over a whole table.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a constraint does nothing until it is part of a table"]
pub struct Constraint {
    pub(crate) name: Option<Name>,
    pub(crate) body: Body,
    pub(crate) options: Options,
}

/// What a [`Constraint`] says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    PrimaryKey(Vec<Name>),
    Unique(Vec<Name>),
    Check(Formula),
    ForeignKey(ForeignKey),
    Verbatim(Arc<str>, Arc<str>),
}

impl Constraint {
    fn of(body: Body) -> Constraint {
        Constraint { name: None, body, options: Options::default() }
    }

    /// The constraint's name.
    pub fn named(mut self, name: impl Into<Name>) -> Constraint {
        self.name = Some(name.into());
        self
    }

    /// Options of dialects, as facts and definitions have them.
    pub fn options_of(mut self, options: &Options) -> Constraint {
        self.options.extend(options);
        self
    }

    /// An option of one dialect, such as `("sqlite", "on_conflict")`.
    pub fn option(mut self, dialect: &str, option: &str, value: impl Into<Value>) -> Constraint {
        self.options.set(dialect, option, value);
        self
    }
}

impl From<ForeignKey> for Constraint {
    fn from(key: ForeignKey) -> Constraint {
        Constraint {
            name: key.name.clone(),
            options: key.options.clone(),
            ..Constraint::of(Body::ForeignKey(key))
        }
    }
}

fn names<N: Into<Name>>(list: impl IntoIterator<Item = N>) -> Vec<Name> {
    list.into_iter().map(Into::into).collect()
}

/// The primary key over these columns, in this order.
pub fn primary_key<N: Into<Name>>(columns: impl IntoIterator<Item = N>) -> Constraint {
    Constraint::of(Body::PrimaryKey(names(columns)))
}

/// A unique constraint over these columns.
pub fn unique<N: Into<Name>>(columns: impl IntoIterator<Item = N>) -> Constraint {
    Constraint::of(Body::Unique(names(columns)))
}

/// A CHECK constraint; `raw("...")` takes SQL text.
pub fn check(condition: impl Into<Expr>) -> Constraint {
    Constraint::of(Body::Check(condition.into().into()))
}

/// A constraint of one dialect in its own words, all that follows its name: `EXCLUDE USING gist (..)`. Other
/// databases leave it out.
pub fn verbatim(dialect: impl Into<Arc<str>>, sql: impl Into<Arc<str>>) -> Constraint {
    Constraint::of(Body::Verbatim(dialect.into(), sql.into()))
}

/// A foreign key from these columns to a target such as `"users"` or a [`Reference`].
pub fn foreign_key<N: Into<Name>>(
    columns: impl IntoIterator<Item = N>,
    target: impl Into<Reference>,
) -> ForeignKey {
    ForeignKey::to(columns, target.into())
}

impl From<&str> for Reference {
    fn from(text: &str) -> Reference {
        Reference::parse(text)
    }
}

/// One element of an index: a column or an expression, with its direction and collation.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexElement {
    pub(crate) what: Indexed,
    pub(crate) descending: bool,
    pub(crate) nulls_first: Option<bool>,
    pub(crate) length: Option<u32>,
    pub(crate) collation: Option<Arc<str>>,
    pub(crate) operator_class: Option<Arc<str>>,
}

/// What an index element indexes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Indexed {
    Column(Name),
    Expr(Formula),
}

impl IndexElement {
    /// A column.
    pub fn column(name: impl Into<Name>) -> IndexElement {
        IndexElement::of(Indexed::Column(name.into()))
    }

    /// An expression; `raw("lower(name)")` takes SQL text.
    pub fn expr(expr: impl Into<Expr>) -> IndexElement {
        IndexElement::of(Indexed::Expr(Formula::from(expr)))
    }

    fn of(what: Indexed) -> IndexElement {
        IndexElement {
            what,
            descending: false,
            nulls_first: None,
            length: None,
            collation: None,
            operator_class: None,
        }
    }

    /// Descending.
    pub fn desc(mut self) -> IndexElement {
        self.descending = true;
        self
    }

    /// NULLs before or after everything else, where that is not what the direction says.
    pub fn nulls_first(mut self, first: bool) -> IndexElement {
        self.nulls_first = Some(first);
        self
    }

    /// Only so many characters from the start.
    pub fn length(mut self, characters: u32) -> IndexElement {
        self.length = Some(characters);
        self
    }

    /// Whether it is descending.
    pub fn is_descending(&self) -> bool {
        self.descending
    }

    /// Whether NULLs come first, where that is not what the direction says.
    pub fn has_nulls_first(&self) -> Option<bool> {
        self.nulls_first
    }

    /// How many characters are indexed, where it is not all.
    pub fn prefix_length(&self) -> Option<u32> {
        self.length
    }

    /// The operator class, where it is not the type's.
    pub fn class(&self) -> Option<&str> {
        self.operator_class.as_deref()
    }

    /// In a collation, by the database's name.
    pub fn collate(mut self, collation: impl Into<Arc<str>>) -> IndexElement {
        self.collation = Some(collation.into());
        self
    }

    /// By the rules of an operator class, by the database's name.
    pub fn operator_class(mut self, name: impl Into<Arc<str>>) -> IndexElement {
        self.operator_class = Some(name.into());
        self
    }
}

impl From<&str> for IndexElement {
    fn from(name: &str) -> IndexElement {
        IndexElement::column(name)
    }
}

impl From<String> for IndexElement {
    fn from(name: String) -> IndexElement {
        IndexElement::column(name)
    }
}

impl From<Expr> for IndexElement {
    fn from(expr: Expr) -> IndexElement {
        IndexElement::expr(expr)
    }
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an index does nothing until it is part of a table"]
pub struct Index {
    pub(crate) name: Option<Name>,
    pub(crate) elements: Vec<IndexElement>,
    pub(crate) unique: bool,
    pub(crate) filter: Option<Formula>,
    pub(crate) options: Options,
}

/// An index over these columns or expressions.
pub fn index<E: Into<IndexElement>>(elements: impl IntoIterator<Item = E>) -> Index {
    Index {
        name: None,
        elements: elements.into_iter().map(Into::into).collect(),
        unique: false,
        filter: None,
        options: Options::default(),
    }
}

impl Index {
    /// The index's name; without one it is `ix_` with the table and its columns.
    pub fn named(mut self, name: impl Into<Name>) -> Index {
        self.name = Some(name.into());
        self
    }

    /// No two rows may agree.
    pub fn unique(mut self) -> Index {
        self.unique = true;
        self
    }

    /// Only rows for which this holds.
    pub fn filter(mut self, condition: impl Into<Expr>) -> Index {
        self.filter = Some(condition.into().into());
        self
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// The options of dialects.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Options of dialects, as facts and definitions have them.
    pub fn options_of(mut self, options: &Options) -> Index {
        self.options.extend(options);
        self
    }

    /// An option of one dialect.
    pub fn option(mut self, dialect: &str, option: &str, value: impl Into<Value>) -> Index {
        self.options.set(dialect, option, value);
        self
    }
}
