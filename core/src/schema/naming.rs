//! Names for constraints and indexes that were declared without one.
//!
//! A name made here is stable: it depends on the table and the columns only. Names made are cut
//! to a dialect's limit by `compile`, with a hash of the whole; a user's own name never is.

use std::sync::Arc;

use super::constraint::Reference;
use super::name::Name;

/// How constraints and indexes are named that were declared without a name, by templates.
///
/// In a template stand `{table}`, `{column}` (the first), `{columns}` (joined by `_`), for foreign keys
/// `{referred_table}`, `{referred_column}` and `{referred_columns}`, (the last two are empty where it names no columns), and for checks `{number}` (which of the
/// table's, from 1); everything else stands for itself. By default it is `ix_{table}_{columns}`,
/// `uq_{table}_{columns}` and `fk_{table}_{columns}`; primary keys and checks get no name. What was
/// declared with a name keeps it, and so does what was reflected, or has none in the database.
///
/// # Example
/// ```
/// use mirrorm::schema::{Metadata, NamingConvention};
/// use mirrorm::prelude::*;
///
/// let names = NamingConvention::new().unique("{table}_{columns}_key").check("{table}_ck{number}");
/// let metadata = Metadata::new().with_naming(names);
/// let users = metadata.define("users", (column("mail", Text).unique(), check(raw("mail <> ''"))))?;
/// assert_eq!(users.def().uniques()[0].name.as_ref().unwrap(), "users_mail_key");
/// assert_eq!(users.def().checks()[0].name.as_ref().unwrap(), "users_ck1");
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a naming convention does nothing until a Metadata has it"]
pub struct NamingConvention {
    index: Option<Arc<str>>,
    unique: Option<Arc<str>>,
    check: Option<Arc<str>>,
    foreign_key: Option<Arc<str>>,
    primary_key: Option<Arc<str>>,
}

impl Default for NamingConvention {
    fn default() -> NamingConvention {
        NamingConvention {
            index: Some("ix_{table}_{columns}".into()),
            unique: Some("uq_{table}_{columns}".into()),
            check: None,
            foreign_key: Some("fk_{table}_{columns}".into()),
            primary_key: None,
        }
    }
}

impl NamingConvention {
    /// The default one, to be changed.
    pub fn new() -> NamingConvention {
        NamingConvention::default()
    }

    /// No names but those that were said, for constraints: a database makes its own. Indexes, which have to
    /// have one, keep the default's.
    pub fn only_indexes() -> NamingConvention {
        NamingConvention { unique: None, foreign_key: None, ..NamingConvention::default() }
    }

    /// The template of indexes.
    pub fn index(mut self, template: impl Into<Arc<str>>) -> NamingConvention {
        self.index = Some(template.into());
        self
    }

    /// The template of unique constraints.
    pub fn unique(mut self, template: impl Into<Arc<str>>) -> NamingConvention {
        self.unique = Some(template.into());
        self
    }

    /// The template of checks.
    pub fn check(mut self, template: impl Into<Arc<str>>) -> NamingConvention {
        self.check = Some(template.into());
        self
    }

    /// The template of foreign keys.
    pub fn foreign_key(mut self, template: impl Into<Arc<str>>) -> NamingConvention {
        self.foreign_key = Some(template.into());
        self
    }

    /// The template of primary keys.
    pub fn primary_key(mut self, template: impl Into<Arc<str>>) -> NamingConvention {
        self.primary_key = Some(template.into());
        self
    }

    /// The name of a constraint or index; none where it gets none.
    pub(super) fn name(&self, kind: Kind, unnamed: &Unnamed<'_>) -> Option<Name> {
        let template = match kind {
            Kind::Index => &self.index,
            Kind::Unique => &self.unique,
            Kind::Check => &self.check,
            Kind::ForeignKey => &self.foreign_key,
            Kind::PrimaryKey => &self.primary_key,
        };
        template.as_ref().map(|template| Name::from(unnamed.fill(template)))
    }
}

/// What is named.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Index,
    Unique,
    Check,
    ForeignKey,
    PrimaryKey,
}

/// What is known of a constraint or index without a name.
pub(super) struct Unnamed<'u> {
    pub(super) table: &'u str,
    pub(super) columns: &'u [&'u str],
    pub(super) target: Option<&'u Reference>,
    pub(super) number: usize,
}

impl Unnamed<'_> {
    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let filled = after.split_once('}').and_then(|(token, after)| Some((self.token(token)?, after)));
            match filled {
                Some((value, after)) => {
                    text.push_str(&value);
                    rest = after;
                }
                None => {
                    text.push('{');
                    rest = after;
                }
            }
        }
        text + rest
    }

    fn token(&self, token: &str) -> Option<String> {
        let referred: Vec<&str> =
            self.target.map(|target| target.columns.iter().map(Name::as_str).collect()).unwrap_or_default();
        Some(match token {
            "table" => self.table.to_string(),
            "column" => self.columns.first().map(ToString::to_string).unwrap_or_default(),
            "columns" => self.columns.join("_"),
            "number" => self.number.to_string(),
            "referred_table" => self.target.map(|target| target.table.to_string()).unwrap_or_default(),
            "referred_column" => referred.first().map(ToString::to_string).unwrap_or_default(),
            "referred_columns" => referred.join("_"),
            _ => return None,
        })
    }
}

/// A name of at most `limit` bytes: the start of the text, and a hash of all of it.
///
/// The hash is FNV-1a, written out here because it must be the same in every version and on
/// every machine, which the standard library's hasher does not promise.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_string();
    }
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let tail = format!("_{:08x}", hash as u32);
    let mut start = String::new();
    for c in text.chars() {
        if start.len() + c.len_utf8() + tail.len() > limit {
            break;
        }
        start.push(c);
    }
    start + &tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_bounded() {
        let posts = Unnamed { table: "posts", columns: &["author_id", "title"], target: None, number: 1 };
        let name = NamingConvention::default().name(Kind::Unique, &posts);
        assert_eq!(name, Some(Name::from("uq_posts_author_id_title")));
        assert_eq!(posts.fill("{a} {table} {columns"), "{a} posts {columns");
        assert_eq!(cut("short", 10), "short");
        let long = cut(&"é".repeat(50), 63);
        assert!(long.len() <= 63 && long.ends_with("_9dffa9bd"), "{long}");
    }
}
