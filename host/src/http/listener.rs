//! Accepts connections and serves HTTP/1.1 on them.
//!
//! Invariants: connections are bounded in number and in the time they may take to say what they want; on shutdown nothing new
//! is accepted, idle connections end, requests in flight are finished, and after a deadline the rest is cut. A request whose
//! client goes away is dropped where it waits. Deliberately absent: TLS (a proxy's business) and every route.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::keep_alive;
use super::outgoing::Body;
use super::patience::Patient;
use super::threads::Threads;

/// Pause after a failed `accept`, most likely for want of file descriptors, which only time brings back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What clients may cost. The defaults fit a machine with two cores and a gigabyte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Open connections; further ones wait in the kernel's queue. Each may buffer `header_bytes`: 1024 of them 32 MiB.
    pub(crate) connections: usize,
    /// How long a connection may take until the headers of its next request are complete, idle time included. Cuts clients
    /// that send a byte at a time; browsers that keep a connection idle for longer simply open another.
    pub(crate) header_read_timeout: Duration,
    /// Bytes of a request's line and headers. Node allows 16 KiB; a session cookie plus a bearer fit many times.
    pub(crate) header_bytes: usize,
    /// Headers in a request; hyper's own default.
    pub(crate) headers: usize,
    /// How long requests in flight may take once the server stops: longer than a slow sign-in with an LDAP server behind it,
    /// shorter than the 30 s after which orchestrators kill.
    pub(crate) shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            header_read_timeout: Duration::from_secs(10),
            header_bytes: 32 << 10,
            headers: 100,
            shutdown: Duration::from_secs(20),
        }
    }
}

/// Serves until `stop` is ready, then ends gracefully. Returns how many connections had to be cut. Each stays on one of `threads`, if
/// there are any.
pub(crate) async fn serve<S, F>(
    listener: TcpListener,
    threads: Option<&Threads>,
    limits: Limits,
    now: fn() -> OffsetDateTime,
    service: S,
    stop: impl Future<Output = ()>,
) -> usize
where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut stop = std::pin::pin!(stop);
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = connections.join_next() => log_end(ended),
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, peer, place)) => {
                    let connection = Connection { limits, now, peer, stopped: stopped.clone() };
                    match threads.and_then(Threads::next) {
                        None => connections.spawn(connection.serve(stream, service.clone(), place)),
                        Some(thread) => connections.spawn_on(connection.move_in(stream, service.clone(), place), thread),
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stopping.send_replace(true);
    finish(connections, limits.shutdown).await
}

/// Waits for a place first, so that a connection is only taken from the kernel when it can be served.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are written at once and whole: waiting for more to send only delays them.
    stream.set_nodelay(true)?;
    Ok((stream, peer, place))
}

async fn finish(mut connections: JoinSet<()>, deadline: Duration) -> usize {
    let all = async {
        while let Some(ended) = connections.join_next().await {
            log_end(ended);
        }
    };
    let late = tokio::time::timeout(deadline, all).await.is_err();
    let cut = if late { connections.len() } else { 0 };
    connections.shutdown().await;
    cut
}

fn log_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a request made its connection fail");
    }
}

struct Connection {
    limits: Limits,
    now: fn() -> OffsetDateTime,
    peer: SocketAddr,
    stopped: watch::Receiver<bool>,
}

