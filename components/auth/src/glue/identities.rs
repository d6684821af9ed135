//! The identities that sign in to the caller's account.

use super::{
    Auth, accounts, convert,
    exports::gatewit::auth::{
        access::Principal,
        identities::{Guest, Identity},
    },
    gatewit::{
        auth::types::{Client, Reason},
        storage::identities as stored,
    },
    now_ms,
};
use crate::flow::Refusal;
use alloc::{string::String, vec::Vec};

impl Guest for Auth {
    fn list(principal: Principal) -> Result<Vec<Identity>, Reason> {
        accounts::not_in_setup(&principal)?;
        let shown = |identity: stored::Identity| Identity {
            id: identity.id,
            provider: identity.provider,
            identifier: identity.identifier,
            email: identity.email,
            primary: identity.primary,
            linked_at_ms: identity.linked_at_ms,
        };
        Ok(stored::list(accounts::own_id(&principal)?)?.into_iter().map(shown).collect())
    }

    fn unlink(principal: Principal, id: String, client: Client) -> Result<(), Reason> {
        accounts::not_in_setup(&principal)?;
        let user = accounts::own_id(&principal)?;
        if stored::unlink(user, &id, &convert::client(&client), now_ms())? {
            return Ok(());
        }
        // What the account was made for stays; of anything else it is not told whether it is there.
        Err(Refusal::Forbidden(None).into())
    }
}
