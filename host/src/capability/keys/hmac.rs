//! Keys from `SECRET`: HS256 (RFC 7518, section 3.2), for access tokens with the secret itself, as Directus does, and for
//! everything of our own with keys derived from it (RFC 5869), so that one use tells nothing of another.
//!
//! Secrets change: what is signed is signed with the present one, and what one of the earlier ones has signed is good as
//! long as that is among [`Secrets`]. Recovery codes outlive them all, see [`super::kept`].

use super::{Backend, Error, Key, Keys, sealing::Sealer};
use crate::Secret;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use sha2::Sha256;
use std::{fmt::Write as _, sync::Arc};
use subtle::ConstantTimeEq as _;

/// Bytes of a derived key: the output of the hash (RFC 7518, section 3.2 asks for no less).
const DERIVED_BYTES: usize = 32;

/// The secret of the server, and those before it.
pub(crate) struct Secrets {
    pub(crate) present: Secret<String>,
    pub(crate) earlier: Vec<Secret<String>>,
}

impl Secrets {
    /// A key for one purpose from each secret, that of the present one first.
    fn derive(&self, purpose: &str) -> Vec<Derived> {
        let secrets = std::iter::once(&self.present).chain(&self.earlier);
        secrets.map(|secret| derive(secret.expose().as_bytes(), purpose)).collect()
    }

    /// The keys that vouch for the head of the audit log.
    pub(crate) fn audit(&self) -> Seals {
        Seals(self.derive("gatewit audit"))
    }

    /// What keeps keys in the database from whoever reads it.
    pub(crate) fn sealer(&self) -> Sealer {
        Sealer::new(&self.derive("gatewit kept-keys"))
    }

    /// What keeps the secrets of providers from whoever reads the database: a key of the operator's own, or else the secret.
    /// What either has sealed can be opened.
    pub(crate) fn providers(&self, own: Option<&Secret<String>>) -> Sealer {
        const PURPOSE: &str = "gatewit provider-secrets";
        let own = own.map(|own| derive(own.expose().as_bytes(), PURPOSE));
        let keys: Vec<Derived> = own.into_iter().chain(self.derive(PURPOSE)).collect();
        Sealer::new(&keys)
    }

    /// The key of recovery codes, before it was kept in the database.
    pub(crate) fn recovery(&self) -> Derived {
        derive(self.present.expose().as_bytes(), "gatewit recovery-codes")
    }

    /// The key that seals compiled code. An earlier one is of no use: what it has sealed is compiled once more.
    pub(crate) fn compiled_code(&self) -> Derived {
        derive(self.present.expose().as_bytes(), "gatewit compiled-code")
    }
}

/// A key that was derived.
pub(crate) type Derived = [u8; DERIVED_BYTES];

/// Keys that vouch for texts: the present one signs, all are believed.
#[derive(Clone)]
pub(crate) struct Seals(Vec<Derived>);

impl Seals {
    /// The present one alone.
    pub(crate) fn present(&self) -> Self {
        Self(self.0.iter().take(1).copied().collect())
    }

    /// The seal of a text, in hexadecimal.
    pub(crate) fn seal(&self, text: &str) -> String {
        self.0.first().map(|key| hex(&mac(key, text).finalize().into_bytes())).unwrap_or_default()
    }

    /// Whether a seal is that of a text under any of the keys.
    pub(crate) fn fits(&self, text: &str, seal: &str) -> bool {
        self.0.iter().any(|key| hex(&mac(key, text).finalize().into_bytes()).as_bytes().ct_eq(seal.as_bytes()).into())
    }
}

fn mac(key: &Derived, text: &str) -> Hmac<Sha256> {
    // HMAC takes keys of any length.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("a key of any length is taken") };
    mac.chain_update(text)
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A key that signs, and those before it, which are still believed.
struct Rotated {
    present: Key,
    earlier: Vec<Key>,
}

impl Rotated {
    fn key(mut keys: impl Iterator<Item = Key>) -> Option<Key> {
        let present = keys.next()?;
        let earlier: Vec<Key> = keys.collect();
        Some(if earlier.is_empty() { present } else { Arc::new(Self { present, earlier }) })
    }
}

impl Backend for Rotated {
    fn algorithm(&self) -> &'static str {
        self.present.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.present.sign(message)
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        for key in std::iter::once(&self.present).chain(&self.earlier) {
            if key.verify(message, signature)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

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

/// All keys of the rules. That of recovery codes comes from elsewhere, because it outlives secrets.
pub(crate) fn keys(secrets: &Secrets, recovery: &Derived) -> Keys {
    let rotated = |keys: Vec<Key>| Rotated::key(keys.into_iter()).unwrap_or_else(|| Hs256::key(recovery));
    let derived = |purpose| rotated(secrets.derive(purpose).iter().map(|key| Hs256::key(key)).collect());
    let whole = std::iter::once(&secrets.present).chain(&secrets.earlier);
    Keys {
        access_tokens: rotated(whole.map(|secret| Hs256::key(secret.expose().as_bytes())).collect()),
        refresh_tokens: derived("gatewit refresh-tokens"),
        recovery_codes: Hs256::key(recovery),
        tickets: derived("gatewit tickets"),
    }
}

/// A key for one purpose.
fn derive(secret: &[u8], purpose: &str) -> Derived {
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

    fn secrets(texts: &[&str]) -> Secrets {
        let mut texts = texts.iter().map(|text| Secret::from((*text).to_owned()));
        Secrets { present: texts.next().unwrap(), earlier: texts.collect() }
    }

    fn of(texts: &[&str]) -> Keys {
        keys(&secrets(texts), &[7; DERIVED_BYTES])
    }

    #[test]
    fn what_an_earlier_secret_signed_is_good_and_nothing_new_is_signed_with_it() {
        let (old, new, both) = (of(&["old"]), of(&["new"]), of(&["new", "older", "old"]));
        for (old, new, both) in
            [(&old.access_tokens, &new.access_tokens, &both.access_tokens), (&old.tickets, &new.tickets, &both.tickets)]
        {
            let signed = old.sign(b"message").unwrap();
            assert!(both.verify(b"message", &signed).unwrap());
            assert!(!both.verify(b"massage", &signed).unwrap());
            assert!(!new.verify(b"message", &signed).unwrap(), "without the overlap it is over");
            let signed = both.sign(b"message").unwrap();
            assert!(new.verify(b"message", &signed).unwrap());
            assert!(!old.verify(b"message", &signed).unwrap());
        }
        assert_eq!(
            old.recovery_codes.sign(b"message").unwrap(),
            new.recovery_codes.sign(b"message").unwrap(),
            "recovery codes do not depend on the secret"
        );
    }

    #[test]
    fn a_seal_is_of_one_text_and_one_purpose() {
        let (old, new, both) = (secrets(&["old"]).audit(), secrets(&["new"]).audit(), secrets(&["new", "old"]).audit());
        let seal = old.seal("text");
        assert!(old.fits("text", &seal) && both.fits("text", &seal));
        assert!(!new.fits("text", &seal) && !old.fits("test", &seal) && !old.fits("text", ""));
        assert_eq!(both.seal("text"), new.seal("text"));
    }

    #[test]
    fn a_signature_belongs_to_its_message_and_key() {
        let (ours, theirs) = (of(&["a secret of the test"]), of(&["another secret"]));
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
