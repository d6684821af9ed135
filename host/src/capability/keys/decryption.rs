//! Private keys that decrypt what a provider encrypted for us.
//!
//! *aws-lc-rs*, because *ring* does not decrypt with RSA, and in constant time: whoever measures how long a refusal takes
//! learns nothing (RFC 8017, section 7.1.2). Deliberately absent: PKCS #1 v1.5, which cannot be done without an oracle.

use super::Denied;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use pkcs8::{PrivateKeyInfo, SecretDocument};
use std::sync::Arc;

/// What a handle stands for.
#[derive(Clone)]
pub struct DecryptionKey(Arc<OaepPrivateDecryptingKey>);

impl DecryptionKey {
    /// From an RSA key in PKCS #8 (RFC 5208). `None` if it is something else.
    #[must_use]
    pub fn from_pkcs8(document: &[u8]) -> Option<Self> {
        let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(document).ok()?).ok()?;
        Some(Self(Arc::new(key)))
    }

    /// From an RSA key in PKCS #1 (RFC 8017, appendix A.1.2).
    pub(super) fn from_pkcs1(document: &[u8]) -> Option<Self> {
        let wrapped = PrivateKeyInfo::new(pkcs1::ALGORITHM_ID, document);
        Self::from_pkcs8(SecretDocument::encode_msg(&wrapped).ok()?.as_bytes())
    }

    /// Decrypts with an algorithm, by its name in RFC 7518. Why it fails is nobody's to know.
    ///
    /// # Errors
    /// The algorithm is not known, or the ciphertext is not for this key.
    pub fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Result<Vec<u8>, Denied> {
        let algorithm: &OaepAlgorithm = match algorithm {
            "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
            "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
            "RSA-OAEP-384" => &OAEP_SHA384_MGF1SHA384,
            "RSA-OAEP-512" => &OAEP_SHA512_MGF1SHA512,
            _ => return Err(Denied::Algorithm),
        };
        let mut plaintext = vec![0; self.0.min_output_size()];
        let length = self.0.decrypt(algorithm, ciphertext, &mut plaintext, None).map_err(|_| Denied::Sealed)?.len();
        plaintext.truncate(length);
        Ok(plaintext)
    }
}
