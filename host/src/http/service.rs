//! From a request to its answer: token, route, body, who is asking, and then the handler of the route.
//!
//! Absent: everything that only one route does (`auth`, `account`, `server`), and decisions about authentication.

use super::{
    account, accounts, auth,
    body::{self, AnyBody, BodyLimits},
    client,
    conditions::Conditions,
    cookies::{self, CookieSettings},
    cors::CorsPolicy,
    front::{
        forward_auth,
        identity::Names,
        navigation::SignIn,
        proxy::{Passing, Upstream},
    },
    graphql::{self, Schemas},
    headers::{HeaderPolicy, StrictTransport},
    identities,
    limits::Limits,
    open_sessions, openapi, operate, outgoing,
    pages::{self, Pages},
    query::Query,
    records,
    refusal::Refusal,
    request_id,
    respond::Reply,
    route::{self, Route},
    second_factor, server, shares, single_sign_on, template,
    token::{self, Presented, Source},
};
use crate::{
    Config,
    bindings::auth::gatewit::auth::types::{Client, Reason},
    config::TrustProxy,
    gatewit::Server,
    telemetry::spans,
    visit::{CallId, Visit},
};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Body,
    header::{self, HeaderName},
    http::request::Parts,
};
use serde_json::Value;
use std::{
    convert::Infallible,
    fmt::Display,
    net::SocketAddr,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::{runtime::Handle, task::JoinSet, time::Instant};
use tracing::{Instrument, Span};

pub(super) use crate::visit::Caller;

/// What the wire needs of the configuration, made once.
pub(crate) struct Wire {
    pub(super) headers: HeaderPolicy,
    cors: Option<CorsPolicy>,
    pub(super) limits: Limits,
    pub(super) graphql: Schemas,
    pub(super) pages: Pages,
    pub(super) refresh_cookie: CookieSettings,
    pub(super) session_cookie: CookieSettings,
    pub(super) body: BodyLimits,
    pub(super) trust_proxy: TrustProxy,
    address_header: Option<HeaderName>,
    pub(crate) login_stall: Duration,
    /// The names of the headers that tell applications who is signed in.
    pub(super) identity: Names,
    pub(super) sign_in: SignIn,
    /// The application behind this server.
    pub(crate) upstream: Option<Upstream>,
}

impl Wire {
    /// # Errors
    /// What is wrong with a setting, for people.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let text = |error: &dyn Display| error.to_string();
        let settings = &config.server;
        let directives: Vec<_> =
            settings.content_security_policy.iter().map(|each| (each.name.clone(), each.value.clone())).collect();
        let hsts = settings.hsts.enabled.then_some(StrictTransport {
            max_age: Duration::from_secs(settings.hsts.max_age_seconds),
            include_subdomains: settings.hsts.include_sub_domains,
            preload: settings.hsts.preload,
        });
        let headers = HeaderPolicy::new(&directives, settings.cross_origin_opener_policy_enabled, hsts);
        let cookie = |cookie, life_ms| CookieSettings::configured(cookie, life_ms).map_err(|error| text(&error));
        let address_header = settings.ip_custom_header.as_ref().map(|name| name.parse());
        Ok(Self {
            headers: headers.map_err(|error| text(&error))?,
            cors: CorsPolicy::new(&settings.cors).map_err(|_| "CORS_ORIGIN cannot be sent in a header")?,
            limits: Limits::new(&settings.limits),
            graphql: Schemas::new(settings.graphql.introspection).map_err(|error| text(&error))?,
            pages: Pages::new(config)?,
            refresh_cookie: cookie(&config.cookies.refresh, config.auth.refresh_token_ttl.body_ms())?,
            session_cookie: cookie(&config.cookies.session, config.auth.session_cookie_ttl.body_ms())?,
            body: BodyLimits {
                bytes: usize::try_from(settings.max_payload_bytes).unwrap_or(usize::MAX),
                ..BodyLimits::default()
            },
            trust_proxy: settings.ip_trust_proxy.clone(),
            address_header: address_header.transpose().map_err(|_| "IP_CUSTOM_HEADER is not the name of a header")?,
            login_stall: config.auth.login_stall_time,
            identity: Names::new(&config.front.identity_prefix).map_err(|error| text(&error))?,
            sign_in: SignIn::new(config),
            upstream: Upstream::new(config)?,
        })
    }

    /// The answer to a token that is refused. One that is not good, or no longer, does not stay in the cookie.
    pub(super) fn token_refused(&self, source: Source, reason: Reason, now: OffsetDateTime) -> Reply {
        let bad = matches!(reason, Reason::InvalidCredentials | Reason::InvalidToken);
        let reply = Reply::refused(&[Refusal::of(reason, now)]);
        match source {
            Source::Cookie if bad => reply.with_cookie(self.session_cookie.clear(now)),
            _ => reply,
        }
    }

    /// Who asks, as far as a request says.
    pub(super) fn client(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Client {
        let peer = peer.map(|peer| peer.ip());
        let address = client::address(peer, headers, &self.trust_proxy, self.address_header.as_ref());
        Client {
            address: address.map(|address| address.to_string()),
            user_agent: client::user_agent(headers),
            origin: client::origin(headers),
        }
    }

    /// The headers that every answer of our own has.
    pub(super) fn headers(&self) -> &HeaderPolicy {
        &self.headers
    }
}

/// A server as a [`tower`](https://docs.rs/tower-service) service of `http` requests. Clones serve the same server.
///
/// The address of the client is taken from a [`SocketAddr`] in the request's extensions; without one the client has none,
/// and policies that are bound to addresses do not apply.
#[derive(Clone)]
pub struct Service {
    server: Arc<Server>,
    /// Where what is not passed on is answered, if not by the thread that has the connection.
    home: Option<Handle>,
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Display,
{
    type Response = Response<outgoing::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        let peer = request.extensions().get::<SocketAddr>().copied();
        Box::pin(async move { Ok(service.answer(request, peer).await) })
    }
}

/// An answer that is being made.
type Answering<'a> = Pin<Box<dyn Future<Output = Response<outgoing::Body>> + Send + 'a>>;

impl Service {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self { server, home: None }
    }

    /// Answers what is not passed on there.
    pub(crate) fn at_home(self, home: Option<Handle>) -> Self {
        Self { home, ..self }
    }

    /// Whether there is a route for this method and path; to all else the answer is `ROUTE_NOT_FOUND`. So a program that asks
    /// first can keep what is its own.
    #[must_use]
    pub fn has_route(method: &Method, path: &str) -> bool {
        route::find(method, path) != Route::Unknown
    }

    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: Request<B>, peer: Option<SocketAddr>) -> Response<outgoing::Body>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Display,
    {
        self.erased(request.map(body::erased), peer).await
    }

    /// In boxes, because what is in them is large and would be moved from hand to hand; and of no type, so that programs compile
    /// their own code and not ours.
    fn erased(&self, request: Request<AnyBody>, peer: Option<SocketAddr>) -> Answering<'_> {
        let (upstream, started) = (self.server.wire.upstream.as_ref(), Instant::now());
        match upstream.filter(|upstream| upstream.answers(request.uri().path())) {
            Some(upstream) => {
                let id = CallId::random();
                let span = request_id::span(id, request.method(), request.uri(), request.headers());
                let method = request.method().as_str();
                let traced = span.in_scope(|| spans::request(id, method, "upstream", request.headers()));
                let passing = Passing { server: &self.server, upstream, peer, started, id };
                let passed = async move {
                    let response = passing.run(request).await;
                    spans::answered(&Span::current(), response.status().as_u16());
                    response
                };
                Box::pin(passed.instrument(traced).instrument(span))
            }
            None => match &self.home {
                Some(home) => Box::pin(at(home, self.clone(), request, peer, started)),
                None => Box::pin(self.respond(request, peer, started)),
            },
        }
    }

    async fn respond(
        &self,
        request: Request<AnyBody>,
        peer: Option<SocketAddr>,
        started: Instant,
    ) -> Response<outgoing::Body> {
        let id = CallId::random();
        let span = request_id::span(id, request.method(), request.uri(), request.headers());
        let conditions = Conditions::of(request.method(), request.headers());
        let (parts, body) = request.into_parts();
        let wire = &self.server.wire;
        let cors = wire.cors.as_ref().map(|cors| cors.headers(&parts.method, parts.headers.get(header::ORIGIN)));
        let metrics = &self.server.services.metrics;
        let route = route::find(&parts.method, parts.uri.path());
        let (method, template) = template::of(&route);
        let traced = spans::request(id, method, &template, &parts.headers);
        let reply = async {
            let reply = match Exchange::new(&self.server, &parts, peer, started, id) {
                _ if cors.is_some() && parts.method == Method::OPTIONS => Reply::preflight(),
                Ok(exchange) => exchange.run(route, body).await,
                Err(refusal) => Reply::refused(&[refusal]),
            };
            let status = reply.status().as_u16();
            metrics.answered(method, template, status, started.elapsed());
            spans::answered(&traced, status);
            tracing::info!(status, micros = started.elapsed().as_micros(), "answered");
            reply
        };
        let reply = reply.instrument(traced.clone()).instrument(span).await.opened_with(cors.unwrap_or_default());
        reply.into_response(&wire.headers, &conditions)
    }
}

