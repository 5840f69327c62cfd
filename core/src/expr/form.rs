//! Expressions that every database spells its own way: parts of dates, quotients, regular expressions, words of a
//! text.
//!
//! What they become is a template of the dialect (`Grammar::form`), so that they mean the same everywhere. Those of JSON
//! documents are in [`super::json`].

use std::sync::Arc;

use super::json::{Holder, JsonAs, Path, PathTest};
use super::{Expr, Op, raw};
use crate::types::Type;

/// A part of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The year.
    Year,
    /// The quarter, from 1.
    Quarter,
    /// The month, from 1.
    Month,
    /// The week of ISO 8601, from 1.
    Week,
    /// The day of the month.
    Day,
    /// The day of the week: Sunday is 0.
    DayOfWeek,
    /// The day of the year, from 1.
    DayOfYear,
    /// The hour.
    Hour,
    /// The minute.
    Minute,
    /// The whole second.
    Second,
    /// Whole seconds since 1970-01-01, for what is without a time zone as if it were in UTC.
    Epoch,
}

/// What an expression is that has a template in each dialect. Operands are `{0}`, `{1}` and so on in it, alone
/// between parentheses or commas, or `<0>` where an operator stands beside them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// A part of a date or time; with whether it is an instant.
    Extract(Field, bool),
    /// A quotient with its fraction, of numbers that are exact or not known to be anything else; with whether they are
    /// exact.
    Div(bool),
    /// The whole part of a quotient; with whether both are known to be whole numbers.
    IntDiv(bool),
    /// Bits of whole numbers.
    Bits(Bits),
    /// Whether a text has a match of a regular expression; with whether letters are folded.
    Regexp(bool),
    /// A text with every match of a regular expression replaced.
    RegexpReplace,
    /// Whether a text has all of these words, by an index of words. How the words are given is
    /// `Grammar::words`.
    Words,
    /// A place in a JSON document, which stands for `{path}`, as a value of its kind.
    Json(JsonAs, Path),
    /// Whether a JSON document holds another.
    JsonContains,
    /// Whether there is anything at a place in a JSON document, null too.
    JsonHas(Path),
    /// Whether there is an array at a place in a JSON document, or an object.
    JsonHolder(Path, Holder),
    /// A JSON document without what is at a place, which is there and stands for `{path}`, or for `{keys}` as an array.
    JsonRemove(Path),
    /// A JSON document with another at a place, whose holder is there and which stands for `{path}`, or for `{keys}`.
    JsonSet(Path),
    /// The members of two JSON documents, those of the second first.
    JsonConcat,
    /// Whether a path of SQL's language finds anything in a JSON document, or whether its condition holds.
    JsonPathTest(PathTest),
    /// Texts of a group put together: the text, what stands between, in the order they are sorted by, which stands for
    /// `{order}`. What stands between is `{1}`, or `{hex1}` where it has to be a literal.
    JoinTexts,
    /// A number from 0 to 1 by chance, 1 not among them.
    Random,
    /// A text as a value of a type, which stands for `{type}`, whole numbers of which are from `{low}` to `{high}`; NULL
    /// where it is none.
    TryCast(Type),
    /// The next number of a sequence, whose name stands for `{name}`, or as a text for `{text}`.
    NextValue(Sequence),
}

/// A sequence by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub(crate) schema: Option<Arc<str>>,
    pub(crate) name: Arc<str>,
}

/// What is done to the bits of whole numbers of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bits {
    /// Those that both have.
    And,
    /// Those that one has, or both.
    Or,
    /// Those that one has and the other has not.
    Xor,
    /// Those that it has not.
    Not,
    /// Moved to the left.
    Left,
    /// Moved to the right.
    Right,
}

impl Expr {
    pub(super) fn form(&self, form: Form, more: Vec<Expr>) -> Expr {
        let items = std::iter::once(self.clone()).chain(more).collect();
        Expr::apply(Op::Form(form), items)
    }

