//! The load generator: keep-alive HTTP/1.1 connections, one request at a time on each, on one thread.
//!
//! It shares the processor with the server, so it reads of an answer only what it needs: the status, `Content-Length`
//! and the body. The head of an answer is found where that of the one before was, as they are mostly alike.
//! Deliberately absent: chunked answers, pipelining, reconnecting. An answer that is not as expected ends the run, unless the
//! exchange knows how to go on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{self, Served};

/// How long a run is, and how much of its beginning does not count.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// What one connection sends, and what it makes of the answers.
pub(crate) trait Exchange: Send {
    /// Appends the next request.
    fn request(&mut self, out: &mut Vec<u8>);
    /// Takes the body of an answer with the status 200.
    fn answer(&mut self, body: &[u8]) -> anyhow::Result<()>;
    /// After an answer with the status 500, whether there is another way to go on.
    fn start_over(&mut self) -> bool {
        false
    }
}

/// The same request again and again; the answer has to hold a text.
pub(crate) struct Same {
    pub(crate) request: Vec<u8>,
    pub(crate) expected: &'static str,
}

impl Exchange for Same {
    fn request(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request);
    }

    fn answer(&mut self, body: &[u8]) -> anyhow::Result<()> {
        let found = find(body, self.expected.as_bytes()).is_some();
        ensure!(found, "expected `{}`, got {}", self.expected, String::from_utf8_lossy(body));
        Ok(())
    }
}

/// A chain of refreshes: each answer has the token of the next request.
pub(crate) struct Refresh {
    pub(crate) token: String,
    /// Tokens of other sessions, for a server that fails.
    pub(crate) spare: Vec<String>,
}

impl Exchange for Refresh {
    fn request(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&json_request("/auth/refresh", &refresh_body(&self.token)));
    }

    fn answer(&mut self, body: &[u8]) -> anyhow::Result<()> {
        self.token = token(body, "refresh_token")?;
        Ok(())
    }

    fn start_over(&mut self) -> bool {
        let next = self.spare.pop();
        next.map(|token| self.token = token).is_some()
    }
}

pub(crate) fn refresh_body(token: &str) -> String {
    format!(r#"{{"refresh_token":"{token}","mode":"json"}}"#)
}

/// The value of a text field of an answer, without a parser.
pub(crate) fn token(body: &[u8], name: &str) -> anyhow::Result<String> {
    let text = std::str::from_utf8(body)?;
    let value = text.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    Ok(value.with_context(|| format!("no {name} in {text}"))?.0.to_owned())
}

pub(crate) fn get_request(path: &str, token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n").into_bytes()
}

pub(crate) fn json_request(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length:";
    format!("POST {path} {head} {length}\r\n\r\n{body}").into_bytes()
}

/// What a run showed.
pub(crate) struct Load {
    /// Answers in the measured span.
    pub(crate) answers: usize,
    /// Answers with the status 500, in the whole run.
    pub(crate) failures: usize,
    pub(crate) seconds: f64,
    /// Processors that the server and the load generator kept busy.
    pub(crate) server_cores: f64,
    pub(crate) generator_cores: f64,
    /// Most memory of the server that was seen (its proportional set), in bytes.
    pub(crate) memory: u64,
    /// In microseconds, sorted.
    latencies: Vec<u32>,
}

impl Load {
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let answers = self.answers as f64;
        answers / self.seconds
    }

    /// This run and another one like it.
    pub(crate) fn and(mut self, other: Self) -> Self {
        let seconds = self.seconds + other.seconds;
        let mean = |one: f64, two: f64| (one * self.seconds + two * other.seconds) / seconds;
        self.server_cores = mean(self.server_cores, other.server_cores);
        self.generator_cores = mean(self.generator_cores, other.generator_cores);
        self.seconds = seconds;
        self.answers += other.answers;
        self.failures += other.failures;
        self.memory = self.memory.max(other.memory);
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self
    }

    /// A quantile of the latency in milliseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        f64::from(quantile(&self.latencies, part).unwrap_or_default()) / 1000.0
    }
}

