//! How SQLite spells what others spell otherwise.

use mirrorm_core::dialect::{
    Features, FunctionForm, Grammar, Groupings, IntegerList, Intent, MoreTables, RowsToUpdate,
    TableFunctions, standard,
};
use mirrorm_core::expr::{Field, Form, Holder, JsonAs};
use mirrorm_core::schema::{Autoincrement, ColumnDef, Options, TableDef};
use mirrorm_core::types::Type;
use mirrorm_core::{Result, Value};

pub(super) struct SqliteGrammar;

/// The words of sqlite.org/lang_keywords.html, sorted.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "abort", "action", "add", "after", "all", "alter", "always", "analyze", "and", "as", "asc", "attach",
    "autoincrement", "before", "begin", "between", "by", "cascade", "case", "cast", "check", "collate",
    "column", "commit", "conflict", "constraint", "create", "cross", "current", "current_date",
    "current_time", "current_timestamp", "database", "default", "deferrable", "deferred", "delete",
    "desc", "detach", "distinct", "do", "drop", "each", "else", "end", "escape", "except", "exclude",
    "exclusive", "exists", "explain", "fail", "filter", "first", "following", "for", "foreign", "from",
    "full", "generated", "glob", "group", "groups", "having", "if", "ignore", "immediate", "in", "index",
    "indexed", "initially", "inner", "insert", "instead", "intersect", "into", "is", "isnull", "join",
    "key", "last", "left", "like", "limit", "match", "materialized", "natural", "no", "not", "nothing",
    "notnull", "null", "nulls", "of", "offset", "on", "or", "order", "others", "outer", "over",
    "partition", "plan", "pragma", "preceding", "primary", "query", "raise", "range", "recursive",
    "references", "regexp", "reindex", "release", "rename", "replace", "restrict", "returning", "right",
    "rollback", "row", "rows", "savepoint", "select", "set", "table", "temp", "temporary", "then",
    "ties", "to", "transaction", "trigger", "unbounded", "union", "unique", "update", "using", "vacuum",
    "values", "view", "virtual", "when", "where", "window", "with", "within", "without",
];

/// The longest of the keywords, `current_timestamp`.
const LONGEST: usize = 17;

/// Words that are values rather than names where a name could stand.
const VALUES: &[&str] = &["false", "true"];

impl Grammar for SqliteGrammar {
    fn is_reserved(&self, word: &str) -> bool {
        word.len() <= LONGEST && (KEYWORDS.binary_search(&word).is_ok() || VALUES.contains(&word))
    }

