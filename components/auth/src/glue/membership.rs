//! Accounts of people who sign in at providers: found, made, linked and kept up to date.
//!
//! Nothing of an account changes before it is certain that its owner is let in.

use super::{
    access,
    accounts::{self, account_change, assign, assign_text, author, columns, new_account, text},
    caller::find,
    convert, fault,
    gatewit::{
        auth::types::{Client, Reason},
        config::settings::Value as Setting,
        driver::types::{Identity, Subject},
        drivers::dispatch,
        log::log::Level,
        storage::{
            identities::{self, NewIdentity},
            records::{Action, Assignment, Change},
            sessions::Source,
            types::Value,
            users::{self, User},
        },
    },
    now_ms, write_log,
};
use crate::flow::{
    Refusal,
    filter::Condition,
    membership::{Arrival, Charter, IDENTIFIER_MAX, Mapping, NamedRole, Person, arrive},
    schema,
    sign_in::{DEFAULT_PROVIDER, Standing},
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// Policies that an account may have by its groups; more are not looked at.
const POLICIES_MAX: u32 = 1_000;

/// Roles whose names are compared with groups: more than any project has.
const ROLES_MAX: u32 = 10_000;

/// The driver whose people get accounts unless the operator forbids it, as in Directus: a directory is a list of those who
/// are to have one.
const REGISTERS: &str = "ldap";

/// Somebody at a provider.
pub(super) struct Visitor<'a> {
    pub(super) provider: &'a str,
    pub(super) identifier: &'a str,
    pub(super) identity: &'a Identity,
}

impl<'a> Visitor<'a> {
    /// Who a driver says that it is.
    pub(super) fn new(provider: &'a str, identity: &'a Identity) -> Result<Self, Reason> {
        let identifier = match &identity.subject {
            Subject::Identifier(identifier) | Subject::Email(identifier) => identifier,
        };
        if identifier.is_empty() || identifier.chars().count() > IDENTIFIER_MAX {
            refused("the identifier is empty or longer than 255 letters", provider);
            return Err(Refusal::InvalidCredentials.into());
        }
        Ok(Self { provider, identifier, identity })
    }

    /// What a session of theirs goes back to.
    pub(super) fn source(&self) -> Source {
        let session = self.identity.session.clone();
        Source { provider: self.provider.to_string(), identifier: self.identifier.to_string(), session }
    }

    fn new_identity(&self, user: &str) -> NewIdentity {
        NewIdentity {
            user: user.to_string(),
            provider: self.provider.to_string(),
            identifier: self.identifier.to_string(),
            email: self.identity.email.clone(),
        }
    }

    /// The account that lets them in, up to date. `check` has the last word before anything is written.
    pub(super) fn admit(&self, client: &Client, check: impl Fn(&User) -> Result<(), Reason>) -> Result<User, Reason> {
        let charter = charter(self.provider)?;
        if let Some(user) = identities::find(self.provider, self.identifier)? {
            stands(&user, self.provider)?;
            check(&user)?;
            return self.follow(user, &charter, client);
        }
        let same = match &self.identity.email {
            Some(email) => users::find_by_email(email)?,
            None => None,
        };
        let person = self.person();
        match (arrive(&charter, &person, same.is_some()), same) {
            (Arrival::Link, Some(user)) => {
                stands(&user, self.provider)?;
                check(&user)?;
                self.link(&user, client)?;
                Ok(user)
            }
            (Arrival::Register, _) => self.register(&charter, &person, client),
            (Arrival::Clash, _) => {
                refused("another account has the address", self.provider);
                Err(Refusal::InvalidProvider.into())
            }
            _ => {
                refused("there is no account, and none is made for this person", self.provider);
                Err(Refusal::InvalidCredentials.into())
            }
        }
    }

    /// Lets them sign in to an account besides what does already.
    pub(super) fn link(&self, user: &User, client: &Client) -> Result<(), Reason> {
        let is_new = identities::link(&self.new_identity(&user.id), &convert::client(client), now_ms())?;
        if !is_new {
            let owner = identities::find(self.provider, self.identifier)?;
            if owner.is_none_or(|owner| owner.id != user.id) {
                refused("the identity signs in to another account", self.provider);
                return Err(Refusal::InvalidProvider.into());
            }
        }
        self.remember()
    }

    /// Keeps what the driver wants to see again.
    fn remember(&self) -> Result<(), Reason> {
        match self.identity.auth_data.as_deref() {
            None => Ok(()),
            data => Ok(identities::set_auth_data(self.provider, self.identifier, data)?),
        }
    }

    fn person(&self) -> Person {
        let Identity { email, email_verified, groups, .. } = self.identity;
        Person { email: email.clone(), is_verified: *email_verified, groups: groups.clone() }
    }

