//! Regular expressions for SQLite, which has a word for them and nothing behind it (sqlite.org/lang_expr.html, 5).
//!
//! Behind the feature `regexp`: the functions `regexp` and `regexp_replace`, by the crate `regex`. Registered on every
//! connection by the driver; the grammar asks for the templates.

/// The template of a match, where the functions are there.
pub(super) fn form(folded: bool) -> Option<&'static str> {
    match (cfg!(feature = "regexp"), folded) {
        (false, _) => None,
        (true, false) => Some("<0> REGEXP '(?s)' || <1>"),
        (true, true) => Some("<0> REGEXP '(?si)' || <1>"),
    }
}

/// The template of a replacement, where the functions are there.
pub(super) fn replace() -> Option<&'static str> {
    cfg!(feature = "regexp").then_some("regexp_replace({0}, '(?s)' || <1>, {2})")
}

#[cfg(not(feature = "regexp"))]
pub(super) fn register(_: &rusqlite::Connection) -> rusqlite::Result<()> {
    Ok(())
}

#[cfg(feature = "regexp")]
pub(super) use with_regex::register;

#[cfg(feature = "regexp")]
mod with_regex {
    use std::sync::Arc;

    use regex::Regex;
    use rusqlite::functions::{Context, FunctionFlags};
    use rusqlite::{Connection, Result};

    type Failed = Box<dyn std::error::Error + Send + Sync>;

    /// `text REGEXP pattern` is `regexp(pattern, text)`.
    pub(in super::super) fn register(connection: &Connection) -> Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("regexp", 2, flags, |call| {
            let Some(text) = call.get::<Option<String>>(1)? else { return Ok(None) };
            Ok(pattern(call, 0)?.map(|pattern| pattern.is_match(&text)))
        })?;
        connection.create_scalar_function("regexp_replace", 3, flags, |call| {
            let text: Option<String> = call.get(0)?;
            let with: Option<String> = call.get(2)?;
            let (Some(text), Some(with), Some(pattern)) = (text, with, pattern(call, 1)?) else {
                return Ok(None);
            };
            Ok(Some(pattern.replace_all(&text, with).into_owned()))
        })
    }

    /// The pattern, made once for a statement where it is the same for all rows.
    fn pattern(call: &Context<'_>, at: usize) -> Result<Option<Arc<Regex>>> {
        if call.get::<Option<String>>(at)?.is_none() {
            return Ok(None);
        }
        let made = call.get_or_create_aux(at as i32, |value| -> std::result::Result<Regex, Failed> {
            Ok(Regex::new(value.as_str()?)?)
        });
        made.map(Some)
    }
}
