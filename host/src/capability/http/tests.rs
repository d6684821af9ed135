//! The client against servers on this machine, with names that lead where a test wants.

use super::{
    client::Client,
    proxy::{Choice, OwnProxy},
};
use crate::{
    Secret,
    capability::{
        network::{Own, resolve::Resolve, tls::Trust},
        trace::Trace,
    },
    config,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response};
use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;
use wasmtime_wasi_http::{Error, WasiBody};

/// Names and the addresses they lead to.
struct Names(Vec<(&'static str, Vec<&'static str>)>);

impl Resolve for Names {
    fn resolve(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        let addresses = found.map(|(_, addresses)| addresses.iter().map(|text| text.parse().unwrap()).collect());
        Box::pin(async move { addresses.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// A server that answers each connection's first request with the same bytes, and what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        Self::start_with(answer, |_| async {}).await
    }

    /// `after` gets the connection when the answer is sent.
    async fn start_with<F: Future<Output = ()> + Send>(
        answer: impl Into<Vec<u8>>,
        after: impl Fn(TcpStream) -> F + Send + Sync + Copy + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, answer) = (listener.local_addr().unwrap().port(), answer.into());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, all) = (answer.clone(), all.clone());
                tokio::spawn(async move {
                    let head = head(&mut stream).await;
                    all.lock().unwrap().push(head);
                    let _ = stream.write_all(&answer).await;
                    after(stream).await;
                });
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn quick() -> config::Outbound {
    config::Outbound {
        connect_timeout: Duration::from_millis(400),
        read_timeout: Duration::from_millis(150),
        timeout: Duration::from_millis(600),
        response_bytes: 1000,
        ..config::Outbound::default()
    }
}

fn client(settings: &config::Outbound, own: &Own, names: Vec<(&'static str, Vec<&'static str>)>) -> Client {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/capability/http/tests.pem");
    let trust = Trust::load(&config::Outbound { certificates: Some(file.into()), ..config::Outbound::default() });
    Client::with_resolver(&"a".into(), settings, &trust.unwrap(), own, Arc::new(Names(names))).unwrap()
}

fn reaching(urls: &[String]) -> Own {
    Own { urls: urls.iter().map(|url| Url::parse(url).unwrap()).collect(), ..Own::default() }
}

fn discovering(document: &str) -> Own {
    Own { documents: vec![Url::parse(document).unwrap()], ..Own::default() }
}

async fn get(client: &Client, url: &str) -> Result<Response<WasiBody>, Error> {
    let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
    client.send(Request::get(url).body(body).unwrap(), None, &Trace::start()).await
}

async fn text(client: &Client, url: &str) -> Result<String, Error> {
    let body = get(client, url).await?.into_body().collect().await?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_configured_address_is_asked_and_its_answer_passed_on() {
    let server = Server::start(answer("hello")).await;
    let url = format!("http://127.0.0.1:{}/token?code=1", server.port);
    let client = client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]);
    assert_eq!(text(&client, &url).await.unwrap(), "hello");
    let asked = server.asked().remove(0);
    assert!(asked.starts_with("GET /token?code=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: 127.0.0.1:{}\r\n", server.port)), "{asked}");
}

#[tokio::test]
async fn a_name_that_leads_to_metadata_is_not_connected_to() {
    for address in ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0"] {
        let own = reaching(&["http://id.example.com/".to_owned()]);
        let client = client(&quick(), &own, vec![("id.example.com", vec!["93.184.216.34", address])]);
        let denied = get(&client, "http://id.example.com/").await;
        assert!(matches!(denied, Err(Error::HttpRequestDenied)), "{address}");
    }
}

