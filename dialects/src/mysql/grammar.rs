//! How MySQL and MariaDB spell what others spell otherwise.
//!
//! Whatever the server's sql_mode: names stand in backticks, texts together by CONCAT, and text with a
//! backslash in hexadecimal digits (dev.mysql.com/doc/refman/en/sql-mode.html).

use mirrorm_core::dialect::{
    Features, FunctionForm, Grammar, Groupings, Intent, Isolation, MoreTables, RowsToUpdate, TableFunctions,
    Upserts, standard,
};
use mirrorm_core::expr::{Bits, Field, Form, Holder, JsonAs};
use mirrorm_core::schema::{ColumnDef, Index, IndexElement, Options, TableDef};
use mirrorm_core::types::{Class, Type};
use mirrorm_core::value::ValueRef;
use mirrorm_core::{Error, Result, Value};

pub(super) struct MySqlGrammar;

/// The reserved words of both servers (dev.mysql.com/doc/refman/en/keywords.html,
/// mariadb.com/kb/en/reserved-words), sorted.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "accessible", "add", "all", "alter", "analyze", "and", "as", "asc", "asensitive", "before", "between",
    "bigint", "binary", "blob", "both", "by", "call", "cascade", "case", "change", "char", "character",
    "check", "collate", "column", "condition", "constraint", "continue", "convert", "create", "cross",
    "cube", "cume_dist", "current_date", "current_role", "current_time", "current_timestamp",
    "current_user", "cursor", "database", "databases", "day_hour", "day_microsecond", "day_minute",
    "day_second", "dec", "decimal", "declare", "default", "delayed", "delete", "delete_domain_id", "dense_rank",
    "desc", "describe", "deterministic", "distinct", "distinctrow", "div", "do_domain_ids", "double", "drop",
    "dual", "each", "else", "elseif", "empty", "enclosed", "escaped", "except", "exists", "exit",
    "explain", "false", "fetch", "first_value", "float", "float4", "float8", "for", "force", "foreign",
    "from", "fulltext", "function", "general", "generated", "get", "grant", "group", "grouping", "groups",
    "having", "high_priority", "hour_microsecond", "hour_minute", "hour_second", "if", "ignore",
    "ignore_domain_ids", "ignore_server_ids", "in", "index", "infile", "inner", "inout", "insensitive",
    "insert", "int", "int1", "int2", "int3", "int4", "int8", "integer", "intersect", "interval", "into",
    "io_after_gtids", "io_before_gtids", "is", "iterate", "join", "json_table", "key", "keys", "kill",
    "lag", "last_value", "lateral", "lead", "leading", "leave", "left", "library", "like", "limit", "linear",
    "lines", "load", "localtime", "localtimestamp", "lock", "long", "longblob", "longtext", "loop",
    "low_priority", "manual", "master_bind", "master_heartbeat_period", "master_ssl_verify_server_cert", "match",
    "maxvalue", "mediumblob", "mediumint", "mediumtext", "middleint", "minute_microsecond",
    "minute_second", "mod", "modifies", "natural", "not", "no_write_to_binlog", "nth_value", "ntile",
    "null", "numeric", "of", "offset", "on", "optimize", "optimizer_costs", "option", "optionally", "or", "order",
    "out", "outer", "outfile", "over", "page_checksum", "parallel", "parse_vcol_expr", "partition",
    "percent_rank", "position", "precision", "primary", "procedure", "purge", "qualify", "range", "rank", "read",
    "reads", "read_write", "real", "recursive", "references", "ref_system_id", "regexp", "release", "rename",
    "repeat", "replace", "require", "resignal", "restrict", "return", "returning", "revoke", "right",
    "rlike", "row", "row_number", "rownum", "rows", "schema", "schemas", "second_microsecond", "select",
    "sensitive", "separator", "set", "show", "signal", "slow", "smallint", "spatial", "specific", "sql",
    "sqlexception", "sqlstate", "sqlwarning", "sql_big_result", "sql_calc_found_rows",
    "sql_small_result", "ssl", "starting", "stats_auto_recalc", "stats_persistent",
    "stats_sample_pages", "stored", "straight_join", "system", "table", "tablesample", "terminated", "then", "tinyblob",
    "tinyint", "tinytext", "to", "trailing", "trigger", "true", "undo", "union", "unique", "unlock",
    "unsigned", "update", "usage", "use", "using", "utc_date", "utc_time", "utc_timestamp", "values",
    "varbinary", "varchar", "varcharacter", "varying", "virtual", "when", "where", "while", "window",
    "with", "write", "xor", "year_month", "zerofill",
];

