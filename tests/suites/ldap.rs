//! Sign-in at a real directory, of `slapd`; what was recorded with a Directus and the same tree is what is expected, but
//! for the weaknesses.

pub(crate) mod site;

use anyhow::ensure;
use e2e::authority::Authority;
use e2e::calls::refresh;
use e2e::client::Request;
use e2e::slapd::{Options, ROOT, SERVICE, Slapd};
use e2e::{fixture, otp, replay};
use serde_json::json;

use site::{DEFAULT, EDITOR, Site, login, refused, serve, settings, signed_in};

e2e::suite! {
    what_was_recorded_with_a_directus_is_answered_again,
    a_new_person_is_signed_in_in_every_mode,
    who_is_known_is_signed_in_to_the_same_account,
    wrong_passwords_change_nothing,
    what_means_something_in_a_filter_means_nothing_in_an_identifier,
    a_body_is_checked_first,
    disabled_and_expired_accounts_are_refused,
    an_account_that_is_disabled_later_is_not_renewed,
    a_locked_account_is_refused_and_not_renewed,
    an_address_of_somebody_else_is_not_taken,
    registration_can_be_switched_off,
    roles_follow_groups_by_name_and_by_mapping,
    policies_follow_groups_by_mapping,
    groups_in_groups_count_if_wanted,
    people_name_their_groups_themselves,
    names_follow_the_directory_if_wanted,
    the_second_attribute_is_looked_at_and_told,
    several_entries_are_no_entry,
    a_directory_that_is_down_is_unavailable,
    the_next_server_stands_in,
    settings_that_do_not_work_are_told_to_the_operator_only,
    tls_by_a_private_authority_and_with_our_certificate,
    start_tls_before_anything_is_said,
    a_socket_of_this_machine,
    referrals_are_followed_only_if_wanted,
    a_second_factor_is_asked_for,
}

/// The recorded exchanges, with a directory of the recorded tree.
async fn what_was_recorded_with_a_directus_is_answered_again() -> anyhow::Result<()> {
    let slapd = Slapd::start(&Options::default()).await?;
    let (here, nobody) = (slapd.port, e2e::oidc::free_port()?);
    let mut group = fixture::group_in("ldap", "recorded")?;
    for value in group.parts.iter_mut().flat_map(|part| part.env.values_mut()) {
        *value = value.replace("{{directory}}", &format!("ldap://127.0.0.1:{here}"));
        *value = value.replace("{{nobody}}", &format!("ldap://127.0.0.1:{nobody}"));
    }
    replay::play_group("ldap", &group).await
}

async fn a_new_person_is_signed_in_in_every_mode() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    let mut client = site.client();
    let answer = client.send(&login("alice", "alice-pw", "json")).await?;
    let body = signed_in(&answer)?;
    let keys: Vec<&String> = body.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    ensure!(keys == ["access_token", "expires", "refresh_token"] && body["expires"] == 900_000, "{body}");
    let answer = client.send(&login("alice", "alice-pw", "cookie")).await?;
    let body = signed_in(&answer)?;
    let cookie = answer.header("set-cookie").unwrap_or_default();
    ensure!(cookie.starts_with("directus_refresh_token=") && body.get("refresh_token").is_none(), "{cookie} {body}");
    let answer = client.send(&login("alice", "alice-pw", "session")).await?;
    let body = signed_in(&answer)?;
    let cookie = answer.header("set-cookie").unwrap_or_default().to_owned();
    ensure!(cookie.starts_with("directus_session_token=") && body["expires"] == 86_400_000, "{cookie} {body}");
    // The body has the token of the cookie, and a refresh does not.
    let token = body["access_token"].as_str().unwrap_or_default();
    ensure!(cookie.starts_with(&format!("directus_session_token={token};")), "{cookie}");
    let refresh = Request::new("POST", "/auth/refresh").json(&json!({"mode": "session"}));
    let refresh = refresh.header("Cookie", &format!("directus_session_token={token}"));
    let answer = client.send(&refresh).await?;
    ensure!(answer.text() == r#"{"data":{"expires":86400000}}"#, "{}", answer.text());
    let accounts = site.accounts().await?;
    let [account] = accounts.as_slice() else { anyhow::bail!("{accounts:?}") };
    let expected =
        [format!("cn=alice,ou=people,{ROOT}"), "alice@ldap.example.com".into(), DEFAULT.into(), "Alice".into()];
    ensure!(account.iter().flatten().eq(&expected), "{account:?}");
    Ok(())
}