#[tokio::test]
async fn a_configured_name_may_lead_nearby_and_a_discovered_one_may_not() {
    let server = Server::start(answer("here")).await;
    let url = format!("http://id.corp.example:{}/", server.port);
    let names = || vec![("id.corp.example", vec!["127.0.0.1"])];
    assert_eq!(text(&client(&quick(), &reaching(std::slice::from_ref(&url)), names()), &url).await.unwrap(), "here");

    let client = client(&quick(), &discovering("http://public.example/"), names());
    client.learn_for_test(&format!(r#"{{"a": "{url}"}}"#));
    assert!(matches!(get(&client, &url).await, Err(Error::HttpRequestDenied)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_document_opens_the_way_to_whom_it_names() {
    let other = Server::start(answer("keys")).await;
    let json = format!(r#"{{"jwks_uri": "http://localhost:{}/keys"}}"#, other.port);
    let server = Server::start(answer(&json)).await;
    let issuer = format!("http://127.0.0.1:{}", server.port);
    let client = client(&quick(), &discovering(&issuer), vec![("localhost", vec!["127.0.0.1"])]);
    let keys = format!("http://localhost:{}/keys", other.port);
    assert!(matches!(get(&client, &keys).await, Err(Error::HttpRequestDenied)), "before it was read");
    assert_eq!(text(&client, &format!("{issuer}/other")).await.unwrap(), json);
    assert!(matches!(get(&client, &keys).await, Err(Error::HttpRequestDenied)), "not from any page");
    assert_eq!(text(&client, &format!("{issuer}/.well-known/openid-configuration")).await.unwrap(), json);
    assert_eq!(text(&client, &keys).await.unwrap(), "keys");
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_others() {
    let server =
        Server::start("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let response = get(&client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]), &url).await.unwrap();
    assert_eq!(response.status().as_u16(), 302);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_too_long_is_cut() {
    let server = Server::start(answer(&"x".repeat(1001))).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let cut = text(&client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]), &url).await;
    assert!(matches!(cut, Err(Error::HttpResponseBodySize(Some(1000)))), "{cut:?}");
    let document = text(&client(&quick(), &discovering(&url), vec![]), &url).await;
    assert!(matches!(document, Err(Error::HttpResponseBodySize(Some(1000)))), "{document:?}");
}

#[tokio::test]
async fn silence_is_not_waited_for() {
    async fn silent(_stream: TcpStream) {
        std::future::pending::<()>().await;
    }
    for (answer, fails_at_once) in
        [("", true), ("HTTP/1.1 200 OK\r\nx: y", true), ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", false)]
    {
        let server = Server::start_with(answer, silent).await;
        let url = format!("http://127.0.0.1:{}/", server.port);
        let client = client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]);
        let response = get(&client, &url).await;
        assert_eq!(response.is_err(), fails_at_once, "{answer}");
        let failed = match response {
            Err(error) => error,
            Ok(response) => response.into_body().collect().await.unwrap_err(),
        };
        assert!(matches!(failed, Error::ConnectionReadTimeout), "{failed:?}");
    }
}

#[tokio::test]
async fn a_stream_without_end_ends() {
    async fn drip(mut stream: TcpStream) {
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let server = Server::start_with("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", drip).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let start = std::time::Instant::now();
    let ended = text(&client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]), &url).await;
    assert!(matches!(ended, Err(Error::ConnectionReadTimeout)), "{ended:?}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn what_answers_nonsense_or_nothing_is_named() {
    let nonsense = Server::start("220 smtp.example.com ESMTP\r\n").await;
    let short = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await;
    let large = Server::start(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(200_000))).await;
    for (server, expected) in
        [(&nonsense, "HttpProtocolError"), (&short, "ConnectionTerminated"), (&large, "HttpProtocolError")]
    {
        let url = format!("http://127.0.0.1:{}/", server.port);
        let failed = text(&client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]), &url).await.unwrap_err();
        assert!(format!("{failed:?}").contains(expected), "{failed:?}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/");
    let failed = get(&client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]), &url).await.unwrap_err();
    assert!(matches!(failed, Error::ConnectionRefused), "{failed:?}");
}

fn proxied(port: u16, urls: &[&str]) -> Own {
    let proxy = Choice::This(Secret::new(format!("http://user:hush@127.0.0.1:{port}/")));
    let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
    Own { proxy: OwnProxy { proxy, no_proxy: None }, ..reaching(&urls) }
}

#[tokio::test]
async fn a_proxy_is_asked_in_its_own_form() {
    let proxy = Server::start(answer("by proxy")).await;
    let client = client(&quick(), &proxied(proxy.port, &["http://id.example.com/"]), vec![]);
    assert_eq!(text(&client, "http://id.example.com/x").await.unwrap(), "by proxy");
    let asked = proxy.asked().remove(0);
    assert!(asked.starts_with("GET http://id.example.com/x HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("proxy-authorization: Basic dXNlcjpodXNo\r\n"), "{asked}");
}

#[tokio::test]
async fn a_tunnel_is_asked_for_and_may_be_refused() {
    for (status, told) in
        [("407 Proxy Authentication Required", "ConfigurationError"), ("502 Bad Gateway", "Unavailable")]
    {
        let proxy = Server::start(format!("HTTP/1.1 {status}\r\n\r\n")).await;
        let client = client(&quick(), &proxied(proxy.port, &["https://id.example.com/"]), vec![]);
        let failed = get(&client, "https://id.example.com/").await.unwrap_err();
        assert!(format!("{failed:?}").contains(told), "{failed:?}");
        let asked = proxy.asked().remove(0);
        assert!(asked.starts_with("CONNECT id.example.com:443 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("Proxy-Authorization: Basic dXNlcjpodXNo\r\n"), "{asked}");
    }
}

#[tokio::test]
async fn a_proxy_does_not_open_what_is_closed() {
    let proxy = Server::start(answer("oh")).await;
    let own = proxied(proxy.port, &["http://169.254.169.254/", "http://metadata.google.internal/"]);
    let client = client(&quick(), &own, vec![]);
    for url in ["http://169.254.169.254/", "http://metadata.google.internal/", "http://other.example/"] {
        assert!(matches!(get(&client, url).await, Err(Error::HttpRequestDenied)), "{url}");
    }
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn methods_that_change_the_connection_are_not_sent() {
    let server = Server::start(answer("oh")).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let client = client(&quick(), &reaching(std::slice::from_ref(&url)), vec![]);
    for method in ["CONNECT", "TRACE", "PURGE"] {
        let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::builder().method(method).uri(&url).body(body).unwrap();
        let refused = client.send(request, None, &Trace::start()).await;
        assert!(matches!(refused, Err(Error::HttpRequestMethodInvalid)), "{method}");
    }
    assert!(server.asked().is_empty());
}
