//! From parts to a definition: the checks a table passes before it exists.
//!
//! Not here: what the parts are (`parts`, `column`, `constraint`), and where tables are kept
//! (`metadata`). Called by both, once for each version of a table.

use std::sync::Arc;

use indexmap::IndexMap;

use super::column::Column;
use super::constraint::{Body, Constraint, ForeignKey, Index, Indexed, Reference, index};
use super::formula::Formula;
use super::name::Name;
use super::naming::{Kind, NamingConvention, Unnamed};
use super::options::Options;
use super::parts::{Existing, PartList, TableKind};
use super::table::{CheckDef, ColumnDef, ColumnId, ForeignKeyDef, KeyDef, OtherDef, TableDef};
use crate::compile::Ready;
use crate::error::{Error, ErrorKind, Result};

impl TableDef {
    /// Checks the parts and makes a definition of them; `before` is the version it follows.
    pub(crate) fn build(name: Name, mut parts: PartList, before: Option<&TableDef>) -> Result<TableDef> {
        check_identifier(&name, "table")?;
        parts.settle_attributes(&name)?;
        let columns = build_columns(&name, &parts.columns, before)?;
        let mut def = TableDef {
            bind: parts.bind.clone(),
            schema: parts.schema.clone(),
            columns,
            primary_key: None,
            uniques: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            others: Vec::new(),
            indexes: Vec::new(),
            comment: parts.comment.as_deref().map(Arc::from),
            info: parts.info.clone(),
            options: parts.options.clone(),
            kind: parts.kind.clone(),
            version: before.map_or(1, |before| before.version + 1),
            ready: Ready::default(),
            name,
            parts,
        };
        def.take_column_parts()?;
        // Lent for as long as they are looked through.
        let (constraints, indexes) =
            (std::mem::take(&mut def.parts.constraints), std::mem::take(&mut def.parts.indexes));
        constraints.iter().try_for_each(|constraint| def.take_constraint(constraint))?;
        indexes.iter().try_for_each(|index| def.take_index(index.clone()))?;
        (def.parts.constraints, def.parts.indexes) = (constraints, indexes);
        def.settle_nullability();
        def.check_version()?;
        def.check_hybrids()?;
        if let (Some(model), None) = (&def.parts.model, &def.primary_key) {
            let what =
                format!("has no primary key, which the model `{model}` needs: records are told apart by it");
            return Err(def.wrong(&what));
        }
        Ok(def)
    }

    /// The parts of this version with others added: same-named columns replaced, the rest
    /// appended.
    pub(crate) fn extended(&self, more: PartList) -> PartList {
        let mut parts = PartList { extended: true, ..self.parts.clone() };
        // What is there stays where it is, whatever the new parts say.
        parts.put_over(PartList {
            schema: None,
            bind: None,
            kind: TableKind::Table,
            existing: Existing::Refuse,
            ..more
        });
        parts
    }

    /// Keys, checks and indexes that were written on columns.
    fn take_column_parts(&mut self) -> Result<()> {
        let columns: Vec<Arc<Column>> = self.columns.values().map(|c| c.column.clone()).collect();
        let key: Vec<usize> = positions_where(&columns, |c| c.primary_key);
        if !key.is_empty() {
            let name = self.made_name(Kind::PrimaryKey, &key, None);
            self.primary_key = Some(KeyDef { name, columns: key, options: Options::default() });
        }
        for (position, column) in columns.into_iter().enumerate() {
            let own = [column.name.clone()];
            match (column.unique, column.index) {
                (true, false) => self.take_unique(None, vec![position], Options::default()),
                (unique, true) => {
                    let one = index([super::IndexElement::column(own[0].clone())]);
                    self.take_index(if unique { one.unique() } else { one })?;
                }
                (false, false) => {}
            }
            for condition in &column.checks {
                self.take_check(None, condition.clone(), &[position], Options::default());
            }
            if let Some(key) = &column.foreign_key {
                let key = ForeignKey { columns: own.to_vec(), ..(**key).clone() };
                self.take_foreign_key(key)?;
            }
        }
        Ok(())
    }

    fn take_constraint(&mut self, constraint: &Constraint) -> Result<()> {
        let (body, options) = (&constraint.body, constraint.options.clone());
        let name = constraint.name.clone();
        if let Some(name) = &name {
            check_identifier(name, "constraint")?;
        }
        match body {
            Body::PrimaryKey(columns) => {
                let columns = self.positions(columns, "the primary key")?;
                let said = self.primary_key.take().map(|key| key.columns);
                let same = |said: &Vec<usize>| {
                    said.iter().all(|p| columns.contains(p)) && said.len() == columns.len()
                };
                if said.is_some_and(|said| !same(&said)) {
                    return Err(self.wrong("has two primary keys that name different columns"));
                }
                let name = name.or_else(|| self.made_name(Kind::PrimaryKey, &columns, None));
                self.primary_key = Some(KeyDef { name, columns, options });
            }
            Body::Unique(columns) => {
                let columns = self.positions(columns, "a unique constraint")?;
                self.take_unique(name, columns, options);
            }
            Body::Check(condition) => self.take_check(name, condition.clone(), &[], options),
            Body::ForeignKey(key) => self.take_foreign_key(ForeignKey { name, options, ..key.clone() })?,
            Body::Verbatim(dialect, sql) => {
                self.others.push(OtherDef { name, dialect: dialect.clone(), sql: sql.clone(), options });
            }
        }
        Ok(())
    }

