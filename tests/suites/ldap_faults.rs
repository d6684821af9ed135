//! Directories that are broken, or worse: whatever they do, a sign-in ends soon, changes nothing, and says why to the operator
//! only.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::calls::refresh;
use e2e::directory::{Conduct, Directory, PERSON, SERVICE, Stage};
use e2e::server::TestServer;

use crate::ldap::site::{accounts, login, refused, serve, signed_in};

e2e::suite! {
    a_directory_that_behaves_signs_in,
    an_empty_password_reaches_nobody,
    whatever_a_directory_says_nobody_is_let_in,
    a_directory_that_hangs_is_left_in_time,
    entries_without_end_are_not_read,
    a_referral_leads_to_a_server_of_the_settings,
    a_driver_reaches_the_servers_of_its_settings_only,
    a_refresh_meets_the_same_faults,
    a_server_that_hangs_is_stood_in_for,
}

/// Deadlines that a test can wait for.
const SHORT: [(&str, &str); 4] = [
    ("GATEWIT_OUTBOUND_CONNECT_TIMEOUT", "300ms"),
    ("GATEWIT_OUTBOUND_READ_TIMEOUT", "300ms"),
    ("GATEWIT_OUTBOUND_TIMEOUT", "900ms"),
    ("GATEWIT_OUTBOUND_CALL_TIMEOUT", "5s"),
];

/// How long a sign-in may take with these, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

fn settings(urls: &str) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let own = [
        pair("AUTH_PROVIDERS", "ld"),
        pair("AUTH_LD_DRIVER", "ldap"),
        pair("AUTH_LD_CLIENT_URL", urls),
        pair("AUTH_LD_BIND_DN", SERVICE.0),
        pair("AUTH_LD_BIND_PASSWORD", SERVICE.1),
        pair("AUTH_LD_USER_DN", "ou=people"),
    ];
    own.into_iter().chain(SHORT.map(|(name, value)| pair(name, value))).collect()
}

async fn serving(directory: &Directory, more: &[(&str, &str)]) -> anyhow::Result<TestServer> {
    serve(&settings(&format!("ldap://127.0.0.1:{}", directory.port)), more).await
}

async fn a_directory_that_behaves_signs_in() -> anyhow::Result<()> {
    let directory = Directory::start(None)?;
    let server = serving(&directory, &[]).await?;
    signed_in(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?)?;
    refused(&server.client().send(&login(PERSON.1, "wrong", "json")).await?, 401, "INVALID_CREDENTIALS")?;
    ensure!(directory.asked()[..3] == ["bind cn=service", "search ou=people", "bind cn=Alice,ou=people"]);
    Ok(())
}

/// It would be taken for no sign-in at all, and succeed.
async fn an_empty_password_reaches_nobody() -> anyhow::Result<()> {
    let directory = Directory::start(None)?;
    let server = serving(&directory, &[]).await?;
    refused(&server.client().send(&login(PERSON.1, "", "json")).await?, 400, "INVALID_PAYLOAD")?;
    ensure!(directory.asked().is_empty() && accounts(&server).await?.is_empty(), "{:?}", directory.asked());
    Ok(())
}

async fn whatever_a_directory_says_nobody_is_let_in() -> anyhow::Result<()> {
    let gigabyte = vec![0x30, 0x84, 0x40, 0, 0, 0, 2, 1, 1];
    for (stage, conduct, told) in [
        (Stage::Bind, Conduct::Close, "it closed the connection"),
        (Stage::Search, Conduct::Half, "it closed the connection"),
        (Stage::Password, Conduct::Half, "it closed the connection"),
        (Stage::Bind, Conduct::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), "is not LDAP"),
        (Stage::Search, Conduct::Say(gigabyte.clone()), "more than a megabyte"),
        (Stage::Password, Conduct::Say(gigabyte), "more than a megabyte"),
        (Stage::Password, Conduct::Say(vec![0x30, 3, 2, 1, 3]), "cannot be read"),
        (Stage::Password, Conduct::Stray, "a request that was not made"),
        (Stage::Bind, Conduct::Result(51, vec![]), "51 (busy)"),
        (Stage::Search, Conduct::Result(1, vec![]), "1 (operations error)"),
        (Stage::Search, Conduct::Result(10, vec!["ldap://elsewhere/".into()]), "sends us on to"),
        (Stage::Password, Conduct::Result(52, vec![]), "52 (unavailable)"),
    ] {
        let shown = format!("{stage:?} {conduct:?}");
        let directory = Directory::start(Some((stage, conduct)))?;
        let server = serving(&directory, &[]).await?;
        let answer = server.client().send(&login(PERSON.1, PERSON.2, "json")).await?;
        refused(&answer, 503, "SERVICE_UNAVAILABLE").with_context(|| shown.clone())?;
        ensure!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
        server.logged(told).await.with_context(|| shown.clone())?;
        ensure!(accounts(&server).await?.is_empty(), "{shown}");
        ensure!(
            !server.log().contains(PERSON.2) && !server.log().contains(SERVICE.1),
            "{shown}: a password is in the log"
        );
    }
    Ok(())
}

