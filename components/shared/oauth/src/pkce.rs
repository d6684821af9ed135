//! The proof that whoever redeems a code is who asked for it (RFC 7636).

use alloc::string::String;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Random bytes of a verifier, a nonce, and an assertion's name: as many as RFC 7636 (section 4.1) recommends.
pub const RANDOM_BYTES: usize = 32;

/// How the challenge is made of the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It is its hash.
    S256,
    /// It is the same; for providers that know nothing better.
    Plain,
}

impl Method {
    /// `code_challenge_method`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::S256 => "S256",
            Self::Plain => "plain",
        }
    }

    /// `code_challenge`.
    #[must_use]
    pub fn challenge(self, verifier: &str) -> String {
        match self {
            Self::S256 => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
            Self::Plain => verifier.into(),
        }
    }
}

/// Random bytes as a text: 43 letters that need no encoding anywhere.
#[must_use]
pub fn secret(random: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_vectors_of_rfc_7636_hold() {
        let bytes = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
            240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = secret(&bytes);
        assert_eq!(verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(Method::S256.challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(Method::Plain.challenge(&verifier), verifier);
    }

    #[test]
    fn the_recorded_exchange_holds() {
        let verifier = "xMo4x5UZDtU80cqeDE_i5Ut9wA7Rzpmvj5oFt_VoKfU";
        assert_eq!(Method::S256.challenge(verifier), "2HCixbdtCWmRvmrjEDPeUdI0Za4d7SDeEvwCyyHF25c");
    }
}
