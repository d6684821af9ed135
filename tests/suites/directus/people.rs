//! The accounts that a Directus has before Gatewit comes, made by its own interface.

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, sign_in};
use e2e::directus::Directus;
use e2e::otp;
use serde_json::{Value, json};

/// Somebody with a role and a policy.
pub(super) const PLAIN: (&str, &str) = ("plain@example.com", "User-password1");
/// Somebody who comes back after Directus has gone.
pub(super) const LATER: (&str, &str) = ("later@example.com", "User-password1");
/// Somebody who was suspended.
pub(super) const SUSPENDED: (&str, &str) = ("suspended@example.com", "User-password1");
/// Somebody who may read accounts and nothing else.
const NARROW: (&str, &str) = ("narrow@example.com", "User-password1");
/// Those with a second factor: Gatewit takes each code once, so there are two.
const FACTORS: [&str; 2] = ["factor1@example.com", "factor2@example.com"];
/// The static token of [`PLAIN`].
const FIXED: &str = "a-static-token-of-the-tests";
/// The static token of [`SUSPENDED`].
const SUSPENDED_TOKEN: &str = "a-static-token-of-somebody-suspended";

/// Who is there, and what they hold.
pub(super) struct People {
    /// An access token of the administrator, by Directus.
    pub(super) admin: String,
    /// An access token of [`PLAIN`].
    pub(super) plain: String,
    /// Their static token.
    pub(super) fixed: String,
    /// An access token of somebody who may read accounts and nothing else.
    pub(super) narrow: String,
    /// A static token of somebody who was suspended.
    pub(super) suspended: String,
    /// A refresh token that they had.
    pub(super) ended: String,
    /// The role of them all.
    pub(super) role: String,
    /// Accounts with a second factor and its key. Their password is that of [`PLAIN`].
    pub(super) factors: Vec<(String, Vec<u8>)>,
}

impl People {
    pub(super) async fn invite(directus: &Directus) -> anyhow::Result<Self> {
        let mut client = directus.client();
        let admin = sign_in(&mut client, ADMIN).await?.access;
        let mut caller = Caller::with(client, &admin);
        let role = role(&mut caller).await?;
        let account = |email: &str, token: Option<&str>| json!({"email": email, "password": PLAIN.1, "role": role, "token": token, "first_name": "Zoë"});
        let mut id = Value::Null;
        for (email, token) in [(LATER.0, None), (PLAIN.0, Some(FIXED)), (SUSPENDED.0, Some(SUSPENDED_TOKEN))] {
            id = caller.data("POST", "/users", &account(email, token)).await?["id"].clone();
        }
        let ended = sign_in(caller.client(), SUSPENDED).await?.refresh;
        let path = format!("/users/{}", id.as_str().context("no id")?);
        caller.data("PATCH", &path, &json!({"status": "suspended"})).await?;
        let plain = sign_in(caller.client(), PLAIN).await?.access;
        let read = json!({"collection": "directus_users", "action": "read", "fields": ["id", "email", "role"]});
        let policy = json!({"name": "Read", "permissions": {"create": [read], "update": [], "delete": []}});
        let policy = caller.data("POST", "/policies", &policy).await?["id"].clone();
        let somebody = json!({"email": NARROW.0, "password": NARROW.1});
        let somebody = caller.data("POST", "/users", &somebody).await?["id"].clone();
        caller.data("POST", "/access", &json!({"user": somebody, "policy": policy})).await?;
        let narrow = sign_in(caller.client(), NARROW).await?.access;
        let mut factors = Vec::new();
        for email in FACTORS {
            caller.data("POST", "/users", &account(email, None)).await?;
            factors.push((email.to_owned(), second_factor(directus, email).await?));
        }
        let (fixed, suspended) = (FIXED.to_owned(), SUSPENDED_TOKEN.to_owned());
        Ok(Self { admin, plain, fixed, narrow, suspended, ended, role, factors })
    }
}

/// A role below another, with a policy at each and rules that name who is asking.
async fn role(caller: &mut Caller) -> anyhow::Result<String> {
    let own = json!({"id": {"_eq": "$CURRENT_USER"}});
    let read = json!({"collection": "directus_users", "action": "read", "fields": ["id", "email", "first_name", "role",
        "status"], "permissions": {"status": {"_neq": "archived"}}});
    let update = json!({"collection": "directus_users", "action": "update", "fields": ["*"], "permissions": own});
    let app = json!({"name": "App", "app_access": true, "permissions": {"create": [read, update], "update": [],
        "delete": []}});
    let here = json!({"name": "Here", "ip_access": ["127.0.0.0/8"], "enforce_tfa": false});
    let mut parent = Value::Null;
    for (name, policy) in [("Staff", app), ("Desk", here)] {
        let policy = caller.data("POST", "/policies", &policy).await?["id"].clone();
        let role = caller.data("POST", "/roles", &json!({"name": name, "parent": parent})).await?["id"].clone();
        caller.data("POST", "/access", &json!({"role": role, "policy": policy})).await?;
        parent = role;
    }
    Ok(parent.as_str().context("no role")?.to_owned())
}

/// Sets up a second factor as a person does; its key.
async fn second_factor(directus: &Directus, email: &str) -> anyhow::Result<Vec<u8>> {
    let mut client = directus.client();
    let token = sign_in(&mut client, (email, PLAIN.1)).await?.access;
    let mut caller = Caller::with(client, &token);
    let made = caller.data("POST", "/users/me/tfa/generate", &json!({"password": PLAIN.1})).await?;
    let secret = made["secret"].as_str().context("no secret")?;
    let key = otp::key(secret)?;
    otp::settle().await?;
    let enable = json!({"secret": secret, "otp": otp::code(&key, 0)?});
    let answer = caller.send("POST", "/users/me/tfa/enable", &enable).await?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.text());
    Ok(key)
}
