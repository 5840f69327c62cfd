//! The one compiler: statements as data become text and parameters.
//!
//! Clause lists walk each statement (`select`, `write`, `ddl`), `expr` prints expressions with
//! exactly the parentheses they need, and whatever differs between databases is a fragment of
//! the dialect's `Grammar` or a fact in its `Features`. Called by `engine::run`, and by
//! `to_sql` without a connection.

mod bulk;
mod compound;
mod ddl;
mod expr;
mod forms;
mod join;
pub(crate) mod keyed;
mod objects;
mod ready;
mod select;
mod target;
mod template;
mod upsert;
mod with;
mod write;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use bulk::{BulkInsert, returning_key, returning_the_key, returning_whole_key};
use ready::Plans;
pub(crate) use ready::Ready;
pub(crate) use select::ready as ready_plans;
pub use target::Target;

use crate::dialect::{BindUse, is_plain};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Origin, Source, Text};
use crate::rows::Columns;
use crate::schema::{Name, Quote, TableDef};
use crate::stmt::{Ddl, Delete, Insert, Select, Update};
use crate::types::{Class, Type};
use crate::value::Value;

/// A statement as a database takes it: text, parameters, and the columns of its result.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub(crate) sql: String,
    pub(crate) binds: Vec<Value>,
    pub(crate) params: Vec<ParamSlot>,
    pub(crate) columns: Option<Arc<Columns>>,
    pub(crate) warnings: Vec<String>,
    /// Whether a key makes it sure that there is one row at most.
    pub(crate) single: bool,
    /// Whether the text will not come again.
    pub(crate) once: bool,
    /// How long it may take, where it says so itself.
    pub(crate) limit: Option<Duration>,
}

/// A parameter of a prepared plan: where its value goes, and what type it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct ParamSlot {
    pub(crate) at: usize,
    pub(crate) name: Arc<str>,
    pub(crate) ty: Option<Type>,
    /// Whether the value goes into a column rather than into a comparison.
    pub(crate) stored: bool,
    /// Where it is a list, how it gets into the text.
    pub(crate) list: Option<ListSlot>,
    /// Whether it is a number of rows, which is not below 0.
    pub(crate) counts: bool,
}

/// How a list gets into the text of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListSlot {
    /// As one array.
    Array,
    /// As many placeholders, in place of the one that is there.
    Text { start: usize, end: usize },
}

impl Compiled {
    /// The text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The parameters, in the forms the driver stores.
    pub fn binds(&self) -> &[Value] {
        &self.binds
    }

    /// What is probably not meant: tables that no condition connects, whose rows all meet. Told to those who observe
    /// what is sent, too.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The columns of the result, for a statement that returns rows.
    pub fn columns(&self) -> Option<&Arc<Columns>> {
        self.columns.as_ref()
    }
}

/// A statement that can be compiled, with or without a connection.
pub trait Compile {
    /// Compiles for a server.
    ///
    /// # Errors
    /// Mistakes that travelled in expressions (`NoSuchColumn`), `Invalid` and `NoForeignKey` for
    /// statements that make no sense, `Conversion` for values that do not fit their column,
    /// `Unsupported` for what the server cannot do.
    fn compile(&self, target: &Target) -> Result<Compiled>;

    /// The text with its values in it, for people to read: never to be executed, that is what parameters are for.
    ///
    /// Parameters of a prepared plan stand as `:name`.
    ///
    /// # Errors
    /// As [`Compile::compile`]; `Conversion` for a value that has no literal form.
    ///
    /// # Example
    /// ```
    /// use mirrorm::compile::{Compile, Target};
    /// use mirrorm::prelude::*;
    ///
    /// let users = Table::new("users", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// let found = select(users.c("id")).filter(users.c("name").eq("O'Neil") & users.c("id").lt(param("most")));
    /// let sqlite = Target::offline(mirrorm::dialect::built_in()[0]);
    /// assert_eq!(
    ///     found.to_sql(&sqlite)?,
    ///     "SELECT users.id FROM users WHERE users.name = 'O''Neil' AND users.id < :most"
    /// );
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn to_sql(&self, target: &Target) -> Result<String> {
        self.compile(&target.for_reading()).map(|compiled| compiled.sql)
    }
}

