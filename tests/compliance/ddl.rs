//! test_ddl.py: tables and indexes that are made and dropped, comments, names that are too long.

use mirrorm::prelude::*;
use mirrorm::reflect::Inspector;
use mirrorm::schema::{Autoincrement, Metadata, NamingConvention};
use mirrorm::stmt::Ddl;

use super::elsewhere::Schema;
use super::{On, methods};

fn parts() -> impl mirrorm::schema::TableParts {
    let id = column("id", Integer).primary_key().autoincrement(Autoincrement::Never);
    (id, column("data", Varchar(50)))
}

/// A row goes in and comes out.
fn round_trip(on: &On<'_>, t: &Table, data: &str) {
    insert(t).values([("id", Expr::from(1)), (data, "some data".into())]).run(on.db).unwrap();
    on.is(on.rows(&select(t)), ["1,some data"]);
}

fn has_table(on: &On<'_>) -> bool {
    Inspector::new(on.db).has_table("test_table").unwrap()
}

fn create(t: &Table, if_not_exists: bool) -> Ddl {
    Ddl::CreateTable { table: t.clone(), if_not_exists, without_keys: Vec::new() }
}

/// The name that a database has for what was declared without one, beside what the convention asks for.
fn named(
    on: &On<'_>,
    convention: NamingConvention,
    parts: impl mirrorm::schema::TableParts,
    wanted: impl Fn(&mirrorm::schema::TableDef) -> String,
    found: impl Fn(&Inspector<'_>, &str) -> Option<String>,
) {
    let metadata = Metadata::new().with_naming(convention);
    let target = (column("id_long_column_name", Integer).primary_key(), column("other", Integer));
    let things = metadata.define("a_things_with_stuff", target).unwrap();
    let related = metadata.define("b_related_things_of_value", parts).unwrap();
    let tables = vec![things, related.clone()];
    let engine = on.db.engine().unwrap();
    mirrorm::engine::create_tables(&engine, tables.clone()).unwrap();
    let (wanted, found) =
        (wanted(&related.def()), found(&Inspector::new(on.db), "b_related_things_of_value"));
    let found = found.expect("a name");
    let limit = engine.target().unwrap().features().max_identifier;
    on.holds(wanted.len() > 255 && found.len() <= limit);
    // Cut to what the database takes, a hash of the whole at its end.
    let whole = found.len().min(wanted.len()) - 10;
    on.is(&found[..whole], &wanted[..whole]);
    mirrorm::engine::drop_tables(&engine, tables).unwrap();
}

methods! {
    TableDDLTest {
        fn create_table(on) {
            let t = on.table("test_table", parts());
            round_trip(on, &t, "data");
        }

        fn create_table_schema(on) {
            let schema = Schema::new(on, "test_schema");
            let t = on.table("test_table", (parts(), in_schema(&*schema.name)));
            round_trip(on, &t, "data");
            on.holds(!has_table(on));
            on.is(Inspector::new(on.db).in_schema(&*schema.name).table_names().unwrap(), ["test_table"]);
        }

        fn drop_table(on) {
            on.table("test_table", parts());
            on.db.drop_all().unwrap();
            on.holds(!has_table(on));
        }

        fn underscore_names(on) {
            let parts = (column("id", Integer).primary_key(), column("_data", Varchar(50)));
            let t = on.table("_test_table", parts);
            round_trip(on, &t, "_data");
        }

        fn add_table_comment(on) needs [Comments] {
            on.table("test_table", (parts(), comment("a comment")));
            on.is(Inspector::new(on.db).table_comment("test_table").unwrap().as_deref(), Some("a comment"));
        }

        fn drop_table_comment(on) needs [Comments] {
            on.table("test_table", (parts(), comment("a comment")));
            let without = match on.dialect() {
                "mysql" => "ALTER TABLE test_table COMMENT = ''",
                _ => "COMMENT ON TABLE test_table IS NULL",
            };
            on.db.execute_script(without).unwrap();
            on.is(Inspector::new(on.db).table_comment("test_table").unwrap(), None);
        }

        fn create_table_if_not_exists(on) {
            let t = on.db.table("test_table", parts()).unwrap();
            create(&t, true).run(on.db).unwrap();
            on.holds(has_table(on));
            on.holds(create(&t, true).run(on.db).is_ok());
            on.fails(create(&t, false).run(on.db), ErrorKind::Database);
        }

        fn create_table_if_not_exists_via_create(on) {
            let t = on.table("test_table", parts());
            round_trip(on, &t, "data");
            on.db.create_all().unwrap();
            on.is(select(&t).count(on.db).unwrap(), 1);
        }

        fn create_index_if_not_exists(on) needs [IndexIfNotExists] {
            let t = on.table("test_table", parts());
            let has = || Inspector::new(on.db).has_index("test_table", "test_index").unwrap();
            let create = || {
                let index = index(["data"]).named("test_index");
                Ddl::CreateIndex { table: t.clone(), index, if_not_exists: true }.run(on.db)
            };
            on.holds(!has());
            create().unwrap();
            on.holds(has() && create().is_ok() && has());
        }

        fn drop_table_if_exists(on) {
            let t = on.table("test_table", parts());
            let gone = |if_exists: bool| Ddl::DropTable { table: t.clone(), if_exists }.run(on.db);
            on.holds(has_table(on) && gone(true).is_ok() && !has_table(on));
            on.holds(gone(true).is_ok());
            on.fails(gone(false), ErrorKind::NoSuchTable);
        }

        fn drop_table_if_exists_via_drop(on) {
            on.table("test_table", parts());
            on.db.drop_all().unwrap();
            on.holds(!has_table(on));
            on.holds(on.db.drop_all().is_ok());
        }
    }

    LongNameBlowoutTest {
        fn long_convention_name(on) {
            let long = "abcdefgh_".repeat(30);
            let convention = NamingConvention::new;
            let columns = || (column("aid", Integer).not_null(), column("bid", Integer).not_null());
            named(
                on,
                convention().foreign_key(format!("fk_{{table}}_{{columns}}_{{referred_table}}_{long}")),
                column("aid", Integer).references("a_things_with_stuff"),
                |def| def.foreign_keys()[0].name.as_ref().unwrap().as_str().to_string(),
                |inspector, table| inspector.foreign_keys(table).unwrap()[0].name.clone(),
            );
            named(
                on,
                convention().index(format!("ix_{{table}}_{{columns}}_{long}")),
                (columns(), index(["aid", "bid"])),
                |def| def.indexes()[0].name().unwrap().as_str().to_string(),
                |inspector, table| Some(inspector.indexes(table).unwrap()[0].name.clone()),
            );
            named(
                on,
                convention().unique(format!("uq_{{table}}_{{columns}}_{long}")),
                (columns(), unique(["aid", "bid"])),
                |def| def.uniques()[0].name.as_ref().unwrap().as_str().to_string(),
                |inspector, table| inspector.unique_constraints(table).unwrap()[0].name.clone(),
            );
            named(
                on,
                convention().check(format!("ck_{{table}}_{long}")),
                (columns(), check(raw("aid > 5"))),
                |def| def.checks()[0].name.as_ref().unwrap().as_str().to_string(),
                |inspector, table| inspector.check_constraints(table).unwrap()[0].name.clone(),
            );
            // A primary key has no name of its own on MySQL.
            if on.dialect() != "mysql" {
                named(
                    on,
                    convention().primary_key(format!("pk_{{table}}_{{columns}}_{long}")),
                    (columns(), primary_key(["aid", "bid"])),
                    |def| def.primary_key().unwrap().name.as_ref().unwrap().as_str().to_string(),
                    |inspector, table| inspector.primary_key(table).unwrap().unwrap().name,
                );
            }
        }
    }
}
