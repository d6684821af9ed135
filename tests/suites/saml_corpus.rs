//! The corpus of SAML messages, sent to a server: its component, its keys, its database and its clock.
//!
//! Each message is made for the request that the server has just sent and for the second in which it is, and counts as a test
//! of its own. An attack has to leave the browser without a session and say its own reason in the trace, where an operator
//! looks; a variant has to sign its person in. What is the same in memory is tested beside the reader.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::browser::Browser;
use e2e::calls::{ADMIN, Caller, quick};
use e2e::provider::now;
use e2e::runner::{Part, Test};
use e2e::saml::{form, key};
use e2e::server::TestServer;
use gatewit_saml_protocol::corpus::{self, Fate, Message, Place, Stage};
use serde_json::Value;

/// The cookie of a session.
const SESSION: &str = "directus_session_token";

/// How often a message is made again because its second was over when it arrived.
const TRIES: usize = 50;

/// How long a trace may take to be written.
const PATIENCE: Duration = Duration::from_secs(20);

/// Attacks that do not get as far as the driver: the answer is not one to the request of this browser …
const FOREIGN: [&str; 3] = ["not-a-response", "other-request", "unsolicited"];

/// … and that is what the trace says of it.
const IS_FOREIGN: &str = "the state is not the one of this browser's sign-in";

/// Each message is a part.
pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::in_parts("saml_corpus::every_message_meets_its_fate_at_a_server", every_message),
        Test::new("saml_corpus::clocks_may_be_apart_as_far_as_configured", skew),
    ]
}

struct Site {
    server: TestServer,
    admin: Caller,
    /// The number of the last trace.
    seen: i64,
    /// Messages so far.
    made: u32,
}

