//! The numbers of a page list: both ends, the middle, and gaps between.

use std::ops::RangeInclusive;

/// How many numbers a page list shows at its ends and around the current page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edges {
    /// At the start.
    pub left_edge: u64,
    /// Before the current page.
    pub left_current: u64,
    /// After the current page.
    pub right_current: u64,
    /// At the end.
    pub right_edge: u64,
}

impl Default for Edges {
    fn default() -> Edges {
        Edges { left_edge: 2, left_current: 2, right_current: 4, right_edge: 2 }
    }
}

/// The numbers of a page list in order; none stands where one or more are left out.
///
/// Nothing is looked at but what is shown: a million pages cost no more than ten.
#[derive(Clone, Debug)]
pub struct PageNumbers {
    /// What is shown of the start, the middle and the end.
    parts: [RangeInclusive<u64>; 3],
    shown: u64,
    gap: bool,
}

impl PageNumbers {
    pub(super) fn new(page: u64, pages: u64, edges: Edges) -> PageNumbers {
        let middle =
            page.saturating_sub(edges.left_current).max(1)..=page.saturating_add(edges.right_current);
        let end = pages.saturating_sub(edges.right_edge).saturating_add(1)..=pages;
        let within = |part: RangeInclusive<u64>| *part.start()..=(*part.end()).min(pages);
        PageNumbers { parts: [1..=edges.left_edge, middle, end].map(within), shown: 0, gap: false }
    }

    /// The first number after those shown that belongs to a part.
    fn next_number(&self) -> Option<u64> {
        let after = self.shown.checked_add(1)?;
        let within = |part: &RangeInclusive<u64>| {
            let first = after.max(*part.start());
            part.contains(&first).then_some(first)
        };
        self.parts.iter().filter_map(within).min()
    }
}

impl Iterator for PageNumbers {
    type Item = Option<u64>;

    fn next(&mut self) -> Option<Option<u64>> {
        let number = self.next_number()?;
        if number > self.shown + 1 && !self.gap {
            self.gap = true;
            return Some(None);
        }
        (self.gap, self.shown) = (false, number);
        Some(Some(number))
    }
}

impl std::iter::FusedIterator for PageNumbers {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: u64, pages: u64, edges: Edges) -> String {
        let one = |n: Option<u64>| n.map_or("_".to_string(), |n| n.to_string());
        PageNumbers::new(page, pages, edges).map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_numbers_of_a_page_list() {
        let rows: [(u64, u64, &str); 14] = [
            (1, 0, ""),
            (1, 1, "1"),
            (1, 7, "1 2 3 4 5 6 7"),
            (1, 8, "1 2 3 4 5 _ 7 8"),
            (1, 25, "1 2 3 4 5 _ 24 25"),
            (5, 10, "1 2 3 4 5 6 7 8 9 10"),
            (5, 15, "1 2 3 4 5 6 7 8 9 _ 14 15"),
            (6, 13, "1 2 _ 4 5 6 7 8 9 10 _ 12 13"),
            (7, 20, "1 2 _ 5 6 7 8 9 10 11 _ 19 20"),
            (10, 25, "1 2 _ 8 9 10 11 12 13 14 _ 24 25"),
            (20, 25, "1 2 _ 18 19 20 21 22 23 24 25"),
            (25, 25, "1 2 _ 23 24 25"),
            (26, 25, "1 2 _ 24 25"),
            (9, 15, "1 2 _ 7 8 9 10 11 12 13 14 15"),
        ];
        for (page, pages, wanted) in rows {
            assert_eq!(shown(page, pages, Edges::default()), wanted, "page {page} of {pages}");
        }
        assert_eq!(shown(30, 25, Edges::default()), "1 2 _ 24 25");
        let none = Edges { left_edge: 0, right_edge: 0, ..Edges::default() };
        assert_eq!(shown(6, 12, none), "_ 4 5 6 7 8 9 10");
        let ends = Edges { left_current: 0, right_edge: 3, ..Edges::default() };
        assert_eq!(shown(12, 12, ends), "1 2 _ 10 11 12");
    }

    #[test]
    fn the_list_is_short_whatever_it_is_of() {
        let far = PageNumbers::new(u64::MAX / 2, u64::MAX, Edges::default());
        assert_eq!(far.count(), 13);
        let wide = Edges {
            left_edge: u64::MAX,
            left_current: u64::MAX,
            right_current: u64::MAX,
            right_edge: u64::MAX,
        };
        assert_eq!(PageNumbers::new(u64::MAX, 5, wide).count(), 5);
    }
}
