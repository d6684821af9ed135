//! The only module that sees the bindings: fetches what a decision of `flow` needs and does what it says.

mod access;
mod accounts;
mod attempts;
mod caller;
mod change;
mod convert;
mod fetch;
mod identities;
mod invitations;
mod membership;
mod open_sessions;
mod profile;
mod providers;
mod records;
mod recovery;
mod registration;
mod rights;
mod second_factor;
mod sessions;
mod shares;
mod single_sign_on;

wit_bindgen::generate!({
    path: "../../wit",
    world: "gatewit:worlds/auth",
    generate_all,
});

use crate::flow::token::ALGORITHM;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use gatewit::{
    auth::types::Reason,
    config::settings::{self, Value},
    keys::signing,
    log::log,
};
use gatewit_jose::Compact;
use wasi::clocks::wall_clock;

struct Auth;

export!(Auth);

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let now = wall_clock::now();
    now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000)
}

/// A setting that is a number. The host sets all of ours; without one there is no safe way on.
fn number(name: &str) -> Result<u64, Reason> {
    match settings::get(name) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and checked to be positive")]
        Some(Value::Number(number)) if number >= 0.0 => Ok(number as u64),
        _ => Err(fault("a setting is missing", &[("setting", name)])),
    }
}

/// A setting that is a text, set by the host like all of ours.
fn text_setting(name: &str) -> Result<String, Reason> {
    match settings::get(name) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(fault("a setting is missing", &[("setting", name)])),
    }
}

/// A setting that is a list of texts. What is not set is empty.
fn list_setting(name: &str) -> Vec<String> {
    match settings::get(name) {
        Some(Value::List(list)) => list,
        _ => Vec::new(),
    }
}

/// A setting that is on or off. What is not set is off.
fn flag(name: &str) -> bool {
    matches!(settings::get(name), Some(Value::Boolean(true)))
}

/// Unpredictable bytes.
fn random(bytes: usize) -> Vec<u8> {
    wasi::random::random::get_random_bytes(bytes as u64)
}

/// Whether the signature of a token of ours is good.
fn verify(jws: &Compact<'_>) -> Result<bool, Reason> {
    verify_with("access-tokens", jws)
}

fn verify_with(purpose: &str, jws: &Compact<'_>) -> Result<bool, Reason> {
    Ok(signing::open(purpose)?.verify(jws.signing_input.as_bytes(), &jws.signature)?)
}

/// Signs claims into a compact token.
fn sign<T: serde::Serialize>(claims: &T) -> Result<String, Reason> {
    sign_with("access-tokens", claims)
}

fn sign_with<T: serde::Serialize>(purpose: &str, claims: &T) -> Result<String, Reason> {
    let input = gatewit_jose::signing_input(ALGORITHM, claims).ok_or(Reason::Internal)?;
    let signature = signing::open(purpose)?.sign(input.as_bytes())?;
    Ok(gatewit_jose::compact(input, &signature))
}

/// Logs what should not happen.
fn fault(message: &str, facts: &[(&str, &str)]) -> Reason {
    write_log(log::Level::Error, message, facts);
    Reason::Internal
}

fn write_log(level: log::Level, message: &str, facts: &[(&str, &str)]) {
    let field = |(name, value): &(&str, &str)| log::Field { name: (*name).to_string(), value: (*value).to_string() };
    log::write(level, message, &facts.iter().map(field).collect::<Vec<_>>());
}