    /// A part of this date or time, as a whole number; of an instant, in UTC.
    ///
    /// `Invalid` from the verb for a part that a date or a time has not.
    ///
    /// # Example
    /// ```
    /// use mirrorm::expr::Field;
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let days = db.table("days", column("day", Date))?;
    /// db.create_all()?;
    /// insert(&days).rows(["day"], [["2024-02-29"]]).run(&db)?;
    /// let week: i64 = select(days.c("day").extract(Field::Week)).scalar(&db)?;
    /// assert_eq!(week, 9);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn extract(&self, field: Field) -> Expr {
        // Whether it is an instant is known when its column is.
        self.form(Form::Extract(field, false), Vec::new())
    }

    /// Divided by, with the fraction, on every database: whole numbers give a fraction too, as a double; exact decimals
    /// are divided as the database divides them.
    pub fn div(&self, right: impl Into<Expr>) -> Expr {
        self.form(Form::Div(false), vec![right.into()])
    }

    /// The whole part of the quotient, towards zero.
    pub fn int_div(&self, right: impl Into<Expr>) -> Expr {
        self.form(Form::IntDiv(false), vec![right.into()])
    }

    /// The bits that both whole numbers have.
    pub fn bit_and(&self, right: impl Into<Expr>) -> Expr {
        self.form(Form::Bits(Bits::And), vec![right.into()])
    }

    /// The bits that one of the whole numbers has, or both.
    pub fn bit_or(&self, right: impl Into<Expr>) -> Expr {
        self.form(Form::Bits(Bits::Or), vec![right.into()])
    }

    /// The bits that one of the whole numbers has and the other has not.
    pub fn bit_xor(&self, right: impl Into<Expr>) -> Expr {
        self.form(Form::Bits(Bits::Xor), vec![right.into()])
    }

    /// The bits that the whole number has not.
    pub fn bit_not(&self) -> Expr {
        self.form(Form::Bits(Bits::Not), Vec::new())
    }

    /// The bits of the whole number, so many places to the left.
    pub fn shift_left(&self, places: impl Into<Expr>) -> Expr {
        self.form(Form::Bits(Bits::Left), vec![places.into()])
    }

    /// The bits of the whole number, so many places to the right.
    pub fn shift_right(&self, places: impl Into<Expr>) -> Expr {
        self.form(Form::Bits(Bits::Right), vec![places.into()])
    }

    /// This text as a whole number, a double or a date, and NULL where it is none, or one that the type does not hold:
    /// for columns of text that somebody else filled. Spaces around it do not matter.
    ///
    /// Numbers are `-12` and, for doubles, `1.5`, `.5` or `1e3`, of at most 255 characters, and zero or no nearer to it than
    /// 2.3e-308; dates are `2024-02-29`.
    ///
    /// `Unsupported` from the verb for other types: use [`Expr::cast`], which fails as the database fails; `Invalid` for
    /// what is no text.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let raw = db.table("raw", column("amount", Text))?;
    /// db.create_all()?;
    /// insert(&raw).rows(["amount"], [["12"], ["n/a"], ["12 apples"]]).run(&db)?;
    /// let amounts: Vec<Option<i64>> = select(raw.c("amount").try_cast(Integer)).scalars(&db)?;
    /// assert_eq!(amounts, [Some(12), None, None]);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn try_cast(&self, ty: Type) -> Expr {
        self.form(Form::TryCast(ty), Vec::new())
    }

    /// Has a match of a regular expression, letters told apart.
    ///
    /// The expressions are the database's: POSIX's on PostgreSQL, ICU's on MySQL, PCRE on MariaDB, those of the crate
    /// `regex` on SQLite, behind the feature `regexp`. What all have is the same.
    pub fn regexp(&self, pattern: impl Into<Expr>) -> Expr {
        self.form(Form::Regexp(false), vec![pattern.into()])
    }

    /// As [`Expr::regexp`], large and small letters alike.
    pub fn iregexp(&self, pattern: impl Into<Expr>) -> Expr {
        self.form(Form::Regexp(true), vec![pattern.into()])
    }

    /// With every match of a regular expression, as in [`Expr::regexp`], replaced by a text, in which nothing refers to
    /// the match.
    pub fn regexp_replace(&self, pattern: impl Into<Expr>, replacement: &str) -> Expr {
        self.form(Form::RegexpReplace, vec![pattern.into(), replacement.into()])
    }

    /// Has all of these words, in any order, by the database's index of words: `tsvector` of PostgreSQL, a FULLTEXT
    /// index of MySQL, an FTS5 table of SQLite.
    ///
    /// Words are letters and digits; everything else stands between them. Which forms of a word are one, and which
    /// words are too common to count, is the database's rule. Of no words at all nothing has them. On SQLite it is for
    /// filters alone.
    pub fn has_words(&self, words: &str) -> Expr {
        let words: Vec<&str> =
            words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        match words.is_empty() {
            true => raw("0 = 1"),
            false => self.form(Form::Words, vec![words.join(" ").into()]),
        }
    }
}

impl Form {
    /// The place in a JSON document that it is about.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Form::Json(_, path)
            | Form::JsonHas(path)
            | Form::JsonHolder(path, _)
            | Form::JsonRemove(path)
            | Form::JsonSet(path) => Some(path),
            _ => None,
        }
    }

    /// What it gives, where that is the same whatever it is of.
    pub(crate) fn ty(&self) -> Option<Type> {
        Some(match self {
            Form::Extract(..)
            | Form::IntDiv(_)
            | Form::Bits(_)
            | Form::NextValue(_)
            | Form::Json(JsonAs::Integer, _) => Type::BigInteger,
            Form::Div(false) | Form::Random | Form::Json(JsonAs::Float, _) => Type::Double,
            Form::Regexp(_)
            | Form::Words
            | Form::JsonContains
            | Form::JsonHas(_)
            | Form::JsonHolder(..)
            | Form::JsonPathTest(_)
            | Form::Json(JsonAs::Boolean, _) => Type::Boolean,
            Form::RegexpReplace | Form::JoinTexts | Form::Json(JsonAs::Text, _) => Type::Text,
            Form::Json(JsonAs::Json, _) | Form::JsonRemove(_) | Form::JsonSet(_) | Form::JsonConcat => {
                Type::Json
            }
            Form::TryCast(ty) => ty.clone(),
            Form::Div(true) => return None,
        })
    }
}
