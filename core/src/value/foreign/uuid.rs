//! `uuid` 1.

use super::also;
use crate::error::Result;
use crate::value::{FromValue, Uuid, Value};

impl From<::uuid::Uuid> for Value {
    fn from(uuid: ::uuid::Uuid) -> Value {
        Value::Uuid(Uuid::from_bytes(uuid.into_bytes()))
    }
}

also!(::uuid::Uuid);

impl FromValue for ::uuid::Uuid {
    fn from_value(value: Value) -> Result<::uuid::Uuid> {
        Uuid::from_value(value).map(|own| ::uuid::Uuid::from_bytes(*own.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let uuid = ::uuid::Uuid::from_u128(0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8);
        let value = Value::from(uuid);
        assert_eq!(value.to_string(), uuid.to_string());
        assert_eq!(::uuid::Uuid::from_value(value).unwrap(), uuid);
    }
}