    fn register(&self, charter: &Charter, person: &Person, client: &Client) -> Result<User, Reason> {
        let Identity { email, given_name, family_name, auth_data, .. } = self.identity;
        let mut assignments = vec![assign_text("provider", self.provider), assign_text("status", "active")];
        let optional = [("first_name", given_name), ("last_name", family_name), ("email", email)];
        assignments.extend(optional.into_iter().filter_map(|(name, value)| Some(assign_text(name, value.as_deref()?))));
        assignments.extend(charter.role(&person.groups).map(|role| assign_text("role", role)));
        assignments.extend(auth_data.clone().map(|data| assign("auth_data", Value::Json(data))));
        let own = [assignments.clone(), vec![assign_text("external_identifier", self.identifier)]].concat();
        let id = match self.create(own, client) {
            // The column is Directus's and holds each identifier once, whichever provider it is of.
            Err(Reason::NotUnique(clash)) if clash.field == "external_identifier" => {
                let id = self.create(assignments, client)?;
                identities::link(&self.new_identity(&id), &convert::client(client), now_ms())?;
                self.remember()?;
                id
            }
            other => other?,
        };
        let user = users::find(&id)?.ok_or(Reason::Internal)?;
        self.follow_policies(&user, charter, client)?;
        Ok(user)
    }

    fn create(&self, assignments: Vec<Assignment>, client: &Client) -> Result<String, Reason> {
        match accounts::write(&[new_account(assignments)], &[], &author(None, client)) {
            Ok(ids) => ids.and_then(|ids| ids.into_iter().next()).ok_or(Reason::Internal),
            Err(Reason::NotUnique(clash)) if clash.field == "email" => Err(Refusal::InvalidProvider.into()),
            Err(reason) => Err(self.explain(reason)),
        }
    }

    /// Brings an account up to date with what the provider says of its owner, if it was made for them.
    fn follow(&self, user: User, charter: &Charter, client: &Client) -> Result<User, Reason> {
        if user.provider != self.provider {
            self.remember()?;
            return Ok(user);
        }
        let wanted = self.wanted(&user, charter)?;
        let has_changed = !wanted.is_empty();
        if has_changed {
            let change = account_change(&user.id, wanted, Vec::new());
            let written = accounts::write(&[change], &[], &author(Some(&user.id), client));
            written.map_err(|reason| self.explain(reason))?;
        }
        self.remember()?;
        self.follow_policies(&user, charter, client)?;
        if !has_changed {
            return Ok(user);
        }
        users::find(&user.id)?.ok_or(Reason::InvalidCredentials)
    }

    /// What differs from the provider's word, as far as it follows it.
    fn wanted(&self, user: &User, charter: &Charter) -> Result<Vec<Assignment>, Reason> {
        let mut wanted = Vec::new();
        if charter.assigns_roles() {
            let role = charter.role(&self.identity.groups);
            if role != user.role.as_deref() {
                wanted.push(assign("role", role.map_or(Value::Null, |role| Value::Text(role.to_string()))));
            }
        }
        if !charter.follows {
            return Ok(wanted);
        }
        let names = ["first_name", "last_name", "email"];
        let stored = columns(schema::USERS, &user.id, names)?.ok_or(Reason::InvalidCredentials)?;
        let Identity { given_name, family_name, email, .. } = self.identity;
        for ((name, said), stored) in names.into_iter().zip([given_name, family_name, email]).zip(stored) {
            let Some(said) = said.as_deref().filter(|said| text(stored).as_deref() != Some(*said)) else { continue };
            if name == "email" && users::find_by_email(said)?.is_some_and(|other| other.id != user.id) {
                refused("another account has the new address, so the old one stays", self.provider);
                continue;
            }
            wanted.push(assign_text(name, said));
        }
        Ok(wanted)
    }

