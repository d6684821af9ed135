//! The bindings, and each call as one walk through the protocol.

mod convert;
mod provider;

wit_bindgen::generate!({
    path: "../../wit",
    world: "gatewit:worlds/single-sign-on",
    generate_all,
});

use alloc::{format, string::String, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description},
    check,
    logout::{self, Notice},
    redirect::{self, Arrival, Claim, Departure, Parameter, Start},
    refresh,
};
use gatewit::driver::types::{Destination, Identity, Refusal as Wire};
use gatewit_fetch::{
    exchange::{self, required},
    surroundings::{flag, random_bytes, step, text},
};
use gatewit_oauth::{
    Refusal,
    authorization::{self, Beginning},
    memory::{self, Memory},
    person::{self, Names},
    pkce, settings, token, userinfo,
};

struct OAuth2;

export!(OAuth2);

impl about::Guest for OAuth2 {
    fn describe() -> Description {
        Description {
            name: "oauth2".into(),
            fields: Vec::new(),
            settings: settings::oauth2().map(convert::setting).collect(),
        }
    }
}

impl redirect::Guest for OAuth2 {
    fn begin(start: Start) -> Result<Departure, Wire> {
        Ok(begin(&start)?)
    }

    fn recall(parameters: Vec<Parameter>) -> Claim {
        convert::claim(parameters)
    }

    fn finish(arrival: Arrival) -> Result<Identity, Wire> {
        Ok(finish(arrival)?)
    }
}

impl refresh::Guest for OAuth2 {
    fn refresh(_: String, auth_data: Option<String>) -> Result<Option<String>, Wire> {
        let Some(token) = memory::refresh_token(auth_data.as_deref()) else { return Ok(auth_data) };
        let tokens = provider::tokens(&token::renew(&token))?;
        Ok(memory::auth_data(tokens.refresh_token.as_deref()).or(auth_data))
    }
}

/// OAuth 2.0 knows no signing out.
impl logout::Guest for OAuth2 {
    fn leave(_: Option<String>, _: String) -> Result<Option<Destination>, Wire> {
        Ok(None)
    }

    fn read_notice(_: Vec<Parameter>, _: String) -> Result<Notice, Wire> {
        Err(Wire::Refused("providers of OAuth 2.0 tell of nobody".into()))
    }
}

/// A provider of OAuth 2.0 says nothing of itself, so there is only to be seen whether what is needed is set.
impl check::Guest for OAuth2 {
    fn check() -> Result<Vec<String>, Wire> {
        let mut found = Vec::new();
        for name in ["authorize-url", "access-url", "profile-url"] {
            found.push(format!("{name} is {}", required(name)?));
        }
        required("client-id")?;
        Ok(found)
    }
}

fn begin(start: &Start) -> Result<Departure, Refusal> {
    let endpoint = required("authorize-url")?;
    let additions = text("params").as_deref().map_or_else(|| Ok(Vec::new()), authorization::additions)?;
    let verifier = pkce::secret(&random_bytes(pkce::RANDOM_BYTES));
    let beginning = Beginning {
        endpoint: &endpoint,
        client_id: &required("client-id")?,
        scope: &text("scope").unwrap_or_else(|| settings::OAUTH2_SCOPE.into()),
        callback: &start.callback,
        prompt: start.prompt,
        additions: &additions,
        method: code_challenge(),
        verifier: &verifier,
        state: &start.state,
        nonce: None,
    };
    let to = convert::destination(beginning.url());
    step("the browser is sent to the provider", &[]);
    Ok(Departure { to, memory: Memory { verifier, nonce: None }.write() })
}

/// How a code is bound to this sign-in, if the provider lets us.
fn code_challenge() -> Option<pkce::Method> {
    let method = if flag("plain-code-challenge") { pkce::Method::Plain } else { pkce::Method::S256 };
    Some(method).filter(|_| !flag("no-code-challenge"))
}

fn finish(arrival: Arrival) -> Result<Identity, Refusal> {
    let Memory { verifier, .. } = Memory::read(arrival.memory.as_deref().unwrap_or_default())?;
    let parameters = convert::pairs(arrival.parameters);
    let code = authorization::code(&parameters, None)?;
    step("the browser came back with a code", &[]);
    let tokens =
        provider::tokens(&token::redeem(code, &arrival.callback, code_challenge().map(|_| verifier.as_str())))?;
    if tokens.id_token.is_some() {
        let why = "the token endpoint gave an `id_token`; use the driver `openid`, or a `scope` without `openid`";
        return Err(Refusal::Refused(why.into()));
    }
    let question = userinfo::request(&required("profile-url")?, &tokens.access_token);
    let answer = exchange::ask(&question, exchange::MOST_BYTES)?;
    let claims = userinfo::profile(answer.told())?;
    step("the profile endpoint answered", &[]);
    let (identifier, given_name, family_name) = (text("identifier-key"), text("first-name-key"), text("last-name-key"));
    let names = Names {
        identifier: identifier.as_deref(),
        email: &text("email-key").unwrap_or_else(|| settings::EMAIL.into()),
        given_name: given_name.as_deref(),
        family_name: family_name.as_deref(),
        groups: &text("group-claim-name").unwrap_or_else(|| settings::GROUPS.into()),
    };
    let auth_data = memory::auth_data(tokens.refresh_token.as_deref());
    Ok(Identity { auth_data, ..convert::identity(person::person(claims, &names)?) })
}
