//! Sign-in at a provider's own pages: away, and back.

use super::{
    Auth, accounts, convert,
    exports::gatewit::auth::single_sign_on::{
        Arrival, Departure, Failure, Form, Guest, Held, Outcome, Parameter, SignedIn, Start,
    },
    gatewit::{
        auth::types::{Client, Reason},
        config::settings::Value as Setting,
        driver::types::{self as driver, Identity},
        drivers::dispatch::{self, Provider},
        storage::{counters, sessions as stored, users},
    },
    list_setting,
    membership::{self, Visitor, once, refused},
    now_ms, number, random,
    sessions::{self, Beginning, Moment},
    sign_with, text_setting, verify_with,
};
use crate::flow::{
    Refusal,
    sign_in::continues,
    target,
    ticket::{self, Ticket},
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use gatewit_jose::Compact;

/// The key that tickets are signed with.
const TICKETS: &str = "tickets";

/// For how long a notice of a provider is known again, in milliseconds: longer than one is good (OpenID Connect
/// Back-Channel Logout 1.0, section 2.6).
const NOTICE_MEMORY_MS: u64 = 86_400_000;

/// The driver that Directus lets tell a browser without a ticket right here, rather than on the sign-in page.
const TELLS_HERE: &str = "oauth2";

impl Guest for Auth {
    fn begin(start: Start, _client: Client) -> Result<Departure, Failure> {
        let (ticket, departure) = depart(start).map_err(here)?;
        let signed = sign_with(TICKETS, &ticket).map_err(here)?;
        match departure {
            Ok(url) if signed.len() <= ticket::LENGTH_MAX => Ok(Departure { url, ticket: signed }),
            Ok(_) => Err(here(Reason::InvalidPayload("The redirect is too long".to_string()))),
            Err(reason) => {
                let page = accounts::own_page("admin/login").map_err(here)?;
                Err(Failure { reason, target: Some(page), ticket: Some(signed) })
            }
        }
    }

    fn finish(arrival: Arrival, client: Client) -> Result<Outcome, Failure> {
        let provider = provider(&arrival.provider).map_err(here)?;
        let ticket = match read_ticket(&arrival) {
            Ok(ticket) => ticket,
            Err(reason) => {
                refused("the browser brings no living ticket of this provider", &arrival.provider);
                let page = accounts::own_page("admin/login").ok().filter(|_| provider.driver != TELLS_HERE);
                return Err(Failure { reason, target: page, ticket: None });
            }
        };
        match arrive(&provider, &arrival, &ticket, &client) {
            // What the provider gave was spent; it gets one chance to give something else.
            Err(Reason::InvalidToken) if !ticket.prompt => Ok(Outcome::Again(target::again(&ticket.redirect))),
            outcome => outcome.map_err(|reason| Failure { reason, target: Some(ticket.redirect), ticket: None }),
        }
    }

    fn leave(provider_name: String, held: Held, target: Option<String>, client: Client) -> Result<String, Reason> {
        let target = resolve(&provider_name, target.as_deref())?;
        let id = sessions::session_id(held)?;
        let parting_data = stored::parting_data(&id)?;
        stored::end(&id, &convert::client(&client), now_ms())?;
        let back = match target.strip_prefix('/') {
            Some(path) => accounts::own_page(path)?,
            None => target.clone(),
        };
        match dispatch::leave(&provider_name, parting_data.as_deref(), &back) {
            Ok(url) => Ok(url.unwrap_or(target)),
            Err(refusal) => {
                // Signed out here in any case; there is nothing that the person could do about the rest.
                convert::driver_refusal(&provider_name, refusal);
                Ok(target)
            }
        }
    }

    fn notice(provider_name: String, parameters: Vec<Parameter>, _client: Client) -> Result<(), Reason> {
        let notice = dispatch::read_notice(&provider_name, &plain(parameters));
        let notice = notice.map_err(|refusal| convert::driver_refusal(&provider_name, refusal))?;
        let now = now_ms();
        let seen = counters::add(&once("notice", &provider_name, &notice.id), 1, now + NOTICE_MEMORY_MS, now)?;
        if seen.value > 1 || (notice.identifier.is_none() && notice.session.is_none()) {
            refused("the notice is not new, or names nobody", &provider_name);
            return Err(Refusal::InvalidToken.into());
        }
        stored::end_by_source(&provider_name, notice.identifier.as_deref(), notice.session.as_deref(), now)?;
        Ok(())
    }
}

/// A failure that is told right here.
fn here(reason: Reason) -> Failure {
    Failure { reason, target: None, ticket: None }
}

fn provider(name: &str) -> Result<Provider, Reason> {
    let known = dispatch::providers().into_iter().find(|provider| provider.name == name);
    known.ok_or(Reason::InvalidProvider)
}

/// Where a browser may go in the end.
fn resolve(provider: &str, wanted: Option<&str>) -> Result<String, Reason> {
    let allowed = match dispatch::setting(provider, "redirect-allow-list") {
        Some(Setting::List(list)) => Some(list),
        Some(Setting::Text(entry)) => Some([entry].to_vec()),
        _ => None,
    };
    Ok(target::resolve(wanted, allowed.as_deref(), &text_setting("public-url")?)?)
}

/// The ticket, and where the driver sends the browser.
fn depart(start: Start) -> Result<(Ticket, Result<String, Reason>), Reason> {
    let provider = provider(&start.provider)?;
    let redirect = resolve(&provider.name, start.target.as_deref())?;
    let link = match &start.link {
        None => None,
        Some(principal) => {
            accounts::not_in_setup(principal)?;
            Some(accounts::own_id(principal)?.to_string())
        }
    };
    let allowed = list_setting("public-urls");
    let public_url = text_setting("public-url")?;
    let callback = target::callback(&provider.name, start.origin.as_deref(), &allowed, &public_url);
    let state = ticket::state(&random(ticket::STATE_BYTES));
    let begin = driver::Start { callback: callback.clone(), state: state.clone(), prompt: start.prompt };
    let (memory, departure) = match dispatch::begin(&provider.name, &begin) {
        Ok(departure) => (departure.memory, Ok(departure.url)),
        Err(refusal) => (String::new(), Err(convert::driver_refusal(&provider.name, refusal))),
    };
    let iat = now_ms() / 1000;
    let exp = iat + life_ms(&provider.name)? / 1000;
    let (prompt, otp, provider) = (start.prompt, start.otp, provider.name);
    Ok((Ticket { provider, state, memory, redirect, prompt, otp, link, callback, iat, exp }, departure))
}

/// How long a person may be away, in milliseconds.
fn life_ms(provider: &str) -> Result<u64, Reason> {
    match dispatch::setting(provider, "login-timeout-ms") {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and checked to be positive")]
        Some(Setting::Number(ms)) if ms >= 0.0 => Ok(ms as u64),
        _ => number("sign-in-ms"),
    }
}

fn read_ticket(arrival: &Arrival) -> Result<Ticket, Reason> {
    let text = arrival.ticket.as_deref().ok_or(Refusal::InvalidCredentials)?;
    let jws = Compact::parse(text).ok_or(Refusal::InvalidCredentials)?;
    Ok(ticket::read(&jws, verify_with(TICKETS, &jws)?, &arrival.provider, now_ms() / 1000)?)
}

fn arrive(provider: &Provider, arrival: &Arrival, ticket: &Ticket, client: &Client) -> Result<Outcome, Reason> {
    let identity = identify(&provider.name, arrival, ticket)?;
    let visitor = Visitor::new(&provider.name, &identity)?;
    if let Some(user) = &ticket.link {
        let user = users::find(user)?.ok_or(Refusal::InvalidCredentials)?;
        continues(convert::standing(user.status))?;
        visitor.link(&user, client)?;
        return Ok(Outcome::Linked(ticket.redirect.clone()));
    }
    let user = visitor.admit(client, |user| sessions::check_factor(user, ticket.otp.as_deref()))?;
    let beginning = Beginning {
        user: Some(&user.id),
        share: None,
        source: Some(visitor.source()),
        parting_data: identity.parting_data.clone(),
    };
    let id = sessions::begin(beginning, client)?;
    let form = if provider.session { Form::Session } else { Form::Tokens };
    let grant = sessions::grant(&user, &id, form, Moment::SignIn, client, now_ms())?;
    let target = if membership::must_set_up(&user, client)? {
        target::factor_setup(&text_setting("public-url")?, &ticket.redirect, &provider.name)
    } else {
        ticket.redirect.clone()
    };
    Ok(Outcome::SignedIn(SignedIn { grant, form, target }))
}

/// Asks the driver who came back, once the answer is known to belong to this browser's sign-in, and for the first time.
fn identify(provider: &str, arrival: &Arrival, ticket: &Ticket) -> Result<Identity, Reason> {
    let parameters = plain(arrival.parameters.clone());
    let told = |refusal| convert::driver_refusal(provider, refusal);
    let state = dispatch::recall(provider, &parameters).map_err(told)?;
    if !ticket.answers(state.as_deref()) {
        refused("the state is not the one of this browser's sign-in", provider);
        return Err(Refusal::InvalidCredentials.into());
    }
    let uses = counters::add(&once("ticket", provider, &ticket.state), 1, ticket.exp * 1000, now_ms())?;
    if uses.value > 1 {
        refused("the answer was used before", provider);
        return Err(Refusal::InvalidCredentials.into());
    }
    let back = driver::Arrival { callback: ticket.callback.clone(), parameters, memory: ticket.memory.clone() };
    dispatch::finish(provider, &back).map_err(told)
}

fn plain(parameters: Vec<Parameter>) -> Vec<driver::Parameter> {
    parameters.into_iter().map(|parameter| driver::Parameter { name: parameter.name, value: parameter.value }).collect()
}
