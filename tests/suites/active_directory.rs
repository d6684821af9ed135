//! Sign-in at a real Active Directory, of Samba, with the settings that the documentation recommends for one.
//!
//! Making a domain takes its time, so one is made for all, and each of what is looked at counts as a test of its own.

use anyhow::{Context as _, ensure};
use e2e::client::{Client, Request, Response};
use e2e::needs::Skip;
use e2e::runner::{Part, Test};
use e2e::samba::{DOMAIN, SERVICE, Samba};
use e2e::server::TestServer;
use serde_json::Value;

use crate::ldap::site::{DEFAULT, EDITOR, accounts, login, refused, serve, signed_in};

/// Each of what is looked at is a part.
pub(crate) fn tests() -> Vec<Test> {
    vec![Test::in_parts("active_directory::a_domain_of_samba", all)]
}

async fn all() -> anyhow::Result<Vec<Part>> {
    let mut samba = Samba::start().await?;
    let mut parts = Vec::new();
    let mut add = |name: &str, outcome: anyhow::Result<()>| -> anyhow::Result<()> {
        match outcome {
            Err(error) if error.is::<Skip>() => return Err(error),
            outcome => {
                parts.push(Part { name: name.to_owned(), failure: outcome.err().map(|error| format!("{error:#}")) });
            }
        }
        Ok(())
    };
    add("people_are_found_by_either_name", people_are_found_by_either_name(&samba).await)?;
    add("the_connection_is_encrypted_by_a_private_authority", encryption(&samba).await)?;
    add("groups_in_groups_count_by_the_matching_rule", groups_in_groups(&samba).await)?;
    add("wrong_passwords_and_names_with_a_meaning_are_refused", wrong_passwords(&samba).await)?;
    add("disabled_accounts_are_refused_at_sign_in_and_at_refresh", disabled(&mut samba).await)?;
    add("expired_accounts_are_refused", expired(&mut samba).await)?;
    add("a_password_that_has_to_be_changed_is_refused", to_be_changed(&mut samba).await)?;
    add("who_locks_an_account_is_refused_with_the_right_password_too", locked(&samba).await)?;
    Ok(parts)
}

