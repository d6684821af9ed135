//! Typed calls in JSON: the name of an operation, its arguments by name, and its answer. Each language makes functions with
//! types of them.

use crate::problem::Problem;
use gatewit_host::{Client, Credentials, Gatewit, Held, OpenSession, Person, Provider, Tokens};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::SystemTime};

/// What any operation may be given. Which of it each wants, [`call`] says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    provider: Option<String>,
    #[serde(default)]
    credentials: BTreeMap<String, String>,
    otp: Option<String>,
    #[serde(default)]
    one_token: bool,
    refresh_token: Option<String>,
    session_token: Option<String>,
    token: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    id: Option<String>,
    email: Option<String>,
    password: Option<String>,
    url: Option<String>,
    client: Option<Behalf>,
}

/// On whose behalf the program calls.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Behalf {
    address: Option<String>,
    user_agent: Option<String>,
    origin: Option<String>,
}

pub(crate) async fn call(gatewit: &Gatewit, operation: &str, arguments: &[u8]) -> Result<String, Problem> {
    let mut given: Arguments =
        serde_json::from_slice(arguments).map_err(|error| Problem::Usage(format!("{operation}: {error}")))?;
    let client = given.client.take().unwrap_or_default().try_into()?;
    let client = &client;
    let need = |value: Option<String>, name: &str| {
        value.ok_or_else(|| Problem::Usage(format!("{operation}: `{name}` is missing")))
    };
    let answer = match operation {
        "login" => {
            let Arguments { provider, credentials: fields, otp, one_token, .. } = given;
            let provider = provider.unwrap_or_else(|| "default".to_owned());
            tokens(gatewit.login(&Credentials { provider, fields, otp, one_token }, client).await?)
        }
        "refresh" => tokens(gatewit.refresh(held(operation, given)?, client).await?),
        "logout" => gatewit.logout(held(operation, given)?, client).await.map(|()| Value::Null)?,
        "verify" => person(gatewit.verify(&need(given.token, "token")?, client).await?),
        // JSON already.
        "me" => return Ok(gatewit.me(&need(given.token, "token")?, &given.fields, client).await?),
        "sessions" => {
            let open = gatewit.sessions(&need(given.token, "token")?, client).await?;
            open.into_iter().map(session).collect()
        }
        "end_session" => {
            let (token, id) = (need(given.token, "token")?, need(given.id, "id")?);
            gatewit.end_session(&token, &id, client).await.map(|()| Value::Null)?
        }
        "end_other_sessions" => gatewit.end_other_sessions(&need(given.token, "token")?, client).await?.into(),
        "providers" => gatewit.providers().await?.into_iter().map(provider).collect(),
        "request_password_reset" => {
            let email = need(given.email, "email")?;
            gatewit.request_password_reset(&email, given.url.as_deref(), client).await.map(|()| Value::Null)?
        }
        "reset_password" => {
            let (token, password) = (need(given.token, "token")?, need(given.password, "password")?);
            gatewit.reset_password(&token, &password, client).await.map(|()| Value::Null)?
        }
        "register" => {
            let (email, password) = (need(given.email, "email")?, need(given.password, "password")?);
            gatewit.register(&email, &password, given.url.as_deref(), client).await.map(|()| Value::Null)?
        }
        "verify_registration" => gatewit.verify_registration(&need(given.token, "token")?, client).await?.into(),
        "accept_invitation" => {
            let (token, password) = (need(given.token, "token")?, need(given.password, "password")?);
            gatewit.accept_invitation(&token, &password, client).await.map(|()| Value::Null)?
        }
        _ => return Err(Problem::Usage(format!("there is no operation `{operation}`"))),
    };
    Ok(answer.to_string())
}

fn held(operation: &str, given: Arguments) -> Result<Held, Problem> {
    match (given.refresh_token, given.session_token) {
        (Some(token), None) => Ok(Held::RefreshToken(token)),
        (None, Some(token)) => Ok(Held::SessionToken(token)),
        _ => Err(Problem::Usage(format!("{operation}: give either `refresh_token` or `session_token`"))),
    }
}

impl TryFrom<Behalf> for Client {
    type Error = Problem;

    fn try_from(given: Behalf) -> Result<Self, Problem> {
        let Behalf { address, user_agent, origin } = given;
        let parse =
            |address: String| address.parse().map_err(|_| Problem::Usage(format!("client: `{address}` is no address")));
        Ok(Self { address: address.map(parse).transpose()?, user_agent, origin })
    }
}

fn tokens(tokens: Tokens) -> Value {
    let Tokens { access_token, refresh_token, expires_in } = tokens;
    json!({"access_token": access_token, "refresh_token": refresh_token, "expires_in_ms": milliseconds(expires_in.as_millis())})
}

fn person(person: Person) -> Value {
    let Person { user, role, share, admin, app, policies } = person;
    json!({"user": user, "role": role, "share": share, "admin": admin, "app": app, "policies": policies})
}

fn session(session: OpenSession) -> Value {
    let OpenSession { id, user, share, provider, expires, client, current } = session;
    let Client { address, user_agent, origin } = client;
    let expires = expires.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis());
    json!({
        "id": id, "user": user, "share": share, "provider": provider, "expires_ms": milliseconds(expires),
        "client": {"address": address, "user_agent": user_agent, "origin": origin}, "current": current,
    })
}

fn provider(provider: Provider) -> Value {
    let Provider { name, driver, label, icon } = provider;
    json!({"name": name, "driver": driver, "label": label, "icon": icon})
}

/// As JSON has them: a number of 128 bits is none there.
fn milliseconds(time: u128) -> u64 {
    u64::try_from(time).unwrap_or(u64::MAX)
}
