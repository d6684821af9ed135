//! `gatewit`: reads the arguments and the settings, and does what they say.

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

/// Requests make many small blocks that live shortly; the C library spends a tenth of a busy server on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(&cli::Arguments::parse())
}
