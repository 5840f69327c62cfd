//! `chrono` 0.4: years to about 262 000; a leap second is a second of 60.

use ::chrono::{
    DateTime as Zoned, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc,
};

use super::{NANOS, also, out_of_range};
use crate::error::Result;
use crate::value::{Date, DateTime, FromValue, Other, Time, Timestamp, Value};

fn date(date: NaiveDate) -> Option<Date> {
    Date::new(date.year(), u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?).ok()
}

/// None for a leap second, which no time of day of ours is.
fn time(time: NaiveTime) -> Option<Time> {
    let below = i64::from(time.nanosecond());
    let whole = i64::from(time.num_seconds_from_midnight());
    (below < NANOS).then(|| Time::from_nanos(whole * NANOS + below).ok())?
}

fn date_time(at: NaiveDateTime) -> Option<DateTime> {
    DateTime::new(date(at.date())?, time(at.time())?).ok()
}

/// What has no variant goes as its text, under its type's name.
fn or_text(value: Option<Value>, name: &str, text: String) -> Value {
    value.unwrap_or_else(|| Other::text(name, text).into())
}

impl From<NaiveDate> for Value {
    fn from(d: NaiveDate) -> Value {
        or_text(date(d).map(Value::Date), "date", d.to_string())
    }
}

impl From<NaiveTime> for Value {
    fn from(t: NaiveTime) -> Value {
        or_text(time(t).map(Value::Time), "time", t.to_string())
    }
}

impl From<NaiveDateTime> for Value {
    fn from(at: NaiveDateTime) -> Value {
        or_text(date_time(at).map(Value::DateTime), "datetime", at.to_string())
    }
}

impl From<Zoned<FixedOffset>> for Value {
    fn from(at: Zoned<FixedOffset>) -> Value {
        let offset = at.offset().local_minus_utc();
        let own = date_time(at.naive_local()).and_then(|local| Timestamp::new(local, offset).ok());
        or_text(own.map(Value::Timestamp), "timestamp", at.to_rfc3339())
    }
}

impl From<Zoned<Utc>> for Value {
    fn from(at: Zoned<Utc>) -> Value {
        Value::from(at.fixed_offset())
    }
}

also!(NaiveDate, NaiveTime, NaiveDateTime, Zoned<FixedOffset>, Zoned<Utc>);

fn to_date(own: Date) -> Result<NaiveDate> {
    let found =
        own.is_finite().then(|| NaiveDate::from_ymd_opt(own.year(), own.month().into(), own.day().into()));
    found.flatten().ok_or_else(|| out_of_range(own, "chrono::NaiveDate"))
}

fn to_time(own: Time) -> Result<NaiveTime> {
    let (whole, below) = (own.nanos().div_euclid(NANOS), own.nanos().rem_euclid(NANOS));
    let seconds = u32::try_from(whole).ok().zip(u32::try_from(below).ok());
    let found = seconds.and_then(|(s, n)| NaiveTime::from_num_seconds_from_midnight_opt(s, n));
    found.ok_or_else(|| out_of_range(own, "chrono::NaiveTime"))
}

fn to_date_time(own: DateTime) -> Result<NaiveDateTime> {
    Ok(NaiveDateTime::new(to_date(own.date())?, to_time(own.time())?))
}

impl FromValue for NaiveDate {
    fn from_value(value: Value) -> Result<NaiveDate> {
        to_date(Date::from_value(value)?)
    }
}

impl FromValue for NaiveTime {
    fn from_value(value: Value) -> Result<NaiveTime> {
        to_time(Time::from_value(value)?)
    }
}

impl FromValue for NaiveDateTime {
    fn from_value(value: Value) -> Result<NaiveDateTime> {
        to_date_time(DateTime::from_value(value)?)
    }
}

impl FromValue for Zoned<FixedOffset> {
    fn from_value(value: Value) -> Result<Zoned<FixedOffset>> {
        let own = Timestamp::from_value(value)?;
        let local = to_date_time(own.local())?;
        let zone =
            FixedOffset::east_opt(own.offset()).ok_or_else(|| out_of_range(own, "chrono::FixedOffset"))?;
        local.and_local_timezone(zone).single().ok_or_else(|| out_of_range(own, "chrono::DateTime"))
    }
}

impl FromValue for Zoned<Utc> {
    fn from_value(value: Value) -> Result<Zoned<Utc>> {
        Zoned::<FixedOffset>::from_value(value).map(|at| at.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_or_an_error() {
        let at = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap().and_hms_micro_opt(12, 30, 0, 5).unwrap();
        assert_eq!(NaiveDateTime::from_value(at.into()).unwrap(), at);
        assert_eq!(NaiveDate::from_value(at.date().into()).unwrap(), at.date());
        assert_eq!(NaiveTime::from_value(at.time().into()).unwrap(), at.time());
        let zoned = at.and_local_timezone(FixedOffset::east_opt(19_800).unwrap()).unwrap();
        assert_eq!(Zoned::<FixedOffset>::from_value(zoned.into()).unwrap(), zoned);
        assert_eq!(Value::from(zoned).to_string(), "2024-02-29 12:30:00.000005+05:30");
        assert_eq!(Zoned::<Utc>::from_value(zoned.into()).unwrap(), zoned.to_utc());
        let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap();
        assert!(matches!(Value::from(leap), Value::Other(_)));
        assert!(NaiveDate::from_value(Value::Date(Date::INFINITY)).is_err());
        assert!(NaiveDate::from_value(Value::Date(Date::new(5_874_897, 1, 1).unwrap())).is_err());
        assert!(NaiveTime::from_value(Value::Time("-01:00:00".parse().unwrap())).is_err());
    }
}
