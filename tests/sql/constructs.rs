//! Each construct on each database, as `constructs.txt` states it: the text, or what is said instead.
//!
//! `BLESS_DOCUMENTS=1` writes the file anew, to be read before it is kept.

use std::fmt::Write;
use std::sync::Arc;

use mirrorm::compile::{Compile, Target};
use mirrorm::dialect::{Locks, Returning};
use mirrorm::expr::{Bound, Exclude, Field, cube, grouping_sets, named, rollup};
use mirrorm::prelude::*;
use mirrorm::stmt::{OnConflict, conflict};

use super::{Blog, blog};

pub(super) fn databases() -> Vec<(&'static str, Arc<Target>)> {
    let mysql = &mirrorm_dialects::mysql::MySql;
    let offline = Target::offline(mysql);
    let mut features = offline.features().clone();
    features.version = "11.8.3-MariaDB".to_string();
    features.returning = Returning::InsertDelete;
    features.insert_alias = false;
    features.lateral = false;
    features.locks = Locks::Plain;
    vec![
        ("sqlite", Target::offline(mirrorm::dialect::built_in()[0])),
        ("postgresql", Target::offline(&mirrorm_dialects::postgres::Postgres)),
        ("mysql", offline),
        ("mariadb", Target::new(mysql, features)),
    ]
}

/// The statements, one after the other under a heading, databases of one text together.
#[derive(Default)]
struct Document(String);

impl Document {
    fn add(&mut self, name: &str, statement: &dyn Compile) {
        let texts = databases().into_iter().map(|(database, target)| match statement.compile(&target) {
            Ok(compiled) => (database, compiled.sql().to_string()),
            Err(error) => (database, format!("! {error}")),
        });
        let mut said: Vec<(Vec<&str>, String)> = Vec::new();
        for (database, text) in texts {
            match said.iter_mut().find(|(_, known)| *known == text) {
                Some((databases, _)) => databases.push(database),
                None => said.push((vec![database], text)),
            }
        }
        writeln!(self.0, "# {name}").unwrap();
        for (databases, text) in said {
            let of = if databases.len() == 4 { "all".to_string() } else { databases.join(", ") };
            writeln!(self.0, "{of}: {text}").unwrap();
        }
        self.0.push('\n');
    }
}

fn writes(document: &mut Document) {
    let Blog { users, posts, .. } = blog();
    let some =
        update(&users).set(values! { "name" => "x" }).all_rows().order_by(users.c("id").desc()).limit(2);
    document.add("update of some", &some);
    document.add("delete of some", &delete(&users).all_rows().limit(2));
    let (id, name, boss) = (users.c("id"), users.c("name"), users.c("boss_id"));
    let one = insert(&users).values(values! { "id" => 1, "name" => "x" });
    document.add("insert", &one);
    document.add("insert of nothing", &insert(&users).values(()));
    document.add("insert of rows", &insert(&users).rows(["id", "name"], [(1, "x"), (2, "y")]));
    document
        .add("insert from select", &insert(&users).from_select(["name"], select(posts.c("title")).limit(3)));
    document.add("insert returning", &one.clone().returning((&id, func::upper(&name).label("big"))));
    document.add("upsert", &one.clone().upsert(["id"], ["name"]));
    let rows = insert(&users).rows(["id", "name"], [(1, "x"), (2, "y")]);
    document.add("upsert of rows", &rows.clone().on_conflict(conflict(["id"]).update_others()));
    let longer = conflict(["id"]).set(values! { "name" => name.concat(name.excluded()).concat("!") });
    document.add("upsert with an expression", &rows.clone().on_conflict(longer));
    let newer = conflict(["id"]).update(["name"]).filter(name.ne(name.excluded()));
    document.add("upsert with a condition", &rows.clone().on_conflict(newer));
    let part = conflict(["id"]).index_filter(boss.gt(5)).update(["name"]);
    document.add("upsert by an index of some rows", &one.clone().on_conflict(part));
    document.add(
        "upsert from select",
        &insert(&users)
            .from_select(["id", "name"], select((posts.c("id"), posts.c("title"))))
            .upsert(["id"], ["name"]),
    );
    document.add("skip conflicts", &rows.clone().skip_conflicts(["id"]));
    document.add("skip any conflicts", &rows.skip_conflicts([] as [&str; 0]));
    document.add("upsert by no key", &one.clone().upsert(["name"], ["id"]));
    document
        .add("upsert by a key of no name", &one.on_conflict(OnConflict::constraint("nope").update(["name"])));
    document.add("update", &update(&users).set(values! { "name" => "x" }).filter(id.eq(1)));
    document.add("update of all", &update(&users).set(values! { "name" => "x" }));
    document
        .add("update returning", &update(&users).set(values! { "name" => "x" }).all_rows().returning(&users));
    document.add(
        "update from",
        &update(&users)
            .set(values! { "name" => posts.c("title") })
            .from(&posts)
            .filter(posts.c("author_id").eq(&id)),
    );
    let titled = select((posts.c("author_id"), func::max(posts.c("title")).label("title")))
        .group_by(posts.c("author_id"));
    let sub = titled.clone().subquery("titles").unwrap();
    document.add(
        "update from a subquery",
        &update(&users)
            .set(values! { "name" => sub.c("title") })
            .from(&sub)
            .filter(sub.c("author_id").eq(&id)),
    );
    let cte = titled.cte("titles").unwrap();
    document.add(
        "update from a named select",
        &update(&users)
            .set(values! { "name" => cte.c("title") })
            .from(&cte)
            .filter(cte.c("author_id").eq(&id)),
    );
    let own = select(func::max(posts.c("title"))).filter(posts.c("author_id").eq(&id));
    document.add("correlated update", &update(&users).set(values! { "name" => own }).all_rows());
    document.add(
        "update that reads what it sets",
        &update(&users).set(values! { "name" => "x", "boss_id" => func::char_length(&name) }).all_rows(),
    );
    document.add(
        "update that swaps",
        &update(&users).set(values! { "id" => &boss, "boss_id" => &id }).all_rows(),
    );
    document.add("delete", &delete(&users).filter(id.eq(1)));
    document.add("delete returning", &delete(&users).all_rows().returning(&id));
    document.add(
        "delete using",
        &delete(&users).using(&posts).filter(posts.c("author_id").eq(&id) & posts.c("title").eq("x")),
    );
    document.add(
        "delete using, returning",
        &delete(&users).using(&posts).filter(posts.c("author_id").eq(&id)).returning(&id),
    );
}

