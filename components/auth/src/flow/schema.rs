//! The collections that accounts and their rights consist of: their fields, in the order in which they are shown.
//!
//! Names and order are Directus's. Absent: columns that no client sees, and collections that have nothing to do with
//! accounts.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// An id.
    Uuid,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// Any JSON.
    Json,
    /// Texts, shown as a list and kept with commas.
    List,
    /// A moment.
    Time,
    /// Something that is written but never shown.
    Secret,
    /// The id of a record of this collection, in the field of this name.
    One(&'static str),
    /// The records of a collection that name this one in a field of theirs; no column here.
    Many {
        /// The other collection.
        collection: &'static str,
        /// The field there.
        key: &'static str,
    },
}

/// A field of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// A collection.
#[derive(Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its name.
    pub name: &'static str,
    /// Its fields in order; the first is the id.
    pub fields: &'static [Field],
    /// Whether it holds exactly one record.
    pub singleton: bool,
    /// Whether clients may write it.
    pub writable: bool,
}

/// The accounts.
pub const USERS: &str = "directus_users";
/// The roles.
pub const ROLES: &str = "directus_roles";
/// The policies.
pub const POLICIES: &str = "directus_policies";
/// What attaches policies to roles and accounts.
pub const ACCESS: &str = "directus_access";
/// What policies permit.
pub const PERMISSIONS: &str = "directus_permissions";
/// The one record of settings.
pub const SETTINGS: &str = "directus_settings";
/// What happened.
pub const ACTIVITY: &str = "directus_activity";
/// What changed.
pub const REVISIONS: &str = "directus_revisions";
/// Links to single records.
pub const SHARES: &str = "directus_shares";

/// All collections.
pub static COLLECTIONS: [Collection; 9] = [
    Collection { name: USERS, fields: USER_FIELDS, singleton: false, writable: true },
    Collection { name: ROLES, fields: ROLE_FIELDS, singleton: false, writable: true },
    Collection { name: POLICIES, fields: POLICY_FIELDS, singleton: false, writable: true },
    Collection { name: ACCESS, fields: ACCESS_FIELDS, singleton: false, writable: true },
    Collection { name: PERMISSIONS, fields: PERMISSION_FIELDS, singleton: false, writable: true },
    Collection { name: SETTINGS, fields: SETTING_FIELDS, singleton: true, writable: true },
    Collection { name: ACTIVITY, fields: ACTIVITY_FIELDS, singleton: false, writable: false },
    Collection { name: REVISIONS, fields: REVISION_FIELDS, singleton: false, writable: false },
    Collection { name: SHARES, fields: SHARE_FIELDS, singleton: false, writable: true },
];

/// The collection of this name.
#[must_use]
pub fn collection(name: &str) -> Option<&'static Collection> {
    COLLECTIONS.iter().find(|collection| collection.name == name)
}

impl Collection {
    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that identifies a record.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.fields.first().map_or("id", |field| field.name)
    }
}

/// How many letters a text may have, by collection and field: those of Directus's columns. PostgreSQL keeps to them, and
/// a text that only some databases take is taken by none.
const LETTERS: [(&str, &[(&str, usize)]); 6] = [
    (
        USERS,
        &[
            ("first_name", 50),
            ("last_name", 50),
            ("email", 128),
            ("location", 255),
            ("title", 50),
            ("language", 255),
            ("status", 16),
            ("token", 255),
            ("last_page", 255),
            ("provider", 128),
            ("external_identifier", 255),
            ("appearance", 255),
            ("theme_dark", 255),
            ("theme_light", 255),
            ("text_direction", 255),
        ],
    ),
    (ROLES, &[("name", 100), ("icon", 64)]),
    (POLICIES, &[("name", 100), ("icon", 64)]),
    (PERMISSIONS, &[("collection", 64), ("action", 10)]),
    (
        SETTINGS,
        &[
            ("project_name", 100),
            ("project_url", 255),
            ("project_color", 255),
            ("project_descriptor", 100),
            ("auth_password_policy", 100),
            ("default_language", 255),
            ("default_appearance", 255),
            ("default_theme_light", 255),
            ("default_theme_dark", 255),
        ],
    ),
    (SHARES, &[("name", 255), ("collection", 64), ("item", 255)]),
];

