//! SQL texts of a catalog in the words of another database, as far as they mean the same there.
//!
//! Understood are names of columns, literals, comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, CASE, sums and
//! products of numbers, and the few functions that are the same everywhere; the forms in which catalogs print
//! them. All else is not said at all: LIKE and `||`, `/`, and functions of one database mean something else on
//! another. That a text is one of these, and that both sides of everything in it are of one kind, is `kinds`'
//! work; here are its tokens, read and written.

use mirrorm_core::Value;
use mirrorm_core::compile::Target;
use mirrorm_core::dialect::{ColumnFacts, Dialect, FunctionForm, TableFacts};
use mirrorm_core::types::{Class, Type};

use super::kinds::{Kind, Kinds};

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Column(usize),
    Word(String),
    Quoted(String),
    Number(String),
    Text(String),
    Bytes(Vec<u8>),
    Sign(&'static str),
    /// `::` and the name of a type, in small letters without spaces.
    Cast(String),
}

/// Words that mean the same everywhere.
const KEYWORDS: [&str; 16] = [
    "AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "TRUE", "FALSE", "CASE", "WHEN", "THEN", "ELSE",
    "END", "ANY", "ARRAY",
];

/// Functions that are the same everywhere.
const FUNCTIONS: [&str; 6] = ["ABS", "CHAR_LENGTH", "COALESCE", "LOWER", "NULLIF", "UPPER"];

/// Signs, the longer ones first.
const SIGNS: [&str; 17] =
    ["::", "<>", "!=", "<=", ">=", "(", ")", ",", "=", "<", ">", "+", "-", "*", "[", "]", "."];

/// Characters that operators are made of: two of them beside each other are another operator than each.
const OF_OPERATORS: &str = "<>=!+-*/~|&^%@#?:";

/// Words that go on a type's name.
const OF_TYPES: [&str; 7] = ["varying", "precision", "without", "with", "time", "zone", "unsigned"];

/// The texts of one table for one target.
pub(super) struct Words<'w> {
    table: &'w TableFacts,
    from: &'static dyn Dialect,
    target: &'w Target,
}

impl<'w> Words<'w> {
    pub(super) fn new(table: &'w TableFacts, from: &'static dyn Dialect, target: &'w Target) -> Words<'w> {
        Words { table, from, target }
    }

    /// A name in the target's quotes.
    pub(super) fn name(&self, name: &str) -> String {
        let mut text = String::new();
        self.target.grammar().quote(name, &mut text);
        text
    }

    /// An expression there of one of these kinds.
    pub(super) fn expression(&self, sql: &str, kinds: &[Kind]) -> Option<String> {
        self.of_kinds(&self.tokens(sql)?, kinds)
    }

    /// The value of a generated column there; what is generated itself is not there to generate from.
    pub(super) fn computed(&self, sql: &str, ty: &Type) -> Option<String> {
        let made = |at: usize| self.table.columns.get(at).is_some_and(|column| column.computed.is_some());
        let tokens = self.tokens(sql)?;
        (!columns(&tokens).any(made)).then(|| self.of_kinds(&tokens, &[Kind::of(ty)]))?
    }

    /// A condition there; more than a column, which is not one everywhere.
    pub(super) fn condition(&self, sql: &str) -> Option<String> {
        let tokens = self.tokens(sql)?;
        let alone = matches!(bare(&tokens), [Token::Column(_)]);
        (!alone).then(|| self.of_kinds(&tokens, &[Kind::Bool]))?
    }

    fn of_kinds(&self, tokens: &[Token], kinds: &[Kind]) -> Option<String> {
        let kind = Kinds::of(&self.table.columns, tokens)?;
        kinds.contains(&kind).then(|| self.written(tokens))?
    }

    /// The columns of a text that is understood.
    pub(super) fn columns_of(&self, sql: &str) -> Vec<&'w str> {
        let tokens = self.tokens(sql).unwrap_or_default();
        columns(&tokens)
            .filter_map(|at| self.table.columns.get(at))
            .map(|column| column.name.as_str())
            .collect()
    }

