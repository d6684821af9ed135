//! Components of registries: those that an operator names, and those that the settings name.
//!
//! What settings name is fetched into the components folder before anything is loaded, and is a file from then on: signed like
//! one, kept like one, and there when the registry is not. A note beside it says where it came from, so nothing is fetched
//! twice and a file of somebody else is left alone.

use super::{Refused, Registry, sources::SIGNATURE_EXTENSION};
use crate::distribution::{self, Name, Pulled};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// What the note is called that says where a file came from.
const NOTE_EXTENSION: &str = "wasm.oci";

impl Registry {
    /// Fetches a component by the name that an operator wrote.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn pull(&self, name: &str) -> Result<Pulled, Refused> {
        let name: Name = name.parse()?;
        let pulled = distribution::pull(&self.oci, &self.outbound, &name).await?;
        tracing::info!(asked = %name, found = %pulled.name, bytes = pulled.wasm.len(), "a component was fetched");
        Ok(pulled)
    }

    /// Puts the components of the settings into the folder, by the name that they are served under.
    pub(super) async fn fetch_all(&self, sources: &BTreeMap<String, Name>) -> Result<(), String> {
        for (component, name) in sources {
            let file = self.folder.join(format!("{component}.wasm"));
            match whence(&file) {
                Whence::Here(found) if found == name.to_string() => continue,
                Whence::Somebody => {
                    tracing::warn!(component, file = %file.display(), "GATEWIT_OCI_COMPONENTS names a component whose file somebody put there; the file is used");
                    continue;
                }
                Whence::Here(_) | Whence::Nowhere => {}
            }
            let failed = |why: String| format!("GATEWIT_OCI_COMPONENTS: {component}: {why}");
            let pulled = distribution::pull(&self.oci, &self.outbound, name).await;
            let pulled = pulled.map_err(|failure| failed(failure.to_string()))?;
            put(&file, &pulled).map_err(|error| failed(format!("cannot write {}: {error}", file.display())))?;
            tracing::info!(component, from = %pulled.name, "a component was fetched");
        }
        Ok(())
    }
}

/// Where the file of a component came from.
enum Whence {
    /// There is none.
    Nowhere,
    /// It was fetched by this name.
    Here(String),
    /// Somebody put it there.
    Somebody,
}

fn whence(file: &Path) -> Whence {
    match (file.exists(), std::fs::read_to_string(file.with_extension(NOTE_EXTENSION))) {
        (false, _) => Whence::Nowhere,
        (true, Ok(name)) => Whence::Here(name.trim().to_owned()),
        (true, Err(_)) => Whence::Somebody,
    }
}

/// Puts a component and its signature in their places; the note last, so that what is cut short is fetched again.
fn put(file: &Path, pulled: &Pulled) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let signature = file.with_extension(SIGNATURE_EXTENSION);
    match &pulled.signature {
        Some(text) => write(&signature, text.as_bytes())?,
        None if signature.exists() => std::fs::remove_file(&signature)?,
        None => {}
    }
    // A file without a note would be somebody else's.
    write(&file.with_extension(NOTE_EXTENSION), b"")?;
    write(file, &pulled.wasm)?;
    write(&file.with_extension(NOTE_EXTENSION), pulled.name.to_string().as_bytes())
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft: PathBuf = file.to_owned();
    draft.as_mut_os_string().push(".new");
    std::fs::write(&draft, bytes)?;
    std::fs::rename(&draft, file)
}
