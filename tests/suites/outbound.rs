//! Where drivers may go, and what they meet there: the driver `fetcher` in a real server, with upstreams on loopback.

mod ways;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::calls::{USER, quick, refused, sign_in};
use e2e::client::Request;
use e2e::guests::Folder;
use e2e::server::{self, TestServer, refusal};
use e2e::upstream::{Manner, Upstream};
use serde_json::json;

use crate::guests::FETCHER;
use ways::{
    a_client_certificate_is_shown, a_proxy_is_used_and_the_hosts_without_are_not, a_proxy_may_speak_tls,
    a_proxy_that_is_away_or_wants_credentials_is_told_apart, a_tunnel_leads_through_a_proxy,
    certificates_of_a_private_authority_are_believed_where_it_is_set,
};

e2e::suite! {
    a_driver_reaches_its_configured_host_and_no_other,
    a_document_opens_the_way_to_whom_it_names,
    a_redirect_is_not_followed,
    metadata_is_not_reached_even_if_configured,
    upstreams_without_an_end_are_given_up,
    sign_ins_that_wait_do_not_keep_others_waiting,
    two_hundred_waiting_sign_ins_fit_into_little_memory,
    providers_keep_their_things_apart,
    a_failed_sign_in_can_be_explained_afterwards,
    settings_that_do_not_work_are_told_at_the_start,
    a_proxy_is_used_and_the_hosts_without_are_not,
    a_tunnel_leads_through_a_proxy,
    a_proxy_that_is_away_or_wants_credentials_is_told_apart,
    a_proxy_may_speak_tls,
    certificates_of_a_private_authority_are_believed_where_it_is_set,
    a_client_certificate_is_shown,
}

/// A server with the provider `fetcher`, whose settings are these, and the folder that it got the driver from.
async fn with_fetcher(more: &[(&str, &str)]) -> anyhow::Result<(TestServer, Folder)> {
    let folder = Folder::empty()?.with("fetcher", FETCHER)?;
    let env = [
        ("GATEWIT_COMPONENTS", folder.path()?),
        ("AUTH_PROVIDERS", "fetcher"),
        ("AUTH_FETCHER_DRIVER", "fetcher"),
        ("LOG_LEVEL", "debug"),
    ];
    let server = TestServer::seeded(&quick(&[&env, more].concat())).await?;
    Ok((server, folder))
}

fn fetch(provider: &str, addresses: &[&str]) -> Request {
    Request::new("POST", &format!("/auth/login/{provider}")).json(&json!({"addresses": addresses.join("\n")}))
}

