//! Names of namespaces, algorithms and bindings, and which algorithms are believed.

use crate::{Refusal, refusal::refused, text::shown};
use alloc::format;

/// The name of an element: its namespace and its local name.
pub(crate) type Name = (&'static str, &'static str);

pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(crate) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(crate) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

pub(crate) const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
pub(crate) const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
pub(crate) const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// Signatures that are believed, by the names that XML has for them and by those of JWA. What is not here is refused: SHA-1,
/// everything with a shared secret, and whatever is invented next.
const SIGNATURES: [(&str, &str); 8] = [
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "RS256"),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "RS384"),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "RS512"),
    ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", "PS256"),
    ("http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", "PS384"),
    ("http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", "PS512"),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "ES256"),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "ES384"),
];

/// The JWA name of an algorithm for signatures.
pub(crate) fn signature(uri: &str) -> Result<&'static str, Refusal> {
    let found = SIGNATURES.iter().find(|(name, _)| *name == uri);
    found.map(|(_, algorithm)| *algorithm).ok_or_else(|| not_allowed("signature algorithm", uri))
}

/// The name that XML has for an algorithm of JWA.
pub(crate) fn signature_uri(algorithm: &str) -> Option<&'static str> {
    SIGNATURES.iter().find(|(_, name)| *name == algorithm).map(|(uri, _)| *uri)
}

/// A hash that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The hash of a name.
pub(crate) fn digest(uri: &str) -> Result<Hash, Refusal> {
    match uri {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Ok(Hash::Sha256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(Hash::Sha384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(Hash::Sha512),
        other => Err(not_allowed("digest algorithm", other)),
    }
}

/// An algorithm that is on no list.
pub(crate) fn not_allowed(what: &str, uri: &str) -> Refusal {
    if uri.contains("sha1") {
        return Refusal::Refused(format!("the {what} `{}` rests on SHA-1, which is broken", shown(uri)));
    }
    if uri.is_empty() {
        return refused(&format!("the {what} is not named"));
    }
    Refusal::Refused(format!("the {what} `{}` is not allowed", shown(uri)))
}
