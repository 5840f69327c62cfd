//! CREATE and DROP into SQL.

use std::sync::Arc;

use super::{Compiled, Compiler, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Source};
use crate::schema::naming::cut;
use crate::schema::{
    Action, CheckDef, ColumnDef, ForeignKeyDef, Index, Indexed, KeyDef, Name, Options, ServerDefault, Table,
    TableDef,
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
        | Ddl::AddCheck { table, .. }
        | Ddl::CreateView { table }
        | Ddl::Comment { table, .. }
        | Ddl::DropForeignKey { table, .. } => table,
        Ddl::CreateSchema { .. }
        | Ddl::CreateEnum { .. }
        | Ddl::CreateDomain { .. }
        | Ddl::CreateSequence { .. }
        | Ddl::OwnSequence { .. } => {
            c.object(ddl)?;
            return c.finish(None);
        }
    };
    let def = table.def();
    let known = c.known(&Source::of(table))?;
    c.within(vec![known], |c| c.of_table(ddl, table, &def))?;
    c.finish(None)
}

fn key_named<'d>(def: &'d TableDef, name: &str) -> Result<&'d ForeignKeyDef> {
    let found = def.foreign_keys.iter().find(|key| key.name.as_ref().is_some_and(|n| n.as_str() == name));
    found.ok_or_else(|| {
        let message = format!("table `{}` has no foreign key `{name}`", def.display_name());
        Error::new(ErrorKind::Invalid, message)
    })
}

fn check_named<'d>(def: &'d TableDef, name: &str) -> Result<&'d CheckDef> {
    let found = def.checks.iter().find(|check| check.name.as_ref().is_some_and(|n| n.as_str() == name));
    found.ok_or_else(|| {
        let message = format!("table `{}` has no check `{name}`", def.display_name());
        Error::new(ErrorKind::Invalid, message)
    })
}

