//! The bindings, and each call as one walk through the protocol.

// The same text for bindings of its own.
#[path = "../../../oauth2/src/glue/convert.rs"]
mod convert;
mod document;
mod provider;

wit_bindgen::generate!({
    path: "../../wit",
    world: "gatewit:worlds/single-sign-on",
    generate_all,
});

use alloc::{string::String, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description},
    check,
    logout::{self, Notice},
    redirect::{self, Arrival, Claim, Departure, Parameter, Start},
    refresh,
};
use gatewit::driver::types::{Destination, Identity, Refusal as Wire};
use gatewit_fetch::{
    exchange,
    surroundings::{flag, now, random_bytes, step},
};
use gatewit_oauth::{
    Refusal,
    authorization::{self, Beginning, Party},
    id_token::Expected,
    logout as leaving,
    memory::{self, Memory},
    person::{self, Names},
    pkce, settings,
    signed::Unverified,
    token, userinfo,
};
use provider::Provider;

struct OpenId;

export!(OpenId);

impl about::Guest for OpenId {
    fn describe() -> Description {
        Description {
            name: "openid".into(),
            fields: Vec::new(),
            settings: settings::openid().map(convert::setting).collect(),
        }
    }
}

impl redirect::Guest for OpenId {
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

impl refresh::Guest for OpenId {
    fn refresh(identifier: String, auth_data: Option<String>) -> Result<Option<String>, Wire> {
        match memory::refresh_token(auth_data.as_deref()) {
            Some(token) => Ok(renew(&identifier, &token)?.or(auth_data)),
            None => Ok(auth_data),
        }
    }
}

impl logout::Guest for OpenId {
    fn leave(parting_data: Option<String>, callback: String) -> Result<Option<Destination>, Wire> {
        if !flag("end-session") {
            return Ok(None);
        }
        let provider = Provider::find()?;
        let endpoint = provider.metadata.end_session_endpoint.as_deref();
        let hint = parting_data.as_deref();
        let url = endpoint.map(|endpoint| leaving::url(endpoint, &provider.client_id, hint, &callback));
        Ok(url.map(convert::destination))
    }

    fn read_notice(parameters: Vec<Parameter>, _: String) -> Result<Notice, Wire> {
        Ok(notice(&convert::pairs(parameters))?)
    }
}

impl check::Guest for OpenId {
    fn check() -> Result<Vec<String>, Wire> {
        Ok(Provider::find()?.look()?)
    }
}

fn begin(start: &Start) -> Result<Departure, Refusal> {
    let provider = Provider::find()?;
    let additions = provider.params.as_deref().map_or_else(|| Ok(Vec::new()), authorization::additions)?;
    let (verifier, nonce) =
        (pkce::secret(&random_bytes(pkce::RANDOM_BYTES)), pkce::secret(&random_bytes(pkce::RANDOM_BYTES)));
    let beginning = Beginning {
        endpoint: &provider.metadata.authorization_endpoint,
        client_id: &provider.client_id,
        scope: &provider.scope,
        callback: &start.callback,
        prompt: start.prompt,
        additions: &additions,
        method: code_challenge(),
        verifier: &verifier,
        state: &start.state,
        nonce: Some(&nonce),
    };
    let to = convert::destination(beginning.url());
    step("the browser is sent to the provider", &[("issuer", &provider.metadata.issuer)]);
    Ok(Departure { to, memory: Memory { verifier, nonce: Some(nonce) }.write() })
}

/// How a code is bound to this sign-in, if the provider lets us.
fn code_challenge() -> Option<pkce::Method> {
    let method = if flag("plain-code-challenge") { pkce::Method::Plain } else { pkce::Method::S256 };
    Some(method).filter(|_| !flag("no-code-challenge"))
}

fn finish(arrival: Arrival) -> Result<Identity, Refusal> {
    let Memory { verifier, nonce } = Memory::read(arrival.memory.as_deref().unwrap_or_default())?;
    let provider = Provider::find()?;
    let parameters = convert::pairs(arrival.parameters);
    let party = Party { issuer: &provider.issuer, always: provider.metadata.names_itself };
    let code = authorization::code(&parameters, Some(party))?;
    step("the browser came back with a code", &[]);
    let tokens =
        provider.tokens(&token::redeem(code, &arrival.callback, code_challenge().map(|_| verifier.as_str())))?;
    let no_token = || Refusal::Refused("the token endpoint gave no `id_token`; is `openid` missing in `scope`?".into());
    let id_token = tokens.id_token.as_deref().ok_or_else(no_token)?;
    let mut claims = provider.id_token(
        id_token,
        &Expected {
            issuer: &provider.issuer,
            client_id: &provider.client_id,
            now: now(),
            nonce: Some(nonce.as_deref().unwrap_or_default()),
            nonce_is_optional: flag("nonce-is-optional"),
            access_token: Some(&tokens.access_token),
            code: Some(code),
        },
    )?;
    if let Some(endpoint) = &provider.metadata.userinfo_endpoint {
        let answer = exchange::ask(&userinfo::request(endpoint, &tokens.access_token), exchange::MOST_BYTES)?;
        userinfo::overlay(&mut claims, provider.userinfo(answer.told())?)?;
        step("the userinfo endpoint answered", &[]);
    }
    let session = leaving::session(&claims);
    let names = Names {
        identifier: Some(&provider.identifier_key),
        email: settings::EMAIL,
        given_name: Some("given_name"),
        family_name: Some("family_name"),
        groups: &provider.groups,
    };
    let auth_data = memory::auth_data(tokens.refresh_token.as_deref());
    let parting_data = tokens.id_token.clone().filter(|_| flag("end-session"));
    Ok(Identity { auth_data, session, parting_data, ..convert::identity(person::person(claims, &names)?) })
}

/// The new `auth-data`, if the provider gave another refresh token.
fn renew(identifier: &str, refresh_token: &str) -> Result<Option<String>, Refusal> {
    let provider = Provider::find()?;
    let tokens = provider.tokens(&token::renew(refresh_token))?;
    if let Some(token) = tokens.id_token.as_deref() {
        let expected = Expected {
            issuer: &provider.issuer,
            client_id: &provider.client_id,
            now: now(),
            nonce: None,
            nonce_is_optional: false,
            access_token: Some(&tokens.access_token),
            code: None,
        };
        person::same(provider.id_token(token, &expected)?, &provider.identifier_key, identifier)?;
    }
    Ok(memory::auth_data(tokens.refresh_token.as_deref()))
}

fn notice(parameters: &[(String, String)]) -> Result<Notice, Refusal> {
    if !flag("back-channel-logout") {
        return Err(Refusal::Refused("`back-channel-logout` is off".into()));
    }
    let token = authorization::single(parameters, "logout_token");
    let token = token.ok_or_else(|| Refusal::Refused("there is no `logout_token`".into()))?;
    let provider = Provider::find()?;
    let read = Unverified::read("logout token", token, &leaving::KINDS, provider.algorithm.as_deref())?;
    let verified = provider.verified(read)?;
    let found = leaving::notice(&verified, &provider.issuer, &provider.client_id, now())?;
    let leaving::Notice { id, subject, session } = found.by(&provider.identifier_key)?;
    Ok(Notice { id, identifier: subject, session, answer: None })
}
