//! What a provider's word about a person means for an account here: whether one is made, which role and policies it has,
//! which of its facts follow the provider's.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

/// Longest identifier, in letters: the width of the column. OpenID Connect Core, section 2, allows no longer one.
pub const IDENTIFIER_MAX: usize = 255;

/// Groups of a provider with what they stand for here, in the order in which the operator wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(Vec<(String, Vec<String>)>);

impl Mapping {
    /// Reads a JSON object of ids, or of lists of ids. `None` if it is something else.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::Deserializer::from_str(json).deserialize_map(Entries).ok()
    }

    /// What the first group that the person is in stands for.
    #[must_use]
    pub fn first(&self, groups: &[String]) -> Option<&str> {
        let (_, ids) = self.0.iter().find(|(group, _)| groups.contains(group))?;
        ids.first().map(String::as_str)
    }

    /// What all groups that the person is in stand for, each once.
    #[must_use]
    pub fn all(&self, groups: &[String]) -> Vec<&str> {
        let ids = self.0.iter().filter(|(group, _)| groups.contains(group)).flat_map(|(_, ids)| ids);
        distinct(ids)
    }

    /// Everything that groups can stand for.
    #[must_use]
    pub fn range(&self) -> Vec<&str> {
        distinct(self.0.iter().flat_map(|(_, ids)| ids))
    }
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut seen: Vec<&str> = Vec::new();
    for id in ids {
        if !seen.contains(&id.as_str()) {
            seen.push(id);
        }
    }
    seen
}

/// Keeps the order of the members, which a map would lose.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Mapping;

    fn expecting(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("an object of ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Mapping, A::Error> {
        let mut mapping = Mapping::default();
        while let Some((group, ids)) = entries.next_entry::<String, Json>()? {
            let ids = match ids {
                Json::String(id) => alloc::vec![id],
                Json::Array(ids) => ids.iter().filter_map(|id| id.as_str().map(ToString::to_string)).collect(),
                _ => Vec::new(),
            };
            mapping.0.push((group, ids));
        }
        Ok(mapping)
    }
}

/// A role of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRole {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What the operator allows a provider.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charter {
    /// People without an account get one.
    pub registers: bool,
    /// Only with an address that the provider verified.
    pub wants_verified_email: bool,
    /// An account with the same, verified address takes the person in.
    pub links_by_email: bool,
    /// Names and address follow the provider at each sign-in.
    pub follows: bool,
    /// The role of those in no mapped group.
    pub default_role: Option<String>,
    /// Roles by group. With it, the role follows the provider at each sign-in.
    pub roles: Option<Mapping>,
    /// The project's roles, where groups of the same name stand for them. With it, the role follows, too.
    pub named_roles: Option<Vec<NamedRole>>,
    /// Policies by group; those in it follow the provider at each sign-in.
    pub policies: Option<Mapping>,
}

/// What the provider says of a person, as far as accounts depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Their address.
    pub email: Option<String>,
    /// Whether the provider vouches for it.
    pub is_verified: bool,
    /// The groups that they are in.
    pub groups: Vec<String>,
}

/// What becomes of a person who has no account yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The account with the same address takes them in.
    Link,
    /// They get an account.
    Register,
    /// The address belongs to an account that signs in otherwise.
    Clash,
    /// They are not let in.
    Refuse,
}

/// Decides what becomes of a person without an account. `is_taken` says whether an account has their address.
#[must_use]
pub fn arrive(charter: &Charter, person: &Person, is_taken: bool) -> Arrival {
    let vouched = person.is_verified && person.email.is_some();
    if is_taken && vouched && charter.links_by_email {
        Arrival::Link
    } else if !charter.registers || (charter.wants_verified_email && !vouched) {
        Arrival::Refuse
    } else if is_taken {
        Arrival::Clash
    } else {
        Arrival::Register
    }
}

impl Charter {
    /// Whether the role of an account follows the provider's groups.
    #[must_use]
    pub fn assigns_roles(&self) -> bool {
        self.roles.is_some() || self.named_roles.is_some()
    }

    /// The role that a person is to have: what the operator wrote goes before a role that is called like a group, and that
    /// before the default.
    #[must_use]
    pub fn role(&self, groups: &[String]) -> Option<&str> {
        let mapped = self.roles.as_ref().and_then(|roles| roles.first(groups));
        mapped.or_else(|| self.named_role(groups)).or(self.default_role.as_deref())
    }

