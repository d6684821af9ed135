//! A sign-in driver for a portal of your own: people who are signed in there come here by a signed link.
//!
//! The portal is asked for `?state=…&callback=…` and sends the browser to the callback with `user`, `email`, `expires`
//! (seconds since 1970), the `state`, and `signature`: HMAC-SHA-256 over `state`, `user`, `email` and `expires`, each on a line
//! of its own, with the secret that both know; in hexadecimal. A driver keeps no state, and the host does the arithmetic.

wit_bindgen::generate!({ path: "../../../wit", world: "gatewit:worlds/redirect-driver", generate_all });

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use exports::gatewit::driver::{about, redirect};
use gatewit::driver::types::{
    Arrival, Claim, Departure, Destination, Identity, Parameter, Receipt, Refusal, Start, Subject,
};
use gatewit::{config::settings, keys::signing};

struct Portal;

export!(Portal);

impl about::Guest for Portal {
    fn describe() -> about::Description {
        let setting = |name: &str, kind, secret, help: &str| about::Setting {
            name: name.into(),
            kind,
            default: None,
            required: true,
            secret,
            help: help.into(),
        };
        about::Description {
            name: "portal".into(),
            fields: Vec::new(),
            settings: vec![
                setting("portal-url", about::Kind::Url, false, "the page of the portal that signs links"),
                setting("portal-secret", about::Kind::Text, true, "what it signs them with, at least 32 letters"),
            ],
        }
    }
}

impl redirect::Guest for Portal {
    fn begin(start: Start) -> Result<Departure, Refusal> {
        let query = format!("state={}&callback={}", encoded(&start.state), encoded(&start.callback));
        let address = text("portal-url")?;
        let url = format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' });
        Ok(Departure { to: Destination { url, form: Vec::new() }, memory: String::new() })
    }

    fn recall(parameters: Vec<Parameter>) -> Claim {
        Claim { state: only(&parameters, "state").map(Into::into), target: None }
    }

    fn finish(arrival: Arrival) -> Result<Identity, Refusal> {
        let secret = text("portal-secret")?;
        let get = |name: &str| {
            only(&arrival.parameters, name).ok_or_else(|| Refusal::Refused(format!("the link has not one `{name}`")))
        };
        let (state, user, email, expires) = (get("state")?, get("user")?, get("email")?, get("expires")?);
        verify(&secret, &format!("{state}\n{user}\n{email}\n{expires}"), get("signature")?)?;
        let expires: u64 = expires.parse().map_err(|_| Refusal::Refused("`expires` is no number".into()))?;
        if wasi::clocks::wall_clock::now().seconds >= expires {
            return Err(Refusal::Expired("the link is too old".into()));
        }
        Ok(Identity {
            subject: Subject::Identifier(user.into()),
            email: Some(email.into()),
            email_verified: false,
            given_name: None,
            family_name: None,
            groups: Vec::new(),
            claims: "{}".into(),
            auth_data: None,
            session: None,
            parting_data: None,
            receipt: Some(Receipt { id: state.into(), expires }), // the link counts once
        })
    }
}

fn verify(secret: &str, message: &str, signature: &str) -> Result<(), Refusal> {
    let key = format!(r#"{{"kty":"oct","k":"{}"}}"#, BASE64.encode(secret));
    let key =
        signing::import(&key, "HS256").map_err(|_| Refusal::Misconfigured("`portal-secret` is too short".into()))?;
    let pairs = signature.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    match pairs.collect::<Option<Vec<u8>>>().map(|bytes| key.verify(message.as_bytes(), &bytes)) {
        Some(Ok(true)) => Ok(()),
        _ => Err(Refusal::Refused("the signature of the link is wrong".into())),
    }
}

fn text(name: &str) -> Result<String, Refusal> {
    match settings::get(name) {
        Some(settings::Value::Text(text)) => Ok(text),
        _ => Err(Refusal::Misconfigured(format!("`{name}` is not set"))),
    }
}

/// The value of a parameter that is there exactly once. One with a line break would be another message.
fn only<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a str> {
    let mut found = parameters.iter().filter(|parameter| parameter.name == name);
    let value = found.next()?.value.as_str();
    (found.next().is_none() && !value.is_empty() && !value.contains('\n')).then_some(value)
}

fn encoded(text: &str) -> String {
    let letter = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}
