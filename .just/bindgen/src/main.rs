//! Makes a module that browsers load of one that cargo built: the glue that wasm-bindgen generates, as the library that its
//! command line is a front of.
//!
//! Its own package in this workspace, so that `cargo just` does not build it for those who do not need it. Absent:
//! everything that shrinks the module, which comes afterwards (`.just/sdk.sh`), and running tests in it
//! (`tests/suites/sdk_web/module.mjs`).

use std::env::args_os;

use anyhow::Context as _;

const USAGE: &str = "usage: gatewit-bindgen MODULE OUTPUT_FOLDER [tests]";

fn main() -> anyhow::Result<()> {
    let mut arguments = args_os().skip(1);
    let module = arguments.next().context(USAGE)?;
    let output = arguments.next().context(USAGE)?;
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(true).omit_default_module_path(true);
    if arguments.next().is_some() {
        // A module of tests: its `main` is that of another harness, and the names in it are for people.
        bindgen.emit_start(false).keep_debug(true).debug(true).typescript(false);
    }
    bindgen.remove_producers_section(true).generate(output)
}
