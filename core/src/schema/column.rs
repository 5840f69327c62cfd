//! A column as it is declared: a value built by chaining, later held by a table.
//!
//! Not here: columns in expressions (`expr`), nor what a database says of one (`dialect::inspect`).

use std::fmt;
use std::sync::Arc;

use super::Formula;
use super::constraint::{Action, ForeignKey, Reference};
use super::name::{Name, Quote};
use super::options::{Info, Options};
use super::validator::Validator;
use super::version::Version;
use crate::dialect::IdentityFacts;
use crate::expr::Expr;
use crate::types::Type;
use crate::value::Value;

/// Makes a column of a name and a type: the first part of every table.
pub fn column(name: impl Into<Name>, ty: Type) -> Column {
    Column::new(name, ty)
}

/// A column as declared. Each method returns the changed column.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a column does nothing until it is part of a table"]
pub struct Column {
    pub(crate) name: Name,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) ty: Type,
    pub(crate) declared: Option<Declared>,
    pub(crate) nullable: Option<bool>,
    pub(crate) primary_key: bool,
    pub(crate) unique: bool,
    pub(crate) index: bool,
    pub(crate) autoincrement: Autoincrement,
    pub(crate) default: Option<ClientDefault>,
    pub(crate) on_update: Option<ClientDefault>,
    pub(crate) version: Option<Version>,
    pub(crate) validator: Option<Validator>,
    /// The group it is read with, where it is not read with the row.
    pub(crate) deferred: Option<Arc<str>>,
    pub(crate) server_default: Option<ServerDefault>,
    // What few columns have is kept apart: a column is moved by every method.
    pub(crate) computed: Option<Box<Computed>>,
    /// Every table of the database has it.
    pub(crate) system: bool,
    pub(crate) identity: Option<Box<IdentityFacts>>,
    pub(crate) collation: Option<Arc<str>>,
    pub(crate) comment: Option<Arc<str>>,
    pub(crate) checks: Vec<Formula>,
    pub(crate) foreign_key: Option<Box<ForeignKey>>,
    pub(crate) info: Info,
    pub(crate) options: Options,
}

/// A type in the words of one database, as it was reflected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The dialect whose words these are.
    pub dialect: &'static str,
    /// The words.
    pub text: Arc<str>,
}

/// Whether the database makes the values of an integer key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Autoincrement {
    /// For a single integer primary key without a default and a foreign key.
    #[default]
    Auto,
    /// Always, and never using a number twice where the database knows the difference.
    Always,
    /// Never.
    Never,
}

/// A value that the program supplies where none was given.
#[derive(Clone)]
pub enum ClientDefault {
    /// This value.
    Value(Value),
    /// What this function returns, once for each row.
    Function(Arc<dyn Fn() -> Value + Send + Sync>),
}

impl ClientDefault {
    /// The value for one row. A function runs here; no lock is held.
    pub fn produce(&self) -> Value {
        match self {
            ClientDefault::Value(value) => value.clone(),
            ClientDefault::Function(function) => function(),
        }
    }
}

impl PartialEq for ClientDefault {
    fn eq(&self, other: &ClientDefault) -> bool {
        match (self, other) {
            (ClientDefault::Value(a), ClientDefault::Value(b)) => a == b,
            (ClientDefault::Function(a), ClientDefault::Function(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl fmt::Debug for ClientDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientDefault::Value(value) => write!(f, "{value:?}"),
            ClientDefault::Function(_) => f.write_str("<function>"),
        }
    }
}

/// A value that the database supplies where none was given.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerDefault {
    /// A literal.
    Value(Value),
    /// An expression, such as `func::now()` or `raw("...")`.
    Expr(Formula),
    /// SQL text of one database, verbatim, as it was reflected.
    Sql(Arc<str>),
}

impl From<Expr> for ServerDefault {
    fn from(expr: Expr) -> ServerDefault {
        ServerDefault::Expr(expr.into())
    }
}

impl<T: Into<Value>> From<T> for ServerDefault {
    fn from(value: T) -> ServerDefault {
        ServerDefault::Value(value.into())
    }
}

/// A generated column.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// What it is computed from.
    pub expr: Formula,
    /// Whether the result is stored, rather than computed at each reading.
    pub stored: bool,
}

impl Column {
    /// A column of a name and a type.
    pub fn new(name: impl Into<Name>, ty: Type) -> Column {
        Column {
            name: name.into(),
            key: None,
            ty,
            declared: None,
            nullable: None,
            primary_key: false,
            unique: false,
            index: false,
            autoincrement: Autoincrement::Auto,
            default: None,
            on_update: None,
            version: None,
            validator: None,
            deferred: None,
            server_default: None,
            computed: None,
            system: false,
            identity: None,
            collation: None,
            comment: None,
            checks: Vec::new(),
            foreign_key: None,
            info: Info::default(),
            options: Options::default(),
        }
    }

    /// Part of the primary key; several such columns make a composite key in their order.
    pub fn primary_key(mut self) -> Column {
        self.primary_key = true;
        self
    }

    /// NOT NULL.
    pub fn not_null(mut self) -> Column {
        self.nullable = Some(false);
        self
    }

    /// NULL is allowed, said rather than implied.
    pub fn nullable(mut self) -> Column {
        self.nullable = Some(true);
        self
    }

    /// A unique constraint on this column alone; with [`Column::index`], a unique index.
    pub fn unique(mut self) -> Column {
        self.unique = true;
        self
    }

    /// An index on this column alone.
    pub fn index(mut self) -> Column {
        self.index = true;
        self
    }