/// Has a request answered by other threads. It is dropped with this.
async fn at(
    home: &Handle,
    service: Service,
    request: Request<AnyBody>,
    peer: Option<SocketAddr>,
    started: Instant,
) -> Response<outgoing::Body> {
    let mut answering = JoinSet::new();
    answering.spawn_on(async move { service.respond(request, peer, started).await }, home);
    match answering.join_next().await {
        Some(Ok(response)) => response,
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The program's runtime is about to end, and the connection with it.
        _ => std::future::pending().await,
    }
}

/// One request on its way to its answer: a visit that came by HTTP.
pub(super) struct Exchange<'a> {
    visit: Visit<'a>,
    pub(super) wire: &'a Wire,
    pub(super) parts: &'a Parts,
    pub(super) query: Query,
    /// Scheme, host and port by which the browser reached us.
    pub(super) reached: Option<String>,
    pub(super) presented: Option<Presented>,
}

/// What handlers do with a request, they do with the visit.
impl<'a> Deref for Exchange<'a> {
    type Target = Visit<'a>;

    fn deref(&self) -> &Visit<'a> {
        &self.visit
    }
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        server: &'a Server,
        parts: &'a Parts,
        peer: Option<SocketAddr>,
        started: Instant,
        id: CallId,
    ) -> Result<Self, Refusal> {
        let wire = &server.wire;
        let query = Query::parse(parts.uri.query());
        let presented = token::find(&query, &parts.headers, wire.session_cookie.name())?;
        let client = wire.client(&parts.headers, peer);
        let reached = client::reached(peer.map(|peer| peer.ip()), &parts.headers, &wire.trust_proxy);
        Ok(Self { visit: Visit::new(server, client, started, id), wire, parts, query, reached, presented })
    }

    async fn run<B>(self, route: Route, body: B) -> Reply
    where
        B: Body,
        B::Error: Display,
    {
        if let Err(refusal) = self.count(&route).await {
            return Reply::refused(&[refusal]);
        }
        if route == Route::Metrics {
            return operate::figures(&self).await;
        }
        if let Route::Operate(verb, place) = &route {
            return Box::pin(operate::answer(&self, *verb, place, body)).await;
        }
        if route.takes_form() {
            return self.run_form(&route, body).await;
        }
        let carries_body = !matches!(self.parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let body = if carries_body {
            match body::read_json(&self.parts.headers, body, self.wire.body).await {
                Ok(body) => body,
                Err(refusal) => return Reply::refused(&[refusal]),
            }
        } else {
            Value::Null
        };
        let caller = if route.skips_authentication() || auth::authenticates_itself(&route, &self, &body) {
            None
        } else {
            match self.caller().await {
                Ok(caller) => caller,
                Err(reply) => return reply,
            }
        };
        self.handle(route, caller, &body).await
    }

    /// Hands the request to its handler.
    async fn handle(&self, route: Route, caller: Option<Caller>, body: &Value) -> Reply {
        match route {
            Route::Ping => Reply::pong(),
            Route::Root => server::root(self),
            Route::Robots => Reply::robots(),
            Route::Admin(rest) => pages::answer(self, &rest),
            Route::RandomString => server::random_string(self),
            Route::ForwardAuth => forward_auth::answer(self).await,
            Route::Return => forward_auth::onward(self),
            Route::Info => server::info(self, caller.is_some()).await,
            Route::Health => server::health(self, caller.as_ref().map(|caller| &caller.principal)).await,
            Route::Specification => Reply::json(openapi::document()),
            Route::GraphqlSchema => graphql::schema_language(self, caller).await,
            Route::Graphql => graphql::answer(self, caller, body).await,
            Route::Providers => auth::providers(self).await,
            Route::Login => auth::login(self, "default", body).await,
            Route::LoginWith(name) if name != "default" => auth::login(self, &name, body).await,
            Route::Refresh => auth::refresh(self, body).await,
            Route::Logout => auth::logout(self, body).await,
            Route::RequestReset => accounts::request_reset(self, body).await,
            Route::Reset => accounts::reset(self, body).await,
            Route::Register => accounts::register(self, body).await,
            Route::VerifyEmail => accounts::verify(self).await,
            Route::Invite => accounts::invite(self, caller, body).await,
            Route::Accept => accounts::accept(self, body).await,
            Route::Me => account::me(self, caller).await,
            Route::UpdateMe => account::update(self, caller, body).await,
            Route::TrackPage => account::track_page(self, caller, body).await,
            Route::Factor(what) => second_factor::own(self, caller, what, body).await,
            Route::RemoveFactor(user) => second_factor::remove(self, caller, &user).await,
            Route::Rights(form) => account::rights(self, caller, form).await,
            Route::ShareLogin => shares::login(self, body).await,
            Route::ShareInfo(share) => shares::info(self, &share).await,
            Route::Records(verb, collection) => records::all(self, caller, verb, collection, body).await,
            Route::Record(verb, collection, id) => records::one(self, caller, verb, collection, &id, body).await,
            Route::Options { allow, provider } if provider.as_ref().is_none_or(|name| self.serves(name)) => {
                Reply::options(&allow)
            }
            Route::Identities => identities::list(self, caller).await,
            Route::Link(provider) => identities::link(self, caller, &provider, body).await,
            Route::Unlink(id) => identities::unlink(self, caller, &id).await,
            Route::OwnSessions => open_sessions::list(self, caller).await,
            Route::EndOtherSessions => open_sessions::end_others(self, caller).await,
            Route::EndOwnSession(id) => open_sessions::end(self, caller, &id).await,
            Route::Options { .. }
            | Route::Metrics
            | Route::Operate(..)
            | Route::LoginWith(_)
            | Route::SingleSignOn(..)
            | Route::Unknown => self.not_found(),
        }
    }

    /// The same where browsers and providers send forms.
    async fn run_form<B>(self, route: &Route, body: B) -> Reply
    where
        B: Body,
        B::Error: Display,
    {
        let form = match body::read_form(&self.parts.headers, body, self.wire.body).await {
            Ok(form) => form,
            Err(refusal) => return Reply::refused(&[refusal]),
        };
        match route {
            Route::SingleSignOn(step, provider) => single_sign_on::step(&self, *step, provider, &form).await,
            _ => self.not_found(),
        }
    }

    /// Counts the request against the limits; pages that only lead elsewhere are free, and so is watching the process
    /// and what a proxy asks about requests that are not for us.
    async fn count(&self, route: &Route) -> Result<(), Refusal> {
        let is_watched = matches!(route, Route::Operate(_, place) if place.is_open()) || *route == Route::Metrics;
        let is_free =
            matches!(route, Route::Root | Route::Robots | Route::Admin(_) | Route::ForwardAuth | Route::Return);
        if is_watched || is_free {
            return Ok(());
        }
        self.wire.limits.request(self.client.address.as_deref(), self.server.store(), self.now).await
    }

    fn serves(&self, provider: &str) -> bool {
        provider != "default" && self.server.provider(provider).is_some()
    }

    /// Who is asking; nobody without a token. A bad token ends the request, whatever it wants.
    pub(super) async fn caller(&self) -> Result<Option<Caller>, Reply> {
        let Some(presented) = &self.presented else { return Ok(None) };
        let caller = self.authenticate(&presented.token).await;
        caller.map(Some).map_err(|reason| self.token_refused(presented.source, reason))
    }

    /// Whether the token of this request is somebody's.
    pub(super) async fn is_known(&self) -> bool {
        matches!(self.caller().await, Ok(Some(_)))
    }

    /// The answer to the token of this request.
    pub(super) fn token_refused(&self, source: Source, reason: Reason) -> Reply {
        self.wire.token_refused(source, reason, self.now)
    }

    pub(super) fn refused(&self, reason: Reason) -> Reply {
        Reply::refused(&[Refusal::of(reason, self.now)])
    }

    pub(super) fn not_found(&self) -> Reply {
        Reply::refused(&[Refusal::RouteNotFound { path: self.parts.uri.path().to_owned() }])
    }

    /// A cookie of the request; an empty one is none.
    pub(super) fn cookie(&self, cookie: &CookieSettings) -> Option<String> {
        cookies::get(&self.parts.headers, cookie.name()).filter(|value| !value.is_empty())
    }

    /// The token that the request presents came from the session cookie.
    pub(super) fn presents_cookie(&self) -> bool {
        self.presented.as_ref().is_some_and(|presented| presented.source == Source::Cookie)
    }
}
