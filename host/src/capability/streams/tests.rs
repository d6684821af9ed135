//! Connections to servers on this machine, with names that lead where a test wants.

use super::{Client, Connection, Error};
use crate::{
    capability::{
        network::{
            Own,
            resolve::{Resolve, Resolved},
            tls::Trust,
        },
        trace::Trace,
    },
    config,
};
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener},
};
use url::Url;

/// Where every name leads.
struct To(Vec<&'static str>);

impl Resolve for To {
    fn resolve(&self, _: &str) -> Resolved {
        let addresses: Vec<IpAddr> = self.0.iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(async move { if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) } })
    }
}

/// A server that does this with each connection.
async fn server<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    port
}

fn client(urls: &[String], names: &[&'static str]) -> Client {
    let settings = config::Outbound {
        connect_timeout: Duration::from_millis(300),
        read_timeout: Duration::from_millis(200),
        timeout: Duration::from_millis(600),
        response_bytes: 10_000,
        ..config::Outbound::default()
    };
    let own = Own {
        urls: urls.iter().map(|url| Url::parse(url).unwrap()).collect(),
        sockets: vec!["/run/of/the/settings".into()],
        ..Own::default()
    };
    let trust = Trust::load(&config::Outbound::default()).unwrap();
    Client::with_resolver(&"ld".into(), &settings, &trust, &own, Arc::new(To(names.to_vec()))).unwrap()
}

async fn connected(port: u16) -> Connection {
    let client = client(&[format!("ldap://127.0.0.1:{port}")], &[]);
    client.connect("127.0.0.1", port, false, &Trace::start()).await.unwrap()
}

#[tokio::test]
async fn bytes_go_there_and_back() {
    let port = server(|mut stream| async move {
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(&asked).await.unwrap();
    })
    .await;
    let mut connection = connected(port).await;
    connection.send(b"ping").await.unwrap();
    assert_eq!(connection.receive(2).await.unwrap(), b"pi");
    assert_eq!(connection.receive(100).await.unwrap(), b"ng");
    assert_eq!(connection.receive(100).await.unwrap(), b"", "the end");
}

#[tokio::test]
async fn a_connection_carries_so_much_and_no_more() {
    let port = server(|mut stream| async move {
        let _ = stream.write_all(&vec![7; 100_000]).await;
    })
    .await;
    let mut connection = connected(port).await;
    let mut count = 0;
    let error = loop {
        match connection.receive(u32::MAX).await {
            Ok(bytes) => count += bytes.len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Exhausted) && count == 10_000, "{error} after {count}");
    assert!(matches!(connection.receive(1).await, Err(Error::Exhausted | Error::Unreachable(_))));
    let mut other = connected(port).await;
    assert!(matches!(other.send(&[0; 10_001]).await, Err(Error::Exhausted)));
    assert!(matches!(other.send(&[0]).await, Err(Error::Unreachable(_))), "it is over after a failure");
}

#[tokio::test]
async fn silence_and_slowness_have_an_end() {
    let silent = server(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert!(matches!(connected(silent).await.receive(1).await, Err(Error::Overdue)));
    let slow = server(|mut stream| async move {
        while stream.write_all(&[1]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let mut connection = connected(slow).await;
    let start = std::time::Instant::now();
    while connection.receive(1).await.is_ok() {}
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn only_servers_of_the_settings_are_reached_wherever_names_lead() {
    let port = server(|_| async {}).await;
    let (trace, url) = (Trace::start(), format!("ldap://directory.example:{port}"));
    let nearby = client(std::slice::from_ref(&url), &["127.0.0.1"]);
    assert!(nearby.connect("Directory.Example.", port, false, &trace).await.is_ok());
    for (host, port) in [("127.0.0.1", port), ("directory.example", port ^ 1), ("other.example", port), ("", port)] {
        assert!(matches!(nearby.connect(host, port, false, &trace).await, Err(Error::Denied)), "{host}");
    }
    // One bad address among good ones is an attack.
    for names in [&["169.254.169.254"][..], &["127.0.0.1", "::ffff:169.254.169.254"]] {
        let led = client(std::slice::from_ref(&url), names);
        assert!(matches!(led.connect("directory.example", port, false, &trace).await, Err(Error::Denied)), "{names:?}");
    }
    let lost = client(std::slice::from_ref(&url), &[]);
    assert!(matches!(lost.connect("directory.example", port, false, &trace).await, Err(Error::Unreachable(_))));
    assert!(matches!(nearby.connect_to_socket("/run/other", &trace).await, Err(Error::Denied)));
    assert!(matches!(nearby.connect_to_socket("/run/of/the/settings", &trace).await, Err(Error::Unreachable(_))));
    let told = trace.steps();
    assert!(told.iter().any(|step| step.from == "ld" && step.text.contains("is in no setting")), "{told:?}");
}

#[tokio::test]
async fn there_is_no_tls_with_whoever_does_not_speak_it() {
    let chatty = server(|mut stream| async move {
        let _ = stream.write_all(b"hello").await;
        let _ = stream.read(&mut [0; 512]).await;
    })
    .await;
    let trace = Trace::start();
    let client = client(&[format!("ldaps://127.0.0.1:{chatty}")], &[]);
    assert!(matches!(client.connect("127.0.0.1", chatty, true, &trace).await, Err(Error::Untrusted(_))));
    // What came in clear before could be anybody's.
    let mut connection = connected(chatty).await;
    assert_eq!(connection.receive(2).await.unwrap(), b"he");
    let refused = connection.secure(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(&refused, Error::Untrusted(why) if why.contains("before the encryption")), "{refused}");
    assert!(connection.send(b"x").await.is_err(), "nothing goes on in clear");
}

#[tokio::test]
async fn a_socket_is_a_connection_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let own = Own { sockets: vec![path.display().to_string()], ..Own::default() };
    let (settings, trace) = (config::Outbound::default(), Trace::start());
    let trust = Trust::load(&settings).unwrap();
    let client = Client::new(&"ld".into(), &settings, &trust, &own).unwrap();
    let mut connection = client.connect_to_socket(&path.display().to_string(), &trace).await.unwrap();
    let (mut other, _) = listener.accept().await.unwrap();
    connection.send(b"hi").await.unwrap();
    let mut heard = [0; 2];
    other.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hi");
    assert!(matches!(connection.secure(Duration::from_secs(1)).await, Err(Error::Untrusted(_))));
}
