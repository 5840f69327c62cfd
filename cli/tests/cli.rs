//! The tool as people call it: output, exit codes, nothing changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorm")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a call that succeeds prints.
#[track_caller]
fn stdout(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Exit code and message of a call that fails.
#[track_caller]
fn fails(args: &[&str]) -> (i32, String) {
    let output = run(args);
    assert!(!output.status.success() && output.stdout.is_empty());
    (output.status.code().unwrap(), text(&output.stderr))
}

fn shop(folder: &Path) -> PathBuf {
    use mirrorm::prelude::*;
    let path = folder.join("shop.db");
    let db =
        Db::open(&format!("{}?journal_mode=delete", mirrorm::dialect::sqlite::url_of_path(&path))).unwrap();
    db.execute_script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE);
         CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INT REFERENCES users (id) ON DELETE CASCADE, title TEXT DEFAULT 'none');
         CREATE INDEX by_title ON posts (lower(title) DESC) WHERE title IS NOT NULL;
         CREATE VIEW titles AS SELECT title FROM posts;
         INSERT INTO users VALUES (1, 'ann'), (2, 'ben, \"jr\"');",
    )
    .unwrap();
    path
}

#[test]
fn inspect_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let path = path.to_str().unwrap();
    assert_eq!(
        stdout(&["inspect", path]),
        "table posts\n\
         \u{20}\u{20}id         INTEGER  key, generated\n\
         \u{20}\u{20}author_id  INT\n\
         \u{20}\u{20}title      TEXT     default 'none'\n\
         \u{20}\u{20}foreign key (author_id) -> users (id), on delete cascade\n\
         \u{20}\u{20}index by_title (lower(title) desc) where title IS NOT NULL\n\
         \u{20}\u{20}author: one users\n\
         \n\
         view titles\n\
         \u{20}\u{20}title  TEXT\n\
         \n\
         table users\n\
         \u{20}\u{20}id    INTEGER      key, generated\n\
         \u{20}\u{20}name  VARCHAR(80)  not null\n\
         \u{20}\u{20}unique (name)\n\
         \u{20}\u{20}posts: many posts\n"
    );
    let one = stdout(&["inspect", path, "--table", "users", "--rows"]);
    assert!(one.starts_with("table users, 2 rows\n"), "{one}");
    assert!(
        stdout(&["inspect", &format!("sqlite:///{path}"), "--table", "users"]).starts_with("table users\n")
    );
}

#[test]
fn inspect_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let before = std::fs::read(&path).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["inspect", path.to_str().unwrap(), "--format", "json"])).unwrap();
    assert_eq!(json["format"], "schema-oracle/1");
    assert_eq!(json["schemas"]["@default"]["tables"]["posts"]["foreign_keys"][0]["ondelete"], "CASCADE");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file beside it");
}

#[test]
fn queries_in_three_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let path = path.to_str().unwrap();
    let sql = "SELECT id, name, NULL AS empty, '' AS blank FROM users";
    assert_eq!(
        stdout(&["query", path, sql, "--format", "csv"]),
        "id,name,empty,blank\n1,ann,,\"\"\n2,\"ben, \"\"jr\"\"\",,\"\"\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["query", path, sql, "--format", "json"])).unwrap();
    assert_eq!(json[1]["name"], "ben, \"jr\"");
    assert!(json[0]["empty"].is_null());
    let table = stdout(&["query", path, sql]);
    assert!(table.contains("ann") && table.ends_with("2 rows\n"), "{table}");
    assert!(stdout(&["query", path, "SELECT 'a\nb' AS two"]).contains("a\\nb"), "one line stays one line");
}

#[test]
fn escapes_of_a_database_do_not_reach_the_terminal() {
    use mirrorm::prelude::*;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.db");
    let db = Db::open(&mirrorm::dialect::sqlite::url_of_path(&path)).unwrap();
    db.execute_script("CREATE TABLE \"\x1b]0;pwn\x07\" (\"\u{202e}a\" TEXT DEFAULT '\x1b[2J')").unwrap();
    drop(db);
    let path = path.to_str().unwrap();
    let rust = vec!["inspect", path, "--format", "rust"];
    for args in [rust, vec!["inspect", path], vec!["query", path, "SELECT 1 AS \"\x1b[2J\""]] {
        let shown = stdout(&args);
        assert!(!shown.contains(['\x1b', '\x07', '\u{202e}']), "{shown:?}");
    }
}

