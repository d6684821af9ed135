//! The operations as calls of the embedding program, without HTTP.

use super::{Client, Credentials, Held, OpenSession, Person, Provider, Refused, Tokens};
use crate::{
    Gatewit,
    bindings::auth::{exports::gatewit::auth::registration::Applicant, gatewit::auth::types::Reason},
    gatewit::broken,
    http::{attempt, refusal::Refusal},
    visit::{CallId, Caller, SET_UP_FIRST, Visit},
};
use serde_json::{Map, Value};
use std::pin::Pin;
use tokio::time::Instant;

/// A call that is under way. It does nothing until it is awaited.
///
/// Boxed, so that programs compile their own code and not ours.
pub type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refused>> + Send + 'a>>;

impl Gatewit {
    /// Signs somebody in.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS` for whatever could tell whether there is such an account, `INVALID_OTP`, `INVALID_PAYLOAD` for
    /// fields that are missing, malformed or not the provider's, and what keeps the server from answering. A refusal takes
    /// `LOGIN_STALL_TIME`.
    #[must_use]
    pub fn login<'a>(&'a self, credentials: &'a Credentials, client: &'a Client) -> Call<'a, Tokens> {
        Box::pin(async move {
            let visit = self.visit(client);
            let served = self.0.provider(&credentials.provider).filter(|served| served.takes_credentials());
            let Some(served) = served else {
                let reason = format!("There is no provider \"{}\" that takes credentials", credentials.provider);
                return Err(Refused::new(Refusal::payload(reason)));
            };
            let fields = credentials.fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
            let otp = credentials.otp.iter().map(|otp| ("otp".to_owned(), Value::from(otp.as_str())));
            let body = Value::Object(fields.chain(otp).collect::<Map<_, _>>());
            let attempt = match attempt::read(&served, &credentials.provider, &body, credentials.form()) {
                Ok(attempt) => attempt,
                Err(refusal) => {
                    visit.hold(self.0.wire.login_stall).await;
                    return Err(Refused::new(refusal));
                }
            };
            let granted = visit.login(&served.name, &attempt).await;
            granted.map(|grant| Tokens::of(grant, credentials.form())).map_err(|reason| visit.refused(reason))
        })
    }

    /// Exchanges what somebody holds for its successor. The same token twice within the grace period gets the same
    /// successor; presented later, it ends the session everywhere (RFC 9700, section 4.14.2).
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS` for a session that is over, and what keeps the server from answering.
    #[must_use]
    pub fn refresh<'a>(&'a self, held: Held, client: &'a Client) -> Call<'a, Tokens> {
        Box::pin(async move {
            let (visit, form) = (self.visit(client), held.form());
            let granted = visit.refresh(&held.into(), form).await;
            granted.map(|grant| Tokens::of(grant, form)).map_err(|reason| visit.refused(reason))
        })
    }

    /// Ends a session. A token that is not known is no error.
    ///
    /// # Errors
    /// What keeps the server from answering.
    #[must_use]
    pub fn logout<'a>(&'a self, held: Held, client: &'a Client) -> Call<'a, ()> {
        Box::pin(async move {
            let (visit, held) = (self.visit(client), held.into());
            let ended = visit.operate(None, async |_, rules| rules.logout(&held, &visit.client).await);
            ended.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Whose access token, session token or static token it is. Looked up with every call: an account that is suspended and a
    /// session that has ended are found out at once.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS`, `INVALID_TOKEN`, `TOKEN_EXPIRED`; `FORBIDDEN` for somebody who has to set up a second factor
    /// first; `INVALID_IP`; and what keeps the server from answering.
    #[must_use]
    pub fn verify<'a>(&'a self, token: &'a str, client: &'a Client) -> Call<'a, Person> {
        Box::pin(async move {
            let visit = self.visit(client);
            let caller = visit.person(token).await.map_err(|reason| visit.refused(reason))?;
            Ok(caller.principal.into())
        })
    }

    /// The account of whose token it is, as a JSON object, as far as they may read it. `fields` are names, `*`, or
    /// `relation.name`; none means all.
    ///
    /// # Errors
    /// As [`Gatewit::verify`]; `FORBIDDEN` for fields that they may not read.
    #[must_use]
    pub fn me<'a>(&'a self, token: &'a str, fields: &'a [String], client: &'a Client) -> Call<'a, String> {
        Box::pin(async move {
            let visit = self.visit(client);
            let caller = visit.authenticate(token).await.map_err(|reason| visit.refused(reason))?;
            let account = visit.operate_as(caller, async |who, rules| rules.me(who, fields).await);
            account.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Where the owner of the token is signed in; the session that lasts longest comes first.
    ///
    /// # Errors
    /// As [`Gatewit::verify`].
    #[must_use]
    pub fn sessions<'a>(&'a self, token: &'a str, client: &'a Client) -> Call<'a, Vec<OpenSession>> {
        Box::pin(async move {
            let visit = self.visit(client);
            let caller = visit.person(token).await.map_err(|reason| visit.refused(reason))?;
            let listed = visit.operate_as(caller, async |who, rules| rules.open_sessions(who, None, false).await);
            let listed = listed.await.map_err(|reason| visit.refused(reason))?;
            Ok(listed.into_iter().map(Into::into).collect())
        })
    }

    /// Ends one of the sessions of the token's owner, by its name in [`Gatewit::sessions`].
    ///
    /// # Errors
    /// As [`Gatewit::verify`]; `FORBIDDEN` if it is not there or not theirs.
    #[must_use]
    pub fn end_session<'a>(&'a self, token: &'a str, id: &'a str, client: &'a Client) -> Call<'a, ()> {
        Box::pin(async move {
            let visit = self.visit(client);
            let mut caller = visit.person(token).await.map_err(|reason| visit.refused(reason))?;
            // An administrator is an owner here like everybody.
            caller.principal.admin = false;
            let ended = visit.operate_as(caller, async |who, rules| rules.end_session(who, id, &visit.client).await);
            ended.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Signs the owner of the token out everywhere but in the session of the token. How many sessions ended.
    ///
    /// # Errors
    /// As [`Gatewit::verify`].
    #[must_use]
    pub fn end_other_sessions<'a>(&'a self, token: &'a str, client: &'a Client) -> Call<'a, u32> {
        Box::pin(async move {
            let visit = self.visit(client);
            let caller = visit.person(token).await.map_err(|reason| visit.refused(reason))?;
            let ended = visit.operate_as(caller, async |who, rules| rules.end_sessions(who, None, &visit.client).await);
            ended.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// The providers to show to people, in the configured order.
    ///
    /// # Errors
    /// What keeps the server from answering.
    #[must_use]
    pub fn providers(&self) -> Call<'_, Vec<Provider>> {
        Box::pin(async move {
            let visit = self.visit(&Client::default());
            let list = async {
                let mut rules = visit.rules().await?;
                rules.providers(false).await.map_err(|error| broken(&error))?
            };
            let list = list.await.map_err(|reason| visit.refused(reason))?;
            Ok(list.into_iter().map(Into::into).collect())
        })
    }

    /// Sends a link for a new password to the owner of an address, if there is one who signs in with a password. Whether
    /// there was is never told. `url` is where the link leads, if not to the built-in page.
    ///
    /// # Errors
    /// `INVALID_PAYLOAD` for a URL that is not allowed, and what keeps the server from answering.
    #[must_use]
    pub fn request_password_reset<'a>(
        &'a self,
        email: &'a str,
        url: Option<&'a str>,
        client: &'a Client,
    ) -> Call<'a, ()> {
        Box::pin(async move {
            let visit = self.visit(client);
            let sent = visit.operate(None, async |_, rules| rules.request_reset(email, url, &visit.client).await);
            sent.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Sets a new password with the token of such a link, once, and ends every session of the account.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `FORBIDDEN`; `FAILED_VALIDATION` for a password that the policy does not take.
    #[must_use]
    pub fn reset_password<'a>(&'a self, token: &'a str, password: &'a str, client: &'a Client) -> Call<'a, ()> {
        Box::pin(async move {
            let visit = self.visit(client);
            let set = visit.operate(None, async |_, rules| rules.reset(token, password, &visit.client).await);
            set.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Makes an account, where the project lets people do that, and sends a link by which the address is verified where that
    /// is asked for. Whether there is an account already is never told. `url` is where the link leads, if not here.
    ///
    /// # Errors
    /// `FORBIDDEN` where people may not; `FAILED_VALIDATION` for a password that the policy does not take.
    #[must_use]
    pub fn register<'a>(
        &'a self,
        email: &'a str,
        password: &'a str,
        url: Option<&'a str>,
        client: &'a Client,
    ) -> Call<'a, ()> {
        Box::pin(async move {
            let visit = self.visit(client);
            let (email, password) = (email.to_owned(), password.to_owned());
            let applicant = Applicant { email, password, given_name: None, family_name: None };
            let made = visit.operate(None, async |_, rules| rules.register(&applicant, url, &visit.client).await);
            made.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Verifies an address with the token of such a link. The id of the account.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `FORBIDDEN`.
    #[must_use]
    pub fn verify_registration<'a>(&'a self, token: &'a str, client: &'a Client) -> Call<'a, String> {
        Box::pin(async move {
            let visit = self.visit(client);
            let verified = visit.operate(None, async |_, rules| rules.verify(token, &visit.client).await);
            verified.await.map_err(|reason| visit.refused(reason))
        })
    }

    /// Accepts an invitation with the token of its link, and sets a password.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `INVALID_INVITE`; `FAILED_VALIDATION` for a password that the policy does not take.
    #[must_use]
    pub fn accept_invitation<'a>(&'a self, token: &'a str, password: &'a str, client: &'a Client) -> Call<'a, ()> {
        Box::pin(async move {
            let visit = self.visit(client);
            let accepted = visit.operate(None, async |_, rules| rules.accept(token, password, &visit.client).await);
            accepted.await.map_err(|reason| visit.refused(reason))
        })
    }

    fn visit(&self, client: &Client) -> Visit<'_> {
        Visit::new(&self.0, client.into(), Instant::now(), CallId::random())
    }
}

impl Visit<'_> {
    /// Whose token that is; somebody who has to set up a second factor first is nobody yet.
    pub(crate) async fn person(&self, token: &str) -> Result<Caller, Reason> {
        let caller = self.authenticate(token).await?;
        if caller.principal.must_set_up {
            return Err(Reason::Forbidden(Some(SET_UP_FIRST.to_owned())));
        }
        Ok(caller)
    }

    fn refused(&self, reason: Reason) -> Refused {
        Refused::of(reason, self.now)
    }
}
