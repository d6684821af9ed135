//! The collections that can be read and written, with their columns: the only source of names in statements that are
//! made from a caller's words.
//!
//! [`Catalogue::known`] is what a current Directus has; [`Catalogue::found`] is that, corrected by what a database really
//! has: columns that somebody added are shown, columns that are missing read as null.

use super::{nonsense, quoted};
use crate::capability::storage::Error;
use std::{borrow::Cow, collections::HashMap};

/// How a column is kept and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Uuid,
    /// Of 32 bits.
    Integer,
    /// Of 64 bits.
    Long,
    Decimal,
    Boolean,
    Json,
    /// A time, shown with milliseconds and zone: `2026-11-21T17:05:58.248Z`.
    Time,
    /// A time, shown without: `2026-11-21T17:05:01`.
    LocalTime,
    /// A text whose content never leaves the host.
    Secret,
}

/// Whether two records may share a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unique {
    No,
    Exact,
    /// Without regard to case.
    Folded,
}

/// What a column's values name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference {
    No,
    /// Records of this collection.
    To(&'static str),
    /// Rows of a table that is not served.
    Elsewhere,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) unique: Unique,
    pub(super) reference: Reference,
    /// Whether this database has it.
    pub(super) present: bool,
}

/// What may be done with a collection, each including what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    Count,
    Read,
    /// The one record may be changed.
    Update,
    Write,
}

#[derive(Debug, Clone)]
pub(crate) struct Collection {
    pub(super) name: &'static str,
    pub(super) used: Use,
    pub(super) columns: Vec<Column>,
}

impl Collection {
    /// A column by its name.
    pub(super) fn column(&self, name: &str) -> Result<&Column, Error> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| nonsense(format!("`{}` has no column `{name}`", self.name)))
    }

    /// The column that identifies a record.
    pub(super) fn key(&self) -> Result<&Column, Error> {
        self.column("id")
    }

    /// The columns that the database has, in the order of the table.
    pub(super) fn present(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.present)
    }

    /// The names of [`Self::present`], as SQL.
    pub(super) fn names(&self) -> String {
        self.present().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }
}

/// Columns that a table has: name and declared type.
pub(crate) type Tables = HashMap<String, Vec<(String, String)>>;

#[derive(Debug, Clone)]
pub(crate) struct Catalogue(Vec<Collection>);

impl Catalogue {
    /// What a current Directus has, as far as it is used.
    pub(crate) fn known() -> Self {
        let collection = |(name, used, columns): &(&'static str, Use, &'static [Known])| Collection {
            name,
            used: *used,
            columns: columns.iter().map(|known| known.column()).collect(),
        };
        Self(KNOWN.iter().map(collection).collect())
    }

    /// The catalogue of a database with these tables.
    pub(crate) fn found(tables: &Tables) -> Self {
        let mut catalogue = Self::known();
        for collection in &mut catalogue.0 {
            correct(collection, tables.get(collection.name).map_or(&[], Vec::as_slice));
        }
        catalogue
    }

    /// The names of the collections.
    pub(crate) fn collections() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|(name, ..)| *name)
    }

    /// A collection by its name.
    pub(crate) fn collection(&self, name: &str) -> Result<&Collection, Error> {
        let found = self.0.iter().find(|collection| collection.name == name);
        found.ok_or_else(|| nonsense(format!("there is no collection `{name}`")))
    }

    /// A collection that may be used so.
    pub(super) fn collection_for(&self, name: &str, used: Use) -> Result<&Collection, Error> {
        let collection = self.collection(name)?;
        if collection.used < used {
            return Err(nonsense(format!("`{name}` is not open to that")));
        }
        Ok(collection)
    }

    /// Columns that are known and that this database does not have, as `table.column`.
    pub(crate) fn missing(&self) -> Vec<String> {
        let missing = |collection: &Collection| {
            let columns = collection.columns.iter().filter(|column| !column.present);
            columns.map(|column| format!("{}.{}", collection.name, column.name)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(missing).collect()
    }
}

fn correct(collection: &mut Collection, actual: &[(String, String)]) {
    let known = std::mem::take(&mut collection.columns);
    let is_known = |name: &str| known.iter().find(|column| column.name == *name);
    for (name, declared) in actual {
        match is_known(name) {
            Some(column) => {
                collection.columns.push(Column { kind: declared_kind(column.kind, declared), ..column.clone() });
            }
            // Sessions are only counted, and what nobody knows there may be a token.
            None if collection.used > Use::Count => collection.columns.push(added(name.clone(), declared)),
            None => {}
        }
    }
    for mut column in known {
        if !actual.iter().any(|(name, _)| column.name == *name) {
            column.present = false;
            collection.columns.push(column);
        }
    }
}

/// PostgreSQL says of a time whether it has a zone, and shows it so; SQLite does not know.
fn declared_kind(kind: Kind, declared: &str) -> Kind {
    match kind {
        Kind::Time | Kind::LocalTime if declared.contains("with time zone") => Kind::Time,
        Kind::Time | Kind::LocalTime if declared.contains("without time zone") => Kind::LocalTime,
        _ => kind,
    }
}

/// A column that somebody added.
fn added(name: String, declared: &str) -> Column {
    let declared = declared.to_ascii_lowercase();
    let has = |word: &str| declared.contains(word);
    let kind = match () {
        () if has("json") => Kind::Json,
        () if has("bool") => Kind::Boolean,
        () if has("uuid") => Kind::Uuid,
        () if has("with time zone") => Kind::Time,
        () if has("timestamp") || has("datetime") => Kind::LocalTime,
        () if has("bigint") => Kind::Long,
        () if has("int") => Kind::Integer,
        () if has("float") || has("double") || has("real") => Kind::Decimal,
        () => Kind::Text,
    };
    Column { name: Cow::Owned(name), kind, unique: Unique::No, reference: Reference::No, present: true }
}

/// A column that is known.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static str,
    kind: Kind,
    unique: Unique,
    reference: Reference,
}

