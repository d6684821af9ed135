//! Sign-in, refresh and sign-out.

use super::{
    Auth,
    access::{claims, policies},
    attempts, convert,
    exports::gatewit::auth::sessions::{Attempt, Form, Grant, Guest, Held},
    gatewit::{
        auth::{
            pace,
            types::{Client, Reason},
        },
        driver::types::{self as driver, Subject},
        drivers::dispatch,
        keys::signing,
        log::log::Level,
        storage::{
            sessions::{self as stored, NewSession, Rotated, Rotation, Session, Source},
            users::{self, User},
        },
    },
    membership::{self, Visitor},
    now_ms, number, random, second_factor, sign, write_log,
};
use crate::flow::{
    Refusal, access, session, sign_in,
    token::{self, Claims, Presented},
};
use alloc::string::{String, ToString};

impl Guest for Auth {
    fn login(attempt: Attempt, client: Client) -> Result<Grant, Reason> {
        pace::hold(number("login-stall-ms")?);
        let guard = attempts::Guard::new(&attempt, &client)?;
        let identity = dispatch::login(&attempt.provider, &attempt.values);
        // Only now: an attempt that waits costs the same time as any other.
        guard.check()?;
        let identity = match identity {
            Ok(identity) => identity,
            Err(refusal) => {
                if matches!(refusal, driver::Refusal::InvalidCredentials) {
                    guard.failed(&client)?;
                }
                return Err(convert::driver_refusal(&attempt.provider, refusal));
            }
        };
        let check = |user: &User| {
            let checked = check_factor(user, attempt.otp.as_deref());
            if checked.is_err() && attempt.otp.is_some() {
                guard.missed(user, &client)?;
            }
            checked
        };
        let (user, source) = match &identity.subject {
            Subject::Email(email) => {
                let user = users::find_by_email(email)?;
                let account = user.as_ref().map(convert::account);
                sign_in::admit(account.as_ref(), &attempt.provider)?;
                let user = user.ok_or(Reason::InvalidCredentials)?;
                check(&user)?;
                (user, None)
            }
            // Somebody whom another place vouches for may be new here, and is brought up to date.
            Subject::Identifier(_) => {
                let visitor = Visitor::new(&attempt.provider, &identity)?;
                (visitor.admit(&client, check)?, Some(visitor.source()))
            }
        };
        guard.succeeded()?;
        let id = begin(Beginning { user: Some(&user.id), source, ..Beginning::default() }, &client)?;
        grant(&user, &id, attempt.form, Moment::SignIn, &client, now_ms())
    }

    fn refresh(held: Held, form: Form, client: Client) -> Result<Grant, Reason> {
        let id = session_id(held)?;
        let now_ms = now_ms();
        let session = match stored::find(&id, now_ms)? {
            Some(session) => session,
            None => return Err(unknown(&id, now_ms)),
        };
        if let Some(share) = &session.share {
            let next = exchange(&id, &session, form, &client, now_ms)?;
            return share_refreshed(share, &next, form);
        }
        let user = owner(&session, &id, now_ms)?;
        if !session.superseded {
            membership::refresh(user, session.source.as_ref())?;
        }
        let next = exchange(&id, &session, form, &client, now_ms)?;
        grant(user, &next, form, Moment::Refresh, &client, now_ms)
    }

    fn logout(held: Held, client: Client) -> Result<(), Reason> {
        stored::end(&session_id(held)?, &convert::client(&client), now_ms())?;
        Ok(())
    }
}

/// Refuses a sign-in whose second factor is missing or wrong.
pub(super) fn check_factor(user: &User, code: Option<&str>) -> Result<(), Reason> {
    let Some(secret) = &user.tfa_secret else { return Ok(()) };
    let code = code.ok_or(Refusal::InvalidOtp)?;
    if second_factor::accept(user, secret, code, "sign-in")? { Ok(()) } else { Err(Refusal::InvalidOtp.into()) }
}

/// Whose session begins, and by what.
#[derive(Default)]
pub(super) struct Beginning<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) share: Option<&'a str>,
    /// Who at which provider it goes back to, and what the driver wants to see again at its end.
    pub(super) source: Option<Source>,
    pub(super) parting_data: Option<String>,
}

/// Begins a session of an account or a share; its id.
pub(super) fn begin(beginning: Beginning<'_>, client: &Client) -> Result<String, Reason> {
    let Beginning { user, share, source, parting_data } = beginning;
    let id = session::first(&random(session::ENTROPY_BYTES).try_into().map_err(|_| Reason::Internal)?);
    let now_ms = now_ms();
    let begun = NewSession {
        token: id.clone(),
        user: user.map(ToString::to_string),
        share: share.map(ToString::to_string),
        source,
        parting_data,
        expires_at_ms: now_ms + number("refresh-token-ms")?,
        client: convert::client(client),
    };
    stored::begin(&begun, now_ms)?;
    Ok(id)
}

/// When a token is made: only at sign-in does it say that a second factor is demanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    SignIn,
    Refresh,
}

