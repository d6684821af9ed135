//! The walk through a sign-in, and through a refresh.
//!
//! The bind account finds the entry, the password is tried with it, and only then is the rest looked at: who does not know
//! a password learns nothing and costs two questions.

use crate::{
    Refusal,
    account::{self, Moment},
    directory::{Directory, Findings, Found},
    entry::Entry,
    filter::Filter,
    groups::{self, Group, Nesting, Walk},
    limits::{ENTRIES, IDENTIFIER_BYTES, PASSWORD_BYTES},
    line::Network,
    message::{Scope, Search},
    name::Name,
    person::{self, Person},
    settings::Settings,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// The attribute that groups are called by.
const CALLED: &str = "cn";

/// The attribute that `memberUid` refers to.
const UID: &str = "uid";

/// Entries that are of use where one is looked for: the second one says that there are several.
const ONE: usize = 2;

/// Says who has this identifier and this password.
///
/// # Errors
/// Nobody has, they may not sign in, or the directory cannot tell.
pub fn login<N: Network>(
    network: &N,
    settings: &Settings,
    identifier: &str,
    password: &str,
) -> Result<Person, Refusal> {
    if password.is_empty() {
        network.step("an empty password is refused: the directory would take it for no sign-in at all", &[]);
        return Err(Refusal::InvalidCredentials);
    }
    if identifier.len() > IDENTIFIER_BYTES || password.len() > PASSWORD_BYTES {
        network.step("the identifier or the password is longer than any that is asked about", &[]);
        return Err(Refusal::InvalidCredentials);
    }
    let mut directory = Directory::open(network, settings)?;
    let found = find(network, settings, &mut directory, identifier)?;
    directory.check_password(&found, password)?;
    account::check(&found.entry, now(network), Moment::SignIn).map_err(Refusal::Refused)?;
    let groups = if settings.reads_groups() {
        directory.return_to(&found)?;
        groups(network, settings, &mut directory, &found.entry)?
    } else {
        Vec::new()
    };
    directory.close();
    Ok(person::read(&found.entry, groups, settings))
}

/// Says whether whoever has this name may still be here.
///
/// # Errors
/// They may not, or the directory cannot tell.
pub fn refresh<N: Network>(network: &N, settings: &Settings, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || Name::parse(name).is_none() {
        return Err(Refusal::Refused("the identifier is not the name of an entry".to_string()));
    }
    let mut directory = Directory::open(network, settings)?;
    let entry = at(&mut directory, name, person::attributes(settings))?;
    let Some(entry) = entry else {
        return Err(Refusal::Refused(format!("the entry `{name}` is gone")));
    };
    let lock_seconds = lock_seconds(network, &mut directory, &entry)?;
    directory.close();
    account::check(&entry, now(network), Moment::Refresh { lock_seconds }).map_err(Refusal::Refused)
}

/// Tries what can be tried without a person: a server answers, takes the bind account, and has the bases. A line each.
///
/// # Errors
/// What does not work.
pub fn check<N: Network>(network: &N, settings: &Settings) -> Result<Vec<String>, Refusal> {
    let mut directory = Directory::open(network, settings)?;
    let mut found = Vec::from(["a server of the directory answers and takes the bind account".to_string()]);
    let group_base = settings.group_base.as_ref().filter(|_| settings.reads_groups());
    for (setting, base) in [("USER_DN", Some(&settings.user_base)), ("GROUP_DN", group_base)] {
        let Some(base) = base else { continue };
        if at(&mut directory, base, Vec::new())?.is_none() {
            let why = format!("{setting} `{base}` is not there, or the bind account may not see it");
            return Err(Refusal::Misconfigured(why));
        }
        found.push(format!("{setting} `{base}` is there"));
    }
    directory.close();
    Ok(found)
}

fn now<N: Network>(network: &N) -> i64 {
    i64::try_from(network.now()).unwrap_or(i64::MAX)
}

/// How long a lock of this entry lasts, where its policy says so.
fn lock_seconds<N: Network>(
    network: &N,
    directory: &mut Directory<'_, N>,
    entry: &Entry,
) -> Result<Option<i64>, Refusal> {
    let Some(policy) = entry.first(account::POLICY).filter(|_| account::may_be_locked(entry)) else { return Ok(None) };
    let policy = at(directory, policy, [account::LOCKOUT_DURATION.to_string()].into())?;
    let seconds = policy.as_ref().and_then(|policy| policy.number(account::LOCKOUT_DURATION));
    if seconds.is_none() {
        network.step("the password policy does not tell how long a lock lasts", &[]);
    }
    Ok(seconds)
}

/// One entry by its name.
fn at<N: Network>(
    directory: &mut Directory<'_, N>,
    name: &str,
    attributes: Vec<String>,
) -> Result<Option<Entry>, Refusal> {
    let search = Search { base: name.into(), scope: Scope::Base, filter: Filter::Any, attributes, most: ONE };
    Ok(directory.search(&search)?.entries.pop().map(|found| found.entry))
}

/// The one entry with an identifier.
fn find<N: Network>(
    network: &N,
    settings: &Settings,
    directory: &mut Directory<'_, N>,
    identifier: &str,
) -> Result<Found, Refusal> {
    if let Some(found) = find_by(network, settings, directory, &settings.user_attribute, identifier)? {
        return Ok(found);
    }
    if let Some(alternative) = &settings.user_alternative {
        let facts = [("attribute", settings.user_attribute.as_str()), ("alternative", alternative)];
        network.step("nobody has the identifier in the first attribute, so the alternative is looked at", &facts);
        if let Some(found) = find_by(network, settings, directory, alternative, identifier)? {
            return Ok(found);
        }
    }
    network.step("nobody has the identifier", &[("base", &settings.user_base)]);
    Err(Refusal::InvalidCredentials)
}

fn find_by<N: Network>(
    network: &N,
    settings: &Settings,
    directory: &mut Directory<'_, N>,
    attribute: &str,
    identifier: &str,
) -> Result<Option<Found>, Refusal> {
    let filter = Filter::equals(attribute, identifier);
    // Not what was typed: some type their password there.
    network.step("the entry is searched", &[("base", &settings.user_base), ("attribute", attribute)]);
    let search = Search {
        base: settings.user_base.clone(),
        scope: settings.user_scope,
        filter: filter.clone(),
        attributes: person::attributes(settings),
        most: ONE,
    };
    let Findings { mut entries, is_cut, is_baseless } = directory.search(&search)?;
    if is_cut || entries.len() > 1 {
        let why = format!("several entries have {}, and one of them would be a guess", filter.shown());
        return Err(Refusal::Refused(why));
    }
    if is_baseless && entries.is_empty() {
        let base = &settings.user_base;
        return Err(Refusal::Misconfigured(format!(
            "USER_DN `{base}` is not there, or the bind account may not see it"
        )));
    }
    Ok(entries.pop().filter(|found| !found.entry.name.is_empty()))
}

/// What somebody's groups are called.
fn groups<N: Network>(
    network: &N,
    settings: &Settings,
    directory: &mut Directory<'_, N>,
    entry: &Entry,
) -> Result<Vec<String>, Refusal> {
    let mut walk = Walk::default();
    let base = settings.group_base.as_deref();
    if let Some(attribute) = &settings.member_of {
        let base = base.and_then(Name::parse);
        take(&mut walk, groups::named(entry.texts(attribute), base.as_ref()))?;
    } else if let (Some(base), Some(filter)) = (base, direct(settings, entry)) {
        take(&mut walk, search(settings, directory, base, filter)?)?;
    } else {
        network.step("the entry has no uid, so it is in no group of the kind memberUid", &[]);
    }
    if let (Nesting::Recursive, Some(base)) = (settings.nesting, base) {
        while let Some(filter) = walk.next_question(&settings.group_attribute) {
            take(&mut walk, search(settings, directory, base, filter)?)?;
        }
        if walk.is_cut() {
            network.warn("groups in groups go too deep, and the deepest are left out", &[("entry", &entry.name)]);
        }
    }
    let names = walk.into_names();
    network.step("the groups are known", &[("groups", &names.join(", "))]);
    Ok(names)
}

/// What groups have that the entry is in.
fn direct(settings: &Settings, entry: &Entry) -> Option<Filter> {
    let attribute = &settings.group_attribute;
    Some(match settings.nesting {
        _ if settings.counts_uids() => Filter::equals(attribute, entry.first(UID)?),
        Nesting::Rule => Filter::InChain(attribute.clone(), entry.name.clone()),
        Nesting::None | Nesting::Recursive => Filter::equals(attribute, &entry.name),
    })
}

fn take(walk: &mut Walk, groups: Vec<Group>) -> Result<(), Refusal> {
    walk.found(groups).map_err(too_many)
}

fn too_many(most: usize) -> Refusal {
    Refusal::Unavailable(format!("the directory tells of more than {most} groups"))
}

fn search<N: Network>(
    settings: &Settings,
    directory: &mut Directory<'_, N>,
    base: &str,
    filter: Filter,
) -> Result<Vec<Group>, Refusal> {
    let search = Search {
        base: base.into(),
        scope: settings.group_scope,
        filter,
        attributes: [CALLED.to_string()].into(),
        most: ENTRIES,
    };
    let Findings { entries, is_cut, is_baseless } = directory.search(&search)?;
    if is_cut {
        return Err(too_many(ENTRIES));
    }
    if is_baseless && entries.is_empty() {
        return Err(Refusal::Misconfigured(format!(
            "GROUP_DN `{base}` is not there, or the bind account may not see it"
        )));
    }
    let group = |found: Found| {
        let called = found.entry.first(CALLED)?.to_string();
        Some(Group { name: found.entry.name, called })
    };
    Ok(entries.into_iter().filter_map(group).collect())
}

#[cfg(test)]
mod tests;
