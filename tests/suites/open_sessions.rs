//! Where people are signed in: owners see and end their own sessions, administrators those of everybody.
//!
//! A token of a session says which one it is of; an access token beside a refresh token does not, as in Directus.

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, EDITOR, USER, in_session, login, me, quick, refresh, refused, session_token, sign_in};
use e2e::client::{Client, Request, Response};
use e2e::server::TestServer;
use serde_json::Value;

e2e::suite! {
    owners_see_where_they_are_signed_in,
    a_session_that_was_ended_elsewhere_is_refused_at_once,
    all_but_the_one_that_asks_end_at_once,
    whoever_does_not_say_which_session_asks_ends_all,
    nobody_ends_anothers_session,
    an_id_of_a_session_is_no_token,
    administrators_see_and_end_all,
}

const FORMS: [&str; 2] = ["hashed", "plain"];

async fn ask(client: &mut Client, method: &str, path: &str, token: &str) -> anyhow::Result<Response> {
    client.send(&Request::new(method, path).header("Authorization", &format!("Bearer {token}"))).await
}

async fn sessions(client: &mut Client, path: &str, token: &str) -> anyhow::Result<Vec<Value>> {
    let answer = ask(client, "GET", path, token).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    Ok(answer.json()?["data"].as_array().context("no list")?.clone())
}

fn id(session: &Value) -> anyhow::Result<String> {
    Ok(session["id"].as_str().context("no id")?.to_owned())
}

/// Signs in with a token that is bound to its session.
async fn begin(client: &mut Client, account: (&str, &str)) -> anyhow::Result<String> {
    session_token(&client.send(&login(account, "session")).await?)
}

/// The session that asks.
fn current(sessions: &[Value]) -> anyhow::Result<String> {
    let mut current = sessions.iter().filter(|session| session["current"] == true);
    let found = id(current.next().context("none is the one that asks")?)?;
    ensure!(current.next().is_none(), "{sessions:?}");
    Ok(found)
}

async fn owners_see_where_they_are_signed_in() -> anyhow::Result<()> {
    for form in FORMS {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", form)])).await?;
        let mut client = server.client();
        let telephone = login(USER, "json").header("User-Agent", "telephone").header("Origin", "https://app.example");
        ensure!(client.send(&telephone).await?.status == 200);
        let laptop = begin(&mut client, USER).await?;
        begin(&mut client, EDITOR).await?;
        let found = sessions(&mut client, "/users/me/sessions", &laptop).await?;
        ensure!(found.len() == 2, "{form}: {found:?}");
        let told = found.iter().find(|session| session["user_agent"] == "telephone").context("no telephone")?;
        ensure!(told["ip"] == "127.0.0.1" && told["origin"] == "https://app.example", "{told}");
        ensure!(told["provider"].is_null() && told["current"] == false, "{told}");
        ensure!(told["expires"].as_str().is_some_and(|at| at.ends_with('Z')), "{told}");
        // A refresh makes no second one of it.
        let next = session_token(&client.send(&in_session("refresh", &laptop)).await?)?;
        let after = sessions(&mut client, "/users/me/sessions", &next).await?;
        ensure!(after.len() == 2 && current(&after)? == current(&found)?, "{form}: {after:?}");
        let nobody = client.send(&Request::new("GET", "/users/me/sessions")).await?;
        refused(&nobody, 401, "INVALID_CREDENTIALS")?;
    }
    Ok(())
}

