//! How PostgreSQL spells what others spell otherwise.

use mirrorm_core::dialect::{
    Around, ArrayOf, Features, FunctionForm, Grammar, IntegerList, Intent, Isolation, TypeMap, standard,
};
use mirrorm_core::expr::{Bits, Field, Form, Holder, JsonAs, PathTest};
use mirrorm_core::schema::{ColumnDef, Index, IndexElement, Options, TableDef};
use mirrorm_core::types::{Class, Type};
use mirrorm_core::value::ValueRef;
use mirrorm_core::{Result, Value};

use super::encode;
use super::types::PostgresTypes;

pub(super) struct PostgresGrammar;

/// The reserved words of the manual's appendix C, those that are reserved for names of functions and
/// types among them; sorted.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check",
    "coalesce", "collate", "collation", "column", "concurrently", "constraint", "create", "cross",
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc", "distinct",
    "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for", "foreign",
    "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike", "in",
    "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull",
    "join", "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg",
    "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading",
    "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national",
    "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset",
    "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position",
    "precision", "primary", "real", "references", "returning", "right", "row", "select", "session_user",
    "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user", "table",
    "tablesample", "then", "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union",
    "unique", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where", "window",
    "with", "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces",
    "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

impl Grammar for PostgresGrammar {
    fn is_reserved(&self, word: &str) -> bool {
        RESERVED.binary_search(&word).is_ok()
    }

    fn placeholder(&self, n: usize, out: &mut String) {
        out.push('$');
        out.push_str(&n.to_string());
    }