    /// A deferred transaction that turns to writing may find its snapshot old and fail, so writers
    /// say so at once (sqlite.org/lang_transaction.html, 2.2).
    fn begin(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "BEGIN IMMEDIATE",
            Intent::Read | Intent::Deferred => "BEGIN",
        }
    }

    /// OFFSET needs a LIMIT; -1 is none (sqlite.org/lang_select.html, 5).
    fn limit(&self, limit: Option<&str>, offset: Option<&str>, out: &mut String) {
        let limit = limit.or(offset.map(|_| "-1"));
        standard::limit(limit, offset, out);
    }

    /// `IS` compares any two values (sqlite.org/lang_expr.html, "The IS and IS NOT operators").
    fn null_safe(&self) -> (&'static str, Option<&'static str>) {
        ("IS", Some("IS NOT"))
    }

    fn function<'a>(&self, name: &'a str) -> FunctionForm<'a> {
        match name {
            "char_length" => FunctionForm::Call("length"),
            other => standard::function(other),
        }
    }

    /// sqlite.org/lang_upsert.html, 2.2, "Parsing Ambiguity"
    fn conflict_after_where(&self) -> bool {
        true
    }

    /// sqlite.org/vtab.html, 3, "Table-valued functions"
    fn table_functions(&self) -> TableFunctions {
        TableFunctions::Named
    }

    fn groupings(&self) -> Groupings {
        Groupings::None
    }

    fn more_tables(&self) -> MoreTables {
        MoreTables::FromOnly
    }

    /// sqlite.org/lang_datefunc.html, json1.html, lang_aggfunc.html, lang_expr.html (REGEXP), fts5.html
    fn form(&self, form: &Form, _: &Features) -> Option<&'static str> {
        Some(match form {
            Form::Extract(field, _) => extract(*field),
            Form::Div(_) => "<0> / (<1> + 0.0)",
            Form::IntDiv(true) => "<0> / <1>",
            Form::Bits(_) => return standard::form(form),
            Form::IntDiv(false) => "CAST(<0> / <1> AS INTEGER)",
            Form::Regexp(folded) => return super::regexp::form(*folded),
            Form::RegexpReplace => return super::regexp::replace(),
            Form::Words => "<0> MATCH <1>",
            Form::Json(kind, _) => match kind {
                JsonAs::Json => "<0> -> {path}",
                JsonAs::Text => {
                    "CASE json_type({0}, {path}) WHEN 'null' THEN NULL WHEN 'text' THEN json_extract({0}, {path}) \
                     ELSE <0> -> {path} END"
                }
                JsonAs::Integer => {
                    "CASE WHEN json_type({0}, {path}) IN ('integer', 'real') AND json_extract({0}, {path}) \
                     BETWEEN -9223372036854775808 AND 9223372036854775807 \
                     THEN CAST(json_extract({0}, {path}) AS INTEGER) END"
                }
                JsonAs::Float => {
                    "CASE WHEN json_type({0}, {path}) IN ('integer', 'real') \
                     THEN CAST(json_extract({0}, {path}) AS REAL) END"
                }
                JsonAs::Boolean => "CASE json_type({0}, {path}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
            },
            Form::JsonHas(_) => "json_type({0}, {path}) IS NOT NULL",
            Form::JsonHolder(_, Holder::Object) => "json_type({0}, {path}) IS 'object'",
            Form::JsonHolder(_, Holder::Array) => "json_type({0}, {path}) IS 'array'",
            Form::JsonRemove(_) => "json_remove({0}, {path})",
            Form::JsonSet(_) => "json_set({0}, {path}, json({1}))",
            Form::TryCast(ty) => return try_cast(ty),
            Form::JoinTexts => "group_concat({0}, {1}{order})",
            Form::Random => "((random() & 9007199254740991) / 9007199254740992.0)",
            _ => return None,
        })
    }

    /// A dollar begins a reference.
    fn replacement(&self, text: &str) -> String {
        text.replace('$', "$$")
    }

    /// Each word between quotes, one after the other (sqlite.org/fts5.html, 3).
    fn words(&self, words: &str) -> String {
        words.split(' ').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ")
    }

    fn limits_with_ties(&self, _: &Features, _: bool) -> bool {
        false
    }

    fn quantifies(&self) -> bool {
        false
    }

    fn within_group(&self) -> bool {
        false
    }

    /// sqlite.org/releaselog/3_44_0.html
    fn ordered_aggregates(&self, features: &Features) -> bool {
        super::version_number(&features.version) >= (3, 44)
    }

    fn rows_to_update(&self) -> Option<RowsToUpdate> {
        Some(RowsToUpdate::FromValues)
    }

    /// sqlite.org/lang_select.html, 4: members are plain, and ALL is of UNION only.
    fn compounds_in_parentheses(&self) -> bool {
        false
    }

    fn set_operators_of_all(&self) -> bool {
        false
    }

    /// Row values stand in a list of rows (sqlite.org/rowvalue.html, 2.2).
    fn tuple_list(&self) -> &'static str {
        "VALUES "
    }

    /// One text for lists of any length (sqlite.org/json1.html, "The json_each() table-valued
    /// function").
    fn integer_list(&self) -> Option<IntegerList> {
        Some(IntegerList { before: " IN (SELECT value FROM json_each(", after: "))", open: '[', close: ']' })
    }

    fn literal(&self, value: &Value, out: &mut String) -> Result<()> {
        match value {
            Value::Bool(b) => out.push_str(if *b { "1" } else { "0" }),
            other => return standard::literal(other, out),
        }
        Ok(())
    }

    /// Defaults are signed numbers, literals, the CURRENT words and bare names; anything else stands in
    /// parentheses (sqlite.org/lang_createtable.html, 3.2).
    fn default_value(&self, sql: String, _: &Type) -> String {
        let word = sql.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let number = sql.parse::<f64>().is_ok();
        let body = sql.strip_prefix(['x', 'X']).unwrap_or(&sql);
        // A text, or a name in quotes, which SQLite takes for a text here.
        let quoted = |open: char, close: char| {
            let inside = body.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
            inside.is_some_and(|inside| !inside.replace(&format!("{close}{close}"), "").contains(close))
        };
        let literal = quoted('\'', '\'') || quoted('"', '"') || quoted('`', '`') || quoted('[', ']');
        if word || number || literal { sql } else { format!("({sql})") }
    }

    /// AUTOINCREMENT, and a DESC that keeps the key from being the rowid, can be written on the
    /// column alone (sqlite.org/lang_createtable.html, 5).
    fn inline_key(&self, table: &TableDef, column: &ColumnDef, _: bool) -> Option<(String, bool)> {
        let key = table.primary_key().filter(|key| key.columns.len() == 1)?;
        let own =
            key.columns.first().and_then(|at| table.column_at(*at)).is_some_and(|c| c.id() == column.id());
        let always = own && column.autoincrement() == Autoincrement::Always;
        let descending = own && key.options.is_set("sqlite", "desc");
        if !always && !descending {
            return None;
        }
        let mut text = String::new();
        if let Some(name) = &key.name {
            text.push_str("CONSTRAINT ");
            self.quote(name.as_str(), &mut text);
            text.push(' ');
        }
        text.push_str(if descending { "PRIMARY KEY DESC" } else { "PRIMARY KEY" });
        self.constraint_options(&key.options, &mut text);
        text.push_str(if always { " AUTOINCREMENT" } else { "" });
        Some((text, true))
    }

    /// Only a column declared exactly INTEGER is the rowid.
    fn generated_key_type(&self) -> Option<&'static str> {
        Some("INTEGER")
    }

    fn constraint_options(&self, options: &Options, out: &mut String) {
        if let Some(action) = options.text("sqlite", "on_conflict") {
            // One of five words, never text of a user's.
            let known = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"];
            if let Some(word) = known.iter().find(|word| word.eq_ignore_ascii_case(action)) {
                out.push_str(" ON CONFLICT ");
                out.push_str(word);
            }
        }
    }

    fn table_options(&self, table: &TableDef, out: &mut String) {
        let words = [("without_rowid", "WITHOUT ROWID"), ("strict", "STRICT")];
        let set = words.iter().filter(|(option, _)| table.options().is_set("sqlite", option));
        for (i, (_, words)) in set.enumerate() {
            out.push_str(if i == 0 { " " } else { ", " });
            out.push_str(words);
        }
    }

    fn schema_on_index(&self) -> bool {
        true
    }
}

