//! `wasi:http/outgoing-handler`: the way of drivers to the hosts of their providers, and to nobody else.
//!
//! | file | what it does |
//! |---|---|
//! | [`policy`] | decides where a driver may send requests |
//! | [`client`] | the client of one provider: pool, deadlines, limits |
//! | [`connect`] | connections, through proxies and encryption |
//! | [`proxy`] | which proxy a request takes |
//! | [`body`] | a body within its limits |
//! | [`failure`] | what went wrong, for the driver and for the log |
//! | [`report`] | what was asked for and what came |
//!
//! Invariant: a guest's request passes [`client`] or is denied; nothing here follows a redirect, keeps a cookie or looks at
//! what is said, but for the documents that name a provider's other addresses.

mod body;
mod client;
mod connect;
mod failure;
mod policy;
mod proxy;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use client::Client;
pub(crate) use proxy::{Choice, OwnProxy};

use super::{network::allowance::Allowance, script::Nature, trace::Trace};
use crate::telemetry::spans;
use body::Patient;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, header, header::HeaderName};
use std::sync::Arc;
use tracing::Instrument;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView, p2,
};

/// Requests of one call. A sign-in takes four; what goes round in circles stops here.
const REQUESTS_MAX: u32 = 16;

/// Bytes of the headers of a request, as they lie in memory.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Bytes that a driver hands over at once when it writes a body.
const CHUNK_BYTES: usize = 64 << 10;

/// The network as one call sees it.
pub(crate) struct Outbound {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    client: Option<Arc<Client>>,
    trace: Trace,
    requests: Allowance,
}

impl Outbound {
    /// Without a client there is no network.
    pub(crate) fn new(client: Option<Arc<Client>>, trace: Trace) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(HEADER_BYTES_MAX);
        Self { context, hooks: Hooks { client, trace, requests: Allowance::new(REQUESTS_MAX) } }
    }

    /// Allows another number of requests than usual.
    pub(crate) fn limit(&mut self, requests_max: u32) {
        self.hooks.requests = Allowance::new(requests_max);
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { ctx: &mut self.context, table, hooks: &mut self.hooks }
    }
}

/// Bytes of a body that somebody is told who watches. A metadata document fits.
const TOLD_BYTES_MAX: usize = 1 << 20;

/// Sends a request, unless somebody who watches can be told the answer that another call got.
async fn scripted(
    client: &Client,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
    trace: &Trace,
) -> Result<Response<WasiBody>, Error> {
    let script = trace.script();
    if !script.is_there() {
        return client.send(request, options, trace).await;
    }
    let is_question = [Method::GET, Method::HEAD].contains(request.method());
    let nature = if is_question { Nature::Question } else { Nature::Effect };
    let asked = script.ask(nature, "request", &(request.method(), request.uri()));
    let whole = async {
        let (head, body) = client.send(request, options, trace).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if body.len() > TOLD_BYTES_MAX {
            script.tear();
        }
        Ok(Response::from_parts(head, body))
    };
    let answer = asked.told(whole, || Error::HttpRequestDenied).await?;
    Ok(answer.map(|body| Full::from(body).map_err(|never| match never {}).boxed_unsync()))
}

/// Adds requests to the outside, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p2::add_only_http_to_linker_async(linker)
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send> {
        let has_network = self.client.is_some();
        let may = self.requests.take(has_network, "sends too many requests", "a request", &self.trace);
        let client = self.client.clone().filter(|_| may);
        let trace = self.trace.clone();
        let request = request.map(|body| Patient::new(body).boxed_unsync());
        let span = spans::outgoing();
        let traced = span.clone();
        let send = async move {
            let client = client.ok_or(Error::HttpRequestDenied)?;
            let sent = scripted(&client, request, options, &trace).await;
            spans::answered(&traced, sent.as_ref().map_or(0, |response| response.status().as_u16()));
            Ok((sent?, Box::new(std::future::ready(Ok(()))) as Io))
        };
        Box::new(send.instrument(span).instrument(tracing::Span::current()))
    }

    /// What belongs to the connection is the client's.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        const OURS: [HeaderName; 3] = [header::TE, header::TRAILER, header::EXPECT];
        Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name) || OURS.contains(name))
    }

    /// The client sets it, from the address that was judged.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }
}
