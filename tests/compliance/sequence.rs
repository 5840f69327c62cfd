//! test_sequence.py: keys that come from sequences, and sequences that are found.

use mirrorm::compile::Compile;
use mirrorm::prelude::*;
use mirrorm::reflect::Inspector;

use super::elsewhere::Schema;
use super::{On, methods};

/// The next number of a sequence, in the words of the database.
fn next(on: &On<'_>, name: &str) -> Expr {
    raw(match on.dialect() {
        "mysql" => format!("nextval({name})"),
        _ => format!("nextval('{name}')"),
    })
}

/// A table whose key has its values from a sequence that is made before it.
fn keyed(on: &On<'_>, sequence: &str) -> Table {
    on.db.execute_script(&format!("CREATE SEQUENCE {sequence}")).unwrap();
    let id = column("id", Integer).primary_key().server_default(next(on, sequence));
    on.table("seq_pk", (id, column("data", Varchar(50))))
}

/// The same in another schema, with its sequence.
fn keyed_in(on: &On<'_>, schema: &Schema<'_>) -> (Table, String) {
    let sequence = format!("{}.noret_sch_id_seq", schema.name);
    on.db.execute_script(&format!("CREATE SEQUENCE {sequence}")).unwrap();
    let id = column("id", Integer).primary_key().server_default(next(on, &sequence));
    (on.table("seq_sch", (id, column("data", Varchar(50)), in_schema(&*schema.name))), sequence)
}

fn put(t: &Table) -> mirrorm::stmt::Insert {
    insert(t).values(values! { "data" => "some data" })
}

/// Sequences of two schemas, and a table.
fn made<'d>(on: &On<'d>) -> Schema<'d> {
    let schema = Schema::new(on, "test_schema");
    let other = &schema.name;
    on.db
        .execute_script(&format!(
            "CREATE SEQUENCE user_id_seq; CREATE SEQUENCE other_seq NO MAXVALUE NO MINVALUE;
             CREATE SEQUENCE {other}.user_id_seq; CREATE SEQUENCE {other}.schema_seq;
             CREATE TABLE user_id_table (id INTEGER PRIMARY KEY)"
        ))
        .unwrap();
    schema
}

fn names(inspector: &Inspector<'_>) -> Vec<String> {
    inspector.sequences().unwrap().into_iter().map(|sequence| sequence.name).collect()
}

