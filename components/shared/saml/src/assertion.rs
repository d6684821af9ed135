//! Whether an assertion is good: from this provider, for us, for this request, and now (SAML profiles, section 4.1.4.3).

use crate::{
    Keys, Refusal,
    encryption::{decrypt, failed},
    moment,
    names::{ASSERTION, BEARER, Name},
    refusal::{mismatch, missing, refused},
    response::{Expected, check_issuer, check_request, check_version},
    signature::Signed,
    text::shown,
    xml::{Element, Tree},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Furthest that clocks may be apart, in seconds, whatever is configured: five minutes are what Kerberos allows.
pub const MOST_SKEW: u64 = 300;

/// Longest name of an assertion: it is kept to refuse the second copy.
const LONGEST_ID: usize = 256;

/// What a good assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its name, which no other has.
    pub id: String,
    /// Until when a copy of it would be believed, in seconds since the epoch.
    pub expires: u64,
    /// Who, as the provider names them.
    pub name_id: Option<NameId>,
    /// The session at the provider.
    pub session: Option<String>,
    /// What is said of the person.
    pub attributes: Vec<Attribute>,
}

/// A name for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameId {
    /// The name.
    pub value: String,
    /// What kind of a name it is.
    pub format: Option<String>,
    /// Within whose names it is one.
    pub qualifier: Option<String>,
    /// For whom it is one.
    pub sp_qualifier: Option<String>,
}

/// Something that is said of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// Its values.
    pub values: Vec<String>,
}

const fn named(name: &'static str) -> Name {
    (ASSERTION, name)
}

/// Reads an assertion that was verified.
pub(crate) fn read(signed: Signed<'_>, expected: &Expected<'_>, keys: &impl Keys) -> Result<Assertion, Refusal> {
    let assertion = signed.element();
    check_version(assertion)?;
    let id = assertion.attribute("ID").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
    let id = id.ok_or_else(|| missing("a usable `ID` of the assertion"))?;
    check_issuer("the assertion", &assertion.expect(named("Issuer"))?.text()?, &expected.provider.entity_id)?;
    let clock = Clock::of(expected);
    let issued = assertion.attribute("IssueInstant").unwrap_or_default();
    clock.has_come("`IssueInstant` of the assertion", Some(issued))?;
    let subject = assertion.expect(named("Subject"))?;
    let expires = confirmed(subject, expected, &clock)?;
    check_conditions(assertion.expect(named("Conditions"))?, expected, &clock)?;
    let session = session(assertion, &clock)?;
    Ok(Assertion {
        id: id.to_string(),
        expires: u64::try_from(expires).unwrap_or_default() + clock.skew.unsigned_abs() + 1,
        name_id: name_id(subject, keys)?,
        session,
        attributes: attributes(assertion)?,
    })
}

/// Now, and how far it may be from the provider's.
struct Clock {
    now: i64,
    skew: i64,
}

impl Clock {
    fn of(expected: &Expected<'_>) -> Self {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX / 2);
        Self { now: seconds(expected.now), skew: seconds(expected.skew.min(MOST_SKEW)) }
    }

    /// A time that must not lie ahead.
    fn has_come(&self, what: &str, time: Option<&str>) -> Result<(), Refusal> {
        match time {
            Some(time) if moment::read(what, time)? > self.now + self.skew => {
                Err(self.told(what, time, "is yet to come"))
            }
            _ => Ok(()),
        }
    }

    /// A time that must lie ahead.
    fn is_ahead(&self, what: &str, time: Option<&str>) -> Result<Option<i64>, Refusal> {
        let Some(time) = time else { return Ok(None) };
        match moment::read(what, time)? {
            end if end + self.skew <= self.now => Err(self.told(what, time, "is past")),
            end => Ok(Some(end)),
        }
    }

    fn told(&self, what: &str, time: &str, how: &str) -> Refusal {
        let now = moment::write(self.now.unsigned_abs());
        Refusal::Expired(format!(
            "{what}, {}, {how}: it is {now} here, and clocks may be {} s apart",
            shown(time),
            self.skew
        ))
    }
}

/// One confirmation must fit; answers its end. Of several, the reason of the last one is told.
fn confirmed(subject: Element<'_>, expected: &Expected<'_>, clock: &Clock) -> Result<i64, Refusal> {
    let mut why = refused("the subject has no confirmation by bearer");
    for confirmation in subject.all(named("SubjectConfirmation")) {
        if confirmation.attribute("Method") == Some(BEARER) {
            match by_bearer(confirmation, expected, clock) {
                Ok(end) => return Ok(end),
                Err(refusal) => why = refusal,
            }
        }
    }
    Err(why)
}

