//! Dates, times, instants and intervals with the databases' own ranges.
//!
//! Not here: calendars, zones and arithmetic. These types carry, compare, print and parse;
//! convert to `jiff`, `chrono` or `time` to calculate. Years are astronomical: year 0 is 1 BC.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::decimal::clip;
use crate::error::{Error, Result};

const NANOS: i64 = 1_000_000_000;

/// A date of the proleptic Gregorian calendar, or an infinity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// Later than every date.
    pub const INFINITY: Date = Date { year: i32::MAX, month: 0, day: 0 };
    /// Earlier than every date.
    pub const NEGATIVE_INFINITY: Date = Date { year: i32::MIN, month: 0, day: 0 };

    /// A date.
    ///
    /// # Errors
    /// `Conversion` when the calendar has no such day.
    pub fn new(year: i32, month: u8, day: u8) -> Result<Date> {
        if day == 0 || day > days_in(year, month) || matches!(year, i32::MIN | i32::MAX) {
            return Err(Error::conversion(format!("there is no day {year}-{month}-{day}")));
        }
        Ok(Date { year, month, day })
    }

    /// The date so many days after 1970-01-01 (Howard Hinnant's civil-from-days algorithm).
    ///
    /// # Errors
    /// `Conversion` when its year has more than 32 bits.
    pub fn from_unix_days(days: i64) -> Result<Date> {
        let wrong = || Error::conversion(format!("there is no day {days} after 1970-01-01"));
        let days = days.checked_add(719_468).ok_or_else(wrong)?;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date::new(i32::try_from(year).map_err(|_| wrong())?, month as u8, day as u8)
    }

    /// The year; 0 is 1 BC, negative years are before it.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The month, 1 to 12; 0 for an infinity.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1; 0 for an infinity.
    pub fn day(self) -> u8 {
        self.day
    }

    /// Whether this is a day rather than an infinity.
    pub fn is_finite(self) -> bool {
        self.month != 0
    }
}

/// Days of a month; 0 for a month that does not exist.
fn days_in(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Date {
    /// `2024-02-29`; years before 1 as PostgreSQL writes them, `0044-03-15 BC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Date::INFINITY => f.write_str("infinity"),
            Date::NEGATIVE_INFINITY => f.write_str("-infinity"),
            Date { year, month, day } if year > 0 => write!(f, "{year:04}-{month:02}-{day:02}"),
            Date { year, month, day } => {
                write!(f, "{:04}-{month:02}-{day:02} BC", 1 - i64::from(year))
            }
        }
    }
}

impl FromStr for Date {
    type Err = Error;

    /// Reads `YYYY-MM-DD`, with ` BC` after it or not, and `infinity`, `-infinity`.
    ///
    /// # Errors
    /// `Conversion` for anything else, `0000-00-00` among it.
    fn from_str(text: &str) -> Result<Date> {
        let wrong = || Error::conversion(format!("`{}` is not a date", clip(text)));
        match text {
            "infinity" => return Ok(Date::INFINITY),
            "-infinity" => return Ok(Date::NEGATIVE_INFINITY),
            _ => {}
        }
        let (body, before_christ) = match text.strip_suffix(" BC") {
            Some(body) => (body, true),
            None => (text, false),
        };
        let mut parts = body.split('-');
        let (Some(y), Some(m), Some(d), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        if y.len() < 4 || m.len() != 2 || d.len() != 2 {
            return Err(wrong());
        }
        let year = i32::try_from(digits(y).ok_or_else(wrong)?).map_err(|_| wrong())?;
        if year == 0 {
            return Err(wrong());
        }
        let year = if before_christ { 1 - year } else { year };
        let small = |text| digits(text).and_then(|n| u8::try_from(n).ok()).ok_or_else(wrong);
        Date::new(year, small(m)?, small(d)?).map_err(|_| wrong())
    }
}

/// A number written in ASCII digits only.
fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// A time of day, or a signed span of hours as MySQL's TIME holds.
///
/// The range is ±838:59:59 with nanoseconds. The number of fraction digits is part of the value,
/// so that a stored text comes back as it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    nanos: i64,
    digits: u8,
}

