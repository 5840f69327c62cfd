//! A URL in its parts, for programs that have them apart: forms of a host, a user, a password.
//!
//! Not here: what the names of a query mean, which each dialect says. Used by dialects with servers.

use std::fmt::{self, Write as _};

use mirrorm_core::dialect::{Url, decode_percent};
use mirrorm_core::{Error, ErrorKind, Result};

/// The parts of a [`Url`], as they are meant: nothing in them is escaped. `Debug` hides the password.
///
/// # Example
/// ```
/// use mirrorm::dialect::UrlParts;
///
/// let parts = UrlParts {
///     user: Some("ann".into()),
///     password: Some("p@ss/word".into()),
///     host: Some("db.example".into()),
///     database: Some("shop".into()),
///     ..UrlParts::new("postgresql")
/// };
/// let url = parts.url();
/// assert_eq!(url.to_string(), "postgresql://ann:***@db.example/shop");
/// assert_eq!(url.unmasked(), "postgresql://ann:p%40ss%2Fword@db.example/shop");
/// assert_eq!(UrlParts::of(&url)?, parts);
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UrlParts {
    /// Which database system: `postgresql`, `mysql`, `sqlite`.
    pub scheme: String,
    /// Who connects.
    pub user: Option<String>,
    /// The password; an empty one is not none.
    pub password: Option<String>,
    /// The server, by name or number; of several, all, with commas between.
    pub host: Option<String>,
    /// The server's port.
    pub port: Option<u16>,
    /// The database; of SQLite the file, which begins with `/` where its path is absolute. In its URLs nothing
    /// is escaped, so a file with `?` in its name has none of scheme `sqlite`: see
    /// `mirrorm::dialect::sqlite::url_of_path`.
    pub database: Option<String>,
    /// The parameters, in order.
    pub query: Vec<(String, String)>,
}

impl UrlParts {
    /// A scheme and nothing else.
    pub fn new(scheme: impl Into<String>) -> UrlParts {
        UrlParts { scheme: scheme.into(), ..UrlParts::default() }
    }

    /// The parts of a URL, decoded.
    ///
    /// # Errors
    /// `Config` for a URL that does not go on with `//` after its scheme, a port that is no number, a broken
    /// escape, and a parameter that stands twice.
    pub fn of(url: &Url) -> Result<UrlParts> {
        let (path, query) = url.split_query()?;
        let wrong = |what: &str| {
            Error::new(ErrorKind::Config, format!("the URL of a `{}` database: {what}", url.scheme()))
        };
        let Some(rest) = path.strip_prefix("//") else {
            return Err(wrong("after the scheme stands `//user@host/database`"));
        };
        let (authority, database) =
            rest.split_once('/').map_or((rest, None), |(front, database)| (front, Some(database)));
        let (who, host) =
            authority.rsplit_once('@').map_or((None, authority), |(who, host)| (Some(who), host));
        let (user, password) = match who.and_then(|who| who.split_once(':')) {
            Some((user, password)) => (Some(user), Some(password)),
            None => (who, None),
        };
        let (host, port) = split_port(host);
        let port = port.filter(|port| !port.is_empty()).map(str::parse).transpose();
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(decode_percent).transpose();
        Ok(UrlParts {
            scheme: url.scheme().to_string(),
            user: given(user)?,
            password: password.map(decode_percent).transpose()?,
            host: given(Some(host))?,
            port: port.map_err(|_| wrong("the port is no number"))?,
            database: match is_file(url.scheme()) {
                true => database.filter(|path| !path.is_empty()).map(str::to_string),
                false => given(database)?,
            },
            query,
        })
    }

