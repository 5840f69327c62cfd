//! The tour on every server: the same program by another URL prints the same.

use std::process::{Command, Output};

use crate::support::each_server_url;

/// Runs the example, which `cargo test` has built beside this binary.
fn tour(url: Option<&str>) -> Output {
    let own = std::env::current_exe().unwrap();
    let examples = own.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    Command::new(examples.join("tour")).args(url).output().expect("cargo build --examples makes the tour")
}

#[test]
fn the_same_program_on_every_server() {
    let here = String::from_utf8(tour(None).stdout).unwrap();
    each_server_url(|url| {
        let first = tour(Some(url));
        let text = String::from_utf8(first.stdout).unwrap();
        assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
        // A key that was taken back is not made again, and decimals keep their scale.
        let there: Vec<&str> =
            text.lines().filter(|line| !line.contains("insert") && !line.contains("2.50")).collect();
        let here: Vec<&str> =
            here.lines().filter(|line| !line.contains("insert") && !line.contains("2.5")).collect();
        assert_eq!(there, here);
        let second = tour(Some(url));
        assert!(!second.status.success());
        let error = String::from_utf8(second.stderr).unwrap();
        assert!(error.contains("the tour wants an empty database"), "{error}");
    });
}
