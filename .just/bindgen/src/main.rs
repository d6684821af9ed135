//! Makes a module that browsers load of one that cargo built: the glue that wasm-bindgen generates, as the library that its
//! command line is a front of.
//!
//! Its own package in this workspace, so that `cargo just` does not build it for those who do not need it. Absent:
//! everything that shrinks the module, which comes afterwards (`.just/sdk.sh`).

use std::env::args_os;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let mut arguments = args_os().skip(1);
    let module = arguments.next().context("usage: gatewit-bindgen MODULE OUTPUT_FOLDER")?;
    let output = arguments.next().context("usage: gatewit-bindgen MODULE OUTPUT_FOLDER")?;
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(true).omit_default_module_path(true);
    bindgen.remove_producers_section(true).generate(output)
}
