//! Who is asking: tokens to principals.

use super::{
    Auth, convert,
    exports::gatewit::auth::access::{Guest, Principal},
    flag,
    gatewit::{
        auth::types::{Client, Reason},
        storage::{access as stored, sessions, users},
    },
    now_ms, verify,
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
            Presented::Ours(jws) => bearer(claims(&jws)?, &client),
        }
    }
}

/// The claims of a token of ours, verified.
pub(super) fn claims(jws: &Compact<'_>) -> Result<Claimed, Reason> {
    Ok(token::read(jws, verify(jws)?, now_ms() / 1000)?)
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
    // Static tokens belong to programs, which have no second factor.
    let claimed = Claimed { id: Some(user.id), role: user.role, ..Claimed::default() };
    principal(claimed, Some(true), client)
}

/// A token with a session is as good as the session and its owner; one without is good until it expires.
fn bearer(claimed: Claimed, client: &Client) -> Result<Principal, Reason> {
    let Some(id) = &claimed.session else { return principal(claimed, None, client) };
    let session = sessions::find(id, now_ms())?.ok_or(Refusal::InvalidCredentials)?;
    if session.share != claimed.share || session.user.as_ref().map(|user| &user.id) != claimed.id.as_ref() {
        return Err(Reason::InvalidCredentials);
    }
    let (role, has_factor) = match session.user {
        Some(user) if convert::standing(user.status) == Standing::Active => (user.role, user.tfa_secret.is_some()),
        Some(_) => return Err(Reason::InvalidCredentials),
        None => (claimed.role, true),
    };
    principal(Claimed { role, ..claimed }, Some(has_factor), client)
}

/// What follows from a token. `has_factor` says whether there is a second factor, or needs none; `None` if that is not
/// known yet.
fn principal(claimed: Claimed, has_factor: Option<bool>, client: &Client) -> Result<Principal, Reason> {
    let policies = policies(claimed.id.as_deref(), claimed.role.as_deref(), client)?;
    let rights = access::rights(&policies);
    let demanded = access::demands_tfa(&policies) && flag("enforce-second-factor");
    let must_set_up = match (&claimed.id, has_factor) {
        (Some(id), None) if demanded => users::find(id)?.is_some_and(|user| user.tfa_secret.is_none()),
        (Some(_), Some(has_factor)) => demanded && !has_factor,
        _ => false,
    };
    Ok(Principal {
        user: claimed.id,
        role: claimed.role,
        share: claimed.share,
        session: claimed.session,
        admin: rights.admin,
        app: rights.app,
        must_set_up,
        policies: policies.into_iter().map(|policy| policy.id).collect(),
    })
}