impl Connection {
    /// Serves on another thread than the one that accepted it.
    async fn move_in<S, F>(self, stream: TcpStream, service: S, place: OwnedSemaphorePermit)
    where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        match stream.into_std().and_then(TcpStream::from_std) {
            Ok(stream) => self.serve(stream, service, place).await,
            Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
        }
    }

    async fn serve<S, F>(self, stream: TcpStream, service: S, _place: OwnedSemaphorePermit)
    where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let Self { limits, now, peer, mut stopped } = self;
        let stopping = stopped.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let wants_more = keep_alive::wants_more(&request);
            let answer = service(request, peer);
            let stopping = stopping.clone();
            async move {
                let mut response = answer.await;
                keep_alive::add_headers(response.headers_mut(), now(), wants_more && !*stopping.borrow());
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .header_read_timeout(limits.header_read_timeout)
            .max_buf_size(limits.header_bytes)
            .max_headers(limits.headers)
            // Most answers are small: to copy one behind its head costs less than to send two pieces.
            .writev(false)
            .serve_connection(TokioIo::new(Patient::new(stream)), answer)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = stop => None,
        };
        let ended = if let Some(ended) = ended {
            ended
        } else {
            connection.as_mut().graceful_shutdown();
            connection.await
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;

    use super::super::conditions::Conditions;
    use super::super::headers::HeaderPolicy;
    use super::super::respond::Reply;
    use super::*;

    fn fixed_clock() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_795_280_677).unwrap()
    }

    struct Server {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        served: JoinHandle<usize>,
        /// Told when `/slow` has been reached.
        reached: Arc<Notify>,
        /// Lets `/slow` answer.
        release: Arc<Notify>,
    }

    async fn start(limits: Limits) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reached, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (slow_reached, slow_release) = (Arc::clone(&reached), Arc::clone(&release));
        let service = move |request: Request<Incoming>, peer: SocketAddr| {
            let (reached, release) = (Arc::clone(&slow_reached), Arc::clone(&slow_release));
            async move {
                assert!(peer.ip().is_loopback());
                if request.uri().path() == "/slow" {
                    reached.notify_one();
                    release.notified().await;
                }
                let policy = HeaderPolicy::new(&[], true, None).unwrap();
                Reply::pong().into_response(&policy, &Conditions::of(request.method(), request.headers()))
            }
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        let served = tokio::spawn(serve(listener, None, limits, fixed_clock, service, stopped));
        Server { address, stop, served, reached, release }
    }

    async fn connect(server: &Server) -> TcpStream {
        TcpStream::connect(server.address).await.unwrap()
    }

    fn get(path: &str, extra: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n{extra}\r\n")
    }

    /// Reads until `count` answers to `GET` have come.
    async fn read_pongs(stream: &mut TcpStream, count: usize) -> String {
        let mut text = String::new();
        while text.matches("\r\n\r\npong").count() < count {
            let mut chunk = [0; 4096];
            let length = stream.read(&mut chunk).await.unwrap();
            assert_ne!(length, 0, "the connection ended after: {text}");
            text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        }
        text
    }

    async fn read_to_end(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    async fn end(server: Server) -> usize {
        server.stop.send(()).unwrap();
        server.served.await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_has_the_headers_of_the_wire_in_order() {
        let server = start(Limits::default()).await;
        let mut stream = connect(&server).await;
        stream.write_all(get("/", "").as_bytes()).await.unwrap();
        let text = read_pongs(&mut stream, 1).await;
        let lines: Vec<_> = text.split("\r\n").filter(|line| !line.starts_with("Content-Security-Policy")).collect();
        assert_eq!(
            lines,
            [
                "HTTP/1.1 200 OK",
                "Cross-Origin-Opener-Policy: same-origin-allow-popups",
                "X-Powered-By: Directus",
                "Content-Type: text/html; charset=utf-8",
                "Content-Length: 4",
                "Etag: W/\"4-DlFKBmK8tp3IY5U9HOJuPUDoGoc\"",
                "Date: Sat, 21 Nov 2026 17:04:37 GMT",
                "Connection: keep-alive",
                "Keep-Alive: timeout=5",
                "",
                "pong",
            ]
        );
        assert_eq!(end(server).await, 0);
    }

    #[tokio::test]
    async fn a_connection_serves_requests_one_after_the_other_and_pipelined() {
        let server = start(Limits::default()).await;
        let mut stream = connect(&server).await;
        for _ in 0..3 {
            stream.write_all(get("/", "").as_bytes()).await.unwrap();
            read_pongs(&mut stream, 1).await;
        }
        stream.write_all(get("/", "").repeat(5).as_bytes()).await.unwrap();
        read_pongs(&mut stream, 5).await;
        assert_eq!(end(server).await, 0);
    }

    #[tokio::test]
    async fn a_client_that_wants_to_close_is_told_so() {
        let server = start(Limits::default()).await;
        for request in [get("/", "Connection: close\r\n"), "GET / HTTP/1.0\r\n\r\n".to_owned()] {
            let mut stream = connect(&server).await;
            stream.write_all(request.as_bytes()).await.unwrap();
            let text = read_to_end(&mut stream).await;
            assert!(text.contains("Connection: close\r\n") && !text.contains("Keep-Alive"), "{text}");
        }
        assert_eq!(end(server).await, 0);
    }

    #[tokio::test]
    async fn head_is_answered_without_body() {
        let server = start(Limits::default()).await;
        let mut stream = connect(&server).await;
        stream.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let text = read_to_end(&mut stream).await;
        assert!(text.contains("Content-Length: 4\r\n") && text.ends_with("\r\n\r\n"), "{text}");
        assert_eq!(end(server).await, 0);
    }

    #[tokio::test]
    async fn a_client_that_trickles_its_headers_is_cut() {
        let limits = Limits { header_read_timeout: Duration::from_millis(50), ..Limits::default() };
        let server = start(limits).await;
        let mut stream = connect(&server).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost").await.unwrap();
        assert!(!read_to_end(&mut stream).await.contains("200 OK"));
        let mut idle = connect(&server).await;
        assert_eq!(read_to_end(&mut idle).await, "");
        assert_eq!(end(server).await, 0);
    }

    #[tokio::test]
    async fn headers_that_are_too_large_or_too_many_are_refused() {
        let server = start(Limits::default()).await;
        for extra in [format!("X: {}\r\n", "a".repeat(64 << 10)), "X: y\r\n".repeat(101)] {
            let mut stream = connect(&server).await;
            // The server may answer and close before all is written.
            let _ = stream.write_all(get("/", &extra).as_bytes()).await;
            let mut answer = [0; 12];
            if stream.read_exact(&mut answer).await.is_ok() {
                assert_eq!(&answer, b"HTTP/1.1 431");
            }
        }
        assert_eq!(end(server).await, 0);
    }

    #[tokio::test]
    async fn a_request_in_flight_is_finished_and_idle_connections_end() {
        let server = start(Limits::default()).await;
        let mut idle = connect(&server).await;
        idle.write_all(get("/", "").as_bytes()).await.unwrap();
        read_pongs(&mut idle, 1).await;
        let mut busy = connect(&server).await;
        busy.write_all(get("/slow", "").as_bytes()).await.unwrap();
        server.reached.notified().await;

        server.stop.send(()).unwrap();
        assert_eq!(read_to_end(&mut idle).await, "");
        assert!(TcpStream::connect(server.address).await.is_err());
        server.release.notify_one();
        let answer = read_to_end(&mut busy).await;
        assert!(answer.ends_with("pong") && answer.contains("Connection: close\r\n"), "{answer}");
        assert_eq!(server.served.await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_cut_at_the_deadline() {
        let server = start(Limits { shutdown: Duration::from_millis(20), ..Limits::default() }).await;
        let mut busy = connect(&server).await;
        busy.write_all(get("/slow", "").as_bytes()).await.unwrap();
        server.reached.notified().await;
        assert_eq!(end(server).await, 1);
        assert_eq!(read_to_end(&mut busy).await, "");
    }

    #[tokio::test]
    async fn connections_above_the_limit_wait_their_turn() {
        let server = start(Limits { connections: 1, ..Limits::default() }).await;
        let mut first = connect(&server).await;
        first.write_all(get("/", "").as_bytes()).await.unwrap();
        read_pongs(&mut first, 1).await;
        let mut second = connect(&server).await;
        second.write_all(get("/", "").as_bytes()).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(30), second.readable()).await;
        assert!(early.is_err(), "the second connection was served beside the first");
        drop(first);
        read_pongs(&mut second, 1).await;
        assert_eq!(end(server).await, 0);
    }
}
