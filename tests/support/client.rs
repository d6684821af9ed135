//! HTTP/1.1 over a socket, so that a test sees what was sent: headers in order and as spelled, no redirect followed, no
//! cookie kept, nothing decompressed.
//!
//! One request at a time on a connection that is kept open while the server allows it. Deliberately absent: TLS,
//! trailers, `Expect`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

/// No answer of a server under test takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to send. `Host` and `Content-Length` are added; nothing else is.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, upper case.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body; without one no `Content-Length` is sent.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.into(), path: path.into(), ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets a JSON body and its `Content-Type`.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self.header("Content-Type", "application/json")
    }

    /// Sets a body of another kind.
    #[must_use]
    pub fn file(mut self, kind: &str, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        self.header("Content-Type", kind)
    }

    fn bytes(&self, host: SocketAddr) -> Vec<u8> {
        use std::fmt::Write as _;
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(body) = &self.body {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers in the order and spelling they were sent in.
    pub headers: Vec<(String, String)>,
    /// The body after chunked transfer was undone.
    pub body: Vec<u8>,
    /// From the first byte sent to the last one received.
    pub elapsed: Duration,
}

impl Response {
    /// The values of the header `name`, whatever its case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of the header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text, with replacement characters where it is none.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {:?}", self.text()))
    }
}

/// A client of one server, with at most one connection.
pub struct Client {
    address: SocketAddr,
    connection: Option<TcpStream>,
}

/// A client of the same server, with a connection of its own.
impl Clone for Client {
    fn clone(&self) -> Self {
        Self::new(self.address)
    }
}

impl Client {
    /// A client that connects when the first request is sent.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// Sends a request and reads its answer. A kept connection that the server has closed meanwhile is replaced once.
    pub async fn send(&mut self, request: &Request) -> anyhow::Result<Response> {
        let exchange = async {
            if let Some(kept) = self.connection.take()
                && let Ok(response) = self.exchange(kept, request).await
            {
                return Ok(response);
            }
            let fresh = TcpStream::connect(self.address).await.context("connecting")?;
            self.exchange(fresh, request).await
        };
        let exchange = tokio::time::timeout(PATIENCE, exchange).await;
        exchange.with_context(|| format!("no answer to {} {} in time", request.method, request.path))?
    }

    async fn exchange(&mut self, stream: TcpStream, request: &Request) -> anyhow::Result<Response> {
        let started = Instant::now();
        let bytes = request.bytes(self.address);
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        // A server may answer before it has read everything (a body that is too large) and then close.
        let (received, written) = {
            let receive = receive(&mut read, &request.method);
            tokio::pin!(receive);
            tokio::select! {
                received = &mut receive => (received, false),
                sent = write.write_all(&bytes) => (receive.await, sent.is_ok()),
            }
        };
        let (mut response, keep) = received?;
        response.elapsed = started.elapsed();
        if keep && written && read.buffer().is_empty() {
            self.connection = read.into_inner().reunite(write).ok();
        }
        Ok(response)
    }
}

/// Reads one answer; the flag says whether the connection may be used again.
async fn receive(read: &mut BufReader<OwnedReadHalf>, method: &str) -> anyhow::Result<(Response, bool)> {
    let line = line(read).await?;
    let mut words = line.splitn(3, ' ');
    ensure!(words.next() == Some("HTTP/1.1"), "not an HTTP/1.1 status line: {line:?}");
    let status = words.next().unwrap_or_default().parse().context("status code")?;
    let mut response = Response { status, ..Response::default() };
    loop {
        let line = self::line(read).await?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').with_context(|| format!("not a header: {line:?}"))?;
        response.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let keep = !response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if method == "HEAD" || status == 204 || status == 304 {
        return Ok((response, keep));
    }
    if response.header("transfer-encoding").is_some() {
        response.body = chunked(read).await?;
    } else if let Some(length) = response.header("content-length") {
        response.body = vec![0; length.parse().context("content-length")?];
        read.read_exact(&mut response.body).await.context("the body is shorter than Content-Length")?;
    } else {
        read.read_to_end(&mut response.body).await?;
        return Ok((response, false));
    }
    Ok((response, keep))
}

async fn line(read: &mut BufReader<OwnedReadHalf>) -> anyhow::Result<String> {
    let mut line = String::new();
    read.read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => bail!("the connection ended in the middle of an answer, after {line:?}"),
    }
}

async fn chunked(read: &mut BufReader<OwnedReadHalf>) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(read).await?;
        let size = usize::from_str_radix(size.trim(), 16).context("chunk size")?;
        let start = body.len();
        body.resize(start + size, 0);
        read.read_exact(&mut body[start..]).await?;
        line(read).await?;
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that accepts one connection for each script and answers each request on it with the next piece.
    async fn scripted(connections: Vec<Vec<&'static str>>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answers in connections {
                let (mut stream, _) = listener.accept().await.unwrap();
                for answer in answers {
                    let mut seen = [0; 4096];
                    let _ = stream.read(&mut seen).await.unwrap();
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn headers_keep_their_order_and_case() {
        let answer = "HTTP/1.1 200 OK\r\nETag: a\r\nset-cookie: b\r\nSet-Cookie: c\r\nContent-Length: 4\r\n\r\npong";
        let mut client = Client::new(scripted(vec![vec![answer]]).await);
        let response = client.send(&Request::new("GET", "/")).await.unwrap();
        let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ETag", "set-cookie", "Set-Cookie", "Content-Length"]);
        assert_eq!(response.all("SET-COOKIE").collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!((response.status, response.text().as_str()), (200, "pong"));
    }

    #[tokio::test]
    async fn a_connection_is_kept_and_replaced_when_the_server_has_closed_it() {
        let pong = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
        let last = "HTTP/1.1 204 No Content\r\n\r\n";
        let mut client = Client::new(scripted(vec![vec![pong, pong], vec![last]]).await);
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(client.send(&Request::new("GET", "/")).await.unwrap().status);
        }
        assert_eq!(statuses, [200, 200, 204]);
    }

    #[tokio::test]
    async fn chunks_are_joined_and_head_has_no_body() {
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        let mut client = Client::new(scripted(vec![vec![chunks, head]]).await);
        assert_eq!(client.send(&Request::new("GET", "/")).await.unwrap().text(), "abcd");
        assert_eq!(client.send(&Request::new("HEAD", "/")).await.unwrap().text(), "");
    }

    #[tokio::test]
    async fn an_answer_that_comes_before_the_body_was_read_is_seen() {
        let early = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let request = Request { body: Some(vec![b'x'; 8_000_000]), ..Request::new("POST", "/") };
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(early.as_bytes()).await.unwrap();
            stream
        };
        let (response, _open) = tokio::join!(client.send(&request), server);
        assert_eq!(response.unwrap().status, 400);
    }

    #[tokio::test]
    async fn a_body_that_is_cut_short_is_an_error() {
        let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
        let mut client = Client::new(scripted(vec![vec![short]]).await);
        let error = client.send(&Request::new("GET", "/")).await.unwrap_err();
        assert_eq!(error.to_string(), "the body is shorter than Content-Length");
    }

    #[test]
    fn a_request_is_written_as_given() {
        let request = Request::new("POST", "/a?b").header("Cookie", "c=d").json(&serde_json::json!({}));
        let bytes = String::from_utf8(request.bytes("127.0.0.1:1".parse().unwrap())).unwrap();
        let expected = "POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:1\r\nCookie: c=d\r\nContent-Type: application/json\r\n\
            Content-Length: 2\r\n\r\n{}";
        assert_eq!(bytes, expected);
    }
}
