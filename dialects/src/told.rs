//! What a server said, as the source of an error: its code and words, without the values that it adds to
//! them, and without a driver's types. Made by the `errors` of the servers' dialects.

use std::fmt;

/// A driver's or a server's own words.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Told {}