async fn who_is_known_is_signed_in_to_the_same_account() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    for identifier in ["alice", "ALICE", "Alice"] {
        signed_in(&site.sign_in(identifier, "alice-pw").await?)?;
    }
    signed_in(&site.sign_in("nomail", "nomail-pw").await?)?;
    let accounts = site.accounts().await?;
    ensure!(accounts.len() == 2 && accounts[1][1].is_none(), "{accounts:?}");
    Ok(())
}

async fn wrong_passwords_change_nothing() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    for (identifier, password) in
        [("alice", "x"), ("alice", "bob-pw"), ("ghost", "x"), ("nopassword", "x"), ("service", "service-pw")]
    {
        let answer = site.sign_in(identifier, password).await?;
        refused(&answer, 401, "INVALID_CREDENTIALS")?;
    }
    ensure!(site.accounts().await?.is_empty());
    Ok(())
}

async fn what_means_something_in_a_filter_means_nothing_in_an_identifier() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    for identifier in
        ["*", "al*", "alice)(cn=*", "alice,ou=people", "alice\\2a", "\\61lice", "alice\0", "(|(cn=alice))", " ,+"]
    {
        refused(&site.sign_in(identifier, "alice-pw").await?, 401, "INVALID_CREDENTIALS")?;
    }
    // And the name that has all of it is found.
    signed_in(&site.sign_in("Doe, Jane (x)*", "jane-pw").await?)?;
    ensure!(site.accounts().await?.len() == 1);
    Ok(())
}