impl Known {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, unique: Unique::No, reference: Reference::No }
    }

    const fn unique(self, unique: Unique) -> Self {
        Self { unique, ..self }
    }

    fn column(self) -> Column {
        let Self { name, kind, unique, reference } = self;
        Column { name: Cow::Borrowed(name), kind, unique, reference, present: true }
    }
}

const fn text(name: &'static str) -> Known {
    Known::new(name, Kind::Text)
}

const fn uuid(name: &'static str) -> Known {
    Known::new(name, Kind::Uuid)
}

const fn integer(name: &'static str) -> Known {
    Known::new(name, Kind::Integer)
}

const fn boolean(name: &'static str) -> Known {
    Known::new(name, Kind::Boolean)
}

const fn json(name: &'static str) -> Known {
    Known::new(name, Kind::Json)
}

const fn time(name: &'static str) -> Known {
    Known::new(name, Kind::Time)
}

const fn local_time(name: &'static str) -> Known {
    Known::new(name, Kind::LocalTime)
}

const fn secret(name: &'static str) -> Known {
    Known::new(name, Kind::Secret)
}

/// The identifier of a record of this collection.
const fn naming(name: &'static str, collection: &'static str) -> Known {
    Known { reference: Reference::To(collection), ..uuid(name) }
}

/// The identifier of a file.
const fn file(name: &'static str) -> Known {
    Known { reference: Reference::Elsewhere, ..uuid(name) }
}

const KNOWN: &[(&str, Use, &[Known])] = &[
    ("directus_users", Use::Write, USERS),
    ("directus_roles", Use::Write, ROLES),
    ("directus_policies", Use::Write, POLICIES),
    ("directus_access", Use::Write, ACCESS),
    ("directus_permissions", Use::Write, PERMISSIONS),
    ("directus_settings", Use::Update, SETTINGS),
    ("directus_activity", Use::Read, ACTIVITY),
    ("directus_revisions", Use::Read, REVISIONS),
    ("directus_shares", Use::Write, SHARES),
    ("directus_sessions", Use::Count, SESSIONS),
];

const USERS: &[Known] = &[
    uuid("id").unique(Unique::Exact),
    text("first_name"),
    text("last_name"),
    text("email").unique(Unique::Folded),
    secret("password"),
    text("location"),
    text("title"),
    text("description"),
    json("tags"),
    file("avatar"),
    text("language"),
    secret("tfa_secret"),
    text("status"),
    naming("role", "directus_roles"),
    secret("token").unique(Unique::Exact),
    local_time("last_access"),
    text("last_page"),
    text("provider"),
    text("external_identifier").unique(Unique::Folded),
    json("auth_data"),
    boolean("email_notifications"),
    text("appearance"),
    text("theme_dark"),
    text("theme_light"),
    json("theme_light_overrides"),
    json("theme_dark_overrides"),
    text("text_direction"),
];

const ROLES: &[Known] = &[
    uuid("id").unique(Unique::Exact),
    text("name"),
    text("icon"),
    text("description"),
    naming("parent", "directus_roles"),
];

const POLICIES: &[Known] = &[
    uuid("id").unique(Unique::Exact),
    text("name"),
    text("icon"),
    text("description"),
    text("ip_access"),
    boolean("enforce_tfa"),
    boolean("admin_access"),
    boolean("app_access"),
];