    /// The server infers a parameter's type from what it stands beside. Where that is nothing, or of
    /// another kind, the value says what it is; an integer is as small as it fits, as literals are
    /// (manual, 4.1.2.6), so that it finds the functions that take one.
    fn bind_type(&self, value: ValueRef<'_>, beside: Option<&Type>) -> Option<&'static str> {
        let class = beside.map(Type::class);
        let small = |n: i64| i32::try_from(n).is_ok();
        Some(match value {
            ValueRef::Int(n) => match beside {
                Some(Type::BigInteger) => return None,
                Some(Type::Integer) if small(n) => return None,
                Some(Type::SmallInteger) if i16::try_from(n).is_ok() => return None,
                _ if small(n) => "integer",
                _ => "bigint",
            },
            ValueRef::Bool(_) if class != Some(Class::Bool) => "boolean",
            ValueRef::Float(_) if class != Some(Class::Float) => "double precision",
            ValueRef::Text(_) if beside.is_none() => "text",
            ValueRef::Bytes(_) if class != Some(Class::Bytes) => "bytea",
            ValueRef::Rich(rich) => match (rich, class) {
                (Value::Decimal(_), class) if class != Some(Class::Decimal) => "numeric",
                (Value::Date(_), class) if class != Some(Class::Date) => "date",
                (Value::Time(_), class) if class != Some(Class::Time) => "time",
                (Value::DateTime(_), class) if class != Some(Class::DateTime) => "timestamp",
                (Value::Timestamp(_), class) if class != Some(Class::Timestamp) => "timestamptz",
                (Value::Interval(_), class) if class != Some(Class::Interval) => "interval",
                (Value::Uuid(_), class) if class != Some(Class::Uuid) => "uuid",
                (Value::Json(_), class) if class != Some(Class::Json) => "jsonb",
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What only reads sees one state of the database (manual, 13.2.2).
    fn begin(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Intent::Write | Intent::Deferred => "BEGIN",
        }
    }

    fn begin_at(&self, intent: Intent, level: Isolation) -> Vec<String> {
        let access = if intent == Intent::Read { " READ ONLY" } else { "" };
        vec![format!("BEGIN ISOLATION LEVEL {level}{access}")]
    }

    fn folds_names(&self) -> bool {
        false
    }

    /// As documents that are sent.
    fn null_as(&self, ty: &Type) -> Option<&'static str> {
        (ty.class() == Class::Json).then_some("jsonb")
    }

    fn casts_null(&self, _: &Type) -> bool {
        true
    }

    /// Manual, 9.25, "Row and Array Comparisons".
    fn array_membership(&self, ty: Option<&Type>) -> Option<(Around, Around)> {
        // Whole numbers may be larger than the column's are.
        Some(match ty.map(Type::class) {
            Some(Class::Int) => ((" = ANY (CAST(", " AS bigint[]))"), (" <> ALL (CAST(", " AS bigint[]))")),
            _ => ((" = ANY (", ")"), (" <> ALL (", ")")),
        })
    }

    /// Manual, SELECT, "DISTINCT Clause".
    fn distinct_on(&self) -> bool {
        true
    }

    fn ilike(&self) -> Option<(&'static str, &'static str)> {
        Some(("ILIKE", "NOT ILIKE"))
    }

    fn function<'a>(&self, name: &'a str) -> FunctionForm<'a> {
        match name {
            "now" => FunctionForm::Call("now"),
            other => standard::function(other),
        }
    }

    /// Manual, 9.3 (division), 9.7.3 (regular expressions), 9.9.1 (EXTRACT), 9.13 (text search), 9.16 (JSON), 9.21.
    fn form(&self, form: &Form, _: &Features) -> Option<&'static str> {
        Some(match form {
            Form::Extract(field, instant) => extract(*field, *instant),
            Form::IntDiv(false) => "CAST(trunc(CAST({0} AS numeric) / CAST({1} AS numeric)) AS bigint)",
            Form::Bits(bits) => match bits {
                Bits::And => "CAST({0} AS bigint) & CAST({1} AS bigint)",
                Bits::Or => "CAST({0} AS bigint) | CAST({1} AS bigint)",
                Bits::Xor => "CAST({0} AS bigint) # CAST({1} AS bigint)",
                Bits::Not => "~CAST({0} AS bigint)",
                Bits::Left => "CAST({0} AS bigint) << CAST({1} AS integer)",
                Bits::Right => "CAST({0} AS bigint) >> CAST({1} AS integer)",
            },
            Form::Regexp(false) => "<0> ~ <1>",
            Form::Regexp(true) => "<0> ~* <1>",
            Form::RegexpReplace => "regexp_replace({0}, {1}, {2}, 'g')",
            Form::Words => "to_tsvector({0}) @@ plainto_tsquery({1})",
            Form::Json(kind, _) => match kind {
                JsonAs::Json => "CAST({0} AS jsonb){path}",
                JsonAs::Text => "CAST({0} AS jsonb){path} #>> '{}'",
                // What 64 bits do not hold is NULL, as what is no number.
                JsonAs::Integer => {
                    "CASE WHEN jsonb_typeof(CAST({0} AS jsonb){path}) = 'number' THEN \
                     CASE WHEN CAST(CAST({0} AS jsonb){path} AS numeric) \
                     BETWEEN -9223372036854775808 AND 9223372036854775807 \
                     THEN CAST(trunc(CAST(CAST({0} AS jsonb){path} AS numeric)) AS bigint) END END"
                }
                JsonAs::Float => {
                    "CASE WHEN jsonb_typeof(CAST({0} AS jsonb){path}) = 'number' \
                     THEN CAST(CAST({0} AS jsonb){path} AS double precision) END"
                }
                JsonAs::Boolean => {
                    "CASE WHEN jsonb_typeof(CAST({0} AS jsonb){path}) = 'boolean' \
                     THEN CAST(CAST({0} AS jsonb){path} AS boolean) END"
                }
            },
            Form::JsonHas(_) => "CAST({0} AS jsonb){path} IS NOT NULL",
            Form::JsonHolder(_, Holder::Object) => "jsonb_typeof(CAST({0} AS jsonb){path}) = 'object'",
            Form::JsonHolder(_, Holder::Array) => "jsonb_typeof(CAST({0} AS jsonb){path}) = 'array'",
            Form::JsonRemove(_) => "CAST({0} AS jsonb) #- {keys}",
            Form::JsonSet(_) => "jsonb_set(CAST({0} AS jsonb), {keys}, coalesce(CAST({1} AS jsonb), 'null'))",
            Form::JsonConcat => "CAST({0} AS jsonb) || CAST({1} AS jsonb)",
            Form::JsonPathTest(PathTest::Exists) => "CAST({0} AS jsonb) @? CAST({1} AS jsonpath)",
            Form::JsonPathTest(PathTest::Match) => "CAST({0} AS jsonb) @@ CAST({1} AS jsonpath)",
            Form::TryCast(ty) => return try_cast(ty),
            Form::JsonContains => "CAST({0} AS jsonb) @> CAST({1} AS jsonb)",
            Form::JoinTexts => "string_agg({0}, {1}{order})",
            Form::NextValue(_) => "nextval({text})",
            Form::Random => "random()",
            other => return standard::form(other),
        })
    }