/// The settings of the documentation, with the domain as the base of everything.
fn settings(samba: &Samba) -> Vec<(String, String)> {
    let authority = samba.authority.certificate("authority").display().to_string();
    let (url, mapping) = (format!("ldaps://{}", samba.address), format!(r#"json:{{"outer":"{EDITOR}"}}"#));
    [
        ("AUTH_PROVIDERS", "ld"),
        ("AUTH_LD_DRIVER", "ldap"),
        ("AUTH_LD_CLIENT_URL", url.as_str()),
        ("AUTH_LD_BIND_DN", SERVICE.0),
        ("AUTH_LD_BIND_PASSWORD", SERVICE.1),
        ("AUTH_LD_USER_DN", DOMAIN),
        ("AUTH_LD_USER_SCOPE", "sub"),
        ("AUTH_LD_USER_ATTRIBUTE", "sAMAccountName"),
        ("AUTH_LD_USER_ATTRIBUTE_ALTERNATIVE", "userPrincipalName"),
        ("AUTH_LD_GROUP_DN", DOMAIN),
        ("AUTH_LD_GROUP_SCOPE", "sub"),
        ("AUTH_LD_GROUP_NESTING", "rule"),
        ("AUTH_LD_ROLE_MAPPING", mapping.as_str()),
        ("AUTH_LD_DEFAULT_ROLE_ID", DEFAULT),
        ("AUTH_LD_CLIENT__TLS_OPTIONS__CA_FILE", authority.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

async fn server(samba: &Samba, more: &[(&str, &str)]) -> anyhow::Result<TestServer> {
    serve(&settings(samba), more).await
}

async fn sign_in(server: &TestServer, identifier: &str, password: &str) -> anyhow::Result<Response> {
    server.client().send(&login(identifier, password, "json")).await
}

async fn people_are_found_by_either_name(samba: &Samba) -> anyhow::Result<()> {
    let server = server(samba, &[]).await?;
    for identifier in ["alice", "ALICE", "alice@ad.example.com"] {
        signed_in(&sign_in(&server, identifier, "alice-pw").await?).context(identifier)?;
    }
    let found = accounts(&server).await?;
    let [account] = found.as_slice() else { anyhow::bail!("{found:?}") };
    let name = account[0].as_deref().unwrap_or_default();
    ensure!(name.eq_ignore_ascii_case(&format!("cn=alice,cn=users,{DOMAIN}")), "{account:?}");
    ensure!(
        account[1].as_deref() == Some("alice@ad.example.com") && account[3].as_deref() == Some("Alice"),
        "{account:?}"
    );
    Ok(())
}

async fn encryption(samba: &Samba) -> anyhow::Result<()> {
    let plain = format!("ldap://{}", samba.address);
    let start_tls = server(samba, &[("AUTH_LD_CLIENT_URL", &plain), ("AUTH_LD_START_TLS", "true")]).await?;
    signed_in(&sign_in(&start_tls, "alice", "alice-pw").await?)?;
    let stranger = server(samba, &[("AUTH_LD_CLIENT__TLS_OPTIONS__CA_FILE", "")]).await?;
    refused(&sign_in(&stranger, "alice", "alice-pw").await?, 503, "SERVICE_UNAVAILABLE")?;
    stranger.logged("its certificate or encryption is not good").await?;
    Ok(())
}

async fn groups_in_groups(samba: &Samba) -> anyhow::Result<()> {
    let role = async |nesting: &str, name: &str| {
        let server = server(samba, &[("AUTH_LD_GROUP_NESTING", nesting)]).await?;
        signed_in(&sign_in(&server, name, &format!("{name}-pw")).await?)?;
        let found = accounts(&server).await?;
        anyhow::Ok(found.first().and_then(|account| account[2].clone()))
    };
    // Alice is in `inner`, which is in `middle`, which is in `outer`.
    ensure!(role("rule", "alice").await?.as_deref() == Some(EDITOR), "by the rule");
    ensure!(role("recursive", "alice").await?.as_deref() == Some(EDITOR), "by asking again");
    ensure!(role("none", "alice").await?.as_deref() == Some(DEFAULT), "without nesting");
    ensure!(role("rule", "bob").await?.as_deref() == Some(DEFAULT), "somebody else");
    Ok(())
}

async fn wrong_passwords(samba: &Samba) -> anyhow::Result<()> {
    let server = server(samba, &[]).await?;
    for (identifier, password) in [
        ("alice", "bob-pw"),
        ("ghost", "ghost-pw"),
        ("*", "alice-pw"),
        ("ali*", "alice-pw"),
        ("alice)(cn=*", "alice-pw"),
        ("AD\\alice", "alice-pw"),
    ] {
        refused(&sign_in(&server, identifier, password).await?, 401, "INVALID_CREDENTIALS").context(identifier)?;
    }
    ensure!(accounts(&server).await?.is_empty(), "there is an account");
    // One wrong password is not three.
    signed_in(&sign_in(&server, "alice", "alice-pw").await?)?;
    let wrong = [("AUTH_LD_BIND_PASSWORD", "wrong")];
    let misled = serve(&settings(samba), &wrong).await?;
    refused(&sign_in(&misled, "alice", "alice-pw").await?, 503, "INVALID_PROVIDER_CONFIG")?;
    misled.logged("it refuses the bind account").await?;
    Ok(())
}

async fn refresh(client: &mut Client, token: &str) -> anyhow::Result<Response> {
    let body = serde_json::json!({"refresh_token": token, "mode": "json"});
    client.send(&Request::new("POST", "/auth/refresh").json(&body)).await
}

async fn disabled(samba: &mut Samba) -> anyhow::Result<()> {
    let server = server(samba, &[]).await?;
    let body = signed_in(&sign_in(&server, "carol", "carol-pw").await?)?;
    let token = body["refresh_token"].as_str().context("no token")?.to_owned();
    let mut client = server.client();
    let renewed: Value = refresh(&mut client, &token).await?.json()?;
    let token = renewed["data"]["refresh_token"].as_str().context("it is not renewed")?.to_owned();
    samba.set("carol", "userAccountControl", "514").await?;
    refused(&sign_in(&server, "carol", "carol-pw").await?, 401, "INVALID_CREDENTIALS")?;
    let answer = refresh(&mut client, &token).await?;
    refused(&answer, 401, "INVALID_CREDENTIALS")?;
    server.logged("userAccountControl is `514`").await?;
    samba.set("carol", "userAccountControl", "512").await?;
    signed_in(&sign_in(&server, "carol", "carol-pw").await?)?;
    Ok(())
}

async fn expired(samba: &mut Samba) -> anyhow::Result<()> {
    let server = server(samba, &[]).await?;
    signed_in(&sign_in(&server, "dave", "dave-pw").await?)?;
    // The first of January 2020.
    samba.set("dave", "accountExpires", "132223104000000000").await?;
    refused(&sign_in(&server, "dave", "dave-pw").await?, 401, "INVALID_CREDENTIALS")?;
    // The largest number is never.
    samba.set("dave", "accountExpires", "9223372036854775807").await?;
    signed_in(&sign_in(&server, "dave", "dave-pw").await?)?;
    Ok(())
}

async fn to_be_changed(samba: &mut Samba) -> anyhow::Result<()> {
    let server = server(samba, &[]).await?;
    samba.set("dave", "pwdLastSet", "0").await?;
    refused(&sign_in(&server, "dave", "dave-pw").await?, 401, "INVALID_CREDENTIALS")?;
    samba.set("dave", "pwdLastSet", "-1").await?;
    signed_in(&sign_in(&server, "dave", "dave-pw").await?)?;
    Ok(())
}

/// Three wrong passwords lock an account for an hour there, and nobody else's.
async fn locked(samba: &Samba) -> anyhow::Result<()> {
    let server = server(samba, &[]).await?;
    let body = signed_in(&sign_in(&server, "erin", "erin-pw").await?)?;
    let token = body["refresh_token"].as_str().context("no token")?.to_owned();
    for _ in 0..3 {
        refused(&sign_in(&server, "erin", "wrong").await?, 401, "INVALID_CREDENTIALS")?;
    }
    refused(&sign_in(&server, "erin", "erin-pw").await?, 401, "INVALID_CREDENTIALS")?;
    refused(&refresh(&mut server.client(), &token).await?, 401, "INVALID_CREDENTIALS")?;
    server.logged("msDS-User-Account-Control-Computed is `16`").await?;
    signed_in(&sign_in(&server, "bob", "bob-pw").await?)?;
    Ok(())
}
