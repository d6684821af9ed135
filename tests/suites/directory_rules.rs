//! People whose passwords a directory knows, in a host in memory: who gets an account and which role, and what wrong second
//! factors cost.

use anyhow::{Context as _, ensure};
use e2e::host::Memory;
use e2e::host::contract::{Attempt, Form, Grant, Provider, Reason, Value, rules_driver};
use e2e::host::setting::{boolean, words};

use crate::membership::world::{ann, client, rules, text, world};

e2e::suite! {
    a_directory_makes_accounts_unless_it_is_told_not_to,
    other_drivers_make_none_unless_they_are_told_to,
    a_role_of_the_groups_name_is_given_and_taken,
    a_session_goes_back_to_the_directory,
    wrong_second_factors_are_counted_at_the_account,
    a_name_like_somebody_elses_address_counts_nothing_there,
}

/// The provider `dir`, of this driver, which knows Ann.
fn with_directory(driver: &str) -> Memory {
    let mut memory = world();
    let (name, driver) = ("dir".to_owned(), driver.to_owned());
    memory.at_providers.listed.push(Provider { name, driver, label: None, icon: None, session: true });
    memory.identity = Some(Ok(rules_driver::Identity { auth_data: None, ..ann() }));
    memory
}

fn set(memory: &mut Memory, name: &str, value: e2e::host::setting::Value) {
    memory.at_providers.settings.insert(("dir".to_owned(), name.to_owned()), value);
}

fn sign_in(memory: Memory, otp: Option<&str>) -> anyhow::Result<(Result<Grant, Reason>, Memory)> {
    let attempt = Attempt {
        provider: "dir".to_owned(),
        account: Some("ann".to_owned()),
        values: vec!["ann".to_owned(), "password".to_owned()],
        otp: otp.map(ToOwned::to_owned),
        form: Form::Tokens,
    };
    rules()?.call(memory, |rules, store| rules.gatewit_auth_sessions().call_login(store, &attempt, &client()))
}

/// A column of Ann's account.
fn column<'a>(memory: &'a Memory, name: &str) -> Option<&'a Value> {
    let users = memory.tables.get("directus_users")?;
    users.iter().find(|user| user.get("provider") == Some(&text("dir")))?.get(name)
}

async fn a_directory_makes_accounts_unless_it_is_told_not_to() -> anyhow::Result<()> {
    let (answer, memory) = sign_in(with_directory("ldap"), None)?;
    ensure!(answer.is_ok(), "{answer:?}");
    ensure!(column(&memory, "external_identifier") == Some(&text("ann")) && column(&memory, "role").is_none());
    let mut closed = with_directory("ldap");
    set(&mut closed, "allow-public-registration", boolean(false));
    let (answer, memory) = sign_in(closed, None)?;
    ensure!(matches!(answer, Err(Reason::InvalidCredentials)), "{answer:?}");
    ensure!(column(&memory, "id").is_none());
    Ok(())
}

async fn other_drivers_make_none_unless_they_are_told_to() -> anyhow::Result<()> {
    let (answer, memory) = sign_in(with_directory("badge-reader"), None)?;
    ensure!(matches!(answer, Err(Reason::InvalidCredentials)) && column(&memory, "id").is_none(), "{answer:?}");
    let mut open = with_directory("badge-reader");
    set(&mut open, "allow-public-registration", boolean(true));
    let (answer, _) = sign_in(open, None)?;
    ensure!(answer.is_ok(), "{answer:?}");
    Ok(())
}

async fn a_role_of_the_groups_name_is_given_and_taken() -> anyhow::Result<()> {
    let mut memory = with_directory("ldap");
    let groups = match &memory.identity {
        Some(Ok(identity)) => identity.groups.clone(),
        _ => Vec::new(),
    };
    let group = groups.first().context("Ann is in no group")?.to_uppercase();
    memory.put("directus_roles", &[("id", text("role-of-the-group")), ("name", text(&group))]);
    // Without GROUP_DN a name is just a name.
    let (_, mut memory) = sign_in(memory, None)?;
    ensure!(column(&memory, "role").is_none(), "{:?}", column(&memory, "role"));
    set(&mut memory, "group-dn", words("ou=groups"));
    let (_, mut memory) = sign_in(memory, None)?;
    ensure!(column(&memory, "role") == Some(&text("role-of-the-group")), "{:?}", column(&memory, "role"));
    let Some(Ok(identity)) = &mut memory.identity else { anyhow::bail!("nobody") };
    identity.groups.clear();
    let (_, memory) = sign_in(memory, None)?;
    ensure!(!matches!(column(&memory, "role"), Some(Value::Text(_))), "{:?}", column(&memory, "role"));
    Ok(())
}

async fn a_session_goes_back_to_the_directory() -> anyhow::Result<()> {
    let (answer, memory) = sign_in(with_directory("ldap"), None)?;
    let token = answer.map_err(|reason| anyhow::anyhow!("{reason:?}"))?.refresh_token;
    let source = memory.sessions.get(&token).and_then(|session| session.source.clone()).context("no source")?;
    ensure!((source.provider.as_str(), source.identifier.as_str()) == ("dir", "ann"), "{source:?}");
    Ok(())
}

async fn wrong_second_factors_are_counted_at_the_account() -> anyhow::Result<()> {
    let (_, mut memory) = sign_in(with_directory("ldap"), None)?;
    let users = memory.tables.get_mut("directus_users").context("no accounts")?;
    let user = users.iter_mut().find(|user| user.get("provider") == Some(&text("dir"))).context("no account")?;
    user.insert("tfa_secret".to_owned(), text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    let (answer, memory) = sign_in(memory, None)?;
    ensure!(matches!(answer, Err(Reason::InvalidOtp)), "{answer:?}");
    let counted = |memory: &Memory| memory.counts("attempts/dir/ann/");
    ensure!(!counted(&memory), "nobody guessed");
    let (answer, memory) = sign_in(memory, Some("000000"))?;
    ensure!(matches!(answer, Err(Reason::InvalidOtp)) && counted(&memory), "{answer:?}");
    Ok(())
}

async fn a_name_like_somebody_elses_address_counts_nothing_there() -> anyhow::Result<()> {
    let mut memory = with_directory("ldap");
    memory.identity = None;
    let attempt = Attempt {
        provider: "dir".to_owned(),
        account: Some("owner@example.com".to_owned()),
        values: vec!["owner@example.com".to_owned(), "x".to_owned()],
        otp: None,
        form: Form::Tokens,
    };
    let call =
        rules()?.call(memory, |rules, store| rules.gatewit_auth_sessions().call_login(store, &attempt, &client()));
    let (answer, memory) = call?;
    ensure!(matches!(answer, Err(Reason::InvalidCredentials)), "{answer:?}");
    ensure!(!memory.counts("attempts/"), "counted at an account of passwords");
    Ok(())
}