#[test]
fn wrong_calls() {
    assert_eq!(stdout(&["--version"]), format!("mirrorm {}\n", env!("CARGO_PKG_VERSION")));
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let path = path.to_str().unwrap();
    let missing = folder.path().join("missing.db");
    let (code, message) = fails(&["inspect", missing.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(message.contains("there is no file"), "{message}");
    assert!(!missing.exists());
    assert_eq!(fails(&["inspect", "nosql://x"]).0, 2);
    assert_eq!(fails(&["inspect"]).0, 2);
    let (code, message) = fails(&["inspect", path, "--table", "user"]);
    assert_eq!(code, 1);
    assert!(message.contains("`user`"), "{message}");
    let (code, message) = fails(&["query", path, "DELETE FROM users"]);
    assert_eq!(code, 1);
    assert!(message.contains("read-only"), "{message}");
    let (code, message) = fails(&["query", path, "SELECT 1 AS a, 2 AS a", "--format", "json"]);
    assert_eq!(code, 1);
    assert!(message.contains("several columns named `a`"), "{message}");
    let (code, message) = fails(&["query", path, "SELEC"]);
    assert_eq!(code, 1);
    assert!(message.contains("syntax error"), "{message}");
    assert_eq!(stdout(&["query", path, "SELECT count(*) AS n FROM users", "--format", "csv"]), "n\n2\n");
}

#[test]
fn inspect_as_statements_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let path = path.to_str().unwrap();
    let sql = stdout(&["inspect", path, "--format", "sql"]);
    assert!(sql.starts_with("CREATE TABLE posts (") && sql.trim_end().ends_with(';'), "{sql}");
    let again = folder.path().join("again.db");
    {
        use mirrorm::prelude::*;
        let db = Db::open(&mirrorm::dialect::sqlite::url_of_path(&again)).unwrap();
        db.execute_script(&sql).unwrap();
    }
    assert_eq!(stdout(&["diff", path, again.to_str().unwrap()]), "", "what was made is the same");
    let mermaid = stdout(&["inspect", path, "--format", "mermaid"]);
    assert!(
        mermaid.starts_with("erDiagram\n    posts {\n        INTEGER id PK\n        INT author_id FK\n"),
        "{mermaid}"
    );
    assert!(mermaid.ends_with("    users |o--o{ posts : \"author_id\"\n"), "{mermaid}");
    let dot = stdout(&["inspect", path, "--format", "dot"]);
    assert!(dot.contains("t0:c1 -> t1:c0 [style=dashed];"), "{dot}");
}

#[test]
fn statements_for_another_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let path = path.to_str().unwrap();
    let there = stdout(&["inspect", path, "--format", "sql", "--dialect", "mysql"]);
    assert!(there.starts_with("-- titles: the view is left out: it is SQL of sqlite\n"), "{there}");
    assert!(there.contains("ALTER TABLE posts ADD CONSTRAINT fk_posts_author_id FOREIGN KEY"), "{there}");
    let here = stdout(&["inspect", path, "--format", "sql", "--dialect", "sqlite"]);
    assert_eq!(here, stdout(&["inspect", path, "--format", "sql"]));
    let (code, message) = fails(&["inspect", path, "--format", "sql", "--dialect", "oracle"]);
    assert!(code == 2 && message.contains("no dialect `oracle`; there are"), "{message}");
    let (code, message) = fails(&["inspect", path, "--dialect", "mysql"]);
    assert!(code == 2 && message.contains("--format sql"), "{message}");
}

#[test]
fn names_that_diagrams_would_read_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.db");
    {
        use mirrorm::prelude::*;
        let db = Db::open(&mirrorm::dialect::sqlite::url_of_path(&path)).unwrap();
        db.execute_script("CREATE TABLE \"a \"\"b\"\" <c> %%\" (\"1 x; DROP\" INT, \"}\" \"weird > type\" )")
            .unwrap();
    }
    let path = path.to_str().unwrap();
    let mermaid = stdout(&["inspect", path, "--format", "mermaid"]);
    assert_eq!(
        mermaid,
        "erDiagram\n    \"a _b_ <c> __\" {\n        INT _1_x__DROP\n        weird___type _\n    }\n"
    );
    let dot = stdout(&["inspect", path, "--format", "dot"]);
    assert!(dot.contains("<b>a &quot;b&quot; &lt;c&gt; %%</b>"), "{dot}");
}

#[test]
fn diff_of_databases_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let path = path.to_str().unwrap();
    let kept = folder.path().join("kept.json");
    std::fs::write(&kept, stdout(&["inspect", path, "--format", "snapshot"])).unwrap();
    let kept = kept.to_str().unwrap();
    assert_eq!(stdout(&["diff", kept, path]), "");
    {
        use mirrorm::prelude::*;
        let db = Db::open(&mirrorm::dialect::sqlite::url_of_path(Path::new(path))).unwrap();
        db.execute_script("ALTER TABLE users ADD COLUMN age INT; DROP INDEX by_title").unwrap();
    }
    let output = run(&["diff", kept, path]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "table posts: index by_title is gone\ntable users: column age is new\n");
    let (code, message) = fails(&["diff", kept, folder.path().join("none.db").to_str().unwrap()]);
    assert_eq!(code, 2, "{message}");
    std::fs::write(folder.path().join("bad.json"), "{\"snapshot\": 9}").unwrap();
    let (code, message) = fails(&["diff", folder.path().join("bad.json").to_str().unwrap(), path]);
    assert!(code == 2 && message.contains("form 9"), "{message}");
    std::fs::write(folder.path().join("my.json"), "{\"snapshot\": 1, \"dialect\": \"mysql\", \"facts\": {}}")
        .unwrap();
    let (code, message) = fails(&["diff", folder.path().join("my.json").to_str().unwrap(), path]);
    assert!(code == 2 && message.contains("cannot be compared"), "{message}");
}
