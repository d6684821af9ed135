//! Drivers in other languages: the examples of `examples/drivers`, built from their sources, and people who sign in with them
//! at the real server, with the budgets that every component has.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::calls::{quick, verdict};
use e2e::client::Request;
use e2e::examples;
use e2e::guests::Folder;
use e2e::oidc::{CLIENT, Options, Provider, free_port};
use e2e::provider::form;
use e2e::server::{self, TestServer};
use e2e::traveller::{Page, Traveller, resolve};
use ring::hmac;
use serde_json::json;
use sqlx::Row as _;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::conformance::test_driver;

e2e::suite! {
    a_driver_in_python_signs_people_in,
    a_driver_in_javascript_signs_people_in,
    a_driver_in_rust_signs_people_in,
    the_guide_shows_the_tested_code,
    examples_are_short,
}

/// A folder with this driver, which is compiled before a server that has a minute to start needs it. It keeps the contract.
async fn folder(name: &str, file: &std::path::Path, settings: &[&str]) -> anyhow::Result<Folder> {
    let (report, passed) = test_driver(file, settings).await?;
    ensure!(passed, "{report}");
    Folder::empty()?.with_bytes(name, &std::fs::read(file)?)
}

async fn serve(folder: &Folder, more: &[(&str, &str)]) -> anyhow::Result<TestServer> {
    let mut settings = quick(&[("GATEWIT_COMPONENTS", folder.path()?), ("GATEWIT_REQUIRE_SIGNED", "false")]);
    settings.extend(more);
    TestServer::seeded(&settings).await
}

/// A service that knows one person, by HTTP Basic. The port.
async fn basic(credentials: &str) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let known = format!("authorization: Basic {}\r\n", BASE64_STANDARD.encode(credentials));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let status = match head.contains(&known) {
                _ if head.starts_with("GET /broken ") => "500 Internal Server Error",
                true => "200 OK",
                false => "401 Unauthorized",
            };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok(port)
}

async fn a_driver_in_python_signs_people_in() -> anyhow::Result<()> {
    let folder = folder("basic", &examples::python()?, &[]).await?;
    let port = basic("alice:wonder land").await?;
    let (url, broken) = (format!("http://127.0.0.1:{port}/"), format!("http://127.0.0.1:{port}/broken"));
    let settings = [
        ("AUTH_PROVIDERS", "files,broken"),
        ("AUTH_FILES_DRIVER", "basic"),
        ("AUTH_FILES_URL", url.as_str()),
        ("AUTH_FILES_ALLOW_PUBLIC_REGISTRATION", "true"),
        ("AUTH_BROKEN_DRIVER", "basic"),
        ("AUTH_BROKEN_URL", broken.as_str()),
    ];
    let server = serve(&folder, &settings).await?;
    let mut client = server.client();
    for (provider, password, expected) in [
        ("files", "wonder land", (200, String::new())),
        ("files", "wonder land", (200, String::new())),
        ("files", "wonderland", (401, "INVALID_CREDENTIALS".to_owned())),
        ("broken", "wonder land", (503, "SERVICE_UNAVAILABLE".to_owned())),
    ] {
        let body = json!({"identifier": "alice", "password": password});
        let answer = client.send(&Request::new("POST", &format!("/auth/login/{provider}")).json(&body)).await?;
        if expected.0 == 200 {
            ensure!(answer.json()?["data"]["access_token"].is_string(), "{}", answer.text());
        } else {
            ensure!(verdict(&answer) == expected, "{:?}", verdict(&answer));
        }
    }
    Ok(())
}

async fn a_driver_in_javascript_signs_people_in() -> anyhow::Result<()> {
    let secret = format!("client-secret={}", CLIENT.1);
    let folder = folder("profile", &examples::javascript()?, &[&secret]).await?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let provider = Provider::start(&url, &["op"], Options::default()).await?;
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let (authorize, token, profile, port) = (at("/auth"), at("/token"), at("/profile"), port.to_string());
    let settings = [
        ("PORT", port.as_str()),
        ("PUBLIC_URL", url.as_str()),
        ("AUTH_PROVIDERS", "op"),
        ("AUTH_OP_DRIVER", "profile"),
        ("AUTH_OP_CLIENT_ID", CLIENT.0),
        ("AUTH_OP_CLIENT_SECRET", CLIENT.1),
        ("AUTH_OP_AUTHORIZE_URL", authorize.as_str()),
        ("AUTH_OP_TOKEN_URL", token.as_str()),
        ("AUTH_OP_PROFILE_URL", profile.as_str()),
        ("AUTH_OP_ALLOW_PUBLIC_REGISTRATION", "true"),
    ];
    let server = serve(&folder, &settings).await?;
    // The second time the account is there already.
    for _ in 0..2 {
        let mut browser = Traveller::default();
        let back = leave(&mut browser, &url, "login=alice").await?;
        let landed = browser.get(&back).await?;
        ensure!(landed.status == 302 && !landed.location().contains("reason="), "{landed:?}");
        ensure!(is_signed_in(&mut browser, &url).await?, "{landed:?}");
        ensure!(accounts(&server, "op").await? == [("alice".to_owned(), "alice@idp.example.com".to_owned())]);
        // The same answer again, by the same browser and by another one.
        for mut other in [browser.clone(), Traveller::default()] {
            let replayed = other.get(&back).await?;
            ensure!(replayed.status == 401 || replayed.location().contains("reason="), "{replayed:?}");
        }
    }
    let mut browser = Traveller::default();
    let back = leave(&mut browser, &url, "deny=1").await?;
    let landed = browser.get(&back).await?;
    ensure!(landed.location().contains("reason=INVALID_CREDENTIALS"), "{landed:?}");
    Ok(())
}

