//! Who is asking, as the application is told it, and where from.

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, USER, login, refused, session_token, sign_in};
use e2e::client::Request;
use e2e::server;
use sqlx::Connection as _;

use super::{get, in_front};

/// The account of [`USER`].
const USER_ID: &str = "850106de-8796-48c0-90f0-bb78f04dfc8a";

/// Names of headers that an application could take for ours.
const SPELLINGS: [&str; 9] = [
    "X-Gatewit-User",
    "x-gatewit-user",
    "X_Gatewit_User",
    "X-Gatewit_User",
    "x_gatewit-email",
    "X.Gatewit.Admin",
    "X-Gatewit-Anything",
    "X~Gatewit!Role",
    "X-GATEWIT-ADMIN",
];

pub(super) async fn nobody_sends_headers_of_identity() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let mut client = server.client();
    let token = sign_in(&mut client, USER).await?.access;
    for signed_in in [false, true] {
        for name in SPELLINGS {
            let request = get("/x").header(name, "spoofed").header("Connection", &format!("keep-alive, {name}"));
            let bearer = format!("Bearer {token}");
            let request = if signed_in { request.header("Authorization", &bearer) } else { request };
            ensure!(client.send(&request).await?.status == 200);
            let head = application.last()?;
            ensure!(!head.contains("spoofed"), "{name}: {head}");
            let told = head.to_ascii_lowercase().matches("gatewit-user").count();
            ensure!(told == usize::from(signed_in), "{name}: {head}");
        }
    }
    // Trailers are headers to some applications.
    let chunked = "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Gatewit-User\r\n\r\n\
                   4\r\nfour\r\n0\r\nX-Gatewit-User: spoofed\r\n\r\n";
    let mut wire = e2e::application::Wire::say(server.address, chunked).await?;
    ensure!(wire.head().await?.starts_with("HTTP/1.1 200"));
    ensure!(!application.last()?.contains("Gatewit-User"), "{}", application.last()?);
    // A prefix of one's own, and ours is reserved besides.
    let (application, server) = in_front(&[("GATEWIT_IDENTITY_PREFIX", "Remote-")]).await?;
    let request = get("/x").header("Remote_User", "spoofed").header("X-Gatewit-User", "spoofed");
    let mut client = server.client();
    let token = sign_in(&mut client, USER).await?.access;
    client.send(&request.header("Authorization", &format!("Bearer {token}"))).await?;
    let head = application.last()?;
    ensure!(!head.contains("spoofed") && head.contains(&format!("Remote-User: {USER_ID}")), "{head}");
    Ok(())
}

pub(super) async fn somebody_is_told_to_the_application() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let mut client = server.client();
    let token = sign_in(&mut client, USER).await?.access;
    let session = session_token(&client.send(&login(USER, "session")).await?)?;
    let ways = [
        get("/x").header("Authorization", &format!("Bearer {token}")),
        get("/x").header("Cookie", &format!("directus_session_token={session}")),
        get(&format!("/x?access_token={token}")),
    ];
    for request in ways {
        ensure!(client.send(&request).await?.status == 200);
        let head = application.last()?;
        for line in [format!("X-Gatewit-User: {USER_ID}"), "X-Gatewit-Email: user@example.com".into()] {
            ensure!(head.lines().any(|other| other == line), "{line}: {head}");
        }
        ensure!(head.contains("X-Gatewit-Role: ") && head.contains("X-Gatewit-Admin: false"), "{head}");
    }
    let admin = sign_in(&mut client, ADMIN).await?.access;
    client.send(&get("/x").header("Authorization", &format!("Bearer {admin}"))).await?;
    ensure!(application.last()?.contains("X-Gatewit-Admin: true"), "{}", application.last()?);
    // What is good for nothing is nobody, and reaches an application that may know better.
    for bad in ["nonsense", "a.b.c", &format!("{token}x")] {
        ensure!(client.send(&get("/x").header("Authorization", &format!("Bearer {bad}"))).await?.status == 200);
        let head = application.last()?;
        ensure!(!head.contains("X-Gatewit") && head.contains(&format!("Authorization: Bearer {bad}")), "{head}");
    }
    // Somebody who was thrown out is nobody at once.
    let mut database = server::open(&server.database()?).await?;
    sqlx::query("UPDATE directus_users SET status = 'suspended' WHERE email = 'user@example.com'")
        .execute(&mut database)
        .await?;
    database.close().await?;
    client.send(&get("/x").header("Cookie", &format!("directus_session_token={session}"))).await?;
    ensure!(!application.last()?.contains("X-Gatewit"), "{}", application.last()?);
    Ok(())
}

