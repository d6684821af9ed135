//! Accounts over the wire: who may see and change what, and what happens when many want the same at once.

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, EDITOR, USER, login, me, quick, refresh, refused, sign_in, verdict};
use e2e::client::{Request, Response};
use e2e::server::{self, SECRET, TestServer};
use e2e::tokens::{self, Algorithm};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

e2e::suite! {
    of_many_who_accept_an_invitation_at_once_one_wins,
    of_many_who_register_an_address_at_once_one_wins,
    guessing_makes_the_guesser_wait_and_nobody_else,
    the_last_administrator_stays,
    people_see_and_change_what_their_policies_say,
    a_password_that_is_set_ends_other_sessions,
    records_are_listed_sorted_counted_and_searched,
    records_are_changed_in_batches_or_not_at_all,
    every_change_is_on_record_and_no_secret_with_it,
    texts_of_clients_are_never_more_than_texts,
    a_share_is_signed_in_to_as_often_as_it_allows,
}

/// A role of the seed.
const API_ROLE: &str = "3b59bf5a-82a4-4f92-8c50-1ef9965795aa";
/// The role of the seed that may read and change every account.
const SELF_ROLE: &str = "6b7fa2d5-b04b-401e-99fc-c853d388a56d";
/// The administrator of the seed.
const ADMIN_ID: &str = "252bf608-00ee-4a8a-a1da-02dac0de626d";
/// Another account of the seed.
const USER_ID: &str = "850106de-8796-48c0-90f0-bb78f04dfc8a";

fn scoped(email: &str, scope: &str) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({"email": email, "scope": scope, "iat": now, "exp": now + 900, "iss": "directus"});
    Ok(tokens::forge(Algorithm::HS256, Algorithm::HS256, SECRET, &claims))
}

/// The same request from many connections at once.
async fn together(server: &TestServer, request: &Request, count: usize) -> anyhow::Result<Vec<Response>> {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (mut client, request) = (server.client(), request.clone());
        running.spawn(async move { client.send(&request).await });
    }
    running.join_all().await.into_iter().collect()
}

async fn of_many_who_accept_an_invitation_at_once_one_wins() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let token = scoped("invited@example.com", "invite")?;
    let accept =
        Request::new("POST", "/users/invite/accept").json(&json!({"token": token, "password": "New-password1"}));
    let answers = together(&server, &accept, 8).await?;
    let won = answers.iter().filter(|answer| answer.status == 204).count();
    ensure!(won == 1, "{won} of 8 won");
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        refused(answer, 400, "INVALID_INVITE")?;
    }
    sign_in(&mut server.client(), ("invited@example.com", "New-password1")).await?;
    Ok(())
}

async fn of_many_who_register_an_address_at_once_one_wins() -> anyhow::Result<()> {
    let env = quick(&[("REGISTER_STALL_TIME", "0"), ("RATE_LIMITER_REGISTRATION_ENABLED", "false")]);
    let server = TestServer::seeded(&env).await?;
    let settings = json!({"public_registration": true, "public_registration_verify_email": false});
    Caller::new(&server, ADMIN).await?.data("PATCH", "/settings", &settings).await?;
    let body = json!({"email": "many@example.com", "password": "New-password1"});
    for answer in together(&server, &Request::new("POST", "/users/register").json(&body), 8).await? {
        ensure!(answer.status == 204, "{} {}", answer.status, answer.text());
    }
    let found =
        Caller::new(&server, ADMIN).await?.get("/users?filter[email][_eq]=many@example.com&fields=status").await?;
    ensure!(found == json!([{"status": "active"}]), "{found}");
    Ok(())
}

async fn guessing_makes_the_guesser_wait_and_nobody_else() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[("IP_TRUST_PROXY", "true")])).await?;
    Caller::new(&server, ADMIN).await?.data("PATCH", "/settings", &json!({"auth_login_attempts": 3})).await?;
    let mut client = server.client();
    let from = |address: &str, password: &str| login((USER.0, password), "json").header("X-Forwarded-For", address);
    for _ in 0..5 {
        refused(&client.send(&from("10.0.0.1", "wrong")).await?, 401, "INVALID_CREDENTIALS")?;
    }
    refused(&client.send(&from("10.0.0.1", USER.1)).await?, 401, "INVALID_CREDENTIALS")?;
    let elsewhere = client.send(&from("10.0.0.2", USER.1)).await?;
    ensure!(elsewhere.status == 200, "{}", elsewhere.text());
    // After the first waits, of a second and two, the guesser is let in with the right password.
    let mut tries = 0;
    while client.send(&from("10.0.0.1", USER.1)).await?.status != 200 {
        tries += 1;
        ensure!(tries < 200, "still waiting");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    ensure!(tries > 0);
    Ok(())
}

