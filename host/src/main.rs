//! `gatewit`: reads the settings, starts the server, serves until it is told to stop.

use anyhow::Context;
use clap::Parser;
use gatewit_host::{Config, Gatewit, config};
use std::{io::Write, process::ExitCode};
use tokio::{net::TcpListener, signal::unix};

/// Requests make many small blocks that live shortly; the C library spends a tenth of a busy server on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The authentication server whose rules are WebAssembly components.
///
/// Settings are Directus's own environment variables, read from the environment, from `.env` and from `gatewit.toml`;
/// those without a word in Directus start with GATEWIT_. Without any, it serves on <http://127.0.0.1:8055> and keeps its
/// data in ./data.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Say whether the settings are right, and serve nothing.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Look at the database: what it is, what would be added to it, and what is never touched. Changes nothing.
    Doctor,
    /// Tell what happened in a sign-in that failed.
    Trace {
        /// The id of its request, as the log has it.
        id: String,
        /// As one line of JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&mut std::io::stderr(), &format!("gatewit: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (config, warnings) = Config::load()?;
    gatewit_host::log::init(&config.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if arguments.check {
        tell(&mut std::io::stdout(), "the settings are right");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match &arguments.command {
        Some(Command::Doctor) => {
            let findings = runtime.block_on(gatewit_host::examine(&config))?;
            tell(&mut std::io::stdout(), findings.to_string().trim_end());
            Ok(())
        }
        Some(Command::Trace { id, json }) => {
            let found = runtime.block_on(gatewit_host::trace(&config, id))?;
            let failed =
                found.context("no failed sign-in has this id; they are kept for 7 days, and the last 10000")?;
            tell(&mut std::io::stdout(), &if *json { failed.to_json() } else { failed.to_string() });
            Ok(())
        }
        None => runtime.block_on(serve(config)),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let config::Server { host, port, .. } = &config.server;
    let address = format!("{host}:{port}");
    let listener = TcpListener::bind((host.as_str(), *port)).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}; HOST and PORT say where"))?;
    let gatewit = Gatewit::start(config).await?;
    let out = &mut std::io::stdout();
    if let Some(admin) = gatewit.first_admin() {
        let password = admin.password.as_ref().map_or("from ADMIN_PASSWORD", |password| password.expose());
        tell(out, &format!("administrator: {}  password: {password}", admin.email));
    }
    tell(out, &format!("gatewit serves on http://{}", listener.local_addr()?));
    let mut terminated = unix::signal(unix::SignalKind::terminate())?;
    let stop = async move {
        tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminated.recv() => {} }
    };
    gatewit.serve(listener, stop).await;
    Ok(())
}

/// Where nobody listens there is nothing to say.
fn tell(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}
