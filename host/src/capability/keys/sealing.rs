//! Secrets at rest: encrypted under a key that follows from `SECRET`, so that a copy of the database tells nothing of them.
//!
//! AES-256-GCM with a nonce of its own for each text (NIST SP 800-38D, section 8.2.2: random ones do for four billion), and
//! the name of what is sealed as additional data, so that one cannot be put in another's place. What an earlier secret has
//! sealed can be opened as long as that is known. Absent: where sealed texts are kept.

use super::hmac::Derived;
use crate::{Secret, capability::clock::Clock};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Why a text cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("the system gives no random bytes")]
    Random(#[from] std::io::Error),
    #[error("the text is too long to be sealed")]
    TooLong,
}

/// What was sealed.
pub(crate) struct Opened {
    pub(crate) bytes: Secret<Vec<u8>>,
    /// Whether it is sealed under the present secret.
    pub(crate) is_present: bool,
}

/// Seals and opens. The present key first.
pub(crate) struct Sealer(Vec<LessSafeKey>);

impl Sealer {
    pub(super) fn new(keys: &[Derived]) -> Self {
        let key = |key: &Derived| UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new);
        Self(keys.iter().filter_map(key).collect())
    }

    /// Seals bytes under a name.
    pub(crate) fn seal(&self, name: &str, bytes: &[u8], clock: &dyn Clock) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        clock.fill(&mut nonce)?;
        let mut sealed = bytes.to_vec();
        let key = self.0.first().ok_or(SealError::TooLong)?;
        let done =
            key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut sealed);
        done.map_err(|_| SealError::TooLong)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed under this name; `None` if no secret that is known has sealed it.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Option<Opened> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        self.0.iter().enumerate().find_map(|(index, key)| {
            let mut bytes = sealed.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let length = key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut bytes).ok()?.len();
            bytes.truncate(length);
            Some(Opened { bytes: Secret::new(bytes), is_present: index == 0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::clock::SystemClock;

    #[test]
    fn what_is_sealed_is_opened_under_its_name_and_key_alone() {
        let (old, new) = (Sealer::new(&[[1; 32]]), Sealer::new(&[[2; 32], [1; 32]]));
        let sealed = old.seal("a", b"secret", &SystemClock).unwrap();
        assert_ne!(old.seal("a", b"secret", &SystemClock).unwrap(), sealed);
        let opened = old.open("a", &sealed).unwrap();
        assert!(opened.bytes.expose() == b"secret" && opened.is_present);
        assert!(!new.open("a", &sealed).unwrap().is_present);
        assert!(old.open("b", &sealed).is_none());
        assert!(Sealer::new(&[[2; 32]]).open("a", &sealed).is_none());
        let mut damaged = sealed.clone();
        damaged.replace_range(20..21, if &sealed[20..21] == "A" { "B" } else { "A" });
        for text in ["", "AAAA", damaged.as_str(), &sealed[..sealed.len() - 4]] {
            assert!(old.open("a", text).is_none(), "{text}");
        }
    }
}
