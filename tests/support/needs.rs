//! What a machine may lack. Invariant: something missing is a reason that a person can read, never a failure and never
//! a silent pass.

use std::path::PathBuf;

/// Why a test was not run. Returned as an error by a test, it counts as skipped.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Skip(pub String);

/// The program of this name in `PATH`.
pub fn program(name: &str) -> Result<PathBuf, Skip> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    find(name, std::env::split_paths(&path))
}

fn find(name: &str, folders: impl Iterator<Item = PathBuf>) -> Result<PathBuf, Skip> {
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|file| file.is_file()).ok_or_else(|| Skip(format!("`{name}` is not installed (not in PATH)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_a_listed_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tool"), "").unwrap();
        let found = find("tool", std::iter::once(folder.path().to_path_buf())).unwrap();
        assert_eq!(found, folder.path().join("tool"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let missing = find("tool", std::iter::empty()).unwrap_err();
        assert_eq!(missing.to_string(), "`tool` is not installed (not in PATH)");
    }
}
