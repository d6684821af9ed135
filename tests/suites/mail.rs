//! Letters: a real server behind a real SMTP server. People get them, nobody waits for them, and none is lost.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, EDITOR, Tokens, USER, login, quick};
use e2e::client::Request;
use e2e::mail::{MailServer, Manner, Options, Tls};
use e2e::server::{TestServer, refusal};
use serde_json::json;

e2e::suite! {
    who_forgot_a_password_gets_a_letter,
    who_is_invited_gets_a_letter,
    nobody_else_gets_a_letter,
    a_mail_server_that_is_down_delays_nobody_and_loses_nothing,
    a_mail_server_that_hangs_delays_nobody,
    a_refused_letter_is_kept_with_the_reason,
    letters_outlive_a_crash_and_are_sent_once,
    letters_go_by_tls_and_with_a_password,
    a_password_is_not_sent_in_clear,
    a_certificate_of_nobody_is_not_believed,
    a_connection_is_kept_where_that_is_asked_for,
    templates_of_the_operator_stand_in,
    letters_are_logged_or_written_where_there_is_no_mail_server,
    settings_that_send_nothing_are_refused,
}

/// Where the links of letters lead.
const PUBLIC_URL: (&str, &str) = ("PUBLIC_URL", "https://auth.example.com");

/// More than a request takes, and less than anybody should wait for a mail server.
const PATIENCE: Duration = Duration::from_secs(3);

fn settings<'a>(mail: &'a MailServer, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let more: Vec<_> = more.iter().copied().chain([PUBLIC_URL]).collect();
    quick(&mail.settings(&more))
}

/// `POST /auth/password/request`
fn forgotten(email: &str) -> Request {
    Request::new("POST", "/auth/password/request").json(&json!({ "email": email }))
}

/// Asks for a new password, and sees that the answer tells nothing and comes soon.
async fn forget(server: &TestServer, email: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    let answer = server.client().send(&forgotten(email)).await?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.text());
    ensure!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    Ok(())
}

/// The letters in a folder of the server's: `waiting` or `failed`.
fn letters(server: &TestServer, folder: &str) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in server.data.path().join("mail").join(folder).read_dir()? {
        let path = entry?.path();
        let is_letter = path.extension().is_some_and(|extension| extension == "json");
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        names.extend(name.filter(|_| is_letter));
    }
    names.sort();
    Ok(names)
}

/// Waits until a folder of letters has so many.
async fn until(server: &TestServer, folder: &str, count: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while letters(server, folder)?.len() != count {
        ensure!(Instant::now() < deadline, "{folder}: {:?}, not {count}\n{}", letters(server, folder)?, server.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// A port where nobody listens, for a mail server that comes later.
fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

async fn who_forgot_a_password_gets_a_letter() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    let server = TestServer::seeded(&settings(&mail, &[("EMAIL_FROM", "auth@example.com")])).await?;
    forget(&server, USER.0).await?;
    let letter = mail.next_letter().await?;
    ensure!(letter.recipients == [USER.0] && letter.to == USER.0, "{letter:?}");
    ensure!(letter.sender == "auth@example.com" && letter.from.ends_with("<auth@example.com>"), "{letter:?}");
    ensure!(letter.subject == "Password Reset Request", "{letter:?}");
    ensure!(letter.link()?.starts_with("https://auth.example.com/admin/reset-password?token="), "{letter:?}");
    ensure!(letter.html.contains(letter.token()?), "{letter:?}");
    ensure!(letter.headers["auto-submitted"] == "auto-generated", "{letter:?}");
    ensure!(letter.headers["message-id"].ends_with("@auth.example.com>"), "{letter:?}");
    until(&server, "waiting", 0).await?;
    ensure!(!server.log().contains(letter.token()?), "the token is in the log:\n{}", server.log());
    Ok(())
}

async fn who_is_invited_gets_a_letter() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    let server = TestServer::seeded(&settings(&mail, &[])).await?;
    let mut client = server.client();
    let admin = Tokens::of(&client.send(&login(ADMIN, "json")).await?)?;
    let body = json!({ "email": "new@example.com", "role": "3b59bf5a-82a4-4f92-8c50-1ef9965795aa" });
    let invite = Request::new("POST", "/users/invite").json(&body);
    let answer = client.send(&invite.header("Authorization", &format!("Bearer {}", admin.access))).await?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.text());
    let letter = mail.next_letter().await?;
    ensure!(letter.recipients == ["new@example.com"] && letter.subject == "You've been invited", "{letter:?}");
    ensure!(letter.link()?.starts_with("https://auth.example.com/admin/accept-invite?token="), "{letter:?}");
    Ok(())
}

