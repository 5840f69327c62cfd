//! Names near to a name that was not found, for error messages.
//!
//! Not a search: it compares one wrong word with a list of right ones.

/// The part of a message that proposes a name: `, did you mean `title`?`, or nothing.
pub fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(wrong, known) {
        Some(name) => format!(", did you mean `{name}`?"),
        None => String::new(),
    }
}

/// The known name with the fewest edits from the wrong one, if it is near enough to be meant.
fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase();
    let allowed = (folded.chars().count() / 3).max(1);
    known
        .map(|name| (distance(&folded, &name.to_lowercase()), name))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours
/// (the restricted Damerau-Levenshtein distance). Long names count as far apart.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(65).collect();
    let b: Vec<char> = b.chars().take(65).collect();
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |line: &[usize], k: usize| line.get(k).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&above, j + 1) + 1).min(at(&row, j) + 1);
            best = best.min(at(&above, j) + usize::from(from != to));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_proposed() {
        let known = ["title", "author_id", "id"];
        let say = |wrong| did_you_mean(wrong, known.into_iter());
        assert_eq!(say("titel"), ", did you mean `title`?");
        assert_eq!(say("auther_id"), ", did you mean `author_id`?");
        assert_eq!(say("TITLE"), ", did you mean `title`?");
        assert_eq!(say("zebra"), "");
        assert_eq!(say(&"x".repeat(10_000)), "");
    }
}
