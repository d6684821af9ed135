//! A `tower` layer that lets an embedding program's own routes know who is asking.
//!
//! The token is found where Gatewit's own routes find it (bearer, session cookie, `access_token`), and the [`Person`] is put into
//! the request's extensions, which hold none that somebody else has put there. A token that is not good ends the request with
//! the answer of Gatewit's own routes. Absent: what a person may do in the program.

use super::{conditions::Conditions, query::Query, refusal::Refusal, respond::Reply, service::Wire, token};
use crate::{
    Gatewit,
    embed::Person,
    visit::{CallId, Visit},
};
use bytes::Bytes;
use hyper::{HeaderMap, Request, Response, Uri};
use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tower_service::Service;

/// Authenticates requests: see [`Gatewit::layer`].
#[derive(Clone)]
#[must_use]
pub struct Layer {
    gatewit: Gatewit,
    admits: Admits,
}

/// Who gets past a layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admits {
    Everybody,
    SignedIn,
    Administrators,
}

impl Gatewit {
    /// A `tower` layer for routes of the program: handlers find a [`Person`] in the extensions of requests of people who are
    /// signed in. Without [`Layer::required`] everybody gets through, and only a token that is not good is refused.
    ///
    /// The address of the client is taken from a [`SocketAddr`] in the extensions, as [`Gatewit::service`] does. A session cookie
    /// counts, too: routes that change something should take no `GET`, and `SESSION_COOKIE_SAME_SITE` should stay `lax` or stricter.
    pub fn layer(&self) -> Layer {
        Layer { gatewit: self.clone(), admits: Admits::Everybody }
    }
}

impl Layer {
    /// Refuses whoever is not signed in, with 401.
    pub fn required(self) -> Self {
        Self { admits: Admits::SignedIn, ..self }
    }

    /// Refuses whoever is no administrator, with 401 or 403.
    pub fn administrators(self) -> Self {
        Self { admits: Admits::Administrators, ..self }
    }
}

impl<S> tower_layer::Layer<S> for Layer {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Authenticated<S> {
        Authenticated { layer: self.clone(), inner }
    }
}

/// A service behind a [`Layer`].
#[derive(Clone)]
pub struct Authenticated<S> {
    layer: Layer,
    inner: S,
}

impl<S, B, A> Service<Request<B>> for Authenticated<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    A: From<Bytes> + Send + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that was asked whether it is ready is the one that is called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let layer = self.layer.clone();
        Box::pin(async move {
            request.extensions_mut().remove::<Person>();
            let peer = request.extensions().get::<SocketAddr>().copied();
            match layer.admit(request.uri(), request.headers(), peer).await {
                Ok(person) => {
                    if let Some(person) = person {
                        request.extensions_mut().insert(person);
                    }
                    inner.call(request).await
                }
                Err(reply) => {
                    let wire = &layer.gatewit.0.wire;
                    let conditions = Conditions::of(request.method(), request.headers());
                    Ok(reply.into_bytes(&wire.headers, &conditions).map(A::from))
                }
            }
        })
    }
}

type Admitting<'a> = Pin<Box<dyn Future<Output = Result<Option<Person>, Reply>> + Send + 'a>>;

impl Layer {
    /// Who is asking, or the answer to whom is not let through. In a box, so that programs compile their own code and not ours.
    fn admit<'a>(&'a self, uri: &'a Uri, headers: &'a HeaderMap, peer: Option<SocketAddr>) -> Admitting<'a> {
        Box::pin(self.find(uri, headers, peer))
    }

    async fn find(&self, uri: &Uri, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<Option<Person>, Reply> {
        let server = &self.gatewit.0;
        let wire: &Wire = &server.wire;
        let presented = token::find(&Query::parse(uri.query()), headers, wire.session_cookie.name());
        let Some(presented) = presented.map_err(|refusal| Reply::refused(&[refusal]))? else {
            return if self.admits == Admits::Everybody { Ok(None) } else { Err(refused(Refusal::InvalidCredentials)) };
        };
        let visit = Visit::new(server, wire.client(headers, peer), Instant::now(), CallId::random());
        match visit.person(&presented.token).await {
            Ok(caller) if self.admits == Admits::Administrators && !caller.principal.admin => {
                Err(refused(Refusal::Forbidden { reason: None }))
            }
            Ok(caller) => Ok(Some(caller.principal.into())),
            Err(reason) => Err(wire.token_refused(presented.source, reason, visit.now)),
        }
    }
}

fn refused(refusal: Refusal) -> Reply {
    Reply::refused(&[refusal])
}