async fn nobody_else_gets_a_letter() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    let server = TestServer::seeded(&settings(&mail, &[])).await?;
    for email in ["nobody@example.com", "suspended@example.com", "invited@example.com", "not an address"] {
        forget(&server, email).await?;
    }
    forget(&server, USER.0).await?;
    let letter = mail.next_letter().await?;
    ensure!(letter.recipients == [USER.0], "{letter:?}");
    until(&server, "waiting", 0).await
}

async fn a_mail_server_that_is_down_delays_nobody_and_loses_nothing() -> anyhow::Result<()> {
    let port = free_port()?;
    let away = MailServer::with(Options { port, ..Options::default() }).await?;
    let environment: Vec<(String, String)> =
        settings(&away, &[]).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    drop(away);
    let server = TestServer::seeded(&environment).await?;
    forget(&server, USER.0).await?;
    forget(&server, EDITOR.0).await?;
    server.logged("letters cannot be sent").await?;
    until(&server, "waiting", 2).await?;
    let mut mail = MailServer::with(Options { port, ..Options::default() }).await?;
    let mut recipients = [mail.next_letter().await?.to, mail.next_letter().await?.to];
    recipients.sort();
    ensure!(recipients == [EDITOR.0, USER.0], "{recipients:?}");
    server.logged("letters are sent again").await?;
    until(&server, "waiting", 0).await
}

async fn a_mail_server_that_hangs_delays_nobody() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    mail.treat(Manner::Hang).await?;
    let server = TestServer::seeded(&settings(&mail, &[])).await?;
    forget(&server, USER.0).await?;
    ensure!(mail.next_recipient().await? == USER.0);
    forget(&server, EDITOR.0).await?;
    let started = Instant::now();
    server.terminate()?;
    let mut server = server;
    ensure!(server.ended().await?.success(), "{}", server.log());
    ensure!(started.elapsed() < Duration::from_secs(10), "the end took {:?}", started.elapsed());
    ensure!(letters(&server, "waiting")?.len() == 2, "{:?}", letters(&server, "waiting")?);
    Ok(())
}

async fn a_refused_letter_is_kept_with_the_reason() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    mail.treat(Manner::Refuse).await?;
    let server = TestServer::seeded(&settings(&mail, &[])).await?;
    forget(&server, USER.0).await?;
    until(&server, "failed", 1).await?;
    until(&server, "waiting", 0).await?;
    server.logged("a letter was not sent and is put aside").await?;
    let failed = server.data.path().join("mail/failed");
    let name = letters(&server, "failed")?.remove(0);
    let reason = std::fs::read_to_string(failed.join(&name).with_extension("txt"))?;
    ensure!(reason.contains("no such person here"), "{reason}");
    // Whoever has mended what was wrong moves the letter back.
    mail.treat(Manner::Take).await?;
    std::fs::rename(failed.join(&name), server.data.path().join("mail/waiting").join(&name))?;
    ensure!(mail.next_letter().await?.to == USER.0);
    Ok(())
}

