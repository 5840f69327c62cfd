//! A blog whole: authors, posts, tags, comments and likes. The same program stands beside it in SQLAlchemy (`blog.py`),
//! and prints the same. Run it with `cargo run --example blog`.

use mirrorm::prelude::*;
use mirrorm::schema::Action;

fn main() -> Result<()> {
    let db = Db::open("sqlite://")?;
    let id = || column("id", Integer).primary_key();
    let to = |name: &str, target: &str| column(name, Integer).not_null().references(target);
    let named =
        column("name", Varchar(80)).not_null().unique().validate(|name| match name.to_string().trim() {
            "" => Err("an author has a name"),
            name => Ok(name.into()),
        });
    let authors = db.table("authors", (id(), named))?;
    let posts = db.table(
        "posts",
        (
            id(),
            to("author_id", "authors.id").on_delete(Action::Cascade),
            column("title", Varchar(200)).not_null(),
            column("views", Integer).not_null().default(0),
            column("version", Integer).version(),
        ),
    )?;
    let tags = db.table("tags", (id(), column("name", Varchar(40)).not_null().unique()))?;
    let comments = db.table(
        "comments",
        (
            id(),
            to("post_id", "posts.id").on_delete(Action::Cascade),
            column("text", Text).not_null(),
            column("hidden", Boolean).not_null().default(false),
        ),
    )?;
    let link = |table: &str, one: &str, two: &str| {
        let key = |name: &str| {
            to(&format!("{name}_id"), &format!("{name}s.id")).primary_key().on_delete(Action::Cascade)
        };
        db.table(table, (key(one), key(two)))
    };
    link("post_tags", "post", "tag")?;
    let likes = link("likes", "post", "author")?;
    db.relate(&posts, relationship("comments", &comments).order_by(comments.c("id")))?;
    db.relate(&posts, relationship("fans", &authors).through(&likes))?;
    db.create_all()?;
    db.restrict(&comments, comments.c("hidden").eq(false));
    let _told = db.signals().models_committed.connect(|_, _| println!("committed"));

    // Writing: a graph of new records is saved from any of its ends.
    let session = db.session();
    let author = |name: &str| authors.record(values! { "name" => name });
    let (ann, ben) = (session.add(author(" ann ")?)?, session.add(author("ben")?)?);
    let tag = |name: &str| tags.record(values! { "name" => name });
    let (rust, sql) = (tag("rust")?, tag("sql")?);
    for (title, by, own) in
        [("Hello", &ann, vec![&rust]), ("Joins", &ann, vec![&rust, &sql]), ("Bye", &ben, vec![])]
    {
        let post = session.add(posts.record(values! { "title" => title })?)?;
        post.set_related("author", by)?;
        own.iter().try_for_each(|tag| post.append("tags", tag))?;
    }
    session.commit()?;

    // Comments, likes, and a counter that the database counts.
    let joins = session.query(&posts).filter_by(values! { "title" => "Joins" }).one()?;
    for (text, hidden) in [("well said", false), ("spam", true), ("more!", false)] {
        joins.append("comments", &comments.record(values! { "text" => text, "hidden" => hidden })?)?;
    }
    [&ann, &ben].iter().try_for_each(|fan| joins.append("fans", fan))?;
    joins.set("views", posts.c("views").add(1))?;
    session.commit()?;
    println!("views {}, version {}", joins.get::<i64>("views")?, joins.get::<i64>("version")?);

    // Reading: everything a page shows, by one statement for each relationship.
    let shown = session
        .query(&posts)
        .with("author")
        .with("tags")
        .with("comments")
        .with("fans")
        .order_by(posts.c("id"));
    for post in shown.all()? {
        let names = |path: &str, key: &str| -> Result<String> {
            let names =
                post.related(path)?.iter().map(|record| record.get(key)).collect::<Result<Vec<String>>>()?;
            Ok(names.join(", "))
        };
        let author: String = names("author", "name")?;
        println!(
            "{} by {author}: [{}] {}",
            post.get::<String>("title")?,
            names("tags", "name")?,
            names("comments", "text")?
        );
    }
    let liked = session.query(&posts).filter(posts.any("fans", |fan| fan.c("name").eq("ben")));
    println!("ben likes {}", liked.one()?.get::<String>("title")?);
    let count = func::count(posts.c("id"));
    let cloud = select((tags.c("name"), count.label("posts")))
        .join(&db.table_named("post_tags")?)
        .join(&posts)
        .group_by(tags.c("name"))
        .order_by(tags.c("name"));
    for row in cloud.all(&session)?.iter() {
        println!("{} {}", row.get::<String>("name")?, row.get::<i64>("posts")?);
    }

    // Two people edit one post; a name that is none; many rows at once; and all that is an author's.
    let other = db.session();
    other.get_one(&posts, joins.get::<i64>("id")?)?.set("title", "Joins, again")?;
    other.commit()?;
    joins.set("title", "Joins!")?;
    println!("edited twice: {}", session.commit().is_err_and(|error| error.kind() == ErrorKind::Stale));
    session.rollback()?;
    println!("refused: {}", author("  ").err().map_or(String::new(), |error| error.message().to_string()));
    println!("raised {}", session.query(&posts).update_all(values! { "views" => posts.c("views").add(10) })?);
    session.delete(&ann)?;
    session.commit()?;
    let left = (
        select(&posts).count(&session)?,
        select(&comments).count(&session)?,
        select(&likes).count(&session)?,
    );
    println!("left: {} posts, {} comments, {} likes", left.0, left.1, left.2);
    Ok(())
}