/// Fields that are never empty, by collection: those that a new record has to be given, and those that have a value by
/// themselves.
const NEEDED: [(&str, &[&str], &[&str]); 7] = [
    (USERS, &[], &["status", "provider", "text_direction"]),
    (ROLES, &["name"], &["icon"]),
    (POLICIES, &["name"], &["icon", "enforce_tfa", "admin_access", "app_access"]),
    (ACCESS, &["policy"], &[]),
    (PERMISSIONS, &["collection", "action", "policy"], &[]),
    (
        SETTINGS,
        &[],
        &[
            "project_name",
            "project_color",
            "default_language",
            "default_appearance",
            "public_registration",
            "public_registration_verify_email",
        ],
    ),
    (SHARES, &["collection", "item"], &[]),
];

/// The first field that a new record lacks. `is_given` tells of a field.
#[must_use]
pub fn missing(collection: &str, is_given: impl Fn(&str) -> bool) -> Option<&'static str> {
    let (_, given, _) = NEEDED.iter().find(|(name, ..)| *name == collection)?;
    given.iter().find(|name| !is_given(name)).copied()
}

/// Whether a field is never empty.
#[must_use]
pub fn is_needed(collection: &str, field: &str) -> bool {
    let needed = NEEDED.iter().find(|(name, ..)| *name == collection);
    needed.is_some_and(|(_, given, own)| given.iter().chain(*own).any(|name| *name == field))
}

