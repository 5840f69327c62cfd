//! Attributes beside the columns (§5.8.2, §5.8.3, §5.8.4, §5.8.5): pairs of functions, second names, composites.

use mirrorm::prelude::*;
use mirrorm::schema::{Hybrid, HybridKind};

use crate::support::each_backend;

fn full_name() -> Hybrid {
    hybrid("full_name")
        .sql(|c| c("first").concat(" ").concat(c("last")))
        .read(|own| Ok(format!("{} {}", own.get::<String>("first")?, own.get::<String>("last")?)))
        .assign(|full: String| {
            let (first, last) = full.split_once(' ').unwrap_or((&full, ""));
            Ok([("first", first.to_string()), ("last", last.to_string())])
        })
}

fn people(db: &Db) -> Table {
    let parts = (
        column("id", Integer).primary_key(),
        column("first", Varchar(20)),
        column("last", Varchar(20)),
        column("boss_id", Integer).references("people.id"),
        full_name(),
        synonym("family", "last"),
    );
    let people = db.table("people", parts).unwrap();
    db.create_all().unwrap();
    let all = [("Ann", "Lee", None), ("Ben", "Orr", Some(1)), ("Cat", "Lee", Some(1))];
    insert(&people).rows(["first", "last", "boss_id"], all).run(db).unwrap();
    people
}

#[test]
fn r5_8_4_a_pair_of_functions_says_the_same_in_memory_and_in_sql() {
    each_backend(|db| {
        let people = people(db);
        let session = db.session();
        let all = session.query(&people).order_by(people.c("full_name").desc()).all().unwrap();
        let names: Vec<String> = all.iter().map(|one| one.get("full_name").unwrap()).collect();
        assert_eq!(names, ["Cat Lee", "Ben Orr", "Ann Lee"]);
        let told: Vec<String> = select(people.c("full_name")).order_by(people.c("id")).scalars(db).unwrap();
        assert_eq!(told, ["Ann Lee", "Ben Orr", "Cat Lee"]);
        // Under another name, and along relationships.
        let boss = people.alias("boss");
        let query = select(people.c("first")).join_on(&boss, boss.c("id").eq(people.c("boss_id")));
        let query = query.filter(boss.c("full_name").eq("Ann Lee")).order_by(people.c("id"));
        assert_eq!(query.scalars::<String>(db).unwrap(), ["Ben", "Cat"]);
        let of_ann = people.has("boss", |boss| boss.c("full_name").eq("Ann Lee"));
        assert_eq!(session.query(&people).filter(of_ann).count().unwrap(), 2);
        assert_eq!(
            session.query(&people).filter_by(values! { "full_name" => "Ben Orr" }).count().unwrap(),
            1
        );
        // What is set counts before it is flushed; it is set itself, too.
        all[0].set("first", "Cathy").unwrap();
        assert_eq!(all[0].get::<String>("full_name").unwrap(), "Cathy Lee");
        all[1].set("full_name", "Benjamin Ore").unwrap();
        session.commit().unwrap();
        assert_eq!(all[1].get::<String>("last").unwrap(), "Ore");
        let new = people.record(values! { "full_name" => "Dan Fox", "boss_id" => 1 }).unwrap();
        session.add(new).unwrap();
        session.commit().unwrap();
        let told: Vec<String> = select(people.c("full_name")).order_by(people.c("id")).scalars(db).unwrap();
        assert_eq!(told, ["Ann Lee", "Benjamin Ore", "Cathy Lee", "Dan Fox"]);
    });
}

