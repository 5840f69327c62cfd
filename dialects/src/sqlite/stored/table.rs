//! CREATE TABLE as it is stored: what the PRAGMAs do not tell.

use super::tokens::{Kind, Reader, tokens};

/// What a stored CREATE TABLE says beyond the PRAGMAs.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct StoredTable {
    pub(in super::super) columns: Vec<StoredColumn>,
    pub(in super::super) primary_key: Option<StoredKey>,
    pub(in super::super) uniques: Vec<StoredKey>,
    pub(in super::super) checks: Vec<(Option<String>, String)>,
    pub(in super::super) foreign_keys: Vec<StoredForeignKey>,
}

/// A column of a stored CREATE TABLE.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct StoredColumn {
    pub(in super::super) name: String,
    pub(in super::super) computed: Option<String>,
    pub(in super::super) collation: Option<String>,
    pub(in super::super) not_null_conflict: Option<String>,
}

/// A primary key or a unique constraint.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct StoredKey {
    pub(in super::super) name: Option<String>,
    pub(in super::super) columns: Vec<String>,
    /// The list as written, where it says more than the names.
    pub(in super::super) written: Option<String>,
    pub(in super::super) on_conflict: Option<String>,
    /// Written on the column with DESC, which keeps it from being the rowid.
    pub(in super::super) inline_desc: bool,
    /// Written with AUTOINCREMENT.
    pub(in super::super) autoincrement: bool,
}

/// A foreign key.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct StoredForeignKey {
    pub(in super::super) name: Option<String>,
    pub(in super::super) columns: Vec<String>,
    pub(in super::super) table: String,
    pub(in super::super) deferrable: Option<bool>,
    pub(in super::super) initially_deferred: bool,
    pub(in super::super) match_type: Option<String>,
}

/// Reads a stored CREATE TABLE; none for CREATE TABLE AS, virtual tables, and anything else.
pub(in super::super) fn read_table(sql: &str) -> Option<StoredTable> {
    let list = tokens(sql);
    let mut reader = Reader::new(sql, &list);
    if !reader.take_words(&["CREATE"]) {
        return None;
    }
    let _ = reader.take_words(&["TEMP"]) || reader.take_words(&["TEMPORARY"]);
    if !reader.take_words(&["TABLE"]) {
        return None;
    }
    reader.take_words(&["IF", "NOT", "EXISTS"]);
    reader.take_name()?;
    if reader.take_sign('.') {
        reader.take_name()?;
    }
    let (body, _) = reader.take_parens()?;
    let mut table = StoredTable::default();
    for mut item in body.split_commas() {
        if starts_constraint(&item) {
            // SQLite takes table constraints without commas between them.
            while !item.is_done() {
                table_constraint(&mut item, &mut table);
            }
        } else {
            column(&mut item, &mut table);
        }
    }
    Some(table)
}

fn starts_constraint(item: &Reader<'_>) -> bool {
    let begins = |words: &[&str]| item.at_words(words);
    begins(&["CONSTRAINT"])
        || begins(&["PRIMARY", "KEY"])
        || begins(&["FOREIGN", "KEY"])
        || (begins(&["UNIQUE"]) || begins(&["CHECK"])) && item.clone().second_is_paren()
}

impl Reader<'_> {
    fn second_is_paren(mut self) -> bool {
        self.next();
        self.peek().is_some_and(|t| t.kind == Kind::Sign('('))
    }
}

/// One constraint of the table, or one token of something unknown.
fn table_constraint(item: &mut Reader<'_>, table: &mut StoredTable) {
    let name = constraint_name(item);
    if item.take_words(&["PRIMARY", "KEY"]) {
        table.primary_key = Some(key(item, name));
    } else if item.take_words(&["UNIQUE"]) {
        table.uniques.push(key(item, name));
    } else if item.take_words(&["CHECK"]) {
        check(item, name, table);
    } else if item.take_words(&["FOREIGN", "KEY"]) {
        let columns = item.take_parens().map(|(inside, _)| names(inside)).unwrap_or_default();
        if item.take_words(&["REFERENCES"]) {
            table.foreign_keys.push(references(item, name, columns));
        }
    } else {
        item.next();
    }
}

fn constraint_name(item: &mut Reader<'_>) -> Option<String> {
    // The last of several `CONSTRAINT name` in a row holds, as in SQLite's grammar.
    let mut name = None;
    while item.take_words(&["CONSTRAINT"]) {
        name = item.take_name();
    }
    name
}

