//! Expressions whose spelling is a template of the dialect, into SQL. See `expr::form`.

use super::{Compiler, adapt};
use crate::dialect::BindUse;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Field, Form, Holder, JsonAs, Node, Path, Sequence, Step};
use crate::schema::Name;
use crate::types::{Class, Type};
use crate::value::Value;

impl Compiler<'_> {
    /// Writes an expression by its template; a place in JSON where there has to be an array on the way is NULL elsewhere.
    pub(super) fn form(&mut self, form: &Form, items: &[Expr]) -> Result<()> {
        let form = self.known_form(form, items)?;
        let arrays = self.arrays_on_the_way(&form);
        for (at, array) in arrays.iter().enumerate() {
            self.push(if at == 0 { "CASE WHEN " } else { " AND " });
            self.fill_in(&Form::JsonHolder(array.clone(), Holder::Array), items)?;
        }
        self.push(if arrays.is_empty() { "" } else { " THEN " });
        self.fill_in(&form, items)?;
        self.push(match form {
            _ if arrays.is_empty() => "",
            Form::JsonHas(_) | Form::JsonHolder(..) => " ELSE FALSE END",
            _ => " END",
        });
        Ok(())
    }

    /// The places on the way to one in a JSON document where there has to be an array, for the position 0 means what
    /// is there in place of one to some databases.
    fn arrays_on_the_way(&self, form: &Form) -> Vec<Path> {
        let (Form::Json(_, path) | Form::JsonHas(path) | Form::JsonHolder(path, _)) = form else {
            return Vec::new();
        };
        if !self.target.grammar.json_positions_anywhere() {
            return Vec::new();
        }
        let first = |(at, step): (usize, &Step)| (*step == Step::Index(0)).then(|| path.get(..at)).flatten();
        path.iter().enumerate().filter_map(first).map(Path::from).collect()
    }

    /// Writes the template of a form with the operands at their places. What looks like a place and is none is the
    /// database's.
    fn fill_in(&mut self, form: &Form, items: &[Expr]) -> Result<()> {
        let template = self.target.grammar.form(form, &self.target.features);
        let mut rest = template.ok_or_else(|| self.target.unsupported(name(form)))?;
        while let Some(at) = rest.find(['{', '<']) {
            let (before, place) = rest.split_at(at);
            let end = place.find(['}', '>']).filter(|end| *end < 8).unwrap_or(0);
            let Some(word) = place.get(1..end).filter(|word| is_place(word)) else {
                // An operator of the database.
                let (operator, after) = place.split_at(1);
                self.push(before);
                self.push(operator);
                rest = after;
                continue;
            };
            self.push(before);
            self.place(form, word, place.starts_with('{'), items)?;
            rest = place.get(end + 1..).unwrap_or_default();
        }
        self.push(rest);
        Ok(())
    }

    /// Writes what stands at a place; `alone` between parentheses or commas, otherwise beside an operator.
    fn place(&mut self, form: &Form, word: &str, alone: bool, items: &[Expr]) -> Result<()> {
        match (form, word) {
            (_, "path") => self.json_path(form.path().map_or(&[], |path| path)),
            (_, "keys") => self.json_keys(form.path().map_or(&[], |path| path)),
            (Form::NextValue(sequence), "name") => {
                self.sequence(sequence);
                Ok(())
            }
            (Form::NextValue(sequence), "text") => {
                // The name as SQL, with its quotes, as a text.
                let before = std::mem::take(&mut self.sql);
                self.sequence(sequence);
                let name = std::mem::replace(&mut self.sql, before);
                self.target.grammar.literal(&Value::Text(name), &mut self.sql)
            }
            (Form::TryCast(ty), "type") => {
                let name = self.target.types.cast_name(ty)?;
                self.push(&name);
                Ok(())
            }
            (Form::TryCast(ty), "low" | "high") => {
                let (low, high) = ty.whole_numbers().unwrap_or_default();
                self.push(&if word == "low" { low } else { high }.to_string());
                Ok(())
            }
            (_, "hex1") => {
                let text = items.get(1).cloned().and_then(|item| item.try_value().ok()).unwrap_or_default();
                self.push(&Value::Bytes(text.to_string().into_bytes()).to_string());
                Ok(())
            }
            (_, "order") => self.order_of_texts(items.get(2..).unwrap_or_default()),
            _ => {
                let at: usize = word.parse().unwrap_or(usize::MAX);
                let ty = self.type_beside(form, items, at);
                let item =
                    items.get(at).ok_or_else(|| Error::new(ErrorKind::Invalid, "an operand is missing"))?;
                match (form, &item.0) {
                    (Form::Words, Node::Bind(Value::Text(words))) if at == 1 => {
                        let words = self.target.grammar.words(words);
                        self.bind(&Value::Text(words), Some(&Type::Text), BindUse::Compare)
                    }
                    (Form::RegexpReplace, Node::Bind(Value::Text(text))) if at == 2 => {
                        let text = self.target.grammar.replacement(text);
                        self.bind(&Value::Text(text), Some(&Type::Text), BindUse::Compare)
                    }
                    (Form::JsonContains | Form::JsonSet(_) | Form::JsonConcat, Node::Bind(value)) => {
                        let document = adapt(self.target, value.clone(), ty.as_ref(), BindUse::Store)?;
                        self.bind(&document, ty.as_ref(), BindUse::Compare)
                    }
                    (Form::Div(true) | Form::IntDiv(false), _)
                        if self.reckoned_literally(item, ty.as_ref())? =>
                    {
                        Ok(())
                    }
                    _ => self.operand(item, if alone { 0 } else { beside(form, at) }, ty.as_ref()),
                }
            }
        }
    }

    /// The type that a value among the operands is sent as.
    fn type_beside(&self, form: &Form, items: &[Expr], at: usize) -> Option<Type> {
        match form {
            Form::Div(_) | Form::IntDiv(_) => items.get(1 - at.min(1)).and_then(|other| self.type_of(other)),
            Form::JsonPathTest(_) if at == 1 => Some(Type::Text),
            Form::Json(..)
            | Form::JsonContains
            | Form::JsonHas(_)
            | Form::JsonHolder(..)
            | Form::JsonRemove(_)
            | Form::JsonSet(_)
            | Form::JsonConcat
            | Form::JsonPathTest(_) => Some(Type::Json),
            Form::Regexp(_) | Form::RegexpReplace | Form::Words | Form::JoinTexts | Form::TryCast(_) => {
                Some(Type::Text)
            }
            Form::Bits(_) => Some(Type::BigInteger),
            Form::Extract(..) | Form::Random | Form::NextValue(_) => None,
        }
    }

    /// The form for operands of these types.
    fn known_form(&self, form: &Form, items: &[Expr]) -> Result<Form> {
        let class = |item: &Expr| match &item.0 {
            Node::Bind(Value::Int(_)) => Some(Class::Int),
            Node::Bind(Value::Decimal(_)) => Some(Class::Decimal),
            Node::Bind(Value::Timestamp(_)) => Some(Class::Timestamp),
            _ => self.type_of(item).map(|ty| ty.class()),
        };
        let mut classes = items.iter().map(class);
        Ok(match form {
            Form::Extract(field, _) => {
                let class = classes.next().flatten();
                check_field(*field, class)?;
                Form::Extract(*field, class == Some(Class::Timestamp))
            }
            Form::TryCast(_) if classes.clone().flatten().any(|class| class != Class::Text) => {
                return Err(Error::new(ErrorKind::Invalid, "try_cast is of texts"));
            }
            Form::Div(_) => Form::Div(classes.any(|class| class == Some(Class::Decimal))),
            Form::IntDiv(_) => Form::IntDiv(classes.all(|class| class == Some(Class::Int))),
            other => other.clone(),
        })
    }

    /// The way into a document: step by step, or as one text.
    fn json_path(&mut self, path: &[Step]) -> Result<()> {
        let Some(arrow) = self.target.grammar.json_step() else {
            return self.bind(&Value::Text(Step::to_path(path)), Some(&Type::Text), BindUse::Compare);
        };
        for step in path {
            self.push(arrow);
            match step {
                Step::Key(key) => self.bind(&Value::Text(key.to_string()), None, BindUse::Compare)?,
                Step::Index(index) => self.push(&index.to_string()),
            }
        }
        Ok(())
    }

    /// The way into a document as an array of texts.
    fn json_keys(&mut self, path: &[Step]) -> Result<()> {
        self.push("ARRAY[");
        self.list(path, |c, step| {
            let key = match step {
                Step::Key(key) => key.to_string(),
                Step::Index(index) => index.to_string(),
            };
            c.push("CAST(");
            c.bind(&Value::Text(key), Some(&Type::Text), BindUse::Compare)?;
            c.push(" AS text)");
            Ok(())
        })?;
        self.push("]");
        Ok(())
    }

    fn sequence(&mut self, sequence: &Sequence) {
        if let Some(schema) = &sequence.schema {
            self.name(&Name::from(schema.clone()));
            self.push(".");
        }
        self.name(&Name::from(sequence.name.clone()));
    }

    fn order_of_texts(&mut self, terms: &[Expr]) -> Result<()> {
        if terms.is_empty() {
            return Ok(());
        }
        if !self.target.grammar.ordered_aggregates(&self.target.features) {
            return Err(self.target.unsupported("ORDER BY in an aggregate"));
        }
        self.order_inside(terms)
    }
}

