//! The provider of this call: its settings and its endpoints.

use super::convert::response;
use alloc::{
    format,
    string::{String, ToString},
};
use gatewit_fetch::{
    Response, send,
    surroundings::{self, now, random_bytes, step, text},
};
use gatewit_oauth::{
    Refusal, Request,
    client::{self, Client, Method},
    pkce,
    token::{self, Tokens},
};

/// Most bytes of an answer: groups by the thousand fit.
const MOST_BYTES: usize = 1024 * 1024;

/// A setting without which there is no provider.
pub(super) fn required(name: &str) -> Result<String, Refusal> {
    text(name).ok_or_else(|| Refusal::Misconfigured(format!("`{name}` is not set")))
}

/// Asks the token endpoint.
pub(super) fn tokens(form: &[(&str, &str)]) -> Result<Tokens, Refusal> {
    let (endpoint, id, secret) = (required("access-url")?, required("client-id")?, text("client-secret"));
    let method = Method::parse(text("client-token-endpoint-auth-method").as_deref())?;
    let client = Client { id: &id, secret: secret.as_deref(), method };
    let assertion = match method {
        Method::PrivateKey => Some(assertion(&client, &endpoint)?),
        _ => None,
    };
    let answer = ask(&client.post(&endpoint, form, assertion.as_deref())?)?;
    let tokens = token::tokens(response(&answer))?;
    step("the token endpoint gave tokens", &[("refresh_token", &tokens.refresh_token.is_some().to_string())]);
    Ok(tokens)
}

/// Sends a request.
pub(super) fn ask(request: &Request) -> Result<Response, Refusal> {
    let place = request.url.split('?').next().unwrap_or_default();
    let form = request.form.as_deref();
    let answer =
        send(&gatewit_fetch::Request { url: &request.url, headers: &request.headers, form, most_bytes: MOST_BYTES });
    let answer = answer.map_err(|fault| Refusal::Unavailable(format!("{place}: {fault}")))?;
    step("the provider answered", &[("url", place), ("status", &answer.status.to_string())]);
    Ok(answer)
}

/// What shows a provider who we are, signed with our own key.
fn assertion(client: &Client<'_>, endpoint: &str) -> Result<String, Refusal> {
    let unusable = |why: &str| Refusal::Misconfigured(format!("`client-private-keys` cannot be used: {why}"));
    let key = surroundings::own_key("client-private-keys").map_err(unusable)?;
    let id = pkce::secret(&random_bytes(pkce::RANDOM_BYTES));
    let input = client.assertion(None, endpoint, &id, now()).signing_input(&key.algorithm(), key.id().as_deref())?;
    let signature = key.sign(input.as_bytes()).map_err(|error| unusable(surroundings::told(&error)))?;
    Ok(client::signed(input, &signature))
}