fn check(item: &mut Reader<'_>, name: Option<String>, table: &mut StoredTable) {
    if let Some((_, text)) = item.take_parens() {
        table.checks.push((name, text.to_string()));
    }
    on_conflict(item);
}

/// The column list of a key, and what follows it.
fn key(item: &mut Reader<'_>, name: Option<String>) -> StoredKey {
    let Some((inside, text)) = item.take_parens() else {
        return StoredKey { name, ..StoredKey::default() };
    };
    let mut parts = inside.clone().split_commas();
    let autoincrement = parts.iter_mut().any(|part| part.take_last_word(&["AUTOINCREMENT"]).is_some());
    let plain = parts.iter().all(|part| part.len() == 1);
    let written = (!plain).then(|| format!("({text})"));
    let (columns, on_conflict) = (names(inside), on_conflict(item));
    StoredKey { name, columns, written, on_conflict, inline_desc: false, autoincrement }
}

/// The first name of each part of a list.
fn names(inside: Reader<'_>) -> Vec<String> {
    inside.split_commas().into_iter().filter_map(|mut part| part.take_name()).collect()
}

fn on_conflict(item: &mut Reader<'_>) -> Option<String> {
    if !item.take_words(&["ON", "CONFLICT"]) {
        return None;
    }
    item.take_name().map(|word| word.to_ascii_uppercase())
}

/// After REFERENCES: the table, its columns, and the clauses in any order.
fn references(item: &mut Reader<'_>, name: Option<String>, columns: Vec<String>) -> StoredForeignKey {
    let mut found = StoredForeignKey { name, columns, ..StoredForeignKey::default() };
    found.table = item.take_name().unwrap_or_default();
    item.take_parens();
    loop {
        if item.at_words(&["ON", "DELETE"]) || item.at_words(&["ON", "UPDATE"]) {
            item.next();
            item.next();
            let two = item.take_words(&["SET", "NULL"])
                || item.take_words(&["SET", "DEFAULT"])
                || item.take_words(&["NO", "ACTION"]);
            if !two {
                item.next();
            }
        } else if item.take_words(&["MATCH"]) {
            found.match_type = item.take_name().map(|word| word.to_ascii_uppercase());
        } else if item.at_words(&["NOT", "DEFERRABLE"]) || item.at_words(&["DEFERRABLE"]) {
            deferral(item, Some(&mut found));
        } else {
            return found;
        }
    }
}

/// `[NOT] DEFERRABLE [INITIALLY ..]`, said of a key.
fn deferral(item: &mut Reader<'_>, key: Option<&mut StoredForeignKey>) {
    let deferrable = !item.take_words(&["NOT"]);
    item.take_words(&["DEFERRABLE"]);
    let deferred = initially(item) && deferrable;
    if let Some(key) = key {
        key.deferrable = Some(deferrable);
        key.initially_deferred = deferred;
    }
}

fn initially(item: &mut Reader<'_>) -> bool {
    if item.take_words(&["INITIALLY", "DEFERRED"]) {
        return true;
    }
    item.take_words(&["INITIALLY", "IMMEDIATE"]);
    false
}

/// A column: its name, its type, and its constraints in any order.
fn column(item: &mut Reader<'_>, table: &mut StoredTable) {
    let Some(name) = item.take_name() else { return };
    let mut column = StoredColumn { name, ..StoredColumn::default() };
    while !item.is_done() {
        let name = constraint_name(item);
        column_constraint(item, name, &mut column, table);
    }
    table.columns.push(column);
}

