//! The HTTP client of one provider: policy, pool, deadlines, limits.
//!
//! HTTP/1.1 only, and no redirect is followed: where one leads is for the driver to ask, and for the policy to answer.

use super::{
    body::{Limited, Limits},
    connect::{Connector, Peer, Ways},
    failure::Failed,
    policy::Egress,
    proxy::Proxies,
    report::Report,
};
use crate::{
    capability::{
        network::{
            Own,
            resolve::{Resolve, SystemResolver},
            tls::{self, OwnTls, Trust},
        },
        trace::Trace,
    },
    config,
    telemetry::spans,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, Uri,
    body::{Body, Frame, Incoming},
    header,
};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use std::{
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};
use url::Url;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// Bytes of a document whose addresses may be reached, as much as the cache keeps.
const DOCUMENT_BYTES_MAX: u64 = 256 << 10;

/// The status with which a document comes (RFC 9110, section 15.3.1).
const OK: u16 = 200;

/// Bytes of the head of an answer. What providers put into it is a tenth of that.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Headers of an answer. Most have twenty.
const HEADERS_MAX: usize = 100;

/// Connections to one host that wait for the next request …
const IDLE_MAX: usize = 32;

/// … and how long: shorter than servers wait (Node and Apache: 5 s), so that a request seldom meets a connection that is just
/// closed.
const IDLE: Duration = Duration::from_secs(4);

/// The way to the hosts of one provider.
pub(crate) struct Client {
    provider: Arc<str>,
    ways: Arc<Ways>,
    pool: legacy::Client<Connector, WasiBody>,
    silence: Duration,
    timeout: Duration,
    response_bytes: u64,
}

impl Client {
    /// # Errors
    /// A certificate or a key cannot be used. The text names the setting.
    pub(crate) fn new(
        provider: &Arc<str>,
        settings: &config::Outbound,
        trust: &Trust,
        own: &Own,
    ) -> Result<Self, String> {
        Self::with_resolver(provider, settings, trust, own, Arc::new(SystemResolver))
    }

    pub(super) fn with_resolver(
        provider: &Arc<str>,
        settings: &config::Outbound,
        trust: &Trust,
        own: &Own,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, String> {
        let timeout = own.timeout.unwrap_or(settings.timeout);
        let ways = Arc::new(Ways {
            egress: Arc::new(RwLock::new(Egress::new(&own.urls, &own.documents, own.granted.clone()))),
            proxies: Proxies::new(settings, &own.proxy),
            tls: Arc::new(encryption(trust, &own.tls)?),
            // To a proxy: the general authorities, and nobody in particular.
            proxy_tls: Arc::new(encryption(trust, &OwnTls::default())?),
            resolver,
            timeout: own.connect_timeout.unwrap_or(settings.connect_timeout).min(timeout),
        });
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http1_max_headers(HEADERS_MAX)
            .build(Connector(ways.clone()));
        let silence = settings.read_timeout;
        let response_bytes = settings.response_bytes;
        Ok(Self { provider: provider.clone(), ways, pool, silence, timeout, response_bytes })
    }

    /// As if the first document had been fetched from somewhere in the world.
    #[cfg(test)]
    pub(super) fn learn_for_test(&self, json: &str) {
        self.ways.egress.write().unwrap().learn(0, json.as_bytes(), false);
    }

    /// Sends a request of a driver, if it may be sent.
    pub(super) async fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        trace: &Trace,
    ) -> Result<Response<WasiBody>, Error> {
        let Ok(url) = Url::parse(&request.uri().to_string()) else { return Err(Failed::uri().code) };
        let report = Report::new(&self.provider, request.method(), &url, trace);
        let sent = self.exchange(request, &url, options.unwrap_or_default(), &report).await;
        sent.map_err(|failed| {
            report.failed(&failed);
            failed.code
        })
    }

    async fn exchange(
        &self,
        mut request: Request<WasiBody>,
        url: &Url,
        options: RequestOptions,
        report: &Report,
    ) -> Result<Response<WasiBody>, Failed> {
        let end = Instant::now() + self.timeout;
        self.ways.admit(url).map_err(|denial| Failed::denied(&denial))?;
        if !is_sent(request.method()) {
            return Err(Failed::method());
        }
        spans::leads_to(url.host_str().unwrap_or_default(), Some(request.method().as_str()));
        // What the policy has seen is what is sent: the same spelling of host and path.
        let target: Uri = url.as_str().parse().map_err(|_| Failed::uri())?;
        let document = (request.method() == Method::GET).then(|| self.document(url)).flatten();
        if url.scheme() == "http"
            && let Some(credentials) = self.ways.proxies.find(&target).as_ref().and_then(|proxy| proxy.basic_auth())
        {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, credentials.clone());
        }
        *request.uri_mut() = target;

        let silence = self.silence.min(options.first_byte_timeout.unwrap_or(self.silence));
        let head = end.min(Instant::now() + self.ways.timeout + silence);
        let response = timeout_at(head, self.pool.request(request)).await.map_err(|_| Failed::silent())?;
        let response = response.map_err(|error| Failed::of(&error))?;
        report.answered(response.status().as_u16());
        let silence = self.silence.min(options.between_bytes_timeout.unwrap_or(self.silence));
        let limits = Limits { bytes: self.response_bytes, silence, end };
        match document.filter(|_| response.status().as_u16() == OK) {
            Some(document) => self.learn(document, response, limits, report).await,
            None => Ok(response.map(|body| Limited::new(body, limits, report.clone()).boxed_unsync())),
        }
    }

    fn document(&self, url: &Url) -> Option<usize> {
        self.ways.egress.read().unwrap_or_else(PoisonError::into_inner).document(url)
    }

    /// Reads a document as it passes, and remembers whom it names.
    async fn learn(
        &self,
        document: usize,
        response: Response<Incoming>,
        limits: Limits,
        report: &Report,
    ) -> Result<Response<WasiBody>, Failed> {
        let is_nearby = response.extensions().get::<Peer>().is_some_and(|peer| peer.is_nearby);
        let (head, body) = response.into_parts();
        let bytes = limits.bytes.min(DOCUMENT_BYTES_MAX);
        let body = Limited::new(body, Limits { bytes, ..limits }, report.clone()).collect().await;
        // The failure was told where it happened, and the driver meets it where it reads.
        let body = match body {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(Response::from_parts(head, broken(error))),
        };
        self.ways.egress.write().unwrap_or_else(PoisonError::into_inner).learn(document, &body, is_nearby);
        let body = Full::<Bytes>::from(body).map_err(|never| match never {});
        Ok(Response::from_parts(head, body.boxed_unsync()))
    }
}

/// The encryption under HTTP/1.1.
fn encryption(trust: &Trust, own: &OwnTls) -> Result<ClientConfig, String> {
    let mut config = tls::client(trust, own)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A body of which nothing came but an error.
fn broken(error: Error) -> WasiBody {
    Broken(Some(error)).boxed_unsync()
}

struct Broken(Option<Error>);

impl Body for Broken {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

/// What drivers have a use for. Others change the meaning of a connection or of the proxy on the way.
fn is_sent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .contains(method)
}
