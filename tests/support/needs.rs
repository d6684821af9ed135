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
    if let Ok(found) = program(name) {
        return Ok(found);
    }
    let folder = unpacked(package)?;
    Ok(find(name, ["usr/bin", "usr/sbin"].map(|place| folder.join(place)).into_iter())?)
}

/// The folder in the cache where a package of Debian is unpacked without being installed.
pub fn unpacked(package: &str) -> anyhow::Result<PathBuf> {
    // Tests run together: one downloads, the others find.
    static DOWNLOADING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let folder = cache()?.join("debian").join(package);
    let _alone = DOWNLOADING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if folder.join("usr").is_dir() {
        return Ok(folder);
    }
    let missing = |why: &str| Skip(format!("`{package}` is not installed, and {why}"));
    let (Ok(apt), Ok(dpkg)) = (program("apt-get"), program("dpkg-deb")) else {
        return Err(missing("this is no Debian, where it could be downloaded").into());
    };
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let told = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let downloaded = Command::new(apt).args(["-qq", "download", package]).current_dir(&folder).output()?;
    if !downloaded.status.success() {
        return Err(missing(&format!("apt-get could not download it: {}", told(&downloaded))).into());
    }
    // Into place at once, so that a run that is cut short leaves nothing that looks whole.
    let draft = tempfile::tempdir_in(&folder)?;
    for file in folder.read_dir()? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            let unpacked = Command::new(&dpkg).arg("-x").arg(&file).arg(draft.path()).output()?;
            anyhow::ensure!(unpacked.status.success(), "dpkg-deb: {}", told(&unpacked));
        }
    }
    for part in draft.path().read_dir()? {
        let part = part?;
        if part.file_name() != "usr" {
            std::fs::rename(part.path(), folder.join(part.file_name()))?;
        }
    }
    std::fs::rename(draft.path().join("usr"), folder.join("usr"))?;
    Ok(folder)
}

/// Packages of Debian, unpacked into one folder of the cache without being installed. It is named by what is in it.
pub fn debian_root(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    static DOWNLOADING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let folder = cache()?.join("debian").join(name);
    let done = folder.join("unpacked");
    let _alone = DOWNLOADING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if std::fs::read_to_string(&done).is_ok_and(|text| text == packages.join("\n")) {
        return Ok(folder);
    }
    let (apt, dpkg) = (program("apt-get")?, program("dpkg-deb")?);
    let archives = folder.join("archives");
    std::fs::create_dir_all(&archives).with_context(|| archives.display().to_string())?;
    let told = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let output = Command::new(apt).args(["-qq", "download"]).args(packages).current_dir(&archives).output()?;
    if !output.status.success() {
        return Err(Skip(format!("apt-get could not download {}: {}", packages.join(", "), told(&output))).into());
    }
    for file in archives.read_dir()? {
        let unpacked = Command::new(&dpkg).arg("-x").arg(file?.path()).arg(&folder).output()?;
        anyhow::ensure!(unpacked.status.success(), "dpkg-deb: {}", told(&unpacked));
    }
    std::fs::write(&done, packages.join("\n"))?;
    Ok(folder)
}

/// What installs packages of Python: the interpreter itself. What a version manager puts into its place changes files of its own after
/// each installation, and fails if two do that at once.
fn pip() -> anyhow::Result<Command> {
    let told = Command::new(program("python3")?).args(["-c", "import sys; print(sys.executable)"]).output()?;
    let mut pip = Command::new(String::from_utf8(told.stdout)?.trim());
    pip.args(["-m", "pip", "install", "--quiet", "--upgrade"]);
    Ok(pip)
}

/// Packages of Python in a folder of the cache, as pip installs them: names with versions.
pub fn python(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let mut pip = pip()?;
    let folder = cache()?.join(name);
    let done = folder.join("installed");
    let _alone = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if std::fs::read_to_string(&done).is_ok_and(|text| text == packages.join("\n")) {
        return Ok(folder);
    }
    let output = pip.arg("--target").arg(&folder).args(packages).output()?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let why =
            errors.lines().find(|line| line.contains("ERROR")).or(errors.lines().next()).unwrap_or("no reason given");
        return Err(Skip(format!("pip could not install {}: {why}", packages.join(", "))).into());
    }
    std::fs::write(&done, packages.join("\n"))?;
    Ok(folder)
}

/// Installs the wheel that lies in `folder` into `site`, with nothing from elsewhere.
pub fn install_wheel(folder: &Path, site: &Path) -> anyhow::Result<()> {
    let mut pip = pip()?;
    let files = folder.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut wheels = files.filter(|file| file.extension().is_some_and(|extension| extension == "whl"));
    let missing = || Skip(format!("there is no wheel in {}: build it with `cargo just python`", folder.display()));
    let wheel = wheels.next().ok_or_else(missing)?;
    let output = pip.args(["--no-index", "--no-deps", "--target"]).arg(site).arg(wheel).output()?;
    anyhow::ensure!(output.status.success(), "pip: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The folder outside of the checkout in which is kept what tests have fetched or built.
pub fn cache() -> Result<PathBuf, Skip> {
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
