//! `cargo just`: the project's justfile, run by the `just` that `Cargo.lock` pins. Nothing to install.

use std::process::ExitCode;

fn main() -> ExitCode {
    match just::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
    }
}
