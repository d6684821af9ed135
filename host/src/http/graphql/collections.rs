//! The collections of the schema: names, columns and what a caller may do with each.
//!
//! Types follow what REST answers. Deliberately absent: relations to what this server does not keep (files, presets), and
//! which rows and columns a caller may see, which is decided by the rules for every request.

use serde_json::Value;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Kind {
    /// The id of the record.
    Id,
    Text,
    Integer,
    Boolean,
    /// Any JSON.
    Json,
    /// A secret, which is shown as asterisks.
    Hash,
    Date,
    /// A record of this collection.
    One(&'static str),
    /// Records of this collection.
    Many(&'static str),
}

/// A collection.
#[derive(Debug)]
pub(in crate::http) struct Collection {
    /// Its name, which is that of its type.
    pub(in crate::http) name: &'static str,
    /// What its fields in the roots start with.
    pub(super) short: &'static str,
    pub(in crate::http) columns: &'static [(&'static str, Kind)],
    /// Whether it holds exactly one record.
    pub(super) single: bool,
}

/// What can be done with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Read,
    Update,
    Delete,
}

impl Action {
    const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

pub(in crate::http) static USERS: Collection = Collection {
    name: "directus_users",
    short: "users",
    columns: &[
        ("id", Kind::Id),
        ("first_name", Kind::Text),
        ("last_name", Kind::Text),
        ("email", Kind::Text),
        ("password", Kind::Hash),
        ("location", Kind::Text),
        ("title", Kind::Text),
        ("description", Kind::Text),
        ("tags", Kind::Json),
        ("avatar", Kind::Text),
        ("language", Kind::Text),
        ("tfa_secret", Kind::Hash),
        ("status", Kind::Text),
        ("role", Kind::One("directus_roles")),
        ("token", Kind::Hash),
        ("last_access", Kind::Date),
        ("last_page", Kind::Text),
        ("provider", Kind::Text),
        ("external_identifier", Kind::Text),
        ("auth_data", Kind::Json),
        ("email_notifications", Kind::Boolean),
        ("appearance", Kind::Text),
        ("theme_dark", Kind::Text),
        ("theme_light", Kind::Text),
        ("theme_light_overrides", Kind::Json),
        ("theme_dark_overrides", Kind::Json),
        ("text_direction", Kind::Text),
        ("policies", Kind::Many("directus_access")),
    ],
    single: false,
};

pub(in crate::http) static ROLES: Collection = Collection {
    name: "directus_roles",
    short: "roles",
    columns: &[
        ("id", Kind::Id),
        ("name", Kind::Text),
        ("icon", Kind::Text),
        ("description", Kind::Text),
        ("parent", Kind::One("directus_roles")),
        ("children", Kind::Many("directus_roles")),
        ("policies", Kind::Many("directus_access")),
        ("users", Kind::Many("directus_users")),
    ],
    single: false,
};

pub(in crate::http) static POLICIES: Collection = Collection {
    name: "directus_policies",
    short: "policies",
    columns: &[
        ("id", Kind::Id),
        ("name", Kind::Text),
        ("icon", Kind::Text),
        ("description", Kind::Text),
        ("ip_access", Kind::Json),
        ("enforce_tfa", Kind::Boolean),
        ("admin_access", Kind::Boolean),
        ("app_access", Kind::Boolean),
        ("permissions", Kind::Many("directus_permissions")),
        ("users", Kind::Many("directus_access")),
        ("roles", Kind::Many("directus_access")),
    ],
    single: false,
};

pub(in crate::http) static ACCESS: Collection = Collection {
    name: "directus_access",
    short: "access",
    columns: &[
        ("id", Kind::Id),
        ("role", Kind::One("directus_roles")),
        ("user", Kind::One("directus_users")),
        ("policy", Kind::One("directus_policies")),
        ("sort", Kind::Integer),
    ],
    single: false,
};

pub(in crate::http) static PERMISSIONS: Collection = Collection {
    name: "directus_permissions",
    short: "permissions",
    columns: &[
        ("id", Kind::Id),
        ("collection", Kind::Text),
        ("action", Kind::Text),
        ("permissions", Kind::Json),
        ("validation", Kind::Json),
        ("presets", Kind::Json),
        ("fields", Kind::Json),
        ("policy", Kind::One("directus_policies")),
    ],
    single: false,
};

pub(in crate::http) static SETTINGS: Collection = Collection {
    name: "directus_settings",
    short: "settings",
    columns: &[
        ("id", Kind::Id),
        ("project_name", Kind::Text),
        ("project_descriptor", Kind::Text),
        ("project_logo", Kind::Text),
        ("project_color", Kind::Text),
        ("default_appearance", Kind::Text),
        ("default_theme_light", Kind::Text),
        ("default_theme_dark", Kind::Text),
        ("theme_light_overrides", Kind::Json),
        ("theme_dark_overrides", Kind::Json),
        ("default_language", Kind::Text),
        ("public_foreground", Kind::Text),
        ("public_background", Kind::Text),
        ("public_favicon", Kind::Text),
        ("public_note", Kind::Text),
        ("custom_css", Kind::Text),
        ("public_registration", Kind::Boolean),
        ("public_registration_verify_email", Kind::Boolean),
        ("public_registration_role", Kind::One("directus_roles")),
        ("public_registration_email_filter", Kind::Json),
        ("auth_login_attempts", Kind::Integer),
        ("auth_password_policy", Kind::Text),
    ],
    single: true,
};

/// All collections; the place in this list is part of [`Rights`].
pub(in crate::http) static ALL: [&Collection; 6] = [&USERS, &ROLES, &POLICIES, &ACCESS, &PERMISSIONS, &SETTINGS];

/// What a caller may do: a bit for each action on each collection. Callers with the same rights see the same schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rights(u32);

impl Rights {
    /// Nothing.
    pub(super) const NONE: Self = Self(0);
    /// Everything: for administrators.
    pub(super) const ALL: Self = Self(u32::MAX);

