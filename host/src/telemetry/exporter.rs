//! The way to the collector: the proxies, authorities and encryption of the way to providers.
//!
//! That a collector is away is said once, and once more when it is back.

use crate::{capability::network::tls, config::Outbound};
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::runtime::Handle;

/// Bytes of an answer that are read. A collector says next to nothing.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends batches of spans.
#[derive(Clone, Debug)]
pub(super) struct Way {
    client: reqwest::Client,
    runtime: Handle,
    away: Arc<AtomicBool>,
}

impl Way {
    pub(super) fn new(outbound: &Outbound, timeout: Duration, runtime: Handle) -> Result<Self, String> {
        tls::install_provider();
        let told = |error: reqwest::Error| error.to_string();
        let authorities = tls::authorities(outbound)?;
        let known = authorities.iter().map(|der| reqwest::Certificate::from_der(der).map_err(told));
        // Redirects would take the headers of whoever authenticates here somewhere else.
        let builder = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
        let builder = builder.tls_certs_only(known.collect::<Result<Vec<_>, _>>()?);
        // Those of the settings, and none that the process's environment may name besides.
        let mut builder = builder.no_proxy();
        let no_proxy = || reqwest::NoProxy::from_string(&outbound.no_proxy.join(","));
        if let Some(url) = &outbound.http_proxy {
            builder = builder.proxy(reqwest::Proxy::http(url.expose()).map_err(told)?.no_proxy(no_proxy()));
        }
        if let Some(url) = &outbound.https_proxy {
            builder = builder.proxy(reqwest::Proxy::https(url.expose()).map_err(told)?.no_proxy(no_proxy()));
        }
        let client = builder.build().map_err(told)?;
        Ok(Self { client, runtime, away: Arc::new(AtomicBool::new(false)) })
    }

    /// What became of a batch, said when it is something else than before.
    fn tell<T>(&self, outcome: &Result<T, String>) {
        let is_away = outcome.is_err();
        if self.away.swap(is_away, Ordering::Relaxed) == is_away {
            return;
        }
        match outcome {
            Ok(_) => tracing::info!("traces are exported again"),
            Err(error) => tracing::warn!(error, "traces are not exported; what does not fit into the queue is dropped"),
        }
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    // The address may hold credentials.
    let told = |error: reqwest::Error| error.without_url().to_string();
    let request = reqwest::Request::try_from(request).map_err(told)?;
    let mut answer = client.execute(request).await.map_err(told)?;
    let mut builder = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        builder = builder.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err("the collector answers at too great length".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    builder.body(Bytes::from(body)).map_err(|error| error.to_string())
}

#[async_trait]
impl HttpClient for Way {
    /// Asked from the exporter's own thread, where there is no network; so it is sent from where there is.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let task = self.runtime.spawn(send(self.client.clone(), request));
        let outcome = task.await.map_err(|_| "the server is stopping".to_owned()).and_then(|outcome| outcome);
        let outcome = outcome.and_then(|answer| match answer.status().as_u16() {
            status @ 400.. => Err(format!("the collector answers {status}")),
            _ => Ok(answer),
        });
        self.tell(&outcome);
        outcome.map_err(Into::into)
    }
}
