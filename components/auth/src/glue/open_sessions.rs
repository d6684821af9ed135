//! Who is signed in, and where.

use super::{
    Auth, accounts, convert,
    exports::gatewit::auth::{
        access::Principal,
        open_sessions::{Guest, OpenSession},
    },
    gatewit::{
        auth::types::{Client, Reason},
        storage::sessions as stored,
    },
    now_ms,
};
use crate::flow::{
    Refusal,
    open_sessions::{self, Whose},
};
use alloc::{string::String, vec::Vec};

/// Sessions in one list. More than anybody reads, and a few hundred kilobytes.
const SESSIONS_MAX: u32 = 1_000;

impl Guest for Auth {
    fn list(principal: Principal, user: Option<String>, everybody: bool) -> Result<Vec<OpenSession>, Reason> {
        accounts::not_in_setup(&principal)?;
        let whose = open_sessions::shown(principal.user.as_deref(), principal.admin, user.as_deref(), everybody)?;
        let user = account(&whose);
        let current = current(&principal);
        let shown = |session: stored::OpenSession| OpenSession {
            current: current.as_ref() == Some(&session.id),
            id: session.id,
            user: session.user,
            share: session.share,
            provider: session.provider,
            expires_at_ms: session.expires_at_ms,
            client: Client {
                address: session.client.address,
                user_agent: session.client.user_agent,
                origin: session.client.origin,
            },
        };
        Ok(stored::open_sessions(user, SESSIONS_MAX, now_ms())?.into_iter().map(shown).collect())
    }

    fn end(principal: Principal, id: String, client: Client) -> Result<(), Reason> {
        accounts::not_in_setup(&principal)?;
        let whose = open_sessions::endable(principal.user.as_deref(), principal.admin)?;
        match stored::end_open(account(&whose), Some(&id), None, &convert::client(&client), now_ms())? {
            // Of one that is somebody else's it is not told whether it is there.
            0 => Err(Refusal::Forbidden(None).into()),
            _ => Ok(()),
        }
    }

    fn end_all(principal: Principal, user: Option<String>, client: Client) -> Result<u32, Reason> {
        accounts::not_in_setup(&principal)?;
        let whose = open_sessions::shown(principal.user.as_deref(), principal.admin, user.as_deref(), false)?;
        let keep = if user.is_none() { current(&principal) } else { None };
        Ok(stored::end_open(account(&whose), None, keep.as_deref(), &convert::client(&client), now_ms())?)
    }
}

fn account(whose: &Whose) -> Option<&str> {
    match whose {
        Whose::Of(user) => Some(user),
        Whose::Everybody => None,
    }
}

/// The session that asks, if a session does.
fn current(principal: &Principal) -> Option<String> {
    principal.session.as_deref().map(stored::family_id)
}
