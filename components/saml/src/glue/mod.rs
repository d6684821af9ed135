//! The bindings, and each call as one walk through the protocol.

mod convert;
mod keys;
mod provider;

wit_bindgen::generate!({
    path: "../../wit",
    world: "gatewit:worlds/saml",
    generate_all,
});

use alloc::{format, string::String, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description},
    check,
    logout::{self, Notice},
    metadata,
    redirect::{self, Arrival, Claim, Departure, Parameter, Start},
};
use gatewit::driver::types::{Destination, Identity, Receipt, Refusal as Wire, Subject};
use gatewit_fetch::surroundings::{flag, now, random_bytes, step, text, warn};
use gatewit_saml_protocol::{
    Keys as _, Refusal,
    binding::{Kind, Outgoing, receive, single},
    logout::{Expected as ExpectedNotice, Leaves, Notice as Told, Parting, read as read_notice, sessions_of},
    metadata::Binding,
    person::{Person, person},
    request::{self, Beginning},
    response::{Expected, claimed_state, read},
    settings,
};
use keys::Keys;
use provider::{Found, ourselves, skew};

/// Random bytes of an ID: as many as a state has.
const ID_BYTES: usize = 32;

struct Saml;

export!(Saml);

impl about::Guest for Saml {
    fn describe() -> Description {
        let settings = settings::ALL.iter().map(convert::setting).collect();
        Description { name: "saml".into(), fields: Vec::new(), settings }
    }
}

impl redirect::Guest for Saml {
    fn begin(start: Start) -> Result<Departure, Wire> {
        Ok(begin(&start)?)
    }

    fn recall(parameters: Vec<Parameter>) -> Claim {
        let parameters = convert::pairs(parameters);
        let target = single(&parameters, "RelayState").filter(|target| !target.is_empty()).map(Into::into);
        let state = single(&parameters, "SAMLResponse").map_or(Ok(None), claimed_state).unwrap_or_else(|refusal| {
            warn("the provider's answer cannot be read", &[("why", &format!("{refusal}"))]);
            None
        });
        Claim { state, target }
    }

    fn finish(arrival: Arrival) -> Result<Identity, Wire> {
        Ok(finish(arrival)?)
    }
}

impl logout::Guest for Saml {
    fn leave(parting_data: Option<String>, callback: String) -> Result<Option<Destination>, Wire> {
        Ok(leave(parting_data.as_deref(), &callback)?)
    }

    fn read_notice(parameters: Vec<Parameter>, callback: String) -> Result<Notice, Wire> {
        Ok(notice(&convert::pairs(parameters), &callback)?)
    }
}

impl metadata::Guest for Saml {
    fn describe_us(callback: String) -> Result<String, Wire> {
        Ok(match text("sp-metadata") {
            Some(metadata) => metadata,
            None => ourselves(&callback)?.describe(provider::certificates(
                text("sp-signing-cert").as_deref(),
                text("sp-encrypt-cert").as_deref(),
            ))?,
        })
    }
}

impl check::Guest for Saml {
    fn check() -> Result<Vec<String>, Wire> {
        Ok(look()?)
    }
}

/// What there is to be seen of the provider and of us, a line each.
fn look() -> Result<Vec<String>, Refusal> {
    let provider = Found::find()?.provider;
    let endpoint = provider.sign_on(None)?;
    let mut found = Vec::from([
        format!("the provider is {}", provider.entity_id),
        format!("people sign in at {}", endpoint.location),
        format!("it signs with one of {} keys", provider.keys.len()),
    ]);
    if provider.wants_signed_requests || flag("idp-want-authn-requests-signed") {
        Keys.algorithm().map_err(Refusal::Misconfigured)?;
        found.push("requests are signed, as it wants".into());
    }
    Ok(found)
}

fn begin(start: &Start) -> Result<Departure, Refusal> {
    let ourselves = ourselves(&start.callback)?;
    let provider = Found::find()?.provider;
    let preferred = match text("sp-request-binding").as_deref() {
        Some("redirect") => Some(Binding::Redirect),
        Some("post") => Some(Binding::Post),
        None => None,
        Some(other) => {
            let why = format!("`sp-request-binding` is `{other}`, expected `redirect` or `post`");
            return Err(Refusal::Misconfigured(why));
        }
    };
    let endpoint = provider.sign_on(preferred)?;
    let beginning = Beginning {
        ourselves: &ourselves,
        destination: &endpoint.location,
        state: &start.state,
        prompt: start.prompt,
        now: now(),
    };
    let id = request::id(&start.state);
    let is_signed =
        ourselves.signs_requests || provider.wants_signed_requests || flag("idp-want-authn-requests-signed");
    let xml = beginning.xml();
    let outgoing =
        Outgoing { kind: Kind::Request, id: &id, xml: &xml, relay_state: start.target.as_deref(), is_signed };
    let to = outgoing.to(&endpoint.location, endpoint.binding, &Keys)?;
    step("the browser is sent to the provider", &[("issuer", &provider.entity_id), ("request", &id)]);
    Ok(Departure { to: convert::destination(to), memory: id })
}

