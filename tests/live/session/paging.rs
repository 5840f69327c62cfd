//! Pages of a result, and what is not found.

use mirrorm::paging::{Pagination, Slice};
use mirrorm::prelude::*;

use super::blog;
use crate::support::each_backend;

/// A page in one line: its number, its items, the total, the pages, whether there is more.
fn shown(page: Result<Pagination<Record>>) -> String {
    match page {
        Err(error) => format!("{:?}", error.kind()),
        Ok(page) => {
            let items: Vec<i64> = page.iter().map(|tag| tag.get("id").unwrap()).collect();
            let ends = match (items.first(), items.last()) {
                (Some(first), Some(last)) => format!("{first}-{last}"),
                _ => "nothing".to_string(),
            };
            let total = page.total.map_or("?".to_string(), |total| total.to_string());
            format!(
                "page {} of {}: {ends} of {total}, {} {}",
                page.page,
                page.pages(),
                page.has_prev(),
                page.has_next()
            )
        }
    }
}

/// A blog with so many tags.
fn tags(db: &Db, count: usize) -> Table {
    let b = blog(db);
    insert(&b.tags).rows(["name"], (1..=count).map(|n| [format!("tag {n}")])).run(db).unwrap();
    b.tags
}

#[test]
fn pages_and_their_edges() {
    each_backend(|db| {
        let tags = tags(db, 45);
        let session = db.session();
        let query = session.query(&tags).order_by(tags.c("id"));
        let number = Page::number;
        let rows: Vec<(Page, &str)> = vec![
            (Page::default(), "page 1 of 3: 1-20 of 45, false true"),
            (number(2), "page 2 of 3: 21-40 of 45, true true"),
            (number(3), "page 3 of 3: 41-45 of 45, true false"),
            (number(4), "NotFound"),
            (number(4).lenient(), "page 4 of 3: nothing of 45, true false"),
            (number(0), "NotFound"),
            (number(-1), "NotFound"),
            (number(-1).lenient(), "page 1 of 3: 1-20 of 45, false true"),
            (number(1).per_page(0), "NotFound"),
            (number(2).per_page(0), "NotFound"),
            (number(1).per_page(0).lenient(), "page 1 of 3: 1-20 of 45, false true"),
            (number(1).per_page(-1).lenient(), "page 1 of 3: 1-20 of 45, false true"),
            // The default respects the cap too.
            (number(1).per_page(-1).max_per_page(5).lenient(), "page 1 of 9: 1-5 of 45, false true"),
            (number(1).per_page(30).max_per_page(10), "page 1 of 5: 1-10 of 45, false true"),
            (number(1).max_per_page(0), "NotFound"),
            (number(1).max_per_page(0).lenient(), "page 1 of 45: 1-1 of 45, false true"),
            (number(1).per_page(45), "page 1 of 1: 1-45 of 45, false false"),
            (number(1).per_page(i64::MAX), "page 1 of 1: 1-45 of 45, false false"),
            (number(1_000_000_000_000_000_000), "NotFound"),
            (number(i64::MAX).per_page(i64::MAX), "NotFound"),
            (
                number(1_000_000_000_000_000_000).lenient(),
                "page 1000000000000000000 of 3: nothing of 45, true false",
            ),
            (number(2).without_count(), "page 2 of 0: 21-40 of ?, true true"),
            (number(3).without_count(), "page 3 of 0: 41-45 of ?, true false"),
            (number(3).per_page(15).without_count(), "page 3 of 0: 31-45 of ?, true false"),
        ];
        for (page, wanted) in rows {
            assert_eq!(shown(query.paginate(page.clone())), wanted, "{page:?}");
        }
    });
}

#[test]
fn pages_that_a_request_asks_for() {
    let db = Db::open("sqlite://").unwrap();
    let tags = tags(&db, 250);
    let session = db.session();
    let query = session.query(&tags).order_by(tags.c("id"));
    let number = |page: &str, per_page: Option<&str>| query.paginate(Page::asked(Some(page), per_page));
    for (text, wanted) in [(" 2 ", 2), ("+2", 2), ("1_0", 10), ("3", 3)] {
        assert_eq!(number(text, None).unwrap().page, wanted, "{text:?}");
    }
    let bad = ["", "2.0", "abc", "-1", "0", "1__0", "_1", "1_", "+", "- 1", "99999999999999999999999", "2\0"];
    for text in bad {
        assert_eq!(number(text, None).unwrap_err().kind(), ErrorKind::NotFound, "{text:?}");
        assert_eq!(number("1", Some(text)).map(|page| page.per_page).unwrap_or(0) % 100, 0, "{text:?}");
    }
    let lenient =
        query.paginate(Page::asked(Some("abc"), Some("-99999999999999999999999")).lenient()).unwrap();
    assert_eq!((lenient.page, lenient.per_page), (1, 20));
    // A request is capped, a program is not.
    assert_eq!(number("1", Some("200")).unwrap().items.len(), 100);
    assert_eq!(query.paginate(Page::asked(None, Some("200")).max_per_page(150)).unwrap().items.len(), 150);
    assert_eq!(query.paginate(Page::number(1).per_page(200)).unwrap().items.len(), 200);
}

