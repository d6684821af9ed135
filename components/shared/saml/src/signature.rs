//! What of a message somebody signed, after XML Signature as SAML narrows it (core, section 5.4).
//!
//! [`Signed`] is the only thing that the rest of this library reads a person from, and only [`verify`] makes one. It takes one
//! shape of a signature and refuses all others: right inside of what it signs, one reference to that by its ID, two transforms,
//! exclusive canonicalisation, algorithms of a list. Who may have signed is given; `KeyInfo` is not read.

use crate::{
    Keys, Refusal,
    key::Key,
    names::{self, ENVELOPED, EXCLUSIVE, Hash, Name, SIGNATURE, digest, not_allowed},
    refusal::{mismatch, refused},
    text::{base64, shown},
    xml::Element,
};
use alloc::{format, string::String, vec::Vec};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The signature of an element.
pub(crate) const ITSELF: Name = (SIGNATURE, "Signature");

/// Most keys that are tried: a provider announces the next one or two.
const MOST_KEYS: usize = 16;

/// An element that a trusted key signed, as it is in the tree that it was verified in.
#[derive(Clone, Copy)]
pub struct Signed<'a>(Element<'a>);

impl<'a> Signed<'a> {
    /// The element. What its signature left out, which is the signature, is not to be read.
    pub(crate) fn element(self) -> Element<'a> {
        self.0
    }

    /// An element right inside, which was signed along with this one.
    pub(crate) fn child(self, name: Name) -> Result<Option<Self>, Refusal> {
        if name == ITSELF {
            return Ok(None);
        }
        Ok(self.0.child(name)?.map(Self))
    }

    /// What was encrypted in this element, which therefore nobody else put there.
    pub(crate) fn decrypted(self, inside: Element<'_>) -> Signed<'_> {
        let Signed(_around) = self;
        Signed(inside)
    }
}

/// Whether an element bears a signature, good or not.
pub(crate) fn is_there(element: Element<'_>) -> bool {
    element.all(ITSELF).next().is_some()
}

/// Verifies the signature of an element by one of these keys.
pub fn verify<'a>(element: Element<'a>, trusted: &[Key], keys: &impl Keys) -> Result<Signed<'a>, Refusal> {
    let what = element.called();
    let signature = element.child(ITSELF)?.ok_or_else(|| Refusal::Refused(format!("{what} is not signed")))?;
    check_place(element, signature)?;
    let parts = children(signature, &["SignedInfo", "SignatureValue", "KeyInfo"], 2)?;
    let [info, value, ..] = parts.as_slice() else { return Err(refused("the signature lacks a part")) };
    let prefixes = check_reference(element, signature, *info)?;
    let algorithm = names::signature(algorithm(info.expect((SIGNATURE, "SignatureMethod"))?)?)?;
    let value = base64(&value.text()?).ok_or_else(|| refused("the signature's value is not base64"))?;
    let message = info.canonical(&prefixes, None)?;
    by_one_of(trusted, algorithm, &message, &value, keys)?;
    Ok(Signed(element))
}

/// Whether one of these keys made a signature.
pub(crate) fn by_one_of(
    trusted: &[Key],
    algorithm: &str,
    message: &[u8],
    value: &[u8],
    keys: &impl Keys,
) -> Result<(), Refusal> {
    let mut why = String::new();
    for key in trusted.iter().filter(|key| key.fits(algorithm)).take(MOST_KEYS) {
        match keys.verifies(&key.jwk, algorithm, message, value) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => why = format!(" ({error})"),
        }
    }
    Err(Refusal::UnknownKey(format!(
        "the signature ({algorithm}) is of none of the keys in the provider's metadata{why}"
    )))
}

/// The schema has it behind the issuer, or first where there is none (core, section 3.2).
fn check_place(element: Element<'_>, signature: Element<'_>) -> Result<(), Refusal> {
    let mut before = element.children().take_while(|child| !child.is_same(signature));
    let fits = before.next().is_none_or(|first| first.is((names::ASSERTION, "Issuer"))) && before.next().is_none();
    if fits { Ok(()) } else { Err(refused("the signature is not where it belongs, behind the issuer")) }
}