/// One constraint of a column, or one token of its type.
fn column_constraint(
    item: &mut Reader<'_>,
    name: Option<String>,
    column: &mut StoredColumn,
    table: &mut StoredTable,
) {
    let own = || vec![column.name.clone()];
    if item.take_words(&["PRIMARY", "KEY"]) {
        let inline_desc = item.take_words(&["DESC"]);
        item.take_words(&["ASC"]);
        let (columns, on_conflict) = (own(), on_conflict(item));
        let autoincrement = item.take_words(&["AUTOINCREMENT"]);
        table.primary_key =
            Some(StoredKey { name, columns, written: None, on_conflict, inline_desc, autoincrement });
    } else if item.take_words(&["UNIQUE"]) {
        let on_conflict = on_conflict(item);
        table.uniques.push(StoredKey { name, columns: own(), on_conflict, ..StoredKey::default() });
    } else if item.take_words(&["CHECK"]) {
        check(item, name, table);
    } else if item.take_words(&["REFERENCES"]) {
        let key = references(item, name, own());
        table.foreign_keys.push(key);
    } else if item.at_words(&["NOT", "DEFERRABLE"]) || item.at_words(&["DEFERRABLE"]) {
        // A clause of its own, about the key before it.
        deferral(item, table.foreign_keys.last_mut());
    } else if item.take_words(&["NOT", "NULL"]) {
        column.not_null_conflict = on_conflict(item);
    } else if item.take_words(&["NULL"]) {
        on_conflict(item);
    } else if item.take_words(&["COLLATE"]) {
        column.collation = item.take_name();
    } else if item.take_words(&["DEFAULT"]) {
        default(item);
    } else if item.at_words(&["AS"]) && item.clone().second_is_paren() {
        item.next();
        column.computed = item.take_parens().map(|(_, text)| text.to_string());
    } else {
        // A word of the type, its arguments, or GENERATED ALWAYS.
        if item.take_parens().is_none() {
            item.next();
        }
    }
}

/// The value after DEFAULT, which a PRAGMA tells: it is only skipped.
fn default(item: &mut Reader<'_>) {
    if item.take_parens().is_some() {
        return;
    }
    let _ = item.take_sign('-') || item.take_sign('+');
    item.next();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_and_table_constraints() {
        let table = read_table(
            "CREATE TABLE child (a INT CONSTRAINT cu UNIQUE ON CONFLICT IGNORE, b VARCHAR(10) COLLATE NOCASE CHECK (b <> ')'),
               j INTEGER CONSTRAINT fkj REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED,
               k INT AS (a + 1), l INT GENERATED ALWAYS AS (a * 2) STORED, m TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'CHECK (z)' /* CHECK (1) */,
               CONSTRAINT pk PRIMARY KEY (b, a) CONSTRAINT [brk name] UNIQUE (a COLLATE NOCASE DESC),
               FOREIGN KEY (i) REFERENCES parent MATCH FULL NOT DEFERRABLE)",
        )
        .unwrap();
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "j", "k", "l", "m"]);
        assert_eq!(table.columns[1].collation.as_deref(), Some("NOCASE"));
        assert_eq!(table.columns[3].computed.as_deref(), Some("a + 1"));
        assert_eq!(table.columns[4].computed.as_deref(), Some("a * 2"));
        assert_eq!(table.columns[5].not_null_conflict.as_deref(), Some("REPLACE"));
        assert_eq!(table.checks, [(None, "b <> ')'".to_string())]);
        assert_eq!(table.primary_key.unwrap().columns, ["b", "a"]);
        assert_eq!(table.uniques[0].name.as_deref(), Some("cu"));
        assert_eq!(table.uniques[1].name.as_deref(), Some("brk name"));
        assert_eq!(table.uniques[1].written.as_deref(), Some("(a COLLATE NOCASE DESC)"));
        assert_eq!(table.foreign_keys[0].name.as_deref(), Some("fkj"));
        assert!(table.foreign_keys[0].initially_deferred);
        assert_eq!(table.foreign_keys[1].match_type.as_deref(), Some("FULL"));
        assert_eq!(table.foreign_keys[1].deferrable, Some(false));
    }

    #[test]
    fn names_that_are_words() {
        let table = read_table(
            "create table t(key, action text, check_ int, 'q' INT, \"d\"\"e\" text, unique_ int, [a b] x)",
        )
        .unwrap();
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["key", "action", "check_", "q", "d\"e", "unique_", "a b"]);
        assert!(table.checks.is_empty() && table.uniques.is_empty());
    }

    #[test]
    fn broken_text_does_no_harm() {
        let whole = "CREATE TABLE t (a INT CHECK (a > (1)), b TEXT DEFAULT 'x', UNIQUE (a, b))";
        for (end, _) in whole.char_indices() {
            let _ = read_table(whole.get(..end).unwrap());
        }
        assert_eq!(read_table(""), None);
        assert_eq!(read_table("CREATE TABLE t AS SELECT 1"), None);
        assert_eq!(read_table("CREATE VIRTUAL TABLE t USING fts5(a)"), None);
        let deep = format!("CREATE TABLE t (a CHECK {}1{})", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(read_table(&deep).unwrap().checks.len(), 1);
    }
}