impl Grammar for MySqlGrammar {
    fn quote(&self, name: &str, out: &mut String) {
        standard::quote(name, '`', out);
    }

    fn is_reserved(&self, word: &str) -> bool {
        RESERVED.contains(&word)
    }

    fn begin(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Read => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            Intent::Write | Intent::Deferred => "START TRANSACTION",
        }
    }

    /// The level of the next transaction alone, said before it begins
    /// (dev.mysql.com/doc/refman/en/set-transaction.html).
    fn begin_at(&self, intent: Intent, level: Isolation) -> Vec<String> {
        vec![format!("SET TRANSACTION ISOLATION LEVEL {level}"), self.begin(intent).to_string()]
    }

    /// OFFSET needs a LIMIT, as large as the manual says (dev.mysql.com/doc/refman/en/select.html).
    fn limit(&self, limit: Option<&str>, offset: Option<&str>, out: &mut String) {
        let limit = limit.or(offset.map(|_| "18446744073709551615"));
        standard::limit(limit, offset, out);
    }

    fn null_safe(&self) -> (&'static str, Option<&'static str>) {
        ("<=>", None)
    }

    fn concat(&self) -> Option<&'static str> {
        Some("CONCAT")
    }

    /// The time with the six digits that columns of ours keep.
    fn function<'a>(&self, name: &'a str) -> FunctionForm<'a> {
        match name {
            "now" | "current_timestamp" => FunctionForm::Word("CURRENT_TIMESTAMP(6)"),
            "current_time" => FunctionForm::Word("CURRENT_TIME(6)"),
            other => standard::function(other),
        }
    }

    /// dev.mysql.com/doc/refman/en/date-and-time-functions.html, arithmetic-functions.html, regexp.html,
    /// fulltext-boolean.html, json-search-functions.html, aggregate-functions.html. Letters are told apart or folded by a
    /// flag in the expression, which both servers know.
    fn form(&self, form: &Form, features: &Features) -> Option<&'static str> {
        Some(match form {
            Form::Extract(field, _) => match field {
                Field::Year => "EXTRACT(YEAR FROM {0})",
                Field::Quarter => "EXTRACT(QUARTER FROM {0})",
                Field::Month => "EXTRACT(MONTH FROM {0})",
                Field::Week => "WEEK({0}, 3)",
                Field::Day => "EXTRACT(DAY FROM {0})",
                Field::DayOfWeek => "(DAYOFWEEK({0}) - 1)",
                Field::DayOfYear => "DAYOFYEAR({0})",
                Field::Hour => "EXTRACT(HOUR FROM {0})",
                Field::Minute => "EXTRACT(MINUTE FROM {0})",
                Field::Second => "EXTRACT(SECOND FROM {0})",
                Field::Epoch => {
                    "CAST(FLOOR(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {0}) / 1000000) AS SIGNED)"
                }
            },
            Form::Div(true) => "<0> / <1>",
            Form::Div(false) => "CAST({0} AS DOUBLE) / <1>",
            Form::IntDiv(_) => "<0> DIV <1>",
            // Numbers of bits are without a sign there.
            Form::Bits(bits) => match bits {
                Bits::And => "CAST(<0> & <1> AS SIGNED)",
                Bits::Or => "CAST(<0> | <1> AS SIGNED)",
                Bits::Xor => "CAST(<0> ^ <1> AS SIGNED)",
                Bits::Not => "CAST(~<0> AS SIGNED)",
                Bits::Left => "CAST(<0> << <1> AS SIGNED)",
                Bits::Right => "CAST(CASE WHEN <0> < 0 THEN ~(~<0> >> <1>) ELSE <0> >> <1> END AS SIGNED)",
            },
            Form::Regexp(false) => "<0> REGEXP CONCAT('(?s-i)', {1})",
            Form::Regexp(true) => "<0> REGEXP CONCAT('(?si)', {1})",
            Form::RegexpReplace => "REGEXP_REPLACE({0}, CONCAT('(?s-i)', {1}), {2})",
            Form::Words => "MATCH ({0}) AGAINST ({1} IN BOOLEAN MODE) > 0",
            Form::Json(kind, _) => match kind {
                JsonAs::Json => "JSON_EXTRACT({0}, {path})",
                JsonAs::Text => {
                    "CASE JSON_TYPE(JSON_EXTRACT({0}, {path})) WHEN 'NULL' THEN NULL \
                     ELSE JSON_UNQUOTE(JSON_EXTRACT({0}, {path})) END"
                }
                // What 64 bits do not hold is NULL, as what is no number; above is the next double below 2^63.
                JsonAs::Integer => {
                    "CASE WHEN JSON_TYPE(JSON_EXTRACT({0}, {path})) IN ('INTEGER', 'UNSIGNED INTEGER') THEN \
                     CASE WHEN CAST(JSON_UNQUOTE(JSON_EXTRACT({0}, {path})) AS DECIMAL(65, 0)) \
                     BETWEEN -9223372036854775808 AND 9223372036854775807 \
                     THEN CAST(JSON_EXTRACT({0}, {path}) AS SIGNED) END \
                     WHEN JSON_TYPE(JSON_EXTRACT({0}, {path})) IN ('DOUBLE', 'DECIMAL') THEN \
                     CASE WHEN JSON_EXTRACT({0}, {path}) + 0e0 BETWEEN -9223372036854775808e0 AND 9223372036854774784e0 \
                     THEN CAST(TRUNCATE(JSON_EXTRACT({0}, {path}) + 0e0, 0) AS SIGNED) END END"
                }
                JsonAs::Float => {
                    "CASE WHEN JSON_TYPE(JSON_EXTRACT({0}, {path})) IN \
                     ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') \
                     THEN CAST(JSON_EXTRACT({0}, {path}) AS DOUBLE) END"
                }
                JsonAs::Boolean => {
                    "CASE WHEN JSON_TYPE(JSON_EXTRACT({0}, {path})) = 'BOOLEAN' \
                     THEN JSON_UNQUOTE(JSON_EXTRACT({0}, {path})) = 'true' END"
                }
            },
            Form::JsonHas(_) => "JSON_EXTRACT({0}, {path}) IS NOT NULL",
            Form::JsonHolder(_, Holder::Object) => "JSON_TYPE(JSON_EXTRACT({0}, {path})) = 'OBJECT'",
            Form::JsonHolder(_, Holder::Array) => "JSON_TYPE(JSON_EXTRACT({0}, {path})) = 'ARRAY'",
            Form::JsonRemove(_) => "JSON_REMOVE({0}, {path})",
            Form::JsonSet(_) => "JSON_SET({0}, {path}, JSON_EXTRACT({1}, '$'))",
            Form::TryCast(ty) => return try_cast(ty),
            Form::JsonContains => "JSON_CONTAINS({0}, {1})",
            Form::JoinTexts => "GROUP_CONCAT({0}{order} SEPARATOR {hex1})",
            Form::NextValue(_) if super::is_mariadb(&features.version) => "NEXT VALUE FOR {name}",
            Form::Random => "RAND()",
            _ => return None,
        })
    }

    /// mariadb.com/kb/en/select-offset-fetch; MySQL has none. With an offset MariaDB (11.8) leaves rows out that are equal
    /// to the last.
    fn limits_with_ties(&self, features: &Features, offset: bool) -> bool {
        super::is_mariadb(&features.version) && !offset
    }

    fn limits_writes(&self) -> bool {
        true
    }

    fn index_if_not_exists(&self, features: &Features) -> bool {
        super::is_mariadb(&features.version)
    }

    /// A position in what is no array means all of it (dev.mysql.com/doc/refman/en/json.html, "JSON Path Syntax").
    fn json_positions_anywhere(&self) -> bool {
        true
    }

    /// MariaDB has no JSON to cast to.
    fn casts_null(&self, ty: &Type) -> bool {
        ty.class() != Class::Json
    }

    /// A parameter beside nothing is a text or a double to the server, whatever is sent.
    fn typed_as(&self, value: ValueRef<'_>) -> Option<&'static str> {
        match value {
            ValueRef::Int(_) => Some("SIGNED"),
            ValueRef::Float(_) => Some("DOUBLE"),
            ValueRef::Bytes(_) => Some("BINARY"),
            _ => None,
        }
    }

    /// dev.mysql.com/doc/refman/en/identifier-length.html
    fn length_of_name(&self, name: &str) -> usize {
        name.chars().count()
    }

    fn longest_label(&self, _: &Features) -> usize {
        256
    }

    fn orders_any_aggregate(&self) -> bool {
        false
    }

    fn within_group(&self) -> bool {
        false
    }

    /// Backslashes and dollars begin references (dev.mysql.com/doc/refman/en/regexp.html, mariadb.com/kb/en/pcre).
    fn replacement(&self, text: &str) -> String {
        text.replace('\\', "\\\\").replace('$', "\\$")
    }

    /// Beside a decimal a parameter would make doubles of both on MariaDB.
    fn literal_beside_decimals(&self) -> bool {
        true
    }

    /// `+` before each word that there has to be.
    fn words(&self, words: &str) -> String {
        words.split(' ').map(|word| format!("+{word}")).collect::<Vec<_>>().join(" ")
    }

    fn literal(&self, value: &Value, out: &mut String) -> Result<()> {
        match value {
            Value::Text(text) if text.contains('\\') => literal_of_bytes(text, out),
            Value::Json(json) if json.as_str().contains('\\') => literal_of_bytes(json.as_str(), out),
            Value::Timestamp(_) => {
                return Err(Error::conversion("an instant has no literal form in mysql"));
            }
            other => return standard::literal(other, out),
        }
        Ok(())
    }

    /// dev.mysql.com/doc/refman/en/working-with-null.html: NULL comes first, descending last.
    fn nulls_order(&self) -> bool {
        false
    }

    /// dev.mysql.com/doc/refman/en/subquery-restrictions.html
    fn limits_in_lists(&self) -> bool {
        false
    }

    /// dev.mysql.com/doc/refman/en/select.html
    fn limits_by_expressions(&self) -> bool {
        false
    }

    fn aggregate_filter(&self) -> bool {
        false
    }

    /// dev.mysql.com/doc/refman/en/window-functions-frames.html
    fn frames_of_groups(&self) -> bool {
        false
    }

    fn rows_to_update(&self) -> Option<RowsToUpdate> {
        Some(RowsToUpdate::JoinSelects)
    }

    /// Types that hold every value of a column, whatever its length: a conversion cuts without a word.
    fn row_item(&self, column: &ColumnDef) -> Option<&'static str> {
        Some(match column.base_type().whole() {
            Type::Boolean | Type::SmallInteger | Type::Integer | Type::BigInteger => "SIGNED",
            Type::Double => "DOUBLE",
            Type::Numeric(Some(p), s) if p - s.unwrap_or(0).unsigned_abs().min(*p) <= 35 => "DECIMAL(65, 30)",
            Type::Numeric(None, _) => "DECIMAL(65, 30)",
            Type::Varchar(_)
            | Type::Char(_)
            | Type::Text
            | Type::Enum(_)
            | Type::Json
            | Type::Uuid
            | Type::Interval => "CHAR",
            Type::Binary(_) => "BINARY",
            Type::Date => "DATE",
            Type::Time => "TIME(6)",
            Type::DateTime | Type::Timestamp => "DATETIME(6)",
            _ => return None,
        })
    }

    /// A table of ours holds any text, whatever the database's own character set, unless its options
    /// say otherwise (dev.mysql.com/doc/refman/en/create-table.html, "Table Options").
    fn table_options(&self, table: &TableDef, out: &mut String) {
        let plain = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let option = |name: &str| table.options().text(OWN, name).filter(plain);
        if let Some(engine) = option("engine") {
            out.push_str(&format!(" ENGINE={engine}"));
        }
        match (option("charset"), option("collation")) {
            (None, Some(collation)) => out.push_str(&format!(" COLLATE={collation}")),
            (charset, collation) => {
                out.push_str(&format!(" CHARACTER SET={}", charset.unwrap_or("utf8mb4")));
                collation.iter().for_each(|name| out.push_str(&format!(" COLLATE={name}")));
            }
        }
        more_table_options(table, out);
    }

    fn view_words(&self, view: &TableDef) -> (&'static str, String) {
        let options = view.options();
        let before = match options.text(OWN, "security") {
            Some("INVOKER") => "SQL SECURITY INVOKER ",
            _ => "",
        };
        let check = options.text(OWN, "check_option").filter(|word| ["LOCAL", "CASCADED"].contains(word));
        (before, check.map_or(String::new(), |word| format!(" WITH {word} CHECK OPTION")))
    }

    /// The comment too, which stands where the thing stands.
    fn column_options(&self, column: &ColumnDef, out: &mut String) {
        let options = column.options();
        if let Some(sql) = options.text(OWN, "on_update") {
            out.push_str(&format!(" ON UPDATE {sql}"));
        }
        if options.is_set(OWN, "invisible") {
            out.push_str(" INVISIBLE");
        }
        if options.is_set(OWN, "without_versioning") {
            out.push_str(" WITHOUT SYSTEM VERSIONING");
        }
        comment(column.comment(), " COMMENT ", out);
        if let Some(Value::Int(srid)) = options.get(OWN, "srid") {
            out.push_str(&format!(" SRID {srid}"));
        }
    }

    fn constraint_options(&self, options: &Options, out: &mut String) {
        if options.is_set(OWN, "not_enforced") {
            out.push_str(" NOT ENFORCED");
        }
    }

    fn index_words(&self, index: &Index) -> &'static str {
        match index.options().text(OWN, "using") {
            Some("FULLTEXT") => "FULLTEXT ",
            Some("SPATIAL") => "SPATIAL ",
            _ => "",
        }
    }

    fn wraps_index_expressions(&self) -> bool {
        true
    }

    fn index_element(&self, element: &IndexElement, out: &mut String) {
        if let Some(length) = element.prefix_length() {
            out.push_str(&format!("({length})"));
        }
        if element.is_descending() {
            out.push_str(" DESC");
        }
    }

    fn index_options(&self, index: &Index, out: &mut String) {
        if index.options().text(OWN, "using") == Some("HASH") {
            out.push_str(" USING HASH");
        }
        comment(index.options().text(OWN, "comment"), " COMMENT ", out);
        if index.options().is_set(OWN, "invisible") {
            out.push_str(" INVISIBLE");
        }
    }

    fn upserts(&self) -> Upserts {
        Upserts::OnDuplicateKey
    }

    /// dev.mysql.com/doc/refman/en/information-functions.html, LAST_INSERT_ID
    fn tells_updated_key(&self) -> Option<&'static str> {
        Some("LAST_INSERT_ID")
    }

    fn table_functions(&self) -> TableFunctions {
        TableFunctions::None
    }

    /// dev.mysql.com/doc/refman/en/group-by-modifiers.html
    fn groupings(&self) -> Groupings {
        Groupings::WithRollup
    }

    fn more_tables(&self) -> MoreTables {
        MoreTables::Listed
    }

    /// dev.mysql.com/doc/refman/en/update.html
    fn sets_in_order(&self) -> bool {
        true
    }

    fn empty_insert(&self) -> &'static str {
        "() VALUES ()"
    }

    /// An expression stands in parentheses, but for the current time; so does every default of a type
    /// that takes no other. The current time has as many digits as the column
    /// (dev.mysql.com/doc/refman/en/data-type-defaults.html, timestamp-initialization.html).
    fn default_value(&self, sql: String, ty: &Type) -> String {
        let upper = sql.to_ascii_uppercase();
        if let ("CURRENT_TIMESTAMP(6)", Type::Digits(_, digits)) = (upper.as_str(), ty) {
            return format!("CURRENT_TIMESTAMP({digits})");
        }
        if upper == "NULL" || upper.starts_with("CURRENT_TIMESTAMP") {
            return sql;
        }
        let large = matches!(ty.class(), Class::Json) || matches!(ty, Type::Text | Type::Binary(None));
        let body = sql.strip_prefix(['x', 'X', 'b', 'B']).unwrap_or(&sql);
        let inside = body.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let text = inside.is_some_and(|inside| !inside.replace("''", "").contains('\''));
        let literal = text || sql.parse::<f64>().is_ok() || upper == "TRUE" || upper == "FALSE";
        if large || !literal { format!("({sql})") } else { sql }
    }

    /// A column with a default has its values from there.
    fn inline_key(&self, _: &TableDef, column: &ColumnDef, generated: bool) -> Option<(String, bool)> {
        (generated && column.server_default().is_none()).then(|| ("AUTO_INCREMENT".to_string(), false))
    }
}

