//! What proxies are told about requests that they hold, asked by hand as Traefik asks, and by Debian's nginx and Caddy with the
//! configurations that the documentation shows.

use anyhow::{Context as _, ensure};
use e2e::application::Application;
use e2e::calls::{ADMIN, USER, login, quick, refused, session_token, sign_in};
use e2e::client::{Client, Request, Response};
use e2e::front_proxy::{FrontProxy, snippet};
use e2e::server::{self, TestServer};
use sqlx::Connection as _;

e2e::suite! {
    somebody_is_told_in_headers,
    nobody_is_sent_to_sign_in_or_told_to,
    browsers_come_back_to_listed_origins_only,
    what_is_asked_for_besides_is_looked_at,
    what_closes_users_me_closes_this,
    nginx_lets_in_whom_it_should,
    caddy_lets_in_whom_it_should,
    the_configuration_for_traefik_names_what_is_told,
}

/// The account of [`USER`].
const USER_ID: &str = "850106de-8796-48c0-90f0-bb78f04dfc8a";

const PATH: &str = "/gatewit/forward-auth";

const HEADERS: [&str; 4] = ["x-gatewit-user", "x-gatewit-email", "x-gatewit-role", "x-gatewit-admin"];

/// A question as Traefik asks it: its own method, and the client's headers with those about the request.
fn ask(query: &str, uri: &str) -> Request {
    Request::new("GET", &format!("{PATH}{query}"))
        .header("X-Forwarded-Method", "GET")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "app.example.com")
        .header("X-Forwarded-Uri", uri)
        .header("X-Forwarded-For", "10.1.2.3")
}

fn page(request: Request) -> Request {
    request.header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8").header("Sec-Fetch-Mode", "navigate")
}

/// The server, a token of somebody, and their session.
async fn signed_in(settings: &[(&str, &str)]) -> anyhow::Result<(TestServer, Client, String, String)> {
    let server = TestServer::seeded(&quick(settings)).await?;
    let mut client = server.client();
    let token = sign_in(&mut client, USER).await?.access;
    let session = session_token(&client.send(&login(USER, "session")).await?)?;
    Ok((server, client, token, session))
}

fn told(answer: &Response) -> anyhow::Result<[String; 4]> {
    ensure!(answer.status == 200 && answer.body.is_empty(), "{} {}", answer.status, answer.text());
    ensure!(answer.header("cache-control") == Some("no-store"), "{answer:?}");
    for name in HEADERS {
        ensure!(answer.all(name).count() == 1, "{name}: {answer:?}");
    }
    Ok(HEADERS.map(|name| answer.header(name).unwrap_or_default().to_owned()))
}

async fn somebody_is_told_in_headers() -> anyhow::Result<()> {
    let (_server, mut client, token, session) = signed_in(&[]).await?;
    let bearer = format!("Bearer {token}");
    let cookie = format!("directus_session_token={session}");
    for request in [
        ask("", "/x").header("Authorization", &bearer),
        ask("", "/x").header("Cookie", &cookie),
        ask("", &format!("/x?access_token={token}")),
        ask(&format!("?access_token={token}"), "/x"),
    ] {
        let [user, email, role, admin] = told(&client.send(&request).await?)?;
        ensure!((user.as_str(), email.as_str(), admin.as_str()) == (USER_ID, "user@example.com", "false"));
        ensure!(!role.is_empty());
    }
    let both = ask("", &format!("/x?access_token={token}")).header("Authorization", &bearer);
    refused(&client.send(&both).await?, 401, "INVALID_CREDENTIALS")?;
    let head = Request { method: "HEAD".into(), ..ask("", "/x").header("Cookie", &cookie) };
    ensure!(client.send(&head).await?.status == 200);
    // What a client says of itself is not what it is told.
    let spoofed = ask("?optional", "/x").header("X-Gatewit-User", "spoofed");
    ensure!(told(&client.send(&spoofed).await?)? == [const { String::new() }; 4]);
    Ok(())
}