impl Compile for Select {
    fn compile(&self, target: &Target) -> Result<Compiled> {
        select::compile(self, target)
    }
}

impl Compile for Insert {
    fn compile(&self, target: &Target) -> Result<Compiled> {
        write::compile_insert(self, target)
    }
}

impl Compile for Update {
    fn compile(&self, target: &Target) -> Result<Compiled> {
        write::compile_update(self, target)
    }
}

impl Compile for Delete {
    fn compile(&self, target: &Target) -> Result<Compiled> {
        write::compile_delete(self, target)
    }
}

impl Compile for Text {
    fn compile(&self, target: &Target) -> Result<Compiled> {
        let mut compiler = Compiler::new(target, false);
        compiler.expr(&self.expr())?;
        compiler.finish(None)
    }
}

impl Compile for Ddl {
    fn compile(&self, target: &Target) -> Result<Compiled> {
        ddl::compile(self, target)
    }
}

/// Text and parameters being written, and the tables in sight.
pub(crate) struct Compiler<'t> {
    target: &'t Target,
    sql: String,
    binds: Vec<Value>,
    params: Vec<ParamSlot>,
    scopes: Vec<Vec<Known>>,
    /// Whether a SELECT is being written.
    selecting: bool,
    /// In what an upsert sets: whether the rows that were to be inserted have a name.
    upserting: Option<bool>,
    /// The names of SELECTs that stand before it, which mean no table then.
    names: Vec<Arc<str>>,
    /// The recursive ones among them that are being written, which alone may name themselves.
    open: Vec<Arc<str>>,
    warnings: Vec<String>,
    /// A name that the server would cut.
    too_long: Option<Name>,
    /// DDL takes no parameters: values are written as literals, columns by name alone.
    literal: bool,
    /// RETURNING names the columns of the one table by name alone.
    bare: bool,
    /// The shortest time that a SELECT in it was given.
    limit: Option<Duration>,
}

/// A table in sight, with the definition that held when the statement was compiled, and its names
/// as SQL.
#[derive(Clone)]
struct Known {
    source: Source,
    def: Arc<TableDef>,
    plans: Arc<Plans>,
    /// The name it is given because another table of the statement has its own, in another schema.
    given: Option<Arc<str>>,
}

impl Known {
    /// The name it stands under instead of its own.
    fn alias(&self) -> Option<&Arc<str>> {
        self.source.alias.as_ref().or(self.given.as_ref())
    }

    /// What columns call it by: its alias, or its name, whatever its schema is.
    fn exposed(&self) -> &str {
        self.alias().map_or(self.def.name.as_str(), |alias| alias)
    }

    /// Whether two tables stand in the text under one name; `folds` says that capitals do not tell names apart.
    fn same_name(&self, other: &Known, folds: bool) -> bool {
        same_text(self.exposed(), other.exposed(), folds)
    }

    /// Whether a column of a table further out would be taken for one of this.
    fn hides(&self, outer: &Known, folds: bool) -> bool {
        let same = self.same_name(outer, folds);
        match (outer.alias(), &outer.def.schema) {
            // Written with its schema it is taken for another of that schema only, under whatever name that stands.
            (None, Some(_)) => {
                same && self.source.origin == Origin::Table && self.def.schema == outer.def.schema
            }
            _ => same,
        }
    }
}

