//! What PostgreSQL's users declare and other tools lose: rows 4.4 and 4.8 of the comparison with SQLAlchemy's
//! inspector, a test each. The schema is `tests/schemas/quirks.postgres.sql`; `docs/reflection.md` names them.

use std::sync::OnceLock;

use mirrorm::dialect::{CheckFacts, ForeignKeyFacts, IndexFacts, ObjectKind, SchemaFacts, Scope};
use mirrorm::prelude::*;
use mirrorm::reflect::Reflector;
use mirrorm::schema::Options;

use crate::support::{big_column, big_index, each_server_url, is_postgres, schema_of, table_of as table};

/// Runs a test on an empty database of each PostgreSQL server.
fn each(test: impl Fn(&Db)) {
    each_server_url(|url| {
        if is_postgres(url) {
            test(&Db::open(url).unwrap());
        }
    });
}

fn facts_of(db: &Db, schema: Option<&str>) -> SchemaFacts {
    let reflector = schema.into_iter().fold(Reflector::new(), |made, schema| made.schema(schema));
    reflector.facts(&db.connect().unwrap()).unwrap()
}

/// The facts of the schema, on each server.
fn quirks() -> &'static [SchemaFacts] {
    static FACTS: OnceLock<Vec<SchemaFacts>> = OnceLock::new();
    FACTS.get_or_init(|| {
        let mut all = Vec::new();
        let list = std::sync::Mutex::new(&mut all);
        each(|db| {
            db.execute_script(&schema_of("quirks", "pg")).unwrap();
            list.lock().unwrap().push(facts_of(db, Some("p1")));
        });
        all
    })
}

fn big_key<'f>(facts: &'f SchemaFacts, name: &str) -> &'f ForeignKeyFacts {
    let keys = &table(facts, "big").foreign_keys;
    keys.iter().find(|key| key.name.as_deref() == Some(name)).unwrap_or_else(|| panic!("no {name}"))
}

fn big_check<'f>(facts: &'f SchemaFacts, name: &str) -> &'f CheckFacts {
    let checks = &table(facts, "big").checks;
    checks.iter().find(|check| check.name.as_deref() == Some(name)).unwrap_or_else(|| panic!("no {name}"))
}

/// The texts of an option that is a list.
fn list(options: &Options, name: &str) -> Vec<String> {
    match options.get("postgresql", name) {
        Some(Value::Array(array)) => array.items().iter().map(Value::to_string).collect(),
        _ => Vec::new(),
    }
}

fn says(options: &Options, name: &str) -> bool {
    options.is_set("postgresql", name)
}

#[test]
fn r4_4_1_the_default_schema_and_others() {
    each(|db| {
        db.execute_script("CREATE TABLE here (a int); CREATE SCHEMA other; CREATE TABLE other.there (a int)")
            .unwrap();
        let names = |schema: Option<&str>| {
            facts_of(db, schema).tables.iter().map(|t| (t.schema.clone(), t.name.clone())).collect::<Vec<_>>()
        };
        assert_eq!(names(None), [(None, "here".to_string())]);
        assert_eq!(names(Some("other")), [(Some("other".to_string()), "there".to_string())]);
        let conn = db.connect().unwrap();
        let inspector = conn.engine().dialect().inspector();
        assert_eq!(inspector.schemas(conn.driver()).unwrap(), ["other", "public"], "no catalogs");
        let error = Reflector::new().schema("nowhere").facts(&conn).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchTable);
    });
}

#[test]
fn r4_4_2_kinds_of_relations() {
    for facts in quirks() {
        assert_eq!(table(facts, "mv").kind, ObjectKind::MaterializedView);
        assert_eq!(table(facts, "v").kind, ObjectKind::View);
        assert_eq!(table(facts, "part").kind, ObjectKind::Table);
        assert!(facts.tables.iter().all(|table| table.name != "tmp1"), "temporary tables are asked for");
    }
    each(|db| {
        let conn = db.connect().unwrap();
        conn.execute_script("CREATE TEMP TABLE tmp1 (id serial PRIMARY KEY)").unwrap();
        let scope = Scope { temporary: true, ..Scope::default() };
        let inspector = conn.engine().dialect().inspector();
        let found = inspector.facts(conn.driver(), &scope).unwrap();
        assert_eq!(
            found.tables.iter().map(|t| (&*t.name, t.temporary)).collect::<Vec<_>>(),
            [("tmp1", true)]
        );
        drop(conn);
        db.execute_script(
            "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
             CREATE FOREIGN TABLE ft (a int) SERVER far OPTIONS (table_name 'x, y')",
        )
        .unwrap();
        let facts = facts_of(db, None);
        let foreign = table(&facts, "ft");
        assert_eq!(
            (foreign.kind, foreign.options.text("postgresql", "server")),
            (ObjectKind::Foreign, Some("far"))
        );
        assert_eq!(list(&foreign.options, "foreign_options"), ["table_name=x, y"]);
        assert_eq!(*db.reflect().unwrap().tables()[0].def().kind(), mirrorm::schema::TableKind::Foreign);
    });
}

