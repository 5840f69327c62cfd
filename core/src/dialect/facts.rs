//! What a catalog says: one model of facts for all databases.
//!
//! Facts are what the database says, nothing else: no names are made up, nothing is dropped. What has no
//! portable form is kept in `options` under the dialect's name, or as text. Not here: reading them
//! (`inspect`, and each dialect's `inspect.rs`); `mirrorm-reflect` turns them into tables.

use crate::schema::{Action, Autoincrement, Options};
use crate::types::{EnumType, Type};

/// What a name in the catalog stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// An ordinary table.
    #[default]
    Table,
    /// A view.
    View,
    /// A view whose rows are stored.
    MaterializedView,
    /// A table whose rows another database has.
    Foreign,
    /// A table that a module of the database makes up.
    Virtual,
    /// A table that belongs to a virtual table and is not for users.
    Shadow,
}

impl ObjectKind {
    /// What it is called.
    pub fn words(self) -> &'static str {
        match self {
            ObjectKind::Table | ObjectKind::Shadow => "table",
            ObjectKind::View => "view",
            ObjectKind::MaterializedView => "materialized view",
            ObjectKind::Foreign => "foreign table",
            ObjectKind::Virtual => "virtual table",
        }
    }

    /// Whether it is a view, stored or not.
    pub fn is_view(self) -> bool {
        matches!(self, ObjectKind::View | ObjectKind::MaterializedView)
    }
}

/// The facts of a schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaFacts {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// Tables and views, sorted by name.
    pub tables: Vec<TableFacts>,
    /// The enum types of the schema, and those of other schemas that its columns use, sorted by name.
    pub enums: Vec<EnumFacts>,
    /// The domains of the schema, and those of other schemas that its columns use, sorted by name.
    pub domains: Vec<DomainFacts>,
    /// The sequences, those that belong to a column among them, sorted by name.
    pub sequences: Vec<SequenceFacts>,
    /// What could not be read, and why.
    pub problems: Vec<Problem>,
}

/// An object, or a part of one, that could not be read or represented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The table or view.
    pub object: String,
    /// What is wrong.
    pub message: String,
}

/// The facts of a table or a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableFacts {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: ObjectKind,
    /// Whether it goes with the connection.
    pub temporary: bool,
    /// The columns in order.
    pub columns: Vec<ColumnFacts>,
    /// The primary key.
    pub primary_key: Option<KeyFacts>,
    /// The unique constraints.
    pub uniques: Vec<KeyFacts>,
    /// The CHECK constraints.
    pub checks: Vec<CheckFacts>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKeyFacts>,
    /// Constraints of kinds that have no portable form, such as exclusion.
    pub others: Vec<OtherFacts>,
    /// The indexes, also those that the database keeps for a constraint; not the primary key's.
    pub indexes: Vec<IndexFacts>,
    /// The comment.
    pub comment: Option<String>,
    /// The text it was made by, where the database keeps one: of a view, its definition.
    pub definition: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

impl TableFacts {
    /// Whether the database makes the values of a column of the primary key, as a table says it: by itself, always, or
    /// never.
    pub fn autoincrement(&self, column: &ColumnFacts) -> Autoincrement {
        let alone = self.primary_key.as_ref().is_some_and(|key| key.columns.len() == 1);
        let strict = column.options.iter().any(|(_, name, _)| name == "autoincrement");
        // A default that makes the keys is there to see, and is what makes them.
        match (column.autoincrement, strict || column.default.is_some() || !alone) {
            (true, true) => Autoincrement::Always,
            (true, false) => Autoincrement::Auto,
            (false, _) => Autoincrement::Never,
        }
    }
}

/// The facts of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnFacts {
    /// The name.
    pub name: String,
    /// The type in the database's words; empty when none is declared.
    pub declared: String,
    /// The type.
    pub ty: Type,
    /// The type, taken apart.
    pub type_facts: TypeFacts,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// The default, as SQL text.
    pub default: Option<String>,
    /// Whether the database makes the values.
    pub autoincrement: bool,
    /// Of an identity column, how its numbers go.
    pub identity: Option<IdentityFacts>,
    /// For a generated column, its expression and whether it is stored.
    pub computed: Option<(String, bool)>,
    /// The collation, where it is not the default one.
    pub collation: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// A type in its parts. What does not apply is none, false or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeFacts {
    /// The plain name in lower case: `varchar`, `timestamp`, `enum`, `array`, `domain`; `none` where no
    /// type is declared.
    pub family: String,
    /// The most characters, bytes or bits.
    pub length: Option<u32>,
    /// Digits in all; of times, digits of a second.
    pub precision: Option<u32>,
    /// Digits after the point.
    pub scale: Option<i32>,
    /// Whether numbers are never negative.
    pub unsigned: bool,
    /// Whether numbers are shown with leading zeros.
    pub zerofill: bool,
    /// Whether times have an offset.
    pub timezone: bool,
    /// The fields of an interval: `year to month`.
    pub fields: Option<String>,
    /// The labels of an enum or a set, in their order.
    pub values: Vec<String>,
    /// The schema of a type that has a name of its own, where it is not the default one.
    pub schema: Option<String>,
    /// The name of an enum or a domain.
    pub name: Option<String>,
    /// What a domain is made of.
    pub base: Option<Box<TypeFacts>>,
    /// What an array is made of.
    pub item: Option<Box<TypeFacts>>,
    /// How many dimensions an array was declared with.
    pub dimensions: u32,
}

