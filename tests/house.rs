//! The house rules, kept by machine: layers, one quoting function, sizes, words.

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(at: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found.sort();
    assert!(!found.is_empty());
    found
}

/// The lines of code of a file: no blank ones, no comments, no unit tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    let lines = text[..end].lines().enumerate();
    lines
        .map(|(n, line)| (n + 1, line.trim_start()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
}

const LAYERS: [&str; 3] = ["core/src", "reflect/src", "session/src"];

#[test]
fn core_reflect_and_session_name_no_database() {
    for (path, text) in LAYERS.into_iter().flat_map(sources) {
        for (n, line) in code(&text) {
            let lower = line.to_lowercase();
            let named =
                ["sqlite", "postgres", "mysql", "mariadb"].into_iter().find(|word| lower.contains(word));
            assert_eq!(named, None, "{}:{n}: {line}", path.display());
        }
    }
}

#[test]
fn arrows_point_down() {
    let depends = |manifest: &str| {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest)).unwrap();
        let own = text.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap().to_string();
        let names = own.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        names.filter(|name| name.starts_with("mirrorm")).map(str::to_string).collect::<Vec<_>>()
    };
    assert!(depends("core/Cargo.toml").is_empty());
    assert_eq!(depends("dialects/Cargo.toml"), ["mirrorm-core"]);
    assert_eq!(depends("reflect/Cargo.toml"), ["mirrorm-core"]);
    assert_eq!(depends("session/Cargo.toml"), ["mirrorm-core", "mirrorm-reflect"]);
    assert_eq!(depends("cli/Cargo.toml"), ["mirrorm"]);
}

#[test]
fn unsafe_code_has_one_place() {
    for (path, text) in ["core/src", "dialects/src", "reflect/src", "session/src", "src", "cli/src"]
        .into_iter()
        .flat_map(sources)
    {
        let uses = code(&text).any(|(_, line)| line.contains("unsafe ") && !line.contains("unsafe_code"));
        assert_eq!(uses, path.ends_with("sqlite/statement.rs"), "{}", path.display());
    }
    for krate in ["core/src/lib.rs", "reflect/src/lib.rs", "session/src/lib.rs", "src/lib.rs"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(krate)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{krate}");
    }
}

#[test]
fn statements_are_held_before_their_connection() {
    let driver =
        sources("dialects/src/sqlite").into_iter().find(|(p, _)| p.ends_with("driver.rs")).unwrap().1;
    let body =
        driver.split("struct SqliteConnection {").nth(1).unwrap().split("\n}").next().unwrap().to_string();
    assert!(body.find("statements:").unwrap() < body.find("raw:").unwrap(), "fields are dropped in order");
}

#[test]
fn files_open_with_what_they_are_and_stay_short() {
    for (path, text) in ["core/src", "dialects/src", "reflect/src", "session/src", "src", "cli/src"]
        .into_iter()
        .flat_map(sources)
    {
        assert!(text.starts_with("//!"), "{} has no head comment", path.display());
        assert!(text.lines().count() <= 700, "{} is two things", path.display());
    }
}

#[test]
fn the_budget_of_lines() {
    for (folder, most) in [
        ("core/src", 18_600),
        ("dialects/src/sqlite", 2_800),
        ("reflect/src", 3_600),
        ("session/src", 12_000),
    ] {
        // What is there for tests alone is not counted.
        let own = sources(folder).into_iter().filter(|(path, _)| !path.ends_with("testing.rs"));
        let lines: usize = own.map(|(_, text)| code(&text).count()).sum();
        assert!(lines <= most, "{folder} has {lines} lines, {most} are allowed");
    }
    let features =
        sources("core/src/dialect").into_iter().find(|(p, _)| p.ends_with("features.rs")).unwrap().1;
    let fields = features
        .split("pub struct Features {")
        .nth(1)
        .unwrap()
        .split("\n}")
        .next()
        .unwrap()
        .matches("pub ")
        .count();
    assert!(fields <= 30, "{fields} features: fragments are missing");
}

#[test]
fn each_dialect_has_the_same_seven_files() {
    let dialects = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialects/src");
    for entry in std::fs::read_dir(dialects).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in ["mod", "grammar", "types", "driver", "inspect", "errors", "testing"] {
            assert!(entry.join(format!("{file}.rs")).exists(), "{}/{file}.rs", entry.display());
        }
    }
}

#[test]
fn nothing_is_postponed() {
    for (path, text) in ["core/src", "dialects/src", "reflect/src", "session/src", "src", "cli/src"]
        .into_iter()
        .flat_map(sources)
    {
        for word in ["todo!(", "unimplemented!(", "FIXME", "XXX", "for now"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn tests_that_documents_name_are_there() {
    let text = include_str!("../docs/coming-from-flask-sqlalchemy.md");
    let all: Vec<(String, String)> = ["tests", "src", "session/src"]
        .into_iter()
        .flat_map(sources)
        .map(|(path, text)| (path.file_stem().unwrap().to_string_lossy().to_string(), text))
        .collect();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let Some((file, test)) = word.split_once("::") else { continue };
        let is_name =
            |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if is_name(file) && is_name(test) && test.matches('_').count() >= 2 {
            let there = all.iter().any(|(stem, text)| stem == file && text.contains(&format!("fn {test}(")));
            assert!(there, "{word} is not there");
            named += 1;
        }
    }
    assert!(named > 90, "{named}");
}

#[test]
fn tests_that_the_page_of_reflection_names_are_there() {
    let page = include_str!("../docs/reflection.md");
    let all: String = sources("tests").into_iter().map(|(_, text)| text).collect();
    let is_test = |word: &&str| {
        let starts = ["r4_", "g_0", "agrees_", "keys_over"].iter().any(|start| word.starts_with(start));
        starts && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    for test in &named {
        assert!(all.contains(&format!("fn {test}(")), "{test} is not there");
    }
    assert!(named.len() > 40, "{}", named.len());
    // Each row of what others lose names a test.
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| database")) {
        let last = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        assert!(named.iter().any(|test| last.contains(test)), "{row}");
    }
}