#[test]
fn r4_4_3_dropped_and_no_columns() {
    for facts in quirks() {
        let names: Vec<&str> = table(facts, "dropped").columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert!(table(facts, "nocols").columns.is_empty());
    }
}

#[test]
fn r4_4_4_names_of_types() {
    for facts in quirks() {
        let family = |name: &str| {
            let ty = &big_column(facts, name).type_facts;
            (ty.family.clone(), ty.length.or(ty.precision), ty.scale)
        };
        for (name, expected) in [
            ("num", ("numeric", Some(10), Some(2))),
            ("num0", ("numeric", None, None)),
            ("numn", ("numeric", Some(5), Some(0))),
            ("fl", ("real", None, None)),
            ("ts", ("timestamp", Some(3), None)),
            ("ts2", ("timestamp", None, None)),
            ("t", ("time", Some(2), None)),
            ("iv2", ("interval", Some(3), None)),
            ("bit", ("bit", Some(3), None)),
            ("vb", ("varbit", Some(9), None)),
            ("ch1", ("char", Some(1), None)),
            ("vc", ("varchar", None, None)),
            ("mr", ("int4multirange", None, None)),
        ] {
            let (family_, size, scale) = expected;
            assert_eq!(family(name), (family_.to_string(), size, scale), "{name}");
        }
        assert!(big_column(facts, "ts").type_facts.timezone && !big_column(facts, "ts2").type_facts.timezone);
        assert!(big_column(facts, "ttz").type_facts.timezone);
        assert_eq!(big_column(facts, "iv").type_facts.fields.as_deref(), Some("year to month"));
    }
    each(|db| {
        db.execute_script(
            "CREATE TYPE interval_kind AS ENUM ('a'); CREATE TYPE \"Odd, (Type)\" AS ENUM ('x');
             CREATE TABLE t (a interval_kind, b \"Odd, (Type)\", c \"char\", d interval_kind[])",
        )
        .unwrap();
        let facts = facts_of(db, None);
        let families: Vec<_> =
            table(&facts, "t").columns.iter().map(|c| c.type_facts.family.as_str()).collect();
        assert_eq!(families, ["enum", "enum", "\"char\"", "array"]);
        assert_eq!(table(&facts, "t").columns[1].type_facts.name.as_deref(), Some("Odd, (Type)"));
    });
}

#[test]
fn r4_4_5_enums_and_domains() {
    for facts in quirks() {
        let mood = &big_column(facts, "m").type_facts;
        assert_eq!((mood.family.as_str(), mood.name.as_deref()), ("enum", Some("mood")));
        assert_eq!(mood.values, ["sad", "ok", "it's, \"q\""]);
        assert_eq!(big_column(facts, "m2").type_facts.schema.as_deref(), Some("p2"));
        assert_eq!(big_column(facts, "ms").type_facts.item.as_ref().unwrap().family, "enum");
        let names: Vec<_> = facts.enums.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["mood", "mood2"]);
        let column = big_column(facts, "dom");
        assert_eq!(
            (column.ty.clone(), column.nullable, column.default.as_deref()),
            (Integer, false, Some("7"))
        );
        assert_eq!(column.type_facts.base.as_ref().unwrap().family, "integer");
        let domain = facts.domains.iter().find(|d| d.name == "posint").unwrap();
        assert_eq!((domain.nullable, domain.default.as_deref()), (false, Some("7")));
        let checks: Vec<_> = domain.checks.iter().map(|c| (c.name.as_deref().unwrap(), &*c.sql)).collect();
        assert_eq!(checks, [("c_big", "(VALUE < 1000)"), ("c_pos", "(VALUE > 0)")], "both of them");
        let email = facts.domains.iter().find(|d| d.name == "em").unwrap();
        assert_eq!((email.ty.clone(), email.collation.as_deref()), (Varchar(30), Some("C")));
    }
    each(|db| {
        db.execute_script(
            "CREATE TYPE nothing AS ENUM (); CREATE DOMAIN one AS int NOT NULL; CREATE DOMAIN two AS one DEFAULT 3;
             CREATE DOMAIN many AS int[]; CREATE TABLE t (a two, b many, c nothing)",
        )
        .unwrap();
        let facts = facts_of(db, None);
        let [a, b, c] = table(&facts, "t").columns.as_slice() else { panic!() };
        assert_eq!((a.ty.clone(), a.nullable, a.default.as_deref()), (Integer, false, Some("3")));
        assert_eq!(b.ty, Type::Array(Integer.into()));
        assert_eq!((c.type_facts.family.as_str(), c.type_facts.values.len()), ("enum", 0));
    });
}