impl Time {
    /// A time of day or span of hours, with as many fraction digits as it needs (0, 3, 6 or 9).
    ///
    /// # Errors
    /// `Conversion` outside ±838:59:59.999999999.
    pub fn from_nanos(nanos: i64) -> Result<Time> {
        if nanos.unsigned_abs() >= (839 * 3600 * NANOS) as u64 {
            return Err(Error::conversion("a time ends at 838:59:59"));
        }
        let digits = match nanos % NANOS {
            0 => 0,
            n if n % 1_000_000 == 0 => 3,
            n if n % 1_000 == 0 => 6,
            _ => 9,
        };
        Ok(Time { nanos, digits })
    }

    /// A time of hours, minutes and seconds.
    ///
    /// # Errors
    /// `Conversion` for more than 838 hours, 59 minutes or 59 seconds.
    pub fn new(hours: u16, minutes: u8, seconds: u8) -> Result<Time> {
        if minutes > 59 || seconds > 59 {
            return Err(Error::conversion(format!("there is no time {hours}:{minutes}:{seconds}")));
        }
        let total = i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
        Time::from_nanos(total * NANOS)
    }

    /// Nanoseconds from midnight, or of the span.
    pub fn nanos(self) -> i64 {
        self.nanos
    }

    /// How many fraction digits it prints.
    pub fn fraction_digits(self) -> u8 {
        self.digits
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos < 0 {
            f.write_str("-")?;
        }
        write_clock(f, self.nanos.unsigned_abs(), self.digits)
    }
}

/// `HH:MM:SS` and the asked number of fraction digits.
fn write_clock(f: &mut fmt::Formatter<'_>, nanos: u64, digits: u8) -> fmt::Result {
    let (seconds, fraction) = (nanos / NANOS as u64, nanos % NANOS as u64);
    write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    if digits == 0 {
        return Ok(());
    }
    let kept = fraction / 10u64.pow(9 - u32::from(digits.min(9)));
    write!(f, ".{kept:0width$}", width = usize::from(digits.min(9)))
}

impl FromStr for Time {
    type Err = Error;

    /// Reads `[-]HH:MM[:SS[.fraction]]` with up to nine fraction digits.
    ///
    /// # Errors
    /// `Conversion` for anything else, and outside ±838:59:59.
    fn from_str(text: &str) -> Result<Time> {
        let wrong = || Error::conversion(format!("`{}` is not a time", clip(text)));
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (clock, fraction) = body.split_once('.').unwrap_or((body, ""));
        if fraction.len() > 9 || (body.contains('.') && fraction.is_empty()) {
            return Err(wrong());
        }
        let mut parts = clock.split(':').map(|part| (part.len(), digits(part)));
        let hours = match parts.next() {
            Some((2 | 3, Some(hours))) if hours <= 838 => hours,
            _ => return Err(wrong()),
        };
        let mut sixty = |required: bool| match parts.next() {
            Some((2, Some(n))) if n < 60 => Ok(n),
            None if !required => Ok(0),
            _ => Err(wrong()),
        };
        let (minutes, seconds) = (sixty(true)?, sixty(!fraction.is_empty())?);
        if parts.next().is_some() {
            return Err(wrong());
        }
        let scale = 10i64.pow(9 - fraction.len() as u32);
        let below = if fraction.is_empty() { 0 } else { digits(fraction).ok_or_else(wrong)? * scale };
        let nanos = (hours * 3600 + minutes * 60 + seconds) * NANOS + below;
        let nanos = if negative { -nanos } else { nanos };
        Ok(Time { nanos, digits: fraction.len() as u8 })
    }
}

/// A date and a time of day without an offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    // Flat rather than a Date and a Time: 16 bytes, so that a Timestamp fits a 32-byte value.
    year: i32,
    month: u8,
    day: u8,
    digits: u8,
    nanos: i64,
}

impl DateTime {
    /// A date and a time of day. A time outside 00:00:00 to 23:59:59 is refused; an infinite
    /// date takes midnight only.
    ///
    /// # Errors
    /// `Conversion` when the time is not one of a day.
    pub fn new(date: Date, time: Time) -> Result<DateTime> {
        let of_a_day = (0..86_400 * NANOS).contains(&time.nanos);
        if !of_a_day || (!date.is_finite() && time.nanos != 0) {
            return Err(Error::conversion(format!("{time} is no time of the day {date}")));
        }
        let Date { year, month, day } = date;
        Ok(DateTime { year, month, day, digits: time.digits, nanos: time.nanos })
    }

