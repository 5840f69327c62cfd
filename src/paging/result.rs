//! A page of a result, and where it stands among the others.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Page;
use super::links::{Edges, PageNumbers};

/// A page of a result: its items, and where it stands.
///
/// Serialized, it is a map of its fields and of everything its methods say but the page list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pagination<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Its number, from 1.
    pub page: u64,
    /// The most items of a page.
    pub per_page: u64,
    /// How many items there are on all pages, if that was asked for.
    pub total: Option<u64>,
    /// Whether there is more, where nobody counted.
    has_more: bool,
    asked: Page,
}

impl<T> Pagination<T> {
    /// A page of a source of your own; [`Page::fetch`] does the reckoning too.
    pub fn new(items: Vec<T>, page: u64, per_page: u64, total: Option<u64>) -> Pagination<T> {
        Pagination::of(items, (page, per_page), total, (false, Page::default()))
    }

    pub(super) fn of(
        items: Vec<T>,
        (page, per_page): (u64, u64),
        total: Option<u64>,
        (has_more, asked): (bool, Page),
    ) -> Pagination<T> {
        Pagination { items, page, per_page, total, has_more, asked }
    }

    /// How many pages there are; 0 where nobody counted.
    pub fn pages(&self) -> u64 {
        match (self.total, self.per_page) {
            (None, _) | (_, 0) => 0,
            (Some(total), per_page) => total.div_ceil(per_page),
        }
    }

    /// Whether there is a page before.
    pub fn has_prev(&self) -> bool {
        self.page > 1
    }

    /// The number of the page before.
    pub fn prev_num(&self) -> Option<u64> {
        self.has_prev().then(|| self.page - 1)
    }

    /// Whether there is a page after.
    pub fn has_next(&self) -> bool {
        match self.total {
            Some(_) => self.page < self.pages(),
            None => self.has_more,
        }
    }

    /// The number of the page after.
    pub fn next_num(&self) -> Option<u64> {
        self.has_next().then(|| self.page.saturating_add(1))
    }

    /// The request for the page before, or for the first again: with the same number of rows, the
    /// same cap, and the total that is known. It is lenient.
    pub fn prev_page(&self) -> Page {
        self.asked.turned(self.page.saturating_sub(1).max(1), self.per_page, self.total)
    }

    /// The request for the page after; beyond the end that is empty. It is lenient.
    pub fn next_page(&self) -> Page {
        self.asked.turned(self.page.saturating_add(1), self.per_page, self.total)
    }

    /// The number of the first item among all, from 1; 0 for an empty page.
    pub fn first(&self) -> u64 {
        match self.items.is_empty() {
            true => 0,
            false => self.page.saturating_sub(1).saturating_mul(self.per_page).saturating_add(1),
        }
    }

    /// The number of the last item among all; 0 for an empty page.
    pub fn last(&self) -> u64 {
        match self.items.is_empty() {
            true => 0,
            false => self.first().saturating_add(self.items.len() as u64 - 1),
        }
    }

    /// The numbers for a list of pages: some at both ends and around this one, and none where
    /// numbers are left out.
    ///
    /// # Example
    /// ```
    /// use mirrorm::paging::Pagination;
    ///
    /// let page = Pagination::new(vec![()], 6, 10, Some(130));
    /// let shown = page.iter_pages().map(|n| n.map_or("…".to_string(), |n| n.to_string()));
    /// assert_eq!(shown.collect::<Vec<_>>().join(" "), "1 2 … 4 5 6 7 8 9 10 … 12 13");
    /// ```
    pub fn iter_pages(&self) -> PageNumbers {
        self.iter_pages_with(Edges::default())
    }

    /// As [`Pagination::iter_pages`], with so many numbers at the ends and around.
    pub fn iter_pages_with(&self, edges: Edges) -> PageNumbers {
        PageNumbers::new(self.page, self.pages(), edges)
    }

    /// The same page of other items, one for each.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Pagination<U> {
        let Pagination { items, page, per_page, total, has_more, asked } = self;
        let items = items.into_iter().map(change).collect();
        Pagination { items, page, per_page, total, has_more, asked }
    }

    /// As [`Pagination::map`], with a change that can fail.
    ///
    /// # Errors
    /// The first of the change.
    pub fn try_map<U, E>(self, change: impl FnMut(T) -> Result<U, E>) -> Result<Pagination<U>, E> {
        let Pagination { items, page, per_page, total, has_more, asked } = self;
        let items = items.into_iter().map(change).collect::<Result<_, E>>()?;
        Ok(Pagination { items, page, per_page, total, has_more, asked })
    }

    /// The items.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }
}

impl<T> IntoIterator for Pagination<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'p, T> IntoIterator for &'p Pagination<T> {
    type Item = &'p T;
    type IntoIter = std::slice::Iter<'p, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: Serialize> Serialize for Pagination<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Pagination", 11)?;
        map.serialize_field("items", &self.items)?;
        map.serialize_field("page", &self.page)?;
        map.serialize_field("per_page", &self.per_page)?;
        map.serialize_field("total", &self.total)?;
        map.serialize_field("pages", &self.pages())?;
        map.serialize_field("has_prev", &self.has_prev())?;
        map.serialize_field("prev_num", &self.prev_num())?;
        map.serialize_field("has_next", &self.has_next())?;
        map.serialize_field("next_num", &self.next_num())?;
        map.serialize_field("first", &self.first())?;
        map.serialize_field("last", &self.last())?;
        map.end()
    }
}