#[test]
fn turning_pages_keeps_the_cap_and_counts_once() {
    let db = Db::open("sqlite://").unwrap();
    let tags = tags(&db, 45);
    let session = db.session();
    let query = session.query(&tags).order_by(tags.c("id"));
    let page = query.paginate(Page::number(2).per_page(120).max_per_page(15)).unwrap();
    assert_eq!((page.first(), page.last(), page.prev_num(), page.next_num()), (16, 30, Some(1), Some(3)));
    insert(&tags).rows(["name"], [["new"]]).run(&db).unwrap();
    let next = query.paginate(page.next_page()).unwrap();
    // The total is the one that was told.
    assert_eq!((next.page, next.items.len(), next.per_page, next.total), (3, 15, 15, Some(45)));
    let before = query.paginate(page.prev_page()).unwrap();
    assert_eq!((before.page, before.per_page, before.prev_num()), (1, 15, None));
    assert_eq!(query.paginate(before.prev_page()).unwrap().page, 1);
    let beyond = query.paginate(next.next_page()).unwrap();
    assert_eq!((beyond.page, beyond.items.len()), (4, 1));
    let empty = query.paginate(beyond.next_page()).unwrap();
    assert_eq!((empty.page, empty.first(), empty.last(), empty.has_next()), (5, 0, 0, false));
    let error = query.paginate(beyond.next_page().strict()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn pages_of_nothing_and_of_a_source_of_ones_own() {
    each_backend(|db| {
        let tags = tags(db, 0);
        let session = db.session();
        assert_eq!(
            shown(session.query(&tags).paginate(Page::default())),
            "page 1 of 0: nothing of 0, false false"
        );
        let own = Pagination::new(vec!["a"], 5, 10, Some(0));
        assert_eq!((own.pages(), own.has_prev(), own.prev_num(), own.next_num()), (0, true, Some(4), None));
        assert_eq!(Pagination::new(vec![1, 2], 1, 0, Some(9)).pages(), 0);
        assert_eq!(Pagination::new(vec![1, 2], 1, 2, None).pages(), 0);
        let doubled: Vec<i32> = Pagination::new(vec![1, 2], 1, 2, None).map(|n| n * 2).into_iter().collect();
        assert_eq!(doubled, [2, 4]);
        let failed = Page::number(1).fetch(|_, _| Err::<Vec<()>, _>(Error::conversion("no")), || Ok(0));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Conversion);
    });
}

#[test]
fn pages_are_serialized_with_all_they_say() {
    let page = Pagination::new(vec!["a", "b"], 2, 2, Some(5));
    let wanted = serde_json::json!({
        "items": ["a", "b"], "page": 2, "per_page": 2, "total": 5, "pages": 3,
        "has_prev": true, "prev_num": 1, "has_next": true, "next_num": 3, "first": 3, "last": 4
    });
    assert_eq!(serde_json::to_value(&page).unwrap(), wanted);
}

#[test]
fn what_is_limited_already_is_no_page() {
    each_backend(|db| {
        let tags = tags(db, 3);
        let session = db.session();
        for query in [session.query(&tags).limit(1), session.query(&tags).offset(1)] {
            assert_eq!(query.paginate(Page::default()).unwrap_err().kind(), ErrorKind::Invalid);
        }
        let limited = select(&tags).limit(1).paginate(db, Page::default());
        assert_eq!(limited.unwrap_err().kind(), ErrorKind::Invalid);
        let wrong = session.query(&tags).filter(tags.c("nmae").eq(1)).paginate(Page::default());
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn joins_groups_and_distinct_rows_are_counted_as_they_come() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben", "cas"]);
        let posts = (0..12).map(|n| ("p", n % 3 + 1));
        insert(&b.posts).rows(["title", "user_id"], posts).run(db).unwrap();
        let session = db.session();
        let joined = session.query(&b.users).join("posts").order_by(b.users.c("id"));
        let page = joined.paginate(Page::number(1).per_page(5)).unwrap();
        assert_eq!((page.items.len(), page.total, page.pages()), (5, Some(12), 3));
        let distinct = joined.clone().distinct().paginate(Page::number(1).per_page(2)).unwrap();
        assert_eq!((distinct.items.len(), distinct.total), (2, Some(3)));
        let grouped = select((b.posts.c("user_id"), func::count_all())).group_by(b.posts.c("user_id"));
        let page = grouped.order_by(b.posts.c("user_id")).paginate(db, Page::number(2).per_page(2)).unwrap();
        assert_eq!((page.items.len(), page.total), (1, Some(3)));
    });
}

#[test]
fn what_is_not_found_is_said_in_the_programs_words() {
    each_backend(|db| {
        let b = blog(db);
        b.fill(db, &["ann", "ben"]);
        let session = db.session();
        assert_eq!(session.get_or_404(&b.users, 1, None).unwrap().get::<i64>("id").unwrap(), 1);
        let users = session.query(&b.users);
        assert_eq!(
            users.clone().order_by(b.users.c("id")).first_or_404(None).unwrap().get::<i64>("id").unwrap(),
            1
        );
        let nobody = users.clone().filter_by(values! { "name" => "cas" });
        for error in [
            session.get_or_404(&b.users, 5, "gone").unwrap_err(),
            session.get_or_404(&b.users, Value::Null, "gone").unwrap_err(),
            nobody.first_or_404("gone").unwrap_err(),
            nobody.one_or_404("gone").unwrap_err(),
            users.one_or_404("gone").unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "gone"));
        }
        // What was the matter is told beside it.
        let several = users.one_or_404(None).unwrap_err();
        let source = std::error::Error::source(&several).unwrap().downcast_ref::<Error>().unwrap();
        assert_eq!(source.kind(), ErrorKind::MultipleFound);
        // A mistake is not "not found".
        let wrong = session.get_or_404(&b.users, (1, 2), "gone").unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
        assert!(wrong.message().contains("`id`"), "{wrong}");
    });
}

