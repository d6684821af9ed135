//! The components under `tests/components/`, built: `guest-<name>.wasm` for the folder `<name>`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

/// The folders of `tests/components/`, sorted.
pub fn names() -> anyhow::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("components");
    let entries = folder.read_dir().with_context(|| folder.display().to_string())?;
    let name = |entry: std::io::Result<std::fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let mut names = entries.map(name).collect::<anyhow::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The file of the guest `name`.
pub fn file(name: &str) -> anyhow::Result<PathBuf> {
    built("GATEWIT_TEST_WASM", "wasm-tests", &format!("guest-{name}.wasm"), "test-components")
}

/// The file of the first-party component `name`.
pub fn first_party(name: &str) -> anyhow::Result<PathBuf> {
    built("GATEWIT_WASM", "wasm", &format!("{name}.wasm"), "components")
}

/// A file in the folder that `variable` names, else in `<target>/<folder>`; this binary is in `<target>/release/deps`.
fn built(variable: &str, folder: &str, name: &str, recipe: &str) -> anyhow::Result<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join(folder));
    let path = named.or_else(beside).context("no path of this test binary")?.join(name);
    if !path.is_file() {
        bail!("{} is missing: build it with `cargo just {recipe}`", path.display());
    }
    Ok(path)
}

/// A folder of components for one server.
pub struct Folder(TempDir);

impl Folder {
    /// A folder without a component.
    pub fn empty() -> anyhow::Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// Puts the guest `name` in, as the component `component`.
    pub fn with(self, component: &str, name: &str) -> anyhow::Result<Self> {
        let bytes = std::fs::read(file(name)?)?;
        self.with_bytes(component, &bytes)
    }

    /// Puts a component of these bytes in.
    pub fn with_bytes(self, component: &str, bytes: &[u8]) -> anyhow::Result<Self> {
        std::fs::write(self.0.path().join(component).with_extension("wasm"), bytes)?;
        Ok(self)
    }

    /// For `GATEWIT_COMPONENTS`.
    pub fn path(&self) -> anyhow::Result<&str> {
        self.0.path().to_str().context("the path of a temporary folder is no text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_guest_is_an_error_that_names_the_recipe() {
        let error = file("nobody").unwrap_err().to_string();
        assert!(error.contains("guest-nobody.wasm") && error.ends_with("`cargo just test-components`"), "{error}");
    }
}
