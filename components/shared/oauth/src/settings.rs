//! The settings of the two drivers, as `about` tells them. Names are those of Directus's environment.

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Boolean,
    /// A text.
    Text,
    /// Several texts.
    List,
    /// JSON.
    Json,
    /// An address that may be reached.
    Url,
    /// The address of a document whose addresses may be reached.
    Document,
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
    /// Whether it must be set.
    pub required: bool,
    /// Whether it must not be shown.
    pub secret: bool,
    /// What it does, for people.
    pub help: &'static str,
}

/// What `openid` asks for.
pub const OPENID_SCOPE: &str = "openid profile email";
/// What `oauth2` asks for.
pub const OAUTH2_SCOPE: &str = "email";
/// The claim with the groups.
pub const GROUPS: &str = "groups";
/// The claim with the e-mail address.
pub const EMAIL: &str = "email";

const fn text(name: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Text, default, required: false, secret: false, help }
}

const fn flag(name: &'static str, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Boolean, default: Some("false"), required: false, secret: false, help }
}

const fn required(name: &'static str, kind: Kind, help: &'static str) -> Setting {
    Setting { name, kind, default: None, required: true, secret: false, help }
}

const CLIENT: [Setting; 8] = [
    required("client-id", Kind::Text, "Our name at the provider, as it was registered there."),
    Setting {
        secret: true,
        ..text("client-secret", None, "What only the provider and this server know. Not needed with private keys.")
    },
    Setting {
        name: "client-private-keys",
        kind: Kind::Keys,
        default: None,
        required: false,
        secret: true,
        help: "Private keys as a JSON array of JWKs; the first one signs for `private_key_jwt`.",
    },
    text(
        "client-token-endpoint-auth-method",
        Some("client_secret_basic"),
        "How this server shows who it is: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none.",
    ),
    text(
        "client-token-endpoint-auth-signing-alg",
        None,
        "The algorithm of client_secret_jwt: HS256, HS384 or HS512. With private keys, the key decides.",
    ),
    Setting {
        name: "params",
        kind: Kind::Json,
        default: None,
        required: false,
        secret: false,
        help: "Further parameters of the address at which the provider is asked, as a JSON object.",
    },
    flag("plain-code-challenge", "Send the PKCE verifier as it is. Only for providers that know no S256."),
    flag("no-code-challenge", "Leave PKCE out. Only for providers that refuse it, such as LinkedIn."),
];

const GROUP: Setting = text(
    "group-claim-name",
    Some(GROUPS),
    "The claim that holds the groups, a text or an array. Dots lead into objects (realm_access.roles).",
);

/// The settings of `openid`.
pub fn openid() -> impl Iterator<Item = Setting> {
    let own = [
        required("issuer-url", Kind::Document, "The provider's issuer, or the address of its discovery document."),
        text("scope", Some(OPENID_SCOPE), "What the provider is asked for; `offline_access` for refresh tokens."),
        text("identifier-key", Some("sub"), "The claim that a person is known by. Without it, the e-mail address."),
        text(
            "client-id-token-signed-response-alg",
            None,
            "The only algorithm that ID tokens may be signed with, such as HS256. Any with a public key if unset.",
        ),
        text(
            "client-userinfo-signed-response-alg",
            None,
            "The only algorithm that the userinfo endpoint may sign with. It has to sign if this is set.",
        ),
        Setting {
            kind: Kind::List,
            ..text(
                "allowed-tenants",
                None,
                "Tenants whose people may come (`tid`). Needed where the issuer is of many, as Microsoft's `common`.",
            )
        },
        GROUP,
        flag(
            "nonce-is-optional",
            "Take ID tokens without a `nonce`. Only for providers that give none back, such as LinkedIn.",
        ),
        flag(
            "issuer-discovery-must-succeed",
            "Changes nothing: the provider is asked when somebody signs in. Known because Directus has it.",
        ),
        flag("end-session", "Sign out at the provider, too."),
        flag("back-channel-logout", "End sessions of people who signed out at the provider, when it tells of them."),
    ];
    CLIENT.into_iter().chain(own)
}

/// The settings of `oauth2`.
pub fn oauth2() -> impl Iterator<Item = Setting> {
    let own = [
        required("authorize-url", Kind::Url, "Where the provider asks people whether they want to sign in."),
        required("access-url", Kind::Url, "Where the provider exchanges codes for tokens."),
        required("profile-url", Kind::Url, "Where the provider tells who a person is."),
        text("scope", Some(OAUTH2_SCOPE), "What the provider is asked for. It must not lead to an ID token."),
        text("identifier-key", None, "The member of the profile that a person is known by. Unset: the e-mail address."),
        text("email-key", Some(EMAIL), "The member of the profile that holds the e-mail address."),
        text("first-name-key", None, "The member of the profile that holds the first name."),
        text("last-name-key", None, "The member of the profile that holds the last name."),
        GROUP,
    ];
    CLIENT.into_iter().chain(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn names_are_plain_and_occur_once() {
        for settings in [openid().collect::<Vec<_>>(), oauth2().collect()] {
            for (place, setting) in settings.iter().enumerate() {
                let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                assert!(setting.name.bytes().all(plain), "{}", setting.name);
                assert!(settings[..place].iter().all(|other| other.name != setting.name), "{}", setting.name);
                assert!(!((setting.required || setting.secret) && setting.default.is_some()), "{}", setting.name);
                assert!(setting.help.ends_with('.'), "{}", setting.name);
            }
        }
    }
}