async fn a_body_is_checked_first() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    for (body, reason) in [
        (json!({"password": "x"}), r#""identifier" is required"#),
        (json!({"identifier": "alice"}), r#""password" is required"#),
        (json!({}), r#""identifier" is required"#),
        (json!({"email": "alice@ldap.example.com", "password": "alice-pw"}), r#""identifier" is required"#),
        (json!({"identifier": "alice", "password": ""}), r#""password" is not allowed to be empty"#),
        (
            json!({"identifier": "alice", "password": "alice-pw", "mode": "x"}),
            r#""mode" must be one of [cookie, json, session]"#,
        ),
    ] {
        let answer = site.client().send(&Request::new("POST", "/auth/login/ld").json(&body)).await?;
        refused(&answer, 400, "INVALID_PAYLOAD")?;
        let told: serde_json::Value = answer.json()?;
        ensure!(told["errors"][0]["extensions"]["reason"] == reason, "{told}");
    }
    let answer = site.client().send(&Request::new("GET", "/auth/login/ld")).await?;
    refused(&answer, 404, "ROUTE_NOT_FOUND")
}

async fn disabled_and_expired_accounts_are_refused() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    for (identifier, why) in [("disabled", "userAccountControl is `514`"), ("expired", "shadowExpire is `1`")] {
        refused(&site.sign_in(identifier, &format!("{identifier}-pw")).await?, 401, "INVALID_CREDENTIALS")?;
        site.told(why).await?;
    }
    ensure!(site.accounts().await?.is_empty());
    Ok(())
}

async fn an_account_that_is_disabled_later_is_not_renewed() -> anyhow::Result<()> {
    let mut site = Site::open(&[]).await?;
    let body = signed_in(&site.sign_in("alice", "alice-pw").await?)?;
    let dn = format!("cn=alice,ou=people,{ROOT}");
    site.slapd.change(&dn, "userAccountControl", Some("514")).await?;
    let token = body["refresh_token"].as_str().unwrap_or_default().to_owned();
    refused(&site.client().send(&refresh(&token)).await?, 401, "INVALID_CREDENTIALS")?;
    // The session stays, for the day on which the account is enabled again.
    site.slapd.change(&dn, "userAccountControl", None).await?;
    let answer = site.client().send(&refresh(&token)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

async fn a_locked_account_is_refused_and_not_renewed() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    let body = signed_in(&site.sign_in("locked", "locked-pw").await?)?;
    for _ in 0..4 {
        refused(&site.sign_in("locked", "wrong").await?, 401, "INVALID_CREDENTIALS")?;
    }
    refused(&site.sign_in("locked", "locked-pw").await?, 401, "INVALID_CREDENTIALS")?;
    let token = body["refresh_token"].as_str().unwrap_or_default();
    refused(&site.client().send(&refresh(token)).await?, 401, "INVALID_CREDENTIALS")?;
    site.told("pwdAccountLockedTime").await
}

async fn an_address_of_somebody_else_is_not_taken() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    refused(&site.sign_in("clash", "clash-pw").await?, 403, "INVALID_PROVIDER")?;
    refused(&site.sign_in("clash", "wrong").await?, 401, "INVALID_CREDENTIALS")?;
    ensure!(site.accounts().await?.is_empty());
    Ok(())
}

async fn registration_can_be_switched_off() -> anyhow::Result<()> {
    let site = Site::open(&[("AUTH_LD_ALLOW_PUBLIC_REGISTRATION", "false")]).await?;
    refused(&site.sign_in("alice", "alice-pw").await?, 401, "INVALID_CREDENTIALS")?;
    ensure!(site.accounts().await?.is_empty());
    site.told("there is no account, and none is made").await
}

async fn role(site: &Site, identifier: &str) -> anyhow::Result<Option<String>> {
    signed_in(&site.sign_in(identifier, &format!("{identifier}-pw")).await?)?;
    let name = format!("cn={identifier},");
    let accounts = site.accounts().await?;
    let account =
        accounts.into_iter().find(|account| account[0].as_deref().is_some_and(|known| known.starts_with(&name)));
    Ok(account.and_then(|[_, _, role, _]| role))
}

async fn named(site: &Site, group: &str) -> anyhow::Result<()> {
    let mut database = e2e::server::open(&site.server.database()?).await?;
    sqlx::query("UPDATE directus_roles SET name = $1 WHERE id = $2")
        .bind(group)
        .bind(EDITOR)
        .execute(&mut database)
        .await?;
    Ok(())
}

async fn roles_follow_groups_by_name_and_by_mapping() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    ensure!(role(&site, "alice").await?.as_deref() == Some(DEFAULT));
    named(&site, "Directus-EDITORS").await?;
    ensure!(role(&site, "alice").await?.as_deref() == Some(EDITOR), "the role of the group's name");
    named(&site, "something else").await?;
    ensure!(role(&site, "alice").await?.as_deref() == Some(DEFAULT), "put back");
    let mapping = format!(r#"json:{{"directus-editors":"{EDITOR}"}}"#);
    let mapped = Site::open(&[("AUTH_LD_ROLE_MAPPING", &mapping), ("AUTH_LD_DEFAULT_ROLE_ID", "")]).await?;
    ensure!(role(&mapped, "alice").await?.as_deref() == Some(EDITOR));
    ensure!(role(&mapped, "bob").await?.is_none());
    let posix = Site::open(&[("AUTH_LD_GROUP_ATTRIBUTE", "memberUid")]).await?;
    named(&posix, "posix").await?;
    ensure!(role(&posix, "bob").await?.as_deref() == Some(EDITOR));
    ensure!(role(&posix, "alice").await?.as_deref() == Some(DEFAULT));
    // Without GROUP_DN nothing follows.
    let loose = Site::open(&[("AUTH_LD_GROUP_DN", ""), ("AUTH_LD_DEFAULT_ROLE_ID", "")]).await?;
    named(&loose, "directus-editors").await?;
    ensure!(role(&loose, "alice").await?.is_none());
    Ok(())
}

async fn policies_follow_groups_by_mapping() -> anyhow::Result<()> {
    const POLICY: &str = "78e7d754-6df5-4292-91a6-ec08269b081d";
    let mapping = format!(r#"json:{{"directus-editors":["{POLICY}"]}}"#);
    let site = Site::open(&[("AUTH_LD_POLICY_MAPPING", &mapping)]).await?;
    for name in ["alice", "bob"] {
        signed_in(&site.sign_in(name, &format!("{name}-pw")).await?)?;
    }
    let mut database = e2e::server::open(&site.server.database()?).await?;
    let query =
        "SELECT first_name || ' ' || policy FROM directus_access JOIN directus_users ON directus_users.id = \"user\"";
    let attached: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut database).await?;
    ensure!(attached == [format!("Alice {POLICY}")], "{attached:?}");
    Ok(())
}

async fn groups_in_groups_count_if_wanted() -> anyhow::Result<()> {
    let plain = Site::open(&[]).await?;
    named(&plain, "outer").await?;
    ensure!(role(&plain, "nested").await?.as_deref() == Some(DEFAULT));
    // `outer` and `middle` are in each other: it ends all the same.
    let nested = Site::open(&[("AUTH_LD_GROUP_NESTING", "recursive")]).await?;
    named(&nested, "outer").await?;
    ensure!(role(&nested, "nested").await?.as_deref() == Some(EDITOR));
    ensure!(role(&nested, "alice").await?.as_deref() == Some(DEFAULT));
    Ok(())
}

async fn people_name_their_groups_themselves() -> anyhow::Result<()> {
    let site = Site::open(&[("AUTH_LD_MEMBER_OF_ATTRIBUTE", "memberOf")]).await?;
    named(&site, "directus-editors").await?;
    ensure!(role(&site, "alice").await?.as_deref() == Some(EDITOR));
    ensure!(role(&site, "bob").await?.as_deref() == Some(DEFAULT));
    let both = [("AUTH_LD_MEMBER_OF_ATTRIBUTE", "memberOf"), ("AUTH_LD_GROUP_NESTING", "recursive")];
    let nested = Site::open(&both).await?;
    named(&nested, "outer").await?;
    ensure!(role(&nested, "nested").await?.as_deref() == Some(EDITOR));
    Ok(())
}

async fn names_follow_the_directory_if_wanted() -> anyhow::Result<()> {
    for (setting, expected) in [("false", "Alice"), ("true", "Alicia")] {
        let mut site = Site::open(&[("AUTH_LD_SYNC_USER_INFO", setting)]).await?;
        signed_in(&site.sign_in("alice", "alice-pw").await?)?;
        site.slapd.change(&format!("cn=alice,ou=people,{ROOT}"), "givenName", Some("Alicia")).await?;
        // Not before the password was right.
        refused(&site.sign_in("alice", "wrong").await?, 401, "INVALID_CREDENTIALS")?;
        ensure!(site.accounts().await?[0][3].as_deref() == Some("Alice"));
        signed_in(&site.sign_in("alice", "alice-pw").await?)?;
        ensure!(site.accounts().await?[0][3].as_deref() == Some(expected), "{setting}");
    }
    Ok(())
}

async fn the_second_attribute_is_looked_at_and_told() -> anyhow::Result<()> {
    let more =
        [("AUTH_LD_USER_ATTRIBUTE", "uid"), ("AUTH_LD_USER_ATTRIBUTE_ALTERNATIVE", "mail"), ("LOG_LEVEL", "debug")];
    let site = Site::open(&more).await?;
    signed_in(&site.sign_in("ualice", "alice-pw").await?)?;
    signed_in(&site.sign_in("alice@ldap.example.com", "alice-pw").await?)?;
    site.told("nobody has the identifier in the first attribute").await?;
    refused(&site.sign_in("alice", "alice-pw").await?, 401, "INVALID_CREDENTIALS")?;
    site.told("nobody has the identifier").await
}

async fn several_entries_are_no_entry() -> anyhow::Result<()> {
    let site = Site::open(&[("AUTH_LD_USER_ATTRIBUTE", "sAMAccountName")]).await?;
    refused(&site.sign_in("twin", "twin1-pw").await?, 401, "INVALID_CREDENTIALS")?;
    site.told("several entries have (sAMAccountName=twin)").await?;
    // How far below the base people are is a setting.
    let near = Site::open(&[]).await?;
    refused(&near.sign_in("deep", "deep-pw").await?, 401, "INVALID_CREDENTIALS")?;
    let far = Site::open(&[("AUTH_LD_USER_SCOPE", "sub")]).await?;
    signed_in(&far.sign_in("deep", "deep-pw").await?)?;
    Ok(())
}

/// What clients are told of a directory that cannot be used: that it is one, and nothing of where it is.
const UNAVAILABLE: &str = r#"{"errors":[{"message":"Service \"ldap\" is unavailable. Service returned unexpected error.","extensions":{"service":"ldap","reason":"Service returned unexpected error","code":"SERVICE_UNAVAILABLE"}}]}"#;

async fn a_directory_that_is_down_is_unavailable() -> anyhow::Result<()> {
    let mut site = Site::open(&[]).await?;
    let body = signed_in(&site.sign_in("alice", "alice-pw").await?)?;
    site.slapd.stop();
    let answer = site.sign_in("alice", "alice-pw").await?;
    ensure!(answer.status == 503 && answer.text() == UNAVAILABLE, "{} {}", answer.status, answer.text());
    let token = body["refresh_token"].as_str().unwrap_or_default();
    let answer = site.client().send(&refresh(token)).await?;
    ensure!(answer.status == 503 && answer.text() == UNAVAILABLE, "{} {}", answer.status, answer.text());
    site.told(&format!("ldap://127.0.0.1:{}", site.slapd.port)).await?;
    site.slapd.restart().await?;
    signed_in(&site.sign_in("alice", "alice-pw").await?)?;
    ensure!(site.client().send(&refresh(token)).await?.status == 200);
    Ok(())
}

async fn the_next_server_stands_in() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    let nobody = e2e::oidc::free_port()?;
    let urls = format!("ldap://127.0.0.1:{nobody},ldap://127.0.0.1:{}", site.slapd.port);
    let server = serve(&settings(&urls), &[]).await?;
    signed_in(&server.client().send(&login("alice", "alice-pw", "json")).await?)?;
    server.logged("a directory server cannot be used").await?;
    Ok(())
}

async fn settings_that_do_not_work_are_told_to_the_operator_only() -> anyhow::Result<()> {
    let config =
        r#"{"errors":[{"message":"Invalid config.","extensions":{"provider":"ld","code":"INVALID_PROVIDER_CONFIG"}}]}"#;
    for (name, value, told) in [
        ("AUTH_LD_BIND_PASSWORD", "wrong-password", "it refuses the bind account `cn=service"),
        (
            "AUTH_LD_USER_DN",
            "ou=nowhere,dc=ldap,dc=example,dc=com",
            "USER_DN `ou=nowhere,dc=ldap,dc=example,dc=com` is not there",
        ),
        (
            "AUTH_LD_GROUP_DN",
            "ou=nowhere,dc=ldap,dc=example,dc=com",
            "GROUP_DN `ou=nowhere,dc=ldap,dc=example,dc=com` is not there",
        ),
        ("AUTH_LD_USER_SCOPE", "all", "USER_SCOPE is neither base, one nor sub"),
    ] {
        let site = Site::open(&[(name, value)]).await?;
        let answer = site.sign_in("alice", "alice-pw").await?;
        ensure!(answer.status == 503 && answer.text() == config, "{} {}", answer.status, answer.text());
        site.told(told).await?;
        ensure!(!site.server.log().contains("wrong-password"), "a password is in the log");
        ensure!(site.accounts().await?.is_empty(), "{name}");
    }
    Ok(())
}

async fn tls_by_a_private_authority_and_with_our_certificate() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let file = |path: std::path::PathBuf| path.display().to_string();
    let (root, certificate, key) = (
        file(authority.certificate("authority")),
        file(authority.certificate("client")),
        file(authority.key("client")),
    );
    for asks in [false, true] {
        let options = Options { authority: Some(&authority), asks, ..Options::default() };
        let site = Site::start(&options, &[]).await?;
        let secured = settings(&format!("ldaps://localhost:{}", site.slapd.secure_port));
        let trusted = [("AUTH_LD_CLIENT__TLS_OPTIONS__CA_FILE", root.as_str())];
        let ours = [
            ("AUTH_LD_CLIENT__TLS_OPTIONS__CERT_FILE", certificate.as_str()),
            ("AUTH_LD_CLIENT__TLS_OPTIONS__KEY_FILE", key.as_str()),
        ];
        let server = serve(&secured, &[&trusted[..], &ours].concat()).await?;
        signed_in(&server.client().send(&login("alice", "alice-pw", "json")).await?)?;
        // Without the authority nobody is believed, and the log says why.
        let server = serve(&secured, &[]).await?;
        let answer = server.client().send(&login("alice", "alice-pw", "json")).await?;
        ensure!(answer.status == 503 && answer.text() == UNAVAILABLE, "{}", answer.text());
        server.logged("its certificate or encryption is not good").await?;
        if asks {
            let server = serve(&secured, &trusted).await?;
            let answer = server.client().send(&login("alice", "alice-pw", "json")).await?;
            ensure!(answer.status == 503 && answer.text() == UNAVAILABLE, "{}", answer.text());
        }
    }
    Ok(())
}

async fn start_tls_before_anything_is_said() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let root = authority.certificate("authority").display().to_string();
    // This directory wants encryption before a password.
    let options = Options { authority: Some(&authority), global: "security simple_bind=128\n", ..Options::default() };
    let site = Site::start(&options, &[]).await?;
    let answer = site.sign_in("alice", "alice-pw").await?;
    refused(&answer, 503, "INVALID_PROVIDER_CONFIG")?;
    site.told("it wants encryption").await?;
    let url = settings(&format!("ldap://localhost:{}", site.slapd.port));
    let encrypted = [("AUTH_LD_START_TLS", "true"), ("AUTH_LD_CLIENT__TLS_OPTIONS__CA_FILE", root.as_str())];
    let server = serve(&url, &encrypted).await?;
    signed_in(&server.client().send(&login("alice", "alice-pw", "json")).await?)?;
    // Whoever cannot encrypt gets no password.
    let plain =
        Site::open(&[("AUTH_LD_START_TLS", "true"), ("AUTH_LD_CLIENT__TLS_OPTIONS__CA_FILE", root.as_str())]).await?;
    refused(&plain.sign_in("alice", "alice-pw").await?, 503, "SERVICE_UNAVAILABLE")?;
    plain.told("it refuses StartTLS").await
}

