//! Which dialect a URL scheme belongs to.

use parking_lot::RwLock;

use super::{Dialect, Url};
use crate::error::{Error, ErrorKind, Result};

static REGISTERED: RwLock<Vec<&'static dyn Dialect>> = RwLock::new(Vec::new());

/// Adds a dialect of yours, for all databases opened from now on. Registering one of a name
/// again puts it in the place of the earlier one.
///
/// # Errors
/// `Config` when another registered dialect has one of its schemes.
pub fn register(dialect: &'static dyn Dialect) -> Result<()> {
    let mut list = REGISTERED.write();
    let taken = |other: &&&'static dyn Dialect| {
        other.name() != dialect.name() && other.schemes().iter().any(|s| dialect.schemes().contains(s))
    };
    if let Some(other) = list.iter().find(taken) {
        let message =
            format!("the dialect `{}` has the same URL scheme as `{}`", dialect.name(), other.name());
        return Err(Error::new(ErrorKind::Config, message));
    }
    list.retain(|other| other.name() != dialect.name());
    list.push(dialect);
    Ok(())
}

/// The dialect of a URL, among the registered and these.
///
/// # Errors
/// `Config` for a scheme nobody answers to, with those that are known.
pub fn dialect_for(url: &Url, built_in: &[&'static dyn Dialect]) -> Result<&'static dyn Dialect> {
    let all: Vec<&'static dyn Dialect> = REGISTERED.read().iter().chain(built_in).copied().collect();
    let answers = |dialect: &&&'static dyn Dialect| dialect.schemes().contains(&url.scheme());
    if let Some(dialect) = all.iter().find(answers) {
        return Ok(*dialect);
    }
    let known: Vec<&str> = all.iter().flat_map(|d| d.schemes().iter().copied()).collect();
    let message = format!(
        "no dialect answers to `{}:`; known are {}; others are features of the library, or registered",
        url.scheme(),
        known.join(", ")
    );
    Err(Error::new(ErrorKind::Config, message))
}
