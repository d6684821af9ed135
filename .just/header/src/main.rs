//! Writes the C header of the shared library from the source that defines its functions.
//!
//! Its own package in this workspace, so that `cargo just` does not build it for those who do not need it.

use std::env::args_os;

use anyhow::Context as _;
use cbindgen::{Builder, Config, DocumentationStyle, ExportConfig, Language, Style};

/// What stands before the functions.
const HEADER: &str = "/* Gatewit as a C library. Written by `cargo just header` from `host/embed/shared/src/abi.rs`; do not change it by hand. */";

/// Rules that hold for all of them.
const RULES: &str = include_str!("rules.h");

fn main() -> anyhow::Result<()> {
    let mut arguments = args_os().skip(1);
    let source = arguments.next().context("usage: gatewit-header SOURCE HEADER")?;
    let header = arguments.next().context("usage: gatewit-header SOURCE HEADER")?;
    let names = [
        ("Slice", "gatewit_slice"),
        ("Request", "gatewit_request"),
        ("Embedded", "gatewit"),
        ("Started", "gatewit_started"),
        ("Told", "gatewit_told"),
        ("Replied", "gatewit_replied"),
        ("Send", "gatewit_send"),
    ];
    let config = Config {
        language: Language::C,
        style: Style::Type,
        header: Some(HEADER.to_owned()),
        include_guard: Some("GATEWIT_H".to_owned()),
        after_includes: Some(RULES.to_owned()),
        cpp_compat: true,
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"].map(ToOwned::to_owned).into(),
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C99,
        export: ExportConfig {
            rename: names.map(|(name, exported)| (name.to_owned(), exported.to_owned())).into(),
            exclude: vec!["VERSION".to_owned(), "Context".to_owned()],
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    let bindings = Builder::new().with_config(config).with_src(source).generate()?;
    bindings.write_to_file(header);
    Ok(())
}
