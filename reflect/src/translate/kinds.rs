//! Whether a text is an expression that means the same on every database: a grammar of few forms, in which both
//! sides of everything are of one kind.
//!
//! Databases disagree about what stands beside each other (a number and a truth, a date and a number), about
//! the order of comparisons that follow each other, and about enums in order: none of these is one here.

use mirrorm_core::dialect::ColumnFacts;
use mirrorm_core::types::{Class, Type};

use super::words::{Token, is_function};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
    /// A label, which is equal to others or not, and in an order of its database's own.
    Label,
    Date,
    Moment,
    /// A text in the expression: a text, a label, or a date where it spells one.
    Literal,
    DateLiteral,
    /// Anything else, which is NULL or not.
    Other,
}

impl Kind {
    pub(super) fn of(ty: &Type) -> Kind {
        match ty.class() {
            Class::Bool => Kind::Bool,
            Class::Int | Class::Float | Class::Decimal => Kind::Number,
            Class::Text if matches!(ty, Type::Enum(_)) => Kind::Label,
            Class::Text => Kind::Text,
            Class::Date => Kind::Date,
            Class::DateTime => Kind::Moment,
            _ => Kind::Other,
        }
    }

    /// The kind of two that stand beside each other, where it is one.
    fn with(self, other: Kind) -> Option<Kind> {
        match (self, other) {
            (Kind::Other, _) | (_, Kind::Other) => None,
            (a, b) if a == b => Some(a),
            (Kind::Literal | Kind::DateLiteral, Kind::Literal | Kind::DateLiteral) => Some(Kind::Literal),
            (Kind::Literal | Kind::DateLiteral, b @ (Kind::Text | Kind::Label)) => Some(b),
            (a @ (Kind::Text | Kind::Label), Kind::Literal | Kind::DateLiteral) => Some(a),
            (Kind::DateLiteral, Kind::Date) | (Kind::Date, Kind::DateLiteral) => Some(Kind::Date),
            _ => None,
        }
    }
}

/// The tokens that are still to be read.
pub(super) struct Kinds<'k> {
    columns: &'k [ColumnFacts],
    rest: &'k [Token],
    depth: usize,
}

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 100;

