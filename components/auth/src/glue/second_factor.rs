//! One-time passwords and recovery codes.

use super::{
    Auth,
    accounts::{self, account_change, assign, assign_text, author, columns, not_in_setup, own_id, project, text},
    caller::Caller,
    convert,
    exports::gatewit::auth::second_factor::{Guest, Principal, Secret},
    gatewit::{
        auth::types::{Client, Reason},
        drivers::dispatch,
        keys::signing,
        storage::{
            counters,
            records::Expectation,
            types::Value,
            users::{self, User},
        },
    },
    now_ms, random,
};
use crate::flow::{
    Refusal, filter::forbidden_collection, otp, payload::Input, rights::Action, schema, sign_in::DEFAULT_PROVIDER,
    value,
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// For how long it is known that a recovery code was used, in milliseconds: as long as anybody keeps one.
const RECOVERY_MEMORY_MS: u64 = 100 * 365 * 86_400_000;

impl Guest for Auth {
    fn generate(principal: Principal, password: Option<String>) -> Result<Secret, Reason> {
        let user = own(&principal)?;
        if user.tfa_secret.is_some() {
            return Err(already_set());
        }
        let Some([email, identifier]) = columns(schema::USERS, &user.id, ["email", "external_identifier"])? else {
            return Err(Reason::InvalidCredentials);
        };
        let email = text(email);
        if has_password(&user.provider) {
            let password = password.ok_or_else(|| payload("\"password\" is required"))?;
            let values = [email.clone().ok_or(Reason::InvalidCredentials)?, password];
            dispatch::login(&user.provider, &values)
                .map_err(|refusal| convert::driver_refusal(&user.provider, refusal))?;
        }
        let [name] = project(["project_name"])?;
        let secret = otp::secret(&random(otp::SECRET_BYTES));
        let account = email.or_else(|| text(identifier)).unwrap_or_default();
        let url = otp::url(&text(name).unwrap_or_default(), &account, &secret);
        Ok(Secret { secret, url })
    }

    fn enable(principal: Principal, secret: String, otp: String, client: Client) -> Result<(), Reason> {
        let user = own(&principal)?;
        if user.tfa_secret.is_some() {
            return Err(already_set());
        }
        let caller = Caller::new(Some(principal))?;
        // Whoever has to set up a second factor may do that without a permission.
        if !caller.principal().is_some_and(|principal| principal.must_set_up) {
            may_change(&caller, &user.id)?;
        }
        if !otp::is_secret(&secret) || !otp::verify(&secret, &otp, now_ms() / 1000) {
            return Err(payload("\"otp\" is invalid"));
        }
        let nothing = Expectation::Value(("tfa_secret".to_string(), Value::Null));
        let change = account_change(&user.id, vec![assign_text("tfa_secret", &secret)], vec![nothing]);
        accounts::write(&[change], &[], &author(Some(&user.id), &client))?.map(drop).ok_or_else(already_set)
    }

    fn disable(principal: Principal, otp: String, client: Client) -> Result<(), Reason> {
        not_in_setup(&principal)?;
        let user = own(&principal)?;
        let Some(secret) = &user.tfa_secret else {
            return Err(payload(&format!("User \"{}\" doesn't have TFA enabled", user.id)));
        };
        may_change(&Caller::new(Some(principal))?, &user.id)?;
        if !accept(&user, secret, &otp, "disable")? {
            return Err(payload("\"otp\" is invalid"));
        }
        take_off(&user.id, Some(&user.id), &client)
    }

    fn remove(principal: Principal, user: String, client: Client) -> Result<(), Reason> {
        not_in_setup(&principal)?;
        if !principal.admin {
            return Err(Refusal::Forbidden(None).into());
        }
        take_off(&user, principal.user.as_deref(), &client)
    }

    fn recovery_codes(principal: Principal, otp: String, _: Client) -> Result<Vec<String>, Reason> {
        let user = own(&principal)?;
        let Some(secret) = &user.tfa_secret else {
            return Err(payload(&format!("User \"{}\" doesn't have TFA enabled", user.id)));
        };
        if otp::recovery_form(&otp).is_some() || !accept(&user, secret, &otp, "recovery-codes")? {
            return Err(payload("\"otp\" is invalid"));
        }
        let now = now_ms();
        let generation = counters::add(&generation_key(&user.id), 1, now + RECOVERY_MEMORY_MS, now)?.value;
        (0..otp::RECOVERY_CODES).map(|index| recovery_code(&user.id, secret, generation, index)).collect()
    }
}

/// Whether a code, or a recovery code, is right and was not used before. Uses it up. Codes for different purposes do not
/// use each other up: only a sign-in can be repeated by somebody who saw it.
pub(super) fn accept(user: &User, secret: &str, code: &str, purpose: &str) -> Result<bool, Reason> {
    let now = now_ms();
    if let Some(code) = otp::recovery_form(code) {
        return accept_recovery(user, secret, &code, now);
    }
    if !otp::verify(secret, code, now / 1000) {
        return Ok(false);
    }
    let step = now / 1000 / otp::STEP_SECONDS;
    let key = format!("otp/{}/{purpose}/{step}", user.id);
    // RFC 6238, section 5.2: a code is accepted once.
    Ok(counters::add(&key, 1, (step + 2) * otp::STEP_SECONDS * 1000, now)?.value == 1)
}

fn accept_recovery(user: &User, secret: &str, code: &str, now: u64) -> Result<bool, Reason> {
    let Some(generation) = counters::read(&generation_key(&user.id), now)? else { return Ok(false) };
    for index in 0..otp::RECOVERY_CODES {
        if otp::equal(&recovery_code(&user.id, secret, generation.value, index)?, code) {
            let key = format!("recovery/{}/{}/{index}", user.id, generation.value);
            return Ok(counters::add(&key, 1, now + RECOVERY_MEMORY_MS, now)?.value == 1);
        }
    }
    Ok(false)
}

fn generation_key(user: &str) -> String {
    format!("recovery/{user}")
}

fn recovery_code(user: &str, secret: &str, generation: u32, index: u32) -> Result<String, Reason> {
    let message = otp::recovery_message(user, secret, generation, index);
    Ok(otp::recovery_code(&signing::open("recovery-codes")?.sign(&message)?))
}

/// The caller's own account, as it is now.
fn own(principal: &Principal) -> Result<User, Reason> {
    users::find(own_id(principal)?)?.ok_or(Reason::InvalidCredentials)
}

/// Whether accounts of a provider have a password here.
fn has_password(provider: &str) -> bool {
    provider == DEFAULT_PROVIDER
        || dispatch::providers().iter().any(|each| each.name == provider && each.driver == "local")
}

/// Refuses callers who may not change this account.
fn may_change(caller: &Caller, user: &str) -> Result<(), Reason> {
    let users = schema::collection(schema::USERS).ok_or(Reason::Internal)?;
    let allowed = caller.allowed(users, Action::Update)?;
    let change = [("tfa_secret", Input::Plain(value::Value::Null))];
    if !allowed.covers("tfa_secret") || !caller.reaches(users, &allowed, user, &change)? {
        return Err(forbidden_collection(schema::USERS).into());
    }
    Ok(())
}

fn take_off(user: &str, by: Option<&str>, client: &Client) -> Result<(), Reason> {
    let change = account_change(user, vec![assign("tfa_secret", Value::Null)], Vec::new());
    let written = accounts::write(&[change], &[], &author(by, client))?;
    written.map(drop).ok_or(Reason::Forbidden(None))
}

fn already_set() -> Reason {
    payload("TFA Secret is already set for this user")
}

fn payload(reason: &str) -> Reason {
    Reason::InvalidPayload(reason.to_string())
}
