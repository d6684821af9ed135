//! `gatewit:keys`: keys that sign, verify and decrypt. Components hold handles; the bytes stay here.
//!
//! | file | whose keys |
//! |---|---|
//! | [`hmac`] | the server's own, which the rules open by purpose; [`kept`] are those that outlive `SECRET` |
//! | [`private`] | a provider's, which its driver opens by the name of a setting, as JWK or as [`pem`]; [`decryption`] decrypts with them |
//! | [`public`] | somebody else's, which only verify |

mod decryption;
pub(crate) mod hmac;
mod jwk;
pub(crate) mod kept;
mod pem;
pub(crate) mod private;
pub(crate) mod public;
pub(crate) mod sealing;
#[cfg(test)]
mod tests;

pub use decryption::DecryptionKey;

use crate::bindings::{auth::gatewit::keys::signing, driver::gatewit::keys::decryption as decrypting};
use std::{collections::HashMap, sync::Arc};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// A key with one purpose. Signing and verifying do no I/O and take microseconds.
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub trait Backend: Send + Sync {
    fn algorithm(&self) -> &'static str;

    /// The name of the key, if it has one.
    fn id(&self) -> Option<&str> {
        None
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, Error>;
}

/// What a handle stands for.
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub type Key = Arc<dyn Backend>;

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub enum Error {
    #[error("there is no key for the purpose `{0}`")]
    UnknownPurpose(String),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("the key does not sign")]
    Failed,
    #[error("the key cannot be used")]
    Broken(#[from] jsonwebtoken::errors::Error),
    #[error("a handle is not valid")]
    Handle(#[from] wasmtime::component::ResourceTableError),
}

/// Why a key is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Denied {
    /// Neither JSON nor the members of a key.
    #[error("it is no JWK with all members that its type needs")]
    Malformed,
    /// The algorithm is none, or none that is known.
    #[error("the algorithm is not known here")]
    Algorithm,
    /// The key is of a type or on a curve that the algorithm does not use.
    #[error("its type or curve is not that of the algorithm")]
    Type,
    /// The key's `alg`, `use` or `key_ops` say that it is for something else.
    #[error("its `alg`, `use` or `key_ops` say that it is for something else")]
    Purpose,
    /// The key is too short or too long, or has an exponent that nobody uses.
    #[error("it is too weak, or too large to be used")]
    Strength,
    /// The point of the key is not on the curve, or the halves of a pair do not belong together.
    #[error("its point is not on the curve, or its halves do not belong together")]
    Point,
    /// There is more text than a key or a message has.
    #[error("it is longer than anything that is looked at")]
    Size,
    /// The ciphertext is not for this key, or not what the algorithm makes. Nobody is told which.
    #[error("it cannot be decrypted")]
    Sealed,
    /// The key is encrypted, and nobody said how to open it.
    #[error(
        "it is encrypted, and there is no pass phrase for it: set one in the setting of the same name with `_PASS`"
    )]
    NoPassPhrase,
    /// The key is encrypted, and does not open.
    #[error("the pass phrase does not open it, or it is encrypted in a way that is not known here")]
    PassPhrase,
    /// The key is encrypted under a pass phrase that was hashed with MD5.
    #[error("it is encrypted in a way that is too weak; `openssl pkcs8 -topk8` writes it in another one")]
    OldEncryption,
    /// The key is somebody else's.
    #[error("a key of somebody else signs nothing")]
    Foreign,
}

/// The keys of the process, by purpose.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) access_tokens: Key,
    pub(crate) refresh_tokens: Key,
    pub(crate) recovery_codes: Key,
    pub(crate) tickets: Key,
}

/// A private key of a provider.
#[derive(Clone)]
pub(crate) struct OwnKey {
    pub(crate) signs: Key,
    /// RSA keys only.
    pub(crate) decrypts: Option<DecryptionKey>,
}

/// A provider's keys by the settings that hold them.
pub(crate) type ProviderKeys = HashMap<String, OwnKey>;

