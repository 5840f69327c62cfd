//! A stored statement as tokens, by SQLite's own lexical rules (sqlite.org/lang_expr.html, 1 to 3;
//! `tokenize.c`).

/// A token: what it is, and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word: a keyword or a name.
    Word,
    /// A name in double quotes, backticks or brackets.
    Quoted,
    /// Text in apostrophes; in the place of a name, a name.
    Text,
    /// A number, a blob literal, or a parameter.
    Literal,
    /// One character of punctuation.
    Sign(char),
}

/// The tokens of a text, without white space and comments.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    scan(sql).collect()
}

/// As [`tokens`], cut as far as they are asked for.
fn scan(sql: &str) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || next_token(sql, &mut at))
}

/// The token at a place, which moves behind it.
fn next_token(sql: &str, at: &mut usize) -> Option<Token> {
    while let Some(c) = sql.get(*at..).and_then(|rest| rest.chars().next()) {
        let start = *at;
        let bytes = sql.as_bytes();
        let next = bytes.get(start + 1).copied();
        let (kind, end) = match c {
            // SQLite's white space is ASCII only; any other belongs to a word.
            c if c.is_ascii_whitespace() => {
                *at += 1;
                continue;
            }
            '-' if next == Some(b'-') => {
                *at = end_of(sql, start, "\n");
                continue;
            }
            '/' if next == Some(b'*') => {
                *at = end_of(sql, start + 2, "*/");
                continue;
            }
            '"' | '`' => (Kind::Quoted, end_of_quoted(sql, start, c)),
            '\'' => (Kind::Text, end_of_quoted(sql, start, c)),
            '[' => (Kind::Quoted, end_of(sql, start, "]")),
            'x' | 'X' if next == Some(b'\'') => (Kind::Literal, end_of_quoted(sql, start + 1, '\'')),
            c if c.is_ascii_digit() => {
                (Kind::Literal, end_while(sql, start, |c| c.is_alphanumeric() || matches!(c, '.' | '_')))
            }
            c if is_word(c) => {
                let is_part = |b: &u8| is_word(char::from(*b)) || !b.is_ascii();
                let length = bytes.iter().skip(start).take_while(|b| is_part(b)).count();
                (Kind::Word, start + length)
            }
            sign => (Kind::Sign(sign), start + sign.len_utf8()),
        };
        *at = end;
        return Some(Token { kind, start, end });
    }
    None
}

/// Whether a text holds nothing but white space, comments and semicolons.
pub(in super::super) fn is_blank(sql: &str) -> bool {
    sql.trim_end_matches([';', ' ', '\n']).is_empty() || scan(sql).all(|t| t.kind == Kind::Sign(';'))
}

/// A text from its first token to its last: without comments around it.
pub(in super::super) fn without_comments(sql: &str) -> &str {
    let list = tokens(sql);
    match (list.first(), list.last()) {
        (Some(first), Some(last)) => sql.get(first.start..last.end).unwrap_or(sql),
        _ => "",
    }
}

/// The first word of a statement, in upper case.
pub(in super::super) fn first_word(sql: &str) -> String {
    let word = scan(sql).find(|t| t.kind != Kind::Sign(';'));
    word.and_then(|t| sql.get(t.start..t.end)).unwrap_or("").to_ascii_uppercase()
}

/// Words that end a column's type.
const AFTER_TYPE: [&str; 11] = [
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
];