    /// A default there, of a column of this type.
    pub(super) fn default(&self, sql: &str, ty: &Type) -> Option<String> {
        if let Some(word) = current(sql) {
            let function = match (word, ty.class()) {
                ("now", Class::DateTime | Class::Timestamp) => "now",
                ("now" | "current_date", Class::Date) => "current_date",
                ("now" | "current_time", Class::Time) => "current_time",
                _ => return None,
            };
            return match self.target.grammar().function(function) {
                FunctionForm::Word(word) => Some(word.to_string()),
                FunctionForm::Call(name) => Some(format!("{name}()")),
            };
        }
        let tokens = self.tokens(sql)?;
        let value = match bare(&tokens) {
            [Token::Sign("-"), Token::Number(number)] => literal(&Token::Number(format!("-{number}")), ty),
            [Token::Sign("+"), number @ Token::Number(_)] | [number] => literal(number, ty),
            _ if columns(&tokens).next().is_some() => return None,
            _ => return self.of_kinds(&tokens, &[Kind::of(ty)]),
        };
        self.target.literal(value?, ty).ok()
    }

    fn class(&self, at: usize) -> Option<Class> {
        self.table.columns.get(at).map(|column: &ColumnFacts| column.ty.class())
    }

    /// The tokens of a text with its columns found, without casts that change nothing.
    fn tokens(&self, sql: &str) -> Option<Vec<Token>> {
        let mut tokens = with_casts(scan(sql)?)?;
        for token in &mut tokens {
            let (name, exact) = match token {
                Token::Quoted(name) => (name.clone(), true),
                Token::Word(word) => (word.clone(), false),
                _ => continue,
            };
            match self.column(&name, exact) {
                Some(at) => *token = Token::Column(at),
                None if exact => return None,
                None => *token = Token::Word(name.to_ascii_uppercase()),
            }
        }
        let mut tokens = in_lists(self.without_casts(tokens)?)?;
        for at in 0..tokens.len() {
            if self.counts_characters(&tokens, at) {
                *tokens.get_mut(at)? = Token::Word("CHAR_LENGTH".to_string());
            }
        }
        Some(tokens)
    }

    /// Whether a word is a function of the source that counts the characters of a text.
    fn counts_characters(&self, tokens: &[Token], at: usize) -> bool {
        let Some([Token::Word(word), Token::Sign("("), inner @ ..]) = tokens.get(at..) else { return false };
        let of = inner.iter().find(|token| **token != Token::Sign("("));
        let is_text = matches!(of, Some(Token::Column(at)) if self.class(*at) == Some(Class::Text));
        let own = self.from.grammar().function("char_length");
        is_text && (word == "CHARACTER_LENGTH" || own == FunctionForm::Call(&word.to_lowercase()))
    }

    fn column(&self, name: &str, exact: bool) -> Option<usize> {
        if !exact && KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            return None;
        }
        let columns = &self.table.columns;
        let same = columns.iter().position(|column| column.name == name);
        same.or_else(|| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name) && !exact))
    }

    /// Takes away casts of literals that say what these are, and of text to text.
    fn without_casts(&self, tokens: Vec<Token>) -> Option<Vec<Token>> {
        let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
        for token in tokens {
            let Token::Cast(name) = token else {
                kept.push(token);
                continue;
            };
            let start = operand(&kept)?;
            let of = kept.get_mut(start..)?;
            match of {
                [Token::Text(text)] if is_number(&name) => *of.first_mut()? = Token::Number(text.clone()),
                _ if of.contains(&Token::Word("ARRAY".into())) => {}
                _ if of.iter().all(|token| self.is_kept_by_cast(token, &name)) => {}
                _ => return None,
            }
        }
        Some(kept)
    }

    fn is_kept_by_cast(&self, token: &Token, name: &str) -> bool {
        let to_text = ["text", "charactervarying", "varchar", "bpchar", "character"].contains(&name);
        match token {
            Token::Column(at) => to_text && self.class(*at) == Some(Class::Text),
            Token::Text(_) | Token::Sign("(" | ")" | "-") => true,
            Token::Number(_) => is_number(name),
            Token::Word(word) => word == "NULL",
            _ => false,
        }
    }

    /// The text there; none where a word is no one's.
    fn written(&self, tokens: &[Token]) -> Option<String> {
        let mut text = String::new();
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let close =
                matches!(token, Token::Sign(")" | ",")) || matches!(before, None | Some(Token::Sign("(")));
            let call =
                *token == Token::Sign("(") && matches!(before, Some(Token::Word(word)) if is_function(word));
            if !close && !call {
                text.push(' ');
            }
            text.push_str(&match token {
                Token::Column(at) => self.name(&self.table.columns.get(*at)?.name),
                Token::Word(word) if is_function(word) && tokens.get(at + 1) == Some(&Token::Sign("(")) => {
                    match self.target.grammar().function(&word.to_lowercase()) {
                        FunctionForm::Call(name) => name.to_string(),
                        FunctionForm::Word(_) => return None,
                    }
                }
                Token::Word(word)
                    if KEYWORDS.contains(&word.as_str()) && !["ANY", "ARRAY"].contains(&word.as_str()) =>
                {
                    word.clone()
                }
                Token::Number(number) => number.clone(),
                Token::Text(text) => self.target.literal(text.as_str().into(), &Type::Text).ok()?,
                Token::Sign("!=") => "<>".to_string(),
                Token::Sign("::" | "[" | "]" | ".") | Token::Cast(_) => return None,
                Token::Sign(sign) => (*sign).to_string(),
                _ => return None,
            });
        }
        Some(text)
    }
}