async fn a_session_that_was_ended_elsewhere_is_refused_at_once() -> anyhow::Result<()> {
    for form in FORMS {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", form)])).await?;
        let mut client = server.client();
        let lost = begin(&mut client, USER).await?;
        let lost_id = current(&sessions(&mut client, "/users/me/sessions", &lost).await?)?;
        let here = begin(&mut client, USER).await?;
        let app = sign_in(&mut client, USER).await?;
        ensure!(client.send(&me(&lost)).await?.status == 200);
        let path = format!("/users/me/sessions/{lost_id}");
        ensure!(ask(&mut client, "DELETE", &path, &here).await?.status == 204, "{form}");
        refused(&client.send(&me(&lost)).await?, 401, "INVALID_CREDENTIALS")?;
        refused(&client.send(&in_session("refresh", &lost)).await?, 401, "INVALID_CREDENTIALS")?;
        refused(&ask(&mut client, "DELETE", &path, &here).await?, 403, "FORBIDDEN")?;
        // The others go on, and end each for itself.
        let rest = sessions(&mut client, "/users/me/sessions", &here).await?;
        let other = rest.iter().find(|session| session["current"] == false).context("no other")?;
        let app = e2e::calls::Tokens::of(&client.send(&refresh(&app.refresh)).await?)?;
        ensure!(rest.len() == 2 && client.send(&me(&here)).await?.status == 200, "{form}: {rest:?}");
        let path = format!("/users/me/sessions/{}", id(other)?);
        ensure!(ask(&mut client, "DELETE", &path, &here).await?.status == 204, "{form}");
        refused(&client.send(&refresh(&app.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
        ensure!(client.send(&me(&here)).await?.status == 200, "{form}");
    }
    Ok(())
}

async fn all_but_the_one_that_asks_end_at_once() -> anyhow::Result<()> {
    for form in FORMS {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", form)])).await?;
        let mut client = server.client();
        let (other, app) = (begin(&mut client, USER).await?, sign_in(&mut client, USER).await?);
        let editor = begin(&mut client, EDITOR).await?;
        let here = begin(&mut client, USER).await?;
        let answer = ask(&mut client, "DELETE", "/users/me/sessions", &here).await?;
        ensure!(answer.status == 200 && answer.json()?["data"]["ended"] == 2, "{form}: {}", answer.text());
        refused(&client.send(&me(&other)).await?, 401, "INVALID_CREDENTIALS")?;
        refused(&client.send(&refresh(&app.refresh)).await?, 401, "INVALID_CREDENTIALS")?;
        for token in [&here, &editor] {
            ensure!(client.send(&me(token)).await?.status == 200, "{form}");
        }
    }
    Ok(())
}

async fn whoever_does_not_say_which_session_asks_ends_all() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let (other, app) = (begin(&mut client, USER).await?, sign_in(&mut client, USER).await?);
    let answer = ask(&mut client, "DELETE", "/users/me/sessions", &app.access).await?;
    ensure!(answer.json()?["data"]["ended"] == 2, "{}", answer.text());
    refused(&client.send(&me(&other)).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&client.send(&refresh(&app.refresh)).await?, 401, "INVALID_CREDENTIALS")
}

async fn nobody_ends_anothers_session() -> anyhow::Result<()> {
    for form in FORMS {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", form)])).await?;
        let mut client = server.client();
        let (user, editor) = (begin(&mut client, USER).await?, begin(&mut client, EDITOR).await?);
        let admin = begin(&mut client, ADMIN).await?;
        let theirs = current(&sessions(&mut client, "/users/me/sessions", &editor).await?)?;
        // Nor does an administrator as an owner: what is done to others is done where it is on record.
        for token in [&user, &admin] {
            let answer = ask(&mut client, "DELETE", &format!("/users/me/sessions/{theirs}"), token).await?;
            refused(&answer, 403, "FORBIDDEN")?;
        }
        for stray in ["x", "%25", "..", &theirs[..20], &format!("{theirs}x")] {
            let answer = ask(&mut client, "DELETE", &format!("/users/me/sessions/{stray}"), &user).await?;
            refused(&answer, 403, "FORBIDDEN").with_context(|| stray.to_owned())?;
        }
        let nobody = client.send(&Request::new("DELETE", &format!("/users/me/sessions/{theirs}"))).await?;
        refused(&nobody, 401, "INVALID_CREDENTIALS")?;
        ensure!(client.send(&me(&editor)).await?.status == 200, "{form}");
    }
    Ok(())
}

async fn an_id_of_a_session_is_no_token() -> anyhow::Result<()> {
    for form in FORMS {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", form)])).await?;
        let mut client = server.client();
        let tokens = sign_in(&mut client, USER).await?;
        let found = sessions(&mut client, "/users/me/sessions", &tokens.access).await?;
        let id = id(found.first().context("no session")?)?;
        ensure!(!tokens.refresh.contains(&id) && !tokens.access.contains(&id), "{form}: {id}");
        ensure!(!id.contains(&tokens.refresh[..8]), "{form}: {id} begins as the token does");
        refused(&client.send(&refresh(&id)).await?, 401, "INVALID_CREDENTIALS")?;
        refused(&client.send(&me(&id)).await?, 401, "INVALID_CREDENTIALS")?;
    }
    Ok(())
}

async fn administrators_see_and_end_all() -> anyhow::Result<()> {
    for form in FORMS {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", form)])).await?;
        let mut client = server.client();
        let user = begin(&mut client, USER).await?;
        let editors = [begin(&mut client, EDITOR).await?, begin(&mut client, EDITOR).await?];
        let mut admin = Caller::new(&server, ADMIN).await?;
        let token = admin.token.clone();
        let all = sessions(&mut client, "/gatewit/sessions", &token).await?;
        ensure!(all.len() == 4 && all.iter().all(|session| session["user"].is_string()), "{form}: {all:?}");
        let own = sessions(&mut client, "/users/me/sessions", &user).await?;
        let (name, account) = (current(&own)?, own[0]["user"].as_str().context("user")?.to_owned());
        ensure!(sessions(&mut client, &format!("/gatewit/sessions?user={account}"), &token).await?.len() == 1);

        ensure!(ask(&mut client, "DELETE", &format!("/gatewit/sessions/{name}"), &token).await?.status == 204);
        refused(&client.send(&me(&user)).await?, 401, "INVALID_CREDENTIALS")?;
        let gone = ask(&mut client, "DELETE", &format!("/gatewit/sessions/{name}"), &token).await?;
        refused(&gone, 403, "FORBIDDEN")?;
        refused(&ask(&mut client, "DELETE", "/gatewit/sessions", &token).await?, 400, "INVALID_PAYLOAD")?;

        let editor = sessions(&mut client, "/users/me/sessions", &editors[0]).await?[0]["user"].clone();
        let path = format!("/gatewit/sessions?user={}", editor.as_str().context("user")?);
        let ended = ask(&mut client, "DELETE", &path, &token).await?;
        ensure!(ended.json()?["data"]["ended"] == 2, "{form}: {}", ended.text());
        for token in &editors {
            refused(&client.send(&me(token)).await?, 401, "INVALID_CREDENTIALS")?;
        }
        ensure!(client.send(&me(&token)).await?.status == 200, "{form}: the administrator's own goes on");

        // What was done to whom is the administrator's deed.
        let own = admin.get("/users/me").await?["id"].as_str().context("id")?.to_owned();
        let mut database = e2e::server::open(&server.database()?).await?;
        let statement = "select \"user\", item from directus_activity where action = 'logout' order by id";
        let rows: Vec<(String, String)> = sqlx::query_as(statement).fetch_all(&mut database).await?;
        let editor = editor.as_str().unwrap_or_default();
        let expected = [(own.as_str(), account.as_str()), (&own, editor), (&own, editor)];
        let rows: Vec<_> = rows.iter().map(|(user, item)| (user.as_str(), item.as_str())).collect();
        ensure!(rows == expected, "{form}: {rows:?}");

        let log = admin.data("GET", "/gatewit/audit", &Value::Null).await?;
        let told: Vec<_> = log
            .as_array()
            .context("log")?
            .iter()
            .map(|entry| {
                let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                format!("{} {} {}", text("what"), text("object"), text("outcome"))
            })
            .collect();
        let expected = [
            format!("sessions.delete {editor} done"),
            format!("sessions.delete {editor} begun"),
            "sessions.delete  refused: 400".to_owned(),
            "sessions.delete  begun".to_owned(),
            format!("session.delete {name} refused: 403"),
            format!("session.delete {name} begun"),
            format!("session.delete {name} done"),
            format!("session.delete {name} begun"),
            "audit.begin  done".to_owned(),
        ];
        ensure!(told == expected, "{form}: {told:#?}");
    }
    Ok(())
}