    /// The date.
    pub fn date(self) -> Date {
        Date { year: self.year, month: self.month, day: self.day }
    }

    /// The time of day.
    pub fn time(self) -> Time {
        Time { nanos: self.nanos, digits: self.digits }
    }
}

impl fmt::Display for DateTime {
    /// `2024-02-29 12:30:00`, with the fraction digits it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date_time(f, *self, None)
    }
}

/// Date, clock, offset, and the era last.
fn write_date_time(f: &mut fmt::Formatter<'_>, at: DateTime, offset: Option<i32>) -> fmt::Result {
    let date = at.date();
    if !date.is_finite() {
        return date.fmt(f);
    }
    let before_christ = date.year <= 0;
    let year = if before_christ { 1 - i64::from(date.year) } else { i64::from(date.year) };
    write!(f, "{year:04}-{:02}-{:02} ", date.month, date.day)?;
    write_clock(f, at.nanos.unsigned_abs(), at.digits)?;
    if let Some(offset) = offset {
        let size = offset.unsigned_abs();
        write!(f, "{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, size / 3600, size / 60 % 60)?;
        if size % 60 != 0 {
            write!(f, ":{:02}", size % 60)?;
        }
    }
    if before_christ { f.write_str(" BC") } else { Ok(()) }
}

impl FromStr for DateTime {
    type Err = Error;

    /// Reads `YYYY-MM-DD HH:MM[:SS[.fraction]]`, with a space or a `T` between, ` BC` after it
    /// or not, and the infinities.
    ///
    /// # Errors
    /// `Conversion` for anything else.
    fn from_str(text: &str) -> Result<DateTime> {
        let wrong = || Error::conversion(format!("`{}` is not a date and time", clip(text)));
        if text.ends_with("infinity") {
            return DateTime::new(text.parse().map_err(|_| wrong())?, Time { nanos: 0, digits: 0 });
        }
        let (body, era) = match text.strip_suffix(" BC") {
            Some(body) => (body, " BC"),
            None => (text, ""),
        };
        let (date, time) = body.split_once([' ', 'T']).ok_or_else(wrong)?;
        let date: Date = format!("{date}{era}").parse().map_err(|_| wrong())?;
        let time: Time = time.parse().map_err(|_| wrong())?;
        DateTime::new(date, time).map_err(|_| wrong())
    }
}

/// An instant: a date and time with its offset from UTC in seconds.
///
/// Two instants are equal (`==`) when date, time, digits and offset are; [`Timestamp::unix_nanos`]
/// compares moments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    local: DateTime,
    offset: i32,
}

impl Timestamp {
    /// A local date and time with its offset from UTC in seconds, east positive.
    ///
    /// # Errors
    /// `Conversion` for an offset of 24 hours or more.
    pub fn new(local: DateTime, offset: i32) -> Result<Timestamp> {
        if offset.unsigned_abs() >= 86_400 {
            return Err(Error::conversion("an offset is less than 24 hours"));
        }
        Ok(Timestamp { local, offset })
    }

    /// The date and time at the offset.
    pub fn local(self) -> DateTime {
        self.local
    }

    /// Seconds east of UTC.
    pub fn offset(self) -> i32 {
        self.offset
    }

    /// Nanoseconds since 1970-01-01 00:00:00 UTC; none for an infinity.
    pub fn unix_nanos(self) -> Option<i128> {
        let date = self.local.date();
        let midnight = date.is_finite().then(|| i128::from(days_from_epoch(date)) * 86_400)?;
        let seconds = midnight - i128::from(self.offset);
        Some(seconds * i128::from(NANOS) + i128::from(self.local.nanos))
    }
}