#[test]
fn r4_4_6_serials_identities_sequences() {
    for facts in quirks() {
        let id = big_column(facts, "id").identity.clone().unwrap();
        assert_eq!((id.always, id.start, id.increment, id.min, id.max), (true, 10, 5, 1, 1000));
        assert_eq!((id.cycle, id.cache), (true, 3));
        assert!(!big_column(facts, "id2").identity.as_ref().unwrap().always);
        assert_eq!(big_column(facts, "sqd").default.as_deref(), Some("nextval('p1.sq'::regclass)"));
        let find = |name: &str| facts.sequences.iter().find(|s| s.name == name).unwrap();
        assert_eq!(
            (find("sq").owner.clone(), find("sq").numbers.start, find("sq").numbers.increment),
            (None, 5, 2)
        );
        assert_eq!(find("idref_sErial_seq").owner, Some(("idref".to_string(), "sErial".to_string())));
        assert!(find("big_id_seq").of_identity && !find("parent_id_seq").of_identity);
    }
}

#[test]
fn r4_4_7_generated_columns() {
    for facts in quirks() {
        let column = big_column(facts, "gen");
        assert_eq!(column.computed, Some(("(num0 * (2)::numeric)".to_string(), true)));
        assert_eq!(column.default, None);
    }
    each(|db| {
        let is_new = db.engine().unwrap().target().unwrap().features().virtual_columns;
        if !is_new {
            return;
        }
        db.execute("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)", ()).unwrap();
        let facts = facts_of(db, None);
        assert_eq!(table(&facts, "t").columns[1].computed, Some(("(a + 1)".to_string(), false)));
    });
}

#[test]
fn r4_4_8_long_texts() {
    each(|db| {
        let long = "x".repeat(300);
        let sum = vec!["a"; 60].join(" + ");
        db.execute_script(&format!(
            "CREATE TABLE t (a int, b text DEFAULT '{long}'); CREATE INDEX i ON t (({sum}))"
        ))
        .unwrap();
        let facts = facts_of(db, None);
        assert!(table(&facts, "t").columns[1].default.as_ref().unwrap().contains(&long));
        let element = table(&facts, "t").indexes[0].elements[0].expression.clone().unwrap();
        assert_eq!(element.matches('a').count(), 60);
    });
}

