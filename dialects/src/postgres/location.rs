//! What a PostgreSQL URL and options mean: the driver's configuration, and what we do ourselves.
//!
//! `postgresql://user:password@host:port/database?name=value`, several hosts by commas. The names of
//! libpq (manual, 34.1.2) are read by the driver; those of the pool by the core; the rest here.

use std::str::FromStr;

use mirrorm_core::dialect::Url;
use mirrorm_core::engine::EngineOptions;
use mirrorm_core::{Error, ErrorKind, Result};
use postgres::Config;
use postgres::config::{Host, SslMode};

use crate::parameters::{span, wrong};
use crate::tls::{Mode, Tls};

/// Names that libpq and the driver know, passed on as they are.
const DRIVERS: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Names of ours, beside those of the pool.
const OURS: &[&str] = &["statement_timeout", "lock_timeout", "time_zone", "statement_cache"];

/// Prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// Where a database is, and how its connections are set up.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) config: Config,
    /// The database for people.
    pub(super) shown: String,
    /// Prepared statements a connection keeps; none for pools between us and the server that give
    /// every transaction another connection.
    pub(super) statements: usize,
    pub(super) tls: Tls,
}

impl Location {
    /// Reads a URL, and puts what it says about the pool into the options.
    pub(super) fn read(url: &Url, options: &mut EngineOptions) -> Result<Location> {
        let (path, query) = url.split_query()?;
        let mut libpq = Vec::new();
        let mut own: Vec<(String, String)> =
            options.driver().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, value) in query {
            if DRIVERS.contains(&name.as_str()) {
                own.retain(|(known, _)| *known != name);
                libpq.push(format!("{name}={}", escaped(&value)));
            } else if !options.read_pool_option(&name, &value)? {
                own.retain(|(known, _)| *known != name);
                own.push((name, value));
            }
        }
        own.iter().filter(|(name, _)| DRIVERS.contains(&name.as_str())).for_each(|(name, value)| {
            libpq.push(format!("{name}={}", escaped(value)));
        });
        let config = Config::from_str(&format!("postgresql:{path}?{}", libpq.join("&")))
            .map_err(|e| Error::new(ErrorKind::Config, format!("`{url}`: {e}")))?;
        let mut location =
            Location { config, shown: url.masked(), statements: STATEMENTS, tls: Tls::default() };
        location.complete(&own, options)?;
        Ok(location)
    }

    /// Fills in what neither URL nor options said, and the settings a session begins with.
    fn complete(&mut self, own: &[(String, String)], options: &EngineOptions) -> Result<()> {
        if self.config.get_hosts().is_empty() {
            // An address is the host's name as well, for certificates.
            let addresses = self.config.get_hostaddrs().to_vec();
            for address in &addresses {
                self.config.host(&address.to_string());
            }
            if addresses.is_empty() {
                self.config.host("localhost");
            }
        }
        if self.config.get_application_name().is_none() {
            self.config.application_name("mirrorm");
        }
        let mut settings = Settings::default();
        if let Some(wait) = options.given_lock_timeout() {
            settings.add("lock_timeout", wait.as_millis());
        }
        if let Some(most) = options.given_statement_timeout() {
            settings.add("statement_timeout", super::limit::millis(most));
        }
        if options.is_read_only() {
            settings.add("default_transaction_read_only", "on");
        }
        for (name, value) in own.iter().filter(|(name, _)| !DRIVERS.contains(&name.as_str())) {
            match name.as_str() {
                "statement_timeout" | "lock_timeout" => settings.add(name, millis(name, value)?),
                "time_zone" => settings.add("TimeZone", value),
                "statement_cache" => {
                    self.statements = value.parse().map_err(|_| wrong(name, value, "a number"))?;
                }
                other => {
                    if !self.tls.take(other, value)? {
                        return Err(unknown(other));
                    }
                }
            }
        }
        self.complete_tls()?;
        // The user's own stand last and win.
        let given = self.config.get_options().unwrap_or("").to_string();
        let all = format!("{} {given}", settings.0);
        if !all.trim().is_empty() {
            self.config.options(all.trim());
        }
        Ok(())
    }

    /// A socket of this machine is never encrypted, whatever was asked for.
    fn complete_tls(&mut self) -> Result<()> {
        self.tls.complete(cfg!(feature = "postgres-tls"), "postgresql")?;
        let hosts = self.config.get_hosts();
        if self.config.get_hostaddrs().is_empty() && hosts.iter().all(|host| matches!(host, Host::Unix(_))) {
            self.tls.mode = Mode::Disable;
        }
        self.config.ssl_mode(match self.tls.mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        Ok(())
    }
}

/// Settings in the words of the server's command line, which are the session's defaults: RESET returns
/// to them.
#[derive(Default)]
struct Settings(String);

impl Settings {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        let value = value.to_string().replace('\\', "\\\\").replace(' ', "\\ ");
        self.0.push_str(&format!(" -c {name}={value}"));
    }
}

/// A time in milliseconds, or with a unit as the server reads it.
fn millis(name: &str, value: &str) -> Result<u128> {
    let takes = "milliseconds, or a number with ms, s, min";
    span(name, value, 1000.0, takes).map(|span| span.as_millis())
}

/// A value for a URL's query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

fn unknown(name: &str) -> Error {
    let known = [DRIVERS, OURS, Tls::NAMES].concat().join(", ");
    let message = format!("`{name}` is no option of postgresql; it knows {known}, and the pool's");
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
    fn urls_of_libpq() {
        let (location, options) =
            read("postgres://ann:s%40cret@h1:5433,h2/shop?application_name=x&pool_size=3&lock_timeout=2s")
                .unwrap();
        assert_eq!(location.config.get_hosts().len(), 2);
        assert_eq!(location.config.get_password(), Some(&b"s@cret"[..]));
        assert_eq!(location.config.get_application_name(), Some("x"));
        assert_eq!(location.config.get_options(), Some("-c lock_timeout=2000"));
        assert_eq!(options.pool_size(), Some(3));
        assert!(!location.shown.contains("cret"));
        let (socket, _) = read("postgresql:///shop?host=/run/postgresql&user=ann").unwrap();
        assert_eq!(socket.config.get_hosts(), [Host::Unix("/run/postgresql".into())]);
        let (numbers, _) = read("postgres://ann@/d?hostaddr=10.0.0.5").unwrap();
        assert_eq!(numbers.config.get_hosts(), [Host::Tcp("10.0.0.5".into())]);
        assert_eq!(read("postgresql:///").unwrap().0.config.get_hosts(), [Host::Tcp("localhost".into())]);
    }

    #[test]
    fn settings_are_escaped() {
        let (location, _) = read("postgres://h/d?time_zone=a%20b&statement_timeout=1min").unwrap();
        assert_eq!(location.config.get_options(), Some("-c TimeZone=a\\ b -c statement_timeout=60000"));
    }

    #[test]
    fn wrong_options_say_what_is_right() {
        for (url, says) in [
            ("postgres://h/d?statement_timeout=soon", "milliseconds"),
            ("postgres://h/d?pool_size=many", "a number"),
            ("postgres://h/d?colour=red", "no option of postgresql"),
            ("postgres://h:port/d", "postgres://h:port/d"),
            ("postgres://h/d?sslmode=maybe", "verify-full"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            assert!(error.message().contains(says), "{error}");
        }
    }
}