pub(super) async fn nobody_may_be_required_to_sign_in() -> anyhow::Result<()> {
    let (application, server) = in_front(&[("GATEWIT_UPSTREAM_ANONYMOUS", "require")]).await?;
    let mut client = server.client();
    refused(&client.send(&get("/x")).await?, 401, "INVALID_CREDENTIALS")?;
    refused(
        &client.send(&Request::new("POST", "/x").header("Accept", "text/html")).await?,
        401,
        "INVALID_CREDENTIALS",
    )?;
    for (path, back) in [("/a?b=c", "%2Fa%3Fb%3Dc"), ("//evil.example/x", "%2Fevil.example%2Fx")] {
        let page = client.send(&get(path).header("Accept", "text/html,*/*")).await?;
        let location = page.header("location").context("no redirect")?;
        ensure!((page.status, location) == (302, &*format!("/admin/login?redirect={back}")), "{page:?}");
        ensure!(page.header("cache-control") == Some("no-store"), "{page:?}");
    }
    ensure!(application.seen().heads.is_empty(), "{:?}", application.seen().heads);
    let token = sign_in(&mut client, USER).await?.access;
    let bearer = format!("Bearer {token}");
    ensure!(client.send(&get("/x").header("Authorization", &bearer)).await?.status == 200);
    refused(&client.send(&get("/x").header("Authorization", "Bearer nonsense")).await?, 401, "INVALID_CREDENTIALS")
}

pub(super) async fn a_second_factor_that_is_missing_closes_the_application() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let mut client = server.client();
    let token = sign_in(&mut client, USER).await?.access;
    let mut database = server::open(&server.database()?).await?;
    let demand = "INSERT INTO directus_policies (id, name, icon, enforce_tfa, admin_access, app_access) \
         VALUES ('11111111-0000-4000-8000-000000000001', 'Demand', 'x', 1, 0, 0); \
         INSERT INTO directus_access (id, role, policy) SELECT '11111111-0000-4000-8000-000000000002', role, \
         '11111111-0000-4000-8000-000000000001' FROM directus_users WHERE email = 'user@example.com'";
    sqlx::raw_sql(demand).execute(&mut database).await?;
    database.close().await?;
    refused(&client.send(&get("/x").header("Authorization", &format!("Bearer {token}"))).await?, 403, "FORBIDDEN")?;
    ensure!(application.seen().heads.is_empty(), "{:?}", application.seen().heads);
    Ok(())
}

pub(super) async fn where_a_request_comes_from_is_told() -> anyhow::Result<()> {
    let claimed = get("/x")
        .header("X-Forwarded-For", "1.1.1.1")
        .header("X_Forwarded_For", "2.2.2.2")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "www.example.com")
        .header("X-Real-IP", "3.3.3.3")
        .header("Forwarded", "for=4.4.4.4");
    let (application, server) = in_front(&[]).await?;
    server.client().send(&claimed).await?;
    let head = application.last()?;
    for line in
        ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", &format!("X-Forwarded-Host: {}", server.address)]
    {
        ensure!(head.lines().any(|other| other == line), "{line}: {head}");
    }
    ensure!(
        !head.contains(".1.1.1") && !head.contains("2.2.2") && !head.contains("3.3.3") && !head.contains("4.4.4"),
        "{head}"
    );
    ensure!(head.contains("Forwarded: for=127.0.0.1;host="), "{head}");
    let (application, server) = in_front(&[("IP_TRUST_PROXY", "loopback")]).await?;
    server.client().send(&claimed).await?;
    let head = application.last()?;
    for line in [
        "X-Forwarded-For: 1.1.1.1, 127.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: www.example.com",
        "X-Real-Ip: 3.3.3.3",
    ] {
        ensure!(head.lines().any(|other| other == line), "{line}: {head}");
    }
    ensure!(!head.contains("2.2.2") && head.contains("Forwarded: for=4.4.4.4, for=127.0.0.1;"), "{head}");
    Ok(())
}
