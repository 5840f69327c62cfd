//! Parameters of URLs: spans of time, and the errors of wrong ones. Shared by the dialects' `location`s.

use mirrorm_core::{Error, ErrorKind};

/// A time with a unit, or in so many a second.
pub(crate) fn span(
    name: &str,
    value: &str,
    unit: f64,
    takes: &str,
) -> mirrorm_core::Result<std::time::Duration> {
    let units = [("ms", 0.001), ("min", 60.0), ("s", 1.0)];
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((value.strip_suffix(unit)?, *factor)))
        .unwrap_or((value, 1.0 / unit));
    let seconds = number.trim().parse::<f64>().ok().filter(|n| *n >= 0.0);
    let span = seconds.and_then(|n| std::time::Duration::try_from_secs_f64(n * factor).ok());
    span.ok_or_else(|| wrong(name, value, takes))
}

/// The error of a value that makes no sense.
pub(crate) fn wrong(name: &str, value: &str, allowed: &str) -> Error {
    Error::new(ErrorKind::Config, format!("`{name}={value}`: it takes {allowed}"))
}
