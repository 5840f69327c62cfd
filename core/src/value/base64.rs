//! Bytes as text, for formats that have none (RFC 4648, 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes as base64, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of padded base64; none for other text, and for text that `encode` would write otherwise.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
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