    /// Attaches the policies of the person's groups, and detaches those of groups that they left.
    fn follow_policies(&self, user: &User, charter: &Charter, client: &Client) -> Result<(), Reason> {
        let Some(mapping) = &charter.policies else { return Ok(()) };
        let wanted = mapping.all(&self.identity.groups);
        let condition = Condition::is("user", &user.id).and(Condition::among("policy", mapping.range()));
        let mut changes = Vec::new();
        let mut attached = Vec::new();
        for row in find(schema::ACCESS, &["id", "policy"], &condition, POLICIES_MAX)? {
            let Ok([id, policy]) = <[Value; 2]>::try_from(row) else { continue };
            let (Some(id), Some(policy)) = (convert::id(id), convert::id(policy)) else { continue };
            if wanted.contains(&policy.as_str()) {
                attached.push(policy);
            } else {
                changes.push(access_change(Action::Delete, Some(id), Vec::new()));
            }
        }
        for policy in wanted.into_iter().filter(|policy| !attached.iter().any(|other| other == policy)) {
            let row = vec![assign_text("user", &user.id), assign_text("policy", policy)];
            changes.push(access_change(Action::Create, None, row));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let written = accounts::write(&changes, &[], &author(Some(&user.id), client));
        written.map(drop).map_err(|reason| self.explain(reason))
    }

    /// A mapping that names a role or policy that is not there is the operator's to put right.
    fn explain(&self, reason: Reason) -> Reason {
        match reason {
            Reason::Dangling(clash) => {
                let facts = [("provider", self.provider), ("field", &clash.field), ("value", &clash.value)];
                fault("a role or policy of the provider's settings does not exist", &facts);
                Reason::InvalidProviderConfig(self.provider.to_string())
            }
            reason => reason,
        }
    }
}

fn access_change(action: Action, id: Option<String>, assignments: Vec<Assignment>) -> Change {
    Change { action, collection: schema::ACCESS.into(), id, assignments, expectations: Vec::new() }
}

/// Refuses accounts that may not sign in.
fn stands(user: &User, provider: &str) -> Result<(), Reason> {
    if convert::standing(user.status) == Standing::Active {
        return Ok(());
    }
    refused("the account is not active", provider);
    Err(Refusal::InvalidCredentials.into())
}

/// Says why somebody is not let in: it is the operator's business, not theirs.
pub(super) fn refused(why: &str, provider: &str) {
    write_log(Level::Warn, "a sign-in was refused", &[("provider", provider), ("why", why)]);
}

/// What the operator allows a provider.
fn charter(provider: &str) -> Result<Charter, Reason> {
    let text = |name| match dispatch::setting(provider, name) {
        Some(Setting::Text(text)) => Some(text),
        _ => None,
    };
    let flag = |name| matches!(dispatch::setting(provider, name), Some(Setting::Boolean(true)));
    let mapping = |name| match dispatch::setting(provider, name) {
        None => Ok(None),
        Some(Setting::Json(json)) => match Mapping::parse(&json) {
            Some(mapping) => Ok(Some(mapping)),
            None => Err(fault("a mapping is no object of ids", &[("provider", provider), ("setting", name)])),
        },
        Some(_) => Err(fault("a mapping is no object of ids", &[("provider", provider), ("setting", name)])),
    };
    Ok(Charter {
        registers: match dispatch::setting(provider, "allow-public-registration") {
            Some(Setting::Boolean(registers)) => registers,
            _ => convert::driver_of(provider).is_some_and(|driver| driver == REGISTERS),
        },
        wants_verified_email: flag("require-verified-email"),
        links_by_email: flag("link-verified-email"),
        follows: flag("sync-user-info"),
        default_role: text("default-role-id"),
        roles: mapping("role-mapping")?,
        named_roles: text("group-dn").filter(|base| !base.is_empty()).map(|_| named_roles()).transpose()?,
        policies: mapping("policy-mapping")?,
    })
}

/// All roles, as they lie in the store.
fn named_roles() -> Result<Vec<NamedRole>, Reason> {
    let rows = find(schema::ROLES, &["id", "name"], &Condition::always(), ROLES_MAX)?;
    let role = |row: Vec<Value>| {
        let [id, name] = <[Value; 2]>::try_from(row).ok()?;
        Some(NamedRole { id: convert::id(id)?, name: text(name)? })
    };
    Ok(rows.into_iter().filter_map(role).collect())
}

/// Asks the provider that a session goes back to whether the person may still be here.
pub(super) fn refresh(user: &User, source: Option<&Source>) -> Result<(), Reason> {
    let known = match source {
        Some(source) => Some((source.provider.clone(), source.identifier.clone())),
        None if user.provider == DEFAULT_PROVIDER => None,
        // A session that was not begun here: it goes back to what the account was made for.
        None => {
            let identifier = columns(schema::USERS, &user.id, ["external_identifier"])?;
            identifier.and_then(|[identifier]| text(identifier)).map(|found| (user.provider.clone(), found))
        }
    };
    let Some((provider, identifier)) = known else { return Ok(()) };
    let data = identities::auth_data(&provider, &identifier)?;
    match dispatch::refresh(&provider, &identifier, data.as_deref()) {
        Ok(next) if next == data => Ok(()),
        Ok(next) => Ok(identities::set_auth_data(&provider, &identifier, next.as_deref())?),
        Err(refusal) => Err(convert::driver_refusal(&provider, refusal)),
    }
}

/// Whether an account has to set up a second factor before it may do anything else.
pub(super) fn must_set_up(user: &User, client: &Client) -> Result<bool, Reason> {
    let policies = access::policies(Some(&user.id), user.role.as_deref(), client)?;
    Ok(user.tfa_secret.is_none() && crate::flow::access::demands_tfa(&policies))
}

/// A key of something that happens once.
pub(super) fn once(kind: &str, provider: &str, what: &str) -> String {
    format!("{kind}/{provider}/{what}")
}