pub(super) fn is_function(word: &str) -> bool {
    FUNCTIONS.contains(&word)
}

/// The columns among tokens.
fn columns(tokens: &[Token]) -> impl Iterator<Item = usize> {
    tokens.iter().filter_map(|token| if let Token::Column(at) = token { Some(*at) } else { None })
}

/// `::` with the words and numbers of the type behind it as one token.
fn with_casts(tokens: Vec<Token>) -> Option<Vec<Token>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        if token != Token::Sign("::") {
            kept.push(token);
            continue;
        }
        let mut name = match rest.next()? {
            Token::Word(word) | Token::Quoted(word) => word.to_lowercase(),
            _ => return None,
        };
        if rest.next_if_eq(&Token::Sign(".")).is_some() {
            rest.next_if(|next| matches!(next, Token::Word(_) | Token::Quoted(_)))?;
            name.push('.');
        }
        while let Some(Token::Word(word)) = rest.next_if(is_of_type) {
            name.push_str(&word.to_lowercase());
        }
        if rest.next_if_eq(&Token::Sign("(")).is_some() {
            while rest.next()? != Token::Sign(")") {}
            while rest.next_if(is_of_type).is_some() {}
        }
        if rest.next_if_eq(&Token::Sign("[")).is_some() {
            rest.next_if_eq(&Token::Sign("]"))?;
        }
        kept.push(Token::Cast(name));
    }
    Some(kept)
}

fn is_of_type(token: &Token) -> bool {
    matches!(token, Token::Word(word) if OF_TYPES.iter().any(|of| of.eq_ignore_ascii_case(word)))
}

fn is_number(name: &str) -> bool {
    ["smallint", "integer", "bigint", "numeric", "real", "doubleprecision", "int", "decimal"].contains(&name)
}

/// Where the operand begins that stands at the end: a token, or all between parentheses or brackets, with the
/// word before them.
fn operand(tokens: &[Token]) -> Option<usize> {
    let last = tokens.len().checked_sub(1)?;
    let (open, close) = match tokens.get(last)? {
        Token::Sign(")") => ("(", ")"),
        Token::Sign("]") => ("[", "]"),
        _ => return Some(last),
    };
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().rev() {
        match token {
            Token::Sign(sign) if *sign == close => depth += 1,
            Token::Sign(sign) if *sign == open => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let word = at.checked_sub(1).filter(|before| matches!(tokens.get(*before), Some(Token::Word(_))));
            return Some(word.filter(|_| open == "[").unwrap_or(at));
        }
    }
    None
}

/// `= ANY (ARRAY[a, b])`, as one catalog prints it, is `IN (a, b)`.
fn in_lists(tokens: Vec<Token>) -> Option<Vec<Token>> {
    let any = Token::Word("ANY".into());
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        if token != any {
            kept.push(token);
            continue;
        }
        if kept.pop()? != Token::Sign("=") {
            return None;
        }
        let mut depth = 0;
        while rest.next_if_eq(&Token::Sign("(")).is_some() {
            depth += 1;
        }
        rest.next_if_eq(&Token::Word("ARRAY".into()))?;
        rest.next_if_eq(&Token::Sign("["))?;
        kept.extend([Token::Word("IN".into()), Token::Sign("(")]);
        while let Some(token) = rest.next_if(|next| *next != Token::Sign("]")) {
            kept.push(token);
        }
        rest.next()?;
        kept.push(Token::Sign(")"));
        for _ in 0..depth {
            rest.next_if_eq(&Token::Sign(")"))?;
        }
    }
    Some(kept)
}

