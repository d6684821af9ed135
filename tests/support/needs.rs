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

/// A version of Node that some packages insist on, from the registry of npm: the folder with its `bin` and `include`.
pub fn node(version: &str) -> anyhow::Result<PathBuf> {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let name = format!("node-{system}-{processor}");
    let folder = packages("npm-node", &[(&name, version)])?.join("node_modules").join(name);
    if folder.join("bin/node").is_file() {
        return Ok(folder);
    }
    Err(Skip(format!("npm installed no Node {version} for {system} on {processor}")).into())
}

/// Like [`packages`], for packages of which these have to be compiled on this machine, with this Node.
pub fn compiled(folder: &str, wanted: &[(&str, &str)], native: &[&str], node: &Path) -> anyhow::Result<PathBuf> {
    // An install that was cut short between its two steps must not be taken for a good one.
    let folder = packages(folder, wanted)?;
    let done = folder.join("compiled");
    let versions = format!("{wanted:?} with {}\n", node.display());
    if std::fs::read_to_string(&done).is_ok_and(|text| text == versions) {
        return Ok(folder);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(node.join("bin")).chain(std::env::split_paths(&path)))?;
    let mut rebuild = Command::new(program("npm")?);
    rebuild.arg("rebuild").args(native).env("PATH", path).env("npm_config_nodedir", node);
    // Else a compiled one is looked for in the network first, at its maker's.
    rebuild.env("npm_config_build_from_source", "true");
    run_npm(rebuild.current_dir(&folder), &format!("compile {}", native.join(", ")))?;
    std::fs::write(&done, versions)?;
    Ok(folder)
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
    run_npm(install.args(&names).current_dir(folder), &format!("install {}", names.join(", ")))
}

/// Runs npm to its end. What it cannot do is a reason to skip.
fn run_npm(npm: &mut Command, what: &str) -> anyhow::Result<()> {
    // Once, and for minutes where something is compiled.
    println!("npm     {what}");
    let output = npm.output()?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let is_reason = |line: &&str| line.contains("error") || line.contains("ERR");
    let why = errors.lines().find(is_reason).unwrap_or("no reason given");
    Err(Skip(format!("npm could not {what}: {why}")).into())
}

/// The program of a package of Debian: from `PATH`, or from the cache, where the package is unpacked without being installed.
pub fn debian(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    // Tests run together: one downloads, the others find.
    static DOWNLOADING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let Err(missing) = program(name) else { return Ok(program(name)?) };
    let folder = cache()?.join("debian").join(package);
    let places = || ["usr/bin", "usr/sbin"].map(|place| folder.join(place)).into_iter();
    let _alone = DOWNLOADING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Ok(found) = find(name, places()) {
        return Ok(found);
    }
    let (Ok(apt), Ok(dpkg)) = (program("apt-get"), program("dpkg-deb")) else { return Err(missing.into()) };
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let told = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let downloaded = Command::new(apt).args(["-qq", "download", package]).current_dir(&folder).output()?;
    if !downloaded.status.success() {
        return Err(Skip(format!("{missing}, and apt-get could not download it: {}", told(&downloaded))).into());
    }
    for file in folder.read_dir()? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            let unpacked = Command::new(&dpkg).arg("-x").arg(&file).arg(&folder).output()?;
            anyhow::ensure!(unpacked.status.success(), "dpkg-deb: {}", told(&unpacked));
        }
    }
    Ok(find(name, places())?)
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
