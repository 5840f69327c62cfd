//! A database URL: its scheme, and the rest for the dialect to read.
//!
//! Not here: what stands after the scheme. Paths, hosts and passwords are each dialect's matter.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A URL split at its first colon. `Display` and `Debug` mask a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: String,
    rest: String,
}

impl Url {
    /// Splits a URL.
    ///
    /// # Errors
    /// `Config` when there is no scheme.
    pub fn parse(text: &str) -> Result<Url> {
        let wrong = || {
            let message = "a database URL begins with a scheme, such as `scheme://...`";
            Error::new(ErrorKind::Config, message)
        };
        let (scheme, rest) = text.split_once(':').ok_or_else(wrong)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_');
        // One letter before a colon is a drive, not a scheme.
        if scheme.len() < 2 || !scheme.bytes().all(plain) {
            return Err(wrong());
        }
        Ok(Url { scheme: scheme.to_ascii_lowercase(), rest: rest.to_string() })
    }

    /// A URL of a scheme and what stands after its colon.
    pub fn new(scheme: &str, rest: String) -> Url {
        Url { scheme: scheme.to_ascii_lowercase(), rest }
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Everything after `scheme:`, as written.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// The rest without its query, and the query's names and values, percent-decoded.
    ///
    /// # Errors
    /// `Config` for a name that stands twice and for a broken escape.
    pub fn split_query(&self) -> Result<(&str, Vec<(String, String)>)> {
        let Some((path, query)) = self.rest.split_once('?') else {
            return Ok((&self.rest, Vec::new()));
        };
        let mut list: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode_percent(name)?, decode_percent(value)?);
            if list.iter().any(|(known, _)| *known == name) {
                let message = format!("the URL gives `{name}` twice");
                return Err(Error::new(ErrorKind::Config, message));
            }
            list.push((name, value));
        }
        Ok((path, list))
    }

    /// The whole URL, its password among it: for opening, not for people.
    pub fn unmasked(&self) -> String {
        format!("{}:{}", self.scheme, self.rest)
    }

    /// The URL with its password replaced by stars.
    pub fn masked(&self) -> String {
        let masked = self.rest.split_once("//").and_then(|(before, after)| {
            let (user, host) = who(after)?;
            let (name, _) = user.split_once(':')?;
            Some(format!("{before}//{name}:***@{host}"))
        });
        let shown = masked.as_deref().unwrap_or(&self.rest);
        format!("{}:{}", self.scheme, mask_query(shown))
    }
}

/// Who connects, and the rest. A password is whatever stands before the last `@`, also what would have to be
/// escaped: drivers read it so.
fn who(after: &str) -> Option<(&str, &str)> {
    let front = after.split_once('?').map_or(after, |(front, _)| front);
    match front.rsplit_once('@') {
        Some((user, _)) => Some((user, after.get(user.len() + 1..)?)),
        // A question mark in the password, unless a host and its database stand before it.
        None if !front.contains('/') => after.rsplit_once('@'),
        None => None,
    }
}

/// A URL with the passwords in its query replaced by stars.
fn mask_query(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else { return url.to_string() };
    let secret = |name: &str| ["password", "passwd", "pwd", "sslpassword"].contains(&name);
    let mask = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if secret(&name.to_ascii_lowercase()) => format!("{name}=***"),
        _ => pair.to_string(),
    };
    let pairs: Vec<String> = query.split('&').map(mask).collect();
    format!("{path}?{}", pairs.join("&"))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Text with `%20` and the like decoded (RFC 3986, 2.1).
///
/// # Errors
/// `Config` for a `%` without two hexadecimal digits, and for bytes that are not UTF-8.
pub fn decode_percent(text: &str) -> Result<String> {
    let wrong = || Error::new(ErrorKind::Config, "a part of the URL has a broken % escape");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| (b as char).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong());
        };
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_masks() {
        let url = Url::parse("Some+x://ann:se%40cret@host:5432/shop?a=1&b=%20x").unwrap();
        assert_eq!(url.scheme(), "some+x");
        assert_eq!(url.to_string(), "some+x://ann:***@host:5432/shop?a=1&b=%20x");
        let (path, query) = url.split_query().unwrap();
        assert_eq!(path, "//ann:se%40cret@host:5432/shop");
        assert_eq!(query, [("a".into(), "1".into()), ("b".into(), " x".into())]);
        assert!(!format!("{url:?}").contains("cret"));
        for clear in ["ann:se/cret@h/d", "ann:se#cret@h/d", "ann:se?cret@h/d", "ann:se@cret@h/d?a=1"] {
            let shown = Url::parse(&format!("some://{clear}")).unwrap().to_string();
            assert!(!shown.contains("cret") && shown.contains("ann:***@h/d"), "{shown}");
        }
        let plain = "some://h:5432/d?options=a@b";
        assert_eq!(Url::parse(plain).unwrap().to_string(), plain);
        let url = Url::parse("some:///shop?host=/run&password=secret&user=ann").unwrap();
        assert_eq!(url.to_string(), "some:///shop?host=/run&password=***&user=ann");
    }

    #[test]
    fn refuses_what_is_no_url() {
        for text in ["", "shop.db", "/tmp/shop.db", "C:\\shop.db", "a b://x"] {
            assert_eq!(Url::parse(text).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
        assert!(Url::parse("xx:a?b=%zz").unwrap().split_query().is_err());
        assert!(Url::parse("xx:a?b=1&b=2").unwrap().split_query().is_err());
    }
}
