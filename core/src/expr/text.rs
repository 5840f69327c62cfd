//! SQL text of the program's own, with named places for values.

use std::sync::Arc;

use super::{Expr, Op, param};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Table, TableParts};
use crate::stmt::{IntoValues, Select, TextRows};
use crate::suggest::did_you_mean;

/// SQL text in which `:name` is a place for a value.
///
/// The same text serves every database, whatever its own placeholders look like. `::`, as in PostgreSQL's casts, and
/// what stands between apostrophes or quotes or in a comment is left alone; `\:` is a colon. The text itself reaches
/// the database as it is: never put data into it, that is what the places are for.
///
/// It is an expression, or a whole statement: [`Text::all`] and [`Text::run`], or with [`Text::columns`] a SELECT
/// like any. A place that is given no value is a parameter of a prepared plan.
///
/// # Example
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
/// db.create_all()?;
/// insert(&users).rows(["name"], [["Ann"], ["Ben"]]).run(&db)?;
/// let by_name = text("lower(name) = :name").bind("name", "ann");
/// assert_eq!(select(&users).filter(by_name).count(&db)?, 1);
/// let ids = text("SELECT id FROM users WHERE name <> :name").bind("name", "Ann").all(&db)?;
/// assert_eq!(ids.scalars::<i64>()?, [2]);
/// # Ok::<(), mirrorm::Error>(())
/// ```
pub fn text(sql: impl AsRef<str>) -> Text {
    let pieces = Pieces::of(sql.as_ref());
    let values = vec![None; pieces.names.len()];
    Text { pieces: Arc::new(pieces), values, mistake: None }
}

/// SQL text with named places, made by [`text()`].
#[derive(Clone, Debug)]
#[must_use = "a text does nothing until it runs"]
pub struct Text {
    pieces: Arc<Pieces>,
    /// A value for each name.
    values: Vec<Option<Expr>>,
    mistake: Option<Error>,
}

/// A text taken apart at its places.
#[derive(Debug, PartialEq)]
pub(crate) struct Pieces {
    /// What stands before each place, and behind the last.
    pub(crate) sql: Vec<Arc<str>>,
    /// The number of the name at each place.
    places: Vec<usize>,
    names: Vec<Arc<str>>,
}

impl Text {
    /// The value of a place, or an expression that stands there; wherever its name stands in the text.
    ///
    /// `Invalid` from the verb for a name that the text has not, and for another value for the same name.
    pub fn bind(mut self, name: &str, value: impl Into<Expr>) -> Text {
        let value = value.into();
        let place = self.pieces.names.iter().position(|known| **known == *name);
        match place.and_then(|at| self.values.get_mut(at)) {
            Some(Some(_)) => self.fail(format!("the place `:{name}` has a value already")),
            Some(place) => *place = Some(value),
            None => {
                let near = did_you_mean(name, self.pieces.names.iter().map(|name| &**name));
                self.fail(format!("the text has no place `:{name}`{near}"));
            }
        }
        self
    }

    /// The values of several places.
    pub fn binds(self, values: impl IntoValues) -> Text {
        let mut given: Vec<(Arc<str>, Expr)> = Vec::new();
        values.each(&mut |name, value| given.push((name.into(), value)));
        given.into_iter().fold(self, |text, (name, value)| text.bind(&name, value))
    }

    fn fail(&mut self, message: String) {
        self.mistake.get_or_insert_with(|| Error::new(ErrorKind::Invalid, message));
    }

    /// The rows of this text, a whole SELECT, as columns of these names and types: a SELECT that can be a subquery,
    /// be named, be put together with others. The database gives the columns in this order.
    ///
    /// It has no clauses of its own but those of its text; to filter or sort it, take it as a subquery.
    ///
    /// # Errors
    /// As [`Table::new`] for the columns.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let days = text("SELECT :day AS day, 7 AS n").bind("day", "2024-02-29");
    /// let days = days.columns((column("day", Date), column("n", Integer)))?.subquery("days")?;
    /// let day: Value = select(days.c("day")).filter(days.c("n").gt(5)).scalar(&db)?;
    /// assert!(matches!(day, Value::Date(_)));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn columns(self, columns: impl TableParts) -> Result<Select> {
        let table = Table::new("text", columns)?;
        Ok(Select::of_text(TextRows { expr: self.into(), table }))
    }

    /// As an expression, to go on from: `text("upper(:it)").bind("it", name).expr().eq("ANN")`.
    pub fn expr(&self) -> Expr {
        if let Some(mistake) = &self.mistake {
            return Expr::invalid(mistake.clone());
        }
        let value = |at: &usize| {
            let value = self.values.get(*at).cloned().flatten();
            value.or_else(|| self.pieces.names.get(*at).map(|name| param(name.clone())))
        };
        let items = self.pieces.places.iter().filter_map(value).collect();
        Expr::apply(Op::Text(self.pieces.clone()), items)
    }
}