/// The dialect's name in options.
const OWN: &str = "mysql";

/// A text with a backslash, which is an escape or none by the server's sql_mode; and as a literal of its own MySQL
/// keeps it in a form that it cannot read again.
fn literal_of_bytes(text: &str, out: &mut String) {
    let bytes = Value::Bytes(text.as_bytes().to_vec());
    out.push_str(&format!("CONVERT({bytes} USING utf8mb4)"));
}

/// A comment, which takes nothing but a text between apostrophes. A backslash in it stands twice, as every
/// sql_mode but NO_BACKSLASH_ESCAPES wants it.
fn comment(text: Option<&str>, before: &str, out: &mut String) {
    let Some(text) = text else { return };
    out.push_str(before);
    standard::quote_text(&text.replace('\\', "\\\\"), out);
}

/// The comment, what else was said when the table was made, and partitions.
fn more_table_options(table: &TableDef, out: &mut String) {
    let options = table.options();
    comment(table.comment(), " COMMENT=", out);
    let plain = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_=- \"".contains(&b));
    if let Some(created) = options.text(OWN, "create_options").filter(plain) {
        out.push(' ');
        out.push_str(created);
    }
    if options.is_set(OWN, "system_versioned") {
        out.push_str(" WITH SYSTEM VERSIONING");
    }
    if let Some(by) = options.text(OWN, "partition_by") {
        out.push_str(&format!(" PARTITION BY {by} ({})", options.list(OWN, "partitions").join(", ")));
    }
}