    /// Position 0 of what is no array is all of it (manual, 9.16.1).
    fn json_positions_anywhere(&self) -> bool {
        true
    }

    /// Manual, 4.2.8.
    fn frames_of_intervals(&self) -> bool {
        true
    }

    fn compares_json(&self) -> bool {
        true
    }

    /// A backslash begins a reference (manual, 9.7.3).
    fn replacement(&self, text: &str) -> String {
        text.replace('\\', "\\\\")
    }

    fn json_step(&self) -> Option<&'static str> {
        Some(" -> ")
    }

    fn literal(&self, value: &Value, out: &mut String) -> Result<()> {
        match value {
            Value::Bytes(_) | Value::Array(_) => {
                standard::quote_text(&encode::text_of(value.as_ref())?, out);
            }
            Value::Float(x) if !x.is_finite() => standard::quote_text(&encode::float_text(*x), out),
            Value::Decimal(d) if !d.is_finite() => standard::quote_text(d.as_str(), out),
            // Right whatever standard_conforming_strings says (manual, 4.1.2.2).
            Value::Text(text) if text.contains('\\') && !text.contains('\0') => {
                out.push_str(" E");
                standard::quote_text(&text.replace('\\', "\\\\"), out);
            }
            other => return standard::literal(other, out),
        }
        Ok(())
    }

    /// Numbers, text and bytes travel as themselves; all else as text that is converted, without the
    /// length that a conversion would cut to and storing checks. Bits have no form without a length.
    fn array_of(&self, column: &ColumnDef) -> Option<ArrayOf> {
        let plain = |item| Some(ArrayOf { item, cast: None });
        match column.base_type() {
            Type::SmallInteger | Type::Integer | Type::BigInteger => plain("bigint"),
            Type::Boolean => plain("boolean"),
            Type::Float | Type::Double => plain("double precision"),
            Type::Varchar(_) | Type::Char(_) | Type::Text => plain("text"),
            Type::Binary(_) => plain("bytea"),
            ty => {
                let name = match column.declared_as("postgresql") {
                    Some(declared) => declared.to_string(),
                    None => PostgresTypes.ddl(&ty).ok()?,
                };
                let cast = without_lengths(&name);
                let of_length = ["bit", "character", "char", "\"char\""];
                let item = cast.trim_end_matches("[]");
                // Text becomes one of these by its name alone, not by its number.
                let fits = !of_length.contains(&item) && !item.starts_with("reg");
                fits.then_some(ArrayOf { item: "text", cast: Some(cast) })
            }
        }
    }

    fn integer_list(&self) -> Option<IntegerList> {
        Some(IntegerList { before: " = ANY(CAST(", after: " AS bigint[]))", open: '{', close: '}' })
    }

    /// A column whose default is a sequence has its keys from there.
    fn inline_key(&self, _: &TableDef, column: &ColumnDef, generated: bool) -> Option<(String, bool)> {
        if let Some(numbers) = column.identity() {
            let when = if numbers.always { "ALWAYS" } else { "BY DEFAULT" };
            return Some((format!("GENERATED {when} AS IDENTITY ({})", numbers.to_sql()), false));
        }
        let identity = generated && column.server_default().is_none();
        identity.then(|| ("GENERATED BY DEFAULT AS IDENTITY".to_string(), false))
    }

    fn table_words(&self, table: &TableDef) -> &'static str {
        if table.options().is_set(OWN, "unlogged") { "UNLOGGED " } else { "" }
    }

    fn whole_table(&self, table: &TableDef) -> Option<String> {
        table.options().text(OWN, "partition_of").map(|parent| format!("PARTITION OF {parent}"))
    }

    /// In the order of the manual's CREATE TABLE; expressions and names in it are the server's own words.
    fn table_options(&self, table: &TableDef, out: &mut String) {
        let options = table.options();
        if let Some(bound) = options.text(OWN, "bound") {
            out.push_str(&format!(" {bound}"));
        }
        let parents = options.list(OWN, "inherits");
        if !parents.is_empty() {
            // Without a column of its own it still has its parentheses.
            if !out.ends_with(')') {
                out.push_str(" ()");
            }
            out.push_str(&format!(" INHERITS ({})", parents.join(", ")));
        } else if !out.ends_with(')') && options.text(OWN, "partition_of").is_none() {
            out.push_str(" ()");
        }
        if let Some(by) = options.text(OWN, "partition_by") {
            out.push_str(&format!(" PARTITION BY {by}"));
        }
        if let Some(method) = options.text(OWN, "using") {
            out.push_str(" USING ");
            name(method, out);
        }
        storage(options, out);
    }

    fn column_options(&self, column: &ColumnDef, out: &mut String) {
        if let Some(word) = column.options().text(OWN, "compression") {
            out.push_str(" COMPRESSION ");
            name(word, out);
        }
    }

    fn constraint_options(&self, options: &Options, out: &mut String) {
        list_of_names(" INCLUDE (", &options.list(OWN, "include"), out);
        if let Some(words) = options.text(OWN, "deferrable").filter(|words| words.starts_with("DEFERRABLE")) {
            out.push(' ');
            out.push_str(words);
        }
        for (option, words) in
            [("no_inherit", " NO INHERIT"), ("not_enforced", " NOT ENFORCED"), ("not_valid", " NOT VALID")]
        {
            if options.is_set(OWN, option) {
                out.push_str(words);
            }
        }
    }

    fn unique_words(&self, options: &Options) -> &'static str {
        if options.is_set(OWN, "nulls_not_distinct") { " NULLS NOT DISTINCT" } else { "" }
    }

    fn index_method(&self, index: &Index, out: &mut String) {
        if let Some(method) = index.options().text(OWN, "using") {
            out.push_str(" USING ");
            name(method, out);
        }
    }

    fn index_element(&self, element: &IndexElement, out: &mut String) {
        if let Some(class) = element.class() {
            out.push(' ');
            name(class, out);
        }
        standard::index_element(element, out);
    }

    fn index_options(&self, index: &Index, out: &mut String) {
        let options = index.options();
        list_of_names(" INCLUDE (", &options.list(OWN, "include"), out);
        out.push_str(self.unique_words(options));
        storage(options, out);
    }
}

