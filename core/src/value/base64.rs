//! Bytes as text, for formats that have none (RFC 4648, 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as base64, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let index = (word >> (18 - 6 * i) & 63) as usize;
            let symbol = ALPHABET.get(index).map_or('=', |b| *b as char);
            text.push(if i <= chunk.len() { symbol } else { '=' });
        }
    }
    text
}

/// The bytes of padded base64; none for other text, and for text that `encode` would write otherwise.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.as_bytes().chunks(4) {
        let body: Vec<u8> = chunk.iter().copied().take_while(|b| *b != b'=').collect();
        let sextet = |i: usize| match body.get(i) {
            Some(symbol) => ALPHABET.iter().position(|b| b == symbol).map(|at| at as u32),
            None => Some(0),
        };
        let word = sextet(0)? << 18 | sextet(1)? << 12 | sextet(2)? << 6 | sextet(3)?;
        let count = body.len().checked_sub(1)?;
        bytes.extend(word.to_be_bytes().get(1..=count)?);
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (&[0, 255], "AP8=")]
        {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "????", "=Zg=", "Zm9v\n"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
