//! Compiled code, kept on disk so that a start does not compile.
//!
//! Compiled code runs in the host, outside of every sandbox. So a cached file carries a seal, a message authentication
//! code under a key derived from `SECRET`, and what has no valid seal is thrown away and compiled again.

use super::LoadError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};
use wasmtime::{Engine, component::Component};

/// Bytes of the seal in front of the code.
const SEAL_BYTES: usize = 32;

/// The folder of compiled code.
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: [u8; 32],
}

impl CodeCache {
    pub(crate) fn new(folder: PathBuf, key: [u8; 32]) -> Self {
        Self { folder, key }
    }

    /// The component, from the cache or compiled. A cache that cannot be read or written costs time and nothing else.
    pub(super) fn load(&self, engine: &Engine, name: &str, wasm: &[u8]) -> Result<Component, LoadError> {
        let file = self.folder.join(file_name(engine, wasm));
        if let Some(component) = self.cached(engine, name, &file) {
            return Ok(component);
        }
        tracing::info!(component = name, "compiling");
        let code = engine.precompile_component(wasm).map_err(|error| LoadError::refused(name, &error))?;
        let component = instantiable(engine, &code).map_err(|error| LoadError::refused(name, &error))?;
        if let Err(error) = self.keep(&file, &code) {
            tracing::warn!(file = %file.display(), %error, "compiled code is not kept; the next start compiles again");
        }
        Ok(component)
    }

    /// Keeps a component as it came, to have it when it is wanted again.
    pub(crate) fn keep_source(&self, digest: &str, wasm: &[u8], signature: Option<&str>) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let file = self.folder.join(digest).with_extension("wasm");
        if file.exists() {
            return Ok(());
        }
        if let Some(signature) = signature {
            std::fs::write(file.with_extension("minisig"), signature)?;
        }
        let draft = file.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&draft, wasm)?;
        std::fs::rename(&draft, &file)
    }

    /// A component that was kept, with its signature if it had one.
    pub(crate) fn source(&self, digest: &str) -> std::io::Result<(Vec<u8>, Option<String>)> {
        let file = self.folder.join(digest).with_extension("wasm");
        Ok((std::fs::read(&file)?, std::fs::read_to_string(file.with_extension("minisig")).ok()))
    }

    fn cached(&self, engine: &Engine, name: &str, file: &Path) -> Option<Component> {
        let sealed = std::fs::read(file).ok()?;
        let component = sealed
            .split_at_checked(SEAL_BYTES)
            .filter(|(seal, code)| self.mac(code).verify_slice(seal).is_ok())
            .and_then(|(_, code)| instantiable(engine, code).ok());
        if component.is_none() {
            tracing::warn!(component = name, file = %file.display(), "cached code is damaged and compiled again");
        }
        component
    }

    /// Writes beside and renames: a crash leaves the old file or the new one.
    fn keep(&self, file: &Path, code: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut sealed = self.mac(code).finalize().into_bytes().to_vec();
        sealed.extend_from_slice(code);
        let draft = file.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&draft, sealed)?;
        std::fs::rename(&draft, file)
    }

    fn mac(&self, code: &[u8]) -> Hmac<Sha256> {
        // Any length of key will do; ours is 32 bytes.
        let mac =
            Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!("keys may have any length"));
        mac.chain_update(code)
    }
}

/// Code compiled by this engine, with these settings, for this processor, from this component.
fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut compatible = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compatible);
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(wasm));
    format!("{digest}-{:016x}.cwasm", compatible.finish())
}

#[expect(unsafe_code, reason = "the only way to load compiled code; it came from this process or bears its seal")]
fn instantiable(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code was made by `precompile_component` just now, or earlier by a process that knew our key, and is
    // unchanged since.
    unsafe { Component::deserialize(engine, code) }
}
