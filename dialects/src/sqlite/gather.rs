//! Rows of SQLite's catalog and its stored text, put together into facts.
//!
//! Not here: asking for them (`inspect`) and reading stored text (`stored`).

use std::collections::{HashMap, HashSet};

use mirrorm_core::Result;
use mirrorm_core::dialect::{
    CheckFacts, ColumnFacts, ElementFacts, ForeignKeyFacts, IndexFacts, KeyFacts, ObjectKind, Problem,
    TableFacts, TypeFacts, TypeMap,
};
use mirrorm_core::rows::Row;
use mirrorm_core::schema::{Action, Options};
use mirrorm_core::types::Type;

use super::stored::{StoredForeignKey, StoredIndex, StoredKey, StoredTable, without_comments};
use super::types::SqliteTypes;
use crate::known_types::KnownTypes;

/// The facts gathered so far, by table.
pub(super) struct Gathered<'a> {
    pub(super) tables: Vec<TableFacts>,
    pub(super) stored: Vec<Option<StoredTable>>,
    pub(super) at: HashMap<String, usize>,
    /// Tables whose primary key has an index of its own, so that it is not the rowid.
    pub(super) with_key_index: HashSet<usize>,
    pub(super) types: KnownTypes,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Gathered<'_> {
    pub(super) fn position(&self, table: &str) -> Option<usize> {
        self.at.get(table).copied()
    }

    pub(super) fn problem(&mut self, object: &str, message: &str) {
        self.problems.push(Problem { object: object.to_string(), message: message.to_string() });
    }

    /// Tables that can have keys and indexes.
    pub(super) fn plain_names(&self) -> Vec<String> {
        let plain = |t: &&TableFacts| matches!(t.kind, ObjectKind::Table | ObjectKind::Shadow);
        self.tables.iter().filter(plain).map(|t| t.name.clone()).collect()
    }

    pub(super) fn key(&self, table: usize, key: usize) -> Option<&ForeignKeyFacts> {
        self.tables.get(table)?.foreign_keys.get(key)
    }

    pub(super) fn key_mut(&mut self, table: usize, key: usize) -> Option<&mut ForeignKeyFacts> {
        self.tables.get_mut(table)?.foreign_keys.get_mut(key)
    }

    /// A row of `table_xinfo`.
    pub(super) fn column(&mut self, row: &Row) -> Result<()> {
        let Some(at) = self.position(row.get(0)?) else {
            return Ok(());
        };
        let hidden: i64 = row.get(6)?;
        // 1 is a hidden column of a virtual table; 2 and 3 are generated, virtual and stored.
        if hidden == 1 {
            return Ok(());
        }
        let name: String = row.get(1)?;
        let declared = declared_type(row.get::<Option<&str>>(2)?.unwrap_or(""));
        let strict = self.tables.get(at).is_some_and(|t| t.options.is_set("sqlite", "strict"));
        let stored = self.stored.get(at).and_then(Option::as_ref);
        let written = stored.and_then(|t| t.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&name)));
        let mut options = Options::default();
        if let Some(action) = written.and_then(|c| c.not_null_conflict.as_deref()) {
            options.set("sqlite", "on_conflict", action);
        }
        let computed = (hidden > 1).then(|| {
            let sql = written.and_then(|c| c.computed.clone()).unwrap_or_default();
            (sql, hidden == 3)
        });
        let (ty, type_facts) = self.ty(&declared, strict);
        let facts = ColumnFacts {
            type_facts,
            ty,
            declared,
            nullable: row.get::<i64>(3)? == 0,
            default: row
                .get::<Option<&str>>(4)?
                .map(|sql| without_comments(sql).to_string())
                .filter(|_| computed.is_none()),
            autoincrement: false,
            identity: None,
            collation: written.and_then(|c| c.collation.clone()),
            comment: None,
            computed,
            options,
            name: name.clone(),
        };
        let position: i64 = row.get(5)?;
        if let Some(table) = self.tables.get_mut(at) {
            table.columns.push(facts);
            if position > 0 {
                let key = table.primary_key.get_or_insert_with(KeyFacts::default);
                // Rows come in the order of the columns; the key's own order is by position.
                key.columns.resize(key.columns.len().max(position as usize), String::new());
                if let Some(slot) = key.columns.get_mut(position as usize - 1) {
                    *slot = name;
                }
            }
        }
        Ok(())
    }

    fn ty(&self, declared: &str, strict: bool) -> (Type, TypeFacts) {
        let with_facts = |ty: Type| (ty.clone(), TypeFacts::of(&ty));
        if declared.eq_ignore_ascii_case("ANY") && !strict {
            // Only STRICT tables know ANY; elsewhere it is a name like any other.
            return with_facts(Type::Other(declared.into()));
        }
        self.types.of(declared, || with_facts(SqliteTypes.parse(declared)))
    }

    /// A new foreign key from its first row; gives its position.
    pub(super) fn push_key(&mut self, table: usize, row: &Row) -> Result<usize> {
        let match_type = Some(row.get::<String>(7)?).filter(|word| word != "NONE");
        let facts = ForeignKeyFacts {
            referred_table: row.get(2)?,
            on_update: Action::from_sql(row.get(5)?),
            on_delete: Action::from_sql(row.get(6)?),
            match_type,
            ..ForeignKeyFacts::default()
        };
        let Some(table) = self.tables.get_mut(table) else {
            return Ok(0);
        };
        table.foreign_keys.push(facts);
        Ok(table.foreign_keys.len() - 1)
    }

    pub(super) fn push_key_column(&mut self, table: usize, row: &Row) -> Result<()> {
        let from: String = row.get(3)?;
        let to: Option<String> = row.get(4)?;
        let Some(table) = self.tables.get_mut(table) else {
            return Ok(());
        };
        // The text may spell a column in another case than its declaration.
        let own = table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&from)).map(|c| c.name.clone());
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.push(own.unwrap_or(from));
            key.referred_columns.extend(to);
        }
        Ok(())
    }

    /// One element of an index or of a unique constraint's index.
    pub(super) fn index_element(&mut self, row: &Row, texts: &HashMap<String, StoredIndex>) -> Result<()> {
        let Some(at) = self.position(row.get(0)?) else { return Ok(()) };
        let Some(table) = self.tables.get_mut(at) else { return Ok(()) };
        let name: String = row.get(1)?;
        let column: Option<String> = row.get(6)?;
        match row.get::<&str>(3)? {
            "pk" => {
                self.with_key_index.insert(at);
            }
            "u" => {
                let fresh = table.uniques.last().is_none_or(|key| key.name.as_deref() != Some(&name));
                if fresh {
                    table.uniques.push(KeyFacts { name: Some(name), ..KeyFacts::default() });
                }
                if let Some(key) = table.uniques.last_mut() {
                    key.columns.extend(column);
                }
            }
            _ => {
                let stored = texts.get(&name);
                if table.indexes.last().is_none_or(|index| index.name != name) {
                    table.indexes.push(IndexFacts {
                        filter: stored
                            .and_then(|s| s.filter.clone())
                            .filter(|_| row.get::<i64>(4).is_ok_and(|p| p == 1)),
                        unique: row.get::<i64>(2)? == 1,
                        name,
                        ..IndexFacts::default()
                    });
                }
                push_element(table, row, column, stored)?;
            }
        }
        Ok(())
    }

    /// What the stored text adds, once all PRAGMAs are read.
    pub(super) fn settle(&mut self) {
        self.settle_targets();
        for (at, (table, stored)) in self.tables.iter_mut().zip(&mut self.stored).enumerate() {
            settle_table(table, stored.take().unwrap_or_default(), self.with_key_index.contains(&at));
        }
    }

    /// Foreign keys spell their targets in any case; facts use the names of the targets.
    fn settle_targets(&mut self) {
        let tables = self.tables.iter().enumerate();
        let known: HashMap<String, usize> = tables.map(|(at, t)| (t.name.to_ascii_lowercase(), at)).collect();
        for at in 0..self.tables.len() {
            let own = self.tables.get_mut(at).map(|table| std::mem::take(&mut table.foreign_keys));
            let mut keys = own.unwrap_or_default();
            for key in &mut keys {
                let other = known.get(&key.referred_table.to_ascii_lowercase());
                let Some(other) = other.and_then(|at| self.tables.get(*at)) else { continue };
                key.referred_table.clone_from(&other.name);
                for name in &mut key.referred_columns {
                    let own = other.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
                    own.iter().for_each(|column| name.clone_from(&column.name));
                }
            }
            self.tables
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|table| table.foreign_keys = std::mem::take(&mut keys));
        }
    }
}

