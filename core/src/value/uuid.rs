//! UUIDs as values: sixteen bytes that parse and print.
//!
//! Not here: making them; use the `uuid` crate and convert.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A UUID: sixteen bytes, printed as RFC 9562 writes them (lower case, hyphens).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// A UUID of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Uuid {
        Uuid(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Uuid {
    type Err = Error;

    /// Reads 32 hexadecimal digits, with or without hyphens and braces, in any case.
    ///
    /// # Errors
    /// `Conversion` for anything else.
    fn from_str(text: &str) -> Result<Uuid> {
        let wrong = || Error::conversion(format!("`{}` is not a UUID", super::decimal::clip(text)));
        let body = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
        let digits: Vec<u8> = match body.len() {
            36 => {
                let hyphens = [8, 13, 18, 23];
                if hyphens.iter().any(|&i| body.as_bytes().get(i) != Some(&b'-')) {
                    return Err(wrong());
                }
                body.bytes().filter(|b| *b != b'-').collect()
            }
            32 => body.bytes().collect(),
            _ => return Err(wrong()),
        };
        let nibble = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mut bytes = [0u8; 16];
        if digits.len() != 32 {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            match pair {
                [high, low] => {
                    *byte = nibble(*high).ok_or_else(wrong)? << 4 | nibble(*low).ok_or_else(wrong)?;
                }
                _ => return Err(wrong()),
            }
        }
        Ok(Uuid(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        let text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        let uuid: Uuid = text.parse().unwrap();
        assert_eq!(uuid.to_string(), text);
        for other in ["6BA7B8109DAD11D180B400C04FD430C8", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"] {
            assert_eq!(other.parse::<Uuid>().unwrap(), uuid);
        }
        for wrong in
            ["", "6ba7", "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b8109-dad-11d1-80b4-00c04fd430c8"]
        {
            assert!(wrong.parse::<Uuid>().is_err(), "{wrong}");
        }
    }
}
