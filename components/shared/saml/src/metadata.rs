//! What a provider says of itself: its name, where browsers go, and the keys that it signs with.
//!
//! Signatures of metadata are not looked at: it comes from the operator, or over TLS from where the operator says.

use crate::{
    Refusal,
    key::{self, Key},
    moment,
    names::{METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE},
    text::{is_web_address, shown},
    xml::{Element, Tree},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// Most providers of one document that are looked through.
const MOST_ENTITIES: usize = 500;

/// How a browser takes a message somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// In a query.
    Redirect,
    /// In a form.
    Post,
}

/// An address for messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// How they come there.
    pub binding: Binding,
    /// The address.
    pub location: String,
    /// The address for answers, if that is another one.
    pub response_location: Option<String>,
}

impl Endpoint {
    /// Where answers go.
    #[must_use]
    pub fn for_answers(&self) -> &str {
        self.response_location.as_deref().unwrap_or(&self.location)
    }
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name.
    pub entity_id: String,
    /// Where people sign in.
    pub sign_on: Vec<Endpoint>,
    /// Where they sign out.
    pub logout: Vec<Endpoint>,
    /// What it signs with.
    pub keys: Vec<Key>,
    /// Whether our requests must be signed.
    pub wants_signed_requests: bool,
    /// Until when this may be used, in seconds since the epoch.
    pub valid_until: Option<i64>,
}

impl Provider {
    /// The address for sign-ins with this binding, else the first one.
    pub fn sign_on(&self, preferred: Option<Binding>) -> Result<&Endpoint, Refusal> {
        let missing = || Refusal::Misconfigured("the provider's metadata names no address for sign-ins".into());
        choose(&self.sign_on, preferred).ok_or_else(missing)
    }

    /// The address for signing out.
    #[must_use]
    pub fn logout(&self, preferred: Option<Binding>) -> Option<&Endpoint> {
        choose(&self.logout, preferred)
    }

    /// Refuses what ran out.
    pub fn check_validity(&self, now: u64) -> Result<(), Refusal> {
        match self.valid_until {
            Some(until) if i64::try_from(now).unwrap_or(i64::MAX) >= until => Err(Refusal::Unavailable(
                "the provider's metadata is past its `validUntil`; put newer in its place".into(),
            )),
            _ => Ok(()),
        }
    }

    /// As a text for the cache.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From the cache.
    #[must_use]
    pub fn from_cache(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The preferred one, else one for a redirect, else any.
fn choose(endpoints: &[Endpoint], preferred: Option<Binding>) -> Option<&Endpoint> {
    let of = |binding| endpoints.iter().find(|endpoint| endpoint.binding == binding);
    preferred.map_or_else(|| of(Binding::Redirect).or_else(|| of(Binding::Post)), of)
}

/// Reads metadata: of one provider, or of several of which one has this name.
pub fn read(text: &str, name: Option<&str>) -> Result<Provider, Refusal> {
    let unusable = |why: String| Refusal::Misconfigured(format!("the provider's metadata cannot be used: {why}"));
    let tree = Tree::document(text.trim()).map_err(|refusal| unusable(refusal.to_string()))?;
    let of_entity = |element: &Element<'_>| element.is((METADATA, "EntityDescriptor"));
    let entities = tree.root().within().filter(of_entity).take(MOST_ENTITIES);
    let mut found = entities.filter_map(|entity| Some((entity, role(entity)?)));
    let by_name = |(entity, _): &(Element<'_>, Element<'_>)| entity.attribute("entityID") == name;
    let chosen = if name.is_some() { found.find(by_name) } else { found.next() };
    let Some((entity, role)) = chosen else {
        let which = name.map_or_else(String::new, |name| format!(" named `{}`", shown(name)));
        return Err(unusable(format!("it holds no identity provider{which} that speaks SAML 2.0")));
    };
    if name.is_none() && found.next().is_some() {
        return Err(unusable("it holds several identity providers; name one with `IDP_ENTITY_ID`".into()));
    }
    provider(entity, role).map_err(|refusal| unusable(refusal.to_string()))
}

fn role(entity: Element<'_>) -> Option<Element<'_>> {
    let speaks = |role: &Element<'_>| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    entity.all((METADATA, "IDPSSODescriptor")).find(speaks)
}

fn provider(entity: Element<'_>, role: Element<'_>) -> Result<Provider, Refusal> {
    let entity_id = entity.attribute("entityID").filter(|id| !id.is_empty());
    let entity_id = entity_id.ok_or_else(|| Refusal::Misconfigured("it has no `entityID`".into()))?;
    let ends = [entity, role].map(|element| element.attribute("validUntil"));
    let ends = ends.into_iter().flatten().map(|until| moment::read("`validUntil`", until));
    let ends = ends.collect::<Result<Vec<_>, _>>()?;
    let keys: Vec<Key> = role.all((METADATA, "KeyDescriptor")).filter(signs).flat_map(certificates).collect();
    if keys.is_empty() {
        return Err(Refusal::Misconfigured(
            "it holds no certificate with a key for signatures that is used here".into(),
        ));
    }
    Ok(Provider {
        entity_id: entity_id.to_string(),
        sign_on: endpoints(role, "SingleSignOnService"),
        logout: endpoints(role, "SingleLogoutService"),
        keys,
        wants_signed_requests: is_true(role.attribute("WantAuthnRequestsSigned")),
        valid_until: ends.into_iter().min(),
    })
}

/// Whether an attribute of the type `xs:boolean` says so.
pub(crate) fn is_true(value: Option<&str>) -> bool {
    matches!(value.map(str::trim), Some("true" | "1"))
}

fn signs(descriptor: &Element<'_>) -> bool {
    descriptor.attribute("use").is_none_or(|usage| usage == "signing")
}

fn certificates(descriptor: Element<'_>) -> impl Iterator<Item = Key> {
    let certificates = descriptor.within().filter(|element| element.is((SIGNATURE, "X509Certificate")));
    certificates.filter_map(|certificate| key::of_certificate(&certificate.text().ok()?))
}

fn endpoints(role: Element<'_>, name: &'static str) -> Vec<Endpoint> {
    let read = |endpoint: Element<'_>| {
        let binding = match endpoint.attribute("Binding")? {
            REDIRECT => Binding::Redirect,
            POST => Binding::Post,
            _ => return None,
        };
        let address =
            |name| endpoint.attribute(name).map(str::trim).filter(|url| is_web_address(url)).map(String::from);
        Some(Endpoint { binding, location: address("Location")?, response_location: address("ResponseLocation") })
    };
    role.all((METADATA, name)).filter_map(read).collect()
}

#[cfg(test)]
mod tests;
