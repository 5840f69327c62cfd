//! Rows that point to each other (§5.2.10, §5.6.8): a key that may be NULL waits.

use mirrorm::prelude::*;

use crate::support::each_backend;

/// Authors with a best book, books with an author.
fn library(db: &Db, best_is_needed: bool) -> (Table, Table) {
    let best = column("best_id", Integer).references("books.id");
    let best = if best_is_needed { best.not_null() } else { best };
    let authors = (column("id", Integer).primary_key(), column("name", Varchar(20)), best);
    let authors = db.table("authors", authors).unwrap();
    let books = (
        column("id", Integer).primary_key(),
        column("title", Varchar(20)),
        column("author_id", Integer).not_null().references("authors.id"),
    );
    let books = db.table("books", books).unwrap();
    db.create_all().unwrap();
    (authors, books)
}

fn stored(db: &Db, table: &Table, key: &str) -> Vec<Option<i64>> {
    select(table.c(key)).order_by(table.c("id")).scalars(db).unwrap()
}

#[test]
fn r5_2_opt_post_update() {
    each_backend(|db| {
        let (authors, books) = library(db, false);
        let session = db.session();
        let author = authors.record(values! { "name" => "ann" }).unwrap();
        let best = books.record(values! { "title" => "best" }).unwrap();
        let other = books.record(values! { "title" => "other" }).unwrap();
        let names = db.relationships(&authors);
        let to_best = names.iter().find(|name| name.starts_with("best")).unwrap();
        author.set_related(to_best, &best).unwrap();
        let to_author = db.relationships(&books).into_iter().find(|name| name.starts_with("author")).unwrap();
        best.set_related(&to_author, &author).unwrap();
        other.set_related(&to_author, &author).unwrap();
        session.add_all([other.clone(), author.clone()]).unwrap();
        let committed = session.commit().unwrap();
        assert_eq!(
            committed.changes.len(),
            3,
            "an insert and its update are one insert: {:?}",
            committed.changes
        );
        let key = |record: &Record| record.get::<i64>("id").unwrap();
        assert_eq!(author.get::<i64>("best_id").unwrap(), key(&best));
        assert_eq!(stored(db, &authors, "best_id"), [Some(key(&best))]);
        assert_eq!(best.get::<i64>("author_id").unwrap(), key(&author));
        assert!(session.flush().is_ok() && !author.is_modified());
        // The other way round: who holds a key that may be NULL lets go first.
        session.delete_all(&[author, best, other]).unwrap();
        let gone = session.commit().unwrap();
        assert_eq!(gone.changes.len(), 3, "{:?}", gone.changes);
        assert_eq!((select(&authors).count(db).unwrap(), select(&books).count(db).unwrap()), (0, 0));
    });
}

#[test]
fn r5_6_8_circles_by_values_and_of_one_table() {
    each_backend(|db| {
        let (authors, books) = library(db, false);
        let partner = column("partner_id", Integer).references("people.id");
        let people = db.table("people", (column("id", Integer).primary_key(), partner)).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        session.add(authors.record(values! { "id" => 7, "best_id" => 9 }).unwrap()).unwrap();
        session.add(books.record(values! { "id" => 9, "author_id" => 7 }).unwrap()).unwrap();
        // Two of each other, and five in a ring.
        let pair: Vec<Record> = (0..2).map(|_| people.record(()).unwrap()).collect();
        pair[0].set_related("partner", &pair[1]).unwrap();
        pair[1].set_related("partner", &pair[0]).unwrap();
        session.add_all(pair.clone()).unwrap();
        session.commit().unwrap();
        let one =
            |n: i64| people.record(values! { "id" => 100 + n, "partner_id" => 100 + n % 5 + 1 }).unwrap();
        let ring: Vec<Record> = (1..=5).map(one).collect();
        session.add_all(ring.clone()).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &authors, "best_id"), [Some(9)]);
        let partners = stored(db, &people, "partner_id");
        assert_eq!(partners[2..], [102, 103, 104, 105, 101].map(Some));
        let key = |at: usize| pair[at].get::<i64>("id").unwrap();
        assert_eq!(pair[0].get::<i64>("partner_id").unwrap(), key(1));
        assert_eq!(pair[1].get::<i64>("partner_id").unwrap(), key(0));
        session.delete_all(ring.iter().chain(&pair)).unwrap();
        session.commit().unwrap();
        assert_eq!(select(&people).count(db).unwrap(), 0);
    });
}

#[test]
fn r5_6_8_a_circle_that_fails_leaves_all_as_it_was() {
    each_backend(|db| {
        let (authors, books) = library(db, false);
        let session = db.session();
        let author = authors.record(values! { "id" => 7, "best_id" => 9 }).unwrap();
        let book = books.record(values! { "id" => 9, "author_id" => 7, "title" => "x" }).unwrap();
        let veto = db.signals().before_insert.of(&books).connect(|_, _| Err("no".into()));
        session.add_all([author.clone(), book.clone()]).unwrap();
        assert_eq!(session.commit().unwrap_err().kind(), ErrorKind::Vetoed);
        drop(veto);
        session.rollback().unwrap();
        assert_eq!(select(&authors).count(db).unwrap(), 0);
        assert_eq!(author.get::<i64>("best_id").unwrap(), 9, "what was held back is there again");
        session.add_all([author, book]).unwrap();
        session.commit().unwrap();
        assert_eq!(stored(db, &authors, "best_id"), [Some(9)]);
    });
}

#[test]
fn r5_6_8_a_circle_of_keys_that_all_are_needed_is_named() {
    each_backend(|db| {
        let (authors, books) = library(db, true);
        let session = db.session();
        session.add(authors.record(values! { "id" => 7, "best_id" => 9 }).unwrap()).unwrap();
        session.add(books.record(values! { "id" => 9, "author_id" => 7 }).unwrap()).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cycle);
        assert!(
            error.to_string().contains("new authors") && error.to_string().contains("new books"),
            "{error}"
        );
    });
}
