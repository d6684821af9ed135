//! A server on loopback that answers as a test says: rightly, never, for ever, too much. Plain or with TLS.
//!
//! Invariant: one request a connection, and everything ends with the value.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// Pause between two bytes of a stream without end.
const DRIP: Duration = Duration::from_millis(20);

/// How an address behaves.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Answers 200 with this body.
    Body(String),
    /// Answers with these bytes.
    Raw(String),
    /// Answers 200 with this body after a while.
    Late(Duration, String),
    /// Takes the request and says nothing.
    Hang,
    /// Begins its head and never ends it.
    SlowHead,
    /// Sends a byte now and then, for ever.
    Stream,
    /// Sends so many megabytes.
    Megabytes(usize),
}

/// A running server.
pub struct Upstream {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    running: AbortHandle,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Upstream {
    /// Starts a server whose addresses behave as `manner` says for their path.
    pub async fn start(manner: impl Fn(&str) -> Manner + Send + Sync + 'static) -> anyhow::Result<Self> {
        Self::serve(None, manner).await
    }

    /// The same with TLS.
    pub async fn start_tls(
        config: ServerConfig,
        manner: impl Fn(&str) -> Manner + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        Self::serve(Some(TlsAcceptor::from(Arc::new(config))), manner).await
    }

    async fn serve(
        tls: Option<TlsAcceptor>,
        manner: impl Fn(&str) -> Manner + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, manner) = (listener.local_addr()?.port(), Arc::new(manner));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&asked);
        let running = tokio::spawn(async move {
            // Dropped with the task, and with them all connections.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, manner, requests) = (tls.clone(), Arc::clone(&manner), Arc::clone(&requests));
                connections.spawn(async move {
                    match tls {
                        None => converse(stream, &*manner, &requests).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &*manner, &requests).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Ok(Self { port, asked, running: running.abort_handle() })
    }

    /// The first lines and headers of the requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// An address here.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    manner: &(impl Fn(&str) -> Manner + ?Sized),
    requests: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    requests.lock().unwrap().push(head);
    match manner(path.split('?').next()?) {
        Manner::Body(body) => stream.write_all(answer(&body).as_bytes()).await.ok()?,
        Manner::Raw(bytes) => stream.write_all(bytes.as_bytes()).await.ok()?,
        Manner::Late(pause, body) => {
            tokio::time::sleep(pause).await;
            stream.write_all(answer(&body).as_bytes()).await.ok()?;
        }
        Manner::Hang => std::future::pending().await,
        Manner::SlowHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: y").await.ok()?;
            loop {
                stream.write_all(b"y").await.ok()?;
                tokio::time::sleep(DRIP).await;
            }
        }
        Manner::Stream => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(b"1\r\nx\r\n").await.ok()?;
                tokio::time::sleep(DRIP).await;
            }
        }
        Manner::Megabytes(count) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", count << 20);
            stream.write_all(head.as_bytes()).await.ok()?;
            let megabyte = vec![b'x'; 1 << 20];
            for _ in 0..count {
                stream.write_all(&megabyte).await.ok()?;
            }
        }
    }
    stream.shutdown().await.ok()
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}
