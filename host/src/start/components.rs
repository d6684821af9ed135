//! The components that there are: those in the binary, and the files of the components folder.
//!
//! Deliberately absent: compiling them, which costs time and is done only for what somebody uses.

use crate::engine::LoadError;
use std::{borrow::Cow, collections::BTreeMap, path::Path};

/// The rules.
pub(super) const AUTH: &str = "auth";

/// The driver of accounts here.
pub(super) const LOCAL: &str = "local";

/// The first-party components, inside of the binary.
const BUILT_IN: [(&str, &[u8]); 6] = [
    (AUTH, include_bytes!(env!("GATEWIT_COMPONENT_AUTH"))),
    ("ldap", include_bytes!(env!("GATEWIT_COMPONENT_LDAP"))),
    (LOCAL, include_bytes!(env!("GATEWIT_COMPONENT_LOCAL"))),
    ("oauth2", include_bytes!(env!("GATEWIT_COMPONENT_OAUTH2"))),
    ("openid", include_bytes!(env!("GATEWIT_COMPONENT_OPENID"))),
    ("saml", include_bytes!(env!("GATEWIT_COMPONENT_SAML"))),
];

/// Largest component file that is read. A Python interpreter with its library is 18 MB.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// A component before it is compiled.
#[derive(Default)]
pub(super) struct Source {
    pub(super) wasm: Cow<'static, [u8]>,
    /// Somebody put it into the folder, and wants to know now whether it works.
    pub(super) is_file: bool,
}

/// All components by name. A file in the folder stands in for the built-in one of its name.
pub(super) fn all(folder: &Path) -> Result<BTreeMap<String, Source>, LoadError> {
    let built_in = |(name, wasm): &(&str, &'static [u8])| {
        ((*name).to_owned(), Source { wasm: Cow::Borrowed(wasm), is_file: false })
    };
    let mut found: BTreeMap<String, Source> = BUILT_IN.iter().map(built_in).collect();
    let unreadable = |name: &Path, source| LoadError::Read { name: name.display().to_string(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(unreadable(folder, error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let read = || match std::fs::metadata(&path)?.len() {
            ..=COMPONENT_BYTES_MAX => std::fs::read(&path),
            _ => Err(std::io::Error::other(format!("larger than {COMPONENT_BYTES_MAX} bytes"))),
        };
        tracing::info!(component = name, file = %path.display(), "a component of the folder is used");
        let wasm = read().map_err(|error| unreadable(&path, error))?;
        found.insert(name.to_owned(), Source { wasm: Cow::Owned(wasm), is_file: true });
    }
    Ok(found)
}