const ACCESS: &[Known] = &[
    uuid("id").unique(Unique::Exact),
    naming("role", "directus_roles"),
    naming("user", "directus_users"),
    naming("policy", "directus_policies"),
    integer("sort"),
];

const PERMISSIONS: &[Known] = &[
    integer("id").unique(Unique::Exact),
    text("collection"),
    text("action"),
    json("permissions"),
    json("validation"),
    json("presets"),
    text("fields"),
    naming("policy", "directus_policies"),
];

const SETTINGS: &[Known] = &[
    integer("id"),
    text("project_name"),
    text("project_url"),
    text("project_descriptor"),
    file("project_logo"),
    text("project_color"),
    text("default_appearance"),
    text("default_theme_light"),
    text("default_theme_dark"),
    json("theme_light_overrides"),
    json("theme_dark_overrides"),
    text("default_language"),
    file("public_foreground"),
    file("public_background"),
    file("public_favicon"),
    text("public_note"),
    text("custom_css"),
    boolean("public_registration"),
    boolean("public_registration_verify_email"),
    naming("public_registration_role", "directus_roles"),
    json("public_registration_email_filter"),
    integer("auth_login_attempts"),
    text("auth_password_policy"),
];

const ACTIVITY: &[Known] = &[
    integer("id"),
    text("action"),
    uuid("user"),
    time("timestamp"),
    text("ip"),
    text("user_agent"),
    text("collection"),
    text("item"),
    text("origin"),
];

const REVISIONS: &[Known] = &[
    integer("id"),
    integer("activity"),
    text("collection"),
    text("item"),
    json("data"),
    json("delta"),
    integer("parent"),
    uuid("version"),
];

const SHARES: &[Known] = &[
    uuid("id").unique(Unique::Exact),
    text("name"),
    text("collection"),
    text("item"),
    naming("role", "directus_roles"),
    secret("password"),
    naming("user_created", "directus_users"),
    time("date_created"),
    local_time("date_start"),
    local_time("date_end"),
    integer("times_used"),
    integer("max_uses"),
];

/// Without the tokens.
const SESSIONS: &[Known] = &[
    naming("user", "directus_users"),
    local_time("expires"),
    text("ip"),
    text("user_agent"),
    naming("share", "directus_shares"),
    text("origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(catalogue: &Catalogue, collection: &str) -> Vec<String> {
        let collection = catalogue.collection(collection).unwrap();
        collection.present().map(|column| column.name.to_string()).collect()
    }

    #[test]
    fn what_a_database_has_decides() {
        let column = |name: &str, declared: &str| (name.to_owned(), declared.to_owned());
        let tables = Tables::from([
            ("directus_roles".to_owned(), vec![column("name", "varchar"), column("colour", "json"), column("id", "x")]),
            ("directus_sessions".to_owned(), vec![column("token", "varchar"), column("user", "char(36)")]),
        ]);
        let catalogue = Catalogue::found(&tables);
        assert_eq!(names(&catalogue, "directus_roles"), ["name", "colour", "id"]);
        assert_eq!(catalogue.collection("directus_roles").unwrap().column("colour").unwrap().kind, Kind::Json);
        assert!(!catalogue.collection("directus_roles").unwrap().column("parent").unwrap().present);
        assert_eq!(names(&catalogue, "directus_sessions"), ["user"]);
        assert!(catalogue.missing().contains(&"directus_roles.parent".to_owned()));
    }

    #[test]
    fn times_are_shown_as_they_are_declared() {
        let kind = |declared: &str| {
            let columns = vec![("last_access".to_owned(), declared.to_owned())];
            let catalogue = Catalogue::found(&Tables::from([("directus_users".to_owned(), columns)]));
            catalogue.collection("directus_users").unwrap().column("last_access").unwrap().kind
        };
        assert_eq!(kind("timestamp with time zone"), Kind::Time);
        assert_eq!(kind("timestamp without time zone"), Kind::LocalTime);
        assert_eq!(kind("datetime"), Kind::LocalTime);
    }

    #[test]
    fn unknown_names_are_refused() {
        let catalogue = Catalogue::known();
        assert!(catalogue.collection("sqlite_master").is_err());
        assert!(catalogue.collection("directus_sessions").unwrap().column("token").is_err());
        assert!(catalogue.collection_for("directus_sessions", Use::Read).is_err());
        assert!(catalogue.collection_for("directus_activity", Use::Write).is_err());
        assert!(catalogue.missing().is_empty());
    }
}
