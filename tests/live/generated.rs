//! Schemas nobody would write by hand, with names of every hostile character: declared, created, reflected,
//! written as DDL, created again, reflected again.

use std::collections::HashSet;

use mirrorm::dialect::SchemaFacts;
use mirrorm::prelude::*;
use mirrorm::reflect::{Reflector, to_ddl, translate};
use mirrorm::schema::{Column, IndexElement, Reference, foreign_key, unique};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{dialect, each_server, empty, memory};

/// A table to be.
#[derive(Clone, Debug)]
struct Plan {
    name: String,
    columns: Vec<(String, usize, bool, bool)>,
    /// Which table its last column points to, and what happens on delete.
    points: Option<(usize, bool)>,
    unique: bool,
    index: Option<bool>,
    check: bool,
    comment: Option<String>,
}

fn name() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "a", "B", "ü", "名", "'", "\"", "`", "[", "]", "%", "%s", "?", ":x", "$1", " ", "-", ".", "\\", ";",
        "--", "/*", "select", "ORDER", "key", "0", "_", "{", "}", "#", "@", "\t",
    ]);
    prop::collection::vec(parts, 1..5).prop_map(|parts| {
        let name: String = parts.concat();
        // No database takes a name that ends in a space.
        let name = name.trim().to_string();
        if name.is_empty() { "x".to_string() } else { name }
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let column = (name(), 0_usize..TYPES, any::<bool>(), any::<bool>());
    let parts = (name(), prop::collection::vec(column, 1..6), prop::option::of((0_usize..4, any::<bool>())));
    let rest = (any::<bool>(), prop::option::of(any::<bool>()), any::<bool>(), prop::option::of(name()));
    (parts, rest).prop_map(|((name, columns, points), (unique, index, check, comment))| Plan {
        name,
        columns,
        points,
        unique,
        index,
        check,
        comment,
    })
}

const TYPES: usize = 12;

/// A type and a default of it.
fn of_type(n: usize) -> (Type, Value) {
    match n {
        0 => (SmallInteger, (-5).into()),
        1 => (Integer, 0.into()),
        2 => (BigInteger, 5_000_000_000_i64.into()),
        3 => (Double, 1.5.into()),
        4 => (Numeric(12, 4), "1.2500".into()),
        5 => (Varchar(40), "it's \"so\"".into()),
        6 => (Char(3), "abc".into()),
        7 => (Date, "2024-02-29".into()),
        8 => (DateTime, "2024-02-29 12:30:00".into()),
        9 => (Time, "12:30:00".into()),
        10 => (Varchar(200), "".into()),
        _ => (Boolean, true.into()),
    }
}

/// Names of a database that folds case are told apart by more than that.
fn distinct(plans: Vec<Plan>) -> Vec<Plan> {
    let mut tables = HashSet::new();
    let mut kept: Vec<Plan> = plans.into_iter().filter(|p| tables.insert(p.name.to_lowercase())).collect();
    for plan in &mut kept {
        let mut columns: HashSet<String> = ["id", "sound", "target"].map(String::from).into();
        plan.columns.retain(|(name, ..)| columns.insert(name.to_lowercase()));
    }
    kept
}

fn define(db: &Db, plans: &[Plan]) -> Result<()> {
    for (at, plan) in plans.iter().enumerate() {
        let mut columns: Vec<Column> = vec![column("id", Integer).primary_key(), column("sound", Integer)];
        for (name, ty, not_null, has_default) in &plan.columns {
            let (ty, default) = of_type(*ty);
            let mut made = column(name.as_str(), ty);
            made = if *not_null { made.not_null() } else { made };
            made = if *has_default { made.server_default(default) } else { made };
            columns.push(made);
        }
        let first = plan.columns.first().map(|(name, ..)| name.as_str());
        let indexed = |descending: bool| {
            let element = IndexElement::column(first.unwrap_or("id"));
            index([if descending { element.desc() } else { element }, IndexElement::column("id")])
                .named(format!("ix{at} {}", plan.name.chars().take(20).collect::<String>().trim()))
        };
        let points = plan.points.map(|(to, cascade)| {
            let to = plans.get(to % plans.len()).map_or("", |plan| plan.name.as_str());
            let key = foreign_key(["target"], Reference::columns(to, ["id"])).named(format!("fk{at}"));
            if cascade { key.on_delete(Action::Cascade) } else { key }
        });
        let target = points.is_some().then(|| column("target", Integer));
        let own_unique =
            first.filter(|_| plan.unique).map(|name| unique([name, "id"]).named(format!("uq{at}")));
        let own_check = plan.check.then(|| check(raw("sound > -5")).named(format!("ck{at}")));
        let own_comment = plan.comment.clone().filter(|_| dialect(db) != "sqlite").map(comment);
        db.table(
            plan.name.as_str(),
            (columns, target, points, own_unique, plan.index.map(indexed), own_check, own_comment),
        )?;
    }
    Ok(())
}

fn round(db: &Db, plans: Vec<Plan>, again: impl Fn(&Db)) {
    let plans = distinct(plans);
    db.metadata().clear();
    define(db, &plans).unwrap();
    db.create_all().unwrap();
    let facts = |db: &Db| Reflector::new().facts(&db.connect().unwrap()).unwrap();
    let first = facts(db);
    assert_eq!(first.problems, []);
    let names: HashSet<&str> = first.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, plans.iter().map(|p| p.name.as_str()).collect::<HashSet<_>>());
    for plan in &plans {
        let found = first.tables.iter().find(|t| t.name == plan.name).unwrap();
        let columns: Vec<&str> = found.columns.iter().map(|c| c.name.as_str()).collect();
        let wanted = ["id", "sound"].into_iter().chain(plan.columns.iter().map(|(name, ..)| name.as_str()));
        assert_eq!(columns, wanted.chain(plan.points.map(|_| "target")).collect::<Vec<_>>());
        assert_eq!(found.foreign_keys.len(), usize::from(plan.points.is_some()));
        assert_eq!(found.checks.len(), usize::from(plan.check));
        if dialect(db) != "sqlite" {
            assert_eq!(found.comment, plan.comment);
        }
    }
    let statements = to_ddl(&first, &db.engine().unwrap().target().unwrap()).unwrap();
    again(db);
    for statement in &statements {
        db.execute(statement, ()).unwrap_or_else(|e| panic!("{e}\n{statement}"));
    }
    if dialect(db) != "sqlite" {
        db.engine().unwrap().dispose();
    }
    assert_eq!(facts(db), first, "{statements:#?}");
    again(db);
}

