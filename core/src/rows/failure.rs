//! Our error inside serde's traits, for `de` and `ser`.

use std::fmt;

use crate::error::Error;

#[derive(Debug)]
pub(super) struct Failure(pub(super) Error);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Failure {
        Failure(Error::conversion(message.to_string()))
    }
}

impl serde::ser::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Failure {
        Failure(Error::conversion(message.to_string()))
    }
}