    /// The first of the project's roles that is called like a group, whatever their case.
    fn named_role(&self, groups: &[String]) -> Option<&str> {
        let groups: Vec<String> = groups.iter().map(|group| group.to_lowercase()).collect();
        let roles = self.named_roles.as_ref()?;
        roles.iter().find(|role| groups.contains(&role.name.to_lowercase())).map(|role| role.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn groups(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_mapped_group_wins_in_the_order_of_the_operator() {
        let charter = Charter {
            roles: Mapping::parse(r#"{"z": "role-z", "a": "role-a"}"#),
            default_role: Some("default".into()),
            ..Charter::default()
        };
        assert_eq!(charter.role(&groups(&["a", "z"])), Some("role-z"));
        assert_eq!(charter.role(&groups(&["a"])), Some("role-a"));
        assert_eq!(charter.role(&groups(&["A"])), Some("default"));
        assert_eq!(Charter::default().role(&groups(&["a"])), None);
    }

    #[test]
    fn a_group_stands_for_the_role_of_its_name() {
        let role = |id: &str, name: &str| NamedRole { id: id.into(), name: name.into() };
        let charter = Charter {
            named_roles: Some(vec![role("1", "Admins"), role("2", "editors")]),
            default_role: Some("default".into()),
            ..Charter::default()
        };
        // In the order of the project's roles, not of the groups.
        assert_eq!(charter.role(&groups(&["EDITORS", "admins"])), Some("1"));
        assert_eq!(charter.role(&groups(&["Editors"])), Some("2"));
        assert_eq!(charter.role(&groups(&["editor"])), Some("default"));
        let mapped = Charter { roles: Mapping::parse(r#"{"editors": "mapped"}"#), ..charter.clone() };
        assert_eq!(mapped.role(&groups(&["admins", "editors"])), Some("mapped"));
        assert_eq!(mapped.role(&groups(&["admins"])), Some("1"));
        assert_eq!(Charter { default_role: None, ..charter }.role(&groups(&["x"])), None);
        assert!(mapped.assigns_roles() && !Charter::default().assigns_roles());
    }

    #[test]
    fn policies_come_from_every_group() {
        let mapping = Mapping::parse(r#"{"a": ["p", "q"], "b": "q", "c": "r", "d": 5}"#).unwrap();
        assert_eq!(mapping.all(&groups(&["b", "a", "d"])), vec!["p", "q"]);
        assert_eq!(mapping.range(), vec!["p", "q", "r"]);
    }

    #[test]
    fn a_mapping_is_an_object() {
        for text in ["[]", "\"x\"", "", "{", "null"] {
            assert_eq!(Mapping::parse(text), None, "{text}");
        }
    }

    #[test]
    fn who_has_no_account_gets_one_only_where_that_is_allowed() {
        let person = |is_verified| Person { email: Some("a@b.co".into()), is_verified, groups: Vec::new() };
        let open = Charter { registers: true, ..Charter::default() };
        let strict = Charter { wants_verified_email: true, ..open.clone() };
        let trusting = Charter { links_by_email: true, ..Charter::default() };
        assert_eq!(arrive(&Charter::default(), &person(true), false), Arrival::Refuse);
        assert_eq!(arrive(&Charter::default(), &person(true), true), Arrival::Refuse);
        assert_eq!(arrive(&open, &person(false), false), Arrival::Register);
        assert_eq!(arrive(&open, &person(true), true), Arrival::Clash);
        assert_eq!(arrive(&strict, &person(false), false), Arrival::Refuse);
        assert_eq!(arrive(&strict, &person(true), false), Arrival::Register);
        assert_eq!(arrive(&strict, &Person { is_verified: true, ..Person::default() }, false), Arrival::Refuse);
        // An address is believed only if the provider vouches for it and the operator trusts the provider.
        assert_eq!(arrive(&trusting, &person(true), true), Arrival::Link);
        assert_eq!(arrive(&trusting, &person(false), true), Arrival::Refuse);
        assert_eq!(arrive(&trusting, &person(true), false), Arrival::Refuse);
    }
}
