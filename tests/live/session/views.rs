//! Records over views and over tables without a key (§5.1.3, §5.1.4).

use mirrorm::prelude::*;

use crate::support::{dialect, each_backend};

#[test]
fn r5_1_3_a_view_whose_key_the_program_names() {
    each_backend(|db| {
        db.execute("CREATE TABLE users (id integer PRIMARY KEY, name varchar(40), active integer)", ())
            .unwrap();
        db.execute("INSERT INTO users VALUES (1, 'ann', 1), (2, 'ben', 0), (3, 'cy', 1)", ()).unwrap();
        db.execute("CREATE VIEW active_users AS SELECT id, name FROM users WHERE active = 1", ()).unwrap();
        db.reflect().unwrap();
        let active = db.table("active_users", (primary_key(["id"]), extend_existing())).unwrap();
        let session = db.session();
        let all = session.query(&active).order_by(active.c("id")).all().unwrap();
        let names: Vec<String> = all.iter().map(|user| user.get("name").unwrap()).collect();
        assert_eq!(names, ["ann", "cy"]);
        assert_eq!(session.get_one(&active, 3).unwrap(), all[1], "one record a row");
        assert!(session.get(&active, 2).unwrap().is_none());
        // A simple view is written where the database writes it.
        all[0].set("name", "anna").unwrap();
        let written = session.commit();
        assert_eq!(written.is_ok(), dialect(db) != "sqlite", "{written:?}");
        let _ = session.rollback();
        let name: String =
            db.query_text("SELECT name FROM users WHERE id = 1", ()).unwrap().one().unwrap().get(0).unwrap();
        assert_eq!(name, if written.is_ok() { "anna" } else { "ann" });
    });
}

#[test]
fn r5_1_4_a_table_without_a_key() {
    each_backend(|db| {
        let log = db.table("log", (column("line", Varchar(40)), column("n", Integer))).unwrap();
        db.create_all().unwrap();
        insert(&log).rows(["line", "n"], [("a", 1), ("a", 1), ("b", 2)]).run(db).unwrap();
        let session = db.session();
        let all = session.query(&log).order_by(log.c("line")).all().unwrap();
        assert_eq!(all.len(), 3, "equal rows are several records");
        assert!(all[0] != all[1] && all[0].key().is_none());
        // They are read: nobody knows which row a change would be of.
        all[0].set("n", 7).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("no primary key"), "{error}");
        session.rollback().unwrap();
        assert_eq!(session.query(&log).filter(log.c("n").eq(1)).update_all(values! { "n" => 5 }).unwrap(), 2);
        session.commit().unwrap();
        assert_eq!(select(&log).filter(log.c("n").eq(5)).count(db).unwrap(), 2);
        // A key that the program names makes records of its rows.
        let keyed = db.table("log", (primary_key(["line"]), extend_existing())).unwrap();
        let b = session.get_one(&keyed, "b").unwrap();
        b.set("n", 9).unwrap();
        session.commit().unwrap();
        assert_eq!(select(log.c("n")).filter(log.c("line").eq("b")).scalar::<i64>(db).unwrap(), 9);
        let several = session.get(&keyed, "a").unwrap_err();
        assert_eq!(several.kind(), ErrorKind::MultipleFound, "{several}");
    });
}
