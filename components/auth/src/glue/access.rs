//! Who is asking: tokens to principals.

use super::{
    Auth, convert,
    exports::gatewit::auth::access::{Guest, Principal},
    gatewit::{
        auth::types::{Client, Reason},
        keys::signing,
        storage::{access as stored, sessions, users},
    },
    now_ms,
};
use crate::flow::{
    Refusal,
    access::{self, Policy},
    sign_in::Standing,
    token::{self, Claimed, Presented},
};
use alloc::{string::String, vec::Vec};
use gatewit_jose::Compact;

impl Guest for Auth {
    fn authenticate(token: String, client: Client) -> Result<Principal, Reason> {
        match token::sort(&token) {
            Presented::Static(token) => owner_of_static(token, &client),
            Presented::Ours(jws) => bearer(verify(&jws)?, &client),
        }
    }
}

/// The claims of a token of ours, verified.
pub(super) fn verify(jws: &Compact<'_>) -> Result<Claimed, Reason> {
    let genuine = signing::open("access-tokens")?.verify(jws.signing_input.as_bytes(), &jws.signature)?;
    Ok(token::read(jws, genuine, now_ms() / 1000)?)
}

/// The policies of an account that apply to this client.
pub(super) fn policies(user: Option<&str>, role: Option<&str>, client: &Client) -> Result<Vec<Policy>, Reason> {
    let all = stored::policies(user, role)?.into_iter().map(convert::policy).collect();
    Ok(access::applying(all, client.address.as_deref()))
}

fn owner_of_static(token: &str, client: &Client) -> Result<Principal, Reason> {
    let user = users::find_by_static_token(token)?
        .filter(|user| convert::standing(user.status) == Standing::Active)
        .ok_or(Refusal::InvalidCredentials)?;
    principal(Claimed { id: Some(user.id), role: user.role, ..Claimed::default() }, client)
}

/// A token with a session is as good as the session and its owner; one without is good until it expires.
fn bearer(claimed: Claimed, client: &Client) -> Result<Principal, Reason> {
    let Some(id) = &claimed.session else { return principal(claimed, client) };
    let session = sessions::find(id, now_ms())?.ok_or(Refusal::InvalidCredentials)?;
    if session.share != claimed.share || session.user.as_ref().map(|user| &user.id) != claimed.id.as_ref() {
        return Err(Reason::InvalidCredentials);
    }
    let role = match session.user {
        Some(user) if convert::standing(user.status) == Standing::Active => user.role,
        Some(_) => return Err(Reason::InvalidCredentials),
        None => claimed.role,
    };
    principal(Claimed { role, ..claimed }, client)
}

fn principal(claimed: Claimed, client: &Client) -> Result<Principal, Reason> {
    let policies = policies(claimed.id.as_deref(), claimed.role.as_deref(), client)?;
    let rights = access::rights(&policies);
    Ok(Principal {
        user: claimed.id,
        role: claimed.role,
        share: claimed.share,
        session: claimed.session,
        admin: rights.admin,
        app: rights.app,
        policies: policies.into_iter().map(|policy| policy.id).collect(),
    })
}