async fn the_last_administrator_stays() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let path = format!("/users/{ADMIN_ID}");
    for change in [json!({"status": "suspended"}), json!({"role": API_ROLE}), json!({"role": null})] {
        refused(&admin.send("PATCH", &path, &change).await?, 400, "INVALID_PAYLOAD")?;
    }
    refused(&admin.send("DELETE", &path, &Value::Null).await?, 400, "INVALID_PAYLOAD")?;
    let role = "0b8643e8-c181-414d-a25c-18c96931b27b";
    admin.data("PATCH", &format!("/users/{USER_ID}"), &json!({"role": role})).await?;
    let answer = admin.send("DELETE", &path, &Value::Null).await?;
    ensure!(answer.status == 204, "{}", answer.text());
    Ok(())
}

async fn people_see_and_change_what_their_policies_say() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let policy = admin.data("POST", "/policies", &json!({"name": "Own account"})).await?;
    let policy = policy["id"].as_str().context("id")?.to_owned();
    admin.data("POST", "/access", &json!({"role": API_ROLE, "policy": policy})).await?;
    let own = json!({"id": {"_eq": "$CURRENT_USER"}});
    for (action, fields, permissions) in [
        ("read", json!(["id", "email", "title"]), own.clone()),
        ("read", json!(["id"]), json!({"status": {"_eq": "active"}})),
        ("update", json!(["title"]), own),
    ] {
        let rule = json!({"policy": policy, "collection": "directus_users", "action": action, "fields": fields,
            "permissions": permissions});
        admin.data("POST", "/permissions", &rule).await?;
    }
    let mut user = Caller::new(&server, USER).await?;
    let all = user.get("/users").await?;
    let all = all.as_array().context("a list")?;
    ensure!(all.len() > 3, "{all:?}");
    for account in all {
        let own = account["id"] == USER_ID;
        ensure!(account["email"].is_null() != own, "{account}");
    }
    ensure!(user.get("/users?filter[status][_eq]=active").await.is_err(), "a filter on a field that is hidden");
    refused(&user.send("GET", &format!("/users/{ADMIN_ID}?fields=password"), &Value::Null).await?, 403, "FORBIDDEN")?;
    refused(&user.send("GET", "/roles", &Value::Null).await?, 403, "FORBIDDEN")?;
    let own = user.get("/users/me").await?;
    ensure!(own == json!({"id": USER_ID, "email": USER.0, "title": null}), "{own}");
    let own = user.get("/users/me?fields=id,password").await?;
    ensure!(own == json!({"id": USER_ID}), "{own}");
    let changed = user.data("PATCH", "/users/me", &json!({"title": "x"})).await?;
    ensure!(changed == json!({"id": USER_ID, "email": USER.0, "title": "x"}), "{changed}");
    refused(&user.send("PATCH", "/users/me", &json!({"email": "x@example.com"})).await?, 403, "FORBIDDEN")?;
    refused(&user.send("PATCH", &format!("/users/{ADMIN_ID}"), &json!({"title": "x"})).await?, 403, "FORBIDDEN")?;
    refused(&user.send("DELETE", &format!("/users/{USER_ID}"), &Value::Null).await?, 403, "FORBIDDEN")?;
    refused(&user.send("POST", "/users", &json!({"email": "x@example.com"})).await?, 403, "FORBIDDEN")?;
    for path in ["/users", "/settings", "/activity", "/roles/me"] {
        refused(&server.client().send(&Request::new("GET", path)).await?, 403, "FORBIDDEN")?;
    }
    Ok(())
}