/// Rows with ties and without values, ordered by two columns.
fn uneven(db: &Db) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("a", Integer),
        column("b", Text),
        column("at", Timestamp),
        column("n", Integer).not_null(),
    );
    let t = db.table("uneven", parts).unwrap();
    db.create_all().unwrap();
    let a = [Some(2), None, Some(1)];
    let b = [Some("x"), Some("y"), None, Some("ÿ"), Some("")];
    let at = ["2024-01-01 00:00:00+00:00", "2024-01-01 00:00:00.000001+00:00"];
    let at = at.map(|text| text.parse::<mirrorm::value::Timestamp>().unwrap());
    let rows = (0..60usize).map(|n| (a[n % 3], b[n % 5], at[n % 2], (n * 7 % 4) as i64));
    insert(&t).rows(["a", "b", "at", "n"], rows).run(db).unwrap();
    t
}

fn ids(slice: &Slice) -> Vec<i64> {
    slice.items.iter().map(|record| record.get("id").unwrap()).collect()
}

#[test]
fn pages_by_place_lead_through_every_order_both_ways() {
    each_backend(|db| {
        let t = uneven(db);
        let session = db.session();
        let c = |name: &str| t.c(name);
        let orders: Vec<Vec<Expr>> = vec![
            vec![],
            vec![c("id").desc()],
            vec![c("a")],
            vec![c("a").desc(), c("b")],
            vec![c("b").desc(), c("a").asc(), c("id").desc()],
            vec![c("n"), c("at").desc(), c("b")],
        ];
        for order in orders {
            let query = session.query(&t).order_by(order.clone());
            let whole = ids(&query.keyset(Keyset::first(1_000)).unwrap());
            assert_eq!(whole.len(), 60);
            for rows in [1, 7, 30, 60] {
                let mut slice = query.keyset(Keyset::first(rows)).unwrap();
                let (mut found, mut slices) = (ids(&slice), 1);
                assert_eq!(slice.prev, None);
                while let Some(next) = slice.next.clone() {
                    slice = query.keyset(Keyset::after(rows, next)).unwrap();
                    found.extend(ids(&slice));
                    slices += 1;
                }
                assert_eq!((&found, slices), (&whole, 60_u64.div_ceil(rows)), "{order:?} by {rows}");
                // And back from the last one.
                let mut found = ids(&slice);
                while let Some(prev) = slice.prev.clone() {
                    slice = query.keyset(Keyset::before(rows, prev)).unwrap();
                    found.splice(0..0, ids(&slice));
                    assert!(slice.next.is_some());
                }
                assert_eq!(found, whole, "{order:?} by {rows}, backwards");
            }
        }
        // Rows without a value stand last, whatever the direction.
        let down = session.query(&t).order_by(c("a").desc()).keyset(Keyset::first(60)).unwrap();
        let a: Vec<Option<i64>> = down.items.iter().map(|record| record.get("a").unwrap()).collect();
        assert_eq!((a[0], a[59]), (Some(2), None));
    });
}