/// The words of a declared type; SQLite reports generated columns as `INTEGER GENERATED ALWAYS`.
fn declared_type(text: &str) -> String {
    let cut = text.len().saturating_sub("GENERATED ALWAYS".len());
    let generated = text.get(cut..).is_some_and(|end| end.eq_ignore_ascii_case("GENERATED ALWAYS"));
    text.get(..if generated { cut } else { text.len() }).unwrap_or(text).trim().to_string()
}

fn push_element(
    table: &mut TableFacts,
    row: &Row,
    column: Option<String>,
    stored: Option<&StoredIndex>,
) -> Result<()> {
    let collation: String = row.get::<Option<String>>(8)?.unwrap_or_default();
    let own = column.as_ref().and_then(|name| table.columns.iter().find(|c| c.name == *name));
    let default = own.and_then(|c| c.collation.as_deref()).unwrap_or("BINARY");
    let differs = !collation.is_empty() && !collation.eq_ignore_ascii_case(default);
    // -2 is an expression, -1 the rowid, which has no name to be indexed by.
    let is_expression = row.get::<i64>(5)? == -2;
    if let Some(index) = table.indexes.last_mut() {
        let written = stored.and_then(|s| s.elements.get(index.elements.len()));
        // A trailing COLLATE is the element's if the index sorts by it; otherwise it is part of
        // the expression.
        let own = |(_, name): &&(String, String)| name.eq_ignore_ascii_case(&collation);
        let collated = written.and_then(|e| e.collated.as_ref()).filter(own);
        let text = collated.map(|(text, _)| text).or(written.map(|e| &e.whole)).cloned();
        index.elements.push(ElementFacts {
            expression: if is_expression { Some(text.unwrap_or_default()) } else { None },
            column: if is_expression { None } else { column.or(Some("rowid".to_string())) },
            descending: row.get::<i64>(7)? == 1,
            collation: (differs && (!is_expression || collated.is_some())).then_some(collation),
            ..ElementFacts::default()
        });
    }
    Ok(())
}

