//! `jiff` 1: years -9999 to 9999.

use ::jiff::civil;

use super::{NANOS, also, out_of_range};
use crate::error::Result;
use crate::value::{Date, DateTime, FromValue, Time, Timestamp, Value};

fn date(date: civil::Date) -> Result<Date> {
    Date::new(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn time(time: civil::Time) -> Result<Time> {
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Time::from_nanos(seconds * NANOS + i64::from(time.subsec_nanosecond()))
}

/// Every value of these types fits ours; text is what is left if that ever changed.
fn or_text<T: ToString>(value: Result<Value>, text: T) -> Value {
    value.unwrap_or_else(|_| Value::Text(text.to_string()))
}

impl From<civil::Date> for Value {
    fn from(d: civil::Date) -> Value {
        or_text(date(d).map(Value::Date), d)
    }
}

impl From<civil::Time> for Value {
    fn from(t: civil::Time) -> Value {
        or_text(time(t).map(Value::Time), t)
    }
}

fn date_time(at: civil::DateTime) -> Result<DateTime> {
    DateTime::new(date(at.date())?, time(at.time())?)
}

impl From<civil::DateTime> for Value {
    fn from(at: civil::DateTime) -> Value {
        or_text(date_time(at).map(Value::DateTime), at)
    }
}

impl From<::jiff::Timestamp> for Value {
    /// The instant in UTC.
    fn from(at: ::jiff::Timestamp) -> Value {
        let local = ::jiff::tz::Offset::UTC.to_datetime(at);
        let own = date_time(local).and_then(|local| Timestamp::new(local, 0));
        or_text(own.map(Value::Timestamp), at)
    }
}

also!(civil::Date, civil::Time, civil::DateTime, ::jiff::Timestamp);

fn to_date(own: Date) -> Result<civil::Date> {
    let fail = || out_of_range(own, "jiff::civil::Date");
    let small = |n: u8| i8::try_from(n).map_err(|_| fail());
    let year = i16::try_from(own.year()).map_err(|_| fail())?;
    civil::Date::new(year, small(own.month())?, small(own.day())?).map_err(|_| fail())
}

fn to_time(own: Time) -> Result<civil::Time> {
    let fail = || out_of_range(own, "jiff::civil::Time");
    let seconds = own.nanos().div_euclid(NANOS);
    let part = |n: i64| i8::try_from(n).map_err(|_| fail());
    let below = i32::try_from(own.nanos().rem_euclid(NANOS)).map_err(|_| fail())?;
    let (hour, minute, second) =
        (part(seconds.div_euclid(3600))?, part(seconds / 60 % 60)?, part(seconds % 60)?);
    civil::Time::new(hour, minute, second, below).map_err(|_| fail())
}

impl FromValue for civil::Date {
    fn from_value(value: Value) -> Result<civil::Date> {
        to_date(Date::from_value(value)?)
    }
}

impl FromValue for civil::Time {
    fn from_value(value: Value) -> Result<civil::Time> {
        to_time(Time::from_value(value)?)
    }
}

impl FromValue for civil::DateTime {
    fn from_value(value: Value) -> Result<civil::DateTime> {
        let own = DateTime::from_value(value)?;
        Ok(to_date(own.date())?.to_datetime(to_time(own.time())?))
    }
}

impl FromValue for ::jiff::Timestamp {
    fn from_value(value: Value) -> Result<::jiff::Timestamp> {
        let own = Timestamp::from_value(value)?;
        let fail = || out_of_range(own, "jiff::Timestamp");
        let nanos = own.unix_nanos().ok_or_else(fail)?;
        ::jiff::Timestamp::from_nanosecond(nanos).map_err(|_| fail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_or_an_error() {
        let at = civil::date(2024, 2, 29).at(12, 30, 0, 5_000);
        assert_eq!(civil::DateTime::from_value(at.into()).unwrap(), at);
        assert_eq!(civil::Date::from_value(at.date().into()).unwrap(), at.date());
        assert_eq!(civil::Time::from_value(at.time().into()).unwrap(), at.time());
        let instant: ::jiff::Timestamp = "2024-02-29T07:00:00.000005Z".parse().unwrap();
        assert_eq!(::jiff::Timestamp::from_value(instant.into()).unwrap(), instant);
        let offset = Value::Timestamp("2024-02-29 12:30:00.000005+05:30".parse().unwrap());
        assert_eq!(::jiff::Timestamp::from_value(offset).unwrap(), instant);
        for own in [Date::INFINITY, Date::new(10_000, 1, 1).unwrap()] {
            assert!(civil::Date::from_value(Value::Date(own)).is_err());
        }
        for text in ["-01:00:00", "24:00:00"] {
            assert!(civil::Time::from_value(Value::Time(text.parse().unwrap())).is_err());
        }
    }
}