    fn take_check(&mut self, name: Option<Name>, condition: Formula, columns: &[usize], options: Options) {
        let name = name.or_else(|| self.made_name(Kind::Check, columns, None));
        self.checks.push(CheckDef { name, condition, options });
    }

    fn take_unique(&mut self, name: Option<Name>, columns: Vec<usize>, options: Options) {
        let name = name.or_else(|| self.made_name(Kind::Unique, &columns, None));
        self.uniques.push(KeyDef { name, columns, options });
    }

    fn take_foreign_key(&mut self, key: ForeignKey) -> Result<()> {
        let columns = self.positions(&key.columns, "a foreign key")?;
        if !key.target.columns.is_empty() && key.target.columns.len() != columns.len() {
            return Err(self.wrong("has a foreign key with more columns on one side"));
        }
        let name = key.name.or_else(|| self.made_name(Kind::ForeignKey, &columns, Some(&key.target)));
        self.foreign_keys.push(ForeignKeyDef {
            name,
            columns,
            target: key.target,
            on_delete: key.on_delete,
            on_update: key.on_update,
            deferrable: key.deferrable,
            initially_deferred: key.initially_deferred,
            match_type: key.match_type,
            options: key.options,
        });
        Ok(())
    }

    fn take_index(&mut self, mut index: Index) -> Result<()> {
        let mut columns = Vec::new();
        for element in &index.elements {
            if let Indexed::Column(name) = &element.what {
                columns.extend(self.positions(std::slice::from_ref(name), "an index")?);
            }
        }
        if index.elements.is_empty() {
            return Err(self.wrong("has an index over nothing"));
        }
        index.name = index.name.or_else(|| self.made_name(Kind::Index, &columns, None));
        self.indexes.push(index);
        Ok(())
    }

    /// A made name; reflected tables say [`Existing::Replace`] and get none, because the
    /// database has none.
    fn made_name(&self, kind: Kind, columns: &[usize], target: Option<&Reference>) -> Option<Name> {
        if self.parts.existing == Existing::Replace {
            return None;
        }
        let columns: Vec<&str> = self.names_at(columns).collect();
        let unnamed =
            Unnamed { table: self.name.as_str(), columns: &columns, target, number: self.checks.len() + 1 };
        let convention = self.parts.naming.as_deref();
        convention.unwrap_or(&NamingConvention::default()).name(kind, &unnamed)
    }

    /// Positions of columns named in a constraint, by database name.
    fn positions(&self, names: &[Name], place: &str) -> Result<Vec<usize>> {
        if names.is_empty() {
            return Err(self.wrong(&format!("has {place} over nothing")));
        }
        let find = |name: &Name| {
            let at = self.columns.values().position(|c| c.column.name.as_str() == name.as_str());
            at.ok_or_else(|| self.no_such_column(name.as_str()).at(place))
        };
        names.iter().map(find).collect()
    }

    fn settle_nullability(&mut self) {
        let key = self.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
        for (position, column) in self.columns.values_mut().enumerate() {
            column.nullable = column.column.nullable.unwrap_or(!key.contains(&position));
        }
    }

    fn wrong(&self, what: &str) -> Error {
        let table = self.display_name();
        Error::new(ErrorKind::Invalid, format!("table `{table}` {what}")).with_table(table)
    }
}

/// Refuses names no database takes.
fn check_identifier(name: &Name, what: &str) -> Result<()> {
    let text = name.as_str();
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, format!("a {what} needs a name")));
    }
    if text.contains('\0') {
        let message = format!("the {what} name {text:?} holds a NUL character");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}

fn positions_where(columns: &[Arc<Column>], keep: impl Fn(&Column) -> bool) -> Vec<usize> {
    columns.iter().enumerate().filter(|(_, c)| keep(c)).map(|(i, _)| i).collect()
}

fn build_columns(
    table: &Name,
    columns: &[Arc<Column>],
    before: Option<&TableDef>,
) -> Result<IndexMap<Arc<str>, ColumnDef>> {
    let mut next = before.map_or(0, |t| t.columns.values().map(|c| c.id.0 + 1).max().unwrap_or(0));
    let mut map: IndexMap<Arc<str>, ColumnDef> = IndexMap::with_capacity(columns.len());
    for column in columns {
        check_identifier(&column.name, "column")?;
        let key = column.key.clone().unwrap_or_else(|| column.name.shared());
        let same_name = |c: &ColumnDef| c.column.name.as_str() == column.name.as_str();
        if map.contains_key(&key) || map.values().any(same_name) {
            let message = format!("table `{table}` has two columns named `{}`", column.name);
            return Err(Error::new(ErrorKind::Duplicate, message).with_table(table.to_string()));
        }
        let known = before.and_then(|t| t.columns.values().find(|c| same_name(c)));
        let id = known.map_or_else(
            || {
                next += 1;
                ColumnId(next - 1)
            },
            |c| c.id,
        );
        map.insert(key.clone(), ColumnDef { id, key, nullable: true, column: column.clone() });
    }
    Ok(map)
}
