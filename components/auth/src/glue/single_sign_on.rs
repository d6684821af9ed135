//! Sign-in at a provider's own pages: away, and back.

use super::{
    Auth, accounts, convert,
    exports::gatewit::auth::single_sign_on::{
        Arrival, Departure, Failure, Form, Guest, Held, Outcome, Parameter, SignedIn, Start,
    },
    gatewit::{
        auth::types::{Client, Reason},
        config::settings::Value as Setting,
        driver::types::{self as driver, Claim, Destination, Identity},
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

/// The driver whose providers know a step by another name, and that Directus lets tell everything right here if nobody
/// said where the browser goes.
const SAML: &str = "saml";

impl Guest for Auth {
    fn begin(start: Start, _client: Client) -> Result<Departure, Failure> {
        let (ticket, departure) = depart(start).map_err(here)?;
        let signed = sign_with(TICKETS, &ticket).map_err(here)?;
        match departure {
            Ok(to) if signed.len() <= ticket::LENGTH_MAX => Ok(Departure { to, ticket: signed }),
            Ok(_) => Err(here(Reason::InvalidPayload("The redirect is too long".to_string()))),
            Err(reason) => {
                let page = accounts::own_page("admin/login").map_err(here)?;
                Err(Failure { reason, target: Some(page), ticket: Some(signed) })
            }
        }
    }

    fn finish(arrival: Arrival, client: Client) -> Result<Outcome, Failure> {
        let provider = provider(&arrival.provider).map_err(here)?;
        let claim = dispatch::recall(&provider.name, &arrival.parameters);
        let claim = claim.map_err(|refusal| here(convert::driver_refusal(&provider.name, refusal)))?;
        let carried = resolve(&provider.name, claim.target.as_deref()).map_err(here)?;
        let visit = match Visit::new(&provider, &arrival, &claim, carried.clone()) {
            Ok(visit) => visit,
            Err(reason) => return Err(Failure { reason, target: carried.or_else(|| lost(&provider)), ticket: None }),
        };
        match visit.arrive(&provider, &claim, arrival.parameters, &client) {
            // What the provider gave was spent; it gets one chance to give something else.
            Err(Reason::InvalidToken) if visit.ticket.as_ref().is_some_and(|ticket| !ticket.prompt) => {
                Ok(Outcome::Again(target::again(visit.redirect.as_deref().unwrap_or(target::ROOT))))
            }
            outcome => outcome.map_err(|reason| Failure { reason, target: visit.target(&provider), ticket: None }),
        }
    }

    fn leave(provider_name: String, held: Held, target: Option<String>, client: Client) -> Result<Destination, Reason> {
        let target = resolve(&provider_name, target.as_deref())?.unwrap_or_else(|| target::ROOT.to_string());
        let id = sessions::session_id(held)?;
        let parting_data = stored::parting_data(&id)?;
        stored::end(&id, &convert::client(&client), now_ms())?;
        let back = match target.strip_prefix('/') {
            Some(path) => accounts::own_page(path)?,
            None => target.clone(),
        };
        let home = Destination { url: target, form: Vec::new() };
        match dispatch::leave(&provider_name, parting_data.as_deref(), &back) {
            Ok(destination) => Ok(destination.unwrap_or(home)),
            Err(refusal) => {
                // Signed out here in any case; there is nothing that the person could do about the rest.
                convert::driver_refusal(&provider_name, refusal);
                Ok(home)
            }
        }
    }

    fn notice(
        provider_name: String,
        parameters: Vec<Parameter>,
        origin: Option<String>,
        _client: Client,
    ) -> Result<Option<Destination>, Reason> {
        let callback = callback(&provider(&provider_name)?, origin.as_deref())?;
        let notice = dispatch::read_notice(&provider_name, &parameters, &callback);
        let notice = notice.map_err(|refusal| convert::driver_refusal(&provider_name, refusal))?;
        let now = now_ms();
        if !is_first("notice", &provider_name, &notice.id, now + NOTICE_MEMORY_MS)? {
            refused("the notice is not new", &provider_name);
            return Err(Refusal::InvalidToken.into());
        }
        if notice.identifier.is_none() && notice.session.is_none() {
            return home(&provider_name, notice.answer).map(Some);
        }
        stored::end_by_source(&provider_name, notice.identifier.as_deref(), notice.session.as_deref(), now)?;
        Ok(notice.answer)
    }

    fn describe_us(provider_name: String, origin: Option<String>) -> Result<Option<String>, Reason> {
        let callback = callback(&provider(&provider_name)?, origin.as_deref())?;
        let document = dispatch::describe_us(&provider_name, &callback);
        document.map_err(|refusal| convert::driver_refusal(&provider_name, refusal))
    }
}

/// A failure that is told right here.
fn here(reason: Reason) -> Failure {
    Failure { reason, target: None, ticket: None }
}

/// Where a browser goes that nobody knows; `None`: it is told right here.
fn lost(provider: &Provider) -> Option<String> {
    let is_told = matches!(provider.driver.as_str(), TELLS_HERE | SAML);
    if is_told { None } else { accounts::own_page("admin/login").ok() }
}

/// Where a browser goes that brings a notice that names nobody: the end of a way that it was sent on from here, or no good.
fn home(provider: &str, answer: Option<Destination>) -> Result<Destination, Reason> {
    let Some(answer) = answer.filter(|answer| answer.form.is_empty()) else {
        refused("the notice names nobody", provider);
        return Err(Refusal::InvalidToken.into());
    };
    let url = resolve(provider, Some(&answer.url))?.unwrap_or_else(|| target::ROOT.to_string());
    Ok(Destination { url, form: Vec::new() })
}

fn provider(name: &str) -> Result<Provider, Reason> {
    let known = dispatch::providers().into_iter().find(|provider| provider.name == name);
    known.ok_or(Reason::InvalidProvider)
}

/// Where a browser may go in the end, if that was asked for.
fn resolve(provider: &str, wanted: Option<&str>) -> Result<Option<String>, Reason> {
    let allowed = match dispatch::setting(provider, "redirect-allow-list") {
        Some(Setting::List(list)) => Some(list),
        Some(Setting::Text(entry)) => Some([entry].to_vec()),
        _ => None,
    };
    Ok(target::resolve(wanted, allowed.as_deref(), &text_setting("public-url")?)?)
}

/// Where the provider sends browsers back to.
fn callback(provider: &Provider, origin: Option<&str>) -> Result<String, Reason> {
    let step = if provider.driver == SAML { "acs" } else { "callback" };
    let allowed = list_setting("public-urls");
    Ok(target::callback(&provider.name, step, origin, &allowed, &text_setting("public-url")?))
}

/// The ticket, and where the driver sends the browser.
fn depart(start: Start) -> Result<(Ticket, Result<Destination, Reason>), Reason> {
    let provider = provider(&start.provider)?;
    let redirect = resolve(&provider.name, start.target.as_deref())?;
    let link = match &start.link {
        None => None,
        Some(principal) => {
            accounts::not_in_setup(principal)?;
            Some(accounts::own_id(principal)?.to_string())
        }
    };
    let callback = callback(&provider, start.origin.as_deref())?;
    let state = ticket::state(&random(ticket::STATE_BYTES));
    let begin = driver::Start {
        callback: callback.clone(),
        state: state.clone(),
        target: redirect.clone(),
        prompt: start.prompt,
    };
    let (memory, departure) = match dispatch::begin(&provider.name, &begin) {
        Ok(departure) => (departure.memory, Ok(departure.to)),
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

/// Whether something that may happen once happens for the first time.
fn is_first(kind: &str, provider: &str, what: &str, end_ms: u64) -> Result<bool, Reason> {
    Ok(counters::add(&once(kind, provider, what), 1, end_ms, now_ms())?.value == 1)
}

/// A browser that is back.
struct Visit {
    /// How it began; `None` if the provider sends it by itself.
    ticket: Option<Ticket>,
    /// Where it goes in the end, if that was asked for.
    redirect: Option<String>,
    callback: String,
}

impl Visit {
    /// `carried` is the target that the answer carries.
    fn new(provider: &Provider, arrival: &Arrival, claim: &Claim, carried: Option<String>) -> Result<Self, Reason> {
        let sends = dispatch::setting(&provider.name, "allow-idp-initiated");
        if claim.state.is_none() && matches!(sends, Some(Setting::Boolean(true))) {
            let callback = callback(provider, arrival.origin.as_deref())?;
            return Ok(Self { ticket: None, redirect: carried, callback });
        }
        match read_ticket(arrival) {
            Ok(ticket) => Ok(Self {
                redirect: ticket.redirect.clone().or(carried),
                callback: ticket.callback.clone(),
                ticket: Some(ticket),
            }),
            Err(reason) => {
                refused("the browser brings no living ticket of this provider", &provider.name);
                Err(reason)
            }
        }
    }

    /// Where it goes; `None`: it is told right here.
    fn target(&self, provider: &Provider) -> Option<String> {
        let root = || (provider.driver != SAML).then(|| target::ROOT.to_string());
        self.redirect.clone().or_else(root)
    }

    fn arrive(
        &self,
        provider: &Provider,
        claim: &Claim,
        parameters: Vec<Parameter>,
        client: &Client,
    ) -> Result<Outcome, Reason> {
        let identity = self.identify(&provider.name, claim, parameters)?;
        let visitor = Visitor::new(&provider.name, &identity)?;
        if let Some(user) = self.ticket.as_ref().and_then(|ticket| ticket.link.as_ref()) {
            let user = users::find(user)?.ok_or(Refusal::InvalidCredentials)?;
            continues(convert::standing(user.status))?;
            visitor.link(&user, client)?;
            return Ok(Outcome::Linked(self.redirect.clone().unwrap_or_else(|| target::ROOT.to_string())));
        }
        let otp = self.ticket.as_ref().and_then(|ticket| ticket.otp.as_deref());
        let user = visitor.admit(client, |user| sessions::check_factor(user, otp))?;
        let beginning = Beginning {
            user: Some(&user.id),
            share: None,
            source: Some(visitor.source()),
            parting_data: identity.parting_data.clone(),
        };
        let id = sessions::begin(beginning, client)?;
        let target = self.target(provider);
        let form = if provider.session && target.is_some() { Form::Session } else { Form::Tokens };
        let grant = sessions::grant(&user, &id, form, Moment::SignIn, client, now_ms())?;
        let target = match target {
            Some(target) if membership::must_set_up(&user, client)? => {
                Some(target::factor_setup(&text_setting("public-url")?, &target, &provider.name))
            }
            target => target,
        };
        Ok(Outcome::SignedIn(SignedIn { grant, form, target }))
    }

    /// Asks the driver who came back, once the answer is known to belong to this browser's sign-in, and for the first time.
    fn identify(&self, provider: &str, claim: &Claim, parameters: Vec<Parameter>) -> Result<Identity, Reason> {
        if let Some(ticket) = &self.ticket {
            if !ticket.answers(claim.state.as_deref()) {
                refused("the state is not the one of this browser's sign-in", provider);
                return Err(Refusal::InvalidCredentials.into());
            }
            if !is_first("ticket", provider, &ticket.state, ticket.exp * 1000)? {
                refused("the answer was used before", provider);
                return Err(Refusal::InvalidCredentials.into());
            }
        }
        let memory = self.ticket.as_ref().map(|ticket| ticket.memory.clone());
        let back = driver::Arrival { callback: self.callback.clone(), parameters, memory };
        let identity = dispatch::finish(provider, &back);
        let identity = identity.map_err(|refusal| convert::driver_refusal(provider, refusal))?;
        let is_new = match &identity.receipt {
            Some(receipt) => is_first("receipt", provider, &receipt.id, receipt.expires.saturating_mul(1000))?,
            // Without a beginning there is nothing else that happens once.
            None => self.ticket.is_some(),
        };
        if !is_new {
            refused("the provider's message was used before, or cannot be told from a copy", provider);
            return Err(Refusal::InvalidCredentials.into());
        }
        Ok(identity)
    }
}