/// Goes to the provider and does so there; the address that it sends the browser back to.
async fn leave(browser: &mut Traveller, url: &str, how: &str) -> anyhow::Result<String> {
    let left = browser.get(&format!("{url}/auth/login/op?redirect=/users/me")).await?;
    ensure!(left.status == 302, "{left:?}");
    let ours = |to: &str| to.starts_with(url);
    let asked = browser.follow(left.location(), ours).await?;
    ensure!(asked.text == "who?", "{asked:?}");
    let page: Page = browser.follow(&format!("{}?{how}", asked.url), ours).await?;
    resolve(&page.url, page.location())
}

/// Whether the server knows who this browser is.
pub(crate) async fn is_signed_in(browser: &mut Traveller, url: &str) -> anyhow::Result<bool> {
    Ok(browser.get(&format!("{url}/users/me")).await?.json()?["data"]["id"].is_string())
}

/// The accounts of a provider: identifier and address.
pub(crate) async fn accounts(server: &TestServer, provider: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut database = server::open(&server.database()?).await?;
    let text = "SELECT external_identifier, email FROM directus_users WHERE provider = $1 ORDER BY email";
    let rows = sqlx::query(text).bind(provider).fetch_all(&mut database).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What the portal and we know.
const PORTAL_SECRET: &str = "a secret of the portal, 32 letters or more";

async fn a_driver_in_rust_signs_people_in() -> anyhow::Result<()> {
    let secret = format!("portal-secret={PORTAL_SECRET}");
    let folder = folder("portal", &examples::rust()?, &[&secret]).await?;
    let settings = [
        ("AUTH_PROVIDERS", "intranet"),
        ("AUTH_INTRANET_DRIVER", "portal"),
        ("AUTH_INTRANET_PORTAL_URL", "https://portal.example.com/sign?for=us"),
        ("AUTH_INTRANET_PORTAL_SECRET", PORTAL_SECRET),
        ("AUTH_INTRANET_ALLOW_PUBLIC_REGISTRATION", "true"),
    ];
    let server = serve(&folder, &settings).await?;
    let url = format!("http://{}", server.address);
    let ann = [("ann".to_owned(), "ann@example.com".to_owned())];
    let later = OffsetDateTime::now_utc().unix_timestamp() + 60;
    for (change, signs_in) in [
        ((PORTAL_SECRET, "ann", later), true),
        (("another secret of 32 letters or more", "ann", later), false),
        ((PORTAL_SECRET, "ann", later - 120), false),
        ((PORTAL_SECRET, "ann\nann", later), false),
    ] {
        let (secret, user, expires) = change;
        let mut browser = Traveller::default();
        let left = browser.get(&format!("{url}/auth/login/intranet?redirect=/users/me")).await?;
        let asked = form::parse(left.location().split_once('?').context("no query")?.1);
        let get = |name: &str| form::get(&asked, name).with_context(|| left.location().to_owned());
        let (state, callback) = (get("state")?, get("callback")?);
        let message = format!("{state}\n{user}\nann@example.com\n{expires}");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());
        let signature = e2e::operator::hex(signature.as_ref());
        let user = user.replace('\n', "%0A");
        let query =
            format!("user={user}&email=ann%40example.com&expires={expires}&state={state}&signature={signature}");
        let path = callback.find("/auth/").and_then(|at| callback.get(at..)).context("no callback")?;
        let landed = browser.get(&format!("{url}{path}?{query}")).await?;
        ensure!(landed.status == 302, "{landed:?}");
        // What is no longer good may be so the next time: the browser begins again.
        let is_refused = ["reason=", "prompt=true"].iter().any(|word| landed.location().contains(word));
        ensure!(is_refused != signs_in, "{change:?}: {landed:?}");
        ensure!(is_signed_in(&mut browser, &url).await? == signs_in, "{change:?}");
        ensure!(accounts(&server, "intranet").await? == ann, "{change:?}");
    }
    Ok(())
}

/// The blocks of a guide: the language and the text of each.
fn blocks(guide: &str) -> Vec<(&str, &str)> {
    let parts = guide.split("\n```").skip(1).step_by(2);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

async fn the_guide_shows_the_tested_code() -> anyhow::Result<()> {
    let guide = std::fs::read_to_string(examples::root().join("docs/writing-a-driver.md"))?;
    let blocks = blocks(&guide);
    for (language, file) in
        [("js", "javascript/driver.js"), ("python", "python/driver.py"), ("rust", "rust/src/lib.rs")]
    {
        let source = examples::source(file)?;
        let shown: Vec<_> = blocks.iter().filter(|(of, _)| *of == language).map(|(_, text)| *text).collect();
        ensure!(!shown.is_empty(), "the guide shows nothing of {file}");
        for text in shown {
            ensure!(source.contains(text.trim_end()), "{file} does not have what the guide shows:\n{text}");
        }
        let whole: usize = blocks.iter().filter(|(of, _)| *of == language).map(|(_, text)| text.lines().count()).sum();
        ensure!(whole * 10 >= source.lines().count() * 9, "the guide leaves out more than a tenth of {file}");
    }
    // The commands by which they are built are those of the READMEs.
    for language in ["javascript", "python", "rust"] {
        let readme = examples::source(&format!("{language}/README.md"))?;
        let command =
            self::blocks(&readme).first().map(|(_, text)| text.trim()).context("a README without a command")?;
        ensure!(guide.contains(command), "the guide does not say how {language} is built:\n{command}");
    }
    Ok(())
}

async fn examples_are_short() -> anyhow::Result<()> {
    for file in ["javascript/driver.js", "python/driver.py"] {
        let lines = examples::source(file)?.lines().count();
        ensure!(lines < 100, "{file} has {lines} lines");
    }
    Ok(())
}