/// A part of a date or time; an instant is looked at in UTC, whatever the session's zone.
fn extract(field: Field, instant: bool) -> &'static str {
    match (field, instant) {
        (Field::Year, false) => "CAST(EXTRACT(year FROM {0}) AS integer)",
        (Field::Year, true) => "CAST(EXTRACT(year FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Quarter, false) => "CAST(EXTRACT(quarter FROM {0}) AS integer)",
        (Field::Quarter, true) => "CAST(EXTRACT(quarter FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Month, false) => "CAST(EXTRACT(month FROM {0}) AS integer)",
        (Field::Month, true) => "CAST(EXTRACT(month FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Week, false) => "CAST(EXTRACT(week FROM {0}) AS integer)",
        (Field::Week, true) => "CAST(EXTRACT(week FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Day, false) => "CAST(EXTRACT(day FROM {0}) AS integer)",
        (Field::Day, true) => "CAST(EXTRACT(day FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::DayOfWeek, false) => "CAST(EXTRACT(dow FROM {0}) AS integer)",
        (Field::DayOfWeek, true) => "CAST(EXTRACT(dow FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::DayOfYear, false) => "CAST(EXTRACT(doy FROM {0}) AS integer)",
        (Field::DayOfYear, true) => "CAST(EXTRACT(doy FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Hour, false) => "CAST(EXTRACT(hour FROM {0}) AS integer)",
        (Field::Hour, true) => "CAST(EXTRACT(hour FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Minute, false) => "CAST(EXTRACT(minute FROM {0}) AS integer)",
        (Field::Minute, true) => "CAST(EXTRACT(minute FROM <0> AT TIME ZONE 'UTC') AS integer)",
        (Field::Second, _) => "CAST(trunc(EXTRACT(second FROM {0})) AS integer)",
        (Field::Epoch, _) => "CAST(floor(EXTRACT(epoch FROM {0})) AS bigint)",
    }
}

