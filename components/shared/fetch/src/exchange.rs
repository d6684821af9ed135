//! Exchanges with a provider that both drivers have: a request of the protocol, and the token endpoint.

use crate::{
    Response, send,
    surroundings::{self, now, random_bytes, step},
};
use alloc::{format, string::String, string::ToString};
use gatewit_oauth::{
    Refusal, Request,
    client::{self, Client, Method},
    pkce,
    token::{self, Tokens},
};

/// The setting that holds a key of our own.
const KEYS: &str = "client-private-keys";

/// Most bytes of an answer: groups by the thousand fit.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Sends a request.
pub fn ask(request: &Request, most_bytes: usize) -> Result<Response, Refusal> {
    let place = request.url.split('?').next().unwrap_or_default();
    let form = request.form.as_deref();
    let answer = send(&crate::Request { url: &request.url, headers: &request.headers, form, most_bytes });
    let answer = answer.map_err(|fault| Refusal::Unavailable(format!("{place}: {fault}")))?;
    step("the provider answered", &[("url", place), ("status", &answer.status.to_string())]);
    Ok(answer)
}

/// Asks the token endpoint. `issuer` is the provider's name of itself, where it has one.
pub fn tokens(
    client: &Client<'_>,
    issuer: Option<&str>,
    endpoint: &str,
    form: &[(&str, &str)],
) -> Result<Tokens, Refusal> {
    let assertion = match client.method {
        Method::PrivateKey | Method::SecretKey => Some(assertion(client, issuer, endpoint)?),
        Method::Basic | Method::Post | Method::None => None,
    };
    let answer = ask(&client.post(endpoint, form, assertion.as_deref())?, MOST_BYTES)?;
    let tokens = token::tokens(answer.told())?;
    step("the token endpoint gave tokens", &[("refresh_token", &tokens.refresh_token.is_some().to_string())]);
    Ok(tokens)
}

/// What shows a provider who we are, signed with our own key or with the secret.
fn assertion(client: &Client<'_>, issuer: Option<&str>, endpoint: &str) -> Result<String, Refusal> {
    let id = pkce::secret(&random_bytes(pkce::RANDOM_BYTES));
    let claims = client.assertion(issuer, endpoint, &id, now());
    if client.method == Method::SecretKey {
        return client.signed_by_secret(&claims);
    }
    let unusable = |why: &str| Refusal::Misconfigured(format!("`{KEYS}` cannot be used: {why}"));
    let key = surroundings::own_key(KEYS).map_err(unusable)?;
    client.check_algorithm(&key.algorithm())?;
    let input = claims.signing_input(&key.algorithm(), key.id().as_deref())?;
    let signature = key.sign(input.as_bytes()).map_err(|error| unusable(surroundings::told(&error)))?;
    Ok(client::signed(input, &signature))
}

/// A setting without which there is no provider.
pub fn required(name: &str) -> Result<String, Refusal> {
    surroundings::text(name).ok_or_else(|| Refusal::Misconfigured(format!("`{name}` is not set")))
}