impl TypeFacts {
    /// The parts that a portable type tells.
    pub fn of(ty: &Type) -> TypeFacts {
        let name = ty.to_string();
        let family = match ty {
            Type::Any => "none",
            Type::Binary(None) => "blob",
            _ => name.split('(').next().unwrap_or(&name),
        };
        let mut facts = TypeFacts { family: family.to_string(), ..TypeFacts::default() };
        match ty {
            Type::Varchar(n) | Type::Char(n) | Type::Binary(Some(n)) => facts.length = Some(*n),
            Type::Numeric(precision, scale) => (facts.precision, facts.scale) = (*precision, *scale),
            Type::Digits(_, digits) => facts.precision = Some(u32::from(*digits)),
            Type::Enum(labels) => {
                facts.family = "enum".to_string();
                facts.values = labels.labels().to_vec();
                facts.name = labels.name().map(str::to_string);
                facts.schema = labels.schema().map(str::to_string);
            }
            Type::Array(item) => {
                facts.family = "array".to_string();
                facts.item = Some(Box::new(TypeFacts::of(item)));
                facts.dimensions = 1;
            }
            _ => {}
        }
        facts
    }
}

/// How the numbers of an identity column or a sequence go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFacts {
    /// Whether the program may not give a number itself.
    pub always: bool,
    /// The first number.
    pub start: i64,
    /// From one number to the next.
    pub increment: i64,
    /// The least number.
    pub min: i64,
    /// The greatest number.
    pub max: i64,
    /// Whether it begins again after the last.
    pub cycle: bool,
    /// How many are taken at once.
    pub cache: i64,
}

impl IdentityFacts {
    /// The numbers in the words of the standard: `START WITH 1 INCREMENT BY 1 ..`.
    pub fn to_sql(&self) -> String {
        let IdentityFacts { start, increment, min, max, cycle, cache, .. } = self;
        let cycle = if *cycle { " CYCLE" } else { "" };
        format!(
            "START WITH {start} INCREMENT BY {increment} MINVALUE {min} MAXVALUE {max} CACHE {cache}{cycle}"
        )
    }
}

/// The facts of a primary key or a unique constraint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyFacts {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The columns in the key's order.
    pub columns: Vec<String>,
    /// The comment.
    pub comment: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// The facts of a CHECK constraint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckFacts {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The condition, without the word CHECK and its parentheses.
    pub sql: String,
    /// The comment.
    pub comment: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// The facts of a constraint that has no portable form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtherFacts {
    /// The name.
    pub name: String,
    /// All that follows the name, in the database's words.
    pub sql: String,
    /// The comment.
    pub comment: Option<String>,
}

/// The facts of a foreign key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignKeyFacts {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The columns here.
    pub columns: Vec<String>,
    /// The schema it points to; none for the table's own.
    pub referred_schema: Option<String>,
    /// Whether that is the connection's default schema, whose tables are known without one.
    pub referred_default: bool,
    /// The table it points to, which may not exist.
    pub referred_table: String,
    /// The columns there; empty when the table does not exist and none were named.
    pub referred_columns: Vec<String>,
    /// What happens on delete.
    pub on_delete: Action,
    /// What happens on update.
    pub on_update: Action,
    /// Whether the check may wait, where that was said.
    pub deferrable: Option<bool>,
    /// Whether it waits from the start.
    pub initially_deferred: bool,
    /// The word of MATCH, where there is one.
    pub match_type: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// The facts of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexFacts {
    /// The name.
    pub name: String,
    /// Whether no two rows may agree.
    pub unique: bool,
    /// What is indexed.
    pub elements: Vec<ElementFacts>,
    /// The condition of a partial index.
    pub filter: Option<String>,
    /// The constraint that the database keeps it for, which makes it and takes it away.
    pub constraint: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// What has no portable form.
    pub options: Options,
}

/// One element of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElementFacts {
    /// The column, or none for an expression.
    pub column: Option<String>,
    /// The expression, or none for a column.
    pub expression: Option<String>,
    /// Descending.
    pub descending: bool,
    /// Whether NULLs stand first, where that is not what the direction says.
    pub nulls_first: Option<bool>,
    /// How many characters of the column are indexed, where it is not all.
    pub length: Option<u32>,
    /// The collation, where it is not the column's.
    pub collation: Option<String>,
    /// The operator class, where it is not the type's.
    pub operator_class: Option<String>,
}

/// The facts of an enum type with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnumFacts {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// The labels in their order.
    pub labels: Vec<String>,
    /// The comment.
    pub comment: Option<String>,
}

impl EnumFacts {
    /// The type of its columns.
    pub fn to_type(&self) -> Type {
        Type::Enum(EnumType::named(self.schema.as_deref(), &self.name, self.labels.iter().cloned()).into())
    }
}

/// The facts of a domain: a type with a default and conditions of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainFacts {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// What it is made of, in the database's words.
    pub declared: String,
    /// What it is made of.
    pub ty: Type,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// The default, as SQL text.
    pub default: Option<String>,
    /// The collation, where it is not the type's.
    pub collation: Option<String>,
    /// The conditions.
    pub checks: Vec<CheckFacts>,
    /// The comment.
    pub comment: Option<String>,
}

/// The facts of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceFacts {
    /// The schema; none for the connection's default schema.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// The type of its numbers, in the database's words; empty where there is one only.
    pub declared: String,
    /// How its numbers go.
    pub numbers: IdentityFacts,
    /// The table and the column that it belongs to and goes with.
    pub owner: Option<(String, String)>,
    /// Whether it is part of an identity column, and not made by itself.
    pub of_identity: bool,
    /// The comment.
    pub comment: Option<String>,
}