fn by_bearer(confirmation: Element<'_>, expected: &Expected<'_>, clock: &Clock) -> Result<i64, Refusal> {
    let data = confirmation.expect(named("SubjectConfirmationData"))?;
    let recipient = data.attribute("Recipient").ok_or_else(|| missing("`Recipient`"))?;
    if recipient != expected.ourselves.acs {
        return Err(mismatch("`Recipient`", recipient, &expected.ourselves.acs));
    }
    check_request("the subject's confirmation", data.attribute("InResponseTo"), expected.request)?;
    clock.has_come("`NotBefore` of the subject's confirmation", data.attribute("NotBefore"))?;
    let end = clock.is_ahead("`NotOnOrAfter` of the subject's confirmation", data.attribute("NotOnOrAfter"))?;
    end.ok_or_else(|| missing("`NotOnOrAfter` of the subject's confirmation"))
}

/// What is not known is not met (core, section 2.5.1.1).
fn check_conditions(conditions: Element<'_>, expected: &Expected<'_>, clock: &Clock) -> Result<(), Refusal> {
    clock.has_come("`NotBefore` of the conditions", conditions.attribute("NotBefore"))?;
    clock.is_ahead("`NotOnOrAfter` of the conditions", conditions.attribute("NotOnOrAfter"))?;
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    if let Some(unknown) = conditions.children().find(|child| !known.iter().any(|name| child.is(named(name)))) {
        return Err(Refusal::Refused(format!("the condition {} is not known here", unknown.called())));
    }
    let mut restricted = false;
    for restriction in conditions.all(named("AudienceRestriction")) {
        let audiences = restriction.all(named("Audience")).map(Element::text).collect::<Result<Vec<_>, _>>()?;
        if !audiences.contains(&expected.ourselves.entity_id) {
            return Err(mismatch("`Audience`", &audiences.join(", "), &expected.ourselves.entity_id));
        }
        restricted = true;
    }
    if restricted { Ok(()) } else { Err(missing("`AudienceRestriction`")) }
}

fn session(assertion: Element<'_>, clock: &Clock) -> Result<Option<String>, Refusal> {
    let mut session = None;
    let mut statements = assertion.all(named("AuthnStatement")).peekable();
    if statements.peek().is_none() {
        return Err(refused("the assertion does not say that anybody signed in"));
    }
    for statement in statements {
        clock.is_ahead("`SessionNotOnOrAfter`", statement.attribute("SessionNotOnOrAfter"))?;
        session = session.or(statement.attribute("SessionIndex"));
    }
    Ok(session.filter(|session| !session.is_empty()).map(ToString::to_string))
}

/// The subject's name, which may be encrypted by itself.
pub(crate) fn name_id(subject: Element<'_>, keys: &impl Keys) -> Result<Option<NameId>, Refusal> {
    if let Some(encrypted) = subject.child(named("EncryptedID"))? {
        // All around was signed.
        let plain = decrypt(encrypted, true, keys)?;
        let tree = Tree::message(&plain).map_err(failed)?;
        let name = tree.root().expect(named("NameID")).map_err(failed)?;
        return Ok(Some(read_name_id(name).map_err(failed)?));
    }
    subject.child(named("NameID"))?.map(read_name_id).transpose()
}

fn read_name_id(name: Element<'_>) -> Result<NameId, Refusal> {
    let attribute = |of: &str| name.attribute(of).filter(|value| !value.is_empty()).map(ToString::to_string);
    Ok(NameId {
        value: name.text()?,
        format: attribute("Format"),
        qualifier: attribute("NameQualifier"),
        sp_qualifier: attribute("SPNameQualifier"),
    })
}

fn attributes(assertion: Element<'_>) -> Result<Vec<Attribute>, Refusal> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for attribute in assertion.all(named("AttributeStatement")).flat_map(|statement| statement.all(named("Attribute")))
    {
        let Some(name) = attribute.attribute("Name").filter(|name| !name.is_empty()) else { continue };
        let values = attribute.all(named("AttributeValue")).map(value).collect::<Result<Vec<_>, _>>()?;
        let values = values.into_iter().flatten();
        // The same name in two places is one list.
        match attributes.iter_mut().find(|known| known.name == name) {
            Some(known) => known.values.extend(values),
            None => attributes.push(Attribute {
                name: name.to_string(),
                friendly_name: attribute.attribute("FriendlyName").map(ToString::to_string),
                values: values.collect(),
            }),
        }
    }
    Ok(attributes)
}

/// A value that is a text, or a name in an element of its own (`eduPersonTargetedID`).
fn value(value: Element<'_>) -> Result<Option<String>, Refusal> {
    let mut inside = value.children();
    match (inside.next(), inside.next()) {
        (None, _) => value.text().map(Some),
        (Some(name), None) if name.is(named("NameID")) => name.text().map(Some),
        _ => Ok(None),
    }
}