#[test]
fn pages_by_place_stand_while_rows_come_and_go() {
    each_backend(|db| {
        let tags = tags(db, 10);
        let session = db.session();
        let query = session.query(&tags).order_by(tags.c("id"));
        let first = query.keyset(Keyset::first(3)).unwrap();
        assert_eq!(ids(&first), [1, 2, 3]);
        // The row of the cursor goes, and one comes before it.
        delete(&tags).filter(tags.c("id").in_([2, 3])).run(db).unwrap();
        insert(&tags).values(values! { "id" => 0, "name" => "early" }).run(db).unwrap();
        session.commit().unwrap();
        let next = query.keyset(Keyset::after(3, first.next.clone().unwrap())).unwrap();
        assert_eq!(ids(&next), [4, 5, 6]);
        let back = query.keyset(Keyset::before(3, next.prev.unwrap())).unwrap();
        assert_eq!((ids(&back), back.prev), (vec![0, 1], None));
        // A cursor says where a row stood, not what the program set since.
        back.items[1].set("id", 100).unwrap();
        assert_eq!(serde_json::to_value(&back.items[0]).unwrap()["id"], 0);
        let filtered =
            query.filter(tags.c("id").gt(8)).keyset(Keyset::after(3, first.next.unwrap())).unwrap();
        assert_eq!(ids(&filtered), [9, 10, 100]);
        assert_eq!((filtered.next, filtered.prev.is_some()), (None, true));
    });
}

#[test]
fn cursors_are_good_for_what_they_were_made_for() {
    let db = Db::open("sqlite://").unwrap();
    let b = blog(&db);
    b.fill(&db, &["ann", "ben"]);
    insert(&b.tags).rows(["name"], [["a"], ["b"]]).run(&db).unwrap();
    let session = db.session();
    let query = session.query(&b.tags).order_by(b.tags.c("name"));
    let cursor = query.keyset(Keyset::first(1)).unwrap().next.unwrap();
    let refused = |slice: Result<Slice>| {
        let error = slice.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    };
    refused(session.query(&b.tags).keyset(Keyset::after(1, &*cursor)));
    refused(session.query(&b.tags).order_by(b.tags.c("name").desc()).keyset(Keyset::after(1, &*cursor)));
    refused(session.query(&b.users).order_by(b.users.c("name")).keyset(Keyset::after(1, &*cursor)));
    refused(query.keyset(Keyset::after(1, &cursor[..cursor.len() - 2])));
    refused(query.keyset(Keyset::after(1, cursor.replace('0', "1"))));
    refused(query.keyset(Keyset::before(1, "")));
    refused(query.keyset(Keyset::after(1, &*cursor).signed_by(b"secret")));
    let signed = query.keyset(Keyset::first(1).signed_by(b"secret")).unwrap().next.unwrap();
    assert_eq!(ids(&query.keyset(Keyset::after(1, signed).signed_by(b"secret")).unwrap()), [2]);
    // And what cannot be paged by place.
    refused(query.keyset(Keyset::first(0)));
    refused(query.clone().limit(3).keyset(Keyset::first(1)));
    refused(session.query(&b.tags).order_by(func::lower(b.tags.c("name"))).keyset(Keyset::first(1)));
    refused(session.query(&b.tags).join("posts").order_by(b.posts.c("id")).keyset(Keyset::first(1)));
    let wrong = session.query(&b.tags).order_by(b.tags.c("nmae")).keyset(Keyset::first(1));
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::NoSuchColumn);
    let log = db.table("log", column("text", Text)).unwrap();
    refused(session.query(&log).keyset(Keyset::first(1)));
}
