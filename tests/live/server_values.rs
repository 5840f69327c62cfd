//! Every type of every server, by its awkward values: read, written back by each way there is, and
//! compared by the server itself. `docs/values.md` is written by this test (`./test --bless`).

use std::collections::BTreeMap;
use std::fmt::Write;

use mirrorm::dialect::fetch;
use mirrorm::prelude::*;
use mirrorm::value::OtherData;

use crate::support::{dialect, each_server_url};

/// Types with values of each, as the server's own literals.
type Cases = &'static [(&'static str, &'static [&'static str])];

const POSTGRES: Cases = &[
    ("boolean", &["true", "false", "NULL"]),
    ("smallint", &["32767", "-32768"]),
    ("integer", &["2147483647", "-2147483648"]),
    ("bigint", &["9223372036854775807", "-9223372036854775808"]),
    ("real", &["0.1", "3.4028235e38", "1e-45", "'NaN'", "'-Infinity'", "'-0'"]),
    ("double precision", &["0.1", "1e308", "5e-324", "'NaN'", "'Infinity'", "'-0'"]),
    (
        "numeric",
        &[
            "0",
            "1.500",
            "-0.00001",
            "12345678901234567890123456789.5",
            "1e-40",
            "1e100",
            "10000",
            "0.0000",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
        ],
    ),
    ("numeric(10,2)", &["1.5", "-99999999.99"]),
    ("money", &["'12.34'", "'-0.05'", "'-92233720368547758.08'"]),
    ("char(3)", &["'a'", "'äöü'"]),
    ("varchar(5)", &["'grün'", "''"]),
    ("text", &["''", "'it''s'", r#"E'back\\slash "quoted"'"#, "E'two\\nlines'", "repeat('x', 20000)"]),
    ("\"char\"", &["'a'", "''"]),
    ("name", &["'pg_class'"]),
    ("bytea", &["''", r"'\x00ff5c'"]),
    ("date", &["'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"]),
    ("time", &["'23:59:59.999999'", "'24:00:00'", "'00:00'"]),
    ("timetz", &["'12:30:00.5+05:30'", "'00:00:00-15:59:59'"]),
    (
        "timestamp",
        &["'2024-02-29 12:30:00.123456'", "'infinity'", "'0044-03-15 12:00:00 BC'", "'294276-12-31'"],
    ),
    ("timestamptz", &["'2024-02-29 12:30:00.1+05:30'", "'-infinity'", "'4713-01-01 00:00:00+00 BC'"]),
    (
        "interval",
        &["'1 mon 2 day'", "'-1 year 3 days -00:00:00.5'", "'0'", "'178000000 years'", "'200000000 hours'"],
    ),
    ("uuid", &["'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"]),
    ("json", &[r#"'{"b": 1.0,  "a": null, "b": 2}'"#, "'null'", r#"'"\u0000"'"#, "'1e400000'"]),
    ("jsonb", &[r#"'{"b": 1.50, "a": [null, "x"]}'"#, "'null'", "'17'"]),
    ("jsonpath", &["'$.a[*] ? (@ > 1)'"]),
    ("xml", &["'<a b=\"1\">x</a>'"]),
    ("inet", &["'192.168.0.1'", "'10.0.0.0/8'", "'2001:db8::1/64'"]),
    ("cidr", &["'10.0.0.0/8'", "'::/0'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("macaddr8", &["'08:00:2b:01:02:03:04:05'"]),
    ("bit(3)", &["B'101'"]),
    ("bit varying", &["B''", "B'1011001110001'"]),
    ("oid", &["0", "4294967295"]),
    ("regclass", &["'pg_class'::regclass"]),
    ("regtype", &["'integer'::regtype"]),
    ("xid", &["'4294967295'"]),
    ("tid", &["'(7,2)'"]),
    ("pg_lsn", &["'16/B374D848'", "'0/0'"]),
    ("tsvector", &["'a:1A fat:2B,4C cat:5D'", "$$'it''s' 'back\\\\slash'$$", "''"]),
    ("tsquery", &["'fat & (rat | !cat)'", "'super:*AB <-> star <3> x'", "''"]),
    ("mood", &["'ok'", "'so ''la, la'''"]),
    ("mood[]", &["'{ok,NULL}'::mood[]"]),
    ("positive", &["5"]),
    ("pair", &["ROW(1, 'a \"b\\, (c)', NULL)::pair", "ROW(NULL, '', '{1,NULL}')::pair"]),
    ("pair[]", &["ARRAY[ROW(1, 'a,b', '{2}')::pair, NULL]"]),
    ("integer[]", &["'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1][-1:0]={{1,2},{3,4}}'"]),
    ("text[]", &[r#"'{"a,b","quote \" and \\","NULL",NULL,""}'"#]),
    ("numeric[]", &["'{1.50,NaN}'"]),
    ("timestamptz[]", &["'{2024-01-01 00:00:00+00,infinity}'"]),
    ("bytea[]", &[r"ARRAY['\x00ff'::bytea, '']"]),
    ("box[]", &["'{(1,2),(0,0);(3,4),(1,1)}'"]),
    ("int4range", &["'[1,5)'", "'empty'", "'(,5)'", "'(,)'"]),
    ("int8range", &["'[1,]'"]),
    ("numrange", &["'(1.50,2.0]'"]),
    ("daterange", &["'[2024-01-01,infinity)'"]),
    ("tsrange", &["'[2024-01-01 12:00,2024-01-02 12:00:00.5]'"]),
    ("tstzrange", &["'[2024-01-01 12:00+00,)'"]),
    ("int4multirange", &["'{[1,3),[5,7)}'", "'{}'"]),
    ("datemultirange", &["'{[2024-01-01,2024-01-05)}'"]),
    ("nummultirange", &["'{(1.5,2]}'"]),
    ("int8multirange", &["'{(,)}'"]),
    ("tsmultirange", &["'{[2024-01-01,2024-01-02)}'"]),
    ("tstzmultirange", &["'{[2024-01-01 00:00+00,)}'"]),
    ("point", &["'(1.5,-2)'", "'(NaN,Infinity)'"]),
    ("line", &["'{1,-1,0.5}'"]),
    ("lseg", &["'[(0,0),(1,1)]'"]),
    ("box", &["'(2,2),(1,1)'"]),
    ("path", &["'[(0,0),(1,1)]'", "'((0,0),(1,1),(2,0))'"]),
    ("polygon", &["'((0,0),(1,1),(2,0))'"]),
    ("circle", &["'<(1,2),3.5>'"]),
    ("citext", &["'MiXed'"]),
    ("hstore", &[r#"'"a b"=>"1\"2", c=>NULL'"#, "''"]),
    ("ltree", &["'top.sub'"]),
];

const POSTGRES_TYPES: &str = r#"
    CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
    CREATE TYPE mood AS ENUM ('ok', 'so ''la, la''');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TYPE pair AS (n integer, t text, list integer[]);"#;

const MYSQL: Cases = &[
    ("boolean", &["true", "false", "NULL"]),
    ("tinyint", &["-128", "127"]),
    ("tinyint unsigned", &["255"]),
    ("smallint", &["-32768"]),
    ("mediumint", &["-8388608"]),
    ("int", &["2147483647"]),
    ("int unsigned", &["4294967295"]),
    ("int(5) zerofill", &["42"]),
    ("bigint", &["-9223372036854775808"]),
    ("bigint unsigned", &["18446744073709551615", "9223372036854775807"]),
    ("float", &["0.1", "-3.4e38", "1.17549e-38"]),
    ("double", &["0.1", "1e308", "5e-324"]),
    ("decimal(65,30)", &["12345678901234567890123456789012345.123456789012345678901234567890", "0"]),
    ("decimal(10,2)", &["1.5", "-99999999.99"]),
    ("bit(1)", &["b'1'", "b'0'"]),
    ("bit(64)", &["b'1111111111111111111111111111111111111111111111111111111111111111'", "b'0'"]),
    ("year", &["1901", "0"]),
    ("char(3)", &["'a'", "''"]),
    ("varchar(5)", &["'grün'", "'a '"]),
    ("tinytext", &["'x'"]),
    ("text", &["''", "'it''s'", "repeat('x', 20000)"]),
    ("mediumtext", &["'😀'"]),
    ("longtext", &["'two\nlines'"]),
    ("binary(3)", &["x'00'"]),
    ("varbinary(5)", &["x'00ff'", "''"]),
    ("tinyblob", &["x'00'"]),
    ("blob", &["x'00ff5c27'"]),
    ("longblob", &["''"]),
    ("enum('a','b c','it''s')", &["'it''s'", "'a'"]),
    ("set('a','b','c')", &["'a,c'", "''"]),
    ("date", &["'2024-02-29'", "'1000-01-01'", "'9999-12-31'", "'0000-00-00'", "'2024-02-00'"]),
    ("time", &["'-838:59:59'", "'00:00:00'"]),
    ("time(6)", &["'23:59:59.999999'", "'-00:00:00.000001'"]),
    ("datetime", &["'2024-02-29 12:30:00'", "'0000-00-00 00:00:00'"]),
    ("datetime(6)", &["'2024-02-29 12:30:00.5'"]),
    ("timestamp", &["'2024-02-29 12:30:00'", "'0000-00-00 00:00:00'"]),
    ("timestamp(6)", &["'2038-01-19 03:14:07.999999'"]),
    ("json", &[r#"'{"b": 1.5, "a": [null, "x"]}'"#, "'null'", "'17'"]),
    ("geometry", &["ST_GeomFromText('POINT(1 2)')"]),
    ("point", &["ST_GeomFromText('POINT(1.5 -2)')"]),
];

const MARIADB_ONLY: Cases = &[
    ("uuid", &["'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"]),
    ("inet4", &["'192.168.0.1'"]),
    ("inet6", &["'2001:db8::1'"]),
];

/// What came of a value: the variant it is, and by which ways it went back.
struct Outcome {
    ty: &'static str,
    literal: &'static str,
    is: String,
    ways: [&'static str; 4],
}

/// The names of the ways, as the columns of the document.
const WAYS: [&str; 4] = ["written", "in bulk", "as a parameter", "through JSON"];

fn outcome(db: &Db, ty: &'static str, literal: &'static str) -> Outcome {
    db.execute_script("DROP TABLE IF EXISTS v").unwrap();
    // Without NULL said, old servers make a default of the current time for a timestamp.
    let null = if ty.starts_with("timestamp") && dialect(db) == "mysql" { " NULL" } else { "" };
    db.execute_script(&format!("CREATE TABLE v (id integer primary key, v {ty}{null})")).unwrap();
    db.execute_script(&format!("INSERT INTO v VALUES (1, {literal})"))
        .unwrap_or_else(|e| panic!("{ty} {literal}: {e}"));
    db.metadata().clear();
    db.reflect().unwrap();
    let t = db.table_named("v").unwrap();
    let row = select(&t).one(db).unwrap();
    let value = row.value("v").unwrap().to_value();
    let json = serde_json::to_string(&row).unwrap();
    let tree: BTreeMap<String, Value> = serde_json::from_str(&json).unwrap();
    let mark = if dialect(db) == "mysql" { "?" } else { "$1" };
    let attempts: [Result<()>; 4] = [
        insert(&t).values(values! { "id" => 2, "v" => value.clone() }).run(db).map(drop),
        insert(&t).rows(["id", "v"], [(3, value.clone()), (4, value.clone())]).run(db).map(drop),
        db.execute(&format!("INSERT INTO v VALUES (5, {mark})"), (value.clone(),)).map(drop),
        insert(&t).values(values! { "id" => 6, "v" => tree["v"].clone() }).run(db).map(drop),
    ];
    let read = |id: i64| select(t.c("v")).filter(t.c("id").eq(id)).scalar::<Value>(db).unwrap();
    let stored = |id: i64| asked(db, &format!("SELECT {} FROM v WHERE id = {id}", as_stored(db, ty)));
    let exact = |id: i64| read(id) == value && stored(id) == stored(1);
    let ways = std::array::from_fn(|at| {
        let ids: &[i64] = [&[2][..], &[3, 4], &[5], &[6]][at];
        match &attempts[at] {
            Ok(()) if ids.iter().all(|id| exact(*id)) => "exact",
            Ok(()) if at == 3 && matches!(value, Value::Json(_)) => "rewritten",
            // A list in JSON begins at one.
            Ok(()) if at == 3 && literal.contains("]={") => "rewritten",
            Ok(()) => "CHANGED",
            Err(_) => "refused",
        }
    });
    plainly(db, &format!("{ty} {literal}"));
    let is = match &value {
        Value::Other(other) => match other.data() {
            OtherData::Text(_) => "other, text".to_string(),
            OtherData::Bytes(_) => "other, bytes".to_string(),
        },
        value => value.type_name().to_string(),
    };
    Outcome { ty, literal, is, ways }
}

/// The value of the first row by a statement that is prepared, and by one that is sent as text where
/// there is such a thing: they are the same.
fn plainly(db: &Db, about: &str) {
    let sql = "SELECT v FROM v WHERE id = 1";
    let prepared = db.query_text(sql, ()).unwrap().one().unwrap();
    let conn = db.engine().unwrap().connect().unwrap();
    let plain = fetch(conn.driver(), sql, &[]).unwrap().one().unwrap();
    assert_eq!(plain.get::<Value>(0).unwrap(), prepared.get::<Value>(0).unwrap(), "{about}: read as text");
}

/// What is stored, in a form that differs where the cells do.
fn as_stored(db: &Db, ty: &str) -> String {
    match dialect(db) {
        "mysql" if ty.starts_with("bit") || ty.contains("bin") || ty.contains("blob") => "HEX(v)".into(),
        "mysql" if ty == "geometry" || ty == "point" => "HEX(v)".into(),
        "mysql" => "CONCAT(v, '|')".into(),
        _ => "CAST(v AS text)".into(),
    }
}

fn asked(db: &Db, sql: &str) -> Option<String> {
    db.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
}

#[test]
fn every_value_of_every_server() {
    let sections = std::cell::RefCell::new(Vec::new());
    each_server_url(|url| {
        let days = if url.starts_with("postgres") { "" } else { "?zero_dates=allow" };
        let db = &Db::open(&format!("{url}{days}")).unwrap();
        let version = db.engine().unwrap().target().unwrap().features().version.clone();
        let (name, cases): (&str, Vec<_>) = match (dialect(db), version.contains("MariaDB")) {
            ("postgresql", _) => ("PostgreSQL", POSTGRES.iter().collect()),
            (_, true) => ("MariaDB", MYSQL.iter().chain(MARIADB_ONLY).collect()),
            _ => ("MySQL", MYSQL.iter().collect()),
        };
        if name == "PostgreSQL" {
            db.execute_script(POSTGRES_TYPES).unwrap();
        }
        let (mut lines, mut failures) = (String::new(), Vec::new());
        for (ty, literal) in cases.into_iter().flat_map(|(ty, list)| list.iter().map(move |l| (ty, l))) {
            let done = outcome(db, ty, literal);
            if done.ways.contains(&"CHANGED") || done.ways[..3].contains(&"refused") {
                failures.push(format!("{ty} {literal} ({}): {:?}", done.is, done.ways));
            }
            line(&done, &mut lines);
        }
        assert!(failures.is_empty(), "{name}: {failures:#?}");
        sections.borrow_mut().push((name, lines));
    });
    let sections = sections.into_inner();
    if sections.len() == 4 {
        assert_eq!(sections[0], sections[1], "both versions of PostgreSQL");
        compare(&sections[1..]);
    }
}

fn line(done: &Outcome, text: &mut String) {
    let shown: String = done.literal.chars().take(40).collect();
    let shown = shown.replace('|', "\\|").replace('\n', "\\n");
    let _ = writeln!(text, "| `{}` | `{shown}` | {} | {} |", done.ty, done.is, done.ways.join(" | "));
}

/// The document is what the servers said, or is written anew.
fn compare(sections: &[(&str, String)]) {
    let mut document = String::from(HEAD);
    for (name, lines) in sections {
        let _ = write!(document, "\n## {name}\n\n| type | value | is read as | {} |\n", WAYS.join(" | "));
        let _ = write!(document, "|---|---|---|---|---|---|---|\n{lines}");
    }
    let path = format!("{}/docs/values.md", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS_DOCUMENTS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differ = |(before, now): &(&str, &str)| before != now;
    let first = written.lines().zip(document.lines()).find(differ);
    assert!(written == document, "docs/values.md is not what the servers say (./test --bless): {first:?}");
}

const HEAD: &str = "# Values on the servers

Written by the test suite from what real servers answered (`tests/live/server_values.rs`).

Every value was put into a table by the server itself, read, and written back: by an insert of one row,
in bulk, as a parameter of SQL of one's own, and through JSON by serde. *Exact* means that the server
holds the same value again, to the last digit, and that it is read as the same `Value`. On MySQL and
MariaDB the text and the binary protocol gave the same as well.

*Other* is a value of a type that has no variant, kept as the server's text or bytes and written back
as that. *Refused* is, through JSON alone, the text of such a value in a column whose type has values of
its own (a day 0000-00-00 is no date), and bytes of a type that is not one of bytes: an error, nothing
is stored. *Rewritten* are, through JSON alone: a JSON document, whose
keys come back in another order, whose numbers come back as doubles, and whose `null` is SQL NULL; and
an array whose indices do not begin at 1, because JSON's do.
";
