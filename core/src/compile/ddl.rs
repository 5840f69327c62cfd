//! CREATE and DROP into SQL.

use std::sync::Arc;

use super::{Compiled, Compiler, Target, adapt};
use crate::dialect::BindUse;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Source};
use crate::schema::naming::cut;
use crate::schema::{
    Action, CheckDef, ColumnDef, ForeignKeyDef, Index, Indexed, KeyDef, Name, ServerDefault, Table, TableDef,
};
use crate::stmt::Ddl;
use crate::types::Type;

/// Compiles a statement that changes the schema.
pub(super) fn compile(ddl: &Ddl, target: &Target) -> Result<Compiled> {
    let mut c = Compiler::new(target, true);
    let table = match ddl {
        Ddl::CreateTable { table, .. }
        | Ddl::DropTable { table, .. }
        | Ddl::CreateIndex { table, .. }
        | Ddl::AddForeignKey { table, .. }
        | Ddl::DropForeignKey { table, .. } => table,
    };
    let def = table.def();
    let known = c.known(&Source::of(table))?;
    c.within(vec![known], |c| match ddl {
        Ddl::CreateTable { if_not_exists, without_keys, .. } => {
            c.create_table(table, &def, *if_not_exists, without_keys)
        }
        Ddl::DropTable { if_exists, .. } => {
            c.push(if *if_exists { "DROP TABLE IF EXISTS " } else { "DROP TABLE " });
            c.table_name(&def);
            Ok(())
        }
        Ddl::CreateIndex { index, if_not_exists, .. } => c.create_index(&def, index, *if_not_exists),
        Ddl::AddForeignKey { key, .. } => {
            c.alter(&def, " ADD ")?;
            c.foreign_key(table, &def, key_named(&def, key)?)
        }
        Ddl::DropForeignKey { key, .. } => {
            c.alter(&def, " DROP CONSTRAINT ")?;
            c.made_name(&Name::from(key.clone()));
            Ok(())
        }
    })?;
    c.finish(None)
}

fn key_named<'d>(def: &'d TableDef, name: &str) -> Result<&'d ForeignKeyDef> {
    let found = def.foreign_keys.iter().find(|key| key.name.as_ref().is_some_and(|n| n.as_str() == name));
    found.ok_or_else(|| {
        let message = format!("table `{}` has no foreign key `{name}`", def.display_name());
        Error::new(ErrorKind::Invalid, message)
    })
}