fn expressions(document: &mut Document) {
    let parts = (
        column("id", Integer),
        column("name", Text),
        column("day", Date),
        column("at", Type::Timestamp),
        column("doc", Json),
        column("price", Numeric(10, 2)),
    );
    let t = Table::new("t", parts).unwrap();
    let (id, name, doc) = (t.c("id"), t.c("name"), t.c("doc"));
    let mut add = |heading: &str, expr: Expr| document.add(heading, &select(expr).from(&t));
    add("not of a comparison", !id.eq(1));
    add("not of several", !(id.eq(1) | id.is_null()));
    add("all with a plain truth", Expr::all([true.into(), id.gt(1), true.into()]));
    add("any with a plain truth", Expr::any([id.gt(1), true.into()]));
    add("ilike", name.ilike("x%"));
    add("icontains", name.icontains("50%"));
    add("regexp", name.regexp("^a"));
    add("iregexp", name.iregexp("^a").eq(true));
    add("regexp_replace", name.regexp_replace("a", "b"));
    add("has_words", name.has_words("big dogs!"));
    add("div", id.add(1).div(id.sub(2)).mul(3));
    add("div of decimals", t.c("price").div(3));
    add("int_div", id.int_div(2).add(1));
    add("int_div of decimals", t.c("price").int_div(2));
    add("bit_xor", id.bit_xor(3).eq(1));
    add("shift_right", id.shift_right(1));
    add("like with an escape", name.like("50!%").escape('!'));
    add("extract year", t.c("day").extract(Field::Year));
    add("extract week", t.c("day").extract(Field::Week));
    add("extract hour of an instant", t.c("at").extract(Field::Hour));
    add("json_at", doc.json_at(("a b", 1)));
    add("json_text", doc.json_text(("a", 0)));
    add("json_integer", doc.json_integer("n"));
    add("json_float", doc.json_float("n"));
    add("json_boolean", doc.json_boolean("n"));
    add("json_contains", doc.json_contains(Value::Json("{}".parse().unwrap())));
    add("json_has", doc.json_has(("a", 0)));
    add("json_with", doc.json_with(("a", 1), Value::Json("{}".parse().unwrap())));
    add("json_without", doc.json_without("a"));
    add("json_concat", doc.json_concat(Value::Json("{}".parse().unwrap())));
    add("json_path_exists", doc.json_path_exists("$.a"));
    add("try_cast to a whole number", name.try_cast(SmallInteger));
    add("try_cast to a double", name.try_cast(Double));
    add("try_cast to a date", name.try_cast(Date));
    add("join_texts", func::join_texts(&name, ", ", [id.desc()]));
    add("random", func::random());
    add("next value of a sequence", func::next_value_in("My schema", "it's"));
    add("now", func::now());
    add("text", text("coalesce(name, :other) || '::a'").bind("other", "x").expr().label("it"));
    add("between, whichever is greater", id.between_symmetric(5, 3));
    add("case", case().when(id.gt(1), "a").otherwise("b"));
    add("is", id.is(5));
    add("is not", id.is_not(&name));
    add("in of tuples", tuple((&id, &name)).in_([tuple((1, "x"))]));
    add("in of nothing", id.in_([] as [i64; 0]));
    add("filter", func::count(&id).filter(id.gt(1)));
    add("cast to text", id.cast(Text));
    add("cast to a whole number", name.cast(Integer));
    add("cast to a decimal", name.cast(Numeric(10, 2)));
    add("cast to a timestamp", name.cast(Type::DateTime));
    let rows = text("SELECT 1 AS a, :b AS b")
        .bind("b", "x")
        .columns((column("a", Integer), column("b", Text)))
        .unwrap();
    document.add("select from text", &rows);
    let sub = rows.subquery("rows").unwrap();
    document.add("select from text as a subquery", &select(sub.c("b")).filter(sub.c("a").eq(1)));
}