impl From<Text> for Expr {
    fn from(text: Text) -> Expr {
        text.expr()
    }
}

impl Pieces {
    /// Whether it is one word, or one place.
    pub(crate) fn is_word(&self) -> bool {
        let text = self.sql.iter().filter(|piece| !piece.is_empty()).count();
        let plain = |piece: &Arc<str>| piece.chars().all(is_word);
        text + self.places.len() <= 1 && self.sql.iter().all(plain)
    }

    fn of(sql: &str) -> Pieces {
        let (mut pieces, mut places, mut names) = (Vec::new(), Vec::new(), Vec::<Arc<str>>::new());
        let (mut piece, mut rest) = (String::new(), sql);
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\\:") {
                piece.push(':');
                rest = after;
                continue;
            }
            let name = place(&piece, rest);
            if !name.is_empty() {
                let known = names.iter().position(|known| **known == *name);
                places.push(known.unwrap_or_else(|| {
                    names.push(name.into());
                    names.len() - 1
                }));
                pieces.push(std::mem::take(&mut piece).into());
                rest = rest.get(1 + name.len()..).unwrap_or_default();
                continue;
            }
            let length = quoted(rest).unwrap_or(first.len_utf8());
            piece.push_str(rest.get(..length).unwrap_or(rest));
            rest = rest.get(length..).unwrap_or_default();
        }
        // What follows would be part of a comment at its end.
        if sql.lines().last().is_some_and(|line| line.contains("--")) && !sql.ends_with('\n') {
            piece.push('\n');
        }
        pieces.push(piece.into());
        Pieces { sql: pieces, places, names }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name of the place that the text begins with, behind its colon; empty where it begins with none.
fn place<'s>(before: &str, rest: &'s str) -> &'s str {
    let Some(name) = rest.strip_prefix(':') else { return "" };
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    // Part of `::`, or of `a:b`, as slices of arrays are written.
    if !begins || before.ends_with(|c: char| c == ':' || is_word(c)) {
        return "";
    }
    let end = name.find(|c: char| !is_word(c)).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

/// The length of the quoted text, name or comment that the text begins with.
fn quoted(rest: &str) -> Option<usize> {
    let end_of = |open: usize, close: &str| {
        let inside = rest.get(open..)?;
        Some(inside.find(close).map_or(rest.len(), |at| open + at + close.len()))
    };
    match rest.as_bytes() {
        [b'\'', ..] => end_of(1, "'"),
        [b'"', ..] => end_of(1, "\""),
        [b'`', ..] => end_of(1, "`"),
        [b'-', b'-', ..] => end_of(2, "\n"),
        [b'/', b'*', ..] => end_of(2, "*/"),
        [b'$', ..] => {
            // PostgreSQL's `$tag$ .. $tag$` (manual, 4.1.2.4).
            let tag = rest.get(1..)?.find(|c: char| !is_word(c))? + 2;
            let tag = rest.get(..tag).filter(|tag| tag.ends_with('$'))?;
            end_of(tag.len(), tag)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let names = |sql: &str| Pieces::of(sql).names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names("a = :a AND b=:b_2 OR :a"), ["a", "b_2"]);
        for sql in [
            "x::int, a[1:b]",
            "':a' \":b\" `:c`",
            "-- :a\n1",
            "/* :a */ 2",
            "$$ :a $$, $q$ :b $$ $q$",
            "'it''s :a'",
            "\\:a, 12:30",
            ": a, :1",
            "'unended :a",
        ] {
            assert!(names(sql).is_empty(), "{sql}");
        }
        assert_eq!(names("$1, :x, -:y, (:z)"), ["x", "y", "z"]);
        let pieces = Pieces::of("a\\:b :ü: c");
        assert_eq!((&*pieces.sql[0], &*pieces.sql[1]), ("a:b ", ": c"));
    }
}
