//! The example drivers of `examples/drivers`, built as their READMEs say, each with the tools of its language.
//!
//! What is built is kept in the cache folder, named by a hash of everything that it is made of. A tool that cannot be had is
//! a reason to skip; an example that does not build is a failure.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

use crate::needs::{self, Skip};

/// What makes components of JavaScript …
const JAVASCRIPT: (&str, &str) = ("@bytecodealliance/componentize-js", "0.23.0");

/// … and of Python.
const PYTHON: &str = "componentize-py==0.25.1";

/// The folder of the checkout.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A file of the examples.
pub fn source(path: &str) -> anyhow::Result<String> {
    let path = root().join("examples/drivers").join(path);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The driver `profile`, written in JavaScript.
pub fn javascript() -> anyhow::Result<PathBuf> {
    let sources = ["examples/drivers/javascript/driver.js"];
    kept("profile", &sources, JAVASCRIPT.1, |built| {
        let modules = needs::packages("npm-componentize", &[JAVASCRIPT])?.join("node_modules");
        let mut command = Command::new(needs::program("node")?);
        command.arg(modules.join(JAVASCRIPT.0).join("src/cli.js")).arg(root().join(sources[0]));
        command.arg("--wit").arg(root().join("wit")).args(["--world-name", "redirect-driver", "--out"]).arg(built);
        succeeded("componentize-js", &command.output()?)
    })
}

/// The driver `basic`, written in Python.
pub fn python() -> anyhow::Result<PathBuf> {
    kept("basic", &["examples/drivers/python/driver.py"], PYTHON, |built| {
        let mut command = Command::new(needs::program("python3")?);
        command.env("PYTHONPATH", needs::python("python-componentize", &[PYTHON])?);
        command.args(["-c", "from componentize_py import script; script()", "--wit-path"]).arg(root().join("wit"));
        command.args(["--world", "credentials-driver", "componentize", "driver", "--output"]).arg(built);
        succeeded("componentize-py", &command.current_dir(root().join("examples/drivers/python")).output()?)
    })
}

/// The driver `portal`, written in Rust with its standard library.
pub fn rust() -> anyhow::Result<PathBuf> {
    let crate_files = ["Cargo.toml", "Cargo.lock", "src/lib.rs"].map(|file| format!("examples/drivers/rust/{file}"));
    let sources: Vec<_> = crate_files.iter().map(String::as_str).collect();
    kept("portal", &sources, "", |built| {
        let toolchain = Command::new(root().join(".just/wasm-toolchain.sh")).output()?;
        if !toolchain.status.success() {
            return Err(Skip("there is no Rust for WebAssembly".to_owned()).into());
        }
        let target = needs::cache()?.join("target-example");
        let script = format!(
            "{}\ncargo build --quiet --locked --release --target wasm32-wasip2",
            String::from_utf8_lossy(&toolchain.stdout)
        );
        let mut command = Command::new("bash");
        command.args(["-euc", &script]).env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
        succeeded("cargo", &command.current_dir(root().join("examples/drivers/rust")).output()?)?;
        std::fs::copy(target.join("wasm32-wasip2/release/portal.wasm"), built)?;
        Ok(())
    })
}

fn succeeded(tool: &str, output: &Output) -> anyhow::Result<()> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{tool}: {told}{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

/// The component of these sources: from the cache, or built into it.
fn kept(
    name: &str,
    sources: &[&str],
    tool: &str,
    build: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    // Tests run together: one builds, the others find.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = needs::cache()?.join("examples").join(hash(sources, tool)?);
    // Named as the driver calls itself.
    let file = folder.join(name).with_extension("wasm");
    if !file.is_file() {
        std::fs::create_dir_all(&folder)?;
        println!("build   the example {name}");
        let draft = folder.join(format!("{name}.{}", std::process::id()));
        build(&draft)?;
        std::fs::rename(draft, &file)?;
    }
    Ok(file)
}

/// Of the sources, the contract and the tool.
fn hash(sources: &[&str], tool: &str) -> anyhow::Result<String> {
    let mut hash = Sha256::new_with_prefix(tool);
    let mut files: Vec<PathBuf> = sources.iter().map(|source| root().join(source)).collect();
    let mut folders = vec![root().join("wit")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in files {
        hash.update(std::fs::read(&file).with_context(|| file.display().to_string())?);
    }
    let mut text = String::new();
    for byte in hash.finalize().iter().take(8) {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}
