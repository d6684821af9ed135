//! `/auth/login/<provider>` for browsers: away to a provider and back, and signing out there and here together.
//!
//! Whatever goes wrong is told in the query of a page (`?reason=`), because a person is looking. Absent: where a browser may
//! be sent, which the rules decide.

use super::{
    auth::{self, Mode},
    cookies::CookieSettings,
    form::Form,
    query::Given,
    refusal::Refusal,
    respond::Reply,
    route::Step,
    service::{Caller, Exchange},
    status::Outcome as Answer,
};
use crate::{
    bindings::auth::{
        exports::gatewit::auth::{
            sessions::{Form as GrantForm, Held},
            single_sign_on::{Arrival, Departure, Failure, Outcome, Parameter, Start},
        },
        gatewit::auth::types::Reason,
    },
    capability::drivers::Served,
    gatewit::broken,
};
use hyper::header;

impl Exchange<'_> {
    pub(super) async fn begin(&self, caller: Option<Caller>, start: Start) -> Result<Departure, Failure> {
        let mut rules = match caller {
            Some(caller) => caller.rules,
            None => self.rules().await.map_err(here)?,
        };
        rules.begin(&start, &self.client).await.map_err(|error| here(broken(&error)))?
    }

    async fn finish(&self, arrival: &Arrival) -> Result<Outcome, Failure> {
        let mut rules = self.rules().await.map_err(here)?;
        rules.finish(arrival, &self.client).await.map_err(|error| here(broken(&error)))?
    }

    fn redirect(&self, answer: Answer, location: &str) -> Reply {
        Reply::redirect(answer, location, self.parts.headers.get(header::ACCEPT))
    }
}

/// A failure that is told right here.
fn here(reason: Reason) -> Failure {
    Failure { reason, target: None, ticket: None }
}

/// What follows from a step of a browser. `form` is what it posted.
pub(super) async fn step(exchange: &Exchange<'_>, step: Step, provider: &str, form: &Form) -> Reply {
    let Some(served) = exchange.server.provider(provider).filter(|served| served.redirects()) else {
        return exchange.not_found();
    };
    match step {
        Step::Begin => begin(exchange, served).await,
        Step::Return => finish(exchange, served).await,
        Step::ReturnByForm => exchange.redirect(Answer::SeeOther, &format!("./callback?{}", form.to_query())),
        Step::Leave => leave(exchange, served, form).await,
        Step::Notice => notice(exchange, served, form).await,
    }
}

/// `GET /auth/login/<provider>`.
async fn begin(exchange: &Exchange<'_>, served: &Served) -> Reply {
    let text = |name| match exchange.query.text(name) {
        Given::Text(text) => Some(text),
        _ => None,
    };
    if let Given::Structure = exchange.query.text("redirect") {
        return exchange.refused(not_allowed(&exchange.query.joined("redirect")));
    }
    let start = Start {
        provider: served.name.to_string(),
        target: text("redirect"),
        prompt: text("prompt").is_some(),
        otp: text("otp"),
        origin: exchange.reached.clone(),
        link: None,
    };
    match exchange.begin(None, start).await {
        Ok(departure) => {
            let reply = exchange.redirect(Answer::Found, &departure.url);
            reply.with_cookie(ticket(served).set(&departure.ticket, exchange.now))
        }
        Err(failure) => failed(exchange, served, failure),
    }
}

fn parameters(form: &Form) -> Vec<Parameter> {
    form.iter().map(|(name, value)| Parameter { name: name.to_owned(), value: value.to_owned() }).collect()
}

fn not_allowed(target: &str) -> Reason {
    Reason::InvalidPayload(format!("URL \"{target}\" can't be used to redirect after login"))
}