/// What converts is looked at before: the rest would be an error where rows are written, and 0 elsewhere. `$` would pass over
/// the end of a line.
fn try_cast(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::SmallInteger | Type::Integer | Type::BigInteger => {
            "CASE WHEN CHAR_LENGTH({0}) <= 255 AND {0} REGEXP '(?s)^ *[-+]?0*[0-9]{1,19} *(?!.)' THEN CASE WHEN CAST(TRIM({0}) AS DECIMAL(65, 0)) \
             BETWEEN {low} AND {high} THEN CAST(TRIM({0}) AS SIGNED) END END"
        }
        Type::Double => {
            "CASE WHEN CHAR_LENGTH({0}) <= 255 AND \
             {0} REGEXP '(?s)^ *[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,3})? *(?!.)' THEN \
             CASE WHEN ABS(CAST(TRIM({0}) AS DOUBLE)) < 1.7976931348623157e308 AND \
             (ABS(CAST(TRIM({0}) AS DOUBLE)) >= 2.3e-308 OR {0} NOT REGEXP '^[-+ 0.]*[1-9]') THEN CAST(TRIM({0}) AS DOUBLE) END END"
        }
        Type::Date => {
            "CASE WHEN {0} REGEXP '(?s)^ *[0-9]{4,4}-(0[1-9]|1[0-2])-[0-9]{2,2} *(?!.)' AND TRIM({0}) >= '0001' THEN \
             CASE WHEN SUBSTR(TRIM({0}), 9) BETWEEN '01' AND DAY(LAST_DAY(CONCAT(SUBSTR(TRIM({0}), 1, 8), '01'))) \
             THEN CAST(TRIM({0}) AS DATE) END END"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_in_parentheses() {
        let needs =
            |sql: &str, ty: Type| MySqlGrammar.default_value(sql.to_string(), &ty) == format!("({sql})");
        assert!(
            !needs("'it''s'", Type::Varchar(10))
                && !needs("-1.5", Type::Double)
                && !needs("NULL", Type::Text)
        );
        assert!(!needs("CURRENT_TIMESTAMP(6)", Type::DateTime));
        assert!(
            needs("uuid()", Type::Char(36))
                && needs("'x'", Type::Text)
                && needs("'a' || 'b'", Type::Varchar(3))
        );
    }

    #[test]
    fn backslashes_are_no_escapes() {
        let mut sql = String::new();
        MySqlGrammar.literal(&"a\\'".into(), &mut sql).unwrap();
        assert_eq!(sql, "CONVERT(x'615c27' USING utf8mb4)");
    }
}
