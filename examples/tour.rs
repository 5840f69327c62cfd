//! A tour: a database that nobody here designed becomes tables, is looked at, queried and written;
//! tables made a moment ago work the same. Run it with `cargo run --example tour`.

use mirrorm::prelude::*;
use mirrorm::reflect::{Reflection, RelationshipKind};

const CHINOOK: &str = include_str!("../tests/schemas/chinook.sqlite.sql");

fn main() -> Result<()> {
    let path = std::env::temp_dir().join(format!("mirrorm-tour-{}.db", std::process::id()));
    let toured = tour(&mirrorm::dialect::sqlite::url_of_path(&path));
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    toured
}

fn tour(url: &str) -> Result<()> {
    let db = Db::open(url)?;
    db.transaction(|tx| tx.execute_script(CHINOOK))?;
    print_tables(&db.reflect()?);
    query(&db)?;
    tag_tracks(&db)?;
    read_back(url)
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
    let relationships = found.relationships().iter();
    for many in relationships.filter(|r| r.kind == RelationshipKind::ManyToMany) {
        println!("  {} to {}: many to many", many.from.name(), many.to.name());
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

/// New tables beside the old ones, filled in one transaction.
fn tag_tracks(db: &Db) -> Result<()> {
    let track = db.table_named("Track")?;
    let name = column("name", Varchar(40)).not_null().unique();
    let tags = db.table("tags", (column("id", Integer).primary_key(), name))?;
    let to_track = column("track_id", Integer).references("Track.TrackId").on_delete(Action::Cascade);
    let to_tag = column("tag_id", Integer).references("tags.id");
    let links = db.table("track_tags", (to_track.primary_key(), to_tag.primary_key()))?;
    db.create_all()?;
    db.transaction(|tx| {
        let ids = insert(&tags).rows(["name"], [["long"], ["cheap"]]).ids(tx)?;
        let rules = [track.c("Milliseconds").gt(2_700_000), track.c("UnitPrice").lt(1)];
        for (tag, rule) in ids.iter().zip(rules) {
            let found: Vec<i64> = select(track.c("TrackId")).filter(rule).scalars(tx)?;
            let pairs = found.iter().map(|id| [*id, *tag]);
            insert(&links).rows(["track_id", "tag_id"], pairs).run(tx)?;
        }
        Ok(())
    })?;
    if let Err(error) = insert(&tags).values(values! { "name" => "long" }).run(db) {
        println!("\na second tag `long`: {:?} of {:?}", error.kind(), error.constraint());
    }
    Ok(())
}

/// Another program, later: it knows nothing and sees everything.
fn read_back(url: &str) -> Result<()> {
    let db = Db::open(url)?;
    db.reflect()?;
    let (track, tags) = (db.table_named("Track")?, db.table_named("tags")?);
    println!("\nread back by reflection alone");
    let tagged = select((track.c("Name"), tags.c("name").label("tag")))
        .join(&db.table_named("track_tags")?)
        .join(&tags)
        .order_by(track.c("Milliseconds").desc());
    for row in tagged.limit(3).all(&db)? {
        println!("  {:<28} {}", row.get::<&str>("Name")?, row.get::<&str>("tag")?);
    }
    Ok(())
}
