//! What an INSERT does with rows that are there already, into SQL: ON CONFLICT, or ON DUPLICATE KEY UPDATE made to
//! mean the same.
//!
//! Called by `write`, behind the rows and before RETURNING.

use std::collections::HashSet;
use std::sync::Arc;

use super::Compiler;
use super::write::{self, Written};
use crate::dialect::Upserts;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{ColumnRef, Expr, Node, Source};
use crate::schema::{ColumnDef, Index, IndexElement, Indexed, KeyDef, Name, Table, TableDef, Version};
use crate::stmt::OnConflict;

impl Compiler<'_> {
    /// Writes what becomes of rows that are there already; `written` are the columns that the rows give. The table
    /// is in sight.
    pub(super) fn on_conflict(
        &mut self,
        (table, def): (&Table, &TableDef),
        conflict: &OnConflict,
        rows: Written<'_>,
    ) -> Result<()> {
        let written = rows.columns;
        if written.is_empty() {
            let message = "rows of nothing but defaults are not looked for among those that are there";
            return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
        }
        let key = key_of(def, conflict)?;
        let set = assignments(table, def, conflict, &key, &rows)?;
        self.upserting = Some(rows.have_names && self.target.features.insert_alias);
        let done = match self.target.grammar.upserts() {
            Upserts::OnConflict => self.by_conflict(def, conflict, &key, &set),
            Upserts::OnDuplicateKey => write::in_their_order(table, set, self.target, false)
                .and_then(|set| self.by_duplicate_key(def, conflict, &key, &set, written)),
        };
        self.upserting = None;
        done
    }

    fn by_conflict(
        &mut self,
        def: &TableDef,
        conflict: &OnConflict,
        key: &[&ColumnDef],
        set: &[(&ColumnDef, Expr)],
    ) -> Result<()> {
        self.push(" ON CONFLICT");
        if !key.is_empty() {
            self.push(" ");
            self.parens(|c| c.list(key, |c, column| c.bare(column)))?;
        }
        if let Some(condition) = &conflict.index_filter {
            self.push(" WHERE ");
            self.by_name_alone(|c| c.expr(condition))?;
        }
        if set.is_empty() {
            self.push(" DO NOTHING");
            return Ok(());
        }
        self.push(" DO UPDATE SET ");
        self.list(set, |c, (column, value)| c.assignment(def, column, value))?;
        self.conditions(" WHERE ", conflict.filter.as_slice())
    }

    /// Any key that is met makes it an update there, so there may be no other to meet.
    fn by_duplicate_key(
        &mut self,
        def: &TableDef,
        conflict: &OnConflict,
        key: &[&ColumnDef],
        set: &[(&ColumnDef, Expr)],
        written: &[&ColumnDef],
    ) -> Result<()> {
        if conflict.index_filter.is_some() || conflict.filter.is_some() {
            return Err(self.target.unsupported("conditions of an upsert"));
        }
        if !key.is_empty() {
            self.only_key(def, key, written)?;
        }
        self.push(match self.upserting {
            Some(true) if !set.is_empty() => " AS excluded ON DUPLICATE KEY UPDATE ",
            _ => " ON DUPLICATE KEY UPDATE ",
        });
        if set.is_empty() {
            // A row that is set to what it is stays as it is.
            let same = key.first().or(written.first()).copied().or_else(|| def.columns().next());
            let Some(column) = same else { return Ok(()) };
            self.bare(column)?;
            self.push(" = ");
            self.table_name(def);
            self.push(".");
            return self.bare(column);
        }
        self.list(set, |c, (column, value)| c.assignment(def, column, value))?;
        if let (Some(function), Some(key)) = (self.target.grammar.tells_updated_key(), def.generated_key())
            && !set.iter().any(|(column, _)| column.key() == key.key())
        {
            self.push(", ");
            self.bare(key)?;
            self.push(" = ");
            self.push(function);
            self.parens(|c| {
                c.table_name(def);
                c.push(".");
                c.bare(key)
            })?;
        }
        Ok(())
    }

    /// Refuses a row that could meet another by another key than the one that is meant.
    fn only_key(&self, def: &TableDef, key: &[&ColumnDef], written: &[&ColumnDef]) -> Result<()> {
        let keys = unique_keys(def);
        let meant: HashSet<&str> = key.iter().map(|column| column.key()).collect();
        let is_meant = |columns: &[&ColumnDef]| {
            columns.len() == meant.len() && columns.iter().all(|c| meant.contains(c.key()))
        };
        if !keys.iter().any(|columns| is_meant(columns)) {
            let message = format!("{} is no key of `{}`", list(key), def.display_name());
            return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
        }
        // NULL meets nothing, and the database makes a number that nobody has.
        let generated = def.generated_key().map(ColumnDef::key);
        let is_free = |column: &ColumnDef| {
            let left_out = !written.iter().any(|other| other.key() == column.key());
            let null = column.server_default().is_none() && column.is_nullable();
            left_out && column.read_only().is_none() && (null || generated == Some(column.key()))
        };
        let meets = |columns: &&Vec<&ColumnDef>| !is_meant(columns) && !columns.iter().any(|c| is_free(c));
        match keys.iter().find(meets) {
            None => Ok(()),
            Some(other) => {
                let error = self.target.unsupported("upsert by one of several keys");
                let (key, other) = (list(key), list(other));
                let why = format!("`{}` is meant by {key}, and {other} could be met too", def.display_name());
                Err(error.at(why).with_table(def.display_name()))
            }
        }
    }

    /// Writes what stands outside every table's sight: names alone, and values in the text.
    fn by_name_alone(&mut self, body: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = (self.bare, self.literal);
        (self.bare, self.literal) = (true, true);
        let done = body(self);
        (self.bare, self.literal) = before;
        done
    }

    /// Writes `column = value`.
    pub(super) fn assignment(&mut self, def: &TableDef, column: &ColumnDef, value: &Expr) -> Result<()> {
        self.bare(column)?;
        self.push(" = ");
        self.stored(def, column, value)
    }

    /// What was to be inserted into a column.
    pub(super) fn excluded(&mut self, item: &Expr) -> Result<()> {
        let Node::Column(reference) = &item.0 else {
            let message = "`excluded` is of a column: what was to be inserted into it";
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let Some(rows_have_names) = self.upserting else {
            let message = "`excluded` is for what an upsert sets";
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let def = self.find(&reference.source)?;
        if def.name.as_str().eq_ignore_ascii_case("excluded") {
            let message =
                "`excluded` would mean the table of that name: give what was to be inserted as a value";
            return Err(Error::new(ErrorKind::Invalid, message).with_table(def.display_name()));
        }
        let column = def.by_id(reference.id).ok_or_else(|| super::expr::gone(&reference.source))?;
        match self.target.grammar.upserts() {
            Upserts::OnDuplicateKey if !rows_have_names => {
                self.push("VALUES");
                self.parens(|c| c.bare(column))
            }
            _ => {
                self.push("excluded.");
                self.bare(column)
            }
        }
    }
}

/// The columns of the key that is meant.
fn key_of<'d>(def: &'d TableDef, conflict: &OnConflict) -> Result<Vec<&'d ColumnDef>> {
    let Some(name) = &conflict.constraint else {
        return conflict.columns.iter().map(|name| def.column(name)).collect();
    };
    let called = |own: &Option<Name>| own.as_ref().is_some_and(|own| own.as_str() == &**name);
    let named = def.uniques().iter().chain(def.primary_key()).find(|key| called(&key.name));
    if let Some(key) = named {
        return Ok(columns_of(def, key));
    }
    let index = def.indexes().iter().find(|index| index.unique && called(&index.name));
    index.and_then(|index| indexed(def, index)).ok_or_else(|| {
        let message = format!("table `{}` has no key called `{name}`", def.display_name());
        Error::new(ErrorKind::Invalid, message).with_table(def.display_name())
    })
}

