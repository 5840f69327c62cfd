//! `rust_decimal` 1: 28 digits, so many a decimal has no room in it.

use super::{also, out_of_range};
use crate::error::Result;
use crate::value::{Decimal, FromValue, Value};

impl From<::rust_decimal::Decimal> for Value {
    fn from(decimal: ::rust_decimal::Decimal) -> Value {
        let text = decimal.to_string();
        // Its text is plain digits, which ours reads; text is what is left if that ever changed.
        text.parse().map_or(Value::Text(text), Value::Decimal)
    }
}

also!(::rust_decimal::Decimal);

impl FromValue for ::rust_decimal::Decimal {
    fn from_value(value: Value) -> Result<::rust_decimal::Decimal> {
        let own = Decimal::from_value(value)?;
        ::rust_decimal::Decimal::from_str_exact(own.as_str()).map_err(|_| out_of_range(&own, "rust_decimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_or_an_error() {
        for text in ["1.500", "-0.01", "79228162514264337593543950335"] {
            let own: Decimal = text.parse().unwrap();
            let theirs = ::rust_decimal::Decimal::from_value(Value::Decimal(own.clone())).unwrap();
            assert_eq!(Value::from(theirs), Value::Decimal(own));
        }
        for text in ["12345678901234567890123456789.5", "0.00000000000000000000000000000000000001", "NaN"] {
            let own: Decimal = text.parse().unwrap();
            assert!(::rust_decimal::Decimal::from_value(Value::Decimal(own)).is_err(), "{text}");
        }
    }
}