fn run(share: u32, test: impl Fn(Vec<Plan>)) {
    let all = Config::default();
    let config = Config { cases: (all.cases / share).max(4), failure_persistence: None, ..all };
    let plans = prop::collection::vec(plan(), 1..5);
    TestRunner::new(config)
        .run(&plans, |plans| {
            test(plans);
            Ok(())
        })
        .unwrap();
}

#[test]
fn generated_schemas_on_sqlite() {
    run(1, |plans| {
        let db = memory();
        round(&db, plans, |db| {
            let own = Reflector::new().facts(&db.connect().unwrap()).unwrap();
            db.execute_script("PRAGMA foreign_keys = off").unwrap();
            for table in &own.tables {
                let quoted = table.name.replace('"', "\"\"");
                db.execute(&format!("DROP TABLE \"{quoted}\""), ()).unwrap();
            }
        });
    });
}

#[test]
fn generated_schemas_on_servers() {
    each_server(|db| run(8, |plans| round(db, plans, empty)));
}

/// Makes what is on one database on another: the same tables, columns, keys and conditions are there.
fn carry(from: &Db, to: &Db) {
    let facts = |db: &Db| Reflector::new().facts(&db.connect().unwrap()).unwrap();
    let before = facts(from);
    let target = to.engine().unwrap().target().unwrap();
    let there = translate(&before, from.engine().unwrap().dialect(), &target).unwrap();
    for statement in &there.statements {
        to.execute(statement, ()).unwrap_or_else(|e| panic!("{e}\n{statement}"));
    }
    let shape = |facts: &SchemaFacts| {
        let of = |t: &mirrorm::dialect::TableFacts| {
            let columns: Vec<(String, bool)> =
                t.columns.iter().map(|c| (c.name.clone(), c.default.is_some() && !c.autoincrement)).collect();
            let keys =
                t.foreign_keys.iter().map(|k| (k.columns.clone(), k.referred_table.clone(), k.on_delete));
            let keys: Vec<_> = keys.collect();
            (t.name.clone(), columns, keys, t.checks.len(), t.uniques.len())
        };
        let mut tables: Vec<_> = facts.tables.iter().map(of).collect();
        tables.sort_by(|a, b| a.0.cmp(&b.0));
        tables
    };
    assert_eq!(shape(&facts(to)), shape(&before), "{there:#?}");
}

#[test]
fn generated_schemas_on_other_databases() {
    each_server(|db| {
        run(8, |plans| {
            let (file, other) = (memory(), memory());
            let plans = distinct(plans);
            define(&file, &plans).unwrap();
            file.create_all().unwrap();
            carry(&file, db);
            db.engine().unwrap().dispose();
            carry(db, &other);
            empty(db);
        });
    });
}