/// Refuses a part that a date or a time has not.
fn check_field(field: Field, class: Option<Class>) -> Result<()> {
    let of_time = matches!(field, Field::Hour | Field::Minute | Field::Second);
    let lacks = match class {
        Some(Class::Time) => (!of_time).then_some("a time"),
        Some(Class::Date) => of_time.then_some("a date"),
        _ => None,
    };
    match lacks {
        None => Ok(()),
        Some(what) => Err(Error::new(ErrorKind::Invalid, format!("{what} has no {field:?}"))),
    }
}

fn is_place(word: &str) -> bool {
    ["path", "keys", "order", "hex1", "name", "text", "type", "low", "high"].contains(&word)
        || (word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit()))
}

/// What a database lacks that has no template for it.
fn name(form: &Form) -> &'static str {
    match form {
        Form::Extract(..) => "parts of dates",
        Form::Div(_) | Form::IntDiv(_) => "division",
        Form::Bits(_) => "bits",
        Form::Regexp(_) => "regular expressions",
        Form::RegexpReplace => "replacing by regular expressions",
        Form::Words => "indexes of words",
        Form::Json(JsonAs::Json, _) => "JSON",
        Form::Json(..) => "values in JSON",
        Form::JsonContains => "documents in JSON documents",
        Form::JsonHas(_) | Form::JsonHolder(..) | Form::JsonRemove(_) | Form::JsonSet(_) => "places in JSON",
        Form::JsonConcat => "JSON documents put together",
        Form::JsonPathTest(_) => "paths of SQL in JSON",
        Form::JoinTexts => "texts of a group",
        Form::Random => "numbers by chance",
        Form::NextValue(_) => "sequences",
        Form::TryCast(_) => "try_cast to this type",
    }
}

/// How tightly the operand at a place beside an operator has to bind. Quotients group from the left; other operators stand
/// in different places.
fn beside(form: &Form, at: usize) -> u8 {
    match form {
        Form::Div(_) | Form::IntDiv(_) => precedence(form) + u8::from(at > 0),
        _ => super::expr::ATOM,
    }
}

/// How tightly what a form becomes binds.
pub(super) fn precedence(form: &Form) -> u8 {
    match form {
        Form::Regexp(_) | Form::Words | Form::JsonContains | Form::JsonHas(_) | Form::JsonHolder(..) => 4,
        Form::Div(_) | Form::IntDiv(_) => 7,
        // Databases put these in different places.
        Form::Json(..) | Form::JsonConcat | Form::JsonPathTest(_) | Form::JsonRemove(_) | Form::Bits(_) => 0,
        _ => super::expr::ATOM,
    }
}
