//! Keys, all of which are the host's.

use super::gatewit::keys::decryption;
use alloc::{string::String, vec::Vec};
use gatewit_fetch::surroundings::{own_key, told, verifies, warn};

/// The setting with the key that signs.
const SIGNING: &str = "sp-private-key";

/// Settings with keys that decrypt. Many operators have one key for both.
const DECRYPTING: [&str; 3] = ["sp-enc-private-key", "sp-next-enc-private-key", SIGNING];

/// The keys of this provider.
pub(super) struct Keys;

impl gatewit_saml_protocol::Keys for Keys {
    fn verifies(&self, key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String> {
        verifies(key, algorithm, message, signature).map_err(Into::into)
    }

    fn algorithm(&self) -> Result<String, String> {
        Ok(own_key(SIGNING)?.algorithm())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        own_key(SIGNING)?.sign(message).map_err(|error| told(&error).into())
    }

    fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let mut is_there = false;
        let plain = DECRYPTING.iter().find_map(|setting| {
            let key = decryption::open(setting).ok()?;
            is_there = true;
            key.decrypt(algorithm, ciphertext).ok()
        });
        if !is_there {
            warn(
                "the provider encrypts, and there is no private key to decrypt with",
                &[("setting", "sp-enc-private-key")],
            );
        }
        plain
    }
}