fn settle_table(table: &mut TableFacts, mut stored: StoredTable, key_has_index: bool) {
    let check = |(name, sql)| CheckFacts { name, sql, ..CheckFacts::default() };
    table.checks = stored.checks.drain(..).map(check).collect();
    settle_primary_key(table, &stored, key_has_index);
    for key in &mut table.uniques {
        let same = |s: &StoredKey| same_names(&s.columns, &key.columns);
        let found = stored.uniques.iter().position(same).map(|at| stored.uniques.remove(at));
        key.name = None;
        if let Some(found) = found {
            key_details(key, found);
        }
    }
    // The PRAGMA and the text list the keys in the same order, unless the text was not understood.
    for key in &mut table.foreign_keys {
        let same = |s: &StoredForeignKey| {
            same_names(&s.columns, &key.columns) && s.table.eq_ignore_ascii_case(&key.referred_table)
        };
        if let Some(at) = stored.foreign_keys.iter().position(same) {
            let found = stored.foreign_keys.remove(at);
            key.name = found.name;
            key.deferrable = found.deferrable;
            key.initially_deferred = found.initially_deferred;
            key.match_type = found.match_type.or(key.match_type.take());
        }
    }
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
}

fn same_names(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn key_details(key: &mut KeyFacts, stored: StoredKey) {
    key.name = stored.name;
    if let Some(written) = stored.written {
        key.options.set("sqlite", "columns", written);
    }
    if let Some(action) = stored.on_conflict {
        key.options.set("sqlite", "on_conflict", action);
    }
}

/// The key's name and details, and whether its only column is the rowid, whose values SQLite
/// makes (sqlite.org/lang_createtable.html, 5).
fn settle_primary_key(table: &mut TableFacts, stored: &StoredTable, key_has_index: bool) {
    let has_rowid = table.kind == ObjectKind::Table && !table.options.is_set("sqlite", "without_rowid");
    let Some(key) = &mut table.primary_key else {
        return;
    };
    let written = stored.primary_key.as_ref();
    if let Some(written) = written {
        key.name = written.name.clone();
        if let Some(action) = &written.on_conflict {
            key.options.set("sqlite", "on_conflict", action.as_str());
        }
        if written.inline_desc {
            key.options.set("sqlite", "desc", true);
        }
        if let Some(list) = written.written.as_deref().filter(|_| !written.autoincrement) {
            key.options.set("sqlite", "columns", list);
        }
    }
    let [only] = key.columns.as_slice() else {
        return;
    };
    let Some(column) = table.columns.iter_mut().find(|c| c.name == *only) else {
        return;
    };
    let is_rowid = has_rowid && !key_has_index && column.declared.eq_ignore_ascii_case("INTEGER");
    column.autoincrement = is_rowid;
    if written.is_some_and(|written| written.autoincrement) {
        column.options.set("sqlite", "autoincrement", true);
    }
}
