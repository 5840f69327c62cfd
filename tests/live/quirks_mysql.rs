//! What MySQL's and MariaDB's users declare and other tools lose: rows 4.5 and 4.8 of the comparison with
//! SQLAlchemy's inspector, a test each. The schemas are `tests/schemas/quirks.{mysql,mariadb}.sql`;
//! `docs/reflection.md` names the tests.

use std::sync::OnceLock;

use mirrorm::dialect::{ObjectKind, SchemaFacts, Scope};
use mirrorm::prelude::*;
use mirrorm::reflect::Reflector;
use mirrorm::schema::Options;

use crate::own_server::each_folding_server;
use crate::support::{big_column, big_index, each_server_url, is_postgres, schema_of, table_of as table};

/// Runs a test on an empty database of MySQL and of MariaDB; whether it is the latter.
fn each(test: impl Fn(&Db, bool)) {
    each_server_url(|url| {
        if !is_postgres(url) {
            let db = Db::open(url).unwrap();
            let is_mariadb = db.engine().unwrap().target().unwrap().features().version.contains("MariaDB");
            test(&db, is_mariadb);
        }
    });
}

fn facts_of(db: &Db) -> SchemaFacts {
    Reflector::new().facts(&db.connect().unwrap()).unwrap()
}

/// The facts of the schemas, and whether they are MariaDB's.
fn quirks() -> &'static [(SchemaFacts, bool)] {
    static FACTS: OnceLock<Vec<(SchemaFacts, bool)>> = OnceLock::new();
    FACTS.get_or_init(|| {
        let all = std::sync::Mutex::new(Vec::new());
        each(|db, is_mariadb| {
            let ddl = schema_of("quirks", if is_mariadb { "mariadb10" } else { "mysql97" });
            db.execute_script(&ddl).unwrap();
            all.lock().unwrap().push((facts_of(db), is_mariadb));
        });
        all.into_inner().unwrap()
    })
}

fn default<'f>(facts: &'f SchemaFacts, name: &str) -> Option<&'f str> {
    big_column(facts, name).default.as_deref()
}

fn text<'o>(options: &'o Options, name: &str) -> Option<&'o str> {
    options.text("mysql", name)
}

