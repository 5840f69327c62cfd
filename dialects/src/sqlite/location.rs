//! Where a SQLite URL points, and what it asks for on the way.
//!
//! Not here: opening it (`driver`). The rules are SQLite's (sqlite.org/uri.html) and those of the
//! table in `mod`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mirrorm_core::dialect::{Url, decode_percent};
use mirrorm_core::engine::EngineOptions;
use mirrorm_core::{Error, ErrorKind, Result};

use crate::parameters::{span, wrong};

/// A database to open.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) place: Place,
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) foreign_keys: bool,
}

/// What stands behind a location.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// A database in memory; a name shares it inside the process, as SQLite's URI says.
    Memory(Option<String>),
    /// A file, with what is left of a URI's parameters for SQLite.
    File { path: PathBuf, uri: Vec<(String, String)>, mode: Mode },
}

/// What may be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    ReadOnly,
    ReadWrite,
    Create,
}

/// Settings of a connection that are given as PRAGMAs. The words are checked, because PRAGMAs
/// take no parameters.
const SETTINGS: &[(&str, &[&str])] = &[
    ("journal_mode", &["delete", "truncate", "persist", "memory", "wal", "off"]),
    ("synchronous", &["off", "normal", "full", "extra"]),
    ("cache_size", &[]),
];

impl Location {
    /// Reads a URL, and moves its pool and timeout parameters into the options.
    pub(super) fn read(url: &Url, options: &mut EngineOptions) -> Result<Location> {
        let (path, query) = url.split_query()?;
        let (path, is_uri) = split_path(url, path)?;
        let mut location = Location { place: Place::Memory(None), settings: Vec::new(), foreign_keys: true };
        let given = options.driver().iter().map(|(n, v)| (n.clone(), v.clone()));
        // The URL's own parameters come last: they are nearest to the database.
        let mut mode = None;
        let mut uri = Vec::new();
        for (name, value) in given.chain(query).collect::<Vec<_>>() {
            location.take(&name, &value, is_uri, &mut mode, &mut uri, options)?;
        }
        let path = if is_uri { decode_percent(&path)? } else { path };
        location.place = place(path, mode.as_deref(), uri, options)?;
        Ok(location)
    }

    fn take(
        &mut self,
        name: &str,
        value: &str,
        is_uri: bool,
        mode: &mut Option<String>,
        uri: &mut Vec<(String, String)>,
        options: &mut EngineOptions,
    ) -> Result<()> {
        let number = || value.parse::<u64>().map_err(|_| wrong(name, value, "a number"));
        match name {
            "mode" => *mode = Some(value.to_string()),
            "uri" => {}
            "busy_timeout" => {
                *options = std::mem::take(options).busy_timeout(Duration::from_millis(number()?))
            }
            "statement_timeout" => {
                let takes = "milliseconds, or a number with ms, s, min";
                let most = span(name, value, 1000.0, takes)?;
                *options = std::mem::take(options).statement_timeout(most);
            }
            "pool_size" => {
                let size = usize::try_from(number()?).map_err(|_| wrong(name, value, "a number"))?;
                *options = std::mem::take(options).size(size);
            }
            "foreign_keys" => self.foreign_keys = on_off(name, value)?,
            other => match SETTINGS.iter().find(|(setting, _)| *setting == other) {
                Some((setting, words)) => {
                    let value = value.to_ascii_lowercase();
                    let fits = if words.is_empty() {
                        value.parse::<i64>().is_ok()
                    } else {
                        words.contains(&value.as_str())
                    };
                    if !fits {
                        return Err(wrong(name, &value, &words.join(", ")));
                    }
                    self.settings.retain(|(known, _)| known != setting);
                    self.settings.push((setting, value));
                }
                None if is_uri => uri.push((name.to_string(), value.to_string())),
                None => return Err(unknown(other)),
            },
        }
        Ok(())
    }

    pub(super) fn is_memory(&self) -> bool {
        matches!(self.place, Place::Memory(_))
    }
}

/// The path of a URL, and whether it is one of SQLite's own URIs.
fn split_path(url: &Url, path: &str) -> Result<(String, bool)> {
    if url.scheme() == "file" {
        return Ok((strip_authority(path).to_string(), true));
    }
    let plain = match path.strip_prefix("//") {
        Some(after) => match after.strip_prefix('/') {
            Some(path) => path,
            None if after.is_empty() || after == ":memory:" => after,
            None => {
                let message = format!(
                    "`{url}` has a host: write `sqlite:///{after}` for a relative path, `sqlite:////{after}` for an absolute one"
                );
                return Err(Error::new(ErrorKind::Config, message));
            }
        },
        None => path,
    };
    match plain.strip_prefix("file:") {
        Some(uri) => Ok((strip_authority(uri).to_string(), true)),
        None => Ok((plain.to_string(), false)),
    }
}

