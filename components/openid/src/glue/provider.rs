//! The provider of this call: its settings, what it says of itself, and its keys.

use super::{document, gatewit::cache::cache};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use gatewit_fetch::{
    exchange::{self, required},
    surroundings::{self, list, now, step, text},
};
use gatewit_oauth::{
    Refusal,
    cached::REFETCH_SECONDS,
    client::{Client, Method},
    discovery::{self, Metadata},
    id_token::{self, Expected},
    issuer::Issuer,
    settings,
    signed::{self, Outcome, Trial, Unverified, Verified},
    token::Tokens,
    userinfo::{self, Told},
};
use serde_json::{Map, Value};

/// A provider.
pub(super) struct Provider {
    pub(super) metadata: Metadata,
    pub(super) issuer: Issuer,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) params: Option<String>,
    pub(super) identifier_key: String,
    pub(super) groups: String,
    pub(super) algorithm: Option<String>,
    pub(super) userinfo_algorithm: Option<String>,
    assertion_algorithm: Option<String>,
    secret: Option<String>,
    method: Method,
}

impl Provider {
    /// Reads the settings, and the discovery document.
    pub(super) fn find() -> Result<Self, Refusal> {
        let issuer_url = required("issuer-url")?;
        let client_id = required("client-id")?;
        let method = Method::parse(text("client-token-endpoint-auth-method").as_deref())?;
        let read = |body: &[u8]| discovery::metadata(body, &issuer_url);
        let metadata = document::find(&discovery::address(&issuer_url), read)?.value;
        Ok(Self {
            issuer: Issuer::new(metadata.issuer.clone(), list("allowed-tenants"))?,
            metadata,
            client_id,
            scope: text("scope").unwrap_or_else(|| settings::OPENID_SCOPE.into()),
            params: text("params"),
            identifier_key: text("identifier-key").unwrap_or_else(|| "sub".into()),
            groups: text("group-claim-name").unwrap_or_else(|| settings::GROUPS.into()),
            algorithm: text("client-id-token-signed-response-alg"),
            userinfo_algorithm: text("client-userinfo-signed-response-alg"),
            assertion_algorithm: text("client-token-endpoint-auth-signing-alg"),
            secret: text("client-secret"),
            method,
        })
    }

    /// What there is to be seen of the provider, a line each.
    pub(super) fn look(&self) -> Result<Vec<String>, Refusal> {
        let Metadata { issuer, authorization_endpoint, jwks_uri, .. } = &self.metadata;
        let keys = document::find(jwks_uri, signed::keys)?;
        let keys = if keys.is_new { "were asked for just now" } else { "are known" };
        Ok(Vec::from([
            format!("the issuer is {issuer}"),
            format!("people sign in at {authorization_endpoint}"),
            format!("its keys {keys} ({jwks_uri})"),
        ]))
    }

    /// Asks the token endpoint.
    pub(super) fn tokens(&self, form: &[(&str, &str)]) -> Result<Tokens, Refusal> {
        let client = Client {
            id: &self.client_id,
            secret: self.secret.as_deref(),
            method: self.method,
            algorithm: self.assertion_algorithm.as_deref(),
        };
        exchange::tokens(&client, self.issuer.only(), &self.metadata.token_endpoint, form)
    }

    /// The claims of an ID token that is good.
    pub(super) fn id_token(&self, token: &str, expected: &Expected<'_>) -> Result<Map<String, Value>, Refusal> {
        let read = Unverified::read("ID token", token, &id_token::KINDS, self.algorithm.as_deref())?;
        id_token::claims(self.verified(read)?, expected)
    }

    /// What the userinfo endpoint says, whose signature is verified if it has one.
    pub(super) fn userinfo(&self, answer: gatewit_oauth::Response<'_>) -> Result<Map<String, Value>, Refusal> {
        match userinfo::read(answer, self.userinfo_algorithm.as_deref())? {
            Told::Plainly(members) => Ok(members),
            Told::Signed(token) => userinfo::signed(self.verified(token)?, &self.issuer, &self.client_id, now()),
        }
    }

    /// A token that bears the provider's signature. If no key that we know made it, the keys are asked for again.
    pub(super) fn verified(&self, token: Unverified<'_>) -> Result<Verified, Refusal> {
        if token.is_by_secret() {
            return token.verify_by_secret(self.secret.as_deref(), verifies);
        }
        let (address, what) = (&self.metadata.jwks_uri, token.what());
        let keys = document::find(address, signed::keys)?;
        step("a token's signature is verified", &[("token", what), ("kid", &token.key_id())]);
        let (token, refusal) = match token.verify(&keys.value, verifies)? {
            Outcome::Verified(token) => return Ok(token),
            Outcome::Unknown(_, refusal) if keys.is_new => return Err(refusal),
            Outcome::Unknown(token, refusal) => (token, refusal),
        };
        // Anybody may send logout tokens, so they do not spend what ID tokens may.
        let mark = format!("asked again {what} {address}");
        if cache::get(&mark).is_some_and(|entry| entry.age_seconds < REFETCH_SECONDS) {
            return Err(refusal);
        }
        cache::put(&mark, "", REFETCH_SECONDS);
        step("no key fits, the provider is asked for its keys again", &[("why", &refusal.to_string())]);
        let keys = document::fetch(address, signed::keys).map_err(Refusal::Unavailable)?;
        match token.verify(&keys, verifies)? {
            Outcome::Verified(token) => Ok(token),
            Outcome::Unknown(_, refusal) => Err(refusal),
        }
    }
}

/// Asks the host whether a signature is good.
fn verifies(trial: Trial<'_>) -> Result<bool, Refusal> {
    surroundings::verifies(trial.key, trial.algorithm, trial.message, trial.signature)
        .map_err(|why| Refusal::Refused(format!("a signature by {} cannot be verified: {why}", trial.algorithm)))
}
