//! `bigdecimal` 0.4: any digits; no NaN and no infinities.

use std::str::FromStr;

use ::bigdecimal::BigDecimal;

use super::{also, out_of_range};
use crate::error::Result;
use crate::value::{Decimal, FromValue, Value};

impl From<BigDecimal> for Value {
    /// A number whose plain digits would be more than 200 000 zeros becomes text.
    fn from(decimal: BigDecimal) -> Value {
        let scientific = decimal.to_scientific_notation();
        match scientific.parse::<Decimal>() {
            Ok(_) => {
                let plain = decimal.to_plain_string();
                plain.parse().map_or(Value::Text(plain), Value::Decimal)
            }
            Err(_) => Value::Text(scientific),
        }
    }
}

also!(BigDecimal);

impl FromValue for BigDecimal {
    fn from_value(value: Value) -> Result<BigDecimal> {
        let own = Decimal::from_value(value)?;
        if !own.is_finite() {
            return Err(out_of_range(&own, "BigDecimal"));
        }
        BigDecimal::from_str(own.as_str()).map_err(|_| out_of_range(&own, "BigDecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_or_an_error() {
        for text in ["1.500", "-0.01", "12345678901234567890123456789.5", "0.000"] {
            let own: Decimal = text.parse().unwrap();
            let theirs = BigDecimal::from_value(Value::Decimal(own.clone())).unwrap();
            assert_eq!(Value::from(theirs), Value::Decimal(own));
        }
        assert!(BigDecimal::from_value(Value::Decimal("NaN".parse().unwrap())).is_err());
        let vast = BigDecimal::from_str("1e2000000000").unwrap();
        assert!(matches!(Value::from(vast), Value::Text(_)));
    }
}
