//! Passes a request on to the application, and its answer back.
//!
//! Who is asking comes first; then the head is rewritten, and the bodies follow as they come. What goes wrong on the other side
//! is a 502 or, where it only took too long, a 504, and the log says why. Invariant: a request is sent again only if it changes
//! nothing and a connection that had waited was closed under it.

use super::{
    super::{
        body::AnyBody,
        client,
        conditions::Conditions,
        outgoing::Body,
        query::Query,
        refusal::Refusal,
        respond::Reply,
        service::{Exchange, Wire},
        status::Outcome,
        token,
    },
    body::{Download, Permission, Pulse, Upload},
    forward_auth::unfinished,
    forwarded::Hop,
    identity::{Identity, Who},
    link::{Failure, Link, Links},
    navigation::{self, Original},
    ownership::Ownership,
    rewrite::{self, Passage, Unfit},
    tunnel::Tunnels,
};
use crate::{
    config::{Anonymous, Config, UpstreamHost},
    gatewit::Server,
    telemetry::spans,
    visit::CallId,
};
use hyper::{
    Method, Request, Response, body::Body as _, body::Incoming, header, header::HeaderValue, http::request::Parts,
    upgrade::OnUpgrade,
};
use std::{borrow::Cow, error::Error, net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::Instant;
use url::Url;

/// Methods that are passed on, for whoever uses another.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The application behind this server.
pub(crate) struct Upstream {
    ownership: Ownership,
    links: Arc<Links>,
    tunnels: Tunnels,
    anonymous: Anonymous,
    /// What the application is told for `Host`, where that is not what the client wrote.
    host: Option<HeaderValue>,
    head_timeout: Duration,
    read_timeout: Duration,
}

impl Upstream {
    /// The application of the settings, if there is one.
    ///
    /// # Errors
    /// What is wrong with a setting, for people.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, String> {
        let settings = &config.upstream;
        let Some(url) = &settings.url else { return Ok(None) };
        let told = |error: &dyn Error| format!("GATEWIT_UPSTREAM: {error}");
        let parsed = Url::parse(url).map_err(|error| told(&error))?;
        let authority = url.split_once("://").map_or(url.as_str(), |(_, authority)| authority);
        let host = match settings.host {
            UpstreamHost::Client => None,
            UpstreamHost::Upstream => Some(HeaderValue::from_str(authority).map_err(|error| told(&error))?),
        };
        Ok(Some(Self {
            ownership: Ownership::new(&settings.paths, config.server.serve_app),
            links: Arc::new(Links::new(&parsed, config)?),
            tunnels: Tunnels::new(settings.upgraded_timeout),
            anonymous: settings.anonymous,
            host,
            head_timeout: settings.head_timeout,
            read_timeout: settings.read_timeout,
        }))
    }

    /// Whether the application answers for a path.
    pub(crate) fn answers(&self, path: &str) -> bool {
        !self.ownership.has(path)
    }

    /// Ends what would not end by itself.
    pub(crate) fn close(&self) {
        self.tunnels.close();
    }
}

/// A request that is passed on.
pub(in crate::http) struct Passing<'a> {
    pub(in crate::http) server: &'a Server,
    pub(in crate::http) upstream: &'a Upstream,
    pub(in crate::http) peer: Option<SocketAddr>,
    pub(in crate::http) started: Instant,
    pub(in crate::http) id: CallId,
}