    /// Sets a parameter, in the place of one of that name if there is one.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> UrlParts {
        let (name, value) = (name.into(), value.into());
        match self.query.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => self.query.push((name, value)),
        }
        self
    }

    /// The URL of these parts, with what has a meaning there escaped.
    pub fn url(&self) -> Url {
        let mut rest = String::from("//");
        if let Some(user) = &self.user {
            escape(user, "", &mut rest);
        }
        if let Some(password) = &self.password {
            rest.push(':');
            escape(password, "", &mut rest);
        }
        if self.user.is_some() || self.password.is_some() {
            rest.push('@');
        }
        match self.host.as_deref().unwrap_or("") {
            // An address of IPv6 (RFC 3986, 3.2.2).
            host if host.contains(':') && !host.contains(',') => {
                rest.push('[');
                escape(host, ":", &mut rest);
                rest.push(']');
            }
            host => escape(host, ",:[]", &mut rest),
        }
        if let Some(port) = self.port {
            let _ = write!(rest, ":{port}");
        }
        if let Some(database) = &self.database {
            rest.push('/');
            match is_file(&self.scheme) {
                true => rest.push_str(database),
                false => escape(database, "/:", &mut rest),
            }
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            rest.push(if at == 0 { '?' } else { '&' });
            escape(name, "", &mut rest);
            rest.push('=');
            escape(value, "/:,", &mut rest);
        }
        Url::new(&self.scheme, rest)
    }
}

/// Whether a scheme's path is a file's name as it is (sqlite.org/uri.html is for `file:` alone).
fn is_file(scheme: &str) -> bool {
    scheme == "sqlite"
}

/// A host and its port; of several hosts all, with their ports.
fn split_port(host: &str) -> (&str, Option<&str>) {
    if host.contains(',') {
        return (host, None);
    }
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    }
}

/// Writes text with every byte escaped that is not a letter, a digit, `-._~` (RFC 3986, 2.3) or one of these.
fn escape(text: &str, and: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || and.as_bytes().contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

impl fmt::Debug for UrlParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UrlParts").field(&self.url().masked()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> UrlParts {
        UrlParts::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn there_and_back() {
        let urls = [
            "some://ann:se%40cret%2F@db.example:5433/shop?a=1&b=%20x%26",
            "some://ann:@[::1]:5433/shop",
            "some://h1:1,h2:2/shop",
            "some://h/",
            "some://",
            "sqlite:////var/lib/shop.db",
            "sqlite:///shop of 100% ann.db?mode=ro",
            "some://[fe80::1%25eth0]/shop",
            "some://ann%3A%40b:a+b@h/d",
        ];
        for url in urls {
            let found = parts(url);
            assert_eq!(UrlParts::of(&found.url()).unwrap(), found, "{url}");
        }
        let all = parts(urls[0]);
        assert_eq!((all.user.as_deref(), all.password.as_deref()), (Some("ann"), Some("se@cret/")));
        assert_eq!((all.host.as_deref(), all.port), (Some("db.example"), Some(5433)));
        assert_eq!(all.query, [("a".into(), "1".into()), ("b".into(), " x&".into())]);
        assert_eq!(all.url().unmasked(), urls[0]);
        assert!(!format!("{all:?}").contains("cret"));
        assert_eq!(parts(urls[1]).password.as_deref(), Some(""), "an empty password is one");
        assert_eq!(parts(urls[1]).host.as_deref(), Some("::1"));
        assert_eq!(parts(urls[2]).host.as_deref(), Some("h1:1,h2:2"));
        assert_eq!((parts(urls[3]).database, parts(urls[4]).host), (None, None));
        assert_eq!(parts(urls[5]).database.as_deref(), Some("/var/lib/shop.db"));
        assert_eq!(parts(urls[8]).password.as_deref(), Some("a+b"), "a plus is a plus");
    }

    #[test]
    fn parameters_are_set_once() {
        let url = parts("some://h/d?a=1").with("a", "2").with("b", "x=y").url();
        assert_eq!(url.unmasked(), "some://h/d?a=2&b=x%3Dy");
    }

    #[test]
    fn what_has_no_parts() {
        for url in
            ["some:shop", "some://h:port/d", "some://h:99999/d", "some://%zz@h/d", "some://h/d?a=1&a=2"]
        {
            assert_eq!(
                UrlParts::of(&Url::parse(url).unwrap()).unwrap_err().kind(),
                ErrorKind::Config,
                "{url}"
            );
        }
    }
}
