//! Components as bytes: those in the binary, and the files of the components folder.
//!
//! Absent: compiling them, which costs time and is done only for what somebody uses.

use super::generation::{AUTH, LOCAL, Origin};
use crate::engine::{Digest, LoadError, Wasm};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The first-party components, inside of the binary.
const BUILT_IN: [(&str, &[u8]); 6] = [
    (AUTH, include_bytes!(env!("GATEWIT_COMPONENT_AUTH"))),
    ("ldap", include_bytes!(env!("GATEWIT_COMPONENT_LDAP"))),
    (LOCAL, include_bytes!(env!("GATEWIT_COMPONENT_LOCAL"))),
    ("oauth2", include_bytes!(env!("GATEWIT_COMPONENT_OAUTH2"))),
    ("openid", include_bytes!(env!("GATEWIT_COMPONENT_OPENID"))),
    ("saml", include_bytes!(env!("GATEWIT_COMPONENT_SAML"))),
];

/// Largest component that is read. A Python interpreter with its library is 18 MB.
pub(crate) const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// Largest signature file. One has four lines.
const SIGNATURE_BYTES_MAX: u64 = 4 << 10;

/// What follows the name of a component's file in that of its signature.
pub(super) const SIGNATURE_EXTENSION: &str = "wasm.minisig";

/// A component before it is compiled.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) wasm: Arc<[u8]>,
    pub(crate) digest: Digest,
    /// In the format of minisign.
    pub(crate) signature: Option<String>,
    pub(crate) origin: Origin,
    /// The name that it was fetched by, where it came from a registry.
    pub(crate) reference: Option<String>,
}

impl Source {
    pub(super) fn new(wasm: Arc<[u8]>, signature: Option<String>, origin: Origin) -> Self {
        Self { digest: Digest::of(&wasm), wasm, signature, origin, reference: None }
    }

    /// The same from a registry.
    pub(super) fn referred_to(self, reference: Option<String>) -> Self {
        Self { reference, ..self }
    }

    pub(super) fn named<'a>(&'a self, name: &'a str) -> Wasm<'a> {
        Wasm { name, bytes: &self.wasm, digest: self.digest }
    }
}

/// The components that came with the program: ours, and over them those that the embedding program brings. As good as the
/// program itself, so nobody signs them.
#[derive(Default)]
pub(crate) struct BuiltIn(BTreeMap<String, Arc<[u8]>>);

impl BuiltIn {
    pub(crate) fn with(brought: BTreeMap<String, Arc<[u8]>>) -> Self {
        Self(brought)
    }

    /// The component of this name.
    pub(super) fn get(&self, name: &str) -> Option<Source> {
        let own = || BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, wasm)| Arc::from(*wasm));
        let wasm = self.0.get(name).cloned().or_else(own)?;
        Some(Source::new(wasm, None, Origin::BuiltIn))
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let brought = self.0.keys().map(String::as_str);
        let own = BUILT_IN.iter().map(|(name, _)| *name);
        brought.chain(own.filter(|name| !self.0.contains_key(*name)))
    }
}

/// The component files of a folder by name; none if there is no folder.
pub(super) fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, LoadError> {
    let unreadable = |source| LoadError::Read { name: folder.display().to_string(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if path.extension().is_some_and(|extension| extension == "wasm") {
            found.insert(name.to_owned(), path);
        }
    }
    Ok(found)
}

/// Reads a component file, and the signature beside it if there is one.
pub(super) fn file(path: &Path) -> Result<Source, LoadError> {
    let read = || {
        let limit = u64::try_from(COMPONENT_BYTES_MAX).unwrap_or(u64::MAX);
        if std::fs::metadata(path)?.len() > limit {
            return Err(std::io::Error::other(format!("larger than {COMPONENT_BYTES_MAX} bytes")));
        }
        let signature = path.with_extension(SIGNATURE_EXTENSION);
        let signature = match std::fs::metadata(&signature) {
            Ok(found) if found.len() <= SIGNATURE_BYTES_MAX => Some(std::fs::read_to_string(&signature)?),
            Ok(_) => {
                return Err(std::io::Error::other(format!("the signature is larger than {SIGNATURE_BYTES_MAX} bytes")));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Source::new(std::fs::read(path)?.into(), signature, Origin::File(path.to_owned())))
    };
    read().map_err(|source| LoadError::Read { name: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_folder_only_components_count() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["acme.wasm", "acme.wasm.minisig", "notes.txt", ".hidden", "other.wasm.rejected"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let found = files(folder.path()).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["acme"]);
        let source = file(&found["acme"]).unwrap();
        assert_eq!((source.wasm.as_ref(), source.signature.as_deref()), (&b"acme.wasm"[..], Some("acme.wasm.minisig")));
        assert!(files(&folder.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.wasm");
        let large = std::fs::File::create(&path).unwrap();
        large.set_len(u64::try_from(COMPONENT_BYTES_MAX).unwrap() + 1).unwrap();
        assert!(file(&path).is_err());
    }
}