/// Tokens without the parentheses around all of them.
fn bare(mut tokens: &[Token]) -> &[Token] {
    while let [Token::Sign("("), inner @ .., Token::Sign(")")] = tokens {
        tokens = inner;
    }
    tokens
}

/// Which current time a text asks for, with digits of a second or without.
fn current(sql: &str) -> Option<&'static str> {
    let tokens = scan(sql)?;
    let word = match bare(&tokens) {
        [Token::Word(word)]
        | [Token::Word(word), Token::Sign("("), Token::Sign(")")]
        | [Token::Word(word), Token::Sign("("), Token::Number(_), Token::Sign(")")] => word,
        _ => return None,
    };
    match word.to_ascii_lowercase().as_str() {
        "now" | "current_timestamp" | "localtimestamp" | "transaction_timestamp" => Some("now"),
        "current_date" | "curdate" => Some("current_date"),
        "current_time" | "curtime" | "localtime" => Some("current_time"),
        _ => None,
    }
}

/// The value of a literal, in the kind of a type.
fn literal(token: &Token, ty: &Type) -> Option<Value> {
    Some(match (token, ty.class()) {
        (Token::Text(text) | Token::Number(text), Class::Int) => Value::Int(text.parse().ok()?),
        (Token::Number(text), Class::Text) => Value::Text(text.clone()),
        (Token::Number(text) | Token::Text(text), Class::Bool) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" => Value::Bool(true),
            "0" | "false" | "f" => Value::Bool(false),
            _ => return None,
        },
        (Token::Number(text), _) => Value::Decimal(text.parse().ok()?),
        (Token::Text(text), _) => Value::Text(text.clone()),
        (Token::Bytes(bytes), Class::Bytes | Class::Any) => Value::Bytes(bytes.clone()),
        (Token::Word(word), class) => match (word.as_str(), class) {
            ("NULL", _) => Value::Null,
            ("TRUE", Class::Bool) => Value::Bool(true),
            ("FALSE", Class::Bool) => Value::Bool(false),
            ("TRUE", Class::Int) => Value::Int(1),
            ("FALSE", Class::Int) => Value::Int(0),
            _ => return None,
        },
        _ => return None,
    })
}

/// The tokens of a text; none for what is not understood.
fn scan(sql: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(c) = rest.chars().next() {
        let (token, after) = match c {
            '\'' => quoted(rest, '\'').map(|(text, after)| (Token::Text(text), after))?,
            '"' | '`' => quoted(rest, c).map(|(name, after)| (Token::Quoted(name), after))?,
            '0'..='9' => number(rest),
            c if c.is_alphabetic() || c == '_' => word(rest)?,
            _ => {
                if rest.starts_with("--") {
                    return None;
                }
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
                let after = rest.strip_prefix(sign)?;
                let is_one = |text: &str| text.starts_with(|c| OF_OPERATORS.contains(c));
                // What goes on is another operator, but for a sign of a number: `a >-5`.
                if is_one(sign) && is_one(after) && !after.starts_with('-') {
                    return None;
                }
                (Token::Sign(sign), after)
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Some(tokens)
}

/// What stands between marks, of which two are one. A backslash means something to some databases only.
fn quoted(text: &str, mark: char) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut rest = text.strip_prefix(mark)?;
    loop {
        let (before, after) = rest.split_once(mark)?;
        inside.push_str(before);
        match after.strip_prefix(mark) {
            Some(more) => {
                inside.push(mark);
                rest = more;
            }
            None => return (mark != '\'' || !inside.contains('\\')).then_some((inside, after)),
        }
    }
}

fn number(text: &str) -> (Token, &str) {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (Token::Number(number.to_string()), rest)
}

/// A word; before a text it says what the text is: a character set, bytes, bits.
fn word(text: &str) -> Option<(Token, &str)> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    if !rest.starts_with('\'') {
        return Some((Token::Word(word.to_string()), rest));
    }
    let (inside, after) = quoted(rest, '\'')?;
    let token = match word {
        "x" | "X" => Token::Bytes(bytes(&inside)?),
        "b" | "B" => Token::Number(u64::from_str_radix(&inside, 2).ok()?.to_string()),
        _ if word.starts_with('_') => Token::Text(inside),
        _ => return None,
    };
    Some((token, after))
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = digits.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok()).collect()
}