/// The provider's metadata, which is all that the server knows of it.
fn metadata() -> anyhow::Result<String> {
    let certificates = ["idp.crt", "idp-ec.crt", "idp-p384.crt"].map(|name| {
        let text = std::fs::read_to_string(key(name))?;
        let body: String = text.lines().filter(|line| !line.starts_with("--")).collect();
        anyhow::Ok(format!(
            "<md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>\
             {body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        ))
    });
    let keys = certificates.into_iter().collect::<anyhow::Result<String>>()?;
    let endpoint = |kind: &str, path: &str| {
        format!(
            "<md:{kind} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example.com{path}\"/>"
        )
    };
    Ok(format!(
        "string:<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"https://idp.example.com/metadata\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}{}{}</md:IDPSSODescriptor></md:EntityDescriptor>",
        endpoint("SingleLogoutService", "/slo"),
        endpoint("SingleSignOnService", "/sso")
    ))
}

impl Site {
    async fn open(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (metadata, private_key) = (metadata()?, format!("string:{}", std::fs::read_to_string(key("sp.key.pem"))?));
        let ours = [
            ("PUBLIC_URL", "https://sp.example.com"),
            ("LOG_LEVEL", "debug"),
            ("AUTH_PROVIDERS", "corp"),
            ("AUTH_CORP_DRIVER", "saml"),
            ("AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "true"),
            ("AUTH_CORP_IDP_metadata", metadata.as_str()),
            ("AUTH_CORP_SP_ENC_PRIVATE_KEY", private_key.as_str()),
            ("AUTH_CORP_SP_REQUEST_BINDING", "post"),
        ];
        let settings = quick(&[&ours, more].concat());
        let server = TestServer::seeded(&settings).await?;
        let admin = Caller::new(&server, ADMIN).await?;
        Ok(Self { server, admin, seen: 0, made: 0 })
    }

    /// A browser that is on its way to the provider, and the ID of the request. Asked for once more (`prompt`), so that an
    /// answer that is too old ends the sign-in and does not begin another one.
    async fn leave(&self) -> anyhow::Result<(Browser, String)> {
        let mut browser = Browser::new(&self.server);
        let page = browser.get("/auth/login/corp?redirect=%2Fafter&prompt=true").await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text());
        let form = form(&page.text())?;
        ensure!(form.action == "https://idp.example.com/sso", "{}", form.action);
        let request = String::from_utf8(BASE64.decode(form.get("SAMLRequest").context("no request")?)?)?;
        let id = request.split_once(" ID=\"").and_then(|(_, rest)| rest.split_once('"')).context("no ID")?.0.to_owned();
        Ok((browser, id))
    }

    /// The steps of the trace that was written since the last one.
    async fn trace(&mut self) -> anyhow::Result<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let listed = self.admin.get("/gatewit/traces?limit=1").await?;
            let (number, request) = (listed[0]["number"].as_i64().unwrap_or_default(), listed[0]["request"].as_str());
            if let (true, Some(request)) = (number > self.seen, request) {
                self.seen = number;
                let told = self.admin.get(&format!("/gatewit/traces/{request}")).await?;
                ensure!(told["provider"] == "corp", "{told}");
                let steps = told["steps"].as_array().context("no steps")?;
                return Ok(steps.iter().filter_map(|step| step["text"].as_str()).map(ToOwned::to_owned).collect());
            }
            ensure!(Instant::now() < deadline, "no trace is written");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Sends a message of the corpus, within the second that it is made for.
    async fn send(&mut self, place: Place) -> anyhow::Result<(Browser, Message, e2e::client::Response)> {
        for _ in 0..TRIES {
            let (mut browser, request) = self.leave().await?;
            // Short, because long texts without a meaning are redacted.
            self.made += 1;
            let stage = Stage { assertion: format!("_m{}", self.made), request, now: now() };
            let message = corpus::make(place, &stage).context("no such message")?;
            let form = BASE64.encode(&message.xml);
            let answer = match &message.fate {
                Fate::LogoutRefused(_) => {
                    browser.post("/auth/login/corp/logout", &[("SAMLRequest", form.as_str())]).await?
                }
                Fate::Accepted | Fate::Refused(_) => {
                    let pairs = [("SAMLResponse", form.as_str()), ("RelayState", "/after")];
                    browser.post("/auth/login/corp/acs", &pairs).await?
                }
            };
            if now() == stage.now {
                return Ok((browser, message, answer));
            }
            // What was refused leaves a trace, which is not that of the next one.
            if matches!(message.fate, Fate::Refused(_))
                && answer.header("location").is_some_and(|to| to.contains("reason="))
            {
                self.trace().await?;
            }
        }
        bail!("it takes more than a second each time")
    }

    /// Whether a message meets its fate.
    async fn judge(&mut self, place: Place) -> anyhow::Result<()> {
        let (mut browser, message, answer) = self.send(place).await?;
        let place = answer.header("location").unwrap_or_default().to_owned();
        match message.fate {
            Fate::Accepted => {
                ensure!(
                    answer.status == 302 && place == "/after",
                    "{} {place}: {:?}",
                    answer.status,
                    self.trace().await
                );
                ensure!(browser.cookie(SESSION).is_some(), "no session");
                let me: Value = browser.get("/users/me?fields=id").await?.json()?;
                ensure!(me["data"]["id"].is_string(), "{me}");
            }
            Fate::Refused(why) => {
                ensure!(browser.cookie(SESSION).is_none(), "there is a session");
                ensure!(answer.status == 302 && place.contains("reason="), "{} {place}", answer.status);
                let steps = self.trace().await?;
                let why = if FOREIGN.contains(&message.name) { IS_FOREIGN } else { why.as_str() };
                ensure!(steps.iter().any(|step| step.contains(why)), "the trace does not say `{why}`: {steps:#?}");
            }
            Fate::LogoutRefused(why) => {
                ensure!(answer.status >= 400, "{} {place}", answer.status);
                self.server.logged(&why).await?;
            }
        }
        Ok(())
    }
}

async fn every_message() -> anyhow::Result<Vec<Part>> {
    let mut site = Site::open(&[]).await?;
    let mut parts = Vec::new();
    let mut kinds = BTreeMap::<&str, usize>::new();
    for (name, place) in corpus::all() {
        let failure = site.judge(place).await.err().map(|error| format!("{error:#}"));
        parts.push(Part { name: name.to_owned(), failure });
        *kinds.entry(name.split('-').next().unwrap_or_default()).or_default() += 1;
    }
    ensure!(kinds.get("xsw8") == Some(&1) && parts.len() > 130, "the corpus is not whole: {kinds:?}");
    Ok(parts)
}

/// A provider whose clock is fifty seconds ahead.
async fn skew() -> anyhow::Result<()> {
    let (_, place) =
        corpus::all().into_iter().find(|(name, _)| *name == "signed-assertion").context("no such variant")?;
    // The default is a minute, and nothing beyond five counts.
    for (configured, ahead, is_good) in
        [("60", 50, true), ("10", 50, false), ("0", 50, false), ("900", 280, true), ("900", 330, false)]
    {
        let mut site = Site::open(&[("AUTH_CORP_CLOCK_SKEW", configured)]).await?;
        let (mut browser, request) = site.leave().await?;
        let stage = Stage { request, now: now() + ahead, assertion: format!("_{configured}-{ahead}") };
        let message = corpus::make(place, &stage).context("no such message")?;
        let form = BASE64.encode(&message.xml);
        browser.post("/auth/login/corp/acs", &[("SAMLResponse", form.as_str()), ("RelayState", "/after")]).await?;
        ensure!(browser.cookie(SESSION).is_some() == is_good, "{configured} {ahead}");
        if !is_good {
            let steps = site.trace().await?;
            ensure!(steps.iter().any(|step| step.contains("is yet to come")), "{steps:#?}");
        }
    }
    Ok(())
}
