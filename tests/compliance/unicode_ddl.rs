//! test_unicode_ddl.py: names beyond ASCII, of tables, columns and what points to them.

use mirrorm::prelude::*;
use mirrorm::schema::Autoincrement;

use super::{On, methods};

/// Three tables; the columns of the second have other keys in the program.
fn tables(on: &On<'_>) -> [Table; 3] {
    let first = (column("méil", Integer).primary_key(), column("測試", Integer).unique());
    let second = (
        column("méil", Integer).primary_key().key("a"),
        column("測試", Integer).key("b").references("unitable1.méil"),
    );
    let third = (
        column("測試_id", Integer).primary_key().autoincrement(Autoincrement::Never),
        column("unitable1_測試", Integer).references("unitable1.測試"),
        column("Unitéble2_b", Integer).references("Unitéble2"),
        column("測試_self", Integer).references("測試.測試_id"),
    );
    let first = on.db.table("unitable1", first).unwrap();
    let second = on.db.table("Unitéble2", second).unwrap();
    [first, second, on.table("測試", third)]
}

const THIRD: [&str; 4] = ["測試_id", "unitable1_測試", "Unitéble2_b", "測試_self"];

fn filled(on: &On<'_>, [first, second, third]: &[Table; 3]) {
    insert(first).values(values! { "méil" => 1, "測試" => 5 }).run(on.db).unwrap();
    insert(second).values(values! { "a" => 1, "b" => 1 }).run(on.db).unwrap();
    insert(third).rows(THIRD, [(1, 5, 1, 1)]).run(on.db).unwrap();
}

methods! {
    UnicodeSchemaTest {
        fn insert(on) {
            let all = tables(on);
            filled(on, &all);
            on.is(all.each_ref().map(|t| on.rows(&select(t))), [["1,5"], ["1,1"], ["1,5,1,1"]]);
        }

        fn col_targeting(on) {
            let all = tables(on);
            filled(on, &all);
            let [first, second, third] = all.each_ref().map(|t| select(t).one(on.db).unwrap());
            on.is((first.get::<i64>("méil").unwrap(), first.get::<i64>("測試").unwrap()), (1, 5));
            on.is((second.get::<i64>("a").unwrap(), second.get::<i64>("b").unwrap()), (1, 1));
            on.is(THIRD.map(|name| third.get::<i64>(name).unwrap()), [1, 5, 1, 1]);
            let [_, second, third] = &all;
            on.is(on.texts(&select(third.c("測試_id")).filter(third.c("Unitéble2_b").eq(1))), ["1"]);
            on.is(on.texts(&select(second.c("b")).join(third)), ["1"]);
        }

        fn reflect(on) {
            filled(on, &tables(on));
            on.db.metadata().clear();
            on.db.reflect().unwrap();
            let names = ["unitable1", "Unitéble2", "測試"];
            let [first, second, third] = names.map(|name| on.db.table_named(name).unwrap());
            insert(&first).values(values! { "méil" => 2, "測試" => 7 }).run(on.db).unwrap();
            insert(&second).values(values! { "méil" => 2, "測試" => 2 }).run(on.db).unwrap();
            insert(&third).rows(THIRD, [(2, 7, 2, 2)]).run(on.db).unwrap();
            on.is(on.rows(&select(&first).order_by(first.c("méil").desc())), ["2,7", "1,5"]);
            on.is(on.rows(&select(&second).order_by(second.c("méil").desc())), ["2,2", "1,1"]);
            on.is(on.rows(&select(&third).order_by(third.c("測試_id").desc())), ["2,7,2,2", "1,5,1,1"]);
            let def = third.def();
            let mut keys: Vec<String> =
                def.foreign_keys().iter().map(|key| key.target.table.as_str().to_string()).collect();
            keys.sort_by_key(|name| name.len());
            keys.reverse();
            on.is(keys, ["Unitéble2", "unitable1", "測試"].map(str::to_string));
        }

        fn repr(on) {
            let t = on.db.table("測試", column("測試_id", Integer)).unwrap();
            on.is(format!("{t:?}"), "Table(測試)");
            let error = t.try_c("測試").unwrap_err().to_string();
            on.holds(error.contains("測試"));
        }
    }
}
