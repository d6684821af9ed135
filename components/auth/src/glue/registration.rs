//! People who make an account for themselves.

use super::{
    Auth,
    accounts::{
        self, Recipient, account_change, assign, assign_hash, assign_text, author, check_url, expect_text, mandate,
        new_account, new_password, own_page, project, scoped_token,
    },
    convert,
    exports::gatewit::auth::registration::{Applicant, Guest},
    gatewit::{
        auth::{
            pace,
            types::{Client, Reason},
        },
        storage::{
            types::Value,
            users::{self, Status},
        },
    },
    number,
};
use crate::flow::{
    Refusal,
    filter::{self, Reader},
    link::with_token,
    payload::{self, Input},
    schema,
    scoped::Scope,
    value, verdict,
};
use alloc::{
    string::{String, ToString},
    vec,
};

impl Guest for Auth {
    fn register(applicant: Applicant, url: Option<String>, client: Client) -> Result<(), Reason> {
        check_url(url.as_deref(), "registration-urls", "verify registered users")?;
        let settings = project([
            "public_registration",
            "public_registration_verify_email",
            "public_registration_role",
            "public_registration_email_filter",
        ])?;
        let [open, verified, role, email_filter] = settings;
        if !convert::is_true(&open) {
            return Err(Refusal::Forbidden(None).into());
        }
        let email = ("email", Input::Plain(value::Value::Text(applicant.email.clone())));
        payload::check_address(&[email])?;
        // The hash is computed for those who have an account, too: it takes the same time.
        let hash = new_password(&applicant.password)?;
        pace::hold(number("register-stall-ms")?);
        if !accepts(email_filter, &applicant.email)? {
            return Err(Refusal::Forbidden(None).into());
        }
        let verify = convert::is_true(&verified);
        match users::find_by_email(&applicant.email)? {
            None => create(&applicant, hash, role, verify, &client)?,
            Some(user) if user.status == Status::Unverified && verify => {}
            Some(_) => return Ok(()),
        }
        if verify { send_link(&applicant, url) } else { Ok(()) }
    }

    fn verify(token: String, client: Client) -> Result<String, Reason> {
        let mandate = mandate(&token, Scope::Registration)?;
        let used = || Reason::InvalidPayload("Invalid verification code".to_string());
        let user = users::find_by_email(&mandate.email)?.ok_or_else(used)?;
        let change =
            account_change(&user.id, vec![assign_text("status", "active")], vec![expect_text("status", "unverified")]);
        accounts::write(&[change], &[], &author(Some(&user.id), &client))?.ok_or_else(used)?;
        Ok(user.id)
    }
}

/// Whether the project lets this address in.
fn accepts(email_filter: Value, email: &str) -> Result<bool, Reason> {
    let Value::Json(email_filter) = email_filter else { return Ok(true) };
    let Ok(email_filter) = serde_json::from_str(&email_filter) else { return Ok(false) };
    let variables = filter::Variables::default();
    let reader = Reader { variables: &variables, may_read: &|_, _| true };
    let collection = schema::collection(schema::USERS).ok_or(Reason::Internal)?;
    let condition = reader.read(&email_filter, collection)?;
    let email = value::Value::Text(email.to_string());
    Ok(verdict::holds(&condition, &|column| if column == "email" { email.clone() } else { value::Value::Null }))
}

fn create(applicant: &Applicant, hash: u32, role: Value, verify: bool, client: &Client) -> Result<(), Reason> {
    let mut assignments = vec![
        assign_text("email", &applicant.email),
        assign_hash("password", hash),
        assign_text("status", if verify { "unverified" } else { "active" }),
        assign("role", role),
    ];
    let names = [("first_name", &applicant.given_name), ("last_name", &applicant.family_name)];
    assignments.extend(names.into_iter().filter_map(|(name, value)| Some(assign_text(name, value.as_deref()?))));
    match accounts::write(&[new_account(assignments)], &[], &author(None, client)) {
        // Somebody registered the same address a moment ago: told like any other.
        Err(Reason::NotUnique(_)) => Ok(()),
        other => other.map(drop),
    }
}

fn send_link(applicant: &Applicant, url: Option<String>) -> Result<(), Reason> {
    let token = scoped_token(&applicant.email, Scope::Registration, None, "verification-seconds")?;
    let page = match url {
        Some(url) => url,
        None => own_page("users/register/verify-email")?,
    };
    let recipient = Recipient {
        email: &applicant.email,
        language: None,
        given_name: applicant.given_name.as_deref(),
        family_name: applicant.family_name.as_deref(),
    };
    accounts::mail("user-registration", &recipient, with_token(&page, &token));
    Ok(())
}
