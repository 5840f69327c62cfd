//! Names for constraints and indexes that were declared without one.
//!
//! A name made here is stable: it depends on the table and the columns only. Names made are cut
//! to a dialect's limit by `compile`, with a hash of the whole; a user's own name never is.

use super::name::Name;

/// `ix_users_name`, `uq_posts_author_id_title`.
pub(crate) fn by_columns<'a>(prefix: &str, table: &str, columns: impl Iterator<Item = &'a str>) -> Name {
    let mut text = format!("{prefix}_{table}");
    columns.for_each(|column| {
        text.push('_');
        text.push_str(column);
    });
    Name::from(text)
}

/// A name of at most `limit` bytes: the start of the text, and a hash of all of it.
///
/// The hash is FNV-1a, written out here because it must be the same in every version and on
/// every machine, which the standard library's hasher does not promise.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_string();
    }
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let tail = format!("_{:08x}", hash as u32);
    let mut start = String::new();
    for c in text.chars() {
        if start.len() + c.len_utf8() + tail.len() > limit {
            break;
        }
        start.push(c);
    }
    start + &tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_bounded() {
        let name = by_columns("uq", "posts", ["author_id", "title"].into_iter());
        assert_eq!(name.as_str(), "uq_posts_author_id_title");
        assert_eq!(cut("short", 10), "short");
        let long = cut(&"é".repeat(50), 63);
        assert!(long.len() <= 63 && long.ends_with("_9dffa9bd"), "{long}");
    }
}