fn list(options: &Options, name: &str) -> Vec<String> {
    match options.get("mysql", name) {
        Some(Value::Array(array)) => array.items().iter().map(Value::to_string).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn r4_5_1_a_broken_view_is_a_problem() {
    each(|db, _| {
        db.execute_script(
            "CREATE TABLE gone (id int); CREATE TABLE t (a int NOT NULL); CREATE VIEW broken AS SELECT id FROM gone;
             CREATE VIEW v AS SELECT a FROM t; DROP TABLE gone",
        )
        .unwrap();
        let facts = facts_of(db);
        let names: Vec<_> = facts.tables.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["t", "v"]);
        assert_eq!(facts.problems.iter().map(|p| p.object.as_str()).collect::<Vec<_>>(), ["broken"]);
        assert!(facts.problems[0].message.contains("invalid table"), "{}", facts.problems[0].message);
        assert_eq!(db.reflect().unwrap().tables().len(), 2, "the rest is there");
        let error = Reflector::new().schema("nowhere").facts(&db.connect().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    });
}

#[test]
fn r4_5_2_names_in_any_quotes() {
    for (facts, _) in quirks() {
        assert_eq!(big_index(facts, "we`ird").elements[0].column.as_deref(), Some("bi"));
    }
    each(|db, _| {
        db.execute_script("CREATE TABLE `a``b` (`c``\"d` int, KEY `e``f` (`c``\"d`))").unwrap();
        let facts = facts_of(db);
        assert_eq!(table(&facts, "a`b").columns[0].name, "c`\"d");
        assert_eq!(table(&facts, "a`b").indexes[0].name, "e`f");
    });
}

#[test]
fn r4_5_3_types() {
    for (facts, is_mariadb) in quirks() {
        let ty = |name: &str| &big_column(facts, name).type_facts;
        assert!(ty("id").unsigned && ty("dbl").unsigned && !ty("bi").unsigned);
        assert_eq!(
            (ty("ti1").family.as_str(), big_column(facts, "ti1").ty.clone()),
            ("tinyint", SmallInteger)
        );
        assert_eq!((ty("fl").precision, ty("fl").scale), (Some(7), Some(3)));
        assert_eq!((ty("dec1").precision, ty("dec1").scale), (Some(10), Some(3)));
        assert_eq!((ty("b8").family.as_str(), ty("b8").length), ("bit", Some(8)));
        assert_eq!(ty("t").precision, Some(3));
        let labels: &[&str] =
            if *is_mariadb { &["a", "b,c", "it's", ""] } else { &["a", "b,c", "it's", "back\\slash", ""] };
        assert_eq!(ty("en").values, labels);
        assert_eq!(ty("st").values, ["x", "y"]);
        assert!(matches!(big_column(facts, "en").ty, Type::Enum(_)));
        let vc = big_column(facts, "vc");
        assert_eq!(
            (vc.collation.as_deref(), text(&vc.options, "charset")),
            (Some("latin1_bin"), Some("latin1"))
        );
        assert_eq!((ty("y").family.as_str(), ty("geo").family.as_str()), ("year", "geometry"));
        if *is_mariadb {
            assert!(ty("id").zerofill);
            let families: Vec<_> = ["u", "i4", "i6"].map(|name| ty(name).family.as_str()).into();
            assert_eq!(families, ["uuid", "inet4", "inet6"]);
        } else {
            assert!(ty("zf").zerofill);
            assert_eq!(big_column(facts, "pt").options.get("mysql", "srid"), Some(&Value::Int(4326)));
        }
    }
}

#[test]
fn r4_5_4_nullability() {
    for (facts, _) in quirks() {
        let nullable = ["id", "vc", "nn", "ts", "gv", "pt"].map(|name| big_column(facts, name).nullable);
        assert_eq!(nullable, [false, false, true, false, true, false]);
        let view = table(facts, "v");
        assert!(!view.columns[0].nullable && !view.columns[1].nullable, "as the columns behind it");
    }
}

#[test]
fn r4_5_5_defaults() {
    for (facts, is_mariadb) in quirks() {
        assert_eq!(default(facts, "vc"), Some("'x''y, )'"));
        assert_eq!(default(facts, "ch"), Some("''"));
        assert_eq!(default(facts, "bi"), Some("9223372036854775807"));
        assert_eq!(default(facts, "b1"), Some("b'1'"));
        assert_eq!(default(facts, "dec1"), Some("1.500"));
        assert_eq!(default(facts, "d"), Some("'2020-01-01'"));
        assert_eq!(default(facts, "inv"), Some("5"));
        assert_eq!(default(facts, "nn"), None);
        assert_eq!(default(facts, "en"), Some("'a'"));
        let dt = big_column(facts, "dt");
        assert_eq!(text(&dt.options, "on_update"), Some("current_timestamp(6)"));
        let squeezed = |name: &str| default(facts, name).map(|sql| sql.replace(['(', ')', ' '], ""));
        assert_eq!(squeezed("expr").as_deref(), Some("1+2"));
        assert_eq!(squeezed("u").as_deref(), Some("uuid"));
        if *is_mariadb {
            assert!(table(facts, "nextd").columns[0].default.as_ref().unwrap().contains("nextval("));
        } else {
            assert_eq!(default(facts, "js"), Some("json_object(_utf8mb4'a',_utf8mb4'it\\'s')"));
        }
    }
}

#[test]
fn r4_5_6_auto_increment() {
    for (facts, _) in quirks() {
        assert!(big_column(facts, "id").autoincrement && !big_column(facts, "ti1").autoincrement);
        let created = text(&table(facts, "parent").options, "create_options").unwrap_or_default();
        assert!(!created.to_lowercase().contains("auto_increment"), "the next number is no declaration");
    }
}

#[test]
fn r4_5_7_generated_columns() {
    for (facts, is_mariadb) in quirks() {
        let computed = |name: &str| big_column(facts, name).computed.clone().unwrap();
        assert!(!computed("gv").1 && computed("gs").1 && !computed("gi").1);
        assert!(big_column(facts, "gi").options.is_set("mysql", "invisible"));
        assert_eq!(big_column(facts, "gv").default, None);
        if !is_mariadb {
            assert_eq!(
                computed("gs").0,
                "concat(`ch`,_utf8mb4'it\\'s \\\\')",
                "as it has to be written again"
            );
        }
    }
}

#[test]
fn r4_5_8_comments() {
    for (facts, _) in quirks() {
        assert_eq!(table(facts, "parent").comment.as_deref(), Some("tbl 'cmt' \\ x"));
        assert_eq!(big_column(facts, "id").comment.as_deref(), Some("it's \\ \"c\"\nnl"));
        assert_eq!(big_index(facts, "k1").comment.as_deref(), Some("kc"));
        assert_eq!(table(facts, "v").comment, None);
    }
}

#[test]
fn r4_5_9_keys() {
    for (facts, is_mariadb) in quirks() {
        assert_eq!(table(facts, "big").primary_key.as_ref().unwrap().columns, ["id", "ti1"]);
        let uq1 = &big_index(facts, "uq1").elements;
        assert_eq!((uq1[0].length, uq1[1].length), (Some(10), None));
        assert_eq!(big_index(facts, "k1").elements[0].length, Some(20));
        assert!(
            big_index(facts, "kd").elements[0].descending && !big_index(facts, "kd").elements[1].descending
        );
        assert_eq!(text(&big_index(facts, "ftk").options, "using"), Some("FULLTEXT"));
        assert_eq!(text(&big_index(facts, "spk").options, "using"), Some("SPATIAL"));
        assert_eq!(big_index(facts, "spk").elements[0].length, None);
        assert_eq!(text(&table(facts, "mema").indexes[0].options, "using"), Some("HASH"));
        if *is_mariadb {
            assert_eq!(text(&big_index(facts, "uqlong").options, "using"), Some("HASH"));
            continue;
        }
        assert_eq!(big_index(facts, "fx").elements[0].expression.as_deref(), Some("lower(`vc`)"));
        let mix = &big_index(facts, "mix").elements;
        assert_eq!(
            (mix[0].column.as_deref(), mix[1].expression.as_deref()),
            (Some("si"), Some("(`pa` * 2)"))
        );
        assert!(mix[1].descending);
        assert!(big_index(facts, "ufx").unique);
        assert!(big_index(facts, "hid").options.is_set("mysql", "invisible"));
        let many = big_index(facts, "mvi").elements[0].expression.as_deref().unwrap();
        assert_eq!(many, "cast(json_extract(`tags`,_utf8mb4'$.t') as unsigned array)");
    }
}

#[test]
fn r4_5_10_unique_is_index() {
    for (facts, is_mariadb) in quirks() {
        let uniques: Vec<_> = table(facts, "big").uniques.iter().filter_map(|u| u.name.as_deref()).collect();
        assert!(!uniques.contains(&"uq1"), "the beginnings of texts are no columns");
        assert_eq!(table(facts, "parent").uniques[0].name.as_deref(), Some("uqab"));
        assert_eq!(table(facts, "parent").indexes[0].constraint.as_deref(), Some("uqab"));
        if !is_mariadb {
            assert_eq!(uniques, ["uq2"]);
            assert!(big_index(facts, "ufx").constraint.is_none());
        }
    }
}

#[test]
fn r4_5_11_foreign_keys() {
    for (facts, is_mariadb) in quirks() {
        let keys = &table(facts, "big").foreign_keys;
        assert_eq!(
            (keys[0].name.as_deref(), keys[0].on_delete, keys[0].on_update),
            (Some("fk1"), Action::Cascade, Action::SetNull)
        );
        let unsaid = if *is_mariadb { Action::NoAction } else { Action::Restrict };
        assert_eq!((keys[1].columns.len(), keys[1].on_delete), (2, unsaid), "MariaDB's default");
        assert_eq!(big_index(facts, "fk1").constraint.as_deref(), Some("fk1"), "what the key brings along");
    }
    each(|db, _| {
        let other = format!(
            "o`{}",
            db.query_text("SELECT DATABASE()", ()).unwrap().one().unwrap().get::<String>(0).unwrap()
        );
        let quoted = format!("`{}`", other.replace('`', "``"));
        db.execute_script(&format!(
            "CREATE DATABASE {quoted}; CREATE TABLE {quoted}.far (id int PRIMARY KEY);
             CREATE TABLE t (f int, FOREIGN KEY (f) REFERENCES {quoted}.far (id))"
        ))
        .unwrap();
        let facts = facts_of(db);
        let key = table(&facts, "t").foreign_keys[0].clone();
        db.execute_script(&format!("DROP TABLE t; DROP DATABASE {quoted}")).unwrap();
        assert_eq!(
            (key.referred_schema.as_deref(), key.referred_table.as_str()),
            (Some(other.as_str()), "far")
        );
    });
}

#[test]
fn r4_5_13_checks() {
    for (facts, is_mariadb) in quirks() {
        let checks = &table(facts, "big").checks;
        let find = |name: &str| checks.iter().find(|c| c.name.as_deref() == Some(name)).unwrap();
        assert!(find("ck1").sql.contains("` <>"), "{:?}", find("ck1"));
        if *is_mariadb {
            assert!(checks.iter().any(|c| c.name.as_deref() == Some("CONSTRAINT_1")));
            let of_column = table(facts, "nextd")
                .checks
                .iter()
                .map(|c| (c.name.clone(), text(&c.options, "column"), &*c.sql));
            assert_eq!(
                of_column.collect::<Vec<_>>(),
                [(None, Some("cc"), "json_valid(`cc`)"), (None, Some("colx"), "`colx` > 3")]
            );
        } else {
            assert!(find("ck2").options.is_set("mysql", "not_enforced"));
            assert!(!find("ck1").options.is_set("mysql", "not_enforced"));
            assert!(find("ck1").sql.contains("'it\\'s )'"), "{}", find("ck1").sql);
        }
    }
}

#[test]
fn r4_5_14_json_of_mariadb() {
    for (facts, is_mariadb) in quirks() {
        let js = big_column(facts, "js");
        assert_eq!(
            (js.ty.clone(), js.type_facts.family.as_str(), js.declared.as_str()),
            (Json, "json", "json")
        );
        if *is_mariadb {
            let cc = &table(facts, "nextd").columns[2];
            assert_eq!(cc.ty, Varchar(10), "a condition alone makes no JSON");
        }
    }
}

#[test]
fn r4_5_15_options_of_tables() {
    for (facts, is_mariadb) in quirks() {
        let options = |name: &str| &table(facts, name).options;
        assert_eq!(text(options("big"), "engine"), Some("InnoDB"));
        assert_eq!(text(options("big"), "collation"), Some("utf8mb4_unicode_ci"));
        assert_eq!(text(options("mema"), "engine"), Some("MEMORY"));
        assert_eq!(text(options("parent"), "create_options").unwrap().to_lowercase(), "row_format=dynamic");
        assert_eq!(text(options("part"), "partition_by"), Some("RANGE (`y`)"));
        assert_eq!(
            list(options("part"), "partitions"),
            ["PARTITION `p0` VALUES LESS THAN (10)", "PARTITION `p1` VALUES LESS THAN MAXVALUE"]
        );
        if !is_mariadb {
            assert_eq!(
                text(options("parts"), "partition_by"),
                Some("LIST (`y`) SUBPARTITION BY HASH (`id`)")
            );
            assert_eq!(
                list(options("parts"), "partitions"),
                ["PARTITION `p0` VALUES IN (1,2)", "PARTITION `p 1` VALUES IN (3)"]
            );
            assert_eq!(list(options("keyed"), "partitions").len(), 3);
        }
    }
}

#[test]
fn r4_5_16_sequences() {
    for (facts, is_mariadb) in quirks() {
        assert!(facts.tables.iter().all(|table| table.name != "sq"));
        let found: Vec<_> = facts
            .sequences
            .iter()
            .map(|s| (s.name.as_str(), s.numbers.start, s.numbers.increment, s.numbers.cache))
            .collect();
        assert_eq!(found, if *is_mariadb { vec![("sq", 5, 2, 10)] } else { Vec::new() });
    }
}

#[test]
fn r4_5_18_versions_and_what_is_not_seen() {
    for (facts, is_mariadb) in quirks() {
        assert!(big_column(facts, "inv").options.is_set("mysql", "invisible"));
        if *is_mariadb {
            assert!(table(facts, "isys").options.is_set("mysql", "system_versioned"));
        }
    }
}

#[test]
fn r4_5_19_versions() {
    each(|db, is_mariadb| {
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        assert_eq!(version.contains("MariaDB"), is_mariadb);
        assert!(!version.starts_with("5.5.5"), "{version}");
    });
}

#[test]
fn temporary_tables_cannot_be_listed() {
    each(|db, _| {
        let conn = db.connect().unwrap();
        let scope = Scope { temporary: true, ..Scope::default() };
        let error = conn.engine().dialect().inspector().facts(conn.driver(), &scope).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
    });
}

#[test]
fn r4_6_10_a_thousand_tables_cost_as_many_statements_as_ten() {
    each(|db, _| {
        let statements = |from: usize, to: usize| {
            let mut sql = String::new();
            for i in from..to {
                let key = if i > 0 {
                    format!(", p int, FOREIGN KEY (p) REFERENCES t{} (id)", i - 1)
                } else {
                    String::new()
                };
                sql += &format!(
                    "CREATE TABLE t{i} (id int PRIMARY KEY, a varchar(9) UNIQUE, b int CHECK (b > 0){key});"
                );
                if i % 20 == 0 {
                    sql += &format!("CREATE VIEW v{i} AS SELECT a FROM t{i};");
                }
            }
            db.execute_script(&sql).unwrap();
            let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let own = count.clone();
            let _watch = db.engine().unwrap().observe(move |_| {
                own.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            });
            let facts = facts_of(db);
            let views = facts.tables.iter().filter(|t| t.kind == ObjectKind::View).count();
            assert_eq!((facts.tables.len() - views, facts.problems.len()), (to, 0));
            count.load(std::sync::atomic::Ordering::Relaxed)
        };
        let ten = statements(0, 10);
        assert!(ten <= 10, "{ten}");
        assert_eq!(statements(10, 1000), ten);
    });
}

/// A server that keeps names of tables in small letters: what was declared in capitals is found, with its keys.
#[test]
fn r4_5_12_names_in_capitals_on_a_server_that_folds_them() {
    each_folding_server(|server| {
        let db = Db::open(&server.url).unwrap();
        db.execute_script("CREATE DATABASE Shop").unwrap();
        let db = Db::open(&server.url.replace("/mysql", "/shop")).unwrap();
        db.execute_script(
            "CREATE TABLE Users (Id INTEGER PRIMARY KEY);
             CREATE TABLE Posts (Id INTEGER PRIMARY KEY, UserId INTEGER, FOREIGN KEY (userid) REFERENCES USERS (ID));
             CREATE VIEW Recent AS SELECT Id FROM Posts",
        )
        .unwrap();
        let reflection = db.reflect().unwrap();
        assert_eq!(reflection.problems(), []);
        let posts = db.table_named("posts").unwrap();
        assert_eq!(db.relationships(&posts), ["User"]);
        let session = db.session();
        let user =
            session.add(db.table_named("users").unwrap().record(values! { "Id" => 1 }).unwrap()).unwrap();
        let post = session.add(posts.record(values! { "Id" => 2 }).unwrap()).unwrap();
        user.append("posts", &post).unwrap();
        session.commit().unwrap();
        assert_eq!(post.get::<i64>("UserId").unwrap(), 1);
        let error = db.reflect_with(&Reflector::new().only(["Users"])).unwrap_err();
        assert!(error.message().contains("did you mean `users`"), "{error}");
        db.engine().unwrap().dispose();
    });
}
