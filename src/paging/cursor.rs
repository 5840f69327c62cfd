//! Cursors: the values of a place as a text, signed with HMAC-SHA-256 (RFC 2104, FIPS 180-4).
//!
//! Under the signature stand the values and, beside them, the table and the order they are of, so
//! that a cursor is good for nothing else.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use hmac_sha256::HMAC;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};

/// Bytes of a signature.
const SIGNATURE: usize = 32;

/// What signs and checks the cursors of one order.
pub(super) struct Seal {
    key: [u8; SIGNATURE],
}

impl Seal {
    pub(super) fn new(secret: Option<&[u8]>, order: &str) -> Seal {
        Seal { key: HMAC::mac(order, secret.unwrap_or(process_secret())) }
    }

    /// The cursor of a place.
    ///
    /// # Errors
    /// `Invalid` for values that are not ordered by, such as documents and arrays.
    pub(super) fn close(&self, place: &[Value]) -> Result<String> {
        let mut bytes = Vec::new();
        place.iter().try_for_each(|value| write(value, &mut bytes))?;
        let signature = HMAC::mac(&bytes, self.key);
        bytes.extend(signature);
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// `Invalid` for a text that is no cursor of this order.
    pub(super) fn open(&self, cursor: &str) -> Result<Vec<Value>> {
        self.read(cursor).ok_or_else(|| {
            let message = "the cursor is damaged, or of another table, order or secret";
            Error::new(ErrorKind::Invalid, message)
        })
    }

    fn read(&self, cursor: &str) -> Option<Vec<Value>> {
        let bytes = from_hex(cursor)?;
        let (mut rest, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        if !HMAC::verify(rest, self.key, signature.try_into().ok()?) {
            return None;
        }
        let mut place = Vec::new();
        while !rest.is_empty() {
            place.push(read(&mut rest)?);
        }
        Some(place)
    }
}

/// A secret of this process, for programs that give none.
fn process_secret() -> &'static [u8] {
    static SECRET: OnceLock<[u8; SIGNATURE]> = OnceLock::new();
    SECRET.get_or_init(|| {
        // Each hasher has keys of its own, which the operating system made.
        let random: Vec<u8> = (0..8u8).flat_map(|n| RandomState::new().hash_one(n).to_le_bytes()).collect();
        HMAC::mac(random, b"cursors")
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Kind, length and bytes of a value; rich ones as their text, which reads back as the same.
fn write(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let (kind, bytes): (u8, Vec<u8>) = match value {
        Value::Null => (b'n', Vec::new()),
        Value::Bool(b) => (b'b', vec![u8::from(*b)]),
        Value::Int(n) => (b'i', n.to_le_bytes().to_vec()),
        Value::UInt(n) => (b'u', n.to_le_bytes().to_vec()),
        Value::Float(x) => (b'f', x.to_le_bytes().to_vec()),
        Value::Text(text) => (b't', text.as_bytes().to_vec()),
        Value::Bytes(bytes) => (b'x', bytes.clone()),
        Value::Decimal(d) => (b'm', d.to_string().into()),
        Value::Date(d) => (b'd', d.to_string().into()),
        Value::Time(t) => (b'c', t.to_string().into()),
        Value::DateTime(t) => (b'l', t.to_string().into()),
        Value::Timestamp(t) => (b'z', t.to_string().into()),
        Value::Uuid(id) => (b'g', id.to_string().into()),
        other => {
            let message = format!("pages by place are not ordered by a {}", other.as_ref().type_name());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    };
    out.push(kind);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
    Ok(())
}

fn read(rest: &mut &[u8]) -> Option<Value> {
    let (kind, after) = rest.split_first()?;
    let (length, after) = after.split_first_chunk::<8>()?;
    let (bytes, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *rest = after;
    let text = || std::str::from_utf8(bytes).ok();
    Some(match kind {
        b'n' => Value::Null,
        b'b' => Value::Bool(bytes == [1]),
        b'i' => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        b'u' => Value::UInt(u64::from_le_bytes(bytes.try_into().ok()?)),
        b'f' => Value::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
        b't' => Value::Text(text()?.to_string()),
        b'x' => Value::Bytes(bytes.to_vec()),
        b'm' => Value::Decimal(text()?.parse().ok()?),
        b'd' => Value::Date(text()?.parse().ok()?),
        b'c' => Value::Time(text()?.parse().ok()?),
        b'l' => Value::DateTime(text()?.parse().ok()?),
        b'z' => Value::Timestamp(text()?.parse().ok()?),
        b'g' => Value::Uuid(text()?.parse().ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_nothing_else_does() {
        let place: Vec<Value> = vec![
            Value::Null,
            true.into(),
            i64::MIN.into(),
            Value::UInt(u64::MAX),
            f64::NEG_INFINITY.into(),
            (-0.0).into(),
            "grün\0".into(),
            vec![0u8, 255].into(),
            Value::Decimal("-1.50".parse().unwrap()),
            Value::Date("0044-03-15 BC".parse().unwrap()),
            Value::Time("-838:59:59.000001".parse().unwrap()),
            Value::DateTime("2024-02-29 23:59:59.123456".parse().unwrap()),
            Value::Timestamp("2024-02-29 23:59:59.123456+05:30".parse().unwrap()),
            Value::Uuid("67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap()),
        ];
        let seal = Seal::new(Some(b"secret"), "order");
        let cursor = seal.close(&place).unwrap();
        assert_eq!(seal.open(&cursor).unwrap(), place);
        for other in [
            Seal::new(Some(b"secret"), "another"),
            Seal::new(Some(b"other"), "order"),
            Seal::new(None, "order"),
        ] {
            assert!(other.open(&cursor).is_err());
        }
        for at in 0..cursor.len() {
            assert!(seal.open(cursor.split_at(at).0).is_err(), "cut at {at}");
            let mut forged = cursor.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert!(seal.open(std::str::from_utf8(&forged).unwrap()).is_err(), "changed at {at}");
        }
        assert!(seal.open("grün").is_err() && seal.open("+1").is_err() && seal.open("").is_err());
        assert!(seal.close(&[Value::Json("{}".parse().unwrap())]).is_err());
    }
}
