//! The settings of the driver, as `about` tells them, and what is read of them. Names are those of Directus's environment.

use crate::{
    Refusal,
    address::{Address, Place},
    groups::Nesting,
    message::Scope,
    name::Name,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Boolean,
    /// A text.
    Text,
    /// Addresses that may be reached.
    Urls,
    /// A socket that may be reached.
    Socket,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, in kebab-case; a dot nests.
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

const fn text(name: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Text, default, required: false, secret: false, help }
}

const fn flag(name: &'static str, help: &'static str) -> Setting {
    Setting { name, kind: Kind::Boolean, default: Some("false"), required: false, secret: false, help }
}

const URLS: &str = "client-url";
const SOCKET: &str = "client.socket-path";
const REFERRAL_URLS: &str = "referral-urls";

/// All of them.
pub const ALL: [Setting; 19] = [
    Setting {
        kind: Kind::Urls,
        ..text(URLS, None, "The directory, such as ldaps://dc.example.com. Several are tried in this order.")
    },
    Setting {
        kind: Kind::Socket,
        ..text(SOCKET, None, "The path of the directory's Unix socket, instead of an address.")
    },
    text("bind-dn", None, "The account that searches. Unset or empty: nobody (an anonymous bind)."),
    Setting { secret: true, ..text("bind-password", None, "Its password.") },
    Setting {
        required: true,
        ..text("user-dn", None, "The entry below which people are, such as ou=people,dc=example,dc=com.")
    },
    text("user-attribute", Some("cn"), "The attribute that holds what people type to say who they are."),
    text("user-attribute-alternative", None, "The attribute that is looked at if nobody has it in the first one."),
    text("user-scope", Some("one"), "How far below USER_DN people are: base, one or sub."),
    text("mail-attribute", Some("mail"), "The attribute with the e-mail address."),
    text("first-name-attribute", Some("givenName"), "The attribute with the first name."),
    text("last-name-attribute", Some("sn"), "The attribute with the last name."),
    text("group-dn", None, "The entry below which groups are. With it, roles follow groups at each sign-in."),
    text(
        "group-attribute",
        Some("member"),
        "The attribute with a group's members: names of entries, or uids in memberUid.",
    ),
    text("group-scope", Some("one"), "How far below GROUP_DN groups are: base, one or sub."),
    text("group-nesting", Some("none"), "Groups in groups: none, recursive, or rule (Active Directory's own)."),
    text(
        "member-of-attribute",
        None,
        "The attribute in which people's own entries name their groups, such as memberOf.",
    ),
    flag("start-tls", "Encrypt connections to ldap:// by StartTLS before anything is said."),
    flag("follow-referrals", "Go on to the servers that the directory sends us to, if they are in the settings."),
    Setting {
        kind: Kind::Urls,
        ..text(REFERRAL_URLS, None, "Servers that the directory may send us to, besides those of CLIENT_URL.")
    },
];

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// On or off.
    Boolean(bool),
    /// One text.
    Text(String),
    /// Several.
    List(Vec<String>),
}