async fn nobody_is_sent_to_sign_in_or_told_to() -> anyhow::Result<()> {
    let (_server, mut client, token, _) = signed_in(&[]).await?;
    refused(&client.send(&ask("", "/x")).await?, 401, "INVALID_CREDENTIALS")?;
    for bad in ["nonsense", "a.b.c", &format!("{token}x")] {
        let request = page(ask("", "/x")).header("Authorization", &format!("Bearer {bad}"));
        refused(&client.send(&request).await?, 401, "INVALID_CREDENTIALS")?;
    }
    let answer = client.send(&page(ask("", "/a?b=c"))).await?;
    ensure!(
        answer.status == 302 && answer.header("location") == Some("/admin/login?redirect=%2Fa%3Fb%3Dc"),
        "{answer:?}"
    );
    // nginx knows no redirects.
    let answer = client.send(&page(ask("?nginx", "/a?b=c"))).await?;
    refused(&answer, 401, "INVALID_CREDENTIALS")?;
    ensure!(answer.header("x-gatewit-sign-in") == Some("/admin/login?redirect=%2Fa%3Fb%3Dc"), "{answer:?}");
    let post = Request::new("GET", PATH).header("X-Forwarded-Method", "POST").header("Accept", "text/html");
    refused(&client.send(&post).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&client.send(&Request::new("POST", PATH)).await?, 404, "ROUTE_NOT_FOUND")
}

async fn browsers_come_back_to_listed_origins_only() -> anyhow::Result<()> {
    let settings = [
        ("PUBLIC_URL", "https://auth.example.com"),
        ("GATEWIT_RETURN_ORIGINS", "https://app.example.com,regex:^https://[a-z]+\\.wiki\\.example\\.com$"),
    ];
    let (_server, mut client, ..) = signed_in(&settings).await?;
    let answer = client.send(&page(ask("", "/a?b=c"))).await?;
    let expected = "https://auth.example.com/admin/login?redirect=\
                    %2Fgatewit%2Freturn%3Fto%3Dhttps%253A%252F%252Fapp.example.com%252Fa%253Fb%253Dc";
    ensure!(answer.header("location") == Some(expected), "{answer:?}");
    let back =
        client.send(&Request::new("GET", "/gatewit/return?to=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc")).await?;
    ensure!((back.status, back.header("location")) == (302, Some("https://app.example.com/a?b=c")), "{back:?}");
    let wiki = client.send(&Request::new("GET", "/gatewit/return?to=https%3A%2F%2Fen.wiki.example.com%2F")).await?;
    ensure!(wiki.status == 302, "{wiki:?}");
    for to in [
        "https%3A%2F%2Fevil.example%2F",
        "https%3A%2F%2Fapp.example.com.evil.example%2F",
        "https%3A%2F%2Fapp.example.com%40evil.example%2F",
        "http%3A%2F%2Fapp.example.com%2F",
        "%2F%2Fevil.example",
        "javascript%3Aalert(1)",
        "",
    ] {
        refused(
            &client.send(&Request::new("GET", &format!("/gatewit/return?to={to}"))).await?,
            400,
            "INVALID_PAYLOAD",
        )?;
    }
    for host in ["evil.example", "app.example.com.evil.example", "app.example.com@evil.example", "a b"] {
        let request = Request::new("GET", PATH).header("X-Forwarded-Proto", "https").header("X-Forwarded-Host", host);
        let answer = client.send(&page(request.header("X-Forwarded-Uri", "/"))).await?;
        let location = answer.header("location").context("no redirect")?;
        ensure!(location == "https://auth.example.com/admin/login", "{host}: {location}");
    }
    Ok(())
}

