//! Errors, a test for each row of the comparison with SQLAlchemy's (`r3_5_2` is its row 3.5.2).

use mirrorm::prelude::*;
use mirrorm::{Left, Outcome};

use crate::support::{dialect, each_backend};

#[test]
fn r3_5_1_a_kind_for_each() {
    each_backend(|db| {
        let a = db.table("a", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        let b = db.table("b", column("id", Integer).primary_key()).unwrap();
        db.create_all().unwrap();
        let kinds = [
            (db.table_named("nothing").map(drop), ErrorKind::NoSuchTable),
            (db.table("a", column("other", Integer)).map(drop), ErrorKind::Duplicate),
            (select(&a).join(&b).all(db).map(drop), ErrorKind::NoForeignKey),
            (a.try_c("nothing").map(drop), ErrorKind::NoSuchColumn),
            (select(&a).one(db).map(drop), ErrorKind::NotFound),
            (db.query_text("SELEC 1", ()).map(drop), ErrorKind::Syntax),
            (Db::open("nosql://x").map(drop), ErrorKind::Config),
        ];
        for (at, (result, kind)) in kinds.into_iter().enumerate() {
            assert_eq!(result.map_err(|error| error.kind()), Err(kind), "{at}");
        }
        insert(&a).rows(["n"], [[1], [2]]).run(db).unwrap();
        assert_eq!(select(&a).one(db).unwrap_err().kind(), ErrorKind::MultipleFound);
    });
}

#[test]
fn r3_5_2_constraints_by_name_and_column() {
    each_backend(|db| {
        let _parent = db.table("parent", column("id", Integer).primary_key()).unwrap();
        let child = db
            .table(
                "child",
                (
                    column("id", Integer).primary_key(),
                    column("parent_id", Integer).references("parent.id"),
                    column("code", Varchar(10)).not_null(),
                    column("age", Integer),
                    unique(["code", "age"]).named("code_once"),
                    check(raw("age > 0")).named("age_positive"),
                ),
            )
            .unwrap();
        db.create_all().unwrap();
        macro_rules! put {
            ($($values:tt)*) => { insert(&child).values(values! { $($values)* }).run(db).map(drop) };
        }
        put!("code" => "xx1", "age" => 1).unwrap();
        let twice = put!("code" => "xx1", "age" => 1).unwrap_err();
        assert_eq!(
            (twice.kind(), twice.columns()),
            (ErrorKind::Unique, &["code".to_string(), "age".into()][..])
        );
        let orphan = put!("code" => "y", "parent_id" => 9).unwrap_err();
        assert_eq!(orphan.kind(), ErrorKind::ForeignKey, "{orphan}");
        let empty = put!("age" => 1).unwrap_err();
        assert_eq!(
            (empty.kind(), empty.columns()),
            (ErrorKind::NotNull, &["code".to_string()][..]),
            "{empty}"
        );
        let young = put!("code" => "z", "age" => -1).unwrap_err();
        assert_eq!((young.kind(), young.constraint()), (ErrorKind::Check, Some("age_positive")), "{young}");
        for error in [&twice, &orphan, &empty, &young] {
            assert!(error.is_constraint_violation() && !error.is_retryable());
            assert!(error.sql().is_some_and(|sql| sql.starts_with("INSERT INTO")), "{error:?}");
            assert_eq!((error.left(), error.outcome()), (Left::Statement, Outcome::NotDone));
            let all = format!("{error:?} {:?}", std::error::Error::source(error).map(ToString::to_string));
            assert!(!all.contains("'xx1'") && !all.contains("=(xx1"), "no values of the row: {all}");
        }
        if dialect(db) != "sqlite" {
            assert_eq!(twice.constraint(), Some("code_once"));
            assert!(orphan.constraint().is_some() && orphan.table().is_some());
        }
    });
}

#[test]
fn r3_5_4_errors_of_sessions() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let record = session.add(t.record(values! { "id" => 1, "n" => 1 }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(record.get::<i64>("n").unwrap(), 1);
        db.execute("DELETE FROM t", ()).unwrap();
        record.set("n", 2).unwrap();
        let stale = session.flush().unwrap_err();
        assert_eq!(stale.kind(), ErrorKind::Stale, "the row is gone: {stale}");
        session.rollback().unwrap();
        assert_eq!(session.refresh(&record).unwrap_err().kind(), ErrorKind::Stale);
        drop(session);
        let other = db.session();
        let loose = t.record(values! { "n" => 1 }).unwrap();
        assert_eq!(other.refresh(&loose).unwrap_err().kind(), ErrorKind::Invalid, "never stored");
    });
}

#[test]
fn r3_5_5_the_first_cause_stays() {
    each_backend(|db| {
        let t = db.table("t", (column("id", Integer).primary_key(), column("n", Integer).unique())).unwrap();
        db.create_all().unwrap();
        let error = db
            .transaction(|session| {
                insert(&t).rows(["n"], [[1], [1]]).run(session)?;
                Ok(())
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unique, "what failed, not what came of it: {error}");
        assert_eq!(select(&t).count(db).unwrap(), 0);
    });
}