impl<'t> Compiler<'t> {
    fn new(target: &'t Target, literal: bool) -> Compiler<'t> {
        Compiler {
            target,
            sql: String::with_capacity(256),
            binds: Vec::new(),
            params: Vec::new(),
            scopes: Vec::new(),
            selecting: false,
            upserting: None,
            names: Vec::new(),
            open: Vec::new(),
            warnings: Vec::new(),
            too_long: None,
            literal,
            bare: literal,
            limit: None,
        }
    }

    fn finish(self, columns: Option<Arc<Columns>>) -> Result<Compiled> {
        if let Some(name) = &self.too_long {
            let (length, target) = (self.target.grammar.length_of_name(name.as_str()), self.target.name);
            let message = format!("the name `{name}` is {length} long, too long for {target}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let most = self.target.features.max_params;
        if self.binds.len() > most {
            let message = format!("{} parameters; {} takes {most}", self.binds.len(), self.target.name);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let Compiler { sql, binds, params, warnings, limit, .. } = self;
        Ok(Compiled { sql, binds, params, columns, warnings, single: false, once: false, limit })
    }

    fn push(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// Writes an identifier: the one place where names enter SQL.
    fn name(&mut self, name: &Name) {
        self.check_length(name, self.target.features.max_identifier);
        write_name(self.target, name, &mut self.sql);
    }

    /// Writes the name of a result column, which may be longer than others.
    fn label(&mut self, label: &Arc<str>) {
        let name = Name::from(label.clone());
        self.check_length(&name, self.target.grammar.longest_label(&self.target.features));
        write_name(self.target, &name, &mut self.sql);
    }

    /// Notes a name that the server would cut, or refuse.
    fn check_length(&mut self, name: &Name, most: usize) {
        if self.target.is_too_long(name.as_str(), most) {
            self.too_long.get_or_insert_with(|| name.clone());
        }
    }

    /// Writes `schema.table`.
    fn table_name(&mut self, def: &TableDef) {
        write_table(self.target, def, &mut self.sql);
    }

    /// A table to bring in sight.
    fn known(&self, source: &Source) -> Result<Known> {
        let def = source.table.def();
        let plans = select::plans(&def, source, self.target)?;
        Ok(Known { source: source.clone(), def, plans, given: None })
    }

    /// Writes items with commas between.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            each(self, item)?;
        }
        Ok(())
    }

    /// Writes a value: a placeholder and a parameter, or a literal in DDL.
    fn bind(&mut self, value: &Value, ty: Option<&Type>, to: BindUse) -> Result<()> {
        if self.literal {
            return self.target.grammar.literal(value, &mut self.sql);
        }
        let value = adapt(self.target, value.clone(), ty, to)?;
        let beside_decimal = ty.is_some_and(|ty| ty.class() == Class::Decimal);
        let exact = matches!(value, Value::Decimal(_)) || (matches!(value, Value::Int(_)) && beside_decimal);
        if exact && to == BindUse::Compare && self.target.grammar.literal_beside_decimals() {
            return self.target.grammar.literal(&value, &mut self.sql);
        }
        let name = match to {
            BindUse::Compare => self.target.grammar.bind_type(value.as_ref(), ty),
            BindUse::Store => None,
        };
        self.push(if name.is_some() { "CAST(" } else { "" });
        self.placeholder(value)?;
        if let Some(name) = name {
            self.push(" AS ");
            self.push(name);
            self.push(")");
        }
        Ok(())
    }

    /// Writes the placeholder of a parameter in the form the driver stores.
    fn placeholder(&mut self, value: Value) -> Result<()> {
        if self.target.readable {
            return self.target.grammar.literal(&value, &mut self.sql);
        }
        self.binds.push(value);
        self.target.grammar.placeholder(self.binds.len(), &mut self.sql);
        Ok(())
    }

    /// Writes the placeholder of a parameter whose value comes when the plan runs.
    fn param(&mut self, name: &Arc<str>, ty: Option<&Type>, to: BindUse) -> Result<()> {
        if self.literal {
            let message = format!("the parameter `{name}` has no place in a definition");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        if self.target.readable {
            self.push(":");
            self.push(name);
            return Ok(());
        }
        self.params.push(ParamSlot {
            at: self.binds.len(),
            name: name.clone(),
            ty: ty.cloned(),
            stored: to == BindUse::Store,
            list: None,
            counts: false,
        });
        self.binds.push(Value::Null);
        self.target.grammar.placeholder(self.binds.len(), &mut self.sql);
        Ok(())
    }

    /// Writes the membership in a list that comes when the plan runs.
    fn list_param(&mut self, name: &Arc<str>, negated: bool, ty: Option<&Type>) -> Result<()> {
        let array = self.target.grammar.array_membership(ty).filter(|_| !self.target.readable);
        let (before, after) = match array {
            Some(words) if negated => words.1,
            Some(words) => words.0,
            None if negated => (" NOT IN (", ")"),
            None => (" IN (", ")"),
        };
        self.push(before);
        let start = self.sql.len();
        self.param(name, ty, BindUse::Compare)?;
        let list =
            if array.is_some() { ListSlot::Array } else { ListSlot::Text { start, end: self.sql.len() } };
        if let Some(slot) = self.params.last_mut() {
            slot.list = Some(list);
        }
        self.push(after);
        Ok(())
    }

    /// Keeps account of where lists go, when the text before them has got longer or shorter.
    fn shift_lists(&mut self, from: usize, by: isize) {
        for slot in &mut self.params {
            if let Some(ListSlot::Text { start, end }) = &mut slot.list
                && *start >= from
            {
                *start = start.saturating_add_signed(by);
                *end = end.saturating_add_signed(by);
            }
        }
    }

    /// Brings tables in sight for what `body` writes.
    fn within<T>(&mut self, known: Vec<Known>, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.scopes.push(known);
        let result = body(self);
        self.scopes.pop();
        result
    }

    /// The table a column belongs to, from the innermost SELECT outwards.
    fn in_sight(&self, source: &Source) -> Result<&Known> {
        let mut inner: Vec<&Known> = Vec::new();
        for scope in self.scopes.iter().rev() {
            if let Some(known) = scope.iter().find(|known| known.source == *source) {
                return match inner
                    .iter()
                    .find(|nearer| nearer.hides(known, self.target.grammar.folds_names()))
                {
                    Some(_) => Err(hidden(known)),
                    None => Ok(known),
                };
            }
            inner.extend(scope);
        }
        let table = source.table.def().display_name();
        let name = source.alias.as_deref().unwrap_or(&table);
        let message = format!("`{name}` is not part of the statement: join it");
        Err(Error::new(ErrorKind::Invalid, message).with_table(table))
    }

    fn find(&self, source: &Source) -> Result<Arc<TableDef>> {
        self.in_sight(source).map(|known| known.def.clone())
    }

    fn plans_of(&self, source: &Source) -> Result<Arc<Plans>> {
        self.in_sight(source).map(|known| known.plans.clone())
    }
}

/// Whether two names are one.
fn same_text(one: &str, other: &str, folds: bool) -> bool {
    if folds { one.eq_ignore_ascii_case(other) } else { one == other }
}

/// The error of a column whose table's name means another table nearer by.
fn hidden(known: &Known) -> Error {
    let name = known.source.alias.as_deref().unwrap_or(known.def.name.as_str());
    let message = format!("`{name}` means another table inside the subquery: give one of them an alias");
    Error::new(ErrorKind::Invalid, message)
}

/// A value in the form the driver stores.
pub(crate) fn adapt(target: &Target, value: Value, ty: Option<&Type>, to: BindUse) -> Result<Value> {
    match ty {
        Some(ty) if is_plain(value.as_ref(), ty) => Ok(value),
        Some(ty @ Type::Custom(custom)) => {
            let stored = custom.0.bind(value)?;
            let base = custom.0.base();
            if is_plain(stored.as_ref(), &base) { Ok(stored) } else { target.types.bind(stored, &base, to) }
                .map_err(|e| e.at(ty))
        }
        Some(ty) => target.types.bind(value, ty, to),
        None => match value {
            Value::Null | Value::Int(_) | Value::Text(_) | Value::Bytes(_) => Ok(value),
            rich => target.types.bind(rich, &Type::Any, to),
        },
    }
}

/// Writes `schema.table`.
fn write_table(target: &Target, def: &TableDef, out: &mut String) {
    if let Some(schema) = &def.schema {
        write_name(target, schema, out);
        out.push('.');
    }
    write_name(target, &def.name, out);
}

/// Writes an identifier, in quotes where the dialect needs them.
fn write_name(target: &Target, name: &Name, out: &mut String) {
    let quoted = match name.quote() {
        Quote::Always => true,
        Quote::Never => false,
        Quote::Auto => !is_plain_word(name.as_str()) || target.grammar.is_reserved(name.as_str()),
    };
    if quoted {
        target.grammar.quote(name.as_str(), out);
    } else {
        out.push_str(name.as_str());
    }
}

/// Lower-case letters, digits and underscores, not beginning with a digit.
fn is_plain_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    starts && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
