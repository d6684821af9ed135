//! What a machine may lack. Invariant: something missing is a reason that a person can read, never a failure and never
//! a silent pass.
//!
//! Packages of npm are installed once, into a cache folder outside the checkout: `GATEWIT_CACHE`, else `gatewit` in the
//! user's cache folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

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

/// The folder in the cache that holds these packages, names and versions; installs them if they are not there.
pub fn packages(folder: &str, wanted: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
    // Tests run together: one installs, the others find.
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let npm = program("npm")?;
    let folder = cache()?.join(folder);
    let _alone = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_there = |(name, version): &(&str, &str)| {
        let manifest = std::fs::read_to_string(folder.join("node_modules").join(name).join("package.json"));
        manifest.is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    if wanted.iter().all(is_there) {
        return Ok(folder);
    }
    install(&npm, &folder, wanted)?;
    Ok(folder)
}

fn install(npm: &Path, folder: &Path, wanted: &[(&str, &str)]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
    let mut install = Command::new(npm);
    install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]);
    let names: Vec<String> = wanted.iter().map(|(name, version)| format!("{name}@{version}")).collect();
    let output = install.args(&names).current_dir(folder).output()?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let why =
            errors.lines().find(|line| line.contains("error") || line.contains("ERR")).unwrap_or("no reason given");
        return Err(Skip(format!("npm could not install {}: {why}", names.join(", "))).into());
    }
    Ok(())
}

fn cache() -> Result<PathBuf, Skip> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = variable("GATEWIT_CACHE");
    let users = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let folder = own.or_else(|| Some(users()?.join("gatewit")));
    folder.ok_or_else(|| Skip("no cache folder: set GATEWIT_CACHE".into()))
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