async fn a_password_that_is_set_ends_other_sessions() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let tokens = sign_in(&mut client, USER).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    admin.data("PATCH", &format!("/users/{USER_ID}"), &json!({"password": "New-password1"})).await?;
    refused(&client.send(&refresh(&tokens.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
    let tokens = sign_in(&mut client, (USER.0, "New-password1")).await?;
    admin.data("PATCH", &format!("/users/{USER_ID}"), &json!({"status": "suspended"})).await?;
    refused(&client.send(&refresh(&tokens.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
    // One's own session goes on where it is in a cookie.
    let answer = client.send(&login(ADMIN, "session")).await?;
    let session = e2e::calls::session_token(&answer)?;
    let change = Request::new("PATCH", "/users/me").json(&json!({"password": "Other-password1"}));
    let answer = client.send(&change.header("Cookie", &format!("directus_session_token={session}"))).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    ensure!(client.send(&me(&session)).await?.status == 200, "the session ended");
    Ok(())
}

async fn records_are_listed_sorted_counted_and_searched() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let found = admin.get("/users?fields=email,role.name&sort=-email&limit=2&offset=1").await?;
    ensure!(
        found
            == json!([{"email": "unverified@example.com", "role": {"name": "ApiOnly"}},
                        {"email": "tfa@example.com", "role": {"name": "SelfService"}}]),
        "{found}"
    );
    let counted = admin
        .send("GET", "/users?filter=%7B%22status%22%3A%7B%22_neq%22%3A%22active%22%7D%7D&meta=*&limit=0", &Value::Null)
        .await?;
    let counted = counted.json()?;
    ensure!(counted["meta"] == json!({"total_count": 12, "filter_count": 5}), "{counted}");
    ensure!(counted["data"] == json!([]), "{counted}");
    let found = admin.get("/users?search=EDITOR&fields=email").await?;
    ensure!(found == json!([{"email": EDITOR.0}]), "{found}");
    let search = json!({"query": {"filter": {"role": {"name": {"_in": ["Editor", "Administrator"]}}},
        "fields": ["email"], "sort": ["email"]}});
    let found = admin.data("SEARCH", "/users", &search).await?;
    ensure!(found == json!([{"email": ADMIN.0}, {"email": EDITOR.0}]), "{found}");
    let role = admin.get(&format!("/roles/{SELF_ROLE}?fields=*,users.email,policies.policy.name")).await?;
    ensure!(role["policies"] == json!([{"policy": {"name": "Self policy"}}]), "{role}");
    ensure!(role["users"].as_array().is_some_and(|users| users.len() == 2), "{role}");
    for (path, status, code) in [
        ("/users?limit=many", 400, "INVALID_PAYLOAD"),
        ("/users?filter=nonsense", 400, "INVALID_PAYLOAD"),
        ("/users?filter[email][_nope]=1", 400, "INVALID_PAYLOAD"),
        ("/users?fields=nope", 403, "FORBIDDEN"),
        ("/users?sort=nope", 403, "FORBIDDEN"),
        ("/users?filter[password][_contains]=argon2", 403, "FORBIDDEN"),
        ("/users/not-an-id", 403, "FORBIDDEN"),
        ("/permissions/not-a-number", 403, "FORBIDDEN"),
        ("/users/6d6b5b0e-2d6a-4a3c-8f00-3f6d2f4c9d11", 403, "FORBIDDEN"),
    ] {
        let answer = admin.send("GET", path, &Value::Null).await?;
        ensure!(verdict(&answer) == (status, code.to_owned()), "{path}: {} {}", answer.status, answer.text());
    }
    Ok(())
}

async fn records_are_changed_in_batches_or_not_at_all() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let made = admin
        .data("POST", "/roles?fields=id,name", &json!([{"name": "One"}, {"name": "Two"}, {"name": "Three"}]))
        .await?;
    let ids: Vec<&str> = made.as_array().context("list")?.iter().filter_map(|role| role["id"].as_str()).collect();
    ensure!(ids.len() == 3, "{made}");
    admin.data("PATCH", "/roles", &json!({"keys": [ids[0], ids[1]], "data": {"icon": "x"}})).await?;
    admin.data("PATCH", "/roles", &json!([{"id": ids[0], "name": "Uno"}, {"id": ids[2], "name": "Tre"}])).await?;
    let by_query = json!({"query": {"filter": {"icon": {"_eq": "x"}}}, "data": {"description": "y"}});
    admin.data("PATCH", "/roles", &by_query).await?;
    let found = admin.get("/roles?fields=name&filter[description][_eq]=y&sort=name").await?;
    ensure!(found == json!([{"name": "Two"}, {"name": "Uno"}]), "{found}");
    // The second cannot be made, so the first is not.
    let clash = json!([{"email": "fresh@example.com"}, {"email": "USER@example.com"}]);
    let answer = admin.send("POST", "/users", &clash).await?;
    refused(&answer, 400, "RECORD_NOT_UNIQUE")?;
    let found = admin.get("/users?filter[email][_eq]=fresh@example.com").await?;
    ensure!(found == json!([]), "{found}");
    let dangling = json!({"email": "fresh@example.com", "role": "6d6b5b0e-2d6a-4a3c-8f00-3f6d2f4c9d11"});
    refused(&admin.send("POST", "/users", &dangling).await?, 400, "INVALID_FOREIGN_KEY")?;
    let answer = admin.send("DELETE", "/roles", &json!([ids[0], "6d6b5b0e-2d6a-4a3c-8f00-3f6d2f4c9d11"])).await?;
    refused(&answer, 403, "FORBIDDEN")?;
    let answer = admin.send("DELETE", "/roles", &json!(ids)).await?;
    ensure!(answer.status == 204, "{}", answer.text());
    ensure!(admin.get("/roles?filter[icon][_eq]=x").await? == json!([]));
    Ok(())
}

async fn every_change_is_on_record_and_no_secret_with_it() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let body = json!({"email": "new@example.com", "password": "New-password1", "token": "a-static-token-of-the-test"});
    let id = admin.data("POST", "/users?fields=id", &body).await?["id"].as_str().context("id")?.to_owned();
    admin.data("PATCH", &format!("/users/{id}"), &json!({"title": "x"})).await?;
    admin.send("DELETE", &format!("/users/{id}"), &Value::Null).await?;
    let path = format!("/activity?filter[item][_eq]={id}&sort=id&fields=action,collection,user,ip,revisions.delta");
    let record = admin.get(&path).await?;
    let actions: Vec<_> = record.as_array().context("list")?.iter().map(|each| each["action"].clone()).collect();
    ensure!(actions == ["create", "update", "delete"], "{record}");
    ensure!(record[1]["revisions"][0]["delta"] == json!({"title": "x"}), "{record}");
    ensure!(record[0]["user"] == ADMIN_ID && record[0]["ip"] == "127.0.0.1", "{record}");
    let text = admin.get("/revisions?limit=-1").await?.to_string();
    for secret in ["argon2", "New-password1", "a-static-token-of-the-test"] {
        ensure!(!text.contains(secret), "`{secret}` is on record");
    }
    Ok(())
}

async fn texts_of_clients_are_never_more_than_texts() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let hostile = [
        "'; DROP TABLE directus_users; --",
        "\" OR 1=1 --",
        "%",
        "_",
        "\\",
        "{{7*7}}{% raw %}",
        "$1",
        "?1",
        "\r\nBcc: x@y.zz",
        "\u{0}",
        "${jndi:ldap://x}",
    ];
    for text in hostile {
        for operator in ["_eq", "_contains", "_starts_with", "_icontains", "_in", "_lt"] {
            let body = json!({"query": {"filter": {"first_name": {operator: text}, "email": {"_eq": EDITOR.0}}}});
            let answer = admin.send("SEARCH", "/users", &body).await?;
            ensure!(answer.status < 500, "{text:?} {operator}: {} {}", answer.status, answer.text());
            if matches!(operator, "_eq" | "_contains" | "_in") && answer.status == 200 {
                ensure!(answer.json()?["data"] == json!([]), "{text:?} {operator}: {}", answer.text());
            }
        }
        let role = json!({"name": text, "description": text});
        let answer = admin.send("POST", "/roles?fields=name,description", &role).await?;
        ensure!(answer.status < 500, "{text:?}: {}", answer.text());
        if answer.status == 200 {
            ensure!(answer.json()?["data"] == role, "{text:?}: {}", answer.text());
        }
        let login = login((text, text), "json");
        ensure!(server.client().send(&login).await?.status < 500, "{text:?}");
    }
    ensure!(admin.get("/users?limit=1").await?.as_array().is_some_and(|users| users.len() == 1));
    Ok(())
}

async fn a_share_is_signed_in_to_as_often_as_it_allows() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let body = json!({"collection": "articles", "item": "1", "name": "s", "password": "share-pw", "max_uses": 2});
    let share = admin.data("POST", "/shares", &body).await?;
    ensure!(share["password"] == "**********" && share["user_created"] == ADMIN_ID, "{share}");
    let id = share["id"].as_str().context("id")?.to_owned();
    let info = server.client().send(&Request::new("GET", &format!("/shares/info/{id}"))).await?.json()?;
    ensure!(info["data"]["max_uses"] == 2 && info["data"]["times_used"] == 0, "{info}");
    let mut client = server.client();
    let open = |password: Value| {
        let mut body = json!({"share": id});
        if !password.is_null() {
            body["password"] = password;
        }
        Request::new("POST", "/shares/auth").json(&body)
    };
    for wrong in [json!("x"), Value::Null] {
        refused(&client.send(&open(wrong)).await?, 401, "INVALID_CREDENTIALS")?;
    }
    let answers = together(&server, &open(json!("share-pw")), 6).await?;
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    ensure!(good.len() == 2, "{} of 6 got in", good.len());
    let tokens = good[0].json()?;
    let access = tokens["data"]["access_token"].as_str().context("token")?;
    let body = client.send(&me(access)).await?.json()?;
    ensure!(body["data"] == json!({"share": id}), "{body}");
    refused(
        &client.send(&Request::new("GET", "/users").header("Authorization", &format!("Bearer {access}"))).await?,
        403,
        "FORBIDDEN",
    )?;
    let answer = client.send(&refresh(tokens["data"]["refresh_token"].as_str().context("token")?)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    let fresh = answer.json()?["data"]["access_token"].as_str().context("token")?.to_owned();
    let (_, claims) = tokens::open(&fresh, server::SECRET)?;
    ensure!(claims.starts_with("{\"role\":null,\"app_access\":false,\"admin_access\":false,\"share\""), "{claims}");
    Ok(())
}