async fn what_is_asked_for_besides_is_looked_at() -> anyhow::Result<()> {
    let (_server, mut client, token, _) = signed_in(&[]).await?;
    let admin = sign_in(&mut client, ADMIN).await?.access;
    let with = |query: &str, token: &str| ask(query, "/x").header("Authorization", &format!("Bearer {token}"));
    refused(&client.send(&with("?admin", &token)).await?, 403, "FORBIDDEN")?;
    ensure!(told(&client.send(&with("?admin", &admin)).await?)?[3] == "true");
    let role = told(&client.send(&with("", &token)).await?)?[2].clone();
    ensure!(client.send(&with(&format!("?role={role}"), &token)).await?.status == 200, "by id");
    ensure!(client.send(&with(&format!("?role=Nobody,{role}"), &token)).await?.status == 200, "one of two");
    refused(&client.send(&with("?role=Nobody", &token)).await?, 403, "FORBIDDEN")?;
    refused(&client.send(&with("?role=", &token)).await?, 403, "FORBIDDEN")?;
    ensure!(client.send(&with("?role=Administrator", &admin)).await?.status == 200, "by name");
    refused(&client.send(&with("?role=Administrator", &token)).await?, 403, "FORBIDDEN")?;
    ensure!(told(&client.send(&ask("?optional", "/x")).await?)? == [const { String::new() }; 4]);
    ensure!(told(&client.send(&with("?optional", &token)).await?)?[0] == USER_ID);
    Ok(())
}

async fn what_closes_users_me_closes_this() -> anyhow::Result<()> {
    let (server, mut client, token, session) = signed_in(&[("IP_TRUST_PROXY", "loopback")]).await?;
    let cookie = format!("directus_session_token={session}");
    let run = async |statement: &str| {
        let mut database = server::open(&server.database()?).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut database).await?;
        anyhow::Ok(database.close().await?)
    };
    // Rights that hold for an address hold for the client's, which the proxy tells.
    run("INSERT INTO directus_policies (id, name, icon, enforce_tfa, admin_access, app_access, ip_access) \
         VALUES ('11111111-0000-4000-8000-000000000001', 'Near', 'x', 0, 1, 1, '10.1.0.0/16'); \
         INSERT INTO directus_access (id, role, policy) SELECT '11111111-0000-4000-8000-000000000002', role, \
         '11111111-0000-4000-8000-000000000001' FROM directus_users WHERE email = 'user@example.com'")
    .await?;
    let near = ask("", "/x").header("Cookie", &cookie);
    ensure!(told(&client.send(&near).await?)?[3] == "true", "the policy does not apply");
    let far = Request::new("GET", PATH).header("Cookie", &cookie).header("X-Forwarded-For", "10.2.0.1");
    ensure!(told(&client.send(&far).await?)?[3] == "false", "the policy applies from elsewhere");
    // A second factor that is demanded and missing.
    run("UPDATE directus_policies SET enforce_tfa = 1, ip_access = NULL, admin_access = 0 WHERE name = 'Near'").await?;
    for request in [page(near.clone()), ask("?optional", "/x").header("Authorization", &format!("Bearer {token}"))] {
        refused(&client.send(&request).await?, 403, "FORBIDDEN")?;
    }
    run("DELETE FROM directus_access WHERE id = '11111111-0000-4000-8000-000000000002'").await?;
    ensure!(client.send(&near).await?.status == 200);
    // Sessions that end, and people who are suspended.
    run("UPDATE directus_users SET status = 'suspended' WHERE email = 'user@example.com'").await?;
    refused(&client.send(&near).await?, 401, "INVALID_CREDENTIALS")?;
    run("UPDATE directus_users SET status = 'active' WHERE email = 'user@example.com'").await?;
    ensure!(client.send(&near).await?.status == 200);
    run("DELETE FROM directus_sessions").await?;
    refused(&client.send(&near).await?, 401, "INVALID_CREDENTIALS")
}

/// An application behind a proxy that asks a server.
struct Site {
    application: Application,
    proxy: FrontProxy,
    _server: TestServer,
    token: String,
    session: String,
}