/// `GET /auth/login/<provider>/callback`.
async fn finish(exchange: &Exchange<'_>, served: &Served) -> Reply {
    let cookie = ticket(served);
    let ticket = exchange.cookie(&cookie);
    let spent = |reply: Reply| if ticket.is_some() { reply.with_cookie(cookie.forget()) } else { reply };
    let answer = Form::parse(exchange.parts.uri.query().unwrap_or_default().as_bytes());
    let arrival =
        Arrival { provider: served.name.to_string(), parameters: parameters(&answer), ticket: ticket.clone() };
    match exchange.finish(&arrival).await {
        Err(failure) => spent(failed(exchange, served, failure)),
        Ok(Outcome::Again(target) | Outcome::Linked(target)) => spent(exchange.redirect(Answer::Found, &target)),
        Ok(Outcome::SignedIn(signed_in)) => {
            let mode = match signed_in.form {
                GrantForm::Session => Mode::Session,
                GrantForm::Tokens => Mode::Cookie,
            };
            let reply = spent(exchange.redirect(Answer::Found, &signed_in.target));
            auth::kept(exchange, mode, &signed_in.grant).into_iter().fold(reply, Reply::with_cookie)
        }
    }
}

/// `POST /auth/login/<provider>/logout`: both cookies go, and the browser to the provider, if that is to be told.
async fn leave(exchange: &Exchange<'_>, served: &Served, form: &Form) -> Reply {
    let session = exchange.cookie(&exchange.wire.session_cookie).map(Held::SessionToken);
    let held = session.or_else(|| exchange.cookie(&exchange.wire.refresh_cookie).map(Held::RefreshToken));
    let Some(held) = held else {
        return exchange.refused(Reason::InvalidPayload("The refresh token is required in a cookie".to_owned()));
    };
    let target = form.get("redirect").filter(|target| !target.is_empty());
    let left =
        exchange.operate(None, async |_, rules| rules.leave(&served.name, &held, target, &exchange.client).await);
    match left.await {
        Err(reason) => exchange.refused(reason),
        Ok(url) => auth::signed_out(exchange, exchange.redirect(Answer::SeeOther, &url)),
    }
}

/// `POST /auth/login/<provider>/backchannel-logout`, by the provider itself.
async fn notice(exchange: &Exchange<'_>, served: &Served, form: &Form) -> Reply {
    let parameters = parameters(form);
    let read = exchange.operate(None, async |_, rules| rules.notice(&served.name, &parameters, &exchange.client).await);
    match read.await {
        Ok(()) => Reply::acknowledged(),
        // OpenID Connect Back-Channel Logout 1.0, section 2.8: what is not good is a bad request, whatever is wrong.
        Err(Reason::Unavailable(service)) => exchange.refused(Reason::Unavailable(service)),
        Err(_) => exchange.refused(Reason::InvalidPayload("The logout token is not good".to_owned())),
    }
}

/// Sends the browser where the rules say, with the reason, or tells it right here.
fn failed(exchange: &Exchange<'_>, served: &Served, failure: Failure) -> Reply {
    exchange.sign_in_failed(&served.name, code(failure.reason.clone(), exchange));
    let Some(target) = failure.target else { return exchange.refused(failure.reason) };
    let reply = exchange.redirect(Answer::Found, &with_reason(&target, code(failure.reason, exchange)));
    match failure.ticket {
        Some(text) => reply.with_cookie(ticket(served).set(&text, exchange.now)),
        None => reply,
    }
}

fn code(reason: Reason, exchange: &Exchange<'_>) -> &'static str {
    match reason {
        Reason::Internal | Reason::Other(_) => "UNKNOWN_EXCEPTION",
        reason => Refusal::of(reason, exchange.now).code(),
    }
}

/// A page with a reason in its query, before its fragment.
fn with_reason(target: &str, code: &str) -> String {
    let (front, fragment) = match target.split_once('#') {
        Some((front, fragment)) => (front, format!("#{fragment}")),
        None => (target, String::new()),
    };
    let join = if front.contains('?') { '&' } else { '?' };
    format!("{front}{join}reason={code}{fragment}")
}

/// The cookie that a browser carries while it is away: no longer than it is open, and sent along when it comes back.
pub(super) fn ticket(served: &Served) -> CookieSettings {
    let name = format!("{}.{}", served.driver_name(), served.name);
    CookieSettings::of_visit(&name, served.is_set("cookie-secure"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_goes_into_the_query_and_leaves_what_is_there() {
        for (target, expected) in [
            ("/x", "/x?reason=A"),
            ("/x?a=1", "/x?a=1&reason=A"),
            ("/x#f", "/x?reason=A#f"),
            ("http://a/x?a=1#f?", "http://a/x?a=1&reason=A#f?"),
        ] {
            assert_eq!(with_reason(target, "A"), expected);
        }
    }
}
