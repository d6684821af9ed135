//! Which capabilities a component is linked with. What is not granted here does not exist for it: a component that
//! imports more is refused when it is loaded.

use super::Call;
use crate::capability::{cache, clock, config, drivers, http, keys, log, mail, pace, passwords, storage, streams};
use std::collections::BTreeSet;
use wasmtime::{Engine, component::Linker};
use wasmtime_wasi::{
    WasiView,
    cli::{WasiCli, WasiCliView},
    filesystem::{WasiFilesystem, WasiFilesystemView},
    p2,
    sockets::{WasiSockets, WasiSocketsView},
};

/// The name of the driver that may ask about passwords.
const LOCAL: &str = "local";

/// The world `auth`.
pub(super) fn rules(engine: &Engine) -> wasmtime::Result<Linker<Call>> {
    let mut linker = Linker::new(engine);
    clock::add_to_linker(&mut linker, Call::clock)?;
    config::add_to_linker(&mut linker, Call::config)?;
    drivers::add_to_linker(&mut linker, Call::drivers)?;
    keys::add_to_linker(&mut linker, Call::keys)?;
    log::add_to_linker(&mut linker, Call::log)?;
    mail::add_to_linker(&mut linker, Call::mail)?;
    pace::add_to_linker(&mut linker, Call::pace)?;
    passwords::add_hashing_to_linker(&mut linker, Call::passwords)?;
    storage::add_to_linker(&mut linker, Call::storage)?;
    Ok(linker)
}

/// The worlds of drivers. `local` may ask about passwords; no other driver may.
pub(super) fn driver(engine: &Engine, name: &str) -> wasmtime::Result<Linker<Call>> {
    let mut linker = Linker::new(engine);
    inert_wasi(&mut linker)?;
    // The clock and the randomness that everybody else has stand in for the inert ones.
    linker.allow_shadowing(true);
    clock::add_to_linker(&mut linker, Call::clock)?;
    linker.allow_shadowing(false);
    cache::add_to_linker(&mut linker, Call::cache)?;
    config::add_to_linker(&mut linker, Call::config)?;
    http::add_to_linker(&mut linker)?;
    keys::add_to_linker(&mut linker, Call::keys)?;
    keys::add_decryption_to_linker(&mut linker, Call::keys)?;
    log::add_to_linker(&mut linker, Call::log)?;
    streams::add_to_linker(&mut linker, Call::streams)?;
    if name == LOCAL {
        passwords::add_accounts_to_linker(&mut linker, Call::passwords)?;
    }
    Ok(linker)
}

/// Whether a component that imports this waits for others.
pub(super) fn is_network(import: &str) -> bool {
    import.starts_with("wasi:http/") || import.starts_with("gatewit:streams/")
}

/// Whether an import is a way to the outside that is withheld. It is there all the same, and leads nowhere: interpreters import
/// whatever there is, and what they do not get must not keep them from starting.
pub(super) fn is_withheld(import: &str, withheld: &BTreeSet<String>) -> bool {
    let is_of = |capability: &String| match capability.as_str() {
        "http" => import.starts_with("wasi:http/"),
        "streams" => import.starts_with("gatewit:streams/"),
        _ => false,
    };
    withheld.iter().any(is_of)
}

/// What the standard libraries of languages import by themselves. All of it is inert (see [`Call`]'s `WasiView`).
fn inert_wasi(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    use p2::bindings::{cli, random};
    p2::add_to_linker_proxy_interfaces_async(linker)?;
    random::insecure::add_to_linker::<Call, wasmtime_wasi::random::WasiRandom>(linker, |call| call.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<Call, wasmtime_wasi::random::WasiRandom>(linker, |call| {
        call.ctx().ctx.random()
    })?;
    cli::exit::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    cli::environment::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    cli::terminal_input::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    cli::terminal_output::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    cli::terminal_stdin::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    cli::terminal_stdout::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    cli::terminal_stderr::add_to_linker::<Call, WasiCli>(linker, Call::cli)?;
    interpreters(linker)
}

/// What the interpreters of Python and JavaScript import besides, whatever they run: files of which there are none, not
/// even a folder to begin at, and sockets that nobody may make.
fn interpreters(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    use p2::bindings::{filesystem, sockets};
    filesystem::types::add_to_linker::<Call, WasiFilesystem>(linker, Call::filesystem)?;
    filesystem::preopens::add_to_linker::<Call, WasiFilesystem>(linker, Call::filesystem)?;
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<Call, WasiSockets>(linker, &options, Call::sockets)?;
    sockets::instance_network::add_to_linker::<Call, WasiSockets>(linker, Call::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<Call, WasiSockets>(linker, Call::sockets)?;
    sockets::tcp::add_to_linker::<Call, WasiSockets>(linker, Call::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<Call, WasiSockets>(linker, Call::sockets)?;
    sockets::udp::add_to_linker::<Call, WasiSockets>(linker, Call::sockets)?;
    sockets::udp_create_socket::add_to_linker::<Call, WasiSockets>(linker, Call::sockets)
}
