//! What a sandbox holds that has read a large answer: sign-ins whose answers are signed with a key that nobody knows yet wait
//! in it, with all that reading took, until the provider's metadata comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::browser::Browser;
use e2e::provider::now;
use e2e::saml::{form, key};
use gatewit_saml_protocol::corpus::{self, Place, Stage};

use crate::process::Served as _;
use crate::seeded::{CHEAP, Seeded, folder, megabytes};
use crate::table::Table;

/// Providers, each with its own cache, at which one sign-in waits.
const PROVIDERS: usize = 20;
/// The size of an answer, in bytes.
const SIZE: usize = 20_000;
/// How long they wait when the memory is looked at.
const SETTLED: Duration = Duration::from_secs(2);
/// What one sandbox may hold.
const SANDBOX_BYTES: u64 = 16 << 20;

/// Gives metadata out until it is told to keep everybody waiting.
async fn metadata(State((silent, text)): State<(Arc<AtomicBool>, Arc<str>)>) -> String {
    if silent.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    text.to_string()
}

fn document() -> anyhow::Result<String> {
    let certificate = std::fs::read_to_string(key("idp.crt"))?;
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("--")).collect();
    Ok(format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"https://idp.example.com/metadata\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor><ds:KeyInfo \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example.com/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    ))
}

pub(super) fn measure(runtime: &tokio::runtime::Runtime, table: &mut Table) -> anyhow::Result<()> {
    let silent = Arc::new(AtomicBool::new(false));
    let text: Arc<str> = document()?.into();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = format!("http://{}/metadata", listener.local_addr()?);
    let router = Router::new().fallback(metadata).with_state((Arc::clone(&silent), text));
    let serving = runtime.spawn(async move { axum::serve(listener, router).await });
    let cache = folder()?;
    let cache_path = cache.path().display().to_string();
    let names: Vec<String> = (0..PROVIDERS).map(|number| format!("corp{number}")).collect();
    let of_each: Vec<(String, &str)> = names
        .iter()
        .flat_map(|name| {
            let setting = |setting: &str| format!("AUTH_{}_{setting}", name.to_uppercase());
            [
                (setting("DRIVER"), "saml"),
                (setting("IDP_METADATA"), address.as_str()),
                (setting("SP_REQUEST_BINDING"), "post"),
            ]
        })
        .collect();
    let all = names.join(",");
    let mut env = CHEAP.to_vec();
    env.extend([
        ("PUBLIC_URL", "https://sp.example.com"),
        ("AUTH_PROVIDERS", all.as_str()),
        ("GATEWIT_CODE_CACHE", cache_path.as_str()),
    ]);
    env.extend(of_each.iter().map(|(name, value)| (name.as_str(), *value)));
    // The first start compiles the components, and keeps the memory that this took.
    drop(Seeded::start(&env)?);
    let seeded = Seeded::start(&env)?;
    let (_, place) =
        corpus::all().into_iter().find(|(name, _)| *name == "key-substitution").context("no such attack")?;
    let waiting = runtime.block_on(leave(&seeded, &names, place))?;
    silent.store(true, Ordering::SeqCst);
    let idle = seeded.server.proportional()?;
    let busy = runtime.block_on(wait(&seeded, waiting))?;
    serving.abort();
    let each = busy.saturating_sub(idle) / u64::try_from(PROVIDERS)?;
    table.add(
        "SAML: memory of one sign-in that has read its answer and waits (proportional set, its two sandboxes)",
        megabytes(each),
        Some(("< 16 MB", each < SANDBOX_BYTES)),
        format!("{PROVIDERS} of them, with an answer of {SIZE} bytes"),
    );
    Ok(())
}

/// Browsers on their way, each with an answer that a stranger signed.
async fn leave(seeded: &Seeded, names: &[String], place: Place) -> anyhow::Result<Vec<(Browser, String, String)>> {
    let mut away = Vec::new();
    for name in names {
        let mut browser = Browser::at(seeded.server.address());
        let page = browser.get(&format!("/auth/login/{name}?redirect=%2Fafter")).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text());
        let request = String::from_utf8(BASE64.decode(form(&page.text())?.get("SAMLRequest").context("no request")?)?)?;
        let id = request.split_once(" ID=\"").and_then(|(_, rest)| rest.split_once('"')).context("no ID")?.0;
        let stage = Stage { request: id.to_owned(), now: now(), assertion: format!("_{name}") };
        let message = corpus::make(place, &stage).context("no such message")?.xml;
        let destination = |name: &str| format!("Destination=\"https://sp.example.com/auth/login/{name}/acs\"");
        let message = message.replace(&destination("corp"), &destination(name));
        let filling = "<x/>".repeat((SIZE - message.len().min(SIZE)) / 4);
        let filling = format!("<samlp:Extensions>{filling}</samlp:Extensions><samlp:Status>");
        away.push((browser, name.clone(), BASE64.encode(message.replace("<samlp:Status>", &filling))));
    }
    Ok(away)
}

/// The memory while sign-ins wait.
async fn wait(seeded: &Seeded, away: Vec<(Browser, String, String)>) -> anyhow::Result<u64> {
    let one = |(mut browser, name, message): (Browser, String, String)| {
        tokio::spawn(async move {
            let pairs = [("SAMLResponse", message.as_str()), ("RelayState", "/after")];
            browser.post(&format!("/auth/login/{name}/acs"), &pairs).await
        })
    };
    let tasks: Vec<_> = away.into_iter().map(one).collect();
    tokio::time::sleep(SETTLED).await;
    let memory = seeded.server.proportional()?;
    ensure!(tasks.iter().all(|task| !task.is_finished()), "somebody does not wait");
    for task in tasks {
        task.abort();
    }
    Ok(memory)
}