/// The children, which are of these names in this order; the first so many must be there.
fn children<'a>(element: Element<'a>, allowed: &[&'static str], required: usize) -> Result<Vec<Element<'a>>, Refusal> {
    let found: Vec<_> = element.children().collect();
    let fits = found.len() >= required
        && found.len() <= allowed.len()
        && found.iter().zip(allowed).all(|(child, name)| child.is((SIGNATURE, name)));
    if fits {
        return Ok(found);
    }
    let found: Vec<String> = found.iter().take(allowed.len() + 1).map(|child| child.called()).collect();
    Err(mismatch(&element.called(), &found.join(", "), &allowed.join(", ")))
}

fn algorithm(element: Element<'_>) -> Result<&str, Refusal> {
    if element.children().next().is_some() {
        return Err(Refusal::Refused(format!("{} has parameters, which are not read", element.called())));
    }
    Ok(element.attribute("Algorithm").unwrap_or_default())
}

/// Checks what is signed and its digest, and answers the prefixes of the canonical form of `SignedInfo`.
fn check_reference(element: Element<'_>, signature: Element<'_>, info: Element<'_>) -> Result<String, Refusal> {
    let count = info.all((SIGNATURE, "Reference")).count();
    if count != 1 {
        return Err(Refusal::Refused(format!("the signature has {count} references, expected 1")));
    }
    let parts = children(info, &["CanonicalizationMethod", "SignatureMethod", "Reference"], 3)?;
    let [method, _, reference] = parts.as_slice() else { return Err(refused("the signature lacks a part")) };
    let own_prefixes = exclusive(*method, "canonicalisation")?;
    let id = element.attribute("ID").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Refusal::Refused(format!("{} has no ID", element.called())))?;
    let uri = reference.attribute("URI").unwrap_or_default();
    if uri.strip_prefix('#') != Some(id) {
        return Err(mismatch("the reference of the signature", uri, &format!("#{id}")));
    }
    let parts = children(*reference, &["Transforms", "DigestMethod", "DigestValue"], 3)?;
    let [transforms, hash, value] = parts.as_slice() else { return Err(refused("the reference lacks a part")) };
    let prefixes = check_transforms(*transforms)?;
    let hash = digest(algorithm(*hash)?)?;
    let expected = base64(&value.text()?).ok_or_else(|| refused("the digest is not base64"))?;
    if hashed(hash, &element.canonical(&prefixes, Some(signature))?) != expected {
        return Err(Refusal::Refused(format!("{} was changed after it was signed", element.called())));
    }
    Ok(own_prefixes)
}

/// The two transforms that SAML knows (core, section 5.4.4).
fn check_transforms(transforms: Element<'_>) -> Result<String, Refusal> {
    let found: Vec<_> = transforms.children().collect();
    let is_transform = |child: &Element<'_>| child.is((SIGNATURE, "Transform"));
    let called = |child: &Element<'_>| child.attribute("Algorithm").map_or_else(|| child.called(), shown);
    match found.as_slice() {
        [enveloped, canonical] if found.iter().all(is_transform) => {
            if algorithm(*enveloped)? != ENVELOPED {
                return Err(mismatch("the first transform", &called(enveloped), ENVELOPED));
            }
            exclusive(*canonical, "second transform")
        }
        _ => {
            let names: Vec<String> = found.iter().take(8).map(called).collect();
            Err(mismatch("the list of transforms", &names.join(", "), &[ENVELOPED, EXCLUSIVE].join(", ")))
        }
    }
}

/// Exclusive canonicalisation without comments; answers its prefixes.
fn exclusive(element: Element<'_>, what: &str) -> Result<String, Refusal> {
    let uri = element.attribute("Algorithm").unwrap_or_default();
    if uri != EXCLUSIVE {
        return Err(not_allowed(what, uri));
    }
    let mut inside = element.children();
    let prefixes = match inside.next() {
        None => String::new(),
        Some(list) if list.is((EXCLUSIVE, "InclusiveNamespaces")) => {
            list.attribute("PrefixList").unwrap_or_default().into()
        }
        Some(other) => return Err(Refusal::Refused(format!("{} is no parameter of the {what}", other.called()))),
    };
    if inside.next().is_some() {
        return Err(Refusal::Refused(format!("the {what} has more than one parameter")));
    }
    Ok(prefixes)
}

pub(crate) fn hashed(hash: Hash, bytes: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => Sha256::digest(bytes).to_vec(),
        Hash::Sha384 => Sha384::digest(bytes).to_vec(),
        Hash::Sha512 => Sha512::digest(bytes).to_vec(),
    }
}