impl Passing<'_> {
    /// Passes it on, and puts a line into the log.
    pub(in crate::http) async fn run(self, request: Request<AnyBody>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let response = self.answer(parts, body).await;
        let (status, took) = (response.status().as_u16(), self.started.elapsed());
        self.server.services.metrics.answered("OTHER", Cow::Borrowed("upstream"), status, took);
        tracing::info!(status, micros = took.as_micros(), "passed on");
        response
    }

    async fn answer(&self, mut parts: Parts, body: AnyBody) -> Response<Body> {
        let conditions = Conditions::of(&parts.method, &parts.headers);
        let reply = match self.caller(&parts).await {
            Ok(caller) => match self.pass(&mut parts, body, caller.as_ref()).await {
                Ok(response) => return response,
                Err(refusal) => Reply::refused(&[refusal]),
            },
            Err(reply) => reply,
        };
        reply.into_response(self.server.wire.headers(), &conditions)
    }

    fn wire(&self) -> &Wire {
        &self.server.wire
    }

    /// Who is asking, if the request may be passed on.
    async fn caller(&self, parts: &Parts) -> Result<Option<Identity>, Reply> {
        let refused = |refusal| Reply::refused(&[refusal]);
        let cookie = self.wire().session_cookie.name();
        let shown = token::find(&Query::parse(parts.uri.query()), &parts.headers, cookie).map_err(refused)?;
        if shown.is_none() && self.upstream.anonymous == Anonymous::Pass {
            return Ok(None);
        }
        let exchange = Exchange::new(self.server, parts, self.peer, self.started, self.id).map_err(refused)?;
        match exchange.who(shown.as_ref()).await.map_err(refused)? {
            Who::Somebody(identity) => Ok(Some(identity)),
            Who::Unfinished => Err(refused(unfinished())),
            Who::Nobody if self.upstream.anonymous == Anonymous::Pass => Ok(None),
            Who::Nobody if navigation::is_navigation(parts.method.as_str(), &parts.headers) => {
                let path = parts.uri.path_and_query().map(ToString::to_string);
                let here = exchange.reached.as_deref().zip(path);
                let original = here.and_then(|(origin, path)| Original::new(origin, &path));
                let page = self.wire().sign_in.location(original.as_ref());
                let reply = Reply::redirect(Outcome::Found, &page, parts.headers.get(header::ACCEPT));
                Err(reply.with_header(header::CACHE_CONTROL, "no-store"))
            }
            Who::Nobody => Err(refused(Refusal::InvalidCredentials)),
        }
    }

    async fn pass(
        &self,
        parts: &mut Parts,
        body: AnyBody,
        caller: Option<&Identity>,
    ) -> Result<Response<Body>, Refusal> {
        let wire = self.wire();
        let peer = self.peer.map(|peer| peer.ip());
        let hop = Hop { peer, is_trusted: client::is_trusted(peer, &wire.trust_proxy) };
        let passage = Passage { names: &wire.identity, hop, host: self.upstream.host.as_ref() };
        let head = || {
            let mut head = passage.request(parts).map_err(|unfit| refused(unfit, &parts.method))?;
            if let Some(identity) = caller {
                wire.identity.tell(head.headers_mut(), identity);
            }
            spans::pass_on(head.headers_mut());
            Ok(head)
        };
        let upload = (!body.is_end_stream()).then(Pulse::new);
        let sent = match &upload {
            None => self.exchange(&head).await?,
            Some(pulse) => self.upload(head()?, body, pulse).await?,
        };
        self.passed_back(parts, sent.map_err(|failure| failed(&failure))?, upload)
    }

    /// Sends a request without a body; once more on a new connection, if one that had waited was closed meanwhile.
    async fn exchange(&self, head: &impl Fn() -> Result<Request<()>, Refusal>) -> Result<Sent, Refusal> {
        if let Some(link) = self.upstream.links.waiting() {
            let request = head()?;
            let may_repeat = is_safe(request.method());
            match self.send(link, request.map(|()| Upload::none()), None).await {
                Err(Failure::Unreadable(error)) if may_repeat && !error.is_parse() => {
                    tracing::debug!(%error, "a connection that had waited was closed");
                }
                sent => return Ok(sent),
            }
        }
        let request = head()?.map(|()| Upload::none());
        Ok(self.send_anew(request, None).await)
    }

    /// Sends a request with its body.
    async fn upload(&self, head: Request<()>, body: AnyBody, pulse: &Arc<Pulse>) -> Result<Sent, Refusal> {
        let expects = head
            .headers()
            .get(header::EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let permission = expects.then(Arc::<Permission>::default);
        let mut request = head.map(|()| Upload::of(body, pulse.clone(), permission.clone()));
        if let Some(permission) = permission {
            hyper::ext::on_informational(&mut request, move |informed| {
                if informed.status().as_u16() == CONTINUE {
                    permission.give();
                }
            });
        }
        Ok(match self.upstream.links.waiting() {
            Some(link) => self.send(link, request, Some(pulse)).await,
            None => self.send_anew(request, Some(pulse)).await,
        })
    }

    async fn send_anew(&self, request: Request<Upload>, pulse: Option<&Arc<Pulse>>) -> Sent {
        let link = self.upstream.links.open().await?;
        self.send(link, request, pulse).await
    }

    /// Waits for the head of the answer.
    async fn send(&self, mut link: Link, request: Request<Upload>, pulse: Option<&Arc<Pulse>>) -> Sent {
        let answer = link.exchange(request, self.upstream.head_timeout, pulse.map(AsRef::as_ref)).await?;
        Ok((link, answer))
    }

    /// The answer, as it is passed back.
    fn passed_back(
        &self,
        parts: &mut Parts,
        (link, mut answer): (Link, Response<Incoming>),
        upload: Option<Arc<Pulse>>,
    ) -> Result<Response<Body>, Refusal> {
        let upstream = self.upstream;
        if answer.status().as_u16() == rewrite::SWITCHING_PROTOCOLS {
            let client = parts.extensions.remove::<OnUpgrade>().filter(|_| rewrite::upgrade(&parts.headers).is_some());
            let strange = || failed(&Failure::Strange("nobody asked for another protocol"));
            let client = client.ok_or_else(strange)?;
            let place = upstream.tunnels.place().ok_or_else(|| Refusal::under_pressure(1))?;
            upstream.tunnels.start(place, client, hyper::upgrade::on(&mut answer), link.into_driven());
            let (head, _) = answer.into_parts();
            let head = rewrite::answer(head).map_err(|what| failed(&Failure::Strange(what)))?;
            return Ok(head.map(|()| Body::empty()));
        }
        let (head, body) = answer.into_parts();
        let head = rewrite::answer(head).map_err(|what| failed(&Failure::Strange(what)))?;
        let download = Download::new(body, link, upstream.links.clone(), upstream.read_timeout, upload);
        Ok(head.map(|()| download.into_body()))
    }
}

/// Why a request is not passed on, for the client.
fn refused(unfit: Unfit, method: &Method) -> Refusal {
    match unfit {
        Unfit::Method => Refusal::MethodNotAllowed { allowed: METHODS.to_vec(), current: method.to_string() },
        Unfit::Host => Refusal::payload("the request has to name one host"),
        Unfit::Circle => {
            tracing::error!("a request came back here: does GATEWIT_UPSTREAM lead to this server itself?");
            Refusal::UpstreamFailed
        }
    }
}

/// The head of an answer, and the connection that it came from.
type Sent = Result<(Link, Response<Incoming>), Failure>;

/// The status with which a server asks for a body (RFC 9110, section 15.2.1).
const CONTINUE: u16 = 100;

/// Whether a request changes nothing (RFC 9110, section 9.2.1).
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A failure of the application, for the log and for the client.
fn failed(failure: &Failure) -> Refusal {
    tracing::warn!(error = failure as &dyn Error, "a request could not be passed on");
    if failure.is_slow() { Refusal::UpstreamSlow } else { Refusal::UpstreamFailed }
}