async fn a_socket_of_this_machine() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    let path = site.slapd.socket.display().to_string();
    let more = [("AUTH_LD_CLIENT_URL", ""), ("AUTH_LD_CLIENT__SOCKET_PATH", path.as_str())];
    let server = serve(&settings(""), &more).await?;
    signed_in(&server.client().send(&login("alice", "alice-pw", "json")).await?)?;
    Ok(())
}

async fn referrals_are_followed_only_if_wanted() -> anyhow::Result<()> {
    let there = Site::open(&[]).await?;
    let address = format!("ldap://127.0.0.1:{}", there.slapd.port);
    // The same tree, of which this directory has but the branch of its own account.
    let entries = format!(
        "dn: {ROOT}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: ldap\n\n\
         dn: {}\nobjectClass: person\ncn: service\nsn: x\nuserPassword: {}\n\n\
         dn: ou=people,{ROOT}\nobjectClass: referral\nobjectClass: extensibleObject\nou: people\nref: {address}/ou=people,{ROOT}\n",
        SERVICE.0, SERVICE.1,
    );
    let slapd = Slapd::start(&Options { root: Some(ROOT), entries: &entries, ..Options::default() }).await?;
    let mut set = settings(&format!("ldap://127.0.0.1:{}", slapd.port));
    set.push(("AUTH_LD_GROUP_DN".into(), String::new()));
    for (more, expected) in [
        (vec![], 503),
        (vec![("AUTH_LD_FOLLOW_REFERRALS", "true")], 503),
        (vec![("AUTH_LD_FOLLOW_REFERRALS", "true"), ("AUTH_LD_REFERRAL_URLS", address.as_str())], 200),
    ] {
        let server = serve(&set, &more).await?;
        let answer = server.client().send(&login("alice", "alice-pw", "json")).await?;
        ensure!(answer.status == expected, "{more:?}: {} {}\n{}", answer.status, answer.text(), server.log());
    }
    Ok(())
}

async fn a_second_factor_is_asked_for() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    signed_in(&site.sign_in("alice", "alice-pw").await?)?;
    let mut database = e2e::server::open(&site.server.database()?).await?;
    let secret = "UPDATE directus_users SET tfa_secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' WHERE provider = 'ld'";
    sqlx::query(secret).execute(&mut database).await?;
    refused(&site.sign_in("alice", "wrong").await?, 401, "INVALID_CREDENTIALS")?;
    refused(&site.sign_in("alice", "alice-pw").await?, 401, "INVALID_OTP")?;
    let code = otp::code(&otp::key("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?, 0)?;
    let body = json!({"identifier": "alice", "password": "alice-pw", "otp": code});
    signed_in(&site.client().send(&Request::new("POST", "/auth/login/ld").json(&body)).await?)?;
    Ok(())
}