/// Where people and groups are, and how they are described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The servers, in the order in which they are tried.
    pub servers: Vec<Place>,
    /// The account that searches.
    pub bind_name: String,
    /// Its password.
    pub bind_password: String,
    /// The base of people.
    pub user_base: String,
    /// How far below it they are.
    pub user_scope: Scope,
    /// What they type.
    pub user_attribute: String,
    /// What they may type instead.
    pub user_alternative: Option<String>,
    /// Their address …
    pub mail: String,
    /// … and names.
    pub first_name: String,
    /// The last one.
    pub last_name: String,
    /// The base of groups.
    pub group_base: Option<String>,
    /// How far below it they are.
    pub group_scope: Scope,
    /// Their members.
    pub group_attribute: String,
    /// How groups in groups are found.
    pub nesting: Nesting,
    /// Where people's entries name their groups.
    pub member_of: Option<String>,
    /// Whether to ask for TLS.
    pub starts_tls: bool,
    /// Whether to go where servers send us.
    pub follows: bool,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Refusal::Misconfigured`] with the variable's name.
    pub fn read(get: impl Fn(&str) -> Option<Value>) -> Result<Self, Refusal> {
        let reader = Reader(get);
        let servers = reader.servers()?;
        // Empty means the root; not set means that somebody forgot it, and the root is more than was meant.
        if (reader.0)("user-dn").is_none() {
            return wrong("USER_DN", "is missing; write for example ou=people,dc=example,dc=com");
        }
        let settings = Self {
            servers,
            bind_name: reader.text("bind-dn").unwrap_or_default(),
            bind_password: reader.text("bind-password").unwrap_or_default(),
            user_base: reader.name("user-dn")?.unwrap_or_default(),
            user_scope: reader.scope("user-scope")?,
            user_attribute: reader.attribute("user-attribute", "cn")?,
            user_alternative: reader.optional_attribute("user-attribute-alternative")?,
            mail: reader.attribute("mail-attribute", "mail")?,
            first_name: reader.attribute("first-name-attribute", "givenName")?,
            last_name: reader.attribute("last-name-attribute", "sn")?,
            group_base: reader.name("group-dn")?,
            group_scope: reader.scope("group-scope")?,
            group_attribute: reader.attribute("group-attribute", "member")?,
            nesting: reader.nesting()?,
            member_of: reader.optional_attribute("member-of-attribute")?,
            starts_tls: reader.flag("start-tls"),
            follows: reader.flag("follow-referrals"),
        };
        settings.check()
    }

    fn check(self) -> Result<Self, Refusal> {
        if self.bind_password.is_empty() && !self.bind_name.is_empty() {
            return wrong("BIND_PASSWORD", "is empty, and a directory takes a name without a password for nobody");
        }
        if self.nesting != Nesting::None && self.group_base.is_none() {
            return wrong("GROUP_NESTING", "needs GROUP_DN, the entry below which groups are searched");
        }
        if self.nesting != Nesting::None && self.counts_uids() {
            return wrong("GROUP_NESTING", "does not go with memberUid, which holds people only");
        }
        if self.nesting == Nesting::Rule && self.member_of.is_some() {
            return wrong("GROUP_NESTING", "is `rule`, which finds all groups; leave MEMBER_OF_ATTRIBUTE out");
        }
        Ok(self)
    }

    /// Whether groups list people by `uid` instead of by the names of their entries.
    #[must_use]
    pub fn counts_uids(&self) -> bool {
        self.group_attribute.eq_ignore_ascii_case("memberUid")
    }

    /// Whether anybody wants to know about groups.
    #[must_use]
    pub fn reads_groups(&self) -> bool {
        self.group_base.is_some() || self.member_of.is_some()
    }
}

struct Reader<F>(F);

impl<F: Fn(&str) -> Option<Value>> Reader<F> {
    fn text(&self, name: &str) -> Option<String> {
        match (self.0)(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn flag(&self, name: &str) -> bool {
        matches!((self.0)(name), Some(Value::Boolean(true)))
    }

    fn servers(&self) -> Result<Vec<Place>, Refusal> {
        let texts = match (self.0)(URLS) {
            Some(Value::List(texts)) => texts,
            Some(Value::Text(text)) => text.split([',', ' ']).map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        let mut servers = Vec::new();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            let Some(address) = Address::parse(text).filter(|address| address.base.is_none()) else {
                return wrong(
                    "CLIENT_URL",
                    "is not the address of a directory; write for example ldaps://dc.example.com",
                );
            };
            servers.push(address.place);
        }
        servers.extend(self.text(SOCKET).map(Place::Socket));
        if servers.is_empty() {
            return wrong("CLIENT_URL", "is missing; write for example ldaps://dc.example.com");
        }
        Ok(servers)
    }

    fn name(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.text(name) {
            Some(text) if Name::parse(&text).is_none() => {
                wrong(&variable(name), "is not the name of an entry; write for example ou=people,dc=example,dc=com")
            }
            text => Ok(text),
        }
    }

    fn scope(&self, name: &str) -> Result<Scope, Refusal> {
        match self.text(name).as_deref() {
            None | Some("one") => Ok(Scope::One),
            Some("base") => Ok(Scope::Base),
            Some("sub") => Ok(Scope::Sub),
            Some(_) => wrong(&variable(name), "is neither base, one nor sub"),
        }
    }

    fn nesting(&self) -> Result<Nesting, Refusal> {
        match self.text("group-nesting").as_deref() {
            None | Some("none") => Ok(Nesting::None),
            Some("recursive") => Ok(Nesting::Recursive),
            Some("rule") => Ok(Nesting::Rule),
            Some(_) => wrong("GROUP_NESTING", "is neither none, recursive nor rule"),
        }
    }

    fn attribute(&self, name: &str, default: &str) -> Result<String, Refusal> {
        Ok(self.optional_attribute(name)?.unwrap_or_else(|| default.to_string()))
    }

    /// The name of an attribute (RFC 4512, section 2.5).
    fn optional_attribute(&self, name: &str) -> Result<Option<String>, Refusal> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';' | b'_');
        match self.text(name) {
            Some(text) if !text.bytes().all(is_letter) => wrong(&variable(name), "is not the name of an attribute"),
            text => Ok(text),
        }
    }
}

/// `user-dn` → `USER_DN`.
fn variable(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

fn wrong<T>(variable: &str, why: &str) -> Result<T, Refusal> {
    Err(Refusal::Misconfigured(format!("{variable} {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Refusal> {
        Settings::read(|name| {
            let people = [("user-dn", "ou=people")];
            let (_, value) = pairs.iter().chain(&people).find(|(key, _)| *key == name)?;
            Some(match *value {
                "true" => Value::Boolean(true),
                text => Value::Text(text.into()),
            })
        })
    }

    #[test]
    fn servers_are_tried_in_the_order_written() {
        let settings =
            read(&[("client-url", "ldaps://a,ldap://b:1389"), ("client.socket-path", "/run/ldapi")]).unwrap();
        let shown: Vec<String> = settings.servers.iter().map(Place::shown).collect();
        assert_eq!(shown, ["ldaps://a:636", "ldap://b:1389", "the socket /run/ldapi"]);
        assert_eq!((settings.user_attribute.as_str(), settings.user_scope), ("cn", Scope::One));
        assert!(!settings.reads_groups());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let url = ("client-url", "ldap://a");
        for (pairs, start) in [
            (&[][..], "CLIENT_URL is missing"),
            (&[("client-url", "http://a")], "CLIENT_URL is not the address"),
            (&[("client-url", "ldap://a/dc=x")], "CLIENT_URL is not the address"),
            (&[url, ("user-dn", "people")], "USER_DN is not the name"),
            (&[url, ("user-scope", "all")], "USER_SCOPE is neither"),
            (&[url, ("user-attribute", "cn=*)(")], "USER_ATTRIBUTE is not the name"),
            (&[url, ("bind-dn", "cn=a")], "BIND_PASSWORD is empty"),
            (&[url, ("group-nesting", "deep")], "GROUP_NESTING is neither"),
            (&[url, ("group-nesting", "rule")], "GROUP_NESTING needs GROUP_DN"),
            (
                &[url, ("group-nesting", "recursive"), ("group-dn", "dc=x"), ("group-attribute", "memberuid")],
                "GROUP_NESTING does not go with memberUid",
            ),
            (
                &[url, ("group-nesting", "rule"), ("group-dn", "dc=x"), ("member-of-attribute", "memberOf")],
                "GROUP_NESTING is `rule`",
            ),
        ] {
            match read(pairs) {
                Err(Refusal::Misconfigured(told)) => assert!(told.starts_with(start), "{told}"),
                other => panic!("{pairs:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn names_are_plain_and_occur_once() {
        for (place, setting) in ALL.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
            assert!(setting.name.bytes().all(plain), "{}", setting.name);
            assert!(ALL[..place].iter().all(|other| other.name != setting.name), "{}", setting.name);
            assert!(!((setting.required || setting.secret) && setting.default.is_some()), "{}", setting.name);
            assert!(setting.help.ends_with('.'), "{}", setting.name);
        }
    }
}
