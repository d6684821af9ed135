//! Compiled code, kept on disk so that a start does not compile.
//!
//! Compiled code runs in the host, outside of every sandbox. So a cached file carries a seal, a message authentication
//! code (BLAKE3 with a key) under a key derived from `SECRET`, and what has no valid seal is thrown away and compiled again.

use super::{LoadError, workshop::Workshop};
use crate::capability::keys::hmac::hex;
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};
use wasmtime::{Engine, component::Component};

/// Bytes of the seal in front of the code.
const SEAL_BYTES: usize = 32;

/// The SHA-256 of a component file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(wasm: &[u8]) -> Self {
        Self(Sha256::digest(wasm).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A component as it came.
#[derive(Clone, Copy)]
pub(crate) struct Wasm<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) digest: Digest,
}

/// The folder of compiled code.
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: [u8; 32],
    pub(crate) workshop: Workshop,
}

impl CodeCache {
    /// # Errors
    /// The system refuses a thread.
    pub(crate) fn new(folder: PathBuf, key: [u8; 32]) -> std::io::Result<Self> {
        Ok(Self { folder, key, workshop: Workshop::open()? })
    }

    /// The component, from the cache or compiled. A cache that cannot be read or written costs time and nothing else.
    pub(super) fn load(&self, engine: &Engine, wasm: Wasm<'_>) -> Result<Component, LoadError> {
        let Wasm { name, bytes, digest } = wasm;
        let file = self.folder.join(file_name(engine, digest));
        if let Some(component) = self.cached(engine, name, &file) {
            return Ok(component);
        }
        tracing::info!(component = name, "compiling");
        let code = engine.precompile_component(bytes).map_err(|error| LoadError::refused(name, &error))?;
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
            .filter(|(seal, code)| <[u8; SEAL_BYTES]>::try_from(*seal).is_ok_and(|seal| self.seal(code) == seal))
            .and_then(|(_, code)| instantiable(engine, code).ok());
        if component.is_none() {
            tracing::warn!(component = name, file = %file.display(), "cached code is damaged and compiled again");
        }
        component
    }

    /// Writes beside and renames: a crash leaves the old file or the new one.
    fn keep(&self, file: &Path, code: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut sealed = self.seal(code).as_bytes().to_vec();
        sealed.extend_from_slice(code);
        let draft = file.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&draft, sealed)?;
        std::fs::rename(&draft, file)
    }

    /// Compared in constant time.
    fn seal(&self, code: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.key, code)
    }
}

/// Code compiled by this engine, with these settings, for this processor, from this component.
fn file_name(engine: &Engine, digest: Digest) -> String {
    let mut compatible = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compatible);
    format!("{digest}-{:016x}.cwasm", compatible.finish())
}

#[expect(unsafe_code, reason = "the only way to load compiled code; it came from this process or bears its seal")]
fn instantiable(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code was made by `precompile_component` just now, or earlier by a process that knew our key, and is
    // unchanged since.
    unsafe { Component::deserialize(engine, code) }
}