impl Compiler<'_> {
    fn create_table(
        &mut self,
        table: &Table,
        def: &TableDef,
        if_not_exists: bool,
        without: &[Arc<str>],
    ) -> Result<()> {
        if def.columns.is_empty() {
            let message = format!("table `{}` has no columns", def.display_name());
            return Err(Error::new(ErrorKind::Invalid, message).with_table(table.name().to_string()));
        }
        self.push(if if_not_exists { "CREATE TABLE IF NOT EXISTS " } else { "CREATE TABLE " });
        self.table_name(def);
        self.push(" (");
        let mut inline_key = false;
        self.list(def.columns(), |c, column| {
            inline_key |= c.column_clause(def, column)?;
            Ok(())
        })?;
        if let (Some(key), false) = (&def.primary_key, inline_key) {
            self.key(def, "PRIMARY KEY", key)?;
        }
        def.uniques.iter().try_for_each(|key| self.key(def, "UNIQUE", key))?;
        def.checks.iter().try_for_each(|check| self.check(check))?;
        for key in &def.foreign_keys {
            let left_out = key.name.as_ref().is_some_and(|n| without.iter().any(|w| **w == *n.as_str()));
            if !left_out {
                self.push(", ");
                self.foreign_key(table, def, key)?;
            }
        }
        self.push(")");
        self.target.grammar.table_options(def, &mut self.sql);
        Ok(())
    }

    /// Writes a column; whether the text holds the primary key already.
    fn column_clause(&mut self, def: &TableDef, column: &ColumnDef) -> Result<bool> {
        self.name(&column.column.name);
        let is_key = def.generated_key().is_some_and(|key| key.id == column.id);
        let ty = self.column_type(column, is_key)?;
        if !ty.is_empty() {
            self.push(" ");
            self.push(&ty);
        }
        if let Some(collation) = &column.column.collation {
            self.push(" COLLATE ");
            self.name(&Name::from(collation.clone()));
        }
        let generated = self.target.grammar.inline_key(def, column, is_key);
        if !column.nullable {
            self.push(" NOT NULL");
            self.target.grammar.constraint_options(&column.column.options, &mut self.sql);
        }
        self.server_default(column)?;
        self.computed(column)?;
        if let Some((text, _)) = &generated {
            self.push(" ");
            self.push(text);
        }
        Ok(generated.is_some_and(|(_, holds_key)| holds_key))
    }

    /// The type of a column: in the words it was reflected with, or as the dialect says.
    fn column_type(&self, column: &ColumnDef, is_key: bool) -> Result<String> {
        if let Some(declared) = &column.column.declared
            && declared.dialect == self.target.name
        {
            return self.target.types.ddl(&Type::Other(declared.text.clone()));
        }
        if let Some(ty) = self.target.grammar.generated_key_type().filter(|_| is_key) {
            return Ok(ty.to_string());
        }
        let ty = self.target.types.ddl(&column.column.ty);
        ty.map_err(|e| e.at(format!("column `{}`", column.key)))
    }

    fn server_default(&mut self, column: &ColumnDef) -> Result<()> {
        let Some(default) = &column.column.server_default else {
            return Ok(());
        };
        self.push(" DEFAULT ");
        let ty = &column.column.ty;
        let text = match default {
            ServerDefault::Value(value) => {
                let fitted = adapt(self.target, value.clone(), Some(ty), BindUse::Store)
                    .map_err(|e| e.at(format!("default of column `{}`", column.key)))?;
                let mut text = String::new();
                self.target.grammar.literal(&fitted, &mut text)?;
                text
            }
            ServerDefault::Sql(sql) => sql.to_string(),
            ServerDefault::Expr(formula) => {
                let start = self.sql.len();
                self.expr(formula.expr())?;
                self.sql.split_off(start)
            }
        };
        let text = self.target.grammar.default_value(text, ty);
        self.push(&text);
        Ok(())
    }

    fn computed(&mut self, column: &ColumnDef) -> Result<()> {
        let Some(computed) = &column.column.computed else {
            return Ok(());
        };
        if !computed.stored && !self.target.features.virtual_columns {
            let error = Error::unsupported("generated columns that are not stored", self.target.name);
            return Err(error.at(format!("column `{}`", column.key)));
        }
        self.push(" GENERATED ALWAYS AS (");
        self.expr(computed.expr.expr())?;
        self.push(if computed.stored { ") STORED" } else { ") VIRTUAL" });
        Ok(())
    }

    /// `, CONSTRAINT name`, where there is a name.
    fn constraint_start(&mut self, name: Option<&Name>) {
        self.push(", ");
        self.constraint_name(name);
    }

    fn constraint_name(&mut self, name: Option<&Name>) {
        if let Some(name) = name {
            self.push("CONSTRAINT ");
            self.made_name(name);
            self.push(" ");
        }
    }

    /// A name of a constraint or an index, cut to what the server takes.
    fn made_name(&mut self, name: &Name) {
        let limit = self.target.features.max_identifier;
        if name.as_str().len() > limit {
            self.name(&Name::quoted(cut(name.as_str(), limit), name.quote()));
        } else {
            self.name(name);
        }
    }

    fn key(&mut self, def: &TableDef, word: &str, key: &KeyDef) -> Result<()> {
        self.constraint_start(key.name.as_ref());
        self.push(word);
        self.push(" ");
        // Reflected keys may order or collate their columns in the dialect's own words.
        match key.options.text(self.target.name, "columns") {
            Some(columns) => self.push(columns),
            None => self.columns_at(def, &key.columns)?,
        }
        self.target.grammar.constraint_options(&key.options, &mut self.sql);
        Ok(())
    }

    fn columns_at(&mut self, def: &TableDef, positions: &[usize]) -> Result<()> {
        let names = positions.iter().filter_map(|p| def.column_at(*p)).map(|c| &c.column.name);
        self.parens(|c| {
            c.list(names, |c, name| {
                c.name(name);
                Ok(())
            })
        })
    }

    fn check(&mut self, check: &CheckDef) -> Result<()> {
        self.constraint_start(check.name.as_ref());
        self.push("CHECK ");
        self.parens(|c| c.expr(check.condition.expr()))
    }

    fn foreign_key(&mut self, table: &Table, def: &TableDef, key: &ForeignKeyDef) -> Result<()> {
        if key.deferrable == Some(true) && !self.target.features.deferrable_keys {
            return Err(Error::unsupported("foreign keys that are checked later", self.target.name));
        }
        self.constraint_name(key.name.as_ref());
        self.push("FOREIGN KEY ");
        self.columns_at(def, &key.columns)?;
        self.push(" REFERENCES ");
        // A schema before the table is left out where it is the table's own.
        if let Some(schema) = &key.target.schema
            && def.schema.as_ref() != Some(schema)
        {
            self.name(schema);
            self.push(".");
        }
        self.name(&key.target.table);
        let referred = self.referred_columns(table, def, key);
        if !referred.is_empty() {
            self.push(" ");
            self.parens(|c| {
                c.list(&referred, |c, name| {
                    c.name(name);
                    Ok(())
                })
            })?;
        }
        self.foreign_key_options(key);
        Ok(())
    }

    /// The columns to name on the other side: those that were said, or the key's where they have to be.
    fn referred_columns(&self, table: &Table, def: &TableDef, key: &ForeignKeyDef) -> Vec<Name> {
        if !key.target.columns.is_empty() || !self.target.features.explicit_references {
            return key.target.columns.clone();
        }
        let key_of = |def: &TableDef| {
            let key = def.primary_key.iter().flat_map(|key| &key.columns);
            key.filter_map(|at| def.column_at(*at)).map(|column| column.column.name.clone()).collect()
        };
        let schema = key.target.schema.as_ref().or(def.schema.as_ref()).map(Name::as_str);
        if key.target.table.as_str() == def.name.as_str() && schema == def.schema.as_ref().map(Name::as_str) {
            return key_of(def);
        }
        let other = table.metadata().and_then(|m| m.get_in(schema, key.target.table.as_str()));
        other.map(|other| key_of(&other.def())).unwrap_or_default()
    }

    fn foreign_key_options(&mut self, key: &ForeignKeyDef) {
        if let Some(word) = &key.match_type {
            self.push(" MATCH ");
            self.push(word);
        }
        for (words, action) in [(" ON DELETE ", key.on_delete), (" ON UPDATE ", key.on_update)] {
            if action != Action::NoAction {
                self.push(words);
                self.push(action.as_sql());
            }
        }
        match key.deferrable {
            Some(true) => self.push(" DEFERRABLE"),
            Some(false) => self.push(" NOT DEFERRABLE"),
            None => {}
        }
        if key.initially_deferred {
            self.push(" INITIALLY DEFERRED");
        }
    }

    fn alter(&mut self, def: &TableDef, words: &str) -> Result<()> {
        if !self.target.features.alter_foreign_keys {
            return Err(Error::unsupported("ALTER TABLE .. CONSTRAINT", self.target.name));
        }
        self.push("ALTER TABLE ");
        self.table_name(def);
        self.push(words);
        Ok(())
    }

    fn create_index(&mut self, def: &TableDef, index: &Index, if_not_exists: bool) -> Result<()> {
        self.push(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
        if if_not_exists {
            self.push("IF NOT EXISTS ");
        }
        let on_index = self.target.grammar.schema_on_index();
        if let (Some(schema), true) = (&def.schema, on_index) {
            self.name(schema);
            self.push(".");
        }
        if let Some(name) = &index.name {
            self.made_name(name);
        }
        self.push(" ON ");
        if on_index {
            self.name(&def.name)
        } else {
            self.table_name(def)
        }
        self.push(" (");
        self.list(&index.elements, |c, element| {
            match &element.what {
                Indexed::Column(name) => c.name(name),
                Indexed::Expr(_) if !c.target.features.expression_indexes => {
                    return Err(Error::unsupported("indexes of expressions", c.target.name));
                }
                Indexed::Expr(formula) => c.index_expr(formula.expr())?,
            }
            if let Some(collation) = &element.collation {
                c.push(" COLLATE ");
                c.name(&Name::from(collation.clone()));
            }
            if element.descending {
                c.push(" DESC");
            }
            Ok(())
        })?;
        self.push(")");
        match &index.filter {
            Some(_) if !self.target.features.partial_indexes => {
                Err(Error::unsupported("indexes of some of the rows", self.target.name))
            }
            Some(filter) => {
                self.push(" WHERE ");
                self.expr(filter.expr())
            }
            None => Ok(()),
        }
    }

    /// An expression in an index stands in parentheses everywhere that takes one; the user's own
    /// SQL is taken as it is written.
    fn index_expr(&mut self, expr: &Expr) -> Result<()> {
        match &expr.0 {
            Node::Raw(_) => self.expr(expr),
            _ => self.parens(|c| c.expr(expr)),
        }
    }
}