impl Compiler<'_> {
    /// A statement about a table, which is in sight.
    fn of_table(&mut self, ddl: &Ddl, table: &Table, def: &TableDef) -> Result<()> {
        match ddl {
            Ddl::CreateTable { if_not_exists, without_keys, .. } => {
                self.create_table(table, def, *if_not_exists, without_keys)
            }
            Ddl::DropTable { if_exists, .. } => {
                self.push(if *if_exists { "DROP TABLE IF EXISTS " } else { "DROP TABLE " });
                self.table_name(def);
                Ok(())
            }
            Ddl::CreateIndex { index, if_not_exists, .. } => self.create_index(def, index, *if_not_exists),
            Ddl::AddForeignKey { key, .. } => {
                self.alter(def, " ADD ")?;
                self.foreign_key(table, def, key_named(def, key)?)
            }
            Ddl::AddCheck { check, .. } => {
                self.alter(def, " ADD ")?;
                self.check(check_named(def, check)?)
            }
            Ddl::DropForeignKey { key, .. } => {
                self.alter(def, " DROP CONSTRAINT ")?;
                self.made_name(&Name::from(key.clone()));
                Ok(())
            }
            other => self.object(other),
        }
    }

    /// Whether a part comes from another table, which brings it along.
    fn is_inherited(&self, options: &Options) -> bool {
        options.is_set(self.target.name, "inherited")
    }

    fn create_table(
        &mut self,
        table: &Table,
        def: &TableDef,
        if_not_exists: bool,
        without: &[Arc<str>],
    ) -> Result<()> {
        if def.columns().all(ColumnDef::is_system) && !self.target.features.empty_tables {
            let message = format!("table `{}` has no columns", def.display_name());
            return Err(Error::new(ErrorKind::Invalid, message).with_table(table.name().to_string()));
        }
        self.push("CREATE ");
        self.push(self.target.grammar.table_words(def));
        self.push(if if_not_exists { "TABLE IF NOT EXISTS " } else { "TABLE " });
        self.table_name(def);
        self.push(" ");
        let start = self.sql.len();
        if let Some(whole) = self.target.grammar.whole_table(def) {
            self.push(&whole);
            self.push(" ");
        }
        self.push("(");
        let inside = self.sql.len();
        self.table_elements(table, def, without)?;
        if self.sql.len() == inside && start + 1 < inside {
            // Everything comes from the other table.
            self.sql.truncate(inside - 2);
        } else {
            self.push(")");
        }
        self.target.grammar.table_options(def, &mut self.sql);
        Ok(())
    }

    /// Columns, keys and conditions, with commas between; those that come from another table are left out.
    fn table_elements(&mut self, table: &Table, def: &TableDef, without: &[Arc<str>]) -> Result<()> {
        let mut inline_key = false;
        let is_own = |column: &&ColumnDef| !self.is_inherited(&column.column.options) && !column.is_system();
        let own = def.columns().filter(is_own);
        self.list(own.collect::<Vec<_>>(), |c, column| {
            inline_key |= c.column_clause(def, column)?;
            Ok(())
        })?;
        let is_ours = |at: &usize| def.column_at(*at).is_some_and(|column| !column.is_system());
        let key = def.primary_key.as_ref().filter(|key| key.columns.iter().all(is_ours));
        if let (Some(key), false) = (key, inline_key) {
            self.key(def, "PRIMARY KEY", key)?;
        }
        def.uniques.iter().try_for_each(|key| self.key(def, "UNIQUE", key))?;
        let left_out = |name: &Option<Name>| {
            name.as_ref().is_some_and(|name| without.iter().any(|w| **w == *name.as_str()))
        };
        for check in def.checks.iter().filter(|check| !left_out(&check.name)) {
            if !self.is_inherited(&check.options) && self.standing_on(check).is_none() {
                self.element_start();
                self.check(check)?;
            }
        }
        for key in def.foreign_keys.iter().filter(|key| !left_out(&key.name)) {
            if !self.is_inherited(&key.options) {
                self.element_start();
                self.foreign_key(table, def, key)?;
            }
        }
        for other in def.others.iter().filter(|other| *other.dialect == *self.target.name) {
            self.element_start();
            self.constraint_name(other.name.as_ref());
            self.push(&other.sql);
        }
        Ok(())
    }

    /// The column a check stands on, where that makes a difference.
    fn standing_on<'k>(&self, check: &'k CheckDef) -> Option<&'k str> {
        check.options.text(self.target.name, "column")
    }

    /// A comma, unless it is the first.
    fn element_start(&mut self) {
        if !self.sql.ends_with('(') {
            self.push(", ");
        }
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
        self.computed(column)?;
        if !column.nullable {
            self.push(" NOT NULL");
            self.target.grammar.constraint_options(&column.column.options, &mut self.sql);
        }
        self.server_default(column)?;
        if let Some((text, _)) = &generated {
            self.push(" ");
            self.push(text);
        }
        self.target.grammar.column_options(column, &mut self.sql);
        for check in &def.checks {
            if self.standing_on(check) != Some(column.name().as_str()) {
                continue;
            }
            self.push(" CHECK ");
            self.parens(|c| c.expr(check.condition.expr()))?;
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
                let text = self.target.literal(value.clone(), ty);
                text.map_err(|e| e.at(format!("default of column `{}`", column.key)))?
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
            let error = self.target.unsupported("generated columns that are not stored");
            return Err(error.at(format!("column `{}`", column.key)));
        }
        self.push(" GENERATED ALWAYS AS (");
        self.expr(computed.expr.expr())?;
        self.push(if computed.stored { ") STORED" } else { ") VIRTUAL" });
        Ok(())
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
        if self.is_inherited(&key.options) {
            return Ok(());
        }
        self.element_start();
        self.constraint_name(key.name.as_ref());
        self.push(word);
        if word == "UNIQUE" {
            self.push(self.target.grammar.unique_words(&key.options));
        }
        self.push(" ");
        // Reflected keys may order or collate their columns in the dialect's own words.
        match key.options.text(self.target.name, "columns") {
            Some(columns) => self.push(columns),
            None => self.columns_at(def, &key.columns)?,
        }
        if key.options.is_set(self.target.name, "without_overlaps") && self.sql.ends_with(')') {
            self.sql.pop();
            self.push(" WITHOUT OVERLAPS)");
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
        self.constraint_name(check.name.as_ref());
        self.push("CHECK ");
        self.parens(|c| c.expr(check.condition.expr()))?;
        self.target.grammar.constraint_options(&check.options, &mut self.sql);
        Ok(())
    }

    fn foreign_key(&mut self, table: &Table, def: &TableDef, key: &ForeignKeyDef) -> Result<()> {
        if key.deferrable == Some(true) && !self.target.features.deferrable_keys {
            return Err(self.target.unsupported("foreign keys that are checked later"));
        }
        self.constraint_name(key.name.as_ref());
        self.push("FOREIGN KEY ");
        let period = key.options.is_set(self.target.name, "period");
        let own: Vec<Name> =
            key.columns.iter().filter_map(|p| def.column_at(*p)).map(|c| c.column.name.clone()).collect();
        self.key_columns(&own, period)?;
        self.push(" REFERENCES ");
        // Where a schema is a file of its own no key leads out of it, and none is named.
        let schema = key.target.schema.as_ref().or(def.schema.as_ref());
        let is_own = schema == def.schema.as_ref();
        if let Some(schema) = schema.filter(|_| !(is_own && self.target.grammar.schema_on_index())) {
            self.name(schema);
            self.push(".");
        }
        self.name(&key.target.table);
        let referred = self.referred_columns(table, def, key);
        if !referred.is_empty() {
            self.push(" ");
            self.key_columns(&referred, period)?;
        }
        self.foreign_key_options(key)?;
        self.target.grammar.constraint_options(&key.options, &mut self.sql);
        Ok(())
    }

    /// Columns of a foreign key in parentheses; the last may be a period of time.
    fn key_columns(&mut self, names: &[Name], period: bool) -> Result<()> {
        let last = names.len().saturating_sub(1);
        self.parens(|c| {
            c.list(names.iter().enumerate(), |c, (at, name)| {
                if period && at == last {
                    c.push("PERIOD ");
                }
                c.name(name);
                Ok(())
            })
        })
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

    fn foreign_key_options(&mut self, key: &ForeignKeyDef) -> Result<()> {
        if let Some(word) = &key.match_type {
            self.push(" MATCH ");
            self.push(word);
        }
        for (words, action) in [(" ON DELETE ", key.on_delete), (" ON UPDATE ", key.on_update)] {
            if action != Action::NoAction {
                self.push(words);
                self.push(action.as_sql());
                let columns = match words {
                    " ON DELETE " => key.options.list(self.target.name, "on_delete_columns"),
                    _ => Vec::new(),
                };
                if !columns.is_empty() {
                    let names: Vec<Name> = columns.into_iter().map(Name::from).collect();
                    self.push(" ");
                    self.key_columns(&names, false)?;
                }
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
        Ok(())
    }

    fn alter(&mut self, def: &TableDef, words: &str) -> Result<()> {
        if !self.target.features.alter_foreign_keys {
            return Err(self.target.unsupported("ALTER TABLE .. CONSTRAINT"));
        }
        self.push("ALTER TABLE ");
        self.table_name(def);
        self.push(words);
        Ok(())
    }

    fn create_index(&mut self, def: &TableDef, index: &Index, if_not_exists: bool) -> Result<()> {
        if if_not_exists && !self.target.grammar.index_if_not_exists(&self.target.features) {
            return Err(self.target.unsupported("CREATE INDEX IF NOT EXISTS"));
        }
        self.push(if index.unique { "CREATE UNIQUE " } else { "CREATE " });
        self.push(self.target.grammar.index_words(index));
        self.push("INDEX ");
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
        self.target.grammar.index_method(index, &mut self.sql);
        self.push(" (");
        self.list(&index.elements, |c, element| {
            match &element.what {
                Indexed::Column(name) => c.name(name),
                Indexed::Expr(_) if !c.target.features.expression_indexes => {
                    return Err(c.target.unsupported("indexes of expressions"));
                }
                Indexed::Expr(formula) => c.index_expr(formula.expr())?,
            }
            if let Some(collation) = &element.collation {
                c.push(" COLLATE ");
                c.name(&Name::from(collation.clone()));
            }
            c.target.grammar.index_element(element, &mut c.sql);
            Ok(())
        })?;
        self.push(")");
        self.target.grammar.index_options(index, &mut self.sql);
        match &index.filter {
            Some(_) if !self.target.features.partial_indexes => {
                Err(self.target.unsupported("indexes of some of the rows"))
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
            Node::Raw(_) if self.target.grammar.wraps_index_expressions() => self.parens(|c| c.expr(expr)),
            Node::Raw(_) => self.expr(expr),
            _ => self.parens(|c| c.expr(expr)),
        }
    }
}
