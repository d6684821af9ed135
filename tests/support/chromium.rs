//! A real browser: Chromium, from `PATH` or from the packages of Debian, unpacked into the cache without being installed.
//!
//! Absent: driving it, which `playwright-core` of npm does, in the scripts of `suites/sdk_web`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::needs::{self, Skip};

/// Its names, where a person or a distribution has installed it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "chromium-headless-shell", "google-chrome"];

/// What is fetched otherwise: without windows, a third of the size. Letters need a font.
const PACKAGES: [&str; 2] = ["chromium-headless-shell", "fonts-liberation"];

/// A browser that can be started.
#[derive(Debug)]
pub struct Chromium {
    /// Its program.
    pub program: PathBuf,
    /// What its process needs to find what was unpacked beside it.
    pub environment: Vec<(&'static str, PathBuf)>,
}

/// The browser of this machine.
pub fn find() -> anyhow::Result<Chromium> {
    if let Some(program) = NAMES.iter().find_map(|name| needs::program(name).ok()) {
        return Ok(Chromium { program, environment: vec![] });
    }
    let wanted = missing_packages()?;
    let folder = needs::debian_root("chromium", &wanted.iter().map(String::as_str).collect::<Vec<_>>())?;
    let program = folder.join("usr/lib/chromium/chromium-headless-shell");
    if !program.is_file() {
        return Err(Skip("Debian's chromium-headless-shell has no program where it should be".into()).into());
    }
    Ok(Chromium { environment: beside(&folder)?, program })
}

/// What apt would install for it on this machine: the packages and those that they need and that are not there.
fn missing_packages() -> anyhow::Result<Vec<String>> {
    let apt = needs::program("apt-get").map_err(|_| {
        Skip("no Chromium is installed, and this is no Debian, where it could be downloaded".to_owned())
    })?;
    let mut simulated = Command::new(apt);
    simulated.args(["install", "--simulate", "--quiet", "--no-install-recommends"]).args(PACKAGES);
    let output = simulated.env("LC_ALL", "C").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let packages: Vec<String> = named(&text).map(ToOwned::to_owned).collect();
    if !output.status.success() || packages.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Skip(format!("no Chromium is installed, and apt-get does not know it: {}", why.trim())).into());
    }
    Ok(packages)
}

/// The packages in lines such as `Inst libnss3 (2:3.87 Debian:12/stable [amd64])`.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next())
}

/// Where libraries and the list of fonts are, of those that were unpacked in `folder`.
fn beside(folder: &Path) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let mut libraries = vec![];
    for place in ["usr/lib", "lib"] {
        let Ok(entries) = folder.join(place).read_dir() else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().contains("-linux-gnu")) {
                libraries.extend([path.join("pulseaudio"), path]);
            }
        }
    }
    let mut environment = vec![("LIBRARIES", PathBuf::from(std::env::join_paths(libraries)?))];
    let fonts = folder.join("etc/fonts/fonts.conf");
    if fonts.is_file() {
        environment.push(("FONTCONFIG_FILE", fonts));
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_to_unpack_are_those_that_apt_would_install() {
        let said =
            "Reading package lists...\nInst a (1 Debian:12 [amd64])\nInst b [1] (2 x [amd64])\nConf a (1 x [amd64])\n";
        assert_eq!(named(said).collect::<Vec<_>>(), ["a", "b"]);
    }
}
