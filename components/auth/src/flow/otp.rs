//! One-time passwords by time (RFC 6238 over RFC 4226): SHA-1, six digits, thirty seconds, and no step of tolerance, as
//! Directus does it.

use data_encoding::{BASE32_NOPAD, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

const STEP_SECONDS: u64 = 30;
const DIGITS: usize = 6;
const ENCODING: Encoding = BASE32_NOPAD;

/// Whether `code` is the one of this moment. A secret that is not base32 accepts no code.
#[must_use]
pub fn verify(secret: &str, code: &str, now_seconds: u64) -> bool {
    let letters = secret.trim_end_matches('=').to_ascii_uppercase();
    let Ok(key) = ENCODING.decode(letters.as_bytes()) else { return false };
    let Some(expected) = code_at(&key, now_seconds / STEP_SECONDS) else { return false };
    code.len() == DIGITS && expected.iter().zip(code.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
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
    fn malformed_codes_and_secrets_are_refused() {
        for code in ["", "28708", "2870822", "abcdef", "२८७०८२"] {
            assert!(!verify(SECRET, code, 59), "{code}");
        }
        assert!(!verify("not base32!", "287082", 59));
        assert!(verify(&SECRET.to_ascii_lowercase(), "287082", 59));
    }
}
