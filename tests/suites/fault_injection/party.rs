//! The other parties of a sign-in, as scripts: providers that answer rightly, or with a lie, and the browser between.
//!
//! A lie is well-formed and about somebody or something else; the other lie is half of the truth.

use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use e2e::host::faulty::{Answer, Asked, Conduct, FaultyHost, Network, Told, World, member, text};
use e2e::provider::{SigningKey, Token, form};
use e2e::saml;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

/// When all of it happens: the moment for which the SAML response of the fixtures was made.
pub(super) const NOW: u64 = 1_795_348_800;

/// Who signs in, and by what plain OAuth 2.0 knows them.
pub(super) const PERSON: &str = "ann";
pub(super) const ADDRESS: &str = "ann@example.com";

/// Who signs in with the SAML response.
pub(super) const PERSON_OF_SAML: &str = "alice";

const CLIENT: (&str, &str) = ("us", "what both know, for nobody else to know");
const CALLBACK: &str = "https://here.example.com/auth/login/op/callback";
const STATE: &str = "a-state-that-nobody-can-guess";
const OP: &str = "https://op.example.com";
const CODE: &str = "the-code-of-this-sign-in";

/// The names of the response in the fixtures.
const IDP: &str = "https://idp.example.com/metadata";
const ACS: &str = "https://sp.example.com/auth/login/corp/acs";
const SAML_STATE: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";

/// A network without anybody.
pub(super) fn nobody() -> Network {
    Arc::new(|_, _| (502, String::new()))
}

/// What the browser brought to the provider in this sign-in.
#[derive(Default)]
pub(super) struct Begun {
    nonce: String,
    challenge: String,
}

/// The provider's memory of the sign-in that is under way: cases run one after the other.
pub(super) type Memory = Arc<Mutex<Begun>>;

pub(super) fn oauth2(memory: Memory) -> World {
    let settings = [
        ("client-id", CLIENT.0),
        ("client-secret", CLIENT.1),
        ("authorize-url", "https://op.example.com/authorize"),
        ("access-url", "https://op.example.com/token"),
        ("profile-url", "https://op.example.com/me"),
    ];
    let network: Network = Arc::new(move |asked, conduct| {
        let honest = match asked.place.as_str() {
            "op.example.com/token" => tokens(asked, &memory.lock().unwrap(), None),
            "op.example.com/me" => profile(asked),
            _ => (404, "{}".to_owned()),
        };
        match conduct {
            // Nothing binds a token of OAuth 2.0 to a person, so the lie is an answer of another kind.
            Some(Conduct::Lie) if asked.place.ends_with("/token") => {
                (200, json!({"error": "invalid_grant"}).to_string())
            }
            Some(Conduct::Lie) => (200, json!({"name": "somebody"}).to_string()),
            Some(Conduct::OtherLie) => half(honest),
            _ => honest,
        }
    });
    World::new(NOW, &settings, network)
}

pub(super) fn openid(memory: Memory) -> anyhow::Result<World> {
    let settings = [("client-id", CLIENT.0), ("client-secret", CLIENT.1), ("issuer-url", OP)];
    let (key, stranger) = (SigningKey::load("rsa-one")?, SigningKey::load("rsa-two")?);
    let shown = stranger.jwk().to_string();
    let network: Network = Arc::new(move |asked, conduct| {
        let memory = memory.lock().unwrap();
        let lies = conduct == Some(Conduct::Lie);
        let signs = if lies { &stranger } else { &key };
        let honest = match asked.place.as_str() {
            "op.example.com/.well-known/openid-configuration" if lies => {
                (200, document("https://evil.example.com").to_string())
            }
            "op.example.com/.well-known/openid-configuration" => (200, document(OP).to_string()),
            "op.example.com/jwks" => (200, json!({"keys": [signs.jwk()]}).to_string()),
            // Somebody else's token of this provider, signed by its key.
            "op.example.com/token" if lies => {
                (200, answer_with(&token("mallory", "of-another-sign-in", &key)).to_string())
            }
            "op.example.com/token" => tokens(asked, &memory, Some(&key)),
            "op.example.com/me" if lies => (200, json!({"sub": "mallory"}).to_string()),
            "op.example.com/me" => profile(asked),
            _ => (404, "{}".to_owned()),
        };
        if conduct == Some(Conduct::OtherLie) { half(honest) } else { honest }
    });
    let mut world = World::new(NOW, &settings, network);
    world.stranger = shown;
    Ok(world)
}

fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/me"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
    })
}

fn half((status, body): Answer) -> Answer {
    (status, body.get(..body.len() / 2).unwrap_or_default().to_owned())
}

fn token(subject: &str, nonce: &str, key: &SigningKey) -> String {
    let claims = json!({
        "iss": OP, "sub": subject, "aud": CLIENT.0, "iat": NOW, "exp": NOW + 600, "nonce": nonce,
        "email": format!("{subject}@example.com"),
    });
    Token::new(json!({"alg": "RS256", "kid": key.id}), claims, key.clone()).compact()
}

fn answer_with(id_token: &str) -> Value {
    json!({"access_token": "access-token", "token_type": "Bearer", "expires_in": 600, "id_token": id_token})
}

