//! `/auth/login/<provider>` for browsers: away to a provider and back, and signing out there and here together.
//!
//! Whatever goes wrong is told in the query of a page (`?reason=`), because a person is looking. Absent: where a browser may
//! be sent, which the rules decide.

use super::{
    auth::{self, Mode},
    cookies::CookieSettings,
    form::Form,
    posting,
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
            single_sign_on::{Arrival, Departure, Destination, Failure, Outcome, Parameter, Start},
        },
        gatewit::auth::types::Reason,
    },
    capability::drivers::Served,
    gatewit::broken,
};
use hyper::header::{self, HeaderValue};

/// The field of a form that was posted here once more.
const AGAIN: &str = "gatewit-again";

impl Exchange<'_> {
    /// What the query says, as a form.
    fn query_form(&self) -> Form {
        Form::parse(self.parts.uri.query().unwrap_or_default().as_bytes())
    }

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

    /// Sends the browser on, with a form if there is one to be taken along.
    fn send(&self, to: Destination) -> Reply {
        if to.form.is_empty() {
            return self.redirect(Answer::Found, &to.url);
        }
        let fields = to.form.into_iter().map(|field| (field.name, field.value));
        posting::page(&to.url, &fields.collect())
    }

    /// Whether a browser comes from another site, so that it leaves our cookies at home (`SameSite=Lax`).
    fn is_from_elsewhere(&self) -> bool {
        let header = |name: &str| self.parts.headers.get(name).map(HeaderValue::as_bytes);
        match header("sec-fetch-site") {
            Some(site) => site == b"cross-site",
            None => header("origin").is_some(),
        }
    }
}

/// A failure that is told right here.
fn here(reason: Reason) -> Failure {
    Failure { reason, target: None, ticket: None }
}

/// What follows from a step of a browser. `form` is what it posted.
pub(super) async fn step(exchange: &Exchange<'_>, step: Step, provider: &str, form: &Form) -> Reply {
    let Some(served) = &exchange.server.provider(provider).filter(|served| served.redirects()) else {
        return exchange.not_found();
    };
    match step {
        Step::Begin => begin(exchange, served).await,
        Step::Return => finish(exchange, served, &exchange.query_form()).await,
        Step::ReturnByForm => exchange.redirect(Answer::SeeOther, &format!("./callback?{}", form.to_query())),
        Step::ReturnInForm => return_in_form(exchange, served, form).await,
        Step::Metadata => describe_us(exchange, served).await,
        Step::Message => match exchange.query_form() {
            message if is_message(&message) => message_of(exchange, served, &message).await,
            _ => exchange.not_found(),
        },
        Step::Leave if is_message(form) => message_of(exchange, served, form).await,
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
        Ok(Departure { to, ticket: text }) => exchange.send(to).with_cookie(ticket(served).set(&text, exchange.now)),
        Err(failure) => failed(exchange, served, failure),
    }
}

fn parameters(form: &Form) -> Vec<Parameter> {
    let given = form.iter().filter(|(name, _)| *name != AGAIN);
    given.map(|(name, value)| Parameter { name: name.to_owned(), value: value.to_owned() }).collect()
}

fn not_allowed(target: &str) -> Reason {
    Reason::InvalidPayload(format!("URL \"{target}\" can't be used to redirect after login"))
}

/// `POST /auth/login/<provider>/acs`. A browser that comes from the provider's site leaves our cookie at home, so it posts the
/// same once more, from here.
async fn return_in_form(exchange: &Exchange<'_>, served: &Served, form: &Form) -> Reply {
    let brings_ticket = exchange.cookie(&ticket(served)).is_some();
    if !brings_ticket && form.get(AGAIN).is_none() && exchange.is_from_elsewhere() {
        return posting::page("./acs", &form.clone().with(AGAIN, "1"));
    }
    finish(exchange, served, form).await
}

/// `GET /auth/login/<provider>/metadata`.
async fn describe_us(exchange: &Exchange<'_>, served: &Served) -> Reply {
    let origin = exchange.reached.as_deref();
    match exchange.operate(None, async |_, rules| rules.describe_us(&served.name, origin).await).await {
        Ok(Some(document)) => Reply::xml(document),
        Ok(None) => exchange.not_found(),
        Err(reason) => exchange.refused(reason),
    }
}

/// The end of the way back: `answer` is what the provider gave the browser.
async fn finish(exchange: &Exchange<'_>, served: &Served, answer: &Form) -> Reply {
    let cookie = ticket(served);
    let ticket = exchange.cookie(&cookie);
    let spent = |reply: Reply| if ticket.is_some() { reply.with_cookie(cookie.forget()) } else { reply };
    let arrival = Arrival {
        provider: served.name.to_string(),
        parameters: parameters(answer),
        ticket: ticket.clone(),
        origin: exchange.reached.clone(),
    };
    match exchange.finish(&arrival).await {
        Err(failure) => spent(failed(exchange, served, failure)),
        Ok(Outcome::Again(target) | Outcome::Linked(target)) => spent(exchange.redirect(Answer::Found, &target)),
        Ok(Outcome::SignedIn(signed_in)) => {
            exchange.signed_in(&served.name, None);
            let mode = match signed_in.form {
                GrantForm::Session => Mode::Session,
                GrantForm::Tokens => Mode::Cookie,
            };
            let Some(target) = signed_in.target else {
                return spent(auth::granted(exchange, Mode::Json, &signed_in.grant));
            };
            let reply = spent(exchange.redirect(Answer::Found, &target));
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
        Ok(to) => auth::signed_out(exchange, exchange.send(to)),
    }
}

async fn read_notice(exchange: &Exchange<'_>, served: &Served, form: &Form) -> Result<Option<Destination>, Reason> {
    let (name, parameters, origin) = (&served.name, parameters(form), exchange.reached.as_deref());
    exchange.operate(None, async |_, rules| rules.notice(name, &parameters, origin, &exchange.client).await).await
}

/// `POST /auth/login/<provider>/backchannel-logout`, by the provider itself.
async fn notice(exchange: &Exchange<'_>, served: &Served, form: &Form) -> Reply {
    match read_notice(exchange, served, form).await {
        Ok(_) => Reply::acknowledged(),
        // OpenID Connect Back-Channel Logout 1.0, section 2.8: what is not good is a bad request, whatever is wrong.
        Err(Reason::Unavailable(service)) => exchange.refused(Reason::Unavailable(service)),
        Err(_) => exchange.refused(Reason::InvalidPayload("The logout token is not good".to_owned())),
    }
}

/// Whether the provider speaks: the names of its messages (SAML Bindings 2.0, sections 3.4 and 3.5).
fn is_message(form: &Form) -> bool {
    form.get("SAMLRequest").is_some() || form.get("SAMLResponse").is_some()
}

/// `GET` or `POST /auth/login/<provider>/logout` by the provider: sessions end, and the browser takes our answer back.
async fn message_of(exchange: &Exchange<'_>, served: &Served, message: &Form) -> Reply {
    match read_notice(exchange, served, message).await {
        Ok(Some(to)) => auth::signed_out(exchange, exchange.send(to)),
        Ok(None) => Reply::acknowledged(),
        Err(reason) => exchange.refused(reason),
    }
}

/// Sends the browser where the rules say, with the reason, or tells it right here.
fn failed(exchange: &Exchange<'_>, served: &Served, failure: Failure) -> Reply {
    exchange.signed_in(&served.name, Some(&failure.reason));
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