/// A part of a date or time; a week belongs to the year that its Thursday is in.
fn extract(field: Field) -> &'static str {
    match field {
        Field::Year => "CAST(strftime('%Y', {0}) AS INTEGER)",
        Field::Quarter => "((strftime('%m', {0}) + 2) / 3)",
        Field::Month => "CAST(strftime('%m', {0}) AS INTEGER)",
        Field::Week => "((strftime('%j', date({0}, '-3 days', 'weekday 4')) - 1) / 7 + 1)",
        Field::Day => "CAST(strftime('%d', {0}) AS INTEGER)",
        Field::DayOfWeek => "CAST(strftime('%w', {0}) AS INTEGER)",
        Field::DayOfYear => "CAST(strftime('%j', {0}) AS INTEGER)",
        Field::Hour => "CAST(strftime('%H', {0}) AS INTEGER)",
        Field::Minute => "CAST(strftime('%M', {0}) AS INTEGER)",
        Field::Second => "CAST(strftime('%S', {0}) AS INTEGER)",
        Field::Epoch => "CAST(strftime('%s', {0}) AS INTEGER)",
    }
}

/// A text is compared as a number where all of it is one (sqlite.org/datatype3.html, 4.2), and converted to an integer
/// where 64 bits hold it; a date that is none is read as another day.
fn try_cast(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::SmallInteger | Type::Integer | Type::BigInteger => {
            "CASE WHEN length({0}) <= 255 AND {0} NOT GLOB '*[^-+0-9 ]*' AND CAST({0} AS NUMERIC) = <0> AND \
             typeof(CAST({0} AS NUMERIC)) = 'integer' AND CAST({0} AS NUMERIC) BETWEEN {low} AND {high} \
             THEN CAST({0} AS INTEGER) END"
        }
        Type::Double => {
            "CASE WHEN length({0}) <= 255 AND {0} NOT GLOB '*[^-+0-9.eE ]*' AND CAST({0} AS NUMERIC) = <0> AND \
             abs(CAST({0} AS REAL)) < 1.7976931348623157e308 AND \
             (abs(CAST({0} AS REAL)) >= 2.3e-308 OR ltrim({0}, '-+ 0.') NOT GLOB '[1-9]*') THEN CAST({0} AS REAL) END"
        }
        Type::Date => {
            "CASE WHEN trim({0}) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' AND trim({0}) >= '0001' \
             AND date(trim({0})) = trim({0}) THEN trim({0}) END"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
        assert!(SqliteGrammar.is_reserved("select") && !SqliteGrammar.is_reserved("name"));
    }
}
