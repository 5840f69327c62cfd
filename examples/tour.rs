//! A tour: a database that nobody here designed becomes tables, is looked at and queried; a session
//! writes it, beside tables made a moment ago, and tells what it does. Run it with `cargo run --example
//! tour`, on a server with `cargo run --features postgres,mysql --example tour -- URL`.

use mirrorm::engine::{create_tables, existing_names};
use mirrorm::prelude::*;
use mirrorm::reflect::Reflection;

const CHINOOK: &str = include_str!("../tests/schemas/chinook.sqlite.sql");

fn main() -> Result<()> {
    let folder = tempfile::tempdir().map_err(|e| Error::new(ErrorKind::Open, e.to_string()))?;
    let file = mirrorm::dialect::sqlite::url_of_path(&folder.path().join("tour.db"));
    tour(&std::env::args().nth(1).unwrap_or(file))
}

fn tour(url: &str) -> Result<()> {
    let db = Db::open(url)?;
    fill(&db)?;
    print_tables(&db.reflect()?);
    query(&db)?;
    tag_tracks(&db)?;
    read_back(url)
}

/// Chinook as SQLite has it, on whatever database this is: tables and rows are values.
fn fill(db: &Db) -> Result<()> {
    let source = Db::open("sqlite://")?;
    source.execute_script(CHINOOK)?;
    source.reflect()?;
    let (tables, conn) = (source.metadata().sorted_tables()?, db.connect()?);
    if !existing_names(&conn, &tables)?.is_empty() {
        return Err(Error::new(ErrorKind::Duplicate, "the tour wants an empty database"));
    }
    create_tables(&conn, tables.clone())?;
    conn.transaction(|tx| {
        tables.iter().try_for_each(|table| {
            let rows = select(table).all(&source)?;
            let names: Vec<String> = rows.columns().iter().map(|c| c.name().to_string()).collect();
            insert(table).rows(names, &rows.iter().collect::<Vec<Row>>()).run(tx).map(|_| ())
        })
    })
}

/// What reflection found: tables, keys, relationships.
fn print_tables(found: &Reflection) {
    println!("{} tables, {} problems", found.tables().len(), found.problems().len());
    for table in found.tables() {
        let def = table.def();
        let key: Vec<&str> =
            def.primary_key().map(|k| def.names_at(&k.columns).collect()).unwrap_or_default();
        let own = found.relationships().iter().filter(|r| r.from == *table);
        let names: Vec<&str> = own.map(|r| r.name.as_str()).collect();
        let (columns, key) = (def.columns().len(), key.join(", "));
        println!("  {:<14} {columns:>2} columns, key {key:<19} -> {}", table.name(), names.join(", "));
    }
}

/// A join along foreign keys, a grouped aggregate, a page of rows as tuples.
fn query(db: &Db) -> Result<()> {
    let (artist, album) = (db.table_named("Artist")?, db.table_named("Album")?);
    let (genre, track) = (db.table_named("Genre")?, db.table_named("Track")?);
    println!("\nthe longest tracks of Led Zeppelin");
    let longest = select((track.c("Name").label("track"), album.c("Title"), track.c("Milliseconds")))
        .join(&album)
        .join(&artist)
        .filter(artist.c("Name").eq("Led Zeppelin"))
        .order_by(track.c("Milliseconds").desc())
        .limit(3);
    for row in longest.all(db)? {
        let seconds = row.get::<i64>("Milliseconds")? / 1000;
        println!("  {:<20} {:<36} {seconds:>5} s", row.get::<&str>("track")?, row.get::<&str>("Title")?);
    }
    println!("\ngenres with more than 300 tracks");
    let tracks = func::count_all().label("tracks");
    let counted = select((genre.c("Name"), &tracks, func::max(track.c("UnitPrice")).label("price")))
        .join(&track)
        .group_by(genre.c("Name"))
        .having(func::count_all().gt(300))
        .order_by(tracks.desc());
    for row in counted.all(db)? {
        let price = row.value("price")?;
        println!("  {:<20} {:>5} up to {price}", row.get::<&str>("Name")?, row.get::<i64>("tracks")?);
    }
    println!("\npage 3 of the customers, 4 a page");
    let customer = db.table_named("Customer")?;
    let by_name = select((customer.c("LastName"), customer.c("City"))).order_by(customer.c("LastName"));
    for (last, city) in by_name.limit(4).offset(8).all_as::<(String, String)>(db)? {
        println!("  {last}, {city}");
    }
    Ok(())
}

/// New tables beside the old ones, filled in a session that tells what it does.
fn tag_tracks(db: &Db) -> Result<()> {
    let name = column("name", Varchar(40)).not_null().unique();
    let tags = db.table("tags", (column("id", Integer).primary_key(), name))?;
    let to_track = column("track_id", Integer).references("Track.TrackId").on_delete(Action::Cascade);
    let to_tag = column("tag_id", Integer).references("tags.id");
    db.table("track_tags", (to_track.primary_key(), to_tag.primary_key()))?;
    db.create_all()?;
    let _veto = db.signals().before_commit.of(&tags).connect(|_, changes| {
        let taken =
            changes.iter().flat_map(|c| c.diff()).any(|f| f.new.is_some_and(|v| v.to_string() == "Rock"));
        if taken { Err("`Rock` is a genre, not a tag".into()) } else { Ok(()) }
    });
    let _audit = db.signals().models_committed.connect(|_, changes| print_changes(changes));

    let track = db.table_named("Track")?;
    let session = db.session();
    println!("\na session tags the longest tracks");
    session.add(tags.record(values! { "name" => "Rock" })?)?;
    if let Err(error) = session.commit() {
        println!("  {error}: nothing is committed");
    }
    let long = session.add(tags.record(values! { "name" => "long" })?)?;
    let found = session.query(&track).order_by(track.c("Milliseconds").desc()).limit(2).all()?;
    let [first, second] = found.as_slice() else { return Ok(()) };
    found.iter().try_for_each(|track| track.append("tags", &long))?;

    let savepoint = session.begin_nested()?;
    first.set("Name", "a mistake")?;
    session.delete(&long)?; // and its links with it
    session.flush()?;
    savepoint.rollback()?; // the track has its name again, the tag and its links are there

    session.nested(|session| {
        second.set("UnitPrice", "2.50")?;
        session.add(tags.record(values! { "name" => "dear" })?)?.append("Track", second)
    })?;
    session.commit()?;
    if let Err(error) = insert(&tags).values(values! { "name" => "long" }).run(db) {
        println!("a second tag `long`: {:?} of {:?}", error.kind(), error.constraint());
    }
    Ok(())
}

/// Every change with its old and new values.
fn print_changes(changes: &Changes) {
    for change in changes {
        let fields: Vec<String> = change.diff().iter().map(|field| field.to_string()).collect();
        println!("  {} {}: {}", change.operation, change.subject(), fields.join(", "));
    }
}

/// Another program, later: it knows nothing and sees everything.
fn read_back(url: &str) -> Result<()> {
    let db = Db::open(url)?;
    db.reflect()?;
    println!("\nread back by reflection alone");
    let (session, tags) = (db.session(), db.table_named("tags")?);
    for tag in session.query(&tags).order_by(tags.c("id")).with("Track.Album").all()? {
        for track in tag.related("Track")? {
            let (name, album) = (track.get::<String>("Name")?, track.related_one("Album")?);
            let title = album.map(|album| album.get::<String>("Title")).transpose()?.unwrap_or_default();
            println!("  {:<5} {name} ({title}), {}", tag.get::<String>("name")?, track.value("UnitPrice")?);
        }
    }
    Ok(())
}
