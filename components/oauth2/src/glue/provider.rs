//! The provider of this call: its settings and its token endpoint.

use gatewit_fetch::{
    exchange::{self, required},
    surroundings::text,
};
use gatewit_oauth::{
    Refusal,
    client::{Client, Method},
    token::Tokens,
};

/// Asks the token endpoint.
pub(super) fn tokens(form: &[(&str, &str)]) -> Result<Tokens, Refusal> {
    let (endpoint, id, secret) = (required("access-url")?, required("client-id")?, text("client-secret"));
    let method = Method::parse(text("client-token-endpoint-auth-method").as_deref())?;
    let algorithm = text("client-token-endpoint-auth-signing-alg");
    let client = Client { id: &id, secret: secret.as_deref(), method, algorithm: algorithm.as_deref() };
    exchange::tokens(&client, None, &endpoint, form)
}
