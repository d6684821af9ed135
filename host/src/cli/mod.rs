//! The command line: a server that is started, and tools for whoever operates one.
//!
//! | command | works on |
//! |---|---|
//! | none | serves |
//! | `doctor`, `trace`, `audit verify` | the database, whether a server runs or not |
//! | `status`, `component`, `provider`, `session`, `user`, `audit list` | a running server, with the token of an administrator |
//! | `component keygen`, `sign`, `verify`, `driver test` | files |
//! | `completions` | nothing |
//!
//! What is meant for people comes as tables, with `--json` as JSON; it goes to the standard output, and what is wrong to
//! the standard error in one line. Absent: every rule, which the server knows.

mod audit;
mod component;
mod driver;
mod http;
mod output;
mod provider;
mod remote;
mod serve;
mod session;
mod signing;
mod status;
mod user;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use gatewit_host::{Config, telemetry::Telemetry};
use output::Output;
use std::process::ExitCode;

/// The authentication server whose rules are WebAssembly components.
///
/// Settings are Directus's own environment variables, read from the environment, from `.env` and from `gatewit.toml`;
/// those without a word in Directus start with GATEWIT_. Without any, it serves on <http://127.0.0.1:8055> and keeps its
/// data in ./data.
#[derive(Parser)]
#[command(name = "gatewit", version)]
pub(crate) struct Arguments {
    /// Say whether the settings are right, and serve nothing.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Look at the database: what it is, what would be added to it, and what is never touched. Changes nothing.
    Doctor {
        #[command(flatten)]
        output: Output,
    },
    /// Tell what happened in a sign-in that failed.
    Trace {
        /// The id of its request, as the log has it.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// What a running server is and how it does.
    Status(status::Status),
    /// See which components serve, swap them while requests are in flight, and sign them.
    #[command(subcommand)]
    Component(component::Component),
    /// For authors of drivers.
    Driver(driver::Args),
    /// Make, change, try and remove providers while the server runs.
    #[command(subcommand)]
    Provider(provider::Provider),
    /// See who is signed in, and end sessions.
    #[command(subcommand)]
    Session(session::Session),
    /// See accounts, suspend them, take second factors off.
    #[command(subcommand)]
    User(user::User),
    /// See what operators did, and whether that is what was written.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Write a script that completes what is typed: `source <(gatewit completions bash)`.
    Completions {
        /// The shell it is for.
        shell: clap_complete::Shell,
    },
}

/// What went wrong, for scripts.
const FAILED: u8 = 1;

/// Does what the arguments say.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match execute(arguments) {
        Ok(code) => code,
        Err(error) => {
            output::complain(&format!("gatewit: {error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn execute(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(Command::Completions { shell }) = &arguments.command {
        clap_complete::generate(*shell, &mut Arguments::command(), "gatewit", &mut std::io::stdout());
        return Ok(ExitCode::SUCCESS);
    }
    let (config, warnings) = Config::load()?;
    let serves = arguments.command.is_none();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = if serves {
        let _within = runtime.enter();
        Telemetry::start(&config)?
    } else {
        None
    };
    if serves {
        gatewit_host::log::init_with(&config.log, telemetry.as_ref());
    }
    for warning in warnings {
        if serves {
            tracing::warn!("{warning}");
        } else {
            output::complain(&format!("warning: {warning}"));
        }
    }
    if arguments.check {
        output::tell("the settings are right");
        return Ok(ExitCode::SUCCESS);
    }
    let ended = runtime.block_on(async {
        match &arguments.command {
            None => serve::serve(config).await.map(|()| ExitCode::SUCCESS),
            Some(command) => command.run(&config).await,
        }
    });
    // While there is a network.
    if let Some(telemetry) = telemetry {
        telemetry.stop();
    }
    ended
}

impl Command {
    async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Doctor { output } => {
                let findings = gatewit_host::examine(config).await?;
                output.tell(&findings.to_json(), || findings.to_string().trim_end().to_owned());
            }
            Self::Trace { id, output } => {
                let found = gatewit_host::trace(config, id).await?;
                let failed =
                    found.context("no failed sign-in has this id; they are kept for 7 days, and the last 10000")?;
                output::tell(&if output.json { failed.to_json() } else { failed.to_string() });
            }
            Self::Status(status) => status.run(config).await?,
            Self::Component(component) => component.run(config).await?,
            Self::Driver(arguments) => {
                let (told, passed) = driver::run(config, arguments).await?;
                output::tell(&told);
                return Ok(ExitCode::from(if passed { 0 } else { FAILED }));
            }
            Self::Provider(provider) => provider.run(config).await?,
            Self::Session(session) => session.run(config).await?,
            Self::User(user) => user.run(config).await?,
            Self::Audit(audit) => return audit.run(config).await,
            Self::Completions { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_token_is_taken_on_the_command_line() {
        fn arguments(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().map(|argument| argument.get_id().to_string()));
            command.get_subcommands().for_each(|command| arguments(command, found));
        }
        let mut found = Vec::new();
        arguments(&Arguments::command(), &mut found);
        assert!(found.iter().any(|name| name == "url"), "{found:?}");
        assert!(!found.iter().any(|name| name.contains("token") || name.contains("password")), "{found:?}");
    }
}