/// Whose keys can be opened.
pub(crate) enum Ring<'a> {
    Rules(&'a Keys),
    Provider(&'a ProviderKeys),
    Nobody,
}

impl Ring<'_> {
    fn find(&self, purpose: &str) -> Option<&Key> {
        match self {
            Self::Rules(keys) => match purpose {
                "access-tokens" => Some(&keys.access_tokens),
                "refresh-tokens" => Some(&keys.refresh_tokens),
                "recovery-codes" => Some(&keys.recovery_codes),
                "tickets" => Some(&keys.tickets),
                _ => None,
            },
            Self::Provider(keys) => keys.get(purpose).map(|key| &key.signs),
            Self::Nobody => None,
        }
    }
}

pub(crate) struct KeysView<'a> {
    pub(crate) keys: Ring<'a>,
    pub(crate) table: &'a mut ResourceTable,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = KeysView<'a>;
}

/// Adds the keys, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeysView<'_>,
) -> wasmtime::Result<()> {
    signing::add_to_linker::<T, Granted>(linker, view)
}

/// Adds decryption, and nothing else, to `linker`.
pub(crate) fn add_decryption_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeysView<'_>,
) -> wasmtime::Result<()> {
    decrypting::add_to_linker::<T, Granted>(linker, view)
}

impl decrypting::Host for KeysView<'_> {
    fn open(&mut self, setting: String) -> Result<Resource<DecryptionKey>, Error> {
        let own = if let Ring::Provider(keys) = &self.keys { keys.get(&setting) } else { None };
        let key = own.and_then(|key| key.decrypts.clone()).ok_or(Error::UnknownPurpose(setting))?;
        Ok(self.table.push(key)?)
    }
}

impl decrypting::HostKey for KeysView<'_> {
    fn decrypt(
        &mut self,
        key: Resource<DecryptionKey>,
        algorithm: String,
        ciphertext: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        Ok(self.table.get(&key)?.decrypt(&algorithm, &ciphertext)?)
    }

    fn drop(&mut self, key: Resource<DecryptionKey>) -> wasmtime::Result<()> {
        self.table.delete(key)?;
        Ok(())
    }
}

impl signing::Host for KeysView<'_> {
    fn open(&mut self, purpose: String) -> Result<Resource<Key>, Error> {
        let key = self.keys.find(&purpose).ok_or(Error::UnknownPurpose(purpose))?;
        Ok(self.table.push(key.clone())?)
    }

    fn import(&mut self, jwk: String, algorithm: String) -> Result<Resource<Key>, Error> {
        let key: Key = Arc::new(public::PublicKey::from_jwk(&jwk, &algorithm)?);
        Ok(self.table.push(key)?)
    }

    fn convert_error(&mut self, error: Error) -> wasmtime::Result<signing::Error> {
        Ok(match error {
            Error::UnknownPurpose(_) => signing::Error::Denied,
            Error::Denied(reason) => {
                tracing::debug!(%reason, "a key is denied");
                signing::Error::Denied
            }
            Error::Failed => signing::Error::Unavailable,
            Error::Broken(source) => {
                tracing::error!(error = &source as &dyn std::error::Error, "a key cannot be used");
                signing::Error::Unavailable
            }
            Error::Handle(source) => return Err(source.into()),
        })
    }
}

impl signing::HostKey for KeysView<'_> {
    fn algorithm(&mut self, key: Resource<Key>) -> wasmtime::Result<String> {
        Ok(self.table.get(&key)?.algorithm().to_owned())
    }

    fn id(&mut self, key: Resource<Key>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&key)?.id().map(ToOwned::to_owned))
    }

    fn sign(&mut self, key: Resource<Key>, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.table.get(&key)?.sign(&message)
    }

    fn verify(&mut self, key: Resource<Key>, message: Vec<u8>, signature: Vec<u8>) -> Result<bool, Error> {
        self.table.get(&key)?.verify(&message, &signature)
    }

    fn drop(&mut self, key: Resource<Key>) -> wasmtime::Result<()> {
        self.table.delete(key)?;
        Ok(())
    }
}
