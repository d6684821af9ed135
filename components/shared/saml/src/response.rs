//! What a browser brings back: a response with one assertion in it (SAML core section 3.3.3, profiles section 4.1.4).

use crate::{
    Keys, Refusal,
    assertion::{self, Assertion},
    binding,
    encryption::{decrypt, failed},
    metadata::Provider,
    names::{ASSERTION, Name, PROTOCOL, SUCCESS},
    ourselves::Ourselves,
    refusal::{mismatch, missing, refused},
    request,
    signature::{self, Signed, verify},
    text::shown,
    xml::{Element, Tree},
};
use alloc::{
    format,
    string::{String, ToString},
};

const PLAIN: Name = (ASSERTION, "Assertion");
const ENCRYPTED: Name = (ASSERTION, "EncryptedAssertion");

/// What an answer must fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider that was asked.
    pub provider: &'a Provider,
    /// Ourselves.
    pub ourselves: &'a Ourselves,
    /// The ID of the request that it answers; `None` if it answers none.
    pub request: Option<&'a str>,
    /// Seconds since the epoch.
    pub now: u64,
    /// How far clocks may be apart, in seconds.
    pub skew: u64,
}

/// The state of the beginning that an answer claims to belong to. Nothing is verified.
pub fn claimed_state(form: &str) -> Result<Option<String>, Refusal> {
    let text = binding::from_form(form)?;
    let tree = Tree::message(&text)?;
    Ok(tree.root().attribute("InResponseTo").and_then(request::state).map(ToString::to_string))
}

/// Reads the `SAMLResponse` of a form.
pub fn read(form: &str, expected: &Expected<'_>, keys: &impl Keys) -> Result<Assertion, Refusal> {
    let text = binding::from_form(form)?;
    let tree = Tree::message(&text)?;
    let response = tree.root();
    if !response.is((PROTOCOL, "Response")) {
        return Err(mismatch("the message", &response.called(), &format!("{{{PROTOCOL}}}Response")));
    }
    check_version(response)?;
    let signed = match signature::is_there(response) {
        true => Some(verify(response, &expected.provider.keys, keys)?),
        false if expected.ourselves.wants_responses_signed => {
            return Err(refused("the response is not signed, and `SP_WANT_MESSAGE_SIGNED` asks for that"));
        }
        false => None,
    };
    check_envelope(response, expected, signed.is_some())?;
    let (holder, is_encrypted) = only_assertion(response)?;
    // What a signed response holds was signed with it.
    let around = match signed {
        Some(signed) => signed.child(if is_encrypted { ENCRYPTED } else { PLAIN })?,
        None => None,
    };
    if !is_encrypted {
        if expected.ourselves.wants_encryption {
            return Err(refused("the assertion is not encrypted, and `IDP_IS_ASSERTION_ENCRYPTED` asks for that"));
        }
        return assertion::read(signed_assertion(holder, around, expected, keys)?, expected, keys);
    }
    let plain = decrypt(holder, around.is_some(), keys)?;
    let inner = Tree::message(&plain).map_err(failed)?;
    let mut inside = inner.root().children();
    let (Some(found), None) = (inside.next().filter(|found| found.is(PLAIN)), inside.next()) else {
        return Err(failed(()));
    };
    only_here(found)?;
    let around = around.map(|around| around.decrypted(found));
    assertion::read(signed_assertion(found, around, expected, keys)?, expected, keys)
}

/// The assertion as something that the provider signed, itself or with what is around it. A signature that is there is good.
fn signed_assertion<'a>(
    assertion: Element<'a>,
    around: Option<Signed<'a>>,
    expected: &Expected<'_>,
    keys: &impl Keys,
) -> Result<Signed<'a>, Refusal> {
    if signature::is_there(assertion) {
        return verify(assertion, &expected.provider.keys, keys);
    }
    if expected.ourselves.wants_assertions_signed {
        return Err(refused("the assertion is not signed, and `SP_WANT_ASSERTIONS_SIGNED` asks for that"));
    }
    around.ok_or_else(|| refused("neither the response nor the assertion is signed"))
}