fn columns_of<'d>(def: &'d TableDef, key: &KeyDef) -> Vec<&'d ColumnDef> {
    key.columns.iter().filter_map(|at| def.column_at(*at)).collect()
}

/// The columns of a unique index; none where an expression is among them.
fn indexed<'d>(def: &'d TableDef, index: &Index) -> Option<Vec<&'d ColumnDef>> {
    let column = |element: &IndexElement| match &element.what {
        Indexed::Column(name) => def.columns().find(|column| column.name() == name),
        Indexed::Expr(_) => None,
    };
    index.elements.iter().map(column).collect()
}

/// All keys by which two rows can meet.
fn unique_keys(def: &TableDef) -> Vec<Vec<&ColumnDef>> {
    let keys = def.uniques().iter().chain(def.primary_key()).map(|key| columns_of(def, key));
    let indexes = def.indexes().iter().filter(|index| index.unique);
    // One of expressions is met by who knows what.
    let indexes = indexes.map(|index| indexed(def, index).unwrap_or_default());
    keys.chain(indexes).collect()
}

fn list(columns: &[&ColumnDef]) -> String {
    if columns.is_empty() {
        return "an expression".to_string();
    }
    let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.key())).collect();
    names.join(", ")
}

/// What is set, in the table's order: columns to what was to be inserted, others to what was said, and the defaults
/// of an update.
fn assignments<'d>(
    table: &Table,
    def: &'d TableDef,
    conflict: &OnConflict,
    key: &[&ColumnDef],
    rows: &Written<'_>,
) -> Result<Vec<(&'d ColumnDef, Expr)>> {
    if !conflict.updates() {
        if conflict.filter.is_some() {
            let message = "a condition of an upsert that sets nothing";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        return Ok(Vec::new());
    }
    if key.is_empty() {
        let message = "an upsert says by which key rows meet";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    // What others know the row by stays as it is.
    let primary: Vec<usize> = def.primary_key().map(|key| key.columns.clone()).unwrap_or_default();
    let is_key = |column: &ColumnDef| {
        let primary = primary.iter().filter_map(|at| def.column_at(*at)).any(|own| own.id == column.id);
        primary || key.iter().any(|own| own.id == column.id)
    };
    let is_set = |column: &ColumnDef| !is_key(column) && column.row_version() != Some(Version::Counted);
    let others =
        rows.columns.iter().filter(|column| conflict.others && (rows.given)(column) && is_set(column));
    let mut set: Vec<(Arc<str>, Expr)> = Vec::new();
    for name in conflict.update.iter().cloned().chain(others.map(|column| column.key.clone())) {
        if conflict.set.iter().chain(&set).all(|(known, _)| *known != name) {
            let column = ColumnRef { source: Source::of(table), id: def.column(&name)?.id };
            set.push((name, Expr::column(column).excluded()));
        }
    }
    set.extend(conflict.set.iter().cloned());
    if set.is_empty() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "an upsert that sets nothing: every column given is of a key",
        ));
    }
    write::with_defaults(def, &set, |column| write::on_update(table, column))
}