#[test]
fn r5_8_5_a_second_name_is_the_column() {
    each_backend(|db| {
        let people = people(db);
        let session = db.session();
        let ben = session.query(&people).filter(people.c("family").eq("Orr")).one().unwrap();
        assert_eq!(ben.get::<String>("family").unwrap(), "Orr");
        ben.set("family", "Ore").unwrap();
        let history = ben.history("family").unwrap();
        assert_eq!((history.old, history.new), (Some("Orr".into()), Some("Ore".into())));
        session.flush().unwrap();
        ben.set("family", people.c("family").concat("!")).unwrap();
        session.commit().unwrap();
        assert_eq!(ben.get::<String>("last").unwrap(), "Ore!");
        let veto = db.signals().attribute_set.on("family").connect(|_, _, _| Err("it stays".into()));
        assert!(ben.set("last", "x").is_err() && ben.set("family", "x").is_err());
        drop(veto);
        // In statements that are built, and where columns are named.
        insert(&people).values(values! { "first" => "Dan", "family" => "Fox" }).run(db).unwrap();
        insert(&people).rows(["first", "family"], [["Eve", "Fry"]]).run(db).unwrap();
        insert(&people).named_rows([values! { "first" => "Flo", "family" => "Gay" }]).run(db).unwrap();
        let fry = people.c("family").eq("Fry");
        update(&people).set(values! { "family" => "Frye", "first" => "Eva" }).filter(fry).run(db).unwrap();
        let raised = session.query(&people).filter(people.c("id").eq(6));
        assert_eq!(raised.update_all(values! { "family" => "Guy" }).unwrap(), 1);
        session.commit().unwrap();
        let row = |id: i64| values! { "id" => id, "first" => "Gus", "family" => "Hay" };
        insert(&people).values(row(6)).upsert(["id"], ["family"]).run(db).unwrap();
        let twice = mirrorm::stmt::conflict(["id"])
            .set(values! { "last" => "no" })
            .set(values! { "family" => "Hay" });
        insert(&people).values(row(6)).on_conflict(twice).run(db).unwrap();
        let boss = relationship("chief", &people).on(["boss_id"], ["id"]);
        db.relate(&people, boss.kind(mirrorm::reflect::RelationshipKind::ManyToOne)).unwrap();
        let told: Vec<String> = select(people.c("family")).order_by(people.c("id")).scalars(db).unwrap();
        assert_eq!(told, ["Lee", "Ore!", "Lee", "Fox", "Frye", "Hay"]);
        let some = session.query(&people).load_only(["family"]).filter(people.c("id").eq(4)).one().unwrap();
        assert_eq!(
            (some.get::<String>("last").unwrap(), some.get::<String>("first").is_err()),
            ("Fox".into(), true)
        );
        some.set("family", "Foxx").unwrap();
        session.refresh_only(&some, ["family"]).unwrap();
        assert_eq!(some.get::<String>("family").unwrap(), "Fox");
    });
}

#[derive(serde::Deserialize, PartialEq, Debug)]
struct Point {
    x: i64,
    y: i64,
}

#[test]
fn r5_8_2_several_columns_are_one_value() {
    each_backend(|db| {
        let lines = (
            column("id", Integer).primary_key(),
            ["x1", "y1", "x2", "y2"].map(|name| column(name, Integer)),
            composite("start", [("x", "x1"), ("y", "y1")]),
            composite("end", [("x", "x2"), ("y", "y2")]),
        );
        let lines = db.table("lines", lines).unwrap();
        db.create_all().unwrap();
        let session = db.session();
        let line = lines.record(values! { "start" => tuple((1, 2)), "end" => tuple((3, 4)) }).unwrap();
        let line = session.add(line).unwrap();
        let open = session.add(lines.record(values! { "start" => tuple((3, 4)) }).unwrap()).unwrap();
        session.commit().unwrap();
        assert_eq!(line.composite::<Point>("start").unwrap(), Some(Point { x: 1, y: 2 }));
        assert_eq!(open.composite::<Point>("end").unwrap(), None);
        let ends_at = session.query(&lines).filter(lines.c("end").eq(tuple((3, 4))));
        assert_eq!(ends_at.one().unwrap(), line);
        let there = [tuple((1, 2)), tuple((9, 9))];
        assert_eq!(session.query(&lines).filter(lines.c("start").in_(there)).count().unwrap(), 1);
        let meeting = lines.alias("meeting");
        let meets = select(lines.c("id")).join_on(&meeting, meeting.c("start").eq(lines.c("end")));
        assert_eq!(meets.scalars::<i64>(db).unwrap().len(), 1);
        line.set("end", tuple((7, lines.c("y1").add(1)))).unwrap();
        session.commit().unwrap();
        assert_eq!(line.composite::<Point>("end").unwrap(), Some(Point { x: 7, y: 3 }));
        let parts: std::collections::HashMap<String, Value> = line.composite("end").unwrap().unwrap();
        assert_eq!(parts["x"], 7.into());
        line.set("end", None::<i64>).unwrap();
        session.commit().unwrap();
        assert_eq!((line.composite::<Point>("end").unwrap(), line.value("x2").unwrap()), (None, Value::Null));
        // Wrongly.
        for wrong in [line.set("end", tuple((1, 2, 3))), line.set("end", 5)] {
            let error = wrong.unwrap_err();
            assert!(
                error.kind() == ErrorKind::Invalid && error.to_string().contains("tuple of x, y"),
                "{error}"
            );
        }
        assert!(line.value("end").unwrap_err().to_string().contains("composite"));
        assert_eq!(line.composite::<Point>("x1").unwrap_err().kind(), ErrorKind::NoSuchColumn);
        let def = lines.def();
        let kinds: Vec<&str> = def.hybrids().iter().map(Hybrid::name).collect();
        assert_eq!(kinds, ["start", "end"]);
        let built = insert(&lines).values(values! { "start" => 1 }).run(db).unwrap_err();
        assert!(
            built.kind() == ErrorKind::NoSuchColumn && built.to_string().contains("made of others"),
            "{built}"
        );
        let near = line.value("strt").unwrap_err().to_string();
        assert!(near.contains("did you mean `start`?"), "{near}");
        assert!(matches!(def.hybrids()[0].kind(), HybridKind::Composite(parts) if parts.len() == 2));
    });
}