methods! {
    SequenceTest {
        fn insert_roundtrip(on) needs [Sequences] {
            let t = keyed(on, "tab_id_seq");
            put(&t).run(on.db).unwrap();
            on.is(on.rows(&select(&t)), ["1,some data"]);
        }

        fn insert_lastrowid(on) needs [Sequences] {
            keyed(on, "tab_id_seq");
            // As it is found in the database, the key is known to come from there.
            on.db.metadata().clear();
            on.db.reflect().unwrap();
            let t = on.db.table_named("seq_pk").unwrap();
            let given = put(&t).returning(t.c("id")).run(on.db).unwrap();
            on.is(given.row().unwrap().get::<i64>("id").unwrap(), 1);
            let made = put(&t).run(on.db).unwrap();
            if on.dialect() == "postgresql" {
                on.is(made.id(), Some(2));
            }
        }

        fn nextval_direct(on) needs [Sequences] {
            keyed(on, "tab_id_seq");
            let next = select(next(on, "tab_id_seq"));
            on.is(next.scalar::<i64>(on.db).unwrap(), 1);
            on.is(next.scalar::<i64>(on.db).unwrap(), 2);
        }

        fn optional_seq(on) {
            // A key for which nobody says a sequence has its numbers from whatever the database has for that.
            let t = on.table("seq_opt_pk", (column("id", Integer).primary_key(), column("data", Varchar(50))));
            on.is(put(&t).run(on.db).unwrap().id(), Some(1));
        }

        fn insert_roundtrip_no_implicit_returning(on) needs [Sequences] {
            let t = keyed(on, "noret_id_seq");
            insert(&t).rows(["data"], [["some data"], ["more"]]).run(on.db).unwrap();
            on.is(on.rows(&select(&t).order_by(t.c("id"))), ["1,some data", "2,more"]);
        }

        fn insert_roundtrip_translate(on) needs [Sequences] {
            // The schema's name is the program's to choose while it runs.
            let schema = Schema::new(on, "test_schema");
            let (t, _) = keyed_in(on, &schema);
            put(&t).run(on.db).unwrap();
            on.is(put(&t).returning(t.c("id")).run(on.db).unwrap().row().unwrap().get::<i64>(0).unwrap(), 2);
            on.is(on.rows(&select(&t).order_by(t.c("id"))), ["1,some data", "2,some data"]);
        }

        fn nextval_direct_schema_translate(on) needs [Sequences] {
            let schema = Schema::new(on, "test_schema");
            let (t, sequence) = keyed_in(on, &schema);
            on.is(select(next(on, &sequence)).scalar::<i64>(on.db).unwrap(), 1);
            put(&t).run(on.db).unwrap();
            on.is(on.texts(&select(t.c("id"))), ["2"]);
        }
    }

    SequenceCompilerTest {
        fn literal_binds_inline_compile(on) needs [Sequences] {
            let t = on.db.table("x", (column("y", Integer), column("q", Integer))).unwrap();
            on.db.execute_script("CREATE SEQUENCE y_seq").unwrap();
            on.db.create_all().unwrap();
            let next = next(on, "y_seq");
            let sql = insert(&t).values(values! { "y" => next, "q" => 5 });
            let sql = sql.to_sql(&on.db.engine().unwrap().target().unwrap()).unwrap();
            let words = if on.dialect() == "mysql" { "nextval(y_seq)" } else { "nextval('y_seq')" };
            on.is(&sql, &format!("INSERT INTO x (y, q) VALUES ({words}, 5)"));
            on.db.execute_script(&sql).unwrap();
            on.is(on.rows(&select(&t)), ["1,5"]);
        }
    }

    HasSequenceTest {
        fn has_sequence(on) needs [Sequences] {
            let _schema = made(on);
            on.holds(Inspector::new(on.db).has_sequence("user_id_seq").unwrap());
        }

        fn has_sequence_cache(on) needs [Sequences] {
            let _schema = made(on);
            let inspector = Inspector::new(on.db);
            let has = |name: &str| inspector.has_sequence(name).unwrap();
            on.is((has("user_id_seq"), has("new_seq")), (true, false));
            on.db.execute_script("CREATE SEQUENCE new_seq").unwrap();
            on.holds(!has("new_seq"));
            inspector.clear();
            on.holds(has("new_seq"));
        }

        fn has_sequence_other_object(on) needs [Sequences] {
            let _schema = made(on);
            on.holds(!Inspector::new(on.db).has_sequence("user_id_table").unwrap());
        }

        fn has_sequence_schema(on) needs [Sequences] {
            let schema = made(on);
            let inspector = Inspector::new(on.db).in_schema(&*schema.name);
            on.holds(inspector.has_sequence("user_id_seq").unwrap());
            on.holds(inspector.has_sequence("schema_seq").unwrap());
        }

        fn has_sequence_neg(on) {
            on.holds(!Inspector::new(on.db).has_sequence("some_sequence").unwrap());
        }

        fn has_sequence_schemas_neg(on) {
            let schema = Schema::new(on, "test_schema");
            on.holds(!Inspector::new(on.db).in_schema(&*schema.name).has_sequence("some_sequence").unwrap());
        }

        fn has_sequence_default_not_in_remote(on) needs [Sequences] {
            let schema = made(on);
            on.holds(!Inspector::new(on.db).in_schema(&*schema.name).has_sequence("other_seq").unwrap());
        }

        fn has_sequence_remote_not_in_default(on) needs [Sequences] {
            let _schema = made(on);
            on.holds(!Inspector::new(on.db).has_sequence("schema_seq").unwrap());
        }

        fn get_sequence_names(on) needs [Sequences] {
            let _schema = made(on);
            on.is(names(&Inspector::new(on.db)), ["other_seq", "user_id_seq"]);
        }

        fn get_sequence_names_no_sequence_schema(on) {
            let schema = Schema::new(on, "test_schema_2");
            on.is(names(&Inspector::new(on.db).in_schema(&*schema.name)), [] as [&str; 0]);
        }

        fn get_sequence_names_sequences_schema(on) needs [Sequences] {
            let schema = made(on);
            on.is(names(&Inspector::new(on.db).in_schema(&*schema.name)), ["schema_seq", "user_id_seq"]);
        }
    }

    HasSequenceTestEmpty {
        fn get_sequence_names_no_sequence(on) {
            on.is(names(&Inspector::new(on.db)), [] as [&str; 0]);
        }
    }
}
