//! Passwords that were forgotten.

use super::{
    Auth,
    accounts::{
        self, Recipient, account_change, assign_hash, author, by_email, check_url, end_sessions, mandate, new_password,
        own_page, scoped_token,
    },
    exports::gatewit::auth::recovery::Guest,
    gatewit::{
        auth::{
            pace,
            types::{Client, Reason},
        },
        passwords::hashing,
        storage::{records::Expectation, users::Status},
    },
};
use crate::flow::{Refusal, link::with_token, scoped::Scope, sign_in::DEFAULT_PROVIDER};
use alloc::string::String;

/// What a request takes at least, in milliseconds. Directus has no setting for it.
const REQUEST_STALL_MS: u64 = 500;

impl Guest for Auth {
    fn request(email: String, url: Option<String>, _: Client) -> Result<(), Reason> {
        check_url(url.as_deref(), "password-reset-urls", "reset passwords")?;
        pace::hold(REQUEST_STALL_MS);
        let Some((user, email, language)) = by_email(&email)? else { return Ok(()) };
        if user.status != Status::Active || user.provider != DEFAULT_PROVIDER {
            return Ok(());
        }
        let Some(mark) = hashing::mark(&user.id)? else { return Ok(()) };
        let token = scoped_token(&email, Scope::PasswordReset, Some(&mark), "password-reset-seconds")?;
        let page = match url {
            Some(url) => url,
            None => own_page("admin/reset-password")?,
        };
        let recipient = Recipient { email: &email, language: language.as_deref(), ..Recipient::default() };
        accounts::mail("password-reset", &recipient, with_token(&page, &token));
        Ok(())
    }

    fn reset(token: String, password: String, client: Client) -> Result<(), Reason> {
        let mandate = mandate(&token, Scope::PasswordReset)?;
        let forbidden = || Reason::from(Refusal::Forbidden(None));
        let mark = mandate.mark.ok_or_else(forbidden)?;
        let (user, ..) = by_email(&mandate.email)?.ok_or_else(forbidden)?;
        if user.status != Status::Active || hashing::mark(&user.id)?.as_ref() != Some(&mark) {
            return Err(forbidden());
        }
        let hash = new_password(&password)?;
        let change = account_change(
            &user.id,
            alloc::vec![assign_hash("password", hash)],
            alloc::vec![Expectation::PasswordMark(mark), accounts::expect_text("status", "active"),],
        );
        let written = accounts::write(&[change], &[end_sessions(&user.id, None)], &author(Some(&user.id), &client))?;
        // Somebody else used the token, or changed the password, a moment ago.
        written.map(drop).ok_or_else(forbidden)
    }
}