impl Site {
    async fn start(language: &str) -> anyhow::Result<Self> {
        let application = Application::start().await?;
        let (server, _, token, session) = signed_in(&[("IP_TRUST_PROXY", "loopback")]).await?;
        let text = snippet("in-front.md", language)?;
        for address in ["127.0.0.1:8055", "127.0.0.1:3000"] {
            ensure!(text.contains(address), "no {address} in the configuration for {language}");
        }
        let text = text.replace("127.0.0.1:8055", &server.address.to_string());
        let text = text.replace("127.0.0.1:3000", &application.address.to_string());
        let proxy = match language {
            "nginx" => FrontProxy::nginx(&text.replace("listen 80;", "listen 127.0.0.1:{port};"))?,
            _ => FrontProxy::caddy(&text.replace("http://app.example.com", "http://127.0.0.1:{port}"))?,
        };
        Ok(Self { application, proxy, _server: server, token, session })
    }

    /// Everything that has to hold, whatever the proxy.
    async fn lets_in_whom_it_should(&self) -> anyhow::Result<()> {
        let mut client = Client::new(self.proxy.address());
        let nobody = client.send(&Request::new("GET", "/x")).await?;
        ensure!(nobody.status == 401, "{nobody:?}\n{}", self.proxy.log());
        let nobody = client.send(&page(Request::new("GET", "/a?b=c"))).await?;
        let location = nobody.header("location").context("no redirect")?;
        ensure!(nobody.status == 302 && location.ends_with("/admin/login?redirect=%2Fa%3Fb%3Dc"), "{nobody:?}");
        ensure!(self.application.seen().heads.is_empty(), "nobody came through");
        ensure!(client.send(&Request::new("GET", "/server/ping")).await?.text() == "pong", "no way to Gatewit");
        let ways = [
            Request::new("GET", "/x").header("Authorization", &format!("Bearer {}", self.token)),
            Request::new("GET", "/x").header("Cookie", &format!("directus_session_token={}", self.session)),
            Request::new("GET", &format!("/x?access_token={}", self.token)),
            Request::new("POST", "/mirror")
                .header("Cookie", &format!("directus_session_token={}", self.session))
                .file("text/plain", b"a body"),
        ];
        for request in ways {
            // A name with dots and the like is an invalid header to both.
            let spoofed = ["X-Gatewit-User", "x-gatewit-user", "X_Gatewit_User", "X-Gatewit_User", "X_GATEWIT-ADMIN"];
            let request = spoofed.iter().fold(request, |request, name| request.header(name, "spoofed"));
            let answer = client.send(&request).await?;
            ensure!(answer.status == 200, "{} {}\n{}", answer.status, answer.text(), self.proxy.log());
            ensure!(request.method == "GET" || answer.text() == "a body", "{answer:?}");
            let head = self.application.last()?.to_ascii_lowercase();
            ensure!(!head.contains("spoofed"), "{head}");
            ensure!(head.matches(&format!("x-gatewit-user: {USER_ID}")).count() == 1, "{head}");
            ensure!(head.contains("x-gatewit-email: user@example.com"), "{head}");
            ensure!(head.contains("x-gatewit-admin: false"), "{head}");
        }
        let before = self.application.seen().heads.len();
        let bad =
            Request::new("GET", "/x").header("Authorization", "Bearer nonsense").header("X-Gatewit-User", "spoofed");
        ensure!(client.send(&bad).await?.status == 401 && self.application.seen().heads.len() == before);
        Ok(())
    }
}

async fn nginx_lets_in_whom_it_should() -> anyhow::Result<()> {
    Site::start("nginx").await?.lets_in_whom_it_should().await
}

async fn caddy_lets_in_whom_it_should() -> anyhow::Result<()> {
    Site::start("caddyfile").await?.lets_in_whom_it_should().await
}

/// Traefik is not in Debian; what it sends is asked by hand above.
async fn the_configuration_for_traefik_names_what_is_told() -> anyhow::Result<()> {
    let text = snippet("in-front.md", "yaml")?;
    let list = text.lines().find_map(|line| line.trim().strip_prefix("authResponseHeaders: [")).context("no list")?;
    let names: Vec<_> = list.trim_end_matches(']').split(", ").map(str::to_ascii_lowercase).collect();
    ensure!(names == HEADERS, "{names:?}");
    ensure!(text.contains(&format!("http://127.0.0.1:8055{PATH}\n")), "{text}");
    Ok(())
}