/// The value below which `part` of the sorted values lie.
pub(crate) fn quantile<T: Copy>(sorted: &[T], part: f64) -> Option<T> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = (part * sorted.len() as f64) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied()
}

/// How often the memory of a server is looked at. A look takes it some milliseconds.
const MEMORY_EVERY: Duration = Duration::from_millis(500);

/// Puts load on a server, one connection for each exchange.
pub(crate) fn run(server: &impl Served, exchanges: Vec<Box<dyn Exchange>>, span: Span) -> anyhow::Result<Load> {
    let begin = Instant::now() + span.warm_up;
    let end = begin + span.measured;
    let address = server.address();
    let generator = std::thread::Builder::new().name("load".into());
    let generator = generator.spawn(move || generate(address, exchanges, begin, end))?;
    std::thread::sleep(begin.saturating_duration_since(Instant::now()));
    let (before, mut memory) = (server.processor_time()?, 0);
    while Instant::now() < end && !generator.is_finished() {
        memory = memory.max(server.proportional()?);
        std::thread::sleep(MEMORY_EVERY.min(end.saturating_duration_since(Instant::now())));
    }
    let after = server.processor_time()?;
    let joined = generator.join().ok().context("the load generator panicked")?;
    let (Ran { mut latencies, failures }, generator_time) =
        joined.with_context(|| format!("under load; {}", server.log()))?;
    latencies.sort_unstable();
    let seconds = span.measured.as_secs_f64();
    Ok(Load {
        answers: latencies.len(),
        failures,
        seconds,
        server_cores: after.saturating_sub(before).as_secs_f64() / seconds,
        generator_cores: generator_time.as_secs_f64() / (span.warm_up + span.measured).as_secs_f64(),
        memory,
        latencies,
    })
}

/// The latencies of all connections, and the processor time that it took.
fn generate(
    address: SocketAddr,
    exchanges: Vec<Box<dyn Exchange>>,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<(Ran, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = async {
        let spawn = |exchange| tokio::spawn(connection(address, exchange, begin, end));
        let running: Vec<_> = exchanges.into_iter().map(spawn).collect();
        let mut ran = Ran::default();
        for connection in running {
            let Ran { latencies, failures } = connection.await??;
            ran.latencies.extend(latencies);
            ran.failures += failures;
        }
        anyhow::Ok(ran)
    };
    let ran = runtime.block_on(all)?;
    Ok((ran, process::thread_time()?))
}

/// What connections saw.
#[derive(Default)]
struct Ran {
    /// In microseconds, of answers in the measured span.
    latencies: Vec<u32>,
    failures: usize,
}

async fn connection(
    address: SocketAddr,
    mut exchange: Box<dyn Exchange>,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<Ran> {
    let mut stream = TcpStream::connect(address).await.context("connecting")?;
    stream.set_nodelay(true)?;
    let (mut request, mut answers, mut ran) = (Vec::new(), Answers::default(), Ran::default());
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(ran);
        }
        request.clear();
        exchange.request(&mut request);
        stream.write_all(&request).await?;
        let (status, body) = answers.receive(&mut stream).await?;
        match status {
            200 => exchange.answer(body)?,
            500 if exchange.start_over() => {
                ran.failures += 1;
                continue;
            }
            _ => bail!("{status} {}", String::from_utf8_lossy(body)),
        }
        let done = Instant::now();
        if done >= begin && done < end {
            ran.latencies.push(u32::try_from((done - sent).as_micros()).unwrap_or(u32::MAX));
        }
    }
}

/// Largest answer that is read, head and body.
const ANSWER_BYTES: usize = 64 * 1024;

/// Reads the answers of one connection.
pub(crate) struct Answers {
    buffer: Vec<u8>,
    /// Where the head of the last answer ended, and where in it the length stood.
    head: usize,
    length_at: usize,
}

