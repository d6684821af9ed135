//! Versions of the contract: drivers that were built for an earlier one, byte by byte as they were then, sign people in at the
//! server of today (`tests/fixtures/components`).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use e2e::calls::{quick, verdict};
use e2e::client::Request;
use e2e::guests::Folder;
use e2e::operator::digest;
use e2e::provider::form;
use e2e::server::TestServer;
use e2e::traveller::Traveller;
use e2e::upstream::{Manner, Upstream};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::conformance::test_driver;
use crate::foreign_drivers::{accounts, is_signed_in};

e2e::suite! {
    they_are_what_they_were,
    drivers_of_0_1_keep_the_contract,
    a_credentials_driver_of_0_1_signs_people_in,
    a_redirect_driver_of_0_1_signs_people_in_and_out,
}

const NAMES: [&str; 2] = ["frozen-credentials", "frozen-redirect"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/components/0.1")
}

fn file(name: &str) -> PathBuf {
    folder().join(name).with_extension("wasm")
}

async fn they_are_what_they_were() -> anyhow::Result<()> {
    let readme = std::fs::read_to_string(folder().join("README.md"))?;
    for name in NAMES {
        let hash = digest(&std::fs::read(file(name))?);
        ensure!(readme.contains(&format!("{hash}  {name}.wasm\n")), "{name} was changed: {hash}");
    }
    Ok(())
}

async fn drivers_of_0_1_keep_the_contract() -> anyhow::Result<()> {
    for name in NAMES {
        let (report, passed) = test_driver(&file(name), &[]).await?;
        ensure!(passed, "{report:#}");
    }
    Ok(())
}

/// A server with this driver, and the folder that it watches.
async fn serve(name: &str, more: &[(&str, &str)]) -> anyhow::Result<(TestServer, Folder)> {
    let folder = Folder::empty()?.with_bytes(name, &std::fs::read(file(name))?)?;
    let mut settings = quick(&[
        ("GATEWIT_COMPONENTS", folder.path()?),
        ("GATEWIT_REQUIRE_SIGNED", "false"),
        ("AUTH_PROVIDERS", "old"),
        ("AUTH_OLD_DRIVER", name),
        ("AUTH_OLD_ALLOW_PUBLIC_REGISTRATION", "true"),
    ]);
    settings.extend(more);
    let server = TestServer::seeded(&settings).await?;
    Ok((server, folder))
}

/// Says yes to whoever greets and knows the password; the port.
async fn service() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if stream.read_line(&mut line).await.is_ok() {
                let answer = if line == "hello ann right\n" { "yes\n" } else { "no\n" };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    Ok(port)
}

async fn a_credentials_driver_of_0_1_signs_people_in() -> anyhow::Result<()> {
    let url = format!("tcp://127.0.0.1:{}", service().await?);
    let (server, _folder) = serve("frozen-credentials", &[("AUTH_OLD_SERVER_URLS", &url)]).await?;
    let mut client = server.client();
    for before in 0..2 {
        let body = json!({"identifier": "ann", "password": "right"});
        let answer = client.send(&Request::new("POST", "/auth/login/old").json(&body)).await?;
        ensure!(answer.json()?["data"]["access_token"].is_string(), "{}\n{}", answer.text(), server.log());
        ensure!(accounts(&server, "old").await? == [("ann".to_owned(), "ann@frozen.example.com".to_owned())]);
        // What it kept the first time is there the second time.
        server.logged(&format!("before=\\\"{before}\\\"")).await?;
    }
    let body = json!({"identifier": "ann", "password": "wrong"});
    let answer = client.send(&Request::new("POST", "/auth/login/old").json(&body)).await?;
    ensure!(verdict(&answer) == (401, "INVALID_CREDENTIALS".to_owned()), "{}", answer.text());
    Ok(())
}

async fn a_redirect_driver_of_0_1_signs_people_in_and_out() -> anyhow::Result<()> {
    let provider = Upstream::start(|path| match path {
        "/who/ann" => Manner::Body("ann".to_owned()),
        _ => Manner::Body(String::new()),
    });
    let provider = provider.await?;
    let (server, _folder) = serve("frozen-redirect", &[("AUTH_OLD_PROVIDER_URL", &provider.url(""))]).await?;
    let url = format!("http://{}", server.address);
    for (code, signs_in) in [("nobody", false), ("ann", true)] {
        let mut browser = Traveller::default();
        let left = browser.get(&format!("{url}/auth/login/old?redirect=/users/me")).await?;
        ensure!(left.location().starts_with(&provider.url("/authorize?state=")), "{left:?}\n{}", server.log());
        let asked = form::parse(left.location().split_once('?').context("no query")?.1);
        let state = form::get(&asked, "state").context("no state")?;
        let back = format!("{url}/auth/login/old/callback?state={state}&code={code}");
        let landed = browser.get(&back).await?;
        ensure!(landed.location().contains("reason=") != signs_in, "{code}: {landed:?}\n{}", server.log());
        ensure!(is_signed_in(&mut browser, &url).await? == signs_in, "{code}: {}", server.log());
        let again = browser.get(&back).await?;
        ensure!(again.status == 401 || again.location().contains("reason="), "{again:?}");
    }
    let described = Traveller::default().get(&format!("{url}/auth/login/old/metadata")).await?;
    ensure!(described.text.starts_with("<frozen callback="), "{described:?}");
    Ok(())
}
