//! `gatewit:keys`: keys that sign and verify. Components hold handles; the bytes stay in [`hmac`].

pub(crate) mod hmac;

use crate::bindings::auth::gatewit::keys::signing;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// A key with one purpose. Signing and verifying do no I/O and take microseconds.
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub trait Backend: Send + Sync {
    fn algorithm(&self) -> &'static str;
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
    #[error("the key cannot be used")]
    Broken(#[from] jsonwebtoken::errors::Error),
    #[error("a handle is not valid")]
    Handle(#[from] wasmtime::component::ResourceTableError),
}

/// The keys of the process, by purpose.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) access_tokens: Key,
    pub(crate) refresh_tokens: Key,
    pub(crate) recovery_codes: Key,
}

pub(crate) struct KeysView<'a> {
    pub(crate) keys: &'a Keys,
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

impl signing::Host for KeysView<'_> {
    fn open(&mut self, purpose: String) -> Result<Resource<Key>, Error> {
        let key = match purpose.as_str() {
            "access-tokens" => &self.keys.access_tokens,
            "refresh-tokens" => &self.keys.refresh_tokens,
            "recovery-codes" => &self.keys.recovery_codes,
            _ => return Err(Error::UnknownPurpose(purpose)),
        };
        Ok(self.table.push(key.clone())?)
    }

    fn convert_error(&mut self, error: Error) -> wasmtime::Result<signing::Error> {
        Ok(match error {
            Error::UnknownPurpose(_) => signing::Error::Denied,
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