/// `file:///abs` and `file://localhost/abs` are `file:/abs`.
fn strip_authority(path: &str) -> &str {
    match path.strip_prefix("//") {
        Some(after) => after.strip_prefix("localhost").unwrap_or(after),
        None => path,
    }
}

fn place(
    path: String,
    mode: Option<&str>,
    uri: Vec<(String, String)>,
    options: &EngineOptions,
) -> Result<Place> {
    if path.contains('\0') {
        return Err(Error::new(ErrorKind::Config, "a path with a NUL character"));
    }
    if mode == Some("memory") || path.is_empty() || path == ":memory:" {
        let named =
            !path.is_empty() && path != ":memory:" && uri.iter().any(|(n, v)| n == "cache" && v == "shared");
        return Ok(Place::Memory(named.then_some(path)));
    }
    let mode = match mode {
        Some("ro") => Mode::ReadOnly,
        Some("rw") => Mode::ReadWrite,
        Some("rwc") => Mode::Create,
        None if options.creates() == Some(false) => Mode::ReadWrite,
        None => Mode::Create,
        Some(other) => return Err(wrong("mode", other, "ro, rw, rwc, memory")),
    };
    let mode = if options.is_read_only() { Mode::ReadOnly } else { mode };
    let path = match options.base_folder() {
        Some(base) => base.join(Path::new(&path)),
        None => PathBuf::from(path),
    };
    Ok(Place::File { path, uri, mode })
}

fn on_off(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" | "yes" => Ok(true),
        "off" | "false" | "0" | "no" => Ok(false),
        _ => Err(wrong(name, value, "on, off")),
    }
}

fn unknown(name: &str) -> Error {
    let message = format!(
        "`{name}` is no option of sqlite; it knows mode, busy_timeout, statement_timeout, foreign_keys, journal_mode, synchronous, cache_size, pool_size"
    );
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Location> {
        Location::read(&Url::parse(url).unwrap(), &mut EngineOptions::new())
    }

    fn path(url: &str) -> String {
        match read(url).unwrap().place {
            Place::File { path, .. } => path.to_string_lossy().into_owned(),
            Place::Memory(_) => "memory".to_string(),
        }
    }

    #[test]
    fn every_spelling_of_memory() {
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:///:memory:",
            "file::memory:",
            "sqlite:file::memory:?cache=shared",
            "sqlite:///file::memory:",
            "file:x?mode=memory",
            "sqlite:///x?mode=memory",
            "sqlite3://",
            "file:shared?mode=memory&cache=shared",
            "file:",
        ] {
            assert_eq!(path(url), "memory", "{url}");
        }
    }

    #[test]
    fn files() {
        assert_eq!(path("sqlite:///shop.db"), "shop.db");
        assert_eq!(path("sqlite:shop.db"), "shop.db");
        assert_eq!(path("sqlite:////srv/shop.db"), "/srv/shop.db");
        assert_eq!(path("sqlite:///:memory"), ":memory");
        assert_eq!(path("file:///srv/a%20b%3f.db"), "/srv/a b?.db");
        assert_eq!(path("file://localhost/srv/a.db"), "/srv/a.db");
        assert_eq!(path("sqlite:///100%25.db"), "100%25.db");
        let based = EngineOptions::new().base("/base".into());
        let read = |url: &str| Location::read(&Url::parse(url).unwrap(), &mut based.clone()).unwrap().place;
        assert!(
            matches!(read("sqlite:///a.db"), Place::File { path, .. } if path == Path::new("/base/a.db"))
        );
        assert!(matches!(read("sqlite:////a.db"), Place::File { path, .. } if path == Path::new("/a.db")));
    }

    #[test]
    fn wrong_urls_are_explained() {
        for (url, hint) in [
            ("sqlite://shop.db", "sqlite:///shop.db"),
            ("sqlite:///a?mode=readonly", "ro, rw, rwc, memory"),
            ("sqlite:///a?foreign_keys=maybe", "on, off"),
            ("sqlite:///a?journal_mode=x;drop", "wal"),
            ("sqlite:///a?colour=red", "busy_timeout"),
            ("sqlite:///a?busy_timeout=soon", "a number"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(hint), "{url}: {error}");
        }
    }
}