#[test]
fn r4_4_9_foreign_keys() {
    for facts in quirks() {
        let key = big_key(facts, "big_pid_fkey");
        assert_eq!((key.on_delete, key.on_update), (Action::SetNull, Action::Cascade));
        assert_eq!((key.deferrable, key.initially_deferred), (Some(true), true));
        assert_eq!(list(&key.options, "on_delete_columns"), ["pid"]);
        assert_eq!(big_key(facts, "big_rid_fkey").referred_schema.as_deref(), Some("p2"));
        let fk2 = big_key(facts, "fk2");
        assert_eq!((fk2.match_type.as_deref(), fk2.referred_schema.as_deref()), (Some("FULL"), None));
        assert_eq!(fk2.referred_columns, ["a", "b"]);
    }
    each(|db| {
        db.execute_script(
            "CREATE TABLE \"a,b\" (\"x.\"\"y\" int, \"-z\" int, PRIMARY KEY (\"x.\"\"y\", \"-z\"));
             CREATE TABLE t (p int, q int, FOREIGN KEY (p, q) REFERENCES \"a,b\" (\"x.\"\"y\", \"-z\"))",
        )
        .unwrap();
        let facts = facts_of(db, None);
        let key = &table(&facts, "t").foreign_keys[0];
        assert_eq!(
            (key.referred_table.as_str(), key.referred_columns.as_slice()),
            ("a,b", &["x.\"y".to_string(), "-z".to_string()][..])
        );
    });
}

#[test]
fn r4_4_10_fk_to_partitioned() {
    each(|db| {
        db.execute_script(
            "CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
             CREATE TABLE w1 PARTITION OF whole FOR VALUES FROM (0) TO (10);
             CREATE TABLE w2 PARTITION OF whole FOR VALUES FROM (10) TO (20);
             CREATE TABLE refers (w int REFERENCES whole)",
        )
        .unwrap();
        let facts = facts_of(db, None);
        let keys = &table(&facts, "refers").foreign_keys;
        assert_eq!(
            keys.iter().map(|k| k.referred_table.as_str()).collect::<Vec<_>>(),
            ["whole"],
            "no phantoms"
        );
        assert_eq!(table(&facts, "w1").primary_key.as_ref().unwrap().columns, ["id"]);
    });
}

#[test]
fn r4_4_11_indexes_of_constraints() {
    for facts in quirks() {
        assert_eq!(big_index(facts, "uq_inc").constraint.as_deref(), Some("uq_inc"));
        assert_eq!(big_index(facts, "excl").constraint.as_deref(), Some("excl"));
        assert_eq!(big_index(facts, "ix_part").constraint, None);
        assert!(table(facts, "big").indexes.iter().all(|index| index.name != "big_pkey"));
    }
}

#[test]
fn r4_4_12_included_columns() {
    for facts in quirks() {
        assert_eq!(list(&big_index(facts, "ix_inc").options, "include"), ["cb", "txt"]);
        assert_eq!(big_index(facts, "ix_inc").elements.len(), 1);
        let unique =
            table(facts, "big").uniques.iter().find(|u| u.name.as_deref() == Some("uq_inc")).unwrap();
        assert_eq!(
            (unique.columns.as_slice(), list(&unique.options, "include")),
            (&["ca".to_string()][..], vec!["cb".to_string()])
        );
    }
}

#[test]
fn r4_4_13_expressions_and_order() {
    for facts in quirks() {
        let elements = &big_index(facts, "ix_expr").elements;
        assert_eq!(elements[0].expression.as_deref(), Some("lower(txt)"));
        assert_eq!(
            (elements[1].column.as_deref(), elements[1].descending, elements[1].nulls_first),
            (Some("ca"), true, Some(false))
        );
        assert!(elements[2].expression.as_ref().unwrap().contains("cb + 1"));
    }
}

#[test]
fn r4_4_14_methods_classes_conditions() {
    for facts in quirks() {
        let text =
            |index: &IndexFacts, name: &str| index.options.text("postgresql", name).map(str::to_string);
        assert_eq!(text(big_index(facts, "ix_gin"), "using").as_deref(), Some("gin"));
        assert_eq!(big_index(facts, "ix_gin").elements[0].operator_class.as_deref(), Some("jsonb_path_ops"));
        let ops = &big_index(facts, "ix_ops").elements;
        assert_eq!(
            (ops[0].operator_class.as_deref(), ops[1].collation.as_deref()),
            (Some("text_pattern_ops"), Some("C"))
        );
        assert_eq!(list(&big_index(facts, "ix_with").options, "with"), ["fillfactor=50"]);
        assert_eq!(big_index(facts, "ix_part").filter.as_deref(), Some("(ca > 5) AND (txt IS NOT NULL)"));
        assert!(says(&big_index(facts, "ix_nnd").options, "nulls_not_distinct"));
        let unique =
            table(facts, "big").uniques.iter().find(|u| u.name.as_deref() == Some("uq_nnd")).unwrap();
        assert!(says(&unique.options, "nulls_not_distinct"));
        assert_eq!(big_index(facts, "ix_expr").options, Options::default(), "what is usual is not said");
    }
}

#[test]
fn r4_4_15_text_of_checks() {
    for facts in quirks() {
        let check = big_check(facts, "ck1");
        assert_eq!(check.sql, "((num > (0)::numeric) AND (num < (10)::numeric)) OR (num IS NULL)");
        assert!(says(&check.options, "no_inherit"));
    }
    each(|db| {
        db.execute_script(
            "CREATE FUNCTION f(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
             CREATE TABLE t (a int CHECK (f(a)), b text CHECK (b <> 'two\nlines)'))",
        )
        .unwrap();
        let facts = facts_of(db, None);
        let texts: Vec<&str> = table(&facts, "t").checks.iter().map(|c| c.sql.as_str()).collect();
        assert_eq!(texts, ["f(a)", "b <> 'two\nlines)'::text"]);
    });
}

#[test]
fn r4_4_16_not_null_is_no_check() {
    for facts in quirks() {
        let names: Vec<_> = table(facts, "big").checks.iter().filter_map(|c| c.name.as_deref()).collect();
        assert_eq!(names, ["ck1", "ck_nv"]);
    }
}

#[test]
fn r4_4_17_comments() {
    for facts in quirks() {
        let parent = table(facts, "parent");
        assert_eq!(parent.comment.as_deref(), Some("tbl cmt"));
        assert_eq!(parent.columns[1].comment.as_deref(), Some("col 'cmt'"));
        let unique = parent.uniques.iter().find(|u| u.name.as_deref() == Some("parent_code_key")).unwrap();
        assert_eq!(unique.comment.as_deref(), Some("uq cmt"));
    }
}

#[test]
fn r4_4_18_inheritance_and_partitions() {
    for facts in quirks() {
        assert_eq!(list(&table(facts, "inh").options, "inherits"), ["p1.parent"]);
        assert!(table(facts, "inh").columns.iter().all(|c| says(&c.options, "inherited")));
        let text = |name: &str, option: &str| {
            table(facts, name).options.text("postgresql", option).map(str::to_string)
        };
        assert_eq!(text("part", "partition_by").as_deref(), Some("RANGE (y)"));
        assert_eq!(text("part_1", "partition_of").as_deref(), Some("p1.part"));
        assert_eq!(text("part_1", "bound").as_deref(), Some("FOR VALUES FROM (0) TO (10)"));
        assert!(
            says(&table(facts, "part_1").indexes[0].options, "inherited"),
            "the parent's index brings it"
        );
    }
}

#[test]
fn r4_4_19_exclusion_constraints() {
    for facts in quirks() {
        let others = &table(facts, "big").others;
        assert_eq!(others.len(), 1);
        assert_eq!(others[0].name, "excl");
        assert_eq!(others[0].sql, "EXCLUDE USING gist (r4 WITH &&, ca WITH =) WHERE ((ca > 0))");
    }
    each(|db| {
        db.execute_script("CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&))").unwrap();
        db.reflect().unwrap();
        assert_eq!(db.table_named("t").unwrap().def().others().len(), 1);
    });
}

#[test]
fn r4_4_20_collations() {
    for facts in quirks() {
        assert_eq!(big_column(facts, "Mixed Case").collation.as_deref(), Some("C"));
        assert_eq!(big_column(facts, "txt").collation, None);
    }
}

#[test]
fn r4_4_21_twins_of_another_case() {
    each(|db| {
        db.execute_script("CREATE TABLE twin (a int, \"A\" text); CREATE TABLE \"Twin\" (b int)").unwrap();
        let tables = db.reflect().unwrap();
        let names: Vec<_> = tables.tables().iter().map(|t| t.name().to_string()).collect();
        assert_eq!(names, ["Twin", "twin"]);
        let twin = db.table_named("twin").unwrap();
        insert(&twin).values(values! { "a" => 1, "A" => "x" }).run(db).unwrap();
        assert_eq!(select(twin.c("A")).scalar::<String>(db).unwrap(), "x");
        let near = db.table_named("TWIN").unwrap_err();
        assert!(near.message().contains("did you mean"), "{near}");
    });
}

#[test]
fn r4_4_22_types_nobody_knows() {
    for facts in quirks() {
        for (name, declared) in
            [("bp", "bpchar"), ("tsq", "tsquery"), ("pt", "point"), ("xml", "xml"), ("hs", "hstore")]
        {
            assert_eq!(big_column(facts, name).declared, declared);
        }
        assert_eq!(big_column(facts, "pt").ty, Type::Other("point".into()), "its own words, never nothing");
    }
}

#[test]
fn r4_4_24_a_thousand_tables_cost_as_many_statements_as_ten() {
    each(|db| {
        let statements = |from: usize, to: usize| {
            let mut sql = String::new();
            for i in from..to {
                let key = if i > 0 { format!(", p int REFERENCES t{}", i - 1) } else { String::new() };
                sql += &format!(
                    "CREATE TABLE t{i} (id int PRIMARY KEY, a text UNIQUE, b int CHECK (b > 0){key});
                     CREATE INDEX i{i} ON t{i} (lower(a)); CREATE VIEW v{i} AS SELECT a FROM t{i};"
                );
            }
            db.execute_script(&sql).unwrap();
            let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let own = count.clone();
            let _watch = db.engine().unwrap().observe(move |_| {
                own.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            });
            let facts = facts_of(db, None);
            assert_eq!((facts.tables.len(), facts.problems.len()), (2 * to, 0));
            count.load(std::sync::atomic::Ordering::Relaxed)
        };
        let ten = statements(0, 10);
        assert!(ten <= 9, "{ten}");
        assert_eq!(statements(10, 1000), ten);
    });
}

#[test]
fn r4_8_checks_and_keys_that_are_not_valid_yet() {
    for facts in quirks() {
        assert!(says(&big_check(facts, "ck_nv").options, "not_valid"));
        let key = &table(facts, "parent").foreign_keys[0];
        assert!(says(&key.options, "not_valid"), "{key:?}");
    }
}

#[test]
fn r4_8_lengths_of_domains() {
    for facts in quirks() {
        assert_eq!(big_column(facts, "e").type_facts.base.as_ref().unwrap().length, Some(30));
    }
}

#[test]
fn r4_8_storage_dimensions_collations() {
    for facts in quirks() {
        assert!(says(&table(facts, "unl").options, "unlogged"));
        assert_eq!(list(&table(facts, "unl").options, "with"), ["fillfactor=70"]);
        assert_eq!(big_column(facts, "arr2").type_facts.dimensions, 2);
        assert_eq!(big_index(facts, "ix_ops").elements[1].collation.as_deref(), Some("C"));
    }
    each(|db| {
        db.execute("CREATE TABLE t (a text STORAGE external, b int)", ())
            .or_else(|_| {
                db.execute("CREATE TABLE t (a text, b int)", ())?;
                db.execute("ALTER TABLE t ALTER a SET STORAGE external", ())
            })
            .unwrap();
        let facts = facts_of(db, None);
        assert_eq!(table(&facts, "t").columns[0].options.text("postgresql", "storage"), Some("EXTERNAL"));
    });
}

#[test]
fn keys_over_time_of_postgresql_18() {
    each(|db| {
        if !db.engine().unwrap().target().unwrap().features().virtual_columns {
            return;
        }
        db.execute_script(
            "CREATE EXTENSION btree_gist;
             CREATE TABLE rooms (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
             CREATE TABLE stays (room int, at daterange,
                 FOREIGN KEY (room, PERIOD at) REFERENCES rooms (id, PERIOD during));
             CREATE TABLE soft (a int CONSTRAINT later CHECK (a > 0) NOT ENFORCED)",
        )
        .unwrap();
        let facts = facts_of(db, None);
        assert!(says(&table(&facts, "rooms").primary_key.as_ref().unwrap().options, "without_overlaps"));
        assert!(says(&table(&facts, "stays").foreign_keys[0].options, "period"));
        let check = &table(&facts, "soft").checks[0];
        assert!(says(&check.options, "not_enforced") && !says(&check.options, "not_valid"), "{check:?}");
    });
}

/// Reading the catalog changes a setting meanwhile, and nothing afterwards.
#[test]
fn settings_are_as_they_were() {
    each(|db| {
        for jit in ["on", "off"] {
            let conn = db.connect().unwrap();
            conn.execute(&format!("SET jit = {jit}"), ()).unwrap();
            let now = || conn.query_text("SHOW jit", ()).unwrap().one().unwrap().get::<String>(0).unwrap();
            Reflector::new().facts(&conn).unwrap();
            assert_eq!(now(), jit);
            Reflector::new().schema("nowhere").facts(&conn).unwrap_err();
            assert_eq!(now(), jit);
            conn.execute("SET jit = DEFAULT", ()).unwrap();
        }
    });
}