/// Days since 1970-01-01 (Howard Hinnant's civil-from-days algorithm, the inverse).
fn days_from_epoch(date: Date) -> i64 {
    let month = i64::from(date.month);
    let year = i64::from(date.year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(date.day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl fmt::Display for Timestamp {
    /// `2024-02-29 12:30:00+00:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date_time(f, self.local, Some(self.offset))
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads a date and time followed by `Z`, `±HH`, `±HH:MM` or `±HH:MM:SS`, and the infinities.
    ///
    /// # Errors
    /// `Conversion` for anything else, a missing offset among it.
    fn from_str(text: &str) -> Result<Timestamp> {
        let wrong = || Error::conversion(format!("`{}` is not an instant", clip(text)));
        if text.ends_with("infinity") {
            return Timestamp::new(text.parse().map_err(|_| wrong())?, 0);
        }
        let (body, era) = match text.strip_suffix(" BC") {
            Some(body) => (body, " BC"),
            None => (text, ""),
        };
        if let Some(body) = body.strip_suffix(['Z', 'z']) {
            return Timestamp::new(format!("{body}{era}").parse().map_err(|_| wrong())?, 0);
        }
        let clock = body.find(':').ok_or_else(wrong)?;
        let at = body.rfind(['+', '-']).filter(|at| *at > clock).ok_or_else(wrong)?;
        let (local, zone) = body.split_at(at);
        let offset = parse_offset(zone).ok_or_else(wrong)?;
        let local: DateTime = format!("{local}{era}").parse().map_err(|_| wrong())?;
        Timestamp::new(local, offset).map_err(|_| wrong())
    }
}

/// Seconds of `±HH[[:]MM[:SS]]`.
fn parse_offset(zone: &str) -> Option<i32> {
    let negative = zone.starts_with('-');
    let plain: String = zone.chars().skip(1).filter(|c| *c != ':').collect();
    let pair = |i: usize| match plain.get(i..i + 2) {
        Some(two) => digits(two).and_then(|n| i32::try_from(n).ok()),
        None => (plain.len() <= i).then_some(0),
    };
    if plain.len() < 2 || plain.len() > 6 {
        return None;
    }
    let (hours, minutes, seconds) = (pair(0)?, pair(2)?, pair(4)?);
    let size = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60).then_some(if negative { -size } else { size })
}

/// Months, days and nanoseconds, kept apart because a month has no fixed length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Nanoseconds.
    pub nanos: i64,
}

impl fmt::Display for Interval {
    /// ISO 8601: `P1M2DT3.5S`; an empty interval is `PT0S`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.months != 0 {
            write!(f, "{}M", self.months)?;
        }
        if self.days != 0 {
            write!(f, "{}D", self.days)?;
        }
        if self.nanos != 0 || (self.months == 0 && self.days == 0) {
            let size = self.nanos.unsigned_abs();
            let sign = if self.nanos < 0 { "-" } else { "" };
            let fraction = format!("{:09}", size % NANOS as u64);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            write!(f, "T{sign}{}{point}{fraction}S", size / NANOS as u64)?;
        }
        Ok(())
    }
}

impl FromStr for Interval {
    type Err = Error;

    /// Reads the ISO 8601 form `P[nY][nM][nW][nD][T[nH][nM][n.nS]]`, each number signed or not.
    ///
    /// # Errors
    /// `Conversion` for anything else and for numbers out of range.
    fn from_str(text: &str) -> Result<Interval> {
        parse_interval(text)
            .ok_or_else(|| Error::conversion(format!("`{}` is not an ISO 8601 interval", clip(text))))
    }
}

fn parse_interval(text: &str) -> Option<Interval> {
    let mut interval = Interval::default();
    let (mut number, mut in_time, mut fields) = (String::new(), false, 0);
    for c in text.strip_prefix('P')?.chars() {
        if c == 'T' && !in_time && number.is_empty() {
            in_time = true;
        } else if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') {
            number.push(c);
        } else {
            add_field(&mut interval, &std::mem::take(&mut number), c, in_time)?;
            fields += 1;
        }
    }
    (number.is_empty() && fields > 0).then_some(interval)
}