async fn letters_outlive_a_crash_and_are_sent_once() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    mail.treat(Manner::Later).await?;
    let environment = settings(&mail, &[]).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment: Vec<(String, String)> = environment.collect();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut server = TestServer::seeded(&environment).await?;
    forget(&server, USER.0).await?;
    forget(&server, EDITOR.0).await?;
    mail.next_recipient().await?;
    server.kill()?;
    mail.treat(Manner::Take).await?;
    let again = TestServer::start_in(server.data.clone(), &environment).await?;
    let mut recipients = [mail.next_letter().await?.to, mail.next_letter().await?.to];
    recipients.sort();
    ensure!(recipients == [EDITOR.0, USER.0], "{recipients:?}");
    until(&again, "waiting", 0).await?;
    ensure!(mail.count("letter") == 0, "a letter was sent twice");
    Ok(())
}

async fn letters_go_by_tls_and_with_a_password() -> anyhow::Result<()> {
    for tls in [Tls::StartTls, Tls::FirstByte] {
        let account = Some("gatewit:a,1 secret");
        let mut mail = MailServer::with(Options { tls, account, ..Options::default() }).await?;
        let server = TestServer::seeded(&settings(&mail, &[])).await?;
        forget(&server, USER.0).await?;
        let letter = mail.next_letter().await?;
        ensure!(letter.secure && letter.user.as_deref() == Some("gatewit"), "{tls:?}: {letter:?}");
        ensure!(!server.log().contains("secret"), "{}", server.log());
    }
    Ok(())
}

async fn a_password_is_not_sent_in_clear() -> anyhow::Result<()> {
    let account = Some("gatewit:secret");
    let mut mail = MailServer::with(Options { account, ..Options::default() }).await?;
    let server = TestServer::seeded(&settings(&mail, &[])).await?;
    forget(&server, USER.0).await?;
    let line = server.logged("letters cannot be sent").await?;
    ensure!(line.contains("STARTTLS"), "{line}");
    ensure!(mail.count("signed-in") == 0, "the password was sent");
    ensure!(letters(&server, "waiting")?.len() == 1);
    drop(server);
    // Unless that is what the operator wants.
    let server = TestServer::seeded(&settings(&mail, &[("EMAIL_SMTP_IGNORE_TLS", "true")])).await?;
    forget(&server, USER.0).await?;
    let environment_says = server.log();
    let letter = mail.next_letter().await.with_context(|| environment_says)?;
    ensure!(!letter.secure && letter.user.is_some(), "{letter:?}");
    Ok(())
}

async fn a_certificate_of_nobody_is_not_believed() -> anyhow::Result<()> {
    let mut mail = MailServer::with(Options { tls: Tls::StartTls, ..Options::default() }).await?;
    let believing = settings(&mail, &[]);
    let doubting: Vec<_> = believing.into_iter().filter(|(name, _)| *name != "EMAIL_SMTP_TLS_CA_FILE").collect();
    let server = TestServer::seeded(&doubting).await?;
    forget(&server, USER.0).await?;
    let line = server.logged("letters cannot be sent").await?;
    ensure!(line.to_ascii_lowercase().contains("certificate"), "{line}");
    ensure!(letters(&server, "waiting")?.len() == 1);
    drop(server);
    let careless: Vec<_> = doubting.into_iter().chain([("EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED", "false")]).collect();
    let server = TestServer::seeded(&careless).await?;
    forget(&server, USER.0).await?;
    let letter = mail.next_letter().await;
    ensure!(letter?.secure);
    server.logged("EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED").await.map(drop)
}

async fn a_connection_is_kept_where_that_is_asked_for() -> anyhow::Result<()> {
    for (pool, connections) in [("true", 1), ("false", 2)] {
        let mut mail = MailServer::start().await?;
        let more = [("EMAIL_SMTP_POOL", pool), ("EMAIL_VERIFY_SETUP", "false")];
        let server = TestServer::seeded(&settings(&mail, &more)).await?;
        let mut connected = 0;
        for recipient in [USER.0, EDITOR.0] {
            forget(&server, recipient).await?;
            until(&server, "waiting", 0).await?;
            connected += mail.count("connected");
        }
        ensure!(connected == connections, "EMAIL_SMTP_POOL={pool}: {connected} connections");
    }
    Ok(())
}

