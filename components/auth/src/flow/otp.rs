//! One-time passwords by time (RFC 6238 over RFC 4226): SHA-1, six digits, thirty seconds, and no step of tolerance, as
//! Directus does it; and recovery codes for the day when the device is lost.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;
use data_encoding::{BASE32_NOPAD, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// For how long a code is good.
pub const STEP_SECONDS: u64 = 30;

/// Random bytes of a new secret: 16 letters, as Directus makes them. RFC 4226, section 4 wants 16 bytes; the wire has ten.
pub const SECRET_BYTES: usize = 10;

/// Recovery codes of an account.
pub const RECOVERY_CODES: u32 = 10;

/// Letters of a recovery code: 60 bits, beyond guessing through a server.
const RECOVERY_LETTERS: usize = 12;

const DIGITS: usize = 6;
const ENCODING: Encoding = BASE32_NOPAD;

/// Whether `code` is the one of this moment. A secret that is not base32 accepts no code.
#[must_use]
pub fn verify(secret: &str, code: &str, now_seconds: u64) -> bool {
    let Some(key) = key(secret) else { return false };
    let Some(expected) = code_at(&key, now_seconds / STEP_SECONDS) else { return false };
    code.len() == DIGITS && expected.iter().zip(code.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// A new secret, as base32.
#[must_use]
pub fn secret(entropy: &[u8]) -> String {
    ENCODING.encode(entropy)
}

/// Whether a text can be a secret: base32 of at least 80 bits.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    key(text).is_some_and(|key| key.len() >= SECRET_BYTES)
}

/// The bytes of a secret; `None` for what is not base32.
fn key(secret: &str) -> Option<Vec<u8>> {
    let letters = secret.trim_end_matches('=').to_ascii_uppercase();
    ENCODING.decode(letters.as_bytes()).ok()
}

/// What authenticator applications read from a picture.
#[must_use]
pub fn url(project: &str, account: &str, secret: &str) -> String {
    let (project, account) = (encoded(project), encoded(account));
    let period = STEP_SECONDS;
    format!(
        "otpauth://totp/{project}:{account}?secret={secret}&period={period}&digits={DIGITS}&algorithm=SHA1&issuer={project}"
    )
}

/// Percent-encoding of everything but unreserved characters (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => {
                // Writing into a text cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// What a recovery code is derived from: nothing of it is stored, and a new secret or generation voids all of them.
#[must_use]
pub fn recovery_message(user: &str, secret: &str, generation: u32, index: u32) -> Vec<u8> {
    format!("{user}\0{secret}\0{generation}\0{index}").into_bytes()
}

/// The recovery code that a message authentication code stands for: `ABCDEF-GHIJKL`.
#[must_use]
pub fn recovery_code(mac: &[u8]) -> String {
    let letters: String = ENCODING.encode(mac).chars().take(RECOVERY_LETTERS).collect();
    let (front, back) = letters.split_at(RECOVERY_LETTERS.min(letters.len()) / 2);
    format!("{front}-{back}")
}

/// A recovery code as a person may write it, in the form of [`recovery_code`]. `None` for what cannot be one.
#[must_use]
pub fn recovery_form(text: &str) -> Option<String> {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    if letters.len() != RECOVERY_LETTERS || text.len() > 2 * RECOVERY_LETTERS {
        return None;
    }
    let (front, back) = letters.split_at(RECOVERY_LETTERS / 2);
    Some([front, back].join("-"))
}

/// Whether two texts are equal, in a time that does not tell where they differ.
#[must_use]
pub fn equal(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// The code of a step (RFC 4226, section 5.3), as ASCII digits.
fn code_at(key: &[u8], step: u64) -> Option<[u8; DIGITS]> {
    let digest = Hmac::<Sha1>::new_from_slice(key).ok()?.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(digest.last()? & 0xf);
    let word: [u8; 4] = digest.get(offset..offset + 4)?.try_into().ok()?;
    let mut number = u32::from_be_bytes(word) & 0x7fff_ffff;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).ok()?;
        number /= 10;
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6238, appendix B: the key is the ASCII text 12345678901234567890; the last six of the eight digits.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_vectors_of_the_rfc_are_met() {
        for (time, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert!(verify(SECRET, code, time), "{time}");
        }
    }

    #[test]
    fn the_step_before_and_after_are_refused() {
        assert!(!verify(SECRET, "287082", 29));
        assert!(!verify(SECRET, "287082", 60));
    }

    #[test]
    fn secrets_and_urls_have_the_form_of_the_wire() {
        let secret = secret(&[7; SECRET_BYTES]);
        assert_eq!(secret.len(), 16);
        assert!(is_secret(&secret) && is_secret(SECRET));
        assert!(!is_secret("ABC") && !is_secret("") && !is_secret("not base32!"));
        assert_eq!(
            url("Directus", "tfa@example.com", "CEMXMA3CDVBDUOIP"),
            "otpauth://totp/Directus:tfa%40example.com?secret=CEMXMA3CDVBDUOIP&period=30&digits=6&algorithm=SHA1\
             &issuer=Directus"
        );
    }

    #[test]
    fn recovery_codes_are_read_as_people_write_them() {
        let code = recovery_code(&[200; 32]);
        assert_eq!(code.len(), 13);
        assert_eq!(recovery_form(&code.to_ascii_lowercase().replace('-', " ")), Some(code.clone()));
        assert_eq!(recovery_form(&code.replace('-', "")), Some(code));
        assert_eq!(recovery_form("287082"), None);
        assert_ne!(recovery_message("u", "s", 1, 1), recovery_message("u", "s", 11, 1));
    }

    #[test]
    fn malformed_codes_and_secrets_are_refused() {
        for code in ["", "28708", "2870822", "abcdef", "२८७०८२"] {
            assert!(!verify(SECRET, code, 59), "{code}");
        }
        assert!(!verify("not base32!", "287082", 59));
        assert!(verify(&SECRET.to_ascii_lowercase(), "287082", 59));
    }
}