#[test]
fn r5_8_4_models_share_them_and_found_tables_take_them() {
    each_backend(|db| {
        let people = people(db);
        let again = db
            .table(
                "people",
                (
                    hybrid("initial")
                        .read(|own| Ok(own.get::<String>("first")?.chars().next().map(String::from))),
                    extend_existing(),
                ),
            )
            .unwrap();
        assert_eq!(again, people);
        let ann = db.session().get_one(&people, 1).unwrap();
        assert_eq!(
            (ann.get::<String>("initial").unwrap(), ann.get::<String>("full_name").unwrap()),
            ("A".into(), "Ann Lee".into())
        );
        let in_sql = db.session().query(&people).filter(people.c("initial").eq("A")).all().unwrap_err();
        assert!(in_sql.kind() == ErrorKind::Invalid && in_sql.to_string().contains("say `sql`"), "{in_sql}");
        let named = Model::mixin().parts((column("label", Varchar(9)), synonym("title", "label")));
        let tags =
            Model::new("Tag").with(&named).parts(column("id", Integer).primary_key()).define(db).unwrap();
        assert_eq!(tags.record(values! { "title" => "x" }).unwrap().get::<String>("label").unwrap(), "x");
    });
}

#[test]
fn r5_8_4_functions_that_fail_panic_or_never_end() {
    let table =
        |own: Hybrid| Table::new("t", (column("id", Integer).primary_key(), column("n", Integer), own));
    let fails = hybrid("h")
        .read(|own| own.get::<i64>("n"))
        .assign(|_: Value| Err::<(), _>(Error::new(ErrorKind::Vetoed, "no")));
    let record = table(fails).unwrap().record(values! { "n" => "x" }).unwrap();
    assert_eq!(record.get::<i64>("h").unwrap_err().kind(), ErrorKind::Conversion);
    assert_eq!(record.set("h", 1).unwrap_err().kind(), ErrorKind::Vetoed);
    assert_eq!(record.get::<String>("n").unwrap(), "x", "nothing is lost");
    let panics = hybrid("h").read(|_| -> Result<i64> { panic!("oh") }).sql(|_| panic!("oh"));
    let t = table(panics).unwrap();
    let record = t.record(()).unwrap();
    assert!(record.value("h").unwrap_err().to_string().contains("panicked"));
    assert!(t.try_c("h").unwrap_err().to_string().contains("panicked"));
    assert!(record.set("h", 1).unwrap_err().to_string().contains("only read"));
    let endless =
        hybrid("h").read(|own| own.get::<i64>("h")).assign(|value: Value| Ok([("h", value)])).sql(|c| c("h"));
    let t = table(endless).unwrap();
    let record = t.record(()).unwrap();
    assert_eq!(record.value("h").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(record.set("h", 1).unwrap_err().kind(), ErrorKind::Invalid);
    let db = Db::open("sqlite://").unwrap();
    assert!(select(t.c("h")).all(&db).unwrap_err().to_string().contains("made of itself"));
    let twice = hybrid("h")
        .read(|own| Ok(own.value("h").is_ok() || own.value("h").is_ok()))
        .sql(|c| c("h").add(c("h")));
    let t = table(twice).unwrap();
    assert!(!t.record(()).unwrap().get::<bool>("h").unwrap());
    assert!(select(t.c("h")).all(&db).is_err());
    let values = hybrid("h").assign(|value: i64| Ok([("n", value)]));
    let record = table(values).unwrap().record(values! { "h" => 5 }).unwrap();
    assert_eq!(record.get::<i64>("n").unwrap(), 5);
    assert_eq!(record.set("h", "x").unwrap_err().kind(), ErrorKind::Conversion);
    assert!(record.set("h", func::random()).unwrap_err().to_string().contains("not an expression"));
    assert!(record.value("h").unwrap_err().to_string().contains("SQL only"));
    for (own, kind) in [
        (synonym("n", "id"), ErrorKind::Duplicate),
        (synonym("h", "m"), ErrorKind::NoSuchColumn),
        (composite("h", [("a", "n"), ("b", "m")]), ErrorKind::NoSuchColumn),
        (composite::<&str, &str>("h", []), ErrorKind::Invalid),
    ] {
        assert_eq!(table(own).unwrap_err().kind(), kind);
    }
}
