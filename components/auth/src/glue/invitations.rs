//! People who are invited.

use super::{
    Auth,
    accounts::{
        self, Recipient, account_change, assign_hash, assign_text, author, by_email, check_url, expect_text, mandate,
        new_account, new_password, own_page, scoped_token,
    },
    caller::Caller,
    exports::gatewit::auth::invitations::{Guest, Principal},
    gatewit::{
        auth::types::{Client, Reason},
        storage::users::Status,
    },
};
use crate::flow::{
    Refusal,
    link::with_token,
    payload::{self, Input},
    rights::Action,
    schema,
    scoped::{Scope, distinct},
    value::Value,
};
use alloc::{string::String, vec, vec::Vec};

/// Addresses of one invitation.
const INVITED_MAX: usize = 100;

impl Guest for Auth {
    fn invite(
        principal: Option<Principal>,
        emails: Vec<String>,
        role: String,
        url: Option<String>,
        client: Client,
    ) -> Result<(), Reason> {
        let caller = Caller::new(principal)?;
        let users = schema::collection(schema::USERS).ok_or(Reason::Internal)?;
        let allowed = caller.allowed(users, Action::Create)?;
        if !["email", "role", "status"].iter().all(|field| allowed.covers(field)) {
            return Ok(());
        }
        check_url(url.as_deref(), "invitation-urls", "invite users")?;
        if emails.len() > INVITED_MAX {
            return Err(Reason::InvalidPayload(alloc::format!("More than {INVITED_MAX} addresses at once")));
        }
        let page = match url {
            Some(url) => url,
            None => own_page("admin/accept-invite")?,
        };
        for email in &emails {
            payload::check_address(&[("email", Input::Plain(Value::Text(email.clone())))])?;
        }
        for email in distinct(&emails) {
            invite_one(&caller, email, &role, &page, &client)?;
        }
        Ok(())
    }

    fn accept(token: String, password: String, client: Client) -> Result<(), Reason> {
        let mandate = mandate(&token, Scope::Invite)?;
        let gone = || Reason::from(Refusal::InvalidInvite);
        let (user, ..) = by_email(&mandate.email)?.ok_or_else(gone)?;
        if user.status != Status::Invited {
            return Err(gone());
        }
        let hash = new_password(&password)?;
        let assignments = vec![assign_hash("password", hash), assign_text("status", "active")];
        let change = account_change(&user.id, assignments, vec![expect_text("status", "invited")]);
        accounts::write(&[change], &[], &author(Some(&user.id), &client))?.map(drop).ok_or_else(gone)
    }
}

fn invite_one(caller: &Caller, email: &str, role: &str, page: &str, client: &Client) -> Result<(), Reason> {
    let author = author(caller.user(), client);
    let (email, language) = match by_email(email)? {
        None => {
            let assignments =
                vec![assign_text("email", email), assign_text("role", role), assign_text("status", "invited")];
            match accounts::write(&[new_account(assignments)], &[], &author) {
                // Somebody else invited them a moment ago: they get a letter of each.
                Err(Reason::NotUnique(_)) => {}
                other => drop(other?),
            }
            (email.into(), None)
        }
        Some((user, email, language)) if user.status == Status::Invited => {
            if user.role.as_deref() != Some(role) {
                let expected = vec![expect_text("status", "invited")];
                accounts::write(&[account_change(&user.id, vec![assign_text("role", role)], expected)], &[], &author)?;
            }
            (email, language)
        }
        Some(_) => return Ok(()),
    };
    let token = scoped_token(&email, Scope::Invite, None, "invitation-seconds")?;
    let recipient = Recipient { email: &email, language: language.as_deref(), ..Recipient::default() };
    accounts::mail("user-invitation", &recipient, with_token(page, &token));
    Ok(())
}
