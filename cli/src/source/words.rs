//! Words of Rust: names, literals, chains of calls, and how they are broken into lines.

use std::collections::HashSet;
use std::fmt::Write as _;

use mirrorm::Value;

/// How long a line may be, as rustfmt has it, and a chain of calls on one line.
const LINE: usize = 100;
const CHAIN: usize = 60;

/// Parts a tuple may have: what `TableParts` is written for.
const TUPLE: usize = 32;

/// Names of functions and fields, each used once.
pub(super) struct Idents(HashSet<String>);

impl Idents {
    pub(super) fn with<const N: usize>(taken: [&str; N]) -> Idents {
        Idents(taken.map(str::to_string).into())
    }

    /// A name in the manner of Rust for any name of a database.
    pub(super) fn of(&mut self, name: &str) -> String {
        let stem = stem(name);
        let numbered = (2..).map(|n| format!("{stem}_{n}"));
        let mut wishes = std::iter::once(stem.clone()).chain(numbered);
        let ident = wishes.find(|ident| !self.0.contains(ident)).unwrap_or(stem.clone());
        self.0.insert(ident.clone());
        ident
    }
}

fn stem(name: &str) -> String {
    let mut made = String::new();
    let mut small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && small {
            made.push('_');
        }
        small = c.is_ascii_lowercase() || c.is_ascii_digit();
        made.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    let made = made.split('_').filter(|word| !word.is_empty()).collect::<Vec<&str>>().join("_");
    match made.chars().next() {
        None => "table".to_string(),
        Some(c) if c.is_ascii_digit() => format!("table_{made}"),
        _ if KEYWORDS.contains(&&*made) => format!("{made}_"),
        _ => made,
    }
}

/// doc.rust-lang.org/reference/keywords.html, strict and reserved.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// A value that is built by a chain of calls.
pub(super) struct Chain(String, Vec<String>);

impl Chain {
    pub(super) fn new(start: String) -> Chain {
        Chain(start, Vec::new())
    }

    /// One more call, without its dot.
    pub(super) fn call(&mut self, call: String) {
        self.1.push(call);
    }

    /// A call with texts in Rust's quotes.
    pub(super) fn say<const N: usize>(&mut self, method: &str, texts: [&str; N]) {
        self.call(format!("{method}({})", texts.map(|text| format!("{text:?}")).join(", ")));
    }

    /// The chain, from a line that is indented so far: on one line where it is short.
    pub(super) fn text(&self, indent: usize) -> String {
        let Chain(start, calls) = self;
        let whole = calls.iter().fold(start.clone(), |text, call| text + "." + call);
        if calls.len() < 2 && whole.len() + indent < LINE || whole.len() <= CHAIN {
            return whole;
        }
        let before = " ".repeat(indent + 4);
        calls.iter().fold(start.clone(), |text, call| text + "\n" + &before + "." + call)
    }
}

/// Parts as one argument: alone, or a tuple with a line for each, or tuples of tuples.
pub(super) fn tuple(parts: Vec<Chain>, indent: usize) -> String {
    if let [only] = parts.as_slice() {
        return only.text(indent);
    }
    let inner = indent + 4;
    let deeper = if parts.len() > TUPLE { inner + 4 } else { inner };
    let mut texts: Vec<String> = parts.iter().map(|part| part.text(deeper)).collect();
    if texts.len() > TUPLE {
        texts = texts.chunks(TUPLE).map(|some| lines(some, deeper)).collect();
    }
    while texts.len() > TUPLE {
        texts = texts.chunks(TUPLE).map(|some| lines(some, inner)).collect();
    }
    lines(&texts, inner)
}

fn lines(texts: &[String], indent: usize) -> String {
    if texts.is_empty() {
        return "()".to_string();
    }
    let (before, end) = (" ".repeat(indent), " ".repeat(indent.saturating_sub(4)));
    let mut text = String::from("(\n");
    texts.iter().for_each(|part| text.push_str(&format!("{before}{part},\n")));
    text + &end + ")"
}

/// A list of texts.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", texts.join(", "))
}

/// The value of an option: a flag, a number, a text, a list of texts.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => format!("{number}_i64"),
        Value::UInt(number) => format!("{number}_u64"),
        Value::Array(array) => {
            let items = array.items().iter().fold(String::new(), |mut items, item| {
                let _ = write!(items, "{}.into(), ", literal(item));
                items
            });
            format!("Array::new(\"text\", vec![{}])", items.trim_end_matches(", "))
        }
        other => format!("{:?}", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_any_name() {
        let mut idents = Idents::with(["define"]);
        for (name, ident) in [
            ("InvoiceLine", "invoice_line"),
            ("invoice line", "invoice_line_2"),
            ("type", "type_"),
            ("self", "self_"),
            ("define", "define_2"),
            ("2fast", "table_2fast"),
            ("表", "table"),
            ("\"; }", "table_2"),
            ("_a\nb", "a_b"),
            ("URL", "url"),
        ] {
            assert_eq!(idents.of(name), ident, "{name}");
        }
    }

    #[test]
    fn many_parts_are_tuples_of_tuples() {
        let parts = |n: usize| (0..n).map(|i| Chain::new(format!("p{i}"))).collect::<Vec<Chain>>();
        assert_eq!(tuple(parts(1), 8), "p0");
        assert_eq!(tuple(parts(0), 8), "()");
        assert_eq!(tuple(parts(2), 0), "(\n    p0,\n    p1,\n)");
        let deep = tuple(parts(32 * 32 + 1), 0);
        assert!(deep.starts_with("(\n    (\n") && deep.contains("p1024,"), "{deep}");
        assert_eq!(deep.matches('(').count(), 1 + 2 + 33);
    }
}
