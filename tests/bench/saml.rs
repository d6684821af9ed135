//! Sign-in at a SAML provider: what a large answer costs, signed, encrypted and signed again; what the same code takes
//! without a sandbox; and what a sandbox holds that has read such an answer.

mod memory;
mod native;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::needs::Skip;
use e2e::oidc::free_port;
use e2e::provider::form::encode;
use e2e::saml::{Form, Provider, form, key};
use e2e::traveller::Traveller;
use serde_json::json;

use crate::Pace;
use crate::process::Served as _;
use crate::seeded::{CHEAP, Seeded, folder};
use crate::table::Table;

/// Sign-ins before those that count: metadata is in the cache then.
const WARM: usize = 5;
/// Sign-ins that count.
const SIGN_INS: usize = 100;
/// Groups of the person, so many that the answer has the size below.
const GROUPS: u32 = 45;
/// What the answer has at least, in bytes.
const SIZE: usize = 20_000;

pub(crate) fn measure(_: Pace, table: &mut Table) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let port = free_port()?.to_string();
    let url = format!("http://127.0.0.1:{port}");
    let options = json!({"encrypt": true, "sign_response": true, "groups": GROUPS});
    let provider = match runtime.block_on(Provider::start(&format!("{url}/auth/login/corp"), &options)) {
        Err(missing) if missing.is::<Skip>() => {
            table.add("SAML", format!("absent: {missing}"), None, "");
            return Ok(());
        }
        provider => provider?,
    };
    let metadata = format!("{}/metadata", provider.base);
    let read = |name: &str| std::fs::read_to_string(key(name)).map(|text| format!("string:{text}"));
    let (private_key, certificate) = (read("sp.key.pem")?, read("sp.crt")?);
    let cache = folder()?;
    let cache_path = cache.path().display().to_string();
    let mut env = CHEAP.to_vec();
    env.extend([
        ("PORT", port.as_str()),
        ("PUBLIC_URL", url.as_str()),
        ("AUTH_PROVIDERS", "corp"),
        ("AUTH_CORP_DRIVER", "saml"),
        ("AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "true"),
        ("AUTH_CORP_IDP_metadata", metadata.as_str()),
        ("AUTH_CORP_IDP_IS_ASSERTION_ENCRYPTED", "true"),
        ("AUTH_CORP_SP_ENC_PRIVATE_KEY", private_key.as_str()),
        ("AUTH_CORP_SP_ENCRYPT_CERT", certificate.as_str()),
        ("GATEWIT_CODE_CACHE", cache_path.as_str()),
    ]);
    // The first start compiles the components.
    drop(Seeded::start(&env)?);
    let seeded = Seeded::start(&env)?;
    let warm = runtime.block_on(leave(&url, WARM))?;
    runtime.block_on(arrive(warm))?;
    let away = runtime.block_on(leave(&url, SIGN_INS))?;
    let size = size(&away)?;
    let sample = away.first().and_then(|(_, form)| form.get("SAMLResponse")).context("no answer")?.to_owned();
    ensure!(size >= SIZE, "the answer has {size} bytes only");
    let before = seeded.server.processor_time()?;
    runtime.block_on(arrive(away))?;
    let used = seeded.server.processor_time()?.saturating_sub(before) / u32::try_from(SIGN_INS)?;
    let native = native::read(&provider.base, &url, &sample)?;
    table.add(
        "SAML: processor time of an answer, signed, encrypted and signed again, until there is a session",
        format!("{:.2} ms", used.as_secs_f64() * 1e3),
        Some(("< 10 ms", used < Duration::from_millis(10))),
        format!(
            "an answer of {size} bytes, with accounts and session; read by the same code without a sandbox: {native}"
        ),
    );
    drop(seeded);
    memory::measure(&runtime, table)
}

/// Browsers that hold the provider's answer.
async fn leave(url: &str, count: usize) -> anyhow::Result<Vec<(Traveller, Form)>> {
    let mut away = Vec::new();
    for _ in 0..count {
        let mut browser = Traveller::default();
        let left = browser.get(&format!("{url}/auth/login/corp?redirect=%2Fafter")).await?;
        ensure!(left.status == 302, "{} {}", left.status, left.text);
        let page = browser.get(left.location()).await?;
        ensure!(page.status == 200, "the provider says {} {}", page.status, page.text);
        away.push((browser, form(&page.text)?));
    }
    Ok(away)
}

/// The sign-ins end.
async fn arrive(away: Vec<(Traveller, Form)>) -> anyhow::Result<()> {
    for (mut browser, form) in away {
        let fields: Vec<_> =
            form.fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let page = browser.post(&form.action, &fields.join("&")).await?;
        ensure!(page.status == 302 && page.location() == "/after", "{} {:?}", page.status, page.location());
    }
    Ok(())
}

/// The bytes of an answer.
fn size(away: &[(Traveller, Form)]) -> anyhow::Result<usize> {
    let (_, form) = away.first().context("nobody is away")?;
    Ok(BASE64.decode(form.get("SAMLResponse").context("no answer")?)?.len())
}
