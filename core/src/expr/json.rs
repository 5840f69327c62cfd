//! Expressions of JSON documents: what is at a place in one, whether it holds another, what it is with something changed.
//!
//! Each is a [`Form`], a template of the dialect, and means the same everywhere or is refused.

use std::fmt::Write;
use std::sync::Arc;

use super::{Expr, Form, Node, Op, case};
use crate::error::{Error, ErrorKind, Result};

/// How often a document can be changed in one expression: each is four times as long as the one before.
const MOST_CHANGES: usize = 4;

/// What is read of a place in a JSON document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonAs {
    /// The document there.
    Json,
    /// A text as it is, anything else as JSON, null as NULL.
    Text,
    /// The whole part of a number; NULL for anything else.
    Integer,
    /// A number; NULL for anything else.
    Float,
    /// A truth; NULL for anything else.
    Boolean,
}

/// What has places in a JSON document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// An object.
    Object,
    /// An array.
    Array,
}

/// What is asked of a path in the language of SQL:2016.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathTest {
    /// Whether it finds anything.
    Exists,
    /// Whether the condition that it is holds.
    Match,
}

/// The way to a place in a JSON document.
pub type Path = Arc<[Step]>;

/// A step into a JSON document: a key of an object, or the position in an array, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key.
    Key(Arc<str>),
    /// A position.
    Index(u32),
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.into())
    }
}

impl From<String> for Step {
    fn from(key: String) -> Step {
        Step::Key(key.into())
    }
}

impl From<u32> for Step {
    fn from(index: u32) -> Step {
        Step::Index(index)
    }
}

/// What leads to a place in a JSON document: a key, a position, a tuple or a list of them.
pub trait JsonPath {
    /// The steps.
    #[doc(hidden)]
    fn steps(self) -> Path;
}

impl<S: Into<Step>> JsonPath for S {
    fn steps(self) -> Path {
        Arc::new([self.into()])
    }
}

impl<S: Into<Step>> JsonPath for Vec<S> {
    fn steps(self) -> Path {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! paths {
    ($first:ident $($rest:ident)+) => {
        impl<$first: Into<Step>, $($rest: Into<Step>),+> JsonPath for ($first, $($rest),+) {
            #[allow(non_snake_case)]
            fn steps(self) -> Path {
                let ($first, $($rest),+) = self;
                Arc::new([$first.into(), $($rest.into()),+])
            }
        }
        paths!($($rest)+);
    };
    ($last:ident) => {};
}
paths!(A B C D E F G H);

impl Step {
    /// The position before, if it is one and not the first.
    fn before(&self) -> Option<Step> {
        match self {
            Step::Index(at) => at.checked_sub(1).map(Step::Index),
            Step::Key(_) => None,
        }
    }

    /// The path in the language of SQL:2016, `$."key"[0]`: keys as JSON texts.
    pub fn to_path(steps: &[Step]) -> String {
        let mut path = String::from("$");
        for step in steps {
            let _ = match step {
                Step::Key(key) => write!(path, ".{}", serde_json::Value::from(&**key)),
                Step::Index(index) => write!(path, "[{index}]"),
            };
        }
        path
    }
}

impl Expr {
    /// The document at a place in this JSON document; NULL where there is none.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let docs = db.table("docs", column("doc", Json))?;
    /// db.create_all()?;
    /// let doc: mirrorm::value::Json = r#"{"tags": ["a", "b c"], "size": {"w": 3}}"#.parse()?;
    /// insert(&docs).values(values! { "doc" => Value::Json(doc) }).run(&db)?;
    /// let doc = docs.c("doc");
    /// let wide = select(doc.json_text(("tags", 1))).filter(doc.json_integer(("size", "w")).gt(2));
    /// assert_eq!(wide.scalar::<String>(&db)?, "b c");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn json_at(&self, path: impl JsonPath) -> Expr {
        self.form(Form::Json(JsonAs::Json, path.steps()), Vec::new())
    }

    /// The text at a place in this JSON document, anything else there as JSON, null as NULL.
    pub fn json_text(&self, path: impl JsonPath) -> Expr {
        self.form(Form::Json(JsonAs::Text, path.steps()), Vec::new())
    }

    /// The whole part of the number at a place in this JSON document; NULL where there is none.
    pub fn json_integer(&self, path: impl JsonPath) -> Expr {
        self.form(Form::Json(JsonAs::Integer, path.steps()), Vec::new())
    }

    /// The number at a place in this JSON document; NULL where there is none.
    pub fn json_float(&self, path: impl JsonPath) -> Expr {
        self.form(Form::Json(JsonAs::Float, path.steps()), Vec::new())
    }

    /// Whether it is true at a place in this JSON document; NULL where there is neither true nor false.
    pub fn json_boolean(&self, path: impl JsonPath) -> Expr {
        self.form(Form::Json(JsonAs::Boolean, path.steps()), Vec::new())
    }

    /// Whether this JSON document holds another: its keys with their values, its items in any order.
    pub fn json_contains(&self, document: impl Into<Expr>) -> Expr {
        self.form(Form::JsonContains, vec![document.into()])
    }

    /// Whether another JSON document holds this one: [`Expr::json_contains`] the other way round.
    pub fn json_contained_by(&self, document: impl Into<Expr>) -> Expr {
        document.into().json_contains(self.clone())
    }

    /// Whether there is anything at a place in this JSON document, null too; not in a document that is NULL.
    pub fn json_has(&self, path: impl JsonPath) -> Expr {
        self.form(Form::JsonHas(path.steps()), Vec::new())
    }

    /// Whether this JSON document is an object with at least one of these keys.
    pub fn json_has_any<K: Into<Arc<str>>>(&self, keys: impl IntoIterator<Item = K>) -> Expr {
        Expr::any(self.has_keys(keys))
    }

    /// Whether this JSON document is an object with all of these keys.
    pub fn json_has_all<K: Into<Arc<str>>>(&self, keys: impl IntoIterator<Item = K>) -> Expr {
        Expr::all(self.has_keys(keys))
    }

    fn has_keys<K: Into<Arc<str>>>(&self, keys: impl IntoIterator<Item = K>) -> Vec<Expr> {
        keys.into_iter()
            .map(|key| self.form(Form::JsonHas(Arc::new([Step::Key(key.into())])), Vec::new()))
            .collect()
    }

    /// This JSON document with another put at a place: a key of an object that is there, or a position in an array,
    /// where the one after its last adds to it. Where there is no such object or array the document stays as it is. SQL's
    /// NULL is put there as the null of JSON. Four changes are the most of a chain.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let docs = db.table("docs", column("doc", Json))?;
    /// db.create_all()?;
    /// let json = |text: &str| text.parse().map(Value::Json);
    /// insert(&docs).values(values! { "doc" => json(r#"{"size": {"w": 3}}"#)? }).run(&db)?;
    /// let doc = docs.c("doc");
    /// update(&docs).set([("doc", doc.json_with(("size", "h"), json("4")?))]).all_rows().run(&db)?;
    /// assert_eq!(select(doc.json_integer(("size", "h"))).scalar::<i64>(&db)?, 4);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn json_with(&self, path: impl JsonPath, document: impl Into<Expr>) -> Expr {
        let path = path.steps();
        let Some((last, parent)) = path.split_last() else { return document.into() };
        if let Err(error) = self.takes_one_more() {
            return Expr::invalid(error);
        }
        let holder = match last {
            Step::Key(_) => Holder::Object,
            Step::Index(_) => Holder::Array,
        };
        let mut fits = self.form(Form::JsonHolder(parent.into(), holder), Vec::new());
        if let Some(before) = last.before() {
            let before = parent.iter().cloned().chain([before]).collect();
            fits = fits.and(self.form(Form::JsonHas(before), Vec::new()));
        }
        let with = self.form(Form::JsonSet(path.clone()), vec![document.into()]);
        case().when(fits, with).otherwise(self.whole())
    }