/// What the token endpoint answers to the right client with the right code and proof.
fn tokens(asked: &Asked, begun: &Begun, key: Option<&SigningKey>) -> Answer {
    let sent = form::parse(&asked.body);
    let get = |name: &str| form::get(&sent, name).unwrap_or_default().to_owned();
    let encoded = format!("{}:{}", form::encode(CLIENT.0), form::encode(CLIENT.1));
    let plus = encoded.replace("%20", "+");
    let is_client =
        [encoded, plus].iter().any(|pair| asked.authorization == format!("Basic {}", BASE64_STANDARD.encode(pair)));
    let proof = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
    if !is_client || get("code") != CODE || get("redirect_uri") != CALLBACK || proof != begun.challenge {
        return (400, json!({"error": "invalid_grant"}).to_string());
    }
    let mut answer = json!({"access_token": "access-token", "token_type": "Bearer", "expires_in": 600});
    if let Some(key) = key {
        answer = answer_with(&token(PERSON, &begun.nonce, key));
    }
    (200, answer.to_string())
}

fn profile(asked: &Asked) -> Answer {
    if asked.authorization != "Bearer access-token" {
        return (401, json!({"error": "invalid_token"}).to_string());
    }
    (200, json!({"sub": PERSON, "email": ADDRESS}).to_string())
}

fn record(members: &[(&str, Val)]) -> Val {
    Val::Record(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn words(text: &str) -> Val {
    Val::String(text.to_owned())
}

fn some(value: Val) -> Val {
    Val::Option(Some(Box::new(value)))
}

fn parameters(pairs: &[(&str, &str)]) -> Val {
    Val::List(pairs.iter().map(|(name, value)| record(&[("name", words(name)), ("value", words(value))])).collect())
}

/// From the beginning to the provider and back. A browser that is sent astray does not come back: that is a refusal.
pub(super) fn travel(host: &FaultyHost, world: World, memory: &Memory) -> anyhow::Result<(Told, World)> {
    let start = record(&[
        ("callback", words(CALLBACK)),
        ("state", words(STATE)),
        ("target", Val::Option(None)),
        ("prompt", Val::Bool(false)),
    ]);
    let (told, world) = host.call(world, "redirect", "begin", &[start])?;
    let Ok(departure) = told else { return Ok((told, world)) };
    let url = member(&departure, "to").and_then(|to| member(to, "url")).and_then(text).context("no address")?;
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let query = form::parse(query);
    let get = |name: &str| form::get(&query, name).unwrap_or_default().to_owned();
    let asks_rightly = (place, get("client_id").as_str()) == ("https://op.example.com/authorize", CLIENT.0)
        && (get("redirect_uri").as_str(), get("state").as_str()) == (CALLBACK, STATE);
    if !asks_rightly {
        return Ok((Err(words("the provider sends nobody back")), world));
    }
    *memory.lock().unwrap() = Begun { nonce: get("nonce"), challenge: get("code_challenge") };
    let kept = member(&departure, "memory").and_then(text).context("no memory")?.to_owned();
    let arrival = record(&[
        ("callback", words(CALLBACK)),
        ("parameters", parameters(&[("code", CODE), ("state", STATE)])),
        ("memory", some(words(&kept))),
    ]);
    host.call(world, "redirect", "finish", &[arrival])
}

fn metadata(entity: &str, certificate: &str) -> anyhow::Result<String> {
    let pem = std::fs::read_to_string(saml::key(certificate))?;
    let certificate: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    Ok(format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity}\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/sso\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
    ))
}

pub(super) fn saml() -> anyhow::Result<World> {
    let (right, strange) = (metadata(IDP, "idp.crt")?, metadata(IDP, "stranger.crt")?);
    let network: Network = Arc::new(move |asked, conduct| match (asked.place.as_str(), conduct) {
        ("idp.example.com/metadata", Some(Conduct::Lie)) => (200, strange.clone()),
        ("idp.example.com/metadata", Some(Conduct::OtherLie)) => half((200, right.clone())),
        ("idp.example.com/metadata", _) => (200, right.clone()),
        _ => (404, String::new()),
    });
    let mut world = World::new(NOW, &[("idp-metadata-url", IDP), ("identifier-key", "NameID")], network);
    world.stranger = SigningKey::load("rsa-two")?.jwk().to_string();
    Ok(world)
}

/// Begins, and brings the provider's response.
pub(super) fn bring(host: &FaultyHost, world: World) -> anyhow::Result<(Told, World)> {
    let start = record(&[
        ("callback", words(ACS)),
        ("state", words(SAML_STATE)),
        ("target", Val::Option(None)),
        ("prompt", Val::Bool(false)),
    ]);
    let (told, world) = host.call(world, "redirect", "begin", &[start])?;
    let Ok(departure) = told else { return Ok((told, world)) };
    let kept = member(&departure, "memory").and_then(text).context("no memory")?.to_owned();
    let response = e2e::fixture::folder().join("saml/accepted/signed-assertion.xml");
    let response = BASE64_STANDARD.encode(std::fs::read(response)?);
    let arrival = record(&[
        ("callback", words(ACS)),
        ("parameters", parameters(&[("SAMLResponse", &response)])),
        ("memory", some(words(&kept))),
    ]);
    host.call(world, "redirect", "finish", &[arrival])
}