    /// The name programs use, where it differs from the database's.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Column {
        self.key = Some(key.into());
        self
    }

    /// Quote the name always, or never.
    pub fn quote(mut self, quote: Quote) -> Column {
        self.name = Name::quoted(self.name.shared(), quote);
        self
    }

    /// Whether the database makes the values of this key; see [`Autoincrement`].
    pub fn autoincrement(mut self, autoincrement: Autoincrement) -> Column {
        self.autoincrement = autoincrement;
        self
    }

    /// The value the program supplies on insert where none is given.
    pub fn default(mut self, value: impl Into<Value>) -> Column {
        self.default = Some(ClientDefault::Value(value.into()));
        self
    }

    /// A function that supplies the value on insert, called once for each row.
    pub fn default_with(mut self, f: impl Fn() -> Value + Send + Sync + 'static) -> Column {
        self.default = Some(ClientDefault::Function(Arc::new(f)));
        self
    }

    /// The value the program supplies on update where none is given.
    pub fn on_update_value(mut self, value: impl Into<Value>) -> Column {
        self.on_update = Some(ClientDefault::Value(value.into()));
        self
    }

    /// A function that supplies the value on update, called once for each statement.
    pub fn on_update_with(mut self, f: impl Fn() -> Value + Send + Sync + 'static) -> Column {
        self.on_update = Some(ClientDefault::Function(Arc::new(f)));
        self
    }

    /// The value the database supplies: a literal, or an expression such as `func::now()`.
    pub fn server_default(mut self, default: impl Into<ServerDefault>) -> Column {
        self.server_default = Some(default.into());
        self
    }

    /// A generated column: its expression, and whether the result is stored.
    pub fn computed(mut self, expr: impl Into<Expr>, stored: bool) -> Column {
        self.computed = Some(Box::new(Computed { expr: expr.into().into(), stored }));
        self
    }

    /// A column that the database gives every table by itself, such as `xmin` and `tableoid` of PostgreSQL (its manual, 5.6)
    /// or `rowid` of SQLite: it is read, and neither created nor written.
    ///
    /// With [`Column::version_of_server`], `xmin` tells the versions of rows apart in tables that have no column for it;
    /// with [`Column::primary_key`], `rowid` is the key of a table that has none. Such a key is not declared to the database,
    /// and no other key holds on to it: VACUUM may give rows other numbers, and a number is given again after its row was
    /// deleted (SQLite's documentation, "ROWIDs and the INTEGER PRIMARY KEY"), so no record may be held across either. Tables
    /// WITHOUT ROWID and views have none.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// db.execute("CREATE TABLE log (line TEXT)", ())?;
    /// let log = db.table("log", (column("rowid", Integer).system().primary_key(), column("line", Text)))?;
    /// let session = db.session();
    /// let line = session.add(log.record(values! { "line" => "a" })?)?;
    /// session.commit()?;
    /// line.set("line", "b")?;
    /// session.commit()?;
    /// assert_eq!(line.get::<i64>("rowid")?, 1);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn system(mut self) -> Column {
        self.system = true;
        self
    }

    /// How the numbers of an identity column go, where the database has such columns.
    pub fn identity(mut self, numbers: IdentityFacts) -> Column {
        self.identity = Some(Box::new(numbers));
        self
    }

    /// A foreign key to `table.column`, `table` (its primary key) or `schema.table.column`.
    ///
    /// The target need not exist yet; it is looked up when the tables are created or joined.
    /// Names that hold dots go through [`Column::references_to`].
    pub fn references(self, target: &str) -> Column {
        self.references_to(Reference::parse(target))
    }

    /// A foreign key to a target given in parts.
    pub fn references_to(mut self, target: Reference) -> Column {
        self.foreign_key = Some(Box::new(ForeignKey::to(Vec::<Name>::new(), target)));
        self
    }

    fn edit_foreign_key(mut self, edit: impl FnOnce(ForeignKey) -> ForeignKey) -> Column {
        self.foreign_key = self.foreign_key.map(|key| Box::new(edit(*key)));
        self
    }

    /// What happens here when the referenced row is deleted; after [`Column::references`].
    pub fn on_delete(self, action: Action) -> Column {
        self.edit_foreign_key(|key| key.on_delete(action))
    }

    /// What happens here when the referenced key changes; after [`Column::references`].
    pub fn on_update(self, action: Action) -> Column {
        self.edit_foreign_key(|key| key.on_update(action))
    }

    /// A CHECK constraint.
    pub fn check(mut self, condition: impl Into<Expr>) -> Column {
        self.checks.push(condition.into().into());
        self
    }

    /// The collation, by the database's name.
    pub fn collate(mut self, collation: impl Into<Arc<str>>) -> Column {
        self.collation = Some(collation.into());
        self
    }

    /// A comment, stored by databases that store comments.
    pub fn comment(mut self, comment: impl Into<Arc<str>>) -> Column {
        self.comment = Some(comment.into());
        self
    }

    /// A note of yours, by name.
    pub fn info(mut self, name: impl Into<String>, value: impl Into<Value>) -> Column {
        self.info.insert(name.into(), value.into());
        self
    }

    /// An option of one dialect.
    pub fn option(mut self, dialect: &str, option: &str, value: impl Into<Value>) -> Column {
        self.options.set(dialect, option, value);
        self
    }

    /// Options of dialects, as facts and definitions have them.
    pub fn options_of(mut self, options: &Options) -> Column {
        self.options.extend(options);
        self
    }

    /// The type in the words of one database, used for DDL of that database.
    pub fn declared(mut self, dialect: &'static str, text: impl Into<Arc<str>>) -> Column {
        self.declared = Some(Declared { dialect, text: text.into() });
        self
    }
}