async fn templates_of_the_operator_stand_in() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    let page = "{% layout \"base\" %}{% block content %}<p>Dear {{ email }}</p><a href=\"{{ url }}\">{{ projectName }}</a>{% endblock %}";
    write("password-reset.liquid", page)?;
    write("base.liquid", "<body>{% block content %}{% endblock %}</body>")?;
    let mut mail = MailServer::start().await?;
    let path = folder.path().to_str().context("path")?;
    let server = TestServer::seeded(&settings(&mail, &[("EMAIL_TEMPLATES_PATH", path)])).await?;
    forget(&server, USER.0).await?;
    let letter = mail.next_letter().await?;
    let expected = format!("<body><p>Dear {}</p><a href=\"{}\">Directus</a></body>", USER.0, letter.link()?);
    ensure!(letter.html.trim() == expected, "{}", letter.html);
    // A slip: people get the built-in letter, and the log tells the line.
    write("password-reset.liquid", "\n{{ url | shout }}")?;
    forget(&server, USER.0).await?;
    ensure!(mail.next_letter().await?.html.contains("<!DOCTYPE html>"));
    let line = server.logged("a template has a flaw").await?;
    ensure!(line.contains("`password-reset.liquid`, line 2"), "{line}");
    Ok(())
}

async fn letters_are_logged_or_written_where_there_is_no_mail_server() -> anyhow::Result<()> {
    let quick = quick(&[PUBLIC_URL, ("EMAIL_SENDMAIL_PATH", "/nowhere/sendmail")]);
    let server = TestServer::seeded(&quick).await?;
    server.logged("not for production").await?;
    forget(&server, USER.0).await?;
    let line = server.logged("https://auth.example.com/admin/reset-password?token=").await?;
    ensure!(line.contains(USER.0) && line.contains("Password Reset Request"), "{line}");

    let folder = tempfile::tempdir()?;
    let path = folder.path().to_str().context("path")?;
    let more = [("EMAIL_TRANSPORT", "file"), ("GATEWIT_MAIL_FOLDER", path)];
    let server = TestServer::seeded(&quick.iter().copied().chain(more).collect::<Vec<_>>()).await?;
    forget(&server, USER.0).await?;
    until(&server, "waiting", 0).await?;
    let written = first_file(folder.path())?;
    ensure!(written.contains(&format!("To: {}", USER.0)), "{written}");
    ensure!(!server.log().contains("token="), "{}", server.log());
    Ok(())
}

fn first_file(folder: &Path) -> anyhow::Result<String> {
    let entry = folder.read_dir()?.next().context("no letter is there")??;
    Ok(std::fs::read_to_string(entry.path())?)
}

async fn settings_that_send_nothing_are_refused() -> anyhow::Result<()> {
    for (settings, words) in [
        (&[("EMAIL_TRANSPORT", "ses")][..], "EMAIL_SMTP_HOST=email-smtp."),
        (&[("EMAIL_TRANSPORT", "smtp")], "EMAIL_SMTP_HOST: is not set"),
        (&[("EMAIL_TRANSPORT", "sendmail"), ("EMAIL_SENDMAIL_PATH", "/nowhere/sendmail")], "EMAIL_SENDMAIL_PATH"),
        (&[("EMAIL_SMTP_HOST", "a.example"), ("EMAIL_SMTP_USER", "a")], "EMAIL_SMTP_PASSWORD"),
    ] {
        let output = refusal(settings).await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1) && errors.contains(words), "{settings:?}: {errors}");
    }
    Ok(())
}
