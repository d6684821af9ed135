//! The command line, as an operator types it: the `gatewit` binary with arguments, in a folder of its own, and with nothing of
//! this process's environment.

use std::path::Path;
use std::process::Output;

use anyhow::Context as _;

use crate::server;

/// Runs `gatewit` with arguments on the data in a folder, and waits for its end.
pub async fn run(data: &Path, env: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = server::command(data, env)?;
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output()).await?.context("starting gatewit")
}