impl Default for Answers {
    fn default() -> Self {
        Self { buffer: vec![0; ANSWER_BYTES], head: 0, length_at: 0 }
    }
}

const HEAD_END: &[u8] = b"\r\n\r\n";
/// Its name comes in either case, depending on who serves.
const LENGTH: &[u8] = b"content-length: ";

impl Answers {
    /// The status and the body of the next answer.
    pub(crate) async fn receive(&mut self, stream: &mut TcpStream) -> anyhow::Result<(u32, &[u8])> {
        let mut filled = 0;
        loop {
            let read = stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server closed the connection, or an answer is too long");
            filled += read;
            if let Some((status, body)) = self.answer(filled)?
                && body.end <= filled
            {
                return Ok((status, &self.buffer[body]));
            }
        }
    }

    /// The status, and where the body is, once the head is complete.
    fn answer(&mut self, filled: usize) -> anyhow::Result<Option<(u32, std::ops::Range<usize>)>> {
        let answer = &self.buffer[..filled];
        if !ends_at(answer, self.head) {
            let Some(end) = find(answer, HEAD_END) else { return Ok(None) };
            self.head = end + HEAD_END.len();
        }
        let head = &answer[..self.head];
        let status =
            head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("an answer without a status")?;
        let is_length =
            |at: usize| head.get(at..at + LENGTH.len()).is_some_and(|name| name.eq_ignore_ascii_case(LENGTH));
        if !is_length(self.length_at) {
            self.length_at = (0..head.len()).find(|at| is_length(*at)).context("an answer without Content-Length")?;
        }
        let length = number(&head[self.length_at + LENGTH.len()..]);
        Ok(Some((number(status), self.head..self.head + usize::try_from(length)?)))
    }
}

/// The number that a text begins with.
fn number(text: &[u8]) -> u32 {
    text.iter().take_while(|byte| byte.is_ascii_digit()).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// Whether a head ends here. A body of ours has no empty line, so it is the first place where one does.
fn ends_at(answer: &[u8], head: usize) -> bool {
    head >= HEAD_END.len() && answer.get(head - HEAD_END.len()..head) == Some(HEAD_END)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_found_after_heads_of_any_length() {
        let mut answers = Answers::default();
        for (head, length) in [("A: b\r\nContent-Length: 5", 5), ("Content-Length: 12", 12), ("Content-Length: 5", 5)] {
            let text = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
            answers.buffer[..text.len()].copy_from_slice(text.as_bytes());
            assert_eq!(answers.answer(text.len() - 1).unwrap(), None);
            assert_eq!(answers.answer(text.len()).unwrap(), Some((200, text.len()..text.len() + length)));
        }
    }

    #[test]
    fn an_answer_has_a_status_and_a_length() {
        for text in ["HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 401 Unauthorized\r\nA: b\r\n\r\n"] {
            let mut answers = Answers::default();
            answers.buffer[..text.len()].copy_from_slice(text.as_bytes());
            assert!(answers.answer(text.len()).is_err(), "{text}");
        }
    }

    #[test]
    fn two_runs_make_one() {
        let run = |seconds, server_cores, latencies: &[u32]| Load {
            answers: latencies.len(),
            failures: 0,
            seconds,
            server_cores,
            generator_cores: 0.5,
            memory: 1,
            latencies: latencies.to_vec(),
        };
        let both = run(1.0, 2.0, &[1000, 4000]).and(run(3.0, 1.0, &[2000]));
        assert_eq!((both.answers, both.seconds, both.server_cores, both.quantile(0.5)), (3, 4.0, 1.25, 2.0));
    }

    #[test]
    fn quantiles_are_taken_from_sorted_values() {
        let values: Vec<u32> = (0..100).collect();
        assert_eq!(
            (quantile(&values, 0.5), quantile(&values, 0.99), quantile(&values, 1.0)),
            (Some(50), Some(99), Some(99))
        );
        assert_eq!(quantile::<u32>(&[], 0.5), None);
    }
}