async fn a_directory_that_hangs_is_left_in_time() -> anyhow::Result<()> {
    for (stage, conduct) in [
        (Stage::Bind, Conduct::Hang),
        (Stage::Search, Conduct::Hang),
        (Stage::Password, Conduct::Hang),
        (Stage::Bind, Conduct::Drip),
        (Stage::Search, Conduct::Drip),
    ] {
        let shown = format!("{stage:?} {conduct:?}");
        let directory = Directory::start(Some((stage, conduct)))?;
        let server = serving(&directory, &[]).await?;
        let start = Instant::now();
        let answer = server.client().send(&login(PERSON.1, PERSON.2, "json")).await?;
        refused(&answer, 503, "SERVICE_UNAVAILABLE").with_context(|| shown.clone())?;
        ensure!(start.elapsed() < PATIENCE, "{shown}: {:?}", start.elapsed());
        server.logged("it did not answer in time").await.with_context(|| shown.clone())?;
    }
    // One that does not speak TLS although it should.
    let directory = Directory::start(Some((Stage::Bind, Conduct::Hang)))?;
    let server = serve(&settings(&format!("ldaps://127.0.0.1:{}", directory.port)), &[]).await?;
    let start = Instant::now();
    refused(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?, 503, "SERVICE_UNAVAILABLE")?;
    ensure!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    Ok(())
}

async fn entries_without_end_are_not_read() -> anyhow::Result<()> {
    for count in [2, 100_000] {
        let directory = Directory::start(Some((Stage::Search, Conduct::Entries(count))))?;
        let server = serving(&directory, &[]).await?;
        let start = Instant::now();
        refused(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?, 401, "INVALID_CREDENTIALS")?;
        ensure!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        server.logged("several entries have (cn=alice)").await?;
        ensure!(!directory.asked().contains(&"bind cn=Alice,ou=people".to_owned()));
    }
    Ok(())
}

async fn a_referral_leads_to_a_server_of_the_settings() -> anyhow::Result<()> {
    // One in a circle ends by the number of them, which the protocol's own tests show.
    let listens = Directory::start(None)?;
    let there = format!("ldap://127.0.0.1:{}", listens.port);
    let directory = Directory::start(Some((Stage::Search, Conduct::Result(10, vec![format!("{there}/ou=x")]))))?;
    let follows = [("AUTH_LD_FOLLOW_REFERRALS", "true"), ("AUTH_LD_REFERRAL_URLS", there.as_str())];
    let server = serving(&directory, &follows).await?;
    signed_in(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?)?;
    ensure!(listens.asked().contains(&"search ou=x".to_owned()), "{:?}", listens.asked());
    Ok(())
}

async fn a_driver_reaches_the_servers_of_its_settings_only() -> anyhow::Result<()> {
    let secret = Directory::start(None)?;
    let there = format!("ldap://127.0.0.1:{}/ou=people", secret.port);
    let directory = Directory::start(Some((Stage::Search, Conduct::Result(10, vec![there]))))?;
    let server = serving(&directory, &[("AUTH_LD_FOLLOW_REFERRALS", "true")]).await?;
    refused(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?, 503, "SERVICE_UNAVAILABLE")?;
    let line = server.logged("a connection of a driver is denied").await?;
    ensure!(line.contains("ld") && line.contains(&secret.port.to_string()), "{line}");
    ensure!(secret.asked().is_empty(), "{:?}", secret.asked());
    // Metadata of clouds are nobody's business, even if they are configured.
    let server = serve(&settings("ldap://169.254.169.254"), &[]).await?;
    refused(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?, 503, "SERVICE_UNAVAILABLE")?;
    server.logged("where no driver has business").await.map(drop)
}

async fn a_refresh_meets_the_same_faults() -> anyhow::Result<()> {
    let good = Directory::start(None)?;
    let server = serving(&good, &[]).await?;
    let body = signed_in(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?)?;
    let token = body["refresh_token"].as_str().unwrap_or_default().to_owned();
    let data = server.data.clone();
    drop(server);
    let hangs = Directory::start(Some((Stage::Search, Conduct::Hang)))?;
    let settings = settings(&format!("ldap://127.0.0.1:{}", hangs.port));
    let all: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = TestServer::start_in(data, &e2e::calls::quick(&all)).await?;
    refused(&server.client().send(&refresh(&token)).await?, 503, "SERVICE_UNAVAILABLE")?;
    Ok(())
}

async fn a_server_that_hangs_is_stood_in_for() -> anyhow::Result<()> {
    let (hangs, good) = (Directory::start(Some((Stage::Bind, Conduct::Hang)))?, Directory::start(None)?);
    let urls = format!("ldap://127.0.0.1:{},ldap://127.0.0.1:{}", hangs.port, good.port);
    let server = serve(&settings(&urls), &[]).await?;
    signed_in(&server.client().send(&login(PERSON.1, PERSON.2, "json")).await?)?;
    Ok(())
}
