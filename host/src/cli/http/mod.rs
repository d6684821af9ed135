//! One request to a server, over HTTP/1.1, encrypted where the address says so.
//!
//! Certificates are those of the system, or of `SSL_CERT_FILE`. Deliberately absent: proxies, redirects, connections that
//! are kept, and a way to trust everybody.

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gatewit_host::Secret;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

/// How long a connection may take. Whoever waits longer looks for the mistake elsewhere.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take: as long as a component of 64 MiB takes to be fetched from a registry and compiled.
const ANSWER: Duration = Duration::from_mins(5);

/// Bytes of an answer. A thousand entries of the audit log are half of one.
const ANSWER_BYTES: usize = 16 << 20;

/// A body that is sent.
pub(super) struct Sent {
    /// Its type.
    pub(super) kind: &'static str,
    /// What is in it.
    pub(super) bytes: Bytes,
    /// Of a component: its signature, in the format of minisign.
    pub(super) signature: Option<String>,
}

/// Sends a request. The status of the answer, and its body.
pub(super) async fn send(
    method: &str,
    address: &str,
    token: &Secret<String>,
    body: Option<Sent>,
) -> anyhow::Result<(u16, Bytes)> {
    let url = Url::parse(address).context("the address is none")?;
    let host = url.host_str().context("the address names no host")?.to_owned();
    let port = url.port_or_known_default().context("the address names no port")?;
    let request = request(method, &url, token, body)?;
    let connecting = TcpStream::connect((host.trim_matches(['[', ']']), port));
    let stream = timeout(CONNECT, connecting).await.context("nobody answers there")?.context("cannot connect")?;
    match url.scheme() {
        "http" => exchange(stream, request).await,
        "https" => {
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
            let connected = timeout(CONNECT, encryption()?.connect(name, stream)).await;
            exchange(connected.context("no encryption in time")?.context("no encryption")?, request).await
        }
        scheme => bail!("`{scheme}` is not spoken; write http:// or https://"),
    }
}

fn request(
    method: &str,
    url: &Url,
    token: &Secret<String>,
    body: Option<Sent>,
) -> anyhow::Result<Request<Full<Bytes>>> {
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut bearer = header::HeaderValue::from_str(&format!("Bearer {}", token.expose()));
    if let Ok(value) = &mut bearer {
        value.set_sensitive(true);
    }
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("gatewit/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .header(header::AUTHORIZATION, bearer.context("the token holds what no token holds")?);
    let request = match &body {
        Some(body) => {
            let request = request.header(header::CONTENT_TYPE, body.kind);
            match &body.signature {
                Some(signature) => request.header("gatewit-signature", STANDARD.encode(signature)),
                None => request,
            }
        }
        None => request,
    };
    Ok(request.body(Full::new(body.map(|body| body.bytes).unwrap_or_default()))?)
}

fn encryption() -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> anyhow::Result<(u16, Bytes)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answered = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let asked = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("the answer breaks off: {error}"))?;
            Ok((status, body.to_bytes()))
        };
        tokio::pin!(asked);
        tokio::select! {
            answer = &mut asked => answer,
            ended = connection => {
                ended.context("the connection broke")?;
                asked.await
            }
        }
    };
    timeout(ANSWER, answered).await.context("no answer in time")?
}