/// The dialect's name in options.
const OWN: &str = "postgresql";

/// A name, in quotes where it needs them.
fn name(text: &str, out: &mut String) {
    let is_word = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    match is_word && !text.is_empty() && !PostgresGrammar.is_reserved(text) {
        true => out.push_str(text),
        false => PostgresGrammar.quote(text, out),
    }
}

/// Names in parentheses, if there are any.
fn list_of_names(before: &str, names: &[&str], out: &mut String) {
    for (at, one) in names.iter().enumerate() {
        out.push_str(if at == 0 { before } else { ", " });
        name(one, out);
    }
    if !names.is_empty() {
        out.push(')');
    }
}

/// Storage parameters and the tablespace; parameters are words and numbers.
fn storage(options: &Options, out: &mut String) {
    let plain = |text: &&&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.=-".contains(&b));
    let with: Vec<&str> = options.list(OWN, "with").iter().filter(plain).copied().collect();
    if !with.is_empty() {
        out.push_str(&format!(" WITH ({})", with.join(", ")));
    }
    if let Some(space) = options.text(OWN, "tablespace") {
        out.push_str(" TABLESPACE ");
        name(space, out);
    }
}

/// A type's name without what stands in parentheses, unless they are part of a quoted name.
fn without_lengths(name: &str) -> String {
    if name.contains('"') {
        return name.to_string();
    }
    let (front, rest) = name.split_once('(').unwrap_or((name, ""));
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    format!("{}{after}", front.trim_end())
}

/// What converts is looked at before: CASE keeps from converting the rest (manual, 4.2.14).
fn try_cast(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::SmallInteger | Type::Integer | Type::BigInteger => {
            "CASE WHEN length(CAST({0} AS text)) <= 255 AND CAST({0} AS text) ~ '^ *[-+]?[0-9]+ *$' THEN CASE WHEN CAST(CAST({0} AS text) AS numeric) \
             BETWEEN {low} AND {high} THEN CAST(CAST({0} AS text) AS {type}) END END"
        }
        // Below what a double holds is NULL as above it.
        Type::Double => {
            "CASE WHEN length(CAST({0} AS text)) <= 255 AND \
             CAST({0} AS text) ~ '^ *[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,3})? *$' THEN \
             CASE WHEN (abs(CAST(CAST({0} AS text) AS numeric)) >= 2.3e-308 \
             AND abs(CAST(CAST({0} AS text) AS numeric)) < 1.7976931348623157e308) \
             OR CAST(CAST({0} AS text) AS numeric) = 0 THEN CAST(CAST({0} AS text) AS double precision) END END"
        }
        Type::Date => {
            "CASE WHEN CAST({0} AS text) ~ '^ *[0-9]{4,4}-(0[1-9]|1[0-2])-[0-9]{2,2} *$' AND \
             trim(CAST({0} AS text)) >= '0001' THEN CASE WHEN substr(trim(CAST({0} AS text)), 9) BETWEEN '01' AND \
             to_char(CAST(substr(trim(CAST({0} AS text)), 1, 8) || '01' AS date) + interval '1 month' \
             - interval '1 day', 'DD') THEN CAST(CAST({0} AS text) AS date) END END"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
        assert!(PostgresGrammar.is_reserved("user") && !PostgresGrammar.is_reserved("name"));
    }

    #[test]
    fn values_say_what_they_are_where_nothing_else_does() {
        let ty =
            |value: Value, beside: Option<Type>| PostgresGrammar.bind_type(value.as_ref(), beside.as_ref());
        assert_eq!(ty(5.into(), None), Some("integer"));
        assert_eq!(ty(5_000_000_000i64.into(), Some(Type::Integer)), Some("bigint"));
        assert_eq!(ty(5.into(), Some(Type::Integer)), None);
        assert_eq!(ty(5.into(), Some(Type::Text)), Some("integer"));
        assert_eq!(ty("x".into(), Some(Type::Other("mood".into()))), None);
        assert_eq!(ty(1.5.into(), Some(Type::Integer)), Some("double precision"));
    }
}
