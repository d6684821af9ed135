//! Signing out there, and being told that somebody did (SAML core section 3.7, profiles section 4.4).

use crate::{
    Keys, Refusal,
    assertion::{MOST_SKEW, NameId, name_id},
    binding::{Incoming, Kind},
    metadata::Provider,
    moment,
    names::{ASSERTION, PROTOCOL, SUCCESS},
    ourselves::Ourselves,
    refusal::{mismatch, missing, refused},
    response::{check_destination, check_issuer, check_version},
    signature::{self, Signed, verify},
    text::{escaped, shown},
    xml::{Element, Tree},
};
use alloc::{
    format,
    string::{String, ToString},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Seconds for which a message about signing out is good if it does not say so itself.
const LIFETIME: i64 = 300;

/// Longest ID of a message: it is kept to refuse the second copy.
const LONGEST_ID: usize = 256;

/// What is kept of a sign-in, to be able to sign out at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// The person's name there.
    #[serde(rename = "n")]
    name: String,
    /// Its kind.
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// Within whose names.
    #[serde(rename = "q", skip_serializing_if = "Option::is_none")]
    qualifier: Option<String>,
    /// For whom.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    sp_qualifier: Option<String>,
    /// The session there.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// Our address for answers at that sign-in, which makes our name.
    #[serde(rename = "a")]
    pub acs: String,
}

impl Parting {
    /// Of a sign-in; without a name there is nothing to sign out.
    #[must_use]
    pub fn of(acs: &str, name: Option<&NameId>, session: Option<&str>) -> Option<Self> {
        let name = name.filter(|name| !name.value.is_empty())?;
        Some(Self {
            acs: acs.to_string(),
            name: name.value.clone(),
            format: name.format.clone(),
            qualifier: name.qualifier.clone(),
            sp_qualifier: name.sp_qualifier.clone(),
            session: session.map(ToString::to_string),
        })
    }

    /// As a text.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a text that was ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The request with which the browser goes to the provider, in its canonical form.
    #[must_use]
    pub fn request(&self, ourselves: &Ourselves, destination: &str, id: &str, now: u64) -> String {
        let attribute = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name}=\"{}\"", escaped(value))).unwrap_or_default()
        };
        let session = self.session.as_ref();
        let session = session.map(|session| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escaped(session)));
        format!(
            "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"{}\" IssueInstant=\"{}\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"{ASSERTION}\">{}</saml:Issuer><saml:NameID xmlns:saml=\"{ASSERTION}\"{}{}{}>{}\
             </saml:NameID>{}</samlp:LogoutRequest>",
            escaped(destination),
            escaped(id),
            moment::write(now),
            escaped(&ourselves.entity_id),
            attribute("Format", &self.format),
            attribute("NameQualifier", &self.qualifier),
            attribute("SPNameQualifier", &self.sp_qualifier),
            escaped(&self.name),
            session.unwrap_or_default()
        )
    }
}

/// What sessions here are found by when the provider signs a person out: the name that it has for them, as a digest, because
/// names may be long.
///
/// It is every session of that name, whichever a request lists (core, section 3.7.3.2, lets us end more than is asked for): which
/// person that is here depends on the attributes that are configured, and one session too many is the safe side. For the
/// same reason format and qualifiers do not count, which many providers leave out of these requests.
#[must_use]
pub fn sessions_of(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(name))
}

/// What the provider told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Somebody signs out.
    Leaves(Leaves),
    /// An answer to a request of ours; nothing is to be done.
    Answered {
        /// Its ID.
        id: String,
    },
}

/// Somebody signs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaves {
    /// The ID of the request.
    pub id: String,
    /// The person's name there.
    pub name: String,
}

impl Leaves {
    /// Our answer, in its canonical form.
    #[must_use]
    pub fn answer(&self, ourselves: &Ourselves, destination: &str, id: &str, now: u64) -> String {
        format!(
            "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"{}\" InResponseTo=\"{}\" \
             IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{}</saml:Issuer><samlp:Status>\
             <samlp:StatusCode Value=\"{SUCCESS}\"></samlp:StatusCode></samlp:Status></samlp:LogoutResponse>",
            escaped(destination),
            escaped(id),
            escaped(&self.id),
            moment::write(now),
            escaped(&ourselves.entity_id)
        )
    }
}

/// What a message about signing out must fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who sends it.
    pub provider: &'a Provider,
    /// Ourselves.
    pub ourselves: &'a Ourselves,
    /// Seconds since the epoch.
    pub now: u64,
    /// How far clocks may be apart, in seconds.
    pub skew: u64,
}

/// Reads a message about signing out. One that is not signed is none: everybody could sign everybody out.
pub fn read(message: &Incoming, expected: &Expected<'_>, keys: &impl Keys) -> Result<Notice, Refusal> {
    let tree = Tree::message(&message.xml)?;
    let root = tree.root();
    let name = if message.kind == Kind::Request { "LogoutRequest" } else { "LogoutResponse" };
    if !root.is((PROTOCOL, name)) {
        return Err(mismatch("the message", &root.called(), &format!("{{{PROTOCOL}}}{name}")));
    }
    check_version(root)?;
    let signed = if message.has_signed_query() {
        if signature::is_there(root) {
            return Err(refused("the message is signed in two places"));
        }
        message.verify_query(&expected.provider.keys, keys)?;
        None
    } else {
        Some(verify(root, &expected.provider.keys, keys)?)
    };
    // Verified as a whole, in the one way or the other.
    let root = signed.map_or(root, Signed::element);
    check_destination(root, &expected.ourselves.logout, true)?;
    check_issuer("the message", &root.expect((ASSERTION, "Issuer"))?.text()?, &expected.provider.entity_id)?;
    check_time(root, expected)?;
    let id = root.attribute("ID").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
    let id = id.ok_or_else(|| missing("a usable `ID` of the message"))?.to_string();
    match message.kind {
        Kind::Request => leaves(root, id, keys).map(Notice::Leaves),
        Kind::Response => answered(root, id),
    }
}

fn leaves(root: Element<'_>, id: String, keys: &impl Keys) -> Result<Leaves, Refusal> {
    let name = name_id(root, keys)?.map(|name| name.value).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| missing("`NameID`"))?;
    Ok(Leaves { id, name })
}

fn answered(root: Element<'_>, id: String) -> Result<Notice, Refusal> {
    let code = root.expect((PROTOCOL, "Status"))?.expect((PROTOCOL, "StatusCode"))?;
    match code.attribute("Value") {
        Some(SUCCESS) => Ok(Notice::Answered { id }),
        other => Err(Refusal::Refused(format!(
            "the provider could not sign the person out: `{}`",
            shown(other.unwrap_or_default())
        ))),
    }
}

fn check_time(root: Element<'_>, expected: &Expected<'_>) -> Result<(), Refusal> {
    let now = i64::try_from(expected.now).unwrap_or(i64::MAX / 2);
    let skew = i64::try_from(expected.skew.min(MOST_SKEW)).unwrap_or_default();
    let issued = moment::read("`IssueInstant`", root.attribute("IssueInstant").unwrap_or_default())?;
    let end = root.attribute("NotOnOrAfter").map(|end| moment::read("`NotOnOrAfter`", end)).transpose()?;
    if issued > now + skew {
        return Err(Refusal::Expired(format!("the message is from the future, {} s from now", issued - now)));
    }
    let end = end.unwrap_or(issued + LIFETIME).min(issued + LIFETIME);
    if end + skew <= now {
        return Err(Refusal::Expired(format!("the message was good until {} s ago", now - end)));
    }
    Ok(())
}