/// Whether a type's name reads as one without quotes: words, and numbers in parentheses.
pub(in super::super) fn is_plain_type(declared: &str) -> bool {
    let list = tokens(declared);
    let text = |t: &Token| declared.get(t.start..t.end).unwrap_or("");
    let open = list.iter().position(|t| t.kind == Kind::Sign('(')).unwrap_or(list.len());
    let (words, rest) = list.split_at_checked(open).unwrap_or((&[], &[]));
    let plain = |t: &Token| {
        let word = text(t);
        let ascii = word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        t.kind == Kind::Word && ascii && !AFTER_TYPE.iter().any(|after| word.eq_ignore_ascii_case(after))
    };
    let arguments = |t: &Token| matches!(t.kind, Kind::Sign('(' | ')' | ',' | '+' | '-') | Kind::Literal);
    let closed = rest.is_empty() || rest.last().is_some_and(|t| t.kind == Kind::Sign(')'));
    let once = rest.iter().filter(|t| matches!(t.kind, Kind::Sign('(' | ')'))).count() <= 2;
    !declared.contains(['-', '/', ';'])
        && !words.is_empty()
        && words.iter().all(plain)
        && rest.iter().all(arguments)
        && closed
        && once
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '@' | ':' | '#') || !c.is_ascii()
}

/// The place after the next occurrence of a mark, or the end of the text.
fn end_of(sql: &str, from: usize, mark: &str) -> usize {
    let tail = sql.get(from..).unwrap_or("");
    tail.find(mark).map_or(sql.len(), |at| from + at + mark.len())
}

/// The place after the closing quote; a doubled quote is part of the token.
fn end_of_quoted(sql: &str, start: usize, mark: char) -> usize {
    let mut inside = sql.get(start..).unwrap_or("").char_indices().skip(1).peekable();
    while let Some((at, c)) = inside.next() {
        if c == mark && inside.next_if(|(_, next)| *next == mark).is_none() {
            return start + at + mark.len_utf8();
        }
    }
    sql.len()
}

fn end_while(sql: &str, start: usize, keep: impl Fn(char) -> bool) -> usize {
    let tail = sql.get(start..).unwrap_or("");
    tail.find(|c| !keep(c)).map_or(sql.len(), |at| start + at)
}

/// Tokens being read from left to right.
#[derive(Clone)]
pub(super) struct Reader<'s> {
    pub(super) sql: &'s str,
    tokens: &'s [Token],
    at: usize,
}

impl<'s> Reader<'s> {
    pub(super) fn new(sql: &'s str, tokens: &'s [Token]) -> Reader<'s> {
        Reader { sql, tokens, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'s Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<&'s Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The text of a token as it is written.
    pub(super) fn text(&self, token: &Token) -> &'s str {
        self.sql.get(token.start..token.end).unwrap_or("")
    }

    fn is_word(&self, token: Option<&Token>, word: &str) -> bool {
        token.is_some_and(|t| t.kind == Kind::Word && self.text(t).eq_ignore_ascii_case(word))
    }