    /// This JSON document without what is at a place, if there is anything.
    pub fn json_without(&self, path: impl JsonPath) -> Expr {
        let path = path.steps();
        if path.is_empty() {
            let message = "a document without all of it is none: there is no place to leave out";
            return Expr::invalid(Error::new(ErrorKind::Invalid, message));
        }
        if let Err(error) = self.takes_one_more() {
            return Expr::invalid(error);
        }
        let there = self.form(Form::JsonHas(path.clone()), Vec::new());
        case().when(there, self.form(Form::JsonRemove(path), Vec::new())).otherwise(self.whole())
    }

    /// A change says the document that it is of several times, so that a chain of many would be endless SQL.
    fn takes_one_more(&self) -> Result<()> {
        let (mut document, mut changes) = (self, 1);
        while let Some(before) = document.changed() {
            (document, changes) = (before, changes + 1);
        }
        if changes <= MOST_CHANGES {
            return Ok(());
        }
        let message =
            format!("a document with more than {MOST_CHANGES} changes: make them one after the other");
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// The document before its last change here.
    fn changed(&self) -> Option<&Expr> {
        let Node::Apply(Op::Case { .. }, kids) = &self.0 else { return None };
        match &kids.items.last()?.0 {
            Node::Apply(Op::Form(Form::Json(JsonAs::Json, path)), whole) if path.is_empty() => {
                whole.items.first()
            }
            _ => None,
        }
    }

    /// All of it, as JSON whatever its column is.
    fn whole(&self) -> Expr {
        self.form(Form::Json(JsonAs::Json, Arc::new([])), Vec::new())
    }

    /// The keys and values of this JSON object and of another, the other's where both have a key; the items of two arrays.
    /// PostgreSQL only (manual, 9.16, `||`).
    pub fn json_concat(&self, document: impl Into<Expr>) -> Expr {
        self.form(Form::JsonConcat, vec![document.into()])
    }

    /// Whether a path in the language of SQL:2016, such as `$.tags[*] ? (@ == "a")`, finds anything in this JSON document.
    /// PostgreSQL only (manual, 9.16.2).
    pub fn json_path_exists(&self, path: impl Into<Expr>) -> Expr {
        self.form(Form::JsonPathTest(PathTest::Exists), vec![path.into()])
    }

    /// Whether the condition that a path in the language of SQL:2016 is, such as `$.size.w > 2`, holds for this JSON
    /// document. PostgreSQL only (manual, 9.16.2).
    pub fn json_path_match(&self, path: impl Into<Expr>) -> Expr {
        self.form(Form::JsonPathTest(PathTest::Match), vec![path.into()])
    }
}
