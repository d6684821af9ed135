//! Finds the first-party components, which `cargo just components` has built, and has them put into the binary.
//!
//! No cargo runs in here: the order of the build is in the justfile.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=GATEWIT_WASM");
    let folder = env::var_os("GATEWIT_WASM").map_or_else(beside_the_artefacts, PathBuf::from);
    for component in ["auth", "ldap", "local", "oauth2", "openid", "saml"] {
        let file = folder.join(component).with_extension("wasm");
        println!("cargo::rerun-if-changed={}", file.display());
        if !file.is_file() {
            println!("cargo::error={} is missing; `cargo just components` builds it", file.display());
        }
        println!("cargo::rustc-env=GATEWIT_COMPONENT_{}={}", component.to_uppercase(), file.display());
    }
}

/// `<target>/wasm`, as seen from `<target>/<profile>/build/<package>/out`.
fn beside_the_artefacts() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    out.ancestors().nth(4).unwrap_or(&out).join("wasm")
}