    /// The rights in an answer of `GET /permissions/me`. What it does not name is not allowed.
    pub(super) fn of(permissions: &Value) -> Self {
        let mut rights = Self::NONE;
        for collection in ALL {
            for action in Action::ALL {
                let access = permissions.get(collection.name).and_then(|actions| actions.get(action.name()));
                let access = access.and_then(|access| access.get("access")).and_then(Value::as_str);
                if matches!(access, Some("full" | "partial")) {
                    rights.0 |= Self::bit(collection, action);
                }
            }
        }
        rights
    }

    pub(super) fn allows(self, action: Action, collection: &Collection) -> bool {
        self.0 & Self::bit(collection, action) != 0
    }

    fn bit(collection: &Collection, action: Action) -> u32 {
        let place = ALL.iter().position(|other| other.name == collection.name).unwrap_or_default();
        let action = Action::ALL.iter().position(|other| *other == action).unwrap_or_default();
        1 << (place * Action::ALL.len() + action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rights_are_read_from_the_answer_about_permissions() {
        let rights = Rights::of(&json!({
            "directus_users": { "read": { "access": "partial", "fields": ["id"] }, "update": { "access": "none" } },
            "directus_roles": { "create": { "access": "full" } },
            "posts": { "read": { "access": "full" } },
        }));
        assert!(rights.allows(Action::Read, &USERS) && rights.allows(Action::Create, &ROLES));
        for (action, collection) in
            [(Action::Update, &USERS), (Action::Delete, &USERS), (Action::Read, &ROLES), (Action::Read, &SETTINGS)]
        {
            assert!(!rights.allows(action, collection), "{action:?} {}", collection.name);
        }
        assert_eq!(Rights::of(&Value::Null), Rights::NONE);
        assert!(Rights::ALL.allows(Action::Delete, &SETTINGS));
    }

    #[test]
    fn every_right_has_a_bit_of_its_own() {
        let bits = ALL.iter().flat_map(|collection| Action::ALL.map(|action| Rights::bit(collection, action)));
        assert_eq!(
            bits.fold(0_u32, |seen, bit| {
                assert_eq!(seen & bit, 0);
                seen | bit
            })
            .count_ones(),
            24
        );
    }

    #[test]
    fn relations_lead_to_collections() {
        for collection in ALL {
            for (name, kind) in collection.columns {
                if let Kind::One(other) | Kind::Many(other) = kind {
                    assert!(ALL.iter().any(|collection| collection.name == *other), "{}.{name}", collection.name);
                }
            }
        }
    }
}