/// Version 2.0.
pub(crate) fn check_version(element: Element<'_>) -> Result<(), Refusal> {
    match element.attribute("Version") {
        Some("2.0") => Ok(()),
        found => Err(mismatch(&format!("the version of {}", element.called()), found.unwrap_or_default(), "2.0")),
    }
}

fn check_envelope(response: Element<'_>, expected: &Expected<'_>, is_signed: bool) -> Result<(), Refusal> {
    check_destination(response, &expected.ourselves.acs, is_signed)?;
    if let Some(issuer) = response.child((ASSERTION, "Issuer"))? {
        check_issuer("the response", &issuer.text()?, &expected.provider.entity_id)?;
    }
    check_request("the response", response.attribute("InResponseTo"), expected.request)?;
    let code = response.expect((PROTOCOL, "Status"))?.expect((PROTOCOL, "StatusCode"))?;
    if code.attribute("Value") == Some(SUCCESS) {
        return Ok(());
    }
    let status = response.expect((PROTOCOL, "Status"))?;
    let inner = code.child((PROTOCOL, "StatusCode"))?.and_then(|code| code.attribute("Value")).unwrap_or_default();
    let message = status.child((PROTOCOL, "StatusMessage"))?.map(Element::text).transpose()?.unwrap_or_default();
    let code = code.attribute("Value").unwrap_or_default();
    Err(Refusal::Refused(format!("the provider answers `{}` `{}`: {}", shown(code), shown(inner), shown(&message))))
}

/// Where a message is to be brought. One that is signed must say so (bindings, section 3.5.5.2).
pub(crate) fn check_destination(message: Element<'_>, here: &str, is_signed: bool) -> Result<(), Refusal> {
    match message.attribute("Destination") {
        Some(destination) if destination == here => Ok(()),
        Some(destination) => Err(mismatch("`Destination`", destination, here)),
        None if is_signed => Err(missing("`Destination` of a signed message")),
        None => Ok(()),
    }
}

/// Who speaks.
pub(crate) fn check_issuer(what: &str, found: &str, expected: &str) -> Result<(), Refusal> {
    if found == expected { Ok(()) } else { Err(mismatch(&format!("the issuer of {what}"), found, expected)) }
}

/// Which request is answered.
pub(crate) fn check_request(what: &str, found: Option<&str>, expected: Option<&str>) -> Result<(), Refusal> {
    match (found, expected) {
        (found, expected) if found == expected => Ok(()),
        (Some(found), None) => Err(mismatch(&format!("`InResponseTo` of {what}"), found, "none")),
        (found, expected) => Err(mismatch(
            &format!("`InResponseTo` of {what}"),
            found.unwrap_or("missing"),
            expected.unwrap_or_default(),
        )),
    }
}

/// The one assertion, right inside of the response, and whether it is encrypted. Any further one, wherever it hides, is one too
/// many: whoever needs two assertions of one sign-in wants us to verify one and to read the other.
fn only_assertion(response: Element<'_>) -> Result<(Element<'_>, bool), Refusal> {
    let is_one = |element: &Element<'_>| element.is(PLAIN) || element.is(ENCRYPTED);
    let count = response.within().filter(is_one).count();
    if count != 1 {
        return Err(Refusal::Refused(format!("the response holds {count} assertions, expected 1")));
    }
    let found = response.children().find(is_one);
    let found = found.ok_or_else(|| refused("the assertion is not right inside of the response"))?;
    only_here(found)?;
    Ok((found, found.is(ENCRYPTED)))
}

fn only_here(assertion: Element<'_>) -> Result<(), Refusal> {
    let is_message =
        |element: &Element<'_>| element.is(PLAIN) || element.is(ENCRYPTED) || element.is((PROTOCOL, "Response"));
    if assertion.within().skip(1).any(|element| is_message(&element)) {
        return Err(refused("the assertion holds another one"));
    }
    Ok(())
}
