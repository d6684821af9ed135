//! Settings, keys, log, clock and randomness, as drivers use them.

use crate::wire::{
    gatewit::{
        config::settings::{self, Value},
        keys::signing::{self, Error, Key},
        log::log,
    },
    wasi::{clocks::wall_clock, random::random},
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Seconds since the Unix epoch.
#[must_use]
pub fn now() -> u64 {
    wall_clock::now().seconds
}

/// Unpredictable bytes. Fewer than were asked for would be a secret that anybody may guess: the call ends there.
#[must_use]
pub fn random_bytes(count: usize) -> Vec<u8> {
    let bytes = random::get_random_bytes(count as u64);
    assert!(bytes.len() == count, "there is no randomness");
    bytes
}

/// A setting that is a text or JSON and not empty.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    match settings::get(name) {
        Some(Value::Text(text) | Value::Json(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A setting that is a list of texts. What is not set is empty.
#[must_use]
pub fn list(name: &str) -> Vec<String> {
    match settings::get(name) {
        Some(Value::List(texts)) => texts.into_iter().filter(|text| !text.is_empty()).collect(),
        _ => Vec::new(),
    }
}

/// A setting that is on or off. What is not set is off.
#[must_use]
pub fn flag(name: &str) -> bool {
    matches!(settings::get(name), Some(Value::Boolean(true)))
}

/// A key of our own, by the name of the setting that holds it.
pub fn own_key(setting: &str) -> Result<Key, &'static str> {
    signing::open(setting).map_err(|error| told(&error))
}

/// Whether a signature was made by a public key, given as a JWK, with this algorithm.
pub fn verifies(key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, &'static str> {
    let key = signing::import(key, algorithm).map_err(|error| told(&error))?;
    key.verify(message, signature).map_err(|error| told(&error))
}

/// What a key that does not work is for an operator.
#[must_use]
pub fn told(error: &Error) -> &'static str {
    match error {
        Error::Denied => "the key is not for this use, or too weak or too large",
        Error::Unavailable => "there is no such key",
        Error::Other(_) => "the key cannot be used",
    }
}

/// Logs a step, for whoever wants to know how far a sign-in came.
pub fn step(message: &str, facts: &[(&str, &str)]) {
    write(log::Level::Debug, message, facts);
}

/// Logs what an operator should look at although it went on.
pub fn warn(message: &str, facts: &[(&str, &str)]) {
    write(log::Level::Warn, message, facts);
}

fn write(level: log::Level, message: &str, facts: &[(&str, &str)]) {
    let field = |(name, value): &(&str, &str)| log::Field { name: (*name).to_string(), value: (*value).to_string() };
    log::write(level, message, &facts.iter().map(field).collect::<Vec<_>>());
}
