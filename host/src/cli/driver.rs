//! `gatewit driver`: what authors of drivers need.

use gatewit_host::{Config, conformance};
use std::path::PathBuf;

/// For authors of drivers.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Try whether a component keeps the contract of drivers.
    ///
    /// Calls it with what nobody types and no provider sends, and says which rules it keeps, which it breaks, and what to do
    /// about that. Budgets, grants and the way to the network are those of the server, from the same settings. What is
    /// required of a provider and not given is made up. Fails if a rule is broken.
    Test {
        /// The component, named as the driver calls itself: acme.wasm.
        file: PathBuf,
        /// A setting of the provider, in the driver's words: client-id=gatewit. May be repeated.
        #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = pair)]
        settings: Vec<(String, String)>,
        /// As one line of JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Does it. What is to be said, and whether all is well.
pub(crate) async fn run(config: &Config, arguments: &Args) -> anyhow::Result<(String, bool)> {
    let Command::Test { file, settings, json } = &arguments.command;
    let report = conformance::examine(config, file, settings).await?;
    let told = if *json { report.to_json().to_string() } else { report.to_string() };
    Ok((told, report.passed()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example client-id=gatewit".to_owned()),
    }
}
