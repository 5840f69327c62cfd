//! Reflect, write DDL, make it elsewhere, reflect again: nothing is lost on the way.

use mirrorm::dialect::SchemaFacts;
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, to_ddl};
use mirrorm::types::EnumType;

use crate::support::{dialect, each_server, each_server_url, empty, is_postgres, loaded, memory, schema_of};

fn facts_of(db: &Db, schema: Option<&str>) -> SchemaFacts {
    let reflector = schema.into_iter().fold(Reflector::new(), |made, schema| made.schema(schema));
    reflector.facts(&db.connect().unwrap()).unwrap()
}

fn ddl(db: &Db, facts: &SchemaFacts) -> Vec<String> {
    to_ddl(facts, &db.engine().unwrap().target().unwrap()).unwrap()
}

/// The character set of a view's texts on MySQL is that of the connection that made it.
fn without_charsets_of_views(mut facts: SchemaFacts) -> SchemaFacts {
    for column in facts.tables.iter_mut().filter(|t| t.kind.is_view()).flat_map(|t| &mut t.columns) {
        if column.options.text("mysql", "charset").is_some() {
            (column.collation, column.options) = (None, Default::default());
        }
    }
    facts
}

/// What differs, object by object.
fn differences(before: &SchemaFacts, after: &SchemaFacts) -> Vec<String> {
    let mut list = Vec::new();
    let mut compare = |what: &str, a: String, b: String| {
        if a != b {
            let at = a.chars().zip(b.chars()).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
            let near = |text: &str| text.chars().skip(at.saturating_sub(120)).take(260).collect::<String>();
            list.push(format!("{what}:\n   before {}\n   after  {}", near(&a), near(&b)));
        }
    };
    for table in &before.tables {
        let again = after.tables.iter().find(|other| other.name == table.name);
        compare(
            &table.name,
            format!("{table:?}"),
            again.map_or("nothing".to_string(), |again| format!("{again:?}")),
        );
    }
    compare("names", format!("{:?}", names(before)), format!("{:?}", names(after)));
    compare("enums", format!("{:?}", before.enums), format!("{:?}", after.enums));
    compare("domains", format!("{:?}", before.domains), format!("{:?}", after.domains));
    compare("sequences", format!("{:?}", before.sequences), format!("{:?}", after.sequences));
    list
}

fn names(facts: &SchemaFacts) -> Vec<&str> {
    facts.tables.iter().map(|table| table.name.as_str()).collect()
}

#[test]
fn r4_6_8_on_sqlite() {
    for schema in ["chinook", "chinook-auto", "northwind", "sakila", "quirks"] {
        let db = loaded(schema);
        let mut before = facts_of(&db, None);
        // What a module makes up, it makes up again with its own words.
        before.tables.retain(|t| {
            !matches!(t.kind, mirrorm::dialect::ObjectKind::Virtual | mirrorm::dialect::ObjectKind::Shadow)
        });
        let other = memory();
        let statements = ddl(&db, &before);
        for statement in &statements {
            other.execute(statement, ()).unwrap_or_else(|e| panic!("{schema}: {e}\n{statement}"));
        }
        let after = facts_of(&other, None);
        let found = differences(&before, &after);
        assert!(found.is_empty(), "{schema}:\n{}", found.join("\n"));
    }
}

/// The routines of a schema's text, which are not reflected and which views may call.
fn routines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) =
        ["CREATE FUNCTION", "CREATE AGGREGATE"].iter().filter_map(|word| rest.find(word)).min()
    {
        let from = &rest[at..];
        let dollar = from.find('$').map(|at| (at, from[at + 1..].find('$').unwrap() + at + 2));
        let end = match dollar.filter(|(at, _)| *at < from.find(';').unwrap()) {
            Some((open, behind)) => {
                let tag = &from[open..behind];
                let close = from[behind..].find(tag).unwrap() + behind + tag.len();
                from[close..].find(';').unwrap() + close
            }
            None => from.find(';').unwrap(),
        };
        found.push(from[..end].to_string());
        rest = &from[end..];
    }
    found
}

