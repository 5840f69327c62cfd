//! What a MySQL or MariaDB URL and options mean: the driver's configuration, and the settings of a
//! session.
//!
//! `mysql://user:password@host:port/database?name=value`. The names of the pool are read by the core,
//! the rest here.

use std::time::Duration;

use mirrorm_core::dialect::{Url, read_switch};
use mirrorm_core::engine::EngineOptions;
use mirrorm_core::{Error, ErrorKind, Result};
use mysql::OptsBuilder;
use mysql::consts::CapabilityFlags;

use crate::UrlParts;
use crate::parameters::{self, wrong};
use crate::tls::{Mode, Tls};

/// Names of ours, beside those of the pool.
const OURS: &[&str] = &[
    "charset",
    "unix_socket",
    "connect_timeout",
    "read_timeout",
    "write_timeout",
    "statement_timeout",
    "lock_timeout",
    "time_zone",
    "sql_mode",
    "zero_dates",
    "statement_cache",
];

/// Prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// Where a database is, and how its sessions are set up.
#[derive(Clone, Debug)]
pub(super) struct Location {
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: u16,
    pub(super) database: Option<String>,
    socket: Option<String>,
    statements: usize,
    connect_timeout: Duration,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    pub(super) settings: Settings,
    pub(super) tls: Tls,
    /// The database for people.
    pub(super) shown: String,
}

/// The settings of a session, beside those it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) charset: String,
    pub(super) time_zone: Option<String>,
    /// The whole mode, instead of the one found with what we need added.
    pub(super) sql_mode: Option<String>,
    pub(super) zero_dates: bool,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) statement_timeout: Option<Duration>,
    pub(super) read_only: bool,
}

impl Location {
    /// Reads a URL, and puts what it says about the pool into the options.
    pub(super) fn read(url: &Url, options: &mut EngineOptions) -> Result<Location> {
        let mut parts = UrlParts::of(url)?;
        let query = std::mem::take(&mut parts.query);
        let mut location = Location::of(parts, url.masked());
        location.settings.lock_timeout = options.given_lock_timeout();
        location.settings.statement_timeout = options.given_statement_timeout();
        location.settings.read_only = options.is_read_only();
        let own: Vec<(String, String)> =
            options.driver().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        own.iter().try_for_each(|(name, value)| location.take(name, value))?;
        for (name, value) in &query {
            if !options.read_pool_option(name, value)? {
                location.take(name, value)?;
            }
        }
        location.tls.complete(cfg!(feature = "mysql-tls"), "mysql")?;
        if location.socket.is_some() {
            location.tls.mode = Mode::Disable;
        }
        Ok(location)
    }

    fn of(parts: UrlParts, shown: String) -> Location {
        Location {
            user: parts.user,
            password: parts.password,
            host: parts.host.unwrap_or_else(|| "localhost".to_string()),
            port: parts.port.unwrap_or(3306),
            database: parts.database,
            socket: None,
            statements: STATEMENTS,
            connect_timeout: Duration::from_secs(10),
            read_timeout: None,
            write_timeout: None,
            tls: Tls::default(),
            settings: Settings { charset: "utf8mb4".to_string(), ..Settings::default() },
            shown,
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<()> {
        let settings = &mut self.settings;
        match name {
            "charset" => settings.charset = charset(value)?,
            "unix_socket" => self.socket = Some(value.to_string()),
            "connect_timeout" => self.connect_timeout = span(name, value, 1.0)?,
            "read_timeout" => self.read_timeout = Some(span(name, value, 1.0)?),
            "write_timeout" => self.write_timeout = Some(span(name, value, 1.0)?),
            "statement_timeout" => settings.statement_timeout = Some(span(name, value, 1000.0)?),
            "lock_timeout" => settings.lock_timeout = Some(span(name, value, 1000.0)?),
            "time_zone" => settings.time_zone = Some(value.to_string()),
            "sql_mode" => settings.sql_mode = Some(value.to_string()),
            "zero_dates" => {
                settings.zero_dates = match value {
                    "allow" => true,
                    other => read_switch(other).ok_or_else(|| wrong(name, value, "allow, off"))?,
                }
            }
            "statement_cache" => {
                self.statements = value.parse().map_err(|_| wrong(name, value, "a number"))?;
            }
            other => {
                if !self.tls.take(other, value)? {
                    return Err(unknown(other));
                }
            }
        }
        Ok(())
    }

    /// What the driver wants to know. An update counts the rows it matched, as everywhere else.
    pub(super) fn opts(&self) -> OptsBuilder {
        let options = OptsBuilder::new();
        #[cfg(feature = "mysql-tls")]
        let options = options.ssl_opts(self.tls.mysql());
        options
            .user(self.user.clone())
            .pass(self.password.clone())
            .ip_or_hostname(Some(self.host.clone()))
            .tcp_port(self.port)
            .db_name(self.database.clone())
            .socket(self.socket.clone())
            .prefer_socket(self.socket.is_some())
            .stmt_cache_size(self.statements)
            .tcp_connect_timeout(Some(self.connect_timeout))
            .read_timeout(self.read_timeout)
            .write_timeout(self.write_timeout)
            .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
    }
}

/// A time with a unit, or in so many a second.
fn span(name: &str, value: &str, unit: f64) -> Result<Duration> {
    parameters::span(name, value, unit, "a number, or one with ms, s, min")
}

/// Text is UTF-8 on its way, whatever it is stored as: under another name the server would take its bytes
/// for other characters.
fn charset(value: &str) -> Result<String> {
    let ours = ["utf8mb4", "utf8mb3", "utf8"].contains(&value);
    if ours { Ok(value.to_string()) } else { Err(wrong("charset", value, "utf8mb4, utf8mb3, utf8")) }
}

fn unknown(name: &str) -> Error {
    let message = format!(
        "`{name}` is no option of mysql; it knows {}, and the pool's",
        [OURS, Tls::NAMES].concat().join(", ")
    );
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(Location, EngineOptions)> {
        let mut options = EngineOptions::new();
        Location::read(&Url::parse(url).unwrap(), &mut options).map(|location| (location, options))
    }

    #[test]
    fn urls() {
        let (location, options) =
            read("mysql://ann:s%40cret:x@[::1]:3307/shop?pool_recycle=60&charset=utf8mb3&lock_timeout=2s")
                .unwrap();
        assert_eq!((location.user.as_deref(), location.password.as_deref()), (Some("ann"), Some("s@cret:x")));
        assert_eq!((location.host.as_str(), location.port), ("::1", 3307));
        assert_eq!(location.database.as_deref(), Some("shop"));
        assert_eq!(location.settings.charset, "utf8mb3");
        assert_eq!(location.settings.lock_timeout, Some(Duration::from_secs(2)));
        assert_eq!(options, EngineOptions::new().recycle(Duration::from_secs(60)));
        assert!(!location.shown.contains("cret"));
        let (bare, _) = read("mariadb://").unwrap();
        assert_eq!((bare.host.as_str(), bare.port, bare.user), ("localhost", 3306, None));
        let empty = read("mysql://ann:@h/d").unwrap().0;
        assert_eq!(empty.password.as_deref(), Some(""), "an empty password is one");
    }

    #[test]
    fn wrong_options_say_what_is_right() {
        for (url, says) in [
            ("mysql:shop", "//user@host/database"),
            ("mysql://h:port/d", "the port"),
            ("mysql://h/d?charset=latin1", "utf8mb4"),
            ("mysql://h/d?colour=red", "no option of mysql"),
            ("mysql://h/d?read_timeout=soon", "ms, s, min"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            assert!(error.message().contains(says), "{error}");
        }
    }
}
