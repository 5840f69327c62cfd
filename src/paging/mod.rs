//! Pages of a result: which one is wanted (here), what it is (`result`), and the numbers of a page
//! list (`links`). And pages by place (`keyset`), with their signed cursors (`cursor`).
//! `template` shows a page in minijinja.
//!
//! Not here: the queries that are paged; these are traits on them.

mod cursor;
mod keyset;
mod links;
mod result;
#[cfg(feature = "minijinja")]
mod template;

use std::sync::Arc;

use mirrorm_core::engine::{Execute, mark};
use mirrorm_core::rows::Row;
use mirrorm_core::stmt::Select;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_session::{Query, Record};

pub use keyset::{Keyset, Slice};
pub use links::{Edges, PageNumbers};
pub use result::Pagination;

/// Rows of a page where nobody says.
const PER_PAGE: u64 = 20;
/// The most rows of a page that a request may ask for where nobody says.
const MOST_ASKED: u64 = 100;

/// Which page of a result is wanted.
///
/// Pages count from 1 and have 20 rows, if nothing else is said. What makes no sense is `NotFound`,
/// and so is a page beyond the first without rows, because pages are asked for by people who edit
/// addresses; [`Page::lenient`] gives the default instead.
#[derive(Clone, Debug)]
#[must_use = "a page is what `paginate` takes"]
pub struct Page {
    number: Asked,
    per_page: Asked,
    most: Option<u64>,
    lenient: bool,
    counted: bool,
    /// The total, where an earlier page told it.
    total: Option<u64>,
}

/// A number somebody asked for.
#[derive(Clone, Debug)]
enum Asked {
    Nothing,
    Number(i64),
    /// What is no number.
    Text(Arc<str>),
}

impl Default for Page {
    /// The first page.
    fn default() -> Page {
        let (number, per_page) = (Asked::Nothing, Asked::Nothing);
        Page { number, per_page, most: None, lenient: false, counted: true, total: None }
    }
}

impl Page {
    /// The page of this number, from 1.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&tags).rows(["name"], (1..=45).map(|n| [format!("tag {n}")])).run(&db)?;
    /// let session = db.session();
    /// let query = session.query(&tags).order_by(tags.c("id"));
    /// let page = query.paginate(Page::number(2).per_page(10))?;
    /// assert_eq!((page.items.len(), page.total, page.pages()), (10, Some(45), 5));
    /// assert_eq!((page.first(), page.last(), page.next_num()), (11, 20, Some(3)));
    /// assert_eq!(query.paginate(page.next_page())?.items[0].get::<i64>("id")?, 21);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn number(number: i64) -> Page {
        Page { number: Asked::Number(number), ..Page::default() }
    }

    /// The page that a request asks for, by the texts of its arguments: whole numbers, with a sign,
    /// blanks around them or underscores between their digits. A request gets at most 100 rows, if
    /// nothing else is said by [`Page::max_per_page`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", column("id", Integer).primary_key())?;
    /// db.create_all()?;
    /// let session = db.session();
    /// let ask = |page| session.query(&tags).paginate(Page::asked(page, None));
    /// assert_eq!(ask(None)?.page, 1);
    /// assert_eq!(ask(Some("abc")).unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn asked(page: Option<&str>, per_page: Option<&str>) -> Page {
        let read = |text: Option<&str>| text.map_or(Asked::Nothing, Asked::read);
        Page { number: read(page), per_page: read(per_page), most: Some(MOST_ASKED), ..Page::default() }
    }

    /// So many rows a page.
    pub fn per_page(mut self, rows: i64) -> Page {
        self.per_page = Asked::Number(rows);
        self
    }

    /// At most so many rows a page, whatever is asked for.
    pub fn max_per_page(mut self, rows: u64) -> Page {
        self.most = Some(rows);
        self
    }

    /// What makes no sense is the default: the first page, 20 rows (or the most there may be). A page
    /// beyond the end is empty.
    pub fn lenient(mut self) -> Page {
        self.lenient = true;
        self
    }

    /// Leaves the total out, which costs a statement of its own. Whether there is a next page is
    /// known all the same: one row more is read.
    pub fn without_count(mut self) -> Page {
        self.counted = false;
        self
    }

    /// Pages whatever has rows: `items` gives at most so many of them after skipping so many, and
    /// `count` says how many there are.
    ///
    /// # Errors
    /// `NotFound` as the type says; those of the two functions.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let all: Vec<u32> = (1..=7).collect();
    /// let items = |rows: u64, skip: u64| {
    ///     Ok(all.iter().copied().skip(skip as usize).take(rows as usize).collect())
    /// };
    /// let page = Page::number(2).per_page(3).fetch(items, || Ok(all.len() as u64))?;
    /// assert_eq!((page.items.as_slice(), page.pages()), ([4, 5, 6].as_slice(), 3));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn fetch<T>(
        self,
        items: impl FnOnce(u64, u64) -> Result<Vec<T>>,
        count: impl FnOnce() -> Result<u64>,
    ) -> Result<Pagination<T>> {
        let (number, per_page) = self.wanted()?;
        // Beyond what databases count to there is nothing.
        let skip = (number - 1).saturating_mul(per_page).min(i64::MAX as u64);
        let counts = self.counted || self.total.is_some();
        let rows = if counts { per_page } else { per_page.saturating_add(1) };
        let mut items = items(rows, skip)?;
        if items.is_empty() && number > 1 && !self.lenient {
            return Err(not_found(format!("there is no page {number}")));
        }
        let has_more = items.len() as u64 > per_page;
        items.truncate(per_page as usize);
        let read = items.len() as u64;
        let total = match self.total {
            Some(total) => Some(total),
            None if !counts => None,
            // The last page tells how many there are.
            None if read > 0 && read < per_page => Some(skip + read),
            None => Some(count()?),
        };
        Ok(Pagination::of(items, (number, per_page), total, (has_more, self)))
    }

    /// The number and the rows of a page that makes sense.
    fn wanted(&self) -> Result<(u64, u64)> {
        let number = self.settled(&self.number, 1, "page")?;
        let most = self.most.unwrap_or(i64::MAX as u64).min(i64::MAX as u64);
        if most == 0 && !self.lenient {
            return Err(not_found("a page of no rows"));
        }
        let per_page = match &self.per_page {
            Asked::Nothing => PER_PAGE,
            asked => self.settled(asked, PER_PAGE, "number of rows a page")?,
        };
        Ok((number, per_page.min(most.max(1))))
    }

    fn settled(&self, asked: &Asked, default: u64, what: &str) -> Result<u64> {
        let wrong = |shown: &dyn std::fmt::Display| match self.lenient {
            true => Ok(default),
            false => Err(not_found(format!("`{shown}` is no {what}"))),
        };
        match asked {
            Asked::Nothing => Ok(default),
            Asked::Number(n) if *n >= 1 => Ok(n.unsigned_abs()),
            Asked::Number(n) => wrong(n),
            Asked::Text(text) => wrong(text),
        }
    }

    /// The same request for another page, of what is known by now.
    fn turned(&self, to: u64, per_page: u64, total: Option<u64>) -> Page {
        let asked = |n: u64| Asked::Number(i64::try_from(n).unwrap_or(i64::MAX));
        Page { number: asked(to), per_page: asked(per_page), total, lenient: true, ..self.clone() }
    }

    /// A page that makes no sense, or has no rows, is `NotFound`: for requests that another page
    /// made.
    pub fn strict(mut self) -> Page {
        self.lenient = false;
        self
    }
}