fn add_field(interval: &mut Interval, number: &str, unit: char, in_time: bool) -> Option<()> {
    if unit == 'S' && in_time {
        let negative = number.starts_with('-');
        let time: f64 = number.parse().ok()?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.len() > 9 {
            return None;
        }
        let padded: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        let whole: i64 =
            if whole.trim_start_matches(['-', '+']).is_empty() { 0 } else { whole.parse().ok()? };
        let below: i64 = padded.parse().ok()?;
        let below = if negative && time <= 0.0 { -below } else { below };
        interval.nanos = interval.nanos.checked_add(whole.checked_mul(NANOS)?.checked_add(below)?)?;
        return Some(());
    }
    let n: i64 = number.parse().ok()?;
    let add = |to: &mut i32, n: i64| {
        *to = i32::try_from(i64::from(*to).checked_add(n)?).ok()?;
        Some(())
    };
    match (unit, in_time) {
        ('Y', false) => add(&mut interval.months, n.checked_mul(12)?),
        ('M', false) => add(&mut interval.months, n),
        ('W', false) => add(&mut interval.days, n.checked_mul(7)?),
        ('D', false) => add(&mut interval.days, n),
        ('H', true) | ('M', true) => {
            let seconds = if unit == 'H' { 3600 } else { 60 };
            interval.nanos = interval.nanos.checked_add(n.checked_mul(seconds * NANOS)?)?;
            Some(())
        }
        _ => None,
    }
}

macro_rules! debug_as_display {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*};
}
debug_as_display!(Date, Time, DateTime, Timestamp, Interval);

#[cfg(test)]
mod tests {
    use super::*;

    fn same<T: FromStr<Err = Error> + fmt::Display>(texts: &[&str]) {
        for text in texts {
            assert_eq!(text.parse::<T>().unwrap().to_string(), *text);
        }
    }

    fn refused<T: FromStr<Err = Error> + fmt::Debug>(texts: &[&str]) {
        for text in texts {
            let error = text.parse::<T>().expect_err(text);
            assert_eq!(error.kind(), crate::ErrorKind::Conversion);
        }
    }

    #[test]
    fn dates() {
        same::<Date>(&[
            "2024-02-29",
            "0001-01-01",
            "9999-12-31",
            "5874897-12-31",
            "0044-03-15 BC",
            "infinity",
            "-infinity",
        ]);
        refused::<Date>(&[
            "2023-02-29",
            "0000-00-00",
            "2024-1-1",
            "2024-13-01",
            "",
            "2024-01-01x",
            "２０２４-01-01",
            "99999999999-01-01",
        ]);
        assert!("0044-03-15 BC".parse::<Date>().unwrap() < "0001-01-01".parse().unwrap());
    }

    #[test]
    fn times() {
        same::<Time>(&["00:00:00", "23:59:59.999999", "12:00:00.000", "-838:59:59", "838:59:59.999999999"]);
        assert_eq!("12:30".parse::<Time>().unwrap().to_string(), "12:30:00");
        refused::<Time>(&[
            "",
            "24",
            "1:00:00",
            "12:60:00",
            "12:00:60",
            "12:00:00.",
            "839:00:00",
            "12:00:00.1234567890",
            "12:30.5",
            "12:00:00:00",
        ]);
    }

    #[test]
    fn date_times_and_instants() {
        same::<DateTime>(&[
            "2009-01-01 00:00:00",
            "2024-02-29 12:30:00.120000",
            "0044-03-15 01:02:03 BC",
            "infinity",
        ]);
        refused::<DateTime>(&[
            "2009-01-01",
            "2009-01-01 24:00:00",
            "2009-01-01 -01:00:00",
            "2009-01-01 00:00:00+00",
        ]);
        same::<Timestamp>(&[
            "2024-02-29 12:30:00+00:00",
            "2024-02-29 12:30:00.5-05:30",
            "1890-01-01 00:00:00+00:53:28",
            "-infinity",
        ]);
        let z: Timestamp = "2024-02-29T12:30:00Z".parse().unwrap();
        assert_eq!(z.to_string(), "2024-02-29 12:30:00+00:00");
        assert_eq!(z.unix_nanos(), Some(1_709_209_800 * 1_000_000_000));
        refused::<Timestamp>(&[
            "2024-02-29 12:30:00",
            "2024-02-29 12:30:00+25:00",
            "2024-02-29 12:30:00+1",
            "x",
        ]);
    }

    #[test]
    fn intervals() {
        same::<Interval>(&["P1M2D", "PT0S", "P-1M3DT-4.5S", "PT0.000000001S"]);
        let text: Interval = "P1Y2M1W1DT1H1M1.5S".parse().unwrap();
        assert_eq!(text, Interval { months: 14, days: 8, nanos: 3_661_500_000_000 });
        refused::<Interval>(&["", "P", "1 day", "P1", "PT1D", "P99999999999Y"]);
    }
}
