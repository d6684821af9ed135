//! The recorded sign-ins at a SAML provider, played again with a real one: `tests/fixtures/single_sign_on/saml.json`.
//!
//! Where an answer is another one on purpose, the file says which it was and why. Each flow counts as a test of its own.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::fixture;
use e2e::needs::Skip;
use e2e::provider::form::encode;
use e2e::runner::{Part, Test};
use e2e::saml::Form;
use e2e::traveller::{Page, Traveller};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::saml::site::{Site, post};

/// Each flow is a part.
pub(crate) fn tests() -> Vec<Test> {
    vec![Test::in_parts("saml_recorded::what_was_recorded_with_a_directus_is_answered_again", every_flow)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "left_out")]
    _left_out: Vec<String>,
    env: BTreeMap<String, String>,
    flows: Vec<Flow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    name: String,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    steps: Vec<Step>,
}

/// One of the first six fields says what is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    leave: Option<String>,
    arrive: Option<Arrive>,
    get: Option<String>,
    post: Option<String>,
    keep: Option<bool>,
    kept: Option<String>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    #[serde(default)]
    expect: Expect,
    #[serde(rename = "adapted")]
    _adapted: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrive {
    #[serde(default)]
    tamper: bool,
    relay: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    status: u16,
    location: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    cookies: Vec<String>,
    text: Option<String>,
    json: Option<Value>,
}

/// A flow that is being played.
struct Play {
    site: Site,
    browser: Traveller,
    kept: Traveller,
    held: Option<Form>,
}

async fn every_flow() -> anyhow::Result<Vec<Part>> {
    let text = std::fs::read_to_string(fixture::folder().join("single_sign_on/saml.json"))?;
    let recorded: Recorded = serde_json::from_str(&text)?;
    let mut parts = Vec::new();
    for flow in &recorded.flows {
        let failure = match play(&recorded.env, flow).await {
            Err(error) if error.is::<Skip>() => return Err(error),
            played => played.err().map(|error| format!("{error:#}")),
        };
        parts.push(Part { name: flow.name.clone(), failure });
    }
    ensure!(parts.len() == 18, "{} flows", parts.len());
    Ok(parts)
}

async fn play(env: &BTreeMap<String, String>, flow: &Flow) -> anyhow::Result<()> {
    let mut play = Play::open(env, flow).await?;
    for (number, step) in flow.steps.iter().enumerate() {
        play.step(step).await.with_context(|| format!("step {number}"))?;
    }
    Ok(())
}

impl Play {
    async fn open(env: &BTreeMap<String, String>, flow: &Flow) -> anyhow::Result<Self> {
        let public = format!("http://127.0.0.1:{}", e2e::oidc::free_port()?);
        let all: Vec<(&str, String)> = env
            .iter()
            .chain(&flow.env)
            .map(|(name, value)| (name.as_str(), value.replace("{{public}}", &public)))
            .collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let site = Site::open_at(&public, json!({"audience": format!("{public}/sp")}), &all).await?;
        site.run("UPDATE directus_users SET email = 'clash@idp.example.com' WHERE email = 'user@example.com'").await?;
        let mut browser = Traveller::default();
        browser.put("127.0.0.1", "person", flow.person.as_deref().unwrap_or_default());
        Ok(Self { site, browser, kept: Traveller::default(), held: None })
    }

    fn filled(&self, text: &str) -> String {
        let public = text.replace("{{public}}", &self.site.url).replace("{{public-encoded}}", &encode(&self.site.url));
        public.replace("{{provider}}", &self.site.provider.base)
    }

    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let at = |play: &Self, path: &str| format!("{}{}", play.site.url, play.filled(path));
        let page = match step {
            Step { leave: Some(query), .. } => {
                let page = self.browser.get(&at(self, &format!("/auth/login/corp{query}"))).await?;
                let there = self.browser.get(page.location()).await?;
                self.held = Some(e2e::saml::form(&there.text)?);
                page
            }
            Step { arrive: Some(how), .. } => {
                let form = self.changed(how)?;
                post(&mut self.browser, &form).await?
            }
            Step { get: Some(path), .. } => self.browser.get(&at(self, path)).await?,
            Step { kept: Some(path), .. } => self.kept.get(&at(self, path)).await?,
            Step { post: Some(path), .. } => {
                let fields = step.form.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                let form = Form { action: at(self, path), fields };
                post(&mut self.browser, &form).await?
            }
            Step { keep: Some(true), .. } => {
                self.kept = self.browser.clone();
                return Ok(());
            }
            _ => bail!("a step that does nothing"),
        };
        self.compare(&step.expect, &page)
    }

    /// The form that the browser holds, changed as somebody in between might.
    fn changed(&self, how: &Arrive) -> anyhow::Result<Form> {
        let mut form = self.held.clone().context("the browser holds no form")?;
        if let Some(relay) = &how.relay {
            form.fields.retain(|(name, _)| name != "RelayState");
            form.fields.push(("RelayState".to_owned(), relay.clone()));
        }
        if how.tamper {
            let field = form.fields.iter_mut().find(|(name, _)| name == "SAMLResponse").context("no response")?;
            let xml = String::from_utf8(BASE64.decode(&field.1)?)?;
            ensure!(xml.contains("alice@idp"), "{xml}");
            field.1 = BASE64.encode(xml.replace("alice@idp", "admin@idp"));
        }
        Ok(form)
    }

    fn compare(&self, expect: &Expect, page: &Page) -> anyhow::Result<()> {
        ensure!(page.status == expect.status, "{}, expected {}: {}", page.status, expect.status, page.text);
        let told = |what: &str, expected: Option<&str>, found: &str| {
            let Some(expected) = expected.map(|text| self.filled(text)) else { return Ok(()) };
            ensure!(fits(&expected, found), "{what}: {found}\nexpected: {expected}");
            anyhow::Ok(())
        };
        told("location", expect.location.as_deref(), page.location())?;
        told("type", expect.kind.as_deref(), page.header("content-type").unwrap_or_default())?;
        told("text", expect.text.as_deref(), &page.text)?;
        for cookie in &expect.cookies {
            let set = page.headers.iter().filter(|(name, _)| name == "set-cookie");
            let found: Vec<&str> = set.map(|(_, value)| value.as_str()).collect();
            ensure!(found.iter().any(|found| fits(cookie, found)), "cookies: {found:?}\nexpected: {cookie}");
        }
        if let Some(expected) = &expect.json {
            let found = page.json()?;
            ensure!(same(expected, &found), "json: {found}\nexpected: {expected}");
        }
        Ok(())
    }
}

/// Whether a text is as expected, with `{{any}}` and `{{token}}` for what is not known before.
fn fits(expected: &str, found: &str) -> bool {
    let Some(start) = expected.find("{{") else { return expected == found };
    let Some((name, rest)) = expected[start + 2..].split_once("}}") else { return false };
    let Some(found) = found.strip_prefix(&expected[..start]) else { return false };
    (1..=found.len()).filter(|end| found.is_char_boundary(*end)).any(|end| {
        let is_one =
            name == "any" || (name == "token" && found[..end].split('.').filter(|part| part.len() > 20).count() == 3);
        is_one && fits(rest, &found[end..])
    })
}

/// The same for JSON, whose members come in this order.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(expected), Value::String(found)) => fits(expected, found),
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| same(expected, found))
        }
        (Value::Object(expected), Value::Object(found)) => {
            expected.len() == found.len()
                && expected
                    .iter()
                    .zip(found)
                    .all(|((name, expected), (other, found))| name == other && same(expected, found))
        }
        _ => expected == found,
    }
}
