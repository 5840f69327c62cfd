//! `time` 0.3: years -9999 to 9999.

use ::time::{Month, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::{NANOS, also, out_of_range};
use crate::error::Result;
use crate::value::{Date, DateTime, FromValue, Time, Timestamp, Value};

fn date(date: ::time::Date) -> Result<Date> {
    Date::new(date.year(), date.month().into(), date.day())
}

fn time(time: ::time::Time) -> Result<Time> {
    let (hour, minute, second, below) = time.as_hms_nano();
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Time::from_nanos(seconds * NANOS + i64::from(below))
}

/// Every value of these types fits ours; text is what is left if that ever changed.
fn or_text<T: ToString>(value: Result<Value>, text: T) -> Value {
    value.unwrap_or_else(|_| Value::Text(text.to_string()))
}

fn date_time(at: PrimitiveDateTime) -> Result<DateTime> {
    DateTime::new(date(at.date())?, time(at.time())?)
}

impl From<::time::Date> for Value {
    fn from(d: ::time::Date) -> Value {
        or_text(date(d).map(Value::Date), d)
    }
}

impl From<::time::Time> for Value {
    fn from(t: ::time::Time) -> Value {
        or_text(time(t).map(Value::Time), t)
    }
}

impl From<PrimitiveDateTime> for Value {
    fn from(at: PrimitiveDateTime) -> Value {
        or_text(date_time(at).map(Value::DateTime), at)
    }
}

impl From<OffsetDateTime> for Value {
    fn from(at: OffsetDateTime) -> Value {
        let local = date_time(PrimitiveDateTime::new(at.date(), at.time()));
        let own = local.and_then(|local| Timestamp::new(local, at.offset().whole_seconds()));
        or_text(own.map(Value::Timestamp), at)
    }
}

also!(::time::Date, ::time::Time, PrimitiveDateTime, OffsetDateTime);

fn to_date(own: Date) -> Result<::time::Date> {
    let fail = || out_of_range(own, "time::Date");
    let month = Month::try_from(own.month()).map_err(|_| fail())?;
    ::time::Date::from_calendar_date(own.year(), month, own.day()).map_err(|_| fail())
}

fn to_time(own: Time) -> Result<::time::Time> {
    let fail = || out_of_range(own, "time::Time");
    let seconds = own.nanos().div_euclid(NANOS);
    let part = |n: i64| u8::try_from(n).map_err(|_| fail());
    let below = u32::try_from(own.nanos().rem_euclid(NANOS)).map_err(|_| fail())?;
    let (hour, minute, second) =
        (part(seconds.div_euclid(3600))?, part(seconds / 60 % 60)?, part(seconds % 60)?);
    ::time::Time::from_hms_nano(hour, minute, second, below).map_err(|_| fail())
}

fn to_date_time(own: DateTime) -> Result<PrimitiveDateTime> {
    Ok(PrimitiveDateTime::new(to_date(own.date())?, to_time(own.time())?))
}

impl FromValue for ::time::Date {
    fn from_value(value: Value) -> Result<::time::Date> {
        to_date(Date::from_value(value)?)
    }
}

impl FromValue for ::time::Time {
    fn from_value(value: Value) -> Result<::time::Time> {
        to_time(Time::from_value(value)?)
    }
}

impl FromValue for PrimitiveDateTime {
    fn from_value(value: Value) -> Result<PrimitiveDateTime> {
        to_date_time(DateTime::from_value(value)?)
    }
}

impl FromValue for OffsetDateTime {
    fn from_value(value: Value) -> Result<OffsetDateTime> {
        let own = Timestamp::from_value(value)?;
        let zone =
            UtcOffset::from_whole_seconds(own.offset()).map_err(|_| out_of_range(own, "time::UtcOffset"))?;
        Ok(to_date_time(own.local())?.assume_offset(zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_or_an_error() {
        let day = ::time::Date::from_calendar_date(2024, Month::February, 29).unwrap();
        let at = PrimitiveDateTime::new(day, ::time::Time::from_hms_micro(12, 30, 0, 5).unwrap());
        assert_eq!(PrimitiveDateTime::from_value(at.into()).unwrap(), at);
        assert_eq!(::time::Date::from_value(day.into()).unwrap(), day);
        assert_eq!(::time::Time::from_value(at.time().into()).unwrap(), at.time());
        let zoned = at.assume_offset(UtcOffset::from_whole_seconds(19_800).unwrap());
        assert_eq!(OffsetDateTime::from_value(zoned.into()).unwrap(), zoned);
        assert!(::time::Date::from_value(Value::Date(Date::INFINITY)).is_err());
        assert!(::time::Date::from_value(Value::Date(Date::new(10_000, 1, 1).unwrap())).is_err());
        assert!(::time::Time::from_value(Value::Time("-01:00:00".parse().unwrap())).is_err());
    }
}
