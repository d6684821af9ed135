//! Percent-encoding as JavaScript's `encodeURIComponent` and `decodeURIComponent` do it.
//!
//! Invariant: `decode(encode(text)) == text`. Decoding is all or nothing, because callers then keep the raw text.

use std::fmt::Write as _;

/// Decodes `%XX` sequences; `None` if one is malformed or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { hex(bytes.next()?)? << 4 | hex(bytes.next()?)? } else { byte });
    }
    String::from_utf8(decoded).ok()
}

/// Decodes `text`, or keeps it as it is when it cannot be decoded.
pub(crate) fn decode_or_keep(text: &str) -> String {
    decode(text).unwrap_or_else(|| text.to_owned())
}

/// Encodes everything but `A–Z a–z 0–9 - _ . ! ~ * ' ( )`.
pub(crate) fn encode(text: &str) -> String {
    encode_unless(text, |byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte))
}

/// Encodes only what may not stand in a `Location`: blanks, quotes, controls and everything that is not ASCII.
pub(crate) fn encode_location(text: &str) -> String {
    encode_unless(text, |byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

fn encode_unless(text: &str, keep: fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn encoded_text_is_decoded_again(text in ".*") {
            proptest::prop_assert_eq!(decode(&encode(&text)), Some(text));
        }

        #[test]
        fn an_encoded_location_is_plain_ascii(text in ".*") {
            proptest::prop_assert!(encode_location(&text).bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn sequences_are_decoded() {
        assert_eq!(decode("%20x%41").as_deref(), Some(" xA"));
        assert_eq!(decode("%c3%A9").as_deref(), Some("é"));
    }

    #[test]
    fn malformed_sequences_are_refused_whole() {
        for malformed in ["%zz", "a%4", "a%", "%E0%A4%A", "%ff"] {
            assert_eq!(decode(malformed), None, "{malformed}");
            assert_eq!(decode_or_keep(malformed), malformed);
        }
    }
}
