//! Finds the first-party components, which `cargo just components` has built, and the files of the pages, which `.just/pages.sh`
//! has gathered, and has them put into the binary.
//!
//! No cargo runs in here: the order of the build is in the justfile. Without components there is no server; without pages there
//! is one that says so.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=GATEWIT_WASM");
    let folder = env::var_os("GATEWIT_WASM").map_or_else(|| beside_the_artefacts("wasm"), PathBuf::from);
    for component in ["auth", "ldap", "local", "oauth2", "openid", "saml"] {
        let file = folder.join(component).with_extension("wasm");
        println!("cargo::rerun-if-changed={}", file.display());
        if !file.is_file() {
            println!("cargo::error={} is missing; `cargo just components` builds it", file.display());
        }
        println!("cargo::rustc-env=GATEWIT_COMPONENT_{}={}", component.to_uppercase(), file.display());
    }
    pages()
}

/// Writes the table of the pages' files: names, contents, and contents compressed.
fn pages() -> io::Result<()> {
    let folder = beside_the_artefacts("pages");
    // Cargo takes a folder that is not there for one that has always just changed.
    fs::create_dir_all(&folder)?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = vec![];
    list(&folder, "", &mut names)?;
    names.sort();
    let mut table = "static EMBEDDED: &[(&str, &[u8], &[u8])] = &[\n".to_owned();
    let is_plain = |name: &&String| Path::new(name).extension().is_none_or(|ending| ending != "gz");
    for name in names.iter().filter(is_plain) {
        let path = folder.join(name).display().to_string();
        let compressed = format!("{path}.gz");
        let _ = writeln!(table, "    ({name:?}, include_bytes!({path:?}), include_bytes!({compressed:?})),");
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("pages.rs"), table)
}

fn list(folder: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

/// `<target>/<name>`, as seen from `<target>/<profile>/build/<package>/out`.
fn beside_the_artefacts(name: &str) -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    out.ancestors().nth(4).unwrap_or(&out).join(name)
}