fn selects(document: &mut Document) {
    let Blog { users, posts, comments } = blog();
    let (id, name) = (users.c("id"), users.c("name"));
    let author = posts.c("author_id");
    document.add("join by the key", &select(&id).join(&comments.alias("c")));
    document.add("join by several keys", &select(&id).join(&posts));
    document.add("join from", &select(posts.c("id")).join_from(&posts, &comments));
    document.add("left join, cross join", &select(posts.c("id")).left_join(&comments).cross_join(&users));
    let ties = select(&id).order_by(&id).limit(2).with_ties();
    document.add("with ties", &ties);
    document.add("with ties after an offset", &ties.offset(1));
    let authors = select(posts.c("author_id"));
    document.add("any row", &select(&id).filter(id.gt(any_row(authors.clone()))));
    document.add("all rows", &select(&id).filter(id.gt(all_rows(authors))));
    document.add("words of one's own", &select(&id).distinct().prefix_for("mysql", "/*+ NO_ICP(users) */"));
    document.add("full join", &select(&id).full_join_on(&posts, author.eq(&id)));
    let own =
        select((posts.c("id"), posts.c("title"))).filter(author.eq(&id)).order_by(posts.c("id")).limit(2);
    let last = own.clone().lateral("last").unwrap();
    document.add("lateral", &select((&id, last.c("title"))).left_join_on(&last, true));
    document.add(
        "scalar subquery",
        &select((&id, Expr::from(select(func::max(posts.c("id"))).filter(author.eq(&id))).label("most"))),
    );
    document.add("exists", &select(&id).filter(!exists(select(posts.c("id")).filter(author.eq(&id)))));
    document.add("in a subquery with a limit", &select(&id).filter(id.in_(select(&author).limit(3))));
    document.add(
        "distinct on",
        &select(posts.c("id")).distinct_on([&author]).order_by((&author, posts.c("id").desc())),
    );
    document.add("rollup", &select((&author, func::count_all())).group_by(rollup([&author])));
    document.add("rollup beside another", &select(&author).group_by((posts.c("title"), rollup([&author]))));
    document.add(
        "cube and grouping sets",
        &select(&author).group_by((cube([&author]), grouping_sets([vec![author.clone()], vec![]]))),
    );
    let total = func::count_all().label("total");
    document.add(
        "group and sort by names",
        &select((&author, &total)).group_by("author_id").order_by(named("total").desc().nulls_last()),
    );
    document.add("sort by an unknown name", &select(&author).order_by("auhtor_id"));
    document.add(
        "labels with tables",
        &select((&id, posts.c("id"))).join_on(&posts, author.eq(&id)).labels_with_tables(),
    );
    let parts = (column("n", Integer), column("word", Text));
    let rows = [(1, Some("x")), (2, None), (3, Some("y"))];
    let given = mirrorm::stmt::values_table("given", parts.clone(), rows).unwrap();
    document.add("given rows", &select(given.c("word")));
    let none: [(i64, &str); 0] = [];
    document.add("no given rows", &select(&mirrorm::stmt::values_table("given", parts, none).unwrap()));
    let numbers = func::call("generate_series", [1, 5]).table("numbers", column("n", Integer)).unwrap();
    document.add("a function that gives rows", &select(numbers.c("n")));
    document.add(
        "limit by a value and offset by an expression",
        &select(&id).limit_by(5).offset_by(Expr::from(1).add(1)),
    );
    document.add("offset alone", &select(&id).offset(5));
    let union = select(&id).limit(1).union_all(select(&author).order_by(&author).limit(2)).order_by(&id);
    document.add("union of limited", &union);
    document.add("except all", &select(&id).except_all(select(&author)));
    let tree = select(&id)
        .filter(id.eq(1))
        .recursive("tree", |tree| select(&id).join_on(tree, tree.c("id").eq(users.c("boss_id"))));
    document.add("recursive", &select(&tree.unwrap()));
    document.add("locked", &select(&id).lock(mirrorm::stmt::Lock::share().skip_locked()));
    let frame =
        window().partition_by(&name).order_by(id.nulls_last()).rows(Bound::Preceding(1), Bound::Following(1));
    document.add("window", &select(func::sum(&id).over(frame)));
    let groups = window().order_by(&id).groups(Bound::Unbounded, Bound::Current).exclude(Exclude::Ties);
    document.add("window of groups", &select(func::sum(&id).over(groups)));
}

#[test]
fn constructs() {
    let mut document = Document::default();
    selects(&mut document);
    writes(&mut document);
    expressions(&mut document);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/constructs.txt");
    if std::env::var_os("BLESS_DOCUMENTS").is_some() {
        std::fs::write(path, &document.0).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    for (now, before) in document.0.split("\n\n").zip(kept.split("\n\n")) {
        assert_eq!(now, before);
    }
    assert_eq!(document.0, kept);
}