/// Whether a text is longer than its field.
#[must_use]
pub fn is_too_long(collection: &str, field: &str, text: &str) -> bool {
    let fields = LETTERS.iter().find(|(name, _)| *name == collection).map_or(&[][..], |(_, fields)| fields);
    let letters = fields.iter().find(|(name, _)| *name == field).map(|(_, letters)| *letters);
    letters.is_some_and(|letters| text.chars().count() > letters)
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

const fn many(name: &'static str, collection: &'static str, key: &'static str) -> Field {
    field(name, Kind::Many { collection, key })
}

const USER_FIELDS: &[Field] = &[
    field("id", Kind::Uuid),
    text("first_name"),
    text("last_name"),
    text("email"),
    field("password", Kind::Secret),
    text("location"),
    text("title"),
    text("description"),
    field("tags", Kind::Json),
    field("avatar", Kind::Uuid),
    text("language"),
    field("tfa_secret", Kind::Secret),
    text("status"),
    field("role", Kind::One(ROLES)),
    field("token", Kind::Secret),
    field("last_access", Kind::Time),
    text("last_page"),
    text("provider"),
    text("external_identifier"),
    field("auth_data", Kind::Json),
    field("email_notifications", Kind::Boolean),
    text("appearance"),
    text("theme_dark"),
    text("theme_light"),
    field("theme_light_overrides", Kind::Json),
    field("theme_dark_overrides", Kind::Json),
    text("text_direction"),
    many("policies", ACCESS, "user"),
];

const ROLE_FIELDS: &[Field] = &[
    field("id", Kind::Uuid),
    text("name"),
    text("icon"),
    text("description"),
    field("parent", Kind::One(ROLES)),
    many("children", ROLES, "parent"),
    many("policies", ACCESS, "role"),
    many("users", USERS, "role"),
];

const POLICY_FIELDS: &[Field] = &[
    field("id", Kind::Uuid),
    text("name"),
    text("icon"),
    text("description"),
    field("ip_access", Kind::List),
    field("enforce_tfa", Kind::Boolean),
    field("admin_access", Kind::Boolean),
    field("app_access", Kind::Boolean),
    many("permissions", PERMISSIONS, "policy"),
    many("users", ACCESS, "policy"),
    many("roles", ACCESS, "policy"),
];

const ACCESS_FIELDS: &[Field] = &[
    field("id", Kind::Uuid),
    field("role", Kind::One(ROLES)),
    field("user", Kind::One(USERS)),
    field("policy", Kind::One(POLICIES)),
    field("sort", Kind::Integer),
];

const PERMISSION_FIELDS: &[Field] = &[
    field("id", Kind::Integer),
    text("collection"),
    text("action"),
    field("permissions", Kind::Json),
    field("validation", Kind::Json),
    field("presets", Kind::Json),
    field("fields", Kind::List),
    field("policy", Kind::One(POLICIES)),
];

const SETTING_FIELDS: &[Field] = &[
    field("id", Kind::Integer),
    text("project_name"),
    text("project_url"),
    text("project_color"),
    field("project_logo", Kind::Uuid),
    field("public_foreground", Kind::Uuid),
    field("public_background", Kind::Uuid),
    text("public_note"),
    field("auth_login_attempts", Kind::Integer),
    text("auth_password_policy"),
    text("custom_css"),
    text("project_descriptor"),
    text("default_language"),
    field("public_favicon", Kind::Uuid),
    text("default_appearance"),
    text("default_theme_light"),
    field("theme_light_overrides", Kind::Json),
    text("default_theme_dark"),
    field("theme_dark_overrides", Kind::Json),
    field("public_registration", Kind::Boolean),
    field("public_registration_verify_email", Kind::Boolean),
    field("public_registration_role", Kind::One(ROLES)),
    field("public_registration_email_filter", Kind::Json),
];

const ACTIVITY_FIELDS: &[Field] = &[
    field("id", Kind::Integer),
    text("action"),
    field("user", Kind::One(USERS)),
    field("timestamp", Kind::Time),
    text("ip"),
    text("user_agent"),
    text("collection"),
    text("item"),
    text("origin"),
    many("revisions", REVISIONS, "activity"),
];

const REVISION_FIELDS: &[Field] = &[
    field("id", Kind::Integer),
    field("activity", Kind::One(ACTIVITY)),
    text("collection"),
    text("item"),
    field("data", Kind::Json),
    field("delta", Kind::Json),
    field("parent", Kind::One(REVISIONS)),
    text("version"),
];

const SHARE_FIELDS: &[Field] = &[
    field("id", Kind::Uuid),
    text("name"),
    text("collection"),
    text("item"),
    field("role", Kind::One(ROLES)),
    field("password", Kind::Secret),
    field("user_created", Kind::One(USERS)),
    field("date_created", Kind::Time),
    field("date_start", Kind::Time),
    field("date_end", Kind::Time),
    field("times_used", Kind::Integer),
    field("max_uses", Kind::Integer),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_needs_are_those_of_fields_that_exist() {
        for (collection, fields) in LETTERS {
            for (name, _) in fields {
                assert!(super::collection(collection).unwrap().field(name).is_some(), "{collection}.{name}");
            }
        }
        for (collection, given, own) in NEEDED {
            for name in given.iter().chain(own) {
                assert!(super::collection(collection).unwrap().field(name).is_some(), "{collection}.{name}");
            }
        }
        assert_eq!(missing(SHARES, |name| name == "collection"), Some("item"));
        assert!(missing(USERS, |_| false).is_none() && is_needed(USERS, "status") && !is_needed(USERS, "email"));
        assert!(is_too_long(ROLES, "name", &"é".repeat(101)) && !is_too_long(ROLES, "name", &"é".repeat(100)));
        assert!(!is_too_long(ROLES, "description", &"x".repeat(10_000)));
    }

    #[test]
    fn relations_lead_to_fields_that_exist() {
        for collection in &COLLECTIONS {
            for field in collection.fields {
                match field.kind {
                    Kind::One(other) => assert!(super::collection(other).is_some(), "{other}"),
                    Kind::Many { collection: other, key } => {
                        let found = super::collection(other).and_then(|other| other.field(key));
                        assert!(
                            matches!(found.map(|field| field.kind), Some(Kind::One(back)) if back == collection.name)
                        );
                    }
                    _ => {}
                }
            }
        }
    }
}
