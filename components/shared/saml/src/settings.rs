//! The settings of the driver, as `about` tells them. Names are those of Directus's environment and of `samlify`'s entities.

use crate::person::NAME_ID;

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Boolean,
    /// A number.
    Number,
    /// A text.
    Text,
    /// An address that may be reached.
    Url,
    /// Private keys.
    Keys,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is if it is not set.
    pub default: Option<&'static str>,
    /// What it does, for people.
    pub help: &'static str,
}

/// Attributes, as Directus names them by default.
pub const IDENTIFIER: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
/// The e-mail address.
pub const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
/// The given name.
pub const GIVEN_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
/// The family name.
pub const FAMILY_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname";
/// The groups.
pub const GROUPS: &str = "groups";
/// How far clocks may be apart, in seconds.
pub const CLOCK_SKEW: &str = "60";

const fn text(name: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Text, default, help }
}

const fn flag(name: &'static str, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Boolean, default: None, help }
}

/// All of them.
pub const ALL: [Setting; 27] = [
    text("idp-metadata", None, "The provider's metadata as XML. An address works, too: it becomes `idp-metadata-url`."),
    Setting {
        name: "idp-metadata-url",
        kind: Kind::Url,
        default: None,
        help: "Where the provider's metadata lies. It is asked for each hour, and at once when a signature is of an unknown key.",
    },
    text("idp-entity-id", None, "Which provider it is, if the metadata holds several."),
    flag("idp-is-assertion-encrypted", "Assertions that are not encrypted are refused."),
    flag("idp-want-authn-requests-signed", "Requests are signed, whatever the metadata says."),
    text("sp-metadata", None, "Our metadata as XML. Without it, it is made from the other settings."),
    text("sp-entity-id", None, "Our name at the provider. By default the address of our metadata."),
    text("sp-name-id-format", None, "The kind of name to ask the provider for."),
    flag("sp-authn-requests-signed", "Requests are signed."),
    flag("sp-want-assertions-signed", "Assertions must be signed themselves, not only the response around them."),
    flag("sp-want-message-signed", "Responses must be signed, not only the assertion in them."),
    text("sp-request-binding", None, "How requests travel: redirect or post. By default as the provider prefers."),
    Setting {
        name: "sp-private-key",
        kind: Kind::Keys,
        default: None,
        help: "The private key that signs, as PEM or JWK.",
    },
    text("sp-signing-cert", None, "The certificate of the key that signs, for our metadata."),
    Setting {
        name: "sp-enc-private-key",
        kind: Kind::Keys,
        default: None,
        help: "The private key that decrypts, as PEM or JWK.",
    },
    Setting {
        name: "sp-next-enc-private-key",
        kind: Kind::Keys,
        default: None,
        help: "A second private key that decrypts, while the provider changes from one to the other.",
    },
    text("sp-encrypt-cert", None, "The certificate of the key that decrypts, for our metadata."),
    Setting {
        name: "clock-skew",
        kind: Kind::Number,
        default: Some(CLOCK_SKEW),
        help: "How many seconds the provider's clock may be off, at most 300.",
    },
    text("identifier-key", Some(IDENTIFIER), "The attribute that identifies a person, or `NameID`."),
    text("second-identifier-key", Some(NAME_ID), "Where the identifier is if that is missing. Empty: nowhere."),
    text("email-key", Some(EMAIL), "The attribute with the e-mail address."),
    text("email-verified-key", None, "The attribute that says `true` if the provider vouches for the address."),
    text("given-name-key", Some(GIVEN_NAME), "The attribute with the given name."),
    text("family-name-key", Some(FAMILY_NAME), "The attribute with the family name."),
    text("group-claim-name", Some(GROUPS), "The attribute with the groups."),
    flag("single-logout-post", "Messages about signing out travel in forms. By default as the provider prefers."),
    flag("no-single-logout", "Whoever signs out here stays signed in at the provider."),
];
