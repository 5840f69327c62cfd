//! Exact decimal numbers of any length, kept as their canonical digits.
//!
//! Not here: arithmetic. Convert to a number crate to calculate; this type carries, compares,
//! prints and parses, and never changes a digit or the scale.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// An exact decimal number with its scale, or NaN or an infinity.
///
/// `1.50` and `1.5` are different values (`==`), and compare as equal ([`Decimal::compare`]).
/// There is no limit on digits; an exponent in the input is written out, up to 200 000 zeros.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

const NAN: &str = "NaN";
const INFINITY: &str = "Infinity";
const NEGATIVE_INFINITY: &str = "-Infinity";

/// The most zeros an exponent may add: PostgreSQL's own limit is 131 072 digits before and
/// 16 383 after the point (manual, 8.1.2).
const MOST_ZEROS: u32 = 200_000;

impl Decimal {
    /// The digits, with a sign if negative and a point if the scale is above zero.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Digits after the point; none for NaN and the infinities.
    pub fn scale(&self) -> Option<usize> {
        self.is_finite().then(|| self.0.split_once('.').map_or(0, |(_, after)| after.len()))
    }

    /// Whether this is a number rather than NaN or an infinity.
    pub fn is_finite(&self) -> bool {
        !matches!(&*self.0, NAN | INFINITY | NEGATIVE_INFINITY)
    }

    /// Compares as numbers: `1.5` equals `1.50`; NaN equals itself and is above everything, as
    /// PostgreSQL orders it (manual, 8.1.2).
    pub fn compare(&self, other: &Decimal) -> Ordering {
        let rank = |text: &str| match text {
            NEGATIVE_INFINITY => 0,
            INFINITY => 2,
            NAN => 3,
            _ => 1,
        };
        rank(&self.0)
            .cmp(&rank(&other.0))
            .then_with(|| if self.is_finite() { compare_finite(&self.0, &other.0) } else { Ordering::Equal })
    }

    /// The nearest binary number; infinite where it is out of range.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The shortest decimal that reads back as this binary number.
    pub fn from_f64(number: f64) -> Decimal {
        match format!("{number}").parse() {
            Ok(decimal) => decimal,
            Err(_) if number.is_nan() => Decimal(NAN.into()),
            Err(_) if number < 0.0 => Decimal(NEGATIVE_INFINITY.into()),
            Err(_) => Decimal(INFINITY.into()),
        }
    }
}

/// Compares two canonical finite numbers.
fn compare_finite(a: &str, b: &str) -> Ordering {
    let split = |text: &str| -> (bool, String, String) {
        let body = text.strip_prefix('-');
        let (whole, after) = body.unwrap_or(text).split_once('.').unwrap_or((body.unwrap_or(text), ""));
        (body.is_some(), whole.to_string(), after.trim_end_matches('0').to_string())
    };
    let (a_negative, a_whole, a_after) = split(a);
    let (b_negative, b_whole, b_after) = split(b);
    let size = a_whole
        .len()
        .cmp(&b_whole.len())
        .then_with(|| a_whole.cmp(&b_whole))
        .then_with(|| a_after.cmp(&b_after));
    let zero = |whole: &str, after: &str| whole == "0" && after.is_empty();
    if zero(&a_whole, &a_after) && zero(&b_whole, &b_after) {
        return Ordering::Equal;
    }
    match (a_negative, b_negative) {
        (false, false) => size,
        (true, true) => size.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Reads digits with an optional sign, point and exponent, or `NaN`, `Infinity`,
    /// `-Infinity` in any case.
    ///
    /// # Errors
    /// `Conversion` for anything else, and for an exponent that writes out to more than
    /// 200 000 zeros.
    fn from_str(text: &str) -> Result<Decimal> {
        let wrong = || Error::conversion(format!("`{}` is not a decimal number", clip(text)));
        let trimmed = text.trim();
        match trimmed.to_ascii_lowercase().as_str() {
            "nan" => return Ok(Decimal(NAN.into())),
            "infinity" | "inf" | "+infinity" => return Ok(Decimal(INFINITY.into())),
            "-infinity" | "-inf" => return Ok(Decimal(NEGATIVE_INFINITY.into())),
            _ => {}
        }
        let (negative, body) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (digits, exponent) = match body.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_err(|_| wrong())?),
            None => (body, 0),
        };
        let (whole, after) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && after.is_empty()) || !all_digits(whole) || !all_digits(after) {
            return Err(wrong());
        }
        if exponent.unsigned_abs() > MOST_ZEROS {
            return Err(wrong());
        }
        Ok(Decimal(shift(negative, whole, after, exponent).into()))
    }
}

/// The canonical text of `whole.after` times ten to the exponent.
fn shift(negative: bool, whole: &str, after: &str, exponent: i32) -> String {
    let digits: Vec<char> = whole.chars().chain(after.chars()).collect();
    let point = whole.len() as i64 + i64::from(exponent);
    let mut text = String::with_capacity(digits.len() + 2);
    let at = |i: i64| usize::try_from(i).ok().and_then(|i| digits.get(i)).copied().unwrap_or('0');
    (0..point.max(0)).for_each(|i| text.push(at(i)));
    let significant = text.trim_start_matches('0').to_string();
    let mut text = if significant.is_empty() { "0".to_string() } else { significant };
    if point < digits.len() as i64 {
        text.push('.');
        (point..digits.len() as i64).for_each(|i| text.push(at(i)));
    }
    if negative && text.bytes().any(|b| b.is_ascii_digit() && b != b'0') {
        text.insert(0, '-');
    }
    text
}

/// A text cut for a message.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({})", self.0)
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Decimal {
        Decimal(number.to_string().into())
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Decimal {
        Decimal(number.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn keeps_every_digit_and_the_scale() {
        for text in ["0", "1.500", "-12.340", "0.000", "12345678901234567890123456789.5"] {
            assert_eq!(decimal(text).as_str(), text);
        }
        assert_eq!(decimal("+007.10").as_str(), "7.10");
        assert_eq!(decimal(".5").as_str(), "0.5");
        assert_eq!(decimal("-0.00").as_str(), "0.00");
        assert_eq!(decimal("1.5e3").as_str(), "1500");
        assert_eq!(decimal("1E-5").as_str(), "0.00001");
        assert_eq!(decimal("-12.34e1").as_str(), "-123.4");
        assert_eq!(decimal("nan").as_str(), "NaN");
        assert_eq!(decimal("1.500").scale(), Some(3));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in ["", ".", "-", "1.2.3", "1e", "0x10", "1e999999999", "１"] {
            let error = text.parse::<Decimal>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Conversion, "{text}");
        }
    }

    #[test]
    fn compares_as_numbers() {
        let rising = ["-Infinity", "-10", "-9.5", "-0.1", "0.00", "0.1", "2", "10", "Infinity", "NaN"];
        for pair in rising.windows(2) {
            assert_eq!(decimal(pair[0]).compare(&decimal(pair[1])), Ordering::Less, "{pair:?}");
        }
        assert_eq!(decimal("1.5").compare(&decimal("1.500")), Ordering::Equal);
        assert_ne!(decimal("1.5"), decimal("1.500"));
    }

    #[test]
    fn binary_numbers_round_trip() {
        for number in [0.1, 0.99, 1e-7, 1e21, -3.25] {
            assert_eq!(Decimal::from_f64(number).to_f64(), number);
        }
        assert_eq!(Decimal::from_f64(0.99).as_str(), "0.99");
        assert_eq!(Decimal::from_f64(f64::NEG_INFINITY).as_str(), "-Infinity");
    }
}
