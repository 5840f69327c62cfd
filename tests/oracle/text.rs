//! SQL text as both sides mean it: without white space, quotes, parentheses, casts and other ways of saying
//! the same. What is compared are the words.

/// A word of SQL: a quoted text is one, with its apostrophes; names are in small letters, without quotes.
fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => words.push(format!("'{}'", quoted(&mut chars, '\'', true))),
            '"' => words.push(quoted(&mut chars, '"', false).to_lowercase()),
            '`' => words.push(quoted(&mut chars, '`', false).to_lowercase()),
            '[' if chars.peek().is_some_and(|c| c.is_alphabetic()) => {
                words.push(quoted(&mut chars, ']', false).to_lowercase());
            }
            c if c.is_whitespace() => {}
            c if c.is_alphanumeric() || c == '_' || c == '.' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || "_.$".contains(*c)) {
                    word.push(c);
                }
                words.push(word.to_lowercase());
            }
            ':' if chars.next_if_eq(&':').is_some() => words.push("::".to_string()),
            other => words.push(other.to_string()),
        }
    }
    words
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, close: char, escapes: bool) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' if escapes && chars.peek() == Some(&'\'') => text.extend(chars.next()),
            c if c == close && chars.next_if_eq(&close).is_none() => break,
            c => text.push(c),
        }
    }
    text
}

/// The words without casts, character sets before texts, and schemas before names.
fn plain(sql: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut rest = words(sql).into_iter().peekable();
    while let Some(word) = rest.next() {
        let before_text = rest.peek().is_some_and(|next| next.starts_with('\''));
        let of_text = before_text && (word.starts_with('_') || word == "e");
        let names_schema = word.ends_with('.') && !word.starts_with(|c: char| c.is_ascii_digit());
        if word == "::" {
            skip_type(&mut rest);
        } else if of_text || names_schema {
            // A character set, the letter of an escaped text, `schema."name"`. `"schema"."name"` is two.
            if word == "." {
                out.pop();
            }
        } else {
            out.push(word);
        }
    }
    out
}

/// Skips the name of a type behind `::`.
fn skip_type(rest: &mut std::iter::Peekable<impl Iterator<Item = String>>) {
    rest.next();
    while let Some(word) = rest.peek() {
        match word.as_str() {
            "." => {
                rest.next();
                rest.next();
            }
            "varying" | "precision" | "with" | "without" | "time" | "zone" | "[" | "]" => drop(rest.next()),
            "(" => while rest.next().is_some_and(|word| word != ")") {},
            _ => return,
        }
    }
}

/// An expression as its words.
pub(super) fn expression(sql: &str) -> String {
    let mut words = plain(sql);
    words.retain(|word| !matches!(word.as_str(), "(" | ")" | "[" | "]" | ";"));
    if words.first().is_some_and(|word| word == "check") {
        words.remove(0);
    }
    words.join(" ")
}

/// A default as its words; the same number and the current time have many spellings.
pub(super) fn default(sql: &str, mysql: bool) -> Option<String> {
    let mut words = plain(sql);
    while words.first().is_some_and(|w| w == "(") && closes_last(&words) {
        words.pop();
        words.remove(0);
    }
    if words.first().is_some_and(|word| word == "nextval") {
        // Whether the sequence's schema is printed depends on the search path.
        words = words
            .iter()
            .map(|word| word.rsplit('.').next().unwrap_or(word).replace(['"', '\''], ""))
            .collect();
    }
    if mysql {
        let now = ["now", "current_timestamp", "localtime", "localtimestamp"];
        if words.first().is_some_and(|word| now.contains(&word.as_str())) {
            let digits = words.iter().find(|word| word.parse::<u8>().is_ok()).cloned();
            return Some(format!("now {}", digits.unwrap_or_default()));
        }
        if let [only] = words.as_slice() {
            // One of the two servers prints texts bare.
            let bare = only.trim_matches('\'').to_string();
            return Some(number(&bare).unwrap_or(bare)).filter(|bare| bare != "null");
        }
    }
    match words.as_slice() {
        [] => None,
        [only] if only == "null" => None,
        [only] => Some(number(only).unwrap_or_else(|| only.clone())),
        all => Some(all.join(" ")),
    }
}

/// A number without zeros at its end.
fn number(text: &str) -> Option<String> {
    let value: f64 = text.parse().ok()?;
    value.is_finite().then(|| if text.contains('.') { value.to_string() } else { text.to_string() })
}

/// Whether the first parenthesis closes at the very end.
fn closes_last(words: &[String]) -> bool {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate() {
        depth += i32::from(word == "(") - i32::from(word == ")");
        if depth == 0 {
            return at + 1 == words.len();
        }
    }
    false
}

/// A view's text from its SELECT on, without comments.
pub(super) fn view(sql: &str) -> String {
    let mut text = String::new();
    for line in sql.lines() {
        text.push_str(line.split("--").next().unwrap_or(line));
        text.push('\n');
    }
    while let (Some(start), Some(end)) = (text.find("/*"), text.find("*/")) {
        if start >= end {
            break;
        }
        text.replace_range(start..end + 2, " ");
    }
    let lower = text.to_lowercase();
    let body = match lower.trim_start().starts_with("create") {
        true => lower.split_once(" as").and_then(|(front, after)| {
            let from = ["select", "with"].iter().filter_map(|word| after.find(word)).min()?;
            Some(front.len() + 3 + from)
        }),
        false => None,
    };
    expression(text.get(body.unwrap_or(0)..).unwrap_or(&text).trim_end().trim_end_matches(';'))
}
