//! Keys from `SECRET`: HS256 (RFC 7518, section 3.2), for access tokens with the secret itself, as Directus does, and for
//! everything of our own with keys derived from it (RFC 5869), so that one use tells nothing of another.

use super::{Backend, Error, Key, Keys};
use crate::Secret;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use sha2::Sha256;
use std::sync::Arc;

/// Bytes of a derived key: the output of the hash (RFC 7518, section 3.2 asks for no less).
const DERIVED_BYTES: usize = 32;

struct Hs256 {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Hs256 {
    fn key(secret: &[u8]) -> Key {
        Arc::new(Self { signing: EncodingKey::from_secret(secret), verifying: DecodingKey::from_secret(secret) })
    }
}

impl Backend for Hs256 {
    fn algorithm(&self) -> &'static str {
        "HS256"
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = crypto::sign(message, &self.signing, Algorithm::HS256)?;
        Ok(URL_SAFE_NO_PAD.decode(signature).map_err(jsonwebtoken::errors::Error::from)?)
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Ok(crypto::verify(&signature, message, &self.verifying, Algorithm::HS256)?)
    }
}

/// All keys that follow from a secret, and the one that seals compiled code.
pub(crate) fn keys(secret: &Secret<String>) -> (Keys, [u8; DERIVED_BYTES]) {
    let secret = secret.expose().as_bytes();
    let derived = |purpose| Hs256::key(&derive(secret, purpose));
    let keys = Keys {
        access_tokens: Hs256::key(secret),
        refresh_tokens: derived("gatewit refresh-tokens"),
        recovery_codes: derived("gatewit recovery-codes"),
        tickets: derived("gatewit tickets"),
    };
    (keys, derive(secret, "gatewit compiled-code"))
}

/// A key for one purpose.
fn derive(secret: &[u8], purpose: &str) -> [u8; DERIVED_BYTES] {
    let mut key = [0; DERIVED_BYTES];
    // HKDF fails only for outputs longer than 255 hashes.
    if Hkdf::<Sha256>::new(None, secret).expand(purpose.as_bytes(), &mut key).is_err() {
        unreachable!("a key of one hash is not too long");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_belongs_to_its_message_and_key() {
        let (ours, _) = keys(&Secret::from("a secret of the test".to_owned()));
        let (theirs, _) = keys(&Secret::from("another secret".to_owned()));
        let signature = ours.access_tokens.sign(b"message").unwrap();
        assert_eq!(signature.len(), 32);
        assert!(ours.access_tokens.verify(b"message", &signature).unwrap());
        assert!(!ours.access_tokens.verify(b"massage", &signature).unwrap());
        assert!(!ours.access_tokens.verify(b"message", &[]).unwrap());
        assert!(!ours.refresh_tokens.verify(b"message", &signature).unwrap());
        assert!(!theirs.access_tokens.verify(b"message", &signature).unwrap());
    }

    #[test]
    fn the_vector_of_rfc_7515_is_met() {
        // Appendix A.1.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let key = Hs256::key(&URL_SAFE_NO_PAD.decode(key).unwrap());
        assert_eq!(URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()).unwrap()), signature);
    }
}