/// Runs statements; those that need a routine wait for it, and routines for what they need.
fn run(db: &Db, statements: &[String], routines: Vec<String>) {
    let mut waiting: Vec<String> = statements.iter().cloned().chain(routines).collect();
    loop {
        let mut failed = Vec::new();
        let mut why = Vec::new();
        for statement in &waiting {
            if let Err(error) = db.execute_script(statement) {
                why.push(format!("{error}\n{statement}"));
                failed.push(statement.clone());
            }
        }
        if failed.is_empty() {
            return;
        }
        assert!(failed.len() < waiting.len(), "{}", why.join("\n\n"));
        waiting = failed;
    }
}

#[test]
fn r4_6_8_on_servers() {
    each_server_url(|url| {
        let db = Db::open(url).unwrap();
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        let server = match (is_postgres(url), version.contains("MariaDB")) {
            (true, _) => "pg",
            (false, true) => "mariadb",
            (false, false) => "mysql",
        };
        for schema in ["chinook", "chinook-auto", "northwind", "sakila", "pagila", "quirks"] {
            if schema == "pagila" && !(server == "pg" && version.starts_with("18")) {
                continue;
            }
            empty(&db);
            let text = schema_of(schema, server);
            db.execute_script(&text).unwrap();
            db.engine().unwrap().dispose();
            let parts: &[Option<&str>] =
                if (schema, server) == ("quirks", "pg") { &[Some("p2"), Some("p1")] } else { &[None] };
            let before: Vec<SchemaFacts> = parts.iter().map(|part| facts_of(&db, *part)).collect();
            let statements: Vec<String> = before.iter().flat_map(|facts| ddl(&db, facts)).collect();
            empty(&db);
            if (schema, server) == ("quirks", "pg") {
                db.execute_script(
                    "DROP SCHEMA p1 CASCADE; DROP SCHEMA p2 CASCADE; CREATE EXTENSION hstore;
                    CREATE EXTENSION citext; CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm",
                )
                .unwrap();
            }
            run(&db, &statements, routines(&text));
            db.engine().unwrap().dispose();
            for (part, before) in parts.iter().zip(&before) {
                let mut before = without_charsets_of_views(before.clone());
                let after = without_charsets_of_views(facts_of(&db, *part));
                // What was broken is not made again.
                before.problems.clear();
                let found = differences(&before, &after);
                assert!(
                    found.is_empty(),
                    "{schema} on {server}:\n{}\n{}",
                    found.join("\n"),
                    statements.join(";\n")
                );
            }
        }
    });
}

/// Comments and enums that have names are made with their tables, and found again with them.
#[test]
fn enums_and_comments_are_created() {
    each_server(|db| {
        let moods = EnumType::named(None, "mood's", ["ok", "it's", ""]);
        let parts = |mood: EnumType| {
            let keyed = column("id", Integer).primary_key().comment("it's a \"key\"");
            (keyed, column("mood", Type::from(mood)), comment("who's \\ there"))
        };
        db.table("a", parts(moods.clone())).unwrap();
        let b = db.table("b", parts(moods.clone())).unwrap();
        db.create_all().unwrap();
        for table in &Reflector::new().facts(&db.connect().unwrap()).unwrap().tables {
            assert_eq!(table.comment.as_deref(), Some("who's \\ there"));
            assert_eq!(table.columns[0].comment.as_deref(), Some("it's a \"key\""));
        }
        insert(&b).values(values! { "id" => 1, "mood" => "it's" }).run(db).unwrap();
        db.drop_all().unwrap();
        // The type is there now, and another column may have it.
        db.create_all().unwrap();
        insert(&b).values(values! { "id" => 1, "mood" => "" }).run(db).unwrap();
        db.drop_all().unwrap();
        if dialect(db) == "postgresql" {
            db.table("c", parts(EnumType::named(None, "mood's", ["other"]))).unwrap();
            db.table("d", parts(EnumType::named(None, "mood's", ["ok"]))).unwrap();
            let error = db.create_all().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("mood's"), "{error}");
        }
    });
}