    /// Whether the next tokens are these keywords.
    pub(super) fn at_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, word)| self.is_word(self.tokens.get(self.at + i), word))
    }

    /// Takes these keywords if they come next.
    pub(super) fn take_words(&mut self, words: &[&str]) -> bool {
        let here = self.at_words(words);
        if here {
            self.at += words.len();
        }
        here
    }

    pub(super) fn take_sign(&mut self, sign: char) -> bool {
        let here = self.peek().is_some_and(|t| t.kind == Kind::Sign(sign));
        if here {
            self.at += 1;
        }
        here
    }

    /// Takes a name: a word, or anything quoted.
    pub(super) fn take_name(&mut self) -> Option<String> {
        let token = self.peek()?;
        if matches!(token.kind, Kind::Sign(_) | Kind::Literal) {
            return None;
        }
        self.at += 1;
        Some(unquoted(self.text(token)))
    }

    /// Takes a list in parentheses and gives a reader of what is inside, and its text.
    pub(super) fn take_parens(&mut self) -> Option<(Reader<'s>, &'s str)> {
        self.peek().filter(|t| t.kind == Kind::Sign('('))?;
        let (mut depth, first) = (0usize, self.at + 1);
        while let Some(token) = self.next() {
            match token.kind {
                Kind::Sign('(') => depth += 1,
                Kind::Sign(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inside = self.tokens.get(first..self.at - 1).unwrap_or(&[]);
                // Up to the last token: a comment before the parenthesis is no part of it.
                let ends = inside.first().zip(inside.last()).map(|(a, b)| a.start..b.end);
                let text = ends.and_then(|range| self.sql.get(range)).unwrap_or("");
                return Some((Reader::new(self.sql, inside), text));
            }
        }
        None
    }

    /// The parts between commas that stand outside parentheses.
    pub(super) fn split_commas(self) -> Vec<Reader<'s>> {
        let mut parts = Vec::new();
        let (mut depth, mut first) = (0i32, self.at);
        for (i, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.kind {
                Kind::Sign('(') => depth += 1,
                Kind::Sign(')') => depth -= 1,
                Kind::Sign(',') if depth == 0 => {
                    parts.push(Reader::new(self.sql, self.tokens.get(first..i).unwrap_or(&[])));
                    first = i + 1;
                }
                _ => {}
            }
        }
        parts.push(Reader::new(self.sql, self.tokens.get(first..).unwrap_or(&[])));
        parts
    }

    /// The text from the next token to the last, without white space around it.
    pub(super) fn rest_text(&self) -> &'s str {
        match (self.peek(), self.tokens.last()) {
            (Some(first), Some(last)) => self.sql.get(first.start..last.end).unwrap_or(""),
            _ => "",
        }
    }

    /// The last token, if it is a bare word, taken off the end.
    pub(super) fn take_last_word(&mut self, words: &[&str]) -> Option<&'s str> {
        let last = self.tokens.last().filter(|t| t.kind == Kind::Word)?;
        let text = self.text(last);
        let found =
            words.iter().any(|word| text.eq_ignore_ascii_case(word)) && self.tokens.len() - self.at > 1;
        if found {
            self.tokens = self.tokens.get(..self.tokens.len() - 1).unwrap_or(&[]);
        }
        found.then_some(text)
    }

    /// A trailing `COLLATE name`, taken off the end.
    pub(super) fn take_last_collation(&mut self) -> Option<String> {
        let [before @ .., word, name] = self.tokens.get(self.at..)? else {
            return None;
        };
        if before.is_empty()
            || !self.is_word(Some(word), "COLLATE")
            || matches!(name.kind, Kind::Sign(_) | Kind::Literal)
        {
            return None;
        }
        self.tokens = self.tokens.get(..self.tokens.len() - 2).unwrap_or(&[]);
        Some(unquoted(self.text(name)))
    }

    /// Tokens left.
    pub(super) fn len(&self) -> usize {
        self.tokens.len().saturating_sub(self.at)
    }
}

/// A name without its quotes, with doubled quotes made single.
pub(super) fn unquoted(text: &str) -> String {
    let mut chars = text.chars();
    let close = match chars.next() {
        Some('[') => ']',
        Some(mark @ ('"' | '`' | '\'')) => mark,
        _ => return text.to_string(),
    };
    let inside = chars.as_str();
    let inside = inside.strip_suffix(close).unwrap_or(inside);
    if close == ']' {
        inside.to_string()
    } else {
        inside.replace(&format!("{close}{close}"), &close.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql).iter().map(|t| sql.get(t.start..t.end).unwrap()).collect()
    }

    #[test]
    fn quotes_comments_and_blobs() {
        assert_eq!(
            texts("a \"b\"\"c\" [d e] `f``g` 'h''i' x'00ff' -- no\n 1.5e3 /* CHECK (1) */ ≠ <>"),
            ["a", "\"b\"\"c\"", "[d e]", "`f``g`", "'h''i'", "x'00ff'", "1.5e3", "≠", "<", ">"]
        );
        assert_eq!(unquoted("\"b\"\"c\""), "b\"c");
        assert_eq!(unquoted("[d e]"), "d e");
        assert_eq!(unquoted("plain"), "plain");
    }

    #[test]
    fn unfinished_text_ends() {
        for sql in ["'a", "\"a''", "[a", "/* a", "-- a", "x'0", "(((", "'", "[", "`"] {
            let list = tokens(sql);
            assert!(list.iter().all(|t| t.end <= sql.len()), "{sql}");
        }
    }
}