fn finish(arrival: Arrival) -> Result<Identity, Refusal> {
    let ourselves = ourselves(&arrival.callback)?;
    let parameters = convert::pairs(arrival.parameters);
    let form = single(&parameters, "SAMLResponse");
    let form = form.ok_or_else(|| Refusal::Refused("there is not one `SAMLResponse`".into()))?;
    let found = Found::find()?;
    let assertion = found.with_newest(|provider| {
        let expected =
            Expected { provider, ourselves: &ourselves, request: arrival.memory.as_deref(), now: now(), skew: skew() };
        read(form, &expected, &Keys)
    })?;
    step("the assertion is good", &[("id", &assertion.id)]);
    let names = provider::Names::read();
    let person = person(&assertion, &names.borrowed())?;
    if person.found_in_second {
        let second = names.second_identifier.as_deref().unwrap_or_default();
        step("the identifier is missing, the second one is used", &[("missing", &names.identifier), ("used", second)]);
    }
    let name = assertion.name_id.as_ref();
    let at_provider = name.filter(|name| !name.value.is_empty()).map(|name| sessions_of(&name.value));
    let parting = Parting::of(&arrival.callback, name, assertion.session.as_deref());
    let parting_data = parting.filter(|_| !flag("no-single-logout")).map(|parting| parting.write());
    let receipt = Receipt { id: assertion.id, expires: assertion.expires };
    Ok(Identity { session: at_provider, parting_data, receipt: Some(receipt), ..identity(person) })
}

fn identity(person: Person) -> Identity {
    Identity {
        subject: Subject::Identifier(person.identifier),
        email: person.email,
        email_verified: person.email_verified,
        given_name: person.given_name,
        family_name: person.family_name,
        groups: person.groups,
        claims: person.claims,
        auth_data: None,
        session: None,
        parting_data: None,
        receipt: None,
    }
}

/// How messages about signing out travel, if the operator says so.
fn preferred() -> Option<Binding> {
    flag("single-logout-post").then_some(Binding::Post)
}

fn new_id() -> String {
    request::id(&gatewit_oauth::pkce::secret(&random_bytes(ID_BYTES)))
}

fn leave(parting_data: Option<&str>, callback: &str) -> Result<Option<Destination>, Refusal> {
    let Some(parting) = parting_data.and_then(Parting::read) else { return Ok(None) };
    let provider = Found::find()?.provider;
    let Some(endpoint) = provider.logout(preferred()) else { return Ok(None) };
    let (ourselves, id) = (ourselves(&parting.acs)?, new_id());
    let xml = parting.request(&ourselves, &endpoint.location, &id, now());
    let is_signed = Keys.algorithm().is_ok();
    let outgoing = Outgoing { kind: Kind::Request, id: &id, xml: &xml, relay_state: Some(callback), is_signed };
    let to = outgoing.to(&endpoint.location, endpoint.binding, &Keys)?;
    step("the browser is sent to the provider to sign out", &[("request", &id)]);
    Ok(Some(convert::destination(to)))
}

fn notice(parameters: &[(String, String)], callback: &str) -> Result<Notice, Refusal> {
    let ourselves = ourselves(callback)?;
    let message = receive(parameters)?;
    let found = Found::find()?;
    let told = found.with_newest(|provider| {
        let expected = ExpectedNotice { provider, ourselves: &ourselves, now: now(), skew: skew() };
        read_notice(&message, &expected, &Keys)
    })?;
    let relay_state = message.relay_state.as_deref();
    let leaves = match told {
        Told::Leaves(leaves) => leaves,
        Told::Answered { id } => {
            // The browser is at the end of its way.
            let home = Destination { url: relay_state.unwrap_or_default().into(), form: Vec::new() };
            return Ok(Notice { id, identifier: None, session: None, answer: Some(home) });
        }
    };
    let answer = match found.provider.logout(preferred()) {
        None => None,
        Some(endpoint) => {
            let (id, is_signed) = (new_id(), Keys.algorithm().is_ok());
            let xml = leaves.answer(&ourselves, endpoint.for_answers(), &id, now());
            let outgoing = Outgoing { kind: Kind::Response, id: &id, xml: &xml, relay_state, is_signed };
            Some(convert::destination(outgoing.to(endpoint.for_answers(), endpoint.binding, &Keys)?))
        }
    };
    let Leaves { id, name } = leaves;
    Ok(Notice { id, identifier: None, session: Some(sessions_of(&name)), answer })
}