/// Has the driver fetch, and tells what came, an outcome an address.
async fn fetched(server: &TestServer, addresses: &[&str]) -> anyhow::Result<Vec<String>> {
    let before = outcomes(server).len();
    let answer = server.client().send(&fetch("fetcher", addresses)).await?;
    refused(&answer, 401, "INVALID_CREDENTIALS")?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while outcomes(server).len() < before + addresses.len() {
        ensure!(Instant::now() < deadline, "{} outcomes:\n{}", outcomes(server).len() - before, server.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(outcomes(server).split_off(before))
}

fn outcomes(server: &TestServer) -> Vec<String> {
    let log = server.log();
    let of_line = |line: &str| Some(line.split_once("fetched")?.1.split_once("outcome=")?.1.replace(['\\', '"'], ""));
    log.lines().filter_map(of_line).collect()
}

async fn a_driver_reaches_its_configured_host_and_no_other() -> anyhow::Result<()> {
    let upstream = Upstream::start(|_| Manner::Body("hello".into())).await?;
    let other = Upstream::start(|_| Manner::Body("oh".into())).await?;
    let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", &upstream.url("/token"))]).await?;
    let (here, posted, elsewhere) =
        (upstream.url("/x?code=h"), format!("POST {}", upstream.url("/y")), other.url("/z?code=h"));
    let outcomes = fetched(&server, &[&here, &posted, &elsewhere, "http://localhost.evil.example/"]).await?;
    for (outcome, expected) in outcomes.iter().zip([
        "200 with 5 bytes: hello",
        "200 with 5 bytes: hello",
        "failed: this server may not",
        "failed: this server may not",
    ]) {
        ensure!(outcome.starts_with(expected), "{outcomes:?}");
    }
    ensure!(other.asked().is_empty(), "{:?}", other.asked());
    ensure!(upstream.asked()[1].starts_with("POST /y HTTP/1.1"), "{:?}", upstream.asked());
    let denied = server.logged("a request of a driver is denied").await?;
    let shown = format!("GET {}", other.url("/z"));
    ensure!(denied.contains("WARN") && denied.contains("fetcher") && denied.contains(&shown), "{denied}");
    let answered = server.logged("the provider answered").await?;
    ensure!(
        answered.contains("DEBUG") && answered.contains(&upstream.url("/x")) && answered.contains("status=200"),
        "{answered}"
    );
    ensure!(!server.log().contains("code=h"), "a query is in the log:\n{}", server.log());
    Ok(())
}

async fn a_document_opens_the_way_to_whom_it_names() -> anyhow::Result<()> {
    let other = Upstream::start(|_| Manner::Body("keys".into())).await?;
    let keys = other.url("/keys");
    let json = json!({"jwks_uri": keys, "nested": {"a": "http://169.254.169.254/"}}).to_string();
    let issuer = Upstream::start(move |_| Manner::Body(json.clone())).await?;
    let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_DOCUMENT_URL", &issuer.url("/realm"))]).await?;
    let document = issuer.url("/realm/.well-known/openid-configuration");
    let outcomes = fetched(&server, &[&keys, &document, &keys, "http://169.254.169.254/"]).await?;
    let starts = ["failed: this server may not", "200 with", "200 with 4 bytes: keys", "failed: this server may not"];
    ensure!(outcomes.iter().zip(starts).all(|(outcome, start)| outcome.starts_with(start)), "{outcomes:?}");
    // What was learnt is the process's, not the call's.
    ensure!(fetched(&server, &[&keys]).await?[0].starts_with("200 with 4 bytes"));
    Ok(())
}

async fn a_redirect_is_not_followed() -> anyhow::Result<()> {
    let other = Upstream::start(|_| Manner::Body("oh".into())).await?;
    let location = other.url("/");
    let redirect =
        format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let upstream = Upstream::start(move |_| Manner::Raw(redirect.clone())).await?;
    let (server, _folder) =
        with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", &upstream.url("/")), ("AUTH_FETCHER_OTHER_URL", &location)])
            .await?;
    let outcomes = fetched(&server, &[&upstream.url("/")]).await?;
    ensure!(outcomes[0].starts_with("302 with 0 bytes"), "{outcomes:?}");
    ensure!(upstream.asked().len() == 1 && other.asked().is_empty());
    Ok(())
}

async fn metadata_is_not_reached_even_if_configured() -> anyhow::Result<()> {
    let metadata = "http://169.254.169.254/latest/meta-data";
    let mapped = "http://[::ffff:a9fe:a9fe]/latest";
    let (server, _folder) =
        with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", metadata), ("AUTH_FETCHER_OTHER_URL", mapped)]).await?;
    let outcomes = fetched(&server, &[metadata, mapped]).await?;
    ensure!(outcomes.iter().all(|outcome| outcome.starts_with("failed: this server may not")), "{outcomes:?}");
    let denied = server.logged("a request of a driver is denied").await?;
    ensure!(denied.contains("where no driver has business"), "{denied}");
    Ok(())
}

/// Deadlines with which a test does not wait long.
const IMPATIENT: [(&str, &str); 3] = [
    ("GATEWIT_OUTBOUND_CONNECT_TIMEOUT", "300ms"),
    ("GATEWIT_OUTBOUND_READ_TIMEOUT", "300ms"),
    ("GATEWIT_OUTBOUND_TIMEOUT", "800ms"),
];

async fn upstreams_without_an_end_are_given_up() -> anyhow::Result<()> {
    let upstream = Upstream::start(|path| match path {
        "/hang" => Manner::Hang,
        "/head" => Manner::SlowHead,
        "/stream" => Manner::Stream,
        "/large" => Manner::Megabytes(50),
        _ => Manner::Raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".into()),
    })
    .await?;
    let url = upstream.url("/");
    let (server, _folder) = with_fetcher(&[&IMPATIENT[..], &[("AUTH_FETCHER_SERVICE_URL", &url)]].concat()).await?;
    for (path, told) in [
        ("/hang", "there was no answer in time"),
        ("/head", "there was no answer in time"),
        ("/stream", "there was no answer in time"),
        ("/large", "the answer has more than 1048576 bytes"),
        ("/short", "end of file"),
    ] {
        let start = Instant::now();
        let outcomes = fetched(&server, &[&upstream.url(path)]).await?;
        ensure!(outcomes[0].starts_with("failed: "), "{path}: {outcomes:?}");
        ensure!(start.elapsed() < Duration::from_secs(3), "{path} took {:?}", start.elapsed());
        let log = server.log();
        let line = log.lines().find(|line| line.contains("a request of a driver failed") && line.contains(path));
        let line = line.with_context(|| format!("{path}: not in the log:\n{log}"))?;
        ensure!(line.contains(told) && line.contains("WARN"), "{path}: {line}");
    }
    Ok(())
}

async fn sign_ins_that_wait_do_not_keep_others_waiting() -> anyhow::Result<()> {
    let upstream = Upstream::start(|_| Manner::Hang).await?;
    let url = upstream.url("/");
    let few = [("GATEWIT_CALLS", "8"), ("GATEWIT_OUTBOUND_CALLS", "3"), ("AUTH_FETCHER_SERVICE_URL", url.as_str())];
    let (server, _folder) = with_fetcher(&[&IMPATIENT[..], &few].concat()).await?;
    let address = server.address;
    let ask = |_| {
        let request = fetch("fetcher", &[&url]);
        tokio::spawn(async move { e2e::client::Client::new(address).send(&request).await })
    };
    let waiting: Vec<_> = (0..12).map(ask).collect();
    sign_in(&mut server.client(), USER).await?;
    // Some were refused at once; those who have a place are still waiting.
    ensure!(waiting.iter().any(|task| !task.is_finished()), "a password sign-in waited for the provider");
    let (mut refused, mut waited) = (0, 0);
    for answer in waiting {
        match answer.await??.status {
            503 | 429 => refused += 1,
            401 => waited += 1,
            other => anyhow::bail!("{other}"),
        }
    }
    ensure!(waited >= 3 && refused >= 1 && waited + refused == 12, "{waited} waited, {refused} were refused");
    server.logged("too many sign-ins wait for their providers").await?;
    Ok(())
}

async fn two_hundred_waiting_sign_ins_fit_into_little_memory() -> anyhow::Result<()> {
    let upstream = Upstream::start(|_| Manner::Late(Duration::from_secs(1), "late".into())).await?;
    let url = upstream.url("/");
    let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", &url)]).await?;
    ensure!(fetched(&server, &[&url]).await?[0].starts_with("200"));
    let address = server.address;
    let ask = |_| {
        let request = fetch("fetcher", &[&url]);
        tokio::spawn(async move { e2e::client::Client::new(address).send(&request).await })
    };
    let waiting: Vec<_> = (0..200).map(ask).collect();
    let deadline = Instant::now() + Duration::from_secs(10);
    while upstream.asked().len() < 201 {
        ensure!(Instant::now() < deadline, "only {} came", upstream.asked().len());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let resident = resident_bytes(server.id())?;
    for answer in waiting {
        ensure!(answer.await??.status == 401);
    }
    ensure!(resident < 100 << 20, "{} MB", resident >> 20);
    Ok(())
}

/// The process's own part of the memory: what its sandboxes share, the untouched pages of a component, counts once.
fn resident_bytes(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes << 10)
}

async fn providers_keep_their_things_apart() -> anyhow::Result<()> {
    let (server, _folder) =
        with_fetcher(&[("AUTH_PROVIDERS", "fetcher,other"), ("AUTH_OTHER_DRIVER", "fetcher")]).await?;
    ensure!(fetched(&server, &["keep key value", "kept key"]).await? == ["kept", "kept value"]);
    ensure!(fetched(&server, &["kept key", "kept nothing"]).await? == ["kept value", "nothing kept"], "another call");
    refused(&server.client().send(&fetch("other", &["kept key"])).await?, 401, "INVALID_CREDENTIALS")?;
    // Four outcomes came before; the log arrives here after the answer.
    let deadline = Instant::now() + Duration::from_secs(10);
    while outcomes(&server).len() < 5 {
        ensure!(Instant::now() < deadline, "no fifth outcome: {:?}", outcomes(&server));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ensure!(outcomes(&server)[4] == "nothing kept", "{:?}", outcomes(&server));
    Ok(())
}

async fn a_failed_sign_in_can_be_explained_afterwards() -> anyhow::Result<()> {
    let upstream = Upstream::start(|_| Manner::Body("hello".into())).await?;
    let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", &upstream.url("/"))]).await?;
    fetched(&server, &[&upstream.url("/x?code=hush"), "http://127.0.0.1:1/y"]).await?;
    let line = server.logged("a sign-in failed").await?;
    let (_, rest) = line.split_once("request=").context("no id in the log")?;
    let id: String = rest.chars().take_while(|letter| letter.is_ascii_hexdigit() || *letter == '-').collect();
    let explain = |more: &[&str]| {
        let mut command = server::command(server.data.path(), &[])?;
        command.arg("trace").args(more);
        anyhow::Ok(command.output()?)
    };
    let (mut output, deadline) = (explain(&[&id])?, Instant::now() + Duration::from_secs(5));
    // It is written after the answer.
    while !output.status.success() && Instant::now() < deadline {
        output = explain(&[&id])?;
    }
    let told = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        format!("request   {id}"),
        "provider  fetcher".into(),
        "told      INVALID_CREDENTIALS".into(),
        format!("GET {}: 200 after", upstream.url("/x")),
        "GET http://127.0.0.1:1/y: denied, because it is not an address of the provider".into(),
        "the driver refuses the credentials".into(),
    ] {
        ensure!(told.contains(&part), "{part:?} is missing:\n{told}");
    }
    ensure!(!told.contains("hush"), "{told}");
    let json: serde_json::Value = serde_json::from_slice(&explain(&[&id, "--json"])?.stdout)?;
    ensure!(json["provider"] == "fetcher" && json["steps"].as_array().is_some_and(|steps| steps.len() >= 4), "{json}");
    let unknown = explain(&["nobody"])?;
    ensure!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("no failed sign-in"));
    Ok(())
}

async fn settings_that_do_not_work_are_told_at_the_start() -> anyhow::Result<()> {
    let folder = Folder::empty()?.with("fetcher", FETCHER)?;
    let base =
        [("GATEWIT_COMPONENTS", folder.path()?), ("AUTH_PROVIDERS", "fetcher"), ("AUTH_FETCHER_DRIVER", "fetcher")];
    for (name, value, told) in [
        ("https_proxy", "socks5://user:hush@a", "https_proxy: the value is not the URL of a proxy"),
        ("NODE_EXTRA_CA_CERTS", "/nowhere.pem", "NODE_EXTRA_CA_CERTS: cannot read /nowhere.pem"),
        ("SSL_CERT_FILE", "/dev/null", "SSL_CERT_FILE: holds no certificate in PEM"),
        (
            "AUTH_FETCHER_CLIENT_HTTP_CA_FILE",
            "/nowhere.pem",
            "AUTH_FETCHER_CLIENT_HTTP_CA_FILE: cannot read /nowhere.pem",
        ),
        ("AUTH_FETCHER_CLIENT_HTTP_CERT", "hush", "AUTH_FETCHER_CLIENT_HTTP_CERT: a client certificate needs both"),
        (
            "AUTH_FETCHER_SERVICE_URL",
            "id.example.com",
            "AUTH_FETCHER_SERVICE_URL: \"id.example.com\" is not an address",
        ),
        ("AUTH_FETCHER_ROLE_MAPPING", "[\"a\"]", "AUTH_FETCHER_ROLE_MAPPING: "),
    ] {
        let output = refusal(&quick(&[&base[..], &[(name, value)]].concat())).await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && said.contains(told), "{name}: {said}");
        ensure!(!said.contains("hush"), "{said}");
    }
    let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_SERVICE_ULR", "x"), ("AUTH_FETCHER_NOTE", "12345")]).await?;
    let warned = server.logged("SERVICE_ULR").await?;
    ensure!(warned.contains("WARN") && warned.contains("did you mean SERVICE_URL?"), "{warned}");
    Ok(())
}
