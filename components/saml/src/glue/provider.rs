//! The provider of this call: its metadata, kept in the cache, and the settings.

use super::gatewit::{
    cache::cache,
    config::settings::{self as config, Value},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use gatewit_fetch::{
    Request, send,
    surroundings::{flag, now, step, text, warn},
};
use gatewit_oauth::cached::{self, FAILURE_SECONDS, KEEP_SECONDS, REFETCH_SECONDS, Step};
use gatewit_saml_protocol::{
    Refusal,
    assertion::MOST_SKEW,
    metadata::{self, Provider},
    ourselves::{Certificates, Ourselves},
    person, settings,
    xml::MOST_BYTES_OF_METADATA,
};

/// The key in the cache of when metadata was asked for because a key was missing.
const REFETCHED: &str = "refetched";

/// A provider.
pub(super) struct Found {
    pub(super) provider: Provider,
    /// Where its metadata lies, if that could be newer.
    newer: Option<String>,
}

impl Found {
    /// Reads the metadata of the settings, or that of the address there.
    pub(super) fn find() -> Result<Self, Refusal> {
        let (written, url) = (text("idp-metadata"), text("idp-metadata-url"));
        let found = match (written, url) {
            (Some(xml), _) => Self { provider: metadata::read(&xml, name().as_deref())?, newer: None },
            (None, Some(url)) => kept(url)?,
            (None, None) => {
                let why = "`idp-metadata` is not set: the provider's metadata as XML, or its address";
                return Err(Refusal::Misconfigured(why.into()));
            }
        };
        found.provider.check_validity(now())?;
        Ok(found)
    }

    /// Reads a message of the provider, with newer metadata if it is signed with a key that is not in this.
    pub(super) fn with_newest<T>(&self, read: impl Fn(&Provider) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let (refusal, url) = match (read(&self.provider), &self.newer) {
            (Err(refusal @ Refusal::UnknownKey(_)), Some(url)) => (refusal, url),
            (outcome, _) => return outcome,
        };
        if cache::get(REFETCHED).is_some() {
            return Err(refusal);
        }
        cache::put(REFETCHED, "", REFETCH_SECONDS);
        step("the signature is of an unknown key, the metadata is asked for again", &[("url", url)]);
        match fetch(url) {
            Ok(newer) if newer.keys != self.provider.keys => read(&newer),
            Ok(_) => Err(refusal),
            Err(why) => {
                warn("the provider's metadata cannot be had", &[("url", url), ("why", &why)]);
                Err(refusal)
            }
        }
    }
}

fn name() -> Option<String> {
    text("idp-entity-id")
}

/// From the cache, or asked for: how often is decided in `cached`.
fn kept(url: String) -> Result<Found, Refusal> {
    let (copy, failure) = (cache::get(&url), cache::get(&failure_of(&url)));
    let step = cached::step(copy.as_ref().map(|copy| copy.age_seconds), failure.is_some());
    // What was put there can be read, unless this driver was replaced by another version meanwhile.
    let old = copy.and_then(|copy| Provider::from_cache(&copy.value));
    let found = match (step, old) {
        (Step::Use, Some(provider)) => return Ok(Found { provider, newer: Some(url) }),
        (Step::Fail, _) => Err(failure.map(|failure| failure.value).unwrap_or_default()),
        (_, old) => match (fetch(&url), old) {
            (Ok(provider), _) => return Ok(Found { provider, newer: None }),
            (Err(why), Some(provider)) => {
                warn("the provider does not answer, an old copy is used", &[("url", &url), ("why", &why)]);
                Ok(Found { provider, newer: None })
            }
            (Err(why), None) => Err(why),
        },
    };
    found.map_err(Refusal::Unavailable)
}

fn failure_of(url: &str) -> String {
    format!("failure {url}")
}

/// The metadata, asked for now. What is kept of it is what is used.
fn fetch(url: &str) -> Result<Provider, String> {
    let headers = Vec::from([("accept", String::from("application/samlmetadata+xml, application/xml, text/xml"))]);
    let request = Request { url, headers: &headers, form: None, most_bytes: MOST_BYTES_OF_METADATA };
    let outcome = match send(&request) {
        Err(fault) => Err(format!("{url}: {fault}")),
        Ok(answer) if answer.status != 200 => Err(format!("{url}: it answers {}, expected 200", answer.status)),
        Ok(answer) => match core::str::from_utf8(&answer.body) {
            Ok(xml) => metadata::read(xml, name().as_deref()).map_err(|refusal| format!("{url}: {refusal}")),
            Err(_) => Err(format!("{url}: it is not UTF-8")),
        },
    };
    match &outcome {
        Ok(provider) => {
            step("the provider's metadata was read", &[("url", url), ("keys", &provider.keys.len().to_string())]);
            cache::put(url, &provider.write(), KEEP_SECONDS);
        }
        Err(why) => cache::put(&failure_of(url), why, FAILURE_SECONDS),
    }
    outcome
}

/// What we are, by our address and the settings.
pub(super) fn ourselves(acs: &str) -> Result<Ourselves, Refusal> {
    let mut ourselves = Ourselves::new(acs, text("sp-metadata").as_deref())?;
    if let Some(entity_id) = text("sp-entity-id") {
        ourselves.entity_id = entity_id;
    }
    if let Some(format) = text("sp-name-id-format") {
        ourselves.name_id_format = Some(format);
    }
    ourselves.signs_requests |= flag("sp-authn-requests-signed");
    ourselves.wants_assertions_signed |= flag("sp-want-assertions-signed");
    ourselves.wants_responses_signed |= flag("sp-want-message-signed");
    ourselves.wants_encryption |= flag("idp-is-assertion-encrypted");
    Ok(ourselves)
}

pub(super) fn certificates<'a>(signing: Option<&'a str>, encryption: Option<&'a str>) -> Certificates<'a> {
    Certificates { signing, encryption }
}

/// How far clocks may be apart, in seconds.
pub(super) fn skew() -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    match config::get("clock-skew") {
        Some(Value::Number(seconds)) => seconds.clamp(0.0, MOST_SKEW as f64) as u64,
        _ => settings::CLOCK_SKEW.parse().unwrap_or_default(),
    }
}

/// The names of attributes.
pub(super) struct Names {
    pub(super) identifier: String,
    pub(super) second_identifier: Option<String>,
    email: String,
    email_verified: Option<String>,
    given_name: String,
    family_name: String,
    groups: String,
}

impl Names {
    pub(super) fn read() -> Self {
        let named = |setting: &str, default: &str| text(setting).unwrap_or_else(|| default.to_string());
        Self {
            identifier: named("identifier-key", settings::IDENTIFIER),
            second_identifier: text("second-identifier-key"),
            email: named("email-key", settings::EMAIL),
            email_verified: text("email-verified-key"),
            given_name: named("given-name-key", settings::GIVEN_NAME),
            family_name: named("family-name-key", settings::FAMILY_NAME),
            groups: named("group-claim-name", settings::GROUPS),
        }
    }

    pub(super) fn borrowed(&self) -> person::Names<'_> {
        person::Names {
            identifier: &self.identifier,
            second_identifier: self.second_identifier.as_deref(),
            email: &self.email,
            email_verified: self.email_verified.as_deref(),
            given_name: &self.given_name,
            family_name: &self.family_name,
            groups: &self.groups,
        }
    }
}
