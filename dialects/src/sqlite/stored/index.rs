//! CREATE INDEX as it is stored: expressions and the condition.

use super::tokens::{Reader, tokens};

/// What a stored CREATE INDEX says beyond the PRAGMAs.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct StoredIndex {
    /// Each element as written, without its direction.
    pub(in super::super) elements: Vec<StoredElement>,
    /// The condition after WHERE.
    pub(in super::super) filter: Option<String>,
}

/// An element of a stored index.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct StoredElement {
    /// The expression as written.
    pub(in super::super) whole: String,
    /// What stands before a trailing COLLATE, and its collation; the collation may belong to the
    /// element or to the last operand of its expression.
    pub(in super::super) collated: Option<(String, String)>,
}

/// Reads a stored CREATE INDEX; none for anything else.
pub(in super::super) fn read_index(sql: &str) -> Option<StoredIndex> {
    let list = tokens(sql);
    let mut reader = Reader::new(sql, &list);
    if !reader.take_words(&["CREATE"]) {
        return None;
    }
    reader.take_words(&["UNIQUE"]);
    if !reader.take_words(&["INDEX"]) {
        return None;
    }
    reader.take_words(&["IF", "NOT", "EXISTS"]);
    reader.take_name()?;
    if reader.take_sign('.') {
        reader.take_name()?;
    }
    if !reader.take_words(&["ON"]) {
        return None;
    }
    reader.take_name()?;
    let (inside, _) = reader.take_parens()?;
    let elements = inside.split_commas().into_iter().map(element).collect();
    let filter =
        reader.take_words(&["WHERE"]).then(|| reader.rest_text().trim_end_matches(';').trim().to_string());
    Some(StoredIndex { elements, filter })
}

fn element(mut part: Reader<'_>) -> StoredElement {
    part.take_last_word(&["ASC", "DESC"]);
    let whole = part.rest_text().to_string();
    let collated = part.take_last_collation().map(|name| (part.rest_text().to_string(), name));
    StoredElement { whole, collated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_and_conditions() {
        let index = read_index("CREATE UNIQUE INDEX IF NOT EXISTS s.ix ON t (lower(b) COLLATE NOCASE DESC, a, \"x y\" ASC) WHERE d > 5;").unwrap();
        let texts: Vec<&str> = index.elements.iter().map(|e| e.whole.as_str()).collect();
        assert_eq!(texts, ["lower(b) COLLATE NOCASE", "a", "\"x y\""]);
        assert_eq!(index.elements[0].collated, Some(("lower(b)".to_string(), "NOCASE".to_string())));
        assert_eq!(index.filter.as_deref(), Some("d > 5"));
        assert_eq!(read_index("CREATE TABLE t(a)"), None);
        assert_eq!(read_index("CREATE INDEX i ON t(desc)").unwrap().elements[0].whole, "desc");
    }
}
