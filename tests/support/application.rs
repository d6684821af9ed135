//! An application behind a proxy: it tells what it was asked, answers rightly or in a way that breaks the rules, and counts.
//!
//! By hand, because no library sends a bad head or a body that is shorter than it said.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of a piece of a large body.
const PIECE: usize = 64 << 10;

/// A running application. It ends with the runtime of the test.
pub struct Application {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What it saw.
#[derive(Clone, Default)]
pub struct Seen {
    /// Connections that were made.
    pub connections: usize,
    /// The heads of requests, as they came.
    pub heads: Vec<String>,
}

impl Application {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { serve(stream, &shared).await });
            }
        });
        Ok(Self { address, seen })
    }

    /// Its origin.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it saw so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// The head of the last request.
    pub fn last(&self) -> anyhow::Result<String> {
        self.seen().heads.pop().context("nothing was asked for")
    }
}

/// The head of a request.
struct Head {
    text: String,
    method: String,
    path: String,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        Some(self.text.lines().skip(1).find(named)?.split_once(':')?.1.trim())
    }
}

async fn serve(stream: TcpStream, seen: &Mutex<Seen>) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let head = read_head(&mut stream).await?;
        seen.lock().unwrap().heads.push(head.text.clone());
        if !answer(&mut stream, &head).await? {
            return Ok(());
        }
    }
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Head> {
    let mut text = String::new();
    loop {
        let start = text.len();
        ensure!(stream.read_line(&mut text).await? > 0, "the connection ended");
        if &text[start..] == "\r\n" {
            break;
        }
    }
    let mut words = text.split(' ');
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    Ok(Head { text, method, path })
}

/// The body of a request, whatever its framing.
async fn read_body(stream: &mut BufReader<TcpStream>, head: &Head) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    if head.header("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let size = usize::from_str_radix(line.trim(), 16)?;
            let mut piece = vec![0; size + 2];
            stream.read_exact(&mut piece).await?;
            body.extend_from_slice(&piece[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let length = head.header("content-length").map_or(Ok(0), str::parse)?;
    body.resize(length, 0);
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn send(stream: &mut BufReader<TcpStream>, text: &str) -> anyhow::Result<bool> {
    stream.get_mut().write_all(text.as_bytes()).await?;
    Ok(true)
}

fn number(path: &str) -> usize {
    path.rsplit('=').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// Answers; `false` ends the connection.
async fn answer(stream: &mut BufReader<TcpStream>, head: &Head) -> anyhow::Result<bool> {
    let path = head.path.split('?').next().unwrap_or_default();
    match path {
        "/large" => return large(stream, number(&head.path)).await,
        "/swallow" => return swallow(stream, head).await,
        "/switch" => return switch(stream, head).await,
        "/permission" => {
            send(stream, "HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        "/no-permission" => {
            return send(stream, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").await.map(|_| false);
        }
        "/dies" => return Ok(false),
        "/never" => std::future::pending::<()>().await,
        "/stalls" => {
            send(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await?;
            std::future::pending::<()>().await;
        }
        _ => {}
    }
    if let Some(said) = broken(path) {
        stream.get_mut().write_all(said.as_bytes()).await?;
        return Ok(false);
    }
    let body = read_body(stream, head).await?;
    let text = match path {
        "/mirror" => String::from_utf8(body)?,
        _ => json!({"method": head.method, "path": head.path, "body": String::from_utf8_lossy(&body)}).to_string(),
    };
    let length = text.len();
    let text = if head.method == "HEAD" { "" } else { &text };
    let own = "Set-Cookie: own=1\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nX-Own: yes";
    match path {
        "/chunks" => {
            let pieces = "4\r\none,\r\n3\r\ntwo\r\n0\r\nX-After: three\r\n\r\n";
            send(stream, &format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-After\r\n\r\n{pieces}"))
                .await
        }
        "/until-the-end" => send(stream, "HTTP/1.1 200 OK\r\n\r\nall there is").await.map(|_| false),
        "/nothing" => send(stream, "HTTP/1.1 204 No Content\r\n\r\n").await,
        _ => send(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{own}\r\n\r\n{text}")).await,
    }
}

/// What breaks a rule.
fn broken(path: &str) -> Option<&'static str> {
    Some(match path {
        "/short" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "/bad-chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        "/cut-chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "/bad-header" => "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "/bad-status" => "HTTP/1.1 2 OK\r\n\r\n",
        "/two-lengths" => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhalf",
        "/coded" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "/both" => "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n",
        "/other" => "SSH-2.0-OpenSSH\r\n",
        "/switches" => "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n",
        _ => return None,
    })
}

/// A body of so many bytes, as fast as they are taken.
async fn large(stream: &mut BufReader<TcpStream>, bytes: usize) -> anyhow::Result<bool> {
    send(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n")).await?;
    let (piece, mut left) = (vec![b'x'; PIECE], bytes);
    while left > 0 {
        let now = left.min(PIECE);
        stream.get_mut().write_all(&piece[..now]).await?;
        left -= now;
    }
    Ok(true)
}

/// Takes a body of any length and tells how long it was.
async fn swallow(stream: &mut BufReader<TcpStream>, head: &Head) -> anyhow::Result<bool> {
    let length: usize = head.header("content-length").context("no length")?.parse()?;
    let (mut piece, mut left) = (vec![0; PIECE], length);
    while left > 0 {
        let now = left.min(PIECE);
        left -= stream.read_exact(&mut piece[..now]).await?;
    }
    let text = length.to_string();
    send(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await
}

/// Goes on with another protocol: says everything again, until somebody says `bye`.
async fn switch(stream: &mut BufReader<TcpStream>, head: &Head) -> anyhow::Result<bool> {
    let Some(protocol) = head.header("upgrade") else {
        return send(stream, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n").await;
    };
    let switched = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n");
    // The first words come in one piece with the head.
    send(stream, &format!("{switched}welcome\n")).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == "bye\n" {
            return Ok(false);
        }
        send(stream, &line).await?;
    }
}

/// A connection on which requests are written letter by letter.
pub struct Wire(BufReader<TcpStream>);

impl Wire {
    /// A connection to a server, on which this has been said.
    pub async fn say(address: SocketAddr, text: &str) -> anyhow::Result<Self> {
        let mut wire = Self(BufReader::new(TcpStream::connect(address).await?));
        wire.go_on(text).await?;
        Ok(wire)
    }

    /// Says more.
    pub async fn go_on(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.0.get_mut().write_all(text.as_bytes()).await?)
    }

    /// The next line, without its end.
    pub async fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.0.read_line(&mut line).await? > 0, "the connection ended");
        Ok(line.trim_end().to_owned())
    }

    /// The head of an answer.
    pub async fn head(&mut self) -> anyhow::Result<String> {
        let mut head = String::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(head);
            }
            head.push_str(&line);
            head.push('\n');
        }
    }

    /// Everything until the end of the connection.
    pub async fn rest(&mut self) -> anyhow::Result<String> {
        let mut rest = Vec::new();
        // A connection that is cut has said what it had to say.
        let _ = self.0.read_to_end(&mut rest).await;
        Ok(String::from_utf8_lossy(&rest).into_owned())
    }

    /// So many bytes, which are thrown away.
    pub async fn skip(&mut self, bytes: usize) -> anyhow::Result<()> {
        let (mut piece, mut left) = (vec![0; PIECE], bytes);
        while left > 0 {
            let wanted = left.min(PIECE);
            let read = self.0.read(&mut piece[..wanted]).await?;
            if read == 0 {
                bail!("{left} bytes are missing");
            }
            left -= read;
        }
        Ok(())
    }
}
