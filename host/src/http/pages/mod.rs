//! `/admin`: pages for people, made of files that are in the binary (`sdk-web/pages`), or of an operator's own.
//!
//! Invariant: whatever is served here is the same for everybody and says nothing of anybody; what people see of themselves
//! their browser asks of the API, as any other client does. Deliberately absent: templates, sessions, and a way to change
//! anything: there is nothing but `GET` and `HEAD`.

mod address;
mod encoding;
mod files;
mod security;

use super::{cookies, headers, respond::Reply, service::Exchange, status::Outcome};
use crate::Config;
use address::Target;
use files::{File, Files};
use hyper::header;

/// What is shown where there is no page.
const LOST: &str = "not-found.html";

/// What is told where the pages were left out of the binary.
const ABSENT: &str = "This server was built without its pages: the build needs Node and npm for them. Everything else is \
                      there. To have pages, build it where Node is, or name a folder of your own in GATEWIT_PAGES.\n";

/// What is served under `/admin`.
pub(crate) enum Pages {
    /// Nothing: `SERVE_APP=false`.
    Off,
    /// Nothing, because nothing was built.
    Absent,
    /// Files, and what pages may do.
    Served(Files, String),
}

impl Pages {
    /// # Errors
    /// What is wrong with the operator's own files, for people.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        if !config.server.serve_app {
            return Ok(Self::Off);
        }
        let files = Files::gather(config.server.pages.as_deref())?;
        if files.is_empty() {
            tracing::warn!(
                "there are no pages under /admin: this server was built without them, where Node was missing"
            );
            return Ok(Self::Absent);
        }
        Ok(Self::Served(files, security::policy(&config.server.content_security_policy)))
    }

    /// Whether people find pages under `/admin`.
    pub(crate) fn are_served(&self) -> bool {
        matches!(self, Self::Served(..))
    }
}

/// Answers `GET /admin<rest>`.
pub(super) fn answer(exchange: &Exchange<'_>, rest: &str) -> Reply {
    let (files, policy) = match &exchange.wire.pages {
        Pages::Off => return exchange.not_found(),
        Pages::Absent => return Reply::document(Outcome::NotFound, "text/plain; charset=utf-8", ABSENT),
        Pages::Served(files, policy) => (files, policy.as_str()),
    };
    let request = &exchange.parts.headers;
    let has_session = cookies::get(request, exchange.wire.session_cookie.name()).is_some();
    match address::find(rest, has_session) {
        Target::Elsewhere(to) => {
            let query = exchange.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            Reply::redirect(Outcome::Found, &(to + &query), request.get(header::ACCEPT))
                .with_header(header::CACHE_CONTROL, "no-store")
        }
        Target::Asset(name) => match files.find(name) {
            Some(file) => send(exchange, Outcome::Ok, file, policy),
            None => exchange.not_found(),
        },
        Target::Page(name) => match (files.find(&name), files.find(LOST)) {
            (Some(file), _) => send(exchange, Outcome::Ok, file, policy),
            (None, Some(lost)) => send(exchange, Outcome::NotFound, lost, policy),
            (None, None) => exchange.not_found(),
        },
    }
}

fn send(exchange: &Exchange<'_>, outcome: Outcome, file: &File, policy: &str) -> Reply {
    let accepted = headers::text(&exchange.parts.headers, header::ACCEPT_ENCODING).unwrap_or_default();
    let compressed = file.compressed.as_ref().filter(|_| encoding::takes_gzip(&accepted));
    let bytes = compressed.unwrap_or(&file.plain).clone();
    let reply = Reply::document(outcome, file.kind, bytes)
        .secured(policy)
        // Asked for each time, so that a new server's pages and files always fit together; mostly answered by a 304.
        .with_header(header::CACHE_CONTROL, "no-cache")
        .with_header(header::VARY, "Origin, Accept-Encoding")
        .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        // Addresses of pages may hold tokens of letters.
        .with_header(header::REFERRER_POLICY, "no-referrer");
    if compressed.is_some() { reply.with_header(header::CONTENT_ENCODING, "gzip") } else { reply }
}