pub(super) fn session_id(held: Held) -> Result<String, Reason> {
    match held {
        Held::RefreshToken(token) => Ok(token),
        Held::SessionToken(token) => match token::sort(&token) {
            Presented::Static(_) => Err(Reason::InvalidCredentials),
            Presented::Ours(jws) => claims(&jws)?.session.ok_or_else(|| {
                Reason::InvalidPayload("The refresh token is required in either the payload or cookie".to_string())
            }),
        },
    }
}

/// A token that was ours and is not any more has been used by somebody else in the meantime: both lose the session
/// (RFC 9700, section 4.14.2).
fn unknown(id: &str, now_ms: u64) -> Reason {
    if session::is_id(id) {
        match stored::end_family(id, now_ms) {
            Ok(0) => {}
            Ok(_) => {
                write_log(Level::Warn, "a refresh token was used again after its exchange; its session has ended", &[])
            }
            Err(error) => return error.into(),
        }
    }
    Reason::InvalidCredentials
}

/// The owner of a session, who may go on; otherwise the session ends here.
fn owner<'a>(session: &'a Session, id: &str, now_ms: u64) -> Result<&'a User, Reason> {
    let user = session.user.as_ref().ok_or(Reason::InvalidCredentials)?;
    if let Err(refusal) = sign_in::continues(convert::standing(user.status)) {
        pace::hold(number("login-stall-ms")?);
        stored::end_family(id, now_ms)?;
        return Err(refusal.into());
    }
    Ok(user)
}

/// Exchanges an id for its successor, or finds the successor that it was exchanged for a moment ago.
fn exchange(id: &str, session: &Session, form: Form, client: &Client, now_ms: u64) -> Result<String, Reason> {
    let derived = session::successor(id, &signing::open("refresh-tokens")?.sign(id.as_bytes())?);
    let known = if session.superseded {
        session.successor.clone()
    } else {
        let life = match form {
            Form::Tokens => number("refresh-token-ms")?,
            Form::Session => number("session-ms")?,
        };
        let rotation = Rotation {
            token: id.to_string(),
            successor: derived.clone(),
            expires_at_ms: now_ms + life,
            grace_until_ms: now_ms + number("session-refresh-grace-ms")?,
            client: convert::client(client),
        };
        match stored::rotate(&rotation, now_ms)? {
            Rotated::Done => return Ok(derived),
            Rotated::Superseded(successor) => successor,
            Rotated::Gone => return Err(Reason::InvalidCredentials),
        }
    };
    let next = known.unwrap_or(derived);
    // Signed out since then: the old token must not bring the session back.
    stored::find(&next, now_ms)?.ok_or(Refusal::InvalidCredentials)?;
    Ok(next)
}

/// How long an access token of a form lives, in seconds and as told to clients.
fn life(form: Form) -> Result<(u64, u64), Reason> {
    Ok(match form {
        Form::Tokens => (number("access-token-seconds")?, number("access-token-ms")?),
        Form::Session => (number("session-seconds")?, number("session-ms")?),
    })
}

/// The tokens of a session.
pub(super) fn grant(
    user: &User,
    id: &str,
    form: Form,
    moment: Moment,
    client: &Client,
    now_ms: u64,
) -> Result<Grant, Reason> {
    let policies = policies(Some(&user.id), user.role.as_deref(), client)?;
    let rights = access::rights(&policies);
    let (life_seconds, expires_in_ms) = life(form)?;
    let issued = now_ms / 1000;
    let access_token = sign(&Claims {
        id: &user.id,
        role: user.role.as_deref(),
        app_access: rights.app,
        admin_access: rights.admin,
        enforce_tfa: moment == Moment::SignIn && user.tfa_secret.is_none() && access::demands_tfa(&policies),
        session: (form == Form::Session).then_some(id),
        iat: issued,
        exp: issued + life_seconds,
        iss: token::ISSUER,
    })?;
    Ok(Grant { access_token, refresh_token: id.to_string(), expires_in_ms })
}

/// The tokens of a share's new session.
pub(super) fn share_grant(share: &str, id: &str, form: Form) -> Result<Grant, Reason> {
    let (claims, expires_in_ms) = share_claims(share, id, form)?;
    Ok(Grant { access_token: sign(&claims)?, refresh_token: id.to_string(), expires_in_ms })
}

/// The same after a refresh; Directus orders the claims differently then.
fn share_refreshed(share: &str, id: &str, form: Form) -> Result<Grant, Reason> {
    let (claims, expires_in_ms) = share_claims(share, id, form)?;
    Ok(Grant { access_token: sign(&claims.refreshed())?, refresh_token: id.to_string(), expires_in_ms })
}

/// What a share's token says, and how long it lives as told to clients.
fn share_claims<'a>(share: &'a str, id: &'a str, form: Form) -> Result<(token::ShareClaims<'a>, u64), Reason> {
    let (life_seconds, expires_in_ms) = life(form)?;
    let session = (form == Form::Session).then_some(id);
    Ok((token::ShareClaims::new(share, session, now_ms() / 1000, life_seconds), expires_in_ms))
}
