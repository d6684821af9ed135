//! Connections: the name, the address that was checked, the proxy, the encryption.
//!
//! Invariant: what is connected to without a proxy is an address that the policy has seen, and nothing is resolved a second
//! time. Behind a proxy it is the proxy that resolves; the policy has seen the name. Deliberately absent: HTTP beyond
//! `CONNECT`, and the pool.

use super::{
    policy::{Denial, Egress, Pass},
    proxy::Proxies,
};
use crate::capability::network::{
    address::{Reach, reach},
    resolve::Resolve,
};
use hyper::Uri;
use hyper_util::{
    client::{
        legacy::connect::{Connected, Connection, HttpConnector, dns::Name, proxy::Tunnel},
        proxy::matcher::Intercept,
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

type Cause = Box<dyn StdError + Send + Sync>;
type Promise<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the request is denied")]
    Denied(#[from] Denial),
    #[error("the name is not found")]
    Name(#[source] io::Error),
    #[error("there is no connection")]
    Unreachable(#[source] Cause),
    #[error("there is no connection within {} ms", .0.as_millis())]
    Slow(Duration),
    #[error("the proxy does not connect")]
    Proxy(#[source] Cause),
    #[error("there is no encryption")]
    Encryption(#[source] io::Error),
}

/// Makes the connections of one provider.
#[derive(Clone)]
pub(super) struct Connector(pub(super) Arc<Ways>);

/// What a connection needs.
pub(super) struct Ways {
    pub(super) egress: Arc<RwLock<Egress>>,
    pub(super) proxies: Proxies,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) proxy_tls: Arc<ClientConfig>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) timeout: Duration,
}

impl Ways {
    /// The policy's word on a target.
    pub(super) fn admit(&self, url: &Url) -> Result<Pass, Denial> {
        self.egress.read().unwrap_or_else(PoisonError::into_inner).admit(url)
    }

    async fn connect(&self, target: &Uri) -> Result<Link, Failure> {
        let url = Url::parse(&target.to_string()).map_err(|_| Denial::Form)?;
        let pass = self.admit(&url)?;
        let is_secure = url.scheme() == "https";
        let proxy = self.proxies.find(target);
        let is_plainly_proxied = proxy.is_some() && !is_secure;
        let (stream, is_nearby) = match proxy {
            Some(proxy) => (self.through(&proxy, target, is_secure).await?, false),
            None => self.dial(target, Some(pass)).await.map_err(Failure::Unreachable)?,
        };
        let stream =
            if is_secure { encrypt(&self.tls, target, stream).await.map_err(Failure::Encryption)? } else { stream };
        Ok(Link { stream: TokioIo::new(stream), peer: Peer { is_nearby }, is_plainly_proxied })
    }

    /// To the proxy, and for an encrypted target through it. Where the proxy is was the operator's choice.
    async fn through(&self, proxy: &Intercept, target: &Uri, is_secure: bool) -> Result<Stream, Failure> {
        let to_proxy = |uri: Uri| async move {
            let (stream, _) = self.dial(&uri, None).await?;
            if uri.scheme_str() != Some("https") {
                return Ok(stream);
            }
            Ok::<_, Cause>(encrypt(&self.proxy_tls, &uri, stream).await?)
        };
        let stream = to_proxy(proxy.uri().clone()).await.map_err(Failure::Proxy)?;
        if !is_secure {
            return Ok(stream);
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), Once(Some(stream)));
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let tunnelled = tunnel.call(target.clone()).await.map_err(|error| Failure::Proxy(error.into()))?;
        Ok(tunnelled.into_inner())
    }

    /// To the host of `target`, with a pass to an address that it fits. Whether it is nearby.
    async fn dial(&self, target: &Uri, pass: Option<Pass>) -> Result<(Stream, bool), Cause> {
        let mut connector = HttpConnector::new_with_resolver(Checked { resolver: self.resolver.clone(), pass });
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(self.timeout));
        let stream = connector.call(target.clone()).await?.into_inner();
        let is_nearby = stream.peer_addr().is_ok_and(|peer| reach(peer.ip()) == Reach::Nearby);
        Ok((Box::new(stream), is_nearby))
    }
}

async fn encrypt(config: &Arc<ClientConfig>, target: &Uri, stream: Stream) -> io::Result<Stream> {
    let host = target.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(config.clone()).connect(name, stream).await?))
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = Failure;
    type Future = Promise<Link, Failure>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let ways = self.0.clone();
        Box::pin(async move {
            let limit = ways.timeout;
            tokio::time::timeout(limit, ways.connect(&target)).await.unwrap_or(Err(Failure::Slow(limit)))
        })
    }
}

/// Resolves, and lets nobody through to an address that the pass is not for. One bad address among good ones is an attack.
#[derive(Clone)]
struct Checked {
    resolver: Arc<dyn Resolve>,
    pass: Option<Pass>,
}

impl Service<Name> for Checked {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Cause;
    type Future = Promise<Self::Response, Cause>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (addresses, pass) = (self.resolver.resolve(name.as_str()), self.pass);
        Box::pin(async move {
            let addresses = addresses.await.map_err(Failure::Name)?;
            for address in &addresses {
                pass.map_or(Ok(()), |pass| pass.check(*address))?;
            }
            let sockets: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(sockets.into_iter())
        })
    }
}

/// A connection that is there already, for the tunnel.
struct Once(Option<Stream>);

impl Service<Uri> for Once {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<TokioIo<Stream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::ready(self.0.take().map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// What bytes go over.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Stream = Box<dyn Io>;

/// What is known of the other end; each response carries it.
#[derive(Clone, Copy)]
pub(super) struct Peer {
    /// It has a loopback or private address. Unknown behind a proxy, and then not.
    pub(super) is_nearby: bool,
}

/// A connection as the pool keeps it.
pub(super) struct Link {
    stream: TokioIo<Stream>,
    peer: Peer,
    is_plainly_proxied: bool,
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_plainly_proxied).extra(self.peer)
    }
}

impl hyper::rt::Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