impl Asked {
    /// A number as people write it in an address.
    fn read(text: &str) -> Asked {
        let bare = text.trim();
        let digits = bare.strip_prefix(['+', '-']).unwrap_or(bare);
        let is_number =
            digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        if !is_number {
            return Asked::Text(text.into());
        }
        let beyond = if bare.starts_with('-') { i64::MIN } else { i64::MAX };
        Asked::Number(bare.replace('_', "").parse().unwrap_or(beyond))
    }
}

/// The error of a page, a row, that somebody asked for and is not there.
fn not_found(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::NotFound, message)
}

/// The error of a query that has a limit of its own already.
fn limited() -> Error {
    let message = "the query has a limit or an offset: a page is one already";
    Error::new(ErrorKind::Invalid, message)
}

/// Pages a SELECT, for rows instead of records. The prelude brings it in.
pub trait Paginate {
    /// A page of its rows.
    ///
    /// # Errors
    /// `NotFound` as [`Page`] says; `Invalid` for a statement with a limit or an offset; as
    /// [`Select::all`].
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text)))?;
    /// db.create_all()?;
    /// insert(&tags).rows(["name"], [["a"], ["b"], ["c"]]).run(&db)?;
    /// let page = select(tags.c("name")).order_by(tags.c("id")).paginate(&db, Page::number(2).per_page(2))?;
    /// assert_eq!(page.items[0].get::<String>(0)?, "c");
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn paginate(&self, on: &impl Execute, page: Page) -> Result<Pagination<Row>>;
}

impl Paginate for Select {
    #[track_caller]
    fn paginate(&self, on: &impl Execute, page: Page) -> Result<Pagination<Row>> {
        let _caller = mark();
        if self.is_limited() {
            return Err(limited());
        }
        let items = |rows, skip| Ok(self.clone().limit(rows).offset(skip).all(on)?.iter().collect());
        page.fetch(items, || self.count(on))
    }
}

/// Pages a query for records. The prelude brings it in.
pub trait PageQuery {
    /// A page of the records. Order them by something that tells rows apart, such as the key: the
    /// database is free to give rows in any order otherwise, and another one for each page.
    ///
    /// # Errors
    /// As [`Query::all`]; `NotFound` as [`Page`] says; `Invalid` for a query with a limit or an offset.
    ///
    /// # Example
    /// See [`Page::number`].
    fn paginate(&self, page: Page) -> Result<Pagination<Record>>;

    /// Records at a place of the query's order: the first, those after a cursor, or those before one.
    /// Rows that are equal in what they are ordered by stand in the order of the primary key, and
    /// rows without a value after all others.
    ///
    /// # Errors
    /// As [`Query::all`]; `Invalid` for a cursor that is not of this table and order, for an order by
    /// anything but columns of the table, for a table without a primary key, and for a query with a
    /// limit or an offset.
    ///
    /// # Example
    /// See [`Keyset::first`].
    fn keyset(&self, page: Keyset) -> Result<Slice>;
}

impl PageQuery for Query<'_> {
    #[track_caller]
    fn paginate(&self, page: Page) -> Result<Pagination<Record>> {
        let _caller = mark();
        if self.select().is_limited() {
            return Err(limited());
        }
        let items = |rows, skip| self.clone().limit(rows).offset(skip).all();
        page.fetch(items, || self.count())
    }

    #[track_caller]
    fn keyset(&self, page: Keyset) -> Result<Slice> {
        let _caller = mark();
        if self.select().is_limited() {
            return Err(limited());
        }
        page.read(self)
    }
}