impl Kinds<'_> {
    /// The kind of an expression; none where it is no expression, or not the same everywhere.
    pub(super) fn of(columns: &[ColumnFacts], tokens: &[Token]) -> Option<Kind> {
        let mut reader = Kinds { columns, rest: tokens, depth: 0 };
        let kind = reader.either()?;
        let kind = if matches!(kind, Kind::Literal | Kind::DateLiteral) { Kind::Text } else { kind };
        reader.rest.is_empty().then_some(kind)
    }

    fn take(&mut self, token: &Token) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        (first == token).then(|| self.rest = rest)
    }

    fn sign(&mut self, sign: &'static str) -> Option<()> {
        self.take(&Token::Sign(sign))
    }

    fn word(&mut self, word: &str) -> Option<()> {
        match self.rest.split_first()? {
            (Token::Word(own), rest) if own == word => {
                self.rest = rest;
                Some(())
            }
            _ => None,
        }
    }

    fn either(&mut self) -> Option<Kind> {
        let mut kind = self.both()?;
        while self.word("OR").is_some() {
            kind = (kind == Kind::Bool && self.both()? == Kind::Bool).then_some(Kind::Bool)?;
        }
        Some(kind)
    }

    fn both(&mut self) -> Option<Kind> {
        let mut kind = self.opposite()?;
        while self.word("AND").is_some() {
            kind = (kind == Kind::Bool && self.opposite()? == Kind::Bool).then_some(Kind::Bool)?;
        }
        Some(kind)
    }

    fn opposite(&mut self) -> Option<Kind> {
        if self.word("NOT").is_none() {
            return self.comparison();
        }
        self.deeper(Kinds::opposite).filter(|kind| *kind == Kind::Bool)
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Option<Kind>) -> Option<Kind> {
        self.depth += 1;
        let found = (self.depth < DEEPEST).then(|| read(self))?;
        self.depth -= 1;
        found
    }

    /// One comparison: those that follow each other are read differently everywhere.
    fn comparison(&mut self) -> Option<Kind> {
        let left = self.sum()?;
        if self.word("IS").is_some() {
            let _ = self.word("NOT");
            return self.word("NULL").map(|()| Kind::Bool);
        }
        for (sign, ordered) in
            [("=", false), ("<>", false), ("!=", false), ("<", true), (">", true), ("<=", true), (">=", true)]
        {
            if self.sign(sign).is_some() {
                let kind = left.with(self.sum()?)?;
                return (!ordered || !matches!(kind, Kind::Label | Kind::Bool)).then_some(Kind::Bool);
            }
        }
        let negated = self.word("NOT").is_some();
        if self.word("IN").is_some() {
            self.sign("(")?;
            loop {
                left.with(self.sum()?)?;
                if self.sign(",").is_none() {
                    return self.sign(")").map(|()| Kind::Bool);
                }
            }
        }
        if self.word("BETWEEN").is_some() {
            let low = left.with(self.sum()?)?;
            self.word("AND")?;
            let kind = low.with(self.sum()?)?;
            return (!matches!(kind, Kind::Label | Kind::Bool)).then_some(Kind::Bool);
        }
        (!negated).then_some(left)
    }

    fn sum(&mut self) -> Option<Kind> {
        let mut kind = self.value()?;
        while self.sign("+").or_else(|| self.sign("-")).or_else(|| self.sign("*")).is_some() {
            kind = (kind == Kind::Number && self.value()? == Kind::Number).then_some(Kind::Number)?;
        }
        Some(kind)
    }

    fn value(&mut self) -> Option<Kind> {
        if self.sign("-").or_else(|| self.sign("+")).is_some() {
            return self.deeper(Kinds::value).filter(|kind| *kind == Kind::Number);
        }
        if self.sign("(").is_some() {
            let kind = self.deeper(Kinds::either)?;
            return self.sign(")").map(|()| kind);
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        match first {
            Token::Number(_) => Some(Kind::Number),
            Token::Text(text) if is_date(text) => Some(Kind::DateLiteral),
            Token::Text(_) => Some(Kind::Literal),
            Token::Column(at) => self.columns.get(*at).map(|column| Kind::of(&column.ty)),
            Token::Word(word) if word == "TRUE" || word == "FALSE" => Some(Kind::Bool),
            Token::Word(word) if word == "CASE" => self.deeper(Kinds::case),
            Token::Word(word) if is_function(word) => self.call(word),
            _ => None,
        }
    }

    /// CASE of conditions. What is true or false is not its value: not everywhere is that a condition again.
    fn case(&mut self) -> Option<Kind> {
        let mut kind: Option<Kind> = None;
        while self.word("WHEN").is_some() {
            (self.either()? == Kind::Bool).then_some(())?;
            self.word("THEN")?;
            let own = self.either()?;
            kind = Some(kind.map_or(Some(own), |kind| kind.with(own))?);
        }
        if self.word("ELSE").is_some() {
            kind = Some(kind?.with(self.either()?)?);
        }
        self.word("END")?;
        kind.filter(|kind| *kind != Kind::Bool)
    }

    fn call(&mut self, function: &str) -> Option<Kind> {
        self.sign("(")?;
        let first = self.deeper(Kinds::either)?;
        let mut kind = first;
        let mut count = 1;
        while self.sign(",").is_some() {
            kind = kind.with(self.deeper(Kinds::either)?)?;
            count += 1;
        }
        self.sign(")")?;
        let is_text = matches!(first, Kind::Text | Kind::Literal | Kind::DateLiteral);
        match (function, count) {
            ("LOWER" | "UPPER", 1) if is_text => Some(Kind::Text),
            ("CHAR_LENGTH", 1) if is_text => Some(Kind::Number),
            ("ABS", 1) if first == Kind::Number => Some(Kind::Number),
            ("COALESCE", 2..) | ("NULLIF", 2) if kind != Kind::Bool => Some(kind),
            _ => None,
        }
    }
}

/// Whether a text spells a date as everybody does.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<mirrorm_core::value::Date>().is_ok_and(|date| date.to_string() == text)
}
